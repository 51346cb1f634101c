//! The first start on an empty store: one account, one API key, one signing key, one admin.
//!
//! * Values come from the environment; what is unset is drawn and written to `credentials` in the
//!   data folder, readable by its owner only. No log ever holds them.
//! * A store in memory has a first start each time, and a file of its own.
//! * The file is written before anything is stored, and a start that was cut short goes on with the
//!   values in it: a store never has an account nobody can get into.

use access::{Command, KeyUse, Role, Secret};
use base::{Sid, Timestamp};
use host::{Host, Refusal};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The console's first user.
const ADMIN: &str = "admin";
const FILE: &str = "credentials";
/// Never the other file: that one opens a store which is still there.
const MEMORY_FILE: &str = "credentials-memory";

/// Where drawn values are written, and what an earlier start's values mean.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// The folder of a store that keeps its account.
    Once(&'a Path),
    /// The folder beside a store that begins empty each time: with the same values each time.
    EachTime(&'a Path),
}

impl Place<'_> {
    fn file(self) -> PathBuf {
        match self {
            Place::Once(folder) => folder.join(FILE),
            Place::EachTime(folder) => folder.join(MEMORY_FILE),
        }
    }
}

/// Why the first account could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    /// A variable holds what it cannot.
    #[error("{variable} must be {wanted}")]
    Variable {
        /// Its name; its value may be a secret.
        variable: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// The file cannot be written or read.
    #[error("{} cannot be used: {cause}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The store did not take it.
    #[error("the first account could not be stored: {0}")]
    Store(#[from] Refusal<access::Rejection>),
}

/// What the environment says about the first account.
#[derive(Clone, Debug, Default)]
pub struct Given(BTreeMap<&'static str, Secret>);

const ACCOUNT_SID: &str = "SINEW_ACCOUNT_SID";
const AUTH_TOKEN: &str = "SINEW_AUTH_TOKEN";
const KEY_SID: &str = "SINEW_API_KEY_SID";
const KEY_SECRET: &str = "SINEW_API_KEY_SECRET";
const ADMIN_PASSWORD: &str = "SINEW_ADMIN_PASSWORD";
const VARIABLES: [&str; 5] = [ACCOUNT_SID, AUTH_TOKEN, KEY_SID, KEY_SECRET, ADMIN_PASSWORD];

impl Given {
    /// Reads the five variables; an empty one is unset.
    pub fn from_env() -> Self {
        Self::from(|name| std::env::var(name).ok())
    }

    /// From any source of values.
    pub fn from(read: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| Some((name, read(name).filter(|value: &String| !value.is_empty())?));
        let set = VARIABLES.into_iter().filter_map(set);
        Self(set.map(|(name, value)| (name, Secret::new(value))).collect())
    }
}

/// Makes the first account where there is none. Says where the drawn values are, if any were drawn.
pub(crate) async fn ensure(
    host: &Host,
    place: Place<'_>,
    given: &Given,
) -> Result<Option<PathBuf>, FirstStartError> {
    let directory = host.directory();
    let known = directory.accounts().next().map(|account| account.sid);
    if let Some(account) = known
        && directory.users(account).any(|user| user.role == Role::Admin)
    {
        return Ok(None);
    }
    let file = place.file();
    let earlier = match place {
        Place::Once(_) if known.is_none() => BTreeMap::new(),
        Place::Once(_) | Place::EachTime(_) => read(&file)?,
    };
    let values = Values::choose(given, &earlier)?;
    if !values.drawn.is_empty() {
        write(&file, &values.drawn)?;
    }
    let password = values.admin_password.clone();
    let hashing = tokio::task::spawn_blocking(move || api::password::hash(password.reveal()));
    let account = known.unwrap_or(values.account);
    store(host, &values, account, known.is_none()).await?;
    let password_hash = hashing.await.expect("hashing does not panic");
    let username = ADMIN.to_owned();
    let (role, seat, now) = (Role::Admin, None, real_now());
    host.access(Command::CreateUser { account, username, password_hash, role, seat, now }).await?;
    Ok((!values.drawn.is_empty()).then_some(file))
}

async fn store(
    host: &Host,
    values: &Values,
    account: Sid,
    is_new: bool,
) -> Result<(), FirstStartError> {
    let directory = host.directory();
    if is_new {
        let auth_token = values.auth_token.clone();
        let friendly_name = "Main account".to_owned();
        host.access(Command::CreateAccount { sid: account, auth_token, friendly_name }).await?;
    }
    let caller = (values.key, values.key_secret.clone(), KeyUse::Caller, "First key");
    let own = (Sid::new(*b"SK", random()), Secret::new(hex()), KeyUse::Signing, "Server's own");
    for (sid, secret, purpose, name) in [caller, own] {
        let there = match purpose {
            KeyUse::Caller => directory.key(sid).is_some(),
            KeyUse::Signing => directory.signing_key(account).is_some(),
        };
        if !there {
            let friendly_name = name.to_owned();
            let key = Command::CreateApiKey { sid, account, secret, purpose, friendly_name };
            host.access(key).await?;
        }
    }
    Ok(())
}

struct Values {
    account: Sid,
    auth_token: Secret,
    key: Sid,
    key_secret: Secret,
    admin_password: Secret,
    /// What nobody gave, by variable.
    drawn: BTreeMap<&'static str, String>,
}

impl Values {
    fn choose(given: &Given, earlier: &BTreeMap<String, String>) -> Result<Self, FirstStartError> {
        let mut drawn = BTreeMap::new();
        let mut pick = |variable: &'static str, draw: &dyn Fn() -> String| {
            if let Some(value) = given.0.get(variable) {
                return value.clone();
            }
            let value = earlier.get(variable).cloned().unwrap_or_else(draw);
            drawn.insert(variable, value.clone());
            Secret::new(value)
        };
        let sid = |kind: [u8; 2]| move || Sid::new(kind, random()).to_string();
        let account = pick(ACCOUNT_SID, &sid(*b"AC"));
        let key = pick(KEY_SID, &sid(*b"SK"));
        let (auth_token, key_secret) = (pick(AUTH_TOKEN, &hex), pick(KEY_SECRET, &hex));
        let admin_password = pick(ADMIN_PASSWORD, &hex);
        let parse = |text: &Secret, variable, kind, wanted| {
            let refused = |_| FirstStartError::Variable { variable, wanted };
            Sid::parse_kind(text.reveal(), kind).map_err(refused)
        };
        Ok(Self {
            account: parse(&account, ACCOUNT_SID, "AC", "AC and 32 hex digits")?,
            key: parse(&key, KEY_SID, "SK", "SK and 32 hex digits")?,
            auth_token,
            key_secret,
            admin_password,
            drawn,
        })
    }
}

fn read(file: &Path) -> Result<BTreeMap<String, String>, FirstStartError> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(cause) => return Err(FirstStartError::File { file: file.to_owned(), cause }),
    };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn write(file: &Path, drawn: &BTreeMap<&'static str, String>) -> Result<(), FirstStartError> {
    let refused = |cause| FirstStartError::File { file: file.to_owned(), cause };
    let new = file.with_extension("new");
    let written = || -> io::Result<()> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        _ = std::fs::remove_file(&new);
        let mut out: File =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        writeln!(out, "# Drawn at the first start. Keep it safe, or move it elsewhere.")?;
        for (name, value) in drawn {
            writeln!(out, "{name}={value}")?;
        }
        out.sync_all()?;
        std::fs::rename(&new, file)?;
        // The name lives in the folder: without this a power cut could leave the account that is
        // stored next without the file that opens it.
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(refused)
}

fn real_now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).expect("milliseconds of this age fit 63 bits"))
}

fn random() -> u128 {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).expect("the operating system gives random bytes");
    u128::from_be_bytes(bits)
}

fn hex() -> String {
    format!("{:032x}", random())
}
