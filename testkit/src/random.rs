//! A random source for tests: one seed, the same draws on every machine.

use base::Draws;

/// Draws with what tests ask for.
#[derive(Clone, Debug)]
pub struct Random(Draws);

impl Random {
    /// Everything follows from the seed.
    pub const fn new(seed: u64) -> Self {
        Self(Draws::new(seed))
    }

    /// A source of its own, so that more draws in one place do not disturb another.
    #[must_use]
    pub fn branch(&mut self, name: &str) -> Self {
        let named = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self::new(self.draw() ^ named)
    }

    /// 64 bits.
    pub const fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    /// From 0 up to but not including `bound`, which is not 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    /// From `low` to `high`, both included.
    pub const fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True in so many of a hundred draws.
    pub const fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of these; `None` of nothing.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        if all.is_empty() { None } else { all.get(self.below(all.len() as u64) as usize) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_draws() {
        let draws = |seed| {
            let mut random = Random::new(seed);
            (0..8).map(|_| random.within(3, 9)).collect::<Vec<_>>()
        };
        assert_eq!(draws(5), draws(5));
        assert_ne!(draws(5), draws(6));
        assert!(draws(7).iter().all(|n| (3..=9).contains(n)));
    }
}
