//! An index from the values of an attribute to the workers who have them.
//!
//! Answers equality, IN and HAS tests at the cost of the answer, so an expression that is new
//! with each task, because it names one person, costs nothing.

use super::BitSet;
use crate::{limits::INDEXED_PATHS_MAX, state::Workers};
use expr::{Lookup, Path, ScalarKey, WorkerTest, scalars_at};
use serde_json::Value;
use std::collections::BTreeMap;

/// By attribute, by value: slots, sorted.
#[derive(Default)]
pub(crate) struct ValueIndex(BTreeMap<Path, BTreeMap<ScalarKey, Vec<u32>>>);

impl ValueIndex {
    /// The workers for whom a test holds. Where it reads one attribute, it is asked once for each
    /// value of that, and for each worker whose value is no plain one.
    pub(super) fn answers(&mut self, test: &WorkerTest, workers: &Workers) -> BitSet {
        let holds = |slot: u32| test.evaluate(&workers.at(slot).value);
        let mut paths = test.paths();
        let (path, other) = (paths.next(), paths.next());
        let index = match (path, other) {
            (Some(path), None) => self.of(path, workers),
            _ => None,
        };
        let mut yes = BitSet::default();
        let mut asked = BitSet::default();
        let groups = index.into_iter().flatten().filter(|(key, _)| key.is_the_value());
        for (_, slots) in groups {
            let is = slots.first().is_some_and(|slot| holds(*slot));
            for slot in slots {
                asked.insert(*slot);
                yes.set(*slot, is);
            }
        }
        let rest = workers.iter().map(|worker| worker.slot).filter(|slot| !asked.contains(*slot));
        rest.filter(|slot| holds(*slot)).for_each(|slot| _ = yes.insert(slot));
        yes
    }

    /// The index of an attribute, made if need be; `None` if too many are indexed already.
    fn of(&mut self, path: &Path, workers: &Workers) -> Option<&BTreeMap<ScalarKey, Vec<u32>>> {
        if !self.0.contains_key(path) {
            if self.0.len() >= INDEXED_PATHS_MAX {
                return None;
            }
            let mut index = BTreeMap::new();
            workers.iter().for_each(|w| enter(&mut index, path, &w.value, w.slot));
            self.0.insert(path.clone(), index);
        }
        self.0.get(path)
    }

    /// The workers a look-up finds, sorted; `None` if too many attributes are indexed already.
    pub(super) fn find(&mut self, lookup: &Lookup<'_>, workers: &Workers) -> Option<Vec<u32>> {
        let index = self.of(lookup.path(), workers)?;
        let keys = lookup.keys();
        let mut found: Vec<u32> =
            keys.iter().filter_map(|key| index.get(key)).flatten().copied().collect();
        if keys.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
        Some(found)
    }

    /// A worker has other attributes, or is there only before or only after.
    pub(super) fn change(&mut self, slot: u32, before: Option<&Value>, after: Option<&Value>) {
        for (path, index) in &mut self.0 {
            let found = [before, after].map(|value| value.map(|value| path.find(value)));
            if found[0] == found[1] {
                continue;
            }
            if let Some(before) = before {
                leave(index, path, before, slot);
            }
            if let Some(after) = after {
                enter(index, path, after, slot);
            }
        }
    }
}

impl ValueIndex {
    /// Panics if the index is not what the workers make it.
    pub(super) fn check(&self, workers: &Workers) {
        for (path, index) in &self.0 {
            let mut wanted = BTreeMap::new();
            workers.iter().for_each(|w| enter(&mut wanted, path, &w.value, w.slot));
            assert_eq!(*index, wanted, "values of {path}");
        }
    }
}

fn enter(index: &mut BTreeMap<ScalarKey, Vec<u32>>, path: &Path, value: &Value, slot: u32) {
    for key in scalars_at(path, value) {
        let slots = index.entry(key).or_default();
        if let Err(at) = slots.binary_search(&slot) {
            slots.insert(at, slot);
        }
    }
}

fn leave(index: &mut BTreeMap<ScalarKey, Vec<u32>>, path: &Path, value: &Value, slot: u32) {
    for key in scalars_at(path, value) {
        let Some(slots) = index.get_mut(&key) else { continue };
        if let Ok(at) = slots.binary_search(&slot) {
            slots.remove(at);
        }
        if slots.is_empty() {
            index.remove(&key);
        }
    }
}
