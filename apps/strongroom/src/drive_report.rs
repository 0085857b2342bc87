//! What `status`, `doctor` and `drive` report of the attached drive: its state, what is in the way, and remarks.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use strongroom_audit::DriveState;
use strongroom_drive::{Drive, DriveError, DriveSettings, shared_with};
use strongroom_eventlog::EventLog;
use strongroom_model::event::DiskOf;
use strongroom_model::text::printable;
use strongroom_service::config::Require;
use strongroom_service::{Config, blocking};

use crate::uses;

pub(crate) const READY: &str = "ready";

pub(crate) const fn settings(config: &Config) -> DriveSettings {
    DriveSettings { reserve: Some(config.drive.reserve), expect: config.drive.id }
}

pub(crate) async fn drive_state(config: &Config, log: Option<&EventLog>) -> Option<DriveState> {
    let root = config.drive.root.as_deref()?;
    Some(drive_state_and_obstacle(log, root, &settings(config)).await.0)
}

/// As [`probe_drive`], and whether the log knows the drive.
pub(crate) async fn drive_state_and_obstacle(
    log: Option<&EventLog>,
    root: &Path,
    settings: &DriveSettings,
) -> (DriveState, Option<DriveError>) {
    let (root, settings) = (root.to_owned(), *settings);
    let probe = move || (probe_drive(&root, &settings), Drive::open(&root, &settings).ok());
    let ((mut state, mut obstacle), drive) = blocking(probe).await;
    if let (None, Some(drive), Some(log)) = (&obstacle, drive, log)
        && let Err(error) = uses::check(log, &drive).await
    {
        state.state = state_code(&error);
        obstacle = Some(error);
    }
    (state, obstacle)
}

/// The state of the drive at `root`, and what prevents its use. Blocks.
pub(crate) fn probe_drive(root: &Path, settings: &DriveSettings) -> (DriveState, Option<DriveError>) {
    let known = Drive::look(root).ok();
    let obstacle = Drive::open(root, settings).err();
    let state = match &obstacle {
        None => READY.to_owned(),
        Some(error) => state_code(error),
    };
    let state = DriveState {
        id: known.as_ref().map(|(identity, _)| identity.id),
        label: known.as_ref().map(|(identity, _)| identity.label.clone()),
        state,
        free_bytes: known.as_ref().map(|(_, space)| space.free.0),
    };
    (state, obstacle)
}

fn state_code(error: &DriveError) -> String {
    error.obstacle().map_or_else(|| "drive-failing".to_owned(), |alarm| alarm.kind.code().to_owned())
}

/// How long to search for foreign files: a person waits.
const MAX_SEARCH: Duration = Duration::from_secs(5);
const PATH_CHARS: usize = 120;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) what: String,
    pub(crate) step: String,
    /// Whether no copy is proven on the drive while it is so.
    pub(crate) stops_the_job: bool,
}

impl Remark {
    pub(crate) fn new(what: impl Into<String>, step: impl Into<String>) -> Self {
        Self { what: what.into(), step: step.into(), stops_the_job: false }
    }
}

/// If the drive shares one of these disks, one failure loses original and copy.
pub(crate) fn disks_not_to_share(config: Option<&Config>) -> Vec<(DiskOf, PathBuf)> {
    let system = (DiskOf::System, PathBuf::from("/"));
    let log = config.map(|config| (DiskOf::Log, config.data_dir.clone()));
    let documents = config.map(|config| (DiskOf::Documents, config.server.documents.clone()));
    [Some(system), log, documents].into_iter().flatten().collect()
}

/// What else is on the drive's disk; `None`: it has a disk of its own. Blocks.
pub(crate) fn whose_disk(root: &Path, config: Option<&Config>) -> Option<&'static str> {
    match shared_with(root, &disks_not_to_share(config))? {
        DiskOf::System => Some("the system"),
        DiskOf::Log => Some("the log"),
        DiskOf::Documents => Some("the documents"),
        DiskOf::Own | DiskOf::Memory => None,
    }
}

pub(crate) async fn remarks_with(log: Option<&EventLog>, root: &Path, config: Option<&Config>) -> Vec<Remark> {
    let (place, settings) = (root.to_owned(), config.cloned());
    let look = move || (remarks(&place, settings.as_ref()), Drive::open(&place, &DriveSettings::default()).ok());
    let (mut remarks, drive) = blocking(look).await;
    if let (Some(log), Some(drive)) = (log, drive) {
        remarks.extend(uses::remark(log, &drive).await);
    }
    remarks
}

/// Remarks about the drive at `root` that need no log. Blocks.
pub(crate) fn remarks(root: &Path, config: Option<&Config>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if let Some(whose) = whose_disk(root, config) {
        let what = format!("the drive is on the disk of {whose}: if that disk fails, the copies are lost with it");
        remarks.push(Remark::new(what, "mount a drive of its own there"));
    }
    remarks.extend(cached(root, config.is_some_and(|config| config.verify.require == Require::Device)));
    remarks.extend(foreign(root));
    let unicode = Drive::open(root, &DriveSettings::default()).and_then(|drive| drive.holds_unicode());
    if unicode.is_ok_and(|held| !held) {
        remarks.push(Remark::new(
            "as it is mounted, the drive holds no letters beyond ASCII, so that names with such letters are escaped",
            "mount it with UTF-8 (`-o utf8`, `-o iocharset=utf8`; ntfs-3g under a UTF-8 locale) to have them as they are",
        ));
    }
    remarks
}

/// With `device_only`, the default, verify proves no copy that is read through a cache. Blocks.
fn cached(root: &Path, device_only: bool) -> Option<Remark> {
    let (why, step) = Drive::backing_of(root).ok()?.reason()?;
    let otherwise = if device_only { strongroom_verify::OR_CACHED } else { "" };
    Some(Remark {
        what: format!("copies can only be read back through a cache: {why}"),
        step: format!("{step}{otherwise}"),
        stops_the_job: device_only,
    })
}

/// Files in the bags that are not ours, if there are any. Blocks.
fn foreign(root: &Path) -> Option<Remark> {
    let since = Instant::now();
    let drive = Drive::open(root, &DriveSettings::default()).ok()?;
    let found = drive.foreign(|| since.elapsed() < MAX_SEARCH).ok().filter(|found| found.files > 0)?;
    let mut named: Vec<_> = found.named.iter().map(|path| printable(path, PATH_CHARS)).collect();
    if found.files > named.len() as u64 {
        named.push("…".to_owned());
    }
    let at_least = if found.ended_early { "at least " } else { "" };
    let files = if found.files == 1 { "file in the bags is" } else { "files in the bags are" };
    let what = format!(
        "{at_least}{} {files} not Strongroom's ({}): a BagIt validator calls such a bag incomplete, `sha256sum -c` passes",
        found.files,
        named.join(", ")
    );
    Some(Remark::new(what, "leave them, for the copies are good; or delete them by hand before a validator is run"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_that_can_only_be_read_through_a_cache_stops_the_job_unless_that_is_enough() {
        // In memory there is nothing else to read than a cache.
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        Drive::init(folder.path(), "blue 1", "2026-11-20T23:00:00Z".parse().unwrap()).unwrap();
        let strict = cached(folder.path(), true).unwrap();
        assert!(
            strict.stops_the_job
                && strict.step.ends_with(
                    "or set `verify.require = \"cached\"`: such copies prove less, and no purge counts them"
                ),
            "{strict:?}"
        );
        let enough = cached(folder.path(), false).unwrap();
        assert!(!enough.stops_the_job && !enough.step.contains("verify.require"), "{enough:?}");
    }

    #[test]
    fn what_a_desktop_leaves_in_a_bag_is_told_with_names_that_a_terminal_bears() {
        let folder = tempfile::tempdir().unwrap();
        Drive::init(folder.path(), "blue 1", "2026-11-20T23:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(foreign(folder.path()), None);
        let data = folder.path().join("kestrel/2026-11/data");
        std::fs::create_dir_all(&data).unwrap();
        for name in [".DS_Store", "a\u{1b}[31m\nred"] {
            std::fs::write(data.join(name), "x").unwrap();
        }
        let remark = foreign(folder.path()).unwrap();
        assert_eq!(
            remark.what,
            "2 files in the bags are not Strongroom's (kestrel/2026-11/data/.DS_Store, \
             kestrel/2026-11/data/a\\u{1b}[31m\\nred): a BagIt validator calls such a bag incomplete, `sha256sum -c` passes"
        );
        assert_eq!(std::fs::read_dir(data).unwrap().count(), 2, "nothing is deleted");
    }

    #[test]
    fn a_folder_that_was_never_set_up_has_no_identity_and_says_what_to_type() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x"), "x").unwrap();
        let (state, obstacle) = probe_drive(folder.path(), &DriveSettings::default());
        assert_eq!((state.id, state.state.as_str()), (None, "drive-unknown"));
        assert!(obstacle.unwrap().next_step().contains("strongroom drive init"));
    }

    #[test]
    fn a_full_drive_still_says_who_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Drive::init(folder.path(), "blue 1", "2026-11-20T23:00:00Z".parse().unwrap()).unwrap();
        let greedy = DriveSettings { reserve: Some(strongroom_model::ByteCount(u64::MAX / 2)), expect: None };
        let (state, obstacle) = probe_drive(folder.path(), &greedy);
        assert_eq!((state.id, state.state.as_str()), (Some(identity.id), "drive-full"));
        assert!(obstacle.is_some() && state.free_bytes.is_some());
    }
}
