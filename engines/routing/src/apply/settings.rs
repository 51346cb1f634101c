//! Workspace, activities, channels, queues and workflows.

use crate::{
    capacity::{CapacityRules, Matrix},
    matching::{BitSet, Renewed},
    model::*,
    ordering::{QueueOrdering, ServiceLevels},
    rows::{ReEvaluation, Settling, Touched},
    schedule::Schedule,
    state::{ActivityState, Older, QueueState, Routing, Share, WorkflowState},
    workflow::{self, Configuration},
};
use base::Timestamp;
use expr::{Bound, Expression, Place as Where};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

impl Routing {
    pub(crate) fn put_workspace(&mut self, workspace: &Workspace) {
        let was_single = self.is_single_tasking();
        self.touch(Touched::Workspace(workspace.sid));
        self.workspace = Some(workspace.clone());
        self.matching.forget_tried();
        if was_single != self.is_single_tasking() {
            self.matching.forget_room();
        }
    }

    /// What is left is what a new value is. Of the rows the workspace's is named; whoever keeps
    /// them takes the others away when there is time. What there was is freed with the engine.
    pub(crate) fn clear(&mut self) {
        let portion = self.portion;
        let mut old = std::mem::take(self);
        let workspace = old.workspace.iter().map(|workspace| Touched::Workspace(workspace.sid));
        self.touched = workspace.collect();
        self.touched.append(&mut old.touched);
        self.portion = portion;
        self.over = Some(Box::new(old));
    }

    pub(crate) fn put_activity(&mut self, activity: &Activity) {
        self.touch(Touched::Activity(activity.sid));
        let old = self.activities.remove(&activity.sid);
        let (workers, doing) = old.map(|old| (old.workers, old.doing)).unwrap_or_default();
        let state = ActivityState { activity: activity.clone(), workers, doing };
        self.activities.insert(activity.sid, state);
        // An expression may ask for the activity's name.
        self.matching.mark_all_volatile();
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
            self.matching.forget_room();
        }
    }

    pub(crate) fn remove_channel(&mut self, sid: TaskChannelSid) {
        let Some(slot) = self.channels.remove(sid) else { return };
        self.touch(Touched::TaskChannel(sid));
        self.matching.forget_channel(&mut self.workers, slot);
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
        self.matching.forget_room();
    }

    pub(crate) fn put_capacity(&mut self, rules: &CapacityRules) {
        self.touch(Touched::Capacity(rules.workspace));
        let channels = &self.channels;
        let slot = |name: &str| channels.slot(channels.named(name)?.sid);
        self.channels.set_rules(Matrix::compile(&rules.rules, slot));
        self.capacity = Some(rules.clone());
        self.matching.forget_room();
    }

    pub(crate) fn put_schedule(&mut self, schedule: &Schedule) {
        self.touch(Touched::Schedule(schedule.sid));
        self.schedules.put(schedule.clone());
        self.matching.mark_scheduled();
    }

    pub(crate) fn remove_schedule(&mut self, sid: ScheduleSid) {
        self.touch(Touched::Schedule(sid));
        self.schedules.remove(sid);
        self.matching.mark_scheduled();
    }

    pub(crate) fn look_at_schedule(&mut self, sid: ScheduleSid, open: bool, at: Timestamp) {
        self.touch(Touched::Schedule(sid));
        if self.schedules.looked(sid, open, at) {
            self.matching.mark_scheduled();
        }
    }

    pub(crate) fn put_queue(&mut self, queue: &TaskQueue) {
        self.touch(Touched::TaskQueue(queue.sid));
        let old = self.queues.remove(&queue.sid);
        let same = old.as_ref().is_some_and(|old| old.queue.target_workers == queue.target_workers);
        let order = old.as_ref().map(QueueState::order);
        let (ordering, levels, old) = match old {
            Some(old) => (old.ordering, old.levels, Some((old.expression, old.members))),
            None => (None, None, None),
        };
        let (expression, members) = match old {
            Some(old) if same => old,
            old => {
                if let Some((expression, _)) = old {
                    let asked = asked(expression.as_ref());
                    self.matching.askers.remove_queue(queue.sid, asked.node());
                }
                let expression = compiled(&queue.target_workers);
                let asked = asked(expression.as_ref());
                self.matching.askers.add_queue(queue.sid, asked.node());
                let members = self.matching.members_of_queue(&self.workers, asked.node());
                (expression, members)
            }
        };
        let state = QueueState { queue: queue.clone(), expression, members, ordering, levels };
        let new_order = state.order();
        self.queues.insert(queue.sid, state);
        if !same {
            self.matching.renew(queue.sid, Renewed::Members, new_order);
        }
        if order.is_some_and(|order| order != new_order) {
            self.matching.renew(queue.sid, Renewed::Order, new_order);
        }
    }

    /// Works out the members of a line again if they may be others; says how many were.
    pub(crate) fn refresh_line(&mut self, line: u32) -> usize {
        let state = self.matching.line(line);
        if !state.is_stale {
            return 0;
        }
        let none = BitSet::new();
        let queue = state.key.queue.and_then(|sid| self.queues.get(&sid));
        let members = queue.map_or(&none, |queue| &queue.members);
        self.matching.refill(&mut self.workers, line, members)
    }

    /// Forgets which lines are to be tried. What is known of them is right then.
    pub(crate) fn drop_marks(&mut self) {
        self.prepare_all();
        for line in self.matching.dirty_lines() {
            self.refresh_line(line);
        }
        self.matching.take_dirty();
    }

    pub(crate) fn put_ordering(&mut self, ordering: &QueueOrdering) {
        self.touch(Touched::QueueOrdering(ordering.queue));
        let levels = ServiceLevels::compile(&ordering.rule, &self.channels);
        #[cfg(feature = "planted-bugs")]
        let levels =
            levels.filter(|_| !crate::planted::is(crate::planted::Planted::ForgetDeadlines));
        let Some(state) = self.queues.get_mut(&ordering.queue) else { return };
        state.ordering = Some(ordering.clone());
        state.levels = levels;
        let order = state.order();
        self.matching.renew(ordering.queue, Renewed::Order, order);
    }

    pub(crate) fn remove_queue(&mut self, sid: TaskQueueSid) {
        self.touch(Touched::TaskQueue(sid));
        self.tallies.forget_queue(sid);
        if let Some(state) = self.queues.remove(&sid) {
            if state.ordering.is_some() {
                self.touch(Touched::QueueOrdering(sid));
            }
            let asked = asked(state.expression.as_ref());
            self.matching.askers.remove_queue(sid, asked.node());
        }
        self.matching.forget_queue(&mut self.workers, sid);
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
        let workflow = workflow.clone();
        let state = WorkflowState { workflow, configuration, older, walking };
        self.workflows.insert(state.workflow.sid, state);
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

    /// Offers are left over, or no longer.
    pub(crate) fn leave_settling(&mut self, rest: Option<&Settling>) {
        let either = rest.or(self.settling.as_ref()).map(|settling| settling.workspace);
        self.touched.extend(either.map(Touched::Settling));
        self.fresh = rest.map(|rest| rest.fresh.iter().copied().collect()).unwrap_or_default();
        self.settling = rest.cloned();
        if rest.is_none() {
            self.drop_marks();
        }
    }

    /// Tasks are still to go through their workflow again, or no longer.
    pub(crate) fn leave_re_evaluation(&mut self, sid: WorkflowSid, rest: Option<&ReEvaluation>) {
        self.touch(Touched::ReEvaluation(sid));
        match rest {
            Some(rest) => _ = self.driving.insert(sid, rest.clone()),
            None => _ = self.driving.remove(&sid),
        }
    }

    pub(crate) fn remove_workflow(&mut self, sid: WorkflowSid) {
        self.touch(Touched::Workflow(sid));
        self.tallies.forget_workflow(sid);
        if self.driving.contains_key(&sid) {
            self.leave_re_evaluation(sid, None);
        }
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

    pub(crate) fn slots(&self) -> Vec<u32> {
        self.workers.iter().map(|worker| worker.slot).collect()
    }
}

/// What a queue asks of workers.
fn asked(expression: Option<&Expression>) -> Bound {
    expression.map_or_else(Bound::never, |one| one.bind(&Value::Null))
}

/// Whatever is stored was compiled before; a text that no longer compiles selects nobody.
pub(crate) fn compiled(target_workers: &str) -> Option<Expression> {
    Expression::compile(target_workers, Where::Queue).ok()
}

/// Whatever is stored was read before; a text that no longer reads routes nothing.
pub(crate) fn configured(text: &str) -> Arc<Configuration> {
    Arc::new(workflow::read(text, &|_| true).unwrap_or_default())
}
