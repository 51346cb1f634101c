//! Reading: limits in time, indexes in use, readers in the way.

use super::{Folder, TABLES, TASK, WORKSPACE, batch, open};
use crate::{Options, SqliteStore, connect};
use std::time::Duration;
use store::{
    Column, ColumnKind, Direction, Filter, RowContent, Scan, Seq, Store, Table, Test, Value,
};

#[test]
fn a_read_that_takes_too_long_is_broken_off() {
    let folder = Folder::new();
    let options = Options { read_limit: Duration::ZERO, ..Options::default() };
    let store = SqliteStore::open(&folder.0, options, TABLES).unwrap();
    let mut committer = store.committer();
    for n in 0..20 {
        let mut group = batch(1, n + 1, "WT", "{}");
        group.rows = (0..100)
            .map(|m| {
                let key = format!("WT{n:02}{m:02}");
                store::RowWrite { key: key.into(), ..group.rows[0].clone() }
            })
            .collect();
        committer.commit(&[group]).unwrap();
    }
    let error = store.scan(&Scan::all(&TASK)).unwrap_err();
    assert_eq!(error.to_string(), "the store could not be read: it took longer than 0 ms");
    let row = store.row(&TASK, WORKSPACE, "WT0000").unwrap();
    assert!(row.is_some(), "the connection is still good");
}

fn plan(store: &SqliteStore, scan: &Scan) -> String {
    let statements = store.shared.table(scan.table);
    let text = format!("EXPLAIN QUERY PLAN {}", crate::scan::text(scan, statements));
    let explain = |reader: &crate::reader::Reader| {
        let mut explain = reader.prepare(&text)?;
        let mut rows = explain.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next()? {
            steps.push(row.get::<_, String>(3)?);
        }
        Ok(steps.join("; "))
    };
    store.read(explain).unwrap()
}

#[test]
fn frequent_questions_use_an_index_and_sort_nothing() {
    let folder = Folder::new();
    let store = open(&folder);
    let one = |column, value: &str| {
        let value = if column == "live" { Value::Int(1) } else { value.into() };
        vec![Filter { column, test: Test::OneOf(vec![value]) }]
    };
    let of = || Scan::of(&TASK, WORKSPACE.into());
    let after = || Some(vec!["WT1".into()]);
    let down = || vec![("key", Direction::Descending)];
    let expected = [
        (of(), "SEARCH task USING INDEX sqlite_autoindex_task_1 (partition=?)"),
        (
            Scan { order: down(), ..of() },
            "SEARCH task USING INDEX sqlite_autoindex_task_1 (partition=?)",
        ),
        (
            Scan { after: after(), ..of() },
            "SEARCH task USING INDEX sqlite_autoindex_task_1 (partition=? AND key>?)",
        ),
        (
            Scan { filters: one("live", ""), ..of() },
            "SEARCH task USING INDEX task___live (partition=?)",
        ),
        (
            Scan { filters: one("live", ""), after: after(), ..of() },
            "SEARCH task USING INDEX task___live (partition=? AND key>?)",
        ),
        (
            Scan { filters: [one("live", ""), one("queue", "WQ1")].concat(), ..of() },
            "SEARCH task USING INDEX task___live (partition=?)",
        ),
        (
            Scan { filters: one("queue", "WQ1"), after: after(), ..of() },
            "SEARCH task USING INDEX task__queue (partition=? AND queue=? AND key>?)",
        ),
        (
            Scan { filters: one("queue", "WQ1"), order: down(), ..of() },
            "SEARCH task USING INDEX task__queue (partition=? AND queue=?)",
        ),
    ];
    for (scan, steps) in expected {
        let number = "SCALAR SUBQUERY 1; SEARCH partition USING COVERING INDEX \
                      sqlite_autoindex_partition_1 (id=?)";
        assert_eq!(plan(&store, &scan), format!("{steps}; {number}"), "{scan:?}");
    }
}

#[test]
fn a_page_of_a_range_begins_at_its_cursor() {
    let folder = Folder::new();
    let store = open(&folder);
    let bounds = |from: &str, to: &str| {
        let (from, to) = (Test::AtLeast(from.into()), Test::AtMost(to.into()));
        vec![Filter { column: "key", test: from }, Filter { column: "key", test: to }]
    };
    let text = |filters, order, after: Vec<Value>| {
        let scan = Scan { filters, order, after: Some(after), ..Scan::of(&TASK, WORKSPACE.into()) };
        crate::scan::text(&scan, store.shared.table(&TASK))
    };
    let up = text(bounds("WT1", "WT9"), Vec::new(), vec!["WT5".into()]);
    assert!(up.contains(r#""key" > ?"#) && !up.contains(">="), "{up}");
    let down = vec![("key", Direction::Descending)];
    let down = text(bounds("WT1", "WT9"), down, vec!["WT5".into(), "WT5".into()]);
    assert!(down.contains(r#""key" < ?"#) && !down.contains("<="), "{down}");
    // A cursor that lies before the range does not widen it.
    let before = text(bounds("WT1", "WT9"), Vec::new(), vec!["WT0".into()]);
    assert!(before.contains(r#""key" >= ?"#), "{before}");
}

/// Somebody looks into the file with another program and forgets to finish.
#[test]
fn the_log_shrinks_again_when_a_reader_lets_go() {
    let folder = Folder::new();
    let store = open(&folder);
    let mut committer = store.committer();
    let mut first = 0;
    let mut write = |count: u64| {
        for _ in 0..count {
            first += 1;
            // SQLite writes no page whose content stays the same.
            let body = format!("{first:06}").repeat(17_000);
            committer.commit(&[batch(1, first, "WT1", &body)]).unwrap();
            committer.after(false);
        }
    };
    write(1);
    let other = rusqlite::Connection::open(folder.0.join("sinew.db")).unwrap();
    other.execute_batch("BEGIN; SELECT * FROM task").unwrap();
    write(500);
    assert!(store.wal_bytes() > 48 << 20, "the reader is in the way: {}", store.wal_bytes());
    other.execute_batch("COMMIT").unwrap();
    // The thread that copies may have to wait for a processor.
    let is_reused = (0..50).any(|_| {
        write(100);
        store.wal_bytes() < 40 << 20
    });
    assert!(is_reused, "the log stayed at {} bytes", store.wal_bytes());
}

static MOVED: Table = Table {
    name: "moved",
    columns: &[
        Column { name: "queue", kind: ColumnKind::Text, changes: true },
        Column { name: "priority", kind: ColumnKind::Int, changes: true },
        Column { name: "live", kind: ColumnKind::Int, changes: true },
    ],
    indexes: &[&["queue"]],
    live: Some("live"),
};

static MOVED_ALONE: &[&Table] = &[&MOVED];

#[test]
fn a_row_is_found_by_an_indexed_column_whether_a_write_changed_it_or_not() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.0, Options::default(), MOVED_ALONE).unwrap();
    let mut committer = store.committer();
    let steps: [(Option<&str>, i64, bool); 8] = [
        (None, 0, true),
        (Some("WQ1"), 0, true),
        (Some("WQ1"), 1, true),
        (Some("WQ2"), 2, true),
        (Some("WQ2"), 3, false),
        (Some("WQ3"), 4, false),
        (None, 5, false),
        (Some("WQ1"), 6, true),
    ];
    for (at, (queue, priority, live)) in steps.into_iter().enumerate() {
        let values: Vec<Value> = vec![queue.into(), priority.into(), live.into()];
        let mut batch = batch(1, at as Seq + 1, "WT1", "{}");
        batch.rows[0].table = &MOVED;
        batch.rows[0].content = Some(RowContent { values: values.clone(), body: "{}".to_owned() });
        committer.commit(&[batch]).unwrap();
        let found = |column, value: Value| {
            let mut scan = Scan::of(&MOVED, WORKSPACE.into());
            scan.filters = vec![Filter { column, test: Test::OneOf(vec![value]) }];
            store.scan(&scan).unwrap().into_iter().map(|row| row.values).collect::<Vec<_>>()
        };
        for other in ["WQ1", "WQ2", "WQ3"] {
            let wanted = if Some(other) == queue { vec![values.clone()] } else { Vec::new() };
            assert_eq!(found("queue", other.into()), wanted, "step {at}, {other}");
        }
        let wanted = if live { vec![values.clone()] } else { Vec::new() };
        assert_eq!(found("live", true.into()), wanted, "step {at}");
    }
    let connection = connect(&store.shared.file).unwrap();
    let intact: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(intact, "ok");
}
