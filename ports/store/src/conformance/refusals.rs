//! Checks: what a store refuses, and that it then keeps nothing.

use super::{
    Check,
    data::{ALPHA, BETA, JOB, NOTE, batch, job, last, note, read_note},
};
use crate::{
    Batch, CommitError, Committer, Direction, Filter, RowContent, RowWrite, Scan, Store, Test,
    Value,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "a gap is refused", run: a_gap_is_refused },
    Check { name: "a number is given once", run: a_number_is_given_once },
    Check { name: "an older epoch is refused", run: an_older_epoch_is_refused },
    Check { name: "one stale batch stops its group", run: one_stale_batch_stops_its_group },
    Check { name: "a failed group spends its epochs", run: a_failed_group_spends_its_epochs },
    Check { name: "there is one committer at a time", run: one_committer_at_a_time },
    Check { name: "a new committer goes on from the store", run: a_new_committer_goes_on },
    Check { name: "undeclared columns panic", run: undeclared_columns_panic },
    Check { name: "rows that do not fit panic", run: rows_that_do_not_fit_panic },
];

fn stale(partition: &str, epoch: u64, first: u64) -> Result<(), CommitError> {
    Err(CommitError::Stale { partition: partition.into(), epoch, first })
}

fn one(partition: &str, epoch: u64, first: u64) -> [Batch; 1] {
    [batch(partition, epoch, first).changes(1).row(note("n", &first.to_string()))]
}

fn a_gap_is_refused(store: &dyn Store) {
    let mut committer = store.committer();
    assert_eq!(committer.commit(&one(ALPHA, 1, 2)), stale(ALPHA, 1, 2));
    assert_eq!(committer.commit(&one(ALPHA, 2, 0)), stale(ALPHA, 2, 0));
    committer.commit(&one(ALPHA, 3, 1)).expect("the first number is 1");
    assert_eq!(committer.commit(&one(ALPHA, 3, 3)), stale(ALPHA, 3, 3));
    let within = [batch(ALPHA, 4, 2).changes(2), batch(ALPHA, 4, 5).changes(1)];
    assert_eq!(committer.commit(&within), stale(ALPHA, 4, 5));
    assert_eq!(last(store, ALPHA), 1);
    committer.commit(&one(ALPHA, 5, 2)).expect("nothing of the refused groups was kept");
}

fn a_number_is_given_once(store: &dyn Store) {
    let mut committer = store.committer();
    committer.commit(&[batch(ALPHA, 1, 1).changes(3)]).expect("it follows");
    assert_eq!(committer.commit(&one(ALPHA, 2, 3)), stale(ALPHA, 2, 3));
    let twice = [batch(ALPHA, 3, 4).changes(2), batch(ALPHA, 3, 5).changes(1)];
    assert_eq!(committer.commit(&twice), stale(ALPHA, 3, 5));
    assert_eq!(last(store, ALPHA), 3);
}

fn an_older_epoch_is_refused(store: &dyn Store) {
    let mut committer = store.committer();
    committer.commit(&one(ALPHA, 5, 1)).expect("it follows");
    committer.commit(&one(BETA, 1, 1)).expect("partitions count for themselves");
    assert_eq!(committer.commit(&one(ALPHA, 4, 2)), stale(ALPHA, 4, 2));
    committer.commit(&one(ALPHA, 5, 2)).expect("the current owner is not disturbed");
    let both = [batch(ALPHA, 6, 3).changes(1), batch(ALPHA, 5, 4).changes(1)];
    assert_eq!(committer.commit(&both), stale(ALPHA, 5, 4));
    assert_eq!(committer.commit(&[batch(ALPHA, 5, 3)]), stale(ALPHA, 5, 3));
    assert_eq!(last(store, ALPHA), 2);
}

fn one_stale_batch_stops_its_group(store: &dyn Store) {
    let mut committer = store.committer();
    committer.commit(&one(ALPHA, 1, 1)).expect("it follows");
    let good = batch(BETA, 1, 1).changes(1).row(note("n", "lost"));
    let bad = batch(ALPHA, 1, 3).changes(1).row(note("n", "lost"));
    let behind = batch(BETA, 1, 2).changes(1);
    assert_eq!(committer.commit(&[good, bad, behind]), stale(ALPHA, 1, 3));
    assert_eq!(last(store, BETA), 0);
    assert_eq!(read_note(store, BETA, "n"), None);
    assert_eq!(read_note(store, ALPHA, "n").as_deref(), Some("1"));
    assert_eq!(store.journal(BETA, 0, 9), Ok(vec![]));
    assert_eq!(store.partitions().map(|known| known.len()), Ok(1));
}

fn a_failed_group_spends_its_epochs(store: &dyn Store) {
    let mut committer = store.committer();
    committer.commit(&one(ALPHA, 1, 1)).expect("it follows");
    let lost = batch(ALPHA, 1, 2).row(note("n", "lost"));
    assert!(committer.commit(&[lost, batch(BETA, 7, 5)]).is_err());
    let follows = batch(ALPHA, 1, 2).changes(1);
    assert_eq!(committer.commit(&[follows]), stale(ALPHA, 1, 2), "it was decided on lost state");
    assert_eq!(committer.commit(&one(BETA, 7, 1)), stale(BETA, 7, 1));
    committer.commit(&one(ALPHA, 2, 2)).expect("restored");
    committer.commit(&one(ALPHA, 2, 3)).expect("and going on");
    committer.commit(&one(BETA, 8, 1)).expect("restored");
}

fn one_committer_at_a_time(store: &dyn Store) {
    let first = store.committer();
    let second = catch_unwind(AssertUnwindSafe(|| drop(store.committer())));
    assert!(second.is_err(), "a second committer was handed out");
    drop(first);
    drop(store.committer());
}

fn a_new_committer_goes_on(store: &dyn Store) {
    let mut committer = store.committer();
    committer.commit(&[batch(ALPHA, 9, 1).changes(4)]).expect("it follows");
    assert!(committer.commit(&one(ALPHA, 9, 9)).is_err());
    drop(committer);
    assert_eq!(last(store, ALPHA), 4, "the state outlives the committer");
    let mut committer: Box<dyn Committer> = store.committer();
    committer.commit(&one(ALPHA, 1, 5)).expect("epochs are counted anew");
    drop(committer);
    assert_eq!(store.committer().commit(&one(ALPHA, 1, 5)), stale(ALPHA, 1, 5));
}

fn undeclared_columns_panic(store: &dyn Store) {
    let filter = |column, value: Value| Filter { column, test: Test::OneOf(vec![value]) };
    let by = |column| vec![(column, Direction::Ascending)];
    let all = || Scan::all(&JOB);
    let wrong = [
        Scan { filters: vec![filter("colour", "red".into())], ..all() },
        Scan { filters: vec![filter("body", "{}".into())], ..all() },
        Scan { filters: vec![filter("queue", 1.into())], ..all() },
        Scan { filters: vec![filter("status = 'x' OR status", "y".into())], ..all() },
        Scan { order: by("colour"), ..all() },
        Scan { order: by("queue"), after: Some(vec!["k".into()]), ..all() },
        Scan { order: by("priority"), after: Some(vec!["k".into(), "k".into()]), ..all() },
        Scan { after: Some(vec![Value::Null]), ..all() },
    ];
    for scan in wrong {
        let outcome = catch_unwind(AssertUnwindSafe(|| store.scan(&scan)));
        assert!(outcome.is_err(), "{scan:?}");
    }
    assert_eq!(store.scan(&all()), Ok(vec![]), "the store still answers");
}

fn rows_that_do_not_fit_panic(store: &dyn Store) {
    let one_value = RowContent { values: vec![Value::Null], body: "{}".into() };
    let too_many = RowWrite { table: &NOTE, key: "n".into(), content: Some(one_value) };
    let other_kind = job("j", [const { Value::Null }; 5].map(|_| Value::from("x")), "{}");
    for row in [too_many, other_kind] {
        let group = [batch(ALPHA, 1, 1).changes(1), batch(ALPHA, 1, 2).changes(1).row(row)];
        let outcome = catch_unwind(AssertUnwindSafe(|| store.committer().commit(&group)));
        assert!(outcome.is_err(), "{group:?}");
    }
    assert_eq!(store.partitions(), Ok(vec![]), "nothing was kept");
    store.committer().commit(&one(ALPHA, 1, 1)).expect("the store still works");
}
