//! From a row of the log back to its events.

use super::{
    LoggedEvent, LoggedReservation, LoggedSetting, LoggedTask, LoggedWorker, LoggedWorkerChannel,
    Named, lines::*,
};
use crate::model::EventSid;
use std::borrow::Cow;

/// A row that is not what [`write`](super::write()) makes. Says nothing of what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of events cannot be read: {0}")]
pub struct LogError(String);

/// The events of a row, in order; `first` is the row's key.
pub fn read(first: EventSid, body: &str) -> Result<Vec<LoggedEvent>, LogError> {
    let body: Body<'_> = serde_json::from_str(body).map_err(|error| {
        LogError(format!("{:?} at column {}", error.classify(), error.column()))
    })?;
    let tasks = all(&body.tasks, task)?;
    let workers = all(&body.workers, worker)?;
    body.events.iter().map(|line| event(first, line, &body, &tasks, &workers)).collect()
}

/// Resolves lines in order, each with those before it.
fn all<L, T>(lines: &[L], resolve: impl Fn(&L, &[T]) -> Option<T>) -> Result<Vec<T>, LogError> {
    let mut resolved = Vec::with_capacity(lines.len());
    for line in lines {
        let one = resolve(line, &resolved).ok_or_else(|| missing("a part of an entity"))?;
        resolved.push(one);
    }
    Ok(resolved)
}

fn missing(what: &str) -> LogError {
    LogError(format!("{what} is missing"))
}

fn event(
    first: EventSid,
    line: &EventLine,
    body: &Body<'_>,
    tasks: &[LoggedTask],
    workers: &[LoggedWorker],
) -> Result<LoggedEvent, LogError> {
    let worker = picked(workers, line.worker)?.cloned();
    let reservation = match picked(&body.reservations, line.reservation)? {
        None => None,
        Some(one) => {
            let worker = one.worker.or(worker.as_ref().map(|worker| worker.sid));
            Some(LoggedReservation {
                sid: one.sid,
                worker: worker.ok_or_else(|| missing("a reservation's worker"))?,
                status: one.status,
                timeout_s: one.timeout_s,
                version: one.version,
            })
        }
    };
    Ok(LoggedEvent {
        sid: line.sid.unwrap_or(first),
        kind: line.kind,
        at: body.at,
        workspace_name: body.workspace.clone().into_owned(),
        task: picked(tasks, line.task)?.cloned(),
        reservation,
        worker,
        worker_channel: picked(&body.channels, line.channel)?.map(worker_channel),
        setting: picked(&body.settings, line.setting)?.map(setting),
        before: line.before,
    })
}

fn picked<T>(lines: &[T], number: Option<usize>) -> Result<Option<&T>, LogError> {
    let Some(number) = number else { return Ok(None) };
    lines.get(number).map(Some).ok_or_else(|| missing("an entity"))
}

fn task(line: &TaskLine<'_>, before: &[LoggedTask]) -> Option<LoggedTask> {
    let base = match line.of {
        Some(number) => Some(before.get(number)?),
        None => None,
    };
    let pick = |new: Option<_>, old: Option<_>| new.or(old);
    Some(LoggedTask {
        sid: line.sid.or(base.map(|base| base.sid))?,
        attributes: line
            .attributes
            .as_ref()
            .map(|text| text.0.clone())
            .or_else(|| base.map(|base| base.attributes.clone()))?,
        created_at: line.created_at.or(base.map(|base| base.created_at))?,
        ended_at: pick(line.ended_at, base.and_then(|base| base.ended_at)),
        status: line.status.or(base.map(|base| base.status))?,
        priority: line.priority.or(base.map(|base| base.priority))?,
        reason: line
            .reason
            .clone()
            .map(Cow::into_owned)
            .or_else(|| base.and_then(|base| base.reason.clone())),
        version: line.version.or(base.map(|base| base.version))?,
        queue: line.queue.clone().map(named).or_else(|| base.and_then(|base| base.queue.clone())),
        queue_entered_at: pick(line.queue_entered_at, base.and_then(|base| base.queue_entered_at)),
        workflow: line
            .workflow
            .clone()
            .map(named)
            .or_else(|| base.and_then(|base| base.workflow.clone())),
        task_channel: line
            .task_channel
            .clone()
            .map(named)
            .or_else(|| base.map(|base| base.task_channel.clone()))?,
        routing_target: line.routing_target.or(base.and_then(|base| base.routing_target)),
        known_worker: line.known_worker.or(base.and_then(|base| base.known_worker)),
    })
}

fn worker(line: &WorkerLine<'_>, before: &[LoggedWorker]) -> Option<LoggedWorker> {
    let base = match line.of {
        Some(number) => Some(before.get(number)?),
        None => None,
    };
    Some(LoggedWorker {
        sid: line.sid.or(base.map(|base| base.sid))?,
        friendly_name: line
            .friendly_name
            .clone()
            .map(Cow::into_owned)
            .or_else(|| base.map(|base| base.friendly_name.clone()))?,
        attributes: line
            .attributes
            .as_ref()
            .map(|text| text.0.clone())
            .or_else(|| base.map(|base| base.attributes.clone()))?,
        activity: line
            .activity
            .clone()
            .map(named)
            .or_else(|| base.map(|base| base.activity.clone()))?,
        version: line.version.or(base.map(|base| base.version))?,
    })
}

fn worker_channel(line: &ChannelLine<'_>) -> LoggedWorkerChannel {
    LoggedWorkerChannel {
        sid: line.sid,
        task_channel: named(line.task_channel.clone()),
        configured_capacity: line.configured_capacity,
        available: line.available,
        assigned_tasks: line.assigned_tasks,
        open_reservations: line.open_reservations,
    }
}

fn setting(line: &SettingLine<'_>) -> LoggedSetting {
    match line {
        SettingLine::Workspace(pair) => LoggedSetting::Workspace(named(pair.clone())),
        SettingLine::Activity(pair, available) => {
            LoggedSetting::Activity { activity: named(pair.clone()), available: *available }
        }
        SettingLine::TaskChannel(pair, unique_name, optimized) => LoggedSetting::TaskChannel {
            channel: named(pair.clone()),
            unique_name: unique_name.clone().into_owned(),
            optimized_routing: *optimized,
        },
        SettingLine::TaskQueue(pair, target_workers) => LoggedSetting::TaskQueue {
            queue: named(pair.clone()),
            target_workers: target_workers.clone().into_owned(),
        },
        SettingLine::Workflow(pair) => LoggedSetting::Workflow(named(pair.clone())),
    }
}

fn named<S>((sid, name): Pair<'_, S>) -> Named<S> {
    Named { sid, name: name.map(Cow::into_owned) }
}
