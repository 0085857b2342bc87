use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata};
use tracing_subscriber::layer::{Context, Filter};

/// A lasting condition shows once per this time.
const QUIET_FOR: Duration = Duration::from_secs(60);
/// Beyond this all are forgotten, and some lines repeat.
const MAX_LINES: usize = 1024;
/// Fields that count up while a condition lasts.
const COUNTERS: [&str; 3] = ["retry_in_ms", "elapsed_ms", "attempt"];

/// Drops warnings and errors with the same fields as one of the last minute: a lasting condition is one line, not one
/// per attempt.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// By the line's hash.
    written: Mutex<HashMap<u64, Instant>>,
}

impl Repeats {
    fn is_new(&self, line: u64, now: Instant) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.get(&line).is_some_and(|at| now.duration_since(*at) < QUIET_FOR) {
            return false;
        }
        if written.len() >= MAX_LINES {
            written.clear();
        }
        written.insert(line, now);
        true
    }
}

impl<S> Filter<S> for Repeats {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        // Info lines are never repeats.
        if *event.metadata().level() > Level::WARN {
            return true;
        }
        let mut line = LineHasher(DefaultHasher::new());
        event.metadata().callsite().hash(&mut line.0);
        event.record(&mut line);
        self.is_new(line.0.finish(), Instant::now())
    }
}

struct LineHasher(DefaultHasher);

impl Visit for LineHasher {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !COUNTERS.contains(&field.name()) {
            field.name().hash(&mut self.0);
            format!("{value:?}").hash(&mut self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_line_comes_again_after_a_minute_only_and_another_one_at_once() {
        let (repeats, now) = (Repeats::default(), Instant::now());
        assert!(repeats.is_new(1, now) && repeats.is_new(2, now));
        assert!(!repeats.is_new(1, now + Duration::from_secs(59)));
        assert!(repeats.is_new(1, now + QUIET_FOR));
        for line in 0..10_000 {
            repeats.is_new(line, now);
        }
        assert!(repeats.written.lock().unwrap().len() <= MAX_LINES, "it is bounded");
    }
}
