//! Somebody who works: hears of offers, answers or ignores them, wraps up, takes breaks.

use super::{Outcome, View, Wish};
use crate::{checks::Place, rules::task_attributes};
use base::{Attributes, Millis, Timestamp};
use host::{Subscription, Topic};
use routing::{
    Command, EventKind, Reservation, ReservationSid, ReservationStatus, TaskStatus, TransferMode,
    TransferTarget, WorkerSid, WorkspaceSid,
    command::{IfMatch, NewTransfer, ReservationOwner, ReservationStep, TaskPatch, WorkerPatch},
    instruction::CallInstruction,
};
use std::collections::BTreeMap;
use testkit::Random;

/// One worker's person.
pub(crate) struct Agent {
    workspace: WorkspaceSid,
    worker: WorkerSid,
    random: Random,
    ear: Option<Ear>,
    /// When to do something about a reservation.
    plans: BTreeMap<ReservationSid, Timestamp>,
    /// Offers that are left to run out.
    ignored: Vec<ReservationSid>,
}

struct Ear {
    incarnation: u32,
    subscription: Subscription,
}

/// Events an agent's connection holds, and the buffer of one that fetches seldom.
const BUFFER: (usize, usize) = (64, 3);

impl Agent {
    /// Everything it does follows from `random`.
    pub(crate) fn new(workspace: WorkspaceSid, worker: WorkerSid, random: Random) -> Self {
        let (plans, ignored) = (BTreeMap::new(), Vec::new());
        Self { workspace, worker, random, ear: None, plans, ignored }
    }

    pub(super) fn look(&mut self, view: &View<'_>) -> Wish {
        let mut wish = Wish::default();
        self.listen(view);
        let due: Vec<_> =
            self.plans.iter().filter(|(_, at)| **at <= view.now).map(|(sid, _)| *sid).collect();
        for sid in due {
            self.plans.remove(&sid);
            let command = self.act(view, sid);
            if command.is_some() {
                // Whatever comes of it, the reservation is looked at again.
                let again = self.random.within(3_000, 9_000) as i64;
                self.plans.insert(sid, view.now + Millis(again));
            }
            wish.commands.extend(command.map(|command| (self.workspace, command)));
        }
        wish.commands.extend(self.switch(view).map(|command| (self.workspace, command)));
        let next = self.plans.values().min().map(|at| (*at - view.now).0.max(1) as u64);
        let nap = if view.switches.slow && !view.is_calm {
            self.random.within(500, 4_000)
        } else {
            self.random.within(200, 1_000)
        };
        wish.again_ms = Some(next.map_or(nap, |next| next.min(nap)));
        wish
    }

    pub(super) fn hear(&mut self, command: &Command, outcome: &Outcome, now: Timestamp) {
        let Command::UpdateReservation { sid, .. } = command else { return };
        match outcome {
            Outcome::Done(_) => {
                self.plans.insert(*sid, now + Millis(self.random.within(300, 6_000) as i64));
            }
            Outcome::Unclear => {
                self.plans.insert(*sid, now + Millis(self.random.within(100, 800) as i64));
            }
            Outcome::Rejected => {}
            Outcome::Gone => _ = self.plans.remove(sid),
        }
    }

    /// Fetches events; connects again, and reads what is open, where the connection is gone.
    fn listen(&mut self, view: &View<'_>) {
        let Some(machine) = view.machine else {
            self.ear = None;
            return;
        };
        let is_well = self.ear.as_ref().is_some_and(|ear| {
            ear.incarnation == machine.incarnation && !ear.subscription.is_closed()
        });
        if !is_well {
            let capacity = if view.switches.slow { BUFFER.1 } else { BUFFER.0 };
            let topic = Topic::Worker(self.worker);
            let subscription = machine.outlets.hub.subscribe(topic, capacity);
            self.ear = Some(Ear { incarnation: machine.incarnation, subscription });
            self.read(view);
        }
        let Some(ear) = &mut self.ear else { return };
        while let Some(announced) = ear.subscription.try_next() {
            let event = &announced.event;
            let Some(reservation) = &event.reservation else { continue };
            if reservation.worker != self.worker {
                continue;
            }
            match event.kind {
                EventKind::ReservationCreated => {
                    let think = if view.is_calm { 300 } else { self.random.within(100, 3_000) };
                    let at = view.now + Millis(think as i64);
                    self.plans.entry(reservation.sid).or_insert(at);
                }
                EventKind::ReservationCanceled
                | EventKind::ReservationRescinded
                | EventKind::ReservationTimeout
                | EventKind::ReservationCompleted => _ = self.plans.remove(&reservation.sid),
                _ => {}
            }
        }
    }

    /// What is open by the rows, for whoever may have missed events.
    fn read(&mut self, view: &View<'_>) {
        let Some(place) = view.checks.place(self.workspace) else { return };
        for (sid, _) in place.open_of(self.worker) {
            let think = self.random.within(50, 1_500) as i64;
            self.plans.entry(sid).or_insert(view.now + Millis(think));
        }
    }

    /// The next thing to do about a reservation.
    fn act(&mut self, view: &View<'_>, sid: ReservationSid) -> Option<Command> {
        let place = view.checks.place(self.workspace)?;
        let reservation = place.reservations.get(&sid)?;
        if let Some(command) = self.hand_over(view, place, reservation) {
            return Some(command);
        }
        let (task, random) = (reservation.task, &mut self.random);
        let step = match reservation.status {
            ReservationStatus::Pending if self.ignored.contains(&sid) && !view.is_calm => {
                return None;
            }
            ReservationStatus::Pending => match random.below(20) {
                _ if view.is_calm => ReservationStep::Accept,
                0..=13 => ReservationStep::Accept,
                14 => {
                    ReservationStep::Call(CallInstruction::Redirect { call_sid: None, url: None })
                }
                15..=16 => {
                    let all: Vec<_> = place.activities.keys().copied().collect();
                    let activity = random.one_of(&all).copied();
                    ReservationStep::Reject { activity: activity.filter(|_| random.percent(40)) }
                }
                _ => {
                    self.ignored.push(sid);
                    return None;
                }
            },
            ReservationStatus::Accepted if random.percent(50) => ReservationStep::Wrap,
            ReservationStatus::Accepted | ReservationStatus::Wrapping => {
                if random.percent(25) {
                    let patch = TaskPatch {
                        status: Some(TaskStatus::Completed),
                        reason: Some("done".to_owned()),
                        ..TaskPatch::default()
                    };
                    return Some(Command::UpdateTask { sid: task, if_match: IfMatch::Any, patch });
                }
                ReservationStep::Complete
            }
            ReservationStatus::Rejected
            | ReservationStatus::Timeout
            | ReservationStatus::Canceled
            | ReservationStatus::Rescinded
            | ReservationStatus::Completed => return None,
        };
        let owner = if random.percent(50) {
            ReservationOwner::Worker(self.worker)
        } else {
            ReservationOwner::Task(task)
        };
        let if_match = match random.below(5) {
            0 => IfMatch::Version(reservation.version),
            _ => IfMatch::Any,
        };
        Some(Command::UpdateReservation { sid, owner, if_match, step })
    }

    /// Hands an accepted task over to somebody else now and then, or calls that off.
    fn hand_over(&mut self, view: &View<'_>, place: &Place, own: &Reservation) -> Option<Command> {
        if !view.switches.transfers || view.is_calm || own.status != ReservationStatus::Accepted {
            return None;
        }
        let random = &mut self.random;
        let task = place.tasks.get(&own.task)?;
        if let Some(open) = &task.transfer {
            let is_tired = random.percent(30);
            return is_tired.then_some(Command::CancelTransfer { sid: open.sid, task: task.sid });
        }
        if !random.percent(35) {
            return None;
        }
        let workers = place.workers.keys().copied().map(TransferTarget::Worker);
        let queues = place.queues.keys().copied().map(TransferTarget::Queue);
        let all: Vec<_> = if random.percent(50) { workers.collect() } else { queues.collect() };
        Some(Command::CreateTransfer(NewTransfer {
            task: task.sid,
            reservation: own.sid,
            worker: random.percent(50).then_some(self.worker),
            to: *random.one_of(&all)?,
            mode: if random.percent(50) { TransferMode::Warm } else { TransferMode::Cold },
            attributes: random.percent(20).then(|| {
                let people: Vec<_> = place.workers.keys().copied().collect();
                Attributes::new(task_attributes(random, &people)).expect("it is short")
            }),
            priority: random.percent(20).then(|| random.below(40) as u32),
        }))
    }

    /// Goes on a break now and then, and comes back.
    fn switch(&mut self, view: &View<'_>) -> Option<Command> {
        let place = view.checks.place(self.workspace)?;
        let (worker, _) = place.workers.get(&self.worker)?;
        let is_available = place.activities.get(&worker.activity)?.available;
        let share = match (is_available, view.is_calm) {
            (true, true) => 0,
            (false, true) => 100,
            (true, false) => 5,
            (false, false) => 50,
        };
        if !self.random.percent(share) {
            return None;
        }
        let wanted = place.activities.values().filter(|one| one.available != is_available);
        let wanted: Vec<_> = wanted.map(|activity| activity.sid).collect();
        let patch = WorkerPatch {
            activity: Some(*self.random.one_of(&wanted)?),
            reject_pending_reservations: is_available && self.random.percent(30),
            ..WorkerPatch::default()
        };
        Some(Command::UpdateWorker { sid: self.worker, if_match: IfMatch::Any, patch })
    }
}
