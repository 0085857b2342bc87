//! Faults of the device, ordered by name.

use std::path::Path;

use strongroom_drive::{DriveError, Received};
use strongroom_model::{AlarmKind, Algorithm, FailureKind};
use strongroom_service::fault::during;

use crate::rig::{NONE, Rig, month, place_of, proof_of, site};

fn received(rig: &Rig, count: usize) -> Vec<Received> {
    (0..count)
        .map(|index| {
            let bytes = format!("file {index}").into_bytes();
            rig.receive(&place_of(&format!("B-{index}"), "x", &bytes), &bytes).unwrap()
        })
        .collect()
}

fn kind(error: &DriveError) -> AlarmKind {
    error.obstacle().unwrap_or_else(|| panic!("no obstacle: {error}")).kind
}

/// How many syncs a new month's bag takes: its four files, its two folders, and the two that hold its name.
const BAG_SYNCS: usize = 8;

/// Whether a batch has one sync for its bytes and one for its names, and not one for each file and folder.
fn syncs_by_batch() -> bool {
    let here = rustix::fs::statfs(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap().f_type;
    matches!(here, 0xef53 | 0x5846_5342 | 0x9123_683e | 0xf2f5_2010)
}

#[test]
fn r1_an_error_on_syncing_bytes_drops_the_whole_batch_and_it_is_written_again() {
    during(&format!("drive.sync:{}=EIO", BAG_SYNCS + 1), sync_fails);
}

#[test]
fn r1_an_error_on_syncing_names_drops_the_whole_batch_and_it_is_written_again() {
    let bytes = if syncs_by_batch() { 1 } else { 3 };
    during(&format!("drive.sync:{}=EIO", BAG_SYNCS + bytes + 1), sync_fails);
}

fn sync_fails() {
    let rig = Rig::new();
    for answer in rig.drive.commit(received(&rig, 3)) {
        let error = answer.unwrap_err();
        assert_eq!(kind(&error), AlarmKind::DriveFailing);
        assert!(error.to_string().contains("Input/output error"), "{error}");
    }
    assert_eq!(rig.files(), NONE, "nothing of it is adopted or resumed");
    for (index, answer) in rig.drive.commit(received(&rig, 3)).into_iter().enumerate() {
        let landed = answer.unwrap();
        assert!(!landed.adopted && landed.resumed_from.0 == 0);
        assert_eq!(landed.path, format!("acme/2026-11/data/B-{index}/x"));
    }
}

#[test]
fn r1_what_was_written_before_another_batchs_sync_failed_is_not_relied_on() {
    during(&format!("drive.sync:{}=EIO", BAG_SYNCS + 1), || {
        let rig = Rig::new();
        let bytes = b"in flight";
        let unfinished = rig.receive(&place_of("B-9", "x", bytes), bytes).unwrap();
        rig.drive.commit(received(&rig, 1)).pop().unwrap().unwrap_err();
        if syncs_by_batch() {
            let error = rig.drive.commit(vec![unfinished]).pop().unwrap().unwrap_err();
            assert_eq!(kind(&error), AlarmKind::DriveFailing);
            assert_eq!(rig.files(), NONE);
            let again = rig.receive(&place_of("B-9", "x", bytes), bytes).unwrap();
            rig.drive.commit(vec![again]).pop().unwrap().unwrap();
        } else {
            // With a sync of its own for each file, the error was that file's alone.
            rig.drive.commit(vec![unfinished]).pop().unwrap().unwrap();
        }
    });
}

#[test]
fn r6_a_drive_full_at_the_50th_of_100_files_keeps_the_49_and_pauses() {
    during("drive.write:50-60=ENOSPC", || {
        let rig = Rig::new();
        let receive = |index: usize| {
            let bytes = format!("file {index}").into_bytes();
            rig.receive(&place_of(&format!("B-{index}"), "x", &bytes), &bytes)
        };
        let mut batch: Vec<_> = (0..49).map(|index| receive(index).unwrap()).collect();
        let error = receive(49).unwrap_err();
        assert_eq!(kind(&error), AlarmKind::DriveFull);
        assert!(rig.drive.commit(std::mem::take(&mut batch)).into_iter().all(|answer| answer.is_ok()));
        assert_eq!(rig.files().len(), 49);
        assert!(!rig.bag().join("data/B-49").exists(), "what could not be written left nothing");
        for _ in 50..60 {
            assert_eq!(kind(&receive(49).unwrap_err()), AlarmKind::DriveFull);
        }
        let rest: Vec<_> = (49..100).map(|index| receive(index).unwrap()).collect();
        assert!(rig.drive.commit(rest).into_iter().all(|answer| answer.is_ok()));
        assert_eq!(rig.files().len(), 100);
    });
}

#[test]
fn a_rename_that_fails_is_that_files_and_the_rest_land() {
    during("files.rename:3=5,files.rename:4=EROFS", || {
        // The first rename is the identity's, the second one the bag's.
        let rig = Rig::new();
        let answers = rig.drive.commit(received(&rig, 3));
        assert_eq!(kind(answers[0].as_ref().unwrap_err()), AlarmKind::DriveFailing);
        assert_eq!(kind(answers[1].as_ref().unwrap_err()), AlarmKind::DriveReadOnly);
        answers[2].as_ref().unwrap();
        // What failed is still there, and goes on from its last byte.
        for (index, answer) in rig.drive.commit(received(&rig, 3)).into_iter().enumerate() {
            assert_eq!(answer.unwrap().adopted, index == 2);
        }
        assert_eq!(rig.temporaries(), NONE);
    });
}

#[test]
fn a_file_system_without_rename_noreplace_lands_files_by_link_and_unlink() {
    during("files.rename:1-=22", lands_without_noreplace);
}

#[test]
fn a_file_system_without_links_either_looks_before_it_renames() {
    during("files.rename:1-=22,files.link:1-=95", lands_without_noreplace);
}

fn lands_without_noreplace() {
    let rig = Rig::new();
    std::fs::create_dir_all(rig.bag().join("data/B-0")).unwrap();
    std::fs::write(rig.bag().join("data/B-0/x"), b"somebody else's").unwrap();
    assert!(rig.drive.commit(received(&rig, 3)).into_iter().all(|answer| answer.is_ok()));
    assert_eq!(std::fs::read(rig.bag().join("data/B-0/x")).unwrap(), b"file 0");
    let aside = rig.root.join(".strongroom/quarantine/acme/2026-11/data/B-0/x");
    assert_eq!(std::fs::read(aside).unwrap(), b"somebody else's");
    assert_eq!(rig.temporaries(), NONE);
}

#[test]
fn a_byte_flipped_between_write_and_read_back_shows_in_the_digest() {
    during("drive.read-back:1=flip", || {
        let rig = Rig::new();
        let landed = rig.land("B-1", "x", &[7; 10_000]);
        let read = || rig.drive.read_back(&landed.path, Algorithm::Sha256).unwrap();
        let flipped = read();
        assert_ne!(flipped.pair, landed.pair);
        assert_eq!(flipped.size, landed.size);
        assert_eq!(read().pair, landed.pair);
    });
}

#[test]
fn a_sector_that_cannot_be_read_is_one_files_trouble() {
    during("drive.read-back:1=EIO", || {
        let rig = Rig::new();
        let paths: Vec<_> = (0..2).map(|index| rig.land(&format!("B-{index}"), "x", b"x").path).collect();
        let wanted: Vec<_> = paths.iter().map(|path| (path.as_str(), Algorithm::Sha256)).collect();
        let mut answers = rig.drive.read_back_many(&wanted).into_iter();
        let error = answers.next().unwrap().unwrap_err();
        assert_eq!((error.failure_kind(), error.obstacle()), (FailureKind::DriveIo, None));
        answers.next().unwrap().unwrap();
    });
}

#[test]
fn a_batch_that_cannot_be_written_to_the_journal_lists_nothing() {
    during("drive.journal:2=ENOSPC", listing_fails);
}

#[test]
fn a_batch_that_cannot_be_synced_in_the_journal_lists_nothing() {
    // A batch's syncs, the journal's and the folder's; then the next batch's.
    during(&format!("drive.sync:{}=EIO", BAG_SYNCS + batch_syncs() + 2 + batch_syncs() + 1), listing_fails);
}

#[test]
fn a_journal_that_cannot_be_begun_is_not_there() {
    for sync in 1..=2 {
        during(&format!("drive.sync:{}=EIO", BAG_SYNCS + batch_syncs() + sync), listing_first_fails);
    }
    during("drive.journal:1=ENOSPC", listing_first_fails);
}

#[test]
fn a_manifest_that_cannot_be_written_leaves_the_old_one_whole() {
    // The bag's own four files, and then this one.
    during("drive.manifest:5=ENOSPC", manifest_fails);
}

#[test]
fn a_manifest_that_cannot_be_synced_leaves_the_old_one_whole() {
    // A batch's syncs, the journal's and the folder's.
    during(&format!("drive.sync:{}=EIO", BAG_SYNCS + batch_syncs() + 2 + 1), manifest_fails);
}

/// How many syncs a batch of one file takes.
fn batch_syncs() -> usize {
    if syncs_by_batch() { 2 } else { 1 + 5 }
}

fn listed(rig: &Rig, landed: &strongroom_drive::Landed) -> Result<(), DriveError> {
    rig.drive.record(&site(), month(), &[proof_of(landed)]).remove(0)
}

fn listing_fails() {
    let rig = Rig::new();
    listed(&rig, &rig.land("B-1", "x", b"x")).unwrap();
    let before = rig.journal();
    let landed = rig.land("B-2", "x", b"y");
    let error = listed(&rig, &landed).unwrap_err();
    assert!(matches!(kind(&error), AlarmKind::DriveFull | AlarmKind::DriveFailing), "{error}");
    assert_eq!(rig.journal(), before, "what follows does not rest on bytes whose sync failed");
    listed(&rig, &landed).unwrap();
    assert!(rig.journal().starts_with(&before));
    assert_eq!(rig.copies().len(), 2);
    rig.sha256sum_passes();
}

fn listing_first_fails() {
    let rig = Rig::new();
    let landed = rig.land("B-1", "x", b"x");
    listed(&rig, &landed).unwrap_err();
    assert!(!rig.bag().join("journal-sha256.txt").exists());
    assert_eq!(rig.copies(), NONE);
    listed(&rig, &landed).unwrap();
    assert_eq!(rig.copies().len(), 1);
}

fn manifest_fails() {
    let rig = Rig::new();
    listed(&rig, &rig.land("B-1", "x", b"x")).unwrap();
    let before = (rig.manifest(), rig.journal());
    let error = rig.drive.fold(&site()).unwrap_err();
    assert!(matches!(kind(&error), AlarmKind::DriveFull | AlarmKind::DriveFailing), "{error}");
    assert_eq!((rig.manifest(), rig.journal()), before);
    assert_eq!(rig.temporaries(), NONE);
    listed(&rig, &rig.land("B-2", "x", b"y")).unwrap();
    rig.drive.fold(&site()).unwrap();
    assert_eq!(rig.manifest().lines().count(), 3);
    assert_eq!(rig.journal(), "");
    rig.sha256sum_passes();
}

#[test]
fn r1_a_month_whose_bag_cannot_be_synced_is_not_begun() {
    for sync in 1..=BAG_SYNCS {
        during(&format!("drive.sync:{sync}=EIO"), bag_fails);
    }
}

#[test]
fn r6_a_month_whose_bag_cannot_be_written_is_not_begun() {
    for file in 1..=4 {
        during(&format!("drive.manifest:{file}=ENOSPC"), bag_fails);
    }
    // The first rename is the identity's.
    during("files.rename:2=EIO", bag_fails);
}

fn bag_fails() {
    let rig = Rig::new();
    let error = rig.drive.receive(&place_of("B-1", "x", b"x")).unwrap_err();
    assert!(matches!(kind(&error), AlarmKind::DriveFull | AlarmKind::DriveFailing), "{error}");
    assert_eq!(rig.all_files(), NONE);
    assert!(!rig.bag().exists());
    rig.prove("B-1", "x", b"x");
    rig.sha256sum_passes();
}
