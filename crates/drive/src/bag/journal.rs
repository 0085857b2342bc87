//! A bag's journal: the copies proven since its manifest was last written. `sha256sum -c` reads it and skips lines that
//! begin with `#`:
//!
//! ```text
//! # Copies proven since manifest-sha256.txt was last written: sha256sum -c journal-sha256.txt
//! # journal 5f0d3c2b1a998877
//! <sha256>  data/B-1/timesheet.pdf
//! # sha256 of all above: <sha256>
//! <sha256>  data/B-2/timesheet.pdf
//! # sha256 of all above: <sha256>
//! ```
//!
//! A batch ends with the digest of all bytes before that line, which tells a complete batch from a torn append. The
//! number tells one journal from the next.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};

use strongroom_files::at::{read_at, write_all_at};
use strongroom_files::within::{create_in, remove_in};
use strongroom_files::{Creation, Handle, Refusal, Stat, faulted};
use strongroom_model::Algorithm;
use strongroom_model::digest::Hasher;
use strongroom_service::{fault, kill_point};

use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::manifest::{self, MAX_LINE_BYTES, Manifest};
use crate::mount::{FILE_MODE, Mount};
use crate::relative::Relative;
use crate::seen::FileVersion;

pub(crate) const FILE: &str = "journal-sha256.txt";

const INTRODUCTION: &str =
    "# Copies proven since manifest-sha256.txt was last written: sha256sum -c journal-sha256.txt\n";
const NUMBER: &str = "# journal ";
const NUMBER_HEX: usize = 16;
const HEAD_BYTES: usize = INTRODUCTION.len() + NUMBER.len() + NUMBER_HEX + 1;
const CHECK: &str = "# sha256 of all above: ";

/// Tens of thousands of lines; verify lists a few hundred at a time.
pub(super) const MAX_BATCH_BYTES: usize = 8 << 20;

/// Up to the end of the last complete batch.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    head: Vec<u8>,
    end: u64,
    /// Of all bytes before `end`.
    hasher: Hasher,
    pub(super) stamp: FileVersion,
    pub(super) rest: Rest,
}

/// The bytes after the last complete batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rest {
    Nothing,
    /// An append in progress or of a dead process. Nobody relies on it.
    Unfinished,
    /// Not an append's; its lines may have been listed once.
    Damaged(String),
}

pub(super) struct Read {
    pub(super) journal: Journal,
    pub(super) added: Manifest,
    pub(super) goes_on: bool,
}

impl Journal {
    pub(super) const fn len(&self) -> u64 {
        self.end
    }

    fn beginning(head: Vec<u8>, stamp: FileVersion) -> Self {
        Self { head, end: 0, hasher: Hasher::new(Algorithm::Sha256), stamp, rest: Rest::Nothing }
    }

    /// Reads the batches from `end` on.
    fn read_on(&mut self, file: &File) -> io::Result<Manifest> {
        let (mut added, mut hasher) = (Manifest::default(), self.hasher.clone());
        let (mut batch, mut line) = (Vec::new(), Vec::new());
        self.rest = Rest::Nothing;
        let mut from = file;
        from.seek(SeekFrom::Start(self.end))?;
        let mut from = BufReader::with_capacity(64 << 10, from);
        loop {
            line.clear();
            if from.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if !line.ends_with(b"\n") || batch.len() > HEAD_BYTES + MAX_BATCH_BYTES {
                self.rest = match from.fill_buf()?.is_empty() {
                    true => Rest::Unfinished,
                    false => Rest::Damaged("it has a line that is longer than any path".to_owned()),
                };
                return Ok(added);
            }
            let Some(check) = line.strip_prefix(CHECK.as_bytes()) else {
                hasher.update(&line);
                batch.extend_from_slice(&line);
                continue;
            };
            if check.strip_suffix(b"\n") != Some(hasher.clone().finish().hex().as_bytes()) {
                self.rest =
                    Rest::Damaged(format!("what stands in it from byte {} on is not what was written", self.end));
                return Ok(added);
            }
            if let Err(reason) = list(&batch, &mut added) {
                self.rest = Rest::Damaged(reason);
                return Ok(added);
            }
            hasher.update(&line);
            self.end += (batch.len() + line.len()) as u64;
            self.hasher = hasher.clone();
            batch.clear();
        }
        if !batch.is_empty() {
            self.rest = Rest::Unfinished;
        }
        Ok(added)
    }
}

fn list(batch: &[u8], into: &mut Manifest) -> Result<(), String> {
    let text = std::str::from_utf8(batch).map_err(|_| "it is not UTF-8 text".to_owned())?;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (path, sha256) = manifest::parse_line(line).ok_or("it has a line that is not a digest and path")?;
        into.insert(path, &sha256).map_err(|_| format!("it lists {path} with two digests"))?;
    }
    Ok(())
}

/// Opens a manifest or a journal, if it exists.
pub(super) fn open(mount: &Mount, path: &Relative) -> Result<Option<(File, Stat)>, DriveError> {
    let file = match mount.top.file(path) {
        Ok(file) => file,
        Err(error) => match Refusal::of(&error) {
            Some(Refusal::Missing) => return Ok(None),
            Some(Refusal::NotFile | Refusal::Link) => return Err(bad(mount, path, "it is not a plain file")),
            _ => return Err(mount.error(Operation::Open, path, error)),
        },
    };
    let stat = Stat::of(&file).map_err(|error| mount.error(Operation::Read, path, error))?;
    Ok(Some((file, stat)))
}

/// Reads a journal, or its continuation if it is `known`. Without the manifests' lock an append may be in progress.
pub(super) fn read(mount: &Mount, path: &Relative, known: Option<&Journal>) -> Result<Option<Read>, DriveError> {
    let Some((file, stat)) = open(mount, path)? else { return Ok(None) };
    let unread = |error| mount.error(Operation::Read, path, error);
    let head = head_of(&file).map_err(unread)?;
    if let Some(known) = known.filter(|known| known.head == head && known.end <= stat.size) {
        let mut journal = Journal { stamp: FileVersion::of(&stat), ..known.clone() };
        match journal.read_on(&file) {
            // It may have been cut back after a failed append: read all of it again.
            Ok(_) if matches!(journal.rest, Rest::Damaged(_)) => {}
            Ok(added) => return Ok(Some(Read { journal, added, goes_on: true })),
            Err(error) => return Err(unread(error)),
        }
    }
    let mut journal = Journal::beginning(head, FileVersion::of(&stat));
    let added = match journal.read_on(&file) {
        Ok(added) => added,
        Err(error) => {
            // `QuarantinedLines` reads it block by block in the quarantine.
            journal =
                Journal { rest: Rest::Damaged(error.to_string()), ..Journal::beginning(journal.head, journal.stamp) };
            Manifest::default()
        }
    };
    Ok(Some(Read { journal, added, goes_on: false }))
}

pub(crate) fn whole_batches(file: &File) -> Manifest {
    Journal::beginning(Vec::new(), FileVersion::default()).read_on(file).unwrap_or_default()
}

pub(super) fn bad(mount: &Mount, path: &Relative, reason: impl Into<String>) -> DriveError {
    DriveErrorKind::BadManifest(reason.into()).at(&mount.root).about(path)
}

fn head_of(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD_BYTES];
    let mut read = 0;
    while read < HEAD_BYTES {
        match read_at(file, &mut head[read..], read as u64)? {
            0 => break,
            count => read += count,
        }
    }
    head.truncate(read);
    Ok(head)
}

/// Appends a batch, durably, or begins a journal. Needs the manifests' lock, and a journal that ends with a complete
/// batch.
pub(super) fn append(
    mount: &Mount,
    folder: impl Handle,
    bag: &Relative,
    known: Option<&Journal>,
    lines: &[u8],
) -> Result<(), DriveError> {
    let path = bag.join(FILE);
    let error = |action| move |source: io::Error| (action, source);
    let (bytes, at) = batch(known, lines);
    let creation = if known.is_some() { Creation::OrOpen } else { Creation::New };
    let file = create_in(&folder, FILE, creation, FILE_MODE)
        .map_err(|source| mount.error(Operation::Create, &path, source))?;
    let appended = faulted(|| fault!("drive.journal"))
        .and_then(|()| write_all_at(&file, &bytes, at))
        .map_err(error(Operation::Write))
        .and_then(|()| {
            kill_point!("drive.journal-written");
            // If we stop here, or during the write, the batch may be lost. Nobody relies on it: the copies are proven
            // again.
            mount.sync_file(&file).map_err(error(Operation::Sync))
        })
        .and_then(|()| {
            if known.is_none() {
                kill_point!("drive.journal-begun");
                mount.sync_folder(bag).map_err(error(Operation::Sync))?;
            }
            Ok(())
        });
    if let Err((action, source)) = appended {
        // A failed sync is not repeated (fsync(2)), and nothing may build on it: the batch is cut off, and the next
        // append rewrites these bytes. It may also hold the last room of a full drive.
        let _ = if known.is_some() { file.set_len(at) } else { remove_in(folder, FILE).map(drop) };
        return Err(mount.error(action, &path, source));
    }
    kill_point!("drive.journal-synced");
    Ok(())
}

fn batch(known: Option<&Journal>, lines: &[u8]) -> (Vec<u8>, u64) {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + lines.len() + CHECK.len() + 65);
    let (mut hasher, at) = match known {
        Some(known) => (known.hasher.clone(), known.end),
        None => {
            // Different from other journals', not secret.
            let number = RandomState::new().hash_one(FILE);
            bytes.extend_from_slice(format!("{INTRODUCTION}{NUMBER}{number:0NUMBER_HEX$x}\n").as_bytes());
            (Hasher::new(Algorithm::Sha256), 0)
        }
    };
    bytes.extend_from_slice(lines);
    hasher.update(&bytes);
    bytes.extend_from_slice(format!("{CHECK}{}\n", hasher.finish().hex()).as_bytes());
    (bytes, at)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_largest_batch_that_begins_a_journal_is_read_back_whole() {
        let comment = format!("#{}\n", "x".repeat(4094));
        let lines = comment.repeat(MAX_BATCH_BYTES / comment.len()).into_bytes();
        assert_eq!(lines.len(), MAX_BATCH_BYTES);
        let (bytes, _) = batch(None, &lines);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let mut journal = Journal::beginning(Vec::new(), FileVersion::default());
        journal.read_on(&file).unwrap();
        assert_eq!((journal.rest, journal.end), (Rest::Nothing, bytes.len() as u64));
    }
}
