//! What each operation does: who may, then a read of rows, a question, or a command.

use super::{
    Bridge, caller::Caller, lists, operation::Operation, params::Params, participants, transfers,
    update,
};
use crate::answer::{self, Trouble};
use crate::names::lend;
use axum::{http::StatusCode, response::Response};
use host::{Names, Record};
use routing::{
    Answer, Question, Reservation, ReservationSid, ReservationStatus, Task, TaskQueueSid, TaskSid,
    Worker, WorkerSid, command::IfMatch,
};
use serde::Serialize;
use std::sync::Arc;
use store::{Filter, Scan, Test, Value};
use wire::bridge::{self, Payload};

/// A request, its operation apart.
pub(crate) struct Wanted<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) params: Params,
    pub(crate) if_match: IfMatch,
}

/// Answers with the payload.
pub(crate) async fn perform(
    bridge: &Bridge,
    operation: Operation,
    wanted: Wanted<'_>,
) -> Result<Response, Trouble> {
    use Operation as O;
    let caller = wanted.caller;
    match operation {
        O::ListActivities => lists::activities(caller, &wanted.params),
        O::ListWorkers => {
            caller.supervises()?;
            lists::workers(bridge, caller, &wanted.params).await
        }
        O::ListTaskQueues => {
            caller.supervises()?;
            lists::task_queues(bridge, caller, &wanted.params).await
        }
        O::FetchTaskQueue(sid) => fetch_task_queue(bridge, caller, sid),
        O::FetchWorker(sid) => {
            caller.speaks_for(sid)?;
            fetch_worker(bridge, caller, sid)
        }
        O::UpdateWorker(sid) => {
            caller.speaks_for(sid)?;
            update::worker(bridge, sid, wanted).await
        }
        O::ListWorkerChannels(sid) => {
            caller.speaks_for(sid)?;
            list_worker_channels(bridge, sid, wanted).await
        }
        O::ListReservations(sid) => {
            caller.speaks_for(sid)?;
            lists::reservations(bridge, sid, caller, &wanted.params).await
        }
        O::FetchReservation(worker, sid) => {
            caller.speaks_for(worker)?;
            fetch_reservation(bridge, caller, worker, sid)
        }
        O::UpdateReservation(worker, sid) => {
            caller.speaks_for(worker)?;
            update::reservation(bridge, worker, sid, wanted).await
        }
        O::CreateTransfer(worker) => {
            caller.speaks_for(worker)?;
            transfers::create(bridge, worker, wanted).await
        }
        O::UpdateTransfer(worker, sid) => {
            caller.speaks_for(worker)?;
            transfers::cancel(bridge, worker, sid, wanted).await
        }
        O::UpdateParticipant(worker, participant) => {
            caller.speaks_for(worker)?;
            participants::update(bridge, worker, participant, wanted).await
        }
        O::InstructOnTask(task, sid) => {
            caller.supervises()?;
            update::instruct(bridge, task, sid, wanted).await
        }
        O::CreateTask => update::create_task(bridge, wanted).await,
        O::FetchTask(sid) => fetch_task(bridge, caller, sid).await,
        O::UpdateTask(sid) => {
            may_touch(bridge, caller, sid, Hold::Taken).await?;
            update::task(bridge, sid, wanted).await
        }
    }
}

/// Wraps what was asked for.
pub(crate) fn payload(object: impl Serialize) -> Response {
    answer::json(StatusCode::OK, &Payload { payload: object })
}

/// The workspace's parts as they are now, for an answer that comes after a change.
pub(crate) fn names(bridge: &Bridge, caller: &Caller) -> Arc<Names> {
    bridge.host.names(caller.workspace).unwrap_or_else(|| caller.names.clone())
}

/// One row of the caller's workspace.
pub(crate) fn row<R: Record>(bridge: &Bridge, caller: &Caller, key: &str) -> Result<R, Trouble> {
    let row = bridge.host.fetch(&caller.workspace.to_string(), key)?;
    row.ok_or_else(|| Trouble::not_found(key))
}

/// A task that is still shown: ended ones are, for a while.
pub(crate) fn live_task(bridge: &Bridge, caller: &Caller, sid: TaskSid) -> Result<Task, Trouble> {
    let task: Task = row(bridge, caller, &sid.to_string())?;
    let shown_s = i64::from(routing::limits::ENDED_READABLE_S);
    let gone =
        task.ended_at.is_some_and(|ended| bridge.host.now() - ended >= base::Millis::secs(shown_s));
    if gone { Err(Trouble::not_found(&sid.to_string())) } else { Ok(task) }
}

fn fetch_worker(bridge: &Bridge, caller: &Caller, sid: WorkerSid) -> Result<Response, Trouble> {
    bridge.rooms.loading(sid, &caller.token_hash);
    let worker: Worker = row(bridge, caller, &sid.to_string())?;
    let names = names(bridge, caller);
    Ok(payload(bridge::Worker::new(&worker, bridge.rooms.bumps(sid), lend(&names))))
}

fn fetch_task_queue(
    bridge: &Bridge,
    caller: &Caller,
    sid: TaskQueueSid,
) -> Result<Response, Trouble> {
    caller.supervises()?;
    let queue = row(bridge, caller, &sid.to_string())?;
    Ok(payload(bridge::TaskQueue::new(&queue, lend(&caller.names))))
}

async fn fetch_task(bridge: &Bridge, caller: &Caller, sid: TaskSid) -> Result<Response, Trouble> {
    may_touch(bridge, caller, sid, Hold::Open).await?;
    let task = live_task(bridge, caller, sid)?;
    let (names, now) = (names(bridge, caller), bridge.host.now());
    Ok(payload(bridge::Task::new(&task, lend(&names), now)))
}

fn fetch_reservation(
    bridge: &Bridge,
    caller: &Caller,
    worker: WorkerSid,
    sid: ReservationSid,
) -> Result<Response, Trouble> {
    let reservation: Reservation = row(bridge, caller, &sid.to_string())?;
    if reservation.worker != worker {
        return Err(Trouble::not_found(&sid.to_string()));
    }
    if !caller.supervisor && !reservation.status.is_open() {
        // The task is shown with it, and goes on without this worker.
        return Err(Trouble::forbidden("The worker no longer holds this reservation"));
    }
    let task = live_task(bridge, caller, reservation.task)?;
    let worker: Worker = row(bridge, caller, &worker.to_string())?;
    let (names, now) = (names(bridge, caller), bridge.host.now());
    let name = Some(worker.friendly_name.as_str());
    let transfer = transfers::past(bridge, caller, &reservation)?;
    let shown = bridge::Reservation::new(&reservation, &task, name, lend(&names), now);
    Ok(payload(shown.handed_over_by(transfer.as_ref())))
}

async fn list_worker_channels(
    bridge: &Bridge,
    sid: WorkerSid,
    wanted: Wanted<'_>,
) -> Result<Response, Trouble> {
    let caller = wanted.caller;
    let answer = bridge.host.ask(caller.workspace, Question::WorkerChannels(sid)).await?;
    let Answer::WorkerChannels(channels) = answer else { return Err(Trouble::internal()) };
    let names = names(bridge, caller);
    let page = lists::page(&channels, &wanted.params, |channel| channel.sid.to_string())?;
    Ok(payload(page.map(|channel| bridge::WorkerChannel::new(channel, lend(&names)))))
}

/// Which reservation gives a worker a hold on a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// One that is open, offers included: enough to look.
    Open,
    /// One that was accepted and is not over: needed to change.
    Taken,
}

impl Hold {
    const fn is_given_by(self) -> &'static [ReservationStatus] {
        use ReservationStatus as S;
        match self {
            Self::Open => &[S::Pending, S::Accepted, S::Wrapping],
            Self::Taken => &[S::Accepted, S::Wrapping],
        }
    }
}

/// A worker touches tasks by reservation only; supervisors touch all.
pub(crate) async fn may_touch(
    bridge: &Bridge,
    caller: &Caller,
    task: TaskSid,
    hold: Hold,
) -> Result<(), Trouble> {
    if caller.supervisor {
        return Ok(());
    }
    let worker = caller.worker.ok_or_else(|| Trouble::not_found(&task.to_string()))?;
    let is = |column, value: String| {
        let test = Test::OneOf(vec![Value::from(value.as_str())]);
        Filter { column, test }
    };
    let given_by = hold.is_given_by().iter().map(|status| Value::from(status.as_str())).collect();
    let filters = vec![
        is("task", task.to_string()),
        is("worker", worker.to_string()),
        Filter { column: "live", test: Test::OneOf(vec![Value::Int(1)]) },
        Filter { column: "status", test: Test::OneOf(given_by) },
    ];
    let partition = Some(caller.workspace.to_string().into());
    let table = Reservation::TABLE;
    let scan = Scan { table, partition, filters, order: Vec::new(), after: None, limit: 1 };
    match bridge.host.list::<Reservation>(scan).await?.is_empty() {
        false => Ok(()),
        true => Err(Trouble::forbidden("The worker does not hold this task")),
    }
}
