//! Why a task is where it is, as values. The code that matches fills these; nothing is logged.

use crate::model::*;
use base::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// Why a task is where it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The task.
    pub task_sid: TaskSid,
    /// Where it stands.
    pub assignment_status: TaskStatus,
    /// When this was asked.
    pub at: Timestamp,
    /// The queue it is in.
    pub task_queue_sid: Option<TaskQueueSid>,
    /// One sentence that says it all.
    pub summary: String,
    /// Every filter tried, in order, with the values seen; empty under direct routing.
    pub filters: Vec<FilterTried>,
    /// The target the task is held in.
    pub target: Option<TargetHeld>,
    /// Workers who could be offered it now, in the order they would be.
    pub candidates: Vec<WorkerSid>,
    /// For each worker passed over, the first reason that ruled them out.
    pub verdicts: Vec<Verdict>,
    /// Workers not listed because of the limit.
    pub verdicts_left_out: usize,
}

/// A filter of the workflow as it was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilterTried {
    /// Its index; `None` for the default filter.
    pub index: Option<u32>,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Whether its expression was true.
    pub matched: bool,
    /// The values seen.
    pub trace: Option<serde_json::Value>,
}

/// The target a task is held in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TargetHeld {
    /// Its index within the filter.
    pub index: u32,
    /// Its expression.
    pub expression: Option<String>,
    /// When it is given up.
    pub deadline: Option<Timestamp>,
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
        trace: serde_json::Value,
    },
    /// The target's expression is false.
    TargetExpression {
        /// The expression with the values seen.
        trace: serde_json::Value,
    },
    /// The target names another worker.
    NotTheKnownWorker,
    /// The callbacks of the worker's last offer failed: the task is not offered to the worker for
    /// a while.
    CallbackFailed {
        /// Until when.
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
