//! Which drive this process may use: the one that the log knows, and no clone of it.
//!
//! Once for each mount, before anything else is written to the drive, the process leaves a mark of a new use on it and
//! records that use in the log:
//! - if we stop before the mark, nothing has happened;
//! - if we stop between the mark and the record, the drive holds one mark that no log knows. That harms nobody: what
//!   counts is that the drive holds the mark of the newest use in the log, and it still does. A clone that was made of the
//!   drive in that moment is told from it by the next use, as any other;
//! - if we stop after the record, the next process finds that mark. It is durable: it was synced before the record.
//!
//! The other way round, a stop between record and mark would leave the right drive without its newest mark.

use std::fmt::{self, Display};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use strongroom_drive::{Admission, Attachment, Drive, DriveError, DriveErrorKind};
use strongroom_eventlog::EventLog;
use strongroom_model::{Actor, DriveId, DriveUse};
use strongroom_service::{Clock, kill_point};
use tokio::runtime::Handle;

use crate::uses::{self, KnownUses};

/// How long the log is waited for: a database server that is started anew, but no more than a person who stops the process.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long it is left alone in between.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// How often the log is asked whether somebody uses a drive of the same identity elsewhere.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// The drive of this process, as the log knows it. It belongs to the runtime that it is made in, and is asked where
/// blocking is allowed.
#[derive(Debug)]
pub(crate) struct LogAdmission {
    log: EventLog,
    clock: Clock,
    actor: Actor,
    runtime: Handle,
    look_again: Duration,
    patience: Duration,
    admitted: Mutex<Option<Admitted>>,
    /// A mark that was left and is not known to be recorded: used the next time, so that a log which takes nothing for
    /// days does not cost a mark for each attempt.
    marked: Mutex<Option<DriveUse>>,
}

/// A drive that is in use by this process.
#[derive(Debug)]
struct Admitted {
    drive: DriveId,
    attachment: Attachment,
    /// What the log knew at the last look, and when that was: our own use, or a newer one.
    known: KnownUses,
    looked_at: Instant,
}

impl LogAdmission {
    /// For a process whose uses are recorded in that log, in that name.
    pub(crate) fn new(log: &EventLog, clock: &Clock, actor: &Actor) -> Self {
        Self {
            log: log.clone(),
            clock: clock.clone(),
            actor: actor.clone(),
            runtime: Handle::current(),
            look_again: LOOK_AGAIN,
            patience: PATIENCE,
            admitted: Mutex::default(),
            marked: Mutex::default(),
        }
    }
}

impl Admission for LogAdmission {
    fn admit(&self, drive: &Drive) -> Result<(), DriveError> {
        let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        let attachment = drive.attachment()?;
        let before = admitted.take();
        let same = before.filter(|before| before.drive == drive.identity().id && before.attachment == attachment);
        let now = match same {
            Some(before) => self.look_again(drive, before)?,
            None => self.begin(drive, attachment)?,
        };
        *admitted = Some(now);
        Ok(())
    }
}

impl LogAdmission {
    /// Looks whether it is still the drive that this process began to use, and nobody went on with a clone of it.
    fn look_again(&self, drive: &Drive, mut before: Admitted) -> Result<Admitted, DriveError> {
        let marks = drive.uses(self.log.site())?;
        if before.looked_at.elapsed() >= self.look_again {
            // Whoever needs the log reports what is wrong with it.
            if let Ok(known) = self.wait(KnownUses::read(&self.log, before.drive)) {
                before.known = known;
            }
            before.looked_at = Instant::now();
        }
        // Our own mark stands there, too: so a clone of before that is put in its place is noticed at once.
        before.known.check(drive, &marks)?;
        Ok(before)
    }

    /// Begins to use a drive. A log that does not answer, or does not say whether it took the event, is asked again for a
    /// while: a database server may be on its way back.
    fn begin(&self, drive: &Drive, attachment: Attachment) -> Result<Admitted, DriveError> {
        let deadline = Instant::now() + self.patience;
        let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let reason = match self.try_to_begin(drive, &mut marked) {
                Ok(known) => {
                    *marked = None;
                    drive.forget_old_uses(self.log.site());
                    let drive = drive.identity().id;
                    return Ok(Admitted { drive, attachment, known, looked_at: Instant::now() });
                }
                Err(Tried::Refused(error)) => return Err(error),
                Err(Tried::TooLate) => "other processes begin to use it all the time".to_owned(),
                Err(Tried::Unanswered(reason)) => {
                    std::thread::sleep(ASK_AGAIN);
                    reason
                }
            };
            if Instant::now() >= deadline {
                return Err(DriveErrorKind::Unrecorded(reason).at(drive.root()));
            }
        }
    }

    /// Leaves a mark, unless this process has left one already, and records it. Returns what the log knows then.
    fn try_to_begin(&self, drive: &Drive, marked: &mut Option<DriveUse>) -> Result<KnownUses, Tried> {
        let (id, site) = (drive.identity().id, self.log.site());
        let known = self.wait(KnownUses::read(&self.log, id))?;
        if marked.is_some() && known.newest() == *marked {
            // The log took it the last time, and could not say so.
            return Ok(known);
        }
        let marks = drive.uses(site)?;
        known.check(drive, &marks)?;
        let used = match *marked {
            Some(used) if marks.contains(&used) => used,
            _ => {
                let used = DriveUse::after(known.newest(), &marks);
                drive.mark_use(site, used)?;
                *marked.insert(used)
            }
        };
        kill_point!("drive.use-marked");
        let event = uses::attached(drive, used, &marks);
        match self.wait(self.log.append(known.events(drive, event, &self.clock, &self.actor))) {
            Ok(_) => {}
            Err(Waited::Failed(error)) if uses::is_conflict(&error) => {
                // Another process was faster. What a log may have taken all the same was looked for above.
                drive.unmark_use(site, used);
                *marked = None;
                return Err(Tried::TooLate);
            }
            // It may be recorded all the same: the mark stays.
            Err(error) => return Err(error.into()),
        }
        kill_point!("drive.use-recorded");
        Ok(self.wait(KnownUses::read(&self.log, id))?)
    }

    fn wait<T, E>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, Waited<E>> {
        let answer = self.runtime.block_on(async { tokio::time::timeout(self.patience, call).await });
        answer.map_err(|_| Waited::TooLong)?.map_err(Waited::Failed)
    }
}

/// Why this process did not begin to use a drive.
enum Tried {
    /// The drive may not be used.
    Refused(DriveError),
    /// Another process was faster.
    TooLate,
    /// The log did not answer.
    Unanswered(String),
}

impl From<DriveError> for Tried {
    fn from(error: DriveError) -> Self {
        Self::Refused(error)
    }
}

impl<E: Display> From<Waited<E>> for Tried {
    fn from(error: Waited<E>) -> Self {
        Self::Unanswered(error.to_string())
    }
}

/// Why the log gave no answer.
enum Waited<E> {
    Failed(E),
    TooLong,
}

impl<E: Display> Display for Waited<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::TooLong => f.write_str("the log does not answer"),
        }
    }
}

#[cfg(test)]
mod tests;
