//! A few random files restored from the newest snapshot, and compared with the source.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use strongroom_files::Stat;
use strongroom_plugin::Speaker;
use strongroom_plugin::protocol::{ItemOutcome, Outcome, Report, Retry};

use crate::progress::Progress;
use crate::proof::{ReadBuffer, hash, item};
use crate::report::not_started;
use crate::restic::settings::{Settings, tag};
use crate::tool::{Call, Stream, run};

/// What was restored.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// Equal to the source.
    pub(super) same: u64,
    /// Restored, and the source changed since.
    pub(super) changed: u64,
    /// Not restored, since their names are not Unicode, and the source does not have them to say which bytes they are.
    pub(super) unnamed: u64,
    pub(super) differ: u64,
    pub(super) failed: u64,
    pub(super) bytes: u64,
}

/// The same run chooses the same files, so that a failure can be looked at again.
pub(super) fn seed(run: &str, part: u16) -> u64 {
    let digest = Sha256::new().chain_update(run).chain_update(part.to_be_bytes()).finalize();
    u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"))
}

/// Restores into a hash, not onto a disk: nothing needs room, and nothing is left.
///
/// # Errors
/// The report, if there is no snapshot to restore from.
pub(super) fn restore(
    settings: &Settings,
    job: &str,
    seed: u64,
    transferred_at_s: Option<i64>,
    speaker: &Speaker,
    call: &Call,
) -> Result<Restored, Box<Report>> {
    let mut restored = Restored::default();
    let (snapshot, paths) = choose(settings, job, seed, speaker, call)?;
    for path in paths {
        if speaker.cancelled().is_set() {
            return Err(Box::new(Report::new(Outcome::Cancelled, "The proof was cancelled.")));
        }
        let Some(path) = exact(&path) else {
            restored.unnamed += 1;
            let message = "its name is not Unicode, and the source does not have it to say which bytes that are";
            speaker.item(item(Path::new(&path), ItemOutcome::Skipped, message));
            continue;
        };
        one(&snapshot, &path, transferred_at_s, speaker, call, &mut restored)?;
    }
    Ok(restored)
}

/// Some files of the newest snapshot of this job, each with the same chance (reservoir sampling).
fn choose(
    settings: &Settings,
    job: &str,
    seed: u64,
    speaker: &Speaker,
    call: &Call,
) -> Result<(String, Vec<String>), Box<Report>> {
    struct Chosen {
        snapshot: String,
        paths: Vec<String>,
        seen: u64,
        random: fastrand::Rng,
    }
    let chosen = Mutex::new(Chosen {
        snapshot: String::new(),
        paths: Vec::new(),
        seen: 0,
        random: fastrand::Rng::with_seed(seed),
    });
    let most = usize::from(settings.restore_files.min(100));
    let listing = call.clone().args(["ls", "--json", "--tag", &tag(job), "latest"]).quietly();
    let progress = Progress::new(speaker, "choosing a sample");
    let each = |stream, lines: &[u8]| {
        if stream != Stream::Out {
            return;
        }
        let mut chosen = chosen.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines.split(|&byte| byte == b'\n') {
            let Ok(node) = serde_json::from_slice::<Value>(line) else { continue };
            let text = |key: &str| node.get(key).and_then(Value::as_str);
            if let Some(id) = text("id").filter(|_| node.get("tree").is_some()) {
                id.clone_into(&mut chosen.snapshot);
            }
            let Some(path) = text("path").filter(|_| text("type") == Some("file")) else { continue };
            chosen.seen += 1;
            let seen = chosen.seen;
            if chosen.paths.len() < most {
                chosen.paths.push(path.to_owned());
            } else {
                let place = usize::try_from(chosen.random.u64(0..seen)).unwrap_or(usize::MAX);
                if let Some(kept) = chosen.paths.get_mut(place) {
                    path.clone_into(kept);
                }
            }
        }
    };
    let ended = run(&listing, speaker, &progress, &each).map_err(|error| not_started(&listing.program, &error))?;
    let chosen = chosen.into_inner().unwrap_or_else(PoisonError::into_inner);
    if ended.code != 0 || chosen.snapshot.is_empty() {
        return Err(Box::new(
            Report::new(Outcome::Failed, "Not proven: there is no snapshot of this job to restore from.")
                .because("snapshot-missing")
                .next_step("run the job first")
                .retry(Retry::Later),
        ));
    }
    if chosen.seen == 0 {
        return Err(Box::new(
            Report::new(Outcome::Failed, "Nothing is proven: the newest snapshot of this job has no files.")
                .because("source-empty")
                .next_step("see whether the sources are mounted, and what `exclude` leaves out; then run the job")
                .retry(Retry::Later),
        ));
    }
    Ok((chosen.snapshot, chosen.paths))
}

/// A path by its bytes. restic takes any, but lists each byte that is not UTF-8 as U+FFFD: which bytes that were, only the
/// source's own folders say.
fn exact(listed: &str) -> Option<PathBuf> {
    if !listed.contains(char::REPLACEMENT_CHARACTER) {
        return Some(PathBuf::from(listed));
    }
    let mut path = PathBuf::from("/");
    for name in listed.split('/').filter(|name| !name.is_empty()) {
        if !name.contains(char::REPLACEMENT_CHARACTER) {
            path.push(name);
            continue;
        }
        let names = fs::read_dir(&path).ok()?.filter_map(|entry| Some(entry.ok()?.file_name()));
        let mut fitting = names.filter(|other| as_listed(other) == name);
        let only = fitting.next()?;
        if fitting.next().is_some() {
            return None;
        }
        path.push(only);
    }
    Some(path)
}

/// As Go's JSON has it.
fn as_listed(name: &OsStr) -> String {
    let replaced = |invalid: &[u8]| String::from(char::REPLACEMENT_CHARACTER).repeat(invalid.len());
    name.as_encoded_bytes().utf8_chunks().map(|chunk| chunk.valid().to_owned() + &replaced(chunk.invalid())).collect()
}

fn one(
    snapshot: &str,
    path: &Path,
    transferred_at_s: Option<i64>,
    speaker: &Speaker,
    call: &Call,
    restored: &mut Restored,
) -> Result<(), Box<Report>> {
    let dump = call.clone().args([OsStr::new("dump"), OsStr::new(snapshot), path.as_os_str()]).quietly();
    let hasher = Mutex::new((Sha256::new(), 0_u64));
    let progress = Progress::new(speaker, "restoring a sample");
    let each = |stream, bytes: &[u8]| {
        if stream == Stream::Out {
            let mut hasher = hasher.lock().unwrap_or_else(PoisonError::into_inner);
            hasher.0.update(bytes);
            hasher.1 += bytes.len() as u64;
        }
    };
    let ended = run(&dump.raw(), speaker, &progress, &each).map_err(|error| not_started(&call.program, &error))?;
    let (hasher, bytes) = hasher.into_inner().unwrap_or_else(PoisonError::into_inner);
    if ended.code != 0 {
        restored.failed += 1;
        speaker.item(item(path, ItemOutcome::Failed, "it could not be restored"));
        return Ok(());
    }
    restored.bytes += bytes;
    let is_newer = |stat: &Stat| transferred_at_s.is_none_or(|at| stat.changed.seconds >= at - 2);
    let source = File::open(path).and_then(|file| {
        let stat = Stat::of(&file)?;
        let digest = hash(&file, stat.size, &mut ReadBuffer::default(), &|| !speaker.cancelled().is_set())?;
        Ok((stat, digest))
    });
    match source {
        Ok((_, digest)) if digest == <[u8; 32]>::from(hasher.finalize()) => restored.same += 1,
        Ok((stat, _)) if is_newer(&stat) => restored.changed += 1,
        // The source is gone or cannot be read: the file was restored, and there is nothing to compare it with.
        Err(_) => restored.changed += 1,
        Ok(_) => {
            restored.differ += 1;
            speaker.item(item(path, ItemOutcome::Differs, "what was restored differs from the source"));
        }
    }
    Ok(())
}
