//! The month's bag and its manifest.

use std::os::unix::fs::MetadataExt as _;

use strongroom_drive::{DriveErrorKind, ProvenCopy};
use strongroom_model::{AlarmKind, Algorithm, Digest};

use crate::rig::{NONE, Rig, land, month, open, place_of, proof_of, record, refused, site};
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
            let landed = land(drive, &format!("B-{worker}-{index}"), "x", &bytes).unwrap();
            record(drive, &[proof_of(&landed)]);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| record(&rig.drive, 1));
        scope.spawn(|| record(&other, 2));
    });
    assert_eq!(rig.copies().len(), 40);
    rig.drive.fold(&site()).unwrap();
    assert_eq!(faults_of(&rig.bag()), NONE);
    rig.sha256sum_passes();
}

#[test]
fn a_listed_file_is_never_listed_with_another_digest() {
    let rig = Rig::new();
    let landed = rig.prove("B-1", "x", b"x");
    let forged = ProvenCopy { path: landed.path, sha256: Digest::of(Algorithm::Sha256, b"y"), seen: None };
    let before = rig.manifest();
    assert!(matches!(refused(rig.drive.record(&site(), month(), &[forged]).remove(0)), DriveErrorKind::Proven));
    assert_eq!(rig.manifest(), before);
}

#[test]
fn a_path_outside_of_the_bag_is_not_listed() {
    let rig = Rig::new();
    let sha256 = Digest::of(Algorithm::Sha256, b"x");
    for path in
        ["acme/2026-10/data/B-1/x", "other/2026-11/data/B-1/x", "../x", "/etc/passwd", "acme/2026-11/bagit.txt", ""]
    {
        let proof = ProvenCopy { path: path.to_owned(), sha256: sha256.clone(), seen: None };
        let refused = refused(rig.drive.record(&site(), month(), &[proof]).remove(0));
        assert!(matches!(refused, DriveErrorKind::BadPath), "{path}: {refused:?}");
    }
    assert_eq!(rig.all_files(), NONE);
}

#[test]
fn a_bad_file_is_put_aside_and_its_folder_is_gone() {
    let rig = Rig::new();
    let landed = rig.land("B-1", "x", b"x");
    let kept = rig.prove("B-2", "x", b"y");
    let planned = rig.drive.quarantine_for(&landed.path).unwrap();
    let aside = rig.drive.quarantine(&landed.path, None).unwrap();
    assert_eq!(aside, ".strongroom/quarantine/acme/2026-11/data/B-1/x");
    assert_eq!(planned.as_ref(), Some(&aside));
    assert_eq!(std::fs::read(rig.root.join(&aside)).unwrap(), b"x");
    assert!(!rig.bag().join("data/B-1").exists());
    assert_eq!(rig.copies(), [format!("{}  data/B-2/x", kept.pair.sha256.hex())]);
    assert_eq!(faults_of(&rig.bag()), NONE);

    // The same path can be put aside again, and the first is not replaced.
    rig.land("B-1", "x", b"z");
    let planned = rig.drive.quarantine_for(&landed.path).unwrap();
    let again = rig.drive.quarantine(&landed.path, None).unwrap();
    assert_eq!(again, ".strongroom/quarantine/acme/2026-11/data/B-1=~2/x");
    assert_eq!(planned.as_ref(), Some(&again));
    assert_eq!(std::fs::read(rig.root.join(&aside)).unwrap(), b"x");
    assert!(matches!(refused(rig.drive.quarantine(&landed.path, None)), DriveErrorKind::CopyMissing));
}

#[test]
fn r3_what_a_manifest_lists_is_never_moved_removed_or_replaced() {
    let rig = Rig::new();
    let proven = rig.prove("B-1", "x", b"proven");
    let stays = || {
        assert_eq!(std::fs::read(rig.bag().join("data/B-1/x")).unwrap(), b"proven");
        assert_eq!(rig.copies(), [format!("{}  data/B-1/x", proven.pair.sha256.hex())]);
    };
    // Another process, which has seen nothing of it yet.
    for drive in [&rig.drive, &open(&rig.root).unwrap()] {
        assert_eq!(drive.quarantine_for(&proven.path).unwrap(), None);
        assert!(matches!(refused(drive.quarantine(&proven.path, None)), DriveErrorKind::Proven));
        assert!(matches!(refused(drive.discard(&proven.path, None)), DriveErrorKind::Proven));
        stays();
    }
    assert!(rig.land("B-1", "x", b"proven").adopted);
    assert!(!rig.land("B-1", "x", b"another record").adopted);
    stays();
}

#[test]
fn r3_a_duplicate_transfer_that_comes_out_otherwise_does_not_move_the_file_that_is_right() {
    // Two workers have received one file, one of them wrongly; then the right one lands, and is proven or not.
    for prove in [false, true] {
        let rig = Rig::new();
        let place = place_of("B-1", "x", b"right");
        let wrong = rig.receive(&place, b"wrong").unwrap();
        let other = open(&rig.root).unwrap();
        let (temporary, away) = (rig.root.join(&rig.temporaries()[0]), rig.bag().join("data/B-1/kept"));
        std::fs::rename(&temporary, &away).unwrap();
        let right = land(&other, "B-1", "x", b"right").unwrap();
        std::fs::rename(&away, &temporary).unwrap();
        if prove {
            rig.record(&[proof_of(&right)]);
        }
        let landed = rig.drive.commit(vec![wrong]).remove(0).unwrap();
        assert!(landed.adopted && landed.pair == right.pair, "{landed:?}");
        assert_eq!(std::fs::read(rig.bag().join("data/B-1/x")).unwrap(), b"right");
    }
}

#[test]
fn r1_a_copy_is_listed_only_while_the_file_that_was_read_back_stands_there() {
    let rig = Rig::new();
    let landed = rig.land("B-1", "x", b"read back");
    let read = rig.drive.read_back(&landed.path, Algorithm::Sha256).unwrap();
    let proof = ProvenCopy { seen: Some(read.seen), ..proof_of(&landed) };
    let path = rig.bag().join("data/B-1/x");
    let record = || rig.drive.record(&site(), month(), std::slice::from_ref(&proof)).remove(0);

    std::fs::remove_file(&path).unwrap();
    assert!(matches!(refused(record()), DriveErrorKind::CopyMissing), "gone");
    std::fs::create_dir(&path).unwrap();
    assert!(record().is_err(), "a folder");
    std::fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    assert!(record().is_err(), "a link");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, b"something").unwrap();
    assert!(record().is_err(), "another file");
    assert_eq!(rig.copies(), NONE);
    // Another file of that content is read back once more: some file systems make inode numbers up.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, b"read back").unwrap();
    std::fs::File::open(&path).unwrap().sync_all().unwrap();
    record().unwrap();
    assert_eq!(rig.copies().len(), 1);
}

#[test]
fn of_many_copies_those_that_can_be_listed_are_in_one_step() {
    let rig = Rig::new();
    let landed = ["B-1", "B-2", "B-3"].map(|booking| rig.land(booking, "x", booking.as_bytes()));
    std::fs::remove_file(rig.bag().join("data/B-2/x")).unwrap();
    let answers = rig.drive.record(&site(), month(), &landed.each_ref().map(proof_of));
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(rig.copies().len(), 2);
}

#[test]
fn a_proven_copy_that_has_rotted_stays_and_the_file_is_written_beside_it() {
    let rig = Rig::new();
    let proven = rig.prove("B-1", "x", b"proven");
    let mut paths = std::collections::BTreeSet::from([proven.path]);
    for _ in 0..3 {
        for path in &paths {
            std::fs::write(rig.root.join(path), b"rotten").unwrap();
        }
        let landed = rig.prove("B-1", "x", b"proven");
        assert!(!landed.adopted);
        assert!(paths.insert(landed.path), "beside what rotted");
        assert!(rig.land("B-1", "x", b"proven").adopted, "and found there again");
    }
    assert_eq!(rig.copies().len(), 4, "what is rotten stays listed, so that sha256sum tells of it");
}

#[test]
fn r5_only_what_was_never_proven_is_thrown_away() {
    let rig = Rig::new();
    let landed = rig.land("B-1", "x", b"x");
    rig.drive.discard(&landed.path, None).unwrap();
    rig.drive.discard(&landed.path, None).unwrap();
    assert_eq!(rig.files(), NONE);
    assert!(!rig.bag().join("data/B-1").exists(), "a failure leaves no empty folders");
    assert_eq!(faults_of(&rig.bag()), NONE, "and a bag that is whole");
    let proven = rig.prove("B-1", "x", b"x");
    assert!(matches!(refused(rig.drive.discard(&proven.path, None)), DriveErrorKind::Proven));
    assert!(matches!(refused(rig.drive.discard(".strongroom/drive.json", None)), DriveErrorKind::BadPath));
}

#[test]
fn a_damaged_manifest_pauses_the_stage_and_is_left_as_it_is() {
    let rig = Rig::new();
    let landed = rig.prove("B-1", "x", b"x");
    let path = rig.bag().join("manifest-sha256.txt");
    for damage in [&b"nonsense\n"[..], &[0; 80], &[0xff, b'\n']] {
        std::fs::write(&path, damage).unwrap();
        let error = rig.drive.record(&site(), month(), &[proof_of(&landed)]).remove(0).unwrap_err();
        assert_eq!(error.obstacle().unwrap().kind, AlarmKind::DriveFailing, "{error}");
        assert!(error.to_string().contains("acme/2026-11/manifest-sha256.txt"), "{error}");
        rig.drive.receive(&place_of("B-2", "x", b"y")).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), damage);
    }
}
