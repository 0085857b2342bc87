//! Durable files beneath a root folder, opened without following links.
//!
//! The contents are not trusted:
//! - no path leads out of the root: not by `..`, a symbolic link or, where the [`Policy`] forbids it, another file
//!   system (R9);
//! - opening never blocks: a pipe is refused;
//! - a rename never replaces;
//! - one `syncfs` makes a batch durable only where that writes everything and reports errors; else each file gets an
//!   `fsync` (R1).
//!
//! Functions block, and fail with the system call's error. Each system call is a fault point for tests (`files.open`
//! …). Only this crate and `strongroom-service` use what only Unix has.

pub mod at;
mod beneath;
pub mod cache;
mod call;
mod device;
mod filesystem;
mod lock;
pub mod meaning;
mod mounts;
mod path;
mod read;
mod refusal;
pub mod rights;
mod space;
pub mod stat;
pub mod sync;
pub mod within;

pub use crate::beneath::{Beneath, MadeFolder, Policy};
pub use crate::call::faulted;
pub use crate::device::{Backing, Cache, Origin, disk_of};
pub use crate::filesystem::Filesystem;
pub use crate::lock::Locked;
pub use crate::meaning::{Call, ErrorClass, Meaning, meaning};
pub use crate::mounts::mounts_below;
pub use crate::path::{BadPath, MAX_NAME_BYTES, check_below, name_of};
pub use crate::read::each_chunk;
pub use crate::refusal::Refusal;
pub use crate::rights::Use;
pub use crate::space::Space;
pub use crate::stat::{FileId, FileKind, Stat, Time};
pub use crate::within::Creation;

/// An open file, folder or root.
pub use std::os::fd::AsFd as Handle;
/// An open folder.
pub use std::os::fd::OwnedFd as Folder;
