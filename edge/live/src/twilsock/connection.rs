//! One connection: a socket, what is said on it, and what waits to be sent.
//!
//! * What waits is drained into one write; while a slow peer takes it, packets are still read.
//! * Requests run side by side and are answered in any order; a client that asks faster than it
//!   takes answers is not read.
//! * An idle connection holds no buffer larger than the last little that went through it.

use super::{
    Shared, Twilsock,
    line::Recall,
    lines::Place,
    session::{Closing, Denial, Granted, Purpose, Relay, Session, problem},
    subscriptions::{self, Server},
    talk::{Errand, Talk},
};
use crate::{
    clock::real_now_ms,
    websocket::{self, BATCH_BYTES, Broken, Foul, Message, WebSocket},
};
use access::token::{self, Claims};
use base::Sid;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use host::{Host, Mailbox, Post};
use http::Response;
use insights::{Number, Query};
use std::{
    future::poll_fn,
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use sync::{EventId, ObjectSid, ServiceSid};
use tokio::time::{Instant, Sleep, sleep, timeout};

/// How long a line that is over may take to be told so.
const FAREWELL_MAX: Duration = Duration::from_secs(1);
/// The status that a WebSocket is closed with, where there is no other.
const CLOSED: u16 = 1_000;

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
        talk: Talk::new(session),
        recall,
        place,
        admitted: None,
        under_way: FuturesUnordered::new(),
        reachable: None,
        ping_is_due: false,
        pong: None,
        reads_first: true,
        is_over: false,
        is_foul: false,
        closes_with: CLOSED,
    };
    Box::new(connection).run()
}

type Answered = (Box<str>, Response<Bytes>);

struct Connection {
    twilsock: Twilsock,
    socket: WebSocket,
    talk: Talk,
    recall: Arc<Recall>,
    place: Place,
    /// The account it counts for.
    admitted: Option<Sid>,
    under_way: FuturesUnordered<BoxFuture<'static, Answered>>,
    /// The device counts as connected as long as this is held.
    reachable: Option<host::reach::Connection>,
    /// A sign of life is to be asked for.
    ping_is_due: bool,
    /// What the client's own question for one is to be answered with.
    pong: Option<Vec<u8>>,
    /// Reading and sending take turns, so that neither starves the other.
    reads_first: bool,
    is_over: bool,
    /// What its client sends is not looked at any more.
    is_foul: bool,
    /// The status that its WebSocket is closed with.
    closes_with: u16,
}

/// What happened.
enum Event {
    Received(Message),
    Lost,
    Fouled(Foul),
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
            let at_ms = self.talk.session().wake_at_ms();
            if let Some(at_ms) = at_ms.filter(|_| at_ms != wakes_at_ms) {
                let wait_ms = u64::try_from(at_ms - real_now_ms()).unwrap_or_default();
                timer.as_mut().reset(Instant::now() + Duration::from_millis(wait_ms));
                wakes_at_ms = Some(at_ms);
            }
            match poll_fn(|cx| self.poll_event(timer.as_mut(), cx)).await {
                Event::Lost => return,
                Event::Sent => {}
                Event::Fouled(foul) => {
                    (self.is_over, self.is_foul, self.closes_with) = (true, true, foul.code());
                }
                Event::Received(message) => self.received(message),
                Event::Answered((id, response)) => self.talk.answered(&id, &response),
                Event::Recalled => {
                    let errands = self.talk.close(Closing::Offload, real_now_ms());
                    self.carry_out(errands);
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
        if !self.talk.reads() {
            return Poll::Pending;
        }
        self.socket.poll_message(cx).map(|message| match message {
            Ok(message) => Event::Received(message),
            Err(Broken::Lost) => Event::Lost,
            Err(Broken::Foul(foul)) => Event::Fouled(foul),
        })
    }

    /// Sends a batch of what waits, once the client has taken the last one.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.socket.poll_sent(cx))?;
        let is_due = self.talk.has_answers() || self.ping_is_due || self.pong.is_some();
        let first = match self.talk.mailbox() {
            _ if is_due => None,
            Some(mailbox) => Some(ready!(mailbox.poll_next(cx))),
            None => return Poll::Pending,
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
        let (told, mut first) = (&self.twilsock.0.told, first);
        while batch.len() < BATCH_BYTES
            && let Some(frame) = self.talk.take(told, &mut first, real_now_ms)
        {
            websocket::put(websocket::Kind::Binary, &frame, batch);
        }
        if let Some(post) = first {
            self.talk.tell(told, post, real_now_ms);
        }
    }

    fn received(&mut self, message: Message) {
        let now_ms = real_now_ms();
        let errands = match message {
            Message::Binary(frame) => {
                let Self { twilsock, talk, admitted, .. } = self;
                talk.receive(&frame, now_ms, |token, purpose| {
                    let claims = prove(twilsock, token, now_ms)?;
                    if purpose == Purpose::Open && admitted.is_none() {
                        let shared = &twilsock.0;
                        shared.lines.admit(claims.sub, shared.limits, now_ms)?;
                        *admitted = Some(claims.sub);
                    }
                    Ok(claims)
                })
            }
            Message::Long(head) => self.talk.receive_long(&head, now_ms),
            Message::Text => self.talk.receive_text(now_ms),
            Message::Ping(payload) => {
                self.pong = Some(payload);
                return self.talk.heard(now_ms);
            }
            Message::Pong => return self.talk.heard(now_ms),
            Message::Close(code) => {
                (self.is_over, self.closes_with) = (true, code.unwrap_or(CLOSED));
                return;
            }
        };
        self.carry_out(errands);
    }

    fn woken(&mut self) {
        let directory = self.twilsock.0.host.directory();
        let holds = |claims: &Claims| token::still_holds(&directory, claims);
        let errands = self.talk.wake(real_now_ms(), holds);
        self.carry_out(errands);
    }

    fn carry_out(&mut self, errands: Vec<Errand>) {
        for errand in errands {
            match errand {
                Errand::Opened(granted) => self.opened(&granted),
                Errand::Renewed(granted) => {
                    self.talk.renewed(&self.twilsock.0.told, &granted);
                    self.reach(&granted);
                }
                Errand::Relay(relay) => self.relay(relay),
                // A line that is still being written to is not idle.
                Errand::Ping => self.ping_is_due = self.socket.is_sent(),
                Errand::Hang => self.is_over = true,
            }
        }
    }

    fn opened(&mut self, granted: &Granted) {
        let host = &self.twilsock.0.host;
        let identity = Some(granted.identity.clone());
        let mailbox = host.mailbox(identity, subscriptions::WAITING_BYTES_MAX);
        self.talk.opened(mailbox, granted);
        self.reach(granted);
    }

    /// Counts as connected in the service it was opened for, once it is for one.
    fn reach(&mut self, granted: &Granted) {
        if self.reachable.is_some() {
            return;
        }
        let host = &self.twilsock.0.host;
        let name = granted.data_sync.as_deref();
        let service = name.and_then(|name| host.service(granted.account, name));
        self.reachable = service.map(|service| {
            host.connect(service, granted.identity.clone(), granted.endpoint.clone())
        });
    }

    fn relay(&mut self, relay: Box<Relay>) {
        let Shared { host, told, relay: answerer, lines, limits, .. } = &*self.twilsock.0;
        if !lines.admit_request(relay.principal.account, *limits, real_now_ms()) {
            let response = problem(429, 51202, "Too many requests a second of this account");
            return self.talk.answered(&relay.id, &response);
        }
        if relay.request.uri().path() == subscriptions::PATH {
            return self.talk.subscribe(&mut &*host, told, &relay);
        }
        let Relay { id, principal, request } = *relay;
        let answering = answerer(principal, request);
        self.under_way.push(async move { (id, answering.await) }.boxed());
    }

    /// What still waits to be answered is sent, if it is taken in time.
    async fn farewell(mut self: Box<Self>) {
        let mut is_told = false;
        let leaving = poll_fn(|cx| -> Poll<io::Result<()>> {
            loop {
                ready!(self.socket.poll_sent(cx))?;
                if mem::replace(&mut is_told, !self.talk.has_answers()) {
                    // To hang up on what is still coming could take back what was just said.
                    return match self.is_foul {
                        true => self.socket.poll_gone(cx).map(Ok),
                        false => Poll::Ready(Ok(())),
                    };
                }
                websocket::with_batch(|batch| {
                    while batch.len() < BATCH_BYTES
                        && let Some(frame) = self.talk.take_answer()
                    {
                        websocket::put(websocket::Kind::Binary, &frame, batch);
                    }
                    if is_told {
                        let status = self.closes_with.to_be_bytes();
                        websocket::put(websocket::Kind::Close, &status, batch);
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

impl Server for &Host {
    fn service(&self, account: Sid, name: &str) -> Option<ServiceSid> {
        let sid = match name {
            "default" => ServiceSid::default_of(account),
            sid => sid.parse().ok()?,
        };
        let created_at = self.directory().account(account)?.created_at;
        self.sync_services().get(account, created_at, sid).map(|service| service.sid)
    }

    fn owner(&self, workspace: Sid) -> Option<Sid> {
        let names = self.names(workspace.to_string().parse().ok()?)?;
        Some(names.account)
    }

    fn follow(
        &mut self,
        mailbox: &Mailbox,
        service: ServiceSid,
        object: ObjectSid,
        after: EventId,
    ) {
        Host::follow(self, mailbox, service, object, after);
    }

    fn follow_query(&mut self, mailbox: &Mailbox, query: Query, after: Number) {
        Host::follow_query(self, mailbox, Arc::new(query), after);
    }
}
