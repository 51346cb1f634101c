//! A large workspace on this machine: what assignments cost in it, how long a call holds it, and
//! how soon it is back.
//!
//! `cargo run --release -p host --example scale [LIVE TASKS]`
//!
//! * 15 000 workers, half of them available, 5 000 queues with an expression each, 1 000
//!   workflows, tasks with 400 bytes of attributes. One chat task is taken by each available
//!   worker; the others wait.
//! * A hold is one step of the partition with its rows, journal, log and notices; commits are not
//!   in it, since others work meanwhile. It is counted in processor time: on a machine that others
//!   use, real time says how long they ran.

// A benchmark measures real time; the ban is for the engine.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod holds;
mod shape;
mod together;

use shape::Shape;
use std::{sync::Arc, time::Duration};
use store::Store;
use store_sqlite::SqliteStore;

const WORKERS: usize = 15_000;
const QUEUES: usize = 5_000;
const WORKFLOWS: usize = 1_000;
const SKILLS: usize = 500;
const REGIONS: usize = 10;
/// Filters of the workflow that all waiting tasks run under.
const FILTERS: usize = 20;
/// Tasks whose target runs out at one instant.
const TIMED: usize = 100_000;
/// Tasks that nobody can take until an expression changes.
const HELD: usize = 20_000;
const GROUP: usize = 500;
const LONG: u32 = 1_209_600;

fn main() {
    let tasks = std::env::args().nth(1).map_or(500_000, |n| n.parse().expect("a number of tasks"));
    let folder = std::env::temp_dir().join(format!("sinew-scale-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the store");
    let store: Arc<dyn Store> = Arc::new(open(&folder));
    let shape = Shape::build(&*store, tasks);
    shape.ready(&*store);
    let place = shape.place();
    shape.holds(&*store);
    together::run(store, &place);
    std::fs::remove_dir_all(&folder).expect("the folder was made here");
}

fn open(folder: &std::path::Path) -> SqliteStore {
    let options = store_sqlite::Options::default();
    SqliteStore::open(folder, options, host::tables::ALL).expect("a new store opens")
}

/// Resident memory in bytes.
fn memory() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// Processor time of this thread.
fn worked() -> Duration {
    clock(rustix::time::ClockId::ThreadCPUTime)
}

/// Processor time of all threads.
fn all_worked() -> Duration {
    clock(rustix::time::ClockId::ProcessCPUTime)
}

fn clock(id: rustix::time::ClockId) -> Duration {
    let at = rustix::time::clock_gettime(id);
    Duration::new(at.tv_sec as u64, at.tv_nsec as u32)
}
