//! A file to import, and its future record.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use strongroom_model::{BookingId, Digest};

use crate::name::slug;
use crate::path::{RelativePath, readable};
use crate::root::DocumentRoot;

/// The longest readable beginning of an id, in characters.
const MAX_SLUG_CHARS: usize = 40;
/// Bytes of a hash in an id: a collision becomes likely with 2^40 files.
const ID_BYTES: usize = 10;

#[derive(Debug, Clone)]
pub(crate) struct ScannedFile {
    /// Its name in a remark.
    pub(crate) shown: String,
    pub(crate) root: DocumentRoot,
    pub(crate) path: RelativePath,
    /// Its preferred path below the document root.
    pub(crate) preferred: RelativePath,
    /// It is there already.
    pub(crate) adopt: bool,
    /// From a list; otherwise it is made.
    pub(crate) id: Option<BookingId>,
    /// From a list; otherwise the file's own name.
    pub(crate) filename: Option<String>,
    /// From a list; otherwise it is computed.
    pub(crate) digest: Option<Digest>,
    /// From a list; otherwise the last modification.
    pub(crate) signed_off_at: Option<Timestamp>,
}

impl ScannedFile {
    pub(crate) fn file(
        shown: String,
        root: DocumentRoot,
        path: RelativePath,
        preferred: RelativePath,
        adopt: bool,
    ) -> Self {
        Self { shown, root, path, preferred, adopt, id: None, filename: None, digest: None, signed_off_at: None }
    }
}

/// Made from a file's name, path and digest: always the same.
pub(crate) fn made_id(path: &RelativePath, digest: &Digest) -> BookingId {
    let mut hasher = Sha256::new();
    hasher.update(path.as_bytes());
    hasher.update([0]);
    hasher.update(digest.to_string());
    let hash = data_encoding::HEXLOWER.encode(&hasher.finalize()[..ID_BYTES]);
    let slug = slug(&readable(path.name()), MAX_SLUG_CHARS);
    let id = if slug.is_empty() { format!("file-{hash}") } else { format!("{slug}-{hash}") };
    id.parse().expect("letters, digits and hyphens, beginning with a letter or digit")
}

#[cfg(test)]
mod tests {
    use strongroom_model::Algorithm;

    use super::*;

    fn id(path: &[u8], body: &[u8]) -> String {
        made_id(&RelativePath::new(path).unwrap(), &Digest::of(Algorithm::Sha256, body)).to_string()
    }

    /// Ids that were made stay: an import with another rule would import everything again.
    #[test]
    fn an_id_is_the_same_in_every_version() {
        assert_eq!(id(b"2026/Week 47.pdf", b"abc"), "Week-47-d540eaa3d58bfe011a97");
        assert_eq!(id(b"\xFF", b"abc"), id(b"\xFF", b"abc"));
    }

    #[test]
    fn an_id_tells_place_and_content_apart() {
        let ids = [id(b"a/x", b"1"), id(b"b/x", b"1"), id(b"a/x", b"2"), id(b"a/\xFF", b"1"), id(b"a/\xFE", b"1")];
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    }
}
