//! Whether the work is done, by the log alone: whichever process does it.

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{Event, Position, StageName};

/// All stages except the one that mails.
pub(crate) const WORK: [StageName; 4] = [StageName::Enumerate, StageName::Fetch, StageName::Verify, StageName::Archive];

pub(crate) const INCOMING: [StageName; 2] = [StageName::Enumerate, StageName::Fetch];

pub(crate) const PROOF: [StageName; 2] = [StageName::Verify, StageName::Archive];

/// How many delayed tasks are looked through for those that a worker holds, the earliest first: holds last for
/// minutes, most retries wait for longer.
const MAX_HELD: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Nothing is left to do now, except retries.
    Settled,
    Proving,
    Busy,
}

/// What is left to do is a stream's last event, and remains so until the append that settles it. So if nothing is
/// left, and the log's size did not change while we looked, then nothing was left at that size.
pub(crate) async fn look(log: &EventLog, now: Timestamp) -> Result<Work, LogError> {
    let size = log.head().await?.size;
    let mut work = Work::Settled;
    for stage in WORK {
        if log.pending(stage, Position(0), 1).await?.is_empty() && !is_held(log, stage).await? {
            continue;
        }
        if stage != StageName::Verify {
            return Ok(Work::Busy);
        }
        work = Work::Proving;
    }
    let due = log.next_due(&WORK).await?.is_some_and(|due| due <= now);
    let moved = log.head().await?.size != size;
    Ok(if due || moved { Work::Busy } else { work })
}

/// How many copies are left to be proven and archived, counted up to `most` and one more; `None` while files are
/// still to be fetched.
///
/// A booking only moves forward here: one that moves between two queries is counted twice, never missed.
pub(crate) async fn unfinished(log: &EventLog, most: usize) -> Result<Option<usize>, LogError> {
    for stage in INCOMING {
        if !log.pending(stage, Position(0), 1).await?.is_empty() || is_held(log, stage).await? {
            return Ok(None);
        }
    }
    let mut left = 0;
    for stage in PROOF {
        left += log.pending(stage, Position(0), most + 1).await?.len() + held(log, stage).await?;
    }
    Ok(Some(left.min(most + 1)))
}

/// Whether a worker holds work of this stage. If it dies, that work is due again.
async fn is_held(log: &EventLog, stage: StageName) -> Result<bool, LogError> {
    Ok(held(log, stage).await? > 0)
}

async fn held(log: &EventLog, stage: StageName) -> Result<usize, LogError> {
    let waiting = log.due(stage, Timestamp::MAX, MAX_HELD).await?;
    Ok(waiting.iter().filter(|last| matches!(last.event, Event::TimesheetHeld(_) | Event::WorkHeld(_))).count())
}

#[cfg(test)]
mod tests;
