use strongroom_model::{ByteCount, FailureKind, Status, Version};

use super::*;

const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// The log's size when a page was asked for.
const ASKED_AT: Position = Position(100);

fn offer(id: &str) -> Result<Offer, Unusable> {
    let record = Enumerated {
        filename: format!("{id}.pdf"),
        size_bytes: ByteCount(3),
        digest: DIGEST.parse().unwrap(),
        signed_off_at: "2026-11-01T08:00:00Z".parse().unwrap(),
    };
    Ok(Offer { id: id.parse().unwrap(), record })
}

fn unusable(id: Option<&str>, shown: &str) -> Result<Offer, Unusable> {
    Err(Unusable {
        id: id.map(|id| id.parse().unwrap()),
        shown: shown.to_owned(),
        kind: FailureKind::UnknownDigest,
        reason: "no such algorithm".to_owned(),
    })
}

fn page(records: Vec<Result<Offer, Unusable>>) -> Page {
    Page { waiting: records.len() as u64, records, next: None }
}

fn heads(statuses: &[(&str, BookingStatus, u64)]) -> HashMap<StreamName, StreamHead> {
    let head = |&(id, status, position): &(&str, BookingStatus, u64)| {
        let stream = StreamName::booking(&id.parse().unwrap());
        let head = StreamHead {
            stream: stream.clone(),
            first_position: Position(0),
            position: Position(position),
            version: Version(3),
            next: None,
            status: Some(Status::labelled(status.label())),
            partition: None,
        };
        (stream, head)
    };
    statuses.iter().map(head).collect()
}

fn taken(pick: &Pick) -> Vec<&str> {
    pick.taken.iter().map(|note| note.stream.id()).collect()
}

#[test]
fn the_oldest_are_taken_and_no_more_than_asked_for() {
    let mut pick = Pick::new(2);
    pick.look(page(vec![offer("B-1"), offer("B-2"), offer("B-3")]), &HashMap::new(), ASKED_AT);
    assert_eq!(taken(&pick), ["B-1", "B-2"]);
    assert_eq!((pick.listed, pick.waiting), (2, 3), "what was not looked at is not counted as looked at");
    assert!(pick.is_full());
}

#[test]
fn stuck_bookings_at_the_head_do_not_starve_the_rest() {
    let mut pick = Pick::new(2);
    let stuck: Vec<_> = (0..500).map(|n| format!("S-{n}")).collect();
    let statuses: Vec<_> = stuck.iter().map(|id| (id.as_str(), BookingStatus::NeedsAttention, 5)).collect();
    let heads = heads(&statuses);
    pick.look(page(stuck.iter().map(|id| offer(id)).collect()), &heads, ASKED_AT);
    pick.look(page(vec![offer("B-1"), offer("B-2")]), &heads, ASKED_AT);
    assert_eq!(taken(&pick), ["B-1", "B-2"]);
    assert_eq!(pick.claimed, 500);
}

#[test]
fn only_what_nobody_has_is_taken_after_the_version_it_was_seen_at() {
    let mut pick = Pick::new(10);
    let heads = heads(&[
        ("B-2", BookingStatus::Enumerated, 1),
        ("B-3", BookingStatus::Fetched, 2),
        ("B-4", BookingStatus::BackedUp, 3),
        ("B-5", BookingStatus::NeedsAttention, 4),
        ("B-6", BookingStatus::GivenBack, 5),
    ]);
    pick.look(page((1..=6).map(|n| offer(&format!("B-{n}"))).collect()), &heads, ASKED_AT);
    assert_eq!(taken(&pick), ["B-1", "B-6"]);
    assert_eq!(pick.taken[0].expected, Expected::New);
    assert_eq!(pick.taken[1].expected, Expected::After(Version(3)));
    assert_eq!(pick.claimed, 4);
}

#[test]
fn an_archived_booking_is_forgotten_only_if_it_was_archived_before_the_server_was_asked() {
    let mut pick = Pick::new(10);
    let heads = heads(&[
        ("B-1", BookingStatus::Archived, ASKED_AT.0 - 1),
        ("B-2", BookingStatus::Purged, ASKED_AT.0 - 1),
        // It was archived while the page was on its way.
        ("B-3", BookingStatus::Archived, ASKED_AT.0),
    ]);
    pick.look(page((1..=3).map(|n| offer(&format!("B-{n}"))).collect()), &heads, ASKED_AT);
    assert_eq!((pick.forgotten, pick.claimed), (2, 1));
    assert!(pick.taken.is_empty());
}

#[test]
fn a_booking_that_is_listed_twice_is_taken_once_and_shown() {
    let mut pick = Pick::new(10);
    pick.look(page(vec![offer("B-1"), offer("B-1")]), &HashMap::new(), ASKED_AT);
    pick.look(page(vec![offer("B-1"), unusable(Some("B-1"), "B-1")]), &HashMap::new(), ASKED_AT);
    assert_eq!(taken(&pick), ["B-1"]);
    assert_eq!(pick.unusable, 3);
    assert!(pick.rejected[0].reason.contains("more than once"));
    assert!(pick.noted.is_empty(), "it was taken: it has no failure");
}

#[test]
fn an_unusable_record_is_its_bookings_failure_once() {
    let mut pick = Pick::new(10);
    let heads = heads(&[("B-2", BookingStatus::NeedsAttention, 5)]);
    let records = vec![unusable(Some("B-1"), "B-1"), unusable(Some("B-2"), "B-2"), unusable(None, "../B")];
    pick.look(page(records), &heads, ASKED_AT);
    let [note] = &pick.noted[..] else { panic!("{:?}", pick.noted) };
    assert_eq!((note.stream.id(), note.expected), ("B-1", Expected::New));
    let failed = note.event.failure().unwrap();
    assert_eq!((failed.kind, failed.retry_at), (FailureKind::UnknownDigest, None));
    assert!(failed.message.contains("B-1") && failed.message.contains("no such algorithm"), "{}", failed.message);
    assert_eq!((pick.unusable, pick.claimed), (2, 1));
    assert_eq!(pick.rejected.iter().map(|one| one.booking.as_str()).collect::<Vec<_>>(), ["B-1", "../B"]);
}

#[test]
fn what_a_run_shows_and_notes_is_bounded() {
    let mut pick = Pick::new(10);
    let ids: Vec<_> = (0..1000).map(|n| format!("B-{n}")).collect();
    pick.look(page(ids.iter().map(|id| unusable(Some(id), id)).collect()), &HashMap::new(), ASKED_AT);
    assert_eq!((pick.unusable, pick.rejected.len(), pick.noted.len()), (1000, MAX_REJECTED, MAX_NOTED));
}
