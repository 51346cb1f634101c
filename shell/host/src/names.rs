//! What each workspace is made of, small enough to hold: for the edge, which must name things and
//! check owners without a read.
//!
//! * Durable only: a row gets here once its batch is committed, and before the answer to it.
//! * A reader holds a snapshot that never changes.
//!
//! Workers are not here: there may be ten thousands.

use crate::tables::{self, Record};
use base::Sid;
use routing::{
    Activity, ActivitySid, TaskChannel, TaskChannelSid, TaskQueue, TaskQueueSid, Workflow,
    WorkflowSid, Workspace, WorkspaceSid,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};
use store::{Batch, RowWrite, Scan, Store, StoreError, Table};

/// One workspace's parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Names {
    /// The account that owns it.
    pub account: Sid,
    /// The workspace itself.
    pub workspace: Arc<Workspace>,
    /// Its activities.
    pub activities: BTreeMap<ActivitySid, Activity>,
    /// The names of its queues.
    pub queues: BTreeMap<TaskQueueSid, Arc<str>>,
    /// The names of its workflows.
    pub workflows: BTreeMap<WorkflowSid, Arc<str>>,
    /// Its task channels.
    pub channels: BTreeMap<TaskChannelSid, TaskChannel>,
}

/// All workspaces.
#[derive(Debug, Default)]
pub struct NamesBook(RwLock<BTreeMap<WorkspaceSid, Arc<Names>>>);

impl NamesBook {
    /// A workspace's parts, if it exists.
    pub fn get(&self, workspace: WorkspaceSid) -> Option<Arc<Names>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&workspace).cloned()
    }

    /// All workspaces there are.
    pub fn workspaces(&self) -> Vec<WorkspaceSid> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Reads a workspace's parts from the store; forgets it if the store has it no longer.
    pub fn load(&self, store: &dyn Store, workspace: WorkspaceSid) -> Result<(), StoreError> {
        match Names::read(store, workspace)? {
            Some(names) => _ = self.write().insert(workspace, Arc::new(names)),
            None => _ = self.write().remove(&workspace),
        }
        Ok(())
    }

    /// Takes over what a durable batch says. Most batches say nothing here and cost nothing.
    pub fn observe(&self, batch: &Batch) {
        if !batch.rows.iter().any(|row| is_named(row.table)) {
            return;
        }
        let Ok(workspace) = batch.partition.parse::<WorkspaceSid>() else { return };
        let mut book = self.write();
        for RowWrite { table, key, content } in &batch.rows {
            let body = content.as_ref().map(|content| content.body.as_str());
            if std::ptr::eq(*table, &tables::WORKSPACE) {
                match body.map(parse::<Workspace>) {
                    None => _ = book.remove(&workspace),
                    Some(Ok(found)) => put_workspace(&mut book, found),
                    Some(Err(error)) => tracing::error!(%workspace, %error, "unreadable row"),
                }
            } else if let Some(names) = book.get_mut(&workspace)
                && let Err(error) = Arc::make_mut(names).put(table, key, body)
            {
                tracing::error!(%workspace, %error, "unreadable row");
            }
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<WorkspaceSid, Arc<Names>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put_workspace(book: &mut BTreeMap<WorkspaceSid, Arc<Names>>, found: Workspace) {
    match book.get_mut(&found.sid) {
        Some(names) => Arc::make_mut(names).workspace = Arc::new(found),
        None => _ = book.insert(found.sid, Arc::new(Names::of(found))),
    }
}

fn is_named(table: &'static Table) -> bool {
    [
        &tables::WORKSPACE,
        &tables::ACTIVITY,
        &tables::TASK_CHANNEL,
        &tables::TASK_QUEUE,
        &tables::WORKFLOW,
    ]
    .into_iter()
    .any(|named| std::ptr::eq(named, table))
}

fn parse<R: Record>(body: &str) -> Result<R, StoreError> {
    serde_json::from_str(body)
        .map_err(|error| StoreError(format!("a row of table {}: {error}", R::TABLE.name)))
}

impl Names {
    /// A workspace's parts as rows tell them; `None` if there is no such workspace.
    pub(crate) fn read(
        store: &dyn Store,
        workspace: WorkspaceSid,
    ) -> Result<Option<Self>, StoreError> {
        let partition: Arc<str> = workspace.to_string().into();
        let Some(row) = store.row(&tables::WORKSPACE, &partition, &partition)? else {
            return Ok(None);
        };
        let mut names = Self::of(parse(&row.body)?);
        for table in
            [&tables::ACTIVITY, &tables::TASK_CHANNEL, &tables::TASK_QUEUE, &tables::WORKFLOW]
        {
            for row in store.scan(&Scan::of(table, partition.clone()))? {
                names.put(table, &row.key, Some(&row.body))?;
            }
        }
        Ok(Some(names))
    }

    fn of(workspace: Workspace) -> Self {
        Self {
            account: workspace.account,
            workspace: Arc::new(workspace),
            activities: BTreeMap::new(),
            queues: BTreeMap::new(),
            workflows: BTreeMap::new(),
            channels: BTreeMap::new(),
        }
    }

    fn put(
        &mut self,
        table: &'static Table,
        key: &str,
        body: Option<&str>,
    ) -> Result<(), StoreError> {
        if std::ptr::eq(table, &tables::ACTIVITY) {
            set(&mut self.activities, key, body, |found: Activity| found)
        } else if std::ptr::eq(table, &tables::TASK_CHANNEL) {
            set(&mut self.channels, key, body, |found: TaskChannel| found)
        } else if std::ptr::eq(table, &tables::TASK_QUEUE) {
            set(&mut self.queues, key, body, |found: TaskQueue| found.friendly_name.into())
        } else if std::ptr::eq(table, &tables::WORKFLOW) {
            set(&mut self.workflows, key, body, |found: Workflow| found.friendly_name.into())
        } else {
            Ok(())
        }
    }
}

fn set<K: Ord + std::str::FromStr, V, R: Record>(
    map: &mut BTreeMap<K, V>,
    key: &str,
    body: Option<&str>,
    value: impl FnOnce(R) -> V,
) -> Result<(), StoreError> {
    let unknown = |_| StoreError(format!("a row of table {} has another key", R::TABLE.name));
    let sid = key.parse().map_err(unknown)?;
    match body {
        Some(body) => _ = map.insert(sid, value(parse(body)?)),
        None => _ = map.remove(&sid),
    }
    Ok(())
}
