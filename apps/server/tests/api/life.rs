//! A booking's life on the server, from its creation to its purge.

use reqwest::StatusCode;
use strongroom_model::wire::{AnswerOutcome, ServerState};
use strongroom_model::{Algorithm, Digest};

use super::rig::Rig;

#[tokio::test]
async fn a_booking_goes_from_upload_to_archive() {
    let rig = Rig::start().await;
    let info = rig.booking("B-1", "März.pdf", b"hours").await;
    assert_eq!(info.state, ServerState::SignedOff);
    let timesheet = info.timesheet.unwrap();
    let digest = Digest::of(Algorithm::Sha256, b"hours");
    assert_eq!(timesheet.digest, digest.to_string());
    assert_eq!(timesheet.path, "uploads/B-1/März.pdf");

    let waiting = rig.waiting("").await;
    assert_eq!((waiting.waiting, waiting.bookings.len(), waiting.next), (1, 1, None));
    assert_eq!(waiting.bookings[0].filename, "März.pdf");

    rig.mark_one("B-1").await;
    assert_eq!(rig.waiting("").await.waiting, 0);
    let moved = rig.move_to_archived(&["B-1"]).await.remove(0);
    assert_eq!(moved.outcome, AnswerOutcome::Done);
    assert_eq!(moved.month.unwrap().to_string(), "2026-11");
    assert_eq!(moved.path.as_deref(), Some("archived/2026-11/uploads/B-1/März.pdf"));
    assert_eq!(rig.files(), ["archived/2026-11/uploads/B-1/März.pdf"]);

    let content = rig.get("/v1/bookings/B-1/timesheet").await;
    assert_eq!(content.status(), StatusCode::OK);
    assert_eq!(content.headers()["etag"], format!("\"sha256-{}\"", digest.hex()));
    assert_eq!(content.bytes().await.unwrap(), "hours");
    let listed: serde_json::Value = rig.get("/v1/bookings?state=archived").await.json().await.unwrap();
    assert_eq!(listed["bookings"][0]["id"], "B-1");

    rig.mark_one("B-1").await;
    assert_eq!(rig.purge("p-1", &["B-1"]).await[0].outcome, AnswerOutcome::Done);
    assert!(rig.files().is_empty());
    assert_eq!(rig.get("/v1/bookings/B-1/timesheet").await.status(), StatusCode::GONE);
    assert_eq!(rig.info("B-1").await.state, ServerState::Purged);
}
