//! Definitions put together with what the scheduler says of them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use windows_sys::Win32::Foundation::SCHED_S_TASK_HAS_NOT_RUN;

use super::{Collection, Entry};
use crate::dates::{DateOrder, Stamp, read_stamp};
use crate::manifest::{Listed, code_of};
use crate::moment::instant;
use crate::problem::{Problem, Reading};
use crate::schtasks::StatusRow;
use crate::task::{Action, Origin, Principal, Schedule, Scheduler, Task, Trigger};
use crate::watch::{LastRun, RunState, State};

/// Task paths are compared as Windows does: without regard to case.
fn key(path: &str) -> String {
    path.to_lowercase()
}

pub(super) fn join(readings: Vec<(String, Reading)>, collection: &mut Collection) {
    let mut tasks: BTreeMap<String, Task> = BTreeMap::new();
    let mut statuses: BTreeMap<String, (StatusRow, Option<DateOrder>)> = BTreeMap::new();
    let named = collection
        .manifest
        .as_ref()
        .and_then(|manifest| manifest.date_format.as_deref())
        .and_then(DateOrder::of_pattern);
    for (file, reading) in readings {
        collection.problems.extend(reading.problems.into_iter().map(|problem| (file.clone(), problem)));
        let order = named.or_else(|| DateOrder::of_all(reading.statuses.iter().flat_map(StatusRow::dates)));
        for task in reading.tasks {
            add_task(&mut tasks, task, collection);
        }
        for mut row in reading.statuses {
            // A listing without names has no other key than its place.
            if row.path.starts_with('(') {
                row.path = format!("{} of {file}", row.path);
            }
            match statuses.get(&key(&row.path)) {
                Some((first, _)) if *first == row => {}
                Some(_) => collection.problems.push((file.clone(), Problem::ListedTwice(row.path))),
                None => {
                    statuses.insert(key(&row.path), (row, order));
                }
            }
        }
    }
    let listed: BTreeMap<_, _> = collection.listed().iter().map(|listed| (key(&listed.path), listed.clone())).collect();
    for listed in listed.values() {
        if !tasks.contains_key(&key(&listed.path)) {
            let path = strongroom_model::text::printable(&listed.path, 200);
            collection.partial.push(format!("the definition of {path} is missing"));
        }
        // What the scheduler lists without a definition is a task all the same.
        tasks
            .entry(key(&listed.path))
            .or_insert_with(|| without_definition(&listed.path, "its definition could not be read"));
    }
    for (row, _) in statuses.values() {
        tasks.entry(key(&row.path)).or_insert_with(|| of_listing(row));
    }
    let zone = collection.zone.as_ref().map(|(zone, _)| zone.clone());
    for (key, mut task) in tasks {
        if task.is_defined() && !task.has_plain_path() {
            let path = strongroom_model::text::printable(&task.path, 200);
            collection.problems.push((task.origin.file.clone(), Problem::Path(path)));
        }
        let (mut run, mut sddl, mut files) = (RunState::unknown("the definition alone does not say"), None, Vec::new());
        if let Some(listed) = listed.get(&key) {
            run = of_manifest(listed);
            (sddl, files) = (listed.sddl.clone(), listed.files.clone());
        } else if let Some((row, order)) = statuses.get(&key) {
            run = of_row(row, *order, zone.as_ref());
            task.warnings.extend(row.warnings.iter().cloned());
        }
        collection.entries.push(Entry { task, run, sddl, files });
    }
}

/// The same definition may be there twice, in a dump and by itself.
fn add_task(tasks: &mut BTreeMap<String, Task>, task: Task, collection: &mut Collection) {
    let Some(first) = tasks.get(&key(&task.path)) else {
        tasks.insert(key(&task.path), task);
        return;
    };
    let same = Task { origin: first.origin.clone(), warnings: first.warnings.clone(), ..task.clone() } == *first;
    if !same {
        collection.problems.push((task.origin.file.clone(), Problem::Twice(task.path)));
    }
}

fn without_definition(path: &str, why: &str) -> Task {
    let mut task = Task::new(path, Scheduler::Windows, Origin::default());
    task.triggers = vec![Trigger::new(Schedule::Described(String::new()))];
    task.warnings.push(why.to_owned());
    task
}

/// A listing's columns in place of a definition: its schedules are in the host's language.
fn of_listing(row: &StatusRow) -> Task {
    let mut task = without_definition(&row.path, "only a listing tells of it, not its definition");
    task.author = row.author.clone();
    task.description = row.comment.clone();
    task.settings.hidden = false;
    task.settings.enabled = !matches!(row.enabled.as_deref(), Some("Disabled"));
    task.principals =
        row.run_as.iter().map(|user| Principal { user: Some(user.clone()), ..Principal::default() }).collect();
    task.actions = row.command.iter().map(Action::exec).collect();
    if !row.schedules.is_empty() {
        let words =
            |cells: &Vec<String>| cells.iter().filter(|cell| !cell.is_empty()).cloned().collect::<Vec<_>>().join(", ");
        task.triggers = row.schedules.iter().map(|cells| Trigger::new(Schedule::Described(words(cells)))).collect();
    }
    task
}

fn state_of(word: &str) -> State {
    match word.to_ascii_lowercase().as_str() {
        "ready" => State::Ready,
        "running" => State::Running,
        "queued" => State::Queued,
        "disabled" => State::Disabled,
        _ => State::Unknown(strongroom_model::text::printable(word, 60)),
    }
}

fn of_manifest(listed: &Listed) -> RunState {
    let result = listed.last_result.and_then(code_of);
    let last_run = match listed.last_run.as_deref() {
        Some("never") => LastRun::Never,
        Some(text) => text.parse().map_or_else(
            |_| LastRun::Unknown(format!("{:?} is not an instant", strongroom_model::text::printable(text, 40))),
            LastRun::At,
        ),
        None => LastRun::Unknown("the collector did not find it out".to_owned()),
    };
    RunState {
        state: state_of(listed.state.as_deref().unwrap_or("not collected")),
        last_run: never_by(result, last_run),
        result,
        next_reported: listed.next_run.as_deref().and_then(|text| text.parse().ok()),
        missed_runs: listed.missed_runs,
        ..RunState::unknown("")
    }
}

/// The scheduler's own "has never run" is more certain than any date.
fn never_by(result: Option<u32>, last_run: LastRun) -> LastRun {
    let never = result == Some(SCHED_S_TASK_HAS_NOT_RUN.cast_unsigned());
    if never { LastRun::Never } else { last_run }
}

fn of_row(row: &StatusRow, order: Option<DateOrder>, zone: Option<&TimeZone>) -> RunState {
    let stamp = |text: &Option<String>| text.as_deref().map(|text| read_stamp(text, order));
    let last_run = match (stamp(&row.last_run), zone) {
        (Some(Stamp::Never), _) => LastRun::Never,
        (Some(Stamp::At(civil)), Some(zone)) => instant(civil, zone)
            .map_or_else(|| LastRun::Unknown("its last run is out of range".to_owned()), LastRun::At),
        (Some(Stamp::At(_)), None) => LastRun::Unknown("the host's zone is not known".to_owned()),
        (Some(Stamp::Unknown(why)), _) => LastRun::Unknown(why),
        (None, _) => LastRun::Unknown("the listing does not contain it".to_owned()),
    };
    // Without the zone a date is no instant: it stays what the host's clock shows.
    let local = |text: &Option<String>| match stamp(text) {
        Some(Stamp::At(civil)) => Some(civil),
        _ => None,
    };
    RunState {
        state: state_of(row.state.as_deref().unwrap_or("not listed")),
        last_run: never_by(row.last_result, last_run),
        result: row.last_result,
        judged: None,
        last_local: local(&row.last_run).filter(|_| zone.is_none()),
        next_reported: local(&row.next_run).zip(zone).and_then(|(civil, zone)| instant(civil, zone)),
        next_local: local(&row.next_run).filter(|_| zone.is_none()),
        missed_runs: row.missed_runs,
    }
}
