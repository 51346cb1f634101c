//! The value of a tree and of its operands.
//!
//! * Nothing here allocates.

use crate::{
    Scope,
    compare::compare,
    tree::{Branch, Comparison, Count, Operand, TimeField, Tree},
    value::View,
};
use base::Timestamp;

/// Whether the condition holds.
pub(crate) fn holds(branch: &Branch, scope: &Scope<'_>) -> bool {
    match &branch.tree {
        Tree::And(parts) => parts.iter().all(|part| holds(part, scope)),
        Tree::Or(parts) => parts.iter().any(|part| holds(part, scope)),
        Tree::Not(inner) => !holds(inner, scope),
        Tree::Compare { comparison, .. } => compares(comparison, scope),
    }
}

/// Whether one comparison holds.
pub(crate) fn compares(comparison: &Comparison, scope: &Scope<'_>) -> bool {
    let Comparison { left, operator, right } = comparison;
    compare(view(left, scope), *operator, view(right, scope))
}

/// The value of one side.
pub(crate) fn view<'a>(operand: &'a Operand, scope: &Scope<'a>) -> View<'a> {
    match operand {
        Operand::Constant(constant) => constant.view(),
        Operand::Task(path) => View::of(path.find(scope.task)),
        Operand::Worker(path) => View::of(path.find(scope.worker)),
        Operand::Field(field) => View::fact(scope.facts.fact(field)),
        Operand::Count(count) => count_view(*count, scope),
        Operand::Time(field) => time_view(*field, scope.now),
        Operand::Schedule { name, otherwise } => match scope.schedules.open(name) {
            Some(open) => View::Bool(open),
            None => view(otherwise, scope),
        },
        Operand::Nothing { .. } => View::Null,
    }
}

fn count_view<'a>(count: Count, scope: &Scope<'a>) -> View<'a> {
    let Some(workers) = scope.workers else { return View::Null };
    View::Int(match count {
        Count::Available => workers.available,
        Count::Unavailable => workers.unavailable,
        Count::Activity(sid) => workers.by_activity.get(&sid).copied().unwrap_or(0),
    })
}

const HOURS: [&str; 24] = [
    "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15",
    "16", "17", "18", "19", "20", "21", "22", "23",
];

/// 1970 began on a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

fn time_view(field: TimeField, now: Timestamp) -> View<'static> {
    let minutes = now.epoch_secs().div_euclid(60);
    let (minute, hours) = (minutes.rem_euclid(60), minutes.div_euclid(60));
    let (hour, days) = (hours.rem_euclid(24), hours.div_euclid(24));
    match field {
        TimeField::CurrentTime => View::Int(hour * 100 + minute),
        TimeField::CurrentHour => View::Text(HOURS[hour as usize]),
        TimeField::CurrentMin => View::Int(minute),
        TimeField::DayOfWeek => View::Text(DAYS[days.rem_euclid(7) as usize]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_agrees_with_the_calendar() {
        let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        // Steps of a little more than a day and an hour meet every hour and weekday, before 1970
        // too.
        for step in -500..500i64 {
            let now = Timestamp(step * 90_123_456);
            let civil = now.civil();
            let text = |field| match time_view(field, now) {
                View::Int(n) => n.to_string(),
                View::Text(text) => text.to_owned(),
                other => panic!("{other:?}"),
            };
            let (hour, minute) = (i64::from(civil.hour()), i64::from(civil.minute()));
            assert_eq!(text(TimeField::CurrentTime), (hour * 100 + minute).to_string());
            assert_eq!(text(TimeField::CurrentHour), format!("{hour:02}"));
            assert_eq!(text(TimeField::CurrentMin), minute.to_string());
            let day = civil.weekday().to_monday_zero_offset() as usize;
            assert_eq!(text(TimeField::DayOfWeek), days[day]);
        }
    }
}
