//! Changes through the bridge: parameters to a command, the reply to a payload.

use super::{
    Bridge,
    params::Params,
    perform::{Wanted, names, payload},
};
use crate::answer::Trouble;
use crate::names::lend;
use axum::response::Response;
use routing::{
    Command, Reply, ReservationSid, TaskSid, TaskStatus, WorkerSid,
    command::{
        ChannelRef, IfMatch, NewTask, ReservationOwner, ReservationStep, TaskPatch, WorkerPatch,
    },
};
use wire::bridge;

/// Another activity, other attributes.
pub(crate) async fn worker(
    bridge: &Bridge,
    sid: WorkerSid,
    wanted: Wanted<'_>,
) -> Result<Response, Trouble> {
    let params = &wanted.params;
    let patch = WorkerPatch {
        friendly_name: None,
        activity: params.parsed("ActivitySid")?,
        attributes: params.attributes("Attributes")?,
        reject_pending_reservations: params.flag("RejectPendingReservations")?.unwrap_or(false),
    };
    let if_match = match wanted.caller.worker {
        Some(own) if own == sid => seen_by_library(wanted.if_match, bridge.rooms.bumps(sid)),
        // The library names the version of the supervisor, not of the worker who is changed.
        _ => IfMatch::Any,
    };
    let command = Command::UpdateWorker { sid, if_match, patch };
    let reply = bridge.host.routing(wanted.caller.workspace, command).await?;
    let Reply::Worker(worker) = reply else { return Err(Trouble::internal()) };
    let names = names(bridge, wanted.caller);
    Ok(payload(bridge::Worker::new(&worker, bridge.rooms.bumps(sid), lend(&names))))
}

/// The library's version counts events too; without them it is the worker's own.
fn seen_by_library(if_match: IfMatch, bumps: u64) -> IfMatch {
    match if_match {
        IfMatch::Version(version) => {
            version.checked_sub(bumps).map_or(IfMatch::Nothing, IfMatch::Version)
        }
        IfMatch::Any | IfMatch::Nothing => if_match,
    }
}

/// Accept, reject, wrap, complete.
pub(crate) async fn reservation(
    bridge: &Bridge,
    worker: WorkerSid,
    sid: ReservationSid,
    wanted: Wanted<'_>,
) -> Result<Response, Trouble> {
    let command = Command::UpdateReservation {
        sid,
        owner: ReservationOwner::Worker(worker),
        if_match: wanted.if_match,
        step: step(&wanted.params)?,
    };
    let reply = bridge.host.routing(wanted.caller.workspace, command).await?;
    let Reply::Reservation(reservation, task, name) = reply else {
        return Err(Trouble::internal());
    };
    let (names, now) = (names(bridge, wanted.caller), bridge.host.now());
    let shown = bridge::Reservation::new(&reservation, &task, Some(&name), lend(&names), now);
    Ok(payload(shown.without_transfers()))
}

/// A supervisor joins what a worker does.
pub(crate) async fn instruct(
    bridge: &Bridge,
    task: TaskSid,
    sid: ReservationSid,
    wanted: Wanted<'_>,
) -> Result<Response, Trouble> {
    let step = match wanted.params.text("Instruction")?.as_deref() {
        Some("supervise") => step(&wanted.params)?,
        _ => return Err(Trouble::invalid("Instruction must be supervise")),
    };
    if wanted.params.parsed::<WorkerSid>("Supervisor")? != wanted.caller.worker {
        return Err(Trouble::forbidden("A supervisor joins as its own worker: Supervisor"));
    }
    let owner = ReservationOwner::Task(task);
    let command = Command::UpdateReservation { sid, owner, if_match: wanted.if_match, step };
    let reply = bridge.host.routing(wanted.caller.workspace, command).await?;
    let Reply::Reservation(reservation, task, _) = reply else { return Err(Trouble::internal()) };
    let (names, now) = (names(bridge, wanted.caller), bridge.host.now());
    Ok(payload(bridge::Reservation::new(&reservation, &task, None, lend(&names), now)))
}

fn step(params: &Params) -> Result<ReservationStep, Trouble> {
    let status = params.text("ReservationStatus")?;
    let instruction = params.text("Instruction")?;
    match (status.as_deref(), instruction.as_deref()) {
        (Some("accepted"), None) => Ok(ReservationStep::Accept),
        (Some("rejected"), None) => {
            Ok(ReservationStep::Reject { activity: params.parsed("WorkerActivitySid")? })
        }
        (Some("wrapping"), None) => Ok(ReservationStep::Wrap),
        (Some("completed"), None) => Ok(ReservationStep::Complete),
        (None, Some(name)) => {
            // What is no text is as good as absent.
            let values = |name: &str| params.text(name).ok().flatten().into_iter().collect();
            Ok(wire::instruction::of_parameters(name, values)?.into())
        }
        _ => Err(Trouble::invalid(
            "ReservationStatus must be accepted, rejected, wrapping or completed",
        )),
    }
}

/// A task for the worker itself; supervisors may make any.
pub(crate) async fn create_task(bridge: &Bridge, wanted: Wanted<'_>) -> Result<Response, Trouble> {
    let (caller, params) = (wanted.caller, &wanted.params);
    let routing_target = params.parsed("RoutingTarget")?;
    let own = caller.worker.map(WorkerSid::sid);
    if !caller.supervisor && (routing_target.is_none() || routing_target != own) {
        return Err(Trouble::forbidden("A worker makes tasks for itself only: RoutingTarget"));
    }
    let new = NewTask {
        attributes: params.attributes("Attributes")?.unwrap_or_default(),
        workflow: params.parsed("WorkflowSid")?,
        task_channel: channel(params)?,
        priority: params.parsed("Priority")?,
        timeout_s: params.parsed("Timeout")?,
        virtual_start_at: params.time("VirtualStartTime")?,
        routing_target,
        ignore_capacity: None,
        queue: params.parsed("TaskQueueSid")?,
    };
    let reply = bridge.host.routing(caller.workspace, Command::CreateTask(new)).await?;
    let Reply::Task(task) = reply else { return Err(Trouble::internal()) };
    let (names, now) = (names(bridge, caller), bridge.host.now());
    Ok(payload(bridge::Task::new(&task, lend(&names), now)))
}

fn channel(params: &Params) -> Result<Option<ChannelRef>, Trouble> {
    if let Some(sid) = params.parsed("TaskChannelSid")? {
        return Ok(Some(ChannelRef::Sid(sid)));
    }
    Ok(params.text("TaskChannelUniqueName")?.map(ChannelRef::Name))
}

/// Another status, other attributes, another start.
pub(crate) async fn task(
    bridge: &Bridge,
    sid: TaskSid,
    wanted: Wanted<'_>,
) -> Result<Response, Trouble> {
    let (caller, params) = (wanted.caller, &wanted.params);
    let patch = task_patch(params)?;
    if !caller.supervisor {
        may_work_with(&patch)?;
    }
    let command = Command::UpdateTask { sid, if_match: wanted.if_match, patch };
    let reply = bridge.host.routing(caller.workspace, command).await?;
    let Reply::Task(task) = reply else { return Err(Trouble::internal()) };
    let (names, now) = (names(bridge, caller), bridge.host.now());
    Ok(payload(bridge::Task::new(&task, lend(&names), now)))
}

/// Whoever works on a task finishes it; where else it could go is not theirs to say.
fn may_work_with(patch: &TaskPatch) -> Result<(), Trouble> {
    let refused = if patch.status == Some(TaskStatus::Canceled) {
        "AssignmentStatus canceled"
    } else if patch.priority.is_some() {
        "Priority"
    } else if patch.task_channel.is_some() {
        "TaskChannel"
    } else {
        return Ok(());
    };
    Err(Trouble::forbidden(&format!("{refused} is for supervisors")))
}

fn task_patch(params: &Params) -> Result<TaskPatch, Trouble> {
    Ok(TaskPatch {
        attributes: params.attributes("Attributes")?,
        status: status(params)?,
        reason: params.text("Reason")?,
        priority: params.parsed("Priority")?,
        task_channel: channel(params)?,
        virtual_start_at: params.time("VirtualStartTime")?,
    })
}

fn status(params: &Params) -> Result<Option<TaskStatus>, Trouble> {
    match params.text("AssignmentStatus")?.as_deref() {
        None => Ok(None),
        Some("canceled") => Ok(Some(TaskStatus::Canceled)),
        Some("wrapping") => Ok(Some(TaskStatus::Wrapping)),
        Some("completed") => Ok(Some(TaskStatus::Completed)),
        Some(_) => {
            Err(Trouble::invalid("AssignmentStatus must be wrapping, completed or canceled"))
        }
    }
}
