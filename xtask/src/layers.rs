//! Compares the arrows between crates with `xtask/layers.toml`.
//!
//! * A crate or an arrow that the table does not name is a finding; so is one that the table names
//!   and that does not exist, so the table stays a true picture.
//! * Arrows go down. One that goes sideways is listed under `sideways`, with its reason.
//! * A crate with `external` may use those outside crates and no others; none of the `forbidden`
//!   ones may be reached from it, however indirectly. Dev-dependencies are free of both rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::paths;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Outside crates that bring clocks, randomness, threads or IO.
    forbidden: BTreeSet<String>,
    crates: BTreeMap<String, Row>,
    #[serde(default)]
    sideways: Vec<Sideways>,
    #[serde(default)]
    tolerated: Vec<Tolerated>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    layer: u8,
    imports: BTreeSet<String>,
    /// What tests may import besides.
    #[serde(default)]
    tests: BTreeSet<String>,
    external: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sideways {
    from: String,
    to: String,
    reason: String,
}

/// A forbidden crate that comes along behind a library and is never called.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tolerated {
    from: String,
    to: BTreeSet<String>,
    reason: String,
}

/// What cargo says about the workspace.
#[derive(Default)]
struct Facts {
    /// For each crate of the workspace its direct dependencies of ours, and outside ones.
    crates: BTreeMap<String, Direct>,
    /// For each crate of the workspace the outside crates it reaches in a normal build.
    reached: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Default)]
struct Direct {
    ours: BTreeSet<String>,
    tests: BTreeSet<String>,
    outside: BTreeSet<String>,
}

/// Every difference between the table and the workspace, a sentence each.
pub(crate) fn check() -> Vec<String> {
    match (table(), metadata()) {
        (Ok(table), Ok(metadata)) => compare(&table, &facts(&metadata)),
        (Err(error), _) | (_, Err(error)) => vec![error],
    }
}

fn table() -> Result<Table, String> {
    let text = std::fs::read_to_string(paths::root().join("xtask/layers.toml"))
        .map_err(|error| format!("xtask/layers.toml: {error}"))?;
    toml::from_str(&text).map_err(|error| format!("xtask/layers.toml: {error}"))
}

fn metadata() -> Result<Value, String> {
    let output = paths::cargo()
        .args(["metadata", "--format-version", "1"])
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)))
}

fn facts(metadata: &Value) -> Facts {
    let members: BTreeSet<&str> = strings(&metadata["workspace_members"]).collect();
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for package in array(&metadata["packages"]) {
        names.insert(string(&package["id"]), string(&package["name"]));
    }
    let ours: BTreeSet<&str> = members.iter().filter_map(|id| names.get(id).copied()).collect();
    let mut facts = Facts::default();
    for package in array(&metadata["packages"]) {
        if !members.contains(string(&package["id"])) {
            continue;
        }
        let mut direct = Direct::default();
        for dependency in array(&package["dependencies"]) {
            let name = string(&dependency["name"]).to_owned();
            match (ours.contains(name.as_str()), dependency["kind"].as_str()) {
                (true, Some("dev")) => direct.tests.insert(name),
                (true, _) => direct.ours.insert(name),
                (false, Some("dev")) => false,
                (false, _) => direct.outside.insert(name),
            };
        }
        facts.crates.insert(string(&package["name"]).to_owned(), direct);
    }
    let edges = edges(&metadata["resolve"]["nodes"]);
    for member in &members {
        let reached = reach(member, &edges).into_iter().filter(|id| !members.contains(id));
        let reached = reached.filter_map(|id| names.get(id).map(|name| (*name).to_owned()));
        facts.reached.insert(names[member].to_owned(), reached.collect());
    }
    facts
}

/// The arrows of a normal build, between package ids.
fn edges(nodes: &Value) -> BTreeMap<&str, Vec<&str>> {
    let mut edges = BTreeMap::new();
    for node in array(nodes) {
        let normal = array(&node["deps"]).iter().filter(|dependency| {
            array(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null())
        });
        edges.insert(string(&node["id"]), normal.map(|d| string(&d["pkg"])).collect());
    }
    edges
}

fn reach<'a>(from: &'a str, edges: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        for next in edges.get(id).into_iter().flatten() {
            if seen.insert(*next) {
                open.push(next);
            }
        }
    }
    seen
}

fn compare(table: &Table, facts: &Facts) -> Vec<String> {
    let mut says = Vec::new();
    for (name, direct) in &facts.crates {
        match table.crates.get(name) {
            None => says.push(format!("{name}: a new crate, not in xtask/layers.toml")),
            Some(row) => compare_crate(table, name, row, direct, &mut says),
        }
    }
    for (name, row) in &table.crates {
        let Some(direct) = facts.crates.get(name) else {
            says.push(format!("{name}: in xtask/layers.toml, but there is no such crate"));
            continue;
        };
        for to in row.imports.difference(&direct.ours) {
            says.push(format!("{name} -> {to}: in xtask/layers.toml, but not in the manifest"));
        }
        for to in row.tests.difference(&direct.tests) {
            says.push(format!("{name} -> {to} (tests): listed, but not in the manifest"));
        }
        let reached = facts.reached.get(name).into_iter().flatten();
        if row.external.is_some() {
            for outside in reached.filter(|outside| table.forbidden.contains(*outside)) {
                if !table.tolerated.iter().any(|t| t.from == *name && t.to.contains(outside)) {
                    says.push(format!("{name}: reaches {outside}, which is forbidden there"));
                }
            }
        }
    }
    for Tolerated { from, to, reason } in &table.tolerated {
        let reached = facts.reached.get(from).cloned().unwrap_or_default();
        for outside in to.difference(&reached) {
            says.push(format!("{from}: {outside} is tolerated there, but not reached"));
        }
        if reason.trim().is_empty() {
            says.push(format!("{from}: tolerates {to:?} without a reason"));
        }
    }
    for exception in table.sideways.iter().filter(|s| s.reason.trim().is_empty()) {
        says.push(format!("{} -> {}: sideways without a reason", exception.from, exception.to));
    }
    says
}

fn compare_crate(table: &Table, name: &str, row: &Row, direct: &Direct, says: &mut Vec<String>) {
    for to in &direct.ours {
        if !row.imports.contains(to) {
            says.push(format!("{name} -> {to}: a new arrow, not in xtask/layers.toml"));
        }
        let is_down = table.crates.get(to).is_none_or(|target| target.layer < row.layer);
        let is_marked = table.sideways.iter().any(|s| s.from == name && s.to == *to);
        if !is_down && !is_marked {
            says.push(format!("{name} -> {to}: imports go down, never up, never sideways"));
        }
    }
    for to in direct.tests.difference(&row.tests) {
        says.push(format!("{name} -> {to} (tests): a new arrow, not in xtask/layers.toml"));
    }
    let Some(allowed) = &row.external else { return };
    for outside in direct.outside.difference(allowed) {
        says.push(format!("{name}: uses {outside}, which its row does not allow"));
    }
    for outside in allowed.difference(&direct.outside) {
        says.push(format!("{name}: its row allows {outside}, which it does not use"));
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    array(value).iter().map(string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_arrows_between_crates_are_those_of_the_table() {
        let findings = check();
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }

    const TABLE: &str = "forbidden = [\"tokio\"]\n\
        [crates.base]\nlayer = 0\nimports = []\nexternal = []\n\
        [crates.engine]\nlayer = 2\nimports = [\"base\"]\nexternal = [\"helper\"]\n";

    /// Two crates of ours; `engine` uses `helper`, which may use tokio.
    fn workspace(engine: &[&str], helper: &[&str]) -> Value {
        let dependencies: Vec<_> =
            engine.iter().map(|name| json!({"name": name, "kind": null})).collect();
        let arrows = |names: &[&str]| -> Vec<Value> {
            names.iter().map(|n| json!({"pkg": n, "dep_kinds": [{"kind": null}]})).collect()
        };
        json!({
            "workspace_members": ["base", "engine"],
            "packages": [
                {"id": "base", "name": "base", "dependencies": []},
                {"id": "engine", "name": "engine", "dependencies": dependencies},
                {"id": "helper", "name": "helper", "dependencies": []},
                {"id": "tokio", "name": "tokio", "dependencies": []},
            ],
            "resolve": {"nodes": [
                {"id": "base", "deps": []},
                {"id": "engine", "deps": arrows(engine)},
                {"id": "helper", "deps": arrows(helper)},
                {"id": "tokio", "deps": []},
            ]},
        })
    }

    fn findings(table: &str, metadata: &Value) -> String {
        compare(&toml::from_str(table).unwrap(), &facts(metadata)).join("\n")
    }

    #[test]
    fn a_workspace_like_the_table_passes() {
        assert_eq!(findings(TABLE, &workspace(&["base", "helper"], &[])), "");
    }

    #[test]
    fn a_new_arrow_and_a_missing_one_are_found() {
        let up = TABLE.replace("layer = 0\nimports = []", "layer = 3\nimports = []");
        assert!(findings(&up, &workspace(&["base", "helper"], &[])).contains("never sideways"));
        assert!(findings(TABLE, &workspace(&["helper"], &[])).contains("not in the manifest"));
        let bare = TABLE.replace("imports = [\"base\"]", "imports = []");
        assert!(findings(&bare, &workspace(&["base", "helper"], &[])).contains("a new arrow"));
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_found() {
        let short = TABLE.split("[crates.engine]").next().unwrap();
        let says = findings(short, &workspace(&["base", "helper"], &[]));
        assert!(says.contains("engine: a new crate"), "{says}");
    }

    #[test]
    fn a_forbidden_crate_is_found_behind_another() {
        let says = findings(TABLE, &workspace(&["base", "helper"], &["tokio"]));
        assert!(says.contains("engine: reaches tokio"), "{says}");
        let tolerant = format!(
            "{TABLE}[[tolerated]]\nfrom = \"engine\"\nto = [\"tokio\"]\nreason = \"never called\"\n"
        );
        assert_eq!(findings(&tolerant, &workspace(&["base", "helper"], &["tokio"])), "");
        let says = findings(&tolerant, &workspace(&["base", "helper"], &[]));
        assert!(says.contains("not reached"), "{says}");
        let says = findings(TABLE, &workspace(&["base", "helper", "tokio"], &[]));
        assert!(says.contains("engine: uses tokio"), "{says}");
    }
}
