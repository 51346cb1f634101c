//! A workspace over REST.

use crate::names::Place;
use crate::schema::{Kind, Schema, order, property};
use crate::{Iso, Links, Names};
use base::Sid;
use routing::{ActivitySid, TaskOrder, WorkspaceSid};
use serde::Serialize;

/// The shape.
#[derive(Clone, Debug, Serialize)]
pub struct Workspace<'a> {
    account_sid: Sid,
    date_created: Iso,
    date_updated: Iso,
    default_activity_name: Option<&'a str>,
    default_activity_sid: ActivitySid,
    event_callback_url: Option<&'a str>,
    events_filter: Option<&'a str>,
    friendly_name: &'a str,
    multi_task_enabled: bool,
    sid: WorkspaceSid,
    timeout_activity_name: Option<&'a str>,
    timeout_activity_sid: ActivitySid,
    prioritize_queue_order: TaskOrder,
    url: String,
    links: Links,
}

impl<'a> Workspace<'a> {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "taskrouter.v1.workspace",
        properties: &[
            property("account_sid", Kind::Sid("AC")),
            property("date_created", Kind::Date),
            property("date_updated", Kind::Date),
            property("default_activity_name", Kind::Text),
            property("default_activity_sid", Kind::Sid("WA")),
            property("event_callback_url", Kind::Url),
            property("events_filter", Kind::Text),
            property("friendly_name", Kind::Text),
            property("multi_task_enabled", Kind::Boolean),
            property("sid", Kind::Sid("WS")),
            property("timeout_activity_name", Kind::Text),
            property("timeout_activity_sid", Kind::Sid("WA")),
            property("prioritize_queue_order", order("workspace_enum_queue_order")),
            property("url", Kind::Url),
            property("links", Kind::Urls),
        ],
    };

    /// `workspace` is given apart from `names`: a reply may be newer than the names at hand.
    pub fn new(workspace: &'a routing::Workspace, names: Names<'a>, base: &str) -> Self {
        let place = Place::of(base, workspace.sid);
        Self {
            account_sid: workspace.account,
            date_created: Iso(workspace.created_at),
            date_updated: Iso(workspace.updated_at),
            default_activity_name: names.activity_name(Some(workspace.default_activity)),
            default_activity_sid: workspace.default_activity,
            event_callback_url: workspace.event_callback_url.as_deref(),
            events_filter: workspace.events_filter.as_deref(),
            friendly_name: &workspace.friendly_name,
            multi_task_enabled: workspace.multi_task_enabled,
            sid: workspace.sid,
            timeout_activity_name: names.activity_name(Some(workspace.timeout_activity)),
            timeout_activity_sid: workspace.timeout_activity,
            prioritize_queue_order: workspace.prioritize_queue_order,
            url: place.workspace(),
            links: Links::default()
                .to("activities", place.below("Activities"))
                .to("statistics", place.below("Statistics"))
                .to("real_time_statistics", place.below("RealTimeStatistics"))
                .to("cumulative_statistics", place.below("CumulativeStatistics"))
                .to("task_queues", place.below("TaskQueues"))
                .to("tasks", place.below("Tasks"))
                .to("workers", place.below("Workers"))
                .to("workflows", place.below("Workflows"))
                .to("task_channels", place.below("TaskChannels"))
                .to("events", place.below("Events")),
        }
    }
}
