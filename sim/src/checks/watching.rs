//! Followers of live queries, over lines that are cut and servers that start anew: each ends with
//! what the durable rows say.
//!
//! * Items come from the host's own indexes, fed with each durable batch; what is read meanwhile is
//!   the store as it is, which may be ahead.
//! * Which items a query holds for is judged on the rows, without what live queries are made of.

use super::place::{Finding, Place};
use base::{Sid, Timestamp};
use host::live_queries::{Indexes, Unread, written};
use insights::{Index, Item, Number, Place as Where, Query, QuerySid, What};
use routing::{TaskStatus, WorkspaceSid};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use store::{Batch, MemoryStore};
use testkit::Random;

const CHECKER: &str = "who follows a live query holds what rows say";

/// What is followed.
const QUERIES: [(Index, &str); 4] = [
    (Index::Workers, "data.available == true"),
    (Index::Tasks, "data.assignment_status == 'pending'"),
    (Index::Reservations, "data.task.priority < 5"),
    (Index::Queues, ""),
];

/// All workspaces.
#[derive(Debug, Default)]
pub(super) struct Watching(BTreeMap<WorkspaceSid, Watch>);

#[derive(Debug)]
struct Watch {
    workspace: WorkspaceSid,
    indexes: Indexes,
    clients: Vec<Client>,
    random: Random,
}

/// A client library: of an item it heeds nothing that is not newer than what it knows.
#[derive(Debug)]
struct Client {
    query: Arc<Query>,
    items: BTreeMap<Sid, (bool, Number)>,
    last: Number,
    is_live: bool,
}

impl Watching {
    /// Takes a durable batch in.
    pub(super) fn apply(
        &mut self,
        workspace: WorkspaceSid,
        batch: &Batch,
        store: &MemoryStore,
    ) -> Option<Finding> {
        let watch = self.0.entry(workspace).or_insert_with(|| Watch::new(workspace));
        match watch.apply(batch, store) {
            Ok(finding) => finding.map(|what| (CHECKER, what)),
            // It is removed by a batch that is durable already.
            Err(Unread::Gone) => None,
            Err(Unread::Store(error)) => Some((CHECKER, error.to_string())),
        }
    }

    /// A workspace was removed.
    pub(super) fn gone(&mut self, workspace: WorkspaceSid) {
        self.0.remove(&workspace);
    }

    /// Everybody comes back and is told everything.
    pub(super) fn look(
        &mut self,
        places: &BTreeMap<WorkspaceSid, Place>,
        store: &MemoryStore,
    ) -> Option<Finding> {
        for (workspace, watch) in &mut self.0 {
            let Some(place) = places.get(workspace) else { continue };
            if let Err(what) = watch.look(place, store) {
                return Some((CHECKER, format!("{workspace}: {what}")));
            }
        }
        None
    }
}

impl Watch {
    fn new(workspace: WorkspaceSid) -> Self {
        let query = |(index, text)| Query::parse(workspace.sid(), index, text);
        let client = |asked| Client {
            query: Arc::new(query(asked).expect("the queries make sense")),
            items: BTreeMap::new(),
            last: 0,
            is_live: false,
        };
        Self {
            workspace,
            indexes: Indexes::new(workspace),
            clients: QUERIES.into_iter().map(client).collect(),
            random: Random::new(workspace.body() as u64),
        }
    }

    fn apply(&mut self, batch: &Batch, store: &MemoryStore) -> Result<Option<String>, Unread> {
        if self.random.percent(1) {
            // The server starts anew; whoever was there comes back some time.
            self.indexes = Indexes::new(self.workspace);
            self.clients.iter_mut().for_each(|client| client.is_live = false);
        }
        let (through, now) = (batch.next() - 1, batch.at);
        let told = self.indexes.take(through, &written(batch), store, now)?;
        self.tell(&told);
        for at in 0..self.clients.len() {
            if self.random.percent(2) {
                self.clients[at].is_live = false;
            }
            if !self.clients[at].is_live && self.random.percent(10) {
                let query = self.clients[at].query.clone();
                let told = self.indexes.open(&query, store, now)?;
                self.tell(&told);
                if let Some(what) = self.come_back(at, now) {
                    return Ok(Some(what));
                }
            }
        }
        Ok(None)
    }

    /// Each hears what is told of its query, unless its line is cut in between.
    fn tell(&mut self, told: &[(QuerySid, insights::Told)]) {
        for (query, told) in told {
            let live = self.clients.iter_mut().filter(|client| client.is_live);
            for client in live.filter(|client| client.query.sid() == *query) {
                if self.random.percent(2) {
                    client.is_live = false;
                } else {
                    client.hear(told);
                }
            }
        }
    }

    /// Is told what it missed, or a part of it.
    fn come_back(&mut self, at: usize, now: Timestamp) -> Option<String> {
        let client = &mut self.clients[at];
        let answers = self.indexes.answers(client.query.index()).expect("it was opened");
        if client.last > answers.through() {
            let (last, through) = (client.last, answers.through());
            return Some(format!("{last} was told, and now the newest is {through}"));
        }
        let mut place = Where::After(client.last, None);
        loop {
            let told = answers.missed(client.query.sid(), &mut place, now);
            if told.is_empty() {
                (client.last, client.is_live) = (answers.through(), true);
                return None;
            }
            for told in told {
                if self.random.percent(2) {
                    return None;
                }
                client.hear(&told);
            }
        }
    }

    fn look(&mut self, place: &Place, store: &MemoryStore) -> Result<(), String> {
        let now = Timestamp(0);
        for (at, (index, text)) in QUERIES.iter().enumerate() {
            let query = self.clients[at].query.clone();
            match self.indexes.open(&query, store, now) {
                Ok(told) => self.tell(&told),
                Err(Unread::Gone) => return Ok(()),
                Err(Unread::Store(error)) => return Err(error.to_string()),
            }
            while !self.clients[at].is_live {
                self.come_back(at, now).map_or(Ok(()), Err)?;
            }
            let (held, wanted) = (self.clients[at].holds(), place.keys(at));
            if held != wanted {
                return Err(format!("{index} {text}: {held:?} is held, {wanted:?} is there"));
            }
        }
        Ok(())
    }
}

impl Client {
    fn hear(&mut self, told: &insights::Told) {
        match &told.what {
            What::Updated(item) => self.update(item),
            What::Removed { key, revision } => self.set(*key, false, *revision),
            What::Whole(items) => {
                let kept: BTreeSet<Sid> = items.iter().map(|item| item.key).collect();
                for (key, held) in &mut self.items {
                    if !kept.contains(key) {
                        *held = (false, 0);
                    }
                }
                items.iter().for_each(|item| self.update(item));
            }
        }
        self.last = self.last.max(told.complete);
    }

    fn update(&mut self, item: &Item) {
        self.set(item.key, true, item.revision);
    }

    fn set(&mut self, key: Sid, is_there: bool, revision: Number) {
        if self.items.get(&key).is_none_or(|(_, known)| *known < revision) {
            self.items.insert(key, (is_there, revision));
        }
    }

    fn holds(&self) -> BTreeSet<Sid> {
        let there = self.items.iter().filter(|(_, (is_there, _))| *is_there);
        there.map(|(key, _)| *key).collect()
    }
}

impl Place {
    /// The keys that one of [`QUERIES`] holds for. A row whose task or activity is lost counts as
    /// none of them: that is for other checkers to say.
    fn keys(&self, at: usize) -> BTreeSet<Sid> {
        match QUERIES[at].0 {
            Index::Workers => {
                let workers = self.workers.values().map(|(worker, _)| worker);
                let available = workers.filter(|worker| {
                    self.activities.get(&worker.activity).is_some_and(|activity| activity.available)
                });
                available.map(|worker| worker.sid.sid()).collect()
            }
            Index::Tasks => {
                let pending = |task: &&routing::Task| task.status == TaskStatus::Pending;
                self.tasks.values().filter(pending).map(|task| task.sid.sid()).collect()
            }
            Index::Reservations => {
                let small = |one: &&routing::Reservation| {
                    self.tasks.get(&one.task).is_some_and(|task| task.priority < 5)
                };
                self.open().filter(small).map(|reservation| reservation.sid.sid()).collect()
            }
            Index::Queues => self.queues.keys().map(|queue| queue.sid()).collect(),
        }
    }
}
