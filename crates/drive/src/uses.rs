//! Marks of a drive's uses: `<root>/.strongroom/uses/<site>.<generation>.<token>`.
//!
//! A mark is an empty file whose name says all: a power cut cannot damage its content, nothing is replaced, and
//! processes that start together add theirs without a lock. [`Lineage`](strongroom_model::Lineage) interprets them.

use strongroom_files::within::{Creation, create_in, remove_in};
use strongroom_files::{FileId, Origin, sync};
use strongroom_model::drive_use::MAX_GENERATION;
use strongroom_model::{DriveUse, SiteId};

use crate::drive::Drive;
use crate::error::{DriveError, Operation};
use crate::identity;
use crate::mount::FILE_MODE;
use crate::relative::{Relative, text_names_in};

const FOLDER: &str = "uses";
/// How many marks of a site stay: some weeks', so that a log restored from a copy of that time finds its own.
const MAX_KEPT: usize = 64;
/// How many are read: processes that die between mark and log leave more than are kept.
const MAX_READ: usize = 10_000;

/// Identifies a mount; another mount may be another device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment {
    top: FileId,
    mount: Option<u64>,
}

impl Drive {
    /// The site's uses marked on the drive, newest first.
    pub fn uses(&self, site: &SiteId) -> Result<Vec<DriveUse>, DriveError> {
        let mount = self.mount()?;
        let Some(folder) = mount.own_folder(&folder())? else { return Ok(Vec::new()) };
        let names = text_names_in(&folder).map_err(|source| mount.error(Operation::List, self::folder(), source))?;
        Ok(marks_among(&names, site))
    }

    /// Leaves the mark of a use, durably. An existing mark costs no write.
    ///
    /// If we stop before the last sync, a power cut may remove the mark: nobody has recorded it yet.
    pub fn mark_use(&self, site: &SiteId, used: DriveUse) -> Result<(), DriveError> {
        let mount = self.mount()?;
        mount.check_writable()?;
        let (path, name) = (folder(), name_of(site, used));
        let failed = |action, source| mount.error(action, path.join(&name), source);
        let folder = mount.make_own_folder(&path)?;
        let file = create_in(&folder, &name, Creation::OrOpen, FILE_MODE)
            .map_err(|source| failed(Operation::Create, source))?;
        sync::sync_file(file).map_err(|source| failed(Operation::Sync, source))?;
        let above = mount.make_own_folder(&Relative::root().join(identity::FOLDER))?;
        for folder in [&folder, &above] {
            sync::sync_folder(folder).map_err(|source| failed(Operation::Sync, source))?;
        }
        Ok(())
    }

    /// Removes a mark that no log will hold. Best effort: an extra mark is harmless.
    pub fn unmark_use(&self, site: &SiteId, used: DriveUse) {
        self.remove_marks(site, &[used]);
    }

    /// Removes all but a site's newest marks. Call it once the newest is recorded: then only a restored log may know an
    /// older one as its newest.
    pub fn forget_old_uses(&self, site: &SiteId) {
        if let Ok(marks) = self.uses(site) {
            self.remove_marks(site, marks.get(MAX_KEPT..).unwrap_or_default());
        }
    }

    fn remove_marks(&self, site: &SiteId, marks: &[DriveUse]) {
        if marks.is_empty() {
            return;
        }
        let removed = self.mount().and_then(|mount| {
            mount.check_writable()?;
            let path = folder();
            let folder = mount.top.folder(&path).map_err(|source| mount.error(Operation::Open, &path, source))?;
            marks.iter().try_for_each(|mark| {
                let removed = remove_in(&folder, name_of(site, *mark));
                removed.map(drop).map_err(|source| mount.error(Operation::Remove, &path, source))
            })
        });
        if let Err(error) = removed {
            tracing::debug!(%error, "old marks of use stay on the drive");
        }
    }

    /// The current mount.
    pub fn attachment(&self) -> Result<Attachment, DriveError> {
        let mount = self.mount()?;
        Ok(Attachment { top: mount.top.id(), mount: mount.top.mount_id() })
    }

    /// Where its file system comes from.
    pub fn origin(&self) -> Result<Origin, DriveError> {
        Ok(Origin::of(&self.mount()?.top))
    }
}

pub(crate) fn marks_among(names: &[String], site: &SiteId) -> Vec<DriveUse> {
    let mut marks: Vec<DriveUse> = names.iter().filter_map(|name| parse(name, site)).collect();
    marks.sort_unstable_by(|one, other| other.cmp(one));
    marks.truncate(MAX_READ);
    marks
}

pub(crate) fn folder() -> Relative {
    Relative::root().join(identity::FOLDER).join(FOLDER)
}

fn name_of(site: &SiteId, used: DriveUse) -> String {
    format!("{site}.{}.{}", used.generation, used.token)
}

/// Accepts only names as they are written.
fn parse(name: &str, site: &SiteId) -> Option<DriveUse> {
    let (generation, token) = name.strip_prefix(site.as_str())?.strip_prefix('.')?.split_once('.')?;
    let used = DriveUse { generation: generation.parse().ok()?, token: token.parse().ok()? };
    (used.generation <= MAX_GENERATION && name_of(site, used) == name).then_some(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_only_such_names_as_are_written_are_marks() {
        let site: SiteId = "acme".parse().unwrap();
        let token = "0c5b8a1e-53d4-4c1f-8a53-000000000001";
        let used = DriveUse { generation: 12, token: token.parse().unwrap() };
        assert_eq!(parse(&name_of(&site, used), &site), Some(used));
        for name in [
            format!("acme.012.{token}"),
            format!("acme.+12.{token}"),
            format!("acme.-1.{token}"),
            format!("acme.18446744073709551615.{token}"),
            format!("acme.12.{}", token.to_uppercase()),
            format!("acme.12.{{{token}}}"),
            format!("acme-2.12.{token}"),
            format!("acme.12.{token}.new"),
            "acme.12.".to_owned(),
            String::new(),
        ] {
            assert_eq!(parse(&name, &site), None, "{name}");
        }
    }

    #[test]
    fn the_newest_mark_is_the_first() {
        let site: SiteId = "acme".parse().unwrap();
        let used = |generation| DriveUse::after((generation > 1).then(|| DriveUse::after(None, &[])), &[]);
        let (first, second) = (used(1), used(2));
        let names = [name_of(&site, first), "README".to_owned(), name_of(&site, second)];
        assert_eq!(marks_among(&names, &site), [second, first]);
        assert_eq!(marks_among(&names, &"other".parse().unwrap()), []);
    }
}
