//! What several resources read alike.

use super::filters::{is, scan};
use crate::{Cx, Problem};
use base::{Millis, Timestamp};
use host::Names;
use routing::{
    Answer, EndedPage, Question, Reply, Task, TaskSid, Worker, WorkerSid, limits::ENDED_READABLE_S,
};
use std::sync::Arc;
use store::Scan;

/// A reply of another kind than the command's: a bug, and the caller cannot help it.
pub(super) fn unexpected(reply: &Reply) -> Problem {
    // The kind alone: the reply itself holds what customers said.
    let kind = std::mem::discriminant(reply);
    tracing::error!(?kind, "a command was answered with another kind of reply");
    Problem::internal()
}

/// Lends a workspace's names to the shapes of `wire`.
pub(super) fn lend(names: &Names) -> wire::Names<'_> {
    wire::Names {
        account: names.account,
        workspace: &names.workspace,
        activities: &names.activities,
        queues: &names.queues,
        workflows: &names.workflows,
        channels: &names.channels,
    }
}

/// The names as they are now, for an answer that comes after a change.
pub(super) fn names_now(cx: &Cx) -> Arc<Names> {
    cx.host.names(cx.workspace()).unwrap_or_else(|| cx.host_names().clone())
}

/// The worker in the path, or 404.
pub(super) fn worker(cx: &Cx) -> Result<Worker, Problem> {
    cx.fetch_path::<Worker, WorkerSid>("worker")
}

/// The task in the path while it is still readable, or 404.
pub(crate) fn task(cx: &Cx) -> Result<Task, Problem> {
    readable(cx, cx.path_sid("task")?)?.ok_or_else(|| cx.not_found())
}

/// The task while it is still readable.
pub(super) fn readable(cx: &Cx, task: TaskSid) -> Result<Option<Task>, Problem> {
    let until = readable_since(cx.host.now());
    let task = cx.fetch::<Task>(&task.sid())?;
    Ok(task.filter(|task| task.ended_at.is_none_or(|ended_at| ended_at > until)))
}

/// No task that is still readable is older than this one; SIDs sort by creation.
pub(super) async fn oldest_readable(cx: &Cx) -> Result<Option<TaskSid>, Problem> {
    let live = Scan { limit: 1, ..scan::<Task>(cx, vec![is("live", true)]) };
    // The live one first: one that ends meanwhile is then among the ended ones.
    let live = cx.host.list::<Task>(live).await?;
    let oldest = EndedPage { behind: None, backwards: false, limit: 1 };
    let Answer::Tasks(ended) = cx.ask(Question::Ended(oldest)).await? else {
        return Err(Problem::internal());
    };
    let live = live.first().map(|(task, _)| task.sid);
    Ok(live.into_iter().chain(ended).min())
}

/// What ended at this moment or before is no longer readable.
pub(super) fn readable_since(now: Timestamp) -> Timestamp {
    now + Millis(-i64::from(ENDED_READABLE_S) * 1000)
}
