//! What happened: stored as the journal, read back as the log of an object's events.
//!
//! * A change says everything its event says, so that the journal is also the event log: see
//!   [`Event`](crate::Event).

use crate::{model::*, payload::Payload};
use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One change of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// An object was made.
    ObjectCreated {
        /// As it is.
        object: Object,
        /// A document's value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<Payload>,
    },
    /// A document has another value.
    DocumentUpdated {
        /// Which.
        object: ObjectSid,
        /// The event.
        event: EventId,
        /// The value.
        data: Payload,
        /// When.
        at: Timestamp,
        /// Who.
        by: Arc<str>,
    },
    /// An object expires at another time, or never.
    ObjectExpirySet {
        /// Which.
        object: ObjectSid,
        /// When it will.
        expires_at: Option<Timestamp>,
        /// When it was said.
        at: Timestamp,
    },
    /// An object is gone with all it held.
    ObjectRemoved {
        /// Which.
        object: ObjectSid,
        /// The event.
        event: EventId,
        /// Why.
        because: Removal,
        /// When.
        at: Timestamp,
        /// Who.
        by: Arc<str>,
    },
    /// A list or map has an item more.
    ItemAdded(ItemWrite),
    /// An item has another value.
    ItemUpdated(ItemWrite),
    /// An item expires at another time, or never.
    ItemExpirySet {
        /// The list or map.
        object: ObjectSid,
        /// Which item.
        key: ItemKey,
        /// When it will.
        expires_at: Option<Timestamp>,
        /// When it was said.
        at: Timestamp,
    },
    /// An item is gone.
    ItemRemoved {
        /// The list or map.
        object: ObjectSid,
        /// Which item.
        key: ItemKey,
        /// The event.
        event: EventId,
        /// The revision it had.
        revision: EventId,
        /// The value it had.
        data: Payload,
        /// Why.
        because: Removal,
        /// When.
        at: Timestamp,
        /// Who.
        by: Arc<str>,
    },
    /// Somebody's rights on an object are these now.
    PermissionSet(Permission),
    /// Somebody has no rights on an object any more.
    PermissionRemoved {
        /// On what.
        object: ObjectSid,
        /// Whose.
        identity: Arc<str>,
    },
    /// The objects of a service are being removed; none is made in it from now on.
    PurgeBegan {
        /// Which.
        service: ServiceSid,
    },
    /// They are.
    PurgeEnded {
        /// Which.
        service: ServiceSid,
    },
}

/// An item as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemWrite {
    /// The list or map.
    pub object: ObjectSid,
    /// Which item.
    pub key: ItemKey,
    /// The event, which is its revision from now on.
    pub event: EventId,
    /// The value.
    pub data: Payload,
    /// When it expires from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Arc<str>,
}

/// Why something is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// Somebody removed it.
    Deleted,
    /// Its time was over.
    Expired,
    /// Its service was deleted.
    ServiceDeleted,
}

impl Change {
    /// The variant's name as it is stored.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ObjectCreated { .. } => "object_created",
            Self::DocumentUpdated { .. } => "document_updated",
            Self::ObjectExpirySet { .. } => "object_expiry_set",
            Self::ObjectRemoved { .. } => "object_removed",
            Self::ItemAdded(_) => "item_added",
            Self::ItemUpdated(_) => "item_updated",
            Self::ItemExpirySet { .. } => "item_expiry_set",
            Self::ItemRemoved { .. } => "item_removed",
            Self::PermissionSet(_) => "permission_set",
            Self::PermissionRemoved { .. } => "permission_removed",
            Self::PurgeBegan { .. } => "purge_began",
            Self::PurgeEnded { .. } => "purge_ended",
        }
    }

    /// The object it is about, if it is about one.
    pub const fn object(&self) -> Option<ObjectSid> {
        match self {
            Self::ObjectCreated { object, .. } => Some(object.sid),
            Self::ItemAdded(write) | Self::ItemUpdated(write) => Some(write.object),
            Self::DocumentUpdated { object, .. }
            | Self::ObjectExpirySet { object, .. }
            | Self::ObjectRemoved { object, .. }
            | Self::ItemExpirySet { object, .. }
            | Self::ItemRemoved { object, .. }
            | Self::PermissionRemoved { object, .. } => Some(*object),
            Self::PermissionSet(permission) => Some(permission.object),
            Self::PurgeBegan { .. } | Self::PurgeEnded { .. } => None,
        }
    }

    /// The item it is about, if it is about one.
    pub const fn item(&self) -> Option<&ItemKey> {
        match self {
            Self::ItemAdded(write) | Self::ItemUpdated(write) => Some(&write.key),
            Self::ItemExpirySet { key, .. } | Self::ItemRemoved { key, .. } => Some(key),
            Self::ObjectCreated { .. }
            | Self::DocumentUpdated { .. }
            | Self::ObjectExpirySet { .. }
            | Self::ObjectRemoved { .. }
            | Self::PermissionSet(_)
            | Self::PermissionRemoved { .. }
            | Self::PurgeBegan { .. }
            | Self::PurgeEnded { .. } => None,
        }
    }

    /// The object and the number of the event it gave rise to, if it is one that can be replayed.
    pub const fn logged(&self) -> Option<(ObjectSid, EventId)> {
        match self {
            Self::DocumentUpdated { object, event, .. }
            | Self::ObjectRemoved { object, event, .. }
            | Self::ItemRemoved { object, event, .. }
            | Self::ItemAdded(ItemWrite { object, event, .. })
            | Self::ItemUpdated(ItemWrite { object, event, .. }) => Some((*object, *event)),
            Self::ObjectCreated { .. }
            | Self::ObjectExpirySet { .. }
            | Self::ItemExpirySet { .. }
            | Self::PermissionSet(_)
            | Self::PermissionRemoved { .. }
            | Self::PurgeBegan { .. }
            | Self::PurgeEnded { .. } => None,
        }
    }
}
