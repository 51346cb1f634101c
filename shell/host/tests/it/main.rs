//! The host as the edge uses it: the real engines over real stores.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod access;
mod beginning;
mod events;
mod log;
mod past;
mod portions;
mod queries;
mod retention;
mod statistics;
mod sync;
mod workspaces;

use base::{Attributes, Sid};
use host::{ClockKind, Host, Options, tables};
use routing::{
    Command, Reply, Task, TaskQueue, TaskStatus, Worker, Workflow, WorkspaceSid,
    command::{IfMatch, NewTask, NewTaskQueue, NewWorker, NewWorkflow, NewWorkspace, TaskPatch},
};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use store::{MemoryStore, Store};
use store_sqlite::SqliteStore;

const ACCOUNT: Sid = Sid::new(*b"AC", 1);

/// A folder that is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("sinew-host-it-{}-{count}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every store there is.
fn stores() -> Vec<(Arc<dyn Store>, Option<Folder>)> {
    let folder = Folder::new();
    let options = store_sqlite::Options::default();
    let sqlite = SqliteStore::open(&folder.0, options, tables::ALL).unwrap();
    vec![(Arc::new(MemoryStore::new()), None), (Arc::new(sqlite), Some(folder))]
}

fn start(store: &Arc<dyn Store>) -> Host {
    let options = Options { clock: ClockKind::Manual, seed: Some(1), ..Options::default() };
    Host::start(store.clone(), &options).unwrap()
}

/// A workspace with one queue for everybody and one workflow that leads there.
struct Place {
    host: Host,
    workspace: WorkspaceSid,
    queue: TaskQueue,
    workflow: Workflow,
}

impl Place {
    async fn new(host: &Host) -> Self {
        let new = NewWorkspace { friendly_name: "place".to_owned(), ..NewWorkspace::default() };
        let workspace = host.create_workspace(ACCOUNT, new).await.unwrap().sid;
        let queue = NewTaskQueue { friendly_name: "all".to_owned(), ..NewTaskQueue::default() };
        let queue = host.routing(workspace, Command::CreateTaskQueue(queue)).await;
        let Ok(Reply::TaskQueue(queue)) = queue else { panic!("{queue:?}") };
        let workflow = NewWorkflow {
            friendly_name: "to all".to_owned(),
            configuration: format!(
                "{{\"task_routing\": {{\"default_filter\": {{\"queue\": \"{}\"}}}}}}",
                queue.sid
            ),
            ..NewWorkflow::default()
        };
        let workflow = host.routing(workspace, Command::CreateWorkflow(workflow)).await;
        let Ok(Reply::Workflow(workflow)) = workflow else { panic!("{workflow:?}") };
        Self { host: host.clone(), workspace, queue, workflow }
    }

    async fn worker(&self, name: &str) -> Worker {
        let names = self.host.names(self.workspace).unwrap();
        let available = names.activities.values().find(|activity| activity.available);
        let new = NewWorker {
            friendly_name: name.to_owned(),
            activity: available.map(|activity| activity.sid),
            ..NewWorker::default()
        };
        match self.host.routing(self.workspace, Command::CreateWorker(new)).await {
            Ok(Reply::Worker(worker)) => worker,
            other => panic!("{other:?}"),
        }
    }

    async fn task(&self, attributes: &str) -> Task {
        let new = NewTask {
            attributes: Attributes::new(attributes).unwrap(),
            workflow: Some(self.workflow.sid),
            ..NewTask::default()
        };
        match self.host.routing(self.workspace, Command::CreateTask(new)).await {
            Ok(Reply::Task(task)) => task,
            other => panic!("{other:?}"),
        }
    }

    async fn cancel(&self, task: &Task) {
        let patch = TaskPatch {
            status: Some(TaskStatus::Canceled),
            reason: Some("done".to_owned()),
            ..TaskPatch::default()
        };
        let command = Command::UpdateTask { sid: task.sid, if_match: IfMatch::Any, patch };
        let canceled = self.host.routing(self.workspace, command).await;
        assert!(matches!(canceled, Ok(Reply::Task(_))), "{canceled:?}");
    }
}
