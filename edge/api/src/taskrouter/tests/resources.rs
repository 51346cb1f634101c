//! Each resource made, read, changed and deleted; bad input refused.

use super::*;
use wire::rest;

const EVERYBODY: &str = r#"{"task_routing":{"default_filter":{"queue":"WQ"}}}"#;

/// A configuration that sends everything to one queue.
pub(super) fn leads_to(queue: &str) -> String {
    EVERYBODY.replace("WQ", queue)
}

#[tokio::test]
async fn a_workspace_begins_with_activities_and_channels() {
    let desk = Desk::open().await;
    let got = desk.post("/Workspaces", &[("FriendlyName", "Support")]).await;
    assert_eq!(got.status, 201);
    conforms(&got.body, &rest::Workspace::SCHEMA);
    assert_eq!(got.body["default_activity_name"], "Offline");
    assert_eq!(got.body["multi_task_enabled"], true);
    let url = text(&got.body["url"]);
    assert!(url.starts_with("http://localhost:8080/taskrouter/v1/Workspaces/WS"), "{url}");
    let at = format!("/Workspaces/{}", got.sid());
    let activities = desk.get(&format!("{at}/Activities"), &[]).await;
    let mut names = activities.names("activities");
    names.sort();
    assert_eq!(names, ["Available", "Offline", "Unavailable"]);
    conforms(&activities.body["activities"][0], &rest::Activity::SCHEMA);
    let channels = desk.get(&format!("{at}/TaskChannels"), &[]).await;
    let mut names = channels.column("channels", "unique_name");
    names.sort();
    assert_eq!(names, ["chat", "default", "sms", "video", "voice"]);
    conforms(&channels.body["channels"][0], &rest::TaskChannel::SCHEMA);
    assert!(desk.get(&format!("{at}/Workflows"), &[]).await.names("workflows").is_empty());
}

#[tokio::test]
async fn a_fifo_workspace_has_a_queue_and_a_workflow() {
    let desk = Desk::open().await;
    let form = [("FriendlyName", "Fifo"), ("Template", "FIFO")];
    let at = format!("/Workspaces/{}", desk.made("/Workspaces", &form).await);
    assert_eq!(desk.get(&format!("{at}/TaskQueues"), &[]).await.names("task_queues").len(), 1);
    assert_eq!(desk.get(&format!("{at}/Workflows"), &[]).await.names("workflows").len(), 1);
    let form = [("FriendlyName", "x"), ("Template", "LIFO")];
    assert_eq!(desk.post("/Workspaces", &form).await.code(), (400, 20001));
}

#[tokio::test]
async fn a_workspace_is_changed_and_deleted_with_all_in_it() {
    let desk = Desk::open().await;
    let at = desk.workspace().await;
    let form = [
        ("FriendlyName", "Renamed"),
        ("EventsFilter", "task.created, task.canceled"),
        ("PrioritizeQueueOrder", "LIFO"),
    ];
    let got = desk.post(&at, &form).await;
    assert_eq!((got.status, &got.body["friendly_name"]), (200, &Value::from("Renamed")));
    assert_eq!(got.body["prioritize_queue_order"], "LIFO");
    assert_eq!(desk.post(&at, &[("EventsFilter", "")]).await.body["events_filter"], Value::Null);
    assert_eq!(desk.post(&at, &[("MultiTaskEnabled", "false")]).await.code(), (400, 20001));
    let named = desk.get("/Workspaces", &[("FriendlyName", "Renamed")]).await;
    assert_eq!(named.names("workspaces"), ["Renamed"]);
    assert!(desk.get("/Workspaces", &[("FriendlyName", "?")]).await.names("workspaces").is_empty());
    assert_eq!(desk.call("DELETE", &at, &[]).await.status, 204);
    assert_eq!(desk.get(&at, &[]).await.code(), (404, 20404));
    assert_eq!(desk.get(&format!("{at}/Workers"), &[]).await.code(), (404, 20404));
    assert!(desk.get("/Workspaces", &[]).await.names("workspaces").is_empty());
}

#[tokio::test]
async fn an_activity_keeps_its_availability() {
    let desk = Desk::open().await;
    let at = format!("{}/Activities", desk.workspace().await);
    let form = [("FriendlyName", "Break"), ("Available", "perhaps")];
    let got = desk.post(&at, &form).await;
    assert_eq!((got.status, &got.body["available"]), (201, &Value::from(false)));
    let one = format!("{at}/{}", got.sid());
    let got = desk.post(&one, &[("FriendlyName", "Lunch"), ("Available", "true")]).await;
    assert_eq!((got.status, &got.body["available"]), (200, &Value::from(false)));
    assert_eq!(desk.get(&one, &[]).await.body["friendly_name"], "Lunch");
    let available = desk.get(&at, &[("Available", "1")]).await;
    assert_eq!(available.names("activities"), ["Available"]);
    assert_eq!(desk.get(&at, &[("Available", "false")]).await.names("activities").len(), 3);
    assert_eq!(desk.call("DELETE", &one, &[]).await.status, 204);
    assert_eq!(desk.get(&one, &[]).await.code(), (404, 20404));
    let offline = desk.get(&at, &[("FriendlyName", "Offline")]).await;
    let offline = format!("{at}/{}", text(&offline.body["activities"][0]["sid"]));
    assert_eq!(desk.call("DELETE", &offline, &[]).await.code(), (409, 20409));
    assert_eq!(desk.post(&at, &[]).await.code(), (400, 20001));
}

#[tokio::test]
async fn a_task_channel_goes_by_sid_and_by_name() {
    let desk = Desk::open().await;
    let at = format!("{}/TaskChannels", desk.workspace().await);
    let form = [("FriendlyName", "Mail"), ("UniqueName", "mail")];
    let got = desk.post(&at, &form).await;
    assert_eq!(got.status, 201, "{}", got.body);
    for named in [got.sid(), "mail".to_owned()] {
        assert_eq!(desk.get(&format!("{at}/{named}"), &[]).await.body["unique_name"], "mail");
    }
    let form = [("ChannelOptimizedRouting", "true")];
    let changed = desk.post(&format!("{at}/mail"), &form).await;
    assert_eq!(changed.body["channel_optimized_routing"], true);
    let hyphen = [("FriendlyName", "x"), ("UniqueName", "e-mail")];
    assert_eq!(desk.post(&at, &hyphen).await.code(), (400, 20001));
    assert_eq!(desk.call("DELETE", &format!("{at}/mail"), &[]).await.status, 204);
    assert_eq!(desk.get(&format!("{at}/mail"), &[]).await.code(), (404, 20404));
}

#[tokio::test]
async fn a_worker_is_versioned_and_named_once() {
    let desk = Desk::open().await;
    let workspace = desk.workspace().await;
    let at = format!("{workspace}/Workers");
    let attributes = r#"{ "z": 1.0,  "a": "é" }"#;
    let got = desk.post(&at, &[("FriendlyName", "Ada"), ("Attributes", attributes)]).await;
    assert_eq!((got.status, got.etag()), (201, "\"0\""), "{}", got.body);
    conforms(&got.body, &rest::Worker::SCHEMA);
    assert_eq!(got.body["attributes"], attributes);
    assert_eq!(
        (&got.body["activity_name"], &got.body["available"]),
        (&"Offline".into(), &false.into())
    );
    assert_eq!(desk.post(&at, &[("FriendlyName", "ADA")]).await.code(), (400, 20001));
    for wrong in ["[1]", "{", "7", &format!("{{\"a\":\"{}\"}}", "x".repeat(4096))] {
        let form = [("FriendlyName", "Bob"), ("Attributes", wrong)];
        assert_eq!(desk.post(&at, &form).await.code(), (400, 20001), "{wrong}");
    }

    let one = format!("{at}/{}", got.sid());
    let available = desk.activity(&workspace, "Available").await;
    let form = [("ActivitySid", available.as_str())];
    let changed = desk.call_with("POST", &one, &form, &[("if-match", "\"0\"")]).await;
    assert_eq!((changed.status, changed.etag()), (200, "\"1\""));
    assert_eq!(changed.body["available"], true);
    let stale = desk.call_with("POST", &one, &form, &[("if-match", "0")]).await;
    assert_eq!(stale.code(), (412, 20412));
    let unknown = [("ActivitySid", "WA00000000000000000000000000000000")];
    assert_eq!(desk.post(&one, &unknown).await.code(), (400, 20001));
    let reject = [("RejectPendingReservations", "true"), ("ActivitySid", available.as_str())];
    assert_eq!(desk.post(&one, &reject).await.code(), (400, 20001));
    let stale = desk.call_with("DELETE", &one, &[], &[("if-match", "0")]).await;
    assert_eq!(stale.code(), (412, 20412));
    let gone = desk.call_with("DELETE", &one, &[], &[("if-match", "W/\"1\"")]).await;
    assert_eq!(gone.status, 204);
    assert_eq!(desk.get(&one, &[]).await.code(), (404, 20404));
}

#[tokio::test]
async fn a_workers_channels_are_changed_by_sid_and_by_name() {
    let desk = Desk::open().await;
    let workspace = desk.workspace().await;
    let worker = desk.made(&format!("{workspace}/Workers"), &[("FriendlyName", "Ada")]).await;
    let at = format!("{workspace}/Workers/{worker}/Channels");
    let all = desk.get(&at, &[]).await;
    assert_eq!(all.column("channels", "sid").len(), 5);
    conforms(&all.body["channels"][0], &rest::WorkerChannel::SCHEMA);
    let changed = desk.post(&format!("{at}/chat"), &[("Capacity", "3")]).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["configured_capacity"], 3);
    let by_sid = format!("{at}/{}", changed.sid());
    let changed = desk.post(&by_sid, &[("Available", "false")]).await;
    assert_eq!(changed.body["available"], false);
    let read = desk.get(&by_sid, &[]).await;
    assert_eq!(
        (&read.body["configured_capacity"], &read.body["available"]),
        (&3.into(), &false.into())
    );
    assert_eq!(desk.post(&by_sid, &[("Capacity", "-1")]).await.code(), (400, 20001));
    assert_eq!(desk.get(&format!("{at}/fax"), &[]).await.code(), (404, 20404));
    let stranger = format!("{workspace}/Workers/WK00000000000000000000000000000000/Channels");
    assert_eq!(desk.get(&stranger, &[]).await.code(), (404, 20404));
}

#[tokio::test]
async fn queues_and_workflows_are_checked_and_depend_on_each_other() {
    let desk = Desk::open().await;
    let workspace = desk.workspace().await;
    let (queues, workflows) = (format!("{workspace}/TaskQueues"), format!("{workspace}/Workflows"));
    let got = desk.post(&queues, &[("FriendlyName", "All")]).await;
    assert_eq!(got.status, 201, "{}", got.body);
    conforms(&got.body, &rest::TaskQueue::SCHEMA);
    assert_eq!(got.body["target_workers"], "1==1");
    assert_eq!(
        (&got.body["task_order"], &got.body["max_reserved_workers"]),
        (&"FIFO".into(), &1.into())
    );
    let queue = got.sid();
    let bad = [("FriendlyName", "x"), ("TargetWorkers", "skill =")];
    let refused = desk.post(&queues, &bad).await;
    assert_eq!(refused.code(), (400, 20001));
    assert!(refused.body["position"]["column"].is_i64(), "{}", refused.body);
    let changed = desk.post(&format!("{queues}/{queue}"), &[("TargetWorkers", "a == 1")]).await;
    assert_eq!(changed.body["target_workers"], "a == 1");

    let form = [("FriendlyName", "Main"), ("Configuration", &leads_to(&queue))];
    let got = desk.post(&workflows, &form).await;
    assert_eq!(got.status, 201, "{}", got.body);
    conforms(&got.body, &rest::Workflow::SCHEMA);
    assert_eq!(got.body["task_reservation_timeout"], 120);
    for (name, wrong) in [
        ("JSON", "{".to_owned()),
        ("queue", leads_to("WQ00000000000000000000000000000000")),
        ("shape", r#"{"task_routing":{"filters":7}}"#.to_owned()),
    ] {
        let form = [("FriendlyName", name), ("Configuration", wrong.as_str())];
        assert_eq!(desk.post(&workflows, &form).await.code(), (400, 20001), "{name}");
    }
    let used = desk.call("DELETE", &format!("{queues}/{queue}"), &[]).await;
    assert_eq!(used.code(), (409, 20409));
    let workflow = format!("{workflows}/{}", got.sid());
    let longer = desk.post(&workflow, &[("TaskReservationTimeout", "300")]).await;
    assert_eq!(longer.body["task_reservation_timeout"], 300);
    assert_eq!(desk.call("DELETE", &workflow, &[]).await.status, 204);
    assert_eq!(desk.call("DELETE", &format!("{queues}/{queue}"), &[]).await.status, 204);
}

#[tokio::test]
async fn what_does_not_exist_or_is_not_served_is_not_found() {
    let desk = Desk::open().await;
    let workspace = desk.workspace().await;
    for path in [
        "/Workspaces/WS0bad",
        "/Workspaces/WS00000000000000000000000000000000",
        &format!("{workspace}/Tasks/WT0bad"),
        &format!("{workspace}/Tasks/WT00000000000000000000000000000000"),
        &format!("{workspace}/Workers/WT00000000000000000000000000000000"),
        &format!("{workspace}/Statistics/Monthly"),
        &format!("{workspace}/Events/EV00000000000000000000000000000000"),
        &format!("{workspace}/TaskQueues/WQ00000000000000000000000000000000/RealTimeStatistics"),
        &format!("{workspace}/Workflows/WW00000000000000000000000000000000/Statistics"),
        &format!("{workspace}/Workers/WK00000000000000000000000000000000/Statistics"),
    ] {
        assert_eq!(desk.get(path, &[]).await.code(), (404, 20404), "{path}");
    }
}
