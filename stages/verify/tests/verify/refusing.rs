//! What is not proven is put away, recorded with its cause, and told where a person must know.

use std::time::Duration;

use strongroom_bus::Idle;
use strongroom_drive::Drive;
use strongroom_model::booking::Phase;
use strongroom_model::{AlarmKind, FailureKind};

use crate::rig::{Rig, VERIFY, sha256, stop, until};

#[tokio::test]
async fn what_the_drive_changed_is_put_aside_and_told_until_it_is_proven() {
    let rig = Rig::new().await;
    let path = rig.copy("B-1", b"a timesheet").await;
    std::fs::write(rig.file(&path), b"a tineshect").unwrap();
    let drive = Drive::look(&rig.root()).unwrap().0.id;
    let (wiring, pipeline) = rig.start();
    until("it failed", || async { rig.state("B-1").await.failures == 1 }).await;
    let failed = rig.failure("B-1").await;
    assert_eq!(failed.kind, FailureKind::DriveChanged);
    assert!(failed.retry_at.is_some(), "it is fetched again");
    until("it is quarantined", || async { !rig.file(&path).exists() }).await;
    assert_eq!(std::fs::read(rig.file(&failed.quarantined.unwrap())).unwrap(), b"a tineshect");
    assert_eq!(rig.copies(), [""; 0]);
    assert_eq!(rig.alarm(AlarmKind::DriveFailing, drive).await.len(), 1);

    rig.copy("B-2", b"another").await;
    rig.until_proven("B-2").await;
    assert_eq!(rig.alarm(AlarmKind::DriveFailing, drive).await.len(), 1, "this file is not proven yet");
    rig.fetch("B-1", b"a timesheet").await;
    rig.until_proven("B-1").await;
    assert_eq!(rig.alarm(AlarmKind::DriveFailing, drive).await.len(), 2);
    stop(&wiring, pipeline).await;
}

#[tokio::test]
async fn a_wrong_digest_once_is_fetched_again_and_twice_needs_a_person() {
    let rig = Rig::new().await;
    rig.enumerate("B-1", sha256(b"what the record says")).await;
    let path = rig.fetch("B-1", b"what came").await;
    rig.run().await;
    let failed = rig.failure("B-1").await;
    assert_eq!((failed.kind, failed.attempt), (FailureKind::WrongDigest, 1));
    assert_eq!(failed.digest, Some(sha256(b"what came")));
    assert!(failed.retry_at.is_some());
    assert!(!rig.file(&path).exists(), "it is not a copy of anything");

    rig.fetch("B-1", b"what came").await;
    rig.run().await;
    let failed = rig.failure("B-1").await;
    assert_eq!((failed.kind, failed.retry_at), (FailureKind::RecordWrong, None));
    let told = rig.alarm(AlarmKind::RecordWrong, "B-1").await;
    let [Some(alarm)] = &told[..] else { panic!("{told:?}") };
    for digest in [sha256(b"what came"), sha256(b"what the record says")] {
        assert!(alarm.message.contains(&digest.to_string()), "{}", alarm.message);
        assert!(failed.message.contains(&digest.to_string()), "{}", failed.message);
    }

    // Uploaded again, retried: proven, and the alarm ends.
    rig.give_back("B-1", sha256(b"the right one")).await;
    rig.fetch("B-1", b"the right one").await;
    rig.run().await;
    assert_eq!(rig.state("B-1").await.phase, Phase::BackedUp);
    assert_eq!(rig.alarm(AlarmKind::RecordWrong, "B-1").await.len(), 2);
}

#[tokio::test]
async fn r6_a_missing_drive_pauses_and_costs_nothing() {
    let rig = Rig::new().await;
    rig.copy("B-1", b"a timesheet").await;
    let away = rig.folder.path().join("away");
    std::fs::rename(rig.root(), &away).unwrap();
    let (wiring, pipeline) = rig.start();
    let idle = pipeline.idle(&VERIFY, Duration::from_millis(200)).await.unwrap();
    let Idle::Paused(alarm) = idle else { panic!("{idle:?}") };
    assert_eq!(alarm.kind, AlarmKind::DriveMissing);
    // An empty folder is not a drive either.
    std::fs::create_dir(rig.root()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rig.state("B-1").await.failures, 0);
    assert_eq!(std::fs::read_dir(rig.root()).unwrap().count(), 0, "nothing is written there");
    std::fs::remove_dir(rig.root()).unwrap();
    std::fs::rename(&away, rig.root()).unwrap();
    rig.until_proven("B-1").await;
    until("the end is reported", || async { rig.alarm(alarm.kind, &alarm.subject).await.len() == 2 }).await;
    stop(&wiring, pipeline).await;
}

#[tokio::test]
async fn a_copy_on_another_drive_waits_and_is_then_fetched_again() {
    let rig = Rig::new().await;
    rig.copy("B-1", b"a timesheet").await;
    std::fs::rename(rig.root(), rig.folder.path().join("away")).unwrap();
    rig.set_up("drive");
    rig.copy("B-2", b"on the drive that is here").await;
    assert!(matches!(rig.run().await, Idle::NothingLeft), "whoever has that drive may prove it");
    assert_eq!(rig.history("B-1").await.len(), 2);
    assert_eq!(rig.state("B-2").await.phase, Phase::BackedUp, "it keeps no other from being proven");

    rig.clock.advance(Duration::from_secs(11 * 60));
    rig.run().await;
    let failed = rig.failure("B-1").await;
    assert_eq!(failed.kind, FailureKind::CopyMissing);
    assert!(failed.retry_at.is_some());
    rig.fetch("B-1", b"a timesheet").await;
    rig.run().await;
    assert_eq!(rig.state("B-1").await.phase, Phase::BackedUp);
}

#[tokio::test]
async fn r9_what_stands_in_the_copys_place_is_not_followed() {
    let rig = Rig::new().await;
    let path = rig.copy("B-1", b"a timesheet").await;
    let secret = rig.folder.path().join("secret");
    std::fs::write(&secret, b"a timesheet").unwrap();
    std::fs::remove_file(rig.file(&path)).unwrap();
    std::os::unix::fs::symlink(&secret, rig.file(&path)).unwrap();
    rig.run().await;
    assert_eq!(rig.failure("B-1").await.kind, FailureKind::PathTaken);
    assert_eq!(std::fs::read(&secret).unwrap(), b"a timesheet");
}
