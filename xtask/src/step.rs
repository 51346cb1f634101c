//! Runs the steps of a command one after the other: a heading, the output as it comes, a count.
//!
//! * A step that fails does not stop those that do not need it; those that do are failed too, and
//!   the reason is named.
//! * What is skipped is named with its reason before the last line.
//! * The last line is `N passed, N failed, N skipped`.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::count::{Count, Counting};

/// The steps so far.
#[derive(Default)]
pub(crate) struct Steps {
    only: Vec<String>,
    total: Count,
    failures: Vec<String>,
    skips: Vec<String>,
}

impl Steps {
    /// Steps of which only those run whose name holds one of `only`; none means all.
    pub(crate) fn only(only: &[String]) -> Steps {
        Steps { only: only.to_vec(), ..Steps::default() }
    }

    /// Whether this step was asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }

    /// Runs a program as a step; `true` when it passed. A step not asked for passes unseen.
    pub(crate) fn run(&mut self, name: &str, counting: Counting, command: Command) -> bool {
        if !self.wants(name) {
            return true;
        }
        heading(name, &command);
        let started = Instant::now();
        let (count, success) = stream(counting, command);
        let count = count.finish(counting, success);
        self.close(name, count, started)
    }

    /// Runs one of our own functions as a step; what it counts is its result.
    pub(crate) fn call(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<Count, String>,
    ) -> bool {
        if !self.wants(name) {
            return true;
        }
        println!("\n== {name}");
        let started = Instant::now();
        let count = work().unwrap_or_else(|message| {
            println!("{message}");
            Count { failed: 1, ..Count::default() }
        });
        self.close(name, count, started)
    }

    /// Counts a step that could not run because something it needs is missing: a failure.
    pub(crate) fn missing(&mut self, name: &str, reason: &str) {
        if self.wants(name) {
            println!("\n== {name}\ncannot run: {reason}");
            self.total.failed += 1;
            self.failures.push(format!("{name}: {reason}"));
        }
    }

    /// Leaves a step out, and says why.
    pub(crate) fn skip(&mut self, name: &str, reason: &str) {
        if self.wants(name) {
            self.total.skipped += 1;
            self.skips.push(format!("{name}: {reason}"));
        }
    }

    /// Names what failed and what was skipped, then prints the one closing line.
    pub(crate) fn finish(self) -> Result<(), String> {
        println!();
        self.failures.iter().for_each(|failure| println!("failed: {failure}"));
        self.skips.iter().for_each(|skip| println!("skipped: {skip}"));
        let Count { passed, failed, skipped } = self.total;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        match (passed, failed) {
            (0, 0) => Err("no step was run".to_owned()),
            (_, 0) => Ok(()),
            (_, _) => std::process::exit(1),
        }
    }

    fn close(&mut self, name: &str, count: Count, started: Instant) -> bool {
        let seconds = started.elapsed().as_secs_f64();
        let Count { passed, failed, skipped } = count;
        println!(
            "-- {name}: {passed} passed, {failed} failed, {skipped} skipped in {seconds:.1} s"
        );
        self.total.add(count);
        if skipped > 0 {
            self.skips.push(format!("{name}: {skipped} left out by the tests themselves"));
        }
        if failed > 0 {
            self.failures.push(format!("{name}: {failed}"));
        }
        failed == 0
    }
}

fn heading(name: &str, command: &Command) {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or_default();
    let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy()).collect();
    println!("\n== {name}: {program} {}", arguments.join(" "));
}

/// Runs the program, passing on both its outputs line by line and counting as they go by.
fn stream(counting: Counting, mut command: Command) -> (Count, bool) {
    let mut count = Count::default();
    let (reader, writer) = std::io::pipe().expect("the system gives a pipe");
    let second = writer.try_clone().expect("the system gives a second end of the pipe");
    command.stdin(Stdio::null()).stdout(writer).stderr(second);
    command.env("NO_COLOR", "1").env("CARGO_TERM_COLOR", "never").env("CI", "true");
    let child = command.spawn();
    // Our copies of the pipe's end must go, or the reader would wait for us.
    drop(command);
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            println!("cannot start: {error}");
            return (count, false);
        }
    };
    for line in BufReader::new(reader).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        count.read(counting, &line);
    }
    let success = child.wait().is_ok_and(|status| status.success());
    (count, success)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn counts_both_outputs_and_keeps_going_after_a_failure() {
        let mut steps = Steps::default();
        assert!(!steps.run("a", Counting::OkLines, shell("echo ok 1; echo FAIL 2 >&2; exit 1")));
        assert!(steps.run("b", Counting::ExitCode, shell("true")));
        assert!(!steps.run("c", Counting::ExitCode, shell("exit 3")));
        steps.skip("d", "not here");
        assert_eq!(steps.total, Count { passed: 2, failed: 2, skipped: 1 });
        assert_eq!(steps.failures.len(), 2);
    }

    #[test]
    fn runs_only_what_was_asked_for() {
        let mut steps = Steps::only(&["web".to_owned()]);
        assert!(steps.run("rust tests", Counting::ExitCode, shell("exit 1")));
        assert!(!steps.run("web tests", Counting::ExitCode, shell("exit 1")));
        assert_eq!(steps.total.failed, 1);
    }

    #[test]
    fn a_program_that_cannot_start_is_a_failure() {
        let mut steps = Steps::default();
        assert!(!steps.run("a", Counting::ExitCode, Command::new("/nonexistent/program")));
    }
}
