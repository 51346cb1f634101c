//! The simulator: the real seats, committer, delivery, hub and routing engine in virtual time
//! on one thread, over the memory store, with everything that can go wrong.
//!
//! * One seed decides everything: the same seed gives the same script, byte for byte.
//! * The checkers know rows, journal, answers and events; they never ask the engine what is right.
//! * What it does not know: tokio, sockets, disks.

mod actors;
mod agenda;
mod buckets;
mod checks;
mod faults;
mod followers;
mod hours;
mod machine;
mod rules;
mod script;
mod world;

pub use buckets::{BucketCounts, run as buckets};
pub use checks::{Broken, Counts, GRACE};
pub use followers::Tally as FollowerTally;
pub use script::Echo;
pub use world::Tally;

use std::{collections::BTreeMap, fmt};
use world::World;

/// How a seed is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether the script is printed as it grows.
    pub echo: Echo,
}

/// A seed that went well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which.
    pub seed: u64,
    /// What happened, in numbers.
    pub tally: Tally,
    /// How much there was to check.
    pub counts: Counts,
    /// Commands that were carried out, by name.
    pub commands: BTreeMap<&'static str, u64>,
    /// Changes that became durable, by kind.
    pub changes: BTreeMap<&'static str, u64>,
    /// What happened, line by line.
    pub script: String,
}

/// A seed in which a promise was broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// Which.
    pub seed: u64,
    /// Which promise, and how.
    pub broken: Broken,
    /// The last lines of the script.
    pub tail: String,
}

/// Lines of the script in a failure.
const TAIL_LINES: usize = 30;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, broken, tail } = self;
        writeln!(f, "seed {seed} breaks the promise: {}", broken.checker)?;
        writeln!(f, "    {}", broken.what.replace('\n', "\n    "))?;
        writeln!(f, "The last that happened:\n{tail}")?;
        write!(f, "Again: cargo xtask sim {seed} --trace")
    }
}

/// Runs a seed once.
pub fn run(seed: u64, options: Options) -> Result<Report, Box<Failure>> {
    // Every third seed cuts long work into portions of a few steps, down to one thing a call.
    routing::cut_engines_into(seed.is_multiple_of(3).then_some(1 + (seed / 3 % 300) as u32));
    let mut world = World::new(seed, options);
    world.run();
    let script = world.script;
    if let Some(Broken { checker, what }) = world.checks.broken() {
        let broken = Broken { checker, what: script.named(what) };
        let tail = script.tail(TAIL_LINES).to_owned();
        return Err(Box::new(Failure { seed, broken, tail }));
    }
    let (tally, counts) = (world.tally, world.checks.counts());
    let (commands, changes) = (world.commands, world.checks.kinds().clone());
    Ok(Report { seed, tally, counts, commands, changes, script: script.text().to_owned() })
}

/// Runs the part of a seed that is about sync, once. It writes no script.
pub fn run_buckets(seed: u64) -> Result<BucketCounts, Box<Failure>> {
    buckets(seed).map_err(|broken| Box::new(Failure { seed, broken, tail: String::new() }))
}

/// Runs a seed twice; both must go well and have the same script.
pub fn run_twice(seed: u64) -> Result<Report, Box<Failure>> {
    let first = run(seed, Options::default())?;
    let buckets = [run_buckets(seed)?, run_buckets(seed)?];
    if buckets[0] != buckets[1] {
        let what = format!("{:?}\n{:?}", buckets[0], buckets[1]);
        let broken = Broken { checker: "one seed, one course", what };
        return Err(Box::new(Failure { seed, broken, tail: String::new() }));
    }
    let second = run(seed, Options::default())?;
    if first == second {
        return Ok(first);
    }
    let mut lines = first.script.lines().zip(second.script.lines());
    let differs = lines.find(|(one, two)| one != two).unwrap_or(("the numbers", "differ"));
    let what = format!("{}\n{}", differs.0, differs.1);
    let broken = Broken { checker: "one seed, one script", what };
    Err(Box::new(Failure { seed, broken, tail: String::new() }))
}
