//! How long a call about the present of 50 queues holds a workspace of 15 000 workers and 5 000
//! queues: `cargo run --release -p routing --example real_time`

// A benchmark measures real time; the ban is for the engine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use base::{Attributes, IdSource, Timestamp};
use routing::{command::*, *};
use std::time::Instant;

const WORKERS: usize = 15_000;
const QUEUES: usize = 5_000;
const TASKS: usize = 50_000;
const CALLS: usize = 2_000;

fn main() {
    let (mut routing, mut ids) = (Routing::new(), IdSource::new(1));
    let mut now = Timestamp(1_767_225_600_000);
    let mut run = |routing: &mut Routing, command: Command| {
        now = Timestamp(now.0 + 1);
        let mut turn = Turn::new(now, &mut ids);
        let reply = routing.handle(&mut turn, &command).expect("nothing wrong is asked");
        routing.rows(|_| {});
        reply
    };
    let named = |friendly_name: String| NewWorkspace { friendly_name, ..NewWorkspace::default() };
    run(&mut routing, Command::CreateWorkspace(named("large".to_owned())));
    let mut queues = Vec::new();
    for n in 0..QUEUES {
        let new = NewTaskQueue {
            friendly_name: format!("queue {n}"),
            target_workers: Some(format!("skill == {} OR skill == {}", n % 64, n % 61)),
            ..NewTaskQueue::default()
        };
        let Reply::TaskQueue(queue) = run(&mut routing, Command::CreateTaskQueue(new)) else {
            panic!("a queue is made")
        };
        queues.push(queue.sid);
    }
    for n in 0..WORKERS {
        let attributes = Attributes::new(format!("{{\"skill\": {}}}", n % 64)).expect("short");
        let new = NewWorker { friendly_name: format!("{n}"), attributes, activity: None };
        run(&mut routing, Command::CreateWorker(new));
    }
    let before = Instant::now();
    for n in 0..TASKS {
        let routing_target = Some(queues[n * 7 % QUEUES].sid());
        run(&mut routing, Command::CreateTask(NewTask { routing_target, ..NewTask::default() }));
    }
    println!("{TASKS} tasks made, {} ns each", before.elapsed().as_nanos() / TASKS as u128);
    let mut spent: Vec<_> = (0..CALLS)
        .map(|call| {
            let some = queues.iter().cycle().skip(call * 50 % QUEUES).take(50);
            let of = some.map(|queue| Whole::TaskQueue(*queue)).collect();
            let question = Question::RealTime { of, channel: None };
            let started = Instant::now();
            let answer = routing.ask(&question, now).expect("it is there");
            assert!(matches!(answer, Answer::RealTime(found) if found.len() == 50));
            started.elapsed()
        })
        .collect();
    spent.sort_unstable();
    println!(
        "50 queues: p50 {:?}, p99 {:?}, most {:?}",
        spent[CALLS / 2],
        spent[CALLS * 99 / 100],
        spent[CALLS - 1]
    );
    let started = Instant::now();
    let _ = routing.ask(&Question::Doing(WorkersOf::default()), now);
    println!("what {WORKERS} workers are doing: {:?}", started.elapsed());
}
