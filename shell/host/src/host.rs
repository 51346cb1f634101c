//! The host as the edge sees it.

use crate::{
    ClockKind, Names, Readiness, Record, Refusal, StartError, Subscription, Ticks, Topic,
    clock::Clock, core::Core, inbox::Inbox, tables::ACCESS_PARTITION,
};
use access::Access;
use base::{Millis, Sid, Timestamp};
use routing::{TaskQueueSid, WorkspaceSid};
use std::sync::Arc;
use store::{Scan, Store, StoreError, Value};

/// How a host is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which time domains live in.
    pub clock: ClockKind,
    /// Where ids come from; `None` asks the operating system.
    pub seed: Option<u64>,
}

/// A handle; clones are the same host. Methods that wait run on the ambient tokio runtime.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

struct Shared {
    core: Core,
    access: Arc<Inbox<Access>>,
}

impl Host {
    /// Restores every partition from rows and starts to take commands. Takes the store's one
    /// committer; call it within a tokio runtime with a timer.
    pub fn start(store: Arc<dyn Store>, options: &Options) -> Result<Self, StartError> {
        let core = Core::start(store, options)?;
        let mut access = None;
        for known in core.store.partitions()? {
            if &*known.id == ACCESS_PARTITION {
                access = core.open_known(known, &core.real_clock)?;
            } else if let Ok(workspace) = known.id.parse::<WorkspaceSid>() {
                core.outlets.names.load(&*core.store, workspace)?;
            }
        }
        let access =
            access.unwrap_or_else(|| core.open_new(ACCESS_PARTITION.into(), &core.real_clock));
        Ok(Self(Arc::new(Shared { core, access })))
    }

    /// Refuses new work, waits until what was taken is answered, and ends.
    pub async fn stop(&self) {
        self.0.core.stop().await;
    }

    /// A command about accounts, keys, people or sessions.
    pub async fn access(
        &self,
        command: access::Command,
    ) -> Result<access::Reply, Refusal<access::Rejection>> {
        self.0.core.command(&self.0.access, command).await
    }

    /// Accounts, keys, people and sessions: durable, and updated before the answer to a command.
    pub fn directory(&self) -> Arc<Access> {
        self.0.core.outlets.directory.get()
    }

    /// Makes a workspace for an account.
    pub async fn create_workspace(
        &self,
        account: Sid,
        new: routing::command::NewWorkspace,
    ) -> Result<routing::Workspace, Refusal<routing::Rejection>> {
        let _ = (account, new);
        Err(Refusal::NoPartition)
    }

    /// Answers once the command's changes are durable. A rejection waits for the batches ahead.
    pub async fn routing(
        &self,
        workspace: WorkspaceSid,
        command: routing::Command,
    ) -> Result<routing::Reply, Refusal<routing::Rejection>> {
        let _ = (workspace, command);
        Err(Refusal::NoPartition)
    }

    /// Asks the live state; answered behind the batches ahead.
    pub async fn ask(
        &self,
        workspace: WorkspaceSid,
        question: routing::Question,
    ) -> Result<routing::Answer, Refusal<routing::Rejection>> {
        let _ = (workspace, question);
        Err(Refusal::NoPartition)
    }

    /// What a workspace is made of; `None` when there is no such workspace. Durable.
    pub fn names(&self, workspace: WorkspaceSid) -> Option<Arc<Names>> {
        self.0.core.outlets.names.get(workspace)
    }

    /// All workspaces, in order of creation.
    pub fn workspaces(&self) -> Vec<WorkspaceSid> {
        self.0.core.outlets.names.workspaces()
    }

    /// One durable row; takes microseconds.
    pub fn fetch<R: Record>(&self, partition: &str, key: &str) -> Result<Option<R>, StoreError> {
        self.0.core.store.row(R::TABLE, partition, key)?.map(|row| read(&row.body)).transpose()
    }

    /// Durable rows in order, each with the cursor that goes on behind it. On a blocking thread.
    pub async fn list<R: Record>(&self, scan: Scan) -> Result<Vec<(R, Vec<Value>)>, StoreError> {
        let store = self.0.core.store.clone();
        let listing = move || {
            let rows = store.scan(&scan)?;
            rows.into_iter().map(|row| Ok((read(&row.body)?, scan.cursor(&row)))).collect()
        };
        let listed = tokio::task::spawn_blocking(listing).await;
        listed.map_err(|error| StoreError(error.to_string()))?
    }

    /// From now on; at most `capacity` events wait to be fetched.
    pub fn subscribe(&self, topic: Topic, capacity: usize) -> Subscription {
        self.0.core.outlets.hub.subscribe(topic, capacity)
    }

    /// A tick whenever anything in the queue's order changed.
    pub fn ticks(&self, queue: TaskQueueSid) -> Ticks {
        self.0.core.outlets.hub.ticks(queue)
    }

    /// The time domains live in.
    pub fn now(&self) -> Timestamp {
        self.0.core.clock.now()
    }

    /// Whether the clock stands still until [`Host::advance`].
    pub fn manual_clock(&self) -> bool {
        matches!(*self.0.core.clock, Clock::Manual(_))
    }

    /// Moves a manual clock: every timer due on the way runs, in order, each at its own instant.
    /// Answers the time reached once all that follows is durable and delivered.
    pub async fn advance(&self, by: Millis) -> Timestamp {
        self.0.core.advance(by).await
    }

    /// Whether new work can be taken.
    pub fn readiness(&self) -> Readiness {
        self.0.core.readiness()
    }
}

fn read<R: Record>(body: &str) -> Result<R, StoreError> {
    serde_json::from_str(body)
        .map_err(|error| StoreError(format!("a row of table {}: {error}", R::TABLE.name)))
}
