//! What follows from a pack's events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom_model::event::{BackedUp, ReadBack};
use strongroom_model::text::{grouped, printable};
use strongroom_model::{BookingId, ByteCount, Digest, DriveId, Event, Position, Recorded};

use super::{Subject, read_back_in_words};
use crate::sentence::sentence;

const NAME_CHARS: usize = 120;

/// One proven copy, as its event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// The booking.
    pub booking: BookingId,
    /// The drive that holds the copy.
    pub drive: DriveId,
    /// The drive's label; `None`: no event of the pack names it.
    pub label: Option<String>,
    /// The path below the drive's root.
    pub path: String,
    /// Its size.
    pub size_bytes: ByteCount,
    /// SHA-256 of what was read back: equal to the server's digest before the download.
    pub sha256: Digest,
    /// How it was read back.
    pub read_back: ReadBack,
    /// When.
    pub proven_at: Timestamp,
    /// The position of the event that says so.
    pub position: Position,
}

impl Copy {
    pub(super) fn when(&self) -> String {
        time(self.proven_at)
    }

    pub(super) fn path_shown(&self) -> String {
        printable(&self.path, NAME_CHARS * 2)
    }

    pub(super) fn label_shown(&self) -> Option<String> {
        self.label.as_ref().map(|label| printable(label, NAME_CHARS))
    }

    pub(super) const fn read_back_in_words(&self) -> &'static str {
        read_back_in_words(self.read_back)
    }
}

/// An event in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its position.
    pub position: Position,
    /// When it happened.
    pub time: Timestamp,
    /// Who caused it.
    pub actor: String,
    /// What happened.
    pub sentence: String,
}

impl Entry {
    pub(super) fn when(&self) -> String {
        time(self.time)
    }
}

/// What a pack says of its events.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) sentence: String,
    pub(super) copies: Vec<Copy>,
    pub(super) story: Vec<Entry>,
}

impl Claims {
    /// From the events by position.
    pub(super) fn of(subject: &Subject, events: &[Recorded]) -> Self {
        let copies = copies(subject, events);
        let story = events.iter().map(entry).collect();
        let sentence = summed_up(subject, events, &copies);
        Self { sentence, copies, story }
    }
}

fn entry(recorded: &Recorded) -> Entry {
    Entry {
        position: recorded.position,
        time: recorded.time,
        actor: recorded.actor.to_string(),
        sentence: sentence(recorded),
    }
}

/// Of each booking the newest proof, unless a later event took it back: enumerated anew, its copy counts no more.
fn copies(subject: &Subject, events: &[Recorded]) -> Vec<Copy> {
    let mut labels: BTreeMap<DriveId, &str> = BTreeMap::new();
    let mut newest: BTreeMap<BookingId, (&Recorded, &BackedUp)> = BTreeMap::new();
    for recorded in events {
        match (&recorded.event, recorded.stream.as_booking()) {
            (Event::DriveInitialised(data), _) => {
                if let Ok(drive) = recorded.stream.id().parse() {
                    labels.insert(drive, &data.label);
                }
            }
            (Event::TimesheetBackedUp(data), Some(booking)) => drop(newest.insert(booking, (recorded, data))),
            (Event::TimesheetEnumerated(_), Some(booking)) => drop(newest.remove(&booking)),
            _ => {}
        }
    }
    let mut copies: Vec<Copy> = newest
        .into_iter()
        .filter(|(booking, (_, data))| match subject {
            Subject::Booking(id) => booking == id,
            _ => is_about(subject, data),
        })
        .map(|(booking, (recorded, data))| Copy {
            booking,
            drive: data.drive,
            label: labels.get(&data.drive).map(|label| (*label).to_owned()),
            path: data.path.clone(),
            size_bytes: data.size_bytes,
            sha256: data.sha256.clone(),
            read_back: data.read_back,
            proven_at: recorded.time,
            position: recorded.position,
        })
        .collect();
    copies.sort_by_key(|copy| copy.position);
    copies
}

/// Whether a proof is of what the pack is about.
pub(super) fn is_about(subject: &Subject, proof: &BackedUp) -> bool {
    match subject {
        Subject::Booking(_) => true,
        Subject::File(digest) => proof.sha256 == *digest,
        Subject::Drive(drive) => proof.drive == *drive,
        Subject::Month(month) => proof.month == *month,
    }
}

fn summed_up(subject: &Subject, events: &[Recorded], copies: &[Copy]) -> String {
    let what = match subject {
        Subject::Booking(id) => format!("booking {id}"),
        Subject::File(digest) => format!("the file with {digest}"),
        Subject::Drive(drive) => format!("drive {drive}"),
        Subject::Month(month) => format!("the month {month}"),
    };
    let last = events.last().map_or(Position(0), |last| last.position);
    let known = match events.len() {
        1 => format!("By the one enclosed event, at position {last}"),
        count => format!("By the {count} enclosed events, the last at position {last}"),
    };
    match copies {
        [] => format!("{known}, no copy of {what} is proven. There may be other events."),
        [copy] => {
            let of_booking =
                if let Subject::Booking(_) = subject { String::new() } else { format!(" (booking {})", copy.booking) };
            format!("{known}, {what}{of_booking} has a proven copy: {} {}", one(copy), after(events, copy))
        }
        many => format!("{known}, {what} has at least {}", several(many)),
    }
}

fn one(copy: &Copy) -> String {
    let drive = match &copy.label {
        Some(label) => format!("{} ({})", quoted(label), copy.drive),
        None => copy.drive.to_string(),
    };
    format!(
        "{} bytes on drive {drive}, at {}. On {} it was read back {}, and it had the digest that the server held before \
         the download.",
        grouped(copy.size_bytes.0),
        quoted(&copy.path),
        time(copy.proven_at),
        read_back_in_words(copy.read_back)
    )
}

/// What became of the server's own file after the proof.
fn after(events: &[Recorded], copy: &Copy) -> String {
    let booking = Some(&copy.booking);
    let later =
        |recorded: &&Recorded| recorded.position > copy.position && recorded.stream.as_booking().as_ref() == booking;
    let last = events
        .iter()
        .filter(later)
        .rfind(|recorded| matches!(recorded.event, Event::TimesheetArchived(_) | Event::TimesheetPurged(_)));
    match last.map(|recorded| (&recorded.event, recorded.time)) {
        Some((Event::TimesheetArchived(data), at)) => {
            format!("On {} the server moved its own file to {}.", time(at), quoted(&data.path))
        }
        Some((_, at)) => format!("On {} the server's own file was purged.", time(at)),
        None => "These events do not say what became of the server's own file.".to_owned(),
    }
}

fn several(copies: &[Copy]) -> String {
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

/// A name from outside between quotation marks that it cannot close.
fn quoted(name: &str) -> String {
    format!("“{}”", printable(name, NAME_CHARS * 2).replace(['“', '”'], "\""))
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
