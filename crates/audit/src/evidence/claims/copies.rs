//! The copies that events prove, and what was found of them since.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom_model::drive_state::{DriveState, Whereabouts};
use strongroom_model::event::{Found, ReadBack};
use strongroom_model::fold::Fold as _;
use strongroom_model::text::printable;
use strongroom_model::{BookingId, ByteCount, Digest, DriveId, Event, Position, Recorded, SubjectKind};

use super::words::{NAME_CHARS, time};
use crate::evidence::scope::{OfCopy, booking_of};
use crate::evidence::{Subject, read_back_in_words};

/// What proved a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvenBy {
    /// It was written and read back after the download.
    BackedUp,
    /// It was written from another drive and read back.
    Copied,
    /// It was read again.
    Checked,
    /// It was written anew, from another drive, and read back.
    Repaired,
}

impl ProvenBy {
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::BackedUp => "after the download",
            Self::Copied => "after it was copied from another drive",
            Self::Checked => "again, to check it",
            Self::Repaired => "after it was written anew from another drive",
        }
    }

    /// `None`: the event proves no copy.
    pub(super) const fn of(event: &Event) -> Option<(Self, ReadBack)> {
        match event {
            Event::TimesheetBackedUp(data) => Some((Self::BackedUp, data.read_back)),
            Event::CopyMade(data) => Some((Self::Copied, data.read_back)),
            Event::CopyProven(data) => Some((Self::Checked, data.read_back)),
            Event::CopyRepaired(data) => Some((Self::Repaired, data.read_back)),
            _ => None,
        }
    }
}

/// One copy, with its newest proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// The booking.
    pub booking: BookingId,
    /// The drive that holds the copy.
    pub drive: DriveId,
    /// The drive's label; `None`: no event of the pack names it.
    pub label: Option<String>,
    /// Where the drive is, by the newest event of the pack that says so; `None`: none does.
    pub place: Option<String>,
    /// The path below the drive's root.
    pub path: String,
    /// Its size.
    pub size_bytes: ByteCount,
    /// SHA-256 of what was read back: that of the first copy, which had the server's digest before the download.
    pub sha256: Digest,
    /// What proved it.
    pub proven_by: ProvenBy,
    /// The drive that it was written from, if it was.
    pub from: Option<DriveId>,
    /// How it was read back.
    pub read_back: ReadBack,
    /// When.
    pub proven_at: Timestamp,
    /// The position of the event that says so.
    pub position: Position,
    /// Why it is not good any more.
    pub fault: Option<Fault>,
}

/// Why a copy is not good any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What was found, or what became of the drive.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The position of the event that says so.
    pub position: Position,
}

impl Fault {
    fn new(recorded: &Recorded, reason: String) -> Self {
        Self { reason, at: recorded.time, position: recorded.position }
    }

    pub(crate) fn shown(&self) -> String {
        format!("{} ({}, #{})", printable(&self.reason, NAME_CHARS * 2), time(self.at), self.position)
    }
}

impl Copy {
    pub(crate) fn when(&self) -> String {
        time(self.proven_at)
    }

    pub(crate) fn path_shown(&self) -> String {
        printable(&self.path, NAME_CHARS * 2)
    }

    pub(crate) fn label_shown(&self) -> Option<String> {
        self.label.as_ref().map(|label| printable(label, NAME_CHARS))
    }

    pub(crate) fn place_shown(&self) -> Option<String> {
        self.place.as_ref().map(|place| printable(place, NAME_CHARS * 2))
    }

    pub(crate) const fn read_back_in_words(&self) -> &'static str {
        read_back_in_words(self.read_back)
    }

    pub(crate) const fn proven_in_words(&self) -> &'static str {
        self.proven_by.in_words()
    }
}

/// Each booking's copies of the content that was proven last, unless a later event took it back: enumerated anew, it has
/// none until the next proof.
pub(super) fn copies(subject: &Subject, events: &[Recorded]) -> Vec<Copy> {
    let mut ledger = Ledger::default();
    events.iter().for_each(|recorded| ledger.take(recorded));
    let bookings: BTreeSet<BookingId> = events.iter().filter_map(|recorded| booking_of(subject, recorded)).collect();
    let is_about = |copy: &Copy| match subject {
        Subject::Booking(id) => copy.booking == *id,
        Subject::File(digest) => copy.sha256 == *digest,
        Subject::Drive(drive) => copy.drive == *drive,
        Subject::Month(month) => crate::holdings::month_of(&copy.path) == Some(*month),
        Subject::Purge(_) => bookings.contains(&copy.booking),
    };
    let mut copies: Vec<Copy> = ledger.copies().into_iter().filter(is_about).collect();
    copies.sort_by_key(|copy| copy.position);
    copies
}

#[derive(Default)]
struct Ledger {
    /// The content that was proven last.
    current: BTreeMap<BookingId, Digest>,
    copies: BTreeMap<(BookingId, DriveId), BTreeMap<String, Copy>>,
    drives: BTreeMap<DriveId, (DriveState, Option<(Timestamp, Position)>)>,
}

impl Ledger {
    fn take(&mut self, recorded: &Recorded) {
        if recorded.stream.kind() == SubjectKind::Drive {
            return self.take_drive(recorded);
        }
        if let (Event::TimesheetEnumerated(_), Some(booking)) = (&recorded.event, recorded.stream.as_booking()) {
            self.take_back(&booking);
        }
        let Some(of) = OfCopy::of(recorded) else { return };
        if let Event::TimesheetBackedUp(_) = recorded.event {
            self.current.insert(of.booking.clone(), of.sha256.clone());
        }
        let on_drive = self.copies.entry((of.booking.clone(), of.drive)).or_default();
        if let Some(copy) = proven(recorded, &of) {
            on_drive.insert(of.sha256.hex(), copy);
        } else if let Event::CopyDamaged(data) = &recorded.event
            && let Some(copy) = on_drive.get_mut(&of.sha256.hex())
        {
            copy.fault = Some(Fault::new(recorded, found_in_words(&data.found)));
        }
    }

    /// The next proof may be on another drive; what has a stream of its own is there all the same.
    fn take_back(&mut self, booking: &BookingId) {
        self.current.remove(booking);
        for ((_, _), on_drive) in self.copies.iter_mut().filter(|((id, _), _)| id == booking) {
            on_drive.retain(|_, copy| copy.proven_by != ProvenBy::BackedUp);
        }
    }

    fn take_drive(&mut self, recorded: &Recorded) {
        let Ok(drive) = recorded.stream.id().parse() else { return };
        let (state, moved) = self.drives.remove(&drive).unwrap_or_default();
        let Ok(next) = state.clone().next(recorded) else {
            self.drives.insert(drive, (state, moved));
            return;
        };
        let is_moved = next.whereabouts != state.whereabouts;
        let moved = if is_moved { Some((recorded.time, recorded.position)) } else { moved };
        self.drives.insert(drive, (next, moved));
    }

    fn copies(self) -> Vec<Copy> {
        let (current, drives) = (self.current, self.drives);
        let is_current = |copy: &Copy| current.get(&copy.booking) == Some(&copy.sha256);
        let of_drive = |mut copy: Copy| {
            if let Some((state, moved)) = drives.get(&copy.drive) {
                copy.label.clone_from(&state.label);
                copy.place = (state.whereabouts != Whereabouts::Here).then(|| state.place());
                let reason = match (state.counts(), state.trusts(copy.position)) {
                    (true, true) => None,
                    (false, _) => Some(format!("its drive is {}", state.place())),
                    (true, false) => {
                        Some("its drive was lost or retired and came back, and it was not read since".to_owned())
                    }
                };
                let of_drive = reason.zip(*moved).map(|(reason, (at, position))| Fault { reason, at, position });
                copy.fault = copy.fault.or(of_drive);
            }
            copy
        };
        self.copies.into_values().flat_map(BTreeMap::into_values).filter(is_current).map(of_drive).collect()
    }
}

/// The copy that an event proves.
fn proven(recorded: &Recorded, of: &OfCopy<'_>) -> Option<Copy> {
    let (path, size_bytes, from) = match &recorded.event {
        Event::TimesheetBackedUp(data) => (&data.path, data.size_bytes, None),
        Event::CopyMade(data) | Event::CopyProven(data) | Event::CopyRepaired(data) => {
            (&data.path, data.size_bytes, data.from)
        }
        _ => return None,
    };
    let (proven_by, read_back) = ProvenBy::of(&recorded.event)?;
    Some(Copy {
        booking: of.booking.clone(),
        drive: of.drive,
        label: None,
        place: None,
        path: path.clone(),
        size_bytes,
        sha256: of.sha256.clone(),
        proven_by,
        from,
        read_back,
        proven_at: recorded.time,
        position: recorded.position,
        fault: None,
    })
}

fn found_in_words(found: &Found) -> String {
    match found {
        Found::Missing => "it is missing".to_owned(),
        Found::Differs { sha256, size_bytes } => format!("it has other content: {size_bytes}, {sha256}"),
        Found::Unreadable { reason } => format!("it cannot be read: {}", printable(reason, NAME_CHARS)),
    }
}
