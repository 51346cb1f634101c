//! One seed's world: builds it, lets things happen and go wrong, calms it down, and looks.

use crate::{
    Options,
    actors::{Actor, Admin, Agent, Courier, Customer, Note, Outcome, View, Wish, wake_all},
    agenda::{Agenda, What},
    checks::Checks,
    faults::{Mishap, Switches, plan, spoil},
    machine::Machine,
    script::Script,
};
use base::{Millis, Sid, Timestamp};
use host::{
    Refusal, Retention, adapters::RoutingEngine, clock::MANUAL_START, engine::Engine, seat::Job,
};
use routing::{
    Command, Rejection, Reply, TaskQueueSid, WorkspaceSid,
    command::{NewWorkspace, Template},
};
use std::{collections::BTreeMap, sync::Arc};
use store::MemoryStore;
use testkit::{FaultyStore, Random};
use tokio::sync::oneshot::{Receiver, channel, error::TryRecvError};

/// How long things go wrong, at least and at most.
const TURMOIL_MS: (u64, u64) = (10_000, 45_000);
/// How long everything is calm afterwards.
const CALM: Millis = Millis(20_000);
/// Longer than anything is kept, by more than a task lives.
const MONTH: Millis = Millis::secs(33 * 24 * 60 * 60);
/// A day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// How often liveness is looked at.
const LOOK_MS: i64 = 700;

type Answer = Result<Reply, Refusal<Rejection>>;

/// Everything there is.
pub(crate) struct World {
    pub(crate) agenda: Agenda,
    pub(crate) checks: Checks,
    pub(crate) script: Script,
    pub(crate) tally: Tally,
    /// Commands that were carried out, by name.
    pub(crate) commands: BTreeMap<&'static str, u64>,
    store: FaultyStore,
    machine: Option<Machine>,
    incarnation: u32,
    actors: Vec<Actor>,
    calls: Vec<Call>,
    notes: Vec<Noted>,
    switches: Switches,
    is_calm: bool,
    random: Random,
    mishaps: Random,
}

/// What happened, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Commands that were sent.
    pub commands: u64,
    /// Commands that were carried out.
    pub done: u64,
    /// Commands with no clear answer.
    pub unclear: u64,
    /// Crashes.
    pub crashes: u64,
    /// Other mishaps.
    pub mishaps: u64,
}

/// A note on its way to the store.
struct Noted {
    actor: usize,
    notes: Vec<Note>,
    durable: Receiver<bool>,
}

struct Call {
    actor: usize,
    workspace: WorkspaceSid,
    command: Command,
    answer: Receiver<Answer>,
}

impl World {
    /// A world with its workspaces set up; nothing has gone wrong yet.
    pub(crate) fn new(seed: u64, options: Options) -> Self {
        let mut random = Random::new(seed);
        let memory = MemoryStore::new();
        let store = FaultyStore::new(Arc::new(memory.clone()));
        // At any time of the day: minutes end, and doors open, at any moment of a run.
        let start = MANUAL_START + Millis(random.branch("start").below(DAY_MS) as i64);
        let mut agenda = Agenda::new(start);
        let switches = Switches::draw(&mut random.branch("switches"));
        let machine = Machine::start(1, &store, &mut agenda, random.branch("machine"));
        let mishaps = random.branch("mishaps");
        let mut world = Self {
            agenda,
            checks: Checks::new(memory),
            script: Script::new(start, options.echo),
            tally: Tally::default(),
            commands: BTreeMap::new(),
            store,
            machine: Some(machine),
            incarnation: 1,
            actors: Vec::new(),
            calls: Vec::new(),
            notes: Vec::new(),
            switches,
            is_calm: false,
            random,
            mishaps,
        };
        world.script.say(start, &format!("seed {seed}: {switches:?}"));
        for workspace in 0..world.random.within(1, 3) {
            world.set_up(workspace);
        }
        let courier = Courier::new(world.random.branch("courier"));
        world.actors.push(Actor::Courier(courier));
        world
    }

    /// Runs to the end, or until a promise is broken.
    pub(crate) fn run(&mut self) {
        let turmoil = self.random.within(TURMOIL_MS.0, TURMOIL_MS.1);
        plan(&mut self.agenda, self.switches, &mut self.mishaps, turmoil);
        for _ in 0..6 {
            let at = self.agenda.after(self.random.below(turmoil) as i64);
            self.agenda.at(at, What::Compare);
        }
        wake_all(&mut self.agenda, self.actors.len());
        if !self.switches.any_faults() {
            self.agenda.at(self.agenda.now(), What::Look);
        }
        let end = self.agenda.after(turmoil as i64);
        self.go_on_until(end);
        if self.checks.broken().is_none() {
            self.calm_down();
            let end = self.agenda.now() + CALM;
            self.go_on_until(end);
        }
        if self.checks.broken().is_none() {
            self.checks.look_through_the_ledger();
            self.compare();
        }
        if self.checks.broken().is_none() && self.switches.ages {
            self.a_month_passes();
        }
    }

    /// Nobody comes any more; what waits runs out, and what is old is forgotten.
    fn a_month_passes(&mut self) {
        self.script.say(self.agenda.now(), "a month passes");
        self.agenda.drop_people();
        let end = self.agenda.now() + MONTH;
        self.go_on_until(end);
        if self.checks.broken().is_none() {
            self.compare();
            // Whoever commits is gone: there is one at a time.
            self.machine = None;
            self.checks.deafen();
            let retention = self.retention();
            self.checks.grow_old(self.agenda.now(), retention);
            self.start();
            self.compare();
        }
    }

    /// A month, or so long that some of what happened while people were there is kept.
    fn retention(&mut self) -> Retention {
        let random = &mut self.random;
        let mut span = || match random.percent(60) {
            true => Millis(MONTH.0 + random.below(TURMOIL_MS.1 + CALM.0 as u64) as i64),
            false => Retention::default().history,
        };
        Retention { history: span(), journal: span(), ..Retention::default() }
    }

    fn go_on_until(&mut self, end: Timestamp) {
        while self.checks.broken().is_none() {
            let Some(what) = self.agenda.take(end) else { return };
            if self.agenda.stands_still() {
                self.checks.fail("time goes on", format!("{what:?} again and again"));
            }
            match what {
                What::Machine(incarnation, due) => {
                    if let Some(machine) = &mut self.machine
                        && machine.incarnation == incarnation
                    {
                        machine.run(due, &mut self.agenda, &mut self.checks);
                        self.report();
                        self.answer();
                    }
                }
                What::Actor(actor) => self.act(actor),
                What::Mishap(mishap) => self.befall(mishap),
                What::Compare => self.compare(),
                What::Look => {
                    for workspace in self.checks.workspaces() {
                        match self.is_calm {
                            true => self.checks.look_alive(workspace, self.agenda.now()),
                            false => self.checks.look_at_timers(workspace, self.agenda.now()),
                        }
                    }
                    let at = self.agenda.after(LOOK_MS);
                    self.agenda.at(at, What::Look);
                }
            }
        }
    }

    /// An actor looks and does what it wants.
    fn act(&mut self, actor: usize) {
        let view = View {
            now: self.agenda.now(),
            checks: &self.checks,
            machine: self.machine.as_ref(),
            switches: self.switches,
            is_calm: self.is_calm,
        };
        let Wish { commands, notes, again_ms } = self.actors[actor].look(&view);
        for (workspace, command) in commands {
            self.send(actor, workspace, command);
        }
        self.write_down(actor, notes);
        if let Some(ms) = again_ms {
            let at = self.agenda.after(ms as i64);
            self.agenda.at(at, What::Actor(actor));
        }
        self.answer();
    }

    fn send(&mut self, actor: usize, workspace: WorkspaceSid, command: Command) {
        self.tally.commands += 1;
        self.checks.doom(workspace, &command);
        let Some(machine) = &mut self.machine else {
            let now = self.agenda.now();
            return self.actors[actor].hear(&command, &Outcome::Unclear, now);
        };
        let (waiter, answer) = channel();
        let job = Job::Command(Box::new(command.clone()), waiter);
        machine.push(&mut self.agenda, workspace, job);
        self.calls.push(Call { actor, workspace, command, answer });
    }

    /// All of a workspace's at a time.
    fn write_down(&mut self, actor: usize, notes: Vec<Note>) {
        let Some(machine) = &mut self.machine else { return };
        let mut by_workspace: BTreeMap<WorkspaceSid, Vec<Note>> = BTreeMap::new();
        for note in notes {
            by_workspace.entry(note.workspace).or_default().push(note);
        }
        for (workspace, notes) in by_workspace {
            let (waiter, durable) = channel();
            let rows = notes.iter().map(|note| note.delivery.row()).collect();
            machine.push(&mut self.agenda, workspace, Job::Write(rows, waiter));
            self.notes.push(Noted { actor, notes, durable });
        }
    }

    /// Tells whoever wrote something down that it has to be done once more.
    fn look_at_notes(&mut self) {
        let (mut on_their_way, mut lost) = (Vec::new(), Vec::new());
        for mut noted in std::mem::take(&mut self.notes) {
            match noted.durable.try_recv() {
                Err(TryRecvError::Empty) => on_their_way.push(noted),
                Ok(true) => {}
                // A workspace that is gone needs no notes.
                Ok(false) | Err(TryRecvError::Closed) => lost.push(noted),
            }
        }
        self.notes = on_their_way;
        let lost = lost.into_iter().flat_map(|Noted { actor, notes, .. }| {
            notes.into_iter().map(move |note| (actor, note))
        });
        for (actor, note) in lost {
            let is_gone = self.checks.place(note.workspace).is_none();
            let view = View {
                now: self.agenda.now(),
                checks: &self.checks,
                machine: self.machine.as_ref(),
                switches: self.switches,
                is_calm: self.is_calm,
            };
            if !is_gone {
                self.actors[actor].unwritten(note, &view);
            }
        }
    }

    /// Hands answers that are there to whoever asked.
    fn answer(&mut self) {
        self.look_at_notes();
        let now = self.agenda.now();
        let mut at = 0;
        while at < self.calls.len() {
            let outcome = match self.calls[at].answer.try_recv() {
                Err(TryRecvError::Empty) => {
                    at += 1;
                    continue;
                }
                Ok(answer) => self.judge(at, answer),
                Err(TryRecvError::Closed) => Outcome::Unclear,
            };
            let Call { actor, command, workspace, .. } = self.calls.remove(at);
            self.tell(actor, workspace, &command, &outcome);
            self.actors[actor].hear(&command, &outcome, now);
        }
    }

    fn judge(&mut self, at: usize, answer: Answer) -> Outcome {
        let Call { workspace, command, .. } = &self.calls[at];
        match answer {
            Ok(reply) => {
                self.tally.done += 1;
                *self.commands.entry(RoutingEngine::name(command)).or_default() += 1;
                match &reply {
                    Reply::Done => self.checks.removed(*workspace, command),
                    reply => self.checks.acknowledged(*workspace, reply),
                }
                Outcome::Done(Box::new(reply))
            }
            Err(Refusal::Rejected(_)) => Outcome::Rejected,
            Err(Refusal::Unavailable(_)) => {
                self.tally.unclear += 1;
                Outcome::Unclear
            }
            Err(Refusal::NoPartition) => Outcome::Gone,
            Err(Refusal::Internal) => {
                self.checks.fail("no panic", "a command was refused as internal".to_owned());
                Outcome::Unclear
            }
        }
    }

    fn tell(&mut self, actor: usize, workspace: WorkspaceSid, command: &Command, out: &Outcome) {
        let now = self.agenda.now();
        let place = self.script.name(workspace);
        let who = format!("{} {actor}", self.actors[actor].name());
        let what = format!("{} {}", RoutingEngine::name(command), subject(command));
        let came = match out {
            Outcome::Done(reply) => came_of(reply),
            Outcome::Rejected => "rejected".to_owned(),
            Outcome::Unclear => "no clear answer".to_owned(),
            Outcome::Gone => "no such workspace".to_owned(),
        };
        let line = self.shortened(&format!("{place} {who}: {what} => {came}"));
        self.script.say(now, &line);
    }

    /// What became durable.
    fn report(&mut self) {
        for line in self.checks.take_news() {
            let line = self.shortened(&line);
            self.script.say(self.agenda.now(), &line);
        }
    }

    fn shortened(&mut self, line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(|word| self.short(word)).collect();
        words.join(" ")
    }

    fn short(&mut self, word: &str) -> String {
        let (sid, rest) = word.split_at_checked(34).unwrap_or((word, ""));
        match sid.parse::<Sid>() {
            Ok(sid) => self.script.name(sid) + rest,
            Err(_) => word.to_owned(),
        }
    }

    fn befall(&mut self, mishap: Mishap) {
        let now = self.agenda.now();
        self.tally.mishaps += 1;
        match mishap {
            Mishap::Commit => {
                let name = spoil(&self.store, &mut self.mishaps);
                self.script.say(now, &format!("MISHAP soon {name}"));
            }
            Mishap::Crash => {
                if self.machine.take().is_some() {
                    self.tally.crashes += 1;
                    self.script.say(now, "MISHAP the server crashes");
                    self.checks.deafen();
                    self.answer();
                    let at = self.agenda.after(self.mishaps.within(10, 5_000) as i64);
                    self.agenda.at(at, What::Mishap(Mishap::Restart));
                }
            }
            Mishap::Restart => self.restart(),
            Mishap::Full => {
                self.script.say(now, "MISHAP the disk is full");
                self.store.set_full(true);
            }
            Mishap::Room => {
                self.script.say(now, "the disk has room again");
                self.store.set_full(false);
            }
            Mishap::Unreadable => {
                self.script.say(now, "MISHAP the store cannot be read");
                self.store.set_unreadable(true);
            }
            Mishap::Readable => {
                self.script.say(now, "the store can be read again");
                self.store.set_unreadable(false);
            }
        }
    }

    fn restart(&mut self) {
        if self.machine.is_some() {
            return;
        }
        // A server whose store cannot be read does not start; it is started again later.
        self.store.set_unreadable(false);
        self.start();
        self.checks.look_through_the_ledger();
        self.compare();
    }

    fn start(&mut self) {
        self.incarnation += 1;
        let random = self.mishaps.branch("machine");
        let incarnation = self.incarnation;
        let machine = Machine::start(incarnation, &self.store, &mut self.agenda, random);
        self.script.say(self.agenda.now(), "the server starts");
        for workspace in machine.workspaces() {
            self.checks.listen(&machine.outlets, workspace);
        }
        self.machine = Some(machine);
    }

    /// Nothing goes wrong from now on, and everybody works.
    fn calm_down(&mut self) {
        self.script.say(self.agenda.now(), "everything is put right; nothing goes wrong any more");
        self.is_calm = true;
        self.store.heal();
        self.restart();
        if self.switches.any_faults() {
            let at = self.agenda.after(LOOK_MS);
            self.agenda.at(at, What::Look);
        }
        self.switches.crashes = false;
        self.agenda.drop_mishaps();
        wake_all(&mut self.agenda, self.actors.len());
    }

    /// Compares the truths of every workspace that is quiet.
    fn compare(&mut self) {
        let Some(machine) = &self.machine else { return };
        for workspace in machine.workspaces() {
            if let Some(engine) = machine.quiet_engine(workspace) {
                self.checks.compare(workspace, Some(engine), self.agenda.now());
                let names = machine.outlets.names.get(workspace);
                self.checks.compare_names(workspace, names.as_deref());
            }
        }
    }

    /// A workspace with queues, workers, a workflow and people.
    fn set_up(&mut self, number: u64) {
        let mut random = self.random.branch("workspace");
        let sid = WorkspaceSid::new(u128::from(number + 1) << 64 | u128::from(random.draw()));
        let machine = self.machine.as_mut().expect("nothing has crashed yet");
        machine.open(sid);
        self.checks.listen(&machine.outlets, sid);
        let account = Sid::new(*b"AC", 1);
        self.do_now(
            sid,
            Command::CreateWorkspace(NewWorkspace {
                sid: Some(sid),
                account: Some(account),
                friendly_name: format!("workspace {number}"),
                multi_task_enabled: Some(!(self.switches.single_tasking && random.percent(50))),
                event_callback_url: self
                    .switches
                    .webhooks
                    .then(|| "https://application.example/events".to_owned()),
                template: match random.percent(20) {
                    true => Template::Fifo,
                    false => Template::None,
                },
                ..NewWorkspace::default()
            }),
        );
        for _ in 0..if self.switches.schedules { random.within(1, 3) } else { 0 } {
            let command = Admin::schedule(&mut random, self.agenda.now());
            self.do_now(sid, command);
        }
        let mut queues: Vec<TaskQueueSid> = Vec::new();
        for at in 0..random.within(1, 4) {
            let command = Admin::queue(&mut random, self.switches, format!("queue {at}"));
            if let Some(Reply::TaskQueue(queue)) = self.do_now(sid, command) {
                queues.push(queue.sid);
            }
        }
        let ordered = if self.switches.deadlines { queues.as_slice() } else { &[] };
        for queue in ordered {
            if let Some(place) = self.checks.place(sid)
                && random.percent(60)
            {
                let command = Admin::ordering(&mut random, place, *queue);
                self.do_now(sid, command);
            }
        }
        for at in 0..random.within(1, 2) {
            let name = format!("workflow {at}");
            let command = Admin::workflow(&mut random, self.switches, &queues, name);
            self.do_now(sid, command);
        }
        if self.switches.capacity
            && let Some(place) = self.checks.place(sid)
        {
            let command = Admin::capacity(&mut random, place);
            self.do_now(sid, command);
        }
        for at in 0..random.within(1, 6) {
            let Some(place) = self.checks.place(sid) else { continue };
            let command = Admin::worker(&mut random, place, format!("worker {at}"));
            if let Some(Reply::Worker(worker)) = self.do_now(sid, command) {
                self.actors.push(Actor::Agent(Agent::new(sid, worker.sid, random.branch("agent"))));
            }
        }
        for _ in 0..random.within(1, 2) {
            self.actors.push(Actor::Customer(Customer::new(sid, random.branch("customer"))));
        }
        self.actors.push(Actor::Admin(Admin::new(sid, random.branch("admin"))));
    }

    fn do_now(&mut self, workspace: WorkspaceSid, command: Command) -> Option<Reply> {
        let machine = self.machine.as_mut()?;
        *self.commands.entry(RoutingEngine::name(&command)).or_default() += 1;
        let (waiter, mut answer) = channel();
        let job = Job::Command(Box::new(command), waiter);
        machine.run_now(&mut self.agenda, &mut self.checks, workspace, job);
        match answer.try_recv() {
            Ok(Ok(reply)) => {
                self.checks.acknowledged(workspace, &reply);
                Some(reply)
            }
            other => {
                self.checks.fail("set-up works", format!("{other:?}"));
                None
            }
        }
    }
}

fn subject(command: &Command) -> String {
    match command {
        Command::UpdateActivity { sid, .. } | Command::DeleteActivity(sid) => sid.to_string(),
        Command::UpdateWorker { sid, .. } | Command::DeleteWorker { sid, .. } => sid.to_string(),
        Command::UpdateWorkerChannel { worker, capacity, available, .. } => {
            format!("{worker} capacity {capacity:?} available {available:?}")
        }
        Command::UpdateTaskQueue { sid, patch } => {
            format!("{sid} {:?} {:?}", patch.target_workers, patch.max_reserved_workers)
        }
        Command::DeleteTaskQueue(sid) => sid.to_string(),
        Command::UpdateWorkflow { sid, .. } | Command::DeleteWorkflow(sid) => sid.to_string(),
        Command::CreateTask(new) => {
            new.routing_target.map_or_else(String::new, |to| format!("for {to}"))
        }
        Command::UpdateTask { sid, patch, .. } => match patch.status {
            Some(status) => format!("{sid} {status}"),
            None => sid.to_string(),
        },
        Command::DeleteTask { sid, .. } => sid.to_string(),
        Command::UpdateReservation { sid, step, .. } => format!("{sid} {step:?}"),
        Command::AnswerCallback { reservation, stage, answer } => {
            format!("{reservation} {} {answer:?}", stage.as_str())
        }
        Command::AskCallback { reservation } => reservation.to_string(),
        Command::CreateTransfer(new) => {
            format!("{} to {} {:?}", new.task, new.to.sid(), new.mode)
        }
        Command::CancelTransfer { sid, task } => format!("{sid} of {task}"),
        Command::SetCapacity { body, .. } => body.to_string(),
        Command::SetSchedule { name, body, .. } => format!("{name} {body}"),
        Command::DeleteSchedule { name, .. } => name.clone(),
        Command::SetOrdering { queue, body, .. } => format!("{queue} {body}"),
        _ => String::new(),
    }
}

fn came_of(reply: &Reply) -> String {
    match reply {
        Reply::Done => "done".to_owned(),
        Reply::Callback(followed) => format!("{followed:?}"),
        Reply::Workspace(row) => row.sid.to_string(),
        Reply::Activity(row) => row.sid.to_string(),
        Reply::TaskChannel(row) => row.sid.to_string(),
        Reply::Capacity(rules, _) => format!("capacity version {}", rules.version),
        Reply::Schedule(view) => {
            format!("{} version {}", view.schedule.name, view.schedule.version)
        }
        Reply::Worker(row) => format!("{} version {}", row.sid, row.version),
        Reply::WorkerChannel(row) => format!("capacity {}", row.configured_capacity),
        Reply::TaskQueue(row) => row.sid.to_string(),
        Reply::Ordering(row) => format!("{} ordering version {}", row.queue, row.version),
        Reply::Workflow(row) => format!("{} revision {}", row.sid, row.revision),
        Reply::Task(row) => format!("{} is {} version {}", row.sid, row.status, row.version),
        Reply::Reservation(row, task, _) => {
            format!("{} is {}, {} is {}", row.sid, row.status, task.sid, task.status)
        }
        Reply::Transfer(row) => format!("{} is {}", row.sid, row.status.as_str()),
    }
}
