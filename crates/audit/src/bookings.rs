//! Every booking as it was, from the events alone.

use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError, Stored};
use strongroom_model::booking::Booking;
use strongroom_model::{BookingId, Fold, Position, Recorded, StreamName, Version};

use crate::booking_state::BookingState;
use crate::listed::{each_event, next_events};
use crate::page::{Horizon, Page, PageRequest, ViewError};

/// A booking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BookingEntry {
    /// Its first event's position.
    pub position: Position,
    /// Its state.
    #[serde(flatten)]
    pub state: BookingState,
}

/// A page of the bookings, in the order in which runs claimed them first. Bookings whose first event is unreadable are
/// left out.
///
/// # Errors
/// The log does not reach `as_of`, or cannot be read.
pub async fn bookings(log: &EventLog, request: &PageRequest) -> Result<Page<BookingEntry>, ViewError> {
    let horizon = Horizon::of(log, request.as_of).await?;
    let limit = request.entries();
    let mut next = request.after.map_or(Position(0), |cursor| cursor.0.next());
    let mut found: Vec<(Position, BookingId)> = Vec::new();
    // One more: is there another page?
    while horizon.includes(next) && found.len() <= limit {
        found.extend(begun(log, &mut next, horizon).await?);
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    let after = found.last().filter(|_| has_more).map(|(position, _)| *position);
    Ok(horizon.page(log, states(log, horizon, found).await?, after))
}

/// The bookings that begin with the next events, of which `next` moves behind.
pub(crate) async fn begun(
    log: &EventLog,
    next: &mut Position,
    horizon: Horizon,
) -> Result<Vec<(Position, BookingId)>, LogError> {
    let events = next_events(log, next, horizon.end).await?;
    Ok(events.iter().filter_map(|stored| begins(log, stored)).collect())
}

/// Most events are not a booking's first, and are not parsed.
fn begins(log: &EventLog, stored: &Stored) -> Option<(Position, BookingId)> {
    let may_begin = stored.body.contains("\"subject\":\"booking/") && stored.body.contains("\"version\":0");
    let recorded = may_begin.then(|| log.readable(stored)).flatten()?;
    let id = recorded.stream.as_booking().filter(|_| recorded.version == Version(0))?;
    Some((stored.position, id))
}

async fn states(
    log: &EventLog,
    horizon: Horizon,
    begun: Vec<(Position, BookingId)>,
) -> Result<Vec<BookingEntry>, LogError> {
    let names: Vec<_> = begun.iter().map(|(_, id)| StreamName::booking(id)).collect();
    let mut streams = if names.is_empty() { Default::default() } else { log.readable_streams(&names).await? };
    let mut entries = Vec::with_capacity(begun.len());
    for ((position, id), name) in begun.into_iter().zip(&names) {
        let mut booking = Booking::default();
        let mut take = |recorded: &Recorded| {
            // A verification reports an event that cannot follow.
            booking = booking.clone().next(recorded).unwrap_or_else(|_| booking.clone());
        };
        match streams.remove(name) {
            Some(history) => history.iter().filter(|one| horizon.includes(one.position)).for_each(&mut take),
            // Something in it is unreadable: what can be read counts.
            None => each_event(log, name, horizon, &mut take).await?,
        }
        entries.push(BookingEntry { position, state: BookingState::of(&id, &booking) });
    }
    Ok(entries)
}
