//! The load that `cargo xtask bench` puts on a server: one slice per run, one line of JSON.
//!
//! * Knows the server by its contract alone: REST, the event socket, and what `/proc` says of it.
//! * One thread, so that on two cores the server keeps the other one.
//! * A slice with a refused request, or whose pushes do not match its creates, is an error and
//!   gives no figure.

mod bare;
mod board;
mod connection;
mod creations;
mod fanout;
mod figures;
mod floor;
mod lives;
mod load;
mod machine;
mod site;
mod sockets;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use tokio::task::LocalSet;

/// The client shares the processors with what it measures: what it wastes, the server lacks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
bench floor     --dir FOLDER --seconds S [--rate PER_SECOND]   bare SQLite commits
bench creations --callers N --seconds S                        durable creations, closed loop
bench latency   --workers N --rate PER_SECOND --seconds S      created -> event on the socket
bench lives     --workers N --callers N --seconds S            whole lives, closed loop
bench fanout    --protocol twilsock|bare|socketio|deepstream|jetstream|redis [--address A:PORT]
                --subscribers N --rate PER_SECOND|max [--window N] --seconds S [--object map]
                [--acknowledge yes] [--storm yes]              one object, many subscribers
bench bare      --port N                                       a bare WebSocket loop, to compare
bench fill      --workers N --tasks N                          a large store of waiting tasks
bench look      --workspace WS --task WT --attributes TEXT     is that task there, unchanged?

The server is named by BASE, ACCOUNT_SID, AUTH_TOKEN, API_KEY, API_SECRET and SERVER_PROCESS.";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    match Options::parse(arguments).and_then(|options| run(&name, &options)) {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, options: &Options) -> Result<Value, String> {
    if name == "bare" {
        return bare::run(options);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    LocalSet::new().block_on(&runtime, async {
        match name {
            "floor" => floor::run(options),
            "creations" => creations::run(options).await,
            "latency" => lives::latency(options).await,
            "lives" => lives::throughput(options).await,
            "fanout" => fanout::run(options).await,
            "fill" => site::fill(options).await,
            "look" => site::look(options).await,
            other => Err(format!("there is no slice {other:?}\n\n{HELP}")),
        }
    })
}

/// `--name value` pairs.
pub(crate) struct Options(BTreeMap<String, String>);

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = BTreeMap::new();
        while let Some(name) = arguments.next() {
            let short =
                name.strip_prefix("--").ok_or(format!("{name:?} is no option\n\n{HELP}"))?;
            let value = arguments.next().ok_or(format!("{name} needs a value\n\n{HELP}"))?;
            options.insert(short.to_owned(), value);
        }
        Ok(Options(options))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        self.given(name).ok_or(format!("--{name} is missing\n\n{HELP}"))
    }

    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> Result<usize, String> {
        let text = self.text(name)?;
        text.parse().map_err(|_| format!("--{name} {text:?} is not a number"))
    }

    /// The length of the slice.
    pub(crate) fn seconds(&self) -> Result<Duration, String> {
        let text = self.text("seconds")?;
        let seconds = text.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
        seconds.ok_or_else(|| format!("--seconds {text:?} is not a time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_pairs_and_what_is_wrong_is_named() {
        let options = parse("--workers 100 --seconds 0.5 --dir x").unwrap();
        assert_eq!(options.number("workers"), Ok(100));
        assert_eq!(options.seconds(), Ok(Duration::from_millis(500)));
        assert!(options.number("dir").unwrap_err().contains("\"x\""));
        assert!(options.text("rate").unwrap_err().contains("--rate"));
        assert!(parse("--rate").is_err() && parse("latency").is_err());
    }

    #[test]
    fn an_unknown_slice_is_refused() {
        assert!(run("speed", &parse("").unwrap()).unwrap_err().contains("\"speed\""));
    }
}
