//! Which queues and lines ask about which attribute, so that a worker who changes is asked again
//! by those only whose answer can change.
//!
//! * A queue or line is found by each value its tests look for, or, where a test looks for no
//!   certain value, by the attribute alone. Those found are too many rather than too few.
//! * For a worker without attributes and without a name, `yes` holds the queues that say yes.

use super::lines::{Known, Who};
use crate::{model::*, state::WorkerState};
use expr::{Node, Path, ScalarKey, WorkerField, scalars_at};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asker {
    /// The expression of a queue.
    Queue(TaskQueueSid),
    /// What a line asks beyond membership of its queue.
    Line(u32),
}

/// See the module.
#[derive(Default)]
pub(crate) struct Askers {
    by_path: BTreeMap<Path, OfPath>,
    /// By SID, or by name in lower case.
    by_name: BTreeMap<Box<str>, BTreeSet<Asker>>,
    yes: BTreeSet<TaskQueueSid>,
}

#[derive(Default)]
struct OfPath {
    by_value: BTreeMap<ScalarKey, BTreeSet<Asker>>,
    of_any: BTreeSet<Asker>,
}

impl OfPath {
    fn is_empty(&self) -> bool {
        self.by_value.is_empty() && self.of_any.is_empty()
    }
}

impl Askers {
    pub(crate) fn add_queue(&mut self, queue: TaskQueueSid, node: &Node) {
        self.note(Asker::Queue(queue), node, true);
        if says_yes_to_nothing(node) {
            self.yes.insert(queue);
        }
    }

    pub(crate) fn remove_queue(&mut self, queue: TaskQueueSid, node: &Node) {
        self.note(Asker::Queue(queue), node, false);
        self.yes.remove(&queue);
    }

    pub(super) fn add_line(&mut self, line: u32, who: &Who) {
        self.note_who(line, who, true);
    }

    pub(super) fn remove_line(&mut self, line: u32, who: &Who) {
        self.note_who(line, who, false);
    }

    fn note_who(&mut self, line: u32, who: &Who, asks: bool) {
        let asker = Asker::Line(line);
        match who {
            Who::Direct { worker, .. } | Who::Known(Known::Sid(worker), _) => {
                self.note_name(asker, &worker.to_string(), asks);
            }
            Who::Known(Known::FriendlyName(name), _) => {
                self.note_name(asker, &name.to_lowercase(), asks);
            }
            // Whom a transfer passes over stays the same, whatever becomes of the worker.
            Who::Known(Known::Nobody, _) | Who::Members(_) | Who::Transfer(_) => {}
        }
        if let Some(bound) = who.bound() {
            self.note(asker, bound.node(), asks);
        }
    }

    fn note_name(&mut self, asker: Asker, name: &str, asks: bool) {
        if asks {
            self.by_name.entry(name.into()).or_default().insert(asker);
        } else if let Some(askers) = self.by_name.get_mut(name) {
            askers.remove(&asker);
            if askers.is_empty() {
                self.by_name.remove(name);
            }
        }
    }

    fn note(&mut self, asker: Asker, node: &Node, asks: bool) {
        match node {
            Node::Always(_) => {}
            Node::Test(test) => match test.lookup() {
                Some(lookup) => {
                    let keys = lookup.keys();
                    keys.into_iter()
                        .for_each(|key| self.note_path(asker, lookup.path(), Some(key), asks));
                }
                None => test.paths().for_each(|path| self.note_path(asker, path, None, asks)),
            },
            Node::Volatile(test) => {
                if let Some((WorkerField::Sid | WorkerField::FriendlyName, texts)) = test.named() {
                    for text in texts {
                        self.note_name(asker, text, asks);
                        self.note_name(asker, &text.to_lowercase(), asks);
                    }
                }
            }
            Node::Not(inner) => self.note(asker, inner, asks),
            Node::And(parts) | Node::Or(parts) => {
                parts.iter().for_each(|part| self.note(asker, part, asks));
            }
        }
    }

    fn note_path(&mut self, asker: Asker, path: &Path, key: Option<ScalarKey>, asks: bool) {
        if asks {
            let of_path = match self.by_path.get_mut(path) {
                Some(of_path) => of_path,
                None => self.by_path.entry(path.clone()).or_default(),
            };
            match key {
                Some(key) => of_path.by_value.entry(key).or_default().insert(asker),
                None => of_path.of_any.insert(asker),
            };
            return;
        }
        let Some(of_path) = self.by_path.get_mut(path) else { return };
        match key {
            Some(key) => {
                if let Some(askers) = of_path.by_value.get_mut(&key) {
                    askers.remove(&asker);
                    if askers.is_empty() {
                        of_path.by_value.remove(&key);
                    }
                }
            }
            None => _ = of_path.of_any.remove(&asker),
        }
        if of_path.is_empty() {
            self.by_path.remove(path);
        }
    }

    /// Those whose answer can be another one once a worker's attributes are.
    pub(crate) fn of_change(&self, before: &Value, after: &Value) -> BTreeSet<Asker> {
        let mut found = BTreeSet::new();
        for (path, askers) in &self.by_path {
            if path.find(before) == path.find(after) {
                continue;
            }
            found.extend(&askers.of_any);
            let (old, new) = (scalars_at(path, before), scalars_at(path, after));
            let lost = old.iter().filter(|key| new.binary_search(key).is_err());
            let won = new.iter().filter(|key| old.binary_search(key).is_err());
            let sets = lost.chain(won).filter_map(|key| askers.by_value.get(key));
            sets.for_each(|set| found.extend(set));
        }
        found
    }

    /// Those who ask for a worker by SID or by one of its names.
    pub(crate) fn of_names(&self, worker: &WorkerState, other: &str) -> BTreeSet<Asker> {
        let sid = worker.worker.sid.to_string();
        let name = &worker.worker.friendly_name;
        let names = [&sid, name, &name.to_lowercase(), other, &other.to_lowercase()];
        names.into_iter().filter_map(|name| self.by_name.get(name)).flatten().copied().collect()
    }

    /// Those who may say yes to a worker who was not there before.
    pub(crate) fn of_new(&self, worker: &WorkerState) -> BTreeSet<Asker> {
        let mut found = self.of_change(&Value::Null, &worker.value);
        found.extend(self.of_names(worker, ""));
        found.extend(self.yes.iter().map(|queue| Asker::Queue(*queue)));
        found
    }
}

fn says_yes_to_nothing(node: &Node) -> bool {
    match node {
        Node::Always(answer) => *answer,
        Node::Test(test) => test.evaluate(&Value::Null),
        Node::Volatile(_) => true,
        Node::Not(inner) => inner.is_volatile() || !says_yes_to_nothing(inner),
        Node::And(parts) => parts.iter().all(says_yes_to_nothing),
        Node::Or(parts) => parts.iter().any(says_yes_to_nothing),
    }
}
