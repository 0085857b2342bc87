use std::sync::Arc;

use strongroom_model::digest::DigestPair;
use strongroom_model::event::SyncMethod;
use strongroom_model::{ByteCount, Digest, Month};

use crate::mount::Mount;
use crate::place::Spot;
use crate::seen::FileVersion;
use crate::temporary::Temporary;

/// A received file under its temporary name, not durable yet. Dropped, it stays for a later [`crate::Drive::receive`].
#[derive(Debug)]
pub struct Received {
    pub(crate) mount: Arc<Mount>,
    pub(crate) spot: Spot,
    pub(crate) temporary: Option<Temporary>,
    /// The file that had the final name already, if there is no temporary one.
    pub(crate) stood: Option<FileVersion>,
    pub(crate) expected: Digest,
    pub(crate) pair: DigestPair,
    pub(crate) size: ByteCount,
    pub(crate) resumed_from: ByteCount,
}

impl Received {
    /// Its size.
    pub const fn size(&self) -> ByteCount {
        self.size
    }

    /// Removes it: it is not what was expected.
    pub fn discard(mut self) {
        self.drop_temporary();
    }

    pub(crate) fn drop_temporary(&mut self) {
        if let Some(temporary) = &mut self.temporary {
            temporary.discard();
        }
    }
}

/// A durable file under its final name, not yet proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// Its path, relative to the drive's root.
    pub path: String,
    /// Its month's bag.
    pub month: Month,
    /// Digests of what was received.
    pub pair: DigestPair,
    /// Its size.
    pub size: ByteCount,
    /// How much of it an earlier transfer had left.
    pub resumed_from: ByteCount,
    /// How it was made durable.
    pub sync: SyncMethod,
    /// Whether a process had left it there without recording it.
    pub adopted: bool,
}
