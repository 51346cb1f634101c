//! Transfers: a task waits again, for other workers, while somebody has it.

use crate::{apply::Line, change::Change, model::*, rows::Touched, state::Routing};
use base::Timestamp;

impl Routing {
    pub(crate) fn begin_transfer(&mut self, transfer: &Transfer, at: Timestamp) {
        let task = transfer.task;
        self.touch(Touched::Transfer(task, transfer.sid));
        self.change_task(task, Line::Again, |task| {
            task.status = TaskStatus::Pending;
            task.updated_at = at;
            if let TransferTarget::Queue(queue) = transfer.to {
                task.queue = Some(queue);
            }
            task.queue_entered_at = task.queue.map(|_| at);
            task.rest = None;
            task.transfer = Some(Box::new(transfer.clone()));
        });
    }

    /// Whoever will not have the task is not asked again.
    pub(crate) fn pass_over(&mut self, task: TaskSid, worker: WorkerSid, at: Timestamp) {
        self.change_task(task, Line::Again, |task| {
            if let Some(transfer) = &mut task.transfer {
                transfer.passed_over.push(worker);
                transfer.passed_over.sort_unstable();
                transfer.attempts_failed += 1;
                transfer.updated_at = at;
            }
        });
        self.touch_transfer(task);
    }

    pub(crate) fn end_transfer(&mut self, sid: TaskSid, change: &Change) {
        let Change::TransferEnded { status, failed_reason, task_status, queue, at, .. } = change
        else {
            return;
        };
        self.touch_transfer(sid);
        self.refused_transfers.remove(&sid);
        let waits = *task_status == TaskStatus::Pending;
        let line = if waits { Line::Again } else { Line::None };
        let mut ended = None;
        self.change_task(sid, line, |task| {
            ended = task.transfer.take();
            task.status = *task_status;
            task.updated_at = *at;
            if waits || task.queue != *queue {
                task.queue = *queue;
                task.queue_entered_at = queue.map(|_| *at);
            }
        });
        if let Some(mut transfer) = ended {
            transfer.status = *status;
            transfer.failed_reason.clone_from(failed_reason);
            transfer.updated_at = *at;
            self.ended.add_transfer(*transfer);
        }
    }

    /// Nobody is offered the task any more.
    pub(crate) fn return_task(&mut self, sid: TaskSid, at: Timestamp) {
        self.set_status(sid, TaskStatus::Pending, None, at);
        if self.tasks.get(sid).is_some_and(|state| state.task.transfer.is_some()) {
            self.refused_transfers.insert(sid);
        }
    }

    fn touch_transfer(&mut self, task: TaskSid) {
        let state = self.tasks.get(task);
        let open = state.and_then(|state| state.task.transfer.as_ref());
        if let Some(sid) = open.map(|transfer| transfer.sid) {
            self.touch(Touched::Transfer(task, sid));
        }
    }
}
