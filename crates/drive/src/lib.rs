//! A backup drive: its identity, durable files on it, and their proof.
//!
//! - Nothing is written to a drive that is missing, unknown, copied, read-only or full, or into the empty folder where
//!   one should be mounted (R6).
//! - A file that [`Drive::commit`] reports as landed is on the device under its final name, and survives a power cut
//!   (R1).
//! - [`Drive::read_back`] reports how it read: past the page cache, or not.
//! - A month's folder is always a complete bag: `sha256sum -c` passes whenever no process is at work, also after a
//!   kill.
//! - No name from outside leads out of the drive's root, through a symbolic link, or to another booking's file.
//!
//! Everything blocks. An error of the drive itself is an obstacle ([`DriveError::obstacle`]). Without a live
//! [`Partial`] or [`Received`] nothing on the drive is held open, so that it can be unmounted and swapped.
//!
//! In reading order: [`name`], `identity`, `error`, `drive`, `slot`, `uses`, `admission`, `place`, `partial`,
//! `received`, `proof`; inside, `batch` and `bag`.

mod admission;
mod bag;
mod batch;
mod drive;
mod error;
mod hashing;
mod identity;
mod manifest;
mod mount;
pub mod name;
mod partial;
mod place;
mod proof;
mod received;
mod relative;
mod restore;
mod seen;
mod shared;
mod slot;
mod space;
mod survey;
mod tee;
mod temporary;
mod uses;

pub use crate::admission::Admission;
pub use crate::bag::BagCache;
pub use crate::drive::{
    Drive, DriveSettings, Foreign, ListedCopy, Relisted, Repair, RepairError, RepairOutcome, Repaired, Unfinished,
    Unidentified, readme,
};
pub use crate::error::{DriveError, DriveErrorKind, InitError, RestoreError};
pub use crate::identity::Identity;
pub use crate::partial::Partial;
pub use crate::place::Destination;
pub use crate::proof::{
    ExpectedFile, LoggedCopy, ProvenCopy, ProvenRead, ReadBackResult, Recovery, RecoveryReport, Unlisted,
};
pub use crate::received::{Landed, Received};
pub use crate::restore::{RestoreFileError, RestoreFolder, RestoreOutcome, restored_name};
pub use crate::seen::FileVersion;
pub use crate::shared::shared_with;
pub use crate::slot::Slot;
pub use crate::space::Space;
pub use crate::survey::{BagFault, BagFaultKind, BagSurvey};
pub use crate::tee::{Copied, CopyOrder, commit_each, copy_to_each};
pub use crate::uses::Attachment;
pub use strongroom_files::{Backing, Cache, Origin, Time};
