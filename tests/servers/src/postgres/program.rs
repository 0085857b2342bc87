//! Where Postgres's programs are, and running them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian keeps each major version's programs, below its number.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A program of the newest version that is installed.
pub fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    let debians = newest.map(|version| Path::new(DEBIAN).join(version.to_string()).join("bin").join(name));
    debians
        .filter(|path| path.exists())
        .or_else(|| {
            let path = std::env::var_os("PATH")?;
            std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.exists())
        })
        .unwrap_or_else(|| panic!("{name} is not installed: run `apt-get install postgresql`"))
}

/// Runs a program to its end; what it printed.
pub(super) fn run(command: &mut Command) -> String {
    let output = command.output().expect("an installed program runs");
    assert!(output.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
