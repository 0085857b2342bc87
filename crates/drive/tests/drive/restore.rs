//! Files restored from a drive to a folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};

use strongroom_drive::{
    Drive, DriveErrorKind, LoggedCopy, ProvenRead, RestoreFileError, RestoreFolder, RestoreOutcome, Time, restored_name,
};
use strongroom_model::{Algorithm, ByteCount, Digest};

use crate::kills::{root, run_child, succeeded};
use crate::rig::{Rig, month, site};

const BYTES: &[u8] = b"a timesheet";
const PATH: &str = "acme/2026-11/data/B-1/x.pdf";

fn copy(bytes: &[u8]) -> LoggedCopy {
    LoggedCopy { sha256: Digest::of(Algorithm::Sha256, bytes), size: Some(ByteCount(bytes.len() as u64)) }
}

/// A drive with one proven copy, and an empty folder beside it.
fn drive_and_folder() -> (Rig, PathBuf) {
    let rig = Rig::new();
    rig.prove("B-1", "x.pdf", BYTES);
    let folder = rig.root.with_file_name("restored");
    fs::create_dir(&folder).unwrap();
    (rig, folder)
}

/// As a restoration does: from a drive that is opened for reading.
fn restore(rig: &Rig, folder: &Path, path: &str) -> Result<RestoreOutcome, RestoreFileError> {
    let source = Drive::open_read_only(&rig.root, None).unwrap();
    let copy = copy(BYTES);
    RestoreFolder::open(folder)?.restore(path, &copy, None, &mut |sink| source.read_proven(PATH, &copy, sink))
}

fn written(outcome: RestoreOutcome) -> String {
    match outcome {
        RestoreOutcome::Written { path, .. } => path,
        other => panic!("{other:?}"),
    }
}

fn files(folder: &Path) -> Vec<String> {
    let output = std::process::Command::new("find").args(["-type", "f"]).current_dir(folder).output().unwrap();
    let mut files: Vec<_> =
        String::from_utf8(output.stdout).unwrap().lines().map(|path| path[2..].to_owned()).collect();
    files.sort();
    files
}

#[test]
fn a_file_is_restored_with_its_name_and_time_and_the_drive_is_not_touched() {
    let (rig, folder) = drive_and_folder();
    let before = rig.all_files();
    assert_eq!(written(restore(&rig, &folder, "2026-11/B-1/x.pdf").unwrap()), "2026-11/B-1/x.pdf");
    let restored = folder.join("2026-11/B-1/x.pdf");
    assert_eq!(fs::read(&restored).unwrap(), BYTES);
    let modified = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(modified(&restored), modified(&rig.root.join(PATH)));
    assert_eq!((files(&folder), rig.all_files()), (vec!["2026-11/B-1/x.pdf".to_owned()], before));

    let again = restore(&rig, &folder, "2026-11/B-1/x.pdf").unwrap();
    assert_eq!(again, RestoreOutcome::Already { path: "2026-11/B-1/x.pdf".to_owned() });
    let time = Time { seconds: 1_700_000_000, nanoseconds: 0 };
    let to = RestoreFolder::open(&folder).unwrap();
    to.restore("y.pdf", &copy(BYTES), Some(time), &mut |sink| rig.drive.read_proven(PATH, &copy(BYTES), sink)).unwrap();
    let since = modified(&folder.join("y.pdf")).duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(since.as_secs(), 1_700_000_000);
}

#[test]
fn a_drive_alone_is_enough() {
    let (rig, folder) = drive_and_folder();
    let source = Drive::open_any_copy(&rig.root).unwrap();
    let to = RestoreFolder::open(&folder).unwrap();
    for listed in source.listed_copies(&site(), month()).unwrap() {
        let path = format!("{}/{}", restored_name(&listed.booking), restored_name(&listed.filename));
        let copy = LoggedCopy { sha256: listed.sha256.clone(), size: None };
        written(to.restore(&path, &copy, None, &mut |sink| source.read_proven(&listed.path, &copy, sink)).unwrap());
    }
    assert_eq!(fs::read(folder.join("B-1/x.pdf")).unwrap(), BYTES);
}

#[test]
fn what_has_the_name_stays_and_the_file_gets_a_number() {
    let (rig, folder) = drive_and_folder();
    fs::write(folder.join("x.pdf"), b"A timesheet").unwrap();
    symlink("/etc/hostname", folder.join("x (2).pdf")).unwrap();
    fs::create_dir(folder.join("x (3).pdf")).unwrap();
    assert_eq!(written(restore(&rig, &folder, "x.pdf").unwrap()), "x (4).pdf");
    assert_eq!(fs::read(folder.join("x.pdf")).unwrap(), b"A timesheet");
    let again = restore(&rig, &folder, "x.pdf").unwrap();
    assert_eq!(again, RestoreOutcome::Already { path: "x (4).pdf".to_owned() });
    assert_eq!(files(&folder), ["x (4).pdf", "x.pdf"]);
}

#[test]
fn a_rotten_source_restores_nothing() {
    let (rig, folder) = drive_and_folder();
    fs::write(rig.root.join(PATH), b"A timesheet").unwrap();
    let outcome = restore(&rig, &folder, "x.pdf").unwrap();
    assert!(matches!(outcome, RestoreOutcome::SourceDiffers(ProvenRead::Read { .. })), "{outcome:?}");
    fs::write(rig.root.join(PATH), b"short").unwrap();
    let outcome = restore(&rig, &folder, "x.pdf").unwrap();
    assert_eq!(outcome, RestoreOutcome::SourceDiffers(ProvenRead::OtherSize(ByteCount(5))));
    fs::remove_file(rig.root.join(PATH)).unwrap();
    let error = restore(&rig, &folder, "x.pdf").unwrap_err();
    assert!(matches!(&error, RestoreFileError::Source(error) if matches!(error.kind, DriveErrorKind::CopyMissing)));
    assert!(files(&folder).is_empty());
}

#[test]
fn r9_nothing_is_restored_outside_the_folder_or_onto_a_drive() {
    let (rig, folder) = drive_and_folder();
    let outside = folder.with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, folder.join("link")).unwrap();
    assert!(matches!(restore(&rig, &folder, "link/x.pdf"), Err(RestoreFileError::Io { .. })));
    for bad in ["../x", "/etc/x", "", "a//b", "a/../x"] {
        assert!(matches!(restore(&rig, &folder, bad), Err(RestoreFileError::BadPath(_))), "{bad}");
    }
    for drive in [rig.root.clone(), rig.bag()] {
        assert!(matches!(restore(&rig, &drive, "x.pdf"), Err(RestoreFileError::IsDrive(_))));
    }
    assert!(matches!(restore(&rig, &folder.join("missing"), "x.pdf"), Err(RestoreFileError::Io { .. })));
    assert!(files(&outside).is_empty() && files(&folder).is_empty());
}

#[cfg(feature = "kill-points")]
#[test]
fn r1_a_restored_file_that_does_not_read_back_right_is_named() {
    use strongroom_service::fault;
    let (rig, folder) = drive_and_folder();
    // The source is read first.
    let error = fault::during("drive.read-back:2=flip", || restore(&rig, &folder, "x.pdf")).unwrap_err();
    assert!(matches!(error, RestoreFileError::WrongBytes(_)), "{error}");
    fs::remove_file(folder.join("x.pdf")).unwrap();
    let orders = ["files.fsync:1=EIO", "files.rename:1=EIO", "files.mkdir:1=ENOSPC", "files.create:1=EROFS"];
    for (index, failing) in orders.into_iter().enumerate() {
        let error = fault::during(failing, || restore(&rig, &folder, &format!("{index}/x.pdf"))).unwrap_err();
        assert!(matches!(error, RestoreFileError::Io { .. }), "{failing}: {error}");
        assert!(files(&folder).is_empty(), "{failing}");
    }
}

#[test]
#[ignore = "run by another test, in a process that is killed"]
fn child_restores() {
    let (copy, drive) = (copy(BYTES), Drive::open_read_only(&root(), None).unwrap());
    let to = RestoreFolder::open(&root().with_file_name("restored")).unwrap();
    to.restore("a/x.pdf", &copy, None, &mut |sink| drive.read_proven(PATH, &copy, sink)).unwrap();
}

#[test]
fn r3_a_kill_between_any_two_steps_of_a_restoration_is_made_good_by_the_next_one() {
    for place in ["drive.restore-written", "drive.restore-renamed"] {
        let (rig, folder) = drive_and_folder();
        let killed = run_child("restore::child_restores", &rig.root, &[("STRONGROOM_KILL_AT", &format!("{place}:1"))]);
        assert_eq!(killed.status.signal(), Some(9), "{place} is never passed: {killed:?}");
        succeeded(&run_child("restore::child_restores", &rig.root, &[]));
        assert_eq!(files(&folder), ["a/x.pdf"], "{place}");
        assert_eq!(fs::read(folder.join("a/x.pdf")).unwrap(), BYTES);
    }
}
