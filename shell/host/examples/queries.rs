//! What live queries cost: reading an index, asking it, and taking a change in.
//!
//! `cargo run --release -p host --example queries -- [workers]` (10 000 unless said otherwise).
//! Everything is measured on one thread, without a socket.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example")]

use base::{Attributes, Sid};
use host::{
    Host, Options, Record as _,
    live_queries::{Indexes, Written, written},
    tables,
};
use insights::{Index, Query};
use routing::{
    Command, WorkspaceSid,
    command::{NewWorker, NewWorkspace},
};
use std::{sync::Arc, time::Instant};
use store::{Batch, MemoryStore, RowContent, RowWrite, Scan, Store};

/// Changes that are taken in for each figure.
const CHANGES: usize = 2_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let workers = std::env::args().nth(1).map_or(10_000, |text| text.parse().unwrap());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let workspace = filled(&store, workers).await;
    let last = store.partitions().unwrap().iter().map(|known| known.last).max().unwrap();
    let query = |n: usize| {
        let text = format!("data.attributes.level > {n} AND data.attributes.team == 't1'");
        Arc::new(Query::parse(workspace.sid(), Index::Workers, &text).unwrap())
    };
    let now = base::Timestamp(0);

    let mut indexes = Indexes::new(workspace);
    let started = Instant::now();
    indexes.open(&query(0), &*store, now).unwrap();
    println!("{workers} workers: the first query took {:?}", started.elapsed());
    let started = Instant::now();
    indexes.open(&query(1), &*store, now).unwrap();
    println!("another query on the same index took {:?}", started.elapsed());

    let rows = store.scan(&Scan::of(routing::Worker::TABLE, workspace.to_string().into())).unwrap();
    let mut through = last;
    let mut opened = 2;
    for queries in [1, 20, 100] {
        if queries == 1 {
            indexes.close(query(1).sid());
            opened = 1;
        }
        while opened < queries {
            indexes.open(&query(opened), &*store, now).unwrap();
            opened += 1;
        }
        let of = |n: usize| changed(workspace, &rows[n % rows.len()], through + 1 + n as u64);
        let changes: Vec<_> = (0..CHANGES).map(of).collect();
        let started = Instant::now();
        let mut told = 0;
        for changed in &changes {
            through += 1;
            told += indexes.take(through, changed, &*store, now).unwrap().len();
        }
        let each = started.elapsed() / u32::try_from(CHANGES).unwrap();
        println!("{queries} queries: a change took {each:?}, {told} events of {CHANGES} changes");
    }
}

async fn filled(store: &Arc<dyn Store>, workers: usize) -> WorkspaceSid {
    let host = Host::start(store.clone(), &Options::default()).unwrap();
    let new = NewWorkspace { friendly_name: "large".to_owned(), ..NewWorkspace::default() };
    let workspace = host.create_workspace(Sid::new(*b"AC", 1), new).await.unwrap().sid;
    for n in 0..workers {
        let attributes = format!(
            "{{\"level\":{},\"team\":\"t{}\",\"skills\":[\"de\",\"en\"],\"note\":\"{n:0>300}\"}}",
            n % 10,
            n % 4
        );
        let new = NewWorker {
            friendly_name: format!("worker {n}"),
            attributes: Attributes::new(attributes).unwrap(),
            ..NewWorker::default()
        };
        host.routing(workspace, Command::CreateWorker(new)).await.unwrap();
    }
    host.stop().await;
    workspace
}

/// A batch that wrote this worker once more.
fn changed(workspace: WorkspaceSid, row: &store::Row, version: u64) -> Vec<Written> {
    let mut worker: routing::Worker = serde_json::from_str(&row.body).unwrap();
    worker.version = version;
    let body = serde_json::to_string(&worker).unwrap();
    let content = Some(RowContent { values: row.values.clone(), body });
    let rows = vec![RowWrite { table: &tables::WORKER, key: row.key.clone(), content }];
    written(&Batch {
        partition: workspace.to_string().into(),
        kind: "routing",
        epoch: 1,
        first: version,
        at: base::Timestamp(0),
        changes: Vec::new(),
        rows,
    })
}
