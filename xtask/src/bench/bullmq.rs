//! BullMQ of `../shared/peers` on a Redis that syncs its log before each answer.
//!
//! * It matches nothing: one queue per skill, any consumer takes any job. So it bounds what "just
//!   use a queue" could reach.
//! * Redis is of the Debian package, started here for one slice: an empty folder, a free port,
//!   loopback only, never the machine's. It is asked how it syncs before anything is measured.
//! * The library is installed from the lock file of `bench/peers/bullmq`, in the target directory.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::peers::{Running, free_port};
use super::quiet::{self, Quiet};
use crate::scratch::Scratch;
use crate::setup::{self, Debian};
use crate::{paths, server};

const START_LIMIT: Duration = Duration::from_secs(10);
/// How much longer than its slice the script may take: it connects and says good-bye.
const GRACE: Duration = Duration::from_secs(30);
const SCRIPT: &str = "bullmq.mjs";
/// What is copied beside the script so that npm installs exactly this.
const PACKAGE: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

pub(crate) struct BullMq {
    folder: PathBuf,
}

impl BullMq {
    /// Installs what is needed, or says why not.
    pub(crate) fn install() -> Result<BullMq, String> {
        let shared = paths::shared().ok_or("there is no ../shared beside this clone")?;
        setup::debian(&[Debian::Redis])?;
        let folder = paths::target().join("xtask/peers/bullmq");
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let ours = paths::root().join("bench/peers/bullmq");
        let files = PACKAGE.map(|name| ours.join(name)).into_iter();
        for from in files.chain([shared.join("peers/syncpeers").join(SCRIPT)]) {
            let name = from.file_name().expect("each is a file");
            std::fs::copy(&from, folder.join(name))
                .map_err(|error| format!("{}: {error}", from.display()))?;
        }
        setup::npm(&folder.to_string_lossy())?;
        Ok(BullMq { folder })
    }

    /// Jobs added and completed as fast as they go, with `workers` consumers.
    pub(crate) fn slice(&self, workers: usize, seconds: f64) -> Result<Value, String> {
        let scratch = Scratch::new("redis");
        let redis = Redis::start(&scratch)?;
        let before = quiet::wait();
        let mut node = Command::new("node");
        node.current_dir(&self.folder).arg(SCRIPT).arg(redis.port.to_string());
        node.args([&workers.to_string(), "max", &seconds.to_string()]);
        let line = line_of(node, Duration::from_secs_f64(seconds) + GRACE)?;
        let figure = |name: &str| -> Result<f64, String> {
            let word = line.split_whitespace().find_map(|word| word.strip_prefix(name));
            let number = word.and_then(|word| word.trim_end_matches("ms").parse().ok());
            number.ok_or_else(|| format!("no {name} in {line:?}"))
        };
        Ok(json!({
            "per_second": figure("done/s=")?, "p50_ms": figure("p50=")?, "p99_ms": figure("p99=")?,
            "noisy": before == Quiet::Noisy,
        }))
    }
}

/// A Redis that ends with this value.
struct Redis {
    port: u16,
    _process: Running,
}

impl Redis {
    fn start(folder: &Scratch) -> Result<Redis, String> {
        let port = free_port()?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]);
        command.arg(folder.path()).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("redis-server: {error}"))?;
        let redis = Redis { port, _process: Running(child) };
        let deadline = Instant::now() + START_LIMIT;
        while redis.ask(&["PING"]).trim() != "PONG" {
            if Instant::now() >= deadline {
                return Err("Redis did not get ready".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        for (setting, wanted) in [("appendonly", "yes"), ("appendfsync", "always")] {
            let told = redis.ask(&["CONFIG", "GET", setting]);
            if told.lines().nth(1) != Some(wanted) {
                return Err(format!("Redis says {told:?} about {setting}, which must be {wanted}"));
            }
        }
        Ok(redis)
    }

    /// What it answers; nothing while it does not listen yet.
    fn ask(&self, words: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).args(words);
        let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
        output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default()
    }
}

/// The one line that a script prints, which must end in time: its library waits for a lost Redis
/// for ever.
fn line_of(mut script: Command, limit: Duration) -> Result<String, String> {
    script.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = script.spawn().map_err(|error| format!("{SCRIPT}: {error}"))?;
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(said(&mut child)),
            Some(status) => return Err(format!("{SCRIPT} ended with {status}")),
            None if Instant::now() >= deadline => {
                server::terminate(child.id());
                let _ = child.wait();
                return Err(format!("{SCRIPT} did not end"));
            }
            // Longer than a blink: we share the processors with what is measured.
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn said(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(output) = &mut child.stdout {
        // What is not text has no figure in it, and that is told where it is looked for.
        let _ = output.read_to_string(&mut text);
    }
    text
}
