//! Likely mistakes of a workflow, held against the workers and tasks there are.

use super::explain::refused;
use crate::{Answer, Cx, Permit, Reply, Routes};
use host::{PastError, Record};
use routing::{
    Activity, AfterLastTarget, Task, TaskChannel, TaskQueue, Worker, Workflow, WorkflowSid,
    Workspace,
    schedule::Schedule,
    warnings::{Evidence, warnings},
};
use serde_json::{Value, json};
use store::{Direction, Filter, Scan, Store, StoreError, Test};

/// Workers looked at.
const WORKERS_MAX: usize = 5_000;
/// Tasks of the workflow looked at, the newest first.
const TASKS_MAX: usize = 2_000;
/// Queues, channels and activities: more than a workspace has.
const SETTINGS_MAX: usize = 10_000;

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/Workflows/{workflow}/Warnings").json().get(
        "",
        "workflow.warnings",
        Permit::Read,
        show,
    )
}

async fn show(cx: Cx) -> Reply {
    let workflow = cx.fetch_path::<Workflow, WorkflowSid>("workflow")?;
    let partition = cx.partition();
    let shown = cx.host.at_length(move |store| {
        let evidence = evidence(store, &partition, workflow.sid)?;
        let found = warnings(&workflow, &evidence);
        Ok::<Value, PastError>(json!({
            "workflow_sid": workflow.sid,
            "workers_seen": evidence.workers.len(),
            "tasks_seen": evidence.tasks.len(),
            "warnings": found,
        }))
    });
    Ok(Answer::ok(&shown.await.map_err(|error| refused(&cx, error))?))
}

fn evidence(
    store: &dyn Store,
    partition: &store::PartitionId,
    workflow: WorkflowSid,
) -> Result<Evidence, StoreError> {
    let all = |table, limit| Scan { limit, ..Scan::of(table, partition.clone()) };
    let of_workflow = Filter {
        column: "workflow",
        test: Test::OneOf(vec![workflow.to_string().as_str().into()]),
    };
    let tasks = Scan {
        filters: vec![of_workflow],
        order: vec![("key", Direction::Descending)],
        ..all(Task::TABLE, TASKS_MAX)
    };
    let tasks = read::<Task>(store, &tasks)?;
    let channels = read::<TaskChannel>(store, &all(TaskChannel::TABLE, SETTINGS_MAX))?;
    let schedules = read::<Schedule>(store, &all(Schedule::TABLE, SETTINGS_MAX))?;
    let workspace = read::<Workspace>(store, &all(Workspace::TABLE, 1))?;
    Ok(Evidence {
        workers: read(store, &all(Worker::TABLE, WORKERS_MAX))?,
        tasks: tasks
            .iter()
            .map(|task| serde_json::from_str(task.attributes.text()).unwrap_or_default())
            .collect(),
        queues: read::<TaskQueue>(store, &all(TaskQueue::TABLE, SETTINGS_MAX))?,
        channels: channels.into_iter().map(|channel| channel.unique_name).collect(),
        activities: read::<Activity>(store, &all(Activity::TABLE, SETTINGS_MAX))?,
        schedules: schedules.into_iter().map(|schedule| schedule.name).collect(),
        ends_after_last_target: workspace
            .iter()
            .any(|workspace| workspace.after_last_target == AfterLastTarget::Cancel),
    })
}

fn read<R: Record>(store: &dyn Store, scan: &Scan) -> Result<Vec<R>, StoreError> {
    let parsed = store.scan(scan)?.into_iter().map(|row| {
        serde_json::from_str(&row.body)
            .map_err(|error| StoreError(format!("a row of table {}: {error}", R::TABLE.name)))
    });
    parsed.collect()
}
