//! Every moment at which something happens by itself.
//!
//! * A deadline follows from the entities, so a restart keeps it.
//! * At equal times: time to live, callback, reservation timeout, target timeout.

use crate::{
    limits::{ASSIGNED_S_MAX, ENDED_READABLE_S},
    model::*,
};
use base::{Millis, Timestamp};
use std::collections::BTreeSet;

/// What happens by itself. The order decides between equal times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// Nobody took the task in its time to live.
    TimeToLive(TaskSid),
    /// A callback URL did not answer.
    Callback(ReservationSid),
    /// The worker did not answer.
    Reservation(ReservationSid),
    /// The task waited in its target for long enough.
    Target(TaskSid),
    /// The task kept away from workers for long enough.
    Rest(TaskSid),
    /// The task was assigned for too long.
    Assigned(TaskSid),
}

/// The deadlines of a workspace, first one first.
#[derive(Default, Debug)]
pub(crate) struct Deadlines(pub(crate) BTreeSet<(Timestamp, Due)>);

/// A task has at most three deadlines at a time.
pub(crate) type OfTask = [Option<(Timestamp, Due)>; 3];

impl Deadlines {
    pub(crate) fn first(&self) -> Option<(Timestamp, Due)> {
        self.0.first().copied()
    }

    pub(crate) fn add(&mut self, at: Timestamp, due: Due) {
        self.0.insert((at, due));
    }

    pub(crate) fn remove(&mut self, at: Timestamp, due: Due) {
        self.0.remove(&(at, due));
    }

    /// Replaces a task's deadlines; those that stay are not touched.
    pub(crate) fn replace(&mut self, old: OfTask, new: OfTask) {
        for (old, new) in old.into_iter().zip(new) {
            if old == new {
                continue;
            }
            old.iter().for_each(|entry| _ = self.0.remove(entry));
            new.iter().for_each(|entry| _ = self.0.insert(*entry));
        }
    }
}

/// The deadlines of a task as it stands.
pub(crate) fn of_task(task: &Task) -> OfTask {
    let time_to_live =
        (task.created_at + Millis::secs(task.timeout_s.into()), Due::TimeToLive(task.sid));
    let resting = task.rest.as_ref().filter(|rest| rest.from.is_some());
    let rest = resting.map(|rest| (rest.until, Due::Rest(task.sid)));
    // Time to live and targets no longer matter once the task was assigned (section 12).
    let until = |since: Timestamp| since + Millis::secs(ASSIGNED_S_MAX.into());
    if let (Some(since), TaskStatus::Pending | TaskStatus::Reserved) =
        (task.assigned_at, task.status)
    {
        return [Some((until(since), Due::Assigned(task.sid))), None, rest];
    }
    match task.status {
        TaskStatus::Pending => {
            let target = task.walk.as_ref().and_then(|walk| walk.deadline);
            [Some(time_to_live), target.map(|at| (at, Due::Target(task.sid))), rest]
        }
        TaskStatus::Reserved => [Some(time_to_live), None, rest],
        TaskStatus::Assigned => {
            let since = task.assigned_at.unwrap_or(task.updated_at);
            [Some((until(since), Due::Assigned(task.sid))), None, None]
        }
        TaskStatus::Wrapping | TaskStatus::Completed | TaskStatus::Canceled => [None, None, None],
    }
}

/// When something that ended at `at` is forgotten: once a minute is often enough.
pub(crate) fn forgotten_at(ended_at: Timestamp) -> Timestamp {
    next_minute(ended_at + Millis::secs(ENDED_READABLE_S.into()))
}

/// The first whole minute after `at`.
pub(crate) fn next_minute(at: Timestamp) -> Timestamp {
    Timestamp((at.0.div_euclid(60_000) + 1) * 60_000)
}

/// Whether something that ended at `ended_at` is still readable.
pub(crate) fn is_readable(ended_at: Timestamp, now: Timestamp) -> bool {
    now < ended_at + Millis::secs(ENDED_READABLE_S.into())
}
