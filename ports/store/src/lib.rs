//! What the shell needs from a store.
//!
//! * A write is a [`Batch`]: changes and rows that become durable together or not at all.
//! * Batches that wait together are committed as one group with one sync.
//! * Reads see everything that was acknowledged and nothing that was not.
//! * Tables are values ([`Table`]); a filter on an undeclared column is a programming error and
//!   panics.
//! * What customers wrote never prints: values, bodies and changes show by their size (`shown`).
//! * A failed group spends the epochs of its partitions: what was decided after it in the same
//!   epoch was decided on a state that does not exist ([`Fence`]).
//!
//! Knows no engine and no SQL.

pub mod conformance;
mod fence;
mod memory;
mod shown;
mod values;

pub use fence::Fence;
pub use memory::{MemoryCommitter, MemoryStore};

use base::Timestamp;
use std::sync::Arc;

/// A kind of row. Real columns for what is listed and filtered, plus the entity as JSON text.
///
/// The primary key is (partition, key), so rows of one partition lie together in key order.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// The SQL name.
    pub name: &'static str,
    /// Columns beside partition, key and body, in the order of [`RowContent::values`].
    pub columns: &'static [Column],
    /// Each entry becomes an index on (partition, columns…, key). Few, and append-only by
    /// preference: an index costs more than journal and JSON together.
    pub indexes: &'static [&'static [&'static str]],
    /// A column of 0 or 1. Rows with 1 are found by a partial index: restart reads only those.
    pub live: Option<&'static str>,
}

/// A declared column.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// The SQL name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether an update may change it. Columns that cannot change touch no index on update.
    pub changes: bool,
}

/// What a column holds; any may also be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// UTF-8 text, ordered by code point.
    Text,
    /// A signed 64-bit integer: numbers, booleans (0, 1) and times (milliseconds).
    Int,
    /// UTF-8 text of customers, which a store may keep enciphered, as it may every body and every
    /// change: it is never filtered or ordered by.
    Payload,
}

/// A column's value. Null sorts before integers, integers before texts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Nothing.
    Null,
    /// See [`ColumnKind::Int`].
    Int(i64),
    /// See [`ColumnKind::Text`].
    Text(Arc<str>),
}

/// One owner at a time writes a partition. Routing: the workspace's SID.
pub type PartitionId = Arc<str>;

/// The number of a change within its partition, from 1 without gaps.
pub type Seq = u64;

/// One atomic unit.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Whose changes these are.
    pub partition: PartitionId,
    /// The kind of engine that owns the partition, e.g. `routing`. Kept with the partition's first
    /// batch.
    pub kind: &'static str,
    /// Raised each time the partition is restored. Batches of an older epoch are refused, and after
    /// a failed group those of the same epoch too. Counted anew by each committer.
    pub epoch: u64,
    /// The number of the first change; the store refuses a batch that leaves a gap.
    pub first: Seq,
    /// The domain time of the turn.
    pub at: Timestamp,
    /// The journal entries, numbered from `first`.
    pub changes: Vec<StoredChange>,
    /// Entities as they are after the changes. Of several writes of one row the last one holds.
    pub rows: Vec<RowWrite>,
}

/// A change as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredChange {
    /// The variant's name, so that one can read the table.
    pub kind: &'static str,
    /// JSON.
    pub body: String,
}

/// A row to be written or removed.
#[derive(Clone, Debug)]
pub struct RowWrite {
    /// Which table.
    pub table: &'static Table,
    /// Key within the partition.
    pub key: Box<str>,
    /// The columns' values and the JSON body; `None` removes the row.
    pub content: Option<RowContent>,
}

/// What a row holds beside its key.
#[derive(Clone, PartialEq, Eq)]
pub struct RowContent {
    /// In the order of [`Table::columns`].
    pub values: Vec<Value>,
    /// The entity as JSON text.
    pub body: String,
}

/// A row as read.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The partition it belongs to.
    pub partition: PartitionId,
    /// Key within the partition.
    pub key: Box<str>,
    /// In the order of [`Table::columns`].
    pub values: Vec<Value>,
    /// The entity as JSON text.
    pub body: String,
}

/// A journal entry as read.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// The domain time of its turn.
    pub at: Timestamp,
    /// The variant's name.
    pub kind: String,
    /// JSON.
    pub body: String,
}

/// A partition the store knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its name.
    pub id: PartitionId,
    /// The kind of engine.
    pub kind: String,
    /// The newest durable change; 0 for none.
    pub last: Seq,
    /// The time of the newest durable change; of the first batch when there is no change yet.
    pub at: Timestamp,
}

/// What is old enough to be forgotten, and what is kept in its place. Neither is part of anybody's
/// state, so no change says so and no epoch guards it; what is not there is ignored, and of a
/// partition that is not there nothing is kept.
#[derive(Clone, Debug)]
pub struct Forget {
    /// Whose.
    pub partition: PartitionId,
    /// Rows by table and key.
    pub rows: Vec<(&'static Table, Box<str>)>,
    /// Journal entries up to this number; 0 for none. The newest entry of all stays in any case: it
    /// tells the partition's last number.
    pub journal_through: Seq,
    /// Written together with that, behind the removal of rows.
    pub kept: Vec<RowWrite>,
}

/// Texts that are written anew and mean the same: what keeps them in another form changes that.
/// As little as [`Forget`] is it part of anybody's state.
#[derive(Clone)]
pub struct Rewrite {
    /// Whose. Of a partition that is not there nothing is written.
    pub partition: PartitionId,
    /// Rows that are there.
    pub rows: Vec<RowWrite>,
    /// Bodies of journal entries, by number; one that is not there is ignored.
    pub entries: Vec<(Seq, String)>,
}

/// Whether a committer has more to do by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    /// Nothing, until something is written.
    Done,
    /// It is to be asked again, when nothing waits.
    More,
}

/// A condition on a declared column, or on `key`.
#[derive(Clone, Debug)]
pub struct Filter {
    /// A declared column's name, or `key`.
    pub column: &'static str,
    /// How it is compared.
    pub test: Test,
}

/// How a column is compared. Null passes no test but `OneOf` with `Value::Null` in it, and
/// `NullOrAbove`.
#[derive(Clone, Debug)]
pub enum Test {
    /// Equal to one of these.
    OneOf(Vec<Value>),
    /// At least.
    AtLeast(Value),
    /// At most.
    AtMost(Value),
    /// Null, or greater: what does not end, or ends later.
    NullOrAbove(Value),
}

/// Which way a scan runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A question over one table. The order always ends with the key, ascending unless the last
/// ordering column is descending, so it is total and a cursor is exact. Over all partitions this
/// holds for keys that are unique in the whole table, as SIDs are.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Which table.
    pub table: &'static Table,
    /// One partition, or all.
    pub partition: Option<PartitionId>,
    /// All must hold.
    pub filters: Vec<Filter>,
    /// Declared columns (or `key`); empty means by key ascending.
    pub order: Vec<(&'static str, Direction)>,
    /// Values of the ordering columns, then the key, of the last row already seen
    /// ([`Scan::cursor`]).
    pub after: Option<Vec<Value>>,
    /// At most this many rows.
    pub limit: usize,
}

/// Why a group was not committed. In each case no part of it is durable, `Unknown` excepted, and
/// each partition in the group must be restored: only batches of a newer epoch are taken from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// No room. Later commits may succeed.
    #[error("the disk is full")]
    Full,
    /// A batch does not follow the durable state: another owner, an old epoch, or a gap.
    #[error("batch {first} of partition {partition} (epoch {epoch}) does not follow the store")]
    Stale {
        /// The partition.
        partition: PartitionId,
        /// The batch's epoch.
        epoch: u64,
        /// The batch's first change.
        first: Seq,
    },
    /// The store refused before anything was durable.
    #[error("the store failed: {0}")]
    Failed(String),
    /// The commit itself failed: the group may or may not be durable. The store has reopened
    /// itself; the owner must restore and look.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(String),
}

/// A read that did not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store could not be read: {0}")]
pub struct StoreError(pub String);

/// The writing half. Blocking, with one owner.
pub trait Committer: Send {
    /// All batches in one transaction with one sync; all or nothing. A batch with nothing in it is
    /// checked and writes nothing. Panics on rows that do not fit their table.
    fn commit(&mut self, group: &[Batch]) -> Result<(), CommitError>;
    /// Removes what is old and writes what is kept of it, in a transaction of its own; all or
    /// nothing. It takes as long as there is much to do, and commits wait meanwhile: ask for a
    /// little at a time. Panics on rows that do not fit their table.
    fn forget(&mut self, forget: &Forget) -> Result<(), CommitError>;
    /// Writes texts anew, in a transaction of its own; all or nothing. Ask for a little at a time.
    /// Files may hold for a while what was there before. Panics on rows that do not fit.
    fn rewrite(&mut self, rewrite: &Rewrite) -> Result<(), CommitError>;
    /// Maintenance once the group was answered; `idle` when no other group waits.
    fn after(&mut self, idle: bool);
    /// A little of what the store has to do by itself, as long as a commit at most. Asked at the
    /// start, and while there is more.
    fn tend(&mut self) -> Result<Upkeep, CommitError>;
}

/// The reading half, and the door to the writing half. Reads block for microseconds (a row)
/// to milliseconds (a scan); the shell decides where they run.
pub trait Store: Send + Sync + 'static {
    /// The one committer. Panics when called twice while the first is alive; once that is dropped,
    /// the next one begins from what is durable, with no memory of epochs.
    fn committer(&self) -> Box<dyn Committer>;
    /// One row.
    fn row(
        &self,
        table: &'static Table,
        partition: &str,
        key: &str,
    ) -> Result<Option<Row>, StoreError>;
    /// Rows in order.
    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreError>;
    /// Journal entries with a number above `after`, in order, at most `limit`.
    fn journal(&self, partition: &str, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError>;
    /// The number of the oldest journal entry that is still kept: what came before it was forgotten
    /// ([`Committer::forget`]). 1 where nothing was, and where there is no entry.
    fn journal_start(&self, partition: &str) -> Result<Seq, StoreError> {
        Ok(self.journal(partition, 0, 1)?.first().map_or(1, |entry| entry.seq))
    }
    /// All partitions, ordered by name.
    fn partitions(&self) -> Result<Vec<Partition>, StoreError>;
}
