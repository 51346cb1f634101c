//! Whose turn it is: the worker idle longest.
//!
//! * Few candidates: the least of them. Many: the ordered set of ready workers of the channel is
//!   walked until one of them is met; if that takes too long, the least of all of them after all.
//! * Equal times: the worker made first.

use super::{Matching, at_worker};
use crate::{
    model::WorkerSid,
    state::{Channels, WorkerState, Workers},
};
use base::Timestamp;

/// Up to this many candidates the least is found by looking at each.
const FEW: usize = 64;
/// How far the ordered set is walked before looking at each candidate after all.
const STEPS: usize = 512;

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
        let (was_unseen, mut gained) = (self.ahead.see(slot), false);
        self.available.set(slot, worker.available);
        for channel in 0..worker.channels.len() {
            let is_ready = channels.at(channel).is_some()
                && at_worker(worker, channel, single, channels.rules()).is_none();
            self.closed[channel].set(slot, !worker.channels[channel].available);
            let is_new = self.ready[channel].set(slot, is_ready) && is_ready;
            gained |= is_new && !(was_unseen && self.ahead.had_room(channel, slot));
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

    /// Finds the first `most` members of a line with room, longest idle first, who pass.
    pub(crate) fn idlest(
        &mut self,
        workers: &Workers,
        channels: &Channels,
        line: u32,
        most: usize,
        passes: &dyn Fn(u32) -> bool,
        found: &mut Vec<u32>,
    ) {
        let state = self.line(line);
        let channel = state.key.channel;
        let optimized = is_optimized(channels, channel);
        let mut few = [0; FEW];
        let mut count = 0;
        let mut candidates = state.members.both(&self.ready[channel]);
        for (place, slot) in few.iter_mut().zip(&mut candidates) {
            *place = slot;
            count += 1;
        }
        let is_many = count == FEW && candidates.next().is_some();
        drop(candidates);
        if is_many {
            return self.idlest_of_many(workers, optimized, line, most, passes, found);
        }
        let passing = few[..count].iter().copied().filter(|slot| passes(*slot));
        self.first(workers, (channel, optimized), most, passing, found);
    }

    fn idlest_of_many(
        &mut self,
        workers: &Workers,
        optimized: bool,
        line: u32,
        most: usize,
        passes: &dyn Fn(u32) -> bool,
        found: &mut Vec<u32>,
    ) {
        let channel = self.line(line).key.channel;
        if self.idle[channel].is_none() {
            let key = |slot| idle_key(workers.at(slot), channel, optimized);
            self.idle[channel] = Some(self.ready[channel].iter().map(key).collect());
        }
        if most <= FEW && self.walk(line, most, passes, found) {
            return;
        }
        let ready = self.line(line).members.both(&self.ready[channel]);
        let passing = ready.filter(|slot| passes(*slot));
        self.first(workers, (channel, optimized), most, passing, found);
    }

    /// Says whether that many were met within the steps allowed.
    fn walk(
        &self,
        line: u32,
        most: usize,
        passes: &dyn Fn(u32) -> bool,
        found: &mut Vec<u32>,
    ) -> bool {
        let line = self.line(line);
        let order = self.idle[line.key.channel].as_ref();
        for (_, _, _, slot) in order.into_iter().flatten().take(STEPS) {
            if line.members.contains(*slot) && passes(*slot) {
                found.push(*slot);
                if found.len() == most {
                    return true;
                }
            }
        }
        found.clear();
        false
    }

    /// Adds the first `most` of these to those found, longest idle first.
    pub(super) fn longest_idle(
        &self,
        workers: &Workers,
        channels: &Channels,
        channel: usize,
        most: usize,
        slots: impl Iterator<Item = u32>,
        found: &mut Vec<u32>,
    ) {
        self.first(workers, (channel, is_optimized(channels, channel)), most, slots, found);
    }

    fn first(
        &self,
        workers: &Workers,
        (channel, optimized): (usize, bool),
        most: usize,
        slots: impl Iterator<Item = u32>,
        found: &mut Vec<u32>,
    ) {
        if most == 1 && !optimized {
            let sid = |slot: u32| workers.at(slot).worker.sid;
            return found.extend(slots.min_by(|one, two| {
                let by_time = self.since(*one).cmp(&self.since(*two));
                by_time.then_with(|| sid(*one).cmp(&sid(*two)))
            }));
        }
        let mut keys: Vec<IdleKey> =
            slots.map(|slot| idle_key(workers.at(slot), channel, optimized)).collect();
        if keys.len() > most {
            keys.select_nth_unstable(most);
            keys.truncate(most);
        }
        keys.sort_unstable();
        found.extend(keys.into_iter().map(|(_, _, _, slot)| slot));
    }
}
