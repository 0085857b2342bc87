//! What is known of the logs of each release, and what must hold once this version has opened one.

use std::path::PathBuf;

use serde::Deserialize;
use strongroom_eventlog::{EventLog, Stored, StreamHead};
use strongroom_model::{
    AlarmKind, BookingCounts, NewEvent, Partition, Position, SiteId, StageName, Status, StreamName, SubjectKind,
};

use crate::story::{DRIVE, alarm, at, requested, run, site, story};

/// Every release that has logs in `tests/fixtures/`.
pub(crate) const RELEASES: [&str; 1] = ["0.1.0"];

pub(crate) fn fixture(release: &str, suffix: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/release-{release}.{suffix}"))
}

/// What a release recorded of its log.
#[derive(Debug, Deserialize)]
pub(crate) struct Released {
    pub(crate) size: u64,
    pub(crate) root: String,
    pub(crate) streams: Vec<ReleasedHead>,
}

/// A stream's head.
#[derive(Debug, Deserialize)]
pub(crate) struct ReleasedHead {
    name: StreamName,
    first_position: u64,
    position: u64,
    version: u64,
    next_stage: Option<StageName>,
    due_at_us: Option<i64>,
    /// A booking's status; others' were not kept then.
    standing: Option<String>,
}

impl Released {
    pub(crate) fn of(release: &str) -> Self {
        serde_json::from_slice(&std::fs::read(fixture(release, "json")).unwrap()).unwrap()
    }
}

/// An event as any program finds it in the database: its position, bytes and leaf's hash.
pub(crate) type Raw = (i64, String, Vec<u8>);

/// The log has what was stored in it, to the byte, in its order; its projection holds what the release recorded and more; and
/// it goes on.
pub(crate) async fn goes_on(log: &EventLog, released: &Released, stored: &[Raw]) {
    assert_eq!(stored.len() as u64, released.size, "what was stored before it was opened");
    let events = log.read(Position(0), 4096).await.unwrap();
    let raw = |event: Stored| (i64::try_from(event.position.0).unwrap(), event.body, event.leaf_hash.to_vec());
    assert_eq!(events.into_iter().map(raw).collect::<Vec<_>>(), stored);
    let verified = log.verify().await.unwrap();
    assert_eq!((verified.events, verified.damage), (released.size, None));
    assert_eq!(verified.head.root_base64(), released.root);
    stands_as(log, released).await;
    log.append(vec![NewEvent { stream: run(7), ..fresh() }]).await.unwrap();
    let verified = log.verify_against(&[verified.head]).await.unwrap();
    assert_eq!((verified.events, verified.damage), (released.size + 1, None));
    assert_eq!(log.rebuild_streams().await.unwrap(), released.streams.len() as u64 + 1);
    stands_as(log, released).await;
}

/// The first event of a stream of its own.
pub(crate) fn fresh() -> NewEvent {
    let mut event = story().events.swap_remove(0);
    event.id = strongroom_model::EventId::new(at(9000));
    event.event = requested();
    event.stream = run(8);
    event
}

async fn stands_as(log: &EventLog, released: &Released) {
    let names: Vec<_> = released.streams.iter().map(|released_head| released_head.name.clone()).collect();
    let heads = log.heads(&names).await.unwrap();
    assert_eq!(heads.len(), names.len());
    for released_head in &released.streams {
        let head = &heads[&released_head.name];
        let places = (head.first_position.0, head.position.0, head.version.0);
        assert_eq!(
            places,
            (released_head.first_position, released_head.position, released_head.version),
            "{}",
            released_head.name
        );
        assert_eq!(next(head), (released_head.next_stage, released_head.due_at_us), "{}", released_head.name);
        let (status, partition) = (head.status.as_ref().map(Status::as_str), head.partition.as_ref());
        let expected = released_head.standing.as_deref().or_else(|| others_status(&released_head.name));
        assert_eq!(status, expected, "{}", released_head.name);
        // Held or not, what is to be proven is bound to its drive, and nothing else is bound.
        let waits_for_drive = released_head.next_stage == Some(StageName::Verify);
        assert_eq!(partition.map(Partition::as_str), waits_for_drive.then_some(DRIVE), "{}", released_head.name);
    }
    let bookings = BookingCounts::of(log.counts(SubjectKind::Booking).await.unwrap());
    let counted = BookingCounts {
        given_back: 1,
        enumerated: 4,
        fetched: 2,
        backed_up: 1,
        archived: 3,
        purged: 1,
        needs_attention: 2,
    };
    assert_eq!(bookings, counted);
}

/// The status of subjects for which earlier releases kept none, as in the story.
fn others_status(stream: &StreamName) -> Option<&'static str> {
    let cleared = alarm(AlarmKind::DriveMissing, "backup-1");
    match stream.kind() {
        SubjectKind::Run => Some(if *stream == run(1) { "enumerated" } else { "requested" }),
        SubjectKind::Alarm => Some(if *stream == cleared { "cleared" } else { "raised" }),
        SubjectKind::Summary => Some(if *stream == StreamName::summary(1) { "sent" } else { "composed" }),
        _ => None,
    }
}

fn next(head: &StreamHead) -> (Option<StageName>, Option<i64>) {
    let due = head.next.and_then(|next| next.not_before).map(|due| due.as_microsecond());
    (head.next.map(|next| next.stage), due)
}

pub(crate) fn sites() -> [SiteId; 2] {
    [site(), "quay".parse().unwrap()]
}
