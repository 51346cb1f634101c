//! The closing table: what was asked, what was measured, whether that meets it.
//!
//! * A goal is judged by the ratio of medians; its range is shown beside it.
//! * A peer that could not be run leaves its goals standing as not measured, never as met.

use super::series::{Ratio, header, row};

/// On which side of a number a ratio must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Bound::AtLeast(least) => ratio >= least,
            Bound::AtMost(most) => ratio <= most,
        }
    }

    fn show(self) -> String {
        match self {
            Bound::AtLeast(least) => format!("at least {least}"),
            Bound::AtMost(most) => format!("at most {most}"),
        }
    }
}

struct Goal {
    what: String,
    bound: Bound,
    measured: Option<Ratio>,
}

impl Goal {
    fn met(&self) -> &'static str {
        match self.measured {
            None => "not measured",
            Some(ratio) if self.bound.holds(ratio.median) => "yes",
            Some(_) => "NO",
        }
    }
}

/// All goals that a run looked at, in the order they were asked for.
#[derive(Default)]
pub(crate) struct Goals(Vec<Goal>);

impl Goals {
    pub(crate) fn add(&mut self, what: String, bound: Bound, measured: Option<Ratio>) {
        self.0.push(Goal { what, bound, measured });
    }

    pub(crate) fn print(&self) {
        println!("\n== goals (ratios of medians; in brackets the range over rounds)");
        header(&["goal", "asked", "measured", "met"]);
        for goal in &self.0 {
            let measured = goal.measured.map_or("-".to_owned(), |ratio| ratio.to_string());
            row(&[&goal.what, &goal.bound.show(), &measured, goal.met()]);
        }
        let met = self.0.iter().filter(|goal| goal.met() == "yes").count();
        println!("{met} of {} goals met", self.0.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_by_its_median_and_never_unseen() {
        let goal = |bound, median: Option<f64>| {
            let measured = median.map(|median| Ratio { median, low: 0.1, high: 9.0 });
            Goal { what: String::new(), bound, measured }.met()
        };
        assert_eq!(goal(Bound::AtLeast(4.0), Some(4.0)), "yes");
        assert_eq!(goal(Bound::AtLeast(4.0), Some(3.9)), "NO");
        assert_eq!(goal(Bound::AtMost(0.5), Some(0.5)), "yes");
        assert_eq!(goal(Bound::AtMost(0.5), Some(0.6)), "NO");
        assert_eq!(goal(Bound::AtMost(0.5), None), "not measured");
    }
}
