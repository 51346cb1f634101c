//! Decides anew what an explanation says was decided, from that explanation alone.
//!
//! * For tests only. Knows the language of conditions and the JSON of Explain with
//!   `Detail=full`; knows no engine, so it cannot repeat an engine's mistake.
//! * The rules are those of the reference, written down a second time.
//! * Whatever the explanation claims and these rules do not bear out is an error.

mod order;
mod walk;
mod worker;

use base::Timestamp;
use expr::{Expression, Place, Scope};
use serde_json::Value;
use std::collections::BTreeMap;
use worker::Worker;

/// What was decided about a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whom it is offered to, first choice first; empty for nobody.
    pub offer: Vec<String>,
    /// For each worker the first condition that rules them out, in the words of Explain.
    pub reasons: BTreeMap<String, Option<&'static str>>,
}

/// Decides from all pages of one explanation.
pub fn decide(pages: &[Value]) -> Result<Decision, String> {
    let first = pages.first().ok_or("no page")?;
    let workers = pages.iter().flat_map(|page| page["workers"].as_array().into_iter().flatten());
    let workers: Vec<Worker<'_>> = workers.map(Worker::of).collect::<Result<_, _>>()?;
    let case = Case::of(first)?;
    let mut reasons = BTreeMap::new();
    let mut candidates = Vec::new();
    for worker in &workers {
        let reason = case.obstacle(worker)?;
        reasons.insert(worker.sid.to_owned(), reason);
        if reason.is_none() {
            candidates.push(worker);
        }
    }
    case.sort(&mut candidates);
    candidates.truncate(case.most);
    let offer = candidates.into_iter().map(|worker| worker.sid.to_owned()).collect();
    Ok(Decision { offer, reasons })
}

/// Which schedules are said to be open.
fn schedules(shown: &Value) -> BTreeMap<String, bool> {
    let all = shown.as_object().into_iter().flatten();
    all.filter_map(|(name, open)| Some((name.clone(), open.as_bool()?))).collect()
}

/// The task and all that its decision rests on beside workers.
struct Case<'a> {
    attributes: &'a Value,
    status: &'a str,
    at: Timestamp,
    schedules: BTreeMap<String, bool>,
    channel: &'a str,
    optimized: bool,
    single: bool,
    capacity: &'a Value,
    refused_by: Vec<&'a str>,
    rests_from: &'a Value,
    passed_over: Vec<&'a str>,
    most: usize,
    asks: Asks<'a>,
}

/// What is asked of a worker.
enum Asks<'a> {
    /// Direct routing.
    Direct { worker: &'a str, ignore_capacity: bool },
    /// Membership of a queue, and what the target says.
    Queue {
        members: Option<Expression>,
        target: Option<Expression>,
        known: Known,
        order_by: &'a str,
    },
}

/// The worker a target is for.
enum Known {
    Anybody,
    Sid(Option<String>),
    Name(Option<String>),
}

impl<'a> Case<'a> {
    fn of(shown: &'a Value) -> Result<Self, String> {
        let task = &shown["task"];
        let most = &shown["task_queue"]["max_reserved_workers"];
        let asks = asks(shown)?;
        Ok(Self {
            attributes: &task["attributes"],
            status: text(&shown["assignment_status"])?,
            at: instant(&shown["at"])?,
            schedules: schedules(&shown["rules"]["schedules"]),
            channel: text(&task["task_channel"])?,
            optimized: shown["rules"]["channel_optimized_routing"] == true,
            single: shown["rules"]["multi_task_enabled"] == false,
            capacity: &shown["rules"]["capacity"],
            refused_by: texts(&task["refused_by"]),
            rests_from: &task["rests_from"],
            passed_over: texts(&task["passed_over"]),
            most: match &asks {
                Asks::Direct { ignore_capacity: true, .. } => 1,
                _ => most.as_u64().unwrap_or(1) as usize,
            },
            asks,
        })
    }

    fn scope<'b>(&'b self) -> Scope<'b> {
        let schedules = &self.schedules;
        Scope { task: self.attributes, now: self.at, schedules, ..Scope::default() }
    }

    fn obstacle(&self, worker: &Worker<'_>) -> Result<Option<&'static str>, String> {
        if self.status != "pending" {
            return Ok(Some("task_not_pending"));
        }
        let own = worker.obstacle(self.channel, self.single, self.capacity)?;
        let rests = self.rests_from == "everybody"
            || texts(&self.rests_from["workers"]).contains(&worker.sid);
        Ok(match &self.asks {
            Asks::Direct { worker: named, .. } if *named != worker.sid => {
                Some("not_the_routing_target")
            }
            Asks::Direct { .. } if rests => Some("callback_failed"),
            Asks::Direct { ignore_capacity: true, .. } => None,
            Asks::Direct { .. } => own,
            Asks::Queue { members, target, known, .. } => {
                let plain = Scope { worker: worker.attributes, ..Scope::default() };
                let full = Scope { worker: worker.attributes, facts: worker, ..self.scope() };
                if own == Some("activity_unavailable") {
                    own
                } else if !members.as_ref().is_some_and(|one| one.evaluate(&plain)) {
                    Some("not_in_queue")
                } else if !target.as_ref().is_none_or(|one| one.evaluate(&full)) {
                    Some("target_expression")
                } else if self.passed_over.contains(&worker.sid) {
                    Some("passed_over")
                } else if !known.is(worker) {
                    Some("not_the_known_worker")
                } else if rests {
                    Some("callback_failed")
                } else {
                    own
                }
            }
        })
    }

    fn sort(&self, candidates: &mut [&Worker<'_>]) {
        candidates.sort_by_key(|worker| {
            let on_channel =
                self.optimized.then(|| worker.last_reserved_at(self.channel)).flatten();
            (on_channel, worker.idle_since, worker.sid.to_owned())
        });
        if let Asks::Queue { order_by, .. } = &self.asks {
            let clauses = order::clauses(order_by);
            candidates.sort_by(|one, two| order::compare(&clauses, one.attributes, two.attributes));
        }
        candidates.sort_by_key(|worker| self.refused_by.contains(&worker.sid));
    }
}

impl Known {
    fn is(&self, worker: &Worker<'_>) -> bool {
        match self {
            Self::Anybody => true,
            Self::Sid(sid) => sid.as_deref() == Some(worker.sid),
            Self::Name(name) => {
                name.as_ref().map(|name| name.to_lowercase()) == Some(worker.name.to_lowercase())
            }
        }
    }
}

fn asks(shown: &Value) -> Result<Asks<'_>, String> {
    let task = &shown["task"];
    // In a transfer the task is for its queue; whoever hands it over is always passed over.
    let in_transfer = !texts(&task["passed_over"]).is_empty();
    let routed = task["routing_target"].as_str().filter(|_| !in_transfer);
    if let Some(worker) = routed.filter(|sid| sid.starts_with("WK")) {
        let ignore_capacity = task["ignore_capacity"] == true;
        return Ok(Asks::Direct { worker, ignore_capacity });
    }
    let members = compiled(&shown["task_queue"]["target_workers"], Place::Queue)?;
    if shown["target"].is_null() {
        return Ok(Asks::Queue { members, target: None, known: Known::Anybody, order_by: "" });
    }
    let target = walk::target(shown)?;
    let named = |key: &str| {
        let path = target[key].as_str().and_then(|path| path.strip_prefix("task."))?;
        Some(order::find(path, &task["attributes"]).and_then(Value::as_str).map(str::to_owned))
    };
    let known = match (named("known_worker_sid"), named("known_worker_friendly_name")) {
        (Some(sid), _) => Known::Sid(sid),
        (None, Some(name)) => Known::Name(name),
        (None, None) => Known::Anybody,
    };
    Ok(Asks::Queue {
        members,
        target: compiled(&target["expression"], Place::Target)?,
        known,
        order_by: target["order_by"].as_str().unwrap_or_default(),
    })
}

fn compiled(source: &Value, place: Place) -> Result<Option<Expression>, String> {
    let Some(source) = source.as_str().filter(|source| !source.trim().is_empty()) else {
        return Ok(None);
    };
    let compiled = Expression::compile(source, place);
    compiled.map(Some).map_err(|error| format!("{source}: {error}"))
}

fn instant(value: &Value) -> Result<Timestamp, String> {
    text(value)?.parse().map_err(|error| format!("{error}"))
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("a text was expected, not {value}"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
