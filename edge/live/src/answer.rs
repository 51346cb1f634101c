//! JSON answers and problems over HTTP, for both halves.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base::{Kind, Problem};
use host::Refusal;
use routing::Rejection;
use serde::Serialize;
use store::StoreError;

/// A body as JSON.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("shapes are plain JSON");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A problem, on its way out. The browser library shows its `message` and looks at the status.
#[derive(Debug)]
pub(crate) struct Trouble(pub(crate) Problem);

impl Trouble {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self(Problem::invalid(message))
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self(Problem::not_found(what))
    }

    pub(crate) fn forbidden(message: &str) -> Self {
        Self(Problem::new(Kind::Forbidden, 20403, message))
    }

    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        Self(Problem::new(Kind::Unauthenticated, 20003, message))
    }

    pub(crate) fn limited(message: &str) -> Self {
        Self(Problem::new(Kind::Limited, 20429, message))
    }

    pub(crate) fn too_large() -> Self {
        Self(Problem::new(Kind::TooLarge, 20413, "The request is too large"))
    }

    /// Our fault; what exactly is for the log.
    pub(crate) fn internal() -> Self {
        Self(Problem::new(Kind::Internal, 20500, "The request could not be carried out"))
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<Refusal<Rejection>> for Trouble {
    fn from(refusal: Refusal<Rejection>) -> Self {
        match refusal {
            Refusal::Rejected(rejection) => Self(wire::problem::of_routing(&rejection)),
            Refusal::NoPartition => Self::not_found("workspace"),
            Refusal::Unavailable(why) => {
                tracing::warn!(%why, "a request was not carried out");
                Self(Problem::unavailable("The server cannot take this now; try again"))
            }
            Refusal::Internal => Self::internal(),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a row could not be read");
        Self(Problem::unavailable("The store could not be read"))
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(wire::problem::status(self.0.kind))
            .expect("every kind has a valid status");
        json(status, &wire::problem::ErrorBody::new(&self.0))
    }
}
