//! The workspace, built through the engine and written to a store.

use crate::{FILTERS, GROUP, HELD, LONG, QUEUES, REGIONS, SKILLS, TIMED, WORKERS, WORKFLOWS};
use crate::{all_worked, memory, worked};
use base::{Attributes, IdSource, Millis, Timestamp};
use host::{
    adapters::RoutingEngine,
    partition::{Partition, Said},
};
use routing::{command::*, *};
use std::time::{Duration, Instant};
use store::{Committer, MemoryStore, Store};

/// A workspace being built, with its store.
pub(crate) struct Shape {
    pub(crate) partition: Partition<RoutingEngine>,
    pub(crate) committer: Option<Box<dyn Committer>>,
    pub(crate) batches: Vec<store::Batch>,
    pub(crate) now: Timestamp,
    pub(crate) offered: Vec<(ReservationSid, TaskSid)>,
    pub(crate) spent: Vec<Duration>,
    pub(crate) main: WorkflowSid,
    pub(crate) timed: WorkflowSid,
    pub(crate) held: (WorkflowSid, TaskQueueSid),
    pub(crate) workers: Vec<WorkerSid>,
    pub(crate) queues: Vec<TaskQueueSid>,
    pub(crate) tasks: Vec<TaskSid>,
}

impl Shape {
    pub(crate) fn build(store: &dyn Store, tasks: usize) -> Self {
        let now = wall_clock();
        let mut ids = IdSource::new(1);
        let workspace = WorkspaceSid::new(ids.next(now));
        let mut shape = Self {
            partition: Partition::new(workspace.to_string().into(), 1, ids),
            committer: Some(store.committer()),
            batches: Vec::new(),
            now,
            offered: Vec::new(),
            spent: Vec::new(),
            main: WorkflowSid::new(0),
            timed: WorkflowSid::new(0),
            held: (WorkflowSid::new(0), TaskQueueSid::new(0)),
            workers: Vec::new(),
            queues: Vec::new(),
            tasks: Vec::with_capacity(tasks),
        };
        shape.run(Command::CreateWorkspace(NewWorkspace {
            sid: Some(workspace),
            friendly_name: "large".to_owned(),
            ..NewWorkspace::default()
        }));
        shape.add_queues();
        shape.add_workflows();
        let (before, start) = (memory(), Instant::now());
        shape.add_workers();
        shape.commit();
        let per_worker = (memory() - before) / WORKERS;
        println!("{WORKERS} workers in {:.1?}, {per_worker} bytes of memory each", start.elapsed());
        let (before, start) = (memory(), Instant::now());
        shape.add_tasks(tasks);
        shape.commit();
        let per_task = memory().saturating_sub(before) / tasks;
        println!("{tasks} live tasks in {:.1?}, {per_task} bytes of memory each", start.elapsed());
        shape
    }

    pub(crate) fn commit(&mut self) {
        let batches = std::mem::take(&mut self.batches);
        if let Some(committer) = self.committer.as_mut().filter(|_| !batches.is_empty()) {
            committer.commit(&batches).expect("the store takes everything");
            committer.after(true);
        }
    }

    /// One command; what it offers is accepted at once, unless it rings.
    pub(crate) fn run(&mut self, command: Command) -> Reply {
        let start = worked();
        let step = self.partition.run(&command, self.now, &MemoryStore::new());
        let step = step.expect("memory can be read");
        self.spent.push(worked() - start);
        let Said::Reply(reply) = step.told.said else { panic!("a command is replied to") };
        self.take(step.batch, &step.told.changes);
        reply.unwrap_or_else(|rejection| panic!("{rejection}"))
    }

    pub(crate) fn take(&mut self, batch: store::Batch, changes: &[Change]) {
        for change in changes {
            if let Change::TaskOffered { task, reservations, .. } = change {
                self.offered.extend(reservations.iter().map(|one| (one.sid, *task)));
            }
        }
        if self.committer.is_some() {
            self.batches.push(batch);
            if self.batches.len() == GROUP {
                self.commit();
                // A host does what is due, too: minutes are counted as they pass.
                self.expire(&mut Vec::new());
            }
        }
    }

    /// What is due or left over, portion by portion.
    pub(crate) fn expire(&mut self, holds: &mut Vec<Duration>) {
        let now = self.now;
        while self.partition.next_deadline().is_some_and(|at| at <= now) {
            let start = worked();
            let step = self.partition.expire(now, &MemoryStore::new());
            let step = step.expect("memory can be read");
            holds.push(worked() - start);
            self.take(step.batch, &step.told.changes);
        }
    }

    /// A command with everything it leaves over.
    pub(crate) fn call(&mut self, command: Command, holds: &mut Vec<Duration>) {
        self.spent.clear();
        self.run(command);
        holds.append(&mut self.spent);
        self.expire(holds);
    }

    pub(crate) fn queue(&mut self, name: String, expression: String) -> TaskQueueSid {
        let new = NewTaskQueue {
            friendly_name: name,
            target_workers: Some(expression),
            ..NewTaskQueue::default()
        };
        let Reply::TaskQueue(queue) = self.run(Command::CreateTaskQueue(new)) else { panic!() };
        queue.sid
    }

    pub(crate) fn workflow(&mut self, name: String, configuration: String) -> WorkflowSid {
        let new = NewWorkflow {
            friendly_name: name,
            configuration,
            task_reservation_timeout_s: Some(86_400),
            ..NewWorkflow::default()
        };
        let Reply::Workflow(workflow) = self.run(Command::CreateWorkflow(new)) else { panic!() };
        workflow.sid
    }

    fn add_queues(&mut self) {
        for number in 0..QUEUES {
            let expression = match number {
                0 => "1==1".to_owned(),
                1 => "region == 'nowhere'".to_owned(),
                n if n < 2 + FILTERS => {
                    format!("region == 'r{}' AND level >= {}", n % REGIONS, n % 3)
                }
                n => format!("skills HAS 's{}' AND region == 'r{}'", n % SKILLS, n / SKILLS),
            };
            let queue = self.queue(format!("queue {number}"), expression);
            self.queues.push(queue);
        }
    }

    fn add_workflows(&mut self) {
        self.main = self.workflow("by kind".to_owned(), self.by_kind(1));
        let nowhere = self.queues[1];
        let (first, last) = (self.queues[2], self.queues[3]);
        self.timed = self.workflow(
            "timed".to_owned(),
            format!(
                r#"{{"task_routing":{{"filters":[{{"expression":"1==1","targets":[
                {{"queue":"{nowhere}","timeout":21600}},{{"queue":"{first}","timeout":86400}},
                {{"queue":"{last}"}}]}}]}}}}"#
            ),
        );
        let to_nowhere =
            format!(r#"{{"task_routing":{{"default_filter":{{"queue":"{nowhere}"}}}}}}"#);
        self.held = (self.workflow("held".to_owned(), to_nowhere), nowhere);
        let everybody = self.queues[0];
        for (name, asked) in [
            ("best", r#""order_by":"worker.level DESC""#),
            ("unlike", r#""expression":"worker.level != task.number""#),
        ] {
            self.workflow(
                name.to_owned(),
                format!(
                    r#"{{"task_routing":{{"filters":[{{"expression":"1==1","targets":[
                    {{"queue":"{everybody}",{asked}}}]}}]}}}}"#
                ),
            );
        }
        self.workflow(
            "calls".to_owned(),
            format!(
                r#"{{"task_routing":{{"filters":[{{"expression":"1==1","targets":[
                {{"queue":"{everybody}","expression":"worker.skills HAS task.skill"}}]}}]}}}}"#
            ),
        );
        for number in 6..WORKFLOWS {
            let at = 2 + FILTERS + number * 4 % (QUEUES - 30);
            let filters: Vec<String> = (at..at + 4)
                .map(|at| {
                    let queue = self.queues[at];
                    format!(
                        r#"{{"expression":"kind == 'k{at}'","targets":[{{"queue":"{queue}"}}]}}"#
                    )
                })
                .collect();
            let filters = filters.join(",");
            self.workflow(
                format!("workflow {number}"),
                format!(r#"{{"task_routing":{{"filters":[{filters}]}}}}"#),
            );
        }
    }

    /// The configuration of the workflow that waiting tasks run under.
    pub(crate) fn by_kind(&self, priority: usize) -> String {
        let filters: Vec<String> = (0..FILTERS)
            .map(|kind| {
                let queue = self.queues[2 + kind];
                format!(
                    r#"{{"expression":"kind == 'k{kind}'","targets":[{{"queue":"{queue}",
                    "priority":{priority},"expression":"worker.level >= task.level"}}]}}"#
                )
            })
            .collect();
        format!(r#"{{"task_routing":{{"filters":[{}]}}}}"#, filters.join(","))
    }

    fn add_workers(&mut self) {
        let ready = NewActivity { friendly_name: "Ready".to_owned(), available: true };
        let Reply::Activity(ready) = self.run(Command::CreateActivity(ready)) else { panic!() };
        for number in 0..WORKERS {
            self.now = self.now + Millis((number % 2) as i64);
            let worker = NewWorker {
                friendly_name: format!("worker {number}"),
                activity: (number % 2 == 0).then_some(ready.sid),
                attributes: of_worker(number, 0),
            };
            let Reply::Worker(worker) = self.run(Command::CreateWorker(worker)) else { panic!() };
            self.workers.push(worker.sid);
        }
    }

    fn add_tasks(&mut self, tasks: usize) {
        let timed = TIMED.min(tasks / 5);
        let held = HELD.min(tasks / 25);
        for number in 0..tasks - timed - held {
            self.now = self.now + Millis((number % 4 / 3) as i64);
            self.task(self.main, "chat", number);
            self.accept();
        }
        (0..held).for_each(|number| _ = self.task(self.held.0, "voice", number));
        (0..timed).for_each(|number| _ = self.task(self.timed, "sms", number));
        self.now = self.now + Millis::secs(180);
        self.expire(&mut Vec::new());
    }

    pub(crate) fn task(&mut self, workflow: WorkflowSid, channel: &str, number: usize) -> TaskSid {
        let task = self.run(Command::CreateTask(new_task(workflow, channel, number)));
        let Reply::Task(task) = task else { panic!() };
        self.spent.clear();
        self.tasks.push(task.sid);
        task.sid
    }

    pub(crate) fn accept(&mut self) {
        while let Some((sid, task)) = self.offered.pop() {
            self.run(Command::UpdateReservation {
                sid,
                owner: ReservationOwner::Task(task),
                if_match: IfMatch::Any,
                step: ReservationStep::Accept,
            });
        }
    }

    /// From the store to a partition that serves.
    pub(crate) fn ready(&self, store: &dyn Store) {
        let known = store.partitions().expect("partitions are listed").remove(0);
        let (start, spent) = (Instant::now(), all_worked());
        let back = Partition::<RoutingEngine>::restore(store, known, 2, IdSource::new(2));
        let back = back.expect("what was written is read").expect("it is not over");
        let (took, spent) = (start.elapsed(), all_worked() - spent);
        println!("restored in {took:.2?}, which took {spent:.2?} of processor time");
        assert_eq!(back.next_deadline(), self.partition.next_deadline());
    }
}

pub(crate) fn of_worker(number: usize, change: usize) -> Attributes {
    let mix = (number + change).wrapping_mul(0x9E37_79B9) >> 5;
    let skills = [mix % SKILLS, (mix >> 9) % SKILLS, number % SKILLS];
    let text = format!(
        r#"{{"skills":["s{}","s{}","s{}"],"region":"r{}","level":{},"name":"{}"}}"#,
        skills[0],
        skills[1],
        skills[2],
        number / SKILLS % REGIONS,
        mix % 4,
        "n".repeat(80)
    );
    Attributes::new(text).expect("short")
}

pub(crate) fn new_task(workflow: WorkflowSid, channel: &str, number: usize) -> NewTask {
    let mix = number.wrapping_mul(0x85EB_CA6B) >> 7;
    let text = format!(
        r#"{{"kind":"k{}","level":{},"skill":"s{}","customer":"{}"}}"#,
        mix % FILTERS,
        mix / FILTERS % 3,
        mix % SKILLS,
        "c".repeat(340)
    );
    NewTask {
        attributes: Attributes::new(text).expect("short"),
        workflow: Some(workflow),
        task_channel: Some(ChannelRef::Name(channel.to_owned())),
        timeout_s: Some(LONG),
        ..NewTask::default()
    }
}

pub(crate) fn wall_clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.expect("it is later than 1970").as_millis() as i64)
}

/// What the second half needs of the first.
pub(crate) struct Place {
    pub(crate) workspace: WorkspaceSid,
    pub(crate) calls: WorkflowSid,
    pub(crate) main: WorkflowSid,
    pub(crate) configurations: [String; 2],
    pub(crate) queues: Vec<TaskQueueSid>,
    pub(crate) workers: Vec<WorkerSid>,
    pub(crate) tasks: Vec<TaskSid>,
}

impl Shape {
    pub(crate) fn workflow_named(&self, name: &str) -> WorkflowSid {
        let mut found = None;
        self.partition.engine().routing().all_rows(|row| match row {
            RowRef::Workflow(one) if one.friendly_name == name => found = Some(one.sid),
            _ => {}
        });
        found.expect("it was made")
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            workspace: self.partition.id().parse().expect("it is a workspace's"),
            calls: self.workflow_named("calls"),
            main: self.main,
            configurations: [self.by_kind(2), self.by_kind(1)],
            queues: self.queues.clone(),
            workers: self.workers.clone(),
            tasks: self.tasks.clone(),
        }
    }
}
