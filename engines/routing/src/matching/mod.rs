//! The index that finds the next task for a worker and the next worker for a task.
//!
//! * Waiting tasks stand in *lines*: all tasks of a line ask the same question about workers
//!   (queue, channel, target expression once the task is known), so a line is blocked as a whole
//!   and only its head has to be looked at.
//! * A line knows its members: the workers who answer yes. Which of them has room is a second
//!   set, per channel. A candidate is in both; no expression is evaluated to find one, except
//!   where the answer depends on the time or on load.
//! * Everything here is derived from the entities and is rebuilt from them: see `check`.
//!
//! # Why looking only at what changed gives the same reservations as the full loop
//!
//! The reference restarts a pass over all waiting tasks in global order after each reservation,
//! until a pass makes none. When it ends, no waiting task has an eligible worker. So before each
//! command nothing can be reserved, and what a command makes possible needs either a task that
//! was not waiting before in this form (its line is marked *dirty*) or a worker who gained
//! membership (the line is marked dirty) or room (the worker has *gained*). Every pair (task,
//! worker) that is eligible during settling therefore has a dirty line or a worker who gained; the
//! globally first task with an eligible worker is the best head among dirty lines and the waiting
//! lines that contain a worker with room who gained. Taking that head, reserving, and going on is
//! exactly the reference's loop. A reservation takes room away, which can make nothing else
//! eligible, unless an expression asks for load or activity: lines with such expressions are
//! marked dirty whenever a fact about one of their members changes.
//!
//! # Why that holds when settling is cut into portions
//!
//! The marks stay until what they stand for was tried, and a command between two portions only
//! adds marks. So the sentence above holds at every moment, not only at the end of a command: each
//! offer is the one the reference's loop would make next in the state as it is, and when no mark
//! is left no waiting task has an eligible worker. `agenda` walks the lines for those who gained
//! in order and remembers how far it came; a worker who gains later sends it back to the
//! beginning. After a restart in the middle every line with waiting tasks is marked: more marks
//! than needed change what is looked at, never what is found. A line whose queue has other members
//! is marked *stale* and dirty, and its own members are worked out when it is tried. What a setting
//! changed for many at once is done before any offer, see `prepare`.

mod agenda;
mod answers;
mod askers;
mod bitset;
mod check;
mod idle;
mod lines;
mod obstacle;
mod preference;
mod prepare;
mod ranks;
mod values;
mod wide;

pub(crate) use agenda::Next;
pub(crate) use askers::Asker;
pub(crate) use bitset::BitSet;
pub(crate) use idle::idle_key;
pub(crate) use lines::{Known, Line, LineKey, Order, Place, Who};
pub(crate) use obstacle::{Obstacle, at_worker};
pub(crate) use prepare::{Renewed, Reworked};

use crate::{map::Map, model::TaskQueueSid, state::WorkerState};
use base::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Lines with at most this many members are listed at each member; wider ones are bits. Keeps a
/// line for one person as small as it is.
const NARROW_MAX: usize = 32;

/// See the module.
#[derive(Default)]
pub(crate) struct Matching {
    lines: Vec<Option<Box<Line>>>,
    free: BTreeSet<u32>,
    by_key: BTreeMap<LineKey, u32>,
    by_queue: BTreeMap<Option<TaskQueueSid>, BTreeSet<u32>>,
    /// By queue: where its pending tasks stand.
    standing: Map<TaskQueueSid, ranks::Ranks>,
    pub(crate) askers: askers::Askers,
    agenda: agenda::Agenda,
    ahead: prepare::Ahead,
    /// The wide lines by member.
    wide: wide::Wide,
    /// Lines without tasks, longest unused first.
    unused: BTreeSet<(u64, u32)>,
    stamp: u64,
    /// By channel slot: workers who may be offered a task now.
    ready: Vec<BitSet>,
    /// By channel slot: lines in which tasks wait.
    waiting: Vec<BitSet>,
    /// Lines with waiting tasks whose members change without their attributes.
    volatile: BitSet,
    /// Those of them whose expression asks for the time.
    timed: BTreeSet<u32>,
    /// Those of them whose expression asks for opening hours.
    scheduled: BTreeSet<u32>,
    /// When the tasks in timed lines are tried again.
    retry_at: Timestamp,
    /// By channel slot: ready workers, longest idle first. Built when first wanted.
    idle: Vec<Option<BTreeSet<idle::IdleKey>>>,
    /// By worker slot: the idle measure, close together for scans.
    idle_since: Vec<Timestamp>,
    all: BitSet,
    /// Workers in an available activity.
    available: BitSet,
    /// By channel slot: workers who have the channel closed.
    closed: Vec<BitSet>,
    tests: answers::Answers,
    values: values::ValueIndex,
    preferences: preference::Preferences,
    /// What `choose` found last: kept to be filled again.
    pub(crate) chosen: Vec<u32>,
}

impl Matching {
    /// Slots come from sets and maps kept here, so the line is there.
    pub(crate) fn line(&self, line: u32) -> &Line {
        self.lines[line as usize].as_deref().expect("a line in use is there")
    }

    fn line_mut(&mut self, line: u32) -> &mut Line {
        self.lines[line as usize].as_deref_mut().expect("a line in use is there")
    }

    pub(crate) fn has_lines(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_key.values().copied()
    }

    pub(crate) fn ready(&self, channel: usize) -> &BitSet {
        static NOBODY: BitSet = BitSet::new();
        self.ready.get(channel).unwrap_or(&NOBODY)
    }

    /// Everybody.
    pub(crate) fn everybody(&self) -> &BitSet {
        &self.all
    }

    /// Workers in an available activity.
    pub(crate) fn available(&self) -> &BitSet {
        &self.available
    }

    /// Workers who have the channel closed.
    pub(crate) fn closed(&self, channel: usize) -> &BitSet {
        static NOBODY: BitSet = BitSet::new();
        self.closed.get(channel).unwrap_or(&NOBODY)
    }

    /// Room for one more channel.
    pub(crate) fn reserve_channels(&mut self, channels: usize) {
        self.ready.resize_with(channels, BitSet::default);
        self.closed.resize_with(channels, BitSet::default);
        self.waiting.resize_with(channels, BitSet::default);
        self.idle.resize_with(channels, || None);
    }

    /// The tasks of a line, if any wait, are tried again.
    pub(crate) fn mark_line(&mut self, line: u32) {
        let state = self.lines[line as usize].as_deref_mut().expect("a line in use is there");
        let Some((place, _)) = state.head() else { return };
        if !state.is_dirty {
            state.is_dirty = true;
            self.agenda.set_dirty(state.order.group(), (place, line), true);
        }
    }

    /// Whether the tasks of a line are to be tried again.
    pub(crate) fn is_marked(&self, line: u32) -> bool {
        self.line(line).is_dirty
    }

    /// A worker gained room.
    pub(crate) fn mark_worker(&mut self, slot: u32) {
        self.agenda.gain(slot);
    }

    /// Lines with waiting tasks whose expression asks for the time.
    pub(crate) fn mark_timed(&mut self) {
        for line in self.timed.clone() {
            self.mark_line(line);
        }
    }

    /// Lines with waiting tasks whose expression asks for opening hours.
    pub(crate) fn mark_scheduled(&mut self) {
        for line in self.scheduled.clone() {
            self.mark_line(line);
        }
    }

    /// When timed lines are tried again, if there are any.
    pub(crate) fn next_retry(&self) -> Option<Timestamp> {
        (!self.timed.is_empty()).then_some(self.retry_at)
    }

    /// They were tried again.
    pub(crate) fn retry_after(&mut self, at: Timestamp) {
        self.retry_at = crate::deadlines::next_minute(at);
    }

    /// Lines whose members depend on load or activity, after a fact about this worker changed.
    pub(crate) fn mark_volatile(&mut self, worker: &WorkerState) {
        if self.volatile.is_empty() {
            return;
        }
        let wide = self.wide.of_among(worker.slot, &self.volatile);
        let narrow = worker.narrow.iter().copied().filter(|line| self.volatile.contains(*line));
        for line in wide.chain(narrow).collect::<Vec<_>>() {
            self.mark_line(line);
        }
    }

    /// All of them, after a fact about many workers changed.
    pub(crate) fn mark_all_volatile(&mut self) {
        for line in self.volatile.iter().collect::<Vec<_>>() {
            self.mark_line(line);
        }
    }

    /// The lines a worker is in.
    pub(crate) fn lines_with(&self, worker: &WorkerState) -> Vec<u32> {
        self.wide.of(worker.slot).chain(worker.narrow.iter().copied()).collect()
    }

    /// The order of idleness by slot; for scans.
    fn since(&self, slot: u32) -> Timestamp {
        self.idle_since[slot as usize]
    }
}
