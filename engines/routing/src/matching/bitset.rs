//! Sets of small numbers (worker slots, line slots), one bit each.

/// A set of small numbers. Grows on insertion; what is beyond its end is not in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitSet {
    words: Vec<u64>,
}

impl PartialEq for BitSet {
    fn eq(&self, other: &Self) -> bool {
        let longest = self.words.len().max(other.words.len());
        (0..longest).all(|i| self.word(i) == other.word(i))
    }
}

impl BitSet {
    pub(crate) const fn new() -> Self {
        Self { words: Vec::new() }
    }

    pub(crate) fn contains(&self, slot: u32) -> bool {
        self.word(slot as usize / 64) >> (slot % 64) & 1 == 1
    }

    /// Says whether it was not yet there.
    pub(crate) fn insert(&mut self, slot: u32) -> bool {
        let index = slot as usize / 64;
        if index >= self.words.len() {
            self.words.resize(index + 1, 0);
        }
        let bit = 1 << (slot % 64);
        let is_new = self.words[index] & bit == 0;
        self.words[index] |= bit;
        is_new
    }

    /// Says whether it was there.
    pub(crate) fn remove(&mut self, slot: u32) -> bool {
        let Some(word) = self.words.get_mut(slot as usize / 64) else { return false };
        let bit = 1 << (slot % 64);
        let was_there = *word & bit != 0;
        *word &= !bit;
        was_there
    }

    /// Says whether that changed anything.
    pub(crate) fn set(&mut self, slot: u32, member: bool) -> bool {
        if member { self.insert(slot) } else { self.remove(slot) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// How many both have.
    pub(crate) fn count_both(&self, other: &Self) -> u32 {
        self.words.iter().zip(&other.words).map(|(one, two)| (one & two).count_ones()).sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.words.iter().enumerate().flat_map(|(i, word)| bits(i, *word))
    }

    /// The members both have.
    pub(crate) fn both<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u32> + 'a {
        let words = self.words.iter().zip(&other.words).enumerate();
        words.flat_map(|(i, (one, two))| bits(i, one & two))
    }

    /// The members both have and a third has not.
    pub(crate) fn both_but<'a>(
        &'a self,
        other: &'a Self,
        but: &'a Self,
    ) -> impl Iterator<Item = u32> + 'a {
        let words = self.words.iter().zip(&other.words).enumerate();
        words.flat_map(|(i, (one, two))| bits(i, one & two & !but.word(i)))
    }

    /// Whether the three have a member in common.
    pub(crate) fn meet(&self, other: &Self, third: &Self) -> bool {
        let words = self.words.iter().zip(&other.words).zip(&third.words);
        words.into_iter().any(|((one, two), three)| one & two & three != 0)
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) {
        self.words.clear();
    }

    pub(crate) fn intersect(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        self.words.iter_mut().zip(&other.words).for_each(|(one, two)| *one &= two);
    }

    pub(crate) fn unite(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(one, two)| *one |= two);
    }

    /// What is in `all` and not in this.
    pub(crate) fn complement(&self, all: &Self) -> Self {
        let words = all.words.iter().enumerate().map(|(i, word)| word & !self.word(i)).collect();
        Self { words }
    }

    /// 64 of them at a time.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or(0)
    }
}

impl FromIterator<u32> for BitSet {
    fn from_iter<I: IntoIterator<Item = u32>>(slots: I) -> Self {
        let mut set = Self::default();
        slots.into_iter().for_each(|slot| _ = set.insert(slot));
        set
    }
}

/// The members in the word of that index.
pub(super) fn bits(index: usize, mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        if word == 0 {
            return None;
        }
        let bit = word.trailing_zeros();
        word &= word - 1;
        Some(index as u32 * 64 + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_different_lengths_behave_as_sets() {
        let small: BitSet = [1, 5].into_iter().collect();
        let mut large: BitSet = [5, 64, 700].into_iter().collect();
        assert_eq!(small.both(&large).collect::<Vec<_>>(), [5]);
        assert_eq!(small.complement(&large).iter().collect::<Vec<_>>(), [64, 700]);
        assert!(large.remove(700) && large.remove(64) && !large.remove(9_999));
        let five: BitSet = [5].into_iter().collect();
        assert_eq!(large, five);
        let left: Vec<u32> = small.both_but(&small, &five).collect();
        assert_eq!(left, [1]);
        let mut both = small.clone();
        both.intersect(&large);
        assert_eq!(both, five);
        both.unite(&[128].into_iter().collect());
        assert_eq!((both.count(), both.contains(128), both.contains(129)), (2, true, false));
    }
}
