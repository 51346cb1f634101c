//! The PostgreSQL router of `../shared/peers`, on a cluster that lives as long as this value.
//!
//! * The cluster is temporary: its own folder, a random port, loopback only, never the machine's.
//! * PostgreSQL refuses to run as root; as root, the user `postgres` of the Debian package owns it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::quiet::{self, Quiet};
use crate::scratch::Scratch;
use crate::setup::{self, Debian};
use crate::{paths, server};

const START_LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Postgres {
    programs: PathBuf,
    router: PathBuf,
    port: u16,
    folder: Scratch,
}

impl Postgres {
    /// Builds the router and starts a cluster with its schema, or says why not.
    pub(crate) fn start() -> Result<Postgres, String> {
        let shared = paths::shared().ok_or("there is no ../shared beside this clone")?;
        let source = shared.join("peers/pgrouter");
        setup::debian(&[Debian::Postgres])?;
        let programs = setup::postgres_programs().ok_or("PostgreSQL's programs are not found")?;
        let peer = Postgres {
            programs,
            router: build(&source)?,
            port: free_port()?,
            folder: Scratch::new("postgres"),
        };
        peer.make_cluster()?;
        peer.wait()?;
        let schema = source.join("schema.sql");
        let mut psql = Command::new(peer.programs.join("psql"));
        psql.args(["-q", "-v", "ON_ERROR_STOP=1", "-d", &peer.url(), "-f"]).arg(schema);
        psql.stdout(Stdio::null()).stderr(Stdio::null());
        setup::succeed(psql)?;
        Ok(peer)
    }

    /// How the cluster was told to sync, in its own words; an error if a commit may be lost.
    pub(crate) fn durability(&self) -> Result<String, String> {
        let mut told = Vec::new();
        for (setting, wanted) in
            [("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on")]
        {
            let mut psql = Command::new(self.programs.join("psql"));
            psql.args(["-A", "-t", "-d", &self.url(), "-c", &format!("SHOW {setting}")]);
            let output = psql.output().map_err(|error| format!("psql: {error}"))?;
            let value = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if value != wanted {
                return Err(format!("PostgreSQL says {value:?} about {setting}, not {wanted}"));
            }
            told.push(format!("{setting}={value}"));
        }
        Ok(told.join(", "))
    }

    fn url(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn make_cluster(&self) -> Result<(), String> {
        if setup::is_root() {
            let mut command = Command::new("chown");
            command.arg("postgres").arg(self.folder.path());
            setup::succeed(command)?;
        }
        let mut init = self.as_owner("initdb");
        init.arg("-D").arg(self.data());
        init.args(["-U", "postgres", "-A", "trust", "--no-instructions"]).stdout(Stdio::null());
        setup::succeed(init)?;
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} \
             -c shared_buffers=512MB -c synchronous_commit=on",
            self.port,
            self.folder.path().display()
        );
        let mut start = self.as_owner("pg_ctl");
        start.args(["start", "-W", "-s", "-o", &options, "-D"]).arg(self.data());
        start.arg("-l").arg(self.folder.path().join("log"));
        setup::succeed(start)
    }

    /// One of PostgreSQL's programs, run as a user that it accepts.
    fn as_owner(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match setup::is_root() {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        command.current_dir(self.folder.path());
        command
    }

    fn wait(&self) -> Result<(), String> {
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            let mut ready = Command::new(self.programs.join("pg_isready"));
            ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if ready.status().is_ok_and(|status| status.success()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("PostgreSQL did not get ready".to_owned())
    }

    /// One slice, with the same names as ours.
    pub(crate) fn slice(
        &self,
        workers: usize,
        mode: &str,
        seconds: f64,
        rate: usize,
    ) -> Result<Value, String> {
        let before = quiet::wait();
        let mut command = Command::new(&self.router);
        command.arg(self.url()).args([&workers.to_string(), mode, &seconds.to_string()]);
        command.args(["4", "2", "16", &rate.max(1).to_string()]).stderr(Stdio::inherit());
        let output = command.output().map_err(|error| format!("pgrouter: {error}"))?;
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        let figure = |name: &str| -> Result<f64, String> {
            let word = line.split_whitespace().find_map(|word| word.strip_prefix(name));
            let number = word.and_then(|word| word.trim_end_matches("ms").parse().ok());
            number.ok_or_else(|| format!("no {name} in {line:?}"))
        };
        Ok(json!({
            "per_second": figure("assigned/s=")?, "p50_ms": figure("p50=")?,
            "p99_ms": figure("p99=")?, "noisy": before == Quiet::Noisy,
        }))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.as_owner("pg_ctl");
        stop.args(["stop", "-s", "-m", "immediate", "-D"]).arg(self.data());
        // The folder goes next; what cannot be stopped ends when its files are gone.
        let _ = setup::succeed(stop);
    }
}

/// Builds the peer from the read-only material into our target directory.
fn build(source: &Path) -> Result<PathBuf, String> {
    let target = paths::target().join("xtask/peers");
    let copy = target.join("pgrouter-source");
    std::fs::create_dir_all(copy.join("src")).map_err(|error| error.to_string())?;
    for file in ["Cargo.toml", "src/main.rs"] {
        let text = std::fs::read(source.join(file)).map_err(|error| format!("{file}: {error}"))?;
        let same = std::fs::read(copy.join(file)).is_ok_and(|there| there == text);
        if !same {
            std::fs::write(copy.join(file), text).map_err(|error| error.to_string())?;
        }
    }
    let mut command = paths::cargo();
    command.current_dir(&copy).env("CARGO_TARGET_DIR", target.join("pgrouter"));
    command.args(["build", "--release", "--quiet"]);
    setup::succeed(command)?;
    Ok(target.join("pgrouter/release/pgrouter"))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

/// The servers whose start and idle memory stand beside ours.
pub(crate) fn node_servers() -> Vec<(&'static str, Result<Vec<String>, String>)> {
    vec![("bare Node server", Ok(bare_node())), ("socket.io", socket_io())]
}

fn bare_node() -> Vec<String> {
    let script = "require('node:http').createServer((q, s) => s.end('ok'))\
                  .listen(+process.argv[1], '127.0.0.1')";
    ["node", "-e", script].map(str::to_owned).to_vec()
}

/// socket.io's own smallest server, with the version that the peers pin.
fn socket_io() -> Result<Vec<String>, String> {
    let shared = paths::shared().ok_or("there is no ../shared beside this clone")?;
    let peers = shared.join("peers/syncpeers");
    let manifest = std::fs::read_to_string(peers.join("package.json"));
    let manifest = manifest.map_err(|error| error.to_string())?;
    let manifest: Value = serde_json::from_str(&manifest).map_err(|error| error.to_string())?;
    let version = manifest["dependencies"]["socket.io"].as_str().ok_or("no version")?;
    let folder = paths::target().join("xtask/peers/socketio");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let script = folder.join("socketio.mjs");
    std::fs::copy(peers.join("servers/socketio.mjs"), &script)
        .map_err(|error| format!("socketio.mjs: {error}"))?;
    if !folder.join("node_modules/socket.io").is_dir() {
        let mut npm = Command::new("npm");
        npm.current_dir(&folder).args(["install", "--no-audit", "--no-fund", "--silent"]);
        npm.arg(format!("socket.io@{version}")).stdout(Stdio::null());
        setup::succeed(npm)?;
    }
    Ok(vec!["node".to_owned(), script.to_string_lossy().into_owned()])
}

/// A process that is stopped with this value.
pub(crate) struct Running(pub(crate) std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        server::terminate(self.0.id());
        let _ = self.0.wait();
    }
}
