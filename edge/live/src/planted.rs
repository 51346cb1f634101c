//! Bugs the simulator must find. Not in any build without the feature `planted-bugs`.

use std::cell::Cell;

/// One bug, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Planted {
    /// No bug.
    #[default]
    None,
    /// A client that cannot keep up is told so again and again, and never sent away.
    NeverSendAway,
    /// A client whose queue was lost is not told.
    ForgetInterruptions,
    /// A token is good for ever.
    ForgetExpiry,
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
