//! The whole log, event by event.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError, Stored};
use strongroom_model::{BookingCounts, Position, Recorded, SiteId};
use tokio::task::{JoinError, JoinHandle};

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
///
/// The next page is read while this one is parsed, on two threads; the fold is one, in the log's order.
#[derive(Debug)]
pub struct Replay {
    log: EventLog,
    next: Position,
    end: Position,
    ahead: Option<JoinHandle<Result<Vec<Stored>, LogError>>>,
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
            ahead: None,
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
        let page = self.read().await?;
        let parsed = in_halves(page, |stored| {
            let (entry, recorded) = EventEntry::of(stored)?;
            Ok((entry, recorded.map_or_else(|| stored.decode(), Ok)?))
        });
        let mut entries = Vec::new();
        for (mut entry, recorded) in parsed.await? {
            entry.illegal = self.apply(&recorded);
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Goes on to the end of the log, and makes entries only of events that cannot follow what came before; none at the
    /// end.
    ///
    /// # Errors
    /// As [`page`](Self::page).
    pub async fn illegal_page(&mut self) -> Result<Vec<EventEntry>, LogError> {
        loop {
            let page = self.read().await?;
            if page.is_empty() {
                return Ok(Vec::new());
            }
            let page = Arc::new(page);
            let mut entries = Vec::new();
            for (stored, recorded) in page.iter().zip(in_halves_of(&page, Stored::decode).await?) {
                if let Some(illegal) = self.apply(&recorded) {
                    let (entry, _) = EventEntry::of(stored)?;
                    entries.push(EventEntry { illegal: Some(illegal), ..entry });
                }
            }
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<Stored>, LogError> {
        let page = match self.ahead.take() {
            Some(ahead) => joined(ahead.await)?,
            None => read(self.log.clone(), self.next, self.end).await?,
        };
        let Some(last) = page.last() else { return Ok(page) };
        self.next = last.position.next();
        self.ahead = Some(tokio::spawn(read(self.log.clone(), self.next, self.end)));
        Ok(page)
    }

    /// Why the event cannot follow what came before, if it cannot.
    fn apply(&mut self, recorded: &Recorded) -> Option<String> {
        let illegal = self.state.apply(recorded).err().map(|error| error.to_string());
        self.events += 1;
        self.illegal += u64::from(illegal.is_some());
        self.last = Some((recorded.position, recorded.time));
        illegal
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

impl Drop for Replay {
    fn drop(&mut self) {
        if let Some(ahead) = &self.ahead {
            ahead.abort();
        }
    }
}

async fn read(log: EventLog, mut next: Position, end: Position) -> Result<Vec<Stored>, LogError> {
    next_events(&log, &mut next, end).await
}

/// What each event is parsed as, in their order.
async fn in_halves<T: Send + 'static>(
    page: Vec<Stored>,
    parse: fn(&Stored) -> Result<T, LogError>,
) -> Result<Vec<T>, LogError> {
    in_halves_of(&Arc::new(page), parse).await
}

/// As [`in_halves`], of a page that is needed afterwards.
async fn in_halves_of<T: Send + 'static>(
    page: &Arc<Vec<Stored>>,
    parse: fn(&Stored) -> Result<T, LogError>,
) -> Result<Vec<T>, LogError> {
    let middle = page.len() / 2;
    let half = |range: std::ops::Range<usize>| {
        let page = Arc::clone(page);
        tokio::task::spawn_blocking(move || page[range].iter().map(parse).collect::<Result<Vec<T>, LogError>>())
    };
    let (first, second) = (half(0..middle), half(middle..page.len()));
    let mut parsed = joined(first.await)?;
    parsed.extend(joined(second.await)?);
    Ok(parsed)
}

fn joined<T>(joined: Result<T, JoinError>) -> T {
    joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

#[cfg(test)]
mod tests;
