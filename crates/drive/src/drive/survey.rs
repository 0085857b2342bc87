use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _};

use strongroom_files::within::{for_each_name_in, stat_in};
use strongroom_files::{FileKind, Folder, Refusal, Stat};
use strongroom_model::{Algorithm, ByteCount, Digest, Month, SiteId, text};

use super::Drive;
use crate::bag::text as bag_text;
use crate::bag::{journal, readable, tags};
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::hashing::digests_of;
use crate::manifest::{self, Manifest};
use crate::mount::Mount;
use crate::place::{BagPlace, DATA};
use crate::proof::LoggedCopy;
use crate::relative::Relative;
use crate::survey::{BagFaultKind, BagSurvey};
use crate::temporary::is_temporary;

/// Tag files that strongroom writes have some hundred bytes.
const MAX_TAG_BYTES: u64 = 1 << 20;
/// A name from outside, in a fault.
const MAX_SHOWN_CHARS: usize = 300;

impl Drive {
    /// Compares a month's bag with `expected`: what the log has proven there, by path below the drive's root. Names, sizes
    /// and lists are compared; no copy is read. Nothing is written, no lock is taken and no link is followed, so the drive
    /// may be write-protected and may have been anywhere.
    ///
    /// While other processes work on the month, a copy that was proven after `expected` was read counts as added, and one
    /// that waits for its proof as extra: ask the log again about what is named.
    ///
    /// # Errors
    /// The drive's own. What is wrong with the bag is in the result.
    pub fn survey(
        &self,
        site: &SiteId,
        month: Month,
        expected: &BTreeMap<String, LoggedCopy>,
    ) -> Result<BagSurvey, DriveError> {
        let place = BagPlace { site: site.clone(), month };
        for path in expected.keys() {
            if super::relative(path).ok().and_then(|path| BagPlace::of(&path)).is_none_or(|(bag, _)| bag != place) {
                return Err(super::bad_path(path));
            }
        }
        let mount = self.mount()?;
        let surveyed = Surveyor::new(&mount, place, expected).survey();
        surveyed.map_err(|error| match self.mount() {
            // If the drive itself is gone, report that.
            Err(gone) => gone,
            Ok(_) => error,
        })
    }
}

struct Surveyor<'a> {
    mount: &'a Mount,
    place: BagPlace,
    bag: Relative,
    expected: &'a BTreeMap<String, LoggedCopy>,
    listed: Manifest,
    survey: BagSurvey,
    /// Hashes of known paths whose place was looked at: a month may have a million. A collision is improbable (the key is
    /// random), and reading the copies finds what it hides.
    looked_at: HashSet<u64>,
    hashing: RandomState,
    payload_bytes: u64,
    payload_files: u64,
}

impl<'a> Surveyor<'a> {
    fn new(mount: &'a Mount, place: BagPlace, expected: &'a BTreeMap<String, LoggedCopy>) -> Self {
        Self {
            mount,
            bag: place.folder(),
            place,
            expected,
            listed: Manifest::default(),
            survey: BagSurvey::default(),
            looked_at: HashSet::new(),
            hashing: RandomState::new(),
            payload_bytes: 0,
            payload_files: 0,
        }
    }

    fn survey(mut self) -> Result<BagSurvey, DriveError> {
        let bag = self.bag.clone();
        if let Some(folder) = self.open(&bag, BagFaultKind::BagMissing)? {
            self.listed = readable::listing(self.mount, &self.place, &mut self.survey)?;
            self.payload()?;
            self.tags(&folder)?;
        }
        self.entries();
        self.missing()?;
        Ok(self.survey)
    }

    /// `None` with a fault: missing, or something else in its place.
    fn open(&mut self, path: &Relative, missing: BagFaultKind) -> Result<Option<Folder>, DriveError> {
        let kind = match self.mount.top.folder(path) {
            Ok(folder) => return Ok(Some(folder)),
            Err(error) => match Refusal::of(&error) {
                Some(Refusal::Missing) => missing,
                Some(Refusal::Link | Refusal::NotFolder | Refusal::OtherFilesystem) => BagFaultKind::NotPlain,
                _ => self.unreadable(path, error)?,
            },
        };
        self.survey.add(path, kind);
        Ok(None)
    }

    /// An error that concerns more than this path ends the survey.
    fn unreadable(&self, path: &Relative, error: io::Error) -> Result<BagFaultKind, DriveError> {
        let reason = error.to_string();
        let error = self.mount.error(Operation::List, path, error);
        if matches!(error.kind, DriveErrorKind::HostLimit) { Err(error) } else { Ok(BagFaultKind::Unreadable(reason)) }
    }

    fn payload(&mut self) -> Result<(), DriveError> {
        let data = self.bag.join(DATA);
        let Some(folder) = self.open(&data, BagFaultKind::FileMissing)? else { return Ok(()) };
        self.each(&data, &folder, |surveyor, name, stat| match (name.to_str(), stat) {
            (Some(name), stat) if stat.is_folder() && !is_temporary(name) => surveyor.booking(&data.join(name)),
            (Some(name), _) if is_temporary(name) => Ok(()),
            (Some(name), stat) => {
                surveyor.beside(&data.join(name), name, &stat);
                Ok(())
            }
            (None, stat) => {
                surveyor.extra(&data, name, &stat);
                Ok(())
            }
        })
    }

    /// What stands where the bookings' folders do.
    fn beside(&mut self, path: &Relative, name: &str, stat: &Stat) {
        if self.is_known(path) {
            self.known(path, stat);
        } else if bag_text::is_name(name) {
            self.count(stat);
            self.look_at(path);
        } else {
            self.extra(&self.bag.join(DATA), OsStr::new(name), stat);
        }
    }

    fn booking(&mut self, path: &Relative) -> Result<(), DriveError> {
        let Some(folder) = self.open(path, BagFaultKind::FileMissing)? else { return Ok(()) };
        self.each(path, &folder, |surveyor, name, stat| {
            match name.to_str() {
                Some(name) if is_temporary(name) => {}
                Some(name) if surveyor.is_known(&path.join(name)) => surveyor.known(&path.join(name), &stat),
                _ => surveyor.extra(path, name, &stat),
            }
            Ok(())
        })
    }

    /// A folder may have more names than fit in memory.
    fn each(
        &mut self,
        path: &Relative,
        folder: &Folder,
        mut visit: impl FnMut(&mut Self, &OsStr, Stat) -> Result<(), DriveError>,
    ) -> Result<(), DriveError> {
        let mut visited = Ok(());
        let listed = for_each_name_in(folder, |name| {
            if visited.is_err() {
                return;
            }
            visited = match stat_in(folder, name) {
                Ok(Some(stat)) => visit(self, name, stat),
                Ok(None) => Ok(()),
                Err(error) => self.unreadable(path, error).map(|kind| self.survey.add(shown(path, name), kind)),
            };
        });
        visited?;
        if let Err(error) = listed {
            let kind = self.unreadable(path, error)?;
            self.survey.add(path, kind);
        }
        Ok(())
    }

    fn is_known(&self, path: &Relative) -> bool {
        self.expected.contains_key(path.as_str()) || self.listed.get(self.inside(path.as_str())).is_some()
    }

    fn inside<'p>(&self, path: &'p str) -> &'p str {
        path.get(self.bag.as_str().len() + 1..).unwrap_or_default()
    }

    fn known(&mut self, path: &Relative, stat: &Stat) {
        self.look_at(path);
        if !stat.is_plain() {
            self.survey.add(path, BagFaultKind::NotPlain);
            return;
        }
        self.count(stat);
        let Some(copy) = self.expected.get(path.as_str()) else { return };
        self.survey.found += 1;
        if let Some(proven) = copy.size.filter(|proven| proven.0 != stat.size) {
            self.survey.add(path, BagFaultKind::SizeDiffers { proven, found: ByteCount(stat.size) });
        }
    }

    fn extra(&mut self, folder: &Relative, name: &OsStr, stat: &Stat) {
        self.count(stat);
        self.survey.add(shown(folder, name), extra_kind(stat));
    }

    fn count(&mut self, stat: &Stat) {
        if stat.is_plain() {
            self.payload_bytes = self.payload_bytes.saturating_add(stat.size);
            self.payload_files += 1;
        }
    }

    fn look_at(&mut self, path: &Relative) {
        self.looked_at.insert(self.hashing.hash_one(path.as_str()));
    }

    fn is_looked_at(&self, path: &str) -> bool {
        self.looked_at.contains(&self.hashing.hash_one(path))
    }

    /// The lists against the log.
    fn entries(&mut self) {
        let expected = self.expected;
        for (path, copy) in expected {
            match self.listed.get(self.inside(path)) {
                None => self.survey.add(path, BagFaultKind::EntryRemoved),
                Some(listed) if listed != copy.sha256 => {
                    let proven = copy.sha256.clone();
                    self.survey.add(path, BagFaultKind::EntryChanged { listed, proven });
                }
                Some(_) => {}
            }
        }
    }

    /// Known paths that the walk did not meet.
    fn missing(&mut self) -> Result<(), DriveError> {
        let expected = self.expected;
        for path in expected.keys() {
            if !self.is_looked_at(path) {
                let kind = self.absence(path)?;
                self.survey.add(path, kind.unwrap_or(BagFaultKind::FileMissing));
            }
        }
        let listed = std::mem::take(&mut self.listed);
        for (inside, _) in listed.iter() {
            self.survey.listed += 1;
            let path = format!("{}/{inside}", self.bag);
            if expected.contains_key(&path) {
                continue;
            }
            let is_there = self.is_looked_at(&path) || self.absence(&path)?.is_none();
            self.survey.add(path, BagFaultKind::EntryAdded { is_there });
        }
        Ok(())
    }

    /// Why no plain file is there; `None` if one is.
    fn absence(&self, path: &str) -> Result<Option<BagFaultKind>, DriveError> {
        match self.mount.top.stat(path) {
            Ok(None) => Ok(Some(BagFaultKind::FileMissing)),
            Ok(Some(stat)) if stat.is_plain() => Ok(None),
            Ok(Some(_)) => Ok(Some(BagFaultKind::NotPlain)),
            Err(error) => match Refusal::of(&error) {
                Some(Refusal::Link | Refusal::NotFolder | Refusal::OtherFilesystem) => Ok(Some(BagFaultKind::NotPlain)),
                _ => self.unreadable(&super::relative(path)?, error).map(Some),
            },
        }
    }
}

/// Tag files, and the text about the bag.
impl Surveyor<'_> {
    fn tags(&mut self, folder: &Folder) -> Result<(), DriveError> {
        let bag = self.bag.clone();
        let mut tag_manifests = Vec::new();
        self.each(&bag, folder, |surveyor, name, stat| {
            let known = [DATA, manifest::FILE, journal::FILE, tags::DECLARATION_FILE, tags::INFO_FILE];
            match name.to_str() {
                Some(name) if known.contains(&name) || is_temporary(name) => {}
                Some(name) if algorithm_of(name).is_some() && tag_manifests.len() < Algorithm::ALL.len() => {
                    tag_manifests.push(name.to_owned());
                }
                _ => surveyor.survey.add(shown(&bag, name), extra_kind(&stat)),
            }
            Ok(())
        })?;
        let payload = format!("{}.{}", self.payload_bytes, self.payload_files);
        for (name, written) in tags::of(&self.place) {
            let path = bag.join(name);
            if let Some(found) = self.tag_file(&path)?
                && let Err(what) = tags::compare(name, &written, &found, Some(&payload))
            {
                self.survey.add(&path, BagFaultKind::TagFileChanged(what));
            }
        }
        self.text()?;
        tag_manifests.iter().try_for_each(|name| self.tag_manifest(name))
    }

    fn tag_file(&mut self, path: &Relative) -> Result<Option<Vec<u8>>, DriveError> {
        let mut bytes = Vec::new();
        let read = self.mount.top.file(path).and_then(|file| file.take(MAX_TAG_BYTES + 1).read_to_end(&mut bytes));
        let kind = match read {
            Ok(count) if count as u64 <= MAX_TAG_BYTES => return Ok(Some(bytes)),
            Ok(_) => BagFaultKind::TagFileChanged(format!("it is longer than {MAX_TAG_BYTES} bytes")),
            Err(error) => match Refusal::of(&error) {
                Some(Refusal::Missing) => BagFaultKind::TagFileMissing,
                Some(Refusal::Link | Refusal::NotFile | Refusal::NotFolder) => BagFaultKind::NotPlain,
                _ => self.unreadable(path, error)?,
            },
        };
        self.survey.add(path, kind);
        Ok(None)
    }

    fn text(&mut self) -> Result<(), DriveError> {
        let (sha256, listed) = (bag_text::sha256(&self.place), self.listed.texts());
        let listed: Vec<(String, Digest)> = listed.map(|(path, sha256)| (path.to_owned(), sha256.clone())).collect();
        let mut is_listed = false;
        for (inside, digest) in listed {
            let path = Relative::parse(&format!("{}/{inside}", self.bag)).expect("the manifest accepts no other path");
            if !path.split().is_some_and(|(_, name)| bag_text::is_name(name)) {
                let is_there = self.absence(path.as_str())?.is_none();
                self.survey.add(&path, BagFaultKind::EntryAdded { is_there });
                continue;
            }
            is_listed = true;
            if digest != sha256 {
                self.survey.add(&path, BagFaultKind::EntryChanged { listed: digest, proven: sha256.clone() });
            }
            if let Some(bytes) = self.tag_file(&path)?
                && Digest::of(Algorithm::Sha256, &bytes) != sha256
            {
                let what = "it is not the text that strongroom writes about a bag".to_owned();
                self.survey.add(&path, BagFaultKind::TagFileChanged(what));
            }
        }
        if !is_listed {
            self.survey.add(self.bag.join(DATA).join(bag_text::FILE), BagFaultKind::EntryRemoved);
        }
        Ok(())
    }

    /// Strongroom writes none, since every new copy would change it; somebody's own must be right (RFC 8493, 2.2.1).
    fn tag_manifest(&mut self, name: &str) -> Result<(), DriveError> {
        let path = self.bag.join(name);
        let Some(bytes) = self.tag_file(&path)? else { return Ok(()) };
        let algorithm = algorithm_of(name).expect("it was chosen by its name");
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())) {
            let entry = std::str::from_utf8(line).ok().and_then(|line| line.split_once([' ', '\t']));
            let of_bag = entry.and_then(|(hex, file)| {
                let file = Relative::parse(file.trim_start_matches([' ', '\t', '*']).trim_end_matches('\r'))?;
                let digest = format!("{}:{hex}", algorithm.name()).parse::<Digest>().ok()?;
                (!file.as_str().contains('/')).then(|| (self.bag.join(file.as_str()), digest))
            });
            let Some((file, digest)) = of_bag else {
                self.survey.add(&path, BagFaultKind::MalformedLine(number));
                continue;
            };
            let stat = self.mount.top.stat(&file).ok().flatten();
            let is_small = stat.is_some_and(|stat| stat.is_plain() && stat.size <= manifest::MAX_BYTES);
            let is_right =
                is_small && digests_of(self.mount, &file, algorithm)?.is_some_and(|found| found.named == digest);
            if !is_right {
                self.survey.add(&file, BagFaultKind::TagFileChanged(format!("{name} has another digest for it")));
            }
        }
        Ok(())
    }
}

const fn extra_kind(stat: &Stat) -> BagFaultKind {
    match stat.kind {
        FileKind::File => BagFaultKind::FileExtra,
        FileKind::Folder => BagFaultKind::FolderExtra,
        FileKind::Other => BagFaultKind::NotPlain,
    }
}

fn algorithm_of(tag_manifest: &str) -> Option<Algorithm> {
    let name = tag_manifest.strip_prefix("tagmanifest-")?.strip_suffix(".txt")?;
    Algorithm::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
}

fn shown(folder: &Relative, name: &OsStr) -> String {
    format!("{folder}/{}", text::printable(&name.to_string_lossy(), MAX_SHOWN_CHARS))
}
