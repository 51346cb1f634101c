//! Connections without sockets, for the simulator: the same talk as behind a socket, over a line
//! that is somebody else's.

use super::{
    session::{Closing, Denial, Purpose, Session},
    subscriptions::{self, Server},
    talk::{Errand, Talk},
    ticket::Tickets,
    told::Told,
};
use access::token::{Claims, TokenError};
use base::Sid;
use bytes::Bytes;
use host::Mailbox;
use http::{Request, Response};
use insights::{Number, Query};
use std::{fmt, sync::Arc};
use sync::{EventId, ObjectSid, ServiceSid};

/// What all connections of one server share.
pub struct Exchange {
    tickets: Arc<Tickets>,
    told: Told,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

impl Exchange {
    /// Of a server that was just started; everything it draws follows from the seed.
    pub fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_be_bytes());
        Self { tickets: Arc::new(Tickets::new(key)), told: Told::new(seed) }
    }

    /// A connection that was just made.
    pub fn connect(&self, fresh: u128, now_ms: i64) -> Connection {
        let session = Session::new(self.tickets.clone(), fresh, None, now_ms);
        Connection { talk: Talk::new(session), is_over: false }
    }
}

/// What is around a connection.
pub trait Around {
    /// What a token says, if it is good.
    fn prove(&self, token: &str) -> Option<Claims>;
    /// A mailbox for somebody.
    fn mailbox(&self, identity: Arc<str>) -> Mailbox;
    /// A service, as grants name it.
    fn service(&self, name: &str) -> Option<ServiceSid>;
    /// Lets a mailbox follow an object behind an event.
    fn follow(&mut self, mailbox: &Mailbox, service: ServiceSid, object: ObjectSid, after: EventId);
    /// Answers any other request.
    fn answer(&mut self, request: &Request<Bytes>) -> Response<Bytes>;
}

/// The same as connections want it.
struct Lent<'a, A>(&'a mut A);

impl<A: Around> Server for Lent<'_, A> {
    fn service(&self, _: Sid, name: &str) -> Option<ServiceSid> {
        self.0.service(name)
    }

    /// Nobody supervises anything, so that no live query is followed.
    fn owner(&self, _: Sid) -> Option<Sid> {
        None
    }

    fn follow(
        &mut self,
        mailbox: &Mailbox,
        service: ServiceSid,
        object: ObjectSid,
        after: EventId,
    ) {
        self.0.follow(mailbox, service, object, after);
    }

    fn follow_query(&mut self, _: &Mailbox, _: Query, _: Number) {}
}

/// One connection, as the server has it.
pub struct Connection {
    talk: Talk,
    is_over: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

impl Connection {
    /// Whether the server would read another packet now.
    pub const fn reads(&self) -> bool {
        self.talk.reads()
    }

    /// Whether somebody was named and the end was not told.
    pub const fn is_open(&self) -> bool {
        self.talk.session().is_open()
    }

    /// Whether the server ends the line once everything was sent.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Bytes that wait in the mailbox, and bytes of answers that wait, about.
    pub fn waiting_bytes(&self) -> (usize, usize) {
        let mailbox = self.talk.mailbox().map_or(0, |mailbox| mailbox.bytes());
        (mailbox, self.talk.answer_bytes())
    }

    /// When it has something to do if nothing happens before.
    pub fn wake_at_ms(&self) -> Option<i64> {
        self.talk.session().wake_at_ms()
    }

    /// A packet came.
    pub fn receive(
        &mut self,
        exchange: &Exchange,
        around: &mut impl Around,
        frame: &[u8],
        now_ms: i64,
    ) {
        let prove =
            |token: &str, _: Purpose| around.prove(token).ok_or(Denial::Token(TokenError::Expired));
        for errand in self.talk.receive(frame, now_ms, prove) {
            match errand {
                Errand::Opened(granted) => {
                    self.talk.opened(around.mailbox(granted.identity.clone()), &granted);
                }
                Errand::Renewed(granted) => self.talk.renewed(&exchange.told, &granted),
                Errand::Relay(relay) if relay.request.uri().path() == subscriptions::PATH => {
                    self.talk.subscribe(&mut Lent(around), &exchange.told, &relay);
                }
                Errand::Relay(relay) => {
                    let response = around.answer(&relay.request);
                    self.talk.answered(&relay.id, &response);
                }
                Errand::Ping => {}
                Errand::Hang => self.is_over = true,
            }
        }
    }

    /// Time passed; whether it asks for a sign of life.
    pub fn wake(&mut self, now_ms: i64) -> bool {
        let mut asks = false;
        for errand in self.talk.wake(now_ms, |_| true) {
            match errand {
                Errand::Ping => asks = true,
                Errand::Hang => self.is_over = true,
                Errand::Opened(_) | Errand::Renewed(_) | Errand::Relay(_) => {}
            }
        }
        asks
    }

    /// A sign of life came.
    pub fn heard(&mut self, now_ms: i64) {
        self.talk.heard(now_ms);
    }

    /// The server stops: the client is to come back.
    pub fn offload(&mut self, now_ms: i64) {
        _ = self.talk.close(Closing::Offload, now_ms);
    }

    /// The next frame for the client.
    pub fn take(&mut self, exchange: &Exchange, now_ms: i64) -> Option<Bytes> {
        self.talk.take(&exchange.told, &mut None, || now_ms)
    }
}
