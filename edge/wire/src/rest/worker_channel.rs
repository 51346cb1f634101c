//! A worker's share in a task channel over REST.

use crate::names::Place;
use crate::schema::{Kind, Schema, property};
use crate::{Iso, Names};
use base::Sid;
use routing::{TaskChannelSid, WorkerChannelSid, WorkerSid, WorkspaceSid};
use serde::Serialize;

/// The shape.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerChannel<'a> {
    account_sid: Sid,
    assigned_tasks: u32,
    available: bool,
    available_capacity_percentage: u32,
    configured_capacity: u32,
    date_created: Iso,
    date_updated: Iso,
    sid: WorkerChannelSid,
    task_channel_sid: TaskChannelSid,
    task_channel_unique_name: Option<&'a str>,
    worker_sid: WorkerSid,
    workspace_sid: WorkspaceSid,
    url: String,
}

impl<'a> WorkerChannel<'a> {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "taskrouter.v1.workspace.worker.worker_channel",
        properties: &[
            property("account_sid", Kind::Sid("AC")),
            property("assigned_tasks", Kind::Integer),
            property("available", Kind::Boolean),
            property("available_capacity_percentage", Kind::Integer),
            property("configured_capacity", Kind::Integer),
            property("date_created", Kind::Date),
            property("date_updated", Kind::Date),
            property("sid", Kind::Sid("WC")),
            property("task_channel_sid", Kind::Sid("TC")),
            property("task_channel_unique_name", Kind::Text),
            property("worker_sid", Kind::Sid("WK")),
            property("workspace_sid", Kind::Sid("WS")),
            property("url", Kind::Url),
        ],
    };

    /// As a caller sees it.
    pub fn new(channel: &routing::WorkerChannel, names: Names<'a>, base: &str) -> Self {
        let place = Place::of(base, names.workspace_sid());
        Self {
            account_sid: names.account,
            assigned_tasks: channel.assigned_tasks,
            available: channel.available,
            available_capacity_percentage: channel.available_capacity_percentage(),
            configured_capacity: channel.configured_capacity,
            date_created: Iso(channel.created_at),
            date_updated: Iso(channel.updated_at),
            sid: channel.sid,
            task_channel_sid: channel.task_channel,
            task_channel_unique_name: names.channel_name(channel.task_channel),
            worker_sid: channel.worker,
            workspace_sid: names.workspace_sid(),
            url: place.below(format_args!("Workers/{}/Channels/{}", channel.worker, channel.sid)),
        }
    }
}
