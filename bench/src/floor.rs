//! The floor: bare SQLite commits of one 400-byte row, with full sync, one after the other.
//!
//! * The settings are those of the server's writer, so what the server adds is the difference.
//! * With a rate, commits are paced: a disk that is asked seldom answers more slowly.

use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::Options;
use crate::figures::Samples;

const SETTINGS: &str = "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; \
    PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=4000; \
    CREATE TABLE row(key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;";

pub(crate) fn run(options: &Options) -> Result<Value, String> {
    let limit = options.seconds()?;
    let file = std::path::Path::new(options.text("dir")?).join("floor.sqlite");
    let connection = Connection::open(&file).map_err(|error| error.to_string())?;
    connection.execute_batch(SETTINGS).map_err(|error| error.to_string())?;
    let body = "x".repeat(400);
    let mut samples = Samples::default();
    let started = Instant::now();
    let rate = options.given("rate").map(|_| options.number("rate")).transpose()?;
    let pause = rate.map(|rate| Duration::from_secs_f64(1.0 / rate.max(1) as f64));
    while started.elapsed() < limit {
        if let Some(pause) = pause {
            let due = started + pause.mul_f64(samples.len() as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let before = Instant::now();
        commit(&connection, samples.len(), &body).map_err(|error| error.to_string())?;
        samples.add(before.elapsed());
    }
    let rate = samples.len() as f64 / started.elapsed().as_secs_f64();
    let mut figures = samples.figures();
    figures["per_second"] = json!(rate);
    Ok(figures)
}

fn commit(connection: &Connection, number: usize, body: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    connection
        .prepare_cached("INSERT INTO row VALUES (?1, ?2)")?
        .execute((format!("{number:034}"), body))?;
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}
