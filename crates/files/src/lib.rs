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
//! - [`stat`]: what stands there, [`space`]: how much room there is, [`rights`]: what this user may do;
//! - [`cache`]: the page cache, and reading past it, [`at`]: reading and writing at a place in a file,
//!   `read`: reading it to its end;
//! - `mounts`: what is mounted below a folder;
//! - [`lock`]: locks on files;
//! - [`refusal`]: the operating system's refusals, and [`mod@meaning`]: what they mean;
//! - [`call`]: one system call.
//!
//! This crate and `strongroom-service` are the only ones that name what only Unix has: what another operating system needs
//! is written here.

pub mod at;
pub mod beneath;
pub mod cache;
pub mod call;
pub mod device;
pub mod filesystem;
pub mod lock;
pub mod meaning;
mod mounts;
mod path;
mod read;
pub mod refusal;
pub mod rights;
pub mod space;
pub mod stat;
pub mod sync;
pub mod within;

pub use crate::beneath::{Beneath, Made, Policy};
pub use crate::call::faulted;
pub use crate::device::{Backing, Cache, Origin, disk_of};
pub use crate::filesystem::Filesystem;
pub use crate::lock::Locked;
pub use crate::meaning::{Call, Meaning, Whose, meaning};
pub use crate::mounts::mounts_below;
pub use crate::path::{name_of, stays_below};
pub use crate::read::each_chunk;
pub use crate::refusal::{Refusal, is_unsupported};
pub use crate::rights::Use;
pub use crate::space::Space;
pub use crate::stat::{FileId, Kind, Stat, Time};
pub use crate::within::Creation;

/// What is open: a file, a folder or a root.
pub use std::os::fd::AsFd as Handle;
/// A folder that is open.
pub use std::os::fd::OwnedFd as Folder;
