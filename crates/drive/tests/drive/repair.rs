//! A proven file that rotted or is gone, replaced by the same content of another drive.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use strongroom_drive::{Drive, DriveErrorKind, LoggedCopy, ProvenRead, RepairError, RepairOutcome, Repaired};
use strongroom_model::{Algorithm, ByteCount, Digest};

use crate::kills::{root, run_child, succeeded};
use crate::rig::{NONE, Rig, land, month, months_pass, of_month, open, proof_of, recover, recovery, refused, site};
use crate::validator::faults_of;

const BYTES: &[u8] = b"what the log proved";
const PATH: &str = "acme/2026-11/data/B-1/x.pdf";
const ASIDE: &str = ".strongroom/quarantine/acme/2026-11/data/B-1/x.pdf";

fn sha256() -> Digest {
    Digest::of(Algorithm::Sha256, BYTES)
}

fn size() -> ByteCount {
    ByteCount(BYTES.len() as u64)
}

/// Two drives with the same proven copies.
fn two() -> (Rig, Rig) {
    let (source, target) = (Rig::new(), Rig::new());
    for rig in [&source, &target] {
        rig.prove("B-1", "x.pdf", BYTES);
        rig.prove("B-2", "y.pdf", b"another");
    }
    (source, target)
}

fn repair(target: &Drive, source: &Drive) -> Result<RepairOutcome, RepairError> {
    target.repair_from(PATH, &sha256(), size(), source, PATH)
}

fn repaired(target: &Rig, source: &Rig) -> Repaired {
    match repair(&target.drive, &source.drive).unwrap() {
        RepairOutcome::Repaired(repaired) => repaired,
        other @ RepairOutcome::SourceDiffers(_) => panic!("{other:?}"),
    }
}

/// The bag is right: for a validator, for `sha256sum`, and for the log.
fn is_right(rig: &Rig) {
    assert_eq!(fs::read(rig.root.join(PATH)).unwrap(), BYTES);
    assert_eq!(faults_of(&rig.bag()), NONE);
    rig.sha256sum_passes();
    assert_eq!(rig.temporaries(), NONE);
}

#[test]
fn a_rotten_file_is_replaced_and_kept_aside() {
    let (source, target) = two();
    fs::write(target.root.join(PATH), b"what the log proveD").unwrap();
    let repaired = repaired(&target, &source);
    assert_eq!(repaired.quarantined.as_deref(), Some(ASIDE));
    assert_eq!((repaired.read.pair.sha256, repaired.read.method), (sha256(), target.best_read_back()));
    assert_eq!(fs::read(target.root.join(ASIDE)).unwrap(), b"what the log proveD");
    is_right(&target);
    let modified = |rig: &Rig| fs::metadata(rig.root.join(PATH)).unwrap().modified().unwrap();
    assert_eq!(modified(&target), modified(&source));
}

#[test]
fn whatever_stands_in_a_proven_files_place_is_kept_aside() {
    type Damage = fn(&Path);
    let table: &[(&str, Damage, bool)] = &[
        ("the file is gone", |bag| fs::remove_file(bag.join("data/B-1/x.pdf")).unwrap(), false),
        ("its folder is gone", |bag| fs::remove_dir_all(bag.join("data/B-1")).unwrap(), false),
        ("the payload is gone", |bag| fs::remove_dir_all(bag.join("data")).unwrap(), false),
        ("it is longer", |bag| fs::write(bag.join("data/B-1/x.pdf"), [BYTES, b"!"].concat()).unwrap(), true),
        ("it is empty", |bag| fs::write(bag.join("data/B-1/x.pdf"), b"").unwrap(), true),
        (
            "it is a link",
            |bag| {
                fs::remove_file(bag.join("data/B-1/x.pdf")).unwrap();
                symlink("/etc/hostname", bag.join("data/B-1/x.pdf")).unwrap();
            },
            true,
        ),
        (
            "it is a folder",
            |bag| {
                fs::remove_file(bag.join("data/B-1/x.pdf")).unwrap();
                fs::create_dir(bag.join("data/B-1/x.pdf")).unwrap();
            },
            true,
        ),
        (
            "its folder is a file",
            |bag| {
                fs::remove_dir_all(bag.join("data/B-1")).unwrap();
                fs::write(bag.join("data/B-1"), b"file").unwrap();
            },
            false,
        ),
        (
            "its folder is a link",
            |bag| {
                fs::remove_dir_all(bag.join("data/B-1")).unwrap();
                symlink("B-2", bag.join("data/B-1")).unwrap();
            },
            false,
        ),
    ];
    for (what, damage, is_aside) in table {
        let (source, target) = two();
        damage(&target.bag());
        let repaired = repaired(&target, &source);
        assert_eq!((repaired.quarantined.is_some(), repaired.was_right), (*is_aside, false), "{what}");
        assert_eq!(fs::read(target.root.join(PATH)).unwrap(), BYTES, "{what}");
        // The same again: also where something was moved out of the way before.
        fs::write(target.root.join(PATH), b"rotten").unwrap();
        assert!(self::repaired(&target, &source).quarantined.is_some(), "{what}");
        assert_eq!(fs::read(target.root.join(PATH)).unwrap(), BYTES, "{what}");
    }
}

#[test]
fn a_file_that_reads_right_is_not_touched() {
    let (source, target) = two();
    let before = fs::metadata(target.root.join(PATH)).unwrap().modified().unwrap();
    let repaired = repaired(&target, &source);
    assert!(repaired.was_right && repaired.quarantined.is_none());
    assert_eq!(fs::metadata(target.root.join(PATH)).unwrap().modified().unwrap(), before);
    is_right(&target);
}

#[test]
fn r5_a_source_that_is_rotten_too_repairs_nothing() {
    let (source, target) = two();
    fs::write(target.root.join(PATH), b"rotten").unwrap();
    for rotten in [&b"What the log proved"[..], b"short"] {
        fs::write(source.root.join(PATH), rotten).unwrap();
        match repair(&target.drive, &source.drive).unwrap() {
            RepairOutcome::SourceDiffers(read) => {
                assert_eq!(matches!(read, ProvenRead::OtherSize(_)), rotten.len() == 5, "{read:?}");
            }
            RepairOutcome::Repaired(repaired) => panic!("{repaired:?}"),
        }
    }
    fs::remove_file(source.root.join(PATH)).unwrap();
    let error = repair(&target.drive, &source.drive).unwrap_err();
    assert!(
        matches!(&error, RepairError::Source(error) if matches!(error.kind, DriveErrorKind::CopyMissing)),
        "{error}"
    );
    assert_eq!(fs::read(target.root.join(PATH)).unwrap(), b"rotten");
    assert_eq!(target.temporaries(), NONE);
    assert!(!target.root.join(ASIDE).exists());
}

#[test]
fn r5_bytes_that_are_not_the_proven_ones_never_get_the_name() {
    let (_, target) = two();
    fs::remove_file(target.root.join(PATH)).unwrap();
    let mut repair = target.drive.begin_repair(PATH, &sha256(), size()).unwrap();
    repair.write(&vec![b'x'; BYTES.len()]).unwrap();
    assert!(matches!(refused(repair.finish()), DriveErrorKind::WrongBytes));
    let mut repair = target.drive.begin_repair(PATH, &sha256(), size()).unwrap();
    assert!(matches!(refused(repair.write(&vec![b'x'; BYTES.len() + 1])), DriveErrorKind::TooLong(_)));
    repair.write(b"half").unwrap();
    assert!(matches!(refused(repair.finish()), DriveErrorKind::WrongBytes));
    assert!(!target.root.join(PATH).exists());
    assert_eq!(target.temporaries(), NONE);
    for bad in ["acme/2026-11/bagit.txt", "../x", "acme/2026-11/data/B-1/.strongroom.x-1.part"] {
        assert!(matches!(refused(target.drive.begin_repair(bad, &sha256(), size())), DriveErrorKind::BadPath), "{bad}");
    }
}

#[test]
fn a_repair_goes_on_where_it_was_stopped() {
    let (source, target) = two();
    fs::write(target.root.join(PATH), b"rotten").unwrap();
    let mut begun = target.drive.begin_repair(PATH, &sha256(), size()).unwrap();
    begun.write(&BYTES[..5]).unwrap();
    drop(begun);
    assert_eq!(target.drive.begin_repair(PATH, &sha256(), size()).unwrap().resumed_from(), ByteCount(5));
    repaired(&target, &source);
    is_right(&target);
}

#[cfg(feature = "kill-points")]
#[test]
fn r1_a_repair_that_does_not_read_back_right_is_no_success() {
    use strongroom_service::fault;
    let (source, target) = two();
    fs::write(target.root.join(PATH), b"rotten, and long").unwrap();
    // Read: the source, the temporary file, the bad file, and the new one.
    for passing in [2, 4] {
        let order = format!("drive.read-back:{passing}=flip");
        let error = fault::during(&order, || repair(&target.drive, &source.drive)).unwrap_err();
        assert!(
            matches!(&error, RepairError::Target(error) if matches!(error.kind, DriveErrorKind::WrongBytes)),
            "{passing}: {error}"
        );
    }
    assert!(repaired(&target, &source).was_right);
    for failing in ["drive.sync:1=EIO", "drive.write:1=ENOSPC", "files.rename:1=EIO", "files.rename:2=EIO"] {
        fs::write(target.root.join(PATH), b"rotten").unwrap();
        assert!(fault::during(failing, || repair(&target.drive, &source.drive)).is_err(), "{failing}");
        repaired(&target, &source);
        is_right(&target);
    }
}

#[test]
#[ignore = "run by another test, in a process that is killed"]
fn child_repairs() {
    let target = root();
    let source = open(&target.with_file_name("source")).unwrap();
    assert!(matches!(repair(&open(&target).unwrap(), &source).unwrap(), RepairOutcome::Repaired(_)));
}

/// The target of a repair, with its source beside it.
fn rotten_beside_its_source() -> Rig {
    let rig = Rig::new();
    let source = rig.root.with_file_name("source");
    fs::create_dir(&source).unwrap();
    land(&crate::rig::set_up(&source), "B-1", "x.pdf", BYTES).unwrap();
    rig.prove("B-1", "x.pdf", BYTES);
    fs::write(rig.root.join(PATH), b"rotten").unwrap();
    rig
}

#[test]
fn r3_a_kill_between_any_two_steps_of_a_repair_is_made_good_by_the_next_one() {
    let places = ["written", "proven", "aside", "renamed", "named"].map(|step| format!("drive.repair-{step}"));
    for place in places.into_iter().chain(["drive.put-aside".to_owned()]) {
        let rig = rotten_beside_its_source();
        let killed = run_child("repair::child_repairs", &rig.root, &[("STRONGROOM_KILL_AT", &format!("{place}:1"))]);
        assert_eq!(killed.status.signal(), Some(9), "{place} is never passed: {killed:?}");
        let there = [rig.root.join(PATH), rig.root.join(ASIDE)].map(|path| fs::read(path).ok());
        assert!(there.iter().any(|bytes| bytes.as_deref() == Some(b"rotten")), "{place}: {there:?}");

        // A start in between takes an empty place for nothing else, and gives it to nobody.
        let proofs = [strongroom_drive::ProvenCopy { path: PATH.to_owned(), sha256: sha256(), seen: None }];
        let found = recover(&rig.drive, &strongroom_drive::Recovery { proofs: &of_month(&proofs), ..recovery() });
        assert_eq!((found.quarantined.as_slice(), found.unlisted.as_slice()), (&[][..], &[][..]), "{place}");
        assert!(rig.drive.lists(&site(), month(), &proofs).unwrap(), "{place}");
        if !rig.root.join(PATH).exists() {
            let elsewhere = land(&rig.drive, "B-1", "x.pdf", b"fetched meanwhile").unwrap();
            assert_ne!(elsewhere.path, PATH, "{place}");
            rig.record(&[proof_of(&elsewhere)]);
        }

        succeeded(&run_child("repair::child_repairs", &rig.root, &[]));
        is_right(&rig);
        months_pass(&rig.root);
        assert_eq!(fs::read(rig.root.join(ASIDE)).unwrap(), b"rotten", "{place}");
    }
}

#[test]
fn a_repaired_file_is_what_the_log_knows() {
    let (source, target) = two();
    fs::write(target.root.join(PATH), b"rotten").unwrap();
    repaired(&target, &source);
    let log = [(PATH.to_owned(), LoggedCopy { sha256: sha256(), size: Some(size()) })];
    let found = target.drive.survey(&site(), month(), &log.into_iter().collect()).unwrap();
    let codes: Vec<_> = found.faults.iter().map(|fault| (fault.path.as_str(), fault.kind.code())).collect();
    assert_eq!(codes, [("acme/2026-11/data/B-2/y.pdf", "entry-added")]);
}
