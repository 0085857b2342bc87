//! Copying a drive's contents onto other drives: read once, written to each, each proven by itself.
//!
//! For each slice: bytes reach temporary files of the targets while they are hashed; only if they are what the log says
//! are they committed (synced, renamed, synced), read back from each target's device, listed in its manifest, and recorded.
//! - If we stop before the commit, the next slice resumes the temporary files, or writes them anew.
//! - If we stop between commit and record, the files have their final names without an event: the next slice adopts them
//!   after reading them back.

use std::collections::{BTreeMap, HashMap, HashSet};

use strongroom_audit::{Holding, holdings};
use strongroom_bus::Done;
use strongroom_drive::{
    CopyOrder, Destination, Drive, DriveError, Landed, ProvenCopy, Received, commit_each, copy_to_each, name,
};
use strongroom_model::copy::Copy;
use strongroom_model::event::{CopyProven, GivenUp, MountedDrive, ReadBack};
use strongroom_model::fold::fold;
use strongroom_model::text::printable;
use strongroom_model::{Algorithm, DriveId, Event, Month, SiteId, StreamName};
use strongroom_service::{blocking, kill_point};

use crate::journal::Journal;
use crate::read::{self, Seen, described};
use crate::slice::{BYTES, FILES, Slice, SliceError};
use crate::stage::{Custodian, Request};
use crate::verify::damaged_alarm;

const REASON_CHARS: usize = 300;

/// One target of a slice.
struct Target {
    id: DriveId,
    drive: Result<Drive, DriveError>,
    /// Which of the slice's copies it lacks.
    wants: Vec<bool>,
    written: Vec<Written>,
    /// Why a file could not be written, by its number.
    failed: Vec<(usize, String)>,
    /// Why it cannot be written to any more.
    given_up: Option<String>,
}

/// A copy that is on a target, read back and listed.
struct Written {
    copy: usize,
    path: String,
    read_back: ReadBack,
}

/// What came of a slice's copies.
struct Worked {
    targets: Vec<Target>,
    damaged: HashMap<usize, Seen>,
}

impl Custodian {
    pub(crate) async fn copy(
        &self,
        request: Request<'_>,
        mut slice: Slice<'_>,
        from: &MountedDrive,
        to: &[MountedDrive],
    ) -> Result<Done, SliceError> {
        let until = slice.requested.until;
        let open: Vec<MountedDrive> = to
            .iter()
            .filter(|one| !slice.tally.given_up.iter().any(|given_up| given_up.drive == one.drive))
            .cloned()
            .collect();
        if slice.from >= until || open.is_empty() {
            return self.end_copy(slice, open).await;
        }
        let page = holdings(&self.log, from.drive, slice.from, until, FILES, BYTES).await?;
        let copies = page.found;
        let wanted = self.wanted(&open, &copies).await?;
        let (drives, source, site) = (self.drives.clone(), from.clone(), self.log.site().clone());
        let (copies, worked) = blocking(move || {
            let source = drives.to_read(&source)?;
            let targets = open.iter().zip(wanted).map(|(mounted, wants)| Target {
                id: mounted.drive,
                drive: drives.to_write(mounted),
                wants,
                written: Vec::new(),
                failed: Vec::new(),
                given_up: None,
            });
            let worked = write(&site, &source, &copies, targets.collect())?;
            Ok::<_, DriveError>((copies, worked))
        })
        .await?;
        kill_point!("custody.copies-listed");
        self.record(request, &mut slice, from, &copies, worked).await?;
        Ok(slice.advanced(page.next))
    }

    /// Which copies each target lacks, by the log.
    async fn wanted(&self, to: &[MountedDrive], copies: &[Holding]) -> Result<Vec<Vec<bool>>, SliceError> {
        let mut wanted = Vec::with_capacity(to.len());
        for target in to {
            let streams: Vec<StreamName> = copies.iter().map(|one| one.stream(target.drive)).collect();
            let histories = self.log.readable_streams(&streams).await?;
            let is_there = |stream: &StreamName| {
                let copy = histories.get(stream).and_then(|history| fold::<Copy>(history).ok());
                copy.is_some_and(|copy| copy.evidence.is_some())
            };
            wanted.push(streams.iter().map(|stream| !is_there(stream)).collect());
        }
        Ok(wanted)
    }

    async fn record(
        &self,
        request: Request<'_>,
        slice: &mut Slice<'_>,
        from: &MountedDrive,
        copies: &[Holding],
        worked: Worked,
    ) -> Result<(), SliceError> {
        let drives = worked.targets.iter().map(|target| target.id).chain([from.drive]);
        let streams: Vec<StreamName> =
            drives.flat_map(|drive| copies.iter().map(move |copy| copy.stream(drive))).collect();
        let mut journal = Journal::open(&self.log, &streams, self.clock.now(), &self.actor, request.trigger).await?;
        for (number, seen) in &worked.damaged {
            let copy = &copies[*number];
            match seen {
                Seen::Damaged(found) => {
                    slice.tally.damaged += 1;
                    slice.remark(&format!(
                        "{} on the drive that is copied {}; not copied",
                        copy.path,
                        described(found)
                    ));
                }
                Seen::AsProven(_) => {
                    slice.tally.faults += 1;
                    slice.remark(&format!(
                        "{} could be read only the second time; not copied: copy once more",
                        copy.path
                    ));
                }
            }
            journal.add(copy.stream(from.drive), read::event(from.drive, request.id, copy, seen));
        }
        if worked.damaged.values().any(|seen| matches!(seen, Seen::Damaged(_))) {
            let known = strongroom_audit::known_drives(&self.log).await?;
            slice.done.raise.push(damaged_alarm(&known, from, &slice.tally.remarks));
        }
        let read: HashSet<usize> =
            worked.targets.iter().flat_map(|target| &target.written).map(|written| written.copy).collect();
        for number in read {
            slice.tally.bytes = slice.tally.bytes + copies[number].size;
        }
        for target in worked.targets {
            slice.tally.skipped += target.wants.iter().filter(|wants| !**wants).count() as u64;
            for written in &target.written {
                let copy = &copies[written.copy];
                slice.tally.written += 1;
                let made = CopyProven {
                    booking: copy.booking.clone(),
                    drive: target.id,
                    from: Some(from.drive),
                    path: written.path.clone(),
                    quarantined: None,
                    read_back: written.read_back,
                    request: request.id,
                    sha256: copy.sha256.clone(),
                    size_bytes: copy.size,
                };
                journal.add(copy.stream(target.id), Event::CopyMade(made));
            }
            for (number, reason) in &target.failed {
                slice.tally.faults += 1;
                slice.remark(&format!("{} was not copied to drive {}: {reason}", copies[*number].path, target.id));
            }
            if let Some(reason) = target.given_up {
                slice.tally.given_up.push(GivenUp { drive: target.id, reason: printable(&reason, REASON_CHARS) });
            }
        }
        slice.done.others = journal.into_events();
        Ok(())
    }

    /// Folds the journals, and leaves the checkpoint and a text for strangers on each drive that was written.
    async fn end_copy(&self, mut slice: Slice<'_>, open: Vec<MountedDrive>) -> Result<Done, SliceError> {
        let (drives, site) = (self.drives.clone(), self.log.site().clone());
        let ended = blocking(move || {
            let end = |mounted: &MountedDrive| {
                let drive = drives.to_write(mounted)?;
                drive.fold(&site)?;
                drives.seal(&drive)
            };
            open.iter().map(|mounted| (mounted.drive, end(mounted))).collect::<Vec<_>>()
        })
        .await;
        for (drive, ended) in ended {
            if let Err(error) = ended {
                slice.tally.given_up.push(GivenUp { drive, reason: printable(&error.to_string(), REASON_CHARS) });
            }
        }
        Ok(slice.finished())
    }
}

/// Writes what the targets lack. Blocks.
///
/// # Errors
/// The source drive's own.
fn write(site: &SiteId, source: &Drive, copies: &[Holding], mut targets: Vec<Target>) -> Result<Worked, DriveError> {
    for target in &mut targets {
        if let Err(error) = &target.drive {
            target.given_up = Some(error.to_string());
        }
    }
    let mut damaged = HashMap::new();
    let mut received: Vec<Vec<(usize, Received)>> = targets.iter().map(|_| Vec::new()).collect();
    for (number, copy) in copies.iter().enumerate() {
        let open: Vec<usize> = (0..targets.len())
            .filter(|target| targets[*target].given_up.is_none() && targets[*target].wants[number])
            .collect();
        if open.is_empty() {
            continue;
        }
        let order = order(site, copy);
        let to: Vec<Drive> = open.iter().filter_map(|target| targets[*target].drive.as_ref().ok().cloned()).collect();
        let to: Vec<&Drive> = to.iter().collect();
        let copied = match copy_to_each(source, &order, &to) {
            Ok(copied) => copied,
            // One file that cannot be read, or the drive: reading it back again tells.
            Err(_) => {
                let seen = read::read(source, std::slice::from_ref(copy))?.remove(0);
                damaged.insert(number, seen);
                continue;
            }
        };
        if copied.source_differs(&order) {
            let seen = read::read(source, std::slice::from_ref(copy))?.remove(0);
            damaged.insert(number, seen);
            continue;
        }
        for (target, result) in open.into_iter().zip(copied.targets) {
            match result {
                Ok(file) => received[target].push((number, file)),
                Err(error) => targets[target].fail(number, &error),
            }
        }
    }
    kill_point!("custody.copies-received");
    land(site, copies, &mut targets, received);
    // A copy that reads right the second time is not damaged: it is copied by the next act.
    Ok(Worked { targets, damaged })
}

impl Target {
    fn fail(&mut self, copy: usize, error: &DriveError) {
        if error.obstacle().is_some() {
            self.given_up.get_or_insert_with(|| error.to_string());
        } else {
            self.failed.push((copy, error.to_string()));
        }
    }
}

fn order(site: &SiteId, copy: &Holding) -> CopyOrder {
    let last = copy.path.rsplit('/').next().unwrap_or_default();
    CopyOrder {
        path: copy.path.clone(),
        place: Destination {
            site: site.clone(),
            month: copy.month,
            booking: copy.booking.clone(),
            filename: name::unescape(last).unwrap_or_else(|| last.to_owned()),
            expected: copy.sha256.clone(),
            size: copy.size,
        },
    }
}

/// Commits, reads back and lists what the targets received.
fn land(site: &SiteId, copies: &[Holding], targets: &mut [Target], received: Vec<Vec<(usize, Received)>>) {
    let (mut numbers, mut batches, mut at_work) = (Vec::new(), Vec::new(), Vec::new());
    let open: Vec<Option<Drive>> = targets.iter().map(|target| target.drive.as_ref().ok().cloned()).collect();
    for (target, files) in received.into_iter().enumerate() {
        let Some(drive) = open[target].as_ref().filter(|_| !files.is_empty()) else { continue };
        let (of, files): (Vec<usize>, Vec<Received>) = files.into_iter().unzip();
        at_work.push((target, drive));
        numbers.push(of);
        batches.push((drive, files));
    }
    let landed = commit_each(batches);
    kill_point!("custody.copies-committed");
    for (((target, drive), of), landed) in at_work.into_iter().zip(numbers).zip(landed) {
        let target = &mut targets[target];
        let mut there: Vec<(usize, Landed)> = Vec::new();
        for (copy, landed) in of.into_iter().zip(landed) {
            match landed {
                Ok(landed) => there.push((copy, landed)),
                Err(error) => target.fail(copy, &error),
            }
        }
        prove(site, copies, drive, target, &there);
    }
}

/// A copy is written only when it was read back from the device as the log says, and the manifest lists it.
fn prove(site: &SiteId, copies: &[Holding], drive: &Drive, target: &mut Target, there: &[(usize, Landed)]) {
    let files: Vec<_> = there.iter().map(|(_, landed)| (landed.path.as_str(), Algorithm::Sha256)).collect();
    let read = drive.read_back_many(&files);
    let mut months: BTreeMap<Month, Vec<(usize, ProvenCopy, ReadBack)>> = BTreeMap::new();
    for ((copy, landed), read) in there.iter().zip(read) {
        match read {
            Ok(read) if read.pair.sha256 == copies[*copy].sha256 => {
                let proof = ProvenCopy { path: landed.path.clone(), sha256: read.pair.sha256, seen: Some(read.seen) };
                months.entry(landed.month).or_default().push((*copy, proof, read.method));
            }
            Ok(_) => {
                // Unlisted: the next attempt puts it aside.
                let _ = drive.quarantine(&landed.path, None);
                target.failed.push((*copy, "the drive gave back other bytes than were written".to_owned()));
            }
            Err(error) => target.fail(*copy, &error),
        }
    }
    kill_point!("custody.copies-read-back");
    for (month, proofs) in months {
        let list: Vec<ProvenCopy> = proofs.iter().map(|(_, proof, _)| proof.clone()).collect();
        for ((copy, proof, read_back), listed) in proofs.into_iter().zip(drive.record(site, month, &list)) {
            match listed {
                Ok(()) => target.written.push(Written { copy, path: proof.path, read_back }),
                Err(error) => target.fail(copy, &error),
            }
        }
    }
}
