//! Who asks for what, and who goes first: judged on rows, without the engine and its expressions.

use super::place::{Finding, Place};
use crate::rules::{Case, Rule};
use base::{Millis, Timestamp};
use routing::{
    Reservation, Task, TaskSid, TaskStatus, Walk, Worker,
    ordering::{OrderingRule, ServiceClass},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// What is asked of the worker of a task.
pub(super) struct Asked<'a> {
    place: &'a Place,
    attributes: Value,
    queue: Rule,
    target: Rule,
    known: Option<Known>,
}

/// The one worker a target is for.
enum Known {
    Name(String),
    Sid(String),
}

impl Asked<'_> {
    /// Whether a worker is asked for; whether they have room is another matter.
    pub(super) fn is(&self, worker: &Worker, about: &Value, now: Timestamp) -> bool {
        let is_open = |name: &str| self.place.is_open(name);
        let is_known = match &self.known {
            None => true,
            Some(Known::Name(name)) => *name == worker.friendly_name,
            Some(Known::Sid(sid)) => *sid == worker.sid.to_string(),
        };
        is_known
            && self.queue.holds(about, &self.attributes, now, is_open)
            && self.target.holds(about, &self.attributes, now, is_open)
    }
}

impl Place {
    /// Whether a schedule was open when the calendar was last looked at.
    pub(crate) fn is_open(&self, name: &str) -> bool {
        self.schedules.values().any(|schedule| schedule.name == name && schedule.open)
    }

    /// What queue and target ask for; `None` for what is none of ours.
    pub(super) fn asked(&self, task: &Task) -> Option<Asked<'_>> {
        let attributes: Value = serde_json::from_str(task.attributes.text()).ok()?;
        let queue = Rule::parse(Some(&self.queues.get(&task.queue?)?.target_workers))?;
        let Some(walk) = task.current_walk() else {
            let (target, known) = (Rule::All, None);
            return Some(Asked { place: self, attributes, queue, target, known });
        };
        let told = self.target(task, walk)?;
        let named = |key: &str, path: &str| {
            let is_asked = told[key].is_string();
            attributes[path].as_str().filter(|_| is_asked).map(str::to_owned)
        };
        let by_name = named("known_worker_friendly_name", "agent").map(Known::Name);
        let known = named("known_worker_sid", "agent_sid").map(Known::Sid).or(by_name);
        let target = Rule::parse(told["expression"].as_str())?;
        Some(Asked { place: self, attributes, queue, target, known })
    }

    /// The target a task is held in; null for the default filter's.
    fn target(&self, task: &Task, walk: &Walk) -> Option<Value> {
        let workflow = self.workflows.get(&task.workflow?)?;
        let text = if workflow.revision == walk.revision {
            &workflow.configuration
        } else {
            &self.revisions.get(&format!("{}-{}", workflow.sid, walk.revision))?.configuration
        };
        let whole: Value = serde_json::from_str(text).ok()?;
        let Some(filter) = walk.filter else { return Some(Value::Null) };
        let targets = &whole["task_routing"]["filters"][filter as usize]["targets"];
        Some(targets[walk.target as usize].clone())
    }

    /// A task is offered only to those whom its queue and target ask for, or to the one it is
    /// routed to.
    pub(super) fn judge_match(&self, task: &Task, offer: &Reservation) -> Option<Finding> {
        if offer.transfer.is_some() || task.status != TaskStatus::Reserved {
            return None;
        }
        let (worker, about) = self.workers.get(&offer.worker)?;
        let is_asked = match task.routing_target.filter(|target| target.kind() == "WK") {
            Some(target) => target == worker.sid.sid(),
            None => self.asked(task)?.is(worker, about, offer.created_at),
        };
        (!is_asked).then(|| {
            let what = format!("{} goes to {}, for whom it is not", task.sid, offer.worker);
            ("offers are made to those who are asked for", what)
        })
    }

    /// Of two tasks that wait in a queue by deadline for the same people, the one that breaches
    /// first goes first. `moved` are the tasks that the step changed otherwise: nobody knows any
    /// more where those stood.
    pub(super) fn judge_order(&self, task: &Task, moved: &BTreeSet<TaskSid>) -> Option<Finding> {
        let (kind, breach) = self.stands(task)?;
        let waiting = self.tasks.values().filter(|other| {
            other.status == TaskStatus::Pending
                && other.queue == task.queue
                && other.task_channel == task.task_channel
                && other.virtual_start_at < breach
                && !moved.contains(&other.sid)
        });
        let mut standing = waiting.filter_map(|other| Some((other, self.stands(other)?)));
        let (first, (_, at)) = standing
            .find(|(other, (same, at))| *same == kind && (*at, other.sid) < (breach, task.sid))?;
        let what = format!(
            "{} breaches at {} and waits, {} at {} and is offered",
            first.sid,
            at.to_string_ms(),
            task.sid,
            breach.to_string_ms()
        );
        Some(("the earliest breach goes first", what))
    }

    /// Among whom a task stands, and when it breaches, if it waits for whoever comes in a queue
    /// that is ordered by that.
    fn stands(&self, task: &Task) -> Option<(Value, Timestamp)> {
        let ordering = self.orderings.get(&task.queue?)?;
        let OrderingRule::Deadline { service_level_s, classes } = &ordering.rule else {
            return None;
        };
        let is_direct = task.routing_target.is_some_and(|target| target.kind() == "WK");
        let rests = task.rest.as_deref().and_then(|rest| rest.from.as_ref());
        if is_direct || rests.is_some() || task.transfer.is_some() {
            return None;
        }
        let told = match task.current_walk() {
            Some(walk) => self.target(task, walk)?,
            None => Value::Null,
        };
        let asks_task = ["known_worker_sid", "known_worker_friendly_name"];
        let is_own = asks_task.iter().any(|key| told[key].is_string());
        if is_own || Rule::parse(told["expression"].as_str())? == Rule::SameLanguage {
            return None;
        }
        let attributes: Value = serde_json::from_str(task.attributes.text()).ok()?;
        let fits = |class: &&ServiceClass| {
            let channel = self.channels.get(&task.task_channel);
            let case = class.expression.as_deref().and_then(Case::parse);
            class.priority_at_least.is_none_or(|least| task.priority >= least)
                && class
                    .channels
                    .as_ref()
                    .is_none_or(|all| channel.is_some_and(|c| all.contains(c)))
                && case.is_none_or(|case| case.holds(&attributes) == Some(true))
        };
        let class = classes.iter().find(fits).map(|class| class.service_level_s);
        let level = Millis::secs(class.unwrap_or(*service_level_s).into());
        let among = serde_json::json!([told["expression"], task.task_channel.to_string()]);
        Some((among, task.virtual_start_at + level))
    }
}
