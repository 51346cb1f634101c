//! Who follows which object, and what waits for them.
//!
//! * One connection has one [`Mailbox`], bounded in bytes, for everything it follows: what it is to
//!   send comes out of it in order.
//! * A follower that is still being told what it missed is told nothing live: what happens
//!   meanwhile is in the log, and is read from there until nothing is left. Then, in one step under
//!   the lock, it is told live. So there is no gap, nothing comes twice, and nothing is out of
//!   order.
//! * Publishing never waits: a mailbox that is full loses what is in it and all it follows, and
//!   says so; whoever has it follows again.
//! * Who loses the right to read loses the object before anything else is published about it.
//!
//! Knows no sockets, no rows and no wire.

mod queries;

pub(crate) use queries::QueryFollower;

use crate::live_queries::{QueryNews, QueryRefusal};
use insights::{Number, QuerySid, What as Became};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use sync::{Event, EventId, ObjectSid, Rejection, ServiceSid, What};
use tokio::sync::{Notify, mpsc};

/// An event that is durable, with its form on the wire once somebody made it.
#[derive(Debug)]
pub struct News {
    /// What happened.
    pub event: Event,
    frame: OnceLock<Arc<[u8]>>,
}

impl News {
    /// Of an event.
    pub const fn of(event: Event) -> Self {
        Self { event, frame: OnceLock::new() }
    }

    /// Its form on the wire, made once for all connections.
    pub fn frame(&self, make: impl FnOnce(&Event) -> Arc<[u8]>) -> Arc<[u8]> {
        self.frame.get_or_init(|| make(&self.event)).clone()
    }

    fn weight(&self) -> usize {
        let data = match &self.event.what {
            What::DocumentUpdated { data } | What::MessagePublished { data, .. } => data.size(),
            What::ItemAdded(item) | What::ItemUpdated(item) | What::ItemRemoved { item, .. } => {
                item.data.size()
            }
            What::ObjectCreated { .. }
            | What::ObjectRemoved { .. }
            | What::PermissionChanged { .. } => 0,
        };
        data + POST_BYTES
    }
}

/// What a post takes beside its data, about.
const POST_BYTES: usize = 256;

/// What comes out of a mailbox.
#[derive(Clone, Debug)]
pub enum Post {
    /// Something that happened before the follower was told live.
    Replayed(Arc<News>),
    /// The follower was told what it missed and is told live from here on.
    Followed {
        /// What it follows.
        object: ObjectSid,
        /// Whether it was told everything.
        replay: Replay,
        /// The newest event it was told, or knew.
        last: EventId,
    },
    /// The object cannot be followed: it is not there, or may not be read.
    Failed {
        /// Which.
        object: ObjectSid,
        /// Why; `None` when the store could not be read, and it may be tried again.
        because: Option<Rejection>,
    },
    /// Something happened just now.
    Live(Arc<News>),
    /// The reader may not read the object any more and does not follow it.
    Revoked(ObjectSid),
    /// Something may be missing: none of these is followed any more.
    Interrupted(BTreeSet<ObjectSid>),
    /// What became of the items of a live query.
    Query(Arc<QueryNews>),
    /// The follower of a live query was told what it missed and is told live from here on.
    QueryFollowed {
        /// Which.
        query: QuerySid,
        /// Up to which change it knows everything.
        last: Number,
    },
    /// A live query cannot be followed, or no longer.
    QueryFailed {
        /// Which.
        query: QuerySid,
        /// Why.
        because: QueryRefusal,
    },
    /// Something may be missing: none of these live queries is followed any more.
    QueriesInterrupted(BTreeSet<QuerySid>),
}

/// Whether a follower was told everything it missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Everything.
    Completed,
    /// The log does not reach back that far: what it still had was told.
    Interrupted,
}

/// One for the whole host.
#[derive(Debug, Default)]
pub struct SyncHub {
    followers: Mutex<BTreeMap<ObjectSid, Vec<Follower>>>,
    feeds: Mutex<Vec<mpsc::Sender<Arc<News>>>>,
    next: AtomicU64,
}

/// Which call began to follow: what an earlier one still reads is not wanted any more.
pub(crate) type Beginning = u64;

#[derive(Debug)]
struct Follower {
    inbox: Arc<Inbox>,
    service: ServiceSid,
    progress: Progress,
}

#[derive(Clone, Copy, Debug)]
enum Progress {
    /// Is being told what it missed; the newest event since that began.
    Replaying { newest: EventId, ended: bool },
    /// The newest event it was told.
    Live { last: EventId },
}

/// What a connection has yet to send.
#[derive(Debug)]
pub(crate) struct Inbox {
    id: u64,
    /// Who reads, if it is not the account itself.
    pub(crate) identity: Option<Arc<str>>,
    bytes_max: usize,
    queue: Mutex<Queue>,
    filled: Notify,
    drained: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    posts: VecDeque<Post>,
    bytes: usize,
    /// What it follows, each with the number of the call that began it.
    follows: BTreeMap<ObjectSid, Beginning>,
    /// The live queries it follows, in the same way.
    queries: BTreeMap<QuerySid, Beginning>,
    is_closed: bool,
}

/// The reader's end: one for each connection. Dropped, it follows nothing.
#[derive(Debug)]
pub struct Mailbox {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) hub: Arc<SyncHub>,
}

impl Mailbox {
    /// The next post; waits for one.
    pub async fn next(&self) -> Post {
        loop {
            let mut filled = std::pin::pin!(self.inbox.filled.notified());
            filled.as_mut().enable();
            if let Some(post) = self.try_next() {
                return post;
            }
            filled.await;
        }
    }

    /// The next post if there is one, so that a connection sends many at once.
    pub fn try_next(&self) -> Option<Post> {
        let mut queue = lock(&self.inbox.queue);
        let post = queue.posts.pop_front()?;
        queue.bytes -= weight(&post);
        drop(queue);
        self.inbox.drained.notify_waiters();
        Some(post)
    }

    /// Tells nothing more about an object, from the next post on.
    pub fn leave(&self, object: ObjectSid) {
        self.hub.leave(object, self.inbox.id);
        let mut queue = lock(&self.inbox.queue);
        queue.follows.remove(&object);
        queue.drop_posts(|post| is_about(post, object));
    }

    /// What it follows.
    pub fn follows(&self) -> BTreeSet<ObjectSid> {
        lock(&self.inbox.queue).follows.keys().copied().collect()
    }

    /// Bytes that wait, about.
    pub fn bytes(&self) -> usize {
        lock(&self.inbox.queue).bytes
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let follows = {
            let mut queue = lock(&self.inbox.queue);
            queue.is_closed = true;
            queue.posts.clear();
            queue.queries.clear();
            std::mem::take(&mut queue.follows)
        };
        self.inbox.drained.notify_waiters();
        for object in follows.into_keys() {
            self.hub.leave(object, self.inbox.id);
        }
    }
}

impl Inbox {
    /// Puts a post in once there is room; false when nobody reads any more, or `object` is no
    /// longer followed.
    pub(crate) async fn put_when_there_is_room(
        &self,
        object: ObjectSid,
        since: Beginning,
        post: Post,
    ) -> bool {
        self.put_while(|queue| queue.follows.get(&object) == Some(&since), post).await
    }

    /// The same as long as it is wanted.
    async fn put_while(&self, is_wanted: impl Fn(&Queue) -> bool, post: Post) -> bool {
        loop {
            let mut drained = std::pin::pin!(self.drained.notified());
            drained.as_mut().enable();
            {
                let mut queue = lock(&self.queue);
                if queue.is_closed || !is_wanted(&queue) {
                    return false;
                }
                // Half of the room is left to what happens meanwhile to other objects.
                if queue.posts.is_empty() || queue.bytes < self.bytes_max / 2 {
                    queue.put(post);
                    self.filled.notify_one();
                    return true;
                }
            }
            drained.await;
        }
    }

    /// False when it did not fit: then everything in it is lost.
    fn offer(&self, post: Post) -> Result<(), BTreeSet<ObjectSid>> {
        let mut queue = lock(&self.queue);
        if queue.is_closed {
            return Ok(());
        }
        if queue.bytes + weight(&post) > self.bytes_max && !queue.posts.is_empty() {
            let follows = queue.interrupt();
            self.filled.notify_one();
            return Err(follows);
        }
        queue.put(post);
        self.filled.notify_one();
        Ok(())
    }

    /// Says that an object is no longer followed, whatever room there is.
    fn end(&self, object: ObjectSid, post: Post) {
        let mut queue = lock(&self.queue);
        if queue.follows.remove(&object).is_some() && !queue.is_closed {
            queue.put(post);
            self.filled.notify_one();
        }
        drop(queue);
        self.drained.notify_waiters();
    }
}

impl Queue {
    fn put(&mut self, post: Post) {
        self.bytes += weight(&post);
        self.posts.push_back(post);
    }

    fn drop_posts(&mut self, is_unwanted: impl Fn(&Post) -> bool) {
        let unwanted = self.posts.iter().filter(|post| is_unwanted(post));
        let dropped: usize = unwanted.map(weight).sum();
        self.posts.retain(|post| !is_unwanted(post));
        self.bytes -= dropped;
    }

    /// Loses everything but what was lost before.
    fn interrupt(&mut self) -> BTreeSet<ObjectSid> {
        let follows: BTreeSet<_> = std::mem::take(&mut self.follows).into_keys().collect();
        let mut lost = follows.clone();
        let mut queries: BTreeSet<_> = std::mem::take(&mut self.queries).into_keys().collect();
        for post in self.posts.drain(..) {
            match post {
                Post::Interrupted(before) => lost.extend(before),
                Post::QueriesInterrupted(before) => queries.extend(before),
                _ => {}
            }
        }
        self.bytes = 0;
        self.put(Post::Interrupted(lost));
        if !queries.is_empty() {
            self.put(Post::QueriesInterrupted(queries));
        }
        follows
    }
}

impl SyncHub {
    /// A mailbox for a connection; `identity` is who reads, `None` for the account itself.
    pub(crate) fn mailbox(
        self: &Arc<Self>,
        identity: Option<Arc<str>>,
        bytes_max: usize,
    ) -> Mailbox {
        let inbox = Inbox {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            identity,
            bytes_max,
            queue: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
        };
        Mailbox { inbox: Arc::new(inbox), hub: self.clone() }
    }

    /// Everything that happens from now on, in order; what finds `capacity` waiting is left out.
    pub fn feed(&self, capacity: usize) -> mpsc::Receiver<Arc<News>> {
        let (send, receive) = mpsc::channel(capacity.max(1));
        lock(&self.feeds).push(send);
        receive
    }

    /// Begins to follow: from now on what happens is noted, and told once [`SyncHub::go_live`]
    /// found that nothing is missing.
    pub(crate) fn begin(
        &self,
        inbox: &Arc<Inbox>,
        object: ObjectSid,
        service: ServiceSid,
    ) -> Beginning {
        let since = self.next.fetch_add(1, Ordering::Relaxed);
        let mut followers = lock(&self.followers);
        let list = followers.entry(object).or_default();
        list.retain(|follower| follower.inbox.id != inbox.id);
        let progress = Progress::Replaying { newest: 0, ended: false };
        list.push(Follower { inbox: inbox.clone(), service, progress });
        lock(&inbox.queue).follows.insert(object, since);
        since
    }

    /// Tells live from now on if `last` is the newest event of all; else false, and there is more
    /// to be read. True as well when it does not follow any more.
    pub(crate) fn go_live(
        &self,
        inbox: &Inbox,
        (object, since): (ObjectSid, Beginning),
        last: EventId,
        replay: Replay,
    ) -> bool {
        let mut followers = lock(&self.followers);
        if lock(&inbox.queue).follows.get(&object) != Some(&since) {
            return true;
        }
        let Some(list) = followers.get_mut(&object) else { return true };
        let own = list.iter_mut().find(|follower| follower.inbox.id == inbox.id);
        let Some(follower) = own else { return true };
        if let Progress::Replaying { newest, ended } = &mut follower.progress
            && (*newest > last || *ended)
        {
            *ended = false;
            return false;
        }
        follower.progress = Progress::Live { last };
        let mut queue = lock(&inbox.queue);
        if !queue.is_closed {
            queue.put(Post::Followed { object, replay, last });
        }
        drop(queue);
        inbox.filled.notify_one();
        true
    }

    /// Ends following with a word.
    pub(crate) fn fail(
        &self,
        inbox: &Inbox,
        (object, since): (ObjectSid, Beginning),
        because: Option<Rejection>,
    ) {
        if lock(&inbox.queue).follows.get(&object) != Some(&since) {
            return;
        }
        self.leave(object, inbox.id);
        inbox.end(object, Post::Failed { object, because });
    }

    fn leave(&self, object: ObjectSid, id: u64) {
        let mut followers = lock(&self.followers);
        if let Some(list) = followers.get_mut(&object) {
            list.retain(|follower| follower.inbox.id != id);
            if list.is_empty() {
                followers.remove(&object);
            }
        }
    }

    /// Tells everybody who follows; permissions count where the service enforces them.
    pub(crate) fn publish(&self, news: &Arc<News>, is_enforced: bool) {
        lock(&self.feeds).retain(|feed| {
            !matches!(feed.try_send(news.clone()), Err(mpsc::error::TrySendError::Closed(_)))
        });
        let event = &news.event;
        let mut followers = lock(&self.followers);
        let Some(list) = followers.get_mut(&event.object) else { return };
        let mut lost = Vec::new();
        match &event.what {
            What::ObjectCreated { .. } => return,
            What::PermissionChanged { identity, rights } => {
                if is_enforced && !rights.read {
                    list.retain(|follower| !follower.revoke(event.object, identity));
                }
            }
            _ => list.retain_mut(|follower| follower.tell(news, &mut lost)),
        }
        if list.is_empty() {
            followers.remove(&event.object);
        }
        for (id, objects) in lost {
            for object in objects {
                if let Some(list) = followers.get_mut(&object) {
                    list.retain(|follower| follower.inbox.id != id);
                }
            }
        }
    }

    /// Those who follow something in a service, with who they are.
    pub(crate) fn readers(&self, service: ServiceSid) -> BTreeSet<(ObjectSid, Arc<str>)> {
        let followers = lock(&self.followers);
        let of = followers.iter().flat_map(|(object, list)| {
            let own = list.iter().filter(|follower| follower.service == service);
            own.filter_map(|follower| Some((*object, follower.inbox.identity.clone()?)))
        });
        of.collect()
    }

    /// Takes an object from somebody who may not read it.
    pub(crate) fn revoke(&self, object: ObjectSid, identity: &Arc<str>) {
        let mut followers = lock(&self.followers);
        if let Some(list) = followers.get_mut(&object) {
            list.retain(|follower| !follower.revoke(object, identity));
        }
    }

    /// For a moment in which nobody can say what was told.
    pub(crate) fn interrupt_all(&self) {
        let followers = std::mem::take(&mut *lock(&self.followers));
        let inboxes = followers.into_values().flatten().map(|follower| follower.inbox);
        let inboxes: BTreeMap<u64, Arc<Inbox>> = inboxes.map(|inbox| (inbox.id, inbox)).collect();
        for inbox in inboxes.into_values() {
            lock(&inbox.queue).interrupt();
            inbox.filled.notify_one();
            inbox.drained.notify_waiters();
        }
    }

    /// Who follows an object: identities, each as often as it does.
    pub fn followers(&self, object: ObjectSid) -> Vec<Option<Arc<str>>> {
        let followers = lock(&self.followers);
        let list = followers.get(&object).into_iter().flatten();
        list.map(|follower| follower.inbox.identity.clone()).collect()
    }
}

impl Follower {
    /// False when it follows no more.
    fn tell(&mut self, news: &Arc<News>, lost: &mut Vec<(u64, BTreeSet<ObjectSid>)>) -> bool {
        let event = &news.event;
        let is_end = matches!(event.what, What::ObjectRemoved { .. });
        match &mut self.progress {
            Progress::Replaying { newest, ended } => {
                if event.what.is_logged() {
                    *newest = event.id.max(*newest);
                }
                *ended |= is_end;
                return true;
            }
            Progress::Live { last } if event.what.is_logged() => {
                if event.id <= *last {
                    return true;
                }
                *last = event.id;
            }
            Progress::Live { .. } => {}
        }
        if let Err(objects) = self.inbox.offer(Post::Live(news.clone())) {
            lost.push((self.inbox.id, objects));
            return false;
        }
        if is_end {
            lock(&self.inbox.queue).follows.remove(&event.object);
        }
        !is_end
    }

    /// Whether it was this reader's, and is taken.
    fn revoke(&self, object: ObjectSid, identity: &Arc<str>) -> bool {
        let is_own = self.inbox.identity.as_ref() == Some(identity);
        if is_own {
            self.inbox.end(object, Post::Revoked(object));
        }
        is_own
    }
}

fn weight(post: &Post) -> usize {
    match post {
        Post::Replayed(news) | Post::Live(news) => news.weight(),
        Post::Followed { .. } | Post::Failed { .. } | Post::Revoked(_) => POST_BYTES,
        Post::Interrupted(objects) => POST_BYTES + 34 * objects.len(),
        Post::Query(news) => POST_BYTES + told_bytes(&news.told.what),
        Post::QueryFollowed { .. } | Post::QueryFailed { .. } => POST_BYTES,
        Post::QueriesInterrupted(queries) => POST_BYTES + 34 * queries.len(),
    }
}

fn told_bytes(what: &Became) -> usize {
    match what {
        Became::Updated(item) => item.data.len(),
        Became::Removed { .. } => 0,
        Became::Whole(items) => items.iter().map(|item| item.data.len() + POST_BYTES).sum(),
    }
}

fn is_about(post: &Post, of: ObjectSid) -> bool {
    match post {
        Post::Replayed(news) | Post::Live(news) => news.event.object == of,
        Post::Followed { object, .. } | Post::Failed { object, .. } | Post::Revoked(object) => {
            *object == of
        }
        Post::Interrupted(_)
        | Post::Query(_)
        | Post::QueryFollowed { .. }
        | Post::QueryFailed { .. }
        | Post::QueriesInterrupted(_) => false,
    }
}

/// A panic elsewhere leaves the lists whole: each step on them is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
