//! Callbacks and webhooks against an application that answers well, badly, slowly or not at all.

mod connections;
mod crowd;

use crate::{
    caller::{Caller, Server},
    peer::{Peer, Say},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ACCEPT: Say = Say::Json(200, r#"{"instruction": "accept"}"#);

/// One queue for everybody, workers who are available, a workflow with callback URLs.
struct Floor {
    server: Server,
    owner: Caller,
    workspace: String,
}

fn reaches_home(config: &mut sinew::Config) {
    config.allow_private_callbacks = vec!["127.0.0.0/8".parse().unwrap()];
}

fn by_hand(config: &mut sinew::Config) {
    reaches_home(config);
    config.clock = sinew::config::Clock::Manual;
}

impl Floor {
    async fn open(change: impl FnOnce(&mut sinew::Config), workers: &[&str]) -> Self {
        let server = Server::with(change).await;
        let owner = server.owner();
        let workspace = owner.made("/taskrouter/v1/Workspaces", &[("FriendlyName", "W")]).await;
        let floor = Self { server, owner, workspace };
        let listed = floor.owner.get(&floor.at("/Activities?Available=true")).await.json();
        let available = listed["activities"][0]["sid"].as_str().unwrap().to_owned();
        for name in workers {
            let worker = [("FriendlyName", *name), ("ActivitySid", available.as_str())];
            floor.made("/Workers", &worker).await;
        }
        floor
    }

    fn at(&self, path: &str) -> String {
        format!("/taskrouter/v1/Workspaces/{}{path}", self.workspace)
    }

    async fn made(&self, path: &str, form: &[(&str, &str)]) -> String {
        self.owner.made(&self.at(path), form).await
    }

    /// A workflow to everybody with these callback URLs.
    async fn workflow(&self, urls: &[String]) -> String {
        let queue = self.made("/TaskQueues", &[("FriendlyName", "All"), ("TargetWorkers", "1==1")]);
        let queue = queue.await;
        let routing = json!({"task_routing": {"default_filter": {"queue": queue}}}).to_string();
        let names = ["AssignmentCallbackUrl", "FallbackAssignmentCallbackUrl"];
        let mut form = vec![("FriendlyName", "Main"), ("Configuration", routing.as_str())];
        form.extend(names.iter().copied().zip(urls.iter().map(String::as_str)));
        self.made("/Workflows", &form).await
    }

    async fn listen(&self, url: &str, filter: &str) {
        let form = [("EventCallbackUrl", url), ("EventsFilter", filter)];
        let at = self.at("");
        let got = self.owner.post(&at, &form).await;
        assert_eq!(got.status, 200, "{}", got.text());
    }

    async fn task(&self, workflow: &str) -> String {
        let form = [("WorkflowSid", workflow), ("Attributes", r#"{"n": 1}"#)];
        self.made("/Tasks", &form).await
    }

    async fn status(&self, task: &str) -> String {
        let got = self.owner.get(&self.at(&format!("/Tasks/{task}"))).await.json();
        got["assignment_status"].as_str().unwrap().to_owned()
    }

    async fn reservations(&self, task: &str) -> Vec<String> {
        let got = self.owner.get(&self.at(&format!("/Tasks/{task}/Reservations"))).await.json();
        let listed = got["reservations"].as_array().unwrap().iter();
        listed.map(|one| one["reservation_status"].as_str().unwrap().to_owned()).collect()
    }

    async fn becomes(&self, task: &str, wanted: &str) {
        for _ in 0..3_000 {
            if self.status(task).await == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{task} is {} instead of {wanted}", self.status(task).await);
    }

    async fn deliveries(&self, query: &str) -> Vec<Value> {
        let path = format!("/sinew/v1/Workspaces/{}/Deliveries?{query}", self.workspace);
        let got = self.owner.get(&path).await;
        assert_eq!(got.status, 200, "{}", got.text());
        got.json()["deliveries"].as_array().unwrap().clone()
    }

    /// Waits until the log shows so many.
    async fn logged(&self, query: &str, count: usize) -> Vec<Value> {
        for _ in 0..3_000 {
            let found = self.deliveries(query).await;
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{query}: {:?}", self.deliveries("").await);
    }

    async fn advance(&self, ms: i64) {
        let got = self.owner.post_json("/sinew/v1/Clock", &json!({"advance_ms": ms})).await;
        assert_eq!(got.status, 200, "{}", got.text());
    }
}

#[tokio::test]
async fn an_instruction_is_asked_for_and_followed() {
    let peer = Peer::start().await;
    let floor = Floor::open(reaches_home, &["ann"]).await;
    peer.says("/assign?x=1", [ACCEPT]);
    let workflow = floor.workflow(&[peer.url("/assign?x=1")]).await;
    let task = floor.task(&workflow).await;
    floor.becomes(&task, "assigned").await;
    let heard = peer.hears("/assign?x=1", 1).await;
    for name in [
        "Timestamp",
        "AccountSid",
        "WorkspaceSid",
        "WorkflowSid",
        "TaskQueueSid",
        "WorkerSid",
        "WorkerAttributes",
        "TaskSid",
        "TaskAttributes",
        "TaskAge",
        "TaskPriority",
        "ReservationSid",
    ] {
        assert!(!heard[0].get(name).is_empty(), "{name}: {heard:?}");
    }
    assert_eq!(heard[0].get("TaskAttributes"), r#"{"n": 1}"#);
    assert_eq!(heard[0].get("TaskSid"), task);
    assert!(heard[0].headers.contains_key("x-twilio-signature"));
    let logged = floor.logged("Status=delivered", 1).await;
    assert_eq!(logged[0]["kind"], "callback");
    assert_eq!(logged[0]["attempts"][0]["response_status"], 200);
    assert_eq!(logged[0]["url"], peer.url("/assign?x=1"));
}

#[tokio::test]
async fn bad_answers_lead_to_the_fallback_and_say_why() {
    let peer = Peer::start().await;
    let floor = Floor::open(reaches_home, &["ann", "ben", "cat", "dan", "eve", "fay"]).await;
    let twice = r#""{\"instruction\": \"accept\"}""#;
    let cases = [
        (Say::Json(500, "{}"), Value::Null),
        (Say::Json(200, "{"), json!(40001)),
        (Say::Json(200, twice), json!(40001)),
        (Say::Other(200, "text/html", "<p>".to_owned()), json!(40000)),
        (Say::Endless, json!(40001)),
        (Say::Close, Value::Null),
    ];
    peer.says("/fallback", [ACCEPT]);
    let workflow = floor.workflow(&[peer.url("/first"), peer.url("/fallback")]).await;
    for (say, alert) in cases {
        peer.says("/first", [say.clone()]);
        let task = floor.task(&workflow).await;
        floor.becomes(&task, "assigned").await;
        let logged = floor.logged(&format!("Status=failed&TaskSid={task}"), 1).await;
        assert_eq!(logged[0]["attempts"][0]["alert"], alert, "{say:?}: {logged:?}");
        assert!(logged[0]["attempts"][0]["error"].is_string(), "{say:?}");
    }
}

#[tokio::test]
async fn an_instruction_that_needs_a_call_raises_its_alert() {
    let peer = Peer::start().await;
    let floor = Floor::open(reaches_home, &["ann"]).await;
    peer.says("/assign", [Say::Json(200, r#"{"instruction": "conference", "from": "+1"}"#)]);
    let workflow = floor.workflow(&[peer.url("/assign")]).await;
    let task = floor.task(&workflow).await;
    let logged = floor.logged("Status=delivered", 1).await;
    assert_eq!(logged[0]["attempts"][0]["alert"], 40137, "the worker has no contact_uri");
    assert_eq!(floor.reservations(&task).await, ["pending"]);
}

#[tokio::test]
async fn a_silent_url_delays_nobody_else() {
    let peer = Peer::start().await;
    let floor = Floor::open(by_hand, &["ann", "ben"]).await;
    peer.says("/silent", [Say::Nothing]);
    peer.says("/quick", [ACCEPT]);
    let silent = floor.workflow(&[peer.url("/silent"), peer.url("/quick")]).await;
    let queue = floor.owner.get(&floor.at("/TaskQueues")).await.json();
    let queue = queue["task_queues"][0]["sid"].as_str().unwrap().to_owned();
    let routing = json!({"task_routing": {"default_filter": {"queue": queue}}}).to_string();
    let url = peer.url("/quick");
    let quick = [
        ("FriendlyName", "Quick"),
        ("Configuration", routing.as_str()),
        ("AssignmentCallbackUrl", url.as_str()),
    ];
    let quick = floor.made("/Workflows", &quick).await;
    let waiting = floor.task(&silent).await;
    peer.hears("/silent", 1).await;
    // The clock stands still: who waited for the silent one would wait for ever.
    let task = floor.task(&quick).await;
    floor.becomes(&task, "assigned").await;
    assert_eq!(floor.status(&waiting).await, "reserved");
    floor.advance(5_000).await;
    floor.becomes(&waiting, "assigned").await;
}

#[tokio::test]
async fn a_silent_url_is_given_up_after_five_seconds() {
    let peer = Peer::start().await;
    let floor = Floor::open(reaches_home, &["ann"]).await;
    peer.says("/silent", [Say::Nothing]);
    peer.says("/quick", [ACCEPT]);
    let workflow = floor.workflow(&[peer.url("/silent"), peer.url("/quick")]).await;
    let began = Instant::now();
    let waiting = floor.task(&workflow).await;
    floor.becomes(&waiting, "assigned").await;
    assert!(began.elapsed() >= Duration::from_secs(5), "the limit is five seconds");
    let logged = floor.logged("Status=failed", 1).await;
    assert_eq!(logged[0]["attempts"][0]["error"], "No answer within 5 seconds");
}

#[tokio::test]
async fn private_networks_are_refused_unless_they_are_named() {
    let peer = Peer::start().await;
    let floor = Floor::open(|_| {}, &["ann"]).await;
    let workflow = floor.workflow(&[peer.url("/assign")]).await;
    let task = floor.task(&workflow).await;
    let logged = floor.logged("Status=failed", 1).await;
    let error = logged[0]["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("may not reach") && error.contains("127.0.0.1"), "{error}");
    assert!(peer.heard("/assign").is_empty());
    assert_eq!(floor.reservations(&task).await[0], "canceled");
    floor.listen(&peer.url("/events"), "task.created").await;
    floor.task(&workflow).await;
    let logged = floor.logged("Status=failed&Kind=webhook", 1).await;
    assert_eq!(logged[0]["attempt_count"], 1, "there is no use in trying again");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let peer = Peer::start().await;
    let floor = Floor::open(reaches_home, &["ann"]).await;
    let elsewhere = Peer::start().await;
    peer.says("/events", [Say::GoTo(elsewhere.url("/secret"))]);
    floor.listen(&peer.url("/events"), "task.created").await;
    let workflow = floor.workflow(&[]).await;
    floor.task(&workflow).await;
    let logged = floor.logged("Status=failed", 1).await;
    assert_eq!(logged[0]["attempts"][0]["response_status"], 307);
    assert!(elsewhere.heard("/secret").is_empty());
}

#[tokio::test]
async fn events_are_posted_with_all_their_fields_in_order_and_filtered() {
    let peer = Peer::start().await;
    let floor = Floor::open(reaches_home, &["ann"]).await;
    let filter = " task.created , reservation.created,reservation.accepted,task.completed";
    floor.listen(&peer.url("/events"), filter).await;
    let workflow = floor.workflow(&[]).await;
    let task = floor.task(&workflow).await;
    let listed = floor.owner.get(&floor.at(&format!("/Tasks/{task}/Reservations"))).await.json();
    let reservation = listed["reservations"][0]["sid"].as_str().unwrap().to_owned();
    let at = floor.at(&format!("/Tasks/{task}/Reservations/{reservation}"));
    assert_eq!(floor.owner.post(&at, &[("ReservationStatus", "accepted")]).await.status, 200);
    let done = [("AssignmentStatus", "completed"), ("Reason", "done")];
    assert_eq!(floor.owner.post(&floor.at(&format!("/Tasks/{task}")), &done).await.status, 200);
    let heard = peer.hears("/events", 4).await;
    let types: Vec<&str> = heard.iter().map(|one| one.get("EventType")).collect();
    let wanted = ["task.created", "reservation.created", "reservation.accepted", "task.completed"];
    assert_eq!(types, wanted);
    for one in &heard {
        for name in ["Sid", "AccountSid", "WorkspaceSid", "WorkspaceName", "Timestamp", "TaskSid"] {
            assert!(!one.get(name).is_empty(), "{name}: {one:?}");
        }
        assert_eq!(one.headers["i-twilio-idempotency-token"], one.get("Sid"));
    }
    assert_eq!(heard[2].get("WorkerName"), "ann");
    floor.logged("Status=delivered&Kind=webhook", 4).await;
}

#[tokio::test]
async fn a_webhook_that_is_down_loses_nothing_and_keeps_the_order_of_each_task() {
    let peer = Peer::start().await;
    let floor = Floor::open(by_hand, &[]).await;
    peer.says("/events", [Say::Json(503, "")]);
    floor.listen(&peer.url("/events"), "task.created,task.updated,task.canceled").await;
    let workflow = floor.workflow(&[]).await;
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let task = floor.task(&workflow).await;
        let at = floor.at(&format!("/Tasks/{task}"));
        assert_eq!(floor.owner.post(&at, &[("Priority", "5")]).await.status, 200);
        let cancel = [("AssignmentStatus", "canceled"), ("Reason", "x")];
        assert_eq!(floor.owner.post(&at, &cancel).await.status, 200);
        tasks.push(task);
    }
    floor.advance(0).await;
    assert_eq!(floor.deliveries("Status=retrying&PageSize=100").await.len(), 20);
    assert_eq!(floor.deliveries("Status=pending&PageSize=100").await.len(), 40);
    floor.advance(3 * 3_600_000).await;
    let tried = peer.heard("/events").len();
    assert!((20 * 10..20 * 16).contains(&tried), "back-off, not hammering: {tried}");
    peer.says("/events", []);
    floor.advance(3_600_000).await;
    assert_eq!(floor.deliveries("Status=delivered&PageSize=100").await.len(), 60);
    let heard = peer.heard("/events").split_off(tried);
    for task in &tasks {
        let of = heard.iter().filter(|one| one.get("TaskSid") == task);
        let mut types: Vec<&str> = of.map(|one| one.get("EventType")).collect();
        // At least once: on a slow machine one may be taken for silent and come again.
        types.dedup();
        assert_eq!(types[types.len() - 3..], ["task.created", "task.updated", "task.canceled"]);
    }
}

#[tokio::test]
async fn after_a_day_a_webhook_is_given_up_and_can_be_sent_again() {
    let peer = Peer::start().await;
    let floor = Floor::open(by_hand, &[]).await;
    peer.says("/events", [Say::Close]);
    floor.listen(&peer.url("/events"), "task.created").await;
    let workflow = floor.workflow(&[]).await;
    floor.task(&workflow).await;
    floor.advance(25 * 3_600_000).await;
    let failed = floor.deliveries("Status=failed").await;
    assert_eq!(failed.len(), 1);
    let sid = failed[0]["sid"].as_str().unwrap().to_owned();
    let path = format!("/sinew/v1/Workspaces/{}/Deliveries/{sid}", floor.workspace);
    peer.says("/events", []);
    let got = floor.owner.post_json(&format!("{path}/Replay"), &json!({})).await;
    assert_eq!(got.status, 200, "{}", got.text());
    floor.advance(0).await;
    let shown = floor.owner.get(&path).await.json();
    assert_eq!(shown["status"], "delivered", "{shown}");
    let parameters = &shown["parameters"];
    assert_eq!(parameters["EventType"], "task.created", "{shown}");
    let last = shown["attempts"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["response_status"], 204);
}

#[tokio::test]
async fn the_limit_of_a_callback_runs_on_a_clock_that_is_moved_by_hand() {
    let peer = Peer::start().await;
    let floor = Floor::open(by_hand, &["ann"]).await;
    peer.says("/silent", [Say::Nothing]);
    peer.says("/fallback", [ACCEPT]);
    let workflow = floor.workflow(&[peer.url("/silent"), peer.url("/fallback")]).await;
    // Only the grace is waited for; where the machine does something else, another time tells.
    for _ in 0..5 {
        let task = floor.task(&workflow).await;
        let began = Instant::now();
        floor.advance(4_999).await;
        assert_eq!(floor.status(&task).await, "reserved");
        floor.advance(1).await;
        assert_eq!(floor.status(&task).await, "assigned");
        if began.elapsed() < Duration::from_secs(4) {
            return;
        }
        assert_eq!(floor.owner.delete(&floor.at(&format!("/Tasks/{task}"))).await.status, 204);
    }
    panic!("the limit itself was waited for");
}

#[tokio::test]
async fn a_callback_is_sent_again_only_while_its_reservation_is_pending() {
    let peer = Peer::start().await;
    let floor = Floor::open(by_hand, &["ann"]).await;
    peer.says("/assign", [Say::Json(200, "{}"), ACCEPT]);
    let workflow = floor.workflow(&[peer.url("/assign")]).await;
    let task = floor.task(&workflow).await;
    floor.advance(0).await;
    let first = floor.deliveries("Kind=callback").await;
    assert_eq!(first[0]["attempts"][0]["alert"], 40005);
    let sid = first[0]["sid"].as_str().unwrap().to_owned();
    let path = format!("/sinew/v1/Workspaces/{}/Deliveries/{sid}/Replay", floor.workspace);
    floor.advance(1_000).await;
    let got = floor.owner.post_json(&path, &json!({})).await;
    assert_eq!(got.status, 200, "{}", got.text());
    floor.advance(0).await;
    assert_eq!(floor.status(&task).await, "assigned");
    assert_eq!(peer.heard("/assign").len(), 2);
    let got = floor.owner.post_json(&path, &json!({})).await;
    assert_eq!((got.status, &got.json()["code"]), (400, &json!(20001)), "{}", got.text());
}

#[tokio::test]
async fn what_was_under_way_when_the_server_ended_is_sent_after_the_next_start() {
    let peer = Peer::start().await;
    let floor = Floor::open(reaches_home, &[]).await;
    peer.says("/events", [Say::Nothing]);
    floor.listen(&peer.url("/events"), "task.created").await;
    let workflow = floor.workflow(&[]).await;
    for _ in 0..3 {
        floor.task(&workflow).await;
    }
    peer.hears("/events", 3).await;
    peer.says("/events", []);
    let Floor { server, owner: _, workspace } = floor;
    let Server { running, folder } = server;
    running.stop().await;
    let server = Server::again(folder, reaches_home).await;
    let owner = server.owner();
    let floor = Floor { server, owner, workspace };
    let heard = peer.hears("/events", 6).await.split_off(3);
    let mut sids: Vec<&str> = heard.iter().map(|one| one.get("Sid")).collect();
    sids.sort_unstable();
    sids.dedup();
    assert_eq!(sids.len(), 3);
    floor.logged("Status=delivered", 3).await;
    let line = "sinew_deliveries_total{kind=\"webhook\",result=\"delivered\"} 3\n";
    let mut metrics = String::new();
    for _ in 0..3_000 {
        metrics = floor.server.nobody().get("/metrics").await.text();
        if metrics.contains(line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{metrics}");
}

#[tokio::test]
async fn a_webhook_that_never_answers_delays_no_other_workspace_and_no_task() {
    let peer = Peer::start().await;
    let floor = Floor::open(by_hand, &["ann"]).await;
    peer.says("/silent", [Say::Nothing]);
    floor.listen(&peer.url("/silent"), "").await;
    let form = [("FriendlyName", "Other"), ("EventCallbackUrl", &peer.url("/other"))];
    let workflow = floor.workflow(&[]).await;
    let began = Instant::now();
    for _ in 0..40 {
        floor.task(&workflow).await;
    }
    let other = floor.owner.made("/taskrouter/v1/Workspaces", &form).await;
    let base = format!("/taskrouter/v1/Workspaces/{other}");
    let worker = floor.owner.made(&format!("{base}/Workers"), &[("FriendlyName", "zoe")]).await;
    let heard = loop {
        let heard = peer.heard("/other");
        if heard.iter().any(|one| one.get("WorkerSid") == worker) {
            break heard;
        }
        // The clock stands still: who waits for the silent one waits for ever.
        assert!(began.elapsed() < Duration::from_secs(50), "it waits for the silent one");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(heard.iter().all(|one| one.get("WorkspaceSid") == other));
    assert!(peer.heard("/silent").len() <= 8, "only so many wait for one destination");
}
