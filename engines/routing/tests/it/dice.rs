//! Chance that a seed repeats.

use base::Draws;

/// Choices that follow from a seed.
pub(crate) struct Dice(Draws);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Draws::new(seed))
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0.below(sides as u64) as usize
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    /// One of some that there are.
    pub(crate) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.roll(of.len())]
    }

    /// One of those there may be.
    pub(crate) fn of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        match all.len() {
            0 => None,
            n => Some(all[self.roll(n)].clone()),
        }
    }
}
