//! Somebody who sets the workspace up and then does not leave it alone.

use super::{View, Wish};
use crate::{
    checks::Place,
    faults::Switches,
    rules::{Case, Rule, worker_attributes},
};
use base::Attributes;
use routing::{
    Command, TaskQueueSid, WorkspaceSid,
    command::{
        ChannelRef, IfMatch, NewActivity, NewTaskChannel, NewTaskQueue, NewWorker, NewWorkflow,
        TaskQueuePatch, WorkerChannelRef, WorkerPatch, WorkflowPatch, WorkspacePatch,
    },
};
use serde_json::json;
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
            ..NewTaskQueue::default()
        })
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
    pub(crate) fn workflow(random: &mut Random, queues: &[TaskQueueSid], name: String) -> Command {
        Command::CreateWorkflow(NewWorkflow {
            friendly_name: name,
            configuration: configuration(random, queues),
            task_reservation_timeout_s: Some(random.within(1, 8) as u32),
            ..NewWorkflow::default()
        })
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
                self.change(place, view.switches)
            }
        });
        let commands = command.into_iter().map(|command| (self.workspace, command)).collect();
        Wish { commands, again_ms }
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
            1 if !queues.is_empty() => Self::workflow(random, &queues, name),
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

    fn change(&mut self, place: &Place, switches: Switches) -> Option<Command> {
        let name = self.name("renamed");
        let random = &mut self.random;
        let workers: Vec<_> = place.workers.keys().copied().collect();
        let queues: Vec<_> = place.queues.keys().copied().collect();
        Some(match random.below(10) {
            0..=2 => Command::UpdateWorkerChannel {
                worker: *random.one_of(&workers)?,
                channel: WorkerChannelRef::Channel(ChannelRef::Sid(
                    *random.one_of(&place.channels)?,
                )),
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
                    ..TaskQueuePatch::default()
                };
                Command::UpdateTaskQueue { sid: *random.one_of(&queues)?, patch }
            }
            7 | 8 => {
                let workflows: Vec<_> = place.workflows.keys().copied().collect();
                let sid = *random.one_of(&workflows)?;
                let patch = WorkflowPatch {
                    configuration: Some(configuration(random, &queues)),
                    task_reservation_timeout_s: Some(random.within(1, 8) as u32),
                    re_evaluate_tasks: random.percent(50),
                    ..WorkflowPatch::default()
                };
                Command::UpdateWorkflow { sid, patch }
            }
            _ => Command::UpdateWorkspace(WorkspacePatch {
                friendly_name: Some(name),
                ..WorkspacePatch::default()
            }),
        })
    }

    fn delete(&mut self, place: &Place) -> Option<Command> {
        let random = &mut self.random;
        Some(match random.below(20) {
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
                Command::DeleteTaskChannel(ChannelRef::Sid(*random.one_of(&place.channels)?))
            }
            _ if random.percent(20) => Command::DeleteWorkspace,
            _ => return None,
        })
    }
}

fn most(random: &mut Random, switches: Switches) -> u32 {
    if switches.multi_offer && random.percent(50) { random.within(2, 4) as u32 } else { 1 }
}

fn configuration(random: &mut Random, queues: &[TaskQueueSid]) -> String {
    let queue = |random: &mut Random| {
        random.one_of(queues).map_or_else(|| "WQ".to_owned(), ToString::to_string)
    };
    let filters: Vec<_> = (0..random.within(1, 3))
        .map(|_| {
            let targets: Vec<_> = (0..random.within(1, 3))
                .map(|_| {
                    let mut target = json!({"queue": queue(random)});
                    if let Some(text) = Rule::of_target(random).target_text() {
                        target["expression"] = text.into();
                    }
                    if random.percent(40) {
                        target["priority"] = random.below(30).into();
                    }
                    if random.percent(50) {
                        target["timeout"] = random.within(1, 12).into();
                    }
                    target
                })
                .collect();
            json!({"expression": Case::of_filter(random).text(), "targets": targets})
        })
        .collect();
    let mut routing = json!({"filters": filters});
    if random.percent(80) {
        routing["default_filter"] = json!({"queue": queue(random)});
    }
    json!({"task_routing": routing}).to_string()
}
