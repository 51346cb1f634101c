//! The log of events: one row for each turn, written with the changes it came from.
//!
//! * `body` is for people and webhooks: the events with their entities as they were.
//! * `facts` is for statistics: what is counted, and nothing else.

use crate::tables;
use routing::Event;
use serde_json::json;
use store::{RowContent, RowWrite, Value};

/// The row of a turn; none for a turn that tells nothing.
pub(super) fn row(events: &[Event]) -> Option<RowWrite> {
    let first = events.first()?;
    let told: Vec<_> =
        events.iter().map(|event| json!({"sid": event.sid, "type": event.kind.as_str()})).collect();
    let body = serde_json::Value::from(told).to_string();
    let content = RowContent { values: vec![Value::Null], body };
    Some(RowWrite {
        table: &tables::EVENT,
        key: first.sid.to_string().into(),
        content: Some(content),
    })
}
