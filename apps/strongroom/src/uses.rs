//! What the log knows of a drive's uses, and whether the mounted drive knows it too.

use strongroom_drive::{Drive, DriveError, DriveErrorKind, Origin};
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::{DriveInitialised, DriveUsed};
use strongroom_model::text::with_causes;
use strongroom_model::{Actor, DriveId, DriveUse, Event, Expected, Lineage, NewEvent, Recorded, StreamName, Version};
use strongroom_service::{Clock, blocking};

use crate::drive_report::Remark;

#[derive(Debug, Clone, Default)]
pub(crate) struct KnownUses {
    version: Option<Version>,
    newest: Option<Recorded>,
}

impl KnownUses {
    pub(crate) async fn read(log: &EventLog, drive: DriveId) -> Result<Self, LogError> {
        let stream = StreamName::drive(drive);
        let Some(head) = log.heads(std::slice::from_ref(&stream)).await?.remove(&stream) else {
            return Ok(Self::default());
        };
        // Most often the last event is one of use, after thousands of others.
        let last = log.read(head.position, 1).await?.first().map(strongroom_eventlog::Stored::decode).transpose()?;
        let is_use = |event: &Recorded| DriveUse::of(&event.event).is_some();
        let newest = match last.filter(is_use) {
            Some(last) => Some(last),
            None => log.stream(&stream).await?.into_iter().rev().find(is_use),
        };
        Ok(Self { version: Some(head.version), newest })
    }

    pub(crate) fn newest(&self) -> Option<DriveUse> {
        DriveUse::of(&self.newest.as_ref()?.event)
    }

    /// Refuses a drive that lacks the mark of its newest use.
    pub(crate) fn check(&self, drive: &Drive, marks: &[DriveUse]) -> Result<(), DriveError> {
        if Lineage::of(self.newest(), marks) != Lineage::Broken {
            return Ok(());
        }
        let identity = Box::new(drive.identity().clone());
        Err(DriveErrorKind::Cloned(identity, self.detail(drive, marks)).at(drive.root()))
    }

    fn detail(&self, drive: &Drive, marks: &[DriveUse]) -> String {
        let Some((newest, used)) = self.newest.as_ref().zip(self.newest()) else { return String::new() };
        let own = marks.first().map_or_else(|| "none".to_owned(), |own| format!("use {}", own.generation));
        let differs = drive.origin().ok().and_then(|origin| self.differs(&origin));
        format!(
            "lacks the mark of its newest use (use {}, {}, by {}; the newest on it: {own}){}",
            used.generation,
            newest.time.strftime("%Y-%m-%d %H:%M:%S UTC"),
            newest.actor,
            differs.map_or_else(String::new, |differs| format!(", and {differs}"))
        )
    }

    /// Whether the device or file system changed since the newest use. That alone refuses nothing: a USB adapter
    /// reports a serial number of its own.
    fn differs(&self, origin: &Origin) -> Option<String> {
        let Event::DriveUsed(known) = &self.newest.as_ref()?.event else { return None };
        let pairs = [
            ("its device's serial number", &origin.serial, &known.serial),
            ("the id of its file system", &origin.filesystem, &known.filesystem),
        ];
        pairs.into_iter().find_map(|(what, now, then)| {
            let (now, then) = (now.as_ref()?, then.as_ref()?);
            (now != then).then(|| format!("{what} is {now:?}, and was {then:?}"))
        })
    }

    /// The events that record a use after what is known: of two processes, one gets a conflict.
    pub(crate) fn events(&self, drive: &Drive, event: Event, clock: &Clock, actor: &Actor) -> Vec<NewEvent> {
        let identity = drive.identity();
        let time = clock.now();
        let new = |expected, event| NewEvent::new(StreamName::drive(identity.id), expected, time, actor.clone(), event);
        let Some(version) = self.version else {
            let initialised = Event::DriveInitialised(DriveInitialised { label: identity.label.clone() });
            return vec![new(Expected::New, initialised), new(Expected::After(Version(0)), event)];
        };
        vec![new(Expected::After(version), event)]
    }
}

pub(crate) fn drive_used_event(drive: &Drive, used: DriveUse, marks: &[DriveUse]) -> Event {
    let Origin { filesystem, serial } = drive.origin().unwrap_or_default();
    let before = marks.iter().find(|mark| **mark != used).copied();
    Event::DriveUsed(DriveUsed { generation: used.generation, token: used.token, before, filesystem, serial })
}

/// A log that cannot be read refuses nothing.
pub(crate) async fn check(log: &EventLog, drive: &Drive) -> Result<(), DriveError> {
    let known = match KnownUses::read(log, drive.identity().id).await {
        Ok(known) => known,
        Err(error) => {
            tracing::debug!(error = %with_causes(&error), "the log does not say how the drive was used");
            return Ok(());
        }
    };
    let (drive, site) = (drive.clone(), log.site().clone());
    blocking(move || known.check(&drive, &drive.uses(&site)?)).await
}

pub(crate) async fn remark(log: &EventLog, drive: &Drive) -> Option<Remark> {
    let known = KnownUses::read(log, drive.identity().id).await.ok()?;
    let drive = drive.clone();
    let differs = blocking(move || known.differs(&drive.origin().ok()?)).await?;
    let what = format!("{differs}: another disk, or another adapter");
    Some(Remark::new(what, "see that it is the drive that you mean, and no clone of it"))
}
