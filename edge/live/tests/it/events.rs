//! The event socket: what it pushes, in which order, and how it ends.

use crate::client::{Centre, Says};
use routing::{
    Command,
    command::{ChannelRef, IfMatch, NewActivity, NewTask, NewWorkspace, WorkerChannelRef},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_socket_is_greeted_with_whom_it_belongs_to() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let mut socket = centre.connect(&centre.token(ann), "").await.expect("an upgrade");
    let init = socket.event("init").await;
    assert_eq!(init["channel_id"], json!(ann));
    assert_eq!(init["workspace_sid"], json!(centre.workspace));
    assert_eq!(init["account_sid"], json!(crate::client::ACCOUNT));
    let life = init["token_lifetime"].as_i64().expect("milliseconds");
    assert!((3_590_000..=3_600_000).contains(&life), "{life}");
}

#[tokio::test]
async fn a_socket_needs_a_token_that_names_a_worker() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    assert_eq!(centre.connect("nonsense", "").await.err(), Some(401));
    assert_eq!(centre.connect("", "").await.err(), Some(401));
    assert_eq!(centre.connect(&centre.supervisor(), "").await.err(), Some(403));
    let gone = Command::DeleteWorker { sid: ann, if_match: routing::command::IfMatch::Any };
    let token = centre.token(ann);
    centre.host.routing(centre.workspace, gone).await.expect("deleted");
    assert_eq!(centre.connect(&token, "").await.err(), Some(403));
    assert_eq!(centre.http("GET", "/v1/wschannels?token=x", "", "").await.refused(), 401);
}

#[tokio::test]
async fn a_workers_day_is_told_in_order() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let token = centre.token(ann);
    let mut socket = centre.socket(&token, "").await;
    let own = format!("/Workers/{ann}");
    let there = json!({"ActivitySid": centre.activity("Available")});
    centre.ask(&token, "POST", &own, there).await.payload();
    let worker = socket.event("worker.activity.update").await;
    assert_eq!((&worker["activity_name"], &worker["version"]), (&json!("Available"), &json!("1")));
    centre.ask(&token, "POST", &own, json!({"Attributes": {"a": 1}})).await.payload();
    assert_eq!(socket.event("worker.attributes.update").await["attributes"], r#"{"a":1}"#);

    let attributes = base::Attributes::new(r#"{ "z": 1.0 }"#).expect("short");
    let task = centre.task(NewTask { attributes, ..NewTask::default() }).await;
    let offered = socket.event("reservation.created").await;
    assert_eq!(offered["task"]["sid"], json!(task.sid));
    assert_eq!(offered["task"]["attributes"], r#"{ "z": 1.0 }"#);
    assert_eq!(offered["task"]["assignment_status"], "reserved");
    assert_eq!(
        (&offered["worker_name"], &offered["reservation_timeout"]),
        (&json!("Ann"), &json!(120))
    );
    assert!(offered.get("task_transfer").is_none());
    let reservation = format!("{own}/Reservations/{}", offered["sid"].as_str().expect("a SID"));
    let step = |status: &str| json!({"ReservationStatus": status});
    centre.ask(&token, "POST", &reservation, step("accepted")).await.payload();
    let taken = socket.event("reservation.accepted").await;
    assert_eq!(taken["task"]["assignment_status"], "assigned");
    let at = format!("/Tasks/{}", task.sid);
    centre.ask(&token, "POST", &at, json!({"Attributes": {"b": 2}})).await.payload();
    assert_eq!(socket.event("task.updated").await["attributes"], r#"{"b":2}"#);
    centre.ask(&token, "POST", &at, json!({"AssignmentStatus": "wrapping"})).await.payload();
    let mut seen = [socket.frame().await, socket.frame().await];
    seen.sort_by_key(|frame| frame["event_type"].to_string());
    assert_eq!(seen[0]["event_type"], "reservation.wrapup");
    assert_eq!(seen[1]["event_type"], "task.wrapup");
    let done = json!({"AssignmentStatus": "completed", "Reason": "done"});
    centre.ask(&token, "POST", &at, done).await.payload();
    // The library forgets the reservation with the second one, and with it the task.
    assert_eq!(socket.event("task.completed").await["reason"], "done");
    let over = socket.event("reservation.completed").await;
    assert_eq!(over["task"]["assignment_status"], "completed");
}

#[tokio::test]
async fn versions_agree_with_a_library_that_counts_events() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Available").await;
    let token = centre.token(ann);
    let own = format!("/Workers/{ann}");
    let mut socket = centre.socket(&token, "").await;
    let worker = centre.ask(&token, "GET", &own, json!({})).await.payload();
    let mut counted: u64 = worker["version"].as_str().and_then(|v| v.parse().ok()).expect("digits");
    let channel = Command::UpdateWorkerChannel {
        worker: ann,
        channel: WorkerChannelRef::Channel(ChannelRef::Name("chat".into())),
        capacity: Some(3),
        available: Some(false),
    };
    centre.host.routing(centre.workspace, channel).await.expect("changed");
    let channel = socket.event("worker.capacity.update").await;
    assert_eq!(channel["configured_capacity"], 3);
    socket.event("worker.channel.availability.update").await;
    centre.task(NewTask::default()).await;
    socket.event("reservation.created").await;
    counted += 3;
    let seen = format!("If-Match: {counted}\r\n");
    let set = json!({"Attributes": {"a": 1}});
    let answer = centre.ask_with(&token, "POST", &own, set.clone(), &seen).await.payload();
    assert_eq!(answer["version"], (counted + 1).to_string());
    assert_eq!(socket.event("worker.attributes.update").await["version"], answer["version"]);
    assert_eq!(centre.ask_with(&token, "POST", &own, set, &seen).await.refused(), 412);
}

#[tokio::test]
async fn each_worker_hears_only_of_itself() {
    let centre = Centre::open().await;
    let (ann, bob) = (centre.worker("Ann", "Offline").await, centre.worker("Bob", "Offline").await);
    let mut hers = centre.socket(&centre.token(ann), "").await;
    let mut his = centre.socket(&centre.token(bob), "").await;
    for target in [ann, bob] {
        let own = format!("/Workers/{target}");
        let set = json!({"Attributes": {"me": target}});
        centre.ask(&centre.token(target), "POST", &own, set).await.payload();
    }
    assert_eq!(hers.event("worker.attributes.update").await["sid"], json!(ann));
    assert_eq!(his.event("worker.attributes.update").await["sid"], json!(bob));
}

#[tokio::test]
async fn a_library_that_loads_gets_its_events_afterwards() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Available").await;
    let token = centre.token(ann);
    let own = format!("/Workers/{ann}");
    // Events are held for two seconds; where the machine let them pass, another time tells.
    let mut socket = loop {
        let mut socket = centre.socket(&token, "").await;
        let began = Instant::now();
        centre.ask(&token, "GET", &own, json!({})).await.payload();
        let task = centre.task(NewTask::default()).await;
        let early = tokio::time::timeout(Duration::from_millis(300), socket.frame()).await;
        if early.is_err() {
            break socket;
        }
        assert!(began.elapsed() > Duration::from_millis(1_500), "the library would lose it");
        let delete = Command::DeleteTask { sid: task.sid, if_match: IfMatch::Any };
        centre.host.routing(centre.workspace, delete).await.expect("deleted");
    };
    let reservations = format!("{own}/Reservations");
    let read = centre.ask(&token, "GET", &reservations, json!({"Active": "true"})).await.payload();
    assert_eq!(read["contents"].as_array().map(Vec::len), Some(1));
    assert_eq!(socket.event("reservation.created").await["sid"], read["contents"][0]["sid"]);
    for n in 1..=5 {
        let began = Instant::now();
        centre.ask(&token, "GET", &own, json!({})).await.payload();
        centre.ask(&token, "POST", &own, json!({"Attributes": {"a": n}})).await.payload();
        socket.event("worker.attributes.update").await;
        if began.elapsed() < Duration::from_millis(1_500) {
            return;
        }
    }
    panic!("only the first load is waited for");
}

#[tokio::test]
async fn one_session_can_close_the_others() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let token = centre.token(ann);
    let mut old = centre.socket(&token, "").await;
    let mut second = centre.socket(&token, "").await;
    let mut only = centre.socket(&token, "&closeExistingSessions=true").await;
    for socket in [&mut old, &mut second] {
        let (_, reason) = socket.closed().await;
        assert!(reason.contains("Another session"), "{reason}");
    }
    let own = format!("/Workers/{ann}");
    centre.ask(&token, "POST", &own, json!({"Attributes": {"a": 1}})).await.payload();
    only.event("worker.attributes.update").await;
}

#[tokio::test]
async fn a_worker_who_leaves_goes_offline_if_asked_for() {
    let centre = Centre::open().await;
    let (ann, bob) =
        (centre.worker("Ann", "Available").await, centre.worker("Bob", "Available").await);
    let watcher = centre.supervisor();
    let stays = centre.socket(&centre.token(bob), "&setWorkerOfflineIfDisconnected=false").await;
    let one = centre.socket(&centre.token(ann), "&setWorkerOfflineIfDisconnected=true").await;
    let two = centre.socket(&centre.token(ann), "&setWorkerOfflineIfDisconnected=true").await;
    stays.leave().await;
    one.leave().await;
    let name = async |worker| {
        let at = format!("/Workers/{worker}");
        centre.ask(&watcher, "GET", &at, json!({})).await.payload()["activity_name"].clone()
    };
    assert_eq!(name(ann).await, "Available", "one of two sockets is left");
    two.leave().await;
    let mut tries = 0;
    while name(ann).await != "Offline" {
        tries += 1;
        assert!(tries < 3_000, "the worker is still {}", name(ann).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(name(bob).await, "Available");
}

#[tokio::test]
async fn a_socket_ends_some_seconds_after_its_token() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let says = || Says { worker: Some(ann), role: "worker", life_s: 1 };
    // A second begins whenever it does: a token may be over before it is shown.
    let mut socket = loop {
        match centre.connect(&centre.token_that(says()), "").await {
            Ok(socket) => break socket,
            Err(status) => assert_eq!(status, 401),
        }
    };
    assert_eq!(socket.frame().await["event_type"], "init");
    let (_, reason) = socket.closed().await;
    assert!(reason.contains("expired"), "{reason}");
}

#[tokio::test]
async fn an_activity_the_library_cannot_know_makes_it_load_again() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let token = centre.token(ann);
    let mut socket = centre.socket(&token, "").await;
    let new = NewActivity { friendly_name: "Lunch".into(), available: false };
    centre.host.routing(centre.workspace, Command::CreateActivity(new)).await.expect("made");
    let lunch = json!({"ActivitySid": centre.activity("Lunch")});
    let own = format!("/Workers/{ann}");
    centre.ask(&token, "POST", &own, lunch).await.payload();
    let (_, reason) = socket.closed().await;
    assert!(reason.contains("read again"), "{reason}");
}

#[tokio::test]
async fn a_deleted_worker_has_no_socket() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let mut socket = centre.socket(&centre.token(ann), "").await;
    let gone = Command::DeleteWorker { sid: ann, if_match: routing::command::IfMatch::Any };
    centre.host.routing(centre.workspace, gone).await.expect("deleted");
    let (_, reason) = socket.closed().await;
    assert!(reason.contains("nothing to listen to"), "{reason}");
}

#[tokio::test]
async fn a_workspace_that_ends_takes_its_sockets_along_and_no_others() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Available").await;
    let mut socket = centre.socket(&centre.token(ann), "").await;
    let mut second = centre.socket(&centre.token(ann), "").await;
    let other = NewWorkspace { friendly_name: "Other".into(), ..NewWorkspace::default() };
    let other = centre.host.create_workspace(crate::client::ACCOUNT, other).await.expect("made");
    let end = || Command::DeleteWorkspace;
    centre.host.routing(other.sid, end()).await.expect("deleted");
    centre.task(NewTask::default()).await;
    socket.event("reservation.created").await;
    centre.host.routing(centre.workspace, end()).await.expect("deleted");
    for socket in [&mut socket, &mut second] {
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4404);
        assert!(reason.contains("nothing to listen to"), "{reason}");
    }
}

#[tokio::test]
async fn a_peer_that_reads_nothing_is_closed_and_the_others_go_on() {
    let centre = Centre::open().await;
    let ann = centre.worker("Ann", "Offline").await;
    let token = centre.token(ann);
    let mut slow = centre.narrow_socket(&token).await;
    let mut quick = centre.socket(&token, "").await;
    let own = format!("/Workers/{ann}");
    let filling = "x".repeat(4_000);
    // Enough to fill what lies between the two ends, and the socket's inbox besides.
    for n in 0..1_000 {
        let attributes = json!({"n": n, "filling": filling});
        centre.ask(&token, "POST", &own, json!({"Attributes": attributes})).await.payload();
        quick.event("worker.attributes.update").await;
    }
    let mut expected = 0;
    let ended = loop {
        match slow.next_or_end().await {
            Ok(frame) => {
                let attributes = frame["payload"]["attributes"].as_str().expect("a text");
                let attributes: Value = serde_json::from_str(attributes).expect("JSON");
                assert_eq!(attributes["n"], expected, "what was sent is whole and in order");
                expected += 1;
            }
            Err(reason) => break reason,
        }
    };
    assert!(expected < 1_000, "it was cut off");
    assert!(ended.contains("fast enough"), "{ended}");
}
