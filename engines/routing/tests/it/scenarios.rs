//! The scenarios of `testkit/vectors/routing-*.json`, inside the engine, in virtual time.
//!
//! A scenario that needs a rule that is not built yet is listed here with that rule. A listed one
//! that passes fails the test, and so does an unlisted one that fails.

use crate::world::{START, World, attrs};
use base::{Millis, Timestamp};
use routing::{command::*, instruction::Instruction, *};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Scenarios that need more than this engine, and what it is. Those of statistics are played in
/// virtual time by `the_scenarios_of_statistics_hold` in `edge/api`, with all that counts.
const LATER: &[(&str, &str)] = &[
    ("stat-01", "statistics: a queue in real time"),
    ("stat-02", "statistics: a queue over an interval"),
    ("stat-03", "statistics: one channel only"),
    ("stat-04", "statistics: reservations by their end, tasks by priority"),
    ("stat-05", "statistics: tasks that ran out of the workflow"),
    ("stat-06", "statistics: age since creation and in the queue"),
    ("stat-07", "statistics: many queues in one call"),
    ("stat-08", "statistics: an interval that begins too early"),
];

/// Where the published scenarios come from, and how many there are.
const FILES: [(&str, &str); 7] = [
    ("callbacks", include_str!("../../../../testkit/vectors/routing-callbacks.json")),
    ("capacity", include_str!("../../../../testkit/vectors/routing-capacity.json")),
    ("lifecycle", include_str!("../../../../testkit/vectors/routing-lifecycle.json")),
    ("matching", include_str!("../../../../testkit/vectors/routing-matching.json")),
    ("reservations", include_str!("../../../../testkit/vectors/routing-reservations.json")),
    ("stats", include_str!("../../../../testkit/vectors/routing-stats.json")),
    ("workflow", include_str!("../../../../testkit/vectors/routing-workflow.json")),
];

/// Our own, of the same kind: combinations that the published ones leave out.
const OWN: [(&str, &str); 1] =
    [("own", include_str!("../../../../testkit/vectors/routing-own.json"))];

#[test]
fn the_published_scenarios_hold() {
    let ids = play_all(&FILES);
    assert_eq!(ids.len(), 111, "all scenarios are played");
    for (listed, _) in LATER {
        assert!(ids.iter().any(|id| id == listed), "{listed} is no scenario");
    }
}

#[test]
fn our_own_scenarios_hold() {
    let mut ids = play_all(&OWN);
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), all >= 40), (all, true), "each has an id of its own");
}

/// Plays every scenario; returns their ids.
fn play_all(files: &[(&str, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut ids = Vec::new();
    for (file, text) in files {
        let scenarios: Vec<Value> = serde_json::from_str(text).expect("vectors are JSON");
        for scenario in scenarios {
            let id = scenario["id"].as_str().expect("every scenario has its id").to_owned();
            let later = LATER.iter().find(|(listed, _)| *listed == id);
            match (Scenario::play(&scenario), later) {
                (Ok(()), None) | (Err(_), Some(_)) => {}
                (Ok(()), Some((_, rule))) => {
                    wrong.push(format!("{file} {id}: passes, but is listed for: {rule}"));
                }
                (Err(message), None) => wrong.push(format!("{file} {id}: {message}")),
            }
            ids.push(id);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ids.len(), wrong.join("\n"));
    ids
}

type Checked = Result<(), String>;

struct Scenario {
    world: World,
    sids: BTreeMap<String, String>,
    /// By workflow: what its two URLs answer.
    canned: BTreeMap<WorkflowSid, Canned>,
    /// What was asked already.
    asked: BTreeSet<(ReservationSid, CallbackStage)>,
    /// Types of events posted since the start.
    posted: BTreeSet<&'static str>,
    /// How often each URL was asked since the step before.
    callbacks: BTreeMap<CallbackStage, u64>,
}

/// Answers in order, the last one repeating.
#[derive(Default)]
struct Canned {
    assignment: VecDeque<Value>,
    fallback: VecDeque<Value>,
}

impl Scenario {
    fn play(scenario: &Value) -> Checked {
        let mut this = Self {
            world: World::empty(),
            sids: BTreeMap::new(),
            canned: BTreeMap::new(),
            asked: BTreeSet::new(),
            posted: BTreeSet::new(),
            callbacks: BTreeMap::new(),
        };
        this.world.now = Timestamp(START.0 - 1_000_000);
        this.set_up(&scenario["setup"])?;
        this.world.advance_to(START);
        this.world.events.clear();
        for (number, step) in list(&scenario["steps"]).iter().enumerate() {
            let number = number + 1;
            this.step(step).map_err(|message| format!("step {number}: {message}"))?;
            this.world.routing.check();
        }
        Ok(())
    }

    fn set_up(&mut self, setup: &Value) -> Checked {
        let workspace = &setup["workspace"];
        self.world.must(Command::CreateWorkspace(NewWorkspace {
            friendly_name: "scenario".to_owned(),
            multi_task_enabled: workspace["multi_task"].as_bool(),
            prioritize_queue_order: order(&workspace["prioritize_queue_order"]),
            event_callback_url: (workspace["event_callback"] == true)
                .then(|| "http://127.0.0.1/events".to_owned()),
            events_filter: workspace["events_filter"].as_str().map(str::to_owned),
            ..NewWorkspace::default()
        }));
        for activity in list(&setup["activities"]) {
            self.add_activity(activity);
        }
        for queue in list(&setup["queues"]) {
            self.add_queue(queue)?;
        }
        for workflow in list(&setup["workflows"]) {
            self.add_workflow(workflow)?;
        }
        let patch = WorkspacePatch {
            default_activity: workspace["default_activity"].as_str().map(|n| self.activity(n)),
            timeout_activity: workspace["timeout_activity"].as_str().map(|n| self.activity(n)),
            ..WorkspacePatch::default()
        };
        self.world.must(Command::UpdateWorkspace(patch));
        let mut workers = list(&setup["workers"]).to_vec();
        workers.sort_by_key(|worker| worker["idle_since"].as_i64().unwrap_or(0));
        for worker in &workers {
            self.add_worker(worker)?;
        }
        Ok(())
    }

    fn add_activity(&mut self, activity: &Value) {
        let name = text(&activity["name"]);
        if !["Offline", "Unavailable", "Available"].contains(&name) {
            self.world.must(Command::CreateActivity(NewActivity {
                friendly_name: name.to_owned(),
                available: activity["available"] == true,
            }));
        }
        let sid = self.world.activity(name);
        self.sids.insert(name.to_owned(), sid.to_string());
    }

    fn add_queue(&mut self, queue: &Value) -> Checked {
        let name = text(&queue["name"]);
        let sid = self.world.new_queue_of(NewTaskQueue {
            friendly_name: name.to_owned(),
            target_workers: queue["target_workers"].as_str().map(str::to_owned),
            task_order: order(&queue["task_order"]),
            max_reserved_workers: number(&queue["max_reserved_workers"]),
            reservation_activity: queue["reservation_activity"].as_str().map(|n| self.activity(n)),
            assignment_activity: queue["assignment_activity"].as_str().map(|n| self.activity(n)),
        });
        self.sids.insert(name.to_owned(), sid.to_string());
        Ok(())
    }

    fn add_workflow(&mut self, workflow: &Value) -> Checked {
        let name = text(&workflow["name"]);
        let callbacks = &workflow["callbacks"];
        let url = |kind: &str| callbacks.get(kind).map(|_| format!("http://127.0.0.1/{kind}"));
        let new = NewWorkflow {
            friendly_name: name.to_owned(),
            configuration: self.named(&workflow["configuration"]).to_string(),
            assignment_callback_url: url("assignment"),
            fallback_assignment_callback_url: url("fallback"),
            task_reservation_timeout_s: number(&workflow["task_reservation_timeout"]),
        };
        let Reply::Workflow(made) = self.world.must(Command::CreateWorkflow(new)) else {
            return Err("no workflow".to_owned());
        };
        self.sids.insert(name.to_owned(), made.sid.to_string());
        let answers = |kind: &str| list(&callbacks[kind]).iter().cloned().collect();
        let canned = Canned { assignment: answers("assignment"), fallback: answers("fallback") };
        self.canned.insert(made.sid, canned);
        Ok(())
    }

    fn add_worker(&mut self, worker: &Value) -> Checked {
        let name = text(&worker["name"]);
        let idle_since = worker["idle_since"].as_i64().unwrap_or(0);
        self.world.advance_to(START + Millis::secs(idle_since));
        let attributes = self.named(&worker["attributes"]).to_string();
        let sid = self.world.new_worker(name, text(&worker["activity"]), &attributes);
        self.sids.insert(name.to_owned(), sid.to_string());
        for (channel, settings) in worker["channels"].as_object().into_iter().flatten() {
            self.world.must(Command::UpdateWorkerChannel {
                worker: sid,
                channel: WorkerChannelRef::Channel(ChannelRef::Name(channel.clone())),
                capacity: number(&settings["capacity"]),
                available: settings["available"].as_bool(),
            });
        }
        Ok(())
    }

    fn step(&mut self, step: &Value) -> Checked {
        check_keys(step)?;
        let at = step["at"].as_f64().expect("every step has its time");
        self.advance_to(Timestamp(START.0 + (at * 1000.0) as i64));
        let status = self.act(step)?;
        self.answer_callbacks();
        let expected = step["http"].as_u64().unwrap_or(200);
        let fits = match expected {
            400 => (400..500).contains(&status) && ![404, 410, 412].contains(&status),
            200..300 => status == 200,
            other => status == other,
        };
        if !fits {
            return Err(format!("{} gave {status} instead of {expected}", step["op"]));
        }
        let posted = self.workspace().map(|workspace| {
            let events = self.world.events.iter();
            events.filter(|one| one.kind.is_posted_by(workspace)).map(|one| one.kind.as_str())
        });
        let posted: Vec<&str> = posted.into_iter().flatten().collect();
        self.posted.extend(posted);
        self.expect(step)?;
        self.world.events.clear();
        self.callbacks.clear();
        Ok(())
    }

    fn workspace(&self) -> Option<&Workspace> {
        self.world.routing.settings()
    }

    /// Timers at their instants; between them canned answers arrive.
    fn advance_to(&mut self, to: Timestamp) {
        while let Some(at) = self.world.routing.next_deadline().filter(|at| *at <= to) {
            self.world.advance_to(at);
            self.answer_callbacks();
        }
        self.world.advance_to(to);
    }

    /// Answers what was asked, and what is asked because of the answers.
    fn answer_callbacks(&mut self) {
        while let Some((reservation, stage)) = self.next_asked() {
            self.asked.insert((reservation.sid, stage));
            *self.callbacks.entry(stage).or_default() += 1;
            let Some(answer) = self.canned_answer(&reservation, stage) else { continue };
            let reservation = reservation.sid;
            self.world.must(Command::AnswerCallback { reservation, stage, answer });
        }
    }

    fn next_asked(&self) -> Option<(Reservation, CallbackStage)> {
        self.world.rows.values().find_map(|row| {
            let StoredRow::Reservation(one) = row else { return None };
            let stage = one.callback?.stage;
            (!self.asked.contains(&(one.sid, stage))).then(|| (one.clone(), stage))
        })
    }

    /// `None` for a URL that never answers.
    fn canned_answer(
        &mut self,
        reservation: &Reservation,
        stage: CallbackStage,
    ) -> Option<CallbackAnswer> {
        let workflow = self.world.task(reservation.task)?.workflow?;
        let canned = self.canned.get_mut(&workflow)?;
        let answers = match stage {
            CallbackStage::First => &mut canned.assignment,
            CallbackStage::Fallback => &mut canned.fallback,
        };
        let said = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let said = self.named(&said?);
        if said["timeout"] == true {
            return None;
        }
        let body = &said["body"];
        let is_usable = said["status"] == 200 && text(&said["content_type"]) == "application/json";
        Some(match (is_usable, body["instruction"].as_str()) {
            (false, _) => CallbackAnswer::Failed,
            (true, Some("accept")) => CallbackAnswer::Do(Instruction::Accept),
            (true, Some("reject")) => {
                let activity = sid_in(&body["activity_sid"]);
                CallbackAnswer::Do(Instruction::Reject { activity })
            }
            (true, Some(other)) => panic!("there is no canned instruction {other}"),
            (true, None) => CallbackAnswer::Nothing,
        })
    }

    fn act(&mut self, step: &Value) -> Result<u64, String> {
        let params = self.named(&step["params"]);
        let result = match text(&step["op"]) {
            "check" => return Ok(200),
            "get_task" => {
                let first = self.world.now.0 - i64::from(limits::ENDED_READABLE_S) * 1000;
                let task = self.world.task(self.sid(&step["task"]));
                let found = task.filter(|task| task.ended_at.is_none_or(|at| at.0 > first));
                return Ok(if found.is_some() { 200 } else { 404 });
            }
            "reject_until_settled" => return self.reject_until_settled(step),
            "create_task" => self.create_task(step, &params),
            "create_worker" => self.create_worker(step, &params),
            _ => {
                let command = self.command(step, &params)?;
                self.world.run(&command)
            }
        };
        Ok(match result {
            Ok(_) => 200,
            Err(Rejection::Unknown(_) | Rejection::NoWorkspace) => 404,
            Err(Rejection::Stale { .. }) => 412,
            Err(Rejection::Rescinded(_)) => 410,
            Err(_) => 400,
        })
    }

    fn command(&self, step: &Value, params: &Value) -> Result<Command, String> {
        Ok(match text(&step["op"]) {
            "update_task" => {
                let sid = self.sid(&step["task"]);
                let current = self.world.task(sid).map_or(0, |task| task.version);
                let if_match = if_match(step, current);
                Command::UpdateTask { sid, if_match, patch: self.task_patch(params) }
            }
            "update_workspace" => Command::UpdateWorkspace(WorkspacePatch {
                prioritize_queue_order: order(&params["PrioritizeQueueOrder"]),
                ..WorkspacePatch::default()
            }),
            "delete_worker" => {
                let sid = self.sid(&step["worker"]);
                let if_match = if_match(step, self.world.worker(sid).version);
                Command::DeleteWorker { sid, if_match }
            }
            "delete_queue" => Command::DeleteTaskQueue(self.sid(&step["queue"])),
            "delete_workflow" => Command::DeleteWorkflow(self.sid(&step["workflow"])),
            "delete_activity" => Command::DeleteActivity(self.sid(&step["activity"])),
            "delete_task" => {
                let sid = self.sid(&step["task"]);
                let current = self.world.task(sid).map_or(0, |task| task.version);
                Command::DeleteTask { sid, if_match: if_match(step, current) }
            }
            "update_worker" => {
                let sid = self.sid(&step["worker"]);
                let current = self.world.worker(sid).version;
                let patch = WorkerPatch {
                    friendly_name: string(&params["FriendlyName"]),
                    activity: sid_in(&params["ActivitySid"]),
                    attributes: object(&params["Attributes"]),
                    reject_pending_reservations: is_true(&params["RejectPendingReservations"]),
                };
                Command::UpdateWorker { sid, if_match: if_match(step, current), patch }
            }
            "update_worker_channel" => Command::UpdateWorkerChannel {
                worker: self.sid(&step["worker"]),
                channel: WorkerChannelRef::Channel(ChannelRef::Name(
                    text(&step["channel"]).to_owned(),
                )),
                capacity: number(&params["Capacity"]),
                available: params["Available"].as_bool(),
            },
            "update_queue" => Command::UpdateTaskQueue {
                sid: self.sid(&step["queue"]),
                patch: TaskQueuePatch {
                    target_workers: string(&params["TargetWorkers"]),
                    max_reserved_workers: number(&params["MaxReservedWorkers"]),
                    task_order: order(&params["TaskOrder"]),
                    ..TaskQueuePatch::default()
                },
            },
            "update_workflow" => Command::UpdateWorkflow {
                sid: self.sid(&step["workflow"]),
                patch: WorkflowPatch {
                    configuration: params.get("Configuration").map(Value::to_string),
                    re_evaluate_tasks: is_true(&params["ReEvaluateTasks"]),
                    ..WorkflowPatch::default()
                },
            },
            "update_activity" => Command::UpdateActivity {
                sid: self.activity(text(&step["activity"])),
                friendly_name: string(&params["FriendlyName"]),
            },
            "update_reservation" => self.reservation_command(step, params)?,
            other => return Err(format!("the operation '{other}' is not there")),
        })
    }

    fn reservation_command(&self, step: &Value, params: &Value) -> Result<Command, String> {
        let (task, worker): (TaskSid, WorkerSid) =
            (self.sid(&step["task"]), self.sid(&step["worker"]));
        let mut all = self.world.reservations(task);
        all.retain(|reservation| reservation.worker == worker);
        let newest = all.pop().ok_or("there is no such reservation")?;
        let step_to = match params["ReservationStatus"].as_str() {
            Some("accepted") => ReservationStep::Accept,
            Some("rejected") => {
                ReservationStep::Reject { activity: sid_in(&params["WorkerActivitySid"]) }
            }
            Some("wrapping") => ReservationStep::Wrap,
            Some("completed") => ReservationStep::Complete,
            other => return Err(format!("the reservation update {other:?} is not there")),
        };
        Ok(Command::UpdateReservation {
            sid: newest.sid,
            owner: ReservationOwner::Task(task),
            if_match: if_match(step, newest.version),
            step: step_to,
        })
    }

    fn create_task(&mut self, step: &Value, params: &Value) -> Result<Reply, Rejection> {
        let offset = params["VirtualStartTimeOffset"].as_i64();
        let new = NewTask {
            attributes: object(&params["Attributes"]).unwrap_or_default(),
            workflow: sid_in(&params["WorkflowSid"]),
            task_channel: string(&params["TaskChannel"]).map(ChannelRef::Name),
            priority: number(&params["Priority"]),
            timeout_s: number(&params["Timeout"]),
            virtual_start_at: offset.map(|offset| self.world.now + Millis::secs(offset)),
            routing_target: sid_in(&params["RoutingTarget"]),
            ignore_capacity: params.get("IgnoreCapacity").map(is_true),
            queue: sid_in(&params["TaskQueueSid"]),
        };
        let reply = self.world.run(&Command::CreateTask(new))?;
        if let Reply::Task(task) = &reply {
            self.sids.insert(text(&step["as"]).to_owned(), task.sid.to_string());
        }
        Ok(reply)
    }

    fn create_worker(&mut self, step: &Value, params: &Value) -> Result<Reply, Rejection> {
        let name = text(&step["as"]);
        let new = NewWorker {
            friendly_name: string(&params["FriendlyName"]).unwrap_or_else(|| name.to_owned()),
            activity: sid_in(&params["ActivitySid"]),
            attributes: object(&params["Attributes"]).unwrap_or_default(),
        };
        let reply = self.world.run(&Command::CreateWorker(new))?;
        if let Reply::Worker(worker) = &reply {
            self.sids.insert(name.to_owned(), worker.sid.to_string());
        }
        Ok(reply)
    }

    fn task_patch(&self, params: &Value) -> TaskPatch {
        let status: Option<TaskStatus> =
            serde_json::from_value(params["AssignmentStatus"].clone()).ok();
        let offset = params["VirtualStartTimeOffset"].as_i64();
        TaskPatch {
            attributes: object(&params["Attributes"]),
            status,
            reason: string(&params["Reason"]),
            priority: number(&params["Priority"]),
            task_channel: string(&params["TaskChannel"]).map(ChannelRef::Name),
            virtual_start_at: offset.map(|offset| self.world.now + Millis::secs(offset)),
        }
    }

    fn reject_until_settled(&mut self, step: &Value) -> Result<u64, String> {
        let task = self.sid(&step["task"]);
        for _ in 0..step["max"].as_u64().unwrap_or(0) {
            let pending = self.world.reservations(task).into_iter().rev();
            let mut pending =
                pending.filter(|one| one.status == ReservationStatus::Pending).map(|one| one.sid);
            let Some(sid) = pending.next() else { break };
            let reject = ReservationStep::Reject { activity: None };
            self.world.step(sid, reject).map_err(|rejection| rejection.to_string())?;
        }
        Ok(200)
    }

    fn expect(&self, step: &Value) -> Checked {
        let expect = &step["expect"];
        let known = "tasks reservations workers events no_events callbacks delivered_events";
        for key in expect.as_object().into_iter().flatten().map(|(key, _)| key) {
            if !known.split(' ').any(|one| one == key) {
                return Err(format!("there is nothing to check '{key}' with"));
            }
        }
        if let Some(wanted) = expect["delivered_events"].as_array() {
            let wanted: BTreeSet<&str> = wanted.iter().map(text).collect();
            if self.posted != wanted {
                return Err(format!("{:?} were posted instead of {wanted:?}", self.posted));
            }
        }
        for (name, fields) in expect["tasks"].as_object().into_iter().flatten() {
            self.expect_task(name, fields)?;
        }
        for (name, rows) in expect["reservations"].as_object().into_iter().flatten() {
            self.expect_reservations(name, rows, step["unordered"] == true)?;
        }
        for (name, fields) in expect["workers"].as_object().into_iter().flatten() {
            self.expect_worker(name, fields)?;
        }
        for (kind, wanted) in expect["callbacks"].as_object().into_iter().flatten() {
            let stage = match kind.as_str() {
                "fallback" => CallbackStage::Fallback,
                _ => CallbackStage::First,
            };
            let found = self.callbacks.get(&stage).copied().unwrap_or(0);
            same(&format!("requests to {kind}"), &Value::from(found), wanted)?;
        }
        for event in list(&expect["events"]) {
            if !self.happened(event) {
                let all: Vec<&str> =
                    self.world.events.iter().map(|event| event.kind.as_str()).collect();
                return Err(format!("{event} was expected among {all:?}"));
            }
        }
        match list(&expect["no_events"]).iter().find(|event| self.happened(event)) {
            Some(event) => Err(format!("{event} was not expected")),
            None => Ok(()),
        }
    }

    fn expect_task(&self, name: &str, fields: &Value) -> Checked {
        let sid: TaskSid = self.sid(&Value::from(name));
        let task = self.world.task(sid).ok_or_else(|| format!("task {name} is gone"))?;
        for (field, wanted) in fields.as_object().into_iter().flatten() {
            let found = match field.as_str() {
                "assignment_status" => Value::from(task.status.as_str()),
                "queue" => task.queue.map_or(Value::Null, |queue| queue.to_string().into()),
                "priority" => Value::from(task.priority),
                "reason" => task.reason.clone().map_or(Value::Null, Value::from),
                other => return Err(format!("no field '{other}'")),
            };
            same(&format!("{name}.{field}"), &found, &self.named(wanted))?;
        }
        Ok(())
    }

    fn expect_reservations(&self, name: &str, rows: &Value, unordered: bool) -> Checked {
        let task: TaskSid = self.sid(&Value::from(name));
        let mut found: Vec<[String; 2]> = self
            .world
            .reservations(task)
            .iter()
            .map(|one| [self.name_of(&one.worker.to_string()), one.status.as_str().to_owned()])
            .collect();
        let mut wanted: Vec<[String; 2]> =
            list(rows).iter().map(|row| [0, 1].map(|i| text(&row[i]).to_owned())).collect();
        if unordered {
            found.sort();
            wanted.sort();
        }
        if found == wanted {
            return Ok(());
        }
        Err(format!("reservations of {name} are {found:?} instead of {wanted:?}"))
    }

    fn expect_worker(&self, name: &str, fields: &Value) -> Checked {
        let worker = self.world.worker(self.sid(&Value::from(name)));
        let row = self.world.rows.get(&(RowKind::Activity, worker.activity.to_string()));
        let Some(StoredRow::Activity(activity)) = row else {
            return Err(format!("{name} has no activity"));
        };
        if let Some(wanted) = fields.get("activity") {
            same(name, &Value::from(activity.friendly_name.as_str()), wanted)?;
        }
        if let Some(wanted) = fields.get("available") {
            same(name, &Value::from(activity.available), wanted)?;
        }
        for (channel, fields) in fields["channels"].as_object().into_iter().flatten() {
            let share = self.world.share(worker.sid, channel);
            for (field, wanted) in fields.as_object().into_iter().flatten() {
                let found = match field.as_str() {
                    "assigned_tasks" => share.assigned_tasks,
                    "available_capacity_percentage" => share.available_capacity_percentage(),
                    other => return Err(format!("no field '{other}'")),
                };
                same(&format!("{name}.{channel}.{field}"), &Value::from(found), wanted)?;
            }
        }
        Ok(())
    }

    fn happened(&self, wanted: &Value) -> bool {
        let kind = wanted.as_str().unwrap_or_else(|| text(&wanted["type"]));
        let sid = |key: &str| wanted.get(key).map(|name| self.sids[text(name)].clone());
        self.world.events.iter().any(|event| {
            let task = event.task.as_ref().map(|task| task.sid.to_string());
            let worker = event.worker.as_ref().map(|worker| worker.sid.to_string());
            event.kind.as_str() == kind
                && sid("task").is_none_or(|wanted| task == Some(wanted))
                && sid("worker").is_none_or(|wanted| worker == Some(wanted))
        })
    }

    /// The value with SIDs in place of `@names`.
    fn named(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix('@') {
                Some(name) => self.sids.get(name).map_or(value.clone(), |sid| sid.as_str().into()),
                None => value.clone(),
            },
            Value::Array(elements) => elements.iter().map(|one| self.named(one)).collect(),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(k, v)| (k.clone(), self.named(v))).collect())
            }
            other => other.clone(),
        }
    }

    fn sid<S: std::str::FromStr>(&self, name: &Value) -> S {
        let name = text(name);
        let sid = self.sids.get(name).and_then(|sid| sid.parse().ok());
        sid.unwrap_or_else(|| panic!("nothing is called {name}"))
    }

    fn activity(&self, name: &str) -> ActivitySid {
        self.sid(&Value::from(name))
    }

    fn name_of(&self, sid: &str) -> String {
        let found = self.sids.iter().find(|(_, known)| *known == sid);
        found.map_or_else(|| sid.to_owned(), |(name, _)| name.clone())
    }
}

/// Keys and parameters that a step may have; `stats` steps name their own parameters.
const STEP_KEYS: &str = "at op as task worker queue workflow activity channel params if_match max \
    resource name http unordered expect note";
const WORKER_KEYS: &str = "activity available channels";
const PARAMS: [(&str, &str); 8] = [
    (
        "create_task",
        "Attributes WorkflowSid TaskChannel Priority Timeout VirtualStartTimeOffset RoutingTarget \
         IgnoreCapacity TaskQueueSid",
    ),
    (
        "update_task",
        "Attributes AssignmentStatus Reason Priority TaskChannel VirtualStartTimeOffset",
    ),
    ("update_worker", "FriendlyName ActivitySid Attributes RejectPendingReservations"),
    ("update_worker_channel", "Capacity Available"),
    ("update_queue", "TargetWorkers MaxReservedWorkers TaskOrder"),
    ("update_workflow", "Configuration ReEvaluateTasks"),
    ("update_reservation", "ReservationStatus WorkerActivitySid"),
    ("update_workspace", "PrioritizeQueueOrder"),
];

/// A key that nothing reads would be an expectation that nothing checks.
fn check_keys(step: &Value) -> Checked {
    let among = |known: &str, value: &Value| {
        let keys = value.as_object().into_iter().flatten().map(|(key, _)| key);
        let mut unknown = keys.filter(|key| !known.split_whitespace().any(|one| one == *key));
        unknown.next().map_or(Ok(()), |key| Err(format!("nothing reads '{key}'")))
    };
    among(STEP_KEYS, step)?;
    for worker in step["expect"]["workers"].as_object().into_iter().flatten() {
        among(WORKER_KEYS, worker.1)?;
    }
    let params = PARAMS.iter().find(|(op, _)| *op == text(&step["op"]));
    params.map_or(Ok(()), |(_, known)| among(known, &step["params"]))
}

fn same(what: &str, found: &Value, wanted: &Value) -> Checked {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what} is {found} instead of {wanted}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn object(value: &Value) -> Option<base::Attributes> {
    value.is_object().then(|| attrs(&value.to_string()))
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|n| n.try_into().ok())
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| ["true", "1", "yes"].contains(&text(value)))
}

fn sid_in<S: std::str::FromStr>(value: &Value) -> Option<S> {
    value.as_str().and_then(|text| text.parse().ok())
}

fn order(value: &Value) -> Option<TaskOrder> {
    serde_json::from_value(value.clone()).ok()
}

fn if_match(step: &Value, current: u64) -> IfMatch {
    match step["if_match"].as_str() {
        Some("@current") => IfMatch::Version(current),
        Some("@stale") => IfMatch::Version(current + 1),
        Some(version) => IfMatch::Version(version.parse().expect("a version is a number")),
        _ => IfMatch::Any,
    }
}
