//! A drive in a folder of its own, and what every test does with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom_drive::{
    Destination, Drive, DriveError, DriveErrorKind, DriveSettings, Landed, ProvenCopy, Received, Recovery,
    RecoveryReport,
};
use strongroom_model::event::ReadBack;
use strongroom_model::{Algorithm, BookingId, ByteCount, Digest, Month, SiteId};
use tempfile::TempDir;

/// No paths, no faults.
pub(crate) const NONE: [&str; 0] = [];

/// What a bag has of its own, without any copy.
pub(crate) const BAG_FILES: [&str; 4] = ["bag-info.txt", "bagit.txt", "data/README.txt", "manifest-sha256.txt"];

pub(crate) struct Rig {
    _dir: TempDir,
    pub(crate) root: PathBuf,
    pub(crate) drive: Drive,
}

impl Rig {
    /// A drive that is set up, on the file system that the build lies on: not in a RAM disk.
    pub(crate) fn new() -> Self {
        Self::within(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap())
    }

    /// A drive in a RAM disk where there is one, for tests that sync thousands of times.
    pub(crate) fn in_memory() -> Self {
        Self::within(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    fn within(dir: TempDir) -> Self {
        let root = dir.path().join("drive");
        std::fs::create_dir(&root).unwrap();
        let drive = set_up(&root);
        Self { _dir: dir, root, drive }
    }

    pub(crate) fn receive(&self, place: &Destination, bytes: &[u8]) -> Result<Received, DriveError> {
        receive(&self.drive, place, bytes)
    }

    pub(crate) fn land(&self, booking: &str, filename: &str, bytes: &[u8]) -> Landed {
        land(&self.drive, booking, filename, bytes).unwrap()
    }

    /// Lands a file and lists it as proven, in the manifest.
    pub(crate) fn prove(&self, booking: &str, filename: &str, bytes: &[u8]) -> Landed {
        let landed = self.land(booking, filename, bytes);
        self.record(&[proof_of(&landed)]);
        landed
    }

    /// Lists copies, and folds the journal into the manifest.
    pub(crate) fn record(&self, proofs: &[ProvenCopy]) {
        record(&self.drive, proofs);
        self.drive.fold(&site()).unwrap();
    }

    pub(crate) fn bag(&self) -> PathBuf {
        self.root.join("acme/2026-11")
    }

    pub(crate) fn manifest(&self) -> String {
        std::fs::read_to_string(self.bag().join("manifest-sha256.txt")).unwrap_or_default()
    }

    pub(crate) fn journal(&self) -> String {
        std::fs::read_to_string(self.bag().join("journal-sha256.txt")).unwrap_or_default()
    }

    /// The lines of the manifest and the journal, without that of the text, which is always there.
    pub(crate) fn copies(&self) -> Vec<String> {
        let (text, mut copies): (Vec<_>, Vec<_>) =
            self.manifest().lines().map(str::to_owned).partition(|line| line.ends_with("  data/README.txt"));
        assert_eq!(text.len(), 1, "{}", self.manifest());
        copies.extend(self.journal().lines().filter(|line| !line.starts_with('#')).map(str::to_owned));
        copies.sort_by(|one, other| one[64..].cmp(&other[64..]));
        copies.dedup();
        copies
    }

    /// Every file below the drive's root, by its path, except Strongroom's own locks and identity.
    pub(crate) fn all_files(&self) -> Vec<String> {
        let mut files = Vec::new();
        walk(&self.root, &self.root, &mut files);
        files.retain(|path| !path.ends_with(".lock") && path != ".strongroom/drive.json");
        files.sort();
        files
    }

    /// As [`Rig::all_files`], without the bag's own files.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = self.all_files();
        files.retain(|path| path.strip_prefix("acme/2026-11/").is_none_or(|inside| !BAG_FILES.contains(&inside)));
        files
    }

    pub(crate) fn temporaries(&self) -> Vec<String> {
        self.files().into_iter().filter(|path| path.contains("/.strongroom.")).collect()
    }

    pub(crate) fn sha256sum_passes(&self) {
        sha256sum_passes(&self.bag());
    }

    /// What a read-back can be at best on this file system: not every machine builds on a plain one.
    pub(crate) fn best_read_back(&self) -> ReadBack {
        let backing = Drive::backing_of(&self.root).unwrap();
        if backing == strongroom_drive::Backing::Device { ReadBack::Direct } else { ReadBack::Cached }
    }
}

pub(crate) fn set_up(root: &Path) -> Drive {
    Drive::init(root, "Blue 4 TB", now()).unwrap();
    open(root).unwrap()
}

pub(crate) fn open(root: &Path) -> Result<Drive, DriveError> {
    Drive::open(root, &DriveSettings { reserve: Some(ByteCount(0)), expect: None })
}

pub(crate) fn now() -> jiff::Timestamp {
    "2026-11-21T08:30:00Z".parse().unwrap()
}

pub(crate) fn site() -> SiteId {
    "acme".parse().unwrap()
}

pub(crate) fn month() -> Month {
    "2026-11".parse().unwrap()
}

pub(crate) fn place_of(booking: &str, filename: &str, bytes: &[u8]) -> Destination {
    Destination {
        site: site(),
        month: month(),
        booking: booking.parse::<BookingId>().unwrap(),
        filename: filename.to_owned(),
        expected: Digest::of(Algorithm::Sha256, bytes),
        size: ByteCount(bytes.len() as u64),
    }
}

pub(crate) fn receive(drive: &Drive, place: &Destination, bytes: &[u8]) -> Result<Received, DriveError> {
    let mut partial = drive.receive(place)?;
    let there = usize::try_from(partial.resumed_from().0).unwrap();
    partial.write(&bytes[there..])?;
    partial.finish()
}

pub(crate) fn land(drive: &Drive, booking: &str, filename: &str, bytes: &[u8]) -> Result<Landed, DriveError> {
    let received = receive(drive, &place_of(booking, filename, bytes), bytes)?;
    drive.commit(vec![received]).remove(0)
}

/// Leaves the first bytes of a transfer, as one that is cut does.
pub(crate) fn leave_partial(drive: &Drive, place: &Destination, bytes: &[u8]) {
    drive.receive(place).unwrap().write(bytes).unwrap();
}

/// Why it was refused.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, DriveError>) -> DriveErrorKind {
    result.unwrap_err().kind
}

/// A start for which the log knows nothing yet.
pub(crate) fn recovery<'a>() -> Recovery<'a> {
    static NO_PROOFS: BTreeMap<Month, Vec<ProvenCopy>> = BTreeMap::new();
    static NO_PATHS: BTreeSet<String> = BTreeSet::new();
    Recovery {
        month: month(),
        expected_files: &[],
        unproven: &[],
        proofs: &NO_PROOFS,
        abandoned: &NO_PATHS,
        since: None,
    }
}

pub(crate) fn recover(drive: &Drive, recovery: &Recovery<'_>) -> RecoveryReport {
    drive.recover(&site(), recovery).unwrap()
}

/// Lists copies, each of which can be.
pub(crate) fn record(drive: &Drive, proofs: &[ProvenCopy]) {
    for answer in drive.record(&site(), month(), proofs) {
        answer.unwrap();
    }
}

pub(crate) fn proof_of(landed: &Landed) -> ProvenCopy {
    ProvenCopy { path: landed.path.clone(), sha256: landed.pair.sha256.clone(), seen: None }
}

/// The proofs of the one month that there is.
pub(crate) fn of_month(proofs: &[ProvenCopy]) -> BTreeMap<Month, Vec<ProvenCopy>> {
    BTreeMap::from([(month(), proofs.to_vec())])
}

/// What is true of a drive whenever the program does not run: every month's folder passes.
pub(crate) fn months_pass(root: &Path) {
    for entry in std::fs::read_dir(root.join("acme")).into_iter().flatten() {
        let entry = entry.unwrap();
        if entry.file_name().to_str().unwrap().parse::<Month>().is_ok() {
            sha256sum_passes(&entry.path());
        }
    }
}

/// What an auditor types in a month's folder.
pub(crate) fn sha256sum_passes(bag: &Path) {
    for list in ["manifest-sha256.txt", "journal-sha256.txt"] {
        if list.starts_with("manifest") || bag.join(list).exists() {
            let checked = Command::new("sha256sum").args(["--strict", "-c", list]).current_dir(bag).output().unwrap();
            let said =
                String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
            assert!(checked.status.success(), "{list}: {said}");
        }
    }
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            walk(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}
