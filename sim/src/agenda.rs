//! Virtual time and what happens when. One thread, one order: equal times run in the order in which
//! they were put down.

use crate::{faults::Mishap, machine};
use base::{Millis, Timestamp};
use std::collections::BTreeMap;

/// Something that is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// In a machine, unless it has crashed meanwhile.
    Machine(u32, machine::Due),
    /// An actor looks what there is to do.
    Actor(usize),
    /// Something goes wrong, or is put right.
    Mishap(Mishap),
    /// The truths are compared.
    Compare,
    /// Liveness is looked at.
    Look,
}

/// What is to happen, in order.
#[derive(Debug)]
pub(crate) struct Agenda {
    now: Timestamp,
    /// Things that happened at this instant.
    at_once: u32,
    next: u64,
    entries: BTreeMap<(Timestamp, u64), What>,
}

/// More than this at one instant is a circle.
const AT_ONCE_MAX: u32 = 20_000;

impl Agenda {
    /// Nothing to do yet.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { now, at_once: 0, next: 0, entries: BTreeMap::new() }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether things go round in a circle.
    pub(crate) fn stands_still(&self) -> bool {
        self.at_once > AT_ONCE_MAX
    }

    /// So many milliseconds from now.
    pub(crate) fn after(&self, ms: i64) -> Timestamp {
        self.now + Millis(ms)
    }

    /// Puts something down.
    pub(crate) fn at(&mut self, at: Timestamp, what: What) {
        self.entries.insert((at.max(self.now), self.next), what);
        self.next += 1;
    }

    /// Puts something of a machine down, so many milliseconds from now.
    pub(crate) fn machine(&mut self, incarnation: u32, ms: i64, due: machine::Due) {
        self.machine_at(incarnation, self.after(ms), due);
    }

    /// Puts something of a machine down.
    pub(crate) fn machine_at(&mut self, incarnation: u32, at: Timestamp, due: machine::Due) {
        self.at(at, What::Machine(incarnation, due));
    }

    /// Forgets what was to go wrong or be put right.
    pub(crate) fn drop_mishaps(&mut self) {
        self.entries.retain(|_, what| !matches!(what, What::Mishap(_)));
    }

    /// Forgets everything but what machines do by themselves.
    pub(crate) fn drop_people(&mut self) {
        self.entries.retain(|_, what| matches!(what, What::Machine(..)));
    }

    /// The next thing up to `end`; time moves to it, or to `end` when there is none.
    pub(crate) fn take(&mut self, end: Timestamp) -> Option<What> {
        let entry = self.entries.first_entry().filter(|entry| entry.key().0 <= end);
        match entry {
            Some(entry) => {
                let at = entry.key().0;
                self.at_once = if at == self.now { self.at_once + 1 } else { 0 };
                self.now = at;
                Some(entry.remove())
            }
            None => {
                self.now = self.now.max(end);
                None
            }
        }
    }
}
