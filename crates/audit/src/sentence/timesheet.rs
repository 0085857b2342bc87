//! Sentences about a booking's timesheet.

use strongroom_model::event::{
    Archived, BackedUp, Enumerated, Fetched, Held, Purged, ReadBack, Restored, Retried, SyncMethod,
};
use strongroom_model::{ByteCount, StageName};

use super::{clause, count, instant, quoted, short};

pub(super) fn enumerated(booking: &str, data: &Enumerated) -> String {
    format!(
        "Booking {booking} was claimed: {}, {}, signed off {}; the server holds {}.",
        quoted(&data.filename),
        data.size_bytes,
        instant(data.signed_off_at),
        short(&data.digest)
    )
}

pub(super) fn fetched(booking: &str, data: &Fetched) -> String {
    let resumed = if data.resumed_from_bytes > ByteCount(0) {
        format!(", going on after {} that an earlier transfer had left", data.resumed_from_bytes)
    } else {
        String::new()
    };
    let sync = match data.sync {
        SyncMethod::Syncfs => "with its batch",
        SyncMethod::Fsync => "by itself",
    };
    format!(
        "The file of booking {booking} was downloaded ({} in {} ms{resumed}) and was synced {sync} to {} on drive {}; \
         it is not proven yet.",
        data.size_bytes,
        data.elapsed_ms,
        quoted(&data.path),
        data.drive
    )
}

pub(super) fn backed_up(booking: &str, data: &BackedUp) -> String {
    let how = match data.read_back {
        ReadBack::Direct => "read back from the device past the page cache",
        ReadBack::CacheDropped => "read back from the device after it had left the page cache",
        ReadBack::Cached => "read back, though perhaps from the page cache and not the device",
    };
    format!(
        "Booking {booking} is backed up: {} on drive {} was {how} ({}), and {} is what the server held.",
        quoted(&data.path),
        data.drive,
        data.size_bytes,
        short(&data.digest)
    )
}

pub(super) fn archived(booking: &str, data: &Archived) -> String {
    format!("Booking {booking} is archived: the server has the proof, and its copy is at {}.", quoted(&data.path))
}

pub(super) fn purged(booking: &str, data: &Purged) -> String {
    let approved = data.approved_by.as_ref().map_or_else(String::new, |by| format!(" that {} approved", quoted(by)));
    let drives: Vec<String> = data.drives.iter().map(ToString::to_string).collect();
    let held = match drives.split_last() {
        None => String::new(),
        Some((one, [])) => format!("; drive {one} holds it"),
        Some((last, others)) => format!("; drives {} and {last} hold it", others.join(", ")),
    };
    format!(
        "The server's copy of booking {booking} was deleted by purge {}{approved}, which rested on {}{held}.",
        quoted(&data.purge),
        count(data.proofs.len() as u64, "proof")
    )
}

pub(super) fn restored(booking: &str, data: &Restored) -> String {
    format!(
        "The server has the file of booking {booking} again: it was put back at {} from its copy on drive {}.",
        quoted(&data.path),
        data.drive
    )
}

pub(super) fn held(subject: &str, data: &Held) -> String {
    format!(
        "The {} stage is still at work on {subject}; if it says nothing more, another may take it from {} on.",
        data.stage,
        instant(data.until)
    )
}

pub(super) fn retried(booking: &str, data: &Retried) -> String {
    let onward = match data.stage {
        StageName::Enumerate => "the next run asks the server for its record anew",
        _ => "its copy is proven already, so it is reported to the server again",
    };
    let why = data.reason.as_ref().map_or_else(String::new, |reason| format!(" ({})", clause(reason)));
    format!("Booking {booking} was given back to the pipeline{why}: {onward}.")
}
