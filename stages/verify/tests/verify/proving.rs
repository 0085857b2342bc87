//! A good copy is proven, listed and recorded, in that order and once.

use strongroom_bus::Idle;
use strongroom_model::booking::Phase;
use strongroom_model::event::ReadBack;
use strongroom_model::{AlarmKind, Algorithm, Digest, Event, FailureKind};

use crate::rig::{Rig, sha256, stop};

#[tokio::test]
async fn r1_a_good_copy_is_read_back_listed_and_recorded() {
    let rig = Rig::new().await;
    let path = rig.copy("B-1", b"a timesheet").await;
    assert!(matches!(rig.run().await, Idle::NothingLeft));
    let booking = rig.state("B-1").await;
    let proof = booking.backed_up.unwrap();
    assert_eq!(booking.phase, Phase::BackedUp);
    assert_eq!((proof.path.as_str(), &proof.sha256), (path.as_str(), &sha256(b"a timesheet")));
    assert_eq!(proof.drive, booking.fetched.unwrap().drive);
    let inside = path.strip_prefix("acme/2026-11/").unwrap();
    assert_eq!(rig.copies(), [format!("{}  {inside}", sha256(b"a timesheet").hex())]);
    // What it says of how it read is what the drive says: a test's file system may know no better.
    assert!(matches!(proof.read_back, ReadBack::Direct | ReadBack::CacheDropped | ReadBack::Cached));
}

#[tokio::test]
async fn the_servers_own_algorithm_is_compared_too() {
    let rig = Rig::new().await;
    let md5 = Digest::of(Algorithm::Md5, b"a timesheet");
    rig.enumerate("B-1", md5.clone()).await;
    rig.fetch("B-1", b"a timesheet").await;
    rig.run().await;
    let proof = rig.state("B-1").await.backed_up.unwrap();
    assert_eq!((proof.digest, proof.sha256), (md5, sha256(b"a timesheet")));
}

#[tokio::test]
async fn r3_proving_twice_changes_nothing() {
    let rig = Rig::new().await;
    let mut tasks = Vec::new();
    for n in 0..5 {
        let name = format!("B-{n}");
        rig.copy(&name, name.as_bytes()).await;
        tasks.push(rig.task(&name).await);
    }
    assert!(rig.handle(tasks.clone()).await.unsettled().is_empty());
    let (manifest, head) = (rig.copies(), rig.log.head().await.unwrap());
    // The duplicate was delivered before the first one settled.
    assert!(rig.handle(tasks).await.unsettled().is_empty());
    assert_eq!(rig.copies(), manifest);
    assert_eq!(rig.log.head().await.unwrap().size, head.size);
}

#[tokio::test]
async fn what_is_listed_but_not_recorded_is_recorded_after_a_restart() {
    let rig = Rig::new().await;
    rig.copy("B-1", b"a timesheet").await;
    let task = rig.task("B-1").await;
    // As if we stopped between the manifest and the append: the append is lost.
    assert!(rig.handle(vec![task.clone()]).await.unsettled().is_empty());
    let manifest = rig.copies();
    let other = Rig::new().await;
    other.enumerate("B-1", sha256(b"a timesheet")).await;
    std::fs::remove_dir_all(other.root()).unwrap();
    std::fs::rename(rig.root(), other.root()).unwrap();
    other.append("B-1", task.trigger.event.clone()).await;
    assert!(matches!(other.run().await, Idle::NothingLeft));
    assert_eq!(other.state("B-1").await.phase, Phase::BackedUp);
    assert_eq!(other.copies(), manifest);
}

#[tokio::test]
async fn r1_what_cannot_be_listed_is_not_recorded() {
    let rig = Rig::new().await;
    rig.copy("B-1", b"a timesheet").await;
    let manifest = rig.file("acme/2026-11/manifest-sha256.txt");
    std::fs::remove_file(&manifest).unwrap();
    std::fs::create_dir(&manifest).unwrap();
    let task = rig.task("B-1").await;
    let obstacle = rig.handle(vec![task]).await.obstacle.unwrap();
    assert_eq!(obstacle.kind, AlarmKind::DriveFailing);
    assert_eq!(rig.history("B-1").await.len(), 2, "neither proven nor failed");
    // What is in the manifest's place is quarantined when the drive is checked.
    assert!(matches!(rig.run().await, Idle::NothingLeft));
    assert_eq!(rig.state("B-1").await.phase, Phase::BackedUp);
    assert_eq!(rig.copies().len(), 1);
}

#[tokio::test]
async fn a_manifest_that_is_damaged_meanwhile_is_written_anew() {
    let rig = Rig::new().await;
    rig.copy("B-1", b"a timesheet").await;
    let (wiring, pipeline) = rig.start();
    rig.until_proven("B-1").await;
    rig.enumerate("B-2", sha256(b"another")).await;
    let fetched = rig.land("B-2", b"another").await;
    std::fs::write(rig.file("acme/2026-11/manifest-sha256.txt"), b"garbage").unwrap();
    rig.append("B-2", Event::TimesheetFetched(fetched)).await;
    rig.until_proven("B-2").await;
    assert_eq!(rig.copies().len(), 2, "{}", rig.manifest());
    assert_eq!(rig.state("B-2").await.failures, 0);
    stop(&wiring, pipeline).await;
}

#[tokio::test]
async fn one_bad_copy_keeps_no_other_from_being_proven() {
    let rig = Rig::new().await;
    for n in 0..40 {
        let name = format!("B-{n}");
        let path = rig.copy(&name, name.as_bytes()).await;
        match n {
            7 => std::fs::write(rig.file(&path), b"flipped").unwrap(),
            13 => std::fs::remove_file(rig.file(&path)).unwrap(),
            _ => {}
        }
    }
    rig.run().await;
    for n in 0..40 {
        let booking = rig.state(&format!("B-{n}")).await;
        match n {
            7 => assert_eq!(booking.failure.unwrap().kind, FailureKind::DriveChanged),
            13 => assert_eq!(booking.failure.unwrap().kind, FailureKind::CopyMissing),
            _ => assert_eq!(booking.phase, Phase::BackedUp, "B-{n}"),
        }
    }
    assert_eq!(rig.copies().len(), 38);
}
