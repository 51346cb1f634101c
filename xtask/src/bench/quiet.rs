//! Is the machine idle? With more to run than there are processors, a wake-up waits for a whole
//! tick of the scheduler, and every latency is worth nothing.

use std::fmt;
use std::time::{Duration, Instant};

const IDLE_MIN: f64 = 0.88;
const WATCHED: Duration = Duration::from_secs(2);
const WAIT_LIMIT: Duration = Duration::from_secs(30);

/// What was seen before a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    Quiet,
    Noisy,
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Quiet::Quiet => "quiet machine",
            Quiet::Noisy => "NOISY machine",
        })
    }
}

/// Waits for an idle machine, but not for ever.
pub(crate) fn wait() -> Quiet {
    let deadline = Instant::now() + WAIT_LIMIT;
    loop {
        match idle_share() {
            Some(idle) if idle >= IDLE_MIN => return Quiet::Quiet,
            _ if Instant::now() >= deadline => return Quiet::Noisy,
            _ => {}
        }
    }
}

/// One line about how busy the machine is now.
pub(crate) fn describe() -> String {
    match idle_share() {
        Some(idle) if idle >= IDLE_MIN => format!("quiet: {:.0} % idle before the run", idle * 1e2),
        Some(idle) => format!("NOISY: only {:.0} % idle before the run", idle * 1e2),
        None => "how busy the machine is cannot be seen here".to_owned(),
    }
}

/// The share of processor time that was idle while we looked.
fn idle_share() -> Option<f64> {
    let read = || -> Option<(u64, u64)> {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        let line = text.lines().next()?.strip_prefix("cpu ")?.to_owned();
        let times: Vec<u64> = line.split_whitespace().filter_map(|n| n.parse().ok()).collect();
        Some((times.get(3)? + times.get(4)?, times.iter().take(8).sum()))
    };
    let before = read()?;
    std::thread::sleep(WATCHED);
    let after = read()?;
    Some(after.0.saturating_sub(before.0) as f64 / after.1.saturating_sub(before.1).max(1) as f64)
}
