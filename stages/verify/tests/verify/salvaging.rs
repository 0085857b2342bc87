//! A log was lost, and a manifest is damaged: what the manifest still lists is read back and listed again.

use std::time::{Duration, SystemTime};

use strongroom_drive::ProvenCopy;
use strongroom_model::event::{AlarmKey, AlarmKind};
use strongroom_model::{Event, StreamName};

use crate::rig::{Rig, month, sha256};

const MANIFEST: &str = "acme/2026-11/manifest-sha256.txt";
const KEPT: &str = ".strongroom/quarantine/acme/2026-11/manifest-sha256.txt";

/// Puts a copy on the drive that a log proved which was lost: its path.
fn of_a_lost_log(rig: &Rig, booking: &str, bytes: &[u8]) -> String {
    let path = format!("acme/2026-11/data/{booking}/{booking}.pdf");
    std::fs::create_dir_all(rig.file(&path).parent().unwrap()).unwrap();
    std::fs::write(rig.file(&path), bytes).unwrap();
    let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    let file = std::fs::File::options().write(true).open(rig.file(&path)).unwrap();
    file.set_modified(written).unwrap();
    // What is not on the device yet could only be read back through the cache.
    file.sync_all().unwrap();
    let drive = rig.drive();
    let proof = ProvenCopy { path: path.clone(), sha256: sha256(bytes), seen: None };
    let site = "acme".parse().unwrap();
    drive.record(&site, month(), &[proof]).remove(0).unwrap();
    drive.fold(&site).unwrap();
    path
}

/// A drive with three copies that a lost log proved, and one that this log did.
async fn rig() -> (Rig, Vec<String>) {
    let rig = Rig::new().await;
    rig.copy("C-1", b"proven by this log").await;
    rig.run().await;
    let old = ["B-1", "B-2", "B-3"].map(|booking| of_a_lost_log(&rig, booking, booking.as_bytes())).into();
    (rig, old)
}

async fn start(rig: &Rig) {
    let verify = rig.verify();
    verify.check_drive().await.unwrap();
    verify.salvaged().await;
}

/// All alarms about files that this log does not know: `+` what was raised, `-` what was cleared.
async fn told(rig: &Rig) -> Vec<String> {
    let drive = rig.drive();
    let key = AlarmKey::new(AlarmKind::FilesUnknown, format!("{}.2026-11", drive.identity().id));
    let history = rig.log.stream(&StreamName::alarm(&key)).await.unwrap();
    let words = history.into_iter().map(|event| match event.event {
        Event::AlarmRaised(raised) => format!("+ {}", raised.message),
        Event::AlarmCleared(cleared) => format!("- {}", cleared.message),
        other => panic!("{other:?}"),
    });
    words.collect()
}

fn lists(rig: &Rig, paths: &[String]) -> Vec<bool> {
    let manifest = rig.manifest();
    paths.iter().map(|path| manifest.contains(path.strip_prefix("acme/2026-11/").unwrap())).collect()
}

#[tokio::test]
async fn what_a_damaged_manifest_still_lists_is_read_back_and_listed_again() {
    let (rig, old) = rig().await;
    let whole = rig.manifest();
    std::fs::write(rig.file(MANIFEST), format!("{whole}damage")).unwrap();
    start(&rig).await;
    assert_eq!(rig.manifest(), whole, "as it was before");
    assert_eq!(std::fs::read_to_string(rig.file(KEPT)).unwrap(), format!("{whole}damage"), "it is evidence");
    assert!(old.iter().all(|path| rig.file(path).exists()));
    let words = told(&rig).await;
    assert!(
        words[0].starts_with("+ ") && words[0].contains("3 files") && words[0].contains("read back now"),
        "{words:?}"
    );
    assert!(
        words[1].starts_with("- ") && words[1].contains("3 files") && words[1].contains("listed again"),
        "{words:?}"
    );
    let size = rig.size().await;
    start(&rig).await;
    assert_eq!(rig.size().await, size, "nothing more is to be told");
}

#[tokio::test]
async fn what_is_not_as_the_damaged_manifest_lists_it_stays_unlisted_and_is_told_until_it_is_gone() {
    let (rig, old) = rig().await;
    let whole = rig.manifest();
    // B-1's line can be read no more; B-2 is another file than it was.
    std::fs::write(rig.file(MANIFEST), whole.replace(&sha256(b"B-1").hex(), "0")).unwrap();
    std::fs::write(rig.file(&old[1]), "changed").unwrap();
    for _ in 0..2 {
        start(&rig).await;
        assert_eq!(lists(&rig, &old), [false, false, true]);
        assert!(old.iter().all(|path| rig.file(path).exists()), "nothing is moved");
    }
    let words = told(&rig).await;
    assert_eq!(words.len(), 3, "each start says the same, which is reported once: {words:?}");
    assert!(words[1].starts_with("- ") && words[1].contains("1 file"), "{words:?}");
    assert!(words[2].contains("2 files") && words[2].contains("1 of them not read back"), "{words:?}");
    assert!(words[2].contains(&old[0]) && words[2].contains(&old[1]) && !words[2].contains(&old[2]), "{words:?}");

    // The person takes them out one after the other.
    std::fs::remove_file(rig.file(&old[1])).unwrap();
    start(&rig).await;
    let words = told(&rig).await;
    assert!(words[4].contains("1 file of 2026-11") && words[4].contains(&old[0]), "{words:?}");
    std::fs::remove_dir_all(rig.file(&old[0]).parent().unwrap()).unwrap();
    start(&rig).await;
    assert_eq!(told(&rig).await.len(), 6);
    assert!(told(&rig).await[5].starts_with("- "));
}

#[tokio::test]
async fn of_a_removed_manifest_nothing_is_believed_until_a_person_brings_one() {
    let (rig, old) = rig().await;
    let whole = rig.manifest();
    std::fs::remove_file(rig.file(MANIFEST)).unwrap();
    start(&rig).await;
    assert_eq!(lists(&rig, &old), [false; 3], "that a file can be read is not a proof of what it was");
    let words = told(&rig).await;
    assert_eq!(words.len(), 1);
    assert!(old.iter().all(|path| words[0].contains(path)), "{words:?}");

    std::fs::create_dir_all(rig.file(KEPT).parent().unwrap()).unwrap();
    std::fs::write(rig.file(KEPT), &whole).unwrap();
    start(&rig).await;
    assert_eq!(rig.manifest(), whole);
    let words = told(&rig).await;
    assert!(words.len() == 2 && words[1].starts_with("- "), "{words:?}");
}

#[tokio::test]
async fn the_alarm_about_an_earlier_month_ends_too_and_when_its_folder_is_gone() {
    let (rig, _) = rig().await;
    std::fs::remove_file(rig.file(MANIFEST)).unwrap();
    start(&rig).await;
    assert_eq!(told(&rig).await.len(), 1);
    rig.clock.advance(Duration::from_secs(40 * 86_400));
    start(&rig).await;
    assert_eq!(told(&rig).await.len(), 1, "they are still there");
    std::fs::rename(rig.file("acme/2026-11"), rig.file("taken away")).unwrap();
    start(&rig).await;
    assert_eq!(told(&rig).await.len(), 2);
}

#[tokio::test]
async fn only_what_was_read_from_the_device_is_listed_again_where_that_is_wanted() {
    let (rig, old) = rig().await;
    std::fs::write(rig.file(MANIFEST), format!("{}damage", rig.manifest())).unwrap();
    let verify = rig.verifying(true);
    // Where the drive as a whole can only be read through a cache, nothing is begun.
    if verify.check_drive().await.is_ok() {
        verify.salvaged().await;
        let read = rig.drive().read_back(&old[0], strongroom_model::Algorithm::Sha256).unwrap();
        let from_device = read.method != strongroom_model::event::ReadBack::Cached;
        assert_eq!(lists(&rig, &old), [from_device; 3]);
    } else {
        assert!(!rig.file(KEPT).exists());
    }
}

#[tokio::test]
async fn a_stop_leaves_the_rest_to_the_next_start() {
    let (rig, old) = rig().await;
    let whole = rig.manifest();
    std::fs::write(rig.file(MANIFEST), format!("{whole}damage")).unwrap();
    let verify = rig.verify();
    verify.check_drive().await.unwrap();
    verify.stop_salvaging();
    verify.salvaged().await;
    start(&rig).await;
    assert_eq!((rig.manifest(), lists(&rig, &old)), (whole, vec![true; 3]));
    let last = told(&rig).await.pop().unwrap();
    assert!(last.starts_with("- "), "{last}");
}
