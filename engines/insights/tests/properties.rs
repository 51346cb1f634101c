//! Whoever follows a query holds what a fresh look at every item finds, whatever happened on the
//! way: lines cut between two events, restarts, reading that ran ahead.

use base::{Sid, Timestamp};
use insights::{
    Answers, Bounds, Document, Index, Item, Number, Place, Query, QuerySid, Recent, Told, What,
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const NOW: Timestamp = Timestamp(0);
/// Changes that are looked through for what concerned an item.
const LOOKED_BACK: Number = 4;
const SMALL: Bounds = Bounds { left: 5, at_once: 3, whole: 7, whole_bytes: 10_000 };

/// A client library: it heeds nothing about an item that is not newer than what it knows of it.
#[derive(Clone, Debug, Default)]
struct Client {
    items: BTreeMap<Sid, (Option<Arc<str>>, Number)>,
    last: Number,
}

impl Client {
    fn hear(&mut self, told: &Told) {
        match &told.what {
            What::Updated(item) => self.update(item),
            What::Removed { key, revision } => {
                let known = self.items.get(key).map_or(0, |(_, known)| *known);
                if known < *revision {
                    self.items.insert(*key, (None, *revision));
                }
            }
            What::Whole(items) => {
                let kept: BTreeSet<Sid> = items.iter().map(|item| item.key).collect();
                for (key, held) in &mut self.items {
                    if held.0.is_some() && !kept.contains(key) {
                        *held = (None, 0);
                    }
                }
                items.iter().for_each(|item| self.update(item));
            }
        }
        self.last = self.last.max(told.complete);
    }

    fn update(&mut self, item: &Item) {
        let known = self.items.get(&item.key).map_or(0, |(_, known)| *known);
        if known < item.revision {
            self.items.insert(item.key, (Some(item.data.clone()), item.revision));
        }
    }

    fn holds(&self) -> BTreeMap<Sid, Arc<str>> {
        let held = self.items.iter();
        held.filter_map(|(key, (data, _))| Some((*key, data.clone()?))).collect()
    }
}

/// What there is, and every change that is durable, with those that are still to be taken in.
struct World {
    items: BTreeMap<Sid, u8>,
    changes: Vec<BTreeMap<Sid, Option<u8>>>,
    taken: usize,
    answers: Answers,
    query: Arc<Query>,
    client: Client,
    /// `None` while the line is cut.
    place: Option<Link>,
}

enum Link {
    Replaying(Place),
    Live,
}

#[derive(Clone, Debug)]
enum Step {
    /// Something becomes durable.
    Change(BTreeMap<u8, Option<u8>>),
    /// It is taken in, and so many of what it comes to arrive before the line is cut.
    Take(Option<u8>),
    /// Some more of what was missed is told, and so many of it arrive.
    Replay(Option<u8>),
    /// The line is there again.
    Connect,
    /// What was taken in is forgotten, and what is durable is read.
    Restart,
    /// The same while changes become durable: what is read is ahead of its number.
    RestartBusy,
    /// Everything is read again, ahead of the changes still to be taken in.
    Reload,
    /// The query is given up and asked anew.
    Reopen,
}

fn key(n: u8) -> Sid {
    Sid::new(*b"WK", n.into())
}

fn document(n: u8) -> Document {
    Document::new(&format!("{{\"n\":{n}}}"))
}

impl World {
    fn new() -> Self {
        let query = Query::parse(Sid::new(*b"WS", 1), Index::Workers, "data.n > 3");
        let mut world = Self {
            items: BTreeMap::new(),
            // A workspace begins with a change.
            changes: vec![BTreeMap::new()],
            taken: 1,
            answers: Answers::new(SMALL),
            query: Arc::new(query.expect("it makes sense")),
            client: Client::default(),
            place: None,
        };
        world.restart(1);
        world
    }

    fn documents(&self) -> BTreeMap<Sid, Document> {
        self.items.iter().map(|(key, n)| (*key, document(*n))).collect()
    }

    fn restart(&mut self, taken: usize) {
        self.answers = Answers::new(SMALL);
        self.taken = taken;
        let (through, ahead) = (taken as Number, self.changes.len() as Number);
        assert!(self.answers.replace((through, ahead), self.documents(), NOW).is_empty());
        self.answers.open(&self.query, NOW);
        self.place = None;
    }

    fn reload(&mut self) {
        let (through, ahead) = (self.taken as Number, self.changes.len() as Number);
        let told = self.answers.replace((through, ahead), self.documents(), NOW);
        self.tell(told, None);
    }

    fn take(&mut self, arriving: Option<u8>) {
        let Some(change) = self.changes.get(self.taken) else { return };
        let changed = change.iter().map(|(key, n)| (*key, n.map(document))).collect();
        self.taken += 1;
        let told = self.answers.take(self.taken as Number, changed, NOW);
        self.tell(told, arriving);
    }

    fn tell(&mut self, told: Vec<(QuerySid, Told)>, arriving: Option<u8>) {
        if !matches!(self.place, Some(Link::Live)) {
            return;
        }
        let arrive = arriving.map_or(told.len(), usize::from);
        told.iter().take(arrive).for_each(|(_, told)| self.client.hear(told));
        if arrive < told.len() {
            self.place = None;
        }
    }

    /// What concerned items of late, the last changes of all left out.
    fn recent(&self, (after, through): (Number, Number)) -> Recent {
        let since = through.saturating_sub(LOOKED_BACK).max(after);
        let mut numbers = BTreeMap::new();
        for number in since + 1..=through {
            let change = &self.changes[number as usize - 1];
            numbers.extend(change.keys().map(|key| (*key, number)));
        }
        Recent { since, through, numbers }
    }

    fn look_back(&mut self, asked: Option<(Number, Number)>) {
        if let Some(asked) = asked {
            let recent = self.recent(asked);
            self.answers.remember(recent);
            self.answers.forget_before(asked.1.saturating_sub(LOOKED_BACK));
        }
    }

    fn replay(&mut self, arriving: Option<u8>) {
        let Some(Link::Replaying(place)) = &mut self.place else { return };
        let asked = self.answers.looks_back(self.query.sid(), *place);
        self.look_back(asked);
        let Some(Link::Replaying(place)) = &mut self.place else { return };
        let told = self.answers.missed(self.query.sid(), place, NOW);
        assert!(told.len() <= SMALL.at_once, "{}", told.len());
        let arrive = arriving.map_or(told.len(), usize::from);
        told.iter().take(arrive).for_each(|told| self.client.hear(told));
        if arrive < told.len() {
            self.place = None;
        } else if told.is_empty() {
            // As the word that it follows tells it.
            self.client.last = self.client.last.max(self.answers.through());
            self.place = Some(Link::Live);
        }
    }

    fn connect(&mut self) {
        self.place = Some(Link::Replaying(Place::After(self.client.last, None)));
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Change(writes) => {
                let writes: BTreeMap<Sid, Option<u8>> =
                    writes.into_iter().map(|(n, value)| (key(n), value)).collect();
                for (key, n) in &writes {
                    match n {
                        Some(n) => _ = self.items.insert(*key, *n),
                        None => _ = self.items.remove(key),
                    }
                }
                self.changes.push(writes);
            }
            Step::Take(arriving) => self.take(arriving),
            Step::Replay(arriving) => self.replay(arriving),
            Step::Connect => self.connect(),
            Step::Restart => self.restart(self.changes.len()),
            Step::RestartBusy => self.restart(self.taken),
            Step::Reload => self.reload(),
            Step::Reopen => {
                self.answers.close(self.query.sid());
                self.answers.open(&self.query, NOW);
                self.place = None;
            }
        }
    }

    /// Everything is taken in and told.
    fn settle(&mut self) {
        while self.taken < self.changes.len() {
            self.take(None);
        }
        if self.place.is_none() {
            self.connect();
        }
        for _ in 0..1_000 {
            if matches!(self.place, Some(Link::Live)) {
                return;
            }
            self.replay(None);
        }
        panic!("there is always more to be told");
    }

    fn naive(&self) -> BTreeMap<Sid, Arc<str>> {
        let matching = self.items.iter().filter(|(_, n)| **n > 3);
        matching.map(|(key, n)| (*key, document(*n).text(NOW))).collect()
    }
}

fn step() -> impl Strategy<Value = Step> {
    let writes = prop::collection::btree_map(0u8..20, prop::option::of(0u8..8), 1..12);
    let arriving = || prop::option::weighted(0.3, 0u8..4);
    prop_oneof![
        8 => writes.prop_map(Step::Change),
        8 => arriving().prop_map(Step::Take),
        8 => arriving().prop_map(Step::Replay),
        3 => Just(Step::Connect),
        1 => Just(Step::Restart),
        1 => Just(Step::RestartBusy),
        1 => Just(Step::Reload),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_follower_ends_with_what_a_fresh_look_finds(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
        prop_assert_eq!(world.client.holds(), world.naive());
    }
}

#[test]
fn pages_hold_each_item_once_and_say_whether_there_are_more() {
    let mut world = World::new();
    world.step(Step::Change((0..20).map(|n| (n, Some(n % 8))).collect()));
    world.take(None);
    let (mut behind, mut keys) = (None, Vec::new());
    loop {
        let page = world.answers.page(world.query.sid(), behind, 4, NOW);
        assert_eq!(page.complete, 2);
        keys.extend(page.items.iter().map(|item| item.key));
        behind = page.next;
        if behind.is_none() {
            break;
        }
        assert_eq!(page.items.len(), 4);
    }
    assert_eq!(keys, world.naive().into_keys().collect::<Vec<_>>());
}

#[test]
fn what_reads_as_before_is_not_told_again() {
    let mut world = World::new();
    world.step(Step::Change(BTreeMap::from([(1, Some(5))])));
    world.take(None);
    let same = BTreeMap::from([(key(1), Some(document(5)))]);
    assert!(world.answers.take(3, same.clone(), NOW).is_empty());
    assert_eq!(world.answers.through(), 3);
    assert!(world.answers.take(2, BTreeMap::from([(key(1), None)]), NOW).is_empty(), "it is in");
    // A query that held for nothing is told nothing.
    let other = Query::parse(Sid::new(*b"WS", 1), Index::Workers, "data.n == 0").unwrap();
    let other = Arc::new(other);
    world.answers.open(&other, NOW);
    let told = world.answers.take(4, BTreeMap::from([(key(1), Some(document(6)))]), NOW);
    assert!(matches!(&*told, [(sid, _)] if *sid == world.query.sid()), "{told:?}");
    assert_eq!((world.answers.count(), world.answers.knows(other.sid())), (2, true));
}

#[test]
fn what_somebody_has_as_it_is_is_no_news_to_them_after_a_restart() {
    let mut world = World::new();
    let hears = |world: &mut World| {
        world.connect();
        let before = world.client.clone();
        world.replay(None);
        let held = &world.client.items;
        let news = held.iter().filter(|(key, now)| before.items.get(key) != Some(now));
        let news: Vec<Sid> = news.map(|(key, _)| *key).collect();
        while !matches!(world.place, Some(Link::Live)) {
            world.replay(None);
        }
        assert_eq!(world.client.holds(), world.naive());
        news
    };
    world.step(Step::Change((0..6).map(|n| (n, Some(5))).collect()));
    world.take(None);
    assert_eq!(hears(&mut world).len(), 6);
    // Something else of the workspace, then one item while the line is cut, and one that leaves.
    world.step(Step::Change(BTreeMap::from([(19, Some(0))])));
    world.take(None);
    world.step(Step::Change(BTreeMap::from([(2, Some(6)), (4, None)])));
    world.step(Step::Restart);
    assert_eq!(hears(&mut world), [key(2), key(4)]);
    // What became of it since the restart counts as well.
    world.step(Step::Change(BTreeMap::from([(3, Some(6))])));
    world.place = None;
    world.step(Step::Restart);
    world.step(Step::Change(BTreeMap::from([(5, Some(7))])));
    world.take(None);
    assert_eq!(hears(&mut world), [key(3), key(5)]);
    // Who was away for longer than is looked back hears of everything.
    for n in 0..LOOKED_BACK + 2 {
        world.step(Step::Change(BTreeMap::from([(18, Some((n % 2) as u8))])));
    }
    world.step(Step::Restart);
    assert_eq!(hears(&mut world).len(), 5);
}

#[test]
fn of_a_large_result_nothing_leaves_and_comes_after_a_restart() {
    let mut world = World::new();
    world.step(Step::Change((0..15).map(|n| (n, Some(5))).collect()));
    world.take(None);
    world.settle();
    let before = world.client.clone();
    world.step(Step::Change(BTreeMap::from([(2, Some(6)), (9, None), (19, Some(7))])));
    world.step(Step::Restart);
    world.connect();
    let mut told = Vec::new();
    while let Some(Link::Replaying(place)) = &mut world.place {
        if let Some(asked) = world.answers.looks_back(world.query.sid(), *place) {
            world.look_back(Some(asked));
            continue;
        }
        let some = world.answers.missed(world.query.sid(), place, NOW);
        if some.is_empty() {
            break;
        }
        told.extend(some);
    }
    assert_eq!(told.len(), 3, "{told:?}");
    told.iter().for_each(|told| world.client.hear(told));
    assert_eq!(world.client.holds(), world.naive());
    assert_eq!(before.holds().len(), 15);
}
