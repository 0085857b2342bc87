//! The Debian package: made of the program that the tests use, and lived with in a clean root.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs a command to its end, which must be a good one; what it printed on both streams.
fn succeeds(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}:\n{said}", output.status);
    said
}

fn made_in(folder: &Path) -> PathBuf {
    let mut make = Command::new(env!("CARGO_BIN_EXE_xtask"));
    succeeds(make.arg("package").arg("--program").arg(strongroom_tests::program::path()).arg("--output").arg(folder));
    let packages: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [package] = packages.as_slice() else { panic!("{packages:?}") };
    assert!(package.extension().is_some_and(|extension| extension == "deb"), "{package:?}");
    package.clone()
}

/// What is done in it, and checked after each step, is said in `clean_root.sh`.
#[test]
fn the_package_is_installed_does_its_work_and_goes_without_the_log() {
    // On the disk of the build: a drive in memory is refused.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let package = made_in(&folder.path().join("made"));
    let listed = succeeds(Command::new("dpkg-deb").arg("--contents").arg(&package));
    for path in [
        "usr/bin/strongroom",
        "usr/lib/systemd/system/strongroom@.service",
        "usr/share/bash-completion/completions/strongroom",
        "usr/share/doc/strongroom/operations.md",
        "usr/share/doc/strongroom/copyright",
        "usr/share/strongroom/prometheus/alerts.yml",
    ] {
        assert!(listed.lines().any(|line| line.ends_with(&format!("./{path}"))), "{path} is missing in:\n{listed}");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/package/clean_root.sh");
    // Like the installation of what the tests need: as root, or with sudo where it asks for nothing.
    let is_root = succeeds(Command::new("id").arg("-u")).trim() == "0";
    let sudo: &[&str] = if is_root { &[] } else { &["sudo", "-n"] };
    let mut live = Command::new("env");
    live.args(sudo).args(["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh"]);
    let said = succeeds(live.arg(script).arg(&package).arg(folder.path()));
    assert!(said.ends_with("all steps done\n"), "{said}");
}
