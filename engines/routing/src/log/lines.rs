//! The stored form of a turn's events: lines that refer to each other by their number.
//!
//! * An event names its entities by number; an entity that came before is written as what changed.
//! * Keys are short, because there are a few of these for each task for thirty days.
//! * New keys may be added; what an older reader does not know it passes over.

use crate::{
    event::{Before, EventKind},
    model::*,
};
use base::{Attributes, Sid, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A row's body.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Body<'a> {
    pub(super) at: Timestamp,
    #[serde(rename = "ws")]
    pub(super) workspace: Cow<'a, str>,
    #[serde(rename = "e")]
    pub(super) events: Vec<EventLine>,
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tasks: Vec<TaskLine<'a>>,
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) workers: Vec<WorkerLine<'a>>,
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) reservations: Vec<ReservationLine>,
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) channels: Vec<ChannelLine<'a>>,
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) settings: Vec<SettingLine<'a>>,
}

/// An event, with the numbers of its entities.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventLine {
    /// Absent for the first one, whose SID is the row's key.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<EventSid>,
    #[serde(rename = "k", with = "kind")]
    pub(super) kind: EventKind,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) task: Option<usize>,
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(super) worker: Option<usize>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(super) reservation: Option<usize>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) channel: Option<usize>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) setting: Option<usize>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Before>,
}

/// A SID and a name, as `["WQ…","Everybody"]`.
pub(super) type Pair<'a, S> = (S, Option<Cow<'a, str>>);

/// A task, or what is different from an earlier line.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TaskLine<'a> {
    /// The number of the line that has what is absent here.
    #[serde(rename = "of", default, skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<usize>,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<TaskSid>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(super) attributes: Option<Text>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(super) ended_at: Option<Timestamp>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<TaskStatus>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<u32>,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Cow<'a, str>>,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u64>,
    #[serde(rename = "q", default, skip_serializing_if = "Option::is_none")]
    pub(super) queue: Option<Pair<'a, TaskQueueSid>>,
    #[serde(rename = "qd", default, skip_serializing_if = "Option::is_none")]
    pub(super) queue_entered_at: Option<Timestamp>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub(super) workflow: Option<Pair<'a, WorkflowSid>>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) task_channel: Option<Pair<'a, TaskChannelSid>>,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub(super) routing_target: Option<Sid>,
    #[serde(rename = "kw", default, skip_serializing_if = "Option::is_none")]
    pub(super) known_worker: Option<WorkerSid>,
}

/// A worker, or what is different from an earlier line.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct WorkerLine<'a> {
    #[serde(rename = "of", default, skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<usize>,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<WorkerSid>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(super) friendly_name: Option<Cow<'a, str>>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(super) attributes: Option<Text>,
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    pub(super) activity: Option<Pair<'a, ActivitySid>>,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u64>,
}

/// A reservation: always written whole, it is short.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ReservationLine {
    #[serde(rename = "i")]
    pub(super) sid: ReservationSid,
    /// Absent where the event has the worker.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(super) worker: Option<WorkerSid>,
    #[serde(rename = "s")]
    pub(super) status: ReservationStatus,
    #[serde(rename = "o")]
    pub(super) timeout_s: u32,
    #[serde(rename = "v")]
    pub(super) version: u64,
}

/// A worker channel.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChannelLine<'a> {
    #[serde(rename = "i")]
    pub(super) sid: WorkerChannelSid,
    #[serde(rename = "c")]
    pub(super) task_channel: Pair<'a, TaskChannelSid>,
    #[serde(rename = "m")]
    pub(super) configured_capacity: u32,
    #[serde(rename = "y")]
    pub(super) available: bool,
    #[serde(rename = "n")]
    pub(super) assigned_tasks: u32,
    #[serde(rename = "o")]
    pub(super) open_reservations: u32,
}

/// A setting.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SettingLine<'a> {
    Workspace(Pair<'a, WorkspaceSid>),
    Activity(Pair<'a, ActivitySid>, bool),
    TaskChannel(Pair<'a, TaskChannelSid>, Cow<'a, str>, bool),
    TaskQueue(Pair<'a, TaskQueueSid>, Cow<'a, str>),
    Workflow(Pair<'a, WorkflowSid>),
}

/// Attributes: as the JSON they are, without escapes, wherever that keeps each byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text(pub(super) Attributes);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.text();
        match serde_json::from_str::<&RawValue>(text) {
            // White space around a value is lost; a text that begins as a text would be taken
            // for an escaped one.
            Ok(raw) if raw.get().len() == text.len() && text.starts_with('{') => {
                raw.serialize(serializer)
            }
            _ => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <Box<RawValue>>::deserialize(deserializer)?;
        let text = match raw.get().starts_with('"') {
            true => serde_json::from_str::<String>(raw.get()).map_err(D::Error::custom)?,
            false => raw.get().to_owned(),
        };
        Attributes::new(text).map(Self).map_err(D::Error::custom)
    }
}

mod kind {
    use crate::event::EventKind;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    use std::borrow::Cow;

    pub(super) fn serialize<S: Serializer>(
        kind: &EventKind,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(kind.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<EventKind, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        EventKind::named(&name).ok_or_else(|| D::Error::custom("an unknown type of event"))
    }
}
