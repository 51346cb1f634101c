//! Rules that say less than they seem to.

use super::{CapacityRule, CapacityWarning};
use expr::{Expression, Place};

/// In the order of the rules.
pub(crate) fn warnings(rules: &[CapacityRule]) -> Vec<CapacityWarning> {
    let mut warnings = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let mut warn = |message: String| {
            warnings.push(CapacityWarning { rule: index, name: rule.name.clone(), message });
        };
        let mut others = rules.iter().enumerate().filter(|(other, _)| *other != index);
        let hides = |(other, one): &(usize, &CapacityRule)| {
            shadows(one, rule) && (*other < index || !shadows(rule, one))
        };
        if let Some((_, one)) = others.clone().find(hides) {
            warn(format!("rule '{}' is at least as strict: this one changes nothing", one.name));
        }
        if let Some((_, one)) = others.find(|(_, one)| keeps_from_starting(one, rule)) {
            warn(format!("its condition is never met: rule '{}' keeps it from it", one.name));
        }
        for channel in closed(rule) {
            warn(format!("no task on channel '{channel}' can ever be offered to whom it is about"));
        }
        let compiled = rule.workers.as_ref().map(|text| Expression::compile(text, Place::Queue));
        if let Some(Ok(expression)) = compiled {
            expression.lint().iter().for_each(|found| warn(format!("workers: {found}")));
        }
    }
    warnings
}

fn is_about_all_of(one: &CapacityRule, other: &CapacityRule) -> bool {
    one.workers.is_none() || one.workers == other.workers
}

/// Whether whatever `rule` withholds `one` withholds too.
fn shadows(one: &CapacityRule, rule: &CapacityRule) -> bool {
    let is_wider = match (&one.condition, &rule.condition) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(one), Some(rule)) => {
            one.at_least <= rule.at_least
                && rule.channels.iter().all(|name| one.channels.contains(name))
        }
    };
    let blocked = one.blocked();
    is_about_all_of(one, rule)
        && is_wider
        && one.limit <= rule.limit
        && rule.channels.iter().all(|name| one.weight(name) >= rule.weight(name))
        && rule.blocked().iter().all(|name| blocked.contains(name))
}

/// Whether `one` keeps the number that starts `rule` from being reached.
fn keeps_from_starting(one: &CapacityRule, rule: &CapacityRule) -> bool {
    let Some(condition) = &rule.condition else { return false };
    let blocked = one.blocked();
    let least = condition.channels.iter().map(|name| one.weight(name)).min().unwrap_or(0);
    one.condition.is_none()
        && is_about_all_of(one, rule)
        && condition.channels.iter().all(|name| blocked.contains(&name.as_str()))
        && least > 0
        && one.limit / least < condition.at_least
}

/// The channels on which not even the first task is offered.
fn closed(rule: &CapacityRule) -> Vec<&str> {
    let blocked = rule.blocked().into_iter();
    let starts = |channel: &str| {
        rule.condition
            .as_ref()
            .is_none_or(|one| one.at_least <= 1 && one.channels.iter().any(|name| name == channel))
    };
    blocked.filter(|channel| rule.weight(channel) > rule.limit && starts(channel)).collect()
}
