//! Which wide lines each worker is in: one bit for each, those of 64 lines close together.
//!
//! * A line with all its members is written in one sweep over a few kilobytes; no worker is
//!   touched for it.

use super::{BitSet, bitset::bits};

/// By block of 64 lines, by worker slot: the lines.
#[derive(Default)]
pub(super) struct Wide(Vec<Vec<u64>>);

const LINES: usize = 64;

impl Wide {
    /// Writes a worker into a line, or takes one out.
    pub(super) fn set(&mut self, line: u32, slot: u32, is: bool) {
        let (block, bit, slot) = (line as usize / LINES, line as usize % LINES, slot as usize);
        if is && block >= self.0.len() {
            self.0.resize_with(block + 1, Vec::new);
        }
        let Some(block) = self.0.get_mut(block) else { return };
        if is && slot >= block.len() {
            block.resize(slot + 1, 0);
        }
        let Some(word) = block.get_mut(slot) else { return };
        *word = if is { *word | 1 << bit } else { *word & !(1 << bit) };
    }

    /// The lines a worker is in.
    pub(super) fn of(&self, slot: u32) -> impl Iterator<Item = u32> {
        let words = self.0.iter().enumerate();
        words.flat_map(move |(index, block)| {
            bits(index, block.get(slot as usize).copied().unwrap_or(0))
        })
    }

    /// Those of `among` that a worker is in.
    pub(super) fn of_among<'a>(
        &'a self,
        slot: u32,
        among: &'a BitSet,
    ) -> impl Iterator<Item = u32> + 'a {
        let blocks = self.0.iter().zip(among.words()).enumerate();
        let wanted = blocks.filter(|(_, (_, wanted))| **wanted != 0);
        wanted.flat_map(move |(index, (block, wanted))| {
            bits(index, block.get(slot as usize).copied().unwrap_or(0) & wanted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found_by_worker() {
        let mut wide = Wide::default();
        for (line, slot) in [(0, 7), (63, 7), (64, 7), (200, 7), (64, 90)] {
            wide.set(line, slot, true);
        }
        wide.set(63, 7, false);
        wide.set(999, 7, false);
        assert_eq!(wide.of(7).collect::<Vec<_>>(), [0, 64, 200]);
        assert_eq!(wide.of(90).collect::<Vec<_>>(), [64]);
        assert_eq!(wide.of(91).count(), 0);
        let among: BitSet = [1, 64, 199, 200].into_iter().collect();
        assert_eq!(wide.of_among(7, &among).collect::<Vec<_>>(), [64, 200]);
    }
}
