//! The month's bag and its manifest.

use std::os::unix::fs::MetadataExt as _;

use strongroom_drive::{DriveError, Proof};
use strongroom_model::{AlarmKind, Algorithm, Digest};

use crate::rig::{NONE, Rig, month, open, place_of, proof_of, site};
use crate::validator::faults_of;

#[test]
fn a_manifest_lists_proven_copies_and_no_others() {
    let rig = Rig::new();
    let proven = rig.prove("B-1", "x", b"proven");
    rig.land("B-2", "x", b"not proven");
    assert_eq!(rig.copies(), [format!("{}  data/B-1/x", proven.pair.sha256.hex())]);
    assert_eq!(faults_of(&rig.bag()), ["data/B-2/x is not in the manifest"]);
    rig.sha256sum_passes();
}

#[test]
fn recording_again_costs_no_write() {
    let rig = Rig::new();
    let landed = rig.prove("B-1", "x", b"x");
    let stamp = || {
        let data = std::fs::metadata(rig.bag().join("manifest-sha256.txt")).unwrap();
        (data.ino(), data.mtime_nsec())
    };
    let before = stamp();
    rig.record(&[proof_of(&landed), proof_of(&landed)]);
    assert_eq!(stamp(), before);
    assert_eq!(rig.copies().len(), 1);
}

#[test]
fn two_processes_lose_none_of_each_others_entries() {
    let rig = Rig::new();
    let other = open(&rig.root).unwrap();
    let record = |drive: &strongroom_drive::Drive, worker: u32| {
        for index in 0..20 {
            let bytes = format!("{worker} {index}").into_bytes();
            let place = place_of(&format!("B-{worker}-{index}"), "x", &bytes);
            let mut partial = drive.receive(&place).unwrap();
            partial.write(&bytes).unwrap();
            let landed = drive.commit(vec![partial.finish().unwrap()]).pop().unwrap().unwrap();
            drive.record(&site(), month(), &[proof_of(&landed)]).unwrap();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| record(&rig.drive, 1));
        scope.spawn(|| record(&other, 2));
    });
    assert_eq!(rig.copies().len(), 40);
    assert_eq!(faults_of(&rig.bag()), NONE);
    rig.sha256sum_passes();
}

#[test]
fn a_listed_file_is_never_listed_with_another_digest() {
    let rig = Rig::new();
    let landed = rig.prove("B-1", "x", b"x");
    let forged = Proof { path: landed.path, sha256: Digest::of(Algorithm::Sha256, b"y") };
    let before = rig.manifest();
    let error = rig.drive.record(&site(), month(), &[forged]).unwrap_err();
    assert!(matches!(error, DriveError::Proven { .. }), "{error}");
    assert_eq!(rig.manifest(), before);
}

#[test]
fn a_path_outside_of_the_bag_is_not_listed() {
    let rig = Rig::new();
    let sha256 = Digest::of(Algorithm::Sha256, b"x");
    for path in
        ["acme/2026-10/data/B-1/x", "other/2026-11/data/B-1/x", "../x", "/etc/passwd", "acme/2026-11/bagit.txt", ""]
    {
        let proof = Proof { path: path.to_owned(), sha256: sha256.clone() };
        let error = rig.drive.record(&site(), month(), &[proof]).unwrap_err();
        assert!(matches!(error, DriveError::BadPath { .. }), "{path}: {error}");
    }
    assert_eq!(rig.all_files(), NONE);
}

#[test]
fn a_quarantined_file_is_listed_no_more_and_its_folder_is_gone() {
    let rig = Rig::new();
    let landed = rig.prove("B-1", "x", b"x");
    let kept = rig.prove("B-2", "x", b"y");
    let aside = rig.drive.quarantine(&landed.path).unwrap();
    assert_eq!(aside, ".strongroom/quarantine/acme/2026-11/data/B-1/x");
    assert_eq!(std::fs::read(rig.root.join(&aside)).unwrap(), b"x");
    assert!(!rig.bag().join("data/B-1").exists());
    assert_eq!(rig.copies(), [format!("{}  data/B-2/x", kept.pair.sha256.hex())]);
    assert_eq!(faults_of(&rig.bag()), NONE);

    // The same path can be put aside again, and the first is not replaced.
    rig.prove("B-1", "x", b"z");
    let again = rig.drive.quarantine(&landed.path).unwrap();
    assert_eq!(again, ".strongroom/quarantine/acme/2026-11/data/B-1=~2/x");
    assert_eq!(std::fs::read(rig.root.join(&aside)).unwrap(), b"x");
    assert!(matches!(rig.drive.quarantine(&landed.path).unwrap_err(), DriveError::CopyMissing { .. }));
}

#[test]
fn a_bag_with_nothing_proven_has_a_manifest_that_sha256sum_accepts() {
    let rig = Rig::new();
    let landed = rig.prove("B-1", "x", b"x");
    rig.drive.quarantine(&landed.path).unwrap();
    assert_eq!(rig.copies(), NONE);
    assert_eq!(faults_of(&rig.bag()), NONE);
    rig.sha256sum_passes();
    rig.prove("B-1", "x", b"y");
    assert_eq!(faults_of(&rig.bag()), NONE);
}

#[test]
fn r5_only_what_was_never_proven_is_thrown_away() {
    let rig = Rig::new();
    let landed = rig.land("B-1", "x", b"x");
    rig.drive.discard(&landed.path).unwrap();
    rig.drive.discard(&landed.path).unwrap();
    assert_eq!(rig.files(), NONE);
    assert!(!rig.bag().join("data/B-1").exists(), "a failure leaves no empty folders");
    assert_eq!(faults_of(&rig.bag()), NONE, "and a bag that is whole");
    let proven = rig.prove("B-1", "x", b"x");
    assert!(matches!(rig.drive.discard(&proven.path).unwrap_err(), DriveError::Proven { .. }));
    assert!(matches!(rig.drive.discard(".strongroom/drive.json").unwrap_err(), DriveError::BadPath { .. }));
}

#[test]
fn a_damaged_manifest_pauses_the_stage_and_is_left_as_it_is() {
    let rig = Rig::new();
    let landed = rig.prove("B-1", "x", b"x");
    let path = rig.bag().join("manifest-sha256.txt");
    for damage in [&b"nonsense\n"[..], &[0; 80], &[0xff, b'\n']] {
        std::fs::write(&path, damage).unwrap();
        let error = rig.drive.record(&site(), month(), &[proof_of(&landed)]).unwrap_err();
        assert_eq!(error.obstacle().unwrap().kind, AlarmKind::DriveFailing, "{error}");
        assert!(error.to_string().contains("acme/2026-11/manifest-sha256.txt"), "{error}");
        rig.drive.receive(&place_of("B-2", "x", b"y")).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), damage);
    }
}
