//! An event over REST.

use crate::Iso;
use crate::event::{data, description, key, resource};
use crate::names::Place;
use crate::schema::{Kind, Schema, property};
use base::{Millis, Sid, Timestamp};
use routing::{EventSid, LoggedEvent, WorkspaceSid};
use serde::Serialize;
use serde_json::{Map, Value};

/// Attributes of tasks are shown with events of so long; older events are shown without.
const ATTRIBUTES_SHOWN: Millis = Millis::secs(30 * 24 * 60 * 60);
/// Who tells.
const SOURCE: &str = "taskrouter";

/// The shape.
#[derive(Clone, Serialize)]
pub struct Event {
    account_sid: Sid,
    actor_sid: Sid,
    actor_type: &'static str,
    actor_url: String,
    description: String,
    event_data: Map<String, Value>,
    event_date: Iso,
    event_date_ms: Timestamp,
    event_type: &'static str,
    resource_sid: Sid,
    resource_type: &'static str,
    resource_url: String,
    sid: EventSid,
    source: &'static str,
    source_ip_address: Option<String>,
    url: String,
    workspace_sid: WorkspaceSid,
}

impl Event {
    /// As the published document has it.
    pub const SCHEMA: Schema = Schema {
        name: "taskrouter.v1.workspace.event",
        properties: &[
            property("account_sid", Kind::Sid("AC")),
            property("actor_sid", Kind::AnySid),
            property("actor_type", Kind::Text),
            property("actor_url", Kind::Url),
            property("description", Kind::Text),
            property("event_data", Kind::Any),
            property("event_date", Kind::Date),
            property("event_date_ms", Kind::Millis),
            property("event_type", Kind::Text),
            property("resource_sid", Kind::AnySid),
            property("resource_type", Kind::Text),
            property("resource_url", Kind::Url),
            property("sid", Kind::Sid("EV")),
            property("source", Kind::Text),
            property("source_ip_address", Kind::Text),
            property("url", Kind::Url),
            property("workspace_sid", Kind::Sid("WS")),
        ],
    };

    /// As a caller sees it at `now`.
    pub fn new(
        event: &LoggedEvent,
        (account, workspace): (Sid, WorkspaceSid),
        base: &str,
        now: Timestamp,
    ) -> Self {
        let place = Place::of(base, workspace);
        let resource = resource(event, workspace);
        let resource_url = match (&event.reservation, &event.task, resource.path) {
            (Some(reservation), Some(task), _) => {
                place.below(format_args!("Tasks/{}/Reservations/{}", task.sid, reservation.sid))
            }
            (_, _, Some(path)) => place.below(format_args!("{path}/{}", resource.sid)),
            (_, _, None) => place.workspace(),
        };
        Self {
            account_sid: account,
            actor_sid: workspace.sid(),
            actor_type: "workspace",
            actor_url: place.workspace(),
            description: description(event),
            event_data: event_data(event, workspace, now),
            event_date: Iso(event.at),
            event_date_ms: event.at,
            event_type: event.kind.as_str(),
            resource_sid: resource.sid,
            resource_type: resource.kind,
            resource_url,
            sid: event.sid,
            source: SOURCE,
            source_ip_address: None,
            url: place.below(format_args!("Events/{}", event.sid)),
            workspace_sid: workspace,
        }
    }
}

fn event_data(event: &LoggedEvent, workspace: WorkspaceSid, now: Timestamp) -> Map<String, Value> {
    let is_redacted = event.at + ATTRIBUTES_SHOWN < now;
    let named = [
        ("WorkspaceSid", Some(workspace.to_string())),
        ("WorkspaceName", Some(event.workspace_name.clone())),
    ];
    let data = named.into_iter().chain(data(event)).map(|(name, held)| {
        let held = held.filter(|_| !(is_redacted && name == "TaskAttributes"));
        (key(name), held.map_or(Value::Null, Value::String))
    });
    data.collect()
}
