//! How fast one object of sync takes durable writes, for how long one write holds its bucket and
//! what followers of one object cost writers of others, what a page of a million items costs, and
//! what a million objects at rest cost.
//!
//! `cargo run --release -p host --example sync -- [folder] [part]`, where a part is one of
//! throughput, sealed, hold, beside, pages and rest.

use base::{IdSource, Sid, Timestamp};
use host::{
    Bounds, ClockKind, Host, ItemRange, Options,
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
use store::{Direction, Store};
use store_sealed::{Key, Keys, SealedStore};
use store_sqlite::SqliteStore;
use sync::{
    Action, Caller, Command, ItemKey, NewItem, ObjectKind, ObjectSid, Payload, Reply, ServiceSid,
    Target,
};

const SERVICE: ServiceSid = ServiceSid::default_of(Sid::new(*b"AC", 1));
const CALLERS: usize = 64;
const COLD: usize = 100_000;
const ITEMS: usize = 1_000_000;
const OBJECTS: usize = 1_000_000;

fn main() {
    let base = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let folder = base.join(format!("sinew-sync-{}", std::process::id()));
    let only = std::env::args().nth(2);
    for (name, part) in PARTS {
        if only.as_deref().is_none_or(|only| only == *name) {
            part(&folder.join(name));
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
}

type Part = (&'static str, fn(&Path));

const PARTS: &[Part] = &[
    ("throughput", throughput),
    ("sealed", sealed),
    ("hold", hold_times),
    ("beside", beside),
    ("pages", pages),
    ("rest", at_rest),
];

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
    let rate = writes(store(folder));
    println!("one map, {CALLERS} callers: {rate:.0} durable item writes a second");
}

/// The same with and without a key, in turns.
fn sealed(folder: &Path) {
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..3 {
        for (which, rates) in rates.iter_mut().enumerate() {
            let folder = folder.join(format!("{round}-{which}"));
            let rate = writes(if which == 0 { store(&folder) } else { sealed_store(&folder) });
            rates.push(rate);
        }
    }
    let [plain, sealed] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        println!("{rates:.0?}");
        rates[rates.len() / 2]
    });
    let ratio = sealed / plain;
    println!("one map, {CALLERS} callers: {plain:.0} writes a second, {sealed:.0} with a key");
    println!("of those without a key: {ratio:.2}");
}

fn sealed_store(folder: &Path) -> Arc<dyn Store> {
    let tables: Vec<_> = tables::ALL.iter().copied().chain([&store_sealed::TABLE]).collect();
    let tables: &'static [_] = tables.leak();
    let options = store_sqlite::Options::default();
    let inner = SqliteStore::open(folder, options, tables).expect("a store");
    let key = Key::parse("measured", &"5e".repeat(32)).expect("a key");
    let keys = Keys::new(vec![key]).expect("one key").expect("one key");
    Arc::new(SealedStore::open(Arc::new(inner), keys, tables).expect("an empty store"))
}

fn writes(store: Arc<dyn Store>) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let options = Options { clock: ClockKind::System, seed: Some(1), ..Options::default() };
        let host = Host::start(store, &options).expect("an empty store");
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
        host.stop().await;
        rate
    })
}

/// How long a turn with one write takes: a hot document beside many cold ones.
fn hold_times(folder: &Path) {
    let mut desk = Desk::new(store(folder));
    let mut cold = Vec::new();
    for _ in 0..COLD / 500 {
        let (_, replies) = desk.turn((0..500).map(|_| create(ObjectKind::Document)).collect());
        cold.extend(replies.into_iter().map(|reply| match reply {
            Reply::Object(object) => object.sid,
            other => panic!("{other:?}"),
        }));
    }
    let mut draws = base::Draws::new(7);
    let (mut hot, mut other) = (Vec::new(), Vec::new());
    for n in 0..10_000 {
        for (sid, times) in
            [(cold[0], &mut hot), (cold[draws.below(COLD as u64) as usize], &mut other)]
        {
            times.push(desk.turn(vec![update(sid, n)]).0);
        }
    }
    print("a write to a hot document holds its bucket", hot);
    print("a write to one of 100 000 cold documents", other);
    let (entities, bytes) = desk.seat.engine().expect("it serves").bucket().in_memory();
    println!("in memory: {entities} entities, {bytes} bytes of values and keys");
}

/// How long a write to a cold document takes beside a hot one that is written 200 times a second,
/// with and without those who follow the hot one.
fn beside(folder: &Path) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let options = Options { clock: ClockKind::System, seed: Some(1), ..Options::default() };
        let host = Host::start(store(folder), &options).expect("an empty store");
        let (hot, cold) = (document(&host).await, document(&host).await);
        for followers in [0, 1_000, 0, 1_000] {
            let readers: Vec<_> = (0..followers).map(|_| read(&host, hot)).collect();
            let writer = tokio::spawn(write_often(host.clone(), hot));
            let mut times = Vec::new();
            for n in 0..4_000 {
                let begin = Instant::now();
                host.sync(update(cold, n)).await.expect("it is written");
                times.push(begin.elapsed());
            }
            print(&format!("a write beside a hot document that {followers} follow"), times);
            writer.abort();
            readers.iter().for_each(tokio::task::JoinHandle::abort);
        }
        host.stop().await;
    });
}

async fn document(host: &Host) -> ObjectSid {
    match host.sync(create(ObjectKind::Document)).await {
        Ok(Reply::Object(document)) => document.sid,
        other => panic!("{other:?}"),
    }
}

fn update(object: ObjectSid, n: usize) -> Command {
    let object = Target::of(object);
    command(Action::UpdateObject { object, data: Some(data(n)), ttl: None, if_match: None })
}

async fn write_often(host: Host, object: ObjectSid) {
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    for n in 0.. {
        pace.tick().await;
        host.sync(update(object, n)).await.expect("it is written");
    }
}

/// Follows a document and takes what comes, until it is ended.
fn read(host: &Host, object: ObjectSid) -> tokio::task::JoinHandle<()> {
    let mailbox = host.mailbox(None, 1 << 20);
    let known = host.sync_object(SERVICE, &Target::of(object)).expect("readable");
    host.follow(&mailbox, SERVICE, object, known.expect("it is there").event);
    tokio::spawn(async move {
        loop {
            mailbox.next().await;
        }
    })
}

/// What a page of 100 of a million items costs, wherever it begins.
fn pages(folder: &Path) {
    let store = store(folder);
    let mut desk = Desk::new(store.clone());
    let (_, mut replies) = desk.turn(vec![create(ObjectKind::List)]);
    let Some(Reply::Object(list)) = replies.pop() else { panic!("a list is made") };
    let push = |n| {
        let item = NewItem { data: data(n), ttl: None, collection_ttl: None };
        command(Action::AddItem { object: Target::of(list.sid), key: None, item })
    };
    let begin = Instant::now();
    for from in (0..ITEMS).step_by(1_000) {
        desk.turn((from..from + 1_000).map(push).collect());
    }
    println!("{ITEMS} items in {:.1?}", begin.elapsed());
    drop(desk);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let options = Options { clock: ClockKind::System, seed: Some(1), ..Options::default() };
        let host = Host::start(store, &options).expect("a store");
        let mut costs = Vec::new();
        for at in [0, ITEMS / 2, ITEMS - 200] {
            let mut times = Vec::new();
            let busy = processor_time();
            for n in 0..1_000 {
                let key = ItemKey::Index((at + n % 100) as u64);
                let bounds = [Bounds::Exclusive, Bounds::Inclusive][n % 2];
                let from = Some((key, bounds));
                let range = ItemRange { from, direction: Direction::Ascending, limit: 100 };
                let begin = Instant::now();
                let page = host.sync_items(list.sid, range).await.expect("readable");
                times.push(begin.elapsed());
                assert_eq!(page.len(), 100);
            }
            costs.push((processor_time() - busy) / times.len() as u32);
            print(&format!("a page of 100 behind item {at}"), times);
        }
        let ratio = costs[2].as_secs_f64() / costs[0].as_secs_f64();
        println!("processor time a page: {costs:?}, the last to the first {ratio:.2}");
        host.stop().await;
    });
}

/// What a million documents that nobody touches cost in memory and on disk.
fn at_rest(folder: &Path) {
    let shared = store(folder);
    let mut desk = Desk::new(shared.clone());
    let create = |n| {
        let data = Some(data(n));
        command(Action::CreateObject {
            kind: ObjectKind::Document,
            unique_name: None,
            data,
            ttl: None,
        })
    };
    let before = resident_mb();
    let mut last = None;
    for from in (0..OBJECTS).step_by(1_000) {
        let (_, mut replies) = desk.turn((from..from + 1_000).map(create).collect());
        last = replies.pop();
    }
    let (entities, bytes) = desk.seat.engine().expect("it serves").bucket().in_memory();
    println!(
        "{OBJECTS} documents made: resident {before} MB before and {} MB after; {entities} of \
         them in memory, {bytes} bytes of values and keys",
        resident_mb()
    );
    let (Some(Reply::Object(last)), false) = (last, entities == 0) else { panic!("there is one") };
    drop((desk, shared));
    let files = std::fs::read_dir(folder).expect("the store's folder");
    let sizes = files.filter_map(|file| file.ok()?.metadata().ok()).map(|file| file.len());
    println!("on disk: {} MB", sizes.sum::<u64>() >> 20);
    let before = resident_mb();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let options = Options { clock: ClockKind::System, seed: Some(1), ..Options::default() };
        let begin = Instant::now();
        let host = Host::start(store(folder), &options).expect("a store");
        let took = begin.elapsed();
        let found = host.sync_object(SERVICE, &Target::of(last.sid)).expect("readable");
        assert_eq!(found.map(|object| object.event), Some(last.event));
        println!(
            "started again in {took:.1?}: resident {before} MB before, {} MB after",
            resident_mb()
        );
        host.stop().await;
    });
}

/// What this process used of processors, in all its threads.
fn processor_time() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux tells of threads");
    let texts = threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok());
    let ns = texts.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok());
    Duration::from_nanos(ns.sum())
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells of memory");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("kilobytes") >> 10
}

/// A bucket and a committer, one turn after the other.
struct Desk {
    seat: Seat<SyncEngine>,
    settled: Settled,
    committer: GroupCommitter,
    outlets: Arc<Outlets>,
}

impl Desk {
    fn new(store: Arc<dyn Store>) -> Self {
        let outlets = Arc::new(Outlets::default());
        let committer = GroupCommitter::new(store.clone(), Arc::new(Health::default()));
        let seat = Seat::new("sync-0".into(), store, outlets.clone(), IdSource::new(1));
        Self { seat, settled: Settled::default(), committer, outlets }
    }

    /// How long the bucket was held, and what was answered once it was durable.
    fn turn(&mut self, commands: Vec<Command>) -> (Duration, Vec<Reply>) {
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
        let works = self.seat.turn(std::mem::take(&mut self.settled), jobs, &weather);
        let held = begin.elapsed();
        let (batches, rests) = Work::split(works);
        for (_, done) in deliver(self.committer.commit(batches), rests, &self.outlets) {
            self.settled.add(done);
        }
        self.committer.after(true);
        let replies = answers.into_iter().map(|mut answer| match answer.try_recv() {
            Ok(Ok(reply)) => reply,
            other => panic!("{other:?}"),
        });
        (held, replies.collect())
    }
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
    println!("{what}: p50 {p50:?}, p99 {p99:?}, max {max:?}");
}
