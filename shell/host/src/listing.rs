//! Lists from the store, however many keys they are picked by.
//!
//! * A store is asked for a bounded number of keys at once. Where more are wanted (every worker an
//!   expression is true for), rows are read in order and picked here.

use std::collections::BTreeSet;
use store::{Filter, Row, Scan, Store, StoreError, Test, Value};

/// Keys a store is asked for at once.
const KEYS_ASKED_MAX: usize = 1_000;
/// Rows read at once where they are picked here.
const ROWS_READ: usize = 2_000;

/// The rows of a scan.
pub(crate) fn rows(store: &dyn Store, mut scan: Scan) -> Result<Vec<Row>, StoreError> {
    let (long, short): (Vec<_>, Vec<_>) = scan.filters.into_iter().partition(is_long);
    scan.filters = short;
    let picked: Vec<BTreeSet<Value>> = long.into_iter().map(keys).collect();
    if picked.is_empty() {
        return store.scan(&scan);
    }
    let (wanted, mut found) = (std::mem::replace(&mut scan.limit, ROWS_READ), Vec::new());
    loop {
        let read = store.scan(&scan)?;
        let is_last = read.len() < scan.limit;
        scan.after = read.last().map(|row| scan.cursor(row));
        let is_picked = |row: &Row| {
            let key = Value::from(&*row.key);
            picked.iter().all(|keys| keys.contains(&key))
        };
        found.extend(read.into_iter().filter(is_picked));
        if is_last || found.len() >= wanted {
            found.truncate(wanted);
            return Ok(found);
        }
    }
}

fn is_long(filter: &Filter) -> bool {
    let Filter { column, test } = filter;
    matches!(test, Test::OneOf(values) if *column == "key" && values.len() > KEYS_ASKED_MAX)
}

fn keys(filter: Filter) -> BTreeSet<Value> {
    match filter.test {
        Test::OneOf(values) => values.into_iter().collect(),
        Test::AtLeast(_) | Test::AtMost(_) => unreachable!("only lists of keys are long"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::ACTIVITY;
    use base::Timestamp;
    use store::{Batch, Direction, MemoryStore, RowContent, RowWrite};

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
            outgoing: Vec::new(),
            settled: Vec::new(),
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

    #[test]
    fn few_keys_are_asked_for_as_they_are() {
        let store = filled(100);
        let found = rows(&store, scan([3, 99, 250].into_iter())).expect("readable");
        assert_eq!(found.iter().map(|row| &*row.key).collect::<Vec<_>>(), [key(3), key(99)]);
    }
}
