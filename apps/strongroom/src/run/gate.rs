//! Looks at the drive before work is begun: R6's one alarm, raised once and cleared once.
//!
//! The stages look for themselves before each batch. This is for the time when they have
//! nothing to do yet: a drive that is missing is told of before a run needs it.

use std::path::PathBuf;

use strongroom_bus::{AlarmError, Alarms};
use strongroom_drive::{Drive, DriveError, DriveSettings, Identity};
use strongroom_eventlog::EventLog;
use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::{Actor, AlarmKind, Event, StreamName};
use strongroom_service::Clock;

/// What is over when the drive is found well, whoever raised it.
const OVER_WHEN_WELL: [AlarmKind; 3] = [AlarmKind::DriveMissing, AlarmKind::DriveUnknown, AlarmKind::DriveReadOnly];
/// What is over then if it was found here. A drive that was found so at work may be well in
/// general and still have no room for the next file: the stage that found it says when that
/// is over.
const OVER_IF_OURS: [AlarmKind; 2] = [AlarmKind::DriveFull, AlarmKind::DriveFailing];

/// The place where the drive is mounted.
#[derive(Debug)]
pub(crate) struct Gate {
    root: PathBuf,
    settings: DriveSettings,
    alarms: Alarms,
    log: EventLog,
    actor: Actor,
    /// What was found at the last look; `None` before the first.
    last: Option<Result<(), AlarmKind>>,
    /// The drive that was well at the last look.
    identity: Option<Identity>,
    /// Whether others look at drives of their own, which may be mounted at the same place.
    among_others: bool,
}

impl Gate {
    /// A gate for the drive that is configured; nothing is looked at yet.
    pub(crate) fn new(root: PathBuf, settings: DriveSettings, log: &EventLog, clock: &Clock, actor: &Actor) -> Self {
        let alarms = Alarms::new(log.clone(), clock.clone(), actor.clone());
        Self {
            root,
            settings,
            alarms,
            log: log.clone(),
            actor: actor.clone(),
            last: None,
            identity: None,
            among_others: false,
        }
    }

    /// The same, where other hosts mount drives at the same place: only what was raised on this
    /// host is over when the drive is found well here.
    pub(crate) fn among_others(self) -> Self {
        Self { among_others: true, ..self }
    }

    /// Looks at the drive. What is in the way is raised, and what is over cleared; a second look
    /// that finds the same writes nothing.
    pub(crate) async fn look(&mut self) -> Result<Option<AlarmRaised>, AlarmError> {
        let (root, settings) = (self.root.clone(), self.settings);
        let opened =
            tokio::task::spawn_blocking(move || Drive::open(&root, &settings).map(|drive| drive.identity().clone()));
        let opened: Option<Result<Identity, DriveError>> = opened.await.ok();
        let obstacle = opened.as_ref().and_then(|opened| opened.as_ref().err()?.obstacle());
        self.identity = opened.and_then(Result::ok);
        let found = obstacle.as_ref().map_or(Ok(()), |obstacle| Err(obstacle.kind));
        // Another host may have cleared what lasts here.
        let told = self.last == Some(found) && (found.is_ok() || !self.among_others);
        if !told {
            self.tell(obstacle.as_ref()).await?;
            self.last = Some(found);
        }
        Ok(obstacle)
    }

    /// The drive that was well at the last look.
    pub(crate) const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Something else was found in the way of the drive, after a look that found nothing.
    pub(crate) async fn found(&mut self, obstacle: &AlarmRaised) -> Result<(), AlarmError> {
        self.last = Some(Err(obstacle.kind));
        self.alarms.raise(obstacle, None).await.map(drop)
    }

    async fn tell(&self, obstacle: Option<&AlarmRaised>) -> Result<(), AlarmError> {
        if let Some(obstacle) = obstacle {
            self.alarms.raise(obstacle, None).await?;
        }
        let subject = self.root.to_string_lossy();
        for kind in OVER_WHEN_WELL.into_iter().chain(OVER_IF_OURS) {
            let key = AlarmKey::new(kind, &subject);
            let lasts = obstacle.is_some_and(|now| now.kind == kind);
            let over = if OVER_WHEN_WELL.contains(&kind) {
                !self.among_others || self.raiser(&key).await.is_some_and(|raiser| host(&raiser) == host(&self.actor))
            } else {
                self.raiser(&key).await.is_some_and(|raiser| part(&raiser) == part(&self.actor))
            };
            if !lasts && over {
                self.alarms.clear(&key, &format!("the drive at {} can be used", self.root.display()), None).await?;
            }
        }
        Ok(())
    }

    /// Who raised the alarm last. One that cannot be read is left to whoever can.
    async fn raiser(&self, key: &AlarmKey) -> Option<Actor> {
        let history = self.log.stream(&StreamName::alarm(key)).await.unwrap_or_default();
        let raised = history.into_iter().rev().find(|event| matches!(event.event, Event::AlarmRaised(_)));
        raised.map(|raised| raised.actor)
    }
}

/// Which part of the program it is, on whatever host.
fn part(actor: &Actor) -> &str {
    actor.as_str().split_once('@').map_or(actor.as_str(), |(part, _)| part)
}

/// On which host it is.
fn host(actor: &Actor) -> Option<&str> {
    actor.as_str().split_once('@').map(|(_, host)| host)
}

#[cfg(test)]
mod tests {
    use strongroom_audit::raised_alarms;
    use strongroom_model::ByteCount;

    use super::*;

    struct Rig {
        folder: tempfile::TempDir,
        log: EventLog,
        clock: Clock,
    }

    impl Rig {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &"demo".parse().unwrap()).await.unwrap();
            Self { folder, log, clock: Clock::manual("2026-11-20T23:00:00Z".parse().unwrap()) }
        }

        fn root(&self) -> PathBuf {
            self.folder.path().join("drive")
        }

        fn gate(&self, reserve: u64) -> Gate {
            let settings = DriveSettings { reserve: ByteCount(reserve), expect: None };
            Gate::new(self.root(), settings, &self.log, &self.clock, &"run@backup-1".parse().unwrap())
        }

        fn alarms(&self, actor: &str) -> Alarms {
            Alarms::new(self.log.clone(), self.clock.clone(), actor.parse().unwrap())
        }

        async fn size(&self) -> u64 {
            self.log.head().await.unwrap().size
        }
    }

    #[tokio::test]
    async fn r6_a_missing_drive_is_told_once_and_its_return_once() {
        let rig = Rig::new().await;
        let mut gate = rig.gate(0);
        for _ in 0..3 {
            assert_eq!(gate.look().await.unwrap().unwrap().kind, AlarmKind::DriveMissing);
        }
        assert_eq!(rig.size().await, 1, "three looks are one alarm");

        std::fs::create_dir(rig.root()).unwrap();
        assert_eq!(gate.look().await.unwrap().unwrap().kind, AlarmKind::DriveMissing, "an empty folder is no drive");
        assert_eq!(rig.size().await, 1);

        Drive::init(&rig.root(), "blue 1", rig.clock.now()).unwrap();
        assert_eq!(gate.look().await.unwrap(), None);
        assert_eq!(gate.look().await.unwrap(), None);
        assert_eq!((rig.size().await, raised_alarms(&rig.log).await.unwrap().len()), (2, 0));
    }

    #[tokio::test]
    async fn a_drive_that_is_well_on_one_host_may_be_missing_on_another() {
        let rig = Rig::new().await;
        let gate = |root: PathBuf, host: &str| {
            let actor = format!("fetch@{host}").parse().unwrap();
            Gate::new(root, DriveSettings { reserve: ByteCount(0), expect: None }, &rig.log, &rig.clock, &actor)
                .among_others()
        };
        let mut there = gate(rig.root(), "there");
        assert_eq!(there.look().await.unwrap().unwrap().kind, AlarmKind::DriveMissing);
        std::fs::create_dir(rig.root()).unwrap();
        Drive::init(&rig.root(), "blue 1", rig.clock.now()).unwrap();
        assert_eq!(gate(rig.root(), "here").look().await.unwrap(), None);
        assert_eq!(raised_alarms(&rig.log).await.unwrap().len(), 1);
        assert_eq!(there.look().await.unwrap(), None);
        assert_eq!(raised_alarms(&rig.log).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_full_drive_that_was_found_here_is_over_when_there_is_room() {
        let rig = Rig::new().await;
        std::fs::create_dir(rig.root()).unwrap();
        Drive::init(&rig.root(), "blue 1", rig.clock.now()).unwrap();
        assert_eq!(rig.gate(u64::MAX / 2).look().await.unwrap().unwrap().kind, AlarmKind::DriveFull);
        assert_eq!(rig.gate(0).look().await.unwrap(), None);
        assert_eq!(raised_alarms(&rig.log).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_full_drive_that_a_stage_found_is_the_stages_to_say() {
        let rig = Rig::new().await;
        std::fs::create_dir(rig.root()).unwrap();
        Drive::init(&rig.root(), "blue 1", rig.clock.now()).unwrap();
        let full = rig.gate(u64::MAX / 2).look().await.unwrap().unwrap();
        rig.gate(0).look().await.unwrap();
        rig.alarms("fetch@backup-1").raise(&full, None).await.unwrap();
        rig.gate(0).look().await.unwrap();
        assert_eq!(raised_alarms(&rig.log).await.unwrap().len(), 1);
    }
}
