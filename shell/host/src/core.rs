//! What the host does for partitions of any kind: opens them, puts jobs in, moves the clock, stops.

use crate::{
    Readiness, Refusal, StartError,
    clock::Clock,
    committer::PROBE_PARTITION,
    engine::Engine,
    host::Options,
    inbox::{Home, Inbox},
    outbox::Teller,
    outlets::Outlets,
    partition::RestoreError,
    runtime::{Desk, RETRY, earliest, serve},
    seat::{Job, Seat},
};
use base::{IdSource, Millis, Timestamp};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use store::{CommitError, Forget, Partition, PartitionId, RowWrite, Store};
use tokio::sync::oneshot;

/// Everything but the kinds of engines.
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) outlets: Arc<Outlets>,
    pub(crate) clock: Arc<Clock>,
    /// For what lives by the real time even where domain time is moved by hand.
    pub(crate) real_clock: Arc<Clock>,
    desk: Arc<Desk>,
    seed: u64,
    is_stopping: AtomicBool,
    advancing: tokio::sync::Mutex<()>,
}

/// Kinds of partitions whose changes are stamped by the real clock.
const BY_REAL_TIME: [&str; 2] = [<access::Access as Engine>::KIND, PROBE_PARTITION];

/// How often what fails is tried again while somebody waits for it.
const TRIES_MAX: u32 = 20;

impl Core {
    /// Takes the store's committer. No partition is open yet.
    pub(crate) fn start(store: Arc<dyn Store>, options: &Options) -> Result<Self, StartError> {
        // What lives by the real clock says nothing about a clock that is moved by hand.
        let partitions = store.partitions()?;
        let by_domain_time =
            partitions.iter().filter(|known| !BY_REAL_TIME.contains(&&*known.kind));
        let newest = by_domain_time.map(|known| known.at).max();
        let clock = Clock::new(options.clock, newest.unwrap_or(Timestamp(0)));
        let outlets = Arc::new(Outlets::default());
        let desk = Desk::start(store.clone(), outlets.clone())
            .map_err(|error| StartError::Writer(error.to_string()))?;
        Ok(Self {
            store,
            outlets,
            clock: Arc::new(clock),
            real_clock: Arc::new(Clock::System),
            desk,
            seed: options.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish()),
            is_stopping: AtomicBool::new(false),
            advancing: tokio::sync::Mutex::default(),
        })
    }

    /// Where a partition's ids come from.
    pub(crate) fn ids(&self, partition: &str) -> IdSource {
        IdSource::new(self.seed ^ crate::adapters::hash(partition))
    }

    /// Opens a partition nothing has happened in.
    pub(crate) fn open_new<E: Engine>(&self, id: PartitionId, clock: &Arc<Clock>) -> Arc<Inbox<E>> {
        let ids = self.ids(&id);
        self.open(Seat::new(id, self.store.clone(), self.outlets.clone(), ids), clock)
    }

    /// Opens a partition the store knows, unless it is over.
    pub(crate) fn open_known<E: Engine>(
        &self,
        known: Partition,
        clock: &Arc<Clock>,
    ) -> Result<Option<Arc<Inbox<E>>>, StartError> {
        let (partition, ids) = (known.id.to_string(), self.ids(&known.id));
        match Seat::restore(known, self.store.clone(), self.outlets.clone(), ids) {
            Ok(seat) => Ok(seat.map(|seat| self.open(seat, clock))),
            Err(RestoreError::Store(error)) => Err(StartError::Store(error)),
            Err(RestoreError::Rows(because)) => Err(StartError::Restore { partition, because }),
        }
    }

    fn open<E: Engine>(&self, seat: Seat<E>, clock: &Arc<Clock>) -> Arc<Inbox<E>> {
        let inbox = Arc::new(Inbox::new());
        inbox.note(seat.next_deadline(), false);
        self.desk.register(seat.id().clone(), inbox.clone());
        self.desk.keep(tokio::spawn(serve(seat, inbox.clone(), self.desk.clone(), clock.clone())));
        inbox
    }

    /// Answers once the command's changes are durable.
    pub(crate) async fn command<E: Engine>(
        &self,
        inbox: &Inbox<E>,
        command: E::Command,
    ) -> Result<E::Reply, Refusal<E::Rejection>> {
        self.may_take()?;
        let (waiter, answer) = oneshot::channel();
        inbox.push(Job::Command(Box::new(command), waiter));
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Answers behind the batches ahead.
    pub(crate) async fn question<E: Engine>(
        &self,
        inbox: &Inbox<E>,
        question: E::Question,
    ) -> Result<E::Answer, Refusal<E::Rejection>> {
        self.may_take()?;
        let (waiter, answer) = oneshot::channel();
        inbox.push(Job::Question(Box::new(question), waiter));
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Writes rows that no engine knows of; whether they are durable.
    pub(crate) async fn write<E: Engine>(&self, inbox: &Inbox<E>, rows: Vec<RowWrite>) -> bool {
        let (waiter, written) = oneshot::channel();
        inbox.push(Job::Write(rows, waiter));
        written.await.unwrap_or(false)
    }

    fn may_take<R>(&self) -> Result<(), Refusal<R>> {
        if self.is_stopping.load(Ordering::Acquire) { Err(stopped()) } else { Ok(()) }
    }

    /// Waits until everything taken so far is durable and published, or was lost and told so, and
    /// every partition stands on what is durable.
    pub(crate) async fn settle(&self) {
        let homes = self.desk.homes();
        let settling: Vec<_> = homes.iter().map(|home| home.ask_to_settle()).collect();
        for (home, settled) in homes.iter().zip(settling) {
            // A partition that ended has nothing to settle.
            if !settled.await.unwrap_or(true) {
                settle_again(&**home).await;
            }
        }
    }

    /// The same, and what is told outside is told or has failed, with all that follows from it.
    async fn settle_all(&self) {
        self.settle().await;
        self.settle_told().await;
    }

    async fn settle_told(&self) {
        self.outlets.sync.reach.sweep(self.clock.now());
        if let Some(teller) = self.outlets.outbox.teller() {
            teller.settle().await;
        }
    }

    /// See [`crate::Host::advance`].
    pub(crate) async fn advance(&self, by: Millis) -> Timestamp {
        let _one_at_a_time = self.advancing.lock().await;
        if matches!(*self.clock, Clock::System) {
            return self.clock.now();
        }
        let target = self.clock.now() + Millis(by.0.max(0));
        self.settle_all().await;
        let mut tries = 0;
        loop {
            let homes = self.desk.homes();
            let told_at = self.outlets.outbox.teller().and_then(Teller::next_deadline);
            let due = earliest(&homes).filter(|(at, _)| *at <= target);
            let Some((at, home)) = due.filter(|(at, _)| told_at.is_none_or(|told| *at <= told))
            else {
                let Some(at) = told_at.filter(|at| *at <= target) else { break };
                self.clock.reach(at);
                self.settle_all().await;
                continue;
            };
            self.clock.reach(at);
            if !home.ask_to_settle().await.unwrap_or(true) {
                settle_again(&**home).await;
            }
            if home.deadline().is_none_or(|next| next > at) {
                tries = 0;
                self.settle_told().await;
                continue;
            }
            if self.desk.health.trouble().is_none() {
                // Another portion of it.
                continue;
            }
            // The store takes nothing: it is still due.
            tries += 1;
            if tries == TRIES_MAX {
                return self.clock.now();
            }
            tokio::time::sleep(RETRY).await;
        }
        self.clock.reach(target);
        self.settle_all().await;
        self.clock.now()
    }

    /// Removes what is old, between two commits; `None` once stopped.
    pub(crate) fn forget_old(&self, forget: &Forget) -> Option<Result<(), CommitError>> {
        self.desk.forget_old(forget)
    }

    pub(crate) fn readiness(&self) -> Readiness {
        if self.is_stopping.load(Ordering::Acquire) {
            return Readiness::NotReady { because: "the server is stopping".to_owned() };
        }
        match self.desk.health.trouble() {
            None => Readiness::Ready,
            Some(trouble) => Readiness::NotReady { because: trouble.to_string() },
        }
    }

    pub(crate) async fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.settle().await;
        self.desk.stop().await;
        let queries = self.outlets.queries.stop();
        // A thread that panicked has ended too.
        let joining = move || queries.into_iter().for_each(|thread| _ = thread.join());
        _ = tokio::task::spawn_blocking(joining).await;
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.desk.abandon();
    }
}

/// Something of the partition was lost: it settles once it is restored, unless that fails too.
async fn settle_again(home: &dyn Home) {
    for _ in 0..TRIES_MAX {
        if home.ask_to_settle().await.unwrap_or(true) {
            return;
        }
        tokio::time::sleep(RETRY).await;
    }
}

fn stopped<R>() -> Refusal<R> {
    Refusal::Unavailable("the server is stopping".to_owned())
}
