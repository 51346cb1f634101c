//! The way of a task through its workflow, walked a second time.

use crate::{compiled, instant, text};
use base::Sid;
use expr::{Place, Scope, WorkerCounts};
use serde_json::Value;

/// A place in a configuration; a filter of `None` is the default filter.
type Step = (Option<u64>, u64);

/// The target the task is held in. The way there, the queue it leads to and every claim on the way
/// are checked.
pub(crate) fn target(shown: &Value) -> Result<&Value, String> {
    let filters = shown["filters"].as_array().ok_or("no filters")?;
    let mut at = first_matching(shown, filters, 0)?.or_else(|| default(filters));
    for passed in shown["passed"].as_array().into_iter().flatten() {
        let claimed = (passed["filter"].as_u64(), passed["index"].as_u64().unwrap_or_default());
        if at != Some(claimed) {
            return Err(format!("the task should have been at {at:?}, not at {claimed:?}"));
        }
        at = after(shown, filters, claimed, passed)?;
    }
    let held = &shown["target"];
    let claimed = (held["filter"].as_u64(), held["index"].as_u64().unwrap_or_default());
    if at != Some(claimed) {
        return Err(format!("the task should be at {at:?}, not at {claimed:?}"));
    }
    let targets = targets(filters, claimed.0)?;
    let upto = targets.get(..=claimed.1 as usize).ok_or("no such target")?;
    let queue = upto.iter().rev().find_map(|target| target["queue"].as_str());
    if queue != shown["task_queue_sid"].as_str() {
        return Err(format!("the queue should be {queue:?}, not {}", shown["task_queue_sid"]));
    }
    upto.last().ok_or_else(|| "no such target".to_owned())
}

fn after(
    shown: &Value,
    filters: &[Value],
    step: Step,
    passed: &Value,
) -> Result<Option<Step>, String> {
    let skipped = match text(&passed["because"])? {
        "timeout" => false,
        "skip" if skips(&passed["skip_if"])? => true,
        other => return Err(format!("target {step:?} should not have been left by {other}")),
    };
    let (Some(filter), target) = step else { return Ok(None) };
    if (target + 1) < targets(filters, Some(filter))?.len() as u64 {
        return Ok(Some((Some(filter), target + 1)));
    }
    let below = first_matching(shown, filters, filter + 1)?;
    Ok(below.or_else(|| skipped.then(|| default(filters)).flatten()))
}

/// Whether `skip_if` holds for the counts it is said to have seen.
fn skips(tried: &Value) -> Result<bool, String> {
    let count = |name: &str| tried["workers"][name].as_i64().unwrap_or_default();
    let by_activity = tried["workers"].as_object().into_iter().flatten();
    let by_activity =
        by_activity.filter_map(|(name, n)| Some((Sid::parse_kind(name, "WA").ok()?, n.as_i64()?)));
    let counts = WorkerCounts {
        available: count("available"),
        unavailable: count("unavailable"),
        by_activity: by_activity.collect(),
    };
    let expression = compiled(&tried["expression"], Place::SkipIf)?.ok_or("no skip_if")?;
    Ok(expression.evaluate(&Scope { workers: Some(&counts), ..Scope::default() }))
}

fn first_matching(shown: &Value, filters: &[Value], from: u64) -> Result<Option<Step>, String> {
    for filter in filters {
        let Some(index) = filter["index"].as_u64().filter(|index| *index >= from) else { continue };
        let expression = compiled(&filter["expression"], Place::Filter)?.ok_or("no expression")?;
        let (task, now) = (&shown["task"]["attributes"], instant(&filter["at"])?);
        let schedules = &crate::schedules(&filter["schedules"]);
        let holds = expression.evaluate(&Scope { task, now, schedules, ..Scope::default() });
        if holds != (filter["matched"] == true) {
            return Err(format!("filter {index} is said to be {}", filter["matched"]));
        }
        if holds {
            return Ok(Some((Some(index), 0)));
        }
    }
    Ok(None)
}

fn default(filters: &[Value]) -> Option<Step> {
    filters.iter().any(|filter| filter["index"].is_null()).then_some((None, 0))
}

fn targets(filters: &[Value], filter: Option<u64>) -> Result<&[Value], String> {
    let found = filters.iter().find(|one| one["index"].as_u64() == filter);
    let targets = found.and_then(|filter| filter["targets"].as_array());
    targets.map(Vec::as_slice).ok_or_else(|| format!("filter {filter:?} has no targets"))
}
