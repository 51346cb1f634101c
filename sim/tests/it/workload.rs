//! The workload uses everything that routing can do.

use sim::{Options, Report};
use std::collections::BTreeMap;

/// Enough for the seldom.
const SEEDS: u64 = 60;

fn reports() -> Vec<Report> {
    let run = |seed| sim::run(seed, Options::default());
    (0..SEEDS).map(|seed| run(seed).unwrap_or_else(|failure| panic!("{failure}"))).collect()
}

fn missing<'a>(
    wanted: impl Iterator<Item = &'a str>,
    seen: impl Iterator<Item = BTreeMap<&'static str, u64>>,
) -> Vec<&'a str> {
    let seen: Vec<_> = seen.collect();
    wanted.filter(|name| !seen.iter().any(|counts| counts.contains_key(name))).collect()
}

#[test]
fn every_command_is_carried_out_and_every_change_happens() {
    let reports = reports();
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
    let commands = reports.iter().map(|report| report.commands.clone());
    assert_eq!(missing(names.into_iter(), commands), [""; 0], "commands nobody gave");

    let source = include_str!("../../../engines/routing/src/change.rs");
    let body = source.split_once("fn kind(&self)").expect("it is there").1;
    let kinds: Vec<&str> = body.split('"').skip(1).step_by(2).collect();
    assert!(kinds.len() > 50, "{kinds:?}");
    let changes = reports.iter().map(|report| report.changes.clone());
    assert_eq!(missing(kinds.into_iter(), changes), [""; 0], "changes that never happened");
}
