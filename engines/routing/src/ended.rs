//! Tasks and reservations that ended a short while ago.
//!
//! * They are kept so that a late command is refused with the true reason, and a disposition can
//!   still be set; they take no part in anything else.
//! * Bounded twice: by time (they are forgotten once a minute) and, as far as more than their SIDs
//!   is kept, by number (the oldest go first, after their rows were taken).

use crate::{
    limits::{ENDED_KEPT_MAX, ENDED_PAGE_MAX},
    map::Map,
    model::*,
    question::EndedPage,
};
use base::Timestamp;
use std::{
    collections::{BTreeSet, VecDeque},
    ops::Bound,
};

/// Tasks, and reservations, forgotten at once, more or less.
const FORGOTTEN_MAX: usize = 500;

/// A task that ended.
#[derive(Clone, Debug)]
pub(crate) struct EndedTask {
    pub(crate) task: Task,
    /// Who handled it.
    pub(crate) worker: Option<WorkerSid>,
}

/// What ended a short while ago.
#[derive(Default)]
pub(crate) struct Ended {
    pub(crate) tasks: Map<TaskSid, EndedTask>,
    pub(crate) reservations: Map<ReservationSid, Reservation>,
    /// All of them, in order of SID: also those of which nothing else is kept.
    sids: BTreeSet<TaskSid>,
    /// Oldest end first; a task deleted meanwhile may still be named.
    task_order: VecDeque<(Timestamp, TaskSid)>,
    /// So many of the oldest are no longer in `tasks`.
    bare: usize,
    reservation_order: VecDeque<(Timestamp, ReservationSid)>,
    /// Oldest end first. Kept only until their rows were taken.
    transfers: Vec<Transfer>,
}

impl Ended {
    pub(crate) fn add_task(&mut self, ended: EndedTask) {
        let at = ended.task.ended_at.unwrap_or(ended.task.updated_at);
        self.task_order.push_back((at, ended.task.sid));
        self.sids.insert(ended.task.sid);
        self.tasks.insert(ended.task.sid, ended);
    }

    pub(crate) fn add_reservation(&mut self, reservation: Reservation) {
        self.reservation_order.push_back((reservation.updated_at, reservation.sid));
        self.reservations.insert(reservation.sid, reservation);
    }

    pub(crate) fn add_transfer(&mut self, transfer: Transfer) {
        self.transfers.push(transfer);
    }

    /// Transfers that ended since rows were last taken.
    pub(crate) fn transfers(&self) -> impl Iterator<Item = &Transfer> {
        self.transfers.iter()
    }

    /// Who completed a task: its newest completed reservation says so.
    pub(crate) fn completed_by(&self, task: TaskSid) -> Option<WorkerSid> {
        let newest_first = self.reservation_order.iter().rev();
        let mut known = newest_first.filter_map(|(_, sid)| self.reservations.get(*sid));
        let done = known.find(|reservation| reservation.task == task)?;
        (done.status == ReservationStatus::Completed).then_some(done.worker)
    }

    /// A deleted task is unknown at once, and so are its reservations, which are returned.
    pub(crate) fn delete_task(&mut self, task: TaskSid) -> Vec<ReservationSid> {
        self.tasks.remove(task);
        self.sids.remove(&task);
        let of_task = |sid: &ReservationSid| {
            self.reservations.get(*sid).is_some_and(|reservation| reservation.task == task)
        };
        let gone: Vec<ReservationSid> =
            self.reservation_order.iter().map(|(_, sid)| *sid).filter(of_task).collect();
        gone.iter().for_each(|sid| _ = self.reservations.remove(*sid));
        gone
    }

    /// Tasks behind (or before) this one, in order of SID; `None` begins at that end.
    pub(crate) fn page(&self, page: &EndedPage) -> Vec<TaskSid> {
        let limit = page.limit.min(ENDED_PAGE_MAX);
        let from = page.behind.map_or(Bound::Unbounded, Bound::Excluded);
        match page.backwards {
            false => self.sids.range((from, Bound::Unbounded)).take(limit).copied().collect(),
            true => self.sids.range((Bound::Unbounded, from)).rev().take(limit).copied().collect(),
        }
    }

    /// When the oldest ended.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        let task = self.task_order.front().map(|(at, _)| *at);
        let reservation = self.reservation_order.front().map(|(at, _)| *at);
        task.into_iter().chain(reservation).min()
    }

    /// Oldest end first, after entries came in another order.
    pub(crate) fn sort(&mut self) {
        self.task_order.make_contiguous().sort_unstable();
        self.reservation_order.make_contiguous().sort_unstable();
        self.trim();
    }

    /// A time no later than `until` up to which not too much ended at once, and how much did.
    pub(crate) fn some_until(&self, until: Timestamp) -> (Timestamp, usize) {
        let task = self.task_order.get(FORGOTTEN_MAX).map(|(at, _)| *at);
        let reservation = self.reservation_order.get(FORGOTTEN_MAX).map(|(at, _)| *at);
        let until = task.into_iter().chain(reservation).min().map_or(until, |at| until.min(at));
        let tasks = self.task_order.partition_point(|(at, _)| *at <= until);
        let reservations = self.reservation_order.partition_point(|(at, _)| *at <= until);
        (until, tasks + reservations)
    }

    pub(crate) fn forget(&mut self, until: Timestamp) {
        while let Some((_, sid)) = self.task_order.pop_front_if(|(at, _)| *at <= until) {
            self.tasks.remove(sid);
            self.sids.remove(&sid);
            self.bare = self.bare.saturating_sub(1);
        }
        while let Some((_, sid)) = self.reservation_order.pop_front_if(|(at, _)| *at <= until) {
            self.reservations.remove(sid);
        }
    }

    /// Down to the bound on their number, after their rows were taken.
    pub(crate) fn trim(&mut self) {
        self.transfers.clear();
        while self.task_order.len() - self.bare > ENDED_KEPT_MAX {
            let (_, sid) = self.task_order[self.bare];
            self.tasks.remove(sid);
            self.bare += 1;
        }
        while self.reservation_order.len() > ENDED_KEPT_MAX {
            let (_, sid) = self.reservation_order.pop_front().expect("more than none");
            self.reservations.remove(sid);
        }
    }
}
