//! What a handler hands back: an answer or a problem.

use crate::Problem;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// What every handler ends in.
pub type Reply = Result<Answer, Problem>;

/// A response: a status, a JSON body or none, a few headers; or events without end.
#[derive(Debug)]
pub struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// In the place of `body`, if there is one.
    stream: Option<Body>,
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
        let (status, headers) = (StatusCode::NO_CONTENT, Vec::new());
        Self { status, body: Bytes::new(), headers, stream: None }
    }

    /// Any status with this body.
    pub fn json<T: Serialize + ?Sized>(status: u16, body: &T) -> Self {
        Self::text(status, routing::json::text(body).expect("shapes are plain data"))
    }

    /// Any status with a body that is JSON already.
    pub(crate) fn text(status: u16, json: impl Into<Bytes>) -> Self {
        let status = StatusCode::from_u16(status).expect("statuses are three digits");
        let json_type = HeaderValue::from_static("application/json");
        let headers = vec![(header::CONTENT_TYPE, json_type)];
        Self { status, body: json.into(), headers, stream: None }
    }

    /// 200 with events as they happen, in the form of `text/event-stream`.
    pub(crate) fn events(stream: Body) -> Self {
        let media = HeaderValue::from_static("text/event-stream");
        let headers = vec![(header::CONTENT_TYPE, media)];
        let (status, body) = (StatusCode::OK, Bytes::new());
        // Whatever stands between may not gather them.
        Self { status, body, headers, stream: Some(stream) }.header("x-accel-buffering", "no")
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
        let body = self.stream.unwrap_or_else(|| Body::from(self.body));
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}
