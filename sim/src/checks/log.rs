//! The log of events: every durable turn's events are in it once, in order, and stay there.

use super::place::Finding;
use host::tables;
use routing::{Event, EventKind, EventSid, WorkspaceSid, log};
use serde_json::Value;
use std::collections::BTreeMap;
use store::{Batch, MemoryStore, Scan, Store, StoredChange};

/// What the logs held when their rows became durable.
#[derive(Default)]
pub(super) struct Log(BTreeMap<WorkspaceSid, Logged>);

#[derive(Default)]
struct Logged {
    events: BTreeMap<EventSid, EventKind>,
}

const CHECKER: &str = "the log of events is complete and in order";

impl Log {
    /// Takes a durable batch in; what is wrong with its events.
    pub(super) fn apply(&mut self, workspace: WorkspaceSid, batch: &Batch) -> Option<Finding> {
        let logged = self.0.entry(workspace).or_default();
        let (mut wanted, mut wrong) = (wanted(batch), None);
        for row in batch.rows.iter().filter(|row| row.table.name == tables::EVENT.name) {
            let Some(content) = &row.content else { continue };
            let first = row.key.parse().expect("rows of the log are kept under SIDs of events");
            let events = log::read(first, &content.body).expect("what was written can be read");
            for event in events {
                let last = logged.events.last_key_value().map(|(sid, _)| *sid);
                if last.is_some_and(|last| event.sid <= last) {
                    wrong = Some(format!("{} comes after {last:?}", event.sid));
                }
                let about = event.reservation.as_ref().map(|one| one.sid.to_string());
                let about = about.or_else(|| Some(event.task.as_ref()?.sid.to_string()));
                let about = about.or_else(|| Some(event.worker.as_ref()?.sid.to_string()));
                if let Some(about) = about
                    && let Some(count) = wanted.get_mut(&(event.kind, about))
                {
                    *count -= 1;
                }
                logged.events.insert(event.sid, event.kind);
            }
        }
        let missing = wanted.iter().find(|(_, count)| **count != 0);
        let missing = missing.map(|((kind, about), count)| {
            let kind = kind.as_str();
            format!("change {}: {kind} of {about} is missing {count} times", batch.first)
        });
        wrong.or(missing).map(|what| (CHECKER, what))
    }

    /// What is heard was logged before, as the same.
    pub(super) fn judge(&self, workspace: WorkspaceSid, event: &Event) -> Option<Finding> {
        let kind = event.kind.as_str();
        match self.0.get(&workspace)?.events.get(&event.sid) {
            Some(logged) if *logged == event.kind => None,
            Some(logged) => {
                let what = format!("{kind} {} is logged as {}", event.sid, logged.as_str());
                Some((CHECKER, what))
            }
            None => {
                let what = format!("{kind} {} is not in the log", event.sid);
                Some(("no event is announced before it is durable", what))
            }
        }
    }

    pub(super) fn gone(&mut self, workspace: WorkspaceSid) {
        self.0.remove(&workspace);
    }

    /// What was logged is still there, and nothing else.
    pub(super) fn look_through(&self, memory: &MemoryStore) -> Option<Finding> {
        for (workspace, logged) in &self.0 {
            let scan = Scan {
                limit: usize::MAX,
                ..Scan::of(&tables::EVENT, workspace.to_string().into())
            };
            let rows = memory.scan(&scan).expect("memory can be read");
            let mut events = rows.iter().flat_map(|row| {
                let first = row.key.parse().expect("rows of the log are kept under SIDs of events");
                log::read(first, &row.body).expect("what was written can be read")
            });
            let is_same =
                logged.events.keys().all(|sid| events.next().is_some_and(|e| e.sid == *sid));
            if !is_same || events.next().is_some() {
                let what = format!("{workspace}: the log is not what was written to it");
                return Some((CHECKER, what));
            }
        }
        None
    }
}

/// What the changes of a batch must have told, and how often.
fn wanted(batch: &Batch) -> BTreeMap<(EventKind, String), i32> {
    let mut wanted = BTreeMap::new();
    for StoredChange { kind, body, .. } in &batch.changes {
        let (event, field) = match *kind {
            "task_created" => (EventKind::TaskCreated, "sid"),
            "task_canceled" => (EventKind::TaskCanceled, "task"),
            "task_completed" => (EventKind::TaskCompleted, "task"),
            "task_deleted" => (EventKind::TaskDeleted, "task"),
            "task_system_deleted" => (EventKind::TaskSystemDeleted, "task"),
            "task_offered" => (EventKind::ReservationCreated, "reservations"),
            "reservation_accepted" => (EventKind::ReservationAccepted, "reservation"),
            "reservation_rejected" => (EventKind::ReservationRejected, "reservation"),
            "reservation_timed_out" => (EventKind::ReservationTimeout, "reservation"),
            "reservation_canceled" => (EventKind::ReservationCanceled, "reservation"),
            "reservation_rescinded" => (EventKind::ReservationRescinded, "reservation"),
            "reservation_wrapped" => (EventKind::ReservationWrapup, "reservation"),
            "reservation_completed" => (EventKind::ReservationCompleted, "reservation"),
            "worker_created" => (EventKind::WorkerCreated, "sid"),
            "worker_attributes_changed" => (EventKind::WorkerAttributesUpdate, "worker"),
            "worker_activity_changed" => (EventKind::WorkerActivityUpdate, "worker"),
            _ => continue,
        };
        let body: Value = serde_json::from_str(body).expect("changes are JSON");
        let told = &body[*kind];
        let named = match &told[field] {
            Value::Array(all) => all.iter().filter_map(|one| one["sid"].as_str()).collect(),
            one => Vec::from_iter(one.as_str()),
        };
        for name in named {
            *wanted.entry((event, name.to_owned())).or_insert(0) += 1;
        }
    }
    wanted
}
