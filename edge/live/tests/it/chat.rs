//! The visitor's page: ask, wait, be taken, be done.

use crate::client::{Answer, Centre, Socket};
use live::Options;
use routing::{
    Command, ReservationStatus, TaskSid, TaskStatus, WorkerSid,
    command::{IfMatch, NewTask, ReservationOwner, ReservationStep, TaskPatch, WorkerPatch},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn ask(centre: &Centre, body: Value) -> Answer {
    let headers = "content-type: application/json\r\n";
    centre.http("POST", "/chat/demo/requests", headers, &body.to_string()).await
}

async fn visitor(centre: &Centre, name: &str) -> (TaskSid, Socket) {
    let made = ask(centre, json!({"name": name, "topic": "order", "text": "Where is it?"})).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let task = made.body["task_sid"].as_str().and_then(|sid| sid.parse().ok()).expect("a SID");
    let token = made.body["token"].as_str().expect("a token");
    let url = format!("ws://{}/chat/demo/updates?token={token}", centre.address);
    (task, Socket::open(&url).await.expect("an upgrade"))
}

async fn update(centre: &Centre, task: TaskSid, status: TaskStatus) {
    let patch =
        TaskPatch { status: Some(status), reason: Some("done".into()), ..TaskPatch::default() };
    let command = Command::UpdateTask { sid: task, if_match: IfMatch::Any, patch };
    centre.host.routing(centre.workspace, command).await.expect("updated");
}

/// Lets a worker begin, and accepts the first thing offered.
async fn begin(centre: &Centre, worker: WorkerSid) -> TaskSid {
    let activity = Some(centre.activity("Available"));
    let patch = WorkerPatch { activity, ..WorkerPatch::default() };
    let command = Command::UpdateWorker { sid: worker, if_match: IfMatch::Any, patch };
    centre.host.routing(centre.workspace, command).await.expect("available");
    let question = routing::Question::OpenReservations(worker);
    let answer = centre.host.ask(centre.workspace, question).await.expect("an answer");
    let routing::Answer::Reservations(open) = answer else { panic!("{answer:?}") };
    let (reservation, task) = open.first().expect("an offer");
    assert_eq!(reservation.status, ReservationStatus::Pending);
    let command = Command::UpdateReservation {
        sid: reservation.sid,
        owner: ReservationOwner::Worker(worker),
        if_match: IfMatch::Any,
        step: ReservationStep::Accept,
    };
    centre.host.routing(centre.workspace, command).await.expect("accepted");
    task.sid
}

#[tokio::test]
async fn visitors_see_their_place_move_until_they_are_helped() {
    let centre = Centre::open().await;
    let attributes = base::Attributes::new(r#"{"full_name":"Ann Example"}"#).expect("short");
    let ann = centre.worker("ann", "Offline").await;
    let patch = WorkerPatch { attributes: Some(attributes), ..WorkerPatch::default() };
    let command = Command::UpdateWorker { sid: ann, if_match: IfMatch::Any, patch };
    centre.host.routing(centre.workspace, command).await.expect("named");

    let (first, mut one) = visitor(&centre, "One").await;
    let (_second, mut two) = visitor(&centre, "Two").await;
    let (third, mut three) = visitor(&centre, "Three").await;
    assert_eq!(one.frame().await, json!({"status": "waiting", "ahead": 0}));
    assert_eq!(two.frame().await, json!({"status": "waiting", "ahead": 1}));
    assert_eq!(three.frame().await, json!({"status": "waiting", "ahead": 2}));

    assert_eq!(begin(&centre, ann).await, first);
    assert_eq!(one.frame().await, json!({"status": "taken", "agent": "Ann Example"}));
    assert_eq!(two.frame().await, json!({"status": "waiting", "ahead": 0}));
    assert_eq!(three.frame().await, json!({"status": "waiting", "ahead": 1}));
    update(&centre, first, TaskStatus::Completed).await;
    assert_eq!(one.frame().await, json!({"status": "ended"}));
    assert_eq!(one.closed().await.0, 1000);
    update(&centre, third, TaskStatus::Canceled).await;
    loop {
        // Its place may have moved once more before it was canceled.
        let told = three.frame().await;
        if told["status"] != "waiting" {
            assert_eq!(told, json!({"status": "ended"}));
            break;
        }
    }
}

#[tokio::test]
async fn visitors_of_a_workspace_that_ends_are_told() {
    let centre = Centre::open().await;
    let (_task, mut one) = visitor(&centre, "One").await;
    assert_eq!(one.frame().await, json!({"status": "waiting", "ahead": 0}));
    centre.host.routing(centre.workspace, Command::DeleteWorkspace).await.expect("deleted");
    assert_eq!(one.frame().await, json!({"status": "ended"}));
    assert_eq!(one.closed().await.0, 1000);
}

#[tokio::test]
async fn the_task_holds_the_visitors_words() {
    let centre = Centre::open().await;
    let (sid, _socket) = visitor(&centre, " Zoë \"Z\" ").await;
    let row = centre.host.fetch::<routing::Task>(&centre.workspace.to_string(), &sid.to_string());
    let task = row.expect("readable").expect("there");
    let attributes: Value = serde_json::from_str(task.attributes.text()).expect("JSON");
    let expected = json!({
        "name": "Zoë \"Z\"", "topic": "order", "text": "Where is it?", "channelType": "web",
    });
    assert_eq!(attributes, expected);
    assert_eq!(task.workflow, Some(centre.workflow));
}

#[tokio::test]
async fn words_that_do_not_fit_are_refused_by_name() {
    let centre = Centre::open().await;
    for (body, field) in [
        (json!({"name": "", "topic": "order", "text": "x"}), "name"),
        (json!({"name": "A", "topic": "war", "text": "x"}), "topic"),
        (json!({"name": "A", "topic": "order"}), "text"),
        (json!({"name": "A", "topic": "order", "text": "x".repeat(2_001)}), "text"),
    ] {
        let answer = ask(&centre, body).await;
        assert_eq!((answer.refused(), &answer.body["code"]), (400, &json!(20001)));
        let message = answer.body["message"].as_str().expect("a text");
        assert!(message.starts_with(field), "{message}");
    }
    let nonsense = centre.http("POST", "/chat/demo/requests", "", "[").await;
    assert_eq!(nonsense.refused(), 400);
}

#[tokio::test]
async fn an_address_is_bound() {
    let centre = Centre::open().await;
    let body = json!({"name": "A", "topic": "order", "text": "x"});
    let began = Instant::now();
    let mut taken = 0;
    let last = loop {
        let answer = ask(&centre, body.clone()).await;
        if answer.status != 201 {
            break answer;
        }
        taken += 1;
    };
    assert_eq!((last.refused(), &last.body["code"]), (429, &json!(20429)));
    let refilled = began.elapsed().as_secs() / 6;
    assert!((10..=10 + refilled).contains(&taken), "{taken} in {:?}", began.elapsed());
}

#[tokio::test]
async fn a_place_is_told_at_most_once_a_second_and_then_as_it_is() {
    let centre = Centre::open().await;
    let before = Instant::now();
    let (_task, mut one) = visitor(&centre, "One").await;
    assert_eq!(one.frame().await, json!({"status": "waiting", "ahead": 0}));
    for ahead in 1..=3 {
        centre.task(NewTask { priority: Some(ahead), ..NewTask::default() }).await;
    }
    // One is enough where all three came within the second.
    for seconds in 1.. {
        let next = one.frame().await;
        assert!(before.elapsed() >= Duration::from_secs(seconds), "{:?}", before.elapsed());
        assert_eq!(next["status"], "waiting");
        if next["ahead"] == 3 {
            return;
        }
    }
}

#[tokio::test]
async fn no_more_than_a_thousand_visitors_wait_at_a_time() {
    let centre = Centre::open().await;
    let new = || NewTask { workflow: Some(centre.workflow), ..NewTask::default() };
    let mut waiting = Vec::new();
    for _ in 0..998 {
        waiting.push(centre.task(new()).await.sid);
    }
    let body = json!({"name": "A", "topic": "order", "text": "x"});
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(ask(&centre, body.clone()).await);
    }
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [201, 201, 429]);
    let message = answers[2].body["message"].as_str().expect("a text");
    assert!(message.contains("people are waiting"), "{message}");
    update(&centre, waiting[0], TaskStatus::Canceled).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(ask(&centre, body).await.status, 201);
}

#[tokio::test]
async fn topics_are_public_and_tokens_are_not_guessed() {
    let centre = Centre::open().await;
    let topics = centre.http("GET", "/chat/demo/topics", "", "").await;
    assert_eq!((topics.status, &topics.body["topics"][0]["id"]), (200, &json!("order")));
    let (_, _socket) = visitor(&centre, "A").await;
    let url = format!("ws://{}/chat/demo/updates?token=", centre.address);
    assert_eq!(Socket::open(&url).await.err(), Some(401));
    assert_eq!(Socket::open(&format!("{url}AAAA.BBBB")).await.err(), Some(401));
    let ann = centre.worker("Ann", "Offline").await;
    let token = centre.token(ann);
    assert_eq!(Socket::open(&format!("{url}{token}")).await.err(), Some(401));
}

#[tokio::test]
async fn everything_is_404_where_the_demo_is_off() {
    let centre = Centre::with(Options::default()).await;
    for (method, path) in [
        ("GET", "/chat/demo/topics"),
        ("POST", "/chat/demo/requests"),
        ("GET", "/chat/demo/updates"),
    ] {
        assert_eq!(centre.http(method, path, "", "{}").await.refused(), 404, "{path}");
    }
}
