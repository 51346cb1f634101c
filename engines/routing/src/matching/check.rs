//! The index compared with what it would be if worked out again.

use super::{BitSet, Matching, at_worker, idle_key};
use crate::state::{Channels, WorkerState, Workers};
use std::collections::BTreeSet;

impl Matching {
    /// Panics if the index is not what the workers and lines make it.
    pub(crate) fn check(&self, workers: &Workers, channels: &Channels, single: bool) {
        let all: BitSet = workers.iter().map(|worker| worker.slot).collect();
        assert_eq!(self.all, all, "all workers");
        let available = workers.iter().filter(|worker| worker.available);
        let available: BitSet = available.map(|worker| worker.slot).collect();
        assert_eq!(self.available, available, "available workers");
        for (channel, state) in channels.iter() {
            let is_closed = |worker: &&WorkerState| !worker.channels[channel].available;
            let closed = workers.iter().filter(is_closed).map(|worker| worker.slot).collect();
            assert_eq!(self.closed[channel], closed, "closed on {}", state.unique_name);
            let is_ready = |worker: &&WorkerState| {
                at_worker(worker, channel, single, channels.rules()).is_none()
            };
            let ready: BitSet = workers.iter().filter(is_ready).map(|worker| worker.slot).collect();
            assert_eq!(self.ready[channel], ready, "ready on {}", state.unique_name);
            if let Some(order) = &self.idle[channel] {
                let optimized = state.channel_optimized_routing;
                let key = |slot| idle_key(workers.at(slot), channel, optimized);
                let wanted: BTreeSet<_> = ready.iter().map(key).collect();
                assert_eq!(*order, wanted, "order of idleness on {}", state.unique_name);
            }
        }
        for worker in workers.iter() {
            assert_eq!(self.since(worker.slot), worker.idle_since, "idle measure");
            self.check_worker(worker);
        }
        self.check_sets();
        self.tests.check(workers);
        self.values.check(workers);
    }

    fn check_worker(&self, worker: &WorkerState) {
        let mut wide = BitSet::default();
        let mut narrow = Vec::new();
        for line in self.has_lines() {
            let state = self.line(line);
            if !state.members.contains(worker.slot) {
                continue;
            }
            if state.is_wide {
                wide.insert(line);
            } else if !state.waiting.is_empty() {
                narrow.push(line);
            }
        }
        narrow.sort_unstable();
        assert_eq!(worker.wide, wide, "wide lines of {}", worker.worker.sid);
        assert_eq!(worker.narrow, narrow, "narrow lines of {}", worker.worker.sid);
    }

    fn check_sets(&self) {
        let mut unused = BTreeSet::new();
        let waits = |line: &u32| !self.line(*line).waiting.is_empty();
        for line in self.has_lines() {
            let state = self.line(line);
            assert_eq!(state.member_count, state.members.count(), "members of {:?}", state.key);
            if state.tasks == 0 {
                unused.insert((state.stamp, line));
            }
            let shown = self.waiting[state.key.channel].contains(line);
            assert_eq!(shown, state.is_wide && waits(&line), "whether {:?} shows", state.key);
        }
        assert_eq!(self.unused, unused, "unused lines");
        let of = |fits: fn(&super::Line) -> bool| -> BTreeSet<u32> {
            self.has_lines().filter(waits).filter(|line| fits(self.line(*line))).collect()
        };
        assert_eq!(self.volatile, of(|line| line.is_volatile), "volatile lines");
        assert_eq!(self.timed, of(|line| line.is_timed), "timed lines");
    }
}
