//! One connection: a socket, what is said on it, and what waits to be sent.
//!
//! * What waits is drained into one write; while a slow peer takes it, packets are still read.
//! * Requests run side by side and are answered in any order; a client that asks faster than it
//!   takes answers is not read.
//! * An idle connection holds no buffer larger than the last little that went through it.

use super::{
    Shared, Twilsock,
    codec::FRAME_BYTES_MAX,
    line::{Answers, Recall},
    lines::Place,
    session::{Closing, Denial, Effect, Granted, Purpose, Relay, Session, problem},
    subscriptions::{self, Asked, Subscriptions},
};
use crate::clock::real_now_ms;
use access::{
    Permit, Principal, Who,
    token::{self, Claims},
};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use base::{Kind, Problem, Sid};
use bytes::Bytes;
use futures_util::{
    FutureExt as _, SinkExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered,
};
use host::Post;
use http::{HeaderValue, Method, Request, Response, header};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use sync::ServiceSid;
use tokio::time::{Instant, Sleep, sleep, timeout};

/// A packet is mostly an acknowledgement; a longer one makes its own room.
const READ_BUFFER_BYTES: usize = 1024;
/// What is drained at a time is gathered whole before it is written.
const WRITE_BUFFER_BYTES: usize = 64 * 1024;
/// What may wait in the socket's own buffer: one batch and the largest answer.
const WRITE_BUFFER_BYTES_MAX: usize = 4 << 20;
/// What is sent at a time, and one frame more.
const BATCH_BYTES: usize = 16 * 1024;
/// How long a line that is over may take to be told so.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// Small buffers: there may be ten thousand connections, most of them idle.
pub(crate) fn sized(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
}

/// Runs a connection to its end. What it holds lies in one box, wherever its future is moved.
pub(crate) fn run(twilsock: Twilsock, socket: WebSocket) -> impl Future<Output = ()> {
    let shared = twilsock.0.clone();
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).expect("the operating system gives random bytes");
    let per_s = shared.limits.requests_per_s();
    let fresh = u128::from_be_bytes(bits);
    let session = Session::new(shared.tickets.clone(), fresh, per_s, real_now_ms());
    let recall = Arc::new(Recall::default());
    let place = shared.lines.add(recall.clone());
    let connection = Connection {
        twilsock,
        socket,
        session,
        answers: Answers::default(),
        recall,
        place,
        admitted: None,
        under_way: FuturesUnordered::new(),
        subscriptions: None,
        waiting: None,
        _reachable: None,
        is_written: true,
        reads_first: true,
        is_over: false,
    };
    Box::new(connection).run()
}

type Answered = (Box<str>, Response<Bytes>);

struct Connection {
    twilsock: Twilsock,
    socket: WebSocket,
    session: Session,
    answers: Answers,
    recall: Arc<Recall>,
    place: Place,
    /// The account it counts for.
    admitted: Option<Sid>,
    under_way: FuturesUnordered<BoxFuture<'static, Answered>>,
    /// From `init` on.
    subscriptions: Option<Subscriptions>,
    /// Waits for something to be told.
    waiting: Option<BoxFuture<'static, Post>>,
    /// The device counts as connected as long as this is held.
    _reachable: Option<host::reach::Connection>,
    /// Whether the socket took everything it was given.
    is_written: bool,
    /// Reading and sending take turns, so that neither starves the other.
    reads_first: bool,
    is_over: bool,
}

/// What happened.
enum Event {
    Received(Message),
    Lost,
    Answered(Answered),
    /// There is something to be answered.
    Due,
    /// There is something to be told.
    Told(Post),
    Recalled,
    Woken,
}

impl Connection {
    async fn run(mut self: Box<Self>) {
        let mut timer = Box::pin(sleep(Duration::ZERO));
        loop {
            let now_ms = real_now_ms();
            if let Some(at_ms) = self.session.wake_at_ms() {
                let wait_ms = u64::try_from(at_ms - now_ms).unwrap_or_default();
                timer.as_mut().reset(Instant::now() + Duration::from_millis(wait_ms));
            }
            let event = poll_fn(|cx| self.poll_event(timer.as_mut(), cx)).await;
            let sent = match event {
                Event::Lost => return,
                Event::Received(message) => self.received(message).await,
                Event::Answered((id, response)) => {
                    self.answered(&id, &response);
                    Ok(())
                }
                Event::Due => self.send(None).await,
                Event::Told(post) => self.send(Some(post)).await,
                Event::Recalled => {
                    let effects = self.session.close(Closing::Offload, real_now_ms());
                    self.carry_out(effects).await
                }
                Event::Woken => self.woken().await,
            };
            if sent.is_err() {
                return;
            }
            if self.is_over {
                return self.farewell().await;
            }
        }
    }

    fn poll_event(&mut self, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<Event> {
        if !self.is_written {
            match self.socket.poll_flush_unpin(cx) {
                Poll::Ready(Ok(())) => self.is_written = true,
                Poll::Ready(Err(_)) => return Poll::Ready(Event::Lost),
                Poll::Pending => {}
            }
        }
        if self.recall.poll_told(cx).is_ready() {
            return Poll::Ready(Event::Recalled);
        }
        self.reads_first = !self.reads_first;
        if self.reads_first
            && let Poll::Ready(event) = self.poll_received(cx)
        {
            return Poll::Ready(event);
        }
        if self.is_written
            && let Poll::Ready(event) = self.poll_due(cx)
        {
            return Poll::Ready(event);
        }
        if !self.under_way.is_empty()
            && let Poll::Ready(Some(answered)) = self.under_way.poll_next_unpin(cx)
        {
            return Poll::Ready(Event::Answered(answered));
        }
        if !self.reads_first
            && let Poll::Ready(event) = self.poll_received(cx)
        {
            return Poll::Ready(event);
        }
        timer.poll_unpin(cx).map(|()| Event::Woken)
    }

    /// Something to send.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if !self.answers.is_empty() {
            return Poll::Ready(Event::Due);
        }
        let Some(subscriptions) = self.subscriptions.as_ref().filter(|_| self.session.is_open())
        else {
            return Poll::Pending;
        };
        let waiting = self.waiting.get_or_insert_with(|| {
            let mailbox = subscriptions.mailbox().clone();
            async move { mailbox.next().await }.boxed()
        });
        let post = ready!(waiting.poll_unpin(cx));
        self.waiting = None;
        Poll::Ready(Event::Told(post))
    }

    /// A client that does not take its answers is not read.
    fn poll_received(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if !self.session.has_room() || !self.answers.have_room() {
            return Poll::Pending;
        }
        self.socket.poll_next_unpin(cx).map(|message| match message {
            Some(Ok(message)) => Event::Received(message),
            Some(Err(_)) | None => Event::Lost,
        })
    }

    /// Gathers what waits, answers first; the next flush writes it in one go.
    async fn send(&mut self, first: Option<Post>) -> Result<(), axum::Error> {
        let mut bytes = 0;
        let mut post = first;
        while bytes < BATCH_BYTES {
            if let Some(frame) = self.answers.take() {
                bytes += frame.len();
                self.socket.feed(Message::Binary(frame)).await?;
                continue;
            }
            let waiting = || self.subscriptions.as_ref()?.mailbox().try_next();
            let next = post.take().or_else(|| waiting().filter(|_| self.session.is_open()));
            let Some(next) = next else { break };
            self.tell(next).await?;
        }
        if let Some(post) = post {
            self.tell(post).await?;
        }
        self.is_written = false;
        Ok(())
    }

    /// Puts what came out of the mailbox behind what is to be answered.
    async fn tell(&mut self, post: Post) -> Result<(), axum::Error> {
        if matches!(post, Post::Interrupted(_)) {
            let effects = self.session.overflowed(real_now_ms());
            self.carry_out(effects).await?;
        }
        let Some(subscriptions) = &mut self.subscriptions else { return Ok(()) };
        if self.session.is_open() {
            let frames = subscriptions.post(&self.twilsock.0.told, post);
            frames.into_iter().for_each(|frame| self.answers.put(frame));
        }
        Ok(())
    }

    async fn received(&mut self, message: Message) -> Result<(), axum::Error> {
        let now_ms = real_now_ms();
        let effects = match message {
            Message::Binary(frame) => {
                let Self { twilsock, session, admitted, .. } = self;
                session.receive(&frame, now_ms, |token, purpose| {
                    let claims = prove(twilsock, token, now_ms)?;
                    if purpose == Purpose::Open && admitted.is_none() {
                        let shared = &twilsock.0;
                        shared.lines.admit(claims.sub, shared.limits, now_ms)?;
                        *admitted = Some(claims.sub);
                    }
                    Ok(claims)
                })
            }
            Message::Text(_) => self.session.receive_text(now_ms),
            Message::Ping(_) | Message::Pong(_) => {
                self.session.heard(now_ms);
                Vec::new()
            }
            Message::Close(_) => {
                self.is_over = true;
                Vec::new()
            }
        };
        self.carry_out(effects).await
    }

    async fn woken(&mut self) -> Result<(), axum::Error> {
        let directory = self.twilsock.0.host.directory();
        let holds = |claims: &Claims| token::still_holds(&directory, claims);
        let effects = self.session.wake(real_now_ms(), holds);
        self.carry_out(effects).await
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> Result<(), axum::Error> {
        for effect in effects {
            match effect {
                Effect::Send(frame) => self.answers.put(frame),
                Effect::Opened(granted) => self.opened(&granted),
                Effect::Relay(relay) => self.relay(relay),
                // A line that is still being written to is not idle.
                Effect::Ping if self.is_written => {
                    self.socket.feed(Message::Ping(Bytes::new())).await?;
                    self.is_written = false;
                }
                Effect::Ping => {}
                Effect::Hang => self.is_over = true,
            }
        }
        Ok(())
    }

    fn opened(&mut self, granted: &Granted) {
        let host = &self.twilsock.0.host;
        self.subscriptions = Some(Subscriptions::new(host, granted));
        let name = granted.data_sync.as_deref();
        let service = name.and_then(|name| service(&self.twilsock, granted.account, name));
        self._reachable = service.map(|service| {
            host.connect(service, granted.identity.clone(), granted.endpoint.clone())
        });
    }

    fn relay(&mut self, relay: Box<Relay>) {
        if relay.request.uri().path() == subscriptions::PATH {
            return self.subscribe(&relay);
        }
        let Relay { id, principal, request } = *relay;
        let answering = (self.twilsock.0.relay)(principal, request);
        self.under_way.push(async move { (id, answering.await) }.boxed());
    }

    /// Answers first: the client knows of its request before it is told what came of it.
    fn subscribe(&mut self, relay: &Relay) {
        let Relay { id, principal, request } = relay;
        let (service, asked) = match self.asked(principal, request) {
            Ok(asked) => asked,
            Err(Problem { kind, code, message, .. }) => {
                let status = if code == 20004 { 405 } else { wire::problem::status(kind) };
                return self.answered(id, &problem(status, code, &message));
            }
        };
        let mut response = Response::new(Bytes::from(Asked::answer()));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        self.answered(id, &response);
        let Some(subscriptions) = &mut self.subscriptions else { return };
        let Shared { host, told, .. } = &*self.twilsock.0;
        let frames = subscriptions.ask(host, told, service, &asked);
        frames.into_iter().for_each(|frame| self.answers.put(frame));
    }

    /// What is asked for, in which service, if it may be.
    fn asked(
        &self,
        principal: &Principal,
        request: &Request<Bytes>,
    ) -> Result<(ServiceSid, Asked), Problem> {
        if request.method() != Method::POST {
            return Err(Problem::new(Kind::Invalid, 20004, "This path answers POST only"));
        }
        if !principal.may(Permit::Endpoint) {
            return Err(Problem::new(Kind::Forbidden, 20403, "This is for client libraries"));
        }
        let service = match &principal.who {
            Who::Endpoint { service: name, .. } => service(&self.twilsock, principal.account, name),
            Who::Account | Who::Key(_) | Who::Person(_) | Who::Bearer { .. } => None,
        };
        let service = service.ok_or_else(|| sync::Rejection::ServiceNotFound.problem())?;
        Ok((service, Asked::parse(request.body())?))
    }

    fn answered(&mut self, id: &str, response: &Response<Bytes>) {
        if let Some(frame) = self.session.answered(id, response) {
            self.answers.put(frame);
        }
    }

    /// What still waits is sent, if it is taken in time.
    async fn farewell(mut self: Box<Self>) {
        let leaving = async {
            while let Some(frame) = self.answers.take() {
                self.socket.feed(Message::Binary(frame)).await?;
            }
            let frame = CloseFrame { code: 1000, reason: Utf8Bytes::from_static("") };
            self.socket.send(Message::Close(Some(frame))).await
        };
        _ = timeout(FAREWELL_MAX, leaving).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let lines = &self.twilsock.0.lines;
        if let Some(account) = self.admitted {
            lines.leave(account);
        }
        lines.remove(self.place);
    }
}

fn prove(twilsock: &Twilsock, token: &str, now_ms: i64) -> Result<Claims, Denial> {
    let directory = twilsock.0.host.directory();
    token::verify(&directory, token, now_ms / 1_000).map_err(Denial::Token)
}

/// The service that a grant names, if it is the account's.
fn service(twilsock: &Twilsock, account: Sid, name: &str) -> Option<ServiceSid> {
    let host = &twilsock.0.host;
    let sid = match name {
        "default" => ServiceSid::default_of(account),
        sid => sid.parse().ok()?,
    };
    let created_at = host.directory().account(account)?.created_at;
    host.sync_services().get(account, created_at, sid).map(|service| service.sid)
}
