//! One connection: a socket, what is said on it, and what waits to be sent.
//!
//! * What waits is drained into one write; while a slow peer takes it, packets are still read.
//! * Requests run side by side and are answered in any order; a client that asks faster than it
//!   takes answers is not read.
//! * An idle connection holds no buffer larger than the last little that went through it.

use super::{
    Shared, Twilsock,
    line::{Answers, Recall},
    lines::Place,
    session::{Closing, Denial, Effect, Granted, Purpose, Relay, Session, problem},
    subscriptions::{self, Asked, Subscriptions},
};
use crate::{
    clock::real_now_ms,
    websocket::{self, BATCH_BYTES, Message, WebSocket},
};
use access::{
    Permit, Principal, Who,
    token::{self, Claims},
};
use base::{Kind, Problem, Sid};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use host::Post;
use http::{HeaderValue, Method, Request, Response, header};
use std::{
    future::poll_fn,
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use sync::ServiceSid;
use tokio::time::{Instant, Sleep, sleep, timeout};

/// How long a line that is over may take to be told so.
const FAREWELL_MAX: Duration = Duration::from_secs(1);
/// The status that a WebSocket is closed with.
const CLOSED: [u8; 2] = 1_000u16.to_be_bytes();

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
        _reachable: None,
        ping_is_due: false,
        pong: None,
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
    /// The device counts as connected as long as this is held.
    _reachable: Option<host::reach::Connection>,
    /// A sign of life is to be asked for.
    ping_is_due: bool,
    /// What the client's own question for one is to be answered with.
    pong: Option<Vec<u8>>,
    /// Reading and sending take turns, so that neither starves the other.
    reads_first: bool,
    is_over: bool,
}

/// What happened.
enum Event {
    Received(Message),
    Lost,
    Answered(Answered),
    Sent,
    Recalled,
    Woken,
}

impl Connection {
    async fn run(mut self: Box<Self>) {
        let mut timer = Box::pin(sleep(Duration::ZERO));
        // What the timer is set to: it rarely changes, and setting it is not free.
        let mut wakes_at_ms = None;
        while !self.is_over {
            let at_ms = self.session.wake_at_ms();
            if let Some(at_ms) = at_ms.filter(|_| at_ms != wakes_at_ms) {
                let wait_ms = u64::try_from(at_ms - real_now_ms()).unwrap_or_default();
                timer.as_mut().reset(Instant::now() + Duration::from_millis(wait_ms));
                wakes_at_ms = Some(at_ms);
            }
            match poll_fn(|cx| self.poll_event(timer.as_mut(), cx)).await {
                Event::Lost => return,
                Event::Sent => {}
                Event::Received(message) => self.received(message),
                Event::Answered((id, response)) => self.answered(&id, &response),
                Event::Recalled => {
                    let effects = self.session.close(Closing::Offload, real_now_ms());
                    self.carry_out(effects);
                }
                Event::Woken => {
                    wakes_at_ms = None;
                    self.woken();
                }
            }
        }
        self.farewell().await;
    }

    fn poll_event(&mut self, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<Event> {
        if self.recall.poll_told(cx).is_ready() {
            return Poll::Ready(Event::Recalled);
        }
        self.reads_first = !self.reads_first;
        if self.reads_first
            && let Poll::Ready(event) = self.poll_received(cx)
        {
            return Poll::Ready(event);
        }
        if let Poll::Ready(sent) = self.poll_send(cx) {
            return Poll::Ready(if sent.is_ok() { Event::Sent } else { Event::Lost });
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

    /// A client that does not take its answers is not read.
    fn poll_received(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if !self.session.has_room() || !self.answers.have_room() {
            return Poll::Pending;
        }
        self.socket.poll_message(cx).map(|message| message.map_or(Event::Lost, Event::Received))
    }

    /// Sends a batch of what waits, once the client has taken the last one.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.socket.poll_sent(cx))?;
        let is_due = !self.answers.is_empty() || self.ping_is_due || self.pong.is_some();
        let first = match &self.subscriptions {
            _ if is_due => None,
            Some(own) if self.session.is_open() => Some(ready!(own.mailbox().poll_next(cx))),
            Some(_) | None => return Poll::Pending,
        };
        Poll::Ready(websocket::with_batch(|batch| {
            self.gather(first, batch);
            self.socket.send(cx, batch)
        }))
    }

    /// Gathers what waits, answers first.
    fn gather(&mut self, first: Option<Post>, batch: &mut Vec<u8>) {
        if mem::take(&mut self.ping_is_due) {
            websocket::put(websocket::Kind::Ping, b"", batch);
        }
        if let Some(pong) = self.pong.take() {
            websocket::put(websocket::Kind::Pong, &pong, batch);
        }
        let mut first = first;
        while batch.len() < BATCH_BYTES {
            if let Some(frame) = self.answers.take() {
                websocket::put(websocket::Kind::Binary, &frame, batch);
                continue;
            }
            let open = self.subscriptions.as_ref().filter(|_| self.session.is_open());
            match first.take().or_else(|| open?.mailbox().try_next()) {
                // The same bytes for everybody, behind nothing else.
                Some(Post::Live(news)) => {
                    if let Some(frame) = self.twilsock.0.told.live(&news) {
                        websocket::put(websocket::Kind::Binary, &frame, batch);
                    }
                }
                Some(other) => self.tell(other),
                None => break,
            }
        }
        if let Some(post) = first {
            self.tell(post);
        }
    }

    /// Puts what came out of the mailbox behind what is to be answered.
    fn tell(&mut self, post: Post) {
        if matches!(post, Post::Interrupted(_)) {
            let effects = self.session.overflowed(real_now_ms());
            self.carry_out(effects);
        }
        let Some(subscriptions) = &mut self.subscriptions else { return };
        if self.session.is_open() {
            let frames = subscriptions.post(&self.twilsock.0.told, post);
            frames.into_iter().for_each(|frame| self.answers.put(frame));
        }
    }

    fn received(&mut self, message: Message) {
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
            Message::Text => self.session.receive_text(now_ms),
            Message::Ping(payload) => {
                self.pong = Some(payload);
                return self.session.heard(now_ms);
            }
            Message::Pong => return self.session.heard(now_ms),
            Message::Close => {
                self.is_over = true;
                return;
            }
        };
        self.carry_out(effects);
    }

    fn woken(&mut self) {
        let directory = self.twilsock.0.host.directory();
        let holds = |claims: &Claims| token::still_holds(&directory, claims);
        let effects = self.session.wake(real_now_ms(), holds);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(frame) => self.answers.put(frame),
                Effect::Opened(granted) => self.opened(&granted),
                Effect::Relay(relay) => self.relay(relay),
                // A line that is still being written to is not idle.
                Effect::Ping => self.ping_is_due = self.socket.is_sent(),
                Effect::Hang => self.is_over = true,
            }
        }
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

    /// What still waits to be answered is sent, if it is taken in time.
    async fn farewell(mut self: Box<Self>) {
        let mut is_told = false;
        let leaving = poll_fn(|cx| -> Poll<io::Result<()>> {
            loop {
                ready!(self.socket.poll_sent(cx))?;
                if mem::replace(&mut is_told, self.answers.is_empty()) {
                    return Poll::Ready(Ok(()));
                }
                websocket::with_batch(|batch| {
                    while batch.len() < BATCH_BYTES
                        && let Some(frame) = self.answers.take()
                    {
                        websocket::put(websocket::Kind::Binary, &frame, batch);
                    }
                    if is_told {
                        websocket::put(websocket::Kind::Close, &CLOSED, batch);
                    }
                    self.socket.send(cx, batch)
                })?;
            }
        });
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
