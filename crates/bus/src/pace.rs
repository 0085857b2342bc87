//! How quickly things are looked at again. None of it decides what happens, only when.

use std::time::Duration;

/// The bus's intervals. They are measured on the host's monotonic clock, which nobody can
/// set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How often the log is asked what other processes appended, and what is due.
    pub poll: Duration,
    /// How often everything that is pending is looked at again, from the log's first
    /// position on: the safety net below the cursor.
    pub rescan: Duration,
    /// How long a batch waits for more while more is on its way.
    pub linger: Duration,
    /// How long after it was last asked an idle stage is asked again whether it could work.
    pub look: Duration,
    /// How long a pause lasts at first; it doubles for as long as the obstacle stays.
    pub pause_min: Duration,
    /// How long a pause lasts at most before the stage is asked again.
    pub pause_max: Duration,
    /// How long it must be quiet after an obstacle before it counts as gone, where no
    /// work came by to show it.
    pub quiet: Duration,
    /// How long unsettled tasks are held back at first, and after trouble with the log; it
    /// doubles for as long as there is trouble.
    pub backoff_min: Duration,
    /// How long they are held back at most.
    pub backoff_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(250),
            rescan: Duration::from_secs(60),
            linger: Duration::from_millis(5),
            // A drive that is pulled out or swapped while nothing is to be done should show within seconds.
            look: Duration::from_secs(3),
            pause_min: Duration::from_secs(1),
            // A person who has plugged a drive back in watches for about this long.
            pause_max: Duration::from_secs(15),
            quiet: Duration::from_secs(10),
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

/// A delay that doubles up to a bound.
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

    /// Any time up to the next delay (full jitter): what lost the same server at once does
    /// not come back to it at once.
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
