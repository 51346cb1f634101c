//! The log of events: rows for each turn that told something, written with the changes they came
//! from.
//!
//! * `body` is for people and webhooks: the events with their entities as they were.
//! * `facts` is for statistics: what is counted, and nothing else. It stands in the turn's first
//!   row.
//! * A turn has one row; one that told very much has several, each by the SID of its first event.

use crate::tables;
use routing::{Change, Event, Routing, log};
use store::{RowContent, RowWrite, Value};

/// The rows of a turn; none for a turn that tells nothing. `routing` is as it is after the turn.
pub(super) fn rows(routing: &Routing, changes: &[Change], events: &[Event]) -> Vec<RowWrite> {
    let mut facts = facts(changes, events);
    let portions = events.chunks(log::EVENTS_A_ROW);
    let rows = portions.map(|events| RowWrite {
        table: &tables::EVENT,
        key: events[0].sid.to_string().into(),
        content: Some(RowContent {
            values: vec![std::mem::replace(&mut facts, Value::Null)],
            body: log::write(routing, events),
        }),
    });
    rows.collect()
}

/// What statistics count of a turn.
fn facts(_: &[Change], _: &[Event]) -> Value {
    Value::Null
}
