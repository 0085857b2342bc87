//! Where a drive is, and whether its copies count.

use jiff::Timestamp;

use crate::envelope::Recorded;
use crate::event::{DriveHandedOver, DriveReturned, Event};
use crate::fold::{Fold, IllegalTransition};
use crate::quantity::Position;

/// Where a drive is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whereabouts {
    /// At the backup site.
    #[default]
    Here,
    /// It came back.
    Returned(DriveReturned),
    /// Somebody has it.
    HandedOver(DriveHandedOver),
    /// It is out of service.
    Retired {
        /// Why.
        reason: String,
    },
    /// It is lost.
    Lost {
        /// What happened.
        reason: String,
    },
}

/// A drive's state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriveState {
    /// Its label, if the log knows it.
    pub label: Option<String>,
    /// Where it is.
    pub whereabouts: Whereabouts,
    /// Since when it is there.
    pub since: Option<Timestamp>,
    /// When it was first known.
    pub known_since: Option<Timestamp>,
    /// When it was last used for writing.
    pub used_at: Option<Timestamp>,
    /// Where the log has its return after it had been lost or retired: nobody knows what was done to it until then.
    pub came_back: Option<Position>,
}

impl DriveState {
    /// Whether its copies count as copies.
    #[must_use]
    pub const fn counts(&self) -> bool {
        !matches!(self.whereabouts, Whereabouts::Retired { .. } | Whereabouts::Lost { .. })
    }

    /// Whether a proof at that position still says something: the drive was in our hands ever since.
    #[must_use]
    pub fn trusts(&self, proof: Position) -> bool {
        self.came_back.is_none_or(|back| proof > back)
    }

    /// Where it is, in words.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.whereabouts {
            Whereabouts::Here => "at the backup site".to_owned(),
            Whereabouts::Returned(data) => format!("back, at {}", data.place),
            Whereabouts::HandedOver(data) => format!("with {}, at {}", data.to, data.place),
            Whereabouts::Retired { reason } => format!("retired: {reason}"),
            Whereabouts::Lost { reason } => format!("lost: {reason}"),
        }
    }
}

impl Fold for DriveState {
    fn next(mut self, event: &Recorded) -> Result<Self, IllegalTransition> {
        let whereabouts = match &event.event {
            Event::DriveInitialised(data) => {
                self.label = Some(data.label.clone());
                None
            }
            Event::DriveUsed(_) | Event::DriveAdopted(_) => {
                self.used_at = Some(event.time);
                None
            }
            Event::DriveHandedOver(data) => Some(Whereabouts::HandedOver(data.clone())),
            Event::DriveReturned(data) => {
                if !self.counts() {
                    self.came_back = Some(event.position);
                }
                Some(Whereabouts::Returned(data.clone()))
            }
            Event::DriveRetired(data) => Some(Whereabouts::Retired { reason: data.reason.clone() }),
            Event::DriveLost(data) => Some(Whereabouts::Lost { reason: data.reason.clone() }),
            Event::DriveAttached(_)
            | Event::DriveIdentityRestored(_)
            | Event::WorkAttemptFailed(_)
            | Event::WorkFailed(_)
            | Event::WorkHeld(_) => None,
            other => return Err(self.refuse(other)),
        };
        if let Some(whereabouts) = whereabouts {
            self.whereabouts = whereabouts;
            self.since = Some(event.time);
        }
        self.known_since = self.known_since.or(Some(event.time));
        Ok(self)
    }

    fn describe(&self) -> String {
        "a drive".to_owned()
    }

    fn attempt(&self) -> u32 {
        1
    }
}
