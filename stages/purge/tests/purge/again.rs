//! Delivered twice, stopped in between, overtaken.

use strongroom_model::booking::Phase;
use strongroom_model::event::{Purged, Retried};
use strongroom_model::purge::Purge;
use strongroom_model::{Event, StageName};

use crate::site::{PURGE, Site, booking, stream};

async fn purged(site: &Site, id: &str) -> Vec<Purged> {
    let history = site.rig.history(id).await;
    let purged = history.into_iter().filter_map(|one| match one.event {
        Event::TimesheetPurged(data) => Some(data),
        _ => None,
    });
    purged.collect()
}

#[tokio::test]
async fn r3_a_run_that_is_delivered_twice_changes_nothing_the_second_time() {
    let site = Site::copied(&["B-1"]).await;
    site.agree(PURGE).await;
    site.request(PURGE).await;
    let task = site.rig.task_of::<Purge>(&stream(PURGE)).await;
    site.rig.settled(&site.purger(), vec![task.clone()]).await;
    let size = site.rig.size().await;
    site.rig.settled(&site.purger(), vec![task]).await;
    assert_eq!(site.rig.size().await, size);
    assert_eq!(purged(&site, "B-1").await.len(), 1);
    site.stop().await;
}

#[tokio::test]
async fn r3_two_workers_with_the_same_run_record_each_deletion_once() {
    let site = Site::copied(&["B-1", "B-2"]).await;
    site.agree(PURGE).await;
    site.request(PURGE).await;
    let task = site.rig.task_of::<Purge>(&stream(PURGE)).await;
    let (one, other) = (site.purger(), site.purger());
    tokio::join!(site.rig.handle(&one, vec![task.clone()]), site.rig.handle(&other, vec![task]));
    // A worker that lost the race for a booking is delivered the run again.
    while site.state(PURGE).await.is_requested {
        site.deliver(PURGE).await;
    }
    for id in ["B-1", "B-2"] {
        assert_eq!(purged(&site, id).await.len(), 1, "{id}");
        assert!(!site.has_file(id));
    }
    assert_eq!(site.state(PURGE).await.tally.purged, 2);
    site.stop().await;
}

#[tokio::test]
async fn r3_a_deletion_that_was_not_recorded_is_recorded_whatever_became_of_the_copies_since() {
    let site = Site::copied(&["B-1", "B-2"]).await;
    site.agree(PURGE).await;
    let task = site.rig.task_of::<Purge>(&stream(PURGE)).await;
    // As a worker that dies between the server's answer and the log.
    site.request(PURGE).await;
    for drive in [site.rig.drive, site.second] {
        let mark = strongroom_model::wire::Mark {
            drive,
            event: strongroom_model::EventId::new(site.rig.clock.now()),
            ..site.uploads.source.booking(&booking("B-1")).await.unwrap().proofs[0].clone()
        };
        site.uploads.source.mark(&[mark]).await.unwrap();
    }
    site.uploads.source.run_purge(PURGE, &[booking("B-1")]).await.unwrap();
    assert!(!site.has_file("B-1") && task.state.approved.is_some());
    site.lose(site.second).await;
    site.deliver(PURGE).await;
    let tally = site.state(PURGE).await.tally;
    assert_eq!((tally.purged, tally.left, tally.reasons[0].booking.as_str()), (1, 1, "B-2"));
    let Some(Purged { approved_by, drives, purge, .. }) = purged(&site, "B-1").await.pop() else {
        panic!("it is not recorded")
    };
    assert_eq!((approved_by.as_deref(), purge.as_str(), drives), (Some("Bob"), PURGE, vec![site.rig.drive]));
    assert!(site.has_file("B-2"));
    site.stop().await;
}

#[tokio::test]
async fn r5_a_booking_that_was_given_back_between_approval_and_run_is_left() {
    let site = Site::copied(&["B-1"]).await;
    site.agree(PURGE).await;
    site.rig.append("B-1", Event::TimesheetRetried(Retried { stage: StageName::Enumerate, reason: None })).await;
    let why = site.left(PURGE).await;
    assert!(why.contains("it is not archived, or was given back: wait until it is archived"), "{why}");
    assert_eq!(site.rig.state("B-1").await.phase, Phase::New);
    site.stop().await;
}

#[tokio::test]
async fn r5_a_corrected_booking_needs_copies_of_its_new_content() {
    let site = Site::copied(&["B-1"]).await;
    site.agree(PURGE).await;
    // Taken again with other bytes: the copies on both drives are of the old ones.
    site.rig.append("B-1", Event::TimesheetRetried(Retried { stage: StageName::Enumerate, reason: None })).await;
    site.rig.backed_up("B-1", b"corrected").await;
    site.rig.append("B-1", strongroom_stage_rig::sample::archived("archived/2026-11/uploads/B-1/t.pdf")).await;
    let why = site.left(PURGE).await;
    assert!(why.contains("on 1 of 2 drives: copy it to another drive with `strongroom drive copy`"), "{why}");
    site.stop().await;
}
