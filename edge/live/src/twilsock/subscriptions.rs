//! Subscriptions of one connection: asked for, told, and ended.
//!
//! * What is missed and what happens comes through one mailbox at the host, in order and without a
//!   gap; here it is only named as the client asked for it.
//! * A client whose log does not reach back is told so once, to ask again; if that leads to the
//!   same place, its subscription fails, and the application opens the object again.

use super::{
    session::Granted,
    told::{Told, UNASKED},
};
use base::{Kind, Problem};
use bytes::Bytes;
use host::{Host, Mailbox, Post, Replay};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc};
use sync::{EventId, ObjectSid, Rejection, ServiceSid};
use wire::cds::Outcome;

/// Where requests for subscriptions are sent.
pub(crate) const PATH: &str = "/v4/Subscriptions";
/// Bytes that may wait to be told to one connection.
const WAITING_BYTES_MAX: usize = 256 * 1024;
/// Objects in one request.
const BATCH_MAX: usize = 100;
/// Objects one connection may follow.
const FOLLOWED_MAX: usize = 10_000;
/// After this many seconds a client asks for everything again.
const TTL_S: u32 = 86_400;
/// A client that was told nothing of a request for this long asks again.
const ESTIMATED_DELIVERY_MS: u32 = 10_000;

/// What a client asks for.
#[derive(Deserialize)]
pub(crate) struct Asked {
    action: Action,
    /// Repeated in what it is told about it.
    correlation_id: Box<RawValue>,
    requests: Vec<One>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Establish,
    Cancel,
}

#[derive(Deserialize)]
struct One {
    object_sid: String,
    object_type: String,
    last_event_id: Option<i64>,
}

/// What a connection follows.
pub(crate) struct Subscriptions {
    mailbox: Arc<Mailbox>,
    followed: BTreeMap<ObjectSid, Followed>,
}

struct Followed {
    /// The request's, as JSON.
    correlation: Arc<str>,
    /// What the client knew.
    after: EventId,
    is_established: bool,
    /// Where the client was when it was told that not everything it missed is there.
    interrupted_after: Option<EventId>,
}

impl Asked {
    /// From a request's body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let asked: Self = serde_json::from_slice(body)
            .map_err(|_| Problem::invalid("The body is no request for subscriptions"))?;
        match asked.requests.len() <= BATCH_MAX {
            true => Ok(asked),
            false => Err(Problem::invalid(format!("requests: there are more than {BATCH_MAX}"))),
        }
    }

    /// What the request itself is answered.
    pub(crate) fn answer() -> String {
        format!(
            "{{\"max_batch_size\":{BATCH_MAX},\"ttl_in_s\":{TTL_S},\
             \"estimated_delivery_in_ms\":{ESTIMATED_DELIVERY_MS}}}"
        )
    }
}

impl Subscriptions {
    /// None yet, for whom a connection was opened.
    pub(crate) fn new(host: &Host, granted: &Granted) -> Self {
        let mailbox = host.mailbox(Some(granted.identity.clone()), WAITING_BYTES_MAX);
        Self { mailbox: Arc::new(mailbox), followed: BTreeMap::new() }
    }

    /// Carries a request out; what is to be told at once comes back.
    pub(crate) fn ask(
        &mut self,
        host: &Host,
        told: &Told,
        service: ServiceSid,
        asked: &Asked,
    ) -> Vec<Bytes> {
        let correlation: Arc<str> = asked.correlation_id.get().into();
        let mut frames = Vec::new();
        for one in &asked.requests {
            let object: Option<ObjectSid> = one.object_sid.parse().ok();
            let object = object.filter(|object| object.kind().word() == one.object_type);
            let outcome = match (asked.action, object) {
                (Action::Cancel, object) => {
                    if let Some(object) = object.filter(|object| self.forget(*object).is_some()) {
                        self.mailbox.leave(object);
                    }
                    Outcome::Canceled
                }
                (Action::Establish, None) => nothing_there(),
                (Action::Establish, Some(object))
                    if self.followed.len() >= FOLLOWED_MAX
                        && !self.followed.contains_key(&object) =>
                {
                    too_many()
                }
                (Action::Establish, Some(object)) => {
                    let after = one.last_event_id.and_then(|id| id.try_into().ok()).unwrap_or(0);
                    self.follow(host, service, object, after, correlation.clone());
                    continue;
                }
            };
            let (sid, kind) = (&one.object_sid, &one.object_type);
            frames.push(told.outcome_of(sid, kind, &correlation, &outcome));
        }
        frames
    }

    fn follow(
        &mut self,
        host: &Host,
        service: ServiceSid,
        object: ObjectSid,
        after: EventId,
        correlation: Arc<str>,
    ) {
        let before = self.forget(object);
        if before.is_some() {
            self.mailbox.leave(object);
        }
        let interrupted_after = before.and_then(|before| before.interrupted_after);
        let followed = Followed { correlation, after, is_established: false, interrupted_after };
        self.followed.insert(object, followed);
        host.follow(&self.mailbox, service, object, after);
    }

    /// Where everything it is told comes from.
    pub(crate) const fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// What came out of the mailbox, as frames.
    pub(crate) fn post(&mut self, told: &Told, post: Post) -> Vec<Bytes> {
        match post {
            Post::Live(news) => told.live(&news).into_iter().collect(),
            Post::Replayed(news) => {
                let followed = self.followed.get(&news.event.object);
                let frame = followed.and_then(|own| told.replayed(&news, &own.correlation));
                frame.into_iter().collect()
            }
            Post::Followed { object, replay, last } => self.established(told, object, replay, last),
            Post::Failed { object, because } => {
                let Some(followed) = self.forget(object) else { return Vec::new() };
                let outcome = because.as_ref().map_or_else(unavailable, failed);
                vec![told.outcome(object, &followed.correlation, &outcome)]
            }
            Post::Revoked(object) => {
                let correlation = self.forget(object).map(|followed| followed.awaited());
                let correlation = correlation.unwrap_or_else(|| UNASKED.into());
                vec![told.outcome(object, &correlation, &failed(&Rejection::Forbidden))]
            }
            Post::Interrupted(objects) => {
                let frame = |object: ObjectSid| {
                    let correlation = self.forget(object)?.awaited();
                    Some(told.outcome(object, &correlation, &Outcome::Interrupted(0)))
                };
                objects.into_iter().filter_map(frame).collect()
            }
        }
    }

    fn established(
        &mut self,
        told: &Told,
        object: ObjectSid,
        replay: Replay,
        last: EventId,
    ) -> Vec<Bytes> {
        let Some(followed) = self.followed.get_mut(&object) else { return Vec::new() };
        followed.is_established = true;
        let outcome = match replay {
            Replay::Completed => {
                followed.interrupted_after = None;
                Outcome::Established(last)
            }
            Replay::Interrupted if followed.interrupted_after == Some(followed.after) => {
                let followed = self.forget(object).expect("it was there a moment ago");
                self.mailbox.leave(object);
                return vec![told.outcome(object, &followed.correlation, &forgotten())];
            }
            Replay::Interrupted => {
                followed.interrupted_after = Some(followed.after);
                Outcome::Interrupted(last)
            }
        };
        vec![told.outcome(object, &followed.correlation, &outcome)]
    }

    fn forget(&mut self, object: ObjectSid) -> Option<Followed> {
        self.followed.remove(&object)
    }
}

impl Followed {
    /// The correlation that the library waits for: none once it was told.
    fn awaited(&self) -> Arc<str> {
        match self.is_established {
            true => UNASKED.into(),
            false => self.correlation.clone(),
        }
    }
}

fn failed(rejection: &Rejection) -> Outcome {
    let problem = rejection.problem();
    let status = wire::problem::status(problem.kind);
    Outcome::Failed { status, code: problem.code, message: problem.message }
}

fn nothing_there() -> Outcome {
    let message = "There is no such object".to_owned();
    Outcome::Failed { status: wire::problem::status(Kind::NotFound), code: 20404, message }
}

fn too_many() -> Outcome {
    let message = format!("One connection follows {FOLLOWED_MAX} objects at most");
    Outcome::Failed { status: wire::problem::status(Kind::Limited), code: 54009, message }
}

fn unavailable() -> Outcome {
    let message = "The object could not be read now".to_owned();
    Outcome::Failed { status: wire::problem::status(Kind::Unavailable), code: 20503, message }
}

fn forgotten() -> Outcome {
    let message = "What was missed is no longer kept: open the object again".to_owned();
    Outcome::Failed { status: wire::problem::status(Kind::Gone), code: 20410, message }
}
