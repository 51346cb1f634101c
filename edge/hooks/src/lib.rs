//! Outgoing HTTP: instructions that are asked for, events that are posted.
//!
//! * What is to be told is in the store before it is told, and is told at least once: each request
//!   carries the SID that says so (`I-Twilio-Idempotency-Token`).
//! * Requests are signed with the account's token, and reach no private network unless the operator
//!   allows it.
//! * Events of one task arrive in order; one that cannot be delivered is tried again for a day.
//! * Webhooks of state synchronisation are told once, as they are documented.
//! * Nothing here can hold up the engine: it is told answers, and counts silence by itself.
//!
//! Knows no rule of routing: what an answer means, the engine says.

mod answer;
mod attempt;
mod client;
mod courier;
mod guard;
mod line;
mod metrics;
mod pool;
mod sign;
mod sync;

use self::sync::Herald;
use attempt::Desk;
use client::Client;
use courier::{Courier, Near};
use guard::Guard;
use host::Host;
use ipnet::IpNet;
use metrics::Metrics;
use std::sync::{Arc, atomic::AtomicI64};
use tokio::{sync::mpsc::unbounded_channel, task::JoinHandle};
use tokio_rustls::rustls::pki_types::CertificateDer;

/// How callbacks go out.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Networks that may be reached although they are private.
    pub allow_private: Vec<IpNet>,
    /// Certificate authorities that are trusted beside the machine's.
    pub roots: Vec<CertificateDer<'static>>,
}

/// Outgoing HTTP that is running.
pub struct Hooks {
    metrics: Arc<Metrics>,
    running: JoinHandle<()>,
    herald: JoinHandle<()>,
}

/// What is counted; clones are the same.
#[derive(Clone, Debug)]
pub struct Counters(Arc<Metrics>);

impl Counters {
    /// Appends the counters in Prometheus' text form.
    pub fn write(&self, out: &mut String) {
        self.0.write(out);
    }
}

impl Hooks {
    /// Sends what is in the store, and from now on whatever comes up. One per host; call it within
    /// a tokio runtime with a timer.
    pub fn start(host: Host, options: Options) -> Self {
        let metrics = Arc::new(Metrics::default());
        let handed = host.outbox().open();
        let (to_courier, told) = unbounded_channel();
        let deadline = Arc::new(AtomicI64::new(i64::MAX));
        let near = Near { courier: to_courier.clone(), deadline: deadline.clone() };
        host.outbox().employ(Box::new(near));
        let client = Client::new(Guard::new(options.allow_private), options.roots);
        let herald = Herald::new(host.clone(), client.clone(), metrics.clone());
        let most = self::sync::WAITING_MAX;
        let herald = tokio::spawn(herald.run(host.sync_feed(most), host.reach_feed(most)));
        let desk = Arc::new(Desk { host, client });
        let courier = Courier::new(desk, metrics.clone(), to_courier, deadline);
        let running = tokio::spawn(courier.run(handed, told));
        Self { metrics, running, herald }
    }

    /// What is counted.
    pub fn counters(&self) -> Counters {
        Counters(self.metrics.clone())
    }

    /// Ends at once. What was under way is sent again after the next start.
    pub async fn stop(self) {
        self.running.abort();
        self.herald.abort();
        // Aborted is what they are to be.
        _ = self.running.await;
        _ = self.herald.await;
    }
}
