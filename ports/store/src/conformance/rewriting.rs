//! Checks: texts that customers wrote, and texts that are written anew.

use super::{
    Check,
    data::{ALPHA, BETA, LETTER, batch, change_body, job, last, letter, note, read_note},
};
use crate::{Rewrite, Scan, Store, Upkeep, Value};

pub(super) const CHECKS: &[Check] = &[
    Check { name: "payloads come back as they were", run: payloads_come_back },
    Check { name: "what is rewritten is all that changes", run: a_rewrite_changes_texts },
    Check { name: "nothing is rewritten that is not there", run: a_rewrite_makes_nothing },
    Check { name: "what a store has to do comes to an end", run: tending_ends },
];

fn payloads_come_back(store: &dyn Store) {
    let texts = ["", "{}", "{\"name\":\"Zoë 😀\"}", "~1:a:b", "~", "a\0b"];
    let mut committer = store.committer();
    let mut whole = batch(ALPHA, 1, 1).changes(1).row(letter("none", 0, Value::Null, "{}"));
    for (at, text) in (1..).zip(texts) {
        whole = whole.row(letter(&format!("k{at}"), at, text.into(), text));
    }
    committer.commit(&[whole]).expect("it follows");
    let large: String = ('a'..='z').cycle().take(1_100_000).collect();
    let again = letter("k1", 1, large.as_str().into(), &large);
    committer.commit(&[batch(ALPHA, 1, 2).changes(1).row(again)]).expect("it follows");
    let rows = store.scan(&Scan::of(&LETTER, ALPHA.into())).expect("readable");
    let read: Vec<(&Value, &str)> = rows.iter().map(|row| (&row.values[1], &*row.body)).collect();
    let expected: Vec<Value> =
        [large.as_str()].iter().chain(&texts[1..]).map(|t| (*t).into()).collect();
    assert!(read[..texts.len()].iter().map(|(data, _)| *data).eq(&expected));
    assert!(read[..texts.len()].iter().all(|(data, body)| **data == Value::from(*body)));
    assert_eq!(read[texts.len()], (&Value::Null, "{}"));
    let found = store.row(&LETTER, ALPHA, "k3").expect("readable").expect("there");
    assert_eq!(found, rows[2]);
    let by_time =
        Scan { order: vec![("sent_at", crate::Direction::Descending)], ..Scan::all(&LETTER) };
    let last = store.scan(&Scan { limit: 1, ..by_time }).expect("readable");
    assert_eq!(last[0].body, texts[5]);
}

fn a_rewrite_changes_texts(store: &dyn Store) {
    let mut committer = store.committer();
    let values = || ["q1".into(), 7.into(), "open".into(), 3.into(), true.into()];
    let both = [ALPHA, BETA].map(|partition| {
        let rows = batch(partition, 1, 1).changes(3).row(letter("k", 5, "data".into(), "body"));
        rows.row(job("j", values(), "body")).row(note("n", "body"))
    });
    committer.commit(&both).expect("it follows");
    let rewrite = Rewrite {
        partition: ALPHA.into(),
        rows: vec![letter("k", 5, "DATA".into(), "BODY"), job("j", values(), "BODY")],
        entries: vec![(3, "three".into()), (1, "one".into())],
    };
    committer.rewrite(&rewrite).expect("it can be written");
    let read = |partition: &str| {
        let letters = store.scan(&Scan::of(&LETTER, partition.into())).expect("readable");
        let mut texts: Vec<String> = letters.iter().map(|row| row.body.clone()).collect();
        texts.extend(letters.iter().map(|row| match &row.values[..] {
            [Value::Int(5), Value::Text(data)] => data.to_string(),
            other => panic!("{other:?}"),
        }));
        let job = store.row(&super::data::JOB, partition, "j").expect("readable").expect("there");
        assert_eq!(job.values, values());
        texts.push(job.body);
        texts.extend(read_note(store, partition, "n"));
        let entries = store.journal(partition, 0, 9).expect("readable");
        assert!(entries.iter().all(|entry| entry.kind == "Changed" && entry.at.0 == 1001));
        texts.extend(entries.into_iter().map(|entry| entry.body));
        texts
    };
    assert_eq!(read(ALPHA), ["BODY", "DATA", "BODY", "body", "one", &change_body(2), "three"]);
    let [first, second, third] = [1, 2, 3].map(change_body);
    assert_eq!(read(BETA), ["body", "data", "body", "body", &*first, &*second, &*third]);
    committer.commit(&[batch(ALPHA, 1, 4).changes(1)]).expect("numbers and epochs went on");
    assert_eq!(last(store, ALPHA), 4);
}

fn a_rewrite_makes_nothing(store: &dyn Store) {
    let mut committer = store.committer();
    let rewrite =
        |entries| Rewrite { partition: ALPHA.into(), rows: vec![note("n", "1")], entries };
    committer.rewrite(&rewrite(vec![(1, "one".into())])).expect("it is ignored");
    assert_eq!(store.partitions(), Ok(vec![]));
    assert_eq!(read_note(store, ALPHA, "n"), None);
    committer.commit(&[batch(ALPHA, 1, 1).changes(2)]).expect("it follows");
    let entries = vec![(0, "zero".into()), (3, "three".into()), (u64::MAX, "all".into())];
    committer.rewrite(&rewrite(entries)).expect("it is ignored");
    let bodies: Vec<String> =
        store.journal(ALPHA, 0, 9).expect("readable").into_iter().map(|e| e.body).collect();
    assert_eq!(bodies, [change_body(1), change_body(2)]);
}

fn tending_ends(store: &dyn Store) {
    let mut committer = store.committer();
    let rows = |text| vec![letter("k", 5, Value::from(text), text)];
    let first = batch(ALPHA, 1, 1).changes(1).row(rows("before").remove(0));
    committer.commit(&[first]).expect("it follows");
    let rewrite = Rewrite { partition: ALPHA.into(), rows: rows("behind"), entries: Vec::new() };
    committer.rewrite(&rewrite).expect("it can be written");
    let ends = (0..1_000).any(|_| committer.tend() == Ok(Upkeep::Done));
    assert!(ends, "it says that it is done");
    let found = store.row(&LETTER, ALPHA, "k").expect("readable").expect("there");
    assert_eq!(found.body, "behind");
}
