//! Moves or deletes one file.
//!
//! Each step looks before it acts, so that the same code serves a request, a retry and the start after a crash:
//! - stopped before the rename: it is done now;
//! - stopped after the rename, before the record: the file is found at its destination, and that is recorded now;
//! - the file is in neither place: nothing is recorded, and it is reported;
//! - a file that does not match its digest stays where it is.

use std::collections::BTreeSet;
use std::io;

use strongroom_files::Stat;

use crate::cross_device::move_across;
use crate::disk_error::Result;
use crate::path::RelativePath;
use crate::root::DocumentRoot;
use crate::unchanged::{FileCheck, Fingerprint, Stamp, examine};

/// The folders whose entries changed and need a sync.
pub(crate) type Touched = BTreeSet<Option<RelativePath>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileOutcome {
    /// It is at its destination, with this stamp.
    Moved(Stamp),
    Deleted,
    /// It is in neither place.
    Vanished,
    /// Another file is at the destination.
    Occupied,
    /// It does not match its digest; the reason is for a person.
    Changed(String),
    /// It has its new name, or both names, and then a call failed: the next look decides.
    Unsure(String),
}

impl FileOutcome {
    /// For steps after the rename: an error there does not mean that nothing was done.
    pub(crate) fn after_rename(result: Result<Self>) -> Self {
        result.unwrap_or_else(|error| Self::Unsure(error.to_string()))
    }
}

pub(crate) fn move_file(
    root: &DocumentRoot,
    from: &RelativePath,
    to: &RelativePath,
    expected: &Fingerprint,
    touched: &mut Touched,
) -> Result<FileOutcome> {
    if let Some(folder) = to.parent() {
        touched.extend(root.create_folders(&folder)?);
    }
    let seen = match examine(root, from, expected)? {
        FileCheck::Same(seen) => seen,
        FileCheck::Changed(why) => return Ok(FileOutcome::Changed(format!("{from} {why}"))),
        FileCheck::Nothing => return check_destination(root, from, to, expected, touched),
    };
    let renamed = root.rename(from, to);
    match renamed {
        Ok(()) => Ok(FileOutcome::after_rename(check_renamed(root, from, to, &seen, touched))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match root.entry(to)? {
                // Linked, but not yet unlinked.
                Some(new) if new.id == seen.id => {
                    let removed = root.remove_file(from);
                    Ok(FileOutcome::after_rename(removed.and_then(|_| check_renamed(root, from, to, &seen, touched))))
                }
                // Copied, but not yet deleted; or a foreign file.
                _ => move_across(root, from, to, &seen, expected, touched),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            move_across(root, from, to, &seen, expected, touched)
        }
        Err(error) => Err(error),
    }
}

pub(crate) fn delete_file(
    root: &DocumentRoot,
    from: &RelativePath,
    expected: &Fingerprint,
    touched: &mut Touched,
) -> Result<FileOutcome> {
    // If it is gone already, its folder may not have been synced.
    touched.insert(from.parent());
    let seen = match examine(root, from, expected)? {
        FileCheck::Nothing => return Ok(FileOutcome::Deleted),
        FileCheck::Changed(why) => return Ok(FileOutcome::Changed(format!("{from} {why}"))),
        FileCheck::Same(seen) => seen,
    };
    if root.entry(from)? != Some(seen) {
        return Ok(FileOutcome::Changed(format!("{from} is being written to")));
    }
    root.remove_file(from)?;
    Ok(FileOutcome::Deleted)
}

/// Nothing is at the old place: an earlier attempt may have moved it.
fn check_destination(
    root: &DocumentRoot,
    from: &RelativePath,
    to: &RelativePath,
    expected: &Fingerprint,
    touched: &mut Touched,
) -> Result<FileOutcome> {
    Ok(match examine(root, to, expected)? {
        FileCheck::Nothing => FileOutcome::Vanished,
        FileCheck::Changed(why) => FileOutcome::Changed(format!("{from} is gone, and {to} {why}")),
        FileCheck::Same(seen) => {
            touched.extend([from.parent(), to.parent()]);
            FileOutcome::Moved(Stamp::of(&seen))
        }
    })
}

/// Checks the renamed file. If somebody replaced or wrote to it between the check and the rename, it goes back.
fn check_renamed(
    root: &DocumentRoot,
    from: &RelativePath,
    to: &RelativePath,
    seen: &Stat,
    touched: &mut Touched,
) -> Result<FileOutcome> {
    touched.extend([from.parent(), to.parent()]);
    match root.entry(to)? {
        Some(now) if now.is_same_content(seen) => Ok(FileOutcome::Moved(Stamp::of(&now))),
        _ => {
            root.rename(to, from)?;
            Ok(FileOutcome::Changed(format!("{from} is being written to")))
        }
    }
}
