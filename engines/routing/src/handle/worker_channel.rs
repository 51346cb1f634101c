//! A worker's share in a channel.

use super::{Handled, Turn, check_input, unknown};
use crate::{
    change::Change,
    command::{Reply, WorkerChannelRef},
    event::EventKind,
    limits::CAPACITY_MAX,
    model::*,
    rejection::Rejection,
    state::Routing,
};

impl Routing {
    pub(super) fn update_worker_channel(
        &mut self,
        turn: &mut Turn<'_>,
        worker: WorkerSid,
        channel: &WorkerChannelRef,
        (capacity, available): (Option<u32>, Option<bool>),
    ) -> Handled {
        if self.workers.slot(worker).is_none() {
            return Err(unknown(worker.sid()));
        }
        let channel = self.worker_channel_ref(worker, channel)?;
        let old = self.worker_channel(worker, channel).ok_or_else(|| unknown(channel.sid()))?;
        let configured_capacity = capacity.unwrap_or(old.configured_capacity);
        check_input::within("Capacity", configured_capacity, 0, CAPACITY_MAX)?;
        let open = available.unwrap_or(old.available);
        if (configured_capacity, open) == (old.configured_capacity, old.available) {
            return Ok(Reply::WorkerChannel(old));
        }
        self.record(
            turn,
            Change::WorkerChannelUpdated {
                worker,
                task_channel: channel,
                configured_capacity,
                available: open,
                at: turn.now,
            },
        );
        if configured_capacity != old.configured_capacity {
            self.tell_worker_channel(turn, EventKind::WorkerCapacityUpdate, &old);
        }
        if open != old.available {
            let kind = EventKind::WorkerChannelAvailabilityUpdate;
            self.tell_worker_channel(turn, kind, &old);
        }
        let new = self.worker_channel(worker, channel).ok_or_else(|| unknown(channel.sid()))?;
        Ok(Reply::WorkerChannel(new))
    }

    fn worker_channel_ref(
        &self,
        worker: WorkerSid,
        channel: &WorkerChannelRef,
    ) -> Result<TaskChannelSid, Rejection> {
        match channel {
            WorkerChannelRef::Channel(channel) => Ok(self.channel(channel)?.sid),
            WorkerChannelRef::Sid(sid) => {
                let mut channels = self.channels.iter().map(|(_, channel)| channel.sid);
                let found = channels.find(|channel| worker_channel_sid(worker, *channel) == *sid);
                found.ok_or_else(|| unknown(sid.sid()))
            }
        }
    }
}
