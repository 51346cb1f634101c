//! `cargo xtask bench [NAME...]`: each figure beside its peer, from one run.
//!
//! * Systems that are compared run in short slices that take turns; figures from different runs are
//!   never compared. Medians and their range are printed, and ratios of medians.
//! * The machine is watched before the first slice: a busy one is called noisy, not silent.
//! * Every slice has a fresh store and ends by itself. A peer that this machine cannot run is named
//!   with the reason and left out.

mod cold;
mod peers;
mod series;
mod server;

use std::process::Command;
use std::time::{Duration, Instant};

use crate::{paths, setup, test};
use series::Series;

/// What was asked for besides names.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Slices of each system.
    rounds: usize,
    seconds: f64,
    build_time: bool,
}

const NAMES: [&str; 5] = ["engine", "server", "durable", "cold", "size"];

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (options, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|a| a.starts_with("--"));
    let mut plan = Plan { rounds: 5, seconds: 6.0, build_time: false };
    for option in options {
        match option.as_str() {
            "--quick" => (plan.rounds, plan.seconds) = (2, 3.0),
            "--build-time" => plan.build_time = true,
            other => return Err(format!("the benchmarks know no option {other:?}")),
        }
    }
    if let Some(unknown) = names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(format!("there is no benchmark {unknown:?}, but {}", NAMES.join(", ")));
    }
    let wants = |name: &str| names.is_empty() || names.iter().any(|asked| asked.as_str() == name);
    test::build_release()?;
    build_load()?;
    machine();
    if wants("engine") {
        engine()?;
    }
    if wants("durable") {
        server::durable(plan)?;
    }
    if wants("server") {
        server::against_the_peer(plan)?;
    }
    if wants("cold") {
        cold::run(plan)?;
    }
    if wants("size") {
        size(plan)?;
    }
    Ok(())
}

fn build_load() -> Result<(), String> {
    let mut command = paths::cargo();
    command.args(["build", "--release", "--locked", "--package", "bench"]);
    setup::succeed(command)
}

/// Names the machine and says whether it is quiet enough.
fn machine() {
    let text = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("\n{cores} cores, Linux {}, {}", text("uname", &["-r"]), text("rustc", &["-V"]));
    match idle_share(Duration::from_secs(2)) {
        Some(idle) if idle >= 0.88 => println!("quiet: {:.0} % idle before the run", idle * 1e2),
        Some(idle) => println!("NOISY: only {:.0} % idle before the run", idle * 1e2),
        None => println!("how busy the machine is cannot be seen here"),
    }
}

/// The share of processor time that was idle while we looked.
fn idle_share(look: Duration) -> Option<f64> {
    let read = || -> Option<(u64, u64)> {
        let text = std::fs::read_to_string("/proc/stat").ok()?;
        let line = text.lines().next()?.strip_prefix("cpu ")?.to_owned();
        let times: Vec<u64> = line.split_whitespace().filter_map(|n| n.parse().ok()).collect();
        Some((times.get(3)? + times.get(4)?, times.iter().take(8).sum()))
    };
    let before = read()?;
    std::thread::sleep(look);
    let after = read()?;
    Some((after.0 - before.0) as f64 / (after.1 - before.1).max(1) as f64)
}

/// The routing engine alone; it prints its own table and ratio.
fn engine() -> Result<(), String> {
    println!("\n== engine alone: assignments per second");
    let mut command = paths::cargo();
    command.args(["run", "--release", "--quiet", "--package", "routing", "--example"]);
    command.arg("assignments");
    setup::succeed(command)
}

fn size(plan: Plan) -> Result<(), String> {
    println!("\n== the release binary");
    let size = std::fs::metadata(paths::release_server()).map_err(|error| error.to_string())?;
    println!("size: {:.1} MiB", size.len() as f64 / 1024.0 / 1024.0);
    if !plan.build_time {
        println!("clean release build: not measured (--build-time)");
        return Ok(());
    }
    let folder = crate::scratch::Scratch::new("build");
    let mut command = paths::cargo();
    command.args(["build", "--release", "--locked", "--package", "server", "--bin", "sinew"]);
    command.env("CARGO_TARGET_DIR", folder.path());
    let started = Instant::now();
    setup::succeed(command)?;
    println!("clean release build: {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}
