//! Why a task is where it is, as values. The code that matches fills these; nothing is logged.
//!
//! * A look at the live state ([`Sight`]) copies what matters and is short; the explanation is
//!   made from it elsewhere ([`Sight::explain`]), so that traces cost the workspace nothing.
//! * With [`Detail::Full`] an explanation holds everything that whoever wants to decide anew needs:
//!   expressions, attributes, load, and the keys of the order.

mod past;
mod sight;
mod what_if;

pub use past::Past;
pub use sight::Sight;
pub(crate) use sight::{KnownSeen, RuleSeen, Seen, WorkerSeen};
pub use what_if::{Outcome, WhatIf, what_if};

use crate::{alert::Alert, capacity::CapacityRule, model::*};
use base::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is asked about a task.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The task.
    pub task: TaskSid,
    /// The one worker asked about.
    pub worker: Option<WorkerSid>,
    /// Workers behind this one, in order of SID.
    pub after: Option<WorkerSid>,
    /// Most workers on the page.
    pub limit: usize,
}

impl Look {
    /// The first workers.
    pub const fn of(task: TaskSid) -> Self {
        Self { task, worker: None, after: None, limit: 50 }
    }
}

/// How much an explanation holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Reasons.
    #[default]
    Reasons,
    /// Everything the decision rests on.
    Full,
}

/// Of which instant an explanation speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// When it was asked.
    Now,
    /// Just before the task was last offered.
    LastOffer,
    /// Just before a task ended that was never offered.
    End,
}

/// Why a task is where it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The task.
    pub task_sid: TaskSid,
    /// Where it stood at that instant.
    pub assignment_status: TaskStatus,
    /// The instant it speaks of.
    #[serde(serialize_with = "date")]
    pub at: Timestamp,
    /// Of which instant that is.
    pub basis: Basis,
    /// The newest change of the workspace it rests on.
    pub change: Option<u64>,
    /// The queue it is in.
    pub task_queue_sid: Option<TaskQueueSid>,
    /// One sentence that says it all.
    pub summary: String,
    /// Every filter tried, in order, with the values seen; empty under direct routing.
    pub filters: Vec<FilterTried>,
    /// The targets it left without being taken, oldest first.
    pub passed: Vec<TargetPassed>,
    /// The target the task is held in.
    pub target: Option<TargetHeld>,
    /// Workers who could be offered it, in the order they would be.
    pub candidates: Vec<WorkerSid>,
    /// Candidates not listed, because there are very many.
    pub candidates_left_out: usize,
    /// Those of them the task would be offered to.
    pub offer: Vec<WorkerSid>,
    /// How many workers there are, and how many each condition rules out.
    pub counts: BTreeMap<&'static str, usize>,
    /// For each worker of the page passed over, the first reason that ruled them out.
    pub verdicts: Vec<Verdict>,
    /// Workers passed over who are not on this page.
    pub verdicts_left_out: usize,
    /// The last worker of the page, if others follow.
    #[serde(skip)]
    pub next: Option<WorkerSid>,
    /// What the decision rests on.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub full: Option<Full>,
}

/// What a decision rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Full {
    /// The task.
    pub task: TaskShown,
    /// Its queue.
    pub task_queue: Option<QueueShown>,
    /// What holds for the whole workspace and for the task's channel.
    pub rules: RulesShown,
    /// The workers of the page, in order of SID.
    pub workers: Vec<WorkerShown>,
}

/// A task as a decision sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskShown {
    /// What expressions ask.
    pub attributes: Value,
    /// Larger is served first in FIFO queues.
    pub priority: u32,
    /// The unique name of its channel.
    pub task_channel: String,
    /// When it was made.
    #[serde(serialize_with = "date")]
    pub created_at: Timestamp,
    /// Replaces that for ordering.
    #[serde(serialize_with = "date")]
    pub virtual_start_at: Timestamp,
    /// Direct routing.
    pub routing_target: Option<base::Sid>,
    /// Direct routing to a worker regardless of capacity and availability.
    pub ignore_capacity: bool,
    /// Moves from pending to reserved so far.
    pub attempts: u32,
    /// Workers who refused its newest offer: others come first.
    pub refused_by: Vec<WorkerSid>,
    /// Whom a transfer of it passes over: whoever holds it or would not have it.
    pub passed_over: Vec<WorkerSid>,
    /// Whom it is not offered to for a while, because callbacks failed.
    pub rests_from: Option<Resting>,
}

/// A queue as a decision sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueShown {
    /// Its name for programs.
    pub sid: TaskQueueSid,
    /// Its name for people.
    pub friendly_name: String,
    /// Its expression; empty selects nobody.
    pub target_workers: String,
    /// In which order its tasks are served.
    pub task_order: TaskOrder,
    /// Workers one task is offered to at once.
    pub max_reserved_workers: u32,
}

/// What holds beyond one worker.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RulesShown {
    /// Whether a worker may hold more than one reservation.
    pub multi_task_enabled: bool,
    /// Prefer the worker idle longest on the channel.
    pub channel_optimized_routing: bool,
    /// The capacity matrix.
    pub capacity: Vec<CapacityRule>,
    /// The schedules, and whether they are open.
    pub schedules: BTreeMap<String, bool>,
}

/// A worker as a decision sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkerShown {
    /// The worker.
    pub worker_sid: WorkerSid,
    /// The worker's name.
    pub worker_name: String,
    /// What expressions ask.
    pub attributes: Value,
    /// The activity.
    pub activity_sid: ActivitySid,
    /// Its name.
    pub activity_name: String,
    /// Whether it is an available one.
    pub available: bool,
    /// By unique name.
    pub channels: BTreeMap<String, ShareShown>,
    /// Reservations pending, accepted or wrapping, on all channels.
    pub open_reservations: usize,
    /// The later of the newest reservation and the last end of work.
    #[serde(serialize_with = "date")]
    pub idle_since: Timestamp,
    /// The values of `order_by`'s clauses; null where the attribute is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_by: Vec<Value>,
    /// The first reason that ruled the worker out; `None` for a candidate.
    pub reason: Option<Reason>,
}

/// A worker's share in a channel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShareShown {
    /// Most tasks at one time.
    pub configured_capacity: u32,
    /// Whether new reservations are made.
    pub available: bool,
    /// Reservations in state accepted.
    pub assigned_tasks: u32,
    /// Reservations pending, accepted or wrapping.
    pub open_reservations: u32,
    /// When the newest reservation was made.
    #[serde(serialize_with = "maybe_date")]
    pub last_reserved_at: Option<Timestamp>,
}

/// A filter of the workflow as it was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilterTried {
    /// Its index; `None` for the default filter.
    pub index: Option<u32>,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its expression.
    pub expression: Option<String>,
    /// When it was tried; the time its expression saw.
    #[serde(serialize_with = "date")]
    pub at: Timestamp,
    /// Which schedules were open then, by today's calendars, where its expression asks for any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub schedules: BTreeMap<String, bool>,
    /// Whether its expression is true of the task at that time.
    pub matched: bool,
    /// Whether the task went in.
    pub entered: bool,
    /// The values seen.
    pub trace: Option<Value>,
    /// Its targets, where everything is wanted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetShown>,
}

/// A target as it is configured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetShown {
    /// The queue; inherited from the target before where absent.
    pub queue: Option<TaskQueueSid>,
    /// The priority a task gets here.
    pub priority: Option<u32>,
    /// Seconds until it is given up.
    pub timeout: Option<u32>,
    /// What is asked of each worker.
    pub expression: Option<String>,
    /// Who comes first.
    pub order_by: Option<String>,
    /// When it is left at once.
    pub skip_if: Option<String>,
    /// `task.<path>` to a worker's SID.
    pub known_worker_sid: Option<String>,
    /// `task.<path>` to a worker's name.
    pub known_worker_friendly_name: Option<String>,
}

/// A target that the task left without being taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetPassed {
    /// The filter; `None` is the default filter.
    pub filter: Option<u32>,
    /// The target within it.
    pub index: u32,
    /// When it was left.
    #[serde(serialize_with = "date")]
    pub at: Timestamp,
    /// Why.
    pub because: PassedBecause,
    /// `skip_if` with the counts it saw.
    pub skip_if: Option<SkipTried>,
}

/// Why a target was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PassedBecause {
    /// Its time ran out.
    Timeout,
    /// Nobody could be offered the task at once, and its `skip_if` held.
    Skip,
}

/// `skip_if` as it was tried, or as it would be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SkipTried {
    /// Its expression.
    pub expression: String,
    /// Whether it held.
    pub matched: bool,
    /// The counts it saw: `available`, `unavailable` and by activity SID.
    pub workers: BTreeMap<String, i64>,
}

/// The target a task is held in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetHeld {
    /// The filter; `None` is the default filter.
    pub filter: Option<u32>,
    /// Its index within the filter.
    pub index: u32,
    /// Its expression.
    pub expression: Option<String>,
    /// When it is given up.
    #[serde(serialize_with = "maybe_date")]
    pub deadline: Option<Timestamp>,
    /// Who comes first.
    pub order_by: Option<String>,
    /// What it would say now; it is only asked when a task comes to the target.
    pub skip_if: Option<SkipTried>,
    /// The only worker it is for.
    pub known_worker: Option<KnownWorkerTried>,
}

/// The worker a target is for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KnownWorkerTried {
    /// `sid` or `friendly_name`.
    pub by: &'static str,
    /// Where the task names the worker.
    pub path: String,
    /// What the task says there.
    pub value: Value,
    /// Why that leaves nobody, where it does; null in the task is meant and no mistake.
    pub alert: Option<AlertShown>,
}

/// An alert as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AlertShown {
    /// Its number.
    pub code: u32,
    /// What it means.
    pub message: &'static str,
}

impl From<Alert> for AlertShown {
    fn from(alert: Alert) -> Self {
        Self { code: alert.code(), message: alert.message() }
    }
}

/// One worker's verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The worker.
    pub worker_sid: WorkerSid,
    /// The worker's name.
    pub worker_name: String,
    /// The first reason that ruled the worker out; `None` for a candidate.
    pub reason: Option<Reason>,
}

/// Why a worker is passed over, in the order the conditions are checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// The task is not waiting, so nobody is considered.
    TaskNotPending {
        /// Where it stands.
        assignment_status: TaskStatus,
    },
    /// Direct routing names another worker.
    NotTheRoutingTarget,
    /// The worker's activity is not available.
    ActivityUnavailable {
        /// The activity.
        activity_sid: ActivitySid,
        /// Its name.
        activity_name: String,
    },
    /// The worker is no member of the task's queue.
    NotInQueue {
        /// The queue's expression with the values seen.
        trace: Value,
    },
    /// The target's expression is false.
    TargetExpression {
        /// The expression with the values seen.
        trace: Value,
    },
    /// The target names another worker.
    NotTheKnownWorker,
    /// The task is handed over, and this worker holds it or would not have it before.
    PassedOver,
    /// The callbacks of the worker's last offer failed: the task is not offered to the worker for
    /// a while.
    CallbackFailed {
        /// Until when.
        #[serde(serialize_with = "date")]
        until: Timestamp,
    },
    /// The worker's channel is closed.
    ChannelUnavailable {
        /// The channel's unique name.
        channel: String,
    },
    /// The worker's channel is full.
    NoCapacity {
        /// The channel's unique name.
        channel: String,
        /// Most tasks at one time.
        configured_capacity: u32,
        /// Reservations pending, accepted or wrapping.
        open_reservations: u32,
    },
    /// A rule of the capacity matrix would not hold with one more.
    CapacityRule {
        /// The rule's name.
        rule: String,
        /// The most it allows.
        limit: u32,
        /// What the worker holds of it, weighted, without this task.
        load: u32,
        /// Reservations pending, accepted or wrapping on each channel it names.
        open_reservations: BTreeMap<String, u32>,
    },
    /// Single-tasking: the worker has an open reservation.
    Busy,
}

/// An instant as our own routes show it: milliseconds only where there are any.
fn date<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    match at.0.rem_euclid(1000) {
        0 => serializer.collect_str(at),
        _ => serializer.serialize_str(&at.to_string_ms()),
    }
}

fn maybe_date<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => date(at, serializer),
        None => serializer.serialize_none(),
    }
}
