//! Reading a drive's copies against the log.

use std::collections::BTreeMap;

use strongroom_audit::{called, copies_of, holdings, known_drives};
use strongroom_bus::Done;
use strongroom_model::drive_state::DriveState;
use strongroom_model::event::{AlarmKey, AlarmRaised, MountedDrive, Selection};
use strongroom_model::{AlarmKind, BookingId, DriveId, StreamName, SubjectKind};
use strongroom_service::{blocking, kill_point};

use crate::chosen::chosen;
use crate::journal::Journal;
use crate::read::{self, Seen, described};
use crate::slice::{BYTES, FILES, Slice, SliceError, good_elsewhere};
use crate::stage::{Custodian, Request};

/// Damaged copies that are looked through for those of one drive.
const PAGE: usize = 512;

impl Custodian {
    pub(crate) async fn verify(
        &self,
        request: Request<'_>,
        mut slice: Slice<'_>,
        mounted: &MountedDrive,
        which: &Selection,
    ) -> Result<Done, SliceError> {
        let until = slice.requested.until;
        if slice.from >= until {
            return self.verify_bags(request, slice, mounted, which).await;
        }
        let page = holdings(&self.log, mounted.drive, slice.from, until, FILES, BYTES).await?;
        let copies = chosen(&self.log, mounted.drive, which, page.found).await?;
        let (drives, owned) = (self.drives.clone(), mounted.clone());
        let (copies, seen) = blocking(move || {
            let drive = drives.to_read(&owned)?;
            let seen = read::read(&drive, &copies)?;
            Ok::<_, strongroom_drive::DriveError>((copies, seen))
        })
        .await?;
        kill_point!("custody.read");
        let streams: Vec<StreamName> = copies.iter().map(|one| one.stream(mounted.drive)).collect();
        let mut journal = Journal::open(&self.log, &streams, self.clock.now(), &self.actor, request.trigger).await?;
        let mut damaged = Vec::new();
        for (copy, seen) in copies.iter().zip(&seen) {
            slice.tally.bytes = slice.tally.bytes + copy.size;
            match seen {
                Seen::AsProven(_) => slice.tally.good += 1,
                Seen::Damaged(found) => {
                    slice.tally.damaged += 1;
                    damaged.push((copy, found));
                }
            }
            journal.add(copy.stream(mounted.drive), read::event(mounted.drive, request.id, copy, seen));
        }
        if !damaged.is_empty() {
            let drives = known_drives(&self.log).await?;
            let ids: Vec<BookingId> = damaged.iter().map(|(copy, _)| copy.booking.clone()).collect();
            let elsewhere = copies_of(&self.log, &drives, &ids).await?;
            for (copy, found) in &damaged {
                let good = good_elsewhere(elsewhere.get(&copy.booking), mounted.drive, |drive| called(&drives, drive));
                slice.remark(&format!("{} {}; {good}", copy.path, described(found)));
            }
            slice.done.raise.push(damaged_alarm(&drives, mounted, &slice.tally.remarks));
        }
        slice.done.others = journal.into_events();
        Ok(slice.advanced(page.next))
    }

    /// Ends the alarm about a drive's damaged copies once the log has none, and its bags are sound.
    pub(crate) async fn ends_alarm(&self, slice: &mut Slice<'_>, drive: DriveId) -> Result<(), SliceError> {
        if slice.tally.faults == 0 && slice.tally.damaged == 0 && self.damaged_on(drive).await? == 0 {
            let key = AlarmKey::new(AlarmKind::DriveDamaged, drive);
            slice.done.clear.push((key, format!("every copy on drive {drive} is as it was proven")));
        }
        Ok(())
    }

    /// How many of a drive's copies the log has as damaged.
    async fn damaged_on(&self, drive: DriveId) -> Result<u64, SliceError> {
        let prefix = format!("{drive}/");
        let (mut from, mut damaged) = (strongroom_model::Position(0), 0);
        loop {
            let page = self.log.with_status(SubjectKind::Copy, "damaged", from, PAGE).await?;
            let Some(last) = page.last() else { return Ok(damaged) };
            from = last.position.next();
            let of_it = page.iter().filter_map(|stored| self.log.readable(stored));
            damaged += of_it.filter(|last| last.stream.id().starts_with(&prefix)).count() as u64;
        }
    }
}

pub(crate) fn damaged_alarm(
    drives: &BTreeMap<DriveId, DriveState>,
    mounted: &MountedDrive,
    remarks: &[String],
) -> AlarmRaised {
    let first = remarks.first().map_or("its month's folder is not as the log says", String::as_str);
    AlarmRaised {
        kind: AlarmKind::DriveDamaged,
        subject: mounted.drive.to_string(),
        message: format!("drive {} is not what the log says it holds: {first}", called(drives, mounted.drive)),
        next_step: format!(
            "mount a drive that has good copies, then `strongroom drive repair {} --from FOLDER`; `strongroom list subjects \
             --kind copy --status damaged` names them all",
            mounted.path
        ),
    }
}
