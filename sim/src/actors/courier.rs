//! Whoever tells what is to be told outside, and those who are told: applications that answer
//! well, badly, late or not at all, and a receiver of events that is up or down.
//!
//! * Hears of deliveries as the real courier does: handed over once durable, and read from rows
//!   after a start.
//! * Of a callback the engine hears before it is written down what became of it.
//! * What is about one thing goes out in order.

use super::{Note, Outcome, View, Wish};
use base::{Millis, Sid, Timestamp};
use host::delivery::{About, Attempt, Delivery, DeliverySid, DeliveryStatus, ToDeliver};
use routing::{
    ActivitySid, CallbackStage, Command, ReservationSid, WorkspaceSid,
    command::CallbackAnswer,
    instruction::{CallInstruction, Instruction},
    limits::CALLBACK_S,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use testkit::Random;
use tokio::sync::mpsc::UnboundedReceiver;

/// One for the whole machine.
pub(crate) struct Courier {
    random: Random,
    ear: Option<Ear>,
    /// What is to be told, in order.
    waiting: BTreeMap<(WorkspaceSid, DeliverySid), Plan>,
    /// Callbacks whose answer is on its way to the engine.
    answering: BTreeMap<(ReservationSid, CallbackStage), VecDeque<(WorkspaceSid, Delivery)>>,
    /// What became of deliveries, not written down yet.
    notes: Vec<Note>,
}

struct Ear {
    incarnation: u32,
    handed: UnboundedReceiver<ToDeliver>,
}

struct Plan {
    delivery: Delivery,
    /// When something comes of it.
    at: Timestamp,
    came: Came,
}

/// What comes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Heard,
    Failed,
    Silence,
}

/// How long a receiver of events may take.
const WEBHOOK_LIMIT_MS: u64 = 15_000;

impl Courier {
    /// Everything it does follows from `random`.
    pub(crate) fn new(random: Random) -> Self {
        let (waiting, answering) = (BTreeMap::new(), BTreeMap::new());
        Self { random, ear: None, waiting, answering, notes: Vec::new() }
    }

    pub(super) fn look(&mut self, view: &View<'_>) -> Wish {
        self.listen(view);
        let mut wish = Wish::default();
        // One thing may wait for another about the same: where all is well they go at once.
        while self.tell(view, &mut wish) && view.is_calm {}
        if self.random.percent(5) && !view.is_calm {
            self.send_again(view);
        }
        wish.notes = std::mem::take(&mut self.notes);
        wish.again_ms = Some(self.random.within(50, 400));
        wish
    }

    /// The engine heard an answer, or could not be told.
    pub(super) fn hear(&mut self, command: &Command, outcome: &Outcome, now: Timestamp) {
        let Command::AnswerCallback { reservation, stage, answer } = command else { return };
        // Somebody may have asked twice; answers come back in order.
        let on_its_way = self.answering.get_mut(&(*reservation, *stage));
        let Some((workspace, mut delivery)) = on_its_way.and_then(VecDeque::pop_front) else {
            return;
        };
        let is_heard = matches!(outcome, Outcome::Done(_)) && *answer != CallbackAnswer::Failed;
        delivery.status = if is_heard { DeliveryStatus::Delivered } else { DeliveryStatus::Failed };
        delivery.add(attempt(now, (!is_heard).then_some("It was not heard")));
        self.notes.push(Note { workspace, delivery });
    }

    /// It could not be written down, or nobody knows.
    pub(super) fn unwritten(&mut self, note: Note, view: &View<'_>) {
        let is_same = |ear: &Ear| view.machine.is_some_and(|on| on.incarnation == ear.incarnation);
        // After a start the rows tell what is live.
        if self.ear.as_ref().is_some_and(is_same) {
            self.notes.push(note);
        }
    }

    fn listen(&mut self, view: &View<'_>) {
        let Some(machine) = view.machine else {
            self.ear = None;
            self.waiting.clear();
            self.answering.clear();
            self.notes.clear();
            return;
        };
        if self.ear.as_ref().is_none_or(|ear| ear.incarnation != machine.incarnation) {
            self.waiting.clear();
            self.answering.clear();
            self.notes.clear();
            let handed = machine.outlets.outbox.open();
            self.ear = Some(Ear { incarnation: machine.incarnation, handed });
            for workspace in view.checks.workspaces() {
                let place = view.checks.place(workspace).into_iter();
                let rows = place.flat_map(|place| place.deliveries.values());
                for delivery in rows.filter(|one| one.status.is_live()) {
                    self.take(workspace, delivery.clone(), view);
                }
            }
        }
        while let Some(next) = self.ear.as_mut().and_then(|ear| ear.handed.try_recv().ok()) {
            machine.outlets.outbox.took(1);
            self.take(next.workspace, next.delivery, view);
        }
    }

    fn take(&mut self, workspace: WorkspaceSid, delivery: Delivery, view: &View<'_>) {
        let key = (workspace, delivery.sid);
        if !self.waiting.contains_key(&key) {
            let plan = self.plan(delivery, view);
            self.waiting.insert(key, plan);
        }
    }

    /// What will come of the next attempt, and when.
    fn plan(&mut self, delivery: Delivery, view: &View<'_>) -> Plan {
        let random = &mut self.random;
        let since = delivery.next_attempt_at.unwrap_or(view.now).max(view.now);
        let after = |ms: u64| since + Millis(ms as i64);
        let is_callback = matches!(delivery.about, About::Callback { .. });
        let limit = delivery.created_at + Millis::secs(CALLBACK_S);
        let (at, came) = match (random.below(20), is_callback) {
            _ if view.is_calm => (view.now, Came::Heard),
            (0..=12, true) => (after(random.below(2_500)), Came::Heard),
            // Some of these come too late.
            (13..=15, true) => (after(random.within(4_500, 11_000)), Came::Heard),
            (_, true) => (limit.max(view.now), Came::Silence),
            (0..=11, false) => (after(random.below(300)), Came::Heard),
            (12..=17, false) => (after(random.below(1_000)), Came::Failed),
            (_, false) => (after(WEBHOOK_LIMIT_MS), Came::Silence),
        };
        Plan { delivery, at, came }
    }

    /// Does what is due; whether there was anything.
    fn tell(&mut self, view: &View<'_>, wish: &mut Wish) -> bool {
        let mut ahead: BTreeSet<(WorkspaceSid, Sid)> = BTreeSet::new();
        let mut due = Vec::new();
        for ((workspace, sid), plan) in &self.waiting {
            let is_first =
                plan.delivery.order.is_none_or(|order| ahead.insert((*workspace, order)));
            if is_first && (plan.at <= view.now || view.is_calm) {
                due.push((*workspace, *sid));
            }
        }
        for key in &due {
            let Some(plan) = self.waiting.remove(key) else { continue };
            match plan.delivery.about {
                About::Callback { reservation, stage } => {
                    self.ask(view, wish, key.0, (reservation, stage), plan);
                }
                About::Webhook { .. } => self.post(view, key.0, plan),
            }
        }
        !due.is_empty()
    }

    fn ask(
        &mut self,
        view: &View<'_>,
        wish: &mut Wish,
        workspace: WorkspaceSid,
        (reservation, stage): (ReservationSid, CallbackStage),
        plan: Plan,
    ) {
        let Plan { mut delivery, came, .. } = plan;
        if came == Came::Heard || view.is_calm {
            let on_its_way = self.answering.entry((reservation, stage)).or_default();
            on_its_way.push_back((workspace, delivery));
            let answer = self.answer(view, workspace);
            let command = Command::AnswerCallback { reservation, stage, answer };
            wish.commands.push((workspace, command));
            return;
        }
        // The engine knows by itself.
        delivery.status = DeliveryStatus::Failed;
        delivery.add(attempt(view.now, Some("No answer")));
        self.notes.push(Note { workspace, delivery });
    }

    fn answer(&mut self, view: &View<'_>, workspace: WorkspaceSid) -> CallbackAnswer {
        let random = &mut self.random;
        let call = CallInstruction::Redirect { call_sid: None, url: None };
        match random.below(20) {
            _ if view.is_calm => CallbackAnswer::Nothing,
            0..=6 => CallbackAnswer::Do(Instruction::Accept),
            7..=10 => {
                let place = view.checks.place(workspace);
                let activities = place.iter().flat_map(|place| place.activities.keys().copied());
                let mut activities: Vec<_> = activities.collect();
                activities.push(ActivitySid::new(1));
                let activity = random.one_of(&activities).copied();
                let activity = activity.filter(|_| random.percent(60));
                CallbackAnswer::Do(Instruction::Reject { activity })
            }
            11..=14 => CallbackAnswer::Nothing,
            15 | 16 => CallbackAnswer::Do(Instruction::Call(call)),
            _ => CallbackAnswer::Failed,
        }
    }

    fn post(&mut self, view: &View<'_>, workspace: WorkspaceSid, plan: Plan) {
        let Plan { mut delivery, came, .. } = plan;
        let came = if view.is_calm { Came::Heard } else { came };
        let error = match came {
            Came::Heard => None,
            Came::Failed => Some("503"),
            Came::Silence => Some("No answer"),
        };
        delivery.add(attempt(view.now, error));
        delivery.next_attempt_at = None;
        delivery.status = DeliveryStatus::Delivered;
        if error.is_some() {
            let wait_ms = 500 << delivery.attempt_count.min(4);
            delivery.status = DeliveryStatus::Retrying;
            delivery.next_attempt_at = Some(view.now + Millis(wait_ms));
            let again = self.plan(delivery.clone(), view);
            self.waiting.insert((workspace, delivery.sid), again);
        }
        self.notes.push(Note { workspace, delivery });
    }

    /// Somebody asks for a webhook once more.
    fn send_again(&mut self, view: &View<'_>) {
        let workspaces = view.checks.workspaces();
        let Some(workspace) = self.random.one_of(&workspaces).copied() else { return };
        let place = view.checks.place(workspace).into_iter();
        let over = place
            .flat_map(|place| place.deliveries.values())
            .filter(|one| !one.status.is_live() && matches!(one.about, About::Webhook { .. }));
        let over: Vec<&Delivery> = over.rev().take(5).collect();
        let Some(chosen) = self.random.one_of(&over) else { return };
        let delivery = Delivery {
            status: DeliveryStatus::Pending,
            next_attempt_at: None,
            replayed_at: Some(view.now),
            ..(*chosen).clone()
        };
        self.notes.push(Note { workspace, delivery });
    }
}

fn attempt(at: Timestamp, error: Option<&str>) -> Attempt {
    let response_status = error.is_none().then_some(200);
    let error = error.map(str::to_owned);
    Attempt { at, took: Millis(0), response_status, error, alert: None }
}
