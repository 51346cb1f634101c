//! SIDs: two capital letters and 32 hex digits.
//!
//! * The first 12 digits are milliseconds since 1970, the next 4 a counter, the last 16 random:
//!   SIDs of one source sort by creation, so a SID is also a page cursor.
//! * Upper-case hex digits are accepted and written back in lower case.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// A SID of any kind. Typed SIDs are made with [`sid_kinds!`](crate::sid_kinds).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid {
    kind: [u8; 2],
    body: [u8; 16],
}

/// The text was not two capital letters and 32 hex digits, or not of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not a SID{}",
    expected.map(|k| format!(" that starts with {k}")).unwrap_or_default()
)]
pub struct SidError {
    /// What was given, cut to 64 characters.
    pub text: String,
    /// The kind that was asked for.
    pub expected: Option<&'static str>,
}

impl Sid {
    /// `kind` is two capital letters.
    pub const fn new(kind: [u8; 2], body: u128) -> Self {
        assert!(kind[0].is_ascii_uppercase() && kind[1].is_ascii_uppercase());
        Self { kind, body: body.to_be_bytes() }
    }

    /// The two letters.
    pub fn kind(&self) -> &str {
        std::str::from_utf8(&self.kind).expect("a kind is two ASCII letters")
    }

    /// The 128 bits after the letters.
    pub const fn body(&self) -> u128 {
        u128::from_be_bytes(self.body)
    }

    /// The 34 characters, without allocation.
    pub fn encode(&self) -> [u8; 34] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut out = [0; 34];
        out[0] = self.kind[0];
        out[1] = self.kind[1];
        for (i, byte) in self.body.iter().enumerate() {
            out[2 + 2 * i] = HEX[usize::from(byte >> 4)];
            out[3 + 2 * i] = HEX[usize::from(byte & 15)];
        }
        out
    }

    fn refuse(text: &str, expected: Option<&'static str>) -> SidError {
        SidError { text: text.chars().take(64).collect(), expected }
    }

    /// Parses a SID whose letters must be `kind`.
    pub fn parse_kind(text: &str, kind: &'static str) -> Result<Self, SidError> {
        match text.parse::<Self>() {
            Ok(sid) if sid.kind() == kind => Ok(sid),
            _ => Err(Self::refuse(text, Some(kind))),
        }
    }
}

/// Of a byte that is no hexadecimal digit.
const NO_DIGIT: u8 = 0x80;

/// What each byte is worth as a digit: a row that is read has several SIDs.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut byte = 0;
    while byte < 256 {
        if let Some(value) = (byte as u8 as char).to_digit(16) {
            digits[byte] = value as u8;
        }
        byte += 1;
    }
    digits
};

impl FromStr for Sid {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Self, SidError> {
        let bytes = text.as_bytes();
        if bytes.len() != 34 || !bytes[..2].iter().all(u8::is_ascii_uppercase) {
            return Err(Self::refuse(text, None));
        }
        let (mut body, mut all) = ([0; 16], 0);
        for (byte, digits) in body.iter_mut().zip(bytes[2..].chunks_exact(2)) {
            let (high, low) = (DIGITS[usize::from(digits[0])], DIGITS[usize::from(digits[1])]);
            all |= high | low;
            *byte = high << 4 | low;
        }
        if all & NO_DIGIT != 0 {
            return Err(Self::refuse(text, None));
        }
        Ok(Self { kind: [bytes[0], bytes[1]], body })
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.encode()).expect("hex digits are ASCII"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Sid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.encode()).expect("hex digits are ASCII"))
    }
}

impl<'de> Deserialize<'de> for Sid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Declares typed SIDs: `sid_kinds! { /// A task. TaskSid = "WT" }`.
///
/// Each is `Copy`, sorts by creation, and reads and writes as its 34 characters.
#[macro_export]
macro_rules! sid_kinds {
    ($($(#[$doc:meta])* $name:ident = $kind:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            // Halves need less alignment than the whole, and there are very many of these.
            high: u64,
            low: u64,
        }
        impl $name {
            /// The two letters.
            pub const KIND: &'static str = $kind;
            /// From the 128 bits after the letters.
            pub const fn new(body: u128) -> Self {
                Self { high: (body >> 64) as u64, low: body as u64 }
            }
            /// The 128 bits after the letters.
            pub const fn body(self) -> u128 { (self.high as u128) << 64 | self.low as u128 }
            /// The same SID without its type.
            pub const fn sid(self) -> $crate::Sid {
                let kind = $kind.as_bytes();
                $crate::Sid::new([kind[0], kind[1]], self.body())
            }
        }
        impl From<$name> for $crate::Sid {
            fn from(typed: $name) -> Self { typed.sid() }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::SidError;
            fn from_str(text: &str) -> Result<Self, $crate::SidError> {
                $crate::Sid::parse_kind(text, $kind).map(|sid| Self::new(sid.body()))
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.sid(), f)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.sid(), f)
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                self.sid().serialize(s)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(<D::Error as serde::de::Error>::custom)
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_survives_text() {
        let sid = Sid::new(*b"WT", 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(sid.to_string(), "WT0123456789abcdef0123456789abcdef");
        assert_eq!(sid.to_string().parse(), Ok(sid));
        assert_eq!("WT0123456789ABCDEF0123456789ABCDEF".parse(), Ok(sid));
    }

    #[test]
    fn a_malformed_sid_is_refused() {
        for text in [
            "",
            "WT0bad",
            "wt0123456789abcdef0123456789abcdef",
            "WT0123456789abcdef0123456789abcdeg",
        ] {
            assert!(text.parse::<Sid>().is_err(), "{text}");
        }
        assert!(Sid::parse_kind("WT0123456789abcdef0123456789abcdef", "WK").is_err());
    }
}
