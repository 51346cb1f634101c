//! Reservations: made with their task's offer, ended one by one.

use crate::{
    change::Change,
    deadlines::Due,
    model::*,
    rows::Touched,
    state::{Refusal, Routing},
};
use base::Timestamp;

impl Routing {
    pub(crate) fn apply_to_reservation(&mut self, change: &Change) {
        use ReservationStatus as To;
        match *change {
            Change::ReservationAccepted { reservation, at } => self.accept(reservation, at),
            Change::ReservationWrapped { reservation, at } => self.wrap(reservation, at),
            Change::ReservationRejected { reservation, at } => {
                self.end(reservation, To::Rejected, at)
            }
            Change::ReservationTimedOut { reservation, at } => {
                self.end(reservation, To::Timeout, at)
            }
            Change::ReservationCanceled { reservation, at } => {
                self.end(reservation, To::Canceled, at)
            }
            Change::ReservationRescinded { reservation, at } => {
                self.end(reservation, To::Rescinded, at);
            }
            Change::ReservationCompleted { reservation, at } => {
                self.end(reservation, To::Completed, at);
            }
            Change::CallbackMoved { reservation, callback } => {
                self.move_callback(reservation, callback);
            }
            _ => {}
        }
    }

    /// A new reservation takes a place of its worker's capacity. What it says about whose turn it
    /// is stands in its own row as long as it is open: see [`Routing::restore`].
    pub(crate) fn add_reservation(&mut self, reservation: &Reservation, channel: usize) {
        let Reservation { sid, worker, created_at, .. } = *reservation;
        self.touch(Touched::Reservation(sid));
        self.deadlines.add(reservation.expires_at, Due::Reservation(sid));
        if let Some(callback) = reservation.callback {
            self.deadlines.add(callback.until, Due::Callback(sid));
        }
        self.reservations.insert(sid, reservation.clone());
        self.change_worker(worker, |state| {
            state.open.push(sid);
            state.idle_since = created_at;
            state.worked = true;
            let share = &mut state.channels[channel];
            share.open += 1;
            share.last_reserved_at = Some(created_at);
        });
    }

    fn accept(&mut self, sid: ReservationSid, at: Timestamp) {
        let Some(reservation) = self.step(sid, ReservationStatus::Accepted, at) else { return };
        let channel = self.channel_of(reservation.task);
        self.deadlines.remove(reservation.expires_at, Due::Reservation(sid));
        self.change_worker(reservation.worker, |state| {
            state.channels[channel].accepted += 1;
        });
        self.assign_task(reservation.task, at);
    }

    fn wrap(&mut self, sid: ReservationSid, at: Timestamp) {
        let Some(reservation) = self.step(sid, ReservationStatus::Wrapping, at) else { return };
        let channel = self.channel_of(reservation.task);
        self.change_worker(reservation.worker, |state| {
            state.channels[channel].accepted -= 1;
        });
    }

    fn end(&mut self, sid: ReservationSid, status: ReservationStatus, at: Timestamp) {
        let Some(was) = self.reservations.get(sid).map(|reservation| reservation.status) else {
            return;
        };
        let Some(reservation) = self.step(sid, status, at) else { return };
        let Reservation { task, worker, created_at: offered_at, expires_at, .. } = reservation;
        let channel = self.channel_of(task);
        if was == ReservationStatus::Pending {
            self.deadlines.remove(expires_at, Due::Reservation(sid));
        }
        self.touch(Touched::WorkerLoad(worker));
        self.change_worker(worker, |state| {
            state.open.retain(|open| *open != sid);
            let share = &mut state.channels[channel];
            share.open -= 1;
            if was == ReservationStatus::Accepted {
                share.accepted -= 1;
            }
            if was != ReservationStatus::Pending {
                state.idle_since = at;
            }
        });
        if let Some(state) = self.tasks.get_mut(task) {
            state.open.retain(|open| *open != sid);
            if matches!(status, ReservationStatus::Rejected | ReservationStatus::Canceled) {
                state.refused.push(Refusal { offered_at, ended_at: at, worker });
            }
        }
        if let Some(ended) = self.reservations.remove(sid) {
            self.ended.add_reservation(ended);
        }
    }

    fn move_callback(&mut self, sid: ReservationSid, callback: Option<Callback>) {
        let Some(reservation) = self.reservations.get_mut(sid) else { return };
        let before = std::mem::replace(&mut reservation.callback, callback);
        if let Some(before) = before {
            self.deadlines.remove(before.until, Due::Callback(sid));
        }
        if let Some(callback) = callback {
            self.deadlines.add(callback.until, Due::Callback(sid));
        }
        self.touch(Touched::Reservation(sid));
    }

    /// The reservation in its new status; whoever was asked for an instruction is too late.
    fn step(
        &mut self,
        sid: ReservationSid,
        status: ReservationStatus,
        at: Timestamp,
    ) -> Option<Reservation> {
        self.touch(Touched::Reservation(sid));
        let reservation = self.reservations.get_mut(sid)?;
        reservation.status = status;
        reservation.version += 1;
        reservation.updated_at = at;
        let asked = reservation.callback.take();
        let reservation = reservation.clone();
        if let Some(callback) = asked {
            self.deadlines.remove(callback.until, Due::Callback(sid));
        }
        Some(reservation)
    }

    /// The channel slot of a live task; every open reservation belongs to one.
    fn channel_of(&self, task: TaskSid) -> usize {
        let channel = self.tasks.get(task).map(|state| state.task.task_channel);
        channel
            .and_then(|sid| self.channels.slot(sid))
            .expect("an open reservation's task is live and its channel exists")
    }
}
