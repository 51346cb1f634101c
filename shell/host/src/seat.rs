//! Serves one partition: takes jobs, runs them on the engine, recovers from losses and panics.
//!
//! * Timers that are due run before anything else at the same instant. Where an engine does a
//!   portion of what is due, jobs come between its portions, and the next one waits until the
//!   batch of the last is settled: work that nobody waits for does not pile up before the disk. It
//!   waits for nothing else, or a busy partition would never come to it.
//! * After a failed commit nothing runs until every batch under way is settled; then the engine is
//!   restored from rows with a newer epoch.
//! * A panic of the engine is contained here: the partition is restored the same way and the
//!   command is tried once more; the second time it is refused, and any like it from then on.
//! * While the store takes nothing, commands are refused without being run and timers wait.
//!
//! Synchronous: the shell around it waits, the simulator drives it directly.

use crate::{
    Refusal,
    engine::Engine,
    loading,
    outlets::Outlets,
    partition::{Partition, RestoreError, Step},
    work::{Asker, Settled, Waiter, Work},
};
use base::{IdSource, Millis, Timestamp};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use store::{PartitionId, RowWrite, Seq, Store};
use tokio::sync::oneshot;

/// Something to be done by a partition.
pub enum Job<E: Engine> {
    /// Carry out a command.
    Command(Box<E::Command>, Waiter<E::Reply, E::Rejection>),
    /// Ask the live state.
    Question(Box<E::Question>, Waiter<E::Answer, E::Rejection>),
    /// Tell when everything up to here is durable and published.
    Settle(oneshot::Sender<bool>),
    /// Write rows the engine knows nothing of, behind the batches ahead; told whether they are
    /// durable.
    Write(Vec<RowWrite>, oneshot::Sender<bool>),
}

/// What the outside is like during one turn.
#[derive(Clone, Debug)]
pub struct Weather {
    /// The time by the partition's clock.
    pub now: Timestamp,
    /// Why the store takes no writes, if it takes none.
    pub trouble: Option<Arc<str>>,
}

/// One partition and what waits for it.
pub struct Seat<E: Engine> {
    id: PartitionId,
    store: Arc<dyn Store>,
    outlets: Arc<Outlets>,
    state: State<E>,
    epoch: u64,
    waiting: VecDeque<Waiting<E>>,
    /// Batches handed out and not settled.
    in_flight: usize,
    /// Of each of them, the number of the change behind it.
    handed: VecDeque<Seq>,
    quarantine: VecDeque<u64>,
    timers: Timers,
    /// The last portion of what is due left something over.
    is_behind: bool,
    /// Batches to be settled until that portion is.
    portion_ahead: usize,
    /// The newest commands by name, for the report of a panic.
    recent: VecDeque<&'static str>,
    panics: u64,
}

enum State<E> {
    Serving(Box<Partition<E>>),
    /// To be restored once nothing is in flight.
    Lost(IdSource),
    /// Nothing left to serve.
    Over,
}

struct Waiting<E: Engine> {
    job: Job<E>,
    /// The engine panicked on it before.
    tried: bool,
}

/// Timers whose engine panicked rest for a while, so that commands go on.
#[derive(Debug, Default)]
struct Timers {
    panics: u32,
    rest_until: Option<Timestamp>,
}

/// Commands like one that panicked twice are refused from then on; the oldest is forgotten.
const QUARANTINE_MAX: usize = 64;
/// Names in the report of a panic.
const RECENT_MAX: usize = 16;
/// How long timers rest at first, and at most, after they panicked twice.
const REST: (Millis, Millis) = (Millis(1_000), Millis(60_000));

impl<E: Engine> Seat<E> {
    /// A partition the store has not seen.
    pub fn new(
        id: PartitionId,
        store: Arc<dyn Store>,
        outlets: Arc<Outlets>,
        ids: IdSource,
    ) -> Self {
        let mut partition = Partition::new(id.clone(), 1, ids);
        partition.settle_in(&outlets);
        Self::with(id, store, outlets, State::Serving(Box::new(partition)))
    }

    /// A partition the store knows; `None` when it is over.
    pub fn restore(
        known: store::Partition,
        store: Arc<dyn Store>,
        outlets: Arc<Outlets>,
        ids: IdSource,
    ) -> Result<Option<Self>, RestoreError> {
        let id = known.id.clone();
        let Some(mut partition) = Partition::<E>::restore(&*store, known, 1, ids)? else {
            return Ok(None);
        };
        partition.settle_in(&outlets);
        partition.engine().reveal(&outlets, &*store, &id)?;
        Ok(Some(Self::with(id, store, outlets, State::Serving(Box::new(partition)))))
    }

    fn with(
        id: PartitionId,
        store: Arc<dyn Store>,
        outlets: Arc<Outlets>,
        state: State<E>,
    ) -> Self {
        Self {
            id,
            store,
            outlets,
            state,
            epoch: 1,
            waiting: VecDeque::new(),
            in_flight: 0,
            handed: VecDeque::new(),
            quarantine: VecDeque::new(),
            timers: Timers::default(),
            is_behind: false,
            portion_ahead: 0,
            recent: VecDeque::new(),
            panics: 0,
        }
    }

    /// Its name in the store.
    pub fn id(&self) -> &PartitionId {
        &self.id
    }

    /// The engine, for looking only; `None` while it is lost or over.
    pub fn engine(&self) -> Option<&E> {
        match &self.state {
            State::Serving(partition) => Some(partition.engine()),
            State::Lost(_) | State::Over => None,
        }
    }

    /// Whether nothing is left to serve: whatever comes is refused.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether the next turn may read the whole partition, which takes its time.
    pub fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost(_))
    }

    /// Whether a turn without new jobs has something to do once batches settle or the store can be
    /// read again.
    pub fn is_waiting(&self) -> bool {
        self.is_lost() || !self.waiting.is_empty() || (self.is_behind && self.portion_ahead > 0)
    }

    /// Whether a turn with these jobs may read rows, which takes its time.
    pub fn may_read(&self, jobs: &[Job<E>], now: Timestamp) -> bool {
        let State::Serving(partition) = &self.state else { return false };
        let engine = partition.engine();
        let may_read = |job: &Job<E>| match job {
            Job::Command(command, _) => engine.may_read(command),
            Job::Question(..) | Job::Settle(_) | Job::Write(..) => false,
        };
        E::READS && (self.is_due(now) || jobs.iter().any(may_read))
    }

    /// How often the engine panicked since the seat was made.
    pub fn panics(&self) -> u64 {
        self.panics
    }

    /// Batches handed out and not settled.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// When a turn without new jobs next has work.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::ForgetTimers) {
            return None;
        }
        let State::Serving(partition) = &self.state else { return None };
        let deadline = partition.next_deadline()?;
        Some(self.timers.rest_until.map_or(deadline, |rest| rest.max(deadline)))
    }

    /// Whether a turn without new jobs has work when the clock says `now`. A clock that was set
    /// back holds up nothing that is due already.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let State::Serving(partition) = &self.state else { return false };
        self.next_deadline().is_some_and(|deadline| deadline <= partition.time(now))
    }

    /// Takes note of settled batches, recovers if need be, runs what is due and then the jobs, in
    /// order. What comes back is to be committed in order.
    pub fn turn(
        &mut self,
        settled: Settled,
        jobs: impl IntoIterator<Item = Job<E>>,
        weather: &Weather,
    ) -> Vec<Work> {
        self.settle(settled);
        self.waiting.extend(jobs.into_iter().map(|job| Waiting { job, tried: false }));
        let mut works = Vec::new();
        let mut leaves_over = false;
        loop {
            self.recover(works.len());
            if !self.is_behind || (self.portion_ahead == 0 && !leaves_over) {
                self.expire(weather, &mut works);
                leaves_over = self.is_behind;
            }
            let Some(waiting) = self.next(works.len()) else { break };
            self.run(waiting, weather, &mut works);
        }
        self.in_flight += works.len();
        self.handed.extend(works.iter().map(|work| work.batch.next()));
        #[cfg(feature = "planted-bugs")]
        works.iter_mut().for_each(|work| work.tell_early(&self.outlets));
        works
    }

    fn settle(&mut self, settled: Settled) {
        self.in_flight -= settled.batches;
        self.portion_ahead = self.portion_ahead.saturating_sub(settled.batches);
        let durable = self.handed.drain(..settled.batches).next_back();
        if let (Some(next), State::Serving(partition)) = (durable, &mut self.state)
            && !settled.lost
        {
            partition.page_out(next);
        }
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::SkipRestore) {
            return;
        }
        if settled.lost {
            self.lose();
        }
    }

    /// Drops the engine; the id source goes on.
    fn lose(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Serving(partition) => State::Lost(partition.into_ids()),
            other => other,
        };
    }

    /// Restores a lost engine unless batches of it are still under way.
    fn recover(&mut self, handed: usize) {
        let State::Lost(ids) = &self.state else { return };
        if self.in_flight + handed > 0 {
            return;
        }
        self.epoch += 1;
        let ids = ids.clone();
        let restored = catch_unwind(AssertUnwindSafe(|| self.restored(ids))).unwrap_or_else(|_| {
            self.panics += 1;
            Err(RestoreError::Rows("the engine panicked on its rows".to_owned()))
        });
        match restored {
            Ok(state) => self.state = state,
            Err(error) => {
                tracing::error!(partition = %self.id, %error, "a partition was not restored");
                for Waiting { job, .. } in self.waiting.drain(..) {
                    job.refuse(Refusal::Unavailable(error.to_string()));
                }
            }
        }
    }

    fn restored(&self, ids: IdSource) -> Result<State<E>, RestoreError> {
        let known = self.store.partitions()?.into_iter().find(|known| known.id == self.id);
        let Some(known) = known else {
            // Nothing of it ever became durable. Some kinds begin by a command, others just are.
            let mut partition = Partition::<E>::new(self.id.clone(), self.epoch, ids);
            partition.settle_in(&self.outlets);
            let is_over = partition.engine().is_over();
            return Ok(if is_over { State::Over } else { State::Serving(Box::new(partition)) });
        };
        let restored = Partition::<E>::restore(&*self.store, known, self.epoch, ids)?;
        let Some(mut partition) = restored else { return Ok(State::Over) };
        partition.settle_in(&self.outlets);
        // Something may have become durable that nobody was told.
        partition.engine().reveal(&self.outlets, &*self.store, &self.id)?;
        Ok(State::Serving(Box::new(partition)))
    }

    /// The next job that may run now.
    fn next(&mut self, handed: usize) -> Option<Waiting<E>> {
        match &self.state {
            State::Lost(_) => None,
            State::Over => self.waiting.pop_front(),
            State::Serving(_) => {
                // The end removes every row in the store, so no row may still be on its way there.
                let ends = |waiting: &Waiting<E>| match &waiting.job {
                    Job::Command(command, _) => E::ends(command),
                    Job::Question(..) | Job::Settle(_) | Job::Write(..) => false,
                };
                if self.in_flight + handed > 0 && self.waiting.front().is_some_and(ends) {
                    return None;
                }
                self.waiting.pop_front()
            }
        }
    }

    fn run(&mut self, waiting: Waiting<E>, weather: &Weather, works: &mut Vec<Work>) {
        let Waiting { job, tried } = waiting;
        if self.is_over() {
            return job.refuse(Refusal::NoPartition);
        }
        match job {
            Job::Command(command, waiter) => self.command(command, waiter, tried, weather, works),
            Job::Question(question, waiter) => {
                match self.contained(|partition| partition.ask(&question, weather.now)) {
                    Some(step) => works.push(Work::new(step, Asker::Answer(waiter))),
                    None => Asker::<E>::Answer(waiter).refuse(Refusal::Internal),
                }
            }
            Job::Write(rows, waiter) => {
                if weather.trouble.is_some() {
                    // Whoever asked tries again.
                    return drop(waiter);
                }
                if let Some(mut step) = self.contained(|partition| partition.pause(weather.now)) {
                    step.batch.rows = rows;
                    works.push(Work::new(step, Asker::Settled(waiter)));
                }
            }
            Job::Settle(waiter) => {
                if let Some(step) = self.contained(|partition| partition.pause(weather.now)) {
                    works.push(Work::new(step, Asker::Settled(waiter)));
                }
            }
        }
    }

    fn command(
        &mut self,
        command: Box<E::Command>,
        waiter: Waiter<E::Reply, E::Rejection>,
        tried: bool,
        weather: &Weather,
        works: &mut Vec<Work>,
    ) {
        if let Some(trouble) = &weather.trouble {
            let refusal = Refusal::Unavailable(trouble.to_string());
            return Asker::<E>::Reply(waiter).refuse(refusal);
        }
        if !self.quarantine.is_empty() && self.quarantine.contains(&E::fingerprint(&command)) {
            return Asker::<E>::Reply(waiter).refuse(Refusal::Internal);
        }
        self.recent.push_back(E::name(&command));
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
        let store = self.store.clone();
        match self.contained(|partition| partition.run(&command, weather.now, &*store)) {
            Some(Ok(step)) => self.ended(&command, step, waiter, works),
            Some(Err(error)) => {
                let refusal = Refusal::Unavailable(error.to_string());
                Asker::<E>::Reply(waiter).refuse(refusal);
            }
            None if tried => {
                if self.quarantine.len() == QUARANTINE_MAX {
                    self.quarantine.pop_front();
                }
                self.quarantine.push_back(E::fingerprint(&command));
                Asker::<E>::Reply(waiter).refuse(Refusal::Internal);
            }
            None => {
                let job = Job::Command(command, waiter);
                self.waiting.push_front(Waiting { job, tried: true });
            }
        }
    }

    /// Hands a command's step out; the last one of all ends the partition.
    fn ended(
        &mut self,
        command: &E::Command,
        mut step: Step<E>,
        waiter: Waiter<E::Reply, E::Rejection>,
        works: &mut Vec<Work>,
    ) {
        let is_over = E::ends(command) && self.engine().is_some_and(E::is_over);
        if is_over {
            loading::end::<E>(&mut step.batch);
        }
        works.push(Work::new(step, Asker::Reply(waiter)));
        if is_over {
            // Whether it is over for good is known once the batch is durable: rows will tell.
            self.lose();
        }
    }

    fn expire(&mut self, weather: &Weather, works: &mut Vec<Work>) {
        if !self.is_due(weather.now) || weather.trouble.is_some() {
            return;
        }
        self.is_behind = false;
        let store = self.store.clone();
        match self.contained(|partition| partition.expire(weather.now, &*store)) {
            Some(Err(error)) => {
                tracing::warn!(partition = %self.id, %error, "what is due could not be read");
                self.timers.panicked(weather.now);
            }
            Some(Ok(step)) => {
                self.timers = Timers::default();
                self.is_behind = self.is_due(weather.now);
                if !step.batch.is_empty() {
                    works.push(Work::new(step, Asker::Nobody));
                    self.portion_ahead = self.in_flight + works.len();
                }
            }
            None => self.timers.panicked(weather.now),
        }
    }

    /// Runs a step; `None` when the engine panicked, which loses it.
    fn contained<T>(&mut self, step: impl FnOnce(&mut Partition<E>) -> T) -> Option<T> {
        let State::Serving(partition) = &mut self.state else { return None };
        // Nothing of a partition that panicked is looked at again, its id source excepted, which is
        // a counter.
        match catch_unwind(AssertUnwindSafe(|| step(partition))) {
            Ok(step) => Some(step),
            Err(_) => {
                let recent: Vec<_> = self.recent.iter().collect();
                tracing::error!(partition = %self.id, ?recent, "an engine panicked");
                self.panics += 1;
                self.lose();
                None
            }
        }
    }
}

impl<E: Engine> Job<E> {
    /// Tells whoever waits that it will not be done.
    pub fn refuse(self, refusal: Refusal<E::Rejection>) {
        match self {
            Self::Command(_, waiter) => Asker::<E>::Reply(waiter).refuse(refusal),
            Self::Question(_, waiter) => Asker::<E>::Answer(waiter).refuse(refusal),
            Self::Settle(waiter) => Asker::<E>::Settled(waiter).refuse(refusal),
            // Not written, whatever the reason.
            Self::Write(_, waiter) => drop(waiter),
        }
    }
}

impl Timers {
    /// The first time they are tried again at once, on a restored engine.
    fn panicked(&mut self, now: Timestamp) {
        self.panics += 1;
        if self.panics > 1 {
            let (first, most) = REST;
            let rest = first.0 << (self.panics - 2).min(6);
            self.rest_until = Some(now + Millis(rest.min(most.0)));
        }
    }
}
