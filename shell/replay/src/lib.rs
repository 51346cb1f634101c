//! Recorded traffic led through a changed configuration, and what would have been otherwise.
//!
//! * The journal of a workspace is read, from what the workspace was when the journal begins; what
//!   people did in it is told apart from what the engine decided, and the engine decides anew.
//! * Workers react and handle as they were recorded. A pair of worker and task that never met gets
//!   the times of another meeting, drawn by seed; how many were drawn is told.
//! * With nothing changed the replay is the recording, change by change; that is checked each time.
//! * Nothing is written.

mod ledger;
mod recording;
mod report;
mod run;

pub use report::{Figures, Moved, Report, Row};

use base::Timestamp;
use ledger::Ledger;
use recording::Recording;
use routing::{Change, Rejection, StoredRow, TaskQueueSid, WorkflowSid, check_configuration};
use store::{Seq, Store, StoreError};

/// What is replayed, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The workspace's partition.
    pub workspace: String,
    /// The workflow that has another configuration; may be left out where there is only one.
    pub workflow: Option<WorkflowSid>,
    /// The configuration.
    pub configuration: String,
    /// Decides what is drawn.
    pub seed: u64,
    /// A wait up to this many seconds keeps the service level.
    pub service_level_s: u32,
}

/// What a workspace was when its journal begins: empty, if nothing of that was forgotten.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The number of the change before the first one; 0 for none.
    pub seq: Seq,
    /// When that was.
    pub at: Timestamp,
    /// The rows of the workspace.
    pub rows: Vec<StoredRow>,
}

/// Why there is no replay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing is recorded.
    #[error("the journal of {0} is empty")]
    Empty(String),
    /// What happened first is not known any more.
    #[error(
        "the journal begins at change {0}: what came before was forgotten, so no state leads there"
    )]
    Forgotten(Seq),
    /// A change makes no sense.
    #[error("change {0} cannot be read: {1}")]
    Unreadable(Seq, String),
    /// Several workflows, and none was named.
    #[error("there are {0} workflows: name one with --workflow-sid")]
    Several(usize),
    /// The workflow that was named, or any, is not recorded.
    #[error("there is no such workflow in the journal")]
    NoWorkflow,
    /// The configuration is not one.
    #[error("the configuration is refused: {0}")]
    Configuration(String),
}

/// One change and when it happened.
pub(crate) type Timed = (Timestamp, Change);

/// Replays a store's workspace.
pub fn replay(
    store: &dyn Store,
    origin: &Origin,
    options: &Options,
) -> Result<Report, ReplayError> {
    let journal = read(store, (&options.workspace, origin.seq))?;
    replay_changes(origin, &journal, options)
}

/// The same of changes that were read already, from the first one behind `origin` on.
pub fn replay_changes(
    origin: &Origin,
    journal: &[(Timestamp, Change)],
    options: &Options,
) -> Result<Report, ReplayError> {
    let workflow = workflow(origin, journal, options.workflow)?;
    let queues = queues(origin, journal);
    check_configuration(&options.configuration, &|sid| queues.contains(&sid))
        .map_err(|rejection| ReplayError::Configuration(in_words(&rejection)))?;
    let recording = Recording::of(origin, journal);
    let unchanged = run::run((&recording, origin), None, options.seed);
    let other = Some((workflow, options.configuration.as_str()));
    let changed = run::run((&recording, origin), other, options.seed);
    let first_difference = difference(journal, &unchanged.changes);
    let (before, after) = (Ledger::of(origin, journal), Ledger::of(origin, &changed.changes));
    let first_difference = first_difference.map(|at| origin.seq + at as Seq);
    let begins = (origin.seq + 1, first_difference);
    Ok(Report::new((&before, &after), changed.drawn, begins, options.service_level_s))
}

/// All changes of a workspace behind one of them.
pub fn read(
    store: &dyn Store,
    (workspace, after): (&str, Seq),
) -> Result<Vec<(Timestamp, Change)>, ReplayError> {
    /// Entries read at once.
    const AT_ONCE: usize = 5_000;
    let mut journal = Vec::new();
    let mut reached = after;
    loop {
        let entries = store.journal(workspace, reached, AT_ONCE)?;
        let Some(last) = entries.last().map(|entry| entry.seq) else { break };
        if entries[0].seq != reached + 1 {
            return Err(ReplayError::Forgotten(entries[0].seq));
        }
        reached = last;
        for entry in entries {
            let change = serde_json::from_str(&entry.body)
                .map_err(|error| ReplayError::Unreadable(entry.seq, error.to_string()))?;
            journal.push((entry.at, change));
        }
    }
    match journal.is_empty() {
        true => Err(ReplayError::Empty(workspace.to_owned())),
        false => Ok(journal),
    }
}

fn queues(origin: &Origin, journal: &[Timed]) -> Vec<TaskQueueSid> {
    let before = origin.rows.iter().filter_map(|row| match row {
        StoredRow::TaskQueue(queue) => Some(queue.sid),
        _ => None,
    });
    let made = journal.iter().filter_map(|(_, change)| match change {
        Change::TaskQueueCreated(queue) => Some(queue.sid),
        _ => None,
    });
    before.chain(made).collect()
}

fn workflow(
    origin: &Origin,
    journal: &[Timed],
    named: Option<WorkflowSid>,
) -> Result<WorkflowSid, ReplayError> {
    let before = origin.rows.iter().filter_map(|row| match row {
        StoredRow::Workflow(workflow) => Some(workflow.sid),
        _ => None,
    });
    let mut all: Vec<WorkflowSid> = before.collect();
    for (_, change) in journal {
        match change {
            Change::WorkflowCreated(workflow) => all.push(workflow.sid),
            Change::WorkflowDeleted(sid) if named.is_none() => all.retain(|one| one != sid),
            _ => {}
        }
    }
    match (named, all.as_slice()) {
        (Some(named), all) if all.contains(&named) => Ok(named),
        (None, [only]) => Ok(*only),
        (None, [_, _, ..]) => Err(ReplayError::Several(all.len())),
        _ => Err(ReplayError::NoWorkflow),
    }
}

/// The number of the first change that is not the recorded one.
fn difference(recorded: &[Timed], replayed: &[Timed]) -> Option<usize> {
    let texts = |journal: &[Timed], at: usize| {
        journal.get(at).map(|(at, change)| (*at, serde_json::to_string(change).unwrap_or_default()))
    };
    let longest = recorded.len().max(replayed.len());
    (0..longest).find(|at| texts(recorded, *at) != texts(replayed, *at)).map(|at| at + 1)
}

fn in_words(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Malformed { position: Some(at), .. } => {
            format!("{rejection} (line {}, column {})", at.line, at.column)
        }
        other => other.to_string(),
    }
}
