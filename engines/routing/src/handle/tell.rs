//! Events: what clients are told, with the entities as they are at that moment.

use super::Turn;
use crate::{
    event::{Event, EventKind, Setting},
    model::*,
    state::Routing,
};

impl Routing {
    /// About the workspace or one of its settings, as it is or as it was last.
    pub(super) fn tell(&self, turn: &mut Turn<'_>, kind: EventKind, setting: Setting) {
        let event = Event { setting: Some(Box::new(setting)), ..event(turn, kind) };
        turn.effects.push(event);
    }

    pub(super) fn tell_task(&self, turn: &mut Turn<'_>, kind: EventKind, sid: TaskSid) {
        let task = self.task(sid).cloned();
        let event = Event { task, ..event(turn, kind) };
        turn.effects.push(event);
    }

    pub(super) fn tell_worker(&self, turn: &mut Turn<'_>, kind: EventKind, sid: WorkerSid) {
        let worker = self.workers.get(sid).map(|state| state.worker.clone());
        let event = Event { worker, ..event(turn, kind) };
        turn.effects.push(event);
    }

    pub(super) fn tell_worker_channel(
        &self,
        turn: &mut Turn<'_>,
        kind: EventKind,
        worker: WorkerSid,
        channel: TaskChannelSid,
    ) {
        self.tell_worker(turn, kind, worker);
        if let Some(event) = turn.effects.last_mut() {
            event.worker_channel = self.worker_channel(worker, channel);
        }
    }

    pub(super) fn tell_reservation(
        &self,
        turn: &mut Turn<'_>,
        kind: EventKind,
        sid: ReservationSid,
    ) {
        let Some(reservation) = self.reservation(sid) else { return };
        let event = Event {
            task: self.task(reservation.task).cloned(),
            worker: self.workers.get(reservation.worker).map(|state| state.worker.clone()),
            reservation: Some(reservation.clone()),
            ..event(turn, kind)
        };
        turn.effects.push(event);
    }
}

fn event(turn: &mut Turn<'_>, kind: EventKind) -> Event {
    Event {
        sid: EventSid::new(turn.next_id()),
        kind,
        at: turn.now,
        task: None,
        reservation: None,
        worker: None,
        worker_channel: None,
        setting: None,
    }
}
