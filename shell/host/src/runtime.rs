//! The waiting around seats and committer: one task per partition, one writer thread, one task that
//! tells what the writer did.
//!
//! * A small group commits in place when nothing else is under way: no thread is woken. Otherwise
//!   the writer thread takes everything that waits. `in_flight` counts until results are told, so
//!   results are told in the order of their commits.
//! * No timer makes a group: the commit before it does.
//! * What the store has to do by itself is done by the writer thread when nothing waits for it, and
//!   now and then when something always does.
//! * A task that waits for its store or its clock holds nothing that another needs.

use crate::{
    Refusal,
    clock::Clock,
    committer::{Committed, GroupCommitter, Health},
    engine::Engine,
    inbox::{Home, Inbox, Taken},
    outlets::Outlets,
    seat::{Seat, Weather},
    work::{Rest, Work, deliver},
};
use base::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};
use store::{CommitError, Forget, PartitionId, Store, Upkeep};
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    watch,
};
use tokio::task::JoinHandle;

/// Batches committed in place at most; more are worth a wake-up of the writer.
const IN_PLACE_MAX: usize = 2;
/// Rows of them at most: a portion of long work takes the store longer than a wake-up.
const ROWS_IN_PLACE_MAX: usize = 32;
/// Messages the writer joins into one group.
const MESSAGES_MAX: usize = 64;
/// Between two portions of the store's own work.
const UPKEEP_PAUSE: Duration = Duration::from_millis(5);
/// How long commits that follow each other go before such a portion.
const UPKEEP_WAIT_MAX: Duration = Duration::from_millis(100);
/// How soon one that failed is tried again.
const UPKEEP_RETRY: Duration = Duration::from_secs(10);
/// A clock may be set and a machine may sleep: nobody waits longer without looking again.
const NAP_MAX: Duration = Duration::from_secs(10);
/// How soon a partition that could not be read, or a store that is full, is tried again.
pub(crate) const RETRY: Duration = Duration::from_millis(250);

/// What all partitions share.
pub(crate) struct Desk {
    pub(crate) outlets: Arc<Outlets>,
    pub(crate) health: Arc<Health>,
    /// `None` once stopped.
    committing: Arc<Committing>,
    writer: Mutex<Writer>,
    homes: RwLock<BTreeMap<PartitionId, Arc<dyn Home>>>,
    /// The tasks of partitions, ended ones included until the next one begins.
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What desk and writer thread share.
struct Committing {
    /// `None` once stopped.
    committer: Mutex<Option<GroupCommitter>>,
    /// Messages handed to the writer whose results were not told yet.
    in_flight: AtomicUsize,
}

#[derive(Default)]
struct Writer {
    inbox: Option<mpsc::Sender<Vec<Work>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What the writer did with the messages it joined.
struct Done {
    committed: Committed,
    rests: Vec<Rest>,
    messages: usize,
}

impl Desk {
    /// Takes the store's committer, and starts the writer thread and the tasks beside it.
    pub(crate) fn start(
        store: Arc<dyn Store>,
        outlets: Arc<Outlets>,
    ) -> std::io::Result<Arc<Self>> {
        let health = Arc::new(Health::default());
        let committer = Mutex::new(Some(GroupCommitter::new(store, health.clone())));
        let committing = Arc::new(Committing { committer, in_flight: AtomicUsize::new(0) });
        let (to_writer, from_desk) = mpsc::channel();
        let (to_desk, from_writer) = unbounded_channel();
        let writing = committing.clone();
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || writing.write(&from_desk, &to_desk))?;
        let desk = Arc::new(Self {
            outlets,
            health,
            committing,
            writer: Mutex::new(Writer { inbox: Some(to_writer), thread: Some(thread) }),
            homes: RwLock::default(),
            tasks: Mutex::default(),
        });
        tokio::spawn(tell(Arc::downgrade(&desk), from_writer));
        tokio::spawn(probe(Arc::downgrade(&desk), desk.health.watch()));
        Ok(desk)
    }

    /// Commits these, in order and behind everything submitted before by the same partition.
    pub(crate) fn submit(&self, works: Vec<Work>) {
        if works.is_empty() {
            return;
        }
        let in_flight = &self.committing.in_flight;
        let rows: usize = works.iter().map(|work| work.batch.rows.len()).sum();
        if works.len() <= IN_PLACE_MAX
            && rows <= ROWS_IN_PLACE_MAX
            && in_flight.load(Ordering::Acquire) == 0
            && let Ok(mut committer) = self.committing.committer.try_lock()
            && let Some(committer) = committer.as_mut()
        {
            let (batches, rests) = Work::split(works);
            let committed = committer.commit(batches);
            self.deliver(committed, rests);
            committer.after(true);
            return;
        }
        in_flight.fetch_add(1, Ordering::AcqRel);
        let writer = lock(&self.writer);
        let refused = match &writer.inbox {
            Some(inbox) => inbox.send(works).err().map(|refused| refused.0),
            None => Some(works),
        };
        drop(writer);
        if let Some(works) = refused {
            in_flight.fetch_sub(1, Ordering::AcqRel);
            let (batches, rests) = Work::split(works);
            self.deliver(Committed::refused(batches, "nothing is written any more"), rests);
        }
    }

    /// Removes what is old, as one more message between those of the writer; blocks as long as a
    /// commit under way. `None` once stopped.
    pub(crate) fn forget_old(&self, forget: &Forget) -> Option<Result<(), CommitError>> {
        let mut committer = lock(&self.committing.committer);
        let committer = committer.as_mut()?;
        let forgotten = committer.forget(forget);
        committer.after(false);
        Some(forgotten)
    }

    /// A partition from now on; its settlements go there.
    pub(crate) fn register(&self, id: PartitionId, home: Arc<dyn Home>) {
        self.homes.write().unwrap_or_else(PoisonError::into_inner).insert(id, home);
    }

    /// Remembers a partition's task, to wait for its end.
    pub(crate) fn keep(&self, task: JoinHandle<()>) {
        let mut tasks = lock(&self.tasks);
        tasks.retain(|task| !task.is_finished());
        tasks.push(task);
    }

    pub(crate) fn forget(&self, id: &PartitionId) {
        self.homes.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Every partition there is, by name.
    pub(crate) fn homes(&self) -> Vec<Arc<dyn Home>> {
        self.homes.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Ends the writer once it has written what it has; nothing is committed afterwards.
    pub(crate) async fn stop(&self) {
        let Writer { inbox, thread } = std::mem::take(&mut *lock(&self.writer));
        drop(inbox);
        if let Some(thread) = thread {
            // It can only fail by a panic, which was reported where it happened.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        lock(&self.committing.committer).take();
        self.homes().iter().for_each(|home| home.close());
        let tasks = std::mem::take(&mut *lock(&self.tasks));
        for task in tasks {
            // One that panicked has ended too.
            let _ = task.await;
        }
    }

    /// Lets go of everything without waiting: for a host that is dropped without being stopped.
    pub(crate) fn abandon(&self) {
        lock(&self.writer).inbox.take();
        self.homes().iter().for_each(|home| home.close());
    }

    fn deliver(&self, committed: Committed, rests: Vec<Rest>) {
        let settled = deliver(committed, rests, &self.outlets);
        let homes = self.homes.read().unwrap_or_else(PoisonError::into_inner);
        for (partition, settled) in settled {
            if let Some(home) = homes.get(&partition) {
                home.settle(settled);
            }
        }
    }
}

impl Committing {
    /// The writer thread.
    fn write(&self, inbox: &mpsc::Receiver<Vec<Work>>, outbox: &UnboundedSender<Done>) {
        let mut upkeep = Some(Upkeeping::begin());
        while let Some(received) = next(inbox, upkeep.as_ref()) {
            let mut committer = lock(&self.committer);
            let Some(committer) = committer.as_mut() else { return };
            if let Some(mut works) = received {
                let mut messages = 1;
                while messages < MESSAGES_MAX
                    && let Ok(more) = inbox.try_recv()
                {
                    works.extend(more);
                    messages += 1;
                }
                let (batches, rests) = Work::split(works);
                let committed = committer.commit(batches);
                if outbox.send(Done { committed, rests, messages }).is_err() {
                    return;
                }
                committer.after(self.in_flight.load(Ordering::Acquire) <= messages);
                if upkeep.as_ref().is_none_or(|upkeep| upkeep.can_wait()) {
                    continue;
                }
            }
            upkeep = Upkeeping::of(committer.tend());
        }
    }
}

/// When a portion of the store's own work was done, and when the next one is due.
struct Upkeeping {
    since: Instant,
    pause: Duration,
}

impl Upkeeping {
    fn begin() -> Self {
        Self { since: Instant::now(), pause: Duration::ZERO }
    }

    /// Behind a portion; `None` when that was the last one.
    fn of(done: Result<Upkeep, CommitError>) -> Option<Self> {
        let pause = match done {
            Ok(Upkeep::Done) => return None,
            Ok(Upkeep::More) => UPKEEP_PAUSE,
            Err(error) => {
                tracing::warn!(%error, "the store's own work waits");
                UPKEEP_RETRY
            }
        };
        Some(Self { since: Instant::now(), pause })
    }

    /// Whether commits that follow each other go before it.
    fn can_wait(&self) -> bool {
        self.since.elapsed() < self.pause.max(UPKEEP_WAIT_MAX)
    }
}

/// What comes next: messages, or nothing for the store's own work; `None` at the end.
fn next(
    inbox: &mpsc::Receiver<Vec<Work>>,
    upkeep: Option<&Upkeeping>,
) -> Option<Option<Vec<Work>>> {
    let Some(Upkeeping { since, pause }) = upkeep else { return inbox.recv().ok().map(Some) };
    match inbox.recv_timeout(pause.saturating_sub(since.elapsed())) {
        Ok(works) => Some(Some(works)),
        Err(mpsc::RecvTimeoutError::Timeout) => Some(None),
        Err(mpsc::RecvTimeoutError::Disconnected) => None,
    }
}

/// Tells what the writer did.
async fn tell(desk: Weak<Desk>, mut inbox: UnboundedReceiver<Done>) {
    while let Some(Done { committed, rests, messages }) = inbox.recv().await {
        let Some(desk) = desk.upgrade() else { return };
        desk.deliver(committed, rests);
        desk.committing.in_flight.fetch_sub(messages, Ordering::AcqRel);
    }
}

/// While the store takes nothing, tries again and again; then wakes everybody.
async fn probe(desk: Weak<Desk>, mut health: watch::Receiver<Option<Arc<str>>>) {
    while health.changed().await.is_ok() {
        while health.borrow_and_update().is_some() {
            tokio::time::sleep(RETRY).await;
            let Some(desk) = desk.upgrade() else { return };
            let probing = move || {
                let mut committer = lock(&desk.committing.committer);
                committer.as_mut().map(GroupCommitter::probe)
            };
            let Ok(Some(())) = tokio::task::spawn_blocking(probing).await else { return };
        }
        let Some(desk) = desk.upgrade() else { return };
        desk.homes().iter().for_each(|home| home.wake());
    }
}

/// Serves one partition until it is over or closed.
pub(crate) async fn serve<E: Engine>(
    mut seat: Seat<E>,
    inbox: Arc<Inbox<E>>,
    desk: Arc<Desk>,
    clock: Arc<Clock>,
) {
    let served = Served { id: seat.id().clone(), inbox: inbox.clone(), desk: desk.clone() };
    let mut is_crowded = false;
    while !inbox.is_closed() {
        let mut taken = inbox.take();
        is_crowded |= taken.jobs.len() > 1 || seat.in_flight() > taken.settled.batches;
        if !taken.jobs.is_empty() && is_crowded {
            // Connections that are ready get to put their jobs into the same group, and what was
            // told goes out before the next commit. A single job that finds nothing under way
            // shares with nobody, and to yield would wake another thread.
            tokio::task::yield_now().await;
            taken.append(inbox.take());
        }
        let weather = Weather { now: clock.now(), trouble: desk.health.trouble() };
        let Taken { settled, jobs } = taken;
        let works = if seat.is_lost() || settled.lost || seat.may_read(&jobs, weather.now) {
            // Reading a large partition takes its time, and others share this thread.
            let (moved, told) = (seat, weather.clone());
            let turning = tokio::task::spawn_blocking(move || {
                let mut seat = moved;
                let works = seat.turn(settled, jobs, &told);
                (seat, works)
            });
            let Ok((back, works)) = turning.await else { return drop(served) };
            seat = back;
            works
        } else {
            seat.turn(settled, jobs, &weather)
        };
        inbox.note(seat.next_deadline(), seat.is_waiting());
        desk.submit(works);
        is_crowded = inbox.has_jobs();
        if seat.is_over() {
            break;
        }
        let nap = nap(&seat, &weather, &clock);
        if nap == Some(Duration::ZERO) {
            // A thread that sleeps between portions may wait for its turn much longer than they
            // take, and offers may have to wait for the last of them.
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            () = inbox.woken() => {}
            () = sleep(nap) => {}
        }
    }
    drop(served);
}

/// However a partition's task ends, nobody is left waiting for it.
struct Served<E: Engine> {
    id: PartitionId,
    inbox: Arc<Inbox<E>>,
    desk: Arc<Desk>,
}

impl<E: Engine> Drop for Served<E> {
    fn drop(&mut self) {
        self.desk.forget(&self.id);
        self.inbox.close();
        for job in self.inbox.take().jobs {
            job.refuse(Refusal::NoPartition);
        }
    }
}

/// How long there is nothing to do unless something comes; `None` for ever.
fn nap<E: Engine>(seat: &Seat<E>, weather: &Weather, clock: &Clock) -> Option<Duration> {
    if seat.is_waiting() {
        // Settlements wake; only a restore that failed is to be tried again by itself.
        return (seat.in_flight() == 0).then_some(RETRY);
    }
    if weather.trouble.is_some() {
        return None;
    }
    if seat.is_due(weather.now) {
        // The next portion of what was left over, whoever moves the clock.
        return Some(Duration::ZERO);
    }
    let until = clock.until(seat.next_deadline()?)?;
    Some(Duration::from_millis(until.0.unsigned_abs()).min(NAP_MAX))
}

async fn sleep(nap: Option<Duration>) {
    match nap {
        // A timer would not be up before the next millisecond.
        Some(Duration::ZERO) => tokio::task::yield_now().await,
        Some(nap) => tokio::time::sleep(nap).await,
        None => std::future::pending().await,
    }
}

/// The earliest deadline of any partition, with where it is; ties by name.
pub(crate) fn earliest(homes: &[Arc<dyn Home>]) -> Option<(Timestamp, &Arc<dyn Home>)> {
    let due = homes.iter().filter_map(|home| Some((home.deadline()?, home)));
    due.min_by_key(|(at, _)| *at)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
