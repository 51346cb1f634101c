//! What looking at sync costs: pages and searches of a map of 100 000 items, its history, an
//! earlier moment of it, and what counting heat costs everybody.
//!
//! `cargo run --release -p host --example inspect -- [folder]`

use base::{Millis, Sid, Timestamp};
use host::{Bounds, ClockKind, HistoryRange, Host, ItemRange, ItemSearch, Options, tables};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use store::Direction;
use store_sqlite::SqliteStore;
use sync::{
    Action, Caller, Command, ItemKey, NewItem, ObjectKind, ObjectSid, Payload, Reply, ServiceSid,
    Target,
};

const SERVICE: ServiceSid = ServiceSid::default_of(Sid::new(*b"AC", 1));
const ITEMS: usize = 100_000;
const CHANGED: usize = 2_000;

fn main() {
    let base = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let folder = base.join(format!("sinew-inspect-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let options = store_sqlite::Options::default();
        let store = SqliteStore::open(&folder, options, tables::ALL).expect("a store");
        let options = Options { clock: ClockKind::System, seed: Some(1), ..Options::default() };
        let host = Host::start(Arc::new(store), &options).expect("an empty store");
        look(&host).await;
        heat(&host).await;
        host.stop().await;
    });
    let _ = std::fs::remove_dir_all(&folder);
}

fn put(map: ObjectSid, n: usize) -> Command {
    let text = format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(200));
    let data = Payload::parse(text).expect("an object");
    let item = NewItem { data, ttl: None, collection_ttl: None };
    let (object, key) = (Target::of(map), key(n % ITEMS));
    let action = Action::PutItem { object, key, item, if_match: None };
    Command { service: SERVICE, caller: Caller::System, action }
}

fn key(n: usize) -> Arc<str> {
    format!("key {n:06}").into()
}

/// Many at once, as callers write.
async fn fill(host: &Host, map: ObjectSid, numbers: std::ops::Range<usize>) {
    let numbers: Vec<usize> = numbers.collect();
    for some in numbers.chunks(500) {
        let mut writes = tokio::task::JoinSet::new();
        for n in some {
            let (host, command) = (host.clone(), put(map, *n));
            writes.spawn(async move { host.sync(command).await });
        }
        for written in writes.join_all().await {
            assert!(matches!(written, Ok(Reply::Item { .. })), "an item is written");
        }
    }
}

async fn look(host: &Host) {
    let made =
        Action::CreateObject { kind: ObjectKind::Map, unique_name: None, data: None, ttl: None };
    let made = host.sync(Command { service: SERVICE, caller: Caller::System, action: made }).await;
    let Ok(Reply::Object(map)) = made else { panic!("a map is made") };
    fill(host, map.sid, 0..ITEMS).await;
    let before = host.now();
    tokio::time::sleep(Duration::from_millis(5)).await;
    fill(host, map.sid, 0..CHANGED).await;

    for at in [0, ITEMS / 2, ITEMS - 200] {
        let mut times = Vec::new();
        for _ in 0..300 {
            let search = ItemSearch { range: range(at), holds: None };
            let begin = Instant::now();
            let page = host.sync_search_items(map.sid, search).await.expect("readable");
            times.push(begin.elapsed());
            assert_eq!(page.found.len(), 100);
        }
        print(&format!("a page of 100 from item {at}"), times);
    }
    let (mut times, mut looked) = (Vec::new(), 0);
    let mut next = None;
    loop {
        let from = next.map(|key| (key, Bounds::Exclusive));
        let search =
            ItemSearch { range: ItemRange { from, ..range(0) }, holds: Some("nowhere".into()) };
        let begin = Instant::now();
        let searched = host.sync_search_items(map.sid, search).await.expect("readable");
        times.push(begin.elapsed());
        looked += 1;
        next = searched.next;
        if next.is_none() {
            break;
        }
    }
    print(&format!("a search that finds nothing, {looked} calls"), times);
    past(host, map.sid, before).await;
}

async fn past(host: &Host, map: ObjectSid, before: Timestamp) {
    let (mut latest, mut oldest, mut moments) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..30 {
        let newest = HistoryRange { item: None, before: None, limit: 50 };
        let begin = Instant::now();
        let page = host.sync_history(SERVICE, map, newest).await.expect("a history");
        latest.push(begin.elapsed());
        assert_eq!(page.entries.len(), 50);
        let of_item = HistoryRange { item: Some(ItemKey::Key(key(7))), before: None, limit: 50 };
        let begin = Instant::now();
        let page = host.sync_history(SERVICE, map, of_item).await.expect("a history");
        oldest.push(begin.elapsed());
        assert_eq!((page.entries.len(), page.next), (2, None));
        let begin = Instant::now();
        let then = host.sync_then(SERVICE, map, (before, range(0))).await.expect("a past");
        moments.push(begin.elapsed());
        assert_eq!((then.object.event, then.items.len()), (ITEMS as u64, 100));
    }
    print("the newest 50 of the history", latest);
    print(&format!("the whole history of one item, {} changes back", ITEMS + CHANGED), oldest);
    print(&format!("a page of the moment before {CHANGED} changes"), moments);
}

fn range(at: usize) -> ItemRange {
    let from = Some((ItemKey::Key(key(at)), Bounds::Inclusive));
    ItemRange { from, direction: Direction::Ascending, limit: 100 }
}

/// Counting a read, of one object and of a million.
async fn heat(host: &Host) {
    const READS: u32 = 1_000_000;
    let of = |n: u32| ObjectSid::new(ObjectKind::Map, u128::from(n) << 64 | u128::from(n));
    for (name, many) in [("one object", 1), ("3 000 objects", 3_000), ("a million", READS)] {
        let begin = Instant::now();
        for n in 0..READS {
            host.sync_was_read(SERVICE, of(n % many));
        }
        println!("counting a read of {name}: {:?}", begin.elapsed() / READS);
    }
    let begin = Instant::now();
    let hottest = host.sync_hottest(SERVICE, Millis(60_000), 50).await.expect("readable");
    println!("the hottest {} of them: {:?}", hottest.len(), begin.elapsed());
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    println!("{what}: p50 {:?}, p99 {:?}, max {:?}", at(50), at(99), at(100));
}
