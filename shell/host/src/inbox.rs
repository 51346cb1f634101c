//! Where a partition's jobs wait until its task takes all of them at once.
//!
//! * Costs a few words while idle.
//! * Settlements wake the task only when it waits for one or when its engine is lost.

use crate::{Refusal, engine::Engine, seat::Job, work::Settled};
use base::Timestamp;
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, Ordering},
};
use tokio::sync::Notify;

/// The near end of a partition.
pub(crate) struct Inbox<E: Engine> {
    state: Mutex<State<E>>,
    wake: Notify,
    /// The partition's next deadline as it last said; `i64::MAX` for none.
    deadline: AtomicI64,
}

struct State<E: Engine> {
    taken: Taken<E>,
    waits_for_settlement: bool,
    is_closed: bool,
}

/// What was waiting.
pub(crate) struct Taken<E: Engine> {
    pub(crate) jobs: Vec<Job<E>>,
    pub(crate) settled: Settled,
}

/// What the rest of the host does with a partition of any kind.
pub(crate) trait Home: Send + Sync {
    /// Batches are no longer on their way.
    fn settle(&self, settled: Settled);
    /// Something outside changed.
    fn wake(&self);
    /// No more jobs; the task ends.
    fn close(&self);
    /// The partition's next deadline as it last said.
    fn deadline(&self) -> Option<Timestamp>;
    /// Asks to be told when everything up to here is durable and published.
    fn ask_to_settle(&self) -> tokio::sync::oneshot::Receiver<bool>;
}

/// Jobs one partition may have waiting: each is a caller, so this is far above what connections
/// allow and only bounds memory.
const JOBS_MAX: usize = 100_000;

impl<E: Engine> Inbox<E> {
    pub(crate) fn new() -> Self {
        let taken = Taken { jobs: Vec::new(), settled: Settled::default() };
        let state = State { taken, waits_for_settlement: false, is_closed: false };
        Self { state: Mutex::new(state), wake: Notify::new(), deadline: AtomicI64::new(i64::MAX) }
    }

    /// Puts a job in line, or refuses it.
    pub(crate) fn push(&self, job: Job<E>) {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            return job.refuse(Refusal::NoPartition);
        }
        if state.taken.jobs.len() >= JOBS_MAX {
            drop(state);
            return job.refuse(Refusal::Unavailable("too many requests are waiting".to_owned()));
        }
        state.taken.jobs.push(job);
        drop(state);
        self.wake.notify_one();
    }

    /// Everything that waits.
    pub(crate) fn take(&self) -> Taken<E> {
        let mut state = self.lock();
        let empty = Taken { jobs: Vec::new(), settled: Settled::default() };
        std::mem::replace(&mut state.taken, empty)
    }

    /// Whether jobs wait.
    pub(crate) fn has_jobs(&self) -> bool {
        !self.lock().taken.jobs.is_empty()
    }

    /// How the partition stands after a turn.
    pub(crate) fn note(&self, deadline: Option<Timestamp>, waits_for_settlement: bool) {
        self.deadline.store(deadline.map_or(i64::MAX, |at| at.0), Ordering::Release);
        let mut state = self.lock();
        state.waits_for_settlement = waits_for_settlement;
        if waits_for_settlement && state.taken.settled.batches > 0 {
            self.wake.notify_one();
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Engine> Taken<E> {
    pub(crate) fn append(&mut self, mut other: Self) {
        self.jobs.append(&mut other.jobs);
        self.settled.add(other.settled);
    }
}

impl<E: Engine> Home for Inbox<E> {
    fn settle(&self, settled: Settled) {
        let mut state = self.lock();
        state.taken.settled.add(settled);
        if settled.lost || state.waits_for_settlement {
            self.wake.notify_one();
        }
    }

    fn wake(&self) {
        self.wake.notify_one();
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.wake.notify_one();
    }

    fn deadline(&self) -> Option<Timestamp> {
        let at = self.deadline.load(Ordering::Acquire);
        (at != i64::MAX).then_some(Timestamp(at))
    }

    fn ask_to_settle(&self) -> tokio::sync::oneshot::Receiver<bool> {
        let (waiter, settled) = tokio::sync::oneshot::channel();
        self.push(Job::Settle(waiter));
        settled
    }
}
