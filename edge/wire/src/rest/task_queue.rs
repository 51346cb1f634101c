//! A task queue over REST.

use crate::names::Place;
use crate::schema::{Kind, Schema, order, property};
use crate::{Iso, Links, Names};
use base::Sid;
use routing::{ActivitySid, TaskOrder, TaskQueueSid, WorkspaceSid};
use serde::Serialize;

/// The shape.
#[derive(Clone, Debug, Serialize)]
pub struct TaskQueue<'a> {
    account_sid: Sid,
    assignment_activity_sid: Option<ActivitySid>,
    assignment_activity_name: Option<&'a str>,
    date_created: Iso,
    date_updated: Iso,
    friendly_name: &'a str,
    max_reserved_workers: u32,
    reservation_activity_sid: Option<ActivitySid>,
    reservation_activity_name: Option<&'a str>,
    sid: TaskQueueSid,
    target_workers: &'a str,
    task_order: TaskOrder,
    url: String,
    workspace_sid: WorkspaceSid,
    links: Links,
}

impl<'a> TaskQueue<'a> {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "taskrouter.v1.workspace.task_queue",
        properties: &[
            property("account_sid", Kind::Sid("AC")),
            property("assignment_activity_sid", Kind::Sid("WA")),
            property("assignment_activity_name", Kind::Text),
            property("date_created", Kind::Date),
            property("date_updated", Kind::Date),
            property("friendly_name", Kind::Text),
            property("max_reserved_workers", Kind::Integer),
            property("reservation_activity_sid", Kind::Sid("WA")),
            property("reservation_activity_name", Kind::Text),
            property("sid", Kind::Sid("WQ")),
            property("target_workers", Kind::Text),
            property("task_order", order("task_queue_enum_task_order")),
            property("url", Kind::Url),
            property("workspace_sid", Kind::Sid("WS")),
            property("links", Kind::Urls),
        ],
    };

    /// As a caller sees it. Links to activities are left out where none is set.
    pub fn new(queue: &'a routing::TaskQueue, names: Names<'a>, base: &str) -> Self {
        let place = Place::of(base, names.workspace_sid());
        let below = |path: &str| place.below(format_args!("TaskQueues/{}{path}", queue.sid));
        let activity =
            |sid: Option<ActivitySid>| sid.map(|sid| place.below(format_args!("Activities/{sid}")));
        Self {
            account_sid: names.account,
            assignment_activity_sid: queue.assignment_activity,
            assignment_activity_name: names.activity_name(queue.assignment_activity),
            date_created: Iso(queue.created_at),
            date_updated: Iso(queue.updated_at),
            friendly_name: &queue.friendly_name,
            max_reserved_workers: queue.max_reserved_workers,
            reservation_activity_sid: queue.reservation_activity,
            reservation_activity_name: names.activity_name(queue.reservation_activity),
            sid: queue.sid,
            target_workers: &queue.target_workers,
            task_order: queue.task_order,
            url: below(""),
            workspace_sid: names.workspace_sid(),
            links: Links::default()
                .maybe("assignment_activity", activity(queue.assignment_activity))
                .maybe("reservation_activity", activity(queue.reservation_activity))
                .to("workspace", place.workspace())
                .to("statistics", below("/Statistics"))
                .to("real_time_statistics", below("/RealTimeStatistics"))
                .to("cumulative_statistics", below("/CumulativeStatistics"))
                .to("list_statistics", place.below("TaskQueues/Statistics"))
                .to("bulk_real_time_statistics", place.below("TaskQueues/RealTimeStatistics")),
        }
    }
}
