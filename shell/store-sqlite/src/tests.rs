//! The suite, and what only a store on a disk can be asked.

mod durability;
mod load;
mod opening;
mod reading;

use super::*;
use std::sync::atomic::AtomicUsize;
use store::{Batch, Column, ColumnKind, RowContent, RowWrite, StoredChange, conformance};

const WORKSPACE: &str = "WS00000000000000000000000000000001";

static TASK: Table = Table {
    name: "task",
    columns: &[
        Column { name: "queue", kind: ColumnKind::Text, changes: false },
        Column { name: "created_at", kind: ColumnKind::Int, changes: false },
        Column { name: "status", kind: ColumnKind::Text, changes: true },
        Column { name: "priority", kind: ColumnKind::Int, changes: true },
        Column { name: "live", kind: ColumnKind::Int, changes: true },
    ],
    indexes: &[&["queue"]],
    live: Some("live"),
};

static RESERVATION: Table = Table {
    name: "reservation",
    columns: &[
        Column { name: "task", kind: ColumnKind::Text, changes: false },
        Column { name: "status", kind: ColumnKind::Text, changes: true },
        Column { name: "live", kind: ColumnKind::Int, changes: true },
    ],
    indexes: &[&["task"]],
    live: Some("live"),
};

static WORKER_LOAD: Table = Table {
    name: "worker_load",
    columns: &[Column { name: "idle_since", kind: ColumnKind::Int, changes: true }],
    indexes: &[],
    live: None,
};

static TABLES: &[&Table] = &[&TASK, &RESERVATION, &WORKER_LOAD];

/// A folder that is removed when the test ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name =
            format!("sinew-store-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn sqlite_passes_the_suite() {
    let folders = std::cell::RefCell::new(Vec::new());
    conformance::run(|tables| {
        let folder = Folder::new();
        let store = SqliteStore::open(&folder.0, Options::default(), tables).unwrap();
        folders.borrow_mut().push(folder);
        store
    });
}

pub(crate) fn open(folder: &Folder) -> SqliteStore {
    SqliteStore::open(&folder.0, Options::default(), TABLES).unwrap()
}

/// A batch with one change and one row of [`TASK`].
pub(crate) fn batch(epoch: u64, first: Seq, key: &str, body: &str) -> Batch {
    let values = vec!["WQ1".into(), 5.into(), "pending".into(), 0.into(), true.into()];
    let content = RowContent { values, body: body.to_owned() };
    Batch {
        partition: WORKSPACE.into(),
        kind: "routing",
        epoch,
        first,
        at: base::Timestamp(1_767_225_600_000),
        changes: vec![StoredChange { kind: "TaskCreated", body: "{}".to_owned() }],
        rows: vec![RowWrite { table: &TASK, key: key.into(), content: Some(content) }],
    }
}

fn keys(store: &SqliteStore) -> Vec<Box<str>> {
    let rows = store.scan(&Scan::all(&TASK)).unwrap();
    rows.into_iter().map(|row| row.key).collect()
}

fn last(store: &SqliteStore) -> Seq {
    store.partitions().unwrap().first().map_or(0, |partition| partition.last)
}
