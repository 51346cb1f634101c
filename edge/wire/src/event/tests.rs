//! What events say, against section 15 of the reference.

use super::*;
use crate::samples;
use base::Millis;
use routing::{ActivitySid, TaskChannelSid, TaskQueueSid, WorkerChannelSid, WorkflowSid};
use std::collections::BTreeMap;

fn told(event: &LoggedEvent) -> BTreeMap<&'static str, String> {
    let workspace = samples::workspace();
    let parameters = parameters(event, workspace.account, workspace.sid);
    let count = parameters.len();
    let told: BTreeMap<_, _> = parameters.into_iter().collect();
    assert_eq!(told.len(), count, "no name stands twice");
    told
}

const COMMON: [&str; 10] = [
    "EventType",
    "Sid",
    "AccountSid",
    "WorkspaceSid",
    "WorkspaceName",
    "EventDescription",
    "ResourceType",
    "ResourceSid",
    "Timestamp",
    "TimestampMs",
];
const TASK: [&str; 10] = [
    "TaskSid",
    "TaskAttributes",
    "TaskAge",
    "TaskPriority",
    "TaskAssignmentStatus",
    "TaskCanceledReason",
    "TaskCompletedReason",
    "TaskChannelSid",
    "TaskChannelUniqueName",
    "TaskVersion",
];
const WORKER: [&str; 7] = [
    "WorkerSid",
    "WorkerName",
    "WorkerAttributes",
    "WorkerActivitySid",
    "WorkerActivityName",
    "WorkerVersion",
    "OperatingUnitSid",
];

#[test]
fn a_reservation_event_has_every_name_of_its_groups() {
    let event = samples::event();
    let told = told(&event);
    let others = ["TaskQueueSid", "ReservationSid", "WorkflowSid"];
    for name in COMMON.iter().chain(&TASK).chain(&WORKER).chain(&others) {
        assert!(told.contains_key(name), "{name}");
    }
    assert_eq!(told["EventType"], "reservation.created");
    assert_eq!(told["ResourceType"], "reservation");
    assert_eq!(told["Timestamp"], "1767225600");
    assert_eq!(told["TimestampMs"], "1767225600999");
    assert_eq!(told["TaskAttributes"], samples::attributes().text());
    assert_eq!(told["TaskCanceledReason"], "", "what there is not is empty");
    assert!(!told.contains_key("KnownWorkerSid"));
}

#[test]
fn a_task_event_is_described_and_tells_why_it_ended() {
    let of = |kind, status, reason: Option<&str>| {
        let mut event = LoggedEvent { kind, reservation: None, worker: None, ..samples::event() };
        let task = event.task.as_mut().unwrap();
        task.status = status;
        task.reason = reason.map(str::to_owned);
        told(&event)
    };
    let timed_out = "Task canceled on Workflow timeout";
    let canceled = of(EventKind::TaskCanceled, TaskStatus::Canceled, Some(timed_out));
    assert_eq!(canceled["EventDescription"], timed_out);
    assert_eq!(canceled["TaskCanceledReason"], timed_out);
    assert_eq!(canceled["TaskCompletedReason"], "");
    let completed = of(EventKind::TaskCompleted, TaskStatus::Completed, Some("solved"));
    assert_eq!(completed["EventDescription"], "Task completed: solved");
    assert_eq!(completed["TaskCompletedReason"], "solved");
    assert_eq!(completed["ResourceType"], "task");
    let entered = of(EventKind::TaskQueueEntered, TaskStatus::Pending, None);
    assert_eq!(entered["EventDescription"], "Task entered TaskQueue Everybody");
    assert_eq!(entered["TaskQueueName"], "Everybody");
}

#[test]
fn an_activity_update_tells_the_activity_before_and_the_time_in_it() {
    let (sid, time_in) = (ActivitySid::new(7), Millis(26_123));
    let event = LoggedEvent {
        kind: EventKind::WorkerActivityUpdate,
        task: None,
        reservation: None,
        before: Some(Before::Activity { sid, time_in }),
        ..samples::event()
    };
    let told = told(&event);
    assert_eq!(told["EventDescription"], "Worker Ada updated to Available Activity");
    assert_eq!(told["WorkerTimeInPreviousActivity"], "26");
    assert_eq!(told["WorkerTimeInPreviousActivityMs"], "26123");
    assert_eq!(told["WorkerPreviousActivitySid"], sid.to_string());
    assert_eq!((told["ResourceType"].as_str(), told.contains_key("TaskSid")), ("worker", false));
}

#[test]
fn a_capacity_update_has_the_names_of_its_group() {
    let event = LoggedEvent {
        kind: EventKind::WorkerCapacityUpdate,
        task: None,
        reservation: None,
        worker_channel: Some(LoggedWorkerChannel {
            sid: WorkerChannelSid::new(1),
            task_channel: Named { sid: TaskChannelSid::new(1), name: Some("chat".to_owned()) },
            configured_capacity: 5,
            available: true,
            assigned_tasks: 1,
            open_reservations: 2,
        }),
        before: Some(Before::Capacity(3)),
        ..samples::event()
    };
    let told = told(&event);
    for name in WORKER {
        assert!(told.contains_key(name), "{name}");
    }
    for (name, expected) in [
        ("WorkerChannelAvailable", "true"),
        ("WorkerChannelAvailableCapacity", "3"),
        ("WorkerChannelPreviousCapacity", "3"),
        ("WorkerChannelTaskCount", "1"),
        ("TaskChannelUniqueName", "chat"),
        ("EventDescription", "Worker Ada capacity on channel chat updated to 5"),
    ] {
        assert_eq!(told[name], expected, "{name}");
    }
}

#[test]
fn settings_have_the_names_of_their_groups() {
    let name = || Some("N".to_owned());
    let of = |kind, setting| {
        told(&LoggedEvent {
            kind,
            task: None,
            reservation: None,
            worker: None,
            setting: Some(setting),
            ..samples::event()
        })
    };
    let activity = Named { sid: ActivitySid::new(1), name: name() };
    let queue = Named { sid: TaskQueueSid::new(1), name: name() };
    let channel = Named { sid: TaskChannelSid::new(1), name: name() };
    let workflow = Named { sid: WorkflowSid::new(1), name: name() };
    let target_workers = "a == 1".to_owned();
    let unique_name = "chat".to_owned();
    for (kind, setting, names) in [
        (
            EventKind::ActivityUpdated,
            LoggedSetting::Activity { activity, available: true },
            &["ActivitySid", "ActivityName", "ActivityAvailable"][..],
        ),
        (
            EventKind::TaskQueueCreated,
            LoggedSetting::TaskQueue { queue, target_workers },
            &["TaskQueueSid", "TaskQueueName", "TaskQueueTargetExpression", "OperatingUnitSid"],
        ),
        (
            EventKind::TaskChannelDeleted,
            LoggedSetting::TaskChannel { channel, unique_name, optimized_routing: false },
            &[
                "TaskChannelSid",
                "TaskChannelName",
                "TaskChannelUniqueName",
                "TaskChannelOptimizedRouting",
            ],
        ),
        (
            EventKind::WorkflowCreated,
            LoggedSetting::Workflow(workflow),
            &["WorkflowSid", "WorkflowName"],
        ),
    ] {
        let told = of(kind, setting);
        assert_eq!(told.len(), COMMON.len() + names.len(), "{kind:?}");
        for name in names {
            assert!(told.contains_key(name), "{kind:?}: {name}");
        }
        assert_eq!(kind.as_str().split('.').next(), Some(&*told["ResourceType"]));
    }
}

#[test]
fn names_become_keys_of_rest() {
    assert_eq!(key("TaskSid"), "task_sid");
    assert_eq!(key("WorkerTimeInPreviousActivityMs"), "worker_time_in_previous_activity_ms");
}
