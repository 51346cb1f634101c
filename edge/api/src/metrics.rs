//! Requests counted by operation and status, and how long they took. Prometheus text.
//!
//! Labels are names from the route table, never anything a client sent.

use crate::routes::Product;
use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// The statuses this server answers; anything else counts as the last.
const STATUSES: [u16; 16] =
    [200, 201, 204, 400, 401, 403, 404, 405, 409, 410, 412, 413, 429, 500, 503, 0];

/// Upper bounds of the latency histogram, in microseconds.
const BOUNDS_US: [u64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];

#[derive(Debug, Default)]
struct PerRoute {
    statuses: [AtomicU64; STATUSES.len()],
    /// One more than bounds: the rest.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// Counters of every route, and of requests that met none.
#[derive(Debug)]
pub(crate) struct Metrics {
    products: Vec<(&'static str, Vec<(&'static str, PerRoute)>)>,
    unmatched: PerRoute,
}

impl Metrics {
    pub(crate) fn new(products: &[Product]) -> Self {
        let of = |product: &Product| {
            let routes = product.routes.iter().map(|r| (r.operation, PerRoute::default()));
            (product.name, routes.collect())
        };
        Self { products: products.iter().map(of).collect(), unmatched: PerRoute::default() }
    }

    pub(crate) fn count(&self, route: Option<(usize, usize)>, status: u16, took: Duration) {
        let counters = match route {
            Some((product, route)) => &self.products[product].1[route].1,
            None => &self.unmatched,
        };
        let at = STATUSES.iter().position(|s| *s == status).unwrap_or(STATUSES.len() - 1);
        counters.statuses[at].fetch_add(1, Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.iter().position(|b| us <= *b).unwrap_or(BOUNDS_US.len());
        counters.buckets[bucket].fetch_add(1, Relaxed);
        counters.sum_us.fetch_add(us, Relaxed);
    }

    /// Appends the text form. Routes nobody called are left out.
    pub(crate) fn write(&self, out: &mut String) {
        out.push_str("# HELP sinew_requests_total Requests by operation and status.\n");
        out.push_str("# TYPE sinew_requests_total counter\n");
        self.each(|labels, counters| {
            for (status, count) in STATUSES.iter().zip(&counters.statuses) {
                let count = count.load(Relaxed);
                if count > 0 {
                    let line = format_args!("{{{labels},status=\"{status}\"}} {count}");
                    _ = writeln!(out, "sinew_requests_total{line}");
                }
            }
        });
        out.push_str("# HELP sinew_request_seconds Time from a request to its answer.\n");
        out.push_str("# TYPE sinew_request_seconds histogram\n");
        self.each(|labels, counters| {
            let mut total = 0;
            for (at, bucket) in counters.buckets.iter().enumerate() {
                total += bucket.load(Relaxed);
                let le = match BOUNDS_US.get(at) {
                    Some(us) => format!("{}", *us as f64 / 1e6),
                    None => "+Inf".to_owned(),
                };
                _ = writeln!(out, "sinew_request_seconds_bucket{{{labels},le=\"{le}\"}} {total}");
            }
            let sum = counters.sum_us.load(Relaxed) as f64 / 1e6;
            _ = writeln!(out, "sinew_request_seconds_sum{{{labels}}} {sum}");
            _ = writeln!(out, "sinew_request_seconds_count{{{labels}}} {total}");
        });
    }

    fn each(&self, mut f: impl FnMut(&str, &PerRoute)) {
        let mut show = |product: &str, operation: &str, counters: &PerRoute| {
            if counters.statuses.iter().any(|count| count.load(Relaxed) > 0) {
                let labels = format!("product=\"{product}\",operation=\"{operation}\"");
                f(&labels, counters);
            }
        };
        for (product, routes) in &self.products {
            routes.iter().for_each(|(operation, counters)| show(product, operation, counters));
        }
        show("none", "none", &self.unmatched);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_status_and_time() {
        let metrics = Metrics::new(&[]);
        metrics.count(None, 404, Duration::from_micros(300));
        metrics.count(None, 404, Duration::from_secs(9));
        let mut text = String::new();
        metrics.write(&mut text);
        let labels = "product=\"none\",operation=\"none\"";
        assert!(text.contains(&format!("sinew_requests_total{{{labels},status=\"404\"}} 2\n")));
        assert!(text.contains(&format!("_bucket{{{labels},le=\"0.0005\"}} 1\n")));
        assert!(text.contains(&format!("_bucket{{{labels},le=\"+Inf\"}} 2\n")));
    }
}
