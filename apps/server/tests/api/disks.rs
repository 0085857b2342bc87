//! Folders below the document root that are disks of their own.

use reqwest::StatusCode;
use strongroom_model::wire::{AnswerOutcome, RefusalCause};

use super::mounted::Mounted;
use super::rig::Rig;

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
