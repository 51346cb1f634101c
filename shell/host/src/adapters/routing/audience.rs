//! Who hears of an event: its own entities, and whoever works on its task.
//!
//! Follows the changes, so it is as far ahead of the disk as the engine; what it says is kept back
//! with the rest of the step.

use crate::{
    engine::Notice,
    hub::{Announced, Topic},
};
use routing::{
    Change, Event, EventKind, Reservation, ReservationSid, StoredRow, TaskQueueSid, TaskSid,
    TransferTarget, WorkerSid, WorkspaceSid,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Looked up by key only, never iterated.
#[derive(Debug, Default)]
pub(super) struct Audience {
    /// Open reservations.
    open: HashMap<TaskSid, Vec<(ReservationSid, WorkerSid)>>,
    /// The tasks of open reservations.
    tasks: HashMap<ReservationSid, TaskSid>,
    /// The queues of live tasks.
    queues: HashMap<TaskSid, TaskQueueSid>,
}

/// What a turn did beside its events.
#[derive(Debug, Default)]
struct Turned {
    /// Who had a reservation that ended.
    ended: BTreeMap<TaskSid, Vec<WorkerSid>>,
    /// Queues in which something changed.
    queues: BTreeSet<TaskQueueSid>,
}

impl Audience {
    /// A row that was there before.
    pub(super) fn restore(&mut self, row: &StoredRow) {
        match row {
            StoredRow::Reservation(reservation) if reservation.status.is_open() => {
                self.add(reservation);
            }
            StoredRow::Task(task) if !task.status.is_final() => {
                task.queue.map(|queue| self.queues.insert(task.sid, queue));
            }
            _ => {}
        }
    }

    /// Who is told what about a turn with these changes and events.
    pub(super) fn notices(
        &mut self,
        workspace: WorkspaceSid,
        changes: &[Change],
        events: Vec<Event>,
    ) -> Vec<Notice> {
        let Turned { ended, queues } = self.follow(changes);
        let mut notices = Vec::with_capacity(events.len() + queues.len());
        for event in events {
            let topics = self.topics(workspace, &event, &ended);
            let announced = Arc::new(Announced { workspace, event });
            notices.push(Notice::Event { topics, announced });
        }
        notices.extend(queues.into_iter().map(Notice::Tick));
        notices
    }

    fn follow(&mut self, changes: &[Change]) -> Turned {
        let mut turned = Turned::default();
        for change in changes {
            let task = self.task_of(change);
            turned.queues.extend(task.and_then(|task| self.queues.get(&task)));
            self.follow_one(change, &mut turned);
            turned.queues.extend(task.and_then(|task| self.queues.get(&task)));
        }
        turned
    }

    fn follow_one(&mut self, change: &Change, turned: &mut Turned) {
        match change {
            Change::TaskPlaced { task, queue: Some(queue), .. }
            | Change::TargetEntered { task, queue, .. } => {
                self.queues.insert(*task, *queue);
            }
            Change::TransferInitiated { transfer, .. } => {
                if let TransferTarget::Queue(queue) = transfer.to {
                    self.queues.insert(transfer.task, queue);
                }
            }
            Change::TransferEnded { task, queue: Some(queue), .. } => {
                self.queues.insert(*task, *queue);
            }
            Change::TaskOffered { reservations, .. } => {
                reservations.iter().for_each(|reservation| self.add(reservation));
            }
            Change::ReservationRejected { reservation, .. }
            | Change::ReservationTimedOut { reservation, .. }
            | Change::ReservationCanceled { reservation, .. }
            | Change::ReservationRescinded { reservation, .. }
            | Change::ReservationCompleted { reservation, .. } => {
                if let Some((task, worker)) = self.remove(*reservation) {
                    turned.ended.entry(task).or_default().push(worker);
                }
            }
            Change::TaskDeleted { task, .. }
            | Change::TaskSystemDeleted { task, .. }
            | Change::TaskCompleted { task, .. }
            | Change::TaskCanceled { task, .. } => {
                self.queues.remove(task);
                for (reservation, worker) in self.open.remove(task).unwrap_or_default() {
                    self.tasks.remove(&reservation);
                    turned.ended.entry(*task).or_default().push(worker);
                }
            }
            _ => {}
        }
    }

    /// The task a change is about, if it is about one.
    fn task_of(&self, change: &Change) -> Option<TaskSid> {
        match change {
            Change::TaskCreated(task) => Some(task.sid),
            Change::TransferInitiated { transfer, .. } => Some(transfer.task),
            Change::TaskPlaced { task, .. }
            | Change::TargetEntered { task, .. }
            | Change::TaskUpdated { task, .. }
            | Change::TaskOffered { task, .. }
            | Change::TaskReturned { task, .. }
            | Change::TransferEnded { task, .. }
            | Change::TaskWrapped { task, .. }
            | Change::TaskCompleted { task, .. }
            | Change::TaskCanceled { task, .. }
            | Change::TaskDeleted { task, .. }
            | Change::TaskSystemDeleted { task, .. } => Some(*task),
            Change::ReservationAccepted { reservation, .. }
            | Change::ReservationRejected { reservation, .. }
            | Change::ReservationTimedOut { reservation, .. }
            | Change::ReservationCanceled { reservation, .. }
            | Change::ReservationRescinded { reservation, .. } => {
                self.tasks.get(reservation).copied()
            }
            _ => None,
        }
    }

    fn add(&mut self, reservation: &Reservation) {
        let entry = (reservation.sid, reservation.worker);
        self.open.entry(reservation.task).or_default().push(entry);
        self.tasks.insert(reservation.sid, reservation.task);
    }

    fn remove(&mut self, sid: ReservationSid) -> Option<(TaskSid, WorkerSid)> {
        let task = self.tasks.remove(&sid)?;
        let open = self.open.get_mut(&task)?;
        let at = open.iter().position(|(reservation, _)| *reservation == sid)?;
        let (_, worker) = open.remove(at);
        if open.is_empty() {
            self.open.remove(&task);
        }
        Some((task, worker))
    }

    fn topics(
        &self,
        workspace: WorkspaceSid,
        event: &Event,
        ended: &BTreeMap<TaskSid, Vec<WorkerSid>>,
    ) -> Vec<Topic> {
        let mut topics = vec![Topic::Workspace(workspace)];
        let worker = event.worker.as_ref().map(|worker| worker.sid);
        let reserved = event.reservation.as_ref().map(|reservation| reservation.worker);
        topics.extend(worker.or(reserved).map(Topic::Worker));
        let Some(task) = &event.task else { return topics };
        topics.push(Topic::Task(task.sid));
        if event.reservation.is_none() {
            // A transfer is the business of whoever hands the task over.
            let transfer = event.transfer.as_ref();
            topics.extend(transfer.map(|transfer| Topic::Worker(transfer.initiating_worker)));
        }
        if is_for_workers_of_the_task(event.kind) {
            let open = self.open.get(&task.sid).into_iter().flatten().map(|(_, worker)| *worker);
            let ended = ended.get(&task.sid).into_iter().flatten().copied();
            topics.extend(open.chain(ended).map(Topic::Worker));
        }
        topics
    }
}

const fn is_for_workers_of_the_task(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::TaskUpdated
            | EventKind::TaskCanceled
            | EventKind::TaskCompleted
            | EventKind::TaskWrapup
    )
}
