//! One engine with its place in the store: runs ahead of the disk and turns each step into a batch.
//!
//! * Change numbers leave no gap: after a restore they go on behind the last durable one.
//! * Time never runs backwards here, whatever the clock says.
//! * Ids go on across a restore, so an id that was lost is never given to something else.
//! * A batch holds the rows of exactly what its changes touched, as they were after them.
//!
//! Knows no queue, no waiter and no other partition.

use crate::engine::{Engine, Loaded, Notice};
use base::{IdSource, Millis, Timestamp, Turn};
use std::{collections::BTreeSet, sync::Arc};
use store::{
    Batch, Filter, PartitionId, Row, RowWrite, Scan, Seq, Store, StoreError, Table, Test, Value,
};

/// An engine that is being served.
#[derive(Debug)]
pub struct Partition<E> {
    id: PartitionId,
    engine: E,
    ids: IdSource,
    epoch: u64,
    next: Seq,
    newest: Timestamp,
}

/// What one step came to: to be told only after its batch is durable.
pub struct Step<E: Engine> {
    /// To be committed; empty for a rejection or a question, which then only wait their turn.
    pub batch: Batch,
    /// Kept back until then.
    pub told: Told<E>,
}

/// What a step has to tell.
pub struct Told<E: Engine> {
    /// The answer.
    pub said: Said<E>,
    /// What happened, for those who follow in memory.
    pub changes: Vec<E::Change>,
    /// Who is told what.
    pub notices: Vec<Notice>,
}

/// The answer a step has for whoever asked.
pub enum Said<E: Engine> {
    /// Nobody asked.
    Nothing,
    /// To a command.
    Reply(Result<E::Reply, E::Rejection>),
    /// To a question.
    Answer(Result<E::Answer, E::Rejection>),
}

/// Why a partition did not come back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rows make no sense.
    #[error("{0}")]
    Rows(String),
}

impl<E: Engine> Partition<E> {
    /// A partition the store has not seen yet.
    pub fn new(id: PartitionId, epoch: u64, ids: IdSource) -> Self {
        let engine = E::empty(&id);
        Self { id, engine, ids, epoch, next: 1, newest: Timestamp(i64::MIN) }
    }

    /// Brings a partition back from its rows; `None` when it is over.
    ///
    /// `epoch` is greater than any used before with the same committer; `ids` is the source used so
    /// far.
    pub fn restore(
        store: &dyn Store,
        known: store::Partition,
        epoch: u64,
        mut ids: IdSource,
    ) -> Result<Option<Self>, RestoreError> {
        let id = known.id;
        let ended = load_ended::<E>(store, &id, (known.last, known.at))?;
        // A counter may have run over within the newest millisecond; live rows tell how far.
        ids.follow(u128::from((known.at.0.max(0) as u64) << 16 | 0xffff) << 64);
        let mut live = LiveRows::new(store, &id, E::TABLES);
        let mut rows = live.by_ref().chain(ended).inspect(|loaded| {
            for sid in loaded.rows.iter().filter_map(|row| row.key.parse::<base::Sid>().ok()) {
                ids.follow(sid.body());
            }
        });
        let engine = E::restore(&id, &mut rows);
        if let Some(error) = live.failed {
            return Err(error.into());
        }
        let engine = engine.map_err(RestoreError::Rows)?;
        let (next, newest) = (known.last + 1, known.at);
        Ok((!engine.is_over()).then_some(Self { id, engine, ids, epoch, next, newest }))
    }

    /// Its name in the store.
    pub fn id(&self) -> &PartitionId {
        &self.id
    }

    /// The engine, for looking only.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// The epoch of its batches.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The id source, to go on with after a restore.
    pub fn into_ids(self) -> IdSource {
        self.ids
    }

    /// When [`Partition::expire`] next has work.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.engine.next_deadline()
    }

    /// Carries out a command.
    pub fn run(&mut self, command: &E::Command, now: Timestamp) -> Step<E> {
        let mut turn = Turn::new(self.moment(now), &mut self.ids);
        let reply = self.engine.handle(&mut turn, command);
        let Turn { now, changes, effects, .. } = turn;
        assert!(
            reply.is_ok() || (changes.is_empty() && effects.is_empty()),
            "a rejected command leaves nothing behind"
        );
        self.step(now, changes, effects, Said::Reply(reply))
    }

    /// Runs the timers that are due. Nothing is due at `now` afterwards.
    pub fn expire(&mut self, now: Timestamp) -> Step<E> {
        let mut turn = Turn::new(self.moment(now), &mut self.ids);
        self.engine.expire(&mut turn);
        let Turn { now, changes, effects, .. } = turn;
        let next = self.engine.next_deadline();
        assert!(next.is_none_or(|next| next > now), "a timer that ran is due again");
        self.step(now, changes, effects, Said::Nothing)
    }

    /// Asks the live state; the empty batch keeps the answer behind what it rests on.
    pub fn ask(&mut self, question: &E::Question, now: Timestamp) -> Step<E> {
        let now = self.moment(now);
        let said = Said::Answer(self.engine.ask(question, now));
        let told = Told { said, changes: Vec::new(), notices: Vec::new() };
        Step { batch: self.batch(now), told }
    }

    /// A step in which nothing happens, to wait for those ahead.
    pub fn pause(&mut self, now: Timestamp) -> Step<E> {
        let now = self.moment(now);
        let told = Told { said: Said::Nothing, changes: Vec::new(), notices: Vec::new() };
        Step { batch: self.batch(now), told }
    }

    fn moment(&mut self, now: Timestamp) -> Timestamp {
        #[cfg(feature = "planted-bugs")]
        let now = crate::planted::spoilt(now);
        self.newest = self.newest.max(now);
        self.newest
    }

    fn batch(&self, at: Timestamp) -> Batch {
        Batch {
            partition: self.id.clone(),
            kind: E::KIND,
            epoch: self.epoch,
            first: self.next,
            at,
            changes: Vec::new(),
            rows: Vec::new(),
            outgoing: Vec::new(),
            settled: Vec::new(),
        }
    }

    fn step(
        &mut self,
        now: Timestamp,
        changes: Vec<E::Change>,
        events: Vec<E::Event>,
        said: Said<E>,
    ) -> Step<E> {
        let mut batch = self.batch(now);
        self.engine.rows(&mut batch.rows);
        #[cfg(feature = "planted-bugs")]
        spoil(&mut batch);
        batch.changes.extend(changes.iter().map(E::stored));
        self.next = batch.next();
        let notices = self.engine.notices(&self.id, &changes, events);
        Step { batch, told: Told { said, changes, notices } }
    }
}

/// Bugs to be found.
#[cfg(feature = "planted-bugs")]
fn spoil(batch: &mut Batch) {
    use crate::planted::{Planted, is};
    if is(Planted::ForgetRow) && batch.rows.len() > 2 {
        batch.rows.pop();
    }
    if is(Planted::LoseRow) {
        let task = batch.rows.iter().find(|row| row.table.name == "task");
        let before = LAST.replace(task.cloned());
        if batch.first.is_multiple_of(10) {
            batch.rows.extend(before.map(|row| RowWrite { content: None, ..row }));
        }
    }
}

#[cfg(feature = "planted-bugs")]
thread_local! {
    static LAST: std::cell::RefCell<Option<RowWrite>> = const { std::cell::RefCell::new(None) };
}

/// Makes a batch remove every row its partition has. Nothing of the partition may be on its way to
/// the store, or rows written there would stay.
pub fn remove_all<E: Engine>(store: &dyn Store, batch: &mut Batch) -> Result<(), StoreError> {
    batch.rows.clear();
    for table in E::TABLES {
        let mut scan = Scan { limit: ROWS_AT_ONCE, ..Scan::of(table, batch.partition.clone()) };
        loop {
            let rows = store.scan(&scan)?;
            scan.after = rows.last().map(|row| scan.cursor(row));
            let removals =
                rows.into_iter().map(|Row { key, .. }| RowWrite { table, key, content: None });
            batch.rows.extend(removals);
            if scan.after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Bounds the rows that are in memory as text, and how long one read takes.
const ROWS_AT_ONCE: usize = 1_000;

/// The live rows of a partition, some at a time: a large workspace as text all at once would be
/// most of a server's memory.
struct LiveRows<'a> {
    store: &'a dyn Store,
    id: &'a PartitionId,
    tables: std::slice::Iter<'static, &'static Table>,
    /// Where the current table goes on.
    scan: Option<Scan>,
    /// Why there are no more rows, if not because these were all.
    failed: Option<StoreError>,
}

impl<'a> LiveRows<'a> {
    fn new(store: &'a dyn Store, id: &'a PartitionId, tables: &'static [&'static Table]) -> Self {
        Self { store, id, tables: tables.iter(), scan: None, failed: None }
    }
}

impl Iterator for LiveRows<'_> {
    type Item = Loaded;

    fn next(&mut self) -> Option<Loaded> {
        loop {
            let mut scan = match self.scan.take() {
                Some(scan) => scan,
                None => live(self.tables.next()?, self.id),
            };
            match self.store.scan(&scan) {
                Ok(rows) if rows.is_empty() => {}
                Ok(rows) => {
                    let table = scan.table;
                    if rows.len() == scan.limit {
                        scan.after = rows.last().map(|row| scan.cursor(row));
                        self.scan = Some(scan);
                    }
                    return Some(Loaded { table, rows });
                }
                Err(error) => {
                    self.failed = Some(error);
                    self.tables = [].iter();
                }
            }
        }
    }
}

/// What ended a short while ago, found at the end of the journal: an index by the time of the end
/// would cost each task more than this costs a start.
fn load_ended<E: Engine>(
    store: &dyn Store,
    id: &PartitionId,
    (last, at): (Seq, Timestamp),
) -> Result<Vec<Loaded>, StoreError> {
    let mut ended = Vec::new();
    if E::ENDED_KEPT == Millis(0) {
        return Ok(ended);
    }
    let after = last.saturating_sub(ENDED_LOOK_BACK);
    let mut seen = BTreeSet::new();
    for entry in store.journal(id, after, usize::MAX)? {
        if entry.at + E::ENDED_KEPT < at {
            continue;
        }
        let Some((table, key)) = E::ended_by(&entry) else { continue };
        if !seen.insert(key.clone()) {
            continue;
        }
        let Some(row) = store.row(table, id, &key)? else { continue };
        ended.push(Loaded { table, rows: vec![row] });
    }
    Ok(ended)
}

/// Journal entries looked at for what ended: some thousand tasks.
const ENDED_LOOK_BACK: u64 = 20_000;

fn live(table: &'static Table, id: &PartitionId) -> Scan {
    let mut scan = Scan { limit: ROWS_AT_ONCE, ..Scan::of(table, Arc::clone(id)) };
    if let Some(column) = table.live {
        scan.filters.push(Filter { column, test: Test::OneOf(vec![Value::Int(1)]) });
    }
    scan
}
