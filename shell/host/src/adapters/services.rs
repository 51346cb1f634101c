//! The services of sync as the host sees them: one partition, wholly in memory.

use crate::{
    engine::{Engine, Loaded, Notice, Stop},
    outlets::Outlets,
    tables,
};
use base::{Timestamp, Turn};
use std::convert::Infallible;
use store::{
    Batch, Entry, PartitionId, RowContent, RowWrite, Store, StoreError, StoredChange, Table,
};
use sync::{
    Rejection,
    service::{Service, ServiceChange, ServiceCommand, ServiceReply, ServiceRow, Services},
};

impl Engine for Services {
    const KIND: &'static str = "sync_services";
    type Command = ServiceCommand;
    type Reply = ServiceReply;
    type Rejection = Rejection;
    type Question = Infallible;
    type Answer = Infallible;
    type Change = ServiceChange;
    type Event = ();

    const TABLES: &'static [&'static Table] = &[&tables::SYNC_SERVICE, &tables::SYNC_SERVICE_END];

    fn empty(_: &PartitionId) -> Self {
        Self::default()
    }

    fn restore(_: &PartitionId, loaded: &mut dyn Iterator<Item = Loaded>) -> Result<Self, String> {
        let (mut services, mut ending) = (Vec::new(), Vec::new());
        for Loaded { table, rows } in loaded {
            for row in rows {
                if std::ptr::eq(table, &tables::SYNC_SERVICE) {
                    let service = serde_json::from_str::<Service>(&row.body);
                    services.push(service.map_err(|error| format!("a service: {error}"))?);
                } else {
                    ending.push(row.key.parse().map_err(|_| "the end of a service".to_owned())?);
                }
            }
        }
        Ok(Self::restore(services, ending))
    }

    fn handle(
        &mut self,
        turn: &mut Turn<'_, ServiceChange, ()>,
        command: &ServiceCommand,
    ) -> Result<ServiceReply, Stop<Rejection>> {
        Self::handle(self, turn, command).map_err(Stop::Rejected)
    }

    fn expire(&mut self, _: &mut Turn<'_, ServiceChange, ()>) {}

    fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    fn ask(&self, question: &Infallible, _: Timestamp) -> Result<Infallible, Rejection> {
        match *question {}
    }

    fn rows(&mut self, rows: &mut Vec<RowWrite>) {
        Self::rows(self, |row| match row {
            ServiceRow::Service(service) => {
                let values = vec![
                    super::sid(service.account),
                    service.friendly_name.clone().into(),
                    service.created_at.into(),
                ];
                let content = Some(super::content(service, values));
                let key = service.sid.to_string().into();
                rows.push(RowWrite { table: &tables::SYNC_SERVICE, key, content });
            }
            ServiceRow::Ending(sid) => {
                let content = Some(RowContent { values: Vec::new(), body: "{}".to_owned() });
                let key: Box<str> = sid.to_string().into();
                let (table, end) = (&tables::SYNC_SERVICE, &tables::SYNC_SERVICE_END);
                rows.push(RowWrite { table, key: key.clone(), content: None });
                rows.push(RowWrite { table: end, key, content });
            }
            ServiceRow::Gone(sid) => {
                let (table, key) = (&tables::SYNC_SERVICE_END, sid.to_string().into());
                rows.push(RowWrite { table, key, content: None });
            }
        });
    }

    fn stored(change: &ServiceChange) -> StoredChange {
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

    fn ends(_: &ServiceCommand) -> bool {
        false
    }

    fn name(command: &ServiceCommand) -> &'static str {
        match command {
            ServiceCommand::Create { .. } => "CreateService",
            ServiceCommand::Update { .. } => "UpdateService",
            ServiceCommand::Delete { .. } => "DeleteService",
            ServiceCommand::Purged(_) => "ServicePurged",
        }
    }

    fn fingerprint(command: &ServiceCommand) -> u64 {
        super::hash(&format!("{command:?}"))
    }

    fn notices(&mut self, _: &PartitionId, _: &[ServiceChange], _: Vec<()>) -> Vec<Notice> {
        Vec::new()
    }

    fn observe(outlets: &Outlets, _: &Batch, changes: &[ServiceChange]) {
        if !changes.is_empty() {
            outlets.sync.services.apply(changes);
        }
    }

    fn reveal(&self, outlets: &Outlets, _: &dyn Store, _: &PartitionId) -> Result<(), StoreError> {
        outlets.sync.services.replace(self.clone());
        Ok(())
    }

    fn digest(&self) -> String {
        Self::digest(self)
    }

    fn check(&self) {}
}
