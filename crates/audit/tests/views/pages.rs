//! Walks through the pages.

use strongroom_audit::{
    AlarmFilter, MAX_PAGE, Page, PageCursor, PageRequest, Story, ViewError, alarms, drives, runs, subjects,
};
use strongroom_eventlog::EventLog;
use strongroom_model::event::{AlarmKey, DriveInitialised};
use strongroom_model::{AlarmKind, DriveId, Event, Position, StreamName, SubjectKind};
use strongroom_stage_rig::{sample as rig_sample, stream_of};

use crate::sample;

async fn walk<T: PartialEq + std::fmt::Debug>(
    limit: usize,
    as_of: Option<Position>,
    page: impl AsyncFn(PageRequest) -> Result<Page<T>, ViewError>,
) -> Vec<T> {
    let mut all = Vec::new();
    let mut after: Option<PageCursor> = None;
    loop {
        let page = page(PageRequest { as_of, after, limit }).await.unwrap();
        assert!(page.items.len() <= limit);
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

/// Several of each kind, of which every second alarm is over.
async fn many(log: &EventLog) {
    sample::fill(log).await;
    for n in 3..10_u8 {
        let time = usize::from(n) * 10;
        sample::append(log, time, &sample::run(n), sample::requested()).await;
        let booking = stream_of(&format!("B-{n}"));
        sample::append(log, time, &booking, rig_sample::enumerated("x", 1, rig_sample::sha256(b"x"))).await;
        let alarm = StreamName::alarm(&AlarmKey::new(AlarmKind::DriveFull, n));
        sample::append(log, time, &alarm, sample::raised()).await;
        if n % 2 == 0 {
            sample::append(log, time, &alarm, sample::cleared()).await;
        }
        let label = Event::DriveInitialised(DriveInitialised { label: format!("blue {n}") });
        sample::append(log, time, &StreamName::drive(DriveId::random()), label).await;
    }
}

pub(crate) async fn a_walk_through_the_pages_is_the_whole(log: &EventLog) {
    many(log).await;
    let size = log.head().await.unwrap().size;
    for as_of in [None, Some(Position(size - 1)), Some(Position(size / 2))] {
        for limit in [1, 2, 3] {
            let of = async |page: PageRequest| subjects(log, SubjectKind::Booking, "enumerated", &page).await;
            assert_eq!(walk(limit, as_of, of).await, walk(MAX_PAGE, as_of, of).await);
            let of = async |page: PageRequest| runs(log, &page).await;
            assert_eq!(walk(limit, as_of, of).await, walk(MAX_PAGE, as_of, of).await);
            let of = async |page: PageRequest| drives(log, &page).await;
            assert_eq!(walk(limit, as_of, of).await, walk(MAX_PAGE, as_of, of).await);
            for filter in [AlarmFilter::All, AlarmFilter::Raised, AlarmFilter::Cleared] {
                let of = async |page: PageRequest| alarms(log, filter, &page).await;
                assert_eq!(walk(limit, as_of, of).await, walk(MAX_PAGE, as_of, of).await);
            }
        }
    }
    let all = walk(MAX_PAGE, None, async |page| runs(log, &page).await).await;
    assert!(all.len() == 9 && all.is_sorted_by(|a, b| a.position > b.position), "the newest comes first");
    let bookings = walk(2, None, async |page| subjects(log, SubjectKind::Booking, "enumerated", &page).await).await;
    assert!(bookings.len() == 7 && bookings.is_sorted_by_key(|one| one.position));
}

pub(crate) async fn r4_nothing_is_skipped_when_events_are_appended_between_pages(log: &EventLog) {
    many(log).await;
    let before =
        walk(MAX_PAGE, None, async |page| subjects(log, SubjectKind::Booking, "enumerated", &page).await).await;
    let runs_before = walk(MAX_PAGE, None, async |page| runs(log, &page).await).await;
    let (mut seen, mut runs_seen) = (Vec::new(), Vec::new());
    let (mut after, mut runs_after) = (None, None);
    for n in 0..20_usize {
        let page = PageRequest { as_of: None, after, limit: 2 };
        let found = subjects(log, SubjectKind::Booking, "enumerated", &page).await.unwrap();
        seen.extend(found.items.into_iter().map(|one| one.subject));
        let page = PageRequest { as_of: None, after: runs_after, limit: 2 };
        let found_runs = runs(log, &page).await.unwrap();
        runs_seen.extend(found_runs.items.into_iter().map(|one| one.id));
        // One that comes later is moved behind the end, and a new one begins.
        if n == 0 {
            let held = strongroom_model::event::Held {
                stage: strongroom_model::StageName::Fetch,
                until: "2026-11-20T23:40:00Z".parse().unwrap(),
            };
            sample::append(log, 900, &stream_of("B-7"), Event::TimesheetHeld(held)).await;
        }
        sample::append(log, 900 + n, &sample::run(u8::try_from(100 + n).unwrap()), sample::requested()).await;
        (after, runs_after) = (found.next, found_runs.next.or(runs_after));
        if found.next.is_none() && found_runs.next.is_none() {
            break;
        }
    }
    assert!(before.iter().all(|one| seen.contains(&one.subject)), "{seen:?}");
    let shown: Vec<_> = runs_before.iter().map(|run| run.id).collect();
    assert_eq!(runs_seen[..shown.len()], shown, "what is new lies before the first page");
}

pub(crate) async fn a_long_stream_is_paged_too(log: &EventLog) {
    for n in 0..1100 {
        let event = if n % 2 == 0 { sample::raised() } else { sample::cleared() };
        sample::append_next(log, n, &sample::alarm(), event).await;
    }
    let mut events = Vec::new();
    let mut request = PageRequest { limit: MAX_PAGE, ..PageRequest::default() };
    loop {
        let story = Story::read(log, &sample::alarm(), &request).await.unwrap();
        assert_eq!((story.total, story.illegal, story.status.as_deref()), (1100, 0, Some("cleared")));
        events.extend(story.events.into_iter().map(|entry| entry.position.0));
        match story.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    assert_eq!(events, (0..1100).collect::<Vec<_>>());
    let early = PageRequest { as_of: Some(Position(600)), ..PageRequest::default() };
    let page = alarms(log, AlarmFilter::All, &early).await.unwrap();
    assert_eq!((page.items[0].position, &page.items[0].cleared), (Position(600), &None));
}
