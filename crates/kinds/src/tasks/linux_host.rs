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
use strongroom_tasks::restore::{LinuxFile, LinuxRestore};

use super::gathered::Gathered;
use crate::around::Around;
use crate::proof::{Entry, Walk};
use crate::tool::{Call, output};

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

/// Collects; `root` is where the host's file system begins. Only of `/` is systemd asked.
///
/// # Errors
/// If the root cannot be read.
pub(super) fn collect(root: &Path, around: &Around, speaker: &Speaker) -> io::Result<Gathered> {
    fs::read_dir(root)?;
    let mut gathered = Gathered::default();
    for path in FILES {
        add_plain(&mut gathered, root, Path::new(path));
    }
    for folder in FOLDERS {
        add_folder(&mut gathered, root, folder, |path| {
            !path.components().any(|part| ["atjobs", "atspool"].iter().any(|name| part.as_os_str() == *name))
        });
    }
    for folder in UNITS {
        add_units(&mut gathered, root, folder);
    }
    let mut manifest = manifest(&gathered, root, around);
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
        Err(error) => gathered.leave_out(path, &error.to_string()),
    }
}

fn add_folder(gathered: &mut Gathered, root: &Path, folder: &str, is_wanted: impl Fn(&Path) -> bool) {
    let walk = match Walk::new(&root.join(folder)) {
        Ok(walk) => walk,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return gathered.leave_out(Path::new(folder), &error.to_string()),
    };
    for entry in walk.take(super::gathered::MAX_FILES) {
        match entry {
            Entry::File(path) if is_wanted(&path) => gathered.add_file(root, &Path::new(folder).join(path)),
            Entry::File(_) => {}
            Entry::Unreadable(path, error) => gathered.leave_out(&Path::new(folder).join(path), &error.to_string()),
        }
    }
}

/// Timers, the services that they start, and drop-ins of both.
fn add_units(gathered: &mut Gathered, root: &Path, folder: &str) {
    let mut all = Gathered::default();
    let is_unit = |path: &Path| path.extension().is_some_and(|end| end == "timer" || end == "service" || end == "conf");
    add_folder(&mut all, root, folder, is_unit);
    let mut wanted = BTreeSet::new();
    let timers: Vec<_> = all.files.iter().filter(|(name, _)| name.ends_with(".timer")).collect();
    for (name, bytes) in timers {
        let unit = name.rsplit('/').next().unwrap_or(name);
        wanted.insert(unit.to_owned());
        wanted.insert(format!("{}.service", unit.trim_end_matches(".timer")));
        let text = String::from_utf8_lossy(bytes);
        wanted.extend(
            text.lines().filter_map(|line| line.trim().strip_prefix("Unit=")).map(|name| name.trim().to_owned()),
        );
    }
    // The site's own drop-ins may be of units that the distribution brings.
    let is_timers = |name: &str| name.contains(".timer.d/") || wanted.iter().any(|unit| is_of(name, unit));
    gathered.newest = gathered.newest.max(all.newest);
    gathered.left_out.extend(all.left_out);
    gathered.files.extend(all.files.into_iter().filter(|(name, _)| is_timers(name)));
}

/// `…/backup.timer` and `…/backup.timer.d/site.conf` are of `backup.timer`.
fn is_of(name: &str, unit: &str) -> bool {
    let mut parts = name.rsplit('/');
    let (last, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_link_place = folder.ends_with(".wants") || folder.ends_with(".requires");
    last == unit && !is_link_place || folder.strip_suffix(".d") == Some(unit)
}

fn manifest(gathered: &Gathered, root: &Path, around: &Around) -> Manifest {
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
            elevated: Some(gathered.left_out.is_empty()),
            ..Collector::default()
        },
        zone: Zone { iana: linked.or_else(|| line("etc/timezone")), ..Zone::default() },
        linux: Some(restore(gathered, root)),
        ..Manifest::default()
    }
}

/// Owners and permissions of what the site itself wrote; units of packages come with the packages.
fn restore(gathered: &Gathered, root: &Path) -> LinuxRestore {
    let (users, groups) = (names(&root.join("etc/passwd")), names(&root.join("etc/group")));
    let name = |names: &BTreeMap<u32, String>, id: u32| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
    let mut restore = LinuxRestore::default();
    for (path, bytes) in gathered.files.iter().filter(|(path, _)| !path.starts_with("usr/")) {
        let Ok(found) = File::open(root.join(path)).and_then(|file| Ownership::of(&file)) else { continue };
        restore.files.push(LinuxFile {
            path: path.clone(),
            sha256: HEXLOWER.encode(&Sha256::digest(bytes)),
            mode: found.mode,
            owner: name(&users, found.user),
            group: name(&groups, found.group),
        });
    }
    restore.enabled = enabled(&root.join(UNITS[0]));
    restore.stamps = stamps(&root.join(STAMPS));
    restore
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
