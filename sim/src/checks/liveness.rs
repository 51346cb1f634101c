//! Once nothing goes wrong any more: what can be offered is offered, and what is due happens.
//!
//! Who could take a task is worked out from rows alone, without the engine and its expressions.

use super::{Checks, Place, place::Finding};
use crate::hours;
use base::{Millis, Timestamp};
use routing::{Task, TaskStatus, Worker, WorkerSid, WorkspaceSid};
use std::collections::BTreeMap;

/// How long a task that could be offered may wait, and a timer that is due.
pub const GRACE: Millis = Millis(2_000);

/// Since when a task could have been offered.
pub(super) type Since = BTreeMap<String, Timestamp>;

impl Checks {
    /// Looks at every task and timer of a workspace.
    pub(crate) fn look_alive(&mut self, workspace: WorkspaceSid, now: Timestamp) {
        let Some(place) = self.places.get(&workspace) else { return };
        let mut late = overdue(place, now);
        for task in place.tasks.values() {
            let sid = task.sid.to_string();
            let is_pending = task.status == TaskStatus::Pending;
            let taker = if is_pending { taker(place, task, now) } else { None };
            let Some(worker) = taker else {
                self.since.remove(&sid);
                continue;
            };
            let since = *self.since.entry(sid).or_insert(now);
            if now - since > GRACE {
                late = Some(format!("{} waits though {worker} could take it", task.sid));
            }
        }
        if let Some(what) = late {
            self.fail("every routable task is offered, every timer runs", what);
        }
        self.look_at_timers(workspace, now);
        self.look_at_deliveries(workspace, now);
    }

    /// Looks at what needs nobody to happen: always, where nothing ever goes wrong.
    pub(crate) fn look_at_timers(&mut self, workspace: WorkspaceSid, now: Timestamp) {
        let Some(place) = self.places.get(&workspace) else { return };
        let found = overdue_callback(place, now).or_else(|| closed_too_long(place, now));
        if let Some((checker, what)) = found {
            self.fail(checker, what);
        }
    }
}

/// A reservation whose application should have answered, or somebody else be asked.
fn overdue_callback(place: &Place, now: Timestamp) -> Option<Finding> {
    let mut open = place.open();
    let asked =
        open.find(|one| one.callback.is_some_and(|callback| now > callback.until + GRACE))?;
    let what = format!("{} waits for an instruction past its time", asked.sid);
    Some(("no callback is overdue", what))
}

/// A schedule that is not what its calendar says.
fn closed_too_long(place: &Place, now: Timestamp) -> Option<Finding> {
    let wrong = place.schedules.values().find(|schedule| {
        let by_hours = hours::is_open(schedule, now);
        let changed = hours::is_open(schedule, now + Millis(-GRACE.0)) != by_hours;
        !changed && schedule.open != by_hours
    })?;
    let what = format!("{} is open: {}, by its hours it is not so", wrong.name, wrong.open);
    Some(("schedules open and close in time", what))
}

/// A timer that should have run.
fn overdue(place: &Place, now: Timestamp) -> Option<String> {
    let is_late = |at: Timestamp| now > at + GRACE;
    let mut open = place.open();
    let offer = open.find(|reservation| {
        reservation.status == routing::ReservationStatus::Pending && is_late(reservation.expires_at)
    });
    if let Some(offer) = offer {
        return Some(format!("{} ran out and is pending", offer.sid));
    }
    let mut tasks = place.tasks.values();
    let task = tasks.find(|task| {
        let waits = matches!(task.status, TaskStatus::Pending | TaskStatus::Reserved);
        // Once it was assigned neither its time to live nor its target matters.
        let waits = waits && task.assigned_at.is_none();
        let target = task.current_walk().and_then(|walk| walk.deadline);
        (waits && is_late(task.created_at + Millis::secs(task.timeout_s.into())))
            || (task.status == TaskStatus::Pending && target.is_some_and(is_late))
    });
    task.map(|task| format!("{} is {} past its time", task.sid, task.status))
}

/// Somebody who could be offered the task now.
fn taker(place: &Place, task: &Task, now: Timestamp) -> Option<WorkerSid> {
    let direct = task.routing_target.filter(|target| target.kind() == "WK");
    let direct = direct.filter(|_| task.transfer.is_none());
    let asked = if direct.is_none() { Some(place.asked(task)?) } else { None };
    let rests = |worker: WorkerSid| {
        let rest = task.rest.as_deref().filter(|rest| now <= rest.until);
        rest.and_then(|rest| rest.from.as_ref()).is_some_and(|from| from.includes(worker))
    };
    let mut workers = place.workers.values();
    let passed_over = task.transfer.as_ref().map(|transfer| transfer.passed_over.as_slice());
    let is_tried = |worker: WorkerSid| passed_over.is_some_and(|who| who.contains(&worker));
    let found = workers.find(|(worker, about)| match direct {
        _ if is_tried(worker.sid) || rests(worker.sid) => false,
        Some(target) if worker.sid.sid() != target => false,
        Some(_) => task.ignore_capacity || has_room(place, task, worker),
        None => {
            asked.as_ref().is_some_and(|asked| asked.is(worker, about, now))
                && has_room(place, task, worker)
        }
    });
    found.map(|(worker, _)| worker.sid)
}

fn has_room(place: &Place, task: &Task, worker: &Worker) -> bool {
    let activity = place.activities.get(&worker.activity);
    let (capacity, available) = place.share(worker.sid, task);
    let is_free = if place.is_single_tasking() {
        !place.open().any(|offer| offer.worker == worker.sid)
    } else {
        place.load(worker.sid, task.task_channel) < capacity as usize
    };
    let is_withheld =
        || !place.is_single_tasking() && place.is_withheld(worker.sid, task.task_channel);
    activity.is_some_and(|activity| activity.available) && available && is_free && !is_withheld()
}
