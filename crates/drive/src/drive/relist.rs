use strongroom_model::{Month, SiteId};

use super::Drive;
use crate::error::DriveError;
use crate::place::BagPlace;
use crate::proof::ProvenCopy;

/// What became of a month's list.
#[derive(Debug, Default)]
pub struct Relisted {
    /// Copies whose lines were missing or had another digest, and are right now.
    pub listed: Vec<String>,
    /// Copies that cannot be listed, each with its reason: the file that was read back is not there any more.
    pub refused: Vec<(String, DriveError)>,
    /// Listed copies that were not among those given. They stay.
    pub others: u64,
    /// The first of them, relative to the drive's root; they come from the drive.
    pub named_others: Vec<String>,
    /// Where copies of the lists and tag files lie that were replaced.
    pub kept: Vec<String>,
}

impl Drive {
    /// Brings a month's manifest and tag files back to what the log says: lines that were removed or changed, malformed
    /// lines, and changed tag files. Give all of the month's proven copies that were read back just now as the log says; other
    /// lines stay as they are. What is replaced is kept in the quarantine; what is right already costs no write.
    pub fn relist(&self, site: &SiteId, month: Month, proofs: &[ProvenCopy]) -> Result<Relisted, DriveError> {
        let (mount, place) = (self.mount()?, BagPlace { site: site.clone(), month });
        mount.check_writable()?;
        mount.bags.get(&place).relist(&mount, proofs)
    }
}
