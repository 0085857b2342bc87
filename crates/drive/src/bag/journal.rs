//! What a month's bag lists beyond its manifest: the copies that were proven since that was written whole.
//!
//! It is text in the form that `sha256sum -c` reads, beside the manifest, in which lines that begin with `#` are skipped:
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
//! Each batch ends with the digest of all bytes before that line, so that what a kill or a power cut left of an append is
//! told from a batch that was written whole; the number in its head tells one journal from the next.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};

use strongroom_files::at::{read_at, write_all_at};
use strongroom_files::within::{create_in, remove_in};
use strongroom_files::{Creation, Handle, Refusal, Stat, faulted};
use strongroom_model::Algorithm;
use strongroom_model::digest::Hasher;
use strongroom_service::{fault, kill_point};

use super::stamp::{Stamp, stamp_of};
use crate::error::{Action, DriveError, Kind};
use crate::manifest::{self, MAX_LINE_BYTES, Manifest};
use crate::mount::{FILE_MODE, Mount};
use crate::relative::Relative;

/// The journal's name in its bag.
pub(crate) const FILE: &str = "journal-sha256.txt";

const INTRODUCTION: &str =
    "# Copies proven since manifest-sha256.txt was last written: sha256sum -c journal-sha256.txt\n";
const NUMBER: &str = "# journal ";
const NUMBER_HEX: usize = 16;
const HEAD_BYTES: usize = INTRODUCTION.len() + NUMBER.len() + NUMBER_HEX + 1;
const CHECK: &str = "# sha256 of all above: ";

/// How large a batch can be, in bytes: tens of thousands of lines, where verify lists a few hundred at a time.
pub(super) const MAX_BATCH_BYTES: usize = 8 << 20;

/// A journal as it was last read, up to the end of its last whole batch.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    head: Vec<u8>,
    end: u64,
    /// Has seen all bytes up to `end`.
    hasher: Hasher,
    pub(super) stamp: Stamp,
    pub(super) rest: Rest,
}

/// What stands behind the last whole batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rest {
    Nothing,
    /// An append that is under way, or was when its process died: nobody relies on it.
    Unfinished,
    /// Something that no append leaves, and why it is none. It may have been listed once.
    Damaged(String),
}

/// What was read of a journal.
pub(super) struct Read {
    pub(super) journal: Journal,
    /// What it lists, from where it was known before.
    pub(super) added: Manifest,
    /// Whether it is the journal that was known, with something added.
    pub(super) goes_on: bool,
}

impl Journal {
    /// How long it is, in bytes.
    pub(super) const fn len(&self) -> u64 {
        self.end
    }

    fn beginning(head: Vec<u8>, stamp: Stamp) -> Self {
        Self { head, end: 0, hasher: Hasher::new(Algorithm::Sha256), stamp, rest: Rest::Nothing }
    }

    /// Reads on from where it was read to: what the batches from there on list.
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

/// Lists what the lines of a batch do.
fn list(batch: &[u8], into: &mut Manifest) -> Result<(), String> {
    let text = std::str::from_utf8(batch).map_err(|_| "it is not UTF-8 text".to_owned())?;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (path, sha256) = manifest::parse_line(line).ok_or("it has a line that is not a digest and path")?;
        into.insert(path, &sha256).map_err(|_| format!("it lists {path} with two digests"))?;
    }
    Ok(())
}

/// Reads a journal, or on from where it was `known`; `None`: there is none. Whoever does not hold the manifests' lock may see
/// an append that is under way.
pub(super) fn read(mount: &Mount, path: &Relative, known: Option<&Journal>) -> Result<Option<Read>, DriveError> {
    let file = match mount.top().file(path) {
        Ok(file) => file,
        Err(error) => match Refusal::of(&error) {
            Some(Refusal::Missing) => return Ok(None),
            Some(Refusal::NotFile | Refusal::Link) => return Err(bad(mount, path, "it is not a plain file")),
            _ => return Err(mount.error(Action::Open, path, error)),
        },
    };
    let unread = |error| mount.error(Action::Read, path, error);
    let stat = Stat::of(&file).map_err(unread)?;
    let head = head_of(&file).map_err(unread)?;
    if let Some(known) = known.filter(|known| known.head == head && known.end <= stat.size) {
        let mut journal = Journal { stamp: stamp_of(&stat), ..known.clone() };
        match journal.read_on(&file) {
            // Perhaps it was cut back to an earlier end since, after an append that failed: then all of it is read anew.
            Ok(_) if matches!(journal.rest, Rest::Damaged(_)) => {}
            Ok(added) => return Ok(Some(Read { journal, added, goes_on: true })),
            Err(error) => return Err(unread(error)),
        }
    }
    let mut journal = Journal::beginning(head, stamp_of(&stat));
    let added = match journal.read_on(&file) {
        Ok(added) => added,
        Err(error) => {
            // What can be read of it is found in the quarantine, as of a damaged manifest.
            journal =
                Journal { rest: Rest::Damaged(error.to_string()), ..Journal::beginning(journal.head, journal.stamp) };
            Manifest::default()
        }
    };
    Ok(Some(Read { journal, added, goes_on: false }))
}

/// What the whole batches of a journal list, from its beginning to wherever it can be relied on.
pub(crate) fn whole_batches(file: &File) -> Manifest {
    Journal::beginning(Vec::new(), Stamp::default()).read_on(file).unwrap_or_default()
}

/// That what lists a bag's files cannot be relied on.
pub(super) fn bad(mount: &Mount, path: &Relative, reason: impl Into<String>) -> DriveError {
    Kind::BadManifest(reason.into()).at(mount.root()).about(path)
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

/// Appends a batch, durably, to the journal as it was read, or begins one. Under the manifests' lock, and only where nothing
/// stands behind its last whole batch.
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
    let file =
        create_in(&folder, FILE, creation, FILE_MODE).map_err(|source| mount.error(Action::Create, &path, source))?;
    let appended = faulted(|| fault!("drive.journal"))
        .and_then(|()| write_all_at(&file, &bytes, at))
        .map_err(error(Action::Write))
        .and_then(|()| {
            kill_point!("drive.journal-written");
            // If we stop here, or in the midst of the write, what is there of the batch may be lost, and is relied on by
            // nobody: the copies are proven again.
            mount.sync_file(&file).map_err(error(Action::Sync))
        })
        .and_then(|()| {
            if known.is_none() {
                kill_point!("drive.journal-begun");
                mount.sync_folder(bag).map_err(error(Action::Sync))?;
            }
            Ok(())
        });
    if let Err((action, source)) = appended {
        // A sync that failed is not asked again, and what follows it must not rest on it. So it is cut off: the next append
        // writes these bytes anew. It may be what takes the last room of a full drive, besides.
        let _ = if known.is_some() { file.set_len(at) } else { remove_in(folder, FILE).map(drop) };
        return Err(mount.error(action, &path, source));
    }
    kill_point!("drive.journal-synced");
    Ok(())
}

/// The bytes of a batch, and where they are written.
fn batch(known: Option<&Journal>, lines: &[u8]) -> (Vec<u8>, u64) {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + lines.len() + CHECK.len() + 65);
    let (mut hasher, at) = match known {
        Some(known) => (known.hasher.clone(), known.end),
        None => {
            // Not to be guessed by anybody, only another one each time.
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
        let mut journal = Journal::beginning(Vec::new(), Stamp::default());
        journal.read_on(&file).unwrap();
        assert_eq!((journal.rest, journal.end), (Rest::Nothing, bytes.len() as u64));
    }
}
