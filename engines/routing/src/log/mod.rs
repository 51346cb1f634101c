//! Events as they are kept: each with its entities and the names around them as they were then.
//!
//! * What an event says does not change when a queue is renamed or a worker deleted afterwards.
//! * The stored form ([`write`], [`read`]) holds what the events of a turn have in common once: a
//!   new task has five events, and one text of attributes.
//! * Nothing is kept that no one is told: no expiry times, no place in a workflow.
//!
//! Knows no wire words but the types of events: how an event is shown is the edge's business.

mod lines;
mod read;
mod write;

pub use read::{LogError, read};
pub use write::{EVENTS_A_ROW, write};

use crate::{
    event::{Before, EventKind},
    model::*,
};
use base::{Attributes, Sid, Timestamp};

/// An event out of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedEvent {
    /// Its name: events of a workspace sort by it in the order in which they happened.
    pub sid: EventSid,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// What the workspace was called.
    pub workspace_name: String,
    /// The task, if it concerns one.
    pub task: Option<LoggedTask>,
    /// The reservation, if it concerns one.
    pub reservation: Option<LoggedReservation>,
    /// The worker, if it concerns one.
    pub worker: Option<LoggedWorker>,
    /// The worker channel, for capacity and availability updates.
    pub worker_channel: Option<LoggedWorkerChannel>,
    /// The setting it is about, if it is about one.
    pub setting: Option<LoggedSetting>,
    /// What it replaced.
    pub before: Option<Before>,
}

/// Something by its two names; the second is unknown of what was gone by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<S> {
    /// Its name for programs.
    pub sid: S,
    /// Its name for people; of a task channel, its unique name.
    pub name: Option<String>,
}

/// A task as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedTask {
    /// Its name for programs.
    pub sid: TaskSid,
    /// What expressions ask.
    pub attributes: Attributes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was completed or canceled.
    pub ended_at: Option<Timestamp>,
    /// Where it stood.
    pub status: TaskStatus,
    /// Its priority.
    pub priority: u32,
    /// Why it was canceled or completed.
    pub reason: Option<String>,
    /// Its ETag.
    pub version: u64,
    /// The queue it was in, and since when.
    pub queue: Option<Named<TaskQueueSid>>,
    /// When it entered that queue.
    pub queue_entered_at: Option<Timestamp>,
    /// The workflow it was created against.
    pub workflow: Option<Named<WorkflowSid>>,
    /// The kind of work.
    pub task_channel: Named<TaskChannelSid>,
    /// Direct routing: a worker, queue or workflow.
    pub routing_target: Option<Sid>,
    /// The one worker its target is open for, where the target asks for a known worker.
    pub known_worker: Option<WorkerSid>,
}

/// A reservation as it was; its task is the event's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedReservation {
    /// Its name for programs.
    pub sid: ReservationSid,
    /// To whom.
    pub worker: WorkerSid,
    /// Where it stood.
    pub status: ReservationStatus,
    /// Seconds the worker had to answer.
    pub timeout_s: u32,
    /// Its ETag.
    pub version: u64,
}

/// A worker as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedWorker {
    /// Its name for programs.
    pub sid: WorkerSid,
    /// Its name for people.
    pub friendly_name: String,
    /// What expressions ask.
    pub attributes: Attributes,
    /// What the worker was doing.
    pub activity: Named<ActivitySid>,
    /// Its ETag.
    pub version: u64,
}

/// A worker's share in a channel as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedWorkerChannel {
    /// Its name for programs.
    pub sid: WorkerChannelSid,
    /// The task channel.
    pub task_channel: Named<TaskChannelSid>,
    /// Most tasks at one time.
    pub configured_capacity: u32,
    /// Whether it took new reservations.
    pub available: bool,
    /// Reservations in state accepted.
    pub assigned_tasks: u32,
    /// Reservations in state pending, accepted or wrapping.
    pub open_reservations: u32,
}

/// A setting as it was when something happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoggedSetting {
    /// The workspace.
    Workspace(Named<WorkspaceSid>),
    /// An activity.
    Activity {
        /// Which.
        activity: Named<ActivitySid>,
        /// Whether workers in it were offered work.
        available: bool,
    },
    /// A task channel.
    TaskChannel {
        /// Which, with its name for people.
        channel: Named<TaskChannelSid>,
        /// Its name in expressions.
        unique_name: String,
        /// Whether the worker idle longest on this channel was preferred.
        optimized_routing: bool,
    },
    /// A queue.
    TaskQueue {
        /// Which.
        queue: Named<TaskQueueSid>,
        /// Its expression over worker attributes.
        target_workers: String,
    },
    /// A workflow.
    Workflow(Named<WorkflowSid>),
}

impl LoggedEvent {
    /// Whether it is about this queue: the task's, or the setting itself.
    pub fn is_of_queue(&self, sid: TaskQueueSid) -> bool {
        let of_task = self.task.as_ref().and_then(|task| task.queue.as_ref());
        let of_setting = match &self.setting {
            Some(LoggedSetting::TaskQueue { queue, .. }) => Some(queue.sid),
            _ => None,
        };
        of_task.map(|queue| queue.sid) == Some(sid) || of_setting == Some(sid)
    }

    /// Whether it is about this workflow: the task's, or the setting itself.
    pub fn is_of_workflow(&self, sid: WorkflowSid) -> bool {
        let of_task = self.task.as_ref().and_then(|task| task.workflow.as_ref());
        let of_setting = match &self.setting {
            Some(LoggedSetting::Workflow(workflow)) => Some(workflow.sid),
            _ => None,
        };
        of_task.map(|workflow| workflow.sid) == Some(sid) || of_setting == Some(sid)
    }

    /// The task channel it is about: the task's, the worker channel's, or the setting itself; its
    /// SID and its unique name.
    pub fn task_channel(&self) -> Option<(TaskChannelSid, Option<&str>)> {
        let named = |channel: &Named<TaskChannelSid>| channel.sid;
        if let Some(LoggedSetting::TaskChannel { channel, unique_name, .. }) = &self.setting {
            return Some((channel.sid, Some(unique_name)));
        }
        let of_worker = self.worker_channel.as_ref().map(|channel| &channel.task_channel);
        let channel = self.task.as_ref().map(|task| &task.task_channel).or(of_worker)?;
        Some((named(channel), channel.name.as_deref()))
    }

    /// The worker it is about: itself, or the one of the reservation.
    pub fn worker_sid(&self) -> Option<WorkerSid> {
        let reserved = self.reservation.as_ref().map(|reservation| reservation.worker);
        self.worker.as_ref().map(|worker| worker.sid).or(reserved)
    }
}

#[cfg(test)]
mod tests;
