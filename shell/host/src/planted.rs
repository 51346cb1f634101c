//! Bugs the simulator must find. Not in any build without the feature `planted-bugs`.

use base::{Millis, Timestamp};
use std::{
    cell::Cell,
    time::{SystemTime, UNIX_EPOCH},
};

/// One bug, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Planted {
    /// No bug.
    #[default]
    None,
    /// Callers are answered as soon as the engine has decided.
    AnswerBeforeDurable,
    /// Events go out as soon as the engine has decided.
    PublishBeforeDurable,
    /// A partition goes on with the state it had when its commit failed.
    SkipRestore,
    /// Each event is published twice.
    PublishTwice,
    /// A commit with an unknown outcome is taken for durable.
    TrustUnknown,
    /// The rows of a step leave the last one out.
    ForgetRow,
    /// A row that was written before is removed with the next step.
    LoseRow,
    /// The facts of every eighth step are counted and not kept.
    ForgetFacts,
    /// The first row of every portion of roll-ups is left out.
    ForgetRollUps,
    /// Names do not follow what is durable.
    ForgetNames,
    /// Every eighth step is not published.
    ForgetEvents,
    /// The last event of a turn that told several is not logged if it is of a reservation.
    ForgetLog,
    /// The first event of each turn that told several is not posted.
    ForgetWebhooks,
    /// Some of what is to be told outside is not handed over.
    ForgetDeliveries,
    /// Reservations are kept for ever.
    KeepOld,
    /// What lives is forgotten like what ended.
    ForgetTooMuch,
    /// Timers do not run.
    ForgetTimers,
    /// Times depend on the machine's clock.
    UseTheClock,
    /// Whoever follows an object misses some of what happens to it.
    ForgetFollowers,
    /// What does not fit into a mailbox is left out, and nobody is told.
    ForgetOverflow,
    /// A mailbox takes whatever comes.
    QueueWithoutEnd,
    /// What happened while somebody was told what was missed is not looked at.
    GoLiveTooSoon,
    /// Whoever comes back is told that nothing is missing, whatever is.
    HideHoles,
    /// Live queries do not look at what every eighth batch wrote.
    PassOverItems,
    /// A reservation that is over remains an item of live queries.
    KeepOverItems,
    /// An object that comes back from its rows has forgotten its newest event.
    CountAgain,
}

thread_local! {
    static PLANTED: Cell<Planted> = const { Cell::new(Planted::None) };
}

/// From now on, on this thread.
pub fn plant(bug: Planted) {
    PLANTED.set(bug);
}

/// Whether this bug is planted on this thread.
pub fn is(bug: Planted) -> bool {
    PLANTED.get() == bug
}

/// A time that does not follow from the seed, if that is the bug.
pub(crate) fn spoilt(now: Timestamp) -> Timestamp {
    if !is(Planted::UseTheClock) {
        return now;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now + Millis(i64::from(since.subsec_nanos() % 5))
}

/// An object that forgot its newest event, if that is the bug.
pub(crate) fn spoilt_object(mut object: sync::Object) -> sync::Object {
    if is(Planted::CountAgain) && object.event > 3 {
        object.event -= 1;
    }
    object
}
