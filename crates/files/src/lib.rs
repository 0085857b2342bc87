//! Files beneath a root folder, opened without following links, and made durable.
//!
//! The backup drive and the document server both keep files below a folder whose contents they do not
//! trust: a symbolic link, a pipe or another file system may stand where a file is meant to be. What this
//! crate promises:
//! - no path leads out of the root: not by `..`, not through a symbolic link, and, where the
//!   [`Policy`] says so, not onto another file system (R9);
//! - nothing that is opened can block: a pipe is refused;
//! - a rename never replaces;
//! - a batch is made durable by one `syncfs` only where file system and kernel are known to write
//!   everything and to report errors; by one `fsync` per file otherwise (R1).
//!
//! Everything here blocks. Every system call is a fault point (`files.open`, `files.rename` …), so that a
//! test can let it fail with any error.
//!
//! In reading order:
//! - [`beneath`]: the root folder, and paths below it;
//! - [`within`]: one open folder, and the names in it;
//! - `sync`: durability;
//! - [`filesystem`]: what each file system can be relied on for, and [`device`]: what it lies on;
//! - [`lock`]: locks on files;
//! - [`mod@meaning`]: what the operating system's refusals mean;
//! - [`mod@call`]: one system call.

pub mod beneath;
pub mod call;
pub mod device;
pub mod filesystem;
pub mod lock;
pub mod meaning;
mod path;
pub mod sync;
pub mod within;

pub use crate::beneath::{Beneath, FileId, Made, Policy, id_of};
pub use crate::call::call;
pub use crate::device::{Backing, Cache, Origin, disk_of};
pub use crate::filesystem::Filesystem;
pub use crate::lock::Locked;
pub use crate::meaning::{Call, Meaning, Whose, meaning};
pub use crate::path::stays_below;
pub use crate::within::{Creation, is_folder, is_plain};

use std::io;

use rustix::io::Errno;

/// The operating system's own number of an error, if it has one.
#[must_use]
pub fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

/// Whether the operating system has no such call on this file system.
#[must_use]
pub fn is_unsupported(error: &io::Error) -> bool {
    matches!(errno(error), Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}
