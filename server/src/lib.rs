//! The one binary: configuration, wiring, pages.
//!
//! * Configuration is parsed once; what it chose is passed down by value.
//! * The address is bound and the store restored before anything is served, so a server that is
//!   reachable is ready.
//! * One runtime thread, and the host's writer beside it.

pub mod config;
pub mod doctor;
pub mod first;
pub mod logging;
pub mod panics;
pub mod replay;

mod body;
mod counted;
mod front;
mod listener;
mod pages;
mod storage;

pub use config::{Config, ConfigError, Flags};
pub use first::{FirstStartError, Given};
pub use storage::ReadError;

use api::{Api, Site};
use config::{Clock, StoreKind};
use counted::{Commits, CountedStore};
use first::Place;
use front::Front;
use hooks::Hooks;
use host::{ClockKind, Host, StartError};
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Weak},
    time::Duration,
};
use store::Store;
use store_sealed::SealError;
use store_sqlite::{OpenError, SqliteStore};
use tokio::{sync::watch, task::JoinHandle};

/// How long the host may take to flush once nothing is in flight.
const FLUSH_LIMIT: Duration = Duration::from_secs(4);
/// Items of one list or map, by the incumbent's documentation.
const ITEMS_MAX: u64 = 1_000_000;
/// How long what ends by itself is waited for: a turn on a busy machine may take its time.
const ENDINGS_MAX: Duration = Duration::from_secs(2);
const ENDINGS_PAUSE: Duration = Duration::from_millis(1);

/// Why the server did not start, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its encryption.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The host.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The first account.
    #[error(transparent)]
    First(#[from] FirstStartError),
}

/// A server that answers.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Scheme and address: where clients on this machine reach it.
    pub url: String,
    /// Where the values drawn at the first start are, if any were.
    pub credentials: Option<PathBuf>,
    /// The engines, for tests within the process.
    pub host: Host,
    /// The HTTP half, for tests within the process.
    pub api: Api,
    /// The client libraries' connections, for tests within the process.
    pub twilsock: live::Twilsock,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    hooks: Hooks,
    store: Weak<dyn Store>,
    sqlite: Weak<SqliteStore>,
}

impl Running {
    /// The embedded store while the server runs on it, for tests within the process.
    pub fn store(&self) -> Option<Arc<SqliteStore>> {
        self.sqlite.upgrade()
    }

    /// Stops accepting, finishes what is in flight, flushes, and lets go of the data folder.
    pub async fn stop(self) {
        let Self { host, api, twilsock, stop, serving, hooks, store, .. } = self;
        stop.send_replace(true);
        api.stop();
        twilsock.stop().await;
        if serving.await.is_err() {
            tracing::error!("the listener panicked");
        }
        hooks.stop().await;
        if tokio::time::timeout(FLUSH_LIMIT, host.stop()).await.is_err() {
            tracing::error!("the host did not end in time");
        }
        drop((host, api, twilsock));
        // The tasks of partitions end when they are next looked at, turns when they are through.
        let ended = async {
            while store.strong_count() > 0 {
                tokio::time::sleep(ENDINGS_PAUSE).await;
            }
        };
        // Whoever holds the host from outside holds the folder too.
        let _ = tokio::time::timeout(ENDINGS_MAX, ended).await;
    }
}

/// No crash leaves the process's memory in a file, and no other process of its user reads it: keys
/// and what they hide are in there.
pub fn keep_memory_inside() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(%error, "a crash may leave this process's memory in a file");
        }
    }
}

/// Starts a server on the ambient runtime; it answers once this returns.
pub async fn serve(config: Config, given: &Given) -> Result<Running, ServeError> {
    begin(config, given, storage::open).await
}

/// The same over a store that is open already, whatever the configuration says of one.
pub async fn serve_over(
    store: Arc<dyn Store>,
    config: Config,
    given: &Given,
) -> Result<Running, ServeError> {
    begin(config, given, |_| Ok((store, Weak::new()))).await
}

/// What is kept, and the embedded store by its own type where that is it.
type Kept = (Arc<dyn Store>, Weak<SqliteStore>);

async fn begin(
    config: Config,
    given: &Given,
    open: impl FnOnce(&Config) -> Result<Kept, ServeError>,
) -> Result<Running, ServeError> {
    let acceptor = config.tls.as_ref().map(listener::tls).transpose()?;
    let authorities = |file: &PathBuf| listener::certificates("callback-ca", file);
    let roots = config.callback_ca.as_ref().map(authorities).transpose()?.unwrap_or_default();
    let listener = listener::bind(config.listen)?;
    let unbound = |error| ConfigError(format!("--listen: {error}"));
    let addr = listener.local_addr().map_err(unbound)?;
    let (store, sqlite) = open(&config)?;
    let commits = Arc::new(Commits::default());
    let counted = CountedStore::new(store.clone(), commits.clone());
    let clock = match config.clock {
        Clock::System => ClockKind::System,
        Clock::Manual => ClockKind::Manual,
    };
    let sync = sync_options(&config);
    let host = Host::start(Arc::new(counted), &host::Options { clock, seed: None, sync })?;
    host.forget_old(config.retention);
    let place = match config.store {
        StoreKind::Sqlite => Place::Once(&config.data),
        StoreKind::Memory => Place::EachTime(&config.data),
    };
    let credentials = first::ensure(&host, place, given).await?;

    let scheme = if acceptor.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{addr}");
    let site = match config.public {
        Some(site) => site,
        None => Site::parse(&url).expect("a bound address makes a URL"),
    };
    let options = api::Options { site, limits: config.limits, dispositions: config.dispositions };
    let api = Api::new(host.clone(), options);
    let demo = config.demo.is_some();
    let twilsock = twilsock(&host, &api, config.limits);
    let live_options = live::Options { demo: config.demo, twilsock: Some(twilsock.clone()) };
    let live = live::router(host.clone(), live_options);
    let hooks_options = hooks::Options { allow_private: config.allow_private_callbacks, roots };
    let hooks = Hooks::start(host.clone(), hooks_options);
    let counted = (commits, hooks.counters());
    let front = Front::new(host.clone(), api.clone(), live, counted, demo);
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(listener::run(listener, acceptor, front, stopped));
    if config.clock == Clock::Manual {
        tracing::warn!(
            "THE CLOCK IS MANUAL: time stands still until POST /sinew/v1/Clock moves it"
        );
    }
    let store = Arc::downgrade(&store);
    Ok(Running { addr, url, credentials, host, api, twilsock, stop, serving, hooks, store, sqlite })
}

/// What was configured, and the incumbent's count of items where that was asked for.
fn sync_options(config: &Config) -> host::SyncOptions {
    let mut options = config.sync;
    match config.limits {
        api::Limits::None => {}
        api::Limits::Compat => _ = options.limits.items_max.get_or_insert(ITEMS_MAX),
    }
    options
}

/// The client libraries' socket: what comes through it goes into the same route table as HTTP.
fn twilsock(host: &Host, api: &Api, limits: api::Limits) -> live::Twilsock {
    let api = api.clone();
    let relay: live::Relay = Arc::new(move |principal, request| {
        let api = api.clone();
        Box::pin(async move { api.tunnelled(principal, request).await })
    });
    let limits = match limits {
        api::Limits::None => live::Limits::None,
        api::Limits::Compat => live::Limits::Compat,
    };
    live::Twilsock::new(host.clone(), relay, limits)
}
