//! What is pushed to browsers: the TaskRouter bridge, the client libraries' socket, and a visitor's
//! place in a queue.
//!
//! * An event is sent after it is durable and in the order it happened; a socket that cannot keep
//!   up is closed with a reason, never skipped over.
//! * Every queue is bounded; nobody waits for a slow socket.
//! * Lifetimes of tokens, heartbeats and time-outs run on the real clock, whatever the domain's is.
//!
//! Knows no rules: commands go to the host, and what comes back is translated by `wire`.

mod answer;
mod body;
mod bridge;
mod chat;
mod clock;
mod names;
mod peer;
#[cfg(feature = "planted-bugs")]
pub mod planted;
mod socket;
mod twilsock;
mod websocket;

pub use chat::{Demo, Topic};
pub use peer::Peer;
#[cfg(feature = "fuzzing")]
pub use twilsock::exercise as exercise_twilsock;
#[cfg(feature = "simulation")]
pub use twilsock::simulated;
pub use twilsock::{Limits, Relay, Twilsock};

use answer::Trouble;
use axum::{Router, http::Uri};
use host::Host;

/// What is switched on.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The visitor's page; `None` answers 404 below `/chat/demo`.
    pub demo: Option<Demo>,
    /// The socket of the client libraries; `None` answers 404 at `/v3/wsconnect`.
    pub twilsock: Option<Twilsock>,
}

/// `/v1/wschannels` and, if switched on, `/v3/wsconnect` and
/// `/chat/demo/{topics,requests,updates}`.
pub fn router(host: Host, options: Options) -> Router {
    let bridge = bridge::router(host.clone());
    let all = match options.demo {
        Some(demo) => bridge.merge(chat::router(host, demo)),
        None => bridge,
    };
    let all = match options.twilsock {
        Some(twilsock) => all.merge(twilsock::router(twilsock)),
        None => all,
    };
    all.fallback(|uri: Uri| async move { Trouble::not_found(uri.path()) })
}
