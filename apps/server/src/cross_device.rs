//! Moves a file to another file system, where it cannot be renamed to: `archived/` is a disk of its own, or a folder
//! below the document root is.
//!
//! The file is copied and the old one deleted last, so that it is whole in at least one place whenever we stop. The
//! recorded intent leads whoever looks next there:
//! - stopped during the copy: the copy has a temporary name; it is deleted and made anew;
//! - stopped after the copy has its name: it is found there with the recorded digest, its name is made durable, and
//!   the old one is deleted.

use std::fs::File;
use std::io;

use sha2::{Digest as _, Sha256};
use strongroom_files::cache::drop_cached;
use strongroom_files::rights::keep_attributes;
use strongroom_files::sync::sync_folder;
use strongroom_files::{Call, Stat, each_chunk};
use strongroom_service::{fault, kill_point};

use crate::bytes::{Tee, digest_of, stat_of, sync_file};
use crate::disk_error::{DiskError, Result};
use crate::move_file::{FileOutcome, Touched};
use crate::path::RelativePath;
use crate::root::DocumentRoot;
use crate::unchanged::{FileCheck, Fingerprint, Stamp, examine};

const PREFIX: &str = ".strongroom-";
const SUFFIX: &str = ".part";

pub(crate) fn is_part(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX))
}

/// Moves a file to another file system, into a folder that exists.
pub(crate) fn move_across(
    root: &DocumentRoot,
    from: &RelativePath,
    to: &RelativePath,
    seen: &Stat,
    expected: &Fingerprint,
    touched: &mut Touched,
) -> Result<FileOutcome> {
    match examine(root, to, expected)? {
        // An earlier attempt got this far.
        FileCheck::Same(_) => {}
        FileCheck::Changed(_) => return Ok(FileOutcome::Occupied),
        FileCheck::Nothing => {
            if let Some(not) = copy_to(root, from, to, seen, expected)? {
                return Ok(not);
            }
        }
    }
    Ok(FileOutcome::after_rename(delete_original(root, from, to, seen, touched)))
}

/// Makes the copy's name durable, then deletes the old file.
fn delete_original(
    root: &DocumentRoot,
    from: &RelativePath,
    to: &RelativePath,
    seen: &Stat,
    touched: &mut Touched,
) -> Result<FileOutcome> {
    // Before the deletion, since nobody syncs the other file system later.
    sync_folder(root.folder(to.parent().as_ref())?).map_err(DiskError::of(Call::Sync))?;
    kill_point!("server.across-synced");
    let there = root
        .entry(to)?
        .ok_or_else(|| DiskError::other(Call::Read, format!("{to} was taken away as soon as it was there")))?;
    if root.entry(from)?.as_ref() == Some(seen) {
        root.remove_file(from)?;
    } else {
        // What was copied is what was recorded; the file there now is another one.
        tracing::error!(path = %from, "a file was changed while it was archived: the new one stays where it is");
    }
    touched.extend([from.parent(), to.parent()]);
    Ok(FileOutcome::Moved(Stamp::of(&there)))
}

/// Copies the file and gives the copy its name; returns why not, if not.
fn copy_to(
    root: &DocumentRoot,
    from: &RelativePath,
    to: &RelativePath,
    seen: &Stat,
    expected: &Fingerprint,
) -> Result<Option<FileOutcome>> {
    let part = part_of(to)?;
    if root.entry(&part)?.is_some_and(|entry| !entry.is_plain()) {
        return Err(DiskError::other(
            Call::Create,
            format!("{part} is not a file of ours: look at it and move it away"),
        ));
    }
    root.remove_file(&part)?;
    let made = make_copy(root, from, &part, seen, expected);
    match made {
        Ok(None) => {}
        other => {
            root.remove_file(&part)?;
            return other;
        }
    }
    kill_point!("server.across-copied");
    match root.rename(&part, to) {
        Ok(()) => {}
        Err(error) => {
            root.remove_file(&part)?;
            return if error.kind() == io::ErrorKind::AlreadyExists {
                Ok(Some(FileOutcome::Occupied))
            } else {
                Err(error)
            };
        }
    }
    kill_point!("server.across-renamed");
    Ok(None)
}

fn make_copy(
    root: &DocumentRoot,
    from: &RelativePath,
    part: &RelativePath,
    seen: &Stat,
    expected: &Fingerprint,
) -> Result<Option<FileOutcome>> {
    let changed = || Ok(Some(FileOutcome::Changed(format!("{from} is being written to"))));
    let source = root.open_file(from)?;
    if stat_of(&source)? != *seen {
        return changed();
    }
    let mut copy = root.create_file(part)?;
    copy_bytes(&source, &mut copy)?;
    keep_attributes(&source, &copy).map_err(DiskError::of(Call::Read))?;
    sync_file(&copy)?;
    // Past the page cache where possible: what counts is what the disk holds.
    let _ = drop_cached(&copy);
    drop(copy);
    let (size, digest) = digest_of(root.open_file(part)?, expected.digest.algorithm())?;
    if stat_of(&source)? != *seen {
        return changed();
    }
    if digest != expected.digest || size != expected.size.0 {
        // The original matched a moment ago.
        return Err(DiskError::other(
            Call::Read,
            format!("the copy of {from} on the other disk reads back as {digest}"),
        ));
    }
    Ok(None)
}

fn copy_bytes(source: &File, copy: &mut File) -> Result<()> {
    let mut tee = Tee { from: source, to: copy, failed: None };
    let read = each_chunk(&mut tee, || fault!("server.read"), |_| {});
    tee.failed.map_or_else(|| read.map(drop).map_err(DiskError::of(Call::Read)), Err)
}

/// Always the same, so that the next attempt finds it.
fn part_of(to: &RelativePath) -> Result<RelativePath> {
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(to.as_bytes())[..12]);
    let name = format!("{PREFIX}{hash}{SUFFIX}");
    let path = match to.parent() {
        Some(folder) => folder.child(name.as_ref()),
        None => RelativePath::new(name),
    };
    path.map_err(|error| DiskError::other(Call::Create, error.to_string()))
}
