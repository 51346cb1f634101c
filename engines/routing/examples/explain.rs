//! How long one look of Explain holds a large workspace, and what the explanation costs elsewhere.
//!
//! `cargo run --release -p routing --example explain -- [workers] [queues] [tasks]`

// A benchmark measures real time; the ban is for the engine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use base::{Attributes, IdSource, Timestamp};
use routing::{
    command::*,
    explain::{Detail, Look},
    *,
};
use std::time::Instant;

const LOOKS: usize = 2_000;

struct Centre {
    routing: Routing,
    ids: IdSource,
    now: Timestamp,
}

impl Centre {
    fn must(&mut self, command: &Command) -> Reply {
        let mut turn = Turn::new(self.now, &mut self.ids);
        let reply = self.routing.handle(&mut turn, command);
        self.routing.rows(|_| ());
        reply.unwrap_or_else(|rejection| panic!("{rejection}"))
    }
}

fn attributes(text: String) -> Attributes {
    Attributes::new(text).expect("short")
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let size = |at: usize, default| sizes.get(at).copied().unwrap_or(default);
    let (workers, queues, tasks) = (size(0, 15_000), size(1, 5_000), size(2, 500_000));
    let ids = IdSource::new(1);
    let mut centre = Centre { routing: Routing::new(), ids, now: Timestamp(1_767_225_600_000) };
    let new = NewWorkspace { friendly_name: "W".to_owned(), ..NewWorkspace::default() };
    centre.must(&Command::CreateWorkspace(new));
    settle_in(&mut centre, workers, queues);
    let mut workflows = Vec::new();
    centre.routing.all_rows(|row| {
        if let RowRef::Workflow(workflow) = row {
            workflows.push(workflow.sid);
        }
    });
    let mut made = Vec::new();
    for at in 0..tasks {
        let queue = at % queues;
        let new = NewTask {
            attributes: attributes(format!(r#"{{"q":{queue},"level":{}}}"#, at % 4)),
            workflow: workflows.get(queue / 50).copied(),
            ..NewTask::default()
        };
        if let Reply::Task(task) = centre.must(&Command::CreateTask(new)) {
            made.push(task.sid);
        }
    }
    println!("{workers} workers, {queues} queues, {tasks} tasks");
    for limit in [50, 200, 1_000] {
        measure(&centre, &made, workers, limit);
    }
}

/// Queues, the workflows that lead to them, and workers.
fn settle_in(centre: &mut Centre, workers: usize, queues: usize) {
    let mut filters = Vec::new();
    for at in 0..queues {
        let new = NewTaskQueue {
            friendly_name: format!("q{at}"),
            target_workers: Some(format!("skills HAS 's{at}'")),
            ..NewTaskQueue::default()
        };
        let Reply::TaskQueue(queue) = centre.must(&Command::CreateTaskQueue(new)) else { return };
        let sid = queue.sid;
        filters.push(format!(
            r#"{{"expression":"q == {at}","targets":[{{"queue":"{sid}",
            "expression":"worker.level >= task.level"}}]}}"#
        ));
    }
    for chunk in filters.chunks(50) {
        let configuration = format!(r#"{{"filters":[{}]}}"#, chunk.join(","));
        let friendly_name = "wf".to_owned();
        let new = NewWorkflow { friendly_name, configuration, ..NewWorkflow::default() };
        centre.must(&Command::CreateWorkflow(new));
    }
    for at in 0..workers {
        let (one, two) = (at % queues, (at * 7 + 3) % queues);
        let text = format!(r#"{{"skills":["s{one}","s{two}"],"level":{}}}"#, at % 3);
        let (friendly_name, attributes) = (format!("w{at}"), attributes(text));
        centre.must(&Command::CreateWorker(NewWorker {
            friendly_name,
            attributes,
            ..NewWorker::default()
        }));
    }
}

/// Looks at tasks here and there.
fn measure(centre: &Centre, made: &[TaskSid], workers: usize, limit: usize) {
    let (mut held, mut told) = (Vec::new(), Vec::new());
    for at in 0..LOOKS {
        let task = made[at * 7_919 % made.len()];
        let look = Look { limit, ..Look::of(task) };
        let begun = Instant::now();
        let answer = centre.routing.ask(&Question::Explain(look), centre.now);
        held.push(begun.elapsed());
        let Ok(Answer::Seen(sight)) = answer else { return };
        if at % 20 == 0 {
            let begun = Instant::now();
            let explanation = sight.explain(Detail::Full);
            told.push(begun.elapsed());
            assert!(explanation.counts["workers"] == workers);
        }
    }
    held.sort_unstable();
    told.sort_unstable();
    let at = |times: &[std::time::Duration], share: usize| times[times.len() * share / 100];
    let last = held.last().copied().unwrap_or_default();
    println!(
        "page of {limit}: held p50 {:?} p99 {:?} max {last:?}; explained elsewhere p50 {:?}",
        at(&held, 50),
        at(&held, 99),
        at(&told, 50)
    );
}
