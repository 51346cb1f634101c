//! Live queries as the edge sees them.

use super::Host;
use crate::{
    Mailbox, Post, QueryPage, QueryRefusal,
    live_queries::{Around, Replayed},
};
use base::Sid;
use insights::{Number, Place, Query};
use routing::WorkspaceSid;
use std::sync::Arc;

impl Host {
    /// What a query holds for behind an item, at most `limit` items; its workspace is the caller's
    /// to check. Shows everything that was answered before.
    pub async fn query(
        &self,
        query: Arc<Query>,
        behind: Option<Sid>,
        limit: usize,
    ) -> Result<QueryPage, QueryRefusal> {
        let workspace = self.workspace_of(&query)?;
        let queries = &self.0.core.outlets.queries;
        queries.ask(&self.around(), workspace, query, behind, limit).await
    }

    /// Follows a query in a mailbox, whose reader knows everything up to change `after`: what
    /// became of its items since then comes first, then [`Post::QueryFollowed`], then what happens,
    /// or else [`Post::QueryFailed`]. Following again begins anew.
    pub fn follow_query(&self, mailbox: &Mailbox, query: Arc<Query>, after: Number) {
        let follower = self.0.core.outlets.sync.hub.begin_query(&mailbox.inbox, query.sid());
        let host = self.clone();
        tokio::spawn(async move {
            let mut place = Place::After(after, None);
            loop {
                let missed = match host.workspace_of(&query) {
                    Ok(workspace) => {
                        let (query, follower) = (query.clone(), follower.clone());
                        let queries = &host.0.core.outlets.queries;
                        queries.missed(&host.around(), workspace, query, place, follower).await
                    }
                    Err(refusal) => Err(refusal),
                };
                match missed {
                    Ok(Replayed::Live) => return,
                    Ok(Replayed::Told(news, next)) => {
                        for news in news {
                            if !follower.put_when_there_is_room(Post::Query(news)).await {
                                return;
                            }
                        }
                        place = next;
                    }
                    Err(because) => {
                        return follower.end(Post::QueryFailed { query: query.sid(), because });
                    }
                }
            }
        });
    }

    fn workspace_of(&self, query: &Query) -> Result<WorkspaceSid, QueryRefusal> {
        let workspace = query.workspace().to_string().parse();
        let workspace = workspace.map_err(|_| QueryRefusal::NoWorkspace)?;
        self.names(workspace).map(|_| workspace).ok_or(QueryRefusal::NoWorkspace)
    }

    fn around(&self) -> Around {
        let core = &self.0.core;
        let (outlets, store) = (core.outlets.clone(), core.store.clone());
        Around { outlets, store, clock: core.clock.clone() }
    }
}
