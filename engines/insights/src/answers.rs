//! The items of one index, and which of them each query holds for.
//!
//! * What is told of one change names the change before it as the one up to which everything is
//!   known, and only the last of it names the change itself: a line that is cut in between loses
//!   nothing.
//! * An item that reads as before is not told again, except while what was read at the beginning
//!   may be ahead of the changes that are still to come.

use crate::{Document, Number, Query, QuerySid};
use base::{Sid, Timestamp};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, mem,
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

/// The first change of all: whoever has an item knows it at least as of this one.
const FIRST: Number = 1;

/// What is remembered and told at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Items that left, remembered for those who come back; of more, the newest.
    pub left: usize,
    /// Items told at a time to somebody who comes back.
    pub at_once: usize,
    /// Items told anew in one piece: what a client holds beside them is taken from it.
    pub whole: usize,
    /// Bytes of them, about.
    pub whole_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { left: 1_000, at_once: 100, whole: 1_000, whole_bytes: 512 * 1024 }
    }
}

/// An item that a query holds for.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// Its SID.
    pub key: Sid,
    /// JSON.
    pub data: Arc<str>,
    /// The change that made it what it is.
    pub revision: Number,
}

/// Customer data: only the size shows.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({}, {} bytes, {})", self.key, self.data.len(), self.revision)
    }
}

/// What became of an item, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The query holds for it, and it is like this now.
    Updated(Item),
    /// The query holds for it no longer, or it is gone.
    Removed {
        /// Which.
        key: Sid,
        /// By which change.
        revision: Number,
    },
    /// The query holds for these and no others.
    Whole(Vec<Item>),
}

/// Something to be told to whoever follows a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub what: What,
    /// Whoever was told this, and all before, knows everything up to this change.
    pub complete: Number,
}

/// Some items that a query holds for, by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In order.
    pub items: Vec<Item>,
    /// The last one of these, where there are more.
    pub next: Option<Sid>,
    /// Whoever has all of them knows everything up to this change.
    pub complete: Number,
}

/// Which change last concerned an item. It may have left the item as it was; whoever knows
/// everything up to it has the item as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Changes up to this one are not known: they may have concerned any item.
    pub since: Number,
    /// The last change that is known.
    pub through: Number,
    /// By item; those that are not named were not concerned.
    pub numbers: BTreeMap<Sid, Number>,
}

/// How far somebody who comes back was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Everything up to this change, and of the change behind it up to this key.
    After(Number, Option<(Number, Sid)>),
    /// Of all items those up to this key, as they were at or after that change.
    Among(Sid, Number),
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    items: BTreeMap<Sid, Held>,
    answers: BTreeMap<QuerySid, Answer>,
    /// Every change up to this one is in.
    through: Number,
    /// Changes up to this one may be in already.
    ahead: Number,
    /// What changes concerned, once that was asked for.
    recent: Option<Recent>,
    bounds: Bounds,
}

#[derive(Clone, Debug)]
struct Held {
    document: Document,
    revision: Number,
}

#[derive(Clone, Debug)]
struct Answer {
    query: Arc<Query>,
    keys: BTreeSet<Sid>,
    left: Left,
    /// What left at or before this change is not known.
    floor: Number,
}

/// Items that left, by key and by number.
#[derive(Clone, Debug, Default)]
struct Left {
    numbers: BTreeMap<Sid, Number>,
    order: BTreeSet<(Number, Sid)>,
}

impl Answers {
    /// No items and no queries.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// The items as they were read. Every change up to `through` is in them, and some up to
    /// `ahead` may be. What is told is told to those who followed before.
    pub fn replace(
        &mut self,
        (through, ahead): (Number, Number),
        documents: BTreeMap<Sid, Document>,
        now: Timestamp,
    ) -> Vec<(QuerySid, Told)> {
        let gone: Vec<Sid> =
            self.items.keys().filter(|key| !documents.contains_key(key)).copied().collect();
        let gone = gone.into_iter().map(|key| (key, None));
        let there = documents.into_iter().map(|(key, document)| (key, Some(document)));
        // What was read ahead and told under the number before may have been passed over.
        let is_ahead = self.through < self.ahead;
        let told = self.change(through, gone.chain(there).collect(), is_ahead, now);
        self.ahead = self.ahead.max(ahead);
        told
    }

    /// What a change, or several up to `through`, made of some items; `None` for what is gone.
    /// What is in already is passed over.
    pub fn take(
        &mut self,
        through: Number,
        changed: BTreeMap<Sid, Option<Document>>,
        now: Timestamp,
    ) -> Vec<(QuerySid, Told)> {
        match through > self.through {
            true => self.change(through, changed, through <= self.ahead, now),
            false => Vec::new(),
        }
    }

    fn change(
        &mut self,
        through: Number,
        changed: BTreeMap<Sid, Option<Document>>,
        is_ahead: bool,
        now: Timestamp,
    ) -> Vec<(QuerySid, Told)> {
        let after = through.max(self.through);
        let before = mem::replace(&mut self.through, after);
        let mut told: BTreeMap<QuerySid, Vec<What>> = BTreeMap::new();
        for (key, document) in changed {
            let held = self.items.get(&key);
            if held.map(|held| &held.document) == document.as_ref() && !is_ahead {
                continue;
            }
            let seen = document.as_ref().map(|document| self.seen(key, document, through, now));
            match document {
                Some(document) => {
                    _ = self.items.insert(key, Held { document, revision: through });
                }
                None => _ = self.items.remove(&key),
            }
            for (sid, answer) in &mut self.answers {
                let what = answer.take(key, through, seen.as_ref(), is_ahead, now);
                answer.forget(self.bounds.left);
                if let Some(what) = what {
                    told.entry(*sid).or_default().push(what);
                }
            }
        }
        let mut all = Vec::new();
        for (sid, whats) in told {
            let last = whats.len() - 1;
            let complete = |at: usize| if at == last { self.through } else { before };
            let numbered = whats.into_iter().enumerate();
            all.extend(numbered.map(|(at, what)| (sid, Told { what, complete: complete(at) })));
        }
        all
    }

    /// The item and its value, if there is a query that looks at it.
    fn seen(
        &self,
        key: Sid,
        document: &Document,
        revision: Number,
        now: Timestamp,
    ) -> (Item, Value) {
        match self.answers.is_empty() {
            true => (Item { key, data: "".into(), revision }, Value::Null),
            false => (Item { key, data: document.text(now), revision }, document.value(now)),
        }
    }

    /// Answers a query from now on.
    pub fn open(&mut self, query: &Arc<Query>, now: Timestamp) {
        if self.answers.contains_key(&query.sid()) {
            return;
        }
        let holds = |(key, held): (&Sid, &Held)| {
            query.holds(&held.document.value(now), now).then_some(*key)
        };
        let keys = self.items.iter().filter_map(holds).collect();
        let (query, left, floor) = (query.clone(), Left::default(), self.through);
        self.answers.insert(query.sid(), Answer { query, keys, left, floor });
    }

    /// Answers a query no longer.
    pub fn close(&mut self, query: QuerySid) {
        self.answers.remove(&query);
    }

    /// The queries that are answered.
    pub fn queries(&self) -> impl Iterator<Item = QuerySid> {
        self.answers.keys().copied()
    }

    /// How many queries are answered.
    pub fn count(&self) -> usize {
        self.answers.len()
    }

    /// Whether a query is answered.
    pub fn knows(&self, query: QuerySid) -> bool {
        self.answers.contains_key(&query)
    }

    /// Every change up to this one is in.
    pub fn through(&self) -> Number {
        self.through
    }

    /// Changes up to this one may be in already.
    pub fn ahead(&self) -> Number {
        self.ahead
    }

    /// Where somebody who was told as far as `place` would be told everything anew: the changes,
    /// behind the first and up to the second, of which it is to be said what they concerned. See
    /// [`Answers::remember`].
    pub fn looks_back(&self, query: QuerySid, place: Place) -> Option<(Number, Number)> {
        let answer = self.answers.get(&query)?;
        let is_missing = match place {
            Place::After(number, _) => number > 0 && !self.knows_since(answer, number),
            Place::Among(..) => false,
        };
        let remembered = self.recent.as_ref().map_or(0, |recent| recent.through);
        (is_missing && remembered < answer.floor).then_some((remembered, self.through))
    }

    /// Says what changes concerned. Once somebody was told anew, in pieces, what they knew before,
    /// nobody may look further back than then.
    pub fn remember(&mut self, recent: Recent) {
        let before = self.recent.take().filter(|before| recent.since <= before.through);
        let Some(mut before) = before else {
            self.recent = Some(recent);
            return;
        };
        before.numbers.extend(recent.numbers);
        before.through = recent.through;
        self.recent = Some(before);
    }

    /// Remembers nothing of changes up to this one.
    pub fn forget_before(&mut self, since: Number) {
        if let Some(recent) = self.recent.as_mut().filter(|recent| recent.since < since) {
            recent.since = since;
            recent.numbers.retain(|_, number| *number > since);
        }
    }

    /// Items that an answered query holds for, behind a key; empty for a query that is not
    /// answered.
    pub fn page(&self, query: QuerySid, behind: Option<Sid>, limit: usize, now: Timestamp) -> Page {
        let (mut items, mut next) = (Vec::new(), None);
        for key in self.behind(query, behind) {
            if items.len() == limit {
                next = items.last().map(|item: &Item| item.key);
                break;
            }
            items.push(self.item(key, now));
        }
        Page { items, next, complete: self.through }
    }

    /// The next of what somebody missed who was told as far as `place`, which moves on; nothing
    /// when nothing is missing.
    pub fn missed(&self, query: QuerySid, place: &mut Place, now: Timestamp) -> Vec<Told> {
        let Some(answer) = self.answers.get(&query) else { return Vec::new() };
        match *place {
            Place::After(number, within) if !self.knows_since(answer, number) => {
                let before = *place;
                let told = self.whole(query, number, place, now);
                if matches!(place, Place::After(..)) || !self.remembers(number) {
                    return told;
                }
                // Of what does not fit into one piece the rest would leave and come.
                *place = before;
                self.later(answer, number, within, place, now)
            }
            Place::Among(_, number) if !self.knows_since(answer, number) => {
                self.whole(query, 0, place, now)
            }
            Place::Among(behind, since) => {
                let told = self.others(query, (behind, since), place, now);
                if told.is_empty() { self.missed(query, place, now) } else { told }
            }
            Place::After(complete, within) => self.later(answer, complete, within, place, now),
        }
    }

    /// Whether what changed and left since a change is known.
    fn knows_since(&self, answer: &Answer, number: Number) -> bool {
        (answer.floor..=self.through).contains(&number)
    }

    fn behind(&self, query: QuerySid, behind: Option<Sid>) -> impl Iterator<Item = Sid> {
        let from = behind.map_or(Unbounded, Excluded);
        let answer = self.answers.get(&query).into_iter();
        answer.flat_map(move |answer| answer.keys.range((from, Unbounded)).copied())
    }

    fn item(&self, key: Sid, now: Timestamp) -> Item {
        let held = self.items.get(&key).expect("an answer holds what is there");
        Item { key, data: held.document.text(now), revision: held.revision }
    }

    /// Everything anew, or as much as fits, to somebody who knows everything up to `known`: what
    /// they have as it is comes under the first number of all, so that it is not news to them.
    fn whole(
        &self,
        query: QuerySid,
        known: Number,
        place: &mut Place,
        now: Timestamp,
    ) -> Vec<Told> {
        let Bounds { whole, whole_bytes, .. } = self.bounds;
        let (mut items, mut bytes) = (Vec::new(), 0);
        for key in self.behind(query, None) {
            let is_full = items.len() >= whole || bytes >= whole_bytes;
            if let Some(last) = items.last().map(|item: &Item| item.key).filter(|_| is_full) {
                *place = Place::Among(last, self.through);
                return vec![Told { what: What::Whole(items), complete: 0 }];
            }
            let mut item = self.item(key, now);
            if self.remembers(known) && self.concerned(key, item.revision) <= known {
                item.revision = FIRST;
            }
            bytes += item.data.len();
            items.push(item);
        }
        *place = Place::After(self.through, None);
        vec![Told { what: What::Whole(items), complete: self.through }]
    }

    /// Whether it is known what concerned the items since a change.
    fn remembers(&self, number: Number) -> bool {
        self.recent.as_ref().is_some_and(|recent| number > 0 && number >= recent.since)
    }

    /// The change up to which an item is to be known to be known as it is.
    fn concerned(&self, key: Sid, revision: Number) -> Number {
        match &self.recent {
            Some(recent) if revision <= recent.through => {
                recent.numbers.get(&key).copied().unwrap_or_default()
            }
            _ => revision,
        }
    }

    /// What did not fit.
    fn others(
        &self,
        query: QuerySid,
        (behind, since): (Sid, Number),
        place: &mut Place,
        now: Timestamp,
    ) -> Vec<Told> {
        let mut keys = self.behind(query, Some(behind));
        let some: Vec<Sid> = keys.by_ref().take(self.bounds.at_once.max(1)).collect();
        let is_end = keys.next().is_none();
        *place = match some.last() {
            Some(last) if !is_end => Place::Among(*last, since),
            _ => Place::After(since, None),
        };
        let told = |(at, key): (usize, &Sid)| {
            let complete = if is_end && at + 1 == some.len() { since } else { 0 };
            Told { what: What::Updated(self.item(*key, now)), complete }
        };
        some.iter().enumerate().map(told).collect()
    }

    /// What became of each item since then, oldest first.
    fn later(
        &self,
        answer: &Answer,
        mut complete: Number,
        within: Option<(Number, Sid)>,
        place: &mut Place,
        now: Timestamp,
    ) -> Vec<Told> {
        let from = within.unwrap_or((complete, Sid::new(*b"ZZ", u128::MAX)));
        let concerned = |key: &Sid| self.concerned(*key, self.items[key].revision);
        let there = answer.keys.iter().map(|key| (concerned(key), *key, true));
        let left = answer.left.order.iter().map(|(number, key)| (*number, *key, false));
        // Whether it was there before is not known.
        let recent = self.recent.iter().flat_map(|recent| &recent.numbers);
        let may_have_left = recent.filter(|(key, _)| {
            !answer.keys.contains(key) && !answer.left.numbers.contains_key(key)
        });
        let may_have_left = may_have_left.map(|(key, number)| (*number, *key, false));
        let is_new = |one: &(Number, Sid, bool)| (one.0, one.1) > from;
        let mut all: Vec<_> = there.chain(left).chain(may_have_left).filter(is_new).collect();
        all.sort_unstable();
        let mut told = Vec::new();
        for (at, (number, key, is_there)) in all.iter().take(self.bounds.at_once.max(1)).enumerate()
        {
            let what = match is_there {
                true => What::Updated(self.item(*key, now)),
                false => What::Removed { key: *key, revision: *number },
            };
            complete = match all.get(at + 1) {
                Some((next, ..)) if next == number => complete,
                Some(_) => *number,
                None => self.through,
            };
            *place = match complete >= *number {
                true => Place::After(complete, None),
                false => Place::After(complete, Some((*number, *key))),
            };
            told.push(Told { what, complete });
        }
        told
    }
}

impl Answer {
    fn take(
        &mut self,
        key: Sid,
        number: Number,
        seen: Option<&(Item, Value)>,
        is_ahead: bool,
        now: Timestamp,
    ) -> Option<What> {
        if let Some((item, value)) = seen
            && self.query.holds(value, now)
        {
            self.keys.insert(key);
            self.left.remove(key);
            return Some(What::Updated(item.clone()));
        }
        // What was read ahead may have been told under a number that its follower knew already,
        // and not been heeded: it is told again, whoever held it.
        let was_there = self.keys.remove(&key) || is_ahead;
        was_there.then(|| {
            self.left.add(key, number);
            What::Removed { key, revision: number }
        })
    }

    /// Remembers no more than `left` items that left.
    fn forget(&mut self, left: usize) {
        while self.left.order.len() > left {
            let (number, key) = self.left.order.pop_first().expect("there are more than that");
            self.left.numbers.remove(&key);
            self.floor = self.floor.max(number);
        }
    }
}

impl Left {
    fn add(&mut self, key: Sid, number: Number) {
        self.remove(key);
        self.numbers.insert(key, number);
        self.order.insert((number, key));
    }

    fn remove(&mut self, key: Sid) {
        if let Some(number) = self.numbers.remove(&key) {
            self.order.remove(&(number, key));
        }
    }
}
