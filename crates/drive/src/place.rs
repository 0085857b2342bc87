//! Where a file goes: `<site>/<month>/data/<booking>/<filename>`.

use strongroom_model::{BookingId, ByteCount, Digest, Month, SiteId};

use crate::name;
use crate::relative::Relative;

/// The folder of a bag that holds its payload (RFC 8493, section 2.1.2).
pub(crate) const DATA: &str = "data";

/// Which file is to be received, and what is known of it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Whose log it is recorded in.
    pub site: SiteId,
    /// The month's bag that it goes into.
    pub month: Month,
    /// Whose timesheet it is.
    pub booking: BookingId,
    /// Its name as the server gives it, whatever that holds.
    pub filename: String,
    /// The digest that the server holds.
    pub expected: Digest,
    /// The size that the server records. No more bytes than that are taken.
    pub size: ByteCount,
}

/// A month's bag on a drive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct BagPlace {
    pub(crate) site: SiteId,
    pub(crate) month: Month,
}

impl BagPlace {
    pub(crate) fn site_folder(site: &SiteId) -> Relative {
        Relative::root().join(&name::escape(site.as_str()))
    }

    pub(crate) fn folder(&self) -> Relative {
        Self::site_folder(&self.site).join(&self.month.to_string())
    }

    pub(crate) fn data(&self) -> Relative {
        self.folder().join(DATA)
    }

    /// The bag that `path` lies in, and its path there, as the bag's manifest has it:
    /// `data/<booking>/<filename>`. `None` where it is not a path of a payload file.
    pub(crate) fn of(path: &Relative) -> Option<(Self, String)> {
        let mut parts = path.as_str().splitn(3, '/');
        let site = name::unescape(parts.next()?)?.parse().ok()?;
        let month = parts.next()?.parse().ok()?;
        let inside = parts.next()?;
        let payload = inside.strip_prefix(DATA)?.strip_prefix('/')?;
        (payload.split('/').count() == 2).then(|| (Self { site, month }, inside.to_owned()))
    }
}

/// Where a file will lie: its bag, its booking's folder there, and its name.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(crate) bag: BagPlace,
    pub(crate) folder: String,
    pub(crate) filename: String,
}

impl Spot {
    pub(crate) fn folder_path(&self) -> Relative {
        self.bag.data().join(&self.folder)
    }

    pub(crate) fn path(&self) -> Relative {
        self.folder_path().join(&self.filename)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_bag() {
        let bag = BagPlace { site: "con".parse().unwrap(), month: "2026-11".parse().unwrap() };
        let path = bag.data().join("B-1").join("x.pdf");
        assert_eq!(path.as_str(), "=63on/2026-11/data/B-1/x.pdf");
        assert_eq!(BagPlace::of(&path), Some((bag, "data/B-1/x.pdf".to_owned())));
        for other in
            ["acme/2026-11/bagit.txt", "acme/2026-13/data/B-1/x", "acme/2026-11/data/x", ".strongroom/x/data/a/b"]
        {
            assert_eq!(BagPlace::of(&Relative::parse(other).unwrap()), None, "{other}");
        }
    }
}
