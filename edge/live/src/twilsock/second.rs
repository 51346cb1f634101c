//! How often something may happen within a second.

/// What happened in the second that began with the first of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Second {
    since_ms: i64,
    count: u32,
}

impl Second {
    /// Counts one more; false when there were `most` in this second already.
    pub(crate) const fn admits(&mut self, most: u32, now_ms: i64) -> bool {
        if now_ms - self.since_ms >= 1_000 {
            *self = Self { since_ms: now_ms, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_begins_with_the_first_of_it() {
        let mut second = Second::default();
        let admitted =
            |second: &mut Second, now_ms| (0..10).filter(|_| second.admits(3, now_ms)).count();
        assert_eq!(admitted(&mut second, 1_500), 3);
        assert_eq!(admitted(&mut second, 2_499), 0);
        assert_eq!(admitted(&mut second, 2_500), 3);
    }
}
