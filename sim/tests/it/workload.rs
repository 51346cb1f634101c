//! The workload uses everything that routing can do.

use sim::Options;
use std::collections::BTreeSet;

/// Enough for the seldom; no more are run than it takes.
const SEEDS: u64 = 150;

#[test]
fn every_command_is_carried_out_and_every_change_happens() {
    // The lists are read where they are written, so that nothing new is left out.
    let source = include_str!("../../../engines/routing/src/command.rs");
    let body = source.split_once("pub enum Command {").expect("it is there").1;
    let body = body.split_once("\n}\n").expect("it ends").0;
    let variants = body.lines().filter_map(|line| line.strip_prefix("    "));
    let names = variants
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default());
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 30, "{names:?}");
    let source = include_str!("../../../engines/routing/src/change.rs");
    let body = source.split_once("fn kind(&self)").expect("it is there").1;
    let kinds: Vec<&str> = body.split('"').skip(1).step_by(2).collect();
    assert!(kinds.len() > 50, "{kinds:?}");

    let mut missing: BTreeSet<&str> = names.into_iter().chain(kinds).collect();
    for seed in 0..SEEDS {
        let report = sim::run(seed, Options::default());
        let report = report.unwrap_or_else(|failure| panic!("{failure}"));
        let seen = report.commands.keys().chain(report.changes.keys());
        seen.for_each(|name| _ = missing.remove(name));
        if missing.is_empty() {
            return;
        }
    }
    panic!("in {SEEDS} seeds nobody saw {missing:?}");
}
