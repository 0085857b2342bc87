//! The journal beside a month's manifest: what is listed at the cost of what is new.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use strongroom_drive::{Drive, DriveErrorKind, Landed, ProvenCopy, Recovery, RecoveryReport};
use strongroom_model::{AlarmKind, Algorithm, Digest};

use crate::rig::{
    NONE, Rig, month, of_month, open, place_of, proof_of, receive, record, recover, recovery, refused, site,
};
use crate::validator::faults_of;

fn list(rig: &Rig, booking: &str) -> Landed {
    let landed = rig.land(booking, "x", booking.as_bytes());
    record(&rig.drive, &[proof_of(&landed)]);
    landed
}

fn path(rig: &Rig) -> PathBuf {
    rig.bag().join("journal-sha256.txt")
}

fn append(rig: &Rig, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path(rig)).unwrap().write_all(bytes).unwrap();
}

/// A start that is given these proofs, or none and asks for them.
fn start(drive: &Drive, proofs: Option<&[Landed]>) -> RecoveryReport {
    let proofs = proofs.map(|landed| of_month(&landed.iter().map(proof_of).collect::<Vec<_>>())).unwrap_or_default();
    recover(drive, &Recovery { proofs: &proofs, ..recovery() })
}

fn aside(rig: &Rig) -> PathBuf {
    rig.root.join(".strongroom/quarantine/acme/2026-11/journal-sha256.txt")
}

#[test]
fn a_batch_is_listed_without_a_rewrite_of_the_manifest() {
    let rig = Rig::new();
    rig.prove("B-0", "x", b"0");
    let stamp = || fs::metadata(rig.bag().join("manifest-sha256.txt")).map(|data| (data.ino(), data.len())).unwrap();
    let (before, mut sizes) = (stamp(), Vec::new());
    for number in 1..=5 {
        list(&rig, &format!("B-{number}"));
        sizes.push(fs::metadata(path(&rig)).unwrap().len());
    }
    assert_eq!(stamp(), before);
    let grown: Vec<_> = sizes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(grown.iter().all(|bytes| *bytes == grown[0] && *bytes < 250), "{grown:?}");
    assert_eq!(rig.copies().len(), 6);
    rig.sha256sum_passes();
    assert_eq!(rig.drive.fold(&site()).unwrap(), [month()]);
    assert_eq!((rig.journal().as_str(), rig.manifest().lines().count()), ("", 7));
    assert_eq!(rig.drive.fold(&site()).unwrap(), []);
    assert_eq!(faults_of(&rig.bag()), NONE);
}

#[test]
fn r3_what_only_the_journal_lists_is_never_moved_or_replaced_by_any_process() {
    let rig = Rig::new();
    let other = open(&rig.root).unwrap();
    // The other process has looked before anything was listed.
    assert!(other.receive(&place_of("B-9", "x", b"9")).is_ok());
    for number in 1..=3 {
        let booking = format!("B-{number}");
        let landed = list(&rig, &booking);
        for drive in [&rig.drive, &other, &open(&rig.root).unwrap()] {
            assert!(matches!(refused(drive.discard(&landed.path, None)), DriveErrorKind::Proven));
            assert!(matches!(refused(drive.quarantine(&landed.path, None)), DriveErrorKind::Proven));
            assert!(drive.lists(&site(), month(), &[proof_of(&landed)]).unwrap());
            receive(drive, &place_of(&booking, "x", b"another"), b"another").unwrap().discard();
        }
        assert_eq!(fs::read(rig.root.join(&landed.path)).unwrap(), booking.as_bytes());
    }
}

#[test]
fn another_process_sees_what_is_listed_before_and_after_a_fold() {
    let rig = Rig::new();
    let other = open(&rig.root).unwrap();
    let mut all = Vec::new();
    for round in 0..4 {
        all.extend((0..3).map(|number| proof_of(&list(&rig, &format!("B-{round}-{number}")))));
        assert!(other.lists(&site(), month(), &all).unwrap(), "round {round}");
        if round % 2 == 0 {
            other.fold(&site()).unwrap();
        }
        assert!(rig.drive.lists(&site(), month(), &all).unwrap(), "round {round}");
    }
    assert_eq!(rig.copies().len(), 12);
}

#[test]
fn a_journal_is_folded_when_it_has_grown_as_long_as_the_manifest() {
    let rig = Rig::in_memory();
    let name = "x".repeat(200);
    let mut folds = 0;
    for batch in 0..40 {
        let proofs: Vec<_> = (0..200)
            .map(|number| {
                let folder = rig.bag().join(format!("data/B-{batch}-{number}"));
                if batch > 0 {
                    fs::create_dir(&folder).unwrap();
                    fs::write(folder.join(&name), b"").unwrap();
                    let path = format!("acme/2026-11/data/B-{batch}-{number}/{name}");
                    ProvenCopy { path, sha256: Digest::of(Algorithm::Sha256, b""), seen: None }
                } else {
                    proof_of(&rig.land(&format!("B-{batch}-{number}"), &name, b""))
                }
            })
            .collect();
        let before = rig.manifest().len();
        record(&rig.drive, &proofs);
        folds += u32::from(rig.manifest().len() != before);
    }
    // 40 batches of 56 KiB: at one MiB, and when that has doubled.
    assert_eq!(folds, 2);
    assert_eq!(rig.copies().len(), 8_000);
}

#[test]
fn what_a_kill_left_of_an_append_is_relied_on_by_nobody_and_the_next_batch_goes_on() {
    let line = format!("{}  data/B-2/x\n", "a".repeat(64));
    for torn in [&b""[..], b"\0\0\0\0", &line.as_bytes()[..70], line.as_bytes(), &line.repeat(3).as_bytes()[..200]] {
        let rig = Rig::new();
        let first = list(&rig, "B-1");
        append(&rig, torn);
        let drive = open(&rig.root).unwrap();
        assert!(drive.lists(&site(), month(), &[proof_of(&first)]).unwrap(), "{torn:?}");
        let second = rig.land("B-2", "x", b"B-2");
        record(&drive, &[proof_of(&second)]);
        assert_eq!(rig.copies().len(), 2, "{torn:?}");
        rig.sha256sum_passes();
        assert_eq!(aside(&rig).exists(), !torn.is_empty(), "what it may have listed once is kept");
        assert_eq!(start(&drive, None).doubtful.len(), 0);
        assert_eq!(faults_of(&rig.bag()), NONE);
    }
}

#[test]
fn a_start_folds_what_a_dead_process_left() {
    let rig = Rig::new();
    list(&rig, "B-1");
    append(&rig, b"half a li");
    let drive = open(&rig.root).unwrap();
    let found = start(&drive, None);
    assert_eq!((found.rewritten, found.doubtful.len()), (vec![month()], 0));
    assert_eq!((rig.journal().as_str(), rig.manifest().lines().count()), ("", 2));
    assert_eq!(start(&drive, None), RecoveryReport::default());
}

#[test]
fn a_damaged_journal_is_kept_and_what_the_log_proves_is_listed_again() {
    let middle = |text: &str| text.rfind("data/B-2").unwrap();
    let damages: [&dyn Fn(String) -> Vec<u8>; 4] = [
        &|text| text.replace("data/B-2/x", "data/B-7/x").into_bytes(),
        &|text| [&text.as_bytes()[..middle(&text)], &[0xff; 4], &text.as_bytes()[middle(&text) + 4..]].concat(),
        &|text| text.replacen("# journal", "# jpurnal", 1).into_bytes(),
        &|text| format!("somebody's own notes\n{text}").into_bytes(),
    ];
    for (number, damage) in damages.iter().enumerate() {
        let rig = Rig::new();
        let proven: Vec<_> = ["B-1", "B-2", "B-3"].map(|booking| list(&rig, booking)).into();
        let bytes = damage(rig.journal());
        fs::write(path(&rig), &bytes).unwrap();
        let drive = open(&rig.root).unwrap();
        let error = drive.record(&site(), month(), &[proof_of(&proven[0])]).remove(0).unwrap_err();
        assert_eq!(error.obstacle().unwrap().kind, AlarmKind::DriveFailing, "{error}");
        assert!(error.to_string().contains("journal-sha256.txt"), "{error}");
        assert!(!drive.lists(&site(), month(), &[proof_of(&proven[2])]).unwrap());
        assert!(start(&drive, None).doubtful.contains(&month()));
        start(&drive, Some(&proven));
        assert_eq!(fs::read(aside(&rig)).unwrap(), bytes, "{number}");
        assert_eq!(rig.copies().len(), 3, "{number}");
        assert_eq!(faults_of(&rig.bag()), NONE, "{number}");
        rig.sha256sum_passes();
    }
}

#[test]
fn what_a_damaged_journal_still_lists_is_found_though_the_log_was_lost() {
    let rig = Rig::new();
    let proven = ["B-1", "B-2", "B-3"].map(|booking| list(&rig, booking));
    fs::write(path(&rig), rig.journal().replacen("# journal", "# jpurnal", 1)).unwrap();
    let drive = open(&rig.root).unwrap();
    let found = start(&drive, Some(&[]));
    let paths: Vec<_> = found.unlisted.iter().map(|file| file.path.clone()).collect();
    assert_eq!(paths, proven.each_ref().map(|landed| landed.path.clone()));
    assert!(found.unlisted.iter().zip(&proven).all(|(file, landed)| file.listed_as == [landed.pair.sha256.clone()]));
}

#[test]
fn a_journal_that_contradicts_the_manifest_is_damage() {
    let rig = Rig::new();
    let landed = rig.prove("B-1", "x", b"B-1");
    let second = list(&rig, "B-2");
    let manifest = rig.manifest().replace(&landed.pair.sha256.hex(), &"b".repeat(64));
    let listed_in_both = rig.journal();
    fs::write(rig.bag().join("manifest-sha256.txt"), manifest.replace("data/B-1/x", "data/B-2/x")).unwrap();
    let drive = open(&rig.root).unwrap();
    let error = drive.lists(&site(), month(), &[proof_of(&landed)]);
    assert!(!error.unwrap(), "neither is believed");
    start(&drive, Some(&[landed, second]));
    assert_eq!(fs::read_to_string(aside(&rig)).unwrap(), listed_in_both);
    assert_eq!(rig.copies().len(), 2);
}

#[test]
fn a_link_in_the_journals_place_is_not_followed() {
    let rig = Rig::new();
    rig.prove("B-1", "x", b"x");
    let outside = rig.root.with_file_name("outside");
    fs::write(&outside, b"theirs").unwrap();
    std::os::unix::fs::symlink(&outside, path(&rig)).unwrap();
    assert!(rig.receive(&place_of("B-2", "x", b"2"), b"2").is_err());
    assert_eq!(fs::read(&outside).unwrap(), b"theirs");
}

#[test]
fn a_drive_of_an_older_version_goes_on() {
    let rig = Rig::new();
    let first = rig.prove("B-1", "x", b"1");
    // An older version knows no journal: it lists in the manifest, and leaves the journal where it is.
    list(&rig, "B-2");
    let third = rig.land("B-3", "x", b"3");
    let line = format!("{}{}  data/B-3/x\n", rig.manifest(), third.pair.sha256.hex());
    fs::write(rig.bag().join("manifest-sha256.txt"), line).unwrap();
    let drive = open(&rig.root).unwrap();
    assert!(drive.lists(&site(), month(), &[proof_of(&first), proof_of(&third)]).unwrap());
    start(&drive, None);
    assert_eq!(rig.manifest().lines().count(), 4);
    assert_eq!(faults_of(&rig.bag()), NONE);
}
