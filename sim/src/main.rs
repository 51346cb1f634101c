//! `sim SEED [--trace]`, `sim --seeds N`, `sim --seeds FROM..TO`, `sim --nightly`.
//!
//! * Several seeds run side by side, one thread for each core; a seed never knows of another.
//! * A range ends with its first failing seed, however many run at that moment.
//! * A night goes on after a failure, until it is interrupted; it fails in the end if a seed did.

use signal_hook::{consts, flag};
use sim::{Echo, Failure, Options};
use std::{
    collections::BTreeMap,
    ops::Range,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const USAGE: &str =
    "usage: sim SEED [--trace] | sim --seeds N | sim --seeds FROM..TO | sim --nightly";
/// How often the rate is printed.
const PRINT_EVERY: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let went_well = match arguments.as_slice() {
        ["--seeds", which] => range(which).map(|seeds| Many::new(seeds, After::Stop).run()),
        ["--nightly"] => Some(Many::new(tonight(), After::GoOn).run()),
        [seed] => seed.parse().ok().map(|seed| one(seed, Echo::Silent)),
        [seed, "--trace"] | ["--trace", seed] => seed.parse().ok().map(|n| one(n, Echo::Print)),
        _ => None,
    };
    match went_well {
        Some(true) => ExitCode::SUCCESS,
        Some(false) => ExitCode::FAILURE,
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn one(seed: u64, echo: Echo) -> bool {
    let run = || {
        let report = sim::run(seed, Options { echo })?;
        sim::run_buckets(seed)?;
        Ok::<_, Box<Failure>>(report)
    };
    match run() {
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

/// `N` for the first so many, `FROM..TO` for those between.
fn range(which: &str) -> Option<Range<u64>> {
    match which.split_once("..") {
        Some((from, to)) => Some(from.parse().ok()?..to.parse().ok()?),
        None => Some(0..which.parse().ok()?),
    }
}

/// Each night looks at other seeds.
fn tonight() -> Range<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs()) * 1_000..u64::MAX
}

/// What a failing seed means for those after it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// Nothing after it is begun.
    Stop,
    /// The others run all the same.
    GoOn,
}

/// Many seeds.
struct Many {
    next: AtomicU64,
    end: AtomicU64,
    after: After,
    done: AtomicU64,
    failures: Mutex<BTreeMap<u64, Box<Failure>>>,
    interrupted: Arc<AtomicBool>,
    began: Instant,
}

impl Many {
    fn new(seeds: Range<u64>, after: After) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        if after == After::GoOn {
            for signal in [consts::SIGINT, consts::SIGTERM] {
                // Without it the signal ends the process at once, which is no harm.
                _ = flag::register(signal, interrupted.clone());
            }
        }
        Self {
            next: AtomicU64::new(seeds.start),
            end: AtomicU64::new(seeds.end),
            after,
            done: AtomicU64::new(0),
            failures: Mutex::default(),
            interrupted,
            began: Instant::now(),
        }
    }

    /// Runs them all; whether all went well.
    fn run(&self) -> bool {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.work())).collect();
            let mut printed = Instant::now();
            while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
                thread::sleep(Duration::from_millis(100));
                if printed.elapsed() >= PRINT_EVERY {
                    printed = Instant::now();
                    println!("{}", self.rate());
                }
            }
        });
        println!("{}", self.rate());
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some((_, first)), After::Stop) = (failures.first_key_value(), self.after) {
            eprintln!("{first}");
        }
        failures.is_empty()
    }

    fn work(&self) {
        while !self.interrupted.load(Ordering::Relaxed) {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.end.load(Ordering::Relaxed) {
                return;
            }
            if let Err(failure) = sim::run_twice(seed) {
                match self.after {
                    After::Stop => _ = self.end.fetch_min(seed, Ordering::Relaxed),
                    After::GoOn => eprintln!("{failure}"),
                }
                let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
                failures.insert(seed, failure);
            }
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn rate(&self) -> String {
        let done = self.done.load(Ordering::Relaxed);
        let failed = self.failures.lock().unwrap_or_else(PoisonError::into_inner).len();
        let seconds = self.began.elapsed().as_secs_f64();
        let per_hour = done as f64 / seconds * 3_600.0;
        format!(
            "{done} seeds, each twice, in {seconds:.1} s: {per_hour:.0} seeds per hour, \
             {failed} failed"
        )
    }
}
