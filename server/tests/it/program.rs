//! The program itself: its one line on stdout, its exit codes, its signals.

use crate::caller::{Folder, Got, Server, given};
use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) fn program(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sinew"));
    let data = folder.path().join("data");
    command.arg("serve").args(["--listen", "127.0.0.1:0", "--data"]).arg(data).args(arguments);
    for name in [
        "SINEW_ACCOUNT_SID",
        "SINEW_AUTH_TOKEN",
        "SINEW_API_KEY_SID",
        "SINEW_API_KEY_SECRET",
        "SINEW_ADMIN_PASSWORD",
    ] {
        command.env(name, given(name).unwrap());
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A started program; killed with the value.
pub(crate) struct Program {
    child: Child,
    pub(crate) url: String,
    out: BufReader<std::process::ChildStdout>,
}

impl Program {
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Self {
        Self::of(&mut program(folder, arguments))
    }

    /// Nothing where the log goes into a file.
    fn read_log(&mut self, into: &mut String) {
        if let Some(mut log) = self.child.stderr.take() {
            log.read_to_string(into).unwrap();
        }
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("sinew ready ").unwrap_or_default().to_owned();
        assert!(url.starts_with("http"), "it said {line:?}");
        Self { child, url, out }
    }

    /// SIGKILL; all that it wrote behind its first line.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        let mut written = String::new();
        self.out.read_to_string(&mut written).unwrap();
        self.read_log(&mut written);
        self.child.wait().unwrap();
        written
    }

    /// SIGTERM; what else it wrote: stdout, stderr.
    pub(crate) fn stop(mut self) -> (String, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let asked = Instant::now();
        let (mut out, mut log) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.read_log(&mut log);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {log}");
        assert!(asked.elapsed() < Duration::from_secs(30));
        (out, log)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn one_line_on_stdout_and_a_quiet_end() {
    let folder = Folder::new();
    let program = Program::start(&folder, &["--clock", "manual"]);
    assert!(program.url.starts_with("http://127.0.0.1:"));
    let (out, log) = program.stop();
    assert_eq!(out, "");
    assert!(log.contains("CLOCK IS MANUAL"), "{log}");
}

#[test]
fn a_store_in_memory_says_so_and_leaves_no_file() {
    let folder = Folder::new();
    let (out, log) = Program::start(&folder, &["--store", "memory"]).stop();
    assert_eq!(out, "");
    assert!(log.contains("STORE IS MEMORY") && log.contains("nothing is kept"), "{log}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_mistake_is_one_line_and_a_failure() {
    let folder = Folder::new();
    let cases: [(&[&str], &str); 6] = [
        (&["--nonsense"], "--nonsense"),
        (&["--clock", "sundial"], "sundial"),
        (&["--store", "postgres://h/d"], "not built yet"),
        (&["--bus", "nats://h"], "not built yet"),
        (&["--tls-cert", "a.pem"], "--tls-key"),
        (&["--config", "/nowhere.toml"], "/nowhere.toml"),
    ];
    for (arguments, part) in cases {
        let ended = program(&folder, arguments).output().unwrap();
        let (out, log) = (ended.stdout, String::from_utf8(ended.stderr).unwrap());
        assert!(!ended.status.success(), "{arguments:?}");
        assert!(out.is_empty());
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.starts_with("sinew: ") && log.contains(part), "{log}");
    }
}

#[test]
fn a_second_server_on_the_folder_does_not_start() {
    let folder = Folder::new();
    let first = Program::start(&folder, &[]);
    let second = program(&folder, &[]).output().unwrap();
    let log = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success());
    assert!(log.contains("in use by another server") && log.lines().count() == 1, "{log}");
    first.stop();
}

#[test]
fn flags_win_over_environment_over_file() {
    let folder = Folder::new();
    let file = folder.path().join("sinew.toml");
    let text = "clock = \"manual\"\nlog_format = \"xml\"\nlimits = \"nonsense\"\n";
    std::fs::write(&file, text).unwrap();
    let config = file.display().to_string();
    let mut command = program(&folder, &["--config", &config, "--log-format", "json"]);
    command.env("SINEW_LOG_FORMAT", "yaml").env("SINEW_LIMITS", "compat");
    let program = Program::of(&mut command);
    let (_, log) = program.stop();
    assert!(log.contains("CLOCK IS MANUAL"), "{log}");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn the_defaults_are_printed() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sinew"));
    let printed = command.args(["config", "--print-defaults"]).output().unwrap();
    assert!(printed.status.success());
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), sinew::config::DEFAULTS);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_stop() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let none = || sinew::Given::from(given);
    let config = || sinew::Config::in_folder(&data);
    let running = sinew::serve(config(), &none()).await.unwrap();
    let server = Server { running, folder: Folder::new() };
    let made: Got =
        server.owner().post("/taskrouter/v1/Workspaces", &[("FriendlyName", "Kept")]).await;
    assert_eq!(made.status, 201);
    server.running.stop().await;
    let running = sinew::serve(config(), &none()).await.unwrap();
    let server = Server { running, folder: Folder::new() };
    let listed = server.owner().get("/taskrouter/v1/Workspaces").await.json();
    assert_eq!(listed["workspaces"][0]["sid"], made.json()["sid"]);
}
