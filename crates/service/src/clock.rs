//! The only place that reads the host's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

use crate::schedule::MAX_SKEW;

/// A clock with a resolution of a microsecond; clones share it.
#[derive(Debug, Clone)]
pub struct Clock(TimeSource);

#[derive(Debug, Clone)]
enum TimeSource {
    System,
    /// Microseconds since the Unix epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The host's clock. A later reading may be smaller: it may be set.
    pub const fn system() -> Self {
        Self(TimeSource::System)
    }

    /// A clock for tests, which stands still until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self(TimeSource::Manual(Arc::new(AtomicI64::new(start.as_microsecond()))))
    }

    /// The time in whole microseconds, as the log keeps it.
    #[expect(clippy::disallowed_methods, reason = "this is where the ambient clock is read; all others take a Clock")]
    pub fn now(&self) -> Timestamp {
        let micros = match &self.0 {
            TimeSource::System => shifted(Timestamp::now()).as_microsecond(),
            TimeSource::Manual(micros) => micros.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(micros).expect("it came from a timestamp")
    }

    /// Sets a manual clock.
    pub fn set(&self, time: Timestamp) {
        self.micros().store(time.as_microsecond(), Ordering::SeqCst);
    }

    /// Moves a manual clock.
    pub fn advance(&self, step: impl TryInto<SignedDuration, Error: std::fmt::Debug>) {
        let step: SignedDuration = step.try_into().expect("the step fits a signed duration");
        self.set(self.now().checked_add(step).expect("the step stays within the calendar"));
    }

    fn micros(&self) -> &AtomicI64 {
        match &self.0 {
            TimeSource::System => panic!("the host's clock is not ours to set"),
            TimeSource::Manual(micros) => micros,
        }
    }
}

/// Notices that the clock was set, or that the host slept: no timer shows that. For loops of a few seconds.
#[derive(Debug, Default)]
pub struct Gaps(Option<Timestamp>);

impl Gaps {
    /// Whether the clock moved by more than [`MAX_SKEW`] since the last call.
    pub fn look(&mut self, now: Timestamp) -> bool {
        let last = self.0.replace(now).unwrap_or(now);
        now.duration_since(last).unsigned_abs() > MAX_SKEW
    }
}

#[cfg(not(feature = "kill-points"))]
const fn shifted(time: Timestamp) -> Timestamp {
    time
}

/// With `kill-points`, the seconds in the file `STRONGROOM_CLOCK`, such as `-3600`, shift the host's time. Read each
/// time, so that tests can set a running process's clock.
#[cfg(feature = "kill-points")]
fn shifted(time: Timestamp) -> Timestamp {
    static FILE: std::sync::OnceLock<Option<std::ffi::OsString>> = std::sync::OnceLock::new();
    let Some(file) = FILE.get_or_init(|| std::env::var_os("STRONGROOM_CLOCK")) else { return time };
    shift(time, &std::fs::read_to_string(file).unwrap_or_default())
}

#[cfg(feature = "kill-points")]
fn shift(time: Timestamp, seconds: &str) -> Timestamp {
    let seconds = seconds.trim().parse().unwrap_or(0);
    time.checked_add(SignedDuration::from_secs(seconds)).expect("a test stays within the calendar")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clones_of_a_manual_clock_show_the_same_time() {
        let clock = Clock::manual("2026-11-20T23:00:00.1234567Z".parse().unwrap());
        let copy = clock.clone();
        assert_eq!(copy.now().to_string(), "2026-11-20T23:00:00.123456Z");
        clock.advance(Duration::from_secs(90));
        assert_eq!(copy.now().to_string(), "2026-11-20T23:01:30.123456Z");
        clock.set("2026-11-20T22:00:00Z".parse().unwrap());
        assert_eq!(copy.now().to_string(), "2026-11-20T22:00:00Z");
    }

    #[test]
    fn a_clock_that_is_set_and_a_host_that_slept_leave_a_gap() {
        let mut gaps = Gaps::default();
        let times = [0, 1, 5, 305, 8 * 3600, 8 * 3600 + 1, 7 * 3600, -1_800_000_000, -1_799_999_999];
        let seen = times.map(|seconds| gaps.look(Timestamp::from_second(1_800_000_000 + seconds).unwrap()));
        assert_eq!(seen, [false, false, false, false, true, false, true, true, false]);
    }

    #[cfg(feature = "kill-points")]
    #[test]
    fn a_test_can_set_the_clock_of_a_process() {
        let time = "2026-11-20T23:00:00Z".parse().unwrap();
        assert_eq!(shift(time, "-3600\n").to_string(), "2026-11-20T22:00:00Z");
        assert_eq!(shift(time, "315532800").to_string(), "2036-11-19T23:00:00Z");
        assert_eq!([shift(time, ""), shift(time, "soon")], [time; 2]);
    }

    #[test]
    fn the_systems_time_has_whole_microseconds() {
        assert_eq!(Clock::system().now().subsec_nanosecond() % 1000, 0);
    }
}
