//! Rules of the reference that the published scenarios leave open, one test each.

use crate::world::{World, attrs, straight_to};
use base::{Millis, Position, Sid, Timestamp};
use routing::{command::*, explain::Reason, limits::*, question::Place, *};

/// A workspace with one queue for everybody and a workflow that leads there.
fn simple() -> (World, TaskQueueSid) {
    let mut world = World::new();
    let queue = world.new_queue("Support", "1==1");
    world.new_workflow("wf", straight_to(queue));
    (world, queue)
}

fn with_targets(world: &mut World, targets: &str) {
    world.new_workflow(
        "wf",
        format!(r#"{{"filters": [{{"expression": "1==1", "targets": [{targets}]}}]}}"#),
    );
}

fn complete(world: &mut World, task: TaskSid) {
    world.set_status(task, TaskStatus::Completed).expect("the task is assigned");
}

fn update(sid: TaskSid, patch: TaskPatch) -> Command {
    Command::UpdateTask { sid, if_match: IfMatch::Any, patch }
}

fn place(world: &World, task: TaskSid) -> Place {
    match world.routing.ask(&Question::Place(task), world.now) {
        Ok(Answer::Place(place)) => place,
        other => panic!("{other:?}"),
    }
}

fn explain(world: &World, task: TaskSid, worker: Option<WorkerSid>) -> explain::Explanation {
    let look = explain::Look { worker, ..explain::Look::of(task) };
    match world.routing.ask(&Question::Explain(look), world.now) {
        Ok(Answer::Seen(sight)) => sight.explain(explain::Detail::Reasons),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_workspace_begins_with_three_activities_and_five_channels() {
    let mut world = World::empty();
    assert_eq!(world.run(&Command::DeleteWorkspace), Err(Rejection::NoWorkspace));
    let new = NewWorkspace {
        friendly_name: "W".to_owned(),
        template: Template::Fifo,
        ..NewWorkspace::default()
    };
    world.must(Command::CreateWorkspace(new.clone()));
    let count = |kind| world.rows.keys().filter(|(of, _)| *of == kind).count();
    assert_eq!((count(RowKind::Activity), count(RowKind::TaskChannel)), (3, 5));
    assert_eq!((count(RowKind::TaskQueue), count(RowKind::Workflow)), (1, 1));
    assert!(matches!(
        world.run(&Command::CreateWorkspace(new)),
        Err(Rejection::Invalid { parameter: "Sid", .. })
    ));
    world.must(Command::DeleteWorkspace);
    let is_there = world.rows.keys().any(|(kind, _)| *kind == RowKind::Workspace);
    assert!(!is_there, "its row says that it is there");
    assert_eq!(world.routing.next_deadline(), None);
}

#[test]
fn events_come_in_the_order_of_the_reference() {
    let (mut world, _) = simple();
    world.new_worker("ana", "Available", "{}");
    world.events_taken();
    let task = world.new_task("{}");
    assert_eq!(
        world.events_taken(),
        [
            "task.created",
            "workflow.entered",
            "workflow.target-matched",
            "task-queue.entered",
            "reservation.created"
        ]
    );
    world.accept(task);
    world.set_status(task, TaskStatus::Wrapping).expect("assigned");
    complete(&mut world, task);
    assert_eq!(
        world.events_taken(),
        [
            "reservation.accepted",
            "task.wrapup",
            "reservation.wrapup",
            "task.completed",
            "reservation.completed"
        ]
    );
}

#[test]
fn an_event_carries_its_entities_as_they_were() {
    let (mut world, _) = simple();
    world.new_worker("ana", "Available", "{}");
    world.events_taken();
    let task = world.new_task("{}");
    world.accept(task);
    let statuses: Vec<TaskStatus> =
        world.events.iter().filter_map(|event| Some(event.task.as_ref()?.status)).collect();
    use TaskStatus::{Assigned, Pending, Reserved};
    assert_eq!(statuses, [Pending, Pending, Pending, Pending, Reserved, Assigned]);
}

#[test]
fn names_of_workers_are_unique_without_regard_to_case() {
    let (mut world, _) = simple();
    let ana = world.new_worker("Ana", "Available", "{}");
    let again = NewWorker { friendly_name: "aNA".to_owned(), ..NewWorker::default() };
    assert!(matches!(
        world.run(&Command::CreateWorker(again)),
        Err(Rejection::NameTaken { what: "Worker", .. })
    ));
    let patch = WorkerPatch { friendly_name: Some("ANA".to_owned()), ..WorkerPatch::default() };
    world.must(Command::UpdateWorker { sid: ana, if_match: IfMatch::Any, patch });
    assert_eq!(world.worker(ana).friendly_name, "ANA");
}

#[test]
fn attributes_have_to_be_a_json_object_and_the_place_is_told() {
    let (mut world, _) = simple();
    for (text, line, column) in [("{\n \"a\": }", 2, 7), ("[1]", 1, 1), ("5", 1, 1), ("", 1, 1)] {
        let new = NewTask { attributes: attrs(text), ..NewTask::default() };
        match world.run(&Command::CreateTask(new)) {
            Err(Rejection::Malformed { parameter: "Attributes", position, .. }) => {
                assert_eq!(position, Some(Position { line, column }), "{text:?}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn versions_grow_with_visible_changes_only() {
    let (mut world, _) = simple();
    let ana = world.new_worker("ana", "Available", "{}");
    let task = world.new_task("{}");
    assert_eq!(world.task(task).expect("live").version, 0, "reserved is no new version");
    world.accept(task);
    assert_eq!(world.task(task).expect("live").version, 0);
    assert_eq!((world.newest(task).version, world.worker(ana).version), (1, 0));
    world.must(update(task, TaskPatch { priority: Some(3), ..TaskPatch::default() }));
    world.must(update(task, TaskPatch { priority: Some(3), ..TaskPatch::default() }));
    assert_eq!(world.task(task).expect("live").version, 1, "the same value is no change");
    let patch = TaskPatch { priority: Some(4), ..TaskPatch::default() };
    let stale = Command::UpdateTask { sid: task, if_match: IfMatch::Version(0), patch };
    assert_eq!(world.run(&stale), Err(Rejection::Stale { current: 1 }));
    world.go(ana, "Offline");
    world.go(ana, "Offline");
    assert_eq!(world.worker(ana).version, 1);
}

#[test]
fn a_late_command_is_refused_with_the_true_reason_and_later_it_is_unknown() {
    let (mut world, _) = simple();
    world.new_worker("ana", "Available", "{}");
    let task = world.new_task("{}");
    let reservation = world.newest(task).sid;
    world.set_status(task, TaskStatus::Canceled).expect("it is reserved");
    assert!(matches!(
        world.step(reservation, ReservationStep::Accept),
        Err(Rejection::ReservationStatus { status: ReservationStatus::Canceled, .. })
    ));
    assert!(matches!(
        world.set_status(task, TaskStatus::Canceled),
        Err(Rejection::TaskStatus { status: TaskStatus::Canceled, .. })
    ));
    let restored = world.restored();
    world.routing = restored;
    assert!(matches!(
        world.set_status(task, TaskStatus::Canceled),
        Err(Rejection::TaskStatus { status: TaskStatus::Canceled, .. })
    ));
    world.advance(ENDED_READABLE_S.into());
    assert_eq!(world.set_status(task, TaskStatus::Canceled), Err(Rejection::Unknown(task.sid())));
    assert_eq!(
        world.step(reservation, ReservationStep::Accept),
        Err(Rejection::Unknown(reservation.sid()))
    );
}

#[test]
fn a_rescinded_reservation_says_so_whatever_is_asked() {
    let mut world = World::new();
    let queue = world.new_queue_of(NewTaskQueue {
        friendly_name: "q".to_owned(),
        max_reserved_workers: Some(2),
        ..NewTaskQueue::default()
    });
    world.new_workflow("wf", straight_to(queue));
    world.new_worker("ana", "Available", "{}");
    world.new_worker("ben", "Available", "{}");
    let task = world.new_task("{}");
    let sids: Vec<ReservationSid> = world.reservations(task).iter().map(|one| one.sid).collect();
    world.step(sids[1], ReservationStep::Accept).expect("it is pending");
    for step in [ReservationStep::Accept, ReservationStep::Reject { activity: None }] {
        assert_eq!(world.step(sids[0], step), Err(Rejection::Rescinded(sids[0])));
    }
}

#[test]
fn a_reservation_is_found_through_its_task_or_worker_only() {
    let (mut world, _) = simple();
    let ana = world.new_worker("ana", "Available", "{}");
    let ben = world.new_worker("ben", "Offline", "{}");
    let task = world.new_task("{}");
    let sid = world.newest(task).sid;
    let through = |owner| Command::UpdateReservation {
        sid,
        owner,
        if_match: IfMatch::Any,
        step: ReservationStep::Accept,
    };
    let other = world.run(&through(ReservationOwner::Worker(ben)));
    assert_eq!(other, Err(Rejection::Unknown(sid.sid())));
    assert!(world.run(&through(ReservationOwner::Worker(ana))).is_ok());
}

#[test]
fn after_the_last_timed_target_the_next_matching_filter_is_tried() {
    let mut world = World::new();
    let (one, two) = (world.new_queue("one", "1==0"), world.new_queue("two", "1==0"));
    world.new_workflow(
        "wf",
        format!(
            r#"{{"filters": [
                {{"expression": "a == 1", "targets": [{{"queue": "{one}", "timeout": 10}}]}},
                {{"expression": "a == 2", "targets": [{{"queue": "{one}"}}]}},
                {{"expression": "a == 1", "targets": [{{"queue": "{two}", "timeout": 10}}]}}]}}"#
        ),
    );
    let task = world.new_task(r#"{"a": 1}"#);
    world.advance(10);
    assert_eq!(world.task(task).expect("live").queue, Some(two));
    world.advance(9);
    assert_eq!(world.task(task).expect("live").status, TaskStatus::Pending);
    world.events_taken();
    world.advance(1);
    let ended = world.task(task).expect("readable");
    assert_eq!(ended.reason.as_deref(), Some("Task canceled on Workflow timeout"));
    assert_eq!(world.events_taken(), ["task-queue.timeout", "workflow.timeout", "task.canceled"]);
}

#[test]
fn where_the_workspace_has_it_so_the_last_target_is_the_end() {
    let mut world = World::new();
    let (one, two) = (world.new_queue("one", "1==0"), world.new_queue("two", "1==0"));
    world.new_workflow(
        "wf",
        format!(
            r#"{{"filters": [
                {{"expression": "a == 1", "targets": [{{"queue": "{one}", "timeout": 10}}]}},
                {{"expression": "a == 2", "targets": [{{"queue": "{one}", "skip_if": "1==1"}}]}},
                {{"expression": "a > 0", "targets": [{{"queue": "{two}"}}]}}]}}"#
        ),
    );
    let waiting = world.new_task(r#"{"a": 1}"#);
    let after_last_target = Some(AfterLastTarget::Cancel);
    world.must(Command::UpdateWorkspace(WorkspacePatch {
        after_last_target,
        ..WorkspacePatch::default()
    }));
    let restored = world.restored();
    world.routing = restored;
    let skipped = world.new_task(r#"{"a": 2}"#);
    assert_eq!(world.task(skipped).expect("live").queue, Some(two), "a skip is no time-out");
    world.advance(10);
    let ended = world.task(waiting).expect("readable");
    assert_eq!(ended.reason.as_deref(), Some("Task canceled on Workflow timeout"));
    let after_last_target = Some(AfterLastTarget::NextFilter);
    world.must(Command::UpdateWorkspace(WorkspacePatch {
        after_last_target,
        ..WorkspacePatch::default()
    }));
    let moved = world.new_task(r#"{"a": 1}"#);
    world.advance(10);
    assert_eq!(world.task(moved).expect("live").queue, Some(two));
}

#[test]
fn an_events_filter_names_event_types() {
    let mut world = World::new();
    let filter = |text: &str| {
        let events_filter = base::Patch::Set(text.to_owned());
        Command::UpdateWorkspace(WorkspacePatch { events_filter, ..WorkspacePatch::default() })
    };
    for text in ["task.created", "task.created, reservation.failed ,", "task.transfer-failed"] {
        world.must(filter(text));
    }
    for text in ["task.create", "*", "task.created task.canceled", "TASK.CREATED"] {
        let refused = world.run(&filter(text));
        assert!(
            matches!(&refused, Err(Rejection::Invalid { parameter: "EventsFilter", .. })),
            "{text}: {refused:?}"
        );
    }
}

#[test]
fn skipping_everything_cancels_the_task() {
    let mut world = World::new();
    let queue = world.new_queue("q", "1==1");
    with_targets(&mut world, &format!(r#"{{"queue": "{queue}", "skip_if": "1==1"}}"#));
    let task = world.new_task("{}");
    let ended = world.task(task).expect("readable");
    assert_eq!(
        (ended.status, ended.reason.as_deref()),
        (TaskStatus::Canceled, Some("Workflow skipped"))
    );
}

#[test]
fn at_equal_times_the_time_to_live_comes_first() {
    let mut world = World::new();
    let queue = world.new_queue("q", "1==1");
    with_targets(&mut world, &format!(r#"{{"queue": "{queue}", "timeout": 60}}"#));
    let ana = world.new_worker("ana", "Available", "{}");
    let patch = WorkflowPatch { task_reservation_timeout_s: Some(60), ..WorkflowPatch::default() };
    let workflow = world.rows.keys().find(|(kind, _)| *kind == RowKind::Workflow).cloned();
    let sid = workflow.expect("there is one").1.parse().expect("a key is a SID");
    world.must(Command::UpdateWorkflow { sid, patch });
    let task = world.new_task_of(NewTask { timeout_s: Some(60), ..NewTask::default() });
    world.advance(60);
    assert_eq!(world.task(task).expect("readable").reason.as_deref(), Some("Task TTL Exceeded"));
    assert_eq!(world.newest(task).status, ReservationStatus::Canceled);
    assert_eq!(world.worker(ana).activity, world.activity("Available"), "nobody timed out");
}

#[test]
fn an_expression_that_asks_for_the_time_is_tried_again_each_minute() {
    let mut world = World::new();
    let queue = world.new_queue("q", "1==1");
    let target = format!(r#"{{"queue": "{queue}", "expression": "taskrouter.currentMin == 2"}}"#);
    with_targets(&mut world, &target);
    world.new_worker("ana", "Available", "{}");
    world.now = world.now + Millis::secs(30);
    let task = world.new_task("{}");
    world.advance(60);
    assert_eq!(world.task(task).expect("live").status, TaskStatus::Pending);
    world.advance(30);
    assert_eq!(world.task(task).expect("live").status, TaskStatus::Reserved, "at 00:02");
    assert_eq!(world.newest(task).created_at.0 % 60_000, 0);
}

#[test]
fn a_new_configuration_leaves_tasks_under_the_old_one_until_they_are_gone() {
    let mut world = World::new();
    let (one, two) = (world.new_queue("one", "1==0"), world.new_queue("two", "1==0"));
    let sid = world.new_workflow(
        "wf",
        format!(
            r#"{{"filters": [{{"expression": "1==1", "targets":
                [{{"queue": "{one}", "timeout": 10}}, {{"priority": 9}}]}}]}}"#
        ),
    );
    let task = world.new_task("{}");
    let patch = WorkflowPatch { configuration: Some(straight_to(two)), ..WorkflowPatch::default() };
    world.must(Command::UpdateWorkflow { sid, patch });
    let older = |world: &World| {
        world.rows.keys().filter(|(kind, _)| *kind == RowKind::WorkflowRevision).count()
    };
    assert_eq!(older(&world), 1);
    let restored = world.restored();
    world.routing = restored;
    world.advance(10);
    let moved = world.task(task).expect("live");
    assert_eq!((moved.queue, moved.priority), (Some(one), 9), "the old configuration went on");
    assert!(matches!(world.run(&Command::DeleteTaskQueue(one)), Err(Rejection::InUse { .. })));
    world.set_status(task, TaskStatus::Canceled).expect("it waits");
    assert_eq!(older(&world), 0);
    world.must(Command::DeleteTaskQueue(one));
}

#[test]
fn re_evaluation_loses_no_task() {
    let (mut world, queue) = simple();
    let workflow = world.rows.keys().find(|(kind, _)| *kind == RowKind::Workflow).cloned();
    let sid = workflow.expect("there is one").1.parse().expect("a key is a SID");
    let task = world.new_task(r#"{"a": 2}"#);
    let configuration = format!(
        r#"{{"filters": [{{"expression": "a == 1", "targets": [{{"queue": "{queue}"}}]}}]}}"#
    );
    let patch = WorkflowPatch {
        configuration: Some(configuration),
        re_evaluate_tasks: true,
        ..WorkflowPatch::default()
    };
    world.must(Command::UpdateWorkflow { sid, patch });
    assert_eq!(world.task(task).expect("live").status, TaskStatus::Pending);
    let refused = NewTask { attributes: attrs(r#"{"a": 2}"#), ..NewTask::default() };
    assert_eq!(world.run(&Command::CreateTask(refused)), Err(Rejection::NoTarget));
}

#[test]
fn what_is_in_use_cannot_be_deleted() {
    let (mut world, queue) = simple();
    let ana = world.new_worker("ana", "Available", "{}");
    let task = world.new_task("{}");
    let refused = |world: &mut World, command: Command| {
        assert!(matches!(world.run(&command), Err(Rejection::InUse { .. })), "{command:?}");
    };
    for name in ["Offline", "Available"] {
        let activity = world.activity(name);
        refused(&mut world, Command::DeleteActivity(activity));
    }
    let workflow = world.task(task).and_then(|task| task.workflow).expect("it has one");
    refused(&mut world, Command::DeleteWorkflow(workflow));
    refused(&mut world, Command::DeleteTaskQueue(queue));
    refused(&mut world, Command::DeleteWorker { sid: ana, if_match: IfMatch::Any });
    refused(&mut world, Command::DeleteTaskChannel(ChannelRef::Name("default".to_owned())));
    world.must(Command::DeleteTask { sid: task, if_match: IfMatch::Any });
    assert!(world.task(task).is_none() && world.reservations(task).is_empty(), "rows are gone");
    world.must(Command::DeleteWorkflow(workflow));
    world.must(Command::DeleteTaskQueue(queue));
    world.must(Command::DeleteWorker { sid: ana, if_match: IfMatch::Any });
    world.must(Command::DeleteTaskChannel(ChannelRef::Name("default".to_owned())));
    let unavailable = world.activity("Unavailable");
    world.must(Command::DeleteActivity(unavailable));
    world.routing.check();
    assert_eq!(world.routing.digest(), world.restored().digest());
}

#[test]
fn direct_routing_names_somebody_who_is_here() {
    let (mut world, _) = simple();
    let nobody = Sid::new(*b"WK", 5);
    let to = |target| NewTask { routing_target: Some(target), ..NewTask::default() };
    assert_eq!(
        world.run(&Command::CreateTask(to(nobody))),
        Err(Rejection::UnknownParameter { parameter: "RoutingTarget", sid: nobody })
    );
    assert!(matches!(
        world.run(&Command::CreateTask(to(Sid::new(*b"WA", 5)))),
        Err(Rejection::Invalid { parameter: "RoutingTarget", .. })
    ));
}

#[test]
fn a_known_worker_by_name_may_come_later() {
    let mut world = World::new();
    let queue = world.new_queue("q", "1==1");
    let target = format!(r#"{{"queue": "{queue}", "known_worker_friendly_name": "task.who"}}"#);
    with_targets(&mut world, &target);
    world.new_worker("ben", "Available", "{}");
    let task = world.new_task(r#"{"who": "ana"}"#);
    assert_eq!(world.task(task).expect("live").status, TaskStatus::Pending);
    let ana = world.new_worker("ana", "Available", "{}");
    assert_eq!(world.newest(task).worker, ana);
}

#[test]
fn explain_tells_what_is_wrong_with_a_known_worker_by_its_number() {
    let mut world = World::new();
    let queue = world.new_queue("q", "team == 'a'");
    let ana = world.new_worker("ana", "Offline", r#"{"team": "a"}"#).to_string();
    let ben = world.new_worker("ben", "Available", "{}").to_string();
    let nobody = WorkerSid::new(7).to_string();
    let cases = [
        ("known_worker_friendly_name", "{}".to_owned(), Some(40154)),
        ("known_worker_friendly_name", r#"{"who": null}"#.to_owned(), None),
        ("known_worker_friendly_name", r#"{"who": "nobody"}"#.to_owned(), Some(40154)),
        ("known_worker_friendly_name", r#"{"who": 7}"#.to_owned(), Some(40154)),
        ("known_worker_friendly_name", r#"{"who": "ben"}"#.to_owned(), Some(40152)),
        ("known_worker_friendly_name", r#"{"who": "ana"}"#.to_owned(), None),
        ("known_worker_sid", "{}".to_owned(), Some(40154)),
        ("known_worker_sid", format!(r#"{{"who": "{nobody}"}}"#), Some(40154)),
        ("known_worker_sid", format!(r#"{{"who": "{ben}"}}"#), Some(40152)),
        ("known_worker_sid", format!(r#"{{"who": "{ana}"}}"#), None),
    ];
    for (key, attributes, code) in cases {
        let target = format!(r#"{{"queue": "{queue}", "{key}": "task.who"}}"#);
        let configuration = format!(r#"{{"filters": [], "default_filter": {target}}}"#);
        let workflow = Some(world.new_workflow(key, configuration));
        let attributes_of = attrs(&attributes);
        let task = world.new_task_of(NewTask {
            workflow,
            attributes: attributes_of,
            ..NewTask::default()
        });
        let target = explain(&world, task, None).target.expect("it is held in a target");
        let alert = target.known_worker.expect("it asks for one").alert;
        assert_eq!(alert.map(|alert| alert.code), code, "{key} {attributes}");
    }
}

#[test]
fn a_disposition_can_be_set_until_shortly_after_the_end() {
    let (mut world, _) = simple();
    world.new_worker("ana", "Available", "{}");
    let task = world.new_task("{}");
    let set = Command::SetDisposition { task, code: "resolved".to_owned(), note: None };
    assert!(matches!(world.run(&set), Err(Rejection::TaskStatus { .. })), "nobody has it yet");
    world.accept(task);
    complete(&mut world, task);
    let version = world.task(task).expect("readable").version;
    world.must(set);
    let row = world.task(task).expect("readable");
    assert_eq!(row.disposition.as_ref().map(|one| one.code.as_str()), Some("resolved"));
    assert_eq!(row.version, version, "no client's If-Match fails over it");
}

#[test]
fn a_task_that_is_assigned_for_too_long_is_deleted() {
    let (mut world, _) = simple();
    let ana = world.new_worker("ana", "Available", "{}");
    let task = world.new_task("{}");
    world.accept(task);
    world.advance(i64::from(ASSIGNED_S_MAX) - 1);
    assert!(world.task(task).is_some());
    world.advance(1);
    assert!(world.task(task).is_none());
    assert_eq!(world.share(ana, "default").open_reservations, 0);
}

#[test]
fn status_and_attributes_take_two_requests_except_to_cancel() {
    let (mut world, _) = simple();
    world.new_worker("ana", "Available", "{}");
    let patch = |status| TaskPatch {
        status: Some(status),
        reason: Some("x".to_owned()),
        attributes: Some(attrs(r#"{"b": 1}"#)),
        ..TaskPatch::default()
    };
    let task = world.new_task("{}");
    world.accept(task);
    assert!(matches!(
        world.run(&update(task, patch(TaskStatus::Completed))),
        Err(Rejection::Invalid { parameter: "Attributes", .. })
    ));
    let no_reason = TaskPatch { status: Some(TaskStatus::Completed), ..TaskPatch::default() };
    assert_eq!(world.run(&update(task, no_reason)), Err(Rejection::Required("Reason")));
    let other = world.new_task("{}");
    world.must(update(other, patch(TaskStatus::Canceled)));
    assert_eq!(world.task(other).expect("readable").attributes.text(), r#"{"b": 1}"#);
}

#[test]
fn a_virtual_start_lies_between_1900_and_now() {
    let (mut world, _) = simple();
    let now = world.now;
    for at in [now + Millis(1), Timestamp(-2_208_988_800_001)] {
        let new = NewTask { virtual_start_at: Some(at), ..NewTask::default() };
        assert!(matches!(
            world.run(&Command::CreateTask(new)),
            Err(Rejection::Invalid { parameter: "VirtualStartTime", .. })
        ));
    }
    world.new_task_of(NewTask { virtual_start_at: Some(now), ..NewTask::default() });
}

#[test]
fn a_customer_sees_how_many_are_ahead_and_who_took_the_task() {
    let (mut world, _) = simple();
    let ana = world.new_worker("ana", "Available", "{}");
    let first = world.new_task("{}");
    world.accept(first);
    let (second, third) = (world.new_task("{}"), world.new_task("{}"));
    let urgent = world.new_task_of(NewTask { priority: Some(5), ..NewTask::default() });
    let ahead = |world: &World| [urgent, second, third].map(|task| place(world, task).ahead);
    assert_eq!(ahead(&world), [0, 1, 2]);
    assert_eq!(place(&world, first).worker, Some(ana));
    complete(&mut world, first);
    assert_eq!(ahead(&world), [0, 0, 1], "the urgent one is on offer");
    let gone = place(&world, first);
    assert_eq!((gone.status, gone.worker), (Some(TaskStatus::Completed), Some(ana)));
    world.advance(ENDED_READABLE_S.into());
    assert_eq!(place(&world, first).status, None);
}

#[test]
fn explain_says_the_first_reason_for_each_worker() {
    let mut world = World::new();
    let queue = world.new_queue("Support", "skills HAS 'support'");
    let target = format!(r#"{{"queue": "{queue}", "expression": "worker.level >= task.level"}}"#);
    with_targets(&mut world, &target);
    let member = r#"{"skills": ["support"], "level": 1}"#;
    let ana = world.new_worker("ana", "Available", r#"{"skills": ["support"], "level": 5}"#);
    let busy = world.new_task(r#"{"level": 5}"#);
    world.accept(busy);
    let offline = world.new_worker("ben", "Offline", member);
    let outsider = world.new_worker("cy", "Available", r#"{"skills": "support"}"#);
    let junior = world.new_worker("dee", "Available", member);
    let task = world.new_task(r#"{"level": 3}"#);
    let all = explain(&world, task, None);
    assert_eq!(
        all.summary,
        "The task waits in task queue 'Support': of 4 workers, 1 is not available, 1 is not in the \
         queue, 1 does not match the target's expression and 1 has no capacity left."
    );
    assert_eq!((all.candidates.len(), all.verdicts.len(), all.verdicts_left_out), (0, 4, 0));
    assert!(all.filters[0].matched && all.target.is_some());
    let reason = |worker| explain(&world, task, Some(worker)).verdicts[0].reason.clone();
    assert!(matches!(reason(offline), Some(Reason::ActivityUnavailable { .. })));
    assert!(matches!(reason(outsider), Some(Reason::NotInQueue { trace }) if trace.is_array()));
    assert!(matches!(reason(junior), Some(Reason::TargetExpression { trace }) if trace.is_array()));
    assert!(matches!(
        reason(ana),
        Some(Reason::NoCapacity { configured_capacity: 1, open_reservations: 1, .. })
    ));
    let assigned = explain(&world, busy, None);
    assert_eq!(assigned.summary, "ana accepted the task.");
}

#[test]
fn explain_says_that_the_worker_a_task_is_routed_to_is_gone() {
    let (mut world, _) = simple();
    let ana = world.new_worker("ana", "Offline", "{}");
    world.new_worker("ben", "Available", "{}");
    let routing_target = Some(ana.sid());
    let new = NewTask { routing_target, ignore_capacity: Some(false), ..NewTask::default() };
    let task = world.new_task_of(new);
    let waits = explain(&world, task, None);
    assert_eq!(
        waits.summary,
        "The task waits for the worker it is routed to: of 2 workers, 1 is not the one it is \
         routed to and 1 is not available."
    );
    world.must(Command::DeleteWorker { sid: ana, if_match: IfMatch::Any });
    let orphan = explain(&world, task, None);
    assert_eq!(
        orphan.summary,
        "The worker that the task is routed to is gone: nobody will be offered it."
    );
}

#[test]
fn lists_by_expression_are_answered_from_the_live_state() {
    let (mut world, queue) = simple();
    let ana = world.new_worker("ana", "Available", r#"{"level": 5}"#);
    let ben = world.new_worker("ben", "Offline", r#"{"level": 7}"#);
    let skilled = world.new_queue("skilled", "level > 6");
    let (one, two) = (world.new_task(r#"{"a": 1}"#), world.new_task(r#"{"a": 2}"#));
    let ask = |question| world.routing.ask(&question, world.now);
    let text = |text: &str| text.to_owned();
    assert!(matches!(
        ask(Question::WorkersWhere(text("activity_name == 'Offline' OR friendly_name == 'ana'"))),
        Ok(Answer::Workers(found)) if found == [ana, ben]
    ));
    assert!(matches!(
        ask(Question::QueuesFor(text(r#"{"level": "7"}"#))),
        Ok(Answer::Queues(found)) if found == [queue, skilled]
    ));
    assert!(matches!(ask(Question::QueuesOf(ana)), Ok(Answer::Queues(found)) if found == [queue]));
    assert!(matches!(
        ask(Question::TasksWhere(text("a > 1"))),
        Ok(Answer::Tasks(found)) if found == [two]
    ));
    assert!(matches!(
        ask(Question::OpenReservations(ana)),
        Ok(Answer::Reservations(found)) if found.len() == 1 && found[0].1.sid == one
    ));
    assert!(matches!(
        ask(Question::TasksWhere(text("a >"))),
        Err(Rejection::Malformed { position: Some(_), .. })
    ));
}

#[test]
fn what_happens_to_thousands_of_pinned_tasks_is_bounded_and_right() {
    let mut world = World::new();
    let queue = world.new_queue("q", "1==1");
    let target = format!(r#"{{"queue": "{queue}", "expression": "worker.id == task.who"}}"#);
    with_targets(&mut world, &target);
    for i in 0..40 {
        world.new_worker(&format!("w{i}"), "Offline", &format!(r#"{{"id": "p{i}"}}"#));
    }
    let tasks: Vec<TaskSid> =
        (0..1_500).map(|i| world.new_task(&format!(r#"{{"who": "p{i}"}}"#))).collect();
    world.routing.check();
    for task in &tasks {
        world.set_status(*task, TaskStatus::Canceled).expect("it waits");
    }
    world.routing.check();
    let seven = world.new_task(r#"{"who": "p7"}"#);
    let workers = world.rows.values().filter_map(|row| match row {
        StoredRow::Worker(worker) => Some(worker.sid),
        _ => None,
    });
    for worker in workers.collect::<Vec<_>>() {
        world.go(worker, "Available");
    }
    let taken = world.newest(seven).worker;
    assert_eq!(world.worker(taken).friendly_name, "w7");
    world.routing.check();
}

#[test]
fn a_worker_channel_is_found_by_sid_and_by_name() {
    let (mut world, _) = simple();
    let ana = world.new_worker("ana", "Available", "{}");
    let share = world.share(ana, "chat");
    for channel in [
        WorkerChannelRef::Sid(share.sid),
        WorkerChannelRef::Channel(ChannelRef::Name("chat".to_owned())),
        WorkerChannelRef::Channel(ChannelRef::Sid(share.task_channel)),
    ] {
        let capacity = Some(world.share(ana, "chat").configured_capacity + 1);
        world.must(Command::UpdateWorkerChannel {
            worker: ana,
            channel,
            capacity,
            available: None,
        });
    }
    assert_eq!(world.share(ana, "chat").configured_capacity, 4);
    let channel = WorkerChannelRef::Channel(ChannelRef::Name("fax".to_owned()));
    let unknown =
        Command::UpdateWorkerChannel { worker: ana, channel, capacity: None, available: None };
    assert_eq!(world.run(&unknown), Err(Rejection::UnknownChannel("fax".to_owned())));
}

#[test]
fn expire_is_harmless_when_nothing_is_due() {
    let (mut world, _) = simple();
    world.new_worker("ana", "Available", "{}");
    world.new_task("{}");
    let (digest, length) = (world.routing.digest(), world.journal.len());
    world.expire();
    world.expire();
    assert_eq!((world.routing.digest(), world.journal.len()), (digest, length));
}
