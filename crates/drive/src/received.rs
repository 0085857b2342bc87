//! A file that has come, until it has landed.

use std::sync::Arc;

use strongroom_model::digest::DigestPair;
use strongroom_model::event::SyncMethod;
use strongroom_model::{ByteCount, Digest, Month};

use crate::mount::Mount;
use crate::place::Spot;
use crate::seen::Seen;
use crate::temporary::Temporary;

/// A file that has come, under its temporary name, not yet durable. Dropped, it stays for a later
/// [`crate::Drive::receive`] to find.
#[derive(Debug)]
pub struct Received {
    pub(crate) mount: Arc<Mount>,
    pub(crate) spot: Spot,
    pub(crate) temporary: Option<Temporary>,
    /// The file that stood under the final name already, where there is no temporary one.
    pub(crate) stood: Option<Seen>,
    pub(crate) expected: Digest,
    pub(crate) pair: DigestPair,
    pub(crate) size: ByteCount,
    pub(crate) resumed_from: ByteCount,
}

impl Received {
    /// The digests of what came.
    #[must_use]
    pub const fn pair(&self) -> &DigestPair {
        &self.pair
    }

    /// How many bytes there are.
    #[must_use]
    pub const fn size(&self) -> ByteCount {
        self.size
    }

    /// How many of them were there from an earlier transfer.
    #[must_use]
    pub const fn resumed_from(&self) -> ByteCount {
        self.resumed_from
    }

    /// Where the file will lie, relative to the drive's root.
    #[must_use]
    pub fn path(&self) -> String {
        self.spot.path().as_str().to_owned()
    }

    /// Removes it, for it is not what was expected.
    pub fn discard(mut self) {
        self.drop_temporary();
    }

    pub(crate) fn drop_temporary(&mut self) {
        if let Some(temporary) = &mut self.temporary {
            temporary.discard();
        }
    }
}

/// A file that is durably on the drive, under its final name, not yet proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// Where it lies, relative to the drive's root, with `/` between parts.
    pub path: String,
    /// The month's bag that it lies in.
    pub month: Month,
    /// The digests of what came.
    pub pair: DigestPair,
    /// How many bytes it has.
    pub size: ByteCount,
    /// How many of them were there from an earlier transfer.
    pub resumed_from: ByteCount,
    /// How it was made durable.
    pub sync: SyncMethod,
    /// Whether it stood there already, from a process that stopped before it could say so.
    pub adopted: bool,
}
