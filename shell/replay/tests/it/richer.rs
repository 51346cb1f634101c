//! Recordings with transfers, applications that are asked, and opening hours.

use super::{Centre, START, straight};
use base::{Attributes, Patch};
use routing::{command::*, instruction::Instruction, *};
use serde_json::json;
use std::collections::BTreeMap;

/// Open for some minutes at a time, again and again.
fn minutes(dice: &mut Centre) -> serde_json::Value {
    let minute = (dice.now - START).0 / 60_000;
    let time = |at: i64| format!("{:02}:{:02}", at / 60 % 24, at % 60);
    let hours: Vec<_> = (0..6)
        .map(|index| {
            let from = minute + 4 * index + dice.below(2) as i64;
            let to = from + 1 + dice.below(3) as i64;
            json!({"days": ["thu", "fri"], "from": time(from), "to": time(to)})
        })
        .collect();
    json!({"timezone": "UTC", "weekly": hours})
}

fn open_hours(centre: &mut Centre) {
    let (name, if_match) = ("day".to_owned(), IfMatch::Any);
    let body = minutes(centre);
    centre.run(Command::SetSchedule { name, if_match, body }).expect("it is a schedule");
}

fn urls(first: bool, fallback: bool) -> WorkflowPatch {
    let url = |path: &str, wanted: bool| match wanted {
        true => Patch::Set(format!("https://application.example/{path}")),
        false => Patch::Clear,
    };
    WorkflowPatch {
        assignment_callback_url: url("assign", first),
        fallback_assignment_callback_url: url("fallback", fallback),
        ..WorkflowPatch::default()
    }
}

struct Rich {
    centre: Centre,
    workers: Vec<WorkerSid>,
    queues: Vec<TaskQueueSid>,
    activities: Vec<ActivitySid>,
    workflow: WorkflowSid,
    tasks: Vec<TaskSid>,
    configuration: String,
}

impl Rich {
    fn new(seed: u64) -> Self {
        let mut centre = Centre::new(seed);
        let a = centre.queue("a", "skill HAS 'a'");
        let b = centre.queue("b", "1==1");
        let patch = TaskQueuePatch { max_reserved_workers: Some(2), ..TaskQueuePatch::default() };
        centre.run(Command::UpdateTaskQueue { sid: b, patch }).expect("it is there");
        let skills = [r#"{"skill":["a"]}"#, r#"{"skill":[]}"#];
        let workers = (0..5).map(|i| centre.worker(&format!("w{i}"), skills[i % 2])).collect();
        open_hours(&mut centre);
        let configuration = format!(
            r#"{{"filters": [{{"expression": "schedule.day.open == true AND kind == 'a'",
            "targets": [{{"queue": "{a}", "timeout": 15}}, {{"queue": "{b}", "timeout": 60,
            "priority": 5, "expression": "schedule.day.open == true"}}]}}],
            "default_filter": {{"queue": "{b}"}}}}"#
        );
        let workflow = centre.workflow(&configuration);
        let patch = urls(true, seed.is_multiple_of(2));
        centre.run(Command::UpdateWorkflow { sid: workflow, patch }).expect("it is there");
        let activities = centre.journal.iter().filter_map(|(_, change)| match change {
            Change::ActivityCreated(one) => Some(one.sid),
            _ => None,
        });
        let activities = activities.collect();
        let (tasks, queues) = (Vec::new(), vec![a, b]);
        Self { centre, workers, queues, activities, workflow, tasks, configuration }
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let at = self.centre.below(of.len().max(1) as u64);
        of.get(at as usize).cloned()
    }

    fn step(&mut self) {
        let wait = 200 + self.centre.below(7_000) as i64;
        self.centre.pass(wait);
        match self.centre.below(20) {
            0..=4 => {
                let kind = ["{\"kind\":\"a\"}", "{\"kind\":\"b\"}"][self.centre.below(2) as usize];
                self.tasks.push(self.centre.task(kind));
            }
            5..=8 => self.application(),
            9..=12 => self.worker(),
            13..=15 => self.hand_over(),
            16 => self.call_off(),
            17 => self.give_up(),
            18 => {
                let worker = self.one(&self.workers.clone()).expect("there are some");
                let activity = self.one(&self.activities.clone());
                let patch = WorkerPatch { activity, ..WorkerPatch::default() };
                let if_match = IfMatch::Any;
                _ = self.centre.run(Command::UpdateWorker { sid: worker, if_match, patch });
            }
            _ => match self.centre.below(3) {
                0 => open_hours(&mut self.centre),
                1 => {
                    let (first, fallback) = (self.centre.below(4) > 0, self.centre.below(2) == 0);
                    let (sid, patch) = (self.workflow, urls(first, fallback));
                    _ = self.centre.run(Command::UpdateWorkflow { sid, patch });
                }
                _ => {
                    let open: Vec<_> = self.centre.open.keys().copied().collect();
                    let Some(reservation) = self.one(&open) else { return };
                    _ = self.centre.run(Command::AskCallback { reservation });
                }
            },
        }
    }

    /// An application answers, often too late or about the other URL.
    fn application(&mut self) {
        let open: Vec<_> = self.centre.open.keys().copied().collect();
        let Some(reservation) = self.one(&open) else { return };
        let stage = match self.centre.below(2) {
            0 => CallbackStage::First,
            _ => CallbackStage::Fallback,
        };
        let activity = self.one(&self.activities.clone());
        let answer = match self.centre.below(6) {
            0 => CallbackAnswer::Do(Instruction::Accept),
            1 => CallbackAnswer::Do(Instruction::Reject { activity: None }),
            2 => CallbackAnswer::Do(Instruction::Reject { activity }),
            3 => CallbackAnswer::Nothing,
            _ => CallbackAnswer::Failed,
        };
        _ = self.centre.run(Command::AnswerCallback { reservation, stage, answer });
    }

    fn worker(&mut self) {
        let open: Vec<_> = self.centre.open.values().cloned().collect();
        let Some(one) = self.one(&open) else { return };
        let step = match (one.status, self.centre.below(4)) {
            (ReservationStatus::Pending, 0) => ReservationStep::Reject { activity: None },
            (ReservationStatus::Pending, _) => ReservationStep::Accept,
            (_, 0) => ReservationStep::Wrap,
            _ => ReservationStep::Complete,
        };
        let owner = ReservationOwner::Worker(one.worker);
        let (sid, if_match) = (one.sid, IfMatch::Any);
        _ = self.centre.run(Command::UpdateReservation { sid, owner, if_match, step });
    }

    fn hand_over(&mut self) {
        let open = self.centre.open.values();
        let taken = open.filter(|one| one.status == ReservationStatus::Accepted);
        let taken: Vec<_> = taken.cloned().collect();
        let Some(one) = self.one(&taken) else { return };
        let workers = self.workers.iter().copied().map(TransferTarget::Worker);
        let queues = self.queues.iter().copied().map(TransferTarget::Queue);
        let all: Vec<_> = workers.chain(queues.clone()).chain(queues).collect();
        let attributes = (self.centre.below(4) == 0)
            .then(|| Attributes::new(r#"{"kind":"a","handed":1}"#).expect("short"));
        let mode = match self.centre.below(2) {
            0 => TransferMode::Cold,
            _ => TransferMode::Warm,
        };
        let new = NewTransfer {
            task: one.task,
            reservation: one.sid,
            worker: None,
            to: self.one(&all).expect("there are some"),
            mode,
            attributes,
            priority: (self.centre.below(4) == 0).then_some(9),
        };
        _ = self.centre.run(Command::CreateTransfer(new));
    }

    fn call_off(&mut self) {
        let all: BTreeMap<TransferSid, TaskSid> = self
            .centre
            .journal
            .iter()
            .filter_map(|(_, change)| match change {
                Change::TransferInitiated { transfer, .. } => Some((transfer.sid, transfer.task)),
                _ => None,
            })
            .collect();
        let newest: Vec<_> = all.into_iter().rev().take(3).collect();
        let Some((sid, task)) = self.one(&newest) else { return };
        _ = self.centre.run(Command::CancelTransfer { sid, task });
    }

    fn give_up(&mut self) {
        let Some(sid) = self.one(&self.tasks.clone()) else { return };
        let if_match = IfMatch::Any;
        if self.centre.below(3) == 0 {
            _ = self.centre.run(Command::DeleteTask { sid, if_match });
            return;
        }
        let patch = TaskPatch {
            status: Some(TaskStatus::Canceled),
            reason: Some("hung up".to_owned()),
            ..TaskPatch::default()
        };
        _ = self.centre.run(Command::UpdateTask { sid, if_match, patch });
    }

    /// What of all that happened, and how often.
    fn count(&self, counts: &mut BTreeMap<String, usize>) {
        for (_, change) in &self.centre.journal {
            let name = match change {
                Change::TransferEnded { status, .. } => format!("transfer {}", status.as_str()),
                Change::TransferAttemptFailed { .. } => "transfer tried on".to_owned(),
                Change::CallbackMoved { callback, .. } => {
                    format!("asking {:?}", callback.map(|callback| callback.stage))
                }
                Change::TaskRested { rest, .. } => format!("rest {}", rest.from.is_some()),
                Change::ScheduleLooked { open, .. } => format!("open {open}"),
                _ => continue,
            };
            *counts.entry(name).or_default() += 1;
        }
    }
}

#[test]
fn transfers_callbacks_and_hours_are_reproduced_change_by_change() {
    let mut counts = BTreeMap::new();
    for seed in 1..=60 {
        let mut rich = Rich::new(seed);
        for _ in 0..250 {
            rich.step();
        }
        rich.centre.pass(1_000);
        rich.count(&mut counts);
        let report = rich.centre.replayed(&rich.configuration, 7);
        let at = report.first_difference.map(|at| at as usize - 1);
        let journal = &rich.centre.journal;
        let near = at.map(|at| &journal[at.saturating_sub(4)..(at + 3).min(journal.len())]);
        assert!(report.reproduced, "seed {seed}, change {at:?}: {near:#?}");
        assert_eq!(report.total.before, report.total.after, "seed {seed}");
    }
    let wanted = [
        "transfer complete",
        "transfer failed",
        "transfer canceled",
        "transfer tried on",
        "asking None",
        "asking Some(First)",
        "asking Some(Fallback)",
        "rest true",
        "rest false",
        "open true",
        "open false",
    ];
    for name in wanted {
        assert!(counts.get(name).is_some_and(|count| *count >= 20), "{name}: {counts:?}");
    }
}

#[test]
fn transfers_callbacks_and_hours_are_reproduced_from_what_is_kept() {
    let mut differing = Vec::new();
    for seed in 1..=30 {
        let mut rich = Rich::new(seed);
        (0..250).for_each(|_| rich.step());
        rich.centre.pass(1_000);
        let journal = &rich.centre.journal;
        let begins = |at: &usize| journal[at - 1].0 != journal[*at].0;
        let cut = (journal.len() / 2..).find(begins).expect("time goes on");
        let report = rich.centre.replayed_behind(cut, &rich.configuration, 7);
        if let Some(at) = report.first_difference.map(|at| at as usize - 1) {
            let near = &journal[at.saturating_sub(4)..(at + 2).min(journal.len())];
            differing.push(format!("seed {seed}, cut {cut}, change {at}: {near:#?}"));
        }
    }
    assert!(differing.is_empty(), "{} differ: {}", differing.len(), differing[0]);
}

#[test]
fn another_configuration_of_a_rich_recording_is_compared_whole() {
    for seed in 1..=20 {
        let mut rich = Rich::new(seed);
        for _ in 0..250 {
            rich.step();
        }
        let report = rich.centre.replayed(&straight(rich.queues[1]), 3);
        assert!(report.reproduced, "seed {seed}");
        let (before, after) = (&report.total.before, &report.total.after);
        assert_eq!(before.tasks, after.tasks, "the same tasks come: {report}");
        for figures in [before, after] {
            let ends = figures.taken + figures.abandoned + figures.waiting;
            assert_eq!(ends, figures.tasks, "each is taken, given up or waits: {report}");
        }
        assert!(after.taken > 0 && report.drawn.recorded + report.drawn.from_worker > 0);
        let queues = report.moved.iter().filter_map(|one| one.after.0.as_deref());
        assert!(queues.into_iter().all(|queue| queue == "b"), "{report}");
        assert_eq!(report, rich.centre.replayed(&straight(rich.queues[1]), 3));
    }
}

/// Ann takes everything and hands it on to those whom it was for.
#[test]
fn what_had_to_be_handed_over_goes_there_at_once() {
    let mut centre = Centre::new(1);
    let first = centre.queue("first", "skill HAS 'a'");
    let second = centre.queue("second", "NOT skill HAS 'a'");
    centre.worker("ann", r#"{"skill":["a"]}"#);
    let bob = centre.worker("bob", r#"{"skill":[]}"#);
    centre.workflow(&straight(first));
    for _ in 0..3 {
        let task = centre.task("{}");
        centre.pass(1_000);
        let offer = centre.offer(task);
        centre.step(offer, ReservationStep::Accept);
        centre.pass(10_000);
        let new = NewTransfer {
            task,
            reservation: offer,
            worker: None,
            to: TransferTarget::Queue(second),
            mode: TransferMode::Warm,
            attributes: None,
            priority: None,
        };
        centre.run(Command::CreateTransfer(new)).expect("it is assigned");
        centre.pass(2_000);
        let next = centre.offer(task);
        assert_eq!(centre.open[&next].worker, bob);
        centre.step(next, ReservationStep::Accept);
        centre.step(offer, ReservationStep::Complete);
        centre.pass(20_000);
        centre.step(next, ReservationStep::Complete);
    }
    centre.pass(1_000);
    let report = centre.replayed(&straight(second), 5);
    assert!(report.reproduced, "{report}");
    let (before, after) = (&report.total.before, &report.total.after);
    assert_eq!((before.taken, before.transfers), (3, 3), "{report}");
    assert_eq!((after.taken, after.transfers), (3, 0), "{report}");
    assert!(report.moved.iter().all(|one| one.after.1.as_deref() == Some("bob")), "{report}");
    // Bob is met with the times that he took for what was handed to him.
    assert_eq!((report.drawn.recorded, report.drawn.from_worker), (3, 0), "{report}");
}

/// Nobody answers for the first queue's workflow, so each task is offered again and again.
#[test]
fn a_silent_application_costs_as_much_in_a_replay() {
    let mut centre = Centre::new(2);
    let few = centre.queue("few", "skill HAS 'a'");
    let all = centre.queue("all", "1==1");
    let ann = centre.worker("ann", r#"{"skill":["a"]}"#);
    centre.worker("bob", r#"{"skill":[]}"#);
    let workflow = centre.workflow(&straight(few));
    centre.run(Command::UpdateWorkflow { sid: workflow, patch: urls(true, false) }).expect("there");
    let answer = |centre: &mut Centre, reservation, answer| {
        let stage = CallbackStage::First;
        centre.run(Command::AnswerCallback { reservation, stage, answer }).expect("heard");
    };
    // Silence, then a rest of one second, then an answer.
    let task = centre.task("{}");
    centre.pass(6_500);
    let offer = centre.offer(task);
    assert_eq!((centre.open[&offer].worker, centre.open.len()), (ann, 1));
    centre.pass(1_000);
    answer(&mut centre, offer, CallbackAnswer::Do(Instruction::Accept));
    centre.pass(30_000);
    centre.step(offer, ReservationStep::Complete);
    // The next one fails at once, and then the worker is left to decide.
    let task = centre.task("{}");
    let offer = centre.offer(task);
    answer(&mut centre, offer, CallbackAnswer::Failed);
    centre.pass(1_500);
    let offer = centre.offer(task);
    answer(&mut centre, offer, CallbackAnswer::Nothing);
    centre.pass(8_000);
    centre.step(offer, ReservationStep::Accept);
    centre.pass(5_000);
    centre.step(offer, ReservationStep::Complete);
    centre.pass(1_000);

    let same = centre.replayed(&straight(few), 5);
    assert!(same.reproduced && same.moved.is_empty(), "{same}");
    assert_eq!(same.total.before, same.total.after);
    let waits = [same.total.after.wait_p50_s, same.total.after.wait_max_s];
    assert!(waits.iter().flatten().all(|wait| (7.0..10.0).contains(wait)), "{same}");

    // Bob was never met: he gets the times of others, and the silence that may come with them.
    let other = centre.replayed(&straight(all), 5);
    assert!(other.reproduced, "{other}");
    let after = &other.total.after;
    assert_eq!((after.tasks, after.taken + after.waiting), (2, 2), "{other}");
    assert!(other.moved.iter().all(|one| one.after.0.as_deref() == Some("all")), "{other}");
    assert!(other.drawn.from_anybody > 0, "bob is asked too: {other}");
}

/// Whoever comes before the doors open waits for the only one who is there by day.
#[test]
fn without_opening_hours_nobody_waits_for_the_doors() {
    let mut centre = Centre::new(3);
    let day = centre.queue("day", "skill HAS 'a'");
    let night = centre.queue("night", "");
    let ann = centre.worker("ann", r#"{"skill":["a"]}"#);
    let hours = json!({"timezone": "UTC", "weekly": [
        {"days": ["thu"], "from": "00:02", "to": "00:04"}]});
    let (name, if_match) = ("day".to_owned(), IfMatch::Any);
    centre.run(Command::SetSchedule { name, if_match, body: hours }).expect("hours");
    let by_hours = format!(
        r#"{{"filters": [{{"expression": "vip == true", "targets": [{{"queue": "{day}",
        "expression": "schedule.day.open == true"}}]}}, {{"expression":
        "schedule.day.open == true", "targets": [{{"queue": "{day}"}}]}}],
        "default_filter": {{"queue": "{night}"}}}}"#
    );
    centre.workflow(&by_hours);
    let waits = centre.task(r#"{"vip": true}"#);
    let lost = centre.task("{}");
    centre.pass(125_000);
    let offer = centre.offer(waits);
    assert_eq!(centre.open[&offer].worker, ann, "the doors opened and somebody was there");
    centre.pass(1_000);
    centre.step(offer, ReservationStep::Accept);
    centre.pass(5_000);
    centre.step(offer, ReservationStep::Complete);
    centre.pass(150_000);
    assert!(centre.open.values().all(|one| one.task != lost), "at night there is nobody");

    let report = centre.replayed(&by_hours, 1);
    assert!(report.reproduced && report.moved.is_empty(), "{report}");
    let always = centre.replayed(&straight(day), 1);
    assert!(always.reproduced, "{always}");
    let (before, after) = (&always.total.before, &always.total.after);
    assert_eq!((before.taken, before.waiting), (1, 1), "{always}");
    assert!(before.wait_max_s >= Some(120.0) && after.taken == 2, "{always}");
    assert!(after.wait_max_s < Some(60.0), "{always}");
}
