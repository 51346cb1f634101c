//! Medians with their range, and ratios of medians.

/// The figures of one system, one for each slice.
#[derive(Clone, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        match sorted.len() {
            0 => None,
            length if length % 2 == 1 => Some(sorted[length / 2]),
            length => Some((sorted[length / 2 - 1] + sorted[length / 2]) / 2.0),
        }
    }

    /// `median [lowest..highest]`; the figure alone where there is one, a dash where there is none.
    pub(crate) fn show(&self, digits: usize) -> String {
        let Some(median) = self.median() else { return "-".to_owned() };
        if self.0.len() == 1 {
            return format!("{median:.digits$}");
        }
        let low = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{median:.digits$} [{low:.digits$}..{high:.digits$}]")
    }

    /// This median as a multiple of the other.
    pub(crate) fn ratio(&self, other: &Series) -> String {
        match (self.median(), other.median()) {
            (Some(ours), Some(theirs)) if theirs > 0.0 => format!("{:.2}x", ours / theirs),
            _ => "-".to_owned(),
        }
    }
}

/// Prints the first row of a table, in the form that docs/performance.md takes over.
pub(crate) fn header(cells: &[&str]) {
    row(cells);
    println!("|{}", " --- |".repeat(cells.len()));
}

/// Prints a row of a table.
pub(crate) fn row(cells: &[&str]) {
    println!("| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        Series(values.to_vec())
    }

    #[test]
    fn shows_median_and_range() {
        assert_eq!(series(&[3.0, 1.0, 2.0]).show(1), "2.0 [1.0..3.0]");
        assert_eq!(series(&[4.0, 1.0]).median(), Some(2.5));
        assert_eq!(series(&[4.0]).show(0), "4");
        assert_eq!(series(&[]).show(1), "-");
    }

    #[test]
    fn a_ratio_needs_both_sides() {
        assert_eq!(series(&[1.0]).ratio(&series(&[2.0])), "0.50x");
        assert_eq!(series(&[1.0]).ratio(&series(&[])), "-");
    }
}
