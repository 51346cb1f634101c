//! Random commands: whatever comes, a bucket with a small memory answers as one that holds
//! everything, and both as the model says; rows, journal and memory agree.

use crate::{
    disk::{BUCKET, Served},
    model::Model,
};
use base::{Draws, Millis, Timestamp};
use std::{collections::BTreeMap, sync::Arc};
use sync::{
    Action, Bounds, Bucket, BucketNumber, Caller, Command, Enforcement, Entity, EventId, IfMatch,
    ItemKey, Key, Limits, NewItem, ObjectKind, ObjectSid, Payload, Reply, Rights, ServiceSid,
    Target, Ttl,
};

const SMALL: Bounds = Bounds { entities: 10, bytes: 4_000 };
const LARGE: Bounds = Bounds { entities: usize::MAX, bytes: usize::MAX };
const BEGIN: Timestamp = Timestamp(1_767_225_600_000);

/// Chooses commands, knowing what was made so far.
struct Dice {
    draws: Draws,
    sids: Vec<ObjectSid>,
    revisions: Vec<EventId>,
}

impl Dice {
    fn new(seed: u64) -> Self {
        Self { draws: Draws::new(seed), sids: Vec::new(), revisions: vec![0] }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draws.below(bound)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    fn service(&mut self) -> ServiceSid {
        ServiceSid::new(1 + u128::from(self.below(8) == 0))
    }

    /// A name that leads to the bucket.
    fn name(&mut self, service: ServiceSid, kind: ObjectKind) -> Arc<str> {
        let from = self.below(4) * 1_000;
        let mut names = (from..).map(|n| format!("name {n}"));
        let fits = |name: &String| BucketNumber::of_name(service, kind, name) == BUCKET;
        names.find(fits).expect("one in sixteen does").into()
    }

    fn target(&mut self, service: ServiceSid) -> Target {
        let kind = self.pick(&ObjectKind::ALL);
        if self.sids.is_empty() || self.below(3) == 0 {
            let name = self.name(service, kind);
            return Target::parse(kind, &name);
        }
        let sid = self.pick(&self.sids.clone());
        Target::of(sid)
    }

    fn ttl(&mut self) -> Option<Ttl> {
        let seconds = self.pick(&[None, None, None, Some(0), Some(1), Some(5), Some(60)]);
        seconds.map(|seconds| Ttl::new("Ttl", seconds).expect("in bounds"))
    }

    fn data(&mut self) -> Payload {
        let (n, spaces) = (self.below(1_000), self.below(300) as usize);
        Payload::parse(format!("{{\"n\":{n}{}}}", " ".repeat(spaces))).expect("an object")
    }

    fn item(&mut self) -> NewItem {
        let collection_ttl = if self.below(6) == 0 { self.ttl() } else { None };
        NewItem { data: self.data(), ttl: self.ttl(), collection_ttl }
    }

    fn if_match(&mut self) -> Option<IfMatch> {
        match self.below(8) {
            0 => Some(IfMatch::Absent),
            1..4 => {
                let newest = self.revisions.len().saturating_sub(12);
                let revisions = self.revisions[newest..].to_vec();
                Some(IfMatch::Revision(self.pick(&revisions)))
            }
            _ => None,
        }
    }

    fn key(&mut self, kind: ObjectKind) -> ItemKey {
        match kind {
            ObjectKind::List => ItemKey::Index(self.below(8)),
            _ => ItemKey::Key(self.map_key()),
        }
    }

    fn map_key(&mut self) -> Arc<str> {
        self.pick(&["a", "b", "ä/ö", "c d", "e"]).into()
    }

    fn identity(&mut self) -> Arc<str> {
        self.pick(&["ann", "bob"]).into()
    }

    fn caller(&mut self) -> Caller {
        if self.below(3) > 0 {
            return Caller::System;
        }
        let enforcement = self.pick(&[Enforcement::On, Enforcement::Off]);
        Caller::Client { identity: self.identity(), endpoint: None, enforcement }
    }

    fn command(&mut self) -> Command {
        let (service, caller) = (self.service(), self.caller());
        let action = self.action(service);
        Command { service, caller, action }
    }

    fn action(&mut self, service: ServiceSid) -> Action {
        let of_items = |dice: &mut Self, kinds: &[ObjectKind]| loop {
            let target = dice.target(service);
            if kinds.contains(&target.kind) {
                return target;
            }
        };
        let (list, map) = ([ObjectKind::List], [ObjectKind::Map]);
        match self.below(20) {
            0..3 => {
                let kind = self.pick(&ObjectKind::ALL);
                let unique_name = (self.below(3) > 0).then(|| self.name(service, kind));
                let data = (self.below(2) > 0).then(|| self.data());
                Action::CreateObject { kind, unique_name, data, ttl: self.ttl() }
            }
            3..5 => {
                let (object, if_match) = (self.target(service), self.if_match());
                let data = (self.below(3) > 0).then(|| self.data());
                Action::UpdateObject { object, data, ttl: self.ttl(), if_match }
            }
            5 => Action::DeleteObject { object: self.target(service), if_match: self.if_match() },
            6..8 => {
                let object = of_items(self, &list);
                Action::AddItem { object, key: None, item: self.item() }
            }
            8..10 => {
                let (object, key) = (of_items(self, &map), Some(self.map_key()));
                Action::AddItem { object, key, item: self.item() }
            }
            10..13 => {
                let (object, key) = (of_items(self, &map), self.map_key());
                Action::PutItem { object, key, item: self.item(), if_match: self.if_match() }
            }
            13..15 => {
                let object = of_items(self, &[ObjectKind::List, ObjectKind::Map]);
                let key = self.key(object.kind);
                let data = (self.below(3) > 0).then(|| self.data());
                let (ttl, collection_ttl, if_match) = (self.ttl(), None, self.if_match());
                Action::UpdateItem { object, key, data, ttl, collection_ttl, if_match }
            }
            15..17 => {
                let object = of_items(self, &[ObjectKind::List, ObjectKind::Map]);
                let key = self.key(object.kind);
                Action::DeleteItem { object, key, if_match: self.if_match() }
            }
            17 => {
                Action::Publish { object: of_items(self, &[ObjectKind::Stream]), data: self.data() }
            }
            18 => {
                let (object, identity) = (self.target(service), self.identity());
                let (read, write, manage) = (true, self.below(2) > 0, self.below(2) > 0);
                Action::SetPermission { object, identity, rights: Rights { read, write, manage } }
            }
            _ => {
                Action::DeletePermission { object: self.target(service), identity: self.identity() }
            }
        }
    }

    fn hear(&mut self, reply: &Reply) {
        match reply {
            Reply::Object(object) => {
                if !self.sids.contains(&object.sid) {
                    self.sids.push(object.sid);
                }
                self.revisions.push(object.event);
            }
            Reply::Item { item, .. } => self.revisions.push(item.event),
            _ => {}
        }
        if self.sids.len() > 30 {
            self.sids.remove(0);
        }
    }
}

/// What must be in rows, as the model writes it.
fn text(served: &Served) -> String {
    let there = served.disk.reachable();
    let mut lines = Vec::new();
    for entity in there.values() {
        match entity {
            Entity::Object(object) => {
                let data = object.data.as_ref().map(|data| data.text().to_owned());
                let (sid, event, expires_at) = (object.sid, object.event, object.expires_at);
                lines.push(format!("{sid} {event} {data:?} {expires_at:?} {}", object.items));
            }
            Entity::Item(item) => {
                let (data, expires_at) = (item.data.text(), item.expires_at);
                let (object, key, event) = (item.object, &item.key, item.event);
                lines.push(format!("{object} {key:?} {event} {data} {expires_at:?}"));
            }
            Entity::Name(_) | Entity::Permission(_) => {}
        }
    }
    lines.sort();
    lines.join("\n")
}

/// Numbers of events rise by one in each object, whatever happened to memory.
fn assert_numbers_rise(served: &Served) {
    let mut newest: BTreeMap<ObjectSid, EventId> = BTreeMap::new();
    for change in &served.journal {
        let Some((object, event)) = change.logged() else { continue };
        let before = newest.insert(object, event).unwrap_or(0);
        assert_eq!(event, before + 1, "events of {object}");
    }
    let told: Vec<_> = served.events.iter().filter(|event| event.what.is_logged()).collect();
    let logged: Vec<_> = served.journal.iter().filter_map(sync::Change::logged).collect();
    let told: Vec<_> = told.iter().map(|event| (event.object, event.id)).collect();
    assert_eq!(told, logged, "what is told is what the journal says");
}

#[test]
fn a_small_memory_answers_as_a_large_one_and_as_the_model() {
    let (mut loads, mut full) = (0, 0);
    for seed in 0..60 {
        let mut dice = Dice::new(seed);
        let items_max = (seed % 3 == 0).then_some(2);
        let served =
            |memory, lag| Served::within(Limits { items_max, memory, ..Limits::default() }, lag);
        let (mut small, mut large) = (served(SMALL, 3), served(LARGE, 0));
        let mut model = Model { items_max, ..Model::default() };
        let mut now = BEGIN;
        for step in 0..600 {
            now = now + Millis(dice.pick(&[0, 0, 1, 40, 700]));
            if dice.below(5) == 0 {
                small.expire(now);
                large.expire(now);
                model.expire(now);
            }
            let command = dice.command();
            let (reply, other) = (small.run(now, &command), large.run(now, &command));
            assert_eq!(reply, other, "seed {seed} step {step}: {command:?}");
            let said = model.run(&command, now, reply.as_ref().ok());
            let code = reply.as_ref().map(|_| ()).map_err(sync::Rejection::code);
            assert_eq!(code, said, "seed {seed} step {step}: {command:?}");
            full += usize::from(said == Err(54009));
            if let Ok(reply) = &reply {
                dice.hear(reply);
            }
            small.bucket.check();
            large.bucket.check();
        }
        small.settle();
        assert_eq!(small.journal, large.journal, "seed {seed}");
        assert_eq!(small.disk, large.disk, "seed {seed}");
        assert_eq!(text(&small), model.text(), "seed {seed}");
        let (held, _) = small.bucket.in_memory();
        assert!(held <= SMALL.entities, "{held} are held");
        assert_numbers_rise(&small);
        assert_replay_is_the_state(&large);
        loads += small.loads;
    }
    assert!(full > 20, "{full} items too many: the bound was too large to show anything");
    assert!(loads > 1_000, "{loads} loads: the memory was too large to show anything");
}

/// Journal = memory = rows.
fn assert_replay_is_the_state(served: &Served) {
    let limits = Limits { memory: LARGE, ..Limits::default() };
    let mut replayed = Bucket::new(BUCKET, limits);
    for change in &served.journal {
        let kept = serde_json::to_string(change).expect("plain data");
        let read: sync::Change = serde_json::from_str(&kept).expect("plain data");
        assert_eq!(&read, change, "a change survives the journal");
        replayed.apply(&read);
    }
    assert_eq!(replayed.digest(), served.bucket.digest());
    let mut restored = Bucket::restore(BUCKET, limits, served.disk.purges.clone());
    for (key, entity) in served.disk.reachable() {
        restored.page_in(key, Some(entity));
    }
    assert_eq!(restored.digest(), served.bucket.digest());
}

#[test]
fn what_was_durable_survives_a_crash_and_numbers_go_on() {
    for seed in 100..140 {
        let mut dice = Dice::new(seed);
        let mut served = Served::new(SMALL, 4);
        let mut now = BEGIN;
        for _ in 0..600 {
            now = now + Millis(dice.pick(&[0, 0, 1, 40, 700]));
            match dice.below(40) {
                0 => served.crash(SMALL),
                1..8 => served.expire(now),
                _ => {}
            }
            let command = dice.command();
            if let Ok(reply) = served.run(now, &command) {
                dice.hear(&reply);
            }
            served.bucket.check();
        }
        served.settle();
        assert_numbers_rise(&served);
        let limits = Limits { memory: LARGE, ..Limits::default() };
        let mut replayed = Bucket::new(BUCKET, limits);
        served.journal.iter().for_each(|change| replayed.apply(change));
        let mut restored = Bucket::restore(BUCKET, limits, served.disk.purges.clone());
        for (key, entity) in served.disk.reachable() {
            restored.page_in(key, Some(entity));
        }
        assert_eq!(restored.digest(), replayed.digest(), "seed {seed}");
        // Whatever expires is found, however long nobody comes.
        served.expire(now + Millis::secs(100_000));
        served.settle();
        let mortal = served.disk.objects().filter(|object| object.expires_at.is_some()).count();
        let there = served.disk.reachable();
        let items = served.disk.items().filter(|item| item.expires_at.is_some());
        let items = items.filter(|item| there.contains_key(&Key::Object(item.object))).count();
        assert_eq!((mortal, items), (0, 0), "seed {seed}");
    }
}
