//! The stored events themselves, byte for byte.

use strongroom_eventlog::{EventLog, LogError, Stored};
use strongroom_model::Position;

use crate::listed::next_events;

/// An export under way: pages of stored events, by position, up to where the log ended
/// when the export began.
#[derive(Debug)]
pub struct Export {
    log: EventLog,
    next: Position,
    end: Position,
}

impl Export {
    /// An export from a position on.
    ///
    /// # Errors
    /// The log's head cannot be read.
    pub async fn start(log: &EventLog, from: Position) -> Result<Self, LogError> {
        let end = Position(log.head().await?.size);
        Ok(Self { log: log.clone(), next: from, end })
    }

    /// The next events; none at the end.
    ///
    /// # Errors
    /// The log cannot be read, or a position is missing.
    pub async fn page(&mut self) -> Result<Vec<Stored>, LogError> {
        next_events(&self.log, &mut self.next, self.end).await
    }
}
