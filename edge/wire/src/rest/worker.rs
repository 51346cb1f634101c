//! A worker over REST.

use crate::names::Place;
use crate::schema::{Kind, Schema, property};
use crate::{Iso, Links, Names};
use base::Sid;
use routing::{ActivitySid, WorkerSid, WorkspaceSid};
use serde::Serialize;

/// The shape.
#[derive(Clone, Serialize)]
pub struct Worker<'a> {
    account_sid: Sid,
    activity_name: Option<&'a str>,
    activity_sid: ActivitySid,
    attributes: &'a str,
    available: bool,
    date_created: Iso,
    date_status_changed: Iso,
    date_updated: Iso,
    friendly_name: &'a str,
    sid: WorkerSid,
    workspace_sid: WorkspaceSid,
    url: String,
    links: Links,
}

impl<'a> Worker<'a> {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "taskrouter.v1.workspace.worker",
        properties: &[
            property("account_sid", Kind::Sid("AC")),
            property("activity_name", Kind::Text),
            property("activity_sid", Kind::Sid("WA")),
            property("attributes", Kind::Text),
            property("available", Kind::Boolean),
            property("date_created", Kind::Date),
            property("date_status_changed", Kind::Date),
            property("date_updated", Kind::Date),
            property("friendly_name", Kind::Text),
            property("sid", Kind::Sid("WK")),
            property("workspace_sid", Kind::Sid("WS")),
            property("url", Kind::Url),
            property("links", Kind::Urls),
        ],
    };

    /// As a caller sees it.
    pub fn new(worker: &'a routing::Worker, names: Names<'a>, base: &str) -> Self {
        let place = Place::of(base, names.workspace_sid());
        let activity = names.activity(worker.activity);
        let below = |path: &str| place.below(format_args!("Workers/{}{path}", worker.sid));
        Self {
            account_sid: names.account,
            activity_name: activity.map(|activity| activity.friendly_name.as_str()),
            activity_sid: worker.activity,
            attributes: worker.attributes.text(),
            available: activity.is_some_and(|activity| activity.available),
            date_created: Iso(worker.created_at),
            date_status_changed: Iso(worker.status_changed_at),
            date_updated: Iso(worker.updated_at),
            friendly_name: &worker.friendly_name,
            sid: worker.sid,
            workspace_sid: names.workspace_sid(),
            url: below(""),
            links: Links::default()
                .to("channels", below("/Channels"))
                .to("activity", place.below(format_args!("Activities/{}", worker.activity)))
                .to("workspace", place.workspace())
                .to("statistics", place.below("Workers/Statistics"))
                .to("real_time_statistics", place.below("Workers/RealTimeStatistics"))
                .to("cumulative_statistics", place.below("Workers/CumulativeStatistics"))
                .to("worker_statistics", below("/Statistics"))
                .to("worker_channels", below("/Channels"))
                .to("reservations", below("/Reservations")),
        }
    }
}
