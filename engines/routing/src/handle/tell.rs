//! Events: what clients are told, with the entities as they are at that moment.

use super::Turn;
use crate::{
    event::{Before, Event, EventKind, Setting},
    model::*,
    state::Routing,
};
use base::Timestamp;

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

    /// The task went from one queue to another; `task` is how it was in the one it left.
    pub(super) fn tell_moved(&self, turn: &mut Turn<'_>, task: Task) {
        let event = Event { task: Some(task), ..event(turn, EventKind::TaskQueueMoved) };
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
        old: &WorkerChannel,
    ) {
        self.tell_worker(turn, kind, old.worker);
        if let Some(event) = turn.effects.last_mut() {
            event.worker_channel = self.worker_channel(old.worker, old.task_channel);
            event.before = Some(Before::Capacity(old.configured_capacity));
        }
    }

    /// The worker is in another activity since now; `before` is how it was.
    pub(super) fn tell_activity(
        &self,
        turn: &mut Turn<'_>,
        worker: WorkerSid,
        before: Option<(ActivitySid, Timestamp)>,
    ) {
        self.tell_worker(turn, EventKind::WorkerActivityUpdate, worker);
        if let Some(event) = turn.effects.last_mut() {
            event.before =
                before.map(|(sid, since)| Before::Activity { sid, time_in: event.at - since });
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
            transfer: reservation.transfer.and_then(|sid| self.told(reservation.task, sid)),
            ..event(turn, kind)
        };
        turn.effects.push(event);
    }

    pub(super) fn tell_transfer(
        &self,
        turn: &mut Turn<'_>,
        kind: EventKind,
        task: TaskSid,
        transfer: TransferSid,
    ) {
        self.tell_task(turn, kind, task);
        if let Some(event) = turn.effects.last_mut() {
            event.transfer = self.told(task, transfer);
        }
    }

    fn told(&self, task: TaskSid, transfer: TransferSid) -> Option<Box<Transfer>> {
        self.transfer(task, transfer).cloned().map(Box::new)
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
        transfer: None,
        setting: None,
        before: None,
    }
}
