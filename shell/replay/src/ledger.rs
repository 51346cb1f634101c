//! What happened to each task and worker, told from changes alone.

use crate::{Origin, Timed};
use base::Timestamp;
use routing::{
    ActivitySid, Change, ReservationSid, ReservationStatus, StoredRow, Task, TaskQueueSid, TaskSid,
    WorkerSid,
};
use std::collections::BTreeMap;

/// One task's story.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) created_at: Timestamp,
    /// The queue it is in, or was in when it was taken or given up.
    pub(crate) queue: Option<TaskQueueSid>,
    /// When it was first taken, and by whom.
    pub(crate) taken: Option<(Timestamp, WorkerSid)>,
    /// When it was given up without being taken.
    pub(crate) abandoned_at: Option<Timestamp>,
    pub(crate) transfers: usize,
}

#[derive(Default)]
struct Hand {
    activity: Option<ActivitySid>,
    holds: usize,
    since: Option<Timestamp>,
    busy_ms: i64,
    there_ms: i64,
}

fn story(task: &Task, created_at: Timestamp) -> Story {
    Story { created_at, queue: task.queue, taken: None, abandoned_at: None, transfers: 0 }
}

/// See the module.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) tasks: BTreeMap<TaskSid, Story>,
    pub(crate) queue_names: BTreeMap<TaskQueueSid, String>,
    pub(crate) worker_names: BTreeMap<WorkerSid, String>,
    pub(crate) busy_ms: i64,
    pub(crate) there_ms: i64,
    pub(crate) end: Timestamp,
    hands: BTreeMap<WorkerSid, Hand>,
    available: BTreeMap<ActivitySid, bool>,
    offers: BTreeMap<ReservationSid, (TaskSid, WorkerSid, bool)>,
}

impl Ledger {
    pub(crate) fn of(origin: &Origin, changes: &[Timed]) -> Self {
        let mut ledger = Self::default();
        for row in &origin.rows {
            ledger.begin(row, origin.at);
        }
        for (at, change) in changes {
            ledger.task(*at, change);
            ledger.worker(*at, change);
        }
        ledger.end = changes.last().map_or(origin.at, |(at, _)| *at);
        for worker in ledger.hands.keys().copied().collect::<Vec<_>>() {
            ledger.pass(worker, ledger.end);
        }
        for hand in ledger.hands.values() {
            ledger.busy_ms += hand.busy_ms;
            ledger.there_ms += hand.there_ms;
        }
        ledger
    }

    /// How things stood when the changes begin. A task that somebody took before is nobody's any
    /// more to wait for.
    fn begin(&mut self, row: &StoredRow, at: Timestamp) {
        match row {
            StoredRow::Activity(activity) => {
                self.available.insert(activity.sid, activity.available);
            }
            StoredRow::TaskQueue(queue) => {
                self.queue_names.insert(queue.sid, queue.friendly_name.clone());
            }
            StoredRow::Worker(worker) => {
                self.worker_names.insert(worker.sid, worker.friendly_name.clone());
                let hand = self.hand(worker.sid);
                (hand.activity, hand.since) = (Some(worker.activity), Some(at));
            }
            StoredRow::Task(task) if !task.status.is_final() && task.assigned_at.is_none() => {
                self.tasks.insert(task.sid, story(task, task.created_at));
            }
            StoredRow::Reservation(one) if one.status.is_open() => {
                let held = one.status != ReservationStatus::Pending;
                self.offers.insert(one.sid, (one.task, one.worker, held));
                self.hand(one.worker).holds += usize::from(held);
            }
            _ => {}
        }
    }

    fn task(&mut self, at: Timestamp, change: &Change) {
        match change {
            Change::TaskCreated(task) => {
                self.tasks.insert(task.sid, story(task, at));
            }
            Change::TaskQueueCreated(queue) | Change::TaskQueueUpdated(queue) => {
                self.queue_names.insert(queue.sid, queue.friendly_name.clone());
            }
            Change::TargetEntered { task, queue, .. } => self.moved(*task, Some(*queue)),
            Change::TaskPlaced { task, queue, .. } => self.moved(*task, *queue),
            Change::TransferInitiated { transfer, .. } => {
                if let Some(story) = self.tasks.get_mut(&transfer.task) {
                    story.transfers += 1;
                }
            }
            Change::TaskCanceled { task, .. } | Change::TaskDeleted { task, .. } => {
                if let Some(story) = self.tasks.get_mut(task)
                    && story.taken.is_none()
                {
                    story.abandoned_at = Some(at);
                }
            }
            _ => {}
        }
    }

    /// Until it is taken, a task is counted in the queue it moves to.
    fn moved(&mut self, task: TaskSid, queue: Option<TaskQueueSid>) {
        if let Some(story) = self.tasks.get_mut(&task)
            && story.taken.is_none()
        {
            story.queue = queue;
        }
    }

    fn worker(&mut self, at: Timestamp, change: &Change) {
        match change {
            Change::ActivityCreated(activity) => {
                self.available.insert(activity.sid, activity.available);
            }
            Change::WorkerCreated(worker) => {
                self.worker_names.insert(worker.sid, worker.friendly_name.clone());
                self.pass(worker.sid, at);
                self.hand(worker.sid).activity = Some(worker.activity);
            }
            Change::WorkerRenamed { worker, friendly_name, .. } => {
                self.worker_names.insert(*worker, friendly_name.clone());
            }
            Change::WorkerActivityChanged { worker, activity, .. } => {
                self.pass(*worker, at);
                self.hand(*worker).activity = Some(*activity);
            }
            Change::WorkerDeleted(worker) => {
                self.pass(*worker, at);
                self.hand(*worker).activity = None;
            }
            Change::TaskOffered { task, reservations, .. } => {
                for one in reservations {
                    self.offers.insert(one.sid, (*task, one.worker, false));
                }
            }
            Change::ReservationAccepted { reservation, .. } => self.taken(*reservation, at),
            Change::ReservationCompleted { reservation, .. } => {
                if let Some((_, worker, true)) = self.offers.remove(reservation) {
                    self.pass(worker, at);
                    let hand = self.hand(worker);
                    hand.holds = hand.holds.saturating_sub(1);
                }
            }
            _ => {}
        }
    }

    fn taken(&mut self, reservation: ReservationSid, at: Timestamp) {
        let Some((task, worker, held)) = self.offers.get_mut(&reservation) else { return };
        *held = true;
        let (task, worker) = (*task, *worker);
        self.pass(worker, at);
        self.hand(worker).holds += 1;
        if let Some(story) = self.tasks.get_mut(&task)
            && story.taken.is_none()
        {
            story.taken = Some((at, worker));
        }
    }

    fn hand(&mut self, worker: WorkerSid) -> &mut Hand {
        self.hands.entry(worker).or_default()
    }

    /// Counts a worker's time up to now.
    fn pass(&mut self, worker: WorkerSid, at: Timestamp) {
        let activity = self.hands.get(&worker).and_then(|hand| hand.activity);
        let is_available = activity.is_some_and(|sid| self.available.get(&sid) == Some(&true));
        let hand = self.hand(worker);
        let span = hand.since.map_or(0, |since| (at - since).0);
        if hand.holds > 0 {
            hand.busy_ms += span;
        }
        if hand.holds > 0 || is_available {
            hand.there_ms += span;
        }
        hand.since = Some(at);
    }
}
