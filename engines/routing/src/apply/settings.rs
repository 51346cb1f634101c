//! Workspace, activities, channels, queues and workflows.

use crate::{
    capacity::{CapacityRules, Matrix},
    matching::{BitSet, Place},
    model::*,
    rows::Touched,
    state::{ActivityState, Older, QueueState, Routing, Share, WorkflowState},
    workflow::{self, Configuration},
};
use expr::{Bound, Expression, Place as Where};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

impl Routing {
    pub(crate) fn put_workspace(&mut self, workspace: &Workspace) {
        let was_single = self.is_single_tasking();
        self.touch(Touched::Workspace(workspace.sid));
        self.workspace = Some(workspace.clone());
        if was_single != self.is_single_tasking() {
            self.relist_everybody();
        }
    }

    /// What is left is what a new value is, and the rows that have to go.
    pub(crate) fn clear(&mut self) {
        let mut touched = self.everything();
        touched.append(&mut self.touched);
        *self = Self { touched, ..Self::default() };
    }

    pub(crate) fn put_activity(&mut self, activity: &Activity) {
        self.touch(Touched::Activity(activity.sid));
        let old = self.activities.remove(&activity.sid);
        let (workers, doing) = old.map(|old| (old.workers, old.doing)).unwrap_or_default();
        let state = ActivityState { activity: activity.clone(), workers, doing };
        self.activities.insert(activity.sid, state);
        // An expression may ask for the activity's name.
        for slot in self.slots() {
            if self.workers.at(slot).worker.activity == activity.sid {
                self.matching.mark_volatile(slot);
            }
        }
    }

    pub(crate) fn remove_activity(&mut self, sid: ActivitySid) {
        self.touch(Touched::Activity(sid));
        self.activities.remove(&sid);
    }

    pub(crate) fn put_channel(&mut self, channel: &TaskChannel) {
        self.touch(Touched::TaskChannel(channel.sid));
        let old = self.channels.get(channel.sid).map(|old| old.channel_optimized_routing);
        let slot = self.channels.put(channel.clone());
        self.matching.reserve_channels(self.channels.slots());
        if old == Some(channel.channel_optimized_routing) {
            return;
        }
        self.matching.forget_order(slot);
        if old.is_none() {
            for worker in self.slots() {
                self.workers
                    .at_mut(worker)
                    .channels
                    .resize_with(self.channels.slots(), Share::default);
            }
            self.relist_everybody();
        }
    }

    pub(crate) fn remove_channel(&mut self, sid: TaskChannelSid) {
        let Some(slot) = self.channels.remove(sid) else { return };
        self.touch(Touched::TaskChannel(sid));
        self.matching.drop_lines(&mut self.workers, |key| key.channel == slot);
        self.matching.forget_order(slot);
        for worker in self.slots() {
            let state = self.workers.at_mut(worker);
            let share = std::mem::take(&mut state.channels[slot]);
            let sid_of_worker = state.worker.sid;
            if share.updated_at.is_some() {
                self.touched.push(Touched::WorkerChannel(sid_of_worker, sid));
            }
            if share.last_reserved_at.is_some() {
                self.touched.push(Touched::WorkerLoad(sid_of_worker));
            }
        }
        self.relist_everybody();
    }

    pub(crate) fn put_capacity(&mut self, rules: &CapacityRules) {
        self.touch(Touched::Capacity(rules.workspace));
        let channels = &self.channels;
        let slot = |name: &str| channels.slot(channels.named(name)?.sid);
        self.channels.set_rules(Matrix::compile(&rules.rules, slot));
        self.capacity = Some(rules.clone());
        for slot in self.slots() {
            self.workers.at_mut(slot).ruled =
                self.channels.rules().about(&self.workers.at(slot).value);
        }
        self.relist_everybody();
    }

    pub(crate) fn put_queue(&mut self, queue: &TaskQueue) {
        self.touch(Touched::TaskQueue(queue.sid));
        let old = self.queues.remove(&queue.sid);
        let same = old.as_ref().is_some_and(|old| old.queue.target_workers == queue.target_workers);
        let order = old.as_ref().map(|old| old.queue.task_order);
        let (expression, members) = match old {
            Some(old) if same => (old.expression, old.members),
            _ => {
                let expression = compiled(&queue.target_workers);
                let members = self.members(expression.as_ref());
                (expression, members)
            }
        };
        let state = QueueState { queue: queue.clone(), expression, members };
        self.queues.insert(queue.sid, state);
        if !same {
            self.refill_lines(queue.sid);
        }
        if order.is_some_and(|order| order != queue.task_order) {
            self.reorder_lines(queue.sid, queue.task_order);
        }
    }

    fn members(&mut self, expression: Option<&Expression>) -> BitSet {
        let bound = expression.map_or_else(Bound::never, |one| one.bind(&Value::Null));
        self.matching.members_of_queue(&self.workers, bound.node())
    }

    fn lines_in(&self, queue: TaskQueueSid) -> Vec<u32> {
        let lines = self.matching.has_lines();
        lines.filter(|line| self.matching.line(*line).key.queue == Some(queue)).collect()
    }

    fn refill_lines(&mut self, queue: TaskQueueSid) {
        for line in self.lines_in(queue) {
            let members = &self.queues[&queue].members;
            self.matching.refill(&mut self.workers, line, members);
        }
    }

    fn reorder_lines(&mut self, queue: TaskQueueSid, order: TaskOrder) {
        for line in self.lines_in(queue) {
            let tasks = &self.tasks;
            self.matching.reorder(line, order, |sid| {
                let state = tasks.get(sid).expect("a waiting task is live");
                Place::of(&state.task, order)
            });
        }
    }

    pub(crate) fn remove_queue(&mut self, sid: TaskQueueSid) {
        self.touch(Touched::TaskQueue(sid));
        self.queues.remove(&sid);
        self.tallies.forget_queue(sid);
        self.matching.drop_lines(&mut self.workers, |key| key.queue == Some(sid));
    }

    pub(crate) fn put_workflow(&mut self, workflow: &Workflow) {
        self.touch(Touched::Workflow(workflow.sid));
        let old = self.workflows.remove(&workflow.sid);
        let (configuration, older, walking) = match old {
            Some(old) if old.workflow.revision == workflow.revision => {
                (old.configuration, old.older, old.walking)
            }
            old => {
                let older = old.map(|old| self.retire(old)).unwrap_or_default();
                (configured(&workflow.configuration), older, 0)
            }
        };
        let state = WorkflowState { workflow: workflow.clone(), configuration, older, walking };
        self.workflows.insert(workflow.sid, state);
    }

    /// The older configurations once the current one is replaced.
    fn retire(&mut self, old: WorkflowState) -> BTreeMap<u32, Older> {
        let mut older = old.older;
        if old.walking > 0 {
            let Workflow { sid, revision, configuration: text, .. } = old.workflow;
            self.touch(Touched::WorkflowRevision(sid, revision));
            older.insert(
                revision,
                Older { text: text.into(), configuration: old.configuration, walking: old.walking },
            );
        }
        older
    }

    pub(crate) fn remove_workflow(&mut self, sid: WorkflowSid) {
        self.touch(Touched::Workflow(sid));
        self.tallies.forget_workflow(sid);
        if let Some(state) = self.workflows.remove(&sid) {
            let older = state.older.into_keys();
            self.touched.extend(older.map(|revision| Touched::WorkflowRevision(sid, revision)));
        }
    }

    /// One live task more, or one less, walks a configuration.
    pub(crate) fn count_walking(&mut self, sid: WorkflowSid, revision: u32, more: bool) {
        let Some(state) = self.workflows.get_mut(&sid) else { return };
        let count = match state.workflow.revision == revision {
            true => &mut state.walking,
            false => match state.older.get_mut(&revision) {
                Some(older) => &mut older.walking,
                None => return,
            },
        };
        *count = if more { *count + 1 } else { *count - 1 };
        if *count == 0 && state.older.remove(&revision).is_some() {
            self.touched.push(Touched::WorkflowRevision(sid, revision));
        }
    }

    pub(crate) fn relist_everybody(&mut self) {
        let single = self.is_single_tasking();
        for slot in self.slots() {
            self.matching.unlist(self.workers.at(slot), &self.channels);
            self.matching.relist(self.workers.at(slot), &self.channels, single);
        }
    }

    pub(crate) fn slots(&self) -> Vec<u32> {
        self.workers.iter().map(|worker| worker.slot).collect()
    }
}

/// Whatever is stored was compiled before; a text that no longer compiles selects nobody.
pub(crate) fn compiled(target_workers: &str) -> Option<Expression> {
    Expression::compile(target_workers, Where::Queue).ok()
}

/// Whatever is stored was read before; a text that no longer reads routes nothing.
pub(crate) fn configured(text: &str) -> Arc<Configuration> {
    Arc::new(workflow::read(text, &|_| true).unwrap_or_default())
}
