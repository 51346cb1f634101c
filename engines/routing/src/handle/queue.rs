//! Task queues.

use super::{Handled, Turn, check_input, unknown};
use crate::{
    change::Change,
    command::{NewTaskQueue, Reply, TaskQueuePatch},
    event::{EventKind, Setting},
    limits::RESERVED_WORKERS_MAX,
    model::*,
    real_time::Whole,
    rejection::Rejection,
    state::Routing,
};
use base::Patch;

impl Routing {
    pub(super) fn create_task_queue(&mut self, turn: &mut Turn<'_>, new: &NewTaskQueue) -> Handled {
        check_input::name("FriendlyName", &new.friendly_name)?;
        let target_workers = new.target_workers.clone().unwrap_or_else(|| "1==1".to_owned());
        check_input::target_workers(&target_workers)?;
        let max_reserved_workers = new.max_reserved_workers.unwrap_or(1);
        check_input::within("MaxReservedWorkers", max_reserved_workers, 1, RESERVED_WORKERS_MAX)?;
        if let Some(sid) = new.reservation_activity {
            self.activity_in("ReservationActivitySid", sid)?;
        }
        if let Some(sid) = new.assignment_activity {
            self.activity_in("AssignmentActivitySid", sid)?;
        }
        let queue = TaskQueue {
            sid: TaskQueueSid::new(turn.next_id()),
            friendly_name: new.friendly_name.clone(),
            target_workers,
            task_order: new.task_order.unwrap_or_default(),
            max_reserved_workers,
            reservation_activity: new.reservation_activity,
            assignment_activity: new.assignment_activity,
            created_at: turn.now,
            updated_at: turn.now,
        };
        self.add_queue(turn, queue.clone());
        Ok(Reply::TaskQueue(queue))
    }

    pub(super) fn add_queue(&mut self, turn: &mut Turn<'_>, queue: TaskQueue) {
        self.record(turn, Change::TaskQueueCreated(Box::new(queue.clone())));
        self.tell(turn, EventKind::TaskQueueCreated, Setting::TaskQueue(queue));
    }

    pub(super) fn update_task_queue(
        &mut self,
        turn: &mut Turn<'_>,
        sid: TaskQueueSid,
        patch: &TaskQueuePatch,
    ) -> Handled {
        let old = &self.queues.get(&sid).ok_or_else(|| unknown(sid.sid()))?.queue;
        check_input::new_name("FriendlyName", patch.friendly_name.as_deref())?;
        let mut new = old.clone();
        if let Some(expression) = &patch.target_workers {
            check_input::target_workers(expression)?;
            new.target_workers = expression.clone();
        }
        if let Some(most) = patch.max_reserved_workers {
            check_input::within("MaxReservedWorkers", most, 1, RESERVED_WORKERS_MAX)?;
            new.max_reserved_workers = most;
        }
        if let Patch::Set(sid) = patch.reservation_activity {
            self.activity_in("ReservationActivitySid", sid)?;
        }
        if let Patch::Set(sid) = patch.assignment_activity {
            self.activity_in("AssignmentActivitySid", sid)?;
        }
        patch.reservation_activity.clone().apply(&mut new.reservation_activity);
        patch.assignment_activity.clone().apply(&mut new.assignment_activity);
        if let Some(name) = &patch.friendly_name {
            new.friendly_name = name.clone();
        }
        new.task_order = patch.task_order.unwrap_or(new.task_order);
        if new != *old {
            let other_expression = new.target_workers != old.target_workers;
            new.updated_at = turn.now;
            self.record(turn, Change::TaskQueueUpdated(Box::new(new.clone())));
            if other_expression {
                let setting = Setting::TaskQueue(new.clone());
                self.tell(turn, EventKind::TaskQueueExpressionUpdated, setting);
            }
        }
        Ok(Reply::TaskQueue(new))
    }

    pub(super) fn delete_task_queue(&mut self, turn: &mut Turn<'_>, sid: TaskQueueSid) -> Handled {
        let state = self.queues.get(&sid).ok_or_else(|| unknown(sid.sid()))?;
        let queue = state.queue.clone();
        let names = |state: &&crate::state::WorkflowState| {
            let older = state.older.values().map(|older| &older.configuration);
            older.chain([&state.configuration]).any(|one| one.queues().any(|queue| queue == sid))
        };
        if let Some(state) = self.workflows.values().find(names) {
            let because = format!("workflow {} names it", state.workflow.sid);
            return Err(Rejection::InUse { sid: sid.sid(), because });
        }
        if self.tallies.has_live(Whole::TaskQueue(sid)) {
            let because = "tasks are in it".to_owned();
            return Err(Rejection::InUse { sid: sid.sid(), because });
        }
        self.record(turn, Change::TaskQueueDeleted(sid));
        self.tell(turn, EventKind::TaskQueueDeleted, Setting::TaskQueue(queue));
        Ok(Reply::Done)
    }
}
