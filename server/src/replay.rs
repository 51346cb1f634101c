//! The subcommand `replay`: recorded traffic of a store against another workflow configuration.
//!
//! Reads only, also beside a server that is running.

use crate::{Config, ConfigError, Flags, ReadError, storage};
use clap::Args;
use host::{beginning::Beginning, tables::BEGINNING};
use replay::{Options, Origin, Report};
use routing::{WorkflowSid, WorkspaceSid};
use std::path::PathBuf;
use store::Store;

/// What `sinew replay` takes.
#[derive(Args, Clone, Debug)]
pub struct ReplayFlags {
    /// The data folder of a server, running or not, or the database file in it.
    #[arg(long)]
    pub from: PathBuf,
    /// The server's TOML file, for its encryption keys.
    #[arg(long, env = "SINEW_CONFIG", value_name = "FILE")]
    pub config: Option<String>,
    /// The workspace; may be left out where the store has only one.
    #[arg(long)]
    pub workspace: Option<WorkspaceSid>,
    /// A file with the other configuration (JSON, as the API takes it).
    #[arg(long)]
    pub workflow: PathBuf,
    /// The workflow that gets it; may be left out where the workspace has only one.
    #[arg(long)]
    pub workflow_sid: Option<WorkflowSid>,
    /// Decides which times are drawn for pairs that never met.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A wait up to this many seconds keeps the service level.
    #[arg(long, default_value_t = 20)]
    pub service_level: u32,
    /// Prints everything as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Why there is no replay.
#[derive(Debug, thiserror::Error)]
pub enum ReplayRefused {
    /// The file with the configuration cannot be read.
    #[error("--workflow {}: {cause}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The configuration is bad.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be opened.
    #[error("--from: {0}")]
    Store(#[from] ReadError),
    /// The store cannot be read.
    #[error("--from: {0}")]
    Read(#[from] store::StoreError),
    /// Not exactly one workspace, and none named.
    #[error("the store has {0} workspaces: name one with --workspace")]
    Several(usize),
    /// The workspace that was named is not there.
    #[error("--workspace: {0} is not in this store")]
    NoWorkspace(WorkspaceSid),
    /// The replay itself.
    #[error(transparent)]
    Replay(#[from] replay::ReplayError),
}

/// Replays and answers what is to be printed.
pub fn run(flags: &ReplayFlags) -> Result<String, ReplayRefused> {
    let configuration = std::fs::read_to_string(&flags.workflow)
        .map_err(|cause| ReplayRefused::File { file: flags.workflow.clone(), cause })?;
    let store = &*open(flags)?;
    let known = store.partitions()?;
    let mut all: Vec<WorkspaceSid> =
        known.iter().filter_map(|partition| partition.id.parse().ok()).collect();
    if let Some(wanted) = flags.workspace {
        all.retain(|one| *one == wanted);
        if all.is_empty() {
            return Err(ReplayRefused::NoWorkspace(wanted));
        }
    }
    let [workspace] = all.as_slice() else { return Err(ReplayRefused::Several(all.len())) };
    let options = Options {
        workspace: workspace.to_string(),
        workflow: flags.workflow_sid,
        configuration,
        seed: flags.seed,
        service_level_s: flags.service_level,
    };
    let Beginning { mark, rows } = Beginning::read(store, &options.workspace, |row| row)?;
    let origin = Origin { seq: mark.seq, at: mark.at, rows };
    let report: Report = replay::replay(store, &origin, &options)?;
    Ok(match flags.json {
        true => serde_json::to_string_pretty(&report).expect("figures are plain data"),
        false => report.to_string().trim_end().to_owned(),
    })
}

fn open(flags: &ReplayFlags) -> Result<Box<dyn Store>, ReplayRefused> {
    static TABLES: &[&store::Table] = &[&BEGINNING, &store_sealed::TABLE];
    let config = Flags { config: flags.config.clone(), ..Flags::default() };
    let keys = Config::load(&config.and_environment())?.encryption;
    Ok(storage::open_to_read(&flags.from, keys.as_ref(), TABLES)?)
}
