//! What a workspace consists of: plain public fields, no methods that decide.
//!
//! These values are also the stored rows: a change of shape is a change of the stored format.

use base::{Attributes, Sid, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

base::sid_kinds! {
    /// A workspace.
    WorkspaceSid = "WS",
    /// An activity.
    ActivitySid = "WA",
    /// A task channel.
    TaskChannelSid = "TC",
    /// A worker.
    WorkerSid = "WK",
    /// A worker's share in a task channel.
    WorkerChannelSid = "WC",
    /// A task queue.
    TaskQueueSid = "WQ",
    /// A workflow.
    WorkflowSid = "WW",
    /// A task.
    TaskSid = "WT",
    /// A reservation.
    ReservationSid = "WR",
    /// A schedule: opening hours.
    ScheduleSid = "SH",
    /// Something that happened, as clients are told.
    EventSid = "EV",
    /// A task on its way from one worker to another, or to a queue.
    TransferSid = "TT",
}

/// In which order a queue is served, and which kind of queue is served first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TaskOrder {
    /// Priority, then oldest first.
    #[default]
    Fifo,
    /// Newest first, priority ignored.
    Lifo,
}

/// What becomes of a task whose filter has no target left in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterLastTarget {
    /// It goes on to the next filter below that matches; without one it is canceled.
    #[default]
    NextFilter,
    /// It is canceled at once.
    Cancel,
}

impl AfterLastTarget {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The workspace itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its name for programs.
    pub sid: WorkspaceSid,
    /// The account that owns it (`AC…`).
    pub account: Sid,
    /// Its name for people.
    pub friendly_name: String,
    /// Where events are to be posted.
    pub event_callback_url: Option<String>,
    /// Comma-separated event types to post; `None` means all.
    pub events_filter: Option<String>,
    /// Given to a new worker that names none.
    pub default_activity: ActivitySid,
    /// Given to a worker who let a reservation time out.
    pub timeout_activity: ActivitySid,
    /// Whether a worker may hold more than one reservation.
    pub multi_task_enabled: bool,
    /// Which kind of queue a worker of both kinds is served from first.
    pub prioritize_queue_order: TaskOrder,
    /// What becomes of a task when the time of its filter's last target has passed.
    #[serde(default, skip_serializing_if = "AfterLastTarget::is_default")]
    pub after_last_target: AfterLastTarget,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a field last changed.
    pub updated_at: Timestamp,
}

/// What a worker can be doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its name for programs.
    pub sid: ActivitySid,
    /// Its name for people.
    pub friendly_name: String,
    /// Whether workers in it are offered work. Never changes.
    pub available: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a field last changed.
    pub updated_at: Timestamp,
}

/// A kind of work: voice, chat, …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskChannel {
    /// Its name for programs.
    pub sid: TaskChannelSid,
    /// Its name in expressions: letters, digits, `_`, `$`, not starting with a digit.
    pub unique_name: String,
    /// Its name for people.
    pub friendly_name: String,
    /// Prefer the worker idle longest on this channel.
    pub channel_optimized_routing: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a field last changed.
    pub updated_at: Timestamp,
}

/// A person (or program) who takes tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Its name for programs.
    pub sid: WorkerSid,
    /// Its name for people; unique in the workspace without regard to case.
    pub friendly_name: String,
    /// What expressions ask.
    pub attributes: Attributes,
    /// What the worker is doing.
    pub activity: ActivitySid,
    /// The ETag: 0 for a new worker, then one more for each visible change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a field last changed.
    pub updated_at: Timestamp,
    /// When the activity last changed.
    pub status_changed_at: Timestamp,
}

/// A worker's share in a task channel, with its load at the moment it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerChannel {
    /// Its name for programs; follows from worker and channel.
    pub sid: WorkerChannelSid,
    /// The worker.
    pub worker: WorkerSid,
    /// The task channel.
    pub task_channel: TaskChannelSid,
    /// Most tasks at one time; 0 blocks the channel.
    pub configured_capacity: u32,
    /// `false` blocks new reservations and keeps the capacity for later.
    pub available: bool,
    /// Reservations in state accepted.
    pub assigned_tasks: u32,
    /// Reservations in state pending, accepted or wrapping: what capacity is spent on.
    pub open_reservations: u32,
    /// When the newest reservation on the channel was made.
    pub last_reserved_at: Option<Timestamp>,
    /// When worker and channel first met.
    pub created_at: Timestamp,
    /// When capacity or availability last changed.
    pub updated_at: Timestamp,
}

impl WorkerChannel {
    /// `floor((capacity − open) × 100 ÷ capacity)`, never below 0; 0 for a capacity of 0.
    pub fn available_capacity_percentage(&self) -> u32 {
        let free = self.configured_capacity.saturating_sub(self.open_reservations);
        (free * 100).checked_div(self.configured_capacity).unwrap_or(0)
    }
}

/// A line of tasks and the workers who may take them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskQueue {
    /// Its name for programs.
    pub sid: TaskQueueSid,
    /// Its name for people.
    pub friendly_name: String,
    /// Expression over worker attributes; empty selects nobody.
    pub target_workers: String,
    /// In which order its tasks are served.
    pub task_order: TaskOrder,
    /// Workers one task is offered to at once.
    pub max_reserved_workers: u32,
    /// Single-tasking: activity while reserved.
    pub reservation_activity: Option<ActivitySid>,
    /// Single-tasking: activity while assigned.
    pub assignment_activity: Option<ActivitySid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a field last changed.
    pub updated_at: Timestamp,
}

/// The rules that put tasks in queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workflow {
    /// Its name for programs.
    pub sid: WorkflowSid,
    /// Its name for people.
    pub friendly_name: String,
    /// JSON, as it was sent.
    pub configuration: String,
    /// Counts the configurations it had; tasks keep the one they entered under.
    pub revision: u32,
    /// Asked for an instruction when a reservation is made.
    pub assignment_callback_url: Option<String>,
    /// Asked when the first does not answer.
    pub fallback_assignment_callback_url: Option<String>,
    /// Seconds a worker has to answer an offer.
    pub task_reservation_timeout_s: u32,
    /// The configuration's media type.
    pub document_content_type: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a field last changed.
    pub updated_at: Timestamp,
}

/// Where a task stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Waits for a worker.
    Pending,
    /// Offered to one worker or several.
    Reserved,
    /// Taken.
    Assigned,
    /// The worker is in after-work.
    Wrapping,
    /// Done.
    Completed,
    /// Given up.
    Canceled,
}

impl TaskStatus {
    /// The wire's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Reserved => "reserved",
            Self::Assigned => "assigned",
            Self::Wrapping => "wrapping",
            Self::Completed => "completed",
            Self::Canceled => "canceled",
        }
    }

    /// Completed or canceled.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Canceled)
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a task stands in its workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// The configuration the task entered under.
    pub revision: u32,
    /// Index of the filter; `None` is the default filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<u32>,
    /// Index of the target within the filter.
    pub target: u32,
    /// When the target is given up, if it ever is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// Entry into the workflow plus the timeouts of the targets already passed: deadlines run on
    /// the age of the task.
    pub clock: Timestamp,
    /// When the task entered the workflow, once it has left a target; until then that is `clock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered_at: Option<Timestamp>,
    /// The targets it has left since then, newest last; of very many, the newest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<Passed>,
}

/// A target that a task has left without being taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Index of the filter; `None` is the default filter.
    pub filter: Option<u32>,
    /// Index of the target within the filter.
    pub target: u32,
    /// When.
    pub at: Timestamp,
    /// Why: `None` because its time ran out, else because its `skip_if` held for these counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<MemberCounts>,
}

/// How many members of a queue were in which activity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberCounts {
    /// In an available activity.
    pub available: i64,
    /// In an unavailable activity.
    pub unavailable: i64,
    /// In each activity; one that is not listed has none.
    pub by_activity: Vec<(ActivitySid, i64)>,
}

/// How a task ended for the person who handled it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// One of the codes in use, e.g. `resolved`.
    pub code: String,
    /// Free text.
    pub note: Option<String>,
    /// When it was set.
    pub set_at: Timestamp,
}

/// A piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its name for programs.
    pub sid: TaskSid,
    /// What expressions ask.
    pub attributes: Attributes,
    /// Where it stands.
    pub status: TaskStatus,
    /// Larger is served first in FIFO queues.
    pub priority: u32,
    /// Why it was canceled or completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The queue it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<TaskQueueSid>,
    /// When it entered that queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_entered_at: Option<Timestamp>,
    /// The workflow it was created against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowSid>,
    /// Where it stands in that workflow; `None` under direct routing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walk: Option<Walk>,
    /// The kind of work.
    pub task_channel: TaskChannelSid,
    /// Seconds from creation until it is canceled if nobody took it.
    pub timeout_s: u32,
    /// Replaces creation time for ordering.
    pub virtual_start_at: Timestamp,
    /// Direct routing: a worker, queue or workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_target: Option<Sid>,
    /// Direct routing to a worker regardless of capacity and availability.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_capacity: bool,
    /// Moves from pending to reserved so far.
    pub attempts: u32,
    /// How it ended for the person who handled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Box<Disposition>>,
    /// The transfer that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Box<Transfer>>,
    /// The ETag: 0 for a new task, then one more for each visible change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a field last changed.
    pub updated_at: Timestamp,
    /// When it was assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_at: Option<Timestamp>,
    /// When it was completed, canceled or deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Offers of it that came to nothing because nobody could be asked for an instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Box<Rest>>,
}

/// A task keeps away for a while from workers whose offers failed, so that dead callback URLs do
/// not use up its attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// From whom it keeps away; `None` once the time is over.
    pub from: Option<Resting>,
    /// Until when.
    pub until: Timestamp,
    /// Offers that failed so far: each doubles the time.
    pub failures: u32,
}

/// Whom a task is not offered to for a while.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resting {
    /// These.
    Workers(Vec<WorkerSid>),
    /// Nobody is worth a try: so many failed that it is not the worker.
    Everybody,
}

impl Resting {
    /// Whether this worker is not offered the task.
    pub fn includes(&self, worker: WorkerSid) -> bool {
        match self {
            Self::Workers(workers) => workers.contains(&worker),
            Self::Everybody => true,
        }
    }
}

impl Task {
    /// The target of a workflow in which the task stands or waits, with its expression, order and
    /// deadline. The walk ends with the first acceptance: whoever is found afterwards is found by
    /// transfer or in the queue as it is.
    pub fn current_walk(&self) -> Option<&Walk> {
        self.walk.as_ref().filter(|_| self.assigned_at.is_none())
    }
}

/// Where a reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationStatus {
    /// Waits for the worker.
    Pending,
    /// Work started.
    Accepted,
    /// Refused.
    Rejected,
    /// No answer in time.
    Timeout,
    /// The task was canceled, or set-up failed.
    Canceled,
    /// Another worker of the batch accepted.
    Rescinded,
    /// After-work.
    Wrapping,
    /// Done.
    Completed,
}

impl ReservationStatus {
    /// The wire's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Rescinded => "rescinded",
            Self::Wrapping => "wrapping",
            Self::Completed => "completed",
        }
    }

    /// Pending, accepted or wrapping: it takes a place of the worker's capacity.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Accepted | Self::Wrapping)
    }
}

impl fmt::Display for ReservationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One task offered to one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its name for programs.
    pub sid: ReservationSid,
    /// What is offered.
    pub task: TaskSid,
    /// To whom.
    pub worker: WorkerSid,
    /// Where it stands.
    pub status: ReservationStatus,
    /// Seconds the worker has to answer.
    pub timeout_s: u32,
    /// When the offer runs out.
    pub expires_at: Timestamp,
    /// The transfer it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferSid>,
    /// The ETag: 0 for a new reservation, then one more for each change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Which callback an instruction is awaited from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<Callback>,
}

/// An instruction that is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// From which URL.
    pub stage: CallbackStage,
    /// When silence counts as failure.
    pub until: Timestamp,
}

/// Which of a workflow's two callback URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackStage {
    /// The assignment callback URL.
    First,
    /// The fallback, asked when the first failed.
    Fallback,
}

impl CallbackStage {
    /// A word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Fallback => "fallback",
        }
    }
}

/// Whether the worker who hands a task over stays until it was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TransferMode {
    /// Stays, and leaves by itself.
    #[default]
    Warm,
    /// Goes into after-work at once.
    Cold,
}

/// Where a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferStatus {
    /// Under way.
    Initiated,
    /// Somebody took the task.
    Complete,
    /// Nobody took it.
    Failed,
    /// Called off.
    Canceled,
}

impl TransferStatus {
    /// The wire's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// To whom a task is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferTarget {
    /// To this worker.
    Worker(WorkerSid),
    /// To whoever of this queue takes it.
    Queue(TaskQueueSid),
}

impl TransferTarget {
    /// The worker's or the queue's.
    pub fn sid(self) -> Sid {
        match self {
            Self::Worker(sid) => sid.sid(),
            Self::Queue(sid) => sid.sid(),
        }
    }

    /// What a SID names; `None` for one that is neither a worker's nor a queue's.
    pub fn of(sid: Sid) -> Option<Self> {
        match sid.kind() {
            WorkerSid::KIND => Some(Self::Worker(WorkerSid::new(sid.body()))),
            TaskQueueSid::KIND => Some(Self::Queue(TaskQueueSid::new(sid.body()))),
            _ => None,
        }
    }

    /// The wire's word.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Worker(_) => "WORKER",
            Self::Queue(_) => "QUEUE",
        }
    }
}

/// A task on its way from one worker to another, or to a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its name for programs.
    pub sid: TransferSid,
    /// What is handed over.
    pub task: TaskSid,
    /// Whether the worker who hands it over stays until it was taken.
    pub mode: TransferMode,
    /// To whom.
    pub to: TransferTarget,
    /// Where it stands.
    pub status: TransferStatus,
    /// Why nobody took the task.
    pub failed_reason: Option<String>,
    /// The reservation of the worker who hands the task over.
    pub initiating_reservation: ReservationSid,
    /// The worker who hands it over.
    pub initiating_worker: WorkerSid,
    /// The queue the task was in, and comes back to if nobody takes it.
    pub initiating_queue: Option<TaskQueueSid>,
    /// The workflow of the task.
    pub initiating_workflow: Option<WorkflowSid>,
    /// Who is not offered the task: those who hold it, and those who were offered it already.
    pub passed_over: Vec<WorkerSid>,
    /// Offers of it that came to nothing.
    pub attempts_failed: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}

/// The SID of a worker's share in a channel. It follows from the two, so nothing has to be
/// written for each new pair; it sorts with the worker.
pub fn worker_channel_sid(worker: WorkerSid, channel: TaskChannelSid) -> WorkerChannelSid {
    let (worker, channel) = (worker.body(), channel.body());
    let mixed = (worker ^ channel.rotate_left(64) ^ channel).wrapping_mul(MIX);
    WorkerChannelSid::new(worker >> 64 << 64 | mixed >> 64)
}

/// Any odd number whose bits are well spread.
const MIX: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;
