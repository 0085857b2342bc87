//! Copying to drives: read once, proven on each by itself, and nothing that reads wrong is propagated.

use std::fs;

use strongroom_model::event::Found;
use strongroom_model::{ByteCount, Event};

use crate::rig::{Mounted, Rig, says, sha256};

const FILES: [(&str, &[u8]); 3] = [("B-1", b"one"), ("B-2", b"two two"), ("B-3", b"three three three")];

fn size() -> ByteCount {
    ByteCount(FILES.iter().map(|(_, bytes)| bytes.len() as u64).sum())
}

/// A drive is as the source was proven.
async fn holds_all(rig: &Rig, drive: &Mounted, from: &Mounted, paths: &[String]) {
    for ((booking, bytes), path) in FILES.iter().zip(paths) {
        assert_eq!(fs::read(drive.file(path)).unwrap(), *bytes, "{path}");
        let story = rig.story(drive, booking, bytes).await;
        let made: Vec<_> = story.iter().filter(|one| matches!(one.event, Event::CopyMade(_))).collect();
        let [event] = made.as_slice() else { panic!("{booking} was made once: {story:?}") };
        let Event::CopyMade(data) = &event.event else { panic!("{event:?}") };
        assert_eq!((data.from, &data.path, &data.sha256), (Some(from.id), path, &sha256(bytes)));
    }
    drive.sha256sum_passes();
}

#[tokio::test]
async fn two_drives_get_every_copy_in_one_pass_and_each_is_proven_by_itself() {
    let rig = Rig::new().await;
    let (blue, red, green) = (rig.mount("blue").await, rig.mount("red").await, rig.mount("green").await);
    let paths = rig.proven(&blue, &FILES).await;
    let tally = rig.copy(&blue, &[&red, &green]).await;
    assert_eq!((tally.written, tally.skipped, tally.faults), (6, 0, 0), "{tally:?}");
    assert_eq!(tally.bytes, size(), "the source is read once for both: {tally:?}");
    for drive in [&red, &green] {
        holds_all(&rig, drive, &blue, &paths).await;
        assert!(rig.gate.admitted.lock().unwrap().contains(&drive.id), "its use is in the log");
        assert!(rig.gate.sealed.lock().unwrap().contains(&drive.id), "it has the log's checkpoint");
        let tally = rig.verify(drive).await;
        assert_eq!((tally.good, tally.damaged, tally.faults), (3, 0, 0), "{tally:?}");
    }
    assert!(!rig.gate.admitted.lock().unwrap().contains(&blue.id), "the source is only read");
}

#[tokio::test]
async fn a_copy_of_a_copy_is_proven_like_any_other() {
    let rig = Rig::new().await;
    let (blue, red, green) = (rig.mount("blue").await, rig.mount("red").await, rig.mount("green").await);
    let paths = rig.proven(&blue, &FILES).await;
    rig.copy(&blue, &[&red]).await;
    assert_eq!(rig.copy(&red, &[&green]).await.written, 3);
    holds_all(&rig, &green, &red, &paths).await;
}

#[tokio::test]
async fn what_a_drive_has_already_is_not_written_again_and_new_copies_follow() {
    let rig = Rig::new().await;
    let (blue, red) = (rig.mount("blue").await, rig.mount("red").await);
    rig.proven(&blue, &FILES[..2]).await;
    rig.copy(&blue, &[&red]).await;
    let (before, events) = (red.payload(), rig.size().await);
    let tally = rig.copy(&blue, &[&red]).await;
    assert_eq!((tally.written, tally.skipped), (0, 2), "{tally:?}");
    assert_eq!((red.payload(), rig.size().await), (before, events + 3), "requested, one slice, finished");
    rig.proven(&blue, &FILES[2..]).await;
    let tally = rig.copy(&blue, &[&red]).await;
    assert_eq!((tally.written, tally.skipped), (1, 2), "{tally:?}");
}

#[tokio::test]
async fn r5_a_source_whose_bytes_rotted_is_recorded_as_damaged_and_never_copied() {
    let rig = Rig::new().await;
    let (blue, red, green) = (rig.mount("blue").await, rig.mount("red").await, rig.mount("green").await);
    let paths = rig.proven(&blue, &FILES).await;
    blue.rot(&paths[1]);
    fs::remove_file(blue.file(&paths[2])).unwrap();
    let tally = rig.copy(&blue, &[&red, &green]).await;
    assert_eq!((tally.written, tally.damaged), (2, 2), "{tally:?}");
    assert!(says(&tally, &[&paths[1], "is not what was proven; not copied"]), "{tally:?}");
    assert!(says(&tally, &[&paths[2], "is missing; not copied"]), "{tally:?}");
    assert_eq!(rig.copy_state(&blue, "B-3", FILES[2].1).await.damage, Some(Found::Missing));
    assert!(rig.is_alarmed(&blue).await);
    for drive in [&red, &green] {
        assert_eq!(drive.payload(), paths[..1], "no trace of what rotted");
        assert!(rig.story(drive, "B-2", b"two two").await.is_empty());
        drive.sha256sum_passes();
    }
}

#[tokio::test]
async fn r6_a_drive_that_is_refused_does_not_keep_the_other_from_its_copies() {
    let rig = Rig::new().await;
    let (blue, red, green) = (rig.mount("blue").await, rig.mount("red").await, rig.mount("green").await);
    let paths = rig.proven(&blue, &FILES).await;
    rig.gate.refused.lock().unwrap().push(red.id);
    let tally = rig.copy(&blue, &[&red, &green]).await;
    let given_up: Vec<_> =
        tally.given_up.iter().map(|one| (one.drive, one.reason.contains("a test refuses"))).collect();
    assert_eq!(given_up, [(red.id, true)], "{tally:?}");
    holds_all(&rig, &green, &blue, &paths).await;
    assert_eq!(red.payload(), [""; 0]);
    rig.gate.refused.lock().unwrap().clear();
    assert_eq!(rig.copy(&blue, &[&red, &green]).await.written, 3, "the next act makes up for it");
    holds_all(&rig, &red, &blue, &paths).await;
}

#[tokio::test]
async fn r6_a_drive_that_is_unplugged_in_the_midst_gets_nothing_and_the_other_all() {
    let rig = Rig::new().await;
    let (blue, red, green) = (rig.mount("blue").await, rig.mount("red").await, rig.mount("green").await);
    let paths = rig.proven(&blue, &FILES).await;
    rig.gate.unplugged.lock().unwrap().push(red.id);
    let tally = rig.copy(&blue, &[&red, &green]).await;
    let given_up: Vec<_> = tally.given_up.iter().map(|one| one.drive).collect();
    assert_eq!((tally.written, given_up), (3, vec![red.id]), "{tally:?}");
    assert!(fs::read_dir(&red.root).unwrap().next().is_none(), "nothing is written into the empty mount folder");
    holds_all(&rig, &green, &blue, &paths).await;
    assert!(rig.story(&red, "B-1", b"one").await.is_empty());
}

#[tokio::test]
async fn r3_files_that_landed_without_an_event_are_adopted_after_they_were_read_back() {
    let rig = Rig::new().await;
    let (blue, red) = (rig.mount("blue").await, rig.mount("red").await);
    let paths = rig.proven(&blue, &FILES).await;
    // As a kill leaves it: the files have their names, no event and no line.
    for path in &paths {
        let to = red.file(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(blue.file(path), to).unwrap();
    }
    assert_eq!(rig.copy(&blue, &[&red]).await.written, 3);
    holds_all(&rig, &red, &blue, &paths).await;
    assert_eq!(red.payload().len(), 3, "none twice");
    let tally = rig.verify(&red).await;
    assert_eq!((tally.good, tally.damaged, tally.faults), (3, 0, 0), "{tally:?}");
}

#[cfg(feature = "kill-points")]
mod faulty {
    use strongroom_model::event::Tally;
    use strongroom_service::fault::during;

    use super::*;

    /// Copies one file to two drives while these faults happen.
    fn copied_with(faults: &str) -> (Tally, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        during(faults, || {
            runtime.block_on(async {
                let rig = Rig::new().await;
                let (blue, red, green) = (rig.mount("blue").await, rig.mount("red").await, rig.mount("green").await);
                rig.proven(&blue, &FILES[..1]).await;
                let tally = rig.copy(&blue, &[&red, &green]).await;
                for drive in [&red, &green] {
                    let is_there = !rig.story(drive, "B-1", b"one").await.is_empty();
                    assert!(!is_there || fs::read(drive.file(&drive.payload()[0])).unwrap() == b"one");
                }
                (tally, red.payload().len() + green.payload().len())
            })
        })
    }

    #[test]
    fn r6_a_target_that_is_full_is_given_up_with_its_reason_and_the_other_gets_the_copy() {
        // The first writing is that of the proven copy itself.
        let (tally, files) = copied_with("drive.write:2=ENOSPC");
        assert_eq!((tally.written, tally.given_up.len(), files), (1, 1, 1), "{tally:?}");
        assert!(tally.given_up[0].reason.contains("full") || tally.given_up[0].reason.contains("room"), "{tally:?}");
    }

    #[test]
    fn r1_a_target_that_gives_back_other_bytes_gets_no_event_and_keeps_nothing_in_place() {
        // Passings: the pipeline's proof, the source, then each target's.
        let (tally, files) = copied_with("drive.read-back:3=flip");
        assert_eq!((tally.written, tally.faults, files), (1, 1, 1), "{tally:?}");
        assert!(says(&tally, &["gave back other bytes than were written"]), "{tally:?}");
    }

    #[test]
    fn a_source_that_reads_right_only_the_second_time_is_not_called_damaged_and_not_copied() {
        let (tally, files) = copied_with("drive.read-back:2=flip");
        assert_eq!((tally.written, tally.damaged, tally.faults, files), (0, 0, 1, 0), "{tally:?}");
        assert!(says(&tally, &["could be read only the second time"]), "{tally:?}");
    }

    #[test]
    fn the_source_is_read_once_and_each_target_once() {
        // The pipeline's proof, the source, two proofs: a fifth reading would fail.
        let (tally, files) = copied_with("drive.read-back:5-=EIO");
        assert_eq!((tally.written, tally.faults, files), (2, 0, 2), "{tally:?}");
        assert_eq!(copied_with("drive.read-back:4=EIO").0.written, 1, "the fourth is the second target's");
    }
}
