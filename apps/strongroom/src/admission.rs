//! Which drive this process may use: the one that the log knows, and not a clone of it.
//!
//! Once for each mount, before anything else is written to the drive, the process leaves a mark of a new use on it
//! and records that use in the log:
//! - if we stop before the mark, nothing has happened;
//! - if we stop between the mark and the record, the drive holds a mark that no log knows. It still holds the mark of
//!   the newest use in the log, which is what counts, and the next use tells it from any clone made in that moment;
//! - if we stop after the record, the next process finds that mark, which was synced before the record.
//!
//! In the other order, a stop between record and mark would leave the right drive without its newest mark.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use strongroom_drive::{Admission, Attachment, Drive, DriveError, DriveErrorKind};
use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::{Actor, DriveId, DriveUse};
use strongroom_service::{Clock, kill_point};
use tokio::runtime::Handle;

use crate::uses::{self, KnownUses};

/// How long to wait for the log: a database server restarts in less, and a person who stops the process waits as
/// long.
const PATIENCE: Duration = Duration::from_secs(15);
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// How often to look for a use of a drive with the same identity elsewhere.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// The drive of this process, as the log knows it. Called where blocking is allowed.
#[derive(Debug)]
pub(crate) struct LogAdmission {
    log: EventLog,
    clock: Clock,
    actor: Actor,
    runtime: Handle,
    look_again: Duration,
    patience: Duration,
    admitted: Mutex<Option<Admitted>>,
    /// A mark that may not be recorded: the next attempt uses it, so that a log that is away does not cost a mark for
    /// each.
    marked: Mutex<Option<DriveUse>>,
}

#[derive(Debug)]
struct Admitted {
    drive: DriveId,
    attachment: Attachment,
    known: KnownUses,
    looked_at: Instant,
}

impl LogAdmission {
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
    /// Checks that nobody went on with a clone of it.
    fn look_again(&self, drive: &Drive, mut before: Admitted) -> Result<Admitted, DriveError> {
        let marks = drive.uses(self.log.site())?;
        if before.looked_at.elapsed() >= self.look_again {
            // Whoever needs the log reports what is wrong with it.
            if let Ok(known) = self.known(before.drive) {
                before.known = known;
            }
            before.looked_at = Instant::now();
        }
        // Our own mark counts, too: a clone of before that is put in its place is noticed at once.
        before.known.check(drive, &marks)?;
        Ok(before)
    }

    /// Begins to use a drive. A log that does not answer is asked again for a while.
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

    /// Leaves a mark, unless this process has left one already, and records it.
    fn try_to_begin(&self, drive: &Drive, marked: &mut Option<DriveUse>) -> Result<KnownUses, Tried> {
        let (id, site) = (drive.identity().id, self.log.site());
        let known = self.known(id)?;
        if marked.is_some() && known.newest() == *marked {
            // The log took it at the last attempt, and its answer was lost.
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
        let event = uses::drive_used_event(drive, used, &marks);
        match self.wait(self.log.append(known.events(drive, event, &self.clock, &self.actor)))? {
            Ok(_) => {}
            Err(AppendError::Conflict { .. }) => {
                // Another process was first. Whether the log took ours all the same was checked above.
                drive.unmark_use(site, used);
                *marked = None;
                return Err(Tried::TooLate);
            }
            // It may be recorded: the mark stays.
            Err(error) => return Err(Tried::unanswered(error)),
        }
        kill_point!("drive.use-recorded");
        self.known(id)
    }

    fn known(&self, drive: DriveId) -> Result<KnownUses, Tried> {
        self.wait(KnownUses::read(&self.log, drive))?.map_err(Tried::unanswered)
    }

    fn wait<T>(&self, call: impl Future<Output = T>) -> Result<T, Tried> {
        let answer = self.runtime.block_on(async { tokio::time::timeout(self.patience, call).await });
        answer.map_err(|_| Tried::unanswered("the log does not answer"))
    }
}

enum Tried {
    Refused(DriveError),
    TooLate,
    Unanswered(String),
}

impl Tried {
    fn unanswered(why: impl Display) -> Self {
        Self::Unanswered(why.to_string())
    }
}

impl From<DriveError> for Tried {
    fn from(error: DriveError) -> Self {
        Self::Refused(error)
    }
}

#[cfg(test)]
mod tests;
