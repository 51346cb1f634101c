//! What the load looks like: workers with skills, languages, regions and levels, and tasks that ask
//! for them. The same mix as the PostgreSQL peer's, so that the two can stand side by side.

use serde_json::json;
use testkit::Random;

/// Channels with their capacity for each worker.
pub(crate) const CHANNELS: [(&str, u32); 3] = [("voice", 1), ("chat", 4), ("sms", 8)];

/// The queue's workflow: what the peer does in SQL. A task may pin the region.
pub(crate) const MATCH: &str =
    "task.skill IN worker.skills AND task.lang IN worker.langs AND worker.level >= task.level";

/// What one worker offers.
#[derive(Clone)]
pub(crate) struct Offer {
    skills: Vec<u64>,
    langs: Vec<u64>,
    region: u64,
    level: u64,
}

impl Offer {
    pub(crate) fn random(dice: &mut Random) -> Offer {
        let some = |dice: &mut Random, count: usize, of: u64| -> Vec<u64> {
            let mut picked: Vec<u64> = (0..count).map(|_| dice.below(of)).collect();
            picked.sort_unstable();
            picked.dedup();
            picked
        };
        Offer {
            skills: some(dice, 3, 10),
            langs: some(dice, 2, 5),
            region: dice.below(4),
            level: 1 + dice.below(5),
        }
    }

    pub(crate) fn attributes(&self) -> String {
        let skills: Vec<String> = self.skills.iter().map(|s| format!("s{s}")).collect();
        let langs: Vec<String> = self.langs.iter().map(|l| format!("l{l}")).collect();
        json!({
            "skills": skills, "langs": langs, "region": format!("r{}", self.region),
            "level": self.level,
        })
        .to_string()
    }
}

/// The attribute that carries a task's number, so that its offer is known by it.
pub(crate) const NUMBER: &str = "number";

/// The usual size of a task's attributes.
const ATTRIBUTES_BYTES: usize = 400;

/// One task: its channel, priority and attributes. At least one worker fits it.
pub(crate) fn task(
    dice: &mut Random,
    offers: &[Offer],
    number: usize,
) -> (&'static str, u64, String) {
    let offer = dice.one_of(offers).expect("a slice has workers");
    let skill = dice.one_of(&offer.skills).expect("a worker has a skill");
    let lang = dice.one_of(&offer.langs).expect("a worker has a language");
    let channel = dice.one_of(&["voice", "chat", "chat", "sms"]).expect("there are channels");
    let pinned = match dice.below(3) {
        0 => format!(r#","region":"r{}""#, offer.region),
        _ => String::new(),
    };
    let level = (1 + dice.below(2)).min(offer.level);
    let asks = format!(r#""skill":"s{skill}","lang":"l{lang}","level":{level}{pinned}"#);
    (channel, dice.below(10), filled(number, &asks))
}

/// Attributes of a task that asks for nothing a worker has.
pub(crate) fn idle_task(number: usize) -> String {
    filled(number, r#""name":"Sample Visitor""#)
}

/// Attributes of the usual size.
fn filled(number: usize, fields: &str) -> String {
    let start = format!(r#"{{"{NUMBER}":{number},{fields},"text":""#);
    let rest = ATTRIBUTES_BYTES.saturating_sub(start.len() + 2);
    format!(r#"{start}{}"}}"#, "x".repeat(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_have_their_size_and_are_json() {
        for number in [0, 12_345, 9_999_999] {
            let text = idle_task(number);
            assert_eq!(text.len(), ATTRIBUTES_BYTES);
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }

    #[test]
    fn every_task_fits_a_worker() {
        let mut dice = Random::new(1);
        let offers: Vec<Offer> = (0..20).map(|_| Offer::random(&mut dice)).collect();
        for number in 0..100 {
            let (_, _, attributes) = task(&mut dice, &offers, number);
            assert_eq!(attributes.len(), ATTRIBUTES_BYTES);
            let task: serde_json::Value = serde_json::from_str(&attributes).unwrap();
            let fits = offers.iter().any(|offer| {
                let worker: serde_json::Value = serde_json::from_str(&offer.attributes()).unwrap();
                let has =
                    |list: &str, item: &str| worker[list].as_array().unwrap().contains(&task[item]);
                has("skills", "skill")
                    && has("langs", "lang")
                    && worker["level"].as_u64() >= task["level"].as_u64()
                    && (task["region"].is_null() || task["region"] == worker["region"])
            });
            assert!(fits, "{attributes}");
        }
    }
}
