//! From the events of a turn to the row that keeps them.

use super::lines::*;
use crate::{event::*, model::*, state::Routing, workflow::KnownBy};
use base::Sid;
use std::borrow::Cow;

/// A row has at most so many events: whoever reads one event reads its row.
pub const EVENTS_A_ROW: usize = 64;

/// So many of the newest lines are looked at for what an entity was before: events about one
/// entity lie together.
const LOOK_BACK: usize = 8;

/// The stored form of some events of one turn, in order; names are looked up in `routing`, as it
/// is after the turn. The first event's SID is not in it: it is the row's key.
pub fn write(routing: &Routing, events: &[Event]) -> String {
    let mut writer = Writer { routing, lines: Lines::default() };
    let at = events.first().map_or_else(Default::default, |event| event.at);
    let lines: Vec<EventLine> =
        events.iter().enumerate().map(|(place, event)| writer.event(place, event)).collect();
    let workspace = routing.workspace.as_ref().map(|workspace| &*workspace.friendly_name);
    let workspace = workspace.or_else(|| events.iter().find_map(workspace_name));
    let Lines { tasks, workers, reservations, channels, settings } = writer.lines;
    let body = Body {
        at,
        workspace: Cow::Borrowed(workspace.unwrap_or_default()),
        events: lines,
        tasks: tasks.into_iter().map(|(_, line)| line).collect(),
        workers: workers.into_iter().map(|(_, line)| line).collect(),
        reservations: reservations.into_iter().map(|(_, line)| line).collect(),
        channels,
        settings,
    };
    crate::json::text(&body).expect("lines are plain data")
}

/// The workspace's name where the workspace is gone.
fn workspace_name(event: &Event) -> Option<&str> {
    match event.setting.as_deref()? {
        Setting::Workspace(workspace) => Some(&workspace.friendly_name),
        _ => None,
    }
}

/// The lines so far, each with what it was written from.
#[derive(Default)]
struct Lines<'a> {
    tasks: Vec<(&'a Task, TaskLine<'a>)>,
    workers: Vec<(&'a Worker, WorkerLine<'a>)>,
    reservations: Vec<(&'a Reservation, ReservationLine)>,
    channels: Vec<ChannelLine<'a>>,
    settings: Vec<SettingLine<'a>>,
}

struct Writer<'a> {
    routing: &'a Routing,
    lines: Lines<'a>,
}

impl<'a> Writer<'a> {
    fn event(&mut self, place: usize, event: &'a Event) -> EventLine {
        let Event { sid, kind, task, reservation, worker, worker_channel, setting, before, .. } =
            event;
        let has_worker = worker.is_some();
        EventLine {
            sid: (place > 0).then_some(*sid),
            kind: *kind,
            task: task.as_ref().map(|task| self.task(task)),
            worker: worker.as_ref().map(|worker| self.worker(worker)),
            reservation: reservation.as_ref().map(|one| self.reservation(one, has_worker)),
            channel: worker_channel.as_ref().map(|channel| self.channel(channel)),
            setting: setting.as_deref().map(|setting| self.setting(setting)),
            before: *before,
        }
    }

    fn task(&mut self, task: &'a Task) -> usize {
        let number = self.lines.tasks.len();
        let newest = self.lines.tasks.iter().enumerate().rev().take(LOOK_BACK);
        let mut earlier = newest.filter(|(_, (one, _))| one.sid == task.sid);
        let line = match earlier.next() {
            Some((at, (before, _))) if shows_alike(before, task) => return at,
            Some((at, (before, _))) if nothing_was_cleared(before, task) => {
                self.task_since(at, before, task)
            }
            _ => self.whole_task(task),
        };
        self.lines.tasks.push((task, line));
        number
    }

    fn whole_task(&self, task: &'a Task) -> TaskLine<'a> {
        TaskLine {
            of: None,
            sid: Some(task.sid),
            attributes: Some(Text(task.attributes.clone())),
            created_at: Some(task.created_at),
            ended_at: task.ended_at,
            status: Some(task.status),
            priority: Some(task.priority),
            reason: task.reason.as_deref().map(Cow::Borrowed),
            version: Some(task.version),
            queue: task.queue.map(|sid| self.queue(sid)),
            queue_entered_at: task.queue_entered_at,
            workflow: task.workflow.map(|sid| self.workflow(sid)),
            task_channel: Some(self.task_channel(task.task_channel)),
            routing_target: task.routing_target,
            known_worker: self.known_worker(task),
        }
    }

    /// What is different since line `at`.
    fn task_since(&self, at: usize, before: &Task, task: &'a Task) -> TaskLine<'a> {
        let other_queue = before.queue != task.queue;
        let other_workflow = before.workflow != task.workflow;
        let other_channel = before.task_channel != task.task_channel;
        TaskLine {
            of: Some(at),
            sid: None,
            attributes: changed(&before.attributes, &task.attributes).map(|new| Text(new.clone())),
            created_at: None,
            ended_at: changed(&before.ended_at, &task.ended_at).copied().flatten(),
            status: changed(&before.status, &task.status).copied(),
            priority: changed(&before.priority, &task.priority).copied(),
            reason: changed(&before.reason, &task.reason)
                .and_then(|new| new.as_deref().map(Cow::Borrowed)),
            version: changed(&before.version, &task.version).copied(),
            queue: task.queue.filter(|_| other_queue).map(|sid| self.queue(sid)),
            queue_entered_at: changed(&before.queue_entered_at, &task.queue_entered_at)
                .copied()
                .flatten(),
            workflow: task.workflow.filter(|_| other_workflow).map(|sid| self.workflow(sid)),
            task_channel: other_channel.then(|| self.task_channel(task.task_channel)),
            routing_target: changed(&before.routing_target, &task.routing_target)
                .copied()
                .flatten(),
            known_worker: self.known_worker(task).filter(|_| before.walk != task.walk),
        }
    }

    fn worker(&mut self, worker: &'a Worker) -> usize {
        let number = self.lines.workers.len();
        let newest = self.lines.workers.iter().enumerate().rev().take(LOOK_BACK);
        let mut earlier = newest.filter(|(_, (one, _))| one.sid == worker.sid);
        let line = match earlier.next() {
            Some((at, (before, _))) if *before == worker => return at,
            Some((at, (before, _))) => {
                let other_activity = before.activity != worker.activity;
                WorkerLine {
                    of: Some(at),
                    sid: None,
                    friendly_name: changed(&before.friendly_name, &worker.friendly_name)
                        .map(|new| Cow::Borrowed(&**new)),
                    attributes: changed(&before.attributes, &worker.attributes)
                        .map(|new| Text(new.clone())),
                    activity: other_activity.then(|| self.activity(worker.activity)),
                    version: changed(&before.version, &worker.version).copied(),
                }
            }
            None => WorkerLine {
                of: None,
                sid: Some(worker.sid),
                friendly_name: Some(Cow::Borrowed(&worker.friendly_name)),
                attributes: Some(Text(worker.attributes.clone())),
                activity: Some(self.activity(worker.activity)),
                version: Some(worker.version),
            },
        };
        self.lines.workers.push((worker, line));
        number
    }

    fn reservation(&mut self, reservation: &'a Reservation, has_worker: bool) -> usize {
        let lines = &mut self.lines.reservations;
        let newest = lines.iter().enumerate().rev().take(LOOK_BACK);
        let same = newest
            .filter(|(_, (one, line))| *one == reservation && line.worker.is_none() == has_worker);
        if let Some((at, _)) = { same }.next() {
            return at;
        }
        let line = ReservationLine {
            sid: reservation.sid,
            worker: (!has_worker).then_some(reservation.worker),
            status: reservation.status,
            timeout_s: reservation.timeout_s,
            version: reservation.version,
        };
        lines.push((reservation, line));
        lines.len() - 1
    }

    fn channel(&mut self, channel: &WorkerChannel) -> usize {
        let line = ChannelLine {
            sid: channel.sid,
            task_channel: self.task_channel(channel.task_channel),
            configured_capacity: channel.configured_capacity,
            available: channel.available,
            assigned_tasks: channel.assigned_tasks,
            open_reservations: channel.open_reservations,
        };
        self.lines.channels.push(line);
        self.lines.channels.len() - 1
    }

    fn setting(&mut self, setting: &'a Setting) -> usize {
        self.lines.settings.push(match setting {
            Setting::Workspace(one) => SettingLine::Workspace(pair(one.sid, &one.friendly_name)),
            Setting::Activity(one) => {
                SettingLine::Activity(pair(one.sid, &one.friendly_name), one.available)
            }
            Setting::TaskChannel(one) => SettingLine::TaskChannel(
                pair(one.sid, &one.friendly_name),
                Cow::Borrowed(&one.unique_name),
                one.channel_optimized_routing,
            ),
            Setting::TaskQueue(one) => SettingLine::TaskQueue(
                pair(one.sid, &one.friendly_name),
                Cow::Borrowed(&one.target_workers),
            ),
            Setting::Workflow(one) => SettingLine::Workflow(pair(one.sid, &one.friendly_name)),
        });
        self.lines.settings.len() - 1
    }

    fn queue(&self, sid: TaskQueueSid) -> Pair<'a, TaskQueueSid> {
        let found = self.routing.queues.get(&sid);
        (sid, found.map(|state| Cow::Borrowed(&*state.queue.friendly_name)))
    }

    fn workflow(&self, sid: WorkflowSid) -> Pair<'a, WorkflowSid> {
        let found = self.routing.workflows.get(&sid);
        (sid, found.map(|state| Cow::Borrowed(&*state.workflow.friendly_name)))
    }

    fn task_channel(&self, sid: TaskChannelSid) -> Pair<'a, TaskChannelSid> {
        let found = self.routing.channels.get(sid);
        (sid, found.map(|channel| Cow::Borrowed(&*channel.unique_name)))
    }

    fn activity(&self, sid: ActivitySid) -> Pair<'a, ActivitySid> {
        let found = self.routing.activities.get(&sid);
        (sid, found.map(|state| Cow::Borrowed(&*state.activity.friendly_name)))
    }

    /// The worker a known-worker target names for this task, if it is there.
    fn known_worker(&self, task: &Task) -> Option<WorkerSid> {
        let walk = task.walk.as_ref()?;
        let workflow = self.routing.workflows.get(&task.workflow?)?;
        let target = workflow.revision(walk.revision)?.target(walk.filter, walk.target)?;
        let known = target.known_worker.as_ref()?;
        let value = serde_json::from_str(task.attributes.text()).ok()?;
        let serde_json::Value::String(name) = known.path.find(&value)? else { return None };
        let workers = &self.routing.workers;
        match known.by {
            KnownBy::Sid => {
                let sid: Sid = name.parse().ok()?;
                let sid = WorkerSid::new(sid.body());
                workers.slot(sid).map(|_| sid)
            }
            KnownBy::FriendlyName => {
                workers.slot_named(name).map(|slot| workers.at(slot).worker.sid)
            }
        }
    }
}

fn pair<S>(sid: S, name: &str) -> Pair<'_, S> {
    (sid, Some(Cow::Borrowed(name)))
}

fn changed<'a, T: PartialEq>(old: &T, new: &'a T) -> Option<&'a T> {
    (old != new).then_some(new)
}

/// Whether nothing that is kept is different.
fn shows_alike(one: &Task, other: &Task) -> bool {
    one.version == other.version
        && one.status == other.status
        && one.priority == other.priority
        && one.queue == other.queue
        && one.queue_entered_at == other.queue_entered_at
        && one.workflow == other.workflow
        && one.task_channel == other.task_channel
        && one.routing_target == other.routing_target
        && one.ended_at == other.ended_at
        && one.reason == other.reason
        && one.walk == other.walk
        && one.attributes == other.attributes
}

/// A line says what there is, not what there is no longer; a known worker is lost with the target.
fn nothing_was_cleared(old: &Task, new: &Task) -> bool {
    let kept = |was: bool, is: bool| !was || is;
    let may_lose_known = old.walk.is_some() && old.walk != new.walk;
    kept(old.ended_at.is_some(), new.ended_at.is_some())
        && kept(old.reason.is_some(), new.reason.is_some())
        && kept(old.queue.is_some(), new.queue.is_some())
        && kept(old.queue_entered_at.is_some(), new.queue_entered_at.is_some())
        && kept(old.workflow.is_some(), new.workflow.is_some())
        && kept(old.routing_target.is_some(), new.routing_target.is_some())
        && !may_lose_known
}
