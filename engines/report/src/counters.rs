//! Counters: what a scope had of each kind on each channel, and how long tasks waited.
//!
//! * Counters of parts of a window add up to those of the window, in any order.
//! * Waits are kept by whole seconds, rounded up: for a threshold in whole seconds, "at most that
//!   long" is then exact.

use crate::{Deleted, Fact, Outcome, Place, What};
use base::{Millis, Sid};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counters of one scope by channel.
pub type Channels = BTreeMap<Sid, Counters>;
/// Counters by scope: a workspace, workflow, queue or worker.
pub type Scopes = BTreeMap<Sid, Channels>;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $short:literal),+ $(,)?) => {
        /// What one scope counted on one channel.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Counters {
            $(
                $(#[$doc])*
                #[serde(rename = $short, skip_serializing_if = "is_zero")]
                pub $name: u64,
            )+
            /// From creation to acceptance, of each reservation that was accepted.
            #[serde(rename = "wa", skip_serializing_if = "Spread::is_empty")]
            pub until_accepted: Spread,
            /// From creation to the end, of each task that was canceled.
            #[serde(rename = "wc", skip_serializing_if = "Spread::is_empty")]
            pub until_canceled: Spread,
            /// From entry into the queue to acceptance.
            #[serde(rename = "wq", skip_serializing_if = "Spread::is_empty")]
            pub in_queue_until_accepted: Spread,
            /// Acceptances by seconds waited, rounded up.
            #[serde(rename = "ha", skip_serializing_if = "BTreeMap::is_empty")]
            pub accepted_by_second: BTreeMap<u32, u64>,
            /// Cancellations by seconds waited, rounded up.
            #[serde(rename = "hc", skip_serializing_if = "BTreeMap::is_empty")]
            pub canceled_by_second: BTreeMap<u32, u64>,
        }

        impl Counters {
            /// Adds what another part of the same scope and channel counted.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
                self.until_accepted.add(&other.until_accepted);
                self.until_canceled.add(&other.until_canceled);
                self.in_queue_until_accepted.add(&other.in_queue_until_accepted);
                add_all(&mut self.accepted_by_second, &other.accepted_by_second);
                add_all(&mut self.canceled_by_second, &other.canceled_by_second);
            }
        }
    };
}

counters! {
    /// Reservations that were made.
    reservations_created = "rc",
    /// Reservations that workers took.
    reservations_accepted = "ra",
    /// Reservations that workers refused.
    reservations_rejected = "rj",
    /// Reservations that workers did not answer.
    reservations_timed_out = "rt",
    /// Reservations that were withdrawn.
    reservations_canceled = "rx",
    /// Reservations for which another worker was faster.
    reservations_rescinded = "rr",
    /// Tasks that were made.
    tasks_created = "tn",
    /// Tasks that came: into the queue, into the workflow; in a workspace as `tasks_created`.
    tasks_entered = "te",
    /// Tasks that wait again after they had been taken; not told of queues, where they enter.
    tasks_returned = "tr",
    /// Tasks that no longer wait because somebody took them.
    tasks_taken = "tk",
    /// Tasks that were given up.
    tasks_canceled = "tc",
    /// Tasks that were done.
    tasks_completed = "tp",
    /// Tasks that were removed.
    tasks_deleted = "td",
    /// Those of them that were waiting.
    tasks_deleted_waiting = "tw",
    /// Tasks that left one queue for another, waiting: counted where they left.
    tasks_moved = "tm",
    /// Tasks that ran out of their workflow.
    tasks_timed_out = "to",
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn add_all(to: &mut BTreeMap<u32, u64>, from: &BTreeMap<u32, u64>) {
    for (second, count) in from {
        *to.entry(*second).or_default() += count;
    }
}

/// How long something took, over several times it happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// How often.
    #[serde(rename = "n")]
    pub count: u64,
    /// All together.
    #[serde(rename = "t")]
    pub total: Millis,
    /// The shortest; 0 if it never happened.
    #[serde(rename = "a")]
    pub min: Millis,
    /// The longest.
    #[serde(rename = "z")]
    pub max: Millis,
}

impl Spread {
    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn add(&mut self, other: &Self) {
        if other.count > 0 {
            self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
            self.max = self.max.max(other.max);
            self.total = Millis(self.total.0 + other.total.0);
            self.count += other.count;
        }
    }

    fn note(&mut self, span: Millis) {
        self.add(&Self { count: 1, total: span, min: span, max: span });
    }

    /// The mean, rounded down to whole milliseconds; 0 if it never happened.
    pub fn avg(&self) -> Millis {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        Millis(self.total.0.checked_div(count).unwrap_or(0))
    }
}

/// What lies on either side of a wait of so many seconds; exactly that long is below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Threshold {
    /// Reservations accepted within it.
    pub accepted_below: u64,
    /// Reservations accepted later.
    pub accepted_above: u64,
    /// Tasks canceled within it.
    pub canceled_below: u64,
    /// Tasks canceled later.
    pub canceled_above: u64,
}

impl Counters {
    /// All channels together.
    pub fn sum(channels: &Channels) -> Self {
        let mut sum = Self::default();
        channels.values().for_each(|counters| sum.add(counters));
        sum
    }

    /// Splits acceptances and cancellations by a wait in whole seconds.
    pub fn split(&self, seconds: u32) -> Threshold {
        let below = |by: &BTreeMap<u32, u64>| by.range(..=seconds).map(|(_, count)| count).sum();
        let accepted_below: u64 = below(&self.accepted_by_second);
        let canceled_below: u64 = below(&self.canceled_by_second);
        Threshold {
            accepted_below,
            accepted_above: self.until_accepted.count - accepted_below,
            canceled_below,
            canceled_above: self.until_canceled.count - canceled_below,
        }
    }

    /// How many tasks wait, by what came and went since the beginning: the conservation of a queue
    /// (choice 40c) and of a workflow or workspace.
    pub fn waiting(&self) -> i64 {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        count(self.tasks_entered) + count(self.tasks_returned)
            - count(self.tasks_taken)
            - count(self.tasks_canceled)
            - count(self.tasks_deleted_waiting)
    }

    /// The same for a queue, which tasks also leave for another one.
    pub fn waiting_in_queue(&self) -> i64 {
        self.waiting() - i64::try_from(self.tasks_moved).unwrap_or(i64::MAX)
    }

    fn note_reservation(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Created => self.reservations_created += 1,
            Outcome::Accepted { wait, in_queue } => {
                self.reservations_accepted += 1;
                self.until_accepted.note(wait);
                *self.accepted_by_second.entry(seconds_up(wait)).or_default() += 1;
                if let Some(in_queue) = in_queue {
                    self.in_queue_until_accepted.note(in_queue);
                }
            }
            Outcome::Rejected => self.reservations_rejected += 1,
            Outcome::TimedOut => self.reservations_timed_out += 1,
            Outcome::Canceled => self.reservations_canceled += 1,
            Outcome::Rescinded => self.reservations_rescinded += 1,
        }
    }

    /// What counts alike in every scope a task stands in.
    fn note(&mut self, what: What) {
        match what {
            What::Created | What::Entered | What::Returned => {}
            What::Moved => self.tasks_moved += 1,
            What::Taken => self.tasks_taken += 1,
            What::Canceled { wait } => {
                self.tasks_canceled += 1;
                self.until_canceled.note(wait);
                *self.canceled_by_second.entry(seconds_up(wait)).or_default() += 1;
            }
            What::Completed => self.tasks_completed += 1,
            What::Deleted(when) => {
                self.tasks_deleted += 1;
                self.tasks_deleted_waiting += u64::from(when == Deleted::Waiting);
            }
            What::TimedOut => self.tasks_timed_out += 1,
            What::Reservation { outcome, .. } => self.note_reservation(outcome),
        }
    }
}

/// Counts the facts of a turn where each belongs: workspace, workflow, queue and worker.
pub fn count(scopes: &mut Scopes, workspace: Sid, facts: &[Fact]) {
    // Facts of one turn mostly share their place: it is looked up once.
    for run in facts.chunk_by(|one, next| one.place == next.place) {
        let Place { queue, workflow, channel } = run[0].place;
        let counters = counters_of(scopes, workspace, channel);
        for Fact { what, .. } in run {
            counters.note(*what);
            counters.tasks_created += u64::from(*what == What::Created);
            counters.tasks_entered += u64::from(*what == What::Created);
            counters.tasks_returned += u64::from(*what == What::Returned);
        }
        if let Some(workflow) = workflow {
            let counters = counters_of(scopes, workflow, channel);
            for Fact { what, .. } in run {
                counters.note(*what);
                counters.tasks_entered += u64::from(*what == What::Created);
                counters.tasks_returned += u64::from(*what == What::Returned);
            }
        }
        if let Some(queue) = queue {
            let counters = counters_of(scopes, queue, channel);
            for Fact { what, .. } in run {
                counters.note(*what);
                counters.tasks_entered += u64::from(*what == What::Entered);
            }
        }
        for Fact { what, .. } in run {
            if let What::Reservation { worker, outcome } = what {
                counters_of(scopes, *worker, channel).note_reservation(*outcome);
            }
        }
    }
}

fn counters_of(scopes: &mut Scopes, scope: Sid, channel: Sid) -> &mut Counters {
    scopes.entry(scope).or_default().entry(channel).or_default()
}

/// Adds up what the same scopes counted elsewhere.
pub fn merge(into: &mut Scopes, from: Scopes) {
    for (scope, channels) in from {
        merge_channels(into.entry(scope).or_default(), &channels);
    }
}

pub(crate) fn merge_channels(into: &mut Channels, from: &Channels) {
    for (channel, counters) in from {
        into.entry(*channel).or_default().add(counters);
    }
}

fn seconds_up(wait: Millis) -> u32 {
    u32::try_from(wait.0.max(0).saturating_add(999) / 1_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: Sid = Sid::new(*b"WS", 1);
    const QUEUE: Sid = Sid::new(*b"WQ", 1);
    const WORKFLOW: Sid = Sid::new(*b"WW", 1);
    const CHANNEL: Sid = Sid::new(*b"TC", 1);
    const WORKER: Sid = Sid::new(*b"WK", 1);

    fn counted(facts: &[What]) -> Scopes {
        let place = Place { queue: Some(QUEUE), workflow: Some(WORKFLOW), channel: CHANNEL };
        let facts: Vec<Fact> = facts.iter().map(|what| Fact { place, what: *what }).collect();
        let mut scopes = Scopes::new();
        count(&mut scopes, WORKSPACE, &facts);
        scopes
    }

    fn accepted(wait: i64, in_queue: i64) -> What {
        let outcome = Outcome::Accepted { wait: Millis(wait), in_queue: Some(Millis(in_queue)) };
        What::Reservation { worker: WORKER, outcome }
    }

    #[test]
    fn a_fact_counts_in_every_scope_it_belongs_to() {
        let scopes = counted(&[What::Created, What::Entered, accepted(1_500, 500), What::Taken]);
        let of = |scope| &scopes[&scope][&CHANNEL];
        assert_eq!((of(WORKSPACE).tasks_created, of(WORKFLOW).tasks_entered), (1, 1));
        assert_eq!((of(QUEUE).tasks_entered, of(QUEUE).tasks_created), (1, 0));
        for scope in [WORKSPACE, WORKFLOW, QUEUE, WORKER] {
            assert_eq!(of(scope).reservations_accepted, 1, "{scope}");
        }
        assert_eq!((of(WORKER).tasks_taken, of(QUEUE).tasks_taken), (0, 1));
        assert_eq!(of(QUEUE).waiting_in_queue(), 0);
        assert_eq!(of(WORKSPACE).waiting(), 0);
    }

    #[test]
    fn a_wait_of_exactly_the_threshold_is_below() {
        let cancel = |wait| What::Canceled { wait: Millis(wait) };
        let all = [accepted(5_000, 0), accepted(5_001, 0), accepted(0, 0), cancel(5_000)];
        let counters = &counted(&all)[&QUEUE][&CHANNEL];
        let wanted = Threshold {
            accepted_below: 2,
            accepted_above: 1,
            canceled_below: 1,
            canceled_above: 0,
        };
        assert_eq!(counters.split(5), wanted);
        assert_eq!(counters.split(6).accepted_below, 3);
        assert_eq!(counters.split(0).accepted_below, 1);
    }

    #[test]
    fn counters_of_parts_add_up_and_survive_text() {
        let (one, two) = ([accepted(2_000, 1_000), What::Moved], [accepted(7, 7), What::Completed]);
        let mut merged = counted(&one);
        merge(&mut merged, counted(&two));
        assert_eq!(merged, counted(&[one, two].concat()));
        let spread = merged[&QUEUE][&CHANNEL].until_accepted;
        assert_eq!(
            (spread.min, spread.max, spread.avg()),
            (Millis(7), Millis(2_000), Millis(1_003))
        );
        let text = serde_json::to_string(&merged).expect("plain data");
        assert_eq!(serde_json::from_str::<Scopes>(&text).expect("its own text"), merged);
        assert!(!text.contains("\"td\""), "what is zero is not written: {text}");
    }
}
