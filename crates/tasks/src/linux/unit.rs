//! Unit files: timers with the services that they start.

use std::collections::BTreeMap;

use strongroom_calendar::OnCalendar;

use super::{text_of, timespan};
use crate::problem::{Format, Problem, Reading};
use crate::restore::LinuxRestore;
use crate::task::{Action, Monotonic, MonotonicBase, Origin, Principal, Schedule, Scheduler, Settings, Task, Trigger};

/// A unit file or a drop-in, `backup.timer` or `backup.timer.d/override.conf`, with its bytes.
#[derive(Debug, Clone, Copy)]
pub struct UnitFile<'a> {
    /// Its path, of which the last parts name the unit.
    pub file: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// The directives of a unit: those of its file, then those of its drop-ins, in the order of their names.
#[derive(Debug, Default)]
struct Unit {
    origin: Origin,
    directives: Vec<(String, String, String)>,
}

impl Unit {
    /// All values of a directive; an empty one takes back what came before.
    fn all(&self, section: &str, name: &str) -> Vec<&str> {
        let mut values = Vec::new();
        for (_, _, value) in self.directives.iter().filter(|(found, key, _)| found == section && key == name) {
            if value.is_empty() {
                values.clear();
            } else {
                values.push(value.as_str());
            }
        }
        values
    }

    fn last(&self, section: &str, name: &str) -> Option<&str> {
        self.all(section, name).pop()
    }
}

/// Reads timers, their services and drop-ins of both. A timer whose service is not among the files has no action, and a
/// warning. `switched`: which timers are enabled and masked; without it, each counts as enabled.
#[must_use]
pub fn read_units(files: &[UnitFile<'_>], switched: Option<&LinuxRestore>) -> Reading {
    let mut reading = Reading::new(Format::Units);
    let mut units: BTreeMap<String, Unit> = BTreeMap::new();
    // A unit's own file comes before its drop-ins, which are read in the order of their names, wherever they lie.
    let mut sorted: Vec<_> = files.iter().map(|file| (unit_name(file.file), is_vendors(file.file), file)).collect();
    sorted.sort_by(|(one, one_vendor, a), (other, other_vendor, b)| {
        (one, one_vendor, a.file).cmp(&(other, other_vendor, b.file))
    });
    // The site's file replaces one of the same name that the distribution brings (systemd.unit(5)).
    sorted.dedup_by(|(other, is_vendors, _), (first, _, _)| *is_vendors && other == first);
    for ((name, drop_in), _, file) in sorted {
        match text_of(file.file, file.bytes) {
            Ok((text, origin)) => {
                let unit = units.entry(name).or_default();
                if drop_in.is_none() {
                    unit.origin = origin;
                }
                unit.directives.extend(directives(&text));
            }
            Err(problem) => reading.problems.push(problem),
        }
    }
    for (name, unit) in units.iter().filter(|(name, _)| name.ends_with(".timer")) {
        let mut task = task(name, unit, &units);
        if let Some(switched) = switched {
            switch(&mut task, unit, switched);
        }
        reading.tasks.push(task);
    }
    if reading.tasks.is_empty() && reading.problems.is_empty() {
        reading.problems.push(Problem::Unknown);
    }
    reading
}

fn is_vendors(file: &str) -> bool {
    let file = file.trim_start_matches('/');
    file.starts_with("usr/lib/systemd/") || file.starts_with("lib/systemd/")
}

/// As `systemctl is-enabled` tells it: masked, disabled, or, without an `[Install]` section, static.
fn switch(task: &mut Task, unit: &Unit, switched: &LinuxRestore) {
    // Of a template its instances are enabled: `copy@home.timer`.
    let template = task.path.strip_suffix("@.timer").map(|stem| format!("{stem}@"));
    let is_it = |enabled: &String| *enabled == task.path || template.as_ref().is_some_and(|t| enabled.starts_with(t));
    let is_static = ["WantedBy", "RequiredBy", "Also"].iter().all(|name| unit.all("Install", name).is_empty());
    if switched.is_masked(&task.path) {
        task.settings.enabled = false;
        task.warnings.push("the timer is masked: nothing can start it".to_owned());
    } else if !is_static && !switched.enabled.iter().any(is_it) {
        task.settings.enabled = false;
    }
}

/// The unit that a file belongs to, and the drop-in's name.
fn unit_name(file: &str) -> (String, Option<String>) {
    let mut parts = file.rsplit('/');
    let name = parts.next().unwrap_or_default();
    match parts.next().and_then(|folder| folder.strip_suffix(".d")).filter(|_| name.ends_with(".conf")) {
        Some(unit) => (unit.to_owned(), Some(name.to_owned())),
        None => (name.to_owned(), None),
    }
}

/// Section, directive and value of each line (systemd.syntax(7)).
fn directives(text: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut section = String::new();
    let mut open = String::new();
    for line in text.lines() {
        let line = line.trim();
        // A comment within a continued line is left out.
        if line.starts_with(['#', ';']) || line.is_empty() && open.is_empty() {
            continue;
        }
        if let Some(line) = line.strip_suffix('\\') {
            open.push_str(line.trim_end());
            open.push(' ');
            continue;
        }
        let line = std::mem::take(&mut open) + line;
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((name, value)) = line.split_once('=') {
            found.push((section.clone(), name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    found
}

fn yes(value: &str) -> bool {
    ["1", "yes", "y", "true", "t", "on"].contains(&value.to_ascii_lowercase().as_str())
}

fn task(name: &str, timer: &Unit, units: &BTreeMap<String, Unit>) -> Task {
    let mut task = Task::new(name, Scheduler::Systemd, timer.origin.clone());
    task.settings = Settings::plain();
    task.description = timer.last("Unit", "Description").map(str::to_owned);
    task.settings.persistent = timer.last("Timer", "Persistent").is_some_and(yes);
    task.settings.wake = timer.last("Timer", "WakeSystem").is_some_and(yes);
    let accuracy = timer.last("Timer", "AccuracySec").and_then(timespan::parse);
    task.settings.accuracy = Some(accuracy.unwrap_or(crate::Span::of_seconds(60)));
    let random = timer.last("Timer", "RandomizedDelaySec").and_then(timespan::parse).filter(|span| !span.is_zero());
    for expression in timer.all("Timer", "OnCalendar") {
        let schedule = calendar(expression, &mut task.warnings);
        task.triggers.push(Trigger { random_delay: random, ..Trigger::new(schedule) });
    }
    for (_, key, value) in timer.directives.iter().filter(|(section, ..)| section == "Timer") {
        if let Some(base) = MonotonicBase::parse(key).filter(|_| !value.is_empty()) {
            let schedule = monotonic(base, value, &mut task.warnings);
            task.triggers.push(Trigger { random_delay: random, ..Trigger::new(schedule) });
        }
    }
    let stem = name.strip_suffix(".timer").unwrap_or(name);
    let service = timer.last("Timer", "Unit").map_or_else(|| format!("{stem}.service"), str::to_owned);
    match units.get(&service) {
        Some(unit) => add_service(&mut task, unit),
        None => task.warnings.push(format!("{service}, which it starts, is not among the files")),
    }
    if timer.all("Install", "WantedBy").is_empty() {
        task.warnings.push("no [Install] section: something else must start the timer".to_owned());
    }
    task
}

pub(super) fn calendar(expression: &str, warnings: &mut Vec<String>) -> Schedule {
    OnCalendar::parse(expression).map(Schedule::OnCalendar).unwrap_or_else(|error| {
        warnings.push(format!("OnCalendar: {error}"));
        Schedule::Unknown("OnCalendar".to_owned(), expression.to_owned())
    })
}

pub(super) fn monotonic(base: MonotonicBase, value: &str, warnings: &mut Vec<String>) -> Schedule {
    timespan::parse(value).map(|after| Schedule::Monotonic(Monotonic { base, after })).unwrap_or_else(|| {
        let value = strongroom_model::text::printable(value, 60);
        warnings.push(format!("{} {value:?} is not a time span", base.name()));
        Schedule::Unknown(base.name().to_owned(), value)
    })
}

fn add_service(task: &mut Task, service: &Unit) {
    let directory = service.last("Service", "WorkingDirectory");
    for command in service.all("Service", "ExecStart") {
        task.actions.push(Action::Exec {
            command: command.to_owned(),
            arguments: None,
            working_directory: directory.map(str::to_owned),
            input: None,
        });
    }
    if task.actions.is_empty() {
        task.warnings.push("its service has no ExecStart".to_owned());
    }
    let user = service.last("Service", "User").unwrap_or("root");
    task.principals = vec![Principal { user: Some(user.to_owned()), ..Principal::default() }];
    let limit = service.last("Service", "RuntimeMaxSec").or_else(|| service.last("Service", "TimeoutStartSec"));
    task.settings.time_limit = limit.and_then(timespan::parse);
}
