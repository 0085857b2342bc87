use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use strongroom_files::Handle;
use strongroom_files::within::stat_in;
use strongroom_model::{Digest, Month, SiteId};

use super::foreign::is_a_desktops;
use super::quarantine::quarantine_unlisted;
use super::{Drive, inside, months_of, named_in_site};
use crate::bag::quarantined::QuarantinedLines;
use crate::bag::{self, Bag, draft, text};
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::identity;
use crate::mount::Mount;
use crate::name;
use crate::place::BagPlace;
use crate::proof::{ProvenCopy, Recovery, RecoveryReport, Unlisted};
use crate::relative::{Relative, text_names_in};
use crate::temporary::{is_temporary, part_name, sweep};

impl Drive {
    /// Cleans up what a dead process left of a site:
    /// - removes drafts of bags, empty folders, and temporary files except those whose transfers resume;
    /// - rewrites missing and damaged manifests of months whose proofs are given;
    /// - quarantines files that were fetched and never proven; other unlisted files stay ([`RecoveryReport::unlisted`]).
    ///
    /// Months whose proofs must be read from the log first are [`RecoveryReport::doubtful`]. Call it before files are
    /// received. While other workers write, only what certainly belongs to nobody is touched
    /// ([`RecoveryReport::others_busy`]).
    pub fn recover(&self, site: &SiteId, recovery: &Recovery<'_>) -> Result<RecoveryReport, DriveError> {
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
        sweeper.folder(&Relative::root())?;
        Ok(sweeper.report)
    }
}

struct Sweeper<'a> {
    mount: &'a Mount,
    site: &'a SiteId,
    recovery: &'a Recovery<'a>,
    /// Digests that may be resumed or adopted, by the names of their bookings' folders.
    expected_files: HashMap<String, Vec<&'a Digest>>,
    unproven: HashSet<&'a str>,
    alone: bool,
    kept: Option<(Month, QuarantinedLines)>,
    report: RecoveryReport,
}

impl<'a> Sweeper<'a> {
    fn new(mount: &'a Mount, site: &'a SiteId, recovery: &'a Recovery<'a>, alone: bool) -> Self {
        let mut expected_files: HashMap<String, Vec<&Digest>> = HashMap::new();
        for file in recovery.expected_files {
            let id = file.booking.as_str();
            for folder in BTreeSet::from([name::escape(id), name::escape_strictly(id)]) {
                expected_files.entry(folder).or_default().push(&file.expected);
            }
        }
        Self {
            mount,
            site,
            recovery,
            expected_files,
            unproven: recovery.unproven.iter().map(String::as_str).collect(),
            alone,
            kept: None,
            report: RecoveryReport { others_busy: !alone, ..RecoveryReport::default() },
        }
    }

    fn place(&self, month: Month) -> BagPlace {
        BagPlace { site: self.site.clone(), month }
    }

    fn drafts(&mut self) -> Result<(), DriveError> {
        let _lock = bag::lock_manifests(self.mount)?;
        for month in named_in_site(self.mount, self.site, draft::month_of)? {
            self.report.swept += u64::from(draft::sweep(self.mount, &draft::path(&self.place(month)))?);
        }
        Ok(())
    }

    fn rebuild(&mut self, month: Month, proofs: &[ProvenCopy]) -> Result<(), DriveError> {
        let place = self.place(month);
        let proofs = proofs
            .iter()
            // For two proofs of one path the later one holds.
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
        self.folder(&place.folder())?;
        self.folder(&place.data())?;
        let bag = self.mount.bags.get(&place);
        let lists_copies = self.settle(month, &bag)?;
        let mut names = bag.unlisted_folders(self.mount)?;
        // So that each start reports the same.
        names.sort_unstable();
        for name in names {
            self.booking(&place, &name, lists_copies)?;
            bag.tidy(self.mount, &name);
        }
        Ok(())
    }

    fn rewrote(&mut self, month: Month) {
        if !self.report.rewritten.contains(&month) {
            self.report.rewritten.push(month);
        }
    }

    /// Repairs a month's text and folds a leftover journal; whether it certainly lists copies.
    fn settle(&mut self, month: Month, bag: &Bag) -> Result<bool, DriveError> {
        let settled = bag.listed(self.mount).map(|listed| listed.is_begun).and_then(|is_begun| {
            // Perhaps the manifest was deleted: the log knows what was listed.
            if !is_begun {
                self.report.doubtful.insert(month);
            }
            Ok(bag.mend_text(self.mount)? | bag.fold(self.mount)?)
        });
        match settled {
            Ok(false) => {}
            Ok(true) => self.rewrote(month),
            Err(DriveError { kind: DriveErrorKind::BadManifest(_), .. }) => {
                self.report.doubtful.insert(month);
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        Ok(bag.listed(self.mount)?.all.lists_copies())
    }

    fn booking(&mut self, place: &BagPlace, name: &str, lists_copies: bool) -> Result<(), DriveError> {
        let path = place.data().join(name);
        let opened = match self.mount.top.folder(&path) {
            Ok(opened) => opened,
            Err(_) if text::is_name(name) => return Ok(()),
            Err(error) => {
                // A link or a file: neither followed nor removed.
                tracing::warn!(%path, %error, "something else stands in a bag where a booking's folder belongs; it is left alone");
                return Ok(());
            }
        };
        let expected_files = self.expected_in(place.month, name);
        let names = text_names_in(&opened).map_err(|error| self.mount.error(Operation::Open, &path, error))?;
        for file in names {
            let file_path = path.join(&file);
            if is_temporary(&file) {
                if expected_files.iter().any(|expected| part_name(expected) == file) {
                    self.report.kept += 1;
                } else {
                    self.temporary(&opened, &file_path, &file)?;
                }
            } else if expected_files.is_empty() {
                self.unlisted(place, &opened, &file, lists_copies, &file_path)?;
            }
        }
        Ok(())
    }

    fn expected_in(&self, month: Month, folder: &str) -> Vec<&'a Digest> {
        let base = name::base_of(folder);
        let expected_files = self.expected_files.get(base.as_str()).filter(|_| month == self.recovery.month);
        expected_files.cloned().unwrap_or_default()
    }

    fn unlisted(
        &mut self,
        place: &BagPlace,
        folder: impl Handle,
        name: &str,
        lists_copies: bool,
        path: &Relative,
    ) -> Result<(), DriveError> {
        // A desktop's file is not a copy, and not in the way.
        if self.unproven.contains(path.as_str()) || is_a_desktops(name) {
            return Ok(());
        }
        let stat = stat_in(folder, name).map_err(|error| self.mount.error(Operation::Open, path, error))?;
        let Some(stat) = stat.filter(|stat| !stat.is_folder()) else { return Ok(()) };
        let older = self.recovery.since.is_some_and(|since| stat.modified.seconds < since.as_second());
        if !self.alone && !older {
            // Another worker may be about to record it.
            return Ok(());
        }
        if !self.recovery.proofs.contains_key(&place.month) {
            // The manifest may have been deleted and begun anew since the proof: only the log can tell.
            self.report.doubtful.insert(place.month);
            return Ok(());
        }
        let listed_as = self.kept_lines(place, path)?;
        // Age is not evidence: the drive may have been copied, a clock wrong, or an older log restored. Only what
        // this log says of the path is.
        let is_left_over = !older && listed_as.is_empty() && self.recovery.abandoned.contains(path.as_str());
        if !is_left_over {
            self.report.unlisted.push(Unlisted { path: path.as_str().to_owned(), listed_as });
        } else if lists_copies {
            match quarantine_unlisted(self.mount, path, None) {
                Ok(quarantined) => self.report.quarantined.push(quarantined.as_str().to_owned()),
                Err(DriveError { kind: DriveErrorKind::Proven | DriveErrorKind::CopyMissing, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn kept_lines(&mut self, place: &BagPlace, path: &Relative) -> Result<Vec<Digest>, DriveError> {
        let lines = match self.kept.take() {
            Some((month, lines)) if month == place.month => lines,
            _ => QuarantinedLines::read(self.mount, place)?,
        };
        let inside = BagPlace::of(path).map(|(_, inside)| inside);
        let listed_as = inside.map_or_else(Vec::new, |inside| lines.of(&inside).to_vec());
        self.kept = Some((place.month, lines));
        Ok(listed_as)
    }

    /// Removes temporary files directly in a folder: those of small files, which are written under the manifests' lock.
    fn folder(&mut self, path: &Relative) -> Result<(), DriveError> {
        let _lock = bag::lock_manifests(self.mount)?;
        let Some(folder) = self.mount.own_folder(path)? else { return Ok(()) };
        let names = text_names_in(&folder).map_err(|error| self.mount.error(Operation::Open, path, error))?;
        for name in names.into_iter().filter(|name| is_temporary(name)) {
            self.temporary(&folder, &path.join(&name), &name)?;
        }
        Ok(())
    }

    fn temporary(&mut self, folder: impl Handle, path: &Relative, name: &str) -> Result<(), DriveError> {
        let swept = sweep(folder, name).map_err(|error| self.mount.error(Operation::Remove, path, error))?;
        self.report.swept += u64::from(swept);
        Ok(())
    }
}
