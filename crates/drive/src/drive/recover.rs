//! What a start puts right: what a process that died left on the drive.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use strongroom_files::within::stat_in;
use strongroom_files::{Folder, Handle};
use strongroom_model::{Digest, Month, SiteId};

use super::foreign::is_a_desktops;
use super::quarantine::set_aside;
use super::{Drive, inside, months_of, named_in_site};
use crate::bag::kept::KeptLines;
use crate::bag::{self, Bag, draft, text};
use crate::error::{Action, DriveError, Kind};
use crate::identity;
use crate::mount::Mount;
use crate::name;
use crate::place::BagPlace;
use crate::proof::{Proof, Recovered, Recovery, Unlisted};
use crate::relative::{Relative, text_names_in, text_names_where};
use crate::temporary::{is_temporary, part_name, sweep};

impl Drive {
    /// Puts right what a process that died left of a site: sweeps temporary files, by their names
    /// alone, but for those whose transfers go on, and bags in the making; writes missing and damaged
    /// manifests anew, where their months' proofs are given; puts files aside that were fetched and never proven, and
    /// leaves any other that no manifest lists where it is ([`Recovered::unlisted`]); removes empty
    /// folders. Where the log must be asked for a month's proofs first, it
    /// says so ([`Recovered::doubtful`]).
    ///
    /// Call it before files are received. While other workers write to the drive, only what is
    /// certainly nobody's is touched ([`Recovered::others_busy`]).
    ///
    /// # Errors
    /// An obstacle.
    pub fn recover(&self, site: &SiteId, recovery: &Recovery<'_>) -> Result<Recovered, DriveError> {
        let mount = self.mount()?;
        mount.check_writable()?;
        let alone = mount.alone()?;
        let mut sweeper = Sweeper::new(&mount, site, recovery, alone.is_some());
        sweeper.drafts()?;
        for (month, proofs) in recovery.proofs {
            sweeper.rebuild(*month, proofs)?;
        }
        for month in months_of(&mount, site)? {
            sweeper.month(month)?;
        }
        sweeper.folder(&Relative::root().join(identity::FOLDER))?;
        Ok(sweeper.found)
    }
}

/// What a month's bag lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lists {
    Copies,
    Nothing,
    /// It cannot be read.
    Unknown,
}

/// A bag's folders in which nothing is proven. Whatever is received goes into such a folder (see `Bag::folder_for`), so what a
/// dead process left is in one of them: a few, however many files a month has.
fn unlisted_in(
    mount: &Mount,
    bag: &Bag,
    lists: Lists,
    folder: Folder,
    path: &Relative,
) -> Result<Vec<String>, DriveError> {
    let listed = if lists == Lists::Unknown { None } else { Some(bag.listed(mount)?) };
    let is_unlisted = |name: &str| listed.as_ref().is_none_or(|listed| listed.all().in_folder(name).next().is_none());
    text_names_where(folder, is_unlisted).map_err(|error| mount.error(Action::Open, path, error))
}

struct Sweeper<'a> {
    mount: &'a Mount,
    site: &'a SiteId,
    month_now: Month,
    /// What may be resumed or adopted: the digests expected, by the names that a booking's folder may have.
    wanted: HashMap<String, Vec<&'a Digest>>,
    unproven: HashSet<&'a str>,
    proofs: &'a BTreeMap<Month, Vec<Proof>>,
    abandoned: &'a BTreeSet<String>,
    since: Option<Timestamp>,
    alone: bool,
    /// The lines of the manifests that were put aside, of the month that is looked at.
    kept: Option<(Month, KeptLines)>,
    found: Recovered,
}

impl<'a> Sweeper<'a> {
    fn new(mount: &'a Mount, site: &'a SiteId, recovery: &Recovery<'a>, alone: bool) -> Self {
        let mut wanted: HashMap<String, Vec<&Digest>> = HashMap::new();
        for file in recovery.wanted {
            let id = file.booking.as_str();
            for folder in BTreeSet::from([name::escape(id), name::escape_strictly(id)]) {
                wanted.entry(folder).or_default().push(&file.expected);
            }
        }
        Self {
            mount,
            site,
            month_now: recovery.month,
            wanted,
            unproven: recovery.unproven.iter().map(String::as_str).collect(),
            proofs: recovery.proofs,
            abandoned: recovery.abandoned,
            since: recovery.since,
            alone,
            kept: None,
            found: Recovered { others_busy: !alone, ..Recovered::default() },
        }
    }

    fn place(&self, month: Month) -> BagPlace {
        BagPlace { site: self.site.clone(), month }
    }

    /// Removes what a process left of a bag that it was making.
    fn drafts(&mut self) -> Result<(), DriveError> {
        let _lock = bag::lock_manifests(self.mount)?;
        for month in named_in_site(self.mount, self.site, draft::month_of)? {
            if draft::sweep(self.mount, &draft::path(&self.place(month)))? {
                self.found.swept += 1;
            }
        }
        Ok(())
    }

    fn rebuild(&mut self, month: Month, proofs: &[Proof]) -> Result<(), DriveError> {
        let place = self.place(month);
        let proofs = proofs
            .iter()
            // The log proves a path once; where it does so twice, the later proof is the one that holds.
            .map(|proof| Ok((inside(&place, proof)?, proof.sha256.clone())))
            .collect::<Result<BTreeMap<_, _>, DriveError>>()?;
        if proofs.is_empty() && self.mount.own_folder(&place.folder())?.is_none() {
            return Ok(());
        }
        if self.mount.bags.get(&place).rebuild(self.mount, &proofs)? {
            self.rewrote(month);
        }
        Ok(())
    }

    fn month(&mut self, month: Month) -> Result<(), DriveError> {
        let place = self.place(month);
        let data = place.data();
        self.folder(&place.folder())?;
        self.folder(&data)?;
        let bag = self.mount.bags.get(&place);
        let lists = self.settle(month, &bag)?;
        let mut names = match self.mount.own_folder(&data)? {
            Some(folder) => unlisted_in(self.mount, &bag, lists, folder, &data)?,
            None => Vec::new(),
        };
        // What is found is reported in the same words at each start.
        names.sort_unstable();
        for name in names {
            self.booking(&place, &name, lists == Lists::Copies)?;
            bag.tidy(self.mount, &name);
        }
        Ok(())
    }

    fn rewrote(&mut self, month: Month) {
        if !self.found.rewritten.contains(&month) {
            self.found.rewritten.push(month);
        }
    }

    /// Puts right what a month lists: its text, and what a dead process left in its journal.
    fn settle(&mut self, month: Month, bag: &Bag) -> Result<Lists, DriveError> {
        let settled = bag.listed(self.mount).map(|listed| listed.is_begun()).and_then(|is_begun| {
            // Perhaps it was taken away: then the log knows what was listed in it.
            if !is_begun {
                self.found.doubtful.insert(month);
            }
            Ok(bag.mend_text(self.mount)? | bag.fold(self.mount)?)
        });
        match settled {
            Ok(false) => {}
            Ok(true) => self.rewrote(month),
            Err(DriveError { kind: Kind::BadManifest(_), .. }) => {
                self.found.doubtful.insert(month);
                return Ok(Lists::Unknown);
            }
            Err(error) => return Err(error),
        }
        let lists_copies = bag.listed(self.mount)?.all().lists_copies();
        Ok(if lists_copies { Lists::Copies } else { Lists::Nothing })
    }

    /// A booking's folder in which nothing is proven.
    fn booking(&mut self, place: &BagPlace, name: &str, lists_copies: bool) -> Result<(), DriveError> {
        let path = place.data().join(name);
        let opened = match self.mount.top().folder(&path) {
            Ok(opened) => opened,
            Err(_) if text::is_name(name) => return Ok(()),
            Err(error) => {
                // A link, or a file: not ours to follow or to remove.
                tracing::warn!(%path, %error, "something else stands in a bag where a booking's folder belongs; it is left alone");
                return Ok(());
            }
        };
        let wanted = self.wanted_in(place.month, name);
        let names = text_names_in(&opened).map_err(|error| self.mount.error(Action::Open, &path, error))?;
        for file in names {
            let file_path = path.join(&file);
            if is_temporary(&file) {
                let keep = wanted.iter().any(|expected| part_name(expected) == file);
                self.temporary(&opened, &file_path, &file, keep)?;
            } else if wanted.is_empty() {
                self.unlisted(place, &opened, &file, lists_copies, &file_path)?;
            }
        }
        Ok(())
    }

    /// The digests expected of files that may yet come into a folder.
    fn wanted_in(&self, month: Month, folder: &str) -> Vec<&'a Digest> {
        let base = name::base_of(folder);
        let wanted = self.wanted.get(base.as_str()).filter(|_| month == self.month_now);
        wanted.cloned().unwrap_or_default()
    }

    /// A file that is neither listed nor still to be fetched.
    fn unlisted(
        &mut self,
        place: &BagPlace,
        folder: impl Handle,
        name: &str,
        lists_copies: bool,
        path: &Relative,
    ) -> Result<(), DriveError> {
        // A desktop's file is nobody's copy and in nobody's way.
        if self.unproven.contains(path.as_str()) || is_a_desktops(name) {
            return Ok(());
        }
        let stat = stat_in(folder, name).map_err(|error| self.mount.error(Action::Open, path, error))?;
        let Some(stat) = stat.filter(|stat| !stat.is_folder()) else { return Ok(()) };
        let older = self.since.is_some_and(|since| stat.modified.seconds < since.as_second());
        if !self.alone && !older {
            // Another worker may be about to tell of it.
            return Ok(());
        }
        if !self.proofs.contains_key(&place.month) {
            // Perhaps the manifest was taken away and begun anew since it was proven: only the log can tell.
            self.found.doubtful.insert(place.month);
            return Ok(());
        }
        let listed_as = self.kept_lines(place, path)?;
        // That it is older than the log, or is not, is not evidence where the drive was copied, a clock was wrong or an
        // older log was put back: only what this log itself says of the path is.
        let is_left_over = !older && listed_as.is_empty() && self.abandoned.contains(path.as_str());
        if !is_left_over {
            self.found.unlisted.push(Unlisted { path: path.as_str().to_owned(), listed_as });
        } else if lists_copies {
            match set_aside(self.mount, path, None) {
                Ok(aside) => self.found.quarantined.push(aside.as_str().to_owned()),
                // Somebody proved it, or moved it, while we looked.
                Err(DriveError { kind: Kind::Proven | Kind::CopyMissing, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What the month's manifests that were put aside list a file with. They are read when the first file asks.
    fn kept_lines(&mut self, place: &BagPlace, path: &Relative) -> Result<Vec<Digest>, DriveError> {
        let lines = match self.kept.take() {
            Some((month, lines)) if month == place.month => lines,
            _ => KeptLines::read(self.mount, place)?,
        };
        let inside = BagPlace::of(path).map(|(_, inside)| inside);
        let listed_as = inside.map_or_else(Vec::new, |inside| lines.of(&inside).to_vec());
        self.kept = Some((place.month, lines));
        Ok(listed_as)
    }

    /// Sweeps the temporary files that lie directly in a folder, which are those of small files that
    /// are written whole, under the manifests' lock.
    fn folder(&mut self, path: &Relative) -> Result<(), DriveError> {
        let _lock = bag::lock_manifests(self.mount)?;
        let Some(folder) = self.mount.own_folder(path)? else { return Ok(()) };
        let names = text_names_in(&folder).map_err(|error| self.mount.error(Action::Open, path, error))?;
        for name in names.into_iter().filter(|name| is_temporary(name)) {
            self.temporary(&folder, &path.join(&name), &name, false)?;
        }
        Ok(())
    }

    fn temporary(&mut self, folder: impl Handle, path: &Relative, name: &str, keep: bool) -> Result<(), DriveError> {
        if keep {
            self.found.kept += 1;
            return Ok(());
        }
        match sweep(folder, name) {
            Ok(true) => self.found.swept += 1,
            // A worker that lives holds it.
            Ok(false) => {}
            Err(error) => return Err(self.mount.error(Action::Remove, path, error)),
        }
        Ok(())
    }
}
