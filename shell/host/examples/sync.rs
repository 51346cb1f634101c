//! How fast one object of sync takes durable writes, and for how long one write holds its bucket.
//!
//! `cargo run --release -p host --example sync -- [folder]`

use base::{IdSource, Sid, Timestamp};
use host::{
    ClockKind, Host, Options,
    adapters::SyncEngine,
    committer::{GroupCommitter, Health},
    outlets::Outlets,
    seat::{Job, Seat, Weather},
    tables,
    work::{Settled, Work, deliver},
};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use store::Store;
use store_sqlite::SqliteStore;
use sync::{
    Action, Caller, Command, NewItem, ObjectKind, ObjectSid, Payload, Reply, ServiceSid, Target,
};

const SERVICE: ServiceSid = ServiceSid::default_of(Sid::new(*b"AC", 1));
const CALLERS: usize = 64;
const COLD: usize = 100_000;

fn main() {
    let base = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let folder = base.join(format!("sinew-sync-{}", std::process::id()));
    throughput(&folder.join("throughput"));
    hold_times(&folder.join("hold"));
    let _ = std::fs::remove_dir_all(&folder);
}

fn store(folder: &Path) -> Arc<dyn Store> {
    let options = store_sqlite::Options::default();
    Arc::new(SqliteStore::open(folder, options, tables::ALL).expect("a store"))
}

fn command(action: Action) -> Command {
    Command { service: SERVICE, caller: Caller::System, action }
}

fn data(n: usize) -> Payload {
    let text = format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(200));
    Payload::parse(text).expect("an object")
}

fn create(kind: ObjectKind) -> Command {
    command(Action::CreateObject { kind, unique_name: None, data: None, ttl: None })
}

fn put(map: ObjectSid, n: usize) -> Command {
    let item = NewItem { data: data(n), ttl: None, collection_ttl: None };
    let (object, key) = (Target::of(map), format!("key {}", n % 10_000).into());
    command(Action::PutItem { object, key, item, if_match: None })
}

/// Durable item writes a second on one map, by many callers at once.
fn throughput(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let options = Options { clock: ClockKind::System, seed: Some(1), ..Options::default() };
        let host = Host::start(store(folder), &options).expect("an empty store");
        let made = host.sync(create(ObjectKind::Map)).await;
        let Ok(Reply::Object(map)) = made else { panic!("a map is made") };
        let (begin, length) = (Instant::now(), Duration::from_secs(5));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (host, map) = (host.clone(), map.sid);
                tokio::spawn(async move {
                    let mut written = 0;
                    while begin.elapsed() < length {
                        let write = put(map, caller + written * CALLERS);
                        host.sync(write).await.expect("it is written");
                        written += 1;
                    }
                    written
                })
            })
            .collect();
        let mut written = 0;
        for caller in callers {
            written += caller.await.expect("it ends");
        }
        let rate = written as f64 / begin.elapsed().as_secs_f64();
        println!("one map, {CALLERS} callers: {rate:.0} durable item writes a second");
        host.stop().await;
    });
}

/// How long a turn with one write takes: a hot document beside many cold ones.
fn hold_times(folder: &Path) {
    let store = store(folder);
    let outlets = Arc::new(Outlets::default());
    let mut committer = GroupCommitter::new(store.clone(), Arc::new(Health::default()));
    let id = "sync-0".into();
    let mut seat: Seat<SyncEngine> =
        Seat::new(id, store.clone(), outlets.clone(), IdSource::new(1));
    let mut settled = Settled::default();
    let mut turn = |commands: Vec<Command>| {
        let mut answers = Vec::new();
        let jobs: Vec<_> = commands
            .into_iter()
            .map(|command| {
                let (waiter, answer) = tokio::sync::oneshot::channel();
                answers.push(answer);
                Job::Command(Box::new(command), waiter)
            })
            .collect();
        let weather = Weather { now: Timestamp(1_767_225_600_000), trouble: None };
        let begin = Instant::now();
        let works = seat.turn(std::mem::take(&mut settled), jobs, &weather);
        let held = begin.elapsed();
        let (batches, rests) = Work::split(works);
        for (_, done) in deliver(committer.commit(batches), rests, &outlets) {
            settled.add(done);
        }
        committer.after(true);
        let replies: Vec<_> = answers.into_iter().map(|mut a| a.try_recv()).collect();
        (held, replies)
    };
    let mut cold = Vec::new();
    for _ in 0..COLD / 500 {
        let (_, replies) = turn((0..500).map(|_| create(ObjectKind::Document)).collect());
        cold.extend(replies.into_iter().map(|reply| match reply {
            Ok(Ok(Reply::Object(object))) => object.sid,
            other => panic!("{other:?}"),
        }));
    }
    let mut draws = base::Draws::new(7);
    let (mut hot, mut other) = (Vec::new(), Vec::new());
    for n in 0..10_000 {
        for (sid, times) in
            [(cold[0], &mut hot), (cold[draws.below(COLD as u64) as usize], &mut other)]
        {
            let (object, data) = (Target::of(sid), Some(data(n)));
            let update = Action::UpdateObject { object, data, ttl: None, if_match: None };
            times.push(turn(vec![command(update)]).0);
        }
    }
    print("hot document", hot);
    print("one of 100 000 cold documents", other);
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
    println!("a write holds its bucket ({what}): p50 {p50:?}, p99 {p99:?}, max {max:?}");
}
