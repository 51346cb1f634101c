//! Settings of a workspace that are ours alone.

use crate::caller::Server;
use serde_json::json;

#[tokio::test]
async fn what_follows_the_last_target_is_a_setting_of_the_workspace() {
    let server = Server::with(|config| config.clock = sinew::config::Clock::Manual).await;
    let owner = server.owner();
    let workspace = owner.made("/taskrouter/v1/Workspaces", &[("FriendlyName", "W")]).await;
    let base = format!("/taskrouter/v1/Workspaces/{workspace}");
    let one = owner.made(&format!("{base}/TaskQueues"), &[("FriendlyName", "one")]).await;
    let two = owner.made(&format!("{base}/TaskQueues"), &[("FriendlyName", "two")]).await;
    let filter = |queue: &str, timeout| {
        let target = json!({"queue": queue, "timeout": timeout});
        json!({"expression": "1==1", "targets": [target]})
    };
    let routing =
        json!({"task_routing": {"filters": [filter(&one, 10), filter(&two, 1000)]}}).to_string();
    let workflow = [("FriendlyName", "Main"), ("Configuration", routing.as_str())];
    owner.made(&format!("{base}/Workflows"), &workflow).await;

    let settings = format!("/sinew/v1/Workspaces/{workspace}/Settings");
    assert_eq!(owner.get(&settings).await.json(), json!({"after_last_target": "next_filter"}));
    let clock = async |seconds: u32| {
        owner.post_json("/sinew/v1/Clock", &json!({"advance_ms": seconds * 1000})).await;
    };
    let first = format!("{base}/Tasks/{}", owner.made(&format!("{base}/Tasks"), &[]).await);
    clock(11).await;
    assert_eq!(owner.get(&first).await.json()["task_queue_sid"], two.as_str());

    let cancel = json!({"after_last_target": "cancel"});
    let changed = owner.send_json("PUT", &settings, &cancel).await;
    assert_eq!((changed.status, changed.json()), (200, cancel.clone()));
    assert_eq!(owner.get(&settings).await.json(), cancel);
    let second = format!("{base}/Tasks/{}", owner.made(&format!("{base}/Tasks"), &[]).await);
    clock(11).await;
    let ended = owner.get(&second).await.json();
    assert_eq!(ended["assignment_status"], "canceled");
    assert_eq!(ended["reason"], "Task canceled on Workflow timeout");

    let wrong = owner.send_json("PUT", &settings, &json!({"after_last_target": "wait"})).await;
    assert_eq!((wrong.status, &wrong.json()["code"]), (400, &json!(20001)));
    assert_eq!(owner.get(&settings).await.json(), cancel);
}
