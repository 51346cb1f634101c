//! Lists from the store, however many keys they are picked by.
//!
//! * A store is asked for a bounded number of keys at once. Where more are wanted (every worker an
//!   expression is true for, the tasks that ended a short while ago), it is asked several times.
//! * Rows that are not wanted are never read: history is long.

use std::collections::BTreeSet;
use store::{Direction, Filter, Row, Scan, Store, StoreError, Test, Value};

/// Keys a store is asked for at once.
const KEYS_ASKED_MAX: usize = 1_000;

/// The rows of a scan.
pub(crate) fn rows(store: &dyn Store, mut scan: Scan) -> Result<Vec<Row>, StoreError> {
    let (long, short): (Vec<_>, Vec<_>) = scan.filters.into_iter().partition(is_long);
    scan.filters = short;
    let picked = long.into_iter().map(keys).reduce(|mut some, others| {
        some.retain(|key| others.contains(key));
        some
    });
    match picked {
        None => store.scan(&scan),
        Some(keys) => by_keys(store, &scan, keys.into_iter().collect()),
    }
}

/// The rows of a scan with these keys, which ascend.
fn by_keys(store: &dyn Store, scan: &Scan, mut keys: Vec<Value>) -> Result<Vec<Row>, StoreError> {
    let runs_by_key = scan.order.iter().all(|(column, _)| *column == "key");
    if runs_by_key {
        let last = scan.after.as_ref().and_then(|after| after.last());
        match scan.order.first() {
            None | Some((_, Direction::Ascending)) => {
                keys.retain(|key| last.is_none_or(|last| key > last));
            }
            Some((_, Direction::Descending)) => {
                keys.retain(|key| last.is_none_or(|last| key < last));
                keys.reverse();
            }
        }
    }
    let mut found = Vec::new();
    for asked in keys.chunks(KEYS_ASKED_MAX) {
        let mut part = scan.clone();
        part.filters.push(Filter { column: "key", test: Test::OneOf(asked.to_vec()) });
        found.extend(store.scan(&part)?);
        if !runs_by_key {
            found.sort_by(|one, other| scan.compare(&scan.cursor(one), &scan.cursor(other)));
        }
        found.truncate(scan.limit);
        // Keys still to be asked for come behind all of these.
        if runs_by_key && found.len() == scan.limit {
            break;
        }
    }
    Ok(found)
}

fn is_long(filter: &Filter) -> bool {
    let Filter { column, test } = filter;
    matches!(test, Test::OneOf(values) if *column == "key" && values.len() > KEYS_ASKED_MAX)
}

fn keys(filter: Filter) -> BTreeSet<Value> {
    match filter.test {
        Test::OneOf(values) => values.into_iter().collect(),
        Test::AtLeast(_) | Test::AtMost(_) | Test::NullOrAbove(_) => {
            unreachable!("only lists of keys are long")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::ACTIVITY;
    use base::Timestamp;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use store::{Batch, Entry, MemoryStore, Partition, RowContent, RowWrite, Seq, Table};

    fn key(n: usize) -> String {
        format!("WA{n:032x}")
    }

    fn filled(count: usize) -> MemoryStore {
        let store = MemoryStore::new();
        let row = |n| RowWrite {
            table: &ACTIVITY,
            key: key(n).into(),
            content: Some(RowContent {
                values: vec![format!("{}", n % 7).as_str().into(), true.into(), 0.into()],
                body: "{}".to_owned(),
            }),
        };
        let rows = (0..count).map(row).collect();
        let batch = Batch {
            partition: "p".into(),
            kind: "routing",
            epoch: 1,
            first: 1,
            at: Timestamp(0),
            changes: Vec::new(),
            rows,
        };
        store.committer().commit(&[batch]).expect("there is room");
        store
    }

    fn scan(keys: impl Iterator<Item = usize>) -> Scan {
        let values = keys.map(|n| Value::from(key(n).as_str())).collect();
        let filters = vec![Filter { column: "key", test: Test::OneOf(values) }];
        Scan { filters, ..Scan::of(&ACTIVITY, "p".into()) }
    }

    #[test]
    fn more_keys_than_are_asked_for_at_once_are_picked_in_order() {
        let store = filled(7_000);
        let even = || (0..7_000).filter(|n| n % 2 == 0);
        let found = rows(&store, scan(even())).expect("readable");
        let found: Vec<&str> = found.iter().map(|row| &*row.key).collect();
        assert_eq!(found, even().map(key).collect::<Vec<_>>());

        let order = vec![("friendly_name", Direction::Descending)];
        let page = Scan { order, limit: 3, ..scan(even()) };
        let first = rows(&store, page.clone()).expect("readable");
        assert_eq!(first.len(), 3);
        let after = Some(page.cursor(&first[2]));
        let next = rows(&store, Scan { after, ..page.clone() }).expect("readable");
        let both: Vec<_> = first.iter().chain(&next).map(|row| row.key.clone()).collect();
        let six = rows(&store, Scan { limit: 6, ..page }).expect("readable");
        assert_eq!(both, six.iter().map(|row| row.key.clone()).collect::<Vec<_>>());
    }

    /// A store that counts the rows it gives.
    struct Counted(MemoryStore, AtomicUsize);

    impl Store for Counted {
        fn committer(&self) -> Box<dyn store::Committer> {
            self.0.committer()
        }
        fn row(&self, table: &'static Table, p: &str, k: &str) -> Result<Option<Row>, StoreError> {
            self.0.row(table, p, k)
        }
        fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreError> {
            let rows = self.0.scan(scan)?;
            self.1.fetch_add(rows.len(), Relaxed);
            Ok(rows)
        }
        fn journal(&self, p: &str, after: Seq, n: usize) -> Result<Vec<Entry>, StoreError> {
            self.0.journal(p, after, n)
        }
        fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
            self.0.partitions()
        }
    }

    #[test]
    fn rows_that_are_not_wanted_are_not_read() {
        let store = Counted(filled(7_000), AtomicUsize::new(0));
        let late = || scan(5_500..7_000);
        assert_eq!(rows(&store, Scan { limit: 51, ..late() }).expect("readable").len(), 51);
        assert_eq!(store.1.swap(0, Relaxed), 51);
        let order = vec![("key", Direction::Descending)];
        let after = Some(vec![key(6_000).as_str().into(), key(6_000).as_str().into()]);
        let back = rows(&store, Scan { limit: 3, order, after, ..late() }).expect("readable");
        let back: Vec<&str> = back.iter().map(|row| &*row.key).collect();
        assert_eq!(back, [key(5_999), key(5_998), key(5_997)]);
        assert_eq!(store.1.swap(0, Relaxed), 3);
        let order = vec![("friendly_name", Direction::Ascending)];
        rows(&store, Scan { limit: 51, order, ..late() }).expect("readable");
        assert_eq!(store.1.load(Relaxed), 2 * 51, "a page of each part");
    }

    #[test]
    fn several_lists_of_keys_must_all_hold() {
        let store = filled(7_000);
        let mut both = scan(0..5_000);
        both.filters.extend(scan(3_000..7_000).filters);
        let found = rows(&store, both).expect("readable");
        let found: Vec<&str> = found.iter().map(|row| &*row.key).collect();
        assert_eq!(found, (3_000..5_000).map(key).collect::<Vec<_>>());
    }

    #[test]
    fn few_keys_are_asked_for_as_they_are() {
        let store = filled(100);
        let found = rows(&store, scan([3, 99, 250].into_iter())).expect("readable");
        assert_eq!(found.iter().map(|row| &*row.key).collect::<Vec<_>>(), [key(3), key(99)]);
    }
}
