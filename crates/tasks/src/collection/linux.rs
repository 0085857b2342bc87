//! A Linux host's tasks, from a copy of its files and from what `systemctl` prints.

use std::collections::BTreeMap;

use super::{Assumed, CollectedFile, Collection, Entry};
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

/// Reads a Linux host's files. Names are their paths without the first slash, as of a copy of the file system:
/// `etc/crontab`, `etc/cron.d/*`, `var/spool/cron/…/USER`, `etc/anacrontab`, `var/spool/anacron/IDENTIFIER`, `*.timer`,
/// `*.service` and drop-ins; [`LIST_TIMERS_NAME`] and [`SHOW_NAME`] are what was printed. A manifest may tell the rest.
#[must_use]
pub fn read_linux_collection(files: &[CollectedFile<'_>], assumed: &Assumed) -> Collection {
    let mut collection = Collection::begun(files, assumed);
    add_crontabs(files, &mut collection);
    add_anacron(files, &mut collection);
    add_timers(files, &mut collection);
    collection.finish();
    collection
}

/// What a file is, by its place.
fn is_crontab(name: &str) -> bool {
    let spool = name.starts_with("var/spool/cron/") && !name.contains("/atjobs/") && !name.contains("/atspool/");
    name == "etc/crontab" || name.starts_with("etc/cron.d/") || spool
}

fn add(collection: &mut Collection, file: &str, reading: Reading, run: impl Fn(&Task) -> RunState) {
    collection.problems.extend(reading.problems.into_iter().map(|problem| (file.to_owned(), problem)));
    for task in reading.tasks {
        let run = run(&task);
        collection.entries.push(Entry { task, run, sddl: None, files: Vec::new() });
    }
}

fn add_crontabs(files: &[CollectedFile<'_>], collection: &mut Collection) {
    for file in files.iter().filter(|file| is_crontab(file.name)) {
        let path = format!("/{}", file.name);
        let reading = read_crontab(&path, file.bytes, &CrontabForm::of_place(&path));
        add(collection, file.name, reading, |_| RunState::unknown("cron keeps no record of its runs"));
    }
}

fn add_anacron(files: &[CollectedFile<'_>], collection: &mut Collection) {
    let zone = collection.zone_or_utc();
    for file in files.iter().filter(|file| file.name == "etc/anacrontab") {
        let reading = read_anacrontab("/etc/anacrontab", file.bytes);
        add(collection, file.name, reading, |task| {
            let id = task.path.rsplit(':').next().unwrap_or_default();
            let stamp = files.iter().find(|file| file.name.strip_prefix("var/spool/anacron/") == Some(id));
            let text = stamp.map(|stamp| String::from_utf8_lossy(stamp.bytes).into_owned());
            let last_run = text.map_or_else(
                || LastRun::Unknown("anacron's stamp was not collected, or the job has never run".to_owned()),
                |text| read_anacron_stamp(&text, &zone),
            );
            RunState { last_run, state: State::Ready, ..RunState::unknown("anacron tells no more") }
        });
    }
}

fn add_timers(files: &[CollectedFile<'_>], collection: &mut Collection) {
    let named = |name: &str| files.iter().find(|file| file.name == name);
    let mut listed = BTreeMap::new();
    if let Some(file) = named(LIST_TIMERS_NAME) {
        match read_list_timers(file.bytes) {
            Ok(timers) => listed.extend(timers.into_iter().map(|timer| (timer.unit.clone(), timer))),
            Err(problem) => collection.problems.push((file.name.to_owned(), problem)),
        }
    }
    let mut tasks: BTreeMap<String, (Task, RunState)> = BTreeMap::new();
    let is_unit = |name: &str| [".timer", ".service", ".conf"].iter().any(|end| name.ends_with(end));
    let units: Vec<_> = files
        .iter()
        .filter(|file| is_unit(file.name))
        .map(|file| UnitFile { file: file.name, bytes: file.bytes })
        .collect();
    if units.iter().any(|unit| unit.file.ends_with(".timer")) {
        let reading = read_units(&units);
        collection.problems.extend(reading.problems.into_iter().map(|problem| ("units".to_owned(), problem)));
        let run = RunState::unknown("systemd was not asked");
        tasks.extend(reading.tasks.into_iter().map(|task| (task.path.clone(), (task, run.clone()))));
    }
    if let Some(file) = named(SHOW_NAME) {
        match read_show(file.name, file.bytes) {
            // What systemd itself says counts before what its files say.
            Ok(shown) => tasks.extend(shown.into_iter().map(|shown| {
                let run = RunState {
                    state: shown.state,
                    judged: shown.judged,
                    ..RunState::unknown("the list of timers was not collected")
                };
                (shown.task.path.clone(), (shown.task, run))
            })),
            Err(problem) => collection.problems.push((file.name.to_owned(), problem)),
        }
    }
    for (unit, timer) in &listed {
        let (_, run) = tasks.entry(unit.clone()).or_insert_with(|| (undefined(timer), RunState::unknown("not shown")));
        run.last_run = timer.last_run.clone();
        run.next_reported = timer.next;
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
        let found = read_linux_collection(&files, &Assumed::default());
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
}
