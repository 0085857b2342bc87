//! What a bag lists: its manifest and its journal together, as they were last read.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _};

use strongroom_files::{Handle, Refusal, Stat};
use strongroom_model::Digest;

use super::journal::{self, Journal, Rest};
use super::stamp::{Stamp, stamp_in, stamp_of};
use crate::error::{Action, DriveError, Kind};
use crate::manifest::{self, Manifest};
use crate::mount::Mount;
use crate::place::BagPlace;
use crate::relative::Relative;

/// How much of a manifest is read at once, in bytes.
const READ_BYTES: usize = 64 << 10;

/// What is listed, and what it was read from. What was added to the journal is read without what stood there before.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(super) all: Manifest,
    /// The manifest's file; `None`: nothing was read yet.
    pub(super) stamp: Option<Option<Stamp>>,
    /// Whether the manifest itself lists anything.
    pub(super) is_begun: bool,
    pub(super) journal: Option<Journal>,
    /// Another number each time that all of it is read.
    pub(super) generation: u64,
}

impl Listed {
    pub(crate) const fn all(&self) -> &Manifest {
        &self.all
    }

    /// Whether there is a manifest that lists anything.
    pub(crate) const fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Reads what has changed on the drive. After an error, what is in memory may be anything, until the next time.
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

    /// Has all of it read the next time.
    pub(super) fn forget(&mut self) {
        self.stamp = None;
    }

    fn read_all(&mut self, mount: &Mount, bag: &Relative) -> Result<(), DriveError> {
        *self = Self { generation: self.generation + 1, ..Self::default() };
        // The journal before the manifest. Whoever writes the manifest anew takes the journal away only after that: so
        // what was listed before we looked is in one of the two.
        let read = journal::read(mount, &bag.join(journal::FILE), None)?;
        let (all, stamp) = read_manifest(mount, &bag.join(manifest::FILE))?;
        self.is_begun = !all.is_empty();
        self.all = all;
        self.stamp = Some(stamp);
        read.map_or(Ok(()), |read| self.add(mount, bag, read))
    }

    /// What is listed, with this in addition, which is about to be written.
    pub(super) fn with(
        &mut self,
        new: &BTreeMap<String, Digest>,
        text: Option<&(&str, Digest)>,
    ) -> Result<&Manifest, DriveError> {
        for (path, sha256) in new {
            self.all.insert(path, sha256).map_err(|_| Kind::Proven.of(path))?;
        }
        if let Some((name, sha256)) = text {
            self.all.set_text(name, sha256);
        }
        Ok(&self.all)
    }

    /// The manifest was written anew from what was in memory then.
    pub(super) fn rewritten(&mut self, generation: u64, stamp: Option<Stamp>) {
        self.is_begun = true;
        if self.generation == generation && self.stamp.is_some() {
            self.stamp = Some(stamp);
        } else {
            self.forget();
        }
    }

    /// Whether the journal is so long that it is to be folded into the manifest.
    pub(super) fn is_due(&self, min_bytes: u64) -> bool {
        let manifest = self.stamp.flatten().map_or(0, |(_, size, _)| size);
        self.journal.as_ref().is_some_and(|journal| journal.len() >= manifest.max(min_bytes))
    }

    /// Reads what was added to the journal. `false`: something else has changed, and all is to be read.
    fn goes_on(&mut self, mount: &Mount, folder: impl Handle, bag: &Relative) -> Result<bool, DriveError> {
        let Some(known) = self.stamp else { return Ok(false) };
        let stamp = |name| stamp_in(&folder, name).map_err(|error| mount.error(Action::Open, bag.join(name), error));
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

/// Reads a manifest, and says which version of it that was. Where there is none, it is empty.
pub(super) fn read_manifest(mount: &Mount, path: &Relative) -> Result<(Manifest, Option<Stamp>), DriveError> {
    let bad = |reason| journal::bad(mount, path, reason);
    let file = match mount.top().file(path) {
        Ok(file) => file,
        Err(error) => match Refusal::of(&error) {
            Some(Refusal::Missing) => return Ok((Manifest::default(), None)),
            Some(Refusal::NotFile | Refusal::Link) => return Err(bad("it is not a plain file".to_owned())),
            _ => return Err(mount.error(Action::Open, path, error)),
        },
    };
    let stat = Stat::of(&file).map_err(|error| mount.error(Action::Read, path, error))?;
    if stat.size > manifest::MAX_BYTES {
        return Err(bad(format!("it is longer than {} bytes", manifest::MAX_BYTES)));
    }
    let all = BufReader::with_capacity(READ_BYTES, file.take(manifest::MAX_BYTES));
    Ok((Manifest::read(all).map_err(bad)?, Some(stamp_of(&stat))))
}
