//! Appending and reading, in events a second: `cargo bench -p strongroom-eventlog`, or
//! only what is named: `… -- sqlite`, `postgres`, `processes`, `wake`, `read`.
//!
//! What grouping gains is the ratio between the lines, which depends on the disk's sync
//! far more than on the processor. Postgres runs on the same machine, syncs, and shares
//! the processors.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first error")]

mod bare;
mod cpu;
mod load;
mod place;

use std::process::{Command, Stdio};
use std::time::Instant;

use strongroom_eventlog::EventLog;
use strongroom_model::{Position, StageName, Status, StreamName, SubjectKind};
use strongroom_servers::target::{self, Asked};

use crate::load::{EACH, Load, event, micros};
use crate::place::Place;

/// The order to a process of `processes`: where the log is, and which of them it is.
const CHILD: &str = "BENCH_CHILD";

async fn line(place: &Place, name: &str, load: Load) -> f64 {
    let log = place.open().await;
    let used = place.cpu();
    let done = load.run(&log).await;
    let database = micros(place.cpu() - used, done.events);
    println!("{name:<9} {load}: {done}, {:.1} + {database:.1} µs CPU an event", done.cpu_an_event());
    log.close().await;
    done.rate
}

async fn grouping(place: &Place, name: &str) -> f64 {
    let one = line(place, name, Load { callers: 1, batch: 1, first: 0 }).await;
    let many = line(place, name, Load { callers: 256, batch: 1, first: 1 }).await;
    let batch = line(place, name, Load { callers: 1, batch: 128, first: 2 }).await;
    println!("{name:<9} 256 callers to 1: {:.1}; batches of 128 to single events: {:.1}", many / one, batch / one);
    many
}

/// What is asked for of one process with 256 callers, and of four with 64 each, in events a second.
const TARGET_ONE: f64 = 50_000.0;
const TARGET_FOUR: f64 = 30_000.0;
/// How much of the rate must be left where other processes are notified of commits.
const TARGET_NOTIFYING: f64 = 0.95;

/// Against what the same server does at least.
async fn against_bare(place: &Place, rate: f64) {
    let Place::Postgres { url, .. } = place else { return };
    let bare = bare::rate(url).await;
    println!("postgres  bare rows, 256 a commit: {bare:.0} events/s; 256 callers to that: {:.2}", rate / bare);
    target::line("appends, one process with 256 callers", rate, "events/s", Asked::AtLeast(TARGET_ONE));
}

/// Four processes on one site, 64 callers each, against one with 256.
async fn processes(place: &Place) {
    let Place::Postgres { url, .. } = place else { return };
    let alone = line(place, "postgres", Load { callers: 256, batch: 1, first: 10 }).await;
    let before = place.open().await.head().await.unwrap().size;
    let used = place.cpu();
    let child = |n: u64| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(CHILD, format!("{url} {n}")).stdout(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(|n| child(20 + n)).collect();
    let outputs =
        children.into_iter().map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap());
    let numbers: Vec<f64> = outputs
        .flat_map(|outputs| outputs.split_whitespace().map(|n| n.parse().unwrap()).collect::<Vec<_>>())
        .collect();
    let shares: Vec<f64> = numbers.iter().copied().step_by(2).collect();
    let together: f64 = shares.iter().sum();
    let ours = numbers.chunks(2).map(|child| child[0] * child[1]).sum::<f64>() / together;
    let stored = place.open().await.head().await.unwrap().size - before;
    let database = micros(place.cpu() - used, stored);
    println!(
        "postgres  4 processes of 64 callers: {together:.0} events/s ({stored} in all), {:.2} of one process; least share {:.2} of the greatest; {ours:.1} + {database:.1} µs CPU an event",
        together / alone,
        shares.iter().copied().fold(f64::MAX, f64::min) / shares.iter().copied().fold(0.0, f64::max),
    );
    target::line("appends, four processes with 64 callers", together, "events/s", Asked::AtLeast(TARGET_FOUR));
}

/// Whoever runs this as a child of [`processes`].
async fn child(order: &str) {
    let (url, n) = order.rsplit_once(' ').unwrap();
    let log = EventLog::open_postgres(url, &"bench".parse().unwrap()).await.unwrap();
    let done = Load { callers: 64, batch: 1, first: n.parse().unwrap() }.run(&log).await;
    println!("{} {}", done.rate, done.cpu_an_event());
}

/// What telling other processes costs: in turns, since the machine is never still.
async fn wake(place: &Place) {
    let Place::Postgres { url, .. } = place else { return };
    let site = "bench".parse().unwrap();
    let (mut silent, mut telling) = (0.0, 0.0);
    let listener = place.open().await;
    for round in 0..6 {
        let load = Load { callers: 256, batch: 1, first: 30 + 2 * round };
        let log = EventLog::open_postgres_silent(url, &site).await.unwrap();
        silent += load.run(&log).await.rate;
        log.close().await;
        let log = place.open().await;
        telling += Load { first: load.first + 1, ..load }.run(&log).await.rate;
        log.close().await;
    }
    listener.close().await;
    target::line(
        "telling others of commits",
        telling / silent,
        "of the rate without",
        Asked::AtLeast(TARGET_NOTIFYING),
    );
}

async fn read(place: &Place, name: &str) {
    let log = place.open().await;
    const EVENTS: u64 = 50_000;
    for first in (0..EVENTS).step_by(1000) {
        log.append((first..first + 1000).map(event).collect()).await.unwrap();
    }
    let names: Vec<StreamName> = (0..128).map(|n| event(n * 300).stream).collect();
    let timed =
        |what: &str, begin: Instant| println!("{name:<9} {what}: {:.2} ms", begin.elapsed().as_secs_f64() * 1000.0);
    for _ in 0..2 {
        let begin = Instant::now();
        assert_eq!(log.streams(&names).await.unwrap().len(), 128);
        timed("128 streams of 50,000", begin);
        let begin = Instant::now();
        assert_eq!(log.pending(StageName::Archive, Position(25_000), 128).await.unwrap().len(), 128);
        timed("128 pending of 50,000", begin);
        let begin = Instant::now();
        assert_eq!(log.counts(SubjectKind::Booking).await.unwrap(), [(Status::labelled("backed-up"), EVENTS)]);
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
    if let Ok(order) = std::env::var(CHILD) {
        return child(&order).await;
    }
    let names = ["sqlite", "postgres", "processes", "wake", "read"];
    let named: Vec<String> = std::env::args().filter(|word| names.contains(&word.as_str())).collect();
    let is_selected = |name: &str| named.is_empty() || named.iter().any(|word| word == name);
    println!("each line {EACH:?}, events of {} bytes", load::EVENT_BYTES);
    let sqlite = if is_selected("sqlite") { Some(grouping(&Place::sqlite(), "sqlite").await) } else { None };
    if is_selected("postgres") {
        let place = Place::postgres().await;
        let postgres = grouping(&place, "postgres").await;
        against_bare(&place, postgres).await;
        sqlite.iter().for_each(|sqlite| println!("postgres to sqlite, 256 callers: {:.2}", postgres / sqlite));
    }
    if is_selected("processes") {
        processes(&Place::postgres().await).await;
    }
    if is_selected("wake") {
        wake(&Place::postgres().await).await;
    }
    if is_selected("read") {
        read(&Place::sqlite(), "sqlite").await;
        read(&Place::postgres().await, "postgres").await;
    }
}
