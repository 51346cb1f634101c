//! Points in time (UTC, whole milliseconds) and spans of it.

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    ops::{Add, Sub},
    str::FromStr,
};

/// A span of time in milliseconds. Never negative in deadlines.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// `n` whole seconds.
    pub const fn secs(n: i64) -> Self {
        Self(n * 1000)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z. Displays as ISO 8601 with whole seconds,
/// which is what the wire wants: the Python library parses exactly that.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// The text is not an ISO 8601 instant between the years 0000 and 9999.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an ISO 8601 time such as 2026-01-31T09:00:00Z")]
pub struct TimestampError(pub String);

impl Timestamp {
    /// Whole seconds since 1970, rounded down.
    pub const fn epoch_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The parts of the UTC date and time. Beyond the years that a calendar has here (−9999 to
    /// 9999), those of the nearest instant within them.
    pub fn civil(self) -> jiff::civil::DateTime {
        let (first, last) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
        jiff::Timestamp::from_millisecond(self.0.clamp(first * 1000, last * 1000))
            .expect("it lies between the first and the last")
            .to_zoned(jiff::tz::TimeZone::UTC)
            .datetime()
    }

    /// ISO 8601 with milliseconds.
    pub fn to_string_ms(self) -> String {
        let text = self.to_string();
        format!("{}.{:03}Z", &text[..text.len() - 1], self.0.rem_euclid(1000))
    }
}

impl Add<Millis> for Timestamp {
    type Output = Self;
    fn add(self, span: Millis) -> Self {
        Self(self.0 + span.0)
    }
}

impl Sub for Timestamp {
    type Output = Millis;
    fn sub(self, other: Self) -> Millis {
        Millis(self.0 - other.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.civil();
        let (hour, minute, second) = (t.hour(), t.minute(), t.second());
        write!(f, "{:04}-{:02}-{:02}T", t.year(), t.month(), t.day())?;
        write!(f, "{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let refused = || TimestampError(text.chars().take(64).collect());
        let instant: jiff::Timestamp = text.parse().map_err(|_| refused())?;
        Ok(Self(instant.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_whole_seconds() {
        let t = Timestamp(1_767_225_600_999);
        assert_eq!(t.to_string(), "2026-01-01T00:00:00Z");
        assert_eq!(t.to_string_ms(), "2026-01-01T00:00:00.999Z");
        assert_eq!("2026-01-01T00:00:00.999Z".parse(), Ok(t));
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn times_beyond_the_calendar_are_written_as_its_ends() {
        let last = Timestamp(jiff::Timestamp::MAX.as_second() * 1000);
        for beyond in [last + Millis(1), last + Millis::secs(9), Timestamp(i64::MAX)] {
            assert_eq!(beyond.to_string(), last.to_string());
            assert!(beyond.to_string_ms().starts_with("9999-"));
        }
        assert!(Timestamp(i64::MIN).to_string().starts_with("-9999-"));
    }
}
