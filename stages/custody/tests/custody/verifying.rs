//! Reading a drive's copies against the log: what is damaged is named, what is right gets fresh evidence.

use std::fs;

use strongroom_model::event::{Act, Found, Selection};
use strongroom_model::{ByteCount, Event};

use crate::rig::{Rig, says, sha256};

const FILES: [(&str, &[u8]); 3] = [("B-1", b"one"), ("B-2", b"two two"), ("B-3", b"three three three")];

/// What the damage of a bag is, and what its remark says.
type Damage = (&'static str, fn(&str) -> String, &'static str);

#[tokio::test]
async fn r10_every_copy_that_reads_right_gets_evidence_with_how_it_was_read() {
    let rig = Rig::new().await;
    let blue = rig.mount("blue").await;
    let paths = rig.proven(&blue, &FILES).await;
    let tally = rig.verify(&blue).await;
    assert_eq!((tally.good, tally.damaged, tally.faults, tally.written), (3, 0, 0, 0), "{tally:?}");
    assert_eq!(tally.bytes, ByteCount(FILES.iter().map(|(_, bytes)| bytes.len() as u64).sum()));
    for ((booking, bytes), path) in FILES.iter().zip(&paths) {
        let story = rig.story(&blue, booking, bytes).await;
        let [event] = story.as_slice() else { panic!("{story:?}") };
        let Event::CopyProven(proof) = &event.event else { panic!("{event:?}") };
        assert_eq!((&proof.path, &proof.sha256, proof.drive), (path, &sha256(bytes), blue.id));
        assert_eq!(proof.read_back, blue.open().read_back(path, sha256(b"").algorithm()).unwrap().method);
    }
    assert!(!rig.is_alarmed(&blue).await);
}

#[tokio::test]
async fn a_flipped_byte_and_a_deleted_file_are_named_with_what_was_found() {
    let rig = Rig::new().await;
    let blue = rig.mount("blue").await;
    let paths = rig.proven(&blue, &FILES).await;
    blue.rot(&paths[0]);
    fs::remove_file(blue.file(&paths[1])).unwrap();
    let tally = rig.verify(&blue).await;
    assert_eq!((tally.good, tally.damaged), (1, 2), "{tally:?}");
    assert!(says(&tally, &[&paths[0], "is not what was proven", "no other drive has a proven copy"]), "{tally:?}");
    assert!(says(&tally, &[&paths[1], "is missing"]), "{tally:?}");
    let rotten = rig.copy_state(&blue, "B-1", b"one").await;
    assert_eq!(rotten.damage, Some(Found::Differs { sha256: sha256(b"ond"), size_bytes: ByteCount(3) }));
    assert_eq!(rig.copy_state(&blue, "B-2", b"two two").await.damage, Some(Found::Missing));
    assert!(rig.copy_state(&blue, "B-3", FILES[2].1).await.evidence.is_some());
    assert!(rig.is_alarmed(&blue).await, "the alarm is raised");
}

#[tokio::test]
async fn the_alarm_ends_when_all_copies_read_right_again() {
    let rig = Rig::new().await;
    let blue = rig.mount("blue").await;
    let paths = rig.proven(&blue, &FILES).await;
    blue.rot(&paths[0]);
    rig.verify(&blue).await;
    blue.rot(&paths[0]);
    let one = Selection::Bookings { ids: vec!["B-2".parse().unwrap()] };
    rig.act(Act::Verify { drive: blue.named(), which: one }).await;
    assert!(rig.is_alarmed(&blue).await, "the others may still be damaged");
    let tally = rig.verify(&blue).await;
    assert_eq!((tally.good, tally.damaged), (3, 0), "{tally:?}");
    assert!(!rig.is_alarmed(&blue).await);
}

#[tokio::test]
async fn a_removed_an_edited_and_an_added_line_of_the_manifest_are_each_named() {
    let without_first = |text: &str| {
        let kept = text.lines().filter(|line| !line.ends_with("/B-1.pdf")).map(|line| format!("{line}\n"));
        kept.collect::<String>()
    };
    let edited = |text: &str| text.replace(&sha256(b"one").hex(), &"0".repeat(64));
    let added = |text: &str| format!("{text}{}  data/B-9/nine.pdf\n", "9".repeat(64));
    let damages: [Damage; 3] =
        [("B-1", without_first, "was removed"), ("B-1", edited, "was changed"), ("B-9", added, "never proved it")];
    for (booking, edit, said) in damages {
        let rig = Rig::new().await;
        let blue = rig.mount("blue").await;
        rig.proven(&blue, &FILES).await;
        blue.edit_manifest(edit);
        let tally = rig.verify(&blue).await;
        assert_eq!((tally.good, tally.damaged), (3, 0), "the copies are well: {tally:?}");
        assert!(tally.faults > 0 && says(&tally, &[booking, said]), "{said}: {tally:?}");
        assert!(rig.is_alarmed(&blue).await, "{said}");
    }
}

#[tokio::test]
async fn a_file_that_nobody_knows_is_named_and_stays() {
    let rig = Rig::new().await;
    let blue = rig.mount("blue").await;
    rig.proven(&blue, &FILES).await;
    let stray = blue.file("acme/2026-11/data/B-1/stray.pdf");
    fs::write(&stray, b"who wrote this?").unwrap();
    let tally = rig.verify(&blue).await;
    assert_eq!((tally.good, tally.faults), (3, 1), "{tally:?}");
    assert!(says(&tally, &["data/B-1/stray.pdf", "neither the manifest nor the log knows this file"]), "{tally:?}");
    assert!(stray.exists());
}

#[tokio::test]
async fn only_what_the_selection_names_is_read() {
    let rig = Rig::new().await;
    let blue = rig.mount("blue").await;
    rig.proven_as(&blue, &[("B-1", "2026-10", "a.pdf", b"one"), ("B-2", "2026-11", "b.pdf", b"two")]).await;
    let verify = async |which| rig.act(Act::Verify { drive: blue.named(), which }).await.good;
    assert_eq!(verify(Selection::Month { month: "2026-10".parse().unwrap() }).await, 1);
    assert_eq!(verify(Selection::Bookings { ids: vec!["B-2".parse().unwrap()] }).await, 1);
    assert_eq!(verify(Selection::Sample { per_10000: 0, seed: 1 }).await, 0);
    assert_eq!(verify(Selection::Sample { per_10000: 10_000, seed: 1 }).await, 2);
    let before = rig.clock.now();
    assert_eq!(verify(Selection::Since { time: before }).await, 0, "both have a proof that is not older");
    assert_eq!(verify(Selection::Since { time: before + jiff::SignedDuration::from_secs(1) }).await, 2);
}

#[tokio::test]
async fn r3_an_act_that_was_stopped_goes_on_after_its_last_slice_and_a_second_delivery_changes_nothing() {
    const COPIES: usize = 300;
    let rig = Rig::new().await;
    let blue = rig.mount("blue").await;
    let files: Vec<(String, Vec<u8>)> = (0..COPIES).map(|n| (format!("B-{n}"), format!("{n}").into_bytes())).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(id, bytes)| (id.as_str(), bytes.as_slice())).collect();
    let paths = rig.proven(&blue, &files).await;
    blue.rot(&paths[0]);
    blue.rot(&paths[COPIES - 1]);
    let stream = rig.request(Act::Verify { drive: blue.named(), which: Selection::All }).await;
    let first = rig.slice(&stream).await;
    let size = rig.size().await;
    let after_one = rig.task_of::<strongroom_model::custody::Custody>(&stream).await.state;
    assert!(after_one.is_open() && after_one.tally.good + after_one.tally.damaged < COPIES as u64, "{after_one:?}");
    rig.handle(&rig.stage(), vec![first]).await;
    assert_eq!(rig.size().await, size, "the same slice again");
    let tally = rig.until_ended(&stream).await.tally;
    assert_eq!((tally.good, tally.damaged), (COPIES as u64 - 2, 2), "{tally:?}");
    for (booking, bytes) in &files {
        assert_eq!(rig.story(&blue, booking, bytes).await.len(), 1, "{booking} was read once");
    }
}

#[tokio::test]
async fn r6_a_drive_that_is_not_the_one_the_act_names_is_not_read() {
    let rig = Rig::new().await;
    let (blue, red) = (rig.mount("blue").await, rig.mount("red").await);
    let paths = rig.proven(&blue, &FILES).await;
    fs::rename(&blue.root, blue.root.with_extension("away")).unwrap();
    fs::rename(&red.root, &blue.root).unwrap();
    let state = rig.attempt(Act::Verify { drive: blue.named(), which: Selection::All }).await;
    assert!(state.is_open() && state.failure.is_some(), "{state:?}");
    assert!(rig.story(&blue, "B-1", b"one").await.is_empty(), "{} is not damaged for that", paths[0]);
    assert!(!rig.is_alarmed(&blue).await);
}
