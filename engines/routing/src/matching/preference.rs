//! The workers in the order that an `order_by` asks for, so that the first of many eligible ones
//! are found without sorting all of them at each offer.
//!
//! * Workers about whom the clauses see the same are one group; within a group idleness decides.
//! * A worker is placed when he first is eligible: placing all of them takes too long for one call.
//! * Bounded: the order that was wanted least recently goes first.

use super::{BitSet, Matching};
use crate::{
    limits::CACHED_ORDERS_MAX,
    state::{Channels, WorkerState, Workers},
    workflow::{OrderBy, Preferred},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// See the module.
#[derive(Default)]
pub(super) struct Preferences {
    /// By the text of `order_by`.
    by_text: BTreeMap<Arc<str>, Preference>,
    clock: u64,
}

struct Preference {
    by: Arc<OrderBy>,
    /// Slots, sorted.
    groups: BTreeMap<Preferred, Vec<u32>>,
    /// Who is in a group.
    placed: BitSet,
    wanted_at: u64,
}

impl Preference {
    fn new(by: &Arc<OrderBy>) -> Self {
        let (groups, placed) = (BTreeMap::new(), BitSet::new());
        Self { by: Arc::clone(by), groups, placed, wanted_at: 0 }
    }

    fn place(&mut self, worker: &WorkerState) {
        self.placed.insert(worker.slot);
        let slots = self.groups.entry(self.by.preferred(&worker.value)).or_default();
        if let Err(at) = slots.binary_search(&worker.slot) {
            slots.insert(at, worker.slot);
        }
    }

    /// Forgets a worker who was placed with these attributes.
    fn displace(&mut self, slot: u32, value: &Value) {
        if !self.placed.remove(slot) {
            return;
        }
        let key = self.by.preferred(value);
        if let Some(slots) = self.groups.get_mut(&key) {
            slots.retain(|other| *other != slot);
            if slots.is_empty() {
                self.groups.remove(&key);
            }
        }
    }
}

impl Preferences {
    fn of(&mut self, by: &Arc<OrderBy>) -> &mut Preference {
        self.clock += 1;
        if !self.by_text.contains_key(by.text()) {
            if self.by_text.len() >= CACHED_ORDERS_MAX {
                let oldest = self.by_text.iter().min_by_key(|(_, one)| one.wanted_at);
                let oldest = oldest.map(|(text, _)| Arc::clone(text));
                oldest.iter().for_each(|text| _ = self.by_text.remove(text));
            }
            self.by_text.insert(by.text().into(), Preference::new(by));
        }
        let found = self.by_text.get_mut(by.text()).expect("it is there now");
        found.wanted_at = self.clock;
        found
    }

    /// A worker has other attributes than these, or is gone.
    pub(super) fn displace(&mut self, slot: u32, before: &Value) {
        self.by_text.values_mut().for_each(|one| one.displace(slot, before));
    }

    /// Panics if an order is not the workers'.
    pub(super) fn check(&self, workers: &Workers) {
        for (text, kept) in &self.by_text {
            let mut wanted = Preference::new(&kept.by);
            kept.placed.iter().for_each(|slot| wanted.place(workers.at(slot)));
            assert_eq!(kept.groups, wanted.groups, "workers by {text}");
        }
    }
}

impl Matching {
    /// Finds the first `most` members of a line with room who pass: by `order_by`, then longest
    /// idle first.
    pub(crate) fn preferred(
        &mut self,
        workers: &Workers,
        channels: &Channels,
        (line, by): (u32, &Arc<OrderBy>),
        most: usize,
        passes: &dyn Fn(u32) -> bool,
        found: &mut Vec<u32>,
    ) {
        let mut preferences = std::mem::take(&mut self.preferences);
        let line = self.line(line);
        let ready = self.ready(line.key.channel);
        let fits = |slot: &u32| line.members.contains(*slot) && ready.contains(*slot);
        let preference = preferences.of(by);
        let new: Vec<u32> = line.members.both_but(ready, &preference.placed).collect();
        new.into_iter().for_each(|slot| preference.place(workers.at(slot)));
        for slots in preference.groups.values() {
            let equals: Vec<u32> = slots.iter().copied().filter(fits).collect();
            let passing = equals.into_iter().filter(|slot| passes(*slot));
            let left = most - found.len();
            self.longest_idle(workers, channels, line.key.channel, left, passing, found);
            if found.len() == most {
                break;
            }
        }
        self.preferences = preferences;
    }
}
