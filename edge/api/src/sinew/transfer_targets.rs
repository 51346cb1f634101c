//! Whom a task can be handed over to: available workers and queues, by name.
//!
//! * For agents too, who may not list workers: they see names and nothing else.
//! * Bounded: whoever looks for somebody in a large workspace types a part of the name.

use crate::taskrouter::filters::{any_sid, scan};
use crate::{Answer, Cx, Param, ParamKind, Permit, Reply, Routes};
use routing::Worker;
use serde_json::{Value, json};
use store::{Direction, Scan};

/// Workers, and queues, in one answer.
const LISTED_MAX: usize = 50;
/// Workers read from the store at once.
const READ_MAX: usize = 1_000;

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/TransferTargets")
        .json()
        .get("", "transfer.targets", Permit::Work, list)
        .params(&[Param::optional("Search", ParamKind::Text)])
}

async fn list(cx: Cx) -> Reply {
    let wanted = cx.input.text("Search").unwrap_or_default().trim().to_lowercase();
    let (workers, more_workers) = workers(&cx, &wanted).await?;
    let names = cx.names();
    let mut queues: Vec<(String, Value)> = names
        .queues
        .iter()
        .map(|(sid, name)| (name.to_lowercase(), json!({"sid": sid, "friendly_name": name})))
        .filter(|(name, _)| name.contains(&wanted))
        .collect();
    queues.sort_by(|(one, _), (other, _)| one.cmp(other));
    let more_queues = queues.len() > LISTED_MAX;
    let queues: Vec<Value> = queues.into_iter().take(LISTED_MAX).map(|(_, it)| it).collect();
    Ok(Answer::ok(&json!({
        "workers": workers,
        "task_queues": queues,
        "more_workers": more_workers,
        "more_task_queues": more_queues,
    })))
}

/// Those who are available, in order of name, without whoever asks; and whether there are more.
async fn workers(cx: &Cx, wanted: &str) -> Result<(Vec<Value>, bool), crate::Problem> {
    let own = cx.principal().seat().map(|seat| seat.worker);
    let activities = cx.names().activities;
    let available = activities.values().filter(|activity| activity.available);
    let mut read: Scan = scan::<Worker>(cx, vec![any_sid("activity", available.map(|it| it.sid))]);
    read.order = vec![("name_lower", Direction::Ascending)];
    read.limit = READ_MAX;
    let mut found = Vec::new();
    loop {
        let rows = cx.host.list::<Worker>(read.clone()).await?;
        for (worker, _) in &rows {
            let is_own = own == Some(worker.sid.sid());
            if is_own || !worker.friendly_name.to_lowercase().contains(wanted) {
                continue;
            }
            if found.len() == LISTED_MAX {
                return Ok((found, true));
            }
            let activity = activities.get(&worker.activity).map(|it| &it.friendly_name);
            found.push(json!({
                "sid": worker.sid,
                "friendly_name": worker.friendly_name,
                "activity_name": activity,
            }));
        }
        if rows.len() < READ_MAX {
            return Ok((found, false));
        }
        read.after = rows.last().map(|(_, cursor)| cursor.clone());
    }
}
