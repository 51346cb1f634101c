//! An activity over REST.

use crate::names::Place;
use crate::schema::{Kind, Schema, property};
use crate::{Iso, Links, Names};
use base::Sid;
use routing::{ActivitySid, WorkspaceSid};
use serde::Serialize;

/// The shape.
#[derive(Clone, Debug, Serialize)]
pub struct Activity<'a> {
    account_sid: Sid,
    available: bool,
    date_created: Iso,
    date_updated: Iso,
    friendly_name: &'a str,
    sid: ActivitySid,
    workspace_sid: WorkspaceSid,
    url: String,
    links: Links,
}

impl<'a> Activity<'a> {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "taskrouter.v1.workspace.activity",
        properties: &[
            property("account_sid", Kind::Sid("AC")),
            property("available", Kind::Boolean),
            property("date_created", Kind::Date),
            property("date_updated", Kind::Date),
            property("friendly_name", Kind::Text),
            property("sid", Kind::Sid("WA")),
            property("workspace_sid", Kind::Sid("WS")),
            property("url", Kind::Url),
            property("links", Kind::Urls),
        ],
    };

    /// As a caller sees it.
    pub fn new(activity: &'a routing::Activity, names: Names<'a>, base: &str) -> Self {
        let place = Place::of(base, names.workspace_sid());
        Self {
            account_sid: names.account,
            available: activity.available,
            date_created: Iso(activity.created_at),
            date_updated: Iso(activity.updated_at),
            friendly_name: &activity.friendly_name,
            sid: activity.sid,
            workspace_sid: names.workspace_sid(),
            url: place.below(format_args!("Activities/{}", activity.sid)),
            links: Links::default().to("workspace", place.workspace()),
        }
    }
}
