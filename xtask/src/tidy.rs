//! Cheap facts about the tree, checked as a test: lengths, module docs, left-overs, lock files.
//!
//! * Function length is measured outside `#[cfg(test)]` modules and `tests/` folders: a scenario
//!   may be long, a rule may not.
//! * Exceptions stand in `xtask/tidy.toml`, each with a reason; one that is no longer needed is a
//!   finding too.
//! * What rustfmt, clippy and biome check is not checked again.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::{paths, rust_text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    file_lines_max: usize,
    function_lines_max: usize,
    columns_max: usize,
    /// Where a left-over word may not stand, by file ending.
    leftovers: Vec<Leftover>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leftover {
    endings: Vec<String>,
    words: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    path: String,
    rule: String,
    reason: String,
}

/// One finding: which file, which rule, and the sentence.
struct Finding {
    path: String,
    rule: &'static str,
    says: String,
}

/// Everything that is not tidy in this repository, a sentence each.
pub(crate) fn check() -> Vec<String> {
    let root = paths::root();
    let rules = std::fs::read_to_string(root.join("xtask/tidy.toml"))
        .map_err(|error| error.to_string())
        .and_then(|text| toml::from_str(&text).map_err(|error| error.to_string()));
    let rules: Rules = match rules {
        Ok(rules) => rules,
        Err(error) => return vec![format!("xtask/tidy.toml: {error}")],
    };
    let files = match tracked(&root) {
        Ok(files) => files,
        Err(error) => return vec![error],
    };
    let mut findings = Vec::new();
    for path in files.iter().filter(|path| *path != "xtask/tidy.toml") {
        // A file that is not text has no lines to check.
        if let Ok(text) = std::fs::read_to_string(root.join(path)) {
            check_file(&rules, path, &text, &mut findings);
        }
    }
    settle(&rules, findings)
}

/// What git knows and does not ignore.
fn tracked(root: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .output()
        .map_err(|error| format!("git does not answer: {error}"))?;
    let list = String::from_utf8_lossy(&output.stdout);
    let mut files: Vec<String> = list.lines().map(str::to_owned).collect();
    files.sort();
    files.dedup();
    match files.is_empty() {
        true => Err("git lists no files here".to_owned()),
        false => Ok(files),
    }
}

fn check_file(rules: &Rules, path: &str, text: &str, findings: &mut Vec<Finding>) {
    let mut find = |rule: &'static str, says: String| {
        findings.push(Finding { path: path.to_owned(), rule, says });
    };
    let is_source = [".rs", ".ts", ".tsx", ".js", ".mjs", ".py"].iter().any(|e| path.ends_with(e));
    let lines = text.lines().count();
    if is_source && lines > rules.file_lines_max {
        find("file-lines", format!("{path}: {lines} lines, more than {}", rules.file_lines_max));
    }
    for (number, line) in text.lines().enumerate() {
        let at = format!("{path}:{}", number + 1);
        for leftover in rules.leftovers.iter().filter(|l| l.applies(path)) {
            for word in leftover.words.iter().filter(|word| line.contains(word.as_str())) {
                find("left-over", format!("{at}: {word:?} is left over"));
            }
        }
        if path.ends_with(".rs") && line.chars().count() > rules.columns_max {
            find("columns", format!("{at}: wider than {} columns", rules.columns_max));
        }
        if path.ends_with("package-lock.json") && line.contains("\"resolved\": \"http") {
            find("lock-file", format!("{at}: a download address, npm can do without"));
        }
    }
    if path.ends_with(".rs") {
        if !text.starts_with("//!") {
            find("module-docs", format!("{path}: does not begin with `//!`"));
        }
        let is_test = path.split('/').any(|part| part == "tests" || part == "tests.rs");
        for function in rust_text::functions(text) {
            if !is_test && function.length > rules.function_lines_max {
                let rust_text::Function { name, line, length } = function;
                let max = rules.function_lines_max;
                find(
                    "function-lines",
                    format!("{path}:{line}: {name} has {length} lines, more than {max}"),
                );
            }
        }
    }
}

impl Leftover {
    fn applies(&self, path: &str) -> bool {
        self.endings.iter().any(|ending| path.ends_with(ending.as_str()))
    }
}

/// Takes the listed exceptions off, and finds those that are not needed.
fn settle(rules: &Rules, findings: Vec<Finding>) -> Vec<String> {
    let mut unused: BTreeMap<(&str, &str), &str> = rules
        .exceptions
        .iter()
        .map(|e| ((e.path.as_str(), e.rule.as_str()), e.reason.as_str()))
        .collect();
    let allowed = unused.clone();
    let mut says = Vec::new();
    for finding in &findings {
        let key = (finding.path.as_str(), finding.rule);
        unused.remove(&key);
        if !allowed.contains_key(&key) {
            says.push(finding.says.clone());
        }
    }
    for ((path, rule), _) in unused {
        says.push(format!("xtask/tidy.toml: the exception of {path} from {rule} is not needed"));
    }
    for exception in rules.exceptions.iter().filter(|e| e.reason.trim().is_empty()) {
        says.push(format!("xtask/tidy.toml: the exception of {} gives no reason", exception.path));
    }
    says
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let findings = check();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }

    fn rules(exceptions: &str) -> Rules {
        let text = format!(
            "file_lines_max = 5\nfunction_lines_max = 2\ncolumns_max = 20\n\
             [[leftovers]]\nendings = [\".rs\"]\nwords = [\"FIX\"]\n{exceptions}"
        );
        toml::from_str(&text).unwrap()
    }

    fn found(rules: &Rules, path: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check_file(rules, path, text, &mut findings);
        settle(rules, findings)
    }

    #[test]
    fn each_rule_finds_its_fault() {
        let rules = rules("");
        let text = "fn a() {\n  1;\n} // FIX\n//\n//\n// wider than twenty columns\n";
        let says = found(&rules, "a.rs", text).join("\n");
        for part in ["6 lines", "\"FIX\" is left over", "wider than 20", "`//!`", "a has 3 lines"] {
            assert!(says.contains(part), "{part} in {says}");
        }
        let lock = "{\n\"resolved\": \"https://example.test/a.tgz\"\n}";
        assert_eq!(found(&rules, "package-lock.json", lock).len(), 1);
        assert!(found(&rules, "b.rs", "//! Docs.\n").is_empty());
    }

    #[test]
    fn an_exception_silences_one_rule_of_one_file_and_must_be_needed() {
        let rules = rules(
            "[[exceptions]]\npath = \"a.rs\"\nrule = \"module-docs\"\nreason = \"generated\"\n",
        );
        assert!(found(&rules, "a.rs", "fn a() {}\n").is_empty());
        let says = found(&rules, "a.rs", "//! Docs.\n");
        assert!(says[0].contains("not needed"), "{says:?}");
    }
}
