//! What a workspace was when its journal begins, kept once the first entries are forgotten.
//!
//! * The rows of the engine as of the newest forgotten entry, and one that tells which that is.
//!   They are written in the transaction that forgets the entries, so they and the journal fit
//!   together at every moment, wherever a process ends.
//! * They are moved on by a copy that is led through the entries that go; what is running is not
//!   asked. The copy is as large as the workspace was, and is there only while entries go.
//! * Nothing but this and those who look back reads them: a restart does not.

use crate::{
    adapters::{RoutingEngine, kind_of},
    engine::{Engine, Loaded},
    tables::BEGINNING,
};
use base::Timestamp;
use routing::StoredRow;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};
use store::{
    Entry, PartitionId, Row, RowContent, RowWrite, Scan, Seq, Store, StoreError, Table, Value,
};

/// The row that tells how far the others go.
const MARK: &str = "beginning";
/// Rows read at once.
const ROWS_AT_ONCE: usize = 1_000;
/// How often rows are read again because entries were forgotten meanwhile.
const TRIES: usize = 5;

/// The newest entry that is forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its number; 0 where nothing is forgotten.
    pub seq: Seq,
    /// The time of its turn.
    pub at: Timestamp,
}

/// What a workspace was after a change. Where nothing is forgotten it is empty, as every workspace
/// was before its first change.
#[derive(Clone, Debug, Default)]
pub struct Beginning {
    /// After which.
    pub mark: Mark,
    /// Its rows, in no order that matters.
    pub rows: Vec<StoredRow>,
}

impl Beginning {
    /// Reads it, with each row as `pick` wants it. An error where entries go on being forgotten
    /// meanwhile, which is for others in this process to prevent.
    pub fn read(
        store: &dyn Store,
        partition: &str,
        pick: impl Fn(StoredRow) -> StoredRow,
    ) -> Result<Self, StoreError> {
        for _ in 0..TRIES {
            let before = mark(store, partition)?;
            let Some(mark) = before else { return Ok(Self::default()) };
            let mut rows = Vec::new();
            for loaded in Kept::of(store, partition) {
                let (table, row) = loaded?;
                rows.push(pick(parsed(table, &row)?));
            }
            if self::mark(store, partition)? == before {
                return Ok(Self { mark, rows });
            }
        }
        Err(StoreError("entries of the journal are being forgotten: try again".to_owned()))
    }
}

fn parsed(table: &'static Table, row: &Row) -> Result<StoredRow, StoreError> {
    // The error tells a place, never a value.
    StoredRow::parse(kind_of(table), &row.body)
        .map_err(|error| StoreError(format!("a row of table {}: {error}", BEGINNING.name)))
}

fn mark(store: &dyn Store, partition: &str) -> Result<Option<Mark>, StoreError> {
    let Some(row) = store.row(&BEGINNING, partition, MARK)? else { return Ok(None) };
    let unreadable = |error| StoreError(format!("row {MARK} of table {}: {error}", BEGINNING.name));
    serde_json::from_str(&row.body).map(Some).map_err(unreadable)
}

/// The copy that is led through what is to be forgotten.
pub struct Mover {
    engine: RoutingEngine,
    mark: Mark,
    /// Keys of rows of what ended: nothing tells when the engine lets go of it.
    ended: BTreeSet<Box<str>>,
}

impl Mover {
    /// A copy as of the entry before `first`; `None` where that is not known any more.
    pub fn load(
        store: &dyn Store,
        partition: &PartitionId,
        first: Seq,
    ) -> Result<Option<Self>, StoreError> {
        let mark = mark(store, partition)?.unwrap_or_default();
        if mark.seq + 1 != first {
            return Ok(None);
        }
        let (mut ended, mut failed) = (BTreeSet::new(), None);
        let mut rows = Kept::of(store, partition).map_while(|kept| match kept {
            Ok((table, row)) => {
                if row.values == [Value::Int(0)] {
                    ended.insert(row.key.clone());
                }
                Some(Loaded { table, rows: vec![row] })
            }
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        let engine = RoutingEngine::restore(partition, &mut rows);
        drop(rows);
        match failed {
            Some(error) => Err(error),
            None => Ok(Some(Self { engine: engine.map_err(StoreError)?, mark, ended })),
        }
    }

    /// The newest entry that was taken in.
    pub fn reached(&self) -> Seq {
        self.mark.seq
    }

    /// Takes in the entries that follow, and answers what is written in their place.
    pub fn take_in(&mut self, entries: &[Entry]) -> Result<Vec<RowWrite>, StoreError> {
        let mut touched = Vec::new();
        self.engine.retrace(entries, &mut touched).map_err(StoreError)?;
        let mut kept: Vec<RowWrite> = touched.into_iter().map(|row| self.keep(row)).collect();
        let engine = &self.engine;
        let let_go: Vec<Box<str>> =
            self.ended.extract_if(.., |key| !remembers(engine, key)).collect();
        kept.extend(let_go.into_iter().map(|key| written(key, None)));
        if let Some(newest) = entries.last() {
            self.mark = Mark { seq: newest.seq, at: newest.at };
        }
        let body = serde_json::to_string(&self.mark).expect("a mark is plain data");
        kept.push(written(MARK.into(), Some((true, body))));
        Ok(kept)
    }

    fn keep(&mut self, row: RowWrite) -> RowWrite {
        let key: Box<str> = format!("{}/{}", row.table.name, row.key).into();
        let Some(content) = row.content else {
            self.ended.remove(&key);
            return written(key, None);
        };
        let live = row.table.live.and_then(|column| row.table.position(column));
        let is_live = live.is_none_or(|at| content.values[at] != Value::Int(0));
        if is_live {
            self.ended.remove(&key);
        } else if remembers(&self.engine, &key) {
            self.ended.insert(key.clone());
        } else {
            return written(key, None);
        }
        written(key, Some((is_live, content.body)))
    }
}

/// Whether the engine still holds what ended.
fn remembers(engine: &RoutingEngine, key: &str) -> bool {
    split(key).is_some_and(|(table, key)| engine.remembers(table, key))
}

fn written(key: Box<str>, content: Option<(bool, String)>) -> RowWrite {
    let content = content.map(|(is_live, body)| RowContent { values: vec![is_live.into()], body });
    RowWrite { table: &BEGINNING, key, content }
}

/// The table and the key there.
fn split(key: &str) -> Option<(&'static Table, &str)> {
    let (name, key) = key.split_once('/')?;
    let table = RoutingEngine::TABLES.iter().copied().find(|table| table.name == name)?;
    Some((table, key))
}

/// The rows of the state, some at a time, each with its table.
struct Kept<'a> {
    store: &'a dyn Store,
    scan: Option<Scan>,
    read: std::vec::IntoIter<Row>,
}

impl<'a> Kept<'a> {
    fn of(store: &'a dyn Store, partition: &str) -> Self {
        let scan = Scan { limit: ROWS_AT_ONCE, ..Scan::of(&BEGINNING, Arc::from(partition)) };
        Self { store, scan: Some(scan), read: Vec::new().into_iter() }
    }
}

impl Iterator for Kept<'_> {
    type Item = Result<(&'static Table, Row), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            for row in self.read.by_ref() {
                if let Some((table, _)) = split(&row.key) {
                    return Some(Ok((table, row)));
                }
            }
            let mut scan = self.scan.take()?;
            match self.store.scan(&scan) {
                Ok(rows) => {
                    if rows.len() == scan.limit {
                        scan.after = rows.last().map(|row| scan.cursor(row));
                        self.scan = Some(scan);
                    }
                    self.read = rows.into_iter();
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
