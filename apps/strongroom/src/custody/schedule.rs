//! What is due without anybody asking: reading the mounted drive back, and drills.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use strongroom_drive::Drive;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::custody::{Custody, Ended};
use strongroom_model::event::{Act, CustodyRequested, MountedDrive, RestoreTo, Selection};
use strongroom_model::fold::fold;
use strongroom_model::{
    Actor, BookingId, CustodyId, DriveId, Event, Expected, NewEvent, Position, StreamName, SubjectKind,
};
use strongroom_service::actor::actor_named;
use strongroom_service::{Clock, Config, blocking};

use crate::cli_error::CliError;

/// How often to look: what is due is due within months.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(600);
/// Acts that are looked through for the last one of a kind, newest first.
const MAX_ACTS: usize = 500;

/// Requests what is due for the drive that is mounted. One that is open already is enough.
#[derive(Debug)]
pub(crate) struct CustodySchedule {
    config: Config,
    log: EventLog,
    clock: Clock,
    actor: Actor,
}

impl CustodySchedule {
    pub(crate) fn new(config: &Config, log: &EventLog, clock: &Clock) -> Self {
        Self { config: config.clone(), log: log.clone(), clock: clock.clone(), actor: actor_named("custody") }
    }

    /// Runs for ever. What cannot be looked at now is looked at again.
    pub(crate) async fn keep(self) {
        loop {
            if let Err(error) = self.turn().await {
                tracing::debug!(reason = error.sentence(), "what is due for the drive cannot be looked at");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) async fn turn(&self) -> Result<(), CliError> {
        let Some(root) = self.config.drive.root.clone() else { return Ok(()) };
        let place = root.clone();
        let Some(drive) = blocking(move || Drive::look(&place).ok().map(|(identity, _)| identity.id)).await else {
            return Ok(());
        };
        let mounted = MountedDrive { drive, path: root.display().to_string() };
        let every = self.config.custody.verify_every.get();
        let verify = Act::Verify { drive: mounted.clone(), which: Selection::All };
        if self.is_due(drive, every, |act| matches!(act, Act::Verify { which: Selection::All, .. })).await? {
            self.request(verify).await?;
        }
        let Some(every) = self.config.custody.drill_every else { return Ok(()) };
        let is_drill = |act: &Act| matches!(act, Act::Restore { to: RestoreTo::Scratch, .. });
        if self.is_due(drive, every.get(), is_drill).await? {
            let which = drill(&self.log, drive, self.config.custody.drill_files).await?;
            self.request(Act::Restore { drive: mounted, to: RestoreTo::Scratch, which }).await?;
        }
        Ok(())
    }

    /// Whether no such act of the drive is open, and none was finished for that long. Before the first one, the drive's
    /// first use counts: what was written then was read back then.
    async fn is_due(&self, drive: DriveId, every: Duration, is_such: impl Fn(&Act) -> bool) -> Result<bool, LogError> {
        let now = self.clock.now();
        let long_ago = |at: Timestamp| Duration::try_from(now.duration_since(at)).is_ok_and(|age| age >= every);
        let streams: Vec<StreamName> =
            self.log.newest(SubjectKind::Custody, MAX_ACTS).await?.into_iter().map(|head| head.stream).collect();
        for history in self.log.readable_streams(&streams).await?.values() {
            let Ok(act) = fold::<Custody>(history) else { continue };
            let is_it = act.requested.as_ref().is_some_and(|it| it.act.drive().drive == drive && is_such(&it.act));
            let is_done = act.ended == Some(Ended::Finished) && !act.changed_at.is_some_and(long_ago);
            if is_it && (act.is_open() || is_done) {
                return Ok(false);
            }
        }
        let first = self.log.stream_from(&StreamName::drive(drive), strongroom_model::Version(0), 1).await?;
        Ok(first.first().and_then(strongroom_eventlog::Stored::time).is_some_and(long_ago))
    }

    async fn request(&self, act: Act) -> Result<(), CliError> {
        let now = self.clock.now();
        let until = Position(self.log.head().await?.size);
        let stream = StreamName::custody(CustodyId::new(now));
        let requested = Event::CustodyRequested(CustodyRequested { act, until });
        self.log.append(vec![NewEvent::new(stream, Expected::New, now, self.actor.clone(), requested)]).await?;
        Ok(())
    }
}

/// Some of a drive's bookings by chance: as many as wanted, or all where it holds fewer.
pub(crate) async fn drill(log: &EventLog, drive: DriveId, files: u32) -> Result<Selection, LogError> {
    let end = Position(log.head().await?.size);
    let held = strongroom_audit::holdings_by_path(log, drive, None, end).await?;
    let bookings: BTreeSet<BookingId> = held.into_values().map(|one| one.booking).collect();
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    Ok(Selection::Bookings { ids: fastrand::choose_multiple(bookings, files) })
}
