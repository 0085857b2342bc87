//! Wall-clock readings as instants, on the days when a time zone skips or repeats some.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// The first instant at which a clock in that zone shows `reading` or a later one: the end
/// of the gap, for a reading that is skipped.
pub(super) fn first_reading(zone: &TimeZone, reading: DateTime) -> Timestamp {
    resolve(zone, reading, |before, _| before)
}

/// The last instant at which a clock in that zone shows `reading`; the end of the gap, for
/// a reading that is skipped.
pub(super) fn last_reading(zone: &TimeZone, reading: DateTime) -> Timestamp {
    resolve(zone, reading, |_, after| after)
}

fn resolve(zone: &TimeZone, reading: DateTime, choose: fn(Timestamp, Timestamp) -> Timestamp) -> Timestamp {
    let at = |offset: jiff::tz::Offset| offset.to_timestamp(reading).unwrap_or(Timestamp::MAX);
    match zone.to_ambiguous_timestamp(reading).offset() {
        AmbiguousOffset::Unambiguous { offset } => at(offset),
        AmbiguousOffset::Fold { before, after } => choose(at(before), at(after)),
        // Read with the offset from after the gap, the reading lies just before it.
        AmbiguousOffset::Gap { before, after } => {
            zone.following(at(after)).next().map_or_else(|| at(before), |transition| transition.timestamp())
        }
    }
}
