//! Events: what clients are told, with the entities as they are at that moment.

use super::Turn;
use crate::{
    event::{Event, EventKind},
    model::*,
    state::Routing,
};

impl Routing {
    /// About the workspace or one of its settings.
    pub(super) fn tell(&self, turn: &mut Turn<'_>, kind: EventKind) {
        turn.effects.push(event(turn, kind));
    }

    pub(super) fn tell_task(&self, turn: &mut Turn<'_>, kind: EventKind, sid: TaskSid) {
        let task = self.task(sid).cloned();
        turn.effects.push(Event { task, ..event(turn, kind) });
    }

    pub(super) fn tell_worker(&self, turn: &mut Turn<'_>, kind: EventKind, sid: WorkerSid) {
        let worker = self.workers.get(sid).map(|state| state.worker.clone());
        turn.effects.push(Event { worker, ..event(turn, kind) });
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

fn event(turn: &Turn<'_>, kind: EventKind) -> Event {
    Event { kind, at: turn.now, task: None, reservation: None, worker: None, worker_channel: None }
}
