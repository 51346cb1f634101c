//! What one look at a workspace saw of a task, and the explanation made from it.
//!
//! * Taking it is bounded and copies little; everything dear happens in [`Sight::explain`].
//! * Which condition rules a worker out was decided by the code that matches.

use super::*;
use crate::{
    capacity::CapacityRule,
    matching::Obstacle,
    schedule::{Calendars, CalendarsAt},
    state::Share,
    workflow::{Configuration, KnownBy, OrderBy, Target},
};
use base::Attributes;
use expr::{ChannelField, Expression, Fact, Scope, WorkerFacts, WorkerField};
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub struct Sight(pub(crate) Box<Seen>);

/// What was seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) task: Task,
    pub(crate) at: Timestamp,
    pub(crate) basis: Basis,
    pub(crate) change: Option<u64>,
    /// The configuration the task entered under.
    pub(crate) configuration: Option<Arc<Configuration>>,
    pub(crate) queue: Option<TaskQueue>,
    pub(crate) queue_expression: Option<Expression>,
    /// The unique names of the channels, by slot.
    pub(crate) channels: Vec<Option<String>>,
    /// The slot of the task's channel.
    pub(crate) channel: Option<usize>,
    pub(crate) rules: RulesShown,
    pub(crate) calendars: Calendars,
    pub(crate) refused_by: Vec<WorkerSid>,
    /// The names of those who have the task.
    pub(crate) holders: Vec<String>,
    /// Who the known worker is, where the task waits for one.
    pub(crate) known: Option<KnownSeen>,
    /// What the target's `skip_if` would see.
    pub(crate) members: Option<MemberCounts>,
    pub(crate) candidates: Vec<WorkerSid>,
    pub(crate) candidates_left_out: usize,
    pub(crate) offer: Vec<WorkerSid>,
    /// Everybody.
    pub(crate) total: usize,
    pub(crate) counts: BTreeMap<Obstacle, usize>,
    /// Workers whom nobody looked at, because there are very many who might be candidates.
    pub(crate) unseen: usize,
    /// Whether one worker was asked for.
    pub(crate) is_one: bool,
    pub(crate) workers: Vec<WorkerSeen>,
    pub(crate) next: Option<WorkerSid>,
}

/// Whom a task names as its known worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownSeen {
    /// A member of its queue.
    Member,
    /// A worker who is not in its queue.
    Outside,
    /// No worker of the workspace.
    Nobody,
}

/// What was seen of one worker.
#[derive(Clone, Debug)]
pub(crate) struct WorkerSeen {
    pub(crate) sid: WorkerSid,
    pub(crate) name: String,
    pub(crate) attributes: Attributes,
    pub(crate) activity: ActivitySid,
    pub(crate) activity_name: String,
    pub(crate) available: bool,
    /// By channel slot.
    pub(crate) shares: Vec<Share>,
    pub(crate) open: usize,
    pub(crate) idle_since: Timestamp,
    pub(crate) obstacle: Option<Obstacle>,
    /// The capacity rule, where one is the obstacle.
    pub(crate) withheld: Option<RuleSeen>,
}

/// A capacity rule that withholds a task from a worker.
#[derive(Clone, Debug)]
pub(crate) struct RuleSeen {
    pub(crate) rule: CapacityRule,
    pub(crate) load: u32,
}

impl Sight {
    /// Says which change was the newest one.
    pub fn stamp(&mut self, change: u64) {
        self.0.change = Some(change);
    }

    /// Says of which instant this is.
    pub fn based_on(&mut self, basis: Basis) {
        self.0.basis = basis;
    }

    /// Whether the task is not over.
    pub fn is_live(&self) -> bool {
        !self.0.task.status.is_final()
    }

    /// Whom the task would be offered to.
    pub fn offer(&self) -> &[WorkerSid] {
        &self.0.offer
    }

    /// The explanation.
    pub fn explain(&self, detail: Detail) -> Explanation {
        let seen = &*self.0;
        let value = parsed(&seen.task.attributes);
        let shown = Shown { seen, value: &value, target: seen.target() };
        shown.explanation(detail)
    }
}

impl Seen {
    fn target(&self) -> Option<&Target> {
        let walk = self.task.current_walk()?;
        self.configuration.as_ref()?.target(walk.filter, walk.target)
    }
}

/// What was seen, with the task's attributes parsed.
struct Shown<'a> {
    seen: &'a Seen,
    value: &'a Value,
    target: Option<&'a Target>,
}

impl Shown<'_> {
    fn explanation(&self, detail: Detail) -> Explanation {
        let seen = self.seen;
        let task = &seen.task;
        let workers: Vec<WorkerShown> =
            seen.workers.iter().map(|worker| self.worker(worker)).collect();
        let is_pending = task.status == TaskStatus::Pending;
        let told = workers.iter().filter(|one| match is_pending {
            true => seen.is_one || one.reason.is_some(),
            false => seen.is_one,
        });
        let verdicts: Vec<Verdict> = told.map(verdict).collect();
        let passed_over: usize = seen.counts.values().sum();
        Explanation {
            task_sid: task.sid,
            assignment_status: task.status,
            at: seen.at,
            basis: seen.basis,
            change: seen.change,
            task_queue_sid: task.queue,
            summary: self.summary(),
            filters: self.filters(detail),
            passed: self.passed(),
            target: self.held(),
            candidates: seen.candidates.clone(),
            candidates_left_out: seen.candidates_left_out,
            offer: seen.offer.clone(),
            counts: self.counts(),
            verdicts_left_out: match seen.is_one {
                true => 0,
                false => passed_over.saturating_sub(verdicts.len()),
            },
            verdicts,
            next: seen.next,
            full: (detail == Detail::Full).then(|| self.full(workers)),
        }
    }

    fn counts(&self) -> BTreeMap<&'static str, usize> {
        let seen = self.seen;
        let mut counts = BTreeMap::from([("workers", seen.total)]);
        counts.extend(seen.counts.iter().map(|(obstacle, count)| (key(*obstacle), *count)));
        if seen.unseen > 0 {
            counts.insert("not_looked_at", seen.unseen);
        }
        counts
    }

    fn full(&self, workers: Vec<WorkerShown>) -> Full {
        let seen = self.seen;
        let task = &seen.task;
        Full {
            task: TaskShown {
                attributes: self.value.clone(),
                priority: task.priority,
                task_channel: self.channel_name(),
                created_at: task.created_at,
                virtual_start_at: task.virtual_start_at,
                routing_target: task.routing_target,
                ignore_capacity: task.ignore_capacity,
                attempts: task.attempts,
                refused_by: seen.refused_by.clone(),
                passed_over: task
                    .transfer
                    .as_ref()
                    .map(|transfer| transfer.passed_over.clone())
                    .unwrap_or_default(),
                rests_from: task.rest.as_ref().and_then(|rest| rest.from.clone()),
            },
            task_queue: seen.queue.as_ref().map(|queue| QueueShown {
                sid: queue.sid,
                friendly_name: queue.friendly_name.clone(),
                target_workers: queue.target_workers.clone(),
                task_order: queue.task_order,
                max_reserved_workers: queue.max_reserved_workers,
            }),
            rules: seen.rules.clone(),
            workers,
        }
    }

    fn channel_name(&self) -> String {
        let slot = self.seen.channel;
        slot.and_then(|slot| self.seen.channels.get(slot).cloned().flatten()).unwrap_or_default()
    }

    fn worker(&self, worker: &WorkerSeen) -> WorkerShown {
        let attributes = parsed(&worker.attributes);
        let by = self.target.and_then(|target| target.order_by.as_ref());
        let names = self.seen.channels.iter();
        let shares = names.zip(&worker.shares).filter_map(|(name, share)| {
            let shown = ShareShown {
                configured_capacity: share.capacity,
                available: share.available,
                assigned_tasks: share.accepted,
                open_reservations: share.open,
                last_reserved_at: share.last_reserved_at,
            };
            Some((name.clone()?, shown))
        });
        let reason = match self.seen.task.status {
            TaskStatus::Pending => {
                worker.obstacle.map(|obstacle| self.reason(worker, &attributes, obstacle))
            }
            assignment_status => Some(Reason::TaskNotPending { assignment_status }),
        };
        WorkerShown {
            worker_sid: worker.sid,
            worker_name: worker.name.clone(),
            activity_sid: worker.activity,
            activity_name: worker.activity_name.clone(),
            available: worker.available,
            channels: shares.collect(),
            open_reservations: worker.open,
            idle_since: worker.idle_since,
            order_by: by.map(|by| by.values(&attributes)).unwrap_or_default(),
            attributes,
            reason,
        }
    }

    fn reason(&self, worker: &WorkerSeen, attributes: &Value, obstacle: Obstacle) -> Reason {
        let trace = |expression| self.trace(expression, worker, attributes);
        match obstacle {
            Obstacle::NotTheRoutingTarget => Reason::NotTheRoutingTarget,
            Obstacle::NotTheKnownWorker => Reason::NotTheKnownWorker,
            Obstacle::PassedOver => Reason::PassedOver,
            Obstacle::Busy => Reason::Busy,
            Obstacle::Resting => Reason::CallbackFailed {
                until: self.seen.task.rest.as_ref().map_or(self.seen.at, |rest| rest.until),
            },
            Obstacle::CapacityRule => self.capacity_rule(worker),
            Obstacle::ActivityUnavailable => Reason::ActivityUnavailable {
                activity_sid: worker.activity,
                activity_name: worker.activity_name.clone(),
            },
            Obstacle::NotInQueue => {
                Reason::NotInQueue { trace: trace(self.seen.queue_expression.as_ref()) }
            }
            Obstacle::TargetExpression => Reason::TargetExpression {
                trace: trace(self.target.and_then(|target| target.expression.as_ref())),
            },
            Obstacle::ChannelUnavailable => {
                Reason::ChannelUnavailable { channel: self.channel_name() }
            }
            Obstacle::NoCapacity => {
                let share = self.seen.channel.and_then(|slot| worker.shares.get(slot));
                Reason::NoCapacity {
                    channel: self.channel_name(),
                    configured_capacity: share.map_or(0, |share| share.capacity),
                    open_reservations: share.map_or(0, |share| share.open),
                }
            }
        }
    }

    /// The rule that withholds the task, with what it counted.
    fn capacity_rule(&self, worker: &WorkerSeen) -> Reason {
        let seen = worker.withheld.as_ref();
        let open = |name: &str| {
            let names = &mut self.seen.channels.iter();
            let slot = names.position(|one| one.as_deref() == Some(name))?;
            Some((name.to_owned(), worker.shares.get(slot)?.open))
        };
        Reason::CapacityRule {
            rule: seen.map(|seen| seen.rule.name.clone()).unwrap_or_default(),
            limit: seen.map_or(0, |seen| seen.rule.limit),
            load: seen.map_or(0, |seen| seen.load),
            open_reservations: seen
                .iter()
                .flat_map(|seen| seen.rule.named())
                .filter_map(open)
                .collect(),
        }
    }

    fn schedules_at(&self, at: Timestamp) -> CalendarsAt<'_> {
        CalendarsAt { calendars: &self.seen.calendars, at }
    }

    fn trace(
        &self,
        expression: Option<&Expression>,
        worker: &WorkerSeen,
        attributes: &Value,
    ) -> Value {
        let Some(expression) = expression else { return Value::Null };
        let facts = SeenFacts { worker, channels: &self.seen.channels };
        let scope = Scope {
            task: self.value,
            worker: attributes,
            facts: &facts,
            now: self.seen.at,
            schedules: &self.schedules_at(self.seen.at),
            ..Scope::default()
        };
        serde_json::to_value(expression.trace(&scope)).unwrap_or_default()
    }

    fn filters(&self, detail: Detail) -> Vec<FilterTried> {
        let (Some(walk), Some(configuration)) = (&self.seen.task.walk, &self.seen.configuration)
        else {
            return Vec::new();
        };
        let tried = walk.filter.map_or(configuration.filters.len(), |filter| filter as usize + 1);
        let entered = |filter: Option<u32>| {
            walk.filter == filter || walk.passed.iter().any(|passed| passed.filter == filter)
        };
        let shown = |target: &Target| (detail == Detail::Full).then(|| shown_target(target));
        let filters = configuration.filters.iter().take(tried).enumerate();
        let mut filters: Vec<FilterTried> = filters
            .map(|(index, filter)| {
                let at = tried_at(walk, index as u32);
                let scope = Scope {
                    task: self.value,
                    now: at,
                    schedules: &self.schedules_at(at),
                    ..Scope::default()
                };
                FilterTried {
                    index: Some(index as u32),
                    name: filter.name.clone(),
                    expression: Some(filter.expression.source().to_owned()),
                    at,
                    schedules: match filter.expression.uses().schedules {
                        true => self.seen.calendars.all_at(at),
                        false => BTreeMap::new(),
                    },
                    matched: filter.expression.evaluate(&scope),
                    entered: entered(Some(index as u32)),
                    trace: serde_json::to_value(filter.expression.trace(&scope)).ok(),
                    targets: filter.targets.iter().filter_map(shown).collect(),
                }
            })
            .collect();
        if walk.filter.is_none() {
            filters.push(FilterTried {
                index: None,
                name: None,
                expression: None,
                at: tried_at(walk, u32::MAX),
                schedules: BTreeMap::new(),
                matched: true,
                entered: true,
                trace: None,
                targets: configuration.default.iter().filter_map(shown).collect(),
            });
        }
        filters
    }

    fn passed(&self) -> Vec<TargetPassed> {
        let passed = self.seen.task.walk.as_ref().map_or(&[][..], |walk| &walk.passed);
        let shown = passed.iter().map(|passed| {
            let target = self.seen.configuration.as_ref();
            let target = target.and_then(|one| one.target(passed.filter, passed.target));
            let skip_if = target.and_then(|target| target.skip_if.as_ref());
            TargetPassed {
                filter: passed.filter,
                index: passed.target,
                at: passed.at,
                because: match passed.skipped {
                    Some(_) => PassedBecause::Skip,
                    None => PassedBecause::Timeout,
                },
                skip_if: skip_if
                    .zip(passed.skipped.as_ref())
                    .map(|(expression, counts)| skip_tried(expression, counts, passed.at)),
            }
        });
        shown.collect()
    }

    fn held(&self) -> Option<TargetHeld> {
        let walk = self.seen.task.current_walk()?;
        let target = self.target;
        let skip_if = target.and_then(|target| target.skip_if.as_ref());
        let known = target.and_then(|target| target.known_worker.as_ref());
        Some(TargetHeld {
            filter: walk.filter,
            index: walk.target,
            expression: target
                .and_then(|target| target.expression.as_ref())
                .map(|expression| expression.source().to_owned()),
            deadline: walk.deadline,
            order_by: target
                .and_then(|target| target.order_by.as_ref())
                .map(|by| by.text().to_owned()),
            skip_if: skip_if
                .zip(self.seen.members.as_ref())
                .map(|(expression, counts)| skip_tried(expression, counts, self.seen.at)),
            known_worker: known.map(|known| KnownWorkerTried {
                by: match known.by {
                    KnownBy::Sid => "sid",
                    KnownBy::FriendlyName => "friendly_name",
                },
                path: format!("task.{}", known.path),
                value: known.path.find(self.value).cloned().unwrap_or_default(),
                alert: self.known_alert(known.path.find(self.value)).map(AlertShown::from),
            }),
        })
    }

    /// What is wrong with the known worker that a task names by this value.
    fn known_alert(&self, named: Option<&Value>) -> Option<Alert> {
        match (self.seen.known?, named) {
            (KnownSeen::Member, _) | (_, Some(Value::Null)) => None,
            (_, None) => Some(Alert::KnownWorkerMissing),
            (KnownSeen::Outside, Some(_)) => Some(Alert::KnownWorkerOutside),
            (KnownSeen::Nobody, Some(_)) => Some(Alert::KnownWorkerUnknown),
        }
    }

    fn summary(&self) -> String {
        let (task, holders) = (&self.seen.task, listed(&self.seen.holders));
        match task.status {
            TaskStatus::Pending => self.why_waiting(),
            TaskStatus::Reserved => {
                format!("The task is offered to {holders}, who can accept it.")
            }
            TaskStatus::Assigned => format!("{holders} accepted the task."),
            TaskStatus::Wrapping => format!("{holders} is in after-work on the task."),
            TaskStatus::Completed | TaskStatus::Canceled => {
                let reason = task.reason.as_deref().unwrap_or("no reason was given");
                format!("The task was {}: {reason}.", task.status)
            }
        }
    }

    fn why_waiting(&self) -> String {
        let seen = self.seen;
        let place = match &seen.queue {
            Some(queue) => format!("The task waits in task queue '{}'", queue.friendly_name),
            None => "The task waits for the worker it is routed to".to_owned(),
        };
        if self.is_routed_to_nobody() {
            return "The worker that the task is routed to is gone: nobody will be offered it."
                .to_owned();
        }
        if seen.total == 0 {
            return format!("{place}: there are no workers.");
        }
        let candidates = seen.candidates.len() + seen.candidates_left_out;
        if candidates > 0 {
            return format!("{place}: {candidates} of {} workers could take it.", seen.total);
        }
        let mut reasons: Vec<String> =
            seen.counts.iter().map(|(obstacle, count)| said(*obstacle, *count)).collect();
        if seen.unseen > 0 {
            reasons.push(format!("{} were not looked at", seen.unseen));
        }
        let workers = if seen.total == 1 { "worker" } else { "workers" };
        format!("{place}: of {} {workers}, {}.", seen.total, listed(&reasons))
    }

    /// The worker was deleted while the task waited for that one alone.
    fn is_routed_to_nobody(&self) -> bool {
        let others = self.seen.counts.get(&Obstacle::NotTheRoutingTarget).copied().unwrap_or(0);
        let target = self.seen.task.routing_target;
        target.is_some_and(|sid| sid.kind() == "WK") && others == self.seen.total
    }
}

/// When a filter was last tried: at the entry, or when one above it was left.
fn tried_at(walk: &Walk, index: u32) -> Timestamp {
    let left = walk.passed.iter().rev().find(|passed| passed.filter.is_some_and(|it| it < index));
    left.map_or(walk.entered_at.unwrap_or(walk.clock), |passed| passed.at)
}

fn shown_target(target: &Target) -> TargetShown {
    let text = |expression: &Option<Expression>| {
        expression.as_ref().map(|expression| expression.source().to_owned())
    };
    let known = |by: KnownBy| {
        let known = target.known_worker.as_ref().filter(|known| known.by == by);
        known.map(|known| format!("task.{}", known.path))
    };
    TargetShown {
        queue: target.queue,
        priority: target.priority,
        timeout: target.timeout_s,
        expression: text(&target.expression),
        order_by: target.order_by.as_ref().map(|by: &Arc<OrderBy>| by.text().to_owned()),
        skip_if: text(&target.skip_if),
        known_worker_sid: known(KnownBy::Sid),
        known_worker_friendly_name: known(KnownBy::FriendlyName),
    }
}

fn skip_tried(expression: &Expression, counts: &MemberCounts, at: Timestamp) -> SkipTried {
    let by_activity = counts.by_activity.iter();
    let seen = expr::WorkerCounts {
        available: counts.available,
        unavailable: counts.unavailable,
        by_activity: by_activity.clone().map(|(sid, n)| (sid.sid(), *n)).collect(),
    };
    let mut workers: BTreeMap<String, i64> =
        by_activity.map(|(sid, n)| (sid.to_string(), *n)).collect();
    workers.insert("available".to_owned(), counts.available);
    workers.insert("unavailable".to_owned(), counts.unavailable);
    let scope = Scope { workers: Some(&seen), now: at, ..Scope::default() };
    SkipTried {
        expression: expression.source().to_owned(),
        matched: expression.evaluate(&scope),
        workers,
    }
}

fn parsed(attributes: &Attributes) -> Value {
    serde_json::from_str(attributes.text()).unwrap_or_default()
}

fn verdict(worker: &WorkerShown) -> Verdict {
    Verdict {
        worker_sid: worker.worker_sid,
        worker_name: worker.worker_name.clone(),
        reason: worker.reason.clone(),
    }
}

/// The built-in fields of a worker as they were seen.
struct SeenFacts<'a> {
    worker: &'a WorkerSeen,
    channels: &'a [Option<String>],
}

impl WorkerFacts for SeenFacts<'_> {
    fn fact(&self, field: &WorkerField) -> Fact<'_> {
        match field {
            WorkerField::Sid => Fact::Sid(self.worker.sid.sid()),
            WorkerField::FriendlyName => Fact::Text(&self.worker.name),
            WorkerField::ActivitySid => Fact::Sid(self.worker.activity.sid()),
            WorkerField::ActivityName => Fact::Text(&self.worker.activity_name),
            WorkerField::AssignedTasks => {
                let accepted = self.worker.shares.iter().map(|share| i64::from(share.accepted));
                Fact::Number(accepted.sum())
            }
            WorkerField::Channel { name, what } => {
                let slot = self.channels.iter().position(|one| one.as_deref() == Some(&**name));
                let share = slot.and_then(|slot| self.worker.shares.get(slot));
                share.map_or(Fact::Null, |share| Fact::Number(of_share(share, *what)))
            }
        }
    }
}

fn of_share(share: &Share, what: ChannelField) -> i64 {
    match what {
        ChannelField::ConfiguredCapacity => share.capacity.into(),
        ChannelField::AssignedTasks => share.accepted.into(),
        ChannelField::AvailableCapacityPercentage => {
            let free = i64::from(share.capacity.saturating_sub(share.open));
            (free * 100).checked_div(share.capacity.into()).unwrap_or(0)
        }
    }
}

const fn key(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::NotTheRoutingTarget => "not_the_routing_target",
        Obstacle::ActivityUnavailable => "activity_unavailable",
        Obstacle::NotInQueue => "not_in_queue",
        Obstacle::TargetExpression => "target_expression",
        Obstacle::NotTheKnownWorker => "not_the_known_worker",
        Obstacle::PassedOver => "passed_over",
        Obstacle::ChannelUnavailable => "channel_unavailable",
        Obstacle::NoCapacity => "no_capacity",
        Obstacle::Busy => "busy",
        Obstacle::Resting => "callback_failed",
        Obstacle::CapacityRule => "capacity_rule",
    }
}

fn said(obstacle: Obstacle, count: usize) -> String {
    let (one, many) = match obstacle {
        Obstacle::NotTheRoutingTarget => {
            ("is not the one it is routed to", "are not the one it is routed to")
        }
        Obstacle::ActivityUnavailable => ("is not available", "are not available"),
        Obstacle::NotInQueue => ("is not in the queue", "are not in the queue"),
        Obstacle::TargetExpression => {
            ("does not match the target's expression", "do not match the target's expression")
        }
        Obstacle::NotTheKnownWorker => ("is not the known worker", "are not the known worker"),
        Obstacle::PassedOver => {
            ("holds the task or was offered it before", "hold the task or were offered it before")
        }
        Obstacle::ChannelUnavailable => ("has the channel closed", "have the channel closed"),
        Obstacle::NoCapacity => ("has no capacity left", "have no capacity left"),
        Obstacle::CapacityRule => {
            ("is held back by a capacity rule", "are held back by a capacity rule")
        }
        Obstacle::Busy => ("is busy", "are busy"),
        Obstacle::Resting => (
            "rests from the task because its callbacks failed",
            "rest from the task because its callbacks failed",
        ),
    };
    format!("{count} {}", if count == 1 { one } else { many })
}

/// "a", "a and b", "a, b and c".
fn listed(parts: &[String]) -> String {
    match parts {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
