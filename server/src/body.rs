//! What becomes of a request's body that nobody read.
//!
//! * A client may send its body after the headers and be refused before it comes. It is read all
//!   the same, so that the connection serves the next request.
//! * What is too long or does not come is not waited for: the answer says that the connection ends.

use axum::body::Body;
use http::{HeaderValue, Response, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// Bytes that are read for nothing.
const IDLE_BYTES_MAX: usize = 64 * 1024;
/// How long they may take.
const IDLE_LIMIT: Duration = Duration::from_secs(1);

/// Where the rest of a body comes back to.
pub(crate) struct Rest(Option<Back>);

type Back = Arc<Mutex<Option<Incoming>>>;

/// A body whose rest comes back when it is dropped.
struct Lent {
    body: Option<Incoming>,
    back: Back,
}

/// Lends a body to whoever answers.
pub(crate) fn lend(body: Incoming) -> (Body, Rest) {
    if body.is_end_stream() {
        return (Body::empty(), Rest(None));
    }
    let back = Back::default();
    let lent = Lent { body: Some(body), back: back.clone() };
    (Body::new(lent), Rest(Some(back)))
}

impl Rest {
    /// Reads what was not read; an answer before the end of it says that it is the last one.
    pub(crate) async fn finish(self, response: &mut Response<Body>) {
        let Some(back) = self.0 else { return };
        let rest = back.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(rest) = rest else { return };
        let read = tokio::time::timeout(IDLE_LIMIT, read_for_nothing(rest)).await;
        if read != Ok(true) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
    }
}

/// Whether it came to its end.
async fn read_for_nothing(mut body: Incoming) -> bool {
    let mut bytes = 0;
    while bytes <= IDLE_BYTES_MAX {
        match body.frame().await {
            None => return true,
            Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, bytes::Bytes::len),
            Some(Err(_)) => return false,
        }
    }
    false
}

impl http_body::Body for Lent {
    type Data = bytes::Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Incoming::size_hint).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(rest) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
        }
    }
}
