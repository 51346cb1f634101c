//! What callers were told is there, at least as new as they were told.

use host::tables;
use routing::{Command, Reply, WorkspaceSid};
use std::collections::{BTreeMap, BTreeSet};
use store::{MemoryStore, Store, Table};

/// Everything that was acknowledged since the beginning.
#[derive(Default)]
pub(super) struct Ledger {
    entries: BTreeMap<(WorkspaceSid, &'static str, String), Entry>,
    /// What somebody asked to remove; whether it happened need not be known.
    doomed: BTreeSet<String>,
}

struct Entry {
    table: &'static Table,
    mark: Mark,
    /// It may go when one of these goes.
    with: Vec<String>,
}

/// How new an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Version(u64),
    UpdatedAt(i64),
}

impl Ledger {
    /// Puts a reply down; what is wrong with it at this moment, if anything.
    pub(super) fn acknowledge(
        &mut self,
        memory: &MemoryStore,
        workspace: WorkspaceSid,
        reply: &Reply,
    ) -> Option<String> {
        let mut wrong = None;
        for (table, key, mark, with) in entities(reply) {
            let entry = Entry { table, mark, with };
            wrong = wrong.or_else(|| self.look(memory, workspace, &key, &entry));
            let known = self.entries.entry((workspace, table.name, key));
            let known = known.or_insert(Entry { table, mark, with: entry.with });
            if mark.is_newer_than(known.mark) {
                known.mark = mark;
            }
        }
        wrong
    }

    pub(super) fn doom(&mut self, workspace: WorkspaceSid, command: &Command) {
        self.doomed.extend(removal(workspace, command).map(|(_, key)| key));
        if let Command::DeleteSchedule { name, .. } = command {
            self.doomed.insert(name.clone());
        }
    }

    /// The row is gone when its removal is acknowledged.
    pub(super) fn removed(
        &self,
        memory: &MemoryStore,
        workspace: WorkspaceSid,
        command: &Command,
    ) -> Option<String> {
        let (table, key) = removal(workspace, command)?;
        let row = memory.row(table, &workspace.to_string(), &key).expect("memory can be read");
        row.map(|_| format!("{key} is still in table {}", table.name))
    }

    pub(super) fn look_through(&self, memory: &MemoryStore) -> Option<String> {
        let mut entries = self.entries.iter();
        entries.find_map(|((workspace, _, key), entry)| self.look(memory, *workspace, key, entry))
    }

    fn look(
        &self,
        memory: &MemoryStore,
        workspace: WorkspaceSid,
        key: &str,
        entry: &Entry,
    ) -> Option<String> {
        let partition = workspace.to_string();
        let row = memory.row(entry.table, &partition, key).expect("memory can be read");
        let Some(row) = row else {
            let mut reasons = entry.with.iter().map(String::as_str).chain([key, &partition]);
            let may_be_gone = reasons.any(|reason| self.doomed.contains(reason));
            return (!may_be_gone).then(|| format!("{key} is not in table {}", entry.table.name));
        };
        let body: serde_json::Value = serde_json::from_str(&row.body).expect("rows are JSON");
        let found = match entry.mark {
            Mark::Version(_) => Mark::Version(body["version"].as_u64().unwrap_or(0)),
            Mark::UpdatedAt(_) => Mark::UpdatedAt(body["updated_at"].as_i64().unwrap_or(0)),
        };
        let is_older = entry.mark.is_newer_than(found);
        is_older.then(|| format!("{key} is at {found:?}, acknowledged {:?}", entry.mark))
    }
}

impl Mark {
    fn is_newer_than(self, other: Self) -> bool {
        match (self, other) {
            (Self::Version(one), Self::Version(two)) => one > two,
            (Self::UpdatedAt(one), Self::UpdatedAt(two)) => one > two,
            (Self::Version(_), Self::UpdatedAt(_)) | (Self::UpdatedAt(_), Self::Version(_)) => true,
        }
    }
}

type Told = (&'static Table, String, Mark, Vec<String>);

fn entities(reply: &Reply) -> Vec<Told> {
    let alone = |table: &'static Table, sid: String, updated_at: base::Timestamp| {
        vec![(table, sid, Mark::UpdatedAt(updated_at.0), Vec::new())]
    };
    match reply {
        Reply::Done | Reply::WorkerChannel(_) | Reply::Callback(_) => Vec::new(),
        Reply::Capacity(row, _) if row.version == 0 => Vec::new(),
        Reply::Workspace(row) => alone(&tables::WORKSPACE, row.sid.to_string(), row.updated_at),
        Reply::Activity(row) => alone(&tables::ACTIVITY, row.sid.to_string(), row.updated_at),
        Reply::TaskChannel(row) => {
            alone(&tables::TASK_CHANNEL, row.sid.to_string(), row.updated_at)
        }
        Reply::Capacity(row, _) => {
            let mark = Mark::Version(row.version);
            vec![(&tables::CAPACITY, row.workspace.to_string(), mark, Vec::new())]
        }
        Reply::Schedule(view) => {
            let row = &view.schedule;
            let mark = Mark::Version(row.version);
            vec![(&tables::SCHEDULE, row.sid.to_string(), mark, vec![row.name.clone()])]
        }
        Reply::Ordering(row) if row.version == 0 => Vec::new(),
        Reply::Ordering(row) => {
            let mark = Mark::Version(row.version);
            vec![(&tables::QUEUE_ORDERING, row.queue.to_string(), mark, Vec::new())]
        }
        Reply::TaskQueue(row) => alone(&tables::TASK_QUEUE, row.sid.to_string(), row.updated_at),
        Reply::Workflow(row) => alone(&tables::WORKFLOW, row.sid.to_string(), row.updated_at),
        Reply::Worker(row) => {
            vec![(&tables::WORKER, row.sid.to_string(), Mark::Version(row.version), Vec::new())]
        }
        Reply::Task(row) => vec![task(row)],
        Reply::Reservation(row, of, _) => {
            let (sid, mark) = (row.sid.to_string(), Mark::Version(row.version));
            let with = vec![row.task.to_string(), row.worker.to_string()];
            vec![task(of), (&tables::RESERVATION, sid, mark, with)]
        }
        Reply::Transfer(row) => {
            let mark = Mark::UpdatedAt(row.updated_at.0);
            vec![(&tables::TRANSFER, row.sid.to_string(), mark, vec![row.task.to_string()])]
        }
    }
}

fn task(row: &routing::Task) -> Told {
    (&tables::TASK, row.sid.to_string(), Mark::Version(row.version), Vec::new())
}

fn removal(workspace: WorkspaceSid, command: &Command) -> Option<(&'static Table, String)> {
    Some(match command {
        Command::DeleteWorkspace => (&tables::WORKSPACE, workspace.to_string()),
        Command::DeleteActivity(sid) => (&tables::ACTIVITY, sid.to_string()),
        Command::DeleteTaskQueue(sid) => (&tables::TASK_QUEUE, sid.to_string()),
        Command::DeleteWorkflow(sid) => (&tables::WORKFLOW, sid.to_string()),
        Command::DeleteWorker { sid, .. } => (&tables::WORKER, sid.to_string()),
        Command::DeleteTask { sid, .. } => (&tables::TASK, sid.to_string()),
        Command::DeleteTaskChannel(routing::command::ChannelRef::Sid(sid)) => {
            (&tables::TASK_CHANNEL, sid.to_string())
        }
        _ => return None,
    })
}
