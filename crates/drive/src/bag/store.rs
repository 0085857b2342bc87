//! Changes to what a bag lists. Wherever we stop, `sha256sum -c` passes for manifest and journal, and everything
//! listed before is in one of them.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_files::within::{remove_in, stat_in};
use strongroom_files::{Folder, Stat};
use strongroom_model::{Algorithm, Digest};
use strongroom_service::kill_point;

use super::journal::{self, Rest};
use super::listed::read_manifest;
use super::whole::{NextVersion, write_whole};
use super::{Bag, draft, lock_manifests, tags, text};
use crate::drive::quarantine::move_to_quarantine;
use crate::drive::read_back::is_still;
use crate::drive::{inside, relative};
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::hashing::digests_of;
use crate::manifest::{self, Manifest};
use crate::mount::Mount;
use crate::proof::ProvenCopy;
use crate::relative::Relative;
use crate::seen::FileVersion;
use crate::temporary::sweep_all;

/// A journal is folded when it is as long as the manifest, and at least this long (some ten thousand lines). So each
/// line is written three times at most on average, however large the month.
const MIN_FOLD_BYTES: u64 = 1 << 20;

pub(crate) type New = BTreeMap<String, Digest>;

impl Bag {
    /// Lists proven copies in place; one result each, in order.
    pub(crate) fn list(&self, mount: &Mount, proofs: &[ProvenCopy]) -> Result<Vec<Result<(), DriveError>>, DriveError> {
        let paths: Vec<_> = proofs.iter().map(|proof| inside(&self.place, proof)).collect();
        if paths.iter().all(Result::is_err) {
            return Ok(paths.into_iter().map(|path| path.map(drop)).collect());
        }
        let _lock = lock_manifests(mount)?;
        draft::make(mount, &self.place)?;
        // Moving or removing a file takes the same lock, so a file stays where it is found.
        let in_place: Vec<_> = proofs
            .iter()
            .zip(paths)
            .map(|(proof, path)| path.and_then(|path| is_in_place(mount, proof).map(|()| path)))
            .collect();
        let mut new = New::new();
        let listed = self.listed(mount)?;
        let answers = in_place
            .into_iter()
            .zip(proofs)
            .map(|(path, proof)| match_or_add(&listed.all, &mut new, path?, &proof.sha256, || proof.path.clone()))
            .collect();
        drop(listed);
        self.add(mount, &new)?;
        Ok(answers)
    }

    fn list_all(&self, mount: &Mount, proofs: &New) -> Result<bool, DriveError> {
        let _lock = lock_manifests(mount)?;
        draft::make(mount, &self.place)?;
        let mut new = New::new();
        let listed = self.listed(mount)?;
        for (path, sha256) in proofs {
            match_or_add(&listed.all, &mut new, path.clone(), sha256, || self.full(path))?;
        }
        drop(listed);
        self.add(mount, &new)
    }

    /// Lists `new`, durably; whether anything was written. Needs the manifests' lock.
    fn add(&self, mount: &Mount, new: &New) -> Result<bool, DriveError> {
        let (known, is_begun) = {
            let listed = self.listed(mount)?;
            (listed.journal.clone(), listed.is_begun)
        };
        if new.is_empty() && is_begun {
            return Ok(false);
        }
        // Once listed, these folders receive nothing else, and recovery skips them: earlier attempts' temporary files
        // go now. If we stop here, nothing is listed that is not there.
        let folders: BTreeSet<_> = new.keys().filter_map(|path| path.split('/').nth(1)).collect();
        for folder in folders {
            sweep_all(mount, &self.place.data().join(folder));
        }
        let mut lines = Vec::new();
        for (path, sha256) in new {
            manifest::push_line(&mut lines, path, sha256);
        }
        let is_whole = known.as_ref().is_none_or(|journal| journal.rest == Rest::Nothing && journal.len() > 0);
        if !is_begun || !is_whole || lines.len() > journal::MAX_BATCH_BYTES {
            return self.store(mount, new, false).map(|()| true);
        }
        let bag = self.place.folder();
        journal::append(mount, &self.opened(mount)?, &bag, known.as_ref(), &lines)?;
        if self.listed(mount)?.is_due(MIN_FOLD_BYTES)
            && let Err(error) = self.store(mount, &New::new(), false)
        {
            tracing::warn!(%bag, %error, "the journal could not be folded into the manifest; trying again with the next batch");
        }
        Ok(true)
    }

    /// Rewrites the manifest with the journal's lines; whether there was a journal.
    pub(crate) fn fold(&self, mount: &Mount) -> Result<bool, DriveError> {
        let _lock = lock_manifests(mount)?;
        let is_there = self.listed(mount)?.journal.is_some();
        if is_there {
            self.store(mount, &New::new(), false)?;
        }
        Ok(is_there)
    }

    /// Rewrites a missing, damaged or incomplete manifest from the log's complete `proofs`; whether it had to. One
    /// that contradicts a proof counts as damaged.
    pub(crate) fn rebuild(&self, mount: &Mount, proofs: &New) -> Result<bool, DriveError> {
        match self.list_all(mount, proofs) {
            Err(DriveError { kind: DriveErrorKind::BadManifest(_) | DriveErrorKind::Proven, .. }) => {}
            listed => return listed,
        }
        let _lock = lock_manifests(mount)?;
        let mut parts = self.parts(mount)?;
        let differs = |(path, sha256): (&String, &Digest)| parts.all.get(path).is_some_and(|listed| listed != *sha256);
        if parts.differ || proofs.iter().any(differs) {
            parts = ReadableListing { all: Manifest::default(), bad_manifest: true, bad_journal: true, differ: true };
        }
        if parts.bad_manifest {
            // If the log was lost too, only the damaged manifest knows older copies. If we stop here, the next start
            // rewrites the manifest and finds the damaged one in the quarantine (`QuarantinedLines`).
            match move_to_quarantine(mount, &self.place.folder().join(manifest::FILE), None) {
                Err(DriveError { kind: DriveErrorKind::CopyMissing, .. }) => {}
                moved => drop(moved?),
            }
        }
        for (path, sha256) in proofs {
            let _ = parts.all.insert(path, sha256);
        }
        self.replace(mount, parts)?;
        Ok(true)
    }

    /// Rewrites the text if it differs from its listed digest; whether it had to.
    pub(crate) fn mend_text(&self, mount: &Mount) -> Result<bool, DriveError> {
        let _lock = lock_manifests(mount)?;
        let text = self.listed(mount)?.all.text().map(|(path, listed)| (path.to_owned(), listed.clone()));
        let Some((path, listed)) = text else { return Ok(false) };
        let path = path.split('/').fold(self.place.folder(), |at, part| at.join(part));
        if holds(mount, &path, &listed) {
            return Ok(false);
        }
        self.store(mount, &New::new(), true)?;
        Ok(true)
    }

    /// Makes a missing bag or manifest. From then on `sha256sum -c` passes whenever a transfer is killed.
    pub(crate) fn make_whole(&self, mount: &Mount) -> Result<(), DriveError> {
        if self.listed(mount)?.is_begun {
            return Ok(());
        }
        let _lock = lock_manifests(mount)?;
        draft::make(mount, &self.place)?;
        // Older versions began a bag with its folders.
        self.add(mount, &New::new()).map(drop)
    }

    fn parts(&self, mount: &Mount) -> Result<ReadableListing, DriveError> {
        let bag = self.place.folder();
        let mut parts = ReadableListing::default();
        match read_manifest(mount, &bag.join(manifest::FILE)) {
            Err(DriveError { kind: DriveErrorKind::BadManifest(_), .. }) => parts.bad_manifest = true,
            read => parts.all = read?.0,
        }
        match journal::read(mount, &bag.join(journal::FILE), None) {
            Err(DriveError { kind: DriveErrorKind::BadManifest(_), .. }) => parts.bad_journal = true,
            read => {
                if let Some(read) = read? {
                    parts.bad_journal = read.journal.rest != Rest::Nothing;
                    parts.differ = parts.all.merge(&read.added).is_err();
                }
            }
        }
        Ok(parts)
    }

    /// Replaces the manifest, in one durable step, by what is listed and `new`, and removes the journal. A manifest
    /// that is new or would be empty, or is written `anew`, lists the text.
    fn store(&self, mount: &Mount, new: &New, anew: bool) -> Result<(), DriveError> {
        let bag = self.place.folder();
        let folder = self.opened(mount)?;
        self.write_tags(mount, &folder)?;
        let needs_text = {
            let listed = self.listed(mount)?;
            anew || !listed.is_begun || (listed.all.is_empty() && new.is_empty())
        };
        let text = needs_text.then(|| self.write_text(mount)).transpose()?;
        let mut listed = self.listed(mount)?;
        let is_whole = listed.journal.as_ref().is_none_or(|journal| journal.rest == Rest::Nothing);
        let mut next = listed
            .with(new, text.as_ref())
            .and_then(|all| NextVersion::write(mount, &folder, &bag, manifest::FILE, |out| all.write_to(out)))
            .inspect_err(|_| listed.forget())?;
        // Not held during the sync. Until the rename, more counts as listed than is.
        let generation = listed.generation;
        drop(listed);
        let named = next.sync().and_then(|()| {
            let mut listed = self.known();
            next.replace()?;
            let stamp = FileVersion::at(&folder, manifest::FILE);
            listed.rewritten(generation, stamp.map_err(|error| mount.error(Operation::Open, &bag, error))?);
            Ok(())
        });
        drop(next);
        let stored = named.and_then(|()| self.end_of_store(mount, &folder, is_whole));
        if stored.is_err() {
            self.known().forget();
        }
        stored
    }

    pub(super) fn replace(&self, mount: &Mount, mut parts: ReadableListing) -> Result<(), DriveError> {
        let bag = self.place.folder();
        let folder = self.opened(mount)?;
        self.write_tags(mount, &folder)?;
        if parts.bad_manifest || parts.all.is_empty() {
            let (name, sha256) = self.write_text(mount)?;
            parts.all.set_text(name, &sha256);
        }
        let mut next = NextVersion::write(mount, &folder, &bag, manifest::FILE, |out| parts.all.write_to(out))?;
        next.sync()?;
        next.replace()?;
        self.known().forget();
        self.end_of_store(mount, &folder, !parts.bad_journal)
    }

    fn end_of_store(&self, mount: &Mount, folder: &Folder, is_whole: bool) -> Result<(), DriveError> {
        let bag = self.place.folder();
        kill_point!("drive.manifest-renamed");
        // If we stop here, a power cut shows the old or the new manifest: either is complete, and the journal is
        // there.
        mount.sync_folder(&bag).map_err(|error| mount.error(Operation::Sync, &bag, error))?;
        let path = bag.join(journal::FILE);
        if stat_in(folder, journal::FILE).map_err(|error| mount.error(Operation::Open, &path, error))?.is_none() {
            return Ok(());
        }
        kill_point!("drive.journal-folded");
        // If we stop here, or a power cut brings the journal back, the manifest lists the same: the next start
        // removes it.
        if is_whole {
            let mut listed = self.known();
            remove_in(folder, journal::FILE).map_err(|error| mount.error(Operation::Remove, &path, error))?;
            listed.journal = None;
            return Ok(());
        }
        // Its damaged end may have been listed once.
        let quarantined = move_to_quarantine(mount, &path, None)?;
        tracing::warn!(%path, %quarantined, "a damaged journal was moved to the quarantine; its entries are in the manifest");
        self.known().forget();
        Ok(())
    }

    fn write_tags(&self, mount: &Mount, folder: &Folder) -> Result<(), DriveError> {
        let bag = self.place.folder();
        for (name, text) in tags::of(&self.place) {
            let there = stat_in(folder, name).map_err(|error| mount.error(Operation::Open, bag.join(name), error))?;
            if there.is_none() {
                write_whole(mount, folder, &bag, name, text.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Durably. Another file of its name is quarantined.
    fn write_text(&self, mount: &Mount) -> Result<(&'static str, Digest), DriveError> {
        let (data, sha256) = (self.place.data(), text::sha256(&self.place));
        let folder = mount.add_own_folder(&data)?;
        let is_in_place =
            |name| stat_in(&folder, name).map_err(|error| mount.error(Operation::Read, data.join(name), error));
        let taken = is_in_place(text::FILE)?.is_some_and(|stat| stat.is_folder());
        let name = if taken { text::OTHER_FILE } else { text::FILE };
        let path = data.join(name);
        if is_in_place(name)?.is_some() && !holds(mount, &path, &sha256) {
            let quarantined = move_to_quarantine(mount, &path, None)?;
            tracing::warn!(%path, %quarantined, "another file at the path of a bag's text was moved to the quarantine");
        }
        write_whole(mount, &folder, &data, name, text::contents(&self.place).as_bytes())?;
        // If we stop here or earlier, the manifest is unchanged: the text comes before its line.
        mount.sync_folder(&data).map_err(|error| mount.error(Operation::Sync, &data, error))?;
        Ok((name, sha256))
    }

    pub(super) fn opened(&self, mount: &Mount) -> Result<Folder, DriveError> {
        let bag = self.place.folder();
        mount.top.folder(&bag).map_err(|error| mount.open_error(Operation::Open, &bag, error))
    }
}

#[derive(Debug, Default)]
pub(super) struct ReadableListing {
    pub(super) all: Manifest,
    pub(super) bad_manifest: bool,
    pub(super) bad_journal: bool,
    /// Whether they list one copy with two digests.
    pub(super) differ: bool,
}

fn match_or_add(
    listed: &Manifest,
    new: &mut New,
    path: String,
    sha256: &Digest,
    full: impl FnOnce() -> String,
) -> Result<(), DriveError> {
    match new.get(&path).cloned().or_else(|| listed.get(&path)) {
        Some(listed) if listed == *sha256 => Ok(()),
        Some(_) => Err(DriveErrorKind::Proven.of(full())),
        None => {
            new.insert(path, sha256.clone());
            Ok(())
        }
    }
}

pub(super) fn is_in_place(mount: &Mount, proof: &ProvenCopy) -> Result<(), DriveError> {
    let path = relative(&proof.path)?;
    let missing = || DriveErrorKind::CopyMissing.of(&proof.path);
    let found = mount.top.stat(&path).map_err(|error| mount.open_error(Operation::Read, &path, error))?;
    let stat = found.filter(Stat::is_plain).ok_or_else(missing)?;
    let same = proof.seen.is_none_or(|seen| seen.is(&stat));
    if same || is_still(mount, &path, &proof.sha256)? { Ok(()) } else { Err(missing()) }
}

pub(super) fn holds(mount: &Mount, path: &Relative, sha256: &Digest) -> bool {
    matches!(digests_of(mount, path, Algorithm::Sha256), Ok(Some(pair)) if pair.sha256 == *sha256)
}
