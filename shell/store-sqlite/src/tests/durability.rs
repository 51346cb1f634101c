//! Commits that fail in each way, and what is found again.

use super::{Folder, TABLES, TASK, WORKSPACE, batch, keys, last, open};
use crate::{Options, SqliteStore, committer::SqliteCommitter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use store::{CommitError, Committer, Store, Table};

fn committer(store: &SqliteStore) -> SqliteCommitter {
    SqliteCommitter::new(store.shared.clone())
}

#[test]
fn a_store_is_found_again() {
    let folder = Folder::new();
    let store = open(&folder);
    store.committer().commit(&[batch(1, 1, "WT1", "{\"a\":1}")]).unwrap();
    let before = (store.row(&TASK, WORKSPACE, "WT1"), store.journal(WORKSPACE, 0, 9));
    drop(store);

    let store = open(&folder);
    assert_eq!((store.row(&TASK, WORKSPACE, "WT1"), store.journal(WORKSPACE, 0, 9)), before);
    let mut committer = store.committer();
    assert!(committer.commit(&[batch(1, 1, "WT2", "{}")]).is_err());
    committer.commit(&[batch(2, 2, "WT2", "{}")]).unwrap();
}

/// What lies on the disk while the server runs is what a killed server leaves.
#[test]
fn a_killed_server_leaves_what_it_acknowledged() {
    let folder = Folder::new();
    let store = open(&folder);
    let mut committer = store.committer();
    for n in 1..=40 {
        committer.commit(&[batch(1, n, &format!("WT{n:02}"), "{}")]).unwrap();
        committer.after(true);
        if n % 8 != 0 {
            continue;
        }
        let left = Folder::new();
        std::fs::create_dir(&left.0).unwrap();
        for name in ["sinew.db", "sinew.db-wal"] {
            std::fs::copy(folder.0.join(name), left.0.join(name)).unwrap();
        }
        let found = open(&left);
        assert_eq!((last(&found), keys(&found).len() as u64), (n, n));
    }
}

#[test]
fn a_full_disk_keeps_nothing_and_recovers_when_there_is_room() {
    let folder = Folder::new();
    let options = Options { page_limit: Some(40), ..Options::default() };
    let store = SqliteStore::open(&folder.0, options, TABLES).unwrap();
    let mut committer = store.committer();
    let large = "x".repeat(20_000);
    let mut n = 0;
    let error = loop {
        let group = [
            batch(1, n + 1, &format!("WT{:03}", n + 1), "{}"),
            batch(1, n + 2, &format!("WT{:03}", n + 2), &large),
        ];
        match committer.commit(&group) {
            Ok(()) => n += 2,
            Err(error) => break error,
        }
    };
    assert_eq!(error, CommitError::Full);
    assert!(n > 0, "there was room at first");
    assert_eq!((last(&store), keys(&store).len() as u64), (n, n));
    let again = [batch(2, n + 1, "WTx", &large)];
    assert_eq!(committer.commit(&again), Err(CommitError::Full), "still no room");

    store.set_page_limit(Some(400));
    committer.commit(&[batch(3, n + 1, "WTx", &large)]).unwrap();
    store.set_page_limit(None);
    for n in n + 2..n + 200 {
        committer.commit(&[batch(3, n, &format!("WTy{n}"), &large)]).unwrap();
    }
    assert_eq!(last(&store), n + 199);
}

#[test]
fn a_refused_statement_keeps_nothing_of_the_group() {
    let folder = Folder::new();
    let store = open(&folder);
    let mut committer = committer(&store);
    committer.commit(&[batch(1, 1, "WT1", "{}")]).unwrap();
    let writer = committer.writer.as_ref().unwrap();
    let trigger = "CREATE TEMP TRIGGER refuses BEFORE INSERT ON main.task WHEN new.\"key\" = 'bad'
                   BEGIN SELECT RAISE(ABORT, 'no such luck'); END";
    writer.connection.execute_batch(trigger).unwrap();
    let group = [batch(1, 2, "WT2", "{}"), batch(1, 3, "bad", "{}")];
    let error = committer.commit(&group).unwrap_err();
    assert_eq!(error, CommitError::Failed("no such luck".to_owned()));
    assert_eq!((last(&store), keys(&store).len()), (1, 1));
    committer.commit(&[batch(2, 2, "WT2", "{}")]).unwrap();
    assert_eq!(last(&store), 2);
}

#[test]
fn a_table_that_was_not_declared_disturbs_nothing() {
    static UNKNOWN: Table = Table { name: "unknown", columns: &[], indexes: &[], live: None };
    let folder = Folder::new();
    let store = open(&folder);
    let mut committer = store.committer();
    let mut wrong = batch(1, 2, "WT2", "{}");
    wrong.rows[0].table = &UNKNOWN;
    wrong.rows[0].content = None;
    let group = [batch(1, 1, "WT1", "{}"), wrong];
    let panics = |ask: &mut dyn FnMut()| catch_unwind(AssertUnwindSafe(ask)).is_err();
    assert!(panics(&mut || drop(committer.commit(&group))));
    assert!(panics(&mut || drop(store.row(&UNKNOWN, WORKSPACE, "WT2"))));
    committer.commit(&group[..1]).unwrap();
    assert_eq!((last(&store), keys(&store).len()), (1, 1));
}

#[test]
fn a_failed_commit_may_have_kept_nothing() {
    let folder = Folder::new();
    let store = open(&folder);
    let mut committer = committer(&store);
    committer.commit(&[batch(1, 1, "WT1", "{}")]).unwrap();
    let writer = committer.writer.as_mut().unwrap();
    writer.connection.commit_hook(Some(|| true)).unwrap();
    let error = committer.commit(&[batch(1, 2, "WT2", "{}")]).unwrap_err();
    assert!(matches!(error, CommitError::Unknown(_)), "{error}");
    assert_eq!(last(&store), 1, "the owner looks and finds it lost");
    assert!(committer.commit(&[batch(1, 2, "WT2", "{}")]).is_err(), "the epoch is spent");
    committer.commit(&[batch(2, 2, "WT2", "{}")]).unwrap();
    assert_eq!(last(&store), 2);
}

#[test]
fn a_failed_commit_may_be_durable() {
    let folder = Folder::new();
    let store = open(&folder);
    let mut committer = committer(&store);
    committer.commit(&[batch(1, 1, "WT1", "{}")]).unwrap();
    let writer = committer.writer.as_mut().unwrap();
    let fails = |_: &mut rusqlite::hooks::Wal, _: i32| Err(rusqlite::Error::InvalidQuery);
    let outcome = writer.connection.wal_hook(Some(fails));
    outcome.unwrap();
    let error = committer.commit(&[batch(1, 2, "WT2", "{}")]).unwrap_err();
    assert!(matches!(error, CommitError::Unknown(_)), "{error}");
    assert_eq!(last(&store), 2, "the owner looks and finds it kept");
    assert!(committer.commit(&[batch(1, 3, "WT3", "{}")]).is_err(), "made before the failure");
    committer.commit(&[batch(2, 3, "WT3", "{}")]).unwrap();
    assert_eq!(&*keys(&store)[2], "WT3");
}

#[test]
fn a_store_whose_file_went_away_says_so() {
    let folder = Folder::new();
    let store = open(&folder);
    let mut committer = committer(&store);
    committer.commit(&[batch(1, 1, "WT1", "{}")]).unwrap();
    committer.writer = None;
    store.shared.readers.renew();
    std::fs::rename(folder.0.join("sinew.db"), folder.0.join("aside")).unwrap();
    let error = committer.commit(&[batch(1, 2, "WT2", "{}")]).unwrap_err();
    assert!(matches!(error, CommitError::Failed(_)), "{error}");
    assert!(store.partitions().is_err());
    std::fs::rename(folder.0.join("aside"), folder.0.join("sinew.db")).unwrap();
    committer.commit(&[batch(2, 2, "WT2", "{}")]).unwrap();
    assert_eq!(last(&store), 2);
}
