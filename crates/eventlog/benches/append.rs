//! Appending and reading, in events a second: `cargo bench -p strongroom-eventlog`.
//!
//! What grouping gains is the ratio between the lines, which depends on the disk's sync
//! far more than on the processor.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first error")]

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use strongroom_eventlog::EventLog;
use strongroom_model::event::Enumerated;
use strongroom_model::{
    Algorithm, ByteCount, Digest, Event, EventId, Expected, NewEvent, Position, StageName, StreamName,
};

/// How long each line is measured.
const EACH: Duration = Duration::from_secs(3);

fn event(n: u64) -> NewEvent {
    let now = "2026-11-20T23:00:00Z".parse().unwrap();
    NewEvent {
        id: EventId::new(now),
        stream: StreamName::booking(&format!("B-{n}").parse().unwrap()),
        expected: Expected::New,
        time: now,
        actor: "enumerate@backup-1".parse().unwrap(),
        cause: None,
        run: None,
        event: Event::TimesheetEnumerated(Enumerated {
            filename: format!("timesheet {n}.pdf"),
            size_bytes: ByteCount(14_541),
            digest: Digest::of(Algorithm::Sha256, b"a timesheet"),
            signed_off_at: now,
        }),
    }
}

/// So many callers, each with one append after the other of so many events.
async fn append(callers: u64, batch: u64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let log = EventLog::open_sqlite(&folder.path().join("log.db"), &"bench".parse().unwrap()).await.unwrap();
    let begin = Instant::now();
    let caller = async |caller: u64| {
        let mut n = caller << 32;
        while begin.elapsed() < EACH {
            log.append((n..n + batch).map(event).collect()).await.unwrap();
            n += batch;
        }
    };
    join_all((0..callers).map(caller)).await;
    let events = log.head().await.unwrap().size;
    let rate = events as f64 / begin.elapsed().as_secs_f64();
    println!(
        "{callers:>4} callers, {batch:>3} events an append: {rate:>8.0} events/s, {:>6.1} events a commit",
        events as f64 / log.commits() as f64
    );
    rate
}

async fn read() {
    let folder = tempfile::tempdir().unwrap();
    let log = EventLog::open_sqlite(&folder.path().join("log.db"), &"bench".parse().unwrap()).await.unwrap();
    const EVENTS: u64 = 50_000;
    for first in (0..EVENTS).step_by(1000) {
        log.append((first..first + 1000).map(event).collect()).await.unwrap();
    }
    let names: Vec<StreamName> = (0..128).map(|n| event(n * 300).stream).collect();
    let timed = |what: &str, begin: Instant| println!("{what}: {:.2} ms", begin.elapsed().as_secs_f64() * 1000.0);
    for _ in 0..2 {
        let begin = Instant::now();
        assert_eq!(log.streams(&names).await.unwrap().len(), 128);
        timed("128 streams of 50,000", begin);
        let begin = Instant::now();
        assert_eq!(log.pending(StageName::Fetch, Position(25_000), 128).await.unwrap().len(), 128);
        timed("128 pending of 50,000", begin);
        let begin = Instant::now();
        assert_eq!(log.counts().await.unwrap().enumerated, EVENTS);
        timed("counts of 50,000", begin);
        let begin = Instant::now();
        assert_eq!(log.verify().await.unwrap().damage, None);
        timed("verify 50,000", begin);
        let begin = Instant::now();
        assert_eq!(log.rebuild_streams().await.unwrap(), EVENTS);
        timed("make the projection of 50,000 again", begin);
    }
}

#[tokio::main]
async fn main() {
    let one = append(1, 1).await;
    let many = append(256, 1).await;
    let batch = append(1, 128).await;
    println!("256 callers to 1: {:.1}; batches of 128 to single events: {:.1}", many / one, batch / one);
    read().await;
}
