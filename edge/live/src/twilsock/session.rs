//! One connection's conversation, from `init` to `close`: packets and the time go in, frames and
//! requests come out.
//!
//! * No request passes before a token was proved, and none after the connection's end was told.
//! * The identity, account and services of a connection never change; a new token prolongs it, and
//!   may add a grant or change a role.
//! * A client is warned before its token ends, and told when it has.
//! * Everything a client can make it remember is bounded.
//!
//! Knows no socket, no clock and no engine: times are the real clock's milliseconds, and how a
//! token is proved arrives as a function.

use super::{
    codec::{self, Malformed, Packet},
    header::{
        Continuation, Header, HttpRequest, HttpStatus, ID_BYTES_MAX, InitHeader, Name, OK,
        Registered, Registration, ReplyHeader, ServerHeader, Status,
    },
    second::Second,
    ticket::{Tickets, storage_id},
};
use access::{
    Principal, Who,
    token::{Claims, TokenError},
};
use base::Sid;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde_json::{Map, Value, json};
use std::{mem, sync::Arc};

/// A connection that has not said who it is after this is ended.
const INIT_LIMIT_MS: i64 = 10_000;
/// A token's end is told this long before it, or when half of its life is over.
const WARNING_MS: i64 = 180_000;
/// After the end was told, the client has this long to end the connection itself.
const FAREWELL_MS: i64 = 1_000;
/// How often a sign of life is asked for, and the token's key and person are looked for.
const BEAT_MS: i64 = 30_000;
/// A connection that gave no sign of life for this long is dead.
const SILENCE_MS: i64 = 75_000;
/// A client that is sent elsewhere comes back no sooner.
const OFFLOAD_MS: u32 = 1_000;
/// Requests that may be under way at a time; further ones wait where they are.
pub(crate) const UNDER_WAY_MAX: usize = 64;
/// Registrations that are answered.
const REGISTRATIONS_MAX: usize = 16;
/// Texts of one registration.
const MESSAGE_TYPES_MAX: usize = 64;
/// Parameters of a tunnelled request.
const PARAMETERS_MAX: usize = 256;

/// For whom a connection was opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    /// The account.
    pub(crate) account: Sid,
    /// Whom the token names.
    pub(crate) identity: Arc<str>,
    /// The service of its grant `data_sync`.
    pub(crate) data_sync: Option<Arc<str>>,
    /// The service of its grant `chat`.
    pub(crate) chat: Option<Arc<str>>,
    /// The same for one client over all its reconnects, as long as it shows its ticket.
    pub(crate) session: u128,
    /// What the program is called: by itself, or after its session.
    pub(crate) endpoint: Arc<str>,
    /// The workspace that it supervises by its grant `task_router`, if it does.
    pub(crate) supervises: Option<Sid>,
}

/// What is to be done.
pub(crate) enum Effect {
    /// Send this frame.
    Send(Bytes),
    /// It is open from now on.
    Opened(Arc<Granted>),
    /// From now on it has these grants.
    Renewed(Arc<Granted>),
    /// Carry out a request, and hand what comes of it to [`Session::answered`].
    Relay(Box<Relay>),
    /// Ask for a sign of life.
    Ping,
    /// End the line once everything was sent.
    Hang,
}

/// A request on its way.
pub(crate) struct Relay {
    /// The packet it came in.
    pub(crate) id: Box<str>,
    /// On whose behalf.
    pub(crate) principal: Principal,
    /// What.
    pub(crate) request: Request<Bytes>,
}

/// What a token is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To open a connection.
    Open,
    /// To keep one open for longer.
    Prolong,
}

/// Why a token is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// It proves nothing.
    Token(TokenError),
    /// It proves something else.
    Forbidden(&'static str),
    /// There are too many connections, or they come too fast.
    Busy {
        /// When to try again.
        after_ms: u32,
    },
}

/// Why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// The server stops, or the client took too little: it is to come back.
    Offload,
    /// The token is over.
    Expired,
    /// The token's key or person is gone.
    Revoked,
    /// It does not speak the protocol.
    Malformed(Malformed),
}

/// One connection.
pub(crate) struct Session {
    phase: Phase,
    tickets: Arc<Tickets>,
    /// The session's name if it brings none.
    fresh: u128,
    /// Server packets are numbered.
    packets: u64,
    heard_at_ms: i64,
    beat_at_ms: i64,
    under_way: usize,
    /// Requests a second, where the operator asked for the incumbent's rates.
    per_s: Option<u32>,
    second: Second,
    has_overflowed: bool,
}

enum Phase {
    /// Nobody was named yet.
    Waiting { until_ms: i64 },
    /// Somebody was.
    Open(Box<Open>),
    /// The end was told.
    Closing { until_ms: i64 },
    /// Nothing more is said or heard.
    Over,
}

struct Open {
    granted: Arc<Granted>,
    claims: Claims,
    expires_at_ms: i64,
    /// `None` once it was told.
    warn_at_ms: Option<i64>,
}

impl Session {
    /// A connection that was just made. `fresh` is random; `per_s` bounds requests.
    pub(crate) fn new(tickets: Arc<Tickets>, fresh: u128, per_s: Option<u32>, now_ms: i64) -> Self {
        Self {
            phase: Phase::Waiting { until_ms: now_ms + INIT_LIMIT_MS },
            tickets,
            fresh,
            packets: 0,
            heard_at_ms: now_ms,
            beat_at_ms: now_ms + BEAT_MS,
            under_way: 0,
            per_s,
            second: Second::default(),
            has_overflowed: false,
        }
    }

    /// Anything came, a pong too.
    pub(crate) fn heard(&mut self, now_ms: i64) {
        self.heard_at_ms = now_ms;
    }

    /// A binary message came.
    pub(crate) fn receive(
        &mut self,
        frame: &[u8],
        now_ms: i64,
        prove: impl FnOnce(&str, Purpose) -> Result<Claims, Denial>,
    ) -> Vec<Effect> {
        self.heard(now_ms);
        if matches!(self.phase, Phase::Over) {
            return Vec::new();
        }
        let packet = match codec::decode(frame) {
            Ok(packet) if packet.header.id.len() <= ID_BYTES_MAX => packet,
            Ok(_) => return self.close(Closing::Malformed(Malformed::Header), now_ms),
            Err(Malformed::Header) => return self.receive_unread(frame, now_ms),
            Err(malformed) => return self.close(Closing::Malformed(malformed), now_ms),
        };
        let closing = matches!(self.phase, Phase::Closing { .. });
        match &*packet.header.method {
            // The only packet of ours that matters is the last one.
            "reply" | "telemetry.v1" | "telemetry" => Vec::new(),
            "close" => self.closed(&packet.header.id),
            _ if closing => Vec::new(),
            "init" => self.init(&packet.header, now_ms, prove),
            "update" => self.update(&packet.header, now_ms, prove),
            "message" => self.message(packet, now_ms),
            "ping" | "put_notification_ctx" | "delete_notification_ctx" => self.ok(&packet.header),
            _ => vec![reply(&packet.header.id, &refusal(400, "BAD_REQUEST", "Unknown method"))],
        }
    }

    /// A frame came whose header is not what it must be. A client that was told to close for it
    /// would stop for good: as long as it can be told of which packet, it is only refused.
    fn receive_unread(&mut self, frame: &[u8], now_ms: i64) -> Vec<Effect> {
        let Name { method, id } = match name(frame) {
            Ok(name) => name,
            Err(malformed) => return self.close(Closing::Malformed(malformed), now_ms),
        };
        let why = "The header holds a value of a type that it must not have";
        match (&*method, &self.phase) {
            ("reply" | "telemetry.v1" | "telemetry", _) => Vec::new(),
            ("close", _) => self.closed(&id),
            (_, Phase::Closing { .. } | Phase::Over) => Vec::new(),
            ("message", Phase::Open(_)) => {
                vec![Effect::Send(answer(&id, &problem(400, 20001, why)))]
            }
            (_, Phase::Waiting { .. }) if method != "init" => vec![reply(&id, &nobody())],
            (_, Phase::Waiting { .. } | Phase::Open(_)) => {
                vec![reply(&id, &refusal(400, "BAD_REQUEST", why))]
            }
        }
    }

    /// The client ends it.
    fn closed(&mut self, id: &str) -> Vec<Effect> {
        self.phase = Phase::Over;
        vec![reply(id, &OK), Effect::Hang]
    }

    /// The beginning of a binary message came that is longer than any may be: a request is answered
    /// so, and anything else is no packet.
    pub(crate) fn receive_long(&mut self, head: &[u8], now_ms: i64) -> Vec<Effect> {
        self.heard(now_ms);
        match (name(head), &self.phase) {
            (Ok(Name { method, id }), Phase::Open(_)) if method == "message" => {
                let most = codec::PAYLOAD_BYTES_MAX;
                let message = format!("The request has more than the {most} bytes that it may");
                vec![Effect::Send(answer(&id, &problem(413, 54006, &message)))]
            }
            (Ok(_), _) => self.close(Closing::Malformed(Malformed::PayloadLength), now_ms),
            (Err(malformed), _) => self.close(Closing::Malformed(malformed), now_ms),
        }
    }

    /// A text message came: nothing here is written so.
    pub(crate) fn receive_text(&mut self, now_ms: i64) -> Vec<Effect> {
        self.close(Closing::Malformed(Malformed::Foreign), now_ms)
    }

    /// Time passed. `still_holds` says whether a proved token would still be proved.
    pub(crate) fn wake(
        &mut self,
        now_ms: i64,
        still_holds: impl FnOnce(&Claims) -> bool,
    ) -> Vec<Effect> {
        match &mut self.phase {
            Phase::Over => return Vec::new(),
            Phase::Waiting { until_ms } | Phase::Closing { until_ms } if now_ms >= *until_ms => {
                return self.hang();
            }
            Phase::Waiting { .. } | Phase::Closing { .. } => return Vec::new(),
            #[cfg(feature = "planted-bugs")]
            Phase::Open(_) if crate::planted::is(crate::planted::Planted::ForgetExpiry) => {}
            Phase::Open(open) if now_ms >= open.expires_at_ms => {
                return self.close(Closing::Expired, now_ms);
            }
            Phase::Open(open) => {
                if open.warn_at_ms.is_some_and(|at_ms| now_ms >= at_ms) {
                    open.warn_at_ms = None;
                    let id = self.next_id();
                    let header = ServerHeader::client_update(&id, "token_about_to_expire");
                    return vec![Effect::Send(codec::encode(&header, b""))];
                }
            }
        }
        if now_ms - self.heard_at_ms >= SILENCE_MS {
            return self.hang();
        }
        if now_ms < self.beat_at_ms {
            return Vec::new();
        }
        self.beat_at_ms = now_ms + BEAT_MS;
        match &self.phase {
            Phase::Open(open) if !still_holds(&open.claims) => self.close(Closing::Revoked, now_ms),
            _ => vec![Effect::Ping],
        }
    }

    /// When [`Session::wake`] has something to do, if nothing happens before.
    pub(crate) fn wake_at_ms(&self) -> Option<i64> {
        match &self.phase {
            Phase::Waiting { until_ms } | Phase::Closing { until_ms } => Some(*until_ms),
            Phase::Open(open) => {
                let token = open.warn_at_ms.unwrap_or(open.expires_at_ms);
                Some(token.min(open.expires_at_ms).min(self.beat_at_ms))
            }
            Phase::Over => None,
        }
    }

    /// What came of a request.
    pub(crate) fn answered(&mut self, id: &str, response: &Response<Bytes>) -> Option<Bytes> {
        self.under_way = self.under_way.saturating_sub(1);
        matches!(self.phase, Phase::Open(_)).then(|| answer(id, response))
    }

    /// Whether one more request may come.
    pub(crate) const fn has_room(&self) -> bool {
        self.under_way < UNDER_WAY_MAX
    }

    /// Whether somebody was named and the end was not told.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// What was to be told did not fit: the first time the client reads it again, the second time
    /// it is sent away.
    pub(crate) fn overflowed(&mut self, now_ms: i64) -> Vec<Effect> {
        match mem::replace(&mut self.has_overflowed, true) {
            false => Vec::new(),
            true => self.close(Closing::Offload, now_ms),
        }
    }

    /// Tells the client why this is the end.
    pub(crate) fn close(&mut self, why: Closing, now_ms: i64) -> Vec<Effect> {
        match self.phase {
            Phase::Waiting { .. } | Phase::Open(_) => {}
            Phase::Closing { .. } | Phase::Over => return Vec::new(),
        }
        self.phase = Phase::Closing { until_ms: now_ms + FAREWELL_MS };
        let (status, payload) = why.told();
        let id = self.next_id();
        vec![Effect::Send(codec::encode(&ServerHeader::close(&id, &status, &payload), &payload))]
    }

    fn hang(&mut self) -> Vec<Effect> {
        self.phase = Phase::Over;
        vec![Effect::Hang]
    }

    fn next_id(&mut self) -> String {
        self.packets += 1;
        format!("TN{:016x}{:016x}", self.fresh as u64, self.packets)
    }

    fn ok(&self, header: &Header<'_>) -> Vec<Effect> {
        match self.phase {
            Phase::Open(_) => vec![reply(&header.id, &OK)],
            _ => vec![reply(&header.id, &nobody())],
        }
    }
}

/// Tokens.
impl Session {
    fn init(
        &mut self,
        header: &Header<'_>,
        now_ms: i64,
        prove: impl FnOnce(&str, Purpose) -> Result<Claims, Denial>,
    ) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Waiting { .. }) {
            let status = refusal(400, "BAD_REQUEST", "The connection is open already");
            return vec![reply(&header.id, &status)];
        }
        let registrations = match registrations(header) {
            Ok(registrations) => registrations,
            Err(denial) => return self.deny(&header.id, &denial),
        };
        let token = header.token.as_deref().unwrap_or_default();
        let granted = prove(token, Purpose::Open)
            .and_then(|claims| Ok((granted(&claims, self.fresh)?, claims)))
            .and_then(|(granted, claims)| match granted.fits(registrations) {
                true => Ok((granted, claims)),
                false => Err(Denial::Forbidden("The token has no grant for this product")),
            });
        let (mut granted, claims) = match granted {
            Ok(proved) => proved,
            Err(denial) => return self.deny(&header.id, &denial),
        };
        let brought = header.continuation_token.as_deref();
        let known = brought
            .and_then(|ticket| self.tickets.read(ticket, granted.account, &granted.identity));
        granted.session = known.unwrap_or(self.fresh);
        granted.name_endpoint(&claims);
        let ticket = self.tickets.write(granted.session, granted.account, &granted.identity);
        let reissued = brought.is_some() && known.is_none();
        let init = InitHeader {
            continuation_token: &ticket,
            continuation_token_status: Continuation {
                reissued,
                reissue_reason: if reissued { "UNKNOWN" } else { "" },
                reissue_message: if reissued { "The token is of another session" } else { "" },
            },
            capabilities: capabilities(header),
            offline_storage: granted.offline_storage(),
            init_registrations: granted.registered(registrations),
            debug_info: "",
        };
        let frame = codec::encode(&ReplyHeader::of_init(&header.id, &init), b"");
        let granted = Arc::new(granted);
        let (expires_at_ms, warn_at_ms) = times(&claims, now_ms);
        let warn_at_ms = Some(warn_at_ms);
        let open = Open { granted: granted.clone(), claims, expires_at_ms, warn_at_ms };
        self.phase = Phase::Open(Box::new(open));
        vec![Effect::Opened(granted), Effect::Send(frame)]
    }

    /// A refused `init` leaves nothing open: the client ends the connection, or we do.
    fn deny(&mut self, id: &str, denial: &Denial) -> Vec<Effect> {
        let (status, payload) = denial.told();
        let frame = codec::encode(&ReplyHeader::new(id, &status, &payload), &payload);
        vec![Effect::Send(frame)]
    }

    fn update(
        &mut self,
        header: &Header<'_>,
        now_ms: i64,
        prove: impl FnOnce(&str, Purpose) -> Result<Claims, Denial>,
    ) -> Vec<Effect> {
        let Phase::Open(open) = &mut self.phase else {
            return vec![reply(&header.id, &nobody())];
        };
        let token = header.token.as_deref().unwrap_or_default();
        let proved = prove(token, Purpose::Prolong).and_then(|claims| {
            let new = granted(&claims, open.granted.session)?;
            Ok((open.granted.renewed(new)?, claims))
        });
        match proved {
            Ok((renewed, claims)) => {
                let (expires_at_ms, warn_at_ms) = times(&claims, now_ms);
                (open.expires_at_ms, open.warn_at_ms) = (expires_at_ms, Some(warn_at_ms));
                open.claims = claims;
                let mut effects = vec![reply(&header.id, &OK)];
                if renewed != *open.granted {
                    open.granted = Arc::new(renewed);
                    effects.push(Effect::Renewed(open.granted.clone()));
                }
                effects
            }
            Err(denial) => self.deny(&header.id, &denial),
        }
    }
}

/// Requests.
impl Session {
    fn message(&mut self, packet: Packet<'_>, now_ms: i64) -> Vec<Effect> {
        let Packet { header, payload } = packet;
        let Phase::Open(open) = &self.phase else {
            return vec![reply(&header.id, &nobody())];
        };
        if self.per_s.is_some_and(|per_s| !self.second.admits(per_s, now_ms)) {
            let message = "Too many requests a second on this connection";
            return vec![Effect::Send(answer(&header.id, &problem(429, 51202, message)))];
        }
        let service = open.granted.service(header.active_grant.as_deref());
        let Some(service) = service.cloned() else {
            let message = "The token has no grant of this name";
            return vec![Effect::Send(answer(&header.id, &problem(403, 20403, message)))];
        };
        let (identity, endpoint) = (open.granted.identity.clone(), open.granted.endpoint.clone());
        let supervises = open.granted.supervises;
        let who = Who::Endpoint { identity, service, endpoint, supervises };
        let principal = Principal { account: open.granted.account, who };
        let media = header.payload_type.as_deref();
        let request = header.http_request.as_ref().and_then(|http| request(http, media, payload));
        let Some(request) = request else {
            let message = "The packet holds no HTTP request that can be read";
            return vec![Effect::Send(answer(&header.id, &problem(400, 20001, message)))];
        };
        self.under_way += 1;
        let relay = Relay { id: (&*header.id).into(), principal, request };
        vec![Effect::Relay(Box::new(relay))]
    }
}

impl Granted {
    /// The service that a request on this grant is for.
    pub(crate) fn service(&self, grant: Option<&str>) -> Option<&Arc<str>> {
        match grant {
            Some("data_sync") => self.data_sync.as_ref(),
            Some("ip_messaging" | "chat") => self.chat.as_ref(),
            None => self.data_sync.as_ref().or(self.chat.as_ref()),
            Some(_) => None,
        }
    }

    /// The same connection by a new token. Its services may not be left out either: it goes on with
    /// what it follows there.
    fn renewed(&self, new: Self) -> Result<Self, Denial> {
        let keeps = |had: &Option<Arc<str>>, has: &Option<Arc<str>>| had.is_none() || had == has;
        let is_same = (self.account, &self.identity) == (new.account, &new.identity)
            && keeps(&self.data_sync, &new.data_sync)
            && keeps(&self.chat, &new.chat);
        match is_same {
            true => Ok(Self { endpoint: self.endpoint.clone(), ..new }),
            false => Err(Denial::Forbidden("The new token is for somebody else")),
        }
    }

    fn name_endpoint(&mut self, claims: &Claims) {
        let grants = [&claims.grants.data_sync, &claims.grants.chat].into_iter().flatten();
        let mut given = grants.filter_map(|grant| grant.endpoint_id.as_deref());
        let given = given.find(|name| !name.is_empty());
        self.endpoint = match given {
            Some(name) => name.into(),
            None => format!("{:032x}", self.session).into(),
        };
    }

    /// Whether there is a grant for one of the products, or any where none is named.
    fn fits(&self, registrations: &[Registration]) -> bool {
        registrations.is_empty()
            || registrations.iter().any(|one| self.service(Some(&one.product)).is_some())
    }

    fn offline_storage(&self) -> Map<String, Value> {
        let grants = [("data_sync", &self.data_sync), ("ip_messaging", &self.chat)];
        let held = grants.into_iter().filter_map(|(name, service)| {
            let id = storage_id(self.account, service.as_ref()?, &self.identity);
            Some((name.to_owned(), json!({ "storage_id": id })))
        });
        held.collect()
    }

    fn registered<'a>(&self, registrations: &'a [Registration]) -> Vec<Registered<'a>> {
        let one = |registration: &'a Registration| Registered {
            notification_ctx_id: format!("{:032x}-{}", self.session, registration.product),
            status: if self.service(Some(&registration.product)).is_some() { 200 } else { 403 },
            registration,
        };
        registrations.iter().map(one).collect()
    }
}

fn granted(claims: &Claims, session: u128) -> Result<Granted, Denial> {
    let identity = claims.grants.identity.as_deref().unwrap_or_default();
    if identity.is_empty() {
        return Err(Denial::Forbidden("The token names nobody"));
    }
    let service = |grant: &Option<access::token::ServiceGrant>| {
        let service = grant.as_ref()?.service_sid.as_deref()?;
        (!service.is_empty()).then(|| Arc::from(service))
    };
    let (data_sync, chat) = (service(&claims.grants.data_sync), service(&claims.grants.chat));
    if data_sync.is_none() && chat.is_none() {
        return Err(Denial::Forbidden("The token has no grant for a service"));
    }
    let mut granted = Granted {
        account: claims.sub,
        identity: identity.into(),
        data_sync,
        chat,
        session,
        endpoint: "".into(),
        supervises: claims.supervises(),
    };
    granted.name_endpoint(claims);
    Ok(granted)
}

/// When the token ends, and when that is told beforehand.
fn times(claims: &Claims, now_ms: i64) -> (i64, i64) {
    let expires_at_ms = claims.exp.saturating_mul(1_000);
    let begun_at_ms = claims.iat.map_or(now_ms, |iat| iat.saturating_mul(1_000));
    let life_ms = expires_at_ms.saturating_sub(begun_at_ms).max(0);
    (expires_at_ms, expires_at_ms.saturating_sub(WARNING_MS.min(life_ms / 2)))
}

fn registrations<'a>(header: &'a Header<'_>) -> Result<&'a [Registration], Denial> {
    let all = header.registrations.as_deref().unwrap_or_default();
    let fits = all.len() <= REGISTRATIONS_MAX
        && all.iter().all(|one| one.message_types.len() <= MESSAGE_TYPES_MAX);
    match fits {
        true => Ok(all),
        false => Err(Denial::Forbidden("There are too many registrations")),
    }
}

/// Of what the client can do, what this server does too.
fn capabilities(header: &Header<'_>) -> Vec<&'static str> {
    let asked = header.capabilities.as_deref().unwrap_or_default();
    let ours = ["client_update", "offline_storage"];
    ours.into_iter().filter(|one| asked.iter().any(|name| name == one)).collect()
}

/// The request that a packet holds; `None` where it holds none.
fn request(http: &HttpRequest, media: Option<&str>, payload: &[u8]) -> Option<Request<Bytes>> {
    let method: Method = http.method.parse().ok()?;
    let mut target = http.path.clone();
    if !target.starts_with('/') {
        return None;
    }
    let mut mark = if target.contains('?') { '&' } else { '?' };
    let params = http.params.as_ref();
    for (name, value) in params.into_iter().flatten() {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        if values.len() > PARAMETERS_MAX {
            return None;
        }
        for value in values {
            target.push(mark);
            mark = '&';
            target.push_str(name);
            target.push('=');
            match value {
                Value::String(text) => target.push_str(text),
                Value::Null => {}
                Value::Bool(_) | Value::Number(_) => target.push_str(&value.to_string()),
                Value::Array(_) | Value::Object(_) => return None,
            }
        }
    }
    if params.is_some_and(|params| params.len() > PARAMETERS_MAX) {
        return None;
    }
    let uri: Uri = target.parse().ok()?;
    let mut request = Request::new(Bytes::copy_from_slice(payload));
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    *request.headers_mut() = headers(http.headers.as_ref());
    if let Some(media) = media.and_then(|media| HeaderValue::from_str(media).ok())
        && !payload.is_empty()
    {
        request.headers_mut().entry(http::header::CONTENT_TYPE).or_insert(media);
    }
    Some(request)
}

/// What can be no header is left out.
fn headers(given: Option<&Map<String, Value>>) -> HeaderMap {
    let pairs = given.into_iter().flatten().take(PARAMETERS_MAX).filter_map(|(name, value)| {
        let name: HeaderName = name.parse().ok()?;
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((name, HeaderValue::from_str(&text).ok()?))
    });
    pairs.collect()
}

/// The frame that answers a request.
pub(crate) fn answer(id: &str, response: &Response<Bytes>) -> Bytes {
    let status = response.status();
    let status = HttpStatus {
        code: status.as_u16(),
        status: status.canonical_reason().unwrap_or("Unknown"),
    };
    let text = |value: &HeaderValue| Value::from(String::from_utf8_lossy(value.as_bytes()));
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
    let body = response.body();
    codec::encode(&ReplyHeader::of_request(id, status, headers, body), body)
}

/// A refusal as the body of an HTTP answer.
pub(crate) fn problem(status: u16, code: u32, message: &str) -> Response<Bytes> {
    let body = json!({
        "code": code,
        "message": message,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        "status": status,
    });
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("our own statuses are valid");
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    if status == 429 {
        response.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// What a packet is called, if that can be read and repeated.
fn name(head: &[u8]) -> Result<Name<'_>, Malformed> {
    let name = codec::decode_name(head)?;
    if name.id.len() <= ID_BYTES_MAX { Ok(name) } else { Err(Malformed::Header) }
}

fn reply(id: &str, status: &Status) -> Effect {
    Effect::Send(codec::encode(&ReplyHeader::new(id, status, b""), b""))
}

fn refusal(code: u16, status: &'static str, description: &str) -> Status {
    Status { description: Some(description.to_owned()), ..Status::new(code, status) }
}

fn nobody() -> Status {
    let why = "The connection is not open: send init first";
    Status { error_code: Some(20101), ..refusal(401, "UNAUTHORIZED", why) }
}

impl Denial {
    fn told(&self) -> (Status, Vec<u8>) {
        match self {
            Self::Token(error) => {
                let error_code = match error {
                    TokenError::Expired => 20104,
                    TokenError::Malformed
                    | TokenError::NotOurs
                    | TokenError::NotYet
                    | TokenError::TooLong => 20101,
                };
                let status = refusal(401, "UNAUTHORIZED", &error.to_string());
                (Status { error_code: Some(error_code), ..status }, Vec::new())
            }
            Self::Forbidden(why) => {
                let status = refusal(403, "FORBIDDEN", why);
                (Status { error_code: Some(20403), ..status }, Vec::new())
            }
            Self::Busy { after_ms } => {
                let status = refusal(429, "TOO_MANY_REQUESTS", "Too many connections");
                let status = Status { error_code: Some(51202), ..status };
                (status, back_off(*after_ms))
            }
        }
    }
}

impl Closing {
    fn told(self) -> (Status, Vec<u8>) {
        match self {
            Self::Offload => (Status::new(308, "OFFLOAD"), back_off(OFFLOAD_MS)),
            Self::Expired => (Status::new(410, "TOKEN_EXPIRED"), Vec::new()),
            Self::Revoked => {
                (refusal(401, "UNAUTHORIZED", "The token is no longer valid"), Vec::new())
            }
            Self::Malformed(malformed) => {
                let (code, status) = malformed.code();
                (refusal(code, status, &malformed.to_string()), Vec::new())
            }
        }
    }
}

fn back_off(after_ms: u32) -> Vec<u8> {
    json!({"backoff_policy": {"reconnect_min_ms": after_ms}}).to_string().into_bytes()
}

#[cfg(test)]
mod tests;
