//! Waiting on conditions, never on time alone.

use std::time::{Duration, Instant};

/// How long a condition may take to come true: far longer than it ever does, so that a busy
/// machine fails no test.
pub const PATIENCE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(20);

pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} for this: {what}");
        std::thread::sleep(POLL);
    }
}

pub fn until_true(what: &str, mut holds: impl FnMut() -> bool) {
    until(what, || holds().then_some(()));
}
