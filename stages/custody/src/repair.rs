//! Replacing damaged copies by proven ones from another drive.
//!
//! First the copies that the log has as damaged, then, month by month, entries of the bags that were removed or changed.
//! A copy is only replaced by one that the log has as proven on the other drive, and that reads so now.

use std::collections::BTreeMap;

use strongroom_audit::{Holding, copies_of, known_drives};
use strongroom_bus::Done;
use strongroom_drive::{BagFaultKind, Drive, DriveError, ProvenCopy, RepairError, RepairOutcome};
use strongroom_model::event::{AlarmKey, CopyDamaged, MountedDrive, Selection};
use strongroom_model::{AlarmKind, BookingId, DriveId, Event, Position, StreamName, SubjectKind};
use strongroom_service::{blocking, kill_point};

use crate::bags::months;
use crate::journal::Journal;
use crate::read::{self, Seen};
use crate::slice::{FILES, Slice, SliceError};
use crate::stage::{Custodian, Request};

/// What came of one copy.
enum Mended {
    Right(Box<Event>),
    Left(String),
}

/// A damaged copy, and where the other drive has it.
struct Order {
    copy: CopyDamaged,
    source: Option<String>,
}

impl Custodian {
    pub(crate) async fn repair(
        &self,
        request: Request<'_>,
        mut slice: Slice<'_>,
        mounted: &MountedDrive,
        from: &MountedDrive,
    ) -> Result<Done, SliceError> {
        let until = slice.requested.until;
        if slice.from >= until {
            return self.repair_bags(request, slice, mounted).await;
        }
        let (orders, next) = self.orders(slice.from, until, mounted.drive, from.drive).await?;
        if orders.is_empty() {
            return Ok(slice.advanced(next));
        }
        let streams: Vec<StreamName> = orders.iter().map(|one| stream(&one.copy)).collect();
        let (drives, owned, other) = (self.drives.clone(), mounted.clone(), from.clone());
        let id = request.id;
        let mended = blocking(move || {
            let (drive, source) = (drives.to_write(&owned)?, drives.to_read(&other)?);
            orders
                .iter()
                .map(|order| mend(&drive, &source, order, id).map(|done| (stream(&order.copy), done)))
                .collect::<Result<Vec<_>, DriveError>>()
        })
        .await?;
        kill_point!("custody.repaired");
        let mut journal = Journal::open(&self.log, &streams, self.clock.now(), &self.actor, request.trigger).await?;
        for (stream, mended) in mended {
            match mended {
                Mended::Right(event) => {
                    slice.tally.written += 1;
                    if let Event::CopyRepaired(data) = &*event {
                        slice.tally.bytes = slice.tally.bytes + data.size_bytes;
                    }
                    journal.add(stream, *event);
                }
                Mended::Left(why) => {
                    slice.tally.damaged += 1;
                    slice.remark(&why);
                }
            }
        }
        slice.done.others = journal.into_events();
        Ok(slice.advanced(next))
    }

    /// The next damaged copies, and where to go on.
    async fn orders(
        &self,
        from: Position,
        until: Position,
        drive: DriveId,
        other: DriveId,
    ) -> Result<(Vec<Order>, Position), SliceError> {
        let page = self.log.with_status(SubjectKind::Copy, "damaged", from, FILES).await?;
        let next = page.last().map_or(until, |last| last.position.next()).min(until);
        let next = if page.len() < FILES { until } else { next };
        let mut damaged = Vec::new();
        for last in page.iter().filter(|one| one.position < until).filter_map(|stored| self.log.readable(stored)) {
            // The last event may be another that keeps the status.
            for event in self.log.readable_stream(&last.stream).await?.into_iter().rev() {
                if let Event::CopyDamaged(data) = event.event {
                    if data.drive == drive {
                        damaged.push(data);
                    }
                    break;
                }
            }
        }
        let known = known_drives(&self.log).await?;
        let ids: Vec<BookingId> = damaged.iter().map(|one| one.booking.clone()).collect();
        let copies = copies_of(&self.log, &known, &ids).await?;
        let orders = damaged.into_iter().map(|copy| {
            let booking = copies.get(&copy.booking).filter(|one| one.sha256.as_ref() == Some(&copy.sha256));
            let good = booking.and_then(|one| one.copies.iter().find(|one| one.drive == other && one.is_good()));
            Order { source: good.map(|good| good.path.clone()), copy }
        });
        Ok((orders.collect(), next))
    }

    async fn repair_bags(
        &self,
        request: Request<'_>,
        mut slice: Slice<'_>,
        mounted: &MountedDrive,
    ) -> Result<Done, SliceError> {
        let (until, site) = (slice.requested.until, self.log.site().clone());
        let (drives, owned) = (self.drives.clone(), mounted.clone());
        let drive = blocking(move || drives.to_write(&owned)).await?;
        let all = months(&drive, &site, &Selection::All).await?;
        let Some(month) = all.get(usize::try_from(slice.from.0 - until.0).unwrap_or(usize::MAX)).copied() else {
            let (drives, owned) = (self.drives.clone(), drive.clone());
            blocking(move || owned.fold(&site).and_then(|_| drives.seal(&owned))).await?;
            if slice.tally.faults == 0 && slice.tally.damaged == 0 {
                let key = AlarmKey::new(AlarmKind::DriveDamaged, mounted.drive);
                slice.done.clear.push((key, format!("drive {} was repaired", mounted.drive)));
            }
            return Ok(slice.finished());
        };
        let surveyed = self.survey(&drive, &site, month).await?;
        let next = Position(slice.from.0 + 1);
        if surveyed.faults.is_empty() {
            return Ok(slice.advanced(next));
        }
        // What is right is listed again as the log has it; what nobody proved is left for a person.
        let can_be_listed = |kind: &BagFaultKind| {
            !matches!(
                kind,
                BagFaultKind::FileExtra
                    | BagFaultKind::FolderExtra
                    | BagFaultKind::NotPlain
                    | BagFaultKind::EntryAdded { .. }
            )
        };
        let is_listable = surveyed.faults.iter().any(|fault| can_be_listed(&fault.kind));
        let mut left: Vec<String> = surveyed
            .faults
            .iter()
            .filter(|fault| !can_be_listed(&fault.kind))
            .map(|fault| format!("{}: {}", fault.path, fault.kind))
            .collect();
        let mut listed = Vec::new();
        if is_listable {
            let held: Vec<Holding> = surveyed.expected.into_values().collect();
            let (owned, site) = (drive.clone(), site.clone());
            listed = blocking(move || relist(&owned, &site, month, held)).await?;
            kill_point!("custody.relisted");
        }
        let streams: Vec<StreamName> = listed.iter().map(|(copy, _)| copy.stream(mounted.drive)).collect();
        let mut journal = Journal::open(&self.log, &streams, self.clock.now(), &self.actor, request.trigger).await?;
        for (copy, seen) in &listed {
            match seen {
                Seen::AsProven(_) => slice.tally.good += 1,
                Seen::Damaged(_) => left.push(format!("{} is damaged: repair once more", copy.path)),
            }
            journal.add(copy.stream(mounted.drive), read::event(mounted.drive, request.id, copy, seen));
        }
        slice.tally.faults += left.len() as u64 + surveyed.left_out;
        for what in left {
            slice.remark(&what);
        }
        slice.done.others = journal.into_events();
        Ok(slice.advanced(next))
    }
}

fn stream(copy: &CopyDamaged) -> StreamName {
    StreamName::copy(copy.drive, &copy.booking, &copy.sha256)
}

/// Replaces one copy. Blocks.
///
/// # Errors
/// The repaired drive's own.
fn mend(
    drive: &Drive,
    source: &Drive,
    order: &Order,
    request: strongroom_model::CustodyId,
) -> Result<Mended, DriveError> {
    let copy = &order.copy;
    let Some(source_path) = &order.source else {
        let other = source.identity().id;
        return Ok(Mended::Left(format!("{}: drive {other} has no proven copy of it", copy.path)));
    };
    let outcome = drive.repair_from(&copy.path, &copy.sha256, copy.size_bytes, source, source_path);
    Ok(match outcome {
        Ok(RepairOutcome::Repaired(done)) => {
            let proof = ProvenCopy { path: copy.path.clone(), sha256: copy.sha256.clone(), seen: Some(done.read.seen) };
            if let Some((site, month)) = place(&copy.path) {
                for listed in drive.record(&site, month, &[proof]) {
                    listed?;
                }
            }
            Mended::Right(Box::new(Event::CopyRepaired(strongroom_model::event::CopyProven {
                booking: copy.booking.clone(),
                drive: copy.drive,
                from: Some(source.identity().id),
                path: copy.path.clone(),
                quarantined: done.quarantined,
                read_back: done.read.method,
                request,
                sha256: copy.sha256.clone(),
                size_bytes: copy.size_bytes,
            })))
        }
        Ok(RepairOutcome::SourceDiffers(_)) => Mended::Left(format!(
            "{}: the copy on drive {} is not what was proven either: verify that drive",
            copy.path,
            source.identity().id
        )),
        Err(RepairError::Target(error)) if error.obstacle().is_some() => return Err(error),
        Err(error) => Mended::Left(format!("{}: {error}", copy.path)),
    })
}

fn place(path: &str) -> Option<(strongroom_model::SiteId, strongroom_model::Month)> {
    let mut parts = path.split('/');
    let site = strongroom_drive::name::unescape(parts.next()?)?.parse().ok()?;
    Some((site, parts.next()?.parse().ok()?))
}

/// Reads a month's copies back, and lists those that are right. Blocks.
fn relist(
    drive: &Drive,
    site: &strongroom_model::SiteId,
    month: strongroom_model::Month,
    held: Vec<Holding>,
) -> Result<Vec<(Holding, Seen)>, DriveError> {
    let seen = read::read(drive, &held)?;
    let both: Vec<(Holding, Seen)> = held.into_iter().zip(seen).collect();
    let right: BTreeMap<String, ProvenCopy> = both
        .iter()
        .filter_map(|(copy, seen)| match seen {
            Seen::AsProven(read) => Some((
                copy.path.clone(),
                ProvenCopy { path: copy.path.clone(), sha256: copy.sha256.clone(), seen: Some(read.seen) },
            )),
            Seen::Damaged(_) => None,
        })
        .collect();
    drive.relist(site, month, &right.into_values().collect::<Vec<_>>())?;
    Ok(both)
}
