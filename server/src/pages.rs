//! The web pages, carried inside the binary.
//!
//! * Files under `assets/` have their hash in their name and never change; pages are asked for
//!   again each time.
//! * A strict content-security policy: the pages can call nobody but this server.

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "../web/apps/desk/dist"]
#[allow_missing = true]
struct Desk;

#[derive(RustEmbed)]
#[folder = "../web/apps/chat/dist"]
#[allow_missing = true]
struct Chat;

#[derive(RustEmbed)]
#[folder = "../web/apps/console/dist"]
#[allow_missing = true]
struct Console;

/// The page for a path, if it is one of a page.
pub(crate) fn page(request: &Request<Body>, demo: bool) -> Option<Response<Body>> {
    let path = request.uri().path();
    let found = match path {
        "/" | "/desk" => document(request, Desk::get("index.html")),
        "/chat/demo" if demo => document(request, Chat::get("index.html")),
        _ if path.starts_with("/desk/") => document(request, Desk::get("index.html")),
        _ if is_of_console(path) => document(request, Console::get("index.html")),
        _ => asset(path)?,
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Some(text(
            StatusCode::METHOD_NOT_ALLOWED,
            "Only GET and HEAD are answered here.\n",
        ));
    }
    Some(found)
}

/// Every address of the console leads to its one page, which reads the rest of it.
fn is_of_console(path: &str) -> bool {
    let below = path.strip_prefix("/admin");
    below.is_some_and(|rest| {
        rest.is_empty() || (rest.starts_with('/') && !rest.starts_with("/assets/"))
    })
}

fn asset(path: &str) -> Option<Response<Body>> {
    let file = if let Some(name) = path.strip_prefix("/chat/") {
        name.starts_with("assets/").then(|| Chat::get(name))?
    } else if let Some(name) = path.strip_prefix("/admin/") {
        Console::get(name)
    } else {
        Desk::get(path.strip_prefix('/').filter(|name| *name != "index.html")?)
    }?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut response = Response::new(body(file.data));
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, media_type(name));
    let hashed = path.contains("/assets/");
    let cache = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    set(headers, header::CACHE_CONTROL, cache);
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    Some(response)
}

fn document(request: &Request<Body>, file: Option<EmbeddedFile>) -> Response<Body> {
    let Some(file) = file else { return missing() };
    let hash = file.metadata.sha256_hash();
    let tag = hash[..16].iter().fold(String::from("\""), |tag, byte| format!("{tag}{byte:02x}"));
    let tag = format!("{tag}\"");
    let known = request.headers().get(header::IF_NONE_MATCH).is_some_and(|t| *t == *tag);
    let mut response = match known {
        true => Response::new(Body::empty()),
        false => Response::new(body(file.data)),
    };
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(headers, header::CACHE_CONTROL, "no-cache");
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).expect("hex digits fit a header"));
    secure(headers, request);
    response
}

/// What a browser may do on our pages.
fn secure(headers: &mut HeaderMap, request: &Request<Body>) {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host =
        host.filter(|h| h.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b)));
    // Older browsers do not count a socket of the same origin as 'self'.
    let sockets = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    let policy = format!(
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         media-src 'self' data:; connect-src 'self'{sockets}; frame-ancestors 'none'; \
         base-uri 'none'; form-action 'self'"
    );
    let policy = HeaderValue::from_str(&policy).expect("the host was checked");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::X_FRAME_OPTIONS, "DENY");
    set(headers, header::REFERRER_POLICY, "no-referrer");
}

fn missing() -> Response<Body> {
    let how = "The web pages are not part of this build.\n\n\
               `cargo xtask demo` builds and includes them; by hand: `npm ci && npm run build` in \
               the folder web, then `cargo build --release`.\n";
    text(StatusCode::SERVICE_UNAVAILABLE, how)
}

/// A plain text answer.
pub(crate) fn text(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    set(response.headers_mut(), header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set(response.headers_mut(), header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

fn body(data: Cow<'static, [u8]>) -> Body {
    match data {
        Cow::Borrowed(bytes) => Body::from(axum::body::Bytes::from_static(bytes)),
        Cow::Owned(bytes) => Body::from(bytes),
    }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "map" => "application/json",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
