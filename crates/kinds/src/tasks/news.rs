//! What a collection has that the one before did not have.

use std::collections::BTreeMap;

use jiff::Timestamp;
use strongroom_tasks::diff::{Change, ChangeKind, diff};
use strongroom_tasks::manifest::{MANIFEST_NAME, Manifest};
use strongroom_tasks::restore::LinuxRestore;

use super::gathered::Gathered;
use super::terms::{Judged, Terms};

/// The collection before.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) gathered: Gathered,
    pub(super) terms: Terms,
    pub(super) judged: Judged,
}

/// Whether two collections tell the same: the same files but for the moment when they were made, and the same verdicts.
pub(super) fn is_same(before: &Before, gathered: &Gathered, judged: &Judged) -> bool {
    let verdicts = |judged: &Judged| -> Vec<_> {
        let entries = judged.collection.entries.iter().zip(&judged.verdicts);
        entries.map(|(entry, verdict)| (entry.task.path.clone(), verdict.overdue, verdict.outcome)).collect()
    };
    before.judged.collection.partial == judged.collection.partial
        && timeless(&before.gathered) == timeless(gathered)
        && verdicts(&before.judged) == verdicts(judged)
}

/// The files, and the manifest without the moment and without the times of files.
fn timeless(gathered: &Gathered) -> (BTreeMap<&String, &Vec<u8>>, Option<Manifest>) {
    let others = gathered.files.iter().filter(|(name, _)| *name != MANIFEST_NAME).collect();
    let manifest = gathered.files.get(MANIFEST_NAME).and_then(|bytes| Manifest::read(bytes).ok());
    (
        others,
        manifest.map(|manifest| Manifest {
            collected_at: None,
            linux: manifest.linux.clone().map(LinuxRestore::timeless),
            ..manifest
        }),
    )
}

/// Remembers when tasks were first seen and last changed. Those of the first collection of all count as always there.
pub(super) fn remember(terms: &mut Terms, before: &Before, judged: &Judged) -> Vec<Change> {
    terms.first_seen.clone_from(&before.terms.first_seen);
    terms.last_changed.clone_from(&before.terms.last_changed);
    let changes = diff(&before.judged.collection, &judged.collection);
    let now = judged.collection.collected_at.unwrap_or(Timestamp::UNIX_EPOCH);
    for change in &changes {
        if change.kind == ChangeKind::Added {
            terms.first_seen.insert(change.path.clone(), now);
        }
        terms.last_changed.insert(change.path.clone(), now);
    }
    let is_there = |path: &String| judged.collection.entries.iter().any(|entry| entry.task.path == *path);
    terms.first_seen.retain(|path, _| is_there(path));
    terms.last_changed.retain(|path, _| is_there(path));
    changes
}
