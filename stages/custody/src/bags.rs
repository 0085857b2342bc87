//! The months' bags of a drive against the log: removed, changed and added entries, files beside them, tag files.
//!
//! After the copies, one slice for each month follows. A slice's position is the act's end plus the month's number.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use strongroom_audit::{Holding, holdings_by_path, known_drives};
use strongroom_bus::Done;
use strongroom_drive::{BagFault, BagFaultKind, BagSurvey, Drive, DriveError, LoggedCopy};
use strongroom_model::event::{MountedDrive, Selection};
use strongroom_model::{BookingStatus, Event, Month, Position, SiteId, SubjectKind};
use strongroom_service::blocking;

use crate::slice::{Slice, SliceError};
use crate::stage::{Custodian, Request};
use crate::verify::damaged_alarm;

/// How long a file that is being backed up may be on the drive before the log has its proof.
const IN_FLIGHT: Duration = Duration::from_secs(3);
const PAGE: usize = 512;

/// A month's bag that was compared with the log.
pub(crate) struct Surveyed {
    pub(crate) expected: BTreeMap<String, Holding>,
    pub(crate) faults: Vec<BagFault>,
    pub(crate) left_out: u64,
}

impl Custodian {
    /// Whether a selection names whole bags.
    pub(crate) async fn verify_bags(
        &self,
        _request: Request<'_>,
        mut slice: Slice<'_>,
        mounted: &MountedDrive,
        which: &Selection,
    ) -> Result<Done, SliceError> {
        let (until, drives, owned) = (slice.requested.until, self.drives.clone(), mounted.clone());
        let site = self.log.site().clone();
        let drive = blocking(move || drives.to_read(&owned)).await?;
        let months = months(&drive, &site, which).await?;
        let done = usize::try_from(slice.from.0 - until.0).unwrap_or(usize::MAX);
        let Some(month) = months.get(done).copied() else {
            if matches!(which, Selection::All) {
                self.ends_alarm(&mut slice, mounted.drive).await?;
            }
            return Ok(slice.finished());
        };
        let surveyed = self.survey(&drive, &site, month).await?;
        slice.tally.faults += surveyed.faults.len() as u64 + surveyed.left_out;
        for fault in &surveyed.faults {
            slice.remark(&format!("{}: {}", fault.path, fault.kind));
        }
        if !surveyed.faults.is_empty() {
            let known = known_drives(&self.log).await?;
            slice.done.raise.push(damaged_alarm(&known, mounted, &slice.tally.remarks));
        }
        let next = Position(slice.from.0 + 1);
        Ok(slice.advanced(next))
    }

    /// The faults of a month's bag that reading its copies does not show. Work in flight is no fault: what only the drive
    /// knows is looked at again after a while.
    pub(crate) async fn survey(&self, drive: &Drive, site: &SiteId, month: Month) -> Result<Surveyed, SliceError> {
        let mut looked = self.look(drive, site, month).await?;
        if looked.faults.iter().any(|fault| may_be_in_flight(&fault.kind)) {
            tokio::time::sleep(IN_FLIGHT).await;
            looked = self.look(drive, site, month).await?;
        }
        Ok(looked)
    }

    async fn look(&self, drive: &Drive, site: &SiteId, month: Month) -> Result<Surveyed, SliceError> {
        let id = drive.identity().id;
        let before = self.expected(id, month).await?;
        let logged: BTreeMap<String, LoggedCopy> = before
            .iter()
            .map(|(path, one)| (path.clone(), LoggedCopy { sha256: one.sha256.clone(), size: Some(one.size) }))
            .collect();
        let (owned, site) = (drive.clone(), site.clone());
        let survey: BagSurvey = blocking(move || owned.survey(&site, month, &logged)).await?;
        // What was proven or fetched meanwhile.
        let expected = self.expected(id, month).await?;
        let fetched = self.fetched().await?;
        let is_read = |fault: &BagFault| {
            let by_reading = matches!(fault.kind, BagFaultKind::FileMissing | BagFaultKind::SizeDiffers { .. });
            by_reading && expected.contains_key(&fault.path)
        };
        let is_in_flight = |fault: &BagFault| {
            may_be_in_flight(&fault.kind)
                && (fetched.contains(&fault.path)
                    || (expected.contains_key(&fault.path) && !before.contains_key(&fault.path)))
        };
        let faults = survey.faults.into_iter().filter(|fault| !is_read(fault) && !is_in_flight(fault)).collect();
        Ok(Surveyed { expected, faults, left_out: survey.left_out })
    }

    async fn expected(
        &self,
        drive: strongroom_model::DriveId,
        month: Month,
    ) -> Result<BTreeMap<String, Holding>, SliceError> {
        let end = Position(self.log.head().await?.size);
        Ok(holdings_by_path(&self.log, drive, Some(month), end).await?)
    }

    /// Paths of files that wait for their proof.
    async fn fetched(&self) -> Result<HashSet<String>, SliceError> {
        let (mut from, mut paths) = (Position(0), HashSet::new());
        loop {
            let status = BookingStatus::Fetched.label();
            let page = self.log.with_status(SubjectKind::Booking, status, from, PAGE).await?;
            let Some(last) = page.last() else { return Ok(paths) };
            from = last.position.next();
            paths.extend(page.iter().filter_map(|stored| match self.log.readable(stored)?.event {
                Event::TimesheetFetched(data) => Some(data.path),
                _ => None,
            }));
        }
    }
}

const fn may_be_in_flight(kind: &BagFaultKind) -> bool {
    matches!(kind, BagFaultKind::FileExtra | BagFaultKind::EntryAdded { .. })
}

/// The months to compare: a sample or single bookings are no whole bags.
pub(crate) async fn months(drive: &Drive, site: &SiteId, which: &Selection) -> Result<Vec<Month>, DriveError> {
    match which {
        Selection::Month { month } => Ok(vec![*month]),
        Selection::All => {
            let (drive, site) = (drive.clone(), site.clone());
            Ok(blocking(move || drive.months(&site)).await?.into_iter().collect())
        }
        _ => Ok(Vec::new()),
    }
}
