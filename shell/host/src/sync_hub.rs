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
//! * Followers are kept by bucket, so that objects of different buckets wait for each other no more
//!   than their partitions do, and by connection, so that ten thousand may come and go at once.
//!
//! Knows no sockets, no rows and no wire.

mod looks;
mod queries;

pub use looks::Following;
pub(crate) use queries::QueryFollower;

use crate::live_queries::{QueryNews, QueryRefusal};
#[cfg(feature = "planted-bugs")]
use crate::planted::{self, Planted};
use base::Timestamp;
use bytes::Bytes;
use insights::{Number, QuerySid, What as Became};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};
use sync::{BUCKETS, Event, EventId, ObjectSid, Rejection, ServiceSid, What};
use tokio::sync::{Notify, mpsc};

/// An event that is durable, with its form on the wire once somebody made it.
#[derive(Debug)]
pub struct News {
    /// What happened.
    pub event: Event,
    frame: OnceLock<Bytes>,
}

impl News {
    /// Of an event.
    pub const fn of(event: Event) -> Self {
        Self { event, frame: OnceLock::new() }
    }

    /// Its form on the wire, made once for all connections.
    pub fn frame(&self, make: impl FnOnce(&Event) -> Bytes) -> Bytes {
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
/// What an object in a list of them takes, about.
const OBJECT_BYTES: usize = 34;

/// What comes out of a mailbox.
#[derive(Clone, Debug)]
pub enum Post {
    /// Something that happened before the follower was told live.
    Replayed(Arc<News>),
    /// The follower was told what it missed and is told live from here on; or it cannot be told.
    Followed {
        /// What it asked for.
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
    Interrupted {
        /// Which.
        objects: BTreeSet<ObjectSid>,
        /// Why.
        because: Loss,
    },
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

/// Why something may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// For a moment nobody could say what had become durable; the reader did nothing wrong.
    Untold,
    /// More waited than the mailbox takes.
    Full,
}

/// Whether a follower was told everything it missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Everything.
    Completed,
    /// The log does not reach back that far: it was told nothing behind what is missing, and
    /// follows nothing.
    Interrupted,
}

/// One for the whole host.
#[derive(Debug, Default)]
pub struct SyncHub {
    shards: [Mutex<Shard>; BUCKETS as usize],
    feeds: Mutex<Vec<mpsc::Sender<Arc<News>>>>,
    next: AtomicU64,
}

/// Which call began to follow: what an earlier one still reads is not wanted any more.
pub(crate) type Beginning = u64;

/// Followers of one bucket's objects, by the number of their inbox.
type Shard = BTreeMap<ObjectSid, BTreeMap<u64, Follower>>;

#[derive(Debug)]
struct Follower {
    inbox: Arc<Inbox>,
    service: ServiceSid,
    since: Beginning,
    /// When this began, for those who look.
    at: Timestamp,
    /// The inbox's when this began: what was interrupted since is told nothing more.
    generation: u64,
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
    /// Rises with each interruption.
    generation: u64,
    is_closed: bool,
    /// Whoever reads, while it waits for something.
    reader: Option<Waker>,
    /// Somebody waits until something was taken out.
    waits_for_room: bool,
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
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next post. One task waits at a time: the last that asked.
    pub fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Post> {
        let mut queue = lock(&self.inbox.queue);
        if queue.posts.is_empty() {
            match &mut queue.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        Poll::Ready(self.take(queue).expect("it is not empty"))
    }

    /// The next post if there is one, so that a connection sends many at once.
    pub fn try_next(&self) -> Option<Post> {
        self.take(lock(&self.inbox.queue))
    }

    fn take(&self, mut queue: MutexGuard<'_, Queue>) -> Option<Post> {
        let post = queue.posts.pop_front()?;
        queue.bytes -= weight(&post);
        self.inbox.make_room(queue);
        Some(post)
    }

    /// Tells nothing more about an object, from the next post on.
    pub fn leave(&self, object: ObjectSid) {
        self.hub.leave(object, self.inbox.id, None);
        let mut queue = lock(&self.inbox.queue);
        queue.follows.remove(&object);
        queue.drop_posts(|post| about(post) == Some(object));
        queue.forget_loss(object);
        self.inbox.make_room(queue);
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
        let mut queue = lock(&self.inbox.queue);
        queue.is_closed = true;
        queue.posts = VecDeque::new();
        queue.reader = None;
        queue.queries.clear();
        let follows = std::mem::take(&mut queue.follows);
        self.inbox.make_room(queue);
        for object in follows.into_keys() {
            self.hub.leave(object, self.inbox.id, None);
        }
    }
}

/// What became of an offer.
enum Offered {
    Taken,
    /// Nobody follows here any more.
    Gone,
    /// It did not fit: all that was followed is lost.
    Lost(BTreeMap<ObjectSid, Beginning>),
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
                    wake(queue);
                    return true;
                }
                queue.waits_for_room = true;
            }
            drained.await;
        }
    }

    /// Puts in what just happened, if it is wanted and there is room.
    fn offer(&self, post: Post, is_wanted: impl FnOnce(&Queue) -> bool) -> Offered {
        let mut queue = lock(&self.queue);
        if queue.is_closed || !is_wanted(&queue) {
            return Offered::Gone;
        }
        if queue.bytes + weight(&post) > self.bytes_max && !queue.posts.is_empty() {
            #[cfg(feature = "planted-bugs")]
            match () {
                () if planted::is(Planted::ForgetOverflow) => return Offered::Taken,
                () if planted::is(Planted::QueueWithoutEnd) => {
                    queue.put(post);
                    return Offered::Taken;
                }
                () => {}
            }
            let follows = queue.interrupt(Loss::Full);
            wake(queue);
            return Offered::Lost(follows);
        }
        queue.put(post);
        wake(queue);
        Offered::Taken
    }

    /// Says that an object is no longer followed, whatever room there is.
    fn end(&self, object: ObjectSid, post: Post) {
        let mut queue = lock(&self.queue);
        if queue.follows.remove(&object).is_some() && !queue.is_closed {
            queue.put(post);
        }
        let waits = std::mem::take(&mut queue.waits_for_room);
        wake(queue);
        if waits {
            self.drained.notify_waiters();
        }
    }

    /// Whoever waits for room looks again.
    fn make_room(&self, mut queue: MutexGuard<'_, Queue>) {
        let waits = std::mem::take(&mut queue.waits_for_room);
        drop(queue);
        if waits {
            self.drained.notify_waiters();
        }
    }
}

/// Whoever reads looks again.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let reader = queue.reader.take();
    drop(queue);
    if let Some(reader) = reader {
        reader.wake();
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

    /// What was lost before does not matter to whoever follows an object anew.
    fn forget_loss(&mut self, object: ObjectSid) {
        for post in &mut self.posts {
            if let Post::Interrupted { objects, .. } = post
                && objects.remove(&object)
            {
                self.bytes -= OBJECT_BYTES;
            }
        }
    }

    /// Loses everything but what was lost before.
    fn interrupt(&mut self, why: Loss) -> BTreeMap<ObjectSid, Beginning> {
        let follows = std::mem::take(&mut self.follows);
        let mut lost: BTreeSet<ObjectSid> = follows.keys().copied().collect();
        let mut queries: BTreeSet<_> = std::mem::take(&mut self.queries).into_keys().collect();
        let mut worst = why;
        for post in self.posts.drain(..) {
            // The end of an object that is not followed any more is lost with the rest.
            lost.extend(about(&post));
            match post {
                Post::Interrupted { objects, because } => {
                    lost.extend(objects);
                    worst = worst.max(because);
                }
                Post::QueriesInterrupted(before) => queries.extend(before),
                Post::QueryFailed { query, .. } => _ = queries.insert(query),
                _ => {}
            }
        }
        self.generation += 1;
        self.bytes = 0;
        self.put(Post::Interrupted { objects: lost, because: worst });
        if !queries.is_empty() {
            self.put(Post::QueriesInterrupted(queries));
        }
        follows
    }
}

impl SyncHub {
    /// A mailbox for a connection; `identity` is who reads, `None` for the account itself.
    pub fn mailbox(self: &Arc<Self>, identity: Option<Arc<str>>, bytes_max: usize) -> Mailbox {
        let inbox = Inbox {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            identity,
            bytes_max,
            queue: Mutex::default(),
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
        (object, service): (ObjectSid, ServiceSid),
        at: Timestamp,
    ) -> Beginning {
        let since = self.next.fetch_add(1, Ordering::Relaxed);
        let mut shard = self.shard(object);
        let generation = {
            let mut queue = lock(&inbox.queue);
            queue.follows.insert(object, since);
            queue.generation
        };
        let progress = Progress::Replaying { newest: 0, ended: false };
        let follower = Follower { inbox: inbox.clone(), service, since, at, generation, progress };
        shard.entry(object).or_default().insert(inbox.id, follower);
        since
    }

    /// Tells live from now on if `last` is the newest event of all; else false, and there is more
    /// to be read. True as well when it does not follow any more.
    pub(crate) fn go_live(
        &self,
        inbox: &Inbox,
        (object, since): (ObjectSid, Beginning),
        last: EventId,
    ) -> bool {
        let mut shard = self.shard(object);
        let own = shard.get_mut(&object).and_then(|list| list.get_mut(&inbox.id));
        let Some(follower) = own.filter(|follower| follower.since == since) else { return true };
        #[cfg(feature = "planted-bugs")]
        if planted::is(Planted::GoLiveTooSoon) {
            follower.progress = Progress::Replaying { newest: 0, ended: false };
        }
        if let Progress::Replaying { newest, ended } = &mut follower.progress
            && (*newest > last || *ended)
        {
            *ended = false;
            return false;
        }
        follower.progress = Progress::Live { last };
        let mut queue = lock(&inbox.queue);
        if !queue.is_closed && queue.follows.get(&object) == Some(&since) {
            queue.put(Post::Followed { object, replay: Replay::Completed, last });
        }
        wake(queue);
        true
    }

    /// Ends following because it cannot be.
    pub(crate) fn fail(
        &self,
        inbox: &Inbox,
        following: (ObjectSid, Beginning),
        because: Option<Rejection>,
    ) {
        self.end(inbox, following, Post::Failed { object: following.0, because });
    }

    /// Ends following because what comes behind event `last` is not kept.
    pub(crate) fn forgot(&self, inbox: &Inbox, following: (ObjectSid, Beginning), last: EventId) {
        let (object, replay) = (following.0, Replay::Interrupted);
        self.end(inbox, following, Post::Followed { object, replay, last });
    }

    /// Ends following because the object is no more, which was told.
    pub(crate) fn over(&self, inbox: &Inbox, (object, since): (ObjectSid, Beginning)) {
        let mut shard = self.shard(object);
        if remove(&mut shard, object, inbox.id, Some(since)) {
            lock(&inbox.queue).follows.remove(&object);
        }
    }

    fn end(&self, inbox: &Inbox, (object, since): (ObjectSid, Beginning), post: Post) {
        let mut shard = self.shard(object);
        if remove(&mut shard, object, inbox.id, Some(since)) {
            inbox.end(object, post);
        }
    }

    /// Ends following; where a call is named, only what that call began.
    fn leave(&self, object: ObjectSid, id: u64, since: Option<Beginning>) {
        remove(&mut self.shard(object), object, id, since);
    }

    /// Tells everybody who follows; permissions count where the service enforces them. Answers
    /// how many followed.
    pub(crate) fn publish(&self, news: &Arc<News>, is_enforced: bool) -> usize {
        lock(&self.feeds).retain(|feed| {
            !matches!(feed.try_send(news.clone()), Err(mpsc::error::TrySendError::Closed(_)))
        });
        let object = news.event.object;
        let mut shard = self.shard(object);
        let Some(list) = shard.get_mut(&object) else { return 0 };
        let told = list.len();
        let (mut gone, mut lost) = (Vec::new(), Vec::new());
        match &news.event.what {
            What::ObjectCreated { .. } => return 0,
            What::PermissionChanged { identity, rights } => {
                if is_enforced && !rights.read {
                    list.retain(|_, follower| !follower.revoke(object, identity));
                }
            }
            _ => {
                for (id, follower) in &mut *list {
                    match follower.tell(news) {
                        Heard::Follows => {}
                        Heard::Gone => gone.push(*id),
                        Heard::Lost(follows) => lost.push((*id, follows)),
                    }
                }
            }
        }
        for id in gone {
            list.remove(&id);
        }
        if list.is_empty() {
            shard.remove(&object);
        }
        drop(shard);
        for (id, follows) in lost {
            self.leave_all(id, follows);
        }
        told
    }

    /// Ends what these calls began.
    fn leave_all(&self, id: u64, follows: BTreeMap<ObjectSid, Beginning>) {
        for (object, since) in follows {
            self.leave(object, id, Some(since));
        }
    }

    fn shard(&self, object: ObjectSid) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::from(object.bucket().number())])
    }

    /// Those who follow something in a service, with who they are.
    pub(crate) fn readers(&self, service: ServiceSid) -> BTreeSet<(ObjectSid, Arc<str>)> {
        let mut readers = BTreeSet::new();
        for shard in &self.shards {
            for (object, list) in &*lock(shard) {
                let own = list.values().filter(|follower| follower.service == service);
                let identities = own.filter_map(|follower| follower.inbox.identity.clone());
                readers.extend(identities.map(|identity| (*object, identity)));
            }
        }
        readers
    }

    /// Takes an object from somebody who may not read it.
    pub(crate) fn revoke(&self, object: ObjectSid, identity: &Arc<str>) {
        let mut shard = self.shard(object);
        if let Some(list) = shard.get_mut(&object) {
            list.retain(|_, follower| !follower.revoke(object, identity));
            if list.is_empty() {
                shard.remove(&object);
            }
        }
    }

    /// For a moment in which nobody can say what was told.
    pub(crate) fn interrupt_all(&self) {
        let mut inboxes = BTreeMap::new();
        for shard in &self.shards {
            let followers = std::mem::take(&mut *lock(shard));
            let followers = followers.into_values().flat_map(BTreeMap::into_values);
            inboxes.extend(followers.map(|follower| (follower.inbox.id, follower.inbox)));
        }
        for inbox in inboxes.into_values() {
            let mut queue = lock(&inbox.queue);
            // One that began to follow elsewhere meanwhile is told nothing more there either.
            queue.interrupt(Loss::Untold);
            wake(queue);
            inbox.drained.notify_waiters();
        }
    }

    /// Who follows an object: identities, each as often as it does.
    pub fn followers(&self, object: ObjectSid) -> Vec<Option<Arc<str>>> {
        let shard = self.shard(object);
        let list = shard.get(&object).into_iter().flat_map(BTreeMap::values);
        list.map(|follower| follower.inbox.identity.clone()).collect()
    }
}

/// Takes a follower out; where a call is named, only what that call began. Whether it followed.
fn remove(shard: &mut Shard, object: ObjectSid, id: u64, since: Option<Beginning>) -> bool {
    let Some(list) = shard.get_mut(&object) else { return false };
    let own = list.get(&id);
    let is_left = own.is_some_and(|own| since.is_none_or(|since| own.since == since));
    if is_left {
        list.remove(&id);
        if list.is_empty() {
            shard.remove(&object);
        }
    }
    is_left
}

/// What became of a follower that was told something.
enum Heard {
    Follows,
    /// It follows the object no more.
    Gone,
    /// It lost all that it followed.
    Lost(BTreeMap<ObjectSid, Beginning>),
}

impl Follower {
    fn tell(&mut self, news: &Arc<News>) -> Heard {
        let event = &news.event;
        let is_end = matches!(event.what, What::ObjectRemoved { .. });
        match &mut self.progress {
            Progress::Replaying { newest, ended } => {
                if event.what.is_logged() {
                    *newest = event.id.max(*newest);
                }
                *ended |= is_end;
                return Heard::Follows;
            }
            Progress::Live { last } if event.what.is_logged() => {
                if event.id <= *last {
                    return Heard::Follows;
                }
                *last = event.id;
            }
            Progress::Live { .. } => {}
        }
        #[cfg(feature = "planted-bugs")]
        if planted::is(Planted::ForgetFollowers) && event.id.is_multiple_of(16) {
            return Heard::Follows;
        }
        let is_wanted = |queue: &Queue| queue.generation == self.generation;
        match self.inbox.offer(Post::Live(news.clone()), is_wanted) {
            Offered::Taken if is_end => {
                lock(&self.inbox.queue).follows.remove(&event.object);
                Heard::Gone
            }
            Offered::Taken => Heard::Follows,
            Offered::Gone => Heard::Gone,
            Offered::Lost(follows) => Heard::Lost(follows),
        }
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
        Post::Interrupted { objects, .. } => POST_BYTES + OBJECT_BYTES * objects.len(),
        Post::Query(news) => POST_BYTES + told_bytes(&news.told.what),
        Post::QueryFollowed { .. } | Post::QueryFailed { .. } => POST_BYTES,
        Post::QueriesInterrupted(queries) => POST_BYTES + OBJECT_BYTES * queries.len(),
    }
}

fn told_bytes(what: &Became) -> usize {
    match what {
        Became::Updated(item) => item.data.len(),
        Became::Removed { .. } => 0,
        Became::Whole(items) => items.iter().map(|item| item.data.len() + POST_BYTES).sum(),
    }
}

/// The object whose follower a post is for.
fn about(post: &Post) -> Option<ObjectSid> {
    match post {
        Post::Replayed(news) | Post::Live(news) => Some(news.event.object),
        Post::Followed { object, .. } | Post::Failed { object, .. } | Post::Revoked(object) => {
            Some(*object)
        }
        Post::Interrupted { .. }
        | Post::Query(_)
        | Post::QueryFollowed { .. }
        | Post::QueryFailed { .. }
        | Post::QueriesInterrupted(_) => None,
    }
}

/// A panic elsewhere leaves the lists whole: each step on them is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
