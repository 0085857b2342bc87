//! How many bookings stand where, counted as often as it is cheap.

use std::time::Duration;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{BookingCounts, SubjectKind};
use tokio::time::Instant;

/// After a count, the bookings are left alone for that many times as long as it took: a database counts some four
/// million a second, and a site's processes are many.
const REST_FACTOR: u32 = 100;

/// The last count.
#[derive(Debug, Default)]
pub(super) struct Bookings(Option<Counted>);

#[derive(Debug, Clone, Copy)]
struct Counted {
    counts: BookingCounts,
    /// How long the log was before.
    size: u64,
    at: Instant,
    took: Duration,
}

impl Bookings {
    /// The counts in a log of that size: of this moment, or the last ones while another count would cost too much.
    pub(super) async fn counts(&mut self, log: &EventLog, size: u64) -> Result<BookingCounts, LogError> {
        let begin = Instant::now();
        if let Some(known) = self.0.filter(|known| !known.is_due(size, begin)) {
            return Ok(known.counts);
        }
        let counts = BookingCounts::of(log.counts(SubjectKind::Booking).await?);
        self.0 = Some(Counted { counts, size, at: begin, took: begin.elapsed() });
        Ok(counts)
    }
}

impl Counted {
    fn is_due(&self, size: u64, now: Instant) -> bool {
        self.size != size && now.saturating_duration_since(self.at) >= self.took * REST_FACTOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_took_long_is_not_made_again_soon() {
        let now = Instant::now();
        let of = |took_ms| {
            let took = Duration::from_millis(took_ms);
            Counted { counts: BookingCounts::default(), size: 7, at: now, took }
        };
        let later = now + Duration::from_secs(10);
        assert!(of(50).is_due(8, later), "a small log is counted at each look");
        assert!(!of(1_000).is_due(8, later) && of(1_000).is_due(8, now + Duration::from_secs(100)));
        assert!(!of(0).is_due(7, later), "nothing was appended");
    }
}
