//! Changes move the state: one short arm each.
//!
//! * Total: a change that names what is not there does nothing.
//! * Deterministic: no time, no ids, no decisions. Indexes follow the entities here and nowhere
//!   else.

mod reservation;
mod settings;
mod task;
mod transfer;
mod worker;

pub(crate) use settings::configured;
pub(crate) use task::{Line, line_of, service_level};

use crate::{change::Change, model::*, state::Routing};

impl Routing {
    /// Moves the state by one change, with everything that follows from it.
    pub fn apply(&mut self, change: &Change) {
        self.move_by(change);
        self.prepare_all();
    }

    /// Moves the state by one change; what that means for many workers or tasks is left to
    /// [`Routing::prepare`].
    pub(crate) fn move_by(&mut self, change: &Change) {
        match change {
            Change::WorkspaceCreated(workspace) => self.put_workspace(workspace),
            Change::WorkspaceUpdated(workspace) => self.put_workspace(workspace),
            Change::WorkspaceDeleted => self.clear(),
            Change::ActivityCreated(activity) => self.put_activity(activity),
            Change::ActivityUpdated(activity) => self.put_activity(activity),
            Change::ActivityDeleted(sid) => self.remove_activity(*sid),
            Change::TaskChannelCreated(channel) => self.put_channel(channel),
            Change::TaskChannelUpdated(channel) => self.put_channel(channel),
            Change::TaskChannelDeleted(sid) => self.remove_channel(*sid),
            Change::CapacityRulesSet(rules) => self.put_capacity(rules),
            Change::TaskQueueCreated(queue) => self.put_queue(queue),
            Change::TaskQueueUpdated(queue) => self.put_queue(queue),
            Change::ScheduleSet(schedule) => self.put_schedule(schedule),
            Change::ScheduleDeleted(sid) => self.remove_schedule(*sid),
            Change::ScheduleLooked { schedule, open, at } => {
                self.look_at_schedule(*schedule, *open, *at);
            }
            Change::QueueOrderingSet(ordering) => self.put_ordering(ordering),
            Change::TaskQueueDeleted(sid) => self.remove_queue(*sid),
            Change::WorkflowCreated(workflow) => self.put_workflow(workflow),
            Change::WorkflowUpdated(workflow) => self.put_workflow(workflow),
            Change::WorkflowDeleted(sid) => self.remove_workflow(*sid),
            Change::WorkerCreated(worker) => self.add_worker(worker),
            Change::WorkerDeleted(sid) => self.remove_worker(*sid),
            Change::WorkerRenamed { .. }
            | Change::WorkerAttributesChanged { .. }
            | Change::WorkerActivityChanged { .. }
            | Change::WorkerChannelUpdated { .. } => self.apply_to_worker(change),
            Change::ReservationAccepted { .. }
            | Change::ReservationRejected { .. }
            | Change::ReservationTimedOut { .. }
            | Change::ReservationCanceled { .. }
            | Change::ReservationRescinded { .. }
            | Change::ReservationWrapped { .. }
            | Change::ReservationCompleted { .. }
            | Change::CallbackMoved { .. } => self.apply_to_reservation(change),
            Change::EndedForgotten { until } => self.ended.forget(*until),
            Change::SettlingLeft { rest } => self.leave_settling(rest.as_ref()),
            Change::ReEvaluationLeft { workflow, rest } => {
                self.leave_re_evaluation(*workflow, rest.as_ref());
            }
            Change::TimedRetried { at } => self.matching.retry_after(*at),
            _ => self.apply_to_task(change),
        }
    }

    fn apply_to_task(&mut self, change: &Change) {
        match change {
            Change::TaskCreated(task) => self.add_task(task),
            Change::TaskPlaced { task, queue, at } => self.place_task(*task, *queue, *at),
            Change::TargetEntered { task, walk, queue, priority, version, at } => {
                self.enter_target(*task, walk, (*queue, *priority), *version, *at);
            }
            Change::TaskUpdated { task, .. } => self.update_task(*task, change),
            Change::TaskOffered { task, reservations, at } => {
                self.offer_task(*task, reservations, *at);
            }
            Change::TaskRested { task, rest } => {
                self.change_task(*task, task::Line::Again, |task| {
                    task.rest = Some(Box::new(rest.clone()))
                });
            }
            Change::TaskReturned { task, at } => {
                self.return_task(*task, *at);
            }
            Change::TaskWrapped { task, reason, version, at } => {
                let said = Some((reason.clone(), *version));
                self.set_status(*task, TaskStatus::Wrapping, said, *at);
            }
            Change::TaskCompleted { task, reason, version, at } => {
                let said = Some((reason.clone(), *version));
                self.end_task(*task, TaskStatus::Completed, said, *at);
            }
            Change::TaskCanceled { task, reason, version, at } => {
                let said = Some((Some(reason.clone()), *version));
                self.end_task(*task, TaskStatus::Canceled, said, *at);
            }
            Change::TaskDeleted { task, .. } | Change::TaskSystemDeleted { task, .. } => {
                self.delete_task(*task);
            }
            Change::TransferInitiated { transfer, at } => self.begin_transfer(transfer, *at),
            Change::TransferAttemptFailed { task, worker, at } => {
                self.pass_over(*task, *worker, *at);
            }
            Change::TransferEnded { task, .. } => self.end_transfer(*task, change),
            Change::DispositionSet { task, disposition } => {
                self.set_disposition(*task, disposition);
            }
            _ => {}
        }
    }
}
