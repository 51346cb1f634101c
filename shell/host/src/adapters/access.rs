//! The `access` engine as the host sees it.

use crate::{
    engine::{Engine, Loaded, Notice, Stop},
    outlets::Outlets,
    tables,
};
use access::{
    Access, Account, ApiKey, Change, Command, Rejection, Reply, Row, RowRef, Session, User,
};
use base::{Timestamp, Turn};
use std::convert::Infallible;
use store::{
    Batch, Entry, PartitionId, RowContent, RowWrite, Store, StoreError, StoredChange, Table, Value,
};

impl Engine for Access {
    const KIND: &'static str = "access";
    type Command = Command;
    type Reply = Reply;
    type Rejection = Rejection;
    type Question = Infallible;
    type Answer = Infallible;
    type Change = Change;
    type Event = ();

    const TABLES: &'static [&'static Table] =
        &[&tables::ACCOUNT, &tables::API_KEY, &tables::USER, &tables::SESSION];

    fn empty(_: &PartitionId) -> Self {
        Self::default()
    }

    fn restore(_: &PartitionId, loaded: &mut dyn Iterator<Item = Loaded>) -> Result<Self, String> {
        let mut rows = Vec::new();
        for Loaded { table, rows: stored } in loaded {
            for row in stored {
                let parsed = if std::ptr::eq(table, &tables::ACCOUNT) {
                    serde_json::from_str(&row.body).map(Row::Account)
                } else if std::ptr::eq(table, &tables::API_KEY) {
                    serde_json::from_str(&row.body).map(Row::ApiKey)
                } else if std::ptr::eq(table, &tables::USER) {
                    serde_json::from_str(&row.body).map(Row::User)
                } else {
                    serde_json::from_str(&row.body).map(Row::Session)
                };
                // The error tells a place, never a value.
                rows.push(parsed.map_err(|error| format!("table {}: {error}", table.name))?);
            }
        }
        Ok(Self::restore(rows))
    }

    fn handle(
        &mut self,
        turn: &mut Turn<'_, Change, ()>,
        command: &Command,
    ) -> Result<Reply, Stop<Rejection>> {
        Self::handle(self, turn, command).map_err(Stop::Rejected)
    }

    fn expire(&mut self, turn: &mut Turn<'_, Change, ()>) {
        Self::expire(self, turn);
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        Self::next_deadline(self)
    }

    fn ask(&self, question: &Infallible, _: Timestamp) -> Result<Infallible, Rejection> {
        match *question {}
    }

    fn rows(&mut self, rows: &mut Vec<RowWrite>) {
        Self::rows(self, |row| rows.push(write(row)));
    }

    fn stored(change: &Change) -> StoredChange {
        super::stored(change.kind(), change)
    }

    fn replay(&mut self, entry: &Entry) -> Result<(), String> {
        self.apply(&super::change(entry)?);
        Self::rows(self, |_| {});
        Ok(())
    }

    fn is_over(&self) -> bool {
        false
    }

    fn ends(_: &Command) -> bool {
        false
    }

    fn name(command: &Command) -> &'static str {
        match command {
            Command::CreateAccount { .. } => "CreateAccount",
            Command::CreateApiKey { .. } => "CreateApiKey",
            Command::CreateUser { .. } => "CreateUser",
            Command::UpdateUser { .. } => "UpdateUser",
            Command::DeleteUser { .. } => "DeleteUser",
            Command::OpenSession { .. } => "OpenSession",
            Command::CloseSession { .. } => "CloseSession",
        }
    }

    fn fingerprint(command: &Command) -> u64 {
        super::hash(&format!("{command:?}"))
    }

    fn notices(&mut self, _: &PartitionId, _: &[Change], _: Vec<()>) -> Vec<Notice> {
        Vec::new()
    }

    fn observe(outlets: &Outlets, _: &Batch, changes: &[Change]) {
        outlets.directory.apply(changes);
    }

    fn reveal(&self, outlets: &Outlets, _: &dyn Store, _: &PartitionId) -> Result<(), StoreError> {
        outlets.directory.replace(self.clone());
        Ok(())
    }

    fn digest(&self) -> String {
        Self::digest(self)
    }

    fn check(&self) {
        Self::check(self);
    }
}

fn write(row: RowRef<'_>) -> RowWrite {
    let (table, key, content): (&'static Table, String, _) = match row {
        RowRef::Account(row) => (&tables::ACCOUNT, row.sid.to_string(), Some(account(row))),
        RowRef::ApiKey(row) => (&tables::API_KEY, row.sid.to_string(), Some(api_key(row))),
        RowRef::User(row) => {
            (&tables::USER, format!("{}/{}", row.account, row.username), Some(user(row)))
        }
        RowRef::Session(row) => (&tables::SESSION, row.token_hash.clone(), Some(session(row))),
        RowRef::Gone(key) => {
            let table = match key {
                access::RowKey::Account(_) => &tables::ACCOUNT,
                access::RowKey::ApiKey(_) => &tables::API_KEY,
                access::RowKey::User(..) => &tables::USER,
                access::RowKey::Session(_) => &tables::SESSION,
            };
            (table, key.text(), None)
        }
    };
    RowWrite { table, key: key.into(), content }
}

fn account(row: &Account) -> RowContent {
    super::content(row, vec![row.friendly_name.as_str().into(), row.created_at.into()])
}

fn api_key(row: &ApiKey) -> RowContent {
    let name = row.friendly_name.as_str();
    super::content(row, vec![super::sid(row.account), name.into(), row.created_at.into()])
}

fn user(row: &User) -> RowContent {
    let values = vec![
        super::sid(row.account),
        row.username.as_str().into(),
        row.role.as_str().into(),
        row.seat.map_or(Value::Null, |seat| super::sid(seat.worker)),
        row.created_at.into(),
    ];
    super::content(row, values)
}

fn session(row: &Session) -> RowContent {
    let name = row.username.as_str();
    super::content(row, vec![super::sid(row.account), name.into(), row.expires_at.into()])
}
