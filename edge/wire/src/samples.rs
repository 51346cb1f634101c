//! One entity of each kind, for tests of the shapes.

use crate::Names;
use base::{Attributes, Sid, Timestamp};
use routing::*;
use std::{collections::BTreeMap, sync::Arc};

pub(crate) const BASE: &str = "http://127.0.0.1:8080/taskrouter";
pub(crate) const AT: Timestamp = Timestamp(1_767_225_600_999);
pub(crate) const LATER: Timestamp = Timestamp(1_767_225_661_000);

/// What a host would hold.
pub(crate) struct Book {
    pub(crate) workspace: Workspace,
    activities: BTreeMap<ActivitySid, Activity>,
    queues: BTreeMap<TaskQueueSid, Arc<str>>,
    workflows: BTreeMap<WorkflowSid, Arc<str>>,
    channels: BTreeMap<TaskChannelSid, TaskChannel>,
}

impl Book {
    pub(crate) fn new() -> Self {
        Self {
            workspace: workspace(),
            activities: BTreeMap::from([(ActivitySid::new(1), activity())]),
            queues: BTreeMap::from([(TaskQueueSid::new(1), "Everybody".into())]),
            workflows: BTreeMap::from([(WorkflowSid::new(1), "Main".into())]),
            channels: BTreeMap::from([(TaskChannelSid::new(1), task_channel())]),
        }
    }

    pub(crate) fn names(&self) -> Names<'_> {
        Names {
            account: self.workspace.account,
            workspace: &self.workspace,
            activities: &self.activities,
            queues: &self.queues,
            workflows: &self.workflows,
            channels: &self.channels,
        }
    }
}

pub(crate) fn workspace() -> Workspace {
    Workspace {
        sid: WorkspaceSid::new(1),
        account: Sid::new(*b"AC", 1),
        friendly_name: "Support".into(),
        event_callback_url: None,
        events_filter: None,
        default_activity: ActivitySid::new(1),
        timeout_activity: ActivitySid::new(1),
        multi_task_enabled: true,
        prioritize_queue_order: TaskOrder::Fifo,
        after_last_target: routing::AfterLastTarget::NextFilter,
        created_at: AT,
        updated_at: AT,
    }
}

pub(crate) fn activity() -> Activity {
    Activity {
        sid: ActivitySid::new(1),
        friendly_name: "Available".into(),
        available: true,
        created_at: AT,
        updated_at: AT,
    }
}

pub(crate) fn task_channel() -> TaskChannel {
    TaskChannel {
        sid: TaskChannelSid::new(1),
        unique_name: "voice".into(),
        friendly_name: "Voice".into(),
        channel_optimized_routing: false,
        created_at: AT,
        updated_at: AT,
    }
}

pub(crate) fn worker() -> Worker {
    Worker {
        sid: WorkerSid::new(1),
        friendly_name: "Ada".into(),
        attributes: attributes(),
        activity: ActivitySid::new(1),
        version: 4,
        created_at: AT,
        updated_at: AT,
        status_changed_at: AT,
    }
}

/// White space, key order and escapes that a rewrite would lose.
pub(crate) fn attributes() -> Attributes {
    Attributes::new(r#"{ "z": 1.0,  "a": "\u00e9" }"#).expect("short")
}

pub(crate) fn worker_channel() -> WorkerChannel {
    WorkerChannel {
        sid: WorkerChannelSid::new(1),
        worker: WorkerSid::new(1),
        task_channel: TaskChannelSid::new(1),
        configured_capacity: 3,
        available: true,
        assigned_tasks: 1,
        open_reservations: 2,
        last_reserved_at: Some(AT),
        created_at: AT,
        updated_at: AT,
    }
}

pub(crate) fn task_queue() -> TaskQueue {
    TaskQueue {
        sid: TaskQueueSid::new(1),
        friendly_name: "Everybody".into(),
        target_workers: "1==1".into(),
        task_order: TaskOrder::Lifo,
        max_reserved_workers: 1,
        reservation_activity: None,
        assignment_activity: Some(ActivitySid::new(1)),
        created_at: AT,
        updated_at: AT,
    }
}

pub(crate) fn workflow() -> Workflow {
    Workflow {
        sid: WorkflowSid::new(1),
        friendly_name: "Main".into(),
        configuration: "{}".into(),
        revision: 0,
        assignment_callback_url: None,
        fallback_assignment_callback_url: None,
        task_reservation_timeout_s: 120,
        document_content_type: "application/json".into(),
        created_at: AT,
        updated_at: AT,
    }
}

pub(crate) fn task() -> Task {
    Task {
        sid: TaskSid::new(1),
        attributes: attributes(),
        status: TaskStatus::Reserved,
        priority: 5,
        reason: None,
        queue: Some(TaskQueueSid::new(1)),
        queue_entered_at: Some(AT),
        workflow: Some(WorkflowSid::new(1)),
        walk: None,
        task_channel: TaskChannelSid::new(1),
        timeout_s: 86_400,
        virtual_start_at: AT,
        routing_target: None,
        ignore_capacity: false,
        attempts: 1,
        disposition: None,
        transfer: None,
        version: 2,
        created_at: AT,
        updated_at: AT,
        assigned_at: None,
        ended_at: None,
        rest: None,
    }
}

pub(crate) fn reservation() -> Reservation {
    Reservation {
        sid: ReservationSid::new(1),
        task: TaskSid::new(1),
        worker: WorkerSid::new(1),
        status: ReservationStatus::Pending,
        timeout_s: 120,
        expires_at: LATER,
        transfer: None,
        version: 0,
        created_at: AT,
        updated_at: AT,
        callback: None,
    }
}

pub(crate) fn event() -> LoggedEvent {
    let named = |name: &str| Some(name.to_owned());
    LoggedEvent {
        sid: EventSid::new(1),
        kind: EventKind::ReservationCreated,
        at: AT,
        workspace_name: "Support".into(),
        task: Some(log::LoggedTask {
            sid: TaskSid::new(1),
            attributes: attributes(),
            created_at: AT,
            ended_at: None,
            status: TaskStatus::Reserved,
            priority: 3,
            reason: None,
            version: 0,
            queue: Some(log::Named { sid: TaskQueueSid::new(1), name: named("Everybody") }),
            queue_entered_at: Some(AT),
            workflow: Some(log::Named { sid: WorkflowSid::new(1), name: named("Main") }),
            task_channel: log::Named { sid: TaskChannelSid::new(1), name: named("voice") },
            routing_target: None,
            known_worker: None,
        }),
        reservation: Some(log::LoggedReservation {
            sid: ReservationSid::new(1),
            worker: WorkerSid::new(1),
            status: ReservationStatus::Pending,
            timeout_s: 120,
            version: 0,
        }),
        worker: Some(log::LoggedWorker {
            sid: WorkerSid::new(1),
            friendly_name: "Ada".into(),
            attributes: attributes(),
            activity: log::Named { sid: ActivitySid::new(1), name: named("Available") },
            version: 4,
        }),
        worker_channel: None,
        setting: None,
        before: None,
    }
}
