//! A Linux host's tasks, from a copy of its files and from what `systemctl` prints.

use std::collections::BTreeMap;

use super::{CollectedFile, Collection, Entry};
use crate::linux::{
    CrontabForm, ListedTimer, UnitFile, read_anacron_stamp, read_anacrontab, read_crontab, read_list_timers, read_show,
    read_units,
};
use crate::problem::Reading;
use crate::task::{Origin, Schedule, Scheduler, Task, Trigger};
use crate::watch::{LastRun, RunState, State};

/// `systemctl list-timers --all -o json`.
pub const LIST_TIMERS_NAME: &str = "list-timers.json";
/// `systemctl show` of all timers and of their services.
pub const SHOW_NAME: &str = "show.txt";

/// What a file of a Linux host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Crontab(CrontabForm),
    Anacrontab,
    Stamp,
    Unit,
    ListTimers,
    Show,
}

/// By its place in a copy of the file system, else by what is in it; `None`: it is none of a Linux host's.
pub(super) fn kind(file: &CollectedFile<'_>) -> Option<Kind> {
    let name = file.name;
    let spool = name.starts_with("var/spool/cron/") && !name.contains("/atjobs/") && !name.contains("/atspool/");
    let is_unit =
        [".timer", ".service"].iter().any(|end| name.ends_with(end)) || name.contains(".d/") && name.ends_with(".conf");
    match name {
        LIST_TIMERS_NAME => Some(Kind::ListTimers),
        SHOW_NAME => Some(Kind::Show),
        _ if name.rsplit('/').next() == Some("anacrontab") => Some(Kind::Anacrontab),
        _ if name.starts_with("var/spool/anacron/") => Some(Kind::Stamp),
        _ if name == "etc/crontab" || name.starts_with("etc/cron.d/") || spool => {
            Some(Kind::Crontab(CrontabForm::of_place(&format!("/{name}"))))
        }
        _ if is_unit => Some(Kind::Unit),
        _ => by_content(file),
    }
}

fn by_content(file: &CollectedFile<'_>) -> Option<Kind> {
    // A listing of Windows may be in any encoding; these are ASCII or UTF-8.
    let text = std::str::from_utf8(file.bytes).ok()?;
    if text.trim_start().starts_with('[') && text.contains("\"activates\"") {
        return Some(Kind::ListTimers);
    }
    if text.lines().any(|line| line.starts_with("Id=") && line.ends_with(".timer")) {
        return Some(Kind::Show);
    }
    if text.lines().any(|line| line.trim() == "[Timer]") {
        return Some(Kind::Unit);
    }
    let stem = file.name.rsplit('/').next().unwrap_or(file.name);
    CrontabForm::of_content(stem, text).map(Kind::Crontab)
}

/// Names are paths without the first slash, as of a copy of the file system: `etc/crontab`, `etc/cron.d/*`,
/// `var/spool/cron/…/USER`, `etc/anacrontab`, `var/spool/anacron/IDENTIFIER`, units and drop-ins; [`LIST_TIMERS_NAME`] and
/// [`SHOW_NAME`] are what was printed.
pub(super) fn add_linux(files: &[(Kind, CollectedFile<'_>)], collection: &mut Collection) {
    for (kind, file) in files {
        match kind {
            Kind::Crontab(form) => add_crontab(file, form, collection),
            Kind::Anacrontab => add_anacron(file, files, collection),
            Kind::Stamp | Kind::Unit | Kind::ListTimers | Kind::Show => {}
        }
    }
    add_timers(files, collection);
    let scripts = collection.manifest.as_ref().and_then(|manifest| manifest.linux.as_ref());
    for script in scripts.map(|linux| linux.scripts.clone()).unwrap_or_default() {
        for entry in collection.entries.iter_mut().filter(|entry| script.tasks.contains(&entry.task.path)) {
            entry.files.push(script.file.clone());
        }
    }
}

/// A path in a copy of the file system is one on the host.
fn path_on_host(name: &str) -> String {
    if name.starts_with("etc/") || name.starts_with("var/") { format!("/{name}") } else { name.to_owned() }
}

fn add(collection: &mut Collection, file: &str, reading: Reading, run: impl Fn(&Task) -> RunState) {
    collection.problems.extend(reading.problems.into_iter().map(|problem| (file.to_owned(), problem)));
    for task in reading.tasks {
        let run = run(&task);
        collection.entries.push(Entry { task, run, sddl: None, files: Vec::new() });
    }
}

fn add_crontab(file: &CollectedFile<'_>, form: &CrontabForm, collection: &mut Collection) {
    let reading = read_crontab(&path_on_host(file.name), file.bytes, form);
    add(collection, file.name, reading, |_| RunState::unknown("cron keeps no record of its runs"));
}

fn add_anacron(file: &CollectedFile<'_>, files: &[(Kind, CollectedFile<'_>)], collection: &mut Collection) {
    let zone = collection.zone.as_ref().map(|(zone, _)| zone.clone());
    let reading = read_anacrontab(&path_on_host(file.name), file.bytes);
    add(collection, file.name, reading, |task| {
        let id = task.path.rsplit(':').next().unwrap_or_default();
        let stamp = files.iter().find(|(_, file)| file.name.strip_prefix("var/spool/anacron/") == Some(id));
        let text = stamp.map(|(_, stamp)| String::from_utf8_lossy(stamp.bytes).into_owned());
        let last_run = text.map_or_else(
            || LastRun::Unknown("anacron's stamp was not collected, or the job has never run".to_owned()),
            |text| read_anacron_stamp(&text, zone.as_ref()),
        );
        RunState { last_run, state: State::Ready, ..RunState::unknown("anacron tells no more") }
    });
}

fn add_timers(files: &[(Kind, CollectedFile<'_>)], collection: &mut Collection) {
    let of = |wanted: Kind| files.iter().filter(move |(kind, _)| *kind == wanted).map(|(_, file)| file);
    let mut tasks: BTreeMap<String, (Task, RunState)> = BTreeMap::new();
    let units: Vec<_> = of(Kind::Unit).map(|file| UnitFile { file: file.name, bytes: file.bytes }).collect();
    if !units.is_empty() {
        let switched = collection.manifest.as_ref().and_then(|manifest| manifest.linux.as_ref());
        let reading = read_units(&units, switched);
        collection.problems.extend(reading.problems.into_iter().map(|problem| ("units".to_owned(), problem)));
        let run = RunState::unknown("systemd was not asked");
        tasks.extend(reading.tasks.into_iter().map(|task| (task.path.clone(), (task, run.clone()))));
    }
    for file in of(Kind::Show) {
        match read_show(file.name, file.bytes) {
            // What systemd itself says counts before what its files say.
            Ok(shown) => tasks.extend(shown.into_iter().map(|shown| {
                let unknown = RunState::unknown("the list of timers was not collected");
                let run = RunState { state: shown.state, judged: shown.judged, ..unknown };
                (shown.task.path.clone(), (shown.task, run))
            })),
            Err(problem) => collection.problems.push((file.name.to_owned(), problem)),
        }
    }
    for file in of(Kind::ListTimers) {
        let timers = read_list_timers(file.bytes).unwrap_or_else(|problem| {
            collection.problems.push((file.name.to_owned(), problem));
            Vec::new()
        });
        for timer in timers {
            let unknown = || (undefined(&timer), RunState::unknown("not shown"));
            let (_, run) = tasks.entry(timer.unit.clone()).or_insert_with(unknown);
            (run.last_run, run.next_reported) = (timer.last_run, timer.next);
        }
    }
    let entries = tasks.into_values().map(|(task, run)| Entry { task, run, sddl: None, files: Vec::new() });
    collection.entries.extend(entries);
}

/// A timer that is listed, and of which neither a unit file nor its properties were collected.
fn undefined(timer: &ListedTimer) -> Task {
    let mut task = Task::new(timer.unit.clone(), Scheduler::Systemd, Origin::default());
    task.triggers = vec![Trigger::new(Schedule::Described(String::new()))];
    task.warnings.push("only the list of timers tells of it, not its definition".to_owned());
    task
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::Outcome;
    use crate::collection::{Assumed, read_collection};
    use crate::watch::{Overdue, Watch, assess};

    const MANIFEST: &str = r#"{"format":"strongroom-tasks/1","host":"necro","collected_at":"2026-07-20T10:00:00Z",
        "zone":{"iana":"Europe/Berlin"},"collector":{"elevated":true},"boot_time":"2026-07-01T05:00:00Z"}"#;
    const SHOW: &str = "Id=a.timer\nUnitFileState=enabled\nActiveState=active\n\
        TimersCalendar={ OnCalendar=*-*-* 06:00:00 ; next_elapse=(null) }\nUnit=a.service\n\nId=a.service\nResult=exit-code\n\
        ExecMainStatus=2\nActiveState=inactive\nExecStart={ path=/a ; argv[]=/a b ; ignore_errors=no }\n";
    const LIST: &str = r#"[{"next":1784606400000000,"last":1784347200000000,"unit":"a.timer","activates":"a.service"},
        {"next":null,"last":0,"unit":"b.timer","activates":null}]"#;

    #[test]
    fn a_hosts_files_and_what_systemd_prints_become_one_collection() {
        let files = [
            ("manifest.json", MANIFEST),
            ("show.txt", SHOW),
            ("list-timers.json", LIST),
            ("etc/crontab", "17 * * * * root run\n"),
            ("var/spool/cron/crontabs/jo", "0 3 * * * mine\n"),
            ("etc/anacrontab", "1 5 cron.daily run\n7 5 cron.weekly run\n"),
            ("var/spool/anacron/cron.daily", "20260715\n"),
        ];
        let files: Vec<_> = files.iter().map(|(name, text)| CollectedFile { name, bytes: text.as_bytes() }).collect();
        let found = read_collection(&files, &Assumed::default());
        assert_eq!((&found.problems, &found.partial), (&vec![], &Vec::<String>::new()));
        let zone = found.zone_or_utc();
        let watch = Watch { boot: found.boot, ..Watch::new(found.collected_at.unwrap(), &zone) };
        let judged: Vec<_> = found
            .entries
            .iter()
            .map(|entry| {
                let verdict = assess(&entry.task, &entry.run, &watch);
                (entry.task.path.as_str(), verdict.overdue, verdict.outcome)
            })
            .collect();
        assert_eq!(
            judged,
            [
                ("/etc/anacrontab:cron.daily", Overdue::Yes, Outcome::Unread),
                ("/etc/anacrontab:cron.weekly", Overdue::CannotTell, Outcome::Unread),
                ("/etc/crontab:1", Overdue::CannotTell, Outcome::Unread),
                ("/var/spool/cron/crontabs/jo:1", Overdue::CannotTell, Outcome::Unread),
                ("a.timer", Overdue::Yes, Outcome::Failed),
                ("b.timer", Overdue::CannotTell, Outcome::NotYetRun),
            ]
        );
    }

    #[test]
    fn files_without_a_place_are_told_by_their_content() {
        let kinds = [
            (
                "jobs.txt",
                "MAILTO=x\n0 3 * * * backup run\n",
                Some(Kind::Crontab(CrontabForm::User("jobs.txt".to_owned()))),
            ),
            ("jobs", "17 * * * * root cd /\n@daily www-data x\n", Some(Kind::Crontab(CrontabForm::System))),
            ("a.txt", "Id=a.timer\n", Some(Kind::Show)),
            ("a.json", "[{\"unit\":\"a\",\"activates\":null}]", Some(Kind::ListTimers)),
            ("copy", "[Timer]\nOnCalendar=daily\n", Some(Kind::Unit)),
            ("list.csv", "\"HostName\",\"TaskName\"\n", None),
            ("notes.txt", "Call the client\n", None),
            ("a.xml", "<Task/>", None),
            ("empty", "", None),
            ("necro/anacrontab", "1 5 a b\n", Some(Kind::Anacrontab)),
        ];
        for (name, text, expected) in kinds {
            assert_eq!(kind(&CollectedFile { name, bytes: text.as_bytes() }), expected, "{name}");
        }
        let both = [
            CollectedFile { name: "jobs", bytes: b"17 * * * * root cd /\n" },
            CollectedFile { name: "notes.txt", bytes: b"Call the client\n" },
        ];
        let found = read_collection(&both, &Assumed::default());
        assert_eq!((found.entries.len(), found.problems.len()), (1, 1));
    }
}
