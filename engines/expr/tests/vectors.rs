//! Every published expression vector, and ours of the same kind, in the crate.

use base::Sid;
use expr::{ChannelField, Expression, Fact, Place, Scope, WorkerCounts, WorkerFacts, WorkerField};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

const FILES: [&str; 3] = ["expressions.json", "expressions-choices.json", "expressions-own.json"];

#[derive(Deserialize)]
struct Case {
    id: String,
    expression: String,
    context: String,
    #[serde(default)]
    task: Value,
    #[serde(default)]
    worker: Value,
    #[serde(default)]
    worker_meta: Meta,
    workers: Option<BTreeMap<String, i64>>,
    now: Option<String>,
    expect: Value,
}

#[derive(Default, Deserialize)]
struct Meta {
    sid: Option<Sid>,
    friendly_name: Option<String>,
    activity_sid: Option<Sid>,
    activity_name: Option<String>,
    #[serde(default)]
    channels: BTreeMap<String, Channel>,
}

#[derive(Deserialize)]
struct Channel {
    configured_capacity: i64,
    reservations: Reservations,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reservations {
    pending: i64,
    accepted: i64,
    wrapping: i64,
}

impl WorkerFacts for Meta {
    fn fact(&self, field: &WorkerField) -> Fact<'_> {
        match field {
            WorkerField::Sid => self.sid.map_or(Fact::Null, Fact::Sid),
            WorkerField::ActivitySid => self.activity_sid.map_or(Fact::Null, Fact::Sid),
            WorkerField::FriendlyName => {
                self.friendly_name.as_deref().map_or(Fact::Null, Fact::Text)
            }
            WorkerField::ActivityName => {
                self.activity_name.as_deref().map_or(Fact::Null, Fact::Text)
            }
            WorkerField::AssignedTasks => {
                Fact::Number(self.channels.values().map(|c| c.reservations.accepted).sum())
            }
            WorkerField::Channel { name, what } => {
                self.channels.get(&**name).map_or(Fact::Null, |c| Fact::Number(c.field(*what)))
            }
        }
    }
}

impl Channel {
    fn field(&self, field: ChannelField) -> i64 {
        let Reservations { pending, accepted, wrapping } = self.reservations;
        match field {
            ChannelField::ConfiguredCapacity => self.configured_capacity,
            ChannelField::AssignedTasks => accepted,
            ChannelField::AvailableCapacityPercentage if self.configured_capacity == 0 => 0,
            ChannelField::AvailableCapacityPercentage => {
                let free = self.configured_capacity - pending - accepted - wrapping;
                free.max(0) * 100 / self.configured_capacity
            }
        }
    }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testkit/vectors");
    FILES
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(folder.join(file)).expect(file);
            serde_json::from_str::<Vec<Case>>(&text).expect(file)
        })
        .collect()
}

/// The answer as the vectors write it, checked to be the same by every way to it.
fn answer(case: &Case) -> Value {
    let place: Place = case.context.parse().expect(&case.id);
    let Ok(expression) = Expression::compile(&case.expression, place) else {
        return Value::from("error");
    };
    let workers = case.workers.as_ref().map(counts);
    let scope = Scope {
        task: &case.task,
        worker: &case.worker,
        facts: &case.worker_meta,
        workers: workers.as_ref(),
        now: case.now.as_deref().map(|now| now.parse().expect(&case.id)).unwrap_or_default(),
        ..Scope::default()
    };
    let result = expression.evaluate(&scope);
    assert_eq!(expression.trace(&scope).steps[0].value, Value::from(result), "{}", case.id);
    if place != Place::SkipIf {
        let bound = expression.bind(scope.task);
        let bound = bound.evaluate(scope.worker, scope.facts, scope.now, scope.schedules);
        assert_eq!(bound, result, "{} after binding", case.id);
    }
    let printed = Expression::compile(&expression.to_string(), place).expect(&case.id);
    assert_eq!(printed.evaluate(&scope), result, "{} as {printed}", case.id);
    Value::from(result)
}

fn counts(counts: &BTreeMap<String, i64>) -> WorkerCounts {
    let count = |name: &str| counts.get(name).copied().unwrap_or_default();
    let by_activity =
        counts.iter().filter_map(|(name, n)| Some((name.parse().ok()?, *n))).collect();
    WorkerCounts { available: count("available"), unavailable: count("unavailable"), by_activity }
}

#[test]
fn every_vector_holds() {
    let wrong: Vec<String> = cases()
        .iter()
        .filter(|case| answer(case) != case.expect)
        .map(|case| format!("{}: {} is not {}", case.id, case.expression, case.expect))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn there_are_vectors_of_every_kind() {
    let cases = cases();
    assert_ne!(cases.len(), 0);
    // Live queries are this server's own, and read as filters do.
    for place in Place::ALL.into_iter().filter(|place| *place != Place::LiveQuery) {
        assert!(cases.iter().any(|case| case.context == place.name()), "{place}");
    }
    for expect in [Value::from(true), Value::from(false), Value::from("error")] {
        assert!(cases.iter().any(|case| case.expect == expect), "{expect}");
    }
    let mut ids: Vec<&str> = cases.iter().map(|case| &*case.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), cases.len(), "ids are unique");
}
