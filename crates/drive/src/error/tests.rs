use rustix::io::Errno;

use super::*;
use crate::identity::Identity;

fn from(number: Errno, action: Action) -> DriveError {
    DriveError::from_io(Path::new("/mnt/backup"), action, "acme/x", number.into())
}

#[test]
fn the_drives_trouble_is_told_from_a_files() {
    let kind = |number, action| from(number, action).obstacle().map(|alarm| alarm.kind);
    assert_eq!(kind(Errno::NOSPC, Action::Write), Some(AlarmKind::DriveFull));
    assert_eq!(kind(Errno::DQUOT, Action::Open), Some(AlarmKind::DriveFull));
    assert_eq!(kind(Errno::ROFS, Action::Open), Some(AlarmKind::DriveReadOnly));
    assert_eq!(kind(Errno::ACCESS, Action::Open), Some(AlarmKind::DriveReadOnly));
    assert_eq!(kind(Errno::IO, Action::Sync), Some(AlarmKind::DriveFailing));
    assert_eq!(kind(Errno::INVAL, Action::Sync), Some(AlarmKind::DriveFailing));
    assert_eq!(kind(Errno::NODEV, Action::Read), Some(AlarmKind::DriveFailing));
    assert_eq!(kind(Errno::IO, Action::Read), None);
    assert_eq!(from(Errno::IO, Action::Read).failure_kind(), FailureKind::DriveIo);
    assert_eq!(from(Errno::NOENT, Action::Read).failure_kind(), FailureKind::CopyMissing);
    assert_eq!(from(Errno::LOOP, Action::Read).failure_kind(), FailureKind::PathTaken);
}

/// What people read, each with its alarm or its failure. Look at it when it changes.
#[test]
fn every_error_names_the_thing_and_the_next_step() {
    let root = || PathBuf::from("/mnt/backup");
    let path = || "acme/2026-11/data/B-1/x.pdf".to_owned();
    let cause = |errno: Errno| Cause::new(errno.into());
    let identity = || {
        let bytes = br#"{"format":1,"id":"7d444840-9dc0-41d1-b245-5ffdce74fad2","label":"Blue","created_at":"2026-11-21T08:30:00Z"}"#;
        Box::new(Identity::from_bytes(bytes).unwrap())
    };
    let expected: DriveId = "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a11".parse().unwrap();
    let gib = |n: u64| ByteCount(n << 30);
    let errors = [
        DriveError::Missing { root: root(), source: cause(Errno::NOENT) },
        DriveError::NotMounted { root: root() },
        DriveError::Unmounted { root: root() },
        DriveError::NotSetUp { root: root() },
        DriveError::InMemory { root: root() },
        DriveError::OtherDrive { root: root(), expected, found: identity() },
        DriveError::Copied { root: root(), identity: identity() },
        DriveError::Cloned {
            root: root(),
            identity: identity(),
            detail: "lacks the mark of its newest use".to_owned(),
        },
        DriveError::Unrecorded { root: root(), reason: "the log does not answer".to_owned() },
        DriveError::IdentityLost { root: root() },
        DriveError::BadIdentity { root: root(), reason: "it is no plain file".to_owned() },
        DriveError::Linked { root: root(), path: "acme".to_owned() },
        DriveError::ReadOnly { root: root(), path: None, source: None },
        DriveError::ReadOnly { root: root(), path: None, source: Some(cause(Errno::ROFS)) },
        DriveError::ReadOnly {
            root: root(),
            path: Some(".strongroom/manifest.lock".to_owned()),
            source: Some(cause(Errno::ACCESS)),
        },
        DriveError::ReadOnly { root: root(), path: Some("acme/2026-11".to_owned()), source: Some(cause(Errno::PERM)) },
        DriveError::HostLimit { action: Action::Open, path: path(), source: cause(Errno::MFILE) },
        DriveError::FullOfFiles { root: root(), left: 918, reserve: 1024 },
        DriveError::Unfit {
            path: path(),
            reason: "the file system holds no file of this size (FAT32: up to 4 GiB)",
            source: cause(Errno::FBIG),
        },
        DriveError::Full { root: root(), free: gib(3), reserve: gib(2), needed: gib(4) },
        DriveError::Full { root: root(), free: gib(1), reserve: gib(2), needed: gib(0) },
        DriveError::NoRoom { root: root(), path: path(), source: cause(Errno::NOSPC) },
        DriveError::Failing { root: root(), action: Action::Sync, path: path(), source: cause(Errno::IO) },
        DriveError::BadManifest {
            root: root(),
            path: "acme/2026-11/manifest-sha256.txt".to_owned(),
            reason: "line 7 is no digest and path".to_owned(),
        },
        DriveError::Busy { path: path() },
        DriveError::TooLong { path: path(), size: ByteCount(17) },
        DriveError::CopyMissing { path: path() },
        DriveError::NotPlain { path: path() },
        DriveError::Proven { path: path() },
        DriveError::BadPath { path: "../x".to_owned() },
        DriveError::Io { action: Action::Read, path: path(), source: cause(Errno::IO) },
    ];
    let told: Vec<_> = errors
        .iter()
        .map(|error| match error.obstacle() {
            Some(alarm) => format!("[{}] {error}", alarm.kind.code()),
            None => format!("({}) {error}", error.failure_kind().code()),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_drive_that_was_never_set_up_is_answered_with_the_command_to_type() {
    let error = DriveError::NotSetUp { root: "/mnt/backup".into() };
    assert!(error.to_string().contains("`strongroom drive init /mnt/backup --label NAME`"), "{error}");
    let error = DriveError::NotSetUp { root: "/media/O'Hara 1".into() };
    assert!(error.to_string().contains(r"init '/media/O'\''Hara 1' --label NAME`"), "{error}");
}
