//! `GET /chat/demo/updates`: a visitor's place, pushed when it changes.

use super::{Desk, Shared, bounds::Counted, token::Visit};
use crate::{
    answer::Trouble,
    clock::real_now_s,
    socket::{self, End, HEARTBEAT, Outbox, Schedule, boxes},
};
use axum::{
    extract::{
        Query, State,
        ws::{WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use host::{Ticks, Topic};
use routing::{Answer, Question, Task, TaskQueueSid, TaskStatus, Worker, WorkerSid};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// A place is looked up at most this often: a busy queue changes many times a second, and to find a
/// place takes longer the more tasks are ahead.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Events of one task that may wait.
const EVENTS_WAITING_MAX: usize = 64;

/// The query.
#[derive(Deserialize)]
pub(super) struct Asked {
    token: Option<String>,
}

/// All that a visitor is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Told {
    Waiting { ahead: u64 },
    Taken { agent: String },
    Ended,
}

/// Proves the token, then upgrades.
pub(super) async fn open(
    State(desk): State<Desk>,
    Query(asked): Query<Asked>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Trouble> {
    let desk = desk.0;
    let token = asked.token.as_deref().unwrap_or_default();
    let account = |sid| desk.host.names(sid).map(|names| names.account);
    let visit = desk.signer.prove(&desk.host.directory(), token, account);
    let visit = visit.ok_or_else(|| Trouble::unauthenticated("This request has expired"))?;
    let upgrade = upgrade.map_err(|error| Trouble::invalid(error.body_text()))?;
    Ok(socket::sized(upgrade).on_upgrade(move |socket| async move {
        match desk.sockets.open(visit.task) {
            Some(counted) => serve(desk, visit, socket, counted).await,
            None => socket::refuse(socket, End::Crowded).await,
        }
    }))
}

async fn serve(desk: Arc<Shared>, visit: Visit, socket: WebSocket, _counted: Counted) {
    let left_s = (visit.expires_s - real_now_s()).max(0).unsigned_abs();
    let (_never_held, held_until) = watch::channel(Instant::now());
    let expires = Instant::now() + Duration::from_secs(left_s);
    let may_stay = Box::new(|| true);
    let schedule = Schedule { expires, held_until, heartbeat: HEARTBEAT, may_stay };
    let (outbox, inbox) = boxes();
    let telling = tokio::spawn(tell(desk, visit, outbox));
    socket::run(socket, inbox, schedule).await;
    telling.abort();
}

/// Says where the task stands, again whenever that changes, until it is over.
async fn tell(desk: Arc<Shared>, visit: Visit, outbox: Outbox) {
    let mut events = desk.host.subscribe(Topic::Task(visit.task), EVENTS_WAITING_MAX);
    let mut queue: Option<(TaskQueueSid, Ticks)> = None;
    let mut last = None;
    loop {
        // Listening before looking: a change in between is looked at again.
        let at = queue_of(&desk, visit);
        if queue.as_ref().map(|(sid, _)| *sid) != at {
            queue = at.map(|sid| (sid, desk.host.ticks(sid)));
        }
        let Ok(told) = look(&desk, visit).await else { return };
        let looked_at = Instant::now();
        if last.as_ref() != Some(&told) {
            let text = serde_json::to_string(&told).expect("a place is plain JSON");
            if !outbox.put(text.into()) {
                return;
            }
        }
        if told == Told::Ended {
            return outbox.end(End::Told);
        }
        last = Some(told);
        tokio::select! {
            event = events.next() => if event.is_none() {
                return;
            },
            () = ticked(queue.as_mut()) => {}
        }
        // What else changes until then is looked at with it.
        sleep_until(looked_at + LOOK_EVERY).await;
        while events.try_next().is_some() {}
    }
}

/// Waits for a change of the queue's order.
async fn ticked(queue: Option<&mut (TaskQueueSid, Ticks)>) {
    let changed = match queue {
        Some((_, ticks)) => ticks.next().await,
        None => None,
    };
    if changed.is_none() {
        // Without a queue there is no order to wait for; the task's own events still come.
        std::future::pending::<()>().await;
    }
}

fn queue_of(desk: &Shared, visit: Visit) -> Option<TaskQueueSid> {
    task(desk, visit).and_then(|task| task.queue)
}

fn task(desk: &Shared, visit: Visit) -> Option<Task> {
    let row = desk.host.fetch::<Task>(&visit.workspace.to_string(), &visit.task.to_string());
    row.ok().flatten()
}

/// Why nothing can be said now; the visitor's page tries again.
#[derive(Debug)]
struct NotNow;

async fn look(desk: &Shared, visit: Visit) -> Result<Told, NotNow> {
    if desk.host.names(visit.workspace).is_none() {
        return Ok(Told::Ended);
    }
    let asked = desk.host.ask(visit.workspace, Question::Place(visit.task)).await;
    let Ok(Answer::Place(place)) = asked else { return Err(NotNow) };
    Ok(match place.status {
        Some(TaskStatus::Pending | TaskStatus::Reserved) => Told::Waiting { ahead: place.ahead },
        Some(TaskStatus::Assigned | TaskStatus::Wrapping) => {
            Told::Taken { agent: agent(desk, visit, place.worker) }
        }
        Some(TaskStatus::Completed | TaskStatus::Canceled) | None => Told::Ended,
    })
}

/// How the worker wants to be called: `full_name` of the attributes, else the worker's own name.
fn agent(desk: &Shared, visit: Visit, worker: Option<WorkerSid>) -> String {
    #[derive(Deserialize)]
    struct Called {
        full_name: Option<String>,
    }
    let row = worker.and_then(|sid| {
        desk.host.fetch::<Worker>(&visit.workspace.to_string(), &sid.to_string()).ok().flatten()
    });
    let Some(row) = row else { return String::new() };
    let called = serde_json::from_str::<Called>(row.attributes.text()).ok();
    called.and_then(|called| called.full_name).unwrap_or(row.friendly_name)
}
