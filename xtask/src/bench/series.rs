//! Medians with their range, and ratios of medians.

/// The figures of one system, one for each slice.
#[derive(Clone, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The slice that was measured last.
    pub(crate) fn last(&self) -> Option<f64> {
        self.0.last().copied()
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

    pub(crate) fn lowest(&self) -> Option<f64> {
        self.0.iter().copied().reduce(f64::min)
    }

    pub(crate) fn highest(&self) -> Option<f64> {
        self.0.iter().copied().reduce(f64::max)
    }

    /// `median [lowest..highest]`; the figure alone where there is one, a dash where there is none.
    pub(crate) fn show(&self, digits: usize) -> String {
        let Some(median) = self.median() else { return "-".to_owned() };
        if self.0.len() == 1 {
            return format!("{median:.digits$}");
        }
        let (low, high) = range(&self.0);
        format!("{median:.digits$} [{low:.digits$}..{high:.digits$}]")
    }

    /// This median as a multiple of the other.
    pub(crate) fn ratio(&self, other: &Series) -> String {
        self.to(other).map_or("-".to_owned(), |ratio| format!("{:.2}x", ratio.median))
    }

    /// This median as a multiple of the other's, with the range over slices of the same round.
    pub(crate) fn to(&self, other: &Series) -> Option<Ratio> {
        let median = self.median()? / other.median().filter(|theirs| *theirs > 0.0)?;
        let pairs = self.0.iter().zip(&other.0);
        let (low, high) = range(&pairs.map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>());
        Some(Ratio { median, low, high })
    }

    /// This median as a multiple of the other's lowest slice, with the range over our slices.
    pub(crate) fn to_lowest(&self, other: &Series) -> Option<Ratio> {
        let lowest = range(&other.0).0;
        let (low, high) = range(&self.0);
        let median = self.median().filter(|_| lowest.is_finite() && lowest > 0.0)? / lowest;
        Some(Ratio { median, low: low / lowest, high: high / lowest })
    }
}

/// A ratio of two systems that took turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// Of the medians; it is what a goal is about.
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} [{:.2}..{:.2}]", self.median, self.low, self.high)
    }
}

/// The lowest and the highest.
fn range(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    (low, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
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
        assert_eq!(series(&[]).to(&series(&[1.0])), None);
        assert_eq!(series(&[1.0]).to_lowest(&series(&[])), None);
        assert_eq!(series(&[1.0]).to_lowest(&series(&[0.0])), None);
    }

    #[test]
    fn a_ratio_is_of_medians_and_its_range_of_slices_of_one_round() {
        let (ours, theirs) = (series(&[8.0, 4.0, 6.0]), series(&[2.0, 4.0, 3.0]));
        let to = ours.to(&theirs).unwrap();
        assert_eq!(to, Ratio { median: 2.0, low: 1.0, high: 4.0 });
        let to = ours.to_lowest(&theirs).unwrap();
        assert_eq!(to, Ratio { median: 3.0, low: 2.0, high: 4.0 });
        assert_eq!(to.to_string(), "3.00 [2.00..4.00]");
    }
}
