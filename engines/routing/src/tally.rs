//! Counts of live tasks, kept as they move: per workspace, queue and workflow, and per channel.
//!
//! * Follows from the tasks alone; `check` compares it with counting them anew.
//! * A waiting task takes a SID in three sets. SIDs sort by creation, so the first is the oldest.
//!   Only a task that came to its queue later than it was made takes two more places.

use crate::{
    map::Map,
    model::*,
    movement::Standing,
    real_time::{RealTime, Whole},
};
use base::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Default)]
pub(crate) struct Tallies {
    workspace: ByChannel,
    queues: Map<TaskQueueSid, ByChannel>,
    workflows: Map<WorkflowSid, ByChannel>,
}

/// Few channels, so they are looked through.
#[derive(Default)]
struct ByChannel(Vec<(TaskChannelSid, Box<Tally>)>);

/// The live tasks of one scope on one channel.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    /// Pending, reserved, assigned, wrapping.
    by_status: [u32; 4],
    /// Waiting ones.
    by_priority: BTreeMap<u32, u32>,
    /// Waiting ones by creation, those in `later` excepted.
    waiting: BTreeSet<TaskSid>,
    /// In a queue: waiting ones that came after they were made, by creation,
    later: BTreeSet<TaskSid>,
    /// and by when they came.
    later_by_entry: BTreeSet<(Timestamp, TaskSid)>,
}

/// What a tally sees of a task.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    status: TaskStatus,
    priority: u32,
    /// When it came to the queue, if that was later than it was made.
    later: Option<Timestamp>,
}

impl Tallies {
    /// A live task came, went or stands otherwise than before.
    pub(crate) fn follow(
        &mut self,
        task: TaskSid,
        before: Option<Standing>,
        after: Option<Standing>,
    ) {
        let live = |standing: Option<Standing>| standing.filter(|one| !one.status.is_final());
        let (before, after) = (live(before), live(after));
        if before == after {
            return;
        }
        let plain = |one: Standing| {
            let entry = Entry { status: one.status, priority: one.priority, later: None };
            (one.task_channel, entry)
        };
        self.workspace.follow(task, before.map(plain), after.map(plain));
        step(&mut self.workflows, task, [before, after], |one| {
            one.workflow.map(|workflow| (workflow, plain(one)))
        });
        step(&mut self.queues, task, [before, after], |one| {
            let (channel, entry) = plain(one);
            let later = one.queue_entered_at.filter(|at| *at != one.created_at);
            one.queue.map(|queue| (queue, (channel, Entry { later, ..entry })))
        });
    }

    /// Nobody counts these any more.
    pub(crate) fn forget_queue(&mut self, queue: TaskQueueSid) {
        self.queues.remove(queue);
    }

    /// See [`Tallies::forget_queue`].
    pub(crate) fn forget_workflow(&mut self, workflow: WorkflowSid) {
        self.workflows.remove(workflow);
    }

    /// The figures of tasks, as far as they can be told without the tasks.
    pub(crate) fn figures(&self, of: Whole, channel: Option<TaskChannelSid>) -> Figures {
        let tallies = match of {
            Whole::Workspace => Some(&self.workspace),
            Whole::TaskQueue(queue) => self.queues.get(queue),
            Whole::Workflow(workflow) => self.workflows.get(workflow),
        };
        let mut figures = Figures::default();
        let all = tallies.into_iter().flat_map(|all| &all.0);
        for (_, tally) in all.filter(|(one, _)| channel.is_none_or(|wanted| *one == wanted)) {
            figures.add(tally);
        }
        figures
    }

    /// Whether any task is live there.
    pub(crate) fn has_live(&self, of: Whole) -> bool {
        let tallies = match of {
            Whole::Workspace => Some(&self.workspace),
            Whole::TaskQueue(queue) => self.queues.get(queue),
            Whole::Workflow(workflow) => self.workflows.get(workflow),
        };
        tallies.is_some_and(|all| all.0.iter().any(|(_, tally)| tally.has_live()))
    }

    /// Whether any task is live on that channel.
    pub(crate) fn has_live_on(&self, channel: TaskChannelSid) -> bool {
        let tallies = self.workspace.0.iter();
        tallies.filter(|(one, _)| *one == channel).any(|(_, tally)| tally.has_live())
    }

    /// The oldest waiting task of a workflow that is newer than `after`.
    pub(crate) fn next_waiting(
        &self,
        workflow: WorkflowSid,
        after: Option<TaskSid>,
    ) -> Option<TaskSid> {
        use std::ops::Bound::{Excluded, Unbounded};
        let range = (after.map_or(Unbounded, Excluded), Unbounded);
        let tallies = self.workflows.get(workflow)?.0.iter();
        tallies.filter_map(|(_, tally)| tally.waiting.range(range).next().copied()).min()
    }

    /// The newest waiting task of a workflow.
    pub(crate) fn newest_waiting(&self, workflow: WorkflowSid) -> Option<TaskSid> {
        let tallies = self.workflows.get(workflow)?.0.iter();
        tallies.filter_map(|(_, tally)| tally.waiting.last().copied()).max()
    }

    /// Panics unless these are the counts of the tasks.
    pub(crate) fn check(&self, tasks: impl Iterator<Item = (TaskSid, Standing)>) {
        let mut wanted = Self::default();
        let mut seen = (BTreeSet::new(), BTreeSet::new());
        for (task, standing) in tasks {
            wanted.follow(task, None, Some(standing));
            seen.0.extend(standing.queue);
            seen.1.extend(standing.workflow);
        }
        assert!(self.workspace.is(&wanted.workspace), "counts of the workspace");
        check_all(&self.queues, &wanted.queues, seen.0);
        check_all(&self.workflows, &wanted.workflows, seen.1);
    }
}

fn check_all<K: Eq + std::hash::Hash + Ord + Copy + std::fmt::Display>(
    kept: &Map<K, ByChannel>,
    wanted: &Map<K, ByChannel>,
    mut seen: BTreeSet<K>,
) {
    let nothing = ByChannel::default();
    seen.extend(kept.sorted_keys());
    for key in seen {
        let (kept, wanted) = (kept.get(key), wanted.get(key));
        let is = kept.unwrap_or(&nothing).is(wanted.unwrap_or(&nothing));
        assert!(is, "counts of {key}");
    }
}

fn step<K: Eq + std::hash::Hash + Ord + Copy>(
    tallies: &mut Map<K, ByChannel>,
    task: TaskSid,
    [before, after]: [Option<Standing>; 2],
    place: impl Fn(Standing) -> Option<(K, (TaskChannelSid, Entry))>,
) {
    let (before, after) = (before.and_then(&place), after.and_then(&place));
    match (before, after) {
        (None, None) => {}
        (Some((key, was)), Some((other, is))) if key == other => {
            if was != is {
                all_of(tallies, key).follow(task, Some(was), Some(is));
            }
        }
        (before, after) => {
            if let Some((key, was)) = before {
                all_of(tallies, key).follow(task, Some(was), None);
            }
            if let Some((key, is)) = after {
                all_of(tallies, key).follow(task, None, Some(is));
            }
        }
    }
}

fn all_of<K: Eq + std::hash::Hash + Ord + Copy>(
    tallies: &mut Map<K, ByChannel>,
    key: K,
) -> &mut ByChannel {
    if tallies.get(key).is_none() {
        tallies.insert(key, ByChannel::default());
    }
    tallies.get_mut(key).expect("it is there now")
}

impl ByChannel {
    fn follow(
        &mut self,
        task: TaskSid,
        before: Option<(TaskChannelSid, Entry)>,
        after: Option<(TaskChannelSid, Entry)>,
    ) {
        if let (Some((one, was)), Some((other, is))) = (before, after)
            && one == other
        {
            if was != is {
                self.of(one).change(task, was, is);
            }
            return;
        }
        if let Some((channel, was)) = before {
            self.of(channel).remove(task, was);
        }
        if let Some((channel, is)) = after {
            self.of(channel).add(task, is);
        }
    }

    fn of(&mut self, channel: TaskChannelSid) -> &mut Tally {
        let at = self.0.iter().position(|(one, _)| *one == channel).unwrap_or_else(|| {
            self.0.push((channel, Box::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Whether both count the same; a tally of nothing is none.
    fn is(&self, other: &Self) -> bool {
        let has_all = |one: &Self, other: &Self| {
            one.0.iter().filter(|(_, tally)| **tally != Tally::default()).all(|(channel, tally)| {
                other.0.iter().any(|(of, theirs)| of == channel && theirs == tally)
            })
        };
        has_all(self, other) && has_all(other, self)
    }
}

impl Tally {
    fn has_live(&self) -> bool {
        self.by_status.iter().any(|count| *count > 0)
    }

    fn add(&mut self, task: TaskSid, is: Entry) {
        let Some(at) = place(is.status) else { return };
        self.by_status[at] += 1;
        if !is.is_waiting() {
            return;
        }
        *self.by_priority.entry(is.priority).or_default() += 1;
        match is.later {
            None => _ = self.waiting.insert(task),
            Some(at) => {
                self.later.insert(task);
                self.later_by_entry.insert((at, task));
            }
        }
    }

    fn remove(&mut self, task: TaskSid, was: Entry) {
        let Some(at) = place(was.status) else { return };
        self.by_status[at] -= 1;
        if !was.is_waiting() {
            return;
        }
        if let Some(count) = self.by_priority.get_mut(&was.priority) {
            *count -= 1;
            if *count == 0 {
                self.by_priority.remove(&was.priority);
            }
        }
        match was.later {
            None => _ = self.waiting.remove(&task),
            Some(at) => {
                self.later.remove(&task);
                self.later_by_entry.remove(&(at, task));
            }
        }
    }

    fn change(&mut self, task: TaskSid, was: Entry, is: Entry) {
        // An offer that is made or comes to nothing moves no task in any set.
        let stays = was.is_waiting() == is.is_waiting()
            && (!was.is_waiting() || (was.priority, was.later) == (is.priority, is.later));
        match (place(was.status), place(is.status)) {
            (Some(from), Some(to)) if stays => {
                self.by_status[from] -= 1;
                self.by_status[to] += 1;
            }
            _ => {
                self.remove(task, was);
                self.add(task, is);
            }
        }
    }
}

impl Entry {
    fn is_waiting(self) -> bool {
        matches!(self.status, TaskStatus::Pending | TaskStatus::Reserved)
    }
}

/// Where a status is counted; an ended task is counted nowhere.
const fn place(status: TaskStatus) -> Option<usize> {
    match status {
        TaskStatus::Pending => Some(0),
        TaskStatus::Reserved => Some(1),
        TaskStatus::Assigned => Some(2),
        TaskStatus::Wrapping => Some(3),
        TaskStatus::Completed | TaskStatus::Canceled => None,
    }
}

/// The sum of some tallies.
#[derive(Default)]
pub(crate) struct Figures {
    by_status: [u32; 4],
    by_priority: BTreeMap<u32, u32>,
    oldest: Option<TaskSid>,
    /// Of those that came to the queue when they were made.
    oldest_first: Option<TaskSid>,
    /// Of the others.
    oldest_later: Option<(Timestamp, TaskSid)>,
}

impl Figures {
    fn add(&mut self, tally: &Tally) {
        self.by_status.iter_mut().zip(tally.by_status).for_each(|(sum, count)| *sum += count);
        for (priority, count) in &tally.by_priority {
            *self.by_priority.entry(*priority).or_default() += count;
        }
        let first = tally.waiting.first().copied();
        self.oldest_first = older(self.oldest_first, first);
        self.oldest = older(older(self.oldest, first), tally.later.first().copied());
        self.oldest_later = older(self.oldest_later, tally.later_by_entry.first().copied());
    }

    /// As they are told; `made` looks up when a task was made.
    pub(crate) fn told(self, made: impl Fn(TaskSid) -> Option<Timestamp>) -> RealTime {
        let of = |sid: TaskSid| made(sid).map(|at| (at, sid));
        let in_queue = older(self.oldest_first.and_then(of), self.oldest_later);
        RealTime {
            by_status: self.by_status,
            by_priority: self.by_priority.into_iter().collect(),
            longest_waiting: self.oldest.and_then(of).map(|(at, sid)| (sid, at)),
            longest_in_queue: in_queue.map(|(at, sid)| (sid, at)),
            workers: Vec::new(),
            available_workers: 0,
        }
    }
}

fn older<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}
