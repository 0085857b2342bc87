//! When a run of a job is tried again: pure.

use std::time::Duration;

use strongroom_model::Fate;

/// What follows failed attempt number `attempt` (from 1) of a run whose job has its own `delays`.
#[must_use]
pub(crate) fn fate(delays: &[Duration], of_failure: Fate, attempt: u32) -> Fate {
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let delay = delays.get(index).copied();
    match of_failure {
        Fate::Person | Fate::RetryIn(_) => of_failure,
        Fate::Retry => delay.map_or(Fate::Person, Fate::RetryIn),
        Fate::RetryAfter(least) => delay.map_or(Fate::Person, |delay| Fate::RetryIn(delay.max(least))),
        // What is in the way goes away by itself, or by a person who does not know of the run.
        Fate::RetryForever => delay.or(delays.last().copied()).map_or(Fate::RetryForever, Fate::RetryIn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn each_delay_is_used_once_and_then_the_run_has_failed() {
        let fates: Vec<_> = (1..=3).map(|attempt| fate(&[MINUTE, HOUR], Fate::Retry, attempt)).collect();
        assert_eq!(fates, [Fate::RetryIn(MINUTE), Fate::RetryIn(HOUR), Fate::Person]);
        assert_eq!(fate(&[], Fate::Retry, 1), Fate::Person);
        assert_eq!(fate(&[MINUTE], Fate::Person, 1), Fate::Person);
    }

    #[test]
    fn a_tool_may_ask_for_more_time() {
        assert_eq!(fate(&[MINUTE], Fate::RetryAfter(HOUR), 1), Fate::RetryIn(HOUR));
        assert_eq!(fate(&[MINUTE], Fate::RetryAfter(HOUR), 2), Fate::Person);
    }

    #[test]
    fn what_is_in_the_way_is_waited_for() {
        assert_eq!(fate(&[MINUTE, HOUR], Fate::RetryForever, 9), Fate::RetryIn(HOUR));
        assert_eq!(fate(&[], Fate::RetryForever, 1), Fate::RetryForever);
    }
}
