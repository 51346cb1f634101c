//! The rows of accounts and everybody who signs in. All in the partition `access`.

use super::{Record, fixed, int, text};
use store::Table;

/// Accounts, by SID.
pub static ACCOUNT: Table = Table {
    name: "account",
    columns: &[text("friendly_name"), fixed(int("created_at"))],
    indexes: &[],
    live: None,
};

/// API keys, by SID.
pub static API_KEY: Table = Table {
    name: "api_key",
    columns: &[fixed(text("account")), text("friendly_name"), fixed(int("created_at"))],
    indexes: &[],
    live: None,
};

/// Users, by `account/username`.
pub static USER: Table = Table {
    name: "user",
    columns: &[
        fixed(text("account")),
        fixed(text("username")),
        text("role"),
        text("worker"),
        fixed(int("created_at")),
    ],
    indexes: &[],
    live: None,
};

/// Sessions, by the hash of their cookie.
pub static SESSION: Table = Table {
    name: "session",
    columns: &[fixed(text("account")), fixed(text("username")), int("expires_at")],
    indexes: &[],
    live: None,
};

impl Record for access::Account {
    const TABLE: &'static Table = &ACCOUNT;
}

impl Record for access::ApiKey {
    const TABLE: &'static Table = &API_KEY;
}

impl Record for access::User {
    const TABLE: &'static Table = &USER;
}

impl Record for access::Session {
    const TABLE: &'static Table = &SESSION;
}
