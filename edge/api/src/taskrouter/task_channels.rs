//! Task channels: kinds of work. A path names one by its SID or its unique name.

use super::{filters::scan, read::unexpected};
use crate::{Answer, Cx, Listing, Param, ParamKind, Permit, Problem, Reply, Routes, Shape};
use routing::{
    Command, TaskChannel,
    command::{ChannelRef, NewTaskChannel},
};
use wire::rest;

const CREATE: &[Param] = &[
    Param::required("FriendlyName", ParamKind::Text),
    Param::required("UniqueName", ParamKind::Text),
    Param::optional("ChannelOptimizedRouting", ParamKind::Boolean),
];
const UPDATE: &[Param] = &[
    Param::optional("FriendlyName", ParamKind::Text),
    Param::optional("ChannelOptimizedRouting", ParamKind::Boolean),
];

pub(super) fn routes() -> Routes {
    let one = Shape::One(&rest::TaskChannel::SCHEMA);
    Routes::at("/v1/Workspaces/{workspace}/TaskChannels")
        .get("", "task_channel.list", Permit::Read, list)
        .answers(Shape::List("channels", &rest::TaskChannel::SCHEMA))
        .post("", "task_channel.create", Permit::Write, create)
        .params(CREATE)
        .answers(Shape::Made(&rest::TaskChannel::SCHEMA))
        .get("/{channel}", "task_channel.fetch", Permit::Read, fetch)
        .answers(one)
        .post("/{channel}", "task_channel.update", Permit::Write, update)
        .params(UPDATE)
        .answers(one)
        .delete("/{channel}", "task_channel.delete", Permit::Write, delete)
}

async fn list(cx: Cx) -> Reply {
    let listing = Listing::of("channels", scan::<TaskChannel>(&cx, Vec::new()));
    cx.list::<TaskChannel>(listing, |channel, items| {
        items.push(&rest::TaskChannel::new(channel, cx.names(), cx.base()));
        Ok(())
    })
    .await
}

async fn create(cx: Cx) -> Reply {
    match cx.command(Command::CreateTaskChannel(new(&cx)?)).await? {
        routing::Reply::TaskChannel(made) => {
            Ok(Answer::created(&rest::TaskChannel::new(&made, cx.names(), cx.base())))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn fetch(cx: Cx) -> Reply {
    let channel = in_path(&cx)?;
    Ok(Answer::ok(&rest::TaskChannel::new(channel, cx.names(), cx.base())))
}

async fn update(cx: Cx) -> Reply {
    match cx.command(change(&cx)?).await? {
        routing::Reply::TaskChannel(updated) => {
            Ok(Answer::ok(&rest::TaskChannel::new(&updated, cx.names(), cx.base())))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn delete(cx: Cx) -> Reply {
    cx.command(Command::DeleteTaskChannel(ChannelRef::Sid(in_path(&cx)?.sid))).await?;
    Ok(Answer::nothing())
}

fn new(cx: &Cx) -> Result<NewTaskChannel, Problem> {
    let optimized = cx.input.bool("ChannelOptimizedRouting")?;
    Ok(NewTaskChannel {
        unique_name: cx.input.required("UniqueName")?.to_owned(),
        friendly_name: cx.input.required("FriendlyName")?.to_owned(),
        channel_optimized_routing: optimized.unwrap_or(false),
    })
}

fn change(cx: &Cx) -> Result<Command, Problem> {
    Ok(Command::UpdateTaskChannel {
        channel: ChannelRef::Sid(in_path(cx)?.sid),
        friendly_name: cx.input.string("FriendlyName"),
        channel_optimized_routing: cx.input.bool("ChannelOptimizedRouting")?,
    })
}

fn in_path(cx: &Cx) -> Result<&TaskChannel, Problem> {
    let named = cx.path_text("channel");
    let by_sid = named.parse().ok().and_then(|sid| cx.names().channels.get(&sid));
    let by_name = || cx.names().channels.values().find(|channel| channel.unique_name == named);
    by_sid.or_else(by_name).ok_or_else(|| cx.not_found())
}
