//! One text to one enciphered text and back.
//!
//! * AES-256-GCM. What is enciphered is text again: `~1:id:` and, in base64, a salt of 16 bytes, a
//!   number of 4, the ciphertext and its tag of 16. No JSON begins with `~`.
//! * A nonce never comes twice under one cipher key: that key is derived (HKDF-SHA-256) from the
//!   operator's and a salt that is drawn anew for each committer and after 2^32 texts, and the
//!   nonce counts the texts since. So nothing must be remembered over a restart, and a copy of the
//!   store that lives on beside it counts under a salt of its own.
//! * The tag covers where the text is kept ([`Place`]): moved to another row it is not accepted.

use crate::key::{Key, Keys};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};
use store::Seq;

const MARK: &str = "~1:";
const SALT_BYTES: usize = 16;
const HEAD_BYTES: usize = SALT_BYTES + 4;
const TAG_BYTES: usize = 16;
/// Derived keys that are remembered: one for each start since which something is still kept.
const RUNS_KEPT: usize = 256;

/// Where a text is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// A column of a row; `body` is one.
    Row { table: &'a str, partition: &'a str, key: &'a str, column: &'a str },
    /// A journal entry.
    Entry { partition: &'a str, seq: Seq, kind: &'a str },
    /// By which a key is known again.
    Check { id: &'a str },
}

/// Why a text could not be deciphered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// It says so, and is not.
    #[error("it is not an enciphered text")]
    Form,
    /// Its key is missing.
    #[error("it needs key '{0}', which is not configured")]
    NoKey(String),
    /// Changed, moved, or enciphered with another key of that id.
    #[error("key '{0}' does not open it: it is another key of that id, or the text was changed")]
    Changed(String),
}

/// The id of the key that a text was enciphered with; `None` for plain text.
pub(crate) fn key_of(text: &str) -> Option<&str> {
    text.strip_prefix(MARK).map(|rest| rest.split_once(':').map_or("", |(id, _)| id))
}

/// Enciphers, for one committer.
pub(crate) struct Sealer {
    key: Key,
    run: Run,
    /// The number of the next text; `None` when the run has had all of them.
    next: Option<u32>,
    /// Reused for each text.
    bytes: Vec<u8>,
    place: Vec<u8>,
}

/// A derived key and what it was derived with.
struct Run {
    salt: [u8; SALT_BYTES],
    cipher: LessSafeKey,
}

impl Run {
    fn draw(key: &Key) -> Self {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).expect("the operating system gives random bytes");
        Self { salt, cipher: derive(key, &salt) }
    }
}

fn derive(key: &Key, salt: &[u8; SALT_BYTES]) -> LessSafeKey {
    let secret = Salt::new(HKDF_SHA256, salt).extract(key.bytes());
    let derived = secret.expand(&[b"sinew store 1"], &AES_256_GCM);
    let derived = derived.expect("32 bytes are not too many");
    LessSafeKey::new(UnboundKey::from(derived))
}

/// Four bytes of twelve count.
fn nonce(number: [u8; 4]) -> Nonce {
    let mut bytes = [0; 12];
    bytes[8..].copy_from_slice(&number);
    Nonce::assume_unique_for_key(bytes)
}

impl Sealer {
    pub(crate) fn new(key: Key) -> Self {
        let run = Run::draw(&key);
        Self { key, run, next: Some(0), bytes: Vec::new(), place: Vec::new() }
    }

    /// The id of the key that it enciphers with.
    pub(crate) fn id(&self) -> &str {
        self.key.id()
    }

    pub(crate) fn seal(&mut self, place: Place<'_>, text: &str) -> String {
        let number = self.next.unwrap_or_else(|| {
            self.run = Run::draw(&self.key);
            0
        });
        self.next = number.checked_add(1);
        let number = number.to_be_bytes();
        place.write(&mut self.place);
        let bytes = &mut self.bytes;
        bytes.clear();
        bytes.extend_from_slice(&self.run.salt);
        bytes.extend_from_slice(&number);
        bytes.extend_from_slice(text.as_bytes());
        let sealed = self.run.cipher.seal_in_place_separate_tag(
            nonce(number),
            Aad::from(&self.place),
            &mut bytes[HEAD_BYTES..],
        );
        // The limit of the cipher is 64 GiB.
        bytes.extend_from_slice(sealed.expect("a text is not that long").as_ref());
        let length = MARK.len() + self.key.id().len() + 1 + bytes.len().div_ceil(3) * 4;
        let mut out = String::with_capacity(length);
        out.push_str(MARK);
        out.push_str(self.key.id());
        out.push(':');
        URL_SAFE_NO_PAD.encode_string(&*bytes, &mut out);
        out
    }
}

/// Deciphers, from any thread.
#[derive(Debug)]
pub(crate) struct Opener {
    keys: Keys,
    /// By the id of the key and the salt.
    runs: RwLock<BTreeMap<RunId, Arc<LessSafeKey>>>,
}

type RunId = (Arc<str>, [u8; SALT_BYTES]);

impl Opener {
    pub(crate) fn new(keys: Keys) -> Self {
        Self { keys, runs: RwLock::default() }
    }

    pub(crate) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Of plain text that is [`Broken::Form`].
    pub(crate) fn open(&self, place: Place<'_>, text: &str) -> Result<String, Broken> {
        let rest = text.strip_prefix(MARK).ok_or(Broken::Form)?;
        let (id, code) = rest.split_once(':').ok_or(Broken::Form)?;
        let Some(key) = self.keys.get(id) else { return Err(Broken::NoKey(id.to_owned())) };
        let changed = || Broken::Changed(id.to_owned());
        let mut bytes = URL_SAFE_NO_PAD.decode(code).map_err(|_| changed())?;
        if bytes.len() < HEAD_BYTES + TAG_BYTES {
            return Err(changed());
        }
        let (salt, number) = bytes[..HEAD_BYTES].split_at(SALT_BYTES);
        let salt = salt.try_into().expect("it was split there");
        let number = number.try_into().expect("it was split there");
        let mut aad = Vec::with_capacity(160);
        place.write(&mut aad);
        let cipher = self.run(key, salt);
        let opened = cipher.open_within(nonce(number), Aad::from(&aad), &mut bytes, HEAD_BYTES..);
        let length = opened.map_err(|_| changed())?.len();
        bytes.truncate(length);
        String::from_utf8(bytes).map_err(|_| changed())
    }

    fn run(&self, key: &Key, salt: [u8; SALT_BYTES]) -> Arc<LessSafeKey> {
        let id = (key.shared_id(), salt);
        if let Some(known) = self.runs.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return known.clone();
        }
        let derived = Arc::new(derive(key, &salt));
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        if runs.len() >= RUNS_KEPT {
            runs.clear();
        }
        runs.insert(id, derived.clone());
        derived
    }
}

impl Place<'_> {
    /// Each part behind its length, so that no two places are written alike.
    fn write(self, out: &mut Vec<u8>) {
        out.clear();
        let mut part = |bytes: &[u8]| {
            let length = u32::try_from(bytes.len()).expect("names and keys are short");
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(bytes);
        };
        match self {
            Self::Row { table, partition, key, column } => {
                [b"row", table.as_bytes(), partition.as_bytes(), key.as_bytes(), column.as_bytes()]
                    .into_iter()
                    .for_each(part);
            }
            Self::Entry { partition, seq, kind } => {
                part(b"entry");
                part(partition.as_bytes());
                part(&seq.to_be_bytes());
                part(kind.as_bytes());
            }
            Self::Check { id } => {
                part(b"check");
                part(id.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const PLACE: Place<'_> =
        Place::Row { table: "task", partition: "WS1", key: "WT1", column: "body" };

    fn key(id: &str, digit: char) -> Key {
        Key::parse(id, &digit.to_string().repeat(64)).unwrap()
    }

    fn opener(keys: &[Key]) -> Opener {
        Opener::new(Keys::new(keys.to_vec()).unwrap().unwrap())
    }

    #[test]
    fn what_is_sealed_opens_again_where_it_was_sealed_and_nowhere_else() {
        let (mut sealer, opener) = (Sealer::new(key("a", '1')), opener(&[key("a", '1')]));
        let other = Place::Row { table: "task", partition: "WS1", key: "WT2", column: "body" };
        let places = [
            PLACE,
            other,
            Place::Row { table: "task", partition: "WS1", key: "WT1", column: "data" },
            Place::Row { table: "tas", partition: "kWS1", key: "WT1", column: "body" },
            Place::Entry { partition: "WS1", seq: 1, kind: "a" },
            Place::Entry { partition: "WS1", seq: 2, kind: "a" },
            Place::Entry { partition: "WS1", seq: 1, kind: "b" },
            Place::Check { id: "a" },
        ];
        for text in ["", "x", "{\"name\":\"Zoë\"}", &"long ".repeat(10_000)] {
            for (at, sealed_at) in places.iter().enumerate() {
                let sealed = sealer.seal(*sealed_at, text);
                assert_eq!(key_of(&sealed), Some("a"));
                for (looked, place) in places.iter().enumerate() {
                    let opened = opener.open(*place, &sealed);
                    match looked == at {
                        true => assert_eq!(opened.as_deref(), Ok(text)),
                        false => assert_eq!(opened, Err(Broken::Changed("a".to_owned()))),
                    }
                }
            }
        }
    }

    #[test]
    fn a_changed_text_is_not_accepted() {
        let (mut sealer, opener) = (Sealer::new(key("a", '1')), opener(&[key("a", '1')]));
        let sealed = sealer.seal(PLACE, "{\"a\":1}");
        let head = MARK.len() + 2;
        for at in head..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(opener.open(PLACE, &changed).is_err(), "{changed}");
        }
        for short in head..sealed.len() {
            assert!(opener.open(PLACE, &sealed[..short]).is_err());
        }
        assert_eq!(opener.open(PLACE, "{}"), Err(Broken::Form));
        assert_eq!(opener.open(PLACE, "~1:a"), Err(Broken::Form));
        assert_eq!(opener.open(PLACE, "~1:z:AAAA"), Err(Broken::NoKey("z".to_owned())));
        let wrong = super::tests::opener(&[key("a", '2')]);
        assert_eq!(wrong.open(PLACE, &sealed), Err(Broken::Changed("a".to_owned())));
    }

    #[test]
    fn no_nonce_comes_twice_under_one_derived_key() {
        let mut seen = BTreeSet::new();
        for _ in 0..3 {
            let mut sealer = Sealer::new(key("a", '1'));
            for n in 0..2_000 {
                if n == 1_000 {
                    // As if it had enciphered four thousand million texts.
                    sealer.next = Some(u32::MAX - 1);
                }
                let sealed = sealer.seal(PLACE, "the same");
                let bytes = URL_SAFE_NO_PAD.decode(&sealed[MARK.len() + 2..]).unwrap();
                assert!(seen.insert(bytes[..HEAD_BYTES].to_vec()), "salt and number came twice");
            }
        }
        let salts: BTreeSet<&[u8]> = seen.iter().map(|head| &head[..SALT_BYTES]).collect();
        assert_eq!(salts.len(), 6, "each sealer draws a salt, and another when it has counted out");
    }

    #[test]
    fn more_derived_keys_than_are_remembered_are_derived_again() {
        let opener = opener(&[key("a", '1')]);
        let sealed: Vec<String> =
            (0..RUNS_KEPT + 10).map(|_| Sealer::new(key("a", '1')).seal(PLACE, "x")).collect();
        for text in sealed.iter().chain(&sealed) {
            assert_eq!(opener.open(PLACE, text).as_deref(), Ok("x"));
        }
        assert!(opener.runs.read().unwrap().len() <= RUNS_KEPT);
    }
}
