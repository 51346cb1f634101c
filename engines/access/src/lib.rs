//! Access decides who is calling and what they may do.
//!
//! * One value of [`Access`] holds all accounts: there are few, and each request asks it.
//! * State moves only by `apply`; `apply` never refuses, so replaying the changes rebuilds the
//!   state exactly.
//! * Secrets are compared in constant time and never shown; passwords come here as hashes only.
//! * Sessions and tokens live by the real clock even where domain time is moved by hand, so their
//!   `now` arrives as an argument and nothing here has a deadline.
//! * Nothing here reads a clock, a random source, a socket or a disk.

pub mod command;
pub mod model;
pub mod permit;
pub mod token;

mod handle;

pub use command::{Change, Command, Rejection, Reply};
pub use model::*;
pub use permit::{Permit, Principal, Reach, Who};

use base::{Sid, Timestamp, Turn};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

/// Sessions one person may have open; the oldest goes when one more is opened.
pub const SESSIONS_PER_USER_MAX: usize = 32;
/// People of one account; a bound that a list of them fits into memory many times over.
pub const USERS_PER_ACCOUNT_MAX: usize = 100_000;
/// Characters of a user name.
pub const USERNAME_CHARS_MAX: usize = 64;

/// All accounts with their keys, people and sessions. Clones share their entities.
#[derive(Clone, Debug, Default)]
pub struct Access {
    accounts: BTreeMap<Sid, Arc<Account>>,
    keys: BTreeMap<Sid, Arc<ApiKey>>,
    users: BTreeMap<(Sid, String), Arc<User>>,
    sessions: BTreeMap<String, Arc<Session>>,
    touched: BTreeSet<RowKey>,
}

/// An entity as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// An account.
    Account(Account),
    /// An API key.
    ApiKey(ApiKey),
    /// A person.
    User(User),
    /// A session.
    Session(Session),
}

/// Names a stored entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowKey {
    /// An account.
    Account(Sid),
    /// An API key.
    ApiKey(Sid),
    /// A person, by account and name.
    User(Sid, String),
    /// A session, by hash.
    Session(String),
}

impl RowKey {
    /// The text the row is kept under.
    pub fn text(&self) -> String {
        match self {
            Self::Account(sid) | Self::ApiKey(sid) => sid.to_string(),
            Self::User(account, username) => format!("{account}/{username}"),
            Self::Session(hash) => hash.clone(),
        }
    }
}

/// An entity a turn touched, as it is now.
#[derive(Clone, Copy, Debug)]
pub enum RowRef<'a> {
    /// An account.
    Account(&'a Account),
    /// An API key.
    ApiKey(&'a ApiKey),
    /// A person.
    User(&'a User),
    /// A session.
    Session(&'a Session),
    /// No longer there.
    Gone(&'a RowKey),
}

impl Access {
    /// Refuses before it records: a rejected command leaves no change behind.
    pub fn handle(
        &mut self,
        turn: &mut Turn<'_, Change, ()>,
        command: &Command,
    ) -> Result<Reply, Rejection> {
        handle::handle(self, turn, command)
    }

    /// Nothing here runs out by domain time; see [`Access::session`].
    pub fn expire(&mut self, _turn: &mut Turn<'_, Change, ()>) {}

    /// Never: sessions end by the real clock.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    /// Change → state: total and deterministic.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::AccountCreated(account) => {
                self.accounts.insert(account.sid, Arc::new(account.clone()));
                self.touched.insert(RowKey::Account(account.sid));
            }
            Change::ApiKeyCreated(key) => {
                self.keys.insert(key.sid, Arc::new(key.clone()));
                self.touched.insert(RowKey::ApiKey(key.sid));
            }
            Change::UserCreated(user) | Change::UserUpdated(user) => {
                let key = (user.account, user.username.clone());
                self.touched.insert(RowKey::User(user.account, user.username.clone()));
                self.users.insert(key, Arc::new(user.clone()));
            }
            Change::UserDeleted { account, username } => {
                self.users.remove(&(*account, username.clone()));
                self.touched.insert(RowKey::User(*account, username.clone()));
            }
            Change::SessionOpened(session) => {
                self.touched.insert(RowKey::Session(session.token_hash.clone()));
                self.sessions.insert(session.token_hash.clone(), Arc::new(session.clone()));
            }
            Change::SessionClosed { token_hash } => {
                self.sessions.remove(token_hash);
                self.touched.insert(RowKey::Session(token_hash.clone()));
            }
        }
    }

    /// The entities touched since the last call, as they are now, each once and in order.
    pub fn rows(&mut self, mut f: impl FnMut(RowRef<'_>)) {
        for key in std::mem::take(&mut self.touched) {
            let row = match &key {
                RowKey::Account(sid) => self.accounts.get(sid).map(|a| RowRef::Account(a)),
                RowKey::ApiKey(sid) => self.keys.get(sid).map(|k| RowRef::ApiKey(k)),
                RowKey::User(account, name) => {
                    self.users.get(&(*account, name.clone())).map(|u| RowRef::User(u))
                }
                RowKey::Session(hash) => self.sessions.get(hash).map(|s| RowRef::Session(s)),
            };
            f(row.unwrap_or(RowRef::Gone(&key)));
        }
    }

    /// The state that stored rows describe.
    pub fn restore(rows: impl IntoIterator<Item = Row>) -> Self {
        let mut access = Self::default();
        for row in rows {
            match row {
                Row::Account(account) => _ = access.accounts.insert(account.sid, account.into()),
                Row::ApiKey(key) => _ = access.keys.insert(key.sid, key.into()),
                Row::User(user) => {
                    access.users.insert((user.account, user.username.clone()), user.into());
                }
                Row::Session(session) => {
                    access.sessions.insert(session.token_hash.clone(), session.into());
                }
            }
        }
        access
    }

    /// Equal for equal states: running, restored and replayed must agree.
    pub fn digest(&self) -> String {
        fn fold<K, E: serde::Serialize>(out: &mut Sha256, rows: &BTreeMap<K, Arc<E>>) {
            for entity in rows.values() {
                out.update(serde_json::to_vec(entity).expect("entities are plain data"));
            }
            out.update([0]);
        }
        let mut out = Sha256::new();
        fold(&mut out, &self.accounts);
        fold(&mut out, &self.keys);
        fold(&mut out, &self.users);
        fold(&mut out, &self.sessions);
        hex(&out.finalize())
    }

    /// Panics if an invariant is broken.
    pub fn check(&self) {
        let known = |sid| assert!(self.accounts.contains_key(sid), "all belong to an account");
        self.keys.values().for_each(|key| known(&key.account));
        self.users.values().for_each(|user| known(&user.account));
        for session in self.sessions.values() {
            let owner = (session.account, session.username.clone());
            assert!(self.users.contains_key(&owner), "sessions go with their person");
        }
    }

    /// An account.
    pub fn account(&self, sid: Sid) -> Option<&Arc<Account>> {
        self.accounts.get(&sid)
    }

    /// All accounts, oldest SID first.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    /// An API key.
    pub fn key(&self, sid: Sid) -> Option<&Arc<ApiKey>> {
        self.keys.get(&sid)
    }

    /// The key the server signs an account's access tokens with.
    pub fn signing_key(&self, account: Sid) -> Option<&Arc<ApiKey>> {
        self.keys.values().find(|k| k.account == account && k.purpose == KeyUse::Signing)
    }

    /// A person.
    pub fn user(&self, account: Sid, username: &str) -> Option<&Arc<User>> {
        self.users.get(&(account, username.to_owned()))
    }

    /// The people of an account, by name.
    pub fn users(&self, account: Sid) -> impl Iterator<Item = &Arc<User>> {
        let people = self.users.range((account, String::new())..);
        people.take_while(move |((owner, _), _)| *owner == account).map(|(_, user)| user)
    }

    /// Everybody of that name, whatever the account: sign-in knows only the name.
    pub fn users_named<'a>(&'a self, username: &'a str) -> impl Iterator<Item = &'a Arc<User>> {
        self.accounts.keys().filter_map(move |account| self.user(*account, username))
    }

    /// An open session, by the real clock's `now`.
    pub fn session(&self, token_hash: &str, now: Timestamp) -> Option<&Arc<Session>> {
        self.sessions.get(token_hash).filter(|s| now < s.expires_at)
    }

    /// Who calls with this cookie.
    pub fn principal_of_session(&self, cookie: &str, now: Timestamp) -> Option<Principal> {
        let session = self.session(&hash_of_cookie(cookie), now)?;
        let user = self.user(session.account, &session.username)?;
        Some(Principal { account: user.account, who: Who::Person(user.clone()) })
    }

    /// Who calls with this name and password of Basic auth.
    pub fn basic(&self, name: &str, password: &str) -> Option<Principal> {
        let sid: Sid = name.parse().ok()?;
        match sid.kind() {
            "AC" => {
                let account = self.accounts.get(&sid)?;
                let proven = account.auth_token.matches(password);
                proven.then_some(Principal { account: sid, who: Who::Account })
            }
            "SK" => {
                let key = self.keys.get(&sid).filter(|k| k.purpose == KeyUse::Caller)?;
                let proven = key.secret.matches(password);
                proven.then(|| Principal { account: key.account, who: Who::Key(sid) })
            }
            _ => None,
        }
    }

    /// Sessions of one person, oldest first.
    fn sessions_of(&self, account: Sid, username: &str) -> Vec<&Arc<Session>> {
        let mine = |s: &&Arc<Session>| s.account == account && s.username == username;
        let mut sessions: Vec<_> = self.sessions.values().filter(mine).collect();
        sessions.sort_by(|a, b| (a.created_at, &a.token_hash).cmp(&(b.created_at, &b.token_hash)));
        sessions
    }

    /// The one door: outside replay, nothing else calls `apply`.
    fn record(&mut self, turn: &mut Turn<'_, Change, ()>, change: Change) {
        self.apply(&change);
        turn.changes.push(change);
    }
}

/// What a session is kept under: the cookie itself is kept nowhere.
pub fn hash_of_cookie(cookie: &str) -> String {
    hex(&Sha256::digest(cookie.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string succeeds");
        text
    })
}
