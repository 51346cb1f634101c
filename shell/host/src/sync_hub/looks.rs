//! Who follows what, for those who look at it.

use super::{Inbox, Progress, SyncHub, lock};
use base::Timestamp;
use std::sync::Arc;
use sync::{EventId, ObjectSid};

/// Somebody who follows an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Following {
    /// Which connection: a number that is used once.
    pub connection: u64,
    /// Who reads; `None` for the account itself.
    pub identity: Option<Arc<str>>,
    /// When it began.
    pub since: Timestamp,
    /// The newest event it was told, or that waits for it; `None` while it is told what it missed.
    pub last: Option<EventId>,
    /// What waits for the connection, of all it follows; about.
    pub waiting_bytes: usize,
}

impl SyncHub {
    /// How many follow an object.
    pub(crate) fn count(&self, object: ObjectSid) -> usize {
        self.shard(object).get(&object).map_or(0, |list| list.len())
    }

    /// Who follows an object on connections behind one, by connection.
    pub(crate) fn following(
        &self,
        object: ObjectSid,
        after: Option<u64>,
        limit: usize,
    ) -> Vec<Following> {
        let first = after.map_or(0, |id| id.saturating_add(1));
        let found: Vec<(Arc<Inbox>, Timestamp, Progress)> = {
            let shard = self.shard(object);
            let behind = shard.get(&object).into_iter().flat_map(|list| list.range(first..));
            let seen = behind.take(limit).map(|(_, one)| (one.inbox.clone(), one.at, one.progress));
            seen.collect()
        };
        let seen = found.into_iter().map(|(inbox, since, progress)| Following {
            connection: inbox.id,
            identity: inbox.identity.clone(),
            since,
            last: match progress {
                Progress::Replaying { .. } => None,
                Progress::Live { last } => Some(last),
            },
            waiting_bytes: lock(&inbox.queue).bytes,
        });
        seen.collect()
    }
}
