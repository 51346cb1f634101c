//! How long a host takes to be ready on a large store: 10 000 workers and 100 000 open tasks with
//! 400 bytes of attributes. Run it optimised: `cargo run --release --example restart -p host`.

use base::{Attributes, Sid};
use host::{Host, Options, tables};
use routing::{
    Command, Reply, WorkspaceSid,
    command::{NewTask, NewWorker, NewWorkspace, Template},
};
use std::{path::Path, sync::Arc, time::Instant};
use store::Store;
use store_sqlite::SqliteStore;

const WORKERS: usize = 10_000;
const TASKS: usize = 100_000;
/// Commands that wait together.
const AT_ONCE: usize = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = std::env::temp_dir().join(format!("sinew-restart-{}", std::process::id()));
    let store: Arc<dyn Store> = Arc::new(open(&folder));
    let host = start(&store);
    let new = NewWorkspace {
        friendly_name: "large".to_owned(),
        template: Template::Fifo,
        ..NewWorkspace::default()
    };
    let made = host.create_workspace(Sid::new(*b"AC", 1), new).await;
    let workspace = made.expect("a store without faults takes it").sid;
    let began = Instant::now();
    fill(&host, workspace).await;
    println!("filled in {:.1} s", began.elapsed().as_secs_f64());
    host.stop().await;
    drop((host, store));
    let store: Arc<dyn Store> = Arc::new(open(&folder));
    for _ in 0..5 {
        let began = Instant::now();
        let host = start(&store);
        println!("ready after {:.3} s", began.elapsed().as_secs_f64());
        assert_eq!(host.workspaces(), [workspace]);
        host.stop().await;
    }
    drop(store);
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

fn open(folder: &Path) -> SqliteStore {
    let options = store_sqlite::Options::default();
    SqliteStore::open(folder, options, tables::ALL).expect("a folder of our own can be opened")
}

fn start(store: &Arc<dyn Store>) -> Host {
    Host::start(store.clone(), &Options::default()).expect("a store without faults starts")
}

async fn fill(host: &Host, workspace: WorkspaceSid) {
    let worker = |n: usize| {
        let text = format!("{{\"skills\": [\"s{}\"], \"level\": {}}}", n % 50, n % 7);
        Command::CreateWorker(NewWorker {
            friendly_name: format!("worker {n}"),
            attributes: Attributes::new(text).expect("it is short"),
            ..NewWorker::default()
        })
    };
    let task = |n: usize| {
        let text = format!("{{\"n\": {n}, \"text\": \"{}\"}}", "x".repeat(370));
        let attributes = Attributes::new(text).expect("it is short");
        Command::CreateTask(NewTask { attributes, ..NewTask::default() })
    };
    let commands = (0..WORKERS).map(worker).chain((0..TASKS).map(task));
    let mut waiting = Vec::new();
    for command in commands {
        let host = host.clone();
        waiting.push(tokio::spawn(async move { host.routing(workspace, command).await }));
        if waiting.len() == AT_ONCE {
            settle(&mut waiting).await;
        }
    }
    settle(&mut waiting).await;
}

type Answer = Result<Reply, host::Refusal<routing::Rejection>>;

async fn settle(waiting: &mut Vec<tokio::task::JoinHandle<Answer>>) {
    for answer in waiting.drain(..) {
        let answer = answer.await.expect("no task panics");
        assert!(answer.is_ok(), "{answer:?}");
    }
}
