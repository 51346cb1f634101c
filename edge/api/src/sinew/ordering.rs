//! In which order a queue is served: as its `task_order` says, or by earliest breach.

use super::instant;
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes};
use routing::{Answer as Told, Command, Question, ordering::QueueOrdering};
use serde_json::Value;

const RULES: &[&str] = &["deadline", "task_order"];

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/TaskQueues/{queue}/Ordering")
        .json()
        .get("", "ordering.fetch", Permit::Read, fetch)
        .put("", "ordering.set", Permit::Write, set)
        .params(&[
            Param::required("by", ParamKind::Word(RULES)),
            Param::optional("service_level_s", ParamKind::Integer),
            Param::optional("classes", ParamKind::Json),
        ])
        .conditional()
}

async fn fetch(cx: Cx) -> Reply {
    match cx.ask(Question::Ordering(cx.path_sid("queue")?)).await? {
        Told::Ordering(ordering) => Ok(shown(&ordering)),
        _ => Err(Problem::internal()),
    }
}

async fn set(cx: Cx) -> Reply {
    let (queue, if_match, body) = (cx.path_sid("queue")?, cx.if_match, cx.json()?);
    match cx.command(Command::SetOrdering { queue, if_match, body }).await? {
        routing::Reply::Ordering(ordering) => Ok(shown(&ordering)),
        _ => Err(Problem::internal()),
    }
}

fn shown(ordering: &QueueOrdering) -> Answer {
    let mut shown = serde_json::to_value(&ordering.rule).expect("orderings are plain data");
    shown["task_queue_sid"] = ordering.queue.to_string().into();
    shown["version"] = ordering.version.into();
    shown["date_updated"] = Value::from(instant(ordering.updated_at));
    shown["starvation_bound_s"] = ordering.rule.starvation_bound_s().into();
    Answer::ok(&shown).etag(ordering.version)
}
