//! Opening hours around the present moment, and a calendar of its own to judge them by.
//!
//! * Only zones whose clocks are never set, so that an offset is all there is to know of one.
//! * Hours begin and end within minutes, so that a short run sees doors open and close.

use base::{Millis, Timestamp};
use routing::schedule::{Day, Hours, Schedule, ScheduleException};
use serde_json::{Value, json};
use testkit::Random;

/// Names of schedules that occur.
pub(crate) const NAMES: [&str; 2] = ["day", "night"];
/// Zones that occur, and their minutes ahead of UTC.
const ZONES: [(&str, i64); 4] =
    [("UTC", 0), ("Asia/Tokyo", 540), ("Asia/Kolkata", 330), ("America/Phoenix", -420)];
const MINUTES_OF_DAY: i64 = 24 * 60;

/// Hours that matter about now.
pub(crate) fn body(random: &mut Random, now: Timestamp) -> Value {
    let (zone, offset) = ZONES[random.below(ZONES.len() as u64) as usize];
    let (date, minute) = local(now, offset);
    let hours = |random: &mut Random| {
        // One end is near, the other near or as far as it can be.
        let near = minute + random.below(4) as i64 - 1;
        let far = match random.below(3) {
            0 => near + 1 + random.below(3) as i64,
            1 => near + 200 + random.below(1_000) as i64,
            _ => near - 1 - random.below(700) as i64,
        };
        let (from, to) = if random.percent(50) { (near, far) } else { (far, near) };
        (time(from), time(to))
    };
    let weekly: Vec<Value> = (0..random.below(4))
        .map(|_| {
            let chosen: Vec<Day> = Day::ALL.into_iter().filter(|_| random.percent(70)).collect();
            let days = if chosen.is_empty() { Day::ALL.to_vec() } else { chosen };
            let (from, to) = hours(random);
            json!({"days": days, "from": from, "to": to})
        })
        .collect();
    let mut exceptions = Vec::new();
    if random.percent(40) {
        let dates = [date - 1, date, date, date + 1];
        let of = *random.one_of(&dates).expect("there are some");
        let mut exception = json!({"date": text(of)});
        if random.percent(30) {
            exception["until"] = text(of + random.below(3) as i64).into();
        } else if random.percent(30) {
            exception["yearly"] = true.into();
        }
        if random.percent(40) {
            exception["closed"] = true.into();
        } else {
            let (from, to) = hours(random);
            (exception["from"], exception["to"]) = (from.into(), to.into());
        }
        exceptions.push(exception);
    }
    json!({"timezone": zone, "weekly": weekly, "exceptions": exceptions})
}

/// Whether a schedule is open by its hours.
pub(crate) fn is_open(schedule: &Schedule, now: Timestamp) -> bool {
    let zone = ZONES.iter().find(|(name, _)| *name == schedule.hours.timezone);
    let (date, minute) = local(now, zone.expect("no other zone occurs").1);
    let today = hours_of(schedule, date).iter().any(|hours| {
        let (from, to) = minutes(hours);
        from <= minute && (minute < to || to <= from)
    });
    let yesterday = hours_of(schedule, date - 1).iter().any(|hours| {
        let (from, to) = minutes(hours);
        to <= from && minute < to
    });
    today || yesterday
}

/// The hours that begin on a date.
fn hours_of(schedule: &Schedule, date: i64) -> Vec<Hours> {
    let exceptions = &schedule.hours.exceptions;
    if let Some(exception) = exceptions.iter().find(|one| covers(one, &text(date))) {
        return exception.hours.clone();
    }
    // The first day of the count was a Thursday.
    let day = Day::ALL[(date + 3).rem_euclid(7) as usize];
    let weekly = schedule.hours.weekly.iter().filter(|weekly| weekly.days.contains(&day));
    weekly.map(|weekly| Hours { from: weekly.from, to: weekly.to }).collect()
}

fn covers(exception: &ScheduleException, date: &str) -> bool {
    let last = exception.until.as_deref().unwrap_or(&exception.date);
    match exception.yearly {
        true => exception.date[5..] == date[5..],
        false => exception.date.as_str() <= date && date <= last,
    }
}

fn minutes(hours: &Hours) -> (i64, i64) {
    (hours.from.minutes().into(), hours.to.minutes().into())
}

/// The days since 1970 and the minute of the day.
fn local(now: Timestamp, offset: i64) -> (i64, i64) {
    let minutes = now.0.div_euclid(60_000) + offset;
    (minutes.div_euclid(MINUTES_OF_DAY), minutes.rem_euclid(MINUTES_OF_DAY))
}

fn text(date: i64) -> String {
    let midnight = Timestamp(0) + Millis::secs(date * 24 * 60 * 60);
    midnight.to_string_ms()[..10].to_owned()
}

fn time(minute: i64) -> String {
    let minute = minute.rem_euclid(MINUTES_OF_DAY);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}
