//! Settings of ours: the capacity matrix, opening hours, and the order of queues.

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
        Self::open_with(|_| {}).await
    }

    async fn open_with(change: impl FnOnce(&mut sinew::Config)) -> Self {
        let server = Server::with(change).await;
        let owner = server.owner();
        let workspace = owner.made("/taskrouter/v1/Workspaces", &[("FriendlyName", "W")]).await;
        let base = format!("/taskrouter/v1/Workspaces/{workspace}");
        let listed = owner.get(&format!("{base}/Activities?Available=true")).await.json();
        let available = listed["activities"][0]["sid"].as_str().unwrap().to_owned();
        let queue = owner.made(&format!("{base}/TaskQueues"), &[("FriendlyName", "All")]).await;
        let target = json!({"queue": queue, "expression": "schedule.support.open == true"});
        let waits = json!({"expression": "waits == true", "targets": [target]});
        let default = json!({"queue": queue});
        let routing = json!({"filters": [waits], "default_filter": default});
        let routing = json!({"task_routing": routing}).to_string();
        let workflow = [("FriendlyName", "Main"), ("Configuration", routing.as_str())];
        owner.made(&format!("{base}/Workflows"), &workflow).await;
        let worker = [("FriendlyName", "ann"), ("ActivitySid", available.as_str())];
        let worker = owner.made(&format!("{base}/Workers"), &worker).await;
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
        self.owner.made(&format!("{}/Tasks", self.base), &form).await
    }

    async fn status(&self, task: &str) -> String {
        let got = self.owner.get(&format!("{}/Tasks/{task}", self.base)).await.json();
        got["assignment_status"].as_str().unwrap().to_owned()
    }

    async fn put(&self, path: &str, body: &Value) -> Got {
        self.owner.send_json("PUT", &format!("{}{path}", self.ours), body).await
    }
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
    let gold = floor.owner.made(&format!("{}/Tasks", floor.base), &form).await;
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

#[tokio::test]
async fn a_schedule_opens_by_the_clock_and_what_waited_is_offered() {
    let manual = |config: &mut sinew::Config| config.clock = sinew::config::Clock::Manual;
    let floor = Floor::open_with(manual).await;
    let form = [("TaskChannel", "default"), ("Attributes", "{\"waits\": true}")];
    let task = floor.owner.made(&format!("{}/Tasks", floor.base), &form).await;
    assert_eq!(floor.status(&task).await, "pending", "there is no such schedule yet");
    let workflows = floor.owner.get(&format!("{}/Workflows", floor.base)).await.json();
    let workflow = workflows["workflows"][0]["sid"].as_str().unwrap().to_owned();
    let warned = async || {
        let warnings = format!("{}/Workflows/{workflow}/Warnings", floor.ours);
        let told = floor.owner.get(&warnings).await;
        assert_eq!(told.status, 200, "{}", told.text());
        told.text().contains("unknown_schedule")
    };
    assert!(warned().await);
    let body = json!({"timezone": "Europe/Berlin",
        "weekly": [{"days": ["thu"], "from": "08:00", "to": "18:00"}],
        "exceptions": [{"date": "2026-01-08", "closed": true}]});
    let got = floor.put("/Schedules/support", &body).await;
    assert_eq!((got.status, got.header("etag")), (200, "\"1\""), "{}", got.text());
    let shown = got.json();
    assert_eq!(
        (&shown["open"], &shown["next_flip"]),
        (&json!(false), &json!("2026-01-01T07:00:00Z"))
    );
    assert_eq!(shown["exceptions"], body["exceptions"]);
    assert!(!warned().await);
    let advance = async |hours: i64| {
        let by = json!({"advance_ms": hours * 3_600_000});
        assert_eq!(floor.owner.post_json("/sinew/v1/Clock", &by).await.status, 200);
    };
    advance(6).await;
    assert_eq!(floor.status(&task).await, "pending");
    advance(1).await;
    assert_eq!(floor.status(&task).await, "reserved", "it opened at this instant");
    advance(12).await;
    let schedule = format!("{}/Schedules/support", floor.ours);
    let shown = floor.owner.get(&schedule).await.json();
    assert_eq!(
        (&shown["open"], &shown["next_flip"]),
        (&json!(false), &json!("2026-01-15T07:00:00Z"))
    );
    let listed = floor.owner.get(&format!("{}/Schedules", floor.ours)).await.json();
    assert_eq!(listed["schedules"], json!([shown]));

    let got = floor.put("/Schedules/support", &json!({"timezone": "Mars/Base"})).await;
    assert_eq!((got.status, &got.json()["code"]), (400, &json!(20001)), "{}", got.text());
    assert_eq!(floor.put("/Schedules/9to5", &body).await.status, 400);
    let stale = floor.owner.clone().with("if-match", "\"7\"");
    assert_eq!(stale.send_json("PUT", &schedule, &body).await.status, 412);
    assert_eq!(floor.owner.delete(&schedule).await.status, 204);
    assert_eq!(floor.owner.delete(&schedule).await.status, 404);
    assert_eq!(floor.owner.get(&schedule).await.status, 404);
}

#[tokio::test]
async fn an_expression_is_tried_with_schedules() {
    let server = Server::start().await;
    let evaluate = async |schedules: Value| {
        let body = json!({"context": "filter", "expression": "schedule.support.open == true",
            "schedules": schedules});
        let got = server.owner().post_json("/sinew/v1/Expressions/Evaluate", &body).await;
        (got.status, got.json()["result"].clone())
    };
    assert_eq!(evaluate(json!({"support": true})).await, (200, json!(true)));
    assert_eq!(evaluate(json!({"support": false})).await, (200, json!(false)));
    assert_eq!(evaluate(json!({})).await, (200, json!(false)));
    assert_eq!(evaluate(json!({"support": "yes"})).await.0, 400);
}

/// Supervisors see these settings, agents do not, and neither changes them.
#[tokio::test]
async fn only_admins_change_rules() {
    let floor = Floor::open().await;
    for role in ["supervisor", "agent"] {
        let password = "a good password";
        let user = json!({"username": role, "password": password, "role": role,
            "worker_sid": floor.worker});
        assert_eq!(floor.owner.post_json("/sinew/v1/Users", &user).await.status, 201);
        let desk = floor.server.signed_in(role, password).await;
        let ordering = format!("/TaskQueues/{}/Ordering", floor.queue);
        for path in ["/Capacity", "/Schedules/support", &ordering] {
            let url = format!("{}{path}", floor.ours);
            let seen = desk.get(&url).await.status;
            let wanted: &[u16] = if role == "supervisor" { &[200, 404] } else { &[403] };
            assert!(wanted.contains(&seen), "{role} reads {path}: {seen}");
            let got = desk.send_json("PUT", &url, &json!({})).await;
            assert_eq!(got.status, 403, "{role} changes {path}");
        }
    }
}
