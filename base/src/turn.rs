//! One step of an engine: the time it happens at, where ids come from, and what came of it.

use crate::{Draws, Sid, Timestamp};

/// The only way time and ids come into an engine, and the only way changes and effects leave it.
pub struct Turn<'a, Change, Effect> {
    /// When this step happens. Never earlier than the step before it in the same partition.
    pub now: Timestamp,
    /// Mints SIDs.
    pub ids: &'a mut IdSource,
    /// What happened, in order: stored, published, replayed.
    pub changes: Vec<Change>,
    /// What the shell must do once the changes are durable.
    pub effects: Vec<Effect>,
}

impl<'a, Change, Effect> Turn<'a, Change, Effect> {
    /// An empty turn at `now`.
    pub fn new(now: Timestamp, ids: &'a mut IdSource) -> Self {
        Self { now, ids, changes: Vec::new(), effects: Vec::new() }
    }

    /// A new SID body (see [`IdSource::next`]).
    pub fn next_id(&mut self) -> u128 {
        self.ids.next(self.now)
    }
}

/// Mints ids that sort by creation: 48 bits of milliseconds, 16 bits of counter, 64 random bits.
///
/// Seeded from outside: the same seed and the same turns give the same ids.
#[derive(Clone, Debug)]
pub struct IdSource {
    /// Milliseconds and counter of the newest id.
    newest: u64,
    draws: Draws,
}

impl IdSource {
    /// A source whose ids all follow from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { newest: 0, draws: Draws::new(seed) }
    }

    /// Later ids will sort after `body`: call it for each id restored from a store.
    pub fn follow(&mut self, body: u128) {
        self.newest = self.newest.max((body >> 64) as u64);
    }

    /// The next id at `now`. A counter that runs over borrows from the next millisecond.
    pub fn next(&mut self, now: Timestamp) -> u128 {
        let stamp = (now.0.max(0) as u64) << 16;
        self.newest = stamp.max(self.newest + 1);
        u128::from(self.newest) << 64 | u128::from(self.draws.draw())
    }

    /// The next id as a SID of the given kind.
    pub fn next_sid(&mut self, now: Timestamp, kind: [u8; 2]) -> Sid {
        Sid::new(kind, self.next(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_creation_even_when_time_stands_still() {
        let mut ids = IdSource::new(7);
        let minted: Vec<u128> = (0..100_000).map(|_| ids.next(Timestamp(5))).collect();
        assert!(minted.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.next(Timestamp(6)) > minted[99_999]);
    }
}
