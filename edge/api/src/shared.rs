//! What all requests of one server share.

use crate::{
    Options,
    auth::{Rates, SignIns},
    hashing::Hashing,
    metrics::Metrics,
    routes::Product,
    running::Running,
    site::Site,
    sync::rates::Buckets,
};
use host::Host;
use std::sync::atomic::AtomicU64;
use tokio::sync::watch;

pub(crate) struct Shared {
    pub(crate) host: Host,
    pub(crate) options: Options,
    pub(crate) site: Site,
    pub(crate) products: Vec<Product>,
    pub(crate) metrics: Metrics,
    pub(crate) sign_ins: SignIns,
    pub(crate) rates: Rates,
    pub(crate) sync_rates: Buckets,
    pub(crate) running: Running,
    pub(crate) hashing: Hashing,
    /// Names requests: random per server, counted per request.
    pub(crate) request_prefix: u64,
    pub(crate) request_count: AtomicU64,
    /// Whether answers without end are to end.
    pub(crate) stop: watch::Sender<bool>,
}
