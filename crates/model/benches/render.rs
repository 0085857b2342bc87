//! An event's way into bytes and back: `cargo bench -p strongroom-model`.
//!
//! Our writer of canonical JSON against the library that it is held to, as a ratio in one run.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a benchmark may stop at the first error")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use strongroom_model::event::Enumerated;
use strongroom_model::{Algorithm, ByteCount, Digest, Event, EventId, Expected, NewEvent, Position, Recorded};

/// How long each line is measured.
const EACH: Duration = Duration::from_secs(1);

fn event() -> NewEvent {
    let now = "2026-11-20T23:00:00Z".parse().unwrap();
    let event = Event::TimesheetEnumerated(Enumerated {
        filename: "timesheet 1001.pdf".to_owned(),
        size_bytes: ByteCount(14_541),
        digest: Digest::of(Algorithm::Sha256, b"a timesheet"),
        signed_off_at: now,
    });
    let (stream, actor) = ("booking/B-1001".parse().unwrap(), "enumerate@backup-1".parse().unwrap());
    NewEvent { cause: Some(EventId::new(now)), ..NewEvent::new(stream, Expected::New, now, actor, event) }
}

/// How long one call takes, in microseconds.
fn measure(what: &str, mut call: impl FnMut()) -> f64 {
    let begin = Instant::now();
    let mut calls = 0_u32;
    while begin.elapsed() < EACH {
        for _ in 0..100 {
            call();
        }
        calls += 100;
    }
    let micros = begin.elapsed().as_secs_f64() * 1e6 / f64::from(calls);
    println!("{what:<44} {micros:>6.2} µs");
    micros
}

fn main() {
    let (event, site) = (event(), "harbour".parse().unwrap());
    let body = event.render(&site, Position(7));
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    println!("an event of {} bytes", body.len());
    let ours = measure("rendered by our writer, from the event", || {
        black_box(black_box(&event).render(&site, Position(7)));
    });
    let theirs = measure("rendered by the library, from a ready tree", || {
        black_box(serde_json_canonicalizer::to_string(black_box(&value)).unwrap());
    });
    measure("read back", || {
        black_box(Recorded::parse(black_box(&body)).unwrap());
    });
    println!("the library takes {:.1} times as long", theirs / ours);
}
