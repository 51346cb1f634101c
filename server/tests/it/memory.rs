//! A server whose store is memory: the same behaviour, and nothing of it left behind.

use crate::caller::{Caller, Folder, Server, given, worker};
use sinew::{Config, Given, config::StoreKind};
use std::path::Path;

fn in_memory(config: &mut Config) {
    config.store = StoreKind::Memory;
}

/// Names of what is in a folder; none where there is no folder.
fn files(folder: &Path) -> Vec<String> {
    let Ok(found) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        found.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A task offered to a worker, accepted and completed; the workspace's path and the task's SID.
async fn life(owner: &Caller) -> (String, String) {
    let (workspace, worker) = worker(owner, "Ann").await;
    let base = format!("/taskrouter/v1/Workspaces/{workspace}");
    let listed = owner.get(&format!("{base}/Activities?Available=true")).await.json();
    let available = [("ActivitySid", listed["activities"][0]["sid"].as_str().unwrap())];
    assert_eq!(owner.post(&format!("{base}/Workers/{worker}"), &available).await.status, 200);
    let task = [("Attributes", "{\"n\":1}"), ("RoutingTarget", worker.as_str())];
    let task = owner.made(&format!("{base}/Tasks"), &task).await;
    let path = format!("{base}/Tasks/{task}");
    let listed = owner.get(&format!("{path}/Reservations")).await.json();
    let reservation = listed["reservations"][0]["sid"].as_str().unwrap().to_owned();
    let accept = [("ReservationStatus", "accepted")];
    let got = owner.post(&format!("{path}/Reservations/{reservation}"), &accept).await;
    assert_eq!(got.status, 200, "{}", got.text());
    let complete = [("AssignmentStatus", "completed"), ("Reason", "done")];
    assert_eq!(owner.post(&path, &complete).await.status, 200);
    (base, task)
}

#[tokio::test]
async fn a_task_lives_in_memory_and_is_gone_after_a_restart() {
    let server = Server::with(in_memory).await;
    let owner = server.owner();
    let (base, task) = life(&owner).await;
    let listed = owner.get(&format!("{base}/Tasks?AssignmentStatus=completed")).await.json();
    assert_eq!(listed["tasks"][0]["sid"], task.as_str());
    let told = owner.get(&format!("{base}/Events?TaskSid={task}")).await.json();
    assert!(told["events"].as_array().unwrap().len() >= 4, "{told}");
    let counted = owner.get(&format!("{base}/CumulativeStatistics")).await.json();
    assert_eq!(counted["tasks_completed"], 1, "{counted}");
    assert!(server.running.store().is_none(), "there is no embedded store");

    let Server { running, folder } = server;
    running.stop().await;
    assert_eq!(files(&folder.path().join("data")), Vec::<String>::new());
    let again = Server::again(folder, in_memory).await;
    let owner = again.owner();
    assert_eq!(owner.get(&base).await.status, 404);
    let all = owner.get("/taskrouter/v1/Workspaces").await.json();
    assert_eq!(all["workspaces"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn values_drawn_beside_memory_are_the_same_each_time_and_touch_no_kept_store() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let none = Given::from(|_| None);
    let kept = sinew::serve(Config::in_folder(&data), &none).await.unwrap();
    let opens_kept = std::fs::read_to_string(kept.credentials.clone().unwrap()).unwrap();
    kept.stop().await;

    let start = async || {
        let mut config = Config::in_folder(&data);
        in_memory(&mut config);
        let running = sinew::serve(config, &none).await.unwrap();
        let file = running.credentials.clone().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
            line.unwrap().to_owned()
        };
        let (account, token) = (value("SINEW_ACCOUNT_SID"), value("SINEW_AUTH_TOKEN"));
        assert!(running.host.directory().basic(&account, &token).is_some());
        running.stop().await;
        (file, text)
    };
    let first = start().await;
    assert_eq!(first.0, data.join("credentials-memory"));
    assert_eq!(start().await, first);
    assert_ne!(first.1, opens_kept);
    assert_eq!(std::fs::read_to_string(data.join("credentials")).unwrap(), opens_kept);

    let given = Given::from(given);
    let kept = sinew::serve(Config::in_folder(&data), &given).await.unwrap();
    assert_eq!(kept.credentials, None, "the store that was kept is still there");
    kept.stop().await;
}
