//! Transfers over REST: what the browser library can do, for those who have no browser.

use super::instant;
use crate::taskrouter::{
    filters::{any_sid, scan},
    read,
};
use crate::{Answer, Cx, Listing, Param, ParamKind, Permit, Problem, Reply, Routes, wrong};
use access::Role;
use base::Attributes;
use routing::{
    Command, ReservationSid, TaskSid, Transfer, TransferMode, TransferSid, TransferTarget,
    WorkerSid, command::NewTransfer,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/Tasks/{task}/Transfers")
        .json()
        .get("", "transfer.list", Permit::Read, list)
        .post("", "transfer.create", Permit::Work, create)
        .params(&[
            Param::required("reservation_sid", ParamKind::Sid("WR")),
            Param::required("to", ParamKind::Text),
            Param::optional("mode", ParamKind::Word(&["WARM", "COLD"])),
            Param::optional("attributes", ParamKind::Json),
            Param::optional("priority", ParamKind::Integer),
        ])
        .get("/{transfer}", "transfer.fetch", Permit::Read, fetch)
        .post("/{transfer}", "transfer.cancel", Permit::Work, cancel)
        .params(&[Param::required("status", ParamKind::Word(&["canceled"]))])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    reservation_sid: String,
    to: String,
    #[serde(default)]
    mode: TransferMode,
    #[serde(default)]
    attributes: Option<Box<serde_json::value::RawValue>>,
    #[serde(default)]
    priority: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    status: String,
}

async fn list(cx: Cx) -> Reply {
    let task = read::task(&cx)?.sid;
    let scan = scan::<Transfer>(&cx, vec![any_sid("task", [task])]);
    cx.list::<Transfer>(Listing::of("transfers", scan), |transfer, items| {
        items.push(&shown(transfer));
        Ok(())
    })
    .await
}

async fn fetch(cx: Cx) -> Reply {
    Ok(Answer::ok(&shown(&in_path(&cx)?)))
}

async fn create(cx: Cx) -> Reply {
    let wanted: Wanted = cx.json()?;
    let reservation = wanted.reservation_sid.parse::<ReservationSid>();
    let reservation = reservation.map_err(|error| wrong("reservation_sid", &error.to_string()))?;
    let to = wanted.to.parse().ok().and_then(TransferTarget::of);
    let to = to.ok_or_else(|| wrong("to", "must be the SID of a worker or a task queue"))?;
    let new = NewTransfer {
        task: cx.path_sid::<TaskSid>("task")?,
        reservation,
        worker: own_worker(&cx)?,
        to,
        mode: wanted.mode,
        attributes: wanted.attributes.map(|raw| document(raw.get())).transpose()?,
        priority: wanted.priority,
    };
    match cx.command(Command::CreateTransfer(new)).await? {
        routing::Reply::Transfer(transfer) => Ok(Answer::created(&shown(&transfer))),
        _ => Err(Problem::internal()),
    }
}

async fn cancel(cx: Cx) -> Reply {
    let wanted: Change = cx.json()?;
    if wanted.status != "canceled" {
        return Err(wrong("status", "must be canceled"));
    }
    let transfer = in_path(&cx)?;
    let own = own_worker(&cx)?;
    if own.is_some_and(|worker| worker != transfer.initiating_worker) {
        return Err(cx.not_found());
    }
    let (sid, task) = (transfer.sid, transfer.task);
    match cx.command(Command::CancelTransfer { sid, task }).await? {
        routing::Reply::Transfer(transfer) => Ok(Answer::ok(&shown(&transfer))),
        _ => Err(Problem::internal()),
    }
}

/// An object, or the text of one.
fn document(raw: &str) -> Result<Attributes, Problem> {
    let text = match serde_json::from_str::<String>(raw) {
        Ok(text) => text,
        Err(_) => raw.to_owned(),
    };
    Attributes::new(text).map_err(|error| wrong("attributes", &error.to_string()))
}

/// The worker an agent hands over for; nobody else is bound to one.
fn own_worker(cx: &Cx) -> Result<Option<WorkerSid>, Problem> {
    if cx.principal().role() > Role::Agent {
        return Ok(None);
    }
    let seat = cx.principal().seat().ok_or_else(|| cx.not_found())?;
    Ok(Some(WorkerSid::new(seat.worker.body())))
}

fn in_path(cx: &Cx) -> Result<Transfer, Problem> {
    let task = cx.path_sid::<TaskSid>("task")?;
    let transfer = cx.fetch_path::<Transfer, TransferSid>("transfer")?;
    if transfer.task == task { Ok(transfer) } else { Err(cx.not_found()) }
}

fn shown(transfer: &Transfer) -> Value {
    json!({
        "sid": transfer.sid,
        "task_sid": transfer.task,
        "mode": transfer.mode,
        "to": transfer.to.sid(),
        "type": transfer.to.kind(),
        "status": transfer.status.as_str(),
        "failed_reason": transfer.failed_reason,
        "attempts_failed": transfer.attempts_failed,
        "initiating_reservation_sid": transfer.initiating_reservation,
        "initiating_worker_sid": transfer.initiating_worker,
        "initiating_queue_sid": transfer.initiating_queue,
        "initiating_workflow_sid": transfer.initiating_workflow,
        "date_created": instant(transfer.created_at),
        "date_updated": instant(transfer.updated_at),
    })
}
