//! The same decision with one worker, one queue or one workflow changed, without touching anything.

use super::explain::{detail, look, refused};
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes};
use base::Attributes;
use routing::{
    ActivitySid, Command, Task, TaskOrder, TaskQueueSid, TaskSid, WorkerSid, WorkflowSid,
    command::{IfMatch, TaskQueuePatch, WorkerPatch, WorkflowPatch},
    explain::Sight,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/Tasks/{task}/WhatIf")
        .json()
        .post("", "task.what_if", Permit::Read, what_if)
        .params(&[
            Param::optional("worker", ParamKind::Json),
            Param::optional("task_queue", ParamKind::Json),
            Param::optional("workflow", ParamKind::Json),
        ])
}

/// Exactly one of these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    worker: Option<WorkerChange>,
    task_queue: Option<QueueChange>,
    workflow: Option<WorkflowChange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkerChange {
    sid: String,
    attributes: Option<Value>,
    activity_sid: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueChange {
    sid: String,
    target_workers: Option<String>,
    task_order: Option<TaskOrder>,
    max_reserved_workers: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkflowChange {
    sid: String,
    configuration: Value,
}

async fn what_if(cx: Cx) -> Reply {
    let sid: TaskSid = cx.path_sid("task")?;
    let (look, detail) = (look(&cx, sid)?, detail(&cx)?);
    let command = command(cx.json()?)?;
    let task = cx.fetch::<Task>(&sid.sid())?.ok_or_else(|| cx.not_found())?;
    let told = cx.host.what_if(cx.workspace(), look, command, task.status).await;
    let told = told.map_err(|error| refused(&cx, error))?;
    let shown = |sight: &Sight| serde_json::to_value(sight.explain(detail)).expect("plain data");
    Ok(Answer::ok(&json!({
        "outcome": told.what_if.outcome,
        "offered": told.what_if.offered,
        "alone": told.alone,
        "before": shown(&told.what_if.before),
        "after": shown(&told.what_if.after),
    })))
}

fn command(body: Body) -> Result<Command, Problem> {
    match body {
        Body { worker: Some(worker), task_queue: None, workflow: None } => worker.command(),
        Body { worker: None, task_queue: Some(queue), workflow: None } => queue.command(),
        Body { worker: None, task_queue: None, workflow: Some(workflow) } => workflow.command(),
        _ => Err(Problem::invalid("Exactly one of worker, task_queue and workflow is wanted")),
    }
}

impl WorkerChange {
    fn command(self) -> Result<Command, Problem> {
        let sid: WorkerSid = sid("worker.sid", &self.sid)?;
        let activity = self.activity_sid.as_deref().map(sid_of_activity).transpose()?;
        let attributes = self.attributes.map(|value| {
            let text = text(value);
            Attributes::new(text.as_str())
                .map_err(|error| crate::wrong("worker.attributes", &error.to_string()))
        });
        let patch =
            WorkerPatch { attributes: attributes.transpose()?, activity, ..WorkerPatch::default() };
        Ok(Command::UpdateWorker { sid, if_match: IfMatch::Any, patch })
    }
}

impl QueueChange {
    fn command(self) -> Result<Command, Problem> {
        let patch = TaskQueuePatch {
            target_workers: self.target_workers,
            task_order: self.task_order,
            max_reserved_workers: self.max_reserved_workers,
            ..TaskQueuePatch::default()
        };
        let sid: TaskQueueSid = sid("task_queue.sid", &self.sid)?;
        Ok(Command::UpdateTaskQueue { sid, patch })
    }
}

impl WorkflowChange {
    fn command(self) -> Result<Command, Problem> {
        let patch = WorkflowPatch {
            configuration: Some(text(self.configuration)),
            re_evaluate_tasks: true,
            ..WorkflowPatch::default()
        };
        let sid: WorkflowSid = sid("workflow.sid", &self.sid)?;
        Ok(Command::UpdateWorkflow { sid, patch })
    }
}

fn sid_of_activity(text: &str) -> Result<ActivitySid, Problem> {
    sid("worker.activity_sid", text)
}

fn sid<S: std::str::FromStr<Err = base::SidError>>(
    name: &'static str,
    text: &str,
) -> Result<S, Problem> {
    text.parse().map_err(|error: base::SidError| crate::wrong(name, &error.to_string()))
}

/// JSON may come as a value, or as the text that the other calls take.
fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}
