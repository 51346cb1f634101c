//! What `sinew-bench` is told on its command line.

use std::path::PathBuf;
use std::time::Duration;

/// The help, also shown after a wrong option.
const HELP: &str = "\
sinew-bench server|start --sinew FILE [options]
  --workers LIST     worker counts of the server benchmark          (100,1000)
  --rounds N         repeats of every slice                         (3)
  --slice SECONDS    length of a load slice; 100/s takes four times (3)
  --callers LIST     callers of the create slices                   (1,16,128)
  --only LIST        parts of the server benchmark: latency, lives, create
  --postgres FOLDER  PostgreSQL's programs, for the peer
  --pgrouter FILE    the routing peer
  --socketio FILE    the socket.io peer's script
  --large WORKERS,TASKS   the large store of the start benchmark    (10000,100000)
  --keep             leaves the data folders where they are";

/// Which benchmark runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Benchmark {
    Server,
    Start,
}

/// Everything a run is told.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) benchmark: Benchmark,
    pub(crate) sinew: PathBuf,
    pub(crate) workers: Vec<usize>,
    pub(crate) rounds: usize,
    pub(crate) slice: Duration,
    pub(crate) callers: Vec<usize>,
    pub(crate) only: Vec<String>,
    pub(crate) postgres: Option<PathBuf>,
    pub(crate) pgrouter: Option<PathBuf>,
    pub(crate) socketio: Option<PathBuf>,
    pub(crate) large: (usize, usize),
    pub(crate) keep: bool,
}

impl Options {
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut arguments = arguments;
        let benchmark = match arguments.next().as_deref() {
            Some("server") => Benchmark::Server,
            Some("start") => Benchmark::Start,
            _ => return Err(HELP.to_owned()),
        };
        let mut options = Options {
            benchmark,
            sinew: PathBuf::new(),
            workers: vec![100, 1_000],
            rounds: 3,
            slice: Duration::from_secs(3),
            callers: vec![1, 16, 128],
            only: Vec::new(),
            postgres: None,
            pgrouter: None,
            socketio: None,
            large: (10_000, 100_000),
            keep: false,
        };
        while let Some(name) = arguments.next() {
            options.set(&name, &mut arguments).map_err(|error| format!("{error}\n\n{HELP}"))?;
        }
        if !options.sinew.is_file() {
            return Err(format!("--sinew {:?} is not a file\n\n{HELP}", options.sinew));
        }
        Ok(options)
    }

    /// Whether a part of the server benchmark was asked for.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    fn set(
        &mut self,
        name: &str,
        rest: &mut impl Iterator<Item = String>,
    ) -> Result<(), String> {
        if name == "--keep" {
            self.keep = true;
            return Ok(());
        }
        let value = rest.next().ok_or(format!("{name} needs a value"))?;
        match name {
            "--sinew" => self.sinew = value.into(),
            "--workers" => self.workers = numbers(&value)?,
            "--rounds" => self.rounds = number(&value)?.max(1),
            "--slice" => self.slice = Duration::from_secs(number(&value)?.max(1) as u64),
            "--callers" => self.callers = numbers(&value)?,
            "--only" => self.only = value.split(',').map(str::to_owned).collect(),
            "--postgres" => self.postgres = Some(value.into()),
            "--pgrouter" => self.pgrouter = Some(value.into()),
            "--socketio" => self.socketio = Some(value.into()),
            "--large" => match numbers(&value)?[..] {
                [workers, tasks] => self.large = (workers, tasks),
                _ => return Err("--large needs two numbers".to_owned()),
            },
            _ => return Err(format!("there is no option {name}")),
        }
        Ok(())
    }
}

fn numbers(text: &str) -> Result<Vec<usize>, String> {
    text.split(',').map(number).collect()
}

fn number(text: &str) -> Result<usize, String> {
    text.replace('_', "").parse().map_err(|_| format!("{text:?} is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn reads_lists_and_keeps_the_defaults() {
        let options = parse("server --sinew /bin/sh --workers 100,10_000 --only lives").unwrap();
        assert_eq!(options.benchmark, Benchmark::Server);
        assert_eq!(options.workers, [100, 10_000]);
        assert_eq!(options.callers, [1, 16, 128]);
        assert!(options.wants("lives") && !options.wants("create"));
    }

    #[test]
    fn names_what_is_wrong() {
        assert!(parse("").unwrap_err().starts_with("sinew-bench"));
        assert!(parse("server --sinew /nowhere").unwrap_err().contains("/nowhere"));
        assert!(parse("start --rounds many").unwrap_err().contains("\"many\""));
        assert!(parse("start --colour red").unwrap_err().contains("--colour"));
    }
}
