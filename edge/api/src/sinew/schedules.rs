//! Opening hours that expressions can ask for.

use super::instant;
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes};
use routing::{
    Answer as Told, Command, Question,
    schedule::{ScheduleException, ScheduleView},
};
use serde_json::{Value, json};

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/Schedules")
        .json()
        .get("", "schedule.list", Permit::Read, list)
        .get("/{schedule}", "schedule.fetch", Permit::Read, fetch)
        .put("/{schedule}", "schedule.set", Permit::Write, set)
        .params(&[
            Param::required("timezone", ParamKind::Text),
            Param::optional("weekly", ParamKind::Json),
            Param::optional("exceptions", ParamKind::Json),
        ])
        .conditional()
        .delete("/{schedule}", "schedule.delete", Permit::Write, delete)
        .conditional()
}

async fn list(cx: Cx) -> Reply {
    let all: Vec<Value> = asked(&cx, Question::Schedules).await?.iter().map(json).collect();
    Ok(Answer::ok(&json!({"schedules": all})))
}

async fn fetch(cx: Cx) -> Reply {
    let name = cx.path_text("schedule").into_owned();
    let found = asked(&cx, Question::Schedule(name)).await?;
    found.first().map(shown).ok_or_else(Problem::internal)
}

async fn set(cx: Cx) -> Reply {
    let (name, if_match) = (cx.path_text("schedule").into_owned(), cx.if_match);
    let body = cx.json()?;
    match cx.command(Command::SetSchedule { name, if_match, body }).await? {
        routing::Reply::Schedule(view) => Ok(shown(&view)),
        _ => Err(Problem::internal()),
    }
}

async fn delete(cx: Cx) -> Reply {
    let (name, if_match) = (cx.path_text("schedule").into_owned(), cx.if_match);
    cx.command(Command::DeleteSchedule { name, if_match }).await?;
    Ok(Answer::nothing())
}

async fn asked(cx: &Cx, question: Question) -> Result<Vec<ScheduleView>, Problem> {
    match cx.ask(question).await? {
        Told::Schedules(all) => Ok(all),
        _ => Err(Problem::internal()),
    }
}

fn shown(view: &ScheduleView) -> Answer {
    Answer::ok(&json(view)).etag(view.schedule.version)
}

fn json(view: &ScheduleView) -> Value {
    let schedule = &view.schedule;
    let exceptions: Vec<Value> = schedule.hours.exceptions.iter().map(exception).collect();
    json!({
        "sid": schedule.sid,
        "name": schedule.name,
        "timezone": schedule.hours.timezone,
        "weekly": schedule.hours.weekly,
        "exceptions": exceptions,
        "version": schedule.version,
        "date_created": instant(schedule.created_at),
        "date_updated": instant(schedule.updated_at),
        "open": view.open,
        "next_flip": view.next_flip.map(instant),
    })
}

/// In a form that can be sent back.
fn exception(exception: &ScheduleException) -> Value {
    let mut shown = serde_json::to_value(exception).expect("exceptions are plain data");
    if exception.hours.is_empty() {
        shown["closed"] = true.into();
        shown.as_object_mut().expect("it is an object").remove("hours");
    }
    shown
}
