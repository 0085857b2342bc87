//! Going through occurrences, forwards and backwards.

use jiff::{SignedDuration, Timestamp};

use crate::wall::MAX_SEARCH_YEARS;

/// The first step back in [`at_or_before`]; each next one is twice as long.
const FIRST_STEP: SignedDuration = SignedDuration::from_secs(60);

/// The last occurrence at or before `at`, from a function that tells the first one after an instant. It is asked
/// about a hundred times at most, however far apart occurrences are.
pub(crate) fn at_or_before(
    at: Timestamp,
    mut next_after: impl FnMut(Timestamp) -> Option<Timestamp>,
) -> Option<Timestamp> {
    let mut within = |from: Timestamp| next_after(from).filter(|found| *found <= at);
    let mut step = FIRST_STEP;
    let (mut low, mut best) = loop {
        let from = at.checked_sub(step).unwrap_or(Timestamp::MIN);
        if let Some(found) = within(from) {
            break (found, found);
        }
        if step.as_hours() > MAX_SEARCH_YEARS * 366 * 24 || from == Timestamp::MIN {
            return None;
        }
        step = step.checked_mul(2)?;
    };
    // `low` is an occurrence, and none lies after `high`.
    let mut high = at;
    while low < high {
        let middle = middle(low, high);
        match within(middle) {
            Some(found) => (low, best) = (found, found),
            None if middle == low => break,
            None => high = middle,
        }
    }
    Some(best)
}

/// Rounded down to a whole nanosecond, so that it is `low` where the two are neighbours.
fn middle(low: Timestamp, high: Timestamp) -> Timestamp {
    let half = high.duration_since(low).checked_div(2).unwrap_or(SignedDuration::ZERO);
    low.checked_add(half).unwrap_or(low)
}

/// Occurrences after one instant, up to and with another.
pub(crate) struct Occurrences<F> {
    pub(crate) next_after: F,
    pub(crate) after: Timestamp,
    pub(crate) until: Timestamp,
}

impl<F: FnMut(Timestamp) -> Option<Timestamp>> Iterator for Occurrences<F> {
    type Item = Timestamp;

    fn next(&mut self) -> Option<Timestamp> {
        if self.after >= self.until {
            return None;
        }
        let found = (self.next_after)(self.after).filter(|found| *found <= self.until);
        self.after = found.unwrap_or(self.until);
        found
    }
}
