//! Lines: waiting tasks that ask the same question about workers.
//!
//! * Within a line tasks stand in the order in which its queue is served.
//! * A line lives while tasks refer to it, waiting or on offer, and for a while longer.

use super::{BitSet, Matching, NARROW_MAX, prepare::Unsorted, wide::Wide};
use crate::{
    deadlines::next_minute,
    limits::{IDLE_LINES_MAX, PRIORITY_MAX},
    model::*,
    state::{TaskState, WorkerState, Workers},
    workflow::OrderBy,
};
use expr::{Bound, Node, WorkerField};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What all tasks of a line have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LineKey {
    pub(crate) queue: Option<TaskQueueSid>,
    pub(crate) channel: usize,
    pub(crate) who: Who,
    /// The text of `order_by`.
    pub(crate) order_by: Option<Arc<str>>,
    /// Whom the task keeps away from for a while.
    pub(crate) resting: Option<Resting>,
}

/// Which workers may be offered a task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// Members of the queue for whom this holds.
    Members(Bound),
    /// The known worker, if a member of the queue for whom this holds.
    Known(Known, Bound),
    /// Members of the queue to which a task is handed over, but not these.
    Transfer(Vec<WorkerSid>),
    /// Direct routing.
    Direct {
        /// To this worker.
        worker: WorkerSid,
        /// Also if full, closed or unavailable.
        ignore_capacity: bool,
    },
}

/// Whom a known-worker target names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Known {
    Sid(WorkerSid),
    FriendlyName(String),
    /// The task names nobody.
    Nobody,
}

/// In which order the tasks of a line are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Fifo,
    Lifo,
    /// Earliest breach of the service level first.
    Deadline,
}

impl Order {
    /// The kind of queue it is served with.
    pub(crate) const fn group(self) -> TaskOrder {
        match self {
            Self::Fifo | Self::Deadline => TaskOrder::Fifo,
            Self::Lifo => TaskOrder::Lifo,
        }
    }
}

impl From<TaskOrder> for Order {
    fn from(order: TaskOrder) -> Self {
        match order {
            TaskOrder::Fifo => Self::Fifo,
            TaskOrder::Lifo => Self::Lifo,
        }
    }
}

/// A task's place in a line and among lines of the same order: smaller is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    priority: u32,
    start: i64,
    sid: TaskSid,
}

impl Place {
    pub(crate) fn of(state: &TaskState, order: Order) -> Self {
        let task = &state.task;
        let (start, sid) = (task.virtual_start_at.0, task.sid);
        match order {
            Order::Fifo => {
                Self { priority: PRIORITY_MAX - task.priority.min(PRIORITY_MAX), start, sid }
            }
            Order::Lifo => Self { priority: 0, start: -start, sid: reversed(sid) },
            Order::Deadline => {
                Self { priority: PRIORITY_MAX, start: start + state.service_level.0, sid }
            }
        }
    }

    #[cfg(test)]
    pub(super) const fn at(priority: u32, start: i64, sid: u128) -> Self {
        Self { priority, start, sid: TaskSid::new(sid) }
    }

    pub(crate) fn task(self, order: Order) -> TaskSid {
        match order {
            Order::Fifo | Order::Deadline => self.sid,
            Order::Lifo => reversed(self.sid),
        }
    }
}

/// Sorts newest first.
const fn reversed(sid: TaskSid) -> TaskSid {
    TaskSid::new(!sid.body())
}

/// See the module.
pub(crate) struct Line {
    pub(crate) key: LineKey,
    pub(crate) order: Order,
    pub(crate) order_by: Option<Arc<OrderBy>>,
    pub(crate) waiting: BTreeSet<Place>,
    /// Waiting tasks that have no place in the line's order yet.
    pub(super) unsorted: Unsorted,
    /// Who may be offered its tasks; for a volatile line, who may be if the rest holds too.
    pub(crate) members: BitSet,
    pub(super) member_count: usize,
    pub(super) is_wide: bool,
    pub(crate) is_volatile: bool,
    pub(crate) is_timed: bool,
    pub(super) is_scheduled: bool,
    /// Tasks that refer to it, waiting or on offer.
    pub(crate) tasks: u32,
    pub(super) stamp: u64,
    pub(super) is_dirty: bool,
    /// Its queue has other members than when its own were worked out: they are again before it is
    /// tried.
    pub(crate) is_stale: bool,
}

impl Line {
    fn place(&self) -> Option<Place> {
        self.waiting.first().copied()
    }

    pub(crate) fn head(&self) -> Option<(Place, TaskSid)> {
        self.waiting.first().map(|place| (*place, place.task(self.order)))
    }

    /// Whether a task that waits in it has no place in its order yet.
    pub(crate) fn is_unsorted(&self, waiting: &TaskState) -> bool {
        self.unsorted.iter().any(|(order, places)| places.contains(&Place::of(waiting, *order)))
    }

    pub(crate) fn ignores_capacity(&self) -> bool {
        matches!(self.key.who, Who::Direct { ignore_capacity: true, .. })
    }
}

impl Who {
    /// What is asked of each worker beyond membership.
    pub(crate) fn bound(&self) -> Option<&Bound> {
        match self {
            Self::Members(bound) | Self::Known(_, bound) => Some(bound),
            Self::Transfer(_) | Self::Direct { .. } => None,
        }
    }

    /// Whether this is the worker that is named, if one is.
    pub(crate) fn names(&self, worker: &Worker) -> bool {
        match self {
            Self::Members(_) => true,
            Self::Transfer(passed_over) => !passed_over.contains(&worker.sid),
            Self::Known(Known::Sid(sid), _) | Self::Direct { worker: sid, .. } => {
                *sid == worker.sid
            }
            Self::Known(Known::FriendlyName(name), _) => {
                name.to_lowercase() == worker.friendly_name.to_lowercase()
            }
            Self::Known(Known::Nobody, _) => false,
        }
    }
}

/// Whether a worker can be a member of a line, given membership of its queue. What can change
/// without attributes counts as true.
pub(super) fn could_take(who: &Who, in_queue: bool, worker: &WorkerState) -> bool {
    match who {
        Who::Direct { .. } => who.names(&worker.worker),
        Who::Transfer(_) => in_queue && who.names(&worker.worker),
        Who::Members(bound) => in_queue && could_hold(bound.node(), &worker.worker, &worker.value),
        Who::Known(_, bound) => {
            in_queue
                && who.names(&worker.worker)
                && could_hold(bound.node(), &worker.worker, &worker.value)
        }
    }
}

pub(super) fn could_hold(node: &Node, worker: &Worker, value: &Value) -> bool {
    match node {
        Node::Always(answer) => *answer,
        Node::Test(test) => test.evaluate(value),
        Node::Volatile(test) => match test.named() {
            Some((WorkerField::Sid, texts)) => {
                let sid = worker.sid.sid().encode();
                texts.iter().any(|text| text.as_bytes() == sid)
            }
            Some((WorkerField::FriendlyName, texts)) => {
                texts.contains(&worker.friendly_name.as_str())
            }
            _ => true,
        },
        Node::Not(inner) => inner.is_volatile() || !could_hold(inner, worker, value),
        Node::And(parts) => parts.iter().all(|part| could_hold(part, worker, value)),
        Node::Or(parts) => parts.iter().any(|part| could_hold(part, worker, value)),
    }
}

impl Matching {
    /// The line of that key, made if need be; counts one more task in it.
    pub(crate) fn join(
        &mut self,
        workers: &mut Workers,
        key: LineKey,
        order: Order,
        order_by: Option<Arc<OrderBy>>,
        queue: &BitSet,
    ) -> u32 {
        let line = match self.by_key.get(&key) {
            Some(line) => *line,
            None => self.add_line(workers, key, order, order_by, queue),
        };
        let state = self.line_mut(line);
        state.tasks += 1;
        let stamp = (state.stamp, line);
        self.unused.remove(&stamp);
        line
    }

    fn add_line(
        &mut self,
        workers: &mut Workers,
        key: LineKey,
        order: Order,
        order_by: Option<Arc<OrderBy>>,
        queue: &BitSet,
    ) -> u32 {
        let members = self.members_of(workers, &key, queue);
        let line = self.free.pop_first().unwrap_or_else(|| {
            self.lines.push(None);
            self.lines.len() as u32 - 1
        });
        let bound = key.who.bound();
        let uses = bound.map(Bound::uses).unwrap_or_default();
        let member_count = members.count();
        let state = Line {
            order,
            order_by,
            waiting: BTreeSet::new(),
            unsorted: Unsorted::new(),
            member_count,
            is_wide: member_count > NARROW_MAX,
            is_volatile: bound.is_some_and(Bound::is_volatile),
            is_timed: uses.time,
            is_scheduled: uses.schedules,
            tasks: 0,
            stamp: 0,
            is_dirty: false,
            is_stale: false,
            members,
            key: key.clone(),
        };
        let is_wide = state.is_wide;
        let members = state.members.iter();
        members.for_each(|slot| enroll(&mut self.wide, workers, (line, is_wide), slot, true));
        self.askers.add_line(line, &key.who);
        self.lines[line as usize] = Some(Box::new(state));
        self.by_queue.entry(key.queue).or_default().insert(line);
        self.by_key.insert(key, line);
        line
    }

    /// One task less refers to the line.
    pub(crate) fn part(&mut self, workers: &mut Workers, line: u32) {
        self.stamp += 1;
        let stamp = self.stamp;
        let state = self.line_mut(line);
        state.tasks -= 1;
        if state.tasks > 0 {
            return;
        }
        state.stamp = stamp;
        self.unused.insert((stamp, line));
        if self.unused.len() > IDLE_LINES_MAX {
            let (_, oldest) = self.unused.pop_first().expect("more than none");
            self.drop_line(workers, oldest);
        }
    }

    fn drop_line(&mut self, workers: &mut Workers, line: u32) {
        let state = self.lines[line as usize].take().expect("a line in use is there");
        let is_wide = state.is_wide;
        let members = state.members.iter();
        members.for_each(|slot| enroll(&mut self.wide, workers, (line, is_wide), slot, false));
        self.askers.remove_line(line, &state.key.who);
        self.by_key.remove(&state.key);
        if let Some(lines) = self.by_queue.get_mut(&state.key.queue) {
            lines.remove(&line);
            if lines.is_empty() {
                self.by_queue.remove(&state.key.queue);
            }
        }
        self.free.insert(line);
    }

    /// Drops the lines of a channel that is gone; no task refers to them.
    pub(crate) fn forget_channel(&mut self, workers: &mut Workers, channel: usize) {
        let of_channel = self.by_key.iter().filter(|(key, _)| key.channel == channel);
        let lines = of_channel.map(|(_, line)| *line).collect();
        self.drop_lines(workers, lines);
        self.forget_order(channel);
    }

    fn drop_lines(&mut self, workers: &mut Workers, lines: BTreeSet<u32>) {
        for line in lines {
            self.unused.remove(&(self.line(line).stamp, line));
            self.drop_line(workers, line);
        }
    }

    /// Where a task stands in a line that it is to wait in.
    pub(crate) fn place_in(&mut self, line: u32, waiting: &TaskState) -> Place {
        let state = self.line(line);
        let (place, is_timed) = (Place::of(waiting, state.order), state.is_timed);
        if is_timed {
            self.retry_later(&waiting.task);
        }
        place
    }

    /// Many tasks begin to wait where none does, unmarked.
    pub(crate) fn fill(&mut self, mut places: Vec<(u32, Place)>) {
        places.sort_unstable();
        let mut standing: BTreeMap<TaskQueueSid, Vec<Place>> = BTreeMap::new();
        for places in places.chunk_by(|one, two| one.0 == two.0) {
            let line = places[0].0;
            let state = self.lines[line as usize].as_deref_mut().expect("a line in use is there");
            state.waiting = places.iter().map(|(_, place)| *place).collect();
            if let Some(queue) = state.key.queue {
                standing.entry(queue).or_default().extend(places.iter().map(|(_, place)| *place));
            }
            self.reseat(line, None);
            self.show(line, true);
        }
        for (queue, places) in standing {
            *self.standing.entry(queue) = places.into_iter().collect();
        }
    }

    /// A task that asks for the time begins to wait.
    fn retry_later(&mut self, task: &Task) {
        let since = task.queue_entered_at.map_or(task.updated_at, |at| at.max(task.updated_at));
        self.retry_at = self.retry_at.max(next_minute(since));
    }

    /// A task begins to wait.
    pub(crate) fn wait(&mut self, line: u32, waiting: &TaskState) {
        if self.line(line).is_timed {
            self.retry_later(&waiting.task);
        }
        self.stand(line, waiting);
    }

    /// A waiting task finds its place.
    pub(crate) fn stand(&mut self, line: u32, waiting: &TaskState) {
        let state = self.lines[line as usize].as_deref_mut().expect("a line in use is there");
        let (place, before) = (Place::of(waiting, state.order), state.place());
        state.waiting.insert(place);
        let queue = state.key.queue;
        if let Some(queue) = queue.filter(|queue| self.is_sorted(*queue, line)) {
            self.standing.entry(queue).insert(place);
        }
        self.reseat(line, before);
        self.mark_line(line);
        if before.is_none() {
            self.show(line, true);
        }
    }

    /// A task no longer waits.
    pub(crate) fn unwait(&mut self, line: u32, waiting: &TaskState) {
        let state = self.lines[line as usize].as_deref_mut().expect("a line in use is there");
        if !state.unsorted.is_empty() && self.leave_unsorted(line, waiting) {
            return;
        }
        let state = self.lines[line as usize].as_deref_mut().expect("a line in use is there");
        let (place, before) = (Place::of(waiting, state.order), state.place());
        state.waiting.remove(&place);
        if let Some(queue) = state.key.queue {
            self.standing.entry(queue).remove(place);
        }
        self.reseat(line, before);
        if self.line(line).waiting.is_empty() {
            self.show(line, false);
        }
    }

    /// Follows a line's head.
    fn reseat(&mut self, line: u32, before: Option<Place>) {
        let state = self.lines[line as usize].as_deref_mut().expect("a line in use is there");
        let after = state.place();
        self.agenda.reseat((line, state.order.group()), (before, after), state.is_dirty);
        state.is_dirty &= after.is_some();
    }

    /// Lets members see, or no longer see, that tasks wait in a line.
    pub(super) fn show(&mut self, line: u32, waits: bool) {
        let state = self.lines[line as usize].as_deref().expect("a line in use is there");
        self.waiting[state.key.channel].set(line, waits);
        if state.is_volatile {
            self.volatile.set(line, waits);
        }
        if state.is_timed {
            set_in(&mut self.timed, line, waits);
        }
        if state.is_scheduled {
            set_in(&mut self.scheduled, line, waits);
        }
    }

    /// Adds a worker to a line or takes one out.
    pub(crate) fn set_member(&mut self, workers: &mut Workers, line: u32, slot: u32, is: bool) {
        let state = self.lines[line as usize].as_deref_mut().expect("a line in use is there");
        if !state.members.set(slot, is) {
            return;
        }
        let waits = !state.waiting.is_empty();
        if is {
            state.member_count += 1;
        } else {
            state.member_count -= 1;
        }
        enroll(&mut self.wide, workers, (line, state.is_wide), slot, is);
        if !state.is_wide && state.member_count > NARROW_MAX {
            self.widen(workers, line);
        }
        if is && waits {
            self.mark_line(line);
        }
    }

    fn widen(&mut self, workers: &mut Workers, line: u32) {
        let state = self.lines[line as usize].as_deref_mut().expect("a line in use is there");
        state.is_wide = true;
        for slot in state.members.iter() {
            enroll(&mut self.wide, workers, (line, false), slot, false);
            enroll(&mut self.wide, workers, (line, true), slot, true);
        }
    }

    /// Works out all members of a line again; says how many came or went.
    pub(crate) fn refill(&mut self, workers: &mut Workers, line: u32, queue: &BitSet) -> usize {
        let key = self.line(line).key.clone();
        let members = self.members_of(workers, &key, queue);
        let before = self.line(line).members.clone();
        let (gone, new) = (members.complement(&before), before.complement(&members));
        gone.iter().for_each(|slot| self.set_member(workers, line, slot, false));
        new.iter().for_each(|slot| self.set_member(workers, line, slot, true));
        self.line_mut(line).is_stale = false;
        gone.count() + new.count()
    }

    /// Pending tasks of a queue that are served before that place. While the queue gets another
    /// order, those that stand in it already.
    pub(crate) fn ahead_of(&self, queue: TaskQueueSid, place: Place) -> u64 {
        self.standing.get(queue).map_or(0, |standing| standing.before(place) as u64)
    }

    /// A queue is gone; no task is in it.
    pub(crate) fn forget_queue(&mut self, workers: &mut Workers, queue: TaskQueueSid) {
        self.standing.remove(queue);
        self.ahead.forget_queue(queue);
        let lines = self.by_queue.get(&Some(queue)).cloned().unwrap_or_default();
        self.drop_lines(workers, lines);
    }

    /// The lines of a queue.
    pub(crate) fn lines_in(&self, queue: TaskQueueSid) -> impl Iterator<Item = u32> + '_ {
        self.by_queue.get(&Some(queue)).into_iter().flatten().copied()
    }
}

/// Lists a line with a worker, or no longer.
fn enroll(
    wide: &mut Wide,
    workers: &mut Workers,
    (line, is_wide): (u32, bool),
    slot: u32,
    is: bool,
) {
    if is_wide {
        return wide.set(line, slot, is);
    }
    let worker = workers.at_mut(slot);
    match (worker.narrow.binary_search(&line), is) {
        (Err(at), true) => worker.narrow.insert(at, line),
        (Ok(at), false) => _ = worker.narrow.remove(at),
        (Ok(_), true) | (Err(_), false) => {}
    }
}

fn set_in(set: &mut BTreeSet<u32>, line: u32, is: bool) {
    if is {
        set.insert(line);
    } else {
        set.remove(&line);
    }
}
