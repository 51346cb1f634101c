//! Decisions a second of the engine alone, and assignments with everything written down.
//!
//! `cargo run --release -p routing --example decisions`
//!
//! A decision is the choice of the worker a task would be offered to next, or of nobody, among
//! 10 000 workers, for tasks with 64 different expressions: by the index, with nothing recorded.
//! Rates are per second of processor time, where the system tells it: others may use the machine.

// A benchmark measures real time; the ban is for the engine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use base::{Attributes, IdSource, Millis, Timestamp};
use routing::{command::*, *};
use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

const WORKERS: usize = 10_000;
const SKILLS: usize = 16;
const LANGUAGES: [&str; 2] = ["en", "de"];
const LEVELS: usize = 2;
const SLICES: usize = 5;
const ROUNDS: usize = 400_000;
const TARGET: &str = "worker.skills HAS task.skill AND worker.level >= task.level \
    AND worker.languages HAS task.language";

fn main() {
    println!("{WORKERS} workers, 64 expressions");
    println!("{:<34} {:>12} {:>10}", "workers with room", "decisions/s", "found");
    for (name, busy) in [("all", 0), ("half", WORKERS / 2), ("nobody", WORKERS * 2)] {
        let mut bench = Bench::new();
        bench.fill(busy);
        let tasks = bench.one_of_each();
        let mut rates: Vec<(f64, usize)> = (0..SLICES).map(|_| bench.decide(&tasks)).collect();
        rates.sort_by(|one, two| one.0.total_cmp(&two.0));
        let (rate, found) = rates[SLICES / 2];
        let share = found as f64 * 100.0 / ROUNDS as f64;
        println!("{name:<34} {rate:>12.0} {share:>9.0}%");
    }
    let mut bench = Bench::new();
    bench.fill(WORKERS / 2);
    let (start, count) = (worked(), 4_000);
    bench.fill(count);
    let rate = count as f64 / (worked() - start).as_secs_f64();
    println!("{:<34} {rate:>12.0}", "created, offered and recorded/s");
}

/// Time of one core that this thread used; real time where nobody counts it.
fn worked() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let used = text.split(' ').next().and_then(|ns| ns.parse().ok()).map(Duration::from_nanos);
    used.unwrap_or_else(|| START.get_or_init(Instant::now).elapsed())
}

struct Bench {
    routing: Routing,
    ids: IdSource,
    now: Timestamp,
    created: usize,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            routing: Routing::new(),
            ids: IdSource::new(1),
            now: Timestamp(1_767_225_600_000),
            created: 0,
        };
        bench.run(Command::CreateWorkspace(NewWorkspace {
            friendly_name: "bench".to_owned(),
            ..NewWorkspace::default()
        }));
        let queue = NewTaskQueue { friendly_name: "all".to_owned(), ..NewTaskQueue::default() };
        let Reply::TaskQueue(queue) = bench.run(Command::CreateTaskQueue(queue)) else { panic!() };
        bench.run(Command::CreateWorkflow(NewWorkflow {
            friendly_name: "by skill".to_owned(),
            configuration: format!(
                r#"{{"task_routing":{{"filters":[{{"expression":"1==1","targets":
                    [{{"queue":"{}","expression":"{TARGET}"}}]}}]}}}}"#,
                queue.sid
            ),
            task_reservation_timeout_s: Some(86_400),
            ..NewWorkflow::default()
        }));
        let ready = NewActivity { friendly_name: "Ready".to_owned(), available: true };
        let Reply::Activity(ready) = bench.run(Command::CreateActivity(ready)) else { panic!() };
        for number in 0..WORKERS {
            let (a, b) = (number % SKILLS, (number * 7 + number / SKILLS + 1) % SKILLS);
            let attributes = format!(
                r#"{{"skills":["s{a}","s{b}"],"level":{},"languages":["{}"]}}"#,
                1 + number / 3 % 3,
                LANGUAGES[number / 5 % 2]
            );
            bench.run(Command::CreateWorker(NewWorker {
                friendly_name: format!("worker {number}"),
                activity: Some(ready.sid),
                attributes: Attributes::new(attributes).expect("short"),
            }));
        }
        bench
    }

    fn run(&mut self, command: Command) -> Reply {
        let mut turn = Turn::new(self.now, &mut self.ids);
        let reply = self.routing.handle(&mut turn, &command).expect("nothing wrong is asked");
        self.routing.rows(|_| ());
        reply
    }

    fn create(&mut self, mix: usize) -> TaskSid {
        self.now = self.now + Millis(1);
        let attributes = format!(
            r#"{{"skill":"s{}","level":{},"language":"{}"}}"#,
            mix % SKILLS,
            1 + mix / SKILLS % LEVELS,
            LANGUAGES[mix / SKILLS / LEVELS % 2]
        );
        let attributes = Attributes::new(attributes).expect("short");
        let timeout_s = Some(1_209_600);
        let new = NewTask { attributes, timeout_s, ..NewTask::default() };
        let Reply::Task(task) = self.run(Command::CreateTask(new)) else { panic!() };
        task.sid
    }

    /// So many tasks, most of them on offer afterwards.
    fn fill(&mut self, tasks: usize) {
        for _ in 0..tasks {
            self.created += 1;
            let mix = self.created.wrapping_mul(0x9E37_79B9) >> 7;
            self.create(mix);
        }
    }

    fn one_of_each(&mut self) -> Vec<TaskSid> {
        (0..SKILLS * LEVELS * 2).map(|mix| self.create(mix)).collect()
    }

    /// Decisions a second, and how many found somebody.
    fn decide(&mut self, tasks: &[TaskSid]) -> (f64, usize) {
        let (start, mut found) = (worked(), 0);
        for round in 0..ROUNDS {
            let task = tasks[round % tasks.len()];
            found += usize::from(self.routing.decide(task, self.now).is_some());
        }
        (ROUNDS as f64 / (worked() - start).as_secs_f64(), found)
    }
}
