//! What the log says about one booking, and which event says it.

use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::BackedUp;
use strongroom_model::{BookingId, Event, EventId, Fold, Recorded, Version};

use super::EventRef;

/// What the log says about one booking.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) id: BookingId,
    pub(super) booking: Booking,
    /// Its last event's version: whether more was appended meanwhile.
    pub(super) version: Version,
    pub(super) last: EventRef,
    pub(super) enumerated: Option<EventRef>,
    pub(super) archived: Option<EventRef>,
    /// All its proofs, also those of earlier copies.
    pub(super) proofs: Vec<(EventId, EventRef, BackedUp)>,
    was_archived: bool,
}

impl Told {
    /// `None`: it has no events.
    pub(super) fn of(id: &BookingId, history: &[Recorded]) -> Option<Self> {
        let last = history.last()?;
        let mut told = Self {
            id: id.clone(),
            booking: Booking::default(),
            version: last.version,
            last: last.into(),
            enumerated: None,
            archived: None,
            proofs: Vec::new(),
            was_archived: false,
        };
        history.iter().for_each(|recorded| told.take(recorded));
        Some(told)
    }

    fn take(&mut self, recorded: &Recorded) {
        // A verification reports an event that cannot follow.
        let Ok(next) = self.booking.clone().next(recorded) else { return };
        self.booking = next;
        match &recorded.event {
            Event::TimesheetEnumerated(_) => self.enumerated = Some(recorded.into()),
            Event::TimesheetBackedUp(proof) => self.proofs.push((recorded.id, recorded.into(), proof.clone())),
            Event::TimesheetArchived(_) | Event::TimesheetRestored(_) => {
                self.archived = Some(recorded.into());
                self.was_archived = true;
            }
            _ => {}
        }
    }

    /// What it says of the server's state, and the event that says it.
    pub(super) fn claim(&self) -> (&'static str, EventRef) {
        let label = match self.booking.phase {
            Phase::New => "given-back",
            Phase::Enumerated => "enumerated",
            Phase::Fetched => "fetched",
            Phase::BackedUp => "backed-up",
            Phase::Archived => "archived",
            Phase::Purged => "purged",
        };
        (label, self.archived.filter(|_| self.booking.phase == Phase::Archived).unwrap_or(self.last))
    }

    pub(super) fn was_proven(&self) -> bool {
        !self.proofs.is_empty()
    }

    pub(super) fn was_archived(&self) -> bool {
        self.was_archived
    }
}
