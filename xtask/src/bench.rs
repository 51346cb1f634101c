//! `cargo xtask bench [NAME...]`: each figure beside its peer, from one run.
//!
//! * Systems that are compared run in short slices that take turns; figures from different runs are
//!   never compared. Medians and their range are printed, and ratios of medians.
//! * A slice waits for an idle machine. Where that did not help, or others worked meanwhile, the
//!   table says how many of its slices were noisy.
//! * Every slice has a fresh store and ends by itself. A peer that this machine cannot run is named
//!   with the reason and left out.

mod beside;
mod bullmq;
mod cold;
mod goals;
mod peers;
mod quiet;
mod series;
mod server;
mod sync;
mod sync_peers;

use std::process::Command;
use std::time::Instant;

use crate::{paths, setup, test};
use series::Series;

/// What was asked for besides names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// Slices of each system.
    rounds: usize,
    seconds: f64,
    workers: Vec<usize>,
    /// Callers of whole lives, one number after the other.
    callers: Vec<usize>,
    /// What is compared with peers; both where nothing was said.
    only: Option<Part>,
    build_time: BuildTime,
}

/// Whether a clean build is worth its minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BuildTime {
    Measured,
    LeftOut,
}

/// The two halves of what is compared with peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Lives,
    Latency,
}

const NAMES: [&str; 12] = [
    "engine",
    "server",
    "durable",
    "cold",
    "size",
    "routing",
    "decisions",
    "scale",
    "sync",
    "fanout",
    "map",
    "crowd",
];

impl Plan {
    /// The plan and the names of the benchmarks; no name means all.
    fn parse(arguments: &[String]) -> Result<(Plan, Vec<&str>), String> {
        let mut plan = Plan {
            rounds: 5,
            seconds: 10.0,
            workers: vec![100, 1_000, 10_000],
            callers: vec![64, 200],
            only: None,
            build_time: BuildTime::LeftOut,
        };
        let mut names = Vec::new();
        let mut arguments = arguments.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument {
                "--quick" => (plan.rounds, plan.seconds) = (1, 3.0),
                "--build-time" => plan.build_time = BuildTime::Measured,
                "--rounds" => plan.rounds = number(value()?)?,
                "--seconds" => plan.seconds = number(value()?)? as f64,
                "--workers" => plan.workers = numbers(value()?)?,
                "--callers" => plan.callers = numbers(value()?)?,
                "--only" => plan.only = Some(part(value()?)?),
                name if NAMES.contains(&name) => names.push(name),
                other => {
                    let known = NAMES.join(", ");
                    return Err(format!(
                        "there is no benchmark {other:?}, but {known}; options are --workers LIST, \
                         --callers LIST, --rounds N, --seconds N, --only lives|latency, --quick \
                         and --build-time"
                    ));
                }
            }
        }
        Ok((plan, names))
    }

    pub(crate) fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }

    /// Goals are about the most callers: as many as have something to say.
    pub(crate) fn judged_callers(&self) -> usize {
        *self.callers.last().expect("a list of numbers has one")
    }
}

/// A list in ascending order.
fn numbers(text: &str) -> Result<Vec<usize>, String> {
    let mut list = text.split(',').map(number).collect::<Result<Vec<_>, _>>()?;
    list.sort_unstable();
    list.dedup();
    Ok(list)
}

fn part(text: &str) -> Result<Part, String> {
    match text {
        "lives" => Ok(Part::Lives),
        "latency" => Ok(Part::Latency),
        other => Err(format!("--only {other:?} is neither lives nor latency")),
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or(format!("{text:?} is not a number"))
}

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (plan, names) = Plan::parse(arguments)?;
    let wants = |name: &str| names.is_empty() || names.contains(&name);
    // The others run inside one process.
    let outside = ["server", "durable", "cold", "size", "sync", "fanout", "map", "crowd"];
    if outside.into_iter().any(wants) {
        test::build_release()?;
        build_load()?;
    }
    machine();
    // `routing` and `sync` are all their parts; each can be had by its own name.
    let routes = |name: &str| wants(name) || names.contains(&"routing");
    let syncs = |name: &str| wants(name) || names.contains(&"sync");
    if wants("engine") {
        engine()?;
    }
    if routes("decisions") {
        println!("\n== engine alone: decisions and assignments");
        example("routing", "decisions")?;
    }
    if routes("scale") {
        println!("\n== a large workspace");
        example("host", "scale")?;
    }
    if wants("durable") {
        server::durable(&plan)?;
    }
    if routes("server") {
        beside::run(&plan)?;
    }
    let parts = sync::Parts { fanout: syncs("fanout"), map: syncs("map"), crowd: syncs("crowd") };
    if parts.any() {
        sync::run(&plan, parts)?;
    }
    if wants("cold") {
        cold::run()?;
    }
    if wants("size") {
        size(&plan)?;
    }
    Ok(())
}

fn build_load() -> Result<(), String> {
    let mut command = paths::cargo();
    command.args(["build", "--release", "--locked", "--package", "bench"]);
    setup::succeed(command)
}

/// Names the machine, since no figure means anything without it.
fn machine() {
    let text = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("\n{cores} cores, Linux {}, {}", text("uname", &["-r"]), text("rustc", &["-V"]));
    let folder = std::env::temp_dir();
    let folder = folder.to_string_lossy();
    let system = text("stat", &["-f", "-c", "%T", &folder]);
    println!("stores are below {folder}, on {system}");
    if system.contains("tmpfs") {
        println!("MEMORY FILE SYSTEM: durable figures mean nothing; set TMPDIR to a disk");
    }
    println!("{}", quiet::describe());
}

/// The routing engine alone; it prints its own table and ratio.
fn engine() -> Result<(), String> {
    println!("\n== engine alone: assignments per second");
    example("routing", "assignments")
}

/// A benchmark that prints its own tables.
fn example(package: &str, name: &str) -> Result<(), String> {
    example_with(package, name, &[])
}

fn example_with(package: &str, name: &str, arguments: &[&str]) -> Result<(), String> {
    let mut build = paths::cargo();
    build.args(["build", "--release", "--quiet", "--package", package, "--example", name]);
    setup::succeed(build)?;
    quiet::wait();
    let mut run = Command::new(paths::target().join("release/examples").join(name));
    run.args(arguments);
    setup::succeed(run)
}

fn size(plan: &Plan) -> Result<(), String> {
    println!("\n== the release binary");
    let size = std::fs::metadata(paths::release_server()).map_err(|error| error.to_string())?;
    println!("size: {:.1} MiB", size.len() as f64 / 1024.0 / 1024.0);
    if plan.build_time == BuildTime::LeftOut {
        println!("clean release build: not measured (--build-time)");
        return Ok(());
    }
    let folder = crate::scratch::Scratch::new("build");
    let mut command = paths::cargo();
    command.args(["build", "--release", "--locked", "--package", "sinew", "--bin", "sinew"]);
    command.env("CARGO_TARGET_DIR", folder.path());
    let before = quiet::wait();
    let started = Instant::now();
    setup::succeed(command)?;
    println!("clean release build: {:.0} s ({before})", started.elapsed().as_secs_f64());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn names_and_options_may_be_mixed() {
        let line = words("engine --workers 10000,100 size --rounds 2 --seconds 4 --build-time");
        let (plan, names) = Plan::parse(&line).unwrap();
        assert_eq!(names, ["engine", "size"]);
        assert_eq!((&plan.workers[..], plan.rounds), (&[100, 10_000][..], 2));
        assert_eq!((plan.seconds, plan.judged_callers()), (4.0, 200));
        assert_eq!(plan.build_time, BuildTime::Measured);
        let (plan, _) = Plan::parse(&words("--only lives --callers 16")).unwrap();
        assert!(plan.wants(Part::Lives) && !plan.wants(Part::Latency));
        assert_eq!(plan.judged_callers(), 16);
        assert_eq!(Plan::parse(&[]).unwrap().1, Vec::<&str>::new());
    }

    #[test]
    fn what_is_not_known_is_named() {
        assert!(Plan::parse(&words("speed")).unwrap_err().contains("\"speed\""));
        assert!(Plan::parse(&words("--rounds 0")).unwrap_err().contains("\"0\""));
        assert!(Plan::parse(&words("--rounds")).unwrap_err().contains("--rounds"));
        assert!(Plan::parse(&words("--only speed")).unwrap_err().contains("\"speed\""));
    }
}
