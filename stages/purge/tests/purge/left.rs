//! Each reason to leave a file, with what cures it.

use strongroom_model::event::{PurgeRequested, ReadBack, Retried};
use strongroom_model::{Event, StageName};

use crate::site::{PURGE, Site};

#[tokio::test]
async fn r5_a_file_on_one_drive_is_left_until_it_is_copied_to_another() {
    let site = Site::new(&["B-1"]).await;
    site.agree(PURGE).await;
    let why = site.left(PURGE).await;
    assert!(why.contains("on 1 of 2 drives: copy it to another drive with `strongroom drive copy`"), "{why}");
    site.prove("B-1", site.second, ReadBack::Direct).await;
    assert_eq!(site.run(PURGE).await.purged, 1);
    site.stop().await;
}

#[tokio::test]
async fn r5_a_drive_lost_between_approval_and_run_keeps_a_file_and_its_return_is_not_enough() {
    let site = Site::copied(&["B-1"]).await;
    site.agree(PURGE).await;
    site.lose(site.second).await;
    let why = site.left(PURGE).await;
    assert!(why.contains("lost or retired with its drive: `strongroom drive copy` makes another"), "{why}");
    site.find(site.second).await;
    assert_eq!(site.good_copies("B-1").await, 1);
    let why = site.left(PURGE).await;
    assert!(
        why.contains(
            "unproven since its drive came back from being lost, or the log was restored: `strongroom drive verify`"
        ),
        "{why}"
    );
    site.prove("B-1", site.second, ReadBack::Direct).await;
    assert_eq!(site.run(PURGE).await.purged, 1);
    site.stop().await;
}

#[tokio::test]
async fn r5_a_damaged_copy_keeps_a_file_until_it_is_repaired() {
    let site = Site::copied(&["B-1"]).await;
    site.agree(PURGE).await;
    site.damage("B-1", site.rig.drive).await;
    let why = site.left(PURGE).await;
    assert!(why.contains("it is damaged: `strongroom drive repair`"), "{why}");
    site.prove("B-1", site.rig.drive, ReadBack::CacheDropped).await;
    assert_eq!(site.run(PURGE).await.purged, 1);
    site.stop().await;
}

#[tokio::test]
async fn r5_an_old_proof_keeps_a_file_until_it_is_read_back_again() {
    let site = Site::copied(&["B-1"]).await;
    site.days_pass(80);
    site.prove("B-1", site.second, ReadBack::Direct).await;
    site.days_pass(11);
    site.agree(PURGE).await;
    let why = site.left(PURGE).await;
    assert!(why.contains("proven more than 90 days ago: `strongroom drive verify`"), "{why}");
    site.prove("B-1", site.rig.drive, ReadBack::Direct).await;
    assert_eq!(site.run(PURGE).await.purged, 1);
    site.stop().await;
}

#[tokio::test]
async fn r5_a_copy_that_was_read_from_a_cache_keeps_a_file() {
    let site = Site::new(&["B-1"]).await;
    site.prove("B-1", site.second, ReadBack::Cached).await;
    site.agree(PURGE).await;
    let why = site.left(PURGE).await;
    assert!(why.contains("read back from a cache"), "{why}");
    site.prove("B-1", site.second, ReadBack::Direct).await;
    assert_eq!(site.run(PURGE).await.purged, 1);
    site.stop().await;
}

#[tokio::test]
async fn r5_after_a_restored_log_nothing_counts_until_it_is_read_again() {
    let site = Site::copied(&["B-1"]).await;
    site.agree(PURGE).await;
    site.go_on_from_a_restored_log().await;
    let why = site.left(PURGE).await;
    assert!(why.contains("proven on 0 of 2 drives") && why.contains("the log was restored"), "{why}");
    for drive in [site.rig.drive, site.second] {
        site.prove("B-1", drive, ReadBack::Direct).await;
    }
    assert_eq!(site.run(PURGE).await.purged, 1);
    site.stop().await;
}

#[tokio::test]
async fn r5_a_proof_from_the_future_keeps_a_file() {
    let site = Site::copied(&["B-1"]).await;
    let now = site.rig.clock.now();
    site.days_pass(1);
    site.prove("B-1", site.second, ReadBack::Direct).await;
    site.rig.clock.set(now);
    site.agree(PURGE).await;
    let why = site.left(PURGE).await;
    assert!(why.contains("proven at a time that has not come: set the clocks right"), "{why}");
    site.days_pass(2);
    assert_eq!(site.run(PURGE).await.purged, 1);
    site.stop().await;
}

#[tokio::test]
async fn r5_a_booking_that_needs_a_person_or_is_archived_again_is_left() {
    let site = Site::copied(&["B-1"]).await;
    site.agree(PURGE).await;
    site.rig.append("B-1", Event::TimesheetRetried(Retried { stage: StageName::Archive, reason: None })).await;
    let why = site.left(PURGE).await;
    assert!(why.contains("it is not archived, or was given back"), "{why}");
    site.stop().await;
}

#[tokio::test]
async fn r5_a_file_that_was_changed_on_the_server_is_left_by_the_servers_own_judgement() {
    let site = Site::copied(&["B-1"]).await;
    site.agree(PURGE).await;
    std::fs::write(site.file("B-1"), "B-X").unwrap();
    let why = site.left(PURGE).await;
    assert!(why.contains("the server refused: its file was changed after it was archived"), "{why}");
    std::fs::write(site.file("B-1"), "B-1").unwrap();
    assert_eq!(site.run(PURGE).await.purged, 1);
    site.stop().await;
}

#[tokio::test]
async fn r5_an_approval_that_is_too_old_deletes_nothing() {
    let site = Site::copied(&["B-1"]).await;
    site.agree(PURGE).await;
    site.days_pass(31);
    let why = site.left(PURGE).await;
    assert!(why.contains("an approval is valid for 30 days from then: propose it anew under another id"), "{why}");
    site.stop().await;
}

/// The server still has the mark of the damaged copy, and would count it with the other: two of its own two.
#[tokio::test]
async fn r5_a_site_that_asks_for_fewer_drives_than_its_server_does_not_let_a_damaged_copy_count() {
    let site = Site::copied(&["B-1"]).await;
    site.damage("B-1", site.rig.drive).await;
    site.agree(PURGE).await;
    let one = Event::PurgeRequested(PurgeRequested { drives_needed: 1 });
    site.rig.append_to(&crate::site::stream(PURGE), one).await;
    site.deliver(PURGE).await;
    let tally = site.state(PURGE).await.tally;
    assert_eq!((tally.purged, tally.left), (0, 1), "{tally:?}");
    assert!(tally.reasons[0].reason.contains("proven on 1 of 2 drives"), "{tally:?}");
    assert!(site.has_file("B-1"));
    site.stop().await;
}
