//! What can be asked of the live state. Asking changes nothing.

use crate::{
    capacity::{CapacityRules, CapacityTrial, CapacityWarning},
    explain::{Look, Sight},
    model::*,
    ordering::QueueOrdering,
    real_time::{Doing, RealTime, Whole, WorkersOf},
    schedule::ScheduleView,
};
use serde::Serialize;
use serde_json::Value;

/// Answered behind the batches ahead, so an answer never shows what is not durable.
#[derive(Clone, Debug)]
pub enum Question {
    /// All channels of a worker, with their load.
    WorkerChannels(WorkerSid),
    /// The capacity matrix.
    Capacity,
    /// All schedules, by name.
    Schedules,
    /// The schedule of that name.
    Schedule(String),
    /// A queue's ordering.
    Ordering(TaskQueueSid),
    /// What other capacity rules, `{"rules": […]}`, would change.
    CapacityTrial(Value),
    /// Why a task is where it is.
    Explain(Look),
    /// How many tasks are ahead of this one in its queue's order, and who took it.
    Place(TaskSid),
    /// Open reservations (pending, accepted, wrapping) of a worker with their tasks, oldest first.
    OpenReservations(WorkerSid),
    /// Workers for whom an expression (place `worker_list`) is true, in order of SID.
    WorkersWhere(String),
    /// Queues whose expression is true for these worker attributes (JSON).
    QueuesFor(String),
    /// Queues a worker belongs to.
    QueuesOf(WorkerSid),
    /// Live tasks for which an expression (place `filter`) is true.
    TasksWhere(String),
    /// Tasks that ended and may still be readable, in order of SID, page by page.
    Ended(EndedPage),
    /// How many workers there are.
    WorkerCount,
    /// Figures of the present, of several at once and in that order; with `channel`, of tasks on
    /// that channel alone. What is not there has none.
    RealTime {
        /// Of what.
        of: Vec<Whole>,
        /// Only tasks on this channel.
        channel: Option<TaskChannelSid>,
    },
    /// What workers are doing, in order of SID.
    Doing(WorkersOf),
}

/// A page of tasks that ended.
#[derive(Clone, Copy, Debug)]
pub struct EndedPage {
    /// Behind this one, in the direction asked for; `None` begins at that end.
    pub behind: Option<TaskSid>,
    /// From the largest SID down.
    pub backwards: bool,
    /// At most so many, and never more than [`crate::limits::ENDED_PAGE_MAX`].
    pub limit: usize,
}

/// One variant per question.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Question::WorkerChannels`].
    WorkerChannels(Vec<WorkerChannel>),
    /// To [`Question::Capacity`].
    Capacity(CapacityRules, Vec<CapacityWarning>),
    /// To [`Question::Schedules`] and [`Question::Schedule`].
    Schedules(Vec<ScheduleView>),
    /// To [`Question::Ordering`].
    Ordering(QueueOrdering),
    /// To [`Question::CapacityTrial`].
    CapacityTrial(Box<CapacityTrial>),
    /// To [`Question::Explain`].
    Seen(Sight),
    /// To [`Question::Place`].
    Place(Place),
    /// To [`Question::OpenReservations`].
    Reservations(Vec<(Reservation, Task)>),
    /// To [`Question::WorkersWhere`].
    Workers(Vec<WorkerSid>),
    /// To [`Question::QueuesFor`] and [`Question::QueuesOf`].
    Queues(Vec<TaskQueueSid>),
    /// To [`Question::TasksWhere`] and [`Question::Ended`].
    Tasks(Vec<TaskSid>),
    /// To [`Question::WorkerCount`].
    Count(usize),
    /// To [`Question::RealTime`].
    RealTime(Vec<RealTime>),
    /// To [`Question::Doing`].
    Doing(Vec<Doing>),
}

/// Where a waiting customer stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Where the task stands; `None` when it is gone.
    pub status: Option<TaskStatus>,
    /// Waiting tasks served before this one in its queue's order.
    pub ahead: u64,
    /// Who took it.
    pub worker: Option<WorkerSid>,
}
