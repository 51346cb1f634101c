//! The stored form: nothing is lost in it, and little is repeated.

use super::*;
use crate::{command::*, event::Event, handle::Turn, state::Routing};
use base::{IdSource, Millis};

/// A workspace that is told things, and the events of each.
struct Desk {
    routing: Routing,
    ids: IdSource,
    now: Timestamp,
}

impl Desk {
    fn new() -> Self {
        let now = Timestamp(1_767_225_600_000);
        let mut desk = Self { routing: Routing::new(), ids: IdSource::new(7), now };
        let (sid, account) = (WorkspaceSid::new(1), Sid::new(*b"AC", 1));
        desk.run(Command::CreateWorkspace(NewWorkspace {
            sid: Some(sid),
            account: Some(account),
            friendly_name: "Support".to_owned(),
            multi_task_enabled: Some(true),
            ..NewWorkspace::default()
        }));
        desk
    }

    fn run(&mut self, command: Command) -> (Reply, Vec<Event>) {
        let mut turn = Turn::new(self.now, &mut self.ids);
        let reply = self.routing.handle(&mut turn, &command).expect("it is allowed");
        (reply, turn.effects)
    }

    fn pass(&mut self, span: Millis) -> Vec<Event> {
        self.now = self.now + span;
        let mut turn = Turn::new(self.now, &mut self.ids);
        self.routing.expire(&mut turn);
        turn.effects
    }

    fn kept(&self, events: &[Event]) -> Vec<LoggedEvent> {
        read(events[0].sid, &write(&self.routing, events)).expect("what was written can be read")
    }

    fn queue(&mut self, name: &str) -> TaskQueueSid {
        let new = NewTaskQueue { friendly_name: name.to_owned(), ..NewTaskQueue::default() };
        match self.run(Command::CreateTaskQueue(new)).0 {
            Reply::TaskQueue(queue) => queue.sid,
            other => panic!("{other:?}"),
        }
    }

    fn workflow(&mut self, configuration: String) {
        let friendly_name = "Main".to_owned();
        let new = NewWorkflow { friendly_name, configuration, ..NewWorkflow::default() };
        self.run(Command::CreateWorkflow(new));
    }

    fn worker(&mut self, attributes: &str) -> Worker {
        let available = self.routing.activities.values().find(|state| state.activity.available);
        let new = NewWorker {
            friendly_name: "Ada".to_owned(),
            attributes: Attributes::new(attributes).unwrap(),
            activity: available.map(|state| state.activity.sid),
        };
        match self.run(Command::CreateWorker(new)).0 {
            Reply::Worker(worker) => worker,
            other => panic!("{other:?}"),
        }
    }

    fn task(&mut self, attributes: &str) -> (Task, Vec<Event>) {
        let attributes = Attributes::new(attributes).unwrap();
        let new = NewTask { attributes, ..NewTask::default() };
        match self.run(Command::CreateTask(new)) {
            (Reply::Task(task), events) => (task, events),
            other => panic!("{other:?}"),
        }
    }
}

fn straight_to(queue: TaskQueueSid) -> String {
    format!(r#"{{"task_routing":{{"filters":[],"default_filter":{{"queue":"{queue}"}}}}}}"#)
}

/// What an event and its kept form must have in common.
fn assert_same(kept: &LoggedEvent, told: &Event) {
    assert_eq!((kept.sid, kept.kind, kept.at), (told.sid, told.kind, told.at));
    assert_eq!(kept.before, told.before);
    assert_eq!(kept.task.is_some(), told.task.is_some());
    if let (Some(kept), Some(told)) = (&kept.task, &told.task) {
        assert_eq!(kept.sid, told.sid);
        assert_eq!(kept.attributes.text(), told.attributes.text());
        assert_eq!(kept.created_at, told.created_at);
        assert_eq!(kept.ended_at, told.ended_at);
        assert_eq!((kept.status, kept.priority), (told.status, told.priority));
        assert_eq!((&kept.reason, kept.version), (&told.reason, told.version));
        assert_eq!(kept.queue.as_ref().map(|queue| queue.sid), told.queue);
        assert_eq!(kept.queue_entered_at, told.queue_entered_at);
        assert_eq!(kept.workflow.as_ref().map(|workflow| workflow.sid), told.workflow);
        assert_eq!(kept.task_channel.sid, told.task_channel);
        assert_eq!(kept.routing_target, told.routing_target);
    }
    assert_eq!(kept.reservation.is_some(), told.reservation.is_some());
    if let (Some(kept), Some(told)) = (&kept.reservation, &told.reservation) {
        assert_eq!((kept.sid, kept.worker, kept.status), (told.sid, told.worker, told.status));
        assert_eq!((kept.timeout_s, kept.version), (told.timeout_s, told.version));
    }
    assert_eq!(kept.worker.is_some(), told.worker.is_some());
    if let (Some(kept), Some(told)) = (&kept.worker, &told.worker) {
        assert_eq!((kept.sid, &kept.friendly_name), (told.sid, &told.friendly_name));
        assert_eq!(kept.attributes.text(), told.attributes.text());
        assert_eq!((kept.activity.sid, kept.version), (told.activity, told.version));
    }
    assert_eq!(kept.worker_channel.is_some(), told.worker_channel.is_some());
    if let (Some(kept), Some(told)) = (&kept.worker_channel, &told.worker_channel) {
        assert_eq!((kept.sid, kept.task_channel.sid), (told.sid, told.task_channel));
        assert_eq!(kept.configured_capacity, told.configured_capacity);
        assert_eq!((kept.available, kept.assigned_tasks), (told.available, told.assigned_tasks));
        assert_eq!(kept.open_reservations, told.open_reservations);
    }
    assert_eq!(kept.setting.is_some(), told.setting.is_some());
}

fn assert_all_same(kept: &[LoggedEvent], told: &[Event]) {
    assert_eq!(kept.len(), told.len());
    kept.iter().zip(told).for_each(|(kept, told)| assert_same(kept, told));
}

fn kinds(events: &[LoggedEvent]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

#[test]
fn a_creation_is_kept_whole_in_the_documented_order() {
    let mut desk = Desk::new();
    let queue = desk.queue("Everybody");
    desk.workflow(straight_to(queue));
    let worker = desk.worker(r#"{"skills":["a"]}"#);
    let (task, events) = desk.task(r#"{"n": 1.0, "text": "\"quoted\" ünd"}"#);
    let kept = desk.kept(&events);
    assert_all_same(&kept, &events);
    assert_eq!(
        kinds(&kept),
        [
            "task.created",
            "workflow.entered",
            "workflow.target-matched",
            "task-queue.entered",
            "reservation.created"
        ]
    );
    let (first, last) = (&kept[0], &kept[4]);
    assert_eq!(first.task.as_ref().unwrap().queue, None, "it had no queue yet");
    assert_eq!(last.task.as_ref().unwrap().sid, task.sid);
    let named = |name: &str| Some(name.to_owned());
    let last_task = last.task.as_ref().unwrap();
    assert_eq!(last_task.queue.as_ref().unwrap().name, named("Everybody"));
    assert_eq!(last_task.workflow.as_ref().unwrap().name, named("Main"));
    assert_eq!(last_task.task_channel.name, named("default"));
    assert_eq!(last.workspace_name, "Support");
    assert_eq!(last.reservation.as_ref().unwrap().worker, worker.sid);
    let activity = &last.worker.as_ref().unwrap().activity;
    assert_eq!(activity.name.as_deref(), Some("Available"));
}

#[test]
fn attributes_are_kept_once_and_byte_for_byte() {
    let mut desk = Desk::new();
    let queue = desk.queue("Everybody");
    desk.workflow(straight_to(queue));
    for text in ["{}", "{ \"n\" : 1.0,\"n\":2 }", " {\"n\":1e40} ", "{\"u\":\"\\u00e9 é\\\"\"}\n"]
    {
        let (_, events) = desk.task(text);
        let body = write(&desk.routing, &events);
        let kept = read(events[0].sid, &body).unwrap();
        assert!(kept.iter().all(|event| event.task.as_ref().unwrap().attributes.text() == text));
    }
    let (_, events) = desk.task(r#"{"mark":"only-once"}"#);
    assert_eq!(write(&desk.routing, &events).matches("only-once").count(), 1);
}

#[test]
fn a_creation_with_400_bytes_of_attributes_is_small() {
    let mut desk = Desk::new();
    let queue = desk.queue("Everybody");
    desk.workflow(straight_to(queue));
    desk.worker(
        r#"{"skills":["sales","support"],"languages":["en","de"],"contact_uri":"client:ada"}"#,
    );
    let pairs: Vec<String> = (10..30).map(|n| format!("\"key{n}\":\"value {n} of\"")).collect();
    let attributes = format!("{{{}}}", pairs.join(","));
    assert!((400..480).contains(&attributes.len()), "{}", attributes.len());
    let (_, events) = desk.task(&attributes);
    assert_eq!(events.len(), 5);
    let bytes = write(&desk.routing, &events).len();
    assert!(bytes < 1_640 + attributes.len() - 400, "{bytes} bytes");
}

#[test]
fn names_are_those_of_then() {
    let mut desk = Desk::new();
    let queue = desk.queue("Before");
    desk.workflow(straight_to(queue));
    let (_, events) = desk.task("{}");
    let body = write(&desk.routing, &events);
    let patch = TaskQueuePatch { friendly_name: Some("After".to_owned()), ..Default::default() };
    desk.run(Command::UpdateTaskQueue { sid: queue, patch });
    let kept = read(events[0].sid, &body).unwrap();
    let queue = kept[3].task.as_ref().unwrap().queue.clone().unwrap();
    assert_eq!(queue.name.as_deref(), Some("Before"));
}

#[test]
fn a_timeout_keeps_both_states_of_the_worker_and_the_activity_before() {
    let mut desk = Desk::new();
    let queue = desk.queue("Everybody");
    desk.workflow(straight_to(queue));
    let worker = desk.worker("{}");
    desk.task("{}");
    let events = desk.pass(Millis::secs(121));
    let kept = desk.kept(&events);
    assert_all_same(&kept, &events);
    assert_eq!(kinds(&kept), ["reservation.timeout", "worker.activity.update"]);
    let before = Before::Activity { sid: worker.activity, time_in: Millis::secs(121) };
    assert_eq!(kept[1].before, Some(before));
    let activity = |event: &LoggedEvent| event.worker.as_ref().unwrap().activity.name.clone();
    let activities = [activity(&kept[0]), activity(&kept[1])];
    assert_eq!(activities, [Some("Available".to_owned()), Some("Offline".to_owned())]);
}

#[test]
fn a_capacity_is_kept_with_the_one_before() {
    let mut desk = Desk::new();
    let worker = desk.worker("{}").sid;
    let channel = WorkerChannelRef::Channel(ChannelRef::Name("chat".to_owned()));
    let update = |capacity, available| Command::UpdateWorkerChannel {
        worker,
        channel: channel.clone(),
        capacity,
        available,
    };
    let (_, events) = desk.run(update(Some(5), Some(false)));
    let kept = desk.kept(&events);
    assert_all_same(&kept, &events);
    assert_eq!(kinds(&kept), ["worker.capacity.update", "worker.channel.availability.update"]);
    assert_eq!(kept[0].before, Some(Before::Capacity(1)));
    assert_eq!(kept[0].worker_channel.as_ref().unwrap().configured_capacity, 5);
}

#[test]
fn a_move_tells_the_queue_that_is_left_and_the_one_that_is_entered() {
    let mut desk = Desk::new();
    let (first, second) = (desk.queue("First"), desk.queue("Second"));
    let targets = format!(r#"{{"queue":"{first}","timeout":10}},{{"queue":"{second}"}}"#);
    desk.workflow(format!(r#"{{"filters":[{{"expression":"1==1","targets":[{targets}]}}]}}"#));
    desk.task("{}");
    let events = desk.pass(Millis::secs(10));
    let kept = desk.kept(&events);
    assert_all_same(&kept, &events);
    let told: Vec<_> = kept
        .iter()
        .map(|event| {
            let queue = event.task.as_ref().unwrap().queue.as_ref().unwrap();
            (event.kind.as_str(), queue.name.as_deref().unwrap())
        })
        .collect();
    let expected = [
        ("task-queue.timeout", "First"),
        ("workflow.target-matched", "Second"),
        ("task-queue.moved", "First"),
        ("task-queue.entered", "Second"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_known_worker_is_told_while_the_target_asks_for_one() {
    let mut desk = Desk::new();
    let queue = desk.queue("Everybody");
    let targets = format!(
        r#"{{"queue":"{queue}","known_worker_friendly_name":"task.who","timeout":10}},{{}}"#
    );
    desk.workflow(format!(r#"{{"filters":[{{"expression":"1==1","targets":[{targets}]}}]}}"#));
    let worker = desk.worker("{}").sid;
    let known = |kept: &[LoggedEvent]| -> Vec<_> {
        kept.iter().map(|event| event.task.as_ref().unwrap().known_worker).collect()
    };
    let (_, events) = desk.task(r#"{"who":"Ada"}"#);
    let kept = desk.kept(&events);
    assert_eq!(known(&kept), [None, None, Some(worker), Some(worker), Some(worker)]);
    let (_, events) = desk.task(r#"{"who":"Bob"}"#);
    assert_eq!(known(&desk.kept(&events)), [None; 4]);
}

#[test]
fn settings_are_kept_as_they_were() {
    let mut desk = Desk::new();
    let queue = desk.queue("Old");
    let (_, events) = desk.run(Command::DeleteTaskQueue(queue));
    let kept = desk.kept(&events);
    let queue = Named { sid: queue, name: Some("Old".to_owned()) };
    let target_workers = "1==1".to_owned();
    assert_eq!(kept[0].setting, Some(LoggedSetting::TaskQueue { queue, target_workers }));
    let (_, events) = desk.run(Command::DeleteWorkspace);
    let kept = desk.kept(&events);
    assert_eq!((kept[0].kind, &*kept[0].workspace_name), (EventKind::WorkspaceDeleted, "Support"));
}

#[test]
fn a_row_that_is_none_is_refused_without_its_content() {
    let sid = EventSid::new(1);
    for body in ["", "[]", "{\"at\":1,\"ws\":\"geheim\",\"e\":[{\"k\":\"geheim\"}]}"] {
        let error = read(sid, body).unwrap_err().to_string();
        assert!(!error.contains("geheim"), "{error}");
    }
    let dangling = r#"{"at":1,"ws":"","e":[{"k":"task.created","t":3}]}"#;
    assert!(read(sid, dangling).is_err());
}

#[test]
fn every_type_has_one_name() {
    for kind in EventKind::ALL {
        assert_eq!(EventKind::named(kind.as_str()), Some(*kind));
    }
    assert_eq!(EventKind::named("task.exploded"), None);
}
