//! Opening hours: when a schedule is open, and when that changes next.
//!
//! * Hours belong to the local date on which they begin; where `to` is not after `from` they end
//!   on the next date. The first exception that covers a date replaces what begins on it.
//! * A local time that the clock skips stands for the moment of the jump. Of one that it shows
//!   twice, opening takes the first and closing the last.
//! * Time zones are the ones compiled in: no file, no environment, no clock is asked.
//! * `open` moves by changes alone, so that what was decided can be replayed; the next look at
//!   the calendar is a deadline like any other.

mod calendar;
mod read;

pub(crate) use calendar::Calendar;
pub(crate) use read::{check_name, read};

use crate::{limits::SCHEDULE_HORIZON_DAYS, model::*};
use base::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// A schedule, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name for programs.
    pub sid: ScheduleSid,
    /// Its name in expressions: `schedule.<name>.open`.
    pub name: String,
    /// When it is open.
    #[serde(flatten)]
    pub hours: OpeningHours,
    /// The ETag: 1 for a new schedule, then one more for each change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its hours last changed.
    pub updated_at: Timestamp,
    /// Whether it was open when the calendar was last looked at.
    pub open: bool,
    /// When that was.
    pub looked_at: Timestamp,
}

/// When a schedule is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningHours {
    /// An IANA name, e.g. `Europe/Berlin`.
    pub timezone: String,
    /// What holds in every week.
    pub weekly: Vec<WeeklyHours>,
    /// What holds instead on some dates; the first that covers a date decides.
    pub exceptions: Vec<ScheduleException>,
}

/// Open on these days of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeeklyHours {
    /// On which days it opens.
    pub days: Vec<Day>,
    /// From when.
    pub from: TimeOfDay,
    /// Until when; on the next day where that is not later than `from`.
    pub to: TimeOfDay,
}

/// Other hours on some dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleException {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The (first) date, `YYYY-MM-DD`.
    pub date: String,
    /// The last date, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whether the same dates of every year are meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yearly: bool,
    /// Open then; nothing means closed.
    pub hours: Vec<Hours>,
}

/// From one time of day to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// From when.
    pub from: TimeOfDay,
    /// Until when; on the next day where that is not later than `from`.
    pub to: TimeOfDay,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// From Monday on.
    pub const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];
}

/// Minutes since midnight; 24:00 is the end of the day. Written `HH:MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Minutes since midnight, up to 1 440.
    pub const fn minutes(self) -> u16 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let number = |digits: &str| -> Option<u16> {
            let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| is_two)
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        let fits = minutes < 60 && (hours < 24 || (hours == 24 && minutes == 0));
        fits.then_some(Self(hours * 60 + minutes))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("'{text}' is not a time of day"))
    }
}

/// A schedule and how it stands at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleView {
    /// The schedule.
    pub schedule: Schedule,
    /// Whether it is open.
    pub open: bool,
    /// When that changes, if it does within [`SCHEDULE_HORIZON_DAYS`].
    pub next_flip: Option<Timestamp>,
}

/// A schedule in memory.
pub(crate) struct ScheduleState {
    pub(crate) schedule: Schedule,
    calendar: Arc<Calendar>,
    /// When the calendar is looked at next: at the next flip, or where it was not looked beyond.
    look_at: Timestamp,
}

impl ScheduleState {
    pub(crate) fn new(schedule: Schedule) -> Self {
        let calendar = Arc::new(Calendar::of(&schedule.hours));
        let look_at = next_look(&calendar, schedule.looked_at);
        Self { schedule, calendar, look_at }
    }

    pub(crate) fn looked(&mut self, open: bool, at: Timestamp) {
        self.schedule.open = open;
        self.schedule.looked_at = at;
        self.look_at = next_look(&self.calendar, at);
    }

    pub(crate) fn view(&self, now: Timestamp) -> ScheduleView {
        ScheduleView {
            schedule: self.schedule.clone(),
            open: self.calendar.is_open(now),
            next_flip: self.calendar.next_flip(now),
        }
    }
}

fn next_look(calendar: &Calendar, since: Timestamp) -> Timestamp {
    let horizon = since + Millis::secs(SCHEDULE_HORIZON_DAYS * 86_400);
    calendar.next_flip(since).unwrap_or(horizon)
}

/// The schedules of a workspace, by name.
#[derive(Default)]
pub(crate) struct ScheduleBook(BTreeMap<String, ScheduleState>);

impl ScheduleBook {
    pub(crate) fn get(&self, name: &str) -> Option<&ScheduleState> {
        self.0.get(name)
    }

    pub(crate) fn at(&self, sid: ScheduleSid) -> Option<&Schedule> {
        self.iter().find(|schedule| schedule.sid == sid)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Schedule> {
        self.0.values().map(|state| &state.schedule)
    }

    pub(crate) fn views(&self, now: Timestamp) -> Vec<ScheduleView> {
        self.0.values().map(|state| state.view(now)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn put(&mut self, schedule: Schedule) {
        self.0.insert(schedule.name.clone(), ScheduleState::new(schedule));
    }

    pub(crate) fn remove(&mut self, sid: ScheduleSid) {
        self.0.retain(|_, state| state.schedule.sid != sid);
    }

    /// Says whether it was otherwise before.
    pub(crate) fn looked(&mut self, sid: ScheduleSid, open: bool, at: Timestamp) -> bool {
        let Some(state) = self.0.values_mut().find(|state| state.schedule.sid == sid) else {
            return false;
        };
        let flips = state.schedule.open != open;
        state.looked(open, at);
        flips
    }

    /// When a calendar is looked at next.
    pub(crate) fn next_look(&self) -> Option<Timestamp> {
        #[cfg(feature = "planted-bugs")]
        if crate::planted::is(crate::planted::Planted::ForgetSchedules) {
            return None;
        }
        self.0.values().map(|state| state.look_at).min()
    }

    /// A schedule whose calendar is to be looked at, and whether it is open at `now`.
    pub(crate) fn due(&self, now: Timestamp) -> Option<(ScheduleSid, bool)> {
        #[cfg(feature = "planted-bugs")]
        self.next_look()?;
        let state = self.0.values().find(|state| state.look_at <= now)?;
        Some((state.schedule.sid, state.calendar.is_open(now)))
    }
}

/// What the calendars say of one moment: for looking back.
#[derive(Clone, Default)]
pub(crate) struct Calendars(BTreeMap<String, Arc<Calendar>>);

/// See [`Calendars`].
pub(crate) struct CalendarsAt<'a> {
    pub(crate) calendars: &'a Calendars,
    pub(crate) at: Timestamp,
}

impl Calendars {
    pub(crate) fn all_at(&self, at: Timestamp) -> BTreeMap<String, bool> {
        let all = self.0.iter();
        all.map(|(name, calendar)| (name.clone(), calendar.is_open(at))).collect()
    }
}

impl fmt::Debug for Calendars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl ScheduleBook {
    /// Whether each is open, as of the last look.
    pub(crate) fn all_open(&self) -> BTreeMap<String, bool> {
        self.iter().map(|schedule| (schedule.name.clone(), schedule.open)).collect()
    }

    pub(crate) fn calendars(&self) -> Calendars {
        let all = self.0.iter();
        Calendars(all.map(|(name, state)| (name.clone(), Arc::clone(&state.calendar))).collect())
    }
}

impl expr::Schedules for CalendarsAt<'_> {
    fn open(&self, name: &str) -> Option<bool> {
        self.calendars.0.get(name).map(|calendar| calendar.is_open(self.at))
    }
}

/// As expressions see them: as of the last look.
impl expr::Schedules for ScheduleBook {
    fn open(&self, name: &str) -> Option<bool> {
        self.0.get(name).map(|state| state.schedule.open)
    }
}
