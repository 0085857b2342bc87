use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use strongroom_bus::{Alarms, BatchLimits, Done, Failure, Fate, Settle, Stage, Task, TaskOutcome};
use strongroom_drive::{
    Admission, BagCache, Drive, DriveError, DriveErrorKind, DriveSettings, FileVersion, ProvenCopy, ReadBackResult,
    Slot, Unlisted,
};
use strongroom_eventlog::EventLog;
use strongroom_model::booking::Booking;
use strongroom_model::event::{AlarmKey, AlarmRaised, BackedUp, DiskOf, Enumerated, Fetched, ReadBack};
use strongroom_model::text::with_causes;
use strongroom_model::{AlarmKind, BookingId, DriveId, Event, FailureKind, Month, Partition, StageName, StreamName};
use strongroom_service::{Clock, blocking, kill_point};
use tokio::sync::Mutex;

use crate::drive_check::{DriveCheckError, check_new_drive};
use crate::folding::Folding;
use crate::judge::{Judgement, judge};
use crate::record_attached;
use crate::salvage::{Background, Salvage};
use crate::suspects::Suspects;
use crate::unknown::UnknownFiles;

/// While one batch waits for the manifest's sync, the next is read back.
const BATCHES: usize = 2;

/// Files per blocking call: small ones avoid changes of threads, large ones do not wait for each other.
const READ_TOGETHER: usize = 8;

/// How long a copy on a drive mounted elsewhere is left to that host. Then it is fetched again onto this one: it was
/// never proven, and the server still has it.
const MAX_ELSEWHERE: Duration = Duration::from_secs(10 * 60);

/// For a single file that is read from a cache on a drive that otherwise is not.
const SMALL_FILES: &str = "if it happens for small files only, the file system keeps them among its own records: mount Btrfs with \
                           `max_inline=0`, make ext4 without `inline_data`, or use another file system than NTFS";

/// How copies are verified.
#[derive(Debug, Clone)]
pub struct VerifySettings {
    /// The drive's mount folder.
    pub root: PathBuf,
    /// The only accepted drive, if set.
    pub expect: Option<DriveId>,
    /// Only reads from the device prove a copy.
    pub device_only: bool,
    /// Concurrent reads.
    pub reads: usize,
    /// Copies taken at a time.
    pub batch: usize,
    /// The time zone of the bags' months.
    pub zone: TimeZone,
    /// Folders whose disks the drive should not share, and whose they are; sharing is recorded.
    pub others: Vec<(DiskOf, PathBuf)>,
    /// Bags that this process's stages share.
    pub bags: BagCache,
}

/// Reads copies back from the drive and compares them.
///
/// The order of steps is R1's:
/// - if we stop before the manifest is written, nothing has happened: the copies are read back again;
/// - if we stop between manifest and append, the manifest lists proven copies that the log lacks. They are read back
///   again, the manifest stays, and the log catches up. In the other order, a drive could hold a proven copy that its
///   manifest lacks;
/// - a bad copy is moved only after the log has it as bad (R3): another worker may have proven it. If we stop in
///   between, it stays, unproven, until the file is fetched again and finds it in the way.
#[derive(Debug)]
pub struct Verify {
    settings: VerifySettings,
    slot: Arc<Slot>,
    log: EventLog,
    clock: Clock,
    alarms: Alarms,
    suspects: Suspects,
    /// The drive that was checked when it was first seen.
    checked: Arc<Mutex<Option<DriveId>>>,
    /// The drive at the last look.
    seen: std::sync::Mutex<Option<DriveId>>,
    salvage: Background,
    folding: Folding,
}

/// A refused copy, and the file that was read.
struct RefusedCopy {
    copy: CopyToProve,
    seen: FileVersion,
    judgement: Judgement,
}

/// A bad copy to be moved once the log has it as bad.
struct BadCopy {
    stream: StreamName,
    path: String,
    seen: FileVersion,
    /// Quarantined, or else discarded.
    quarantine: bool,
    message: String,
}

/// A copy to be proven.
struct CopyToProve {
    task: Task<Booking>,
    booking: BookingId,
    held: Enumerated,
    fetched: Fetched,
}

impl Verify {
    /// A stage for the drive mounted there; `alarms` is for the checks at its start.
    pub fn new(settings: VerifySettings, log: EventLog, clock: Clock, alarms: Alarms) -> Self {
        Self {
            slot: Arc::new(slot(&settings)),
            settings,
            log,
            clock,
            alarms,
            suspects: Suspects::default(),
            checked: Arc::default(),
            seen: std::sync::Mutex::default(),
            salvage: Background::default(),
            folding: Folding::default(),
        }
    }

    /// Asks `admission` before each use of a drive.
    #[must_use]
    pub fn admitted_by(self, admission: Arc<dyn Admission>) -> Self {
        Self { slot: Arc::new(slot(&self.settings).admitted_by(admission)), ..self }
    }

    /// Checks each drive once per process: removes leftovers, rewrites missing manifests from the log, reads the last
    /// proven copies back again. Call it at the process's start; otherwise the first batch does.
    pub async fn check_drive(&self) -> Result<(), AlarmRaised> {
        let slot = self.slot.clone();
        let (drive, backing) =
            blocking(move || slot.drive().and_then(|drive| drive.backing().map(|below| (drive, below))))
                .await
                .map_err(|error| error.as_obstacle())?;
        if let Some((why, step)) = backing.reason().filter(|_| self.settings.device_only) {
            return Err(cached(&drive, why, step));
        }
        let id = drive.identity().id;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(id);
        let mut checked = self.checked.lock().await;
        if *checked == Some(id) {
            return Ok(());
        }
        if let Err(error) = record_attached::record(&self.log, &self.clock, &drive, &self.settings).await {
            tracing::warn!(
                drive = %id,
                error = %with_causes(&error),
                "how the drive is attached was not recorded: trying again at the next start"
            );
        }
        let month = Month::of(self.clock.now(), &self.settings.zone);
        match check_new_drive(&self.log, &self.alarms, &self.clock, &drive, month).await {
            Ok(salvageable) => {
                *checked = Some(id);
                if !salvageable.is_empty() {
                    self.salvage(&drive, salvageable);
                }
            }
            Err(DriveCheckError::Drive(error)) => match error.obstacle() {
                Some(obstacle) => return Err(obstacle),
                // Something unusual is on the drive, and will not go away.
                None => {
                    tracing::warn!(
                        drive = %id,
                        %error,
                        "the drive was not checked to the end: its copies are proven all the same, see the error"
                    );
                    *checked = Some(id);
                }
            },
            Err(error) => tracing::warn!(
                drive = %id,
                error = %with_causes(&error),
                "the drive was not checked: this batch is proven all the same, the next one checks it"
            ),
        }
        Ok(())
    }

    /// If the drive goes away meanwhile, it is checked again when it is back.
    fn salvage(&self, drive: &Drive, months: BTreeMap<Month, Vec<Unlisted>>) {
        let unknown = UnknownFiles::new(&self.log, &self.alarms, drive);
        let salvage = Salvage::new(&self.log, drive, self.settings.device_only, unknown, months);
        let (checked, slot) = (self.checked.clone(), self.slot.clone());
        self.salvage.start(salvage, async move {
            if blocking(move || slot.drive()).await.is_err() {
                *checked.lock().await = None;
            }
        });
    }

    /// Waits until no salvage runs.
    pub async fn salvaged(&self) {
        self.salvage.ended().await;
    }

    /// Folds the last drive's journals into its manifests. Call it when the stage has ended.
    pub async fn fold(&self) {
        self.folding.now().await;
    }

    /// Stops a salvage after the files being read; the next start does the rest.
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
        self.check_drive().await
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
                    refused.push((copy.task, TaskOutcome::Obstructed(cached(&drive, &why, SMALL_FILES))));
                }
                Ok(read) => {
                    let earlier = copy.task.state.wrong_digest.as_ref();
                    match judge(&copy.booking, &copy.held, &copy.fetched, earlier, &read) {
                        Judgement::Proven(proof) => proven.push((copy, proof, read.seen)),
                        judgement => bad.push(RefusedCopy { copy, seen: read.seen, judgement }),
                    }
                }
            }
        }
        settle.settle(refused).await;
        self.settle_refused(&drive, bad, settle).await;
        self.prove(&drive, proven, settle).await;
    }
}

impl Verify {
    /// Separates copies on this drive from tasks that are settled without reading.
    fn sort(&self, drive: DriveId, tasks: Vec<Task<Booking>>) -> (Vec<CopyToProve>, Vec<(Task<Booking>, TaskOutcome)>) {
        let (mut copies, mut others) = (Vec::with_capacity(tasks.len()), Vec::new());
        let now = self.clock.now();
        for task in tasks {
            let state = &task.state;
            match (task.stream.as_booking(), state.enumerated.clone(), state.fetched.clone()) {
                (Some(booking), Some(held), Some(fetched)) if fetched.drive == drive => {
                    copies.push(CopyToProve { task, booking, held, fetched });
                }
                (_, _, Some(fetched)) => {
                    let outcome = elsewhere(&fetched, task.trigger.time, now);
                    others.push((task, outcome));
                }
                // Should not happen; there is nothing to prove.
                _ => others.push((task, TaskOutcome::Superseded)),
            }
        }
        (copies, others)
    }

    async fn read_back(
        &self,
        drive: &Drive,
        copies: Vec<CopyToProve>,
    ) -> Vec<(CopyToProve, Result<ReadBackResult, DriveError>)> {
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

    /// Settles refused copies, then removes those that the log has as bad: another worker may have proven one. If we
    /// stop in between, a copy stays, unproven, and the next fetch of the file quarantines it.
    async fn settle_refused(&self, drive: &Drive, bad: Vec<RefusedCopy>, settle: &Settle<Booking>) {
        if bad.is_empty() {
            return;
        }
        let (mut outcomes, mut to_remove) = (Vec::with_capacity(bad.len()), Vec::with_capacity(bad.len()));
        for RefusedCopy { copy, seen, judgement } in bad {
            let path = copy.fetched.path.clone();
            let (failure, quarantine) = match judgement {
                Judgement::Quarantine(failure) => {
                    self.suspects.changed(copy.fetched.drive, &copy.task.stream);
                    let (drive, path) = (drive.clone(), path.clone());
                    match blocking(move || drive.quarantine_for(&path)).await {
                        Ok(quarantined) => (Failure { quarantined, ..failure }, true),
                        Err(error) => {
                            outcomes
                                .push((copy.task, in_the_way(copy.fetched.drive, &copy.fetched.path, &error, failure)));
                            continue;
                        }
                    }
                }
                Judgement::Discard(failure) => (failure, false),
                Judgement::Proven(_) => continue,
            };
            to_remove.push(BadCopy {
                stream: copy.task.stream.clone(),
                path,
                seen,
                quarantine,
                message: failure.message.clone(),
            });
            outcomes.push((copy.task, TaskOutcome::Failed(failure)));
        }
        settle.settle(outcomes).await;
        kill_point!("verify.after-refusal");
        self.remove_bad_copies(drive, to_remove).await;
        kill_point!("verify.after-put-away");
    }

    /// Quarantines or discards bad copies, and clears the alarms for those that another worker has proven.
    async fn remove_bad_copies(&self, drive: &Drive, bad: Vec<BadCopy>) {
        let streams: Vec<_> = bad.iter().map(|copy| copy.stream.clone()).collect();
        let histories = match self.log.readable_streams(&streams).await {
            Ok(histories) => histories,
            Err(error) => {
                return tracing::warn!(
                    drive = %drive.identity().id,
                    copies = bad.len(),
                    error = %with_causes(&error),
                    "bad copies were not removed: they stay, unproven, until their files are fetched again"
                );
            }
        };
        for copy in bad {
            let Some(last) = histories.get(&copy.stream).and_then(|history| history.last()) else { continue };
            match &last.event {
                Event::TimesheetFailed(failed) if failed.message == copy.message => {
                    let (owned_drive, path) = (drive.clone(), copy.path.clone());
                    let moved = blocking(move || match copy.quarantine {
                        true => owned_drive.quarantine(&path, Some(copy.seen)).map(drop),
                        false => owned_drive.discard(&path, Some(copy.seen)),
                    });
                    if let Err(error) = moved.await {
                        tracing::warn!(
                            drive = %drive.identity().id,
                            path = copy.path,
                            %error,
                            "a bad copy was not removed: it is gone, proven after all, or stays as a stray file"
                        );
                    }
                }
                Event::TimesheetBackedUp(proof) => {
                    let Some(key) = self.suspects.proven(proof.drive, &copy.stream) else { continue };
                    let message = format!("drive {} gave back what was written to {}", proof.drive, proof.path);
                    if let Err(error) = self.alarms.clear(&key, &message, Some(last)).await {
                        tracing::warn!(
                            alarm = %key,
                            error = %with_causes(&error),
                            "an alarm was not cleared: it stays raised although its cause is gone"
                        );
                    }
                }
                _ => {}
            }
        }
    }

    /// Lists proven copies in manifests, durably, before settling.
    async fn prove(&self, drive: &Drive, proven: Vec<ProvenRead>, settle: &Settle<Booking>) {
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
            // Checking the drive again rewrites the manifest from the log.
            *self.checked.lock().await = None;
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

    /// Clears the alarms that a proof ends.
    fn backed_up(&self, copy: &CopyToProve, proof: BackedUp) -> TaskOutcome {
        let mut clear = Vec::new();
        if copy.task.state.record_wrong {
            let key = AlarmKey::new(AlarmKind::RecordWrong, &copy.booking);
            clear.push((key, format!("the file of booking {} is what the server's record says", copy.booking)));
        }
        if let Some(key) = self.suspects.proven(proof.drive, &copy.task.stream) {
            clear.push((key, format!("drive {} gave back what was written to {}", proof.drive, proof.path)));
        }
        TaskOutcome::Done(Done { clear, ..Done::event(Event::TimesheetBackedUp(proof)) })
    }
}

/// What is read back is on the drive already, so a full drive is not an obstacle here.
fn slot(settings: &VerifySettings) -> Slot {
    let opened = DriveSettings { reserve: None, expect: settings.expect };
    Slot::new(settings.root.clone(), opened).sharing(settings.bags.clone())
}

type ProvenRead = (CopyToProve, BackedUp, FileVersion);
type ListedProof = (CopyToProve, BackedUp, Result<(), DriveError>);

/// Lists copies, with one call per month. Blocks.
fn record(drive: &Drive, site: &strongroom_model::SiteId, mut proven: Vec<ProvenRead>) -> Vec<ListedProof> {
    let mut recorded = Vec::with_capacity(proven.len());
    proven.sort_by_key(|(_, proof, _)| proof.month);
    while let Some((_, first, _)) = proven.first() {
        let month = first.month;
        let end = proven.partition_point(|(_, proof, _)| proof.month <= month);
        let of_month: Vec<_> = proven.drain(..end).collect();
        let list: Vec<ProvenCopy> = of_month.iter().map(|(_, proof, seen)| listed(proof, *seen)).collect();
        let written = drive.record(site, month, &list);
        recorded.extend(of_month.into_iter().zip(written).map(|((copy, proof, _), written)| (copy, proof, written)));
    }
    recorded
}

fn listed(proof: &BackedUp, seen: FileVersion) -> ProvenCopy {
    ProvenCopy { path: proof.path.clone(), sha256: proof.sha256.clone(), seen: Some(seen) }
}

/// Added to the step for a drive that is only read back through a cache: the other choice.
pub const OR_CACHED: &str = "; or set `verify.require = \"cached\"`: such copies prove less, and no purge counts them";

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

/// For a copy on a drive that is not mounted here.
fn elsewhere(copy: &Fetched, since: Timestamp, now: Timestamp) -> TaskOutcome {
    let age = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    if age < MAX_ELSEWHERE {
        return TaskOutcome::Superseded;
    }
    let message = format!("its copy, not yet proven, is on drive {}, which is not mounted here", copy.drive);
    TaskOutcome::Failed(Failure::new(FailureKind::CopyMissing, message, Fate::Retry))
}

/// For a copy that could not be read back or listed.
fn unprovable(error: &DriveError) -> TaskOutcome {
    match error.obstacle() {
        Some(obstacle) => TaskOutcome::Obstructed(obstacle),
        None if error.is_busy() => TaskOutcome::Superseded,
        None => TaskOutcome::Failed(Failure::new(error.failure_kind(), error.to_string(), Fate::Retry)),
    }
}

/// For a bad copy that could not be moved away.
fn in_the_way(drive: DriveId, path: &str, error: &DriveError, failure: Failure) -> TaskOutcome {
    match error.obstacle() {
        Some(obstacle) => TaskOutcome::Obstructed(obstacle),
        None => {
            tracing::warn!(
                %drive,
                path,
                %error,
                "a bad copy cannot be quarantined: it is gone, or stays as a stray file; the failure is recorded"
            );
            TaskOutcome::Failed(failure)
        }
    }
}
