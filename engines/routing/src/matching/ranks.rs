//! The pending tasks of a queue in order of service, so that a task's place can be told.
//!
//! * Chunks of sorted places: counting what is before a place counts chunks, not tasks.

use super::Place;

/// Places of one queue, sorted.
#[derive(Default)]
pub(crate) struct Ranks(Vec<Vec<Place>>);

/// Places in one chunk at most: a few kilobytes are moved by an insertion.
const CHUNK_MAX: usize = 128;

impl Ranks {
    /// The chunk in which a place is, or would be.
    fn chunk(&self, place: Place) -> usize {
        let after = self.0.partition_point(|chunk| chunk.first().is_some_and(|at| *at <= place));
        after.saturating_sub(1)
    }

    pub(super) fn insert(&mut self, place: Place) {
        let index = self.chunk(place);
        let is_last = index + 1 >= self.0.len();
        let Some(chunk) = self.0.get_mut(index) else {
            return self.0.push(vec![place]);
        };
        let Err(at) = chunk.binary_search(&place) else { return };
        if chunk.len() < CHUNK_MAX {
            return chunk.insert(at, place);
        }
        if at == CHUNK_MAX && is_last {
            // Tasks mostly come last: what is behind them stays full.
            return self.0.push(vec![place]);
        }
        let upper = chunk.split_off(CHUNK_MAX / 2);
        self.0.insert(index + 1, upper);
        self.insert(place);
    }

    pub(super) fn remove(&mut self, place: Place) {
        let index = self.chunk(place);
        let Some(chunk) = self.0.get_mut(index) else { return };
        if let Ok(at) = chunk.binary_search(&place) {
            chunk.remove(at);
            if chunk.is_empty() {
                self.0.remove(index);
            }
        }
    }

    /// How many are before a place.
    pub(super) fn before(&self, place: Place) -> usize {
        let index = self.chunk(place);
        let chunks = self.0.iter().take(index).map(Vec::len).sum::<usize>();
        let within = self.0.get(index).map_or(0, |chunk| chunk.partition_point(|at| *at < place));
        chunks + within
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Place> + '_ {
        self.0.iter().flatten().copied()
    }
}

impl FromIterator<Place> for Ranks {
    fn from_iter<I: IntoIterator<Item = Place>>(places: I) -> Self {
        let mut all: Vec<Place> = places.into_iter().collect();
        all.sort_unstable();
        Self(all.chunks(CHUNK_MAX).map(<[Place]>::to_vec).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn place(n: u128) -> Place {
        Place::at(0, (n % 97) as i64, n)
    }

    #[test]
    fn places_are_counted_as_a_sorted_set_counts_them() {
        let (mut ranks, mut set) = (Ranks::default(), BTreeSet::new());
        for n in 0..3_000u128 {
            let mixed = n.wrapping_mul(0x9E37_79B9) % 4_001;
            ranks.insert(place(mixed));
            set.insert(place(mixed));
            if n % 3 == 0 {
                let gone = place(n.wrapping_mul(0x85EB_CA6B) % 4_001);
                ranks.remove(gone);
                set.remove(&gone);
            }
            let asked = place(n);
            assert_eq!(ranks.before(asked), set.range(..asked).count());
        }
        assert!(ranks.iter().eq(set.iter().copied()));
        let built: Ranks = set.iter().copied().collect();
        assert!(built.iter().eq(ranks.iter()));
        set.iter().for_each(|place| ranks.remove(*place));
        assert!(ranks.0.is_empty());
    }
}
