//! Why a task is where it is; of one that is over, why it was decided as it was.

use crate::{Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes};
use base::Kind;
use host::PastError;
use routing::{
    Alert, Answer as Told, Question, Task, TaskSid, Worker, WorkerSid,
    explain::{AlertShown, Detail, Look, Sight},
    limits::EXPLAINED_WORKERS_MAX,
};
use serde_json::{Value, json};

/// Workers on a page unless the caller asks for fewer or more.
const WORKERS: i64 = 50;

pub(super) fn routes() -> Routes {
    Routes::at("/v1/Workspaces/{workspace}/Tasks/{task}/Explain")
        .json()
        .get("", "task.explain", Permit::Read, explain)
        .params(&[
            Param::optional("Worker", ParamKind::Sid("WK")),
            Param::optional("Detail", ParamKind::Word(&["reasons", "full"])),
            Param::optional("At", ParamKind::Word(&["now", "decision"])),
            Param::optional("PageSize", ParamKind::Integer),
            Param::optional("PageToken", ParamKind::Sid("WK")),
        ])
}

/// Of which instant is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Instant {
    Now,
    Decision,
}

async fn explain(cx: Cx) -> Reply {
    let sid: TaskSid = cx.path_sid("task")?;
    let look = look(&cx, sid)?;
    let detail = detail(&cx)?;
    let at = word(&cx, "At", &[("now", Instant::Now), ("decision", Instant::Decision)])?;
    let task = cx.fetch::<Task>(&sid.sid())?.ok_or_else(|| cx.not_found())?;
    let sight = match at {
        Some(Instant::Decision) => past(&cx, look).await?,
        Some(Instant::Now) if task.status.is_final() => {
            return Err(crate::wrong("At", "the task is over; only its last decision is known"));
        }
        None if task.status.is_final() => past(&cx, look).await?,
        Some(Instant::Now) | None => now(&cx, look).await?,
    };
    let explanation = sight.explain(detail);
    let next = explanation.next;
    let mut shown = serde_json::to_value(&explanation).expect("reasons are plain data");
    if let Some(known) = shown.pointer_mut("/target/known_worker") {
        known_elsewhere(&cx, known)?;
    }
    shown["meta"] = meta(&cx, look.limit, next);
    Ok(Answer::ok(&shown))
}

/// A workspace knows its own workers alone; whether a known worker that it lacks is in another
/// one of the account is looked up here.
fn known_elsewhere(cx: &Cx, known: &mut Value) -> Result<(), Problem> {
    if known["alert"]["code"] != Alert::KnownWorkerUnknown.code() || known["by"] != "sid" {
        return Ok(());
    }
    let Some(Ok(worker)) = known["value"].as_str().map(str::parse::<WorkerSid>) else {
        return Ok(());
    };
    for workspace in cx.host.workspaces() {
        let is_ours = cx.host.names(workspace).is_some_and(|names| names.account == cx.account());
        let key = (workspace.to_string(), worker.to_string());
        if is_ours && cx.host.fetch::<Worker>(&key.0, &key.1)?.is_some() {
            let alert = AlertShown::from(Alert::KnownWorkerElsewhere);
            known["alert"] = serde_json::to_value(alert).expect("an alert is plain data");
            return Ok(());
        }
    }
    Ok(())
}

/// What is asked, from the parameters.
pub(super) fn look(cx: &Cx, task: TaskSid) -> Result<Look, Problem> {
    let most = i64::try_from(EXPLAINED_WORKERS_MAX).expect("a page is small");
    // `Limit` is the older name.
    let limit = match cx.input.int("PageSize", 1..=most)? {
        Some(limit) => limit,
        None => cx.input.int("Limit", 1..=most)?.unwrap_or(WORKERS),
    };
    Ok(Look {
        task,
        worker: cx.input.sid::<WorkerSid>("Worker")?,
        after: cx.input.sid::<WorkerSid>("PageToken")?,
        limit: usize::try_from(limit).expect("it is bounded below"),
    })
}

/// How much is wanted.
pub(super) fn detail(cx: &Cx) -> Result<Detail, Problem> {
    let words = [("reasons", Detail::Reasons), ("full", Detail::Full)];
    Ok(word(cx, "Detail", &words)?.unwrap_or_default())
}

fn word<T: Copy>(
    cx: &Cx,
    name: &'static str,
    words: &[(&'static str, T)],
) -> Result<Option<T>, Problem> {
    let Some(text) = cx.input.text(name) else { return Ok(None) };
    let found = words.iter().find(|(word, _)| text.eq_ignore_ascii_case(word));
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let found = found.map(|(_, value)| *value);
    found.map(Some).ok_or_else(|| crate::wrong(name, &format!("must be {}", known.join(" or "))))
}

/// The live state; of a task that ended meanwhile, its last decision.
async fn now(cx: &Cx, look: Look) -> Result<Sight, Problem> {
    match cx.ask(Question::Explain(look)).await? {
        Told::Seen(sight) if sight.is_live() => Ok(sight),
        Told::Seen(_) => past(cx, look).await,
        _ => Err(Problem::internal()),
    }
}

async fn past(cx: &Cx, look: Look) -> Result<Sight, Problem> {
    let found = cx.host.decision(cx.workspace(), look).await;
    found.map_err(|error| refused(cx, error))
}

pub(super) fn refused(cx: &Cx, error: PastError) -> Problem {
    match error {
        PastError::Rejected(rejection) => rejection.into(),
        PastError::Store(error) => error.into(),
        PastError::NoDecision => cx.not_found(),
        PastError::Forgotten | PastError::Older | PastError::TooLong { .. } => {
            Problem(base::Problem::new(Kind::Gone, 20410, format!("Cannot look back: {error}")))
        }
    }
}

/// Where the next page is, in the way of other lists.
fn meta(cx: &Cx, size: usize, next: Option<WorkerSid>) -> Value {
    let kept = cx.input.pairs().filter(|(name, _)| *name != "PageToken");
    let url = next.map(|next| {
        let kept: String = kept.map(|(name, value)| format!("{name}={value}&")).collect();
        format!("{}{}?{kept}PageToken={next}", cx.base(), cx.path())
    });
    json!({"page_size": size, "next_page_token": next, "next_page_url": url})
}
