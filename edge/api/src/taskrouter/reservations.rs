//! Reservations, addressed through their task or their worker.

use super::{
    filters::{any_sid, is, scan},
    read::{self, unexpected},
};
use crate::{Answer, Cx, Listing, Param, ParamKind, Permit, Problem, Reply, Routes, Shape, wrong};
use base::Sid;
use routing::{
    Command, Reservation, ReservationSid, TaskSid, Worker, WorkerSid,
    command::{ReservationOwner, ReservationStep},
};
use store::{Filter, Test, Value};
use wire::rest::{self, Through};

const STATUSES: &[&str] = &[
    "pending",
    "accepted",
    "rejected",
    "timeout",
    "canceled",
    "rescinded",
    "wrapping",
    "completed",
];
const LIST_OF_TASK: &[Param] = &[
    Param::optional("ReservationStatus", ParamKind::Word(STATUSES)),
    Param::optional("WorkerSid", ParamKind::Sid("WK")),
];
const LIST_OF_WORKER: &[Param] = &[Param::optional("ReservationStatus", ParamKind::Word(STATUSES))];
const UPDATE: &[Param] = &[
    Param::optional("ReservationStatus", ParamKind::Word(STATUSES)),
    Param::optional("WorkerActivitySid", ParamKind::Sid("WA")),
    Param::optional("Instruction", ParamKind::Text),
    Param::optional("CallTo", ParamKind::Text),
    Param::optional("CallFrom", ParamKind::Text),
    Param::optional("CallUrl", ParamKind::Url),
    Param::optional("CallAccept", ParamKind::Boolean),
    Param::optional("CallRecord", ParamKind::Text),
    Param::optional("CallTimeout", ParamKind::Integer),
    Param::optional("CallStatusCallbackUrl", ParamKind::Url),
    Param::optional("DequeueTo", ParamKind::Text),
    Param::optional("DequeueFrom", ParamKind::Text),
    Param::optional("DequeuePostWorkActivitySid", ParamKind::Sid("WA")),
    Param::optional("DequeueRecord", ParamKind::Text),
    Param::optional("DequeueTimeout", ParamKind::Integer),
    Param::optional("DequeueStatusCallbackUrl", ParamKind::Url),
    Param::optional("DequeueStatusCallbackEvent", ParamKind::Text),
    Param::optional("RedirectCallSid", ParamKind::Sid("CA")),
    Param::optional("RedirectUrl", ParamKind::Url),
    Param::optional("RedirectAccept", ParamKind::Boolean),
    Param::optional("To", ParamKind::Text),
    Param::optional("From", ParamKind::Text),
    Param::optional("PostWorkActivitySid", ParamKind::Sid("WA")),
    Param::optional("Timeout", ParamKind::Integer),
    Param::optional("StatusCallback", ParamKind::Url),
    Param::optional("StatusCallbackMethod", ParamKind::Text),
    Param::optional("StatusCallbackEvent", ParamKind::Text),
    Param::optional("Record", ParamKind::Boolean),
    Param::optional("Muted", ParamKind::Boolean),
    Param::optional("Beep", ParamKind::Text),
    Param::optional("StartConferenceOnEnter", ParamKind::Boolean),
    Param::optional("EndConferenceOnExit", ParamKind::Boolean),
    Param::optional("WaitUrl", ParamKind::Url),
    Param::optional("WaitMethod", ParamKind::Text),
    Param::optional("EarlyMedia", ParamKind::Boolean),
    Param::optional("MaxParticipants", ParamKind::Integer),
    Param::optional("ConferenceStatusCallback", ParamKind::Url),
    Param::optional("ConferenceStatusCallbackMethod", ParamKind::Text),
    Param::optional("ConferenceStatusCallbackEvent", ParamKind::Text),
    Param::optional("ConferenceRecord", ParamKind::Text),
    Param::optional("ConferenceTrim", ParamKind::Text),
    Param::optional("RecordingChannels", ParamKind::Text),
    Param::optional("RecordingStatusCallback", ParamKind::Url),
    Param::optional("RecordingStatusCallbackMethod", ParamKind::Text),
    Param::optional("ConferenceRecordingStatusCallback", ParamKind::Url),
    Param::optional("ConferenceRecordingStatusCallbackMethod", ParamKind::Text),
    Param::optional("Region", ParamKind::Text),
    Param::optional("SipAuthUsername", ParamKind::Text),
    Param::optional("SipAuthPassword", ParamKind::Text),
    Param::optional("EndConferenceOnCustomerExit", ParamKind::Boolean),
    Param::optional("BeepOnCustomerEntrance", ParamKind::Boolean),
    Param::optional("JitterBufferSize", ParamKind::Text),
    Param::optional("Supervisor", ParamKind::Sid("WK")),
    Param::optional("SupervisorMode", ParamKind::Word(&["monitor", "whisper", "barge"])),
];

pub(super) fn routes_of_tasks() -> Routes {
    let schema = &rest::Reservation::SCHEMA_OF_TASK;
    Routes::at("/v1/Workspaces/{workspace}/Tasks/{task}/Reservations")
        .get("", "task_reservation.list", Permit::Read, list_of_task)
        .params(LIST_OF_TASK)
        .answers(Shape::List("reservations", schema))
        .get("/{reservation}", "task_reservation.fetch", Permit::Read, fetch_of_task)
        .answers(Shape::One(schema))
        .post("/{reservation}", "task_reservation.update", Permit::Write, update_of_task)
        .conditional()
        .params(UPDATE)
        .answers(Shape::One(schema))
}

pub(super) fn routes_of_workers() -> Routes {
    let schema = &rest::Reservation::SCHEMA_OF_WORKER;
    Routes::at("/v1/Workspaces/{workspace}/Workers/{worker}/Reservations")
        .get("", "worker_reservation.list", Permit::Read, list_of_worker)
        .params(LIST_OF_WORKER)
        .answers(Shape::List("reservations", schema))
        .get("/{reservation}", "worker_reservation.fetch", Permit::Read, fetch_of_worker)
        .answers(Shape::One(schema))
        .post("/{reservation}", "worker_reservation.update", Permit::Write, update_of_worker)
        .conditional()
        .params(UPDATE)
        .answers(Shape::One(schema))
}

async fn list_of_task(cx: Cx) -> Reply {
    let mut filters = by_status(&cx)?;
    let task = read::task(&cx)?.sid;
    filters.push(any_sid("task", [task]));
    if let Some(worker) = cx.input.sid::<WorkerSid>("WorkerSid")? {
        filters.push(any_sid("worker", [worker]));
    }
    list(&cx, filters, |_| Ok(true), Through::Task).await
}

async fn list_of_worker(cx: Cx) -> Reply {
    let mut filters = by_status(&cx)?;
    filters.push(any_sid("worker", [read::worker(&cx)?.sid]));
    filters.push(newer_than(read::oldest_readable(&cx).await?));
    let is_readable = |one: &Reservation| Ok(read::readable(&cx, one.task)?.is_some());
    list(&cx, filters, is_readable, Through::Worker).await
}

/// Reservations of a task come after it, and SIDs sort by creation: those of the many tasks that
/// ended long ago are not looked at.
fn newer_than(task: Option<TaskSid>) -> Filter {
    let Some(task) = task else { return any_sid("key", None::<Sid>) };
    let least = Sid::new(*b"WR", task.sid().body());
    Filter { column: "key", test: Test::AtLeast(Value::from(least.to_string().as_str())) }
}

async fn fetch_of_task(cx: Cx) -> Reply {
    let task = read::task(&cx)?.sid;
    let reservation = in_path(&cx)?;
    if reservation.task != task {
        return Err(cx.not_found());
    }
    show(&cx, &reservation, worker_name(&cx, &reservation)?.as_deref(), Through::Task)
}

async fn fetch_of_worker(cx: Cx) -> Reply {
    let worker = read::worker(&cx)?.sid;
    let reservation = in_path(&cx)?;
    if reservation.worker != worker || read::readable(&cx, reservation.task)?.is_none() {
        return Err(cx.not_found());
    }
    show(&cx, &reservation, worker_name(&cx, &reservation)?.as_deref(), Through::Worker)
}

async fn update_of_task(cx: Cx) -> Reply {
    let owner = ReservationOwner::Task(cx.path_sid("task")?);
    update(cx, owner, Through::Task).await
}

async fn update_of_worker(cx: Cx) -> Reply {
    let owner = ReservationOwner::Worker(cx.path_sid("worker")?);
    update(cx, owner, Through::Worker).await
}

async fn list(
    cx: &Cx,
    filters: Vec<Filter>,
    is_shown: impl Fn(&Reservation) -> Result<bool, Problem>,
    through: Through,
) -> Reply {
    let listing = Listing::of("reservations", scan::<Reservation>(cx, filters));
    cx.list_where::<Reservation>(listing, is_shown, |reservation, items| {
        let name = worker_name(cx, reservation)?;
        let (name, names) = (name.as_deref(), cx.names());
        items.push(&rest::Reservation::new(reservation, name, through, names, cx.base()));
        Ok(())
    })
    .await
}

fn show(cx: &Cx, reservation: &Reservation, worker: Option<&str>, through: Through) -> Reply {
    let shown = rest::Reservation::new(reservation, worker, through, cx.names(), cx.base());
    Ok(Answer::ok(&shown).etag(reservation.version))
}

async fn update(cx: Cx, owner: ReservationOwner, through: Through) -> Reply {
    let (sid, if_match, step) = (cx.path_sid("reservation")?, cx.if_match, step(&cx)?);
    match cx.command(Command::UpdateReservation { sid, owner, if_match, step }).await? {
        routing::Reply::Reservation(reservation, _, name) => {
            show(&cx, &reservation, Some(&name), through)
        }
        reply => Err(unexpected(&reply)),
    }
}

fn in_path(cx: &Cx) -> Result<Reservation, Problem> {
    cx.fetch_path::<Reservation, ReservationSid>("reservation")
}

fn worker_name(cx: &Cx, reservation: &Reservation) -> Result<Option<String>, Problem> {
    Ok(cx.fetch::<Worker>(&reservation.worker.sid())?.map(|worker| worker.friendly_name))
}

fn by_status(cx: &Cx) -> Result<Vec<Filter>, Problem> {
    let known = |word: &str| STATUSES.iter().copied().find(|status| *status == word);
    let status = cx.input.word("ReservationStatus", known)?;
    Ok(status.map(|status| is("status", status)).into_iter().collect())
}

/// A status, or an instruction that comes to the same. Those that need voice are refused.
fn step(cx: &Cx) -> Result<ReservationStep, Problem> {
    match (cx.input.text("ReservationStatus"), cx.input.text("Instruction")) {
        (Some("accepted"), None) => Ok(ReservationStep::Accept),
        (Some("rejected"), None) => {
            Ok(ReservationStep::Reject { activity: cx.input.sid("WorkerActivitySid")? })
        }
        (Some("wrapping"), None) => Ok(ReservationStep::Wrap),
        (Some("completed"), None) => Ok(ReservationStep::Complete),
        (None, Some(instruction)) => {
            let values = |name: &str| cx.input.all(name).map(str::to_owned).collect();
            Ok(wire::instruction::of_parameters(instruction, values)?.into())
        }
        (Some(_), Some(_)) => Err(wrong("Instruction", "excludes ReservationStatus")),
        (_, None) => {
            Err(wrong("ReservationStatus", "must be accepted, rejected, wrapping or completed"))
        }
    }
}
