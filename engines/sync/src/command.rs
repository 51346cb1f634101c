//! What can be asked of a bucket, and what it answers.

use crate::{model::*, payload::Payload, rejection::Rejection, rows::Key};
use base::Timestamp;
use std::sync::Arc;

/// A command: who asks, in which service, for what.
#[derive(Clone, Debug)]
pub struct Command {
    /// In which service; that it is there is the caller's to know.
    pub service: ServiceSid,
    /// Who asks.
    pub caller: Caller,
    /// For what.
    pub action: Action,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The account itself: no permission stands in its way.
    System,
    /// A person or program with a token.
    Client {
        /// Who.
        identity: Arc<str>,
        /// On which device, if it says.
        endpoint: Option<Arc<str>>,
        /// Whether the service enforces permissions.
        enforcement: Enforcement,
    },
}

/// Whether permissions are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// A token for the service is enough.
    Off,
    /// Each object is asked.
    On,
}

impl Caller {
    /// The name that goes into `created_by` and webhooks.
    pub fn name(&self) -> Arc<str> {
        match self {
            Self::System => SYSTEM.into(),
            Self::Client { identity, .. } => identity.clone(),
        }
    }
}

/// The account's own name.
pub const SYSTEM: &str = "system";

/// What is asked for. A request that names both a TTL and its alias is resolved by the edge.
#[derive(Clone, Debug)]
pub enum Action {
    /// Makes an object.
    CreateObject {
        /// Of which kind.
        kind: ObjectKind,
        /// Its name for people.
        unique_name: Option<Arc<str>>,
        /// A document's value, `{}` when it is not given, or a list's context.
        data: Option<Payload>,
        /// How long it lives.
        ttl: Option<Ttl>,
    },
    /// Changes a document's value, or how long an object lives.
    UpdateObject {
        /// Which.
        object: Target,
        /// The new value, of a document only.
        data: Option<Payload>,
        /// How long it lives from now on.
        ttl: Option<Ttl>,
        /// Only if it is as the caller saw it.
        if_match: Option<IfMatch>,
    },
    /// Removes an object with all it holds.
    DeleteObject {
        /// Which.
        object: Target,
        /// Only if it is as the caller saw it.
        if_match: Option<IfMatch>,
    },
    /// Appends to a list, or adds to a map what is not there.
    AddItem {
        /// The list or map.
        object: Target,
        /// A map's new key; none for a list.
        key: Option<Arc<str>>,
        /// Value and times.
        item: NewItem,
    },
    /// Sets a map's item, whether it is there or not.
    PutItem {
        /// The map.
        object: Target,
        /// Which item.
        key: Arc<str>,
        /// Value and times.
        item: NewItem,
        /// Only if it is as the caller saw it, or not there.
        if_match: Option<IfMatch>,
    },
    /// Changes an item that is there.
    UpdateItem {
        /// The list or map.
        object: Target,
        /// Which item.
        key: ItemKey,
        /// The new value.
        data: Option<Payload>,
        /// How long it lives from now on.
        ttl: Option<Ttl>,
        /// How long its list or map lives from now on.
        collection_ttl: Option<Ttl>,
        /// Only if it is as the caller saw it.
        if_match: Option<IfMatch>,
    },
    /// Removes an item.
    DeleteItem {
        /// The list or map.
        object: Target,
        /// Which item.
        key: ItemKey,
        /// Only if it is as the caller saw it.
        if_match: Option<IfMatch>,
    },
    /// Passes a message through a stream; nothing of it is kept.
    Publish {
        /// The stream.
        object: Target,
        /// The message.
        data: Payload,
    },
    /// Sets somebody's rights on an object. For the account only.
    SetPermission {
        /// On what.
        object: Target,
        /// Whose.
        identity: Arc<str>,
        /// Which.
        rights: Rights,
    },
    /// Takes all rights on an object from somebody. For the account only.
    DeletePermission {
        /// On what.
        object: Target,
        /// Whose.
        identity: Arc<str>,
    },
    /// Removes, bit by bit, every object of a service that was deleted. For the host only.
    Purge,
}

/// An item to be written.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// Its value.
    pub data: Payload,
    /// How long it lives.
    pub ttl: Option<Ttl>,
    /// How long its list or map lives from now on.
    pub collection_ttl: Option<Ttl>,
}

/// An object as a path names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Of which kind.
    pub kind: ObjectKind,
    /// By what.
    pub named: Named,
}

/// What an object is named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its SID, of any kind: another kind's names nothing.
    Sid(base::Sid),
    /// By its unique name.
    Name(Arc<str>),
}

impl Target {
    /// What looks like a SID is one, anything else is a name.
    pub fn parse(kind: ObjectKind, text: &str) -> Self {
        let named = match text.parse() {
            Ok(sid) if looks_like_a_sid(text) => Named::Sid(sid),
            _ => Named::Name(text.into()),
        };
        Self { kind, named }
    }

    /// By SID.
    pub const fn of(sid: ObjectSid) -> Self {
        Self { kind: sid.kind(), named: Named::Sid(sid.sid()) }
    }

    /// Its SID, if it is named by one of its kind.
    pub fn sid(&self) -> Option<ObjectSid> {
        match &self.named {
            Named::Sid(sid) if sid.kind() == self.kind.letters() => {
                Some(ObjectSid::new(self.kind, sid.body()))
            }
            _ => None,
        }
    }

    /// Where it is, if it is there.
    pub fn bucket(&self, service: ServiceSid) -> BucketNumber {
        match &self.named {
            Named::Sid(sid) => ObjectSid::new(self.kind, sid.body()).bucket(),
            Named::Name(name) => BucketNumber::of_name(service, self.kind, name),
        }
    }
}

/// `[A-Z]{2}[a-f0-9]{32}`
pub(crate) fn looks_like_a_sid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 34
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..].iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b))
}

impl Command {
    /// Where it is to be carried out; `None` for an object without a name, which may be anywhere,
    /// and for what concerns all buckets.
    pub fn bucket(&self) -> Option<BucketNumber> {
        match &self.action {
            Action::CreateObject { kind, unique_name, .. } => {
                let name = unique_name.as_deref()?;
                Some(BucketNumber::of_name(self.service, *kind, name))
            }
            Action::Purge => None,
            other => other.target().map(|target| target.bucket(self.service)),
        }
    }
}

impl Command {
    /// The name that an object is to be made under.
    pub(crate) fn name_key(&self) -> Option<Key> {
        let Action::CreateObject { kind, unique_name, .. } = &self.action else { return None };
        Some(Key::Name(self.service, *kind, unique_name.clone()?))
    }
}

impl Action {
    /// A word for the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CreateObject { .. } => "CreateObject",
            Self::UpdateObject { .. } => "UpdateObject",
            Self::DeleteObject { .. } => "DeleteObject",
            Self::AddItem { .. } => "AddItem",
            Self::PutItem { .. } => "PutItem",
            Self::UpdateItem { .. } => "UpdateItem",
            Self::DeleteItem { .. } => "DeleteItem",
            Self::Publish { .. } => "Publish",
            Self::SetPermission { .. } => "SetPermission",
            Self::DeletePermission { .. } => "DeletePermission",
            Self::Purge => "Purge",
        }
    }

    /// The object it is about, if that is there already.
    pub const fn target(&self) -> Option<&Target> {
        match self {
            Self::CreateObject { .. } | Self::Purge => None,
            Self::UpdateObject { object, .. }
            | Self::DeleteObject { object, .. }
            | Self::AddItem { object, .. }
            | Self::PutItem { object, .. }
            | Self::UpdateItem { object, .. }
            | Self::DeleteItem { object, .. }
            | Self::Publish { object, .. }
            | Self::SetPermission { object, .. }
            | Self::DeletePermission { object, .. } => Some(object),
        }
    }
}

/// Seconds to live; 0 for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl(u32);

impl Ttl {
    /// One year.
    pub const SECONDS_MAX: u32 = 31_536_000;

    /// From a number of seconds.
    pub fn new(parameter: &'static str, seconds: i64) -> Result<Self, Rejection> {
        match u32::try_from(seconds) {
            Ok(seconds) if seconds <= Self::SECONDS_MAX => Ok(Self(seconds)),
            _ => Err(Rejection::InvalidTtl { parameter }),
        }
    }

    /// From a parameter's text; empty is 0.
    pub fn parse(parameter: &'static str, text: &str) -> Result<Self, Rejection> {
        let seconds = if text.is_empty() { Ok(0) } else { text.parse() };
        Self::new(parameter, seconds.map_err(|_| Rejection::InvalidTtl { parameter })?)
    }

    /// When what is written now expires.
    pub(crate) fn from(self, now: Timestamp) -> Option<Timestamp> {
        (self.0 > 0).then(|| now + base::Millis::secs(i64::from(self.0)))
    }
}

/// A condition on a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// It is at this revision.
    Revision(EventId),
    /// It is not there.
    Absent,
}

impl IfMatch {
    /// From the header's text, bare or quoted. A proxy that compresses an answer makes its `ETag`
    /// a weak one, which means the same here.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let text = text.trim();
        let text = text.strip_prefix("W/").unwrap_or(text);
        let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
        if bare == "-1" {
            return Ok(Self::Absent);
        }
        let is_hex = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_hexdigit());
        let revision = u64::from_str_radix(bare, 16).ok().filter(|_| is_hex);
        revision.map(Self::Revision).ok_or(Rejection::InvalidIfMatch)
    }
}

/// What a command is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The object as it is now.
    Object(Arc<Object>),
    /// The item as it is now.
    Item {
        /// Its list or map as it is now.
        object: Arc<Object>,
        /// The item.
        item: Arc<Item>,
        /// Whether it was there before.
        put: Put,
    },
    /// The object or item is gone.
    Removed {
        /// The event that says so.
        event: EventId,
        /// When.
        at: Timestamp,
    },
    /// The message is on its way.
    Published(MessageSid),
    /// The rights as they are now.
    Permission(Permission),
    /// It is done, or will be.
    Done,
}

/// Whether an item was there before it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was not.
    Added,
    /// It was.
    Updated,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_is_read_bare_and_quoted() {
        let read = IfMatch::parse;
        assert_eq!(read("1f"), Ok(IfMatch::Revision(31)));
        assert_eq!(read("\"1f\""), Ok(IfMatch::Revision(31)));
        assert_eq!(read("W/\"1f\""), Ok(IfMatch::Revision(31)));
        assert_eq!(read("-1"), Ok(IfMatch::Absent));
        assert_eq!(read("\"-1\""), Ok(IfMatch::Absent));
        for text in ["", "\"\"", "-2", "+1", "xyz", "\"1", "1f1f1f1f1f1f1f1f1f"] {
            assert_eq!(read(text), Err(Rejection::InvalidIfMatch), "{text}");
        }
    }

    #[test]
    fn a_ttl_has_bounds() {
        for text in ["-1", "31536001", "1.5", "x", "99999999999999999999"] {
            assert!(Ttl::parse("Ttl", text).is_err(), "{text}");
        }
        assert_eq!(Ttl::parse("Ttl", ""), Ok(Ttl(0)));
        assert_eq!(Ttl::parse("Ttl", "31536000"), Ok(Ttl(31_536_000)));
    }

    #[test]
    fn what_looks_like_a_sid_is_one() {
        let sid = "MP0123456789abcdef0123456789abcdef";
        assert_eq!(
            Target::parse(ObjectKind::Map, sid).sid().map(|s| s.to_string()),
            Some(sid.into())
        );
        assert_eq!(Target::parse(ObjectKind::List, sid).sid(), None);
        let name = "MP0123456789ABCDEF0123456789abcdef";
        assert!(matches!(Target::parse(ObjectKind::Map, name).named, Named::Name(_)));
    }
}
