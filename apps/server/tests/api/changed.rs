//! Files that somebody changes behind the server's back: they are the only ones of their kind.

use reqwest::StatusCode;
use strongroom_model::wire::{Answer, AnswerOutcome, RefusalCause, ServerState};

use super::rig::Rig;

const PLACE: &str = "uploads/B-1/a.pdf";
const ARCHIVED: &str = "archived/2026-11/uploads/B-1/a.pdf";

async fn marked(body: &[u8]) -> Rig {
    let rig = Rig::start().await;
    rig.booking("B-1", "a.pdf", body).await;
    rig.mark_one("B-1").await;
    rig
}

fn is_changed(answer: &Answer) {
    assert_eq!((answer.outcome, answer.cause), (AnswerOutcome::Refused, Some(RefusalCause::FileChanged)), "{answer:?}");
}

#[tokio::test]
async fn r5_a_file_that_was_changed_after_its_digest_was_taken_is_not_moved() {
    let rig = marked(b"signed off").await;
    for changed in ["Signed off", "signed off, and more"] {
        std::fs::write(rig.file(PLACE), changed).unwrap();
        let answer = rig.move_to_archived(&["B-1"]).await.remove(0);
        is_changed(&answer);
        let why = answer.reason.unwrap();
        assert!(why.contains("was left where it is: uploads/B-1/a.pdf has "), "{why}");
        assert_eq!(rig.files(), [PLACE]);
        assert_eq!(std::fs::read_to_string(rig.file(PLACE)).unwrap(), changed);
        assert_eq!(rig.info("B-1").await.state, ServerState::BackedUp);
    }
    // The signed-off bytes come back beside it, and go their way; the other file stays.
    assert_eq!(rig.put("B-1", "a.pdf", "signed off").await.status(), StatusCode::CREATED);
    assert_eq!(rig.move_to_archived(&["B-1"]).await[0].outcome, AnswerOutcome::Done);
    let content = rig.get("/v1/bookings/B-1/timesheet").await.bytes().await.unwrap();
    assert_eq!(content, "signed off");
    assert_eq!(std::fs::read_to_string(rig.file(PLACE)).unwrap(), "signed off, and more");
}

#[tokio::test]
async fn a_large_file_that_was_only_touched_is_moved_and_one_that_was_changed_is_not() {
    let body = vec![7; 3 << 20];
    let rig = marked(&body).await;
    let times = std::fs::File::options().write(true).open(rig.file(PLACE)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    let before = times.metadata().unwrap().modified().unwrap();
    std::os::unix::fs::FileExt::write_at(&times, b"x", 1 << 20).unwrap();
    times.set_modified(before).unwrap();
    is_changed(&rig.move_to_archived(&["B-1"]).await[0]);
    std::os::unix::fs::FileExt::write_at(&times, &[7], 1 << 20).unwrap();
    times.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let moved = rig.move_to_archived(&["B-1"]).await.remove(0);
    assert_eq!((moved.outcome, moved.path.as_deref()), (AnswerOutcome::Done, Some(ARCHIVED)));
}

#[tokio::test]
async fn what_stands_in_a_files_place_is_not_moved() {
    let rig = marked(b"signed off").await;
    // Not even a link to the same bytes.
    std::fs::rename(rig.file(PLACE), rig.file("aside")).unwrap();
    std::os::unix::fs::symlink(rig.file("aside"), rig.file(PLACE)).unwrap();
    is_changed(&rig.move_to_archived(&["B-1"]).await[0]);
    std::fs::remove_file(rig.file(PLACE)).unwrap();
    std::fs::create_dir(rig.file(PLACE)).unwrap();
    is_changed(&rig.move_to_archived(&["B-1"]).await[0]);
    std::fs::remove_dir(rig.file(PLACE)).unwrap();
    let gone = rig.move_to_archived(&["B-1"]).await.remove(0);
    assert_eq!(gone.cause, Some(RefusalCause::FileMissing), "{gone:?}");
}

#[tokio::test]
async fn a_replaced_upload_that_was_changed_is_not_deleted() {
    let rig = Rig::start().await;
    rig.post("/v1/bookings", &serde_json::json!({"id": "B-1"})).await;
    rig.put("B-1", "a.pdf", "first").await;
    std::fs::write(rig.file(PLACE), "by hand").unwrap();
    assert_eq!(rig.put("B-1", "b.pdf", "second").await.status(), StatusCode::CREATED);
    assert_eq!(rig.files(), [PLACE, "uploads/B-1/b.pdf"]);
    assert_eq!(std::fs::read_to_string(rig.file(PLACE)).unwrap(), "by hand");
    // One that nobody touched is.
    assert_eq!(rig.put("B-1", "c.pdf", "third").await.status(), StatusCode::CREATED);
    assert_eq!(rig.files(), [PLACE, "uploads/B-1/c.pdf"]);
}
