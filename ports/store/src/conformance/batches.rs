//! Checks: what a batch leaves behind.

use super::{
    Check,
    data::{ALPHA, BETA, JOB, NOTE, batch, change_body, job, last, note, read_note, removed},
};
use crate::{Entry, Partition, Row, Store, Value};
use base::Timestamp;
use std::{sync::Arc, thread};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "an empty store knows nothing", run: an_empty_store_knows_nothing },
    Check { name: "a batch is found again whole", run: a_batch_is_found_again_whole },
    Check { name: "numbers go on within and over groups", run: numbers_go_on },
    Check { name: "a group may hold several partitions", run: several_partitions },
    Check { name: "of several writes of a row the last holds", run: the_last_write_holds },
    Check { name: "an update changes only what can change", run: an_update_changes_what_can },
    Check { name: "removed rows are gone and may return", run: removed_rows_are_gone },
    Check { name: "a key belongs to its partition", run: a_key_belongs_to_its_partition },
    Check { name: "an empty batch writes nothing", run: an_empty_batch_writes_nothing },
    Check { name: "rows need no change", run: rows_need_no_change },
    Check { name: "the journal is read in pages", run: the_journal_is_read_in_pages },
    Check { name: "partitions keep their first kind", run: partitions_keep_their_first_kind },
    Check { name: "texts and numbers stay as they are", run: texts_and_numbers_stay },
    Check { name: "a large row stays as it is", run: a_large_row_stays },
    Check { name: "a reader sees whole groups", run: a_reader_sees_whole_groups },
];

fn values(status: &str) -> [Value; 5] {
    ["q1".into(), 7.into(), status.into(), 3.into(), true.into()]
}

fn an_empty_store_knows_nothing(store: &dyn Store) {
    assert_eq!(store.partitions(), Ok(vec![]));
    assert_eq!(store.row(&JOB, ALPHA, "k"), Ok(None));
    assert_eq!(store.scan(&crate::Scan::all(&JOB)), Ok(vec![]));
    assert_eq!(store.journal(ALPHA, 0, 10), Ok(vec![]));
}

fn a_batch_is_found_again_whole(store: &dyn Store) {
    let whole = batch(ALPHA, 1, 1).changes(2).row(job("j1", values("open"), "{\"a\":1}"));
    store.committer().commit(&[whole]).expect("it follows");

    let row = Row {
        partition: ALPHA.into(),
        key: "j1".into(),
        values: values("open").to_vec(),
        body: "{\"a\":1}".into(),
    };
    assert_eq!(store.row(&JOB, ALPHA, "j1"), Ok(Some(row.clone())));
    assert_eq!(store.scan(&crate::Scan::of(&JOB, ALPHA.into())), Ok(vec![row]));
    let entry =
        |seq| Entry { seq, at: Timestamp(1001), kind: "Changed".into(), body: change_body(seq) };
    assert_eq!(store.journal(ALPHA, 0, 10), Ok(vec![entry(1), entry(2)]));
    let partition =
        Partition { id: ALPHA.into(), kind: "routing".into(), last: 2, at: Timestamp(1001) };
    assert_eq!(store.partitions(), Ok(vec![partition]));
}

fn numbers_go_on(store: &dyn Store) {
    let mut committer = store.committer();
    let first = [batch(ALPHA, 1, 1).changes(2), batch(ALPHA, 1, 3).changes(1)];
    committer.commit(&first).expect("each follows the one before");
    committer.after(true);
    committer.commit(&[batch(ALPHA, 1, 4).changes(1)]).expect("it follows the group before");
    committer.after(false);
    assert_eq!(last(store, ALPHA), 4);
    let entries = store.journal(ALPHA, 0, 10).expect("readable");
    assert_eq!(entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(entries.iter().map(|e| e.at.0).collect::<Vec<_>>(), [1001, 1001, 1003, 1004]);
}

fn several_partitions(store: &dyn Store) {
    let alpha = batch(ALPHA, 3, 1).changes(1).row(note("n", "of alpha"));
    let beta = batch(BETA, 1, 1).changes(2).row(note("n", "of beta"));
    let more = batch(ALPHA, 3, 2).changes(1);
    store.committer().commit(&[alpha, beta, more]).expect("each follows its own partition");
    assert_eq!((last(store, ALPHA), last(store, BETA)), (2, 2));
    assert_eq!(read_note(store, ALPHA, "n").as_deref(), Some("of alpha"));
    assert_eq!(read_note(store, BETA, "n").as_deref(), Some("of beta"));
}

fn the_last_write_holds(store: &dyn Store) {
    let first = batch(ALPHA, 1, 1).changes(1).row(note("a", "1")).row(note("a", "2"));
    let first = first.row(note("b", "1")).row(removed(&NOTE, "b"));
    let second = batch(ALPHA, 1, 2).changes(1).row(note("a", "3")).row(removed(&NOTE, "c"));
    let second = second.row(note("c", "1"));
    store.committer().commit(&[first, second]).expect("it follows");
    assert_eq!(read_note(store, ALPHA, "a").as_deref(), Some("3"));
    assert_eq!(read_note(store, ALPHA, "b"), None);
    assert_eq!(read_note(store, ALPHA, "c").as_deref(), Some("1"));
}

fn an_update_changes_what_can(store: &dyn Store) {
    let mut committer = store.committer();
    let made = batch(ALPHA, 1, 1).changes(1).row(job("j", values("open"), "{}"));
    committer.commit(&[made]).expect("it follows");
    let opens = [Value::Int(1), Value::Int(0), Value::Int(0), Value::Int(1), Value::Null];
    for (seq, open) in (2..).zip(opens) {
        let (status, priority) = (Value::from("next"), Value::Int(seq));
        let body = format!("{{\"version\":{seq}}}");
        let other = ["q2".into(), 8.into(), status.clone(), priority.clone(), open.clone()];
        let changed = batch(ALPHA, 1, seq.unsigned_abs()).changes(1).row(job("j", other, &body));
        committer.commit(&[changed]).expect("it follows");
        let row = store.row(&JOB, ALPHA, "j").expect("readable").expect("there");
        assert_eq!(row.values, ["q1".into(), 7.into(), status, priority, open]);
        assert_eq!(row.body, body);
    }
    assert_eq!(store.scan(&crate::Scan::all(&JOB)).map(|rows| rows.len()), Ok(1));
}

fn removed_rows_are_gone(store: &dyn Store) {
    let mut committer = store.committer();
    let made = batch(ALPHA, 1, 1).changes(1).row(job("j", values("open"), "{}"));
    committer.commit(&[made.row(note("n", "1"))]).expect("it follows");
    let gone = batch(ALPHA, 1, 2).changes(1).row(removed(&JOB, "j")).row(removed(&JOB, "none"));
    committer.commit(&[gone]).expect("it follows");
    assert_eq!(store.row(&JOB, ALPHA, "j"), Ok(None));
    assert_eq!(store.scan(&crate::Scan::all(&JOB)), Ok(vec![]));
    assert_eq!(read_note(store, ALPHA, "n").as_deref(), Some("1"));
    let other = ["q2".into(), 8.into(), "again".into(), 1.into(), Value::Null];
    let again = batch(ALPHA, 1, 3).changes(1).row(job("j", other.clone(), "{}"));
    committer.commit(&[again]).expect("it follows");
    let row = store.row(&JOB, ALPHA, "j").expect("readable").expect("there");
    assert_eq!(row.values, other, "nothing of the removed row is left");
}

fn a_key_belongs_to_its_partition(store: &dyn Store) {
    let mut committer = store.committer();
    let both = [ALPHA, BETA].map(|p| batch(p, 1, 1).changes(1).row(note("n", p)));
    committer.commit(&both).expect("it follows");
    let gone = batch(ALPHA, 1, 2).changes(1).row(removed(&NOTE, "n"));
    committer.commit(&[gone]).expect("it follows");
    assert_eq!(read_note(store, ALPHA, "n"), None);
    assert_eq!(read_note(store, BETA, "n").as_deref(), Some(BETA));
    assert_eq!(store.row(&NOTE, "WSgamma", "n"), Ok(None));
}

fn an_empty_batch_writes_nothing(store: &dyn Store) {
    let mut committer = store.committer();
    committer.commit(&[]).expect("no batch at all is fine");
    committer.commit(&[batch(ALPHA, 1, 1)]).expect("it follows");
    assert_eq!(store.partitions(), Ok(vec![]));
    let around = [batch(ALPHA, 1, 1), batch(ALPHA, 1, 1).changes(1), batch(ALPHA, 1, 2)];
    committer.commit(&around).expect("an empty batch takes no number");
    assert_eq!(last(store, ALPHA), 1);
    assert!(committer.commit(&[batch(ALPHA, 1, 1)]).is_err(), "but it must follow");
}

fn rows_need_no_change(store: &dyn Store) {
    let mut committer = store.committer();
    committer.commit(&[batch(ALPHA, 1, 1).row(note("n", "1"))]).expect("it follows");
    let known =
        Partition { id: ALPHA.into(), kind: "routing".into(), last: 0, at: Timestamp(1001) };
    assert_eq!(store.partitions(), Ok(vec![known]));
    committer.commit(&[batch(ALPHA, 1, 1).row(note("n", "2")).changes(1)]).expect("it follows");
    assert_eq!(read_note(store, ALPHA, "n").as_deref(), Some("2"));
    assert_eq!(last(store, ALPHA), 1);
}

fn the_journal_is_read_in_pages(store: &dyn Store) {
    let other = batch(BETA, 1, 1).changes(4);
    store.committer().commit(&[batch(ALPHA, 1, 1).changes(10), other]).expect("it follows");
    let numbers = |after, limit| -> Vec<u64> {
        let entries = store.journal(ALPHA, after, limit).expect("readable");
        entries.iter().map(|e| e.seq).collect()
    };
    assert_eq!(numbers(0, 3), [1, 2, 3]);
    assert_eq!(numbers(3, 4), [4, 5, 6, 7]);
    assert_eq!(numbers(7, usize::MAX), [8, 9, 10]);
    assert_eq!(numbers(10, 5), [0; 0]);
    assert_eq!(numbers(u64::MAX, 5), [0; 0]);
    assert_eq!(numbers(0, 0), [0; 0]);
}

fn partitions_keep_their_first_kind(store: &dyn Store) {
    let mut committer = store.committer();
    let beta = batch(BETA, 1, 1).changes(1);
    let alpha = crate::Batch { kind: "access", ..batch(ALPHA, 1, 1).changes(1) };
    committer.commit(&[beta, alpha]).expect("it follows");
    committer.commit(&[batch(ALPHA, 1, 2).changes(1)]).expect("it follows");
    committer.commit(&[batch(ALPHA, 1, 3).row(note("n", "later"))]).expect("it follows");
    let partitions = store.partitions().expect("readable");
    let seen: Vec<_> = partitions.iter().map(|p| (&*p.id, &*p.kind, p.last, p.at.0)).collect();
    assert_eq!(seen, [(ALPHA, "access", 2, 1002), (BETA, "routing", 1, 1001)]);
}

fn texts_and_numbers_stay(store: &dyn Store) {
    let texts = ["", "'", "\"; DROP TABLE job; --", "a\0b", "äöü 😀 \u{10ffff}", "\r\n\t ", "007"];
    let ints = [i64::MIN, -1, 0, 1 << 53, i64::MAX, 1, 2];
    let mut whole = batch("WS ' \0", 1, 1);
    for (text, int) in texts.into_iter().zip(ints) {
        let values = [text.into(), int.into(), text.into(), int.into(), Value::Null];
        whole = whole.row(job(text, values, text));
        whole.changes.push(crate::StoredChange { kind: "Kept", body: text.to_owned() });
    }
    store.committer().commit(&[whole]).expect("it follows");
    for (text, int) in texts.into_iter().zip(ints) {
        let row = store.row(&JOB, "WS ' \0", text).expect("readable").expect("there");
        assert_eq!((&*row.key, &*row.body), (text, text));
        let expected = [text.into(), int.into(), text.into(), int.into(), Value::Null];
        assert_eq!(row.values, expected);
    }
    let entries = store.journal("WS ' \0", 0, 99).expect("readable");
    assert_eq!(entries.iter().map(|e| &*e.body).collect::<Vec<_>>(), texts);
}

fn a_large_row_stays(store: &dyn Store) {
    let mut committer = store.committer();
    for (first, size) in (1..).zip([1, 1_000_000, 5_000, 0, 70_000]) {
        let body: String = ('a'..='z').cycle().take(size).collect();
        let write = batch(ALPHA, 1, first).changes(1).row(note("large", &body));
        committer.commit(&[write]).expect("it follows");
        assert_eq!(read_note(store, ALPHA, "large"), Some(body));
    }
}

/// Two rows are written together, over and over; no reader may find them different.
fn a_reader_sees_whole_groups(store: &dyn Store) {
    let pair = |n: u64| {
        let row = |key| job(key, values(&n.to_string()), "{}");
        [batch(ALPHA, 1, n).changes(1).row(row("a")), batch(BETA, 1, n).changes(1).row(row("b"))]
    };
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut newest = String::new();
                while !done.load(std::sync::atomic::Ordering::Acquire) {
                    let rows = store.scan(&crate::Scan::all(&JOB)).expect("readable");
                    let statuses: Vec<_> = rows.iter().map(|r| &r.values[2]).collect();
                    let [Value::Text(a), Value::Text(b)] = statuses[..] else {
                        assert!(rows.is_empty(), "both or none");
                        continue;
                    };
                    assert_eq!(a, b, "a group is seen whole");
                    let not_older = (a.len(), &**a) >= (newest.len(), &newest);
                    assert!(not_older, "{a} was seen after {newest}");
                    newest = a.to_string();
                }
            });
        }
        let mut committer = store.committer();
        for n in 1..=300 {
            committer.commit(&pair(n)).expect("it follows");
            committer.after(n % 2 == 0);
            assert_eq!(last(store, BETA), n, "what was acknowledged is read");
        }
        done.store(true, std::sync::atomic::Ordering::Release);
    });
}
