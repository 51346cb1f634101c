//! The machine around a slice: is it idle, and who used the processors meanwhile?
//!
//! * Before a slice the machine must have been 88 % idle for two seconds; after a limit the slice
//!   runs anyway and is called noisy.
//! * During a slice, what neither we nor the server used is foreign work; too much is noise too.

use std::time::{Duration, Instant};

const IDLE_MIN: f64 = 0.88;
const WATCHED: Duration = Duration::from_secs(2);
const WAIT_LIMIT: Duration = Duration::from_secs(30);
/// A share of the whole machine that others may use before a slice is called noisy.
const FOREIGN_MAX: f64 = 0.12;
/// The unit of `/proc`'s processor times on Linux.
const TICKS_PER_S: f64 = 100.0;

/// Whether a slice's figures can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noise {
    Quiet,
    Noisy,
}

/// Waits for an idle machine, but not for ever.
pub(crate) async fn wait_for_quiet() -> Noise {
    let deadline = Instant::now() + WAIT_LIMIT;
    loop {
        let before = Ticks::now();
        tokio::time::sleep(WATCHED).await;
        if before.idle_share(Ticks::now()) >= IDLE_MIN {
            return Noise::Quiet;
        }
        if Instant::now() >= deadline {
            return Noise::Noisy;
        }
    }
}

/// All processors together, since the machine started.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    busy: f64,
    idle: f64,
}

impl Ticks {
    fn now() -> Ticks {
        Ticks::read(&std::fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    fn read(stat: &str) -> Ticks {
        let line = stat.lines().next().unwrap_or_default();
        let fields: Vec<f64> =
            line.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal; guests are in user already. Waiting for
        // the disk is idle: another process could run.
        let at = |position: usize| fields.get(position).copied().unwrap_or_default();
        let busy = at(0) + at(1) + at(2) + at(5) + at(6) + at(7);
        Ticks { busy, idle: at(3) + at(4) }
    }

    fn idle_share(self, later: Ticks) -> f64 {
        let (busy, idle) = (later.busy - self.busy, later.idle - self.idle);
        if busy + idle > 0.0 { idle / (busy + idle) } else { 1.0 }
    }
}

/// Measures who used the processors during a slice.
pub(crate) struct Meter {
    server: Option<u32>,
    before: Noise,
    ticks: Ticks,
    server_s: f64,
    ours_s: f64,
}

/// What a meter saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) server_s: f64,
    pub(crate) client_s: f64,
    pub(crate) noise: Noise,
}

impl Meter {
    /// Waits for an idle machine, then watches. `SERVER_PROCESS` names the server.
    pub(crate) async fn start() -> Meter {
        Meter::start_at_once(wait_for_quiet().await)
    }

    /// Watches from now on; `before` is how the machine was found.
    pub(crate) fn start_at_once(before: Noise) -> Meter {
        let server = std::env::var("SERVER_PROCESS").ok().and_then(|text| text.parse().ok());
        Meter {
            server,
            before,
            ticks: Ticks::now(),
            server_s: server.map_or(0.0, used_s),
            ours_s: used_s(std::process::id()),
        }
    }

    pub(crate) fn stop(&self) -> Usage {
        let now = Ticks::now();
        let server_s = self.server.map_or(0.0, used_s) - self.server_s;
        let client_s = used_s(std::process::id()) - self.ours_s;
        let busy = now.busy - self.ticks.busy;
        let all = busy + now.idle - self.ticks.idle;
        let foreign = (busy - (server_s + client_s) * TICKS_PER_S) / all.max(1.0);
        let noise = if foreign > FOREIGN_MAX { Noise::Noisy } else { self.before };
        Usage { server_s, client_s, noise }
    }
}

/// Processor seconds that a process has used.
fn used_s(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in brackets, may hold anything; user and system time are the 12th and 13th behind.
    let rest = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let fields: Vec<f64> =
        rest.split_whitespace().map(|text| text.parse().unwrap_or_default()).collect();
    fields.get(11..13).map(|times| times.iter().sum::<f64>() / TICKS_PER_S).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_the_disk_is_idle_and_stolen_time_is_not() {
        let before = Ticks::read("cpu  100 0 100 1000 0 0 0 0 0 0\ncpu0 1 2 3\n");
        let after = Ticks::read("cpu  104 1 102 1080 10 1 1 1 0 0\n");
        assert!((before.idle_share(after) - 0.90).abs() < 0.001);
    }

    #[test]
    fn a_process_is_seen_to_work() {
        let before = used_s(std::process::id());
        let mut sum = 0u64;
        while used_s(std::process::id()) < before + 0.02 {
            sum = (0..10_000).fold(sum, |sum, n| sum.wrapping_mul(31).wrapping_add(n));
        }
        assert_ne!(sum, 1);
    }
}
