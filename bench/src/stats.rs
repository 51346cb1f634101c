//! Medians, percentiles and ranges, and how they are written.

/// A percentile (0 to 1) of values in any order; not a number when there are none.
pub(crate) fn percentile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count => sorted[((count - 1) as f64 * part).round() as usize],
    }
}

/// The median and the range of one figure over the rounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figure(Vec<f64>);

impl Figure {
    pub(crate) fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.0.push(value);
        }
    }

    pub(crate) fn median(&self) -> f64 {
        percentile(&self.0, 0.5)
    }

    /// `median [lowest..highest]`, or a dash when nothing was measured.
    pub(crate) fn text(&self) -> String {
        match self.0.len() {
            0 => "-".to_owned(),
            1 => short(self.0[0]),
            _ => format!(
                "{} [{}..{}]",
                short(self.median()),
                short(percentile(&self.0, 0.0)),
                short(percentile(&self.0, 1.0))
            ),
        }
    }
}

/// How many times `of` our figure is, or a dash when either is missing.
pub(crate) fn ratio(ours: &Figure, of: &Figure) -> String {
    let ratio = ours.median() / of.median();
    if ratio.is_finite() { format!("{ratio:.2}") } else { "-".to_owned() }
}

/// A number with as many digits as it deserves.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => thousands(value),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_do_not_need_order() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(percentile(&values, 0.5), 3.0);
        assert_eq!(percentile(&values, 1.0), 5.0);
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_figure_shows_its_range_and_a_missing_one_a_dash() {
        let mut ours = Figure::default();
        assert_eq!(ours.text(), "-");
        [0.5, 0.75, 0.25].into_iter().for_each(|value| ours.add(value));
        ours.add(f64::NAN);
        assert_eq!(ours.text(), "0.50 [0.25..0.75]");
        let mut peer = Figure::default();
        assert_eq!(ratio(&ours, &peer), "-");
        peer.add(2.0);
        assert_eq!(ratio(&ours, &peer), "0.25");
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(short(1_234_567.8), "1 234 568");
        assert_eq!(short(999.0), "999");
        assert_eq!(short(12.34), "12.3");
        assert_eq!(short(0.456), "0.46");
    }
}
