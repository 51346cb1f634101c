//! Where things are: the repository, the target directory, the release binary.
//!
//! * `CARGO_TARGET_DIR` is respected; without it everything lands in `target/`.
//! * The repository is found at run time: one binary may serve several clones that share a target
//!   directory.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository that this command was started in.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let from = manifest.unwrap_or_else(|| std::env::current_dir().expect("a working directory"));
    from.ancestors()
        .find(|folder| folder.join("xtask/layers.toml").is_file())
        .expect("cargo xtask runs inside the repository")
        .to_path_buf()
}

/// Cargo's target directory.
pub(crate) fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty());
    match set {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The server as it is released.
pub(crate) fn release_server() -> PathBuf {
    target().join("release/sinew")
}

/// Reference material that may lie beside the clone; nothing but the benchmark's peers needs it.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = root().parent()?.join("shared");
    beside.is_dir().then_some(beside)
}

/// Whether a program of this name is on the path.
pub(crate) fn has_program(name: &str) -> bool {
    program(name).is_some()
}

/// The first program of this name on the path.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A cargo command that works in the repository.
pub(crate) fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    command(Path::new(&cargo))
}

/// A command that works in the repository.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}
