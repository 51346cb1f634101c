//! Checks: what is forgotten, and what stays in any case.

use super::{
    Check,
    data::{ALPHA, BETA, NOTE, batch, last, note, read_note, removed},
};
use crate::{Forget, Seq, Store};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "old entries are forgotten, numbers go on", run: old_entries_are_forgotten },
    Check { name: "the newest entry stays in any case", run: the_newest_entry_stays },
    Check { name: "old rows are forgotten, of their partition only", run: old_rows_are_forgotten },
    Check { name: "what is not there is forgotten already", run: nothing_is_forgotten_twice },
    Check { name: "what is kept comes with what is forgotten", run: something_is_kept },
    Check { name: "a new committer goes on behind what was forgotten", run: a_new_committer },
];

fn forget(partition: &str, journal_through: Seq, keys: &[&str]) -> Forget {
    let rows = keys.iter().map(|key| (&NOTE, Box::from(*key))).collect();
    Forget { partition: partition.into(), rows, journal_through, kept: Vec::new() }
}

fn numbers(store: &dyn Store, partition: &str, after: Seq) -> Vec<Seq> {
    let entries = store.journal(partition, after, usize::MAX).expect("readable");
    entries.iter().map(|entry| entry.seq).collect()
}

fn old_entries_are_forgotten(store: &dyn Store) {
    let mut committer = store.committer();
    let both = [ALPHA, BETA].map(|partition| batch(partition, 1, 1).changes(5));
    committer.commit(&both).expect("they follow");
    assert_eq!(store.journal_start(ALPHA), Ok(1));
    committer.forget(&forget(ALPHA, 3, &[])).expect("it is possible");
    assert_eq!(store.journal_start(ALPHA), Ok(4));
    assert_eq!(numbers(store, ALPHA, 0), [4, 5]);
    assert_eq!(numbers(store, ALPHA, 4), [5]);
    assert_eq!(numbers(store, BETA, 0), [1, 2, 3, 4, 5]);
    let entry = store.journal(ALPHA, 4, 1).expect("readable").remove(0);
    assert_eq!(entry.body, super::data::change_body(5));
    committer.commit(&[batch(ALPHA, 1, 6).changes(1)]).expect("the epoch is the same");
    assert_eq!((numbers(store, ALPHA, 0), last(store, ALPHA)), (vec![4, 5, 6], 6));
}

fn the_newest_entry_stays(store: &dyn Store) {
    let mut committer = store.committer();
    committer.commit(&[batch(ALPHA, 1, 1).changes(3)]).expect("it follows");
    committer.forget(&forget(ALPHA, Seq::MAX, &[])).expect("it is possible");
    assert_eq!((numbers(store, ALPHA, 0), last(store, ALPHA)), (vec![3], 3));
    assert_eq!(store.journal_start(ALPHA), Ok(3));
    assert!(committer.commit(&[batch(ALPHA, 1, 3).changes(1)]).is_err());
}

fn old_rows_are_forgotten(store: &dyn Store) {
    let mut committer = store.committer();
    let both = [ALPHA, BETA].map(|partition| {
        batch(partition, 1, 1).row(note("a", "1")).row(note("b", "2")).row(note("c", "3"))
    });
    committer.commit(&both).expect("they follow");
    committer.forget(&forget(ALPHA, 0, &["a", "c"])).expect("it is possible");
    let left = |partition, key| read_note(store, partition, key).is_some();
    assert_eq!(["a", "b", "c"].map(|key| left(ALPHA, key)), [false, true, false]);
    assert_eq!(["a", "b", "c"].map(|key| left(BETA, key)), [true; 3]);
}

fn nothing_is_forgotten_twice(store: &dyn Store) {
    let mut committer = store.committer();
    committer.forget(&forget(ALPHA, 7, &["a"])).expect("an unknown partition is forgotten");
    assert_eq!(store.partitions(), Ok(vec![]));
    committer.commit(&[batch(ALPHA, 1, 1).changes(4).row(note("a", "1"))]).expect("it follows");
    for _ in 0..2 {
        committer.forget(&forget(ALPHA, 2, &["a", "b"])).expect("it is possible");
        assert_eq!(numbers(store, ALPHA, 0), [3, 4]);
    }
    committer.forget(&forget(ALPHA, 1, &[])).expect("it was before");
    assert_eq!(numbers(store, ALPHA, 0), [3, 4]);
}

fn something_is_kept(store: &dyn Store) {
    let mut committer = store.committer();
    let first = batch(ALPHA, 1, 1).changes(4).row(note("a", "1")).row(note("b", "1"));
    committer.commit(&[first, batch(BETA, 1, 1).changes(1)]).expect("they follow");
    let kept = vec![note("a", "2"), removed(&NOTE, "b"), note("c", "2"), removed(&NOTE, "d")];
    let both = Forget { kept: kept.clone(), ..forget(ALPHA, 3, &["a"]) };
    committer.forget(&both).expect("it is possible");
    let found = ["a", "b", "c", "d"].map(|key| read_note(store, ALPHA, key));
    assert_eq!(found, [Some("2".to_owned()), None, Some("2".to_owned()), None]);
    assert_eq!((numbers(store, ALPHA, 0), last(store, ALPHA)), (vec![4], 4));
    assert_eq!(read_note(store, BETA, "c"), None);
    committer.forget(&Forget { kept, ..forget("nobody", 0, &[]) }).expect("it is ignored");
    assert_eq!(store.partitions().expect("readable").len(), 2);
    assert_eq!(read_note(store, "nobody", "a"), None);
    committer.commit(&[batch(ALPHA, 1, 5).changes(1).row(note("c", "3"))]).expect("it follows");
    assert_eq!(read_note(store, ALPHA, "c").as_deref(), Some("3"));
}

fn a_new_committer(store: &dyn Store) {
    let mut committer = store.committer();
    committer.commit(&[batch(ALPHA, 1, 1).changes(3)]).expect("it follows");
    committer.forget(&forget(ALPHA, 2, &[])).expect("it is possible");
    drop(committer);
    let mut committer = store.committer();
    assert!(committer.commit(&[batch(ALPHA, 1, 2).changes(1)]).is_err());
    committer.commit(&[batch(ALPHA, 2, 4).changes(1)]).expect("it follows");
    assert_eq!(numbers(store, ALPHA, 0), [3, 4]);
}
