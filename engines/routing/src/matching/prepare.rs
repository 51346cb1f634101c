//! What has to be done before any offer, because a setting changed for many workers or tasks at
//! once. Portion by portion, see `handle/portion`.
//!
//! * As long as anything is left no offer is made: so each offer is the one the reference's loop
//!   would make, although the work is cut.
//! * Workers who were not looked at since are ready nowhere.
//! * A queue that has other members or another order is gone through line by line. In a line that
//!   gets another order, tasks are *unsorted* until they have found their new place.
//! * Whatever moves meanwhile follows: a worker who changes was looked at, a task that comes or
//!   moves stands where it belongs.
//! * What it costs is settled when it begins, so that an engine that was brought back, whose
//!   workers and lines have other numbers, makes its cuts where the first one does.

use super::{BitSet, Matching, Order, Place};
use crate::{
    model::{TaskQueueSid, TaskSid},
    state::TaskState,
};
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Default)]
pub(super) struct Ahead {
    /// Workers who are still to be looked at.
    unseen: BitSet,
    /// Looks that are still to be paid for: never fewer than there are unseen.
    looks: usize,
    /// By channel slot: where those of them had room before.
    had_room: Vec<BitSet>,
    reworks: BTreeMap<TaskQueueSid, Rework>,
}

/// A queue on its way to other members or another order.
#[derive(Clone, Copy, Debug, Default)]
struct Rework {
    /// The first line that is still to be gone through.
    line: u32,
    /// Whether that line was begun.
    is_begun: bool,
    /// Whether the queue has other members.
    members: bool,
    /// Whether it has another order.
    order: bool,
    /// Marks or places that are still to be paid for.
    owed: usize,
}

/// Places in an order that is over.
pub(super) type Unsorted = Vec<(Order, BTreeSet<Place>)>;

/// What is new about a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewed {
    Members,
    Order,
}

/// What was done about a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reworked {
    /// A line will work out its members again.
    Line,
    /// A task of that line is to find its place.
    Task(u32, TaskSid),
}

impl Ahead {
    fn is_empty(&self) -> bool {
        self.reworks.is_empty() && self.looks == 0
    }

    /// A worker was looked at; says whether that was still to be done.
    pub(super) fn see(&mut self, slot: u32) -> bool {
        self.unseen.remove(slot)
    }

    pub(super) fn had_room(&self, channel: usize, slot: u32) -> bool {
        self.had_room.get(channel).is_some_and(|had| had.contains(slot))
    }

    pub(super) fn forget_worker(&mut self, slot: u32) {
        self.unseen.remove(slot);
        self.had_room.iter_mut().for_each(|had| _ = had.remove(slot));
    }

    pub(super) fn forget_queue(&mut self, queue: TaskQueueSid) {
        self.reworks.remove(&queue);
    }

    /// Whether the tasks of a line stand in the order that its queue has now, as far as they stand.
    fn is_sorted(&self, queue: TaskQueueSid, line: u32) -> bool {
        self.reworks.get(&queue).is_none_or(|work| {
            !work.order || line < work.line || (line == work.line && work.is_begun)
        })
    }

    fn is_done(&self, queue: TaskQueueSid, line: u32) -> bool {
        self.reworks.get(&queue).is_none_or(|work| line < work.line)
    }
}

impl Matching {
    /// Whether offers can be made.
    pub(crate) fn is_prepared(&self) -> bool {
        self.ahead.is_empty()
    }

    /// A rule about room changed: everybody is looked at again.
    pub(crate) fn forget_room(&mut self) {
        self.idle.iter_mut().for_each(|order| *order = None);
        let Self { ahead, ready, all, .. } = self;
        ahead.had_room.resize_with(ready.len(), BitSet::default);
        for (had, ready) in ahead.had_room.iter_mut().zip(ready) {
            had.intersect(&ahead.unseen);
            had.unite(ready);
            ready.clear();
        }
        ahead.unseen = all.clone();
        ahead.looks = all.count();
    }

    /// Pays for so many looks, or for all that are left; who is to be looked at, and the number
    /// paid for.
    pub(crate) fn next_unseen(&mut self, most: usize) -> (Vec<u32>, usize) {
        let paid = self.ahead.looks.min(most);
        self.ahead.looks -= paid;
        (self.ahead.unseen.iter().take(paid).collect(), paid)
    }

    /// A queue has other members or another order.
    pub(crate) fn renew(&mut self, queue: TaskQueueSid, what: Renewed, order: Order) {
        let (mut lines, mut tasks) = (0, 0);
        for line in self.lines_in(queue) {
            let state = self.line(line);
            let unsorted = state.unsorted.iter().map(|(_, places)| places.len());
            let waiting = state.waiting.len() + unsorted.sum::<usize>();
            (lines, tasks) = (lines + usize::from(waiting > 0), tasks + waiting);
        }
        if tasks == 0 {
            for line in self.lines_in(queue).collect::<Vec<_>>() {
                let state = self.line_mut(line);
                state.is_stale |= what == Renewed::Members;
                state.order = order;
            }
            return;
        }
        let work = self.ahead.reworks.entry(queue).or_default();
        (work.line, work.is_begun) = (0, false);
        match what {
            Renewed::Members => work.members = true,
            Renewed::Order => {
                work.order = true;
                self.standing.remove(queue);
            }
        }
        work.owed = if work.order { tasks } else { lines };
    }

    /// Pays for one thing to be done about a queue; says whether that is still owed.
    pub(crate) fn pay(&mut self, queue: TaskQueueSid) -> bool {
        let Some(work) = self.ahead.reworks.get_mut(&queue) else { return false };
        let is_owed = work.owed > 0;
        work.owed -= usize::from(is_owed);
        is_owed
    }

    /// A queue that is still to be gone through.
    pub(crate) fn next_renewed(&self) -> Option<TaskQueueSid> {
        self.ahead.reworks.keys().next().copied()
    }

    /// Goes on with a queue: marks its next line, or takes an unsorted task out of it, which is to
    /// be sorted in. `None` when there is no more.
    pub(crate) fn rework(&mut self, queue: TaskQueueSid, order: Order) -> Option<Reworked> {
        loop {
            let mut work = *self.ahead.reworks.get(&queue)?;
            let lines = self.by_queue.get(&Some(queue));
            let line = lines.and_then(|lines| lines.range(work.line..).next().copied());
            let Some(line) = line else {
                if work.owed == 0 {
                    self.ahead.reworks.remove(&queue);
                }
                return None;
            };
            let is_begun = work.is_begun && line == work.line;
            let mut reworked = None;
            if !is_begun && work.members {
                self.line_mut(line).is_stale = true;
                self.mark_line(line);
                let waits = !self.line(line).waiting.is_empty() && !work.order;
                reworked = waits.then_some(Reworked::Line);
            }
            if !is_begun && work.order {
                self.unsort(line, order);
            }
            let task = self.pop_unsorted(line);
            (work.line, work.is_begun) = (line + u32::from(task.is_none()), task.is_some());
            self.ahead.reworks.insert(queue, work);
            let sorted_in = task.map(|task| Reworked::Task(line, task));
            if let Some(reworked) = sorted_in.or(reworked) {
                return Some(reworked);
            }
        }
    }

    fn unsort(&mut self, line: u32, order: Order) {
        let state = self.lines[line as usize].as_deref_mut().expect("a line in use is there");
        let (place, is_dirty) = (state.head().map(|(place, _)| place), state.is_dirty);
        self.agenda.reseat((line, state.order.group()), (place, None), is_dirty);
        let waiting = std::mem::take(&mut state.waiting);
        let old = std::mem::replace(&mut state.order, order);
        state.is_dirty = false;
        if place.is_some() {
            state.unsorted.push((old, waiting));
            self.show(line, false);
        }
        // A line may come before those that were tried already.
        self.agenda.restart();
    }

    fn pop_unsorted(&mut self, line: u32) -> Option<TaskSid> {
        let state = self.line_mut(line);
        loop {
            let (order, places) = state.unsorted.last_mut()?;
            if let Some(place) = places.pop_first() {
                return Some(place.task(*order));
            }
            state.unsorted.pop();
        }
    }

    /// Takes a task out of those that are unsorted; says whether it was there.
    pub(super) fn leave_unsorted(&mut self, line: u32, waiting: &TaskState) -> bool {
        let state = self.line_mut(line);
        let mut sets = state.unsorted.iter_mut();
        sets.any(|(order, places)| places.remove(&Place::of(waiting, *order)))
    }

    /// Whether the tasks of a line stand in the order that its queue has now.
    pub(super) fn is_sorted(&self, queue: TaskQueueSid, line: u32) -> bool {
        self.ahead.reworks.is_empty() || self.ahead.is_sorted(queue, line)
    }

    /// Whether a line is as its queue is now.
    pub(crate) fn is_done(&self, line: u32) -> bool {
        self.line(line).key.queue.is_none_or(|queue| self.ahead.is_done(queue, line))
    }

    /// Whether a worker was looked at since a rule about room changed.
    pub(super) fn is_seen(&self, slot: u32) -> bool {
        !self.ahead.unseen.contains(slot)
    }
}
