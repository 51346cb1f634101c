//! What may be forgotten, a little at a time: what is old, and what is left of partitions that
//! ended.
//!
//! * Nothing here is anybody's state: rows of what ended, the log, the journal before its newest
//!   entry. Forgetting is no turn, is told to nobody, and may stop and go on at any moment.
//! * The journal goes last, so that a partition that ended and has more than its newest entry still
//!   has something to be cleaned up; that survives restarts.
//! * Of a partition whose past is asked for, entries go only together with what they came to: see
//!   [`crate::beginning`]. That needs a copy of the partition, so old entries wait until there are
//!   some hours of them.
//! * What waits to leave the process may need the log: an ended partition keeps its log as long as
//!   something waits, but not for ever.
//!
//! Knows no thread and no clock; `Host` asks for portions and pauses between them.

#[cfg(feature = "planted-bugs")]
use crate::planted;
use crate::{
    beginning::Mover,
    engine::{Aged, Engine},
    loading,
};
use base::{Millis, Timestamp};
use std::time::Duration;
use store::{Direction, Entry, Forget, Partition, RowWrite, Scan, Store, StoreError, Table};

/// How long it is until old entries are looked for again.
pub const PAUSE_BETWEEN_PASSES: Duration = Duration::from_secs(60);
/// In which commits go on.
pub const PAUSE_BETWEEN_PORTIONS: Duration = Duration::from_millis(10);
/// Removed at once: commits wait for a millisecond or two.
const PORTION: usize = 200;

/// How long what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The log of events with what statistics count, and the rows of what ended.
    pub history: Millis,
    /// The journal of changes.
    pub journal: Millis,
    /// What those who come back to an object of sync are told; not longer than the journal.
    pub sync_events: Millis,
}

impl Default for Retention {
    fn default() -> Self {
        let days_30 = Millis::secs(30 * 24 * 60 * 60);
        Self { history: days_30, journal: days_30, sync_events: Millis::secs(24 * 60 * 60) }
    }
}

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Rows of tables.
    pub rows: usize,
    /// Journal entries.
    pub entries: usize,
}

impl Forgotten {
    pub(crate) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.entries += other.entries;
    }
}

/// How much older than it has to be the oldest entry is when forgetting begins, as a part of how
/// long the journal is kept.
const SLACK: i64 = 30;

/// Forgets what is old in one partition, portion by portion.
pub struct Forgetting {
    known: Partition,
    retention: Retention,
    mover: Option<Mover>,
}

impl Forgetting {
    /// Nothing is read yet.
    pub fn of(known: Partition, retention: Retention) -> Self {
        Self { known, retention, mover: None }
    }

    /// The kind of engine.
    pub fn kind(&self) -> &str {
        &self.known.kind
    }

    /// The next portion at `now`, once the one before was carried out, or was not; `None` when
    /// nothing is left to be forgotten.
    pub fn portion<E: Engine>(
        &mut self,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<Option<(Forget, Forgotten)>, StoreError> {
        let known = &self.known;
        if loading::is_gone::<E>(store, &known.id)? {
            return of_ended::<E>(store, known);
        }
        let back = |span: Millis| now + Millis(-span.0);
        let rows_left = E::leftovers(store, &known.id, PORTION)?;
        if !rows_left.is_empty() {
            let count = Forgotten { rows: rows_left.len(), entries: 0 };
            let (partition, kept) = (known.id.clone(), Vec::new());
            let forget = Forget { partition, rows: rows_left, journal_through: 0, kept };
            return Ok(Some((forget, count)));
        }
        for Aged { table, before, kept } in E::AGED {
            #[cfg(feature = "planted-bugs")]
            if planted::is(planted::Planted::KeepOld) && table.name == "reservation" {
                continue;
            }
            let filters = before(back(kept(&self.retention)));
            let portion = rows(store, known, table, filters)?;
            if portion.is_some() {
                return Ok(portion);
            }
        }
        let journal = self.retention.journal;
        let begun = self.mover.is_some();
        let (due, newest) = match E::HAS_BEGINNING {
            // Of an instant nothing or all: what follows begins with a whole turn.
            true if begun => (journal, known.at),
            true => (Millis(journal.0 + journal.0 / SLACK), known.at),
            false => (journal, Timestamp(i64::MAX)),
        };
        let old = old_entries(store, known, Some(back(due).min(newest)))?;
        let Some(first) = old.first().map(|entry| entry.seq) else { return Ok(None) };
        if self.mover.as_ref().is_none_or(|mover| mover.reached() + 1 != first) {
            self.mover = E::beginning(store, &known.id, first)?;
        }
        let kept = match &mut self.mover {
            Some(mover) => mover.take_in(&old)?,
            None => Vec::new(),
        };
        Ok(without(known, &old, kept))
    }
}

/// Everything, but the newest entry of the journal.
fn of_ended<E: Engine>(
    store: &dyn Store,
    known: &Partition,
) -> Result<Option<(Forget, Forgotten)>, StoreError> {
    // What is cleaned up already is not looked at table by table.
    if store.journal_start(&known.id)? >= known.last {
        return Ok(None);
    }
    for table in E::TABLES {
        let portion = rows(store, known, table, Vec::new())?;
        if portion.is_some() {
            return Ok(portion);
        }
    }
    for table in E::LOGS {
        let portion = rows(store, known, table, Vec::new())?;
        if portion.is_some() {
            return Ok(portion);
        }
    }
    Ok(without(known, &old_entries(store, known, None)?, Vec::new()))
}

fn rows(
    store: &dyn Store,
    known: &Partition,
    table: &'static Table,
    filters: Vec<store::Filter>,
) -> Result<Option<(Forget, Forgotten)>, StoreError> {
    // By the column that tells the age, so that its index serves and the oldest go first.
    #[cfg(feature = "planted-bugs")]
    let filters = if planted::is(planted::Planted::ForgetTooMuch) {
        filters.into_iter().take(1).collect()
    } else {
        filters
    };
    let by = filters.first().map(|filter| filter.column).filter(|column| *column != "key");
    let order = by.map(|column| (column, Direction::Ascending)).into_iter().collect();
    let scan = Scan { filters, order, limit: PORTION, ..Scan::of(table, known.id.clone()) };
    let rows: Vec<_> = store.scan(&scan)?.into_iter().map(|row| (table, row.key)).collect();
    let count = Forgotten { rows: rows.len(), entries: 0 };
    let forget = Forget { partition: known.id.clone(), rows, journal_through: 0, kept: Vec::new() };
    Ok((count.rows > 0).then_some((forget, count)))
}

/// Some of the oldest entries of the journal, of all or of those before a moment.
fn old_entries(
    store: &dyn Store,
    known: &Partition,
    before: Option<Timestamp>,
) -> Result<Vec<Entry>, StoreError> {
    let mut entries = store.journal(&known.id, 0, PORTION)?;
    // Times in a journal never fall.
    let old = entries.iter().take_while(|entry| {
        entry.seq < known.last && before.is_none_or(|before| entry.at < before)
    });
    let mut count = old.count();
    if let (PORTION, Some(last)) = (count, entries.last().map(|entry| entry.at)) {
        let whole = entries.partition_point(|entry| entry.at < last);
        count = if whole > 0 { whole } else { count };
    }
    entries.truncate(count);
    Ok(entries)
}

/// The journal without these entries.
fn without(known: &Partition, old: &[Entry], kept: Vec<RowWrite>) -> Option<(Forget, Forgotten)> {
    let count = Forgotten { rows: 0, entries: old.len() };
    let (partition, journal_through) = (known.id.clone(), old.last()?.seq);
    Some((Forget { partition, rows: Vec::new(), journal_through, kept }, count))
}
