//! R6: what is refused, and with which words.

use std::os::unix::fs::symlink;
use std::path::Path;

use strongroom_drive::{Destination, Drive, DriveError, DriveSettings, InitError};
use strongroom_model::{AlarmKind, Algorithm, ByteCount, DriveId, FailureKind};

use crate::rig::{NONE, Rig, month, now, open, place_of, recovery, set_up, site};

fn kind(error: &DriveError) -> AlarmKind {
    error.obstacle().unwrap_or_else(|| panic!("no obstacle: {error}")).kind
}

fn refusal(root: &Path) -> (AlarmKind, String) {
    let error = open(root).unwrap_err();
    (kind(&error), error.to_string())
}

#[test]
fn r6_a_missing_folder_is_a_missing_drive() {
    let dir = tempfile::tempdir().unwrap();
    let (kind, message) = refusal(&dir.path().join("gone"));
    assert_eq!(kind, AlarmKind::DriveMissing);
    assert!(message.contains("gone") && message.contains("plug the drive in"), "{message}");
}

#[test]
fn r6_the_empty_folder_where_a_drive_should_be_mounted_is_refused_and_stays_empty() {
    let dir = tempfile::tempdir().unwrap();
    let (kind, message) = refusal(dir.path());
    assert_eq!(kind, AlarmKind::DriveMissing);
    assert!(message.contains("no drive is mounted") && message.contains("plug the drive in and mount it"), "{message}");
    assert!(!message.contains("drive init"), "that would make the system's disk a drive: {message}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn r6_a_drive_that_was_never_set_up_is_answered_with_the_exact_command() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("holiday.jpg"), b"").unwrap();
    let (kind, message) = refusal(dir.path());
    assert_eq!(kind, AlarmKind::DriveUnknown);
    let command = format!("`strongroom drive init {} --label NAME`", dir.path().display());
    assert!(message.contains(&command), "{message}");
}

#[test]
fn r6_another_drive_than_expected_is_refused_and_both_are_named() {
    let rig = Rig::new();
    let expected = DriveId::random();
    let settings = DriveSettings { expect: Some(expected), ..DriveSettings::default() };
    let error = Drive::open(&rig.root, &settings).unwrap_err();
    assert_eq!(kind(&error), AlarmKind::DriveUnknown);
    for part in [expected.to_string(), rig.drive.identity().id.to_string(), "Blue 4 TB".to_owned()] {
        assert!(error.to_string().contains(&part), "{error}");
    }
}

#[test]
fn r6_a_drive_swapped_for_another_is_noticed_before_the_next_batch() {
    let rig = Rig::new();
    let received = rig.receive(&place_of("B-1", "x", b"x"), b"x").unwrap();
    let other = rig.root.with_file_name("other");
    std::fs::create_dir(&other).unwrap();
    set_up(&other);
    std::fs::rename(&rig.root, rig.root.with_file_name("away")).unwrap();
    std::fs::rename(&other, &rig.root).unwrap();

    let error = rig.drive.commit(vec![received]).pop().unwrap().unwrap_err();
    assert_eq!(kind(&error), AlarmKind::DriveUnknown);
    assert_eq!(kind(&rig.drive.check(ByteCount(0)).unwrap_err()), AlarmKind::DriveUnknown);
    assert_eq!(kind(&rig.drive.receive(&place_of("B-2", "x", b"x")).unwrap_err()), AlarmKind::DriveUnknown);
    assert_eq!(rig.all_files(), NONE, "nothing was written to the other drive");

    std::fs::rename(&rig.root, &other).unwrap();
    std::fs::rename(rig.root.with_file_name("away"), &rig.root).unwrap();
    rig.drive.check(ByteCount(0)).unwrap();
    assert_eq!(rig.land("B-1", "x", b"x").resumed_from, ByteCount(1), "work goes on by itself");
}

#[test]
fn r6_a_copy_of_a_drive_is_no_drive() {
    let rig = Rig::new();
    let clone = rig.root.with_file_name("clone");
    let copied = std::process::Command::new("cp").arg("-a").arg(&rig.root).arg(&clone).status().unwrap();
    assert!(copied.success());
    if !std::fs::read_to_string(clone.join(".strongroom/drive.json")).unwrap().contains("born") {
        // This file system keeps no births, so that a copy cannot be told.
        return;
    }
    let (kind, message) = refusal(&clone);
    assert_eq!(kind, AlarmKind::DriveUnknown);
    assert!(message.contains("only a copy"), "{message}");
}

#[test]
fn r6_an_identity_that_cannot_be_read_is_refused() {
    let rig = Rig::new();
    let path = rig.root.join(".strongroom/drive.json");
    let good = std::fs::read_to_string(&path).unwrap();
    for bad in ["", "{", "[]", "{\"format\": 1}", &good.replace("\"format\": 1", "\"format\": 9"), &"9".repeat(100_000)]
    {
        std::fs::write(&path, bad).unwrap();
        let (kind, message) = refusal(&rig.root);
        assert_eq!(kind, AlarmKind::DriveUnknown);
        assert!(message.contains("cannot be read"), "{message}");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(refusal(&rig.root).0, AlarmKind::DriveUnknown);
}

#[test]
fn r6_a_folder_of_ours_that_became_a_link_is_refused_and_nothing_is_written_through_it() {
    for folder in [".strongroom", "acme", "acme/2026-11", "acme/2026-11/data"] {
        let rig = Rig::new();
        let landed = rig.prove("B-1", "x", b"x");
        let unproven = rig.land("B-2", "x", b"y");
        let outside = tempfile::tempdir_in(rig.root.parent().unwrap()).unwrap();
        let moved = outside.path().join("moved");
        std::fs::rename(rig.root.join(folder), &moved).unwrap();
        symlink(&moved, rig.root.join(folder)).unwrap();
        let before = std::process::Command::new("find").arg(&moved).output().unwrap().stdout;

        let errors = [
            rig.drive.receive(&place_of("B-3", "x", b"z")).map(drop),
            rig.drive.read_back(&landed.path, Algorithm::Sha256).map(drop),
            rig.drive.discard(&unproven.path, None),
            rig.drive.quarantine(&unproven.path, None).map(drop),
            rig.drive.recover(&site(), &recovery()).map(drop),
            rig.drive.check_site(&site(), month()),
        ];
        for error in errors {
            let error = error.unwrap_err();
            assert_eq!(kind(&error), AlarmKind::DriveUnknown, "{folder}: {error}");
            assert!(error.to_string().contains(folder) && error.to_string().contains("symbolic link"), "{error}");
        }
        let after = std::process::Command::new("find").arg(&moved).output().unwrap().stdout;
        assert_eq!(String::from_utf8(after), String::from_utf8(before), "{folder}");
    }
}

#[test]
fn a_bookings_folder_that_is_a_link_is_that_bookings_trouble() {
    let rig = Rig::new();
    rig.land("B-1", "x", b"x");
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), rig.bag().join("data/B-2")).unwrap();
    let error = rig.drive.receive(&place_of("B-2", "x", b"y")).unwrap_err();
    assert_eq!((error.failure_kind(), error.obstacle()), (FailureKind::PathTaken, None));
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    rig.land("B-3", "x", b"z");
}

#[test]
fn a_link_in_a_files_place_is_put_aside_and_what_it_leads_to_is_untouched() {
    let rig = Rig::new();
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    std::fs::write(&victim, b"precious").unwrap();
    std::fs::create_dir_all(rig.bag().join("data/B-1")).unwrap();
    symlink(&victim, rig.bag().join("data/B-1/x")).unwrap();
    let landed = rig.land("B-1", "x", b"new");
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
    assert!(!rig.root.join(&landed.path).is_symlink());
    assert!(rig.root.join(".strongroom/quarantine/acme/2026-11/data/B-1/x").is_symlink());
}

#[test]
fn r6_the_reserve_is_kept_and_the_forecast_counts() {
    let rig = Rig::new();
    let free = rig.drive.space().unwrap().free;
    rig.drive.check(ByteCount(1)).unwrap();
    let error = rig.drive.check(ByteCount(free.0 * 2)).unwrap_err();
    assert_eq!(kind(&error), AlarmKind::DriveFull);
    let settings = DriveSettings { reserve: Some(ByteCount(free.0 * 2)), ..DriveSettings::default() };
    assert_eq!(kind(&Drive::open(&rig.root, &settings).unwrap_err()), AlarmKind::DriveFull);
}

#[test]
fn r6_files_in_the_making_share_the_room_that_is_left() {
    let rig = Rig::new();
    // Two thirds of the room each: one fits, two do not, though nothing is written yet.
    let mut place = place_of("B-1", "x", b"");
    place.size = ByteCount(rig.drive.space().unwrap().free.0 / 3 * 2);
    let first = rig.drive.receive(&place).unwrap();
    let mut second = Destination { size: place.size, ..place_of("B-2", "x", b"") };
    assert_eq!(kind(&rig.drive.receive(&second).unwrap_err()), AlarmKind::DriveFull);
    assert_eq!(kind(&rig.drive.check(place.size).unwrap_err()), AlarmKind::DriveFull);
    second.size = ByteCount(1);
    rig.drive.receive(&second).unwrap();
    drop(first);
    rig.drive.receive(&place).unwrap();
}

#[test]
fn r6_a_drive_that_belongs_to_somebody_else_cannot_be_written_to() {
    use std::os::unix::fs::PermissionsExt as _;
    let rig = Rig::new();
    if rustix::process::geteuid().is_root() {
        // Root may write anywhere; `mounted` has a drive that is read-only for root, too.
        return;
    }
    std::fs::set_permissions(&rig.root, std::fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(kind(&rig.drive.check(ByteCount(0)).unwrap_err()), AlarmKind::DriveReadOnly);
    std::fs::set_permissions(&rig.root, std::fs::Permissions::from_mode(0o755)).unwrap();
    rig.drive.check(ByteCount(0)).unwrap();
}

#[test]
fn a_drive_is_set_up_once() {
    let rig = Rig::new();
    let before = std::fs::read(rig.root.join(".strongroom/drive.json")).unwrap();
    let error = Drive::init(&rig.root, "Other", now()).unwrap_err();
    assert!(matches!(error, InitError::Already { .. }));
    assert!(error.to_string().contains("Blue 4 TB"), "{error}");
    assert!(error.to_string().contains(&rig.drive.identity().id.to_string()), "{error}");
    assert_eq!(std::fs::read(rig.root.join(".strongroom/drive.json")).unwrap(), before);
    let (seen, space) = Drive::look(&rig.root).unwrap();
    assert_eq!(&seen, rig.drive.identity());
    assert!(space.free <= space.total);
}

#[test]
fn of_many_who_set_one_drive_up_one_succeeds() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let set_up = || Drive::init(dir.path(), "Blue", now()).is_ok();
    let done = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(set_up)).collect();
        all.into_iter().map(|one| one.join().unwrap()).filter(|done| *done).count()
    });
    assert_eq!(done, 1);
    open(dir.path()).unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join(".strongroom")).unwrap().count(), 1);
}

#[test]
fn a_label_or_a_folder_that_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for label in ["", "a\nb", "\u{202e}x", &"x".repeat(65)] {
        assert!(matches!(Drive::init(dir.path(), label, now()), Err(InitError::BadLabel { .. })), "{label:?}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(matches!(Drive::init(&dir.path().join("gone"), "x", now()), Err(InitError::Drive(_))));
    symlink("/tmp", dir.path().join(".strongroom")).unwrap();
    let error = Drive::init(dir.path(), "x", now()).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
}
