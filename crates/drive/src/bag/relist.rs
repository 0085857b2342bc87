//! A bag's lists and tag files, brought back to what the log says.

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use strongroom_model::Digest;
use strongroom_service::kill_point;

use super::store::{ReadableListing, holds, is_in_place};
use super::whole::write_whole;
use super::{Bag, draft, journal, lock_manifests, readable, tags, text};
use crate::drive::quarantine::copy_to_quarantine;
use crate::drive::{Relisted, inside};
use crate::error::{DriveError, Operation};
use crate::manifest::{self, Manifest};
use crate::mount::Mount;
use crate::proof::ProvenCopy;
use crate::survey::BagSurvey;

const MAX_NAMED: usize = 100;
/// A tag file of ours has some hundred bytes.
const MAX_TAG_BYTES: u64 = 1 << 20;

impl Bag {
    pub(crate) fn relist(&self, mount: &Mount, proofs: &[ProvenCopy]) -> Result<Relisted, DriveError> {
        let mut relisted = Relisted::default();
        let _lock = lock_manifests(mount)?;
        draft::make(mount, &self.place)?;
        let mut right = BTreeMap::new();
        for proof in proofs {
            match inside(&self.place, proof).and_then(|path| is_in_place(mount, proof).map(|()| path)) {
                Ok(path) => drop(right.insert(path, proof.sha256.clone())),
                Err(error) => relisted.refused.push((proof.path.clone(), error)),
            }
        }
        self.mend_tags(mount, &mut relisted)?;
        let mut faults = BagSurvey::default();
        let listed = readable::listing(mount, &self.place, &mut faults)?;
        let next = self.next(&listed, &right, &mut relisted);
        let bag = self.place.folder();
        if !relisted.listed.is_empty() || !faults.is_sound() || !self.has_text(mount, &listed) {
            for path in [bag.join(manifest::FILE), bag.join(journal::FILE)] {
                match copy_to_quarantine(mount, &path) {
                    Ok(kept) => relisted.kept.push(kept.as_str().to_owned()),
                    // It was deleted, or is a link: then there is nothing of ours to keep.
                    Err(error) if error.obstacle().is_none() => {}
                    Err(error) => return Err(error),
                }
            }
            kill_point!("drive.relist-kept");
            // If we stop here, the old lists are in their places and copies of them in the quarantine.
            self.replace(mount, ReadableListing { all: next, bad_manifest: true, bad_journal: true, differ: true })?;
        }
        Ok(relisted)
    }

    /// The listed copies, with the right digests.
    fn next(&self, listed: &Manifest, right: &BTreeMap<String, Digest>, relisted: &mut Relisted) -> Manifest {
        let mut next = Manifest::default();
        for (path, sha256) in listed.iter().filter(|(path, _)| !right.contains_key(*path)) {
            relisted.others += 1;
            if relisted.named_others.len() < MAX_NAMED {
                relisted.named_others.push(self.full(path));
            }
            let _ = next.insert(path, &sha256);
        }
        for (path, sha256) in right {
            if listed.get(path).as_ref() != Some(sha256) {
                relisted.listed.push(self.full(path));
            }
            let _ = next.insert(path, sha256);
        }
        next
    }

    /// Whether the text about the bag is listed and in its place.
    fn has_text(&self, mount: &Mount, listed: &Manifest) -> bool {
        let sha256 = text::sha256(&self.place);
        let mut texts = listed.texts();
        texts.any(|(path, listed)| {
            let file = path.rsplit('/').next().filter(|name| text::is_name(name));
            *listed == sha256 && file.is_some_and(|name| holds(mount, &self.place.data().join(name), &sha256))
        })
    }

    fn mend_tags(&self, mount: &Mount, relisted: &mut Relisted) -> Result<(), DriveError> {
        let bag = self.place.folder();
        let folder = self.opened(mount)?;
        for (name, written) in tags::of(&self.place) {
            let path = bag.join(name);
            let mut found = Vec::new();
            let read = mount.top.file(&path).and_then(|file| file.take(MAX_TAG_BYTES).read_to_end(&mut found));
            match read {
                Ok(_) if tags::compare(name, &written, &found, None).is_ok() => continue,
                Ok(_) => relisted.kept.push(copy_to_quarantine(mount, &path)?.as_str().to_owned()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // A link or a folder: a rename replaces the one, and fails at the other.
                Err(_) => {}
            }
            write_whole(mount, &folder, &bag, name, written.as_bytes())?;
            mount.sync_folder(&bag).map_err(|error| mount.error(Operation::Sync, &bag, error))?;
        }
        Ok(())
    }
}
