//! What the operator chose: flags over environment over file over defaults.
//!
//! * Everything is parsed and checked once, here; the rest of the program gets typed values.
//! * What is not built yet is refused, not ignored.

use access::Secret;
use api::{Disposition, Limits, Site};
use base::Millis;
use clap::{Args, ValueEnum};
use encryption::ENCRYPTION_KEYS;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use store_sealed::Keys;

mod encryption;

/// Bad configuration, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Options of `sinew serve`. Each may also come from the environment, or from the file.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// Address for HTTP and WebSocket; port 0 picks a free one [default: 127.0.0.1:8080].
    #[arg(long, env = "SINEW_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Base of absolute links and of webhook signatures [default: http:// and the address].
    #[arg(long, env = "SINEW_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// PEM file with the certificate chain; HTTPS and wss on the same port.
    #[arg(long, env = "SINEW_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// PEM file with the certificate's key.
    #[arg(long, env = "SINEW_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Folder of the embedded store [default: ./sinew-data].
    #[arg(long, env = "SINEW_DATA", value_name = "FOLDER")]
    pub data: Option<String>,
    /// `sqlite`, the embedded store, or `memory`: nothing outlives the process [default: sqlite].
    #[arg(long, env = "SINEW_STORE", value_name = "STORE")]
    pub store: Option<String>,
    /// `local`, within this process [default: local].
    #[arg(long, env = "SINEW_BUS", value_name = "BUS")]
    pub bus: Option<String>,
    /// `system` or `manual`: time that only tests move [default: system].
    #[arg(long, env = "SINEW_CLOCK", value_name = "CLOCK")]
    pub clock: Option<String>,
    /// Filter of the log on stderr, e.g. `info,access=debug` [default: info].
    #[arg(long, env = "SINEW_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// `text` or `json` [default: text].
    #[arg(long, env = "SINEW_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// `none`, or `compat`: the incumbent's documented rates and counts [default: none].
    #[arg(long, env = "SINEW_LIMITS", value_name = "LIMITS")]
    pub limits: Option<String>,
    /// Comma list of CIDRs that callbacks may reach although private, e.g. `127.0.0.0/8`.
    #[arg(long, env = "SINEW_ALLOW_PRIVATE_CALLBACKS", value_name = "CIDRS")]
    pub allow_private_callbacks: Option<String>,
    /// PEM file with certificate authorities that callbacks trust beside the machine's.
    #[arg(long, env = "SINEW_CALLBACK_CA", value_name = "FILE")]
    pub callback_ca: Option<String>,
    /// Switches the visitors' page on, at /chat/demo.
    #[arg(long, env = "SINEW_DEMO")]
    pub demo: bool,
    /// A TOML file with the same keys and finer ones; see `sinew config --print-defaults`.
    #[arg(long, env = "SINEW_CONFIG", value_name = "FILE")]
    pub config: Option<String>,
    /// `SINEW_ENCRYPTION_KEYS`: a command line is for everybody to read.
    #[arg(skip)]
    pub encryption_keys: Option<Secret>,
}

impl Flags {
    /// With what comes from the environment alone.
    pub fn and_environment(self) -> Self {
        let keys = std::env::var(ENCRYPTION_KEYS).ok().filter(|keys| !keys.is_empty());
        Self { encryption_keys: keys.map(Secret::new), ..self }
    }
}

/// The file. Every key may be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    listen: Option<String>,
    public_url: Option<String>,
    tls_cert: Option<String>,
    tls_key: Option<String>,
    data: Option<String>,
    store: Option<String>,
    bus: Option<String>,
    clock: Option<String>,
    log: Option<String>,
    log_format: Option<String>,
    limits: Option<String>,
    allow_private_callbacks: Option<String>,
    callback_ca: Option<String>,
    desk: Desk,
    demo: Demo,
    encryption: encryption::Section,
    retention: Kept,
    sqlite: Sqlite,
    sync: Sync,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Desk {
    dispositions: Vec<Disposition>,
}

impl Default for Desk {
    fn default() -> Self {
        Self { dispositions: Disposition::defaults() }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Demo {
    enabled: bool,
    workspace: Option<routing::WorkspaceSid>,
    workflow: Option<routing::WorkflowSid>,
    topics: Option<Vec<live::Topic>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kept {
    history_days: Option<u32>,
    journal_days: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sync {
    payload_max: Option<usize>,
    events_kept: Option<u64>,
    events_hours: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sqlite {
    page_limit: Option<u32>,
    read_limit_ms: Option<u64>,
    readers_kept: Option<usize>,
}

/// Which time domains live in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
pub enum Clock {
    /// The machine's.
    #[default]
    System,
    /// Moved by tests alone.
    Manual,
}

/// Where everything is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreKind {
    /// The embedded store in the data folder: an answer waits for a synced commit.
    #[default]
    Sqlite,
    /// This process: quick, and gone when it ends.
    Memory,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM, the server's own certificate first.
    pub cert: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// Everything, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the server is reached from outside; `None` follows from `listen`.
    pub public: Option<Site>,
    /// Present for HTTPS.
    pub tls: Option<TlsFiles>,
    /// The data folder.
    pub data: PathBuf,
    /// What keeps tasks, settings and everything else.
    pub store: StoreKind,
    /// How the embedded store is opened.
    pub sqlite: store_sqlite::Options,
    /// The keys for what it keeps; `None` for plain text.
    pub encryption: Option<Keys>,
    /// Which time domains live in.
    pub clock: Clock,
    /// `tracing` filter.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Whose rates hold.
    pub limits: Limits,
    /// Private networks that callbacks may reach.
    pub allow_private_callbacks: Vec<IpNet>,
    /// PEM, authorities that callbacks trust beside the machine's.
    pub callback_ca: Option<PathBuf>,
    /// How agents may say a task ended.
    pub dispositions: Vec<Disposition>,
    /// The visitors' page, if it is switched on.
    pub demo: Option<live::Demo>,
    /// How long history is kept.
    pub retention: host::Retention,
    /// What sync allows.
    pub sync: host::SyncOptions,
}

impl Config {
    /// A server on a free port of this machine, with its data in `folder` and nothing else chosen.
    pub fn in_folder(folder: &Path) -> Self {
        let flags = Flags {
            listen: Some("127.0.0.1:0".to_owned()),
            data: Some(folder.display().to_string()),
            ..Flags::default()
        };
        Self::load(&flags).expect("defaults are good")
    }

    /// Reads the file if one is named, and checks everything.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let file = match given(&flags.config) {
            Some(path) => File::read(&path)?,
            None => File::default(),
        };
        let pick = |flag: &Option<String>, file: &Option<String>| given(flag).or(given(file));
        let or = |picked: Option<String>, default: &str| picked.unwrap_or(default.to_owned());
        let store = built("store", pick(&flags.store, &file.store), STORES)?;
        built("bus", pick(&flags.bus, &file.bus), BUSES)?;
        let log = or(pick(&flags.log, &file.log), "info");
        crate::logging::filter(&log)?;
        let encryption = encryption::keys(flags.encryption_keys.as_ref(), &file.encryption)?;
        let cidrs = pick(&flags.allow_private_callbacks, &file.allow_private_callbacks);
        Ok(Self {
            listen: listen(&or(pick(&flags.listen, &file.listen), "127.0.0.1:8080"))?,
            public: pick(&flags.public_url, &file.public_url).map(public).transpose()?,
            tls: tls(pick(&flags.tls_cert, &file.tls_cert), pick(&flags.tls_key, &file.tls_key))?,
            data: PathBuf::from(or(pick(&flags.data, &file.data), "./sinew-data")),
            store,
            sqlite: sqlite(file.sqlite),
            encryption,
            clock: word("clock", pick(&flags.clock, &file.clock), CLOCKS)?,
            log,
            log_format: word("log-format", pick(&flags.log_format, &file.log_format), FORMATS)?,
            limits: word("limits", pick(&flags.limits, &file.limits), LIMITS)?,
            allow_private_callbacks: networks(&cidrs.unwrap_or_default())?,
            callback_ca: pick(&flags.callback_ca, &file.callback_ca).map(PathBuf::from),
            dispositions: dispositions(file.desk.dispositions)?,
            demo: (flags.demo || file.demo.enabled).then(|| demo(file.demo)),
            retention: retention(file.retention, file.sync)?,
            sync: sync(file.sync)?,
        })
    }
}

const STORES: &[(&str, StoreKind)] =
    &[("sqlite", StoreKind::Sqlite), ("memory", StoreKind::Memory)];
const BUSES: &[(&str, ())] = &[("local", ())];
const CLOCKS: &[(&str, Clock)] = &[("system", Clock::System), ("manual", Clock::Manual)];
const FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];
const LIMITS: &[(&str, Limits)] = &[("none", Limits::None), ("compat", Limits::Compat)];

impl File {
    fn read(path: &str) -> Result<Self, ConfigError> {
        let refused = |why: String| ConfigError(format!("config file {path}: {why}"));
        let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        toml::from_str(&text).map_err(|error| {
            let before = &text[..error.span().map_or(0, |span| span.start)];
            let line = before.matches('\n').count() + 1;
            refused(format!("line {line}: {}", error.message().replace('\n', " ")))
        })
    }
}

/// An empty variable is an unset one.
fn given(value: &Option<String>) -> Option<String> {
    value.clone().filter(|text| !text.is_empty())
}

/// A word that is built; what comes later is told apart from what nobody knows.
fn built<T: Copy + Default>(
    option: &str,
    value: Option<String>,
    known: &[(&str, T)],
) -> Result<T, ConfigError> {
    let Some(value) = value else { return Ok(T::default()) };
    if let Some((_, word)) = known.iter().find(|(name, _)| *name == value) {
        return Ok(*word);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let built = names.join(" or ");
    let later = ["postgres://", "postgresql://", "nats://"];
    // A URL may hold a password: only its scheme is repeated.
    let shown = value.split("://").next().unwrap_or_default();
    let why = if later.iter().any(|scheme| value.starts_with(scheme)) {
        format!("{shown}:// is not built yet; this version runs on one machine, with {built}")
    } else {
        format!("'{shown}' is not known; use {built}")
    };
    Err(ConfigError(format!("--{option}: {why}")))
}

fn listen(text: &str) -> Result<SocketAddr, ConfigError> {
    let local = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = local.as_deref().unwrap_or(text);
    address.parse().map_err(|_| {
        ConfigError(format!("--listen: '{text}' is not an address such as 127.0.0.1:8080"))
    })
}

fn public(url: String) -> Result<Site, ConfigError> {
    Site::parse(&url).map_err(|why| ConfigError(format!("--public-url: '{url}' {why}")))
}

fn tls(cert: Option<String>, key: Option<String>) -> Result<Option<TlsFiles>, ConfigError> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some(TlsFiles { cert: cert.into(), key: key.into() })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(ConfigError("--tls-cert needs --tls-key".to_owned())),
        (None, Some(_)) => Err(ConfigError("--tls-key needs --tls-cert".to_owned())),
    }
}

fn word<T: Copy + Default>(
    option: &str,
    value: Option<String>,
    known: &[(&str, T)],
) -> Result<T, ConfigError> {
    let Some(value) = value else { return Ok(T::default()) };
    let found = known.iter().find(|(name, _)| *name == value);
    found.map(|(_, word)| *word).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        ConfigError(format!("--{option}: '{value}' is not one of {}", names.join(", ")))
    })
}

fn networks(list: &str) -> Result<Vec<IpNet>, ConfigError> {
    let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            part.parse().map_err(|_| {
                let why = format!("'{part}' is not a network such as 127.0.0.0/8");
                ConfigError(format!("--allow-private-callbacks: {why}"))
            })
        })
        .collect()
}

fn sqlite(chosen: Sqlite) -> store_sqlite::Options {
    let defaults = store_sqlite::Options::default();
    store_sqlite::Options {
        page_limit: chosen.page_limit.or(defaults.page_limit),
        read_limit: chosen.read_limit_ms.map_or(defaults.read_limit, Duration::from_millis),
        readers_kept: chosen.readers_kept.unwrap_or(defaults.readers_kept),
    }
}

/// Ten years: what is longer is a mistake.
const KEPT_DAYS_MAX: u32 = 3_660;

/// Bytes of a payload: at least, and at most.
const PAYLOAD_MAX: std::ops::RangeInclusive<usize> = 1_024..=1_048_576;

fn sync(chosen: Sync) -> Result<host::SyncOptions, ConfigError> {
    let mut options = host::SyncOptions::default();
    if let Some(max) = chosen.payload_max {
        let (least, most) = (PAYLOAD_MAX.start(), PAYLOAD_MAX.end());
        if !PAYLOAD_MAX.contains(&max) {
            let why = format!("{max} is not between {least} and {most} bytes");
            return Err(ConfigError(format!("sync.payload_max: {why}")));
        }
        options.limits.payload_bytes = max;
    }
    match chosen.events_kept {
        Some(0) => return Err(ConfigError("sync.events_kept: 0 is none".to_owned())),
        Some(kept) => options.events_kept = kept,
        None => {}
    }
    Ok(options)
}

fn retention(chosen: Kept, sync: Sync) -> Result<host::Retention, ConfigError> {
    let days = |key: &str, days: Option<u32>, default: Millis| match days {
        None => Ok(default),
        Some(days @ 1..=KEPT_DAYS_MAX) => Ok(Millis::secs(i64::from(days) * 24 * 60 * 60)),
        Some(days) => {
            let why = format!("{days} is not between 1 and {KEPT_DAYS_MAX}");
            Err(ConfigError(format!("retention.{key}: {why}")))
        }
    };
    let defaults = host::Retention::default();
    Ok(host::Retention {
        history: days("history_days", chosen.history_days, defaults.history)?,
        journal: days("journal_days", chosen.journal_days, defaults.journal)?,
        sync_events: match sync.events_hours {
            None => defaults.sync_events,
            Some(0) => return Err(ConfigError("sync.events_hours: 0 is none".to_owned())),
            Some(hours) => Millis::secs(i64::from(hours) * 60 * 60),
        },
    })
}

fn dispositions(list: Vec<Disposition>) -> Result<Vec<Disposition>, ConfigError> {
    let refused = |why: String| ConfigError(format!("desk.dispositions: {why}"));
    for (at, one) in list.iter().enumerate() {
        if one.code.is_empty() || one.label.is_empty() {
            return Err(refused("a code and a label are needed".to_owned()));
        }
        if list[..at].iter().any(|other| other.code == one.code) {
            return Err(refused(format!("the code '{}' is there twice", one.code)));
        }
    }
    Ok(list)
}

fn demo(chosen: Demo) -> live::Demo {
    let defaults = live::Demo::default();
    live::Demo {
        workspace: chosen.workspace,
        workflow: chosen.workflow,
        topics: chosen.topics.unwrap_or(defaults.topics),
    }
}

/// Every key of the file with its default, as a file.
pub const DEFAULTS: &str = include_str!("defaults.toml");

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(flags: Flags) -> String {
        Config::load(&flags).expect_err("this is refused").0
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn the_printed_defaults_are_the_defaults() {
        let printed: File = toml::from_str(DEFAULTS).expect("the defaults are a good file");
        let none = Config::load(&Flags::default()).unwrap();
        let folder = std::env::temp_dir().join(format!("sinew-config-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("sinew.toml");
        std::fs::write(&path, DEFAULTS).unwrap();
        let flags = Flags { config: some(&path.display().to_string()), ..Flags::default() };
        let loaded = Config::load(&flags).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        assert_eq!(format!("{loaded:?}"), format!("{none:?}"));
        assert_eq!(printed.desk.dispositions, Disposition::defaults());
    }

    #[test]
    fn every_key_of_the_file_is_documented() {
        for key in [
            "listen",
            "public_url",
            "tls_cert",
            "tls_key",
            "data",
            "store",
            "bus",
            "clock",
            "log",
            "log_format",
            "limits",
            "allow_private_callbacks",
            "callback_ca",
            "keys",
            "enabled",
            "workspace",
            "workflow",
            "topics",
            "page_limit",
            "read_limit_ms",
            "readers_kept",
            "dispositions",
            "history_days",
            "journal_days",
            "payload_max",
            "events_kept",
            "events_hours",
        ] {
            let line = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} ="));
            assert!(DEFAULTS.lines().any(line), "{key}");
        }
    }

    #[test]
    fn payloads_have_a_kibibyte_to_a_mebibyte() {
        let max = |payload_max| {
            let chosen = Sync { payload_max, ..Sync::default() };
            sync(chosen).map(|options| options.limits.payload_bytes).ok()
        };
        assert_eq!(max(None), Some(16_384));
        assert_eq!(
            [1_024, 1_048_576].map(|bytes| max(Some(bytes))),
            [Some(1_024), Some(1_048_576)]
        );
        assert_eq!([0, 1_023, 1_048_577].map(|bytes| max(Some(bytes))), [None; 3]);
    }

    #[test]
    fn a_store_in_memory_must_be_asked_for() {
        let store = |store| Config::load(&Flags { store, ..Flags::default() }).unwrap().store;
        assert_eq!(store(None), StoreKind::Sqlite);
        assert_eq!(store(some("sqlite")), StoreKind::Sqlite);
        assert_eq!(store(some("memory")), StoreKind::Memory);
    }

    #[test]
    fn bad_values_are_told_in_one_line() {
        let flags = Flags::default;
        let cases = [
            (Flags { listen: some("8080"), ..flags() }, "--listen"),
            (Flags { public_url: some("example.test"), ..flags() }, "--public-url"),
            (Flags { tls_cert: some("a.pem"), ..flags() }, "--tls-key"),
            (Flags { store: some("postgres://u:geheim@h/d"), ..flags() }, "not built yet"),
            (Flags { store: some("mysql"), ..flags() }, "not known; use sqlite or memory"),
            (Flags { bus: some("nats://h:4222"), ..flags() }, "not built yet"),
            (Flags { clock: some("sundial"), ..flags() }, "system, manual"),
            (Flags { log: some("no=such=level"), ..flags() }, "--log"),
            (Flags { log_format: some("xml"), ..flags() }, "text, json"),
            (Flags { limits: some("all"), ..flags() }, "none, compat"),
            (Flags { allow_private_callbacks: some("here"), ..flags() }, "127.0.0.0/8"),
            (Flags { config: some("/nowhere/sinew.toml"), ..flags() }, "/nowhere/sinew.toml"),
        ];
        for (flags, part) in cases {
            let message = refused(flags);
            assert!(message.contains(part), "{message}");
            assert!(!message.contains('\n') && !message.contains("geheim"), "{message}");
        }
    }
}
