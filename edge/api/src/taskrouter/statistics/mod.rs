//! Statistics of workspace, workflows, queues and workers: of the present, of an interval, of both.
//!
//! The present is asked of the engine, intervals of the store; nothing is counted here.

mod input;
mod of_tasks;
mod of_workers;

use crate::{Cx, Param, ParamKind, Permit, Problem, Routes, Shape};
use base::Sid;
use host::Names;
use report::{Counters, Scopes};
use routing::TaskChannelSid;
use std::sync::Arc;
use wire::rest::statistics::{self as shapes, Interval};

const CHANNEL: Param = Param::optional("TaskChannel", ParamKind::Text);
const MINUTES: Param = Param::optional("Minutes", ParamKind::Integer);
const START: Param = Param::optional("StartDate", ParamKind::Date);
const END: Param = Param::optional("EndDate", ParamKind::Date);
const SPLIT: Param = Param::optional("SplitByWaitTime", ParamKind::Text);
const NAME: Param = Param::optional("FriendlyName", ParamKind::Text);

const PRESENT: &[Param] = &[CHANNEL];
const INTERVAL: &[Param] = &[MINUTES, START, END, CHANNEL, SPLIT];
const LIST: &[Param] = &[MINUTES, START, END, CHANNEL, SPLIT, NAME];
const WORKER: &[Param] = &[MINUTES, START, END, CHANNEL];
const WORKERS: &[Param] = &[
    MINUTES,
    START,
    END,
    CHANNEL,
    NAME,
    Param::optional("TaskQueueSid", ParamKind::Sid("WQ")),
    Param::optional("TaskQueueName", ParamKind::Text),
];
const BULK: &[Param] =
    &[Param { repeated: true, ..Param::required("QueueSids", ParamKind::Sid("WQ")) }, CHANNEL];

pub(super) fn routes() -> Vec<Routes> {
    vec![of_workspace(), of_workflow(), of_queues(), of_bulk(), of_workers()]
}

fn of_workspace() -> Routes {
    let of = of_tasks::workspace;
    Routes::at("/v1/Workspaces/{workspace}")
        .get("/RealTimeStatistics", "workspace.real_time", Permit::Read, move |cx| {
            of_tasks::real_time(cx, of)
        })
        .params(PRESENT)
        .answers(Shape::One(&shapes::WORKSPACE_REAL_TIME))
        .get("/CumulativeStatistics", "workspace.cumulative", Permit::Read, move |cx| {
            of_tasks::cumulative(cx, of)
        })
        .params(INTERVAL)
        .answers(Shape::One(&shapes::WORKSPACE_CUMULATIVE))
        .get("/Statistics", "workspace.statistics", Permit::Read, move |cx| {
            of_tasks::combined(cx, of)
        })
        .params(INTERVAL)
        .answers(Shape::One(&shapes::WORKSPACE_STATISTICS))
}

fn of_workflow() -> Routes {
    let of = of_tasks::workflow;
    Routes::at("/v1/Workspaces/{workspace}/Workflows/{workflow}")
        .get("/RealTimeStatistics", "workflow.real_time", Permit::Read, move |cx| {
            of_tasks::real_time(cx, of)
        })
        .params(PRESENT)
        .answers(Shape::One(&shapes::WORKFLOW_REAL_TIME))
        .get("/CumulativeStatistics", "workflow.cumulative", Permit::Read, move |cx| {
            of_tasks::cumulative(cx, of)
        })
        .params(INTERVAL)
        .answers(Shape::One(&shapes::WORKFLOW_CUMULATIVE))
        .get("/Statistics", "workflow.statistics", Permit::Read, move |cx| {
            of_tasks::combined(cx, of)
        })
        .params(INTERVAL)
        .answers(Shape::One(&shapes::WORKFLOW_STATISTICS))
}

fn of_queues() -> Routes {
    let of = of_tasks::queue;
    Routes::at("/v1/Workspaces/{workspace}/TaskQueues")
        .get("/{queue}/RealTimeStatistics", "task_queue.real_time", Permit::Read, move |cx| {
            of_tasks::real_time(cx, of)
        })
        .params(PRESENT)
        .answers(Shape::One(&shapes::TASK_QUEUE_REAL_TIME))
        .get("/{queue}/CumulativeStatistics", "task_queue.cumulative", Permit::Read, move |cx| {
            of_tasks::cumulative(cx, of)
        })
        .params(INTERVAL)
        .answers(Shape::One(&shapes::TASK_QUEUE_CUMULATIVE))
        .get("/{queue}/Statistics", "task_queue.statistics", Permit::Read, move |cx| {
            of_tasks::combined(cx, of)
        })
        .params(INTERVAL)
        .answers(Shape::One(&shapes::TASK_QUEUE_STATISTICS))
        .get("/Statistics", "task_queue.list_statistics", Permit::Read, of_tasks::list)
        .params(LIST)
        .answers(Shape::List("task_queues_statistics", &shapes::TASK_QUEUES_STATISTICS))
}

fn of_bulk() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/TaskQueues")
        .json()
        .post("/RealTimeStatistics", "task_queue.bulk_real_time", Permit::Read, of_tasks::bulk)
        .params(BULK)
        .answers(Shape::One(&shapes::TASK_QUEUES_REAL_TIME))
}

fn of_workers() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/Workers")
        .get("/RealTimeStatistics", "worker.real_time", Permit::Read, of_workers::real_time)
        .params(PRESENT)
        .answers(Shape::One(&shapes::WORKERS_REAL_TIME))
        .get("/CumulativeStatistics", "worker.cumulative", Permit::Read, of_workers::cumulative)
        .params(WORKER)
        .answers(Shape::One(&shapes::WORKERS_CUMULATIVE))
        .get("/Statistics", "worker.list_statistics", Permit::Read, of_workers::combined)
        .params(WORKERS)
        .answers(Shape::One(&shapes::WORKERS_STATISTICS))
        .get("/{worker}/Statistics", "worker.statistics", Permit::Read, of_workers::one)
        .params(WORKER)
        .answers(Shape::One(&shapes::WORKER_STATISTICS))
}

/// What every call about an interval says.
struct Wanted {
    interval: Interval,
    channel: Option<TaskChannelSid>,
}

impl Wanted {
    fn of(cx: &Cx) -> Result<Self, Problem> {
        Ok(Self { interval: input::interval(cx)?, channel: input::channel(cx)? })
    }

    /// The milliseconds things that are counted may have happened in: both ends belong to it.
    fn window(&self) -> report::Window {
        let Interval { from, to, .. } = self.interval;
        report::Window { from, to: to + base::Millis(1) }
    }

    /// What these scopes counted, on the channel that was asked for.
    async fn counted(
        &self,
        cx: &Cx,
        scopes: impl IntoIterator<Item = Sid>,
    ) -> Result<Counted, Problem> {
        let scopes = scopes.into_iter().collect();
        let scopes = cx.host.counted(cx.workspace(), self.window(), scopes).await?;
        Ok(Counted { scopes, channel: self.channel.map(TaskChannelSid::sid) })
    }
}

/// What some scopes counted.
struct Counted {
    scopes: Scopes,
    channel: Option<Sid>,
}

impl Counted {
    /// On the channel that was asked for, else on all.
    fn of(&self, scope: Sid) -> Counters {
        match (self.scopes.get(&scope), self.channel) {
            (None, _) => Counters::default(),
            (Some(channels), None) => Counters::sum(channels),
            (Some(channels), Some(one)) => channels.get(&one).cloned().unwrap_or_default(),
        }
    }
}

/// The names as they are now: an answer may name what came after the request.
fn names_now(cx: &Cx) -> Arc<Names> {
    super::read::names_now(cx)
}

/// Where the request went, as a link.
fn url(cx: &Cx) -> Option<String> {
    Some(format!("{}{}", cx.base(), cx.path()))
}
