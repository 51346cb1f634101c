//! Checks: scans against a naive model over random data.

use super::{
    Check,
    data::{ALPHA, BETA, JOB, Numbers, batch, job, removed},
};
use crate::{Direction, Filter, Row, Scan, Store, Table, Test, Value};
use std::{cmp::Ordering, collections::BTreeMap};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "scans answer as the model does", run: scans_answer_as_the_model_does },
    Check { name: "each filter with each order and cursor", run: each_filter_order_and_cursor },
    Check { name: "pages together are the whole", run: pages_together_are_the_whole },
    Check { name: "a long list of values is a filter too", run: a_long_list_is_a_filter_too },
];

const COLUMNS: &[&str] = &["queue", "created_at", "status", "priority", "open", "key"];

/// All rows, in no order that matters.
type Model = Vec<Row>;

/// Fills the store by inserts, updates and removals, and says what must be in it.
fn fill(store: &dyn Store, numbers: &mut Numbers, writes: u64) -> Model {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    let mut committer = store.committer();
    let mut firsts = BTreeMap::from([(ALPHA.to_owned(), 1), (BETA.to_owned(), 1)]);
    for _ in 0..writes {
        let partition = numbers.partition();
        // The name of the partition makes keys unique in the table, as SIDs are.
        let key = format!("{}{:02}", &partition[2..3], numbers.below(60));
        let values = [numbers.text(), numbers.int(), numbers.text(), numbers.int(), numbers.flag()];
        let body = format!("{{\"n\":{}}}", numbers.below(1000));
        let first = firsts.get_mut(&*partition).expect("one of the two");
        let write = batch(&partition, 1, *first).changes(1);
        *first += 1;
        let id = (partition.to_string(), key.clone());
        if numbers.below(5) == 0 {
            rows.remove(&id);
            committer.commit(&[write.row(removed(&JOB, &key))]).expect("it follows");
            continue;
        }
        committer.commit(&[write.row(job(&key, values.clone(), &body))]).expect("it follows");
        let new = Row { partition, key: key.into(), values: values.to_vec(), body };
        let row = rows.entry(id).or_insert_with(|| new.clone());
        row.body = new.body;
        for (at, column) in JOB.columns.iter().enumerate().filter(|(_, c)| c.changes) {
            assert_eq!(JOB.position(column.name), Some(at));
            row.values[at] = new.values[at].clone();
        }
    }
    rows.into_values().collect()
}

fn value_of(table: &Table, row: &Row, column: &str) -> Value {
    let at = table.columns.iter().position(|c| c.name == column);
    at.map_or_else(|| Value::from(&*row.key), |at| row.values[at].clone())
}

fn model_passes(row: &Row, filter: &Filter) -> bool {
    let value = value_of(&JOB, row, filter.column);
    match &filter.test {
        Test::OneOf(values) => values.contains(&value),
        Test::AtLeast(_) | Test::AtMost(_) if value == Value::Null => false,
        Test::AtLeast(least) => value >= *least,
        Test::AtMost(most) => value <= *most,
        Test::NullOrAbove(least) => value == Value::Null || value > *least,
    }
}

/// Compares two lists of ordering values, the last of which is the key.
fn model_compare(scan: &Scan, a: &[Value], b: &[Value]) -> Ordering {
    let last = scan.order.last().map_or(Direction::Ascending, |(_, direction)| *direction);
    let directions = scan.order.iter().map(|(_, direction)| *direction).chain([last]);
    for ((a, b), direction) in a.iter().zip(b).zip(directions) {
        match (a.cmp(b), direction) {
            (Ordering::Equal, _) => {}
            (ordering, Direction::Ascending) => return ordering,
            (ordering, Direction::Descending) => return ordering.reverse(),
        }
    }
    Ordering::Equal
}

fn model_scan(model: &Model, scan: &Scan) -> Vec<Row> {
    let place = |row: &Row| -> Vec<Value> {
        let columns = scan.order.iter().map(|(column, _)| *column).chain(["key"]);
        columns.map(|column| value_of(&JOB, row, column)).collect()
    };
    let mut rows = model.clone();
    rows.retain(|row| scan.partition.as_ref().is_none_or(|p| *p == row.partition));
    rows.retain(|row| scan.filters.iter().all(|filter| model_passes(row, filter)));
    rows.sort_by(|a, b| model_compare(scan, &place(a), &place(b)));
    if let Some(after) = &scan.after {
        rows.retain(|row| model_compare(scan, &place(row), after) == Ordering::Greater);
    }
    rows.truncate(scan.limit);
    rows
}

/// A value that the column may hold, whether a row has it or not.
fn some_value(numbers: &mut Numbers, model: &Model, column: &str) -> Value {
    match column {
        "key" => Value::from(&*numbers.pick(model).key),
        "queue" | "status" => numbers.text(),
        "open" => numbers.flag(),
        _ => numbers.int(),
    }
}

fn some_test(numbers: &mut Numbers, model: &Model, column: &str, form: usize) -> Test {
    match form {
        0 => Test::AtLeast(some_value(numbers, model, column)),
        1 => Test::AtMost(some_value(numbers, model, column)),
        2 => Test::NullOrAbove(some_value(numbers, model, column)),
        n => Test::OneOf((3..n).map(|_| some_value(numbers, model, column)).collect()),
    }
}

fn check(store: &dyn Store, model: &Model, scan: &Scan) -> Vec<Row> {
    let found = store.scan(scan).expect("readable");
    assert_eq!(found, model_scan(model, scan), "{scan:?}");
    found
}

fn scans_answer_as_the_model_does(store: &dyn Store) {
    let mut numbers = Numbers(20_260_131);
    let model = fill(store, &mut numbers, 400);
    for _ in 0..1500 {
        let mut scan = Scan::all(&JOB);
        scan.partition = (numbers.below(3) > 0).then(|| numbers.partition());
        for _ in 0..numbers.below(3) {
            let column = *numbers.pick(COLUMNS);
            let form = numbers.below(8);
            let test = some_test(&mut numbers, &model, column, form);
            scan.filters.push(Filter { column, test });
        }
        for _ in 0..numbers.below(4) {
            let direction = *numbers.pick(&[Direction::Ascending, Direction::Descending]);
            let column = *numbers.pick(COLUMNS);
            scan.order.push((column, direction));
        }
        scan.limit = *numbers.pick(&[0, 1, 5, 50, usize::MAX]);
        check(store, &model, &scan);
        // A cursor of a row that exists, and one whose key may be gone.
        scan.after = Some(scan.cursor(numbers.pick(&model)));
        check(store, &model, &scan);
        if let Some(key) = scan.after.as_mut().and_then(|after| after.last_mut()) {
            *key = Value::from(format!("b{:02}x", numbers.below(60)).as_str());
        }
        check(store, &model, &scan);
    }
}

fn each_filter_order_and_cursor(store: &dyn Store) {
    let mut numbers = Numbers(7);
    let model = fill(store, &mut numbers, 150);
    let directions = [Direction::Ascending, Direction::Descending];
    for column in COLUMNS {
        for form in 0..7 {
            let test = some_test(&mut numbers, &model, column, form);
            for by in COLUMNS {
                for direction in directions {
                    let filters = vec![Filter { column, test: test.clone() }];
                    let order = vec![(*by, direction)];
                    let partition = (form % 2 == 0).then(|| numbers.partition());
                    let mut scan = Scan { filters, order, partition, ..Scan::all(&JOB) };
                    check(store, &model, &scan);
                    scan.after = Some(scan.cursor(numbers.pick(&model)));
                    scan.limit = 7;
                    check(store, &model, &scan);
                }
            }
        }
    }
}

fn pages_together_are_the_whole(store: &dyn Store) {
    let mut numbers = Numbers(99);
    let model = fill(store, &mut numbers, 300);
    let (up, down) = (Direction::Ascending, Direction::Descending);
    let orders = [
        vec![],
        vec![("key", down)],
        vec![("created_at", up)],
        vec![("created_at", down)],
        vec![("priority", down), ("created_at", up)],
        vec![("queue", up), ("status", down), ("priority", up)],
    ];
    for order in orders {
        let whole = Scan { order, ..Scan::all(&JOB) };
        let mut page = Scan { limit: 9, ..whole.clone() };
        let mut collected = Vec::new();
        loop {
            let rows = check(store, &model, &page);
            let Some(last) = rows.last() else { break };
            page.after = Some(page.cursor(last));
            collected.extend(rows);
        }
        assert_eq!(collected, model_scan(&model, &whole), "{whole:?}");
    }
}

fn a_long_list_is_a_filter_too(store: &dyn Store) {
    let mut numbers = Numbers(3);
    let model = fill(store, &mut numbers, 100);
    for count in [0, 1, 2, 3, 17, 1_000, 5_000] {
        let mut keys: Vec<Value> = (0..count).map(|n| format!("none{n}").as_str().into()).collect();
        keys.extend(model.iter().take(count / 2).map(|row| Value::from(&*row.key)));
        let filters = vec![Filter { column: "key", test: Test::OneOf(keys) }];
        check(store, &model, &Scan { filters, ..Scan::all(&JOB) });
    }
}
