//! What several resources read alike.

use crate::{Cx, Problem};
use base::{Millis, Timestamp};
use host::Names;
use routing::{Reply, Task, TaskSid, Worker, WorkerSid, limits::ENDED_READABLE_S};
use std::sync::Arc;

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
pub(super) fn task(cx: &Cx) -> Result<Task, Problem> {
    let task = cx.fetch_path::<Task, TaskSid>("task")?;
    let until = readable_since(cx.host.now());
    let gone = task.ended_at.is_some_and(|ended_at| ended_at <= until);
    if gone { Err(cx.not_found()) } else { Ok(task) }
}

/// What ended at this moment or before is no longer readable.
fn readable_since(now: Timestamp) -> Timestamp {
    now + Millis(-i64::from(ENDED_READABLE_S) * 1000)
}
