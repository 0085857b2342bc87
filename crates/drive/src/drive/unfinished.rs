use std::collections::HashSet;

use strongroom_model::{BookingId, Month, SiteId};

use super::Drive;
use crate::bag::text;
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::name;
use crate::place::BagPlace;
use crate::relative::text_names_where;

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
        let place = BagPlace { site: site.clone(), month };
        let data = place.data();
        let Some(folder) = mount.own_folder(&data)? else { return Ok(Unfinished::default()) };
        let bag = mount.bags.get(&place);
        let listed = match bag.listed(&mount) {
            Ok(listed) => Some(listed),
            // Then any folder may hold unproven files.
            Err(DriveError { kind: DriveErrorKind::BadManifest(_), .. }) => None,
            Err(error) => return Err(error),
        };
        let is_unlisted =
            |name: &str| listed.as_ref().is_none_or(|listed| listed.all().in_folder(name).next().is_none());
        let names = text_names_where(folder, |name| !text::is_name(name) && is_unlisted(name))
            .map_err(|error| mount.error(Operation::Open, &data, error))?;
        Ok(Unfinished { folders: names.iter().map(|name| name::base_of(name)).collect() })
    }
}
