//! Wall-clock readings as instants. A skipped reading is the end of the gap.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// The first instant at which clocks show `reading`.
pub(super) fn first_reading(zone: &TimeZone, reading: DateTime) -> Timestamp {
    resolve(zone, reading, |before, _| before)
}

/// The last instant at which clocks show `reading`.
pub(super) fn last_reading(zone: &TimeZone, reading: DateTime) -> Timestamp {
    resolve(zone, reading, |_, after| after)
}

fn resolve(zone: &TimeZone, reading: DateTime, choose: fn(Timestamp, Timestamp) -> Timestamp) -> Timestamp {
    let at = |offset: jiff::tz::Offset| offset.to_timestamp(reading).unwrap_or(Timestamp::MAX);
    match zone.to_ambiguous_timestamp(reading).offset() {
        AmbiguousOffset::Unambiguous { offset } => at(offset),
        AmbiguousOffset::Fold { before, after } => choose(at(before), at(after)),
        // With the offset after the gap, the reading lies just before it.
        AmbiguousOffset::Gap { before, after } => {
            zone.following(at(after)).next().map_or_else(|| at(before), |transition| transition.timestamp())
        }
    }
}
