//! Activities: what a worker can be doing.

use super::{
    filters::{ACTIVITIES_MAX, by_name, is, scan},
    read::unexpected,
};
use crate::{Answer, Cx, Listing, Param, ParamKind, Permit, Reply, Routes, Shape};
use routing::{Activity, ActivitySid, Command, command::NewActivity};
use wire::rest;

const LIST: &[Param] = &[
    Param::optional("FriendlyName", ParamKind::Text),
    Param::optional("Available", ParamKind::Text),
];
const CREATE: &[Param] = &[
    Param::required("FriendlyName", ParamKind::Text),
    Param::optional("Available", ParamKind::Boolean),
];
const UPDATE: &[Param] = &[Param::optional("FriendlyName", ParamKind::Text)];

pub(super) fn routes() -> Routes {
    let one = Shape::One(&rest::Activity::SCHEMA);
    Routes::at("/v1/Workspaces/{workspace}/Activities")
        .get("", "activity.list", Permit::Read, list)
        .params(LIST)
        .answers(Shape::List("activities", &rest::Activity::SCHEMA))
        .post("", "activity.create", Permit::Write, create)
        .params(CREATE)
        .answers(Shape::Made(&rest::Activity::SCHEMA))
        .get("/{activity}", "activity.fetch", Permit::Read, fetch)
        .answers(one)
        .post("/{activity}", "activity.update", Permit::Write, update)
        .params(UPDATE)
        .answers(one)
        .delete("/{activity}", "activity.delete", Permit::Write, delete)
}

async fn list(cx: Cx) -> Reply {
    let mut filters = by_name(&cx);
    if let Some(available) = cx.input.text("Available") {
        filters.push(is("available", means_true(available)));
    }
    let listing = Listing::of("activities", scan::<Activity>(&cx, filters));
    cx.list::<Activity>(listing, |activity, items| {
        items.push(&rest::Activity::new(activity, cx.names(), cx.base()));
        Ok(())
    })
    .await
}

async fn create(cx: Cx) -> Reply {
    cx.room_for_one("activities", cx.names().activities.len(), ACTIVITIES_MAX)?;
    let new = NewActivity {
        friendly_name: cx.input.required("FriendlyName")?.to_owned(),
        available: cx.input.text("Available").is_some_and(means_true),
    };
    match cx.command(Command::CreateActivity(new)).await? {
        routing::Reply::Activity(made) => {
            Ok(Answer::created(&rest::Activity::new(&made, cx.names(), cx.base())))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn fetch(cx: Cx) -> Reply {
    let activity = cx.fetch_path::<Activity, ActivitySid>("activity")?;
    Ok(Answer::ok(&rest::Activity::new(&activity, cx.names(), cx.base())))
}

/// `Available` is accepted and changes nothing.
async fn update(cx: Cx) -> Reply {
    let sid = cx.path_sid("activity")?;
    let friendly_name = cx.input.string("FriendlyName");
    match cx.command(Command::UpdateActivity { sid, friendly_name }).await? {
        routing::Reply::Activity(updated) => {
            Ok(Answer::ok(&rest::Activity::new(&updated, cx.names(), cx.base())))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn delete(cx: Cx) -> Reply {
    cx.command(Command::DeleteActivity(cx.path_sid("activity")?)).await?;
    Ok(Answer::nothing())
}

/// `true`, `1` and `yes` mean true, anything else false.
pub(super) fn means_true(text: &str) -> bool {
    ["true", "1", "yes"].iter().any(|word| text.eq_ignore_ascii_case(word))
}
