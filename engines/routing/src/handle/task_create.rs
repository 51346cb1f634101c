//! New tasks.

use super::{Handled, Turn, check_input};
use crate::{
    change::Change,
    command::{ChannelRef, NewTask, Reply},
    event::EventKind,
    limits::{PRIORITY_MAX, TASK_TIMEOUT_S_DEFAULT, TASK_TIMEOUT_S_MAX},
    model::*,
    rejection::Rejection,
    state::Routing,
    workflow::Step,
};
use base::{Sid, Timestamp};
use serde_json::Value;

/// 1900-01-01T00:00:00Z: no virtual start is earlier.
const FIRST_START: Timestamp = Timestamp(-2_208_988_800_000);

/// Where a new task goes.
enum Route {
    Workflow(WorkflowSid, Step),
    Direct { workflow: Option<WorkflowSid>, queue: Option<TaskQueueSid> },
}

impl Routing {
    pub(super) fn create_task(&mut self, turn: &mut Turn<'_>, new: &NewTask) -> Handled {
        let value = self.check_attributes(&new.attributes)?;
        let task_channel = self.new_channel(new.task_channel.as_ref())?;
        let priority = new.priority.unwrap_or(0);
        check_input::within("Priority", priority, 0, PRIORITY_MAX)?;
        let timeout_s = new.timeout_s.unwrap_or(TASK_TIMEOUT_S_DEFAULT);
        check_input::within("Timeout", timeout_s, 1, TASK_TIMEOUT_S_MAX)?;
        let virtual_start_at = new.virtual_start_at.unwrap_or(turn.now);
        check_start(virtual_start_at, turn.now)?;
        let route = self.route(turn, new, &value)?;
        let worker = new.routing_target.filter(|sid| sid.kind() == WorkerSid::KIND);
        let sid = TaskSid::new(turn.next_id());
        let task = Task {
            sid,
            attributes: new.attributes.clone(),
            status: TaskStatus::Pending,
            priority,
            reason: None,
            queue: None,
            queue_entered_at: None,
            workflow: match route {
                Route::Workflow(workflow, _) => Some(workflow),
                Route::Direct { workflow, .. } => workflow,
            },
            walk: None,
            task_channel,
            timeout_s,
            virtual_start_at,
            routing_target: new.routing_target,
            ignore_capacity: worker.is_some() && new.ignore_capacity.unwrap_or(true),
            attempts: 0,
            disposition: None,
            transfer: None,
            version: 0,
            created_at: turn.now,
            updated_at: turn.now,
            assigned_at: None,
            ended_at: None,
            rest: None,
        };
        self.record(turn, Change::TaskCreated(Box::new(task.clone())));
        self.tell_task(turn, EventKind::TaskCreated, sid);
        match route {
            Route::Workflow(_, step) => self.enter_workflow(turn, sid, step),
            Route::Direct { queue, .. } => self.place(turn, sid, queue),
        }
        Ok(Reply::Task(task))
    }

    fn place(&mut self, turn: &mut Turn<'_>, task: TaskSid, queue: Option<TaskQueueSid>) {
        self.record(turn, Change::TaskPlaced { task, queue, at: turn.now });
        if queue.is_some() {
            self.tell_task(turn, EventKind::TaskQueueEntered, task);
        }
    }

    fn new_channel(&self, channel: Option<&ChannelRef>) -> Result<TaskChannelSid, Rejection> {
        let default = ChannelRef::Name("default".to_owned());
        self.channel_in(channel.unwrap_or(&default))
    }

    /// A task channel named in a parameter.
    pub(super) fn channel_in(&self, channel: &ChannelRef) -> Result<TaskChannelSid, Rejection> {
        self.channel(channel).map(|channel| channel.sid).map_err(|rejection| match rejection {
            Rejection::Unknown(sid) => unknown_in("TaskChannel", sid),
            other => other,
        })
    }

    fn route(&self, turn: &Turn<'_>, new: &NewTask, value: &Value) -> Result<Route, Rejection> {
        if let Some(queue) = new.queue.filter(|queue| !self.queues.contains_key(queue)) {
            return Err(unknown_in("TaskQueueSid", queue.sid()));
        }
        if let Some(workflow) = new.workflow.filter(|sid| !self.workflows.contains_key(sid)) {
            return Err(unknown_in("WorkflowSid", workflow.sid()));
        }
        let Some(target) = new.routing_target else {
            let workflow =
                self.only_workflow(new.workflow).ok_or(Rejection::Required("WorkflowSid"))?;
            return self.route_through(turn, workflow, value);
        };
        let workflow = self.only_workflow(new.workflow);
        let unknown = unknown_in("RoutingTarget", target);
        match target.kind() {
            WorkerSid::KIND => match self.workers.slot(WorkerSid::new(target.body())) {
                Some(_) => Ok(Route::Direct { workflow, queue: new.queue }),
                None => Err(unknown),
            },
            TaskQueueSid::KIND => {
                let queue = TaskQueueSid::new(target.body());
                match self.queues.contains_key(&queue) {
                    true => Ok(Route::Direct { workflow, queue: Some(queue) }),
                    false => Err(unknown),
                }
            }
            WorkflowSid::KIND => {
                let workflow = WorkflowSid::new(target.body());
                match self.workflows.contains_key(&workflow) {
                    true => self.route_through(turn, workflow, value),
                    false => Err(unknown),
                }
            }
            _ => {
                let message = "the SID of a worker, task queue or workflow was expected".to_owned();
                Err(Rejection::Invalid { parameter: "RoutingTarget", message })
            }
        }
    }

    fn route_through(
        &self,
        turn: &Turn<'_>,
        workflow: WorkflowSid,
        value: &Value,
    ) -> Result<Route, Rejection> {
        let configuration = self.workflows.get(&workflow).map(|state| &state.configuration);
        let step = configuration.and_then(|one| one.entry(value, self.outlook(turn.now)));
        step.map(|step| Route::Workflow(workflow, step)).ok_or(Rejection::NoTarget)
    }

    /// The workflow that is named, or the only one there is.
    fn only_workflow(&self, named: Option<WorkflowSid>) -> Option<WorkflowSid> {
        let mut all = self.workflows.keys();
        named.or_else(|| all.next().copied().filter(|_| all.next().is_none()))
    }
}

fn unknown_in(parameter: &'static str, sid: Sid) -> Rejection {
    Rejection::UnknownParameter { parameter, sid }
}

/// A virtual start lies between 1900 and now.
pub(super) fn check_start(at: Timestamp, now: Timestamp) -> Result<(), Rejection> {
    if (FIRST_START..=now).contains(&at) {
        return Ok(());
    }
    let message = "must not lie in the future nor before 1900".to_owned();
    Err(Rejection::Invalid { parameter: "VirtualStartTime", message })
}
