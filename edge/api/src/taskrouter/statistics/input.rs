//! The parameters of statistics.

use crate::{Cx, Problem, wrong};
use base::{Kind, Millis, Timestamp};
use routing::TaskChannelSid;
use wire::rest::statistics::Interval;

/// How far back an interval may begin.
const MINUTES_MAX: i64 = 30 * 24 * 60;
const MINUTES_DEFAULT: i64 = 15;
/// Thresholds of one call.
const THRESHOLDS_MAX: usize = 100;

/// `StartDate` or `Minutes`, `EndDate` and `SplitByWaitTime`. Both ends belong to the interval; it
/// ends now if no earlier end is given.
pub(super) fn interval(cx: &Cx) -> Result<Interval, Problem> {
    let now = cx.host.now();
    let minutes = cx.input.int("Minutes", 1..=i64::MAX)?;
    let to = cx.input.time("EndDate")?.unwrap_or(now).min(now);
    let from = match cx.input.time("StartDate")? {
        Some(from) => from,
        None => {
            let minutes = minutes.unwrap_or(MINUTES_DEFAULT);
            Timestamp(to.0.saturating_sub(minutes.saturating_mul(60_000)))
        }
    };
    let oldest = now + Millis::secs(-MINUTES_MAX * 60);
    // Dates have whole seconds, so the one in which 30 days are over is not too old.
    if from.epoch_secs() < oldest.epoch_secs() {
        let message = "StartDate: lies more than 30 days back";
        return Err(Problem(base::Problem::new(Kind::Invalid, 14241, message)));
    }
    if from > to {
        return Err(wrong("EndDate", "must not lie before StartDate"));
    }
    Ok(Interval { from, to, split_by: thresholds(cx)? })
}

/// `SplitByWaitTime`: whole seconds, separated by commas.
fn thresholds(cx: &Cx) -> Result<Vec<u32>, Problem> {
    let text = cx.input.text("SplitByWaitTime").unwrap_or_default();
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let refused = || wrong("SplitByWaitTime", "must be whole seconds separated by commas");
    let mut all: Vec<u32> =
        parts.map(|part| part.parse().map_err(|_| refused())).collect::<Result<_, _>>()?;
    all.sort_unstable();
    all.dedup();
    if all.len() > THRESHOLDS_MAX {
        let why = format!("may name {THRESHOLDS_MAX} thresholds at most");
        return Err(wrong("SplitByWaitTime", &why));
    }
    Ok(all)
}

/// `TaskChannel`: a SID or unique name of the workspace.
pub(super) fn channel(cx: &Cx) -> Result<Option<TaskChannelSid>, Problem> {
    match cx.input.text("TaskChannel") {
        Some(text) => channel_of(cx, text).map(Some),
        None => Ok(None),
    }
}

pub(super) fn channel_of(cx: &Cx, text: &str) -> Result<TaskChannelSid, Problem> {
    let channels = cx.names().channels;
    let by_sid = text.parse().ok().filter(|sid| channels.contains_key(sid));
    let by_name = || channels.values().find(|one| one.unique_name == text).map(|one| one.sid);
    by_sid.or_else(by_name).ok_or_else(|| wrong("TaskChannel", "names no channel here"))
}
