//! When something is due.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::host::bounds::Bounds;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// `hello` is late.
    Hello,
    /// No message came.
    Stall,
    /// The whole time is over.
    Total,
    /// The next step of stopping is due.
    Step,
    /// It is still there after its result.
    Linger,
    /// Its output is still open after its end.
    Drain,
}

/// The timers that run.
#[derive(Debug)]
pub(super) struct Timers(Vec<(Instant, Timer)>);

impl Timers {
    pub(super) fn start(bounds: &Bounds, now: Instant) -> Self {
        let all = [(bounds.hello, Timer::Hello), (bounds.stall, Timer::Stall), (bounds.total, Timer::Total)];
        let set = all.into_iter().filter(|(after, _)| !after.is_zero());
        Self(set.map(|(after, timer)| (now + after, timer)).collect())
    }

    /// Sets a timer again.
    pub(super) fn set(&mut self, timer: Timer, after: Duration) {
        self.clear(timer);
        if timer != Timer::Stall || !after.is_zero() {
            self.0.push((Instant::now() + after, timer));
        }
    }

    /// Sets a timer that does not run yet.
    pub(super) fn set_once(&mut self, timer: Timer, after: Duration) {
        if self.0.iter().all(|(_, running)| *running != timer) {
            self.set(timer, after);
        }
    }

    pub(super) fn clear(&mut self, timer: Timer) {
        self.0.retain(|(_, running)| *running != timer);
    }

    pub(super) fn clear_all(&mut self) {
        self.0.clear();
    }

    /// Waits for the next one that is due, and takes it out. Without one it waits for ever.
    pub(super) async fn next(&mut self) -> Timer {
        let Some(&(at, timer)) = self.0.iter().min_by_key(|(at, _)| *at) else {
            return std::future::pending().await;
        };
        sleep_until(at).await;
        self.clear(timer);
        timer
    }
}
