//! Tasks on their way through a workflow.
//!
//! * Deadlines run on the age of the task: a target's clock starts where the one before it ran
//!   out, not when the task was moved. After a skip or a new entry it starts now.
//! * Nothing here offers a task; see `offer`.

use super::Turn;
use crate::{
    change::Change,
    event::EventKind,
    limits::PASSED_KEPT_MAX,
    model::*,
    rejection::Rejection,
    state::Routing,
    workflow::{Configuration, Outlook, Step},
};
use base::{Millis, Timestamp};
use serde_json::Value;
use std::sync::Arc;

/// Why a task ended that no target was left for.
const TIMED_OUT: &str = "Task canceled on Workflow timeout";
/// Why a task ended that skipped everything.
const SKIPPED: &str = "Workflow skipped";

/// What entering a target does to the task's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// The request that led here has counted already.
    Counted,
    /// The task moved by itself: that counts if it shows.
    IfVisible,
}

/// How a task comes to a target.
struct Entry {
    /// See [`Walk::clock`].
    clock: Timestamp,
    /// See [`Walk::entered_at`].
    entered_at: Option<Timestamp>,
    /// See [`Walk::passed`].
    passed: Vec<Passed>,
}

impl Entry {
    /// From the top.
    const fn anew(clock: Timestamp) -> Self {
        Self { clock, entered_at: None, passed: Vec::new() }
    }
}

impl Routing {
    /// Where a task enters its workflow as that is configured now.
    pub(super) fn entry_of(&mut self, turn: &Turn<'_>, sid: TaskSid) -> Result<Step, Rejection> {
        let task = &self.tasks.get(sid).ok_or_else(|| super::unknown(sid.sid()))?.task;
        let workflow = task.workflow.and_then(|sid| self.workflows.get(&sid));
        let configuration = Arc::clone(&workflow.ok_or(Rejection::NoTarget)?.configuration);
        let value = self.value_of(&task.attributes.clone());
        configuration.entry(&value, self.outlook(turn.now)).ok_or(Rejection::NoTarget)
    }

    /// Into the workflow's current configuration, from the top.
    pub(super) fn enter_workflow(&mut self, turn: &mut Turn<'_>, sid: TaskSid, step: Step) {
        let Some(state) = self.tasks.get(sid) else { return };
        let workflow = state.task.workflow.and_then(|sid| self.workflows.get(&sid));
        let Some(revision) = workflow.map(|state| state.workflow.revision) else { return };
        self.tell_task(turn, EventKind::WorkflowEntered, sid);
        self.enter_step(turn, sid, (revision, step), Entry::anew(turn.now), Version::Counted);
    }

    fn enter_step(
        &mut self,
        turn: &mut Turn<'_>,
        sid: TaskSid,
        (revision, step): (u32, Step),
        entry: Entry,
        version: Version,
    ) {
        let Some((task, configuration)) = self.walking(sid, revision) else { return };
        let Some(target) = configuration.target(step.filter, step.target) else { return };
        let Some(queue) = target.queue.or(task.queue) else { return };
        let Entry { clock, entered_at, passed } = entry;
        let deadline = target.timeout_s.map(|seconds| clock + Millis::secs(seconds.into()));
        let Step { filter, target: index } = step;
        let walk = Walk { revision, filter, target: index, deadline, clock, entered_at, passed };
        let priority = target.priority.unwrap_or(task.priority);
        let is_visible = task.queue != Some(queue) || task.priority != priority;
        let grows = version == Version::IfVisible && is_visible;
        let (left, version) = (task.queue, task.version + u64::from(grows));
        let (skips, at) = (target.skip_if.is_some(), turn.now);
        let moved = left.is_some_and(|left| left != queue).then(|| task.clone());
        self.record(turn, Change::TargetEntered { task: sid, walk, queue, priority, version, at });
        self.tell_task(turn, EventKind::WorkflowTargetMatched, sid);
        if left != Some(queue) {
            if let Some(task) = moved {
                self.tell_moved(turn, task);
            }
            self.tell_task(turn, EventKind::TaskQueueEntered, sid);
        }
        if skips {
            self.fresh.push_back(sid);
        }
    }

    /// As long as the deadline of its target has passed, a pending task moves on.
    pub(super) fn catch_up(&mut self, turn: &mut Turn<'_>, sid: TaskSid) {
        while let Some(state) = self.tasks.get(sid) {
            let deadline = state.task.current_walk().and_then(|walk| walk.deadline);
            match deadline {
                Some(at) if at <= turn.now && state.task.status == TaskStatus::Pending => {
                    self.give_up_target(turn, sid, at);
                }
                _ => return,
            }
        }
    }

    /// The target's time ran out while the task was pending.
    fn give_up_target(&mut self, turn: &mut Turn<'_>, sid: TaskSid, deadline: Timestamp) {
        self.tell_task(turn, EventKind::TaskQueueTimeout, sid);
        let Some((revision, step, configuration, value)) = self.standing(sid) else { return };
        let after = self.workspace().after_last_target;
        match configuration.after_timeout(step, &value, self.outlook(turn.now), after) {
            Some(next) => {
                let entry = self.passing(turn, sid, deadline, None);
                self.enter_step(turn, sid, (revision, next), entry, Version::IfVisible);
            }
            None => {
                self.tell_task(turn, EventKind::WorkflowTimeout, sid);
                self.cancel(turn, sid, TIMED_OUT);
            }
        }
    }

    /// The target's `skip_if` holds and nobody could be offered the task at once.
    pub(super) fn skip_target(&mut self, turn: &mut Turn<'_>, sid: TaskSid, counts: MemberCounts) {
        let Some((revision, step, configuration, value)) = self.standing(sid) else { return };
        match configuration.after_skip(step, &value, self.outlook(turn.now)) {
            Some(next) => {
                let entry = self.passing(turn, sid, turn.now, Some(counts));
                self.enter_step(turn, sid, (revision, next), entry, Version::IfVisible);
            }
            None => {
                self.tell_task(turn, EventKind::WorkflowSkipped, sid);
                self.cancel(turn, sid, SKIPPED);
            }
        }
    }

    /// The entry into the target behind the one that the task leaves now.
    fn passing(
        &self,
        turn: &Turn<'_>,
        sid: TaskSid,
        clock: Timestamp,
        skipped: Option<MemberCounts>,
    ) -> Entry {
        let walk = self.tasks.get(sid).and_then(|state| state.task.walk.as_ref());
        let Some(walk) = walk else { return Entry::anew(clock) };
        let mut passed = walk.passed.clone();
        if passed.len() >= PASSED_KEPT_MAX {
            passed.remove(0);
        }
        let (filter, target, at) = (walk.filter, walk.target, turn.now);
        passed.push(Passed { filter, target, at, skipped });
        Entry { clock, entered_at: walk.entered_at.or(Some(walk.clock)), passed }
    }

    /// Where a walking task stands: revision, step, configuration and its attributes.
    pub(crate) fn standing(
        &mut self,
        sid: TaskSid,
    ) -> Option<(u32, Step, Arc<Configuration>, Arc<Value>)> {
        let walk = self.tasks.get(sid)?.task.walk.clone()?;
        let (task, configuration) = self.walking(sid, walk.revision)?;
        let (configuration, attributes) = (Arc::clone(configuration), task.attributes.clone());
        let step = Step { filter: walk.filter, target: walk.target };
        Some((walk.revision, step, configuration, self.value_of(&attributes)))
    }

    /// What filters see beside the task.
    pub(super) fn outlook(&self, now: Timestamp) -> Outlook<'_> {
        Outlook { now, schedules: &self.schedules }
    }

    fn walking(&self, sid: TaskSid, revision: u32) -> Option<(&Task, &Arc<Configuration>)> {
        let task = &self.tasks.get(sid)?.task;
        let configuration = self.workflows.get(&task.workflow?)?.revision(revision)?;
        Some((task, configuration))
    }
}
