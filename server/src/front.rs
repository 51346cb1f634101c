//! Which part answers a request: sockets, health, products, pages.

use crate::{counted::Commits, pages};
use api::{Api, Connection};
use axum::{Router, body::Body};
use host::{Host, Readiness};
use http::{Method, Request, Response, StatusCode, Uri, header};
use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};
use tower::Service as _;

const SOCKETS: [&str; 2] = ["/v1/wschannels", "/v3/wsconnect"];
const REGION_PREFIX: &str = "/_.twilio.com";

/// Everything that answers; clones are the same.
#[derive(Clone)]
pub(crate) struct Front(Arc<Shared>);

struct Shared {
    api: Api,
    live: Router,
    host: Host,
    commits: Arc<Commits>,
    deliveries: hooks::Counters,
    demo: bool,
    started: Instant,
    open: AtomicU64,
    sockets: AtomicU64,
}

impl Front {
    pub(crate) fn new(
        host: Host,
        api: Api,
        live: Router,
        (commits, deliveries): (Arc<Commits>, hooks::Counters),
        demo: bool,
    ) -> Self {
        let (started, open, sockets) = (Instant::now(), AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Shared {
            api,
            live,
            host,
            commits,
            deliveries,
            demo,
            started,
            open,
            sockets,
        }))
    }

    /// Counts a connection while the value lives.
    pub(crate) fn connected(&self) -> OpenConnection {
        self.0.open.fetch_add(1, Relaxed);
        OpenConnection { front: self.clone(), is_socket: AtomicBool::new(false) }
    }

    /// Answers anything.
    pub(crate) async fn answer(
        &self,
        mut request: Request<Body>,
        connection: Connection,
    ) -> Response<Body> {
        request.extensions_mut().insert(connection);
        let shared = &*self.0;
        let path = request.uri().path();
        let socket = socket(path);
        if socket.is_some() || path.starts_with("/chat/demo/") {
            if let Some(socket) = socket.filter(|socket| *socket != path) {
                *request.uri_mut() = moved(request.uri(), socket);
            }
            request.extensions_mut().insert(live::Peer(connection.peer.ip()));
            let answered = shared.live.clone().call(request).await;
            return answered.unwrap_or_else(|never| match never {});
        }
        if path.starts_with("/chat/demo") || path.starts_with("/chat/assets/") {
            return self.page(&request);
        }
        if shared.api.is_for(&request) {
            return shared.api.answer(request).await;
        }
        match path {
            "/healthz" => pages::text(StatusCode::OK, "ok\n"),
            "/readyz" => self.readiness(),
            "/metrics" => self.metrics(),
            _ if path.starts_with("/openapi/") => self.document(path),
            _ => self.page(&request),
        }
    }

    fn page(&self, request: &Request<Body>) -> Response<Body> {
        let found = pages::page(request, self.0.demo);
        let mut response =
            found.unwrap_or_else(|| pages::text(StatusCode::NOT_FOUND, "There is nothing here.\n"));
        if request.method() == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        response
    }

    fn readiness(&self) -> Response<Body> {
        match self.0.host.readiness() {
            Readiness::Ready => pages::text(StatusCode::OK, "ready\n"),
            Readiness::NotReady { because } => {
                pages::text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {because}\n"))
            }
        }
    }

    fn document(&self, path: &str) -> Response<Body> {
        let name = path.strip_prefix("/openapi/").and_then(|name| name.strip_suffix(".json"));
        let Some(document) = name.and_then(|name| self.0.api.openapi(name)) else {
            return pages::text(StatusCode::NOT_FOUND, "There is no such document.\n");
        };
        let mut response = Response::new(Body::from(document.to_string()));
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }

    fn metrics(&self) -> Response<Body> {
        let mut out = String::with_capacity(8192);
        self.0.api.write_metrics(&mut out);
        self.0.commits.write(&mut out);
        self.0.deliveries.write(&mut out);
        let mut gauge = |name: &str, help: &str, value: f64| {
            _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        };
        let count = |n: usize| n as f64;
        gauge("sinew_partitions", "Partitions held.", count(self.0.host.workspaces().len() + 1));
        let open = self.0.open.load(Relaxed) as f64;
        gauge("sinew_connections", "Open connections, sockets included.", open);
        let sockets = self.0.sockets.load(Relaxed) as f64;
        gauge("sinew_sockets", "Open WebSockets.", sockets);
        gauge("sinew_uptime_seconds", "Since the start.", self.0.started.elapsed().as_secs_f64());
        let ready = f64::from(u8::from(self.0.host.readiness() == Readiness::Ready));
        gauge("sinew_ready", "1 while the store takes writes.", ready);
        if let Some(bytes) = resident_bytes() {
            gauge("process_resident_memory_bytes", "Memory in use.", bytes as f64);
        }
        let mut response = pages::text(StatusCode::OK, out);
        let media = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        response
    }
}

/// Counts a connection while it lives, and the socket it may become.
pub(crate) struct OpenConnection {
    front: Front,
    is_socket: AtomicBool,
}

impl OpenConnection {
    pub(crate) fn becomes_socket(&self) {
        if !self.is_socket.swap(true, Relaxed) {
            self.front.0.sockets.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.front.0.open.fetch_sub(1, Relaxed);
        if self.is_socket.load(Relaxed) {
            self.front.0.sockets.fetch_sub(1, Relaxed);
        }
    }
}

/// Which socket a path is for. The libraries' region option puts a prefix of its own before it.
fn socket(path: &str) -> Option<&'static str> {
    let below = path.strip_prefix(REGION_PREFIX).unwrap_or(path);
    SOCKETS.into_iter().find(|socket| *socket == below)
}

/// The same request for another path.
fn moved(uri: &Uri, path: &str) -> Uri {
    let query = uri.query().map(|query| format!("?{query}"));
    let moved = format!("{path}{}", query.unwrap_or_default());
    moved.parse().expect("a query that came in a URI fits another")
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}
