//! What encryption costs the writer: lives of tasks committed with and without a key, in turns.
//!
//! `cargo run --release -p store-sealed --example cost -- [folder]`

use base::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use std::{path::Path, sync::Arc, time::Instant};
use store::{
    Batch, Column, ColumnKind, RowContent, RowWrite, Scan, Store, StoredChange, Table, Value,
};
use store_sealed::{Key, Keys, SealedStore};
use store_sqlite::SqliteStore;

const ROUNDS: usize = 5;
/// Lives that are under way at once: each step of all of them is a group.
const AT_ONCE: u64 = 64;
const LIVES: u64 = 6_400;

static TASK: Table = Table {
    name: "task",
    columns: &[
        Column { name: "status", kind: ColumnKind::Text, changes: true },
        Column { name: "live", kind: ColumnKind::Int, changes: true },
    ],
    indexes: &[],
    live: Some("live"),
};

static EVENT: Table = Table { name: "event", columns: &[], indexes: &[], live: None };

static TABLES: &[&Table] = &[&TASK, &EVENT, &store_sealed::TABLE];

fn main() {
    let base = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let folder = base.join(format!("sinew-cost-{}", std::process::id()));
    let mut costs = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for (which, costs) in costs.iter_mut().enumerate() {
            let folder = folder.join(format!("{round}-{which}"));
            costs.push(run(&folder, which == 1));
            // It is gone with the folder below it.
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    let [plain, sealed] = costs.map(median);
    for (name, Cost { cpu_us, wall_us, read_us, bytes }) in [("plain", plain), ("key", sealed)] {
        println!(
            "{name:>6}: {cpu_us:.1} us of processor time and {wall_us:.1} us a life, \
             {bytes:.0} bytes of file, {read_us:.2} us to read a row"
        );
    }
    println!(
        " ratio: {:.2} processor time, {:.2} time, {:.2} bytes, {:.2} reading",
        sealed.cpu_us / plain.cpu_us,
        sealed.wall_us / plain.wall_us,
        sealed.bytes / plain.bytes,
        sealed.read_us / plain.read_us,
    );
}

/// Of one life.
#[derive(Clone, Copy)]
struct Cost {
    cpu_us: f64,
    wall_us: f64,
    read_us: f64,
    bytes: f64,
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by(|a, b| a.cpu_us.total_cmp(&b.cpu_us));
    costs[costs.len() / 2]
}

fn run(folder: &Path, is_sealed: bool) -> Cost {
    let options = store_sqlite::Options::default();
    let inner = Arc::new(SqliteStore::open(folder, options, TABLES).expect("a store"));
    let store: Arc<dyn Store> = match is_sealed {
        true => {
            let key = Key::parse("measured", &"5e".repeat(32)).expect("a key");
            let keys = Keys::new(vec![key]).expect("one key").expect("one key");
            Arc::new(SealedStore::open(inner, keys, TABLES).expect("an empty store"))
        }
        false => inner,
    };
    let mut committer = store.committer();
    let (began, cpu) = (Instant::now(), processor_us());
    let mut seq = 1;
    for first in (0..LIVES).step_by(AT_ONCE as usize) {
        for step in 0..4 {
            let lives = first..first + AT_ONCE;
            let group: Vec<Batch> = lives.map(|n| batch(step, n, &mut seq)).collect();
            committer.commit(&group).expect("it follows");
            committer.after(false);
        }
    }
    let (cpu_us, wall_us) = (processor_us() - cpu, began.elapsed().as_secs_f64() * 1e6);
    drop(committer);
    let cpu = processor_us();
    let rows = store.scan(&Scan::all(&TASK)).expect("readable");
    let read_us = (processor_us() - cpu) / rows.len() as f64;
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let sizes = files.filter_map(|file| file.ok()?.metadata().ok());
    let bytes: u64 = sizes.map(|facts| facts.len()).sum();
    let lives = LIVES as f64;
    Cost { cpu_us: cpu_us / lives, wall_us: wall_us / lives, read_us, bytes: bytes as f64 / lives }
}

/// Created, offered, accepted, completed: three changes, three rows and an event each.
fn batch(step: u64, n: u64, seq: &mut u64) -> Batch {
    let first = *seq;
    *seq += 3;
    let key = |kind: &str| format!("{kind}{n:032x}");
    let content = |size: usize| RowContent {
        values: vec![Value::from("pending"), Value::from(step < 3)],
        body: format!("{{\"attributes\":\"{}\"}}", "x".repeat(size)),
    };
    let task =
        |kind, size| RowWrite { table: &TASK, key: key(kind).into(), content: Some(content(size)) };
    let event = RowContent { values: Vec::new(), ..content(900) };
    let event = RowWrite {
        table: &EVENT,
        key: format!("EV{n:028x}{step:04x}").into(),
        content: Some(event),
    };
    let change = |size: usize| StoredChange {
        kind: "changed",
        body: format!("{{\"task\":\"{}\"}}", "x".repeat(size)),
    };
    Batch {
        partition: "WS".into(),
        kind: "measured",
        epoch: 1,
        first,
        at: Timestamp(1),
        changes: [if step == 0 { 600 } else { 120 }, 120, 120].map(change).into(),
        rows: vec![task("WT", 800), task("WR", 400), task("WK", 100), event],
    }
}

fn processor_us() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}
