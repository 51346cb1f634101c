//! Events, as somebody hears them who misses nothing while the machine is up.

use super::{
    log::Log,
    place::{Finding, Place},
};
use host::{Subscription, Topic, outlets::Outlets};
use routing::{Event, EventKind, EventSid, ReservationSid, WorkspaceSid};
use std::collections::{BTreeMap, BTreeSet};

/// Enough for any run.
const CAPACITY: usize = 1 << 16;

/// The ear, and what it heard since the beginning.
#[derive(Default)]
pub(super) struct Hearing {
    subscriptions: BTreeMap<WorkspaceSid, Subscription>,
    heard: BTreeSet<(EventKind, String)>,
    gone: BTreeSet<WorkspaceSid>,
    /// The newest event that was heard.
    last: BTreeMap<WorkspaceSid, EventSid>,
}

impl Hearing {
    pub(super) fn listen(&mut self, outlets: &Outlets, workspace: WorkspaceSid) {
        let subscription = outlets.hub.subscribe(Topic::Workspace(workspace), CAPACITY);
        self.subscriptions.insert(workspace, subscription);
    }

    pub(super) fn deafen(&mut self) {
        self.subscriptions.clear();
    }

    pub(super) fn gone(&mut self, workspace: WorkspaceSid) {
        self.gone.insert(workspace);
    }

    /// Hears what there is: how many events, and what is wrong with them.
    pub(super) fn hear(
        &mut self,
        places: &BTreeMap<WorkspaceSid, Place>,
        log: &Log,
    ) -> (u64, Vec<Finding>) {
        let (mut count, mut findings) = (0, Vec::new());
        for (workspace, subscription) in &mut self.subscriptions {
            while let Some(announced) = subscription.try_next() {
                count += 1;
                let event = &announced.event;
                if let Some(name) = once(event)
                    && !self.heard.insert((event.kind, name.clone()))
                {
                    let what = format!("{} of {name} was told twice", event.kind.as_str());
                    findings.push(("no event is announced twice", what));
                }
                if self.gone.contains(workspace) {
                    continue;
                }
                let is_late = self.last.insert(*workspace, event.sid) >= Some(event.sid);
                if is_late {
                    let what =
                        format!("{} {} is late or told twice", event.kind.as_str(), event.sid);
                    findings.push(("no event is announced twice", what));
                }
                if let Some(what) = ahead(event, places.get(workspace)) {
                    findings.push(("no event is announced before it is durable", what));
                } else {
                    findings.extend(log.judge(*workspace, event));
                }
            }
        }
        (count, findings)
    }

    /// Whether an offer was heard of, by somebody who listened all the time.
    pub(super) fn has_heard_of(&self, workspace: WorkspaceSid, offer: ReservationSid) -> bool {
        let listens = self.subscriptions.get(&workspace).is_some_and(|sub| !sub.is_closed());
        !listens || self.heard.contains(&(EventKind::ReservationCreated, offer.to_string()))
    }
}

/// What can happen only once, with the name of what it happens to.
fn once(event: &Event) -> Option<String> {
    match event.kind {
        EventKind::ReservationCreated
        | EventKind::ReservationAccepted
        | EventKind::ReservationRejected
        | EventKind::ReservationTimeout
        | EventKind::ReservationCanceled
        | EventKind::ReservationRescinded
        | EventKind::ReservationWrapup
        | EventKind::ReservationCompleted => Some(event.reservation.as_ref()?.sid.to_string()),
        EventKind::TaskCreated
        | EventKind::TaskCanceled
        | EventKind::TaskCompleted
        | EventKind::TaskDeleted
        | EventKind::TaskSystemDeleted => Some(event.task.as_ref()?.sid.to_string()),
        EventKind::WorkerCreated | EventKind::WorkerDeleted => {
            Some(event.worker.as_ref()?.sid.to_string())
        }
        EventKind::WorkerAttributesUpdate | EventKind::WorkerActivityUpdate => {
            let worker = event.worker.as_ref()?;
            Some(format!("{} version {}", worker.sid, worker.version))
        }
        _ => None,
    }
}

/// Something in the event that no durable row is as new as.
fn ahead(event: &Event, place: Option<&Place>) -> Option<String> {
    let kind = event.kind.as_str();
    let Some(place) = place else { return Some(format!("{kind} of a workspace without rows")) };
    let newer = |sid: String, version: u64, durable: Option<u64>| {
        let is_behind = match durable {
            Some(durable) => durable < version,
            None => !place.removed.contains(&sid),
        };
        is_behind.then(|| format!("{kind}: {sid} is at version {durable:?}, told {version}"))
    };
    let reservation = event.reservation.as_ref().and_then(|told| {
        let durable = place.reservations.get(&told.sid).map(|row| row.version);
        newer(told.sid.to_string(), told.version, durable)
    });
    let task = event.task.as_ref().and_then(|told| {
        let durable = place.tasks.get(&told.sid).map(|row| row.version);
        newer(told.sid.to_string(), told.version, durable)
    });
    let worker = event.worker.as_ref().and_then(|told| {
        let durable = place.workers.get(&told.sid).map(|(row, _)| row.version);
        newer(told.sid.to_string(), told.version, durable)
    });
    reservation.or(task).or(worker)
}
