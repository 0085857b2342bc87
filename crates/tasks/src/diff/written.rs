//! When a definition that changed was written, and whose it is, as far as the host itself tells.

use strongroom_model::text::{printable, shown_to_the_minute};

use super::ChangeKind;
use crate::collection::{Collection, Entry};
use crate::restore::LinuxFile;
use crate::task::Scheduler;

/// Longer names are shown in part.
const MAX_CHARS: usize = 100;

/// A fragment of a sentence, or `None` where nothing is known. A change that leaves the definition alone, of a script or
/// of the scheduler's own switch, has no such time.
pub(super) fn words(before: &Collection, after: &Collection, path: &str, kind: ChangeKind) -> Option<String> {
    if matches!(kind, ChangeKind::File | ChangeKind::Security) {
        return None;
    }
    let of = |collection: &'_ Collection| collection.entries.iter().position(|entry| entry.task.path == path);
    let (old, new) = (of(before).map(|at| &before.entries[at]), of(after).map(|at| &after.entries[at]));
    match new.or(old)?.task.scheduler {
        Scheduler::Windows => registered(old, new?),
        scheduler => {
            let file = newest(before, after, path, scheduler)?;
            let at = shown_to_the_minute(file.modified?, &after.zone_or_utc());
            let (name, owner) = (printable(&file.path, MAX_CHARS), printable(&file.owner, MAX_CHARS));
            Some(format!("/{name} was last written {at} and belongs to {owner}"))
        }
    }
}

/// Windows changes neither by itself, and not every program that edits a task does: only what is new counts.
fn registered(old: Option<&Entry>, new: &Entry) -> Option<String> {
    let date = &new.task.registered;
    let date = date.as_ref().filter(|_| old.is_none_or(|old| old.task.registered != *date));
    let author = new.task.author.as_deref();
    let author = author.filter(|_| date.is_some() || old.is_none_or(|old| old.task.author.as_deref() != author));
    let named = author.map(|author| format!("its author: {}", printable(author, MAX_CHARS)));
    let parts: Vec<_> = date.map(|date| format!("registered {date}")).into_iter().chain(named).collect();
    (!parts.is_empty()).then(|| format!("its definition says: {}", parts.join(", ")))
}

/// Of the task's files that have other bytes than before, the one that was written last.
fn newest<'a>(before: &Collection, after: &'a Collection, path: &str, scheduler: Scheduler) -> Option<&'a LinuxFile> {
    let files = |collection: &'a Collection| Some(&collection.manifest.as_ref()?.linux.as_ref()?.files);
    let old = &before.manifest.as_ref()?.linux.as_ref()?.files;
    let is_same = |file: &LinuxFile| old.iter().any(|other| other.path == file.path && other.sha256 == file.sha256);
    let own = files(after)?.iter().filter(|file| is_of(&file.path, path, scheduler) && !is_same(file));
    own.max_by_key(|file| file.modified)
}

/// A crontab is of all of its lines; of a timer are its unit, its service, and drop-ins of both.
fn is_of(file: &str, task: &str, scheduler: Scheduler) -> bool {
    if scheduler != Scheduler::Systemd {
        return task.rsplit_once(':').is_some_and(|(table, _)| table.trim_start_matches('/') == file);
    }
    let mut parts = file.rsplit('/');
    let (last, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let stem = task.strip_suffix(".timer").unwrap_or(task);
    let is_unit = |unit: &str| unit.strip_suffix(".timer").or_else(|| unit.strip_suffix(".service")) == Some(stem);
    is_unit(last) || folder.strip_suffix(".d").is_some_and(is_unit)
}
