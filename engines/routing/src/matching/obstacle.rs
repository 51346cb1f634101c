//! Why a worker cannot be offered a task now: the conditions of eligibility, one by one.
//!
//! The index is built from these conditions, and Explain names them: one code decides and
//! explains.

use crate::{capacity::Matrix, state::WorkerState};

/// The first condition that fails, in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    NotTheRoutingTarget,
    ActivityUnavailable,
    NotInQueue,
    TargetExpression,
    NotTheKnownWorker,
    Resting,
    PassedOver,
    ChannelUnavailable,
    NoCapacity,
    CapacityRule,
    Busy,
}

/// What about the worker alone stands in the way of work on a channel, whatever the task.
pub(crate) fn at_worker(
    worker: &WorkerState,
    channel: usize,
    single: bool,
    rules: &Matrix,
) -> Option<Obstacle> {
    if !worker.available {
        return Some(Obstacle::ActivityUnavailable);
    }
    let Some(share) = worker.channels.get(channel) else {
        return Some(Obstacle::ChannelUnavailable);
    };
    #[cfg(feature = "planted-bugs")]
    if crate::planted::is(crate::planted::Planted::ForgetCapacity) && share.available && !single {
        return None;
    }
    if !share.available {
        Some(Obstacle::ChannelUnavailable)
    } else if single && !worker.open.is_empty() {
        Some(Obstacle::Busy)
    } else if !single && share.open >= share.capacity {
        Some(Obstacle::NoCapacity)
    } else if !single && rules.withheld_by(worker, channel).is_some() {
        Some(Obstacle::CapacityRule)
    } else {
        None
    }
}
