//! What one connection says, hears and follows, whatever carries it: the session, what it follows,
//! and what waits to be sent.
//!
//! * Frames leave in the order in which they came to be; what is told out of the mailbox is turned
//!   into frames only when there is room to send them, so what waits is bounded by the mailbox.
//! * A mailbox that overflowed is told; one that does so again ends the connection.
//!
//! Knows no socket and no clock, so that the simulator runs the same code.

#[cfg(feature = "planted-bugs")]
use crate::planted::{self, Planted};

use super::{
    line::Answers,
    session::{Closing, Denial, Effect, Granted, Purpose, Relay, Session, problem},
    subscriptions::{Asked, Server, Subscriptions},
    told::Told,
};
use access::{Permit, Principal, Who, token::Claims};
use base::{Kind, Problem};
use bytes::Bytes;
use host::{Loss, Mailbox, Post};
use http::{HeaderValue, Method, Request, Response, header};
use std::sync::Arc;
use sync::ServiceSid;

/// What is left to be done by whoever has a line, a server and a host.
pub(crate) enum Errand {
    /// It is open from now on: see [`Talk::opened`].
    Opened(Arc<Granted>),
    /// From now on it has these grants: see [`Talk::renewed`].
    Renewed(Arc<Granted>),
    /// Carry out a request, and hand what comes of it to [`Talk::answered`].
    Relay(Box<Relay>),
    /// Ask for a sign of life.
    Ping,
    /// End the line once everything was sent.
    Hang,
}

/// One connection's.
pub(crate) struct Talk {
    session: Session,
    answers: Answers,
    /// From `init` on.
    subscriptions: Option<Subscriptions>,
}

impl Talk {
    /// Nothing was said yet.
    pub(crate) fn new(session: Session) -> Self {
        Self { session, answers: Answers::default(), subscriptions: None }
    }

    /// The session, for looking.
    pub(crate) const fn session(&self) -> &Session {
        &self.session
    }

    /// Where everything it is told comes from, while it may be told.
    pub(crate) fn mailbox(&self) -> Option<&Arc<Mailbox>> {
        let subscriptions = self.subscriptions.as_ref().filter(|_| self.session.is_open());
        subscriptions.map(Subscriptions::mailbox)
    }

    /// Whether a packet may be read: a client that does not take its answers is not heard.
    pub(crate) const fn reads(&self) -> bool {
        self.session.has_room() && self.answers.have_room()
    }

    /// Bytes of answers that wait to be sent, about.
    #[cfg_attr(not(feature = "simulation"), expect(dead_code, reason = "the simulator looks"))]
    pub(crate) const fn answer_bytes(&self) -> usize {
        self.answers.bytes()
    }

    /// Whether a frame waits that is not in the mailbox.
    pub(crate) fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// A binary message came. What is left to do is more than this connection can.
    pub(crate) fn receive(
        &mut self,
        frame: &[u8],
        now_ms: i64,
        prove: impl FnOnce(&str, Purpose) -> Result<Claims, Denial>,
    ) -> Vec<Errand> {
        let effects = self.session.receive(frame, now_ms, prove);
        self.carry_out(effects)
    }

    /// The beginning of a message came that is too long.
    pub(crate) fn receive_long(&mut self, head: &[u8], now_ms: i64) -> Vec<Errand> {
        let effects = self.session.receive_long(head, now_ms);
        self.carry_out(effects)
    }

    /// A text message came.
    pub(crate) fn receive_text(&mut self, now_ms: i64) -> Vec<Errand> {
        let effects = self.session.receive_text(now_ms);
        self.carry_out(effects)
    }

    /// A sign of life came.
    pub(crate) fn heard(&mut self, now_ms: i64) {
        self.session.heard(now_ms);
    }

    /// Time passed.
    pub(crate) fn wake(
        &mut self,
        now_ms: i64,
        still_holds: impl FnOnce(&Claims) -> bool,
    ) -> Vec<Errand> {
        let effects = self.session.wake(now_ms, still_holds);
        self.carry_out(effects)
    }

    /// The client is told why this is the end.
    pub(crate) fn close(&mut self, why: Closing, now_ms: i64) -> Vec<Errand> {
        let effects = self.session.close(why, now_ms);
        self.carry_out(effects)
    }

    /// It is open for somebody: what it follows comes through this mailbox.
    pub(crate) fn opened(&mut self, mailbox: Mailbox, granted: &Granted) {
        self.subscriptions = Some(Subscriptions::new(mailbox, granted));
    }

    /// It has other grants than before: what it may no longer follow ends.
    pub(crate) fn renewed(&mut self, told: &Told, granted: &Granted) {
        let Some(subscriptions) = &mut self.subscriptions else { return };
        let frames = subscriptions.renewed(told, granted);
        frames.into_iter().for_each(|frame| self.answers.put(frame));
    }

    /// What came of a request.
    pub(crate) fn answered(&mut self, id: &str, response: &Response<Bytes>) {
        if let Some(frame) = self.session.answered(id, response) {
            self.answers.put(frame);
        }
    }

    /// Carries out a request for subscriptions. It is answered first: the client knows of its
    /// request before it is told what came of it.
    pub(crate) fn subscribe(&mut self, server: &mut dyn Server, told: &Told, relay: &Relay) {
        let Relay { id, principal, request } = relay;
        let (service, asked) = match asked(server, principal, request) {
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
        let frames = subscriptions.ask(server, told, service, &asked);
        frames.into_iter().for_each(|frame| self.answers.put(frame));
    }

    /// Puts what came out of the mailbox behind what is to be answered.
    pub(crate) fn tell(&mut self, told: &Told, post: Post, now_ms: impl FnOnce() -> i64) {
        #[cfg(feature = "planted-bugs")]
        let post = match post {
            Post::Interrupted { objects, .. } if planted::is(Planted::NeverSendAway) => {
                Post::Interrupted { objects, because: Loss::Untold }
            }
            Post::Interrupted { .. } if planted::is(Planted::ForgetInterruptions) => return,
            post => post,
        };
        if let Post::Interrupted { because: Loss::Full, .. } = post {
            // It can only end, and is told so: nothing is left to do.
            let effects = self.session.overflowed(now_ms());
            self.carry_out(effects);
        }
        let Some(subscriptions) = &mut self.subscriptions else { return };
        if self.session.is_open() {
            let frames = subscriptions.post(told, post);
            frames.into_iter().for_each(|frame| self.answers.put(frame));
        }
    }

    /// The next frame to send, if there is one: what is to be answered, what came out of the
    /// mailbox `first`, then what else is in it.
    pub(crate) fn take(
        &mut self,
        told: &Told,
        first: &mut Option<Post>,
        now_ms: impl Fn() -> i64,
    ) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.answers.take() {
                return Some(frame);
            }
            match first.take().or_else(|| self.mailbox()?.try_next())? {
                // The same bytes for everybody, behind nothing else.
                Post::Live(news) => {
                    if let Some(frame) = told.live(&news) {
                        return Some(frame);
                    }
                }
                other => self.tell(told, other, &now_ms),
            }
        }
    }

    /// The next frame of those that were waiting when it ended.
    pub(crate) fn take_answer(&mut self) -> Option<Bytes> {
        self.answers.take()
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Vec<Errand> {
        let mut left = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(frame) => self.answers.put(frame),
                Effect::Opened(granted) => left.push(Errand::Opened(granted)),
                Effect::Renewed(granted) => left.push(Errand::Renewed(granted)),
                Effect::Relay(relay) => left.push(Errand::Relay(relay)),
                Effect::Ping => left.push(Errand::Ping),
                Effect::Hang => left.push(Errand::Hang),
            }
        }
        left
    }
}

/// What is asked for, in which service, if it may be.
fn asked(
    server: &dyn Server,
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
        Who::Endpoint { service: name, .. } => server.service(principal.account, name),
        Who::Account | Who::Key(_) | Who::Person(_) | Who::Bearer { .. } => None,
    };
    let service = service.ok_or_else(|| sync::Rejection::ServiceNotFound.problem())?;
    Ok((service, Asked::parse(request.body())?))
}
