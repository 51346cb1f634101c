//! The operator's keys, by id, newest first.
//!
//! * No key prints. Nor does an id that is none: somebody may have put the key in its place.

use base64::{Engine as _, engine::general_purpose};
use std::{fmt, sync::Arc};

/// Bytes of a key.
const BYTES: usize = 32;
/// The longest id.
const ID_MAX: usize = 32;

/// One key and its name.
#[derive(Clone)]
pub struct Key {
    id: Arc<str>,
    bytes: [u8; BYTES],
}

/// The configured keys: the first enciphers, each deciphers what was enciphered with it.
#[derive(Clone, Debug)]
pub struct Keys(Vec<Key>);

/// Why keys cannot be used. No message holds a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// What should be an id is none.
    #[error("the id of a key is 1 to 32 of the characters a-z, A-Z, 0-9, '.', '_' and '-'")]
    Id,
    /// What should be a key is none.
    #[error("key '{id}' is not 32 bytes in base64 or hex")]
    Bytes {
        /// The key's id.
        id: String,
    },
    /// Two keys have one id.
    #[error("two keys have the id '{id}'")]
    Twice {
        /// That id.
        id: String,
    },
}

impl Key {
    /// A key of 32 bytes, written in base64 (either alphabet) or as 64 hex digits.
    pub fn parse(id: &str, text: &str) -> Result<Self, KeyError> {
        let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !(1..=ID_MAX).contains(&id.len()) || !id.chars().all(is_fine) {
            return Err(KeyError::Id);
        }
        let bytes = read(text.trim()).ok_or_else(|| KeyError::Bytes { id: id.to_owned() })?;
        Ok(Self { id: id.into(), bytes })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn shared_id(&self) -> Arc<str> {
        self.id.clone()
    }

    pub(crate) const fn bytes(&self) -> &[u8; BYTES] {
        &self.bytes
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl Keys {
    /// Keys, newest first; `None` for none at all.
    pub fn new(keys: Vec<Key>) -> Result<Option<Self>, KeyError> {
        for (at, key) in keys.iter().enumerate() {
            if keys[..at].iter().any(|before| before.id == key.id) {
                return Err(KeyError::Twice { id: key.id.to_string() });
            }
        }
        Ok((!keys.is_empty()).then_some(Self(keys)))
    }

    /// The one that enciphers.
    pub fn newest(&self) -> &Key {
        &self.0[0]
    }

    /// The one with this id.
    pub fn get(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|key| &*key.id == id)
    }

    /// All ids, newest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Key::id)
    }
}

fn read(text: &str) -> Option<[u8; BYTES]> {
    if text.len() == 2 * BYTES {
        let digits = text.chars().map(|c| c.to_digit(16)).collect::<Option<Vec<u32>>>()?;
        let bytes = digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]));
        let bytes = bytes.collect::<Result<Vec<u8>, _>>().ok()?;
        return bytes.try_into().ok();
    }
    let plain = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    general_purpose::URL_SAFE_NO_PAD.decode(plain).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00ff102030405060708090a0b0c0d0e0f00112233445566778899aabbccddeef";

    #[test]
    fn a_key_is_32_bytes_in_base64_or_hex() {
        let hex = Key::parse("a", HEX).unwrap();
        let standard = general_purpose::STANDARD.encode(hex.bytes);
        let url = general_purpose::URL_SAFE_NO_PAD.encode(hex.bytes);
        for text in [standard.as_str(), &url, &format!(" {standard}\n"), &HEX.to_uppercase()] {
            assert_eq!(Key::parse("2026-11_b.c", text).unwrap().bytes, hex.bytes, "{text}");
        }
        for text in ["", "AAAA", &standard[1..], &HEX[2..], &format!("{HEX}00"), "☃"] {
            let refused = Key::parse("a", text).unwrap_err();
            assert_eq!(refused, KeyError::Bytes { id: "a".to_owned() });
        }
        for id in ["", "a b", "ä", "a:b", &"x".repeat(33)] {
            assert_eq!(Key::parse(id, HEX).unwrap_err(), KeyError::Id);
        }
    }

    #[test]
    fn no_key_prints() {
        let keys = ["b", "a"].map(|id| Key::parse(id, HEX).unwrap());
        let keys = Keys::new(keys.to_vec()).unwrap().unwrap();
        assert_eq!(format!("{keys:?}"), "Keys([Key(b), Key(a)])");
        let swapped = Key::parse(HEX, "a").unwrap_err();
        assert!(!format!("{swapped:?} {swapped}").contains(&HEX[..8]));
    }

    #[test]
    fn the_first_key_is_the_newest_and_ids_are_told_apart() {
        let key = |id| Key::parse(id, HEX).unwrap();
        let keys = Keys::new(vec![key("b"), key("a")]).unwrap().unwrap();
        assert_eq!((keys.newest().id(), keys.get("a").unwrap().id()), ("b", "a"));
        assert!(keys.get("c").is_none());
        assert!(Keys::new(Vec::new()).unwrap().is_none());
        let twice = Keys::new(vec![key("a"), key("b"), key("a")]).unwrap_err();
        assert_eq!(twice, KeyError::Twice { id: "a".to_owned() });
    }
}
