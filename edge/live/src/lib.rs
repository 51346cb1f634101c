//! What is pushed to browsers: the TaskRouter bridge, and a visitor's place in a queue.
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
mod socket;

pub use chat::{Demo, Topic};
pub use peer::Peer;

use answer::Trouble;
use axum::{Router, http::Uri};
use host::Host;

/// What is switched on.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The visitor's page; `None` answers 404 below `/chat/demo`.
    pub demo: Option<Demo>,
}

/// `/v1/wschannels` and, if switched on, `/chat/demo/{topics,requests,updates}`.
pub fn router(host: Host, options: Options) -> Router {
    let bridge = bridge::router(host.clone());
    let all = match options.demo {
        Some(demo) => bridge.merge(chat::router(host, demo)),
        None => bridge,
    };
    all.fallback(|uri: Uri| async move { Trouble::not_found(uri.path()) })
}
