//! When to try again: a pure policy. Attempts are counted in the log, never in memory.

use std::time::Duration;

use strongroom_model::Fate;

/// The share by which a delay may grow: what failed together does not return together.
const JITTER_PARTS: f64 = 0.2;

/// When to try again, and when a person must look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The delays after the first failed attempt, the second, and so on; the last one repeats. Empty: no delay.
    pub delays: Vec<Duration>,
    /// Failed attempts in a row until a person must look; 0 counts as 1.
    pub max_attempts: u32,
    /// The longest delay that stages choose themselves, by [`Fate::RetryIn`].
    pub chosen: Duration,
}

impl Default for RetryPolicy {
    /// Seven attempts within about an hour and a half: enough for a server's restart.
    fn default() -> Self {
        const DELAYS_S: [u64; 6] = [2, 10, 60, 5 * 60, 15 * 60, 60 * 60];
        Self { delays: DELAYS_S.map(Duration::from_secs).to_vec(), max_attempts: 7, chosen: Duration::ZERO }
    }
}

impl RetryPolicy {
    /// The delay after failed attempt number `attempt` (from 1); `None`: a person must look. `jitter` is random, from
    /// 0 up to 1.
    #[must_use]
    pub fn delay(&self, fate: Fate, attempt: u32, jitter: f64) -> Option<Duration> {
        let used_up = attempt >= self.max_attempts.max(1);
        match fate {
            Fate::Person => None,
            Fate::Retry | Fate::RetryAfter(_) if used_up => None,
            Fate::RetryIn(delay) => Some(delay.min(self.longest())),
            Fate::Retry | Fate::RetryForever => Some(self.jittered(attempt, jitter)),
            // A server may name any time; one beyond our longest delay would look stranded.
            Fate::RetryAfter(least) => Some(self.jittered(attempt, jitter).max(least).min(self.longest())),
        }
    }

    /// The upper bound of every delay.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let own = self.delays.iter().max().copied().unwrap_or_default().mul_f64(1.0 + JITTER_PARTS);
        own.max(self.chosen)
    }

    fn jittered(&self, attempt: u32, jitter: f64) -> Duration {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let delay = self.delays.get(index).or(self.delays.last()).copied().unwrap_or_default();
        let delay = delay.mul_f64(1.0 + JITTER_PARTS * jitter.clamp(0.0, 1.0));
        // Whole milliseconds read better in the log.
        Duration::from_millis(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn policy() -> RetryPolicy {
        RetryPolicy { delays: vec![s(2), s(10), s(60)], max_attempts: 5, ..RetryPolicy::default() }
    }

    #[test]
    fn delays_grow_and_the_last_one_stays() {
        let delays: Vec<_> = (1..=5).map(|attempt| policy().delay(Fate::Retry, attempt, 0.0)).collect();
        assert_eq!(delays, [Some(s(2)), Some(s(10)), Some(s(60)), Some(s(60)), None]);
    }

    #[test]
    fn only_a_retry_for_ever_outlives_the_attempts() {
        assert_eq!(policy().delay(Fate::RetryForever, 1_000_000, 0.0), Some(s(60)));
        assert_eq!(policy().delay(Fate::RetryAfter(s(5)), 5, 0.0), None);
        assert_eq!(policy().delay(Fate::Person, 1, 0.0), None);
        let never = RetryPolicy { max_attempts: 0, ..policy() };
        assert_eq!(never.delay(Fate::Retry, 1, 0.0), None);
    }

    #[test]
    fn the_servers_wish_is_granted_within_our_longest_delay() {
        assert_eq!(policy().delay(Fate::RetryAfter(s(30)), 1, 0.0), Some(s(30)));
        assert_eq!(policy().delay(Fate::RetryAfter(s(1)), 1, 0.0), Some(s(2)));
        assert_eq!(policy().delay(Fate::RetryAfter(s(1_000_000)), 1, 0.0), Some(policy().longest()));
    }

    #[test]
    fn a_delay_that_a_stage_chose_is_granted_as_it_is() {
        let chosen = RetryPolicy { chosen: s(7200), ..policy() };
        assert_eq!(chosen.delay(Fate::RetryIn(s(7200)), 99, 0.9), Some(s(7200)));
        assert_eq!(chosen.delay(Fate::RetryIn(s(1)), 1, 0.9), Some(s(1)));
        // Anything longer would look like a time from before the clock was put back.
        assert_eq!(chosen.delay(Fate::RetryIn(s(9000)), 1, 0.0), Some(s(7200)));
    }

    #[test]
    fn no_delay_is_longer_than_the_longest() {
        for attempt in 1..9 {
            for jitter in [-1.0, 0.0, 0.5, 0.999, 7.0] {
                let delay = policy().delay(Fate::RetryForever, attempt, jitter).unwrap();
                assert!(delay <= policy().longest(), "{delay:?}");
            }
        }
        assert_eq!(
            RetryPolicy { delays: vec![], max_attempts: 3, ..RetryPolicy::default() }.delay(Fate::Retry, 1, 0.9),
            Some(s(0))
        );
    }
}
