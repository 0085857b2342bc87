//! Putting right bytes in the place of a proven file that reads wrong or is gone.

use std::ops::ControlFlow;
use std::sync::Arc;

use strongroom_files::{Stat, Time};
use strongroom_model::{ByteCount, Digest};
use strongroom_service::kill_point;

use super::quarantine::{move_from_folders_place, move_to_quarantine};
use super::read_back::{AlignedBuffer, read_file};
use super::{Drive, bad_path, folder_and_name, relative};
use crate::bag::lock_manifests;
use crate::batch::name_finally;
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::mount::Mount;
use crate::partial::Partial;
use crate::place::{BagPlace, Spot};
use crate::proof::{LoggedCopy, ProvenRead, ReadBackResult};
use crate::received::Received;
use crate::relative::Relative;
use crate::seen::FileVersion;

/// Right bytes for a proven file, under a temporary name in its folder. Dropped, they stay to be resumed.
#[derive(Debug)]
pub struct Repair {
    mount: Arc<Mount>,
    path: Relative,
    partial: Partial,
    sha256: Digest,
}

/// A file that is right again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// Where the bad file lies now, relative to the drive's root; `None` if there was none.
    pub quarantined: Option<String>,
    /// Whether the file in place read right after all: nothing was changed.
    pub was_right: bool,
    /// How the file in place was read back: its digest is the proven one.
    pub read: ReadBackResult,
}

/// What came of a repair from another drive.
#[derive(Debug)]
pub enum RepairOutcome {
    /// The file is right.
    Repaired(Repaired),
    /// The source is not what was proven either: nothing was changed.
    SourceDiffers(ProvenRead),
}

/// Whose error it is.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RepairError {
    /// The drive that the right bytes come from.
    #[error("the source of the repair: {0}")]
    Source(DriveError),
    /// The drive that is repaired.
    #[error(transparent)]
    Target(#[from] DriveError),
}

impl Drive {
    /// Begins to replace a file that the log proved, whatever is at its path now. The caller has a request for it, and
    /// knows that the file reads wrong or is gone.
    pub fn begin_repair(&self, path: &str, sha256: &Digest, size: ByteCount) -> Result<Repair, DriveError> {
        let path = relative(path)?;
        let Some((bag, _)) = BagPlace::of(&path) else { return Err(bad_path(path.as_str())) };
        let Some((folder, filename)) = folder_and_name(&bag, &path) else { return Err(bad_path(path.as_str())) };
        let spot = Spot { bag, folder: folder.to_owned(), filename: filename.to_owned() };
        let mount = self.session()?;
        mount.announce()?;
        mount.bags.get(&spot.bag).make_whole(&mount)?;
        mount.add_own_folder(&spot.bag.data())?;
        clear_folder(&mount, &spot.folder_path())?;
        let partial = Partial::replacing(&mount, spot, sha256, size)?;
        self.check_room(&mount, ByteCount(0))?;
        Ok(Repair { mount, path, partial, sha256: sha256.clone() })
    }

    /// Replaces a file that the log proved by the same content of another drive ([`Drive::begin_repair`]).
    pub fn repair_from(
        &self,
        path: &str,
        sha256: &Digest,
        size: ByteCount,
        source: &Self,
        source_path: &str,
    ) -> Result<RepairOutcome, RepairError> {
        let mut repair = self.begin_repair(path, sha256, size)?;
        let copy = LoggedCopy { sha256: sha256.clone(), size: Some(size) };
        if !repair.is_complete() {
            let (mut written, mut skip) = (Ok(()), repair.resumed_from().0);
            let read = source.read_proven(source_path, &copy, &mut |bytes| {
                let skipped = skip.min(bytes.len() as u64);
                skip -= skipped;
                written = repair.write(&bytes[usize::try_from(skipped).expect("it is at most the chunk's length")..]);
                if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            written?;
            match read.map_err(RepairError::Source)? {
                ProvenRead::Read { ref result, modified } if result.pair.named == *sha256 => {
                    repair.set_modified(modified);
                }
                read => {
                    repair.discard();
                    return Ok(RepairOutcome::SourceDiffers(read));
                }
            }
        }
        Ok(RepairOutcome::Repaired(repair.finish()?))
    }
}

impl Repair {
    /// Bytes of a repair that was stopped; the next one begins after them.
    pub const fn resumed_from(&self) -> ByteCount {
        self.partial.resumed_from()
    }

    /// Whether all bytes are there.
    pub const fn is_complete(&self) -> bool {
        self.partial.is_complete()
    }

    /// Appends bytes; after an error drop it.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), DriveError> {
        self.partial.write(bytes)
    }

    /// As on the source.
    pub fn set_modified(&self, modified: Time) {
        self.partial.set_modified(modified);
    }

    /// Removes what was written: nothing was changed.
    pub fn discard(self) {
        self.partial.discard();
    }

    /// Puts the bytes in place, durably, and reads them back. What was there goes into the quarantine.
    ///
    /// # Errors
    /// [`DriveErrorKind::WrongBytes`]: what was written, or what was read back at the end, is not the proven content. Begin
    /// again.
    pub fn finish(self) -> Result<Repaired, DriveError> {
        let Self { mount, path, partial, sha256 } = self;
        if !partial.is_complete() || partial.digest() != sha256 {
            partial.discard();
            return Err(DriveErrorKind::WrongBytes.of(path));
        }
        let mut received = partial.finish()?;
        let put = put_in_place(&mount, &path, &mut received, &sha256);
        if !matches!(&put, Ok(Repaired { was_right: false, .. })) {
            received.drop_temporary();
        }
        put
    }
}

fn put_in_place(
    mount: &Mount,
    path: &Relative,
    received: &mut Received,
    sha256: &Digest,
) -> Result<Repaired, DriveError> {
    kill_point!("drive.repair-written");
    // If we stop here, the bytes have a temporary name and may not be on the device: the next repair hashes them again.
    prove_temporary(mount, received, sha256)?;
    kill_point!("drive.repair-proven");
    // If we stop here, the bytes are on the device under a temporary name, and the bad file is in its place.
    let bad = match look(mount, path, sha256)? {
        InPlace::Right(read) => return Ok(Repaired { quarantined: None, was_right: true, read }),
        InPlace::Bad(bad) => bad,
    };
    let lock = lock_manifests(mount)?;
    let quarantined = match bad {
        None => None,
        Some(seen) => Some(move_to_quarantine(mount, path, seen)?.as_str().to_owned()),
    };
    kill_point!("drive.repair-aside");
    // If we stop here, nothing is at the path, and the manifest still lists it: what is listed is never given to another
    // file, so nobody takes the place, and the next repair finds the bytes under their temporary name.
    let folder = received.spot.folder_path();
    let opened = mount.top.folder(&folder).map_err(|error| mount.open_error(Operation::Open, path, error))?;
    let temporary = received.temporary.as_mut().expect("a repair always has one");
    let named = name_finally(mount, &opened, &temporary.name, &received.spot.filename);
    named.map_err(|error| mount.error(Operation::Rename, path, error))?;
    temporary.file = None;
    kill_point!("drive.repair-renamed");
    // If we stop here, a power cut may undo the rename: the bytes have one of their two names.
    mount.sync_folder(&folder).map_err(|error| mount.error(Operation::Sync, &folder, error))?;
    drop(lock);
    kill_point!("drive.repair-named");
    // If we stop here, the file is right, and nobody has recorded it: the next repair reads it and changes nothing.
    let read = read_file(mount, path, sha256.algorithm(), &mut AlignedBuffer::new())?;
    if read.pair.named == *sha256 {
        Ok(Repaired { quarantined, was_right: false, read })
    } else {
        Err(DriveErrorKind::WrongBytes.of(path))
    }
}

fn prove_temporary(mount: &Mount, received: &Received, sha256: &Digest) -> Result<(), DriveError> {
    let temporary = received.temporary.as_ref().expect("a repair always has one");
    let path = received.spot.folder_path().join(&temporary.name);
    let file = temporary.file.as_ref().expect("it is held until it is renamed");
    mount.sync_file(file).map_err(|error| mount.error(Operation::Sync, &path, error))?;
    let read = read_file(mount, &path, sha256.algorithm(), &mut AlignedBuffer::new())?;
    if read.pair.named == *sha256 { Ok(()) } else { Err(DriveErrorKind::WrongBytes.of(path)) }
}

enum InPlace {
    Right(ReadBackResult),
    /// `None`: nothing. A version where it is a file: only that one is moved.
    Bad(Option<Option<FileVersion>>),
}

fn look(mount: &Mount, path: &Relative, sha256: &Digest) -> Result<InPlace, DriveError> {
    let stat = mount.top.stat(path).map_err(|error| mount.open_error(Operation::Read, path, error))?;
    let Some(stat) = stat else { return Ok(InPlace::Bad(None)) };
    if !stat.is_plain() {
        return Ok(InPlace::Bad(Some(None)));
    }
    match read_file(mount, path, sha256.algorithm(), &mut AlignedBuffer::new()) {
        Ok(read) if read.pair.named == *sha256 => Ok(InPlace::Right(read)),
        // Other bytes, or unreadable ones.
        Err(error) if error.obstacle().is_some() => Err(error),
        _ => Ok(InPlace::Bad(Some(Some(FileVersion::of(&stat))))),
    }
}

/// Something else stands where the booking's folder was: it is kept, out of the way.
fn clear_folder(mount: &Mount, folder: &Relative) -> Result<(), DriveError> {
    let stat = mount.top.stat(folder).map_err(|error| mount.open_error(Operation::Open, folder, error))?;
    if stat.as_ref().is_some_and(|stat| !Stat::is_folder(stat)) {
        let _lock = lock_manifests(mount)?;
        // If we stop here, nothing is at the folder's path: it is made again.
        let quarantined = move_from_folders_place(mount, folder)?;
        tracing::warn!(%folder, %quarantined, "what stood in a booking's place was moved to the quarantine");
    }
    Ok(())
}
