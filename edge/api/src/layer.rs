//! What happens to every request before and after its handler, once and in this order: product,
//! route, caller, permit, workspace, body, handler, headers, counters.

use crate::{
    Answer, BodyKind, Cx, Input, Problem, Reply, Route,
    auth::{self, Proof},
    routes::{Found, PathParams},
    running::UnderWay,
    shared::Shared,
    site::Target,
};
use access::{Permit, Principal, Reach};
use axum::body::Body;
use base::Kind;
use bytes::Bytes;
use futures_util::FutureExt as _;
use host::Names;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header, request::Parts,
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use routing::{WorkspaceSid, command::IfMatch};
use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

/// The largest body: a workflow configuration of the documented size, all of it percent-encoded.
const BODY_BYTES_MAX: usize = 4 << 20;

/// How long a body may take to come.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// What the listener knows of a connection; it puts this into a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// The other end.
    pub peer: SocketAddr,
    /// Whether this end speaks TLS.
    pub tls: bool,
}

/// What became known of a request on its way, whatever its answer is.
#[derive(Default)]
struct Known {
    /// Product and route.
    at: Option<(usize, usize)>,
    /// Its place among those of its account.
    under_way: Option<UnderWay>,
}

/// A route that was found: indexes of product and route, the route, its path parameters.
struct Matched<'a> {
    at: (usize, usize),
    route: &'a Route,
    params: PathParams,
}

pub(crate) async fn answer(shared: &Arc<Shared>, request: Request<Body>) -> Response<Body> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let by_page = is_from_our_page(&parts);
    let mut known = Known::default();
    let reply = handle(shared, parts, body, &mut known).await;
    let at = known.at;
    let answer = reply.unwrap_or_else(|problem| refused(by_page, &problem));
    let status = answer.status.as_u16();
    let mut response = answer.response();
    dress(shared, &method, &mut response);
    let took = started.elapsed();
    if at.is_some_and(|(product, _)| shared.products[product].name == "sync") {
        dress_for_sync(took, known.under_way.as_ref(), response.headers_mut());
    }
    shared.metrics.count(at, status, took);
    let operation = at.map_or("none", |(p, r)| shared.products[p].routes[r].operation);
    let us = took.as_micros();
    let id = response.headers().get(REQUEST_ID).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if status >= 500 {
        tracing::warn!(target: "access", operation, status, us, id);
    } else {
        tracing::debug!(target: "access", operation, status, us, id);
    }
    response
}

/// Host and port the client used, in lower case; empty where it sent none.
pub(crate) fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Cow<'a, str> {
    let sent = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = uri.authority().map(|a| a.as_str()).or(sent).unwrap_or_default();
    if host.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

async fn handle(shared: &Arc<Shared>, parts: Parts, body: Body, known: &mut Known) -> Reply {
    let host = host_of(&parts.headers, &parts.uri);
    let path = parts.uri.path();
    let target = shared.site.target(&host, path);
    let target = target.ok_or_else(|| Problem::not_found(path))?;
    if parts.method == Method::OPTIONS {
        return Ok(Answer::nothing());
    }
    let matched = match find(shared, &parts.method, &target)? {
        Ok(matched) => matched,
        Err(wrong_method) => return Ok(wrong_method),
    };
    known.at = Some(matched.at);
    let access = shared.host.directory();
    let caller = auth::caller(&access, &parts.headers)?;
    let account = caller.as_ref().map(|(principal, _)| principal.account);
    known.under_way = account.map(|account| shared.running.one_more(account));
    let principal = admit(shared, &parts, matched.route, caller)?;
    let names = workspace(shared, matched.route, &matched.params, &target, principal.as_ref())?;
    let body = read(&parts, matched.route, body).await?;
    let connection = parts.extensions.get::<Connection>().copied();
    let tls = connection.is_some_and(|c| c.tls);
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let input = match matched.route.body {
        BodyKind::Form => Input::parse(&body, query)?,
        BodyKind::Json => Input::parse(b"", query)?,
    };
    let (prefix_len, base) = (target.prefix.len(), shared.site.base(&host, tls, &target));
    let cx = Cx {
        host: shared.host.clone(),
        input,
        if_match: if_match(&parts.headers),
        shared: shared.clone(),
        principal,
        names,
        body,
        headers: parts.headers,
        uri: parts.uri,
        prefix_len,
        base,
        route: matched.at,
        params: matched.params,
        peer: connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |c| c.peer.ip()),
        tls,
    };
    run(matched.route, cx).await
}

/// Runs a handler; a panic is an answer like any other.
pub(crate) async fn run(route: &Route, cx: Cx) -> Reply {
    let handled = AssertUnwindSafe((route.handler)(cx)).catch_unwind().await;
    handled.unwrap_or_else(|_| {
        tracing::error!(operation = route.operation, "a handler panicked");
        Err(Problem::internal())
    })
}

/// The route, or what to answer where the path has others.
fn find<'a>(
    shared: &'a Shared,
    method: &Method,
    target: &Target<'_>,
) -> Result<Result<Matched<'a>, Answer>, Problem> {
    let product = shared.products.iter().position(|p| p.name == target.product);
    let product = product.ok_or_else(|| Problem::not_found(target.path))?;
    match shared.products[product].find(method, target.path) {
        Found::Route { index, route, params } => {
            Ok(Ok(Matched { at: (product, index), route, params }))
        }
        Found::Nothing => Err(Problem::not_found(target.path)),
        Found::WrongMethod { allowed } => Ok(Err(wrong_method(method, &allowed))),
    }
}

/// 405, with the methods the path does answer.
pub(crate) fn wrong_method(method: &Method, allowed: &[&Method]) -> Answer {
    let allowed: Vec<&str> = allowed.iter().map(|method| method.as_str()).collect();
    let allowed = allowed.join(", ");
    let message = format!("This path does not answer {method}, only {allowed}");
    let problem = Problem(base::Problem::new(Kind::Invalid, 20004, message));
    problem.answer().header("allow", &allowed)
}

/// Nobody passes a route that asks for somebody, and nobody passes one that asks for more.
fn admit(
    shared: &Shared,
    parts: &Parts,
    route: &Route,
    caller: Option<(Principal, Proof)>,
) -> Result<Option<Principal>, Problem> {
    let Some((principal, proof)) = caller else {
        if route.permit == Permit::Public {
            return Ok(None);
        }
        return Err(Problem::unauthenticated("Authenticate"));
    };
    if route.permit != Permit::Public {
        auth::check_csrf(proof, &parts.method, &parts.headers, &shared.site)?;
    }
    if !principal.may(route.permit) {
        return Err(Problem::forbidden("This needs more rights than the caller has"));
    }
    Ok(Some(principal))
}

/// The workspace in the path. One of another account is not there, and neither is one out of the
/// caller's reach.
fn workspace(
    shared: &Shared,
    route: &Route,
    params: &PathParams,
    target: &Target<'_>,
    principal: Option<&Principal>,
) -> Result<Option<Arc<Names>>, Problem> {
    let Some(at) = route.names.iter().position(|name| **name == *"workspace") else {
        return Ok(None);
    };
    let not_found = || Problem::not_found(target.path);
    let text = &target.path[params[at].clone()];
    let sid: WorkspaceSid = text.parse().map_err(|_| not_found())?;
    let principal = principal.ok_or_else(not_found)?;
    let names = shared.host.names(sid).filter(|names| names.account == principal.account);
    let names = names.ok_or_else(not_found)?;
    match principal.reach() {
        Reach::Account => Ok(Some(names)),
        Reach::Workspace(only) if only == sid.sid() => Ok(Some(names)),
        Reach::Workspace(_) | Reach::Nowhere => Err(not_found()),
    }
}

async fn read(parts: &Parts, route: &Route, body: Body) -> Result<Bytes, Problem> {
    if !matches!(route.method, Method::POST | Method::PUT) {
        return Ok(Bytes::new());
    }
    let declared = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = declared.map(|text| text.split(';').next().unwrap_or_default().trim());
    let form = "application/x-www-form-urlencoded";
    if route.body == BodyKind::Form && media.is_some_and(|m| !m.eq_ignore_ascii_case(form)) {
        return Err(Problem::invalid(format!("The body must be {form}")));
    }
    let limited = tokio::time::timeout(BODY_LIMIT, Limited::new(body, BODY_BYTES_MAX).collect());
    let late = |_| Problem::invalid("The body did not come in time");
    let limited = limited.await.map_err(late)?;
    limited.map(|collected| collected.to_bytes()).map_err(|error| {
        if error.downcast_ref::<LengthLimitError>().is_some() {
            Problem::too_large(format!("The body is larger than {BODY_BYTES_MAX} bytes"))
        } else {
            Problem::invalid("The body could not be read to its end")
        }
    })
}

/// Quotes and a weak prefix do not matter; `*` is any version.
pub(crate) fn if_match(headers: &HeaderMap) -> IfMatch {
    let Some(value) = headers.get(header::IF_MATCH) else { return IfMatch::Any };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return IfMatch::Any;
    }
    let bare = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    bare.parse().map_or(IfMatch::Nothing, IfMatch::Version)
}

/// Whether one of our own pages asks: what is ours alone, or what carries a page's header.
fn is_from_our_page(parts: &Parts) -> bool {
    parts.uri.path().starts_with("/sinew/") || parts.headers.contains_key(auth::CSRF)
}

fn refused(by_page: bool, problem: &Problem) -> Answer {
    let answer = problem.answer();
    match problem.0.kind {
        // A browser would ask for a password by itself: our pages show their own sign-in instead.
        Kind::Unauthenticated if !by_page => {
            answer.header("www-authenticate", "Basic realm=\"Sinew\"")
        }
        _ => answer,
    }
}

/// What pages of other origins may read of an answer.
const EXPOSED: &str = "ETag, X-Request-Id, Twilio-Request-Id, Retry-After";
/// The same where there is more.
const EXPOSED_BY_SYNC: &str = "ETag, X-Request-Id, Twilio-Request-Id, Twilio-Request-Duration, \
                               Twilio-Concurrent-Requests, Retry-After";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of every answer. Other origins may read what their own credentials open; cookies are
/// never sent for them, as no answer allows it.
fn dress(shared: &Shared, method: &Method, response: &mut Response<Body>) {
    let count = shared.request_count.fetch_add(1, Relaxed);
    let id = format!("RQ{:016x}{count:016x}", shared.request_prefix);
    let headers = response.headers_mut();
    headers.reserve(8);
    headers.insert(REQUEST_ID, HeaderValue::try_from(id).expect("hex digits fit a header"));
    let fixed = |headers: &mut HeaderMap, name, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    fixed(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    fixed(headers, header::CACHE_CONTROL, "no-store");
    fixed(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    fixed(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    if *method == Method::OPTIONS {
        fixed(headers, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE, OPTIONS");
        let allowed = "Authorization, Content-Type, apiVersion, clientVersion, Idempotency-Key, \
                       If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, \
                       X-Twilio-Token, x-flex-jwe";
        fixed(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        fixed(headers, header::ACCESS_CONTROL_MAX_AGE, "86400");
    }
    if *method == Method::HEAD {
        let length = http_body::Body::size_hint(response.body()).exact().unwrap_or_default();
        *response.body_mut() = Body::empty();
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// What programs for state synchronisation know: the id under another name, seconds, and how many
/// requests of the account are under way, this one included.
fn dress_for_sync(took: Duration, under_way: Option<&UnderWay>, headers: &mut HeaderMap) {
    if let Some(id) = headers.get(REQUEST_ID).cloned() {
        headers.insert(HeaderName::from_static("twilio-request-id"), id);
    }
    let seconds = format!("{:.3}", took.as_secs_f64());
    let seconds = HeaderValue::try_from(seconds).expect("a number fits a header");
    headers.insert(HeaderName::from_static("twilio-request-duration"), seconds);
    if let Some(under_way) = under_way {
        let count = HeaderValue::from(under_way.count());
        headers.insert(HeaderName::from_static("twilio-concurrent-requests"), count);
    }
    let exposed = HeaderValue::from_static(EXPOSED_BY_SYNC);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Api, Disposition, Limits, Options, Routes, Site, routes::Product};
    use host::Host;
    use store::MemoryStore;

    async fn broken(_: Cx) -> Reply {
        panic!("a bug in a handler")
    }

    async fn whole(_: Cx) -> Reply {
        Ok(Answer::nothing())
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_next_request_is_served() {
        let options = host::Options::default();
        let host = Host::start(Arc::new(MemoryStore::new()), &options).expect("an empty store");
        let routes = Routes::at("/v1").get("/Broken", "broken.fetch", Permit::Public, broken).get(
            "/Whole",
            "whole.fetch",
            Permit::Public,
            whole,
        );
        let site = Site::parse("http://localhost").expect("a URL");
        let options = Options { site, limits: Limits::None, dispositions: Disposition::defaults() };
        let api = Api::over(host, options, vec![Product::new("sync", vec![routes])]);
        let get = async |path: &str| {
            let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
            let (parts, body) = api.answer(request).await.into_parts();
            let bytes = body.collect().await.expect("a body").to_bytes();
            (parts.status.as_u16(), String::from_utf8_lossy(&bytes).into_owned())
        };
        let (status, body) = get("/sync/v1/Broken").await;
        assert_eq!(status, 500);
        assert!(body.contains("20500") && !body.contains("a bug in a handler"), "{body}");
        assert_eq!(get("/sync/v1/Whole").await.0, 204);
    }

    #[test]
    fn an_etag_is_compared_without_its_quotes() {
        let sent = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, text.parse().unwrap());
            if_match(&headers)
        };
        assert_eq!(sent("3"), IfMatch::Version(3));
        assert_eq!(sent("\"3\""), IfMatch::Version(3));
        assert_eq!(sent("W/\"3\""), IfMatch::Version(3));
        assert_eq!(sent("*"), IfMatch::Any);
        assert_eq!(sent("\"abc\""), IfMatch::Nothing);
        assert_eq!(if_match(&HeaderMap::new()), IfMatch::Any);
    }
}
