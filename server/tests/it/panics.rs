//! A server in which something panics while it runs: whoever asked is told so, what customers wrote
//! is told nobody, and everything else goes on.

use crate::{
    caller::{Folder, Got, Server, given},
    sync::asked,
};
use futures_util::FutureExt as _;
use serde_json::{Value as Json, json};
use sinew::{Config, Given};
use std::{
    io,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};
use store::{
    Batch, CommitError, Committer, Entry, Forget, MemoryStore, Partition, Rewrite, Row, Scan, Seq,
    Store, StoreError, Table, Upkeep, Value,
};

/// What a customer wrote where something panics.
const PLANTED: &str = "planted-where-it-panics";
const AT: &str = "/sync/v1/Services/default";

/// A store that panics over what is planted, and says in its panic what that was.
#[derive(Default)]
struct Brittle {
    inner: MemoryStore,
    breaks: Arc<AtomicBool>,
}

struct BrittleCommitter {
    inner: Box<dyn Committer>,
    breaks: Arc<AtomicBool>,
}

impl Store for Brittle {
    fn committer(&self) -> Box<dyn Committer> {
        let (inner, breaks) = (self.inner.committer(), self.breaks.clone());
        Box::new(BrittleCommitter { inner, breaks })
    }

    fn row(&self, table: &'static Table, of: &str, key: &str) -> Result<Option<Row>, StoreError> {
        let breaks = self.breaks.load(SeqCst) && key.contains(PLANTED);
        assert!(!breaks, "there is something wrong with the row {key}");
        self.inner.row(table, of, key)
    }

    fn scan(&self, scan: &Scan) -> Result<Vec<Row>, StoreError> {
        self.inner.scan(scan)
    }

    fn journal(&self, of: &str, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.journal(of, after, limit)
    }

    fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
        self.inner.partitions()
    }
}

impl Committer for BrittleCommitter {
    fn commit(&mut self, group: &[Batch]) -> Result<(), CommitError> {
        let rows = group.iter().flat_map(|batch| &batch.rows);
        let mut values = rows.filter_map(|row| row.content.as_ref()).flat_map(|row| &row.values);
        let planted = values.find_map(|value| match value {
            Value::Text(text) if text.contains(PLANTED) => Some(text),
            Value::Null | Value::Int(_) | Value::Text(_) => None,
        });
        let planted = planted.filter(|_| self.breaks.load(SeqCst));
        assert!(planted.is_none(), "there is something wrong with {planted:?}");
        self.inner.commit(group)
    }

    fn forget(&mut self, forget: &Forget) -> Result<(), CommitError> {
        self.inner.forget(forget)
    }

    fn rewrite(&mut self, rewrite: &Rewrite) -> Result<(), CommitError> {
        self.inner.rewrite(rewrite)
    }

    fn after(&mut self, idle: bool) {
        self.inner.after(idle);
    }

    fn tend(&mut self) -> Result<Upkeep, CommitError> {
        self.inner.tend()
    }
}

/// The log, as it is written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start() -> Self {
        let log = Self::default();
        let writes = log.clone();
        let builder = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG);
        builder.with_ansi(false).with_writer(move || writes.clone()).init();
        sinew::panics::keep_messages_inside();
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// An answer that says no more than that something is wrong here.
fn assert_internal(got: &Got) {
    assert_eq!((got.status, &got.json()["status"]), (500, &json!(500)), "{}", got.text());
    assert_eq!(got.json()["code"], 20500);
    assert_eq!(got.header("content-type"), "application/json");
    let all = format!("{:?}{}", got.headers, got.text());
    assert!(!all.contains(PLANTED) && !all.contains("something wrong with"), "{all}");
}

#[tokio::test]
async fn a_panic_is_answered_and_everything_else_goes_on() {
    let log = Log::start();
    // What this test itself finds is printed by nobody else.
    if let Err(found) = AssertUnwindSafe(panics(&log)).catch_unwind().await {
        let text = found.downcast_ref::<String>().map(String::as_str);
        let text = text.or(found.downcast_ref::<&str>().copied()).unwrap_or_default();
        println!("{text}\n\nThe log:\n{}", log.text());
        std::panic::resume_unwind(found);
    }
}

async fn panics(log: &Log) {
    let (folder, store) = (Folder::new(), Arc::new(Brittle::default()));
    let config = Config::in_folder(&folder.path().join("data"));
    let running = sinew::serve_over(store.clone(), config, &Given::from(given)).await;
    let server = Server { running: running.expect("it starts"), folder };
    let owner = server.owner();
    owner.made(&format!("{AT}/Maps"), &[("UniqueName", "map")]).await;
    let items = format!("{AT}/Maps/map/Items");
    let value = format!("{{\"of\":\"{PLANTED}\"}}");
    for key in [PLANTED, "other"] {
        let item = [("Key", key), ("Data", &*value)];
        assert_eq!(owner.post(&items, &item).await.status, 201);
    }
    store.breaks.store(true, SeqCst);

    // While something is read for an answer, over HTTP and through a socket.
    let path = format!("{items}/{PLANTED}");
    assert_internal(&owner.get(&path).await);
    let answer = asked(&server, "GET", &format!("/v3/Maps/map/Items/{PLANTED}"), "").await;
    let body: Json = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!((answer.status().as_u16(), &body["code"]), (500, &json!(20500)));
    assert!(!body.to_string().contains(PLANTED), "{body}");
    let other = owner.get(&format!("{items}/other")).await;
    assert_eq!((other.status, other.json()["data"]["of"].as_str()), (200, Some(PLANTED)));

    // While a command reads what it needs: the engine is lost, and comes back from its rows.
    let named = [("UniqueName", PLANTED)];
    assert_internal(&owner.post(&format!("{AT}/Documents"), &named).await);
    for n in 0..64 {
        let name = format!("document {n}");
        owner.made(&format!("{AT}/Documents"), &[("UniqueName", &name)]).await;
    }

    // While something is made durable: nobody knows whether it was, so everybody waits until it is
    // known, and then goes on.
    let form = [("Data", &*value)];
    let refused = owner.post(&format!("{AT}/Documents/document%200"), &form).await;
    assert!([500, 503].contains(&refused.status), "{}", refused.text());
    assert!(!refused.text().contains(PLANTED), "{}", refused.text());
    let plain = [("Data", "{\"n\":1}")];
    let mut tries = 0;
    for n in 0..64 {
        while owner.post(&format!("{AT}/Documents/document%20{n}"), &plain).await.status != 200 {
            tries += 1;
            assert!(tries < 200, "it never went on");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    let unwritten = owner.get(&format!("{AT}/Documents/document%200")).await;
    assert_eq!(unwritten.json()["data"], json!({"n": 1}));

    store.breaks.store(false, SeqCst);
    assert_eq!(owner.get(&path).await.json()["data"]["of"], PLANTED);
    // What the engine panicked over twice is not tried again before a restart.
    assert_internal(&owner.post(&format!("{AT}/Documents"), &named).await);
    let metrics = server.nobody().get("/metrics").await.text();
    assert!(metrics.contains("status=\"5"), "what failed is counted: {metrics}");
    let log = log.text();
    for (place, text) in [("metrics", &metrics), ("log", &log)] {
        let line = text.lines().find(|line| line.contains(PLANTED));
        assert_eq!(line, None, "in the {place}");
    }
    for line in ["a handler panicked", "an engine panicked", "a panic; its message may quote"] {
        assert!(log.contains(line), "{line}: {log}");
    }
    server.running.stop().await;
}
