//! Appending.

use std::task::Poll;

use futures_util::future::join_all;
use futures_util::poll;
use strongroom_eventlog::{AppendError, EventLog, LogError, MAX_APPEND_EVENTS, MAX_EVENT_BYTES};
use strongroom_model::event::{AlarmKey, AlarmKind};
use strongroom_model::{Event, Expected, NewEvent, Position, StageName, StreamName, Version};

use crate::backend::Backend;
use crate::sample::{self, booking, bookings, enumerated, failed, fetched, life, new};

async fn size(log: &EventLog) -> u64 {
    log.head().await.unwrap().size
}

pub(crate) async fn positions_are_gapless_and_versions_follow_each_stream<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let first = log.append(life(1)).await.unwrap();
    let second = log.append(bookings(2, 2)).await.unwrap();
    let places: Vec<_> = first.iter().chain(&second).map(|event| (event.position.0, event.version.0)).collect();
    assert_eq!(places, [(0, 0), (1, 1), (2, 2), (3, 3), (4, 0), (5, 0)]);
    assert_eq!(log.stream(&booking(1)).await.unwrap(), first);
    assert_eq!(size(&log).await, 6);
}

pub(crate) async fn an_append_is_stored_as_a_whole_or_not_at_all<B: Backend>(backend: &B) {
    let log = backend.open().await;
    log.append(bookings(1, 1)).await.unwrap();
    let before = log.head().await.unwrap();
    let mut events = bookings(2, 3);
    events.push(new(booking(1), 0, enumerated()));
    let error = log.append(events).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(log.head().await.unwrap(), before);
    assert!(log.stream(&booking(2)).await.unwrap().is_empty());
}

pub(crate) async fn r3_a_duplicate_append_changes_nothing<B: Backend>(backend: &B) {
    let log = backend.open().await;
    log.append(bookings(1, 1)).await.unwrap();
    log.append(vec![new(booking(1), 1, fetched(0))]).await.unwrap();
    let before = log.head().await.unwrap();
    let duplicate = log.append(vec![new(booking(1), 1, fetched(0))]).await.unwrap_err();
    match duplicate {
        AppendError::Conflict { stream, expected, actual } => {
            assert_eq!((stream, expected, actual), (booking(1), Expected::After(Version(0)), Some(Version(1))));
        }
        other => panic!("{other}"),
    }
    assert_eq!(log.head().await.unwrap(), before);
}

pub(crate) async fn a_conflicting_append_fails_alone<B: Backend>(backend: &B) {
    let log = backend.open().await;
    log.append(bookings(0, 1)).await.unwrap();
    // Every fourth expects booking 0 to be new; the others are well. Two more race for
    // one version: one of them wins.
    let appends = (0..60).map(|n| match n % 4 {
        0 => vec![new(booking(100 + n), 0, enumerated()), new(booking(0), 0, enumerated())],
        _ => bookings(100 + n, 1),
    });
    let race = (0..2).map(|_| vec![new(booking(0), 1, fetched(0))]);
    let answers = join_all(appends.chain(race).map(|events| log.append(events))).await;
    for (n, answer) in answers[..60].iter().enumerate() {
        match answer {
            Ok(recorded) => assert!(n % 4 != 0 && recorded[0].stream == booking(100 + n as u64)),
            Err(error) => assert!(n % 4 == 0 && error.is_conflict(), "{error}"),
        }
    }
    assert_eq!(answers[60..].iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(size(&log).await, 1 + 45 + 1);
    assert_eq!(log.verify().await.unwrap().damage, None);
}

pub(crate) async fn appends_of_many_callers_share_commits<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let answers = join_all((0..256).map(|n| log.append(bookings(n, 1)))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(size(&log).await, 256);
    assert!(log.commits() <= 32, "256 appends took {} commits", log.commits());
}

pub(crate) async fn a_batch_is_one_commit<B: Backend>(backend: &B) {
    let log = backend.open().await;
    log.append(bookings(0, 128)).await.unwrap();
    assert_eq!(log.commits(), 1);
}

pub(crate) async fn the_longest_list_of_a_server_goes_in_one_append<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let mut events =
        vec![new(sample::run(1), 0, sample::requested()), new(sample::run(1), 1, sample::run_enumerated())];
    events.extend(bookings(0, strongroom_model::wire::MAX_LIST.into()));
    let recorded = log.append(events).await.unwrap();
    assert_eq!((recorded.len(), recorded[1001].position), (1002, Position(1001)));
    assert_eq!(log.commits(), 1);
    assert_eq!(log.verify().await.unwrap().damage, None);
}

/// A failure whose message has that many bytes.
fn long(n: u64, bytes: usize) -> NewEvent {
    let mut failure = failed(StageName::Fetch, None);
    failure.message = "x".repeat(bytes);
    new(booking(n), 0, Event::TimesheetFailed(failure))
}

pub(crate) async fn a_group_ends_at_its_bytes_and_the_rest_follows<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let answers = join_all((0..40).map(|n| log.append(vec![long(n, 200_000)]))).await;
    assert!(answers.iter().all(Result::is_ok));
    // 8 MB cannot go in fewer groups of a little over 1 MiB.
    assert!(log.commits() >= 6, "8 MB went in {} commits", log.commits());
    assert_eq!(size(&log).await, 40);
}

pub(crate) async fn events_of_one_stream_may_follow_each_other_in_one_append<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let mut events = life(1);
    events.swap(1, 2);
    let error = log.append(events).await.unwrap_err();
    assert!(error.is_conflict(), "the order in the append counts: {error}");
    assert_eq!(log.append(life(1)).await.unwrap().last().unwrap().version, Version(3));
}

pub(crate) async fn an_id_is_stored_once<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let first = bookings(1, 1);
    let mut second = bookings(2, 2);
    second[0].id = first[0].id;
    let mut third = bookings(4, 2);
    third[1].id = third[0].id;
    log.append(first).await.unwrap();
    for twice in [second, third] {
        let duplicate = twice[0].id;
        match log.append(twice).await.unwrap_err() {
            AppendError::DuplicateId(id) => assert_eq!(id, duplicate),
            other => panic!("{other}"),
        }
    }
    assert_eq!(size(&log).await, 1);
}

pub(crate) async fn what_could_not_be_read_back_is_refused<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let other_kind = new(booking(1), 0, sample::requested());
    // A stream's name has 256 bytes at most, an alarm's subject 160 characters.
    let long_name = StreamName::alarm(&AlarmKey::new(AlarmKind::DriveFull, "ü".repeat(160)));
    let nameless = new(long_name, 0, sample::raised());
    for event in [other_kind, nameless] {
        let error = log.append(vec![event]).await.unwrap_err();
        assert!(matches!(error, AppendError::Unusable { .. }), "{error}");
    }
    log.append(bookings(1, 1)).await.unwrap();
    assert_eq!(size(&log).await, 1);
}

pub(crate) async fn what_is_too_large_is_refused<B: Backend>(backend: &B) {
    let log = backend.open().await;
    for events in [bookings(0, MAX_APPEND_EVENTS as u64 + 1), vec![long(1, MAX_EVENT_BYTES)]] {
        let error = log.append(events).await.unwrap_err();
        assert!(matches!(error, AppendError::TooLarge { .. }), "{error}");
    }
    assert_eq!(size(&log).await, 0);
}

pub(crate) async fn callers_that_go_away_break_nothing<B: Backend>(backend: &B) {
    let log = backend.open().await;
    for n in 0..200 {
        // Submitted, and usually not waited for; sometimes not even submitted.
        let mut append = Box::pin(log.append(bookings(n, 1)));
        if n % 7 != 0 {
            let _ = poll!(&mut append);
        }
        // A reader that goes away in the middle, too.
        let mut read = Box::pin(log.read(Position(0), 10));
        let _ = poll!(&mut read);
        if n % 20 == 0 {
            tokio::task::yield_now().await;
        }
    }
    log.append(bookings(1000, 1)).await.unwrap();
    let handed_over = (0..200).filter(|n| n % 7 != 0).count() as u64;
    assert_eq!(size(&log).await, handed_over + 1);
    assert_eq!(log.verify().await.unwrap().damage, None);
}

pub(crate) async fn a_closed_log_refuses_and_has_answered_before<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let mut handed_over = Box::pin(log.append(bookings(1, 1)));
    // On a busy machine it may be answered before it is asked once more.
    let early = poll!(&mut handed_over);
    log.close().await;
    let answer = if let Poll::Ready(answer) = early { answer } else { handed_over.await };
    assert_eq!(answer.unwrap().len(), 1);
    let error = log.append(bookings(2, 1)).await.unwrap_err();
    assert!(matches!(error, AppendError::Closed), "{error}");
    assert!(matches!(log.head().await, Err(LogError::Closed)));
    assert_eq!(size(&backend.open().await).await, 1);
}

pub(crate) async fn an_append_of_nothing_is_no_commit<B: Backend>(backend: &B) {
    let log = backend.open().await;
    assert!(log.append(Vec::new()).await.unwrap().is_empty());
    assert_eq!((log.commits(), size(&log).await), (0, 0));
}
