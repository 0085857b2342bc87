//! What a start puts right.

use std::collections::BTreeSet;

use strongroom_drive::{ExpectedFile, ProvenCopy, Recovery, RecoveryReport};
use strongroom_model::{Algorithm, ByteCount, Digest};

use crate::rig::{NONE, Rig, month, of_month, open, place_of, proof_of, recovery, site};
use crate::validator::faults_of;

/// A start at which nothing was asked of the log yet.
fn recover(rig: &Rig, expected_files: &[ExpectedFile], unproven: &[String]) -> RecoveryReport {
    crate::rig::recover(&rig.drive, &Recovery { expected_files, unproven, ..recovery() })
}

/// The same, once the log has given all the month's proofs.
fn recover_with(rig: &Rig, proofs: &[ProvenCopy]) -> RecoveryReport {
    crate::rig::recover(&rig.drive, &Recovery { proofs: &of_month(proofs), ..recovery() })
}

fn expected_files(booking: &str, bytes: &[u8]) -> ExpectedFile {
    ExpectedFile { booking: booking.parse().unwrap(), expected: Digest::of(Algorithm::Sha256, bytes) }
}

fn leave_partial(rig: &Rig, booking: &str, bytes: &[u8]) {
    crate::rig::leave_partial(&rig.drive, &place_of(booking, "x", bytes), &bytes[..1]);
}

#[test]
fn on_a_new_drive_there_is_nothing_to_do() {
    let rig = Rig::new();
    assert_eq!(recover(&rig, &[], &[]), RecoveryReport::default());
    assert_eq!(recover_with(&rig, &[]), RecoveryReport::default());
    assert_eq!(rig.all_files(), NONE);
}

#[test]
fn a_partial_file_stays_as_long_as_it_is_wanted() {
    let rig = Rig::new();
    for booking in ["B-1", "B-2", "b-1"] {
        leave_partial(&rig, booking, b"hello");
    }
    // Beside a proven copy of other content.
    rig.prove("B-3", "x", b"jello");
    leave_partial(&rig, "B-3", b"hello");
    let still = [("B-1", &b"hello"[..]), ("b-1", b"hello"), ("B-3", b"hello"), ("B-2", b"other content")]
        .map(|(booking, bytes)| expected_files(booking, bytes));
    let found = recover(&rig, &still, &[]);
    assert_eq!((found.kept, found.swept), (3, 1));
    assert_eq!(rig.temporaries().len(), 3);
    assert_eq!(rig.drive.receive(&place_of("b-1", "x", b"hello")).unwrap().resumed_from(), ByteCount(1));
    // Next month, it would not be found again.
    let later = Recovery { month: "2026-12".parse().unwrap(), expected_files: &still, ..recovery() };
    assert_eq!(crate::rig::recover(&rig.drive, &later).swept, 3);
    assert_eq!(std::fs::read_dir(rig.bag().join("data")).unwrap().count(), 2, "nor do empty folders stay");
}

#[test]
fn only_what_lies_there_unproven_is_unfinished() {
    let rig = Rig::new();
    assert!(rig.drive.unfinished(&site(), month()).unwrap().is_empty());
    rig.prove("B-1", "x", b"hello");
    rig.prove("B-3", "x", b"jello");
    assert!(rig.drive.unfinished(&site(), month()).unwrap().is_empty(), "all of it is proven");
    for booking in ["b-1", "B-2", "B-3", "B-4"] {
        leave_partial(&rig, booking, b"hello");
    }
    rig.land("B-5", "x", b"hello");
    let unfinished = rig.drive.unfinished(&site(), month()).unwrap();
    let bookings = ["B-1", "b-1", "B-2", "B-3", "B-4", "B-5", "B-6"];
    let held = bookings.map(|booking| unfinished.may_hold(&booking.parse().unwrap()));
    assert_eq!(held, [false, true, true, true, true, true, false]);
    assert!(rig.drive.unfinished(&site(), "2026-12".parse().unwrap()).unwrap().is_empty());
}

#[test]
fn a_partial_file_that_a_worker_holds_is_never_swept() {
    let rig = Rig::new();
    let mut held = open(&rig.root).unwrap().receive(&place_of("B-1", "x", b"hello")).unwrap();
    held.write(b"he").unwrap();
    let found = recover(&rig, &[], &[]);
    assert_eq!((found.swept, found.others_busy), (0, true));
    held.write(b"llo").unwrap();
    held.finish().unwrap();
}

#[test]
fn only_names_of_ours_are_swept() {
    let rig = Rig::new();
    rig.prove("B-1", "x", b"x");
    let ours = [
        "acme/2026-11/.strongroom.manifest-sha256.txt.tmp",
        "acme/2026-11/data/.strongroom.README.txt.tmp",
        ".strongroom/.strongroom.drive.json.tmp",
    ];
    let others = ["acme/2026-11/notes.tmp", "acme/notes.part", "acme/.strongroom.x.part", "photos/.strongroom.x.part"];
    std::fs::create_dir(rig.root.join("photos")).unwrap();
    for path in ours.iter().chain(&others) {
        std::fs::write(rig.root.join(path), b"").unwrap();
    }
    assert_eq!(recover(&rig, &[], &[]).swept, 3);
    assert!(ours.iter().all(|path| !rig.root.join(path).exists()));
    assert!(others.iter().all(|path| rig.root.join(path).exists()));
}

#[test]
fn a_missing_or_damaged_manifest_is_written_anew_from_the_log() {
    let rig = Rig::new();
    let proofs: Vec<_> = ["B-1", "B-2", "B-3"].map(|id| proof_of(&rig.prove(id, "x", id.as_bytes()))).into();
    let good = rig.manifest();
    let path = rig.bag().join("manifest-sha256.txt");
    for damage in [None, Some(&b"no manifest\n"[..]), Some(&good.as_bytes()[..100]), Some(&[0; 300]), Some(b"")] {
        std::fs::remove_file(&path).unwrap();
        if let Some(damage) = damage {
            std::fs::write(&path, damage).unwrap();
        }
        let found = recover(&rig, &[], &[]);
        assert_eq!((found.doubtful, found.rewritten), (BTreeSet::from([month()]), Vec::new()), "{damage:?}");
        let found = recover_with(&rig, &proofs);
        assert_eq!((found.doubtful, found.rewritten), (BTreeSet::new(), vec![month()]), "{damage:?}");
        assert_eq!(found.quarantined, NONE);
        assert_eq!(rig.manifest(), good);
        assert_eq!(faults_of(&rig.bag()), NONE);
    }
    assert_eq!(recover_with(&rig, &proofs), RecoveryReport::default());
    let aside = std::fs::read(rig.root.join(".strongroom/quarantine/acme/2026-11/manifest-sha256.txt")).unwrap();
    assert_eq!(aside, b"no manifest\n", "what cannot be read is kept, for a person");
}

#[test]
fn a_manifest_that_lacks_the_last_proofs_gets_them_and_a_missing_tag_file_comes_back() {
    let rig = Rig::new();
    let first = proof_of(&rig.prove("B-1", "x", b"1"));
    let second = proof_of(&rig.land("B-2", "x", b"2"));
    std::fs::remove_file(rig.bag().join("bagit.txt")).unwrap();
    assert_eq!(recover_with(&rig, &[first, second]).rewritten, [month()]);
    assert_eq!(faults_of(&rig.bag()), NONE);
}

#[test]
fn a_damaged_manifest_of_which_no_proofs_are_given_is_told_and_left() {
    let rig = Rig::new();
    rig.prove("B-1", "x", b"x");
    let path = rig.bag().join("manifest-sha256.txt");
    std::fs::write(&path, b"no manifest\n").unwrap();
    let found = recover(&rig, &[], &[]);
    assert_eq!((found.doubtful, found.quarantined.len()), (BTreeSet::from([month()]), 0));
    assert_eq!(std::fs::read(&path).unwrap(), b"no manifest\n");
}

#[test]
fn r3_only_what_the_log_says_was_fetched_and_never_proven_is_put_aside() {
    let rig = Rig::new();
    let proven = proof_of(&rig.prove("B-1", "x", b"proven"));
    let fetched = rig.land("B-2", "x", b"fetched");
    rig.land("B-3", "x", b"renamed, then killed; still wanted");
    let left = rig.land("B-4", "x", b"fetched, and fetched anew elsewhere");
    let unknown = rig.land("B-5", "x", b"proven by a log that was lost, or for another identity");
    let still = [expected_files("B-3", b"renamed, then killed; still wanted")];
    let found = recover(&rig, &still, std::slice::from_ref(&fetched.path));
    assert_eq!((found.doubtful, found.quarantined.len()), (BTreeSet::from([month()]), 0), "the log is asked first");
    let (proofs, abandoned) = (of_month(&[proven]), BTreeSet::from([left.path]));
    let (unproven, since) = ([fetched.path], Some("2020-01-01T00:00:00Z".parse().unwrap()));
    let recovery = Recovery {
        expected_files: &still,
        unproven: &unproven,
        proofs: &proofs,
        abandoned: &abandoned,
        since,
        ..recovery()
    };
    let found = crate::rig::recover(&rig.drive, &recovery);
    assert_eq!(found.quarantined, [".strongroom/quarantine/acme/2026-11/data/B-4/x"]);
    assert_eq!(unlisted(&found), [(unknown.path.as_str(), 0)], "though it is newer than the log");
    assert!(["B-1", "B-2", "B-3", "B-5"].iter().all(|id| rig.bag().join("data").join(id).join("x").exists()));
    assert!(!rig.bag().join("data/B-4").exists());
}

/// Makes a file older than any log.
fn age(rig: &Rig, path: &str) {
    let file = std::fs::File::options().write(true).open(rig.root.join(path)).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000)).unwrap();
}

/// A start with a log that began after 2025 and holds these proofs.
fn recover_since(rig: &Rig, proofs: &[ProvenCopy]) -> RecoveryReport {
    let since = Some("2025-01-01T00:00:00Z".parse().unwrap());
    crate::rig::recover(&rig.drive, &Recovery { proofs: &of_month(proofs), since, ..recovery() })
}

fn unlisted(found: &RecoveryReport) -> Vec<(&str, usize)> {
    found.unlisted.iter().map(|file| (file.path.as_str(), file.listed_as.len())).collect()
}

#[test]
fn what_is_older_than_the_log_is_told_and_stays_for_another_log_may_have_proven_it() {
    let rig = Rig::new();
    let old = rig.land("B-1", "x", b"proven by a log that was lost");
    age(&rig, &old.path);
    let proofs = [proof_of(&rig.prove("C-1", "x", b"proven by this one"))];
    std::fs::write(rig.bag().join("manifest-sha256.txt"), b"x").unwrap();
    for _ in 0..2 {
        let found = recover_since(&rig, &proofs);
        assert_eq!(unlisted(&found), [(old.path.as_str(), 0)], "told at each start");
        assert!(rig.root.join(&old.path).exists());
    }
}

#[test]
fn what_a_damaged_manifest_still_lists_is_told_with_its_digest_at_every_start_until_it_is_listed_again() {
    let rig = Rig::new();
    let old = ["B-1", "B-2", "B-3"].map(|id| rig.prove(id, "x", id.as_bytes()));
    old.iter().for_each(|landed| age(&rig, &landed.path));
    let new = proof_of(&rig.prove("C-1", "x", b"proven by this log"));
    let manifest = rig.bag().join("manifest-sha256.txt");
    // The digest of the first copy is none any more, and the last line has no end.
    let damaged = format!("?{}", &rig.manifest()[1..rig.manifest().len() - 1]);
    std::fs::write(&manifest, &damaged).unwrap();
    let expected = [(old[0].path.as_str(), 0), (old[1].path.as_str(), 1), (old[2].path.as_str(), 1)];
    for _ in 0..2 {
        let found = recover_since(&rig, std::slice::from_ref(&new));
        assert_eq!(unlisted(&found), expected);
        assert_eq!(found.unlisted[1].listed_as, [Digest::of(Algorithm::Sha256, b"B-2")]);
        assert_eq!(rig.copies().len(), 1);
    }
    let kept = rig.root.join(".strongroom/quarantine/acme/2026-11/manifest-sha256.txt");
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), damaged);

    // A second one is damaged, with nothing in it that can be read: the first one still tells.
    rig.record(&[proof_of(&old[1])]);
    std::fs::write(&manifest, b"x").unwrap();
    assert_eq!(unlisted(&recover_since(&rig, std::slice::from_ref(&new))), expected);
    rig.record(&[proof_of(&old[1]), proof_of(&old[2])]);
    assert_eq!(unlisted(&recover_since(&rig, std::slice::from_ref(&new))), expected[..1]);
    assert_eq!(std::fs::read_to_string(kept).unwrap(), damaged, "it is evidence");
}

#[test]
fn a_file_that_a_kept_manifest_lists_is_not_put_aside_though_it_is_no_older_than_the_log() {
    let rig = Rig::new();
    // The drive's files were copied to it from another one, which made them new.
    let copied = rig.prove("B-1", "x", b"proven by a log that was lost");
    let new = proof_of(&rig.prove("C-1", "x", b"proven by this log"));
    std::fs::write(rig.bag().join("manifest-sha256.txt"), format!("{}x", rig.manifest())).unwrap();
    let found = recover_since(&rig, &[new]);
    assert_eq!(unlisted(&found), [(copied.path.as_str(), 1)]);
    assert_eq!(found.quarantined, NONE);
    assert!(rig.root.join(&copied.path).exists());
}

#[test]
fn a_manifest_that_contradicts_the_log_is_kept_and_its_other_lines_are_told() {
    let rig = Rig::new();
    let old = rig.prove("B-1", "x", b"proven by a log that was lost");
    age(&rig, &old.path);
    let new = proof_of(&rig.prove("C-1", "x", b"proven by this log"));
    // A digit changed, so that every line can still be read.
    let digit = if new.sha256.hex().starts_with('0') { "1" } else { "0" };
    let changed = rig.manifest().replace(&new.sha256.hex(), &format!("{digit}{}", &new.sha256.hex()[1..]));
    std::fs::write(rig.bag().join("manifest-sha256.txt"), &changed).unwrap();
    let found = recover_since(&rig, std::slice::from_ref(&new));
    assert_eq!(unlisted(&found), [(old.path.as_str(), 1)], "its line is not dropped without a word");
    assert_eq!(rig.copies(), [format!("{}  data/C-1/x", new.sha256.hex())]);
    let kept = std::fs::read_to_string(rig.root.join(".strongroom/quarantine/acme/2026-11/manifest-sha256.txt"));
    assert_eq!(kept.unwrap(), changed);
    assert_eq!(recover_since(&rig, &[new]).rewritten, [], "once");
}

#[test]
fn while_others_write_what_is_older_than_the_log_is_told_all_the_same() {
    let rig = Rig::new();
    let old = rig.land("B-1", "x", b"proven by a log that was lost");
    age(&rig, &old.path);
    rig.prove("C-1", "x", b"proven by this log");
    let other = open(&rig.root).unwrap();
    let held = other.receive(&place_of("C-2", "x", b"hello")).unwrap();
    let found = recover_since(&rig, &[]);
    assert_eq!((unlisted(&found), found.others_busy), (vec![(old.path.as_str(), 0)], true));
    drop(held);
}

#[test]
fn a_desktops_own_files_are_neither_moved_nor_taken_for_copies() {
    let rig = Rig::new();
    let old = rig.land("B-1", "x", b"proven by a log that was lost");
    age(&rig, &old.path);
    rig.prove("C-1", "x", b"proven by this log");
    for path in ["data/.DS_Store", "data/B-1/._x", "data/B-1/.DS_Store"] {
        std::fs::write(rig.bag().join(path), b"Mac").unwrap();
        age(&rig, &format!("acme/2026-11/{path}"));
    }
    let found = recover_since(&rig, &[]);
    assert_eq!(unlisted(&found), [(old.path.as_str(), 0)]);
    assert!(rig.bag().join("data/B-1/._x").exists() && rig.bag().join("data/.DS_Store").exists());
}

#[test]
fn while_others_write_no_file_of_theirs_is_put_aside() {
    let rig = Rig::new();
    rig.prove("B-1", "x", b"proven");
    let other = open(&rig.root).unwrap();
    let mut held = other.receive(&place_of("B-2", "x", b"hello")).unwrap();
    held.write(b"hello").unwrap();
    // It has its final name, and its event is not committed yet.
    let next = other.receive(&place_of("B-3", "x", b"next")).unwrap();
    other.commit(vec![held.finish().unwrap()]).pop().unwrap().unwrap();
    let found = recover_with(&rig, &[]);
    assert_eq!((found.quarantined.len(), found.others_busy), (0, true));
    drop(next);
}

#[test]
fn another_sites_files_are_not_touched() {
    let rig = Rig::new();
    leave_partial(&rig, "B-1", b"hello");
    rig.drive.recover(&"other".parse().unwrap(), &recovery()).unwrap();
    assert_eq!(rig.temporaries().len(), 1);
}
