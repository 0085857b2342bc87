//! What a pack shows, in a sentence or two.

use std::collections::BTreeSet;

use jiff::Timestamp;
use strongroom_model::event::ReadBack;
use strongroom_model::text::{grouped, printable};
use strongroom_model::{BookingId, DriveId, Event, Position, Recorded};

use super::{Copy, Purge};
use crate::evidence::{Subject, read_back_in_words};

pub(super) const NAME_CHARS: usize = 120;

pub(super) fn summed_up(subject: &Subject, events: &[Recorded], copies: &[Copy], purge: Option<&Purge>) -> String {
    let last = events.last().map_or(Position(0), |last| last.position);
    let known = match events.len() {
        1 => format!("By the one enclosed event, at position {last}"),
        count => format!("By the {count} enclosed events, the last at position {last}"),
    };
    if let (Subject::Purge(id), Some(purge)) = (subject, purge) {
        return format!("{known}, {}{}", purged(id.as_str(), purge), copies_now(copies));
    }
    let what = match subject {
        Subject::Booking(id) => format!("booking {id}"),
        Subject::File(digest) => format!("the file with {digest}"),
        Subject::Drive(drive) => format!("drive {drive}"),
        Subject::Month(month) => format!("the month {month}"),
        Subject::Purge(id) => format!("purge {id}"),
    };
    let (good, bad): (Vec<&Copy>, Vec<&Copy>) = copies.iter().partition(|copy| copy.fault.is_none());
    let server = only_booking(copies).map_or_else(String::new, |booking| format!(" {}", after(events, &booking)));
    match &good[..] {
        [] if bad.is_empty() => format!("{known}, no copy of {what} is proven. There may be other events."),
        [] => format!("{known}, no good copy of {what} is left.{}{server}", faulty(&bad)),
        [copy] => {
            let of_booking =
                if let Subject::Booking(_) = subject { String::new() } else { format!(" (booking {})", copy.booking) };
            format!("{known}, {what}{of_booking} has a proven copy: {}{}{server}", one(copy), faulty(&bad))
        }
        many => format!("{known}, {what} has at least {}{}{server}", several(many), faulty(&bad)),
    }
}

fn one(copy: &Copy) -> String {
    let drive = match &copy.label {
        Some(label) => format!("{} ({})", quoted(label), copy.drive),
        None => copy.drive.to_string(),
    };
    let place = copy.place.as_ref().map_or_else(String::new, |place| format!(" The drive: {}.", clause(place)));
    format!(
        "{} bytes on drive {drive}, at {}. On {} it was read back {}, {}, and its content was what the server held \
         before the download.{place}",
        grouped(copy.size_bytes.0),
        quoted(&copy.path),
        time(copy.proven_at),
        read_back_in_words(copy.read_back),
        copy.proven_by.in_words()
    )
}

/// The booking, if all copies are of one.
fn only_booking(copies: &[Copy]) -> Option<BookingId> {
    let bookings: BTreeSet<&BookingId> = copies.iter().map(|copy| &copy.booking).collect();
    (bookings.len() == 1).then(|| copies[0].booking.clone())
}

/// What became of the server's own file after the first proof.
fn after(events: &[Recorded], booking: &BookingId) -> String {
    let of_booking = |recorded: &&Recorded| recorded.stream.as_booking().as_ref() == Some(booking);
    let is_told = |recorded: &&Recorded| {
        matches!(
            recorded.event,
            Event::TimesheetBackedUp(_)
                | Event::TimesheetArchived(_)
                | Event::TimesheetPurged(_)
                | Event::TimesheetRestored(_)
        )
    };
    let last = events.iter().filter(of_booking).rfind(is_told);
    match last.map(|recorded| (&recorded.event, recorded.time)) {
        Some((Event::TimesheetArchived(data), at)) => {
            format!("On {} the server moved its own file to {}.", time(at), quoted(&data.path))
        }
        Some((Event::TimesheetPurged(_), at)) => format!("On {} the server's own file was purged.", time(at)),
        Some((Event::TimesheetRestored(data), at)) => {
            format!("On {} the server's own file was put back at {}.", time(at), quoted(&data.path))
        }
        _ => "These events do not say what became of the server's own file.".to_owned(),
    }
}

fn several(copies: &[&Copy]) -> String {
    let bytes = copies.iter().map(|copy| copy.size_bytes.0).fold(0_u64, u64::saturating_add);
    let drives: BTreeSet<DriveId> = copies.iter().map(|copy| copy.drive).collect();
    let cached = copies.iter().filter(|copy| copy.read_back == ReadBack::Cached).count();
    let weak = match cached {
        0 => "each was read back from the device".to_owned(),
        _ => format!("{cached} of them were read back perhaps from a cache"),
    };
    format!(
        "{} proven copies with {} bytes, on {} drive{}; {weak}.",
        grouped(copies.len() as u64),
        grouped(bytes),
        drives.len(),
        if drives.len() == 1 { "" } else { "s" }
    )
}

/// The copies that are not good any more.
fn faulty(bad: &[&Copy]) -> String {
    match bad {
        [] => String::new(),
        [copy] => {
            let fault = copy.fault.as_ref().map_or_else(String::new, |fault| clause(&fault.shown()));
            format!(" The copy on drive {} is not good any more: {fault}.", copy.drive)
        }
        many => format!(
            " {} copies are not good any more: they were found damaged, or their drives are lost or out of service.",
            grouped(many.len() as u64)
        ),
    }
}

fn purged(id: &str, purge: &Purge) -> String {
    let proposed = match &purge.proposed {
        Some(proposed) => format!(
            "{} proposed on {} to delete the server's own files of {} bookings, {} bytes (purge {id}).",
            quoted(&proposed.by),
            time(proposed.at),
            grouped(purge.bookings),
            grouped(purge.size_bytes.0)
        ),
        None => format!("nothing is said about who proposed purge {id}."),
    };
    let refused = purge.refused.as_ref().map(|refused| {
        format!(" {} refused it on {}: {}.", quoted(&refused.by), time(refused.at), clause(&refused.reason))
    });
    let approved = purge.approved.as_ref().map(|approved| {
        let is_same = purge.proposed.as_ref().is_some_and(|proposed| proposed.by == approved.by);
        let same = if is_same { ", with the name of who proposed it" } else { "" };
        format!(" {} approved it on {}{same}.", quoted(&approved.by), time(approved.at))
    });
    let agreed = match (approved, refused) {
        (None, None) => " Nobody approved it.".to_owned(),
        (approved, refused) => [approved, refused].into_iter().flatten().collect(),
    };
    format!("{proposed}{agreed}{}", deleted(purge))
}

fn deleted(purge: &Purge) -> String {
    let Some(run) = purge.runs.last() else {
        return if purge.purged.is_empty() { " It was not executed.".to_owned() } else { rested(purge) };
    };
    let end = match run.finished_at {
        Some(at) => format!(", and was done on {}; it left {} bookings", time(at), grouped(run.left)),
        None => ", and its end is not enclosed".to_owned(),
    };
    let whole = if purge.is_whole { ", all that were proposed" } else { "" };
    format!(
        " It was executed from {} on, for files that are proven on {} drives{end}. The files of {} bookings were \
         deleted{whole}.{}",
        time(run.at),
        run.drives_needed,
        grouped(purge.purged.len() as u64),
        rested(purge)
    )
}

fn rested(purge: &Purge) -> String {
    let weak = purge.purged.iter().filter(|file| !file.is_enough).count();
    match (purge.purged.len(), weak) {
        (0, _) => String::new(),
        (_, 0) => " Each deletion names enclosed proofs of copies on as many drives, all from before it.".to_owned(),
        (_, weak) => format!(
            " {} of these deletions do NOT name enclosed proofs of copies on as many drives.",
            grouped(weak as u64)
        ),
    }
}

/// What is left of the purged bookings.
fn copies_now(copies: &[Copy]) -> String {
    let (good, bad): (Vec<&Copy>, Vec<&Copy>) = copies.iter().partition(|copy| copy.fault.is_none());
    match &good[..] {
        [] if bad.is_empty() => String::new(),
        [] => format!(" No good copy of them is left.{}", faulty(&bad)),
        [copy] => format!(" One good copy is left, on drive {}.{}", copy.drive, faulty(&bad)),
        many => format!(" There are {}{}", several(many), faulty(&bad)),
    }
}

/// A name from outside between quotation marks that it cannot close.
fn quoted(name: &str) -> String {
    format!("“{}”", printable(name, NAME_CHARS * 2).replace(['“', '”'], "\""))
}

/// A text from outside, without its full stop.
fn clause(text: &str) -> String {
    printable(text.trim().trim_end_matches('.'), NAME_CHARS * 3)
}

pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
