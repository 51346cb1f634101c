//! Live queries in a connection's mailbox, beside the objects it follows.
//!
//! * A follower is known by the call that began it: what an earlier one still has to say is not
//!   wanted any more.
//! * A mailbox that is full loses these too, and says so.

use super::{Beginning, Inbox, Mailbox, Offered, Post, SyncHub, lock, wake};
use insights::QuerySid;
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

/// Somebody who follows a query.
#[derive(Clone, Debug)]
pub(crate) struct QueryFollower {
    inbox: Arc<Inbox>,
    query: QuerySid,
    since: Beginning,
}

impl SyncHub {
    /// Begins to follow a query: nothing is told before somebody tells it.
    pub(crate) fn begin_query(&self, inbox: &Arc<Inbox>, query: QuerySid) -> QueryFollower {
        let since = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&inbox.queue).queries.insert(query, since);
        QueryFollower { inbox: inbox.clone(), query, since }
    }
}

impl Mailbox {
    /// Tells nothing more about a query, from the next post on.
    pub fn leave_query(&self, query: QuerySid) {
        let mut queue = lock(&self.inbox.queue);
        queue.queries.remove(&query);
        queue.drop_posts(|post| is_about(post, query));
        self.inbox.make_room(queue);
    }

    /// The queries it follows.
    pub fn queries(&self) -> BTreeSet<QuerySid> {
        lock(&self.inbox.queue).queries.keys().copied().collect()
    }
}

impl QueryFollower {
    /// Whether it still follows.
    pub(crate) fn is_there(&self) -> bool {
        let queue = lock(&self.inbox.queue);
        !queue.is_closed && queue.queries.get(&self.query) == Some(&self.since)
    }

    /// Puts a post in once there is room; false when it follows no more.
    pub(crate) async fn put_when_there_is_room(&self, post: Post) -> bool {
        let (query, since) = (self.query, self.since);
        self.inbox.put_while(|queue| queue.queries.get(&query) == Some(&since), post).await
    }

    /// Tells it what happened; false when it follows no more.
    pub(crate) fn offer(&self, hub: &SyncHub, post: Post) -> bool {
        let (query, since) = (self.query, self.since);
        match self.inbox.offer(post, |queue| queue.queries.get(&query) == Some(&since)) {
            Offered::Taken => true,
            Offered::Gone => false,
            Offered::Lost(follows) => {
                hub.leave_all(self.inbox.id, follows);
                false
            }
        }
    }

    /// Says that it is told everything from now on, whatever room there is; false when it follows
    /// no more.
    pub(crate) fn followed(&self, post: Post) -> bool {
        let mut queue = lock(&self.inbox.queue);
        let is_there = !queue.is_closed && queue.queries.get(&self.query) == Some(&self.since);
        if is_there {
            queue.put(post);
            wake(queue);
        }
        is_there
    }

    /// Ends it with a word.
    pub(crate) fn end(&self, post: Post) {
        let mut queue = lock(&self.inbox.queue);
        if !queue.is_closed && queue.queries.get(&self.query) == Some(&self.since) {
            queue.queries.remove(&self.query);
            queue.put(post);
        }
        wake(queue);
        self.inbox.drained.notify_waiters();
    }

    /// Ends it because something may be missing: it is to follow again.
    pub(crate) fn interrupt(&self) {
        self.end(Post::QueriesInterrupted(BTreeSet::from([self.query])));
    }
}

fn is_about(post: &Post, of: QuerySid) -> bool {
    match post {
        Post::Query(news) => news.query == of,
        Post::QueryFollowed { query, .. } | Post::QueryFailed { query, .. } => *query == of,
        _ => false,
    }
}
