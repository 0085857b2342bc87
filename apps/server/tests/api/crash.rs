//! What a start finds after a power cut.

use strongroom_model::wire::ServerState;

use super::rig::Rig;

const PATH: &str = "uploads/B-1/a.pdf";
const ARCHIVED: &str = "archived/2026-11/uploads/B-1/a.pdf";

async fn archived() -> Rig {
    let rig = Rig::start().await;
    rig.booking("B-1", "a.pdf", b"hours").await;
    rig.mark_one("B-1").await;
    rig.move_to_archived(&["B-1"]).await;
    rig
}

#[tokio::test]
async fn a_recorded_move_that_the_disk_forgot_is_made_again() {
    let rig = archived().await;
    std::fs::rename(rig.file(ARCHIVED), rig.file(PATH)).unwrap();
    let rig = rig.restart().await;
    assert_eq!(rig.documents().reconciled().restored, ["B-1".parse().unwrap()]);
    assert_eq!(rig.files(), [ARCHIVED]);
    assert_eq!(rig.get("/v1/bookings/B-1/timesheet").await.bytes().await.unwrap(), "hours");
}

#[tokio::test]
async fn a_vanished_file_is_reported_and_stops_nothing() {
    let rig = archived().await;
    std::fs::remove_file(rig.file(ARCHIVED)).unwrap();
    // Of another size, so it is not the one.
    std::fs::write(rig.file(PATH), "something else").unwrap();
    let rig = rig.restart().await;
    let reconciled = rig.documents().reconciled().clone();
    assert_eq!(reconciled.vanished, [("B-1".parse().unwrap(), ARCHIVED.to_owned())]);
    assert_eq!(rig.info("B-1").await.state, ServerState::Archived);
    assert_eq!(rig.files(), [PATH]);
}

#[tokio::test]
async fn what_a_dead_process_left_half_written_is_deleted() {
    let rig = archived().await;
    let session = rig.file(".strongroom/sessions/0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a11");
    std::fs::create_dir_all(&session).unwrap();
    std::fs::write(session.join("0.part"), "half").unwrap();
    assert_eq!(rig.files().len(), 2);
    let rig = rig.restart().await;
    assert_eq!(rig.files(), [ARCHIVED]);
    assert!(rig.documents().reconciled().finished.is_empty());
}
