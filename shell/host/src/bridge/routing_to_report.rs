//! From what moved in a workspace to what statistics count.
//!
//! * A task waits in one queue or in none. Whenever that changes, exactly one fact says that it
//!   came, and one that it left and why: what came is what left and what waits, at every instant.
//! * A task that waits again after it had been taken (a transfer) enters its queue again.

use base::Timestamp;
use report::{Deleted, Fact, Outcome, Place, Stay, What};
use routing::{Event, EventKind, Movement, ReservationStatus, Standing, TaskStatus};

/// What a step comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) facts: Vec<Fact>,
    pub(crate) stays: Vec<Stay>,
}

/// What a step's movements and events count as.
pub(crate) fn counted(movements: &[Movement], events: &[Event]) -> Counted {
    let mut counted = Counted::default();
    for movement in movements {
        match *movement {
            Movement::Task { before, after, at, .. } => {
                moved(before.as_ref(), after.as_ref(), at, &mut counted.facts);
            }
            Movement::Reservation { worker, status, task, at } => {
                if let Some(outcome) = outcome(status, &task, at) {
                    let what = What::Reservation { worker: worker.sid(), outcome };
                    counted.facts.push(Fact { place: place(&task), what });
                }
            }
            Movement::Worker { worker, activity, from, to } => {
                let (worker, activity) = (worker.sid(), activity.sid());
                counted.stays.push(Stay { worker, activity, from, to });
            }
        }
    }
    let timed_out = events.iter().filter(|event| event.kind == EventKind::WorkflowTimeout);
    counted.facts.extend(timed_out.filter_map(|event| {
        let task = event.task.as_ref()?;
        let place = Place {
            queue: task.queue.map(|queue| queue.sid()),
            workflow: task.workflow.map(|workflow| workflow.sid()),
            channel: task.task_channel.sid(),
        };
        Some(Fact { place, what: What::TimedOut })
    }));
    counted
}

fn moved(
    before: Option<&Standing>,
    after: Option<&Standing>,
    at: Timestamp,
    facts: &mut Vec<Fact>,
) {
    let mut say = |task: &Standing, what| facts.push(Fact { place: place(task), what });
    let waits = |task: Option<&Standing>| task.is_some_and(Standing::is_waiting);
    let queue = |task: Option<&Standing>| task.filter(|one| one.is_waiting()).and_then(|t| t.queue);
    let (left, entered) = (queue(before), queue(after));
    match (before, after) {
        (None, Some(new)) => say(new, What::Created),
        (Some(old), None) => {
            let when = if old.is_waiting() { Deleted::Waiting } else { Deleted::Otherwise };
            say(old, What::Deleted(when));
        }
        (Some(old), Some(new)) => match (waits(before), waits(after)) {
            (true, true) if left.is_some() && left != entered => say(old, What::Moved),
            (true, false) if new.status == TaskStatus::Canceled => {
                say(old, What::Canceled { wait: at - old.created_at });
            }
            (true, false) => say(old, What::Taken),
            (false, true) => say(new, What::Returned),
            _ => {}
        },
        (None, None) => {}
    }
    if let (Some(new), true) = (after, entered.is_some() && left != entered) {
        say(new, What::Entered);
    }
    let is_done = |task: Option<&Standing>| task.is_some_and(|t| t.status == TaskStatus::Completed);
    if let (Some(new), true, false) = (after, is_done(after), is_done(before)) {
        say(new, What::Completed);
    }
}

fn outcome(status: ReservationStatus, task: &Standing, at: Timestamp) -> Option<Outcome> {
    Some(match status {
        ReservationStatus::Pending => Outcome::Created,
        ReservationStatus::Accepted => Outcome::Accepted {
            wait: at - task.created_at,
            in_queue: task.queue_entered_at.map(|entered_at| at - entered_at),
        },
        ReservationStatus::Rejected => Outcome::Rejected,
        ReservationStatus::Timeout => Outcome::TimedOut,
        ReservationStatus::Canceled => Outcome::Canceled,
        ReservationStatus::Rescinded => Outcome::Rescinded,
        ReservationStatus::Wrapping | ReservationStatus::Completed => return None,
    })
}

fn place(task: &Standing) -> Place {
    Place {
        queue: task.queue.map(|queue| queue.sid()),
        workflow: task.workflow.map(|workflow| workflow.sid()),
        channel: task.task_channel.sid(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Millis;
    use routing::{TaskChannelSid, TaskQueueSid, TaskSid, WorkflowSid};

    fn standing(status: TaskStatus, queue: Option<u128>) -> Standing {
        Standing {
            status,
            priority: 0,
            queue: queue.map(TaskQueueSid::new),
            queue_entered_at: queue.map(|_| Timestamp(5)),
            workflow: Some(WorkflowSid::new(1)),
            task_channel: TaskChannelSid::new(1),
            created_at: Timestamp(3),
        }
    }

    /// What a task's way through these standings counts as: letter of the fact and its queue.
    fn way(steps: &[Option<Standing>]) -> Vec<(What, Option<u128>)> {
        let pairs = steps.windows(2).map(|pair| Movement::Task {
            task: TaskSid::new(1),
            before: pair[0],
            after: pair[1],
            at: Timestamp(10),
        });
        let facts = counted(&pairs.collect::<Vec<_>>(), &[]).facts;
        facts.iter().map(|fact| (fact.what, fact.place.queue.map(|queue| queue.body()))).collect()
    }

    #[test]
    fn a_life_is_counted_once_at_each_turn() {
        use TaskStatus::{Assigned, Completed, Pending, Reserved};
        let steps = [
            None,
            Some(standing(Pending, None)),
            Some(standing(Pending, Some(1))),
            Some(standing(Pending, Some(2))),
            Some(standing(Reserved, Some(2))),
            Some(standing(Assigned, Some(2))),
            Some(standing(Completed, Some(2))),
            None,
        ];
        let wanted = [
            (What::Created, None),
            (What::Entered, Some(1)),
            (What::Moved, Some(1)),
            (What::Entered, Some(2)),
            (What::Taken, Some(2)),
            (What::Completed, Some(2)),
            (What::Deleted(Deleted::Otherwise), Some(2)),
        ];
        assert_eq!(way(&steps), wanted);
    }

    #[test]
    fn a_task_that_waits_again_enters_again() {
        use TaskStatus::{Assigned, Canceled, Pending, Reserved};
        let steps = [
            Some(standing(Assigned, Some(1))),
            Some(standing(Reserved, Some(1))),
            Some(standing(Assigned, Some(1))),
            Some(standing(Pending, Some(2))),
            Some(standing(Canceled, Some(2))),
        ];
        let wanted = [
            (What::Returned, Some(1)),
            (What::Entered, Some(1)),
            (What::Taken, Some(1)),
            (What::Returned, Some(2)),
            (What::Entered, Some(2)),
            (What::Canceled { wait: Millis(7) }, Some(2)),
        ];
        assert_eq!(way(&steps), wanted);
    }
}
