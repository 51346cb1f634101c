//! Events out of the log: each parameter by what it finds.

use super::{resources::leads_to, *};
use serde_json::json;
use wire::rest;

/// One worker who took a task of two, with a minute between the steps.
struct Story {
    desk: Desk,
    workspace: String,
    queue: String,
    workflow: String,
    worker: String,
    tasks: [String; 2],
    reservation: String,
}

const ATTRIBUTES: &str = r#"{"n": 1.0, "n":2}"#;

async fn story() -> Story {
    let desk = Desk::open().await;
    let workspace = desk.workspace().await;
    let queue = desk.made(&format!("{workspace}/TaskQueues"), &[("FriendlyName", "All")]).await;
    let configuration = leads_to(&queue);
    let form = [
        ("FriendlyName", "Main"),
        ("Configuration", configuration.as_str()),
        ("TaskReservationTimeout", "3600"),
    ];
    let workflow = desk.made(&format!("{workspace}/Workflows"), &form).await;
    let available = desk.activity(&workspace, "Available").await;
    let form = [("FriendlyName", "Ada"), ("ActivitySid", available.as_str())];
    let worker = desk.made(&format!("{workspace}/Workers"), &form).await;
    desk.advance(60).await;
    let at = format!("{workspace}/Tasks");
    let form = [("Attributes", ATTRIBUTES), ("TaskChannel", "chat")];
    let first = desk.made(&at, &form).await;
    desk.advance(60).await;
    let second = desk.made(&at, &[("Attributes", "{}"), ("TaskChannel", "chat")]).await;
    desk.advance(60).await;
    let offers = desk.get(&format!("{at}/{first}/Reservations"), &[]).await;
    let reservation = text(&offers.body["reservations"][0]["sid"]);
    let accepted = [("ReservationStatus", "accepted")];
    let got = desk.post(&format!("{at}/{first}/Reservations/{reservation}"), &accepted).await;
    assert_eq!(got.status, 200, "{}", got.body);
    Story { desk, workspace, queue, workflow, worker, tasks: [first, second], reservation }
}

impl Story {
    async fn types(&self, query: &[(&str, &str)]) -> Vec<String> {
        let at = format!("{}/Events", self.workspace);
        self.desk.get(&at, query).await.column("events", "event_type")
    }

    async fn events(&self, query: &[(&str, &str)]) -> Vec<Value> {
        let got = self.desk.get(&format!("{}/Events", self.workspace), query).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got.body["events"].as_array().expect("a list").clone()
    }
}

const CREATION: [&str; 5] = [
    "task.created",
    "workflow.entered",
    "workflow.target-matched",
    "task-queue.entered",
    "reservation.created",
];

#[tokio::test]
async fn events_are_filtered_by_everything_the_document_lists() {
    let story = story().await;
    let [first, second] = &story.tasks;
    let mut of_first = CREATION.to_vec();
    of_first.push("reservation.accepted");
    assert_eq!(story.types(&[("TaskSid", first)]).await, of_first);
    assert_eq!(story.types(&[("TaskSid", second)]).await, CREATION[..4]);
    let of_reservation = ["reservation.created", "reservation.accepted"];
    assert_eq!(story.types(&[("ReservationSid", &story.reservation)]).await, of_reservation);
    let of_worker = ["worker.created", "reservation.created", "reservation.accepted"];
    assert_eq!(story.types(&[("WorkerSid", &story.worker)]).await, of_worker);
    let of_queue = story.types(&[("TaskQueueSid", &story.queue)]).await;
    assert_eq!(of_queue[..2], ["task-queue.created", "workflow.target-matched"]);
    assert!(!of_queue.contains(&"task.created".to_owned()), "it had no queue yet");
    let of_workflow = story.types(&[("WorkflowSid", &story.workflow)]).await;
    assert_eq!((of_workflow.len(), &*of_workflow[0]), (11, "workflow.created"));
    let by_name = story.types(&[("TaskChannel", "chat")]).await;
    assert_eq!((by_name.len(), &*by_name[0]), (11, "task-channel.created"));
    let channels = story.desk.get(&format!("{}/TaskChannels", story.workspace), &[]).await;
    let channels = channels.body["channels"].as_array().expect("a list").clone();
    let chat = channels.iter().find(|one| one["unique_name"] == "chat").expect("there is one");
    assert_eq!(story.types(&[("TaskChannel", &text(&chat["sid"]))]).await, by_name);
    assert_eq!(story.types(&[("TaskChannel", "voice")]).await, ["task-channel.created"]);
    assert_eq!(story.types(&[("EventType", "task.created")]).await, ["task.created"; 2]);
    assert!(story.types(&[("EventType", "reservation.failed")]).await.is_empty());
    let two = [("EventType", "reservation.accepted, worker.created")];
    assert_eq!(story.types(&two).await, ["worker.created", "reservation.accepted"]);
    let both = [("EventType", "task.created"), ("TaskSid", second.as_str())];
    let one = story.events(&both).await;
    assert_eq!(one.len(), 1);
    let sid = text(&one[0]["sid"]);
    assert_eq!(story.events(&[("Sid", &sid)]).await, one);
    for (name, value) in [
        ("EventType", "task.exploded"),
        ("TaskSid", "WK00000000000000000000000000000000"),
        ("Minutes", "-1"),
        ("StartDate", "yesterday"),
        ("EndDate", "2026-13-01"),
        ("Sid", "EV1"),
    ] {
        let got = story.desk.get(&format!("{}/Events", story.workspace), &[(name, value)]).await;
        assert_eq!(got.code(), (400, 20001), "{name}");
        assert!(text(&got.body["message"]).contains(name), "{}", got.body);
    }
}

#[tokio::test]
async fn a_window_is_the_last_fifteen_minutes_unless_another_is_given() {
    let story = story().await;
    let all = story.types(&[]).await;
    assert_eq!(all.first().map(String::as_str), Some("workspace.created"));
    assert_eq!(story.types(&[("Minutes", "2")]).await.len(), 10, "both creations, an acceptance");
    assert_eq!(story.types(&[("Minutes", "1")]).await[..], all[all.len() - 5..]);
    assert_eq!(story.types(&[("Minutes", "0")]).await, ["reservation.accepted"]);
    let created = story.events(&[("EventType", "task.created")]).await;
    let [first, second] = [&created[0], &created[1]].map(|event| text(&event["event_date"]));
    let from_second = story.types(&[("StartDate", &second)]).await;
    assert_eq!(from_second.first().map(String::as_str), Some("task.created"));
    assert_eq!(from_second.len(), 5);
    let until_first = story.types(&[("EndDate", &first)]).await;
    assert_eq!(until_first.last().map(String::as_str), Some("reservation.created"));
    assert_eq!(until_first.len() + 5, all.len());
    let between = [("StartDate", first.as_str()), ("EndDate", first.as_str())];
    assert_eq!(story.types(&between).await, CREATION);
    let sid = text(&created[0]["sid"]);
    story.desk.advance(16 * 60).await;
    assert!(!story.types(&[]).await.contains(&"task.created".to_owned()));
    assert_eq!(story.types(&[("Minutes", "60")]).await[..all.len()], all[..]);
    assert_eq!(story.types(&[("Sid", &sid)]).await, ["task.created"], "it is named itself");
    assert_eq!(story.types(&[("EndDate", &second)]).await.len(), all.len() - 1);
}

#[tokio::test]
async fn an_event_has_the_published_shape_and_the_data_of_its_type() {
    let story = story().await;
    for event in story.events(&[]).await {
        conforms(&event, &rest::Event::SCHEMA);
        let fetched = story.desk.get(&text(&event["url"]), &[]).await;
        assert_eq!((fetched.status, fetched.body), (200, event));
    }
    let accepted = &story.events(&[("EventType", "reservation.accepted")]).await[0];
    let at = format!("http://localhost:8080/taskrouter/v1{}", story.workspace);
    let [first, _] = &story.tasks;
    let resource = format!("{at}/Tasks/{first}/Reservations/{}", story.reservation);
    for (key, expected) in [
        ("resource_type", json!("reservation")),
        ("resource_sid", json!(story.reservation)),
        ("resource_url", json!(resource)),
        ("actor_type", json!("workspace")),
        ("account_sid", json!(ACCOUNT.to_string())),
    ] {
        assert_eq!(accepted[key], expected, "{key}");
    }
    let date = text(&accepted["event_date"]).parse::<base::Timestamp>().unwrap();
    assert_eq!(accepted["event_date_ms"].as_i64().unwrap() / 1000, date.epoch_secs());
    for (key, expected) in [
        ("task_sid", json!(first)),
        ("task_attributes", json!(ATTRIBUTES)),
        ("task_age", json!("120")),
        ("task_priority", json!("0")),
        ("task_assignment_status", json!("assigned")),
        ("task_canceled_reason", Value::Null),
        ("task_completed_reason", Value::Null),
        ("task_channel_unique_name", json!("chat")),
        ("task_queue_sid", json!(story.queue)),
        ("task_queue_name", json!("All")),
        ("workflow_sid", json!(story.workflow)),
        ("reservation_sid", json!(story.reservation)),
        ("worker_sid", json!(story.worker)),
        ("worker_name", json!("Ada")),
        ("worker_activity_name", json!("Available")),
        ("workspace_name", json!("Support")),
    ] {
        assert_eq!(accepted["event_data"][key], expected, "{key}");
    }
    let unknown = format!("{}/Events/EV00000000000000000000000000000000", story.workspace);
    assert_eq!(story.desk.get(&unknown, &[]).await.code(), (404, 20404));
}

#[tokio::test]
async fn attributes_of_tasks_are_redacted_after_thirty_days() {
    let story = story().await;
    let [first, _] = &story.tasks;
    let sid = text(&story.events(&[("TaskSid", first)]).await[0]["sid"]);
    let at = format!("{}/Events/{sid}", story.workspace);
    let fresh = story.desk.get(&at, &[]).await;
    assert_eq!(fresh.body["event_data"]["task_attributes"], ATTRIBUTES);
    story.desk.advance(30 * 24 * 60 * 60 + 1).await;
    let old = story.desk.get(&at, &[]).await;
    assert_eq!(old.body["event_data"]["task_attributes"], Value::Null);
    assert_eq!(old.body["event_data"]["task_sid"], json!(first));
}

#[tokio::test]
async fn pages_lead_there_and_back_in_one_order() {
    let story = story().await;
    let all = story.events(&[]).await;
    let at = format!("{}/Events", story.workspace);
    let mut page = story.desk.get(&at, &[("PageSize", "4"), ("Minutes", "30")]).await;
    let mut forth = Vec::new();
    let mut pages = 1;
    loop {
        forth.extend(page.body["events"].as_array().unwrap().clone());
        let Some(next) = page.body["meta"]["next_page_url"].as_str() else { break };
        page = story.desk.get(next, &[]).await;
        pages += 1;
    }
    assert_eq!((&forth, pages), (&all, all.len().div_ceil(4)));
    let mut back = page.body["events"].as_array().unwrap().clone();
    while let Some(previous) = page.body["meta"]["previous_page_url"].as_str() {
        page = story.desk.get(previous, &[]).await;
        let mut events = page.body["events"].as_array().unwrap().clone();
        events.extend(back);
        back = events;
    }
    assert_eq!(back, all);
    let by_number = story.desk.get(&at, &[("PageSize", "4"), ("Page", "2")]).await;
    assert_eq!(by_number.body["events"].as_array().unwrap()[..], all[8..12]);
    let foreign = [("PageToken", "bm8")];
    assert_eq!(story.desk.get(&at, &foreign).await.code(), (400, 20001));
}
