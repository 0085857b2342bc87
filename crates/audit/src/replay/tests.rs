use super::*;
use crate::samples;

async fn told(log: &EventLog, query: Query) -> (Vec<Step>, Ending) {
    let mut replay = Replay::start(log, query).await.unwrap();
    let mut steps = Vec::new();
    loop {
        let page = replay.page().await.unwrap();
        if page.is_empty() {
            return (steps, replay.ending());
        }
        steps.extend(page);
    }
}

#[tokio::test]
async fn a_whole_log_is_told_event_by_event() {
    let mut events = samples::life("B-1");
    events.push(samples::enumerated("B-2"));
    let (_folder, log) = samples::log_of(events).await;
    let (steps, ending) = told(&log, Query::default()).await;
    assert_eq!(steps.len(), 5);
    assert_eq!(ending.bookings, BookingCounts { archived: 1, enumerated: 1, ..BookingCounts::default() });
    assert_eq!((ending.position, ending.illegal), (Some(Position(4)), 0));
}

#[tokio::test]
async fn as_of_a_position_shows_how_it_stood_then() {
    let (_folder, log) = samples::log_of(samples::life("B-1")).await;
    let as_of = Some(AsOf::Position(Position(1)));
    let (steps, ending) = told(&log, Query { as_of, booking: None }).await;
    assert_eq!(steps.len(), 2);
    assert_eq!(ending.bookings, BookingCounts { fetched: 1, ..BookingCounts::default() });
}

#[tokio::test]
async fn as_of_a_time_stops_before_the_first_later_event() {
    let mut events = samples::life("B-1");
    events[2].time = "2026-11-20T23:00:10Z".parse().unwrap();
    let (_folder, log) = samples::log_of(events).await;
    let as_of = Some("2026-11-20T23:00:05Z".parse().unwrap());
    let (steps, _) = told(&log, Query { as_of, booking: None }).await;
    assert_eq!(steps.len(), 2, "the fourth is earlier by its clock, but follows a later one");
}

#[tokio::test]
async fn one_booking_ends_with_its_proof() {
    let mut events = samples::life("B-1");
    events.extend(samples::life("B-2"));
    let (_folder, log) = samples::log_of(events).await;
    let booking = Some("B-2".parse().unwrap());
    let (steps, ending) = told(&log, Query { as_of: None, booking }).await;
    assert_eq!(steps.iter().map(|step| step.position.0).collect::<Vec<_>>(), [4, 5, 6, 7]);
    insta::assert_json_snapshot!(ending);
}

#[tokio::test]
async fn a_booking_that_the_log_does_not_know_has_no_state() {
    let (_folder, log) = samples::log_of(samples::life("B-1")).await;
    let booking = Some("B-9".parse().unwrap());
    let (steps, ending) = told(&log, Query { as_of: None, booking }).await;
    assert_eq!((steps, ending.booking), (Vec::new(), None));
}

#[tokio::test]
async fn an_event_that_cannot_follow_is_reported_where_it_stands() {
    let mut archived = samples::archived("B-1");
    archived.version = Version(1);
    let (_folder, log) = samples::log_of(vec![samples::enumerated("B-1"), archived]).await;
    let (steps, ending) = told(&log, Query::default()).await;
    assert_eq!(ending.illegal, 1);
    assert!(steps[1].illegal.as_ref().unwrap().contains("cannot happen to an enumerated booking"), "{steps:?}");
}

#[tokio::test]
async fn an_export_gives_the_stored_bytes_from_a_position_on() {
    let (_folder, log) = samples::log_of(samples::life("B-1")).await;
    let mut export = crate::Export::start(&log, Position(2)).await.unwrap();
    let page = export.page().await.unwrap();
    assert_eq!(page, log.read(Position(2), 10).await.unwrap());
    assert!(export.page().await.unwrap().is_empty());
}
