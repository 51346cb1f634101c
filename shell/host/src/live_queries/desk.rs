//! The desk of one workspace: takes in what was written, answers queries, tells followers.
//!
//! * One job after the other, in the order in which they came.
//! * What was asked is kept for a while after the last one left, so that who comes back soon is
//!   told only what changed.
//! * What cannot be read is read again later; until then nobody is told that nothing is missing.

use super::{
    Around, Backlog, QueryNews, QueryPage, QueryRefusal, Replayed,
    indexes::{AllTold, Indexes, Unread, Written, is_end},
};
use crate::{Post, clock::Clock, outlets::Outlets, sync_hub::QueryFollower};
use base::Sid;
use insights::{Answers, Number, Place, Query, QuerySid, Told, What};
use routing::WorkspaceSid;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Weak,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};
use store::Store;
use tokio::sync::oneshot;

/// How often it is looked after who left.
const TICK: Duration = Duration::from_secs(5);
/// A query that nobody follows is kept for so long after it was asked.
const UNASKED_KEPT: Duration = Duration::from_secs(60);
/// Queries that nobody follows are kept at most.
const UNASKED_MAX: usize = 64;
/// Queries of one workspace.
const QUERIES_MAX: usize = 1_000;

/// Something to be done.
#[derive(Debug)]
pub(super) enum Job {
    /// Take in what a batch wrote whose last change this was.
    Written { through: Number, written: Vec<Written> },
    /// Something was not taken in.
    ReadAgain,
    /// Answer a query.
    Ask {
        query: Arc<Query>,
        behind: Option<Sid>,
        limit: usize,
        reply: oneshot::Sender<Result<QueryPage, QueryRefusal>>,
    },
    /// Tell a follower what is next, or that nothing is missing.
    Missed {
        query: Arc<Query>,
        place: Place,
        follower: QueryFollower,
        reply: oneshot::Sender<Result<Replayed, QueryRefusal>>,
    },
}

/// See the module.
pub(super) struct Desk {
    workspace: WorkspaceSid,
    outlets: Weak<Outlets>,
    store: Weak<dyn Store>,
    clock: Arc<Clock>,
    backlog: Arc<Backlog>,
    indexes: Indexes,
    watched: BTreeMap<QuerySid, Watched>,
    /// Something was not taken in, and everything is to be read again.
    is_stale: bool,
    swept_at: Instant,
}

struct Watched {
    followers: Vec<QueryFollower>,
    asked_at: Instant,
    /// Everything it holds for, as it was told last, for others who come back at the same time.
    whole: Option<Arc<QueryNews>>,
}

impl Desk {
    pub(super) fn new(workspace: WorkspaceSid, around: &Around, backlog: Arc<Backlog>) -> Self {
        Self {
            workspace,
            outlets: Arc::downgrade(&around.outlets),
            store: Arc::downgrade(&around.store),
            clock: around.clock.clone(),
            backlog,
            indexes: Indexes::new(workspace),
            watched: BTreeMap::new(),
            is_stale: false,
            swept_at: Instant::now(),
        }
    }

    /// Until nobody queries any more, or the host is gone.
    pub(super) fn serve(mut self, inbox: &Receiver<Job>) {
        loop {
            let mut next = match inbox.recv_timeout(TICK) {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let (Some(outlets), Some(store)) = (self.outlets.upgrade(), self.store.upgrade())
            else {
                return;
            };
            loop {
                if let Some(job) = next.take() {
                    self.job(job, &outlets, &*store);
                }
                if self.swept_at.elapsed() >= TICK {
                    self.sweep(&outlets, &*store);
                }
                if !self.watched.is_empty() {
                    break;
                }
                match outlets.queries.retire(self.workspace, inbox) {
                    Ok(()) => return,
                    Err(job) => next = Some(job),
                }
            }
        }
    }

    fn job(&mut self, job: Job, outlets: &Outlets, store: &dyn Store) {
        match job {
            Job::Written { through, written } => {
                self.backlog.batches.fetch_sub(1, Ordering::AcqRel);
                if is_end(&written) {
                    return self.end(QueryRefusal::NoWorkspace);
                }
                if !self.is_stale {
                    let told = self.indexes.take(through, &written, store, self.clock.now());
                    self.tell(told, outlets);
                }
            }
            Job::ReadAgain => {
                // What is written from now on is handed over again.
                self.backlog.is_lost.store(false, Ordering::Release);
                self.is_stale = true;
                self.refresh(outlets, store);
            }
            Job::Ask { query, behind, limit, reply } => {
                let page = self.open(&query, outlets, store);
                let page = page.map(|()| self.page(&query, behind, limit));
                // Whoever asked may have gone.
                _ = reply.send(page);
            }
            Job::Missed { query, place, follower, reply } => {
                let opened = self.open(&query, outlets, store);
                let opened = opened.and_then(|()| {
                    // Without it more would be told anew than is new, and half of that could be
                    // taken back by who looks back later.
                    self.indexes.look_back(&query, place, store).map_err(|error| {
                        tracing::warn!(%error, "what concerned a live query is not known");
                        QueryRefusal::Unavailable
                    })
                });
                _ = reply.send(opened.map(|()| self.missed(&query, place, follower)));
            }
        }
    }

    /// Reads everything again if something was not taken in.
    fn refresh(&mut self, outlets: &Outlets, store: &dyn Store) {
        if self.is_stale {
            self.is_stale = false;
            let told = self.indexes.read_again(None, store, self.clock.now());
            self.tell(told, outlets);
        }
    }

    fn open(
        &mut self,
        query: &Arc<Query>,
        outlets: &Outlets,
        store: &dyn Store,
    ) -> Result<(), QueryRefusal> {
        self.refresh(outlets, store);
        let sid = query.sid();
        if !self.watched.contains_key(&sid) {
            if self.watched.len() >= QUERIES_MAX {
                self.forget(0);
            }
            if self.watched.len() >= QUERIES_MAX {
                return Err(QueryRefusal::TooMany);
            }
            let told =
                self.indexes.open(query, store, self.clock.now()).map_err(
                    |unread| match unread {
                        Unread::Gone => QueryRefusal::NoWorkspace,
                        Unread::Store(error) => {
                            tracing::warn!(%error, "a live query could not be answered");
                            QueryRefusal::Unavailable
                        }
                    },
                )?;
            self.tell(Ok(told), outlets);
            let (followers, asked_at) = (Vec::new(), Instant::now());
            self.watched.insert(sid, Watched { followers, asked_at, whole: None });
        }
        if self.is_stale {
            return Err(QueryRefusal::Unavailable);
        }
        if let Some(watched) = self.watched.get_mut(&sid) {
            watched.asked_at = Instant::now();
        }
        Ok(())
    }

    fn answers(&self, query: &Query) -> &Answers {
        self.indexes.answers(query.index()).expect("the query was opened")
    }

    fn page(&self, query: &Query, behind: Option<Sid>, limit: usize) -> QueryPage {
        let page = self.answers(query).page(query.sid(), behind, limit, self.clock.now());
        // Who has a part only knows nothing for sure.
        let complete = if page.next.is_none() && behind.is_none() { page.complete } else { 0 };
        QueryPage { query: query.sid(), items: page.items, next: page.next, complete }
    }

    fn missed(&mut self, query: &Query, mut place: Place, follower: QueryFollower) -> Replayed {
        let (sid, now) = (query.sid(), self.clock.now());
        let told = self.answers(query).missed(sid, &mut place, now);
        let last = self.answers(query).through();
        let watched = self.watched.get_mut(&sid).expect("the query was opened");
        if told.is_empty() {
            if follower.followed(Post::QueryFollowed { query: sid, last }) {
                watched.followers.push(follower);
            }
            return Replayed::Live;
        }
        let news = told.into_iter().map(|told| watched.news(sid, told)).collect();
        Replayed::Told(news, place)
    }

    /// Tells those who follow; on an error everything is read again later.
    fn tell(&mut self, told: Result<AllTold, Unread>, outlets: &Outlets) {
        let told = match told {
            Ok(told) => told,
            Err(Unread::Gone) => return self.end(QueryRefusal::NoWorkspace),
            Err(Unread::Store(error)) => {
                tracing::warn!(workspace = %self.workspace, %error, "live queries wait");
                self.is_stale = true;
                return;
            }
        };
        for (sid, told) in told {
            let Some(watched) = self.watched.get_mut(&sid) else { continue };
            if watched.followers.is_empty() {
                continue;
            }
            let news = Arc::new(QueryNews::of(sid, told));
            let hub = &outlets.sync.hub;
            watched.followers.retain(|one| one.offer(hub, Post::Query(news.clone())));
        }
    }

    /// There is nothing to be queried any more.
    fn end(&mut self, because: QueryRefusal) {
        for (query, watched) in std::mem::take(&mut self.watched) {
            for follower in watched.followers {
                follower.end(Post::QueryFailed { query, because });
            }
        }
        self.indexes = Indexes::new(self.workspace);
    }

    fn sweep(&mut self, outlets: &Outlets, store: &dyn Store) {
        self.swept_at = Instant::now();
        self.refresh(outlets, store);
        for watched in self.watched.values_mut() {
            watched.followers.retain(QueryFollower::is_there);
            watched.whole = None;
        }
        self.forget(UNASKED_MAX);
    }

    /// Queries that nobody follows are given up after a time, and where there are more than that,
    /// those that were asked first.
    fn forget(&mut self, most: usize) {
        let idle = self.watched.iter().filter(|(_, watched)| watched.followers.is_empty());
        let mut idle: Vec<_> = idle.map(|(sid, watched)| (watched.asked_at, *sid)).collect();
        idle.sort_unstable();
        let too_many = idle.len().saturating_sub(most);
        for (at, (asked_at, sid)) in idle.into_iter().enumerate() {
            if at < too_many || asked_at.elapsed() >= UNASKED_KEPT {
                self.watched.remove(&sid);
                self.indexes.close(sid);
            }
        }
    }
}

impl Watched {
    /// What is told, the same for all where it is everything.
    fn news(&mut self, query: QuerySid, told: Told) -> Arc<QueryNews> {
        if !matches!(told.what, What::Whole(_)) {
            return Arc::new(QueryNews::of(query, told));
        }
        if let Some(whole) = self.whole.as_ref().filter(|whole| whole.told == told) {
            return whole.clone();
        }
        let whole = Arc::new(QueryNews::of(query, told));
        self.whole = Some(whole.clone());
        whole
    }
}

/// However it ends, nobody is left believing that they are told everything.
impl Drop for Desk {
    fn drop(&mut self) {
        for watched in self.watched.values() {
            watched.followers.iter().for_each(QueryFollower::interrupt);
        }
    }
}
