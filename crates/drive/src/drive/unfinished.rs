//! Whose files a start may find on the drive that are not proven.

use std::collections::HashSet;

use strongroom_model::{BookingId, Month, SiteId};

use super::Drive;
use crate::bag::text;
use crate::error::{Action, DriveError, Kind};
use crate::name;
use crate::place::BagPlace;
use crate::relative::text_names_where;

/// The bookings that something of a month may lie on the drive of, though nothing is proven: few,
/// however many are waiting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// The names that their folders may have.
    folders: HashSet<String>,
}

impl Unfinished {
    /// Whether there is nothing of anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// Whether something of that booking may be there.
    #[must_use]
    pub fn may_hold(&self, booking: &BookingId) -> bool {
        let id = booking.as_str();
        self.folders.contains(&name::escape(id)) || self.folders.contains(&name::escape_strictly(id))
    }
}

impl Drive {
    /// What a start has to ask the log about, so that it need not ask about everything that waits
    /// ([`Recovery::wanted`](crate::Recovery::wanted)).
    ///
    /// # Errors
    /// An obstacle.
    pub fn unfinished(&self, site: &SiteId, month: Month) -> Result<Unfinished, DriveError> {
        let mount = self.mount()?;
        let place = BagPlace { site: site.clone(), month };
        let data = place.data();
        let Some(folder) = mount.own_folder(&data)? else { return Ok(Unfinished::default()) };
        let bag = mount.bags.get(&place);
        let listed = match bag.listed(&mount) {
            Ok(listed) => Some(listed),
            // Any of them may be unproven.
            Err(DriveError { kind: Kind::BadManifest(_), .. }) => None,
            Err(error) => return Err(error),
        };
        let is_unlisted =
            |name: &str| listed.as_ref().is_none_or(|listed| listed.all().in_folder(name).next().is_none());
        // The bag's own text stands there, too.
        let names = text_names_where(folder, |name| !text::is_name(name) && is_unlisted(name))
            .map_err(|error| mount.error(Action::Open, &data, error))?;
        Ok(Unfinished { folders: names.iter().map(|name| name::base_of(name)).collect() })
    }
}
