//! `cargo xtask parameters`: which test shows each parameter of the published documents.
//!
//! * The documents are read where they lie beside the repository; their prose is never copied.
//! * A parameter without a test, or a test that claims what is not published, is a finding.
//! * The tables in `docs/reference/` are what this prints; one that differs is a finding too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::paths;

/// Operations that are not served yet; empty when all are.
const NOT_YET: [&str; 0] = [];
/// The test that tries each path parameter; both of `clients/python/parameters.py`'s making.
const IN_PATH: &str = "every path parameter names what is meant";
/// Scenarios that show what leaves the server because of a parameter.
const ALSO: [(&str, &str, &str); 8] = [
    ("CreateWorkspace", "EventCallbackUrl", "stat-09"),
    ("CreateWorkspace", "EventsFilter", "stat-09"),
    ("CreateWorkflow", "AssignmentCallbackUrl", "cb-01"),
    ("CreateWorkflow", "FallbackAssignmentCallbackUrl", "cb-04"),
    ("CreateTask", "VirtualStartTime", "match-13"),
    ("UpdateTask", "Priority", "life-15"),
    ("UpdateWorkflow", "Configuration", "wf-26"),
    ("UpdateTaskQueue", "TargetWorkers", "match-16"),
];
/// A product whose document is published.
struct Product {
    /// As cases and paths call it.
    name: &'static str,
    /// As people call it.
    title: &'static str,
    /// How many operations its document has.
    #[cfg(test)]
    operations: usize,
}

const PRODUCTS: [Product; 2] = [
    Product {
        name: "taskrouter",
        title: "TaskRouter",
        #[cfg(test)]
        operations: 61,
    },
    Product {
        name: "sync",
        title: "Sync",
        #[cfg(test)]
        operations: 48,
    },
];

impl Product {
    fn document(&self) -> PathBuf {
        paths::root().join(format!("../shared/specs/{}_v1.json", self.name))
    }

    fn table(&self) -> String {
        format!("docs/reference/{}-parameters.md", self.name)
    }
}

/// One parameter of one operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Parameter {
    operation: String,
    name: String,
    place: &'static str,
}

/// Which case shows a parameter, by operation and name.
type Shown = BTreeMap<(String, String), Vec<String>>;

/// Runs the command: checks, and with `--write` writes the table first.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let is_written = arguments.iter().any(|argument| argument == "--write");
    let mut found = Vec::new();
    for product in &PRODUCTS {
        let Some(published) = published(product)? else {
            println!("{} is not here: nothing to compare with", product.document().display());
            continue;
        };
        let shown = shown(product)?;
        if is_written {
            let file = paths::root().join(product.table());
            std::fs::write(&file, table(product, &published, &shown))
                .map_err(|error| format!("{}: {error}", file.display()))?;
        }
        found.extend(findings(product, &published, &shown));
        let operations: BTreeSet<&str> =
            published.iter().map(|one| one.operation.as_str()).collect();
        let (title, parameters) = (product.title, published.len());
        println!("{title}: {} operations, {parameters} parameters", operations.len());
    }
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}

/// Every parameter of the document in its order, and each operation once even without any.
fn published(product: &Product) -> Result<Option<Vec<Parameter>>, String> {
    let Ok(text) = std::fs::read_to_string(product.document()) else { return Ok(None) };
    let document: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for item in document["paths"].as_object().into_iter().flat_map(|paths| paths.values()) {
        for method in ["get", "post", "delete"] {
            if let Some(operation) = item.get(method) {
                all.extend(parameters(&document, operation));
            }
        }
    }
    all.sort();
    Ok(Some(all))
}

fn parameters(document: &Value, operation: &Value) -> Vec<Parameter> {
    let id = text(&operation["operationId"]);
    let parameter =
        |name: &str, place| Parameter { operation: id.clone(), name: name.to_owned(), place };
    let mut all = Vec::new();
    for one in operation["parameters"].as_array().into_iter().flatten() {
        let place = match text(&one["in"]).as_str() {
            "path" => "path",
            "query" => "query",
            "header" => "header",
            other => panic!("{id} has a parameter in {other}"),
        };
        all.push(parameter(&text(&one["name"]), place));
    }
    let bodies = operation["requestBody"]["content"].as_object();
    for (media, body) in bodies.into_iter().flatten() {
        let schema = &body["schema"];
        let named = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next());
        let schema = named.map_or(schema, |name| &document["components"]["schemas"][name]);
        let fields = schema["properties"].as_object();
        all.extend(fields.into_iter().flatten().map(|(name, _)| parameter(name, "form")));
        if media == "application/json" {
            all.push(parameter("body", "JSON"));
        }
    }
    all
}

fn shown(product: &Product) -> Result<Shown, String> {
    let mut shown = Shown::new();
    for case in cases(Some(product))? {
        for (operation, names) in case["shows"].as_object().into_iter().flatten() {
            for name in names.as_array().into_iter().flatten() {
                let key = (operation.clone(), text(name));
                shown.entry(key).or_default().push(text(&case["name"]));
            }
        }
    }
    Ok(shown)
}

/// The cases of one product, or of all.
fn cases(product: Option<&Product>) -> Result<Vec<Value>, String> {
    let folder = paths::root().join("clients/cases");
    let entries = std::fs::read_dir(&folder).map_err(|error| error.to_string())?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let read = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        let book: Value =
            serde_json::from_str(&read).map_err(|error| format!("{}: {error}", file.display()))?;
        let of = book["product"].as_str().unwrap_or("taskrouter");
        if product.is_some_and(|product| product.name != of) {
            continue;
        }
        cases.extend(book["cases"].as_array().cloned().unwrap_or_default());
    }
    Ok(cases)
}

fn tests_of(parameter: &Parameter, shown: &Shown) -> Vec<String> {
    let key = (parameter.operation.clone(), parameter.name.clone());
    let mut tests = shown.get(&key).cloned().unwrap_or_default();
    let also = ALSO.iter().filter(|(of, name, _)| key.0 == *of && key.1 == *name);
    tests.extend(also.map(|(_, _, scenario)| (*scenario).to_owned()));
    let is_called = shown.keys().any(|(operation, _)| *operation == parameter.operation);
    if parameter.place == "path" && is_called {
        tests.push(IN_PATH.to_owned());
    }
    tests
}

fn findings(product: &Product, published: &[Parameter], shown: &Shown) -> Vec<String> {
    let mut found = Vec::new();
    let is_not_yet = |operation: &str| NOT_YET.contains(&operation);
    for parameter in published.iter().filter(|one| !is_not_yet(&one.operation)) {
        if tests_of(parameter, shown).is_empty() {
            found.push(format!("no case shows {} of {}", parameter.name, parameter.operation));
        }
    }
    for (operation, name) in shown.keys() {
        let is = |one: &&Parameter| one.operation == *operation && one.name == *name;
        if !published.iter().any(|one| is(&one)) {
            found.push(format!("{name} of {operation} is shown, but not published"));
        }
        if is_not_yet(operation) {
            found.push(format!("{operation} is shown, and listed as not served yet"));
        }
    }
    let file = product.table();
    let written = std::fs::read_to_string(paths::root().join(&file)).unwrap_or_default();
    if written != table(product, published, shown) {
        found.push(format!("{file} is not up to date: cargo xtask parameters --write"));
    }
    found
}

fn table(product: &Product, published: &[Parameter], shown: &Shown) -> String {
    let mut text = format!(
        "# {}: each published parameter and the case that shows what it does\n\n\
         Written by `cargo xtask parameters --write`. The cases are those of `clients/cases/` \
         (and scenarios, by their ids); \
         `cargo xtask test parameters` runs\nthem through the official Node and Python \
         libraries, and checks this table.\n\n\
         | operation | parameter | in | shown by |\n|---|---|---|---|\n",
        product.title,
    );
    for parameter in published {
        let tests = match NOT_YET.contains(&parameter.operation.as_str()) {
            true => "not yet".to_owned(),
            false => tests_of(parameter, shown).join("; "),
        };
        let Parameter { operation, name, place } = parameter;
        let _ = writeln!(text, "| {operation} | {name} | {place} | {tests} |");
    }
    text
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is promised, in our own words, and by how many tests at least.
    const PROMISES: [(&str, usize); 2] =
        [("docs/reference/taskrouter-behaviour.md", 150), ("docs/reference/sync-behaviour.md", 60)];

    /// Names of Rust tests, of scenarios, of cases and of what scripts check.
    fn known_tests() -> BTreeSet<String> {
        let mut known: BTreeSet<String> =
            cases(None).expect("cases are JSON").iter().map(|case| text(&case["name"])).collect();
        let vectors = paths::root().join("testkit/vectors");
        for file in std::fs::read_dir(vectors).expect("vectors are there").flatten() {
            if file.file_name().to_string_lossy().starts_with("routing-") {
                let read = std::fs::read_to_string(file.path()).expect("vectors are texts");
                let scenarios: Vec<Value> = serde_json::from_str(&read).expect("vectors are JSON");
                known.extend(scenarios.iter().map(|scenario| text(&scenario["id"])));
            }
        }
        for folder in ["engines", "edge", "shell", "server", "xtask"] {
            rust_tests(&paths::root().join(folder), &mut known);
        }
        for entry in std::fs::read_dir(paths::root().join("clients/node")).expect("it is there") {
            let path = entry.expect("it can be read").path();
            if path.extension().is_some_and(|extension| extension == "js") {
                let read = std::fs::read_to_string(&path).expect("scripts are texts");
                let names = read.split("check('").skip(1).filter_map(|rest| rest.split_once('\''));
                known.extend(names.map(|(name, _)| name.to_owned()));
            }
        }
        known
    }

    fn rust_tests(folder: &std::path::Path, known: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                rust_tests(&path, known);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let read = std::fs::read_to_string(&path).expect("sources are texts");
                let marked = read.split("#[").filter(|marked| is_test(marked));
                let names = marked.filter_map(|after| after.split_once("fn ")?.1.split_once('('));
                known.extend(names.map(|(name, _)| name.to_owned()));
            }
        }
    }

    /// Whether this is what follows the opening of a test's attribute, `#[tokio::test(…)]` too.
    fn is_test(marked: &str) -> bool {
        let name = marked.split([']', '(']).next().unwrap_or_default();
        name == "test" || name.ends_with("::test")
    }

    #[test]
    fn every_published_parameter_has_a_case_that_shows_it() {
        for product in &PRODUCTS {
            let Some(published) = published(product).expect("the document is JSON") else {
                println!("{} is not here: nothing is compared", product.document().display());
                continue;
            };
            let operations: BTreeSet<&str> =
                published.iter().map(|one| one.operation.as_str()).collect();
            // One operation has no parameter at all but its form; services are listed by pages.
            assert_eq!(operations.len(), product.operations, "{}", product.title);
            let shown = shown(product).expect("cases are JSON");
            let found = findings(product, &published, &shown);
            assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }

    #[test]
    fn what_no_case_shows_and_what_is_not_published_is_found() {
        let one = |name: &str| Parameter {
            operation: "ListTask".to_owned(),
            name: name.to_owned(),
            place: "query",
        };
        let mut shown = Shown::new();
        shown.insert(("ListTask".to_owned(), "Age".to_owned()), vec!["a case".to_owned()]);
        let found = findings(&PRODUCTS[0], &[one("Priority")], &shown);
        assert!(found[0].contains("no case shows Priority of ListTask"), "{found:?}");
        assert!(found[1].contains("Age of ListTask is shown, but not published"), "{found:?}");
    }

    #[test]
    fn every_promise_names_tests_that_are_there() {
        let mut known = known_tests();
        known.insert(IN_PATH.to_owned());
        for (page, least) in PROMISES {
            let text = std::fs::read_to_string(paths::root().join(page));
            let text = text.expect("the page is there");
            let promises = text.lines().filter(|line| line.starts_with("| ")).skip(1);
            let (mut missing, mut count) = (Vec::new(), 0);
            for line in promises.filter(|line| !line.ends_with("| shown by |")) {
                let tests = line.trim_end_matches(" |").rsplit_once(" | ");
                let named: Vec<&str> = named_in(tests.map_or("", |(_, last)| last));
                assert!(!named.is_empty(), "{line}");
                missing.extend(named.iter().filter(|name| !known.contains(**name)).copied());
                count += named.len();
            }
            assert!(missing.is_empty(), "{page} names tests that are not there: {missing:?}");
            assert!(count > least, "{page}: {count}");
        }
    }

    /// Between backticks or quotes.
    fn named_in(text: &str) -> Vec<&str> {
        text.split(['`', '"']).skip(1).step_by(2).collect()
    }

    #[test]
    fn names_of_cases_are_their_own() {
        let names: Vec<String> =
            cases(None).expect("cases are JSON").iter().map(|case| text(&case["name"])).collect();
        let own: BTreeSet<&String> = names.iter().collect();
        assert_eq!(own.len(), names.len());
    }
}
