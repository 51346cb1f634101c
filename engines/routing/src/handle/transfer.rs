//! Tasks handed over, from the worker who has one to another or to a queue.
//!
//! * The task goes straight to the worker or the queue; its workflow is not asked again.
//! * A worker is offered a task once in a transfer; whoever holds it is not offered it at all.
//! * While a transfer is under way the task is reserved (or pending, while the queue has nobody),
//!   so it can be neither wrapped nor completed as a whole; each worker's part can.
//! * Nobody's task is nobody's only for a moment: when a transfer comes to nothing and everybody
//!   has left, the task waits again in the queue it came from.

use super::{Handled, Turn, check_input, task::not, unknown};
use crate::{
    change::Change,
    command::{IfMatch, NewTransfer, Reply, TaskPatch},
    event::EventKind,
    limits::PRIORITY_MAX,
    matching::{Obstacle, at_worker},
    model::*,
    rejection::Rejection,
    state::Routing,
};

impl Routing {
    pub(super) fn create_transfer(&mut self, turn: &mut Turn<'_>, new: &NewTransfer) -> Handled {
        let (task, reservation) = self.transferable(turn, new)?;
        let passed_over = self.workers_on(task.sid);
        self.check_target(new.to, &task, &passed_over)?;
        if let Some(priority) = new.priority {
            check_input::within("Priority", priority, 0, PRIORITY_MAX)?;
        }
        if let Some(attributes) = &new.attributes {
            self.check_attributes(attributes)?;
        }
        let patch = TaskPatch {
            attributes: new.attributes.clone(),
            priority: new.priority,
            ..TaskPatch::default()
        };
        self.change_fields(turn, &task, &patch)?;
        let transfer = Transfer {
            sid: TransferSid::new(turn.next_id()),
            task: task.sid,
            mode: new.mode,
            to: new.to,
            status: TransferStatus::Initiated,
            failed_reason: None,
            initiating_reservation: reservation.sid,
            initiating_worker: reservation.worker,
            initiating_queue: task.queue,
            initiating_workflow: task.workflow,
            passed_over,
            created_at: turn.now,
            attempts_failed: 0,
            updated_at: turn.now,
        };
        self.hand_over(turn, &transfer);
        Ok(Reply::Transfer(Box::new(transfer)))
    }

    pub(super) fn hand_over(&mut self, turn: &mut Turn<'_>, transfer: &Transfer) {
        let (task, at) = (transfer.task, turn.now);
        let begun = Box::new(transfer.clone());
        self.record(turn, Change::TransferInitiated { transfer: begun, at });
        self.tell_transfer(turn, EventKind::TaskTransferInitiated, task, transfer.sid);
        if self.task(task).is_some_and(|task| task.queue.is_some()) {
            self.tell_task(turn, EventKind::TaskQueueEntered, task);
        }
        if transfer.mode == TransferMode::Cold {
            let reservation = transfer.initiating_reservation;
            self.record(turn, Change::ReservationWrapped { reservation, at });
            self.tell_reservation(turn, EventKind::ReservationWrapup, reservation);
        }
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::ForgetTransferOffers) {
            return;
        }
        if let TransferTarget::Worker(worker) = transfer.to {
            let slot = self.workers.slot(worker);
            self.offer(turn, task, slot.as_slice());
        }
    }

    /// The assigned task and the accepted reservation of whoever hands it over.
    fn transferable(
        &self,
        turn: &Turn<'_>,
        new: &NewTransfer,
    ) -> Result<(Task, Reservation), Rejection> {
        let task = self.live_task(new.task, IfMatch::Any, turn.now)?;
        if task.transfer.is_some() {
            return Err(not(task, "a transfer of it is under way"));
        }
        let parameter = "ReservationSid";
        let of_task = |one: &&Reservation| {
            one.task == task.sid && new.worker.is_none_or(|worker| worker == one.worker)
        };
        let reservation = self.reservation(new.reservation).filter(of_task);
        let sid = new.reservation.sid();
        let reservation = reservation.ok_or(Rejection::UnknownParameter { parameter, sid })?;
        if reservation.status != ReservationStatus::Accepted {
            let (reservation, status) = (reservation.sid, reservation.status);
            let because = "is not accepted";
            return Err(Rejection::ReservationStatus { reservation, status, because });
        }
        if task.status != TaskStatus::Assigned {
            return Err(not(task, "is not assigned"));
        }
        Ok((task.clone(), reservation.clone()))
    }

    fn check_target(
        &self,
        to: TransferTarget,
        task: &Task,
        holders: &[WorkerSid],
    ) -> Result<(), Rejection> {
        let unknown = Rejection::UnknownParameter { parameter: "To", sid: to.sid() };
        let worker = match to {
            TransferTarget::Worker(worker) => worker,
            TransferTarget::Queue(queue) if self.queues.contains_key(&queue) => return Ok(()),
            TransferTarget::Queue(_) => return Err(unknown),
        };
        let state = self.workers.get(worker).ok_or(unknown)?;
        let channel = self.channels.slot(task.task_channel);
        let channel = channel.expect("a live task's channel exists");
        let obstacle = at_worker(state, channel, self.is_single_tasking(), self.channels.rules());
        let because = match obstacle {
            _ if holders.contains(&worker) => "it holds the task already",
            None => return Ok(()),
            Some(Obstacle::ActivityUnavailable) => "its activity is not available",
            Some(Obstacle::ChannelUnavailable) => "it has the task's channel closed",
            Some(Obstacle::NoCapacity) => "it has no capacity left on the task's channel",
            Some(Obstacle::CapacityRule) => "a capacity rule withholds the task from it",
            Some(_) => "it is busy",
        };
        Err(Rejection::TransferTarget { worker, because })
    }

    /// Whoever has an open reservation of a task, in order of SID.
    fn workers_on(&self, task: TaskSid) -> Vec<WorkerSid> {
        let open = self.open_of(task).into_iter();
        let mut holders: Vec<WorkerSid> =
            open.filter_map(|sid| Some(self.reservations.get(sid)?.worker)).collect();
        holders.sort_unstable();
        holders
    }

    pub(super) fn cancel_transfer(
        &mut self,
        turn: &mut Turn<'_>,
        task: TaskSid,
        transfer: TransferSid,
    ) -> Handled {
        let known = self.task(task).ok_or_else(|| unknown(task.sid()))?;
        let open = known.transfer.as_deref().filter(|open| open.sid == transfer);
        let over = Rejection::TransferOver { transfer, task };
        let was = open.ok_or(over)?.clone();
        self.end_transfer_of(turn, task, TransferStatus::Canceled, None);
        let ended = self.transfer(task, transfer).cloned().unwrap_or(was);
        Ok(Reply::Transfer(Box::new(ended)))
    }

    /// Nobody takes the task.
    pub(super) fn fail_transfer(&mut self, turn: &mut Turn<'_>, task: TaskSid, why: &str) {
        self.end_transfer_of(turn, task, TransferStatus::Failed, Some(why.to_owned()));
    }

    /// Somebody took the task.
    pub(super) fn complete_transfer(&mut self, turn: &mut Turn<'_>, task: TaskSid) {
        let Some(state) = self.tasks.get(task) else { return };
        let Some(open) = &state.task.transfer else { return };
        let (sid, queue) = (open.sid, state.task.queue);
        let change = Change::TransferEnded {
            task,
            status: TransferStatus::Complete,
            failed_reason: None,
            task_status: TaskStatus::Assigned,
            queue,
            at: turn.now,
        };
        self.record(turn, change);
        self.tell_transfer(turn, EventKind::TaskTransferCompleted, task, sid);
    }

    /// The task itself goes away.
    pub(super) fn call_transfer_off(&mut self, turn: &mut Turn<'_>, task: TaskSid) {
        let Some(state) = self.tasks.get(task) else { return };
        let Some(open) = &state.task.transfer else { return };
        let (sid, queue) = (open.sid, state.task.queue);
        let change = Change::TransferEnded {
            task,
            status: TransferStatus::Canceled,
            failed_reason: None,
            task_status: TaskStatus::Pending,
            queue,
            at: turn.now,
        };
        self.record(turn, change);
        self.tell_transfer(turn, EventKind::TaskTransferCanceled, task, sid);
    }

    /// One worker will not have the task: the next one of the queue is tried, or it has failed.
    pub(super) fn after_refused_transfer(
        &mut self,
        turn: &mut Turn<'_>,
        refused: &Reservation,
        why: &str,
    ) {
        let (task, worker, at) = (refused.task, refused.worker, turn.now);
        let open = self.tasks.get(task).and_then(|state| state.task.transfer.as_deref());
        let Some((sid, to)) = open.map(|open| (open.sid, open.to)) else { return };
        if matches!(to, TransferTarget::Worker(_)) {
            self.fail_transfer(turn, task, why);
            return;
        }
        self.record(turn, Change::TransferAttemptFailed { task, worker, at });
        self.tell_transfer(turn, EventKind::TaskTransferAttemptFailed, task, sid);
        if self.open_with(task, |status| status == ReservationStatus::Pending).is_empty() {
            self.record(turn, Change::TaskReturned { task, at });
        }
    }

    /// Transfers whose queue has nobody to try next have failed. Says whether there were any.
    pub(super) fn give_up_transfers(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.refused_transfers.is_empty() || !self.matching.is_clean() {
            return false;
        }
        for task in std::mem::take(&mut self.refused_transfers) {
            self.fail_transfer(turn, task, "No worker of the queue took the task");
        }
        true
    }

    /// The task is with those who hold it; if they all left, it waits where it came from.
    fn end_transfer_of(
        &mut self,
        turn: &mut Turn<'_>,
        task: TaskSid,
        status: TransferStatus,
        failed_reason: Option<String>,
    ) {
        let Some(state) = self.tasks.get(task) else { return };
        let Some(open) = &state.task.transfer else { return };
        let (transfer, at) = (open.sid, turn.now);
        let left = state.task.queue.map(|_| state.task.clone());
        let back = open.initiating_queue.filter(|queue| self.queues.contains_key(queue));
        let queue = back.or(state.task.queue);
        let offers = self.open_with(task, |status| status == ReservationStatus::Pending);
        for reservation in &offers {
            self.record(turn, Change::ReservationCanceled { reservation: *reservation, at });
        }
        let task_status = self.status_by_holders(task);
        let change = Change::TransferEnded { task, status, failed_reason, task_status, queue, at };
        self.record(turn, change);
        let kind = match status {
            TransferStatus::Canceled => EventKind::TaskTransferCanceled,
            _ => EventKind::TaskTransferFailed,
        };
        self.tell_transfer(turn, kind, task, transfer);
        for reservation in offers {
            self.tell_reservation(turn, EventKind::ReservationCanceled, reservation);
        }
        // It waited again, and does so no longer: that is how it leaves the queue.
        if let Some(left) = left {
            self.tell_moved(turn, left);
        }
        match task_status {
            TaskStatus::Pending if queue.is_some() => {
                self.tell_task(turn, EventKind::TaskQueueEntered, task);
            }
            TaskStatus::Wrapping => self.tell_task(turn, EventKind::TaskWrapup, task),
            _ => {}
        }
    }

    /// Where a task stands by who holds it, once nothing of it is on offer.
    fn status_by_holders(&self, task: TaskSid) -> TaskStatus {
        let holds = |wanted| !self.open_with(task, |status| status == wanted).is_empty();
        if holds(ReservationStatus::Accepted) {
            TaskStatus::Assigned
        } else if holds(ReservationStatus::Wrapping) {
            TaskStatus::Wrapping
        } else {
            TaskStatus::Pending
        }
    }
}
