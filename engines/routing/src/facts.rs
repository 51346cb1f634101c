//! What expressions see of a worker and of a queue's workers besides attributes.

use crate::{
    model::*,
    state::{ActivityState, Channels, Routing, WorkerState},
};
use expr::{ChannelField, Fact, WorkerCounts, WorkerFacts, WorkerField};
use std::collections::BTreeMap;

/// The built-in fields of one worker.
pub(crate) struct Facts<'a> {
    pub(crate) state: &'a WorkerState,
    pub(crate) activities: &'a BTreeMap<ActivitySid, ActivityState>,
    pub(crate) channels: &'a Channels,
}

impl WorkerFacts for Facts<'_> {
    fn fact(&self, field: &WorkerField) -> Fact<'_> {
        let worker = &self.state.worker;
        match field {
            WorkerField::Sid => Fact::Sid(worker.sid.sid()),
            WorkerField::FriendlyName => Fact::Text(&worker.friendly_name),
            WorkerField::ActivitySid => Fact::Sid(worker.activity.sid()),
            WorkerField::ActivityName => match self.activities.get(&worker.activity) {
                Some(state) => Fact::Text(&state.activity.friendly_name),
                None => Fact::Null,
            },
            WorkerField::AssignedTasks => {
                let accepted = self.state.channels.iter().map(|share| i64::from(share.accepted));
                Fact::Number(accepted.sum())
            }
            WorkerField::Channel { name, what } => self.channel(name, *what),
        }
    }
}

impl Facts<'_> {
    fn channel(&self, name: &str, what: ChannelField) -> Fact<'_> {
        let slot = self.channels.named(name).and_then(|channel| self.channels.slot(channel.sid));
        let Some(share) = slot.and_then(|slot| self.state.channels.get(slot)) else {
            return Fact::Null;
        };
        Fact::Number(match what {
            ChannelField::ConfiguredCapacity => share.capacity.into(),
            ChannelField::AssignedTasks => share.accepted.into(),
            ChannelField::AvailableCapacityPercentage => {
                let free = i64::from(share.capacity.saturating_sub(share.open));
                (free * 100).checked_div(share.capacity.into()).unwrap_or(0)
            }
        })
    }
}

impl Routing {
    pub(crate) fn facts<'a>(&'a self, state: &'a WorkerState) -> Facts<'a> {
        Facts { state, activities: &self.activities, channels: &self.channels }
    }

    /// How many members of a queue are in which activity.
    pub(crate) fn counts(&self, queue: TaskQueueSid) -> WorkerCounts {
        let mut counts = WorkerCounts::default();
        let Some(queue) = self.queues.get(&queue) else { return counts };
        for slot in queue.members.iter() {
            let state = self.workers.at(slot);
            *counts.by_activity.entry(state.worker.activity.sid()).or_default() += 1;
            if state.available {
                counts.available += 1;
            } else {
                counts.unavailable += 1;
            }
        }
        counts
    }
}

/// The counts as they are kept.
pub(crate) fn member_counts(counts: &WorkerCounts) -> MemberCounts {
    let by_activity = counts.by_activity.iter();
    MemberCounts {
        available: counts.available,
        unavailable: counts.unavailable,
        by_activity: by_activity.map(|(sid, n)| (ActivitySid::new(sid.body()), *n)).collect(),
    }
}
