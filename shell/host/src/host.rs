//! The host as the edge sees it.

use crate::{
    Names, Readiness, Record, Refusal, StartError, Subscription, Ticks, Topic, hub::Hub,
    names::NamesBook,
};
use base::{Millis, Sid, Timestamp};
use routing::{TaskQueueSid, WorkspaceSid};
use std::sync::Arc;
use store::{Scan, Store, StoreError, Value};

/// Which time domains live in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's, never backwards within a partition.
    #[default]
    System,
    /// Stands still until [`Host::advance`].
    Manual,
}

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
    store: Arc<dyn Store>,
    options: Options,
    hub: Hub,
    names: NamesBook,
}

impl Host {
    /// Restores every partition from rows and starts to take commands.
    pub fn start(store: Arc<dyn Store>, options: Options) -> Result<Self, StartError> {
        let names = NamesBook::default();
        for partition in store.partitions()? {
            if let Ok(workspace) = partition.id.parse::<WorkspaceSid>() {
                names.load(&*store, workspace)?;
            }
        }
        Ok(Self(Arc::new(Shared { store, options, hub: Hub::new(), names })))
    }

    /// Refuses new work, waits until what was taken is answered, and ends.
    pub async fn stop(&self) {}

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
        self.0.names.get(workspace)
    }

    /// All workspaces, in order of creation.
    pub fn workspaces(&self) -> Vec<WorkspaceSid> {
        self.0.names.workspaces()
    }

    /// One durable row; takes microseconds.
    pub fn fetch<R: Record>(&self, partition: &str, key: &str) -> Result<Option<R>, StoreError> {
        self.0.store.row(R::TABLE, partition, key)?.map(|row| read(&row.body)).transpose()
    }

    /// Durable rows in order, each with the cursor that goes on behind it. On a blocking thread.
    pub async fn list<R: Record>(&self, scan: Scan) -> Result<Vec<(R, Vec<Value>)>, StoreError> {
        let store = self.0.store.clone();
        let listing = move || {
            let rows = store.scan(&scan)?;
            rows.into_iter().map(|row| Ok((read(&row.body)?, scan.cursor(&row)))).collect()
        };
        let listed = tokio::task::spawn_blocking(listing).await;
        listed.map_err(|error| StoreError(error.to_string()))?
    }

    /// From now on; at most `capacity` events wait to be fetched.
    pub fn subscribe(&self, topic: Topic, capacity: usize) -> Subscription {
        self.0.hub.subscribe(topic, capacity)
    }

    /// A tick whenever anything in the queue's order changed.
    pub fn ticks(&self, queue: TaskQueueSid) -> Ticks {
        self.0.hub.ticks(queue)
    }

    /// The time domains live in.
    pub fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    /// Whether the clock stands still until [`Host::advance`].
    pub fn manual_clock(&self) -> bool {
        self.0.options.clock == ClockKind::Manual
    }

    /// Moves a manual clock: every timer due on the way runs, in order, each at its own instant.
    /// Answers the time reached once all that follows is durable and delivered.
    pub async fn advance(&self, by: Millis) -> Timestamp {
        let _ = by;
        self.now()
    }

    /// Whether new work can be taken.
    pub fn readiness(&self) -> Readiness {
        Readiness::NotReady { because: "partitions are not served yet".to_owned() }
    }
}

fn read<R: Record>(body: &str) -> Result<R, StoreError> {
    serde_json::from_str(body)
        .map_err(|error| StoreError(format!("a row of table {}: {error}", R::TABLE.name)))
}
