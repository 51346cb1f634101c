//! Settings of ours: the capacity matrix, and the order of queues.

use crate::caller::{Caller, Got, Server};
use serde_json::{Value, json};

/// A workspace with a worker, a queue for everybody and a workflow that leads there.
struct Floor {
    server: Server,
    owner: Caller,
    base: String,
    ours: String,
    worker: String,
    queue: String,
}

impl Floor {
    async fn open() -> Self {
        let server = Server::start().await;
        let owner = server.owner();
        let workspace = made(&owner, "/taskrouter/v1/Workspaces", &[("FriendlyName", "W")]).await;
        let base = format!("/taskrouter/v1/Workspaces/{workspace}");
        let listed = owner.get(&format!("{base}/Activities?Available=true")).await.json();
        let available = listed["activities"][0]["sid"].as_str().unwrap().to_owned();
        let queue = made(&owner, &format!("{base}/TaskQueues"), &[("FriendlyName", "All")]).await;
        let routing = json!({"task_routing": {"default_filter": {"queue": queue}}}).to_string();
        let workflow = [("FriendlyName", "Main"), ("Configuration", routing.as_str())];
        made(&owner, &format!("{base}/Workflows"), &workflow).await;
        let worker = [("FriendlyName", "ann"), ("ActivitySid", available.as_str())];
        let worker = made(&owner, &format!("{base}/Workers"), &worker).await;
        let ours = format!("/sinew/v1/Workspaces/{workspace}");
        Self { server, owner, base, ours, worker, queue }
    }

    async fn room(&self, channel: &str, capacity: &str) {
        let path = format!("{}/Workers/{}/Channels/{channel}", self.base, self.worker);
        let got = self.owner.post(&path, &[("Capacity", capacity)]).await;
        assert_eq!(got.status, 200, "{}", got.text());
    }

    async fn task(&self, channel: &str) -> String {
        let form = [("TaskChannel", channel), ("Attributes", "{}")];
        made(&self.owner, &format!("{}/Tasks", self.base), &form).await
    }

    async fn status(&self, task: &str) -> String {
        let got = self.owner.get(&format!("{}/Tasks/{task}", self.base)).await.json();
        got["assignment_status"].as_str().unwrap().to_owned()
    }

    async fn put(&self, path: &str, body: &Value) -> Got {
        self.owner.send_json("PUT", &format!("{}{path}", self.ours), body).await
    }
}

async fn made(owner: &Caller, path: &str, form: &[(&str, &str)]) -> String {
    let got = owner.post(path, form).await;
    assert_eq!(got.status, 201, "{path}: {}", got.text());
    got.json()["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn capacity_rules_are_set_tried_explained_and_kept() {
    let floor = Floor::open().await;
    floor.room("chat", "5").await;
    let capacity = format!("{}/Capacity", floor.ours);
    let got = floor.owner.get(&capacity).await;
    assert_eq!((got.status, got.header("etag"), &got.json()["rules"]), (200, "\"0\"", &json!([])));

    let one = json!({"rules": [{"name": "one chat", "channels": ["chat"], "limit": 1}]});
    let got = floor.put("/Capacity", &one).await;
    assert_eq!((got.status, got.header("etag")), (200, "\"1\""), "{}", got.text());
    assert_eq!(got.json()["rules"][0]["name"], "one chat");
    let (first, second) = (floor.task("chat").await, floor.task("chat").await);
    assert_eq!(floor.status(&first).await, "reserved");
    assert_eq!(floor.status(&second).await, "pending");
    let explain = format!("{}/Tasks/{second}/Explain", floor.ours);
    let told = floor.owner.get(&explain).await.json();
    let reason = &told["verdicts"][0]["reason"];
    assert_eq!((&reason["kind"], &reason["rule"]), (&json!("capacity_rule"), &json!("one chat")));
    assert_eq!(reason["open_reservations"], json!({"chat": 1}));

    let mut two = json!({"rules": [{"name": "two chats", "channels": ["chat"], "limit": 2}]});
    two["dry_run"] = true.into();
    let tried = floor.put("/Capacity", &two).await;
    assert_eq!(tried.status, 200, "{}", tried.text());
    assert_eq!(tried.json()["tasks_unblocked"], json!({"count": 1, "first": [second]}));
    two.as_object_mut().unwrap().remove("dry_run");
    assert_eq!(floor.put("/Capacity?DryRun=true", &two).await.json()["dry_run"], true);
    assert_eq!(floor.status(&second).await, "pending", "nothing was touched");

    let stale = floor.owner.clone().with("if-match", "\"0\"");
    assert_eq!(stale.send_json("PUT", &capacity, &two).await.status, 412);
    let fresh = floor.owner.clone().with("if-match", "\"1\"");
    assert_eq!(fresh.send_json("PUT", &capacity, &two).await.status, 200);
    assert_eq!(floor.status(&second).await, "reserved", "loosened rules match at once");

    let wrong = json!({"rules": [{"name": "x", "channels": ["fax"], "limit": 1}]});
    for path in ["/Capacity", "/Capacity?DryRun=true"] {
        let got = floor.put(path, &wrong).await;
        assert_eq!((got.status, &got.json()["code"]), (400, &json!(20001)));
        let message = got.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("rules[0].channels[0] names 'fax'"), "{message}");
    }
    assert_eq!(floor.owner.get(&capacity).await.json()["version"], 2);
    drop(floor.server);
}

#[tokio::test]
async fn a_queue_is_ordered_by_deadline_and_back() {
    let floor = Floor::open().await;
    let path = format!("/TaskQueues/{}/Ordering", floor.queue);
    let got = floor.owner.get(&format!("{}{path}", floor.ours)).await;
    assert_eq!((got.status, got.header("etag")), (200, "\"0\""), "{}", got.text());
    assert_eq!(got.json()["by"], "task_order");
    let first = floor.task("default").await;
    assert_eq!(floor.status(&first).await, "reserved", "it keeps the worker busy");
    let slow = floor.task("default").await;
    let form = [("TaskChannel", "default"), ("Attributes", "{\"tier\": \"gold\"}")];
    let gold = made(&floor.owner, &format!("{}/Tasks", floor.base), &form).await;
    let body = json!({"by": "deadline", "service_level_s": 60, "classes": [
        {"name": "gold", "expression": "tier == 'gold'", "service_level_s": 10}]});
    let got = floor.put(&path, &body).await;
    assert_eq!((got.status, got.header("etag")), (200, "\"1\""), "{}", got.text());
    let shown = got.json();
    assert_eq!((&shown["starvation_bound_s"], &shown["version"]), (&json!(50), &json!(1)));
    assert_eq!(shown["classes"][0]["service_level_s"], 10);
    let queue = floor.owner.get(&format!("{}/TaskQueues/{}", floor.base, floor.queue)).await;
    assert_eq!(queue.json()["task_order"], "FIFO", "the wire's word stays");
    let open = format!("{}/Tasks/{first}", floor.base);
    let cancel = [("AssignmentStatus", "canceled"), ("Reason", "x")];
    assert_eq!(floor.owner.post(&open, &cancel).await.status, 200);
    assert_eq!(floor.status(&gold).await, "reserved", "it breaches first");
    assert_eq!(floor.status(&slow).await, "pending");

    let got = floor.put(&path, &json!({"by": "deadline", "service_level_s": "soon"})).await;
    assert_eq!(got.status, 400);
    let message = got.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("service_level_s must be a whole number"), "{message}");
    let nowhere = "/TaskQueues/WQ00000000000000000000000000000007/Ordering";
    assert_eq!(floor.put(nowhere, &json!({"by": "task_order"})).await.status, 404);
    let stale = floor.owner.clone().with("if-match", "\"7\"");
    let url = format!("{}{path}", floor.ours);
    let back = json!({"by": "task_order"});
    assert_eq!(stale.send_json("PUT", &url, &back).await.status, 412);
    assert_eq!(floor.put(&path, &back).await.json()["version"], 2);
    drop(floor.server);
}
