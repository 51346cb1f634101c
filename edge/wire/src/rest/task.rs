//! A task over REST.

use crate::names::Place;
use crate::schema::{Kind, Schema, TASK_STATUS, property};
use crate::{Iso, Links, Names};
use base::{Sid, Timestamp};
use routing::{TaskChannelSid, TaskQueueSid, TaskSid, TaskStatus, WorkflowSid, WorkspaceSid};
use serde::Serialize;

/// The shape.
#[derive(Clone, Serialize)]
pub struct Task<'a> {
    account_sid: Sid,
    age: i64,
    assignment_status: TaskStatus,
    attributes: &'a str,
    addons: &'static str,
    date_created: Iso,
    date_updated: Iso,
    task_queue_entered_date: Option<Iso>,
    priority: u32,
    reason: Option<&'a str>,
    sid: TaskSid,
    task_queue_sid: Option<TaskQueueSid>,
    task_queue_friendly_name: Option<&'a str>,
    task_channel_sid: TaskChannelSid,
    task_channel_unique_name: Option<&'a str>,
    timeout: u32,
    workflow_sid: Option<WorkflowSid>,
    workflow_friendly_name: Option<&'a str>,
    workspace_sid: WorkspaceSid,
    url: String,
    links: Links,
    virtual_start_time: Iso,
    ignore_capacity: bool,
    routing_target: Option<Sid>,
}

impl<'a> Task<'a> {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "taskrouter.v1.workspace.task",
        properties: &[
            property("account_sid", Kind::Sid("AC")),
            property("age", Kind::Integer),
            property("assignment_status", TASK_STATUS),
            property("attributes", Kind::Text),
            property("addons", Kind::Text),
            property("date_created", Kind::Date),
            property("date_updated", Kind::Date),
            property("task_queue_entered_date", Kind::Date),
            property("priority", Kind::Integer),
            property("reason", Kind::Text),
            property("sid", Kind::Sid("WT")),
            property("task_queue_sid", Kind::Sid("WQ")),
            property("task_queue_friendly_name", Kind::Text),
            property("task_channel_sid", Kind::Sid("TC")),
            property("task_channel_unique_name", Kind::Text),
            property("timeout", Kind::Integer),
            property("workflow_sid", Kind::Sid("WW")),
            property("workflow_friendly_name", Kind::Text),
            property("workspace_sid", Kind::Sid("WS")),
            property("url", Kind::Url),
            property("links", Kind::Urls),
            property("virtual_start_time", Kind::Date),
            property("ignore_capacity", Kind::Boolean),
            property("routing_target", Kind::Text),
        ],
    };

    /// As a caller sees it at `now`.
    pub fn new(task: &'a routing::Task, names: Names<'a>, base: &str, now: Timestamp) -> Self {
        let place = Place::of(base, names.workspace_sid());
        let below = |path: &str| place.below(format_args!("Tasks/{}{path}", task.sid));
        let queue = task.queue.map(|sid| place.below(format_args!("TaskQueues/{sid}")));
        let workflow = task.workflow.map(|sid| place.below(format_args!("Workflows/{sid}")));
        Self {
            account_sid: names.account,
            age: age_s(task, now),
            assignment_status: task.status,
            attributes: task.attributes.text(),
            addons: "{}",
            date_created: Iso(task.created_at),
            date_updated: Iso(task.updated_at),
            task_queue_entered_date: task.queue_entered_at.map(Iso),
            priority: task.priority,
            reason: task.reason.as_deref(),
            sid: task.sid,
            task_queue_sid: task.queue,
            task_queue_friendly_name: names.queue_name(task.queue),
            task_channel_sid: task.task_channel,
            task_channel_unique_name: names.channel_name(task.task_channel),
            timeout: task.timeout_s,
            workflow_sid: task.workflow,
            workflow_friendly_name: names.workflow_name(task.workflow),
            workspace_sid: names.workspace_sid(),
            url: below(""),
            links: Links::default()
                .maybe("task_queue", queue)
                .maybe("workflow", workflow)
                .to("workspace", place.workspace())
                .to("reservations", below("/Reservations")),
            virtual_start_time: Iso(task.virtual_start_at),
            ignore_capacity: task.ignore_capacity,
            routing_target: task.routing_target,
        }
    }
}

/// Whole seconds since creation; an ended task no longer ages.
pub(crate) fn age_s(task: &routing::Task, now: Timestamp) -> i64 {
    let until = task.ended_at.unwrap_or(now);
    ((until - task.created_at).0 / 1000).max(0)
}
