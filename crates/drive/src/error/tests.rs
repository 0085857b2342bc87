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
    let (root, path) = (Path::new("/mnt/backup"), "acme/2026-11/data/B-1/x.pdf");
    let identity = || {
        let bytes = br#"{"format":1,"id":"7d444840-9dc0-41d1-b245-5ffdce74fad2","label":"Blue","created_at":"2026-11-21T08:30:00Z"}"#;
        Box::new(Identity::from_bytes(bytes).unwrap())
    };
    let expected: DriveId = "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a11".parse().unwrap();
    let gib = |n: u64| ByteCount(n << 30);
    let drive = |kind: Kind| kind.at(Path::new("/mnt/backup"));
    let file = |kind: Kind| kind.of("acme/2026-11/data/B-1/x.pdf");
    let refused = |error: DriveError, action, errno: Errno| error.because(action, errno.into());
    let errors = [
        refused(drive(Kind::Missing), Action::Open, Errno::NOENT),
        drive(Kind::NotMounted),
        drive(Kind::Unmounted),
        drive(Kind::NotSetUp),
        drive(Kind::InMemory),
        drive(Kind::OtherDrive { expected, found: identity() }),
        drive(Kind::Copied(identity())),
        drive(Kind::Cloned(identity(), "lacks the mark of its newest use".to_owned())),
        drive(Kind::Unrecorded("the log does not answer".to_owned())),
        drive(Kind::IdentityLost),
        drive(Kind::BadIdentity("it is not a plain file".to_owned())),
        drive(Kind::Linked).about("acme"),
        drive(Kind::ReadOnly),
        from(Errno::ROFS, Action::Open),
        DriveError::from_io(root, Action::Open, ".strongroom/manifest.lock", Errno::ACCESS.into()),
        DriveError::from_io(root, Action::Open, "acme/2026-11", Errno::PERM.into()),
        refused(file(Kind::HostLimit), Action::Open, Errno::MFILE),
        drive(Kind::FullOfFiles { left: 918, reserve: 1024 }),
        refused(
            file(Kind::Unfit("the file system holds no file of this size (FAT32: up to 4 GiB)")),
            Action::Write,
            Errno::FBIG,
        ),
        drive(Kind::Full { free: gib(3), reserve: gib(2), needed: gib(4) }),
        drive(Kind::Full { free: gib(1), reserve: gib(2), needed: gib(0) }),
        refused(drive(Kind::NoRoom).about(path), Action::Write, Errno::NOSPC),
        refused(drive(Kind::Failing).about(path), Action::Sync, Errno::IO),
        drive(Kind::BadManifest("line 7 is not a digest and path".to_owned()))
            .about("acme/2026-11/manifest-sha256.txt"),
        file(Kind::Busy),
        file(Kind::TooLong(ByteCount(17))),
        file(Kind::CopyMissing),
        file(Kind::NotPlain),
        file(Kind::Proven),
        Kind::BadPath.of("../x"),
        refused(file(Kind::Io), Action::Read, Errno::IO),
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
    let error = Kind::NotSetUp.at(Path::new("/mnt/backup"));
    assert!(error.to_string().contains("`strongroom drive init /mnt/backup --label NAME`"), "{error}");
    let error = Kind::NotSetUp.at(Path::new("/media/O'Hara 1"));
    assert!(error.to_string().contains(r"init '/media/O'\''Hara 1' --label NAME`"), "{error}");
}
