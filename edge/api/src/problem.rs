//! Problems as HTTP sees them: a status, and a body programs and people can act on.

use crate::reply::Answer;
use base::Kind;
use host::Refusal;
use store::StoreError;
use wire::problem::ErrorBody;

/// A problem on its way out. Made from rejections, refusals and parse errors alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub base::Problem);

impl Problem {
    /// 400/20001.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self(base::Problem::invalid(message))
    }

    /// 404/20404 for a path.
    pub fn not_found(path: &str) -> Self {
        Self(base::Problem::not_found(path))
    }

    /// 401/20003.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self(base::Problem::new(Kind::Unauthenticated, 20003, message))
    }

    /// 403/20403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self(base::Problem::new(Kind::Forbidden, 20403, message))
    }

    /// 429/20429.
    pub fn limited(message: impl Into<String>) -> Self {
        Self(base::Problem::new(Kind::Limited, 20429, message))
    }

    /// 413/20413.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self(base::Problem::new(Kind::TooLarge, 20413, message))
    }

    /// 500/20500. What went wrong is in the log.
    pub fn internal() -> Self {
        Self(base::Problem::new(
            Kind::Internal,
            20500,
            "This request could not be carried out; the server's log says why",
        ))
    }

    /// The same problem at a place in the caller's text.
    #[must_use]
    pub fn at(self, position: base::Position) -> Self {
        Self(self.0.at(position))
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self.0.code {
            20004 => 405,
            _ => wire::problem::status(self.0.kind),
        }
    }

    pub(crate) fn answer(&self) -> Answer {
        let status = self.status();
        let answer = Answer::json(status, &ErrorBody::new(&self.0).with_status(status));
        match self.0.kind {
            Kind::Unavailable | Kind::Limited => answer.header("retry-after", "1"),
            _ => answer,
        }
    }
}

impl From<base::Problem> for Problem {
    fn from(problem: base::Problem) -> Self {
        Self(problem)
    }
}

impl From<routing::Rejection> for Problem {
    fn from(rejection: routing::Rejection) -> Self {
        Self(wire::problem::of_routing(&rejection))
    }
}

impl From<access::Rejection> for Problem {
    fn from(rejection: access::Rejection) -> Self {
        use access::Rejection as R;
        let message = rejection.to_string();
        let (kind, code) = match rejection {
            R::UnknownAccount(_) | R::UnknownUser(_) => (Kind::NotFound, 20404),
            R::AccountTaken(_) | R::KeyTaken(_) | R::NameTaken(_) | R::LastAdmin(_) => {
                (Kind::Conflict, 20409)
            }
            R::BadName(_) | R::TooMany(_) => (Kind::Invalid, 20001),
            R::PasswordChanged => (Kind::Unauthenticated, 20003),
        };
        Self(base::Problem::new(kind, code, message))
    }
}

impl From<sync::Rejection> for Problem {
    fn from(rejection: sync::Rejection) -> Self {
        Self(rejection.problem())
    }
}

impl<R: Into<Problem>> From<Refusal<R>> for Problem {
    fn from(refusal: Refusal<R>) -> Self {
        match refusal {
            Refusal::Rejected(rejection) => rejection.into(),
            Refusal::NoPartition => Self::not_found("workspace"),
            Refusal::Unavailable(why) => {
                Self(base::Problem::unavailable(format!("The server cannot take this now: {why}")))
            }
            Refusal::Internal => Self::internal(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a read failed");
        Self(base::Problem::unavailable("The store could not be read"))
    }
}
