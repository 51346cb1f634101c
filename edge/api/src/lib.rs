//! HTTP: the route table, what is the same for every route, and one file per resource.
//!
//! * Routes are data ([`Routes`]): the layer, the OpenAPI document and the tests read one table.
//! * A handler translates, in at most ten lines; a rule in a handler is a bug in the layering.
//! * A [`Cx`] can only be made by the layer: its caller is known, may use the route, and owns the
//!   workspace in the path.
//! * Nothing a client sent is logged; a request is named by its operation, status and id.

mod auth;
mod cds;
mod cx;
mod hashing;
mod input;
mod layer;
mod metrics;
mod openapi;
mod paging;
mod problem;
mod reply;
mod routes;
mod running;
mod shared;
mod sinew;
mod site;
mod sync;
mod taskrouter;
mod tunnel;

pub use access::Permit;
pub use cx::Cx;
pub use input::{Input, wrong};
pub use layer::Connection;
pub use paging::{Also, Finding, Items, Listing, Look, Progress};
pub use problem::Problem;
pub use reply::{Answer, Reply};
pub use routes::{BodyKind, Param, ParamKind, Route, Routes, Shape};
pub use sinew::password;
pub use site::{OURS, Site};

use axum::body::Body;
use host::Host;
use http::{Request, Response};
use routes::Product;
use serde::{Deserialize, Serialize};
use shared::Shared;
use std::sync::Arc;

/// What the operator chose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the server is reached from outside.
    pub site: Site,
    /// Whose rates and counts hold.
    pub limits: Limits,
    /// How agents may say a task ended.
    pub dispositions: Vec<Disposition>,
}

/// Whose rates and counts hold. Sizes hold always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limits {
    /// None.
    #[default]
    None,
    /// The incumbent's documented ones, for testing against them.
    Compat,
}

/// One way a task can end for the person who handled it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disposition {
    /// Its name for programs.
    pub code: String,
    /// Its name for people.
    pub label: String,
}

impl Disposition {
    /// What a server that says nothing else offers.
    pub fn defaults() -> Vec<Self> {
        let one = |code: &str, label: &str| Self { code: code.to_owned(), label: label.to_owned() };
        vec![
            one("resolved", "Resolved"),
            one("follow_up", "Follow-up needed"),
            one("escalated", "Escalated"),
            one("no_answer", "Customer did not answer"),
            one("wrong_contact", "Wrong contact"),
            one("other", "Other"),
        ]
    }
}

/// The HTTP half of the edge; clones are the same one.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

impl Api {
    /// Every product over one host.
    pub fn new(host: Host, options: Options) -> Self {
        Self::over(host, options, table())
    }

    fn over(host: Host, options: Options, products: Vec<Product>) -> Self {
        let metrics = metrics::Metrics::new(&products);
        let mut prefix = [0; 8];
        getrandom::fill(&mut prefix).expect("the operating system gives random bytes");
        Self(Arc::new(Shared {
            host,
            site: options.site.clone(),
            options,
            metrics,
            products,
            sign_ins: auth::SignIns::default(),
            rates: auth::Rates::default(),
            sync_rates: sync::rates::Buckets::default(),
            running: running::Running::default(),
            hashing: hashing::Hashing::default(),
            request_prefix: u64::from_be_bytes(prefix),
            request_count: std::sync::atomic::AtomicU64::new(0),
            stop: tokio::sync::watch::Sender::new(false),
        }))
    }

    /// Whether a request is for a product; anything else is a page or a socket.
    pub fn is_for<B>(&self, request: &Request<B>) -> bool {
        let host = layer::host_of(request.headers(), request.uri());
        self.0.site.target(&host, request.uri().path()).is_some()
    }

    /// Answers a request for a product. The listener puts a [`Connection`] into its extensions.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        layer::answer(&self.0, request).await
    }

    /// Answers a request that a client library sent through its socket: whose it is was proved when
    /// the socket was opened. Its path leads into the products for such libraries alone.
    pub async fn tunnelled(
        &self,
        principal: access::Principal,
        request: Request<bytes::Bytes>,
    ) -> Response<bytes::Bytes> {
        tunnel::answer(&self.0, principal, request).await
    }

    /// Ends answers that have no end of their own: the server stops.
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// The document of one product, if there is one of that name: what is really served.
    pub fn openapi(&self, product: &str) -> Option<serde_json::Value> {
        let product = self.0.products.iter().find(|p| p.name == product)?;
        Some(openapi::document(product, &self.0.site.url()))
    }

    /// Appends the request counters in Prometheus' text form.
    pub fn write_metrics(&self, out: &mut String) {
        self.0.metrics.write(out);
    }

    /// The table, product by product.
    pub fn routes(&self) -> impl Iterator<Item = (&'static str, &[Route])> {
        self.0.products.iter().map(|product| (product.name, product.routes.as_slice()))
    }
}

/// Every route there is.
fn table() -> Vec<Product> {
    vec![
        Product::new("taskrouter", taskrouter::routes()),
        Product::new("sync", sync::routes()),
        Product::new(OURS, sinew::routes()),
        Product::new("cds", cds::routes()),
    ]
}
