//! Damaged copies are replaced by proven ones, and by nothing else.

use std::fs;

use strongroom_model::Event;

use crate::rig::{Mounted, Rig, says, sha256};

const FILES: [(&str, &[u8]); 3] = [("B-1", b"one"), ("B-2", b"two two"), ("B-3", b"three three three")];

/// Two drives with the same proven copies.
async fn two_drives() -> (Rig, Mounted, Mounted, Vec<String>) {
    let rig = Rig::new().await;
    let (blue, red) = (rig.mount("blue").await, rig.mount("red").await);
    let paths = rig.proven(&blue, &FILES).await;
    rig.copy(&blue, &[&red]).await;
    (rig, blue, red, paths)
}

#[tokio::test]
async fn what_was_found_damaged_is_replaced_and_the_bad_file_is_kept_aside() {
    let (rig, blue, red, paths) = two_drives().await;
    blue.rot(&paths[0]);
    fs::remove_file(blue.file(&paths[1])).unwrap();
    rig.verify(&blue).await;
    let tally = rig.repair(&blue, &red).await;
    assert_eq!((tally.written, tally.damaged, tally.faults), (2, 0, 0), "{tally:?}");
    for ((booking, bytes), path) in FILES.iter().zip(&paths).take(2) {
        assert_eq!(fs::read(blue.file(path)).unwrap(), *bytes);
        let story = rig.story(&blue, booking, bytes).await;
        let Some(Event::CopyRepaired(data)) = story.last().map(|last| &last.event) else { panic!("{story:?}") };
        assert_eq!((data.from, &data.path, &data.sha256), (Some(red.id), path, &sha256(bytes)));
        match (*booking, &data.quarantined) {
            ("B-1", Some(aside)) => assert_eq!(fs::read(blue.file(aside)).unwrap(), b"ond", "evidence stays"),
            ("B-2", None) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(!rig.is_alarmed(&blue).await, "it is over");
    blue.sha256sum_passes();
    let tally = rig.verify(&blue).await;
    assert_eq!((tally.good, tally.damaged, tally.faults), (3, 0, 0), "{tally:?}");
}

#[tokio::test]
async fn r5_a_copy_that_was_found_damaged_itself_repairs_nothing() {
    let (rig, blue, red, paths) = two_drives().await;
    blue.rot(&paths[0]);
    red.rot(&paths[0]);
    rig.verify(&blue).await;
    rig.verify(&red).await;
    let tally = rig.repair(&blue, &red).await;
    assert_eq!((tally.written, tally.damaged), (0, 1), "{tally:?}");
    assert!(says(&tally, &[&paths[0], "has no proven copy of it"]), "{tally:?}");
    assert_eq!(fs::read(blue.file(&paths[0])).unwrap(), b"ond", "as it was");
    assert!(rig.is_alarmed(&blue).await);
}

#[tokio::test]
async fn r5_a_copy_that_rotted_since_its_proof_repairs_nothing_though_the_log_does_not_know_it_yet() {
    let (rig, blue, red, paths) = two_drives().await;
    blue.rot(&paths[0]);
    rig.verify(&blue).await;
    let mut other = fs::read(red.file(&paths[0])).unwrap();
    other[0] ^= 4;
    fs::write(red.file(&paths[0]), other).unwrap();
    let tally = rig.repair(&blue, &red).await;
    assert_eq!((tally.written, tally.damaged), (0, 1), "{tally:?}");
    assert!(says(&tally, &[&paths[0], "is not what was proven either: verify that drive"]), "{tally:?}");
    assert_eq!(fs::read(blue.file(&paths[0])).unwrap(), b"ond", "as it was");
    assert!(rig.copy_state(&blue, "B-1", b"one").await.damage.is_some());
}

#[tokio::test]
async fn r5_a_file_that_was_never_proven_there_repairs_nothing() {
    let rig = Rig::new().await;
    let (blue, red) = (rig.mount("blue").await, rig.mount("red").await);
    let paths = rig.proven(&blue, &FILES).await;
    // The right bytes at the right place, but nobody proved them.
    fs::create_dir_all(red.file(&paths[0]).parent().unwrap()).unwrap();
    fs::write(red.file(&paths[0]), b"one").unwrap();
    blue.rot(&paths[0]);
    rig.verify(&blue).await;
    let tally = rig.repair(&blue, &red).await;
    assert_eq!((tally.written, tally.damaged), (0, 1), "{tally:?}");
    assert!(says(&tally, &["has no proven copy of it"]), "{tally:?}");
}

#[tokio::test]
async fn lines_that_were_removed_or_changed_are_written_again_from_the_log_and_strangers_stay() {
    let (rig, blue, red, _) = two_drives().await;
    let before = fs::read_to_string(blue.bag().join("manifest-sha256.txt")).unwrap();
    blue.edit_manifest(|text| {
        let kept = text.lines().filter(|line| !line.ends_with("/B-1.pdf")).map(|line| format!("{line}\n"));
        kept.collect::<String>().replace(&sha256(b"two two").hex(), &"0".repeat(64))
    });
    let stray = blue.file("acme/2026-11/data/B-1/stray.pdf");
    fs::write(&stray, b"who wrote this?").unwrap();
    let tally = rig.repair(&blue, &red).await;
    assert_eq!((tally.good, tally.written, tally.damaged, tally.faults), (3, 0, 0, 1), "{tally:?}");
    assert!(says(&tally, &["stray.pdf"]) && stray.exists(), "{tally:?}");
    assert_eq!(fs::read_to_string(blue.bag().join("manifest-sha256.txt")).unwrap(), before);
    fs::remove_file(stray).unwrap();
    let tally = rig.verify(&blue).await;
    assert_eq!((tally.good, tally.damaged, tally.faults), (3, 0, 0), "{tally:?}");
}

#[tokio::test]
async fn a_repair_without_damage_changes_nothing() {
    let (rig, blue, red, paths) = two_drives().await;
    let manifest = fs::read(blue.bag().join("manifest-sha256.txt")).unwrap();
    let tally = rig.repair(&blue, &red).await;
    assert_eq!((tally.written, tally.damaged, tally.faults), (0, 0, 0), "{tally:?}");
    assert_eq!((blue.payload(), fs::read(blue.bag().join("manifest-sha256.txt")).unwrap()), (paths, manifest));
}
