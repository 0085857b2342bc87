//! A disk that becomes full, and has room again.

use std::io::Write as _;

use reqwest::StatusCode;
use serde_json::json;
use strongroom_model::text::with_causes;
use strongroom_model::wire::{AnswerOutcome, ServerState};
use strongroom_server::{Server, Settings};
use strongroom_service::Clock;

use super::mounted::Mounted;
use super::rig::{Rig, START, problem, wait_until};

/// A server whose documents, and records where they are a file, are on a small disk.
async fn on_a_small_disk() -> Option<(Mounted, Rig)> {
    let dir = tempfile::tempdir().unwrap();
    let mounted = Mounted::tmpfs(dir.path().join("disk"), "size=8m,nr_inodes=600")?;
    let mut settings: Settings = Rig::settings_of(&mounted.root);
    settings.listen = "127.0.0.1:0".parse().unwrap();
    Some((mounted, Rig::open(dir, settings).await))
}

fn fill(mounted: &Mounted) {
    let mut filler = std::fs::File::create(mounted.root.join("filler")).unwrap();
    for size in [65_536, 4096, 1] {
        while filler.write_all(&vec![0; size]).is_ok() {}
    }
}

async fn until_well(rig: &Rig) {
    wait_until("the server is healthy without a restart", async || rig.get("/healthz").await.status() == StatusCode::OK).await;
}

#[tokio::test]
async fn a_full_disk_is_told_by_every_write_and_by_health_and_work_goes_on_when_there_is_room() {
    let Some((mounted, rig)) = on_a_small_disk().await else { return };
    rig.booking("B-1", "a.pdf", b"hours").await;
    rig.mark_one("B-1").await;
    fill(&mounted);

    assert_eq!(rig.post("/v1/bookings", &json!({"id": "B-2"})).await.status().is_server_error(), rig.is_a_file());
    let detail = problem(rig.put("B-1", "a.pdf", vec![7; 1 << 20]).await, StatusCode::INSUFFICIENT_STORAGE, "disk-full").await;
    assert!(detail.contains("nothing was done: the server's disk is full"), "{detail}");
    let detail = problem(rig.get("/healthz").await, StatusCode::SERVICE_UNAVAILABLE, "unhealthy").await;
    assert!(detail.contains("the server's disk is full"), "{detail}");
    // As often as it is asked.
    for id in ["B-3", "B-4", "B-5"].iter().filter(|_| rig.is_a_file()) {
        let response = rig.post("/v1/bookings", &json!({"id": id})).await;
        problem(response, StatusCode::INSUFFICIENT_STORAGE, "disk-full").await;
    }
    assert_eq!(rig.info("B-1").await.state, ServerState::BackedUp, "what is there can be read");

    std::fs::remove_file(mounted.root.join("filler")).unwrap();
    until_well(&rig).await;
    assert_eq!(rig.move_to_archived(&["B-1"]).await[0].outcome, AnswerOutcome::Done);
    rig.booking("B-6", "b.pdf", b"more").await;
}

#[tokio::test]
async fn a_full_disk_of_the_records_alone_is_told_by_health_though_small_changes_still_fit() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mounted) = Mounted::tmpfs(dir.path().join("records"), "size=8m") else { return };
    let mut settings: Settings = Rig::settings_of(dir.path());
    if settings.database.file().is_none() {
        // A Postgres server says itself when its disk is full.
        return;
    }
    settings.database = mounted.root.join("server.sqlite").into();
    let rig = Rig::open(dir, settings).await;
    rig.booking("B-1", "a.pdf", b"hours").await;
    assert_eq!(rig.get("/healthz").await.status(), StatusCode::OK);
    fill(&mounted);
    let filler = std::fs::File::options().write(true).open(mounted.root.join("filler")).unwrap();
    filler.set_len(filler.metadata().unwrap().len() - (128 << 10)).unwrap();
    drop(filler);
    rig.mark_one("B-1").await;
    wait_until("health says so", async || rig.get("/healthz").await.status() != StatusCode::OK).await;
    let detail = problem(rig.get("/healthz").await, StatusCode::SERVICE_UNAVAILABLE, "unhealthy").await;
    assert!(detail.contains("cannot write its records: the server's disk is full"), "{detail}");
    std::fs::remove_file(mounted.root.join("filler")).unwrap();
    until_well(&rig).await;
}

#[tokio::test]
async fn a_disk_without_inodes_is_full_too() {
    let Some((mounted, rig)) = on_a_small_disk().await else { return };
    rig.booking("B-1", "a.pdf", b"hours").await;
    rig.mark_one("B-1").await;
    let last = (0..).find(|n| std::fs::File::create(mounted.root.join(format!("filler-{n}"))).is_err()).unwrap();
    let answer = rig.move_to_archived(&["B-1"]).await.remove(0);
    assert_eq!(answer.cause, Some(strongroom_model::wire::RefusalCause::Storage), "{answer:?}");
    assert!(answer.reason.unwrap().contains("in bytes or in inodes"));
    problem(rig.get("/healthz").await, StatusCode::SERVICE_UNAVAILABLE, "unhealthy").await;
    for n in 0..last {
        std::fs::remove_file(mounted.root.join(format!("filler-{n}"))).unwrap();
    }
    assert_eq!(rig.move_to_archived(&["B-1"]).await[0].outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn a_server_starts_on_a_full_disk_and_says_so() {
    let Some((mounted, rig)) = on_a_small_disk().await else { return };
    rig.booking("B-1", "a.pdf", b"hours").await;
    let settings = rig.documents().settings().clone();
    rig.server.stop().await;
    fill(&mounted);
    match Server::start(settings.clone(), Clock::manual(START.parse().unwrap())).await {
        // Where it needs room to begin, it says so.
        Err(error) => {
            let detail = with_causes(&error);
            assert!(detail.contains("its disk has room") || detail.contains("No space left"), "{detail}");
        }
        Ok(server) => server.stop().await,
    }
    std::fs::remove_file(mounted.root.join("filler")).unwrap();
    let server = Server::start(settings, Clock::manual(START.parse().unwrap())).await.unwrap();
    server.stop().await;
}
