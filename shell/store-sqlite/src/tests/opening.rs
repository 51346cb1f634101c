//! Opening: modes, the lock, versions, other people's files, older stores.

use super::{Folder, RESERVATION, TABLES, TASK, WORKER_LOAD, WORKSPACE, batch, keys, last, open};
use crate::{
    OpenError, Options, SqliteStore,
    schema::{self, Migration},
};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;
use store::{Column, ColumnKind, Store, Table, Value};

fn refusal(folder: &Folder, tables: &'static [&'static Table]) -> String {
    let refused = SqliteStore::open(&folder.0, Options::default(), tables);
    refused.expect_err("it must be refused").to_string()
}

fn raw(folder: &Folder) -> Connection {
    Connection::open(folder.0.join("sinew.db")).unwrap()
}

fn names(connection: &Connection, kind: &str) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_master WHERE type = ?1 AND sql IS NOT NULL
               AND name NOT LIKE 'sqlite%' ORDER BY name";
    let mut select = connection.prepare(sql).unwrap();
    let names = select.query_map([kind], |row| row.get(0)).unwrap();
    names.collect::<Result<_, _>>().unwrap()
}

#[test]
fn nobody_else_may_read_the_files() {
    let folder = Folder::new();
    let store = open(&folder);
    let mut committer = store.committer();
    committer.commit(&[batch(1, 1, "WT1", "{}")]).unwrap();
    let mode =
        |name: &str| std::fs::metadata(folder.0.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("."), 0o700);
    for name in ["sinew.db", "sinew.db-wal", "sinew.db-shm", "sinew.lock"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
}

#[test]
fn a_second_server_is_refused() {
    let folder = Folder::new();
    let store = open(&folder);
    let expected = format!("the data folder {} is in use by another server", folder.0.display());
    assert_eq!(refusal(&folder, TABLES), expected);
    let committer = store.committer();
    drop(store);
    assert_eq!(refusal(&folder, TABLES), expected, "its committer still writes");
    drop(committer);
    open(&folder);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = Folder::new();
    std::fs::write(&folder.0, "a file").unwrap();
    let error = refusal(&folder, TABLES);
    assert!(
        error.starts_with(&format!("the data folder {} cannot", folder.0.display())),
        "{error}"
    );
    std::fs::remove_file(&folder.0).unwrap();
}

#[test]
fn a_newer_store_is_left_alone() {
    let folder = Folder::new();
    drop(open(&folder));
    raw(&folder).pragma_update(None, "user_version", 7).unwrap();
    let before = std::fs::read(folder.0.join("sinew.db")).unwrap();
    let known = crate::VERSION;
    let expected = format!("the store has version 7, this program knows versions up to {known}");
    assert_eq!(refusal(&folder, TABLES), expected);
    assert_eq!(std::fs::read(folder.0.join("sinew.db")).unwrap(), before);
}

#[test]
fn files_of_others_are_left_alone() {
    let folder = Folder::new();
    std::fs::create_dir(&folder.0).unwrap();
    let file = folder.0.join("sinew.db");
    let expected = format!("{} is not a store of this program", file.display());

    raw(&folder).execute_batch("CREATE TABLE shopping (item TEXT)").unwrap();
    assert_eq!(refusal(&folder, TABLES), expected);
    assert_eq!(names(&raw(&folder), "table"), ["shopping"]);

    let text = "Dear diary, ".repeat(1000);
    std::fs::write(&file, &text).unwrap();
    assert_eq!(refusal(&folder, TABLES), expected);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn where_there_is_no_store_none_is_read() {
    let folder = Folder::new();
    std::fs::create_dir(&folder.0).unwrap();
    let file = folder.0.join("sinew.db");
    for from in [&folder.0, &file] {
        let refused = SqliteStore::open_to_read(from, &Options::default(), TABLES);
        let refused = refused.err().unwrap().to_string();
        assert_eq!(refused, format!("there is no store at {}", file.display()));
    }
    assert!(!file.exists(), "and none is made");
}

#[test]
fn tables_and_indexes_may_come_and_go() {
    static PLAIN: Table = Table { name: "task", indexes: &[], live: None, ..TASK_COPY };
    const TASK_COPY: Table = Table {
        name: "task",
        columns: TASK.columns,
        indexes: &[&["queue"], &["queue", "created_at"]],
        live: Some("live"),
    };
    static MORE: Table = TASK_COPY;
    static BEFORE: &[&Table] = &[&PLAIN];
    static AFTER: &[&Table] = &[&MORE, &WORKER_LOAD];
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.0, Options::default(), BEFORE).unwrap();
    let mut first = batch(1, 1, "WT1", "{}");
    first.rows[0].table = &PLAIN;
    store.committer().commit(&[first]).unwrap();
    assert!(names(&raw(&folder), "index").is_empty());
    drop(store);

    let store = SqliteStore::open(&folder.0, Options::default(), AFTER).unwrap();
    let indexes = ["task___live", "task__queue", "task__queue__created_at"];
    assert_eq!(names(&raw(&folder), "index"), indexes);
    assert_eq!(store.row(&MORE, WORKSPACE, "WT1").unwrap().unwrap().values[0], "WQ1".into());
    drop(store);

    open(&folder);
    let connection = raw(&folder);
    assert_eq!(
        names(&connection, "index"),
        ["reservation___live", "reservation__task", "task___live", "task__queue"]
    );
    let tables = ["journal", "partition", "reservation", "task", "worker_load"];
    assert_eq!(names(&connection, "table"), tables);
}

#[test]
fn a_changed_table_needs_a_migration() {
    static OTHER: Table = Table {
        name: "worker_load",
        columns: &[Column { name: "idle_since", kind: ColumnKind::Text, changes: true }],
        indexes: &[],
        live: None,
    };
    static OTHERS: &[&Table] = &[&OTHER];
    let folder = Folder::new();
    drop(open(&folder));
    let expected = "table worker_load of the store has columns partition INTEGER, key TEXT, \
                    idle_since INTEGER, body TEXT, not partition INTEGER, key TEXT, \
                    idle_since TEXT, body TEXT";
    assert_eq!(refusal(&folder, OTHERS), expected);
    open(&folder);
}

#[test]
fn migrations_run_in_order_and_once() {
    const STEPS: &[Migration] = &[
        Migration { to: 2, sql: "ALTER TABLE worker_load RENAME COLUMN idle_since TO idle" },
        Migration { to: 3, sql: "UPDATE worker_load SET idle = idle + 1" },
    ];
    static RENAMED: Table = Table {
        name: "worker_load",
        columns: &[Column { name: "idle", kind: ColumnKind::Int, changes: true }],
        indexes: &[],
        live: None,
    };
    let folder = Folder::new();
    drop(open(&folder));
    let mut connection = raw(&folder);
    connection.execute("INSERT INTO worker_load VALUES (1, 'WK', 41, '{}')", []).unwrap();
    let mut prepare = |table, steps| {
        schema::prepare_with(&mut connection, &folder.0, &[table], steps).unwrap();
        connection.query_row("SELECT * FROM worker_load", [], |row| row.get::<_, i64>(2)).unwrap()
    };
    assert_eq!(prepare(&WORKER_LOAD, &[]), 41);
    assert_eq!(prepare(&RENAMED, STEPS), 42);
    assert_eq!(prepare(&RENAMED, STEPS), 42);
    let refused = schema::prepare_with(&mut connection, &folder.0, &[&WORKER_LOAD], &STEPS[..1]);
    assert!(matches!(refused, Err(OpenError::Newer { found: 3, known: 2 })), "{refused:?}");
}

#[test]
fn a_failed_migration_changes_nothing() {
    const STEPS: &[Migration] = &[
        Migration { to: 2, sql: "ALTER TABLE worker_load RENAME COLUMN idle_since TO idle" },
        Migration { to: 3, sql: "UPDATE nonsense SET idle = 1" },
    ];
    let folder = Folder::new();
    drop(open(&folder));
    let mut connection = raw(&folder);
    let refused = schema::prepare_with(&mut connection, &folder.0, &[&WORKER_LOAD], STEPS);
    assert!(matches!(refused, Err(OpenError::Sqlite(_))), "{refused:?}");
    drop(connection);
    open(&folder);
}

/// The sample was written by the first version; it must open in every later one.
#[test]
fn a_store_of_the_first_version_opens() {
    let folder = Folder::new();
    std::fs::create_dir(&folder.0).unwrap();
    raw(&folder).execute_batch(include_str!("samples/version-1.sql")).unwrap();
    let store = open(&folder);
    assert_eq!((last(&store), keys(&store).len()), (6, 2));
    let task = store.row(&TASK, WORKSPACE, "WT2").unwrap().unwrap();
    let values = ["WQ1".into(), 1_767_225_600_500.into(), "assigned".into(), 3.into(), 1.into()];
    assert_eq!(task.values, values);
    assert_eq!(task.body, "{\"attributes\":\"{\\\"language\\\":\\\"fr\\\"}\"}");
    let reservation = store.row(&RESERVATION, WORKSPACE, "WR2").unwrap().unwrap();
    assert_eq!(reservation.values, ["WT2".into(), "accepted".into(), Value::Int(1)]);
    assert_eq!(store.journal(WORKSPACE, 4, 10).unwrap()[0].kind, "ReservationCreated");
    store.committer().commit(&[batch(1, 7, "WT3", "{}")]).unwrap();
}
