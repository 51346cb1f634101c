//! Servers that stand beside ours in `bench sync`: what most people write, what keeps records, what
//! keeps the last value, and a bare WebSocket loop.
//!
//! * Each is started here for one round: an empty folder, a free port, loopback only.
//! * socket.io and deepstream are installed from the lock file of `bench/peers/sync`, NATS and
//!   Redis are Debian's.
//! * Redis is asked whether it syncs before it answers; none of the others does.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::peers::{Running, free_port};
use crate::paths;
use crate::scratch::Scratch;
use crate::server::pinned;
use crate::setup::{self, Debian};

const START_LIMIT: Duration = Duration::from_secs(20);
/// A server that accepts may still be busy with its own start.
const SETTLE: Duration = Duration::from_millis(500);
/// What npm needs to install exactly this, and the servers themselves.
const FILES: [&str; 5] =
    ["package.json", "package-lock.json", ".npmrc", "socketio.mjs", "deepstream.cjs"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Bare,
    SocketIo,
    Deepstream,
    JetStream,
    Redis,
}

/// One that runs, and ends with this value.
pub(crate) struct Started {
    process: Running,
    pub(crate) address: SocketAddr,
    _folder: Scratch,
}

impl Started {
    pub(crate) fn process(&self) -> u32 {
        self.process.0.id()
    }
}

impl Peer {
    pub(crate) const ALL: [Peer; 5] =
        [Peer::Bare, Peer::SocketIo, Peer::Deepstream, Peer::JetStream, Peer::Redis];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Bare => "bare WebSocket loop",
            Peer::SocketIo => "socket.io",
            Peer::Deepstream => "deepstream",
            Peer::JetStream => "JetStream KV watch",
            Peer::Redis => "Redis, appendfsync always",
        }
    }

    /// What the load calls it.
    pub(crate) fn protocol(self) -> &'static str {
        match self {
            Peer::Bare => "bare",
            Peer::SocketIo => "socketio",
            Peer::Deepstream => "deepstream",
            Peer::JetStream => "jetstream",
            Peer::Redis => "redis",
        }
    }

    /// Sees to it that it can be started, or says why not.
    pub(crate) fn install(self) -> Result<(), String> {
        match self {
            Peer::Bare => Ok(()),
            Peer::JetStream => setup::debian(&[Debian::Nats]),
            Peer::Redis => setup::debian(&[Debian::Redis]),
            Peer::SocketIo | Peer::Deepstream => {
                let (from, to) = (paths::root().join("bench/peers/sync"), node_folder());
                std::fs::create_dir_all(&to).map_err(|error| error.to_string())?;
                for name in FILES {
                    std::fs::copy(from.join(name), to.join(name))
                        .map_err(|error| format!("{name}: {error}"))?;
                }
                setup::npm(&to.to_string_lossy())
            }
        }
    }

    pub(crate) fn start(self) -> Result<Started, String> {
        let (folder, port) = (Scratch::new(self.protocol()), free_port()?);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = self.command(&folder, port);
        command.current_dir(folder.path()).env("NODE_ENV", "production");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| format!("{}: {error}", self.name()))?;
        let started = Started { process: Running(child), address, _folder: folder };
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(address).is_err() {
            if Instant::now() >= deadline {
                return Err(format!("{} did not get ready", self.name()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(SETTLE);
        if self == Peer::Redis {
            check_redis(port)?;
        }
        Ok(started)
    }

    fn command(self, folder: &Scratch, port: u16) -> Command {
        let port = port.to_string();
        let script = |name: &str| {
            let mut command = pinned(SERVER_CPU, "node");
            command.arg(node_folder().join(name)).arg(&port);
            command
        };
        match self {
            Peer::Bare => {
                let load = paths::target().join("release/bench");
                let mut command = pinned(SERVER_CPU, &load.to_string_lossy());
                command.args(["bare", "--port", &port]);
                command
            }
            Peer::SocketIo => script("socketio.mjs"),
            Peer::Deepstream => script("deepstream.cjs"),
            Peer::JetStream => {
                let mut command = pinned(SERVER_CPU, "nats-server");
                command.args(["-a", "127.0.0.1", "-p", &port, "-js", "-sd"]).arg(folder.path());
                command
            }
            Peer::Redis => {
                let mut command = pinned(SERVER_CPU, "redis-server");
                command.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]);
                command.args(["--appendonly", "yes", "--appendfsync", "always"]);
                command
            }
        }
    }
}

/// Where the server of a slice runs, and where the load does.
pub(crate) const SERVER_CPU: usize = 0;
pub(crate) const LOAD_CPU: usize = 1;

fn node_folder() -> PathBuf {
    paths::target().join("xtask/peers/sync")
}

fn check_redis(port: u16) -> Result<(), String> {
    let mut command = Command::new("redis-cli");
    command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "CONFIG", "GET", "appendfsync"]);
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    match told.lines().nth(1) == Some("always") {
        true => Ok(()),
        false => Err(format!("Redis says {told:?} about appendfsync, which must be always")),
    }
}
