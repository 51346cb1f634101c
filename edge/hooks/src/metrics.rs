//! Deliveries counted by kind and result, and how long attempts took. Prometheus text.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Delivered,
    Retrying,
    Failed,
    Dropped,
}

const KINDS: [&str; 3] = ["callback", "webhook", "sync"];
const RESULTS: [&str; 4] = ["delivered", "retrying", "failed", "dropped"];
/// Upper bounds of the histogram, in milliseconds.
const BOUNDS_MS: [u64; 10] = [1, 5, 10, 50, 100, 500, 1_000, 2_500, 5_000, 15_000];

#[derive(Debug, Default)]
struct PerKind {
    results: [AtomicU64; RESULTS.len()],
    /// One more than bounds: the rest.
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_us: AtomicU64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Metrics([PerKind; KINDS.len()]);

impl Metrics {
    pub(crate) fn count(&self, kind: &str, ended: Ended, took: Duration) {
        let Some(at) = KINDS.iter().position(|known| *known == kind) else { return };
        let counters = &self.0[at];
        counters.results[ended as usize].fetch_add(1, Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MS.iter().position(|bound| us <= bound * 1_000);
        counters.buckets[bucket.unwrap_or(BOUNDS_MS.len())].fetch_add(1, Relaxed);
        counters.sum_us.fetch_add(us, Relaxed);
    }

    pub(crate) fn write(&self, out: &mut String) {
        out.push_str("# HELP sinew_deliveries_total Attempts to tell something outside.\n");
        out.push_str("# TYPE sinew_deliveries_total counter\n");
        for (kind, counters) in KINDS.iter().zip(&self.0) {
            for (result, count) in RESULTS.iter().zip(&counters.results) {
                let labels = format_args!("{{kind=\"{kind}\",result=\"{result}\"}}");
                _ = writeln!(out, "sinew_deliveries_total{labels} {}", count.load(Relaxed));
            }
        }
        out.push_str("# HELP sinew_delivery_seconds How long an attempt took.\n");
        out.push_str("# TYPE sinew_delivery_seconds histogram\n");
        for (kind, counters) in KINDS.iter().zip(&self.0) {
            let mut total = 0;
            for (at, bucket) in counters.buckets.iter().enumerate() {
                total += bucket.load(Relaxed);
                let le = match BOUNDS_MS.get(at) {
                    Some(ms) => format!("{}", *ms as f64 / 1e3),
                    None => "+Inf".to_owned(),
                };
                let labels = format_args!("{{kind=\"{kind}\",le=\"{le}\"}}");
                _ = writeln!(out, "sinew_delivery_seconds_bucket{labels} {total}");
            }
            let sum = counters.sum_us.load(Relaxed) as f64 / 1e6;
            _ = writeln!(out, "sinew_delivery_seconds_sum{{kind=\"{kind}\"}} {sum}");
            _ = writeln!(out, "sinew_delivery_seconds_count{{kind=\"{kind}\"}} {total}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_kind_result_and_time() {
        let metrics = Metrics::default();
        metrics.count("webhook", Ended::Delivered, Duration::from_millis(7));
        metrics.count("webhook", Ended::Failed, Duration::from_secs(60));
        let mut text = String::new();
        metrics.write(&mut text);
        for line in [
            "sinew_deliveries_total{kind=\"webhook\",result=\"delivered\"} 1\n",
            "sinew_deliveries_total{kind=\"callback\",result=\"failed\"} 0\n",
            "sinew_delivery_seconds_bucket{kind=\"webhook\",le=\"0.01\"} 1\n",
            "sinew_delivery_seconds_bucket{kind=\"webhook\",le=\"+Inf\"} 2\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
