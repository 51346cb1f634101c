//! The subcommand `doctor`: what a store holds, under which keys, and whether it can be read.
//!
//! * Reads only, also beside a server that runs; only `--compact` writes, and needs the server
//!   stopped.
//! * Nothing that customers wrote is printed unless `--decrypt` asks for it, and credentials never.

use crate::{Config, ConfigError, Flags, ReadError, storage, storage::TABLES};
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    process::ExitCode,
};
use store::{PartitionId, Row, Scan, Store, StoreError, Table, Value};
use store_sealed::{Counts, Keys, SealError, State, Survey, survey};
use store_sqlite::{OpenError, SqliteStore};

/// What `sinew doctor` takes.
#[derive(Args, Clone, Debug)]
pub struct DoctorFlags {
    /// The data folder of a server, running or not [default: ./sinew-data].
    #[arg(long, env = "SINEW_DATA", value_name = "FOLDER")]
    pub data: Option<String>,
    /// The server's TOML file, for its data folder and encryption keys.
    #[arg(long, env = "SINEW_CONFIG", value_name = "FILE")]
    pub config: Option<String>,
    /// Prints what is stored, deciphered, as JSON objects; credentials are left out.
    #[arg(long)]
    pub decrypt: bool,
    /// With --decrypt: this table alone, or `journal`.
    #[arg(long, requires = "decrypt", value_name = "TABLE")]
    pub table: Option<String>,
    /// With --decrypt: this partition alone (a workspace's SID, `sync-0` to `sync-f`, …).
    #[arg(long, requires = "decrypt", value_name = "PARTITION")]
    pub partition: Option<String>,
    /// Writes the file anew, without what is left in it of what was removed; the server must be
    /// stopped.
    #[arg(long, conflicts_with = "decrypt")]
    pub compact: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DoctorRefused {
    /// The configuration is bad.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be opened.
    #[error("--data: {0}")]
    Open(#[from] OpenError),
    /// The store needs other keys.
    #[error(transparent)]
    Keys(#[from] ReadError),
    /// Its marks make no sense.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// A table that is not there, or that is not shown.
    #[error("--table: '{0}' is not a table whose rows are shown")]
    Table(String),
    /// What was found could not be told.
    #[error("the answer could not be written: {0}")]
    Out(#[from] io::Error),
}

/// What the doctor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Everything can be read.
    Well,
    /// Something needs a key that is not configured, or cannot be deciphered.
    Ill,
}

impl From<Health> for ExitCode {
    fn from(health: Health) -> Self {
        match health {
            Health::Well => Self::SUCCESS,
            Health::Ill => Self::FAILURE,
        }
    }
}

/// Tables of people and keys, and where their changes are.
const CREDENTIALS: [&str; 4] = ["account", "api_key", "user", "session"];
const JOURNAL: &str = "journal";
const PAGE: usize = 500;

/// Looks, and tells.
pub fn run(flags: &DoctorFlags, out: &mut dyn Write) -> Result<Health, DoctorRefused> {
    let DoctorFlags { data, config, .. } = flags.clone();
    let config = Config::load(&Flags { data, config, ..Flags::default() }.and_environment())?;
    let keys = config.encryption.as_ref();
    if flags.compact {
        return compact(&config, out);
    }
    if flags.decrypt {
        let store = storage::open_to_read(&config.data, keys, &TABLES)?;
        show(&*store, flags, out)?;
        return Ok(Health::Well);
    }
    let options = store_sqlite::Options::default();
    let store = SqliteStore::open_to_read(&config.data, &options, &TABLES)?;
    let found = Found {
        state: State::read(&store)?,
        survey: survey(&store, keys, &TABLES)?,
        keys: keys.cloned(),
        file: config.data.join(store_sqlite::FILE_NAME).display().to_string(),
    };
    found.write(out)?;
    Ok(found.health())
}

fn compact(config: &Config, out: &mut dyn Write) -> Result<Health, DoctorRefused> {
    let options = config.sqlite.clone();
    let store = SqliteStore::open(&config.data, options, &TABLES)?;
    store.compact()?;
    if store_sealed::forget_remains(&store)? {
        writeln!(out, "the file was written anew")?;
        return Ok(Health::Well);
    }
    writeln!(
        out,
        "the file was written anew; not everything in it is under the newest key, so start the \
         server and do it again once it is"
    )?;
    Ok(Health::Ill)
}

/// What was found.
struct Found {
    state: State,
    survey: Survey,
    keys: Option<Keys>,
    file: String,
}

impl Found {
    fn health(&self) -> Health {
        let total = self.survey.total();
        let is_missing = self.used().any(|id| !self.configured(id));
        match is_missing || !total.broken.is_empty() {
            true => Health::Ill,
            false => Health::Well,
        }
    }

    fn configured(&self, id: &str) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys.get(id).is_some())
    }

    fn used(&self) -> impl Iterator<Item = &str> {
        self.state.keys.iter().map(String::as_str)
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let total = self.survey.total();
        writeln!(out, "store {}, version {}", self.file, store_sqlite::VERSION)?;
        self.keys(out, &total)?;
        writeln!(out, "plain text: {} texts", total.plain)?;
        if self.state.has_plain {
            writeln!(out, "  the server enciphers them while it runs")?;
        }
        if self.state.has_remains {
            let is_done = !self.state.has_plain && self.state.keys.len() <= 1;
            let when = if is_done { "" } else { "once everything is under the newest key, " };
            writeln!(
                out,
                "free room of the file may hold texts of older keys or of none: \
                 {when}stop the server and run `sinew doctor --compact`"
            )?;
        }
        for (why, count) in &total.broken {
            writeln!(out, "CANNOT BE READ: {count} texts: {why}")?;
        }
        self.tables(out, &total)
    }

    fn keys(&self, out: &mut dyn Write, total: &Counts) -> io::Result<()> {
        let configured: Vec<&str> = self.keys.iter().flat_map(Keys::ids).collect();
        let found = total.by_key.keys().map(String::as_str);
        let others: BTreeSet<&str> =
            self.used().chain(found).filter(|id| !configured.contains(id)).collect();
        if configured.is_empty() && others.is_empty() {
            return writeln!(out, "encryption: no key is configured");
        }
        for (at, id) in configured.iter().enumerate() {
            let count = total.by_key.get(*id).copied().unwrap_or(0);
            let is_used = count > 0 || self.used().any(|used| used == *id);
            let what = match (at, is_used) {
                (0, _) => "enciphers what is written",
                (_, true) => "still in use",
                (_, false) => "no longer used: it can be taken out of the configuration",
            };
            writeln!(out, "key {id}: {what}; {count} texts")?;
        }
        for id in others {
            let count = total.by_key.get(id).copied().unwrap_or(0);
            writeln!(out, "key {id}: NEEDED AND NOT CONFIGURED; {count} texts")?;
        }
        Ok(())
    }

    fn tables(&self, out: &mut dyn Write, total: &Counts) -> io::Result<()> {
        let ids: Vec<&String> = total.by_key.keys().collect();
        write!(out, "\n{:<20} {:>12} {:>12}", "table", "rows", "plain")?;
        ids.iter().try_for_each(|id| write!(out, " {id:>12}"))?;
        writeln!(out)?;
        for (name, counts) in &self.survey.tables {
            write!(out, "{name:<20} {:>12} {:>12}", counts.rows, counts.plain)?;
            for id in &ids {
                write!(out, " {:>12}", counts.by_key.get(*id).copied().unwrap_or(0))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// A row, deciphered.
#[derive(Serialize)]
struct Shown<'a> {
    table: &'a str,
    partition: &'a str,
    key: &'a str,
    columns: BTreeMap<&'a str, Text>,
    body: Text,
}

/// A change, deciphered.
#[derive(Serialize)]
struct ShownChange<'a> {
    table: &'a str,
    partition: &'a str,
    seq: u64,
    at: String,
    kind: &'a str,
    body: Text,
}

/// JSON as it was kept, or what is none.
#[derive(Serialize)]
#[serde(untagged)]
enum Text {
    None,
    Number(i64),
    Json(Box<RawValue>),
    Plain(String),
}

impl Text {
    /// A column that is compared is a text, even where it looks like JSON.
    fn of(value: &Value, is_json: bool) -> Self {
        match value {
            Value::Null => Self::None,
            Value::Int(n) => Self::Number(*n),
            Value::Text(text) if is_json => Self::json(text),
            Value::Text(text) => Self::Plain(text.to_string()),
        }
    }

    fn json(text: &str) -> Self {
        let parsed = RawValue::from_string(text.to_owned());
        parsed.map_or_else(|_| Self::Plain(text.to_owned()), Self::Json)
    }
}

fn show(store: &dyn Store, flags: &DoctorFlags, out: &mut dyn Write) -> Result<(), DoctorRefused> {
    let asked = flags.table.as_deref();
    let is_shown = |table: &&'static Table| {
        !CREDENTIALS.contains(&table.name) && table.name != store_sealed::TABLE.name
    };
    let tables: Vec<&'static Table> = TABLES.iter().copied().filter(is_shown).collect();
    if let Some(asked) = asked
        && asked != JOURNAL
        && !tables.iter().any(|table| table.name == asked)
    {
        return Err(DoctorRefused::Table(asked.to_owned()));
    }
    let is_asked = |name: &str| asked.is_none_or(|asked| asked == name);
    let here = |id: &PartitionId| flags.partition.as_deref().is_none_or(|asked| asked == &**id);
    let all = store.partitions()?.into_iter().map(|partition| partition.id);
    for partition in all.filter(here) {
        for table in tables.iter().filter(|table| is_asked(table.name)) {
            show_rows(store, table, &partition, out)?;
        }
        if is_asked(JOURNAL) && &*partition != host::tables::ACCESS_PARTITION {
            show_journal(store, &partition, out)?;
        }
    }
    Ok(())
}

fn show_rows(
    store: &dyn Store,
    table: &'static Table,
    partition: &PartitionId,
    out: &mut dyn Write,
) -> Result<(), DoctorRefused> {
    let mut scan = Scan { limit: PAGE, ..Scan::of(table, partition.clone()) };
    loop {
        let rows = store.scan(&scan)?;
        let Some(last) = rows.last() else { return Ok(()) };
        scan.after = Some(scan.cursor(last));
        for Row { key, values, body, .. } in &rows {
            let columns = table.columns.iter().zip(values).map(|(column, value)| {
                (column.name, Text::of(value, column.kind == store::ColumnKind::Payload))
            });
            let columns = columns.collect();
            line(
                out,
                &Shown { table: table.name, partition, key, columns, body: Text::json(body) },
            )?;
        }
    }
}

fn show_journal(
    store: &dyn Store,
    partition: &PartitionId,
    out: &mut dyn Write,
) -> Result<(), DoctorRefused> {
    let mut after = 0;
    loop {
        let entries = store.journal(partition, after, PAGE)?;
        let Some(last) = entries.last() else { return Ok(()) };
        after = last.seq;
        for store::Entry { seq, at, kind, body } in &entries {
            let (table, at, body) = (JOURNAL, at.to_string(), Text::json(body));
            line(out, &ShownChange { table, partition, seq: *seq, at, kind, body })?;
        }
    }
}

fn line(out: &mut dyn Write, shown: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(shown).map_err(io::Error::other)?;
    writeln!(out, "{text}")
}
