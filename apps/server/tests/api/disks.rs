//! Folders below the document root that are disks of their own.

use reqwest::StatusCode;
use strongroom_model::wire::{AnswerOutcome, RefusalCause};
use strongroom_service::fault::during;

use super::mounted::Mounted;
use super::rig::{Rig, problem};

const ARCHIVED: &str = "archived/2026-11/uploads/B-1/a.pdf";

async fn marked(rig: &Rig, body: &[u8]) {
    rig.booking("B-1", "a.pdf", body).await;
    rig.mark_one("B-1").await;
}

#[tokio::test]
async fn a_file_is_archived_on_another_disk() {
    let rig = Rig::start().await;
    let body = vec![7; 3 << 20];
    marked(&rig, &body).await;
    let times = std::fs::metadata(rig.file("uploads/B-1/a.pdf")).unwrap().modified().unwrap();
    let Some(_disk) = Mounted::tmpfs(rig.file("archived"), "size=16m") else { return };
    let answer = rig.move_to_archived(&["B-1"]).await.remove(0);
    assert_eq!((answer.outcome, answer.path.as_deref()), (AnswerOutcome::Done, Some(ARCHIVED)), "{answer:?}");
    assert_eq!(rig.files(), [ARCHIVED]);
    assert_eq!(std::fs::read(rig.file(ARCHIVED)).unwrap(), body);
    assert_eq!(std::fs::metadata(rig.file(ARCHIVED)).unwrap().modified().unwrap(), times);
    assert_eq!(rig.get("/v1/bookings/B-1/timesheet").await.bytes().await.unwrap(), body);
}

#[tokio::test]
async fn disks_below_the_document_root_are_counted_for_whoever_asks_how_the_server_is() {
    let rig = Rig::start().await;
    std::fs::create_dir(rig.file("archived")).unwrap();
    let count = async || rig.get("/healthz").await.json::<serde_json::Value>().await.unwrap()["mounts_below"].clone();
    assert_eq!(count().await, 0);
    let Some(disk) = Mounted::tmpfs(rig.file("archived"), "size=1m") else { return };
    assert_eq!(count().await, 1);
    drop(disk);
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn an_upload_and_a_bind_mount_are_another_disk_too() {
    let rig = Rig::start().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let Some(_uploads) = Mounted::bind(rig.file("uploads"), elsewhere.path()) else { return };
    marked(&rig, b"hours").await;
    assert_eq!(rig.files(), ["uploads/B-1/a.pdf"]);
    assert_eq!(rig.move_to_archived(&["B-1"]).await[0].outcome, AnswerOutcome::Done);
    assert_eq!(rig.files(), [ARCHIVED]);
}

#[tokio::test]
async fn a_full_disk_for_the_archive_keeps_the_file_where_it_is_and_leaves_no_half_copy() {
    let rig = Rig::start().await;
    marked(&rig, &vec![7; 3 << 20]).await;
    let Some(disk) = Mounted::tmpfs(rig.file("archived"), "size=1m") else { return };
    let answer = rig.move_to_archived(&["B-1"]).await.remove(0);
    assert_eq!((answer.outcome, answer.cause), (AnswerOutcome::Refused, Some(RefusalCause::Storage)), "{answer:?}");
    assert_eq!(rig.files(), ["uploads/B-1/a.pdf"]);
    drop(disk);
    assert_eq!(rig.move_to_archived(&["B-1"]).await[0].outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn a_changed_file_is_not_taken_to_another_disk() {
    let rig = Rig::start().await;
    marked(&rig, b"hours").await;
    let Some(_disk) = Mounted::tmpfs(rig.file("archived"), "size=1m") else { return };
    std::fs::write(rig.file("uploads/B-1/a.pdf"), "Hours").unwrap();
    let answer = rig.move_to_archived(&["B-1"]).await.remove(0);
    assert_eq!(answer.cause, Some(RefusalCause::FileChanged), "{answer:?}");
    assert_eq!(rig.files(), ["uploads/B-1/a.pdf"]);
}

#[tokio::test]
async fn a_disk_that_covers_the_document_root_while_the_server_runs_is_told() {
    let rig = Rig::start().await;
    let Some(_disk) = Mounted::tmpfs(rig.file(""), "size=1m") else { return };
    let response = rig.get("/healthz").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.text().await.unwrap().contains("mount the right one"));
}

/// What the server says of every file and of itself while nothing can be archived: it names the folder, and no
/// booking is told that its own file is the matter.
async fn nothing_can_be_archived(rig: &Rig, folder: &str) {
    for answer in rig.move_to_archived(&["B-1", "B-2"]).await {
        assert_eq!((answer.outcome, answer.cause), (AnswerOutcome::Refused, Some(RefusalCause::Storage)), "{answer:?}");
        assert!(answer.reason.as_ref().is_some_and(|why| why.contains(folder)), "{answer:?}");
    }
    let detail = problem(rig.get("/healthz").await, StatusCode::SERVICE_UNAVAILABLE, "unhealthy").await;
    assert!(detail.contains(folder), "{detail}");
}

/// It heals by itself once that is put right.
async fn all_can_be_archived(rig: &Rig) {
    let answers = rig.move_to_archived(&["B-1", "B-2"]).await;
    assert!(answers.iter().all(|answer| answer.outcome == AnswerOutcome::Done), "{answers:?}");
    assert_eq!(rig.files(), [ARCHIVED, "archived/2026-11/uploads/B-2/b.pdf"]);
    // A look counts for a second.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(rig.get("/healthz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn r9_a_link_or_a_file_in_place_of_the_archive_is_no_file_s_fault_and_heals() {
    for folder in ["archived", "archived/2026-11"] {
        for is_link in [true, false] {
            let rig = Rig::start().await;
            let elsewhere = tempfile::tempdir().unwrap();
            marked(&rig, b"hours").await;
            rig.booking("B-2", "b.pdf", b"more").await;
            rig.mark_one("B-2").await;
            let place = rig.file(folder);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            if is_link {
                std::os::unix::fs::symlink(elsewhere.path(), &place).unwrap();
            } else {
                std::fs::write(&place, "x").unwrap();
            }
            nothing_can_be_archived(&rig, folder).await;
            assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "no link is followed");
            std::fs::remove_file(&place).unwrap();
            all_can_be_archived(&rig).await;
        }
    }
}

#[test]
fn one_file_that_cannot_be_moved_is_told_from_an_archive_that_takes_none() {
    // On one thread, which the faults are ordered for.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rig = runtime.block_on(async {
        let rig = Rig::start().await;
        marked(&rig, b"hours").await;
        rig.booking("B-2", "b.pdf", b"more").await;
        rig.mark_one("B-2").await;
        std::fs::create_dir(rig.file("archived")).unwrap();
        rig
    });
    let moved = |fault| during(fault, || runtime.block_on(rig.move_to_archived(&["B-1", "B-2"])));
    for answer in moved("files.create:1=EACCES") {
        assert_eq!(answer.cause, Some(RefusalCause::Storage), "{answer:?}");
        let why = answer.reason.unwrap();
        assert!(why.contains("the folder archived below its document root") && why.contains("chown"), "{why}");
    }
    let answers = moved("files.rename:1=EACCES");
    assert_eq!((answers[0].outcome, answers[0].cause), (AnswerOutcome::Refused, None), "{answers:?}");
    assert_eq!(answers[1].outcome, AnswerOutcome::Done, "{answers:?}");
    assert_eq!(runtime.block_on(rig.get("/healthz")).status(), StatusCode::OK);
}
