use super::*;
use crate::samples;

#[tokio::test]
async fn a_log_as_the_stages_write_it_is_well() {
    let (_folder, log) = samples::log_of(samples::life("B-1")).await;
    let report = verify(&log, &[]).await.unwrap();
    assert!(report.ok, "{report:?}");
    assert_eq!((report.size, report.events), (4, 4));
    assert_eq!(report.root, log.head().await.unwrap().root_base64());
    assert_eq!(report.bookings, Some(Standings { archived: 1, ..Standings::default() }));
}

#[tokio::test]
async fn an_empty_log_is_well() {
    let (_folder, log) = samples::log_of(Vec::new()).await;
    assert!(verify(&log, &[]).await.unwrap().ok);
}

#[tokio::test]
async fn a_life_that_no_stage_could_write_is_named_by_its_position() {
    let mut archived = samples::archived("B-2");
    archived.version = strongroom_model::Version(1);
    let mut events = samples::life("B-1");
    events.extend([samples::enumerated("B-2"), archived]);
    let (_folder, log) = samples::log_of(events).await;
    let report = verify(&log, &[]).await.unwrap();
    assert!(!report.ok && report.first_bad.is_none(), "{report:?}");
    assert_eq!(report.illegal_events[0].position, Position(5));
}

#[tokio::test]
async fn a_log_is_held_to_the_roots_that_were_written_down() {
    let (_folder, log) = samples::log_of(samples::life("B-1")).await;
    let head = log.head().await.unwrap();
    assert!(verify(&log, &[head]).await.unwrap().ok);
    for other in [strongroom_eventlog::Head { root: [0; 32], ..head }, strongroom_eventlog::Head { size: 9, ..head }] {
        let report = verify(&log, &[head, other]).await.unwrap();
        assert!(!report.ok && report.first_bad.is_some(), "{report:?}");
    }
}
