//! Rows of a whole partition, read to bring it back, and the one that says that it is there.
//!
//! * Some rows at a time: a large workspace as text all at once would be most of a server's memory.
//! * A large partition is read on a thread of its own while the engine takes rows in.

use crate::engine::{Engine, Loaded};
use base::{Millis, Timestamp};
use std::{collections::BTreeSet, sync::Arc, sync::mpsc::sync_channel};
use store::{
    Batch, Filter, Partition, PartitionId, RowWrite, Scan, Seq, Store, StoreError, Table, Test,
    Value,
};

/// Portions that wait to be taken in.
const PORTIONS_AHEAD: usize = 4;
/// Changes of a partition that is worth a thread.
const LARGE: Seq = 20_000;

/// Hands the live rows of a partition, and what ended a short while ago, to whoever takes them in.
pub(crate) fn read<E: Engine, T>(
    store: &dyn Store,
    known: &Partition,
    take: impl FnOnce(&mut dyn Iterator<Item = Loaded>) -> T,
) -> Result<T, StoreError> {
    let ended = load_ended::<E>(store, &known.id, (known.last, known.at))?;
    let mut live = LiveRows::new(store, &known.id, E::TABLES);
    let (taken, failed) = if known.last < LARGE {
        (take(&mut live.by_ref().chain(ended)), live.failed)
    } else {
        std::thread::scope(|scope| {
            let (send, receive) = sync_channel(PORTIONS_AHEAD);
            let reading = scope.spawn(move || {
                // Whoever takes rows in may have stopped at one that makes no sense.
                let _ = live.by_ref().try_for_each(|loaded| send.send(loaded));
                live.failed
            });
            let taken = take(&mut receive.into_iter().chain(ended));
            let panicked = || Some(StoreError("the store panicked".to_owned()));
            (taken, reading.join().unwrap_or_else(|_| panicked()))
        })
    };
    failed.map_or(Ok(taken), Err)
}

/// Whether the partition that the store knows has ended, as far as a row tells.
pub(crate) fn is_gone<E: Engine>(store: &dyn Store, id: &PartitionId) -> Result<bool, StoreError> {
    match E::ROOT {
        Some(root) => Ok(store.row(root, id, id)?.is_none()),
        None => Ok(false),
    }
}

/// Makes a batch end its partition: what it logs stays, and the one row that says that the
/// partition is there goes. What else there is no one can reach; see [`crate::retention`].
pub(crate) fn end<E: Engine>(batch: &mut Batch) {
    let Some(root) = E::ROOT else { return };
    batch.rows.retain(|row| E::LOGS.iter().any(|log| std::ptr::eq(*log, row.table)));
    let key = (*batch.partition).into();
    batch.rows.push(RowWrite { table: root, key, content: None });
}

/// Bounds the rows that are in memory as text, and how long one read takes.
const ROWS_AT_ONCE: usize = 1_000;

/// The live rows of a partition, some at a time: a large workspace as text all at once would be
/// most of a server's memory.
struct LiveRows<'a> {
    store: &'a dyn Store,
    id: &'a PartitionId,
    tables: std::slice::Iter<'static, &'static Table>,
    /// Where the current table goes on.
    scan: Option<Scan>,
    /// Why there are no more rows, if not because these were all.
    failed: Option<StoreError>,
}

impl<'a> LiveRows<'a> {
    fn new(store: &'a dyn Store, id: &'a PartitionId, tables: &'static [&'static Table]) -> Self {
        Self { store, id, tables: tables.iter(), scan: None, failed: None }
    }
}

impl Iterator for LiveRows<'_> {
    type Item = Loaded;

    fn next(&mut self) -> Option<Loaded> {
        loop {
            let mut scan = match self.scan.take() {
                Some(scan) => scan,
                None => live(self.tables.next()?, self.id),
            };
            match self.store.scan(&scan) {
                Ok(rows) if rows.is_empty() => {}
                Ok(rows) => {
                    let table = scan.table;
                    if rows.len() == scan.limit {
                        scan.after = rows.last().map(|row| scan.cursor(row));
                        self.scan = Some(scan);
                    }
                    return Some(Loaded { table, rows });
                }
                Err(error) => {
                    self.failed = Some(error);
                    self.tables = [].iter();
                }
            }
        }
    }
}

/// What ended a short while ago, found at the end of the journal: an index by the time of the end
/// would cost each task more than this costs a start.
fn load_ended<E: Engine>(
    store: &dyn Store,
    id: &PartitionId,
    (last, at): (Seq, Timestamp),
) -> Result<Vec<Loaded>, StoreError> {
    let mut ended = Vec::new();
    if E::ENDED_KEPT == Millis(0) {
        return Ok(ended);
    }
    let least =
        last.saturating_sub(ENDED_LOOK_BACK).max(store.journal_start(id)?.saturating_sub(1));
    let mut seen = BTreeSet::new();
    let mut until = last;
    while until > least {
        let after = until.saturating_sub(ENDED_AT_ONCE).max(least);
        let count = usize::try_from(until - after).expect("a portion is small");
        let entries = store.journal(id, after, count)?;
        until = match entries.first() {
            // What came before is older still.
            Some(first) if first.at + E::ENDED_KEPT < at => least,
            _ => after,
        };
        for entry in entries {
            if entry.at + E::ENDED_KEPT < at {
                continue;
            }
            let Some((table, key)) = E::ended_by(&entry) else { continue };
            if !seen.insert(key.clone()) {
                continue;
            }
            let Some(row) = store.row(table, id, &key)? else { continue };
            ended.push(Loaded { table, rows: vec![row] });
        }
    }
    Ok(ended)
}

/// Journal entries looked at for what ended, at most: some ten thousand tasks, and less than a
/// second.
const ENDED_LOOK_BACK: u64 = 100_000;
/// Journal entries read at once for it.
const ENDED_AT_ONCE: u64 = 5_000;

fn live(table: &'static Table, id: &PartitionId) -> Scan {
    let mut scan = Scan { limit: ROWS_AT_ONCE, ..Scan::of(table, Arc::clone(id)) };
    if let Some(column) = table.live {
        scan.filters.push(Filter { column, test: Test::OneOf(vec![Value::Int(1)]) });
    }
    scan
}
