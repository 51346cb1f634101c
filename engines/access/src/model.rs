//! Accounts, keys, people and sessions: plain public fields, no methods that decide.
//!
//! These values are also the stored rows: a change of shape is a change of the stored format.
//!
//! * A secret never shows in `Debug`; a store needs it in clear because it signs with it.

use base::{Sid, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::ConstantTimeEq;

/// A text that no log and no answer may show by accident.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Each caller is a place to look at in a review.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares in a time that depends on the lengths alone.
    pub fn matches(&self, given: &str) -> bool {
        bool::from(self.0.as_bytes().ct_eq(given.as_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Owns everything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// `AC…`.
    pub sid: Sid,
    /// The password of Basic auth with the SID, and the key of webhook signatures.
    pub auth_token: Secret,
    /// Its name for people.
    pub friendly_name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What an API key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    /// Basic auth and signing of access tokens: a key handed to a person or program.
    Caller,
    /// Signing of access tokens only: the server's own key, known to nobody.
    Signing,
}

/// A name and a secret that act for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// `SK…`.
    pub sid: Sid,
    /// Whose it is.
    pub account: Sid,
    /// The password of Basic auth, and the key of access tokens.
    pub secret: Secret,
    /// What it may be used for.
    pub purpose: KeyUse,
    /// Its name for people.
    pub friendly_name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a person may do. Later ones may do all that earlier ones may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes tasks.
    Agent,
    /// Looks after agents.
    Supervisor,
    /// Looks after everything.
    Admin,
}

impl Role {
    /// The wire's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Admin => "admin",
        }
    }

    /// From the wire's word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Agent, Self::Supervisor, Self::Admin].into_iter().find(|r| r.as_str() == text)
    }
}

/// The worker a person works as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// `WS…`.
    pub workspace: Sid,
    /// `WK…`.
    pub worker: Sid,
}

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name typed at sign-in; unique in the account, case matters.
    pub username: String,
    /// Whose it is.
    pub account: Sid,
    /// Argon2id in PHC form. Made and checked outside.
    pub password_hash: Secret,
    /// What the person may do.
    pub role: Role,
    /// The worker the person works as.
    pub seat: Option<Seat>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a field last changed.
    pub updated_at: Timestamp,
    /// Access tokens of an earlier second of the real clock hold no longer: this is the second
    /// after password, role or worker last changed.
    #[serde(default)]
    pub tokens_from_s: i64,
}

/// A browser that signed in. Its times are the real clock's, never the manual one's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Hexadecimal SHA-256 of the cookie; the cookie itself is kept nowhere.
    pub token_hash: String,
    /// Whose it is.
    pub account: Sid,
    /// Who signed in.
    pub username: String,
    /// When that was.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}
