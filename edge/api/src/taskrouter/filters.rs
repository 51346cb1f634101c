//! Filters and orders of lists: from query parameters to what the store is asked.

use crate::{Cx, Problem, wrong};
use host::Record;
use store::{Direction, Filter, Scan, Test, Value};

/// Rows of the workspace in the path.
pub(crate) fn scan<R: Record>(cx: &Cx, filters: Vec<Filter>) -> Scan {
    Scan { filters, ..Scan::of(R::TABLE, cx.partition()) }
}

/// A column has this value.
pub(crate) fn is(column: &'static str, value: impl Into<Value>) -> Filter {
    Filter { column, test: Test::OneOf(vec![value.into()]) }
}

/// A column has one of these values; of none, nothing passes.
pub(crate) fn any<V: Into<Value>>(
    column: &'static str,
    values: impl IntoIterator<Item = V>,
) -> Filter {
    Filter { column, test: Test::OneOf(values.into_iter().map(Into::into).collect()) }
}

/// Rows with these SIDs.
pub(crate) fn any_sid<S: ToString>(
    column: &'static str,
    sids: impl IntoIterator<Item = S>,
) -> Filter {
    any(column, sids.into_iter().map(|sid| Value::from(sid.to_string().as_str())))
}

/// `FriendlyName`, exactly.
pub(super) fn by_name(cx: &Cx) -> Vec<Filter> {
    cx.input.text("FriendlyName").map(|name| is("friendly_name", name)).into_iter().collect()
}

/// `Ordering`: comma-separated `Name:asc|desc`; a name alone is ascending.
pub(super) fn ordering(
    cx: &Cx,
    columns: &[(&str, &'static str)],
) -> Result<Vec<(&'static str, Direction)>, Problem> {
    let asked = cx.input.text("Ordering").unwrap_or_default();
    let parts = asked.split(',').map(str::trim).filter(|part| !part.is_empty());
    let one = |part: &str| {
        let (name, direction) = part.split_once(':').unwrap_or((part, "asc"));
        let column = columns.iter().find(|(known, _)| *known == name);
        match (column, direction) {
            (Some((_, column)), "asc") => Ok((*column, Direction::Ascending)),
            (Some((_, column)), "desc") => Ok((*column, Direction::Descending)),
            _ => Err(wrong("Ordering", &format!("must be {}", known(columns)))),
        }
    };
    parts.map(one).collect()
}

fn known(columns: &[(&str, &'static str)]) -> String {
    let each = columns.iter().map(|(name, _)| format!("{name}:asc or {name}:desc"));
    each.collect::<Vec<_>>().join(", ")
}

/// The incumbent answers lists that evaluate an expression this often a second.
pub(super) const EXPRESSION_LISTS_PER_S: u32 = 3;
/// The incumbent's workspaces hold this many activities.
pub(super) const ACTIVITIES_MAX: usize = 100;
/// The incumbent's workspaces hold this many task queues.
pub(super) const TASK_QUEUES_MAX: usize = 5_000;
/// The incumbent's workspaces hold this many workers.
pub(super) const WORKERS_MAX: usize = 15_000;
