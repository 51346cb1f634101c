//! Which change of a workspace last concerned an item: read from the end of its journal, for those
//! who come back after a restart.
//!
//! * A change that may have concerned an item counts, whether it changed what the item says or not.
//! * One that gives others their names concerns every item that says it: nothing is known of what
//!   was before it.

use crate::tables;
use base::Sid;
use insights::{Index, Number, Recent};
use routing::{Change, ReservationSid, TaskSid};
use std::collections::BTreeMap;
use store::{PartitionId, Store, StoreError};

/// Changes that are looked through at most.
pub(super) const LOOKED_BACK: Number = 20_000;
/// Changes read at a time.
const AT_ONCE: usize = 1_000;

/// What a change concerns.
enum Concerns {
    /// No item.
    Nothing,
    /// Any item of any index.
    All,
    /// These items, and all of these indexes.
    Some(Vec<Sid>, &'static [Index]),
    /// A reservation and its task.
    Reservation(ReservationSid),
}

/// Items of these say what a queue, a workflow or a worker is called.
const TASKS: &[Index] = &[Index::Tasks, Index::Reservations];

/// The changes behind `after` and up to `through` that concerned items of an index. `tasks` says of
/// which task a reservation is that is an item.
pub(super) fn recent(
    (index, (after, through)): (Index, (Number, Number)),
    tasks: &BTreeMap<ReservationSid, TaskSid>,
    (store, partition): (&dyn Store, &PartitionId),
) -> Result<Recent, StoreError> {
    let mut since = through.saturating_sub(LOOKED_BACK).max(after);
    let mut numbers: BTreeMap<Sid, Number> = BTreeMap::new();
    let mut read_to = since;
    while read_to < through {
        let entries = store.journal(partition, read_to, AT_ONCE)?;
        for entry in &entries {
            // What is not there was forgotten.
            if entry.seq > read_to + 1 {
                since = entry.seq - 1;
            }
            read_to = entry.seq;
            if entry.seq > through {
                break;
            }
            let concerned = match concerns(&entry.body) {
                Concerns::Nothing => Vec::new(),
                Concerns::Some(_, indexes) if indexes.contains(&index) => {
                    since = entry.seq;
                    Vec::new()
                }
                Concerns::Some(keys, _) => keys,
                Concerns::All => {
                    since = entry.seq;
                    Vec::new()
                }
                Concerns::Reservation(_) if !TASKS.contains(&index) => Vec::new(),
                Concerns::Reservation(sid) => match task_of(sid, (store, partition))? {
                    Some(task) => vec![sid.sid(), task.sid()],
                    None => {
                        since = entry.seq;
                        Vec::new()
                    }
                },
            };
            numbers.extend(concerned.into_iter().map(|key| (key, entry.seq)));
        }
        if entries.is_empty() {
            break;
        }
    }
    // An item of a reservation holds its task.
    for (reservation, task) in tasks {
        if let Some(number) = numbers.get(&task.sid()).copied() {
            let own = numbers.entry(reservation.sid()).or_default();
            *own = number.max(*own);
        }
    }
    numbers.retain(|key, _| key.kind() == kind(index));
    Ok(Recent { since, through, numbers })
}

/// How keys of an index begin.
const fn kind(index: Index) -> &'static str {
    match index {
        Index::Workers => "WK",
        Index::Tasks => "WT",
        Index::Reservations => "WR",
        Index::Queues => "WQ",
    }
}

/// A reservation that is over may be gone with its task.
fn task_of(
    reservation: ReservationSid,
    (store, partition): (&dyn Store, &PartitionId),
) -> Result<Option<TaskSid>, StoreError> {
    let row = store.row(&tables::RESERVATION, partition, &reservation.to_string())?;
    let found = row.and_then(|row| serde_json::from_str::<routing::Reservation>(&row.body).ok());
    Ok(found.map(|found| found.task))
}

/// What cannot be read may concern anything.
fn concerns(body: &str) -> Concerns {
    let Ok(change) = serde_json::from_str::<Change>(body) else { return Concerns::All };
    let task = |sid: TaskSid| Concerns::Some(vec![sid.sid()], &[]);
    match change {
        Change::WorkspaceCreated(_)
        | Change::WorkspaceDeleted
        | Change::ActivityCreated(_)
        | Change::ActivityUpdated(_)
        | Change::ActivityDeleted(_) => Concerns::All,
        Change::WorkspaceUpdated(_)
        | Change::CapacityRulesSet(_)
        | Change::ScheduleSet(_)
        | Change::ScheduleDeleted(_)
        | Change::ScheduleLooked { .. }
        | Change::QueueOrderingSet(_)
        | Change::EndedForgotten { .. }
        | Change::SettlingLeft { .. }
        | Change::ReEvaluationLeft { .. }
        | Change::TimedRetried { .. } => Concerns::Nothing,
        Change::TaskChannelCreated(_)
        | Change::TaskChannelUpdated(_)
        | Change::TaskChannelDeleted(_)
        | Change::WorkflowCreated(_)
        | Change::WorkflowUpdated(_)
        | Change::WorkflowDeleted(_) => Concerns::Some(Vec::new(), TASKS),
        Change::TaskQueueCreated(queue) | Change::TaskQueueUpdated(queue) => {
            Concerns::Some(vec![queue.sid.sid()], TASKS)
        }
        Change::TaskQueueDeleted(sid) => Concerns::Some(vec![sid.sid()], TASKS),
        Change::WorkerCreated(worker) => Concerns::Some(vec![worker.sid.sid()], &[]),
        Change::WorkerAttributesChanged { worker, .. }
        | Change::WorkerActivityChanged { worker, .. }
        | Change::WorkerChannelUpdated { worker, .. } => Concerns::Some(vec![worker.sid()], &[]),
        Change::WorkerRenamed { worker, .. } | Change::WorkerDeleted(worker) => {
            Concerns::Some(vec![worker.sid()], &[Index::Reservations])
        }
        Change::TaskCreated(made) => task(made.sid),
        Change::TaskOffered { task, reservations, .. } => {
            let offers = reservations.iter().map(|one| one.sid.sid());
            Concerns::Some(offers.chain([task.sid()]).collect(), &[])
        }
        Change::TransferInitiated { transfer, .. } => task(transfer.task),
        Change::TaskPlaced { task: sid, .. }
        | Change::TargetEntered { task: sid, .. }
        | Change::TaskUpdated { task: sid, .. }
        | Change::TaskRested { task: sid, .. }
        | Change::TaskReturned { task: sid, .. }
        | Change::TaskWrapped { task: sid, .. }
        | Change::TaskCompleted { task: sid, .. }
        | Change::TaskCanceled { task: sid, .. }
        | Change::TaskDeleted { task: sid, .. }
        | Change::TaskSystemDeleted { task: sid, .. }
        | Change::TransferAttemptFailed { task: sid, .. }
        | Change::TransferEnded { task: sid, .. }
        | Change::DispositionSet { task: sid, .. } => task(sid),
        Change::ReservationAccepted { reservation, .. }
        | Change::ReservationRejected { reservation, .. }
        | Change::ReservationTimedOut { reservation, .. }
        | Change::ReservationCanceled { reservation, .. }
        | Change::ReservationRescinded { reservation, .. }
        | Change::ReservationWrapped { reservation, .. }
        | Change::ReservationCompleted { reservation, .. }
        | Change::CallbackMoved { reservation, .. } => Concerns::Reservation(reservation),
    }
}
