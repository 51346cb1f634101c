//! What an event says: its description, what it is about, and its data under the names of the wire.
//!
//! * One list of data is written twice: as form parameters of a webhook (`TaskSid`) and as
//!   `event_data` over REST (`task_sid`). Each type of event has all names of its groups always:
//!   what there is not is empty in a form and null over REST.
//! * Everything comes from the log, nothing from how things are now: a worker who is gone is still
//!   named.

use base::{Sid, Timestamp};
use routing::{
    Before, EventKind, LoggedEvent, TaskStatus, WorkspaceSid,
    log::{LoggedReservation, LoggedSetting, LoggedTask, LoggedWorker, LoggedWorkerChannel, Named},
};

/// A name of the wire, in capitals and without spaces, and what it holds.
pub type Datum = (&'static str, Option<String>);

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The kind of resource: `task`, `task-queue`…
    pub kind: &'static str,
    /// Its SID.
    pub sid: Sid,
    /// Where it is, below the workspace; `None` for the workspace itself.
    pub path: Option<&'static str>,
}

/// The form parameters of an event's webhook, in a fixed order.
pub fn parameters(
    event: &LoggedEvent,
    account: Sid,
    workspace: WorkspaceSid,
) -> Vec<(&'static str, String)> {
    let resource = resource(event, workspace);
    let mut parameters = vec![
        ("EventType", event.kind.as_str().to_owned()),
        ("Sid", event.sid.to_string()),
        ("AccountSid", account.to_string()),
        ("WorkspaceSid", workspace.to_string()),
        ("WorkspaceName", event.workspace_name.clone()),
        ("EventDescription", description(event)),
        ("ResourceType", resource.kind.to_owned()),
        ("ResourceSid", resource.sid.to_string()),
        ("Timestamp", event.at.epoch_secs().to_string()),
        ("TimestampMs", event.at.0.to_string()),
    ];
    let data = data(event).into_iter().map(|(name, held)| (name, held.unwrap_or_default()));
    parameters.extend(data);
    parameters
}

/// What the event is about.
pub fn resource(event: &LoggedEvent, workspace: WorkspaceSid) -> Resource {
    let of = |kind, sid, path| Resource { kind, sid, path: Some(path) };
    let LoggedEvent { task, reservation, worker, setting, .. } = event;
    if let Some(setting) = setting {
        return match setting {
            LoggedSetting::Workspace(one) => {
                Resource { kind: "workspace", sid: one.sid.sid(), path: None }
            }
            LoggedSetting::Activity { activity, .. } => {
                of("activity", activity.sid.sid(), "Activities")
            }
            LoggedSetting::TaskChannel { channel, .. } => {
                of("task-channel", channel.sid.sid(), "TaskChannels")
            }
            LoggedSetting::TaskQueue { queue, .. } => {
                of("task-queue", queue.sid.sid(), "TaskQueues")
            }
            LoggedSetting::Workflow(one) => of("workflow", one.sid.sid(), "Workflows"),
        };
    }
    match (reservation, task, worker) {
        (Some(one), _, _) => of("reservation", one.sid.sid(), "Tasks"),
        (None, Some(task), _) => of("task", task.sid.sid(), "Tasks"),
        (None, None, Some(worker)) => of("worker", worker.sid.sid(), "Workers"),
        (None, None, None) => Resource { kind: "workspace", sid: workspace.sid(), path: None },
    }
}

/// The event in a sentence without a full stop.
pub fn description(event: &LoggedEvent) -> String {
    if let Some(setting) = &event.setting {
        return describe_setting(setting, event.kind);
    }
    match (&event.reservation, &event.task, &event.worker) {
        (Some(one), _, _) => describe_reservation(one, event),
        (None, Some(task), _) => describe_task(task, event.kind),
        (None, None, Some(worker)) => describe_worker(worker, event),
        (None, None, None) => event.kind.as_str().to_owned(),
    }
}

/// What follows the last full stop of the type's name.
fn verb(kind: EventKind) -> &'static str {
    kind.as_str().rsplit('.').next().unwrap_or_default()
}

fn describe_setting(setting: &LoggedSetting, kind: EventKind) -> String {
    let (what, name) = match setting {
        LoggedSetting::Workspace(one) => ("Workspace", &one.name),
        LoggedSetting::Activity { activity, .. } => ("Activity", &activity.name),
        LoggedSetting::TaskChannel { channel, .. } => ("TaskChannel", &channel.name),
        LoggedSetting::TaskQueue { queue, .. } => ("TaskQueue", &queue.name),
        LoggedSetting::Workflow(one) => ("Workflow", &one.name),
    };
    let name = name.as_deref().unwrap_or_default();
    match kind {
        EventKind::TaskQueueExpressionUpdated => {
            format!("{what} {name} target worker expression updated")
        }
        _ => format!("{what} {name} {}", verb(kind)),
    }
}

fn describe_reservation(reservation: &LoggedReservation, event: &LoggedEvent) -> String {
    let worker = event.worker.as_ref().map(|worker| &*worker.friendly_name).unwrap_or_default();
    let what = match event.kind {
        EventKind::ReservationTimeout => "timed out",
        EventKind::ReservationWrapup => "is wrapping up",
        kind => verb(kind),
    };
    format!("Worker {worker} reservation {} {what}", reservation.sid)
}

fn describe_task(task: &LoggedTask, kind: EventKind) -> String {
    let name = |named: &Option<Named<_>>| named.as_ref().and_then(|one| one.name.clone());
    let queue = || name(&task.queue).unwrap_or_default();
    let workflow = || task.workflow.as_ref().and_then(|one| one.name.clone()).unwrap_or_default();
    match kind {
        EventKind::TaskQueueEntered => format!("Task entered TaskQueue {}", queue()),
        EventKind::TaskQueueMoved => format!("Task moved from TaskQueue {}", queue()),
        EventKind::TaskQueueTimeout => format!("Task timed out in TaskQueue {}", queue()),
        EventKind::WorkflowEntered => format!("Task entered Workflow {}", workflow()),
        EventKind::WorkflowTargetMatched => {
            format!("Task matched a target of Workflow {}", workflow())
        }
        EventKind::WorkflowTimeout => format!("Task timed out in Workflow {}", workflow()),
        EventKind::WorkflowSkipped => format!("Task skipped Workflow {}", workflow()),
        EventKind::TaskSystemDeleted => "Task deleted by the system".to_owned(),
        _ => match task.reason.as_deref() {
            // The reasons of our own are whole sentences.
            Some(reason) if reason.starts_with("Task ") => reason.to_owned(),
            Some(reason) if is_an_end(kind) => format!("Task {}: {reason}", verb(kind)),
            _ => format!("Task {}", verb(kind).replace('-', " ")),
        },
    }
}

const fn is_an_end(kind: EventKind) -> bool {
    matches!(kind, EventKind::TaskCanceled | EventKind::TaskCompleted | EventKind::TaskWrapup)
}

fn describe_worker(worker: &LoggedWorker, event: &LoggedEvent) -> String {
    let name = &worker.friendly_name;
    let channel = event.worker_channel.as_ref();
    let channel_name = channel.and_then(|one| one.task_channel.name.as_deref()).unwrap_or_default();
    match event.kind {
        EventKind::WorkerActivityUpdate => {
            let activity = worker.activity.name.as_deref().unwrap_or_default();
            format!("Worker {name} updated to {activity} Activity")
        }
        EventKind::WorkerAttributesUpdate => format!("Worker {name} attributes updated"),
        EventKind::WorkerCapacityUpdate => {
            let capacity = channel.map_or(0, |one| one.configured_capacity);
            format!("Worker {name} capacity on channel {channel_name} updated to {capacity}")
        }
        EventKind::WorkerChannelAvailabilityUpdate => {
            let open = if channel.is_some_and(|one| one.available) { "" } else { "un" };
            format!("Worker {name} {open}available on channel {channel_name}")
        }
        kind => format!("Worker {name} {}", verb(kind)),
    }
}

/// The groups of data of the event's type. To REST they are snake_case; see [`key`].
pub fn data(event: &LoggedEvent) -> Vec<Datum> {
    let mut data = Vec::with_capacity(24);
    if let Some(task) = &event.task {
        of_task(&mut data, task, event);
    }
    if let Some(one) = &event.reservation {
        data.push(("ReservationSid", Some(one.sid.to_string())));
    }
    if let Some(worker) = &event.worker {
        of_worker(&mut data, worker);
    }
    if let Some(channel) = &event.worker_channel {
        of_worker_channel(&mut data, channel);
    }
    match event.before {
        None => {}
        Some(Before::Activity { sid, time_in }) => data.extend([
            ("WorkerTimeInPreviousActivity", Some((time_in.0 / 1000).to_string())),
            ("WorkerTimeInPreviousActivityMs", Some(time_in.0.to_string())),
            ("WorkerPreviousActivitySid", Some(sid.to_string())),
        ]),
        Some(Before::Capacity(before)) => {
            data.push(("WorkerChannelPreviousCapacity", Some(before.to_string())));
        }
    }
    if let Some(setting) = &event.setting {
        of_setting(&mut data, setting, event.kind);
    }
    data
}

fn of_task(data: &mut Vec<Datum>, task: &LoggedTask, event: &LoggedEvent) {
    let age_ms = (task.ended_at.unwrap_or(event.at) - task.created_at).0;
    let reason =
        |wanted: &[TaskStatus]| task.reason.clone().filter(|_| wanted.contains(&task.status));
    data.extend([
        ("TaskSid", Some(task.sid.to_string())),
        ("TaskAttributes", Some(task.attributes.text().to_owned())),
        ("TaskAge", Some((age_ms.max(0) / 1000).to_string())),
        ("TaskPriority", Some(task.priority.to_string())),
        ("TaskAssignmentStatus", Some(task.status.as_str().to_owned())),
        ("TaskCanceledReason", reason(&[TaskStatus::Canceled])),
        ("TaskCompletedReason", reason(&[TaskStatus::Completed, TaskStatus::Wrapping])),
        ("TaskVersion", Some(task.version.to_string())),
        ("TaskDateCreated", Some(task.created_at.epoch_secs().to_string())),
        ("TaskChannelSid", Some(task.task_channel.sid.to_string())),
        ("TaskChannelUniqueName", task.task_channel.name.clone()),
    ]);
    let queue = task.queue.as_ref();
    data.extend([
        ("TaskQueueSid", queue.map(|queue| queue.sid.to_string())),
        ("TaskQueueName", queue.and_then(|queue| queue.name.clone())),
        ("TaskQueueEnteredDate", seconds(task.queue_entered_at)),
    ]);
    let workflow = task.workflow.as_ref();
    data.extend([
        ("WorkflowSid", workflow.map(|workflow| workflow.sid.to_string())),
        ("WorkflowName", workflow.and_then(|workflow| workflow.name.clone())),
    ]);
    let known = task.known_worker.map(|sid| ("KnownWorkerSid", Some(sid.to_string())));
    data.extend(known);
}

fn seconds(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.epoch_secs().to_string())
}

fn of_worker(data: &mut Vec<Datum>, worker: &LoggedWorker) {
    data.extend([
        ("WorkerSid", Some(worker.sid.to_string())),
        ("WorkerName", Some(worker.friendly_name.clone())),
        ("WorkerAttributes", Some(worker.attributes.text().to_owned())),
        ("WorkerActivitySid", Some(worker.activity.sid.to_string())),
        ("WorkerActivityName", worker.activity.name.clone()),
        ("WorkerVersion", Some(worker.version.to_string())),
        ("OperatingUnitSid", None),
    ]);
}

fn of_worker_channel(data: &mut Vec<Datum>, channel: &LoggedWorkerChannel) {
    let free = channel.configured_capacity.saturating_sub(channel.open_reservations);
    data.extend([
        ("WorkerChannelAvailable", Some(channel.available.to_string())),
        ("WorkerChannelAvailableCapacity", Some(free.to_string())),
        ("WorkerChannelTaskCount", Some(channel.assigned_tasks.to_string())),
        ("TaskChannelSid", Some(channel.task_channel.sid.to_string())),
        ("TaskChannelUniqueName", channel.task_channel.name.clone()),
    ]);
}

fn of_setting(data: &mut Vec<Datum>, setting: &LoggedSetting, kind: EventKind) {
    match setting {
        // Its names are among what every event has.
        LoggedSetting::Workspace(_) => {}
        LoggedSetting::Activity { activity, available } => data.extend([
            ("ActivitySid", Some(activity.sid.to_string())),
            ("ActivityName", activity.name.clone()),
            ("ActivityAvailable", Some(available.to_string())),
        ]),
        LoggedSetting::TaskChannel { channel, unique_name, optimized_routing } => data.extend([
            ("TaskChannelSid", Some(channel.sid.to_string())),
            ("TaskChannelName", channel.name.clone()),
            ("TaskChannelUniqueName", Some(unique_name.clone())),
            ("TaskChannelOptimizedRouting", Some(optimized_routing.to_string())),
        ]),
        LoggedSetting::TaskQueue { queue, target_workers } => {
            data.extend([
                ("TaskQueueSid", Some(queue.sid.to_string())),
                ("TaskQueueName", queue.name.clone()),
                ("TaskQueueTargetExpression", Some(target_workers.clone())),
            ]);
            if kind == EventKind::TaskQueueCreated {
                data.push(("OperatingUnitSid", None));
            }
        }
        LoggedSetting::Workflow(one) => data.extend([
            ("WorkflowSid", Some(one.sid.to_string())),
            ("WorkflowName", one.name.clone()),
        ]),
    }
}

/// A name of the wire as REST writes it: `TaskSid` as `task_sid`.
pub fn key(name: &str) -> String {
    let mut key = String::with_capacity(name.len() + 4);
    for (place, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && place > 0 {
            key.push('_');
        }
        key.push(letter.to_ascii_lowercase());
    }
    key
}

#[cfg(test)]
mod tests;
