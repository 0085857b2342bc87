//! The tasks of one host at one moment, from whatever was collected: a collector's folder with its manifest, a bare folder
//! of exports, dumps and listings.

mod join;
mod linux;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

pub use self::linux::{LIST_TIMERS_NAME, SHOW_NAME};
use crate::file::read_file;
use crate::manifest::{Listed, MANIFEST_NAME, Manifest, ReferencedFile};
use crate::problem::{Problem, Reading};
use crate::restore::LinuxFile;
use crate::task::Task;
use crate::text::CodePage;
use crate::watch::RunState;

/// A file of a collection: its path beneath the folder, with slashes, and its bytes.
#[derive(Debug, Clone, Copy)]
pub struct CollectedFile<'a> {
    /// `OpenData/Nightly.xml`.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// What is known besides the files; a manifest tells the same, and counts where nothing is set here.
#[derive(Debug, Clone, Default)]
pub struct Assumed {
    /// The host's name.
    pub host: Option<String>,
    /// The host's zone and its name: the configuration's counts before the manifest's.
    pub zone: Option<(TimeZone, String)>,
    /// The code page of consoles' output.
    pub page: Option<CodePage>,
    /// When the files were made.
    pub collected_at: Option<Timestamp>,
}

/// Why a collection is partial of which some files could not be read; its problems name them.
pub const NOT_ALL_READ: &str = "not everything in it could be read";

/// Whether the account that collected may read every task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// It may.
    All,
    /// It may not.
    Lacking,
    /// It is not known.
    Unknown,
}

/// One host's tasks at one moment.
#[derive(Debug, Clone)]
pub struct Collection {
    /// The host.
    pub host: Option<String>,
    /// When.
    pub collected_at: Option<Timestamp>,
    /// The host's zone and its name; `None`: not known, so local times tell nothing.
    pub zone: Option<(TimeZone, String)>,
    /// When the host started.
    pub boot: Option<Timestamp>,
    /// Who was logged on.
    pub logged_on: Option<Vec<String>>,
    /// The tasks, by path.
    pub entries: Vec<Entry>,
    /// What could not be read: the file or task, and why.
    pub problems: Vec<(String, Problem)>,
    /// Why it may lack tasks. With none, it is complete.
    pub partial: Vec<String>,
    /// What the account that collected may read.
    pub rights: Rights,
    /// What the collector wrote.
    pub manifest: Option<Manifest>,
}

/// One task with all that was collected of it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its definition.
    pub task: Task,
    /// Its state at the moment of the collection.
    pub run: RunState,
    /// Its security descriptor, as the scheduler gives it.
    pub sddl: Option<String>,
    /// Files that its actions name.
    pub files: Vec<ReferencedFile>,
}

impl Collection {
    /// Whether nothing is known to be missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.partial.is_empty()
    }

    /// The zone, UTC where it is not known: for days of a report, never for what a host's clock shows.
    #[must_use]
    pub fn zone_or_utc(&self) -> TimeZone {
        self.zone.as_ref().map_or(TimeZone::UTC, |(zone, _)| zone.clone())
    }
}

/// Reads a host's files: a collector's folder, or any files of those that `docs/tasks.md` names, of Windows and of Linux.
/// Every file is read; what cannot be is among the problems, and the others go on.
#[must_use]
pub fn read_collection(files: &[CollectedFile<'_>], assumed: &Assumed) -> Collection {
    let mut collection = Collection::begun(files, assumed);
    let page = assumed.page.or_else(|| collection.manifest.as_ref().and_then(Manifest::page));
    // A collector on Windows lists its definitions: what lies beside them are copies of scripts.
    let of_windows = !collection.listed().is_empty();
    let (mut windows, mut linux) = (Vec::new(), Vec::new());
    let (copies, files) = collection.copies(files);
    collection.check_copies(&copies);
    for file in &files {
        match linux::kind(file).filter(|_| !of_windows && file.name != MANIFEST_NAME) {
            Some(kind) => linux.push((kind, *file)),
            None => windows.push(*file),
        }
    }
    let readings = read_all(&windows, page, &mut collection);
    join::join(readings, &mut collection);
    linux::add_linux(&linux, &mut collection);
    collection.finish();
    collection
}

impl Collection {
    /// What the manifest and the site tell, without a task.
    fn begun(files: &[CollectedFile<'_>], assumed: &Assumed) -> Self {
        let mut collection = Self {
            host: assumed.host.clone(),
            collected_at: assumed.collected_at,
            zone: assumed.zone.clone(),
            boot: None,
            logged_on: None,
            entries: Vec::new(),
            problems: Vec::new(),
            partial: Vec::new(),
            rights: Rights::Unknown,
            manifest: None,
        };
        let manifest = files.iter().find(|file| file.name == MANIFEST_NAME).map(|file| Manifest::read(file.bytes));
        match manifest {
            Some(Ok(manifest)) => collection.take_manifest(manifest),
            Some(Err(problem)) => {
                collection.problems.push((MANIFEST_NAME.to_owned(), problem));
                collection.partial.push("its manifest cannot be read".to_owned());
            }
            None => {
                collection.partial.push("without a manifest it is not known which rights its account had".to_owned());
            }
        }
        collection
    }

    fn finish(&mut self) {
        if !self.problems.is_empty() {
            self.partial.push(NOT_ALL_READ.to_owned());
        }
        self.entries.sort_by(|one, other| one.task.path.cmp(&other.task.path));
    }

    fn take_manifest(&mut self, manifest: Manifest) {
        self.host = self.host.take().or_else(|| manifest.host.clone());
        self.collected_at = self.collected_at.or(manifest.collected_at);
        self.zone = self.zone.take().or_else(|| manifest.zone.resolve());
        self.boot = manifest.boot_time;
        self.logged_on = manifest.logged_on.clone();
        self.rights = match manifest.collector.elevated {
            Some(true) => Rights::All,
            Some(false) => Rights::Lacking,
            None => Rights::Unknown,
        };
        match manifest.collector.elevated {
            Some(true) => {}
            Some(false) => self.partial.push(
                "it was collected without an administrator's rights: tasks that the account may not read are missing"
                    .to_owned(),
            ),
            None => self.partial.push("it is not known which rights its account had".to_owned()),
        }
        for error in &manifest.errors {
            let code = error.hresult.and_then(crate::manifest::code_of);
            let message = strongroom_model::text::printable(&error.message, 200);
            self.problems.push((error.path.clone(), Problem::Unreadable { message, code }));
        }
        self.manifest = Some(manifest);
    }

    /// Copies of a Linux host's scripts, which are no tasks; and the other files.
    fn copies<'f>(&self, files: &[CollectedFile<'f>]) -> (Vec<CollectedFile<'f>>, Vec<CollectedFile<'f>>) {
        let names: BTreeSet<_> = self.linux_files().filter_map(|file| file.copy.as_deref()).collect();
        files.iter().partition(|file| names.contains(file.name))
    }

    fn check_copies(&mut self, copies: &[CollectedFile<'_>]) {
        let problem = |file: &LinuxFile| {
            let name = file.copy.as_deref()?;
            match copies.iter().find(|copy| copy.name == name) {
                None => Some((name.to_owned(), Problem::Missing)),
                Some(copy) if HEXLOWER.encode(&Sha256::digest(copy.bytes)) != file.sha256 => {
                    Some((name.to_owned(), Problem::Changed))
                }
                Some(_) => None,
            }
        };
        let problems: Vec<_> = self.linux_files().filter_map(problem).collect();
        self.problems.extend(problems);
    }

    fn linux_files(&self) -> impl Iterator<Item = &LinuxFile> {
        self.manifest.iter().filter_map(|manifest| manifest.linux.as_ref()).flat_map(|linux| &linux.files)
    }

    fn listed(&self) -> &[Listed] {
        self.manifest.as_ref().map_or(&[], |manifest| &manifest.tasks)
    }
}

/// A file that holds no tasks in a collector's folder: copies of scripts, and what the site added.
fn is_beside(name: &str, has_manifest: bool) -> bool {
    let is_definition = name.to_ascii_lowercase().ends_with(".xml") && !name.starts_with("scripts/");
    name == MANIFEST_NAME || has_manifest && !is_definition
}

fn read_all(
    files: &[CollectedFile<'_>],
    page: Option<CodePage>,
    collection: &mut Collection,
) -> Vec<(String, Reading)> {
    let by_file: BTreeMap<_, _> =
        collection.listed().iter().filter_map(|listed| Some((listed.file.clone()?, listed.clone()))).collect();
    let has_manifest = !collection.listed().is_empty();
    let mut readings = Vec::new();
    for file in files.iter().filter(|file| by_file.contains_key(file.name) || !is_beside(file.name, has_manifest)) {
        let listed = by_file.get(file.name);
        let reading = read_file(file.name, listed.map(|listed| listed.path.as_str()), file.bytes, page);
        let digest = reading.tasks.first().map(|task| task.origin.sha256.clone());
        if let (Some(expected), Some(found)) = (listed.and_then(|listed| listed.sha256.as_ref()), digest)
            && !expected.eq_ignore_ascii_case(&found)
        {
            collection.problems.push((file.name.to_owned(), Problem::Changed));
        }
        readings.push((file.name.to_owned(), reading));
    }
    for name in by_file.keys().filter(|name| !files.iter().any(|file| file.name == name.as_str())) {
        collection.problems.push((name.clone(), Problem::Missing));
    }
    readings
}
