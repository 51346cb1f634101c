//! kill -9 at 100 random moments under load: everything that was answered with 2xx is found again.
//!
//! * Six writers work at once: new tasks and changes to them, whole lives with a reservation, and
//!   changes to workers. Each notes what was acknowledged, and the one change it is waiting for.
//! * In every second round the moment is just after the write-ahead log was written, so the kill
//!   falls between the write of a group and its answer.
//! * After each restart, each thing that was touched in that round is read by REST, with some
//!   older ones; at the end, all of them are. Attributes must be equal byte for byte, the version
//!   at least the acknowledged one, the status no earlier.
//! * For some rounds the store is plain; then it is enciphered, and every few rounds a new key
//!   comes in front, so that the kills fall between texts under several keys and none.
//! * The change that was in flight may have happened or not; a half of it may not.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::count::Count;
use crate::http::{Answer, Caller, Connection, text};
use crate::scratch::{Dice, Scratch, hex};
use crate::server::{Server, Settings};

const ROUNDS: u64 = 100;
const WRITERS: usize = 6;
/// A round is killed after a random number of acknowledged requests up to this.
const REQUESTS_MAX: u64 = 500;
/// Rounds without a key, and rounds that each key is the newest in.
const PLAIN_ROUNDS: u64 = 20;
const KEY_ROUNDS: u64 = 10;
const ROUND_LIMIT: Duration = Duration::from_secs(10);

/// `cargo xtask crash [SEED]`
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let seed = match arguments.first() {
        Some(text) => text.parse().map_err(|_| format!("{text:?} is not a seed"))?,
        None => fresh_seed(),
    };
    if !crate::paths::release_server().is_file() {
        crate::test::build_release()?;
    }
    run_rounds(seed).map(|_| ())
}

/// A seed that is new each time; it is printed.
pub(crate) fn fresh_seed() -> u64 {
    u64::from_str_radix(&hex(8), 16).expect("hex digits")
}

/// All rounds on one data folder.
pub(crate) fn run_rounds(seed: u64) -> Result<Count, String> {
    println!("seed {seed}: cargo xtask crash {seed}");
    let started = Instant::now();
    let scratch = Scratch::new("crash");
    let mut settings = Settings::in_folder(scratch.path());
    let config = scratch.path().join("sinew.toml");
    settings.options = vec!["--config".to_owned(), config.display().to_string()];
    configure_keys(&config, 0)?;
    let mut dice = Dice::new(seed);
    let mut server = Server::start(&settings)?;
    let place = Place::make(&server.owner())?;
    let mut writers: Vec<Writer> = (0..WRITERS).map(|lane| Writer::new(lane, seed)).collect();
    for writer in &mut writers {
        writer.prepare(&place, &server.owner())?;
    }
    let mut slowest = Duration::ZERO;
    for round in 0..ROUNDS {
        let moment = Moment::random(&mut dice, round);
        let acknowledged = load(server, &mut writers, &place, moment, &settings.data)?;
        configure_keys(&config, round)?;
        server = Server::start(&settings)
            .map_err(|error| format!("round {round} ({moment:?}): no restart: {error}"))?;
        slowest = slowest.max(server.ready_in);
        let mut checked = 0;
        for writer in &mut writers {
            checked += writer
                .verify(&server.owner(), Scope::Touched, &mut dice)
                .map_err(|error| format!("round {round} ({moment:?}), seed {seed}: {error}"))?;
        }
        println!(
            "ok   round {round}: killed {} after {} requests, {acknowledged} acknowledged, \
             {checked} found again",
            moment.when, moment.requests
        );
    }
    let mut checked = 0;
    for writer in &mut writers {
        checked += writer.verify(&server.owner(), Scope::All, &mut dice)?;
    }
    server.stop()?;
    look_at_keys(&settings.data, &config)?;
    println!(
        "ok   all {checked} found at the end; slowest start {:.0} ms; {:.0} s in all",
        slowest.as_secs_f64() * 1e3,
        started.elapsed().as_secs_f64()
    );
    Ok(Count { passed: ROUNDS + 1, ..Count::default() })
}

/// The keys of a round, newest first, in a configuration file.
fn configure_keys(config: &Path, round: u64) -> Result<(), String> {
    let count = (round + 1).saturating_sub(PLAIN_ROUNDS).div_ceil(KEY_ROUNDS);
    let keys = (1..=count).rev().map(|n| {
        let key = format!("{n:02x}").repeat(32);
        format!("{{ id = 'key-{n}', key = '{key}' }}")
    });
    let keys: Vec<String> = keys.collect();
    let text = format!("[encryption]\nkeys = [{}]\n", keys.join(", "));
    std::fs::write(config, text).map_err(|error| format!("{}: {error}", config.display()))
}

/// Everything that is stored can be deciphered.
fn look_at_keys(data: &Path, config: &Path) -> Result<(), String> {
    let mut doctor = std::process::Command::new(crate::paths::release_server());
    doctor.arg("doctor").arg("--data").arg(data).arg("--config").arg(config);
    let looked = doctor.output().map_err(|error| format!("sinew doctor: {error}"))?;
    let said = String::from_utf8_lossy(&looked.stdout);
    let keys: Vec<&str> = said.lines().take_while(|line| !line.is_empty()).skip(1).collect();
    println!("ok   sinew doctor: {}", keys.join("; "));
    match looked.status.success() {
        true => Ok(()),
        false => Err(format!("{said}{}", String::from_utf8_lossy(&looked.stderr))),
    }
}

/// When a round is killed.
#[derive(Clone, Copy, Debug)]
struct Moment {
    requests: u64,
    micros: u64,
    when: &'static str,
}

impl Moment {
    fn random(dice: &mut Dice, round: u64) -> Moment {
        let when = if round.is_multiple_of(2) { "at once" } else { "in a group commit" };
        Moment { requests: 1 + dice.below(REQUESTS_MAX), micros: dice.below(1_500), when }
    }
}

/// Lets the writers work until the moment has come, kills the server, and waits for the writers.
fn load(
    server: Server,
    writers: &mut [Writer],
    place: &Place,
    moment: Moment,
    data: &Path,
) -> Result<u64, String> {
    let acknowledged = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    let owner = server.owner();
    let failures: Vec<String> = std::thread::scope(|scope| {
        let (acknowledged, over, owner) = (&acknowledged, &over, &owner);
        let threads: Vec<_> = writers
            .iter_mut()
            .map(|writer| scope.spawn(move || writer.work(place, owner, acknowledged, over)))
            .collect();
        let deadline = Instant::now() + ROUND_LIMIT;
        while acknowledged.load(Ordering::Relaxed) < moment.requests && Instant::now() < deadline {
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(moment.micros));
        if moment.when != "at once" {
            wait_for_log_write(data);
        }
        server.kill();
        over.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .filter_map(|thread| thread.join().expect("a writer does not panic").err())
            .collect()
    });
    match failures.first() {
        Some(failure) => Err(failure.clone()),
        None => Ok(acknowledged.into_inner()),
    }
}

/// Returns as soon as the write-ahead log has changed, or after a tenth of a second.
fn wait_for_log_write(data: &Path) {
    let Some(log) = write_ahead_log(data) else { return };
    let before = stamp(&log);
    let deadline = Instant::now() + Duration::from_millis(100);
    while stamp(&log) == before && Instant::now() < deadline {
        std::hint::spin_loop();
    }
}

fn write_ahead_log(data: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(data).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths.find(|path| path.to_string_lossy().ends_with("-wal"))
}

fn stamp(file: &Path) -> Option<(u64, SystemTime)> {
    let facts = std::fs::metadata(file).ok()?;
    Some((facts.len(), facts.modified().ok()?))
}

/// The workspace that the writers share.
struct Place {
    workspace: String,
    available: String,
    /// Its one target is the worker whose lane is the task's.
    workflow: String,
}

impl Place {
    fn make(owner: &Caller) -> Result<Place, String> {
        let mut connection = owner.connect().map_err(|error| error.to_string())?;
        let created = connection.form("/taskrouter/v1/Workspaces", &[("FriendlyName", "Crash")]);
        let workspace = format!("/taskrouter/v1/Workspaces/{}", sid(created)?);
        let activity = [("FriendlyName", "At work"), ("Available", "true")];
        let available = sid(connection.form(&format!("{workspace}/Activities"), &activity))?;
        let queue =
            [("FriendlyName", "All"), ("TargetWorkers", "1==1"), ("MaxReservedWorkers", "1")];
        let queue = sid(connection.form(&format!("{workspace}/TaskQueues"), &queue))?;
        let configuration = serde_json::json!({"task_routing": {
            "filters": [{
                "filter_friendly_name": "lanes",
                "expression": "1==1",
                "targets": [{"queue": queue, "expression": "worker.lane == task.lane"}],
            }],
        }});
        let configuration = configuration.to_string();
        let workflow = [("FriendlyName", "Lanes"), ("Configuration", configuration.as_str())];
        let workflow = sid(connection.form(&format!("{workspace}/Workflows"), &workflow))?;
        Ok(Place { workspace, available, workflow })
    }
}

fn sid(answer: std::io::Result<Answer>) -> Result<String, String> {
    let body = answer.and_then(Answer::success).map_err(|error| error.to_string())?;
    match text(&body, "sid") {
        sid if sid.is_empty() => Err(format!("no sid in {body}")),
        sid => Ok(sid),
    }
}

/// What was acknowledged of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    attributes: String,
    status: String,
    version: u64,
}

impl Known {
    fn of(answer: &Answer) -> Known {
        let etag = answer.etag.as_deref().unwrap_or_default();
        let version = etag.trim_start_matches("W/").trim_matches('"').parse();
        Known {
            attributes: answer.text("attributes"),
            status: answer.text("assignment_status"),
            version: version.unwrap_or_default(),
        }
    }

    /// How far along its life a task is; nothing goes back.
    fn progress(&self) -> usize {
        let order = ["", "pending", "reserved", "assigned", "wrapping", "completed"];
        order.iter().position(|status| *status == self.status).unwrap_or(order.len())
    }

    /// Whether this, read after the crash, is what was acknowledged before it, or later.
    fn follows(&self, before: &Known, in_flight: Option<&str>) -> bool {
        let same = self.attributes == before.attributes;
        let changed = in_flight.is_some_and(|attributes| attributes == self.attributes);
        (same || changed) && self.version >= before.version && self.progress() >= before.progress()
    }
}

/// One thing that a writer made, and where to read it.
struct Thing {
    path: String,
    known: Known,
    /// Attributes that were sent and not answered when the server was killed.
    in_flight: Option<String>,
    touched: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Touched,
    All,
}

/// One of the concurrent callers, with its memory of what it was told.
struct Writer {
    lane: usize,
    worker: String,
    dice: Dice,
    serial: u64,
    things: Vec<Thing>,
}

/// A broken connection is the crash; anything else is a finding.
enum Stop {
    Crashed,
    Refused(String),
}

impl From<std::io::Error> for Stop {
    fn from(_: std::io::Error) -> Stop {
        Stop::Crashed
    }
}

impl Writer {
    fn new(lane: usize, seed: u64) -> Writer {
        let dice = Dice::new(seed.wrapping_add(lane as u64 + 1));
        Writer { lane, worker: String::new(), dice, serial: 0, things: Vec::new() }
    }

    /// Makes this lane's worker before the first round.
    fn prepare(&mut self, place: &Place, owner: &Caller) -> Result<(), String> {
        let mut connection = owner.connect().map_err(|error| error.to_string())?;
        let attributes = self.attributes();
        let name = format!("worker {}", self.lane);
        let answer = connection.form(
            &format!("{}/Workers", place.workspace),
            &[
                ("FriendlyName", name.as_str()),
                ("ActivitySid", &place.available),
                ("Attributes", &attributes),
            ],
        );
        let answer = answer.map_err(|error| error.to_string())?;
        let known = Known::of(&answer);
        let path = format!("{}/Workers/{}", place.workspace, sid(Ok(answer))?);
        self.worker.clone_from(&path);
        self.things.push(Thing { path, known, in_flight: None, touched: true });
        Ok(())
    }

    /// Attributes that no other request has.
    fn attributes(&mut self) -> String {
        self.serial += 1;
        let (lane, serial) = (self.lane, self.serial);
        let filler = "x".repeat(self.dice.below(400) as usize);
        let name = r#""name?":"a \"b\" é""#;
        format!(r#"{{"lane": {lane},  "serial":{serial}, {name}, "rest":"{filler}"}}"#)
    }

    fn work(
        &mut self,
        place: &Place,
        owner: &Caller,
        acknowledged: &AtomicU64,
        over: &AtomicBool,
    ) -> Result<(), String> {
        let Ok(mut connection) = owner.connect() else { return Ok(()) };
        let mut calls = Calls { connection: &mut connection, acknowledged };
        while !over.load(Ordering::Relaxed) {
            let done = match self.lane % 3 {
                0 => self.task_and_changes(place, &mut calls),
                1 => self.whole_life(place, &mut calls),
                _ => self.worker_change(&mut calls),
            };
            match done {
                Ok(()) => {}
                Err(Stop::Crashed) => return Ok(()),
                Err(Stop::Refused(why)) => return Err(why),
            }
        }
        Ok(())
    }

    /// A task of a lane that has no worker, and up to two changes of its attributes.
    fn task_and_changes(&mut self, place: &Place, calls: &mut Calls<'_>) -> Result<(), Stop> {
        let attributes = self.attributes().replacen("\"lane\": ", "\"lane\": 9", 1);
        let task = self.create(place, calls, &attributes)?;
        for _ in 0..self.dice.below(3) {
            let attributes = self.attributes().replacen("\"lane\": ", "\"lane\": 9", 1);
            self.change(task, calls, &attributes)?;
        }
        Ok(())
    }

    /// A task that this lane's worker is offered, accepts and completes.
    fn whole_life(&mut self, place: &Place, calls: &mut Calls<'_>) -> Result<(), Stop> {
        self.finish_old_lives(calls)?;
        let attributes = self.attributes();
        let task = self.create(place, calls, &attributes)?;
        self.live(task, calls)
    }

    /// A crash may have left a task of this lane open; the worker can hold only so many.
    fn finish_old_lives(&mut self, calls: &mut Calls<'_>) -> Result<(), Stop> {
        let open: Vec<usize> = (0..self.things.len())
            .filter(|at| self.things[*at].path.contains("/Tasks/"))
            .filter(|at| self.things[*at].known.status != "completed")
            .collect();
        open.into_iter().try_for_each(|task| self.live(task, calls))
    }

    fn live(&mut self, task: usize, calls: &mut Calls<'_>) -> Result<(), Stop> {
        // Whatever becomes of these requests is looked up after the crash.
        self.things[task].touched = true;
        let path = self.things[task].path.clone();
        if self.things[task].known.progress() < 3 {
            let list = calls.get(&format!("{path}/Reservations"))?;
            let mut all = list["reservations"].as_array().into_iter().flatten();
            let open = all.rfind(|r| text(r, "reservation_status") == "pending");
            // An offer can have run out during a slow restart; the task will be offered again.
            let Some(reservation) = open.map(|reservation| text(reservation, "sid")) else {
                return Ok(());
            };
            calls.form(
                &format!("{path}/Reservations/{reservation}"),
                &[("ReservationStatus", "accepted")],
            )?;
            self.things[task].known.status = "assigned".to_owned();
        }
        let done = calls.form(&path, &[("AssignmentStatus", "completed"), ("Reason", "done")])?;
        self.things[task].known = Known::of(&done);
        Ok(())
    }

    fn worker_change(&mut self, calls: &mut Calls<'_>) -> Result<(), Stop> {
        let attributes = self.attributes();
        self.change(0, calls, &attributes)
    }

    fn create(
        &mut self,
        place: &Place,
        calls: &mut Calls<'_>,
        attributes: &str,
    ) -> Result<usize, Stop> {
        let fields = [("Attributes", attributes), ("WorkflowSid", place.workflow.as_str())];
        let path = format!("{}/Tasks", place.workspace);
        let answer = calls.form(&path, &fields)?;
        let known = Known::of(&answer);
        if known.attributes != attributes {
            return Err(Stop::Refused(format!("sent {attributes}, was answered {known:?}")));
        }
        let path = format!("{path}/{}", answer.text("sid"));
        self.things.push(Thing { path, known, in_flight: None, touched: true });
        Ok(self.things.len() - 1)
    }

    fn change(&mut self, at: usize, calls: &mut Calls<'_>, attributes: &str) -> Result<(), Stop> {
        let thing = &mut self.things[at];
        thing.touched = true;
        thing.in_flight = Some(attributes.to_owned());
        let answer = calls.form(&thing.path, &[("Attributes", attributes)])?;
        thing.known = Known::of(&answer);
        thing.in_flight = None;
        Ok(())
    }

    /// Reads things back and compares; what was found is what is known from now on.
    fn verify(&mut self, owner: &Caller, scope: Scope, dice: &mut Dice) -> Result<u64, String> {
        let mut connection = owner.connect().map_err(|error| error.to_string())?;
        let mut checked = 0;
        for thing in &mut self.things {
            let is_due = thing.touched || scope == Scope::All || dice.below(50) == 0;
            if !is_due {
                continue;
            }
            let answer = connection.get(&thing.path).map_err(|error| error.to_string())?;
            if answer.status != 200 {
                let Thing { path, known, .. } = thing;
                return Err(format!("LOST {path}: answered {}; known {known:?}", answer.status));
            }
            let found = Known::of(&answer);
            if !found.follows(&thing.known, thing.in_flight.as_deref()) {
                let Thing { path, known, in_flight, .. } = thing;
                return Err(format!("CHANGED {path}: {found:?}; known {known:?}, {in_flight:?}"));
            }
            thing.known = found;
            thing.in_flight = None;
            thing.touched = false;
            checked += 1;
        }
        Ok(checked)
    }
}

/// One connection whose acknowledged requests are counted.
struct Calls<'a> {
    connection: &'a mut Connection,
    acknowledged: &'a AtomicU64,
}

impl Calls<'_> {
    fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, Stop> {
        let answer = self.connection.form(path, fields)?;
        match answer.status {
            200..=299 => {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                Ok(answer)
            }
            status => Err(Stop::Refused(format!("{path} {fields:?}: {status} {}", answer.body))),
        }
    }

    fn get(&mut self, path: &str) -> Result<Value, Stop> {
        let answer = self.connection.get(path)?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(Stop::Refused(format!("{path}: {status} {}", answer.body))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(attributes: &str, status: &str, version: u64) -> Known {
        Known { attributes: attributes.into(), status: status.into(), version }
    }

    #[test]
    fn what_is_found_must_be_the_acknowledged_state_or_the_change_in_flight() {
        let before = known("a", "reserved", 2);
        assert!(known("a", "reserved", 2).follows(&before, None));
        assert!(known("a", "assigned", 3).follows(&before, None));
        assert!(known("b", "reserved", 3).follows(&before, Some("b")));
        assert!(!known("b", "reserved", 3).follows(&before, None));
        assert!(!known("a", "pending", 2).follows(&before, None));
        assert!(!known("a", "reserved", 1).follows(&before, Some("b")));
    }

    #[test]
    fn moments_come_from_the_seed_alone() {
        let moments = |seed| -> Vec<u64> {
            let mut dice = Dice::new(seed);
            (0..20).map(|round| Moment::random(&mut dice, round).requests).collect()
        };
        assert_eq!(moments(7), moments(7));
        assert_ne!(moments(7), moments(8));
    }
}
