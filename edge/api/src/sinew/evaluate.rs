//! An expression tried on given values: what it says, and why.

use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, wrong};
use base::{Sid, Timestamp};
use expr::{ChannelField, Expression, Fact, Place, Scope, WorkerCounts, WorkerFacts, WorkerField};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Expressions")
        .json()
        .post("/Evaluate", "expression.evaluate", Permit::Signed, evaluate)
        .params(&[
            Param::required("context", ParamKind::Word(CONTEXTS)),
            Param::required("expression", ParamKind::Text),
            Param::optional("task", ParamKind::Json),
            Param::optional("worker", ParamKind::Json),
            Param::optional("worker_meta", ParamKind::Json),
            Param::optional("workers", ParamKind::Json),
            Param::optional("data", ParamKind::Json),
            Param::optional("schedules", ParamKind::Json),
            Param::optional("now", ParamKind::Date),
            Param::optional("trace", ParamKind::Boolean),
        ])
}

const CONTEXTS: &[&str] = &["filter", "queue", "worker_list", "target", "skip_if", "live_query"];

#[derive(Deserialize)]
struct Request {
    context: String,
    expression: String,
    #[serde(default)]
    task: Value,
    #[serde(default)]
    worker: Value,
    #[serde(default)]
    worker_meta: Option<Meta>,
    #[serde(default)]
    workers: Option<BTreeMap<String, i64>>,
    /// The item that a live query looks at.
    #[serde(default)]
    data: Value,
    /// Whether each is open.
    #[serde(default)]
    schedules: BTreeMap<String, bool>,
    #[serde(default)]
    now: Option<String>,
    #[serde(default)]
    trace: bool,
}

#[derive(Serialize)]
struct Evaluation {
    result: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<expr::Trace>,
}

async fn evaluate(cx: Cx) -> Reply {
    let request: Request = cx.json()?;
    let now = match &request.now {
        Some(text) => text.parse().map_err(|_| wrong("now", "must be an ISO 8601 time"))?,
        None => cx.host.now(),
    };
    Ok(Answer::ok(&request.evaluate(now)?))
}

impl Request {
    fn evaluate(&self, now: Timestamp) -> Result<Evaluation, Problem> {
        let known = |text: &str| text.parse::<Place>();
        let place = known(&self.context).map_err(|error| wrong("context", &error.to_string()))?;
        let named = [("task", &self.task), ("worker", &self.worker), ("data", &self.data)];
        for (name, value) in named {
            if !value.is_object() && !value.is_null() {
                return Err(wrong(name, "must be a JSON object"));
            }
        }
        let expression = Expression::compile(&self.expression, place)
            .map_err(|error| wrong("expression", &error.message).at(error.position))?;
        let meta = Meta::default();
        let workers = self.workers.as_ref().map(counts);
        let scope = Scope {
            task: if place == Place::LiveQuery { &self.data } else { &self.task },
            worker: &self.worker,
            facts: self.worker_meta.as_ref().unwrap_or(&meta),
            workers: workers.as_ref(),
            now,
            schedules: &self.schedules,
        };
        let trace = self.trace.then(|| expression.trace(&scope));
        Ok(Evaluation { result: expression.evaluate(&scope), trace })
    }
}

fn counts(counts: &BTreeMap<String, i64>) -> WorkerCounts {
    let count = |name: &str| counts.get(name).copied().unwrap_or_default();
    let by_activity =
        counts.iter().filter_map(|(name, n)| Some((name.parse().ok()?, *n))).collect();
    WorkerCounts { available: count("available"), unavailable: count("unavailable"), by_activity }
}

/// The built-in fields of the worker that is tried.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    sid: Option<Sid>,
    friendly_name: Option<String>,
    activity_sid: Option<Sid>,
    activity_name: Option<String>,
    channels: BTreeMap<String, Channel>,
}

#[derive(Deserialize)]
struct Channel {
    configured_capacity: u32,
    #[serde(default)]
    reservations: Reservations,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Reservations {
    pending: u32,
    accepted: u32,
    wrapping: u32,
}

impl WorkerFacts for Meta {
    fn fact(&self, field: &WorkerField) -> Fact<'_> {
        let sid = |sid: Option<Sid>| sid.map_or(Fact::Null, Fact::Sid);
        match field {
            WorkerField::Sid => sid(self.sid),
            WorkerField::ActivitySid => sid(self.activity_sid),
            WorkerField::FriendlyName => text(self.friendly_name.as_deref()),
            WorkerField::ActivityName => text(self.activity_name.as_deref()),
            WorkerField::AssignedTasks => {
                let accepted = self.channels.values().map(|c| i64::from(c.reservations.accepted));
                Fact::Number(accepted.sum())
            }
            WorkerField::Channel { name, what } => {
                self.channels.get(&**name).map_or(Fact::Null, |c| Fact::Number(c.field(*what)))
            }
        }
    }
}

fn text(text: Option<&str>) -> Fact<'_> {
    text.map_or(Fact::Null, Fact::Text)
}

impl Channel {
    fn field(&self, field: ChannelField) -> i64 {
        let Reservations { pending, accepted, wrapping } = self.reservations;
        match field {
            ChannelField::ConfiguredCapacity => i64::from(self.configured_capacity),
            ChannelField::AssignedTasks => i64::from(accepted),
            ChannelField::AvailableCapacityPercentage => {
                let capacity = i64::from(self.configured_capacity);
                let open = i64::from(pending) + i64::from(accepted) + i64::from(wrapping);
                ((capacity - open).max(0) * 100).checked_div(capacity).unwrap_or(0)
            }
        }
    }
}
