//! The release server as a child process: started, killed and started again on the same data.
//!
//! * Talks to it by its contract alone: options, environment, one line on stdout, signals.
//! * A server never outlives the value that holds it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::http::Caller;
use crate::paths;
use crate::scratch::hex;

const READY_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// The first account of an empty store.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) account_sid: String,
    pub(crate) auth_token: String,
    pub(crate) key_sid: String,
    pub(crate) key_secret: String,
    pub(crate) admin_password: String,
}

impl Credentials {
    pub(crate) fn random() -> Credentials {
        Credentials {
            account_sid: format!("AC{}", hex(32)),
            auth_token: hex(32),
            key_sid: format!("SK{}", hex(32)),
            key_secret: hex(32),
            admin_password: hex(16),
        }
    }
}

/// How a server is started.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) listen: String,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) credentials: Credentials,
    pub(crate) options: Vec<String>,
    /// The one processor it may use.
    pub(crate) cpu: Option<usize>,
}

impl Settings {
    /// A server on a free port with its data and log in `folder`.
    pub(crate) fn in_folder(folder: &Path) -> Settings {
        Settings {
            listen: "127.0.0.1:0".to_owned(),
            data: folder.join("data"),
            log: folder.join("server.log"),
            credentials: Credentials::random(),
            options: Vec::new(),
            cpu: None,
        }
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    credentials: Credentials,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its line on stdout.
    pub(crate) ready_in: Duration,
}

impl Server {
    /// Starts the release server and waits for its line on stdout.
    pub(crate) fn start(settings: &Settings) -> Result<Server, String> {
        let program = paths::release_server();
        let log = File::options().create(true).append(true).open(&settings.log);
        let log = log.map_err(|error| format!("{}: {error}", settings.log.display()))?;
        let mut command = match settings.cpu {
            Some(cpu) => pinned(cpu, &program.to_string_lossy()),
            None => Command::new(&program),
        };
        command.arg("serve").args(["--listen", &settings.listen]).arg("--data");
        command.arg(&settings.data).args(&settings.options);
        let credentials = &settings.credentials;
        command.env("SINEW_ACCOUNT_SID", &credentials.account_sid);
        command.env("SINEW_AUTH_TOKEN", &credentials.auth_token);
        command.env("SINEW_API_KEY_SID", &credentials.key_sid);
        command.env("SINEW_API_KEY_SECRET", &credentials.key_secret);
        command.env("SINEW_ADMIN_PASSWORD", &credentials.admin_password);
        // A group of its own: Ctrl-C at the terminal reaches us alone, and we stop it in order.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).process_group(0);
        let started = Instant::now();
        let child = command.spawn();
        let mut child = child.map_err(|error| format!("{}: {error}", program.display()))?;
        let lines = lines(&mut child);
        let line = lines.recv_timeout(READY_LIMIT).unwrap_or_default();
        let ready_in = started.elapsed();
        let address = line.strip_prefix("sinew ready ").and_then(address_of);
        match address {
            Some(address) => Ok(Server {
                child,
                log: settings.log.clone(),
                credentials: settings.credentials.clone(),
                address,
                ready_in,
            }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                let said = tail(&settings.log);
                Err(format!("the server did not get ready (it said {line:?})\n{said}"))
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The account's owner, who may do everything.
    pub(crate) fn owner(&self) -> Caller {
        Caller {
            address: self.address,
            user: self.credentials.account_sid.clone(),
            password: self.credentials.auth_token.clone(),
        }
    }

    /// What the client scripts read from their environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let credentials = self.credentials.clone();
        vec![
            ("BASE", self.url()),
            ("ACCOUNT_SID", credentials.account_sid),
            ("AUTH_TOKEN", credentials.auth_token),
            ("API_KEY", credentials.key_sid),
            ("API_SECRET", credentials.key_secret),
            ("ADMIN_PASSWORD", credentials.admin_password),
        ]
    }

    /// The last lines of its log.
    pub(crate) fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in kilobytes.
    pub(crate) fn resident_kb(&self) -> Option<u64> {
        resident_kb(self.child.id())
    }

    /// Still running?
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL, as a power cut for the process.
    pub(crate) fn kill(mut self) {
        self.kill_now();
    }

    fn kill_now(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM; it has thirty seconds to finish and must then have ended well.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        terminate(self.child.id());
        let deadline = Instant::now() + STOP_LIMIT;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    return Err(format!("the server ended with {status}\n{}", self.log_tail()));
                }
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        Err("the server did not stop within 30 s of SIGTERM".to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill_now();
    }
}

/// A program on one processor, so that server and load do not push each other about; anywhere,
/// where there is but one.
pub(crate) fn pinned(cpu: usize, program: &str) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 || !paths::has_program("taskset") {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &cpu.to_string(), program]);
    command
}

/// Asks a process to end. The shell's own `kill` is there on the smallest machine.
pub(crate) fn terminate(process: u32) {
    let _ = Command::new("sh").args(["-c", &format!("kill -TERM {process}")]).status();
}

/// Resident memory of a process in kilobytes.
pub(crate) fn resident_kb(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn lines(child: &mut Child) -> mpsc::Receiver<String> {
    let output = child.stdout.take().expect("stdout was asked for as a pipe");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Read to the end, so that the server never waits for us.
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn address_of(url: &str) -> Option<SocketAddr> {
    url.trim().strip_prefix("http://")?.parse().ok()
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
