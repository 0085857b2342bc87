//! Waiting on conditions, never on time alone.

use std::time::{Duration, Instant};

/// How long a condition may take to come true: far longer than it ever does, so that a busy
/// machine fails no test.
pub const PATIENCE: Duration = Duration::from_secs(180);
/// How far apart two looks are: most cost a process, so they are rarer the longer it takes.
const MIN_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_millis(500);

pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} for this: {what}");
        pause(started.elapsed());
    }
}

/// Waits before the next look at what has been waited for for so long: a tenth of that.
pub fn pause(waited: Duration) {
    std::thread::sleep((waited / 10).clamp(MIN_PAUSE, MAX_PAUSE));
}

pub fn until_true(what: &str, mut holds: impl FnMut() -> bool) {
    until(what, || holds().then_some(()));
}
