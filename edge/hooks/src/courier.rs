//! Decides what is sent when: one task that owns all lines, and a task for each attempt.
//!
//! * A destination has its own line and its own bound on what is under way: a slow one delays
//!   nobody else, and never the engine.
//! * What became of a delivery is written down in groups; only then is it forgotten here. A restart
//!   in between sends it again.
//! * Limits and retries run on the domain's clock, so a clock that is moved by hand moves them too;
//!   whoever moves it waits here until nothing is under way but what is silent.

use crate::{
    attempt::{Desk, Outcome, Unsent, Verdict},
    line::{Line, WINDOW},
    metrics::{Ended, Metrics},
};
use base::{Millis, Timestamp};
use host::{
    Noted, Record,
    delivery::{About, Attempt, Delivery, DeliverySid, DeliveryStatus, ToDeliver},
    outbox::Teller,
};
use routing::{CallbackStage, Task, WorkflowSid, WorkspaceSid, limits::CALLBACK_S};
use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use store::{Filter, Scan, Test, Value};
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender},
        oneshot,
    },
    task::{AbortHandle, JoinSet},
    time::Instant,
};

/// How long a webhook may take.
const WEBHOOK_LIMIT: Millis = Millis::secs(15);
/// Webhooks of a workspace under way at most.
const WEBHOOKS_MAX: usize = 8;
/// Callbacks of a workflow's URL under way at most: each is over after five seconds.
const CALLBACKS_MAX: usize = 512;
/// How soon something is tried again at first, and at last.
const RETRY_S: (i64, i64) = (1, 3_600);
/// For how long it is tried.
const TRIED_FOR: Millis = Millis::secs(24 * 3_600);
/// How long whoever moves the clock waits for those who are silent, once: on a busy machine an
/// answer takes its time, and what is done next counts on it.
const GRACE: Duration = Duration::from_secs(2);
/// How soon the store is tried again.
const AGAIN: Duration = Duration::from_millis(250);
/// A clock may be set: nobody sleeps longer without looking.
const NAP_MAX: Duration = Duration::from_secs(10);

/// Who is asked or told: each has a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum To {
    /// The workspace's event callback URL.
    Webhook,
    /// One of a workflow's two URLs.
    Callback(Option<WorkflowSid>, CallbackStage),
}

pub(crate) type Destination = (WorkspaceSid, To);

impl To {
    const fn most(self) -> usize {
        match self {
            Self::Webhook => WEBHOOKS_MAX,
            Self::Callback(..) => CALLBACKS_MAX,
        }
    }
}

/// What the courier is told.
pub(crate) enum Message {
    /// An attempt is over.
    Tried(Destination, Box<Outcome>),
    /// The store was read.
    Read(WorkspaceSid, Option<Vec<Delivery>>),
    /// What became of deliveries is written, or there is no use in writing it.
    Written(WorkspaceSid),
    /// Do what is due, and tell when nothing is under way.
    Settle(oneshot::Sender<()>),
}

struct Flight {
    to: Destination,
    delivery: Delivery,
    began: Timestamp,
    limit: Timestamp,
    is_answered: Arc<AtomicBool>,
    /// Nobody waits for it any more.
    is_silent: bool,
    task: AbortHandle,
}

/// What is to be written down about a workspace's deliveries.
#[derive(Default)]
struct Notes {
    waiting: BTreeMap<DeliverySid, Delivery>,
    /// On their way to the store.
    writing: BTreeSet<DeliverySid>,
}

/// See the module.
pub(crate) struct Courier {
    desk: Arc<Desk>,
    metrics: Arc<Metrics>,
    lines: BTreeMap<Destination, Line>,
    flights: BTreeMap<(WorkspaceSid, DeliverySid), Flight>,
    notes: BTreeMap<WorkspaceSid, Notes>,
    waiting: Vec<(Instant, oneshot::Sender<()>)>,
    tasks: JoinSet<()>,
    to_self: UnboundedSender<Message>,
    deadline: Arc<AtomicI64>,
}

/// The courier as the host sees it.
pub(crate) struct Near {
    pub(crate) courier: UnboundedSender<Message>,
    pub(crate) deadline: Arc<AtomicI64>,
}

impl Teller for Near {
    fn next_deadline(&self) -> Option<Timestamp> {
        let at = self.deadline.load(Ordering::Acquire);
        (at != i64::MAX).then_some(Timestamp(at))
    }

    fn settle(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let (settled, told) = oneshot::channel();
            if self.courier.send(Message::Settle(settled)).is_ok() {
                // A courier that ended has nothing under way.
                _ = told.await;
            }
        })
    }
}

impl Courier {
    pub(crate) fn new(
        desk: Arc<Desk>,
        metrics: Arc<Metrics>,
        to_self: UnboundedSender<Message>,
        deadline: Arc<AtomicI64>,
    ) -> Self {
        Self {
            desk,
            metrics,
            lines: BTreeMap::new(),
            flights: BTreeMap::new(),
            notes: BTreeMap::new(),
            waiting: Vec::new(),
            tasks: JoinSet::new(),
            to_self,
            deadline,
        }
    }

    /// Takes what is in the store, then whatever comes, until nobody hands anything over any more.
    pub(crate) async fn run(
        mut self,
        mut handed: UnboundedReceiver<ToDeliver>,
        mut told: UnboundedReceiver<Message>,
    ) {
        self.resume().await;
        loop {
            self.work();
            let nap = self.nap();
            tokio::select! {
                delivery = handed.recv() => match delivery {
                    Some(delivery) => self.take(delivery),
                    None => return,
                },
                Some(message) = told.recv() => self.hear(message),
                Some(_) = self.tasks.join_next(), if !self.tasks.is_empty() => {}
                () = tokio::time::sleep(nap) => {}
            }
            // What came together is looked at together.
            while let Ok(delivery) = handed.try_recv() {
                self.take(delivery);
            }
            while let Ok(message) = told.try_recv() {
                self.hear(message);
            }
        }
    }

    /// Whatever was under way when the server ended is sent again.
    async fn resume(&mut self) {
        for workspace in self.desk.host.workspaces() {
            self.lines.insert((workspace, To::Webhook), Line::unread());
            let asked = read(&self.desk, workspace, "callback", DeliverySid::new(0)).await;
            for delivery in asked.into_iter().flatten() {
                self.add(workspace, delivery);
            }
        }
    }

    fn take(&mut self, ToDeliver { workspace, delivery }: ToDeliver) {
        self.add(workspace, delivery);
        self.desk.host.outbox().took(1);
    }

    fn add(&mut self, workspace: WorkspaceSid, delivery: Delivery) {
        // Where a commit's outcome was unknown, what was handed over before comes once more.
        let is_noted = |notes: &Notes| {
            notes.waiting.contains_key(&delivery.sid) || notes.writing.contains(&delivery.sid)
        };
        if delivery.replayed_at.is_none() && self.notes.get(&workspace).is_some_and(is_noted) {
            return;
        }
        let to = match &delivery.about {
            About::Webhook { .. } => To::Webhook,
            About::Callback { stage, .. } => {
                To::Callback(self.workflow_of(workspace, &delivery), *stage)
            }
        };
        let window = if to == To::Webhook { WINDOW } else { usize::MAX };
        let line = self.lines.entry((workspace, to));
        line.or_insert_with(|| Line::holding(window)).push(delivery);
    }

    fn workflow_of(&self, workspace: WorkspaceSid, delivery: &Delivery) -> Option<WorkflowSid> {
        let (workspace, task) = (workspace.to_string(), delivery.task?.to_string());
        self.desk.host.fetch::<Task>(&workspace, &task).ok()??.workflow
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Tried(to, outcome) => {
                if let Some(flight) = self.flights.remove(&(to.0, outcome.delivery.sid)) {
                    self.tried(to, flight.began, *outcome);
                }
            }
            Message::Read(workspace, found) => {
                let Some(line) = self.lines.get_mut(&(workspace, To::Webhook)) else { return };
                match found {
                    Some(found) => {
                        let is_all = found.len() < WINDOW / 2;
                        line.took(found, is_all);
                    }
                    None => line.unreadable(),
                }
            }
            Message::Written(workspace) => {
                if let Some(notes) = self.notes.get_mut(&workspace) {
                    notes.writing.clear();
                }
            }
            Message::Settle(waiter) => self.waiting.push((Instant::now() + GRACE, waiter)),
        }
    }

    /// Everything that can be done now.
    fn work(&mut self) {
        let now = self.desk.host.now();
        self.desk.client.sweep();
        self.give_up_on_the_silent(now);
        let destinations: Vec<Destination> = self.lines.keys().copied().collect();
        for to in destinations {
            self.serve(to, now);
        }
        self.lines.retain(|_, line| !line.is_idle());
        self.write();
        let next = self.next_deadline().map_or(i64::MAX, |at| at.0);
        self.deadline.store(next, Ordering::Release);
        self.tell_who_waits();
    }

    fn serve(&mut self, to: Destination, now: Timestamp) {
        loop {
            let Some(line) = self.lines.get_mut(&to) else { return };
            line.due(now);
            if let Some(from) = line.wants() {
                self.read(to.0, from);
                continue;
            }
            let Some(delivery) = line.next(to.1.most()) else { return };
            self.send(to, delivery, now);
        }
    }

    fn send(&mut self, to: Destination, mut delivery: Delivery, now: Timestamp) {
        let letter = match self.desk.letter(to.0, &mut delivery) {
            Ok(letter) => letter,
            Err(Unsent(why)) => {
                let (response_status, error, alert) = (None, Some(why), None);
                delivery.add(Attempt { at: now, took: Millis(0), response_status, error, alert });
                return self.tried(to, now, Outcome { delivery, verdict: Verdict::GivenUp });
            }
        };
        let limit = match to.1 {
            To::Webhook => now + WEBHOOK_LIMIT,
            To::Callback(..) => delivery.created_at + Millis::secs(CALLBACK_S),
        };
        let is_answered = Arc::new(AtomicBool::new(false));
        let (desk, back, flag) = (self.desk.clone(), self.to_self.clone(), is_answered.clone());
        let trying = delivery.clone();
        let task = self.tasks.spawn(async move {
            let outcome = desk.attempt(to.0, (trying, letter), flag).await;
            _ = back.send(Message::Tried(to, Box::new(outcome)));
        });
        let key = (to.0, delivery.sid);
        let (began, is_silent) = (now, false);
        let flight = Flight { to, delivery, began, limit, is_answered, is_silent, task };
        self.flights.insert(key, flight);
    }

    fn tried(&mut self, to: Destination, began: Timestamp, outcome: Outcome) {
        let Outcome { mut delivery, mut verdict } = outcome;
        let now = self.desk.host.now();
        let since = delivery.replayed_at.unwrap_or(delivery.created_at);
        let tries = delivery.attempts.iter().filter(|attempt| attempt.at >= since).count();
        let again_at = now + retry_after(tries);
        if verdict == Verdict::TryAgain && again_at > since + TRIED_FOR {
            verdict = Verdict::GivenUp;
        }
        delivery.next_attempt_at = (verdict == Verdict::TryAgain).then_some(again_at);
        let Some(line) = self.lines.get_mut(&to) else { return };
        let (status, ended) = match verdict {
            Verdict::Heard => (DeliveryStatus::Delivered, Ended::Delivered),
            Verdict::GivenUp => (DeliveryStatus::Failed, Ended::Failed),
            Verdict::TryAgain => (DeliveryStatus::Retrying, Ended::Retrying),
        };
        delivery.status = status;
        let took = delivery.attempts.last().map_or(Millis(0), |attempt| attempt.took);
        let took = Duration::from_millis(u64::try_from(took.0).unwrap_or(0));
        self.metrics.count(delivery.about.kind(), ended, took);
        let error = delivery.attempts.last().and_then(|attempt| attempt.error.as_deref());
        if verdict != Verdict::Heard {
            let (workspace, kind) = (to.0, delivery.about.kind());
            tracing::debug!(%workspace, sid = %delivery.sid, kind, %began, ?error, "not delivered");
        }
        match verdict {
            Verdict::TryAgain => line.again(delivery.clone(), again_at),
            Verdict::Heard => {
                line.over(&delivery);
                line.wake();
            }
            Verdict::GivenUp => line.over(&delivery),
        }
        self.notes.entry(to.0).or_default().waiting.insert(delivery.sid, delivery);
    }

    /// Those whose time is over. Of a callback the engine knows by itself.
    fn give_up_on_the_silent(&mut self, now: Timestamp) {
        let is_over =
            |flight: &&Flight| flight.limit <= now && !flight.is_answered.load(Ordering::Acquire);
        let over: Vec<(WorkspaceSid, DeliverySid)> = self
            .flights
            .values()
            .filter(is_over)
            .map(|flight| (flight.to.0, flight.delivery.sid))
            .collect();
        for key in over {
            let Some(flight) = self.flights.remove(&key) else { continue };
            flight.task.abort();
            let Flight { to, mut delivery, began, .. } = flight;
            let (took, verdict, limit_s) = match to.1 {
                To::Webhook => (now - began, Verdict::TryAgain, WEBHOOK_LIMIT.0 / 1000),
                To::Callback(..) => (now - began, Verdict::GivenUp, CALLBACK_S),
            };
            delivery.add(Attempt {
                at: began,
                took,
                response_status: None,
                error: Some(format!("No answer within {limit_s} seconds")),
                alert: None,
            });
            self.tried(to, began, Outcome { delivery, verdict });
        }
    }

    fn read(&mut self, workspace: WorkspaceSid, from: DeliverySid) {
        let (desk, back) = (self.desk.clone(), self.to_self.clone());
        self.tasks.spawn(async move {
            let found = read(&desk, workspace, "webhook", from).await;
            if found.is_none() {
                tokio::time::sleep(AGAIN).await;
            }
            _ = back.send(Message::Read(workspace, found));
        });
    }

    /// Writes down what became of deliveries, all of a workspace's at once.
    fn write(&mut self) {
        self.notes.retain(|_, notes| !notes.writing.is_empty() || !notes.waiting.is_empty());
        for (workspace, notes) in &mut self.notes {
            if !notes.writing.is_empty() {
                continue;
            }
            let deliveries: Vec<Delivery> =
                std::mem::take(&mut notes.waiting).into_values().collect();
            notes.writing = deliveries.iter().map(|delivery| delivery.sid).collect();
            let (desk, back, workspace) = (self.desk.clone(), self.to_self.clone(), *workspace);
            self.tasks.spawn(async move {
                while desk.host.note(workspace, &deliveries).await == Noted::NotYet {
                    tokio::time::sleep(AGAIN).await;
                }
                _ = back.send(Message::Written(workspace));
            });
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        let limits =
            self.flights.values().filter(|flight| !flight.is_answered.load(Ordering::Acquire));
        let again = self.lines.values().filter_map(Line::next_at).min();
        limits.map(|flight| flight.limit).chain(again).min()
    }

    fn tell_who_waits(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let is_busy = !self.notes.is_empty()
            || self.flights.values().any(|flight| !flight.is_silent)
            || self.lines.iter().any(|((_, to), line)| line.is_busy(to.most()));
        let now = Instant::now();
        if !is_busy {
            for (_, waiter) in self.waiting.drain(..) {
                _ = waiter.send(());
            }
        } else if self.waiting.iter().any(|(until, _)| *until <= now) {
            self.flights.values_mut().for_each(|flight| flight.is_silent = true);
            for (_, waiter) in self.waiting.extract_if(.., |(until, _)| *until <= now) {
                _ = waiter.send(());
            }
        }
    }

    fn nap(&self) -> Duration {
        let due = self.next_deadline().filter(|_| !self.desk.host.manual_clock());
        let due = due.map(|at| (at - self.desk.host.now()).0.max(1));
        let due = due.map(|ms| Duration::from_millis(ms.unsigned_abs()));
        let patience = self.waiting.iter().map(|(until, _)| {
            until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
        });
        due.into_iter().chain(patience).min().unwrap_or(NAP_MAX).min(NAP_MAX)
    }
}

/// 1 s, doubled with each try, up to an hour.
fn retry_after(tries: usize) -> Millis {
    let (first, last) = RETRY_S;
    Millis::secs((first << tries.saturating_sub(1).min(12)).min(last))
}

/// Deliveries of a kind that are still to be made, from one of them on; `None` where the store
/// cannot be read.
async fn read(
    desk: &Desk,
    workspace: WorkspaceSid,
    kind: &'static str,
    from: DeliverySid,
) -> Option<Vec<Delivery>> {
    let is = |column, value: Value| Filter { column, test: Test::OneOf(vec![value]) };
    let filters = vec![
        is("live", Value::Int(1)),
        is("kind", Value::from(kind)),
        Filter { column: "key", test: Test::AtLeast(Value::from(from.to_string().as_str())) },
    ];
    let partition = workspace.to_string().into();
    let limit = if kind == "webhook" { WINDOW / 2 } else { usize::MAX };
    let scan = Scan { filters, limit, ..Scan::of(Delivery::TABLE, partition) };
    match desk.host.list::<Delivery>(scan).await {
        Ok(found) => Some(found.into_iter().map(|(delivery, _)| delivery).collect()),
        Err(error) => {
            tracing::error!(%workspace, %error, "deliveries cannot be read");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_an_hour() {
        let pauses = [1, 2, 3, 12, 13, 40].map(|tries| retry_after(tries).0 / 1000);
        assert_eq!(pauses, [1, 2, 4, 2048, 3600, 3600]);
    }
}
