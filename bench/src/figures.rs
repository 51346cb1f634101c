//! Percentiles and the one JSON line that a slice ends with.

use std::time::Duration;

use serde_json::{Value, json};

use crate::machine::{Noise, Usage};

/// Durations that were seen, in any order.
#[derive(Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub(crate) fn append(&mut self, other: Samples) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Count, p50, p99 and the longest, in milliseconds.
    pub(crate) fn figures(mut self) -> Value {
        self.0.sort_unstable();
        let at = |share: f64| -> Value {
            let index = ((self.0.len().saturating_sub(1)) as f64 * share) as usize;
            self.0.get(index).map_or(Value::Null, |d| json!(d.as_secs_f64() * 1e3))
        };
        json!({"samples": self.0.len(), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0)})
    }
}

/// Adds what a slice cost in processor time for each task, and whether others disturbed it.
pub(crate) fn with_usage(mut figures: Value, usage: Usage, tasks: usize) -> Value {
    let each = |seconds: f64| json!(seconds * 1e6 / tasks.max(1) as f64);
    figures["server_us"] = each(usage.server_s);
    figures["client_us"] = each(usage.client_s);
    figures["noisy"] = json!(usage.noise == Noise::Noisy);
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_samples() {
        let mut samples = Samples::default();
        (1..=100).rev().for_each(|ms| samples.add(Duration::from_millis(ms)));
        let figures = samples.figures();
        assert_eq!(
            (figures["p50_ms"].as_f64(), figures["p99_ms"].as_f64()),
            (Some(50.0), Some(99.0))
        );
        assert_eq!(figures["max_ms"].as_f64(), Some(100.0));
        assert!(Samples::default().figures()["p50_ms"].is_null());
    }
}
