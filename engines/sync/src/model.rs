//! What is kept: objects of four kinds, items of lists and maps, permissions.
//!
//! * A SID says its kind and its bucket: the last hex digit is the number of the bucket.
//! * One counter per object, its newest event, is also its revision, and an item's revision is the
//!   event that last wrote it: no revision comes twice in an object, even when an item is removed
//!   and made again.

use crate::payload::Payload;
use base::{Sid, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr, sync::Arc};

base::sid_kinds! {
    /// A service: settings, and a space of names.
    ServiceSid = "IS",
    /// A message that went through a stream.
    MessageSid = "TZ",
}

impl ServiceSid {
    /// The service every account has from its start.
    pub const fn default_of(account: Sid) -> Self {
        Self::new(account.body())
    }
}

/// The number of an event within its object: 1 for the first, one more for each.
pub type EventId = u64;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// One value.
    Document,
    /// Items by an index the list assigns.
    List,
    /// Items by a key the caller chooses.
    Map,
    /// Holds nothing: passes messages on.
    Stream,
}

impl ObjectKind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Document, Self::List, Self::Map, Self::Stream];

    /// The letters of its SIDs.
    pub const fn letters(self) -> &'static str {
        match self {
            Self::Document => "ET",
            Self::List => "ES",
            Self::Map => "MP",
            Self::Stream => "TO",
        }
    }

    /// The word for it on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::List => "list",
            Self::Map => "map",
            Self::Stream => "stream",
        }
    }

    /// Whether it has items.
    pub const fn has_items(self) -> bool {
        matches!(self, Self::List | Self::Map)
    }
}

/// How many buckets there are: one for each hex digit.
pub const BUCKETS: u8 = 16;

/// Which bucket: entities of one bucket are decided one after the other, those of different ones
/// at the same time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BucketNumber(u8);

impl BucketNumber {
    /// The bucket with a number below [`BUCKETS`]; higher ones count from the beginning again.
    pub const fn new(number: u64) -> Self {
        Self((number % BUCKETS as u64) as u8)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..BUCKETS).map(Self)
    }

    /// Where an object of this name is, if there is one.
    pub fn of_name(service: ServiceSid, kind: ObjectKind, name: &str) -> Self {
        // FNV-1a: the same in every process, for ever.
        let bytes = service.body().to_be_bytes().into_iter();
        let bytes = bytes.chain(kind.letters().bytes()).chain(name.bytes());
        Self::new(bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// From 0 to 15.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// A new object's SID body, from an id, so that the SID leads here.
    pub(crate) const fn mark(self, id: u128) -> u128 {
        (id & !0xf) | self.0 as u128
    }
}

impl fmt::Display for BucketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl fmt::Debug for BucketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The SID of an object of any kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectSid {
    kind: ObjectKind,
    body: u128,
}

/// The text is no SID of an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the SID of a document, list, map or stream")]
pub struct ObjectSidError;

impl ObjectSid {
    /// From the 128 bits after the letters.
    pub const fn new(kind: ObjectKind, body: u128) -> Self {
        Self { kind, body }
    }

    /// What it is the SID of.
    pub const fn kind(self) -> ObjectKind {
        self.kind
    }

    /// Where the object is.
    pub const fn bucket(self) -> BucketNumber {
        BucketNumber::new((self.body & 0xf) as u64)
    }

    /// The 128 bits after the letters.
    pub const fn body(self) -> u128 {
        self.body
    }

    /// The same SID without its type.
    pub const fn sid(self) -> Sid {
        let letters = self.kind.letters().as_bytes();
        Sid::new([letters[0], letters[1]], self.body)
    }
}

impl FromStr for ObjectSid {
    type Err = ObjectSidError;

    fn from_str(text: &str) -> Result<Self, ObjectSidError> {
        let sid: Sid = text.parse().map_err(|_| ObjectSidError)?;
        let kind = ObjectKind::ALL.into_iter().find(|kind| kind.letters() == sid.kind());
        Ok(Self::new(kind.ok_or(ObjectSidError)?, sid.body()))
    }
}

impl fmt::Display for ObjectSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.sid(), f)
    }
}

impl fmt::Debug for ObjectSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.sid(), f)
    }
}

impl Serialize for ObjectSid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sid().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ObjectSid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// An object without what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its name for programs.
    pub sid: ObjectSid,
    /// Where it belongs.
    pub service: ServiceSid,
    /// Its name for people, unique among objects of its kind in the service; fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_name: Option<Arc<str>>,
    /// A document's value, or what a list was made with as its context; kept apart from the rest,
    /// so that it can be kept enciphered.
    #[serde(skip)]
    pub data: Option<Payload>,
    /// Its newest event and its revision; 0 for none.
    pub event: EventId,
    /// The index of a list's next item.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub next_index: u64,
    /// How many items it has, expired ones that are not removed yet included.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub items: u64,
    /// Who made it: an identity, or `system`.
    pub created_by: Arc<str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its value, its items or its expiry last changed.
    pub updated_at: Timestamp,
    /// From when on it is no longer there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

const fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Object {
    /// What it is.
    pub const fn kind(&self) -> ObjectKind {
        self.sid.kind()
    }

    /// A document's value.
    pub fn value(&self) -> Option<&Payload> {
        self.data.as_ref().filter(|_| self.kind() == ObjectKind::Document)
    }

    /// What a list was made with beside its items, if it was.
    pub fn context(&self) -> Option<&Payload> {
        self.data.as_ref().filter(|_| self.kind() == ObjectKind::List)
    }

    /// Its revision as clients see it: opaque, different after each change.
    pub fn revision(&self) -> String {
        revision(self.event)
    }

    /// Whether it is still there.
    pub fn is_there(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

/// A revision as clients see it.
pub fn revision(event: EventId) -> String {
    format!("{event:x}")
}

/// What an item is found by in its list or map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ItemKey {
    /// In a list.
    Index(u64),
    /// In a map; ordered by its UTF-8 bytes.
    Key(Arc<str>),
}

impl ItemKey {
    /// A text that sorts as the key does among keys of its object.
    pub fn sortable(&self) -> String {
        match self {
            Self::Index(index) => format!("{index:016x}"),
            Self::Key(key) => key.to_string(),
        }
    }

    /// Back from [`ItemKey::sortable`].
    pub fn from_sortable(kind: ObjectKind, text: &str) -> Option<Self> {
        match kind {
            ObjectKind::List => u64::from_str_radix(text, 16).ok().map(Self::Index),
            ObjectKind::Map => Some(Self::Key(text.into())),
            ObjectKind::Document | ObjectKind::Stream => None,
        }
    }
}

/// An item of a list or map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The list or map.
    pub object: ObjectSid,
    /// Where in it.
    pub key: ItemKey,
    /// Its value; kept apart from the rest, so that it can be kept enciphered.
    #[serde(skip)]
    pub data: Payload,
    /// The event that last wrote its value, and its revision.
    pub event: EventId,
    /// Who made it: an identity, or `system`.
    pub created_by: Arc<str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its value or its expiry last changed.
    pub updated_at: Timestamp,
    /// From when on it is no longer there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Item {
    /// Its revision as clients see it.
    pub fn revision(&self) -> String {
        revision(self.event)
    }

    /// Whether it is still there.
    pub fn is_there(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

/// What somebody may do with an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Open it, read items, follow it.
    pub read: bool,
    /// Change its value or its items.
    pub write: bool,
    /// Remove it, or say when it expires.
    pub manage: bool,
}

impl Rights {
    /// What a creator has.
    pub const ALL: Self = Self { read: true, write: true, manage: true };

    /// Whether these rights hold one.
    pub const fn allow(self, right: Right) -> bool {
        match right {
            Right::Read => self.read,
            Right::Write => self.write,
            Right::Manage => self.manage,
        }
    }
}

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See [`Rights::read`].
    Read,
    /// See [`Rights::write`].
    Write,
    /// See [`Rights::manage`].
    Manage,
}

/// Somebody's rights on an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// On what.
    pub object: ObjectSid,
    /// Whose.
    pub identity: Arc<str>,
    /// Which.
    pub rights: Rights,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_leads_to_its_bucket() {
        for bucket in BucketNumber::all() {
            let sid = ObjectSid::new(ObjectKind::Map, bucket.mark(0x1234_5678_9abc_def0_1234));
            assert_eq!(sid.bucket(), bucket);
            assert_eq!(sid.to_string().parse(), Ok(sid));
            assert!(sid.to_string().ends_with(&bucket.to_string()));
        }
        assert!("IS0123456789abcdef0123456789abcdef".parse::<ObjectSid>().is_err());
    }

    #[test]
    fn sortable_keys_sort_as_keys_do() {
        let indexes = [0, 9, 10, 255, 256, u64::MAX].map(ItemKey::Index);
        assert!(indexes.windows(2).all(|two| two[0].sortable() < two[1].sortable()));
        for key in &indexes {
            let back = ItemKey::from_sortable(ObjectKind::List, &key.sortable());
            assert_eq!(back.as_ref(), Some(key));
        }
    }
}
