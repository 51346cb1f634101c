//! The way of tasks through the configuration: what is never reached, and where they fall out.

use super::{Linter, Said, Spot};
use crate::workflow::{Filter, Target};
use expr::Scope;
use serde_json::json;

impl Linter<'_> {
    pub(super) fn paths(&mut self) {
        let configuration = self.configuration;
        let mut catches_all: Option<(usize, bool)> = None;
        for (index, filter) in configuration.filters.iter().enumerate() {
            if let Some((above, true)) = catches_all {
                self.unreachable(index, above);
            }
            self.targets(index, filter);
            if catches_all.is_none() && is_always(filter) {
                catches_all = Some((index, self.holds_for_good(filter)));
            }
        }
        match (&configuration.default, catches_all) {
            (Some(_), Some((above, _))) if !skips_out(&configuration.filters[above..]) => {
                let message = format!(
                    "The default filter is never reached: filter {above} matches every task, and \
                     after a timeout the default filter is not tried"
                );
                let advice = "Remove it, or give the filter above a real condition";
                let spot = Spot { key: Some("queue"), ..Spot::default() };
                self.say(spot, Said::new("unreachable_default", message, advice));
            }
            (None, None) => {
                let message = "Tasks that match no filter are refused when they are created";
                let advice = "Add a default_filter unless that is meant";
                let said = Said {
                    seen: json!({
                        "tasks": self.evidence.tasks.len(), "match_none": self.unmatched(),
                    }),
                    ..Said::new("no_default", message, advice)
                };
                self.say(Spot::default(), said);
            }
            _ => {}
        }
    }

    /// Whether tasks that enter never come out below.
    fn holds_for_good(&self, filter: &Filter) -> bool {
        let leaves = filter.targets.last().is_none_or(|last| {
            last.skip_if.is_some()
                || last.timeout_s.is_some() && !self.evidence.ends_after_last_target
        });
        !leaves || filter.targets.iter().any(is_final)
    }

    fn unreachable(&mut self, index: usize, above: usize) {
        let message = format!(
            "This filter is never tried: filter {above} matches every task and holds it for good"
        );
        let advice = "Move it up, or give the filter above a real condition";
        let spot = Spot { filter: Some(index as u32), key: Some("expression"), ..Spot::default() };
        let expression = Some(self.configuration.filters[index].expression.source().to_owned());
        let said = Said { expression, ..Said::new("unreachable_filter", message, advice) };
        self.say(spot, said);
    }

    fn targets(&mut self, index: usize, filter: &Filter) {
        let spot = |target: usize, key| Spot {
            filter: Some(index as u32),
            target: Some(target as u32),
            key,
            ..Spot::default()
        };
        if let Some(held) = filter.targets.iter().position(is_final)
            && held + 1 < filter.targets.len()
        {
            let message = format!(
                "This target is never reached: target {held} has neither timeout nor skip_if, so \
                 tasks stay there"
            );
            let advice = format!("Give target {held} a timeout, or remove what follows it");
            self.say(spot(held + 1, None), Said::new("unreachable_target", message, advice));
            return;
        }
        let Some((at, last)) = filter.targets.iter().enumerate().next_back() else { return };
        if last.timeout_s.is_some() {
            let below = match self.evidence.ends_after_last_target {
                true => "they are canceled",
                false => {
                    "they go on to the next matching filter below, and where there is none \
                          they are canceled"
                }
            };
            let message =
                format!("Tasks that nobody takes in time fall out of this target: {below}");
            let advice =
                "Let the last target have no timeout; the default filter does not catch them";
            self.say(spot(at, Some("timeout")), Said::new("falls_off_the_end", message, advice));
        } else if last.skip_if.is_some() && self.configuration.default.is_none() {
            let message = "Tasks that skip this target and match no filter below are canceled";
            let advice = "Add a default_filter, or a last target without skip_if";
            self.say(spot(at, Some("skip_if")), Said::new("skips_off_the_end", message, advice));
        }
    }

    fn unmatched(&self) -> usize {
        let matches = |task| {
            let scope = Scope { task, ..Scope::default() };
            self.configuration.filters.iter().any(|filter| filter.expression.evaluate(&scope))
        };
        self.evidence.tasks.iter().filter(|task| !matches(*task)).count()
    }
}

/// Whether every task matches, whatever it says and whenever it comes.
fn is_always(filter: &Filter) -> bool {
    let uses = filter.expression.uses();
    !uses.task && !uses.time && !uses.schedules && filter.expression.evaluate(&Scope::default())
}

/// Whether tasks stay until somebody takes them.
fn is_final(target: &Target) -> bool {
    target.timeout_s.is_none() && target.skip_if.is_none()
}

/// Whether a task can skip the last target of one of these filters.
fn skips_out(filters: &[Filter]) -> bool {
    let ends = |filter: &Filter| filter.targets.last().is_some_and(|last| last.skip_if.is_some());
    filters.iter().any(ends)
}
