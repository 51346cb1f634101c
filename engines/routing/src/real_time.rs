//! What statistics say of the present.

use crate::model::*;
use base::Timestamp;

/// What the figures are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whole {
    /// Everything.
    Workspace,
    /// The tasks in a queue and its members.
    TaskQueue(TaskQueueSid),
    /// The tasks of a workflow.
    Workflow(WorkflowSid),
}

/// Figures of the present.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealTime {
    /// Live tasks: pending, reserved, assigned, wrapping.
    pub by_status: [u32; 4],
    /// Waiting tasks (pending or reserved) by priority, ascending.
    pub by_priority: Vec<(u32, u32)>,
    /// The waiting task that was made first, and when.
    pub longest_waiting: Option<(TaskSid, Timestamp)>,
    /// The waiting task that came to its queue first, and when.
    pub longest_in_queue: Option<(TaskSid, Timestamp)>,
    /// Workers by what they do, every activity once; of a queue its members, of a workflow nobody.
    pub workers: Vec<(ActivitySid, u32)>,
    /// Those of them in an available activity.
    pub available_workers: u32,
}

impl RealTime {
    /// All workers.
    pub fn total_workers(&self) -> u32 {
        self.workers.iter().map(|(_, count)| count).sum()
    }

    /// All live tasks.
    pub fn total_tasks(&self) -> u32 {
        self.by_status.iter().sum()
    }
}

/// Which workers are meant; every condition must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkersOf {
    /// This one.
    pub worker: Option<WorkerSid>,
    /// The one of this name, without regard to case.
    pub friendly_name: Option<String>,
    /// Members of any of these queues.
    pub queues: Option<Vec<TaskQueueSid>>,
}

impl WorkersOf {
    /// Whether all workers are meant.
    pub fn is_everybody(&self) -> bool {
        *self == Self::default()
    }
}

/// What a worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doing {
    /// Who.
    pub worker: WorkerSid,
    /// What.
    pub activity: ActivitySid,
    /// Since when.
    pub since: Timestamp,
}
