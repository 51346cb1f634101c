//! The TaskRouter bridge: `/v1/wschannels` as the browser library for workers speaks it.
//!
//! * `GET` upgrades to a socket that pushes one worker's events ([`events`]).
//! * `POST` carries every request of the library, reads too, as JSON in the body ([`proxy`]).
//! * The token is the only credential; it comes in the query or in the body, never in a header.

mod caller;
mod events;
mod frame;
mod lists;
mod operation;
mod params;
mod participants;
mod perform;
mod proxy;
mod rooms;
mod transfers;
mod update;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use host::Host;
use rooms::Rooms;
use std::sync::Arc;

/// The largest request: two documents of attributes, every character escaped, and a token.
const BODY_BYTES_MAX: usize = 128 * 1024;

/// What every request needs.
#[derive(Clone)]
pub(crate) struct Bridge {
    host: Host,
    rooms: Arc<Rooms>,
}

/// The one path.
pub(crate) fn router(host: Host) -> Router {
    let rooms = Arc::new(Rooms::new(host.clone()));
    Router::new()
        .route("/v1/wschannels", get(events::open).post(proxy::request).options(preflight))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(map_response(for_any_origin))
        .with_state(Bridge { host, rooms })
}

async fn preflight() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Pages of any origin may call: without a token they learn nothing.
async fn for_any_origin(mut response: Response) -> Response {
    const ALLOWED: [(HeaderName, &str); 4] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, apiVersion, clientVersion, If-Match, X-Twilio-Token, \
             x-flex-jwe",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    for (name, value) in ALLOWED {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
