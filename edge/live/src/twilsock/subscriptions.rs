//! Subscriptions of one connection: asked for, told, and ended.
//!
//! * What is missed and what happens comes through one mailbox at the host, in order and without a
//!   gap; here it is only named as the client asked for it.
//! * A client whose log does not reach back is told nothing behind the hole, and told so once, to
//!   ask again; if that leads to the same place, its subscription fails, and the application opens
//!   the object again.

use super::{
    session::Granted,
    told::{Told, UNASKED},
};
use base::{Kind, Problem, Sid};
use bytes::Bytes;
use host::{Mailbox, Post, QueryRefusal, Replay};
use insights::{Index, Number, Query, QuerySid};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, mem, sync::Arc};
use sync::{EventId, ObjectSid, Rejection, ServiceSid};
use wire::cds::Outcome;

/// Where requests for subscriptions are sent.
pub(crate) const PATH: &str = "/v4/Subscriptions";
/// Bytes that may wait to be told to one connection.
pub(crate) const WAITING_BYTES_MAX: usize = 256 * 1024;
/// Objects in one request.
const BATCH_MAX: usize = 100;
/// Objects one connection may follow.
const FOLLOWED_MAX: usize = 10_000;
/// Live queries one connection may follow.
const QUERIES_MAX: usize = 200;
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
    /// Of a live query.
    #[serde(default)]
    index_name: Option<String>,
    /// Of a live query.
    #[serde(default)]
    query_string: Option<String>,
}

/// The kind of a live query, beside those of objects.
pub(crate) const LIVE_QUERY: &str = "live_query";

/// What following needs of the server.
pub(crate) trait Server {
    /// The service of an account that a grant names.
    fn service(&self, account: Sid, name: &str) -> Option<ServiceSid>;
    /// The account of a workspace.
    fn owner(&self, workspace: Sid) -> Option<Sid>;
    /// Lets a mailbox follow an object behind an event.
    fn follow(&mut self, mailbox: &Mailbox, service: ServiceSid, object: ObjectSid, after: EventId);
    /// Lets a mailbox follow a live query behind a change.
    fn follow_query(&mut self, mailbox: &Mailbox, query: Query, after: Number);
}

/// What a connection follows.
pub(crate) struct Subscriptions {
    mailbox: Arc<Mailbox>,
    followed: BTreeMap<ObjectSid, Followed>,
    account: Sid,
    /// The workspace whose live queries may be followed, if it is the account's.
    supervises: Option<Sid>,
    queries: BTreeMap<QuerySid, FollowedQuery>,
}

struct FollowedQuery {
    /// The request's, as JSON.
    correlation: Arc<str>,
    is_established: bool,
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
    pub(crate) fn new(mailbox: Mailbox, granted: &Granted) -> Self {
        let (followed, queries) = (BTreeMap::new(), BTreeMap::new());
        let (account, supervises) = (granted.account, granted.supervises);
        Self { mailbox: Arc::new(mailbox), followed, account, supervises, queries }
    }

    /// The connection has other grants than before: live queries belong to the role they were asked
    /// for in. What is to be told comes back.
    pub(crate) fn renewed(&mut self, told: &Told, granted: &Granted) -> Vec<Bytes> {
        if self.supervises == granted.supervises {
            return Vec::new();
        }
        self.supervises = granted.supervises;
        let ended = mem::take(&mut self.queries).into_iter().map(|(sid, followed)| {
            self.mailbox.leave_query(sid);
            told.query_outcome(sid, &followed.awaited(), &for_supervisors())
        });
        ended.collect()
    }

    /// Carries a request out; what is to be told at once comes back.
    pub(crate) fn ask(
        &mut self,
        server: &mut dyn Server,
        told: &Told,
        service: ServiceSid,
        asked: &Asked,
    ) -> Vec<Bytes> {
        let correlation: Arc<str> = asked.correlation_id.get().into();
        let mut frames = Vec::new();
        for one in &asked.requests {
            if one.object_type == LIVE_QUERY {
                frames.extend(self.ask_query(server, told, asked.action, one, &correlation));
                continue;
            }
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
                    self.expect(object, after, correlation.clone());
                    server.follow(&self.mailbox, service, object, after);
                    continue;
                }
            };
            let (sid, kind) = (&one.object_sid, &one.object_type);
            frames.push(told.outcome_of(sid, kind, &correlation, &outcome));
        }
        frames
    }

    fn expect(&mut self, object: ObjectSid, after: EventId, correlation: Arc<str>) {
        // Nothing that came of an earlier request is told as if it were of this one.
        self.mailbox.leave(object);
        let before = self.forget(object);
        let interrupted_after = before.and_then(|before| before.interrupted_after);
        let followed = Followed { correlation, after, is_established: false, interrupted_after };
        self.followed.insert(object, followed);
    }

    /// Carries out what is asked about a live query; what is to be told at once comes back.
    fn ask_query(
        &mut self,
        server: &mut dyn Server,
        told: &Told,
        action: Action,
        one: &One,
        correlation: &Arc<str>,
    ) -> Option<Bytes> {
        let outcome = match action {
            Action::Cancel => {
                if let Ok(sid) = one.object_sid.parse::<QuerySid>()
                    && self.queries.remove(&sid).is_some()
                {
                    self.mailbox.leave_query(sid);
                }
                Outcome::Canceled
            }
            Action::Establish => match self.query(server, one) {
                Ok(query) => {
                    let (sid, after) = (query.sid(), one.last_event_id.unwrap_or(0));
                    if self.queries.contains_key(&sid) {
                        self.mailbox.leave_query(sid);
                    }
                    let correlation = correlation.clone();
                    self.queries.insert(sid, FollowedQuery { correlation, is_established: false });
                    let after = after.try_into().unwrap_or(0);
                    server.follow_query(&self.mailbox, query, after);
                    return None;
                }
                Err(outcome) => outcome,
            },
        };
        Some(told.outcome_of(&one.object_sid, LIVE_QUERY, correlation, &outcome))
    }

    /// The query that a request names, if it may be followed.
    fn query(&self, server: &dyn Server, one: &One) -> Result<Query, Outcome> {
        let workspace = self.supervises.ok_or_else(for_supervisors)?;
        let owner = server.owner(workspace);
        owner.filter(|owner| *owner == self.account).ok_or_else(for_supervisors)?;
        let index = one.index_name.as_deref().and_then(Index::parse).ok_or_else(nothing_there)?;
        let text = one.query_string.as_deref().unwrap_or_default();
        let query = Query::parse(workspace, index, text)
            .map_err(|error| refused(Kind::Invalid, 54507, &error.to_string()))?;
        if query.sid().to_string() != one.object_sid {
            return Err(refused(Kind::Invalid, 54507, "The query is not the one it is called"));
        }
        let is_one_more = !self.queries.contains_key(&query.sid());
        if is_one_more && self.queries.len() >= QUERIES_MAX {
            let message = format!("One connection follows {QUERIES_MAX} live queries at most");
            return Err(refused(Kind::Limited, 54009, &message));
        }
        Ok(query)
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
            Post::Interrupted { objects, .. } => {
                let frame = |object: ObjectSid| {
                    let correlation = self.forget(object)?.awaited();
                    Some(told.outcome(object, &correlation, &Outcome::Interrupted(0)))
                };
                objects.into_iter().filter_map(frame).collect()
            }
            Post::Query(news) => {
                let is_followed = self.queries.contains_key(&news.query);
                is_followed.then(|| told.query(&news)).into_iter().collect()
            }
            Post::QueryFollowed { query, last } => {
                let Some(followed) = self.queries.get_mut(&query) else { return Vec::new() };
                followed.is_established = true;
                let outcome = Outcome::Established(last);
                vec![told.query_outcome(query, &followed.correlation, &outcome)]
            }
            Post::QueryFailed { query, because } => {
                let Some(followed) = self.queries.remove(&query) else { return Vec::new() };
                vec![told.query_outcome(query, &followed.awaited(), &query_failed(because))]
            }
            Post::QueriesInterrupted(queries) => {
                let frame = |query: QuerySid| {
                    let correlation = self.queries.remove(&query)?.awaited();
                    Some(told.query_outcome(query, &correlation, &Outcome::Interrupted(0)))
                };
                queries.into_iter().filter_map(frame).collect()
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

impl FollowedQuery {
    /// The correlation that the library waits for: none once it was told.
    fn awaited(&self) -> Arc<str> {
        match self.is_established {
            true => UNASKED.into(),
            false => self.correlation.clone(),
        }
    }
}

fn query_failed(because: QueryRefusal) -> Outcome {
    let message = because.to_string();
    match because {
        QueryRefusal::NoWorkspace => refused(Kind::NotFound, 20404, &message),
        QueryRefusal::TooMany => refused(Kind::Limited, 54009, &message),
        QueryRefusal::Unavailable => refused(Kind::Unavailable, 20503, &message),
    }
}

fn for_supervisors() -> Outcome {
    refused(Kind::Forbidden, 20403, "This is for supervisors")
}

fn refused(kind: Kind, code: u32, message: &str) -> Outcome {
    Outcome::Failed { status: wire::problem::status(kind), code, message: message.to_owned() }
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
