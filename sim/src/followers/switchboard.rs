//! The server's ends of all connections, and those who are being told what they missed.
//!
//! * What waits for a connection is bounded, however slowly it is taken.
//! * Nobody is told anything behind the end of a token.

use super::{course::Entries, packet};
use crate::Broken;
use access::token::{Claims, Grants, ServiceGrant};
use base::{Sid, Timestamp};
use bytes::Bytes;
use host::{
    Bounds, ItemRange, Mailbox,
    following::{Around as Behind, Reading},
    outlets::Outlets,
    sync_reads,
};
use http::{Request, Response, StatusCode};
use live::simulated::{Around, Connection, Exchange};
use std::{
    cell::Cell,
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Waker},
};
use store::{Direction, Store, StoreError};
use sync::{EventId, ItemKey, Object, ObjectSid, ServiceSid, Target};
use testkit::Random;

/// What may wait in a mailbox.
const MAILBOX_BYTES_MAX: usize = 2_000;
/// What may wait beside it: a last post, and words about what is followed.
const BESIDE_BYTES_MAX: usize = 4_000;
/// What may wait to be sent besides.
const ANSWER_BYTES_MAX: usize = 16_000;
/// What is sent at a time.
const BATCH_BYTES: usize = 1_000;
/// Events read at a time for somebody who comes back.
const READ_AT_ONCE: usize = 5;
/// Objects with more than this many items are not looked at whole.
const ITEMS_MAX: usize = 1_000;

/// A connection and its line.
pub(crate) struct Link {
    connection: Connection,
    /// Packets on their way to the server.
    pub(super) up: VecDeque<Vec<u8>>,
    /// Packets on their way to the client.
    pub(super) down: VecDeque<Bytes>,
    /// Whether the client is not there any more, which the server does not know.
    pub(super) is_cut: bool,
    expires_at_ms: i64,
}

/// Everything of a server that has to do with connections; lost in a crash.
pub(crate) struct Switchboard {
    exchange: Exchange,
    store: Arc<dyn Store>,
    outlets: Arc<Outlets>,
    clock: Arc<AtomicI64>,
    pub(super) links: BTreeMap<u64, Link>,
    catching_up: Vec<Pin<Box<dyn Future<Output = ()>>>>,
    /// How often nobody could say what had become durable.
    pub(crate) untold: u64,
}

impl Switchboard {
    /// Of a server that was just started.
    pub(crate) fn new(
        seed: u64,
        store: Arc<dyn Store>,
        outlets: Arc<Outlets>,
        now: Timestamp,
    ) -> Self {
        Self {
            exchange: Exchange::new(seed),
            store,
            outlets,
            clock: Arc::new(AtomicI64::new(now.0)),
            links: BTreeMap::new(),
            catching_up: Vec::new(),
            untold: 0,
        }
    }

    /// A client is on the line.
    pub(super) fn connect(&mut self, number: u64, now: Timestamp) {
        let link = Link {
            connection: self.exchange.connect(u128::from(number), now.0),
            up: VecDeque::new(),
            down: VecDeque::new(),
            is_cut: false,
            expires_at_ms: i64::MAX,
        };
        self.links.insert(number, link);
    }

    /// Time passed.
    pub(crate) fn wake(&mut self, now: Timestamp) {
        self.clock.store(now.0, Ordering::Relaxed);
        for link in self.links.values_mut() {
            if link.connection.wake_at_ms().is_some_and(|at_ms| at_ms <= now.0)
                && link.connection.wake(now.0)
                && !link.is_cut
            {
                link.connection.heard(now.0);
            }
        }
    }

    /// Those who are being told what they missed are told a little more; some of them later.
    pub(crate) fn catch_up(&mut self, random: &mut Random, late_percent: u64) {
        let mut cx = Context::from_waker(Waker::noop());
        self.catching_up.retain_mut(|one| {
            random.percent(late_percent) || one.as_mut().poll(&mut cx).is_pending()
        });
    }

    /// The server stops: everybody is sent away.
    pub(crate) fn offload(&mut self, now: Timestamp) -> Result<(), Broken> {
        for number in self.links.keys().copied().collect::<Vec<_>>() {
            if let Some(link) = self.links.get_mut(&number) {
                link.connection.offload(now.0);
                link.down.clear();
            }
            self.serve(number, now)?;
        }
        Ok(())
    }

    /// Reads what came on a line and sends what waits if the line is free.
    pub(super) fn serve(&mut self, number: u64, now: Timestamp) -> Result<(), Broken> {
        let Self { exchange, store, outlets, clock, links, catching_up, .. } = self;
        let Some(link) = links.get_mut(&number) else { return Ok(()) };
        let expires_at_ms = Cell::new(link.expires_at_ms);
        let mut server =
            Server { store, outlets, clock, catching_up, expires_at_ms: &expires_at_ms };
        while link.connection.reads()
            && let Some(packet) = link.up.pop_front()
        {
            link.connection.receive(exchange, &mut server, &packet, now.0);
        }
        link.expires_at_ms = expires_at_ms.get();
        let mut bytes = 0;
        while (bytes < BATCH_BYTES || link.connection.is_over())
            && (bytes > 0 || link.down.is_empty())
            && let Some(frame) = link.connection.take(exchange, now.0)
        {
            bytes += frame.len();
            let is_told = packet::read(&frame).is_some_and(|(header, _)| {
                header["method"] == "notification"
                    && link.connection.is_open()
                    && now.0 >= link.expires_at_ms
            });
            if is_told {
                let what = format!("line {number} at {}", now.0);
                return Err(Broken { checker: "the end of a token is the end", what });
            }
            link.down.push_back(frame);
        }
        let (mailbox, answers) = link.connection.waiting_bytes();
        if mailbox > MAILBOX_BYTES_MAX + BESIDE_BYTES_MAX || answers > ANSWER_BYTES_MAX {
            let what = format!("line {number}: {mailbox} bytes wait, and {answers} of answers");
            return Err(Broken { checker: "what waits for a connection is bounded", what });
        }
        if link.connection.is_over() && (link.is_cut || link.down.is_empty()) {
            links.remove(&number);
        }
        Ok(())
    }

    /// Whether nobody waits for anything.
    pub(super) fn is_quiet(&self) -> bool {
        self.catching_up.is_empty()
            && self.links.values().all(|link| {
                link.connection.waiting_bytes() == (0, 0)
                    && link.up.is_empty()
                    && link.down.is_empty()
            })
    }
}

/// What a connection finds around it.
struct Server<'a> {
    store: &'a Arc<dyn Store>,
    outlets: &'a Arc<Outlets>,
    clock: &'a Arc<AtomicI64>,
    catching_up: &'a mut Vec<Pin<Box<dyn Future<Output = ()>>>>,
    expires_at_ms: &'a Cell<i64>,
}

/// The token of somebody that ends then.
pub(super) fn token(identity: &str, expires_at_s: i64) -> String {
    format!("{identity}/{expires_at_s}")
}

impl Server<'_> {
    fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::Relaxed))
    }

    /// What an object is: behind which event, what is in it, and what has expired there although a
    /// longer life may be on its way to the disk.
    fn look(&self, path: &str) -> Result<Option<(EventId, Entries, Entries)>, StoreError> {
        let store = &**self.store;
        let object: Option<ObjectSid> = path.strip_prefix("/open/").and_then(|s| s.parse().ok());
        let Some(sid) = object else { return Ok(None) };
        let target = Target::of(sid);
        let found = sync_reads::object(store, super::SERVICE, &target, self.now())?;
        let Some(object) = found else { return Ok(None) };
        let data = object.data.as_ref().map(|data| (String::new(), data.text().to_owned()));
        let mut entries: Entries = data.into_iter().collect();
        entries.extend(self.items(sid, self.now())?);
        let mut hidden = self.items(sid, Timestamp(i64::MIN))?;
        hidden.retain(|place, _| !entries.contains_key(place));
        Ok(Some((object.event, entries, hidden)))
    }

    fn items(&self, sid: ObjectSid, now: Timestamp) -> Result<Entries, StoreError> {
        let (mut entries, mut from) = (Entries::new(), None);
        while sid.kind().has_items() && entries.len() < ITEMS_MAX {
            let range = ItemRange { from, direction: Direction::Ascending, limit: 3 };
            let page = sync_reads::items(&**self.store, sid, &range, now)?;
            let Some(last) = page.last() else { break };
            from = Some((last.key.clone(), Bounds::Exclusive));
            entries.extend(page.iter().map(|item| {
                let place = match &item.key {
                    ItemKey::Index(index) => index.to_string(),
                    ItemKey::Key(key) => key.to_string(),
                };
                (place, item.data.text().to_owned())
            }));
        }
        Ok(entries)
    }
}

impl Around for Server<'_> {
    fn prove(&self, token: &str) -> Option<Claims> {
        let (identity, exp) = token.split_once('/')?;
        let exp: i64 = exp.parse().ok()?;
        if exp * 1_000 <= self.now().0 {
            return None;
        }
        self.expires_at_ms.set(exp * 1_000);
        let service_sid = Some(super::SERVICE.to_string());
        let data_sync = Some(ServiceGrant { service_sid, endpoint_id: None });
        let grants = Grants { identity: Some(identity.to_owned()), data_sync, ..Grants::default() };
        let (iss, sub) = (Sid::new(*b"SK", 1), Sid::new(*b"AC", 1));
        Some(Claims { jti: None, iss, sub, iat: None, nbf: None, exp, grants })
    }

    fn mailbox(&self, identity: Arc<str>) -> Mailbox {
        self.outlets.sync.hub.mailbox(Some(identity), MAILBOX_BYTES_MAX)
    }

    fn service(&self, name: &str) -> Option<ServiceSid> {
        name.parse().ok()
    }

    fn follow(
        &mut self,
        mailbox: &Mailbox,
        service: ServiceSid,
        object: ObjectSid,
        after: EventId,
    ) {
        let begun = mailbox.begin(service, object, after, self.now());
        let (store, outlets, clock) =
            (self.store.clone(), self.outlets.clone(), self.clock.clone());
        self.catching_up.push(Box::pin(async move {
            let read = |object: Arc<Object>, after: EventId| -> Reading {
                let store = store.clone();
                Box::pin(async move {
                    // Reading takes its time, and meanwhile something happens.
                    let mut looks = after % 3;
                    std::future::poll_fn(|_| match looks {
                        0 => Poll::Ready(()),
                        _ => {
                            looks -= 1;
                            Poll::Pending
                        }
                    })
                    .await;
                    sync_reads::events(&*store, &object, after, READ_AT_ONCE)
                })
            };
            let now = || Timestamp(clock.load(Ordering::Relaxed));
            let (store, outlets) = (&*store, &*outlets);
            begun.catch_up(Behind { store, outlets, now: &now, read: &read }).await;
        }));
    }

    fn answer(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let (status, body) = match self.look(request.uri().path()) {
            Ok(Some((last, entries, hidden))) => {
                let body = serde_json::json!({"last": last, "entries": entries, "hidden": hidden});
                (StatusCode::OK, body)
            }
            Ok(None) => (StatusCode::NOT_FOUND, serde_json::json!({})),
            Err(_) => (StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({})),
        };
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status;
        response
    }
}
