//! What time it is. Partitions add that theirs never runs backwards.

use base::{Millis, Timestamp};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// Which time domains live in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's, never backwards within a partition.
    #[default]
    System,
    /// Stands still until it is moved.
    Manual,
}

/// Where a manual clock begins: 2026-01-01T00:00:00Z.
pub const MANUAL_START: Timestamp = Timestamp(1_767_225_600_000);

/// A source of time.
#[derive(Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// Moved by hand.
    Manual(AtomicI64),
}

impl Clock {
    /// A manual clock begins at [`MANUAL_START`], or at the newest durable time if that is later.
    pub fn new(kind: ClockKind, newest: Timestamp) -> Self {
        match kind {
            ClockKind::System => Self::System,
            ClockKind::Manual => Self::Manual(AtomicI64::new(newest.max(MANUAL_START).0)),
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Manual(at) => Timestamp(at.load(Ordering::Acquire)),
        }
    }

    /// Moves a manual clock forward; a system clock, or a time already past, stays.
    pub fn reach(&self, at: Timestamp) {
        if let Self::Manual(now) = self {
            now.fetch_max(at.0, Ordering::AcqRel);
        }
    }

    /// How long until `at` by the machine's time; `None` by a clock that does not move by itself.
    pub fn until(&self, at: Timestamp) -> Option<Millis> {
        match self {
            Self::System => Some(Millis((at - system_now()).0.max(0))),
            Self::Manual(_) => None,
        }
    }
}

/// A clock set before 1970 counts as 1970.
fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_forward_only() {
        let clock = Clock::new(ClockKind::Manual, Timestamp(0));
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00Z");
        clock.reach(MANUAL_START + Millis(5));
        clock.reach(MANUAL_START);
        assert_eq!(clock.now(), MANUAL_START + Millis(5));
        assert_eq!(clock.until(MANUAL_START), None);
        let later = MANUAL_START + Millis(9);
        assert_eq!(Clock::new(ClockKind::Manual, later).now(), later);
    }
}
