//! Live queries: what a supervisor asks of a workspace, kept up as it changes.
//!
//! * A workspace nobody queries costs one look at a number for each batch.
//! * One that is queried has a desk: a thread that takes in what was written, in order, looks at it
//!   once for each query, and tells followers through their mailboxes. It ends a while after the
//!   last one left.
//! * What was written is handed over once it is durable and before anybody is answered: whoever
//!   asks after an answer finds what it led to.
//! * A desk that cannot keep up loses what waits for it and reads everything again.

mod concerns;
mod desk;
mod indexes;

pub use indexes::{AllTold, Indexes, Unread, Written, is_end, written};

use crate::{clock::Clock, outlets::Outlets, sync_hub};
use bytes::Bytes;
use desk::{Desk, Job};
use insights::{Item, Number, Place, Query, QuerySid, Told};
use routing::WorkspaceSid;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};
use store::{Batch, Store};
use tokio::sync::oneshot;

/// Batches that wait for a desk at most.
const WAITING_MAX: usize = 4_096;

/// What a query holds for, or a page of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryPage {
    /// The query's name.
    pub query: QuerySid,
    /// In order of SIDs.
    pub items: Vec<Item>,
    /// The last one of these, where there are more.
    pub next: Option<base::Sid>,
    /// Whoever has these knows everything up to this change; 0 where there are more.
    pub complete: Number,
}

/// Why a query is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryRefusal {
    /// There is no such workspace.
    #[error("There is no such workspace")]
    NoWorkspace,
    /// There are too many queries on the workspace.
    #[error("There are too many different queries on this workspace")]
    TooMany,
    /// Rows could not be read; it may be tried again.
    #[error("The query could not be answered now")]
    Unavailable,
}

/// Something told to whoever follows a query, with its form on the wire once somebody made it.
pub struct QueryNews {
    /// Which query.
    pub query: QuerySid,
    /// What.
    pub told: Told,
    frame: OnceLock<Bytes>,
}

/// The frame holds what customers wrote.
impl fmt::Debug for QueryNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { query, told, .. } = self;
        f.debug_struct("QueryNews").field("query", query).field("told", told).finish()
    }
}

impl QueryNews {
    /// Of what was told.
    pub const fn of(query: QuerySid, told: Told) -> Self {
        Self { query, told, frame: OnceLock::new() }
    }

    /// Its form on the wire, made once for all connections.
    pub fn frame(&self, make: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.frame.get_or_init(|| make(self)).clone()
    }
}

/// The desks of all workspaces that are queried.
#[derive(Debug, Default)]
pub struct LiveQueries {
    desks: RwLock<BTreeMap<WorkspaceSid, Line>>,
    /// How many there are, for whoever only wants to know whether there are any.
    count: AtomicUsize,
}

/// The way to a desk.
#[derive(Debug)]
struct Line {
    jobs: mpsc::Sender<Job>,
    backlog: Arc<Backlog>,
    /// `None` if there was no thread to be had: then nobody takes the jobs.
    thread: Option<JoinHandle<()>>,
}

/// What waits for a desk.
#[derive(Debug, Default)]
struct Backlog {
    batches: AtomicUsize,
    /// There were too many, and what is written is left out until everything is read again.
    is_lost: AtomicBool,
}

/// What a desk needs.
pub(crate) struct Around {
    pub(crate) outlets: Arc<Outlets>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<Clock>,
}

/// What a follower is told next.
#[derive(Debug)]
pub(crate) enum Replayed {
    /// This, and then there may be more.
    Told(Vec<Arc<QueryNews>>, Place),
    /// Nothing more: it is told live from now on.
    Live,
}

impl LiveQueries {
    /// Hands a durable batch to the workspace's desk, if it has one.
    pub fn observe(&self, batch: &Batch) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let Ok(workspace) = batch.partition.parse() else { return };
        let is_taken = self.read().get(&workspace).is_none_or(|line| line.observe(batch));
        if !is_taken {
            self.remove(workspace);
        }
    }

    /// Something may have become durable that nobody was told.
    pub(crate) fn read_again(&self, workspace: WorkspaceSid) {
        if let Some(line) = self.read().get(&workspace) {
            _ = line.jobs.send(Job::ReadAgain);
        }
    }

    /// The same of any workspace.
    pub(crate) fn read_all_again(&self) {
        for line in self.read().values() {
            _ = line.jobs.send(Job::ReadAgain);
        }
    }

    /// Answers a query, and keeps it for a while for whoever follows it.
    pub(crate) async fn ask(
        &self,
        around: &Around,
        workspace: WorkspaceSid,
        query: Arc<Query>,
        behind: Option<base::Sid>,
        limit: usize,
    ) -> Result<QueryPage, QueryRefusal> {
        let (reply, answer) = oneshot::channel();
        self.send(around, workspace, Job::Ask { query, behind, limit, reply });
        answer.await.unwrap_or(Err(QueryRefusal::Unavailable))
    }

    /// What a follower is told next, which was told as far as `place`.
    pub(crate) async fn missed(
        &self,
        around: &Around,
        workspace: WorkspaceSid,
        query: Arc<Query>,
        place: Place,
        follower: sync_hub::QueryFollower,
    ) -> Result<Replayed, QueryRefusal> {
        let (reply, answer) = oneshot::channel();
        self.send(around, workspace, Job::Missed { query, place, follower, reply });
        answer.await.unwrap_or(Err(QueryRefusal::Unavailable))
    }

    /// Ends all desks; their threads are to be waited for.
    pub(crate) fn stop(&self) -> Vec<JoinHandle<()>> {
        let desks = std::mem::take(&mut *self.write());
        self.count.store(0, Ordering::Release);
        desks.into_values().filter_map(|line| line.thread).collect()
    }

    fn send(&self, around: &Around, workspace: WorkspaceSid, job: Job) {
        let sent = match self.read().get(&workspace) {
            Some(line) => line.jobs.send(job).map_err(|mpsc::SendError(job)| job),
            None => Err(job),
        };
        let Err(job) = sent else { return };
        let mut desks = self.write();
        // One that ended by itself, which no desk should, is replaced.
        if desks.get(&workspace).is_some_and(Line::is_over) && desks.remove(&workspace).is_some() {
            self.count.fetch_sub(1, Ordering::AcqRel);
        }
        let line = desks.entry(workspace).or_insert_with(|| {
            self.count.fetch_add(1, Ordering::AcqRel);
            Line::begin(around, workspace)
        });
        // Whoever asked is told by the end of the channel.
        _ = line.jobs.send(job);
    }

    /// Ends a desk unless something waits for it.
    fn retire(&self, workspace: WorkspaceSid, inbox: &mpsc::Receiver<Job>) -> Result<(), Job> {
        let mut desks = self.write();
        if let Ok(job) = inbox.try_recv() {
            return Err(job);
        }
        if desks.remove(&workspace).is_some() {
            self.count.fetch_sub(1, Ordering::AcqRel);
        }
        Ok(())
    }

    fn remove(&self, workspace: WorkspaceSid) {
        if self.write().remove(&workspace).is_some() {
            self.count.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<WorkspaceSid, Line>> {
        self.desks.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<WorkspaceSid, Line>> {
        self.desks.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn begin(around: &Around, workspace: WorkspaceSid) -> Self {
        let (jobs, inbox) = mpsc::channel();
        let backlog = Arc::<Backlog>::default();
        let desk = Desk::new(workspace, around, backlog.clone());
        let thread = std::thread::Builder::new().name("queries".to_owned());
        let thread = thread.spawn(move || desk.serve(&inbox));
        if let Err(error) = &thread {
            tracing::error!(%workspace, %error, "live queries have no thread");
        }
        Self { jobs, backlog, thread: thread.ok() }
    }

    fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// False when nobody takes it any more.
    fn observe(&self, batch: &Batch) -> bool {
        let Backlog { batches, is_lost } = &*self.backlog;
        let written = written(batch);
        if written.is_empty() || is_lost.load(Ordering::Acquire) {
            return true;
        }
        let through = batch.next() - 1;
        if batches.fetch_add(1, Ordering::AcqRel) < WAITING_MAX {
            return self.jobs.send(Job::Written { through, written }).is_ok();
        }
        batches.fetch_sub(1, Ordering::AcqRel);
        is_lost.swap(true, Ordering::AcqRel) || self.jobs.send(Job::ReadAgain).is_ok()
    }
}
