//! The answers of all workers to a test, kept as bits, and the members of lines made of them.
//!
//! * Bounded: the test that was wanted least recently goes first.
//! * Tests that the value index answers are not kept here.

use super::values::ValueIndex;
use super::{
    BitSet, Matching,
    lines::{Known, LineKey, Who, could_take},
};
use crate::{
    limits::CACHED_TESTS_MAX,
    state::{WorkerState, Workers},
};
use expr::{Node, Path, WorkerField, WorkerTest};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Above this many workers it is cheaper to AND bits than to evaluate one by one.
const FEW: usize = 64;

/// See the module.
#[derive(Default)]
pub(crate) struct Answers {
    answers: BTreeMap<WorkerTest, (u64, BitSet)>,
    wanted: BTreeSet<(u64, WorkerTest)>,
    clock: u64,
}

impl Answers {
    fn get(&mut self, test: &WorkerTest, workers: &Workers, values: &mut ValueIndex) -> BitSet {
        self.clock += 1;
        let clock = self.clock;
        if let Some((wanted_at, bits)) = self.answers.get_mut(test) {
            self.wanted.remove(&(*wanted_at, test.clone()));
            *wanted_at = clock;
            self.wanted.insert((clock, test.clone()));
            return bits.clone();
        }
        let bits = values.answers(test, workers);
        self.answers.insert(test.clone(), (clock, bits.clone()));
        self.wanted.insert((clock, test.clone()));
        if self.answers.len() > CACHED_TESTS_MAX {
            let (_, oldest) = self.wanted.pop_first().expect("more than none");
            self.answers.remove(&oldest);
        }
        bits
    }

    fn refresh(&mut self, worker: &WorkerState, before: &Value) {
        for (test, (_, bits)) in &mut self.answers {
            let is_same = |path: &Path| path.find(before) == path.find(&worker.value);
            if *before != Value::Null && test.paths().all(is_same) {
                continue;
            }
            bits.set(worker.slot, test.evaluate(&worker.value));
        }
    }

    /// Panics if a cached answer is not the worker's.
    pub(super) fn check(&self, workers: &Workers) {
        for (test, (_, bits)) in &self.answers {
            let yes = workers.iter().filter(|worker| test.evaluate(&worker.value));
            let wanted: BitSet = yes.map(|worker| worker.slot).collect();
            assert_eq!(*bits, wanted, "answers to {test}");
        }
        assert_eq!(self.answers.len(), self.wanted.len(), "cached tests");
    }

    fn forget(&mut self, slot: u32) {
        for (_, bits) in self.answers.values_mut() {
            bits.remove(slot);
        }
    }
}

impl Matching {
    /// A worker is there, or has other attributes than `before`.
    pub(crate) fn learn_values(&mut self, worker: &WorkerState, before: &Value) {
        let is_new = self.all.insert(worker.slot);
        let before_it = (!is_new).then_some(before);
        self.values.change(worker.slot, before_it, Some(&worker.value));
        before_it.into_iter().for_each(|before| self.preferences.displace(worker.slot, before));
        self.tests.refresh(worker, if is_new { &Value::Null } else { before });
    }

    /// A worker is gone.
    pub(crate) fn forget_worker(&mut self, worker: &WorkerState) {
        let slot = worker.slot;
        self.values.change(slot, Some(&worker.value), None);
        self.preferences.displace(slot, &worker.value);
        self.all.remove(slot);
        self.tests.forget(slot);
        self.available.remove(slot);
        self.closed.iter_mut().for_each(|closed| _ = closed.remove(slot));
        self.agenda.forget_worker(slot);
        self.ahead.forget_worker(slot);
        self.ready.iter_mut().for_each(|ready| _ = ready.remove(slot));
    }

    /// Whether a worker belongs in a line.
    pub(crate) fn belongs(&self, line: u32, in_queue: bool, worker: &WorkerState) -> bool {
        let LineKey { who, resting, .. } = &self.line(line).key;
        let rests = resting.as_ref().is_some_and(|resting| resting.includes(worker.worker.sid));
        !rests && could_take(who, in_queue, worker)
    }

    /// The workers for whom a queue's expression holds.
    pub(crate) fn members_of_queue(&mut self, workers: &Workers, node: &Node) -> BitSet {
        let everybody = self.all.clone();
        self.narrowed(workers, node, everybody)
    }

    /// The members of a line, given its queue's.
    pub(super) fn members_of(
        &mut self,
        workers: &Workers,
        key: &LineKey,
        queue: &BitSet,
    ) -> BitSet {
        let members = self.asked_for(workers, &key.who, queue);
        match &key.resting {
            None => members,
            Some(resting) => {
                let rests = |slot: &u32| resting.includes(workers.at(*slot).worker.sid);
                members.iter().filter(|slot| !rests(slot)).collect()
            }
        }
    }

    fn asked_for(&mut self, workers: &Workers, who: &Who, queue: &BitSet) -> BitSet {
        let one = |slot: Option<u32>| {
            let fits = |slot: &u32| could_take(who, queue.contains(*slot), workers.at(*slot));
            slot.filter(fits).into_iter().collect()
        };
        match who {
            Who::Direct { worker, .. } | Who::Known(Known::Sid(worker), _) => {
                one(workers.slot(*worker))
            }
            Who::Known(Known::FriendlyName(name), _) => one(workers.slot_named(name)),
            Who::Known(Known::Nobody, _) => BitSet::default(),
            Who::Members(bound) => self.narrowed(workers, bound.node(), queue.clone()),
            Who::Transfer(passed_over) => {
                let mut members = queue.clone();
                let slots = passed_over.iter().filter_map(|sid| workers.slot(*sid));
                slots.for_each(|slot| _ = members.remove(slot));
                members
            }
        }
    }

    /// Those of `among` for whom the node holds (or may hold, where it is volatile).
    fn narrowed(&mut self, workers: &Workers, node: &Node, among: BitSet) -> BitSet {
        if let Some(few) = self.few(workers, node) {
            let holds = |slot: &u32| {
                let state = workers.at(*slot);
                among.contains(*slot) && super::lines::could_hold(node, &state.worker, &state.value)
            };
            return few.into_iter().filter(holds).collect();
        }
        let mut members = among;
        members.intersect(&self.holding(workers, node));
        members
    }

    /// A short list with everybody for whom the node can hold, if an index gives one.
    fn few(&mut self, workers: &Workers, node: &Node) -> Option<Vec<u32>> {
        match node {
            Node::Test(test) => {
                let found = self.values.find(&test.lookup()?, workers)?;
                (found.len() <= FEW).then_some(found)
            }
            Node::Volatile(test) => {
                let (field, texts) = test.named()?;
                let slot = |text: &&str| match field {
                    WorkerField::Sid => workers.slot(text.parse().ok()?),
                    _ => workers.slot_named(text),
                };
                matches!(field, WorkerField::Sid | WorkerField::FriendlyName)
                    .then(|| texts.iter().filter_map(slot).collect())
            }
            Node::And(parts) => parts.iter().find_map(|part| self.few(workers, part)),
            Node::Always(_) | Node::Not(_) | Node::Or(_) => None,
        }
    }

    fn holding(&mut self, workers: &Workers, node: &Node) -> BitSet {
        match node {
            Node::Always(true) => self.all.clone(),
            Node::Volatile(_) => {
                let all = self.all.clone();
                if self.few(workers, node).is_some() {
                    self.narrowed(workers, node, all)
                } else {
                    all
                }
            }
            Node::Always(false) => BitSet::default(),
            Node::Test(test) => match test.lookup() {
                Some(lookup) => match self.values.find(&lookup, workers) {
                    Some(found) => found.into_iter().collect(),
                    None => self.tests.get(test, workers, &mut self.values),
                },
                None => self.tests.get(test, workers, &mut self.values),
            },
            Node::Not(inner) if inner.is_volatile() => self.all.clone(),
            Node::Not(inner) => self.holding(workers, inner).complement(&self.all),
            Node::And(parts) => {
                let mut members = self.all.clone();
                parts.iter().for_each(|part| members.intersect(&self.holding(workers, part)));
                members
            }
            Node::Or(parts) => {
                let mut members = BitSet::default();
                parts.iter().for_each(|part| members.unite(&self.holding(workers, part)));
                members
            }
        }
    }
}
