//! What happened, told from the log alone.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::booking::Booking;
use strongroom_model::{Actor, BookingCounts, BookingId, Fold, Position, Recorded, SiteId, StreamName, Version};

use crate::as_of::AsOf;
use crate::life::Life;
use crate::sentence::sentence;
use crate::world::World;

/// How many events are read at a time: a few hundred KiB.
pub(crate) const PAGE_EVENTS: usize = 500;

/// What is replayed.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Up to where; the whole log where it is absent.
    pub as_of: Option<AsOf>,
    /// One booking only.
    pub booking: Option<BookingId>,
}

/// One event, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its place in the log.
    pub position: Position,
    /// Its place in its stream.
    pub version: Version,
    /// When it happened.
    pub time: Timestamp,
    /// Its stream.
    pub stream: StreamName,
    /// Who did it.
    pub actor: Actor,
    /// The CloudEvents type.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// What happened, in one sentence.
    pub sentence: String,
    /// Why it cannot follow what came before, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub illegal: Option<String>,
}

/// How everything stands at the end of a replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ending {
    /// Whose log it is.
    pub site: SiteId,
    /// How many events were folded.
    pub events: u64,
    /// The last event's position; absent where there was none.
    pub position: Option<Position>,
    /// The last event's time.
    pub time: Option<Timestamp>,
    /// How the bookings stand.
    pub bookings: BookingCounts,
    /// The one booking, if one was asked for and the log knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking: Option<Life>,
    /// How many events cannot follow what came before them.
    pub illegal: u64,
}

/// A replay under way: pages of steps, then the ending.
#[derive(Debug)]
pub struct Replay {
    log: EventLog,
    query: Query,
    next: Position,
    /// The one booking's events, where only these are replayed.
    stream: Option<VecDeque<Recorded>>,
    over: bool,
    world: World,
    booking: Booking,
    events: u64,
    illegal: u64,
    last: Option<(Position, Timestamp)>,
}

impl Replay {
    /// A replay from the log's beginning.
    ///
    /// # Errors
    /// The booking's stream cannot be read.
    pub async fn start(log: &EventLog, query: Query) -> Result<Self, LogError> {
        let stream = match &query.booking {
            Some(id) => Some(log.stream(&StreamName::booking(id)).await?.into()),
            None => None,
        };
        Ok(Self {
            log: log.clone(),
            query,
            next: Position(0),
            stream,
            over: false,
            world: World::default(),
            booking: Booking::default(),
            events: 0,
            illegal: 0,
            last: None,
        })
    }

    /// The next steps; none at the end.
    ///
    /// # Errors
    /// The log cannot be read, or holds what is not an event.
    pub async fn page(&mut self) -> Result<Vec<Step>, LogError> {
        let mut steps = Vec::new();
        for recorded in self.read().await? {
            if self.over || self.query.as_of.is_some_and(|as_of| !as_of.includes(&recorded)) {
                self.over = true;
                break;
            }
            steps.push(self.step(&recorded));
        }
        Ok(steps)
    }

    /// How everything stands after the steps so far.
    #[must_use]
    pub fn ending(&self) -> Ending {
        let life = self.query.booking.as_ref().filter(|_| self.events > 0);
        Ending {
            site: self.log.site().clone(),
            events: self.events,
            position: self.last.map(|(position, _)| position),
            time: self.last.map(|(_, time)| time),
            bookings: self.world.bookings(),
            booking: life.map(|id| Life::of(id, &self.booking)),
            illegal: self.illegal,
        }
    }

    async fn read(&mut self) -> Result<Vec<Recorded>, LogError> {
        if self.over {
            return Ok(Vec::new());
        }
        if let Some(stream) = &mut self.stream {
            return Ok(stream.drain(..).collect());
        }
        let page = self.log.read(self.next, PAGE_EVENTS).await?;
        self.next = page.last().map_or(self.next, |last| last.position.next());
        page.iter().map(strongroom_eventlog::Stored::decode).collect()
    }

    fn step(&mut self, recorded: &Recorded) -> Step {
        let illegal = self.world.apply(recorded).err().map(|misfit| misfit.to_string());
        if self.query.booking.is_some() && illegal.is_none() {
            // The world keeps little of a finished booking; the one that was asked for is
            // shown in full. It is legal, or the world would have refused it.
            self.booking = self.booking.clone().next(recorded).unwrap_or_else(|_| self.booking.clone());
        }
        self.events += 1;
        self.illegal += u64::from(illegal.is_some());
        self.last = Some((recorded.position, recorded.time));
        Step {
            position: recorded.position,
            version: recorded.version,
            time: recorded.time,
            stream: recorded.stream.clone(),
            actor: recorded.actor.clone(),
            type_name: recorded.event.type_name(),
            sentence: sentence(recorded),
            illegal,
        }
    }
}

#[cfg(test)]
mod tests;
