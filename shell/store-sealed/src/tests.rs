//! The suite through a sealed store, keys that come and go, and what the inner store is handed.

use super::*;
use base::Timestamp;
use std::{
    path::{Path, PathBuf},
    sync::atomic::AtomicUsize,
};
use store::{
    Batch, Column, Forget, MemoryStore, RowContent, RowWrite, StoredChange, Upkeep, conformance,
};
use store_sqlite::SqliteStore;

const PLANTED: &str = "planted-value";

static LETTER: Table = Table {
    name: "letter",
    columns: &[
        Column { name: "sender", kind: ColumnKind::Text, changes: true },
        Column { name: "data", kind: ColumnKind::Payload, changes: true },
    ],
    indexes: &[&["sender"]],
    live: None,
};

static NOTE: Table = Table { name: "note", columns: &[], indexes: &[], live: None };

static TABLES: &[&Table] = &[&LETTER, &NOTE, &TABLE];

fn key(id: &str) -> Key {
    let byte = id.bytes().fold(7, |sum: u8, byte| sum.wrapping_mul(31).wrapping_add(byte));
    Key::parse(id, &format!("{byte:02x}").repeat(32)).unwrap()
}

/// Keys, newest first.
fn keys(ids: &[&str]) -> Keys {
    Keys::new(ids.iter().map(|id| key(id)).collect()).unwrap().unwrap()
}

fn open(inner: &MemoryStore, ids: &[&str]) -> Result<SealedStore, SealError> {
    SealedStore::open(Arc::new(inner.clone()), keys(ids), TABLES)
}

fn letter(n: u64) -> RowWrite {
    let text = format!("{{\"text\":\"{PLANTED} {n}\"}}");
    let content = RowContent { values: vec!["Ann".into(), text.as_str().into()], body: text };
    RowWrite { table: &LETTER, key: format!("L{n:04}").into(), content: Some(content) }
}

fn note(key: &str, body: &str) -> RowWrite {
    let content = Some(RowContent { values: Vec::new(), body: body.to_owned() });
    RowWrite { table: &NOTE, key: key.into(), content }
}

/// A batch with one change and one letter.
fn batch(partition: &str, epoch: u64, n: u64) -> Batch {
    let body = format!("{{\"said\":\"{PLANTED} {n}\"}}");
    Batch {
        partition: partition.into(),
        kind: "test",
        epoch,
        first: n,
        at: Timestamp(1),
        changes: vec![StoredChange { kind: "Said", body }],
        rows: vec![letter(n)],
    }
}

/// Everything that a store answers.
fn all(store: &dyn Store) -> (Vec<Row>, Vec<(PartitionName, Vec<Entry>)>) {
    let mut rows = Vec::new();
    for table in [&LETTER, &NOTE] {
        rows.extend(store.scan(&Scan::all(table)).unwrap());
    }
    let partitions = store.partitions().unwrap();
    let journal = |p: &Partition| store.journal(&p.id, 0, usize::MAX).unwrap();
    (rows, partitions.iter().map(|p| (p.id.to_string(), journal(p))).collect())
}

type PartitionName = String;

/// Every text that the inner store holds.
fn texts(inner: &dyn Store) -> Vec<String> {
    let (rows, journals) = all(inner);
    let columns = |row: Row| {
        let values = row.values.into_iter().filter_map(|value| match value {
            Value::Text(text) => Some(text.to_string()),
            Value::Null | Value::Int(_) => None,
        });
        values.chain([row.body]).collect::<Vec<_>>()
    };
    let entries = journals.into_iter().flat_map(|(_, entries)| entries);
    rows.into_iter().flat_map(columns).chain(entries.map(|entry| entry.body)).collect()
}

fn tend(committer: &mut dyn Committer) {
    let ends = (0..100_000).any(|_| committer.tend() == Ok(Upkeep::Done));
    assert!(ends, "upkeep ends");
}

fn in_use(inner: &dyn Store) -> State {
    State::read(inner).unwrap()
}

/// The suite's tables and ours.
fn with_marks(tables: &'static [&'static Table]) -> &'static [&'static Table] {
    tables.iter().copied().chain([&TABLE]).collect::<Vec<_>>().leak()
}

#[test]
fn sealed_memory_passes_the_suite() {
    conformance::run(|tables| {
        SealedStore::open(Arc::new(MemoryStore::new()), keys(&["a"]), with_marks(tables)).unwrap()
    });
}

#[test]
fn sealed_sqlite_passes_the_suite() {
    let folders = std::cell::RefCell::new(Vec::new());
    conformance::run(|tables| {
        let (folder, tables) = (Folder::new(), with_marks(tables));
        let inner = sqlite(&folder.0, tables);
        folders.borrow_mut().push(folder);
        SealedStore::open(Arc::new(inner), keys(&["a"]), tables).unwrap()
    });
}

#[test]
fn the_inner_store_is_handed_nothing_that_customers_wrote() {
    let inner = MemoryStore::new();
    let store = open(&inner, &["a"]).unwrap();
    let mut committer = store.committer();
    committer.commit(&[batch("P", 1, 1), batch("Q", 1, 1)]).unwrap();
    let kept = vec![letter(7), note("n", PLANTED)];
    let forget = Forget { partition: "P".into(), rows: vec![], journal_through: 0, kept };
    committer.forget(&forget).unwrap();
    let texts = texts(&inner);
    assert!(texts.len() >= 3 * 3 + 1 + 2);
    assert!(texts.iter().all(|text| !text.contains(PLANTED)), "{texts:?}");
    assert!(texts.iter().all(|text| text == "Ann" || text.starts_with("~1:a:")), "{texts:?}");
    let found = store.row(&LETTER, "P", "L0007").unwrap().unwrap();
    assert!(found.body.contains(PLANTED));
}

#[test]
fn a_body_that_holds_nothing_is_left_as_it_is() {
    let inner = MemoryStore::new();
    let store = open(&inner, &["a"]).unwrap();
    let mut first = batch("P", 1, 1);
    first.rows = vec![note("a", ""), note("b", "{}"), note("c", "[]")];
    store.committer().commit(&[first]).unwrap();
    let bodies = |store: &dyn Store| -> Vec<String> {
        store.scan(&Scan::all(&NOTE)).unwrap().into_iter().map(|row| row.body).collect()
    };
    assert_eq!(bodies(&store), ["", "{}", "[]"]);
    assert_eq!(bodies(&inner)[..2], ["", "{}"]);
    assert!(bodies(&inner)[2].starts_with("~1:a:"));
}

#[test]
fn without_its_key_or_with_another_a_store_is_not_opened_and_not_changed() {
    let inner = MemoryStore::new();
    open(&inner, &["a"]).unwrap().committer().commit(&[batch("P", 1, 1)]).unwrap();
    let before = (all(&inner), in_use(&inner));
    let missing = SealError::Missing { ids: vec!["a".to_owned()] };
    assert_eq!(open(&inner, &["b"]).unwrap_err(), missing);
    assert_eq!(expect_plain(&inner).unwrap_err(), missing);
    assert!(missing.to_string().contains("key 'a'"), "{missing}");
    let other = Key::parse("a", &"42".repeat(32)).unwrap();
    for others in [vec![other.clone()], vec![key("b"), other]] {
        let others = Keys::new(others).unwrap().unwrap();
        let wrong = SealedStore::open(Arc::new(inner.clone()), others, TABLES).unwrap_err();
        assert_eq!(wrong, SealError::Wrong { id: "a".to_owned() });
    }
    assert_eq!((all(&inner), in_use(&inner)), before);
    assert!(open(&inner, &["a"]).is_ok());
}

#[test]
fn after_a_new_key_old_texts_are_read_and_upkeep_ends_with_the_old_key_unused() {
    let inner = MemoryStore::new();
    let mut committer = open(&inner, &["a"]).unwrap().committer();
    for n in 1..=300 {
        committer.commit(&[batch("P", 1, n), batch("Q", 1, n)]).unwrap();
    }
    drop(committer);
    let before = all(&open(&inner, &["a"]).unwrap());

    let store = open(&inner, &["b", "a"]).unwrap();
    assert_eq!(all(&store), before);
    assert_eq!(in_use(&inner).keys, ["a", "b"]);
    let mut committer = store.committer();
    committer.commit(&[batch("P", 1, 301)]).unwrap();
    let sealed = inner.row(&LETTER, "P", "L0301").unwrap().unwrap().body;
    assert!(sealed.starts_with("~1:b:"), "new texts are under the new key");
    assert_eq!(committer.tend(), Ok(Upkeep::More), "a little at a time");
    tend(&mut *committer);
    assert_eq!(in_use(&inner).keys, ["b"]);
    assert!(texts(&inner).iter().all(|text| text == "Ann" || text.starts_with("~1:b:")));
    drop((committer, store));

    let store = open(&inner, &["b"]).unwrap();
    let mut after = all(&store);
    assert_eq!(after.0.len(), before.0.len() + 1);
    after.0.retain(|row| &*row.key != "L0301");
    after.1[0].1.pop();
    assert_eq!(after, before);
    assert!(open(&inner, &["a"]).is_err());
}

#[test]
fn a_plain_store_is_enciphered_behind_a_first_key() {
    let inner = MemoryStore::new();
    for n in 1..=200 {
        inner.committer().commit(&[batch("P", n, n)]).unwrap();
    }
    let before = all(&inner);
    assert_eq!(expect_plain(&inner), Ok(()));

    let store = open(&inner, &["a"]).unwrap();
    assert!(in_use(&inner).has_plain && in_use(&inner).has_remains);
    assert_eq!(all(&store), before, "plain texts are read as they are");
    tend(&mut *store.committer());
    assert_eq!(all(&store), before);
    assert!(texts(&inner).iter().all(|text| text == "Ann" || text.starts_with("~1:a:")));
    let state = in_use(&inner);
    assert!(!state.has_plain && state.has_remains);
    assert_eq!(forget_remains(&inner), Ok(true));
    assert!(!in_use(&inner).has_remains);
}

#[test]
fn upkeep_that_was_cut_short_goes_on_under_whatever_keys() {
    let inner = MemoryStore::new();
    for n in 1..=300 {
        inner.committer().commit(&[batch("P", n, n)]).unwrap();
    }
    let before = all(&inner);
    for ids in [&["a"][..], &["b", "a"], &["c", "b", "a"], &["a", "b", "c"]] {
        let store = open(&inner, ids).unwrap();
        let mut committer = store.committer();
        for _ in 0..4 {
            assert_eq!(committer.tend(), Ok(Upkeep::More));
        }
        assert_eq!(all(&store), before);
    }
    assert_eq!(in_use(&inner).keys, ["a", "b", "c"]);
    let store = open(&inner, &["a", "c", "b"]).unwrap();
    tend(&mut *store.committer());
    assert_eq!((all(&store), in_use(&inner).keys), (before, vec!["a".to_owned()]));
}

#[test]
fn texts_that_were_moved_changed_or_put_there_plain_are_not_read() {
    let inner = MemoryStore::new();
    let store = open(&inner, &["a"]).unwrap();
    let mut committer = store.committer();
    committer.commit(&[batch("P", 1, 1), batch("P", 1, 2)]).unwrap();
    tend(&mut *committer);
    drop(committer);
    let sealed = inner.row(&LETTER, "P", "L0001").unwrap().unwrap();
    let content = |values, body| Some(RowContent { values, body });
    let swapped = sealed.body.clone();
    let from_column = match &sealed.values[1] {
        Value::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    };
    for body in [swapped, from_column, format!("{{\"text\":\"{PLANTED}\"}}")] {
        let own = inner.row(&LETTER, "P", "L0002").unwrap().unwrap();
        let row = content(own.values.clone(), body);
        let row = RowWrite { table: &LETTER, key: "L0002".into(), content: row };
        let kept = vec![row];
        let forget = Forget { partition: "P".into(), rows: vec![], journal_through: 0, kept };
        inner.committer().forget(&forget).unwrap();
        let refused = store.row(&LETTER, "P", "L0002").unwrap_err().to_string();
        assert!(refused.contains("row of table letter") && !refused.contains(PLANTED), "{refused}");
        assert!(store.scan(&Scan::all(&LETTER)).is_err());
    }
    assert!(store.row(&LETTER, "P", "L0001").is_ok(), "others are read");

    let store = open(&inner, &["b", "a"]).unwrap();
    tend(&mut *store.committer());
    assert_eq!(in_use(&inner).keys, ["a", "b"], "the old key stays as long as something needs it");
    let found = survey(&inner, Some(&keys(&["b", "a"])), TABLES).unwrap().total();
    assert_eq!((found.plain, found.by_key["a"]), (1, 1), "{found:?}");
}

#[test]
fn what_was_committed_reads_the_same_as_without_keys_whatever_happens_to_them() {
    let (plain, inner) = (MemoryStore::new(), MemoryStore::new());
    let mut draws = base::Draws::new(11);
    let mut ids = vec!["k0".to_owned()];
    let mut n = [0_u64; 2];
    for round in 1..60_u64 {
        if draws.below(3) == 0 {
            ids.insert(0, format!("k{round}"));
        }
        // The oldest keys go once nothing needs them.
        let needed = in_use(&inner).keys;
        ids.retain(|id| needed.contains(id) || draws.below(2) == 0);
        if ids.is_empty() {
            ids.push(format!("k{round}"));
        }
        let given: Vec<&str> = ids.iter().map(String::as_str).collect();
        let store = open(&inner, &given).unwrap();
        let (mut sealed, mut bare) = (store.committer(), plain.committer());
        for _ in 0..draws.below(40) {
            let which = usize::try_from(draws.below(2)).unwrap();
            n[which] += 1;
            let mut group = [batch(["P", "Q"][which], round, n[which])];
            if draws.below(4) == 0 {
                let key = format!("L{:04}", draws.below(n[which]) + 1);
                group[0].rows.push(RowWrite { table: &LETTER, key: key.into(), content: None });
            }
            assert_eq!(sealed.commit(&group), bare.commit(&group));
            if draws.below(3) == 0 {
                sealed.tend().unwrap();
            }
        }
        if draws.below(2) == 0 {
            tend(&mut *sealed);
            assert_eq!(in_use(&inner).keys, [given[0]]);
        }
        assert_eq!(all(&store), all(&plain));
    }
    assert!(texts(&inner).iter().all(|text| text == "Ann" || text.starts_with("~1:")));
}

#[test]
fn readers_beside_upkeep_see_everything_all_the_time() {
    let folder = Folder::new();
    let inner = Arc::new(sqlite(&folder.0, TABLES));
    let rows =
        |n| Batch { rows: (n..n + 50).map(letter).collect(), ..batch("P", n, n.div_ceil(50)) };
    for n in (1..2_000).step_by(50) {
        inner.committer().commit(&[rows(n)]).unwrap();
    }
    let store = SealedStore::open(inner.clone(), keys(&["b"]), TABLES).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut looks = 0;
            while !is_done.load(Ordering::Acquire) || looks == 0 {
                let rows = store.scan(&Scan::all(&LETTER)).unwrap();
                assert_eq!(rows.len(), 2_000);
                assert!(rows.iter().all(|row| row.body.contains(PLANTED)));
                looks += 1;
            }
        });
        tend(&mut *store.committer());
        is_done.store(true, Ordering::Release);
    });
    assert_eq!(survey(&*inner, None, TABLES).unwrap().total().plain, 0);
}

/// The file and the log, byte for byte: behind a compaction what was there before is gone too.
#[test]
fn no_file_holds_what_was_written_over() {
    let folder = Folder::new();
    let large = format!("{{\"text\":\"{}\"}}", format!("{PLANTED} ").repeat(2_000));
    let write = |store: &dyn Store, n| {
        let mut one = batch("P", n, n);
        one.rows.push(note("large", &large));
        store.committer().commit(&[one]).unwrap();
    };
    let inner = sqlite(&folder.0, TABLES);
    (1..=50).for_each(|n| write(&inner, n));
    assert!(files_hold(&folder.0, PLANTED));
    drop(inner);

    let inner = Arc::new(sqlite(&folder.0, TABLES));
    let store = SealedStore::open(inner.clone(), keys(&["a"]), TABLES).unwrap();
    tend(&mut *store.committer());
    drop(store);
    inner.compact().unwrap();
    assert_eq!(forget_remains(&*inner), Ok(true));
    assert!(!files_hold(&folder.0, PLANTED), "before the store is closed");
    assert!(files_hold(&folder.0, "~1:a:"));

    let store = SealedStore::open(inner.clone(), keys(&["b", "a"]), TABLES).unwrap();
    (51..=60).for_each(|n| write(&store, n));
    assert!(!files_hold(&folder.0, PLANTED), "half of it under one key, half under another");
    assert_eq!(forget_remains(&*inner), Ok(false), "something will be left of the old key");
    tend(&mut *store.committer());
    assert_eq!((in_use(&*inner).keys, in_use(&*inner).has_remains), (vec!["b".to_owned()], true));
    assert!(!files_hold(&folder.0, PLANTED));
    assert_eq!(all(&store).0.len(), 61);
    drop(store);
    inner.compact().unwrap();
    assert_eq!(forget_remains(&*inner), Ok(true));
    assert!(!files_hold(&folder.0, "~1:a:"), "nothing is left under the old key");
    assert!(files_hold(&folder.0, "~1:b:") && !in_use(&*inner).has_remains);
}

fn sqlite(folder: &Path, tables: &'static [&'static Table]) -> SqliteStore {
    SqliteStore::open(folder, store_sqlite::Options::default(), tables).unwrap()
}

fn files_hold(folder: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(folder).unwrap();
    let contents = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    contents.into_iter().any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
}

/// A folder that is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sinew-sealed-{}-{n}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
