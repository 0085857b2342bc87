//! Paths of files: `<site>/<month>/data/<booking>/<filename>`.

use strongroom_model::{BookingId, ByteCount, Digest, Month, SiteId};

use crate::name;
use crate::relative::Relative;

/// A bag's payload folder (RFC 8493, section 2.1.2).
pub(crate) const DATA: &str = "data";

/// A file to be received.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The site.
    pub site: SiteId,
    /// The month's bag.
    pub month: Month,
    /// The booking.
    pub booking: BookingId,
    /// The server's name for it, unescaped.
    pub filename: String,
    /// The server's digest.
    pub expected: Digest,
    /// The server's size: no more bytes are accepted.
    pub size: ByteCount,
}

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

    /// A payload file's bag, and its path there as in the manifest: `data/<booking>/<filename>`.
    pub(crate) fn of(path: &Relative) -> Option<(Self, String)> {
        let mut parts = path.as_str().splitn(3, '/');
        let site = name::unescape(parts.next()?)?.parse().ok()?;
        let month = parts.next()?.parse().ok()?;
        let inside = parts.next()?;
        let payload = inside.strip_prefix(DATA)?.strip_prefix('/')?;
        (payload.split('/').count() == 2).then(|| (Self { site, month }, inside.to_owned()))
    }
}

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
