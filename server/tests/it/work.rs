//! A task on its way to an agent, with what is ours alone: explain and disposition.

use crate::caller::{Caller, Server};
use serde_json::{Value, json};

const PASSWORD: &str = "a good password";

/// One queue for everybody, one workflow that leads there, two workers with a desk each.
struct Floor {
    server: Server,
    owner: Caller,
    workspace: String,
    workflow: String,
    workers: Vec<(String, Caller)>,
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
        let queue = [("FriendlyName", "All"), ("TargetWorkers", "1==1")];
        let queue = owner.made(&format!("{base}/TaskQueues"), &queue).await;
        let routing = json!({"task_routing": {"default_filter": {"queue": queue}}}).to_string();
        let workflow = [("FriendlyName", "Main"), ("Configuration", routing.as_str())];
        let workflow = owner.made(&format!("{base}/Workflows"), &workflow).await;
        let mut workers = Vec::new();
        for name in ["ann", "bob"] {
            let worker = [("FriendlyName", name), ("ActivitySid", available.as_str())];
            let worker = owner.made(&format!("{base}/Workers"), &worker).await;
            let user = json!({
                "username": name, "password": PASSWORD, "role": "agent", "worker_sid": worker,
            });
            assert_eq!(owner.post_json("/sinew/v1/Users", &user).await.status, 201);
            let desk = server.signed_in(name, PASSWORD).await;
            workers.push((worker, desk));
        }
        Self { server, owner, workspace, workflow, workers }
    }

    /// A new task; its SID, the worker it was offered to, the other one.
    async fn offered(&self) -> (String, &(String, Caller), &(String, Caller)) {
        let base = format!("/taskrouter/v1/Workspaces/{}", self.workspace);
        let task = [("WorkflowSid", self.workflow.as_str()), ("Attributes", "{\"n\":1}")];
        let task = self.owner.made(&format!("{base}/Tasks"), &task).await;
        let listed = self.owner.get(&format!("{base}/Tasks/{task}/Reservations")).await.json();
        let to = &listed["reservations"][0]["worker_sid"];
        let (first, second) = (&self.workers[0], &self.workers[1]);
        if *to == first.0 { (task, first, second) } else { (task, second, first) }
    }

    async fn accept(&self, task: &str) {
        let base = format!("/taskrouter/v1/Workspaces/{}/Tasks/{task}", self.workspace);
        let open = format!("{base}/Reservations?ReservationStatus=pending");
        let listed = self.owner.get(&open).await.json();
        let sid = listed["reservations"][0]["sid"].as_str().unwrap().to_owned();
        let accept = [("ReservationStatus", "accepted")];
        let got = self.owner.post(&format!("{base}/Reservations/{sid}"), &accept).await;
        assert_eq!(got.status, 200, "{}", got.text());
    }

    fn ours(&self, path: &str) -> String {
        format!("/sinew/v1/Workspaces/{}{path}", self.workspace)
    }
}

#[tokio::test]
async fn a_disposition_is_set_by_who_had_the_task() {
    let floor = Floor::open().await;
    let codes = floor.workers[0].1.get(&floor.ours("/Dispositions")).await.json();
    assert_eq!(codes["dispositions"][0], json!({"code": "resolved", "label": "Resolved"}));
    let (task, (_, holder), (_, other)) = floor.offered().await;
    let path = floor.ours(&format!("/Tasks/{task}/Disposition"));
    let set = json!({"code": "resolved", "note": "all well"});
    let early = holder.send_json("PUT", &path, &set).await;
    assert_eq!((early.status, &early.json()["code"]), (404, &json!(20404)), "{}", early.text());
    let early = floor.owner.send_json("PUT", &path, &set).await;
    assert_eq!((early.status, &early.json()["code"]), (400, &json!(20001)), "{}", early.text());
    floor.accept(&task).await;

    let wrong = holder.send_json("PUT", &path, &json!({"code": "perfect"})).await;
    assert!(wrong.status == 400 && wrong.text().contains("resolved"), "{}", wrong.text());
    assert_eq!(other.send_json("PUT", &path, &set).await.status, 404);
    assert_eq!(holder.get(&path).await.status, 404);
    let done = holder.send_json("PUT", &path, &set).await;
    assert_eq!(done.status, 200, "{}", done.text());
    let shown = holder.get(&path).await.json();
    assert_eq!(shown, done.json());
    assert_eq!(shown["code"], "resolved");
    assert_eq!((&shown["label"], &shown["note"]), (&json!("Resolved"), &json!("all well")));
    assert_eq!(shown["task_sid"], Value::from(task.clone()));
    let task = format!("/taskrouter/v1/Workspaces/{}/Tasks/{task}", floor.workspace);
    assert_eq!(floor.owner.get(&task).await.json()["attributes"], "{\"n\":1}");
}

#[tokio::test]
async fn a_disposition_is_out_of_reach_for_who_rejected_the_task() {
    let floor = Floor::open_with(|config| config.clock = sinew::config::Clock::Manual).await;
    let (task, (rejecter, theirs), (holder_sid, holder)) = floor.offered().await;
    let base = format!("/taskrouter/v1/Workspaces/{}", floor.workspace);
    let listed = floor.owner.get(&format!("{base}/Workers/{rejecter}/Reservations")).await.json();
    let offer = listed["reservations"][0]["sid"].as_str().unwrap();
    let away = floor.owner.get(&format!("{base}/Activities?Available=false")).await.json();
    let away = away["activities"][0]["sid"].as_str().unwrap();
    let reject = [("ReservationStatus", "rejected"), ("WorkerActivitySid", away)];
    let offer = format!("{base}/Workers/{rejecter}/Reservations/{offer}");
    assert_eq!(floor.owner.post(&offer, &reject).await.status, 200);
    floor.accept(&task).await;

    let path = floor.ours(&format!("/Tasks/{task}/Disposition"));
    let set = json!({"code": "resolved", "note": "by whoever took it"});
    assert_eq!(holder.send_json("PUT", &path, &set).await.status, 200);
    let over = theirs.send_json("PUT", &path, &json!({"code": "other"})).await;
    assert_eq!((over.status, &over.json()["code"]), (404, &json!(20404)));
    assert_eq!(theirs.get(&path).await.status, 404);
    let done = [("AssignmentStatus", "completed"), ("Reason", "done")];
    assert_eq!(floor.owner.post(&format!("{base}/Tasks/{task}"), &done).await.status, 200);
    assert_eq!(holder.get(&path).await.json()["note"], set["note"], "held to the end");

    let explain = floor.ours(&format!("/Tasks/{task}/Explain"));
    assert_eq!(floor.owner.get(&explain).await.status, 200);
    let advance = json!({"advance_ms": 300_000});
    assert_eq!(floor.owner.post_json("/sinew/v1/Clock", &advance).await.status, 200);
    for caller in [holder, &floor.owner] {
        assert_eq!(caller.get(&path).await.status, 404, "it goes with the task");
        assert_eq!(caller.send_json("PUT", &path, &set).await.status, 404);
    }
    let past = floor.owner.get(&explain).await.json();
    assert_eq!((&past["basis"], &past["offer"]), (&json!("last_offer"), &json!([holder_sid])));
}

#[tokio::test]
async fn explain_says_where_a_task_is_and_why() {
    let floor = Floor::open().await;
    let (task, (holder, desk), (other, _)) = floor.offered().await;
    let path = floor.ours(&format!("/Tasks/{task}/Explain"));
    let told = floor.owner.get(&path).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let told = told.json();
    assert_eq!(told["task_sid"], Value::from(task));
    assert_eq!(told["assignment_status"], "reserved");
    assert!(told["at"].as_str().unwrap().ends_with('Z'), "{told}");
    assert!(!told["summary"].as_str().unwrap().is_empty());
    for worker in [holder, other] {
        let one = floor.owner.get(&format!("{path}?Worker={worker}")).await.json();
        assert_eq!(one["verdicts"][0]["worker_sid"], Value::from(worker.clone()), "{one}");
        assert!(one["verdicts"].as_array().unwrap().len() == 1, "{one}");
    }
    assert_eq!(desk.get(&path).await.status, 403);
    let unknown = floor.ours("/Tasks/WT0123456789abcdef0123456789abcdef/Explain");
    assert_eq!(floor.owner.get(&unknown).await.status, 404);
    let bad = floor.owner.get(&format!("{path}?Worker=WK1")).await;
    assert_eq!((bad.status, &bad.json()["code"]), (400, &json!(20001)));
    drop(floor.server);
}

#[tokio::test]
async fn whoever_has_a_desk_sees_the_names_of_those_who_can_take_a_task() {
    let floor = Floor::open().await;
    let (_, (ann, desk), (bob, _)) = floor.offered().await;
    let path = floor.ours("/TransferTargets");
    let names = |list: &serde_json::Value| -> Vec<String> {
        let each = list.as_array().unwrap().iter();
        each.map(|one| one["friendly_name"].as_str().unwrap().to_owned()).collect()
    };
    let told = desk.get(&path).await.json();
    let sids: Vec<&str> = told["workers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["sid"].as_str().unwrap())
        .collect();
    assert!(sids.contains(&bob.as_str()) && !sids.contains(&ann.as_str()), "{told}");
    assert!(told["workers"][0].get("attributes").is_none(), "names and nothing else");
    assert!(!names(&told["task_queues"]).is_empty(), "{told}");
    let base = format!("/taskrouter/v1/Workspaces/{}", floor.workspace);
    let offline = floor.owner.get(&format!("{base}/Activities?FriendlyName=Offline")).await.json();
    let offline = offline["activities"][0]["sid"].as_str().unwrap();
    let available = floor.owner.get(&format!("{base}/Activities?Available=true")).await.json();
    let available = available["activities"][0]["sid"].as_str().unwrap();
    for n in 0..60 {
        let name = format!("Zoe {n:02}");
        let activity = if n < 55 { available } else { offline };
        let form = [("FriendlyName", name.as_str()), ("ActivitySid", activity)];
        floor.owner.made(&format!("{base}/Workers"), &form).await;
    }
    let told = floor.owner.get(&format!("{path}?Search=ZOE")).await.json();
    let found = names(&told["workers"]);
    assert_eq!((found.len(), found[0].as_str(), found[49].as_str()), (50, "Zoe 00", "Zoe 49"));
    assert_eq!((&told["more_workers"], &told["task_queues"]), (&json!(true), &json!([])));
    let told = floor.owner.get(&format!("{path}?Search=zoe%205")).await.json();
    assert_eq!(names(&told["workers"]), ["Zoe 50", "Zoe 51", "Zoe 52", "Zoe 53", "Zoe 54"]);
    assert_eq!(floor.server.nobody().get(&path).await.status, 401);
}

#[tokio::test]
async fn a_task_is_handed_over_by_http_by_whoever_has_it() {
    let floor = Floor::open().await;
    let (task, (ann, desk), (bob, other)) = floor.offered().await;
    floor.accept(&task).await;
    let base = format!("/taskrouter/v1/Workspaces/{}/Tasks/{task}", floor.workspace);
    let listed = floor.owner.get(&format!("{base}/Reservations?ReservationStatus=accepted")).await;
    let own = listed.json()["reservations"][0]["sid"].as_str().unwrap().to_owned();
    let transfers = floor.ours(&format!("/Tasks/{task}/Transfers"));
    let wanted = json!({
        "reservation_sid": own, "to": bob, "mode": "COLD", "attributes": {"note": 1}, "priority": 3,
    });
    for (body, named) in [
        (json!({"reservation_sid": own, "to": own}), "to"),
        (json!({"reservation_sid": "WR1", "to": bob}), "reservation_sid"),
        (json!({"reservation_sid": own, "to": bob, "mode": "LUKEWARM"}), "word"),
        (json!({"reservation_sid": own, "to": bob, "attributes": [1]}), "Attributes"),
        (json!({"reservation_sid": own, "to": bob, "colour": 1}), "shape"),
    ] {
        let got = desk.post_json(&transfers, &body).await;
        let text = got.text();
        assert!(got.status == 400 && text.contains(named), "{named}: {text}");
    }
    let got = other.post_json(&transfers, &wanted).await;
    assert_eq!(got.status, 400, "who does not have it hands nothing over: {}", got.text());
    let got = desk.post_json(&transfers, &wanted).await;
    assert_eq!(got.status, 201, "{}", got.text());
    let made = got.json();
    assert_eq!((&made["status"], &made["type"]), (&json!("initiated"), &json!("WORKER")));
    assert_eq!(made["initiating_worker_sid"], json!(ann));
    let one = format!("{transfers}/{}", made["sid"].as_str().unwrap());
    assert_eq!(floor.owner.get(&one).await.json(), made);
    let cancel = json!({"status": "canceled"});
    assert_eq!(other.post_json(&one, &cancel).await.status, 404);
    assert_eq!(desk.post_json(&one, &json!({"status": "over"})).await.status, 400);
    floor.accept(&task).await;
    let listed = floor.owner.get(&transfers).await.json();
    assert_eq!(listed["transfers"][0]["status"], "complete");
    assert_eq!(listed["transfers"].as_array().map(Vec::len), Some(1));
    let late = desk.post_json(&one, &cancel).await;
    assert_eq!(late.status, 400, "{}", late.text());
    let task = floor.owner.get(&base).await.json();
    assert_eq!((&task["assignment_status"], &task["priority"]), (&json!("assigned"), &json!(3)));
    assert_eq!(task["attributes"], json!(r#"{"note":1}"#));
}
