//! The whole server over loopback HTTP, a slice at a time, and durable creations beside bare SQLite
//! commits.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::quiet::{self, Quiet};
use super::series::{header, row};
use super::{Plan, Series};
use crate::paths;
use crate::scratch::Scratch;
use crate::server::{Server, Settings};

const CALLERS: [usize; 3] = [1, 16, 128];

/// What one kind of slice gave over the rounds.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) per_second: Series,
    pub(crate) p50_ms: Series,
    pub(crate) p99_ms: Series,
    /// Processor time for each task.
    pub(crate) server_us: Series,
    pub(crate) client_us: Series,
    slices: usize,
    noisy: usize,
}

impl Figures {
    pub(crate) fn add(&mut self, slice: &Value) {
        let note = |series: &mut Series, name: &str| {
            if let Some(value) = slice[name].as_f64() {
                series.add(value);
            }
        };
        note(&mut self.per_second, "per_second");
        note(&mut self.p50_ms, "p50_ms");
        note(&mut self.p99_ms, "p99_ms");
        note(&mut self.server_us, "server_us");
        note(&mut self.client_us, "client_us");
        self.slices += 1;
        self.noisy += usize::from(slice["noisy"] == true);
    }

    /// How many slices were disturbed.
    pub(crate) fn noise(&self) -> String {
        match self.noisy {
            0 => String::new(),
            noisy => format!("NOISY {noisy} of {}", self.slices),
        }
    }
}

/// Durable creations with 1, 16 and 128 callers, beside one bare commit after the other.
pub(crate) fn durable(plan: &Plan) -> Result<(), String> {
    println!("\n== durable task creations, 400-byte attributes, {} slices each", plan.rounds);
    let mut floor = Figures::default();
    let mut ours: Vec<(usize, Figures)> =
        CALLERS.into_iter().map(|callers| (callers, Figures::default())).collect();
    for _ in 0..plan.rounds {
        floor.add(&bare(plan.seconds, None)?);
        for (callers, figures) in &mut ours {
            let seconds = plan.seconds.to_string();
            let callers = callers.to_string();
            let slice = ["creations", "--callers", &callers, "--seconds", &seconds];
            figures.add(&with_server(&slice, &[])?);
        }
    }
    header(&["", "per second", "p50 ms", "p99 ms", "to a bare commit", "server us each", "noise"]);
    let show = |label: &str, of: &Figures| {
        let (rate, p50, p99) = (of.per_second.show(0), of.p50_ms.show(2), of.p99_ms.show(2));
        let ratio = of.per_second.ratio(&floor.per_second);
        row(&[label, &rate, &p50, &p99, &ratio, &of.server_us.show(0), &of.noise()]);
    };
    show("bare SQLite commit", &floor);
    ours.iter().for_each(|(callers, figures)| show(&format!("{callers} callers"), figures));
    Ok(())
}

/// Bare commits, as fast as they go or at a rate.
pub(crate) fn bare(seconds: f64, rate: Option<usize>) -> Result<Value, String> {
    let scratch = Scratch::new("floor");
    let folder = scratch.path().to_string_lossy().into_owned();
    let (seconds, rate) = (seconds.to_string(), rate.map(|rate| rate.to_string()));
    let mut slice = vec!["floor", "--dir", &folder, "--seconds", &seconds];
    if let Some(rate) = &rate {
        slice.extend(["--rate", rate]);
    }
    let before = quiet::wait();
    let mut figures = load(None, &slice)?;
    figures["noisy"] = Value::Bool(before == Quiet::Noisy);
    Ok(figures)
}

/// One slice on a server of its own with an empty store, started with more options.
pub(crate) fn with_server(arguments: &[&str], options: &[&str]) -> Result<Value, String> {
    let scratch = Scratch::new("bench");
    let mut settings = Settings::in_folder(scratch.path());
    settings.options = options.iter().map(|option| (*option).to_owned()).collect();
    let server = Server::start(&settings)?;
    let figures = load(Some(&server), arguments)
        .map_err(|error| format!("{error}\nthe server's log ends with:\n{}", server.log_tail()))?;
    server.stop()?;
    Ok(figures)
}

/// Runs the load client; its last line is the figures.
pub(crate) fn load(server: Option<&Server>, arguments: &[&str]) -> Result<Value, String> {
    let mut command = Command::new(paths::target().join("release/bench"));
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
    if let Some(server) = server {
        command.envs(server.environment());
        command.env("SERVER_PROCESS", server.process().to_string());
    }
    let output = command.output().map_err(|error| format!("the load client: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    match output.status.success() {
        true => serde_json::from_str(last).map_err(|error| format!("{last:?}: {error}")),
        false => Err(format!("bench {} failed", arguments.join(" "))),
    }
}
