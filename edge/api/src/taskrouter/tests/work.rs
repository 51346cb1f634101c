//! The life of a task as REST shows it.

use super::{resources::leads_to, *};
use wire::rest;

const ATTRIBUTES: &str = r#"{ "z": 1.50,  "a": "\u00e9 é", "n": {"k":[1, 2]} }"#;

/// A workspace with a queue, a workflow and one worker who is available.
async fn contact_centre(desk: &Desk) -> (String, String) {
    let workspace = desk.workspace().await;
    let queue = desk.made(&format!("{workspace}/TaskQueues"), &[("FriendlyName", "All")]).await;
    let configuration = leads_to(&queue);
    let form = [("FriendlyName", "Main"), ("Configuration", configuration.as_str())];
    desk.made(&format!("{workspace}/Workflows"), &form).await;
    let available = desk.activity(&workspace, "Available").await;
    let form = [("FriendlyName", "Ada"), ("ActivitySid", available.as_str())];
    let worker = desk.made(&format!("{workspace}/Workers"), &form).await;
    (workspace, worker)
}

async fn first_reservation(desk: &Desk, task: &str) -> String {
    let listed = desk.get(&format!("{task}/Reservations"), &[]).await;
    let sids = listed.column("reservations", "sid");
    conforms(&listed.body["reservations"][0], &rest::Reservation::SCHEMA_OF_TASK);
    format!("{task}/Reservations/{}", sids[0])
}

#[tokio::test]
async fn a_task_is_offered_accepted_wrapped_and_completed() {
    let desk = Desk::open().await;
    let (workspace, worker) = contact_centre(&desk).await;
    let form = [("Attributes", ATTRIBUTES), ("Priority", "7"), ("TaskChannel", "chat")];
    let got = desk.post(&format!("{workspace}/Tasks"), &form).await;
    assert_eq!((got.status, got.etag()), (201, "\"0\""), "{}", got.body);
    conforms(&got.body, &rest::Task::SCHEMA);
    assert_eq!(got.body["attributes"], ATTRIBUTES);
    assert_eq!(got.body["task_queue_friendly_name"], "All");
    assert_eq!(got.body["workflow_friendly_name"], "Main");
    assert_eq!(got.body["task_channel_unique_name"], "chat");
    let task = format!("{workspace}/Tasks/{}", got.sid());
    assert_eq!(desk.get(&task, &[]).await.body["assignment_status"], "reserved");

    let reservation = first_reservation(&desk, &task).await;
    let offered = desk.get(&reservation, &[]).await;
    assert_eq!(
        (&offered.body["worker_name"], &offered.body["worker_sid"]),
        (&"Ada".into(), &worker.as_str().into())
    );
    let taken = desk.post(&reservation, &[("ReservationStatus", "accepted")]).await;
    assert_eq!((taken.status, &taken.body["reservation_status"]), (200, &"accepted".into()));
    let again = desk.post(&reservation, &[("ReservationStatus", "accepted")]).await;
    assert_eq!(again.code(), (400, 20001));
    assert_eq!(desk.post(&task, &[("AssignmentStatus", "wrapping")]).await.status, 200);
    let of_worker = format!("{workspace}/Workers/{worker}/Reservations");
    let wrapping = desk.get(&of_worker, &[("ReservationStatus", "wrapping")]).await;
    assert_eq!(wrapping.column("reservations", "sid").len(), 1);
    conforms(&wrapping.body["reservations"][0], &rest::Reservation::SCHEMA_OF_WORKER);
    let no_reason = desk.post(&task, &[("AssignmentStatus", "completed")]).await;
    assert_eq!(no_reason.code(), (400, 20001));
    let form = [("AssignmentStatus", "completed"), ("Reason", "done")];
    let done = desk.post(&task, &form).await;
    assert_eq!(
        (&done.body["assignment_status"], &done.body["reason"]),
        (&"completed".into(), &"done".into())
    );
    let read = desk.get(&task, &[]).await;
    assert_eq!(read.body["attributes"], ATTRIBUTES, "nothing rewrites attributes");
}

#[tokio::test]
async fn an_ended_task_is_readable_for_five_minutes() {
    let desk = Desk::open().await;
    let (workspace, _) = contact_centre(&desk).await;
    let tasks = format!("{workspace}/Tasks");
    let task = format!("{tasks}/{}", desk.made(&tasks, &[]).await);
    let form = [("AssignmentStatus", "canceled"), ("Reason", "enough")];
    assert_eq!(desk.post(&task, &form).await.status, 200);
    desk.advance(299).await;
    assert_eq!(desk.get(&task, &[]).await.body["age"], 0, "an ended task no longer ages");
    assert_eq!(desk.get(&tasks, &[]).await.column("tasks", "reason"), ["enough"]);
    desk.advance(1).await;
    assert_eq!(desk.get(&task, &[]).await.code(), (404, 20404));
    assert_eq!(desk.get(&format!("{task}/Reservations"), &[]).await.code(), (404, 20404));
    assert!(desk.get(&tasks, &[]).await.column("tasks", "sid").is_empty());
    assert_eq!(desk.call("DELETE", &task, &[]).await.code(), (404, 20404));
}

#[tokio::test]
async fn a_reservation_goes_with_its_task() {
    let desk = Desk::open().await;
    let (workspace, worker) = contact_centre(&desk).await;
    let (tasks, of_worker) =
        (format!("{workspace}/Tasks"), format!("{workspace}/Workers/{worker}/Reservations"));
    let end = [("AssignmentStatus", "canceled"), ("Reason", "enough")];
    let sid = |path: &str| path.rsplit_once('/').expect("a path").1.to_owned();
    let listed = async || {
        let mut seen = Vec::new();
        let mut page = desk.get(&of_worker, &[("PageSize", "2")]).await;
        loop {
            let found = page.column("reservations", "sid");
            let next = page.body["meta"]["next_page_url"].as_str().map(str::to_owned);
            assert!(next.is_none() || found.len() == 2, "a page is full unless it is the last");
            seen.extend(found);
            let Some(next) = next else { return seen };
            page = desk.get(&next, &[]).await;
        }
    };
    let accept = [("ReservationStatus", "accepted")];
    let lasting = format!("{tasks}/{}", desk.made(&tasks, &[("TaskChannel", "chat")]).await);
    let taken = first_reservation(&desk, &lasting).await;
    assert_eq!(desk.post(&taken, &accept).await.status, 200);
    let mut gone = Vec::new();
    for _ in 0..3 {
        let task = format!("{tasks}/{}", desk.made(&tasks, &[]).await);
        let reservation = first_reservation(&desk, &task).await;
        assert_eq!(desk.post(&task, &end).await.status, 200);
        gone.push(format!("{of_worker}/{}", sid(&reservation)));
    }
    let mut all = vec![sid(&taken)];
    all.extend(gone.iter().map(|one| sid(one)));
    assert_eq!(listed().await, all);
    assert_eq!(desk.get(&gone[0], &[]).await.status, 200);

    desk.advance(300).await;
    for one in &gone {
        assert_eq!(desk.get(one, &[]).await.code(), (404, 20404));
        assert_eq!(desk.post(one, &accept).await.code(), (404, 20404));
    }
    assert_eq!(listed().await, [sid(&taken)]);
    let taken = format!("{of_worker}/{}", sid(&taken));
    assert_eq!(desk.get(&taken, &[]).await.status, 200);
    assert_eq!(desk.call("DELETE", &lasting, &[]).await.status, 204);
    assert!(listed().await.is_empty());
    assert_eq!(desk.get(&taken, &[]).await.code(), (404, 20404));
}

#[tokio::test]
async fn two_writers_do_not_overwrite_each_other() {
    let desk = Desk::open().await;
    let (workspace, _) = contact_centre(&desk).await;
    let tasks = format!("{workspace}/Tasks");
    let task = format!("{tasks}/{}", desk.made(&tasks, &[]).await);
    let seen = [("if-match", "0")];
    let one = desk.call_with("POST", &task, &[("Attributes", r#"{"a":1}"#)], &seen).await;
    assert_eq!((one.status, one.etag()), (200, "\"1\""));
    let other = desk.call_with("POST", &task, &[("Attributes", r#"{"a":2}"#)], &seen).await;
    assert_eq!(other.code(), (412, 20412));
    assert_eq!(desk.get(&task, &[]).await.body["attributes"], r#"{"a":1}"#);
    assert_eq!(desk.call_with("DELETE", &task, &[], &seen).await.code(), (412, 20412));
    assert_eq!(desk.call_with("DELETE", &task, &[], &[("if-match", "1")]).await.status, 204);
    assert_eq!(desk.get(&task, &[]).await.code(), (404, 20404));
}

#[tokio::test]
async fn instructions_that_need_voice_are_refused_and_the_offer_stays() {
    let desk = Desk::open().await;
    let (workspace, _) = contact_centre(&desk).await;
    let tasks = format!("{workspace}/Tasks");
    let task = format!("{tasks}/{}", desk.made(&tasks, &[]).await);
    let reservation = first_reservation(&desk, &task).await;
    for (instruction, code) in [
        ("call", 40110),
        ("redirect", 40120),
        ("dequeue", 40131),
        ("conference", 40137),
        ("supervise", 40146),
        ("dance", 55555),
    ] {
        let got = desk.post(&reservation, &[("Instruction", instruction)]).await;
        assert_eq!(got.code(), (400, code), "{instruction}");
    }
    let call = [
        ("Instruction", "call"),
        ("CallTo", "client:ann"),
        ("CallFrom", "+15550100"),
        ("CallUrl", "https://example.com/twiml"),
    ];
    assert_eq!(desk.post(&reservation, &call).await.code(), (400, 40113), "nothing is missing");
    let wrong = [("Instruction", "call"), ("CallTimeout", "1000")];
    let wrong = desk.post(&reservation, &wrong).await;
    assert_eq!(
        (wrong.code(), wrong.body["message"].as_str().map(|m| &m[..11])),
        ((400, 20001), Some("CallTimeout"))
    );
    assert_eq!(desk.get(&reservation, &[]).await.body["reservation_status"], "pending");
    let taken = desk.post(&reservation, &[("Instruction", "accept")]).await;
    assert_eq!(taken.body["reservation_status"], "accepted");
}

#[tokio::test]
async fn a_rejected_offer_changes_the_workers_activity() {
    let desk = Desk::open().await;
    let (workspace, worker) = contact_centre(&desk).await;
    let tasks = format!("{workspace}/Tasks");
    let task = format!("{tasks}/{}", desk.made(&tasks, &[]).await);
    let reservation = first_reservation(&desk, &task).await;
    let offline = desk.activity(&workspace, "Offline").await;
    let form = [("Instruction", "reject"), ("WorkerActivitySid", offline.as_str())];
    assert_eq!(desk.post(&reservation, &form).await.body["reservation_status"], "rejected");
    let worker = desk.get(&format!("{workspace}/Workers/{worker}"), &[]).await;
    assert_eq!(worker.body["activity_sid"], offline);
    assert_eq!(desk.get(&task, &[]).await.body["assignment_status"], "pending");
    let other = reservation.replace("/Tasks/", "/Workers/");
    assert_eq!(desk.get(&other, &[]).await.code(), (404, 20404));
}

#[tokio::test]
async fn bad_tasks_are_refused_and_nothing_is_made() {
    let desk = Desk::open().await;
    let (workspace, _) = contact_centre(&desk).await;
    let tasks = format!("{workspace}/Tasks");
    for (name, value) in [
        ("Attributes", "[]"),
        ("Attributes", "{"),
        ("Priority", "high"),
        ("Priority", "-1"),
        ("Timeout", "1209601"),
        ("TaskChannel", "fax"),
        ("WorkflowSid", "WW0bad"),
        ("WorkflowSid", "WW00000000000000000000000000000000"),
        ("RoutingTarget", "WK00000000000000000000000000000000"),
        ("VirtualStartTime", "soon"),
        ("VirtualStartTime", "2999-01-01T00:00:00Z"),
    ] {
        let got = desk.post(&tasks, &[(name, value)]).await;
        assert_eq!(got.code(), (400, 20001), "{name}={value}");
        assert!(text(&got.body["message"]).contains(name) || name == "TaskChannel", "{}", got.body);
    }
    assert!(desk.get(&tasks, &[]).await.column("tasks", "sid").is_empty());
}

#[tokio::test]
async fn a_task_for_one_worker_goes_past_the_workflow() {
    let desk = Desk::open().await;
    let (workspace, worker) = contact_centre(&desk).await;
    let tasks = format!("{workspace}/Tasks");
    let got = desk.post(&tasks, &[("RoutingTarget", worker.as_str())]).await;
    assert_eq!((got.status, &got.body["routing_target"]), (201, &worker.as_str().into()));
    let task = format!("{tasks}/{}", got.sid());
    let reservation = first_reservation(&desk, &task).await;
    assert_eq!(desk.get(&reservation, &[]).await.body["worker_sid"], worker);
    let listed = desk.get(&tasks, &[("RoutingTarget", worker.as_str())]).await;
    assert_eq!(listed.column("tasks", "sid"), [got.sid()]);
}

#[tokio::test]
async fn capacity_is_ignored_where_that_is_said_or_nothing_is() {
    let desk = Desk::open().await;
    let (workspace, worker) = contact_centre(&desk).await;
    let tasks = format!("{workspace}/Tasks");
    for (said, ignored) in
        [("true", true), ("1", true), ("Yes", true), ("", true), ("false", false), ("on", false)]
    {
        let form = [("RoutingTarget", worker.as_str()), ("IgnoreCapacity", said)];
        let got = desk.post(&tasks, &form).await;
        assert_eq!((got.status, &got.body["ignore_capacity"]), (201, &ignored.into()), "{said}");
    }
}
