//! `cargo xtask test`: everything that CI runs, in the order in which it fails soonest.
//!
//! * Sets up what it needs, each part only when a step that was asked for uses it.
//! * A missing browser, SDK or compiler is a failure; only `cargo deny`, which the machine may
//!   lack, is skipped, by name.
//! * The server under test is the release server, started on a free port with an empty store.

use std::path::PathBuf;
use std::process::Command;

use crate::count::{Count, Counting};
use crate::scratch::Scratch;
use crate::server::{Server, Settings};
use crate::setup::{self, Debian};
use crate::step::Steps;
use crate::{crash, paths};

/// Runs all steps, or those whose name holds one of the arguments.
pub(crate) fn run(only: &[String]) -> Result<(), String> {
    let mut steps = Steps::only(only);
    format(&mut steps);
    web(&mut steps);
    rust(&mut steps);
    simulation(&mut steps);
    if SERVER_STEPS.iter().any(|name| steps.wants(name)) {
        match release(&mut steps) {
            true => against_the_server(&mut steps),
            false => {
                for name in SERVER_STEPS {
                    steps.missing(name, "the release server was not built");
                }
            }
        }
    }
    licences(&mut steps);
    steps.finish()
}

/// `cargo xtask sim SEED [--trace]`, `--seeds N`, `--nightly`: in an optimised build.
pub(crate) fn sim(arguments: &[String]) -> Result<(), String> {
    setup::succeed(simulator(arguments))
}

fn simulator<A: AsRef<std::ffi::OsStr>>(arguments: &[A]) -> Command {
    let mut command = paths::cargo();
    command.args(["run", "--quiet", "--release", "--locked", "--package", "sim", "--"]);
    command.args(arguments);
    command
}

/// Seeds from 0 on, on all cores, each twice; the first that fails ends it and says how to see it
/// again.
const SEEDS: &str = "2000";

fn simulation(steps: &mut Steps) {
    steps.run("simulation", Counting::ExitCode, simulator(&["--seeds", SEEDS]));
}

fn format(steps: &mut Steps) {
    let mut command = paths::cargo();
    command.args(["fmt", "--all", "--check"]);
    steps.run("format", Counting::ExitCode, command);
}

/// The pages are built before any Rust, because the server carries them inside itself.
fn web(steps: &mut Steps) {
    let names = ["web check", "web tests", "web build"];
    if !names.iter().any(|name| steps.wants(name)) {
        return;
    }
    if let Err(reason) = setup::npm("web") {
        names.iter().for_each(|name| steps.missing(name, &reason));
        return;
    }
    steps.run("web check", Counting::ExitCode, npm("check"));
    steps.run("web tests", Counting::Vitest, npm("test"));
    steps.run("web build", Counting::ExitCode, npm("build"));
}

fn npm(script: &str) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(paths::root().join("web")).args(["run", "--silent", script]);
    command
}

fn rust(steps: &mut Steps) {
    let names = ["lints", "rust tests", "doc tests", "planted bugs"];
    if !names.iter().any(|name| steps.wants(name)) {
        return;
    }
    if let Err(reason) = setup::debian(&[Debian::Compiler]) {
        names.iter().for_each(|name| steps.missing(name, &reason));
        return;
    }
    let mut clippy = paths::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    steps.run("lints", Counting::ExitCode, clippy);
    tests(steps, "rust tests", &["--workspace"]);
    // The feature compiles bugs into the host, so these tests are never part of the others' build.
    tests(steps, "planted bugs", &["--package", "sim", "--features", "planted-bugs"]);
}

fn tests(steps: &mut Steps, name: &str, packages: &[&str]) {
    let mut command = paths::cargo();
    let counting = match has_cargo_command("nextest") {
        true => {
            command.args(["nextest", "run", "--no-fail-fast", "--locked"]).args(packages);
            command.args(["--status-level", "slow", "--final-status-level", "fail"]);
            Counting::Nextest
        }
        false => {
            command.args(["test", "--no-fail-fast", "--locked"]).args(packages);
            Counting::CargoTest
        }
    };
    steps.run(name, counting, command);
}

fn has_cargo_command(name: &str) -> bool {
    let mut command = paths::cargo();
    command.args([name, "--version"]);
    command.output().is_ok_and(|output| output.status.success())
}

/// Needed by all that follows, so it is built even where it was not asked for by name.
fn release(steps: &mut Steps) -> bool {
    let name = "release build";
    let built = match steps.wants(name) {
        true => steps.call(name, || build_release().map(|()| Count::one())),
        false => build_release().is_ok(),
    };
    built && paths::release_server().is_file()
}

/// Builds the pages and the release server.
pub(crate) fn build_release() -> Result<(), String> {
    setup::debian(&[Debian::Compiler])?;
    setup::npm("web")?;
    setup::succeed(npm("build"))?;
    let mut command = paths::cargo();
    command.args(["build", "--release", "--locked", "--package", "sinew", "--bin", "sinew"]);
    setup::succeed(command)
}

const SERVER_STEPS: [&str; 16] = [
    "sdk node rest",
    "sdk node taskrouter",
    "sdk python rest",
    "hooks node",
    "hooks python",
    "readme example",
    "scenarios",
    "parameters node",
    "sync scenarios",
    "sync acceptance",
    "parameters python",
    "crash",
    "browser",
    "twilsock node",
    "sync node",
    "sync browser",
];

fn against_the_server(steps: &mut Steps) {
    let node = setup::npm("clients/node");
    let python = setup::python("clients/python/requirements.txt");
    for (name, script) in [("sdk node rest", "rest-node.js"), ("sdk node taskrouter", "run.js")] {
        match &node {
            Ok(()) => client(steps, name, "clients/node", |_| {
                let mut command = Command::new("node");
                command.arg(script);
                command
            }),
            Err(reason) => steps.missing(name, reason),
        }
    }
    let name = "parameters node";
    match &node {
        Ok(()) => client_with(steps, name, "clients/node", &["--clock", "manual"], |_| {
            let mut command = Command::new("node");
            command.arg("parameters.js").env("TIMEOUT_MS", "900000");
            command
        }),
        Err(reason) => steps.missing(name, reason),
    }
    state_synchronisation(steps, &node);
    let home = ["--allow-private-callbacks", "127.0.0.0/8"];
    match &node {
        Ok(()) => client_with(steps, "hooks node", "clients/node", &home, |_| {
            let mut command = Command::new("node");
            command.arg("hooks.js");
            command
        }),
        Err(reason) => steps.missing("hooks node", reason),
    }
    match &python {
        Ok(python) => {
            let script = |name: &'static str| {
                let python = python.clone();
                move |_: &Server| {
                    let mut command = Command::new(python);
                    command.arg(name);
                    command
                }
            };
            client(steps, "sdk python rest", "clients/python", script("rest_python.py"));
            client(steps, "readme example", "clients/python", script("readme_example.py"));
            let hooks = script("hooks.py");
            client_with(steps, "hooks python", "clients/python", &home, hooks);
            let manual = ["--clock", "manual", "--allow-private-callbacks", "127.0.0.0/8"];
            let scenarios = script("scenarios.py");
            client_with(steps, "scenarios", "clients/python", &manual, scenarios);
            let parameters = script("parameters.py");
            client_with(steps, "parameters python", "clients/python", &manual, parameters);
        }
        Err(reason) => {
            steps.missing("sdk python rest", reason);
            steps.missing("hooks python", reason);
            steps.missing("readme example", reason);
            steps.missing("scenarios", reason);
            steps.missing("parameters python", reason);
        }
    }
    steps.call("crash", || crash::run_rounds(crash::fresh_seed()));
    browser(steps, &python);
}

/// The socket of the client libraries, and the library for state synchronisation on it.
fn state_synchronisation(steps: &mut Steps, node: &Result<(), String>) {
    let script = |name: &'static str| {
        move |_: &Server| {
            let mut command = Command::new("node");
            command.arg(name).env("TIMEOUT_MS", "900000");
            command.env("SINEW", paths::release_server());
            command
        }
    };
    for (name, file) in [("twilsock node", "twilsock.js"), ("sync node", "run-sync.js")] {
        match node {
            Ok(()) => client(steps, name, "clients/node", script(file)),
            Err(reason) => steps.missing(name, reason),
        }
    }
    let short = paths::root().join("clients/node/sync-acceptance.toml").display().to_string();
    let manual = ["--clock", "manual", "--config", &short];
    for (name, file, options) in [
        ("sync scenarios", "sync-scenarios.js", &manual[..2]),
        ("sync acceptance", "sync-acceptance.js", &manual[..]),
    ] {
        match node {
            Ok(()) => client_with(steps, name, "clients/node", options, script(file)),
            Err(reason) => steps.missing(name, reason),
        }
    }
    let name = "sync browser";
    if !steps.wants(name) {
        return;
    }
    let ready = setup::debian(&[Debian::Chromium]).and_then(|()| node.clone());
    match ready {
        Ok(()) => {
            let chromium = setup::chromium().expect("it was there a moment ago");
            client(steps, name, "clients/node", |server| {
                let mut command = script("sync-browser.js")(server);
                command.env("CHROMIUM", chromium);
                command
            });
        }
        Err(reason) => steps.missing(name, &reason),
    }
}

/// Runs one client script against a server of its own.
fn client(steps: &mut Steps, name: &str, folder: &str, make: impl FnOnce(&Server) -> Command) {
    client_with(steps, name, folder, &[], make);
}

/// The same with options for the server.
fn client_with(
    steps: &mut Steps,
    name: &str,
    folder: &str,
    options: &[&str],
    make: impl FnOnce(&Server) -> Command,
) {
    if !steps.wants(name) {
        return;
    }
    let scratch = Scratch::new("client");
    let mut settings = Settings::in_folder(scratch.path());
    settings.options = options.iter().map(|&option| option.to_owned()).collect();
    let server = match Server::start(&settings) {
        Ok(server) => server,
        Err(reason) => return steps.missing(name, &reason),
    };
    let mut command = make(&server);
    command.current_dir(paths::root().join(folder)).envs(server.environment());
    if !steps.run(name, Counting::OkLines, command) {
        println!("the server's log ends with:\n{}", server.log_tail());
    }
    steps.call(&format!("{name}: the server stops"), || server.stop().map(|()| Count::one()));
}

fn browser(steps: &mut Steps, python: &Result<PathBuf, String>) {
    let ready = setup::debian(&[Debian::Chromium, Debian::Fonts])
        .and_then(|()| setup::npm("web"))
        .and_then(|()| python.clone());
    match ready {
        Ok(python) => {
            let chromium = setup::chromium().expect("it was there a moment ago");
            client(steps, "browser", "web", |_| {
                let mut command = npm("e2e");
                command.env("CHROMIUM", chromium).env("PYTHON", python);
                command.env("SINEW", paths::release_server());
                command
            });
        }
        Err(reason) => steps.missing("browser", &reason),
    }
}

fn licences(steps: &mut Steps) {
    match has_cargo_command("deny") {
        true => {
            let mut command = paths::cargo();
            command.args(["deny", "check", "bans", "licenses", "sources"]);
            steps.run("licences", Counting::ExitCode, command);
        }
        false => steps.skip("licences", "cargo-deny is not installed (cargo install cargo-deny)"),
    }
}
