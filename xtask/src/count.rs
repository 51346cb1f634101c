//! Reads how many tests ran out of what each tool prints.
//!
//! * Knows the closing lines of nextest, cargo test, vitest, and our own `ok` / `FAIL` lines.
//! * A tool that printed no such line counts as one check, by its exit code alone, only where the
//!   step says so; elsewhere "ran no test" is a failure.

/// What a step printed and how to count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// The exit code is the one check.
    ExitCode,
    /// `Summary [   1.2s] 5 tests run: 5 passed, 1 skipped`
    Nextest,
    /// `test result: ok. 5 passed; 0 failed; 1 ignored; …`, one line for each binary.
    CargoTest,
    /// `Tests  1 failed | 3 passed | 2 skipped (6)`
    Vitest,
    /// Lines that begin with `ok `, `FAIL` or `skip `.
    OkLines,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Count {
    /// One check that passed.
    pub(crate) fn one() -> Count {
        Count { passed: 1, ..Count::default() }
    }

    pub(crate) fn add(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Takes one line of output into account.
    pub(crate) fn read(&mut self, counting: Counting, line: &str) {
        let line = plain(line);
        let line = line.trim();
        match counting {
            Counting::ExitCode => {}
            Counting::Nextest => {
                if line.starts_with("Summary [") {
                    self.add(named(line, &["failed", "timed"]));
                }
            }
            Counting::CargoTest => {
                if line.starts_with("test result:") {
                    self.add(named(line, &["failed"]));
                }
            }
            Counting::Vitest => {
                if line.starts_with("Tests ") {
                    self.add(named(line, &["failed"]));
                }
            }
            Counting::OkLines => {
                if line == "ok" || line.starts_with("ok ") {
                    self.passed += 1;
                } else if line.starts_with("FAIL") {
                    self.failed += 1;
                } else if line.starts_with("skip ") {
                    self.skipped += 1;
                }
            }
        }
    }

    /// The count of a finished step, given whether its program succeeded.
    pub(crate) fn finish(mut self, counting: Counting, success: bool) -> Count {
        match (counting, success) {
            (Counting::ExitCode, true) => self.passed = 1,
            (_, false) if self.failed == 0 => self.failed = 1,
            (_, true) if self.passed + self.failed == 0 => self.failed = 1,
            _ => {}
        }
        self
    }
}

/// Adds up the numbers that stand before `passed`, `skipped` and the words for failure.
fn named(line: &str, failures: &[&str]) -> Count {
    let mut count = Count::default();
    let words: Vec<&str> = line.split_whitespace().collect();
    for pair in words.windows(2) {
        let Ok(number) = pair[0].trim_start_matches('(').parse::<u64>() else { continue };
        let word = pair[1].trim_matches(|c: char| !c.is_alphabetic());
        match word {
            "passed" => count.passed += number,
            "skipped" | "ignored" | "todo" => count.skipped += number,
            word if failures.contains(&word) => count.failed += number,
            _ => {}
        }
    }
    count
}

/// The line without colour codes.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' {
            characters.by_ref().find(|c| c.is_ascii_alphabetic());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(counting: Counting, lines: &[&str]) -> Count {
        let mut count = Count::default();
        lines.iter().for_each(|line| count.read(counting, line));
        count
    }

    #[test]
    fn reads_the_closing_line_of_nextest() {
        let line = "     Summary [   4.010s] 9 tests run: 6 passed (1 slow), 2 failed, \
                    1 timed out, 4 skipped";
        let count = read(Counting::Nextest, &[line]);
        assert_eq!(count, Count { passed: 6, failed: 3, skipped: 4 });
    }

    #[test]
    fn adds_up_the_binaries_of_cargo_test() {
        let line = "test result: ok. 5 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out";
        let count = read(Counting::CargoTest, &[line, "noise", line]);
        assert_eq!(count, Count { passed: 10, failed: 2, skipped: 4 });
    }

    #[test]
    fn reads_vitest_in_colour() {
        let line = "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[31m1 failed\u{1b}[39m | 3 passed | \
                    2 skipped (6)";
        let count = read(Counting::Vitest, &[line, " Test Files  1 passed (1)"]);
        assert_eq!(count, Count { passed: 3, failed: 1, skipped: 2 });
    }

    #[test]
    fn counts_ok_and_fail_lines() {
        let count =
            read(Counting::OkLines, &["ok   one", "FAIL two", "okay", "", "FAIL", "skip x"]);
        assert_eq!(count, Count { passed: 1, failed: 2, skipped: 1 });
    }

    #[test]
    fn a_step_that_ran_no_test_has_failed() {
        let none = Count::default();
        assert_eq!(none.finish(Counting::Nextest, true).failed, 1);
        assert_eq!(none.finish(Counting::OkLines, false).failed, 1);
        assert_eq!(none.finish(Counting::ExitCode, true).passed, 1);
        let some = Count { passed: 2, ..none };
        assert_eq!(some.finish(Counting::OkLines, true), some);
        assert_eq!(some.finish(Counting::OkLines, false).failed, 1);
    }
}
