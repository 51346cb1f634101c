//! What expires next, of millions of things, with some of them in memory.
//!
//! * Of what is in memory, every deadline is here, as it is now.
//! * Of what is not, every deadline up to the horizon is here, as its row says; beyond it, only in
//!   rows. When the horizon is reached, the next ones are read.
//! * A deadline whose entity is gone or expires at another time does nothing when it comes.

use crate::rows::{Deadline, Key};
use base::Timestamp;
use std::collections::BTreeSet;

/// Deadlines read at once.
pub const READ_AT_ONCE: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Deadlines {
    resident: BTreeSet<Deadline>,
    cold: BTreeSet<Deadline>,
    horizon: Horizon,
}

/// How far deadlines of what is not in memory are known.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Horizon {
    /// None is.
    Start,
    /// Up to this one and with it.
    At(Deadline),
    /// All are.
    End,
}

impl Deadlines {
    /// Nothing was ever stored.
    pub(crate) const fn none() -> Self {
        Self { resident: BTreeSet::new(), cold: BTreeSet::new(), horizon: Horizon::End }
    }

    /// What was stored is still to be read.
    pub(crate) const fn unread() -> Self {
        Self { resident: BTreeSet::new(), cold: BTreeSet::new(), horizon: Horizon::Start }
    }

    /// When there is next something to do, reading on included.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let first = self.resident.first().into_iter().chain(self.cold.first());
        let unread = match &self.horizon {
            Horizon::Start => Some(Timestamp(i64::MIN)),
            Horizon::At(last) => Some(last.at),
            Horizon::End => None,
        };
        first.map(|deadline| deadline.at).chain(unread).min()
    }

    /// Behind which deadline to read on: `None` when it is not time yet, `Some(None)` from the
    /// beginning.
    #[expect(clippy::option_option, reason = "whether to read, and from where")]
    pub(crate) fn reads_on(&self, now: Timestamp) -> Option<Option<Deadline>> {
        match &self.horizon {
            Horizon::Start => Some(None),
            Horizon::At(last) if last.at <= now && self.cold.is_empty() => Some(Some(last.clone())),
            Horizon::At(_) | Horizon::End => None,
        }
    }

    /// Takes in the next deadlines as rows say, leaving out those of what is in memory.
    pub(crate) fn read(
        &mut self,
        read: Vec<Deadline>,
        more: bool,
        is_resident: impl Fn(&Key) -> bool,
    ) {
        self.horizon = match read.last() {
            Some(last) if more => Horizon::At(last.clone()),
            _ => Horizon::End,
        };
        self.cold.extend(read.into_iter().filter(|deadline| !is_resident(&deadline.of.key())));
    }

    /// The first ones that are due, at most so many. Beyond the horizon, others may come first.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Vec<Deadline> {
        let is_due = |deadline: &&Deadline| {
            let is_known = match &self.horizon {
                Horizon::Start => false,
                Horizon::At(last) => *deadline <= last,
                Horizon::End => true,
            };
            is_known && deadline.at <= now
        };
        let due = |of: &BTreeSet<Deadline>| -> Vec<Deadline> {
            of.iter().take_while(is_due).take(limit).cloned().collect()
        };
        let mut both = due(&self.resident);
        both.extend(due(&self.cold));
        both.sort();
        both.truncate(limit);
        both
    }

    /// What is in memory expires then.
    pub(crate) fn add(&mut self, deadline: Deadline) {
        self.cold.remove(&deadline);
        self.resident.insert(deadline);
    }

    /// It does not, or it did.
    pub(crate) fn remove(&mut self, deadline: &Deadline) {
        self.resident.remove(deadline);
        self.cold.remove(deadline);
    }

    /// It left memory. One that came and did nothing does not come again.
    pub(crate) fn page_out(&mut self, deadline: Deadline) {
        if !self.resident.remove(&deadline) {
            return;
        }
        let is_known = match &self.horizon {
            Horizon::Start => false,
            Horizon::At(last) => deadline <= *last,
            Horizon::End => true,
        };
        if is_known {
            self.cold.insert(deadline);
        }
        if self.cold.len() > 2 * READ_AT_ONCE {
            // The farther half is read again when its time comes.
            let horizon = self.cold.iter().nth(READ_AT_ONCE).expect("there are twice as many");
            let horizon = horizon.clone();
            self.cold.retain(|deadline| *deadline <= horizon);
            self.horizon = Horizon::At(horizon);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.resident.len() + self.cold.len()
    }

    pub(crate) const fn resident(&self) -> &BTreeSet<Deadline> {
        &self.resident
    }
}
