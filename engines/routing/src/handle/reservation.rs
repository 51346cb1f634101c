//! Answers to offers, and the end of the work on them.

use super::{Handled, Turn, matches, unknown};
use crate::{
    change::Change,
    command::{IfMatch, Reply, ReservationOwner, ReservationStep},
    deadlines::is_readable,
    event::EventKind,
    model::*,
    rejection::Rejection,
    state::Routing,
};

impl Routing {
    pub(super) fn update_reservation(
        &mut self,
        turn: &mut Turn<'_>,
        sid: ReservationSid,
        (owner, if_match): (ReservationOwner, IfMatch),
        step: &ReservationStep,
    ) -> Handled {
        let found = self.reservation(sid).filter(|one| is_of(one, owner));
        let known =
            found.filter(|one| one.status.is_open() || is_readable(one.updated_at, turn.now));
        let reservation = known.ok_or_else(|| unknown(sid.sid()))?.clone();
        if reservation.status == ReservationStatus::Rescinded {
            return Err(Rejection::Rescinded(sid));
        }
        matches(if_match, reservation.version)?;
        check_step(&reservation, step)?;
        match step {
            ReservationStep::Accept => self.accept_reservation(turn, &reservation),
            ReservationStep::Reject { activity } => {
                if let Some(activity) = activity {
                    self.activity_in("WorkerActivitySid", *activity)?;
                }
                self.reject_reservation(turn, &reservation);
                if let Some(activity) = activity {
                    self.send_worker(turn, reservation.worker, *activity);
                }
            }
            ReservationStep::Call(call) => {
                return Err(Rejection::Instruction(self.trouble_with(&reservation, call)));
            }
            ReservationStep::Wrap => self.wrap_reservation(turn, &reservation),
            ReservationStep::Complete => self.complete_reservation(turn, &reservation),
        }
        let task = self.task(reservation.task).cloned();
        let task = task.ok_or_else(|| unknown(reservation.task.sid()))?;
        let reservation = self.reservation(sid).cloned().unwrap_or(reservation);
        let name = self.name_of(reservation.worker);
        Ok(Reply::Reservation(reservation, task, name))
    }

    /// A worker's friendly name.
    pub(super) fn name_of(&self, worker: WorkerSid) -> String {
        self.workers.get(worker).map(|state| state.worker.friendly_name.clone()).unwrap_or_default()
    }

    pub(super) fn accept_reservation(&mut self, turn: &mut Turn<'_>, reservation: &Reservation) {
        let (sid, at) = (reservation.sid, turn.now);
        let mut siblings =
            self.open_with(reservation.task, |status| status == ReservationStatus::Pending);
        siblings.retain(|open| *open != sid);
        self.record(turn, Change::ReservationAccepted { reservation: sid, at });
        self.tell_reservation(turn, EventKind::ReservationAccepted, sid);
        for reservation in siblings {
            self.record(turn, Change::ReservationRescinded { reservation, at });
            self.tell_reservation(turn, EventKind::ReservationRescinded, reservation);
        }
        self.complete_transfer(turn, reservation.task);
        if self.is_single_tasking() {
            let queue = self.task(reservation.task).and_then(|task| task.queue);
            let state = queue.and_then(|sid| self.queues.get(&sid));
            if let Some(activity) = state.and_then(|state| state.queue.assignment_activity) {
                self.send_worker(turn, reservation.worker, activity);
            }
        }
    }

    pub(super) fn reject_reservation(&mut self, turn: &mut Turn<'_>, reservation: &Reservation) {
        let change = Change::ReservationRejected { reservation: reservation.sid, at: turn.now };
        self.record(turn, change);
        self.tell_reservation(turn, EventKind::ReservationRejected, reservation.sid);
        self.after_refusal(turn, reservation, "The worker rejected the task");
    }

    /// One worker's part goes into after-work, and the task with the last one.
    pub(super) fn wrap_reservation(&mut self, turn: &mut Turn<'_>, reservation: &Reservation) {
        let (sid, task) = (reservation.sid, reservation.task);
        let Some(state) = self.tasks.get(task) else { return };
        let (version, in_transfer) = (state.task.version, state.task.transfer.is_some());
        let taken = self.open_with(task, |status| status == ReservationStatus::Accepted);
        if taken.len() == 1 && !in_transfer {
            self.wrap_task(turn, task, None, version);
            return;
        }
        self.record(turn, Change::ReservationWrapped { reservation: sid, at: turn.now });
        self.tell_reservation(turn, EventKind::ReservationWrapup, sid);
    }

    /// One worker's part is done, and the task with the last one.
    pub(super) fn complete_reservation(&mut self, turn: &mut Turn<'_>, reservation: &Reservation) {
        let (sid, task, at) = (reservation.sid, reservation.task, turn.now);
        let Some(state) = self.tasks.get(task) else { return };
        let (version, in_transfer) = (state.task.version, state.task.transfer.is_some());
        if state.open.len() == 1 && !in_transfer {
            self.complete_task(turn, task, None, version);
            return;
        }
        let was_assigned = state.task.status == TaskStatus::Assigned;
        self.record(turn, Change::ReservationCompleted { reservation: sid, at });
        let working = self.open_with(task, |status| status == ReservationStatus::Accepted);
        if was_assigned && working.is_empty() {
            self.record(turn, Change::TaskWrapped { task, reason: None, version, at });
            self.tell_task(turn, EventKind::TaskWrapup, task);
        }
        self.tell_reservation(turn, EventKind::ReservationCompleted, sid);
    }

    /// Every pending reservation of a worker.
    pub(super) fn reject_all_of(&mut self, turn: &mut Turn<'_>, worker: WorkerSid) {
        let open = self.workers.get(worker).map(|state| state.open.clone()).unwrap_or_default();
        for sid in open {
            let pending = self.reservations.get(sid).cloned();
            if let Some(one) = pending.filter(|one| one.status == ReservationStatus::Pending) {
                self.reject_reservation(turn, &one);
            }
        }
    }

    /// The worker did not answer: the task goes back, the worker into the timeout activity.
    pub(super) fn time_out(&mut self, turn: &mut Turn<'_>, sid: ReservationSid) {
        let Some(reservation) = self.reservations.get(sid).cloned() else { return };
        self.record(turn, Change::ReservationTimedOut { reservation: sid, at: turn.now });
        self.tell_reservation(turn, EventKind::ReservationTimeout, sid);
        let activity = self.workspace.as_ref().map(|workspace| workspace.timeout_activity);
        if let Some(activity) = activity {
            self.send_worker(turn, reservation.worker, activity);
        }
        self.after_refusal(turn, &reservation, "The worker did not answer in time");
    }

    /// An offer came to nothing: a transfer goes on or fails, any other task waits again.
    pub(super) fn after_refusal(
        &mut self,
        turn: &mut Turn<'_>,
        reservation: &Reservation,
        why: &str,
    ) {
        match reservation.transfer {
            Some(_) => self.after_refused_transfer(turn, reservation, why),
            None => self.return_if_free(turn, reservation.task),
        }
    }

    /// A reserved task all of whose offers ended waits again, in the target whose time it is.
    fn return_if_free(&mut self, turn: &mut Turn<'_>, task: TaskSid) {
        let Some(state) = self.tasks.get(task) else { return };
        if state.task.status == TaskStatus::Reserved && state.open.is_empty() {
            self.record(turn, Change::TaskReturned { task, at: turn.now });
            self.catch_up(turn, task);
        }
    }
}

fn is_of(reservation: &Reservation, owner: ReservationOwner) -> bool {
    match owner {
        ReservationOwner::Task(task) => reservation.task == task,
        ReservationOwner::Worker(worker) => reservation.worker == worker,
    }
}

fn check_step(reservation: &Reservation, step: &ReservationStep) -> Result<(), Rejection> {
    use ReservationStatus::{Accepted, Pending, Wrapping};
    let because = match (step, reservation.status) {
        (ReservationStep::Accept | ReservationStep::Reject { .. }, Pending)
        | (ReservationStep::Wrap, Accepted)
        | (ReservationStep::Complete, Accepted | Wrapping)
        | (ReservationStep::Call(_), _) => return Ok(()),
        (ReservationStep::Accept | ReservationStep::Reject { .. }, _) => "is not pending",
        (ReservationStep::Wrap, _) => "is not accepted",
        (ReservationStep::Complete, _) => "is not accepted or wrapping",
    };
    let (reservation, status) = (reservation.sid, reservation.status);
    Err(Rejection::ReservationStatus { reservation, status, because })
}
