//! A journal told apart: what people and programs did, how workers reacted, when timers ran.
//!
//! * What the engine decided is left out: it is decided anew.
//! * A deed keeps the number of its change, so that deeds of one instant keep their order.

use crate::{Origin, Timed};
use base::{Millis, Timestamp};
use routing::{
    ActivitySid, Asking, Callback, CallbackStage, Change, Deed, OfferNames, Reservation,
    ReservationSid, ReservationStatus, StoredRow, Task, TaskQueueSid, TaskSid, Through,
    TransferMode, TransferStatus, WorkerSid, WorkflowSid,
};
use std::collections::{BTreeMap, BTreeSet};

/// When a deed or reaction happens among those of the same instant.
pub(crate) type Order = usize;

/// How a worker reacted to an offer.
#[derive(Clone, Debug)]
pub(crate) enum Reaction {
    Accept,
    Reject(Option<ActivitySid>),
}

/// A meeting of a worker and a task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meeting {
    /// How long after the offer; `None` for an offer that nobody answered.
    pub(crate) reaction: Option<(Millis, Reaction, Order)>,
    /// What became of asking an application about it, each so long after the offer.
    pub(crate) asked: Vec<(Millis, Asking, Order)>,
    /// What was done after it was taken, each so long after.
    pub(crate) handling: Vec<(Millis, Handled, Order)>,
}

/// What a worker does with a task.
#[derive(Clone, Debug)]
pub(crate) enum Handled {
    WrapPart,
    CompletePart,
    Wrap(Option<String>, Through),
    Complete(Option<String>, Through),
}

/// An offer made before the journal begins, and not yet over then.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    pub(crate) sid: ReservationSid,
    pub(crate) task: TaskSid,
    pub(crate) worker: WorkerSid,
    /// When it was made, or taken if it was taken.
    pub(crate) since: Timestamp,
    pub(crate) is_taken: bool,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Recording {
    /// What was under way when the journal begins.
    pub(crate) carried: Vec<Carried>,
    pub(crate) deeds: Vec<(Timestamp, Order, Deed)>,
    /// The offers of each pair, in order.
    pub(crate) meetings: BTreeMap<(TaskSid, WorkerSid), Vec<Meeting>>,
    /// Meetings of each worker and of each queue, for pairs that never met.
    pub(crate) of_worker: BTreeMap<WorkerSid, Vec<(TaskSid, usize)>>,
    pub(crate) of_queue: BTreeMap<TaskQueueSid, Vec<(TaskSid, WorkerSid, usize)>>,
    /// All meetings.
    pub(crate) all: Vec<(TaskSid, WorkerSid, usize)>,
    /// Turns in which timers ran.
    pub(crate) wakes: Vec<(Timestamp, Order)>,
    pub(crate) names: OfferNames,
    pub(crate) end: Timestamp,
}

/// Words the engine gives as reasons when it cancels a task by itself.
const BY_ITSELF: [&str; 4] = [
    "Task TTL Exceeded",
    "Task canceled on Workflow timeout",
    "Workflow skipped",
    "Task canceled after 1000 assignment attempts",
];

/// What is known of a reservation while the journal is read.
struct Open {
    task: TaskSid,
    worker: WorkerSid,
    /// Which offer of the pair.
    nth: usize,
    offered_at: Timestamp,
    accepted_at: Option<Timestamp>,
    /// Which URL is asked, and until when.
    callback: Option<Callback>,
}

struct Reader<'a> {
    journal: &'a [Timed],
    recording: Recording,
    open: BTreeMap<ReservationSid, Open>,
    attempts: BTreeMap<TaskSid, u32>,
    versions: BTreeMap<TaskSid, u64>,
    queues: BTreeMap<TaskSid, TaskQueueSid>,
    workflows: BTreeMap<TaskSid, WorkflowSid>,
    driving: BTreeSet<WorkflowSid>,
    /// Changes that belong to a deed already.
    taken: BTreeSet<usize>,
    /// Whether the change at hand was somebody's doing.
    acted: bool,
}

impl Recording {
    pub(crate) fn of(origin: &Origin, journal: &[Timed]) -> Self {
        let mut reader = Reader {
            journal,
            recording: Self::default(),
            open: BTreeMap::new(),
            attempts: BTreeMap::new(),
            versions: BTreeMap::new(),
            queues: BTreeMap::new(),
            workflows: BTreeMap::new(),
            driving: BTreeSet::new(),
            taken: BTreeSet::new(),
            acted: false,
        };
        reader.carry(origin);
        for (order, (at, change)) in journal.iter().enumerate() {
            if !reader.taken.contains(&order) {
                reader.acted = false;
                reader.read(order, *at, change);
                // What begins an instant, and nobody did, a timer did.
                let begins = order == 0 || journal[order - 1].0 != *at;
                if begins && !reader.acted {
                    reader.recording.wakes.push((*at, order));
                }
            }
            reader.note(change);
        }
        let mut recording = reader.recording;
        recording.wakes.dedup();
        recording.end = journal.last().map_or(origin.at, |(at, _)| *at);
        recording
    }
}

impl Reader<'_> {
    fn deed(&mut self, at: Timestamp, order: Order, deed: Deed) {
        self.acted = true;
        self.recording.deeds.push((at, order, deed));
    }

    /// What is known when the journal begins.
    fn carry(&mut self, origin: &Origin) {
        let mut tasks: BTreeMap<TaskSid, &Task> = BTreeMap::new();
        let mut open: Vec<&Reservation> = Vec::new();
        for row in &origin.rows {
            match row {
                StoredRow::Task(task) if !task.status.is_final() => {
                    tasks.insert(task.sid, task);
                    self.attempts.insert(task.sid, task.attempts);
                    self.versions.insert(task.sid, task.version);
                    task.queue.map(|queue| self.queues.insert(task.sid, queue));
                    task.workflow.map(|workflow| self.workflows.insert(task.sid, workflow));
                }
                StoredRow::Reservation(one) if one.status.is_open() => open.push(one),
                StoredRow::ReEvaluation(left) => _ = self.driving.insert(left.workflow),
                _ => {}
            }
        }
        open.sort_unstable_by_key(|one| one.sid);
        for one in open {
            let Reservation { sid, task, worker, status, created_at, updated_at, .. } = one;
            let is_taken = *status != ReservationStatus::Pending;
            let taken_at = tasks.get(task).and_then(|task| task.assigned_at);
            let since = if is_taken { taken_at.unwrap_or(*updated_at) } else { *created_at };
            if is_taken {
                // How it was taken is not known, so nobody else is given it.
                let meetings = self.recording.meetings.entry((*task, *worker)).or_default();
                meetings.push(Meeting::default());
                let (offered_at, accepted_at) = (*created_at, Some(since));
                let (task, worker, nth) = (*task, *worker, meetings.len() - 1);
                let callback = one.callback;
                let open = Open { task, worker, nth, offered_at, accepted_at, callback };
                self.open.insert(*sid, open);
            } else {
                self.meet(one, *created_at);
            }
            let (sid, task, worker) = (*sid, *task, *worker);
            self.recording.carried.push(Carried { sid, task, worker, since, is_taken });
        }
    }

    /// The changes of the same instant that follow.
    fn rest(&self, order: usize) -> impl Iterator<Item = (usize, &Change)> {
        let at = self.journal[order].0;
        let behind = self.journal.iter().enumerate().skip(order + 1);
        behind.take_while(move |(_, (time, _))| *time == at).map(|(i, (_, change))| (i, change))
    }

    fn read(&mut self, order: Order, at: Timestamp, change: &Change) {
        match change {
            Change::TaskOffered { task, reservations, .. } => {
                for one in reservations {
                    let attempt = self.attempts.get(task).copied().unwrap_or(0);
                    self.recording.names.insert((*task, attempt, one.worker), one.sid);
                    self.meet(one, at);
                }
                *self.attempts.entry(*task).or_default() += 1;
            }
            Change::ReservationAccepted { reservation, .. } => {
                if let Some(open) = self.open.get_mut(reservation) {
                    open.accepted_at = Some(at);
                }
                self.react(*reservation, order, at, Reaction::Accept);
            }
            Change::ReservationRejected { reservation, .. } => {
                let activity = self.rejected_into(*reservation, order);
                self.react(*reservation, order, at, Reaction::Reject(activity));
            }
            Change::ReservationWrapped { .. } | Change::ReservationCompleted { .. } => {
                self.part(order, at, change);
            }
            Change::TaskWrapped { task, reason, version, .. } => {
                let through = self.through(*task, *version);
                self.handle(*task, order, at, Handled::Wrap(reason.clone(), through));
            }
            Change::TaskCompleted { task, reason, version, .. } => {
                let through = self.through(*task, *version);
                self.handle(*task, order, at, Handled::Complete(reason.clone(), through));
            }
            Change::TaskCanceled { task, reason, .. } => {
                match BY_ITSELF.contains(&reason.as_str()) {
                    true => self.recording.wakes.push((at, order)),
                    false => self.deed(at, order, Deed::Cancel(*task, reason.clone())),
                }
            }
            Change::TaskDeleted { task, .. } => self.deed(at, order, Deed::Delete(*task)),
            Change::TransferInitiated { .. }
            | Change::TransferEnded { .. }
            | Change::CallbackMoved { .. }
            | Change::ReservationCanceled { .. } => self.hand_over_or_ask(order, at, change),
            Change::WorkerActivityChanged { worker, .. } if self.is_sent(*worker, order) => {}
            Change::WorkflowUpdated(workflow) => {
                self.asked(order, at);
                let driven = self.rest(order).next();
                if matches!(driven, Some((_, Change::TargetEntered { .. }))) {
                    self.driven(order);
                    self.deed(at, order, Deed::ReEvaluate(workflow.sid));
                }
            }
            // It begins with a failure and ends with a timer.
            Change::TaskRested { rest, .. } if rest.from.is_some() => {}
            Change::ReservationTimedOut { .. }
            | Change::TaskSystemDeleted { .. }
            | Change::EndedForgotten { .. }
            | Change::TimedRetried { .. }
            | Change::ScheduleLooked { .. }
            | Change::TaskRested { .. } => self.recording.wakes.push((at, order)),
            Change::SettlingLeft { .. } | Change::ReEvaluationLeft { .. } => {}
            Change::TargetEntered { .. } => self.entered(order, at, change),
            Change::ReservationRescinded { .. }
            | Change::TaskReturned { .. }
            | Change::TransferAttemptFailed { .. } => {}
            _ => self.asked(order, at),
        }
    }

    fn hand_over_or_ask(&mut self, order: Order, at: Timestamp, change: &Change) {
        match change {
            Change::CallbackMoved { reservation, callback } => {
                self.callback(*reservation, order, at, *callback);
            }
            Change::ReservationCanceled { reservation, .. } if self.is_unheard(order) => {
                self.unheard(*reservation, order, at);
            }
            Change::TransferInitiated { transfer, .. } => {
                self.deed(at, order, Deed::Transfer(transfer.clone()));
            }
            Change::TransferEnded { task, status: TransferStatus::Canceled, .. } => {
                let ends = |one: &Change| {
                    matches!(one,
                    Change::TaskCanceled { task: of, .. } | Change::TaskDeleted { task: of, .. }
                    | Change::TaskSystemDeleted { task: of, .. } if of == task)
                };
                if !self.rest(order).any(|(_, one)| ends(one)) {
                    self.deed(at, order, Deed::CancelTransfer(*task));
                }
            }
            _ => {}
        }
    }

    /// A task that came to a target: through its workflow again, or because its time ran out.
    fn entered(&mut self, order: Order, at: Timestamp, change: &Change) {
        match change {
            Change::TargetEntered { task, walk, .. }
                if walk.passed.is_empty() && !self.is_entered(*task, order) =>
            {
                let workflow = self.workflows.get(task).copied();
                // What is left over of one goes on by itself.
                if let Some(workflow) = workflow.filter(|one| !self.driving.contains(one)) {
                    self.driven(order);
                    self.deed(at, order, Deed::ReEvaluate(workflow));
                }
            }
            Change::TargetEntered { walk, .. }
                if walk.passed.last().is_some_and(|passed| passed.skipped.is_none()) =>
            {
                self.recording.wakes.push((at, order));
            }
            _ => {}
        }
    }

    /// A change that somebody asked for, and those of the same instant that follow it at once: of
    /// nothing between them did anything come.
    fn asked(&mut self, order: Order, at: Timestamp) {
        let mut changes = vec![self.journal[order].1.clone()];
        let follows: Vec<usize> = self
            .rest(order)
            .take_while(|(index, change)| self.goes_with(*index, change))
            .map(|(index, _)| index)
            .collect();
        for index in follows {
            changes.push(self.journal[index].1.clone());
            self.taken.insert(index);
        }
        self.deed(at, order, Deed::Changes(changes));
    }

    /// Whether a task came to its target because it was made or changed.
    fn is_entered(&self, task: TaskSid, order: Order) -> bool {
        let before = order.checked_sub(1).map(|before| &self.journal[before].1);
        match before {
            Some(Change::TaskCreated(made)) => made.sid == task,
            Some(Change::TaskUpdated { task: of, .. }) => *of == task,
            _ => false,
        }
    }

    /// The tasks that go through their workflow again after `order` do so by themselves.
    fn driven(&mut self, order: Order) {
        let again = self.rest(order).take_while(|(_, change)| {
            matches!(change, Change::TargetEntered { walk, .. } if walk.passed.is_empty())
        });
        let again: Vec<usize> = again.map(|(index, _)| index).collect();
        self.taken.extend(again);
    }

    fn goes_with(&self, index: usize, change: &Change) -> bool {
        let worker = matches!(
            change,
            Change::WorkerRenamed { .. }
                | Change::WorkerAttributesChanged { .. }
                | Change::WorkerCreated(_)
                | Change::WorkerChannelUpdated { .. }
        );
        let setting = matches!(
            change,
            Change::ActivityCreated(_)
                | Change::TaskChannelCreated(_)
                | Change::TaskPlaced { .. }
                | Change::TaskQueueCreated(_)
                | Change::WorkflowCreated(_)
        );
        let moved = matches!(change, Change::WorkerActivityChanged { worker, .. }
            if !self.is_sent(*worker, index));
        worker || setting || moved
    }

    /// Whether the engine sent a worker elsewhere: after a time-out, or because of an offer or its
    /// acceptance in a single-tasking workspace.
    fn is_sent(&self, worker: WorkerSid, order: Order) -> bool {
        let at = self.journal[order].0;
        let before = self.journal[..order].iter().rev();
        let of = |sid: &ReservationSid| self.open.get(sid).map(|open| open.worker) == Some(worker);
        for (time, change) in before {
            if *time != at {
                return false;
            }
            match change {
                Change::ReservationTimedOut { reservation, .. }
                | Change::ReservationAccepted { reservation, .. } => return of(reservation),
                Change::TaskOffered { reservations, .. } => {
                    return reservations.iter().any(|one| one.worker == worker);
                }
                Change::ReservationRescinded { .. } | Change::WorkerActivityChanged { .. } => {}
                _ => return false,
            }
        }
        false
    }

    /// Whether an offer was withdrawn because nobody could be asked about it.
    fn is_unheard(&self, order: Order) -> bool {
        let Change::ReservationCanceled { reservation, .. } = &self.journal[order].1 else {
            return false;
        };
        let task = self.open.get(reservation).map(|open| open.task);
        match self.rest(order).next() {
            Some((_, Change::TaskRested { task: of, rest })) => {
                task == Some(*of) && rest.from.is_some()
            }
            Some((_, Change::TransferAttemptFailed { task: of, .. })) => task == Some(*of),
            Some((_, Change::TransferEnded { task: of, status, .. })) => {
                task == Some(*of) && *status == TransferStatus::Failed
            }
            _ => false,
        }
    }

    fn callback(
        &mut self,
        sid: ReservationSid,
        order: Order,
        at: Timestamp,
        callback: Option<Callback>,
    ) {
        match callback.map(|callback| callback.stage) {
            None => self.asking(sid, order, at, Asking::Over),
            Some(CallbackStage::First) => self.asking(sid, order, at, Asking::Again),
            Some(CallbackStage::Fallback) => self.unheard(sid, order, at),
        }
        if let Some(open) = self.open.get_mut(&sid) {
            open.callback = callback;
        }
    }

    /// An application said nothing usable, or was silent for too long: that a timer notices.
    fn unheard(&mut self, sid: ReservationSid, order: Order, at: Timestamp) {
        let until = self.open.get(&sid).and_then(|open| open.callback).map(|one| one.until);
        match until.is_some_and(|until| at >= until) {
            true => self.recording.wakes.push((at, order)),
            false => self.asking(sid, order, at, Asking::Failed),
        }
    }

    fn asking(&mut self, sid: ReservationSid, order: Order, at: Timestamp, asking: Asking) {
        self.acted = true;
        if let Some((meeting, open)) = self.meeting(sid) {
            meeting.asked.push((at - open.offered_at, asking, order));
        }
    }

    fn meet(&mut self, offer: &Reservation, at: Timestamp) {
        let Reservation { sid, task, worker, callback, .. } = *offer;
        let meetings = self.recording.meetings.entry((task, worker)).or_default();
        let nth = meetings.len();
        meetings.push(Meeting::default());
        self.recording.of_worker.entry(worker).or_default().push((task, nth));
        self.recording.all.push((task, worker, nth));
        if let Some(queue) = self.queues.get(&task) {
            self.recording.of_queue.entry(*queue).or_default().push((task, worker, nth));
        }
        let open = Open { task, worker, nth, offered_at: at, accepted_at: None, callback };
        self.open.insert(sid, open);
    }

    fn meeting(&mut self, sid: ReservationSid) -> Option<(&mut Meeting, &Open)> {
        let open = self.open.get(&sid)?;
        let meetings = self.recording.meetings.get_mut(&(open.task, open.worker))?;
        Some((meetings.get_mut(open.nth)?, open))
    }

    fn react(&mut self, sid: ReservationSid, order: Order, at: Timestamp, reaction: Reaction) {
        self.acted = true;
        if let Some((meeting, open)) = self.meeting(sid) {
            meeting.reaction = Some((at - open.offered_at, reaction, order));
        }
    }

    /// The activity that a worker asked for together with a rejection.
    fn rejected_into(&mut self, sid: ReservationSid, order: Order) -> Option<ActivitySid> {
        let worker = self.open.get(&sid)?.worker;
        let found = self.rest(order).find_map(|(index, change)| match change {
            Change::WorkerActivityChanged { worker: of, activity, .. } if *of == worker => {
                Some(Some((index, *activity)))
            }
            Change::TaskOffered { .. } | Change::TaskCreated(_) => Some(None),
            _ => None,
        });
        let (index, activity) = found??;
        self.taken.insert(index);
        Some(activity)
    }

    /// One worker's part of a task, unless it went with the whole.
    fn part(&mut self, order: Order, at: Timestamp, change: &Change) {
        let (sid, handled) = match change {
            Change::ReservationWrapped { reservation, .. } => (*reservation, Handled::WrapPart),
            Change::ReservationCompleted { reservation, .. } => {
                (*reservation, Handled::CompletePart)
            }
            _ => return,
        };
        let Some(task) = self.open.get(&sid).map(|open| open.task) else { return };
        let whole = self.rest(order).find_map(|(index, one)| match one {
            Change::TaskWrapped { task: of, .. } if *of == task => Some((index, true)),
            Change::TaskCompleted { task: of, .. }
            | Change::TaskCanceled { task: of, .. }
            | Change::TaskDeleted { task: of, .. }
            | Change::TaskSystemDeleted { task: of, .. }
                if *of == task =>
            {
                Some((index, false))
            }
            _ => None,
        });
        // Whoever hands a task over for good goes into after-work at that moment.
        let handed_over = order > 0
            && matches!(&self.journal[order - 1].1, Change::TransferInitiated { transfer, .. }
                if transfer.mode == TransferMode::Cold && transfer.initiating_reservation == sid);
        match (whole, &handled) {
            // The task followed the last part by itself.
            (Some((index, true)), Handled::CompletePart) => {
                self.taken.insert(index);
            }
            (Some(_), _) => return,
            (None, Handled::WrapPart) if handed_over => return,
            (None, _) => {}
        }
        self.handle_by(sid, order, at, handled);
    }

    /// Something done with a whole task: by whoever took it last.
    fn handle(&mut self, task: TaskSid, order: Order, at: Timestamp, handled: Handled) {
        let taken = self.open.iter().filter(|(_, open)| open.task == task);
        let last = taken.filter(|(_, open)| open.accepted_at.is_some());
        let last = last.max_by_key(|(_, open)| open.accepted_at).map(|(sid, _)| *sid);
        if let Some(sid) = last {
            self.handle_by(sid, order, at, handled);
        }
    }

    fn handle_by(&mut self, sid: ReservationSid, order: Order, at: Timestamp, handled: Handled) {
        self.acted = true;
        if let Some((meeting, open)) = self.meeting(sid)
            && let Some(accepted_at) = open.accepted_at
        {
            meeting.handling.push((at - accepted_at, handled, order));
        }
    }

    fn through(&self, task: TaskSid, version: u64) -> Through {
        match self.versions.get(&task).is_none_or(|before| version > *before) {
            true => Through::Task,
            false => Through::Reservation,
        }
    }

    /// Keeps up with what deeds are told by.
    fn note(&mut self, change: &Change) {
        match change {
            Change::TaskCreated(task) => {
                self.versions.insert(task.sid, task.version);
                task.workflow.map(|workflow| self.workflows.insert(task.sid, workflow));
            }
            Change::TaskUpdated { task, version, .. }
            | Change::TaskWrapped { task, version, .. } => {
                self.versions.insert(*task, *version);
            }
            Change::TargetEntered { task, version, queue, .. } => {
                self.versions.insert(*task, *version);
                self.queues.insert(*task, *queue);
            }
            Change::TaskPlaced { task, queue: Some(queue), .. } => {
                self.queues.insert(*task, *queue);
            }
            Change::TaskCompleted { task, .. } | Change::TaskCanceled { task, .. } => {
                self.versions.remove(task);
                self.attempts.remove(task);
                self.open.retain(|_, open| open.task != *task);
            }
            Change::ReEvaluationLeft { workflow, rest: Some(_) } => {
                self.driving.insert(*workflow);
            }
            Change::ReEvaluationLeft { workflow, rest: None } => {
                self.driving.remove(workflow);
            }
            _ => {}
        }
    }
}
