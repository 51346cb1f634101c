//! What the edge asks for, what comes of it, and why the answer can be no.

use crate::model::*;
use base::{Patch, Sid, Timestamp};
use serde::{Deserialize, Serialize};

/// Imperative; parsed and authorised before it comes here. Secrets are drawn and hashed outside.
#[derive(Clone, Debug)]
pub enum Command {
    /// Adds an account.
    CreateAccount {
        /// `AC…`, chosen outside.
        sid: Sid,
        /// See [`Account::auth_token`].
        auth_token: Secret,
        /// Its name for people.
        friendly_name: String,
    },
    /// Adds an API key to an account.
    CreateApiKey {
        /// `SK…`, chosen outside.
        sid: Sid,
        /// Whose it is.
        account: Sid,
        /// See [`ApiKey::secret`].
        secret: Secret,
        /// See [`ApiKey::purpose`].
        purpose: KeyUse,
        /// Its name for people.
        friendly_name: String,
    },
    /// Adds a person.
    CreateUser {
        /// Whose it is.
        account: Sid,
        /// The name typed at sign-in.
        username: String,
        /// See [`User::password_hash`].
        password_hash: Secret,
        /// What the person may do.
        role: Role,
        /// The worker the person works as.
        seat: Option<Seat>,
        /// The real time.
        now: Timestamp,
    },
    /// Changes a person. A new password or role ends the person's sessions, and any change the
    /// access tokens.
    UpdateUser {
        /// Whose it is.
        account: Sid,
        /// Who.
        username: String,
        /// A new password's hash.
        password_hash: Option<Secret>,
        /// A new role.
        role: Option<Role>,
        /// Another worker, or none.
        seat: Patch<Seat>,
        /// The real time.
        now: Timestamp,
    },
    /// Removes a person and all sessions.
    DeleteUser {
        /// Whose it is.
        account: Sid,
        /// Who.
        username: String,
    },
    /// Remembers a browser whose person proved the password. Sessions past their end go at the
    /// same time, by the real clock's `now`.
    OpenSession {
        /// Whose it is.
        account: Sid,
        /// Who signed in.
        username: String,
        /// The hash of the password that was proved: one changed meanwhile opens nothing.
        password_hash: Secret,
        /// See [`Session::token_hash`].
        token_hash: String,
        /// The real time.
        now: Timestamp,
        /// When the session ends by itself.
        expires_at: Timestamp,
    },
    /// Forgets a browser; one that is forgotten already is fine.
    CloseSession {
        /// See [`Session::token_hash`].
        token_hash: String,
    },
}

/// The entity as the command left it.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Nothing left to show.
    Done,
    /// The account.
    Account(Account),
    /// The API key.
    ApiKey(ApiKey),
    /// The person.
    User(User),
    /// The session.
    Session(Session),
}

/// What happened: stored and replayed. The only way the state moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// An account is there.
    AccountCreated(Account),
    /// An API key is there.
    ApiKeyCreated(ApiKey),
    /// A person is there.
    UserCreated(User),
    /// A person is as given here.
    UserUpdated(User),
    /// A person is gone, and so are the sessions.
    UserDeleted {
        /// Whose it was.
        account: Sid,
        /// Who.
        username: String,
    },
    /// A browser is known.
    SessionOpened(Session),
    /// A browser is forgotten.
    SessionClosed {
        /// See [`Session::token_hash`].
        token_hash: String,
    },
}

impl Change {
    /// The variant's name, for people who look into the journal.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AccountCreated(_) => "AccountCreated",
            Self::ApiKeyCreated(_) => "ApiKeyCreated",
            Self::UserCreated(_) => "UserCreated",
            Self::UserUpdated(_) => "UserUpdated",
            Self::UserDeleted { .. } => "UserDeleted",
            Self::SessionOpened(_) => "SessionOpened",
            Self::SessionClosed { .. } => "SessionClosed",
        }
    }
}

/// States of the world in which a command changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No such account.
    #[error("There is no account {0}")]
    UnknownAccount(Sid),
    /// No such person.
    #[error("There is no user '{0}'")]
    UnknownUser(String),
    /// The account is there already.
    #[error("The account {0} already exists")]
    AccountTaken(Sid),
    /// The key is there already.
    #[error("The API key {0} already exists")]
    KeyTaken(Sid),
    /// The name belongs to somebody else.
    #[error("The user '{0}' already exists")]
    NameTaken(String),
    /// The name is empty, too long, or has characters that do not fit a path.
    #[error("username: {0}")]
    BadName(&'static str),
    /// A bound of this engine.
    #[error("{0}")]
    TooMany(&'static str),
    /// The last admin cannot be removed or demoted.
    #[error("'{0}' is the account's last admin")]
    LastAdmin(String),
    /// The password changed while the person signed in.
    #[error("The password was changed meanwhile; sign in again")]
    PasswordChanged,
}
