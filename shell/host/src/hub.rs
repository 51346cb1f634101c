//! Who listens to what: announcements go out once, in order, after they are durable.
//!
//! * Publishing never waits: a subscriber whose buffer is full is closed and told that it lagged.
//! * One subscriber gets one event once, even if several of its event's topics are the same.
//! * The end of a workspace is told to all listeners of workers and tasks; whose it is, the event
//!   says.
//! * A queue's listeners get bare ticks; ticks that were not fetched yet become one.
//!
//! Knows no sockets and no access rights.

use routing::{Event, EventKind, TaskQueueSid, TaskSid, WorkerSid, WorkspaceSid};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::{mpsc, watch};

/// What one can listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Everything in a workspace.
    Workspace(WorkspaceSid),
    /// A worker, its reservations, and the tasks it has open reservations on.
    Worker(WorkerSid),
    /// A task and its reservations.
    Task(TaskSid),
}

/// An event that is durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Announced {
    /// Where it happened.
    pub workspace: WorkspaceSid,
    /// What happened.
    pub event: Event,
}

/// One listener's end.
#[derive(Debug)]
pub struct Subscription {
    inbox: mpsc::Receiver<Arc<Announced>>,
    lagged: Arc<AtomicBool>,
}

impl Subscription {
    /// The next event; `None` once closed. What was buffered before the close still comes.
    pub async fn next(&mut self) -> Option<Arc<Announced>> {
        self.inbox.recv().await
    }

    /// The next event if one is there already.
    pub fn try_next(&mut self) -> Option<Arc<Announced>> {
        self.inbox.try_recv().ok()
    }

    /// Whether it was closed because its buffer was full.
    pub fn lagged(&self) -> bool {
        self.lagged.load(Ordering::Acquire)
    }

    /// Whether nothing more will be put in.
    pub fn is_closed(&self) -> bool {
        self.inbox.is_closed()
    }
}

/// Ticks of one queue.
#[derive(Debug)]
pub struct Ticks(watch::Receiver<u64>);

impl Ticks {
    /// Waits until the queue's order changed since the last call; `None` when the queue is gone.
    pub async fn next(&mut self) -> Option<()> {
        self.0.changed().await.ok()
    }

    /// Whether the queue's order changed since the last call.
    pub fn try_next(&mut self) -> bool {
        let changed = self.0.has_changed().unwrap_or(false);
        self.0.mark_unchanged();
        changed
    }
}

/// The other end: one for the whole host.
#[derive(Debug, Default)]
pub struct Hub {
    topics: Mutex<BTreeMap<Topic, Vec<Listener>>>,
    queues: Mutex<BTreeMap<TaskQueueSid, watch::Sender<u64>>>,
}

#[derive(Debug)]
struct Listener {
    outbox: mpsc::Sender<Arc<Announced>>,
    lagged: Arc<AtomicBool>,
}

impl Hub {
    /// A hub without listeners.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, at most `capacity` events wait to be fetched.
    pub fn subscribe(&self, topic: Topic, capacity: usize) -> Subscription {
        let (outbox, inbox) = mpsc::channel(capacity.max(1));
        let lagged = Arc::new(AtomicBool::new(false));
        let listener = Listener { outbox, lagged: lagged.clone() };
        let mut topics = lock(&self.topics);
        let listeners = topics.entry(topic).or_default();
        listeners.retain(|listener| !listener.outbox.is_closed());
        listeners.push(listener);
        Subscription { inbox, lagged }
    }

    /// Ticks of a queue from now on.
    pub fn ticks(&self, queue: TaskQueueSid) -> Ticks {
        let mut queues = lock(&self.queues);
        queues.retain(|sid, ticks| *sid == queue || ticks.receiver_count() > 0);
        Ticks(queues.entry(queue).or_insert_with(|| watch::channel(0).0).subscribe())
    }

    /// Hands an event to every listener of these topics.
    pub fn publish(&self, topics: &[Topic], announced: &Arc<Announced>) {
        let mut known = lock(&self.topics);
        if announced.event.kind == EventKind::WorkspaceDeleted {
            // Rare, and cheaper than knowing all along which worker and task is in which workspace.
            known.retain(|topic, listeners| {
                if !matches!(topic, Topic::Workspace(_)) {
                    listeners.retain(|listener| listener.offer(announced));
                }
                !listeners.is_empty()
            });
        }
        for (at, topic) in topics.iter().enumerate() {
            if topics[..at].contains(topic) {
                continue;
            }
            let Some(listeners) = known.get_mut(topic) else { continue };
            listeners.retain(|listener| listener.offer(announced));
            if listeners.is_empty() {
                known.remove(topic);
            }
        }
    }

    /// Says that a queue's order changed.
    pub fn tick(&self, queue: TaskQueueSid) {
        let mut queues = lock(&self.queues);
        let Some(ticks) = queues.get(&queue) else { return };
        if ticks.receiver_count() == 0 {
            queues.remove(&queue);
        } else {
            ticks.send_modify(|count| *count += 1);
        }
    }

    /// Closes a topic: what is buffered still comes, then the end.
    pub fn close(&self, topic: Topic) {
        lock(&self.topics).remove(&topic);
    }

    /// Closes everything, for a moment in which nobody can say what was announced.
    pub fn close_all(&self) {
        lock(&self.topics).clear();
        lock(&self.queues).clear();
    }

    /// Listeners at this moment, closed ones not yet noticed included.
    pub fn listeners(&self) -> usize {
        lock(&self.topics).values().map(Vec::len).sum()
    }
}

impl Listener {
    /// False when it is to be dropped.
    fn offer(&self, announced: &Arc<Announced>) -> bool {
        match self.outbox.try_send(announced.clone()) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.lagged.store(true, Ordering::Release);
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }
}

/// A panic elsewhere leaves the lists whole: each step on them is one call.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;

    fn announced(at: i64) -> Arc<Announced> {
        announced_of(EventKind::TaskCreated, at)
    }

    fn announced_of(kind: EventKind, at: i64) -> Arc<Announced> {
        let event = Event {
            sid: routing::EventSid::new(1),
            kind,
            at: Timestamp(at),
            task: None,
            reservation: None,
            worker: None,
            worker_channel: None,
            transfer: None,
            setting: None,
            before: None,
        };
        Arc::new(Announced { workspace: WorkspaceSid::new(1), event })
    }

    #[test]
    fn events_come_in_order_and_once() {
        let hub = Hub::new();
        let topic = Topic::Task(TaskSid::new(1));
        let mut subscription = hub.subscribe(topic, 8);
        for at in 0..3 {
            hub.publish(&[topic, topic], &announced(at));
        }
        let seen: Vec<_> = std::iter::from_fn(|| subscription.try_next()).collect();
        assert_eq!(seen.iter().map(|a| a.event.at.0).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn a_full_subscriber_is_closed_and_the_others_go_on() {
        let hub = Hub::new();
        let topic = Topic::Worker(WorkerSid::new(1));
        let (mut slow, mut quick) = (hub.subscribe(topic, 2), hub.subscribe(topic, 8));
        for at in 0..4 {
            hub.publish(&[topic], &announced(at));
        }
        assert!(slow.lagged() && slow.is_closed());
        assert_eq!(std::iter::from_fn(|| slow.try_next()).count(), 2);
        assert!(!quick.lagged());
        assert_eq!(std::iter::from_fn(|| quick.try_next()).count(), 4);
        assert_eq!(hub.listeners(), 1);
    }

    #[test]
    fn the_end_of_a_workspace_reaches_whoever_follows_a_worker_or_a_task() {
        let hub = Hub::new();
        let (own, other) = (WorkspaceSid::new(1), WorkspaceSid::new(2));
        let mut of = [
            Topic::Worker(WorkerSid::new(1)),
            Topic::Task(TaskSid::new(1)),
            Topic::Workspace(own),
            Topic::Workspace(other),
        ]
        .map(|topic| hub.subscribe(topic, 8));
        hub.publish(&[Topic::Workspace(own)], &announced_of(EventKind::WorkspaceDeleted, 0));
        let told = of.each_mut().map(|one| std::iter::from_fn(|| one.try_next()).count());
        assert_eq!(told, [1, 1, 1, 0]);
        assert_eq!(hub.listeners(), 4);
    }

    #[test]
    fn ticks_that_were_not_fetched_become_one() {
        let hub = Hub::new();
        let queue = TaskQueueSid::new(1);
        let mut ticks = hub.ticks(queue);
        assert!(!ticks.try_next());
        (0..5).for_each(|_| hub.tick(queue));
        assert!(ticks.try_next());
        assert!(!ticks.try_next());
    }
}
