//! Putting archived and purged files back from copies.

use reqwest::{Method, StatusCode};
use strongroom_model::{Algorithm, Digest, DriveId};
use strongroom_model::wire::{Answer, AnswerOutcome, RefusalCause, ServerState};
use strongroom_server::import::import_csv;

use super::rig::{Rig, problem};

const PATH: &str = "archived/2026-11/uploads/B-1/a.pdf";

async fn archived() -> Rig {
    let rig = Rig::start().await;
    rig.booking("B-1", "a.pdf", b"hours").await;
    rig.mark_one("B-1").await;
    rig.mark_one("B-1").await;
    rig.move_to_archived(&["B-1"]).await;
    rig
}

async fn put_back(rig: &Rig, query: &str, bytes: &'static [u8]) -> Answer {
    let response = rig.request(Method::PUT, &format!("/v1/bookings/B-1/archived{query}")).body(bytes).send().await;
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

async fn content(rig: &Rig) -> String {
    rig.get("/v1/bookings/B-1/timesheet").await.text().await.unwrap()
}

#[tokio::test]
async fn a_file_that_is_gone_comes_back_to_its_place_and_the_record_says_from_where() {
    let rig = archived().await;
    assert_eq!(put_back(&rig, "", b"hours").await.outcome, AnswerOutcome::Already, "nothing is missing");
    assert_eq!(rig.info("B-1").await.restored, None);
    std::fs::remove_file(rig.file(PATH)).unwrap();
    let drive = DriveId::random();
    let answer = put_back(&rig, &format!("?drive={drive}"), b"hours").await;
    assert_eq!((answer.outcome, answer.path.as_deref()), (AnswerOutcome::Done, Some(PATH)));
    assert_eq!((rig.files(), content(&rig).await), (vec![PATH.to_owned()], "hours".to_owned()));
    let info = rig.info("B-1").await;
    let restored = info.restored.unwrap();
    assert_eq!((info.state, restored.drive, restored.purge), (ServerState::Archived, Some(drive), None));
    let rig = rig.restart().await;
    assert_eq!(content(&rig).await, "hours");
}

#[tokio::test]
async fn a_damaged_file_is_kept_beside_the_right_one() {
    let rig = archived().await;
    for (bytes, names) in [("hourz", 2), ("hours and more", 3), ("", 4)] {
        std::fs::write(rig.file(PATH), bytes).unwrap();
        assert_eq!(put_back(&rig, "", b"hours").await.outcome, AnswerOutcome::Done);
        assert_eq!((content(&rig).await, rig.files().len()), ("hours".to_owned(), names));
    }
    assert_eq!(std::fs::read_to_string(rig.file(&format!("{PATH}.damaged"))).unwrap(), "hourz");
    // Not a file at all: its place stays taken.
    std::fs::remove_file(rig.file(PATH)).unwrap();
    std::fs::create_dir(rig.file(PATH)).unwrap();
    let answer = put_back(&rig, "", b"hours").await;
    assert_eq!(answer.path.as_deref(), Some("archived/2026-11/uploads/B-1/a (2).pdf"));
    assert_eq!(content(&rig).await, "hours");
}

#[tokio::test]
async fn other_bytes_than_the_recorded_ones_are_not_taken() {
    let rig = archived().await;
    std::fs::remove_file(rig.file(PATH)).unwrap();
    for bytes in [&b"hourz"[..], b"hour", b"hours and more", b""] {
        let answer = put_back(&rig, "", bytes).await;
        assert_eq!((answer.outcome, answer.cause), (AnswerOutcome::Refused, Some(RefusalCause::OtherDigest)));
        assert!(answer.reason.unwrap().contains("from another drive"));
    }
    assert!(rig.files().is_empty(), "{:?}", rig.files());
    assert_eq!(put_back(&rig, "", b"hours").await.outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn a_purged_file_comes_back_and_its_purge_does_not_delete_it_again() {
    let rig = archived().await;
    assert_eq!(rig.purge("p-1", &["B-1"]).await[0].outcome, AnswerOutcome::Done);
    assert!(rig.files().is_empty());
    assert_eq!(put_back(&rig, "", b"hours").await.outcome, AnswerOutcome::Done);
    let info = rig.info("B-1").await;
    assert_eq!((info.state, info.purged), (ServerState::Archived, None));
    assert_eq!(info.restored.unwrap().purge.as_deref(), Some("p-1"));
    let again = rig.run_purge("p-1", &["B-1"]).await.remove(0);
    assert_eq!((again.outcome, again.cause), (AnswerOutcome::Refused, Some(RefusalCause::Restored)));
    assert_eq!(content(&rig).await, "hours");
    assert_eq!(rig.purge("p-2", &["B-1"]).await[0].outcome, AnswerOutcome::Done, "by another agreement");
}

#[tokio::test]
async fn what_is_not_archived_or_not_known_is_refused_before_its_bytes() {
    let rig = Rig::start().await;
    rig.booking("B-1", "a.pdf", b"hours").await;
    let put = |path: &str| rig.request(Method::PUT, path).body("hours").send();
    let early = put("/v1/bookings/B-1/archived").await.unwrap();
    problem(early, StatusCode::CONFLICT, "not-archived").await;
    rig.mark_one("B-1").await;
    let early = put("/v1/bookings/B-1/archived").await.unwrap();
    problem(early, StatusCode::CONFLICT, "not-archived").await;
    let unknown = put("/v1/bookings/B-2/archived").await.unwrap();
    problem(unknown, StatusCode::NOT_FOUND, "unknown-booking").await;
    let bad = put("/v1/bookings/B-1/archived?drive=blue").await.unwrap();
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_record_with_another_digest_than_sha_256_is_held_to_its_own() {
    let rig = Rig::start().await;
    std::fs::write(rig.file("a.pdf"), "hours").unwrap();
    let md5 = Digest::of(Algorithm::Md5, b"hours");
    let list = rig.dir.path().join("list.csv");
    std::fs::write(&list, format!("id,path,digest,signed_off_at\nB-1,a.pdf,{md5},2026-11-20T12:00:00Z\n")).unwrap();
    assert_eq!(import_csv(rig.documents(), &list, |_| {}).await.unwrap().imported, 1);
    rig.mark_one("B-1").await;
    let path = rig.move_to_archived(&["B-1"]).await.remove(0).path.unwrap();
    std::fs::remove_file(rig.file(&path)).unwrap();
    assert_eq!(put_back(&rig, "", b"hourz").await.cause, Some(RefusalCause::OtherDigest));
    assert_eq!(put_back(&rig, "", b"hours").await.outcome, AnswerOutcome::Done);
    assert_eq!(rig.info("B-1").await.timesheet.unwrap().digest, md5.to_string());
}
