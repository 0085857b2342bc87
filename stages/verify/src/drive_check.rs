//! The check of a drive that is first seen: leftovers, manifests, and the last proven copies.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use strongroom_bus::{AlarmError, Alarms};
use strongroom_drive::{
    Drive, DriveError, DriveErrorKind, ExpectedFile, ProvenCopy, ReadBackResult, Recovery, RecoveryReport, Unfinished,
    Unlisted,
};
use strongroom_eventlog::{AppendError, EventLog, LogError, MAX_READ, Stored};
use strongroom_model::event::{AlarmKey, AlarmRaised, BackedUp};
use strongroom_model::{
    AlarmKind, BookingId, BookingStatus, ByteCount, Digest, DriveId, Event, FailureKind, Month, Position, Recorded,
    SiteId, StreamName, SubjectKind,
};
use strongroom_service::{Clock, blocking};

use crate::lost;
use crate::unknown::{Salvaged, UnknownFiles};

/// How many of the last proven copies are read back again: the last batches before a power cut, when a drive that lied
/// about a sync is found out.
const RECHECK_FILES: usize = 256;

/// Their size, so that a start takes seconds: a slow drive's minute.
const RECHECK_BYTES: ByteCount = ByteCount(1 << 30);

/// How often a copy is read before it counts as lost.
const MAX_LOOKS: u32 = 3;

/// Bookings per page.
const PAGE: usize = 512;

/// Quarantined files named in the process's log, per check.
const MAX_LOGGED: usize = 100;

/// As in the stored bytes.
const PROOF_TYPE: &str = "strongroom.timesheet.backed-up.v1";
/// As in the stored bytes.
const COPY_TYPE: &str = "strongroom.copy.made.v1";
/// As in the stored bytes.
const FETCHED_TYPE: &str = "strongroom.timesheet.fetched.v1";

/// Why the checks were not completed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriveCheckError {
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    #[error("what was found cannot be recorded")]
    Append(#[from] AppendError),
    #[error("an alarm cannot be raised or cleared")]
    Alarm(#[from] AlarmError),
    #[error("the drive cannot be worked on")]
    Drive(#[from] DriveError),
}

struct LoggedProof {
    booking: BookingId,
    event: Recorded,
    proof: BackedUp,
}

/// Checks a drive; everything may be done twice. Returns, by month, the unknown files of months in which a quarantined
/// manifest still lists some: they are to be read back.
pub(crate) async fn check_new_drive(
    log: &EventLog,
    alarms: &Alarms,
    clock: &Clock,
    drive: &Drive,
    month: Month,
) -> Result<BTreeMap<Month, Vec<Unlisted>>, DriveCheckError> {
    let last = last_proofs(log, drive.identity().id).await?;
    let doubtful = doubtful_manifests(drive, log.site(), &last).await?;
    let unlisted = recover(log, drive, month, doubtful).await?;
    let salvageable = report_unknown(&UnknownFiles::new(log, alarms, drive), unlisted).await?;
    recheck(log, alarms, clock, drive, last).await?;
    Ok(salvageable)
}

/// Newest first, among the log's last events.
async fn last_proofs(log: &EventLog, drive: DriveId) -> Result<Vec<LoggedProof>, LogError> {
    let size = log.head().await?.size;
    let from = Position(size.saturating_sub(MAX_READ as u64));
    let mut proofs = Vec::new();
    let mut seen = HashSet::new();
    for stored in log.read(from, MAX_READ).await?.iter().rev().filter(|stored| stored.body.contains(PROOF_TYPE)) {
        if let Some(proven) = log.readable(stored).and_then(proven).filter(|proven| proven.proof.drive == drive)
            && seen.insert(proven.proof.path.clone())
        {
            proofs.push(proven);
        }
        if proofs.len() == RECHECK_FILES {
            break;
        }
    }
    Ok(proofs)
}

fn proven(event: Recorded) -> Option<LoggedProof> {
    let booking = event.stream.as_booking()?;
    let Event::TimesheetBackedUp(proof) = &event.event else { return None };
    Some(LoggedProof { booking, proof: proof.clone(), event })
}

/// Months whose manifest is missing, damaged, or contradicts a proof.
async fn doubtful_manifests(
    drive: &Drive,
    site: &SiteId,
    proofs: &[LoggedProof],
) -> Result<HashSet<Month>, DriveError> {
    let mut months: BTreeMap<Month, Vec<ProvenCopy>> = BTreeMap::new();
    for BackedUp { month, path, sha256, .. } in proofs.iter().map(|proven| &proven.proof) {
        let proof = ProvenCopy { path: path.clone(), sha256: sha256.clone(), seen: None };
        months.entry(*month).or_default().push(proof);
    }
    let (drive, site) = (drive.clone(), site.clone());
    blocking(move || {
        let mut doubtful = HashSet::new();
        for (month, proofs) in months {
            if !drive.lists(&site, month, &proofs)? {
                doubtful.insert(month);
            }
        }
        Ok(doubtful)
    })
    .await
}

/// Removes leftovers, and rewrites missing and damaged manifests.
///
/// A manifest exists before a month's first file, and lists a file before the log has its proof. So one is incomplete
/// only if somebody deleted it, or an older version was killed. Only then the whole log is read, and where a file is on
/// the drive that neither manifest nor log explains.
///
/// Returns unlisted files that another log may have proven; they stay.
async fn recover(
    log: &EventLog,
    drive: &Drive,
    month: Month,
    mut months: HashSet<Month>,
) -> Result<Vec<Unlisted>, DriveCheckError> {
    let mut unlisted: Vec<Unlisted> = Vec::new();
    let (drive_to_check, site) = (drive.clone(), log.site().clone());
    let unfinished = blocking(move || drive_to_check.unfinished(&site, month)).await?;
    let expected_files = expected_files(log, &unfinished).await?;
    let mut unproven = unproven(log).await?;
    let first = log.read(Position(0), 1).await?;
    let since = first.first().and_then(|stored| log.readable(stored)).map(|event| event.time);
    // Again only for months about which the first pass has doubts.
    for _ in 0..2 {
        let known = known(log, drive.identity().id, &months, &mut unproven).await?;
        let (drive, site, expected_files, unproven) =
            (drive.clone(), log.site().clone(), expected_files.clone(), unproven.clone());
        let recovered = blocking(move || {
            let LogRecords { proofs, abandoned } = &known;
            let recovery =
                Recovery { month, expected_files: &expected_files, unproven: &unproven, proofs, abandoned, since };
            drive.recover(&site, &recovery)
        })
        .await?;
        let known_before: HashSet<&str> = unlisted.iter().map(|file| file.path.as_str()).collect();
        let more = recovered.unlisted.iter().filter(|file| !known_before.contains(file.path.as_str()));
        let more: Vec<_> = more.cloned().collect();
        unlisted.extend(more);
        if recovered != RecoveryReport::default() {
            log_tidied(&recovered);
        }
        months = recovered.doubtful.into_iter().collect();
        if months.is_empty() {
            break;
        }
    }
    Ok(unlisted)
}

fn log_tidied(recovered: &RecoveryReport) {
    tracing::info!(
        swept = recovered.swept,
        kept = recovered.kept,
        quarantined = recovered.quarantined.len(),
        unlisted = recovered.unlisted.len(),
        rewritten = recovered.rewritten.len(),
        "the drive was tidied up"
    );
    for path in recovered.quarantined.iter().take(MAX_LOGGED) {
        tracing::warn!(path, "a file that no event knows was moved to the quarantine");
    }
}

/// Raises alarms for unknown files, except in months where some are to be read back first: these are returned.
async fn report_unknown(
    unknown: &UnknownFiles,
    unlisted: Vec<Unlisted>,
) -> Result<BTreeMap<Month, Vec<Unlisted>>, DriveCheckError> {
    let mut months: BTreeMap<Month, Vec<Unlisted>> = BTreeMap::new();
    for file in unlisted {
        if let Some(month) = month_of(&file.path) {
            months.entry(month).or_default().push(file);
        }
    }
    unknown.end_all_but(&months.keys().copied().collect()).await?;
    let is_listed = |files: &[Unlisted]| files.iter().any(|file| !file.listed_as.is_empty());
    let (salvageable, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        months.into_iter().partition(|(_, files)| is_listed(files));
    for (month, files) in others {
        let left = files.into_iter().map(|file| file.path).collect();
        unknown.settled(month, &Salvaged { left, ..Salvaged::default() }).await?;
    }
    Ok(salvageable)
}

/// Files still to be fetched that may have something on the drive: a million may wait.
///
/// A transfer that begins later is a live worker's, which locks its file; if that worker dies at once, what is removed
/// is fetched again.
async fn expected_files(log: &EventLog, unfinished: &Unfinished) -> Result<Vec<ExpectedFile>, LogError> {
    let mut expected_files = Vec::new();
    let mut from = Position(0);
    if unfinished.is_empty() {
        return Ok(expected_files);
    }
    loop {
        let page = log.with_status(SubjectKind::Booking, BookingStatus::Enumerated.label(), from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(expected_files) };
        from = last.position.next();
        let may_be_there = |stream: &StreamName| stream.as_booking().is_some_and(|id| unfinished.may_hold(&id));
        // Leftovers of an unreadable booking are removed.
        let page = page.iter().filter_map(|stored| log.readable(stored));
        let names: Vec<StreamName> = page.map(|event| event.stream).filter(may_be_there).collect();
        if names.is_empty() {
            continue;
        }
        for (name, history) in log.readable_streams(&names).await? {
            // After a booking was given back, its last enumeration counts.
            let held = history.iter().rev().find_map(|event| match &event.event {
                Event::TimesheetEnumerated(held) => Some(held.digest.clone()),
                _ => None,
            });
            if let (Some(booking), Some(expected)) = (name.as_booking(), held) {
                expected_files.push(ExpectedFile { booking, expected });
            }
        }
    }
}

async fn unproven(log: &EventLog) -> Result<Vec<String>, LogError> {
    let mut paths = Vec::new();
    let mut from = Position(0);
    loop {
        let page = log.with_status(SubjectKind::Booking, BookingStatus::Fetched.label(), from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(paths) };
        from = last.position.next();
        paths.extend(page.iter().filter_map(|stored| match log.readable(stored).map(|last| last.event) {
            Some(Event::TimesheetFetched(fetched)) => Some(fetched.path),
            Some(_) => None,
            None => stored.data_text("path"),
        }));
    }
}

fn month_of(path: &str) -> Option<Month> {
    path.split('/').nth(1)?.parse().ok()
}

#[derive(Debug, Clone, Default)]
struct LogRecords {
    /// Of each requested month, oldest first, perhaps none.
    proofs: BTreeMap<Month, Vec<ProvenCopy>>,
    /// Paths that were fetched to and never proven.
    abandoned: BTreeSet<String>,
}

/// The log's files of these months on that drive. Paths of a newer version's proofs are added to `unproven`, so that
/// nobody moves them. If the bytes of any event were changed, it may have been any file's proof: then no file counts as
/// left over, and each that no manifest lists is reported.
async fn known(
    log: &EventLog,
    drive: DriveId,
    months: &HashSet<Month>,
    unproven: &mut Vec<String>,
) -> Result<LogRecords, LogError> {
    let proofs = months.iter().map(|month| (*month, Vec::new())).collect();
    let mut known = LogRecords { proofs, abandoned: BTreeSet::new() };
    let (mut from, mut is_changed) = (Position(0), false);
    while !months.is_empty() {
        let page = log.read(from, MAX_READ).await?;
        let Some(last) = page.last() else { break };
        from = last.position.next();
        is_changed |= !page.iter().all(Stored::is_intact);
        let is_about_files = |body: &str| [PROOF_TYPE, COPY_TYPE, FETCHED_TYPE].iter().any(|one| body.contains(one));
        for stored in page.iter().filter(|stored| is_about_files(&stored.body)) {
            match log.readable(stored).map(|recorded| recorded.event) {
                None if stored.is_intact() => unproven.extend(stored.data_text("path")),
                None => {}
                Some(event) => known.add(event, drive),
            }
        }
    }
    if is_changed {
        known.abandoned.clear();
    }
    Ok(known)
}

impl LogRecords {
    fn add(&mut self, event: Event, drive: DriveId) {
        match event {
            Event::TimesheetFetched(fetched)
                if fetched.drive == drive
                    && month_of(&fetched.path).is_some_and(|month| self.proofs.contains_key(&month)) =>
            {
                self.abandoned.insert(fetched.path);
            }
            Event::TimesheetBackedUp(proof) => {
                self.abandoned.remove(&proof.path);
                if proof.drive == drive {
                    self.prove(proof.month, proof.path, proof.sha256);
                }
            }
            Event::CopyMade(copy) if copy.drive == drive => {
                self.abandoned.remove(&copy.path);
                if let Some(month) = month_of(&copy.path) {
                    self.prove(month, copy.path, copy.sha256);
                }
            }
            _ => {}
        }
    }

    fn prove(&mut self, month: Month, path: String, sha256: Digest) {
        if let Some(proofs) = self.proofs.get_mut(&month) {
            proofs.push(ProvenCopy { path, sha256, seen: None });
        }
    }
}

/// Reads the last proven copies back again. A changed one raises an alarm; one that is right again clears it.
async fn recheck(
    log: &EventLog,
    alarms: &Alarms,
    clock: &Clock,
    drive: &Drive,
    last: Vec<LoggedProof>,
) -> Result<(), DriveCheckError> {
    let mut bytes = ByteCount(0);
    let files: Vec<LoggedProof> = last
        .into_iter()
        .take_while(|proven| {
            let first = bytes == ByteCount(0);
            bytes = bytes + proven.proof.size_bytes;
            first || bytes <= RECHECK_BYTES
        })
        .collect();
    let alarm = |proven: &LoggedProof| StreamName::alarm(&AlarmKey::new(AlarmKind::CopyLost, &proven.booking));
    let raised = log.heads(&files.iter().map(alarm).collect::<Vec<_>>()).await?;
    let drive = drive.clone();
    let (files, read) = blocking(move || {
        let named: Vec<_> =
            files.iter().map(|proven| (proven.proof.path.as_str(), proven.proof.digest.algorithm())).collect();
        let mut read = drive.read_back_many(&named);
        // A wrong read is not a loss yet: since a person must act on it, it is repeated.
        for (proven, read) in files.iter().zip(&mut read) {
            for _ in 1..MAX_LOOKS {
                if !is_as_proven(read, &proven.proof) {
                    *read = drive.read_back(&proven.proof.path, proven.proof.digest.algorithm());
                }
            }
        }
        (files, read)
    })
    .await;
    let count = files.len();
    for (proven, read) in files.into_iter().zip(read) {
        let lost = match read {
            read if is_as_proven(&read, &proven.proof) => None,
            Ok(read) => Some(format!("{} is read back where {} was proven", read.pair.sha256, proven.proof.sha256)),
            Err(error) if error.obstacle().is_some() => return Err(error.into()),
            Err(DriveError { kind: DriveErrorKind::CopyMissing, .. }) => Some("it is not there any more".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        match lost {
            Some(what) => {
                // Before the alarm: if we stop in between, the next start raises it.
                let held_back = lost::hold_back(log, clock, &proven.booking, &proven.proof, &what).await?;
                alarms.raise(&copy_lost(&proven, &what, held_back), Some(&proven.event)).await?;
            }
            None if raised.contains_key(&alarm(&proven)) => {
                let key = AlarmKey::new(AlarmKind::CopyLost, &proven.booking);
                let message = format!("{} is read back as it was proven", proven.proof.path);
                alarms.clear(&key, &message, Some(&proven.event)).await?;
            }
            None => {}
        }
    }
    tracing::debug!(count, "the last proven copies were read back once more");
    Ok(())
}

fn is_as_proven(read: &Result<ReadBackResult, DriveError>, proof: &BackedUp) -> bool {
    read.as_ref().is_ok_and(|read| read.pair.sha256 == proof.sha256 && read.pair.named == proof.digest)
}

fn copy_lost(proven: &LoggedProof, what: &str, held_back: bool) -> AlarmRaised {
    let next_step = if held_back {
        FailureKind::CopyLost.step()
    } else {
        "copy it back from another drive or from the server's archive, and check this drive (`smartctl -a`)"
    };
    AlarmRaised {
        kind: AlarmKind::CopyLost,
        subject: proven.booking.to_string(),
        message: format!(
            "the copy of booking {} at {} on drive {} is no longer good: {what}",
            proven.booking, proven.proof.path, proven.proof.drive
        ),
        next_step: next_step.to_owned(),
    }
}
