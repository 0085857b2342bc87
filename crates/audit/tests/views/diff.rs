//! What changed between two moments.

use std::collections::BTreeMap;

use strongroom_audit::{AsOf, Change, ChangeKind, Diff, PageRequest, Story, ViewError, bookings};
use strongroom_eventlog::EventLog;
use strongroom_model::{Position, Recorded, Status, StreamName, SubjectKind, status_after};

use crate::sample;

type Known = BTreeMap<StreamName, (Option<Status>, u64)>;

/// The status and the number of events of each subject after these.
fn known(events: &[Recorded]) -> Known {
    let mut known = Known::new();
    for recorded in events {
        let (status, events) = known.entry(recorded.stream.clone()).or_default();
        *status = status_after(status.as_ref(), &recorded.event);
        *events += 1;
    }
    known
}

/// A change: its subject, its kind, the status before and after, and how many events.
type Row = (StreamName, ChangeKind, Option<String>, Option<String>, u64);

/// The same as a difference of two whole folds.
fn expected(before: &Known, after: &Known) -> Vec<Row> {
    let mut changes = Vec::new();
    for (stream, (status, events)) in after {
        let (old, seen) = before.get(stream).cloned().unwrap_or_default();
        let kind = match (seen, old == *status) {
            (0, _) => ChangeKind::New,
            (_, false) => ChangeKind::Status,
            (_, true) => ChangeKind::Events,
        };
        if *events > seen {
            let label = |status: &Option<Status>| status.as_ref().map(ToString::to_string);
            changes.push((stream.clone(), kind, label(&old), label(status), events - seen));
        }
    }
    changes
}

async fn events(log: &EventLog) -> Vec<Recorded> {
    log.read(Position(0), 1000).await.unwrap().iter().map(|stored| stored.decode().unwrap()).collect()
}

fn plain(mut items: Vec<Change>) -> Vec<Row> {
    items.sort_by(|a, b| a.subject.cmp(&b.subject));
    items.into_iter().map(|one| (one.subject, one.change, one.before, one.after, one.events)).collect()
}

pub(crate) async fn a_diff_is_the_difference_of_two_folds(log: &EventLog) {
    sample::fill(log).await;
    let events = events(log).await;
    for to in 0..=events.len() {
        for from in 0..=to {
            let diff = Diff::read(log, from as u64, to as u64, &PageRequest::default()).await.unwrap();
            let counted: u64 = diff.counts.iter().map(|count| count.subjects).sum();
            assert_eq!((counted, diff.next), (diff.items.len() as u64, None));
            let expected = expected(&known(&events[..from]), &known(&events[..to]));
            assert_eq!(plain(diff.items), expected, "from {from} to {to}");
        }
    }
}

pub(crate) async fn a_diff_is_read_in_pages(log: &EventLog) {
    sample::fill(log).await;
    let size = log.head().await.unwrap().size;
    let whole = Diff::read(log, 3, size, &PageRequest::default()).await.unwrap();
    assert!(whole.items.len() > 4 && whole.items.is_sorted_by_key(|one| (one.subject.kind(), one.position)));
    let (mut items, mut page) = (Vec::new(), PageRequest { limit: 2, ..PageRequest::default() });
    loop {
        let diff = Diff::read(log, 3, size, &page).await.unwrap();
        assert_eq!(diff.counts, whole.counts, "each page counts them all");
        items.extend(diff.items);
        match diff.next {
            Some(_) => page.after = diff.next,
            None => break,
        }
    }
    assert_eq!(items, whole.items);
}

pub(crate) async fn a_time_is_the_position_before_the_first_later_event(log: &EventLog) {
    sample::fill(log).await;
    let events = events(log).await;
    let at = |time| AsOf::Time(time);
    for (n, event) in events.iter().enumerate() {
        assert_eq!(at(event.time).position(log).await.unwrap(), Position(n as u64));
        let before = event.time - jiff::SignedDuration::from_micros(1);
        assert_eq!(at(before).size(log).await.unwrap(), n as u64);
    }
    let early = at("2026-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(early.size(log).await.unwrap(), 0);
    assert!(matches!(early.position(log).await, Err(ViewError::BeforeStart { .. })));
    let late = at("2030-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(late.size(log).await.unwrap(), events.len() as u64);
    let beyond = AsOf::Position(Position(events.len() as u64));
    assert!(matches!(beyond.size(log).await, Err(ViewError::AfterEnd { .. })));
}

pub(crate) async fn each_booking_is_listed_as_its_story_ends(log: &EventLog) {
    sample::fill(log).await;
    let size = log.head().await.unwrap().size;
    for last in (0..size).map(Position) {
        let mut page = PageRequest { as_of: Some(last), after: None, limit: 2 };
        let mut listed = Vec::new();
        loop {
            let found = bookings(log, &page).await.unwrap();
            listed.extend(found.items);
            match found.next {
                Some(_) => page.after = found.next,
                None => break,
            }
        }
        let mut stories = Vec::new();
        for (stream, _) in known(&events(log).await) {
            let whole = PageRequest { as_of: Some(last), ..PageRequest::default() };
            if stream.kind() == SubjectKind::Booking
                && let Ok(story) = Story::read(log, &stream, &whole).await
            {
                stories.push((story.events[0].position, story.booking.unwrap()));
            }
        }
        stories.sort_by_key(|(position, _)| *position);
        let listed: Vec<_> = listed.into_iter().map(|one| (one.position, one.state)).collect();
        assert_eq!(listed, stories, "as of {last}");
    }
}
