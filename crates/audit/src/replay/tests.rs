use strongroom_model::Version;

use super::*;
use crate::{AsOf, samples};

async fn replayed(log: &EventLog, size: Option<u64>) -> (Vec<EventEntry>, ReplayTotals) {
    let mut replay = Replay::start(log, size);
    let mut entries = Vec::new();
    loop {
        let page = replay.page().await.unwrap();
        if page.is_empty() {
            return (entries, replay.totals());
        }
        entries.extend(page);
    }
}

#[tokio::test]
async fn a_whole_log_is_told_event_by_event() {
    let mut events = samples::life("B-1");
    events.push(samples::enumerated("B-2"));
    let (_folder, log) = samples::log_of(events).await;
    let (entries, totals) = replayed(&log, None).await;
    assert_eq!(entries.len(), 5);
    assert_eq!(totals.bookings, BookingCounts { archived: 1, enumerated: 1, ..BookingCounts::default() });
    assert_eq!((totals.position, totals.illegal), (Some(Position(4)), 0));
}

#[tokio::test]
async fn as_of_a_position_shows_how_it_stood_then() {
    let (_folder, log) = samples::log_of(samples::life("B-1")).await;
    let size = AsOf::Position(Position(1)).size(&log).await.unwrap();
    let (entries, totals) = replayed(&log, Some(size)).await;
    assert_eq!(entries.len(), 2);
    assert_eq!(totals.bookings, BookingCounts { fetched: 1, ..BookingCounts::default() });
}

#[tokio::test]
async fn as_of_a_time_stops_before_the_first_later_event() {
    let mut events = samples::life("B-1");
    events[2].time = "2026-11-20T23:00:10Z".parse().unwrap();
    let (_folder, log) = samples::log_of(events).await;
    let as_of: AsOf = "2026-11-20T23:00:05Z".parse().unwrap();
    let (entries, _) = replayed(&log, Some(as_of.size(&log).await.unwrap())).await;
    assert_eq!(entries.len(), 2, "the fourth is earlier by its clock, but follows a later one");
}

#[tokio::test]
async fn an_event_that_cannot_follow_is_reported_where_it_stands() {
    let mut archived = samples::archived("B-1");
    archived.version = Version(1);
    let (_folder, log) = samples::log_of(vec![samples::enumerated("B-1"), archived]).await;
    let (entries, totals) = replayed(&log, None).await;
    assert_eq!(totals.illegal, 1);
    assert!(entries[1].illegal.as_ref().unwrap().contains("cannot happen to an enumerated booking"), "{entries:?}");
}

#[tokio::test]
async fn an_export_gives_the_stored_bytes_from_a_position_on() {
    let (_folder, log) = samples::log_of(samples::life("B-1")).await;
    let mut export = crate::Export::start(&log, Position(2)).await.unwrap();
    let page = export.page().await.unwrap();
    assert_eq!(page, log.read(Position(2), 10).await.unwrap());
    assert!(export.page().await.unwrap().is_empty());
}
