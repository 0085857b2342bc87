//! The whole log, event by event.

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{BookingCounts, Position, SiteId};

use crate::booking_state::BookingState;
use crate::entry::EventEntry;
use crate::listed::next_events;
use crate::replay_state::ReplayState;

/// The counts after a replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayTotals {
    /// Whose log it is.
    pub site: SiteId,
    /// Events that were replayed.
    pub events: u64,
    /// The last event's position.
    pub position: Option<Position>,
    /// The last event's time.
    pub time: Option<Timestamp>,
    /// Bookings by status.
    pub bookings: BookingCounts,
    /// The booking, where only one is replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking: Option<BookingState>,
    /// Events that cannot follow what came before.
    pub illegal: u64,
}

/// A replay in pages of events. [`crate::Story`] is about one subject.
#[derive(Debug)]
pub struct Replay {
    log: EventLog,
    next: Position,
    end: Position,
    state: ReplayState,
    events: u64,
    illegal: u64,
    last: Option<(Position, Timestamp)>,
}

impl Replay {
    /// A replay of the first `size` events; of all, also of those appended meanwhile, if `None`.
    #[must_use]
    pub fn start(log: &EventLog, size: Option<u64>) -> Self {
        Self {
            log: log.clone(),
            next: Position(0),
            end: Position(size.unwrap_or(u64::MAX)),
            state: ReplayState::default(),
            events: 0,
            illegal: 0,
            last: None,
        }
    }

    /// The next events; none at the end.
    ///
    /// # Errors
    /// The log cannot be read, or holds what this version cannot read as an event.
    pub async fn page(&mut self) -> Result<Vec<EventEntry>, LogError> {
        let mut entries = Vec::new();
        for stored in &next_events(&self.log, &mut self.next, self.end).await? {
            let recorded = stored.decode()?;
            let (mut entry, _) = EventEntry::of(stored)?;
            entry.illegal = self.state.apply(&recorded).err().map(|error| error.to_string());
            self.events += 1;
            self.illegal += u64::from(entry.illegal.is_some());
            self.last = Some((recorded.position, recorded.time));
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The counts after the events so far.
    #[must_use]
    pub fn totals(&self) -> ReplayTotals {
        ReplayTotals {
            site: self.log.site().clone(),
            events: self.events,
            position: self.last.map(|(position, _)| position),
            time: self.last.map(|(_, time)| time),
            bookings: self.state.bookings(),
            booking: None,
            illegal: self.illegal,
        }
    }
}

#[cfg(test)]
mod tests;
