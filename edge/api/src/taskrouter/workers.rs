//! Workers.

use super::{
    activities::means_true,
    filters::{EXPRESSION_LISTS_PER_S, WORKERS_MAX, any_sid, by_name, ordering, scan},
    read::{self, lend, names_now, unexpected},
};
use crate::{Answer, Cx, Limits, Listing, Param, ParamKind, Permit, Problem, Reply, Routes, Shape};
use routing::{
    Command, Question, TaskQueue, TaskQueueSid, Worker, WorkerSid,
    command::{NewWorker, WorkerPatch},
};
use std::collections::BTreeSet;
use store::Filter;
use wire::rest;

const LIST: &[Param] = &[
    Param::optional("ActivityName", ParamKind::Text),
    Param::optional("ActivitySid", ParamKind::Sid("WA")),
    Param::optional("Available", ParamKind::Text),
    Param::optional("FriendlyName", ParamKind::Text),
    Param::optional("TargetWorkersExpression", ParamKind::Text),
    Param::optional("TaskQueueName", ParamKind::Text),
    Param::optional("TaskQueueSid", ParamKind::Sid("WQ")),
    Param::optional("Ordering", ParamKind::Text),
];
const CREATE: &[Param] = &[
    Param::required("FriendlyName", ParamKind::Text),
    Param::optional("ActivitySid", ParamKind::Sid("WA")),
    Param::optional("Attributes", ParamKind::Text),
];
const UPDATE: &[Param] = &[
    Param::optional("ActivitySid", ParamKind::Sid("WA")),
    Param::optional("Attributes", ParamKind::Text),
    Param::optional("FriendlyName", ParamKind::Text),
    Param::optional("RejectPendingReservations", ParamKind::Boolean),
];

pub(super) fn routes() -> Routes {
    let one = Shape::One(&rest::Worker::SCHEMA);
    Routes::at("/v1/Workspaces/{workspace}/Workers")
        .get("", "worker.list", Permit::Read, list)
        .params(LIST)
        .answers(Shape::List("workers", &rest::Worker::SCHEMA))
        .post("", "worker.create", Permit::Write, create)
        .params(CREATE)
        .answers(Shape::Made(&rest::Worker::SCHEMA))
        .get("/{worker}", "worker.fetch", Permit::Read, fetch)
        .answers(one)
        .post("/{worker}", "worker.update", Permit::Write, update)
        .conditional()
        .params(UPDATE)
        .answers(one)
        .delete("/{worker}", "worker.delete", Permit::Write, delete)
        .conditional()
}

async fn list(cx: Cx) -> Reply {
    let mut scan = scan::<Worker>(&cx, filters(&cx).await?);
    scan.order = ordering(&cx, &[("DateStatusChanged", "status_changed_at")])?;
    let listing = Listing::of("workers", scan).by_token_only();
    cx.list::<Worker>(listing, |worker, items| {
        items.push(&rest::Worker::new(worker, cx.names(), cx.base()));
        Ok(())
    })
    .await
}

async fn create(cx: Cx) -> Reply {
    room_for_one(&cx).await?;
    match cx.command(Command::CreateWorker(new(&cx)?)).await? {
        routing::Reply::Worker(made) => {
            let shown = Answer::created(&rest::Worker::new(&made, cx.names(), cx.base()));
            Ok(shown.etag(made.version))
        }
        reply => Err(unexpected(&reply)),
    }
}

/// Only the engine knows how many there are: it is asked where the number matters.
async fn room_for_one(cx: &Cx) -> Result<(), Problem> {
    match cx.options().limits {
        Limits::None => Ok(()),
        Limits::Compat => match cx.ask(Question::WorkerCount).await? {
            routing::Answer::Count(have) => cx.room_for_one("workers", have, WORKERS_MAX),
            _ => Err(Problem::internal()),
        },
    }
}

async fn fetch(cx: Cx) -> Reply {
    let worker = read::worker(&cx)?;
    let shown = Answer::ok(&rest::Worker::new(&worker, cx.names(), cx.base()));
    Ok(shown.etag(worker.version))
}

async fn update(cx: Cx) -> Reply {
    let (sid, if_match, patch) = (cx.path_sid("worker")?, cx.if_match, patch(&cx)?);
    match cx.command(Command::UpdateWorker { sid, if_match, patch }).await? {
        routing::Reply::Worker(worker) => {
            let names = names_now(&cx);
            let shown = Answer::ok(&rest::Worker::new(&worker, lend(&names), cx.base()));
            Ok(shown.etag(worker.version))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn delete(cx: Cx) -> Reply {
    let (sid, if_match) = (cx.path_sid("worker")?, cx.if_match);
    cx.command(Command::DeleteWorker { sid, if_match }).await?;
    Ok(Answer::nothing())
}

fn new(cx: &Cx) -> Result<NewWorker, Problem> {
    Ok(NewWorker {
        friendly_name: cx.input.required("FriendlyName")?.to_owned(),
        activity: cx.input.sid("ActivitySid")?,
        attributes: cx.input.attributes("Attributes")?.unwrap_or_default(),
    })
}

fn patch(cx: &Cx) -> Result<WorkerPatch, Problem> {
    let reject = cx.input.bool("RejectPendingReservations")?;
    Ok(WorkerPatch {
        friendly_name: cx.input.string("FriendlyName"),
        activity: cx.input.sid("ActivitySid")?,
        attributes: cx.input.attributes("Attributes")?,
        reject_pending_reservations: reject.unwrap_or(false),
    })
}

async fn filters(cx: &Cx) -> Result<Vec<Filter>, Problem> {
    let mut filters = by_name(cx);
    let activities = cx.names().activities;
    if let Some(sid) = cx.input.sid::<routing::ActivitySid>("ActivitySid")? {
        filters.push(any_sid("activity", [sid]));
    }
    if let Some(name) = cx.input.text("ActivityName") {
        let named = activities.values().filter(|activity| activity.friendly_name == name);
        filters.push(any_sid("activity", named.map(|activity| activity.sid)));
    }
    if let Some(available) = cx.input.text("Available").map(means_true) {
        let fitting = activities.values().filter(|activity| activity.available == available);
        filters.push(any_sid("activity", fitting.map(|activity| activity.sid)));
    }
    for expression in expressions(cx)? {
        filters.push(any_sid("key", workers_where(cx, expression).await?));
    }
    Ok(filters)
}

/// What a worker's attributes must satisfy: an expression, and the queue's where one is named.
fn expressions(cx: &Cx) -> Result<Vec<String>, Problem> {
    let mut expressions: Vec<String> =
        cx.input.string("TargetWorkersExpression").into_iter().collect();
    if !expressions.is_empty() {
        cx.rate("worker.list by expression", EXPRESSION_LISTS_PER_S)?;
    }
    if let Some(sid) = cx.input.sid::<TaskQueueSid>("TaskQueueSid")? {
        expressions.push(targets_of(cx, sid)?.unwrap_or_default());
    }
    if let Some(name) = cx.input.text("TaskQueueName") {
        let named = cx.names().queues.iter().find(|(_, queue)| ***queue == *name);
        let targets = named.map(|(sid, _)| targets_of(cx, *sid)).transpose()?;
        expressions.push(targets.flatten().unwrap_or_default());
    }
    Ok(expressions)
}

fn targets_of(cx: &Cx, queue: TaskQueueSid) -> Result<Option<String>, Problem> {
    Ok(cx.fetch::<TaskQueue>(&queue.sid())?.map(|queue| queue.target_workers))
}

/// An empty expression selects nobody.
async fn workers_where(cx: &Cx, expression: String) -> Result<BTreeSet<WorkerSid>, Problem> {
    if expression.is_empty() {
        return Ok(BTreeSet::new());
    }
    match cx.ask(Question::WorkersWhere(expression)).await? {
        routing::Answer::Workers(workers) => Ok(workers.into_iter().collect()),
        _ => Err(Problem::internal()),
    }
}
