//! Sync through the host: what is durable, what is told, and what is found again.

use crate::{start, stores};
use base::{Millis, Sid};
use host::{
    Bounds, HistoryRange, Host, ItemRange, Loss, Mailbox, ObjectRange, Post, Refusal,
    RemovedSearch, Replay, Retention, SyncPastError, tables,
};
use std::sync::Arc;
use store::{Direction, Scan, Store, Table};
use sync::{
    Action, BucketNumber, Caller, Command, Enforcement, ItemKey, NewItem, Object, ObjectKind,
    ObjectSid, Payload, Rejection, Reply, Rights, ServiceSid, Target, Ttl, What,
    service::{ServiceCommand, Settings},
};

const ACCOUNT: Sid = Sid::new(*b"AC", 0x1234);
const SERVICE: ServiceSid = ServiceSid::default_of(ACCOUNT);
const ROOM: usize = 256 << 10;

fn command(action: Action) -> Command {
    Command { service: SERVICE, caller: Caller::System, action }
}

fn by(identity: &str, action: Action) -> Command {
    let (identity, endpoint, enforcement) = (identity.into(), None, Enforcement::On);
    Command { caller: Caller::Client { identity, endpoint, enforcement }, ..command(action) }
}

fn data(n: usize) -> Payload {
    Payload::parse(format!("{{\"n\":{n}}}")).unwrap()
}

fn create(kind: ObjectKind, name: Option<&str>) -> Action {
    Action::CreateObject { kind, unique_name: name.map(Arc::from), data: None, ttl: None }
}

async fn object(host: &Host, action: Action) -> Arc<Object> {
    match host.sync(command(action)).await {
        Ok(Reply::Object(object)) => object,
        other => panic!("{other:?}"),
    }
}

fn put(map: ObjectSid, key: &str, n: usize, ttl: Option<i64>) -> Action {
    let ttl = ttl.map(|seconds| Ttl::new("ttl", seconds).unwrap());
    let item = NewItem { data: data(n), ttl, collection_ttl: None };
    Action::PutItem { object: Target::of(map), key: key.into(), item, if_match: None }
}

fn range(from: Option<(ItemKey, Bounds)>, direction: Direction, limit: usize) -> ItemRange {
    ItemRange { from, direction, limit }
}

fn rows(store: &dyn Store, table: &'static Table) -> usize {
    store.scan(&Scan::all(table)).unwrap().len()
}

/// Everything that comes until the object is followed live, and then the numbers in order.
async fn replayed(mailbox: &Mailbox) -> (Vec<u64>, Replay) {
    let mut ids = Vec::new();
    loop {
        match mailbox.next().await {
            Post::Replayed(news) => ids.push(news.event.id),
            Post::Followed { replay, last, .. } => {
                assert!(ids.last().is_none_or(|newest| *newest == last));
                return (ids, replay);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn names_and_sids_lead_to_one_object_and_survive_a_restart() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let map = object(&host, create(ObjectKind::Map, Some("a/b c:%"))).await;
        let taken = host.sync(command(create(ObjectKind::Map, Some("a/b c:%")))).await;
        assert_eq!(taken, Err(Refusal::Rejected(Rejection::NameTaken)));
        let other = object(&host, create(ObjectKind::List, Some("a/b c:%"))).await;
        assert_ne!(other.sid.sid(), map.sid.sid());
        host.sync(command(put(map.sid, "k", 1, None))).await.unwrap();
        host.stop().await;
        drop(host);

        let host = start(&store);
        let named = Target::parse(ObjectKind::Map, "a/b c:%");
        let found = host.sync_object(SERVICE, &named).unwrap().unwrap();
        assert_eq!((found.sid, found.event, found.items), (map.sid, 1, 1));
        let again = host.sync(command(put(map.sid, "k", 2, None))).await.unwrap();
        assert!(matches!(again, Reply::Item { item, .. } if item.event == 2));
        let stranger = host.sync_object(ServiceSid::new(7), &Target::of(map.sid)).unwrap();
        assert_eq!(stranger, None);
        host.stop().await;
    }
}

#[tokio::test]
async fn pages_of_items_stay_where_they_are_while_items_go() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let list = object(&host, create(ObjectKind::List, None)).await.sid;
        for n in 0..30 {
            let item = NewItem { data: data(n), ttl: None, collection_ttl: None };
            let action = Action::AddItem { object: Target::of(list), key: None, item };
            host.sync(command(action)).await.unwrap();
        }
        let (mut from, mut seen) = (None, Vec::new());
        loop {
            let page = host.sync_items(list, range(from, Direction::Ascending, 4)).await.unwrap();
            let Some(last) = page.last() else { break };
            from = Some((last.key.clone(), Bounds::Exclusive));
            for item in &page {
                seen.push(item.key.clone());
                let (object, key) = (Target::of(list), item.key.clone());
                let delete = Action::DeleteItem { object, key, if_match: None };
                host.sync(command(delete)).await.unwrap();
            }
        }
        assert_eq!(seen, (0..30).map(ItemKey::Index).collect::<Vec<_>>());
        let item = NewItem { data: data(0), ttl: None, collection_ttl: None };
        let action = Action::AddItem { object: Target::of(list), key: None, item };
        host.sync(command(action)).await.unwrap();
        let from = Some((ItemKey::Index(7), Bounds::Inclusive));
        let up = host.sync_items(list, range(from.clone(), Direction::Ascending, 4)).await.unwrap();
        assert_eq!(
            up.iter().map(|item| item.key.clone()).collect::<Vec<_>>(),
            [ItemKey::Index(30)]
        );
        let down = host.sync_items(list, range(from, Direction::Descending, 4)).await.unwrap();
        assert!(down.is_empty());
        host.stop().await;
    }
}

#[tokio::test]
async fn objects_of_all_buckets_are_one_list() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let mut made = Vec::new();
        for _ in 0..40 {
            made.push(object(&host, create(ObjectKind::Document, None)).await.sid);
            object(&host, create(ObjectKind::Map, None)).await;
        }
        made.sort_unstable();
        let buckets = BucketNumber::all().filter(|b| made.iter().any(|sid| sid.bucket() == *b));
        assert!(buckets.count() > 4, "they are spread");
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let direction = Direction::Ascending;
            let range = ObjectRange { kind: ObjectKind::Document, after, direction, limit: 7 };
            let page = host.sync_objects(SERVICE, range).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.sid);
            seen.extend(page.iter().map(|object| object.sid));
        }
        assert_eq!(seen, made);
        host.stop().await;
    }
}

#[tokio::test]
async fn what_expires_is_hidden_at_once_removed_and_told_also_after_a_restart() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let map = object(&host, create(ObjectKind::Map, None)).await.sid;
        for n in 0..250 {
            host.sync(command(put(map, &format!("k{n}"), n, Some(60 + n as i64 % 3))))
                .await
                .unwrap();
        }
        host.sync(command(put(map, "stays", 0, None))).await.unwrap();
        host.stop().await;
        drop(host);

        let host = start(&store);
        let mailbox = host.mailbox(None, 4 << 20);
        host.follow(&mailbox, SERVICE, map, 251);
        assert_eq!(replayed(&mailbox).await, (vec![], Replay::Completed));
        host.advance(Millis(120_000)).await;
        let left = host.sync_items(map, range(None, Direction::Ascending, 10)).await.unwrap();
        assert_eq!(left.len(), 1);
        let found = host.sync_object(SERVICE, &Target::of(map)).unwrap().unwrap();
        assert_eq!((found.items, found.event), (1, 501));
        let told = std::iter::from_fn(|| mailbox.try_next()).filter(|post| {
            matches!(post, Post::Live(news) if matches!(news.event.what, What::ItemRemoved { .. }))
        });
        assert_eq!(told.count(), 250);
        assert_eq!(rows(&*store, &tables::SYNC_DEADLINE), 0);
        host.stop().await;
    }
}

#[tokio::test]
async fn who_comes_back_is_told_everything_in_order_while_others_write() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let map = object(&host, create(ObjectKind::Map, None)).await.sid;
        for n in 0..250 {
            host.sync(command(put(map, &format!("k{}", n % 7), n, None))).await.unwrap();
        }
        let writer = tokio::spawn({
            let host = host.clone();
            async move {
                for n in 250..500 {
                    host.sync(command(put(map, &format!("k{}", n % 7), n, None))).await.unwrap();
                }
            }
        });
        let mailbox = host.mailbox(None, ROOM);
        host.follow(&mailbox, SERVICE, map, 100);
        let (mut ids, replay) = replayed(&mailbox).await;
        assert_eq!(replay, Replay::Completed);
        while ids.last().is_none_or(|last| *last < 500) {
            let Post::Live(news) = mailbox.next().await else { panic!("live from now on") };
            ids.push(news.event.id);
        }
        assert_eq!(ids, (101..=500).collect::<Vec<_>>());
        writer.await.unwrap();
        host.sync(command(Action::DeleteObject { object: Target::of(map), if_match: None }))
            .await
            .unwrap();
        let Post::Live(news) = mailbox.next().await else { panic!("the end is told") };
        assert!(matches!(news.event.what, What::ObjectRemoved { .. }) && news.event.id == 501);
        host.follow(&mailbox, SERVICE, map, 501);
        let failed = mailbox.next().await;
        let because = Some(Rejection::NotFound(ObjectKind::Map));
        assert!(matches!(failed, Post::Failed { because: b, .. } if b == because));
        let swept = host.forget_old_once(Retention::default()).await.unwrap();
        assert!(swept.rows >= 500, "{swept:?}");
        for table in [&tables::SYNC_ITEM, &tables::SYNC_EVENT, &tables::SYNC_GRAVE] {
            assert_eq!(rows(&*store, table), 0, "{}", table.name);
        }
        host.stop().await;
    }
}

#[tokio::test]
async fn a_log_that_was_forgotten_is_told_as_interrupted() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let map = object(&host, create(ObjectKind::Map, None)).await.sid;
        let document = object(&host, create(ObjectKind::Document, None)).await.sid;
        for n in 0..5 {
            host.sync(command(put(map, "k", n, None))).await.unwrap();
        }
        let (object, data, ttl) = (Target::of(document), Some(data(1)), None);
        let update = Action::UpdateObject { object, data, ttl, if_match: None };
        host.sync(command(update)).await.unwrap();
        host.advance(Millis::secs(25 * 60 * 60)).await;
        host.forget_old_once(Retention::default()).await.unwrap();
        host.sync(command(put(map, "k", 9, None))).await.unwrap();
        let mailbox = host.mailbox(None, ROOM);
        host.follow(&mailbox, SERVICE, map, 2);
        assert_eq!(replayed(&mailbox).await, (vec![], Replay::Interrupted));
        assert!(!mailbox.follows().contains(&map), "what comes now would hide what is missing");
        host.follow(&mailbox, SERVICE, document, 0);
        assert_eq!(replayed(&mailbox).await, (vec![1], Replay::Completed));
        host.stop().await;
    }
}

#[tokio::test]
async fn who_may_not_read_any_more_is_told_nothing_more() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let map = object(&host, create(ObjectKind::Map, None)).await.sid;
        let rights = |identity: &str, read| Action::SetPermission {
            object: Target::of(map),
            identity: identity.into(),
            rights: Rights { read, ..Rights::default() },
        };
        host.sync(command(rights("ann", true))).await.unwrap();
        let ann = host.mailbox(Some("ann".into()), ROOM);
        let bob = host.mailbox(Some("bob".into()), ROOM);
        for mailbox in [&ann, &bob] {
            host.follow(mailbox, SERVICE, map, 0);
            assert_eq!(replayed(mailbox).await.1, Replay::Completed);
        }
        let settings = Settings { acl_enabled: Some(true), ..Settings::default() };
        let (account, account_created_at, service) = (ACCOUNT, host.now(), SERVICE);
        let switch = ServiceCommand::Update { account, account_created_at, service, settings };
        host.sync_service(switch).await.unwrap();
        host.sync(command(put(map, "k", 1, None))).await.unwrap();
        assert!(matches!(ann.try_next(), Some(Post::Live(_))));
        assert!(matches!(bob.try_next(), Some(Post::Revoked(sid)) if sid == map));
        assert!(bob.try_next().is_none());
        host.follow(&bob, SERVICE, map, 0);
        let refused = bob.next().await;
        let because = Some(Rejection::Forbidden);
        assert!(matches!(refused, Post::Failed { because: b, .. } if b == because));
        let written = host.sync(by("ann", put(map, "k", 2, None))).await;
        assert_eq!(written, Err(Refusal::Rejected(Rejection::Forbidden)));
        host.sync(command(rights("ann", false))).await.unwrap();
        host.sync(command(put(map, "k", 3, None))).await.unwrap();
        assert!(matches!(ann.try_next(), Some(Post::Revoked(_))));
        assert!(ann.try_next().is_none());
        host.stop().await;
    }
}

#[tokio::test]
async fn a_slow_reader_loses_its_queue_and_follows_again() {
    let (store, _folder) = stores().remove(0);
    let host = start(&store);
    let map = object(&host, create(ObjectKind::Map, None)).await.sid;
    let slow = host.mailbox(None, 4_000);
    host.follow(&slow, SERVICE, map, 0);
    assert_eq!(replayed(&slow).await.1, Replay::Completed);
    for n in 0..100 {
        host.sync(command(put(map, "k", n, None))).await.unwrap();
        assert!(slow.bytes() <= 4_000);
    }
    let Some(Post::Interrupted { objects, because }) = slow.try_next() else {
        panic!("it lost its queue")
    };
    assert!(objects.contains(&map) && slow.try_next().is_none());
    assert_eq!(because, Loss::Full);
    host.follow(&slow, SERVICE, map, 3);
    assert_eq!(replayed(&slow).await, ((4..=100).collect(), Replay::Completed));
    host.stop().await;
}

#[tokio::test]
async fn a_deleted_service_is_gone_with_all_it_held() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let create_service =
            ServiceCommand::Create { account: ACCOUNT, settings: Settings::default() };
        let service = host.sync_service(create_service).await.unwrap().unwrap().sid;
        for _ in 0..40 {
            let action = create(ObjectKind::Document, None);
            host.sync(Command { service, ..command(action) }).await.unwrap();
        }
        let kept = object(&host, create(ObjectKind::Document, None)).await.sid;
        let delete = ServiceCommand::Delete { account: ACCOUNT, service };
        host.sync_service(delete).await.unwrap();
        assert!(host.sync_services().get(ACCOUNT, host.now(), service).is_none());
        while !host.sync_services().ending().is_empty() {
            tokio::task::yield_now().await;
        }
        host.advance(Millis(1)).await;
        assert_eq!(rows(&*store, &tables::SYNC_OBJECT), 1);
        assert!(host.sync_object(SERVICE, &Target::of(kept)).unwrap().is_some());
        let default = ServiceCommand::Delete { account: ACCOUNT, service: SERVICE };
        let refused = host.sync_service(default).await;
        assert_eq!(refused, Err(Refusal::Rejected(Rejection::DefaultService)));
        host.stop().await;
    }
}

#[tokio::test]
async fn what_is_gone_is_listed_newest_first_and_told_to_the_last_until_the_journal_ends() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let mut gone = Vec::new();
        for n in 0..40 {
            let name = format!("map {n}");
            let map = object(&host, create(ObjectKind::Map, Some(&name))).await.sid;
            host.sync(command(put(map, "kept", n, None))).await.unwrap();
            host.sync(command(put(map, "kept", n + 100, None))).await.unwrap();
            // In one millisecond with what was written last, and with each other by twos.
            let delete = Action::DeleteObject { object: Target::of(map), if_match: None };
            host.sync(command(delete)).await.unwrap();
            gone.push(map);
            host.advance(Millis(n as i64 % 2)).await;
        }
        // What it held is swept away, and much happens to others.
        host.forget_old_once(Retention::default()).await.unwrap();
        let busy = object(&host, create(ObjectKind::Map, None)).await.sid;
        for n in 0..300 {
            host.sync(command(put(busy, "k", n, None))).await.unwrap();
        }
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let search = RemovedSearch { kind: None, name_holds: None, after, limit: 7 };
            let page = host.sync_search_removed(SERVICE, search).await.unwrap();
            listed.extend(page.found);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert!(listed.is_sorted_by(|one, other| one.at >= other.at));
        let mut sids: Vec<_> = listed.iter().map(|one| one.sid).collect();
        sids.sort_unstable();
        gone.sort_unstable();
        assert_eq!(sids, gone);
        let holds = |text: &str, kind| RemovedSearch {
            kind,
            name_holds: Some(text.into()),
            after: None,
            limit: 3,
        };
        let found = host.sync_search_removed(SERVICE, holds("MAP 17", None)).await.unwrap();
        let [one] = &found.found[..] else { panic!("{found:?}") };
        let none = holds("map", Some(ObjectKind::Document));
        assert!(host.sync_search_removed(SERVICE, none).await.unwrap().found.is_empty());
        let other = ServiceSid::new(7);
        assert_eq!(host.sync_removed(other, one.sid).await.unwrap(), None);

        let ascending = || range(None, Direction::Ascending, 10);
        let (removed, then) = host.sync_last_state(SERVICE, one.sid, ascending()).await.unwrap();
        assert_eq!(&removed, one);
        let [(key, item)] = &then.items[..] else { panic!("{then:?}") };
        assert_eq!(key, &ItemKey::Key("kept".into()));
        assert_eq!(item.data.as_ref(), Some(&data(117)));
        let name = then.origin().and_then(|origin| origin.unique_name.as_deref());
        assert_eq!(name, Some("map 17"));
        let refused = host.sync_last_state(SERVICE, busy, ascending()).await;
        assert_eq!(refused.unwrap_err(), SyncPastError::NotFound, "it is there");

        host.advance(Millis::secs(31 * 24 * 60 * 60)).await;
        host.sync(command(put(busy, "k", 0, None))).await.unwrap();
        host.forget_old_once(Retention::default()).await.unwrap();
        assert_eq!(rows(&*store, &tables::SYNC_REMOVED), 0);
        host.stop().await;
    }
}

#[tokio::test]
async fn of_what_is_gone_nothing_is_made_up_where_the_journal_does_not_reach_its_beginning() {
    for (store, _folder) in stores() {
        let host = start(&store);
        let days = |n: i64| Millis::secs(n * 24 * 60 * 60);
        let map = object(&host, create(ObjectKind::Map, Some("old"))).await.sid;
        host.sync(command(put(map, "early", 1, None))).await.unwrap();
        let document = object(&host, create(ObjectKind::Document, Some("old"))).await.sid;
        host.advance(days(20)).await;
        let ttl = None;
        let update = Action::UpdateObject {
            object: Target::of(document),
            data: Some(data(2)),
            ttl,
            if_match: None,
        };
        host.sync(command(update)).await.unwrap();
        host.sync(command(put(map, "late", 2, None))).await.unwrap();
        for sid in [map, document] {
            let delete = Action::DeleteObject { object: Target::of(sid), if_match: None };
            host.sync(command(delete)).await.unwrap();
        }
        host.advance(days(15)).await;
        host.forget_old_once(Retention::default()).await.unwrap();
        let ascending = || range(None, Direction::Ascending, 10);
        let (_, then) = host.sync_last_state(SERVICE, document, ascending()).await.unwrap();
        assert_eq!(then.object.data, Some(data(2)));
        let name = then.origin().and_then(|origin| origin.unique_name.as_deref());
        assert_eq!(name, Some("old"), "its removal tells it");
        let refused = host.sync_last_state(SERVICE, map, ascending()).await;
        assert!(matches!(refused, Err(SyncPastError::ValueForgotten(_))), "{refused:?}");
        let range = HistoryRange { item: None, before: None, limit: 10 };
        let history = host.sync_history(SERVICE, map, range).await.unwrap();
        assert_eq!((history.entries.len(), history.is_cut), (2, true));
        host.stop().await;
    }
}
