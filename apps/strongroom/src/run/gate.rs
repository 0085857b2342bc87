//! Looks at the drive before work is begun: R6's one alarm, raised once and cleared once.
//!
//! The stages look for themselves before each batch. This is for the time when they have
//! nothing to do yet: a drive that is missing is told of before a run needs it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use strongroom_bus::{AlarmError, Alarms};
use strongroom_drive::{Admission, Drive, DriveError, DriveSettings};
use strongroom_eventlog::EventLog;
use strongroom_model::event::{AlarmKey, AlarmRaised, Blocks, ClearedBy};
use strongroom_model::{Actor, AlarmKind, Event, StreamName};
use strongroom_service::Clock;
use tokio::time::Instant;

/// How long it is before work that the drive refused is tried again, at first; it doubles.
const TRY_AGAIN_LEAST: Duration = Duration::from_secs(1);
/// How long at most: looking a drive through reads copies back.
const TRY_AGAIN_MOST: Duration = Duration::from_secs(60);

/// What the work met, after a look that found the drive well. That the drive can be opened says
/// nothing about it: it is over when the same work succeeds.
#[derive(Debug)]
struct Met {
    obstacle: AlarmRaised,
    /// Everything that was met since the work last succeeded.
    keys: BTreeSet<AlarmKey>,
    wait: Duration,
    again_at: Instant,
}

/// The place where the drive is mounted.
#[derive(Debug)]
pub(crate) struct Gate {
    root: PathBuf,
    settings: DriveSettings,
    alarms: Alarms,
    log: EventLog,
    actor: Actor,
    /// In whose name the work is done that is begun here.
    worker: Alarms,
    /// What was found at the last look; `None` before the first, and where it is to be told again.
    last: Option<Result<(), AlarmKind>>,
    met: Option<Met>,
    /// Whether others look at drives of their own, which may be mounted at the same place.
    among_others: bool,
    /// What else must allow that the drive is used.
    admission: Option<Arc<dyn Admission>>,
}

impl Gate {
    /// A gate for the drive that is configured; nothing is looked at yet.
    /// `actor` looks at the drive, `worker` works on it.
    pub(crate) fn new(
        root: PathBuf,
        settings: DriveSettings,
        log: &EventLog,
        clock: &Clock,
        (actor, worker): (&Actor, &Actor),
    ) -> Self {
        let alarms = |actor: &Actor| Alarms::new(log.clone(), clock.clone(), actor.clone());
        Self {
            root,
            settings,
            alarms: alarms(actor),
            worker: alarms(worker),
            log: log.clone(),
            actor: actor.clone(),
            last: None,
            met: None,
            among_others: false,
            admission: None,
        }
    }

    /// The same, for a drive that this allows to be used.
    pub(crate) fn admitted_by(self, admission: Arc<dyn Admission>) -> Self {
        Self { admission: Some(admission), ..self }
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
        let admission = self.admission.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let drive = Drive::open(&root, &settings)?;
            admission.map_or(Ok(()), |admission| admission.admit(&drive))?;
            Ok(())
        });
        let opened: Option<Result<(), DriveError>> = opened.await.ok();
        let obstacle = opened.and_then(|opened| opened.err()?.obstacle());
        let found = obstacle.as_ref().map_or(Ok(()), |obstacle| Err(obstacle.kind));
        // Another host may have cleared what lasts here.
        let told = self.last == Some(found) && (found.is_ok() || !self.among_others);
        if !told {
            let all = self.tell(obstacle.as_ref()).await?;
            self.last = all.then_some(found);
        }
        Ok(obstacle)
    }

    /// What the work met the last time, if it is too early to try it again.
    pub(crate) fn waits_for(&self) -> Option<&AlarmRaised> {
        self.met.as_ref().filter(|met| Instant::now() < met.again_at).map(|met| &met.obstacle)
    }

    /// The work met something, after a look that found nothing. It is raised in the worker's name,
    /// so that no look ends it, not even one of a later process.
    pub(crate) async fn found(&mut self, obstacle: &AlarmRaised) -> Result<(), AlarmError> {
        self.worker.raise(obstacle, None).await?;
        // Nobody knows whether what was met before is over: the same work has not succeeded since.
        let (mut keys, wait) = match self.met.take() {
            Some(met) if met.obstacle.kind == obstacle.kind => (met.keys, (met.wait * 2).min(TRY_AGAIN_MOST)),
            met => (met.map(|met| met.keys).unwrap_or_default(), TRY_AGAIN_LEAST),
        };
        keys.insert(AlarmKey::new(obstacle.kind, &obstacle.subject));
        self.met = Some(Met { obstacle: obstacle.clone(), keys, wait, again_at: Instant::now() + wait });
        Ok(())
    }

    /// The work has succeeded: whatever it met is over.
    pub(crate) async fn well(&mut self) -> Result<(), AlarmError> {
        let Some(met) = &mut self.met else { return Ok(()) };
        for key in met.keys.clone() {
            if self.worker.clear(&key, &usable(&self.root), None).await?.is_over() {
                met.keys.remove(&key);
            }
        }
        if met.keys.is_empty() {
            self.met = None;
        }
        Ok(())
    }

    /// Raises what is in the way, and clears what is over. Returns whether that is all: an alarm
    /// that comes and goes is cleared later.
    ///
    /// While something is in the way, only what a look can tell from it is over: a drive that was full and is missing
    /// now may still be full.
    async fn tell(&self, obstacle: Option<&AlarmRaised>) -> Result<bool, AlarmError> {
        if let Some(obstacle) = obstacle {
            self.alarms.raise(obstacle, None).await?;
        }
        let subject = self.root.to_string_lossy();
        let mut all = true;
        for kind in AlarmKind::ALL.iter().copied().filter(|kind| kind.blocks() == Blocks::Drive) {
            let key = AlarmKey::new(kind, &subject);
            let message = match obstacle {
                None => usable(&self.root),
                Some(now) if now.kind == kind || kind.cleared_by() != ClearedBy::Opening => continue,
                Some(now) => format!("something else is in the way there now: {}", now.message),
            };
            if self.is_over(&key).await {
                all &= self.alarms.clear(&key, &message, None).await?.is_over();
            }
        }
        Ok(all)
    }

    /// Whether an alarm is over because this look did not find it. One about work is so only if it
    /// was found by looking: a drive that was found full at work may be well in general and still
    /// have no room for the next file, and the stage that found it says when that is over.
    async fn is_over(&self, key: &AlarmKey) -> bool {
        if key.kind == AlarmKind::DriveFull && self.settings.reserve.is_none() {
            // Not looked for.
            return false;
        }
        let by_looking = key.kind.cleared_by() == ClearedBy::Opening;
        if by_looking && !self.among_others {
            return true;
        }
        let Some(raiser) = self.raiser(key).await else { return false };
        let here = !self.among_others || raiser.host() == self.actor.host();
        here && (by_looking || raiser.part() == self.actor.part())
    }

    /// Who raised the alarm last. One that cannot be read is left to whoever can.
    async fn raiser(&self, key: &AlarmKey) -> Option<Actor> {
        let history = self.log.stream(&StreamName::alarm(key)).await.unwrap_or_default();
        let raised = history.into_iter().rev().find(|event| matches!(event.event, Event::AlarmRaised(_)));
        raised.map(|raised| raised.actor)
    }
}

fn usable(root: &Path) -> String {
    format!("the drive at {} can be used", root.display())
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
            let settings = DriveSettings { reserve: Some(ByteCount(reserve)), expect: None };
            let (actor, worker) = ("run@backup-1".parse().unwrap(), "verify@backup-1".parse().unwrap());
            Gate::new(self.root(), settings, &self.log, &self.clock, (&actor, &worker))
        }

        fn alarms(&self, actor: &str) -> Alarms {
            Alarms::new(self.log.clone(), self.clock.clone(), actor.parse().unwrap())
        }

        /// What was said of the alarms that are over.
        async fn over(&self) -> Vec<String> {
            let events = self.log.read(strongroom_model::Position(0), 100).await.unwrap();
            let events = events.iter().map(|stored| stored.decode().unwrap().event);
            let over = events.filter_map(|event| match event {
                Event::AlarmCleared(over) => Some(over.message),
                _ => None,
            });
            over.collect()
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
            let actors = ["drive", "fetch"].map(|part| format!("{part}@{host}").parse().unwrap());
            let settings = DriveSettings { reserve: Some(ByteCount(0)), expect: None };
            Gate::new(root, settings, &rig.log, &rig.clock, (&actors[0], &actors[1])).among_others()
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
    #[tokio::test]
    async fn what_only_the_work_meets_is_one_alarm_until_the_work_succeeds() {
        let rig = Rig::new().await;
        std::fs::create_dir(rig.root()).unwrap();
        Drive::init(&rig.root(), "blue 1", rig.clock.now()).unwrap();
        let obstacle = AlarmRaised {
            kind: AlarmKind::DriveReadOnly,
            subject: rig.root().to_string_lossy().into_owned(),
            message: "manifest.lock: Permission denied".to_owned(),
            next_step: "see who owns it".to_owned(),
        };
        let mut gate = rig.gate(0);
        for _ in 0..100 {
            assert_eq!(gate.look().await.unwrap(), None, "the drive can be opened");
            gate.found(&obstacle).await.unwrap();
            assert_eq!(gate.waits_for(), Some(&obstacle), "it is not tried again at once");
        }
        assert_eq!(rig.size().await, 1, "a hundred tries are one alarm");
        assert_eq!(gate.met.as_ref().unwrap().wait, TRY_AGAIN_MOST, "ever more slowly");

        // A later process finds the drive well, which says nothing about the work.
        rig.gate(0).look().await.unwrap();
        assert_eq!(raised_alarms(&rig.log).await.unwrap().len(), 1);
        gate.well().await.unwrap();
        gate.well().await.unwrap();
        assert_eq!((rig.size().await, raised_alarms(&rig.log).await.unwrap().len()), (2, 0));
    }

    #[tokio::test]
    async fn nothing_is_called_usable_while_something_is_in_the_way() {
        let rig = Rig::new().await;
        std::fs::create_dir(rig.root()).unwrap();
        Drive::init(&rig.root(), "blue 1", rig.clock.now()).unwrap();
        let mut gate = rig.gate(u64::MAX / 2);
        assert_eq!(gate.look().await.unwrap().unwrap().kind, AlarmKind::DriveFull);
        std::fs::rename(rig.root(), rig.folder.path().join("unplugged")).unwrap();
        assert_eq!(gate.look().await.unwrap().unwrap().kind, AlarmKind::DriveMissing);
        std::fs::create_dir(rig.root()).unwrap();
        std::fs::write(rig.root().join("holiday.jpg"), "somebody's").unwrap();
        assert_eq!(gate.look().await.unwrap().unwrap().kind, AlarmKind::DriveUnknown);
        let over = rig.over().await;
        assert_eq!(over.len(), 1, "nobody knows whether the full drive has room now: {over:?}");
        assert!(
            over[0].starts_with("something else is in the way there now: the drive at ")
                && over[0].ends_with(" was never set up for Strongroom"),
            "{over:?}"
        );
        Drive::init(&rig.root(), "blue 2", rig.clock.now()).unwrap();
        assert_eq!(rig.gate(0).look().await.unwrap(), None);
        assert_eq!(rig.over().await[1..], vec![usable(&rig.root()); 2]);
    }

    #[tokio::test]
    async fn a_gate_that_looks_for_no_room_does_not_end_the_alarm_that_there_is_none() {
        let rig = Rig::new().await;
        std::fs::create_dir(rig.root()).unwrap();
        Drive::init(&rig.root(), "blue 1", rig.clock.now()).unwrap();
        assert!(rig.gate(u64::MAX / 2).look().await.unwrap().is_some());
        let mut reads_only = rig.gate(0);
        reads_only.settings.reserve = None;
        assert_eq!(reads_only.look().await.unwrap(), None);
        assert_eq!(raised_alarms(&rig.log).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_drive_that_comes_and_goes_is_told_ever_more_slowly() {
        let rig = Rig::new().await;
        let mut gate = rig.gate(0);
        for _ in 0..100 {
            std::fs::create_dir(rig.root()).unwrap();
            Drive::init(&rig.root(), "blue 1", rig.clock.now()).unwrap();
            gate.look().await.unwrap();
            std::fs::remove_dir_all(rig.root()).unwrap();
            gate.look().await.unwrap();
            rig.clock.advance(Duration::from_secs(2));
        }
        assert!(rig.size().await <= 14, "{} events of a loose cable", rig.size().await);
        assert_eq!(raised_alarms(&rig.log).await.unwrap().len(), 1, "it is away, and that is what stands there");
    }
}
