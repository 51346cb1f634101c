//! Who is in a task's conference: held, muted, sent away.
//!
//! There are no calls here yet, so no task has a conference. Everything about a request is checked
//! before it is refused for that.

use super::{
    Bridge,
    caller::Caller,
    operation::Participant,
    params::Params,
    perform::{Hold, Wanted, live_task, may_touch, row},
};
use crate::answer::Trouble;
use axum::response::Response;
use base::{Kind, Problem};
use routing::{Reservation, ReservationSid, ReservationStatus, TaskSid, Worker, WorkerSid};

/// Changes a participant, if there were one.
pub(crate) async fn update(
    bridge: &Bridge,
    worker: WorkerSid,
    participant: Participant,
    wanted: Wanted<'_>,
) -> Result<Response, Trouble> {
    let (caller, params) = (wanted.caller, &wanted.params);
    let task = match participant {
        Participant::Own => {
            let sid: ReservationSid = params.required("ReservationSid")?;
            for name in ["EndConferenceOnExit", "Mute", "BeepOnExit"] {
                params.flag(name)?;
            }
            of_own(bridge, caller, worker, sid)?
        }
        Participant::Customer => {
            check_hold(params)?;
            params.required("TaskSid")?
        }
        Participant::HeldWorker => {
            check_hold(params)?;
            check_target(bridge, caller, params)?;
            params.required("TaskSid")?
        }
        Participant::KickedWorker => {
            check_target(bridge, caller, params)?;
            params.required("TaskSid")?
        }
    };
    may_touch(bridge, caller, task, Hold::Taken).await?;
    let task = live_task(bridge, caller, task)?;
    let message = format!("Task {} has no conference: nobody in it can be changed", task.sid);
    Err(Problem::new(Kind::NotFound, 20404, message).into())
}

fn check_hold(params: &Params) -> Result<(), Trouble> {
    let hold = params.flag("Hold")?;
    hold.ok_or_else(|| Trouble::invalid("Hold is required"))?;
    if let Some(url) = params.text("HoldUrl")?
        && !url.starts_with("https://")
        && !url.starts_with("http://")
    {
        return Err(Trouble::invalid("HoldUrl must be an http or https URL"));
    }
    match params.text("HoldMethod")?.as_deref() {
        None | Some("GET" | "POST") => Ok(()),
        Some(_) => Err(Trouble::invalid("HoldMethod must be GET or POST")),
    }
}

/// The other worker is one of this workspace.
fn check_target(bridge: &Bridge, caller: &Caller, params: &Params) -> Result<(), Trouble> {
    let target: WorkerSid = params.required("TargetWorkerSid")?;
    row::<Worker>(bridge, caller, &target.to_string()).map(|_| ())
}

/// The task of the worker's own reservation, while the worker works on it.
fn of_own(
    bridge: &Bridge,
    caller: &Caller,
    worker: WorkerSid,
    sid: ReservationSid,
) -> Result<TaskSid, Trouble> {
    let reservation: Reservation = row(bridge, caller, &sid.to_string())?;
    if reservation.worker != worker {
        return Err(Trouble::not_found(&sid.to_string()));
    }
    match reservation.status {
        ReservationStatus::Accepted | ReservationStatus::Wrapping => Ok(reservation.task),
        _ => Err(Trouble::invalid("The reservation is not accepted")),
    }
}
