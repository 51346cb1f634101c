//! `sinew replay` on the store of a server that runs, and on one that stopped.

use crate::workspace::{Workspace, straight_to};
use base::Millis;
use host::{Host, Retention};
use serde_json::{Value, json};
use std::{path::Path, process::Command, sync::Arc};
use store::Store;
use store_sealed::{Key, Keys, SealedStore};
use store_sqlite::SqliteStore;

/// Whether what the server stores is enciphered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Plain,
    Sealed,
}

impl Kept {
    fn keys(self) -> Option<Keys> {
        let key = Key::parse("own", &"5e".repeat(32)).unwrap();
        Keys::new(if self == Self::Sealed { vec![key] } else { Vec::new() }).unwrap()
    }

    fn replay(self, from: &Path, workflow: &Path, more: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sinew"));
        command.arg("replay").arg("--from").arg(from).arg("--workflow").arg(workflow).args(more);
        if self == Self::Sealed {
            command.env("SINEW_ENCRYPTION_KEYS", format!("own:{}", "5e".repeat(32)));
        }
        let ended = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (ended.status.success(), text(ended.stdout), text(ended.stderr))
    }
}

/// Forgets all but the last seconds of the journal, as a server does with what is older than it
/// has to be.
async fn forget_beginning(data: &Path, kept: Kept) {
    let tables: Vec<_> = host::tables::ALL.iter().copied().chain([&store_sealed::TABLE]).collect();
    let tables: &'static [_] = tables.leak();
    let options = store_sqlite::Options::default();
    let store = Arc::new(SqliteStore::open(data, options, tables).unwrap());
    let store: Arc<dyn Store> = match kept.keys() {
        Some(keys) => Arc::new(SealedStore::open(store, keys, tables).unwrap()),
        None => store,
    };
    let options =
        host::Options { clock: host::ClockKind::Manual, seed: None, ..Default::default() };
    let host = Host::start(store, &options).unwrap();
    let retention = Retention { journal: Millis::secs(45), ..Retention::default() };
    let forgotten = host.forget_old_once(retention).await.unwrap();
    assert!(forgotten.entries > 10, "{forgotten:?}");
    host.stop().await;
}

#[tokio::test]
async fn recorded_traffic_is_replayed_beside_the_server_and_after_it() {
    recorded_traffic_is_replayed(Kept::Plain).await;
}

#[tokio::test]
async fn enciphered_traffic_is_replayed_by_whoever_has_the_key() {
    recorded_traffic_is_replayed(Kept::Sealed).await;
}

async fn recorded_traffic_is_replayed(kept: Kept) {
    let replay = |from: &Path, file: &Path, more: &[&str]| kept.replay(from, file, more);
    let space = Workspace::with(|config| config.encryption = kept.keys()).await;
    let mut queues = Vec::new();
    for (name, workers) in [("few", "skill == 'a'"), ("many", "1==1")] {
        queues.push(space.queue(name, workers).await);
    }
    let old = straight_to(&queues[0]);
    let workflow = space.workflow("Main", &old).await;
    for (name, attributes) in [("ann", r#"{"skill": "a"}"#), ("bob", "{}")] {
        space.worker(name, attributes).await;
    }
    let Workspace { server, owner, sid: workspace, base, .. } = space;
    let pass = async |ms: u64| {
        let moved = owner.post_json("/sinew/v1/Clock", &json!({"advance_ms": ms})).await;
        assert_eq!(moved.status, 200);
    };
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(owner.made(&format!("{base}/Tasks"), &[("Attributes", "{}")]).await);
        pass(5_000).await;
    }
    for task in &tasks {
        let path = format!("{base}/Tasks/{task}/Reservations");
        let listed = owner.get(&path).await.json();
        let offer = listed["reservations"][0]["sid"].as_str().unwrap().to_owned();
        for (status, ms) in [("accepted", 20_000), ("completed", 1_000)] {
            let form = [("ReservationStatus", status)];
            assert_eq!(owner.post(&format!("{path}/{offer}"), &form).await.status, 200);
            pass(ms).await;
        }
    }

    let (data, folder) = (server.folder.path().join("data"), server.folder.path().to_owned());
    let (same, other) = (folder.join("same.json"), folder.join("other.json"));
    std::fs::write(&same, old.to_string()).unwrap();
    std::fs::write(&other, straight_to(&queues[1]).to_string()).unwrap();
    let (ok, told, log) = replay(&data, &same, &["--json"]);
    assert!(ok, "{log}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["reproduced"], &told["moved"]), (&json!(true), &json!([])), "{told:#}");
    assert_eq!(told["total"]["before"], told["total"]["after"]);
    assert_eq!(told["total"]["before"]["taken"], 3);

    server.running.stop().await;
    let more = ["--workspace", &workspace, "--workflow-sid", &workflow, "--seed", "7"];
    let (ok, told, log) = replay(&data.join("sinew.db"), &other, &more);
    assert!(ok, "{log}");
    assert!(told.contains("the replay is the recording"), "{told}");
    assert!(told.contains("3 tasks went to another queue or worker"), "{told}");
    assert!(told.contains("few / ann  ->  many / bob"), "{told}");
    assert_eq!(told, replay(&data, &other, &more).1, "the same seed, the same answer");

    let (ok, _, log) = Kept::Plain.replay(&data, &same, &[]);
    assert_eq!(ok, kept == Kept::Plain, "{log}");
    assert!(ok || log.contains("key 'own'"), "{log}");

    forget_beginning(&data, kept).await;
    let (ok, told, log) = replay(&data, &same, &["--json"]);
    assert!(ok, "{log}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert!(told["first_change"].as_u64().unwrap() > 10, "{told:#}");
    assert_eq!((&told["reproduced"], &told["moved"]), (&json!(true), &json!([])), "{told:#}");
    assert_eq!(told["total"]["before"], told["total"]["after"]);
    assert!(told["total"]["before"]["taken"].as_u64().unwrap() > 0, "{told:#}");
    let (ok, told, log) = replay(&data, &other, &more);
    assert!(ok, "{log}");
    assert!(told.contains("the replay is the recording"), "{told}");
    assert!(told.contains("is forgotten: tasks that waited then"), "{told}");

    let missing = folder.join("nothing.json");
    std::fs::write(folder.join("bad.json"), r#"{"filters": [{"expression": "a-b"}]}"#).unwrap();
    let unknown = format!("WS{:032x}", 7);
    for (from, file, more, part) in [
        (&folder.join("nowhere"), &same, [].as_slice(), "--from"),
        (&data, &missing, &[], "--workflow"),
        (&data, &folder.join("bad.json"), &[], "filters[0].expression"),
        (&data, &same, &["--workspace", unknown.as_str()], "--workspace"),
        (&data, &same, &["--workflow-sid", "WW1"], "WW1"),
        (&same, &same, &[], "is not a store"),
    ] {
        let (ok, out, log) = replay(from, file, more);
        assert!(!ok && out.is_empty() && log.contains(part), "{part}: {log}");
        assert_eq!(log.lines().count(), 1, "{log}");
    }
}
