use strongroom_model::event::Held;

use super::*;
use crate::run::testing::{Site, archived, backed_up, booking, enumerated, failed, fetched};

async fn after(events: Vec<Event>) -> Work {
    let site = Site::new().await;
    for event in events {
        site.happens(&booking("B-1"), event).await;
    }
    look(&site.log, site.clock.now()).await.unwrap()
}

#[tokio::test]
async fn a_booking_is_done_when_it_is_archived_or_needs_a_person() {
    assert_eq!(after(vec![]).await, Work::Settled);
    assert_eq!(after(vec![enumerated()]).await, Work::Busy);
    assert_eq!(after(vec![enumerated(), fetched()]).await, Work::Proving);
    assert_eq!(after(vec![enumerated(), fetched(), backed_up()]).await, Work::Busy);
    assert_eq!(after(vec![enumerated(), fetched(), backed_up(), archived()]).await, Work::Settled);
    assert_eq!(after(vec![enumerated(), failed(None)]).await, Work::Settled);
}

#[tokio::test]
async fn what_waits_for_a_retry_is_settled_until_it_is_due() {
    assert_eq!(after(vec![enumerated(), failed(Some("2026-11-20T23:00:30Z"))]).await, Work::Settled);
    assert_eq!(after(vec![enumerated(), failed(Some("2026-11-20T23:00:00Z"))]).await, Work::Busy);
}

#[tokio::test]
async fn what_a_worker_holds_is_under_way() {
    let held = |stage| Event::TimesheetHeld(Held { stage, until: "2026-11-20T23:20:00Z".parse().unwrap() });
    assert_eq!(after(vec![enumerated(), held(StageName::Fetch)]).await, Work::Busy);
    assert_eq!(after(vec![enumerated(), fetched(), held(StageName::Verify)]).await, Work::Proving);
}
