use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{BookingStatus, Event, Position, Recorded, StreamName, SubjectKind, Version};

use super::PAGE;
use super::attention::Attention;

const OPEN: [BookingStatus; 4] =
    [BookingStatus::Enumerated, BookingStatus::Fetched, BookingStatus::BackedUp, BookingStatus::NeedsAttention];

/// Bookings in progress, by the next step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Claimed {
    /// To be fetched, for the first time or again.
    pub to_fetch: u64,
    /// To be read back.
    pub to_prove: u64,
    /// Proven, to be marked on the server.
    pub to_tell: u64,
    /// How many of them wait for a retry.
    pub retrying: u64,
}

impl Claimed {
    pub(crate) const fn total(&self) -> u64 {
        self.to_fetch + self.to_prove + self.to_tell
    }

    pub(crate) const fn unproven(&self) -> u64 {
        self.to_fetch + self.to_prove
    }
}

/// Counts each booking once, by its last event before the position.
struct Census {
    to: Position,
    claimed: Claimed,
    attention: Attention,
    counted: Counted,
}

/// By hash: a million may be open. A collision is improbable, since the key is random, and would only make a mail count
/// one less.
#[derive(Default)]
struct Counted {
    hashes: HashSet<u64>,
    hashing: RandomState,
}

impl Counted {
    fn holds(&self, stream: &StreamName) -> bool {
        self.hashes.contains(&self.hashing.hash_one(stream))
    }

    /// Whether it is new.
    fn add(&mut self, stream: &StreamName) -> bool {
        self.hashes.insert(self.hashing.hash_one(stream))
    }
}

/// Subjects at `to`: those unchanged since, and those changed since that were open before. One that changes
/// between the two passes is found by both and counted once; none is missed, since the second reads up to the log's end
/// after the first.
pub(super) async fn at(log: &EventLog, to: Position) -> Result<(Claimed, Attention), LogError> {
    let mut census =
        Census { to, claimed: Claimed::default(), attention: Attention::default(), counted: Counted::default() };
    for status in OPEN {
        census.unmoved(log, SubjectKind::Booking, status).await?;
    }
    for kind in SubjectKind::ALL.iter().copied().filter(|kind| *kind != SubjectKind::Booking) {
        census.unmoved(log, kind, BookingStatus::NeedsAttention).await?;
    }
    census.moved(log).await?;
    census.attention.name_files(log, to).await?;
    Ok((census.claimed, census.attention))
}

impl Census {
    async fn unmoved(&mut self, log: &EventLog, kind: SubjectKind, status: BookingStatus) -> Result<(), LogError> {
        let (mut from, to) = (Position(0), self.to);
        while from < to {
            let page = log.with_status(kind, status.label(), from, PAGE).await?;
            for last in page.iter().take_while(|last| last.position < to).filter_map(|last| log.readable(last)) {
                self.count(&last);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => from = last.position.next(),
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    async fn moved(&mut self, log: &EventLog) -> Result<(), LogError> {
        let end = log.head().await?.size;
        let mut from = self.to;
        while from.0 < end {
            let page = log.read(from, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            from = last.position.next();
            let mut moved = Vec::new();
            for event in page.iter().filter_map(|stored| log.readable(stored)) {
                // Streams that began since were not open.
                if event.version > Version(0) {
                    moved.push(event.stream);
                }
            }
            self.before(log, moved).await?;
        }
        Ok(())
    }

    async fn before(&mut self, log: &EventLog, mut streams: Vec<StreamName>) -> Result<(), LogError> {
        streams.retain(|stream| !self.counted.holds(stream));
        streams.sort_unstable();
        streams.dedup();
        for history in log.readable_streams(&streams).await?.into_values() {
            if let Some(last) = history.iter().rev().find(|event| event.position < self.to) {
                self.count(last);
            }
        }
        Ok(())
    }

    fn count(&mut self, last: &Recorded) {
        let status = match &last.event {
            Event::WorkFailed(failed) if failed.stage.is_of_jobs() => None,
            Event::WorkFailed(_) => Some(BookingStatus::NeedsAttention),
            event => BookingStatus::of(event),
        };
        let Some(status) = status.filter(|status| OPEN.contains(status)) else { return };
        if !self.counted.add(&last.stream) {
            return;
        }
        match status {
            BookingStatus::Enumerated => self.claimed.to_fetch += 1,
            BookingStatus::Fetched => self.claimed.to_prove += 1,
            BookingStatus::BackedUp => self.claimed.to_tell += 1,
            _ => self.attention.add(last),
        }
        let waits = matches!(&last.event, Event::TimesheetFailed(failed) if failed.retry_at.is_some());
        self.claimed.retrying += u64::from(waits);
    }
}
