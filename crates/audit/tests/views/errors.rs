//! What cannot be answered.

use strongroom_audit::{AlarmFilter, Observed, PageRequest, Safety, Status, Story, alarms, drives, runs, subjects};
use strongroom_eventlog::EventLog;
use strongroom_model::{Position, SubjectKind};
use strongroom_stage_rig::stream_of;

use crate::sample;

pub(crate) async fn a_position_after_the_end_is_named(log: &EventLog) {
    sample::fill(log).await;
    let size = log.head().await.unwrap().size;
    let page = PageRequest { as_of: Some(Position(size)), ..PageRequest::default() };
    let errors = [
        subjects(log, SubjectKind::Booking, "enumerated", &page).await.unwrap_err(),
        Story::read(log, &stream_of("B-1"), &page).await.unwrap_err(),
        runs(log, &page).await.unwrap_err(),
        alarms(log, AlarmFilter::All, &page).await.unwrap_err(),
        drives(log, &page).await.unwrap_err(),
        Status::as_of(log, Position(size)).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(
            error.to_string(),
            format!(
                "position {size} is after the end of the log of site harbour, which has {size} events from position 0 \
                 on: ask for a lower position, or for none to see the log as it is now"
            )
        );
    }
}

pub(crate) async fn an_unknown_status_is_named_with_those_that_there_are(log: &EventLog) {
    let page = PageRequest::default();
    let error = subjects(log, SubjectKind::Run, "sleeping", &page).await.unwrap_err().to_string();
    assert_eq!(error, "unknown status \"sleeping\" of a run: expected requested, enumerated, failed, needs-attention");
    let none = subjects(log, SubjectKind::Run, "failed", &page).await.unwrap();
    assert!(none.items.is_empty(), "it is known, and nothing has it");
    let error = subjects(log, SubjectKind::Drive, "ready", &page).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "unknown status \"ready\" of a drive: expected here, handed-over, retired, lost, needs-attention"
    );
}

pub(crate) async fn an_unknown_subject_is_named(log: &EventLog) {
    sample::fill(log).await;
    let error = Story::read(log, &stream_of("B-9"), &PageRequest::default()).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the log of site harbour has no event of booking/B-9: check the id, or list the subjects of its kind"
    );
    let early = PageRequest { as_of: Some(Position(0)), ..PageRequest::default() };
    let error = Story::read(log, &stream_of("B-1"), &early).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the log of site harbour has no event of booking/B-1 as of position 0: its first event is later; ask for a \
         higher position"
    );
}

pub(crate) async fn an_empty_log_has_empty_views(log: &EventLog) {
    let page = PageRequest::default();
    let found = runs(log, &page).await.unwrap();
    assert_eq!((found.as_of, found.items.len(), found.next), (None, 0, None));
    assert!(drives(log, &page).await.unwrap().items.is_empty());
    let status = Status::read(log, Observed { waiting: Some(0), ..Observed::default() }).await.unwrap();
    assert_eq!(status.safety, Safety::Safe);
    assert!(Status::as_of(log, Position(0)).await.is_err());
}
