//! Sync under faults: a few buckets, random commands, commits that fail or whose fate is unknown,
//! crashes, restarts, stores that cannot be read, and those who follow; then calm, and a look.
//!
//! Promises:
//! * what was answered is durable, and numbers of events that were answered or told never fall;
//! * what was told is what the journal says;
//! * rows, journal and a bucket that holds everything agree in the end;
//! * whoever follows is told everything, once and in order, and knows in the end what there is.

mod writer;

use crate::{
    Broken,
    followers::{Course, Crowd, Switchboard, Tally},
};
use base::{IdSource, Millis, Timestamp};
use host::{
    adapters::SyncEngine,
    clock::MANUAL_START,
    committer::{GroupCommitter, Health},
    engine::Engine,
    outlets::{Outlets, SyncOptions},
    seat::{Job, Seat, Weather},
    work::{Settled, Work, deliver},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use store::{CommitError, MemoryStore, PartitionId, Store};
use sync::{Bounds, Command, EventId, Item, Limits, Object, ObjectSid, Rejection, Reply};
use testkit::{Fault, FaultyStore, Random};
use tokio::sync::{
    mpsc::Receiver as Feed,
    oneshot::{Receiver, channel},
};

const BUCKETS: [&str; 3] = ["sync-0", "sync-7", "sync-f"];
const STEPS: u64 = 250;
/// Time does not pass by more at once: lines show a sign of life in between.
const MOMENT_MS: i64 = 15_000;

/// What happened, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketCounts {
    /// Commands that were carried out.
    pub done: u64,
    /// Commands without a clear answer.
    pub unclear: u64,
    /// Events that were told.
    pub told: u64,
    /// Crashes.
    pub crashes: u64,
    /// What happened to those who follow.
    pub followers: Tally,
}

type Answer = Result<Reply, host::Refusal<Rejection>>;

/// Everything that a crash loses.
struct Machine {
    outlets: Arc<Outlets>,
    health: Arc<Health>,
    committer: GroupCommitter,
    seats: BTreeMap<PartitionId, (Seat<SyncEngine>, Settled)>,
    under_way: VecDeque<Work>,
    feed: Feed<Arc<host::News>>,
    answers: Vec<Receiver<Answer>>,
    board: Switchboard,
}

struct World {
    random: Random,
    memory: MemoryStore,
    store: FaultyStore,
    now: Timestamp,
    known: Vec<ObjectSid>,
    revisions: Vec<EventId>,
    /// The newest number anybody heard of.
    newest: BTreeMap<ObjectSid, EventId>,
    told: Vec<sync::Event>,
    crowd: Crowd,
    counts: BucketCounts,
    broken: Option<Broken>,
}

/// Runs a seed once.
pub fn run(seed: u64) -> Result<BucketCounts, Broken> {
    let memory = MemoryStore::new();
    let mut random = Random::new(seed).branch("buckets");
    let mut world = World {
        crowd: Crowd::new(random.branch("followers")),
        random,
        store: FaultyStore::new(Arc::new(memory.clone())),
        memory,
        now: MANUAL_START,
        known: Vec::new(),
        revisions: vec![0],
        newest: BTreeMap::new(),
        told: Vec::new(),
        counts: BucketCounts::default(),
        broken: None,
    };
    let mut machine = Some(world.start());
    for _ in 0..STEPS {
        if world.random.percent(1) {
            world.counts.crashes += 1;
            machine = None;
        }
        let running = machine.get_or_insert_with(|| world.start());
        world.step(running);
        if world.random.percent(1) {
            world.stop(running);
            machine = None;
        }
        if world.broken.is_some() {
            break;
        }
    }
    let mut machine = machine.unwrap_or_else(|| world.start());
    world.calm_down(&mut machine);
    world.compare();
    world.counts.followers = world.crowd.tally();
    world.broken.map_or(Ok(world.counts), Err)
}

impl World {
    fn fail(&mut self, checker: &'static str, what: String) {
        self.broken.get_or_insert(Broken { checker, what });
    }

    fn start(&mut self) -> Machine {
        self.store.heal();
        let shared: Arc<dyn Store> = Arc::new(self.store.clone());
        let (outlets, health) = (Arc::new(Outlets::default()), Arc::new(Health::default()));
        let memory = Bounds { entities: 12, bytes: 4_000 };
        let limits = Limits { memory, ..Limits::default() };
        let options = SyncOptions { limits, events_kept: 8 };
        outlets.sync.options.set(options).expect("they are new");
        let feed = outlets.sync.hub.feed(100_000);
        let committer = GroupCommitter::new(shared.clone(), health.clone());
        let known = self.store.partitions().expect("memory can be read");
        let mut seats = BTreeMap::new();
        for bucket in BUCKETS {
            let (ids, id) = (IdSource::new(self.random.draw()), PartitionId::from(bucket));
            let known = known.iter().find(|known| known.id == id).cloned();
            let seat = match known {
                Some(known) => Seat::restore(known, shared.clone(), outlets.clone(), ids)
                    .expect("rows that were written can be read")
                    .expect("a bucket never ends"),
                None => Seat::new(id.clone(), shared.clone(), outlets.clone(), ids),
            };
            seats.insert(id, (seat, Settled::default()));
        }
        let (under_way, answers) = (VecDeque::new(), Vec::new());
        let board = Switchboard::new(self.random.draw(), shared, outlets.clone(), self.now);
        Machine { outlets, health, committer, seats, under_way, feed, answers, board }
    }

    /// Time passes: mostly little, seldom minutes.
    fn pass(&mut self, machine: &mut Machine) {
        let mut left_ms = match self.random.below(100) {
            0..88 => self.random.below(400),
            88..97 => self.random.below(6_000),
            _ => self.random.below(240_000),
        } as i64;
        while left_ms > 0 {
            let moment_ms = left_ms.min(MOMENT_MS);
            left_ms -= moment_ms;
            self.now = self.now + Millis(moment_ms);
            machine.board.wake(self.now);
        }
    }

    /// The server ends as it is meant to: everybody is sent away, and what was said is durable.
    fn stop(&mut self, machine: &mut Machine) {
        let sent = machine.board.offload(self.now);
        self.hold(sent);
        let left = self.crowd.step(self.now, &[], &mut machine.board);
        self.hold(left);
        self.store.heal();
        for _ in 0..10 {
            self.commit_first(machine, usize::MAX);
        }
        self.listen(machine);
    }

    fn hold(&mut self, checked: Result<(), Broken>) {
        if let Err(Broken { checker, what }) = checked {
            self.fail(checker, what);
        }
    }

    fn step(&mut self, machine: &mut Machine) {
        self.pass(machine);
        if self.random.percent(3) {
            self.store.set_unreadable(true);
        }
        let bucket = PartitionId::from(BUCKETS[self.random.below(3) as usize]);
        let commands = (0..self.random.below(8)).map(|_| self.command(&bucket)).collect();
        self.turn(machine, &bucket, commands);
        let followed = self.crowd.step(self.now, &self.known, &mut machine.board);
        self.hold(followed);
        self.store.set_unreadable(false);
        if self.random.percent(60) {
            self.commit(machine);
        }
        if self.random.percent(20) {
            machine.committer.probe();
        }
        self.listen(machine);
    }

    fn turn(&mut self, machine: &mut Machine, bucket: &PartitionId, commands: Vec<Command>) {
        let (seat, settled) = machine.seats.get_mut(bucket).expect("it is served");
        let mut jobs = Vec::new();
        for command in commands {
            let (waiter, answer) = channel();
            machine.answers.push(answer);
            jobs.push(Job::Command(Box::new(command), waiter));
        }
        let weather = Weather { now: self.now, trouble: machine.health.trouble() };
        machine.under_way.extend(seat.turn(std::mem::take(settled), jobs, &weather));
        if let Some(engine) = seat.engine() {
            engine.check();
        }
        if seat.panics() > 0 {
            self.fail("no panic", "a bucket panicked".to_owned());
        }
    }

    fn commit(&mut self, machine: &mut Machine) {
        let count = self.random.within(0, machine.under_way.len() as u64) as usize;
        if count == 0 {
            return;
        }
        self.store.plan(match self.random.below(25) {
            0 => Fault::Refuse(CommitError::Failed("for once".to_owned())),
            1 => Fault::LoseAnswer,
            2 => Fault::LoseGroup,
            _ => Fault::None,
        });
        // Sometimes nobody can say for a while what is durable.
        self.store.set_unreadable(self.random.percent(5));
        self.commit_first(machine, count);
        self.store.heal();
    }

    fn commit_first(&mut self, machine: &mut Machine, count: usize) {
        let count = count.min(machine.under_way.len());
        let (batches, rests) = Work::split(machine.under_way.drain(..count).collect());
        let committed = machine.committer.commit(batches);
        machine.board.untold += u64::from(committed.untold);
        for (partition, done) in deliver(committed, rests, &machine.outlets) {
            if let Some((_, settled)) = machine.seats.get_mut(&partition) {
                settled.add(done);
            }
        }
    }

    /// Takes note of what was answered and told.
    fn listen(&mut self, machine: &mut Machine) {
        // Within one look, events were told in their order; answers only have to be no older than
        // what was heard before this look.
        let before = self.newest.clone();
        while let Ok(news) = machine.feed.try_recv() {
            let event = &news.event;
            self.counts.told += 1;
            if event.what.is_logged() {
                let newest = self.newest.entry(event.object).or_insert(0);
                if event.id <= *newest && before.get(&event.object).is_some_and(|n| event.id <= *n)
                {
                    let what = format!("{} told {} after {newest}", event.object, event.id);
                    self.fail("numbers never fall", what);
                    continue;
                }
                *newest = event.id.max(*newest);
                self.told.push(event.clone());
            }
        }
        let mut waiting = Vec::new();
        for mut answer in std::mem::take(&mut machine.answers) {
            match answer.try_recv() {
                Ok(Ok(reply)) => {
                    self.counts.done += 1;
                    self.hear(&reply);
                }
                Ok(Err(host::Refusal::Rejected(_))) => {}
                Ok(Err(_)) => self.counts.unclear += 1,
                Err(tokio::sync::oneshot::error::TryRecvError::Empty) => waiting.push(answer),
                Err(tokio::sync::oneshot::error::TryRecvError::Closed) => self.counts.unclear += 1,
            }
        }
        machine.answers = waiting;
    }

    fn hear(&mut self, reply: &Reply) {
        let object: Option<&Object> = match reply {
            Reply::Object(object) | Reply::Item { object, .. } => Some(object),
            _ => None,
        };
        let Some(object) = object else { return };
        let sid = object.sid;
        if !self.known.contains(&sid) {
            self.known.push(sid);
        }
        if self.known.len() > 15 {
            self.known.remove(0);
        }
        if let Reply::Item { item, .. } = reply {
            let item: &Item = item;
            self.revisions.push(item.event);
        }
        self.revisions.push(object.event);
        let row = self.memory.row(&host::tables::SYNC_OBJECT, &partition(sid), &sid.to_string());
        let is_durable = row.expect("memory can be read").is_some_and(|row| {
            let kept: Object = serde_json::from_str(&row.body).expect("an object");
            kept.event >= object.event
        });
        let journal = self.memory.journal(&partition(sid), 0, usize::MAX);
        let was_removed = || {
            let journal = journal.expect("memory can be read");
            let ends = journal.iter().filter(|entry| entry.kind == "object_removed");
            ends.into_iter().any(|entry| entry.body.contains(&sid.to_string()))
        };
        if !is_durable && !was_removed() {
            self.fail("what is answered is durable", format!("{sid} at {}", object.event));
        }
    }

    /// Nothing goes wrong any more, and everybody comes to know what there is.
    fn calm_down(&mut self, machine: &mut Machine) {
        for _ in 0..600 {
            if self.broken.is_some() {
                return;
            }
            self.store.heal();
            machine.committer.probe();
            self.now = self.now + Millis(50);
            for bucket in BUCKETS {
                self.turn(machine, &bucket.into(), Vec::new());
            }
            self.commit_first(machine, usize::MAX);
            self.listen(machine);
            let is_quiet = |(seat, settled): &(Seat<SyncEngine>, Settled)| {
                seat.in_flight() == settled.batches
                    && !settled.lost
                    && !seat.is_lost()
                    && seat.next_deadline().is_none_or(|at| at > self.now)
            };
            let is_quiet = machine.seats.values().all(is_quiet) && machine.answers.is_empty();
            match self.crowd.settle(self.now, &mut machine.board) {
                Ok(true) if is_quiet => return,
                Ok(_) => {}
                Err(broken) => self.hold(Err(broken)),
            }
        }
        let what = format!("still under way: {:?}", self.crowd.unsettled());
        self.fail("it settles", what);
    }

    /// Rows and journal say the same, and what was told is in the journal.
    fn compare(&mut self) {
        let mut course = Course::default();
        for bucket in BUCKETS {
            let id = PartitionId::from(bucket);
            let mut replayed = SyncEngine::empty(&id);
            let entries = self.memory.journal(&id, 0, usize::MAX).expect("memory can be read");
            let mut changes = BTreeMap::new();
            for entry in &entries {
                replayed.replay(entry).expect("it was written here");
                let change = SyncEngine::read(entry).expect("it was written here");
                course.note(&change);
                if let Some(place) = change.logged()
                    && changes.insert(place, change).is_some()
                {
                    self.fail("numbers come once", format!("{place:?}"));
                }
            }
            let whole = SyncEngine::whole(&self.memory, &id).expect("memory can be read");
            if whole.digest() != replayed.digest() {
                let what = format!("rows\n{}journal\n{}", whole.digest(), replayed.digest());
                self.fail("rows and journal agree", what);
            }
            for event in std::mem::take(&mut self.told) {
                if partition(event.object) != bucket {
                    self.told.push(event);
                } else if !changes.contains_key(&(event.object, event.id)) {
                    self.fail("what is told is in the journal", format!("{event:?}"));
                }
            }
        }
        let compared = self.crowd.compare(&course);
        self.hold(compared);
    }
}

fn partition(sid: ObjectSid) -> String {
    format!("sync-{}", sid.bucket())
}
