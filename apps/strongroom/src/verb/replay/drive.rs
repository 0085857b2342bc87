//! What lies on a mounted drive, compared with what the log proves on it. Nothing is written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use jiff::tz::TimeZone;
use strongroom_audit::{Difference, DifferenceCounts, EventRef, Holding, holdings, holdings_by_path};
use strongroom_drive::{BagFault, BagFaultKind, BagSurvey, Drive, DriveError, LoggedCopy};
use strongroom_eventlog::{EventLog, LogError, MAX_READ};
use strongroom_model::event::Found;
use strongroom_model::{
    Algorithm, BookingStatus, ByteCount, DriveId, Event, Month, Position, SiteId, StreamName, SubjectKind,
};
use strongroom_service::blocking;

use super::super::drive::drive_error;
use super::Args;
use super::against::{Heading, Report, incomplete};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::uses;

/// Copies that are read before their differences are shown.
const READ_FILES: usize = 256;
/// A copy that reads wrong is read once more: a cable that flips a bit is not the drive's content.
const MAX_LOOKS: usize = 2;
const PAGE: usize = 512;

pub(super) async fn show(
    log: &EventLog,
    root: &Path,
    args: &Args,
    zone: &TimeZone,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let root = std::path::absolute(root)?;
    let shown = root.display().to_string();
    let drive = blocking(move || Drive::open_read_only(&root, None)).await.map_err(|error| drive_error(&error))?;
    uses::check(log, &drive).await.map_err(|error| drive_error(&error))?;
    let end = Position(log.head().await?.size);
    let against = format!("{} at {shown}", drive.identity());
    let heading = Heading { site: log.site().clone(), against, size: end.0 };
    let mut report = Report::begin(heading, args, zone, out)?;
    let comparison = Comparison { log, drive, end, is_read: args.read };
    let mut counts = DifferenceCounts::default();
    for month in comparison.months().await? {
        comparison.month(month, &mut report, &mut counts).await?;
    }
    report.end(&counts)
}

struct Comparison<'a> {
    log: &'a EventLog,
    drive: Drive,
    end: Position,
    is_read: bool,
}

impl Comparison<'_> {
    fn id(&self) -> DriveId {
        self.drive.identity().id
    }

    /// Those that the drive has, and those that it should have.
    async fn months(&self) -> Result<BTreeSet<Month>, CliError> {
        let (drive, site) = (self.drive.clone(), self.log.site().clone());
        let mut months = blocking(move || drive.months(&site)).await.map_err(|error| incomplete(&error))?;
        let mut from = Position(0);
        while from < self.end {
            let page = holdings(self.log, self.id(), from, self.end, MAX_READ, ByteCount(u64::MAX)).await;
            let page = page.map_err(|error| incomplete(&error))?;
            from = page.next;
            months.extend(page.found.iter().map(|holding| holding.month));
        }
        Ok(months)
    }

    async fn month(
        &self,
        month: Month,
        report: &mut Report<'_>,
        counts: &mut DifferenceCounts,
    ) -> Result<(), CliError> {
        let failed = |error: LogError| incomplete(&error);
        let expected = holdings_by_path(self.log, self.id(), Some(month), self.end).await.map_err(failed)?;
        counts.compared += expected.len() as u64;
        let survey = self.survey(month, &expected).await?;
        let waiting = self.in_flight(month, &expected).await.map_err(failed)?;
        let faults: Vec<&BagFault> = survey.faults.iter().filter(|fault| !is_waiting(fault, &waiting)).collect();
        let known = self.known_damage(&faults, &expected).await.map_err(failed)?;
        let mut found: Vec<Difference> =
            faults.iter().map(|fault| difference(fault, &expected, known.get(&fault.path))).collect();
        if survey.left_out > 0 {
            let more = format!("{} more differences", survey.left_out);
            found.push(Difference::changed(&format!("{}/{month}", self.log.site()), "bag", "as proven", &more, None));
        }
        show_all(&found, report, counts)?;
        if self.is_read {
            let seen: HashSet<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
            let rest: Vec<&Holding> = expected.values().filter(|one| !seen.contains(one.path.as_str())).collect();
            for some in rest.chunks(READ_FILES) {
                show_all(&self.read(some).await?, report, counts)?;
            }
        }
        Ok(())
    }

    async fn survey(&self, month: Month, expected: &BTreeMap<String, Holding>) -> Result<BagSurvey, CliError> {
        let logged: BTreeMap<String, LoggedCopy> = expected
            .iter()
            .map(|(path, one)| (path.clone(), LoggedCopy { sha256: one.sha256.clone(), size: Some(one.size) }))
            .collect();
        let (drive, site): (Drive, SiteId) = (self.drive.clone(), self.log.site().clone());
        let survey = blocking(move || drive.survey(&site, month, &logged)).await;
        survey.map_err(|error| incomplete(&error))
    }

    /// Paths of files that wait for their proof, or got it after the log was read: the log knows them.
    async fn in_flight(&self, month: Month, expected: &BTreeMap<String, Holding>) -> Result<HashSet<String>, LogError> {
        let (mut from, mut paths) = (Position(0), HashSet::new());
        loop {
            let status = BookingStatus::Fetched.label();
            let page = self.log.with_status(SubjectKind::Booking, status, from, PAGE).await?;
            let Some(last) = page.last() else { break };
            from = last.position.next();
            paths.extend(page.iter().filter_map(|stored| match self.log.readable(stored)?.event {
                Event::TimesheetFetched(data) => Some(data.path),
                _ => None,
            }));
        }
        let now = Position(self.log.head().await?.size);
        if now > self.end {
            let later = holdings_by_path(self.log, self.id(), Some(month), now).await?;
            paths.extend(later.into_keys().filter(|path| !expected.contains_key(path)));
        }
        Ok(paths)
    }

    /// What the log knows of these copies' damage already, by path.
    async fn known_damage(
        &self,
        faults: &[&BagFault],
        expected: &BTreeMap<String, Holding>,
    ) -> Result<HashMap<String, (Found, EventRef)>, LogError> {
        let copies = || faults.iter().filter_map(|fault| expected.get(&fault.path));
        let streams: Vec<StreamName> = copies().map(|copy| copy.stream(self.id())).collect();
        let histories = self.log.readable_streams(&streams).await?;
        let mut known = HashMap::new();
        for (copy, stream) in copies().zip(&streams) {
            let later = histories.get(stream).into_iter().flatten();
            let last = later.rev().find(|one| !one.event.keeps_status());
            if let Some(recorded) = last
                && let Event::CopyDamaged(data) = &recorded.event
            {
                known.insert(copy.path.clone(), (data.found.clone(), EventRef::from(recorded)));
            }
        }
        Ok(known)
    }

    async fn read(&self, copies: &[&Holding]) -> Result<Vec<Difference>, CliError> {
        let (drive, copies) = (self.drive.clone(), copies.iter().map(|one| (*one).clone()).collect::<Vec<_>>());
        let read = blocking(move || {
            let files: Vec<_> = copies.iter().map(|one| (one.path.as_str(), Algorithm::Sha256)).collect();
            let mut differences = Vec::new();
            for (copy, mut read) in copies.iter().zip(drive.read_back_many(&files)) {
                for _ in 1..MAX_LOOKS {
                    if !matches!(&read, Ok(read) if read.pair.sha256 == copy.sha256) {
                        read = drive.read_back(&copy.path, Algorithm::Sha256);
                    }
                }
                let event = Some(event_of(copy));
                match read {
                    Ok(read) if read.pair.sha256 == copy.sha256 => {}
                    Ok(read) => {
                        let digest = &read.pair.sha256;
                        differences.push(Difference::changed(&copy.path, "digest", &copy.sha256, digest, event));
                    }
                    // Nothing is known of the copies then.
                    Err(error) if drive.space().is_err() => return Err(error),
                    Err(error) => {
                        differences.push(Difference::changed(&copy.path, "file", &copy.sha256, &error, event));
                    }
                }
            }
            Ok(differences)
        });
        read.await.map_err(|error: DriveError| incomplete(&error))
    }
}

fn show_all(found: &[Difference], report: &mut Report<'_>, counts: &mut DifferenceCounts) -> Result<(), CliError> {
    found.iter().for_each(|one| counts.add(one.kind));
    report.differences(found)
}

fn is_waiting(fault: &BagFault, waiting: &HashSet<String>) -> bool {
    matches!(fault.kind, BagFaultKind::FileExtra | BagFaultKind::EntryAdded { .. }) && waiting.contains(&fault.path)
}

const fn event_of(copy: &Holding) -> EventRef {
    EventRef { position: copy.position, event: copy.event, time: copy.time }
}

/// Names the event that says otherwise: the finding, where the log has that damage already, and else the copy's proof.
fn difference(fault: &BagFault, expected: &BTreeMap<String, Holding>, known: Option<&(Found, EventRef)>) -> Difference {
    let copy = expected.get(&fault.path);
    let event = known.map(|(_, event)| *event).or_else(|| copy.map(event_of));
    let proven = match (known, copy) {
        (Some((found, _)), _) => format!("{} since then", described(found)),
        (None, Some(copy)) => format!("{}, {} bytes", copy.sha256, copy.size.0),
        (None, None) => "as it was written".to_owned(),
    };
    let path = &fault.path;
    match &fault.kind {
        BagFaultKind::BagMissing => {
            let first = expected.values().min_by_key(|copy| copy.position).map(event_of);
            Difference::missing(path, "bag", &format!("{} proven copies", expected.len()), first)
        }
        BagFaultKind::ManifestMissing => Difference::missing(path, "manifest", "a list of the proven copies", None),
        BagFaultKind::FileMissing => Difference::missing(path, "file", &proven, event),
        BagFaultKind::EntryRemoved => Difference::missing(path, "entry", &proven, event),
        BagFaultKind::TagFileMissing => Difference::missing(path, "tag-file", &proven, event),
        BagFaultKind::EntryChanged { listed, proven } => Difference::changed(path, "entry", proven, listed, event),
        BagFaultKind::SizeDiffers { proven, found } => {
            Difference::changed(path, "size", &proven.0, &format!("{} bytes", found.0), event)
        }
        BagFaultKind::EntryAdded { .. } => Difference::extra(path, "entry", &fault.kind),
        BagFaultKind::FileExtra | BagFaultKind::FolderExtra => Difference::extra(path, "file", &fault.kind),
        BagFaultKind::NotPlain if copy.is_none() => Difference::extra(path, "file", &fault.kind),
        BagFaultKind::ManifestUnreadable(_) | BagFaultKind::MalformedLine(_) | BagFaultKind::ListedTwice => {
            Difference::changed(path, "manifest", "a list of the proven copies", &fault.kind, event)
        }
        BagFaultKind::TagFileChanged(_) => Difference::changed(path, "tag-file", &proven, &fault.kind, event),
        BagFaultKind::NotPlain | BagFaultKind::Unreadable(_) => {
            Difference::changed(path, "file", &proven, &fault.kind, event)
        }
    }
}

fn described(found: &Found) -> &'static str {
    match found {
        Found::Missing => "missing",
        Found::Differs { .. } => "of other bytes",
        Found::Unreadable { .. } => "unreadable",
    }
}
