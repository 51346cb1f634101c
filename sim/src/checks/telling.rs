//! What is to be told outside: it is written with what it tells of, and in the end it is told.

use super::{
    Checks, GRACE,
    place::{Finding, Place},
};
use base::{Millis, Timestamp};
use host::{
    delivery::{About, Delivery},
    tables,
};
use routing::{
    CallbackStage, EventSid, Reservation, ReservationSid, Workspace, WorkspaceSid, limits, log,
};
use std::collections::BTreeSet;
use store::{Batch, RowWrite};

/// Every asking that is or was durable: whom, which URL, and when.
#[derive(Default)]
pub(super) struct Telling(BTreeSet<(ReservationSid, CallbackStage, Timestamp)>);

const CHECKER: &str = "what is to be told outside is written with what it tells of";

impl Telling {
    /// Takes a durable turn in; `place` is as it is afterwards.
    pub(super) fn apply(&mut self, batch: &Batch, place: &Place) -> Option<Finding> {
        let mut posted = BTreeSet::new();
        for delivery in rows(batch, tables::DELIVERY.name).map(parse::<Delivery>) {
            match delivery.about {
                About::Callback { reservation, stage } => {
                    self.0.insert((reservation, stage, delivery.created_at));
                }
                About::Webhook { event, .. } => _ = posted.insert(event),
            }
        }
        for reservation in rows(batch, tables::RESERVATION.name).map(parse::<Reservation>) {
            let Some(asked) = reservation.callback else { continue };
            let at = asked.until + Millis::secs(-limits::CALLBACK_S);
            if !self.0.contains(&(reservation.sid, asked.stage, at)) {
                let what = format!("nobody is asked about {}: {asked:?}", reservation.sid);
                return Some((CHECKER, what));
            }
        }
        let wanted = wanted(batch, place.workspace.as_ref()?);
        let differs = wanted.symmetric_difference(&posted).next();
        differs.map(|event| {
            let is_wanted = wanted.contains(event);
            (CHECKER, format!("{event} is to be posted: {is_wanted}, and there is a row of it"))
        })
    }
}

/// The events of a turn that a workspace wants to be told.
fn wanted(batch: &Batch, workspace: &Workspace) -> BTreeSet<EventSid> {
    if workspace.event_callback_url.is_none() {
        return BTreeSet::new();
    }
    let filter = workspace.events_filter.as_deref();
    let mut wanted = BTreeSet::new();
    for row in batch.rows.iter().filter(|row| row.table.name == tables::EVENT.name) {
        let Some(content) = &row.content else { continue };
        let first = row.key.parse().expect("rows of the log are kept under SIDs of events");
        let events = log::read(first, &content.body).expect("what was written can be read");
        let chosen = events.iter().filter(|event| {
            filter.is_none_or(|filter| filter.split(',').any(|one| one == event.kind.as_str()))
        });
        wanted.extend(chosen.map(|event| event.sid));
    }
    wanted
}

fn rows<'a>(batch: &'a Batch, table: &'static str) -> impl Iterator<Item = &'a RowWrite> {
    batch.rows.iter().filter(move |row| row.table.name == table && row.content.is_some())
}

fn parse<T: serde::de::DeserializeOwned>(row: &RowWrite) -> T {
    let content = row.content.as_ref().expect("only rows with content are asked for");
    serde_json::from_str(&content.body).expect("rows are the JSON of their kind")
}

impl Checks {
    /// Once whoever is told listens again, nothing waits for long.
    pub(super) fn look_at_deliveries(&mut self, workspace: WorkspaceSid, now: Timestamp) {
        let Some(place) = self.places.get(&workspace) else { return };
        let mut late = None;
        for delivery in place.deliveries.values() {
            let sid = delivery.sid.to_string();
            if !delivery.status.is_live() {
                self.since.remove(&sid);
                continue;
            }
            let since = *self.since.entry(sid).or_insert(now);
            if now - since > GRACE {
                late = Some(format!("{} is {}", delivery.sid, delivery.status.as_str()));
            }
        }
        if let Some(what) = late {
            self.fail("what is to be told outside is told", what);
        }
    }
}
