//! Requests through the bridge: what the library reads and changes, and what it may not.

use crate::client::{Centre, Says};
use routing::command::NewTask;
use serde_json::{Value, json};

fn keys_of(object: &Value, keys: &str) {
    for key in keys.split(", ") {
        assert!(object.get(key).is_some(), "{key} is missing in {object}");
    }
}

#[tokio::test]
async fn the_library_loads_its_state() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let token = centre.token(ann);
    let own = format!("/Workers/{ann}");
    let worker = centre.ask(&token, "GET", &own, json!({})).await.payload();
    assert_eq!((&worker["friendly_name"], &worker["version"]), (&json!("Ann"), &json!("0")));
    assert_eq!(
        (&worker["activity_name"], &worker["available"]),
        (&json!("Offline"), &json!(false))
    );
    let sized = json!({"PageSize": 2});
    let page = centre.ask(&token, "GET", "/Activities", sized).await.payload();
    assert_eq!(page["contents"].as_array().map(Vec::len), Some(2));
    let rest = json!({"PageSize": 2, "AfterSid": page["after_sid"]});
    let rest = centre.ask(&token, "GET", "/Activities", rest).await.payload();
    assert_eq!(rest["contents"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["after_sid"], Value::Null);
    let channels = format!("{own}/WorkerChannels");
    let channels = centre.ask(&token, "GET", &channels, json!({})).await.payload();
    assert_eq!(channels["contents"].as_array().map(Vec::len), Some(5));
    keys_of(
        &channels["contents"][0],
        "assigned_tasks, task_channel_unique_name, last_reserved_time",
    );
    let reservations = format!("{own}/Reservations");
    let active = json!({"Active": "true", "PageSize": 1000});
    let reservations = centre.ask(&token, "GET", &reservations, active).await.payload();
    assert_eq!(
        reservations,
        json!({"contents": [], "after_sid": null, "meta": {"next_token": null}})
    );
}

#[tokio::test]
async fn a_worker_changes_itself_and_attributes_keep_every_byte() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let token = centre.token(ann);
    let own = format!("/Workers/{ann}");
    let available = json!({"ActivitySid": centre.activity("Available")});
    let worker = centre.ask(&token, "POST", &own, available).await.payload();
    assert_eq!((&worker["activity_name"], &worker["version"]), (&json!("Available"), &json!("1")));
    let attributes = r#"{"z":1.50,"a":"é","n":{"k":[1,2]}}"#;
    let url = format!("Workspaces/{}/Workers/{ann}", centre.workspace);
    let params = format!(r#"{{"Attributes":{attributes}}}"#);
    let body = format!(r#"{{"url":"{url}","method":"POST","params":{params},"token":"{token}"}}"#);
    let worker = centre.http("POST", "/v1/wschannels", "", &body).await.payload();
    assert_eq!(worker["attributes"], attributes);
    let bad = json!({"Attributes": [1]});
    assert_eq!(centre.ask(&token, "POST", &own, bad).await.refused(), 400);
    let bad = json!({"ActivitySid": "WA00000000000000000000000000000000"});
    assert_eq!(centre.ask(&token, "POST", &own, bad).await.refused(), 400);
    let bad =
        json!({"RejectPendingReservations": true, "ActivitySid": centre.activity("Available")});
    assert_eq!(centre.ask(&token, "POST", &own, bad).await.refused(), 400);
}

#[tokio::test]
async fn a_worker_works_on_its_own_task() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Available").await;
    let token = centre.token(ann);
    let new = json!({
        "WorkflowSid": centre.workflow, "TaskQueueSid": centre.queue, "RoutingTarget": ann,
        "TaskChannelUniqueName": "voice", "Attributes": {"case": 7, "outbound_to": "+1"},
    });
    let task = centre.ask(&token, "POST", "/Tasks", new).await.payload();
    keys_of(&task, "sid, queue_name, version, virtual_start_time, routing_target");
    assert_eq!(task["attributes"], r#"{"case":7,"outbound_to":"+1"}"#);
    let reservations = format!("/Workers/{ann}/Reservations");
    let open = centre.ask(&token, "GET", &reservations, json!({})).await.payload();
    let offered = &open["contents"][0];
    assert_eq!((&offered["task"]["sid"], &offered["worker_name"]), (&task["sid"], &json!("Ann")));
    let reservation = format!("{reservations}/{}", offered["sid"].as_str().expect("a SID"));
    let step = |status: &str| json!({"ReservationStatus": status});
    let taken = centre.ask(&token, "POST", &reservation, step("accepted")).await.payload();
    assert_eq!(taken["reservation_status"], "accepted");
    assert_eq!(taken["task"]["assignment_status"], "assigned");
    assert_eq!(centre.ask(&token, "POST", &reservation, step("accepted")).await.refused(), 400);
    assert_eq!(centre.ask(&token, "POST", &reservation, step("sleeping")).await.refused(), 400);
    let voice = json!({"Instruction": "conference", "From": "+1"});
    assert_eq!(centre.ask(&token, "POST", &reservation, voice).await.refused(), 400);
    let at = format!("/Tasks/{}", task["sid"].as_str().expect("a SID"));
    let changed =
        centre.ask(&token, "POST", &at, json!({"Attributes": {"case": 8}})).await.payload();
    assert_eq!(changed["attributes"], r#"{"case":8}"#);
    let wrap = json!({"AssignmentStatus": "wrapping", "Reason": "done"});
    let wrapping = centre.ask(&token, "POST", &at, wrap).await.payload();
    assert_eq!(wrapping["assignment_status"], "wrapping");
    let one = centre.ask(&token, "GET", &reservation, json!({})).await.payload();
    assert_eq!(one["reservation_status"], "wrapping");
    let done = json!({"AssignmentStatus": "completed", "Reason": "finished"});
    assert_eq!(centre.ask(&token, "POST", &at, done).await.payload()["reason"], "finished");
    let (watcher, over) = (centre.supervisor(), json!("completed"));
    let seen = centre.ask(&watcher, "GET", &at, json!({})).await.payload();
    assert_eq!(seen["assignment_status"], over);
    let seen = centre.ask(&watcher, "GET", &reservation, json!({})).await.payload();
    assert_eq!(seen["reservation_status"], over);
    for gone in [&at, &reservation] {
        assert_eq!(centre.ask(&token, "GET", gone, json!({})).await.refused(), 403, "{gone}");
    }
}

#[tokio::test]
async fn an_offer_is_looked_at_and_only_what_was_taken_is_changed() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Available").await;
    let token = centre.token(ann);
    let task = centre.task(NewTask::default()).await;
    let at = format!("/Tasks/{}", task.sid);
    let reservations = format!("/Workers/{ann}/Reservations");
    let open = centre.ask(&token, "GET", &reservations, json!({})).await.payload();
    let reservation =
        format!("{reservations}/{}", open["contents"][0]["sid"].as_str().expect("a SID"));
    let read = centre.ask(&token, "GET", &at, json!({})).await.payload();
    assert_eq!(read["assignment_status"], "reserved");
    let changes = [
        json!({"Attributes": {"mine": true}}),
        json!({"AssignmentStatus": "canceled", "Reason": "x"}),
        json!({"VirtualStartTime": "2026-01-01T00:00:00Z"}),
    ];
    for change in &changes {
        let answer = centre.ask(&token, "POST", &at, change.clone()).await;
        assert_eq!(answer.refused(), 403, "{change}");
    }
    let offline = centre.activity("Offline");
    let reject = json!({"ReservationStatus": "rejected", "WorkerActivitySid": offline});
    centre.ask(&token, "POST", &reservation, reject).await.payload();
    for (method, path) in [("GET", &at), ("GET", &reservation), ("POST", &at)] {
        let answer = centre.ask(&token, method, path, json!({})).await;
        assert_eq!(answer.refused(), 403, "{method} {path}");
    }
    let row = centre.host.fetch::<routing::Task>(&centre.workspace.to_string(), &at[7..]);
    assert_eq!(row.expect("readable").expect("there").attributes.text(), "{}");
}

#[tokio::test]
async fn a_worker_finishes_its_task_and_cannot_send_it_elsewhere() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Available").await;
    let token = centre.token(ann);
    let task = centre.task(NewTask::default()).await;
    let at = format!("/Tasks/{}", task.sid);
    let reservations = format!("/Workers/{ann}/Reservations");
    let open = centre.ask(&token, "GET", &reservations, json!({})).await.payload();
    let sid = open["contents"][0]["sid"].as_str().expect("a SID");
    let accept = json!({"ReservationStatus": "accepted"});
    centre.ask(&token, "POST", &format!("{reservations}/{sid}"), accept).await.payload();
    let kept = [
        json!({"AssignmentStatus": "canceled", "Reason": "x"}),
        json!({"Priority": 9}),
        json!({"TaskChannelUniqueName": "voice"}),
        json!({"Attributes": {"a": 1}, "Priority": 9}),
    ];
    for change in &kept {
        let answer = centre.ask(&token, "POST", &at, change.clone()).await;
        assert_eq!(answer.refused(), 403, "{change}");
    }
    let seen = centre.ask(&token, "GET", &at, json!({})).await.payload();
    let as_before = (json!("assigned"), json!(0), json!("{}"));
    assert_eq!(
        (&seen["assignment_status"], &seen["priority"], &seen["attributes"]),
        (&as_before.0, &as_before.1, &as_before.2)
    );
    let watcher = centre.supervisor();
    let raised = centre.ask(&watcher, "POST", &at, json!({"Priority": 9})).await.payload();
    assert_eq!(raised["priority"], 9);
}

#[tokio::test]
async fn a_worker_touches_nobody_elses() {
    let centre = Centre::open().await;
    let (ann, bob) =
        (centre.worker("Ann", "Available").await, centre.worker("Bob", "Offline").await);
    let task = centre.task(NewTask::default()).await;
    let token = centre.token(bob);
    let theirs = format!("/Workers/{ann}");
    let offered = format!("{theirs}/Reservations");
    let at = format!("/Tasks/{}", task.sid);
    let offline = json!({"ActivitySid": centre.activity("Offline")});
    for (method, path, params) in [
        ("GET", theirs.as_str(), json!({})),
        ("POST", &theirs, offline),
        ("GET", &offered, json!({})),
        ("GET", &format!("{theirs}/WorkerChannels"), json!({})),
        ("GET", &at, json!({})),
        ("POST", &at, json!({"Attributes": {}})),
        ("GET", "/Workers", json!({})),
        ("GET", "/TaskQueues", json!({})),
        ("POST", "/Tasks", json!({"WorkflowSid": centre.workflow})),
        ("POST", "/Tasks", json!({"WorkflowSid": centre.workflow, "RoutingTarget": ann})),
    ] {
        let answer = centre.ask(&token, method, path, params).await;
        assert_eq!(answer.refused(), 403, "{method} {path}");
    }
    let mine = centre.ask(&centre.token(ann), "GET", &offered, json!({})).await.payload();
    assert_eq!(mine["contents"][0]["reservation_status"], "pending");
    let elsewhere = format!("/../WS00000000000000000000000000000000/Workers/{bob}");
    assert_eq!(centre.ask(&token, "GET", &elsewhere, json!({})).await.refused(), 404);
}

#[tokio::test]
async fn supervisors_see_all_and_set_others() {
    let centre = Centre::open().await;
    let (ann, bob) = (centre.worker("Ann", "Offline").await, centre.worker("Bob", "Offline").await);
    let token = centre.supervisor();
    let sized = json!({"PageSize": 1});
    let page = centre.ask(&token, "GET", "/Workers", sized).await.payload();
    assert_eq!(page["contents"][0]["sid"], json!(ann));
    let rest = json!({"PageSize": 1, "AfterSid": page["after_sid"]});
    let rest = centre.ask(&token, "GET", "/Workers", rest).await.payload();
    assert_eq!((&rest["contents"][0]["sid"], &rest["after_sid"]), (&json!(bob), &Value::Null));
    let ordered = json!({"PageSize": 1, "Ordering": "DateStatusChanged:asc"});
    let page = centre.ask(&token, "GET", "/Workers", ordered).await.payload();
    let next = &page["meta"]["next_token"];
    let rest = json!({"PageSize": 1, "Ordering": "DateStatusChanged:asc", "NextToken": next});
    let rest = centre.ask(&token, "GET", "/Workers", rest).await.payload();
    assert_ne!(rest["contents"][0]["sid"], page["contents"][0]["sid"]);
    let named = json!({"FriendlyName": "Bob"});
    let named = centre.ask(&token, "GET", "/Workers", named).await.payload();
    assert_eq!(named["contents"].as_array().map(Vec::len), Some(1));
    let queues = centre.ask(&token, "GET", "/TaskQueues", json!({})).await.payload();
    assert_eq!(queues["contents"][0]["friendly_name"], "All");
    let queue = format!("/TaskQueues/{}", centre.queue);
    keys_of(
        &centre.ask(&token, "GET", &queue, json!({})).await.payload(),
        "lifo_queue, task_order",
    );
    let there = json!({"ActivitySid": centre.activity("Available")});
    let at = format!("/Workers/{bob}");
    assert_eq!(centre.ask(&token, "POST", &at, there).await.payload()["available"], true);
    let task = centre.task(NewTask::default()).await;
    let at = format!("/Tasks/{}", task.sid);
    assert_eq!(centre.ask(&token, "GET", &at, json!({})).await.payload()["queue_name"], "All");
}

#[tokio::test]
async fn versions_are_compared_where_asked_for() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let token = centre.token(ann);
    let own = format!("/Workers/{ann}");
    let set = json!({"Attributes": {"a": 1}});
    let seen = |version: &str| format!("If-Match: {version}\r\n");
    let first = centre.ask_with(&token, "POST", &own, set.clone(), &seen("0")).await.payload();
    assert_eq!(first["version"], "1");
    let stale = centre.ask_with(&token, "POST", &own, set.clone(), &seen("0")).await;
    assert_eq!(stale.refused(), 412);
    let unread = centre.ask_with(&token, "POST", &own, set, &seen("banana")).await;
    assert_eq!(unread.refused(), 412);
    let any = centre.ask_with(&token, "POST", &own, json!({"Attributes": {}}), &seen("*")).await;
    assert_eq!(any.payload()["version"], "2");
}

#[tokio::test]
async fn every_refusal_says_why() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let token = centre.token(ann);
    for path in ["/Tasks/WT0bad", "/Statistics", "/Workers/WK0bad", "", "/Events"] {
        assert_eq!(centre.ask(&token, "GET", path, json!({})).await.refused(), 404, "{path}");
    }
    let transfer = format!("/Workers/{ann}/Transfers");
    assert_eq!(centre.ask(&token, "POST", &transfer, json!({})).await.refused(), 400);
    assert_eq!(centre.ask(&token, "DELETE", "/Activities", json!({})).await.refused(), 400);
    assert_eq!(centre.ask("nonsense", "GET", "/Activities", json!({})).await.refused(), 401);
    let expired = Says { worker: Some(ann), role: "worker", life_s: 1 };
    let expired = centre.token_that(expired);
    while centre.ask(&expired, "GET", "/Activities", json!({})).await.status == 200 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(centre.ask(&expired, "GET", "/Activities", json!({})).await.refused(), 401);
    for body in ["", "x", "[]", "{}", r#"{"token":7}"#] {
        let answer = centre.http("POST", "/v1/wschannels", "", body).await;
        assert!([400, 401].contains(&answer.refused()), "{body}");
    }
    let huge = "x".repeat(200_000);
    assert_eq!(centre.http("POST", "/v1/wschannels", "", &huge).await.refused(), 413);
}

#[tokio::test]
async fn pages_of_any_origin_may_call() {
    let centre = Centre::open().await;
    let asked = centre.http("OPTIONS", "/v1/wschannels", "origin: https://x.test\r\n", "").await;
    assert_eq!(asked.status, 204);
    for allowed in ["access-control-allow-origin: *", "if-match", "apiversion", "clientversion"] {
        assert!(asked.head.contains(allowed), "{}", asked.head);
    }
    let refused = centre.http("POST", "/v1/wschannels", "origin: https://x.test\r\n", "{}").await;
    assert!(refused.head.contains("access-control-allow-origin: *"), "{}", refused.head);
}
