use std::collections::HashSet;

use strongroom_model::{BookingId, Month, SiteId};

use super::Drive;
use crate::bag::text;
use crate::error::DriveError;
use crate::name;
use crate::place::BagPlace;

/// Bookings that may have unproven files on the drive: few, however many are waiting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfinished {
    folders: HashSet<String>,
}

impl Unfinished {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// Whether that booking may be among them.
    pub fn may_hold(&self, booking: &BookingId) -> bool {
        let id = booking.as_str();
        self.folders.contains(&name::escape(id)) || self.folders.contains(&name::escape_strictly(id))
    }
}

impl Drive {
    /// Limits which bookings a start must ask the log about ([`Recovery::expected_files`](crate::Recovery::expected_files)).
    pub fn unfinished(&self, site: &SiteId, month: Month) -> Result<Unfinished, DriveError> {
        let mount = self.mount()?;
        let names = mount.bags.get(&BagPlace { site: site.clone(), month }).unlisted_folders(&mount)?;
        let folders = names.iter().filter(|name| !text::is_name(name)).map(|name| name::base_of(name)).collect();
        Ok(Unfinished { folders })
    }
}
