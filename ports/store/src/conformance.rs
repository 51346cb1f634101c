//! The suite each store passes, a list of named checks.
//!
//! * A check gets a fresh, empty store that was opened with [`TABLES`].
//! * Random data comes from a fixed seed; a naive model says what scans must answer.
//!
//! Knows nothing about durability: what a store keeps over a restart is tested beside that store.

mod batches;
mod data;
mod forgetting;
mod refusals;
mod rewriting;
mod scans;

pub use data::TABLES;

use crate::{Store, Table};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One thing every store does.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// What it does, as a sentence without a full stop.
    pub name: &'static str,
    /// Panics when the store does not.
    pub run: fn(&dyn Store),
}

/// All checks.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    let suites =
        [batches::CHECKS, forgetting::CHECKS, refusals::CHECKS, rewriting::CHECKS, scans::CHECKS];
    suites.into_iter().flatten()
}

/// Runs every check on a store of its own and panics with the names of those that failed.
pub fn run<S: Store>(open: impl Fn(&'static [&'static Table]) -> S) {
    let mut failed = Vec::new();
    for check in checks() {
        let store = open(TABLES);
        if catch_unwind(AssertUnwindSafe(|| (check.run)(&store))).is_err() {
            failed.push(check.name);
        }
    }
    assert!(failed.is_empty(), "the store fails these checks:\n  {}", failed.join("\n  "));
}
