//! The identity of a folder that jobs write to: `<folder>/.strongroom/target.json`.
//!
//! A disk that is not mounted leaves an empty folder, and a share that was swapped has other files in it: neither has
//! the identity, so nothing is written to them (rule R6).

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom_model::TargetId;
use strongroom_model::text::printable;
use strongroom_service::kill_point;

/// The folder that holds the identity; kinds leave it out of what they copy, compare and delete.
pub const FOLDER: &str = ".strongroom";
const FILE: &str = "target.json";
const DRAFT: &str = "target.json.part";
const FORMAT: u32 = 1;
/// Identities have a few hundred bytes.
const MAX_BYTES: u64 = 64 * 1024;
/// Fits a sticker and a line of a list.
const MAX_LABEL_CHARS: usize = 64;

/// A target's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetIdentity {
    /// The format's version.
    pub format: u32,
    /// The target's unique id.
    pub id: TargetId,
    /// What people call it.
    pub label: String,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// A folder with an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The folder that has the identity: the one that is written to, or one above it.
    pub root: PathBuf,
    /// Its identity.
    pub identity: TargetIdentity,
}

/// Why a folder cannot be used as a target.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// No folder on the way has an identity.
    #[error("{path} is in no target: nothing is mounted there, or it was never set up", path = .0.display())]
    NoIdentity(PathBuf),
    /// The identity is another one than expected.
    #[error("{path} is target {found}, not {expected}: another disk or share is mounted there", path = .root.display())]
    Another {
        /// The folder with the identity.
        root: PathBuf,
        /// The identity there.
        found: TargetId,
        /// The job's.
        expected: TargetId,
    },
    /// It was set up before.
    #[error("{path} is set up already: target {id}, {label:?}", path = .root.display(), id = .identity.id, label = .identity.label)]
    Already {
        /// The folder with the identity.
        root: PathBuf,
        /// The identity there.
        identity: Box<TargetIdentity>,
    },
    /// It is the target, and the folder in it, which was copied to before, is gone.
    #[error("the folder {path} is not in target {label:?} any more, though the job has copied to it", path = .folder.display())]
    Gone {
        /// The folder.
        folder: PathBuf,
        /// The target's label.
        label: String,
    },
    /// The label does not fit.
    #[error("{0:?} cannot be a label: write up to {MAX_LABEL_CHARS} characters on one line")]
    BadLabel(String),
    /// The file cannot be understood.
    #[error("the identity {path} cannot be used: {why}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file system refuses.
    #[error("{action} {path}", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
}

impl TargetError {
    /// What a person can do.
    #[must_use]
    pub const fn next_step(&self) -> &'static str {
        match self {
            Self::NoIdentity(_) => "mount the target; a new one is set up with `strongroom target init FOLDER`",
            Self::Another { .. } => "mount the right target; or name this one in the job's `target_id`",
            Self::Already { .. } => "use it as it is: the job finds its identity by itself",
            Self::Gone { .. } => {
                "put the folder back, or name its new place in the job's `target`; to copy everything anew, make the folder"
            }
            Self::BadLabel(_) => "choose another label",
            Self::Damaged { .. } => {
                "restore the file from the folder's own backup, or move it away and set the folder up again"
            }
            Self::Io { .. } => "check that the folder is there, and that this user may write to it",
        }
    }
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TargetError {
    let path = path.to_owned();
    move |source| TargetError::Io { action, path, source }
}

impl Target {
    /// Gives the folder an identity, durably.
    ///
    /// # Errors
    /// The folder is missing, is set up already, or cannot be written to.
    pub fn init(folder: &Path, label: &str, now: Timestamp) -> Result<Self, TargetError> {
        if label.is_empty() || label.chars().count() > MAX_LABEL_CHARS || printable(label, MAX_LABEL_CHARS) != label {
            return Err(TargetError::BadLabel(printable(label, MAX_LABEL_CHARS)));
        }
        let root = folder.canonicalize().map_err(at("cannot open the folder", folder))?;
        if let Some(identity) = read(&root)? {
            return Err(TargetError::Already { root, identity: Box::new(identity) });
        }
        let inner = root.join(FOLDER);
        std::fs::create_dir_all(&inner).map_err(at("cannot make the folder", &inner))?;
        let identity =
            TargetIdentity { format: FORMAT, id: TargetId::random(), label: label.to_owned(), created_at: now };
        let mut bytes = serde_json::to_vec_pretty(&identity).expect("an identity has string keys only");
        bytes.push(b'\n');
        let (draft, file) = (inner.join(DRAFT), inner.join(FILE));
        let written = File::create(&draft).and_then(|mut to| to.write_all(&bytes).and_then(|()| to.sync_all()));
        written.map_err(at("cannot write", &draft))?;
        // If we stop here, the folder is not set up, and the next attempt begins anew.
        kill_point!("target.identity-written");
        std::fs::rename(&draft, &file).map_err(at("cannot rename", &draft))?;
        // If we stop here, a power cut may undo the rename: no job has used the identity yet.
        for folder in [&inner, &root] {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(at("cannot sync", folder))?;
        }
        Ok(Self { root, identity })
    }

    /// The target that a folder, which need not exist yet, is in: the nearest folder above that has an identity.
    ///
    /// # Errors
    /// None has, or one cannot be read.
    pub fn of(folder: &Path) -> Result<Self, TargetError> {
        for root in folder.ancestors() {
            if let Some(identity) = read(root)? {
                return Ok(Self { root: root.to_owned(), identity });
            }
        }
        Err(TargetError::NoIdentity(folder.to_owned()))
    }

    /// The same, if it is the expected one; whichever it is, if none is expected.
    ///
    /// # Errors
    /// As for [`Target::of`], and for another identity.
    pub fn expected(folder: &Path, expected: Option<TargetId>) -> Result<Self, TargetError> {
        let target = Self::of(folder)?;
        match expected.filter(|expected| *expected != target.identity.id) {
            None => Ok(target),
            Some(expected) => Err(TargetError::Another { root: target.root, found: target.identity.id, expected }),
        }
    }

    /// The same, with the folder in it. It is made for a job that has copied nothing to it yet: kinds make none
    /// themselves, since it could be an empty mount point, and below the identity it is not. A folder that was copied to
    /// and is gone was moved or deleted: a full copy beside the lost one would hide that.
    ///
    /// # Errors
    /// As for [`Target::expected`], and if the folder is gone, or cannot be made.
    pub fn prepared(folder: &Path, expected: Option<TargetId>, has_copied: bool) -> Result<Self, TargetError> {
        let target = Self::expected(folder, expected)?;
        let is_gone = matches!(folder.metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound);
        if has_copied && is_gone {
            return Err(TargetError::Gone { folder: folder.to_owned(), label: target.identity.label });
        }
        std::fs::create_dir_all(folder).map_err(at("cannot make the folder", folder))?;
        Ok(target)
    }
}

/// The identity that a folder has; `None`: it has none.
fn read(root: &Path) -> Result<Option<TargetIdentity>, TargetError> {
    let path = root.join(FOLDER).join(FILE);
    let mut bytes = Vec::new();
    match File::open(&path) {
        Ok(file) => file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(at("cannot read", &path))?,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(at("cannot read", &path)(error)),
    };
    let damaged = |why: String| TargetError::Damaged { path: path.clone(), why };
    let identity: TargetIdentity = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if identity.format != FORMAT {
        let format = identity.format;
        return Err(damaged(format!("it has format {format}, this version reads {FORMAT}: upgrade strongroom")));
    }
    Ok(Some(TargetIdentity { label: printable(&identity.label, MAX_LABEL_CHARS), ..identity }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T22:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_folder_below_a_target_is_in_it_also_before_it_exists() {
        let disk = tempfile::tempdir().unwrap();
        let made = Target::init(disk.path(), "Blue", now()).unwrap();
        let found = Target::of(&disk.path().canonicalize().unwrap().join("documents/of/ann")).unwrap();
        assert_eq!(found, made);
        assert!(Target::expected(disk.path(), Some(made.identity.id)).is_ok());
    }

    #[test]
    fn a_folder_is_made_for_the_first_copy_and_not_for_a_later_one() {
        let disk = tempfile::tempdir().unwrap();
        Target::init(disk.path(), "Blue", now()).unwrap();
        let folder = disk.path().join("documents");
        Target::prepared(&folder, None, false).unwrap();
        Target::prepared(&folder, None, true).unwrap();
        std::fs::rename(&folder, disk.path().join("renamed")).unwrap();
        let gone = Target::prepared(&folder, None, true).unwrap_err();
        assert!(matches!(&gone, TargetError::Gone { label, .. } if label == "Blue"), "{gone}");
        assert!(!folder.exists());
    }

    #[test]
    fn r6_an_empty_mount_point_and_another_disk_are_no_target() {
        let (empty, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert!(matches!(Target::of(empty.path()), Err(TargetError::NoIdentity(_))));
        Target::init(disk.path(), "Blue", now()).unwrap();
        let other = Target::expected(disk.path(), Some(TargetId::random()));
        assert!(matches!(other, Err(TargetError::Another { .. })));
    }

    #[test]
    fn an_identity_is_given_once_and_a_damaged_one_is_named() {
        let disk = tempfile::tempdir().unwrap();
        let made = Target::init(disk.path(), "Blue", now()).unwrap();
        let again = Target::init(disk.path(), "Red", now());
        assert!(matches!(again, Err(TargetError::Already { identity, .. }) if *identity == made.identity));
        let file = disk.path().join(FOLDER).join(FILE);
        for (bytes, part) in [("", "EOF"), ("{}", "missing field"), ("\0\0", "expected value")] {
            std::fs::write(&file, bytes).unwrap();
            let error = Target::of(disk.path()).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("target.json"), "{error}");
        }
    }

    #[test]
    fn a_label_is_short_and_printable() {
        let disk = tempfile::tempdir().unwrap();
        for bad in ["", "a\nb", "a\u{202e}b", &"x".repeat(65)] {
            assert!(matches!(Target::init(disk.path(), bad, now()), Err(TargetError::BadLabel(_))), "{bad:?}");
        }
    }
}
