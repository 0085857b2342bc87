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

use crate::across::across;
use crate::disk_error::Result;
use crate::path::RelativePath;
use crate::root::DocumentRoot;
use crate::unchanged::{FileCheck, Fingerprint, Stamp, examine};

/// The folders whose entries changed and need a sync.
pub(crate) type Touched = BTreeSet<Option<RelativePath>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carried {
    /// It is at its destination, with this stamp.
    There(Stamp),
    /// It had been moved there before.
    Already(Stamp),
    /// It is deleted.
    Gone,
    /// It is in neither place.
    Vanished,
    /// Another file is at the destination.
    Taken,
    /// It does not match its digest; the reason is for a person.
    Changed(String),
    /// It has its new name, or both names, and then a call failed: the next look decides.
    Begun(String),
}

impl Carried {
    /// For steps after the rename: an error there does not mean that nothing was done.
    pub(crate) fn begun(result: Result<Self>) -> Self {
        result.unwrap_or_else(|error| Self::Begun(error.to_string()))
    }
}

/// Renames a file, unless it was changed.
pub(crate) fn carry(
    root: &DocumentRoot,
    from: &RelativePath,
    to: &RelativePath,
    wanted: &Fingerprint,
    touched: &mut Touched,
) -> Result<Carried> {
    if let Some(folder) = to.parent() {
        touched.extend(root.create_folders(&folder)?);
    }
    let seen = match examine(root, from, wanted)? {
        FileCheck::Same(seen) => seen,
        FileCheck::Changed(why) => return Ok(Carried::Changed(format!("{from} {why}"))),
        FileCheck::Nothing => return arrived(root, from, to, wanted, touched),
    };
    let renamed = root.rename(from, to);
    match renamed {
        Ok(()) => Ok(Carried::begun(settled(root, from, to, &seen, touched))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match root.entry(to)? {
                // Linked, but not yet unlinked.
                Some(new) if new.id == seen.id => {
                    let removed = root.remove_file(from);
                    Ok(Carried::begun(removed.and_then(|_| settled(root, from, to, &seen, touched))))
                }
                // Copied, but not yet deleted; or a foreign file.
                _ => across(root, from, to, &seen, wanted, touched),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => across(root, from, to, &seen, wanted, touched),
        Err(error) => Err(error),
    }
}

/// Deletes a file, unless it was changed.
pub(crate) fn remove(
    root: &DocumentRoot,
    from: &RelativePath,
    wanted: &Fingerprint,
    touched: &mut Touched,
) -> Result<Carried> {
    // If it is gone already, its folder may not have been synced.
    touched.insert(from.parent());
    let seen = match examine(root, from, wanted)? {
        FileCheck::Nothing => return Ok(Carried::Gone),
        FileCheck::Changed(why) => return Ok(Carried::Changed(format!("{from} {why}"))),
        FileCheck::Same(seen) => seen,
    };
    if root.entry(from)? != Some(seen) {
        return Ok(Carried::Changed(format!("{from} is being written to")));
    }
    root.remove_file(from)?;
    Ok(Carried::Gone)
}

/// Nothing is at the old place: an earlier attempt may have moved it.
fn arrived(
    root: &DocumentRoot,
    from: &RelativePath,
    to: &RelativePath,
    wanted: &Fingerprint,
    touched: &mut Touched,
) -> Result<Carried> {
    Ok(match examine(root, to, wanted)? {
        FileCheck::Nothing => Carried::Vanished,
        FileCheck::Changed(why) => Carried::Changed(format!("{from} is gone, and {to} {why}")),
        FileCheck::Same(seen) => {
            touched.extend([from.parent(), to.parent()]);
            Carried::Already(Stamp::of(&seen))
        }
    })
}

/// Checks the renamed file. If somebody replaced or wrote to it between the check and the rename, it goes back.
fn settled(
    root: &DocumentRoot,
    from: &RelativePath,
    to: &RelativePath,
    seen: &Stat,
    touched: &mut Touched,
) -> Result<Carried> {
    touched.extend([from.parent(), to.parent()]);
    match root.entry(to)? {
        Some(now) if now.is_same_content(seen) => Ok(Carried::There(Stamp::of(&now))),
        _ => {
            root.rename(to, from)?;
            Ok(Carried::Changed(format!("{from} is being written to")))
        }
    }
}
