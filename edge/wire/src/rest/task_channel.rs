//! A task channel over REST.

use crate::names::Place;
use crate::schema::{Kind, Schema, property};
use crate::{Iso, Links, Names};
use base::Sid;
use routing::{TaskChannelSid, WorkspaceSid};
use serde::Serialize;

/// The shape.
#[derive(Clone, Debug, Serialize)]
pub struct TaskChannel<'a> {
    account_sid: Sid,
    date_created: Iso,
    date_updated: Iso,
    friendly_name: &'a str,
    sid: TaskChannelSid,
    unique_name: &'a str,
    workspace_sid: WorkspaceSid,
    channel_optimized_routing: bool,
    url: String,
    links: Links,
}

impl<'a> TaskChannel<'a> {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "taskrouter.v1.workspace.task_channel",
        properties: &[
            property("account_sid", Kind::Sid("AC")),
            property("date_created", Kind::Date),
            property("date_updated", Kind::Date),
            property("friendly_name", Kind::Text),
            property("sid", Kind::Sid("TC")),
            property("unique_name", Kind::Text),
            property("workspace_sid", Kind::Sid("WS")),
            property("channel_optimized_routing", Kind::Boolean),
            property("url", Kind::Url),
            property("links", Kind::Urls),
        ],
    };

    /// As a caller sees it.
    pub fn new(channel: &'a routing::TaskChannel, names: Names<'a>, base: &str) -> Self {
        let place = Place::of(base, names.workspace_sid());
        Self {
            account_sid: names.account,
            date_created: Iso(channel.created_at),
            date_updated: Iso(channel.updated_at),
            friendly_name: &channel.friendly_name,
            sid: channel.sid,
            unique_name: &channel.unique_name,
            workspace_sid: names.workspace_sid(),
            channel_optimized_routing: channel.channel_optimized_routing,
            url: place.below(format_args!("TaskChannels/{}", channel.sid)),
            links: Links::default().to("workspace", place.workspace()),
        }
    }
}
