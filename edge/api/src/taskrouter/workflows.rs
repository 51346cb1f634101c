//! Workflows.

use super::{
    activities::means_true,
    filters::{by_name, scan},
    read::unexpected,
};
use crate::{Answer, Cx, Listing, Param, ParamKind, Permit, Problem, Reply, Routes, Shape};
use routing::{
    Command, Workflow, WorkflowSid,
    command::{NewWorkflow, WorkflowPatch},
};
use wire::rest;

const LIST: &[Param] = &[Param::optional("FriendlyName", ParamKind::Text)];
const CREATE: &[Param] = &[
    Param::required("FriendlyName", ParamKind::Text),
    Param::required("Configuration", ParamKind::Text),
    Param::optional("AssignmentCallbackUrl", ParamKind::Url),
    Param::optional("FallbackAssignmentCallbackUrl", ParamKind::Url),
    Param::optional("TaskReservationTimeout", ParamKind::Integer),
];
const UPDATE: &[Param] = &[
    Param::optional("FriendlyName", ParamKind::Text),
    Param::optional("AssignmentCallbackUrl", ParamKind::Url),
    Param::optional("FallbackAssignmentCallbackUrl", ParamKind::Url),
    Param::optional("Configuration", ParamKind::Text),
    Param::optional("TaskReservationTimeout", ParamKind::Integer),
    Param::optional("ReEvaluateTasks", ParamKind::Text),
];

pub(super) fn routes() -> Routes {
    let one = Shape::One(&rest::Workflow::SCHEMA);
    Routes::at("/v1/Workspaces/{workspace}/Workflows")
        .get("", "workflow.list", Permit::Read, list)
        .params(LIST)
        .answers(Shape::List("workflows", &rest::Workflow::SCHEMA))
        .post("", "workflow.create", Permit::Write, create)
        .params(CREATE)
        .answers(Shape::Made(&rest::Workflow::SCHEMA))
        .get("/{workflow}", "workflow.fetch", Permit::Read, fetch)
        .answers(one)
        .post("/{workflow}", "workflow.update", Permit::Write, update)
        .params(UPDATE)
        .answers(one)
        .delete("/{workflow}", "workflow.delete", Permit::Write, delete)
}

async fn list(cx: Cx) -> Reply {
    let listing = Listing::of("workflows", scan::<Workflow>(&cx, by_name(&cx)));
    cx.list::<Workflow>(listing, |workflow, items| {
        items.push(&rest::Workflow::new(workflow, cx.names(), cx.base()));
        Ok(())
    })
    .await
}

async fn create(cx: Cx) -> Reply {
    match cx.command(Command::CreateWorkflow(new(&cx)?)).await? {
        routing::Reply::Workflow(made) => {
            Ok(Answer::created(&rest::Workflow::new(&made, cx.names(), cx.base())))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn fetch(cx: Cx) -> Reply {
    let workflow = cx.fetch_path::<Workflow, WorkflowSid>("workflow")?;
    Ok(Answer::ok(&rest::Workflow::new(&workflow, cx.names(), cx.base())))
}

async fn update(cx: Cx) -> Reply {
    let (sid, patch) = (cx.path_sid("workflow")?, patch(&cx)?);
    match cx.command(Command::UpdateWorkflow { sid, patch }).await? {
        routing::Reply::Workflow(updated) => {
            Ok(Answer::ok(&rest::Workflow::new(&updated, cx.names(), cx.base())))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn delete(cx: Cx) -> Reply {
    cx.command(Command::DeleteWorkflow(cx.path_sid("workflow")?)).await?;
    Ok(Answer::nothing())
}

fn new(cx: &Cx) -> Result<NewWorkflow, Problem> {
    Ok(NewWorkflow {
        friendly_name: cx.input.required("FriendlyName")?.to_owned(),
        configuration: cx.input.required("Configuration")?.to_owned(),
        assignment_callback_url: cx.input.string("AssignmentCallbackUrl"),
        fallback_assignment_callback_url: cx.input.string("FallbackAssignmentCallbackUrl"),
        task_reservation_timeout_s: cx.input.u32("TaskReservationTimeout")?,
    })
}

fn patch(cx: &Cx) -> Result<WorkflowPatch, Problem> {
    Ok(WorkflowPatch {
        friendly_name: cx.input.string("FriendlyName"),
        configuration: cx.input.string("Configuration"),
        assignment_callback_url: cx.input.patch("AssignmentCallbackUrl"),
        fallback_assignment_callback_url: cx.input.patch("FallbackAssignmentCallbackUrl"),
        task_reservation_timeout_s: cx.input.u32("TaskReservationTimeout")?,
        re_evaluate_tasks: cx.input.text("ReEvaluateTasks").is_some_and(means_true),
    })
}
