//! What is looked at when a drive is first seen.

use strongroom_drive::Drive;
use strongroom_model::booking::Phase;
use strongroom_model::{AlarmKind, Event, FailureKind, Position, StageName, SubjectKind};

use crate::rig::{Rig, sha256};

const MANIFEST: &str = "acme/2026-11/manifest-sha256.txt";

async fn proven(rig: &Rig, count: usize) -> Vec<String> {
    let mut paths = Vec::new();
    for n in 0..count {
        let name = format!("B-{n}");
        paths.push(rig.copy(&name, name.as_bytes()).await);
    }
    rig.run().await;
    paths
}

#[tokio::test]
async fn a_proven_copy_that_went_bad_is_told_of_and_its_end_too() {
    let rig = Rig::new().await;
    let paths = proven(&rig, 5).await;
    rig.verify().check_drive().await.unwrap();
    let quiet = rig.size().await;

    std::fs::write(rig.file(&paths[2]), b"zeros after a power cut").unwrap();
    std::fs::remove_file(rig.file(&paths[4])).unwrap();
    rig.verify().check_drive().await.unwrap();
    for (n, path) in paths.iter().enumerate() {
        let told = rig.alarm(AlarmKind::CopyLost, format!("B-{n}")).await;
        match n {
            2 | 4 => assert!(told[0].as_ref().unwrap().message.contains(path), "{told:?}"),
            _ => assert!(told.is_empty(), "{told:?}"),
        }
    }
    assert_eq!(rig.size().await, quiet + 4, "good copies cost no event");
    rig.verify().check_drive().await.unwrap();
    assert_eq!(rig.size().await, quiet + 4, "it is reported once");

    std::fs::write(rig.file(&paths[2]), b"B-2").unwrap();
    rig.verify().check_drive().await.unwrap();
    assert_eq!(rig.alarm(AlarmKind::CopyLost, "B-2").await.len(), 2);
    assert_eq!(rig.alarm(AlarmKind::CopyLost, "B-4").await.len(), 1);
}

#[tokio::test]
async fn r1_the_server_is_not_told_of_a_copy_that_was_lost_and_a_person_has_it_fetched_anew() {
    let rig = Rig::new().await;
    let paths = proven(&rig, 2).await;
    std::fs::remove_file(rig.file(&paths[1])).unwrap();
    rig.verify().check_drive().await.unwrap();
    assert!(rig.state("B-0").await.failure.is_none());
    let lost = rig.state("B-1").await;
    assert!(lost.needs_attention() && lost.phase == Phase::BackedUp, "{lost:?}");
    let failed = rig.failure("B-1").await;
    assert_eq!((failed.stage, failed.kind), (StageName::Archive, FailureKind::CopyLost));
    assert!(failed.message.contains("is no longer good: it is not there any more"), "{}", failed.message);
    let told = rig.alarm(AlarmKind::CopyLost, "B-1").await;
    let told = told[0].as_ref().unwrap();
    assert!(told.next_step.contains("run `strongroom retry`: it is fetched and proven anew"), "{told:?}");
    assert!(!told.message.contains("by itself"), "{told:?}");
    let waiting = rig.log.pending(StageName::Archive, Position(0), 9).await.unwrap();
    assert_eq!(waiting.len(), 1, "archive has only the other one");
    assert_eq!(lost.retry_stage(Some(&sha256(b"B-1"))), StageName::Enumerate);
}

#[tokio::test]
async fn a_manifest_whose_lines_were_changed_is_written_anew_and_kept_aside() {
    let rig = Rig::new().await;
    proven(&rig, 3).await;
    let manifest = rig.manifest();
    let first = if manifest.starts_with('0') { "1" } else { "0" };
    for changed in [format!("{first}{}", &manifest[1..]), manifest.replace("data/B-1/", "data/B-X/")] {
        std::fs::write(rig.file(MANIFEST), &changed).unwrap();
        rig.verify().check_drive().await.unwrap();
        assert!(manifest.lines().all(|line| rig.manifest().contains(line)), "{}", rig.manifest());
    }
    assert!(rig.file(".strongroom/quarantine/acme/2026-11/manifest-sha256.txt").exists());
}

#[tokio::test]
async fn r3_what_this_log_cannot_explain_stays_however_new_it_is() {
    let rig = Rig::new().await;
    proven(&rig, 1).await;
    let path = rig.file("acme/2026-11/data/OLD-1/old.pdf");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "proven for another identity of this drive, or copied here from it").unwrap();
    for damage in [None, Some("x")] {
        std::fs::remove_file(rig.file(MANIFEST)).unwrap();
        if let Some(damage) = damage {
            std::fs::write(rig.file(MANIFEST), damage).unwrap();
        }
        rig.verify().check_drive().await.unwrap();
        assert!(path.exists(), "it is not moved");
        let heads = rig.log.newest(SubjectKind::Alarm, 9).await.unwrap();
        assert!(heads.iter().any(|head| head.stream.id().starts_with("files-unknown.")), "{damage:?}");
    }
}

#[tokio::test]
async fn a_manifest_that_is_gone_or_damaged_is_written_anew_from_the_log() {
    let rig = Rig::new().await;
    let paths = proven(&rig, 20).await;
    let manifest = rig.manifest();
    assert_eq!(rig.copies().len(), 20);
    std::fs::remove_file(rig.file(MANIFEST)).unwrap();
    rig.verify().check_drive().await.unwrap();
    assert_eq!(rig.manifest(), manifest);

    std::fs::write(rig.file(MANIFEST), &manifest[..manifest.len() / 2]).unwrap();
    rig.verify().check_drive().await.unwrap();
    assert_eq!(rig.manifest(), manifest);
    for path in paths {
        assert!(rig.file(&path).exists(), "nothing proven was taken for a stray");
    }
}

#[tokio::test]
async fn a_manifest_that_was_taken_away_and_begun_anew_gets_its_lines_back() {
    let rig = Rig::new().await;
    proven(&rig, 3).await;
    let manifest = rig.manifest();
    std::fs::remove_file(rig.file(MANIFEST)).unwrap();
    let path = rig.copy("B-9", b"fetched after that").await;
    assert_eq!(rig.copies(), [""; 0]);
    rig.verify().check_drive().await.unwrap();
    assert_eq!(rig.manifest(), manifest);
    assert!(rig.file(&path).exists());
    rig.run().await;
    assert_eq!(rig.copies().len(), 4);
}

#[tokio::test]
async fn a_bag_that_was_left_without_a_manifest_gets_one() {
    let rig = Rig::new().await;
    // An older version was killed between the first file and the first proof.
    let path = rig.copy("B-1", b"fetched, then killed").await;
    for file in [MANIFEST, "acme/2026-11/data/README.txt", "acme/2026-11/bagit.txt"] {
        std::fs::remove_file(rig.file(file)).unwrap();
    }
    rig.verify().check_drive().await.unwrap();
    assert_eq!(rig.copies(), [""; 0]);
    assert!(rig.file(&path).exists());
    assert!(rig.file("acme/2026-11/bagit.txt").exists());
}

/// The log that proved them was lost, and with it the manifest's list.
#[tokio::test]
async fn what_another_log_may_have_proven_stays_and_is_told_by_name() {
    let rig = Rig::new().await;
    proven(&rig, 1).await;
    let path = rig.file("acme/2026-11/data/OLD-1/old.pdf");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "proven by a log that is lost").unwrap();
    let before = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    std::fs::write(rig.file(MANIFEST), "x").unwrap();
    let alarm = async |rig: &Rig| {
        let heads = rig.log.newest(SubjectKind::Alarm, 9).await.unwrap();
        let head = heads.into_iter().find(|head| head.stream.id().starts_with("files-unknown."))?;
        rig.log.stream(&head.stream).await.unwrap().pop().map(|last| last.event)
    };
    for _ in 0..2 {
        rig.verify().check_drive().await.unwrap();
        assert!(path.exists(), "it is not moved");
        let Some(Event::AlarmRaised(raised)) = alarm(&rig).await else { panic!("no alarm was raised") };
        assert!(raised.message.contains("1 file of 2026-11") && raised.message.contains("OLD-1/old.pdf"), "{raised:?}");
    }
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    rig.verify().check_drive().await.unwrap();
    assert!(matches!(alarm(&rig).await, Some(Event::AlarmCleared(_))));
}

#[tokio::test]
async fn what_a_dead_process_left_is_swept_but_for_what_goes_on() {
    let rig = Rig::new().await;
    proven(&rig, 1).await;
    let drive = rig.drive();
    rig.enumerate("B-7", sha256(b"the rest is yet to come")).await;
    for (booking, bytes) in [("B-7", "the rest is yet"), ("B-8", "nobody asks for this any more")] {
        let place = rig.place(booking, "x.pdf", sha256(b"the rest is yet to come"));
        // A process that dies here runs no destructor; one that ends leaves the same file.
        drive.receive(&place).unwrap().write(bytes.as_bytes()).unwrap();
    }
    drop(drive);
    let folder = |booking: &str| rig.file(&format!("acme/2026-11/data/{booking}"));
    assert!(folder("B-8").exists());
    rig.verify().check_drive().await.unwrap();
    assert!(!folder("B-8").exists());
    assert_eq!(std::fs::read_dir(folder("B-7")).unwrap().count(), 1, "its transfer goes on from there");
}

#[tokio::test]
async fn a_copy_that_is_not_yet_proven_is_no_stray() {
    let rig = Rig::new().await;
    proven(&rig, 3).await;
    let path = rig.copy("B-9", b"fetched, then killed").await;
    rig.verify().check_drive().await.unwrap();
    assert!(rig.file(&path).exists());
    rig.run().await;
    assert_eq!(rig.state("B-9").await.phase, Phase::BackedUp);
}

#[tokio::test]
async fn r6_a_beginning_without_a_drive_names_the_obstacle() {
    let rig = Rig::new().await;
    std::fs::remove_dir_all(rig.root()).unwrap();
    let verify = rig.verify();
    assert_eq!(verify.check_drive().await.unwrap_err().kind, AlarmKind::DriveMissing);
    std::fs::create_dir(rig.root()).unwrap();
    std::fs::write(rig.root().join("holiday.jpg"), b"").unwrap();
    let obstacle = verify.check_drive().await.unwrap_err();
    assert_eq!(obstacle.kind, AlarmKind::DriveUnknown);
    assert!(obstacle.next_step.contains("strongroom drive init"), "{}", obstacle.next_step);
}

#[tokio::test]
async fn r1_what_can_only_be_read_through_a_cache_is_not_proven_unless_that_is_wanted() {
    let rig = Rig::new().await;
    // Memory is the one thing behind a cache that every host has.
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return };
    std::fs::remove_dir_all(rig.root()).unwrap();
    std::os::unix::fs::symlink(memory.path(), rig.root()).unwrap();
    Drive::init(&rig.root(), "memory", rig.clock.now()).unwrap();
    if Drive::backing_of(&rig.root()).unwrap().reason().is_none() {
        return;
    }
    rig.copy("B-1", b"a timesheet").await;
    let obstacle = rig.verifying(true).check_drive().await.unwrap_err();
    assert_eq!(obstacle.kind, AlarmKind::ReadBackCached);
    assert!(obstacle.next_step.contains("verify.require"), "{}", obstacle.next_step);
    rig.verifying(false).check_drive().await.unwrap();
    rig.run().await;
    assert_eq!(rig.state("B-1").await.phase, Phase::BackedUp);
}

/// Changes an event past the log's own refusals, so that this version cannot read it.
fn make_unreadable(rig: &Rig, stream: &str, kind: &str) {
    let script = "import sqlite3, sys\n\
        log = sqlite3.connect('log.sqlite')\n\
        for (name,) in log.execute(\"SELECT name FROM sqlite_schema WHERE type = 'trigger'\").fetchall():\n\
        \x20   log.execute(f'DROP TRIGGER \"{name}\"')\n\
        change = \"UPDATE event SET body = replace(body, '\\\"drive\\\":', '\\\"imagined\\\":') WHERE stream = ? AND type = ?\"\n\
        assert log.execute(change, sys.argv[1:]).rowcount == 1\n\
        log.commit()\n";
    let mut python = std::process::Command::new("python3");
    let output = python.args(["-c", script, stream, kind]).current_dir(rig.folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn r3_r9_what_an_event_that_cannot_be_read_may_be_about_stays_where_it_is_and_the_rest_goes_on() {
    let rig = Rig::new().await;
    let paths = proven(&rig, 3).await;
    std::fs::remove_file(rig.file(MANIFEST)).unwrap();
    let fetched = rig.copy("B-9", b"fetched, not proven").await;
    make_unreadable(&rig, "booking/B-1", "strongroom.timesheet.backed-up.v1");
    make_unreadable(&rig, "booking/B-9", "strongroom.timesheet.fetched.v1");
    rig.verify().check_drive().await.unwrap();
    assert!(rig.file(&paths[1]).exists() && rig.file(&fetched).exists(), "nobody knows what they are");
    assert_eq!(rig.copies().len(), 2, "the proofs that can be read are listed again");
    rig.copy("B-10", b"comes later").await;
    rig.run().await;
    assert_eq!(rig.copies().len(), 3);
    assert!(rig.file(&paths[1]).exists() && rig.file(&fetched).exists());
}
