//! A large workspace on this machine: what assignments cost in it, how long a call holds it, and
//! how soon it is back.
//!
//! `cargo run --release -p host --example scale [LIVE TASKS]`
//!
//! * 15 000 workers, half of them available, 5 000 queues with an expression each, 1 000
//!   workflows, tasks with 400 bytes of attributes. One chat task is taken by each available
//!   worker; the others wait.
//! * A hold is one step of the partition with its rows, journal, log and notices; commits are not
//!   in it, since others work meanwhile. It is counted in processor time: on a machine that others
//!   use, real time says how long they ran.

// A benchmark measures real time; the ban is for the engine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use base::{Attributes, IdSource, Millis, Timestamp};
use host::{
    ClockKind, Host, Options, Topic,
    adapters::{Asked, RoutingEngine},
    partition::{Partition, Said},
};
use routing::{command::*, *};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use store::{Committer, MemoryStore, Store};
use store_sqlite::SqliteStore;

const WORKERS: usize = 15_000;
const QUEUES: usize = 5_000;
const WORKFLOWS: usize = 1_000;
const SKILLS: usize = 500;
const REGIONS: usize = 10;
/// Filters of the workflow that all waiting tasks run under.
const FILTERS: usize = 20;
/// Tasks whose target runs out at one instant.
const TIMED: usize = 100_000;
/// Tasks that nobody can take until an expression changes.
const HELD: usize = 20_000;
const GROUP: usize = 500;
const LONG: u32 = 1_209_600;

fn main() {
    let tasks = std::env::args().nth(1).map_or(500_000, |n| n.parse().expect("a number of tasks"));
    let folder = std::env::temp_dir().join(format!("sinew-scale-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the store");
    let store: Arc<dyn Store> = Arc::new(open(&folder));
    let shape = Shape::build(&*store, tasks);
    shape.ready(&*store);
    let place = shape.place();
    shape.holds();
    together(store, &place);
    std::fs::remove_dir_all(&folder).expect("the folder was made here");
}

fn open(folder: &std::path::Path) -> SqliteStore {
    let options = store_sqlite::Options::default();
    SqliteStore::open(folder, options, host::tables::ALL).expect("a new store opens")
}

/// Resident memory in bytes.
fn memory() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// Processor time of this thread.
fn worked() -> Duration {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(at.tv_sec as u64, at.tv_nsec as u32)
}

/// A workspace being built, with its store.
struct Shape {
    partition: Partition<RoutingEngine>,
    committer: Option<Box<dyn Committer>>,
    batches: Vec<store::Batch>,
    now: Timestamp,
    offered: Vec<(ReservationSid, TaskSid)>,
    spent: Vec<Duration>,
    main: WorkflowSid,
    timed: WorkflowSid,
    held: (WorkflowSid, TaskQueueSid),
    workers: Vec<WorkerSid>,
    queues: Vec<TaskQueueSid>,
}

/// A call's steps: the first, and the portions that finish what it left over.
#[derive(Default)]
struct Holds(Vec<Duration>);

impl Holds {
    fn row(mut self, name: &str) {
        self.0.sort_unstable();
        let at = |share: f64| {
            let index = ((self.0.len() - 1) as f64 * share) as usize;
            self.0[index].as_secs_f64() * 1e3
        };
        let total: Duration = self.0.iter().sum();
        println!(
            "{name:<44} {:>7} {:>8.3} {:>8.3} {:>8.3} {:>9.0}",
            self.0.len(),
            at(0.5),
            at(0.99),
            at(1.0),
            total.as_secs_f64() * 1e3
        );
    }
}

impl Shape {
    fn build(store: &dyn Store, tasks: usize) -> Self {
        let now = clock();
        let mut ids = IdSource::new(1);
        let workspace = WorkspaceSid::new(ids.next(now));
        let mut shape = Self {
            partition: Partition::new(workspace.to_string().into(), 1, ids),
            committer: Some(store.committer()),
            batches: Vec::new(),
            now,
            offered: Vec::new(),
            spent: Vec::new(),
            main: WorkflowSid::new(0),
            timed: WorkflowSid::new(0),
            held: (WorkflowSid::new(0), TaskQueueSid::new(0)),
            workers: Vec::new(),
            queues: Vec::new(),
        };
        shape.run(Command::CreateWorkspace(NewWorkspace {
            sid: Some(workspace),
            friendly_name: "large".to_owned(),
            ..NewWorkspace::default()
        }));
        shape.add_queues();
        shape.add_workflows();
        let (before, start) = (memory(), Instant::now());
        shape.add_workers();
        shape.commit();
        let per_worker = (memory() - before) / WORKERS;
        println!("{WORKERS} workers in {:.1?}, {per_worker} bytes of memory each", start.elapsed());
        let (before, start) = (memory(), Instant::now());
        shape.add_tasks(tasks);
        shape.commit();
        let per_task = memory().saturating_sub(before) / tasks;
        println!("{tasks} live tasks in {:.1?}, {per_task} bytes of memory each", start.elapsed());
        shape
    }

    fn commit(&mut self) {
        let batches = std::mem::take(&mut self.batches);
        if let Some(committer) = self.committer.as_mut().filter(|_| !batches.is_empty()) {
            committer.commit(&batches).expect("the store takes everything");
            committer.after(true);
        }
    }

    /// One command; what it offers is accepted at once, unless it rings.
    fn run(&mut self, command: Command) -> Reply {
        let start = worked();
        let step = self.partition.run(&command, self.now, &MemoryStore::new());
        let step = step.expect("memory can be read");
        self.spent.push(worked() - start);
        let Said::Reply(reply) = step.told.said else { panic!("a command is replied to") };
        self.take(step.batch, &step.told.changes);
        reply.unwrap_or_else(|rejection| panic!("{rejection}"))
    }

    fn take(&mut self, batch: store::Batch, changes: &[Change]) {
        for change in changes {
            if let Change::TaskOffered { task, reservations, .. } = change {
                self.offered.extend(reservations.iter().map(|one| (one.sid, *task)));
            }
        }
        if self.committer.is_some() {
            self.batches.push(batch);
            if self.batches.len() == GROUP {
                self.commit();
            }
        }
    }

    /// What is due or left over, portion by portion.
    fn expire(&mut self, holds: &mut Holds) {
        let now = self.now;
        while self.partition.next_deadline().is_some_and(|at| at <= now) {
            let start = worked();
            let step = self.partition.expire(now, &MemoryStore::new());
            let step = step.expect("memory can be read");
            holds.0.push(worked() - start);
            self.take(step.batch, &step.told.changes);
        }
    }

    /// A command with everything it leaves over.
    fn call(&mut self, command: Command, holds: &mut Holds) {
        self.spent.clear();
        self.run(command);
        holds.0.append(&mut self.spent);
        self.expire(holds);
    }

    fn queue(&mut self, name: String, expression: String) -> TaskQueueSid {
        let new = NewTaskQueue {
            friendly_name: name,
            target_workers: Some(expression),
            ..NewTaskQueue::default()
        };
        let Reply::TaskQueue(queue) = self.run(Command::CreateTaskQueue(new)) else { panic!() };
        queue.sid
    }

    fn workflow(&mut self, name: String, configuration: String) -> WorkflowSid {
        let new = NewWorkflow {
            friendly_name: name,
            configuration,
            task_reservation_timeout_s: Some(86_400),
            ..NewWorkflow::default()
        };
        let Reply::Workflow(workflow) = self.run(Command::CreateWorkflow(new)) else { panic!() };
        workflow.sid
    }

    fn add_queues(&mut self) {
        for number in 0..QUEUES {
            let expression = match number {
                0 => "1==1".to_owned(),
                1 => "region == 'nowhere'".to_owned(),
                n if n < 2 + FILTERS => {
                    format!("region == 'r{}' AND level >= {}", n % REGIONS, n % 3)
                }
                n => format!("skills HAS 's{}' AND region == 'r{}'", n % SKILLS, n / SKILLS),
            };
            let queue = self.queue(format!("queue {number}"), expression);
            self.queues.push(queue);
        }
    }

    fn add_workflows(&mut self) {
        self.main = self.workflow("by kind".to_owned(), self.by_kind(1));
        let nowhere = self.queues[1];
        let (first, last) = (self.queues[2], self.queues[3]);
        self.timed = self.workflow(
            "timed".to_owned(),
            format!(
                r#"{{"task_routing":{{"filters":[{{"expression":"1==1","targets":[
                {{"queue":"{nowhere}","timeout":21600}},{{"queue":"{first}","timeout":86400}},
                {{"queue":"{last}"}}]}}]}}}}"#
            ),
        );
        let to_nowhere =
            format!(r#"{{"task_routing":{{"default_filter":{{"queue":"{nowhere}"}}}}}}"#);
        self.held = (self.workflow("held".to_owned(), to_nowhere), nowhere);
        let everybody = self.queues[0];
        self.workflow(
            "calls".to_owned(),
            format!(
                r#"{{"task_routing":{{"filters":[{{"expression":"1==1","targets":[
                {{"queue":"{everybody}","expression":"worker.skills HAS task.skill"}}]}}]}}}}"#
            ),
        );
        for number in 4..WORKFLOWS {
            let at = 2 + FILTERS + number * 4 % (QUEUES - 30);
            let filters: Vec<String> = (at..at + 4)
                .map(|at| {
                    let queue = self.queues[at];
                    format!(
                        r#"{{"expression":"kind == 'k{at}'","targets":[{{"queue":"{queue}"}}]}}"#
                    )
                })
                .collect();
            let filters = filters.join(",");
            self.workflow(
                format!("workflow {number}"),
                format!(r#"{{"task_routing":{{"filters":[{filters}]}}}}"#),
            );
        }
    }

    /// The configuration of the workflow that waiting tasks run under.
    fn by_kind(&self, priority: usize) -> String {
        let filters: Vec<String> = (0..FILTERS)
            .map(|kind| {
                let queue = self.queues[2 + kind];
                format!(
                    r#"{{"expression":"kind == 'k{kind}'","targets":[{{"queue":"{queue}",
                    "priority":{priority},"expression":"worker.level >= task.level"}}]}}"#
                )
            })
            .collect();
        format!(r#"{{"task_routing":{{"filters":[{}]}}}}"#, filters.join(","))
    }

    fn add_workers(&mut self) {
        let ready = NewActivity { friendly_name: "Ready".to_owned(), available: true };
        let Reply::Activity(ready) = self.run(Command::CreateActivity(ready)) else { panic!() };
        for number in 0..WORKERS {
            self.now = self.now + Millis((number % 2) as i64);
            let worker = NewWorker {
                friendly_name: format!("worker {number}"),
                activity: (number % 2 == 0).then_some(ready.sid),
                attributes: of_worker(number, 0),
            };
            let Reply::Worker(worker) = self.run(Command::CreateWorker(worker)) else { panic!() };
            self.workers.push(worker.sid);
        }
    }

    fn add_tasks(&mut self, tasks: usize) {
        let timed = TIMED.min(tasks / 5);
        let held = HELD.min(tasks / 25);
        for number in 0..tasks - timed - held {
            self.now = self.now + Millis((number % 4 / 3) as i64);
            self.task(self.main, "chat", number);
            self.accept();
        }
        (0..held).for_each(|number| _ = self.task(self.held.0, "voice", number));
        (0..timed).for_each(|number| _ = self.task(self.timed, "sms", number));
    }

    fn task(&mut self, workflow: WorkflowSid, channel: &str, number: usize) -> TaskSid {
        let task = self.run(Command::CreateTask(new_task(workflow, channel, number)));
        let Reply::Task(task) = task else { panic!() };
        self.spent.clear();
        task.sid
    }

    fn accept(&mut self) {
        while let Some((sid, task)) = self.offered.pop() {
            self.run(Command::UpdateReservation {
                sid,
                owner: ReservationOwner::Task(task),
                if_match: IfMatch::Any,
                step: ReservationStep::Accept,
            });
        }
    }

    /// From the store to a partition that serves.
    fn ready(&self, store: &dyn Store) {
        let known = store.partitions().expect("partitions are listed").remove(0);
        let start = Instant::now();
        let back = Partition::<RoutingEngine>::restore(store, known, 2, IdSource::new(2));
        let back = back.expect("what was written is read").expect("it is not over");
        println!("restored in {:.2?}", start.elapsed());
        assert_eq!(back.next_deadline(), self.partition.next_deadline());
    }

    fn holds(mut self) {
        self.commit();
        self.committer = None;
        println!(
            "\n{:<44} {:>7} {:>8} {:>8} {:>8} {:>9}",
            "", "steps", "p50 ms", "p99 ms", "max ms", "all ms"
        );
        self.plain();
        self.changes();
        let mut holds = Holds::default();
        let patch = WorkflowPatch {
            configuration: Some(self.by_kind(2)),
            re_evaluate_tasks: true,
            ..WorkflowPatch::default()
        };
        self.call(Command::UpdateWorkflow { sid: self.main, patch }, &mut holds);
        holds.row("workflow change that re-evaluates its tasks");
        let mut holds = Holds::default();
        self.expression(self.held.1, "1==1", &mut holds);
        holds.row("tasks newly matchable, workers free");
        self.prune();
        let mut holds = Holds::default();
        self.now = self.now + Millis::secs(21_600);
        self.expire(&mut holds);
        holds.row("targets that run out at one instant");
    }

    /// Tasks come and are taken as ever.
    fn plain(&mut self) {
        let mut holds = Holds::default();
        let calls = self.calls();
        for number in 0..2_000 {
            self.now = self.now + Millis(1);
            let task = new_task(calls, "voice", number);
            self.call(Command::CreateTask(task), &mut holds);
            assert!(!self.offered.is_empty(), "a worker was free for {number}");
            let task = self.offered.last().expect("just seen").1;
            self.accept();
            self.complete(task);
        }
        holds.row("create and offer a call, beside all that waits");
        let mut holds = Holds::default();
        for number in 0..50 {
            let task = self.task(self.main, "chat", number);
            let look = worked();
            let step = self.partition.ask(&Asked::Live(Question::Place(task)), self.now);
            assert!(matches!(step.told.said, Said::Answer(Ok(_))), "the task is there");
            holds.0.push(worked() - look);
        }
        holds.row("place of the last waiting task");
    }

    fn calls(&self) -> WorkflowSid {
        let mut found = None;
        self.partition.engine().routing().all_rows(|row| match row {
            RowRef::Workflow(one) if one.friendly_name == "calls" => found = Some(one.sid),
            _ => {}
        });
        found.expect("it was made")
    }

    fn complete(&mut self, sid: TaskSid) {
        let patch = TaskPatch {
            status: Some(TaskStatus::Completed),
            reason: Some("done".to_owned()),
            ..TaskPatch::default()
        };
        self.run(Command::UpdateTask { sid, if_match: IfMatch::Any, patch });
    }

    fn changes(&mut self) {
        let mut holds = Holds::default();
        for number in 0..500 {
            let sid = self.workers[number * 29 % WORKERS];
            let patch = WorkerPatch {
                attributes: Some(of_worker(number, 1 + number)),
                ..WorkerPatch::default()
            };
            self.call(Command::UpdateWorker { sid, if_match: IfMatch::Any, patch }, &mut holds);
        }
        holds.row("attributes of a worker");
        let mut holds = Holds::default();
        for number in 0..200 {
            let queue = self.queues[100 + number * 7];
            let text = format!("skills HAS 's{}' AND level >= {}", number * 3, number % 4);
            self.expression(queue, &text, &mut holds);
        }
        holds.row("expression of a queue");
        let mut holds = Holds::default();
        for number in 0..20 {
            let queue = self.queues[2 + number];
            let text = format!("level >= {} OR region == 'r{}'", number % 4, number % REGIONS);
            self.expression(queue, &text, &mut holds);
        }
        holds.row("expression of a queue in which tasks wait");
        let mut holds = Holds::default();
        let activities = ["Offline", "Ready"].map(|name| self.activity(name));
        for number in 0..400 {
            let sid = self.workers[number * 2];
            for activity in activities {
                let activity = Some(activity);
                let patch = WorkerPatch { activity, ..WorkerPatch::default() };
                self.call(Command::UpdateWorker { sid, if_match: IfMatch::Any, patch }, &mut holds);
            }
        }
        holds.row("activity of a worker");
        self.offered.clear();
    }

    fn activity(&self, name: &str) -> ActivitySid {
        let mut found = None;
        self.partition.engine().routing().all_rows(|row| match row {
            RowRef::Activity(one) if one.friendly_name == name => found = Some(one.sid),
            _ => {}
        });
        found.expect("it was made")
    }

    fn expression(&mut self, sid: TaskQueueSid, text: &str, holds: &mut Holds) {
        let patch =
            TaskQueuePatch { target_workers: Some(text.to_owned()), ..TaskQueuePatch::default() };
        self.call(Command::UpdateTaskQueue { sid, patch }, holds);
    }

    /// Ten thousand tasks that ended are forgotten in one minute.
    fn prune(&mut self) {
        self.now = self.now + Millis::secs(60);
        let mut taken: Vec<(ReservationSid, TaskSid)> = std::mem::take(&mut self.offered);
        taken.truncate(6_000);
        self.offered = taken.clone();
        self.accept();
        taken.into_iter().for_each(|(_, task)| self.complete(task));
        self.now = self.now + Millis::secs(400);
        let mut holds = Holds::default();
        self.expire(&mut holds);
        holds.row("ended tasks forgotten");
    }
}

fn of_worker(number: usize, change: usize) -> Attributes {
    let mix = (number + change).wrapping_mul(0x9E37_79B9) >> 5;
    let skills = [mix % SKILLS, (mix >> 9) % SKILLS, number % SKILLS];
    let text = format!(
        r#"{{"skills":["s{}","s{}","s{}"],"region":"r{}","level":{},"name":"{}"}}"#,
        skills[0],
        skills[1],
        skills[2],
        number / SKILLS % REGIONS,
        mix % 4,
        "n".repeat(80)
    );
    Attributes::new(text).expect("short")
}

fn new_task(workflow: WorkflowSid, channel: &str, number: usize) -> NewTask {
    let mix = number.wrapping_mul(0x85EB_CA6B) >> 7;
    let text = format!(
        r#"{{"kind":"k{}","level":{},"skill":"s{}","customer":"{}"}}"#,
        mix % FILTERS,
        mix / FILTERS % 3,
        mix % SKILLS,
        "c".repeat(340)
    );
    NewTask {
        attributes: Attributes::new(text).expect("short"),
        workflow: Some(workflow),
        task_channel: Some(ChannelRef::Name(channel.to_owned())),
        timeout_s: Some(LONG),
        ..NewTask::default()
    }
}

fn clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.expect("it is later than 1970").as_millis() as i64)
}

/// What the second half needs of the first.
struct Place {
    workspace: WorkspaceSid,
    calls: WorkflowSid,
    main: WorkflowSid,
    configurations: [String; 2],
    queues: Vec<TaskQueueSid>,
    workers: Vec<WorkerSid>,
}

impl Shape {
    fn place(&self) -> Place {
        Place {
            workspace: self.partition.id().parse().expect("it is a workspace's"),
            calls: self.calls(),
            main: self.main,
            configurations: [self.by_kind(2), self.by_kind(1)],
            queues: self.queues.clone(),
            workers: self.workers.clone(),
        }
    }
}

/// The same workspace served by a host, with commits and everything.
fn together(store: Arc<dyn Store>, place: &Place) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let (before, start) = (memory(), Instant::now());
        let options = Options { clock: ClockKind::System, seed: Some(3), ..Options::default() };
        let host = Host::start(store, &options).expect("the store is read");
        let grown = memory().saturating_sub(before) >> 20;
        println!("\nready in {:.2?}, {grown} MiB more", start.elapsed());
        closed(&host, place, 64, 6).await;
        println!("\ncreate to offer at 100 a second, ms: p50, p99, max");
        open_loop(&host, place, Meanwhile::Nothing).await;
        open_loop(&host, place, Meanwhile::Attributes).await;
        open_loop(&host, place, Meanwhile::Expression).await;
        open_loop(&host, place, Meanwhile::Listing).await;
        open_loop(&host, place, Meanwhile::ReEvaluation).await;
        host.stop().await;
    });
}

/// What else happens, once a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    Attributes,
    Expression,
    Listing,
    ReEvaluation,
}

/// Whole lives of calls, so many at a time, for some seconds.
async fn closed(host: &Host, place: &Place, callers: usize, seconds: u64) {
    let done = Arc::new(Mutex::new(0));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut running = Vec::new();
    for caller in 0..callers {
        let (host, done) = (host.clone(), done.clone());
        let (workspace, calls) = (place.workspace, place.calls);
        running.push(tokio::spawn(async move {
            let mut number = caller;
            while Instant::now() < until {
                number += callers;
                life(&host, workspace, calls, number).await;
                *done.lock().expect("nobody panics") += 1;
            }
        }));
    }
    for one in running {
        one.await.expect("a caller ends well");
    }
    let lives = *done.lock().expect("nobody panics") as f64 / seconds as f64;
    println!("{lives:.0} lives a second with {callers} callers: create, offer, accept, complete");
}

async fn life(host: &Host, workspace: WorkspaceSid, calls: WorkflowSid, number: usize) {
    let new = new_task(calls, "voice", number);
    let Ok(Reply::Task(task)) = host.routing(workspace, Command::CreateTask(new)).await else {
        panic!("a task is made")
    };
    let scan = store::Scan {
        filters: vec![store::Filter {
            column: "task",
            test: store::Test::OneOf(vec![task.sid.to_string().as_str().into()]),
        }],
        ..store::Scan::of(&host::tables::RESERVATION, workspace.to_string().into())
    };
    let found = host.list::<Reservation>(scan).await.expect("rows are listed");
    let Some((reservation, _)) = found.into_iter().next() else { return };
    let step = Command::UpdateReservation {
        sid: reservation.sid,
        owner: ReservationOwner::Task(task.sid),
        if_match: IfMatch::Any,
        step: ReservationStep::Accept,
    };
    host.routing(workspace, step).await.map_err(|_| ()).expect("it is accepted");
    complete(host, workspace, task.sid).await;
}

async fn complete(host: &Host, workspace: WorkspaceSid, sid: TaskSid) {
    let patch = TaskPatch {
        status: Some(TaskStatus::Completed),
        reason: Some("done".to_owned()),
        ..TaskPatch::default()
    };
    let done = Command::UpdateTask { sid, if_match: IfMatch::Any, patch };
    host.routing(workspace, done).await.map_err(|_| ()).expect("it is completed");
}

const RATE: u64 = 100;
const SECONDS: u64 = 8;

/// Calls come at a steady rate; told is when the offer is heard.
async fn open_loop(host: &Host, place: &Place, meanwhile: Meanwhile) {
    let mut heard = host.subscribe(Topic::Workspace(place.workspace), 1_000_000);
    let began: Arc<Mutex<std::collections::HashMap<String, Instant>>> = Arc::default();
    let stop = Arc::new(tokio::sync::Notify::new());
    let (listening, ended) = (began.clone(), stop.clone());
    let (inner, workspace) = (host.clone(), place.workspace);
    let listener = tokio::spawn(async move {
        let mut holds = Vec::new();
        loop {
            let announced = tokio::select! {
                announced = heard.next() => announced,
                () = ended.notified() => return holds,
            };
            let Some(announced) = announced else { return holds };
            let event = &announced.event;
            if event.kind != EventKind::ReservationCreated {
                continue;
            }
            let at = Instant::now();
            let (Some(one), Some(task)) = (&event.reservation, &event.task) else { continue };
            let marker = task.attributes.text();
            let Some(began) = listening.lock().expect("nobody panics").remove(marker) else {
                continue;
            };
            holds.push(at - began);
            let (inner, sid, task) = (inner.clone(), one.sid, one.task);
            tokio::spawn(async move {
                let step = Command::UpdateReservation {
                    sid,
                    owner: ReservationOwner::Task(task),
                    if_match: IfMatch::Any,
                    step: ReservationStep::Accept,
                };
                if inner.routing(workspace, step).await.is_ok() {
                    complete(&inner, workspace, task).await;
                }
            });
        }
    });
    let mut tick = tokio::time::interval(Duration::from_micros(1_000_000 / RATE));
    for number in 0..RATE * SECONDS {
        tick.tick().await;
        if number % RATE == RATE / 2 {
            disturb(host, place, meanwhile, number / RATE);
        }
        let text = format!(r#"{{"skill":"s{}","n":"{meanwhile:?}{number}"}}"#, number % 500);
        let attributes = Attributes::new(text.as_str()).expect("short");
        let new = NewTask { attributes, ..new_task(place.calls, "voice", 0) };
        began.lock().expect("nobody panics").insert(text, Instant::now());
        let host = host.clone();
        tokio::spawn(
            async move { host.routing(workspace, Command::CreateTask(new)).await.is_ok() },
        );
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.notify_one();
    let mut holds = listener.await.expect("the listener ends well");
    holds.sort_unstable();
    let missed = began.lock().expect("nobody panics").len();
    let at = |share: f64| holds[((holds.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let name = format!("{meanwhile:?} once a second");
    println!("{name:<32} {:>8.2} {:>8.2} {:>8.2}   {missed} not heard", at(0.5), at(0.99), at(1.0));
}

fn disturb(host: &Host, place: &Place, meanwhile: Meanwhile, round: u64) {
    let round = round as usize;
    let command = match meanwhile {
        Meanwhile::Nothing => return,
        Meanwhile::Listing => {
            let (host, workspace) = (host.clone(), place.workspace);
            tokio::spawn(async move {
                let scan = store::Scan {
                    limit: QUEUES,
                    ..store::Scan::of(&host::tables::TASK_QUEUE, workspace.to_string().into())
                };
                host.list::<TaskQueue>(scan).await.map(|rows| rows.len())
            });
            return;
        }
        Meanwhile::Attributes => Command::UpdateWorker {
            sid: place.workers[round * 31 + 1],
            if_match: IfMatch::Any,
            patch: WorkerPatch {
                attributes: Some(of_worker(round, round + 5_000)),
                ..WorkerPatch::default()
            },
        },
        Meanwhile::Expression => Command::UpdateTaskQueue {
            sid: place.queues[400 + round],
            patch: TaskQueuePatch {
                target_workers: Some(format!("skills HAS 's{round}' AND level >= 1")),
                ..TaskQueuePatch::default()
            },
        },
        Meanwhile::ReEvaluation => Command::UpdateWorkflow {
            sid: place.main,
            patch: WorkflowPatch {
                configuration: Some(place.configurations[round % 2].clone()),
                re_evaluate_tasks: true,
                ..WorkflowPatch::default()
            },
        },
    };
    let (host, workspace) = (host.clone(), place.workspace);
    tokio::spawn(async move { host.routing(workspace, command).await.is_ok() });
}
