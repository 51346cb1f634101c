//! What objects of sync were, against a recording that was made while it happened.

use crate::{start, stores};
use base::{Draws, Millis, Sid, Timestamp};
use host::{
    Bounds, Happened, HistoryRange, Host, ItemRange, ObjectRange, Refusal, Retention,
    SyncPastError, Then, adapters::SyncEngine,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use store::{Direction, Store};
use sync::{
    Action, Caller, Command, Enforcement, Item, ItemKey, ItemThen, NewItem, Object, ObjectKind,
    ObjectSid, Payload, Reply, Rights, ServiceSid, Target, Ttl,
};

const SERVICE: ServiceSid = ServiceSid::default_of(Sid::new(*b"AC", 0x1234));
const STEPS: usize = 300;
const DAY: Millis = Millis::secs(24 * 60 * 60);

/// An object as readers saw it at a moment.
type Seen = Option<(Arc<Object>, Vec<Arc<Item>>)>;

/// A random application, with a recording of what it saw after each step.
struct Recording {
    draws: Draws,
    host: Host,
    store: Arc<dyn Store>,
    sids: Vec<ObjectSid>,
    seen: BTreeMap<(ObjectSid, Timestamp), Seen>,
}

impl Recording {
    async fn made(store: &Arc<dyn Store>, seed: u64) -> Self {
        let (draws, host) = (Draws::new(seed), start(store));
        let (sids, seen) = (Vec::new(), BTreeMap::new());
        let mut recording = Self { draws, host, store: store.clone(), sids, seen };
        // Times of creation are told from what was never before.
        recording.host.advance(DAY).await;
        for _ in 0..STEPS {
            recording.step().await;
            recording.look().await;
        }
        recording
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draws.below(bound)
    }

    async fn step(&mut self) {
        match self.below(36) {
            0 => {
                self.host.stop().await;
                self.host = start(&self.store);
                // A clock that is moved by hand goes on from what was last written.
                let now = self.host.now();
                self.seen.retain(|(_, at), _| *at <= now);
            }
            1..12 => {
                let ms = [1, 400, 999, 2_500][self.below(4) as usize];
                self.host.advance(Millis(ms)).await;
            }
            _ => {
                let command = self.command();
                match self.host.sync(command).await {
                    Ok(Reply::Object(object)) if !self.sids.contains(&object.sid) => {
                        self.sids.push(object.sid);
                    }
                    Ok(_) | Err(Refusal::Rejected(_)) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }

    fn command(&mut self) -> Command {
        let identity = ["ann", "bob"][self.below(2) as usize];
        let caller = match self.below(3) {
            0 => Caller::Client {
                identity: identity.into(),
                endpoint: None,
                enforcement: Enforcement::Off,
            },
            _ => Caller::System,
        };
        Command { service: SERVICE, caller, action: self.action() }
    }

    fn action(&mut self) -> Action {
        if self.sids.len() < 3 || self.below(25) == 0 {
            let kind = ObjectKind::ALL[self.below(3) as usize];
            let unique_name = (self.below(2) == 0).then(|| Arc::from("name"));
            let ttl = if self.below(4) == 0 { self.ttl() } else { None };
            return Action::CreateObject { kind, unique_name, data: None, ttl };
        }
        let which = self.below(self.sids.len() as u64) as usize;
        let sid = self.sids[which];
        let (object, kind) = (Target::of(sid), sid.kind());
        match (self.below(20), kind) {
            (0, _) if self.below(3) == 0 => Action::DeleteObject { object, if_match: None },
            (1, _) => {
                let rights = Rights { read: self.below(2) == 0, ..Rights::default() };
                Action::SetPermission { object, identity: "eve".into(), rights }
            }
            (2, _) => {
                let ttl = self.long_ttl();
                Action::UpdateObject { object, data: None, ttl, if_match: None }
            }
            (_, ObjectKind::Document) => {
                let (data, ttl) = (Some(self.data()), self.long_ttl());
                Action::UpdateObject { object, data, ttl, if_match: None }
            }
            (3..6, _) => Action::DeleteItem { object, key: self.key(kind), if_match: None },
            (6..9, _) => {
                let data = (self.below(2) == 0).then(|| self.data());
                let (key, ttl, collection_ttl) = (self.key(kind), self.ttl(), self.long_ttl());
                Action::UpdateItem { object, key, data, ttl, collection_ttl, if_match: None }
            }
            (_, ObjectKind::List) => Action::AddItem { object, key: None, item: self.item() },
            _ => {
                let ItemKey::Key(key) = self.key(kind) else { panic!("maps have keys") };
                Action::PutItem { object, key, item: self.item(), if_match: None }
            }
        }
    }

    fn key(&mut self, kind: ObjectKind) -> ItemKey {
        match kind {
            ObjectKind::List => ItemKey::Index(self.below(9)),
            _ => ItemKey::Key(["a", "b/c", "ü", "d"][self.below(4) as usize].into()),
        }
    }

    fn ttl(&mut self) -> Option<Ttl> {
        let seconds = [None, None, None, Some(0), Some(1), Some(3), Some(40)];
        let seconds = seconds[self.below(7) as usize];
        seconds.map(|seconds| Ttl::new("Ttl", seconds).unwrap())
    }

    /// For ever, mostly, or so long that something happens meanwhile.
    fn long_ttl(&mut self) -> Option<Ttl> {
        let seconds = [None, None, Some(0), Some(20), Some(60)][self.below(5) as usize];
        seconds.map(|seconds| Ttl::new("Ttl", seconds).unwrap())
    }

    fn data(&mut self) -> Payload {
        Payload::parse(format!("{{\"n\":{}}}", self.below(1_000))).unwrap()
    }

    fn item(&mut self) -> NewItem {
        let collection_ttl = if self.below(4) == 0 { self.long_ttl() } else { None };
        NewItem { data: self.data(), ttl: self.ttl(), collection_ttl }
    }

    /// Of one instant, what was seen last holds.
    async fn look(&mut self) {
        let now = self.host.now();
        for sid in self.sids.clone() {
            let found = self.host.sync_object(SERVICE, &Target::of(sid)).unwrap();
            let seen = match found {
                None => None,
                Some(object) => {
                    let all = range(Direction::Ascending, 1_000);
                    Some((object, self.host.sync_items(sid, all).await.unwrap()))
                }
            };
            self.seen.insert((sid, now), seen);
        }
    }

    /// Everything that was seen is what is told of that moment now.
    async fn compare(&mut self) {
        let recorded = self.seen.clone();
        let there = recorded.values().flatten().count();
        let items: usize = recorded.values().flatten().map(|(_, items)| items.len()).sum();
        assert!(there > 100 && items > 200, "{there} objects, {items} items");
        for ((sid, at), seen) in recorded {
            let told = self.told(sid, at).await;
            match (&seen, &told) {
                (None, Err(SyncPastError::NotThere)) => {}
                (Some((object, items)), Ok(then)) => {
                    let at = format!("{sid} at {at:?}");
                    is_object(then, object, &at);
                    let expected = items.iter().map(|item| (item.key.clone(), ItemThen::of(item)));
                    assert_eq!(then.items, expected.collect::<Vec<_>>(), "{at}");
                }
                (seen, told) => panic!("{sid} at {at:?}: {told:?} instead of {seen:?}"),
            }
        }
    }

    /// All pages of a moment, in a random order and of random size.
    async fn told(&mut self, sid: ObjectSid, at: Timestamp) -> Result<Then, SyncPastError> {
        let direction = match self.below(2) {
            0 => Direction::Ascending,
            _ => Direction::Descending,
        };
        let mut range = range(direction, 1 + self.below(5) as usize);
        let mut whole: Option<Then> = None;
        loop {
            let then = self.host.sync_then(SERVICE, sid, (at, range.clone())).await?;
            let next = then.next.clone();
            assert!(then.items.len() <= range.limit);
            match &mut whole {
                None => whole = Some(then),
                Some(whole) => {
                    assert_eq!(whole.object, then.object);
                    whole.items.extend(then.items);
                }
            }
            match next {
                Some(key) => range.from = Some((key, Bounds::Exclusive)),
                None => break,
            }
        }
        let mut whole = whole.expect("one page at least");
        if direction == Direction::Descending {
            whole.items.reverse();
        }
        Ok(whole)
    }

    /// What the journal holds of an object, the newest first.
    fn journal(&self, sid: ObjectSid) -> Vec<Happened> {
        let entries = self.store.journal(&format!("sync-{}", sid.bucket()), 0, usize::MAX).unwrap();
        let happened = entries.iter().rev().map(|entry| {
            let change = SyncEngine::read(entry).unwrap();
            Happened { seq: entry.seq, at: entry.at, change }
        });
        happened.filter(|one| one.change.object() == Some(sid)).collect()
    }

    async fn compare_histories(&mut self) {
        for sid in self.sids.clone() {
            let expected = self.journal(sid);
            let keys = expected.iter().filter_map(|one| one.change.item().cloned());
            let keys: BTreeSet<Option<ItemKey>> = keys.map(Some).chain([None]).collect();
            for item in keys {
                let wanted: Vec<_> = expected
                    .iter()
                    .filter(|one| item.is_none() || one.change.item() == item.as_ref())
                    .cloned()
                    .collect();
                let (mut told, mut before) = (Vec::new(), None);
                loop {
                    let limit = 1 + self.below(9) as usize;
                    let range = HistoryRange { item: item.clone(), before, limit };
                    let page = self.host.sync_history(SERVICE, sid, range).await.unwrap();
                    told.extend(page.entries);
                    assert!(!page.is_cut);
                    match page.next {
                        Some((seq, _)) => before = Some(seq),
                        None => break,
                    }
                }
                assert_eq!(told, wanted, "{sid} {item:?}");
            }
        }
    }
}

fn is_object(then: &Then, seen: &Object, at: &str) {
    let told = &then.object;
    assert_eq!(told.event, seen.event, "{at}");
    assert_eq!(told.items, Some(seen.items), "{at}");
    assert_eq!(told.data, seen.data, "{at}");
    assert_eq!(told.updated_at, Some(seen.updated_at), "{at}");
    assert_eq!(told.expires_at, Some(seen.expires_at), "{at}");
    let origin = told.origin.as_ref().expect("it is there, or its beginning is");
    assert_eq!(
        (origin.service, &origin.unique_name, &origin.created_by, origin.created_at),
        (seen.service, &seen.unique_name, &seen.created_by, seen.created_at),
        "{at}"
    );
}

const fn range(direction: Direction, limit: usize) -> ItemRange {
    ItemRange { from: None, direction, limit }
}

#[tokio::test]
async fn what_was_is_told_as_it_was_seen() {
    for seed in 0..2 {
        for (store, _folder) in stores() {
            let mut recording = Recording::made(&store, seed).await;
            assert!(recording.sids.len() > 4, "some were made again");
            recording.compare().await;
            recording.compare_histories().await;
            // Without the places of events, every entry is looked at.
            recording.host.advance(Millis(3 * DAY.0)).await;
            recording.host.forget_old_once(Retention::default()).await.unwrap();
            recording.compare().await;
            recording.compare_histories().await;
            recording.host.stop().await;
        }
    }
}

#[tokio::test]
async fn of_a_journal_that_was_shortened_nothing_is_made_up() {
    for (store, _folder) in stores() {
        let mut recording = Recording::made(&store, 77).await;
        let retention = Retention { journal: Millis(60_000), ..Retention::default() };
        recording.host.advance(Millis(45_000)).await;
        recording.look().await;
        recording.host.forget_old_once(retention).await.unwrap();
        let (mut told, mut partly, mut refused) = (0, 0, 0);
        for ((sid, at), seen) in recording.seen.clone() {
            match (&seen, recording.told(sid, at).await) {
                (Some((object, items)), Ok(then)) => {
                    assert_eq!(then.object.event, object.event, "{sid} at {at:?}");
                    assert_eq!(then.object.data, object.data, "{sid} at {at:?}");
                    let places = |items: &[(ItemKey, ItemThen)]| -> Vec<ItemKey> {
                        items.iter().map(|(key, _)| key.clone()).collect()
                    };
                    // Of an item of which nothing is known but that it was there, nobody knows
                    // whether it had expired.
                    let known: Vec<_> =
                        then.items.iter().filter(|(_, item)| item.is_whole()).cloned().collect();
                    partly += then.items.len() - known.len();
                    let seen: BTreeMap<&ItemKey, &Arc<Item>> =
                        items.iter().map(|item| (&item.key, item)).collect();
                    for (key, item) in &known {
                        let seen = seen.get(key).map(|item| ItemThen::of(item));
                        assert_eq!(seen.as_ref(), Some(item), "{sid} at {at:?}");
                    }
                    let there = places(&then.items);
                    assert!(seen.keys().all(|key| there.contains(key)), "{sid} at {at:?}");
                    told += 1;
                }
                (None, Err(SyncPastError::NotThere | SyncPastError::NotFound)) => {}
                (_, Err(SyncPastError::Forgotten(since))) => {
                    assert!(since > at, "{sid} at {at:?}");
                    refused += 1;
                }
                (_, Err(SyncPastError::NotFound)) => {
                    let found = recording.host.sync_object(SERVICE, &Target::of(sid)).unwrap();
                    assert_eq!(found, None, "{sid} at {at:?}");
                    refused += 1;
                }
                (_, Err(SyncPastError::ValueForgotten(_))) => refused += 1,
                (seen, told) => panic!("{sid} at {at:?}: {told:?} instead of {seen:?}"),
            }
        }
        assert!(
            told > 40 && partly > 0 && refused > 100,
            "{told} told, {partly} in parts, {refused} refused"
        );
        recording.host.stop().await;
    }
}

#[tokio::test]
async fn objects_of_other_services_have_no_past_here() {
    let (store, _folder) = stores().remove(0);
    let mut recording = Recording::made(&store, 3).await;
    let other = ServiceSid::new(9);
    let history = HistoryRange { item: None, before: None, limit: 10 };
    let (now, unknown) = (recording.host.now(), ObjectSid::new(ObjectKind::Map, 0xfff0));
    recording.sids.push(unknown);
    for sid in recording.sids.clone() {
        let service = if sid == unknown { SERVICE } else { other };
        let told = recording.host.sync_history(service, sid, history.clone()).await;
        assert_eq!(told.unwrap_err(), SyncPastError::NotFound);
        let moment = (now, range(Direction::Ascending, 10));
        let told = recording.host.sync_then(service, sid, moment).await;
        assert_eq!(told.unwrap_err(), SyncPastError::NotFound);
    }
    let kind = ObjectKind::Map;
    let all = ObjectRange { kind, after: None, direction: Direction::Ascending, limit: 100 };
    assert!(recording.host.sync_objects(other, all).await.unwrap().is_empty());
    recording.host.stop().await;
}
