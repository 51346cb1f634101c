//! A WebSocket of ours: as little as ten thousand idle ones need, and one write for all that waits.
//!
//! * What is read and what is written passes through buffers of the thread. A connection keeps only
//!   the beginning of what is not all there, and what its peer did not take yet: mostly nothing.
//! * What waits to be sent is put in when the socket can take it, and not before.
//!
//! Knows nothing of what is said.

mod frames;

pub(crate) use frames::{Foul, Kind, Lengths, Message, put};

use crate::answer::Trouble;
use axum::{body::Body, response::IntoResponse as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use frames::Reader;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};
use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read at a time.
const READ_BYTES: usize = 16 * 1024;
/// What is gathered at a time, and one frame more.
pub(crate) const BATCH_BYTES: usize = 16 * 1024;
/// A buffer of the thread that a large frame made larger than this is given back.
const KEPT_BYTES: usize = 128 * 1024;
/// What the standard adds to a client's key.
const ACCEPTS: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

thread_local! {
    static READING: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
    static WRITING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One connection.
pub(crate) struct WebSocket {
    stream: TokioIo<Upgraded>,
    reader: Reader,
    /// Bytes that came and were not looked at, from `looked_at` on.
    unread: Vec<u8>,
    looked_at: usize,
    /// What the peer did not take yet, from `taken` on.
    unsent: Vec<u8>,
    taken: usize,
    lengths: Lengths,
}

/// Why a request gets no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It asks for another version of the protocol.
    Version,
    /// It does not ask as the standard wants it.
    Request(&'static str),
}

impl Unfit {
    /// What the client is answered.
    pub(crate) fn answer(self) -> Response<Body> {
        match self {
            Self::Request(why) => Trouble::invalid(why).into_response(),
            Self::Version => {
                let why = "`Sec-WebSocket-Version` header did not include '13'";
                let mut response = Trouble::invalid(why).into_response();
                *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
                let ours = http::HeaderValue::from_static("13");
                response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, ours);
                response
            }
        }
    }
}

/// Why nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The line is gone.
    Lost,
    /// What came is not listened to.
    Foul(Foul),
}

/// Answers a request that asks for a WebSocket; `serve` gets it once that answer was sent.
pub(crate) fn upgrade<F>(
    mut request: Request<Body>,
    lengths: Lengths,
    serve: impl FnOnce(WebSocket) -> F + Send + 'static,
) -> Result<Response<Body>, Unfit>
where
    F: Future<Output = ()> + Send + 'static,
{
    let accept = accept(request.method(), request.headers())?;
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let upgrade = upgrade.ok_or(Unfit::Request("The connection cannot become a WebSocket"))?;
    tokio::spawn(async move {
        // Whoever went away meanwhile needs no socket.
        if let Ok(upgraded) = upgrade.await {
            serve(WebSocket::new(upgraded, lengths)).await;
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, http::HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, http::HeaderValue::from_static("websocket"));
    let accept = accept.parse().expect("Base64 may stand in a header");
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// What the client's key is answered with.
fn accept(method: &Method, headers: &HeaderMap) -> Result<String, Unfit> {
    let says = |name: HeaderName, word: &str| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|said| said.trim().eq_ignore_ascii_case(word))
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    if method != Method::GET {
        return Err(Unfit::Request("A WebSocket is asked for with GET"));
    }
    if !says(header::CONNECTION, "upgrade") {
        return Err(Unfit::Request("Connection header did not include 'upgrade'"));
    }
    if !says(header::UPGRADE, "websocket") {
        return Err(Unfit::Request("`Upgrade` header did not include 'websocket'"));
    }
    if !says(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(Unfit::Version);
    }
    let key = key.ok_or(Unfit::Request("`Sec-WebSocket-Key` header is missing"))?;
    let hash = Sha1::new().chain_update(key.as_bytes()).chain_update(ACCEPTS).finalize();
    Ok(STANDARD.encode(hash))
}

impl WebSocket {
    fn new(upgraded: Upgraded, lengths: Lengths) -> Self {
        Self {
            stream: TokioIo::new(upgraded),
            reader: Reader::default(),
            unread: Vec::new(),
            looked_at: 0,
            unsent: Vec::new(),
            taken: 0,
            lengths,
        }
    }

    /// The next message, or why there will be none.
    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Broken>> {
        loop {
            if let Some(message) = self.look()? {
                return Poll::Ready(Ok(message));
            }
            ready!(self.poll_read(cx)).map_err(|_| Broken::Lost)?;
        }
    }

    /// Reads on without a look at what comes, until the peer is gone.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            (self.unread, self.looked_at) = (Vec::new(), 0);
            if ready!(self.poll_read(cx)).is_err() {
                return Poll::Ready(());
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        READING.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            self.unread.extend_from_slice(buffer.filled());
            match buffer.filled().is_empty() {
                true => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                false => Poll::Ready(Ok(())),
            }
        })
    }

    /// A message of what came already.
    fn look(&mut self) -> Result<Option<Message>, Broken> {
        if self.unread.is_empty() {
            return Ok(None);
        }
        let read = self.reader.read(&self.unread[self.looked_at..], self.lengths);
        let (message, taken) = read.map_err(Broken::Foul)?;
        self.looked_at += taken;
        if self.looked_at == self.unread.len() {
            (self.unread, self.looked_at) = (Vec::new(), 0);
        } else if message.is_none() {
            self.unread.drain(..self.looked_at);
            self.looked_at = 0;
        }
        Ok(message)
    }

    /// Whether the peer took everything so far.
    pub(crate) fn is_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Sends what the peer did not take yet.
    pub(crate) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let rest = &self.unsent[self.taken..];
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            self.taken += written;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if self.taken == self.unsent.len() {
                (self.unsent, self.taken) = (Vec::new(), 0);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends a batch; nothing else may wait to be sent. What the peer does not take is kept.
    pub(crate) fn send(&mut self, cx: &mut Context<'_>, batch: &[u8]) -> io::Result<()> {
        debug_assert!(self.is_sent(), "a batch would overtake another");
        let mut sent = 0;
        while sent < batch.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &batch[sent..])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => sent += written,
                Poll::Pending => {
                    self.unsent = batch[sent..].to_vec();
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Lends out the thread's buffer for what is to be sent, empty.
pub(crate) fn with_batch<T>(gather: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    WRITING.with_borrow_mut(|batch| {
        batch.clear();
        let gathered = gather(batch);
        if batch.capacity() > KEPT_BYTES {
            *batch = Vec::new();
        }
        gathered
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(HeaderName, &str)]) -> Result<String, Unfit> {
        let pairs = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        accept(&Method::GET, &pairs.collect())
    }

    #[test]
    fn a_key_is_answered_and_a_version_refused_as_the_standard_says() {
        let all = [
            (header::CONNECTION, "keep-alive, Upgrade"),
            (header::UPGRADE, "WebSocket"),
            (header::SEC_WEBSOCKET_VERSION, "13"),
            (header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        assert_eq!(asked(&all).as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        for without in 0..all.len() {
            let mut some = all.to_vec();
            some.remove(without);
            assert!(asked(&some).is_err(), "without {:?}", all[without]);
        }
        let mut old = all;
        old[2].1 = "8";
        assert_eq!(asked(&old), Err(Unfit::Version));
        let answer = Unfit::Version.answer();
        let offered = answer.headers().get(header::SEC_WEBSOCKET_VERSION);
        assert_eq!(
            (answer.status().as_u16(), offered.map(|v| v.as_bytes())),
            (426, Some(&b"13"[..]))
        );
    }
}
