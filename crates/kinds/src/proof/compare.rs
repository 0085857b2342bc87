//! Two trees compared by content.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use data_encoding::BASE64;
use strongroom_files::{Backing, Beneath, Policy, Stat};
use strongroom_plugin::protocol::{Item, ItemOutcome};
use strongroom_plugin::{Cancelled, Speaker};

use crate::progress::Progress;
use crate::proof::read_back::{Method, ReadBuffer, hash, hash_past_cache};
use crate::proof::share::Share;
use crate::proof::walk::{Entry, Walk};

/// Paths that wait for a reader: enough that none waits for the walk.
const QUEUE_PATHS: usize = 256;
/// From here on, source and copy are read at the same time.
const MIN_PARALLEL_BYTES: u64 = 16 << 20;
/// Of those that changed, so many are named by each reader.
const MAX_CHANGED_ITEMS: u64 = 100;
/// Clocks of a file server and of this host may differ by so much.
const CLOCK_TOLERANCE_S: i64 = 2;

/// Nothing below is ever written by us.
pub(super) const READ_ONLY: Policy = Policy { one_file_system: false, file_mode: 0o600, folder_mode: 0o700 };

/// Which tree is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Every file of the source must have a copy.
    Source,
    /// Every copy must be what the source has: where patterns leave files out, which only the tool understands.
    Target,
}

/// What is compared.
#[derive(Debug)]
pub struct Job<'a> {
    /// The source.
    pub source: &'a Path,
    /// Its copy.
    pub target: &'a Path,
    /// Which of them is walked.
    pub base: Base,
    /// Which part is read.
    pub share: Share,
    /// When the last good proof began, in seconds since 1970: copies written since are read, whatever part they are of.
    pub verified_at_s: Option<i64>,
    /// When the last transfer began, in seconds since 1970: what changed in the source since is no damage.
    pub transferred_at_s: Option<i64>,
    /// How many files are read at once.
    pub readers: usize,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Copies with the bytes of the source.
    pub proven: u64,
    /// Of those, and of those that differ, the bytes that were read of the copy.
    pub bytes: u64,
    /// Files that changed in the source since they were copied, or that are newer than the copy: not proven.
    pub changed: u64,
    /// Their bytes in the source.
    pub changed_bytes: u64,
    /// Copies whose bytes differ.
    pub differ: u64,
    /// Files without a copy.
    pub missing: u64,
    /// What could not be read, on either side.
    pub unreadable: u64,
    /// Files of other parts.
    pub other_parts: u64,
    /// Copies that the source no longer has.
    pub extra: u64,
    /// The worst way in which a copy was read.
    pub method: Option<Method>,
    /// It was stopped before its end.
    pub is_cancelled: bool,
}

impl Comparison {
    /// Files that are not proven, though they should be.
    #[must_use]
    pub const fn bad(&self) -> u64 {
        self.differ + self.missing + self.unreadable
    }

    /// Files that were found on both sides, or should have been; those of other parts too.
    #[must_use]
    pub const fn looked_at(&self) -> u64 {
        self.proven + self.changed + self.bad() + self.other_parts
    }

    fn add(&mut self, other: &Self) {
        self.proven += other.proven;
        self.bytes += other.bytes;
        self.changed += other.changed;
        self.changed_bytes += other.changed_bytes;
        self.differ += other.differ;
        self.missing += other.missing;
        self.unreadable += other.unreadable;
        self.other_parts += other.other_parts;
        self.extra += other.extra;
        self.method = self.method.max(other.method);
        self.is_cancelled |= other.is_cancelled;
    }
}

/// Compares two trees. Memory does not grow with them. Each file that is not proven is said as an item.
///
/// # Errors
/// If either root cannot be opened.
pub fn compare(job: &Job<'_>, speaker: &Speaker) -> io::Result<Comparison> {
    let source = Beneath::open(job.source, READ_ONLY)?;
    let target = Beneath::open(job.target, READ_ONLY)?;
    // Dirty pages cannot be read past: what was just written must be on the device first.
    target.sync_all()?;
    let backing = Backing::of(File::open(job.target)?)?;
    let walk = Walk::new(if job.base == Base::Source { job.source } else { job.target })?;
    let (to, from) = mpsc::sync_channel::<PathBuf>(QUEUE_PATHS);
    let from = Mutex::new(from);
    let progress = Progress::new(speaker, "reading back");
    let pair = Pair { job, source: &source, target: &target, backing, speaker, progress: &progress };
    let mut found = Comparison::default();
    thread::scope(|scope| {
        let readers: Vec<_> = (0..job.readers.clamp(1, 16)).map(|_| scope.spawn(|| pair.read_all(&from))).collect();
        found = feed(walk, job, &target, &to, speaker);
        // The readers end with the queue.
        drop(to);
        for reader in readers {
            found.add(&reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    found.is_cancelled |= speaker.cancelled().is_set();
    Ok(found)
}

/// Hands each path of the share to the readers, and each whose copy nobody has read yet.
fn feed(walk: Walk, job: &Job<'_>, target: &Beneath, to: &mpsc::SyncSender<PathBuf>, speaker: &Speaker) -> Comparison {
    let mut found = Comparison::default();
    for entry in walk {
        if speaker.cancelled().is_set() {
            break;
        }
        match entry {
            Entry::File(path)
                if !job.share.has(path.as_os_str().as_encoded_bytes()) && !is_unread(job, target, &path) =>
            {
                found.other_parts += 1;
            }
            Entry::File(path) => {
                if to.send(path).is_err() {
                    break;
                }
            }
            Entry::Unreadable(path, error) => {
                found.unreadable += 1;
                speaker.item(item(&path, ItemOutcome::Unreadable, &error.to_string()));
            }
        }
    }
    found
}

/// Whether a copy was written since the last proof, by a time that no program can set back.
fn is_unread(job: &Job<'_>, target: &Beneath, path: &Path) -> bool {
    let Some(verified_at_s) = job.verified_at_s else { return false };
    let stat = target.stat(path).ok().flatten();
    stat.is_some_and(|stat| stat.changed.seconds >= verified_at_s - CLOCK_TOLERANCE_S)
}

struct Pair<'a> {
    job: &'a Job<'a>,
    source: &'a Beneath,
    target: &'a Beneath,
    backing: Backing,
    speaker: &'a Speaker,
    progress: &'a Progress<'a>,
}

impl Pair<'_> {
    fn read_all(&self, from: &Mutex<mpsc::Receiver<PathBuf>>) -> Comparison {
        let mut found = Comparison::default();
        let mut buffer = ReadBuffer::default();
        let cancelled: &Cancelled = self.speaker.cancelled();
        loop {
            let next = from.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(path) = next else { return found };
            if cancelled.is_set() {
                // The walk must not wait for us: what is queued is taken and left.
                continue;
            }
            self.read(&path, &mut buffer, &mut found);
        }
    }

    fn read(&self, path: &Path, buffer: &mut ReadBuffer, found: &mut Comparison) {
        let copy = self.target.file(path);
        let original = match self.source.file(path) {
            Ok(original) => original,
            Err(error) if is_missing(&error) => {
                // Deleted since it was listed or copied: what the copy has of it, the source no longer has.
                found.extra += 1;
                return;
            }
            Err(error) => return self.unreadable(path, "the source", &error, found),
        };
        let stat = match Stat::of(&original) {
            Ok(stat) => stat,
            Err(error) => return self.unreadable(path, "the source", &error, found),
        };
        let copy = match copy {
            Ok(copy) => copy,
            Err(error) if is_missing(&error) => {
                if self.is_newer(&stat) {
                    self.changed(path, stat.size, "it is newer than the last run, and has no copy", found);
                } else {
                    found.missing += 1;
                    self.speaker.item(item(path, ItemOutcome::Failed, "it has no copy"));
                }
                return;
            }
            Err(error) => return self.unreadable(path, "the copy", &error, found),
        };
        match self.read_both(&original, &stat, &copy, buffer) {
            Ok(Read::Same { size, method }) => {
                found.proven += 1;
                found.bytes += size;
                found.method = found.method.max(Some(method));
                self.progress.file(size);
            }
            Ok(Read::Changed) => {
                self.changed(path, stat.size, "it changed since the last run: its copy is not proven", found);
            }
            Ok(Read::Differs) => {
                found.differ += 1;
                self.speaker.item(item(path, ItemOutcome::Differs, "the copy has other bytes than the source"));
            }
            Err((_, error)) if error.kind() == io::ErrorKind::Interrupted => found.is_cancelled = true,
            Err((side, error)) => self.unreadable(path, side, &error, found),
        }
    }

    fn read_both(
        &self,
        original: &File,
        stat: &Stat,
        copy: &File,
        buffer: &mut ReadBuffer,
    ) -> Result<Read, (&'static str, io::Error)> {
        let of_copy = Stat::of(copy).map_err(|error| ("the copy", error))?;
        // The tools give a copy its source's time: one that still has it, and other bytes, would never be copied again.
        let is_newer = self.is_newer(stat) && of_copy.modified != stat.modified;
        if of_copy.size != stat.size {
            return Ok(if is_newer { Read::Changed } else { Read::Differs });
        }
        let go_on = || {
            self.progress.alive();
            !self.speaker.cancelled().is_set()
        };
        let read_copy = |buffer: &mut ReadBuffer| hash_past_cache(copy, &of_copy, self.backing, buffer, &go_on);
        let read_original = |buffer: &mut ReadBuffer| hash(original, stat.size, buffer, &go_on);
        // Both at once where a file takes longer than a thread does to start.
        let (copied, expected) = if stat.size > MIN_PARALLEL_BYTES {
            thread::scope(|scope| {
                let other = scope.spawn(|| read_original(&mut ReadBuffer::default()));
                let copied = read_copy(buffer);
                (copied, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        } else {
            (read_copy(buffer), read_original(buffer))
        };
        let (copied, method) = copied.map_err(|error| ("the copy", error))?;
        let expected = match expected {
            Ok(expected) => expected,
            // Cut short while it was being read.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Read::Changed),
            Err(error) => return Err(("the source", error)),
        };
        if copied == expected {
            return Ok(Read::Same { size: stat.size, method });
        }
        let is_changing = Stat::of(original).is_ok_and(|now| !now.is_same_content(stat));
        Ok(if is_changing || is_newer { Read::Changed } else { Read::Differs })
    }

    /// Whether the source's file changed since the last transfer began: bytes, name or attributes, which no program
    /// can set back.
    fn is_newer(&self, stat: &Stat) -> bool {
        self.job.transferred_at_s.is_some_and(|at| stat.changed.seconds >= at - CLOCK_TOLERANCE_S)
    }

    fn changed(&self, path: &Path, size: u64, message: &str, found: &mut Comparison) {
        found.changed += 1;
        found.changed_bytes += size;
        // The first ones are enough: most of them name a run that is long ago, not a file.
        if found.changed <= MAX_CHANGED_ITEMS {
            self.speaker.item(item(path, ItemOutcome::Skipped, message));
        }
    }

    fn unreadable(&self, path: &Path, side: &str, error: &io::Error, found: &mut Comparison) {
        found.unreadable += 1;
        self.speaker.item(item(path, ItemOutcome::Unreadable, &format!("{side} cannot be read: {error}")));
    }
}

enum Read {
    Same { size: u64, method: Method },
    Changed,
    Differs,
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// An item with its path's exact bytes where it is not Unicode.
pub(crate) fn item(path: &Path, outcome: ItemOutcome, message: &str) -> Item {
    let path_b64 = path.to_str().is_none().then(|| BASE64.encode(path.as_os_str().as_encoded_bytes()));
    Item { path_b64, message: Some(message.to_owned()), ..Item::new(path.to_string_lossy(), outcome) }
}
