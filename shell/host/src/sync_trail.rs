//! The changes of one object, newest first, out of the journal of its bucket.
//!
//! * As far back as the log of an object's events reaches, the places of its changes are known: of
//!   events by their numbers, which leave no gap, and of what is no event by `sync_aside`. Before
//!   that every entry is looked at.
//! * A walk ends after a time, and says how far it came.
//! * Nobody may forget entries meanwhile: see [`Host::at_length`](crate::Host::at_length).

use crate::{
    adapters::{SyncEngine, below},
    past::last_of,
    sync_reads, tables,
};
use base::Timestamp;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use store::{Direction, Entry, PartitionId, Scan, Seq, Store, StoreError, Value};
use sync::{Change, EventId, ObjectSid};

/// Entries read at once; each may hold a value.
const ENTRIES_AT_ONCE: u64 = 256;
/// Places read at once.
const PLACES_AT_ONCE: usize = 1_000;

/// Whether more changes are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    Enough,
}

/// How far a walk came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// To where it was to end.
    Floor,
    /// The visitor had enough.
    Enough,
    /// Its time was over; everything from this entry on was seen.
    Late(Seq, Timestamp),
}

/// The journal of one object's bucket.
pub(crate) struct Trail<'a> {
    store: &'a dyn Store,
    id: PartitionId,
    sid: ObjectSid,
    text: String,
    /// The oldest entry that is kept.
    pub(crate) first: Seq,
    /// Its time.
    pub(crate) first_at: Timestamp,
    /// The newest entry when this began.
    pub(crate) last: Seq,
    until: Instant,
}

impl<'a> Trail<'a> {
    /// `None` where the bucket has no journal.
    pub(crate) fn new(
        store: &'a dyn Store,
        sid: ObjectSid,
        limit: Duration,
    ) -> Result<Option<Self>, StoreError> {
        let id = sync_reads::partition(sid.bucket());
        let Some(last) = last_of(store, &id)? else { return Ok(None) };
        let Some(oldest) = store.journal(&id, 0, 1)?.pop() else { return Ok(None) };
        let (first, first_at) = (oldest.seq, oldest.at);
        let (text, until) = (sid.to_string(), Instant::now() + limit);
        Ok(Some(Self { store, id, sid, text, first, first_at, last, until }))
    }

    /// Whether entries before the oldest one were forgotten.
    pub(crate) const fn is_cut(&self) -> bool {
        self.first > 1
    }

    /// The newest entry that was made at a moment or before; 0 for none. Times in a journal never
    /// fall.
    pub(crate) fn upto(&self, moment: Timestamp) -> Result<Seq, StoreError> {
        let (mut low, mut high) = (self.first, self.last + 1);
        // Entries below `low` were made by then, those from `high` on were not.
        while low < high {
            let middle = low + (high - low) / 2;
            match self.entry(middle)? {
                Some(entry) if entry.at <= moment => low = middle + 1,
                Some(_) | None => high = middle,
            }
        }
        Ok(if low == self.first { 0 } else { low - 1 })
    }

    /// Where an object made at a moment begins, or the oldest entry.
    pub(crate) fn floor(&self, created_at: Timestamp) -> Result<Seq, StoreError> {
        Ok(self.upto(Timestamp(created_at.0 - 1))?.saturating_add(1).max(self.first))
    }

    /// The change that made the object, found by the time in its SID.
    pub(crate) fn birth(&self) -> Result<Option<Entry>, StoreError> {
        let minted_ms = i64::try_from(self.sid.body() >> 80).unwrap_or(i64::MAX);
        // An id may be minted a little ahead of its time.
        let mut seq = self.floor(Timestamp(minted_ms.saturating_sub(1_000)))?;
        while seq <= self.last && Instant::now() < self.until {
            let entries = self.store.journal(&self.id, seq - 1, ENTRIES_AT_ONCE as usize)?;
            let Some(newest) = entries.last().map(|entry| entry.seq) else { return Ok(None) };
            for entry in entries {
                if entry.at.0 > minted_ms {
                    return Ok(None);
                }
                if entry.kind == "object_created" && self.change(&entry)?.is_some() {
                    return Ok(Some(entry));
                }
            }
            seq = newest + 1;
        }
        Ok(None)
    }

    /// Visits the object's changes from entry `from` down to `floor`. `event` is a number that the
    /// object had reached when this began.
    pub(crate) fn walk(
        &self,
        (from, floor): (Seq, Seq),
        event: EventId,
        mut visit: impl FnMut(Seq, Timestamp, Change) -> Result<Flow, StoreError>,
    ) -> Result<End, StoreError> {
        let logged = self.logged(event)?;
        let mut from = from.min(self.last);
        if let Some(oldest) = logged.back().copied() {
            let mut places = Places { trail: self, logged, asides: Asides::default(), oldest };
            while let Some(seq) = places.next()? {
                if seq < floor {
                    return Ok(End::Floor);
                }
                if seq > from {
                    continue;
                }
                for (seq, at, change) in self.at(seq)? {
                    // What goes with an event may have a place of its own as well.
                    if seq > from {
                        continue;
                    }
                    if visit(seq, at, change)? == Flow::Enough {
                        return Ok(End::Enough);
                    }
                    from = seq - 1;
                }
                if Instant::now() > self.until {
                    let at = self.entry(seq)?.map_or(self.first_at, |entry| entry.at);
                    return Ok(End::Late(seq, at));
                }
            }
            from = from.min(oldest - 1);
        }
        self.search((from, floor), visit)
    }

    /// Looks at every entry.
    fn search(
        &self,
        (from, floor): (Seq, Seq),
        mut visit: impl FnMut(Seq, Timestamp, Change) -> Result<Flow, StoreError>,
    ) -> Result<End, StoreError> {
        let (mut from, floor) = (from, floor.max(self.first));
        while from >= floor {
            let low = (from + 1).saturating_sub(ENTRIES_AT_ONCE).max(floor);
            let count = usize::try_from(from - low + 1).expect("it is a small number");
            let entries = self.store.journal(&self.id, low - 1, count)?;
            let at = entries.first().map_or(self.first_at, |entry| entry.at);
            for entry in entries.into_iter().rev().filter(|entry| entry.seq <= from) {
                if let Some(change) = self.change(&entry)?
                    && visit(entry.seq, entry.at, change)? == Flow::Enough
                {
                    return Ok(End::Enough);
                }
            }
            from = low - 1;
            if from >= floor && Instant::now() > self.until {
                return Ok(End::Late(low, at));
            }
        }
        Ok(End::Floor)
    }

    /// The places of the object's events, newest first, as far back as none is missing; empty where
    /// the newest one is not known.
    fn logged(&self, event: EventId) -> Result<VecDeque<Seq>, StoreError> {
        let mut places = VecDeque::new();
        let mut expected: Option<EventId> = None;
        let mut scan = Scan {
            filters: below(&self.text),
            order: vec![("key", Direction::Descending)],
            limit: PLACES_AT_ONCE,
            ..Scan::of(&tables::SYNC_EVENT, self.id.clone())
        };
        loop {
            let rows = self.store.scan(&scan)?;
            for row in &rows {
                let number = row.key.rsplit_once('/').map(|(_, hex)| hex);
                let number = number.and_then(|hex| EventId::from_str_radix(hex, 16).ok());
                let place = match row.values.get(1) {
                    Some(Value::Int(seq)) => Seq::try_from(*seq).ok(),
                    _ => None,
                };
                let (Some(number), Some(place)) = (number, place) else {
                    return Err(StoreError("a row of table sync_event makes no sense".to_owned()));
                };
                let is_next = match expected {
                    None => number >= event,
                    Some(expected) => number == expected,
                };
                // The journal may be kept for less long than the log.
                if !is_next || place < self.first {
                    return Ok(places);
                }
                places.push_back(place);
                expected = Some(number - 1);
            }
            let Some(last) = rows.last().filter(|_| rows.len() == PLACES_AT_ONCE) else {
                return Ok(places);
            };
            scan.after = Some(scan.cursor(last));
        }
    }

    /// The change at a place, and before it the one that goes with it and is no event of its own.
    fn at(&self, seq: Seq) -> Result<Vec<(Seq, Timestamp, Change)>, StoreError> {
        let mut found = Vec::with_capacity(2);
        for entry in self.store.journal(&self.id, seq - 1, 2)? {
            let is_own = entry.seq == seq;
            let Some(change) = self.change(&entry)? else { continue };
            if is_own || goes_with(&change) {
                found.push((entry.seq, entry.at, change));
            }
        }
        found.reverse();
        Ok(found)
    }

    fn entry(&self, seq: Seq) -> Result<Option<Entry>, StoreError> {
        Ok(self.store.journal(&self.id, seq - 1, 1)?.pop())
    }

    /// An entry's change, if it is about the object.
    pub(crate) fn change(&self, entry: &Entry) -> Result<Option<Change>, StoreError> {
        if !entry.body.contains(&self.text) {
            return Ok(None);
        }
        let change = SyncEngine::read(entry).map_err(StoreError)?;
        Ok(Some(change).filter(|change| change.object() == Some(self.sid)))
    }
}

/// Whether a change that is no event may be found by the event just before it.
pub(crate) const fn goes_with(change: &Change) -> bool {
    matches!(change, Change::ObjectExpirySet { .. })
}

/// Places of events and of what is none, newest first, down to the oldest event.
struct Places<'a, 'b> {
    trail: &'b Trail<'a>,
    logged: VecDeque<Seq>,
    asides: Asides,
    oldest: Seq,
}

#[derive(Default)]
struct Asides {
    read: VecDeque<Seq>,
    /// Behind which key to read on.
    after: Option<Vec<Value>>,
    is_end: bool,
}

impl Places<'_, '_> {
    fn next(&mut self) -> Result<Option<Seq>, StoreError> {
        let aside = self.asides.peek(self.trail)?.filter(|seq| *seq > self.oldest);
        let next = aside.max(self.logged.front().copied());
        if aside.is_some() && next == aside {
            self.asides.read.pop_front();
        } else {
            self.logged.pop_front();
        }
        Ok(next)
    }
}

impl Asides {
    fn peek(&mut self, trail: &Trail<'_>) -> Result<Option<Seq>, StoreError> {
        if self.read.is_empty() && !self.is_end {
            let scan = Scan {
                filters: below(&trail.text),
                order: vec![("key", Direction::Descending)],
                after: self.after.take(),
                limit: PLACES_AT_ONCE,
                ..Scan::of(&tables::SYNC_ASIDE, trail.id.clone())
            };
            let rows = trail.store.scan(&scan)?;
            self.is_end = rows.len() < PLACES_AT_ONCE;
            self.after = rows.last().map(|row| scan.cursor(row));
            for row in &rows {
                let hex = row.key.rsplit_once('/').map(|(_, hex)| hex);
                let seq = hex.and_then(|hex| Seq::from_str_radix(hex, 16).ok());
                let broken = || StoreError("a row of table sync_aside makes no sense".to_owned());
                self.read.push_back(seq.ok_or_else(broken)?);
            }
        }
        Ok(self.read.front().copied())
    }
}
