//! Statistics over REST: figures of the present and of an interval, of a workspace, workflow, queue
//! or of workers.
//!
//! * Durations are whole seconds, rounded down from exact milliseconds.
//! * Combined shapes hold both kinds of figures without their identities.

mod schemas;

pub use schemas::*;

use crate::names::Place;
use crate::{Iso, Names};
use base::{Millis, Sid, Timestamp};
use report::{Counters, Durations, Spread};
use routing::{ActivitySid, RealTime, TaskQueueSid, TaskSid, WorkerSid, WorkflowSid};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What statistics are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A workspace.
    Workspace,
    /// A workflow.
    Workflow(WorkflowSid),
    /// A queue.
    TaskQueue(TaskQueueSid),
    /// Some or all workers.
    Workers,
    /// One worker.
    Worker(WorkerSid),
}

/// The interval that was asked for, both ends included, and the waits it is split by, in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its first moment.
    pub from: Timestamp,
    /// Its last moment.
    pub to: Timestamp,
    /// Thresholds, if any were asked for.
    pub split_by: Vec<u32>,
}

/// Figures without identity.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Figures(Map<String, Value>);

impl Figures {
    /// Of the present; `now` is when it was.
    pub fn real_time(of: Of, found: &RealTime, now: Timestamp, names: Names<'_>) -> Self {
        let mut figures = Self(Map::new());
        let is_of_workers = matches!(of, Of::Workers | Of::Worker(_));
        if !is_of_workers {
            figures.tasks(found, now);
        }
        match of {
            Of::TaskQueue(_) => {
                let (sid, age) = waiting(found.longest_in_queue, now);
                figures.put("longest_relative_task_sid_in_queue", sid);
                figures.put("longest_relative_task_age_in_queue", age);
                figures.put("total_eligible_workers", found.total_workers());
                figures.put("total_available_workers", found.available_workers);
            }
            Of::Workspace | Of::Workers | Of::Worker(_) => {
                figures.put("total_workers", found.total_workers());
            }
            Of::Workflow(_) => return figures,
        }
        figures.put("activity_statistics", activities(&found.workers, names));
        figures
    }

    fn tasks(&mut self, found: &RealTime, now: Timestamp) {
        let [pending, reserved, assigned, wrapping] = found.by_status;
        let by_status = json!({
            "pending": pending,
            "reserved": reserved,
            "assigned": assigned,
            "wrapping": wrapping,
        });
        let by_priority = found.by_priority.iter();
        let by_priority = by_priority.map(|(at, count)| (at.to_string(), Value::from(*count)));
        let (sid, age) = waiting(found.longest_waiting, now);
        self.put("tasks_by_status", by_status);
        self.put("tasks_by_priority", by_priority.collect::<Map<_, _>>());
        self.put("total_tasks", found.total_tasks());
        self.put("longest_task_waiting_sid", sid);
        self.put("longest_task_waiting_age", age);
    }

    /// Of an interval, of tasks and reservations.
    pub fn cumulative(of: Of, counted: &Counters, interval: &Interval) -> Self {
        let mut figures = Self::of_reservations(counted, interval);
        figures.put("avg_task_acceptance_time", seconds(counted.until_accepted.avg()));
        figures.put("wait_duration_until_accepted", spread(&counted.until_accepted));
        figures.put("wait_duration_until_canceled", spread(&counted.until_canceled));
        figures.put("split_by_wait_time", split(counted, &interval.split_by));
        figures.put("tasks_canceled", counted.tasks_canceled);
        figures.put("tasks_completed", counted.tasks_completed);
        figures.put("tasks_deleted", counted.tasks_deleted);
        figures.put("tasks_moved", counted.tasks_moved);
        let in_queue = "wait_duration_in_queue_until_accepted";
        match of {
            Of::TaskQueue(_) => figures.put(in_queue, spread(&counted.in_queue_until_accepted)),
            _ => figures.put("tasks_timed_out_in_workflow", counted.tasks_timed_out),
        }
        match of {
            Of::Workspace => figures.put("tasks_created", counted.tasks_created),
            _ => figures.put("tasks_entered", counted.tasks_entered),
        }
        figures
    }

    /// Of an interval, of workers.
    pub fn cumulative_of_workers(
        counted: &Counters,
        durations: &BTreeMap<Sid, Durations>,
        interval: &Interval,
        names: Names<'_>,
    ) -> Self {
        let mut figures = Self::of_reservations(counted, interval);
        let nobody = Durations::default();
        let activities = names.activities.values().map(|activity| {
            let spent = durations.get(&activity.sid.sid()).unwrap_or(&nobody);
            json!({
                "sid": activity.sid,
                "friendly_name": activity.friendly_name,
                "min": seconds(spent.min),
                "max": seconds(spent.max),
                "avg": seconds(spent.avg()),
                "total": seconds(spent.total),
            })
        });
        figures.put("activity_durations", activities.collect::<Vec<_>>());
        figures
    }

    fn of_reservations(counted: &Counters, interval: &Interval) -> Self {
        let mut figures = Self(Map::new());
        figures.put("start_time", json!(Iso(interval.from)));
        figures.put("end_time", json!(Iso(interval.to)));
        figures.put("reservations_created", counted.reservations_created);
        figures.put("reservations_accepted", counted.reservations_accepted);
        figures.put("reservations_rejected", counted.reservations_rejected);
        figures.put("reservations_timed_out", counted.reservations_timed_out);
        figures.put("reservations_canceled", counted.reservations_canceled);
        figures.put("reservations_rescinded", counted.reservations_rescinded);
        figures
    }

    /// Both kinds together.
    pub fn combined(real_time: Option<Self>, cumulative: Self) -> Self {
        let mut figures = Self(Map::new());
        if let Some(real_time) = real_time {
            figures.put("realtime", real_time.0);
        }
        figures.put("cumulative", cumulative.0);
        figures
    }

    /// With what they are of and where they are to be had; in a list nobody says where.
    #[must_use]
    pub fn identified(mut self, of: Of, names: Names<'_>, url: Option<String>) -> Self {
        self.put("account_sid", json!(names.account));
        self.put("workspace_sid", json!(names.workspace_sid()));
        match of {
            Of::Workspace | Of::Workers => {}
            Of::Workflow(sid) => self.put("workflow_sid", json!(sid)),
            Of::TaskQueue(sid) => self.put("task_queue_sid", json!(sid)),
            Of::Worker(sid) => self.put("worker_sid", json!(sid)),
        }
        if let Some(url) = url {
            self.put("url", url);
        }
        self
    }

    /// The present of several queues.
    pub fn bulk(queues: Vec<(TaskQueueSid, Self)>, names: Names<'_>, base: &str) -> Self {
        let mut figures = Self(Map::new());
        let place = Place::of(base, names.workspace_sid());
        figures.put("account_sid", json!(names.account));
        figures.put("workspace_sid", json!(names.workspace_sid()));
        figures.put("url", place.below("TaskQueues/RealTimeStatistics"));
        figures.put("task_queue_response_count", queues.len());
        let data = queues.into_iter().map(|(sid, mut one)| {
            one.put("task_queue_sid", json!(sid));
            Value::Object(one.0)
        });
        figures.put("task_queue_data", data.collect::<Vec<_>>());
        figures
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

/// A waiting task and for how long, or nothing and 0.
fn waiting(found: Option<(TaskSid, Timestamp)>, now: Timestamp) -> (Value, i64) {
    match found {
        Some((sid, since)) => (json!(sid), seconds(now - since).max(0)),
        None => (Value::Null, 0),
    }
}

/// Every activity, also those nobody is in.
fn activities(workers: &[(ActivitySid, u32)], names: Names<'_>) -> Vec<Value> {
    let count = |sid| workers.iter().find(|(one, _)| *one == sid).map_or(0, |(_, count)| *count);
    let all = names.activities.values().map(|activity| {
        let (sid, name) = (activity.sid, &activity.friendly_name);
        json!({"sid": sid, "friendly_name": name, "workers": count(sid)})
    });
    all.collect()
}

fn spread(spread: &Spread) -> Value {
    json!({
        "avg": seconds(spread.avg()),
        "min": seconds(spread.min),
        "max": seconds(spread.max),
        "total": seconds(spread.total),
    })
}

fn split(counted: &Counters, by: &[u32]) -> Value {
    if by.is_empty() {
        return Value::Null;
    }
    let thresholds = by.iter().map(|at| {
        let split = counted.split(*at);
        let side = |canceled: u64, accepted: u64| {
            json!({"tasks_canceled": canceled, "reservations_accepted": accepted})
        };
        let sides = json!({
            "below": side(split.canceled_below, split.accepted_below),
            "above": side(split.canceled_above, split.accepted_above),
        });
        (at.to_string(), sides)
    });
    Value::Object(thresholds.collect())
}

fn seconds(span: Millis) -> i64 {
    span.0.div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Book;

    fn interval(split_by: &[u32]) -> Interval {
        Interval { from: Timestamp(0), to: Timestamp(60_000), split_by: split_by.to_vec() }
    }

    #[test]
    fn what_was_not_asked_for_or_never_happened_is_null_or_zero() {
        let queue = Of::TaskQueue(TaskQueueSid::new(1));
        let figures = Figures::cumulative(queue, &Counters::default(), &interval(&[]));
        let zeros = json!({"avg": 0, "min": 0, "max": 0, "total": 0});
        assert_eq!(figures.0["split_by_wait_time"], Value::Null);
        assert_eq!(figures.0["wait_duration_until_accepted"], zeros);
        let book = Book::new();
        let figures = Figures::real_time(queue, &RealTime::default(), Timestamp(0), book.names());
        let by_status = json!({"pending": 0, "reserved": 0, "assigned": 0, "wrapping": 0});
        assert_eq!(figures.0["tasks_by_status"], by_status);
        assert_eq!(figures.0["tasks_by_priority"], json!({}));
        assert_eq!(figures.0["longest_task_waiting_sid"], Value::Null);
        let activities = figures.0["activity_statistics"].as_array().expect("a list");
        assert_eq!(activities.len(), book.names().activities.len());
        assert!(activities.iter().all(|one| one["workers"] == 0));
    }

    #[test]
    fn seconds_are_rounded_down_from_exact_sums() {
        let waits = [1_900, 2_900];
        let until_accepted = Spread {
            count: 2,
            total: Millis(waits.iter().sum()),
            min: Millis(waits[0]),
            max: Millis(waits[1]),
        };
        let counted = Counters {
            until_accepted,
            accepted_by_second: BTreeMap::from([(2, 1), (3, 1)]),
            ..Counters::default()
        };
        let figures = Figures::cumulative(Of::Workspace, &counted, &interval(&[2]));
        let wanted = json!({"avg": 2, "min": 1, "max": 2, "total": 4});
        assert_eq!(figures.0["wait_duration_until_accepted"], wanted);
        assert_eq!(figures.0["avg_task_acceptance_time"], 2);
        let side = |n| json!({"tasks_canceled": 0, "reservations_accepted": n});
        let wanted = json!({"2": {"below": side(1), "above": side(1)}});
        assert_eq!(figures.0["split_by_wait_time"], wanted);
    }
}
