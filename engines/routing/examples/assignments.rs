//! Assignments per second of the engine alone, how the cost grows with the workers and with the
//! tasks that wait, and how long a restart takes.
//!
//! `cargo run --release -p routing --example assignments`
//!
//! Tasks ask for one of 64 combinations of skill, level and language. One assignment is: create a
//! task, accept its offer, complete the oldest one, each with the rows it touched.

// A benchmark measures real time; the ban is for the engine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use base::{Attributes, IdSource, Millis, Timestamp};
use routing::{command::*, *};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

const WORKERS: [usize; 3] = [100, 1_000, 10_000];
const WAITING: [usize; 3] = [100, 10_000, 100_000];
const SKILLS: usize = 16;
const LEVELS: usize = 2;
const LANGUAGES: [&str; 2] = ["en", "de"];
const ROUNDS: usize = 20_000;
const SLICES: usize = 5;
const TARGET: &str = "worker.skills HAS task.skill AND worker.level >= task.level \
    AND worker.languages HAS task.language";

fn main() {
    println!("half of the capacity busy, nobody waits");
    head();
    let costs = WORKERS.map(|workers| {
        let mut bench = Bench::new(workers);
        bench.fill(workers / 2);
        bench.report(workers)
    });
    let growth = costs[2] / costs[0];
    println!("cost at {} workers over cost at {}: {growth:.2}\n", WORKERS[2], WORKERS[0]);

    println!("1000 workers, all busy, tasks wait");
    head();
    let costs = WAITING.map(|waiting| {
        let mut bench = Bench::new(1_000);
        bench.fill(1_000 + waiting);
        bench.report(waiting)
    });
    let growth = costs[2] / costs[0];
    println!("cost with {} waiting over cost with {}: {growth:.2}\n", WAITING[2], WAITING[0]);
    restore();
}

/// From rows to a workspace that is ready: the engine's part of a start.
fn restore() {
    let (workers, tasks) = (WORKERS[2], WAITING[2]);
    let mut bench = Bench::new(workers);
    bench.fill(workers + tasks);
    let mut rows = Vec::new();
    bench.routing.all_rows(|row| rows.extend(row.stored()));
    let (count, start) = (rows.len(), Instant::now());
    let restored = Routing::restore(rows);
    let spent = start.elapsed();
    assert_eq!(restored.next_deadline(), bench.routing.next_deadline());
    println!("restored {workers} workers and {tasks} waiting tasks, {count} rows, in {spent:.0?}");
}

fn head() {
    println!(
        "{:>8} {:>12} {:>8} {:>8} {:>8} {:>8}",
        "", "per second", "us each", "create", "accept", "complete"
    );
}

struct Bench {
    routing: Routing,
    ids: IdSource,
    now: Timestamp,
    offered: Vec<(ReservationSid, TaskSid)>,
    taken: VecDeque<TaskSid>,
    created: usize,
    spent: [Duration; 3],
}

impl Bench {
    fn new(workers: usize) -> Self {
        let mut bench = Self {
            routing: Routing::new(),
            ids: IdSource::new(1),
            now: Timestamp(1_767_225_600_000),
            offered: Vec::new(),
            taken: VecDeque::new(),
            created: 0,
            spent: [Duration::ZERO; 3],
        };
        bench.run(Command::CreateWorkspace(NewWorkspace {
            friendly_name: "bench".to_owned(),
            template: Template::Fifo,
            ..NewWorkspace::default()
        }));
        let queue = NewTaskQueue { friendly_name: "all".to_owned(), ..NewTaskQueue::default() };
        let Reply::TaskQueue(queue) = bench.run(Command::CreateTaskQueue(queue)) else { panic!() };
        let workflow = NewWorkflow {
            friendly_name: "by skill".to_owned(),
            configuration: format!(
                r#"{{"task_routing":{{"filters":[{{"expression":"1==1","targets":
                    [{{"queue":"{}","expression":"{TARGET}"}}]}}]}}}}"#,
                queue.sid
            ),
            task_reservation_timeout_s: Some(86_400),
            ..NewWorkflow::default()
        };
        let Reply::Workflow(workflow) = bench.run(Command::CreateWorkflow(workflow)) else {
            panic!()
        };
        let mut first = None;
        bench.routing.all_rows(|row| match row {
            RowRef::Workflow(other) if other.sid != workflow.sid => first = Some(other.sid),
            _ => {}
        });
        bench.run(Command::DeleteWorkflow(first.expect("the template made one")));
        let ready = NewActivity { friendly_name: "Ready".to_owned(), available: true };
        let Reply::Activity(ready) = bench.run(Command::CreateActivity(ready)) else { panic!() };
        (0..workers).for_each(|number| bench.add_worker(number, ready.sid));
        bench
    }

    fn add_worker(&mut self, number: usize, activity: ActivitySid) {
        let (a, b) = (number % SKILLS, (number * 7 + number / SKILLS + 1) % SKILLS);
        let attributes = format!(
            r#"{{"skills":["s{a}","s{b}"],"level":{},"languages":["{}"]}}"#,
            1 + number / 3 % 3,
            LANGUAGES[number / 5 % 2]
        );
        self.run(Command::CreateWorker(NewWorker {
            friendly_name: format!("worker {number}"),
            activity: Some(activity),
            attributes: Attributes::new(attributes).expect("short"),
        }));
    }

    /// One command with the rows it touched.
    fn run(&mut self, command: Command) -> Reply {
        let mut turn = Turn::new(self.now, &mut self.ids);
        let reply =
            self.routing.handle(&mut turn, &command).expect("the benchmark asks nothing wrong");
        self.routing.rows(|_| ());
        for change in &turn.changes {
            if let Change::TaskOffered { task, reservations, .. } = change {
                self.offered.extend(reservations.iter().map(|one| (one.sid, *task)));
            }
        }
        reply
    }

    fn timed(&mut self, part: usize, command: Command) {
        let start = Instant::now();
        self.run(command);
        self.spent[part] += start.elapsed();
    }

    fn create(&mut self) {
        self.now = self.now + Millis(1);
        self.created += 1;
        let mix = self.created.wrapping_mul(0x9E37_79B9) >> 7;
        let attributes = format!(
            r#"{{"skill":"s{}","level":{},"language":"{}"}}"#,
            mix % SKILLS,
            1 + mix / SKILLS % LEVELS,
            LANGUAGES[mix / SKILLS / LEVELS % 2]
        );
        let attributes = Attributes::new(attributes).expect("short");
        let timeout_s = Some(1_209_600);
        self.timed(0, Command::CreateTask(NewTask { attributes, timeout_s, ..NewTask::default() }));
        self.accept();
    }

    fn accept(&mut self) {
        while let Some((sid, task)) = self.offered.pop() {
            self.timed(
                1,
                Command::UpdateReservation {
                    sid,
                    owner: ReservationOwner::Task(task),
                    if_match: IfMatch::Any,
                    step: ReservationStep::Accept,
                },
            );
            self.taken.push_back(task);
        }
    }

    fn complete(&mut self) {
        let Some(sid) = self.taken.pop_front() else { return };
        let patch = TaskPatch {
            status: Some(TaskStatus::Completed),
            reason: Some("done".to_owned()),
            ..TaskPatch::default()
        };
        self.timed(2, Command::UpdateTask { sid, if_match: IfMatch::Any, patch });
        self.accept();
    }

    /// Until so many tasks are open.
    fn fill(&mut self, tasks: usize) {
        (0..tasks).for_each(|_| self.create());
    }

    /// Microseconds of one assignment: the median of some slices.
    fn report(&mut self, label: usize) -> f64 {
        let mut slices: Vec<[f64; 4]> = (0..=SLICES).map(|_| self.slice()).skip(1).collect();
        slices.sort_by(|one, two| one[0].total_cmp(&two[0]));
        let [all, create, accept, complete] = slices[SLICES / 2];
        println!(
            "{label:>8} {:>12.0} {all:>8.2} {create:>8.2} {accept:>8.2} {complete:>8.2}",
            1e6 / all
        );
        all
    }

    fn slice(&mut self) -> [f64; 4] {
        self.spent = [Duration::ZERO; 3];
        for _ in 0..ROUNDS {
            self.create();
            self.complete();
        }
        let parts = self.spent.map(|spent| spent.as_secs_f64() * 1e6 / ROUNDS as f64);
        [parts.iter().sum(), parts[0], parts[1], parts[2]]
    }
}
