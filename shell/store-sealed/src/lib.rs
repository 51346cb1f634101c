//! Encryption at rest, around any store.
//!
//! * What customers may have written leaves the process enciphered: every body, every change and
//!   every column declared as a payload. A body that holds nothing (`{}`) is left as it is.
//! * Keys of rows and columns that are compared or ordered by stay plain: the store works with
//!   them.
//! * New texts are under the newest key. What is under an older one, or was plain before there was
//!   a key, is written anew a little at a time, between commits ([`store::Committer::tend`]).
//! * The store itself says which keys it needs ([`TABLE`]). Without them, or with another key of
//!   that id, nothing is opened and nothing changed.
//! * Once everything is enciphered, plain text is refused like any other that was tampered with.
//!
//! Knows no engine, and nothing of where the inner store keeps what it is given.

mod cipher;
mod committer;
mod key;
mod marks;
mod pass;
mod survey;

pub use key::{Key, KeyError, Keys};
pub use marks::{PARTITION, State, TABLE, forget_remains};
pub use survey::{Counts, Survey, survey};

use cipher::{Broken, Opener, Place};
use committer::SealedCommitter;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use store::{
    ColumnKind, CommitError, Committer, Entry, Partition, Row, Scan, Seq, Store, StoreError, Table,
    Value,
};

/// Why a store was not opened. Nothing in it was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Keys that the store needs are not configured.
    #[error(
        "the store holds what was enciphered with {}, and the configuration does not have it \
         (encryption.keys)",
        listed(.ids)
    )]
    Missing {
        /// Their ids.
        ids: Vec<String>,
    },
    /// A key has the right id and is another one.
    #[error(
        "the configured encryption key '{id}' is not the one that the store was enciphered with"
    )]
    Wrong {
        /// Its id.
        id: String,
    },
    /// The store's own list of keys cannot be understood.
    #[error("the store's list of encryption keys makes no sense")]
    Marks,
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// The store could not be told of the newest key.
    #[error("the store could not be told of the encryption key: {0}")]
    Commit(#[from] CommitError),
}

fn listed(ids: &[String]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    match ids.len() {
        1 => format!("key {}", ids[0]),
        _ => format!("keys {}", ids.join(", ")),
    }
}

/// A store around another that is handed nothing of what customers wrote.
pub struct SealedStore {
    shared: Arc<Shared>,
}

struct Shared {
    opener: Opener,
    tables: &'static [&'static Table],
    /// Whether there may be plain text from before there was a key.
    has_plain: AtomicBool,
    inner: Arc<dyn Store>,
}

/// Refuses a store that cannot be used without a key.
pub fn expect_plain(store: &dyn Store) -> Result<(), SealError> {
    let state = State::read(store)?;
    match state.keys.is_empty() {
        true => Ok(()),
        false => Err(SealError::Missing { ids: state.keys }),
    }
}

impl SealedStore {
    /// Opens a store to read and write it. `tables` are those it was opened with, [`TABLE`]
    /// included. It has no committer yet.
    pub fn open(
        inner: Arc<dyn Store>,
        keys: Keys,
        tables: &'static [&'static Table],
    ) -> Result<Self, SealError> {
        let found = marks::check(&*inner, &keys)?;
        let has_plain = marks::begin(&*inner, &keys, &found)?;
        Ok(Self::of(inner, keys, tables, has_plain))
    }

    /// Opens a store to read it only.
    pub fn open_to_read(
        inner: Arc<dyn Store>,
        keys: Keys,
        tables: &'static [&'static Table],
    ) -> Result<Self, SealError> {
        let found = marks::check(&*inner, &keys)?;
        let has_plain = found.has_plain || found.keys.is_empty();
        Ok(Self::of(inner, keys, tables, has_plain))
    }

    fn of(
        inner: Arc<dyn Store>,
        keys: Keys,
        tables: &'static [&'static Table],
        has_plain: bool,
    ) -> Self {
        let (opener, has_plain) = (Opener::new(keys), AtomicBool::new(has_plain));
        Self { shared: Arc::new(Shared { opener, tables, has_plain, inner }) }
    }
}

impl fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedStore").field("keys", self.shared.opener.keys()).finish()
    }
}

impl Store for SealedStore {
    fn committer(&self) -> Box<dyn Committer> {
        Box::new(SealedCommitter::new(self.shared.clone()))
    }

    fn row(
        &self,
        table: &'static Table,
        partition: &str,
        key: &str,
    ) -> Result<Option<Row>, StoreError> {
        let reading = self.shared.reading();
        let row = self.shared.inner.row(table, partition, key)?;
        row.map(|row| reading.row(table, row)).transpose()
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreError> {
        let reading = self.shared.reading();
        let rows = self.shared.inner.scan(scan)?;
        rows.into_iter().map(|row| reading.row(scan.table, row)).collect()
    }

    fn journal(&self, partition: &str, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let reading = self.shared.reading();
        let entries = self.shared.inner.journal(partition, after, limit)?;
        entries.into_iter().map(|entry| reading.entry(partition, entry)).collect()
    }

    fn journal_start(&self, partition: &str) -> Result<Seq, StoreError> {
        self.shared.inner.journal_start(partition)
    }

    fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
        let mut partitions = self.shared.inner.partitions()?;
        partitions.retain(|partition| &*partition.id != PARTITION);
        Ok(partitions)
    }
}

impl Shared {
    /// To be taken before the inner store is asked: what it answers from a moment ago may be plain
    /// when nothing is any more.
    fn reading(&self) -> Reading<'_> {
        Reading { opener: &self.opener, has_plain: self.has_plain.load(Ordering::Acquire) }
    }
}

/// One look into the inner store.
struct Reading<'a> {
    opener: &'a Opener,
    has_plain: bool,
}

impl Reading<'_> {
    fn row(&self, table: &Table, row: Row) -> Result<Row, StoreError> {
        let opened = self.open_row(table, row);
        opened.map_err(|broken| {
            // The row's key may be a name that a customer chose.
            StoreError(format!("a row of table {} cannot be deciphered: {broken}", table.name))
        })
    }

    fn entry(&self, partition: &str, entry: Entry) -> Result<Entry, StoreError> {
        let seq = entry.seq;
        self.open_entry(partition, entry).map_err(|broken| {
            StoreError(format!("change {seq} of {partition} cannot be deciphered: {broken}"))
        })
    }

    fn open_row(&self, table: &Table, mut row: Row) -> Result<Row, Broken> {
        let Row { partition, key, values, body } = &mut row;
        let place = |column| Place::Row { table: table.name, partition, key, column };
        for (column, value) in table.columns.iter().zip(values) {
            if let (ColumnKind::Payload, Value::Text(text)) = (column.kind, &*value)
                && let Some(opened) = self.open(place(column.name), text)?
            {
                *value = Value::Text(opened.into());
            }
        }
        if !is_nothing(body)
            && let Some(opened) = self.open(place(BODY), body)?
        {
            *body = opened;
        }
        Ok(row)
    }

    fn open_entry(&self, partition: &str, mut entry: Entry) -> Result<Entry, Broken> {
        let Entry { seq, kind, body, .. } = &mut entry;
        if !is_nothing(body)
            && let Some(opened) = self.open(Place::Entry { partition, seq: *seq, kind }, body)?
        {
            *body = opened;
        }
        Ok(entry)
    }

    /// `None` for plain text where that may be.
    fn open(&self, place: Place<'_>, text: &str) -> Result<Option<String>, Broken> {
        if self.has_plain && cipher::key_of(text).is_none() {
            return Ok(None);
        }
        self.opener.open(place, text).map(Some)
    }
}

/// The column that each row has.
const BODY: &str = "body";

/// A body that tells nothing.
fn is_nothing(body: &str) -> bool {
    matches!(body, "" | "{}")
}

#[cfg(test)]
mod tests;
