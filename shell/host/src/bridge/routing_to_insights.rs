//! From what a workspace consists of to the items that live queries look at.
//!
//! * An item is the object that the TaskRouter library reads of the same entity, with attributes as
//!   a value instead of a text: dates are seconds since 1970, a version is a text of digits.
//! * What is over is no item.

use crate::Names;
use base::{Attributes, Sid, Timestamp};
use insights::Document;
use routing::{
    ActivitySid, Reservation, ReservationSid, ReservationStatus, Task, TaskChannelSid, TaskOrder,
    TaskQueue, TaskQueueSid, TaskSid, TaskStatus, Transfer, TransferMode, TransferSid, Worker,
    WorkerSid, WorkflowSid, WorkspaceSid,
};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A worker as an item.
pub(crate) fn worker(worker: &Worker, names: &Names) -> Document {
    let activity = names.activities.get(&worker.activity);
    Document::new(&json(&WorkerItem {
        account_sid: names.account,
        activity_name: activity.map(|activity| &*activity.friendly_name),
        activity_sid: worker.activity,
        attributes: value(&worker.attributes),
        available: activity.is_some_and(|activity| activity.available),
        date_created: Secs(worker.created_at),
        date_status_changed: Secs(worker.status_changed_at),
        date_updated: Secs(worker.updated_at),
        friendly_name: &worker.friendly_name,
        sid: worker.sid,
        workspace_sid: names.workspace.sid,
        version: worker.version.to_string(),
    }))
}

/// A task as an item; `None` for one that is over.
pub(crate) fn task(task: &Task, names: &Names) -> Option<Document> {
    (!task.status.is_final()).then(|| of_task(task, names))
}

/// A task queue as an item.
pub(crate) fn queue(queue: &TaskQueue, names: &Names) -> Document {
    let activity = |sid: Option<ActivitySid>| {
        sid.and_then(|sid| names.activities.get(&sid)).map(|found| &*found.friendly_name)
    };
    Document::new(&json(&QueueItem {
        friendly_name: &queue.friendly_name,
        reservation_activity_name: activity(queue.reservation_activity),
        assignment_activity_name: activity(queue.assignment_activity),
        target_workers: &queue.target_workers,
        max_reserved_workers: queue.max_reserved_workers,
        task_order: queue.task_order,
        reservation_activity_sid: queue.reservation_activity,
        assignment_activity_sid: queue.assignment_activity,
        workspace_sid: names.workspace.sid,
        account_sid: names.account,
        sid: queue.sid,
        date_created: Secs(queue.created_at),
        date_updated: Secs(queue.updated_at),
        lifo_queue: queue.task_order == TaskOrder::Lifo,
    }))
}

/// An open reservation with its task as an item.
pub(crate) fn reservation(
    reservation: &Reservation,
    task: &Task,
    worker_name: Option<&str>,
    names: &Names,
) -> Document {
    let transfer = task.transfer.as_deref();
    let incoming = transfer.filter(|transfer| reservation.transfer == Some(transfer.sid));
    let outgoing = transfer.filter(|one| one.initiating_reservation == reservation.sid);
    let outer = json(&ReservationItem {
        account_sid: names.account,
        workspace_sid: names.workspace.sid,
        sid: reservation.sid,
        worker_sid: reservation.worker,
        worker_name,
        task_sid: reservation.task,
        reservation_status: reservation.status,
        reservation_timeout: reservation.timeout_s,
        date_created: Secs(reservation.created_at),
        date_updated: Secs(reservation.updated_at),
        version: reservation.version.to_string(),
        task_transfer: incoming.map(|transfer| transfer_of(transfer, names)),
        active_outgoing_task_transfer: outgoing.map(|transfer| transfer_of(transfer, names)),
    });
    Document::around(&outer, "task", &of_task(task, names))
}

fn of_task(task: &Task, names: &Names) -> Document {
    let queue = task.queue.and_then(|sid| names.queues.get(&sid));
    let workflow = task.workflow.and_then(|sid| names.workflows.get(&sid));
    let channel = names.channels.get(&task.task_channel);
    let text = json(&TaskItem {
        account_sid: names.account,
        workspace_sid: names.workspace.sid,
        addons: "{}",
        attributes: value(&task.attributes),
        date_created: Secs(task.created_at),
        date_updated: Secs(task.updated_at),
        priority: task.priority,
        queue_name: queue.map(|name| &**name),
        queue_sid: task.queue,
        reason: task.reason.as_deref(),
        routing_target: task.routing_target,
        sid: task.sid,
        assignment_status: task.status,
        task_channel_unique_name: channel.map(|channel| &*channel.unique_name),
        task_channel_sid: task.task_channel,
        timeout: task.timeout_s,
        workflow_name: workflow.map(|name| &**name),
        workflow_sid: task.workflow,
        version: task.version.to_string(),
        virtual_start_time: Secs(task.virtual_start_at),
    });
    Document::aging(&text, task.created_at)
}

fn transfer_of<'a>(transfer: &'a Transfer, names: &Names) -> TransferItem<'a> {
    TransferItem {
        account_sid: names.account,
        workspace_sid: names.workspace.sid,
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

/// Numbers and the order of keys stay as they were sent.
fn value(attributes: &Attributes) -> Option<&RawValue> {
    serde_json::from_str(attributes.text()).ok()
}

fn json(item: &impl Serialize) -> String {
    serde_json::to_string(item).expect("items are plain data")
}

/// Whole seconds since 1970.
struct Secs(Timestamp);

impl Serialize for Secs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.epoch_secs())
    }
}

#[derive(Serialize)]
struct WorkerItem<'a> {
    account_sid: Sid,
    activity_name: Option<&'a str>,
    activity_sid: ActivitySid,
    attributes: Option<&'a RawValue>,
    available: bool,
    date_created: Secs,
    date_status_changed: Secs,
    date_updated: Secs,
    friendly_name: &'a str,
    sid: WorkerSid,
    workspace_sid: WorkspaceSid,
    version: String,
}

#[derive(Serialize)]
struct TaskItem<'a> {
    account_sid: Sid,
    workspace_sid: WorkspaceSid,
    addons: &'static str,
    attributes: Option<&'a RawValue>,
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
    version: String,
    virtual_start_time: Secs,
}

#[derive(Serialize)]
struct QueueItem<'a> {
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

#[derive(Serialize)]
struct ReservationItem<'a> {
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
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_transfer: Option<TransferItem<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active_outgoing_task_transfer: Option<TransferItem<'a>>,
}

#[derive(Serialize)]
struct TransferItem<'a> {
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
