//! The rows of a workspace. Its partition is the workspace's SID; keys are SIDs.

use super::{Record, fixed, int, text};
use store::Table;

/// Workspaces.
pub static WORKSPACE: Table = Table {
    name: "workspace",
    columns: &[
        fixed(text("account")),
        text("friendly_name"),
        fixed(int("created_at")),
        int("updated_at"),
    ],
    indexes: &[],
    live: None,
};

/// Activities.
pub static ACTIVITY: Table = Table {
    name: "activity",
    columns: &[text("friendly_name"), fixed(int("available")), fixed(int("created_at"))],
    indexes: &[],
    live: None,
};

/// Task channels.
pub static TASK_CHANNEL: Table = Table {
    name: "task_channel",
    columns: &[fixed(text("unique_name")), text("friendly_name"), fixed(int("created_at"))],
    indexes: &[],
    live: None,
};

/// The capacity matrix, by the workspace's SID, once it was set.
pub static CAPACITY: Table = Table { name: "capacity", columns: &[], indexes: &[], live: None };

/// Schedules.
pub static SCHEDULE: Table =
    Table { name: "schedule", columns: &[fixed(text("name"))], indexes: &[], live: None };

/// Workers, without their load.
pub static WORKER: Table = Table {
    name: "worker",
    columns: &[
        text("friendly_name"),
        text("name_lower"),
        text("activity"),
        fixed(int("created_at")),
        int("updated_at"),
        int("status_changed_at"),
    ],
    indexes: &[],
    live: None,
};

/// A worker's capacity and availability on a channel, where it is not the default.
pub static WORKER_CHANNEL: Table = Table {
    name: "worker_channel",
    columns: &[fixed(text("worker")), fixed(text("task_channel"))],
    indexes: &[],
    live: None,
};

/// What moves with each assignment, apart from the worker so that little is rewritten.
pub static WORKER_LOAD: Table =
    Table { name: "worker_load", columns: &[], indexes: &[], live: None };

/// What happened, as clients are told and as statistics count: a row for each turn that told
/// something (more for one that told very much), by the SID of its first event, so that rows lie
/// in order of time. Never changed.
pub static EVENT: Table =
    Table { name: "event", columns: &[fixed(text("facts"))], indexes: &[], live: None };

/// Offers that were too many for one step of the workspace: one row while there are any.
pub static SETTLING: Table = Table { name: "settling", columns: &[], indexes: &[], live: None };

/// Workflows whose tasks are on their way through them again.
pub static RE_EVALUATION: Table =
    Table { name: "re_evaluation", columns: &[], indexes: &[], live: None };
/// What was told outside, or is still to be told: see [`crate::delivery`]. By SID, so that rows lie
/// in order of time.
pub static DELIVERY: Table = Table {
    name: "delivery",
    columns: &[
        fixed(text("kind")),
        text("status"),
        fixed(text("task")),
        fixed(text("event_type")),
        fixed(int("created_at")),
        int("live"),
    ],
    indexes: &[&["task"]],
    live: Some("live"),
};

/// What the workspace was when its journal begins, once the first entries are forgotten: rows of
/// other tables as they were, by table and key, and how far they go. See [`crate::beginning`].
pub static BEGINNING: Table =
    Table { name: "beginning", columns: &[int("live")], indexes: &[], live: None };

/// Roll-ups of what is counted, derived from the facts of events: `h<scope>-<hour>` for a scope's
/// hour, `m<minute>-<first scope>` for some scopes of a minute, `p` for how far they go.
pub static STATISTIC: Table = Table {
    name: "statistic",
    columns: &[fixed(int("began_at"))],
    indexes: &[&["began_at"]],
    live: None,
};

/// What workers did, by worker and end. Never changed.
pub static STAY: Table = Table {
    name: "stay",
    columns: &[fixed(int("ended_at"))],
    indexes: &[&["ended_at"]],
    live: None,
};

/// Task queues.
pub static TASK_QUEUE: Table = Table {
    name: "task_queue",
    columns: &[text("friendly_name"), fixed(int("created_at")), int("updated_at")],
    indexes: &[],
    live: None,
};

/// In which order queues are served, by queue, once it was set.
pub static QUEUE_ORDERING: Table =
    Table { name: "queue_ordering", columns: &[], indexes: &[], live: None };

/// Workflows with their newest configuration.
pub static WORKFLOW: Table = Table {
    name: "workflow",
    columns: &[text("friendly_name"), fixed(int("created_at")), int("updated_at")],
    indexes: &[],
    live: None,
};

/// Older configurations that live tasks still run under.
pub static WORKFLOW_REVISION: Table = Table {
    name: "workflow_revision",
    columns: &[fixed(text("workflow")), fixed(int("revision"))],
    indexes: &[],
    live: None,
};

/// Tasks, ended ones included as long as they are kept.
pub static TASK: Table = Table {
    name: "task",
    columns: &[
        text("status"),
        text("queue"),
        text("workflow"),
        text("channel"),
        int("priority"),
        fixed(text("routing_target")),
        fixed(int("created_at")),
        int("virtual_start_at"),
        int("ended_at"),
        int("live"),
    ],
    indexes: &[&["queue"]],
    live: Some("live"),
};

/// Reservations, ended ones included as long as they are kept.
pub static RESERVATION: Table = Table {
    name: "reservation",
    columns: &[
        fixed(text("task")),
        fixed(text("worker")),
        text("status"),
        fixed(int("created_at")),
        int("live"),
    ],
    indexes: &[&["task"], &["worker"]],
    live: Some("live"),
};

/// Transfers, ended ones included as long as they are kept. One that is under way is part of its
/// task's row too.
pub static TRANSFER: Table = Table {
    name: "transfer",
    columns: &[fixed(text("task")), text("status"), fixed(int("created_at")), int("live")],
    indexes: &[&["task"]],
    live: Some("live"),
};

macro_rules! records {
    ($($kind:path => $table:ident),+ $(,)?) => {$(
        impl Record for $kind {
            const TABLE: &'static Table = &$table;
        }
    )+};
}

records! {
    routing::Workspace => WORKSPACE,
    routing::Activity => ACTIVITY,
    routing::TaskChannel => TASK_CHANNEL,
    routing::capacity::CapacityRules => CAPACITY,
    routing::schedule::Schedule => SCHEDULE,
    routing::Worker => WORKER,
    routing::rows::WorkerChannelSettings => WORKER_CHANNEL,
    routing::rows::WorkerLoad => WORKER_LOAD,
    routing::TaskQueue => TASK_QUEUE,
    routing::ordering::QueueOrdering => QUEUE_ORDERING,
    routing::Workflow => WORKFLOW,
    routing::rows::WorkflowRevision => WORKFLOW_REVISION,
    routing::Task => TASK,
    routing::Reservation => RESERVATION,
    routing::Transfer => TRANSFER,
}
