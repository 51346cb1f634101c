//! A reservation over REST, addressed through its task or its worker.

use crate::names::Place;
use crate::schema::{Kind, Property, Schema, property, reservation_status};
use crate::{Iso, Links, Names};
use base::Sid;
use routing::{ReservationSid, ReservationStatus, TaskSid, WorkerSid, WorkspaceSid};
use serde::Serialize;

/// Under which resource a caller looks at a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// `/Tasks/{WT}/Reservations/{WR}`.
    Task,
    /// `/Workers/{WK}/Reservations/{WR}`.
    Worker,
}

/// The shape.
#[derive(Clone, Debug, Serialize)]
pub struct Reservation<'a> {
    account_sid: Sid,
    date_created: Iso,
    date_updated: Iso,
    reservation_status: ReservationStatus,
    sid: ReservationSid,
    task_sid: TaskSid,
    worker_name: Option<&'a str>,
    worker_sid: WorkerSid,
    workspace_sid: WorkspaceSid,
    url: String,
    links: Links,
}

const fn properties(status: &'static str) -> [Property; 11] {
    [
        property("account_sid", Kind::Sid("AC")),
        property("date_created", Kind::Date),
        property("date_updated", Kind::Date),
        property("reservation_status", reservation_status(status)),
        property("sid", Kind::Sid("WR")),
        property("task_sid", Kind::Sid("WT")),
        property("worker_name", Kind::Text),
        property("worker_sid", Kind::Sid("WK")),
        property("workspace_sid", Kind::Sid("WS")),
        property("url", Kind::Url),
        property("links", Kind::Urls),
    ]
}

impl<'a> Reservation<'a> {
    /// Through its task, as the published document has it.
    pub const SCHEMA_OF_TASK: Schema = Schema {
        name: "taskrouter.v1.workspace.task.task_reservation",
        properties: &const { properties("task_reservation_enum_status") },
    };

    /// Through its worker, as the published document has it.
    pub const SCHEMA_OF_WORKER: Schema = Schema {
        name: "taskrouter.v1.workspace.worker.worker_reservation",
        properties: &const { properties("worker_reservation_enum_status") },
    };

    /// As a caller sees it. The worker's name is not among the names: there may be 10 000s.
    pub fn new(
        reservation: &routing::Reservation,
        worker_name: Option<&'a str>,
        through: Through,
        names: Names<'_>,
        base: &str,
    ) -> Self {
        let place = Place::of(base, names.workspace_sid());
        let task = place.below(format_args!("Tasks/{}", reservation.task));
        let worker = place.below(format_args!("Workers/{}", reservation.worker));
        let owner = match through {
            Through::Task => &task,
            Through::Worker => &worker,
        };
        Self {
            account_sid: names.account,
            date_created: Iso(reservation.created_at),
            date_updated: Iso(reservation.updated_at),
            reservation_status: reservation.status,
            sid: reservation.sid,
            task_sid: reservation.task,
            worker_name,
            worker_sid: reservation.worker,
            workspace_sid: names.workspace_sid(),
            url: format!("{owner}/Reservations/{}", reservation.sid),
            links: Links::default()
                .to("task", task)
                .to("worker", worker)
                .to("workspace", place.workspace()),
        }
    }
}
