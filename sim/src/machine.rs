//! A host in virtual time: the real seats, committer, delivery and hub; the waiting between them is
//! the agenda's.
//!
//! * The same hand-overs as in the shell: a turn takes what waits, a small group commits in place
//!   when nothing is under way, everything else goes through a writer that joins what it finds.
//! * Each hand-over may be late, and a crash may come at each of them: dropping the machine loses
//!   everything but the store.

use crate::{agenda::Agenda, checks::Checks};
use base::{IdSource, Timestamp};
use host::{
    adapters::RoutingEngine,
    committer::{Committed, GroupCommitter, Health},
    engine::Engine,
    outlets::Outlets,
    seat::{Job, Seat, Weather},
    work::{Rest, Settled, Work, deliver},
};
use routing::{Change, ReservationSid, WorkspaceSid};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use store::{PartitionId, Store};
use testkit::{FaultyStore, Random};

/// What a machine does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A seat takes what waits for it.
    Turn(WorkspaceSid),
    /// The writer takes what waits for it.
    Write,
    /// What was written is told.
    Tell,
    /// The store is tried again.
    Probe,
}

/// Everything that is lost in a crash.
pub(crate) struct Machine {
    /// Which one since the start, from 1.
    pub incarnation: u32,
    /// Who listens, and names.
    pub outlets: Arc<Outlets>,
    store: FaultyStore,
    health: Arc<Health>,
    committer: GroupCommitter,
    slots: BTreeMap<WorkspaceSid, Slot>,
    writer: VecDeque<Vec<Work>>,
    told: VecDeque<Told>,
    /// Messages with the writer that were not told yet.
    in_flight: usize,
    is_writing: bool,
    is_probing: bool,
    random: Random,
}

struct Slot {
    seat: Seat<RoutingEngine>,
    jobs: Vec<Job<RoutingEngine>>,
    settled: Settled,
    /// The earliest turn on the agenda.
    turn_at: Option<Timestamp>,
}

struct Told {
    committed: Committed,
    rests: Vec<Rest>,
    /// Of each batch, whether the store has it.
    durable: Vec<bool>,
    messages: usize,
}

impl Machine {
    /// Starts on what the store has.
    pub(crate) fn start(
        incarnation: u32,
        store: &FaultyStore,
        agenda: &mut Agenda,
        mut random: Random,
    ) -> Self {
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        let (outlets, health) = (Arc::new(Outlets::default()), Arc::new(Health::default()));
        let committer = GroupCommitter::new(shared.clone(), health.clone());
        let mut slots = BTreeMap::new();
        for known in store.partitions().expect("memory can be read") {
            let Ok(workspace) = known.id.parse::<WorkspaceSid>() else { continue };
            let ids = IdSource::new(random.draw());
            let seat = Seat::restore(known, shared.clone(), outlets.clone(), ids);
            if let Some(seat) = seat.expect("rows that were written can be read") {
                slots.insert(workspace, Slot::new(seat));
            }
        }
        let mut machine = Self {
            incarnation,
            outlets,
            store: store.clone(),
            health,
            committer,
            slots,
            writer: VecDeque::new(),
            told: VecDeque::new(),
            in_flight: 0,
            is_writing: false,
            is_probing: false,
            random,
        };
        for workspace in machine.workspaces() {
            machine.schedule(agenda, workspace, None);
        }
        machine
    }

    /// A seat for a workspace that does not exist yet.
    pub(crate) fn open(&mut self, workspace: WorkspaceSid) {
        let id: PartitionId = workspace.to_string().into();
        let ids = IdSource::new(self.random.draw());
        let store: Arc<dyn Store> = Arc::new(self.store.clone());
        let seat = Seat::new(id, store, self.outlets.clone(), ids);
        self.slots.insert(workspace, Slot::new(seat));
    }

    /// The workspaces that are served.
    pub(crate) fn workspaces(&self) -> Vec<WorkspaceSid> {
        self.slots.keys().copied().collect()
    }

    /// Puts a job in line.
    pub(crate) fn push(
        &mut self,
        agenda: &mut Agenda,
        workspace: WorkspaceSid,
        job: Job<RoutingEngine>,
    ) {
        let Some(slot) = self.slots.get_mut(&workspace) else {
            return job.refuse(host::Refusal::NoPartition);
        };
        slot.jobs.push(job);
        let delay = if self.random.percent(70) { 0 } else { self.random.below(4) as i64 };
        self.schedule(agenda, workspace, Some(delay));
    }

    /// Does one thing that is due.
    pub(crate) fn run(&mut self, due: Due, agenda: &mut Agenda, checks: &mut Checks) {
        match due {
            Due::Turn(workspace) => self.turn(workspace, agenda, checks),
            Due::Write => self.write(agenda, checks),
            Due::Tell => self.tell(agenda, checks),
            Due::Probe => self.probe(agenda),
        }
    }

    /// A seat's engine with nothing under way; `None` while it is lost, over or busy.
    pub(crate) fn quiet_engine(&self, workspace: WorkspaceSid) -> Option<&RoutingEngine> {
        let slot = self.slots.get(&workspace)?;
        let is_quiet = slot.seat.in_flight() == slot.settled.batches && !slot.settled.lost;
        slot.seat.engine().filter(|_| is_quiet)
    }

    /// Runs a job at once, with nothing in between: for set-up.
    pub(crate) fn run_now(
        &mut self,
        agenda: &mut Agenda,
        checks: &mut Checks,
        workspace: WorkspaceSid,
        job: Job<RoutingEngine>,
    ) {
        let Some(slot) = self.slots.get_mut(&workspace) else { return };
        slot.jobs.push(job);
        let works = self.take_turn(workspace, agenda, checks);
        self.commit_in_place(works, agenda, checks);
        self.schedule(agenda, workspace, None);
    }

    fn turn(&mut self, workspace: WorkspaceSid, agenda: &mut Agenda, checks: &mut Checks) {
        let works = self.take_turn(workspace, agenda, checks);
        self.schedule(agenda, workspace, None);
        if works.is_empty() {
            return;
        }
        if self.in_flight == 0 && works.len() <= 2 && self.random.percent(50) {
            self.commit_in_place(works, agenda, checks);
        } else {
            self.writer.push_back(works);
            self.in_flight += 1;
            if !self.is_writing {
                self.is_writing = true;
                agenda.machine(self.incarnation, self.random.below(3) as i64, Due::Write);
            }
        }
    }

    fn take_turn(
        &mut self,
        workspace: WorkspaceSid,
        agenda: &Agenda,
        checks: &mut Checks,
    ) -> Vec<Work> {
        let Some(slot) = self.slots.get_mut(&workspace) else { return Vec::new() };
        slot.turn_at = None;
        let (jobs, settled) = (std::mem::take(&mut slot.jobs), std::mem::take(&mut slot.settled));
        let weather = Weather { now: agenda.now(), trouble: self.health.trouble() };
        let works = slot.seat.turn(settled, jobs, &weather);
        if slot.seat.panics() > 0 {
            checks.fail("no panic", "an engine panicked".to_owned());
        }
        if !works.is_empty()
            && self.random.percent(3)
            && let Some(engine) = slot.seat.engine()
        {
            checks.hold("invariants of the engine", || engine.check());
        }
        if slot.seat.is_over() {
            self.slots.remove(&workspace);
        }
        checks.turned();
        works
    }

    fn commit_in_place(&mut self, works: Vec<Work>, agenda: &mut Agenda, checks: &mut Checks) {
        let (batches, rests) = Work::split(works);
        let committed = self.committer.commit(batches);
        let durable = checks.committed(agenda.now(), &committed.batches);
        self.deliver(Told { committed, rests, durable, messages: 0 }, agenda, checks);
    }

    fn write(&mut self, agenda: &mut Agenda, checks: &mut Checks) {
        let messages = self.writer.len().min(64);
        let works: Vec<Work> = self.writer.drain(..messages).flatten().collect();
        let (batches, rests) = Work::split(works);
        let committed = self.committer.commit(batches);
        let durable = checks.committed(agenda.now(), &committed.batches);
        self.committer.after(self.writer.is_empty());
        self.told.push_back(Told { committed, rests, durable, messages });
        let disk = if self.random.percent(4) { 150 } else { self.random.below(4) as i64 };
        agenda.machine(self.incarnation, disk, Due::Tell);
        self.is_writing = !self.writer.is_empty();
        if self.is_writing {
            agenda.machine(self.incarnation, disk, Due::Write);
        }
    }

    fn tell(&mut self, agenda: &mut Agenda, checks: &mut Checks) {
        if let Some(told) = self.told.pop_front() {
            self.in_flight -= told.messages;
            self.deliver(told, agenda, checks);
        }
        if !self.is_writing && !self.writer.is_empty() {
            self.is_writing = true;
            agenda.machine(self.incarnation, 0, Due::Write);
        }
    }

    fn deliver(&mut self, told: Told, agenda: &mut Agenda, checks: &mut Checks) {
        let Told { committed, rests, durable, .. } = told;
        let told = offers(&committed, &durable);
        for (partition, settled) in deliver(committed, rests, &self.outlets) {
            let Ok(workspace) = partition.parse::<WorkspaceSid>() else { continue };
            let Some(slot) = self.slots.get_mut(&workspace) else { continue };
            slot.settled.add(settled);
            if settled.lost || slot.seat.is_waiting() {
                self.schedule(agenda, workspace, Some(0));
            }
        }
        checks.delivered(&told);
        if !self.health.writable() && !self.is_probing {
            self.is_probing = true;
            agenda.machine(self.incarnation, 250, Due::Probe);
        }
    }

    fn probe(&mut self, agenda: &mut Agenda) {
        self.committer.probe();
        self.is_probing = !self.health.writable();
        if self.is_probing {
            return agenda.machine(self.incarnation, 250, Due::Probe);
        }
        for workspace in self.workspaces() {
            self.schedule(agenda, workspace, Some(0));
        }
    }

    /// Puts a seat's next turn on the agenda: after a delay, or when it has something to do by
    /// itself.
    fn schedule(&mut self, agenda: &mut Agenda, workspace: WorkspaceSid, delay: Option<i64>) {
        let Some(slot) = self.slots.get_mut(&workspace) else { return };
        let now = agenda.now();
        let by_itself = match () {
            () if slot.seat.is_waiting() => {
                let settled = slot.settled.batches > 0;
                let in_flight = slot.seat.in_flight() > 0;
                (settled || !in_flight).then(|| if settled { now } else { agenda.after(250) })
            }
            () if !self.health.writable() => None,
            () => slot.seat.next_deadline().map(|at| at.max(now)),
        };
        let asked = delay.map(|delay| agenda.after(delay));
        let Some(at) = asked.into_iter().chain(by_itself).min() else { return };
        if slot.turn_at.is_none_or(|turn_at| at < turn_at) {
            slot.turn_at = Some(at);
            agenda.machine_at(self.incarnation, at, Due::Turn(workspace));
        }
    }
}

/// Offers that listeners must have heard of once the group is told.
fn offers(committed: &Committed, durable: &[bool]) -> Vec<(WorkspaceSid, ReservationSid)> {
    if committed.untold {
        return Vec::new();
    }
    let batches = committed.batches.iter().zip(durable).filter(|(_, durable)| **durable);
    let mut offers = Vec::new();
    for (batch, _) in batches {
        let Ok(workspace) = batch.partition.parse::<WorkspaceSid>() else { continue };
        for change in batch.changes.iter().filter(|change| change.kind == "task_offered") {
            if let Ok(Change::TaskOffered { reservations, .. }) = serde_json::from_str(&change.body)
            {
                offers.extend(reservations.iter().map(|offer| (workspace, offer.sid)));
            }
        }
    }
    offers
}

impl Slot {
    fn new(seat: Seat<RoutingEngine>) -> Self {
        Self { seat, jobs: Vec::new(), settled: Settled::default(), turn_at: None }
    }
}
