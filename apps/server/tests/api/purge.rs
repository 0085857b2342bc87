//! Purges (R5).

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use strongroom_model::wire::{Answer, AnswerOutcome, ServerState};

use super::rig::{Rig, problem};

/// An archived booking with proofs on so many drives.
async fn archived(proofs: usize) -> Rig {
    let rig = Rig::start().await;
    rig.booking("B-1", "a.pdf", b"a").await;
    for _ in 0..proofs {
        rig.mark_one("B-1").await;
    }
    if proofs > 0 {
        rig.move_to_archived(&["B-1"]).await;
    }
    rig
}

fn request(purge: &str, proposed_by: &str, approved_by: &str) -> Value {
    json!({"purge": purge, "proposed_by": proposed_by, "approved_by": approved_by, "ids": ["B-1"]})
}

async fn purge(rig: &Rig) -> Answer {
    rig.answers("/v1/purges", &request("p-1", "anna", "ben")).await.remove(0)
}

#[tokio::test]
async fn r5_a_purge_without_enough_fresh_proofs_is_refused_with_the_reason() {
    for proofs in [0, 1] {
        let rig = archived(proofs).await;
        let answer = purge(&rig).await;
        assert_eq!(answer.outcome, AnswerOutcome::Refused);
        let why = answer.reason.unwrap();
        assert!(why.contains(["back it up first", "2 are needed"][proofs]), "{why}");
        assert_eq!(rig.files().len(), 1);
    }
    let rig = archived(2).await;
    rig.clock.advance(Duration::from_secs(91 * 24 * 3600));
    let why = purge(&rig).await.reason.unwrap();
    assert!(why.contains("on 0 drives within the last 90 days"), "{why}");
    rig.mark_one("B-1").await;
    rig.mark_one("B-1").await;
    assert_eq!(purge(&rig).await.outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn r5_what_is_not_archived_is_not_purged() {
    let rig = Rig::start().await;
    rig.booking("B-1", "a.pdf", b"a").await;
    rig.mark_one("B-1").await;
    rig.mark_one("B-1").await;
    let answer = purge(&rig).await;
    assert_eq!(answer.outcome, AnswerOutcome::Refused);
    assert!(answer.reason.unwrap().contains("move it first"));
    assert_eq!(rig.files(), ["uploads/B-1/a.pdf"]);
}

#[tokio::test]
async fn r5_nobody_approves_their_own_purge() {
    let rig = archived(2).await;
    for (proposed_by, approved_by) in [("anna", "anna"), ("anna", " ANNA"), ("", "ben"), ("anna", "")] {
        let response = rig.post("/v1/purges", &request("p-1", proposed_by, approved_by)).await;
        problem(response, StatusCode::UNPROCESSABLE_ENTITY, "not-approved").await;
    }
    assert_eq!(rig.files().len(), 1);
    assert_eq!(rig.info("B-1").await.state, ServerState::Archived);
}

#[tokio::test]
async fn r5_an_approval_is_for_one_purge() {
    let rig = archived(2).await;
    assert_eq!(purge(&rig).await.outcome, AnswerOutcome::Done);
    let response = rig.post("/v1/purges", &request("p-1", "carl", "dora")).await;
    let detail = problem(response, StatusCode::UNPROCESSABLE_ENTITY, "not-approved").await;
    assert!(detail.contains("an id of its own"), "{detail}");
}

#[tokio::test]
async fn a_purge_may_be_repeated_and_the_record_stays() {
    let rig = archived(2).await;
    assert_eq!(purge(&rig).await.outcome, AnswerOutcome::Done);
    assert_eq!(purge(&rig).await.outcome, AnswerOutcome::Already);
    let twice = json!({"purge": "p-2", "proposed_by": "a", "approved_by": "b", "ids": ["B-1", "B-1", "B-9", "../x"]});
    let outcomes: Vec<_> = rig.answers("/v1/purges", &twice).await.iter().map(|answer| answer.outcome).collect();
    use AnswerOutcome::{Already, Refused};
    assert_eq!(outcomes, [Already, Already, Refused, Refused]);
    assert!(rig.files().is_empty());
    let info = rig.info("B-1").await;
    assert_eq!((info.state, info.proofs.len()), (ServerState::Purged, 2));
    let detail = problem(rig.get("/v1/bookings/B-1/timesheet").await, StatusCode::GONE, "purged").await;
    assert!(detail.contains("p-1"), "{detail}");
    assert_eq!(rig.move_to_archived(&["B-1"]).await[0].outcome, Already);
}

#[tokio::test]
async fn r5_a_file_that_is_not_what_was_proven_is_kept() {
    let rig = archived(2).await;
    let path = rig.file("archived/2026-11/uploads/B-1/a.pdf");
    std::fs::write(&path, "something else").unwrap();
    let answer = purge(&rig).await;
    assert_eq!(answer.outcome, AnswerOutcome::Refused);
    assert!(answer.reason.unwrap().contains("not the recorded 1"));
    assert_eq!(std::fs::read(&path).unwrap(), b"something else");
    std::fs::write(&path, "a").unwrap();
    assert_eq!(purge(&rig).await.outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn a_file_that_is_gone_already_counts_as_purged() {
    let rig = archived(2).await;
    std::fs::remove_file(rig.file("archived/2026-11/uploads/B-1/a.pdf")).unwrap();
    assert_eq!(purge(&rig).await.outcome, AnswerOutcome::Done);
    // Its place is free for another.
    rig.booking("B-2", "a.pdf", b"b").await;
    assert_eq!(rig.info("B-2").await.state, ServerState::SignedOff);
}
