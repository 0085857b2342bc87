//! The stage, and the order of its steps.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use strongroom_bus::{Alarms, BatchLimits, Done, Failure, Fate, Outcome, Settle, Stage, Task};
use strongroom_drive::{
    Admission, BagCache, Drive, DriveError, DriveErrorKind, DriveSettings, Proof, ReadBackOf, Seen, Slot, Unlisted,
};
use strongroom_eventlog::EventLog;
use strongroom_model::booking::Booking;
use strongroom_model::event::{AlarmKey, AlarmRaised, BackedUp, DiskOf, Enumerated, Fetched, ReadBack};
use strongroom_model::text::with_causes;
use strongroom_model::{AlarmKind, BookingId, DriveId, Event, FailureKind, Month, Partition, StageName, StreamName};
use strongroom_service::{Clock, blocking, kill_point};
use tokio::sync::Mutex;

use crate::attached;
use crate::begin::{self, BeginError};
use crate::folding::Folding;
use crate::judge::{Judgement, judge};
use crate::salvage::{Background, Salvage};
use crate::suspects::Suspects;
use crate::unknown::UnknownFiles;

/// How many batches are under way at once: while one waits for the manifest's sync, the
/// next is read back.
const BATCHES: usize = 2;

/// How many files one blocking call reads back at most: small files are read without a
/// change of threads between them, and large ones do not wait in line behind each other.
const READ_TOGETHER: usize = 8;

/// How long a copy on a drive that is not mounted here is left to whoever has that drive.
/// After that it is fetched again, onto a drive that is: it was never proven, and the
/// server still holds the file.
const MAX_ELSEWHERE: Duration = Duration::from_secs(10 * 60);

/// What helps where a single file is read from a cache although its drive need not be.
const SMALL_FILES: &str = "if it happens for small files only, the file system keeps them among its own records: mount Btrfs with \
                           `max_inline=0`, make ext4 without `inline_data`, or use another file system than NTFS";

/// What an operator says of verifying.
#[derive(Debug, Clone)]
pub struct VerifySettings {
    /// Where the drive is mounted.
    pub root: PathBuf,
    /// The only drive to work on; any that was set up where it is `None`.
    pub expect: Option<DriveId>,
    /// Whether only what was read from the device is proven.
    pub device_only: bool,
    /// How many copies are read back at once.
    pub reads: usize,
    /// How many copies are taken at a time.
    pub batch: usize,
    /// Whose calendar months the bags are stamped with.
    pub zone: TimeZone,
    /// The folders whose disks the drive should not share, and whose they are: it is recorded where it does.
    pub others: Vec<(DiskOf, PathBuf)>,
    /// What the stages of this process have read of the drive's bags.
    pub bags: BagCache,
}

/// Reads copies back from the drive and compares them.
///
/// The order of the steps is that of rule R1:
/// - if we stop before the manifest is written, nothing has happened: the copies are read
///   back again;
/// - if we stop between the manifest and the append, the manifest lists copies that are
///   proven, though the log does not say so yet. They are read back again, the manifest
///   stays as it is, and the log catches up. The other way round, a drive could hold a proven
///   copy that its own manifest does not know;
/// - a bad copy is put aside only after the log has it that it is bad (R3): of two workers with one
///   copy, the other may have proven it. If we stop in between, it stays where it is, unproven, until the
///   file is fetched anew and finds it in the way.
#[derive(Debug)]
pub struct Verify {
    settings: VerifySettings,
    slot: Arc<Slot>,
    log: EventLog,
    clock: Clock,
    alarms: Alarms,
    suspects: Suspects,
    /// The drive that was looked through when it was first seen.
    begun: Arc<Mutex<Option<DriveId>>>,
    /// The drive that was there at the last look.
    seen: std::sync::Mutex<Option<DriveId>>,
    /// Copies that a lost log may have proven, read back beside the stage's work.
    salvage: Background,
    folding: Folding,
}

/// A copy that is refused, and which file was read.
struct Bad {
    copy: Copy,
    seen: Seen,
    judgement: Judgement,
}

/// A bad copy that is to be put away when the log says that it is bad.
struct Away {
    stream: StreamName,
    path: String,
    seen: Seen,
    /// Kept in the quarantine, or thrown away.
    aside: bool,
    message: String,
}

/// A copy that is to be proven.
struct Copy {
    task: Task<Booking>,
    booking: BookingId,
    held: Enumerated,
    fetched: Fetched,
}

impl Verify {
    /// A stage that proves the copies on the drive that is mounted there; `alarms` is for
    /// what it finds at its start.
    #[must_use]
    pub fn new(settings: VerifySettings, log: EventLog, clock: Clock, alarms: Alarms) -> Self {
        Self {
            slot: Arc::new(slot(&settings)),
            settings,
            log,
            clock,
            alarms,
            suspects: Suspects::default(),
            begun: Arc::default(),
            seen: std::sync::Mutex::default(),
            salvage: Background::default(),
            folding: Folding::default(),
        }
    }

    /// The same, on a drive that this allows to be used.
    #[must_use]
    pub fn admitted_by(self, admission: Arc<dyn Admission>) -> Self {
        Self { slot: Arc::new(slot(&self.settings).admitted_by(admission)), ..self }
    }

    /// Looks the drive through, once for each drive that is mounted while this process runs:
    /// sweeps what a dead process left, writes missing manifests anew from the log, and reads the
    /// last proven copies back once more. Call it when the process starts; otherwise it is
    /// done before the first batch.
    ///
    /// # Errors
    /// The drive cannot be worked on.
    pub async fn begin(&self) -> Result<(), AlarmRaised> {
        let slot = self.slot.clone();
        let (drive, backing) =
            blocking(move || slot.drive().and_then(|drive| drive.backing().map(|below| (drive, below))))
                .await
                .map_err(|error| obstacle(&error))?;
        if let Some((why, step)) = backing.reason().filter(|_| self.settings.device_only) {
            return Err(cached(&drive, why, step));
        }
        let id = drive.identity().id;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
        let mut begun = self.begun.lock().await;
        if *begun == Some(id) {
            return Ok(());
        }
        if let Err(error) = attached::record(&self.log, &self.clock, &drive, &self.settings).await {
            tracing::warn!(error = %with_causes(&error), "how the drive is used was not recorded");
        }
        let month = Month::of(self.clock.now(), &self.settings.zone);
        match begin::begin(&self.log, &self.alarms, &self.clock, &drive, month).await {
            Ok(salvageable) => {
                *begun = Some(id);
                if !salvageable.is_empty() {
                    self.salvage(&drive, salvageable);
                }
            }
            Err(BeginError::Drive(error)) => match error.obstacle() {
                Some(obstacle) => return Err(obstacle),
                // Something odd stands on the drive: it will not go away by looking again.
                None => {
                    tracing::warn!(%error, "the drive could not be looked through to the end");
                    *begun = Some(id);
                }
            },
            // It is looked through before the next batch; this one can be proven all the same.
            Err(error) => tracing::warn!(error = %with_causes(&error), "the drive was not looked through"),
        }
        Ok(())
    }

    /// Reads files back that a damaged manifest still lists, and lists those again that are right. If the drive goes away
    /// meanwhile, it is looked through anew when it is back.
    fn salvage(&self, drive: &Drive, months: BTreeMap<Month, Vec<Unlisted>>) {
        let unknown = UnknownFiles::new(&self.log, &self.alarms, drive);
        let salvage = Salvage::new(&self.log, drive, self.settings.device_only, unknown, months);
        let (begun, slot) = (self.begun.clone(), self.slot.clone());
        self.salvage.start(salvage, async move {
            if blocking(move || slot.drive()).await.is_err() {
                *begun.lock().await = None;
            }
        });
    }

    /// Waits until no copy is being read back that only a damaged manifest lists.
    pub async fn salvaged(&self) {
        self.salvage.ended().await;
    }

    /// Folds the journals into the manifests of the drive that copies were listed on last. Call it when the stage has ended.
    pub async fn fold(&self) {
        self.folding.now().await;
    }

    /// Stops reading such copies back, after those that are being read: what is left is for the next start.
    pub fn stop_salvaging(&self) {
        self.salvage.stop();
    }
}

impl Stage for Verify {
    type State = Booking;

    fn name(&self) -> StageName {
        StageName::Verify
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: self.settings.batch, batches: BATCHES }
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.begin().await
    }

    fn partition(&self) -> Option<Partition> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).map(Partition::from)
    }

    async fn handle(&self, tasks: Vec<Task<Booking>>, settle: &Settle<Booking>) {
        let slot = self.slot.clone();
        let drive = match blocking(move || slot.drive()).await {
            Ok(drive) => drive,
            Err(error) => {
                let outcome = unprovable(&error);
                return settle.settle(tasks.into_iter().map(|task| (task, outcome.clone())).collect()).await;
            }
        };
        let (copies, others) = self.sort(drive.identity().id, tasks);
        settle.settle(others).await;
        let read = self.read_back(&drive, copies).await;
        kill_point!("verify.after-read-back");
        let (mut proven, mut refused, mut bad) = (Vec::new(), Vec::new(), Vec::new());
        for (copy, read) in read {
            match read {
                Err(error) => refused.push((copy.task, unprovable(&error))),
                Ok(read) if read.method == ReadBack::Cached && self.settings.device_only => {
                    let why = format!("{} may have been read back from a cache", copy.fetched.path);
                    refused.push((copy.task, Outcome::Obstructed(cached(&drive, &why, SMALL_FILES))));
                }
                Ok(read) => {
                    let earlier = copy.task.state.wrong_digest.as_ref();
                    match judge(&copy.booking, &copy.held, &copy.fetched, earlier, &read) {
                        Judgement::Proven(proof) => proven.push((copy, proof, read.seen)),
                        judgement => bad.push(Bad { copy, seen: read.seen, judgement }),
                    }
                }
            }
        }
        settle.settle(refused).await;
        self.refuse(&drive, bad, settle).await;
        self.prove(&drive, proven, settle).await;
    }
}

impl Verify {
    /// Tells the copies on this drive from all else, which is settled without a look at it.
    fn sort(&self, drive: DriveId, tasks: Vec<Task<Booking>>) -> (Vec<Copy>, Vec<(Task<Booking>, Outcome)>) {
        let (mut copies, mut others) = (Vec::with_capacity(tasks.len()), Vec::new());
        let now = self.clock.now();
        for task in tasks {
            let state = &task.state;
            match (task.stream.as_booking(), state.enumerated.clone(), state.fetched.clone()) {
                (Some(booking), Some(held), Some(fetched)) if fetched.drive == drive => {
                    copies.push(Copy { task, booking, held, fetched });
                }
                (_, _, Some(fetched)) => {
                    let outcome = elsewhere(&fetched, task.trigger.time, now);
                    others.push((task, outcome));
                }
                // Nothing hands us such a booking; if something does, there is nothing to prove.
                _ => others.push((task, Outcome::Superseded)),
            }
        }
        (copies, others)
    }

    async fn read_back(&self, drive: &Drive, copies: Vec<Copy>) -> Vec<(Copy, Result<ReadBackOf, DriveError>)> {
        let reads = self.settings.reads.max(1);
        let together = copies.len().div_ceil(reads).clamp(1, READ_TOGETHER);
        let mut left = copies.into_iter().peekable();
        let groups = std::iter::from_fn(move || {
            left.peek()?;
            Some(left.by_ref().take(together).collect::<Vec<_>>())
        });
        let read = stream::iter(groups).map(|group| {
            let drive = drive.clone();
            blocking(move || {
                let files: Vec<_> =
                    (group.iter()).map(|copy| (copy.fetched.path.as_str(), copy.held.digest.algorithm())).collect();
                let answers = drive.read_back_many(&files);
                group.into_iter().zip(answers).collect::<Vec<_>>()
            })
        });
        read.buffer_unordered(reads).concat().await
    }

    /// Settles copies that are refused, and puts them out of the way of the next ones only when the log says that they
    /// are bad: of two workers with one copy, the other may have proven it.
    ///
    /// If we stop in between, the copy stays where it is, unproven: whoever fetches the file anew puts it aside.
    async fn refuse(&self, drive: &Drive, bad: Vec<Bad>, settle: &Settle<Booking>) {
        if bad.is_empty() {
            return;
        }
        let (mut outcomes, mut away) = (Vec::with_capacity(bad.len()), Vec::with_capacity(bad.len()));
        for Bad { copy, seen, judgement } in bad {
            let path = copy.fetched.path.clone();
            let (failure, aside) = match judgement {
                Judgement::PutAside(failure) => {
                    self.suspects.changed(copy.fetched.drive, &copy.task.stream);
                    let (drive, path) = (drive.clone(), path.clone());
                    match blocking(move || drive.quarantine_for(&path)).await {
                        Ok(quarantined) => (Failure { quarantined, ..failure }, true),
                        Err(error) => {
                            outcomes.push((copy.task, in_the_way(&error, failure)));
                            continue;
                        }
                    }
                }
                Judgement::ThrowAway(failure) => (failure, false),
                Judgement::Proven(_) => continue,
            };
            away.push(Away { stream: copy.task.stream.clone(), path, seen, aside, message: failure.message.clone() });
            outcomes.push((copy.task, Outcome::Failed(failure)));
        }
        settle.settle(outcomes).await;
        kill_point!("verify.after-refusal");
        self.put_away(drive, away).await;
        kill_point!("verify.after-put-away");
    }

    /// Puts away the copies that the log calls bad, and ends the alarm about those that another worker has proven.
    async fn put_away(&self, drive: &Drive, away: Vec<Away>) {
        let streams: Vec<_> = away.iter().map(|away| away.stream.clone()).collect();
        let histories = match self.log.readable_streams(&streams).await {
            Ok(histories) => histories,
            Err(error) => {
                // They stay where they are, unproven, until the files are fetched anew.
                return tracing::warn!(error = %with_causes(&error), "bad copies could not be put away");
            }
        };
        for away in away {
            let Some(last) = histories.get(&away.stream).and_then(|history| history.last()) else { continue };
            match &last.event {
                Event::TimesheetFailed(failed) if failed.message == away.message => {
                    let drive = drive.clone();
                    let moved = blocking(move || match away.aside {
                        true => drive.quarantine(&away.path, Some(away.seen)).map(drop),
                        false => drive.discard(&away.path, Some(away.seen)),
                    });
                    if let Err(error) = moved.await {
                        // It is gone, or proven after all, or stays where it is as one more stray file.
                        tracing::warn!(%error, "a bad copy could not be put out of the way");
                    }
                }
                Event::TimesheetBackedUp(proof) => {
                    let Some(key) = self.suspects.proven(proof.drive, &away.stream) else { continue };
                    let message = format!("drive {} gave back what was written to {}", proof.drive, proof.path);
                    if let Err(error) = self.alarms.clear(&key, &message, Some(last)).await {
                        tracing::warn!(error = %with_causes(&error), "an alarm could not be ended");
                    }
                }
                _ => {}
            }
        }
    }

    /// Lists proven copies in their months' manifests, durably, and only then says so.
    async fn prove(&self, drive: &Drive, proven: Vec<Proven>, settle: &Settle<Booking>) {
        let site = self.log.site().clone();
        let drive = drive.clone();
        if !proven.is_empty() {
            self.folding.listed(&drive, &site);
        }
        let recorded = blocking(move || record(&drive, &site, proven)).await;
        kill_point!("verify.after-manifest");
        if recorded
            .iter()
            .any(|(_, _, written)| matches!(written, Err(DriveError { kind: DriveErrorKind::BadManifest(_), .. })))
        {
            // Looking through the drive again writes the manifest anew from the log.
            *self.begun.lock().await = None;
        }
        let outcomes = recorded.into_iter().map(|(copy, proof, recorded)| {
            let outcome = match recorded {
                Ok(()) => self.backed_up(&copy, proof),
                Err(error) => unprovable(&error),
            };
            (copy.task, outcome)
        });
        settle.settle(outcomes.collect()).await;
    }

    /// A proven copy, and the alarms that are over with it.
    fn backed_up(&self, copy: &Copy, proof: BackedUp) -> Outcome {
        let mut clear = Vec::new();
        if copy.task.state.record_wrong {
            let key = AlarmKey::new(AlarmKind::RecordWrong, &copy.booking);
            clear.push((key, format!("the file of booking {} is what the server's record says", copy.booking)));
        }
        if let Some(key) = self.suspects.proven(proof.drive, &copy.task.stream) {
            clear.push((key, format!("drive {} gave back what was written to {}", proof.drive, proof.path)));
        }
        Outcome::Done(Done { clear, ..Done::event(Event::TimesheetBackedUp(proof)) })
    }
}

/// The place of the drive. What is read back is on the drive already, so a drive that is full for fetching is not for proving.
fn slot(settings: &VerifySettings) -> Slot {
    let opened = DriveSettings { reserve: None, expect: settings.expect };
    Slot::new(settings.root.clone(), opened).sharing(settings.bags.clone())
}

/// A copy that was read back as it should be, and which file that was.
type Proven = (Copy, BackedUp, Seen);
type Recorded = (Copy, BackedUp, Result<(), DriveError>);

/// Writes the manifests, once for each month. Blocks.
fn record(drive: &Drive, site: &strongroom_model::SiteId, mut proven: Vec<Proven>) -> Vec<Recorded> {
    let mut recorded = Vec::with_capacity(proven.len());
    proven.sort_by_key(|(_, proof, _)| proof.month);
    while let Some((_, first, _)) = proven.first() {
        let month = first.month;
        let end = proven.partition_point(|(_, proof, _)| proof.month <= month);
        let of_month: Vec<_> = proven.drain(..end).collect();
        let list: Vec<Proof> = of_month.iter().map(|(_, proof, seen)| listed(proof, *seen)).collect();
        let written = drive.record(site, month, &list);
        recorded.extend(of_month.into_iter().zip(written).map(|((copy, proof, _), written)| (copy, proof, written)));
    }
    recorded
}

fn listed(proof: &BackedUp, seen: Seen) -> Proof {
    Proof { path: proof.path.clone(), sha256: proof.sha256.clone(), seen: Some(seen) }
}

/// What else a person may do whose drive can only be read back through a cache: added to the step that changes that.
pub const OR_CACHED: &str = "; or set `verify.require = \"cached\"`: such copies prove less, and no purge counts them";

/// That copies can only be read back through a cache.
fn cached(drive: &Drive, why: &str, step: &str) -> AlarmRaised {
    AlarmRaised {
        kind: AlarmKind::ReadBackCached,
        subject: drive.alarm_subject(),
        message: format!(
            "copies on the drive at {} cannot be read back from the device: {why}",
            drive.root().display()
        ),
        next_step: format!("{step}{OR_CACHED}"),
    }
}

/// What is to be done about a copy on a drive that is not mounted here.
fn elsewhere(copy: &Fetched, since: Timestamp, now: Timestamp) -> Outcome {
    let age = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    if age < MAX_ELSEWHERE {
        return Outcome::Superseded;
    }
    let message = format!("its copy, not yet proven, is on drive {}, which is not mounted here", copy.drive);
    Outcome::Failed(Failure::new(FailureKind::CopyMissing, message, Fate::Retry))
}

/// What it means for a copy that it could not be read back, or not be listed.
fn unprovable(error: &DriveError) -> Outcome {
    match error.obstacle() {
        Some(obstacle) => Outcome::Obstructed(obstacle),
        None if error.is_busy() => Outcome::Superseded,
        None => Outcome::Failed(Failure::new(error.failure_kind(), error.to_string(), Fate::Retry)),
    }
}

/// What it means that a bad copy could not be put out of the way.
fn in_the_way(error: &DriveError, failure: Failure) -> Outcome {
    match error.obstacle() {
        Some(obstacle) => Outcome::Obstructed(obstacle),
        None => {
            // It is gone, or stays where it is as one more stray file: the failure stands.
            tracing::warn!(%error, "a bad copy could not be put out of the way");
            Outcome::Failed(failure)
        }
    }
}

/// The obstacle that an error of the drive as a whole is.
fn obstacle(error: &DriveError) -> AlarmRaised {
    error.obstacle().unwrap_or_else(|| AlarmRaised {
        kind: AlarmKind::DriveFailing,
        subject: "drive".to_owned(),
        message: error.to_string(),
        next_step: error.next_step(),
    })
}
