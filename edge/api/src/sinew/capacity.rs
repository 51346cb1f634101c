//! The capacity matrix: what a worker may hold together, across channels.

use super::instant;
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, wrong};
use routing::{
    Answer as Told, Command, Question,
    capacity::{CapacityRules, CapacityWarning},
};
use serde_json::{Value, json};

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/Capacity")
        .json()
        .get("", "capacity.fetch", Permit::Read, fetch)
        .put("", "capacity.set", Permit::Write, set)
        .params(&[
            Param::required("rules", ParamKind::Json),
            Param::optional("dry_run", ParamKind::Boolean),
            Param::optional("DryRun", ParamKind::Boolean),
        ])
        .conditional()
}

async fn fetch(cx: Cx) -> Reply {
    match cx.ask(Question::Capacity).await? {
        Told::Capacity(rules, warnings) => Ok(shown(&rules, &warnings)),
        _ => Err(Problem::internal()),
    }
}

async fn set(cx: Cx) -> Reply {
    let mut body: Value = cx.json()?;
    let in_body = match body.as_object_mut().and_then(|body| body.remove("dry_run")) {
        None | Some(Value::Null) => false,
        Some(Value::Bool(is)) => is,
        Some(_) => return Err(wrong("dry_run", "must be true or false")),
    };
    if in_body || cx.input.bool("DryRun")?.unwrap_or(false) {
        return match cx.ask(Question::CapacityTrial(body)).await? {
            Told::CapacityTrial(trial) => {
                let mut shown = serde_json::to_value(&trial).expect("trials are plain data");
                shown["dry_run"] = true.into();
                Ok(Answer::ok(&shown))
            }
            _ => Err(Problem::internal()),
        };
    }
    match cx.command(Command::SetCapacity { if_match: cx.if_match, body }).await? {
        routing::Reply::Capacity(rules, warnings) => Ok(shown(&rules, &warnings)),
        _ => Err(Problem::internal()),
    }
}

fn shown(rules: &CapacityRules, warnings: &[CapacityWarning]) -> Answer {
    let shown = json!({
        "workspace_sid": rules.workspace,
        "version": rules.version,
        "date_updated": instant(rules.updated_at),
        "rules": rules.rules,
        "warnings": warnings,
    });
    Answer::ok(&shown).etag(rules.version)
}
