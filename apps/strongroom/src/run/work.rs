//! Whether the work is done, judged from the log alone: whoever does it, in whatever process.

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{Event, Position, StageName};

/// The stages that bring a booking to the archive: all but the one that tells people.
pub(crate) const WORK: [StageName; 4] = [StageName::Enumerate, StageName::Fetch, StageName::Verify, StageName::Archive];

/// The stages that bring files onto the drive.
pub(crate) const INCOMING: [StageName; 2] = [StageName::Enumerate, StageName::Fetch];

/// The stages for what is on the drive already.
pub(crate) const PROOF: [StageName; 2] = [StageName::Verify, StageName::Archive];

/// How many tasks that wait for a time are looked through for those that a worker holds, the
/// earliest first: what is held is held for minutes, most retries wait for longer.
const MAX_HELD: usize = 1024;

/// How the work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Nothing is left to do now; some may wait for a retry.
    Settled,
    /// Copies wait to be proven, or are being proven, and nothing else is left to do.
    Proving,
    /// Something else is to be done, or under way.
    Busy,
}

/// Looks at everything at one size of the log.
///
/// What is left to do is a stream's last event, and remains so until the append that settles
/// it. So if nothing is left, and the log is as long after the last look as before the first,
/// then nothing was left anywhere at that size.
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

/// How many copies are left to be proven and archived, where nothing more is to be brought to the drive, counted up to
/// `most` and one more; `None` while something is to be brought.
///
/// A booking only moves forward here: what was brought before the first look stays so, and what moves on between two looks
/// is counted twice, never missed.
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

/// Whether a worker said that it has something of this stage's in hand. If it dies, that comes
/// due, and is handed out again.
async fn is_held(log: &EventLog, stage: StageName) -> Result<bool, LogError> {
    Ok(held(log, stage).await? > 0)
}

async fn held(log: &EventLog, stage: StageName) -> Result<usize, LogError> {
    let waiting = log.due(stage, Timestamp::MAX, MAX_HELD).await?;
    Ok(waiting.iter().filter(|last| matches!(last.event, Event::TimesheetHeld(_))).count())
}

#[cfg(test)]
mod tests;
