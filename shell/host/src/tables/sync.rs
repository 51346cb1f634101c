//! The rows of sync. Those of objects are in the partitions `sync-0` to `sync-f`, those of services
//! in `sync`. See decision 0017.

use super::{Record, fixed, int, payload, text};
use store::Table;

/// Services, by SID.
pub static SYNC_SERVICE: Table = Table {
    name: "sync_service",
    columns: &[fixed(text("account")), text("friendly_name"), fixed(int("created_at"))],
    indexes: &[],
    live: None,
};

/// Services that were deleted and whose objects are being removed, by SID.
pub static SYNC_SERVICE_END: Table =
    Table { name: "sync_service_end", columns: &[], indexes: &[], live: None };

/// Documents, lists, maps and streams, by SID.
pub static SYNC_OBJECT: Table = Table {
    name: "sync_object",
    columns: &[
        fixed(text("service")),
        fixed(text("unique_name")),
        int("expires_at"),
        payload("data"),
    ],
    indexes: &[&["service"]],
    live: None,
};

/// Unique names, by service, letters of the kind and name: `IS…/ET/name`.
pub static SYNC_NAME: Table =
    Table { name: "sync_name", columns: &[text("object")], indexes: &[], live: None };

/// Items, by object and place: `MP…/key`, `ES…/` and the index as 16 hex digits.
pub static SYNC_ITEM: Table = Table {
    name: "sync_item",
    columns: &[int("expires_at"), payload("data")],
    indexes: &[],
    live: None,
};

/// Rights, by object and identity.
pub static SYNC_PERMISSION: Table =
    Table { name: "sync_permission", columns: &[], indexes: &[], live: None };

/// What expires, by time as 16 hex digits and the key of the object or item.
pub static SYNC_DEADLINE: Table =
    Table { name: "sync_deadline", columns: &[], indexes: &[], live: None };

/// Where in the journal an object's events are, by object and number as 16 hex digits. Never
/// changed.
pub static SYNC_EVENT: Table = Table {
    name: "sync_event",
    columns: &[fixed(int("at")), fixed(int("seq"))],
    indexes: &[&["at"]],
    live: None,
};

/// Where in the journal changes of an object are that are no events and were not made together with
/// one, by object and number of the entry as 16 hex digits. Never changed.
pub static SYNC_ASIDE: Table =
    Table { name: "sync_aside", columns: &[fixed(int("at"))], indexes: &[&["at"]], live: None };

/// Objects that are gone, as long as something of what they held is left.
pub static SYNC_GRAVE: Table = Table { name: "sync_grave", columns: &[], indexes: &[], live: None };

/// Objects that are gone while their service is there, by SID, for as long as the journal tells of
/// them. Never changed.
pub static SYNC_REMOVED: Table = Table {
    name: "sync_removed",
    columns: &[fixed(text("service")), fixed(int("at"))],
    indexes: &[&["service", "at"], &["at"]],
    live: None,
};

/// Deleted services: whether their objects in this bucket are all removed.
pub static SYNC_PURGE: Table = Table { name: "sync_purge", columns: &[], indexes: &[], live: None };

/// The partition of services.
pub const SYNC_SERVICES_PARTITION: &str = "sync";

impl Record for sync::service::Service {
    const TABLE: &'static Table = &SYNC_SERVICE;
}
