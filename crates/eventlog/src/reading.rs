//! What reading has in common in both databases.

use std::collections::HashMap;

use jiff::Timestamp;
use strongroom_model::{Position, Recorded, StreamName, Version};

use crate::error::LogError;
use crate::stored::Stored;
use strongroom_proof::merkle::{Frontier, Hash};

type Result<T> = std::result::Result<T, LogError>;

/// Events per read: a few MiB.
pub const MAX_READ: usize = 4096;
/// The most events of a stream read as a whole. A booking has about ten; an alarm raised every minute takes months to
/// get there.
const MAX_STREAM_EVENTS: usize = 100_000;
pub(crate) const STREAMS_AT_ONCE: usize = 512;

/// Greater values than the database's integers are beyond every row.
pub(crate) fn column(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn limit(rows: usize) -> i64 {
    rows.min(MAX_READ) as i64
}

pub(crate) fn check_gapless(from: Position, events: &[Stored]) -> Result<()> {
    let mut expected = from;
    for event in events {
        if event.position != expected {
            return Err(LogError::Damaged { position: expected, reason: "it is missing" });
        }
        expected = expected.next();
    }
    Ok(())
}

pub(crate) fn frontier_of(size: i64, bytes: &[u8]) -> Result<Frontier> {
    u64::try_from(size).ok().and_then(|size| Frontier::from_bytes(size, bytes)).ok_or(LogError::Damaged {
        position: Position(u64::try_from(size).unwrap_or(0)),
        reason: "the log's head does not fit its size",
    })
}

pub(crate) fn push_next(streams: &mut HashMap<StreamName, Vec<Recorded>>, event: Recorded) -> Result<()> {
    let stream = streams.entry(event.stream.clone()).or_default();
    if event.version != Version(stream.len() as u64) {
        return Err(LogError::Damaged { position: event.position, reason: "it is not the next of its stream" });
    }
    if stream.len() == MAX_STREAM_EVENTS {
        return Err(LogError::StreamTooLong(event.stream));
    }
    stream.push(event);
    Ok(())
}

pub(crate) fn hashes(from: Position, leaves: Vec<(Vec<u8>,)>) -> Result<Vec<Hash>> {
    let damaged = LogError::Damaged { position: from, reason: "a leaf's hash has another length" };
    leaves.into_iter().map(|(leaf,)| Hash::try_from(leaf).ok()).collect::<Option<_>>().ok_or(damaged)
}

pub(crate) fn last(rows: &[Stored]) -> Result<Option<Recorded>> {
    rows.first().map(Stored::decode).transpose()
}

pub(crate) fn position(rows: &[(i64,)]) -> Option<Position> {
    rows.first().map(|(at,)| Position(at.unsigned_abs()))
}

pub(crate) fn instant(rows: Vec<(Option<i64>,)>) -> Option<Timestamp> {
    let (micros,) = rows.into_iter().next()?;
    micros.map(|micros| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX))
}
