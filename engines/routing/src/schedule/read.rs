//! Schedules as they come: checked whole before anything changes.

use super::{Hours, OpeningHours, ScheduleException, TimeOfDay, WeeklyHours, calendar};
use crate::{
    json::Fields,
    limits::{NAME_CHARS_MAX, SCHEDULE_EXCEPTIONS_MAX, SCHEDULE_HOURS_MAX},
    rejection::Rejection,
};
use jiff::civil::Date;
use serde_json::Value;

const PARAMETER: &str = "Schedule";
const KNOWN: &[&str] = &["timezone", "weekly", "exceptions"];
const OF_EXCEPTION: &[&str] = &["name", "date", "until", "yearly", "closed", "from", "to", "hours"];

/// Whether expressions can name it.
pub(crate) fn check_name(name: &str) -> Result<(), Rejection> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
    let is_name = name.starts_with(letter)
        && name.chars().all(|c| letter(c) || c.is_ascii_digit())
        && name.len() <= NAME_CHARS_MAX;
    match is_name {
        true => Ok(()),
        false => Err(Rejection::Invalid {
            parameter: "Name",
            message: format!(
                "must have 1 to {NAME_CHARS_MAX} letters, digits, '_' or '$' and not begin with a \
                 digit"
            ),
        }),
    }
}

/// The hours of a body; the error names the field with its index, and the reason.
pub(crate) fn read(body: &Value) -> Result<OpeningHours, Rejection> {
    let fields = Fields::of(PARAMETER, "", body, KNOWN)?;
    let timezone = fields.required_text("timezone")?;
    if calendar::zone(timezone).is_none() {
        let shown: String = timezone.chars().take(NAME_CHARS_MAX).collect();
        let why = format!("'{shown}' is not an IANA time zone such as Europe/Berlin");
        return Err(fields.wrong("timezone", &why));
    }
    let weekly = listed(&fields, "weekly", SCHEDULE_HOURS_MAX, weekly)?;
    let exceptions = listed(&fields, "exceptions", SCHEDULE_EXCEPTIONS_MAX, exception)?;
    Ok(OpeningHours { timezone: timezone.to_owned(), weekly, exceptions })
}

fn listed<T>(
    fields: &Fields<'_>,
    name: &str,
    most: usize,
    read: impl Fn(String, &Value) -> Result<T, Rejection>,
) -> Result<Vec<T>, Rejection> {
    let list = fields.list(name)?.unwrap_or_default();
    if list.len() > most {
        let why = format!("has {} entries, more than the {most} allowed", list.len());
        return Err(fields.wrong(name, &why));
    }
    let at = |index| format!("{}[{index}]", fields.at(name));
    list.iter().enumerate().map(|(index, value)| read(at(index), value)).collect()
}

fn weekly(at: String, value: &Value) -> Result<WeeklyHours, Rejection> {
    let fields = Fields::of(PARAMETER, at, value, &["days", "from", "to"])?;
    let texts = fields.texts("days")?.filter(|days| !days.is_empty());
    let texts = texts.ok_or_else(|| fields.wrong("days", "must name a day at least"))?;
    let mut days = Vec::new();
    for (at, text) in texts {
        let day = serde_json::from_value(Value::from(text)).ok().filter(|day| !days.contains(day));
        let why = "must be one of mon, tue, wed, thu, fri, sat, sun, each once";
        days.push(day.ok_or_else(|| crate::json::wrong(PARAMETER, &at, why))?);
    }
    days.sort_unstable();
    let Hours { from, to } = hours(&fields)?;
    Ok(WeeklyHours { days, from, to })
}

fn hours(fields: &Fields<'_>) -> Result<Hours, Rejection> {
    let time = |name: &str| {
        let text = fields.required_text(name)?;
        let why = "must be a time of day such as 08:30";
        TimeOfDay::parse(text).ok_or_else(|| fields.wrong(name, why))
    };
    let (from, to) = (time("from")?, time("to")?);
    if from.minutes() == 24 * 60 {
        return Err(fields.wrong("from", "must be before 24:00"));
    }
    if from == to {
        return Err(fields.wrong("to", "must not be 'from'; a whole day is 00:00 to 24:00"));
    }
    Ok(Hours { from, to })
}

fn exception(at: String, value: &Value) -> Result<ScheduleException, Rejection> {
    let fields = Fields::of(PARAMETER, at, value, OF_EXCEPTION)?;
    let name = fields.text("name")?;
    if name.is_some_and(|name| name.chars().count() > NAME_CHARS_MAX) {
        let why = format!("has more than the {NAME_CHARS_MAX} characters allowed");
        return Err(fields.wrong("name", &why));
    }
    fields.required_text("date")?;
    let first = date(&fields, "date")?;
    let last = date(&fields, "until")?;
    let yearly = fields.bool("yearly")?.unwrap_or(false);
    if let (Some(first), Some(last)) = (first, last) {
        let days = calendar::days_between(first, last);
        if days < 0 {
            return Err(fields.wrong("until", "must not be before date"));
        }
        if yearly && days >= 365 {
            return Err(fields.wrong("until", "must be less than a year after a yearly date"));
        }
    }
    Ok(ScheduleException {
        name: name.map(str::to_owned),
        date: first.map(|date| date.to_string()).unwrap_or_default(),
        until: last.map(|date| date.to_string()),
        yearly,
        hours: instead(&fields)?,
    })
}

fn date(fields: &Fields<'_>, name: &str) -> Result<Option<Date>, Rejection> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    let why = "must be a date such as 2026-12-25";
    calendar::date(text).map(Some).ok_or_else(|| fields.wrong(name, why))
}

/// What holds on the dates of an exception: said in exactly one of three ways.
fn instead(fields: &Fields<'_>) -> Result<Vec<Hours>, Rejection> {
    let is_closed = fields.bool("closed")?.unwrap_or(false);
    let is_short = fields.get("from").is_some() || fields.get("to").is_some();
    let listing = fields.list("hours")?;
    match (is_closed, is_short, listing) {
        (true, false, None) => Ok(Vec::new()),
        (true, false, Some([])) => Ok(Vec::new()),
        (false, true, None) => Ok(vec![hours(fields)?]),
        (false, false, Some(_)) => listed(fields, "hours", SCHEDULE_HOURS_MAX, |at, value| {
            hours(&Fields::of(PARAMETER, at, value, &["from", "to"])?)
        }),
        _ => Err(fields.wrong("", "must say either closed, or from and to, or hours")),
    }
}
