//! Settings of a workspace that the published API has no field for.
//!
//! * Each setting has the default that its behaviour has without it.
//! * A change touches no task; it counts from the next decision on.

use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes};
use routing::{AfterLastTarget, Command, Workspace, command::WorkspacePatch};
use serde::{Deserialize, Serialize};

pub(super) fn routes() -> Routes {
    let after = ParamKind::Word(&["next_filter", "cancel"]);
    Routes::at("/v1/Workspaces/{workspace}/Settings")
        .json()
        .get("", "settings.fetch", Permit::Read, fetch)
        .put("", "settings.change", Permit::Write, change)
        .params(&[Param::optional("after_last_target", after)])
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    after_last_target: Option<AfterLastTarget>,
}

#[derive(Serialize)]
struct Shown {
    after_last_target: AfterLastTarget,
}

async fn fetch(cx: Cx) -> Reply {
    Ok(shown(cx.names().workspace))
}

async fn change(cx: Cx) -> Reply {
    let Wanted { after_last_target } = cx.json()?;
    let patch = WorkspacePatch { after_last_target, ..WorkspacePatch::default() };
    match cx.command(Command::UpdateWorkspace(patch)).await? {
        routing::Reply::Workspace(updated) => Ok(shown(&updated)),
        _ => Err(Problem::internal()),
    }
}

fn shown(workspace: &Workspace) -> Answer {
    Answer::ok(&Shown { after_last_target: workspace.after_last_target })
}
