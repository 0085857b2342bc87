use strongroom_proof::Head;

use super::*;
use crate::samples;

#[tokio::test]
async fn a_log_as_the_stages_write_it_is_well() {
    let (_folder, log) = samples::log_of(samples::life("B-1")).await;
    let report = verify(&log, &[]).await.unwrap();
    assert!(report.ok, "{report:?}");
    assert_eq!((report.size, report.events), (4, 4));
    assert_eq!(report.root, log.head().await.unwrap().root_base64());
    assert_eq!(report.bookings, Some(BookingCounts { archived: 1, ..BookingCounts::default() }));
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
    let known = |head: Head, to: &str| KnownRoot { head, known_to: to.to_owned() };
    let report = verify(&log, &[known(head, "a mail")]).await.unwrap();
    assert!(report.ok && report.roots == 1, "{report:?}");
    for other in [Head { root: [0; 32], ..head }, Head { size: 9, ..head }] {
        let report = verify(&log, &[known(other, "the drive at /mnt/blue")]).await.unwrap();
        assert!(!report.ok, "{report:?}");
        let reason = report.first_bad.unwrap().reason;
        assert!(reason.ends_with("(the drive at /mnt/blue has it)"), "{reason}");
    }
}

#[tokio::test]
async fn r4_a_log_is_held_to_the_roots_in_its_own_summaries_and_what_differs_is_where_they_say() {
    let life = samples::life("B-1");
    let (_folder, log) = samples::log_of(life[..2].to_vec()).await;
    samples::append(&log, samples::composed(1, 0, log.head().await.unwrap())).await;
    assert!(verify(&log, &[]).await.unwrap().ok);
    samples::append(&log, life[2].clone()).await;
    samples::append(&log, samples::composed(2, 2, Head { size: 4, root: [7; 32] })).await;
    let report = verify(&log, &[]).await.unwrap();
    assert_eq!(report.roots, 2);
    let bad = report.first_bad.unwrap();
    assert_eq!(bad.position, Position(2), "what the first summary covers is as it was");
    assert!(
        bad.reason.contains("from here to before 4") && bad.reason.ends_with("(summary 2 has it)"),
        "{}",
        bad.reason
    );
}
