//! `sim SEED [--trace]`, `sim --seeds N`, `sim --nightly`.

use sim::{Echo, Options};
use std::{process::ExitCode, time::Instant};

const USAGE: &str = "usage: sim SEED [--trace] | sim --seeds N | sim --nightly";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let went_well = match arguments.as_slice() {
        ["--seeds", count] => count.parse().map(|count| seeds(0..count)),
        ["--nightly"] => Ok(seeds(nightly_start()..u64::MAX)),
        [seed] => seed.parse().map(|seed| one(seed, Echo::Silent)),
        [seed, "--trace"] | ["--trace", seed] => seed.parse().map(|seed| one(seed, Echo::Print)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match went_well {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(_) => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn one(seed: u64, echo: Echo) -> bool {
    match sim::run(seed, Options { echo }) {
        Ok(report) => {
            println!("seed {seed} went well: {:?} {:?}", report.tally, report.counts);
            true
        }
        Err(failure) => {
            eprintln!("{failure}");
            false
        }
    }
}

/// Each night looks at other seeds.
fn nightly_start() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs()) * 1_000
}

/// Runs seeds until one fails or there are none left.
fn seeds(seeds: std::ops::Range<u64>) -> bool {
    let began = Instant::now();
    let mut done = 0_u64;
    for seed in seeds {
        if let Err(failure) = sim::run_twice(seed) {
            eprintln!("{failure}");
            return false;
        }
        done += 1;
        if done.is_multiple_of(500) {
            println!("{}", rate(done, began));
        }
    }
    println!("{}", rate(done, began));
    true
}

fn rate(done: u64, began: Instant) -> String {
    let seconds = began.elapsed().as_secs_f64();
    let per_hour = done as f64 / seconds * 3_600.0;
    format!("{done} seeds, each twice, in {seconds:.1} s: {per_hour:.0} seeds per hour")
}
