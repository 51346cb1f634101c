//! What those who follow an object are told, live or again from the journal.
//!
//! * What is told again is equal to what was told live, but for the endpoint, which only webhooks
//!   need.
//! * A change gives rise to one event at most, so a place in the journal is a place in the log.

use crate::{
    change::{Change, ItemWrite, Removal},
    command::{Caller, SYSTEM},
    model::*,
    payload::Payload,
};
use base::Timestamp;
use std::sync::Arc;

/// Something that happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which object.
    pub object: ObjectSid,
    /// Where it belongs.
    pub service: ServiceSid,
    /// Its name for people.
    pub unique_name: Option<Arc<str>>,
    /// Its number within the object; the newest one so far for what has no number of its own.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// Who did it: an identity, or `system`.
    pub by: Arc<str>,
    /// On which device, if it says; not kept.
    pub endpoint: Option<Arc<str>>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The object was made. Has no number.
    ObjectCreated {
        /// A document's value.
        data: Option<Payload>,
    },
    /// A document has another value.
    DocumentUpdated {
        /// The value.
        data: Payload,
    },
    /// The object is gone.
    ObjectRemoved {
        /// Why.
        because: Removal,
    },
    /// A list or map has an item more.
    ItemAdded(ItemSeen),
    /// An item has another value.
    ItemUpdated(ItemSeen),
    /// An item is gone; these are the value and the revision it had.
    ItemRemoved {
        /// As it was.
        item: ItemSeen,
        /// Why.
        because: Removal,
    },
    /// A message went through a stream. Has no number and is not kept.
    MessagePublished {
        /// Its name for programs.
        message: MessageSid,
        /// The message.
        data: Payload,
    },
    /// Somebody's rights changed; for those who tell others, not for clients. Has no number.
    PermissionChanged {
        /// Whose.
        identity: Arc<str>,
        /// What they are now.
        rights: Rights,
    },
}

/// An item in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemSeen {
    /// Where it is.
    pub key: ItemKey,
    /// Its revision.
    pub revision: EventId,
    /// Its value.
    pub data: Payload,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

impl What {
    /// Whether the event has a number of its own and can be told again.
    pub const fn is_logged(&self) -> bool {
        match self {
            Self::DocumentUpdated { .. }
            | Self::ObjectRemoved { .. }
            | Self::ItemAdded(_)
            | Self::ItemUpdated(_)
            | Self::ItemRemoved { .. } => true,
            Self::ObjectCreated { .. }
            | Self::MessagePublished { .. }
            | Self::PermissionChanged { .. } => false,
        }
    }
}

impl Event {
    /// The event a change gave rise to, about an object as it was then; `None` for a change that
    /// nobody is told of.
    pub fn of(change: &Change, object: &Object) -> Option<Self> {
        let (id, at, by, what) = match change {
            Change::ObjectCreated { object, data } => {
                let what = What::ObjectCreated { data: data.clone() };
                (object.event, object.created_at, object.created_by.clone(), what)
            }
            Change::DocumentUpdated { event, data, at, by, .. } => {
                (*event, *at, by.clone(), What::DocumentUpdated { data: data.clone() })
            }
            Change::ObjectRemoved { event, because, at, by, .. } => {
                (*event, *at, by.clone(), What::ObjectRemoved { because: *because })
            }
            Change::ItemAdded(write) => {
                (write.event, write.at, write.by.clone(), What::ItemAdded(ItemSeen::of(write)))
            }
            Change::ItemUpdated(write) => {
                (write.event, write.at, write.by.clone(), What::ItemUpdated(ItemSeen::of(write)))
            }
            Change::ItemRemoved { key, event, revision, data, because, at, by, .. } => {
                let (key, data) = (key.clone(), data.clone());
                let item = ItemSeen { key, revision: *revision, data, expires_at: None };
                (*event, *at, by.clone(), What::ItemRemoved { item, because: *because })
            }
            Change::PermissionSet(permission) => {
                let (identity, rights) = (permission.identity.clone(), permission.rights);
                let what = What::PermissionChanged { identity, rights };
                (object.event, object.updated_at, SYSTEM.into(), what)
            }
            Change::PermissionRemoved { identity, .. } => {
                let (identity, rights) = (identity.clone(), Rights::default());
                let what = What::PermissionChanged { identity, rights };
                (object.event, object.updated_at, SYSTEM.into(), what)
            }
            Change::ObjectExpirySet { .. }
            | Change::ItemExpirySet { .. }
            | Change::PurgeBegan { .. }
            | Change::PurgeEnded { .. } => return None,
        };
        Some(Self {
            object: object.sid,
            service: object.service,
            unique_name: object.unique_name.clone(),
            id,
            at,
            by,
            endpoint: None,
            what,
        })
    }

    /// The same, with the device it came from.
    #[must_use]
    pub fn from(mut self, caller: &Caller) -> Self {
        if let Caller::Client { endpoint, .. } = caller {
            self.endpoint.clone_from(endpoint);
        }
        self
    }
}

impl ItemSeen {
    fn of(write: &ItemWrite) -> Self {
        let (key, data) = (write.key.clone(), write.data.clone());
        Self { key, revision: write.event, data, expires_at: write.expires_at }
    }
}
