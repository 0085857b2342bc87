use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;
use tokio::time::Instant;

/// A wrong `Retry-After` must not cost a whole night.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Holds back requests of all clones until a server's `Retry-After` has passed.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    until: Mutex<Option<Instant>>,
}

impl Gate {
    /// How long it stays closed.
    pub(crate) fn closed_for(&self, now: Instant) -> Option<Duration> {
        let until = (*self.until.lock().unwrap_or_else(PoisonError::into_inner))?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    pub(crate) fn close(&self, now: Instant, wait: Duration) {
        let until = now + wait.min(MAX_RETRY_AFTER);
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is compared with the response's own `Date`, not
/// with our clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
    }
    let due = http_date(text)?;
    let now = date(headers)?;
    let wait = Duration::try_from(due.duration_since(now)).ok()?;
    Some(wait.min(MAX_RETRY_AFTER))
}

/// The server's time.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(retry_after: &str, date: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
        if let Some(date) = date {
            headers.insert(DATE, date.parse().unwrap());
        }
        headers
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(retry_after(&headers("120", None)), Some(Duration::from_secs(120)));
        assert_eq!(retry_after(&headers("Sun, 06 Nov 1994 08:50:37 GMT", date)), Some(Duration::from_secs(60)));
        assert_eq!(retry_after(&headers("Sun, 06 Nov 1994 08:00:00 GMT", date)), None, "it is over");
        assert_eq!(retry_after(&headers("Sun, 06 Nov 1994 08:50:37 GMT", None)), None, "nothing to read it against");
        assert_eq!(retry_after(&headers("soon", date)), None);
        assert_eq!(retry_after(&headers("99999999999", None)), Some(MAX_RETRY_AFTER));
    }

    #[test]
    fn a_gate_opens_again_by_itself() {
        let gate = Gate::default();
        let now = Instant::now();
        assert_eq!(gate.closed_for(now), None);
        gate.close(now, Duration::from_secs(5));
        assert_eq!(gate.closed_for(now + Duration::from_secs(2)), Some(Duration::from_secs(3)));
        assert_eq!(gate.closed_for(now + Duration::from_secs(5)), None);
    }

    #[test]
    fn no_server_sends_us_away_for_longer_than_the_bound() {
        let gate = Gate::default();
        let now = Instant::now();
        gate.close(now, Duration::from_secs(u64::MAX));
        assert_eq!(gate.closed_for(now + MAX_RETRY_AFTER), None);
    }
}
