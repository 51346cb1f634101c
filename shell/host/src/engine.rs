//! What the host needs of an engine: the same few calls for each domain, and the way to rows.
//!
//! The calls are those of `architecture.md`: `handle`, `expire`, `ask`, `next_deadline`. An adapter
//! per engine adds what only the host cares for: tables, stored forms, and who is told what.

use crate::{
    beginning::Mover,
    hub::{Announced, Topic},
    outlets::Outlets,
    retention::Retention,
};
use base::{Millis, Timestamp, Turn};
use routing::TaskQueueSid;
use std::sync::Arc;
use store::{
    Batch, Entry, Filter, PartitionId, Row, RowWrite, Seq, Store, StoreError, StoredChange, Table,
};

/// An engine as the host sees it.
pub trait Engine: Sized + Send + 'static {
    /// Kept with the partition in the store.
    const KIND: &'static str;
    /// What is asked for.
    type Command: Send + 'static;
    /// What a command is answered.
    type Reply: Send + 'static;
    /// Why the answer is no.
    type Rejection: Send + 'static;
    /// What can be asked of the live state.
    type Question: Send + 'static;
    /// What a question is answered.
    type Answer: Send + 'static;
    /// What happened.
    type Change: Send + 'static;
    /// What is told once it is durable.
    type Event: Send + 'static;

    /// The tables whose rows bring the engine back, in any order.
    const TABLES: &'static [&'static Table];

    /// The tables that are only written here; with the partition they go too.
    const LOGS: &'static [&'static Table] = &[];

    /// The table whose one row, by the partition's own name, says that the partition is there. An
    /// end removes that row alone; what else there is nobody can reach, and is forgotten bit by
    /// bit. Without such a table the engine's own rows say what the end removes.
    const ROOT: Option<&'static Table> = None;

    /// What grows with time and may be forgotten after a time.
    const AGED: &'static [Aged] = &[];

    /// Whether some of it is only in rows, so that commands and timers may have to read them.
    const READS: bool = false;

    /// How long an engine remembers what ended.
    const ENDED_KEPT: Millis = Millis(0);

    /// A partition nothing has happened in.
    fn empty(partition: &PartitionId) -> Self;

    /// Brings the engine back from the live rows of its partition, in any order. The message names
    /// no customer data.
    fn restore(
        partition: &PartitionId,
        rows: &mut dyn Iterator<Item = Loaded>,
    ) -> Result<Self, String>;

    /// Gets back what is kept beside the rows that bring the engine back; answers a moment that
    /// has passed for it, if it knows one.
    fn recall(
        &mut self,
        _store: &dyn Store,
        _partition: &PartitionId,
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    /// Carries out a command or refuses it; refused, it leaves nothing behind.
    fn handle(
        &mut self,
        turn: &mut Turn<'_, Self::Change, Self::Event>,
        command: &Self::Command,
    ) -> Result<Self::Reply, Stop<Self::Rejection>>;

    /// Takes what holds for the whole host.
    fn settle_in(&mut self, _outlets: &Outlets) {}

    /// Whether the command may need something that is not in memory.
    fn may_read(&self, _command: &Self::Command) -> bool {
        false
    }

    /// Reads what [`Engine::handle`] just missed.
    fn page_in(&mut self, _store: &dyn Store, _id: &PartitionId) -> Result<(), StoreError> {
        Ok(())
    }

    /// Reads what [`Engine::expire`] needs for its next portion.
    fn page_in_due(
        &mut self,
        _store: &dyn Store,
        _id: &PartitionId,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    /// Lets go of what is not needed, of what the first `durable` changes of this value left.
    fn page_out(&mut self, _durable: u64) {}

    /// Rows of what is gone, to be forgotten next: nobody can reach them.
    fn leftovers(
        _store: &dyn Store,
        _id: &PartitionId,
        _limit: usize,
    ) -> Result<Vec<(&'static Table, Box<str>)>, StoreError> {
        Ok(Vec::new())
    }

    /// Runs what is due at the turn's time.
    fn expire(&mut self, turn: &mut Turn<'_, Self::Change, Self::Event>);

    /// When [`Engine::expire`] next has work.
    fn next_deadline(&self) -> Option<Timestamp>;

    /// Looks without changing anything.
    fn ask(
        &self,
        question: &Self::Question,
        now: Timestamp,
    ) -> Result<Self::Answer, Self::Rejection>;

    /// Tells an answer which change was the newest when it was given.
    fn stamp(_: &mut Self::Answer, _last: Seq) {}

    /// The rows of what was touched since the last call, as they are now.
    fn rows(&mut self, rows: &mut Vec<RowWrite>);

    /// A change as it is kept.
    fn stored(change: &Self::Change) -> StoredChange;

    /// Applies a kept change. The message names no customer data.
    fn replay(&mut self, entry: &Entry) -> Result<(), String>;

    /// Whether it is kept what a partition was when its journal begins.
    const HAS_BEGINNING: bool = false;

    /// What the partition was just before entry `first` of its journal, to be kept when that entry
    /// goes; `None` for an engine whose past nobody asks for, and where it is not known any more.
    fn beginning(
        _store: &dyn Store,
        _partition: &PartitionId,
        _first: Seq,
    ) -> Result<Option<Mover>, StoreError> {
        Ok(None)
    }

    /// The row of what ended with a kept change: it is brought back too, within
    /// [`Engine::ENDED_KEPT`].
    fn ended_by(_: &Entry) -> Option<(&'static Table, String)> {
        None
    }

    /// Whether there is nothing to own: it ended, or is of a kind that begins with a command.
    fn is_over(&self) -> bool;

    /// Whether the command ends the partition.
    fn ends(command: &Self::Command) -> bool;

    /// A word for the log; no customer data.
    fn name(command: &Self::Command) -> &'static str;

    /// Equal for equal commands, and for hardly any others.
    fn fingerprint(command: &Self::Command) -> u64;

    /// Adds to a turn's batch what is kept beside changes and rows: a log of events, effects that
    /// leave the process.
    fn keep(&mut self, _batch: &mut Batch, _changes: &[Self::Change], _events: &[Self::Event]) {}

    /// Who is told what about a turn.
    fn notices(
        &mut self,
        partition: &PartitionId,
        changes: &[Self::Change],
        events: Vec<Self::Event>,
    ) -> Vec<Notice>;

    /// Takes a durable batch into what the edge looks at, before anybody is answered.
    fn observe(outlets: &Outlets, batch: &Batch, changes: &[Self::Change]);

    /// Puts what is durable into what the edge looks at: after a restore, when rows and engine
    /// agree.
    fn reveal(
        &self,
        outlets: &Outlets,
        store: &dyn Store,
        partition: &PartitionId,
    ) -> Result<(), StoreError>;

    /// The whole live state as text, for comparing.
    fn digest(&self) -> String;

    /// Panics when an invariant is broken.
    fn check(&self);
}

/// Why a command was not carried out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop<R> {
    /// The answer is no.
    Rejected(R),
    /// Something is to be read first; then it may be tried again.
    Missing,
}

/// Rows that may be forgotten after a time.
#[derive(Clone, Copy, Debug)]
pub struct Aged {
    /// Which table.
    pub table: &'static Table,
    /// Those that nobody needs whom nothing before this moment concerns.
    pub before: fn(Timestamp) -> Vec<Filter>,
    /// How long that is.
    pub kept: fn(&Retention) -> Millis,
}

/// Some rows of one table.
#[derive(Debug)]
pub struct Loaded {
    /// Which table.
    pub table: &'static Table,
    /// Rows of one partition.
    pub rows: Vec<Row>,
}

/// Something to be told once it is durable.
#[derive(Clone, Debug)]
pub enum Notice {
    /// An event and who listens to it.
    Event {
        /// Who.
        topics: Vec<Topic>,
        /// What.
        announced: Arc<Announced>,
    },
    /// A queue's order changed.
    Tick(TaskQueueSid),
    /// An object of sync changed.
    Sync(Arc<crate::sync_hub::News>),
}
