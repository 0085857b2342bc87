//! The agreement to delete archived files, and its execution.

use strongroom_model::event::{PurgeAdvanced, PurgeProposed, PurgeTally};
use strongroom_model::text::grouped;

use super::{count, quoted};

pub(super) fn proposed(who: &str, data: &PurgeProposed) -> String {
    format!(
        "{} proposed purge {who}: to delete the archived files of {} on the server, {}.",
        quoted(&data.proposed_by),
        count(data.bookings, "booking"),
        data.size_bytes
    )
}

pub(super) fn advanced(who: &str, data: &PurgeAdvanced) -> String {
    format!("Purge {who} has dealt with {}: {}.", count(data.next, "booking"), sums(&data.tally))
}

pub(super) fn finished(who: &str, tally: &PurgeTally) -> String {
    format!("Purge {who} is done: {}.", sums(tally))
}

fn sums(tally: &PurgeTally) -> String {
    let left = if tally.left > 0 { format!(", {} left in place", grouped(tally.left)) } else { String::new() };
    format!("{} deleted on the server, {} freed{left}", grouped(tally.purged), tally.size_bytes)
}
