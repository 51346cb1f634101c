//! Connections that were used once and may be used again.
//!
//! * A connection serves one origin (scheme, host, port), and only requests whose own look-up of
//!   the host allows the address it is connected to: a name that leads elsewhere by now, or where
//!   callbacks may not go, finds no old connection.
//! * Bounded per origin, in number and in the time a connection lies idle.
//! * Whoever drops a connection ends it: nothing runs on.

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{task::AbortHandle, time::Instant};

/// Idle connections to one origin at most: as many as a busy webhook has under way, twice.
const PER_ORIGIN_MAX: usize = 16;
/// Idle connections at most, to all origins together.
const ALL_MAX: usize = 256;
/// How long a connection may lie idle. Less than what servers commonly allow, so that it is
/// seldom the other side that ends it.
const IDLE_MAX: Duration = Duration::from_secs(20);

/// Whom a connection talks to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    pub(crate) is_tls: bool,
    /// In lower case.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// An open connection; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    /// Where it leads.
    pub(crate) address: SocketAddr,
    /// The task that moves its bytes.
    pub(crate) driver: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<BTreeMap<Origin, Vec<Idle>>>);

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// The connection to an origin that was used last, if it leads to one of these addresses.
    pub(crate) fn take(&self, origin: &Origin, allowed: &[SocketAddr]) -> Option<Connection> {
        let now = Instant::now();
        let mut origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = origins.get_mut(origin)?;
        idle.retain(|one| one.is_good(now) && allowed.contains(&one.connection.address));
        let taken = idle.pop();
        if idle.is_empty() {
            origins.remove(origin);
        }
        taken.map(|idle| idle.connection)
    }

    /// Keeps a connection whose last answer was read to its end, if there is room.
    pub(crate) fn keep(&self, origin: Origin, connection: Connection) {
        let since = Instant::now();
        let mut origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = origins.values().map(Vec::len).sum();
        let idle = origins.entry(origin).or_default();
        if idle.len() < PER_ORIGIN_MAX && all < ALL_MAX {
            idle.push(Idle { connection, since });
        }
    }

    /// Ends what has been idle for too long or was ended by the other side.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        let mut origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        origins.retain(|_, idle| {
            idle.retain(|one| one.is_good(now));
            !idle.is_empty()
        });
    }
}

impl Idle {
    fn is_good(&self, now: Instant) -> bool {
        now.duration_since(self.since) < IDLE_MAX && !self.connection.sender.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::client::conn::http1;
    use hyper_util::rt::TokioIo;
    use tokio::io::DuplexStream;

    async fn connection(address: &str) -> (Connection, DuplexStream) {
        let (near, far) = tokio::io::duplex(64);
        let (sender, talk) = http1::handshake(TokioIo::new(near)).await.unwrap();
        let driver = tokio::spawn(async move { _ = talk.await }).abort_handle();
        (Connection { sender, address: address.parse().unwrap(), driver }, far)
    }

    fn origin(host: &str) -> Origin {
        Origin { is_tls: false, host: host.to_owned(), port: 80 }
    }

    #[tokio::test]
    async fn a_connection_is_used_again_only_for_its_origin_and_an_address_that_is_allowed_now() {
        let (pool, allowed) = (Pool::default(), ["1.1.1.1:80".parse().unwrap()]);
        let (one, _far) = connection("1.1.1.1:80").await;
        pool.keep(origin("a.test"), one);
        assert!(pool.take(&origin("b.test"), &allowed).is_none(), "another host");
        let secure = Origin { is_tls: true, ..origin("a.test") };
        assert!(pool.take(&secure, &allowed).is_none(), "another scheme");
        let one = pool.take(&origin("a.test"), &allowed).expect("the same origin");
        let driver = one.driver.clone();
        pool.keep(origin("a.test"), one);
        let elsewhere = ["2.2.2.2:80".parse().unwrap()];
        assert!(pool.take(&origin("a.test"), &elsewhere).is_none(), "the name leads elsewhere");
        assert!(pool.take(&origin("a.test"), &allowed).is_none(), "the old one was ended");
        while !driver.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_are_bounded_in_number_and_time() {
        let (pool, allowed) = (Pool::default(), ["1.1.1.1:80".parse().unwrap()]);
        let mut far = Vec::new();
        for _ in 0..PER_ORIGIN_MAX + 3 {
            let (one, end) = connection("1.1.1.1:80").await;
            pool.keep(origin("a.test"), one);
            far.push(end);
        }
        let count = |pool: &Pool| pool.0.lock().unwrap().values().map(Vec::len).sum::<usize>();
        assert_eq!(count(&pool), PER_ORIGIN_MAX);
        tokio::time::advance(IDLE_MAX - Duration::from_millis(1)).await;
        let young = pool.take(&origin("a.test"), &allowed).expect("not idle for too long");
        pool.keep(origin("a.test"), young);
        tokio::time::advance(Duration::from_millis(1)).await;
        pool.sweep();
        assert_eq!(count(&pool), 1, "only what was used meanwhile is left");
        tokio::time::advance(IDLE_MAX).await;
        assert!(pool.take(&origin("a.test"), &allowed).is_none());
    }

    #[tokio::test]
    async fn what_the_other_side_ended_is_not_used_again() {
        let (pool, allowed) = (Pool::default(), ["1.1.1.1:80".parse().unwrap()]);
        let (one, far) = connection("1.1.1.1:80").await;
        let driver = one.driver.clone();
        pool.keep(origin("a.test"), one);
        drop(far);
        while !driver.is_finished() {
            tokio::task::yield_now().await;
        }
        assert!(pool.take(&origin("a.test"), &allowed).is_none());
    }
}
