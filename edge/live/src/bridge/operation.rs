//! The library's table of requests: from method and path to what is wanted. What is not in it
//! answers 404.

use crate::answer::Trouble;
use routing::{ReservationSid, TaskQueueSid, TaskSid, TransferSid, WorkerSid, WorkspaceSid};
use std::str::FromStr;

/// Reading or changing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

/// What is wanted, within a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    ListActivities,
    ListWorkers,
    FetchWorker(WorkerSid),
    UpdateWorker(WorkerSid),
    ListWorkerChannels(WorkerSid),
    ListReservations(WorkerSid),
    FetchReservation(WorkerSid, ReservationSid),
    UpdateReservation(WorkerSid, ReservationSid),
    CreateTask,
    FetchTask(TaskSid),
    UpdateTask(TaskSid),
    ListTaskQueues,
    FetchTaskQueue(TaskQueueSid),
    CreateTransfer(WorkerSid),
    UpdateTransfer(WorkerSid, TransferSid),
    UpdateParticipant(WorkerSid, Participant),
    InstructOnTask(TaskSid, ReservationSid),
}

/// Whom in a task's conference a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Participant {
    /// Whoever called: hold.
    Customer,
    /// The worker of the path: mute and so on.
    Own,
    /// Another worker: hold.
    HeldWorker,
    /// Another worker: out.
    KickedWorker,
}

/// Reads a path such as `Workspaces/WS…/Workers/WK…`.
pub(crate) fn parse(method: Method, url: &str) -> Result<(WorkspaceSid, Operation), Trouble> {
    use Method::{Get, Post};
    use Operation as O;
    let unknown = || Trouble::not_found(url);
    let path = url.trim_matches('/');
    let mut parts = path.split('/');
    let (Some("Workspaces"), Some(workspace)) = (parts.next(), parts.next()) else {
        return Err(unknown());
    };
    let rest: Vec<&str> = parts.collect();
    let operation = match (method, rest.as_slice()) {
        (Get, ["Activities"]) => O::ListActivities,
        (Get, ["Workers"]) => O::ListWorkers,
        (Get, ["Workers", worker]) => O::FetchWorker(sid(worker, url)?),
        (Post, ["Workers", worker]) => O::UpdateWorker(sid(worker, url)?),
        (Get, ["Workers", worker, "WorkerChannels"]) => O::ListWorkerChannels(sid(worker, url)?),
        (Get, ["Workers", worker, "Reservations"]) => O::ListReservations(sid(worker, url)?),
        (Get, ["Workers", worker, "Reservations", reservation]) => {
            O::FetchReservation(sid(worker, url)?, sid(reservation, url)?)
        }
        (Post, ["Workers", worker, "Reservations", reservation]) => {
            O::UpdateReservation(sid(worker, url)?, sid(reservation, url)?)
        }
        (Post, ["Workers", worker, "Transfers"]) => O::CreateTransfer(sid(worker, url)?),
        (Post, ["Workers", worker, "Transfers", transfer]) => {
            O::UpdateTransfer(sid(worker, url)?, sid(transfer, url)?)
        }
        (Post, ["Workers", worker, name]) => {
            O::UpdateParticipant(sid(worker, url)?, participant(name).ok_or_else(unknown)?)
        }
        (Post, ["Tasks", task, "Reservations", reservation]) => {
            O::InstructOnTask(sid(task, url)?, sid(reservation, url)?)
        }
        (Post, ["Tasks"]) => O::CreateTask,
        (Get, ["Tasks", task]) => O::FetchTask(sid(task, url)?),
        (Post, ["Tasks", task]) => O::UpdateTask(sid(task, url)?),
        (Get, ["TaskQueues"]) => O::ListTaskQueues,
        (Get, ["TaskQueues", queue]) => O::FetchTaskQueue(sid(queue, url)?),
        _ => return Err(unknown()),
    };
    Ok((sid(workspace, url)?, operation))
}

fn participant(name: &str) -> Option<Participant> {
    Some(match name {
        "CustomerParticipant" => Participant::Customer,
        "WorkerParticipant" => Participant::Own,
        "HoldWorkerParticipant" => Participant::HeldWorker,
        "KickWorkerParticipant" => Participant::KickedWorker,
        _ => return None,
    })
}

/// A malformed SID names nothing, just as an unknown one.
fn sid<T: FromStr>(text: &str, url: &str) -> Result<T, Trouble> {
    text.parse().map_err(|_| Trouble::not_found(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WS: &str = "WS00000000000000000000000000000001";
    const WK: &str = "WK00000000000000000000000000000002";
    const WR: &str = "WR00000000000000000000000000000003";

    #[test]
    fn paths_of_the_library_are_known() {
        let parsed =
            |method, path: &str| parse(method, &format!("Workspaces/{WS}/{path}")).unwrap();
        let (worker, reservation) = (WorkerSid::new(2), ReservationSid::new(3));
        assert_eq!(
            parsed(Method::Get, &format!("Workers/{WK}")),
            (WorkspaceSid::new(1), Operation::FetchWorker(worker))
        );
        assert_eq!(
            parsed(Method::Post, &format!("Workers/{WK}/Reservations/{WR}")).1,
            Operation::UpdateReservation(worker, reservation)
        );
        assert_eq!(
            parsed(Method::Post, &format!("Workers/{WK}/KickWorkerParticipant")).1,
            Operation::UpdateParticipant(worker, Participant::KickedWorker)
        );
        assert_eq!(
            parsed(Method::Post, &format!("Workers/{WK}/Transfers")).1,
            Operation::CreateTransfer(worker)
        );
        assert_eq!(parsed(Method::Post, "Tasks").1, Operation::CreateTask);
        assert_eq!(parsed(Method::Get, "Activities").1, Operation::ListActivities);
    }

    #[test]
    fn everything_else_is_not_found() {
        for (method, path) in [
            (Method::Get, "Workers/WK0bad".to_owned()),
            (Method::Get, format!("Workers/{WR}")),
            (Method::Get, format!("Workers/{WK}/Transfers")),
            (Method::Post, format!("Workers/{WK}/Transfers/{WR}")),
            (Method::Post, format!("Workers/{WK}/Participant")),
            (Method::Get, "Statistics".to_owned()),
            (Method::Post, "Activities".to_owned()),
        ] {
            assert!(parse(method, &format!("Workspaces/{WS}/{path}")).is_err(), "{path}");
        }
        assert!(parse(Method::Get, "Workspaces").is_err());
        assert!(parse(Method::Get, "").is_err());
        assert!(parse(Method::Get, "Workspaces/WS0bad/Activities").is_err());
    }
}
