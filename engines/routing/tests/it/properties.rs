//! Random commands: what has to hold after each of them, whatever they are.
//!
//! * `check` finds nothing.
//! * Every offer is the one the reference's loop would make (see `oracle`).
//! * Memory, restored rows and replayed journal are equal; a restored engine goes on exactly as
//!   the running one does.

mod settings;

use crate::{
    dice::Dice,
    oracle::Oracle,
    world::{World, attrs},
};
use base::{Millis, Patch};
use routing::{command::*, instruction::Instruction, *};
use std::collections::BTreeMap;

const CHANNELS: [&str; 3] = ["default", "voice", "chat"];
const ACTIVITIES: [&str; 4] = ["Offline", "Available", "Available", "Priority"];
const QUEUE_EXPRESSIONS: [&str; 7] = [
    "1==1",
    "skills HAS 's1'",
    "level >= 2",
    "skills HAS 's2' OR level == 3",
    "NOT skills HAS 's0'",
    "id IN ['a0', 'a1', 'a2', 'a3']",
    "",
];
const SCHEDULED: [&str; 2] =
    ["schedule.day.open == true", "schedule.night.open == true OR worker.level == 3"];
const TARGET_EXPRESSIONS: [&str; 10] = [
    "worker.skills HAS task.skill",
    "worker.id == task.who",
    "worker.level >= task.level AND worker.id != task.who",
    "worker.sid == task.sid OR worker.level == 1",
    "worker.sid == task.sid",
    "worker.channel.voice.assigned_tasks == 0",
    "worker.channel.chat.available_capacity_percentage < 100 OR worker.level > 2",
    "worker.activity_name == 'Priority'",
    "NOT (worker.assigned_tasks > 1) AND worker.skills HAS 's1'",
    "worker.level IN [1, 2] OR worker.friendly_name == task.name",
];
const ORDERS: [&str; 3] = ["worker.level DESC", "worker.level ASC, worker.age DESC", "worker.age"];

struct Random {
    dice: Dice,
    world: World,
    oracle: Oracle,
    /// How much of the journal the oracle knows.
    learned: usize,
    twin: Option<Routing>,
    people: usize,
    /// Whether capacity rules are set now and then.
    ruled: bool,
    /// Steps of one call, if not as many as always.
    steps: Option<u32>,
    /// Calls that left something over.
    cut: usize,
    /// Direct transfers that passed offers which were left over.
    passed: usize,
    /// Whether orderings by deadline are.
    ordered: bool,
    /// Whether schedules come and go.
    scheduled: bool,
}

impl Random {
    fn new(seed: u64, single: bool, people: usize) -> Self {
        let mut this = Self {
            dice: Dice::new(seed),
            world: World::empty(),
            oracle: Oracle::default(),
            learned: 0,
            twin: None,
            people: 0,
            ruled: false,
            steps: None,
            cut: 0,
            passed: 0,
            ordered: false,
            scheduled: false,
        };
        this.world.must(Command::CreateWorkspace(NewWorkspace {
            friendly_name: "W".to_owned(),
            multi_task_enabled: Some(!single),
            ..NewWorkspace::default()
        }));
        this.world.must(Command::CreateActivity(NewActivity {
            friendly_name: "Priority".to_owned(),
            available: true,
        }));
        for _ in 0..3 {
            let command = this.new_queue();
            this.world.must(command);
        }
        this.world.new_queue("everybody", "1==1");
        for name in ["w1", "w2"] {
            let configuration = this.configuration();
            let made = this.world.new_workflow(name, configuration);
            if name == "w2" {
                let url = |path: &str| Patch::Set(format!("https://example.com/{path}"));
                let patch = WorkflowPatch {
                    assignment_callback_url: url("a"),
                    fallback_assignment_callback_url: url("b"),
                    ..WorkflowPatch::default()
                };
                this.world.must(Command::UpdateWorkflow { sid: made, patch });
            }
        }
        for _ in 0..people {
            let command = this.new_worker();
            this.world.must(command);
        }
        this.catch_up();
        this
    }

    fn keys<S: std::str::FromStr>(&self, kind: RowKind) -> Vec<S> {
        let all = self.world.rows.keys().filter(|(of, _)| *of == kind);
        all.filter_map(|(_, key)| key.parse().ok()).collect()
    }

    fn live_tasks(&self) -> Vec<TaskSid> {
        let all = self.keys(RowKind::Task).into_iter();
        all.filter(|sid| self.world.task(*sid).is_some_and(|t| !t.status.is_final())).collect()
    }

    fn attributes_of_worker(&mut self) -> String {
        let skills: Vec<String> =
            (0..3).filter(|_| self.dice.one_in(2)).map(|i| format!("\"s{i}\"")).collect();
        let (level, age, id) = (self.dice.roll(4), self.dice.roll(3), self.dice.roll(12));
        let level = if level == 0 { String::new() } else { format!("\"level\": {level}, ") };
        format!(r#"{{{level}"age": {age}, "id": "a{id}", "skills": [{}]}}"#, skills.join(", "))
    }

    fn attributes_of_task(&mut self) -> String {
        let (skill, level, kind) = (self.dice.roll(3), self.dice.roll(4), self.dice.roll(3));
        let (who, name) = (self.dice.roll(12), self.dice.roll(12));
        let workers: Vec<WorkerSid> = self.keys(RowKind::Worker);
        let sid = self.dice.of(&workers).map(|sid| sid.to_string()).unwrap_or_default();
        format!(
            r#"{{"kind": {kind}, "skill": "s{skill}", "level": {level}, "who": "a{who}",
                "name": "n{name}", "sid": "{sid}"}}"#
        )
    }

    fn target(&mut self, queue: TaskQueueSid, is_last: bool) -> String {
        let mut parts = vec![format!(r#""queue": "{queue}""#)];
        if self.dice.one_in(3) {
            parts.push(format!(r#""priority": {}"#, self.dice.roll(4)));
        }
        if !is_last || self.dice.one_in(3) {
            parts.push(format!(r#""timeout": {}"#, 5 + self.dice.roll(40)));
        }
        if self.dice.one_in(2) {
            let expression = match self.scheduled && self.dice.one_in(3) {
                true => SCHEDULED[self.dice.roll(SCHEDULED.len())],
                false => TARGET_EXPRESSIONS[self.dice.roll(TARGET_EXPRESSIONS.len())],
            };
            parts.push(format!(r#""expression": "{expression}""#));
        }
        if self.dice.one_in(4) {
            parts.push(format!(r#""order_by": "{}""#, ORDERS[self.dice.roll(ORDERS.len())]));
        }
        match self.dice.roll(8) {
            0 => parts.push(r#""known_worker_sid": "task.sid""#.to_owned()),
            1 => parts.push(r#""known_worker_friendly_name": "task.name""#.to_owned()),
            2 => parts.push(r#""skip_if": "workers.available < 2""#.to_owned()),
            _ => {}
        }
        format!("{{{}}}", parts.join(", "))
    }

    fn configuration(&mut self) -> String {
        let queues: Vec<TaskQueueSid> = self.keys(RowKind::TaskQueue);
        let mut filters = Vec::new();
        for kind in 0..2 {
            let count = 1 + self.dice.roll(3);
            let mut targets = Vec::new();
            for i in 0..count {
                let queue = self.dice.of(&queues).expect("queues come first");
                targets.push(self.target(queue, i + 1 == count));
            }
            let expression = if self.scheduled && self.dice.one_in(2) {
                "schedule.day.open == true".to_owned()
            } else if self.dice.one_in(3) {
                "level > 1".to_owned()
            } else {
                format!("kind == {kind}")
            };
            filters.push(format!(
                r#"{{"expression": "{expression}", "targets": [{}]}}"#,
                targets.join(", ")
            ));
        }
        let queue = self.dice.of(&queues).expect("queues come first");
        let default = self.target(queue, true);
        format!(
            r#"{{"task_routing": {{"filters": [{}], "default_filter": {default}}}}}"#,
            filters.join(", ")
        )
    }

    fn new_queue(&mut self) -> Command {
        let expression = QUEUE_EXPRESSIONS[self.dice.roll(QUEUE_EXPRESSIONS.len())];
        Command::CreateTaskQueue(NewTaskQueue {
            friendly_name: "q".to_owned(),
            target_workers: Some(expression.to_owned()),
            task_order: Some(if self.dice.one_in(3) { TaskOrder::Lifo } else { TaskOrder::Fifo }),
            max_reserved_workers: Some(1 + self.dice.roll(3) as u32),
            reservation_activity: self.dice.one_in(4).then(|| self.world.activity("Offline")),
            assignment_activity: None,
        })
    }

    fn new_worker(&mut self) -> Command {
        self.people += 1;
        Command::CreateWorker(NewWorker {
            friendly_name: format!("n{}", self.people),
            activity: Some(self.world.activity(ACTIVITIES[self.dice.roll(ACTIVITIES.len())])),
            attributes: attrs(&self.attributes_of_worker()),
        })
    }

    fn new_task(&mut self) -> Command {
        let workflows: Vec<WorkflowSid> = self.keys(RowKind::Workflow);
        let workers: Vec<WorkerSid> = self.keys(RowKind::Worker);
        let queues: Vec<TaskQueueSid> = self.keys(RowKind::TaskQueue);
        let routing_target = match self.dice.roll(12) {
            0 => self.dice.of(&workers).map(WorkerSid::sid),
            1 => self.dice.of(&queues).map(TaskQueueSid::sid),
            _ => None,
        };
        let now = self.world.now;
        Command::CreateTask(NewTask {
            attributes: attrs(&self.attributes_of_task()),
            workflow: self.dice.of(&workflows),
            task_channel: Some(self.channel()),
            priority: self.dice.one_in(3).then(|| self.dice.roll(4) as u32),
            timeout_s: self.dice.one_in(3).then(|| 20 + self.dice.roll(200) as u32),
            virtual_start_at: self
                .dice
                .one_in(5)
                .then(|| now + Millis::secs(-(self.dice.roll(100) as i64))),
            routing_target,
            ignore_capacity: self.dice.one_in(3).then_some(true).or(Some(false)),
            queue: None,
        })
    }

    fn channel(&mut self) -> ChannelRef {
        ChannelRef::Name(CHANNELS[self.dice.roll(CHANNELS.len())].to_owned())
    }

    fn on_task(&mut self) -> Option<Command> {
        let all = self.live_tasks();
        let sid = self.dice.of(&all)?;
        let if_match = IfMatch::Any;
        let mut patch = TaskPatch::default();
        match self.dice.roll(9) {
            0 => patch.attributes = Some(attrs(&self.attributes_of_task())),
            1 => patch.priority = Some(self.dice.roll(5) as u32),
            2 => patch.task_channel = Some(self.channel()),
            3 => patch.virtual_start_at = Some(self.world.now + Millis::secs(-50)),
            4 if self.dice.one_in(3) => return Some(Command::DeleteTask { sid, if_match }),
            5 => patch.status = Some(TaskStatus::Canceled),
            6 => patch.status = Some(TaskStatus::Wrapping),
            _ => patch.status = Some(TaskStatus::Completed),
        }
        patch.reason = patch.status.map(|_| "done".to_owned());
        Some(Command::UpdateTask { sid, if_match, patch })
    }

    fn on_reservation(&mut self) -> Option<Command> {
        let open = self.world.rows.values().filter_map(|row| match row {
            StoredRow::Reservation(one) if one.status.is_open() => Some(one.clone()),
            _ => None,
        });
        let open: Vec<Reservation> = open.collect();
        let one = self.dice.of(&open)?;
        if let Some(callback) = one.callback
            && self.dice.one_in(2)
        {
            return Some(self.callback_answer(&one, callback.stage));
        }
        let step = match (one.status, self.dice.roll(4)) {
            (ReservationStatus::Pending, 0) => ReservationStep::Reject { activity: None },
            (ReservationStatus::Pending, 1) => {
                let activity = self.dice.one_in(4).then(|| self.world.activity("Offline"));
                ReservationStep::Reject { activity }
            }
            (ReservationStatus::Pending, _) => ReservationStep::Accept,
            (ReservationStatus::Accepted, 0) => ReservationStep::Wrap,
            _ => ReservationStep::Complete,
        };
        Some(Command::UpdateReservation {
            sid: one.sid,
            owner: ReservationOwner::Worker(one.worker),
            if_match: IfMatch::Version(one.version),
            step,
        })
    }

    fn callback_answer(&mut self, one: &Reservation, stage: CallbackStage) -> Command {
        let stages = [stage, CallbackStage::First, CallbackStage::Fallback];
        let stage = stages[self.dice.roll(6).saturating_sub(3)];
        let reject = |activity| CallbackAnswer::Do(Instruction::Reject { activity });
        let answer = match self.dice.roll(6) {
            0 => CallbackAnswer::Do(Instruction::Accept),
            1 => reject(None),
            2 => reject(Some(self.world.activity("Offline"))),
            3 => CallbackAnswer::Nothing,
            _ => CallbackAnswer::Failed,
        };
        Command::AnswerCallback { reservation: one.sid, stage, answer }
    }

    fn on_worker(&mut self) -> Option<Command> {
        let workers: Vec<WorkerSid> = self.keys(RowKind::Worker);
        let sid = self.dice.of(&workers)?;
        let if_match = IfMatch::Any;
        let mut patch = WorkerPatch::default();
        match self.dice.roll(8) {
            0 => patch.attributes = Some(attrs(&self.attributes_of_worker())),
            1 => patch.friendly_name = Some(format!("n{}", self.dice.roll(30))),
            2 => {
                patch.activity = Some(self.world.activity("Offline"));
                patch.reject_pending_reservations = true;
            }
            3 => {
                let channel = WorkerChannelRef::Channel(self.channel());
                let capacity = self.dice.one_in(2).then(|| self.dice.roll(4) as u32);
                let available = self.dice.one_in(3).then(|| !self.dice.one_in(3));
                return Some(Command::UpdateWorkerChannel {
                    worker: sid,
                    channel,
                    capacity,
                    available,
                });
            }
            4 if self.dice.one_in(4) => return Some(Command::DeleteWorker { sid, if_match }),
            _ => {
                let name = ACTIVITIES[self.dice.roll(ACTIVITIES.len())];
                patch.activity = Some(self.world.activity(name));
            }
        }
        Some(Command::UpdateWorker { sid, if_match, patch })
    }

    /// A transfer of whatever somebody has, or the end of one. Many are refused.
    fn on_transfer(&mut self) -> Option<Command> {
        let accepted = self.world.rows.values().filter_map(|row| match row {
            StoredRow::Reservation(one) if one.status == ReservationStatus::Accepted => {
                Some(one.clone())
            }
            _ => None,
        });
        let accepted: Vec<Reservation> = accepted.collect();
        if self.dice.one_in(6) {
            let all = self.live_tasks().into_iter();
            let open: Vec<Box<Transfer>> =
                all.filter_map(|sid| self.world.task(sid)?.transfer.clone()).collect();
            let one = self.dice.of(&open)?;
            return Some(Command::CancelTransfer { sid: one.sid, task: one.task });
        }
        let one = self.dice.of(&accepted)?;
        let workers: Vec<WorkerSid> = self.keys(RowKind::Worker);
        let queues: Vec<TaskQueueSid> = self.keys(RowKind::TaskQueue);
        let to = match self.dice.one_in(2) {
            true => TransferTarget::Worker(self.dice.of(&workers)?),
            false => TransferTarget::Queue(self.dice.of(&queues)?),
        };
        Some(Command::CreateTransfer(NewTransfer {
            task: one.task,
            reservation: one.sid,
            worker: self.dice.one_in(2).then_some(one.worker),
            to,
            mode: self.dice.of(&[TransferMode::Warm, TransferMode::Cold])?,
            attributes: self.dice.one_in(4).then(|| attrs(&self.attributes_of_task())),
            priority: self.dice.one_in(4).then(|| self.dice.roll(5) as u32),
        }))
    }

    fn on_settings(&mut self) -> Option<Command> {
        Some(match self.dice.roll(6) {
            0 => {
                let queues: Vec<TaskQueueSid> = self.keys(RowKind::TaskQueue);
                let expression = QUEUE_EXPRESSIONS[self.dice.roll(QUEUE_EXPRESSIONS.len())];
                let patch = TaskQueuePatch {
                    target_workers: self.dice.one_in(2).then(|| expression.to_owned()),
                    task_order: self.dice.of(&[TaskOrder::Fifo, TaskOrder::Lifo]),
                    max_reserved_workers: Some(1 + self.dice.roll(3) as u32),
                    reservation_activity: Patch::Keep,
                    ..TaskQueuePatch::default()
                };
                Command::UpdateTaskQueue { sid: self.dice.of(&queues)?, patch }
            }
            1 | 2 => {
                let workflows: Vec<WorkflowSid> = self.keys(RowKind::Workflow);
                let patch = WorkflowPatch {
                    configuration: Some(self.configuration()),
                    re_evaluate_tasks: self.dice.one_in(2),
                    task_reservation_timeout_s: Some(5 + self.dice.roll(60) as u32),
                    ..WorkflowPatch::default()
                };
                Command::UpdateWorkflow { sid: self.dice.of(&workflows)?, patch }
            }
            3 => Command::UpdateWorkspace(WorkspacePatch {
                prioritize_queue_order: self.dice.of(&[TaskOrder::Fifo, TaskOrder::Lifo]),
                ..WorkspacePatch::default()
            }),
            4 => Command::UpdateTaskChannel {
                channel: self.channel(),
                friendly_name: None,
                channel_optimized_routing: Some(self.dice.one_in(2)),
            },
            _ => self.new_queue(),
        })
    }

    /// From now on rules come and go, and workers have room for them to matter.
    fn be_ruled(&mut self) {
        self.ruled = true;
        for worker in self.keys(RowKind::Worker) {
            self.world.go(worker, "Available");
            for channel in CHANNELS {
                let channel = ChannelRef::Name(channel.to_owned());
                self.world.must(Command::UpdateWorkerChannel {
                    worker,
                    channel: WorkerChannelRef::Channel(channel),
                    capacity: Some(4),
                    available: None,
                });
            }
        }
        self.catch_up();
    }

    /// How often one of the oldest waiting tasks is withheld from a worker by a rule.
    fn withheld(&self) -> usize {
        let waits = |sid: &TaskSid| {
            self.world.task(*sid).is_some_and(|task| task.status == TaskStatus::Pending)
        };
        let count = |task| {
            let question = Question::Explain(explain::Look::of(task));
            let seen = self.world.routing.ask(&question, self.world.now);
            let Ok(Answer::Seen(seen)) = seen else { panic!("{seen:?}") };
            let told = seen.explain(explain::Detail::Reasons);
            let reasons = told.verdicts.iter().filter_map(|one| one.reason.as_ref());
            reasons.filter(|one| matches!(one, explain::Reason::CapacityRule { .. })).count()
        };
        self.live_tasks().into_iter().filter(waits).take(8).map(count).sum()
    }

    fn command(&mut self) -> Option<Command> {
        if self.scheduled && self.dice.one_in(30) {
            return Some(self.new_schedule());
        }
        if self.ordered && self.dice.one_in(12) {
            return self.new_ordering();
        }
        if self.ruled && self.dice.one_in(12) {
            return Some(self.new_rules());
        }
        match self.dice.roll(25) {
            20..=24 => self.on_transfer(),
            0..=6 => Some(self.new_task()),
            7..=11 => self.on_reservation(),
            12..=14 => self.on_task(),
            15..=17 => self.on_worker(),
            18 => Some(self.new_worker()),
            _ => self.on_settings(),
        }
    }

    fn step(&mut self) {
        if self.dice.one_in(4) {
            let seconds = self.dice.roll(30) as i64;
            let to = self.world.now + Millis::secs(seconds);
            while let Some(at) = self.world.routing.next_deadline().filter(|at| *at <= to) {
                self.world.now = self.world.now.max(at);
                self.both(None);
            }
            self.world.now = to;
        }
        self.world.now = self.world.now + Millis(self.dice.roll(900) as i64);
        let now = self.world.now;
        if self.world.routing.next_deadline().is_some_and(|at| at <= now) {
            self.both(None);
        }
        if let Some(command) = self.command() {
            self.both(Some(&command));
        }
    }

    /// Runs a command, or what is due, in the running engine and in its twin.
    fn both(&mut self, command: Option<&Command>) {
        let (mut ids, before) = (self.world.ids.clone(), self.world.journal.len());
        let was_behind = self.world.routing.is_behind();
        let result = match command {
            Some(command) => self.world.run_only(command).map(Some),
            None => {
                self.world.expire();
                Ok(None)
            }
        };
        if let Some(twin) = &mut self.twin {
            let mut turn = Turn::new(self.world.now, &mut ids);
            let other = match command {
                Some(command) => twin.handle(&mut turn, command).map(Some),
                None => {
                    twin.expire(&mut turn);
                    Ok(None)
                }
            };
            assert_eq!(result, other, "a restored engine answers otherwise: {command:?}");
            let (one, two) = (decided(&self.world.journal[before..]), decided(&turn.changes));
            assert_eq!(one, two, "a restored engine decides otherwise: {command:?}");
            twin.rows(|_| ());
        }
        self.catch_up_from(was_behind);
        self.world.routing.check();
        if self.world.routing.is_behind() {
            self.cut += 1;
            return;
        }
        assert_eq!(self.oracle.next_offer(self.world.now), None, "an offer was not made");
    }

    fn catch_up(&mut self) {
        self.catch_up_from(false);
    }

    /// Tells the oracle what happened, asking it before each offer. Where offers are left over, a
    /// command acts before them: a transfer to a worker is on offer there at once.
    fn catch_up_from(&mut self, was_behind: bool) {
        for change in &self.world.journal[self.learned..] {
            if let Change::TaskOffered { task, reservations, at } = change {
                let workers: Vec<_> = reservations.iter().map(|one| one.worker).collect();
                let next = self.oracle.next_offer(*at);
                let is_next = next == Some((*task, workers.clone()));
                if was_behind && !is_next && self.oracle.is_for(*task, workers[0], *at) {
                    self.passed += 1;
                } else {
                    assert_eq!(next, Some((*task, workers)), "the next offer");
                }
            }
            self.oracle.learn(change);
        }
        self.learned = self.world.journal.len();
    }

    /// Whatever is left over, done by the running engine and by those brought back from rows and
    /// journal in the middle of it. Each makes the offers of the reference's loop in its own state
    /// and leaves nothing undone; where it cuts, and so whether an offer comes before a timer of
    /// the same moment, may differ.
    fn finish(&mut self) {
        self.twin = None;
        let now = self.world.now;
        let is_due = |routing: &Routing| routing.next_deadline().is_some_and(|at| at <= now);
        for mut other in [self.world.restored(), self.world.replayed()] {
            self.steps.iter().for_each(|steps| other.cut_into(*steps));
            let (mut ids, mut oracle) = (self.world.ids.clone(), self.oracle.clone());
            while is_due(&other) {
                let mut turn = Turn::new(now, &mut ids);
                other.expire(&mut turn);
                for change in &turn.changes {
                    if let Change::TaskOffered { task, reservations, at } = change {
                        let workers = reservations.iter().map(|one| one.worker).collect();
                        let next = oracle.next_offer(*at);
                        assert_eq!(next, Some((*task, workers)), "brought back, it offers");
                    }
                    oracle.learn(change);
                }
                other.rows(|_| ());
                other.check();
            }
            assert!(!other.is_behind(), "brought back, it comes to an end");
            assert_eq!(oracle.next_offer(now), None, "brought back, it left an offer out");
        }
        while is_due(&self.world.routing) {
            self.both(None);
        }
        assert!(!self.world.routing.is_behind(), "it comes to an end");
    }

    fn compare(&mut self) {
        if self.world.routing.is_behind() {
            assert_eq!(self.world.routing.digest(), self.world.restored().digest());
            assert_eq!(self.world.routing.digest(), self.world.replayed().digest());
            self.finish();
        }
        let digest = self.world.routing.digest();
        let (mut restored, replayed) = (self.world.restored(), self.world.replayed());
        self.steps.iter().for_each(|steps| restored.cut_into(*steps));
        restored.check();
        assert_eq!(digest, restored.digest(), "restored rows differ from memory");
        assert_eq!(digest, replayed.digest(), "the replayed journal differs from memory");
        replayed.check();
        if let Some(twin) = &self.twin {
            assert_eq!(digest, twin.digest(), "the twin differs from memory");
        }
        // Where everything is done within its call, a restored engine goes on exactly so.
        self.twin = self.steps.is_none().then_some(restored);
    }
}

/// What was decided: not when it was looked for, nor in which portions.
fn decided(changes: &[Change]) -> Vec<Change> {
    let kept = |change: &&Change| {
        !matches!(
            change,
            Change::EndedForgotten { .. }
                | Change::TimedRetried { .. }
                | Change::SettlingLeft { .. }
                | Change::ReEvaluationLeft { .. }
        )
    };
    changes.iter().filter(kept).cloned().collect()
}

fn play(seed: u64, steps: usize, single: bool, people: usize) -> Random {
    play_on(Random::new(seed, single, people), steps)
}

fn play_on(mut random: Random, steps: usize) -> Random {
    for step in 0..steps {
        random.step();
        if step % 50 == 49 {
            random.compare();
        }
    }
    random
}

#[test]
fn random_commands_keep_every_promise() {
    let (mut offers, mut transfers) = (0, BTreeMap::new());
    for seed in 0..6 {
        let random = play(seed, 300, false, 8);
        let offered = |change: &&Change| matches!(change, Change::TaskOffered { .. });
        offers += random.world.journal.iter().filter(offered).count();
        for change in &random.world.journal {
            if let Change::TransferEnded { status, .. } = change {
                *transfers.entry(*status).or_insert(0) += 1;
            }
        }
    }
    assert!(offers > 400, "too little happens to mean anything: {offers} offers");
    use TransferStatus::{Canceled, Complete, Failed};
    let most = [Complete, Failed, Canceled].map(|end| transfers.get(&end).copied().unwrap_or(0));
    assert!(most.iter().all(|count| *count >= 3), "too few transfers end so: {transfers:?}");
}

#[test]
fn single_tasking_keeps_them_too() {
    for seed in 100..103 {
        play(seed, 200, true, 8);
    }
}

/// Enough workers for wide lines and for walks along the order of idleness.
#[test]
fn a_crowd_keeps_them_too() {
    for seed in 200..202 {
        play(seed, 120, false, 150);
    }
}

/// The oracle asks every rule about every offer; `check` finds no worker beyond one that no
/// change of rules, attributes or direct routing led there.
#[test]
fn capacity_rules_are_never_broken() {
    let (mut withheld, mut offers) = (0, 0);
    for seed in 300..305 {
        let mut random = Random::new(seed, false, 6);
        random.be_ruled();
        for step in 0..250 {
            random.step();
            withheld += random.withheld();
            if step % 50 == 49 {
                random.compare();
            }
        }
        let offered = |change: &&Change| matches!(change, Change::TaskOffered { .. });
        offers += random.world.journal.iter().filter(offered).count();
    }
    assert!(withheld > 100 && offers > 300, "too little happens: {withheld} and {offers}");
}

/// Every call does one thing, or two or three; commands come in between. What holds then is what
/// decision 0015 says. Restored engines of seeds 308 and 309 cut elsewhere than the running one;
/// in seed 312 a transfer to a worker passes offers that are left over.
#[test]
fn work_cut_into_the_smallest_portions_keeps_them_too() {
    let (mut cut, mut passed) = (0, 0);
    let steps = |seed: u64| match seed {
        302 => 101,
        303 => 201,
        305 | 311 | 317 => 7,
        _ => 1,
    };
    for seed in 300..320 {
        if seed > 312 && passed > 0 {
            break;
        }
        let mut random = Random::new(seed, seed % 10 == 1, 12);
        random.steps = Some(steps(seed));
        random.world.routing.cut_into(steps(seed));
        let random = play_on(random, 250);
        (cut, passed) = (cut + random.cut, passed + random.passed);
    }
    assert!(cut > 400, "too little was cut to mean anything: {cut} calls left something over");
    assert!(passed > 0, "no transfer passed anything");
}

/// Rules, orders and expressions change again while what they changed is still under way.
#[test]
fn settings_that_concern_many_keep_them_in_the_smallest_portions() {
    let mut cut = 0;
    for (seed, steps) in [(350, 1), (351, 3), (352, 9), (353, 30)] {
        let mut random = Random::new(seed, false, 12);
        random.be_ruled();
        random.ordered = true;
        random.steps = Some(steps);
        random.world.routing.cut_into(steps);
        cut += play_on(random, 250).cut;
    }
    assert!(cut > 200, "too little was cut to mean anything: {cut} calls left something over");
}

#[test]
fn queues_ordered_by_deadline_keep_every_promise() {
    let mut offers = 0;
    for seed in 400..404 {
        let mut random = Random::new(seed, false, 4);
        random.ordered = true;
        for step in 0..250 {
            random.step();
            if step % 50 == 49 {
                random.compare();
            }
        }
        let offered = |change: &&Change| matches!(change, Change::TaskOffered { .. });
        offers += random.world.journal.iter().filter(offered).count();
    }
    assert!(offers > 200, "too little happens to mean anything: {offers} offers");
}

#[test]
fn opening_hours_keep_every_promise() {
    let mut flips = 0;
    for seed in 500..504 {
        let mut random = Random::new(seed, false, 6);
        random.scheduled = true;
        for step in 0..300 {
            random.step();
            if step % 50 == 49 {
                random.compare();
            }
        }
        let looked = |change: &&Change| matches!(change, Change::ScheduleLooked { .. });
        flips += random.world.journal.iter().filter(looked).count();
    }
    assert!(flips > 20, "too little opens and closes: {flips}");
}

#[test]
fn the_same_seed_gives_the_same_journal() {
    assert_eq!(play(5, 150, false, 8).world.journal, play(5, 150, false, 8).world.journal);
}
