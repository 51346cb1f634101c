//! Tasks: where they wait, who has them, how they end.

use crate::{
    change::Change,
    deadlines,
    ended::EndedTask,
    matching::{BitSet, Known, LineKey, Matching, Order, Who},
    model::*,
    movement::Standing,
    rows::Touched,
    state::{Channels, QueueState, Routing, TaskState, Workers, WorkflowState},
    workflow::{KnownBy, KnownWorker, OrderBy, Target},
};
use base::{Millis, Timestamp};
use expr::Bound;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// What a status change says about the task besides: the reason, if any, and its version.
type Said = Option<(Option<String>, u64)>;

impl Routing {
    pub(crate) fn add_task(&mut self, task: &Task) {
        self.touch(Touched::Task(task.sid));
        self.tallies.follow(task.sid, None, Some(Standing::of(task)));
        self.deadlines.replace([None; 3], deadlines::of_task(task));
        self.tasks.insert(task.sid, Box::new(TaskState::new(task.clone())));
    }

    pub(crate) fn place_task(&mut self, sid: TaskSid, queue: Option<TaskQueueSid>, at: Timestamp) {
        self.change_task(sid, Line::Again, |task| move_to(task, queue, at));
    }

    pub(crate) fn enter_target(
        &mut self,
        sid: TaskSid,
        walk: &Walk,
        (queue, priority): (TaskQueueSid, u32),
        version: u64,
        at: Timestamp,
    ) {
        let Some(state) = self.tasks.get(sid) else { return };
        let old = state.task.walk.as_ref().map(|walk| walk.revision);
        if let (true, Some(workflow)) = (old != Some(walk.revision), state.task.workflow) {
            self.count_walking(workflow, walk.revision, true);
            if let Some(old) = old {
                self.count_walking(workflow, old, false);
            }
        }
        self.change_task(sid, Line::Again, |task| {
            task.walk = Some(walk.clone());
            task.priority = priority;
            move_to(task, Some(queue), at);
            show_change(task, version, at);
        });
    }

    pub(crate) fn update_task(&mut self, sid: TaskSid, change: &Change) {
        let Change::TaskUpdated {
            attributes,
            priority,
            task_channel,
            virtual_start_at,
            version,
            at,
            ..
        } = change
        else {
            return;
        };
        let line = match attributes.is_some() || task_channel.is_some() {
            true => Line::Again,
            false => Line::Same,
        };
        self.change_task(sid, line, |task| {
            if let Some(attributes) = attributes {
                task.attributes = attributes.clone();
            }
            task.priority = priority.unwrap_or(task.priority);
            task.task_channel = task_channel.unwrap_or(task.task_channel);
            task.virtual_start_at = virtual_start_at.unwrap_or(task.virtual_start_at);
            show_change(task, *version, *at);
        });
    }

    pub(crate) fn offer_task(&mut self, sid: TaskSid, batch: &[Reservation], at: Timestamp) {
        let Some(channel) = self.tasks.get(sid).map(|state| state.task.task_channel) else {
            return;
        };
        let Some(channel) = self.channels.slot(channel) else { return };
        self.set_status(sid, TaskStatus::Reserved, None, at);
        self.refused_transfers.remove(&sid);
        batch.iter().for_each(|reservation| self.add_reservation(reservation, channel));
        if let Some(state) = self.tasks.get_mut(sid) {
            state.task.attempts += 1;
            state.open.extend(batch.iter().map(|reservation| reservation.sid));
            state.offered_at = Some(at);
            state.refused.retain(|refusal| refusal.offered_at == at);
        }
    }

    pub(crate) fn assign_task(&mut self, sid: TaskSid, at: Timestamp) {
        self.change_task(sid, Line::None, |task| {
            task.status = TaskStatus::Assigned;
            task.assigned_at = Some(at);
            task.updated_at = at;
        });
    }

    pub(crate) fn set_status(&mut self, sid: TaskSid, to: TaskStatus, said: Said, at: Timestamp) {
        self.change_task(sid, Line::Same, |task| {
            task.status = to;
            task.updated_at = at;
            say(task, said, at);
        });
    }

    pub(crate) fn end_task(&mut self, sid: TaskSid, to: TaskStatus, said: Said, at: Timestamp) {
        self.change_task(sid, Line::None, |task| {
            task.status = to;
            task.ended_at = Some(at);
            say(task, said, at);
        });
        let Some(state) = self.take_task(sid) else { return };
        let worker = self.handler_of(sid, to);
        self.ended.add_task(EndedTask { task: state.task, worker });
    }

    /// Who handled a task that is completed: its last reservation says so.
    fn handler_of(&self, sid: TaskSid, to: TaskStatus) -> Option<WorkerSid> {
        match to {
            TaskStatus::Completed => self.ended.completed_by(sid),
            _ => None,
        }
    }

    pub(crate) fn delete_task(&mut self, sid: TaskSid) {
        self.touch(Touched::Task(sid));
        self.change_task(sid, Line::None, |_| ());
        if let Some(state) = self.take_task(sid) {
            self.deadlines.replace(deadlines::of_task(&state.task), [None; 3]);
        }
        for reservation in self.ended.delete_task(sid) {
            self.touched.push(Touched::Reservation(reservation));
        }
    }

    fn take_task(&mut self, sid: TaskSid) -> Option<Box<TaskState>> {
        let state = self.tasks.remove(sid)?;
        self.tallies.follow(sid, Some(Standing::of(&state.task)), None);
        if let (Some(workflow), Some(walk)) = (state.task.workflow, &state.task.walk) {
            self.count_walking(workflow, walk.revision, false);
        }
        Some(state)
    }

    pub(crate) fn set_disposition(&mut self, sid: TaskSid, disposition: &Disposition) {
        self.touch(Touched::Task(sid));
        let live = self.tasks.get_mut(sid).map(|state| &mut state.task);
        let ended = self.ended.tasks.get_mut(sid).map(|ended| &mut ended.task);
        if let Some(task) = live.or(ended) {
            task.disposition = Some(Box::new(disposition.clone()));
            task.updated_at = disposition.set_at;
        }
    }

    /// The only way to change what deadlines, lines or rows see of a task.
    pub(crate) fn change_task(&mut self, sid: TaskSid, line: Line, change: impl FnOnce(&mut Task)) {
        let Some(state) = self.tasks.get_mut(sid) else { return };
        self.touched.push(Touched::Task(sid));
        let before = deadlines::of_task(&state.task);
        let stood = Standing::of(&state.task);
        if let (TaskStatus::Pending, Some(line)) = (state.task.status, state.line) {
            self.matching.unwait(line, state);
        }
        change(&mut state.task);
        self.tallies.follow(sid, Some(stood), Some(Standing::of(&state.task)));
        self.deadlines.replace(before, deadlines::of_task(&state.task));
        match line {
            Line::Same => {}
            Line::Again => self.reline(sid),
            Line::None => self.unline(sid),
        }
        let Some(state) = self.tasks.get_mut(sid) else { return };
        if let (TaskStatus::Pending, Some(line)) = (state.task.status, state.line) {
            if self.matching.line(line).order == Order::Deadline {
                state.service_level = service_level(&self.queues, &state.task);
            }
            self.matching.wait(line, state);
        }
    }

    /// Finds the line a pending or reserved task belongs in. The caller takes it out of the one
    /// it waits in, and lets it wait in the new one.
    pub(crate) fn reline(&mut self, sid: TaskSid) {
        let Some(state) = self.tasks.get(sid) else { return };
        if !matches!(state.task.status, TaskStatus::Pending | TaskStatus::Reserved) {
            return;
        }
        let value = self.value_of(&state.task.attributes.clone());
        let Some(state) = self.tasks.get_mut(sid) else { return };
        let asked = line_of(&self.workflows, &self.queues, &self.channels, &state.task, &value);
        let old = state.line.take();
        state.line = asked.map(|asked| join(&mut self.matching, &mut self.workers, asked));
        if let Some(old) = old {
            self.matching.part(&mut self.workers, old);
        }
    }

    /// The line a task with these attributes belongs in; counts the task in it.
    pub(crate) fn join_line(&mut self, task: &Task, value: &Value) -> Option<u32> {
        let asked = line_of(&self.workflows, &self.queues, &self.channels, task, value)?;
        Some(join(&mut self.matching, &mut self.workers, asked))
    }

    /// Whether the attributes of a task decide what it asks about workers.
    pub(crate) fn asks_attributes_of(&self, task: &Task) -> bool {
        let configuration = task.current_walk().and_then(|walk| {
            let target = self.workflows.get(&task.workflow?)?.revision(walk.revision)?;
            target.target(walk.filter, walk.target)
        });
        let asks = |target: &Target| target.expression.is_some() || target.known_worker.is_some();
        configuration.is_some_and(asks)
    }

    fn unline(&mut self, sid: TaskSid) {
        let old = self.tasks.get_mut(sid).and_then(|state| state.line.take());
        if let Some(line) = old {
            self.matching.part(&mut self.workers, line);
        }
    }
}

fn join(matching: &mut Matching, workers: &mut Workers, asked: Asked<'_>) -> u32 {
    let none = BitSet::new();
    let members = asked.queue.map_or(&none, |queue| &queue.members);
    matching.join(workers, asked.key, asked.order, asked.order_by, members)
}

/// What becomes of a task's line when the task changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It asks the same of workers.
    Same,
    /// It may ask something else.
    Again,
    /// It asks nothing any more.
    None,
}

fn move_to(task: &mut Task, queue: Option<TaskQueueSid>, at: Timestamp) {
    if task.queue != queue {
        task.queue = queue;
        task.queue_entered_at = queue.map(|_| at);
    }
}

fn show_change(task: &mut Task, version: u64, at: Timestamp) {
    if task.version != version {
        task.version = version;
        task.updated_at = at;
    }
}

fn say(task: &mut Task, said: Said, at: Timestamp) {
    if let Some((reason, version)) = said {
        task.reason = reason.or_else(|| task.reason.take());
        task.version = version;
        task.updated_at = at;
    }
}

/// The service level of a task in a queue that is ordered by deadline.
pub(crate) fn service_level(queues: &BTreeMap<TaskQueueSid, QueueState>, task: &Task) -> Millis {
    let queue = task.queue.and_then(|sid| queues.get(&sid));
    let levels = queue.and_then(|state| state.levels.as_ref());
    levels.map_or(Millis(0), |levels| levels.of(task))
}

/// What a task asks about workers, and in which order it stands.
pub(crate) struct Asked<'a> {
    pub(crate) key: LineKey,
    pub(crate) order: Order,
    pub(crate) order_by: Option<Arc<OrderBy>>,
    pub(crate) queue: Option<&'a QueueState>,
}

/// `None` for a task that waits nowhere yet.
pub(crate) fn line_of<'a>(
    workflows: &BTreeMap<WorkflowSid, WorkflowState>,
    queues: &'a BTreeMap<TaskQueueSid, QueueState>,
    channels: &Channels,
    task: &Task,
    value: &Value,
) -> Option<Asked<'a>> {
    let queue = task.queue.and_then(|sid| queues.get(&sid));
    let order = queue.map_or(Order::Fifo, QueueState::order);
    let channel = channels.slot(task.task_channel)?;
    let asked = |who, order_by: Option<Arc<OrderBy>>| {
        let text = order_by.as_ref().map(|by| Arc::from(by.text()));
        let resting = task.rest.as_ref().and_then(|rest| rest.from.clone());
        let key = LineKey { queue: task.queue, channel, who, order_by: text, resting };
        Asked { key, order, order_by, queue }
    };
    if let Some(transfer) = &task.transfer {
        return match transfer.to {
            TransferTarget::Queue(_) => {
                queue?;
                Some(asked(Who::Transfer(transfer.passed_over.clone()), None))
            }
            // The one offer is made with the transfer, and the transfer ends with it.
            TransferTarget::Worker(_) => None,
        };
    }
    if let Some(worker) = routed_worker(task) {
        return Some(asked(Who::Direct { worker, ignore_capacity: task.ignore_capacity }, None));
    }
    queue?;
    let Some(walk) = task.current_walk() else {
        return Some(asked(Who::Members(Bound::always()), None));
    };
    let configuration = task.workflow.and_then(|sid| workflows.get(&sid)?.revision(walk.revision));
    let Some(target) = configuration.and_then(|one| one.target(walk.filter, walk.target)) else {
        return Some(asked(Who::Members(Bound::never()), None));
    };
    let bound = target.expression.as_ref().map_or_else(Bound::always, |one| one.bind(value));
    let who = match &target.known_worker {
        Some(known) => Who::Known(known_by(known, value), bound),
        None => Who::Members(bound),
    };
    Some(asked(who, target.order_by.clone()))
}

/// The worker that direct routing names.
fn routed_worker(task: &Task) -> Option<WorkerSid> {
    let target = task.routing_target.filter(|sid| sid.kind() == WorkerSid::KIND)?;
    Some(WorkerSid::new(target.body()))
}

fn known_by(known: &KnownWorker, value: &Value) -> Known {
    let Some(Value::String(text)) = known.path.find(value) else { return Known::Nobody };
    match known.by {
        KnownBy::Sid => text.parse().map_or(Known::Nobody, Known::Sid),
        KnownBy::FriendlyName => Known::FriendlyName(text.clone()),
    }
}
