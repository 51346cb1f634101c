//! A problem as a caller sees it: kind → status, rejection → problem, and the body of an error.
//!
//! Both faces of the edge answer with these, so a rule has one code wherever it is met.

use base::{Kind, Position, Problem};
use routing::Rejection;
use serde::Serialize;

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
        Kind::Unavailable => 503,
        Kind::Internal => 500,
    }
}

/// The body of an error answer.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorBody<'a> {
    code: u32,
    message: &'a str,
    more_info: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

/// What programs may want to know beside the code.
#[derive(Clone, Copy, Debug, Serialize)]
struct Details {
    position: Position,
}

impl<'a> ErrorBody<'a> {
    /// What a caller may know of a problem.
    pub fn new(problem: &'a Problem) -> Self {
        Self {
            code: problem.code,
            message: &problem.message,
            more_info: format!("https://www.twilio.com/docs/errors/{}", problem.code),
            status: status(problem.kind),
            position: problem.position,
            details: problem.position.map(|position| Details { position }),
        }
    }

    /// The same body with a status that no kind stands for.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// Why routing said no, in the caller's terms.
pub fn of_routing(rejection: &Rejection) -> Problem {
    let message = rejection.to_string();
    match rejection {
        Rejection::Unknown(_) | Rejection::UnknownSchedule(_) | Rejection::NoWorkspace => {
            Problem::new(Kind::NotFound, 20404, message)
        }
        Rejection::Stale { .. } => Problem::new(Kind::Stale, 20412, message),
        Rejection::Rescinded(_) => Problem::new(Kind::Gone, 20410, message),
        Rejection::Instruction(alert) => Problem::new(Kind::Invalid, alert.code(), message),
        Rejection::InUse { .. } => Problem::new(Kind::Conflict, 20409, message),
        Rejection::Malformed { position, .. } => match position {
            Some(position) => Problem::invalid(message).at(*position),
            None => Problem::invalid(message),
        },
        Rejection::UnknownChannel(_)
        | Rejection::UnknownParameter { .. }
        | Rejection::Required(_)
        | Rejection::Invalid { .. }
        | Rejection::NameTaken { .. }
        | Rejection::TaskStatus { .. }
        | Rejection::ReservationStatus { .. }
        | Rejection::TransferTarget { .. }
        | Rejection::TransferOver { .. }
        | Rejection::MultiTaskIsForEver
        | Rejection::RejectNeedsUnavailable
        | Rejection::NoTarget => Problem::invalid(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Sid;

    #[test]
    fn a_place_in_the_text_is_told() {
        let position = Some(Position { line: 1, column: 4 });
        let message = "an operator is missing".to_owned();
        let problem =
            of_routing(&Rejection::Malformed { parameter: "TargetWorkers", message, position });
        let body = serde_json::to_value(ErrorBody::new(&problem)).expect("plain JSON");
        assert_eq!(body["code"], 20001);
        assert_eq!(body["status"], 400);
        assert_eq!(body["message"], "TargetWorkers: an operator is missing");
        assert_eq!(body["more_info"], "https://www.twilio.com/docs/errors/20001");
        assert_eq!(body["position"]["column"], 4);
    }

    #[test]
    fn unknown_stale_and_rescinded_differ() {
        let code = |rejection| {
            let problem = of_routing(&rejection);
            (status(problem.kind), problem.code)
        };
        assert_eq!(code(Rejection::Unknown(Sid::new(*b"WK", 1))), (404, 20404));
        assert_eq!(code(Rejection::Stale { current: 3 }), (412, 20412));
        assert_eq!(code(Rejection::Rescinded(routing::ReservationSid::new(1))), (410, 20410));
        assert_eq!(code(Rejection::NoTarget), (400, 20001));
    }
}
