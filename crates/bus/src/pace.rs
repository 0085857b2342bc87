use std::time::Duration;

/// The intervals of a stage, on the host's monotonic clock. They decide when, not what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How often the log is polled.
    pub poll: Duration,
    /// How often all that is pending is read again: the cursor's backstop.
    pub rescan: Duration,
    /// How long a batch waits while more is coming.
    pub linger: Duration,
    /// How often an idle stage's readiness is checked.
    pub readiness: Duration,
    /// When a pause checks readiness first; the delay doubles.
    pub pause_min: Duration,
    /// The longest delay between its checks.
    pub pause_max: Duration,
    /// How long a stage that was paused waits for a batch to show that the obstacle is over.
    pub trial_timeout: Duration,
    /// The first delay of unsettled tasks and failed reads; it doubles.
    pub backoff_min: Duration,
    /// The longest of these delays.
    pub backoff_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(250),
            rescan: Duration::from_secs(60),
            linger: Duration::from_millis(5),
            // A drive that is swapped while idle should show within seconds.
            readiness: Duration::from_secs(3),
            pause_min: Duration::from_secs(1),
            // A person who has plugged a drive back in watches for about this long.
            pause_max: Duration::from_secs(15),
            trial_timeout: Duration::from_secs(10),
            backoff_min: Duration::from_millis(100),
            backoff_max: Duration::from_secs(30),
        }
    }
}

impl Pace {
    pub(crate) const fn pause(&self) -> Backoff {
        Backoff::new(self.pause_min, self.pause_max)
    }

    pub(crate) const fn backoff(&self) -> Backoff {
        Backoff::new(self.backoff_min, self.backoff_max)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    least: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) const fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, next: least }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let delay = self.next.min(self.most);
        self.next = delay.saturating_mul(2);
        delay
    }

    /// Full jitter: clients that lost a server at once do not return at once.
    pub(crate) fn jittered(&mut self) -> Duration {
        self.next().mul_f64(fastrand::f64())
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backoff_doubles_up_to_its_bound_and_starts_over() {
        let mut backoff = Pace::default().pause();
        let delays: Vec<_> = (0..6).map(|_| backoff.next().as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 15, 15]);
        backoff.reset();
        assert_eq!(backoff.next().as_secs(), 1);
    }
}
