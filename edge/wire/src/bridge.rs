//! The TaskRouter bridge: what the browser library reads in replies and events.
//!
//! * The library refuses an object that lacks a key, so every key is always there; values may be
//!   null.
//! * `task_transfer` and `active_outgoing_task_transfer` must be absent when there is none: null
//!   stops the library's event stream.
//! * In the answer to a change of a reservation they must be absent too, whatever there is.
//! * Dates are seconds since 1970, except `last_reserved_time`, which it reads as milliseconds.

use crate::rest::age_s;
use crate::{Names, Secs};
use base::{Sid, Timestamp};
use routing::{
    ActivitySid, ReservationSid, ReservationStatus, TaskChannelSid, TaskOrder, TaskQueueSid,
    TaskSid, TaskStatus, TransferMode, TransferSid, WorkerChannelSid, WorkerSid, WorkflowSid,
    WorkspaceSid,
};
use serde::{Serialize, Serializer};

/// A version as the library compares it: a string of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version(u64);

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// One event frame.
#[derive(Clone, Serialize)]
pub struct Frame<'a, P> {
    /// What happened.
    pub event_type: &'a str,
    /// To whom, as it was then.
    pub payload: P,
}

/// The payload of the first frame.
#[derive(Clone, Debug, Serialize)]
pub struct Init {
    /// The worker the socket belongs to.
    pub channel_id: WorkerSid,
    /// The account.
    pub account_sid: Sid,
    /// The workspace.
    pub workspace_sid: WorkspaceSid,
    /// Milliseconds until the token ends.
    pub token_lifetime: i64,
}

/// One page of a list.
#[derive(Clone, Serialize)]
pub struct Contents<T> {
    /// The entries.
    pub contents: Vec<T>,
    /// The next page's `AfterSid`.
    pub after_sid: Option<String>,
    /// Paging of ordered lists.
    pub meta: ContentsMeta,
}

/// How an ordered list goes on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ContentsMeta {
    /// The next page's `NextToken`.
    pub next_token: Option<String>,
}

/// What every reply is wrapped in.
#[derive(Clone, Serialize)]
pub struct Payload<T> {
    /// The object asked for.
    pub payload: T,
}

/// A worker.
#[derive(Clone, Serialize)]
pub struct Worker<'a> {
    account_sid: Sid,
    activity_name: Option<&'a str>,
    activity_sid: ActivitySid,
    attributes: &'a str,
    available: bool,
    date_created: Secs,
    date_status_changed: Secs,
    date_updated: Secs,
    friendly_name: &'a str,
    sid: WorkerSid,
    workspace_sid: WorkspaceSid,
    version: Version,
}

impl<'a> Worker<'a> {
    /// `bumps` is added to the version: the library counts some events as changes of the worker.
    pub fn new(worker: &'a routing::Worker, bumps: u64, names: Names<'a>) -> Self {
        let activity = names.activity(worker.activity);
        Self {
            account_sid: names.account,
            activity_name: activity.map(|activity| activity.friendly_name.as_str()),
            activity_sid: worker.activity,
            attributes: worker.attributes.text(),
            available: activity.is_some_and(|activity| activity.available),
            date_created: Secs(worker.created_at),
            date_status_changed: Secs(worker.status_changed_at),
            date_updated: Secs(worker.updated_at),
            friendly_name: &worker.friendly_name,
            sid: worker.sid,
            workspace_sid: names.workspace_sid(),
            version: Version(worker.version + bumps),
        }
    }
}

/// An activity.
#[derive(Clone, Debug, Serialize)]
pub struct Activity<'a> {
    account_sid: Sid,
    available: bool,
    date_created: Secs,
    date_updated: Secs,
    friendly_name: &'a str,
    sid: ActivitySid,
    workspace_sid: WorkspaceSid,
}

impl<'a> Activity<'a> {
    /// As the library sees it.
    pub fn new(activity: &'a routing::Activity, names: Names<'_>) -> Self {
        Self {
            account_sid: names.account,
            available: activity.available,
            date_created: Secs(activity.created_at),
            date_updated: Secs(activity.updated_at),
            friendly_name: &activity.friendly_name,
            sid: activity.sid,
            workspace_sid: names.workspace_sid(),
        }
    }
}

/// A worker's share in a task channel.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerChannel<'a> {
    account_sid: Sid,
    assigned_tasks: u32,
    available: bool,
    available_capacity_percentage: u32,
    configured_capacity: u32,
    date_created: Secs,
    date_updated: Secs,
    /// Milliseconds.
    last_reserved_time: Option<Timestamp>,
    sid: WorkerChannelSid,
    task_channel_sid: TaskChannelSid,
    task_channel_unique_name: Option<&'a str>,
    worker_sid: WorkerSid,
    workspace_sid: WorkspaceSid,
}

impl<'a> WorkerChannel<'a> {
    /// As the library sees it.
    pub fn new(channel: &routing::WorkerChannel, names: Names<'a>) -> Self {
        Self {
            account_sid: names.account,
            assigned_tasks: channel.assigned_tasks,
            available: channel.available,
            available_capacity_percentage: channel.available_capacity_percentage(),
            configured_capacity: channel.configured_capacity,
            date_created: Secs(channel.created_at),
            date_updated: Secs(channel.updated_at),
            last_reserved_time: channel.last_reserved_at,
            sid: channel.sid,
            task_channel_sid: channel.task_channel,
            task_channel_unique_name: names.channel_name(channel.task_channel),
            worker_sid: channel.worker,
            workspace_sid: names.workspace_sid(),
        }
    }
}

/// A task.
#[derive(Clone, Serialize)]
pub struct Task<'a> {
    account_sid: Sid,
    workspace_sid: WorkspaceSid,
    addons: &'static str,
    age: i64,
    attributes: &'a str,
    date_created: Secs,
    date_updated: Secs,
    priority: u32,
    queue_name: Option<&'a str>,
    queue_sid: Option<TaskQueueSid>,
    reason: Option<&'a str>,
    routing_target: Option<Sid>,
    sid: TaskSid,
    assignment_status: TaskStatus,
    task_channel_unique_name: Option<&'a str>,
    task_channel_sid: TaskChannelSid,
    timeout: u32,
    workflow_name: Option<&'a str>,
    workflow_sid: Option<WorkflowSid>,
    version: Version,
    virtual_start_time: Secs,
}

impl<'a> Task<'a> {
    /// As the library sees it at `now`.
    pub fn new(task: &'a routing::Task, names: Names<'a>, now: Timestamp) -> Self {
        Self {
            account_sid: names.account,
            workspace_sid: names.workspace_sid(),
            addons: "{}",
            age: age_s(task, now),
            attributes: task.attributes.text(),
            date_created: Secs(task.created_at),
            date_updated: Secs(task.updated_at),
            priority: task.priority,
            queue_name: names.queue_name(task.queue),
            queue_sid: task.queue,
            reason: task.reason.as_deref(),
            routing_target: task.routing_target,
            sid: task.sid,
            assignment_status: task.status,
            task_channel_unique_name: names.channel_name(task.task_channel),
            task_channel_sid: task.task_channel,
            timeout: task.timeout_s,
            workflow_name: names.workflow_name(task.workflow),
            workflow_sid: task.workflow,
            version: Version(task.version),
            virtual_start_time: Secs(task.virtual_start_at),
        }
    }
}

/// A reservation with its task.
#[derive(Clone, Serialize)]
pub struct Reservation<'a> {
    account_sid: Sid,
    workspace_sid: WorkspaceSid,
    sid: ReservationSid,
    worker_sid: WorkerSid,
    worker_name: Option<&'a str>,
    task_sid: TaskSid,
    reservation_status: ReservationStatus,
    reservation_timeout: u32,
    date_created: Secs,
    date_updated: Secs,
    version: Version,
    task: Task<'a>,
    /// The transfer it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_transfer: Option<Transfer<'a>>,
    /// The transfer that is under way from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_outgoing_task_transfer: Option<Transfer<'a>>,
}

impl<'a> Reservation<'a> {
    /// As the library sees it at `now`.
    pub fn new(
        reservation: &routing::Reservation,
        task: &'a routing::Task,
        worker_name: Option<&'a str>,
        names: Names<'a>,
        now: Timestamp,
    ) -> Self {
        let open = task.transfer.as_deref();
        let incoming = open.filter(|transfer| reservation.transfer == Some(transfer.sid));
        let outgoing = open.filter(|one| one.initiating_reservation == reservation.sid);
        Self {
            account_sid: names.account,
            workspace_sid: names.workspace_sid(),
            sid: reservation.sid,
            worker_sid: reservation.worker,
            worker_name,
            task_sid: reservation.task,
            reservation_status: reservation.status,
            reservation_timeout: reservation.timeout_s,
            date_created: Secs(reservation.created_at),
            date_updated: Secs(reservation.updated_at),
            version: Version(reservation.version),
            task: Task::new(task, names, now),
            task_transfer: incoming.map(|transfer| Transfer::new(transfer, names)),
            active_outgoing_task_transfer: outgoing.map(|one| Transfer::new(one, names)),
        }
    }

    /// The same reservation as the answer to a change of it: there the library passes over the
    /// task, and a transfer it would look for in the task stops it.
    #[must_use]
    pub fn without_transfers(self) -> Self {
        Self { task_transfer: None, active_outgoing_task_transfer: None, ..self }
    }

    /// The same reservation with the transfer it was made for, which may be over.
    #[must_use]
    pub fn handed_over_by(mut self, transfer: Option<&'a routing::Transfer>) -> Self {
        if let Some(transfer) = transfer {
            self.task_transfer = Some(Transfer::of(transfer, self.account_sid, self.workspace_sid));
        }
        self
    }
}

/// A transfer.
#[derive(Clone, Serialize)]
pub struct Transfer<'a> {
    account_sid: Sid,
    workspace_sid: WorkspaceSid,
    sid: TransferSid,
    task_sid: TaskSid,
    transfer_mode: TransferMode,
    transfer_type: &'static str,
    transfer_to: Sid,
    transfer_status: &'static str,
    transfer_failed_reason: Option<&'a str>,
    initiating_reservation_sid: ReservationSid,
    initiating_worker_sid: WorkerSid,
    initiating_queue_sid: Option<TaskQueueSid>,
    initiating_workflow_sid: Option<WorkflowSid>,
    date_created: Secs,
    date_updated: Secs,
}

impl<'a> Transfer<'a> {
    /// As the library sees it.
    pub fn new(transfer: &'a routing::Transfer, names: Names<'_>) -> Self {
        Self::of(transfer, names.account, names.workspace_sid())
    }

    fn of(transfer: &'a routing::Transfer, account: Sid, workspace: WorkspaceSid) -> Self {
        Self {
            account_sid: account,
            workspace_sid: workspace,
            sid: transfer.sid,
            task_sid: transfer.task,
            transfer_mode: transfer.mode,
            transfer_type: transfer.to.kind(),
            transfer_to: transfer.to.sid(),
            transfer_status: transfer.status.as_str(),
            transfer_failed_reason: transfer.failed_reason.as_deref(),
            initiating_reservation_sid: transfer.initiating_reservation,
            initiating_worker_sid: transfer.initiating_worker,
            initiating_queue_sid: transfer.initiating_queue,
            initiating_workflow_sid: transfer.initiating_workflow,
            date_created: Secs(transfer.created_at),
            date_updated: Secs(transfer.updated_at),
        }
    }
}

/// A task queue.
#[derive(Clone, Debug, Serialize)]
pub struct TaskQueue<'a> {
    friendly_name: &'a str,
    reservation_activity_name: Option<&'a str>,
    assignment_activity_name: Option<&'a str>,
    target_workers: &'a str,
    max_reserved_workers: u32,
    task_order: TaskOrder,
    reservation_activity_sid: Option<ActivitySid>,
    assignment_activity_sid: Option<ActivitySid>,
    workspace_sid: WorkspaceSid,
    account_sid: Sid,
    sid: TaskQueueSid,
    date_created: Secs,
    date_updated: Secs,
    lifo_queue: bool,
}

impl<'a> TaskQueue<'a> {
    /// As the library sees it.
    pub fn new(queue: &'a routing::TaskQueue, names: Names<'a>) -> Self {
        Self {
            friendly_name: &queue.friendly_name,
            reservation_activity_name: names.activity_name(queue.reservation_activity),
            assignment_activity_name: names.activity_name(queue.assignment_activity),
            target_workers: &queue.target_workers,
            max_reserved_workers: queue.max_reserved_workers,
            task_order: queue.task_order,
            reservation_activity_sid: queue.reservation_activity,
            assignment_activity_sid: queue.assignment_activity,
            workspace_sid: names.workspace_sid(),
            account_sid: names.account,
            sid: queue.sid,
            date_created: Secs(queue.created_at),
            date_updated: Secs(queue.updated_at),
            lifo_queue: queue.task_order == TaskOrder::Lifo,
        }
    }
}

#[cfg(test)]
mod tests;
