//! One file per engine: how the host sees it.

mod access;
mod routing;
mod services;
mod sync;

pub(crate) use routing::kind as kind_of;
pub use routing::{Answered, Asked, RoutingEngine};
pub use sync::SyncEngine;
pub(crate) use sync::{below, event_key, item_row, object_row};

use base::Sid;
use serde::{Serialize, de::DeserializeOwned};
use store::{Entry, RowContent, StoredChange, Value};

/// A SID in a column.
fn sid(sid: Sid) -> Value {
    let text = sid.encode();
    Value::from(std::str::from_utf8(&text).expect("a SID is ASCII"))
}

/// A change as the journal keeps it.
fn stored(kind: &'static str, change: &impl Serialize) -> StoredChange {
    let body = ::routing::json::text(change).expect("changes are plain data");
    StoredChange { kind, body }
}

/// A change as it was kept. The message names no customer data.
pub(crate) fn change<C: DeserializeOwned>(entry: &Entry) -> Result<C, String> {
    serde_json::from_str(&entry.body)
        .map_err(|error| format!("change {} ({}): {error}", entry.seq, entry.kind))
}

/// A row's columns, and all of it as JSON.
fn content(row: &impl Serialize, values: Vec<Value>) -> RowContent {
    let body = serde_json::to_string(row).expect("rows are plain data");
    RowContent { values, body }
}

/// FNV-1a: the same for the same text in every process.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
