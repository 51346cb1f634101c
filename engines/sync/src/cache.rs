//! What of a bucket is in memory: some of it, bounded, and what is known not to be there.
//!
//! * A key that is not held says nothing; a key that is held as absent says that there is nothing.
//! * Only what is durable leaves: whatever was changed after the last durable change stays, because
//!   a row read back now would be older.
//! * Who was used since it was last looked at gets another round; nothing is sorted by time.

use crate::{
    model::*,
    rows::{Entity, Key},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// How much of a bucket stays in memory; what a turn touches comes on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Entities, absent ones included.
    pub entities: usize,
    /// Bytes of values, keys and names.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entities: 8_192, bytes: 4 << 20 }
    }
}

/// What there is at a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Absent,
    Name(ObjectSid),
    Object(Arc<Object>),
    Item(Arc<Item>),
    Permission(Rights),
}

#[derive(Debug)]
struct Held {
    slot: Slot,
    is_used: bool,
    /// Which change of this engine last wrote it, from 1; 0 for none.
    changed: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Cache {
    held: BTreeMap<Key, Held>,
    /// Every key that is held, once.
    round: VecDeque<Key>,
    bytes: usize,
}

impl Cache {
    pub(crate) const fn new() -> Self {
        Self { held: BTreeMap::new(), round: VecDeque::new(), bytes: 0 }
    }

    /// What there is; `None` when that is not known here.
    pub(crate) fn get(&mut self, key: &Key) -> Option<&Slot> {
        let held = self.held.get_mut(key)?;
        held.is_used = true;
        Some(&held.slot)
    }

    /// The same, for looking only.
    pub(crate) fn peek(&self, key: &Key) -> Option<&Slot> {
        self.held.get(key).map(|held| &held.slot)
    }

    pub(crate) fn knows(&self, key: &Key) -> bool {
        self.held.contains_key(key)
    }

    /// Takes in what a row says. What is held already is newer.
    pub(crate) fn page_in(&mut self, key: Key, slot: Slot) {
        if !self.knows(&key) {
            self.insert(key, slot, 0);
        }
    }

    /// What there is from the engine's change of this number on.
    pub(crate) fn put(&mut self, key: Key, slot: Slot, changed: u64) {
        if let Some(held) = self.held.get_mut(&key) {
            self.bytes = self.bytes + weight(&slot) - weight(&held.slot);
            *held = Held { slot, is_used: true, changed };
        } else {
            self.insert(key, slot, changed);
        }
    }

    fn insert(&mut self, key: Key, slot: Slot, changed: u64) {
        self.bytes += weight(&slot) + key.weight();
        self.round.push_back(key.clone());
        self.held.insert(key, Held { slot, is_used: true, changed });
    }

    /// Lets go of what was not used lately until the rest is within bounds, or everything was
    /// looked at twice. Tells what it let go of.
    pub(crate) fn page_out(
        &mut self,
        bounds: Bounds,
        durable: u64,
        mut gone: impl FnMut(&Key, &Slot),
    ) {
        let mut looks = 2 * self.round.len();
        while looks > 0 && (self.held.len() > bounds.entities || self.bytes > bounds.bytes) {
            looks -= 1;
            let Some(key) = self.round.pop_front() else { return };
            let held = self.held.get_mut(&key).expect("what is in the round is held");
            if held.is_used || held.changed > durable {
                held.is_used = false;
                self.round.push_back(key);
                continue;
            }
            let held = self.held.remove(&key).expect("it was just there");
            self.bytes -= weight(&held.slot) + key.weight();
            gone(&key, &held.slot);
        }
    }

    /// Everything that is held, in order of keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Slot)> {
        self.held.iter().map(|(key, held)| (key, &held.slot))
    }

    /// The objects that are held.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        let objects = self.held.range(Key::first_object()..).map(|(key, held)| (key, &held.slot));
        objects.take_while(|(key, _)| matches!(key, Key::Object(_))).filter_map(|(_, slot)| {
            match slot {
                Slot::Object(object) => Some(object),
                _ => None,
            }
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Panics when the sums are not those of what is held.
    pub(crate) fn check(&self) {
        let bytes: usize = self.iter().map(|(key, slot)| key.weight() + weight(slot)).sum();
        assert_eq!(bytes, self.bytes, "bytes in memory");
        assert_eq!(self.round.len(), self.held.len(), "each key once in the round");
        assert!(self.round.iter().all(|key| self.knows(key)), "the round names what is held");
    }
}

/// Bytes that a slot keeps beside its fixed parts.
fn weight(slot: &Slot) -> usize {
    match slot {
        Slot::Absent | Slot::Name(_) | Slot::Permission(_) => 0,
        Slot::Object(object) => object.data.as_ref().map_or(0, crate::Payload::size),
        Slot::Item(item) => item.data.size(),
    }
}

impl From<Option<Entity>> for Slot {
    fn from(entity: Option<Entity>) -> Self {
        match entity {
            None => Self::Absent,
            Some(Entity::Name(sid)) => Self::Name(sid),
            Some(Entity::Object(object)) => Self::Object(object),
            Some(Entity::Item(item)) => Self::Item(item),
            Some(Entity::Permission(rights)) => Self::Permission(rights),
        }
    }
}
