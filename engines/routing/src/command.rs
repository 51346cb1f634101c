//! What the edge asks for, already parsed and authorised, and what it gets back.

use crate::{
    alert::Alert,
    capacity::{CapacityRules, CapacityWarning},
    instruction::{CallInstruction, Instruction},
    model::*,
    ordering::QueueOrdering,
    schedule::ScheduleView,
};
use base::{Attributes, Patch, Sid, Timestamp};
use serde_json::Value;

/// Imperative. Each variant is one route of the edge or one button of a client.
#[derive(Clone, Debug)]
pub enum Command {
    /// The first command of a partition, and only the first.
    CreateWorkspace(NewWorkspace),
    /// Changes fields of the workspace.
    UpdateWorkspace(WorkspacePatch),
    /// Deletes everything in it.
    DeleteWorkspace,
    /// Adds an activity.
    CreateActivity(NewActivity),
    /// Renames it; availability never changes.
    UpdateActivity {
        /// Which.
        sid: ActivitySid,
        /// Its new name.
        friendly_name: Option<String>,
    },
    /// Refused while in use, default or timeout activity.
    DeleteActivity(ActivitySid),
    /// Adds a task channel, and with it a worker channel for each worker.
    CreateTaskChannel(NewTaskChannel),
    /// Changes its name for people or its way of choosing.
    UpdateTaskChannel {
        /// Which.
        channel: ChannelRef,
        /// Its new name.
        friendly_name: Option<String>,
        /// See [`TaskChannel::channel_optimized_routing`].
        channel_optimized_routing: Option<bool>,
    },
    /// Refused while tasks are on it.
    DeleteTaskChannel(ChannelRef),
    /// Replaces the capacity matrix.
    SetCapacity {
        /// The version the caller saw.
        if_match: IfMatch,
        /// `{"rules": […]}`.
        body: Value,
    },
    /// Makes a schedule, or gives one other hours.
    SetSchedule {
        /// Which.
        name: String,
        /// The version the caller saw; 0 for none yet.
        if_match: IfMatch,
        /// `{"timezone": …, "weekly": […], "exceptions": […]}`.
        body: Value,
    },
    /// Removes a schedule; expressions that name it see null.
    DeleteSchedule {
        /// Which.
        name: String,
        /// The version the caller saw.
        if_match: IfMatch,
    },
    /// Adds a worker.
    CreateWorker(NewWorker),
    /// Changes a worker.
    UpdateWorker {
        /// Which.
        sid: WorkerSid,
        /// The version the caller saw.
        if_match: IfMatch,
        /// What changes.
        patch: WorkerPatch,
    },
    /// Refused while the worker has open reservations.
    DeleteWorker {
        /// Which.
        sid: WorkerSid,
        /// The version the caller saw.
        if_match: IfMatch,
    },
    /// Changes a worker's share in a channel.
    UpdateWorkerChannel {
        /// Whose.
        worker: WorkerSid,
        /// On which channel.
        channel: WorkerChannelRef,
        /// Most tasks at one time.
        capacity: Option<u32>,
        /// Whether new reservations are made.
        available: Option<bool>,
    },
    /// Adds a queue.
    CreateTaskQueue(NewTaskQueue),
    /// Changes a queue.
    UpdateTaskQueue {
        /// Which.
        sid: TaskQueueSid,
        /// What changes.
        patch: TaskQueuePatch,
    },
    /// Refused while it holds tasks or a workflow names it.
    DeleteTaskQueue(TaskQueueSid),
    /// Sets in which order a queue is served.
    SetOrdering {
        /// Which.
        queue: TaskQueueSid,
        /// The version the caller saw.
        if_match: IfMatch,
        /// `{"by": …}`.
        body: Value,
    },
    /// Adds a workflow.
    CreateWorkflow(NewWorkflow),
    /// Changes a workflow.
    UpdateWorkflow {
        /// Which.
        sid: WorkflowSid,
        /// What changes.
        patch: WorkflowPatch,
    },
    /// Refused while live tasks run under it.
    DeleteWorkflow(WorkflowSid),
    /// Adds a task and tries to assign it at once.
    CreateTask(NewTask),
    /// Changes a task.
    UpdateTask {
        /// Which.
        sid: TaskSid,
        /// The version the caller saw.
        if_match: IfMatch,
        /// What changes.
        patch: TaskPatch,
    },
    /// Removes a task in any state.
    DeleteTask {
        /// Which.
        sid: TaskSid,
        /// The version the caller saw.
        if_match: IfMatch,
    },
    /// Answers an offer, or ends the work on it.
    UpdateReservation {
        /// Which.
        sid: ReservationSid,
        /// The task or worker it was addressed through; another one's reservation is unknown there.
        owner: ReservationOwner,
        /// The version the caller saw.
        if_match: IfMatch,
        /// What happens to it.
        step: ReservationStep,
    },
    /// What a callback URL said about a reservation, if it said anything.
    AnswerCallback {
        /// Which.
        reservation: ReservationSid,
        /// Which URL was asked.
        stage: CallbackStage,
        /// What it said.
        answer: CallbackAnswer,
    },
    /// Hands an assigned task over to a worker or a queue.
    CreateTransfer(NewTransfer),
    /// Calls a transfer off: the task stays with who has it.
    CancelTransfer {
        /// Which.
        sid: TransferSid,
        /// Of which task.
        task: TaskSid,
    },
    /// Asks the workflow's callback URL for an instruction once more; only while the reservation is
    /// pending.
    AskCallback {
        /// About which.
        reservation: ReservationSid,
    },
    /// Says how a task ended for the person who handled it. Not a change of attributes.
    SetDisposition {
        /// Of which task: assigned, wrapping or completed.
        task: TaskSid,
        /// One of the codes in use.
        code: String,
        /// Free text.
        note: Option<String>,
    },
}

/// What the edge is answered: the entity as the command left it.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Nothing left to show.
    Done,
    /// The workspace.
    Workspace(Workspace),
    /// The activity.
    Activity(Activity),
    /// The task channel.
    TaskChannel(TaskChannel),
    /// The capacity matrix, and likely mistakes in it.
    Capacity(CapacityRules, Vec<CapacityWarning>),
    /// The schedule.
    Schedule(Box<ScheduleView>),
    /// The worker.
    Worker(Worker),
    /// The worker channel.
    WorkerChannel(WorkerChannel),
    /// The queue.
    TaskQueue(TaskQueue),
    /// The queue's ordering.
    Ordering(QueueOrdering),
    /// The workflow.
    Workflow(Workflow),
    /// The task.
    Task(Task),
    /// The reservation with its task, and its worker's friendly name.
    Reservation(Reservation, Task, String),
    /// What became of a callback's answer.
    Callback(Followed),
    /// The transfer.
    Transfer(Box<Transfer>),
}

/// What became of a callback's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// It was followed; an alert may say what was odd about it.
    Done(Option<Alert>),
    /// It could not be followed: the reservation stays pending.
    Refused(Alert),
    /// It came too late: the reservation is settled, or the other URL is asked. Nothing changed.
    Late(Option<Alert>),
}

/// What a callback URL said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackAnswer {
    /// To do this.
    Do(Instruction),
    /// Nothing: the reservation waits for somebody else.
    Nothing,
    /// No usable answer.
    Failed,
}

/// What the caller's `If-Match` said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfMatch {
    /// No header: last write wins.
    #[default]
    Any,
    /// This version.
    Version(u64),
    /// Something that is nobody's version.
    Nothing,
}

/// A task channel by SID or unique name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelRef {
    /// By SID.
    Sid(TaskChannelSid),
    /// By unique name.
    Name(String),
}

/// A worker channel by SID or by its task channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerChannelRef {
    /// By SID.
    Sid(WorkerChannelSid),
    /// By the task channel.
    Channel(ChannelRef),
}

/// Through which resource a reservation was addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservationOwner {
    /// `/Tasks/{WT}/Reservations/{WR}`.
    Task(TaskSid),
    /// `/Workers/{WK}/Reservations/{WR}`.
    Worker(WorkerSid),
}

/// What happens to a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReservationStep {
    /// Pending → accepted.
    Accept,
    /// Pending → rejected; the worker may change activity in the same breath.
    Reject {
        /// The worker's activity after it.
        activity: Option<ActivitySid>,
    },
    /// Accepted → wrapping.
    Wrap,
    /// Accepted or wrapping → completed.
    Complete,
    /// An instruction that needs a call.
    Call(CallInstruction),
}

impl From<Instruction> for ReservationStep {
    fn from(instruction: Instruction) -> Self {
        match instruction {
            Instruction::Accept => Self::Accept,
            Instruction::Reject { activity } => Self::Reject { activity },
            Instruction::Call(call) => Self::Call(call),
        }
    }
}

/// A new workspace.
#[derive(Clone, Debug, Default)]
pub struct NewWorkspace {
    /// Its name; minted by the host because it also names the partition.
    pub sid: Option<WorkspaceSid>,
    /// The account that owns it.
    pub account: Option<Sid>,
    /// Its name for people.
    pub friendly_name: String,
    /// See [`Workspace::event_callback_url`].
    pub event_callback_url: Option<String>,
    /// See [`Workspace::events_filter`].
    pub events_filter: Option<String>,
    /// Default true.
    pub multi_task_enabled: Option<bool>,
    /// Default FIFO.
    pub prioritize_queue_order: Option<TaskOrder>,
    /// Also make a queue for everybody and a workflow that leads there.
    pub template: Template,
}

/// What a new workspace starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Template {
    /// Activities and channels only.
    #[default]
    None,
    /// One queue that accepts every worker, one workflow that points at it.
    Fifo,
}

/// Fields of a workspace to change.
#[derive(Clone, Debug, Default)]
pub struct WorkspacePatch {
    /// New name.
    pub friendly_name: Option<String>,
    /// New URL.
    pub event_callback_url: Patch<String>,
    /// New filter.
    pub events_filter: Patch<String>,
    /// New default activity.
    pub default_activity: Option<ActivitySid>,
    /// New timeout activity.
    pub timeout_activity: Option<ActivitySid>,
    /// Cannot go back to false.
    pub multi_task_enabled: Option<bool>,
    /// New precedence.
    pub prioritize_queue_order: Option<TaskOrder>,
    /// See [`Workspace::after_last_target`].
    pub after_last_target: Option<AfterLastTarget>,
}

/// A new activity.
#[derive(Clone, Debug, Default)]
pub struct NewActivity {
    /// Its name.
    pub friendly_name: String,
    /// Whether workers in it are offered work.
    pub available: bool,
}

/// A new task channel.
#[derive(Clone, Debug, Default)]
pub struct NewTaskChannel {
    /// Its name in expressions.
    pub unique_name: String,
    /// Its name for people.
    pub friendly_name: String,
    /// See [`TaskChannel::channel_optimized_routing`].
    pub channel_optimized_routing: bool,
}

/// A new worker.
#[derive(Clone, Debug, Default)]
pub struct NewWorker {
    /// Its name.
    pub friendly_name: String,
    /// Its activity; the workspace's default where absent.
    pub activity: Option<ActivitySid>,
    /// What expressions ask.
    pub attributes: Attributes,
}

/// Fields of a worker to change.
#[derive(Clone, Debug, Default)]
pub struct WorkerPatch {
    /// New name.
    pub friendly_name: Option<String>,
    /// New activity.
    pub activity: Option<ActivitySid>,
    /// New attributes: the whole document, no merge.
    pub attributes: Option<Attributes>,
    /// Reject what is pending; only together with an unavailable activity.
    pub reject_pending_reservations: bool,
}

/// A new queue.
#[derive(Clone, Debug, Default)]
pub struct NewTaskQueue {
    /// Its name.
    pub friendly_name: String,
    /// `None` means `1==1`; empty selects nobody.
    pub target_workers: Option<String>,
    /// Default FIFO.
    pub task_order: Option<TaskOrder>,
    /// Default 1.
    pub max_reserved_workers: Option<u32>,
    /// Single-tasking only.
    pub reservation_activity: Option<ActivitySid>,
    /// Single-tasking only.
    pub assignment_activity: Option<ActivitySid>,
}

/// Fields of a queue to change.
#[derive(Clone, Debug, Default)]
pub struct TaskQueuePatch {
    /// New name.
    pub friendly_name: Option<String>,
    /// New expression.
    pub target_workers: Option<String>,
    /// New order.
    pub task_order: Option<TaskOrder>,
    /// New maximum.
    pub max_reserved_workers: Option<u32>,
    /// New activity.
    pub reservation_activity: Patch<ActivitySid>,
    /// New activity.
    pub assignment_activity: Patch<ActivitySid>,
}

/// A new workflow.
#[derive(Clone, Debug, Default)]
pub struct NewWorkflow {
    /// Its name.
    pub friendly_name: String,
    /// JSON.
    pub configuration: String,
    /// See [`Workflow`].
    pub assignment_callback_url: Option<String>,
    /// See [`Workflow`].
    pub fallback_assignment_callback_url: Option<String>,
    /// Default 120.
    pub task_reservation_timeout_s: Option<u32>,
}

/// Fields of a workflow to change.
#[derive(Clone, Debug, Default)]
pub struct WorkflowPatch {
    /// New name.
    pub friendly_name: Option<String>,
    /// New configuration; tasks already under way keep the old one.
    pub configuration: Option<String>,
    /// New URL.
    pub assignment_callback_url: Patch<String>,
    /// New URL.
    pub fallback_assignment_callback_url: Patch<String>,
    /// New timeout.
    pub task_reservation_timeout_s: Option<u32>,
    /// Drive pending tasks through the new configuration.
    pub re_evaluate_tasks: bool,
}

/// A new task.
#[derive(Clone, Debug, Default)]
pub struct NewTask {
    /// What expressions ask.
    pub attributes: Attributes,
    /// May be left out when the workspace has exactly one.
    pub workflow: Option<WorkflowSid>,
    /// `default` where absent.
    pub task_channel: Option<ChannelRef>,
    /// Default 0.
    pub priority: Option<u32>,
    /// Default 86 400.
    pub timeout_s: Option<u32>,
    /// Default: creation.
    pub virtual_start_at: Option<Timestamp>,
    /// Direct routing to a worker, queue or workflow.
    pub routing_target: Option<Sid>,
    /// Default true for a worker target.
    pub ignore_capacity: Option<bool>,
    /// The queue the task is accounted in under direct routing to a worker.
    pub queue: Option<TaskQueueSid>,
}

/// A new transfer.
#[derive(Clone, Debug)]
pub struct NewTransfer {
    /// What is handed over.
    pub task: TaskSid,
    /// The accepted reservation of the worker who hands it over.
    pub reservation: ReservationSid,
    /// That worker, where the request came through it.
    pub worker: Option<WorkerSid>,
    /// To whom.
    pub to: TransferTarget,
    /// Whether the worker who hands it over stays until it was taken.
    pub mode: TransferMode,
    /// The task's attributes from now on: the whole document, no merge.
    pub attributes: Option<Attributes>,
    /// The task's priority from now on.
    pub priority: Option<u32>,
}

/// Fields of a task to change.
#[derive(Clone, Debug, Default)]
pub struct TaskPatch {
    /// New attributes: the whole document, no merge. Drives a pending task through its workflow
    /// again.
    pub attributes: Option<Attributes>,
    /// New status: canceled, wrapping or completed.
    pub status: Option<TaskStatus>,
    /// Required with canceled and completed.
    pub reason: Option<String>,
    /// New priority.
    pub priority: Option<u32>,
    /// New channel, while pending.
    pub task_channel: Option<ChannelRef>,
    /// New ordering time.
    pub virtual_start_at: Option<Timestamp>,
}
