//! Which objects are used how much: reads, writes and events told, over a sliding window.
//!
//! * Bounded: of each bucket at most [`PLACES`] objects are counted. One that is not among them
//!   takes the place of the coldest of a few; so what is hot stays, and of what is used once in a
//!   while nothing is promised.
//! * One count costs a lock of the object's bucket and a look into a table of that size: nothing is
//!   written, nothing grows, nobody waits for whoever looks at the whole.
//! * Counts are in memory alone and begin anew with each start. They hold no names and no values.
//!
//! Knows no rules: what the counts mean is said in [`crate::findings`].

use base::{Millis, Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use sync::{BUCKETS, Event, ObjectSid, Payload, Removal, ServiceSid, What};

/// Objects counted in each bucket.
const PLACES: usize = 256;
/// Those of which the coldest makes room.
const CANDIDATES: usize = 8;
/// What is counted together.
const SLOT_MS: i64 = 5_000;
/// Slots of the longest window, the one that is being left, and the one that is being filled.
const SLOTS: usize = 14;
/// The longest window.
pub const WINDOW_MAX: Millis = Millis(60_000);
/// A write of so many bytes counts as one: a larger one as several.
const BYTES_OF_A_WRITE: usize = 1 << 10;
/// As many as it counts at most.
const WRITES_OF_ONE_MAX: u32 = 10;

/// One for the whole host.
#[derive(Debug, Default)]
pub struct Heat {
    buckets: [Mutex<Table>; BUCKETS as usize],
}

/// What an object was used for in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Reads of it and its items; a page is one.
    pub reads_per_s: f64,
    /// Writes of it and its items, messages of a stream; not what expires.
    pub writes_per_s: f64,
    /// The same with large values counted as several, as documented rates do.
    pub weighed_per_s: f64,
    /// Events handed to followers, each as often as there were followers.
    pub events_per_s: f64,
    /// How often somebody began to follow it.
    pub follows_per_s: f64,
    /// Items it gained, those it lost taken off.
    pub growth_per_s: f64,
    /// Identities that wrote, of the last minute or two; beyond some tens, about.
    pub writers: u32,
}

impl Usage {
    /// What objects are ranked by.
    pub fn total_per_s(&self) -> f64 {
        self.reads_per_s + self.writes_per_s + self.events_per_s
    }
}

/// An object that was used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Used {
    /// Which.
    pub object: ObjectSid,
    /// Where it belongs.
    pub service: ServiceSid,
    /// How much.
    pub usage: Usage,
}

#[derive(Debug, Default)]
struct Table {
    places: HashMap<ObjectSid, usize>,
    entries: Vec<Entry>,
    hand: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    object: ObjectSid,
    service: ServiceSid,
    /// The slot that is being filled.
    newest: i64,
    slots: [Counts; SLOTS],
    /// One bit for each of 64 shares of all identities, in this minute and the one before.
    writers: [u64; 2],
    minute: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    reads: u32,
    writes: u32,
    weighed: u32,
    told: u32,
    follows: u32,
    growth: i32,
}

impl Heat {
    /// An object or something in it was read.
    pub fn read(&self, service: ServiceSid, object: ObjectSid, at: Timestamp) {
        self.count(service, object, at, |counts| counts.reads = counts.reads.saturating_add(1));
    }

    /// Somebody began to follow an object.
    pub(crate) fn followed(&self, service: ServiceSid, object: ObjectSid, at: Timestamp) {
        self.count(service, object, at, |counts| {
            counts.follows = counts.follows.saturating_add(1);
        });
    }

    /// Something happened to an object, and so many were told.
    pub(crate) fn happened(&self, event: &Event, told: usize) {
        let (written, growth) = match &event.what {
            What::ObjectCreated { data } => (Some(data.as_ref()), 0),
            What::DocumentUpdated { data } | What::MessagePublished { data, .. } => {
                (Some(Some(data)), 0)
            }
            What::ItemAdded(item) => (Some(Some(&item.data)), 1),
            What::ItemUpdated(item) => (Some(Some(&item.data)), 0),
            What::ItemRemoved { because: Removal::Deleted, .. } => (Some(None), -1),
            What::ItemRemoved { .. } => (None, -1),
            What::ObjectRemoved { .. } | What::PermissionChanged { .. } => return,
        };
        let told = u32::try_from(told).unwrap_or(u32::MAX);
        let mut table = self.table(event.object);
        let entry = table.entry(event.service, event.object, event.at);
        let counts = entry.now();
        counts.told = counts.told.saturating_add(told);
        counts.growth = counts.growth.saturating_add(growth);
        if let Some(data) = written {
            counts.writes = counts.writes.saturating_add(1);
            counts.weighed = counts.weighed.saturating_add(weight(data));
            entry.written_by(&event.by, event.at);
        }
    }

    /// What an object was used for in a window up to `now`.
    pub fn of(&self, object: ObjectSid, now: Timestamp, window: Millis) -> Usage {
        let table = self.table(object);
        let place = table.places.get(&object);
        place.map_or(Usage::default(), |place| table.entries[*place].usage(now, window))
    }

    /// Objects of a service that were used in a window up to `now`, the hottest first.
    pub fn hottest(&self, service: ServiceSid, now: Timestamp, window: Millis) -> Vec<Used> {
        let mut used = Vec::new();
        for bucket in &self.buckets {
            let table = lock(bucket);
            let own = table.entries.iter().filter(|entry| entry.service == service);
            used.extend(own.map(|entry| Used {
                object: entry.object,
                service,
                usage: entry.usage(now, window),
            }));
        }
        used.retain(|one| one.usage.total_per_s() > 0.0 || one.usage.follows_per_s > 0.0);
        used.sort_by(|one, other| {
            let by_total = other.usage.total_per_s().total_cmp(&one.usage.total_per_s());
            by_total.then_with(|| one.object.cmp(&other.object))
        });
        used
    }

    fn count(
        &self,
        service: ServiceSid,
        object: ObjectSid,
        at: Timestamp,
        count: impl FnOnce(&mut Counts),
    ) {
        count(self.table(object).entry(service, object, at).now());
    }

    fn table(&self, object: ObjectSid) -> MutexGuard<'_, Table> {
        lock(&self.buckets[usize::from(object.bucket().number())])
    }
}

impl Table {
    /// The object's place, at `at`.
    fn entry(&mut self, service: ServiceSid, object: ObjectSid, at: Timestamp) -> &mut Entry {
        let slot = at.0.div_euclid(SLOT_MS);
        let place = match self.places.get(&object) {
            Some(place) => *place,
            None => self.make_room(Entry::new(service, object, slot), slot),
        };
        let entry = &mut self.entries[place];
        entry.move_on(slot);
        entry
    }

    fn make_room(&mut self, entry: Entry, slot: i64) -> usize {
        let object = entry.object;
        let place = if self.entries.len() < PLACES {
            self.entries.push(entry);
            self.entries.len() - 1
        } else {
            let first = self.hand;
            self.hand = (first + CANDIDATES) % PLACES;
            let candidates = (0..CANDIDATES).map(|step| (first + step) % PLACES);
            let coldest = candidates.min_by_key(|place| self.entries[*place].warmth(slot));
            let place = coldest.expect("there are some");
            self.places.remove(&self.entries[place].object);
            self.entries[place] = entry;
            place
        };
        self.places.insert(object, place);
        place
    }
}

impl Entry {
    fn new(service: ServiceSid, object: ObjectSid, slot: i64) -> Self {
        let (slots, writers, minute) = ([Counts::default(); SLOTS], [0; 2], 0);
        Self { object, service, newest: slot, slots, writers, minute }
    }

    /// Empties what the window left; what comes late counts as now.
    fn move_on(&mut self, slot: i64) {
        let passed = slot.saturating_sub(self.newest).clamp(0, SLOTS as i64);
        for step in 0..passed {
            self.slots[index(slot - step)] = Counts::default();
        }
        self.newest = self.newest.max(slot);
    }

    fn now(&mut self) -> &mut Counts {
        &mut self.slots[index(self.newest)]
    }

    fn written_by(&mut self, identity: &str, at: Timestamp) {
        let minute = at.0.div_euclid(WINDOW_MAX.0);
        match minute - self.minute {
            ..=0 => {}
            1 => self.writers = [0, self.writers[0]],
            _ => self.writers = [0; 2],
        }
        self.minute = self.minute.max(minute);
        // FNV-1a, whose upper bits a last character hardly reaches: they are mixed once more.
        let hash = identity.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.writers[0] |= 1 << (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
    }

    /// How much it was used of late: what was longer ago counts less.
    fn warmth(&self, slot: i64) -> u64 {
        let of = |age: i64| {
            let at = slot - age;
            let is_held = at <= self.newest && at > self.newest - SLOTS as i64;
            let counts = if is_held { self.slots[index(at)] } else { Counts::default() };
            let sum = u64::from(counts.reads) + u64::from(counts.writes);
            (sum + u64::from(counts.follows)) << (SLOTS as i64 - age)
        };
        (0..SLOTS as i64).map(of).sum()
    }

    fn usage(&self, now: Timestamp, window: Millis) -> Usage {
        let window_ms = window.0.clamp(SLOT_MS, WINDOW_MAX.0);
        let (slot, into) = (now.0.div_euclid(SLOT_MS), now.0.rem_euclid(SLOT_MS));
        let mut sum = [0.0; 6];
        for age in 0..SLOTS as i64 - 1 {
            // Of the slot that the window is leaving, only a part is in it.
            let end = age * SLOT_MS + into;
            let part = (window_ms - (end - SLOT_MS).max(0)).min(SLOT_MS) as f64 / SLOT_MS as f64;
            let at = slot - age;
            let is_held = at <= self.newest && at > self.newest - SLOTS as i64;
            if part <= 0.0 || !is_held {
                continue;
            }
            let one = self.slots[index(at)];
            let counts = [one.reads, one.writes, one.weighed, one.told, one.follows].map(f64::from);
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += part * count);
            sum[5] += part * f64::from(one.growth);
        }
        let per_s = sum.map(|sum| sum * 1_000.0 / window_ms as f64);
        let [reads_per_s, writes_per_s, weighed_per_s, events_per_s, follows_per_s, growth_per_s] =
            per_s;
        let writers = self.writers(now);
        Usage {
            reads_per_s,
            writes_per_s,
            weighed_per_s,
            events_per_s,
            follows_per_s,
            growth_per_s,
            writers,
        }
    }

    /// Linear counting: of how many the bits are, most likely.
    fn writers(&self, now: Timestamp) -> u32 {
        let of = match now.0.div_euclid(WINDOW_MAX.0) - self.minute {
            ..=0 => self.writers[0] | self.writers[1],
            1 => self.writers[0],
            _ => 0,
        };
        let empty = f64::from(of.count_zeros().max(1));
        (-64.0 * (empty / 64.0).ln()).round() as u32
    }
}

fn index(slot: i64) -> usize {
    usize::try_from(slot.rem_euclid(SLOTS as i64)).expect("a remainder is not negative")
}

fn weight(data: Option<&Payload>) -> u32 {
    let writes = data.map_or(0, Payload::size).div_ceil(BYTES_OF_A_WRITE);
    u32::try_from(writes).unwrap_or(WRITES_OF_ONE_MAX).clamp(1, WRITES_OF_ONE_MAX)
}

/// A panic elsewhere leaves a table whole: each step on it is one call.
fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync::{ItemKey, ItemSeen, ObjectKind};

    const SERVICE: ServiceSid = ServiceSid::new(1);
    const START: i64 = 1_767_225_600_000;

    fn map(n: u128) -> ObjectSid {
        // All in one bucket.
        ObjectSid::new(ObjectKind::Map, n << 4)
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp(START + ms)
    }

    fn written(object: ObjectSid, by: &str, ms: i64, bytes: usize) -> Event {
        let data = Payload::trusted("x".repeat(bytes));
        let item = ItemSeen { key: ItemKey::Key("k".into()), revision: 1, data, expires_at: None };
        Event {
            object,
            service: SERVICE,
            unique_name: None,
            id: 1,
            at: at(ms),
            by: by.into(),
            endpoint: None,
            what: What::ItemAdded(item),
        }
    }

    #[test]
    fn rates_are_those_of_the_window_and_fade_as_it_moves_on() {
        let heat = Heat::default();
        for n in 0..600 {
            let ms = n * 100;
            heat.happened(&written(map(1), "ann", ms, 10), 3);
            heat.read(SERVICE, map(1), at(ms));
        }
        for (window, ms) in [(10_000, 59_999), (60_000, 59_999), (7_500, 59_999)] {
            let usage = heat.of(map(1), at(ms), Millis(window));
            assert!((usage.writes_per_s - 10.0).abs() < 0.5, "{window} {ms}: {usage:?}");
            assert!((usage.reads_per_s - 10.0).abs() < 0.5, "{window} {ms}: {usage:?}");
            assert!((usage.events_per_s - 30.0).abs() < 1.5, "{window} {ms}: {usage:?}");
            assert!((usage.growth_per_s - 10.0).abs() < 0.5, "{window} {ms}: {usage:?}");
        }
        let part = heat.of(map(1), at(62_500), Millis(10_000));
        assert!((part.writes_per_s - 7.5).abs() < 0.3, "{part:?}");
        let half = heat.of(map(1), at(90_000), Millis(60_000));
        assert!((half.writes_per_s - 5.0).abs() < 0.3, "{half:?}");
        assert_eq!(heat.of(map(1), at(90_000), Millis(10_000)).writes_per_s, 0.0);
        assert_eq!(heat.of(map(1), at(200_000), Millis(60_000)), Usage::default());
        assert_eq!(heat.of(map(2), at(60_000), Millis(60_000)), Usage::default());
    }

    #[test]
    fn what_is_hot_stays_while_a_million_cold_ones_pass() {
        let heat = Heat::default();
        for n in 0..200_000_u32 {
            let ms = i64::from(n) / 4;
            heat.happened(&written(map(1_000_000 + u128::from(n)), "x", ms, 1), 0);
            if n % 400 == 0 {
                // Ten a second, four thousand others between.
                heat.happened(&written(map(7), "ann", ms, 1), 0);
            }
        }
        let hottest = heat.hottest(SERVICE, at(50_000), Millis(10_000));
        assert_eq!(hottest[0].object, map(7));
        let rate = hottest[0].usage.writes_per_s;
        assert!((9.0..=11.0).contains(&rate), "{rate}");
        assert!(hottest.len() <= PLACES, "{} are held", hottest.len());
    }

    #[test]
    fn writers_are_told_apart_and_large_values_count_as_several() {
        let heat = Heat::default();
        for n in 0..1_000 {
            let by = format!("agent {}", n % 20);
            heat.happened(&written(map(1), &by, n, 10_240), 0);
            heat.happened(&written(map(2), "ann", n, 100), 0);
        }
        let (many, one) =
            (heat.of(map(1), at(1_000), Millis(5_000)), heat.of(map(2), at(1_000), Millis(5_000)));
        assert!((15..=26).contains(&many.writers), "{many:?}");
        assert_eq!(one.writers, 1);
        assert!((many.weighed_per_s / many.writes_per_s - 10.0).abs() < 0.01, "{many:?}");
        assert_eq!(heat.of(map(1), at(200_000), Millis(5_000)).writers, 0);
    }

    #[test]
    fn what_expires_is_told_and_no_write() {
        let heat = Heat::default();
        let added = written(map(1), "ann", 0, 1);
        let What::ItemAdded(item) = added.what.clone() else { panic!("it is one") };
        let what = What::ItemRemoved { item, because: Removal::Expired };
        heat.happened(&Event { what, ..added }, 2);
        let usage = heat.of(map(1), at(1_000), Millis(5_000));
        assert_eq!((usage.writes_per_s, usage.events_per_s), (0.0, 0.4));
        assert!(usage.growth_per_s < 0.0);
    }
}
