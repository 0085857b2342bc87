//! A copy's life: one content of one booking on one drive.

use jiff::Timestamp;

use crate::envelope::Recorded;
use crate::event::{CopyDamaged, CopyProven, Event, Found, ReadBack};
use crate::fold::{Fold, IllegalTransition};
use crate::id::EventId;
use crate::quantity::Position;

/// The newest proof of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyEvidence {
    /// Its event.
    pub event: EventId,
    /// Where the log has it.
    pub position: Position,
    /// When.
    pub time: Timestamp,
    /// How it was read back.
    pub read_back: ReadBack,
}

/// A copy's state, as its own stream tells it: the pipeline's first proof is in the booking's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Copy {
    /// Where it lies, as last read.
    pub path: Option<String>,
    /// The newest proof; none is left once it is damaged.
    pub evidence: Option<CopyEvidence>,
    /// What was found instead of it.
    pub damage: Option<Found>,
    /// When it last changed.
    pub changed_at: Option<Timestamp>,
}

impl Copy {
    fn proven(&mut self, event: &Recorded, data: &CopyProven) {
        self.path = Some(data.path.clone());
        self.evidence = Some(CopyEvidence {
            event: event.id,
            position: event.position,
            time: event.time,
            read_back: data.read_back,
        });
        self.damage = None;
    }

    fn damaged(&mut self, data: &CopyDamaged) {
        self.path = Some(data.path.clone());
        self.evidence = None;
        self.damage = Some(data.found.clone());
    }
}

impl Fold for Copy {
    fn next(mut self, event: &Recorded) -> Result<Self, IllegalTransition> {
        match &event.event {
            Event::CopyMade(data) | Event::CopyProven(data) | Event::CopyRepaired(data) => self.proven(event, data),
            Event::CopyDamaged(data) => self.damaged(data),
            Event::CopyRestored(_) => {}
            other => return Err(self.refuse(other)),
        }
        self.changed_at = Some(event.time);
        Ok(self)
    }

    fn describe(&self) -> String {
        match (&self.evidence, &self.damage) {
            (_, Some(_)) => "a damaged copy",
            (Some(_), None) => "a proven copy",
            (None, None) => "a copy",
        }
        .to_owned()
    }

    fn attempt(&self) -> u32 {
        1
    }
}
