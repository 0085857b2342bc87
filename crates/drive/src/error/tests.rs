use rustix::io::Errno;

use super::*;
use crate::identity::Identity;

fn from(number: Errno, action: Operation) -> DriveError {
    DriveError::from_io(Path::new("/mnt/backup"), action, "acme/x", number.into())
}

#[test]
fn the_drives_trouble_is_told_from_a_files() {
    let kind = |number, action| from(number, action).obstacle().map(|alarm| alarm.kind);
    assert_eq!(kind(Errno::NOSPC, Operation::Write), Some(AlarmKind::DriveFull));
    assert_eq!(kind(Errno::DQUOT, Operation::Open), Some(AlarmKind::DriveFull));
    assert_eq!(kind(Errno::ROFS, Operation::Open), Some(AlarmKind::DriveReadOnly));
    assert_eq!(kind(Errno::ACCESS, Operation::Open), Some(AlarmKind::DriveReadOnly));
    assert_eq!(kind(Errno::IO, Operation::Sync), Some(AlarmKind::DriveFailing));
    assert_eq!(kind(Errno::INVAL, Operation::Sync), Some(AlarmKind::DriveFailing));
    assert_eq!(kind(Errno::NODEV, Operation::Read), Some(AlarmKind::DriveFailing));
    assert_eq!(kind(Errno::IO, Operation::Read), None);
    assert_eq!(from(Errno::IO, Operation::Read).failure_kind(), FailureKind::DriveIo);
    assert_eq!(from(Errno::NOENT, Operation::Read).failure_kind(), FailureKind::CopyMissing);
    assert_eq!(from(Errno::LOOP, Operation::Read).failure_kind(), FailureKind::PathTaken);
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
    let drive = |kind: DriveErrorKind| kind.at(Path::new("/mnt/backup"));
    let file = |kind: DriveErrorKind| kind.of("acme/2026-11/data/B-1/x.pdf");
    let refused = |error: DriveError, action, errno: Errno| error.because(action, errno.into());
    let errors = [
        refused(drive(DriveErrorKind::Missing), Operation::Open, Errno::NOENT),
        drive(DriveErrorKind::NotMounted),
        drive(DriveErrorKind::Unmounted),
        drive(DriveErrorKind::NotSetUp),
        drive(DriveErrorKind::InMemory),
        drive(DriveErrorKind::OtherDrive { expected, found: identity() }),
        drive(DriveErrorKind::Copied(identity())),
        drive(DriveErrorKind::Cloned(identity(), "lacks the mark of its newest use".to_owned())),
        drive(DriveErrorKind::Unrecorded("the log does not answer".to_owned())),
        drive(DriveErrorKind::IdentityLost),
        drive(DriveErrorKind::BadIdentity("it is not a plain file".to_owned())),
        drive(DriveErrorKind::Linked).about("acme"),
        drive(DriveErrorKind::ReadOnly),
        drive(DriveErrorKind::OpenedReadOnly),
        file(DriveErrorKind::WrongBytes),
        from(Errno::ROFS, Operation::Open),
        DriveError::from_io(root, Operation::Open, ".strongroom/manifest.lock", Errno::ACCESS.into()),
        DriveError::from_io(root, Operation::Open, "acme/2026-11", Errno::PERM.into()),
        refused(file(DriveErrorKind::HostLimit), Operation::Open, Errno::MFILE),
        drive(DriveErrorKind::FullOfFiles { left: 918, reserve: 1024 }),
        refused(
            file(DriveErrorKind::Unfit("the file system holds no file of this size (FAT32: up to 4 GiB)")),
            Operation::Write,
            Errno::FBIG,
        ),
        drive(DriveErrorKind::Full { free: gib(3), reserve: gib(2), needed: gib(4) }),
        drive(DriveErrorKind::Full { free: gib(1), reserve: gib(2), needed: gib(0) }),
        refused(drive(DriveErrorKind::NoRoom).about(path), Operation::Write, Errno::NOSPC),
        refused(drive(DriveErrorKind::Failing).about(path), Operation::Sync, Errno::IO),
        drive(DriveErrorKind::BadManifest("line 7 is not a digest and path".to_owned()))
            .about("acme/2026-11/manifest-sha256.txt"),
        file(DriveErrorKind::Busy),
        file(DriveErrorKind::TooLong(ByteCount(17))),
        file(DriveErrorKind::CopyMissing),
        file(DriveErrorKind::NotPlain),
        file(DriveErrorKind::Proven),
        DriveErrorKind::BadPath.of("../x"),
        refused(file(DriveErrorKind::Io), Operation::Read, Errno::IO),
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
fn a_folder_is_quoted_in_the_command_to_type() {
    let error = DriveErrorKind::NotSetUp.at(Path::new("/media/O'Hara 1"));
    assert!(error.to_string().contains(r"init '/media/O'\''Hara 1' --label NAME`"), "{error}");
}
