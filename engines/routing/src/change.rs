//! What happened to a workspace: stored, published, replayed. The only way its state moves.
//!
//! * Past tense, one variant per thing that happened; never edited, only added to.
//! * Every time, id and version is in the change: applying it decides nothing.

use crate::{
    capacity::CapacityRules,
    model::*,
    ordering::QueueOrdering,
    rows::{ReEvaluation, Settling},
    schedule::Schedule,
};
use base::{Attributes, Timestamp};
use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The workspace was made; its activities and channels follow as changes of their own.
    WorkspaceCreated(Box<Workspace>),
    /// Fields of the workspace changed; this is how it is now.
    WorkspaceUpdated(Box<Workspace>),
    /// The workspace and everything in it is gone.
    WorkspaceDeleted,
    /// An activity was made.
    ActivityCreated(Activity),
    /// An activity was renamed.
    ActivityUpdated(Activity),
    /// An activity is gone.
    ActivityDeleted(ActivitySid),
    /// A task channel was made.
    TaskChannelCreated(TaskChannel),
    /// A task channel changed; this is how it is now.
    TaskChannelUpdated(TaskChannel),
    /// A task channel is gone.
    TaskChannelDeleted(TaskChannelSid),
    /// The capacity matrix changed; this is how it is now.
    CapacityRulesSet(Box<CapacityRules>),
    /// A schedule was made or changed; this is how it is now.
    ScheduleSet(Box<Schedule>),
    /// A schedule is gone.
    ScheduleDeleted(ScheduleSid),
    /// The calendar of a schedule was looked at, because it may have opened or closed.
    ScheduleLooked {
        /// Which.
        schedule: ScheduleSid,
        /// Whether it is open.
        open: bool,
        /// When.
        at: Timestamp,
    },
    /// A worker was made.
    WorkerCreated(Box<Worker>),
    /// A worker has another name.
    WorkerRenamed {
        /// Which.
        worker: WorkerSid,
        /// The name.
        friendly_name: String,
        /// The worker's version since then.
        version: u64,
        /// When.
        at: Timestamp,
    },
    /// A worker has other attributes.
    WorkerAttributesChanged {
        /// Which.
        worker: WorkerSid,
        /// The attributes.
        attributes: Attributes,
        /// The worker's version since then.
        version: u64,
        /// When.
        at: Timestamp,
    },
    /// A worker does something else.
    WorkerActivityChanged {
        /// Which.
        worker: WorkerSid,
        /// The activity.
        activity: ActivitySid,
        /// The worker's version since then.
        version: u64,
        /// When.
        at: Timestamp,
    },
    /// A worker is gone.
    WorkerDeleted(WorkerSid),
    /// A worker's share in a channel changed.
    WorkerChannelUpdated {
        /// Whose.
        worker: WorkerSid,
        /// On which channel.
        task_channel: TaskChannelSid,
        /// Most tasks at one time.
        configured_capacity: u32,
        /// Whether new reservations are made.
        available: bool,
        /// When.
        at: Timestamp,
    },
    /// A queue was made.
    TaskQueueCreated(Box<TaskQueue>),
    /// A queue changed; this is how it is now.
    TaskQueueUpdated(Box<TaskQueue>),
    /// In which order a queue is served changed; this is how it is now.
    QueueOrderingSet(Box<QueueOrdering>),
    /// A queue is gone.
    TaskQueueDeleted(TaskQueueSid),
    /// A workflow was made.
    WorkflowCreated(Box<Workflow>),
    /// A workflow changed; this is how it is now.
    WorkflowUpdated(Box<Workflow>),
    /// A workflow is gone.
    WorkflowDeleted(WorkflowSid),
    /// A task was made; where it waits follows.
    TaskCreated(Box<Task>),
    /// Direct routing put a task where it waits.
    TaskPlaced {
        /// Which.
        task: TaskSid,
        /// The queue it is in, if it is in one.
        queue: Option<TaskQueueSid>,
        /// When.
        at: Timestamp,
    },
    /// A task came to a target of its workflow.
    TargetEntered {
        /// Which.
        task: TaskSid,
        /// Where it stands now.
        walk: Walk,
        /// The queue it is in now.
        queue: TaskQueueSid,
        /// Its priority now.
        priority: u32,
        /// The task's version since then.
        version: u64,
        /// When.
        at: Timestamp,
    },
    /// Somebody changed fields of a task.
    TaskUpdated {
        /// Which.
        task: TaskSid,
        /// Other attributes.
        attributes: Option<Attributes>,
        /// Another priority.
        priority: Option<u32>,
        /// Another kind of work.
        task_channel: Option<TaskChannelSid>,
        /// Another place in the order.
        virtual_start_at: Option<Timestamp>,
        /// The task's version since then.
        version: u64,
        /// When.
        at: Timestamp,
    },
    /// A task was offered: one reservation per worker, all of one batch.
    TaskOffered {
        /// Which.
        task: TaskSid,
        /// The batch, in the order in which workers were chosen.
        reservations: Vec<Reservation>,
        /// When.
        at: Timestamp,
    },
    /// A worker took the task.
    ReservationAccepted {
        /// Which.
        reservation: ReservationSid,
        /// When.
        at: Timestamp,
    },
    /// A worker refused.
    ReservationRejected {
        /// Which.
        reservation: ReservationSid,
        /// When.
        at: Timestamp,
    },
    /// A worker did not answer in time.
    ReservationTimedOut {
        /// Which.
        reservation: ReservationSid,
        /// When.
        at: Timestamp,
    },
    /// The offer was withdrawn because the task ended.
    ReservationCanceled {
        /// Which.
        reservation: ReservationSid,
        /// When.
        at: Timestamp,
    },
    /// Another worker of the batch was faster.
    ReservationRescinded {
        /// Which.
        reservation: ReservationSid,
        /// When.
        at: Timestamp,
    },
    /// The worker went into after-work.
    ReservationWrapped {
        /// Which.
        reservation: ReservationSid,
        /// When.
        at: Timestamp,
    },
    /// The worker is done.
    ReservationCompleted {
        /// Which.
        reservation: ReservationSid,
        /// When.
        at: Timestamp,
    },
    /// An instruction for a reservation is awaited from another URL, or no longer.
    CallbackMoved {
        /// Which.
        reservation: ReservationSid,
        /// From where now.
        callback: Option<Callback>,
    },
    /// A task keeps away from workers for a while, or does so no longer.
    TaskRested {
        /// Which.
        task: TaskSid,
        /// From whom, and until when.
        rest: Rest,
    },
    /// All offers of a task ended without acceptance: it waits again.
    TaskReturned {
        /// Which.
        task: TaskSid,
        /// When.
        at: Timestamp,
    },
    /// A task is in after-work.
    TaskWrapped {
        /// Which.
        task: TaskSid,
        /// Why, if somebody said so.
        reason: Option<String>,
        /// The task's version since then.
        version: u64,
        /// When.
        at: Timestamp,
    },
    /// A task is done.
    TaskCompleted {
        /// Which.
        task: TaskSid,
        /// Why, if somebody said so.
        reason: Option<String>,
        /// The task's version since then.
        version: u64,
        /// When.
        at: Timestamp,
    },
    /// A task was given up.
    TaskCanceled {
        /// Which.
        task: TaskSid,
        /// Why.
        reason: String,
        /// The task's version since then.
        version: u64,
        /// When.
        at: Timestamp,
    },
    /// Somebody removed a task.
    TaskDeleted {
        /// Which.
        task: TaskSid,
        /// When.
        at: Timestamp,
    },
    /// A task was removed because it had been assigned for too long.
    TaskSystemDeleted {
        /// Which.
        task: TaskSid,
        /// When.
        at: Timestamp,
    },
    /// A worker hands a task over; offers to others follow. The task waits for them.
    TransferInitiated {
        /// The transfer, which names the task.
        transfer: Box<Transfer>,
        /// When.
        at: Timestamp,
    },
    /// One of the workers who were offered a task in a transfer to a queue will not have it.
    TransferAttemptFailed {
        /// Of which task.
        task: TaskSid,
        /// Who is not offered it again.
        worker: WorkerSid,
        /// When.
        at: Timestamp,
    },
    /// A transfer is over. Unless somebody took the task it goes back to the queue it came from.
    TransferEnded {
        /// Of which task.
        task: TaskSid,
        /// How: never `initiated`.
        status: TransferStatus,
        /// Why nobody took the task.
        failed_reason: Option<String>,
        /// Where the task stands now.
        task_status: TaskStatus,
        /// The queue it is in now.
        queue: Option<TaskQueueSid>,
        /// When.
        at: Timestamp,
    },
    /// It was said how a task ended for the person who handled it.
    DispositionSet {
        /// Which.
        task: TaskSid,
        /// What was said.
        disposition: Disposition,
    },
    /// Tasks and reservations that ended up to a moment are no longer known.
    EndedForgotten {
        /// The moment.
        until: Timestamp,
    },
    /// More offers can be made than one call makes, or no longer.
    SettlingLeft {
        /// What is left over.
        rest: Option<Settling>,
    },
    /// More tasks go through their workflow again than one call moves, or no longer.
    ReEvaluationLeft {
        /// The workflow.
        workflow: WorkflowSid,
        /// What is left over.
        rest: Option<ReEvaluation>,
    },
    /// Tasks whose expression asks for the time were tried again.
    TimedRetried {
        /// When.
        at: Timestamp,
    },
}

impl Change {
    /// The variant's name, for journals that are read by people.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::WorkspaceCreated(_) => "workspace_created",
            Self::WorkspaceUpdated(_) => "workspace_updated",
            Self::WorkspaceDeleted => "workspace_deleted",
            Self::ActivityCreated(_) => "activity_created",
            Self::ActivityUpdated(_) => "activity_updated",
            Self::ActivityDeleted(_) => "activity_deleted",
            Self::TaskChannelCreated(_) => "task_channel_created",
            Self::TaskChannelUpdated(_) => "task_channel_updated",
            Self::TaskChannelDeleted(_) => "task_channel_deleted",
            Self::CapacityRulesSet(_) => "capacity_rules_set",
            Self::ScheduleSet(_) => "schedule_set",
            Self::ScheduleDeleted(_) => "schedule_deleted",
            Self::ScheduleLooked { .. } => "schedule_looked",
            Self::WorkerCreated(_) => "worker_created",
            Self::WorkerRenamed { .. } => "worker_renamed",
            Self::WorkerAttributesChanged { .. } => "worker_attributes_changed",
            Self::WorkerActivityChanged { .. } => "worker_activity_changed",
            Self::WorkerDeleted(_) => "worker_deleted",
            Self::WorkerChannelUpdated { .. } => "worker_channel_updated",
            Self::TaskQueueCreated(_) => "task_queue_created",
            Self::TaskQueueUpdated(_) => "task_queue_updated",
            Self::QueueOrderingSet(_) => "queue_ordering_set",
            Self::TaskQueueDeleted(_) => "task_queue_deleted",
            Self::WorkflowCreated(_) => "workflow_created",
            Self::WorkflowUpdated(_) => "workflow_updated",
            Self::WorkflowDeleted(_) => "workflow_deleted",
            Self::TaskCreated(_) => "task_created",
            Self::TaskPlaced { .. } => "task_placed",
            Self::TargetEntered { .. } => "target_entered",
            Self::TaskUpdated { .. } => "task_updated",
            Self::TaskOffered { .. } => "task_offered",
            Self::ReservationAccepted { .. } => "reservation_accepted",
            Self::ReservationRejected { .. } => "reservation_rejected",
            Self::ReservationTimedOut { .. } => "reservation_timed_out",
            Self::ReservationCanceled { .. } => "reservation_canceled",
            Self::ReservationRescinded { .. } => "reservation_rescinded",
            Self::ReservationWrapped { .. } => "reservation_wrapped",
            Self::ReservationCompleted { .. } => "reservation_completed",
            Self::CallbackMoved { .. } => "callback_moved",
            Self::TaskRested { .. } => "task_rested",
            Self::TaskReturned { .. } => "task_returned",
            Self::TaskWrapped { .. } => "task_wrapped",
            Self::TaskCompleted { .. } => "task_completed",
            Self::TaskCanceled { .. } => "task_canceled",
            Self::TaskDeleted { .. } => "task_deleted",
            Self::TaskSystemDeleted { .. } => "task_system_deleted",
            Self::TransferInitiated { .. } => "transfer_initiated",
            Self::TransferAttemptFailed { .. } => "transfer_attempt_failed",
            Self::TransferEnded { .. } => "transfer_ended",
            Self::DispositionSet { .. } => "disposition_set",
            Self::EndedForgotten { .. } => "ended_forgotten",
            Self::SettlingLeft { .. } => "settling_left",
            Self::ReEvaluationLeft { .. } => "re_evaluation_left",
            Self::TimedRetried { .. } => "timed_retried",
        }
    }
}
