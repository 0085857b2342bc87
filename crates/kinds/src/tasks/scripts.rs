//! Scripts that the commands of timers and crontabs name: kept with the collection, since a task without its script is not
//! restored.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use strongroom_tasks::collection::{Assumed, read_collection};
use strongroom_tasks::linux::{NamedFile, Role, named_files};
use strongroom_tasks::manifest::ReferencedFile;
use strongroom_tasks::restore::{LinuxFile, LinuxLink, LinuxRestore, LinuxScript};

use super::gathered::Gathered;
use super::in_root::InRoot;
use super::linux_host::Accounts;

/// Where copies lie in a collection.
pub(super) const FOLDER: &str = "scripts";
/// Larger files are listed and not copied: people write no script of a mebibyte.
const MAX_SCRIPT_BYTES: u64 = 1024 * 1024;
/// All copies of one collection, which are held in memory.
const MAX_ALL_BYTES: usize = 64 * 1024 * 1024;
/// Scripts of one host: a folder such as `/etc/cron.daily` has some ten.
const MAX_SCRIPTS: usize = 2_000;
/// What packages bring, and what is no file of a disk.
const NOT_THE_SITES: [&str; 10] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "dev", "proc", "sys", "run"];

/// Adds what tasks name. With `keep`, scripts of the site itself are copied.
pub(super) fn add(
    gathered: &mut Gathered,
    restore: &mut LinuxRestore,
    host: &InRoot<'_>,
    accounts: &Accounts,
    keep: bool,
) {
    let mut scripts = Scripts { host, accounts, keep, found: BTreeMap::new(), bytes: 0, gathered, restore };
    let homes = homes(host.root());
    for entry in read_collection(&scripts.gathered.collected(), &Assumed::default()).entries {
        let task = &entry.task;
        let user = task.principals.first().and_then(|principal| principal.user.as_ref());
        let home = user.and_then(|user| homes.get(user)).map(String::as_str);
        // Only cron starts its jobs in the user's home.
        let home = home.filter(|_| task.scheduler == strongroom_tasks::Scheduler::Cron);
        for named in named_files(task, home) {
            scripts.add(&named, &task.path);
        }
    }
    scripts.restore.scripts = scripts.found.into_values().collect();
}

/// `jo:x:1000:1000:Jo:/home/jo:/bin/sh`, by name.
fn homes(root: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(root.join("etc/passwd")).unwrap_or_default();
    let entry = |line: &str| {
        let fields: Vec<_> = line.split(':').collect();
        Some(((*fields.first()?).to_owned(), (*fields.get(5)?).to_owned()))
    };
    text.lines().filter_map(entry).collect()
}

struct Scripts<'a> {
    host: &'a InRoot<'a>,
    accounts: &'a Accounts,
    keep: bool,
    /// By the path that commands name.
    found: BTreeMap<String, LinuxScript>,
    /// Copied so far.
    bytes: usize,
    gathered: &'a mut Gathered,
    restore: &'a mut LinuxRestore,
}

impl Scripts<'_> {
    fn add(&mut self, named: &NamedFile, task: &str) {
        if named.role != Role::Folder {
            return self.add_file(&named.path, named.role, task);
        }
        let Ok(folder) = self.host.resolve(Path::new(&named.path)) else { return };
        let entries = fs::read_dir(self.host.root().join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        // run-parts(8) starts no name with a dot, nor do packages put a script there.
        for name in names.iter().filter(|name| !name.contains('.')) {
            self.add_file(&format!("{}/{name}", named.path.trim_end_matches('/')), Role::Script, task);
        }
    }

    fn add_file(&mut self, path: &str, role: Role, task: &str) {
        let Some(path) = plain(path) else { return };
        if let Some(known) = self.found.get_mut(&path) {
            if !known.tasks.iter().any(|known| known == task) {
                known.tasks.push(task.to_owned());
            }
            return;
        }
        if self.found.len() < MAX_SCRIPTS
            && let Some(file) = self.read(&path, role)
        {
            self.found.insert(path, LinuxScript { file, tasks: vec![task.to_owned()] });
        }
    }

    /// `None`: it is no script of the site's.
    fn read(&mut self, path: &str, role: Role) -> Option<ReferencedFile> {
        let known = |exists| ReferencedFile { path: path.to_owned(), exists, ..ReferencedFile::default() };
        let resolved = match self.host.resolve(Path::new(path)) {
            Ok(resolved) => resolved,
            Err(error) if role != Role::Script => {
                return (error.kind() != io::ErrorKind::NotFound).then(|| known(None));
            }
            Err(error) => return Some(known((error.kind() == io::ErrorKind::NotFound).then_some(false))),
        };
        if is_not_the_sites(&resolved) {
            return None;
        }
        // A folder, a device; or this account may not read it.
        let file = self.host.open(&resolved).ok()?;
        let found = file.metadata().ok()?;
        let listed = ReferencedFile {
            size_bytes: Some(found.len()),
            modified: found.modified().ok().and_then(|time| Timestamp::try_from(time).ok()),
            ..known(Some(true))
        };
        let Some(bytes) = read_up_to(file) else { return (role == Role::Script).then_some(listed) };
        // Data that a command reads is not copied, nor is a program: packages and the site's backup have them.
        let is_text = !bytes.contains(&0);
        if role != Role::Script && !(is_text && bytes.starts_with(b"#!")) {
            return None;
        }
        let sha256 = HEXLOWER.encode(&Sha256::digest(&bytes));
        let copy = if is_text { self.copy(path, &resolved, bytes, &sha256) } else { None };
        Some(ReferencedFile { sha256: Some(sha256), copy, ..listed })
    }

    /// Its name in the collection.
    fn copy(&mut self, path: &str, resolved: &Path, bytes: Vec<u8>, sha256: &str) -> Option<String> {
        let at = resolved.to_str()?;
        if self.gathered.files.contains_key(at) {
            return Some(at.to_owned());
        }
        let copy = format!("{FOLDER}/{at}");
        if !self.keep || self.bytes + bytes.len() > MAX_ALL_BYTES {
            return None;
        }
        self.add_link(path);
        if self.gathered.files.contains_key(&copy) {
            return Some(copy);
        }
        let (mode, owner, group, modified) = self.accounts.owner(&self.host.root().join(resolved))?;
        let sha256 = sha256.to_owned();
        self.restore.files.push(LinuxFile {
            path: at.to_owned(),
            sha256,
            mode,
            owner,
            group,
            modified,
            copy: Some(copy.clone()),
        });
        self.bytes += bytes.len();
        self.gathered.files.insert(copy.clone(), bytes);
        Some(copy)
    }

    /// A link in the place of the script is put back, too.
    fn add_link(&mut self, path: &str) {
        let path = path.trim_start_matches('/');
        let target = fs::read_link(self.host.root().join(path))
            .ok()
            .and_then(|target| target.into_os_string().into_string().ok());
        if let Some(target) = target
            && !self.restore.links.iter().any(|link| link.path == path)
        {
            self.restore.links.push(LinuxLink { path: path.to_owned(), target });
        }
    }
}

/// `/opt/app/./run.sh` is `/opt/app/run.sh`. A path with `..` is none that could be restored as it is written.
fn plain(path: &str) -> Option<String> {
    let parts = Path::new(path).components();
    let is_plain = parts.clone().all(|part| part != Component::ParentDir);
    let path: PathBuf = parts.collect();
    is_plain.then(|| path.to_str().map(str::to_owned)).flatten()
}

fn is_not_the_sites(resolved: &Path) -> bool {
    let first = resolved.components().next();
    !resolved.starts_with("usr/local")
        && NOT_THE_SITES.iter().any(|name| first == Some(Component::Normal(name.as_ref())))
}

/// `None`: it is larger, or cannot be read. One byte more than the bound is asked for, since a file may grow.
fn read_up_to(file: File) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_SCRIPT_BYTES + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= MAX_SCRIPT_BYTES).then_some(bytes)
}
