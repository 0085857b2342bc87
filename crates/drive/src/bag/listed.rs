use std::collections::BTreeMap;
use std::io::{BufReader, Read as _};

use strongroom_files::Handle;
use strongroom_model::Digest;

use super::journal::{self, Journal, Rest};
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::manifest::{self, Manifest};
use crate::mount::Mount;
use crate::place::BagPlace;
use crate::relative::Relative;
use crate::seen::FileVersion;

/// Bytes per read.
const READ_BYTES: usize = 64 << 10;

/// What a bag's manifest and journal list, as last read. The journal's additions are read incrementally.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) all: Manifest,
    /// The manifest's version; `None` until it is read.
    pub(super) stamp: Option<Option<FileVersion>>,
    pub(crate) is_begun: bool,
    pub(super) journal: Option<Journal>,
    /// Incremented with each complete reread.
    pub(super) generation: u64,
}

impl Listed {
    /// Reads what changed on the drive. After an error everything is read again the next time.
    pub(super) fn refresh(&mut self, mount: &Mount, place: &BagPlace) -> Result<(), DriveError> {
        let bag = place.folder();
        let folder = mount.own_folder(&bag).inspect_err(|_| self.forget())?;
        let refreshed = match folder {
            None => {
                *self = Self { stamp: Some(None), generation: self.generation + 1, ..Self::default() };
                Ok(())
            }
            Some(folder) => match self.goes_on(mount, folder, &bag) {
                Ok(false) => self.read_all(mount, &bag),
                gone_on => gone_on.map(drop),
            },
        };
        refreshed.inspect_err(|_| self.forget())
    }

    pub(super) fn forget(&mut self) {
        self.stamp = None;
    }

    fn read_all(&mut self, mount: &Mount, bag: &Relative) -> Result<(), DriveError> {
        *self = Self { generation: self.generation + 1, ..Self::default() };
        // The journal first: it is removed only after a new manifest, so what was listed before is in one of the two.
        let read = journal::read(mount, &bag.join(journal::FILE), None)?;
        let (all, stamp) = read_manifest(mount, &bag.join(manifest::FILE))?;
        self.is_begun = !all.is_empty();
        self.all = all;
        self.stamp = Some(stamp);
        read.map_or(Ok(()), |read| self.add(mount, bag, read))
    }

    /// Adds entries about to be written.
    pub(super) fn with(
        &mut self,
        new: &BTreeMap<String, Digest>,
        text: Option<&(&str, Digest)>,
    ) -> Result<&Manifest, DriveError> {
        for (path, sha256) in new {
            self.all.insert(path, sha256).map_err(|_| DriveErrorKind::Proven.of(path))?;
        }
        if let Some((name, sha256)) = text {
            self.all.set_text(name, sha256);
        }
        Ok(&self.all)
    }

    /// Notes that the manifest was rewritten from memory of that `generation`.
    pub(super) fn rewritten(&mut self, generation: u64, stamp: Option<FileVersion>) {
        self.is_begun = true;
        if self.generation == generation && self.stamp.is_some() {
            self.stamp = Some(stamp);
        } else {
            self.forget();
        }
    }

    /// Whether the journal is long enough to be folded.
    pub(super) fn is_due(&self, min_bytes: u64) -> bool {
        let manifest = self.stamp.flatten().map_or(0, |stamp| stamp.size);
        self.journal.as_ref().is_some_and(|journal| journal.len() >= manifest.max(min_bytes))
    }

    /// Reads the journal's additions; `false` if anything else changed.
    fn goes_on(&mut self, mount: &Mount, folder: impl Handle, bag: &Relative) -> Result<bool, DriveError> {
        let Some(known) = self.stamp else { return Ok(false) };
        let stamp =
            |name| FileVersion::at(&folder, name).map_err(|error| mount.error(Operation::Open, bag.join(name), error));
        match (&self.journal, stamp(journal::FILE)?) {
            (None, None) => {}
            (Some(journal), Some(stamp)) if journal.stamp == stamp => {}
            (Some(_), None) => return Ok(false),
            (journal, Some(_)) => match journal::read(mount, &bag.join(journal::FILE), journal.as_ref())? {
                Some(read) if read.goes_on || self.journal.is_none() => self.add(mount, bag, read)?,
                _ => return Ok(false),
            },
        }
        Ok(stamp(manifest::FILE)? == known)
    }

    fn add(&mut self, mount: &Mount, bag: &Relative, read: journal::Read) -> Result<(), DriveError> {
        let bad = |reason| Err(journal::bad(mount, &bag.join(journal::FILE), reason));
        if let Rest::Damaged(reason) = read.journal.rest {
            return bad(reason);
        }
        if let Err(path) = self.all.merge(&read.added) {
            return bad(format!("it lists {path} otherwise than the manifest does"));
        }
        self.journal = Some(read.journal);
        Ok(())
    }
}

/// An absent manifest is empty.
pub(super) fn read_manifest(mount: &Mount, path: &Relative) -> Result<(Manifest, Option<FileVersion>), DriveError> {
    let bad = |reason| journal::bad(mount, path, reason);
    let Some((file, stat)) = journal::open(mount, path)? else { return Ok((Manifest::default(), None)) };
    if stat.size > manifest::MAX_BYTES {
        return Err(bad(format!("it is longer than {} bytes", manifest::MAX_BYTES)));
    }
    let all = BufReader::with_capacity(READ_BYTES, file.take(manifest::MAX_BYTES));
    Ok((Manifest::read(all).map_err(bad)?, Some(FileVersion::of(&stat))))
}
