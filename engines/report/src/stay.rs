//! How long workers did what: one stay per time a worker spent in an activity.

use crate::Window;
use base::{Millis, Sid, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A worker's time in an activity, from the change into it to the change out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// Who (`WK…`).
    pub worker: Sid,
    /// Doing what (`WA…`).
    pub activity: Sid,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// How long workers did one thing within a window, in milliseconds. Workers who did not do it do
/// not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// Workers who did.
    pub workers: u64,
    /// All of them together.
    pub total: Millis,
    /// Of the one who did it the shortest.
    pub min: Millis,
    /// Of the one who did it the longest.
    pub max: Millis,
}

impl Durations {
    /// By activity. Stays are clipped to the window.
    pub fn of(stays: impl IntoIterator<Item = Stay>, window: Window) -> BTreeMap<Sid, Self> {
        let mut each: BTreeMap<(Sid, Sid), Millis> = BTreeMap::new();
        for stay in stays {
            let span = window.overlap(stay.from, stay.to);
            if span > Millis(0) {
                let sum = each.entry((stay.activity, stay.worker)).or_default();
                *sum = Millis(sum.0 + span.0);
            }
        }
        let mut all: BTreeMap<Sid, Self> = BTreeMap::new();
        for ((activity, _), span) in each {
            all.entry(activity).or_default().add(span);
        }
        all
    }

    fn add(&mut self, span: Millis) {
        self.min = if self.workers == 0 { span } else { self.min.min(span) };
        self.max = self.max.max(span);
        self.total = Millis(self.total.0 + span.0);
        self.workers += 1;
    }

    /// The mean, rounded down; 0 for nobody.
    pub fn avg(&self) -> Millis {
        let workers = i64::try_from(self.workers).unwrap_or(i64::MAX);
        Millis(self.total.0.checked_div(workers).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_are_clipped_and_summed_per_worker() {
        let stay = |worker, activity, from, to| Stay {
            worker: Sid::new(*b"WK", worker),
            activity: Sid::new(*b"WA", activity),
            from: Timestamp(from),
            to: Timestamp(to),
        };
        let stays = [
            stay(1, 1, 0, 1_500),
            stay(1, 2, 1_500, 1_600),
            stay(1, 1, 1_600, 5_000),
            stay(2, 1, 1_999, 2_001),
            stay(3, 1, 0, 1_000),
        ];
        let window = Window { from: Timestamp(1_000), to: Timestamp(2_000) };
        let all = Durations::of(stays, window);
        let one = all[&Sid::new(*b"WA", 1)];
        let wanted = Durations { workers: 2, total: Millis(901), min: Millis(1), max: Millis(900) };
        assert_eq!(one, wanted);
        assert_eq!(one.avg(), Millis(450));
        assert_eq!(all[&Sid::new(*b"WA", 2)].total, Millis(100));
        assert_eq!(Durations::default().avg(), Millis(0));
    }
}
