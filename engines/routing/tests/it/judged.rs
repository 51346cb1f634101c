//! Decisions of random workspaces, decided a second time by somebody who sees their explanations
//! and nothing else.

use crate::dice::Dice;
use crate::world::{World, attrs};
use base::{Millis, Timestamp};
use evaluator::decide;
use routing::{command::*, explain::*, *};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Decisions wanted.
const DECISIONS: usize = 10_000;

const QUEUES: [&str; 8] = [
    "1==1",
    "skills HAS 'a'",
    "skills HAS 'b' AND level > 2",
    "level >= 3",
    "team IN ['x', 'y']",
    "team != 'x'",
    "NOT skills HAS 'a'",
    "",
];
const FILTERS: [&str; 9] = [
    "kind == 'a'",
    "kind IN ['a', 'b'] AND prio > 1",
    "lang == 'de'",
    "vip == true",
    "prio >= 3",
    "taskrouter.currentHour >= 12",
    "agent != null",
    "schedule.day.open == true",
    "schedule.night.open == true OR kind == 'b'",
];
const TARGETS: [&str; 12] = [
    "worker.level >= task.prio",
    "worker.skills HAS task.kind",
    "worker.lang == task.lang",
    "worker.channel.default.available_capacity_percentage > 40",
    "worker.activity_name == 'Available' AND worker.level > 1",
    "worker.assigned_tasks < 2",
    "taskrouter.currentMin < 30 OR worker.level > 2",
    "worker.friendly_name IN ['w0', 'w1', 'w2', 'w3']",
    "worker.sid != task.agent",
    "schedule.day.open == true",
    "schedule.night.open == true OR worker.level > 2",
    "schedule.day.open != schedule.night.open AND worker.level >= task.prio",
];
const SKIPS: [&str; 4] =
    ["workers.available == 0", "1==1", "workers.unavailable > 2", "workers.available < 3"];
const ORDERS: [&str; 4] = [
    "worker.level DESC",
    "worker.team, worker.level ASC",
    "worker.rank DESC, worker.level",
    "worker.missing",
];
const CHANNELS: [&str; 3] = ["default", "chat", "voice"];

fn worker_attributes(dice: &mut Dice) -> String {
    let skills = dice.one(&[r#"["a"]"#, r#"["b"]"#, r#"["a","b"]"#, "[]", r#""a""#]);
    let (level, team) = (dice.roll(6), dice.one(&["x", "y", "z"]));
    let lang = dice.one(&[r#","lang":"de""#, r#","lang":"en""#, ""]);
    let rank = if dice.chance(50) { format!(r#","rank":{}"#, dice.roll(3)) } else { String::new() };
    format!(r#"{{"skills":{skills},"level":{level},"team":"{team}"{lang}{rank}}}"#)
}

fn task_attributes(dice: &mut Dice, workers: &[WorkerSid]) -> String {
    let (kind, prio) = (dice.one(&["a", "b", "c"]), dice.roll(5));
    let lang = dice.one(&[r#","lang":"de""#, r#","lang":"en""#, ""]);
    let vip = dice.one(&[r#","vip":true"#, ""]);
    let agent = match dice.roll(4) {
        0 => format!(r#","agent":"{}""#, workers[dice.roll(workers.len())]),
        1 => format!(r#","agent":"W{}""#, dice.roll(9)),
        _ => String::new(),
    };
    format!(r#"{{"kind":"{kind}","prio":{prio}{lang}{vip}{agent}}}"#)
}

fn target(dice: &mut Dice, queues: &[TaskQueueSid], first: bool) -> String {
    let mut parts = Vec::new();
    if first || dice.chance(60) {
        parts.push(format!(r#""queue":"{}""#, queues[dice.roll(queues.len())]));
    }
    if dice.chance(60) {
        parts.push(format!(r#""timeout":{}"#, 5 + dice.roll(60)));
    }
    if dice.chance(50) {
        parts.push(format!(r#""expression":"{}""#, dice.one(&TARGETS)));
    }
    if dice.chance(40) {
        parts.push(format!(r#""order_by":"{}""#, dice.one(&ORDERS)));
    }
    if dice.chance(25) {
        parts.push(format!(r#""skip_if":"{}""#, dice.one(&SKIPS)));
    }
    if dice.chance(15) {
        let by = dice.one(&["known_worker_sid", "known_worker_friendly_name"]);
        parts.push(format!(r#""{by}":"task.agent""#));
    }
    if dice.chance(30) {
        parts.push(format!(r#""priority":{}"#, dice.roll(9)));
    }
    format!("{{{}}}", parts.join(","))
}

fn configuration(dice: &mut Dice, queues: &[TaskQueueSid]) -> String {
    let filters: Vec<String> = (0..1 + dice.roll(3))
        .map(|_| {
            let count = 1 + dice.roll(3);
            let targets: Vec<String> = (0..count).map(|i| target(dice, queues, i == 0)).collect();
            let (expression, targets) = (dice.one(&FILTERS), targets.join(","));
            format!(r#"{{"expression":"{expression}","targets":[{targets}]}}"#)
        })
        .collect();
    let (filters, default) = (filters.join(","), target(dice, queues, true));
    format!(r#"{{"task_routing":{{"filters":[{filters}],"default_filter":{default}}}}}"#)
}

/// Open for some minutes at a time around `now`, with an exception now and then. They stay as they
/// are: Explain tells earlier filters by today's calendars.
fn opening_hours(dice: &mut Dice, now: Timestamp) -> Value {
    let (days, minute) = (now.0.div_euclid(86_400_000), now.0.div_euclid(60_000) % 1_440);
    let time = |at: i64| format!("{:02}:{:02}", at.rem_euclid(1_440) / 60, at.rem_euclid(60));
    let span = |dice: &mut Dice| {
        let from = minute + dice.roll(18) as i64 - 2;
        (time(from), time(from + 1 + dice.roll(4) as i64))
    };
    let weekly: Vec<Value> = (0..1 + dice.roll(6))
        .map(|_| {
            let (from, to) = span(dice);
            let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            json!({"days": days, "from": from, "to": to})
        })
        .collect();
    let mut exceptions = Vec::new();
    if dice.chance(30) {
        let date = (Timestamp(0) + Millis::secs(days * 86_400)).to_string();
        let (from, to) = span(dice);
        exceptions.push(json!({"date": date[..10], "from": from, "to": to}));
    }
    json!({"timezone": "UTC", "weekly": weekly, "exceptions": exceptions})
}

/// A workspace with somebody beside it who learns each change a moment later.
struct Judged {
    world: World,
    dice: Dice,
    shadow: Routing,
    learned: usize,
    workers: Vec<WorkerSid>,
    queues: Vec<TaskQueueSid>,
    workflow: WorkflowSid,
    tasks: Vec<TaskSid>,
    offers: usize,
    others: usize,
    /// What explanations told of.
    told: BTreeMap<&'static str, usize>,
}

impl Judged {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let mut world = World::empty();
        world.must(Command::CreateWorkspace(NewWorkspace {
            friendly_name: "W".to_owned(),
            multi_task_enabled: Some(dice.chance(80)),
            ..NewWorkspace::default()
        }));
        world.now = world.now + Millis::secs(dice.roll(86_400) as i64);
        for name in CHANNELS {
            world.must(Command::UpdateTaskChannel {
                channel: ChannelRef::Name(name.to_owned()),
                friendly_name: None,
                channel_optimized_routing: Some(dice.chance(40)),
            });
        }
        let queues: Vec<TaskQueueSid> = (0..4)
            .map(|i| {
                world.new_queue_of(NewTaskQueue {
                    friendly_name: format!("q{i}"),
                    target_workers: Some(dice.one(&QUEUES).to_owned()),
                    task_order: dice.chance(30).then_some(TaskOrder::Lifo),
                    max_reserved_workers: Some(1 + dice.roll(3) as u32),
                    ..NewTaskQueue::default()
                })
            })
            .collect();
        let mut workers = Vec::new();
        for i in 0..4 + dice.roll(4) {
            let activity = dice.one(&["Available", "Available", "Available", "Offline"]);
            workers.push(world.new_worker(
                &format!("w{i}"),
                activity,
                &worker_attributes(&mut dice),
            ));
            world.now = world.now + Millis(dice.roll(900) as i64);
        }
        for name in ["day", "night"] {
            if dice.chance(85) {
                let body = opening_hours(&mut dice, world.now);
                let (name, if_match) = (name.to_owned(), IfMatch::Any);
                world.must(Command::SetSchedule { name, if_match, body });
            }
        }
        let workflow = world.new_workflow("wf", configuration(&mut dice, &queues));
        if dice.chance(30) {
            let url = base::Patch::Set("https://flow.example.com/assign".to_owned());
            let patch = WorkflowPatch { assignment_callback_url: url, ..WorkflowPatch::default() };
            world.must(Command::UpdateWorkflow { sid: workflow, patch });
        }
        let (shadow, tasks) = (Routing::new(), Vec::new());
        Self {
            world,
            dice,
            shadow,
            learned: 0,
            workers,
            queues,
            workflow,
            tasks,
            offers: 0,
            others: 0,
            told: BTreeMap::new(),
        }
    }

    fn step(&mut self) {
        let roll = self.dice.roll(100);
        match roll {
            0..=34 => self.create(),
            35..=54 => self.answer(),
            55..=64 => self.finish(),
            65..=76 => {
                let seconds = self.dice.roll(25) as i64;
                self.world.advance(seconds);
            }
            77..=84 => {
                let worker = self.worker();
                let activity = self.dice.one(&["Available", "Available", "Offline"]);
                self.world.go(worker, activity);
            }
            85..=88 => {
                let attributes = Some(attrs(&worker_attributes(&mut self.dice)));
                let patch = WorkerPatch { attributes, ..WorkerPatch::default() };
                let sid = self.worker();
                self.world.must(Command::UpdateWorker { sid, if_match: IfMatch::Any, patch });
            }
            89..=92 => self.resize(),
            93..=95 => self.redirect(),
            96 => self.order(),
            97 => self.rule(),
            _ => self.configure(),
        }
        self.learn();
        self.look_at_one();
    }

    fn worker(&mut self) -> WorkerSid {
        self.workers[self.dice.roll(self.workers.len())]
    }

    fn create(&mut self) {
        let direct = self.dice.roll(12);
        let target = match direct {
            0 => Some(self.worker().sid()),
            1 => Some(self.queues[self.dice.roll(4)].sid()),
            _ => None,
        };
        let new = NewTask {
            attributes: attrs(&task_attributes(&mut self.dice, &self.workers)),
            task_channel: Some(ChannelRef::Name(self.dice.one(&CHANNELS).to_owned())),
            routing_target: target,
            ignore_capacity: Some(self.dice.chance(50)),
            ..NewTask::default()
        };
        if let Ok(Reply::Task(task)) = self.world.run(&Command::CreateTask(new)) {
            self.tasks.push(task.sid);
        }
        // Timers run on the way: a task whose expression asks for the time is tried again.
        let later = self.world.now + Millis(self.dice.roll(3_000) as i64);
        self.world.advance_to(later);
    }

    /// Somebody accepts or rejects what is offered.
    fn answer(&mut self) {
        let open = self.reservations(|status| status == ReservationStatus::Pending);
        if open.is_empty() {
            return self.create();
        }
        let sid = open[self.dice.roll(open.len())];
        let callback = self.world.rows.values().find_map(|row| match row {
            StoredRow::Reservation(one) if one.sid == sid => one.callback,
            _ => None,
        });
        if let Some(callback) = callback.filter(|_| self.dice.chance(40)) {
            let (stage, answer) = (callback.stage, CallbackAnswer::Failed);
            self.world.must(Command::AnswerCallback { reservation: sid, stage, answer });
            return;
        }
        let step = match self.dice.chance(55) {
            true => ReservationStep::Accept,
            false => ReservationStep::Reject { activity: None },
        };
        self.world.step(sid, step).expect("it is pending");
    }

    fn finish(&mut self) {
        let open = self.reservations(|status| status == ReservationStatus::Accepted);
        if open.is_empty() {
            return self.create();
        }
        let sid = open[self.dice.roll(open.len())];
        if self.dice.chance(15) {
            return self.hand_over(sid);
        }
        self.world.step(sid, ReservationStep::Complete).expect("it is accepted");
    }

    /// Whoever has a task hands it over to a queue.
    fn hand_over(&mut self, reservation: ReservationSid) {
        let task = self.world.rows.values().find_map(|row| match row {
            StoredRow::Reservation(one) if one.sid == reservation => Some(one.task),
            _ => None,
        });
        let to = TransferTarget::Queue(self.queues[self.dice.roll(4)]);
        let mode = match self.dice.chance(50) {
            true => TransferMode::Cold,
            false => TransferMode::Warm,
        };
        let task = task.expect("it has a row");
        let new = NewTransfer {
            task,
            reservation,
            worker: None,
            to,
            mode,
            attributes: None,
            priority: None,
        };
        let _ = self.world.run(&Command::CreateTransfer(new));
    }

    fn reservations(&self, wanted: impl Fn(ReservationStatus) -> bool) -> Vec<ReservationSid> {
        let rows = self.world.rows.values().filter_map(|row| match row {
            StoredRow::Reservation(one) if wanted(one.status) => Some(one.sid),
            _ => None,
        });
        rows.collect()
    }

    /// Other rules across channels, or none.
    fn rule(&mut self) {
        let two = |dice: &mut Dice| vec![dice.one(&CHANNELS), dice.one(&CHANNELS)];
        let mut rules = Vec::new();
        for index in 0..self.dice.roll(3) {
            let dice = &mut self.dice;
            let mut rule = json!({
                "name": format!("r{index}"), "channels": two(dice), "limit": dice.roll(3),
            });
            if dice.chance(40) {
                rule["while"] = json!({"channels": two(dice), "at_least": 1 + dice.roll(2)});
            }
            if dice.chance(30) {
                rule["workers"] = dice.one(&["level >= 2", "skills HAS 'a'"]).into();
            }
            if dice.chance(30) {
                let channel = rule["channels"][0].as_str().expect("two of them").to_owned();
                rule["weights"] = json!({channel: dice.roll(3)});
            }
            if dice.chance(30) {
                rule["blocks"] = two(dice).into();
            }
            rules.push(rule);
        }
        let body = json!({"rules": rules});
        let _ = self.world.run(&Command::SetCapacity { if_match: IfMatch::Any, body });
    }

    /// Another order of a queue: it decides whose turn it is, never who is asked for.
    fn order(&mut self) {
        let level = |dice: &mut Dice| 1 + dice.roll(90);
        let dice = &mut self.dice;
        let body = json!({
            "by": "deadline",
            "service_level_s": level(dice),
            "classes": [
                {"priority_at_least": 2, "service_level_s": level(dice)},
                {"channels": ["chat"], "service_level_s": level(dice)},
                {"expression": "vip == true", "service_level_s": level(dice)},
            ],
        });
        let queue = self.queues[dice.roll(4)];
        self.world.must(Command::SetOrdering { queue, if_match: IfMatch::Any, body });
    }

    fn resize(&mut self) {
        let channel = ChannelRef::Name(self.dice.one(&CHANNELS).to_owned());
        self.world.must(Command::UpdateWorkerChannel {
            worker: self.workers[self.dice.roll(self.workers.len())],
            channel: WorkerChannelRef::Channel(channel),
            capacity: Some(self.dice.roll(4) as u32),
            available: Some(self.dice.chance(85)),
        });
    }

    /// A pending task gets other attributes, priority or channel.
    fn redirect(&mut self) {
        let pending = self.pending();
        let Some(sid) = pending.first().copied() else { return };
        let patch = TaskPatch {
            attributes: Some(attrs(&task_attributes(&mut self.dice, &self.workers))),
            priority: self.dice.chance(50).then_some(7),
            ..TaskPatch::default()
        };
        let changed = Command::UpdateTask { sid, if_match: IfMatch::Any, patch };
        let _ = self.world.run(&changed);
    }

    fn configure(&mut self) {
        if self.dice.chance(50) {
            let patch = TaskQueuePatch {
                target_workers: Some(self.dice.one(&QUEUES).to_owned()),
                max_reserved_workers: Some(1 + self.dice.roll(3) as u32),
                ..TaskQueuePatch::default()
            };
            let sid = self.queues[self.dice.roll(4)];
            self.world.must(Command::UpdateTaskQueue { sid, patch });
        } else {
            let patch = WorkflowPatch {
                configuration: Some(configuration(&mut self.dice, &self.queues)),
                re_evaluate_tasks: self.dice.chance(50),
                ..WorkflowPatch::default()
            };
            self.world.must(Command::UpdateWorkflow { sid: self.workflow, patch });
        }
    }

    /// A change that somebody might wonder about.
    fn supposed(&mut self) -> Command {
        let dice = &mut self.dice;
        match dice.roll(3) {
            0 => {
                let attributes = Some(attrs(&worker_attributes(dice)));
                let activity = dice.chance(50).then(|| self.world.activity("Available"));
                let patch = WorkerPatch { attributes, activity, ..WorkerPatch::default() };
                let sid = self.workers[dice.roll(self.workers.len())];
                Command::UpdateWorker { sid, if_match: IfMatch::Any, patch }
            }
            1 => {
                let target_workers = Some(dice.one(&QUEUES).to_owned());
                let patch = TaskQueuePatch { target_workers, ..TaskQueuePatch::default() };
                Command::UpdateTaskQueue { sid: self.queues[dice.roll(4)], patch }
            }
            _ => {
                let configuration = Some(configuration(dice, &self.queues));
                let patch = WorkflowPatch {
                    configuration,
                    re_evaluate_tasks: true,
                    ..WorkflowPatch::default()
                };
                Command::UpdateWorkflow { sid: self.workflow, patch }
            }
        }
    }

    fn pending(&self) -> Vec<TaskSid> {
        let is_pending = |sid: &&TaskSid| {
            self.world.task(**sid).is_some_and(|task| task.status == TaskStatus::Pending)
        };
        self.tasks.iter().filter(is_pending).copied().collect()
    }

    /// Follows the journal; before each offer it is decided a second time who gets it.
    fn learn(&mut self) {
        while let Some(change) = self.world.journal.get(self.learned) {
            if let Change::TaskOffered { task, reservations, at } = change {
                let offered: Vec<WorkerSid> = reservations.iter().map(|one| one.worker).collect();
                let told = judge(&self.shadow, *task, *at, Some(&offered));
                features(&told, &mut self.told);
                self.offers += 1;
            }
            self.shadow.apply(change);
            self.learned += 1;
        }
        self.shadow.rows(|_| ());
    }

    /// A task of the live workspace, where nobody can be offered anything any more.
    fn look_at_one(&mut self) {
        let pending = self.pending();
        if pending.is_empty() {
            return;
        }
        let task = pending[self.dice.roll(pending.len())];
        let told = judge(&self.world.routing, task, self.world.now, Some(&[]));
        features(&told, &mut self.told);
        let queue = self.world.task(task).and_then(|task| task.queue);
        let ordered = self.world.journal.iter().any(
            |change| matches!(change, Change::QueueOrderingSet(one) if Some(one.queue) == queue),
        );
        *self.told.entry("ordering").or_default() += usize::from(ordered);
        self.others += 1;
    }
}

/// Walks all pages of an explanation and compares the second opinion with it, and with what was
/// really offered.
fn judge(
    routing: &Routing,
    task: TaskSid,
    at: Timestamp,
    offered: Option<&[WorkerSid]>,
) -> Vec<Value> {
    let mut pages: Vec<Value> = Vec::new();
    let (mut after, mut told) = (None, None);
    loop {
        // Every eighth is walked in small pages.
        let limit = if task.body().is_multiple_of(8) { 3 } else { 50 };
        let look = Look { task, worker: None, after, limit };
        let Ok(Answer::Seen(sight)) = routing.ask(&Question::Explain(look), at) else {
            panic!("{task} is there");
        };
        let explanation = sight.explain(Detail::Full);
        pages.push(serde_json::to_value(&explanation).expect("plain data"));
        after = explanation.next;
        told = told.or(Some(explanation));
        if after.is_none() {
            break;
        }
    }
    compare(&pages, &told.expect("at least one page"), offered);
    pages
}

/// Which features had a part in what was explained.
fn features(pages: &[Value], told: &mut BTreeMap<&'static str, usize>) {
    let text = pages[0].to_string();
    let of_workers = || pages.iter().flat_map(|page| page["workers"].as_array().expect("full"));
    let because = |kind: &str| of_workers().any(|worker| worker["reason"]["kind"] == kind);
    let asks = |key: &str| pages[0]["target"][key].as_str().unwrap_or_default().to_owned();
    let by_hours = asks("expression").contains("schedule.");
    for (name, is_there) in [
        ("known", because("not_the_known_worker")),
        ("rule", because("capacity_rule")),
        ("schedule", text.contains("schedule.")),
        ("schedule decides", by_hours && because("target_expression")),
    ] {
        *told.entry(name).or_default() += usize::from(is_there);
    }
}

fn compare(pages: &[Value], told: &Explanation, offered: Option<&[WorkerSid]>) {
    let decision = decide(pages).unwrap_or_else(|why| panic!("{why}: {:#}", pages[0]));
    let text = |sids: &[WorkerSid]| sids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(decision.offer, text(&told.offer), "{:#}", pages[0]);
    if let Some(offered) = offered {
        assert_eq!(decision.offer, text(offered), "{:#}", pages[0]);
    }
    let workers = pages.iter().flat_map(|page| page["workers"].as_array().expect("full"));
    for worker in workers {
        let sid = worker["worker_sid"].as_str().expect("a SID");
        assert_eq!(worker["reason"]["kind"].as_str(), decision.reasons[sid], "{worker:#}");
    }
}

#[test]
fn ten_thousand_decisions_follow_from_their_explanations_alone() {
    let (mut offers, mut others, mut told) = (0, 0, BTreeMap::<&str, usize>::new());
    for seed in 1.. {
        let mut judged = Judged::new(seed);
        for _ in 0..150 {
            judged.step();
        }
        judged.world.routing.check();
        offers += judged.offers;
        others += judged.others;
        for (name, count) in judged.told {
            *told.entry(name).or_insert(0) += count;
        }
        if offers + others >= DECISIONS && offers * 2 >= DECISIONS {
            break;
        }
    }
    println!("{offers} offers and {others} times nobody");
    println!("features of what was explained: {told:?}");
    let wanted = ["known", "rule", "schedule", "schedule decides", "ordering"];
    let least = |name: &str| told.get(name).copied().unwrap_or(0) >= 100;
    assert!(wanted.iter().all(|name| least(name)), "too seldom to mean anything: {told:?}");
}

#[test]
fn the_last_decision_on_an_ended_task_is_found_in_the_journal() {
    let mut found = 0;
    for seed in 500..508 {
        let mut judged = Judged::new(seed);
        for _ in 0..150 {
            judged.step();
        }
        let journal = &judged.world.journal;
        for task in &judged.tasks {
            let ended = judged.world.task(*task).is_some_and(|task| task.status.is_final());
            if !ended {
                continue;
            }
            let offer = journal.iter().enumerate().rev().find_map(|(at, change)| match change {
                Change::TaskOffered { task: of, reservations, .. } if of == task => {
                    Some((at, reservations.iter().map(|one| one.worker).collect::<Vec<_>>()))
                }
                _ => None,
            });
            let mut past = Past::new(Look { task: *task, worker: None, after: None, limit: 50 });
            for (at, change) in journal.iter().enumerate() {
                let time = match change {
                    Change::TaskOffered { at, .. } | Change::TaskCanceled { at, .. } => *at,
                    _ => Timestamp(0),
                };
                let body = serde_json::to_string(change).expect("plain data");
                if past.wants(change.kind(), &body) {
                    past.follow(change, at as u64 + 1, time);
                }
            }
            let sight = past.found().expect("it ended").expect("it is known");
            let told = sight.explain(Detail::Full);
            let page = serde_json::to_value(&told).expect("plain data");
            match offer {
                Some((at, offered)) => {
                    assert_eq!((told.basis, told.change), (Basis::LastOffer, Some(at as u64)));
                    compare(&[page], &told, Some(&offered));
                }
                None => {
                    assert_eq!(told.basis, Basis::End);
                    compare(&[page], &told, None);
                }
            }
            found += 1;
        }
    }
    assert!(found >= 100, "{found} tasks ended");
}

#[test]
fn what_if_tells_what_really_happens() {
    let (mut tried, mut offered) = (0, 0);
    for seed in 900..910 {
        let mut judged = Judged::new(seed);
        for _ in 0..60 {
            judged.step();
            let pending = judged.pending();
            let Some(task) = pending.last().copied() else { continue };
            let command = judged.supposed();
            let now = judged.world.now;
            let rows: Vec<StoredRow> = judged.world.rows.values().cloned().collect();
            let digest = judged.world.routing.digest();
            let told = what_if(&rows, &Look::of(task), &command, now);
            assert_eq!(judged.world.routing.digest(), digest, "nothing is touched");
            let real = judged.world.run(&command);
            let Ok(told) = told else {
                assert_eq!(told.map(|_| ()).err(), real.err());
                continue;
            };
            let made = &judged.world.journal[judged.learned..];
            let really: Vec<WorkerSid> = made
                .iter()
                .filter_map(|change| match change {
                    Change::TaskOffered { task: of, reservations, .. } if *of == task => {
                        Some(reservations.iter().map(|one| one.worker))
                    }
                    _ => None,
                })
                .flatten()
                .collect();
            assert_eq!(told.offered, really, "{command:?}");
            assert_eq!(told.after.offer(), told.offered, "the decision is the one that is made");
            let status = judged.world.task(task).expect("it is kept").status;
            assert_eq!(told.outcome == Outcome::Ends, status == TaskStatus::Canceled);
            let page = serde_json::to_value(told.after.explain(Detail::Full)).expect("plain data");
            compare(&[page], &told.after.explain(Detail::Full), Some(&really));
            judged.learn();
            tried += 1;
            offered += usize::from(!really.is_empty());
        }
    }
    assert!(tried > 200 && offered > 20, "{offered} of {tried} changes led to an offer");
}
