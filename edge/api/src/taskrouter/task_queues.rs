//! Task queues.

use super::{
    filters::{EXPRESSION_LISTS_PER_S, TASK_QUEUES_MAX, any_sid, by_name, ordering, scan},
    read::unexpected,
    workspaces::task_order,
};
use crate::{Answer, Cx, Listing, Param, ParamKind, Permit, Problem, Reply, Routes, Shape};
use routing::{
    Command, Question, TaskQueue, TaskQueueSid,
    command::{NewTaskQueue, TaskQueuePatch},
};
use store::Filter;
use wire::rest;

const LIST: &[Param] = &[
    Param::optional("FriendlyName", ParamKind::Text),
    Param::optional("EvaluateWorkerAttributes", ParamKind::Text),
    Param::optional("WorkerSid", ParamKind::Sid("WK")),
    Param::optional("Ordering", ParamKind::Text),
];
const CREATE: &[Param] = &[
    Param::required("FriendlyName", ParamKind::Text),
    Param::optional("TargetWorkers", ParamKind::Text),
    Param::optional("MaxReservedWorkers", ParamKind::Integer),
    Param::optional("TaskOrder", ParamKind::Word(&["FIFO", "LIFO"])),
    Param::optional("ReservationActivitySid", ParamKind::Sid("WA")),
    Param::optional("AssignmentActivitySid", ParamKind::Sid("WA")),
];
const UPDATE: &[Param] = &[
    Param::optional("FriendlyName", ParamKind::Text),
    Param::optional("TargetWorkers", ParamKind::Text),
    Param::optional("ReservationActivitySid", ParamKind::Sid("WA")),
    Param::optional("AssignmentActivitySid", ParamKind::Sid("WA")),
    Param::optional("MaxReservedWorkers", ParamKind::Integer),
    Param::optional("TaskOrder", ParamKind::Word(&["FIFO", "LIFO"])),
];

pub(super) fn routes() -> Routes {
    let one = Shape::One(&rest::TaskQueue::SCHEMA);
    Routes::at("/v1/Workspaces/{workspace}/TaskQueues")
        .get("", "task_queue.list", Permit::Read, list)
        .params(LIST)
        .answers(Shape::List("task_queues", &rest::TaskQueue::SCHEMA))
        .post("", "task_queue.create", Permit::Write, create)
        .params(CREATE)
        .answers(Shape::Made(&rest::TaskQueue::SCHEMA))
        .get("/{queue}", "task_queue.fetch", Permit::Read, fetch)
        .answers(one)
        .post("/{queue}", "task_queue.update", Permit::Write, update)
        .params(UPDATE)
        .answers(one)
        .delete("/{queue}", "task_queue.delete", Permit::Write, delete)
}

async fn list(cx: Cx) -> Reply {
    let mut scan = scan::<TaskQueue>(&cx, filters(&cx).await?);
    scan.order = ordering(&cx, &[("DateUpdated", "updated_at")])?;
    cx.list::<TaskQueue>(Listing::of("task_queues", scan), |queue, items| {
        items.push(&rest::TaskQueue::new(queue, cx.names(), cx.base()));
        Ok(())
    })
    .await
}

async fn create(cx: Cx) -> Reply {
    cx.room_for_one("task queues", cx.names().queues.len(), TASK_QUEUES_MAX)?;
    match cx.command(Command::CreateTaskQueue(new(&cx)?)).await? {
        routing::Reply::TaskQueue(made) => {
            Ok(Answer::created(&rest::TaskQueue::new(&made, cx.names(), cx.base())))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn fetch(cx: Cx) -> Reply {
    let queue = cx.fetch_path::<TaskQueue, TaskQueueSid>("queue")?;
    Ok(Answer::ok(&rest::TaskQueue::new(&queue, cx.names(), cx.base())))
}

async fn update(cx: Cx) -> Reply {
    let (sid, patch) = (cx.path_sid("queue")?, patch(&cx)?);
    match cx.command(Command::UpdateTaskQueue { sid, patch }).await? {
        routing::Reply::TaskQueue(updated) => {
            Ok(Answer::ok(&rest::TaskQueue::new(&updated, cx.names(), cx.base())))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn delete(cx: Cx) -> Reply {
    cx.command(Command::DeleteTaskQueue(cx.path_sid("queue")?)).await?;
    Ok(Answer::nothing())
}

fn new(cx: &Cx) -> Result<NewTaskQueue, Problem> {
    Ok(NewTaskQueue {
        friendly_name: cx.input.required("FriendlyName")?.to_owned(),
        target_workers: cx.input.raw("TargetWorkers").map(str::to_owned),
        task_order: cx.input.word("TaskOrder", task_order)?,
        max_reserved_workers: cx.input.u32("MaxReservedWorkers")?,
        reservation_activity: cx.input.sid("ReservationActivitySid")?,
        assignment_activity: cx.input.sid("AssignmentActivitySid")?,
    })
}

fn patch(cx: &Cx) -> Result<TaskQueuePatch, Problem> {
    Ok(TaskQueuePatch {
        friendly_name: cx.input.string("FriendlyName"),
        target_workers: cx.input.raw("TargetWorkers").map(str::to_owned),
        task_order: cx.input.word("TaskOrder", task_order)?,
        max_reserved_workers: cx.input.u32("MaxReservedWorkers")?,
        reservation_activity: cx.input.patch_sid("ReservationActivitySid")?,
        assignment_activity: cx.input.patch_sid("AssignmentActivitySid")?,
    })
}

async fn filters(cx: &Cx) -> Result<Vec<Filter>, Problem> {
    let mut filters = by_name(cx);
    if let Some(attributes) = cx.input.attributes("EvaluateWorkerAttributes")? {
        cx.rate("task_queue.list by attributes", EXPRESSION_LISTS_PER_S)?;
        filters.push(among(cx, Question::QueuesFor(attributes.text().to_owned())).await?);
    }
    if let Some(worker) = cx.input.sid("WorkerSid")? {
        filters.push(among(cx, Question::QueuesOf(worker)).await?);
    }
    Ok(filters)
}

async fn among(cx: &Cx, question: Question) -> Result<Filter, Problem> {
    match cx.ask(question).await? {
        routing::Answer::Queues(queues) => Ok(any_sid("key", queues)),
        _ => Err(Problem::internal()),
    }
}
