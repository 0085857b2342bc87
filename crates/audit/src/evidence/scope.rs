//! Which events a pack about a subject holds.

use std::collections::BTreeSet;

use strongroom_model::{BookingId, Digest, DriveId, Event, Month, PurgeId, Recorded, StreamName, SubjectKind};

use super::Subject;
use crate::holdings::month_of;

/// What an event says about a copy: whose, where and of what.
pub(super) struct OfCopy<'a> {
    pub(super) booking: BookingId,
    pub(super) drive: DriveId,
    pub(super) sha256: &'a Digest,
    month: Option<Month>,
}

impl<'a> OfCopy<'a> {
    /// `None`: it says nothing about a copy, or is not in the stream of the copy that it names.
    pub(super) fn of(recorded: &'a Recorded) -> Option<Self> {
        let (booking, drive, sha256, path) = match &recorded.event {
            Event::TimesheetBackedUp(data) => {
                let booking = recorded.stream.as_booking()?;
                return Some(Self { booking, drive: data.drive, sha256: &data.sha256, month: Some(data.month) });
            }
            Event::CopyMade(data) | Event::CopyProven(data) | Event::CopyRepaired(data) => {
                (&data.booking, data.drive, &data.sha256, &data.path)
            }
            Event::CopyDamaged(data) => (&data.booking, data.drive, &data.sha256, &data.path),
            Event::CopyRestored(data) => (&data.booking, data.drive, &data.sha256, &data.path),
            _ => return None,
        };
        let is_there = recorded.stream == StreamName::copy(drive, booking, sha256);
        is_there.then(|| Self { booking: booking.clone(), drive, sha256, month: month_of(path) })
    }

    /// Whether the subject is this copy's booking, file, drive or month.
    pub(super) fn is_about(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Booking(id) => self.booking == *id,
            Subject::File(digest) => self.sha256 == digest,
            Subject::Drive(drive) => self.drive == *drive,
            Subject::Month(month) => self.month == Some(*month),
            Subject::Purge(_) => false,
        }
    }
}

/// The booking that this event makes a part of a pack.
pub(super) fn booking_of(subject: &Subject, recorded: &Recorded) -> Option<BookingId> {
    match subject {
        Subject::Purge(id) => purged_by(recorded, id),
        _ => OfCopy::of(recorded).filter(|of| of.is_about(subject)).map(|of| of.booking),
    }
}

/// The booking whose file that purge deleted, by this event.
pub(super) fn purged_by(recorded: &Recorded, purge: &PurgeId) -> Option<BookingId> {
    match &recorded.event {
        Event::TimesheetPurged(data) if data.purge == purge.as_str() => recorded.stream.as_booking(),
        _ => None,
    }
}

/// Whether a drive's event is part of a pack: who it is, where it is, and whether its copies count.
pub(super) const fn is_about_drive(event: &Event) -> bool {
    matches!(
        event,
        Event::DriveInitialised(_)
            | Event::DriveAdopted(_)
            | Event::DriveIdentityRestored(_)
            | Event::DriveHandedOver(_)
            | Event::DriveReturned(_)
            | Event::DriveRetired(_)
            | Event::DriveLost(_)
    )
}

/// The streams that a pack may hold events of, as its events say.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    subject: &'a Subject,
    bookings: BTreeSet<BookingId>,
    drives: BTreeSet<DriveId>,
}

impl<'a> Scope<'a> {
    pub(super) fn of(subject: &'a Subject, events: &[Recorded]) -> Self {
        let mut scope = Self { subject, bookings: BTreeSet::new(), drives: BTreeSet::new() };
        if let Subject::Booking(id) = subject {
            scope.bookings.insert(id.clone());
        }
        if let Subject::Drive(drive) = subject {
            scope.drives.insert(*drive);
        }
        scope.bookings.extend(events.iter().filter_map(|recorded| booking_of(subject, recorded)));
        let copies = events.iter().filter_map(OfCopy::of).filter(|of| scope.bookings.contains(&of.booking));
        let drives: BTreeSet<DriveId> = copies.map(|of| of.drive).filter(|drive| scope.takes_drive(*drive)).collect();
        scope.drives.extend(drives);
        scope
    }

    /// Evidence about a drive has no other drives' copies.
    fn takes_drive(&self, drive: DriveId) -> bool {
        !matches!(self.subject, Subject::Drive(only) if *only != drive)
    }

    pub(super) fn holds(&self, recorded: &Recorded) -> bool {
        let stream = &recorded.stream;
        match stream.kind() {
            SubjectKind::Booking => stream.as_booking().is_some_and(|id| self.bookings.contains(&id)),
            SubjectKind::Copy => {
                OfCopy::of(recorded).is_some_and(|of| self.bookings.contains(&of.booking) && self.takes_drive(of.drive))
            }
            SubjectKind::Drive => {
                is_about_drive(&recorded.event) && stream.id().parse().is_ok_and(|id| self.drives.contains(&id))
            }
            SubjectKind::Purge => matches!(self.subject, Subject::Purge(id) if *stream == StreamName::purge(id)),
            _ => false,
        }
    }

    /// Whether there is an event about the subject itself.
    pub(super) fn is_found(&self, events: &[Recorded]) -> bool {
        match self.subject {
            Subject::Purge(id) => events.iter().any(|recorded| recorded.stream == StreamName::purge(id)),
            Subject::Drive(_) => !events.is_empty(),
            _ => events.iter().any(|recorded| recorded.stream.kind() == SubjectKind::Booking),
        }
    }
}
