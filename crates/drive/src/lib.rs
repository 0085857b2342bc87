//! A backup drive: who it is, files that are durably on it, and the proof that they are.
//!
//! What this crate promises:
//! - Nothing is written to a drive that is missing, unknown, copied, read-only or full,
//!   or into the empty folder where one should be mounted (R6).
//! - A file that [`Drive::commit`] says has landed is on the device under its final name,
//!   and stays there through a power cut (R1).
//! - [`Drive::read_back`] says how it read: past the page cache, or not.
//! - A month's folder is a bag that is whole from the moment that it is there: `sha256sum -c` passes in it
//!   whenever no process is at work, after a kill as well.
//! - No name from outside can lead out of the drive's root, through a symbolic link, or
//!   to another booking's file.
//!
//! Everything here blocks: call it where blocking is allowed. Between calls, with no
//! [`Partial`] and no [`Received`] in hand, nothing on the drive is held open, so that it can
//! be unmounted and swapped.
//!
//! In reading order:
//! - [`name`]: names on the drive;
//! - [`identity`] and [`error`]: which drive it is, and all that can be wrong with it;
//! - [`drive`]: the drive, and what a caller does with it; [`slot`]: where one is mounted,
//!   whichever that is now; [`uses`] and [`admission`]: what tells it from its clone;
//! - [`place`], [`partial`] and [`received`]: where a file goes, a file in the making, and one that
//!   has come;
//! - [`proof`]: what was read back, what a manifest lists, what is put right at the start.
//!
//! Inside: `mount` is a drive as it is mounted now, `batch` is R1's order of steps, `manifest` and
//! `bag` are the month's BagIt bag and its journal, and `strongroom-files` opens without
//! following links and knows what each file system honours.

pub mod admission;
mod bag;
mod batch;
pub mod drive;
pub mod error;
mod hashing;
pub mod identity;
mod manifest;
mod mount;
pub mod name;
pub mod partial;
pub mod place;
pub mod proof;
pub mod received;
mod relative;
mod seen;
mod shared;
pub mod slot;
mod space;
mod temporary;
pub mod uses;

pub use crate::admission::Admission;
pub use crate::bag::BagCache;
pub use crate::drive::{Drive, DriveSettings, Foreign, Unfinished, Unidentified};
pub use crate::error::{DriveError, InitError, Kind as DriveErrorKind, RestoreError};
pub use crate::identity::Identity;
pub use crate::partial::Partial;
pub use crate::place::Place;
pub use crate::proof::{Proof, ReadBackOf, Recovered, Recovery, Unlisted, Wanted};
pub use crate::received::{Landed, Received};
pub use crate::seen::Seen;
pub use crate::shared::shared_with;
pub use crate::slot::Slot;
pub use crate::space::Space;
pub use crate::uses::Attachment;
pub use strongroom_files::{Backing, Cache, Origin};
