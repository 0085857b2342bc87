//! What a drive holds, by the log: every copy that was proven on it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError, MAX_READ, Stored};
use strongroom_model::event::ReadBack;
use strongroom_model::{BookingId, ByteCount, Digest, DriveId, Event, EventId, Month, Position, StreamName};

/// As in the stored bytes: other events are not parsed.
const TYPES: [&str; 2] = ["strongroom.timesheet.backed-up.v1", "strongroom.copy.made.v1"];

/// A copy that was proven on a drive when it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Where the log has its first proof.
    pub position: Position,
    /// That event.
    pub event: EventId,
    /// When it was proven.
    pub time: Timestamp,
    /// Its booking.
    pub booking: BookingId,
    /// The path below the drive's root.
    pub path: String,
    /// The month whose bag holds it.
    pub month: Month,
    /// SHA-256 of its content.
    pub sha256: Digest,
    /// Its size.
    pub size: ByteCount,
    /// How it was read back then.
    pub read_back: ReadBack,
}

impl Holding {
    /// The stream of its later proofs on that drive.
    #[must_use]
    pub fn stream(&self, drive: DriveId) -> StreamName {
        StreamName::copy(drive, &self.booking, &self.sha256)
    }

    fn of(log: &EventLog, stored: &Stored, drive: DriveId) -> Option<Self> {
        Self::of_any(log, stored).filter(|(holder, _)| *holder == drive).map(|(_, holding)| holding)
    }

    /// With the drive that holds it.
    pub(crate) fn of_any(log: &EventLog, stored: &Stored) -> Option<(DriveId, Self)> {
        if !TYPES.iter().any(|one| stored.body.contains(one)) {
            return None;
        }
        let recorded = log.readable(stored)?;
        let (position, event, time) = (recorded.position, recorded.id, recorded.time);
        match recorded.event {
            Event::TimesheetBackedUp(data) => {
                let booking = recorded.stream.as_booking()?;
                let holding = Self {
                    position,
                    event,
                    time,
                    booking,
                    month: data.month,
                    path: data.path,
                    sha256: data.sha256,
                    size: data.size_bytes,
                    read_back: data.read_back,
                };
                Some((data.drive, holding))
            }
            Event::CopyMade(data) => {
                let holding = Self {
                    position,
                    event,
                    time,
                    booking: data.booking,
                    month: month_of(&data.path)?,
                    path: data.path,
                    sha256: data.sha256,
                    size: data.size_bytes,
                    read_back: data.read_back,
                };
                Some((data.drive, holding))
            }
            _ => None,
        }
    }
}

/// The month of a path on a drive: `<site>/<month>/data/…`.
#[must_use]
pub fn month_of(path: &str) -> Option<Month> {
    path.split('/').nth(1)?.parse().ok()
}

/// Some holdings, and where to go on.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// In the order of the log.
    pub found: Vec<Holding>,
    /// The first position that was not examined.
    pub next: Position,
}

/// What the log proves on a drive from one position to another, exclusive: `files` and `bytes` at most, but one at least.
/// A page of the log without any counts as well, so that a caller can say how far it is.
///
/// # Errors
/// The log cannot be read.
pub async fn holdings(
    log: &EventLog,
    drive: DriveId,
    from: Position,
    until: Position,
    files: usize,
    bytes: ByteCount,
) -> Result<Holdings, LogError> {
    let (mut found, mut sum, mut next) = (Vec::new(), ByteCount(0), from);
    while next < until && found.len() < files && sum < bytes {
        let left = usize::try_from(until.0 - next.0).unwrap_or(usize::MAX);
        let page = log.read(next, MAX_READ.min(left)).await?;
        if page.is_empty() {
            next = until;
            break;
        }
        for stored in &page {
            next = stored.position.next();
            if let Some(holding) = Holding::of(log, stored, drive) {
                sum = sum + holding.size;
                found.push(holding);
                if found.len() >= files || sum >= bytes {
                    break;
                }
            }
        }
    }
    Ok(Holdings { found, next })
}

/// All holdings of a drive by path, the newest proof of each, of one month or of all.
///
/// # Errors
/// The log cannot be read.
pub async fn holdings_by_path(
    log: &EventLog,
    drive: DriveId,
    month: Option<Month>,
    until: Position,
) -> Result<BTreeMap<String, Holding>, LogError> {
    let mut by_path = BTreeMap::new();
    let mut from = Position(0);
    while from < until {
        let page = holdings(log, drive, from, until, MAX_READ, ByteCount(u64::MAX)).await?;
        from = page.next;
        for holding in page.found {
            if month.is_none_or(|month| month == holding.month) {
                by_path.insert(holding.path.clone(), holding);
            }
        }
    }
    Ok(by_path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[tokio::test]
    async fn a_drive_holds_what_was_proven_on_it_and_pages_go_on_where_the_last_ended() {
        let mut events = Vec::new();
        for id in ["B-1", "B-2", "B-3"] {
            events.extend(samples::life(id));
        }
        let (_folder, log) = samples::log_of(events).await;
        let end = Position(log.head().await.unwrap().size);
        let all = holdings(&log, samples::drive(), Position(0), end, 100, ByteCount(u64::MAX)).await.unwrap();
        assert_eq!((all.found.len(), all.next), (3, end));
        let (mut from, mut ids) = (Position(0), Vec::new());
        while from < end {
            let page = holdings(&log, samples::drive(), from, end, 2, ByteCount(u64::MAX)).await.unwrap();
            ids.extend(page.found.into_iter().map(|one| one.booking.to_string()));
            from = page.next;
        }
        assert_eq!(ids, ["B-1", "B-2", "B-3"]);
        let by_bytes = holdings(&log, samples::drive(), Position(0), end, 100, ByteCount(1)).await.unwrap();
        assert_eq!(by_bytes.found.len(), 1, "one at least");
        let other = holdings(&log, DriveId::random(), Position(0), end, 100, ByteCount(u64::MAX)).await.unwrap();
        assert_eq!((other.found.len(), other.next), (0, end));
        let by_path = holdings_by_path(&log, samples::drive(), None, end).await.unwrap();
        assert_eq!(by_path.len(), 3);
    }
}
