//! The clock: the only place that asks the host what time it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Tells the time, to the microsecond. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// Microseconds since the Unix epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The host's clock. It may be set back or forward at any moment, so nothing may rely
    /// on a later reading being a greater one.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until it is moved: for tests.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.as_microsecond()))))
    }

    /// The time, cut to whole microseconds: what the log keeps.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where the ambient clock is read; all others take a Clock")]
    pub fn now(&self) -> Timestamp {
        let micros = match &self.0 {
            Source::System => Timestamp::now().as_microsecond(),
            Source::Manual(micros) => micros.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(micros).expect("it came from a timestamp")
    }

    /// Moves a manual clock to `time`, which may be in its past.
    ///
    /// # Panics
    /// It is the host's clock.
    pub fn set(&self, time: Timestamp) {
        self.micros().store(time.as_microsecond(), Ordering::SeqCst);
    }

    /// Moves a manual clock by `step`.
    ///
    /// # Panics
    /// It is the host's clock, or the step leads out of the calendar (year 9999).
    pub fn advance(&self, step: impl TryInto<SignedDuration, Error: std::fmt::Debug>) {
        let step: SignedDuration = step.try_into().expect("the step fits a signed duration");
        self.set(self.now().checked_add(step).expect("the step stays within the calendar"));
    }

    fn micros(&self) -> &AtomicI64 {
        match &self.0 {
            Source::System => panic!("the host's clock is not ours to set"),
            Source::Manual(micros) => micros,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clones_of_a_manual_clock_show_the_same_time() {
        let clock = Clock::manual("2026-11-20T23:00:00.1234567Z".parse().unwrap());
        let twin = clock.clone();
        assert_eq!(twin.now().to_string(), "2026-11-20T23:00:00.123456Z");
        clock.advance(Duration::from_secs(90));
        assert_eq!(twin.now().to_string(), "2026-11-20T23:01:30.123456Z");
        clock.set("2026-11-20T22:00:00Z".parse().unwrap());
        assert_eq!(twin.now().to_string(), "2026-11-20T22:00:00Z");
    }

    #[test]
    fn the_systems_time_has_whole_microseconds() {
        assert_eq!(Clock::system().now().subsec_nanosecond() % 1000, 0);
    }
}
