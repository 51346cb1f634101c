//! Single promises, each in a few lines.

use crate::disk::{BUCKET, Served};
use base::{Millis, Timestamp};
use std::sync::Arc;
use sync::{
    Action, Bounds, BucketNumber, Caller, Command, Enforcement, IfMatch, ItemKey, Limits, NewItem,
    ObjectKind, Payload, Put, Rejection, Removal, Reply, Rights, ServiceSid, Target, Ttl, What,
};

const NOW: Timestamp = Timestamp(1_767_225_600_000);
const SERVICE: ServiceSid = ServiceSid::new(1);

fn served() -> Served {
    Served::new(Bounds { entities: 4, bytes: 1 << 20 }, 2)
}

fn data(text: &str) -> Payload {
    Payload::parse(text).expect("an object")
}

fn new_item(text: &str) -> NewItem {
    NewItem { data: data(text), ttl: None, collection_ttl: None }
}

fn command(action: Action) -> Command {
    Command { service: SERVICE, caller: Caller::System, action }
}

fn run(served: &mut Served, now: Timestamp, action: Action) -> Result<Reply, Rejection> {
    served.run(now, &command(action))
}

fn create(served: &mut Served, kind: ObjectKind, ttl: Option<Ttl>) -> Target {
    let action = Action::CreateObject { kind, unique_name: None, data: None, ttl };
    match run(served, NOW, action) {
        Ok(Reply::Object(object)) => Target::of(object.sid),
        other => panic!("{other:?}"),
    }
}

fn put(map: &Target, key: &str, text: &str, if_match: Option<IfMatch>) -> Action {
    let (object, key) = (map.clone(), key.into());
    Action::PutItem { object, key, item: new_item(text), if_match }
}

#[test]
fn a_claim_succeeds_once_even_after_the_item_was_made_again() {
    let mut served = served();
    let map = create(&mut served, ObjectKind::Map, None);
    let Ok(Reply::Item { item, put: added, .. }) =
        run(&mut served, NOW, put(&map, "a", "{\"state\":\"open\"}", None))
    else {
        panic!("it is put")
    };
    assert_eq!(added, Put::Added);
    let seen = Some(IfMatch::Revision(item.event));
    let claim = put(&map, "a", "{\"state\":\"claimed\"}", seen);
    assert!(run(&mut served, NOW, claim.clone()).is_ok());
    let again = run(&mut served, NOW, claim.clone());
    assert_eq!(again, Err(Rejection::StaleItem(ObjectKind::Map)));
    let (object, key) = (map.clone(), ItemKey::Key("a".into()));
    let delete = Action::DeleteItem { object, key, if_match: None };
    assert!(run(&mut served, NOW, delete).is_ok());
    assert!(run(&mut served, NOW, put(&map, "a", "{}", Some(IfMatch::Absent))).is_ok());
    assert_eq!(run(&mut served, NOW, claim), Err(Rejection::StaleItem(ObjectKind::Map)));
}

#[test]
fn an_index_is_never_given_twice() {
    let mut served = served();
    let list = create(&mut served, ObjectKind::List, None);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let object = list.clone();
        let push = Action::AddItem { object, key: None, item: new_item("{}") };
        let Ok(Reply::Item { item, .. }) = run(&mut served, NOW, push) else {
            panic!("it is added")
        };
        seen.push(item.key.clone());
        let (object, key) = (list.clone(), item.key.clone());
        assert!(run(&mut served, NOW, Action::DeleteItem { object, key, if_match: None }).is_ok());
    }
    assert_eq!(seen, [0, 1, 2].map(ItemKey::Index));
}

#[test]
fn what_has_expired_is_not_there_though_nobody_removed_it() {
    let mut served = served();
    let kind = ObjectKind::Document;
    let name = (0..).map(|n| format!("board {n}"));
    let mut name = name.filter(|name| BucketNumber::of_name(SERVICE, kind, name) == BUCKET);
    let name: Arc<str> = name.next().expect("one in sixteen").into();
    let ttl = Ttl::new("Ttl", 5).ok();
    let make = Action::CreateObject { kind, unique_name: Some(name.clone()), data: None, ttl };
    let Ok(Reply::Object(first)) = run(&mut served, NOW, make.clone()) else { panic!("made") };
    assert_eq!(run(&mut served, NOW, make.clone()), Err(Rejection::NameTaken));
    let later = NOW + Millis(5_000);
    let (object, data) = (Target::parse(kind, &name), Some(data("{}")));
    let update = Action::UpdateObject { object, data, ttl: None, if_match: None };
    assert_eq!(run(&mut served, later, update), Err(Rejection::NameNotFound));
    let Ok(Reply::Object(second)) = run(&mut served, later, make) else { panic!("made again") };
    assert_ne!(first.sid, second.sid);
    let told: Vec<_> = served.events.iter().map(|event| (event.object, &event.what)).collect();
    let because = Removal::Expired;
    assert_eq!(told[1], (first.sid, &What::ObjectRemoved { because }));
    assert!(matches!(told[2], (sid, What::ObjectCreated { .. }) if sid == second.sid));
}

#[test]
fn values_stay_as_they_were_sent_and_have_bounds() {
    let mut served = served();
    let document = create(&mut served, ObjectKind::Document, None);
    let text = "{\"big\":9007199254740993, \"one\":1.0,\"s\":\"\u{1F600}\"}";
    let update = |data| Action::UpdateObject {
        object: document.clone(),
        data: Some(data),
        ttl: None,
        if_match: None,
    };
    let Ok(Reply::Object(object)) = run(&mut served, NOW, update(data(text))) else {
        panic!("it is updated")
    };
    assert_eq!(object.data.as_ref().map(Payload::text), Some(text));
    assert_eq!(object.revision(), "1");
    let filled = |bytes: usize| data(&format!("{{\"s\":\"{}\"}}", "x".repeat(bytes - 8)));
    assert!(run(&mut served, NOW, update(filled(16_384))).is_ok());
    let too_large = run(&mut served, NOW, update(filled(16_385)));
    assert_eq!(too_large, Err(Rejection::TooLarge { size: 16_385, max: 16_384 }));
    let none = Action::UpdateObject { object: document, data: None, ttl: None, if_match: None };
    assert_eq!(run(&mut served, NOW, none), Err(Rejection::NothingGiven));
}

#[test]
fn one_item_more_than_is_allowed_leaves_no_trace() {
    let (memory, items_max) = (Bounds { entities: 4, bytes: 1 << 20 }, Some(3));
    let mut served = Served::within(Limits { items_max, memory, ..Limits::default() }, 2);
    let list = create(&mut served, ObjectKind::List, None);
    let map = create(&mut served, ObjectKind::Map, None);
    let push = |ttl_s: Option<i64>| {
        let ttl = ttl_s.map(|seconds| Ttl::new("Ttl", seconds).expect("in bounds"));
        let (object, item) = (list.clone(), NewItem { ttl, ..new_item("{}") });
        Action::AddItem { object, key: None, item }
    };
    let add = |key: &str| {
        let (object, key) = (map.clone(), Some(key.into()));
        Action::AddItem { object, key, item: new_item("{}") }
    };
    for key in ["a", "b", "c"] {
        assert!(run(&mut served, NOW, push((key == "a").then_some(5))).is_ok());
        assert!(run(&mut served, NOW, add(key)).is_ok());
    }
    let full = |kind| Err(Rejection::TooManyItems { kind, max: 3 });
    let refused = |served: &mut Served| {
        let before = (served.journal.len(), served.events.len());
        assert_eq!(run(served, NOW, push(None)), full(ObjectKind::List));
        assert_eq!(run(served, NOW, add("e")), full(ObjectKind::Map));
        assert_eq!(run(served, NOW, put(&map, "e", "{}", None)), full(ObjectKind::Map));
        let after = (served.journal.len(), served.events.len());
        assert_eq!(before, after);
    };
    refused(&mut served);
    // What is there may still be written, and whoever comes back knows how many there are.
    assert!(run(&mut served, NOW, put(&map, "c", "{\"n\":1}", None)).is_ok());
    served.settle();
    served.crash(memory);
    refused(&mut served);
    assert_eq!(Rejection::TooManyItems { kind: ObjectKind::Map, max: 3 }.code(), 54009);
    // One that goes, by hand or by its time, makes room for one.
    let (object, key) = (map.clone(), ItemKey::Key("a".into()));
    assert!(run(&mut served, NOW, Action::DeleteItem { object, key, if_match: None }).is_ok());
    let later = NOW + Millis(5_000);
    served.expire(later);
    assert!(run(&mut served, later, add("d")).is_ok());
    assert!(run(&mut served, later, push(None)).is_ok());
    refused(&mut served);
}

#[test]
fn who_may_only_write_cannot_end_an_object_by_its_time() {
    let (mut served, ttl) = (served(), Ttl::new("Ttl", 1).ok());
    let identity: Arc<str> = "ann".into();
    let caller =
        Caller::Client { identity: identity.clone(), endpoint: None, enforcement: Enforcement::On };
    let rights = Rights { read: true, write: true, manage: false };
    for kind in [ObjectKind::Document, ObjectKind::List, ObjectKind::Map] {
        let object = create(&mut served, kind, None);
        let identity = identity.clone();
        let permit = Action::SetPermission { object: object.clone(), identity, rights };
        assert!(run(&mut served, NOW, permit).is_ok());
        let mut end = |data| {
            let object = object.clone();
            let action = Action::UpdateObject { object, data, ttl, if_match: None };
            let command = Command { service: SERVICE, caller: caller.clone(), action };
            served.run(NOW, &command)
        };
        assert_eq!(end(None), Err(Rejection::Forbidden));
        // A value that says how long it lives is a value; a list or map has none.
        let with_value = end(Some(data("{}")));
        match kind {
            ObjectKind::Document => assert!(with_value.is_ok()),
            _ => assert_eq!(with_value, Err(Rejection::Forbidden)),
        }
        if kind == ObjectKind::Document {
            continue;
        }
        // Nor with an item of it.
        let key = || (kind == ObjectKind::Map).then(|| "k".into());
        let mut add = |collection_ttl| {
            let item = NewItem { collection_ttl, ..new_item("{}") };
            let action = Action::AddItem { object: object.clone(), key: key(), item };
            served.run(NOW, &Command { service: SERVICE, caller: caller.clone(), action })
        };
        assert_eq!(add(ttl), Err(Rejection::Forbidden));
        assert!(add(None).is_ok());
        let place =
            if kind == ObjectKind::Map { ItemKey::Key("k".into()) } else { ItemKey::Index(0) };
        let action = Action::UpdateItem {
            object: object.clone(),
            key: place,
            data: Some(data("{}")),
            ttl: None,
            collection_ttl: ttl,
            if_match: None,
        };
        let command = Command { service: SERVICE, caller: caller.clone(), action };
        assert_eq!(served.run(NOW, &command), Err(Rejection::Forbidden));
    }
}

#[test]
fn a_deleted_service_loses_everything_and_nothing_comes_after() {
    let mut served = served();
    let mine: Vec<Target> = (0..7).map(|_| create(&mut served, ObjectKind::Map, None)).collect();
    let other = Command {
        service: ServiceSid::new(2),
        ..command(Action::CreateObject {
            kind: ObjectKind::Map,
            unique_name: None,
            data: None,
            ttl: None,
        })
    };
    assert!(served.run(NOW, &other).is_ok());
    assert_eq!(run(&mut served, NOW, Action::Purge), Ok(Reply::Done));
    served.expire(NOW);
    served.settle();
    assert_eq!(served.disk.objects().count(), 1);
    assert_eq!(served.disk.graves.len(), mine.len());
    assert!(served.disk.removed.is_empty(), "nobody can ask for them without their service");
    let ends = served
        .events
        .iter()
        .filter(|event| event.what == What::ObjectRemoved { because: Removal::ServiceDeleted });
    assert_eq!(ends.count(), mine.len());
    let make =
        Action::CreateObject { kind: ObjectKind::Map, unique_name: None, data: None, ttl: None };
    assert_eq!(run(&mut served, NOW, make), Err(Rejection::ServiceNotFound));
    assert_eq!(served.bucket.next_deadline(), None);
}

#[test]
fn an_object_that_goes_leaves_word_of_itself() {
    let mut served = served();
    let (kind, unique_name) = (ObjectKind::Map, Some("m".into()));
    let make = Action::CreateObject { kind, unique_name, data: None, ttl: None };
    let made = run(&mut served, NOW, make);
    let Ok(Reply::Object(object)) = made else { panic!("{made:?}") };
    let target = Target::of(object.sid);
    let action = Action::DeleteObject { object: target.clone(), if_match: None };
    assert!(run(&mut served, Timestamp(NOW.0 + 7), action).is_ok());
    served.settle();
    let removed: Vec<_> = served.disk.removed.values().cloned().collect();
    let [one] = &removed[..] else { panic!("{removed:?}") };
    assert_eq!((one.sid, one.service), (object.sid, object.service));
    assert_eq!(one.unique_name.as_deref(), Some("m"));
    assert_eq!((one.created_at, &*one.created_by), (NOW, "system"));
    assert_eq!((one.event, one.because, one.at), (1, Removal::Deleted, Timestamp(NOW.0 + 7)));
    assert_eq!(&*one.by, "system");
}
