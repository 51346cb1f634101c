//! The stored form: one row per entity, written when a change touched it, read when it is needed.
//!
//! * A key sorts as its row's key does, so that what belongs to one object lies together.
//! * Deadlines are rows of their own, by time: those that are near are found without reading what
//!   expires.
//! * An object that is gone leaves a grave: whoever cleans up finds by it what is left. It also
//!   leaves word of itself, by which its past is found, unless its service went too.

use crate::{change::Removal, model::*};
use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, sync::Arc};

/// Names an entity that is kept as a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A unique name.
    Name(ServiceSid, ObjectKind, Arc<str>),
    /// An object.
    Object(ObjectSid),
    /// An item.
    Item(ObjectSid, ItemKey),
    /// Somebody's rights on an object.
    Permission(ObjectSid, Arc<str>),
}

impl Key {
    pub(crate) const fn first_object() -> Self {
        Self::Object(ObjectSid::new(ObjectKind::Document, 0))
    }

    /// The key of its row: `IS…/ET/name`, `ET…`, `MP…/key`, `ES…/0000000000000007`,
    /// `ET…/identity`.
    pub fn text(&self) -> String {
        match self {
            Self::Name(service, kind, name) => format!("{service}/{}/{name}", kind.letters()),
            Self::Object(sid) => sid.to_string(),
            Self::Item(object, key) => format!("{object}/{}", key.sortable()),
            Self::Permission(object, identity) => format!("{object}/{identity}"),
        }
    }

    /// Bytes that it takes, about.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Object(_) | Self::Item(_, ItemKey::Index(_)) => 64,
            Self::Name(_, _, text)
            | Self::Item(_, ItemKey::Key(text))
            | Self::Permission(_, text) => 64 + text.len(),
        }
    }
}

/// An entity as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entity {
    /// The object of a name.
    Name(ObjectSid),
    /// An object.
    Object(Arc<Object>),
    /// An item.
    Item(Arc<Item>),
    /// Somebody's rights.
    Permission(Rights),
}

/// What expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mortal {
    /// An object.
    Object(ObjectSid),
    /// An item.
    Item(ObjectSid, ItemKey),
}

impl Mortal {
    /// The key of the entity.
    pub fn key(&self) -> Key {
        match self {
            Self::Object(object) => Key::Object(*object),
            Self::Item(object, key) => Key::Item(*object, key.clone()),
        }
    }

    /// From the key of the entity's row.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once('/') {
            None => text.parse().ok().map(Self::Object),
            Some((object, key)) => {
                let object: ObjectSid = object.parse().ok()?;
                Some(Self::Item(object, ItemKey::from_sortable(object.kind(), key)?))
            }
        }
    }
}

/// When something expires. Ordered as the keys of rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When.
    pub at: Timestamp,
    /// What.
    pub of: Mortal,
}

impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> Ordering {
        // Few fall together, so texts are hardly ever made.
        let by_key = || self.of.key().text().cmp(&other.of.key().text());
        self.at.cmp(&other.at).then_with(by_key)
    }
}

impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Deadline {
    /// The key of its row: the time, 16 hex digits, and the entity's.
    pub fn text(&self) -> String {
        format!("{:016x}/{}", self.at.0.max(0), self.of.key().text())
    }

    /// Back from [`Deadline::text`].
    pub fn parse(text: &str) -> Option<Self> {
        let (at, of) = text.split_once('/')?;
        let at = i64::from_str_radix(at, 16).ok()?;
        Some(Self { at: Timestamp(at), of: Mortal::parse(of)? })
    }
}

/// An object that is gone: what is told of it without looking at what it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Which.
    pub sid: ObjectSid,
    /// Where it belonged.
    pub service: ServiceSid,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_name: Option<Arc<str>>,
    /// Who made it.
    pub created_by: Arc<str>,
    /// When.
    pub created_at: Timestamp,
    /// The event that ended it.
    pub event: EventId,
    /// Why it is gone.
    pub because: Removal,
    /// When it went.
    pub at: Timestamp,
    /// Who removed it.
    pub by: Arc<str>,
}

/// An entity a turn touched, as it is now.
#[derive(Clone, Copy, Debug)]
pub enum RowRef<'a> {
    /// A name and its object.
    Name(&'a Key, ObjectSid),
    /// An object.
    Object(&'a Object),
    /// An item.
    Item(&'a Item),
    /// Somebody's rights on an object.
    Permission(&'a Key, Rights),
    /// No longer there.
    Gone(&'a Key),
    /// Something expires.
    Deadline(&'a Deadline),
    /// It does not, or at another time.
    NoDeadline(&'a Deadline),
    /// An object that is gone: what it held is to be cleaned up.
    Grave(ObjectSid),
    /// An object that is gone, its service being there still.
    Removed(&'a Removed),
    /// The objects of a service are being removed, or were.
    Purge(ServiceSid, Purge),
}

/// How far the removal of a service's objects is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purge {
    /// Some may be left.
    UnderWay,
    /// None is left, and none comes.
    Ended,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_survive_text_and_sort_by_time() {
        let map = ObjectSid::new(ObjectKind::Map, 7);
        let list = ObjectSid::new(ObjectKind::List, 7);
        let of = [
            Mortal::Object(map),
            Mortal::Item(map, ItemKey::Key("a/b %/é".into())),
            Mortal::Item(list, ItemKey::Index(300)),
        ];
        for of in of {
            let near = Deadline { at: Timestamp(255), of: of.clone() };
            let far = Deadline { at: Timestamp(256), of };
            assert_eq!(Deadline::parse(&near.text()), Some(near.clone()));
            assert!(near.text() < far.text());
        }
    }
}
