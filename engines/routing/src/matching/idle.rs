//! Whose turn it is: the worker idle longest.
//!
//! * Few candidates: the least of them. Many: the ordered set of ready workers of the channel is
//!   walked until one of them is met, but never further than looking at all of them would cost.
//! * Equal times: the worker made first.

use super::{Matching, at_worker};
use crate::{
    model::WorkerSid,
    state::{Channels, WorkerState, Workers},
};
use base::Timestamp;

/// Smaller has been idle longer.
pub(crate) type IdleKey = (Timestamp, Timestamp, WorkerSid, u32);

/// The idle measure of a worker on a channel; with channel-optimised routing the newest
/// reservation on that channel comes first.
pub(crate) fn idle_key(worker: &WorkerState, channel: usize, optimized: bool) -> IdleKey {
    let never = Timestamp(i64::MIN);
    let on_channel = match worker.channels.get(channel) {
        Some(share) if optimized => share.last_reserved_at.unwrap_or(never),
        _ => never,
    };
    (on_channel, worker.idle_since, worker.worker.sid, worker.slot)
}

fn is_optimized(channels: &Channels, channel: usize) -> bool {
    channels.at(channel).is_some_and(|channel| channel.channel_optimized_routing)
}

impl Matching {
    /// Takes a worker out of the orders of idleness: call before anything changes in it.
    pub(crate) fn unlist(&mut self, worker: &WorkerState, channels: &Channels) {
        for (channel, order) in self.idle.iter_mut().enumerate() {
            if let Some(order) = order {
                order.remove(&idle_key(worker, channel, is_optimized(channels, channel)));
            }
        }
    }

    /// Puts a worker in order again: call after something changed in it. Marks it if it has room
    /// where it had none.
    pub(crate) fn relist(&mut self, worker: &WorkerState, channels: &Channels, single: bool) {
        let slot = worker.slot;
        let mut gained = false;
        for channel in 0..worker.channels.len() {
            let is_ready =
                channels.at(channel).is_some() && at_worker(worker, channel, single).is_none();
            gained |= self.ready[channel].set(slot, is_ready) && is_ready;
            if let (true, Some(order)) = (is_ready, &mut self.idle[channel]) {
                order.insert(idle_key(worker, channel, is_optimized(channels, channel)));
            }
        }
        if self.idle_since.len() <= slot as usize {
            self.idle_since.resize(slot as usize + 1, Timestamp(0));
        }
        self.idle_since[slot as usize] = worker.idle_since;
        if gained {
            self.mark_worker(slot);
        }
    }

    /// The orders of a channel are no longer right: they are built again when wanted.
    pub(crate) fn forget_order(&mut self, channel: usize) {
        self.idle[channel] = None;
    }

    /// The first `most` members of a line with room, longest idle first, who pass.
    pub(crate) fn idlest(
        &mut self,
        workers: &Workers,
        channels: &Channels,
        line: u32,
        most: usize,
        passes: &dyn Fn(u32) -> bool,
    ) -> Vec<u32> {
        let channel = self.line(line).key.channel;
        let count = self.line(line).members.count_both(&self.ready[channel]);
        if count == 0 {
            return Vec::new();
        }
        let ready = self.ready[channel].count();
        if count * count > 4 * ready * most {
            self.order(workers, channels, channel);
            if let Some(found) = self.walk(line, most.min(count), 2 * count, passes) {
                return found;
            }
        }
        self.scan(workers, channels, line, most, passes)
    }

    fn order(&mut self, workers: &Workers, channels: &Channels, channel: usize) {
        if self.idle[channel].is_none() {
            let optimized = is_optimized(channels, channel);
            let key = |slot| idle_key(workers.at(slot), channel, optimized);
            self.idle[channel] = Some(self.ready[channel].iter().map(key).collect());
        }
    }

    /// `None` if that many were not met within so many steps.
    fn walk(
        &self,
        line: u32,
        wanted: usize,
        steps: usize,
        passes: &dyn Fn(u32) -> bool,
    ) -> Option<Vec<u32>> {
        let line = self.line(line);
        let mut found = Vec::with_capacity(wanted);
        for (_, _, _, slot) in self.idle[line.key.channel].as_ref()?.iter().take(steps) {
            if line.members.contains(*slot) && passes(*slot) {
                found.push(*slot);
                if found.len() == wanted {
                    return Some(found);
                }
            }
        }
        None
    }

    fn scan(
        &self,
        workers: &Workers,
        channels: &Channels,
        line: u32,
        most: usize,
        passes: &dyn Fn(u32) -> bool,
    ) -> Vec<u32> {
        let line = self.line(line);
        let channel = line.key.channel;
        let optimized = is_optimized(channels, channel);
        let ready = line.members.both(&self.ready[channel]).filter(|slot| passes(*slot));
        if most == 1 && !optimized {
            let first = ready.min_by(|one, two| {
                let sid = |slot: u32| workers.at(slot).worker.sid;
                self.since(*one).cmp(&self.since(*two)).then_with(|| sid(*one).cmp(&sid(*two)))
            });
            return first.into_iter().collect();
        }
        let mut keys: Vec<IdleKey> =
            ready.map(|slot| idle_key(workers.at(slot), channel, optimized)).collect();
        if keys.len() > most {
            keys.select_nth_unstable(most);
            keys.truncate(most);
        }
        keys.sort_unstable();
        keys.into_iter().map(|(_, _, _, slot)| slot).collect()
    }
}
