//! Reading: by position, by stream, and as a tail.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, poll};
use strongroom_eventlog::{AppendError, EventLog, LogError, POLL};
use strongroom_model::{Event, NewEvent, Position, Recorded, StageName};
use strongroom_proof::merkle::leaf_hash;
use tokio::time::timeout;

use crate::backend::{Backend, site};
use crate::sample::{self, at, booking, bookings, enumerated, life, new};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn the_stored_bytes_are_the_rendered_ones<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let events = life(1);
    let rendered: Vec<String> = events.iter().zip(0..).map(|(event, n)| event.render(&site(), Position(n))).collect();
    log.append(events).await.unwrap();
    for (stored, rendered) in log.read(Position(0), 10).await.unwrap().iter().zip(&rendered) {
        assert_eq!(stored.body, *rendered);
        assert_eq!(stored.leaf_hash, leaf_hash(rendered.as_bytes()));
        assert_eq!(stored.decode().unwrap().position, stored.position);
    }
}

pub(crate) async fn a_log_that_is_opened_again_goes_on_where_it_was<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let first = log.append(bookings(0, 3)).await.unwrap();
    let head = log.head().await.unwrap();
    log.close().await;
    let log = backend.open().await;
    assert_eq!(log.head().await.unwrap(), head);
    assert_eq!(log.append(bookings(3, 1)).await.unwrap()[0].position, Position(3));
    assert_eq!(log.pending(StageName::Fetch, Position(0), 3).await.unwrap(), first);
    assert_eq!(log.verify_against(&[head]).await.unwrap().damage, None);
}

pub(crate) async fn reading_ends_at_the_limit_and_at_the_end<B: Backend>(backend: &B) {
    let log = backend.open().await;
    assert!(log.read(Position(0), 10).await.unwrap().is_empty());
    log.append(bookings(0, 10)).await.unwrap();
    let places = async |from, limit| -> Vec<u64> {
        let events = log.read(Position(from), limit).await.unwrap();
        events.iter().map(|event| event.position.0).collect()
    };
    assert_eq!(places(2, 3).await, [2, 3, 4]);
    assert_eq!(places(8, usize::MAX).await, [8, 9]);
    assert!(places(10, 5).await.is_empty());
    assert!(places(u64::MAX, 5).await.is_empty());
    assert!(places(0, 0).await.is_empty());
}

/// Appends the bookings, one an append, retried by nobody: each must go through.
async fn write(log: EventLog, first: u64, count: u64) -> Vec<u64> {
    let answers = join_all((first..first + count).map(|n| log.append(bookings(n, 1)))).await;
    answers.into_iter().map(|answer| answer.unwrap()[0].position.0).collect()
}

pub(crate) async fn r4_many_writers_leave_no_gap<B: Backend>(backend: &B) {
    let mut tasks = Vec::new();
    for writer in 0..4 {
        let log = backend.open().await;
        for task in 0..4 {
            tasks.push(tokio::spawn(write(log.clone(), writer * 1000 + task * 100, 25)));
        }
    }
    let mut places = Vec::new();
    for task in tasks {
        places.extend(task.await.unwrap());
    }
    places.sort_unstable();
    assert_eq!(places, (0..400).collect::<Vec<u64>>());
    let log = backend.open().await;
    assert_eq!(log.read(Position(0), 1000).await.unwrap().len(), 400);
    assert_eq!(log.verify().await.unwrap().damage, None);
}

pub(crate) async fn r4_a_tail_under_load_skips_nothing<B: Backend>(backend: &B) {
    let (ours, others, reader) = (backend.open().await, backend.open().await, backend.open_read_only().await);
    let tails = [ours.clone(), others.clone(), reader].map(|log| {
        tokio::spawn(async move {
            let events = log.tail(Position(0)).take(600).map(|event| event.unwrap()).collect::<Vec<_>>();
            timeout(PATIENCE, events).await.unwrap()
        })
    });
    for round in 0..6 {
        tokio::join!(write(ours.clone(), round * 100, 50), write(others.clone(), round * 100 + 50, 50));
    }
    for tail in tails {
        let events = tail.await.unwrap();
        assert!(events.iter().zip(0..).all(|(event, n)| event.position == Position(n)));
        let streams: HashSet<_> = events.iter().map(|event| event.decode().unwrap().stream).collect();
        assert_eq!(streams, (0..600).map(booking).collect());
    }
}

pub(crate) async fn a_tail_sees_what_another_process_appends<B: Backend>(backend: &B) {
    let (ours, others) = (backend.open().await, backend.open().await);
    let mut tail = Box::pin(ours.tail(Position(1)));
    assert!(poll!(tail.next()).is_pending());
    others.append(bookings(0, 2)).await.unwrap();
    let stored = timeout(PATIENCE, tail.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(stored.position, Position(1));
    // Our own appends notify, sooner than polling.
    ours.append(bookings(2, 1)).await.unwrap();
    let next = timeout(PATIENCE, tail.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(next.position, Position(2));
}

pub(crate) async fn a_reader_waits_for_a_position<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let mut appended = log.appended();
    assert!(timeout(POLL * 2, log.wait_for(Position(0))).await.is_err());
    log.append(bookings(0, 2)).await.unwrap();
    timeout(PATIENCE, log.wait_for(Position(1))).await.unwrap().unwrap();
    assert!(appended.has_changed().unwrap());
    assert_eq!(*appended.borrow_and_update(), 2);
}

pub(crate) async fn a_clock_set_back_does_not_matter<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let backwards = |n: u64| NewEvent { time: at(-1000 * n as i64), ..new(booking(n), 0, enumerated()) };
    for n in 0..5 {
        log.append(vec![backwards(n)]).await.unwrap();
    }
    let order = |events: Vec<strongroom_model::Recorded>| events.into_iter().map(|e| e.stream).collect::<Vec<_>>();
    let expected: Vec<_> = (0..5).map(booking).collect();
    let read = log.read(Position(0), 9).await.unwrap();
    assert_eq!(order(read.iter().map(|stored| stored.decode().unwrap()).collect()), expected);
    assert_eq!(order(log.pending(StageName::Fetch, Position(0), 9).await.unwrap()), expected);
    assert_eq!(log.verify().await.unwrap().damage, None);
}

pub(crate) async fn many_streams_are_read_at_once<B: Backend>(backend: &B) {
    let log = backend.open().await;
    for n in 0..40 {
        log.append(life(n)).await.unwrap();
    }
    log.append(bookings(40, 700)).await.unwrap();
    let names: Vec<_> = (0..800).map(booking).collect();
    let streams = log.streams(&names).await.unwrap();
    let heads = log.heads(&names).await.unwrap();
    assert_eq!((streams.len(), heads.len()), (740, 740));
    for n in 0..740 {
        let events = &streams[&booking(n)];
        assert_eq!(events.len(), if n < 40 { 4 } else { 1 });
        assert_eq!(heads[&booking(n)].position, events.last().unwrap().position);
        assert_eq!(heads[&booking(n)].first_position, events[0].position);
    }
}

pub(crate) async fn a_reader_only_reads<B: Backend>(backend: &B) {
    let writer = backend.open().await;
    let reader = backend.open_read_only().await;
    writer.append(bookings(0, 1)).await.unwrap();
    assert_eq!(reader.head().await.unwrap(), writer.head().await.unwrap());
    assert!(matches!(reader.append(bookings(1, 1)).await, Err(AppendError::ReadOnly)));
    assert!(matches!(reader.rebuild_streams().await, Err(LogError::ReadOnly)));
    writer.close().await;
    let alone = backend.open_read_only().await;
    assert_eq!(alone.read(Position(0), 9).await.unwrap().len(), 1);
    assert_eq!(alone.verify().await.unwrap().damage, None);
}

pub(crate) async fn r4_a_missing_position_stops_a_reader<B: Backend>(backend: &B) {
    let log = backend.open().await;
    log.append(bookings(0, 5)).await.unwrap();
    backend.tamper("DELETE FROM event WHERE position = 2").await;
    let error = log.read(Position(0), 9).await.unwrap_err();
    assert!(matches!(error, LogError::Damaged { position: Position(2), .. }), "{error}");
    let mut tail = Box::pin(log.tail(Position(2)));
    assert!(timeout(PATIENCE, tail.next()).await.unwrap().unwrap().is_err());
    assert!(timeout(PATIENCE, tail.next()).await.unwrap().is_none());
}

/// As a later version, or another writer's mistake, leaves them: of known types, with data that makes no sense.
pub(crate) async fn r9_an_event_that_cannot_be_read_stops_nothing_but_its_own_subject<B: Backend>(backend: &B) {
    let log = backend.open().await;
    log.append(sample::bookings(0, 6)).await.unwrap();
    for n in 0..3 {
        let failed = sample::failed(StageName::Fetch, Some(sample::at(n)));
        log.append(vec![sample::new(sample::booking(n as u64), 1, Event::TimesheetFailed(failed))]).await.unwrap();
    }
    log.close().await;
    // Of the pending the first two, and of the due the first.
    let sql =
        "UPDATE event SET body = replace(replace(body, '\"filename\"', '\"imagined\"'), '\"attempt\"', '\"imagined\"')
         WHERE position IN (3, 4, 6)";
    backend.tamper(sql).await;

    let log = backend.open().await;
    let positions = |events: Vec<Recorded>| events.iter().map(|event| event.position.0).collect::<Vec<_>>();
    let later = sample::at(1000);
    for limit in [1, 2, 100] {
        let pending = log.pending(StageName::Fetch, Position(0), limit).await.unwrap();
        assert_eq!(positions(pending), [5], "{limit} at most");
        let due = log.due(StageName::Fetch, later, limit).await.unwrap();
        assert_eq!(positions(due), [7, 8][..limit.min(2)], "{limit} at most");
    }
    let all: Vec<_> = (0..6).map(sample::booking).collect();
    assert!(log.streams(&all).await.is_err_and(|error| error.is_about_one()));
    let mut readable: Vec<_> = log.readable_streams(&all).await.unwrap().into_keys().collect();
    readable.sort();
    assert_eq!(readable, [1, 2, 5].map(sample::booking));
    assert_eq!(log.readable_stream(&sample::booking(3)).await.unwrap(), []);
    let damage = log.verify().await.unwrap().damage.unwrap().to_string();
    assert!(damage.contains("position 3"), "and verifying names it: {damage}");
    log.close().await;
}
