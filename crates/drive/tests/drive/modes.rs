//! Who may read what is on a drive.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rig::{Rig, open, place_of};

const ROOT: &str = "STRONGROOM_TEST_MODES";

/// All kinds of files that we make: identity, locks, bag, copies, one in the making, and what is put aside.
#[test]
#[ignore = "run by another test, in a process with another umask"]
fn child_makes_everything() {
    let rig = Rig::new();
    rig.prove("B-1", "x", b"proven");
    let bad = rig.land("B-2", "x", b"bad");
    rig.drive.quarantine(&bad.path, None).unwrap();
    let mut partial = open(&rig.root).unwrap().receive(&place_of("B-3", "x", b"hello")).unwrap();
    partial.write(b"he").unwrap();
    drop(partial);
    std::fs::write(std::env::var_os(ROOT).unwrap(), modes(&rig.root).join("\n")).unwrap();
}

/// Each file and folder below that one, with its permissions, where they are not ours.
fn modes(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let data = std::fs::symlink_metadata(&entry).unwrap();
        found.push(format!("{:o} {}", data.permissions().mode() & 0o7777, entry.display()));
        if data.is_dir() {
            found.extend(modes(&entry));
        }
    }
    found
}

#[test]
fn what_is_on_a_drive_is_for_its_owner_and_group_whatever_the_umask() {
    let dir = tempfile::tempdir().unwrap();
    for umask in ["022", "027", "000"] {
        let told: PathBuf = dir.path().join(umask);
        let ran = Command::new("sh")
            .args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "modes::child_makes_everything", "--ignored"])
            .env(ROOT, &told)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
        let told = std::fs::read_to_string(told).unwrap();
        for kind in [
            "drive.json",
            "manifest.lock",
            "manifest-sha256.txt",
            "bagit.txt",
            "README.txt",
            "B-1/x",
            ".part",
            "quarantine",
        ] {
            assert!(told.contains(kind), "{kind} was not looked at: {told}");
        }
        let open: Vec<_> = told.lines().filter(|line| !line.starts_with("640 ") && !line.starts_with("750 ")).collect();
        assert!(open.is_empty(), "umask {umask}: {open:#?}");
    }
}
