//! Why, what if, and what is likely wrong, over HTTP.

use crate::{
    caller::{Caller, Server},
    workspace::{Workspace, straight_to},
};
use serde_json::{Value, json};

/// A workspace with a queue for those who speak German, one workflow and three workers.
struct Centre {
    server: Server,
    owner: Caller,
    workspace: String,
    queue: String,
    workflow: String,
    workers: Vec<String>,
}

impl Centre {
    async fn open() -> Self {
        let space = Workspace::open().await;
        let queue = space.queue("German", "langs HAS 'de'").await;
        let workflow = space.workflow("Main", &straight_to(&queue)).await;
        let mut workers = Vec::new();
        for (name, langs) in [("ann", r#"["de"]"#), ("bob", r#"["en"]"#), ("cy", r#"["fr"]"#)] {
            workers.push(space.worker(name, &format!(r#"{{"langs": {langs}}}"#)).await);
        }
        let Workspace { server, owner, sid: workspace, .. } = space;
        Self { server, owner, workspace, queue, workflow, workers }
    }

    async fn task(&self) -> String {
        let path = format!("/taskrouter/v1/Workspaces/{}/Tasks", self.workspace);
        self.owner.made(&path, &[("Attributes", "{\"n\":1}")]).await
    }

    fn ours(&self, path: &str) -> String {
        format!("/sinew/v1/Workspaces/{}{path}", self.workspace)
    }

    async fn shown(&self, path: &str) -> Value {
        let got = self.owner.get(&self.ours(path)).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        got.json()
    }
}

#[tokio::test]
async fn explain_walks_all_workers_page_by_page_and_speaks_of_one_change() {
    let centre = Centre::open().await;
    let (_, waiting) = (centre.task().await, centre.task().await);
    let path = format!("/Tasks/{waiting}/Explain");
    let mut next = Some(centre.ours(&format!("{path}?Detail=full&PageSize=2")));
    let mut seen = Vec::new();
    while let Some(url) = next {
        let at = url.find("/sinew/").expect("ours");
        let page = centre.owner.get(&url[at..]).await.json();
        assert_eq!(page["basis"], "now", "{page}");
        assert!(page["change"].as_u64().is_some_and(|change| change > 10), "{page}");
        assert_eq!(page["counts"]["workers"], 3);
        assert_eq!(page["task_queue"]["target_workers"], "langs HAS 'de'");
        for worker in page["workers"].as_array().unwrap() {
            seen.push((worker["worker_sid"].clone(), worker["reason"]["kind"].clone()));
        }
        next = page["meta"]["next_page_url"].as_str().map(str::to_owned);
    }
    let reasons: Vec<&Value> = seen.iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons, ["no_capacity", "not_in_queue", "not_in_queue"]);
    assert!(seen.iter().map(|(sid, _)| sid).eq(centre.workers.iter()), "each once, in order");
    for bad in ["PageSize=0", "PageSize=1001", "Detail=all", "At=then", "PageToken=WK1"] {
        let got = centre.owner.get(&centre.ours(&format!("{path}?{bad}"))).await;
        assert_eq!((got.status, &got.json()["code"]), (400, &json!(20001)), "{bad}");
    }
}

#[tokio::test]
async fn explain_tells_whether_a_known_worker_is_in_another_workspace() {
    let centre = Centre::open().await;
    let base = format!("/taskrouter/v1/Workspaces/{}", centre.workspace);
    let elsewhere = centre.owner.made("/taskrouter/v1/Workspaces", &[("FriendlyName", "V")]).await;
    let workers = format!("/taskrouter/v1/Workspaces/{elsewhere}/Workers");
    let dan = centre.owner.made(&workers, &[("FriendlyName", "dan")]).await;
    let target = json!({"queue": centre.queue, "known_worker_sid": "task.agent"});
    let routing = json!({"task_routing": {"default_filter": target}}).to_string();
    let workflow = [("FriendlyName", "Known"), ("Configuration", routing.as_str())];
    let workflow = centre.owner.made(&format!("{base}/Workflows"), &workflow).await;
    let cases = [
        (json!({"agent": dan}), json!(40155)),
        (json!({"agent": "WK00000000000000000000000000000007"}), json!(40154)),
        (json!({}), json!(40154)),
        (json!({"agent": centre.workers[1]}), json!(40152)),
        (json!({"agent": null}), Value::Null),
    ];
    for (attributes, code) in cases {
        let attributes = attributes.to_string();
        let form = [("WorkflowSid", workflow.as_str()), ("Attributes", attributes.as_str())];
        let task = centre.owner.made(&format!("{base}/Tasks"), &form).await;
        let told = centre.shown(&format!("/Tasks/{task}/Explain")).await;
        let alert = &told["target"]["known_worker"]["alert"];
        assert_eq!(alert["code"], code, "{attributes}: {told}");
        assert_eq!(alert["message"].is_string(), code != Value::Null, "{told}");
    }
}

#[tokio::test]
async fn an_ended_task_is_explained_as_it_was_decided() {
    let centre = Centre::open().await;
    let (taken, never) = (centre.task().await, centre.task().await);
    let tasks = format!("/taskrouter/v1/Workspaces/{}/Tasks", centre.workspace);
    let cancel = [("AssignmentStatus", "canceled"), ("Reason", "gone")];
    for task in [&taken, &never] {
        assert_eq!(centre.owner.post(&format!("{tasks}/{task}"), &cancel).await.status, 200);
    }
    let later = json!({"advance_ms": 3_600_000});
    assert_eq!(centre.owner.post_json("/sinew/v1/Clock", &later).await.status, 200);
    let told = centre.shown(&format!("/Tasks/{taken}/Explain")).await;
    assert_eq!(
        (&told["basis"], &told["assignment_status"]),
        (&json!("last_offer"), &json!("pending"))
    );
    assert_eq!(told["offer"], json!([centre.workers[0]]));
    // The first task had its worker back when it was canceled, and the second one got her.
    let told = centre.shown(&format!("/Tasks/{never}/Explain?Worker={}", centre.workers[1])).await;
    assert_eq!(told["basis"], "last_offer");
    assert_eq!(told["verdicts"][0]["reason"]["kind"], "not_in_queue");
    let refused = centre.owner.get(&centre.ours(&format!("/Tasks/{never}/Explain?At=now"))).await;
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!(20001)));
}

#[tokio::test]
async fn what_if_changes_nothing_and_tells_what_the_change_would_do() {
    let centre = Centre::open().await;
    let (first, waiting) = (centre.task().await, centre.task().await);
    let path = centre.ours(&format!("/Tasks/{waiting}/WhatIf"));
    let bob = json!({"worker": {"sid": centre.workers[1], "attributes": {"langs": ["de"]}}});
    let told = centre.owner.post_json(&path, &bob).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let told = told.json();
    assert_eq!(
        (&told["outcome"], &told["offered"]),
        (&json!("offered"), &json!([centre.workers[1]]))
    );
    assert_eq!(told["before"]["candidates"], json!([]));
    assert_eq!(told["after"]["offer"], json!([centre.workers[1]]));
    let queue = json!({"task_queue": {"sid": centre.queue, "target_workers": "langs HAS 'fr'"}});
    let told = centre.owner.post_json(&path, &queue).await.json();
    assert_eq!(told["offered"], json!([centre.workers[2]]), "{told}");
    let workflow = json!({"workflow": {"sid": centre.workflow, "configuration": {"task_routing": {
        "filters": [{"expression": "n == 1", "targets": [
            {"queue": centre.queue, "skip_if": "1==1"}]}]}}}});
    let told = centre.owner.post_json(&path, &workflow).await.json();
    assert_eq!(told["outcome"], "ends", "{told}");

    // Nothing was touched, and the change made in earnest does what was told.
    let still = centre.shown(&format!("/Tasks/{waiting}/Explain")).await;
    assert_eq!(still["assignment_status"], "pending");
    let worker =
        format!("/taskrouter/v1/Workspaces/{}/Workers/{}", centre.workspace, centre.workers[1]);
    let change = [("Attributes", "{\"langs\": [\"de\"]}")];
    assert_eq!(centre.owner.post(&worker, &change).await.status, 200);
    let offers =
        format!("/taskrouter/v1/Workspaces/{}/Tasks/{waiting}/Reservations", centre.workspace);
    let offers = centre.owner.get(&offers).await.json();
    assert_eq!(offers["reservations"][0]["worker_sid"], json!(centre.workers[1]));

    // Of a task that was decided already: as it would have been then.
    let path = centre.ours(&format!("/Tasks/{first}/WhatIf"));
    let nobody = json!({"task_queue": {"sid": centre.queue, "target_workers": "langs HAS 'es'"}});
    let told = centre.owner.post_json(&path, &nobody).await.json();
    assert_eq!(
        (&told["outcome"], &told["before"]["basis"]),
        (&json!("waits"), &json!("last_offer"))
    );

    for (body, code) in [
        (json!({}), 20001),
        (json!({"worker": {"sid": "WK1"}}), 20001),
        (json!({"task_queue": {"sid": centre.queue, "target_workers": "a-b == 1"}}), 20001),
        (json!({"workflow": {"sid": centre.workflow, "configuration": "{"}}), 20001),
        (json!({"worker": {"sid": format!("WK{:032x}", 7)}}), 20404),
    ] {
        let got = centre.owner.post_json(&path, &body).await;
        assert_eq!(got.json()["code"], code, "{body}: {}", got.text());
    }
    drop(centre.server);
}

#[tokio::test]
async fn warnings_name_their_place_and_what_was_seen() {
    let centre = Centre::open().await;
    centre.task().await;
    let base = format!("/taskrouter/v1/Workspaces/{}", centre.workspace);
    let routing = json!({"task_routing": {"filters": [{"expression": "n == 1", "targets": [
        {"queue": centre.queue, "expression": "worker.lang == task.lang", "timeout": 30}]}]}});
    let change = [("Configuration", routing.to_string())];
    let change: Vec<(&str, &str)> = change.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let workflow = format!("{base}/Workflows/{}", centre.workflow);
    assert_eq!(centre.owner.post(&workflow, &change).await.status, 200);
    let told = centre.shown(&format!("/Workflows/{}/Warnings", centre.workflow)).await;
    assert_eq!((&told["workers_seen"], &told["tasks_seen"]), (&json!(3), &json!(1)));
    let found = told["warnings"].as_array().unwrap();
    let of = |code: &str| found.iter().find(|one| one["code"] == code);
    let join = of("join_of_missing_keys").expect("both sides are missing");
    assert_eq!(join["path"], "task_routing.filters[0].targets[0].expression");
    assert_eq!((&join["filter"], &join["target"]), (&json!(0), &json!(0)));
    assert!(join["position"]["column"].as_u64().is_some_and(|column| column > 50), "{join}");
    assert_eq!(join["seen"]["keys"][0]["have"], 0);
    assert!(of("falls_off_the_end").is_some() && of("no_default").is_some(), "{told}");
}
