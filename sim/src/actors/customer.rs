//! Somebody who wants something done: tasks come, change, and are given up.

use super::{View, Wish};
use crate::rules::task_attributes;
use base::Attributes;
use routing::{
    Command, TaskSid, TaskStatus, WorkspaceSid,
    command::{ChannelRef, IfMatch, NewTask, TaskPatch},
};
use testkit::Random;

/// A customer of one workspace.
pub(crate) struct Customer {
    workspace: WorkspaceSid,
    random: Random,
    /// Milliseconds between tasks, on average.
    pace_ms: u64,
}

impl Customer {
    /// Everything it does follows from `random`.
    pub(crate) fn new(workspace: WorkspaceSid, mut random: Random) -> Self {
        let pace_ms = random.within(300, 1_500);
        Self { workspace, random, pace_ms }
    }

    pub(super) fn look(&mut self, view: &View<'_>) -> Wish {
        if view.is_calm {
            return Wish::default();
        }
        let again_ms = Some(self.random.within(1, 2 * self.pace_ms));
        let command = match self.random.below(20) {
            0..=12 => self.create(view),
            13 => self.rate(view),
            14..=16 => self.change(view),
            17 | 18 => self.give_up(view),
            _ => self.delete(view),
        };
        let commands = command.into_iter().map(|command| (self.workspace, command)).collect();
        Wish { commands, again_ms, ..Wish::default() }
    }

    fn create(&mut self, view: &View<'_>) -> Option<Command> {
        let place = view.checks.place(self.workspace)?;
        let random = &mut self.random;
        let people: Vec<_> = place.workers.keys().copied().collect();
        let workflows: Vec<_> = place.workflows.keys().copied().collect();
        let workflow = random.one_of(&workflows).copied();
        let channels: Vec<_> = place.channels.keys().copied().collect();
        let channel = random.one_of(&channels).copied();
        let mut new = NewTask {
            attributes: Attributes::new(task_attributes(random, &people)).expect("it is short"),
            workflow,
            task_channel: channel
                .filter(|_| random.percent(60))
                .map(routing::command::ChannelRef::Sid),
            priority: random.percent(30).then(|| random.below(20) as u32),
            timeout_s: random.percent(20).then(|| random.within(1, 30) as u32),
            ..NewTask::default()
        };
        if random.percent(10) {
            new.virtual_start_at =
                Some(view.now + base::Millis(random.below(20_000) as i64 - 10_000));
        }
        if view.switches.direct && random.percent(20) {
            let workers: Vec<_> = place.workers.keys().map(|sid| sid.sid()).collect();
            let queues: Vec<_> = place.queues.keys().map(|sid| sid.sid()).collect();
            let workflows = workflows.iter().map(|sid| sid.sid()).collect();
            let targets = match random.below(10) {
                0..=5 => workers,
                6..=8 => queues,
                _ => workflows,
            };
            let accounted: Vec<_> = place.queues.keys().copied().collect();
            new.queue = random.one_of(&accounted).copied().filter(|_| random.percent(30));
            new.routing_target = random.one_of(&targets).copied();
            new.ignore_capacity = random.percent(30).then(|| random.percent(50));
        }
        Some(Command::CreateTask(new))
    }

    fn change(&mut self, view: &View<'_>) -> Option<Command> {
        let (sid, version) = self.pick(view, |status| !status.is_final())?;
        let place = view.checks.place(self.workspace)?;
        let random = &mut self.random;
        let mut patch = TaskPatch::default();
        if random.percent(50) {
            patch.priority = Some(random.below(50) as u32);
        } else if random.percent(20) {
            let channels: Vec<_> = place.channels.keys().collect();
            let channel = random.one_of(&channels).map(|sid| ChannelRef::Sid(**sid));
            patch.task_channel = channel;
        } else if random.percent(20) {
            patch.virtual_start_at = Some(view.now + base::Millis(-(random.below(9_000) as i64)));
        } else {
            let people: Vec<_> = place.workers.keys().copied().collect();
            let attributes = task_attributes(random, &people);
            let attributes = Attributes::new(attributes).expect("it is short");
            patch.attributes = Some(attributes);
        }
        let if_match = match random.below(4) {
            0 => IfMatch::Version(version),
            1 => IfMatch::Version(version + 1),
            _ => IfMatch::Any,
        };
        Some(Command::UpdateTask { sid, if_match, patch })
    }

    /// Says how it was.
    fn rate(&mut self, view: &View<'_>) -> Option<Command> {
        let (task, _) = self.pick(view, |status| status != TaskStatus::Pending)?;
        let code = ["resolved", "escalated"][self.random.below(2) as usize].to_owned();
        Some(Command::SetDisposition { task, code, note: None })
    }

    fn give_up(&mut self, view: &View<'_>) -> Option<Command> {
        let waits = |status| matches!(status, TaskStatus::Pending | TaskStatus::Reserved);
        let (sid, _) = self.pick(view, waits)?;
        let patch = TaskPatch {
            status: Some(TaskStatus::Canceled),
            reason: Some("no longer needed".to_owned()),
            ..TaskPatch::default()
        };
        Some(Command::UpdateTask { sid, if_match: IfMatch::Any, patch })
    }

    fn delete(&mut self, view: &View<'_>) -> Option<Command> {
        if !view.switches.deletes {
            return None;
        }
        let (sid, _) = self.pick(view, |_| true)?;
        Some(Command::DeleteTask { sid, if_match: IfMatch::Any })
    }

    /// One of the newest tasks in such a status.
    fn pick(
        &mut self,
        view: &View<'_>,
        wanted: impl Fn(TaskStatus) -> bool,
    ) -> Option<(TaskSid, u64)> {
        let place = view.checks.place(self.workspace)?;
        let tasks = place.tasks.values().rev().filter(|task| wanted(task.status)).take(12);
        let found: Vec<_> = tasks.map(|task| (task.sid, task.version)).collect();
        self.random.one_of(&found).copied()
    }
}
