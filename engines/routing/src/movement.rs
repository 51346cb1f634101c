//! What moved in a step, for whoever counts: tasks between queues and states, offers, workers
//! between activities.
//!
//! * Noted at the one door through which state moves, with what was before: nobody has to remember
//!   it. What counts, and where, is not decided here.

use crate::model::*;
use base::Timestamp;

/// How a task stands, as far as anybody counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its status.
    pub status: TaskStatus,
    /// Its priority.
    pub priority: u32,
    /// Its queue.
    pub queue: Option<TaskQueueSid>,
    /// When it entered that queue.
    pub queue_entered_at: Option<Timestamp>,
    /// Its workflow.
    pub workflow: Option<WorkflowSid>,
    /// Its channel.
    pub task_channel: TaskChannelSid,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Standing {
    pub(crate) fn of(task: &Task) -> Self {
        Self {
            status: task.status,
            priority: task.priority,
            queue: task.queue,
            queue_entered_at: task.queue_entered_at,
            workflow: task.workflow,
            task_channel: task.task_channel,
            created_at: task.created_at,
        }
    }

    /// Whether it waits: pending, or reserved and not yet accepted.
    pub const fn is_waiting(&self) -> bool {
        matches!(self.status, TaskStatus::Pending | TaskStatus::Reserved)
    }
}

/// One thing that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// A task came, went, or stands otherwise than before.
    Task {
        /// Which.
        task: TaskSid,
        /// How it stood; `None` for a new one.
        before: Option<Standing>,
        /// How it stands; `None` for one that was removed.
        after: Option<Standing>,
        /// When.
        at: Timestamp,
    },
    /// An offer was made or got another status.
    Reservation {
        /// To whom.
        worker: WorkerSid,
        /// What became of it.
        status: ReservationStatus,
        /// How its task stood before.
        task: Standing,
        /// When.
        at: Timestamp,
    },
    /// A worker no longer does something.
    Worker {
        /// Who.
        worker: WorkerSid,
        /// What it was.
        activity: ActivitySid,
        /// Since when.
        from: Timestamp,
        /// Until when.
        to: Timestamp,
    },
}
