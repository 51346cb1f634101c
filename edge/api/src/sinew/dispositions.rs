//! How a task ended for the person who handled it: apart from its attributes, which stay as they
//! were sent.

use super::instant;
use crate::taskrouter::{
    filters::{any, any_sid, scan},
    read,
};
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, wrong};
use access::Role;
use routing::{Command, Disposition, Reservation, Task, TaskSid};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Scan;

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}")
        .json()
        .get("/Dispositions", "disposition.list", Permit::Work, list)
        .get("/Tasks/{task}/Disposition", "disposition.fetch", Permit::Work, fetch)
        .put("/Tasks/{task}/Disposition", "disposition.set", Permit::Work, set)
        .params(&[
            Param::required("code", ParamKind::Text),
            Param::optional("note", ParamKind::Text),
        ])
}

#[derive(Deserialize)]
struct Wanted {
    code: String,
    #[serde(default)]
    note: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    task_sid: TaskSid,
    code: &'a str,
    label: Option<&'a str>,
    note: Option<&'a str>,
    date_set: String,
}

async fn list(cx: Cx) -> Reply {
    Ok(Answer::ok(&json!({"dispositions": cx.options().dispositions})))
}

async fn fetch(cx: Cx) -> Reply {
    let task = own_task(&cx).await?;
    let disposition = task.disposition.as_ref().ok_or_else(|| cx.not_found())?;
    Ok(shown(&cx, task.sid, disposition))
}

async fn set(cx: Cx) -> Reply {
    let wanted: Wanted = cx.json()?;
    if !cx.options().dispositions.iter().any(|known| known.code == wanted.code) {
        let codes = cx.options().dispositions.iter().map(|known| known.code.as_str());
        let codes: Vec<&str> = codes.collect();
        return Err(wrong("code", &format!("must be one of {}", codes.join(", "))));
    }
    let task = own_task(&cx).await?.sid;
    let note = wanted.note.filter(|note| !note.is_empty());
    match cx.command(Command::SetDisposition { task, code: wanted.code, note }).await? {
        routing::Reply::Task(task) => {
            let disposition = task.disposition.as_ref().ok_or_else(Problem::internal)?;
            Ok(shown(&cx, task.sid, disposition))
        }
        _ => Err(Problem::internal()),
    }
}

/// The task in the path while it is readable. To an agent, a task they did not take, or did not
/// keep to its end, is not there.
async fn own_task(cx: &Cx) -> Result<Task, Problem> {
    let task = read::task(cx)?;
    if cx.principal().role() > Role::Agent {
        return Ok(task);
    }
    let worker = cx.principal().seat().ok_or_else(|| cx.not_found())?.worker;
    let filters = vec![
        any_sid("task", [task.sid]),
        any_sid("worker", [worker]),
        any("status", ["accepted", "wrapping", "completed"]),
    ];
    let held = cx.host.list::<Reservation>(Scan { limit: 1, ..scan::<Reservation>(cx, filters) });
    if held.await?.is_empty() { Err(cx.not_found()) } else { Ok(task) }
}

fn shown(cx: &Cx, task_sid: TaskSid, disposition: &Disposition) -> Answer {
    let known = cx.options().dispositions.iter().find(|known| known.code == disposition.code);
    Answer::ok(&Shown {
        task_sid,
        code: &disposition.code,
        label: known.map(|known| known.label.as_str()),
        note: disposition.note.as_deref(),
        date_set: instant(disposition.set_at),
    })
}
