//! Hours on the calendar of a time zone.

use super::{Day, Hours, OpeningHours, TimeOfDay};
use crate::limits::SCHEDULE_HORIZON_DAYS;
use base::{Millis, Timestamp};
use jiff::{
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase},
};

/// Opening hours, ready to be asked.
pub(crate) struct Calendar {
    zone: TimeZone,
    /// By day of the week, from Monday on.
    weekly: [Vec<Hours>; 7],
    exceptions: Vec<Exception>,
}

struct Exception {
    first: Date,
    /// Days after the first that it covers too.
    more: i32,
    yearly: bool,
    hours: Vec<Hours>,
}

/// A time zone by its IANA name.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// A date as it is written: `YYYY-MM-DD` and nothing else.
pub(super) fn date(text: &str) -> Option<Date> {
    text.parse::<Date>().ok().filter(|date| date.to_string() == text)
}

/// From one date to a later one.
pub(super) fn days_between(first: Date, last: Date) -> i32 {
    let days = |date: Date| date.to_datetime(jiff::civil::Time::midnight());
    let seconds = days(first).duration_until(days(last)).as_secs();
    i32::try_from(seconds / 86_400).unwrap_or(i32::MAX)
}

impl Calendar {
    /// Whatever is stored was read before; what no longer reads is never open.
    pub(crate) fn of(hours: &OpeningHours) -> Self {
        let on = |day: Day| {
            let of_day = hours.weekly.iter().filter(|weekly| weekly.days.contains(&day));
            of_day.map(|weekly| Hours { from: weekly.from, to: weekly.to }).collect()
        };
        let exceptions = hours.exceptions.iter().filter_map(|one| {
            let first = date(&one.date)?;
            let last = one.until.as_deref().and_then(date).unwrap_or(first);
            let (more, yearly) = (days_between(first, last), one.yearly);
            Some(Exception { first, more, yearly, hours: one.hours.clone() })
        });
        Self {
            zone: zone(&hours.timezone).unwrap_or(TimeZone::UTC),
            weekly: Day::ALL.map(on),
            exceptions: exceptions.collect(),
        }
    }

    pub(crate) fn is_open(&self, at: Timestamp) -> bool {
        self.covering(at.0).is_some()
    }

    /// The first moment after `at` at which it opens or closes, if there is one before the
    /// horizon.
    pub(crate) fn next_flip(&self, at: Timestamp) -> Option<Timestamp> {
        let end = (at + Millis::secs(SCHEDULE_HORIZON_DAYS * 86_400)).0;
        let flip = match self.covering(at.0) {
            Some(mut closes) => {
                while let Some(later) = self.covering(closes).filter(|_| closes < end) {
                    closes = later;
                }
                Some(closes)
            }
            None => self.opens_after(at.0, end),
        };
        flip.filter(|flip| *flip < end).map(Timestamp)
    }

    /// The end of the hours that cover a moment; of several, the last.
    fn covering(&self, at: i64) -> Option<i64> {
        let mut date = self.local_date(at)?.yesterday().ok()?;
        let mut last = None;
        // Hours are at most a day long, so they began today or yesterday.
        for _ in 0..2 {
            let covering = self.spans(date).filter(|(from, to)| (*from..*to).contains(&at));
            last = covering.map(|(_, to)| to).max().max(last);
            date = date.tomorrow().ok()?;
        }
        last
    }

    fn opens_after(&self, at: i64, end: i64) -> Option<i64> {
        let mut date = self.local_date(at)?;
        loop {
            let starts = self.spans(date).map(|(from, _)| from).filter(|from| *from > at);
            if let Some(first) = starts.min() {
                return Some(first);
            }
            date = date.tomorrow().ok()?;
            if self.begin(date.at(0, 0, 0, 0))? > end {
                return None;
            }
        }
    }

    fn local_date(&self, at: i64) -> Option<Date> {
        let at = jiff::Timestamp::from_millisecond(at).ok()?;
        Some(self.zone.to_datetime(at).date())
    }

    /// From when to when the hours last that begin on a date, in milliseconds.
    fn spans(&self, date: Date) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.hours_on(date).iter().filter_map(move |hours| {
            let ends_on = match hours.to > hours.from {
                true => date,
                false => date.tomorrow().ok()?,
            };
            let from = self.begin(moment(date, hours.from)?)?;
            let to = self.end(moment(ends_on, hours.to)?)?;
            (from < to).then_some((from, to))
        })
    }

    fn hours_on(&self, date: Date) -> &[Hours] {
        match self.exceptions.iter().find(|exception| exception.covers(date)) {
            Some(exception) => &exception.hours,
            None => &self.weekly[date.weekday().to_monday_zero_offset() as usize],
        }
    }

    /// When a local time is first reached.
    fn begin(&self, local: DateTime) -> Option<i64> {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => instant(local, offset),
            AmbiguousOffset::Fold { before, .. } => instant(local, before),
            AmbiguousOffset::Gap { before, .. } => self.jump_before(local, before),
        }
    }

    /// When a local time is last left behind.
    fn end(&self, local: DateTime) -> Option<i64> {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => instant(local, offset),
            AmbiguousOffset::Fold { after, .. } => instant(local, after),
            AmbiguousOffset::Gap { before, .. } => self.jump_before(local, before),
        }
    }

    /// The jump of the clock that skips a local time: by the old offset it is at or after it.
    fn jump_before(&self, local: DateTime, before: Offset) -> Option<i64> {
        let after = before.to_timestamp(local).ok()?;
        let later = after.checked_add(jiff::SignedDuration::from_secs(1)).ok()?;
        let jump = self.zone.preceding(later).next()?;
        Some(jump.timestamp().as_millisecond())
    }
}

impl Exception {
    fn covers(&self, date: Date) -> bool {
        let within = |first: Date| (0..=self.more).contains(&days_between(first, date));
        if !self.yearly {
            return within(self.first);
        }
        // A range may have begun in the year before. The 29th of February is in leap years only.
        let began = [date.year(), date.year() - 1].into_iter();
        let first = |year| Date::new(year, self.first.month(), self.first.day()).ok();
        began.filter_map(first).any(within)
    }
}

fn moment(date: Date, time: TimeOfDay) -> Option<DateTime> {
    let minutes = time.minutes();
    if minutes == 24 * 60 {
        return Some(date.tomorrow().ok()?.at(0, 0, 0, 0));
    }
    let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
    Some(date.at(hour, minute, 0, 0))
}

fn instant(local: DateTime, offset: Offset) -> Option<i64> {
    offset.to_timestamp(local).ok().map(jiff::Timestamp::as_millisecond)
}
