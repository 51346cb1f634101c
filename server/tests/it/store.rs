//! A store without room, and a store of another version.

use crate::caller::{Folder, Server, given, worker};
use serde_json::json;
use sinew::{Config, Given};
use std::{
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    time::Duration,
};

#[tokio::test]
async fn a_full_disk_loses_nothing_and_recovers() {
    let server = Server::start().await;
    let owner = server.owner();
    let (workspace, worker) = worker(&owner, "Ann").await;
    let path = format!("/taskrouter/v1/Workspaces/{workspace}/Tasks");
    let note = json!({"note": "x".repeat(3_000)}).to_string();
    let task = [("Attributes", note.as_str()), ("RoutingTarget", worker.as_str())];
    let store = server.running.store().unwrap();

    store.set_page_limit(Some(150));
    let mut made = Vec::new();
    let refused = loop {
        let got = owner.post(&path, &task).await;
        if got.status != 201 {
            break got;
        }
        made.push(got.json()["sid"].as_str().unwrap().to_owned());
        assert!(made.len() < 1_000, "the limit is reached");
    };
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!(20503)));
    assert_eq!(server.nobody().get("/readyz").await.status, 503);
    assert_eq!(server.nobody().get("/healthz").await.status, 200);
    assert_eq!(owner.get(&format!("{path}?PageSize=1")).await.status, 200, "reading goes on");

    store.set_page_limit(None);
    drop(store);
    let mut waited = 0;
    while server.nobody().get("/readyz").await.status != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        waited += 1;
        assert!(waited < 3_000, "it does not recover");
    }
    made.push(owner.post(&path, &task).await.json()["sid"].as_str().unwrap().to_owned());
    for sid in made {
        assert_eq!(owner.get(&format!("{path}/{sid}")).await.status, 200, "{sid}");
    }
}

#[tokio::test]
async fn a_newer_store_is_left_alone_and_both_versions_are_named() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let start = async || sinew::serve(Config::in_folder(&data), &Given::from(given)).await;
    start().await.unwrap().stop().await;

    // SQLite keeps `user_version` in its header.
    let mut file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(data.join(store_sqlite::FILE_NAME))
        .unwrap();
    file.seek(SeekFrom::Start(60)).unwrap();
    let mut version = [0; 4];
    file.read_exact(&mut version).unwrap();
    assert_eq!(i64::from(u32::from_be_bytes(version)), store_sqlite::VERSION);
    file.seek(SeekFrom::Start(60)).unwrap();
    file.write_all(&77_u32.to_be_bytes()).unwrap();
    drop(file);

    let Err(error) = start().await else { panic!("it started") };
    let text = error.to_string();
    assert!(text.contains("77") && text.contains(&store_sqlite::VERSION.to_string()), "{text}");
    assert!(!text.contains('\n'), "{text}");
}
