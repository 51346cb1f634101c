//! The schemas of statistics, as the published document has them.

use crate::schema::{Kind, Property, Schema, property};

/// All of them, for the OpenAPI document.
pub const STATISTICS: &[&Schema] = &[
    &WORKSPACE_REAL_TIME,
    &WORKSPACE_CUMULATIVE,
    &WORKSPACE_STATISTICS,
    &TASK_QUEUE_REAL_TIME,
    &TASK_QUEUE_CUMULATIVE,
    &TASK_QUEUE_STATISTICS,
    &TASK_QUEUES_STATISTICS,
    &TASK_QUEUES_REAL_TIME,
    &WORKERS_REAL_TIME,
    &WORKERS_CUMULATIVE,
    &WORKERS_STATISTICS,
    &WORKER_STATISTICS,
    &WORKFLOW_REAL_TIME,
    &WORKFLOW_CUMULATIVE,
    &WORKFLOW_STATISTICS,
];

const ACCOUNT: Property = property("account_sid", Kind::Sid("AC"));
const WORKSPACE: Property = property("workspace_sid", Kind::Sid("WS"));
const URL: Property = property("url", Kind::Url);

/// The present of a workspace.
pub const WORKSPACE_REAL_TIME: Schema = Schema {
    name: "taskrouter.v1.workspace.workspace_real_time_statistics",
    properties: &[
        ACCOUNT,
        property("activity_statistics", Kind::Array),
        property("longest_task_waiting_age", Kind::Integer),
        property("longest_task_waiting_sid", Kind::Sid("WT")),
        property("tasks_by_priority", Kind::Any),
        property("tasks_by_status", Kind::Any),
        property("total_tasks", Kind::Integer),
        property("total_workers", Kind::Integer),
        WORKSPACE,
        URL,
    ],
};

/// An interval of a workspace.
pub const WORKSPACE_CUMULATIVE: Schema = Schema {
    name: "taskrouter.v1.workspace.workspace_cumulative_statistics",
    properties: &[
        ACCOUNT,
        property("avg_task_acceptance_time", Kind::Integer),
        property("start_time", Kind::Date),
        property("end_time", Kind::Date),
        property("reservations_created", Kind::Integer),
        property("reservations_accepted", Kind::Integer),
        property("reservations_rejected", Kind::Integer),
        property("reservations_timed_out", Kind::Integer),
        property("reservations_canceled", Kind::Integer),
        property("reservations_rescinded", Kind::Integer),
        property("split_by_wait_time", Kind::Any),
        property("wait_duration_until_accepted", Kind::Any),
        property("wait_duration_until_canceled", Kind::Any),
        property("tasks_canceled", Kind::Integer),
        property("tasks_completed", Kind::Integer),
        property("tasks_created", Kind::Integer),
        property("tasks_deleted", Kind::Integer),
        property("tasks_moved", Kind::Integer),
        property("tasks_timed_out_in_workflow", Kind::Integer),
        WORKSPACE,
        URL,
    ],
};

/// Both of a workspace.
pub const WORKSPACE_STATISTICS: Schema = Schema {
    name: "taskrouter.v1.workspace.workspace_statistics",
    properties: &[
        property("realtime", Kind::Any),
        property("cumulative", Kind::Any),
        ACCOUNT,
        WORKSPACE,
        URL,
    ],
};

/// The present of a queue.
pub const TASK_QUEUE_REAL_TIME: Schema = Schema {
    name: "taskrouter.v1.workspace.task_queue.task_queue_real_time_statistics",
    properties: &[
        ACCOUNT,
        property("activity_statistics", Kind::Array),
        property("longest_task_waiting_age", Kind::Integer),
        property("longest_task_waiting_sid", Kind::Sid("WT")),
        property("longest_relative_task_age_in_queue", Kind::Integer),
        property("longest_relative_task_sid_in_queue", Kind::Sid("WT")),
        property("task_queue_sid", Kind::Sid("WQ")),
        property("tasks_by_priority", Kind::Any),
        property("tasks_by_status", Kind::Any),
        property("total_available_workers", Kind::Integer),
        property("total_eligible_workers", Kind::Integer),
        property("total_tasks", Kind::Integer),
        WORKSPACE,
        URL,
    ],
};

/// An interval of a queue.
pub const TASK_QUEUE_CUMULATIVE: Schema = Schema {
    name: "taskrouter.v1.workspace.task_queue.task_queue_cumulative_statistics",
    properties: &[
        ACCOUNT,
        property("avg_task_acceptance_time", Kind::Integer),
        property("start_time", Kind::Date),
        property("end_time", Kind::Date),
        property("reservations_created", Kind::Integer),
        property("reservations_accepted", Kind::Integer),
        property("reservations_rejected", Kind::Integer),
        property("reservations_timed_out", Kind::Integer),
        property("reservations_canceled", Kind::Integer),
        property("reservations_rescinded", Kind::Integer),
        property("split_by_wait_time", Kind::Any),
        property("task_queue_sid", Kind::Sid("WQ")),
        property("wait_duration_until_accepted", Kind::Any),
        property("wait_duration_until_canceled", Kind::Any),
        property("wait_duration_in_queue_until_accepted", Kind::Any),
        property("tasks_canceled", Kind::Integer),
        property("tasks_completed", Kind::Integer),
        property("tasks_deleted", Kind::Integer),
        property("tasks_entered", Kind::Integer),
        property("tasks_moved", Kind::Integer),
        WORKSPACE,
        URL,
    ],
};

/// Both of a queue.
pub const TASK_QUEUE_STATISTICS: Schema = Schema {
    name: "taskrouter.v1.workspace.task_queue.task_queue_statistics",
    properties: &[
        ACCOUNT,
        property("cumulative", Kind::Any),
        property("realtime", Kind::Any),
        property("task_queue_sid", Kind::Sid("WQ")),
        WORKSPACE,
        URL,
    ],
};

/// Both of a queue in a list.
pub const TASK_QUEUES_STATISTICS: Schema = Schema {
    name: "taskrouter.v1.workspace.task_queue.task_queues_statistics",
    properties: &[
        ACCOUNT,
        property("cumulative", Kind::Any),
        property("realtime", Kind::Any),
        property("task_queue_sid", Kind::Sid("WQ")),
        WORKSPACE,
    ],
};

/// The present of several queues.
pub const TASK_QUEUES_REAL_TIME: Schema = Schema {
    name: "taskrouter.v1.workspace.task_queue.task_queue_bulk_real_time_statistics",
    properties: &[
        ACCOUNT,
        WORKSPACE,
        property("task_queue_data", Kind::Array),
        property("task_queue_response_count", Kind::Integer),
        URL,
    ],
};

/// The present of workers.
pub const WORKERS_REAL_TIME: Schema = Schema {
    name: "taskrouter.v1.workspace.worker.workers_real_time_statistics",
    properties: &[
        ACCOUNT,
        property("activity_statistics", Kind::Array),
        property("total_workers", Kind::Integer),
        WORKSPACE,
        URL,
    ],
};

/// An interval of workers.
pub const WORKERS_CUMULATIVE: Schema = Schema {
    name: "taskrouter.v1.workspace.worker.workers_cumulative_statistics",
    properties: &[
        ACCOUNT,
        property("start_time", Kind::Date),
        property("end_time", Kind::Date),
        property("activity_durations", Kind::Array),
        property("reservations_created", Kind::Integer),
        property("reservations_accepted", Kind::Integer),
        property("reservations_rejected", Kind::Integer),
        property("reservations_timed_out", Kind::Integer),
        property("reservations_canceled", Kind::Integer),
        property("reservations_rescinded", Kind::Integer),
        WORKSPACE,
        URL,
    ],
};

/// Both of workers.
pub const WORKERS_STATISTICS: Schema = Schema {
    name: "taskrouter.v1.workspace.worker.worker_statistics",
    properties: &[
        property("realtime", Kind::Any),
        property("cumulative", Kind::Any),
        ACCOUNT,
        WORKSPACE,
        URL,
    ],
};

/// An interval of one worker.
pub const WORKER_STATISTICS: Schema = Schema {
    name: "taskrouter.v1.workspace.worker.worker_instance_statistics",
    properties: &[
        ACCOUNT,
        property("cumulative", Kind::Any),
        property("worker_sid", Kind::Sid("WK")),
        WORKSPACE,
        URL,
    ],
};

/// The present of a workflow.
pub const WORKFLOW_REAL_TIME: Schema = Schema {
    name: "taskrouter.v1.workspace.workflow.workflow_real_time_statistics",
    properties: &[
        ACCOUNT,
        property("longest_task_waiting_age", Kind::Integer),
        property("longest_task_waiting_sid", Kind::Sid("WT")),
        property("tasks_by_priority", Kind::Any),
        property("tasks_by_status", Kind::Any),
        property("total_tasks", Kind::Integer),
        property("workflow_sid", Kind::Sid("WW")),
        WORKSPACE,
        URL,
    ],
};

/// An interval of a workflow.
pub const WORKFLOW_CUMULATIVE: Schema = Schema {
    name: "taskrouter.v1.workspace.workflow.workflow_cumulative_statistics",
    properties: &[
        ACCOUNT,
        property("avg_task_acceptance_time", Kind::Integer),
        property("start_time", Kind::Date),
        property("end_time", Kind::Date),
        property("reservations_created", Kind::Integer),
        property("reservations_accepted", Kind::Integer),
        property("reservations_rejected", Kind::Integer),
        property("reservations_timed_out", Kind::Integer),
        property("reservations_canceled", Kind::Integer),
        property("reservations_rescinded", Kind::Integer),
        property("split_by_wait_time", Kind::Any),
        property("wait_duration_until_accepted", Kind::Any),
        property("wait_duration_until_canceled", Kind::Any),
        property("tasks_canceled", Kind::Integer),
        property("tasks_completed", Kind::Integer),
        property("tasks_entered", Kind::Integer),
        property("tasks_deleted", Kind::Integer),
        property("tasks_moved", Kind::Integer),
        property("tasks_timed_out_in_workflow", Kind::Integer),
        property("workflow_sid", Kind::Sid("WW")),
        WORKSPACE,
        URL,
    ],
};

/// Both of a workflow.
pub const WORKFLOW_STATISTICS: Schema = Schema {
    name: "taskrouter.v1.workspace.workflow.workflow_statistics",
    properties: &[
        ACCOUNT,
        property("cumulative", Kind::Any),
        property("realtime", Kind::Any),
        property("workflow_sid", Kind::Sid("WW")),
        WORKSPACE,
        URL,
    ],
};
