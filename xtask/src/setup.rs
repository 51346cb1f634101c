//! What a fresh machine lacks: Debian packages, npm packages, a Python environment.
//!
//! * As root, Debian packages are installed; otherwise the one `apt-get` line to run is the error.
//! * npm and PyPI packages are installed locally, from the committed lock files, and only when
//!   those changed.
//! * Nothing here starts a service.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::paths;

/// A Debian package, and how to see that it is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Debian {
    /// A C compiler, for the embedded SQLite.
    Compiler,
    Chromium,
    /// Without any font a browser draws boxes.
    Fonts,
    PythonVenv,
    Postgres,
    Redis,
    Nats,
}

impl Debian {
    fn package(self) -> &'static str {
        match self {
            Debian::Compiler => "build-essential",
            Debian::Chromium => "chromium",
            Debian::Fonts => "fonts-dejavu-core",
            Debian::PythonVenv => "python3-venv",
            Debian::Postgres => "postgresql",
            Debian::Redis => "redis-server",
            Debian::Nats => "nats-server",
        }
    }

    fn is_there(self) -> bool {
        match self {
            Debian::Compiler => paths::has_program("cc"),
            Debian::Chromium => chromium().is_some(),
            Debian::Fonts => has_fonts(),
            Debian::PythonVenv => succeeds("python3", &["-c", "import venv, ensurepip"]),
            Debian::Postgres => postgres_programs().is_some(),
            Debian::Redis => ["redis-server", "redis-cli"].into_iter().all(paths::has_program),
            Debian::Nats => paths::has_program("nats-server"),
        }
    }
}

/// Sees to it that the Debian packages are there.
pub(crate) fn debian(needed: &[Debian]) -> Result<(), String> {
    let missing: Vec<_> = needed.iter().filter(|n| !n.is_there()).map(|n| n.package()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !paths::has_program("apt-get") || !is_root() {
        return Err(format!("missing on this machine; run once: sudo {line}"));
    }
    println!("installing {}", missing.join(" "));
    run("apt-get", &["update", "-qq"])?;
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    run("apt-get", &words)?;
    match needed.iter().find(|needed| !needed.is_there()) {
        None => Ok(()),
        Some(needed) => Err(format!("{} is installed and still not found", needed.package())),
    }
}

pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The browser for the browser tests.
pub(crate) fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from).filter(|file| file.is_file());
    named.or_else(|| {
        ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(paths::program)
    })
}

fn has_fonts() -> bool {
    ["/usr/share/fonts/truetype", "/usr/share/fonts/opentype"]
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .any(|mut entries| entries.next().is_some())
}

/// The folder of PostgreSQL's own programs; Debian keeps them off the path.
pub(crate) fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<_> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    folders.retain(|folder| folder.join("initdb").is_file());
    folders.sort();
    folders.pop()
}

/// Sees to it that Node is new enough and that npm is there.
pub(crate) fn node() -> Result<(), String> {
    let output = Command::new("node").arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = version.map_err(|_| "node is missing: install Node 20 with npm".to_owned())?;
    let major = version.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    if major.parse::<u32>().unwrap_or_default() < 20 {
        return Err(format!("node is {}; Node 20 or newer is needed", version.trim()));
    }
    match paths::has_program("npm") {
        true => Ok(()),
        false => Err("npm is missing: install Node 20 with npm".to_owned()),
    }
}

/// Installs the npm packages of a folder from its lock file, when that changed.
pub(crate) fn npm(folder: &str) -> Result<(), String> {
    node()?;
    let folder = paths::root().join(folder);
    let lock = read(&folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.sinew-installed");
    let print = fingerprint(&lock);
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == print) {
        return Ok(());
    }
    println!("installing npm packages in {}", folder.display());
    let mut command = Command::new("npm");
    command.current_dir(&folder).args(["ci", "--no-audit", "--no-fund"]);
    succeed(command)?;
    std::fs::write(&stamp, print).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// The Python of an environment that holds what `requirements.txt` pins.
pub(crate) fn python(requirements: &str) -> Result<PathBuf, String> {
    debian(&[Debian::PythonVenv])?;
    let requirements = paths::root().join(requirements);
    let text = read(&requirements)?;
    let folder = paths::target().join("xtask").join(format!("python-{}", fingerprint(&text)));
    let python = folder.join("bin/python");
    let stamp = folder.join("installed");
    if stamp.is_file() && python.exists() {
        return Ok(python);
    }
    println!("installing Python packages in {}", folder.display());
    // A folder without its stamp was interrupted.
    let _ = std::fs::remove_dir_all(&folder);
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&folder);
    succeed(make)?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
    install.arg(&requirements);
    succeed(install)?;
    std::fs::write(&stamp, "").map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(python)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Tells two texts apart: FNV-1a, because nothing here needs to be secret.
fn fingerprint(text: &str) -> String {
    let start = 0xcbf2_9ce4_8422_2325u64;
    let hash = text
        .bytes()
        .fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    succeed(command)
}

/// Runs a program that must succeed.
pub(crate) fn succeed(mut command: Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("{program} cannot start: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{program} ended with {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_lock_file_has_another_fingerprint() {
        assert_eq!(fingerprint("a"), fingerprint("a"));
        assert_ne!(fingerprint("a"), fingerprint("b"));
    }
}
