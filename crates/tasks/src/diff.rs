//! What changed between two collections of one host. Dates of registration, last results and the order in which a file
//! lists its elements are no changes.

#[cfg(test)]
mod tests;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::collection::{Collection, Entry};
use crate::task::{Action, Scheduler, Task};
use crate::watch::State;
use crate::words::task_words;

/// One change of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The task, by its path now, or its last one.
    pub path: String,
    /// What changed.
    pub kind: ChangeKind,
    /// What it was, in words; nothing for what was added.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
    /// What the host tells of when its definition was written, and of whose it is; never guessed.
    pub written: Option<String>,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// The same task under another path.
    Renamed,
    /// It was switched off.
    Disabled,
    /// It was switched on.
    Enabled,
    /// When it starts.
    Trigger,
    /// What it does.
    Action,
    /// As whom it runs.
    Account,
    /// Its conditions.
    Settings,
    /// Who may do what with it.
    Security,
    /// A file that it names.
    File,
}

impl ChangeKind {
    /// As a sentence has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Renamed => "renamed",
            Self::Disabled => "switched off",
            Self::Enabled => "switched on",
            Self::Trigger => "trigger changed",
            Self::Action => "action changed",
            Self::Account => "account changed",
            Self::Settings => "settings changed",
            Self::Security => "security changed",
            Self::File => "file changed",
        }
    }
}

/// Changes from one collection to a later one, by path.
///
/// A task that only one of both could read is no change: the collections say themselves what they lack, and a task that
/// is missing from a later collection that is not complete may still be there.
#[must_use]
pub fn diff(before: &Collection, after: &Collection) -> Vec<Change> {
    let key = |entry: &Entry| entry.task.path.to_lowercase();
    let old: BTreeMap<_, _> = before.entries.iter().map(|entry| (key(entry), entry)).collect();
    let new: BTreeMap<_, _> = after.entries.iter().map(|entry| (key(entry), entry)).collect();
    let removed: Vec<_> = old.iter().filter(|(key, _)| !new.contains_key(*key)).map(|(_, entry)| *entry).collect();
    let added: Vec<_> = new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, entry)| *entry).collect();
    let mut changes = Vec::new();
    let mut renamed = BTreeSet::new();
    for entry in &added {
        let from =
            removed.iter().find(|other| !renamed.contains(&other.task.path) && is_same(&other.task, &entry.task));
        match from {
            Some(from) => {
                renamed.insert(from.task.path.clone());
                // The place of a line in a crontab is not a name.
                if entry.task.scheduler != Scheduler::Cron {
                    changes.push(change(
                        &entry.task,
                        ChangeKind::Renamed,
                        Some(&from.task.path),
                        Some(&entry.task.path),
                    ));
                }
                compare(from, entry, &mut changes);
            }
            None => changes.push(change(&entry.task, ChangeKind::Added, None, Some(&task_words(&entry.task)))),
        }
    }
    for entry in removed.iter().filter(|entry| !renamed.contains(&entry.task.path)) {
        let note = if after.is_complete() {
            None
        } else {
            Some("it may still be there: the later collection is not complete")
        };
        changes.push(change(&entry.task, ChangeKind::Removed, Some(&task_words(&entry.task)), note));
    }
    for (key, entry) in &new {
        if let Some(other) = old.get(key) {
            compare(other, entry, &mut changes);
        }
    }
    for change in &mut changes {
        change.written = written::words(before, after, &change.path, change.kind);
    }
    changes.sort_by(|one, other| (&one.path, one.kind).cmp(&(&other.path, other.kind)));
    changes
}

fn change(task: &Task, kind: ChangeKind, before: Option<&str>, after: Option<&str>) -> Change {
    Change {
        path: task.path.clone(),
        kind,
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
        written: None,
    }
}

/// The same under another path: all that it does and when is equal, and it does something.
fn is_same(one: &Task, other: &Task) -> bool {
    one.scheduler == other.scheduler
        && !one.actions.is_empty()
        && one.actions == other.actions
        && one.triggers == other.triggers
        && accounts(one) == accounts(other)
}

fn compare(before: &Entry, after: &Entry, changes: &mut Vec<Change>) {
    let (old, new) = (&before.task, &after.task);
    if !old.is_defined() || !new.is_defined() {
        return;
    }
    let mut add = |kind: ChangeKind, old: String, new: String| {
        if old != new {
            changes.push(change(&after.task, kind, Some(&old), Some(&new)));
        }
    };
    let enabled = |entry: &Entry| entry.task.settings.enabled && entry.run.state != State::Disabled;
    let kind = if enabled(after) { ChangeKind::Enabled } else { ChangeKind::Disabled };
    let word = |enabled: bool| if enabled { "on" } else { "off" }.to_owned();
    add(kind, word(enabled(before)), word(enabled(after)));
    if old.triggers != new.triggers {
        let (was, is) = (task_words(old), task_words(new));
        // Words leave out a first day that makes no difference.
        let is = if was == is { format!("{is} (another first day, or a name of its own)") } else { is };
        add(ChangeKind::Trigger, was, is);
    }
    add(ChangeKind::Action, actions(old), actions(new));
    add(ChangeKind::Account, accounts(old), accounts(new));
    let security = |entry: &Entry| entry.sddl.clone().or_else(|| entry.task.security.clone());
    if let (Some(old), Some(new)) = (security(before), security(after)) {
        add(ChangeKind::Security, old, new);
    }
    settings(old, new, &mut add);
    files(before, after, &mut add);
}

fn actions(task: &Task) -> String {
    let words = |action: &Action| match action {
        Action::Exec { command, arguments, working_directory, input } => {
            let parts = [Some(command.clone()), arguments.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let directory = working_directory.as_ref().map(|directory| format!(" in {directory}")).unwrap_or_default();
            let input = input.as_ref().map(|input| format!(" with input {input:?}")).unwrap_or_default();
            format!("{parts}{directory}{input}")
        }
        Action::ComHandler { class_id, data } => format!("{class_id} {}", data.as_deref().unwrap_or_default()),
        other => format!("{other:?}"),
    };
    task.actions.iter().map(words).collect::<Vec<_>>().join("; ")
}

fn accounts(task: &Task) -> String {
    let words = |principal: &crate::task::Principal| {
        let name = principal.user.as_deref().or(principal.group.as_deref()).unwrap_or("nobody");
        let logon = principal.logon.as_ref().map(|logon| format!(", {}", logon.name())).unwrap_or_default();
        format!("{name}{logon}{}", if principal.elevated { ", elevated" } else { "" })
    };
    task.principals.iter().map(words).collect::<Vec<_>>().join("; ")
}

/// Only those settings that differ, each as it is named in tables.
fn settings(old: &Task, new: &Task, add: &mut impl FnMut(ChangeKind, String, String)) {
    let listed = |task: &Task| {
        let settings = &task.settings;
        let span = |span: Option<crate::Span>| span.map_or_else(|| "none".to_owned(), crate::Span::iso);
        let restart = settings.restart.map(|(count, every)| format!("{count} times every {}", every.iso()));
        vec![
            ("hidden", settings.hidden.to_string()),
            ("multiple_instances", settings.instances.name().to_owned()),
            ("execution_time_limit", span(settings.time_limit)),
            ("start_when_available", (settings.start_when_available || settings.persistent).to_string()),
            ("on_battery", (!settings.not_on_battery).to_string()),
            ("stop_on_battery", settings.stop_on_battery.to_string()),
            ("idle_only", settings.only_if_idle.to_string()),
            ("network_only", settings.only_with_network.to_string()),
            ("wake", settings.wake.to_string()),
            ("priority", settings.priority.to_string()),
            ("allow_start_on_demand", settings.on_demand.to_string()),
            ("delete_expired_after", span(settings.delete_expired_after)),
            ("restart", restart.unwrap_or_else(|| "none".to_owned())),
            (
                "maintenance",
                settings.maintenance.as_ref().map_or_else(|| "none".to_owned(), |found| found.period.iso()),
            ),
        ]
    };
    let (old, new) = (listed(old), listed(new));
    let differ: Vec<_> = old.iter().zip(&new).filter(|(old, new)| old != new).collect();
    let words = |pairs: Vec<&(&str, String)>| {
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
    };
    add(
        ChangeKind::Settings,
        words(differ.iter().map(|(old, _)| *old).collect()),
        words(differ.iter().map(|(_, new)| *new).collect()),
    );
}

/// A script that was exchanged or is gone.
fn files(before: &Entry, after: &Entry, add: &mut impl FnMut(ChangeKind, String, String)) {
    let old: BTreeMap<_, _> = before.files.iter().map(|file| (file.path.to_lowercase(), file)).collect();
    for file in &after.files {
        let Some(other) = old.get(&file.path.to_lowercase()) else { continue };
        let words = |file: &crate::manifest::ReferencedFile| match (file.exists, &file.sha256) {
            (Some(false), _) => format!("{} is gone", file.path),
            (_, Some(digest)) => format!("{} with SHA-256 {digest}", file.path),
            _ => file.path.clone(),
        };
        if other.sha256.is_some() == file.sha256.is_some() || file.exists != other.exists {
            add(ChangeKind::File, words(other), words(file));
        }
    }
}
