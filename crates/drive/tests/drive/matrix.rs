//! Every system call of the durable paths, failing with every error: what is said is what the table of meanings says.

use std::io;

use strongroom_drive::{DriveError, DriveErrorKind};
use strongroom_files::{Call, ErrorClass, meaning};
use strongroom_model::{AlarmKind, Algorithm, FailureKind};
use strongroom_service::fault::{ERRORS, during};

use crate::rig::{NONE, Rig, month, place_of, proof_of, site};

/// The places where a call can be made to fail, and what kinds of calls pass there.
const PLACES: [(&str, &[Call]); 16] = [
    ("files.open", &[Call::Open, Call::Read, Call::Create, Call::Sync]),
    ("files.create", &[Call::Create, Call::Open]),
    ("files.mkdir", &[Call::Create, Call::Open]),
    ("files.stat", &[Call::Open, Call::Read]),
    ("files.readdir", &[Call::List, Call::Open]),
    ("files.rename", &[Call::Rename]),
    ("files.replace", &[Call::Rename]),
    ("files.unlink", &[Call::Remove]),
    ("files.lock", &[Call::Lock, Call::Create, Call::Open]),
    ("files.fsync", &[Call::Sync]),
    ("files.syncfs", &[Call::Sync]),
    ("files.statfs", &[Call::Space, Call::Open]),
    ("drive.write", &[Call::Write]),
    ("drive.journal", &[Call::Write]),
    ("drive.manifest", &[Call::Write]),
    ("drive.read-back", &[Call::Read]),
];

/// How often a place is passed before the call fails: the first time, and twice in the midst of it.
const PASSINGS: [u32; 3] = [1, 4, 9];

/// The whole way of one file.
fn job(rig: &Rig) -> Result<(), DriveError> {
    let received = rig.receive(&place_of("B-1", "x", b"a timesheet"), b"a timesheet")?;
    let landed = rig.drive.commit(vec![received]).remove(0)?;
    let read = rig.drive.read_back(&landed.path, Algorithm::Sha256)?;
    assert_eq!(read.pair.sha256, landed.pair.sha256);
    rig.drive.record(&site(), month(), &[proof_of(&landed)]).remove(0)?;
    rig.drive.fold(&site()).map(drop)
}

#[test]
fn every_call_that_fails_says_whose_fault_it_is_and_the_next_attempt_goes_well() {
    let mut failed = 0;
    for (place, calls) in PLACES {
        for (name, errno) in ERRORS {
            for passing in PASSINGS {
                let rig = Rig::in_memory();
                let case = format!("{place}:{passing}={name}");
                if let Err(error) = during(&case, || job(&rig)) {
                    failed += 1;
                    let refused = io::Error::from_raw_os_error(errno);
                    let class: Vec<ErrorClass> =
                        calls.iter().filter_map(|call| meaning(*call, &refused)).map(|meaning| meaning.class).collect();
                    // A drive that says nothing of itself is as good as missing.
                    let missing =
                        place == "files.statfs" && matches!(error, DriveError { kind: DriveErrorKind::Missing, .. });
                    let fits = missing || class.iter().any(|class| fits(*class, &error));
                    assert!(fits, "{case}: {class:?}, but {error:?}");
                    assert_ne!(name, "EINTR", "{case}: a call that was interrupted is made again");
                }
                job(&rig).unwrap_or_else(|error| panic!("after {case}: {error}"));
                assert_eq!(rig.copies().len(), 1, "{case}");
                assert_eq!(rig.temporaries(), NONE, "{case}");
                rig.sha256sum_passes();
            }
        }
    }
    assert!(failed > 250, "only {failed} calls failed");
}

/// Whether an error is that one's fault.
fn fits(class: ErrorClass, error: &DriveError) -> bool {
    let alarm = error.obstacle().map(|alarm| alarm.kind);
    let said = error.to_string();
    match class {
        ErrorClass::Host => alarm == Some(AlarmKind::HostLimit) && !said.contains("cable"),
        ErrorClass::Room => alarm == Some(AlarmKind::DriveFull),
        ErrorClass::ReadOnly | ErrorClass::Rights => alarm == Some(AlarmKind::DriveReadOnly),
        ErrorClass::Gone | ErrorClass::Disk => matches!(alarm, Some(AlarmKind::DriveFailing | AlarmKind::DriveMissing)),
        ErrorClass::Unfit => error.failure_kind() == FailureKind::DriveUnfit && !said.contains("cable"),
        // On the drive's own folders it is the drive's.
        ErrorClass::Taken | ErrorClass::Missing | ErrorClass::File | ErrorClass::Unsupported => true,
        ErrorClass::Nobody => false,
    }
}

#[test]
fn letters_that_a_mount_cannot_hold_are_escaped() {
    let rig = Rig::in_memory();
    let bytes = b"a timesheet";
    let received = |id| rig.receive(&place_of(id, "M\u{e4}rz.pdf", bytes), bytes).unwrap();
    let received = during("drive.try-name:1-=EILSEQ", || received("B-1"));
    let landed = rig.drive.commit(vec![received]).remove(0).unwrap();
    assert!(landed.path.is_ascii(), "{}", landed.path);
    let filename = landed.path.rsplit('/').next().unwrap();
    assert_eq!(strongroom_drive::name::unescape(filename).as_deref(), Some("M\u{e4}rz.pdf"));
    // As it is mounted usually, the name stays as it is.
    let landed = rig.land("B-1", "M\u{e4}rz.pdf", b"another");
    assert!(landed.path.ends_with("M\u{e4}rz.pdf"), "{}", landed.path);
}

#[test]
fn a_file_that_is_too_large_for_the_file_system_needs_a_person_and_a_host_limit_nobody() {
    let rig = Rig::in_memory();
    let receive = || rig.receive(&place_of("B-1", "x", b"large"), b"large").map(drop);
    let error = during("drive.write:1=EFBIG", receive).unwrap_err();
    assert_eq!((error.failure_kind(), error.obstacle()), (FailureKind::DriveUnfit, None));
    assert!(error.to_string().contains("FAT32"), "{error}");
    for name in ["EMFILE", "ENFILE"] {
        let error = during(&format!("files.open-root:1-={name}"), || rig.drive.check(strongroom_model::ByteCount(0)));
        let alarm = error.unwrap_err().obstacle().unwrap();
        assert_eq!(alarm.kind, AlarmKind::HostLimit);
        assert!(alarm.next_step.contains("LimitNOFILE") && !alarm.message.contains("no drive"), "{alarm:?}");
    }
}

#[test]
fn what_another_user_left_is_named_before_any_work() {
    if rustix::process::geteuid().is_root() {
        // Root may use everything: the refusal is ordered instead.
        let rig = Rig::in_memory();
        let error = during("files.access:3=EACCES", || rig.drive.check(strongroom_model::ByteCount(0))).unwrap_err();
        let alarm = error.obstacle().unwrap();
        assert_eq!(alarm.kind, AlarmKind::DriveReadOnly);
        assert!(alarm.message.contains(".strongroom/writers.lock"), "{}", alarm.message);
        assert!(alarm.next_step.contains("chown"), "{}", alarm.next_step);
        let error = during("files.access:2=EACCES", || rig.drive.check_site(&site(), month())).unwrap_err();
        assert!(error.to_string().starts_with("acme/2026-11 on the drive"), "{error}");
    }
}
