//! What waits for one destination.
//!
//! * What is about the same thing goes out one after the other, in order; different things do not
//!   wait for each other.
//! * At most so many deliveries are in memory; the rest stays in the store until there is room.
//!
//! Knows no clock, no store and no HTTP: it is told the time and what was read.

use base::{Sid, Timestamp};
use host::delivery::{Delivery, DeliverySid};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Deliveries of one destination in memory.
pub(crate) const WINDOW: usize = 1_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Line {
    /// How many may be in memory.
    window: usize,
    /// By what they are about, in order.
    queues: BTreeMap<Sid, VecDeque<Delivery>>,
    known: BTreeSet<DeliverySid>,
    /// Whose turn it is.
    ready: VecDeque<Sid>,
    /// Whose first one failed, and when it is tried again.
    later: BTreeSet<(Timestamp, Sid)>,
    /// Whose first one is under way.
    under_way: BTreeSet<Sid>,
    /// From this one on, deliveries are in the store only.
    behind: Option<DeliverySid>,
    /// While the store is read: the first one that came up meanwhile.
    missed: Option<DeliverySid>,
    is_reading: bool,
}

impl Line {
    /// A line that holds at most so many, with nothing in it.
    pub(crate) fn holding(window: usize) -> Self {
        Self {
            window,
            queues: BTreeMap::new(),
            known: BTreeSet::new(),
            ready: VecDeque::new(),
            later: BTreeSet::new(),
            under_way: BTreeSet::new(),
            behind: None,
            missed: None,
            is_reading: false,
        }
    }

    /// A line whose deliveries are all still in the store.
    pub(crate) fn unread() -> Self {
        Self { behind: Some(DeliverySid::new(0)), ..Self::holding(WINDOW) }
    }

    /// Adds what came up.
    pub(crate) fn push(&mut self, delivery: Delivery) {
        let sid = delivery.sid;
        if self.known.contains(&sid) {
            // Somebody asked to send it again: now, if it waits.
            let order = order(&delivery);
            if self.later.iter().any(|(_, waiting)| *waiting == order) {
                self.later.retain(|(_, waiting)| *waiting != order);
                self.ready.push_back(order);
            }
            return;
        }
        if self.is_reading {
            self.missed.get_or_insert(sid);
        } else if self.behind.is_some() {
            // It follows what is in the store already; one that is older is read with them too.
            self.behind = self.behind.map(|behind| behind.min(sid));
        } else if self.known.len() >= self.window {
            self.behind = Some(sid);
        } else {
            self.add(delivery);
        }
    }

    fn add(&mut self, delivery: Delivery) {
        let order = order(&delivery);
        self.known.insert(delivery.sid);
        let again_at = delivery.next_attempt_at;
        let queue = self.queues.entry(order).or_default();
        queue.push_back(delivery);
        if queue.len() > 1 {
            return;
        }
        match again_at {
            Some(at) => _ = self.later.insert((at, order)),
            None => self.ready.push_back(order),
        }
    }

    /// From which delivery on the store is to be read, if there is room for what it has.
    pub(crate) fn wants(&mut self) -> Option<DeliverySid> {
        if self.is_reading || self.known.len() > self.window / 2 {
            return None;
        }
        let behind = self.behind?;
        self.is_reading = true;
        Some(behind)
    }

    /// What was read, in order; `is_all` when there was no more.
    pub(crate) fn took(&mut self, read: Vec<Delivery>, is_all: bool) {
        self.is_reading = false;
        let missed = self.missed.take();
        let last = read.last().map(|delivery| delivery.sid);
        for delivery in read {
            if !self.known.contains(&delivery.sid) {
                self.add(delivery);
            }
        }
        let next = last.map(|last| DeliverySid::new(last.body().wrapping_add(1)));
        self.behind = match (is_all, missed) {
            (true, missed) => missed,
            (false, missed) => {
                next.or(self.behind).map(|next| missed.map_or(next, |m| m.min(next)))
            }
        };
    }

    /// The store could not be read: it is asked again.
    pub(crate) fn unreadable(&mut self) {
        self.is_reading = false;
        let missed = self.missed.take();
        self.behind = match (self.behind, missed) {
            (Some(behind), Some(missed)) => Some(behind.min(missed)),
            (behind, missed) => behind.or(missed),
        };
    }

    /// The next one to send, if fewer than `most` are under way.
    pub(crate) fn next(&mut self, most: usize) -> Option<Delivery> {
        if self.under_way.len() >= most {
            return None;
        }
        let order = self.ready.pop_front()?;
        self.under_way.insert(order);
        let queue = self.queues.get(&order).expect("what is ready has something to send");
        Some(queue.front().expect("queues are not kept empty").clone())
    }

    /// One that was under way is over, delivered or given up.
    pub(crate) fn over(&mut self, delivery: &Delivery) {
        let order = order(delivery);
        self.under_way.remove(&order);
        self.known.remove(&delivery.sid);
        let Some(queue) = self.queues.get_mut(&order) else { return };
        queue.pop_front();
        match queue.front() {
            None => _ = self.queues.remove(&order),
            Some(next) => match next.next_attempt_at {
                Some(at) => _ = self.later.insert((at, order)),
                None => self.ready.push_back(order),
            },
        }
    }

    /// One that was under way failed and is tried again.
    pub(crate) fn again(&mut self, delivery: Delivery, at: Timestamp) {
        let order = order(&delivery);
        self.under_way.remove(&order);
        if let Some(first) = self.queues.get_mut(&order).and_then(VecDeque::front_mut) {
            *first = delivery;
            self.later.insert((at, order));
        }
    }

    /// When something is tried again.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.later.first().map(|(at, _)| *at)
    }

    /// Lets those be tried again whose time has come.
    pub(crate) fn due(&mut self, now: Timestamp) {
        while let Some((at, order)) = self.later.first().copied().filter(|(at, _)| *at <= now) {
            self.later.remove(&(at, order));
            self.ready.push_back(order);
        }
    }

    /// The destination is heard of again: whoever waits is tried now.
    pub(crate) fn wake(&mut self) {
        let later = std::mem::take(&mut self.later);
        self.ready.extend(later.into_iter().map(|(_, order)| order));
    }

    /// Whether something could be sent, or read, at once.
    pub(crate) fn is_busy(&self, most: usize) -> bool {
        self.is_reading || (!self.ready.is_empty() && self.under_way.len() < most)
    }

    /// Whether nothing of it is left, here or in the store.
    pub(crate) fn is_idle(&self) -> bool {
        self.known.is_empty() && self.behind.is_none() && !self.is_reading
    }
}

/// What keeps its order: the task, or whatever it is about, or nothing but itself.
fn order(delivery: &Delivery) -> Sid {
    delivery.order.unwrap_or(delivery.sid.sid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::delivery::About;
    use routing::{EventSid, TaskSid};

    fn delivery(n: u128, task: u128) -> Delivery {
        let about = About::Webhook { event: EventSid::new(n), event_type: "task.created".into() };
        Delivery::new(EventSid::new(n).sid(), about, Some(TaskSid::new(task)), Timestamp(0))
    }

    fn sent(line: &mut Line) -> Vec<u128> {
        std::iter::from_fn(|| line.next(100)).map(|one| one.sid.body()).collect()
    }

    #[test]
    fn one_task_in_order_and_others_beside_it() {
        let mut line = Line::holding(WINDOW);
        for (n, task) in [(1, 7), (2, 7), (3, 8)] {
            line.push(delivery(n, task));
        }
        assert_eq!(sent(&mut line), [1, 3]);
        line.again(delivery(1, 7), Timestamp(50));
        line.over(&delivery(3, 8));
        assert_eq!(sent(&mut line), [0; 0], "2 waits for 1");
        line.due(Timestamp(49));
        assert_eq!(line.next_at(), Some(Timestamp(50)));
        line.due(Timestamp(50));
        assert_eq!(sent(&mut line), [1]);
        line.over(&delivery(1, 7));
        assert_eq!(sent(&mut line), [2]);
        line.over(&delivery(2, 7));
        assert!(line.is_idle());
    }

    #[test]
    fn only_so_many_are_under_way() {
        let mut line = Line::holding(WINDOW);
        (1..=5).for_each(|n| line.push(delivery(n, n)));
        assert!(line.next(2).is_some() && line.next(2).is_some() && line.next(2).is_none());
        line.over(&delivery(1, 1));
        assert_eq!(line.next(2).map(|one| one.sid.body()), Some(3));
    }

    #[test]
    fn a_destination_that_is_down_holds_no_more_than_a_window_in_memory() {
        let mut line = Line::holding(WINDOW);
        let many = 3 * WINDOW as u128;
        (1..=many).for_each(|n| line.push(delivery(n, n)));
        assert_eq!(line.known.len(), WINDOW);
        assert_eq!(line.wants(), None, "there is no room");
        let mut all = Vec::new();
        let mut store: Vec<Delivery> = (1..=many).map(|n| delivery(n, n % 7)).collect();
        store.retain(|one| one.sid.body() > WINDOW as u128);
        loop {
            for sid in sent(&mut line) {
                let order = if sid > WINDOW as u128 { sid % 7 } else { sid };
                line.over(&delivery(sid, order));
                all.push(sid);
            }
            if let Some(from) = line.wants() {
                let page: Vec<Delivery> =
                    store.iter().filter(|one| one.sid >= from).take(100).cloned().collect();
                let is_all = page.len() < 100;
                line.took(page, is_all);
            }
            assert!(line.known.len() <= WINDOW);
            if line.is_idle() {
                break;
            }
        }
        let mut sorted = all.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (1..=many).collect::<Vec<_>>(), "each once");
        for task in 0..7 {
            let of: Vec<_> =
                all.iter().filter(|n| **n > WINDOW as u128 && **n % 7 == task).collect();
            assert!(of.is_sorted(), "task {task} keeps its order");
        }
    }

    #[test]
    fn what_comes_up_while_the_store_is_read_is_read_next() {
        let mut line = Line::unread();
        line.push(delivery(5, 1));
        assert_eq!(line.wants(), Some(DeliverySid::new(0)));
        line.push(delivery(6, 1));
        line.took(vec![delivery(4, 1), delivery(5, 1)], true);
        assert_eq!(line.wants(), Some(DeliverySid::new(6)));
        line.took(vec![delivery(6, 1)], true);
        assert_eq!(line.wants(), None);
        let mut order = Vec::new();
        while let Some(one) = line.next(1) {
            order.push(one.sid.body());
            line.over(&one);
        }
        assert_eq!(order, [4, 5, 6]);
    }

    #[test]
    fn a_page_that_cannot_be_read_is_read_again() {
        let mut line = Line::unread();
        assert_eq!(line.wants(), Some(DeliverySid::new(0)));
        line.push(delivery(6, 1));
        line.unreadable();
        assert_eq!(line.wants(), Some(DeliverySid::new(0)));
    }

    #[test]
    fn one_that_is_asked_for_again_goes_out_at_once() {
        let mut line = Line::holding(WINDOW);
        line.push(delivery(1, 1));
        assert_eq!(sent(&mut line), [1]);
        line.again(delivery(1, 1), Timestamp(1_000));
        line.push(delivery(1, 1));
        assert_eq!(sent(&mut line), [1]);
        assert_eq!(line.next_at(), None);
    }

    #[test]
    fn when_a_destination_answers_again_nobody_waits_for_their_time() {
        let mut line = Line::holding(WINDOW);
        (1..=3).for_each(|n| line.push(delivery(n, n)));
        for n in sent(&mut line) {
            line.again(delivery(n, n), Timestamp(1_000 + n as i64));
        }
        line.wake();
        assert_eq!(sent(&mut line), [1, 2, 3]);
    }
}
