//! Restoring the tasks of a collection: a plan as data, and the script that carries it out.
//!
//! The script is always the same and can be reviewed once; all that comes from a collection is in the plan, as JSON, so
//! that no name or argument is ever part of a program's text. Passwords are in neither: the script asks for them.

mod linux;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;
use strongroom_model::text::printable;

pub use self::linux::{
    LINUX_PLAN_NAME, LINUX_RESTORE_SCRIPT, LinuxFile, LinuxFolder, LinuxLink, LinuxRestore, LinuxScript,
};
use crate::collection::{Collection, Entry};
use crate::manifest::{Account, Folder};
use crate::needs::{cautions, restore_needs};
use crate::task::{LogonType, Principal, Scheduler, Task};
use crate::watch::State;

/// The script that collects tasks on Windows; it is ASCII.
pub const COLLECT_SCRIPT: &str = include_str!("../scripts/collect.ps1");
/// The script that restores them by a plan; it is ASCII.
pub const RESTORE_SCRIPT: &str = include_str!("../scripts/restore.ps1");
/// The plan's name beside the script.
pub const PLAN_NAME: &str = "restore-plan.json";
/// What its `format` says.
const PLAN_FORMAT: &str = "strongroom-restore/1";

/// Which tasks are restored.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// Only those in this folder and below, `\OpenData`; all if nothing is named.
    pub folder: Option<&'a str>,
    /// Windows' own below `\Microsoft\`, too: a new installation brings its own, which may differ.
    pub with_windows_own: bool,
}

/// What the script does, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestorePlan {
    format: &'static str,
    host: Option<String>,
    collected_at: Option<String>,
    /// Whether the collection lacks nothing, and what it lacks.
    complete: bool,
    partial: Vec<String>,
    /// What no script can do.
    by_hand: Vec<String>,
    /// Accounts by their old identifiers.
    accounts: Vec<Account>,
    /// Folders, parents first.
    folders: Vec<Folder>,
    /// Tasks, by path.
    pub tasks: Vec<PlannedTask>,
    /// Tasks that are not restored, and why.
    pub left_out: Vec<LeftOut>,
}

/// One task to be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedTask {
    /// Its path.
    pub path: String,
    file: String,
    sha256: String,
    version: Option<String>,
    was_enabled: bool,
    sddl: Option<String>,
    account: PlannedAccount,
    /// What it needs besides its definition.
    pub needs: Vec<String>,
    /// Why it is not switched on by the script.
    pub cautions: Vec<String>,
    missing_files: Vec<String>,
    when: String,
}

/// As whom a task runs, as the scheduler's interface takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct PlannedAccount {
    user: Option<String>,
    logon: &'static str,
    needs_password: bool,
}

/// One task that is not restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its path.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Plans the restoration of a collection's tasks.
#[must_use]
pub fn restore_plan(collection: &Collection, selection: Selection<'_>) -> RestorePlan {
    let (mut tasks, mut left_out) = (Vec::new(), Vec::new());
    for entry in collection.entries.iter().filter(|entry| is_within(&entry.task.path, selection.folder)) {
        match why_left_out(&entry.task, selection) {
            Some(reason) => left_out.push(LeftOut { path: entry.task.path.clone(), reason: reason.to_owned() }),
            None => tasks.push(planned(entry, collection)),
        }
    }
    let manifest = collection.manifest.as_ref();
    RestorePlan {
        format: PLAN_FORMAT,
        host: collection.host.clone(),
        collected_at: collection.collected_at.map(|at| at.to_string()),
        complete: collection.is_complete(),
        partial: collection.partial.clone(),
        by_hand: by_hand(&tasks),
        accounts: manifest.map(|manifest| manifest.accounts.clone()).unwrap_or_default(),
        folders: folders(collection, &tasks),
        tasks,
        left_out,
    }
}

impl RestorePlan {
    /// The plan as the script reads it.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a plan has text and flags only");
        bytes.push(b'\n');
        bytes
    }
}

fn is_within(path: &str, folder: Option<&str>) -> bool {
    let Some(folder) = folder else { return true };
    let folder = format!("\\{}\\", folder.trim_matches('\\')).to_lowercase();
    folder == "\\\\" || path.to_lowercase().starts_with(&folder)
}

fn why_left_out(task: &Task, selection: Selection<'_>) -> Option<&'static str> {
    match () {
        () if task.scheduler != Scheduler::Windows => Some("it is not a task of Windows"),
        () if !task.is_defined() => Some("its definition was not read"),
        () if !task.has_plain_path() => Some("its path has a part that is empty, `.` or `..`: no folder is made of it"),
        () if !selection.with_windows_own && task.path.to_lowercase().starts_with("\\microsoft\\") => {
            Some("it is one of Windows' own, which a new installation brings along")
        }
        () if task.settings.volatile => Some("it is made anew each time the computer starts"),
        () => None,
    }
}

fn planned(entry: &Entry, collection: &Collection) -> PlannedTask {
    let task = &entry.task;
    PlannedTask {
        path: task.path.clone(),
        file: task.origin.file.clone(),
        sha256: task.origin.sha256.clone(),
        version: task.version.clone(),
        was_enabled: task.settings.enabled && entry.run.state != State::Disabled,
        sddl: entry.sddl.clone().or_else(|| task.security.clone()),
        account: account(task.principals.first(), collection),
        needs: restore_needs(task),
        cautions: cautions(task),
        missing_files: entry
            .files
            .iter()
            .filter(|file| file.exists == Some(false))
            .map(|file| file.path.clone())
            .collect(),
        when: crate::words::task_words(task),
    }
}

/// An account goes by its name: its identifier is another one on a new host.
fn account(principal: Option<&Principal>, collection: &Collection) -> PlannedAccount {
    let none = PlannedAccount { user: None, logon: "None", needs_password: false };
    let Some(principal) = principal else { return none };
    let logon = match principal.logon {
        _ if principal.is_service() => "Service",
        _ if principal.group.is_some() => "Group",
        Some(LogonType::Password) => "Password",
        Some(LogonType::S4u) => "S4U",
        Some(LogonType::InteractiveToken) => "InteractiveToken",
        Some(LogonType::InteractiveTokenOrPassword) => "InteractiveTokenOrPassword",
        Some(LogonType::Other(_)) | None => "None",
    };
    let accounts = collection.manifest.iter().flat_map(|manifest| &manifest.accounts);
    let name = |sid: &str| accounts.clone().find(|account| account.sid == sid).map(|account| account.name.clone());
    let user = principal.sid().and_then(name).or_else(|| principal.user.clone());
    PlannedAccount { user, logon, needs_password: principal.needs_password() }
}

/// The collected folders of the chosen tasks and their parents; a task whose folder was not collected makes its own.
fn folders(collection: &Collection, tasks: &[PlannedTask]) -> Vec<Folder> {
    let mut needed = BTreeSet::new();
    for task in tasks {
        let mut path = task.path.as_str();
        while let Some(at) = path.rfind('\\').filter(|at| *at > 0) {
            path = &path[..at];
            needed.insert(path.to_owned());
        }
    }
    let collected = collection.manifest.iter().flat_map(|manifest| &manifest.folders);
    let security: Vec<_> = collected.collect();
    let found = |path: &String| security.iter().find(|folder| folder.path.eq_ignore_ascii_case(path));
    needed
        .iter()
        .map(|path| Folder { path: path.clone(), sddl: found(path).and_then(|folder| folder.sddl.clone()) })
        .collect()
}

fn by_hand(tasks: &[PlannedTask]) -> Vec<String> {
    let mut lines = vec![
        "the right to log on as a batch job, and local groups, for every account (secedit exports them)".to_owned(),
        "mapped drives, environment variables, certificates, data sources and stored credentials of the accounts"
            .to_owned(),
        "the event log Microsoft-Windows-TaskScheduler/Operational, if it was switched on".to_owned(),
    ];
    let passwords: BTreeSet<_> = tasks
        .iter()
        .filter(|task| task.account.needs_password)
        .filter_map(|task| task.account.user.as_deref().map(|user| printable(user, 100)))
        .collect();
    lines.extend(passwords.iter().map(|user| format!("the password of {user}, which is asked for once")));
    let missing: BTreeSet<_> = tasks.iter().flat_map(|task| &task.missing_files).collect();
    lines.extend(missing.iter().map(|file| format!("the file {}, which was missing already", printable(file, 300))));
    lines
}
