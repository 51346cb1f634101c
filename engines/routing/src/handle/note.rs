//! Notes what moves at the one door: what was before a change is known only there.

use super::Turn;
use crate::{
    change::Change,
    model::*,
    movement::{Movement, Standing},
    state::Routing,
};
use base::Timestamp;

/// Whom a change is about, as far as it is counted.
enum Subject {
    Nobody,
    Task(TaskSid),
    Reservation(ReservationSid),
    Worker(WorkerSid),
}

/// How things stood before a change.
pub(super) enum Before {
    Nothing,
    Task(TaskSid, Option<Standing>),
    Reservation(ReservationSid, TaskSid, Option<Standing>),
    Worker(WorkerSid, ActivitySid, Timestamp),
}

impl Routing {
    /// What moved since the last command or timers.
    pub fn take_movements(&mut self) -> Vec<Movement> {
        std::mem::take(&mut self.movements)
    }

    /// How what a change is about stands before it.
    pub(super) fn glance(&self, change: &Change) -> Before {
        match subject(change) {
            Subject::Nobody => Before::Nothing,
            Subject::Task(sid) => Before::Task(sid, self.standing_of(sid)),
            Subject::Reservation(sid) => match self.reservation(sid) {
                Some(one) => Before::Reservation(sid, one.task, self.standing_of(one.task)),
                None => Before::Nothing,
            },
            Subject::Worker(sid) => match self.workers.get(sid).map(|state| &state.worker) {
                Some(worker) => Before::Worker(sid, worker.activity, worker.status_changed_at),
                None => Before::Nothing,
            },
        }
    }

    /// Notes what the change did.
    pub(super) fn note(&mut self, turn: &Turn<'_>, before: Before, change: &Change) {
        let at = turn.now;
        match before {
            Before::Nothing => {}
            Before::Worker(worker, activity, from) => {
                self.movements.push(Movement::Worker { worker, activity, from, to: at });
            }
            Before::Reservation(sid, task, standing) => {
                if let (Some(one), Some(task)) = (self.reservation(sid), standing) {
                    let (worker, status) = (one.worker, one.status);
                    self.movements.push(Movement::Reservation { worker, status, task, at });
                }
                self.note_task(task, standing, at);
            }
            Before::Task(task, standing) => {
                if let (Change::TaskOffered { reservations, .. }, Some(task)) = (change, standing) {
                    let made = reservations.iter().map(|one| (one.worker, one.status));
                    let made = made.map(|(worker, status)| Movement::Reservation {
                        worker,
                        status,
                        task,
                        at,
                    });
                    self.movements.extend(made);
                }
                self.note_task(task, standing, at);
            }
        }
    }

    fn note_task(&mut self, task: TaskSid, before: Option<Standing>, at: Timestamp) {
        let after = self.standing_of(task);
        if before != after {
            self.movements.push(Movement::Task { task, before, after, at });
        }
    }

    /// Of a task that is live or ended a short while ago.
    fn standing_of(&self, sid: TaskSid) -> Option<Standing> {
        self.task(sid).map(Standing::of)
    }
}

fn subject(change: &Change) -> Subject {
    match change {
        Change::TaskCreated(task) => Subject::Task(task.sid),
        Change::TransferInitiated { transfer, .. } => Subject::Task(transfer.task),
        Change::TaskPlaced { task, .. }
        | Change::TargetEntered { task, .. }
        | Change::TaskUpdated { task, .. }
        | Change::TaskOffered { task, .. }
        | Change::TaskReturned { task, .. }
        | Change::TransferAttemptFailed { task, .. }
        | Change::TransferEnded { task, .. }
        | Change::TaskRested { task, .. }
        | Change::TaskWrapped { task, .. }
        | Change::TaskCompleted { task, .. }
        | Change::TaskCanceled { task, .. }
        | Change::TaskDeleted { task, .. }
        | Change::TaskSystemDeleted { task, .. } => Subject::Task(*task),
        Change::ReservationAccepted { reservation, .. }
        | Change::ReservationRejected { reservation, .. }
        | Change::ReservationTimedOut { reservation, .. }
        | Change::ReservationCanceled { reservation, .. }
        | Change::ReservationRescinded { reservation, .. }
        | Change::ReservationWrapped { reservation, .. }
        | Change::ReservationCompleted { reservation, .. } => Subject::Reservation(*reservation),
        Change::WorkerActivityChanged { worker, .. } | Change::WorkerDeleted(worker) => {
            Subject::Worker(*worker)
        }
        Change::WorkspaceCreated(_)
        | Change::WorkspaceUpdated(_)
        | Change::WorkspaceDeleted
        | Change::ActivityCreated(_)
        | Change::ActivityUpdated(_)
        | Change::ActivityDeleted(_)
        | Change::TaskChannelCreated(_)
        | Change::TaskChannelUpdated(_)
        | Change::TaskChannelDeleted(_)
        | Change::WorkerCreated(_)
        | Change::WorkerRenamed { .. }
        | Change::WorkerAttributesChanged { .. }
        | Change::WorkerChannelUpdated { .. }
        | Change::TaskQueueCreated(_)
        | Change::TaskQueueUpdated(_)
        | Change::TaskQueueDeleted(_)
        | Change::WorkflowCreated(_)
        | Change::WorkflowUpdated(_)
        | Change::WorkflowDeleted(_)
        | Change::CapacityRulesSet(_)
        | Change::QueueOrderingSet(_)
        | Change::ScheduleSet(_)
        | Change::ScheduleDeleted(_)
        | Change::ScheduleLooked { .. }
        | Change::CallbackMoved { .. }
        | Change::DispositionSet { .. }
        | Change::EndedForgotten { .. }
        | Change::SettlingLeft { .. }
        | Change::ReEvaluationLeft { .. }
        | Change::TimedRetried { .. } => Subject::Nobody,
    }
}
