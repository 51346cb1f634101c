//! Windows of time and the whole minutes and hours in them.

use base::{Millis, Timestamp};
use std::ops::Range;

/// Milliseconds of a minute.
pub const MINUTE: i64 = 60_000;
/// Milliseconds of an hour.
pub const HOUR: i64 = 60 * MINUTE;
const MINUTES: i64 = HOUR / MINUTE;

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first millisecond.
    pub from: Timestamp,
    /// The first millisecond behind it.
    pub to: Timestamp,
}

/// What a window is put together from, without overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Whole hours, counted from 1970.
    pub hours: Range<i64>,
    /// Whole minutes, counted from 1970.
    pub minutes: Vec<Range<i64>>,
    /// What is left at either end: less than a minute each.
    pub edges: Vec<Window>,
}

impl Window {
    /// Whether a moment lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// How long two spans overlap.
    pub fn overlap(&self, from: Timestamp, to: Timestamp) -> Millis {
        Millis((self.to.min(to) - self.from.max(from)).0.max(0))
    }

    /// Its parts. Nothing happened after `newest` yet, so a minute that lasts longer counts as
    /// whole; hours from `hours_until` on are not to be had.
    pub fn parts(&self, newest: Timestamp, hours_until: i64) -> Parts {
        let mut parts = Parts::default();
        if self.to <= self.from {
            return parts;
        }
        let first = -(-self.from.0).div_euclid(MINUTE);
        let last = match self.to > newest {
            true => -(-self.to.0).div_euclid(MINUTE),
            false => self.to.0.div_euclid(MINUTE),
        };
        let head = Self { from: self.from, to: self.to.min(Timestamp(first * MINUTE)) };
        parts.edges.extend((head.from < head.to).then_some(head));
        if last < first {
            return parts;
        }
        let tail = Self { from: Timestamp(last * MINUTE), to: self.to };
        parts.edges.extend((tail.from < tail.to).then_some(tail));
        let hours = -(-first).div_euclid(MINUTES)..last.div_euclid(MINUTES).min(hours_until);
        let ranges = match hours.is_empty() {
            true => [first..last, 0..0],
            false => [first..hours.start * MINUTES, hours.end * MINUTES..last],
        };
        parts.minutes.extend(ranges.into_iter().filter(|range| !range.is_empty()));
        parts.hours = if hours.is_empty() { 0..0 } else { hours };
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: Timestamp = Timestamp(i64::MAX);

    fn parts(from: i64, to: i64) -> Parts {
        Window { from: Timestamp(from), to: Timestamp(to) }.parts(FAR, i64::MAX)
    }

    fn edge(from: i64, to: i64) -> Window {
        Window { from: Timestamp(from), to: Timestamp(to) }
    }

    #[test]
    fn a_window_is_hours_minutes_and_two_edges() {
        let parts = parts(HOUR - MINUTE - 1, 3 * HOUR + 2 * MINUTE + 7);
        assert_eq!(parts.hours, 1..3);
        assert_eq!(parts.minutes, [59..60, 180..182]);
        let (head, tail) = (HOUR - MINUTE, 3 * HOUR + 2 * MINUTE);
        assert_eq!(parts.edges, [edge(head - 1, head), edge(tail, tail + 7)]);
    }

    #[test]
    fn a_window_within_a_minute_is_one_edge() {
        assert_eq!(parts(5, 9), Parts { edges: vec![edge(5, 9)], ..Parts::default() });
        assert_eq!(parts(5, MINUTE).edges, [edge(5, MINUTE)]);
        assert_eq!(parts(0, MINUTE).minutes, vec![0..1]);
        assert_eq!(parts(9, 9), Parts::default());
        assert_eq!(parts(9, 5), Parts::default());
    }

    #[test]
    fn the_running_minute_counts_as_whole_and_unwritten_hours_are_minutes() {
        let window = edge(0, 2 * HOUR + MINUTE + 5);
        let parts = window.parts(Timestamp(2 * HOUR + MINUTE + 4), 1);
        assert_eq!(parts.hours, 0..1);
        assert_eq!(parts.minutes, vec![60..122]);
        assert_eq!(parts.edges, []);
    }

    #[test]
    fn each_millisecond_is_in_exactly_one_part() {
        for (from, to) in [(0, 1), (1, 3 * HOUR), (MINUTE, HOUR), (59_999, 60_001), (7, 8 * MINUTE)]
        {
            let parts = parts(from, to);
            let hours = parts.hours.map(|hour| hour * HOUR..(hour + 1) * HOUR);
            let minutes = parts.minutes.into_iter().map(|m| m.start * MINUTE..m.end * MINUTE);
            let edges = parts.edges.into_iter().map(|edge| edge.from.0..edge.to.0);
            let mut all: Vec<Range<i64>> = hours.chain(minutes).chain(edges).collect();
            all.sort_by_key(|range| range.start);
            assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start), "{all:?}");
            assert_eq!((all[0].start, all[all.len() - 1].end), (from, to));
        }
    }
}
