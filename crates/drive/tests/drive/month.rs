//! A month's folder: a bag that is whole from the moment that it is there.

use std::fs;
use std::path::Path;
use std::process::Command;

use strongroom_drive::{Drive, Recovery};
use strongroom_model::ByteCount;

use crate::rig::{
    BAG_FILES, NONE, Rig, land, months_pass, of_month, open, place_of, proof_of, record, recover, recovery, site,
};
use crate::validator::faults_of;

const DRAFT: &str = "acme/.strongroom.2026-11.tmp";

fn own_files() -> Vec<String> {
    BAG_FILES.map(|name| format!("acme/2026-11/{name}")).into()
}

/// What a start does: once more, with what the log knows, where there are doubts.
fn start(drive: &Drive, unproven: &[String], proofs: &[strongroom_drive::ProvenCopy]) {
    for given in [Default::default(), of_month(proofs)] {
        let found = recover(drive, &Recovery { unproven, proofs: &given, ..recovery() });
        assert_eq!(found.quarantined, NONE);
        if found.doubtful.is_empty() {
            return;
        }
    }
}

fn has_draft(rig: &Rig) -> bool {
    rig.root.join(DRAFT).exists()
}

#[test]
fn a_months_folder_passes_before_its_first_file_has_come() {
    let rig = Rig::new();
    let mut partial = rig.drive.receive(&place_of("B-1", "x", b"hello")).unwrap();
    assert_eq!(rig.files(), rig.temporaries());
    rig.sha256sum_passes();
    partial.write(b"hel").unwrap();
    // Kept, for the transfer to go on.
    drop(partial);
    rig.sha256sum_passes();
    let landed = rig.land("B-1", "x", b"hello");
    assert_eq!(landed.resumed_from, ByteCount(3));
    assert_eq!(rig.copies(), NONE);
    rig.sha256sum_passes();
    rig.drive.discard(&landed.path, None).unwrap();
    assert_eq!(rig.all_files(), own_files());
    assert_eq!(faults_of(&rig.bag()), NONE);
}

#[test]
fn of_many_who_make_one_months_bag_all_end_with_the_one() {
    for _ in 0..10 {
        let rig = Rig::new();
        std::thread::scope(|scope| {
            for worker in 0..8 {
                let drive = open(&rig.root).unwrap();
                scope.spawn(move || {
                    let landed = land(&drive, &format!("B-{worker}"), "x", &[worker]).unwrap();
                    record(&drive, &[proof_of(&landed)]);
                });
            }
        });
        rig.drive.fold(&site()).unwrap();
        assert_eq!(rig.copies().len(), 8);
        assert_eq!(rig.all_files().len(), 8 + BAG_FILES.len());
        assert!(!has_draft(&rig));
        assert_eq!(faults_of(&rig.bag()), NONE);
    }
}

/// What a process that died left of a bag in the making; and what a file manager put into it since.
fn leave_draft(root: &Path) {
    fs::create_dir_all(root.join(DRAFT).join("data")).unwrap();
    for file in ["bagit.txt", "data/README.txt", "data/.DS_Store"] {
        fs::write(root.join(DRAFT).join(file), b"").unwrap();
    }
}

#[test]
fn what_a_dead_process_left_of_a_bag_is_swept_and_is_no_month() {
    let rig = Rig::new();
    leave_draft(&rig.root);
    let found = recover(&rig.drive, &recovery());
    assert_eq!((found.swept, found.doubtful.len()), (1, 0));
    assert_eq!(rig.all_files(), NONE);
    assert!(!has_draft(&rig));
}

#[test]
fn what_a_dead_process_left_of_a_bag_is_in_nobodys_way() {
    let rig = Rig::new();
    leave_draft(&rig.root);
    rig.prove("B-1", "x", b"x");
    assert!(!has_draft(&rig));
    assert_eq!(faults_of(&rig.bag()), NONE);
    rig.sha256sum_passes();
}

/// What a version that began a bag with its folders left, when it was killed before the first proof.
fn leave_bare(rig: &Rig) -> String {
    let path = "acme/2026-11/data/B-1/x";
    fs::create_dir_all(rig.bag().join("data/B-1")).unwrap();
    fs::write(rig.root.join(path), b"fetched").unwrap();
    path.to_owned()
}

#[test]
fn a_bag_without_a_manifest_gets_one_at_the_start() {
    let rig = Rig::new();
    let path = leave_bare(&rig);
    start(&rig.drive, std::slice::from_ref(&path), &[]);
    assert_eq!(rig.copies(), NONE);
    rig.sha256sum_passes();
    assert_eq!(faults_of(&rig.bag()), ["data/B-1/x is not in the manifest"]);
    assert!(rig.land("B-1", "x", b"fetched").adopted);
}

#[test]
fn a_bag_without_a_manifest_gets_one_before_the_next_folder_is_made() {
    let rig = Rig::new();
    leave_bare(&rig);
    let partial = rig.drive.receive(&place_of("B-2", "x", b"hello")).unwrap();
    rig.sha256sum_passes();
    drop(partial);
    assert!(!rig.bag().join("data/B-2").exists());
    rig.sha256sum_passes();
    fs::create_dir_all(rig.root.join("acme/2026-10")).unwrap();
    let mut place = place_of("B-2", "x", b"hello");
    place.month = "2026-10".parse().unwrap();
    drop(rig.drive.receive(&place).unwrap());
    months_pass(&rig.root);
}

/// As a version left it that listed copies only.
fn without_text(rig: &Rig) {
    fs::write(rig.bag().join("manifest-sha256.txt"), rig.copies().join("\n") + "\n").unwrap();
    fs::remove_file(rig.bag().join("data/README.txt")).unwrap();
}

#[test]
fn a_bag_that_lists_copies_only_stays_as_it_is() {
    let rig = Rig::new();
    let first = rig.prove("B-1", "x", b"1");
    without_text(&rig);
    let second = rig.prove("B-2", "x", b"2");
    start(&rig.drive, &[], &[proof_of(&first), proof_of(&second)]);
    assert!(!rig.bag().join("data/README.txt").exists());
    assert_eq!(rig.manifest().lines().count(), 2);
    rig.sha256sum_passes();
}

#[test]
fn a_bookings_folder_that_has_the_texts_name_stays_its_bookings() {
    let rig = Rig::new();
    let filler = rig.prove("B-1", "x", b"1");
    without_text(&rig);
    fs::create_dir(rig.bag().join("data/README.txt")).unwrap();
    fs::write(rig.bag().join("data/README.txt/x"), b"an older version's").unwrap();
    let landed = land(&open(&rig.root).unwrap(), "README.txt", "x", b"an older version's").unwrap();
    assert!(landed.adopted, "{landed:?}");
    rig.record(&[proof_of(&landed)]);
    let proofs = [proof_of(&filler), proof_of(&landed)];
    fs::remove_file(rig.bag().join("manifest-sha256.txt")).unwrap();
    start(&rig.drive, &[], &proofs);
    assert!(rig.manifest().contains("  data/README=~2.txt\n"));
    assert_eq!(faults_of(&rig.bag()), NONE);
    rig.sha256sum_passes();
}

#[test]
fn a_text_that_was_removed_or_changed_is_as_it_was_after_the_next_start() {
    let rig = Rig::new();
    let proofs = [proof_of(&rig.prove("B-1", "x", b"x"))];
    let path = rig.bag().join("data/README.txt");
    let (text, manifest) = (fs::read(&path).unwrap(), rig.manifest());
    for change in [None, Some(&b"somebody's own words"[..])] {
        fs::remove_file(&path).unwrap();
        if let Some(change) = change {
            fs::write(&path, change).unwrap();
        }
        start(&rig.drive, &[], &proofs);
        assert_eq!((fs::read(&path).unwrap(), rig.manifest()), (text.clone(), manifest.clone()));
        rig.sha256sum_passes();
    }
    let aside = rig.root.join(".strongroom/quarantine/acme/2026-11/data/README.txt");
    assert_eq!(fs::read(aside).unwrap(), b"somebody's own words");
}

#[test]
fn another_versions_text_stays_as_long_as_it_is_what_is_listed() {
    let rig = Rig::new();
    let text = rig.bag().join("data/README.txt");
    let proofs = [proof_of(&rig.prove("B-1", "x", b"x"))];
    fs::write(&text, b"another version's words").unwrap();
    let line = Command::new("sha256sum").arg("data/README.txt").current_dir(rig.bag()).output().unwrap().stdout;
    let listed = [String::from_utf8(line).unwrap(), rig.copies().join("\n"), "\n".to_owned()].concat();
    fs::write(rig.bag().join("manifest-sha256.txt"), &listed).unwrap();
    start(&rig.drive, &[], &proofs);
    assert_eq!((fs::read(&text).unwrap(), rig.manifest()), (b"another version's words".to_vec(), listed));
    // Lost, it cannot be had again: this version's stands in for it.
    fs::remove_file(&text).unwrap();
    start(&rig.drive, &[], &proofs);
    assert_eq!(faults_of(&rig.bag()), NONE);
    rig.sha256sum_passes();
}

#[test]
fn proven_copies_whose_manifest_was_taken_away_and_begun_anew_are_listed_again() {
    let rig = Rig::new();
    let mut proofs: Vec<_> = ["B-1", "B-2"].map(|id| proof_of(&rig.prove(id, "x", id.as_bytes()))).into();
    for booking in ["B-3", "B-4"] {
        fs::remove_file(rig.bag().join("manifest-sha256.txt")).unwrap();
        // In the one round nothing is proven after that, in the other a copy is.
        let landed = rig.land(booking, "x", b"x");
        if booking == "B-4" {
            rig.record(&[proof_of(&landed)]);
        }
        proofs.push(proof_of(&landed));
        assert!(rig.copies().len() < 2);
        start(&rig.drive, &[], &proofs);
        assert_eq!(rig.copies().len(), proofs.len());
        assert_eq!(faults_of(&rig.bag()), NONE);
    }
}

#[test]
fn a_lost_log_and_a_lost_manifest_put_no_copy_aside() {
    let rig = Rig::new();
    rig.prove("B-1", "x", b"x");
    for damage in [None, Some(&b"no manifest\n"[..])] {
        fs::remove_file(rig.bag().join("manifest-sha256.txt")).unwrap();
        if let Some(damage) = damage {
            fs::write(rig.bag().join("manifest-sha256.txt"), damage).unwrap();
        }
        for _ in 0..2 {
            start(&rig.drive, &[], &[]);
            assert!(rig.bag().join("data/B-1/x").exists());
            rig.sha256sum_passes();
        }
    }
}
