//! Why a task is where it is.

use super::instant;
use crate::taskrouter::read;
use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes};
use base::Timestamp;
use routing::{Answer as Told, Question, WorkerSid};
use serde_json::Value;

/// Verdicts shown unless the caller asks for fewer or more.
const VERDICTS: i64 = 200;
const VERDICTS_MAX: i64 = 15_000;

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/Tasks/{task}/Explain")
        .json()
        .get("", "task.explain", Permit::Read, explain)
        .params(&[
            Param::optional("Worker", ParamKind::Sid("WK")),
            Param::optional("Limit", ParamKind::Integer),
        ])
}

async fn explain(cx: Cx) -> Reply {
    let task = read::task(&cx)?.sid;
    let worker: Option<WorkerSid> = cx.input.sid("Worker")?;
    let limit = cx.input.int("Limit", 1..=VERDICTS_MAX)?.unwrap_or(VERDICTS);
    let limit = usize::try_from(limit).expect("it is bounded above");
    match cx.ask(Question::Explain { task, worker, limit }).await? {
        Told::Explanation(explanation) => {
            let mut shown = serde_json::to_value(&explanation).expect("reasons are plain data");
            date(&mut shown["at"]);
            if let Some(target) = shown.get_mut("target").filter(|target| target.is_object()) {
                date(&mut target["deadline"]);
            }
            Ok(Answer::ok(&shown))
        }
        _ => Err(Problem::internal()),
    }
}

/// Milliseconds as the date they stand for.
fn date(value: &mut Value) {
    if let Some(ms) = value.as_i64() {
        *value = Value::from(instant(Timestamp(ms)));
    }
}
