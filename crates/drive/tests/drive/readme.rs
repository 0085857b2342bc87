//! The text at a drive's root.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;

use strongroom_drive::{Drive, InitError, readme};

use crate::kills::{root, run_child, succeeded};
use crate::rig::{Rig, now, open, recover, recovery, site};

fn text(rig: &Rig) -> String {
    readme(rig.drive.identity(), &site())
}

#[test]
fn a_stranger_finds_a_text_and_the_drive_is_otherwise_as_before() {
    let rig = Rig::new();
    rig.prove("B-1", "x.pdf", b"x");
    assert_eq!(rig.drive.write_readme(&text(&rig)).unwrap(), "README.txt");
    let written = fs::metadata(rig.root.join("README.txt")).unwrap().modified().unwrap();
    assert_eq!(fs::read_to_string(rig.root.join("README.txt")).unwrap(), text(&rig));
    rig.drive.write_readme(&text(&rig)).unwrap();
    assert_eq!(fs::metadata(rig.root.join("README.txt")).unwrap().modified().unwrap(), written, "nothing was written");
    rig.drive.write_readme(&(text(&rig) + "And more.\n")).unwrap();
    assert!(fs::read_to_string(rig.root.join("README.txt")).unwrap().ends_with("And more.\n"));

    assert_eq!(rig.drive.foreign(|| true).unwrap().files, 0);
    assert_eq!(rig.drive.sites().unwrap().len(), 1);
    assert_eq!(recover(&rig.drive, &recovery()).swept, 0);
    assert!(matches!(Drive::init(&rig.root, "Green", now()), Err(InitError::Already { .. })));
    open(&rig.root).unwrap();
}

#[test]
fn somebody_elses_text_stays() {
    let rig = Rig::new();
    fs::write(rig.root.join("README.txt"), "Grandma's photos").unwrap();
    assert_eq!(rig.drive.write_readme(&text(&rig)).unwrap(), "README-STRONGROOM.txt");
    assert_eq!(fs::read_to_string(rig.root.join("README.txt")).unwrap(), "Grandma's photos");
    fs::remove_file(rig.root.join("README.txt")).unwrap();
    fs::write(rig.root.with_file_name("outside"), "outside").unwrap();
    symlink("../outside", rig.root.join("README.txt")).unwrap();
    rig.drive.write_readme(&text(&rig)).unwrap();
    assert_eq!(fs::read_to_string(rig.root.with_file_name("outside")).unwrap(), "outside");
}

#[test]
#[ignore = "run by another test, in a process that is killed"]
fn child_writes() {
    let drive = open(&root()).unwrap();
    drive.write_readme(&readme(drive.identity(), &site())).unwrap();
}

#[test]
fn a_kill_while_the_text_is_written_leaves_nothing_for_long() {
    let rig = Rig::new();
    let killed = run_child("readme::child_writes", &rig.root, &[("STRONGROOM_KILL_AT", "drive.manifest-written:1")]);
    assert_eq!(killed.status.signal(), Some(9), "{killed:?}");
    assert!(!rig.root.join("README.txt").exists());
    assert_eq!(recover(&rig.drive, &recovery()).swept, 1);
    succeeded(&run_child("readme::child_writes", &rig.root, &[]));
    assert_eq!(rig.all_files(), ["README.txt"]);
}
