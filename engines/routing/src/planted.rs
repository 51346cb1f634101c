//! Bugs the simulator must find. Not in any build without the feature `planted-bugs`.

use std::cell::Cell;

/// One bug, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Planted {
    /// No bug.
    #[default]
    None,
    /// A full worker channel is offered more.
    ForgetCapacity,
    /// A task is offered to one worker more than its queue says.
    OfferTwice,
    /// A worker who has room again is not looked at.
    ForgetFreedWorkers,
    /// Rules across channels withhold nothing.
    ForgetRules,
    /// A transfer to a worker is not offered there.
    ForgetTransferOffers,
    /// Nothing happens when an application does not answer.
    ForgetCallbacks,
    /// Schedules stay open or closed.
    ForgetSchedules,
    /// Queues ordered by deadline are served by priority and start.
    ForgetDeadlines,
    /// Whoever has room is offered whatever is offered.
    ForgetTargets,
}

thread_local! {
    static PLANTED: Cell<Planted> = const { Cell::new(Planted::None) };
}

/// From now on, on this thread.
pub fn plant(bug: Planted) {
    PLANTED.set(bug);
}

/// Whether this bug is planted on this thread.
pub(crate) fn is(bug: Planted) -> bool {
    PLANTED.get() == bug
}
