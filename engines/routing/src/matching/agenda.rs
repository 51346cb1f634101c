//! What settling still has to look at, best first, and where it stands.
//!
//! * `heads` holds every line in which tasks wait, in the order in which tasks are served, so the
//!   next line for a worker is found without looking at all of that worker's.
//! * `dirty` holds the lines in which a task began to wait or a worker became a member.
//! * `gained` holds the workers who gained room; every line before `tried` was tried for all of
//!   them. Who gains room sends `tried` back to the beginning.
//! * All of it stays as it is between two portions of one settling, whatever commands come.

use super::{BitSet, Matching, Place};
use crate::{
    model::TaskOrder,
    state::{WorkerState, Workers},
};
use std::collections::BTreeSet;

/// A line by the task at its head.
pub(super) type Head = (Place, u32);

/// A line's place among all lines: those of the kind of queue that is served first come first.
pub(crate) type Standing = (u8, Place, u32);

/// See the module.
#[derive(Default)]
pub(super) struct Agenda {
    heads: [BTreeSet<Head>; 2],
    dirty: [BTreeSet<Head>; 2],
    gained: BitSet,
    /// The same, while they are few.
    few: Vec<u32>,
    are_many: bool,
    tried: Option<Standing>,
}

/// What to try next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The line with the best head of those that may have somebody.
    Line(Standing),
    /// No offer can be made.
    Nothing,
    /// The steps allowed were used up in looking.
    OutOfSteps,
}

/// Up to this many workers are asked one by one for their next line.
const FEW: usize = 16;
/// Up to this many lines of one worker are compared; more are met sooner by walking all heads.
const FEW_LINES: usize = 64;
/// How far heads are walked for one worker before comparing all lines of that worker after all.
const WALK: usize = 1_024;

const fn kind(order: TaskOrder) -> usize {
    match order {
        TaskOrder::Fifo => 0,
        TaskOrder::Lifo => 1,
    }
}

impl Agenda {
    /// The head of a line is another one.
    pub(super) fn reseat(
        &mut self,
        (line, order): (u32, TaskOrder),
        (before, after): (Option<Place>, Option<Place>),
        is_dirty: bool,
    ) {
        if before == after {
            return;
        }
        let sets = [Some(&mut self.heads[kind(order)]), None];
        let dirty = is_dirty.then_some(&mut self.dirty[kind(order)]);
        for set in sets.into_iter().chain([dirty]).flatten() {
            before.iter().for_each(|place| _ = set.remove(&(*place, line)));
            after.iter().for_each(|place| _ = set.insert((*place, line)));
        }
    }

    pub(super) fn set_dirty(&mut self, order: TaskOrder, head: Head, is_dirty: bool) {
        let dirty = &mut self.dirty[kind(order)];
        match is_dirty {
            true => _ = dirty.insert(head),
            false => _ = dirty.remove(&head),
        }
    }

    pub(super) fn gain(&mut self, slot: u32) {
        if self.gained.insert(slot) && !self.are_many {
            self.few.push(slot);
            self.are_many = self.few.len() > FEW;
        }
        self.tried = None;
    }

    pub(super) fn forget_worker(&mut self, slot: u32) {
        self.gained.remove(slot);
        self.few.retain(|few| *few != slot);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.dirty.iter().all(BTreeSet::is_empty) && self.has_nobody()
    }

    fn has_nobody(&self) -> bool {
        self.few.is_empty() && !self.are_many
    }

    fn forget_gained(&mut self) {
        if self.has_nobody() {
            return;
        }
        self.few.clear();
        self.are_many = false;
        self.gained.clear();
        self.tried = None;
    }

    /// Everything is tried from the beginning: the order of kinds changed.
    pub(super) fn restart(&mut self) {
        self.tried = None;
    }

    /// Takes the marks from all dirty lines.
    pub(super) fn take_dirty(&mut self) -> Vec<u32> {
        self.forget_gained();
        let lines = self.dirty.iter_mut().flat_map(std::mem::take);
        lines.map(|(_, line)| line).collect()
    }

    pub(super) fn all_heads(&self) -> impl Iterator<Item = u32> + '_ {
        self.heads.iter().flatten().map(|(_, line)| *line)
    }

    pub(super) fn heads_of(&self, order: TaskOrder) -> &BTreeSet<Head> {
        &self.heads[kind(order)]
    }

    pub(super) fn dirty_of(&self, order: TaskOrder) -> &BTreeSet<Head> {
        &self.dirty[kind(order)]
    }
}

/// The kinds in the order in which they are served.
const fn kinds(first: TaskOrder) -> [TaskOrder; 2] {
    match first {
        TaskOrder::Fifo => [TaskOrder::Fifo, TaskOrder::Lifo],
        TaskOrder::Lifo => [TaskOrder::Lifo, TaskOrder::Fifo],
    }
}

impl Matching {
    /// The best line that may have somebody now; looking costs steps.
    pub(crate) fn next(&mut self, workers: &Workers, first: TaskOrder, steps: &mut i64) -> Next {
        let dirty = kinds(first).into_iter().zip(0..).find_map(|(order, group)| {
            let (place, line) = self.agenda.dirty_of(order).first()?;
            Some((group, *place, *line))
        });
        if self.agenda.has_nobody() {
            return dirty.map_or(Next::Nothing, Next::Line);
        }
        let met = match self.agenda.are_many {
            true => self.sweep(first, dirty, steps),
            false => self.next_of_few(workers, first),
        };
        match (dirty, met) {
            (_, Next::OutOfSteps) => Next::OutOfSteps,
            (None, Next::Nothing) => {
                self.agenda.forget_gained();
                Next::Nothing
            }
            (Some(dirty), Next::Nothing) => Next::Line(dirty),
            (None, met) => met,
            (Some(dirty), Next::Line(met)) => Next::Line(dirty.min(met)),
        }
    }

    /// Nobody could be offered the head of that line.
    pub(crate) fn tried(&mut self, at: Standing) {
        let (_, place, line) = at;
        let state = self.line_mut(line);
        if state.is_dirty {
            state.is_dirty = false;
            let order = state.order.group();
            self.agenda.set_dirty(order, (place, line), false);
        }
        if !self.agenda.has_nobody() {
            // It was the best of all, so no line between is one of those who gained room.
            self.agenda.tried = self.agenda.tried.max(Some(at));
        }
    }

    /// Whether a line has one of those who gained room, who can be offered its tasks.
    fn is_next_of_gained(&self, (_, _, line): Standing) -> bool {
        let state = self.line(line);
        let gained = &self.agenda.gained;
        match state.ignores_capacity() {
            true => state.members.both(gained).next().is_some(),
            false => state.members.meet(self.ready(state.key.channel), gained),
        }
    }

    fn fits(&self, line: u32, slot: u32) -> bool {
        let state = self.line(line);
        state.members.contains(slot)
            && (state.ignores_capacity() || self.ready(state.key.channel).contains(slot))
    }

    /// Walks the heads for many workers at once. What is behind the best dirty line can wait.
    fn sweep(&mut self, first: TaskOrder, dirty: Option<Standing>, steps: &mut i64) -> Next {
        let mut at = self.agenda.tried;
        for (order, group) in kinds(first).into_iter().zip(0u8..) {
            if at.is_some_and(|(done, ..)| done > group) {
                continue;
            }
            loop {
                let from = at.filter(|(done, ..)| *done == group);
                let Some((place, line)) = self.after(order, from) else { break };
                let standing = (group, place, line);
                if dirty.is_some_and(|dirty| dirty <= standing) {
                    return Next::Nothing;
                }
                *steps -= 1;
                if self.is_next_of_gained(standing) {
                    return Next::Line(standing);
                }
                at = Some(standing);
                self.agenda.tried = at;
                if *steps <= 0 {
                    return Next::OutOfSteps;
                }
            }
        }
        Next::Nothing
    }

    fn after(&self, order: TaskOrder, from: Option<Standing>) -> Option<Head> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = from.map_or(Unbounded, |(_, place, line)| Excluded((place, line)));
        self.agenda.heads_of(order).range((start, Unbounded)).next().copied()
    }

    fn next_of_few(&mut self, workers: &Workers, first: TaskOrder) -> Next {
        let mut few = std::mem::take(&mut self.agenda.few);
        few.retain(|slot| {
            let has_room = self.ready.iter().any(|ready| ready.contains(*slot));
            if !has_room {
                self.agenda.gained.remove(*slot);
            }
            has_room
        });
        let best = few.iter().filter_map(|slot| self.next_of(workers.at(*slot), first)).min();
        self.agenda.few = few;
        best.map_or(Next::Nothing, Next::Line)
    }

    /// The best line not yet tried whose tasks a worker can be offered.
    fn next_of(&self, worker: &WorkerState, first: TaskOrder) -> Option<Standing> {
        if self.lines_of(worker).nth(FEW_LINES).is_some()
            && let Some(met) = self.walk_heads(worker, first)
        {
            return met;
        }
        let standings = self.lines_of(worker).filter_map(|line| self.standing(line, first));
        standings.filter(|at| self.agenda.tried.is_none_or(|tried| *at > tried)).min()
    }

    /// `None` if that worker was not met within the steps allowed.
    fn walk_heads(&self, worker: &WorkerState, first: TaskOrder) -> Option<Option<Standing>> {
        use std::ops::Bound::{Excluded, Unbounded};
        let mut left = WALK;
        for (order, group) in kinds(first).into_iter().zip(0u8..) {
            let start = match self.agenda.tried {
                Some((done, ..)) if done > group => continue,
                Some((done, place, line)) if done == group => Excluded((place, line)),
                _ => Unbounded,
            };
            for (place, line) in self.agenda.heads_of(order).range((start, Unbounded)) {
                if self.fits(*line, worker.slot) {
                    return Some(Some((group, *place, *line)));
                }
                left -= 1;
                if left == 0 {
                    return None;
                }
            }
        }
        Some(None)
    }

    fn standing(&self, line: u32, first: TaskOrder) -> Option<Standing> {
        let state = self.line(line);
        let (place, _) = state.head()?;
        Some((u8::from(state.order.group() != first), place, line))
    }

    /// The lines with waiting tasks that a worker is in, on channels with room.
    fn lines_of<'a>(&'a self, worker: &'a WorkerState) -> impl Iterator<Item = u32> + 'a {
        let open = self.waiting.iter().zip(&self.ready);
        let open = open.filter(|(_, ready)| ready.contains(worker.slot));
        let wide = open.flat_map(|(waiting, _)| self.wide.of_among(worker.slot, waiting));
        let narrow = worker.narrow.iter().copied().filter(|line| {
            self.waiting.iter().any(|waiting| waiting.contains(*line))
                && self.fits(*line, worker.slot)
        });
        wide.chain(narrow)
    }

    /// Forgets what was marked: nothing can be offered, or everything will be tried.
    pub(crate) fn take_dirty(&mut self) {
        for line in self.agenda.take_dirty() {
            self.line_mut(line).is_dirty = false;
        }
    }

    /// The lines that are to be tried because of what happened to them.
    pub(crate) fn dirty_lines(&self) -> Vec<u32> {
        self.agenda.dirty.iter().flatten().map(|(_, line)| *line).collect()
    }

    /// Every line with waiting tasks is tried again: after a restart in the middle of settling.
    pub(crate) fn mark_everything(&mut self) {
        for line in self.agenda.all_heads().collect::<Vec<_>>() {
            self.mark_line(line);
        }
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.agenda.is_empty() && self.is_prepared()
    }

    /// Another kind of queue is served first.
    pub(crate) fn forget_tried(&mut self) {
        self.agenda.restart();
    }
}
