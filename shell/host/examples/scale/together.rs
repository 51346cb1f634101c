//! The same workspace served by a host, with commits and everything.

use crate::shape::{Place, new_task, of_worker};
use crate::{QUEUES, all_worked, memory};
use base::Attributes;
use host::{ClockKind, Host, Options, Topic};
use routing::{command::*, *};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use store::Store;

/// Starts a host on the store and puts load on it.
pub(crate) fn run(store: Arc<dyn Store>, place: &Place) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let (before, start, spent) = (memory(), Instant::now(), all_worked());
        let options = Options { clock: ClockKind::System, seed: Some(3), ..Options::default() };
        let host = Host::start(store, &options).expect("the store is read");
        let grown = memory().saturating_sub(before) >> 20;
        let (took, spent) = (start.elapsed(), all_worked() - spent);
        println!("\nready in {took:.2?} ({spent:.2?} of processor time), {grown} MiB more");
        closed(&host, place, 64, 6).await;
        println!("\ncreate to offer at 100 a second, ms: p50, p99, max");
        for meanwhile in Meanwhile::ALL {
            open_loop(&host, place, meanwhile).await;
        }
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
    Statistics,
    Explain,
    Ordering,
    Capacity,
    ReEvaluation,
}

impl Meanwhile {
    const ALL: [Self; 9] = [
        Self::Nothing,
        Self::Attributes,
        Self::Expression,
        Self::Listing,
        Self::Statistics,
        Self::Explain,
        Self::Ordering,
        Self::Capacity,
        Self::ReEvaluation,
    ];
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
const SECONDS: u64 = 7;

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
        Meanwhile::Statistics => {
            let of = place.queues.iter().skip(round * 50).take(50);
            let of = of.map(|queue| Whole::TaskQueue(*queue)).collect();
            return ask(host, place, Question::RealTime { of, channel: None });
        }
        Meanwhile::Explain => {
            let task = place.tasks[round * 7_919 % place.tasks.len()];
            return ask(host, place, Question::Explain(explain::Look::of(task)));
        }
        Meanwhile::Ordering => Command::SetOrdering {
            queue: place.queues[2 + round % 10],
            if_match: IfMatch::Any,
            body: serde_json::json!({"by": "deadline", "service_level_s": 60 + round}),
        },
        Meanwhile::Capacity => Command::SetCapacity {
            if_match: IfMatch::Any,
            body: serde_json::json!({"rules": [
                {"name": "together", "channels": ["voice", "chat"], "limit": 3 + round % 2},
            ]}),
        },
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

fn ask(host: &Host, place: &Place, question: Question) {
    let (host, workspace) = (host.clone(), place.workspace);
    tokio::spawn(async move { host.ask(workspace, question).await.is_ok() });
}
