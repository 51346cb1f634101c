//! What the inspector is shown of state synchronisation: ours alone.
//!
//! * Values are passed on as the text they came as.
//! * Times carry milliseconds; revisions are those of REST, events are numbers.

use base::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sync::{
    Change, EventId, Item, ItemKey, ItemSeen, ItemThen, Object, ObjectKind, ObjectSid, ObjectThen,
    Origin, Payload, Removed, What, revision,
};

/// An instant with milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Instant(pub Timestamp);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string_ms())
    }
}

/// What something is found by in its list or map.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place<'a> {
    /// In a list.
    Index(u64),
    /// In a map.
    Key(&'a str),
}

impl<'a> Place<'a> {
    /// Of a key.
    pub fn of(key: &'a ItemKey) -> Self {
        match key {
            ItemKey::Index(index) => Self::Index(*index),
            ItemKey::Key(key) => Self::Key(key),
        }
    }
}

/// The text that leads behind an item.
pub fn cursor(key: &ItemKey) -> String {
    match key {
        ItemKey::Index(index) => index.to_string(),
        ItemKey::Key(key) => key.to_string(),
    }
}

/// A document, list, map or stream, now or earlier.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedObject<'a> {
    sid: ObjectSid,
    kind: &'static str,
    unique_name: Option<&'a str>,
    /// Streams have none.
    revision: Option<String>,
    event_id: EventId,
    /// Of lists and maps; `null` where it is forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Option<u64>>,
    /// Of documents alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    date_created: Option<Instant>,
    created_by: Option<&'a str>,
    date_updated: Option<Instant>,
    date_expires: Option<Instant>,
}

impl<'a> InspectedObject<'a> {
    /// As it is.
    pub fn new(object: &'a Object) -> Self {
        let kind = object.kind();
        Self {
            sid: object.sid,
            kind: kind.word(),
            unique_name: object.unique_name.as_deref(),
            revision: has_revision(kind).then(|| object.revision()),
            event_id: object.event,
            items: kind.has_items().then_some(Some(object.items)),
            data: object.value().map(raw),
            date_created: Some(Instant(object.created_at)),
            created_by: Some(&object.created_by),
            date_updated: Some(Instant(object.updated_at)),
            date_expires: object.expires_at.map(Instant),
        }
    }

    /// The same without the value, for lists of objects.
    #[must_use]
    pub fn without_data(self) -> Self {
        Self { data: None, ..self }
    }

    /// As it was.
    pub fn then(sid: ObjectSid, object: &'a ObjectThen) -> Self {
        let (kind, origin) = (sid.kind(), object.origin.as_ref());
        let of = |told: fn(&Origin) -> Instant| origin.map(told);
        Self {
            sid,
            kind: kind.word(),
            unique_name: origin.and_then(|origin| origin.unique_name.as_deref()),
            revision: has_revision(kind).then(|| revision(object.event)),
            event_id: object.event,
            items: kind.has_items().then_some(object.items),
            data: object.data.as_ref().filter(|_| kind == ObjectKind::Document).map(raw),
            date_created: of(|origin| Instant(origin.created_at)),
            created_by: origin.map(|origin| &*origin.created_by),
            date_updated: object.updated_at.map(Instant),
            date_expires: object.expires_at.flatten().map(Instant),
        }
    }
}

fn has_revision(kind: ObjectKind) -> bool {
    kind != ObjectKind::Stream
}

/// An item of a list or map, now or earlier.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedItem<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    data: Option<&'a RawValue>,
    revision: Option<String>,
    date_updated: Option<Instant>,
    date_expires: Option<Instant>,
    /// Something of it was written before the journal begins, and replaced since.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    forgotten: bool,
}

impl<'a> InspectedItem<'a> {
    /// As it is.
    pub fn new(item: &'a Item) -> Self {
        Self {
            place: Place::of(&item.key),
            data: Some(raw(&item.data)),
            revision: Some(item.revision()),
            date_updated: Some(Instant(item.updated_at)),
            date_expires: item.expires_at.map(Instant),
            forgotten: false,
        }
    }

    /// As it was.
    pub fn then(key: &'a ItemKey, item: &'a ItemThen) -> Self {
        Self {
            place: Place::of(key),
            data: item.data.as_ref().map(raw),
            revision: item.event.map(revision),
            date_updated: item.updated_at.map(Instant),
            date_expires: item.expires_at.flatten().map(Instant),
            forgotten: !item.is_whole(),
        }
    }
}

/// A document, list, map or stream that is gone.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedRemoval<'a> {
    sid: ObjectSid,
    kind: &'static str,
    unique_name: Option<&'a str>,
    /// The event that ended it.
    event_id: EventId,
    date_created: Instant,
    created_by: &'a str,
    date_removed: Instant,
    because: sync::Removal,
    /// An identity, or `system`.
    removed_by: &'a str,
}

impl<'a> InspectedRemoval<'a> {
    /// As its removal tells.
    pub fn new(removed: &'a Removed) -> Self {
        Self {
            sid: removed.sid,
            kind: removed.sid.kind().word(),
            unique_name: removed.unique_name.as_deref(),
            event_id: removed.event,
            date_created: Instant(removed.created_at),
            created_by: &removed.created_by,
            date_removed: Instant(removed.at),
            because: removed.because,
            removed_by: &removed.by,
        }
    }
}

/// Something that happened to an object.
#[derive(Clone, Debug, Default, Serialize)]
pub struct InspectedEvent<'a> {
    /// Of what has a number of its own.
    event_id: Option<EventId>,
    kind: String,
    date: Option<Instant>,
    #[serde(flatten)]
    place: Option<Place<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// What there is from then on; of what was removed, what there was.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_expires: Option<Option<Instant>>,
    /// Why something is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<sync::Removal>,
    /// Whose rights changed, and what they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<sync::Rights>,
    /// An identity, or `system`; it is not kept of everything.
    by: Option<&'a str>,
}

impl<'a> InspectedEvent<'a> {
    /// As the journal tells it.
    pub fn kept(kind: ObjectKind, change: &'a Change, at: Timestamp) -> Self {
        let word = kind.word();
        let told = Self { date: Some(Instant(at)), ..Self::default() };
        match change {
            Change::ObjectCreated { object, data } => Self {
                kind: format!("{word}_created"),
                revision: has_revision(kind).then(|| object.revision()),
                data: data.as_ref().map(raw),
                date_expires: object.expires_at.map(|at| Some(Instant(at))),
                by: Some(&object.created_by),
                ..told
            },
            Change::DocumentUpdated { event, data, by, .. } => Self {
                event_id: Some(*event),
                kind: format!("{word}_updated"),
                revision: Some(revision(*event)),
                data: Some(raw(data)),
                by: Some(by),
                ..told
            },
            Change::ObjectExpirySet { expires_at, .. } => Self {
                kind: format!("{word}_expiry_set"),
                date_expires: Some(expires_at.map(Instant)),
                ..told
            },
            Change::ObjectRemoved { event, because, by, .. } => Self {
                event_id: Some(*event),
                kind: format!("{word}_removed"),
                because: Some(*because),
                by: Some(by),
                ..told
            },
            Change::ItemAdded(_)
            | Change::ItemUpdated(_)
            | Change::ItemExpirySet { .. }
            | Change::ItemRemoved { .. } => told.of_item(word, change),
            Change::PermissionSet(permission) => Self {
                kind: "permission_set".to_owned(),
                identity: Some(&permission.identity),
                rights: Some(permission.rights),
                ..told
            },
            Change::PermissionRemoved { identity, .. } => {
                Self { kind: "permission_removed".to_owned(), identity: Some(identity), ..told }
            }
            // Of a service, never of an object.
            Change::PurgeBegan { .. } | Change::PurgeEnded { .. } => told,
        }
    }

    fn of_item(self, word: &str, change: &'a Change) -> Self {
        match change {
            Change::ItemAdded(write) | Change::ItemUpdated(write) => Self {
                event_id: Some(write.event),
                kind: match change {
                    Change::ItemAdded(_) => format!("{word}_item_added"),
                    _ => format!("{word}_item_updated"),
                },
                place: Some(Place::of(&write.key)),
                revision: Some(revision(write.event)),
                data: Some(raw(&write.data)),
                date_expires: write.expires_at.map(|at| Some(Instant(at))),
                by: Some(&write.by),
                ..self
            },
            Change::ItemExpirySet { key, expires_at, .. } => Self {
                kind: format!("{word}_item_expiry_set"),
                place: Some(Place::of(key)),
                date_expires: Some(expires_at.map(Instant)),
                ..self
            },
            Change::ItemRemoved { key, event, revision: had, data, because, by, .. } => Self {
                event_id: Some(*event),
                kind: format!("{word}_item_removed"),
                place: Some(Place::of(key)),
                revision: Some(revision(*had)),
                data: Some(raw(data)),
                because: Some(*because),
                by: Some(by),
                ..self
            },
            // Of an object as such, or of a service.
            Change::ObjectCreated { .. }
            | Change::DocumentUpdated { .. }
            | Change::ObjectExpirySet { .. }
            | Change::ObjectRemoved { .. }
            | Change::PermissionSet(_)
            | Change::PermissionRemoved { .. }
            | Change::PurgeBegan { .. }
            | Change::PurgeEnded { .. } => self,
        }
    }

    /// As followers are told.
    pub fn live(event: &'a sync::Event) -> Self {
        let kind = event.object.kind();
        let word = kind.word();
        let event_id = event.what.is_logged().then_some(event.id);
        let told = Self {
            event_id,
            date: Some(Instant(event.at)),
            by: Some(&event.by),
            ..Self::default()
        };
        let item = |verb: &str, item: &'a ItemSeen| Self {
            kind: format!("{word}_item_{verb}"),
            place: Some(Place::of(&item.key)),
            revision: Some(revision(item.revision)),
            data: Some(raw(&item.data)),
            date_expires: item.expires_at.map(|at| Some(Instant(at))),
            ..told.clone()
        };
        match &event.what {
            What::ObjectCreated { data } => {
                let data = data.as_ref().map(raw);
                Self { kind: format!("{word}_created"), data, ..told }
            }
            What::DocumentUpdated { data } => Self {
                kind: format!("{word}_updated"),
                revision: Some(revision(event.id)),
                data: Some(raw(data)),
                ..told
            },
            What::ObjectRemoved { because } => {
                Self { kind: format!("{word}_removed"), because: Some(*because), ..told }
            }
            What::ItemAdded(seen) => item("added", seen),
            What::ItemUpdated(seen) => item("updated", seen),
            What::ItemRemoved { item: seen, because } => {
                Self { because: Some(*because), ..item("removed", seen) }
            }
            What::MessagePublished { data, .. } => {
                Self { kind: format!("{word}_message_published"), data: Some(raw(data)), ..told }
            }
            What::PermissionChanged { identity, rights } => Self {
                kind: "permission_set".to_owned(),
                identity: Some(identity),
                rights: Some(*rights),
                by: None,
                ..told
            },
        }
    }
}

fn raw(payload: &Payload) -> &RawValue {
    serde_json::from_str(payload.text()).expect("a payload was checked when it came")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sync::{ItemWrite, Removal};

    #[test]
    fn a_change_and_the_event_it_gave_rise_to_look_alike() {
        let sid = ObjectSid::new(ObjectKind::Map, 7);
        let write = ItemWrite {
            object: sid,
            key: ItemKey::Key("k".into()),
            event: 26,
            data: Payload::parse("{\"n\":1.0}").unwrap(),
            expires_at: Some(Timestamp(1_767_225_600_000)),
            at: Timestamp(1_767_225_600_123),
            by: "ann".into(),
        };
        let object = Object {
            sid,
            service: sync::ServiceSid::new(1),
            unique_name: None,
            data: None,
            event: 26,
            next_index: 0,
            items: 1,
            created_by: "system".into(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            expires_at: None,
        };
        let at = write.at;
        let change = Change::ItemAdded(write);
        let event = sync::Event::of(&change, &object).unwrap();
        let kept = serde_json::to_string(&InspectedEvent::kept(ObjectKind::Map, &change, at));
        let live = serde_json::to_string(&InspectedEvent::live(&event));
        let expected = concat!(
            r#"{"event_id":26,"kind":"map_item_added","date":"2026-01-01T00:00:00.123Z","#,
            r#""key":"k","revision":"1a","data":{"n":1.0},"#,
            r#""date_expires":"2026-01-01T00:00:00.000Z","by":"ann"}"#,
        );
        assert_eq!(kept.unwrap(), expected);
        assert_eq!(live.unwrap(), expected);
        let gone = Change::ObjectRemoved {
            object: sid,
            event: 27,
            because: Removal::Expired,
            at,
            by: "system".into(),
        };
        let kept = serde_json::to_value(InspectedEvent::kept(ObjectKind::Map, &gone, at)).unwrap();
        assert_eq!((&kept["kind"], &kept["because"]), (&json!("map_removed"), &json!("expired")));
        assert_eq!(kept.get("key"), None);
    }
}
