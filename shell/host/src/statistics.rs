//! Windows of statistics out of the store: roll-ups for whole hours and minutes, facts at either
//! end.
//!
//! * What the running engine has not written is told by it first; the rows read afterwards are at
//!   least as new, and rows of what it told are passed over.
//! * Reads take as long as they take: callers do it where nobody waits for the thread.

use crate::tables;
use base::{Sid, Timestamp};
use report::{
    Channels, HOUR, MINUTE, Progress, Scopes, Stay, Window, count, hour_key, in_chunk, merge,
    minute_key, minute_of_key,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{ControlFlow, Range},
};
use store::{Direction, Filter, PartitionId, Row, Scan, Store, StoreError, Table, Test, Value};

/// What the running engine says of a window.
#[derive(Clone, Debug)]
pub struct Running {
    /// When it was asked. Nothing in the store that matters is newer.
    pub now: Timestamp,
    /// How far rows go.
    pub written: Progress,
    /// Minutes that are not in rows, of the scopes that were asked for.
    pub minutes: Vec<(i64, Scopes)>,
}

/// Rows read at once.
const PORTION: usize = 1_000;
/// Scopes that are looked up one by one; more are picked out of everything.
const FEW: usize = 16;

/// What each of the scopes counted in a window.
pub fn counted(
    store: &dyn Store,
    partition: &PartitionId,
    window: Window,
    scopes: &BTreeSet<Sid>,
    running: Running,
) -> Result<Scopes, StoreError> {
    let Running { now, written, minutes } = running;
    let asked = Asked { store, partition, scopes };
    let mut sum = Scopes::new();
    let parts = window.parts(now, written.hours_until);
    for range in parts.minutes {
        let in_rows = range.start..range.end.min(written.minutes_until);
        asked.minutes(in_rows, &mut sum)?;
        let running = minutes.iter().filter(|(minute, _)| range.contains(minute));
        running.for_each(|(_, of)| merge(&mut sum, of.clone()));
    }
    asked.hours(parts.hours, &mut sum)?;
    for edge in parts.edges {
        asked.facts(edge, &mut sum)?;
    }
    Ok(sum)
}

/// Completed stays that reach into a window: of these workers, or of all.
pub fn stays(
    store: &dyn Store,
    partition: &PartitionId,
    window: Window,
    workers: Option<&BTreeSet<Sid>>,
) -> Result<Vec<Stay>, StoreError> {
    let mut found = Vec::new();
    let mut take = |row: Row| {
        let stay: Stay = read(&tables::STAY, &row.body)?;
        let is_wanted = workers.is_none_or(|workers| workers.contains(&stay.worker));
        if is_wanted && stay.from < window.to && stay.to > window.from {
            found.push(stay);
        }
        Ok(ControlFlow::Continue(()))
    };
    match workers {
        Some(few) if few.len() <= FEW => {
            for worker in few {
                let keys = [stay_key(*worker, window.from), format!("{worker}-~")];
                each(store, by_key(&tables::STAY, partition, keys), &mut take)?;
            }
        }
        _ => {
            let mut scan = Scan::of(&tables::STAY, partition.clone());
            scan.filters
                .push(Filter { column: "ended_at", test: Test::AtLeast(window.from.into()) });
            scan.order = vec![("ended_at", Direction::Ascending)];
            each(store, scan, take)?;
        }
    }
    Ok(found)
}

/// The key of a completed stay.
pub(crate) fn stay_key(worker: Sid, to: Timestamp) -> String {
    format!("{worker}-{:015}", to.0.max(0))
}

/// Hands over the facts of every turn from a moment on, until told to stop.
pub(crate) fn facts_from(
    store: &dyn Store,
    partition: &PartitionId,
    from: Timestamp,
    mut take: impl FnMut(Timestamp, &[report::Fact]) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    // A SID is never older than its turn, so no row before this key is of a turn from then on.
    let first = Sid::new(*b"EV", u128::from(from.0.max(0) as u64) << 80);
    let scan = by_key(&tables::EVENT, partition, [first.to_string(), "EV~".to_owned()]);
    each(store, scan, |row| {
        let Some(Value::Text(text)) = row.values.first() else {
            return Ok(ControlFlow::Continue(()));
        };
        let (at, facts) = report::decode(text)
            .map_err(|error| StoreError(format!("event {}: {error}", row.key)))?;
        if at < from { Ok(ControlFlow::Continue(())) } else { Ok(take(at, &facts)) }
    })
}

/// Hands over the rows of minutes in a range.
pub(crate) fn minutes_in(
    store: &dyn Store,
    partition: &PartitionId,
    range: Range<i64>,
    mut take: impl FnMut(i64, Scopes),
) -> Result<(), StoreError> {
    if range.is_empty() {
        return Ok(());
    }
    let keys = [format!("m{:010}-", range.start), format!("m{:010}-", range.end)];
    each(store, by_key(&tables::STATISTIC, partition, keys), |row| {
        if let Some(minute) = minute_of_key(&row.key) {
            take(minute, read(&tables::STATISTIC, &row.body)?);
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// What is looked for, and where.
struct Asked<'a> {
    store: &'a dyn Store,
    partition: &'a PartitionId,
    scopes: &'a BTreeSet<Sid>,
}

impl Asked<'_> {
    fn minutes(&self, range: Range<i64>, sum: &mut Scopes) -> Result<(), StoreError> {
        if self.scopes.len() > FEW {
            return minutes_in(self.store, self.partition, range, |_, of| self.add(of, sum));
        }
        for minute in range {
            for scope in self.scopes {
                self.minute(minute, *scope, sum)?;
            }
        }
        Ok(())
    }

    /// The row that would hold a scope is the last one that begins with it or before.
    fn minute(&self, minute: i64, scope: Sid, sum: &mut Scopes) -> Result<(), StoreError> {
        let keys = [format!("m{minute:010}-"), minute_key(minute, scope)];
        let mut scan = by_key(&tables::STATISTIC, self.partition, keys);
        scan.order = vec![("key", Direction::Descending)];
        scan.limit = 1;
        if let Some(row) = self.store.scan(&scan)?.first() {
            let found = in_chunk(&row.body, scope).map_err(|error| unreadable(row, &error))?;
            self.add(found.map(|channels| (scope, channels)).into_iter().collect(), sum);
        }
        Ok(())
    }

    fn hours(&self, range: Range<i64>, sum: &mut Scopes) -> Result<(), StoreError> {
        if range.is_empty() {
            return Ok(());
        }
        let last = range.end - 1;
        if self.scopes.len() <= 4 * FEW {
            for scope in self.scopes {
                let keys = [hour_key(*scope, range.start), hour_key(*scope, last)];
                each(self.store, by_key(&tables::STATISTIC, self.partition, keys), |row| {
                    let channels: Channels = read(&tables::STATISTIC, &row.body)?;
                    self.add(BTreeMap::from([(*scope, channels)]), sum);
                    Ok(ControlFlow::Continue(()))
                })?;
            }
            return Ok(());
        }
        let (Some(first), Some(end)) = (self.scopes.first(), self.scopes.last()) else {
            return Ok(());
        };
        let keys = [hour_key(*first, range.start), hour_key(*end, last)];
        each(self.store, by_key(&tables::STATISTIC, self.partition, keys), |row| {
            let key = row.key.get(1..35).and_then(|scope| scope.parse::<Sid>().ok());
            let hour = row.key.get(36..).and_then(|hour| hour.parse::<i64>().ok());
            if let (Some(scope), Some(hour)) = (key, hour)
                && self.scopes.contains(&scope)
                && range.contains(&hour)
            {
                let channels: Channels = read(&tables::STATISTIC, &row.body)?;
                self.add(BTreeMap::from([(scope, channels)]), sum);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn facts(&self, edge: Window, sum: &mut Scopes) -> Result<(), StoreError> {
        debug_assert!(edge.to.0 - edge.from.0 <= MINUTE.min(HOUR), "an edge is less than a minute");
        let mut scopes = Scopes::new();
        // The partition of a workspace is its SID.
        let workspace = self.partition.parse().unwrap_or(Sid::new(*b"WS", 0));
        facts_from(self.store, self.partition, edge.from, |at, facts| {
            if at >= edge.to {
                return ControlFlow::Break(());
            }
            count(&mut scopes, workspace, facts);
            ControlFlow::Continue(())
        })?;
        self.add(scopes, sum);
        Ok(())
    }

    fn add(&self, mut of: Scopes, sum: &mut Scopes) {
        of.retain(|scope, _| self.scopes.contains(scope));
        merge(sum, of);
    }
}

fn by_key(table: &'static Table, partition: &PartitionId, [from, to]: [String; 2]) -> Scan {
    let mut scan = Scan::of(table, partition.clone());
    let bound = |text: String| Value::from(text.as_str());
    scan.filters = vec![
        Filter { column: "key", test: Test::AtLeast(bound(from)) },
        Filter { column: "key", test: Test::AtMost(bound(to)) },
    ];
    scan
}

/// All rows of a scan, some at a time.
fn each(
    store: &dyn Store,
    mut scan: Scan,
    mut take: impl FnMut(Row) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    scan.limit = PORTION;
    loop {
        let rows = store.scan(&scan)?;
        let is_last = rows.len() < PORTION;
        scan.after = rows.last().map(|row| scan.cursor(row));
        for row in rows {
            if take(row)?.is_break() {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(table: &Table, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body)
        .map_err(|error| StoreError(format!("a row of table {}: {error}", table.name)))
}

fn unreadable(row: &Row, error: &serde_json::Error) -> StoreError {
    StoreError(format!("statistics {}: {error}", row.key))
}
