//! Load: the write-ahead log stays small, and a measurement to read.
//!
//! `SINEW_WAL_SECONDS` makes the load last that long; `SINEW_MEASURE_SECONDS` does the same for the
//! measurement, which is worth reading only in a release build:
//! `cargo test --release -p store-sqlite -- --nocapture measured`.

use super::{Folder, RESERVATION, TASK, WORKER_LOAD, WORKSPACE, open};
use std::time::{Duration, Instant};
use store::{Batch, Committer, RowContent, RowWrite, Scan, Store, StoredChange, Table, Value};

/// Rows of one task's life, and journal entries.
const WRITES_PER_LIFE: u64 = 8 + 6;

/// Makes the batches of many tasks, each life in three batches: created, accepted, completed.
struct Lives {
    next: u64,
    seq: u64,
}

impl Lives {
    /// The same step of `count` lives.
    fn group(&mut self, step: u32, from: u64, count: u64) -> Vec<Batch> {
        (from..from + count).map(|n| self.step(step, n)).collect()
    }

    /// `count` whole lives in three groups.
    fn lives(&mut self, count: u64) -> [Vec<Batch>; 3] {
        let from = self.next;
        self.next += count;
        [0, 1, 2].map(|step| self.group(step, from, count))
    }

    fn step(&mut self, step: u32, n: u64) -> Batch {
        let (status, entries) = match step {
            0 => ("pending", 2),
            1 => ("accepted", 1),
            _ => ("completed", 3),
        };
        let live = Value::from(step < 2);
        let (task, reservation) = (format!("WT{n:032x}"), format!("WR{n:032x}"));
        let queue = format!("WQ{:032x}", n % 10);
        let values = vec![queue.into_value(), n_value(n), status.into(), 0.into(), live.clone()];
        let mut rows = vec![row(&TASK, &task, values, 600)];
        let values = vec![task.into_value(), status.into(), live];
        rows.push(row(&RESERVATION, &reservation, values, 500));
        if step != 1 {
            let worker = format!("WK{:032x}", n % 1000);
            rows.push(row(&WORKER_LOAD, &worker, vec![n_value(n)], 60));
        }
        let body = format!("{{\"task\":\"{n}\",\"text\":\"{}\"}}", "x".repeat(250));
        let change = || StoredChange { kind: "TaskChanged", body: body.clone() };
        let first = self.seq;
        self.seq += entries;
        Batch {
            partition: WORKSPACE.into(),
            kind: "routing",
            epoch: 1,
            first,
            at: base::Timestamp(1_767_225_600_000),
            changes: (0..entries).map(|_| change()).collect(),
            rows,
        }
    }
}

trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for String {
    fn into_value(self) -> Value {
        Value::Text(self.into())
    }
}

fn n_value(n: u64) -> Value {
    Value::Int(i64::try_from(n).unwrap())
}

fn row(table: &'static Table, key: &str, values: Vec<Value>, size: usize) -> RowWrite {
    let body = format!("{{\"text\":\"{}\"}}", "y".repeat(size));
    RowWrite { table, key: key.into(), content: Some(RowContent { values, body }) }
}

fn seconds(name: &str, otherwise: u64) -> Duration {
    let given = std::env::var(name).ok().and_then(|text| text.parse().ok());
    Duration::from_secs(given.unwrap_or(otherwise))
}

fn commit(committer: &mut dyn Committer, group: &[Batch]) {
    committer.commit(group).unwrap();
    committer.after(false);
}

/// Several hundred thousand rows as fast as they go, beside readers.
#[test]
fn the_log_stays_below_64_mb() {
    let folder = Folder::new();
    let store = open(&folder);
    let end = Instant::now() + seconds("SINEW_WAL_SECONDS", 0);
    let done = std::sync::atomic::AtomicBool::new(false);
    let (mut rows, mut largest) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let live =
                store::Filter { column: "live", test: store::Test::OneOf(vec![Value::Int(1)]) };
            let scan = Scan { filters: vec![live], limit: 100, ..Scan::all(&TASK) };
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                assert!(store.scan(&scan).unwrap().len() <= 100);
                std::thread::yield_now();
            }
        });
        let mut committer = store.committer();
        let mut lives = Lives { next: 0, seq: 1 };
        while rows < 400_000 || Instant::now() < end {
            for group in lives.lives(64) {
                commit(&mut *committer, &group);
                largest = largest.max(store.wal_bytes());
            }
            rows += 64 * WRITES_PER_LIFE;
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(largest > 1 << 20, "the load was a load: {largest}");
    assert!(largest < 64 << 20, "the log grew to {largest} bytes");
}

/// How long this thread has been on a processor, where the system tells.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = told.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

#[test]
fn writes_per_second_are_measured() {
    let time = seconds("SINEW_MEASURE_SECONDS", 0);
    for size in [1, 8, 32, 96] {
        let folder = Folder::new();
        let store = open(&folder);
        let mut committer = store.committer();
        let mut lives = Lives { next: 0, seq: 1 };
        let (mut spent, mut after, mut busy) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let mut groups = Vec::new();
        while spent < time || groups.is_empty() {
            let made: Vec<_> = (0..10).flat_map(|_| lives.lives(size)).collect();
            let before = processor_time();
            for group in made {
                let start = Instant::now();
                committer.commit(&group).unwrap();
                let committed = start.elapsed();
                groups.push(committed);
                committer.after(false);
                spent += start.elapsed();
                after += start.elapsed() - committed;
            }
            busy += processor_time() - before;
        }
        groups.sort_unstable();
        let rate = lives.next as f64 / spent.as_secs_f64();
        let share = |n: usize| groups[groups.len() * n / 100].as_micros();
        println!(
            "groups of {size:2}: {rate:6.0} lives/s, {:7.0} writes/s, commit p50 {} us, p99 {} us; \
             a life: {:.1} us wall, {:.1} us busy, {:.1} us wall for checkpoints; log {} MB",
            rate * WRITES_PER_LIFE as f64,
            share(50),
            share(99),
            1e6 / rate,
            1e6 * busy.as_secs_f64() / lives.next as f64,
            1e6 * after.as_secs_f64() / lives.next as f64,
            store.wal_bytes() >> 20,
        );
        assert_eq!(store.partitions().unwrap()[0].last, lives.seq - 1);
    }
}
