//! More fetch workers against a source that is far away.

use std::time::{Duration, Instant};

use strongroom_servers::target::{Asked, line};

use strongroom_tests::program::stop_all;

use crate::place::{Place, Servers, until};

/// How long each request takes at least.
const DELAY: Duration = Duration::from_millis(20);
/// How many documents: as many as one run takes in hand, since the next one waits until all is done.
const DOCUMENTS: usize = 1_000;
/// How many of them a worker takes at a time: few, so that all have work for as long as is measured.
const BATCH: &str = "16";
/// How many workers at the most.
const MAX: usize = 8;
/// How much of a worker each further one must be worth.
const WORTH: f64 = 0.8;

/// Fetch workers of one transfer at a time each, and what more of them gain.
pub(crate) fn fetch(servers: &Servers) {
    let mut alone = None;
    for workers in [1, 2, 4, MAX] {
        let rate = rate(servers, workers);
        let alone = *alone.get_or_insert(rate);
        let worth = rate / alone / workers as f64;
        println!("fetch workers: {workers}, {rate:.1} files/s, {worth:.2} of linear");
        if workers == MAX {
            let what = format!("{workers} fetch workers at a source that waits {} ms", DELAY.as_millis());
            line(&what, worth, "of linear", Asked::AtLeast(WORTH));
        }
    }
}

/// How many files a second come in, from a tenth of them to eight tenths: while all workers are at work.
fn rate(servers: &Servers, count: usize) -> f64 {
    let mut place = Place::on(servers);
    place.site.set("fetch.batch", BATCH);
    place.serve_small(DOCUMENTS);
    place.delay(DELAY);
    let mut workers = vec![place.worker(&["relay"]), place.worker(&["enumerate"])];
    until("every booking to be in hand", || place.events("timesheet.enumerated.v1") == DOCUMENTS);
    workers.extend((0..count).map(|_| place.worker(&["fetch", "--concurrency", "1"])));
    let fetched_at = |tenths: usize| {
        let mut fetched = 0;
        until("files to come in", || {
            fetched = place.events("timesheet.fetched.v1");
            fetched >= DOCUMENTS * tenths / 10
        });
        (fetched as f64, Instant::now())
    };
    let ((before, begin), (after, done)) = (fetched_at(1), fetched_at(8));
    stop_all(workers);
    (after - before) / done.duration_since(begin).as_secs_f64()
}
