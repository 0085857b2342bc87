//! The tasks of this Linux host, or of a copy of its file system: crontabs, anacrontab, timers, and what systemd says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use strongroom_files::rights::Ownership;
use strongroom_plugin::Speaker;
use strongroom_tasks::collection::{LIST_TIMERS_NAME, SHOW_NAME};
use strongroom_tasks::manifest::{Collector, MANIFEST_FORMAT, MANIFEST_NAME, Manifest, Zone};
use strongroom_tasks::restore::{LinuxFile, LinuxFolder, LinuxLink, LinuxRestore};

use super::gathered::Gathered;
use super::in_root::InRoot;
use crate::around::Around;
use crate::proof::{Entry, Walk};
use crate::tool::{Call, output};

/// A link to it in a unit's place masks the unit.
const MASK: &str = "/dev/null";
/// Single files of cron.
const FILES: [&str; 2] = ["etc/crontab", "etc/anacrontab"];
/// Folders of crontabs and of anacron's stamps.
const FOLDERS: [&str; 3] = ["etc/cron.d", "var/spool/cron", "var/spool/anacron"];
/// Folders of units, the site's own first.
const UNITS: [&str; 2] = ["etc/systemd/system", "usr/lib/systemd/system"];
/// Times of the last starts of persistent timers.
const STAMPS: &str = "var/lib/systemd/timers";
/// What systemd tells of timers and of their services, as the reader knows it.
const PROPERTIES: &str = "Id,Description,Persistent,AccuracyUSec,RandomizedDelayUSec,TimersCalendar,TimersMonotonic,\
    UnitFileState,ActiveState,Unit,ExecStart,User,Result,ExecMainStatus,FragmentPath,SourcePath";

/// Collects; `root` is where the host's file system begins. Only of `/` is systemd asked. `scripts`: whether those that
/// tasks name are copied.
///
/// # Errors
/// If the root cannot be read.
pub(super) fn collect(root: &Path, scripts: bool, around: &Around, speaker: &Speaker) -> io::Result<Gathered> {
    let host = InRoot::new(root)?;
    let mut gathered = Gathered::default();
    for path in FILES {
        add_plain(&mut gathered, root, Path::new(path));
    }
    for folder in FOLDERS {
        add_folder(&mut gathered, root, folder, |path| {
            !path.components().any(|part| ["atjobs", "atspool"].iter().any(|name| part.as_os_str() == *name))
        });
    }
    let links = add_units(&mut gathered, &host);
    let linux = restore(&mut gathered, links, &host, scripts);
    let mut manifest = manifest(&gathered, linux, root, around);
    if root == Path::new("/") {
        manifest.boot_time = boot_time();
        ask_systemd(&mut gathered, around, speaker);
    }
    let json = serde_json::to_vec_pretty(&manifest).expect("a manifest has string keys only");
    gathered.files.insert(MANIFEST_NAME.to_owned(), json);
    Ok(gathered)
}

/// Links are not followed: they name other units, or mask one.
fn add_plain(gathered: &mut Gathered, root: &Path, path: &Path) {
    match fs::symlink_metadata(root.join(path)) {
        Ok(found) if found.is_file() => gathered.add_file(root, path),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => gathered.leave_out_for(path, &error),
    }
}

fn add_folder(gathered: &mut Gathered, root: &Path, folder: &str, is_wanted: impl Fn(&Path) -> bool) {
    let walk = match Walk::new(&root.join(folder)) {
        Ok(walk) => walk,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return gathered.leave_out_for(Path::new(folder), &error),
    };
    for entry in walk.take(super::gathered::MAX_FILES) {
        match entry {
            Entry::File(path) if is_wanted(&path) => gathered.add_file(root, &Path::new(folder).join(path)),
            Entry::File(_) => {}
            Entry::Unreadable(path, error) => gathered.leave_out_for(&Path::new(folder).join(path), &error),
        }
    }
}

/// Timers, the services that they start, and drop-ins of both; gives the links among them.
fn add_units(gathered: &mut Gathered, host: &InRoot<'_>) -> Vec<LinuxLink> {
    let mut all = Gathered::default();
    let is_unit = |path: &Path| path.extension().is_some_and(|end| end == "timer" || end == "service" || end == "conf");
    for folder in UNITS {
        add_folder(&mut all, host.root(), folder, is_unit);
    }
    let mut links = unit_links(host);
    for link in links.iter().filter(|link| link.target != MASK) {
        add_linked(&mut all, host, link);
    }
    let wanted = wanted(&all, &links);
    // The site's own drop-ins may be of units that the distribution brings.
    let is_timers = |name: &str| name.contains(".timer.d/") || wanted.iter().any(|unit| is_of(name, unit));
    links.retain(|link| is_timers(&link.path));
    gathered.newest = gathered.newest.max(all.newest);
    gathered.left_out.extend(all.left_out);
    gathered.is_denied |= all.is_denied;
    gathered.files.extend(all.files.into_iter().filter(|(name, _)| is_timers(name)));
    links
}

/// Every timer and what each starts.
fn wanted(all: &Gathered, links: &[LinuxLink]) -> BTreeSet<String> {
    let masked = links.iter().map(|link| (&link.path, &[][..]));
    let timers = all.files.iter().map(|(name, bytes)| (name, &bytes[..])).chain(masked);
    let mut wanted = BTreeSet::new();
    for (name, bytes) in timers.filter(|(name, _)| name.ends_with(".timer")) {
        let unit = name.rsplit('/').next().unwrap_or(name);
        wanted.insert(unit.to_owned());
        wanted.insert(format!("{}.service", unit.trim_end_matches(".timer")));
        let text = String::from_utf8_lossy(bytes);
        wanted.extend(
            text.lines().filter_map(|line| line.trim().strip_prefix("Unit=")).map(|name| name.trim().to_owned()),
        );
    }
    wanted
}

/// The site's own links in the place of timers and services: `systemctl link` and `mask` make them.
fn unit_links(host: &InRoot<'_>) -> Vec<LinuxLink> {
    let entries = fs::read_dir(host.root().join(UNITS[0])).into_iter().flatten().flatten();
    let link = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_unit = name.ends_with(".timer") || name.ends_with(".service");
        let target = fs::read_link(entry.path()).ok().filter(|_| is_unit)?;
        Some(LinuxLink { path: format!("{}/{name}", UNITS[0]), target: target.into_os_string().into_string().ok()? })
    };
    let mut links: Vec<_> = entries.filter_map(link).collect();
    links.sort_by(|one, other| one.path.cmp(&other.path));
    links
}

/// A unit that lies elsewhere, below the root. One of a package is among the others already.
fn add_linked(all: &mut Gathered, host: &InRoot<'_>, link: &LinuxLink) {
    match host.resolve(Path::new(&link.path)) {
        Ok(path) if path.to_str().is_some_and(|path| all.files.contains_key(path)) => {}
        Ok(path) if host.open(&path).is_ok() => all.add_file(host.root(), &path),
        Ok(path) => all.leave_out(&path, "a unit's link leads to it, and it is not a plain file that can be read"),
        Err(error) => all.leave_out_for(Path::new(&link.path), &error),
    }
}

/// `…/backup.timer` and `…/backup.timer.d/site.conf` are of `backup.timer`.
fn is_of(name: &str, unit: &str) -> bool {
    let mut parts = name.rsplit('/');
    let (last, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_link_place = folder.ends_with(".wants") || folder.ends_with(".requires");
    last == unit && !is_link_place || folder.strip_suffix(".d") == Some(unit)
}

fn manifest(gathered: &Gathered, linux: LinuxRestore, root: &Path, around: &Around) -> Manifest {
    let line = |path: &str| {
        let text = fs::read_to_string(root.join(path)).ok()?;
        text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    };
    let link = fs::read_link(root.join("etc/localtime")).ok();
    let linked = link.and_then(|path| {
        path.to_str()?.split_once("zoneinfo/").map(|(_, zone)| zone.trim_start_matches("posix/").to_owned())
    });
    Manifest {
        format: MANIFEST_FORMAT.to_owned(),
        host: line("etc/hostname"),
        collected_at: Timestamp::from_second(around.now_s()).ok(),
        collector: Collector {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            // Whoever may read users' crontabs may read everything else.
            elevated: Some(!gathered.is_denied),
            ..Collector::default()
        },
        zone: Zone { iana: linked.or_else(|| line("etc/timezone")), ..Zone::default() },
        linux: Some(linux),
        ..Manifest::default()
    }
}

/// Owners and permissions of what the site itself wrote; units of packages come with the packages.
fn restore(gathered: &mut Gathered, links: Vec<LinuxLink>, host: &InRoot<'_>, scripts: bool) -> LinuxRestore {
    let root = host.root();
    let accounts = Accounts::of(root);
    let mut restore = LinuxRestore { links, ..LinuxRestore::default() };
    for (path, bytes) in gathered.files.iter().filter(|(path, _)| !path.starts_with("usr/")) {
        let Some((mode, owner, group, modified)) = accounts.owner(&root.join(path)) else { continue };
        let sha256 = HEXLOWER.encode(&Sha256::digest(bytes));
        restore.files.push(LinuxFile { path: path.clone(), sha256, mode, owner, group, modified, copy: None });
    }
    // A mask hides the link that switched the timer on.
    restore.enabled = enabled(&root.join(UNITS[0])).into_iter().filter(|timer| !restore.is_masked(timer)).collect();
    restore.stamps = stamps(&root.join(STAMPS));
    super::scripts::add(gathered, &mut restore, host, &accounts, scripts);
    restore.folders = folders(&restore, root, &accounts);
    restore
}

/// The folders that lie above anything that is restored, parents first. Links to folders are made by the system itself.
fn folders(restore: &LinuxRestore, root: &Path, accounts: &Accounts) -> Vec<LinuxFolder> {
    let files = restore.files.iter().map(|file| &file.path);
    let paths =
        files.chain(restore.links.iter().map(|link| &link.path)).chain(restore.stamps.iter().map(|(path, _)| path));
    let above: BTreeSet<_> = paths.flat_map(|path| Path::new(path).ancestors().skip(1)).collect();
    let folder = |path: &Path| {
        let name = path.to_str().filter(|name| !name.is_empty())?;
        let is_folder = fs::symlink_metadata(root.join(path)).is_ok_and(|found| found.is_dir());
        let (mode, owner, group, _) = accounts.owner(&root.join(path)).filter(|_| is_folder)?;
        Some(LinuxFolder { path: name.to_owned(), mode, owner, group })
    };
    above.into_iter().filter_map(folder).collect()
}

/// Names of the root's accounts and groups, by number.
pub(super) struct Accounts {
    users: BTreeMap<u32, String>,
    groups: BTreeMap<u32, String>,
}

impl Accounts {
    fn of(root: &Path) -> Self {
        Self { users: names(&root.join("etc/passwd")), groups: names(&root.join("etc/group")) }
    }

    /// Mode, owner and group of a file or folder, and when it was written; a number where the root has no name for it.
    pub(super) fn owner(&self, path: &Path) -> Option<(u32, String, String, Option<Timestamp>)> {
        let file = File::open(path).ok()?;
        let found = Ownership::of(&file).ok()?;
        let modified = file.metadata().ok()?.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        let name = |names: &BTreeMap<u32, String>, id: u32| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
        Some((found.mode, name(&self.users, found.user), name(&self.groups, found.group), modified))
    }
}

/// `name:x:1000:…`, by number.
fn names(file: &Path) -> BTreeMap<u32, String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let entry = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        Some((fields.nth(1)?.parse().ok()?, name))
    };
    text.lines().filter_map(entry).collect()
}

/// A timer is switched on by a link in `timers.target.wants/`.
fn enabled(units: &Path) -> Vec<String> {
    let folders = fs::read_dir(units).into_iter().flatten().flatten().map(|entry| entry.path());
    let wanting = folders.filter(|folder| folder.extension().is_some_and(|end| end == "wants" || end == "requires"));
    let links = wanting.flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let found: BTreeSet<_> =
        links.filter_map(|link| link.file_name().into_string().ok()).filter(|name| name.ends_with(".timer")).collect();
    found.into_iter().collect()
}

fn stamps(folder: &Path) -> Vec<(String, i64)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let stamp = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok().filter(|name| name.starts_with("stamp-"))?;
        let modified = Timestamp::try_from(entry.metadata().ok()?.modified().ok()?).ok()?;
        Some((format!("{STAMPS}/{name}"), modified.as_second()))
    };
    let mut found: Vec<_> = entries.filter_map(stamp).collect();
    found.sort();
    found
}

/// proc(5): seconds since 1970.
fn boot_time() -> Option<Timestamp> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let seconds = text.lines().find_map(|line| line.strip_prefix("btime "))?;
    Timestamp::from_second(seconds.trim().parse().ok()?).ok()
}

/// A host without systemd has no timers.
fn ask_systemd(gathered: &mut Gathered, around: &Around, speaker: &Speaker) {
    if !PathBuf::from("/run/systemd/system").is_dir() {
        return;
    }
    let Some(systemctl) = around.find("systemctl") else {
        gathered.left_out.push("timers were left out: systemctl is not found".to_owned());
        return;
    };
    let mut ask = |args: &[&str]| {
        let call = Call::new(systemctl.clone()).args(args.iter().copied().map(std::ffi::OsString::from)).quietly();
        match output(&call, speaker) {
            Ok((ended, text)) if ended.code == 0 => Some(text),
            Ok((ended, _)) => {
                gathered.left_out.push(format!("systemctl {} ended with {}", args[0], ended.code));
                None
            }
            Err(error) => {
                gathered.left_out.push(format!("systemctl {} cannot be started: {error}", args[0]));
                None
            }
        }
    };
    let list = ask(&["list-timers", "--all", "-o", "json", "--no-pager"]);
    let services = list.as_deref().map(services).unwrap_or_default();
    let mut args = vec!["show", "--no-pager", "--all", "-p", PROPERTIES, "*.timer"];
    args.extend(services.iter().map(String::as_str));
    let show = ask(&args);
    let printed = [(LIST_TIMERS_NAME, list.map(|list| without_spans(&list))), (SHOW_NAME, show)];
    gathered.files.extend(printed.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into_bytes()))));
}

/// What the timers start.
fn services(list: &str) -> Vec<String> {
    let rows: Vec<serde_json::Value> = serde_json::from_str(list).unwrap_or_default();
    let names = rows.iter().filter_map(|row| row["activates"].as_str());
    // An option or a pattern is no unit.
    names
        .filter(|name| name.ends_with(".service") && !name.starts_with('-') && !name.contains('*'))
        .map(str::to_owned)
        .collect()
}

/// `left` and `passed` differ each time they are asked for.
fn without_spans(list: &str) -> String {
    let Ok(mut rows) = serde_json::from_str::<Vec<serde_json::Map<String, serde_json::Value>>>(list) else {
        return list.to_owned();
    };
    for row in &mut rows {
        row.remove("left");
        row.remove("passed");
    }
    serde_json::to_string_pretty(&rows).unwrap_or_else(|_| list.to_owned())
}
