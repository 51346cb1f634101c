//! A worker's share in each task channel. A path names one by its SID, its task channel's SID or
//! that channel's unique name.

use super::read::{self, unexpected};
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, Shape};
use routing::{Command, Question, WorkerChannel, command::WorkerChannelRef};
use store::Value;
use wire::rest;

const UPDATE: &[Param] = &[
    Param::optional("Capacity", ParamKind::Integer),
    Param::optional("Available", ParamKind::Boolean),
];

pub(super) fn routes() -> Routes {
    let one = Shape::One(&rest::WorkerChannel::SCHEMA);
    Routes::at("/v1/Workspaces/{workspace}/Workers/{worker}/Channels")
        .get("", "worker_channel.list", Permit::Read, list)
        .answers(Shape::List("channels", &rest::WorkerChannel::SCHEMA))
        .get("/{channel}", "worker_channel.fetch", Permit::Read, fetch)
        .answers(one)
        .post("/{channel}", "worker_channel.update", Permit::Write, update)
        .params(UPDATE)
        .answers(one)
}

async fn list(cx: Cx) -> Reply {
    let cursor = |channel: &WorkerChannel| vec![Value::from(channel.sid.to_string().as_str())];
    let mut entries: Vec<_> = of_worker(&cx).await?.into_iter().map(|c| (cursor(&c), c)).collect();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    cx.list_of("channels", entries, |channel, items| {
        items.push(&rest::WorkerChannel::new(channel, cx.names(), cx.base()));
        Ok(())
    })
}

async fn fetch(cx: Cx) -> Reply {
    let channel = in_path(&cx).await?;
    Ok(Answer::ok(&rest::WorkerChannel::new(&channel, cx.names(), cx.base())))
}

async fn update(cx: Cx) -> Reply {
    let command = change(&cx, &in_path(&cx).await?)?;
    match cx.command(command).await? {
        routing::Reply::WorkerChannel(updated) => {
            Ok(Answer::ok(&rest::WorkerChannel::new(&updated, cx.names(), cx.base())))
        }
        reply => Err(unexpected(&reply)),
    }
}

fn change(cx: &Cx, channel: &WorkerChannel) -> Result<Command, Problem> {
    Ok(Command::UpdateWorkerChannel {
        worker: channel.worker,
        channel: WorkerChannelRef::Sid(channel.sid),
        capacity: cx.input.u32("Capacity")?,
        available: cx.input.bool("Available")?,
    })
}

/// Their load is a live value: only the engine knows it.
async fn of_worker(cx: &Cx) -> Result<Vec<WorkerChannel>, Problem> {
    let worker = read::worker(cx)?;
    match cx.ask(Question::WorkerChannels(worker.sid)).await? {
        routing::Answer::WorkerChannels(channels) => Ok(channels),
        _ => Err(Problem::internal()),
    }
}

async fn in_path(cx: &Cx) -> Result<WorkerChannel, Problem> {
    let named = cx.path_text("channel").into_owned();
    let unique_name = |channel: &WorkerChannel| {
        cx.names().channels.get(&channel.task_channel).map(|channel| channel.unique_name.clone())
    };
    let is_meant = |channel: &WorkerChannel| {
        named.parse() == Ok(channel.sid)
            || named.parse() == Ok(channel.task_channel)
            || unique_name(channel).as_deref() == Some(&named)
    };
    of_worker(cx).await?.into_iter().find(is_meant).ok_or_else(|| cx.not_found())
}
