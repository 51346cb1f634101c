//! The socket of the client libraries for state synchronisation and conversations: `/v3/wsconnect`.
//!
//! * [`codec`] and [`header`] are its frames, [`session`] is what is said on one connection,
//!   [`line`] what it has yet to answer, [`subscriptions`] what it follows and [`told`] how that
//!   is written; [`talk`] is all of these, and [`connection`] puts them on a socket.
//! * A request in the tunnel is answered by whoever the server put behind [`Relay`]; only
//!   subscriptions, which belong to a connection, are seen to here.
//! * No token and no payload reaches a log.

mod codec;
mod connection;
#[cfg(any(test, feature = "fuzzing"))]
mod exercise;
mod header;
mod line;
mod lines;
mod second;
mod session;
#[cfg(feature = "simulation")]
pub mod simulated;
mod subscriptions;
mod talk;
mod ticket;
mod told;

#[cfg(test)]
mod corpus;

#[cfg(feature = "fuzzing")]
pub use exercise::exercise;

use crate::websocket::{self, Lengths, Unfit};
use access::Principal;
use axum::{Router, body::Body, extract::State, response::Response, routing::get};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use host::Host;
use http::Request;
use lines::Lines;
use std::{fmt, sync::Arc, time::Duration};
use ticket::Tickets;
use tokio::time::timeout;
use told::Told;

/// Who answers requests that come through the tunnel.
pub type Relay = Arc<
    dyn Fn(Principal, Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> + Send + Sync,
>;

/// Whose rates and counts hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// None.
    #[default]
    None,
    /// The incumbent's documented ones.
    Compat,
}

impl Limits {
    /// Requests of one connection a second.
    const fn requests_per_s(self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::Compat => Some(500),
        }
    }
}

/// How long connections may take to say goodbye.
const FAREWELL_LIMIT: Duration = Duration::from_secs(2);

/// All connections of this server; clones are the same.
#[derive(Clone)]
pub struct Twilsock(Arc<Shared>);

struct Shared {
    host: Host,
    relay: Relay,
    limits: Limits,
    tickets: Arc<Tickets>,
    lines: Lines,
    told: Told,
}

impl fmt::Debug for Twilsock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twilsock").field("open", &self.open()).finish_non_exhaustive()
    }
}

impl Twilsock {
    /// Nobody is connected yet.
    pub fn new(host: Host, relay: Relay, limits: Limits) -> Self {
        let mut key = [0; 32];
        getrandom::fill(&mut key).expect("the operating system gives random bytes");
        let (tickets, lines) = (Arc::new(Tickets::new(key)), Lines::default());
        let mut prefix = [0; 8];
        getrandom::fill(&mut prefix).expect("the operating system gives random bytes");
        let told = Told::new(u64::from_be_bytes(prefix));
        Self(Arc::new(Shared { host, relay, limits, tickets, lines, told }))
    }

    /// Connections at this moment.
    pub fn open(&self) -> usize {
        self.0.lines.count()
    }

    /// Sends every client away, to come back to whoever serves then.
    pub async fn stop(&self) {
        self.0.lines.recall();
        if timeout(FAREWELL_LIMIT, self.0.lines.emptied()).await.is_err() {
            tracing::warn!(left = self.open(), "clients did not leave in time");
        }
    }
}

/// The one path.
pub(crate) fn router(twilsock: Twilsock) -> Router {
    Router::new().route("/v3/wsconnect", get(open)).with_state(twilsock)
}

async fn open(
    State(twilsock): State<Twilsock>,
    request: Request<Body>,
) -> Result<Response<Body>, Response<Body>> {
    let serve = move |socket| connection::run(twilsock, socket);
    let (whole, head) = (codec::FRAME_BYTES_MAX, codec::HEAD_BYTES_MAX);
    websocket::upgrade(request, Lengths { whole, head }, serve).map_err(Unfit::answer)
}
