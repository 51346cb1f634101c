//! The memory form of a store: a shared handle over ordered maps.
//!
//! * Clones share one state, and the state outlives a dropped committer: a simulation crashes by
//!   dropping everything above the store and restarts on a clone.
//! * Deterministic: the same calls give the same answers, in the same order.
//! * Faults are not its business; a test wraps [`MemoryCommitter`] or the store.

use crate::{
    Batch, CommitError, Committer, Direction, Entry, Fence, Filter, Forget, Partition, PartitionId,
    Rewrite, Row, RowContent, RowWrite, Scan, Seq, Store, StoreError, StoredChange, Table, Test,
    Upkeep, Value,
};
use base::Timestamp;
use std::{
    cmp::Ordering,
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Rows and journal in memory. Cloning gives another handle to the same state.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<State>>,
}

/// The writing half of a [`MemoryStore`].
#[derive(Debug)]
pub struct MemoryCommitter {
    shared: Arc<Mutex<State>>,
    fence: Fence,
}

#[derive(Debug, Default)]
struct State {
    partitions: BTreeMap<PartitionId, Known>,
    tables: BTreeMap<&'static str, BTreeMap<PartitionId, Rows>>,
    has_committer: bool,
}

type Rows = BTreeMap<Box<str>, RowContent>;

/// A partition and its journal; the entry at index `i` has the number `forgotten + i + 1`.
#[derive(Debug)]
struct Known {
    kind: &'static str,
    since: Timestamp,
    forgotten: usize,
    journal: VecDeque<(Timestamp, StoredChange)>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The one committer, by its own type so that a test can wrap it.
    pub fn memory_committer(&self) -> MemoryCommitter {
        let partitions = self.partitions().expect("memory can be read");
        let taken = std::mem::replace(&mut lock(&self.shared).has_committer, true);
        assert!(!taken, "the store has a committer already");
        MemoryCommitter { shared: self.shared.clone(), fence: Fence::new(partitions) }
    }
}

impl Committer for MemoryCommitter {
    fn commit(&mut self, group: &[Batch]) -> Result<(), CommitError> {
        group.iter().for_each(Batch::check);
        self.fence.admit(group)?;
        let mut state = lock(&self.shared);
        for batch in group.iter().filter(|batch| !batch.is_empty()) {
            state.apply(batch);
        }
        self.fence.confirm(group);
        Ok(())
    }

    fn forget(&mut self, forget: &Forget) -> Result<(), CommitError> {
        forget.kept.iter().for_each(RowWrite::check);
        lock(&self.shared).forget(forget);
        Ok(())
    }

    fn rewrite(&mut self, rewrite: &Rewrite) -> Result<(), CommitError> {
        rewrite.rows.iter().for_each(RowWrite::check);
        lock(&self.shared).rewrite(rewrite);
        Ok(())
    }

    fn after(&mut self, _idle: bool) {}

    fn tend(&mut self) -> Result<Upkeep, CommitError> {
        Ok(Upkeep::Done)
    }
}

impl Drop for MemoryCommitter {
    fn drop(&mut self) {
        lock(&self.shared).has_committer = false;
    }
}

impl Store for MemoryStore {
    fn committer(&self) -> Box<dyn Committer> {
        Box::new(self.memory_committer())
    }

    fn row(
        &self,
        table: &'static Table,
        partition: &str,
        key: &str,
    ) -> Result<Option<Row>, StoreError> {
        let state = lock(&self.shared);
        let rows = state.tables.get(table.name).and_then(|t| t.get_key_value(partition));
        Ok(rows.and_then(|(partition, rows)| {
            let (key, content) = rows.get_key_value(key)?;
            Some(Found { partition, key, content }.to_row())
        }))
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreError> {
        scan.check();
        let state = lock(&self.shared);
        let Some(table) = state.tables.get(scan.table.name) else { return Ok(Vec::new()) };
        let runs_by_key = scan.order.iter().all(|(column, _)| *column == "key");
        if let (Some(partition), true) = (&scan.partition, runs_by_key) {
            let Some((partition, rows)) = table.get_key_value(partition) else {
                return Ok(Vec::new());
            };
            let Some(range) = key_range(scan) else { return Ok(Vec::new()) };
            let found = rows.range::<str, _>(range);
            let found = found.map(|(key, content)| Found { partition, key, content });
            let passes = |row: &Found<'_>| row.passes(scan) && row.is_behind_cursor(scan);
            let rows = match scan.order.first() {
                None | Some((_, Direction::Ascending)) => {
                    found.filter(passes).take(scan.limit).map(Found::to_row).collect()
                }
                Some((_, Direction::Descending)) => {
                    found.rev().filter(passes).take(scan.limit).map(Found::to_row).collect()
                }
            };
            return Ok(rows);
        }
        let mut found: Vec<Found<'_>> = table
            .iter()
            .filter(|(id, _)| scan.partition.as_ref().is_none_or(|wanted| wanted == *id))
            .flat_map(|(partition, rows)| {
                rows.iter().map(move |(key, content)| Found { partition, key, content })
            })
            .filter(|row| row.passes(scan) && row.is_behind_cursor(scan))
            .collect();
        found.sort_by(|a, b| a.compare(b, scan));
        Ok(found.into_iter().take(scan.limit).map(Found::to_row).collect())
    }

    fn journal(&self, partition: &str, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let state = lock(&self.shared);
        let Some(known) = state.partitions.get(partition) else { return Ok(Vec::new()) };
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let start = after.saturating_sub(known.forgotten).min(known.journal.len());
        let first = (known.forgotten + start) as Seq + 1;
        let entries = known.journal.range(start..).zip(first..).take(limit);
        Ok(entries
            .map(|((at, change), seq)| Entry {
                seq,
                at: *at,
                kind: change.kind.to_owned(),
                body: change.body.clone(),
            })
            .collect())
    }

    fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
        let state = lock(&self.shared);
        let known = state.partitions.iter();
        Ok(known
            .map(|(id, known)| Partition {
                id: id.clone(),
                kind: known.kind.to_owned(),
                last: (known.forgotten + known.journal.len()) as Seq,
                at: known.journal.back().map_or(known.since, |(at, _)| *at),
            })
            .collect())
    }
}

/// A panic of another owner left no half-made change behind: groups are checked before they are
/// applied.
fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn apply(&mut self, batch: &Batch) {
        let id = &batch.partition;
        let known = self.partitions.entry(id.clone()).or_insert_with(|| Known {
            kind: batch.kind,
            since: batch.at,
            forgotten: 0,
            journal: VecDeque::new(),
        });
        known.journal.extend(batch.changes.iter().map(|change| (batch.at, change.clone())));
        for row in &batch.rows {
            let table = self.tables.entry(row.table.name).or_default();
            put(table.entry(id.clone()).or_default(), row);
        }
    }
}

impl State {
    fn forget(&mut self, forget: &Forget) {
        let Some(known) = self.partitions.get_mut(&forget.partition) else { return };
        let through = usize::try_from(forget.journal_through).unwrap_or(usize::MAX);
        let count = through.saturating_sub(known.forgotten);
        let count = count.min(known.journal.len().saturating_sub(1));
        known.journal.drain(..count);
        known.forgotten += count;
        for (table, key) in &forget.rows {
            let rows = self.tables.get_mut(table.name);
            if let Some(rows) = rows.and_then(|rows| rows.get_mut(&forget.partition)) {
                rows.remove(key);
            }
        }
        for row in &forget.kept {
            let table = self.tables.entry(row.table.name).or_default();
            put(table.entry(forget.partition.clone()).or_default(), row);
        }
    }
}

impl State {
    fn rewrite(&mut self, rewrite: &Rewrite) {
        let Some(known) = self.partitions.get_mut(&rewrite.partition) else { return };
        for (seq, body) in &rewrite.entries {
            let place =
                usize::try_from(*seq).unwrap_or(usize::MAX).checked_sub(known.forgotten + 1);
            if let Some((_, change)) = place.and_then(|place| known.journal.get_mut(place)) {
                change.body.clone_from(body);
            }
        }
        for row in &rewrite.rows {
            let table = self.tables.entry(row.table.name).or_default();
            put(table.entry(rewrite.partition.clone()).or_default(), row);
        }
    }
}

/// The keys that a scan by key can find; `None` for none at all.
fn key_range(scan: &Scan) -> Option<(Bound<&str>, Bound<&str>)> {
    let (mut least, mut most) = (None, None);
    for Filter { column, test } in &scan.filters {
        match test {
            Test::AtLeast(Value::Text(key)) if *column == "key" => least = least.max(Some(&**key)),
            Test::AtMost(Value::Text(key)) if *column == "key" => most = earlier(most, key),
            _ => {}
        }
    }
    if let Some(Value::Text(after)) = scan.after.as_ref().and_then(|after| after.first()) {
        match scan.order.first() {
            None | Some((_, Direction::Ascending)) => least = least.max(Some(&**after)),
            Some((_, Direction::Descending)) => most = earlier(most, after),
        }
    }
    let is_empty = least.zip(most).is_some_and(|(least, most)| least > most);
    let least = least.map_or(Bound::Unbounded, Bound::Included);
    let most = most.map_or(Bound::Unbounded, Bound::Included);
    (!is_empty).then_some((least, most))
}

fn earlier<'a>(most: Option<&'a str>, key: &'a str) -> Option<&'a str> {
    Some(most.map_or(key, |most| most.min(key)))
}

fn put(rows: &mut Rows, write: &RowWrite) {
    let Some(content) = &write.content else {
        rows.remove(&write.key);
        return;
    };
    let Some(old) = rows.get_mut(&write.key) else {
        rows.insert(write.key.clone(), content.clone());
        return;
    };
    for (at, column) in write.table.columns.iter().enumerate() {
        if column.changes {
            old.values[at].clone_from(&content.values[at]);
        }
    }
    old.body.clone_from(&content.body);
}

#[derive(Clone, Copy)]
struct Found<'a> {
    partition: &'a PartitionId,
    key: &'a str,
    content: &'a RowContent,
}

/// Borrowed, so that comparing allocates nothing.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Field<'a> {
    Null,
    Int(i64),
    Text(&'a str),
}

impl<'a> From<&'a Value> for Field<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Field::Null,
            Value::Int(n) => Field::Int(*n),
            Value::Text(text) => Field::Text(text),
        }
    }
}

impl<'a> Found<'a> {
    fn to_row(self) -> Row {
        Row {
            partition: self.partition.clone(),
            key: self.key.into(),
            values: self.content.values.clone(),
            body: self.content.body.clone(),
        }
    }

    fn field(&self, table: &Table, column: &str) -> Field<'a> {
        match table.position(column) {
            Some(at) => Field::from(&self.content.values[at]),
            None => Field::Text(self.key),
        }
    }

    fn passes(&self, scan: &Scan) -> bool {
        scan.filters.iter().all(|Filter { column, test }| {
            let field = self.field(scan.table, column);
            match test {
                Test::OneOf(values) => values.iter().any(|value| Field::from(value) == field),
                Test::AtLeast(least) => field != Field::Null && field >= Field::from(least),
                Test::AtMost(most) => field != Field::Null && field <= Field::from(most),
                Test::NullOrAbove(least) => field == Field::Null || field > Field::from(least),
            }
        })
    }

    fn is_behind_cursor(&self, scan: &Scan) -> bool {
        let Some(after) = &scan.after else { return true };
        let ordering = ordering(scan).zip(after).map(|((column, direction), value)| {
            turned(direction, self.field(scan.table, column).cmp(&Field::from(value)))
        });
        first_difference(ordering) == Ordering::Greater
    }

    fn compare(&self, other: &Self, scan: &Scan) -> Ordering {
        let columns = ordering(scan).map(|(column, direction)| {
            let (a, b) = (self.field(scan.table, column), other.field(scan.table, column));
            turned(direction, a.cmp(&b))
        });
        let partitions = turned(scan.key_direction(), self.partition.cmp(other.partition));
        first_difference(columns.chain([partitions]))
    }
}

fn ordering(scan: &Scan) -> impl Iterator<Item = (&'static str, Direction)> + '_ {
    scan.order.iter().copied().chain([("key", scan.key_direction())])
}

fn turned(direction: Direction, ordering: Ordering) -> Ordering {
    match direction {
        Direction::Ascending => ordering,
        Direction::Descending => ordering.reverse(),
    }
}

fn first_difference(mut orderings: impl Iterator<Item = Ordering>) -> Ordering {
    orderings.find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[test]
    fn memory_passes_the_suite() {
        conformance::run(|_tables| MemoryStore::new());
    }

    #[test]
    fn clones_share_what_was_committed() {
        let store = MemoryStore::new();
        let again = store.clone();
        let batch = Batch {
            partition: "WS1".into(),
            kind: "routing",
            epoch: 1,
            first: 1,
            at: Timestamp(1),
            changes: vec![StoredChange { kind: "Changed", body: "{}".into() }],
            rows: Vec::new(),
        };
        store.committer().commit(&[batch]).unwrap();
        drop(store);
        assert_eq!(again.partitions().unwrap()[0].last, 1);
    }
}
