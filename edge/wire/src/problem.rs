//! Problems as every edge tells them: one code and one kind per rejection, one status per kind.

use base::{Kind, Problem};
use routing::Rejection;

/// The HTTP status of a kind.
pub const fn status(kind: Kind) -> u16 {
    match kind {
        Kind::Invalid => 400,
        Kind::Unauthenticated => 401,
        Kind::Forbidden => 403,
        Kind::NotFound => 404,
        Kind::Conflict => 409,
        Kind::Gone => 410,
        Kind::Stale => 412,
        Kind::TooLarge => 413,
        Kind::Limited => 429,
        Kind::Internal => 500,
        Kind::Unavailable => 503,
    }
}

/// What a rejection of routing is on the wire.
pub fn of_routing(rejection: &Rejection) -> Problem {
    let (kind, code) = match rejection {
        Rejection::Unknown(_) | Rejection::UnknownChannel(_) | Rejection::NoWorkspace => {
            (Kind::NotFound, 20404)
        }
        Rejection::Stale { .. } => (Kind::Stale, 20412),
        Rejection::Rescinded(_) => (Kind::Gone, 20410),
        Rejection::UnknownParameter { .. }
        | Rejection::Required(_)
        | Rejection::Invalid { .. }
        | Rejection::Malformed { .. }
        | Rejection::NameTaken { .. }
        | Rejection::InUse { .. }
        | Rejection::TaskStatus { .. }
        | Rejection::ReservationStatus { .. }
        | Rejection::MultiTaskIsForEver
        | Rejection::RejectNeedsUnavailable
        | Rejection::NoTarget => (Kind::Invalid, 20001),
    };
    let problem = Problem::new(kind, code, rejection.to_string());
    match rejection {
        Rejection::Malformed { position: Some(position), .. } => problem.at(*position),
        _ => problem,
    }
}
