//! Somebody who sets the workspace up and then does not leave it alone.

use super::{View, Wish};
use crate::{
    checks::Place,
    faults::Switches,
    hours::{self, NAMES},
    rules::{Case, Rule, SKILLS, worker_attributes},
};
use base::{Attributes, Patch, Timestamp};
use routing::{
    ActivitySid, AfterLastTarget, Command, TaskOrder, TaskQueueSid, WorkspaceSid,
    command::{
        ChannelRef, IfMatch, NewActivity, NewTaskChannel, NewTaskQueue, NewWorker, NewWorkflow,
        TaskQueuePatch, WorkerChannelRef, WorkerPatch, WorkflowPatch, WorkspacePatch,
    },
};
use serde_json::{Value, json};
use testkit::Random;

/// The admin of one workspace.
pub(crate) struct Admin {
    workspace: WorkspaceSid,
    random: Random,
    made: u32,
}

impl Admin {
    /// Everything it does follows from `random`.
    pub(crate) fn new(workspace: WorkspaceSid, random: Random) -> Self {
        Self { workspace, random, made: 0 }
    }

    /// A new queue.
    pub(crate) fn queue(random: &mut Random, switches: Switches, name: String) -> Command {
        Command::CreateTaskQueue(NewTaskQueue {
            friendly_name: name,
            target_workers: Some(Rule::of_queue(random).queue_text()),
            max_reserved_workers: Some(most(random, switches)),
            task_order: Some(order(random)),
            ..NewTaskQueue::default()
        })
    }

    /// In which order a queue is served.
    pub(crate) fn ordering(random: &mut Random, place: &Place, queue: TaskQueueSid) -> Command {
        let level = |random: &mut Random| random.within(1, 60);
        let names: Vec<&String> = place.channels.values().collect();
        let classes: Vec<Value> = (0..random.below(4))
            .map(|_| {
                let mut class = json!({"service_level_s": level(random)});
                match random.below(3) {
                    0 => class["priority_at_least"] = random.within(1, 30).into(),
                    1 => class["channels"] = json!([random.one_of(&names)]),
                    _ => class["expression"] = Case::of_class(random).text().into(),
                }
                class
            })
            .collect();
        let body = match random.percent(15) {
            true => json!({"by": "task_order"}),
            false => {
                json!({"by": "deadline", "service_level_s": level(random), "classes": classes})
            }
        };
        Command::SetOrdering { queue, if_match: IfMatch::Any, body }
    }

    /// Other hours for one of the schedules.
    pub(crate) fn schedule(random: &mut Random, now: Timestamp) -> Command {
        let name = NAMES[random.below(NAMES.len() as u64) as usize].to_owned();
        Command::SetSchedule { name, if_match: IfMatch::Any, body: hours::body(random, now) }
    }

    /// A new worker.
    pub(crate) fn worker(random: &mut Random, place: &Place, name: String) -> Command {
        let available: Vec<_> =
            place.activities.values().filter(|one| one.available).map(|one| one.sid).collect();
        Command::CreateWorker(NewWorker {
            friendly_name: name,
            activity: random.one_of(&available).copied().filter(|_| random.percent(80)),
            attributes: Attributes::new(worker_attributes(random)).expect("it is short"),
        })
    }

    /// A new workflow.
    pub(crate) fn workflow(
        random: &mut Random,
        switches: Switches,
        queues: &[TaskQueueSid],
        name: String,
    ) -> Command {
        let asks = switches.callbacks && random.percent(70);
        let url = |path: &str| Some(format!("https://application.example/{path}"));
        Command::CreateWorkflow(NewWorkflow {
            friendly_name: name,
            configuration: configuration(random, switches, queues),
            assignment_callback_url: url("assign").filter(|_| asks),
            fallback_assignment_callback_url: url("fallback")
                .filter(|_| asks && random.percent(50)),
            // Longer than an application is waited for, now and then.
            task_reservation_timeout_s: Some(match asks && !switches.ages && random.percent(60) {
                true => random.within(15, 40),
                false => random.within(1, 8),
            } as u32),
        })
    }

    /// Rules across the channels of a workspace.
    pub(crate) fn capacity(random: &mut Random, place: &Place) -> Command {
        let names: Vec<&String> = place.channels.values().collect();
        let some = |random: &mut Random| -> Vec<&String> {
            let chosen: Vec<_> = names.iter().copied().filter(|_| random.percent(50)).collect();
            if chosen.is_empty() { names.iter().copied().take(1).collect() } else { chosen }
        };
        let rules: Vec<_> = (0..random.below(4))
            .map(|at| {
                let mut rule = json!({
                    "name": format!("rule {at}"),
                    "channels": some(random),
                    "limit": random.below(4),
                });
                if random.percent(30) {
                    let weighed = rule["channels"][0].as_str().unwrap_or_default().to_owned();
                    rule["weights"] = json!({weighed: random.below(4)});
                }
                if random.percent(50) {
                    rule["while"] =
                        json!({"channels": some(random), "at_least": random.within(1, 2)});
                }
                if random.percent(25) {
                    let skill = Rule::Skill(random.below(SKILLS.into()) as u8);
                    rule["workers"] = skill.queue_text().into();
                }
                if random.percent(25) {
                    rule["blocks"] = json!(some(random));
                }
                rule
            })
            .collect();
        Command::SetCapacity { if_match: IfMatch::Any, body: json!({"rules": rules}) }
    }

    pub(super) fn look(&mut self, view: &View<'_>) -> Wish {
        if view.is_calm {
            return Wish::default();
        }
        let again_ms = Some(self.random.within(300, 4_000));
        let command = view.checks.place(self.workspace).and_then(|place| {
            if view.switches.deletes && self.random.percent(25) {
                self.delete(place)
            } else if self.random.percent(35) {
                self.make(place, view.switches)
            } else {
                self.change(place, view.switches, view.now)
            }
        });
        let commands = command.into_iter().map(|command| (self.workspace, command)).collect();
        Wish { commands, again_ms, ..Wish::default() }
    }

    fn name(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind} {}", self.made)
    }

    fn make(&mut self, place: &Place, switches: Switches) -> Option<Command> {
        let queues: Vec<_> = place.queues.keys().copied().collect();
        let name = self.name("late");
        let random = &mut self.random;
        Some(match random.below(5) {
            0 => Self::queue(random, switches, name),
            1 if !queues.is_empty() => Self::workflow(random, switches, &queues, name),
            2 if place.workers.len() < 12 => Self::worker(random, place, name),
            3 => Command::CreateActivity(NewActivity {
                friendly_name: name,
                available: random.percent(50),
            }),
            _ if place.channels.len() < 8 => Command::CreateTaskChannel(NewTaskChannel {
                unique_name: name.replace(' ', "_"),
                friendly_name: name,
                channel_optimized_routing: random.percent(50),
            }),
            _ => return None,
        })
    }

    fn change(&mut self, place: &Place, switches: Switches, now: Timestamp) -> Option<Command> {
        let name = self.name("renamed");
        let random = &mut self.random;
        if switches.schedules && random.percent(12) {
            return Some(Self::schedule(random, now));
        }
        if switches.deadlines && random.percent(12) {
            let queues: Vec<_> = place.queues.keys().copied().collect();
            let queue = *random.one_of(&queues)?;
            return Some(Self::ordering(random, place, queue));
        }
        if switches.capacity && random.percent(15) {
            return Some(Self::capacity(random, place));
        }
        if switches.callbacks && random.percent(10) {
            let open: Vec<_> = place.open().map(|reservation| reservation.sid).collect();
            return random.one_of(&open).map(|sid| Command::AskCallback { reservation: *sid });
        }
        let workers: Vec<_> = place.workers.keys().copied().collect();
        let channels: Vec<_> = place.channels.keys().copied().collect();
        let queues: Vec<_> = place.queues.keys().copied().collect();
        let activities: Vec<_> = place.activities.keys().copied().collect();
        Some(match random.below(12) {
            10 => Command::UpdateActivity {
                sid: *random.one_of(&activities)?,
                friendly_name: Some(name),
            },
            11 => Command::UpdateTaskChannel {
                channel: ChannelRef::Sid(*random.one_of(&channels)?),
                friendly_name: random.percent(50).then_some(name),
                channel_optimized_routing: Some(random.percent(50)),
            },
            0..=2 => Command::UpdateWorkerChannel {
                worker: *random.one_of(&workers)?,
                channel: WorkerChannelRef::Channel(ChannelRef::Sid(*random.one_of(&channels)?)),
                capacity: random.percent(70).then(|| random.below(4) as u32),
                available: random.percent(40).then(|| random.percent(70)),
            },
            3 | 4 => {
                let attributes = worker_attributes(random);
                let patch = WorkerPatch {
                    attributes: Some(Attributes::new(attributes).expect("it is short")),
                    friendly_name: random.percent(10).then_some(name),
                    ..WorkerPatch::default()
                };
                let sid = *random.one_of(&workers)?;
                Command::UpdateWorker { sid, if_match: IfMatch::Any, patch }
            }
            5 | 6 => {
                let patch = TaskQueuePatch {
                    target_workers: Some(Rule::of_queue(random).queue_text()),
                    max_reserved_workers: random.percent(30).then(|| most(random, switches)),
                    task_order: random.percent(30).then(|| order(random)),
                    reservation_activity: sent(random, &activities, switches),
                    assignment_activity: sent(random, &activities, switches),
                    ..TaskQueuePatch::default()
                };
                Command::UpdateTaskQueue { sid: *random.one_of(&queues)?, patch }
            }
            7 | 8 => Self::other_workflow(random, place, switches)?,
            _ => Self::workspace(random, switches, &activities, name),
        })
    }

    fn other_workflow(random: &mut Random, place: &Place, switches: Switches) -> Option<Command> {
        let queues: Vec<_> = place.queues.keys().copied().collect();
        let workflows: Vec<_> = place.workflows.keys().copied().collect();
        let sid = *random.one_of(&workflows)?;
        let patch = WorkflowPatch {
            configuration: Some(configuration(random, switches, &queues)),
            assignment_callback_url: match random.below(10) {
                0 => Patch::Clear,
                1 if switches.callbacks => {
                    Patch::Set("https://application.example/other".to_owned())
                }
                _ => Patch::Keep,
            },
            task_reservation_timeout_s: Some(random.within(1, 8) as u32),
            re_evaluate_tasks: random.percent(50),
            ..WorkflowPatch::default()
        };
        Some(Command::UpdateWorkflow { sid, patch })
    }

    fn workspace(
        random: &mut Random,
        switches: Switches,
        activities: &[ActivitySid],
        name: String,
    ) -> Command {
        Command::UpdateWorkspace(WorkspacePatch {
            friendly_name: Some(name),
            // In a month a task that nobody answers for would be offered a thousand times.
            timeout_activity: random
                .one_of(activities)
                .filter(|_| random.percent(20) && !switches.ages)
                .copied(),
            default_activity: random.one_of(activities).filter(|_| random.percent(20)).copied(),
            prioritize_queue_order: random.percent(50).then(|| order(random)),
            after_last_target: random.percent(50).then(|| match random.percent(50) {
                true => AfterLastTarget::Cancel,
                false => AfterLastTarget::NextFilter,
            }),
            events_filter: match random.percent(30) {
                true => Patch::Set("task.created,reservation.accepted".to_owned()),
                false => Patch::Keep,
            },
            event_callback_url: match random.percent(30) {
                true => Patch::Set("https://application.example/events".to_owned()),
                false => Patch::Keep,
            },
            ..WorkspacePatch::default()
        })
    }

    fn delete(&mut self, place: &Place) -> Option<Command> {
        let random = &mut self.random;
        Some(match random.below(23) {
            20..=22 => {
                let name = *random.one_of(&NAMES)?;
                Command::DeleteSchedule { name: name.to_owned(), if_match: IfMatch::Any }
            }
            0..=4 => {
                let all: Vec<_> = place.workers.keys().copied().collect();
                if all.len() < 3 {
                    return None;
                }
                Command::DeleteWorker { sid: *random.one_of(&all)?, if_match: IfMatch::Any }
            }
            5..=8 => {
                let all: Vec<_> = place.queues.keys().copied().collect();
                Command::DeleteTaskQueue(*random.one_of(&all)?)
            }
            9..=12 => {
                let all: Vec<_> = place.workflows.keys().copied().collect();
                Command::DeleteWorkflow(*random.one_of(&all)?)
            }
            13..=15 => {
                let all: Vec<_> = place.activities.keys().copied().collect();
                Command::DeleteActivity(*random.one_of(&all)?)
            }
            16..=18 => {
                let all: Vec<_> = place.channels.keys().copied().collect();
                Command::DeleteTaskChannel(ChannelRef::Sid(*random.one_of(&all)?))
            }
            _ if random.percent(20) => Command::DeleteWorkspace,
            _ => return None,
        })
    }
}

fn most(random: &mut Random, switches: Switches) -> u32 {
    if switches.multi_offer && random.percent(50) { random.within(2, 4) as u32 } else { 1 }
}

/// Where workers are sent who are offered something or take it: in single-tasking workspaces.
fn sent(random: &mut Random, all: &[ActivitySid], switches: Switches) -> Patch<ActivitySid> {
    match random.below(10) {
        0 if switches.single_tasking => random.one_of(all).copied().map_or(Patch::Keep, Patch::Set),
        1 => Patch::Clear,
        _ => Patch::Keep,
    }
}

fn order(random: &mut Random) -> TaskOrder {
    if random.percent(60) { TaskOrder::Fifo } else { TaskOrder::Lifo }
}

fn configuration(random: &mut Random, switches: Switches, queues: &[TaskQueueSid]) -> String {
    let queue = |random: &mut Random| {
        random.one_of(queues).map_or_else(|| "WQ".to_owned(), ToString::to_string)
    };
    let filters: Vec<_> = (0..random.within(1, 3))
        .map(|_| {
            let targets: Vec<_> = (0..random.within(1, 3))
                .map(|_| {
                    let mut target = json!({"queue": queue(random)});
                    if let Some(text) = Rule::of_target(random, switches).target_text() {
                        target["expression"] = text.into();
                    }
                    if random.percent(40) {
                        target["priority"] = random.below(30).into();
                    }
                    if switches.rich {
                        enrich(random, &mut target);
                    }
                    if random.percent(50) {
                        target["timeout"] = random.within(1, 12).into();
                    }
                    target
                })
                .collect();
            json!({"expression": Case::of_filter(random, switches).text(), "targets": targets})
        })
        .collect();
    let mut routing = json!({"filters": filters});
    if random.percent(80) {
        routing["default_filter"] = json!({"queue": queue(random)});
    }
    json!({"task_routing": routing}).to_string()
}

/// What a target may say beside its expression.
fn enrich(random: &mut Random, target: &mut Value) {
    match random.below(10) {
        0 => target["skip_if"] = "workers.available == 0".into(),
        1 => target["skip_if"] = "1==1".into(),
        2 | 3 => target["order_by"] = "worker.level DESC".into(),
        4 => target["known_worker_friendly_name"] = "task.agent".into(),
        5 => target["known_worker_sid"] = "task.agent_sid".into(),
        _ => {}
    }
}
