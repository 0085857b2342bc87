//! What is appended, and by how many.

use std::fmt;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use strongroom_eventlog::EventLog;
use strongroom_model::event::Retried;
use strongroom_model::{Event, EventId, Expected, NewEvent, Position, StageName, StreamName};
use strongroom_service::Clock;
use tokio::task::JoinSet;

use crate::cpu;

/// How long each line is measured.
pub(crate) const EACH: Duration = Duration::from_secs(3);

/// How many bytes an event has.
pub(crate) const EVENT_BYTES: usize = 420;

/// An event of that size, in a stream of its own. Its id holds its time, as the program's do.
pub(crate) fn event(n: u64) -> NewEvent {
    static REASON: LazyLock<String> = LazyLock::new(|| {
        let bare = retried(1_000_000_000, String::new()).render(&"bench".parse().unwrap(), Position(100_000));
        "r".repeat(EVENT_BYTES - bare.len())
    });
    retried(n, REASON.clone())
}

fn retried(n: u64, reason: String) -> NewEvent {
    let stream = StreamName::booking(&format!("B-{n}").parse().unwrap());
    // Of one length, whenever it is.
    let time = "2026-11-20T23:00:00Z".parse().unwrap();
    let event = Event::TimesheetRetried(Retried { stage: StageName::Archive, reason: Some(reason) });
    let new = NewEvent::new(stream, Expected::New, time, "operator".parse().unwrap(), event);
    NewEvent { id: EventId::new(Clock::system().now()), ..new }
}

/// So many callers, each with one append after the other of so many events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) callers: u64,
    pub(crate) batch: u64,
    /// What sets its streams apart from those of other loads on the same log.
    pub(crate) first: u64,
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>4} callers, {:>3} events an append", self.callers, self.batch)
    }
}

/// A load's result.
pub(crate) struct Done {
    pub(crate) rate: f64,
    pub(crate) events: u64,
    events_a_commit: f64,
    cpu: Duration,
}

impl Done {
    /// Of this process, in microseconds.
    pub(crate) fn cpu_an_event(&self) -> f64 {
        micros(self.cpu, self.events)
    }
}

pub(crate) fn micros(time: Duration, events: u64) -> f64 {
    time.as_secs_f64() * 1e6 / events as f64
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.0} events/s, {:>6.1} events a commit", self.rate, self.events_a_commit)
    }
}

impl Load {
    pub(crate) async fn run(self, log: &EventLog) -> Done {
        let (begin, used) = (Instant::now(), cpu::ours());
        let mut callers = JoinSet::new();
        for caller in 0..self.callers {
            let log = log.clone();
            callers.spawn(async move {
                let start = 1_000_000_000 * self.first + 1_000_000 * caller;
                let mut n = start;
                while begin.elapsed() < EACH {
                    log.append((n..n + self.batch).map(event).collect()).await.unwrap();
                    n += self.batch;
                }
                n - start
            });
        }
        let events: u64 = callers.join_all().await.into_iter().sum();
        Done {
            rate: events as f64 / begin.elapsed().as_secs_f64(),
            events,
            events_a_commit: events as f64 / log.commits() as f64,
            cpu: cpu::ours() - used,
        }
    }
}
