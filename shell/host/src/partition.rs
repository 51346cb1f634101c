//! One engine with its place in the store: runs ahead of the disk and turns each step into a batch.
//!
//! * Change numbers leave no gap: after a restore they go on behind the last durable one.
//! * Time never runs backwards here, whatever the clock says.
//! * Ids go on across a restore, so an id that was lost is never given to something else.
//! * A batch holds the rows of exactly what its changes touched, as they were after them.
//!
//! Knows no queue, no waiter and no other partition.

use crate::{
    engine::{Engine, Notice, Stop},
    loading,
    outlets::Outlets,
};
use base::{IdSource, Timestamp, Turn};
use store::{Batch, PartitionId, Seq, Store, StoreError};

/// An engine that is being served.
#[derive(Debug)]
pub struct Partition<E> {
    id: PartitionId,
    engine: E,
    ids: IdSource,
    epoch: u64,
    next: Seq,
    /// The first change of this engine, as a number of the partition.
    base: Seq,
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

/// What a command misses is found step by step: a name, its object, an item of that.
const READ_ROUNDS_MAX: usize = 8;

impl<E: Engine> Partition<E> {
    /// A partition the store has not seen yet.
    pub fn new(id: PartitionId, epoch: u64, ids: IdSource) -> Self {
        let engine = E::empty(&id);
        Self { id, engine, ids, epoch, next: 1, base: 1, newest: Timestamp(i64::MIN) }
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
        if loading::is_gone::<E>(store, &known.id)? {
            return Ok(None);
        }
        // A counter may have run over within the newest millisecond; live rows tell how far.
        ids.follow(u128::from((known.at.0.max(0) as u64) << 16 | 0xffff) << 64);
        let engine = loading::read::<E, _>(store, &known, |rows| {
            let mut rows = rows.inspect(|loaded| {
                for sid in loaded.rows.iter().filter_map(|row| row.key.parse::<base::Sid>().ok()) {
                    ids.follow(sid.body());
                }
            });
            E::restore(&known.id, &mut rows)
        })?;
        let mut engine = engine.map_err(RestoreError::Rows)?;
        // Batches without changes move no time in the store, but the engine may remember one.
        let recalled = engine.recall(store, &known.id)?.unwrap_or(known.at);
        let (next, newest) = (known.last + 1, known.at.max(recalled));
        let (id, base) = (known.id, next);
        Ok((!engine.is_over()).then_some(Self { id, engine, ids, epoch, next, base, newest }))
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
    ///
    /// Freeing the hundred thousands of entities of a large engine takes a while, and others wait
    /// for this thread: that is done by another.
    pub fn into_ids(self) -> IdSource {
        let Self { engine, ids, .. } = self;
        // If there is no thread to be had it is done here.
        let _ = std::thread::Builder::new().spawn(move || drop(engine));
        ids
    }

    /// When [`Partition::expire`] next has work.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.engine.next_deadline()
    }

    /// Takes what holds for the whole host.
    pub fn settle_in(&mut self, outlets: &Outlets) {
        self.engine.settle_in(outlets);
    }

    /// Lets go of what is not needed and durable: everything before change number `next` is.
    pub fn page_out(&mut self, next: Seq) {
        self.engine.page_out(next.saturating_sub(self.base));
    }

    /// Carries out a command; an error when what it needs could not be read.
    pub fn run(
        &mut self,
        command: &E::Command,
        now: Timestamp,
        store: &dyn Store,
    ) -> Result<Step<E>, StoreError> {
        let mut turn = Turn::new(self.moment(now), &mut self.ids);
        let mut rounds = 0..READ_ROUNDS_MAX;
        let reply = loop {
            match self.engine.handle(&mut turn, command) {
                Ok(reply) => break Ok(reply),
                Err(Stop::Rejected(rejection)) => break Err(rejection),
                Err(Stop::Missing) => {
                    assert!(turn.changes.is_empty(), "what misses something has changed nothing");
                    rounds.next().expect("a command ends up with everything it needs");
                    self.engine.page_in(store, &self.id)?;
                }
            }
        };
        let Turn { now, changes, effects, .. } = turn;
        assert!(
            reply.is_ok() || (changes.is_empty() && effects.is_empty()),
            "a rejected command leaves nothing behind"
        );
        Ok(self.step(now, changes, effects, Said::Reply(reply)))
    }

    /// Runs the timers that are due, or a portion of them: then something is still due. An error
    /// when what they need could not be read.
    pub fn expire(&mut self, now: Timestamp, store: &dyn Store) -> Result<Step<E>, StoreError> {
        let now = self.moment(now);
        self.engine.page_in_due(store, &self.id, now)?;
        let mut turn = Turn::new(now, &mut self.ids);
        self.engine.expire(&mut turn);
        let Turn { now, changes, effects, .. } = turn;
        Ok(self.step(now, changes, effects, Said::Nothing))
    }

    /// Asks the live state; the empty batch keeps the answer behind what it rests on.
    pub fn ask(&mut self, question: &E::Question, now: Timestamp) -> Step<E> {
        let now = self.moment(now);
        let mut answer = self.engine.ask(question, now);
        if let Ok(answer) = &mut answer {
            E::stamp(answer, self.next - 1);
        }
        let said = Said::Answer(answer);
        let told = Told { said, changes: Vec::new(), notices: Vec::new() };
        Step { batch: self.batch(now), told }
    }

    /// A step in which nothing happens, to wait for those ahead.
    pub fn pause(&mut self, now: Timestamp) -> Step<E> {
        let now = self.moment(now);
        let told = Told { said: Said::Nothing, changes: Vec::new(), notices: Vec::new() };
        Step { batch: self.batch(now), told }
    }

    /// What time it is here when the clock says `now`.
    pub fn time(&self, now: Timestamp) -> Timestamp {
        self.newest.max(now)
    }

    fn moment(&mut self, now: Timestamp) -> Timestamp {
        #[cfg(feature = "planted-bugs")]
        let now = crate::planted::spoilt(now);
        self.newest = self.time(now);
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
        self.engine.keep(&mut batch, &changes, &events);
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
            batch.rows.extend(before.map(|row| store::RowWrite { content: None, ..row }));
        }
    }
}

#[cfg(feature = "planted-bugs")]
type Before = std::cell::RefCell<Option<store::RowWrite>>;

#[cfg(feature = "planted-bugs")]
thread_local! {
    static LAST: Before = const { Before::new(None) };
}
