//! The log of events: rows for each turn that told something, written with the changes they came
//! from.
//!
//! * `body` is for people and webhooks: the events with their entities as they were.
//! * `facts` is for statistics: what is counted, and nothing else. It stands in the turn's first
//!   row.
//! * A turn has one row; one that told very much has several, each by the SID of its first event.

use crate::tables;
use routing::{Event, Routing, log};
use store::{RowContent, RowWrite};

/// The rows of a turn; none for a turn that tells nothing, which counts nothing either. `routing`
/// is as it is after the turn.
pub(super) fn rows(
    routing: &Routing,
    events: &[Event],
    mut facts: Option<String>,
) -> Vec<RowWrite> {
    #[cfg(feature = "planted-bugs")]
    let events = match events.split_last() {
        Some((last, others))
            if last.reservation.is_some()
                && !others.is_empty()
                && crate::planted::is(crate::planted::Planted::ForgetLog) =>
        {
            others
        }
        _ => events,
    };
    let portions = events.chunks(log::EVENTS_A_ROW);
    let rows = portions.map(|events| RowWrite {
        table: &tables::EVENT,
        key: events[0].sid.to_string().into(),
        content: Some(RowContent {
            values: vec![facts.take().as_deref().into()],
            body: log::write(routing, events),
        }),
    });
    rows.collect()
}
