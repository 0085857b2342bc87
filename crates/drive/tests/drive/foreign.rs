//! Files in the bags that are not ours.

use std::cell::Cell;

use strongroom_drive::Foreign;

use crate::rig::{NONE, Rig, place_of};
use crate::validator::faults_of;

fn found(rig: &Rig) -> Foreign {
    rig.drive.foreign(|| true).unwrap()
}

fn put(rig: &Rig, paths: &[&str]) {
    for path in paths {
        std::fs::create_dir_all(rig.bag().join(path).parent().unwrap()).unwrap();
        std::fs::write(rig.bag().join(path), b"not ours").unwrap();
    }
}

#[test]
fn a_drive_with_nothing_but_our_own_has_no_foreign_files() {
    let rig = Rig::new();
    assert_eq!(found(&rig), Foreign::default(), "nor has one without a bag");
    rig.prove("B-1", "x", b"proven");
    rig.land("B-2", "x", b"not proven yet");
    let mut partial = rig.drive.receive(&place_of("B-3", "x", b"hello")).unwrap();
    partial.write(b"he").unwrap();
    std::fs::write(rig.bag().join("data/.strongroom.README.txt.tmp"), b"").unwrap();
    assert_eq!(found(&rig), Foreign::default());
    assert_eq!(partial.resumed_from().0, 0);
}

#[test]
fn what_a_desktop_or_a_person_left_is_found_wherever_a_validator_stumbles_over_it() {
    let rig = Rig::new();
    rig.prove("B-1", "x", b"proven");
    rig.land("B-2", "x", b"not proven yet");
    let foreign = [
        "data/.DS_Store",
        "data/._B-001",
        "data/notes.txt",
        "data/B-1/copy of x",
        "data/B-1/sub/y",
        "data/B-2/thumbs.DB",
    ];
    put(&rig, &foreign);
    let told = found(&rig);
    assert_eq!((told.files, told.ended_early), (6, false), "{told:?}");
    let named = ["data/.DS_Store", "data/._B-001", "data/notes.txt", "data/B-1/copy of x", "data/B-1/sub"];
    assert_eq!(told.named, named.map(|path| format!("acme/2026-11/{path}")));
    rig.sha256sum_passes();
    assert_ne!(faults_of(&rig.bag()), NONE);
    for path in foreign {
        std::fs::remove_file(rig.bag().join(path)).unwrap();
    }
    std::fs::remove_dir(rig.bag().join("data/B-1/sub")).unwrap();
    assert_eq!(found(&rig), Foreign::default());
}

#[test]
fn files_beside_a_bags_payload_are_no_validators_business() {
    let rig = Rig::new();
    rig.prove("B-1", "x", b"proven");
    put(&rig, &[".DS_Store", "../.DS_Store"]);
    assert_eq!(found(&rig), Foreign::default());
    assert_eq!(faults_of(&rig.bag()), NONE);
}

#[test]
fn the_search_ends_when_it_is_told_to_and_says_so() {
    let rig = Rig::new();
    for n in 0..20 {
        rig.prove(&format!("B-{n}"), "x", b"proven");
        put(&rig, &[&format!("data/B-{n}/.DS_Store")]);
    }
    let asked = Cell::new(0);
    let told = rig.drive.foreign(|| asked.replace(asked.get() + 1) < 5).unwrap();
    assert!(told.ended_early && told.files < 20 && told.files > 0, "{told:?}");
    assert_eq!(rig.drive.foreign(|| false).unwrap(), Foreign { ended_early: true, ..Foreign::default() });
}

#[test]
fn a_damaged_manifest_hides_no_desktops_files() {
    let rig = Rig::new();
    rig.prove("B-1", "x", b"proven");
    put(&rig, &["data/B-1/.DS_Store", "data/Thumbs.db"]);
    std::fs::write(rig.bag().join("manifest-sha256.txt"), b"damage").unwrap();
    assert_eq!(found(&rig).files, 2);
}
