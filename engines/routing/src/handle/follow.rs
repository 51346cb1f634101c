//! Recorded traffic taken in again: what people and programs did is done once more, what follows
//! from it is decided anew.
//!
//! * A change that somebody asked for is recorded as it was, SIDs and all; the engine settles.
//! * What no longer fits (an answer to an offer that was not made) is left out, silently: whoever
//!   replays compares the outcomes.

use super::Turn;
use crate::{
    change::Change, event::EventKind, model::*, rejection::Rejection, state::Routing, workflow,
};
use std::collections::BTreeMap;

/// Why a task ends in a replay that the configuration has no place for.
pub const REFUSED: &str = "The configuration has no place for the task";

/// The SIDs that offers had when they were recorded: by task, attempt and worker.
pub type OfferNames = BTreeMap<(TaskSid, u32, WorkerSid), ReservationSid>;

/// Something that somebody did.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Changes that one request led to by itself: settings, workers, fields of tasks, arrivals.
    Changes(Vec<Change>),
    /// Pending tasks of a workflow go through it again.
    ReEvaluate(WorkflowSid),
    /// A worker takes a task that is offered.
    Accept(TaskSid, WorkerSid),
    /// A worker refuses a task that is offered, and may change activity in the same breath.
    Reject(TaskSid, WorkerSid, Option<ActivitySid>),
    /// What became of asking an application about an offer.
    Asked(TaskSid, WorkerSid, Asking),
    /// A worker's part of a task goes into after-work.
    WrapPart(TaskSid, WorkerSid),
    /// A worker's part of a task is done.
    CompletePart(TaskSid, WorkerSid),
    /// A task goes into after-work.
    Wrap(TaskSid, Option<String>, Through),
    /// A task is done.
    Complete(TaskSid, Option<String>, Through),
    /// A task is given up.
    Cancel(TaskSid, String),
    /// A task is removed.
    Delete(TaskSid),
    /// A task is handed over.
    Transfer(Box<Transfer>),
    /// That is called off.
    CancelTransfer(TaskSid),
}

/// What becomes of asking an application for an instruction, where that does not settle the offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// It leaves the offer to the worker.
    Over,
    /// It said nothing usable.
    Failed,
    /// Somebody wants it to be asked once more.
    Again,
}

/// Through what a request came: one about the task itself counts in the task's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The task.
    Task,
    /// Its last reservation.
    Reservation,
}

/// Checks a configuration as a request that brings it would be checked.
pub fn check_configuration(
    text: &str,
    exists: &dyn Fn(TaskQueueSid) -> bool,
) -> Result<(), Rejection> {
    workflow::read(text, exists).map(|_| ())
}

impl Routing {
    /// Offers get these SIDs where they are made as they were.
    pub fn name_offers(&mut self, names: OfferNames) {
        self.offer_names = names;
    }

    /// The queue a live task is in.
    pub fn queue_of(&self, task: TaskSid) -> Option<TaskQueueSid> {
        self.tasks.get(task)?.task.queue
    }

    /// Does what was done, and decides what follows.
    pub fn take_up(&mut self, turn: &mut Turn<'_>, deed: &Deed) {
        self.begin();
        self.carry(turn, deed);
        self.settle(turn);
        self.finish(turn);
    }

    fn carry(&mut self, turn: &mut Turn<'_>, deed: &Deed) {
        match deed {
            Deed::Changes(changes) => changes.iter().for_each(|one| self.take_in(turn, one)),
            Deed::ReEvaluate(workflow) => self.drive_all_again(turn, *workflow),
            Deed::Accept(task, worker) => {
                if let Some(one) = self.part(*task, *worker, ReservationStatus::Pending) {
                    self.accept_reservation(turn, &one);
                }
            }
            Deed::Reject(task, worker, activity) => {
                if let Some(one) = self.part(*task, *worker, ReservationStatus::Pending) {
                    self.reject_reservation(turn, &one);
                    if let Some(activity) = activity {
                        self.send_worker(turn, *worker, *activity);
                    }
                }
            }
            Deed::Asked(task, worker, asking) => self.ask_again(turn, (*task, *worker), *asking),
            Deed::WrapPart(task, worker) => {
                if let Some(one) = self.part(*task, *worker, ReservationStatus::Accepted) {
                    self.wrap_reservation(turn, &one);
                }
            }
            Deed::CompletePart(task, worker) => {
                let accepted = self.part(*task, *worker, ReservationStatus::Accepted);
                let wrapping = || self.part(*task, *worker, ReservationStatus::Wrapping);
                if let Some(one) = accepted.or_else(wrapping) {
                    self.complete_reservation(turn, &one);
                }
            }
            Deed::Wrap(task, reason, through) => {
                if let Some(version) = self.version_in(*task, &[TaskStatus::Assigned]) {
                    let version = version + u64::from(*through == Through::Task);
                    self.wrap_task(turn, *task, reason.clone(), version);
                }
            }
            Deed::Complete(task, reason, through) => {
                let stands = [TaskStatus::Assigned, TaskStatus::Wrapping];
                if let Some(version) = self.version_in(*task, &stands) {
                    let version = version + u64::from(*through == Through::Task);
                    self.complete_task(turn, *task, reason.clone(), version);
                }
            }
            Deed::Cancel(task, reason) => {
                let stands = [TaskStatus::Pending, TaskStatus::Reserved];
                if self.version_in(*task, &stands).is_some() {
                    self.cancel(turn, *task, reason);
                }
            }
            Deed::Delete(task) => {
                if self.task(*task).is_some() {
                    self.delete(turn, *task, EventKind::TaskDeleted);
                }
            }
            Deed::Transfer(transfer) => self.hand_over_again(turn, transfer),
            Deed::CancelTransfer(task) => {
                let open = self.task(*task).and_then(|task| Some(task.transfer.as_ref()?.sid));
                if let Some(transfer) = open {
                    let _ = self.cancel_transfer(turn, *task, transfer);
                }
            }
        }
    }

    fn ask_again(&mut self, turn: &mut Turn<'_>, of: (TaskSid, WorkerSid), asking: Asking) {
        let Some(one) = self.part(of.0, of.1, ReservationStatus::Pending) else { return };
        match asking {
            Asking::Over if one.callback.is_some() => self.stop_asking(turn, one.sid),
            Asking::Failed if one.callback.is_some() => self.callback_failed(turn, &one),
            Asking::Over | Asking::Failed => {}
            // Refused where the workflow has no URL here.
            Asking::Again => _ = self.ask_callback(turn, one.sid),
        }
    }

    fn hand_over_again(&mut self, turn: &mut Turn<'_>, transfer: &Transfer) {
        let (task, worker) = (transfer.task, transfer.initiating_worker);
        let held = self.part(task, worker, ReservationStatus::Accepted);
        let is_free = self.version_in(task, &[TaskStatus::Assigned]).is_some();
        if let Some(held) = held.filter(|_| is_free) {
            let transfer = Transfer { initiating_reservation: held.sid, ..transfer.clone() };
            self.hand_over(turn, &transfer);
        }
    }

    fn take_in(&mut self, turn: &mut Turn<'_>, change: &Change) {
        match change {
            Change::TaskCreated(task) => {
                self.record(turn, change.clone());
                let direct = [WorkerSid::KIND, TaskQueueSid::KIND];
                if task.routing_target.is_some_and(|to| direct.contains(&to.kind())) {
                    return;
                }
                match self.entry_of(turn, task.sid) {
                    Ok(step) => self.enter_workflow(turn, task.sid, step),
                    Err(_) => self.cancel(turn, task.sid, REFUSED),
                }
            }
            Change::TaskUpdated { task, attributes, .. } => {
                let Some(state) = self.tasks.get(*task) else { return };
                let is_driven = attributes.is_some()
                    && state.task.status == TaskStatus::Pending
                    && state.task.current_walk().is_some();
                self.record(turn, change.clone());
                if is_driven && let Ok(step) = self.entry_of(turn, *task) {
                    self.enter_workflow(turn, *task, step);
                }
            }
            Change::TaskPlaced { task, .. } | Change::DispositionSet { task, .. } => {
                if self.task(*task).is_some() {
                    self.record(turn, change.clone());
                }
            }
            // A worker who is still at work here stays.
            Change::WorkerDeleted(worker)
                if self.workers.get(*worker).is_some_and(|state| !state.open.is_empty()) => {}
            _ => self.record(turn, change.clone()),
        }
    }

    /// A worker's reservation of a task that stands so.
    fn part(
        &self,
        task: TaskSid,
        worker: WorkerSid,
        status: ReservationStatus,
    ) -> Option<Reservation> {
        let open = &self.tasks.get(task)?.open;
        let mut open = open.iter().filter_map(|sid| self.reservations.get(*sid));
        open.find(|one| one.worker == worker && one.status == status).cloned()
    }

    /// The version of a live task that stands so.
    fn version_in(&self, task: TaskSid, stands: &[TaskStatus]) -> Option<u64> {
        let task = &self.tasks.get(task)?.task;
        stands.contains(&task.status).then_some(task.version)
    }
}
