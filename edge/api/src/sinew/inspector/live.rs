//! What happens, as it happens: `text/event-stream`.
//!
//! * `change`: something happened, with the number of the event as its id. `lost`: something may be
//!   missing, so whoever reads looks anew. Comments say that the line is alive.
//! * Who follows an object may be told on the same line which objects of the service change, for
//!   browsers open few lines to one server.
//! * A reader that cannot keep up loses what waits for it and is told so: memory is bounded.
//! * A line ends with the session or the rights of whoever opened it, with the object, and with the
//!   server.

use super::{OBJECT, SERVICE, object, service};
use crate::{
    Answer, Cx, Param, ParamKind, Permit, Problem, Reply, Routes, auth, input::wrong,
    shared::Shared,
};
use ::sync::{Event, EventId, ObjectSid, ServiceSid, Target, What};
use axum::body::Body;
use base::Sid;
use bytes::Bytes;
use futures_util::stream;
use host::{Host, Mailbox, News, Post, Replay};
use http::HeaderMap;
use serde_json::json;
use std::{collections::BTreeSet, convert::Infallible, fmt::Write as _, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use wire::inspector::InspectedEvent;

/// How often a line says that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(8);
const ALIVE: &str = ": alive\n\n";
const LOST: &str = "event: lost\ndata: {}\n\n";
/// Of the objects beside the one that is followed.
const OBJECTS_LOST: &str = "event: objects_lost\ndata: {}\n\n";
/// What waits for a line.
const WAITING_BYTES_MAX: usize = 256 << 10;
/// Events of a service that wait to be gathered.
const WAITING_EVENTS_MAX: usize = 4_096;
/// What is written at once.
const CHUNK_BYTES: usize = 64 << 10;
/// How often a service's line tells which objects changed.
const GATHERED_EVERY: Duration = Duration::from_millis(400);

pub(super) fn routes() -> [Routes; 2] {
    let one = Routes::at(OBJECT)
        .json()
        .get("/Events", "inspected_event.follow", Permit::Admin, follow)
        .params(&[
            Param::optional("After", ParamKind::Integer),
            Param::optional("Service", ParamKind::Boolean),
        ]);
    let all = Routes::at(SERVICE).json();
    [one, all.get("/Events", "inspected_service.follow", Permit::Admin, follow_service)]
}

async fn follow(cx: Cx) -> Reply {
    let service = service(&cx)?;
    let object = object(&cx, service)?;
    let after = after(&cx)?.unwrap_or(object.event);
    let is_with_service = cx.input.bool("Service")?.unwrap_or_default();
    let gathering = is_with_service.then(|| Gathering::of(&cx, service, ("object", OBJECTS_LOST)));
    let mailbox = cx.host.mailbox(None, WAITING_BYTES_MAX);
    cx.host.follow(&mailbox, service, object.sid, after);
    let line = Line::of(&cx, service);
    let (host, sid) = (cx.host.clone(), object.sid);
    let state = (line, mailbox, gathering, host);
    let chunks =
        stream::unfold(state, move |(mut line, mailbox, mut gathering, host)| async move {
            let from_now = || follow_from_now(&host, &mailbox, service, sid);
            let of_object = of_object(&mailbox, from_now);
            let chunk = line.next(of_both(of_object, gathering.as_mut())).await?;
            Some((Ok::<_, Infallible>(chunk), (line, mailbox, gathering, host)))
        });
    Ok(Answer::events(Body::from_stream(chunks)))
}

/// Whichever is there first; neither loses anything when the other one is.
async fn of_both(of_object: impl Future<Output = Told>, others: Option<&mut Gathering>) -> Told {
    let Some(others) = others else { return of_object.await };
    tokio::select! {
        biased;
        told = of_object => told,
        told = others.next() => told,
    }
}

/// For who was told to look anew; whether there is something to follow.
fn follow_from_now(host: &Host, mailbox: &Mailbox, service: ServiceSid, sid: ObjectSid) -> bool {
    let Ok(Some(object)) = host.sync_object(service, &Target::of(sid)) else { return false };
    host.follow(mailbox, service, sid, object.event);
    true
}

/// The newest event that is known already.
fn after(cx: &Cx) -> Result<Option<EventId>, Problem> {
    let given = cx.input.int("After", 0..=i64::MAX)?.map(i64::unsigned_abs);
    let Some(header) = cx.headers.get("last-event-id") else { return Ok(given) };
    let seen = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    let seen = seen.ok_or_else(|| wrong("Last-Event-ID", "must be the number of an event"));
    Ok(given.or(Some(seen?)))
}

async fn follow_service(cx: Cx) -> Reply {
    let service = service(&cx)?;
    let gathering = Gathering::of(&cx, service, ("change", LOST));
    let line = Line::of(&cx, service);
    let chunks = stream::unfold((line, gathering), |(mut line, mut gathering)| async move {
        let chunk = line.next(gathering.next()).await?;
        Some((Ok::<_, Infallible>(chunk), (line, gathering)))
    });
    Ok(Answer::events(Body::from_stream(chunks)))
}

/// One open line.
struct Line {
    shared: Arc<Shared>,
    headers: HeaderMap,
    account: Sid,
    service: ServiceSid,
    /// When it next says that it is alive; at once, so that a page knows that it is heard.
    alive_at: Option<Instant>,
    stop: watch::Receiver<bool>,
    is_over: bool,
}

/// Some of what is to be told.
struct Told {
    text: String,
    /// Whether nothing follows.
    is_end: bool,
}

impl Line {
    fn of(cx: &Cx, service: ServiceSid) -> Self {
        Self {
            shared: cx.shared.clone(),
            headers: cx.headers.clone(),
            account: cx.account(),
            service,
            alive_at: None,
            stop: cx.shared.stop.subscribe(),
            is_over: false,
        }
    }

    /// What is written next; `None` at the end.
    async fn next(&mut self, news: impl Future<Output = Told>) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let Some(alive_at) = self.alive_at else {
            self.alive_at = Some(Instant::now() + ALIVE_EVERY);
            return Some(Bytes::from_static(ALIVE.as_bytes()));
        };
        let told = tokio::select! {
            biased;
            _ = self.stop.wait_for(|stop| *stop) => return None,
            () = sleep_until(alive_at) => None,
            told = news => Some(told),
        };
        let Some(told) = told else {
            self.alive_at = Some(Instant::now() + ALIVE_EVERY);
            return self.may_stay().then(|| Bytes::from_static(ALIVE.as_bytes()));
        };
        self.is_over = told.is_end;
        Some(Bytes::from(told.text))
    }

    /// Whether who opened the line may still read, and there is still something to be read.
    fn may_stay(&self) -> bool {
        let access = self.shared.host.directory();
        let Ok(Some((principal, _))) = auth::caller(&access, &self.headers) else { return false };
        let created_at = access.account(self.account).map(|account| account.created_at);
        let services = self.shared.host.sync_services();
        let service = created_at.and_then(|at| services.get(self.account, at, self.service));
        principal.account == self.account && principal.may(Permit::Admin) && service.is_some()
    }
}

/// The next posts of a mailbox, as many as are there.
async fn of_object(mailbox: &Mailbox, from_now: impl Fn() -> bool) -> Told {
    let mut told = Told { text: String::new(), is_end: false };
    loop {
        let post = match told.text.is_empty() {
            true => mailbox.next().await,
            false => match mailbox.try_next() {
                Some(post) => post,
                None => return told,
            },
        };
        match post {
            Post::Replayed(news) | Post::Live(news) => told.change(&news.event),
            // This mailbox follows no query.
            Post::Followed { replay: Replay::Completed, .. }
            | Post::Query(_)
            | Post::QueryFollowed { .. }
            | Post::QueryFailed { .. }
            | Post::QueriesInterrupted(_) => {}
            Post::Followed { replay: Replay::Interrupted, .. } => {
                told.text.push_str(LOST);
                told.is_end = !from_now();
            }
            Post::Failed { .. } | Post::Revoked(_) | Post::Interrupted { .. } => {
                told.text.push_str(LOST);
                told.is_end = true;
            }
        }
        if told.is_end || told.text.len() >= CHUNK_BYTES {
            return told;
        }
    }
}

impl Told {
    fn change(&mut self, event: &Event) {
        if event.what.is_logged() {
            writeln!(self.text, "id: {}", event.id).expect("a String takes any text");
        }
        let json = serde_json::to_string(&InspectedEvent::live(event));
        self.data("change", &json.expect("events are plain data"));
        self.is_end = matches!(event.what, What::ObjectRemoved { .. });
    }

    fn data(&mut self, name: &str, json: &str) {
        // Between the tokens of JSON, which is where it has line ends, a space says the same.
        let line = json.replace(['\n', '\r'], " ");
        write!(self.text, "event: {name}\ndata: {line}\n\n").expect("a String takes any text");
    }
}

/// Gathers which objects of a service changed.
struct Gathering {
    feed: mpsc::Receiver<Arc<News>>,
    service: ServiceSid,
    /// What it is called on its line that one did, and that some may have.
    names: (&'static str, &'static str),
    /// What changed and was not told yet.
    changed: BTreeSet<ObjectSid>,
    is_lost: bool,
    /// When the next may be told.
    next: Instant,
}

impl Gathering {
    fn of(cx: &Cx, service: ServiceSid, names: (&'static str, &'static str)) -> Self {
        let feed = cx.host.sync_feed(WAITING_EVENTS_MAX);
        let (changed, is_lost, next) = (BTreeSet::new(), false, Instant::now());
        Self { feed, service, names, changed, is_lost, next }
    }

    /// Loses nothing when it is given up half way.
    async fn next(&mut self) -> Told {
        let mut told = Told { text: String::new(), is_end: false };
        while self.changed.is_empty() && !self.is_lost {
            let Some(news) = self.feed.recv().await else { return Told { is_end: true, ..told } };
            self.note(&news);
        }
        sleep_until(self.next).await;
        self.next = Instant::now() + GATHERED_EVERY;
        while let Ok(news) = self.feed.try_recv() {
            self.note(&news);
        }
        for sid in std::mem::take(&mut self.changed) {
            told.data(self.names.0, &json!({"sid": sid, "kind": sid.kind().word()}).to_string());
        }
        if std::mem::take(&mut self.is_lost) {
            told.text.push_str(self.names.1);
        }
        told
    }

    fn note(&mut self, news: &News) {
        // Of those that came when it was full, some found no room.
        self.is_lost |= self.feed.len() + 1 >= WAITING_EVENTS_MAX;
        if news.event.service == self.service {
            self.changed.insert(news.event.object);
        }
    }
}
