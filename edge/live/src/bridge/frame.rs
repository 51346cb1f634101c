//! From an event to the one frame that tells it, if the library wants to know it.

use crate::names::lend;
use axum::extract::ws::Utf8Bytes;
use host::Names;
use routing::{ActivitySid, Event, EventKind};
use serde::Serialize;
use wire::bridge::{Frame, Reservation, Task, Transfer, Worker, WorkerChannel};

/// The library adds one to the worker's version when it is told one of these.
pub(crate) const fn bumps_version(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::ReservationCreated
            | EventKind::WorkerCapacityUpdate
            | EventKind::WorkerChannelAvailabilityUpdate
    )
}

/// The activity that the library looks up when it is told this event.
pub(crate) fn activity_shown(event: &Event) -> Option<ActivitySid> {
    match event.kind {
        EventKind::WorkerActivityUpdate => event.worker.as_ref().map(|worker| worker.activity),
        _ => None,
    }
}

/// The frame; `None` for what no worker listens to.
pub(crate) fn text(
    event: &Event,
    worker_name: &str,
    bumps: u64,
    names: &Names,
) -> Option<Utf8Bytes> {
    let kind = event.kind.as_str();
    let names = lend(names);
    let frame = match event.kind {
        EventKind::WorkerActivityUpdate | EventKind::WorkerAttributesUpdate => {
            write(kind, Worker::new(event.worker.as_ref()?, bumps, names))
        }
        EventKind::WorkerCapacityUpdate | EventKind::WorkerChannelAvailabilityUpdate => {
            write(kind, WorkerChannel::new(event.worker_channel.as_ref()?, names))
        }
        EventKind::ReservationCreated
        | EventKind::ReservationAccepted
        | EventKind::ReservationRejected
        | EventKind::ReservationTimeout
        | EventKind::ReservationCanceled
        | EventKind::ReservationRescinded
        | EventKind::ReservationWrapup
        | EventKind::ReservationCompleted => {
            let (reservation, task) = (event.reservation.as_ref()?, event.task.as_ref()?);
            let shown = Reservation::new(reservation, task, Some(worker_name), names, event.at);
            write(kind, shown.handed_over_by(event.transfer.as_deref()))
        }
        EventKind::TaskUpdated
        | EventKind::TaskCanceled
        | EventKind::TaskWrapup
        | EventKind::TaskCompleted => write(kind, Task::new(event.task.as_ref()?, names, event.at)),
        EventKind::TaskTransferInitiated
        | EventKind::TaskTransferAttemptFailed
        | EventKind::TaskTransferCompleted
        | EventKind::TaskTransferFailed
        | EventKind::TaskTransferCanceled => {
            write(kind, Transfer::new(event.transfer.as_ref()?, names))
        }
        EventKind::ActivityCreated
        | EventKind::ActivityUpdated
        | EventKind::ActivityDeleted
        | EventKind::TaskCreated
        | EventKind::TaskDeleted
        | EventKind::TaskSystemDeleted
        | EventKind::TaskChannelCreated
        | EventKind::TaskChannelUpdated
        | EventKind::TaskChannelDeleted
        | EventKind::TaskQueueCreated
        | EventKind::TaskQueueDeleted
        | EventKind::TaskQueueExpressionUpdated
        | EventKind::TaskQueueEntered
        | EventKind::TaskQueueTimeout
        | EventKind::TaskQueueMoved
        | EventKind::WorkerCreated
        | EventKind::WorkerDeleted
        | EventKind::WorkflowCreated
        | EventKind::WorkflowUpdated
        | EventKind::WorkflowDeleted
        | EventKind::WorkflowEntered
        | EventKind::WorkflowTargetMatched
        | EventKind::WorkflowTimeout
        | EventKind::WorkflowSkipped
        | EventKind::WorkspaceCreated
        | EventKind::WorkspaceUpdated
        | EventKind::WorkspaceDeleted => return None,
    };
    Some(frame)
}

/// Any frame as text.
pub(crate) fn write(kind: &str, payload: impl Serialize) -> Utf8Bytes {
    let frame = Frame { event_type: kind, payload };
    routing::json::text(&frame).expect("shapes are plain JSON").into()
}
