//! Workspaces.

use super::{
    filters::{any_sid, by_name, is},
    read::{lend, names_now, unexpected},
};
use crate::{Answer, Cx, Listing, Param, ParamKind, Permit, Problem, Reply, Routes, Shape};
use access::Reach;
use base::Sid;
use host::Record;
use routing::command::{NewWorkspace, Template, WorkspacePatch};
use routing::{Command, TaskOrder, Workspace};
use store::Scan;
use wire::rest;

const ORDER: ParamKind = ParamKind::Word(&["FIFO", "LIFO"]);
const LIST: &[Param] = &[Param::optional("FriendlyName", ParamKind::Text)];
const CREATE: &[Param] = &[
    Param::required("FriendlyName", ParamKind::Text),
    Param::optional("EventCallbackUrl", ParamKind::Url),
    Param::optional("EventsFilter", ParamKind::Text),
    Param::optional("MultiTaskEnabled", ParamKind::Boolean),
    Param::optional("Template", ParamKind::Text),
    Param::optional("PrioritizeQueueOrder", ORDER),
];
const UPDATE: &[Param] = &[
    Param::optional("DefaultActivitySid", ParamKind::Sid("WA")),
    Param::optional("EventCallbackUrl", ParamKind::Url),
    Param::optional("EventsFilter", ParamKind::Text),
    Param::optional("FriendlyName", ParamKind::Text),
    Param::optional("MultiTaskEnabled", ParamKind::Boolean),
    Param::optional("TimeoutActivitySid", ParamKind::Sid("WA")),
    Param::optional("PrioritizeQueueOrder", ORDER),
];

pub(super) fn routes() -> Routes {
    let one = Shape::One(&rest::Workspace::SCHEMA);
    Routes::at("/v1/Workspaces")
        .get("", "workspace.list", Permit::Read, list)
        .params(LIST)
        .answers(Shape::List("workspaces", &rest::Workspace::SCHEMA))
        .post("", "workspace.create", Permit::Write, create)
        .params(CREATE)
        .answers(Shape::Made(&rest::Workspace::SCHEMA))
        .get("/{workspace}", "workspace.fetch", Permit::Read, fetch)
        .answers(one)
        .post("/{workspace}", "workspace.update", Permit::Write, update)
        .params(UPDATE)
        .answers(one)
        .delete("/{workspace}", "workspace.delete", Permit::Write, delete)
}

async fn list(cx: Cx) -> Reply {
    let mut filters = by_name(&cx);
    filters.push(is("account", cx.account().to_string().as_str()));
    match cx.principal().reach() {
        Reach::Account => {}
        Reach::Workspace(only) => filters.push(any_sid("key", [only])),
        Reach::Nowhere => filters.push(any_sid("key", None::<Sid>)),
    }
    let scan = Scan { filters, ..Scan::all(Workspace::TABLE) };
    cx.list::<Workspace>(Listing::of("workspaces", scan), |workspace, items| {
        // One that is deleted between the read and now is left out.
        if let Some(names) = cx.host.names(workspace.sid) {
            items.push(&rest::Workspace::new(workspace, lend(&names), cx.base()));
        }
        Ok(())
    })
    .await
}

async fn create(cx: Cx) -> Reply {
    let made = cx.host.create_workspace(cx.account(), new(&cx)?).await?;
    let names = cx.host.names(made.sid).ok_or_else(|| cx.not_found())?;
    Ok(Answer::created(&rest::Workspace::new(&made, lend(&names), cx.base())))
}

async fn fetch(cx: Cx) -> Reply {
    Ok(Answer::ok(&rest::Workspace::new(cx.names().workspace, cx.names(), cx.base())))
}

async fn update(cx: Cx) -> Reply {
    match cx.command(Command::UpdateWorkspace(patch(&cx)?)).await? {
        routing::Reply::Workspace(updated) => {
            let names = names_now(&cx);
            Ok(Answer::ok(&rest::Workspace::new(&updated, lend(&names), cx.base())))
        }
        reply => Err(unexpected(&reply)),
    }
}

async fn delete(cx: Cx) -> Reply {
    cx.command(Command::DeleteWorkspace).await?;
    Ok(Answer::nothing())
}

fn new(cx: &Cx) -> Result<NewWorkspace, Problem> {
    Ok(NewWorkspace {
        sid: None,
        account: None,
        friendly_name: cx.input.required("FriendlyName")?.to_owned(),
        event_callback_url: cx.input.string("EventCallbackUrl"),
        events_filter: cx.input.string("EventsFilter"),
        multi_task_enabled: cx.input.bool("MultiTaskEnabled")?,
        prioritize_queue_order: order(cx)?,
        template: template(cx)?,
    })
}

fn patch(cx: &Cx) -> Result<WorkspacePatch, Problem> {
    Ok(WorkspacePatch {
        friendly_name: cx.input.string("FriendlyName"),
        event_callback_url: cx.input.patch("EventCallbackUrl"),
        events_filter: cx.input.patch("EventsFilter"),
        default_activity: cx.input.sid("DefaultActivitySid")?,
        timeout_activity: cx.input.sid("TimeoutActivitySid")?,
        multi_task_enabled: cx.input.bool("MultiTaskEnabled")?,
        prioritize_queue_order: order(cx)?,
        after_last_target: None,
    })
}

fn order(cx: &Cx) -> Result<Option<TaskOrder>, Problem> {
    cx.input.word("PrioritizeQueueOrder", task_order)
}

/// `FIFO` and `LIFO` as they are written everywhere.
pub(super) fn task_order(text: &str) -> Option<TaskOrder> {
    match text {
        "FIFO" => Some(TaskOrder::Fifo),
        "LIFO" => Some(TaskOrder::Lifo),
        _ => None,
    }
}

fn template(cx: &Cx) -> Result<Template, Problem> {
    let parse = |text: &str| match text {
        "NONE" => Some(Template::None),
        "FIFO" => Some(Template::Fifo),
        _ => None,
    };
    Ok(cx.input.word("Template", parse)?.unwrap_or_default())
}
