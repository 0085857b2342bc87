//! Purges (R5).

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use strongroom_model::event::ReadBack;
use strongroom_model::wire::{
    Answer, AnswerOutcome, PurgeInfo, PurgeState, PurgeSummary, RefusalCause, ServerState,
};
use strongroom_server::token::Scope;

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

async fn purge(rig: &Rig) -> Answer {
    // It may be proposed already.
    assert!(rig.propose("p-1", &["B-1"]).await.status().is_success());
    rig.approved("p-1", &["B-1"]).await.remove(0)
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
    assert!(why.contains("on 0 drives") && why.contains("more than 90 days ago"), "{why}");
    rig.mark_one("B-1").await;
    rig.mark_one("B-1").await;
    assert_eq!(rig.purge("p-2", &["B-1"]).await[0].outcome, AnswerOutcome::Done);
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
async fn r5_a_proposal_and_an_approval_delete_nothing_and_tell_what_a_run_would_refuse() {
    let rig = archived(2).await;
    let response = rig.propose("p-1", &["B-1", "B-9", "../x"]).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let summary: PurgeSummary = response.json().await.unwrap();
    assert_eq!((summary.proposed_by.as_str(), summary.state), ("anna", PurgeState::Proposed));
    assert_eq!((summary.bookings, summary.size_bytes, summary.purged), (3, 1, 0));
    let info: PurgeInfo = rig.get("/v1/purges/p-1").await.json().await.unwrap();
    let refused: Vec<_> = info.items.iter().map(|item| item.answer.as_ref().and_then(|answer| answer.cause)).collect();
    assert_eq!(refused, [None, Some(RefusalCause::UnknownBooking), Some(RefusalCause::UnknownBooking)]);
    assert_eq!(info.items[0].size_bytes, Some(1));
    assert!(info.items[0].evidence.len() == 2 && info.items[0].evidence.iter().all(|one| one.counts), "{info:?}");
    assert_eq!(rig.approve("p-1").await.status(), StatusCode::CREATED);
    assert_eq!(rig.files().len(), 1);
    assert_eq!(rig.info("B-1").await.state, ServerState::Archived);
    let info: PurgeInfo = rig.get("/v1/purges/p-1").await.json().await.unwrap();
    assert_eq!((info.summary.approved_by.as_deref(), info.summary.state), (Some("ben"), PurgeState::Approved));
    assert_eq!(rig.run_purge("p-1", &["B-1"]).await[0].outcome, AnswerOutcome::Done);
    let info: PurgeInfo = rig.get("/v1/purges/p-1").await.json().await.unwrap();
    assert_eq!((info.summary.state, info.summary.purged), (PurgeState::RunPartly, 1));
    // One request that does both is refused.
    let both = json!({"purge": "p-2", "proposed_by": "anna", "approved_by": "ben", "ids": ["B-1"]});
    problem(rig.post("/v1/purges", &both).await, StatusCode::UNPROCESSABLE_ENTITY, "bad-body").await;
}

#[tokio::test]
async fn r5_nobody_approves_their_own_purge() {
    let rig = archived(2).await;
    let url = |path: &str| format!("{}{path}", rig.server.url());
    let send = async |token: &str, path: &str, body: Value| {
        rig.client.post(url(path)).bearer_auth(token).json(&body).send().await.unwrap()
    };
    let proposal = json!({"purge": "p-1", "proposed_by": "anna", "ids": ["B-1"]});
    // With one token that may do everything.
    assert_eq!(send(&rig.admin, "/v1/purges", proposal).await.status(), StatusCode::CREATED);
    let approve = |who: &str| json!({"approved_by": who});
    let own = send(&rig.admin, "/v1/purges/p-1/approval", approve("ben")).await;
    let detail = problem(own, StatusCode::FORBIDDEN, "not-approved").await;
    assert!(detail.contains("with a token of their own"), "{detail}");
    // With another token, and the proposer's name or none.
    let other = rig.named_token("ben", &[Scope::Approve]).await;
    for (who, status) in [
        ("anna", StatusCode::FORBIDDEN),
        ("ANNA ", StatusCode::FORBIDDEN),
        (" ANNA", StatusCode::UNPROCESSABLE_ENTITY),
        ("", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let response = send(&other, "/v1/purges/p-1/approval", approve(who)).await;
        problem(response, status, "not-approved").await;
    }
    // With another token of the same name.
    let namesake = rig.named_token("Admin", &[Scope::Approve]).await;
    let response = send(&namesake, "/v1/purges/p-1/approval", approve("ben")).await;
    problem(response, StatusCode::FORBIDDEN, "not-approved").await;
    // With the scope of the other call.
    let purger = rig.named_token("carl", &[Scope::Purge]).await;
    let response = send(&purger, "/v1/purges/p-1/approval", approve("carl")).await;
    problem(response, StatusCode::FORBIDDEN, "not-allowed").await;
    let response = send(&other, "/v1/purges", json!({"purge": "p-2", "proposed_by": "ben", "ids": []})).await;
    problem(response, StatusCode::FORBIDDEN, "not-allowed").await;
    let response = send(&other, "/v1/purges/p-9/approval", approve("ben")).await;
    problem(response, StatusCode::NOT_FOUND, "unknown-purge").await;
    assert_eq!(rig.files().len(), 1);
    assert_eq!(rig.info("B-1").await.state, ServerState::Archived);
}

#[tokio::test]
async fn r5_who_told_the_proofs_can_neither_propose_nor_approve_on_their_strength() {
    let rig = archived(2).await;
    // The proofs were told by the administrator's token.
    let proposal = json!({"purge": "p-1", "proposed_by": "anna", "ids": ["B-1"]});
    assert_eq!(rig.post("/v1/purges", &proposal).await.status(), StatusCode::CREATED);
    let answer = rig.approved("p-1", &["B-1"]).await.remove(0);
    assert_eq!(answer.cause, Some(RefusalCause::OwnEvidence));
    let why = answer.reason.unwrap();
    assert!(why.contains("on 0 drives") && why.contains("reported with the purge's own tokens"), "{why}");
    assert_eq!(rig.propose("p-2", &["B-1"]).await.status(), StatusCode::CREATED);
    let own = rig.post("/v1/purges/p-2/approval", &json!({"approved_by": "carl"})).await;
    assert_eq!(own.status(), StatusCode::CREATED);
    assert_eq!(rig.run_purge("p-2", &["B-1"]).await[0].cause, Some(RefusalCause::OwnEvidence));
    assert_eq!(rig.files().len(), 1);
    assert_eq!(rig.approve("p-2").await.status(), StatusCode::CONFLICT, "carl has approved it");
}

#[tokio::test]
async fn r5_a_copy_that_was_read_from_a_cache_counts_for_no_purge() {
    let rig = archived(1).await;
    let mark = strongroom_model::wire::Mark { read_back: ReadBack::Cached, ..rig.proof("B-1").await };
    assert_eq!(rig.mark(std::slice::from_ref(&mark)).await[0].outcome, AnswerOutcome::Done);
    let why = purge(&rig).await.reason.unwrap();
    assert!(why.contains("on 1 drives, and 2 are needed") && why.contains("from a cache, not from the device"), "{why}");
    let anew = strongroom_model::wire::Mark { drive: mark.drive, ..rig.proof("B-1").await };
    rig.clock.advance(Duration::from_secs(1));
    let anew = strongroom_model::wire::Mark { proven_at: rig.clock.now(), ..anew };
    assert_eq!(rig.mark(&[anew]).await[0].outcome, AnswerOutcome::Done);
    assert_eq!(rig.run_purge("p-1", &["B-1"]).await[0].outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn r5_an_approval_is_for_one_purge() {
    let rig = archived(2).await;
    assert_eq!(purge(&rig).await.outcome, AnswerOutcome::Done);
    let token = rig.named_token("carl", &[Scope::Purge]).await;
    let other = json!({"purge": "p-1", "proposed_by": "carl", "ids": ["B-2"]});
    let url = format!("{}/v1/purges", rig.server.url());
    let response = rig.client.post(url).bearer_auth(token).json(&other).send().await.unwrap();
    let detail = problem(response, StatusCode::CONFLICT, "conflict").await;
    assert!(detail.contains("an id of its own"), "{detail}");
}

#[tokio::test]
async fn a_purge_may_be_repeated_and_the_record_stays() {
    let rig = archived(2).await;
    assert_eq!(purge(&rig).await.outcome, AnswerOutcome::Done);
    assert_eq!(rig.run_purge("p-1", &["B-1"]).await[0].outcome, AnswerOutcome::Already);
    let outcomes: Vec<_> =
        rig.purge("p-2", &["B-1", "B-1", "B-9", "../x"]).await.iter().map(|answer| answer.outcome).collect();
    use AnswerOutcome::{Already, Refused};
    assert_eq!(outcomes, [Already, Already, Refused, Refused]);
    assert!(rig.files().is_empty());
    let info = rig.info("B-1").await;
    assert_eq!((info.state, info.proofs.len()), (ServerState::Purged, 2));
    let detail = problem(rig.get("/v1/bookings/B-1/timesheet").await, StatusCode::GONE, "purged").await;
    let drives: Vec<String> = info.purged.unwrap().drives.iter().map(ToString::to_string).collect();
    assert_eq!(drives.len(), 2);
    for part in ["deleted at 2026-11-20T23:30:00Z by the purge p-1, which \"ben\" approved", &drives[0], &drives[1]] {
        assert!(detail.contains(part), "{detail}");
    }
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
    assert_eq!(rig.run_purge("p-1", &["B-1"]).await[0].outcome, AnswerOutcome::Done);
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

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn r5_a_run_deletes_only_what_the_proposal_names() {
    let rig = archived(2).await;
    assert_eq!(rig.propose("p-1", &["B-2"]).await.status(), StatusCode::CREATED);
    let answer = rig.approved("p-1", &["B-1"]).await.remove(0);
    assert_eq!((answer.outcome, answer.cause), (AnswerOutcome::Refused, Some(RefusalCause::NotInProposal)));
    assert!(answer.reason.unwrap().contains("propose another purge for it"));
    assert_eq!(rig.files().len(), 1);
}

#[tokio::test]
async fn r5_a_run_needs_an_approval_that_is_valid() {
    let rig = archived(2).await;
    assert_eq!(rig.propose("p-1", &["B-1"]).await.status(), StatusCode::CREATED);
    let answer = rig.run_purge("p-1", &["B-1"]).await.remove(0);
    assert_eq!(answer.cause, Some(RefusalCause::NotApproved));
    assert!(answer.reason.unwrap().contains("another person than its proposer must (`strongroom purge approve`)"));
    assert_eq!(rig.approve("p-1").await.status(), StatusCode::CREATED);
    rig.clock.advance(31 * DAY);
    let answer = rig.run_purge("p-1", &["B-1"]).await.remove(0);
    assert_eq!(answer.cause, Some(RefusalCause::ApprovalExpired));
    assert!(answer.reason.unwrap().contains("an approval is valid for 30 days from then: propose it anew"));
    assert_eq!(rig.files().len(), 1);
    let info: PurgeInfo = rig.get("/v1/purges/p-1").await.json().await.unwrap();
    assert_eq!((info.proofs_needed, info.fresh_for_s), (Some(2), Some(90 * DAY.as_secs())), "its terms");
}

#[tokio::test]
async fn r5_an_old_proposal_cannot_be_approved() {
    let rig = archived(2).await;
    assert_eq!(rig.propose("p-1", &["B-1"]).await.status(), StatusCode::CREATED);
    rig.clock.advance(31 * DAY);
    let why = problem(rig.approve("p-1").await, StatusCode::CONFLICT, "conflict").await;
    assert!(why.contains("it was proposed more than 30 days ago: propose it anew under another id"), "{why}");
}

#[tokio::test]
async fn r5_a_refused_purge_never_runs() {
    let rig = archived(2).await;
    assert_eq!(rig.propose("p-1", &["B-1"]).await.status(), StatusCode::CREATED);
    assert_eq!(rig.approve("p-1").await.status(), StatusCode::CREATED);
    let refusal = json!({"refused_by": "cem", "reason": "too early"});
    assert_eq!(rig.post("/v1/purges/p-1/refusal", &refusal).await.status(), StatusCode::CREATED);
    let answer = rig.run_purge("p-1", &["B-1"]).await.remove(0);
    assert_eq!(answer.cause, Some(RefusalCause::PurgeRefused));
    assert!(answer.reason.unwrap().contains("\"cem\" refused the purge: propose another under an id of its own"));
    assert_eq!(rig.files().len(), 1);
}
