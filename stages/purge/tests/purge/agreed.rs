//! What an agreed purge does, and what it does not begin.

use strongroom_model::booking::Phase;
use strongroom_model::event::Purged;
use strongroom_model::wire::{PurgeApproval, PurgeProposal, PurgeRefusal, PurgeState, ServerState};
use strongroom_model::{Event, FailureKind};
use strongroom_server::token::Scope;

use crate::site::{PURGE, Site, booking};

#[tokio::test]
async fn r5_a_run_deletes_what_is_proven_on_two_drives_and_leaves_the_rest_each_recorded() {
    let site = Site::copied(&["B-1", "B-2", "B-3"]).await;
    site.damage("B-2", site.second).await;
    site.agree(PURGE).await;
    let tally = site.run(PURGE).await;
    assert_eq!((tally.purged, tally.left, tally.size_bytes.0), (2, 1, 6));
    assert_eq!(tally.reasons[0].booking, "B-2");
    assert_eq!(["B-1", "B-2", "B-3"].map(|id| site.has_file(id)), [false, true, false]);
    for (id, phase) in [("B-1", Phase::Purged), ("B-2", Phase::Archived), ("B-3", Phase::Purged)] {
        assert_eq!(site.rig.state(id).await.phase, phase, "{id}");
    }
    let Some(Event::TimesheetPurged(Purged { approved_by, drives, proofs, purge })) =
        site.rig.history("B-1").await.pop().map(|last| last.event)
    else {
        panic!("it is not recorded")
    };
    assert_eq!((approved_by.as_deref(), purge.as_str(), proofs.len()), (Some("Bob"), PURGE, 2));
    let mut expected = vec![site.rig.drive, site.second];
    expected.sort();
    assert_eq!(drives, expected);
    let info = site.uploads.source.booking(&booking("B-1")).await.unwrap();
    assert_eq!(info.state, ServerState::Purged);
    let purged = info.purged.unwrap();
    assert_eq!(
        (purged.purge.as_str(), purged.proposed_by.as_str(), purged.approved_by.as_str()),
        (PURGE, "Ann", "Bob")
    );
    assert_eq!(purged.purged_at, Some(site.rig.clock.now()));
    let mut held = purged.drives;
    held.sort();
    assert_eq!(held, expected, "which drives hold it");
    // What was left is run again, once it is cured.
    site.prove("B-2", site.second, strongroom_model::event::ReadBack::Direct).await;
    let tally = site.run(PURGE).await;
    assert_eq!((tally.purged, tally.left), (1, 0), "{tally:?}");
    assert!(!site.has_file("B-2"));
    site.stop().await;
}

#[tokio::test]
async fn a_purge_of_several_slices_deals_with_every_booking_once() {
    let ids: Vec<String> = (0..203).map(|number| format!("B-{number:03}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let site = Site::copied(&ids).await;
    site.agree(PURGE).await;
    let tally = site.run(PURGE).await;
    assert_eq!((tally.purged, tally.left, tally.size_bytes.0), (203, 0, 203 * 5));
    assert_eq!(site.rig.log.stream(&crate::site::stream(PURGE)).await.unwrap().len(), 5);
    assert!(ids.iter().all(|id| !site.has_file(id)));
    site.stop().await;
}

/// A run that ends with a failure that needs a person, and deletes nothing.
async fn fails(site: &Site) -> (FailureKind, String) {
    site.request(PURGE).await;
    site.deliver(PURGE).await;
    let state = site.state(PURGE).await;
    assert!(!state.is_requested, "{state:?}");
    assert!(site.has_file("B-1"));
    let failed = state.failure.unwrap();
    assert_eq!(failed.retry_at, None);
    (failed.kind, failed.message)
}

#[tokio::test]
async fn r5_nothing_runs_that_nobody_approved_on_the_server() {
    let site = Site::copied(&["B-1"]).await;
    site.propose(PURGE).await;
    // Only somebody with the log's rights says so.
    site.note_approval(PURGE).await;
    let (kind, why) = fails(&site).await;
    assert_eq!(kind, FailureKind::Refused);
    assert!(why.contains("nobody has approved it: another person does, with `strongroom purge approve`"), "{why}");
    site.stop().await;
}

#[tokio::test]
async fn r5_nothing_runs_that_was_refused_after_it_was_approved() {
    let site = Site::copied(&["B-1"]).await;
    site.agree(PURGE).await;
    let refusal = PurgeRefusal { refused_by: "Cem".to_owned(), reason: "too early".to_owned() };
    let refused = site.person("cem", Scope::Approve).await.refuse_purge(PURGE, &refusal).await.unwrap();
    assert_eq!(refused.state, PurgeState::Refused);
    let (kind, why) = fails(&site).await;
    assert_eq!(kind, FailureKind::Refused);
    assert!(why.contains("it was refused: propose it anew under another id"), "{why}");
    site.stop().await;
}

#[tokio::test]
async fn r5_nothing_runs_whose_bookings_are_not_those_that_the_log_says_were_proposed() {
    let site = Site::copied(&["B-1", "B-2"]).await;
    let proposal =
        PurgeProposal { purge: PURGE.to_owned(), proposed_by: "Ann".to_owned(), reason: None, ids: site.ids.clone() };
    site.person("ann", Scope::Purge).await.propose_purge(&proposal).await.unwrap();
    let approval = PurgeApproval { approved_by: "Bob".to_owned() };
    site.person("bob", Scope::Approve).await.approve_purge(PURGE, &approval).await.unwrap();
    site.note(PURGE, &["B-2".to_owned()]).await;
    site.note_approval(PURGE).await;
    let (kind, why) = fails(&site).await;
    assert_eq!(kind, FailureKind::BadAnswer);
    assert!(why.contains("the server names other bookings than were proposed"), "{why}");
    site.stop().await;
}
