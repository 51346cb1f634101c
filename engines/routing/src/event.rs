//! What happened, as the wire tells it: one event per thing a client can listen to.
//!
//! An event carries its entities as they were at that moment, not as they are when it is delivered.

use crate::model::*;
use base::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

/// Announced once the changes it came with are durable, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name: events of a workspace sort by it in the order in which they happened.
    pub sid: EventSid,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// The task, if it concerns one.
    pub task: Option<Task>,
    /// The reservation, if it concerns one.
    pub reservation: Option<Reservation>,
    /// The worker, if it concerns one.
    pub worker: Option<Worker>,
    /// The worker channel, for capacity and availability updates.
    pub worker_channel: Option<WorkerChannel>,
    /// The transfer, if it concerns one: its own events, and those of a reservation made for it.
    pub transfer: Option<Box<Transfer>>,
    /// The setting it is about, if it is about one.
    pub setting: Option<Box<Setting>>,
    /// What it replaced, where that is told and cannot be looked up any more.
    pub before: Option<Before>,
}

/// What a change of a worker replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// Another activity.
    Activity {
        /// Which.
        sid: ActivitySid,
        /// How long the worker was in it.
        time_in: Millis,
    },
    /// The worker channel's configured capacity before.
    Capacity(u32),
}

/// A setting as it was when something happened to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// The workspace.
    Workspace(Workspace),
    /// An activity.
    Activity(Activity),
    /// A task channel.
    TaskChannel(TaskChannel),
    /// A queue.
    TaskQueue(TaskQueue),
    /// A workflow.
    Workflow(Workflow),
}

/// Documented types that only come with voice and transfers; a filter may name them before.
const DOCUMENTED: [&str; 6] = [
    "reservation.failed",
    "task.transfer-initiated",
    "task.transfer-attempt-failed",
    "task.transfer-failed",
    "task.transfer-canceled",
    "task.transfer-completed",
];

impl EventKind {
    /// Whether a workspace wants events of this type posted: where it has a URL, and its filter (a
    /// comma list; none lets all through) names the type.
    pub fn is_posted_by(self, workspace: &Workspace) -> bool {
        let is_named = |filter: &str| filter.split(',').any(|one| one.trim() == self.as_str());
        workspace.event_callback_url.is_some()
            && workspace.events_filter.as_deref().is_none_or(is_named)
    }
}

macro_rules! event_kinds {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// The event types of the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind { $(#[doc = $name] $variant),+ }
        impl EventKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The wire's word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The type of that name, if there is one.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            /// Whether a filter may name it.
            pub fn is_word(text: &str) -> bool {
                Self::named(text).is_some() || DOCUMENTED.contains(&text)
            }
        }
    };
}

event_kinds! {
    ActivityCreated = "activity.created",
    ActivityUpdated = "activity.updated",
    ActivityDeleted = "activity.deleted",
    ReservationCreated = "reservation.created",
    ReservationAccepted = "reservation.accepted",
    ReservationRejected = "reservation.rejected",
    ReservationTimeout = "reservation.timeout",
    ReservationCanceled = "reservation.canceled",
    ReservationRescinded = "reservation.rescinded",
    ReservationWrapup = "reservation.wrapup",
    ReservationCompleted = "reservation.completed",
    TaskCreated = "task.created",
    TaskUpdated = "task.updated",
    TaskCanceled = "task.canceled",
    TaskWrapup = "task.wrapup",
    TaskCompleted = "task.completed",
    TaskDeleted = "task.deleted",
    TaskSystemDeleted = "task.system-deleted",
    TaskTransferInitiated = "task.transfer-initiated",
    TaskTransferAttemptFailed = "task.transfer-attempt-failed",
    TaskTransferCompleted = "task.transfer-completed",
    TaskTransferFailed = "task.transfer-failed",
    TaskTransferCanceled = "task.transfer-canceled",
    TaskChannelCreated = "task-channel.created",
    TaskChannelUpdated = "task-channel.updated",
    TaskChannelDeleted = "task-channel.deleted",
    TaskQueueCreated = "task-queue.created",
    TaskQueueDeleted = "task-queue.deleted",
    TaskQueueExpressionUpdated = "task-queue.expression.updated",
    TaskQueueEntered = "task-queue.entered",
    TaskQueueTimeout = "task-queue.timeout",
    TaskQueueMoved = "task-queue.moved",
    WorkerCreated = "worker.created",
    WorkerDeleted = "worker.deleted",
    WorkerAttributesUpdate = "worker.attributes.update",
    WorkerActivityUpdate = "worker.activity.update",
    WorkerCapacityUpdate = "worker.capacity.update",
    WorkerChannelAvailabilityUpdate = "worker.channel.availability.update",
    WorkflowCreated = "workflow.created",
    WorkflowUpdated = "workflow.updated",
    WorkflowDeleted = "workflow.deleted",
    WorkflowEntered = "workflow.entered",
    WorkflowTargetMatched = "workflow.target-matched",
    WorkflowTimeout = "workflow.timeout",
    WorkflowSkipped = "workflow.skipped",
    WorkspaceCreated = "workspace.created",
    WorkspaceUpdated = "workspace.updated",
    WorkspaceDeleted = "workspace.deleted",
}
