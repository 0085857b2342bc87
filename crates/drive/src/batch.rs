//! R1's order of steps for a batch: sync the bytes, rename, sync the names.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use strongroom_files::within::{rename_guarded, stat_in};
use strongroom_files::{Folder, Locked, Refusal, Stat};
use strongroom_model::ByteCount;
use strongroom_model::event::SyncMethod;
use strongroom_service::kill_point;

use crate::drive::quarantine::{discard, quarantine_unlisted};
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::hashing::digests_of;
use crate::mount::Mount;
use crate::received::{Landed, Received};
use crate::relative::Relative;
use crate::seen::FileVersion;

/// A larger file gets its own fsync before the batch's syncfs: its errors are then known to be its own, and small
/// files do not wait for it in one long call.
const OWN_FSYNC_ABOVE_BYTES: u64 = 64 << 20;
/// Each after moving away what has the final name.
const MAX_RENAME_ATTEMPTS: u32 = 4;

/// Held during a rename on file systems that cannot refuse to replace.
pub(crate) const NAMES_LOCK: &str = "names.lock";

enum LandingState {
    Waiting,
    /// `ours` is `None` for a file that was there before.
    Renamed {
        ours: Option<FileVersion>,
    },
    Failed(DriveError),
}

struct BatchFile {
    received: Received,
    state: LandingState,
}

/// Makes the files durable under their final names; one result each, in order.
pub(crate) fn land(mount: &Arc<Mount>, files: Vec<Received>) -> Vec<Result<Landed, DriveError>> {
    let mut slots: Vec<BatchFile> =
        files.into_iter().map(|received| BatchFile { received, state: LandingState::Waiting }).collect();
    refuse_strangers(mount, &mut slots);

    kill_point!("drive.bytes-written");
    // If we stop here, the files have their temporary names and transfers resume. After a power cut they may be
    // shorter or hold zeros: resumed bytes are hashed again.
    if let Err(error) = sync_bytes(mount, &slots) {
        fail_all(mount, &mut slots, &error);
    }

    kill_point!("drive.bytes-synced");
    // If we stop here, the bytes are on the device under temporary names: a resumed transfer has nothing to fetch.
    for slot in slots.iter_mut().filter(|slot| matches!(slot.state, LandingState::Waiting)) {
        slot.state = match rename(mount, &mut slot.received) {
            Ok(ours) => LandingState::Renamed { ours },
            Err(error) => LandingState::Failed(error),
        };
        kill_point!("drive.renamed");
    }

    // If we stop here, a power cut may undo the rename, but a name never exists without its bytes: they were synced
    // before. A final name without an event is adopted.
    if let Err(error) = sync_names(mount, &slots) {
        fail_all(mount, &mut slots, &error);
    }
    kill_point!("drive.names-synced");
    // From here on a file has landed. If we stop before the event is committed, it is adopted.
    slots.into_iter().map(|slot| answer(mount, slot)).collect()
}

/// These were written to another mount, which nobody checked; or an earlier sync failed, perhaps for this file.
fn refuse_strangers(mount: &Arc<Mount>, slots: &mut [BatchFile]) {
    for slot in slots.iter_mut().filter(|slot| !Arc::ptr_eq(&slot.received.mount, mount)) {
        slot.state = LandingState::Failed(if slot.received.mount.has_failed() {
            slot.received.drop_temporary();
            mount.error(Operation::Sync, slot.received.spot.path(), io::Error::other("an earlier sync failed"))
        } else {
            DriveErrorKind::Unmounted.at(&mount.root)
        });
    }
}

fn sync_bytes(mount: &Mount, slots: &[BatchFile]) -> Result<(), DriveError> {
    let waiting = || slots.iter().filter(|slot| matches!(slot.state, LandingState::Waiting)).map(|slot| &slot.received);
    for received in waiting() {
        let own = sync_method(mount) == SyncMethod::Fsync || received.size.0 > OWN_FSYNC_ABOVE_BYTES;
        if own {
            sync_one(mount, received).map_err(|error| mount.error(Operation::Sync, received.spot.path(), error))?;
        }
    }
    if sync_method(mount) == SyncMethod::Syncfs && waiting().next().is_some() {
        mount.sync_all().map_err(|error| mount.error(Operation::Sync, Relative::root(), error))?;
    }
    Ok(())
}

fn sync_method(mount: &Mount) -> SyncMethod {
    if mount.filesystem().syncfs { SyncMethod::Syncfs } else { SyncMethod::Fsync }
}

fn sync_one(mount: &Mount, received: &Received) -> io::Result<()> {
    match received.temporary.as_ref().and_then(|temporary| temporary.file.as_ref()) {
        Some(file) => mount.sync_file(file),
        // Found there; its writer may have stopped before this sync.
        None => mount.sync_file(mount.top.file(received.spot.path())?),
    }
}

/// `None` if the same content had the name already.
fn rename(mount: &Mount, received: &mut Received) -> Result<Option<FileVersion>, DriveError> {
    let path = received.spot.path();
    let folder = mount.top.folder(received.spot.folder_path());
    let folder = folder.map_err(|error| mount.open_error(Operation::Open, &path, error))?;
    let Some(temporary) = &mut received.temporary else {
        let there =
            stat_in(&folder, &received.spot.filename).map_err(|error| mount.error(Operation::Read, &path, error))?;
        let same = there.is_some_and(|stat| received.stood.is_some_and(|stood| stood.is(&stat)));
        return if same { Ok(None) } else { Err(DriveErrorKind::CopyMissing.of(path)) };
    };
    for _ in 0..MAX_RENAME_ATTEMPTS {
        match name_finally(mount, &folder, &temporary.name, &received.spot.filename) {
            Ok(()) => {
                let file = temporary.file.take();
                let ours = file.and_then(|file| Stat::of(&file).ok()).map(|stat| FileVersion::of(&stat));
                return Ok(Some(ours.unwrap_or_default()));
            }
            Err(error) if Refusal::of(&error) == Some(Refusal::Exists) => {}
            Err(error) => return Err(mount.error(Operation::Rename, &path, error)),
        }
        match digests_of(mount, &path, received.pair.named.algorithm()) {
            // The same content, or the right content where ours is wrong: another worker was faster.
            Ok(Some(pair)) if pair == received.pair || pair.named == received.expected => {
                received.size = synced_size(mount, &path)?;
                received.pair = pair;
                temporary.discard();
                return Ok(None);
            }
            // Unproven content is quarantined; proven content stays.
            Ok(Some(_)) | Err(DriveError { kind: DriveErrorKind::NotPlain, .. }) => {
                match quarantine_unlisted(mount, &path, None) {
                    Ok(quarantined) => {
                        tracing::warn!(%path, %quarantined, "an unrecorded file at the final path was moved to the quarantine");
                    }
                    Err(DriveError { kind: DriveErrorKind::CopyMissing, .. }) => {}
                    Err(DriveError { kind: DriveErrorKind::Proven, .. }) => {
                        return Err(mount.error(Operation::Rename, &path, Refusal::Busy));
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(None) => {}
            Err(error) => return Err(error),
        }
    }
    Err(DriveErrorKind::NotPlain.of(path))
}

/// Renames without replacing, on any file system.
pub(crate) fn name_finally(mount: &Mount, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
    let guard = || Locked::exclusive(mount.lock_file(NAMES_LOCK).map_err(io::Error::other)?);
    rename_guarded(folder, from, folder, to, guard)
}

/// Another worker wrote it, and may have stopped before its sync.
fn synced_size(mount: &Mount, path: &Relative) -> Result<ByteCount, DriveError> {
    let file = mount.top.file(path).map_err(|error| mount.error(Operation::Read, path, error))?;
    mount.sync_file(&file).map_err(|error| mount.error(Operation::Sync, path, error))?;
    Ok(ByteCount(file.metadata().map_err(|error| mount.error(Operation::Read, path, error))?.len()))
}

fn sync_names(mount: &Mount, slots: &[BatchFile]) -> Result<(), DriveError> {
    let renamed = || slots.iter().filter(|slot| matches!(slot.state, LandingState::Renamed { .. }));
    if renamed().next().is_none() {
        return Ok(());
    }
    if sync_method(mount) == SyncMethod::Syncfs {
        return mount.sync_all().map_err(|error| mount.error(Operation::Sync, Relative::root(), error));
    }
    // An earlier process may have left folders that are not durable, so all up to the root are synced: few calls per
    // batch, cheap if nothing changed.
    let mut folders = BTreeSet::new();
    for slot in renamed() {
        let mut at = slot.received.spot.path();
        while let Some((folder, _)) = at.split() {
            at = folder.clone();
            folders.insert(folder);
        }
    }
    for folder in folders {
        mount.sync_folder(&folder).map_err(|error| mount.error(Operation::Sync, &folder, error))?;
    }
    Ok(())
}

/// It is unknown what did not reach the device, and a repeated sync would succeed (fsync(2)): everything of this
/// batch is removed, to be written again.
fn fail_all(mount: &Mount, slots: &mut [BatchFile], error: &DriveError) {
    for slot in slots {
        match slot.state {
            LandingState::Failed(_) => continue,
            LandingState::Waiting => slot.received.drop_temporary(),
            LandingState::Renamed { ours: None } => {}
            // Unless another worker has adopted and proven it meanwhile.
            LandingState::Renamed { ours: Some(seen) } => {
                if let Err(error) = discard(mount, &slot.received.spot.path(), Some(seen)) {
                    tracing::warn!(path = %slot.received.spot.path(), %error, "a file that is not durable stays");
                }
            }
        }
        slot.state = LandingState::Failed(error.clone());
    }
}

fn answer(mount: &Mount, slot: BatchFile) -> Result<Landed, DriveError> {
    let received = slot.received;
    match slot.state {
        LandingState::Renamed { ours } => Ok(Landed {
            path: received.spot.path().as_str().to_owned(),
            month: received.spot.bag.month,
            size: received.size,
            resumed_from: received.resumed_from,
            sync: sync_method(mount),
            adopted: ours.is_none(),
            pair: received.pair,
        }),
        LandingState::Failed(error) => Err(error),
        LandingState::Waiting => unreachable!("every file was renamed or has failed"),
    }
}
