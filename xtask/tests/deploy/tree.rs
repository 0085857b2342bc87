//! The files of `deploy/`, and running the tools that read them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

pub(crate) fn path(name: &str) -> PathBuf {
    root().join("deploy").join(name)
}

pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("deploy/{name}: {error}"))
}

/// Every file of `deploy/`, by its path there; what git leaves out is left out.
pub(crate) fn files() -> Vec<String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "--", "."]).current_dir(path(""));
    let files: Vec<_> = succeeds(&mut git).lines().map(str::to_owned).filter(|file| path(file).exists()).collect();
    assert!(files.len() > 20, "git knows the files of deploy/");
    files
}

/// Those files that end like this.
pub(crate) fn files_like(folder: &str, ending: &str) -> Vec<String> {
    let files: Vec<_> = files().into_iter().filter(|file| file.starts_with(folder) && file.ends_with(ending)).collect();
    assert!(!files.is_empty(), "deploy/{folder} holds {ending} files");
    files
}

/// The documents of a YAML file of `deploy/`.
pub(crate) fn yaml(name: &str) -> Vec<Value> {
    documents(&read(name)).unwrap_or_else(|error| panic!("deploy/{name}: {error}"))
}

/// The documents of a YAML text.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, serde_saphyr::Error> {
    serde_saphyr::from_multiple(text)
}

/// A tool, in `deploy/`; `package` is where Debian has it.
pub(crate) fn tool(name: &str, package: &str) -> Command {
    let there = Command::new("sh").args(["-c", "command -v \"$1\"", "sh", name]).stdout(Stdio::null()).status();
    assert!(there.is_ok_and(|status| status.success()), "{name} is not installed: run `apt-get install {package}`");
    let mut command = Command::new(name);
    command.current_dir(path(""));
    command
}

/// Runs a command to its end, which must be a good one; what it printed on both streams.
pub(crate) fn succeeds(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}:\n{said}", output.status);
    said
}
