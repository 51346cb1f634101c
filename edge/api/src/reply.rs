//! What a handler hands back: an answer or a problem.

use crate::Problem;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// What every handler ends in.
pub type Reply = Result<Answer, Problem>;

/// A response: a status, a JSON body or none, a few headers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    /// 200 with this body.
    pub fn ok<T: Serialize + ?Sized>(body: &T) -> Self {
        Self::json(200, body)
    }

    /// 201 with this body.
    pub fn created<T: Serialize + ?Sized>(body: &T) -> Self {
        Self::json(201, body)
    }

    /// 204.
    pub fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: Bytes::new(), headers: Vec::new() }
    }

    /// Any status with this body.
    pub fn json<T: Serialize + ?Sized>(status: u16, body: &T) -> Self {
        let mut text = Vec::with_capacity(1024);
        serde_json::to_writer(&mut text, body).expect("shapes are plain data");
        Self::text(status, text)
    }

    /// Any status with a body that is JSON already.
    pub(crate) fn text(status: u16, json: impl Into<Bytes>) -> Self {
        let status = StatusCode::from_u16(status).expect("statuses are three digits");
        let json_type = HeaderValue::from_static("application/json");
        Self { status, body: json.into(), headers: vec![(header::CONTENT_TYPE, json_type)] }
    }

    /// With the version that `If-Match` compares.
    #[must_use]
    pub fn etag(self, version: u64) -> Self {
        self.header("etag", &format!("\"{version}\""))
    }

    /// With one more header. Panics on names and values that are no headers.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("our own values fit a header");
        self.headers.push((HeaderName::from_static(name), value));
        self
    }

    pub(crate) fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}
