//! The few expressions the simulation uses, as values that can be written as text and judged
//! without the engine: the checkers must not share the engine's mistakes.

use crate::{faults::Switches, hours::NAMES};
use base::Timestamp;
use routing::WorkerSid;
use serde_json::Value;
use testkit::Random;

/// A condition on a worker, for queues and targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Everybody.
    All,
    /// Nobody.
    Nobody,
    /// The worker has the skill.
    Skill(u8),
    /// The worker's level is at least this.
    Level(u8),
    /// The worker speaks the task's language. Targets only.
    SameLanguage,
    /// A schedule is open. Targets only.
    Open(u8),
    /// The hour has not come to this minute yet. Targets only.
    Early(u8),
}

/// A condition on a task, for filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// Any task.
    Any,
    /// The task asks for the skill.
    Wants(u8),
    /// The task is urgent.
    Urgent,
    /// A schedule is open.
    Open(u8),
}

/// How a condition on the minute begins.
const EARLY: &str = "taskrouter.currentMin < ";
/// Skills that occur.
pub(crate) const SKILLS: u8 = 4;
/// Levels that occur.
pub(crate) const LEVELS: u8 = 5;
/// Languages that occur.
pub(crate) const LANGUAGES: [&str; 3] = ["de", "en", "fr"];

impl Rule {
    /// For a queue.
    pub(crate) fn of_queue(random: &mut Random) -> Self {
        match random.below(12) {
            0..=5 => Self::All,
            6..=8 => Self::Skill(random.below(SKILLS.into()) as u8),
            9 | 10 => Self::Level(random.below(LEVELS.into()) as u8),
            _ => Self::Nobody,
        }
    }

    /// For a target.
    pub(crate) fn of_target(random: &mut Random, switches: Switches) -> Self {
        if switches.schedules && random.percent(30) {
            return Self::Open(random.below(NAMES.len() as u64) as u8);
        }
        match random.below(8) {
            0..=3 => Self::All,
            4 => match random.percent(60) {
                true => Self::Early(random.below(60) as u8),
                false => Self::All,
            },
            5 => Self::SameLanguage,
            6 => Self::Skill(random.below(SKILLS.into()) as u8),
            _ => Self::Level(random.below(LEVELS.into()) as u8),
        }
    }

    /// In a queue.
    pub(crate) fn queue_text(self) -> String {
        match self {
            Self::All | Self::SameLanguage | Self::Open(_) | Self::Early(_) => "1==1".to_owned(),
            Self::Nobody => String::new(),
            Self::Skill(skill) => format!("skills HAS \"s{skill}\""),
            Self::Level(level) => format!("level >= {level}"),
        }
    }

    /// In a target; `None` for no expression.
    pub(crate) fn target_text(self) -> Option<String> {
        match self {
            Self::All | Self::Nobody => None,
            Self::Skill(skill) => Some(format!("worker.skills HAS \"s{skill}\"")),
            Self::Level(level) => Some(format!("worker.level >= {level}")),
            Self::SameLanguage => Some("task.language == worker.language".to_owned()),
            Self::Open(which) => Some(opens(which)),
            Self::Early(minute) => Some(format!("{EARLY}{minute}")),
        }
    }

    /// Back from its text in a queue or target; `None` for a text that is none of ours.
    pub(crate) fn parse(text: Option<&str>) -> Option<Self> {
        let Some(text) = text else { return Some(Self::All) };
        let text = text.replace("worker.", "").replace("task.", "task ");
        Some(match text.as_str() {
            "" => Self::Nobody,
            "1==1" => Self::All,
            "task language == language" => Self::SameLanguage,
            text => {
                if let Some((which, _)) = (0..).zip(NAMES).find(|(at, _)| opens(*at) == text) {
                    Self::Open(which)
                } else if let Some(minute) = text.strip_prefix(EARLY) {
                    Self::Early(minute.parse().ok()?)
                } else if let Some(level) = text.strip_prefix("level >= ") {
                    Self::Level(level.parse().ok()?)
                } else {
                    let skill = text.strip_prefix("skills HAS \"s")?.strip_suffix('"')?;
                    Self::Skill(skill.parse().ok()?)
                }
            }
        })
    }

    /// Whether it holds now; `is_open` knows schedules by name.
    pub(crate) fn holds(
        self,
        worker: &Value,
        task: &Value,
        now: Timestamp,
        is_open: impl Fn(&str) -> bool,
    ) -> bool {
        match self {
            Self::All => true,
            Self::Nobody => false,
            Self::Skill(skill) => {
                let wanted = format!("s{skill}");
                let skills = worker["skills"].as_array();
                skills.is_some_and(|skills| skills.iter().any(|has| *has == wanted.as_str()))
            }
            Self::Level(level) => worker["level"].as_u64().is_some_and(|has| has >= level.into()),
            Self::SameLanguage => worker["language"] == task["language"],
            Self::Open(which) => is_open(NAMES[usize::from(which)]),
            Self::Early(minute) => now.0.div_euclid(60_000).rem_euclid(60) < minute.into(),
        }
    }
}

impl Case {
    /// For a filter.
    pub(crate) fn of_filter(random: &mut Random, switches: Switches) -> Self {
        if switches.schedules && random.percent(35) {
            return Self::Open(random.below(NAMES.len() as u64) as u8);
        }
        match random.below(6) {
            0 | 1 => Self::Any,
            2..=4 => Self::Wants(random.below(SKILLS.into()) as u8),
            _ => Self::Urgent,
        }
    }

    /// For a class of tasks in a queue: none that asks for the time.
    pub(crate) fn of_class(random: &mut Random) -> Self {
        match random.below(3) {
            0 | 1 => Self::Wants(random.below(SKILLS.into()) as u8),
            _ => Self::Urgent,
        }
    }

    /// Back from its text in a class.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let wanted = (0..SKILLS).map(Self::Wants).find(|case| case.text() == text);
        wanted.or_else(|| (Self::Urgent.text() == text).then_some(Self::Urgent))
    }

    /// Whether it holds, which for schedules depends on more than the task.
    pub(crate) fn holds(self, task: &Value) -> Option<bool> {
        Some(match self {
            Self::Any => true,
            Self::Wants(skill) => task["skill"] == format!("s{skill}").as_str(),
            Self::Urgent => task["urgent"] == true,
            Self::Open(_) => return None,
        })
    }

    /// In a filter.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Any => "1==1".to_owned(),
            Self::Wants(skill) => format!("skill == \"s{skill}\""),
            Self::Urgent => "urgent == true".to_owned(),
            Self::Open(which) => opens(which),
        }
    }
}

fn opens(which: u8) -> String {
    format!("schedule.{}.open == true", NAMES[usize::from(which)])
}

/// A worker's attributes.
pub(crate) fn worker_attributes(random: &mut Random) -> String {
    let skills: Vec<String> =
        (0..SKILLS).filter(|_| random.percent(60)).map(|skill| format!("\"s{skill}\"")).collect();
    let level = random.below(LEVELS.into());
    let language = LANGUAGES[random.below(LANGUAGES.len() as u64) as usize];
    format!(
        "{{\"skills\": [{}], \"level\": {level}, \"language\": \"{language}\"}}",
        skills.join(", ")
    )
}

/// A task's attributes, with white space and characters that must survive byte for byte.
pub(crate) fn task_attributes(random: &mut Random, workers: &[WorkerSid]) -> String {
    let skill = random.below(SKILLS.into());
    let language = LANGUAGES[random.below(LANGUAGES.len() as u64) as usize];
    let urgent = random.percent(20);
    let note = random.below(1_000);
    let agent = random.below(6);
    let agent_sid = random.one_of(workers).copied().unwrap_or(WorkerSid::new(1));
    format!(
        "{{ \"skill\": \"s{skill}\",\"language\":\"{language}\", \"urgent\": {urgent}, \
         \"agent\": \"worker {agent}\", \"agent_sid\": \"{agent_sid}\", \
         \"note\": \"größer als {note} \\u00e4\" }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_its_own_text() {
        for rule in [Rule::All, Rule::Nobody, Rule::Skill(2), Rule::Level(3)] {
            assert_eq!(Rule::parse(Some(&rule.queue_text())), Some(rule));
        }
        for rule in [
            Rule::All,
            Rule::Skill(2),
            Rule::Level(3),
            Rule::SameLanguage,
            Rule::Open(1),
            Rule::Early(7),
        ] {
            assert_eq!(Rule::parse(rule.target_text().as_deref()), Some(rule));
        }
        assert_eq!(Rule::parse(Some("something else")), None);
    }
}
