//! The engine led through a recording in virtual time.
//!
//! * In order of time; at one instant in the order of the recording, timers first.
//! * A timer that ran a little late in the recording runs as late here.

use crate::{
    Origin, Timed,
    recording::{Carried, Handled, Meeting, Order, Reaction, Recording},
};
use base::{Draws, IdSource, Millis, Timestamp};
use routing::{
    Change, Deed, ReservationSid, Routing, StoredRow, TaskQueueSid, TaskSid, Turn, WorkerSid,
    Workflow, WorkflowSid,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A timer of the recording that ran at most this late is the one that is due.
const LATE_MAX: Millis = Millis::secs(2);

/// Where times came from that were not recorded for a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Drawn {
    /// Meetings that were recorded for the pair.
    pub recorded: usize,
    /// Meetings taken from others of the same worker.
    pub from_worker: usize,
    /// Meetings taken from others of the same queue.
    pub from_queue: usize,
    /// Meetings taken from anybody, because worker and queue had none.
    pub from_anybody: usize,
    /// Offers for which nobody's times were known: they are not answered.
    pub unknown: usize,
}

/// What a run came to.
pub(crate) struct Outcome {
    pub(crate) changes: Vec<Timed>,
    pub(crate) drawn: Drawn,
}

struct Run<'a> {
    recording: &'a Recording,
    routing: Routing,
    ids: IdSource,
    now: Timestamp,
    /// What is still to be done.
    agenda: BTreeMap<(Timestamp, Order, usize), Deed>,
    added: usize,
    /// Offers made to each pair so far.
    met: BTreeMap<(TaskSid, WorkerSid), usize>,
    /// How a task will be handled once it is taken, and whether it was recorded so.
    handling: BTreeMap<(TaskSid, WorkerSid), (Meeting, bool)>,
    /// Offers on their way.
    offers: BTreeMap<ReservationSid, (TaskSid, WorkerSid)>,
    wake: usize,
    dice: Draws,
    out: Outcome,
}

/// Runs a recording with, perhaps, another configuration of one workflow.
pub(crate) fn run(
    (recording, origin): (&Recording, &Origin),
    other: Option<(WorkflowSid, &str)>,
    seed: u64,
) -> Outcome {
    let mut routing = Routing::restore(origin.rows.iter().cloned());
    routing.name_offers(recording.names.clone());
    let mut run = Run {
        recording,
        routing,
        ids: IdSource::new(seed),
        now: if origin.seq == 0 { Timestamp(i64::MIN) } else { origin.at },
        agenda: BTreeMap::new(),
        added: 0,
        met: BTreeMap::new(),
        handling: BTreeMap::new(),
        offers: BTreeMap::new(),
        wake: 0,
        dice: Draws::new(seed),
        out: Outcome { changes: Vec::new(), drawn: Drawn::default() },
    };
    if let Some(change) = other.and_then(|other| reconfigured(origin, other)) {
        run.plan(origin.at, 0, Deed::Changes(vec![change]));
    }
    recording.carried.iter().for_each(|carried| run.carry(carried));
    for (at, order, deed) in &recording.deeds {
        run.plan(*at, *order, with(deed, other));
    }
    run.go();
    run.out
}

/// What gives a workflow that is there when the journal begins the other configuration. Tasks that
/// wait then keep the one they came under, as always when a workflow is changed.
fn reconfigured(origin: &Origin, (sid, text): (WorkflowSid, &str)) -> Option<Change> {
    let workflow = origin.rows.iter().find_map(|row| match row {
        StoredRow::Workflow(workflow) if workflow.sid == sid => Some(workflow),
        _ => None,
    })?;
    let configuration = text.to_owned();
    let changed = Workflow { configuration, revision: workflow.revision + 1, ..workflow.clone() };
    (workflow.configuration != text).then(|| Change::WorkflowUpdated(Box::new(changed)))
}

/// The deed with the other configuration in place of the recorded one.
fn with(deed: &Deed, other: Option<(WorkflowSid, &str)>) -> Deed {
    let (Deed::Changes(changes), Some((sid, text))) = (deed, other) else { return deed.clone() };
    let replaced = |workflow: &Workflow| match workflow.sid == sid {
        true => Box::new(Workflow { configuration: text.to_owned(), ..workflow.clone() }),
        false => Box::new(workflow.clone()),
    };
    let changed = changes.iter().map(|change| match change {
        Change::WorkflowCreated(workflow) => Change::WorkflowCreated(replaced(workflow)),
        Change::WorkflowUpdated(workflow) => Change::WorkflowUpdated(replaced(workflow)),
        change => change.clone(),
    });
    Deed::Changes(changed.collect())
}

impl Run<'_> {
    fn plan(&mut self, at: Timestamp, order: Order, deed: Deed) {
        self.added += 1;
        self.agenda.insert((at, order, self.added), deed);
    }

    /// Goes on with an offer that was under way.
    fn carry(&mut self, carried: &Carried) {
        let Carried { sid, task, worker, since, is_taken } = *carried;
        self.met.insert((task, worker), 1);
        let meetings = self.recording.meetings.get(&(task, worker));
        let Some(meeting) = meetings.and_then(|meetings| meetings.first()).cloned() else { return };
        if is_taken {
            return self.handle(task, worker, since, meeting, true);
        }
        self.offers.insert(sid, (task, worker));
        self.answer(task, worker, since, meeting, true);
    }

    fn go(&mut self) {
        loop {
            let timer = self.timer();
            let deed = self.agenda.keys().next().map(|(at, order, _)| (*at, *order));
            let next = match (timer, deed) {
                (Some(timer), Some(deed)) => timer.min(deed),
                (one, two) => match one.or(two) {
                    Some(next) => next,
                    None => return,
                },
            };
            if next.0 > self.recording.end {
                return;
            }
            self.now = self.now.max(next.0);
            if timer == Some(next) {
                let used = self.recording.wakes.partition_point(|wake| *wake <= next);
                self.wake = self.wake.max(used);
                self.turn(|routing, turn| routing.expire(turn));
            } else if let Some((_, deed)) = self.agenda.pop_first() {
                self.turn(|routing, turn| routing.take_up(turn, &deed));
            }
        }
    }

    /// When the next timer runs: as late as it did, if it did.
    fn timer(&self) -> Option<(Timestamp, Order)> {
        let due = self.routing.next_deadline()?;
        let wakes = &self.recording.wakes;
        let first = wakes.partition_point(|(at, _)| *at < due.max(self.now)).max(self.wake);
        let recorded = wakes.get(first).filter(|(at, _)| *at <= due.max(self.now) + LATE_MAX);
        Some(recorded.copied().unwrap_or((due, 0)))
    }

    fn turn(&mut self, step: impl FnOnce(&mut Routing, &mut Turn<'_>)) {
        let mut turn = Turn::new(self.now, &mut self.ids);
        step(&mut self.routing, &mut turn);
        let changes = turn.changes;
        self.routing.rows(|_| ());
        for change in &changes {
            self.follow_up(change);
        }
        let now = self.now;
        self.out.changes.extend(changes.into_iter().map(|change| (now, change)));
    }

    /// Plans what workers do about a change.
    fn follow_up(&mut self, change: &Change) {
        match change {
            Change::TaskOffered { task, reservations, .. } => {
                let queue = self.routing.queue_of(*task);
                for one in reservations {
                    self.offers.insert(one.sid, (*task, one.worker));
                    self.offered(*task, one.worker, queue);
                }
            }
            Change::ReservationAccepted { reservation, .. } => {
                if let Some((task, worker)) = self.offers.remove(reservation) {
                    self.taken(task, worker);
                }
            }
            _ => {}
        }
    }

    fn offered(&mut self, task: TaskSid, worker: WorkerSid, queue: Option<TaskQueueSid>) {
        let nth = self.met.entry((task, worker)).or_default();
        let recorded = self.recording.meetings.get(&(task, worker));
        let recorded = recorded.and_then(|meetings| meetings.get(*nth)).cloned();
        *nth += 1;
        let (meeting, is_own) = match recorded {
            Some(meeting) => {
                self.out.drawn.recorded += 1;
                (meeting, true)
            }
            None => match self.draw(worker, queue) {
                Some(meeting) => (meeting, false),
                None => return self.out.drawn.unknown += 1,
            },
        };
        self.answer(task, worker, self.now, meeting, is_own);
    }

    /// Plans how an offer that was made at `since` is answered.
    fn answer(
        &mut self,
        task: TaskSid,
        worker: WorkerSid,
        since: Timestamp,
        meeting: Meeting,
        is_own: bool,
    ) {
        let place = |order: Order| if is_own { order } else { Order::MAX };
        for (delay, asking, order) in &meeting.asked {
            self.plan(since + *delay, place(*order), Deed::Asked(task, worker, *asking));
        }
        let Some((delay, reaction, order)) = meeting.reaction.clone() else { return };
        let at = since + delay;
        match reaction {
            Reaction::Reject(activity) => {
                self.plan(at, place(order), Deed::Reject(task, worker, activity));
            }
            Reaction::Accept => {
                self.plan(at, place(order), Deed::Accept(task, worker));
                self.handling.insert((task, worker), (meeting, is_own));
            }
        }
    }

    fn taken(&mut self, task: TaskSid, worker: WorkerSid) {
        let Some((meeting, is_own)) = self.handling.remove(&(task, worker)) else { return };
        self.handle(task, worker, self.now, meeting, is_own);
    }

    /// Plans what is done with a task that was taken at `since`.
    fn handle(
        &mut self,
        task: TaskSid,
        worker: WorkerSid,
        since: Timestamp,
        meeting: Meeting,
        is_own: bool,
    ) {
        for (span, handled, order) in meeting.handling {
            let deed = match handled {
                Handled::WrapPart => Deed::WrapPart(task, worker),
                Handled::CompletePart => Deed::CompletePart(task, worker),
                Handled::Wrap(reason, through) => Deed::Wrap(task, reason, through),
                Handled::Complete(reason, through) => Deed::Complete(task, reason, through),
            };
            self.plan(since + span, if is_own { order } else { Order::MAX }, deed);
        }
    }

    /// A meeting of the same worker, else of the same queue, else any.
    fn draw(&mut self, worker: WorkerSid, queue: Option<TaskQueueSid>) -> Option<Meeting> {
        let recording = self.recording;
        if let Some(own) = recording.of_worker.get(&worker).filter(|own| !own.is_empty()) {
            let (task, nth) = own[self.below(own.len())];
            self.out.drawn.from_worker += 1;
            return recording.meetings.get(&(task, worker))?.get(nth).cloned();
        }
        let of_queue = queue.and_then(|queue| recording.of_queue.get(&queue));
        let (others, count) = match of_queue {
            Some(others) => (others, &mut self.out.drawn.from_queue),
            None if recording.all.is_empty() => return None,
            None => (&recording.all, &mut self.out.drawn.from_anybody),
        };
        *count += 1;
        let (task, worker, nth) = others[self.below(others.len())];
        recording.meetings.get(&(task, worker))?.get(nth).cloned()
    }

    fn below(&mut self, n: usize) -> usize {
        self.dice.below(n.max(1) as u64) as usize
    }
}
