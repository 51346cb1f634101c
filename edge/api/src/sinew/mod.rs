//! What is ours alone: people, sign-in, the clock, evaluate, explain, dispositions, capacity,
//! schedules, ordering, the inspector. JSON bodies.

mod capacity;
mod clock;
mod deliveries;
mod dispositions;
mod evaluate;
mod explain;
mod history;
mod inspector;
mod ordering;
pub mod password;
mod schedules;
mod session;
mod settings;
mod transfer_targets;
mod transfers;
mod users;
mod warnings;
mod what_if;

use crate::{Cx, Problem, Routes};
use access::{Seat, User};
use base::{Sid, Timestamp};
use routing::{WorkerSid, WorkspaceSid};
use serde::{Deserialize, Deserializer};

/// Every route of ours.
pub(crate) fn routes() -> Vec<Routes> {
    let mut routes = vec![
        capacity::routes(),
        clock::routes(),
        deliveries::routes(),
        dispositions::routes(),
        evaluate::routes(),
        explain::routes(),
        history::routes(),
        ordering::routes(),
        schedules::routes(),
        session::routes(),
        transfer_targets::routes(),
        transfers::routes(),
        settings::routes(),
        users::routes(),
        warnings::routes(),
        what_if::routes(),
    ];
    routes.extend(inspector::routes());
    routes
}

/// A field that may be absent, null, or a value.
fn three_state<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// An instant as our own routes show it: milliseconds only where there are any.
fn instant(at: Timestamp) -> String {
    if at.0.rem_euclid(1000) == 0 { at.to_string() } else { at.to_string_ms() }
}

/// Where a worker of the account works; a parameter that names none is refused.
fn seat_of(cx: &Cx, worker: &str) -> Result<Seat, Problem> {
    let refused = |why: &str| crate::wrong("worker_sid", why);
    let worker: WorkerSid = worker.parse().map_err(|_| refused("must be a worker's SID"))?;
    let unknown = || refused(&format!("{worker} is not a worker of this account"));
    let workspace = workspaces(cx).into_iter().find_map(|workspace| {
        match cx.host.fetch::<routing::Worker>(&workspace.to_string(), &worker.to_string()) {
            Ok(found) => found.map(|_| Ok(workspace)),
            Err(error) => Some(Err(Problem::from(error))),
        }
    });
    let workspace = workspace.ok_or_else(unknown)??;
    Ok(Seat { workspace: workspace.sid(), worker: worker.sid() })
}

/// Where a person works: the worker while it exists; and the workspace, which for somebody without
/// a worker is the account's only one.
fn place_of(cx: &Cx, user: &User) -> Result<(Option<Sid>, Option<Sid>), Problem> {
    if let Some(seat) = user.seat {
        let (workspace, worker) = (seat.workspace.to_string(), seat.worker.to_string());
        if cx.host.fetch::<routing::Worker>(&workspace, &worker)?.is_some() {
            return Ok((Some(seat.workspace), Some(seat.worker)));
        }
    }
    match workspaces(cx).as_slice() {
        [only] => Ok((Some(only.sid()), None)),
        _ => Ok((None, None)),
    }
}

/// The workspaces of the caller's account.
fn workspaces(cx: &Cx) -> Vec<WorkspaceSid> {
    let account = cx.account();
    let own = |sid: &WorkspaceSid| cx.host.names(*sid).is_some_and(|n| n.account == account);
    cx.host.workspaces().into_iter().filter(own).collect()
}
