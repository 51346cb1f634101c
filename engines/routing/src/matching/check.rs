//! The index compared with what it would be if worked out again.

use super::{BitSet, Matching, Place, at_worker, idle_key};
use crate::{
    model::{TaskOrder, TaskQueueSid},
    state::{Channels, WorkerState, Workers},
};
use std::collections::{BTreeMap, BTreeSet};

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
                self.is_seen(worker.slot)
                    && at_worker(worker, channel, single, channels.rules()).is_none()
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
        self.check_agenda();
        self.tests.check(workers);
        self.values.check(workers);
        self.preferences.check(workers);
    }

    fn check_worker(&self, worker: &WorkerState) {
        let mut wide = BitSet::default();
        let mut narrow = Vec::new();
        for line in self.has_lines() {
            let state = self.line(line);
            if !state.members.contains(worker.slot) {
                continue;
            }
            match state.is_wide {
                true => _ = wide.insert(line),
                false => narrow.push(line),
            }
        }
        narrow.sort_unstable();
        let kept: BitSet = self.wide.of(worker.slot).collect();
        assert_eq!(kept, wide, "wide lines of {}", worker.worker.sid);
        assert_eq!(worker.narrow, narrow, "narrow lines of {}", worker.worker.sid);
    }

    fn check_agenda(&self) {
        for order in [TaskOrder::Fifo, TaskOrder::Lifo] {
            let of = |fits: fn(&super::Line) -> bool| -> BTreeSet<_> {
                let lines = self.has_lines().map(|line| (line, self.line(line)));
                let lines = lines.filter(|(_, state)| state.order.group() == order && fits(state));
                lines.filter_map(|(line, state)| Some((state.head()?.0, line))).collect()
            };
            assert_eq!(*self.agenda.heads_of(order), of(|_| true), "heads of lines");
            assert_eq!(*self.agenda.dirty_of(order), of(|line| line.is_dirty), "dirty lines");
        }
        let mut standing: BTreeMap<TaskQueueSid, BTreeSet<Place>> = BTreeMap::new();
        for line in self.has_lines() {
            let state = self.line(line);
            let is_sorted = state.key.queue.is_none_or(|queue| self.is_sorted(queue, line));
            assert!(!state.is_dirty || state.head().is_some(), "an empty line is dirty");
            assert!(self.by_queue[&state.key.queue].contains(&line), "lines by queue");
            if let Some(queue) = state.key.queue.filter(|_| is_sorted) {
                standing.entry(queue).or_default().extend(&state.waiting);
            }
        }
        for (queue, places) in standing {
            let kept = self.standing.get(queue).into_iter().flat_map(|ranks| ranks.iter());
            assert!(kept.eq(places), "who stands in {queue}");
        }
        let lines: usize = self.by_queue.values().map(BTreeSet::len).sum();
        assert_eq!(lines, self.by_key.len(), "lines by queue");
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
            assert_eq!(shown, waits(&line), "whether {:?} shows", state.key);
        }
        assert_eq!(self.unused, unused, "unused lines");
        let of = |fits: fn(&super::Line) -> bool| -> BTreeSet<u32> {
            self.has_lines().filter(waits).filter(|line| fits(self.line(*line))).collect()
        };
        let volatile: BitSet = of(|line| line.is_volatile).into_iter().collect();
        assert_eq!(self.volatile, volatile, "volatile lines");
        assert_eq!(self.timed, of(|line| line.is_timed), "timed lines");
        assert_eq!(self.scheduled, of(|line| line.is_scheduled), "scheduled lines");
    }
}
