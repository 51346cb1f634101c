//! A worker hands a task over, or calls that off.

use super::{
    Bridge,
    caller::Caller,
    params::Params,
    perform::{Wanted, names, payload, row},
};
use crate::answer::Trouble;
use crate::names::lend;
use axum::response::Response;
use routing::{
    Command, Reply, Reservation, Transfer, TransferMode, TransferSid, TransferTarget, WorkerSid,
    command::NewTransfer,
};
use wire::bridge;

/// Hands over what the worker has accepted.
pub(crate) async fn create(
    bridge: &Bridge,
    worker: WorkerSid,
    wanted: Wanted<'_>,
) -> Result<Response, Trouble> {
    let params = &wanted.params;
    let new = NewTransfer {
        task: params.required("TaskSid")?,
        reservation: params.required("ReservationSid")?,
        worker: Some(worker),
        to: target(params)?,
        mode: mode(params)?,
        attributes: params.attributes("Attributes")?,
        priority: params.parsed("Priority")?,
    };
    answer(bridge, wanted.caller, Command::CreateTransfer(new)).await
}

/// Calls a transfer of the worker off.
pub(crate) async fn cancel(
    bridge: &Bridge,
    worker: WorkerSid,
    sid: TransferSid,
    wanted: Wanted<'_>,
) -> Result<Response, Trouble> {
    let task = wanted.params.required("TaskSid")?;
    if wanted.params.text("TransferStatus")?.as_deref() != Some("canceled") {
        return Err(Trouble::invalid("TransferStatus must be canceled"));
    }
    let transfer: Transfer = row(bridge, wanted.caller, &sid.to_string())?;
    if transfer.task != task || transfer.initiating_worker != worker {
        return Err(Trouble::not_found(&sid.to_string()));
    }
    answer(bridge, wanted.caller, Command::CancelTransfer { sid, task }).await
}

async fn answer(bridge: &Bridge, caller: &Caller, command: Command) -> Result<Response, Trouble> {
    let reply = bridge.host.routing(caller.workspace, command).await?;
    let Reply::Transfer(transfer) = reply else { return Err(Trouble::internal()) };
    Ok(payload(bridge::Transfer::new(&transfer, lend(&names(bridge, caller)))))
}

/// The transfer a reservation was made for, for those the task no longer tells of.
pub(crate) fn past(
    bridge: &Bridge,
    caller: &Caller,
    reservation: &Reservation,
) -> Result<Option<Transfer>, Trouble> {
    let Some(sid) = reservation.transfer else { return Ok(None) };
    Ok(bridge.host.fetch(&caller.workspace.to_string(), &sid.to_string())?)
}

fn target(params: &Params) -> Result<TransferTarget, Trouble> {
    let expected = || Trouble::invalid("To must be the SID of a worker or a task queue");
    TransferTarget::of(params.required("To")?).ok_or_else(expected)
}

fn mode(params: &Params) -> Result<TransferMode, Trouble> {
    match params.text("Mode")?.as_deref() {
        None | Some("WARM") => Ok(TransferMode::Warm),
        Some("COLD") => Ok(TransferMode::Cold),
        Some(_) => Err(Trouble::invalid("Mode must be WARM or COLD")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: &str) -> Params {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_task_goes_to_a_worker_or_a_queue() {
        let to = |kind: &str| {
            let sent = params(&format!(r#"{{"To":"{kind}00000000000000000000000000000001"}}"#));
            target(&sent)
        };
        assert_eq!(to("WK").unwrap(), TransferTarget::Worker(WorkerSid::new(1)));
        assert!(matches!(to("WQ"), Ok(TransferTarget::Queue(_))));
        assert!(to("WW").is_err());
        assert!(target(&params("{}")).is_err());
    }

    #[test]
    fn warm_unless_said_otherwise() {
        assert_eq!(mode(&params("{}")).unwrap(), TransferMode::Warm);
        assert_eq!(mode(&params(r#"{"Mode":"COLD"}"#)).unwrap(), TransferMode::Cold);
        assert!(mode(&params(r#"{"Mode":"cold"}"#)).is_err());
    }
}
