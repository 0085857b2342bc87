//! `status` and `task-status`.

use serde::Serialize;

use super::Agreed;
use super::parts::{action, instant, joined, local, yes};
use crate::codes::Outcome;
use crate::collection::{Collection, Entry};
use crate::watch::{LastRun, Overdue, State, Verdict};
use crate::words::task_words;

/// One task's state. The first seven columns are those of the report that this one replaces.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the columns' names are their documentation; docs/tasks.md explains them")]
pub struct StatusTableRow {
    #[serde(rename = "Name")]
    pub old_name: String,
    #[serde(rename = "Path")]
    pub old_path: String,
    #[serde(rename = "LastResult")]
    pub old_last_result: Option<u32>,
    #[serde(rename = "NextRun")]
    pub old_next_run: Option<String>,
    #[serde(rename = "Status")]
    pub old_status: String,
    #[serde(rename = "Command")]
    pub old_command: Option<String>,
    #[serde(rename = "Arguments")]
    pub old_arguments: Option<String>,
    pub host: Option<String>,
    pub source: &'static str,
    pub collected_at: Option<String>,
    pub complete: &'static str,
    pub zone: Option<String>,
    pub task_path: String,
    pub enabled: &'static str,
    pub hidden: &'static str,
    pub state: String,
    pub last_run: Option<String>,
    pub last_run_known: &'static str,
    pub last_result_hex: Option<String>,
    pub last_result_signed: Option<i32>,
    pub last_result_name: Option<&'static str>,
    pub result_side: Option<&'static str>,
    pub outcome: &'static str,
    pub outcome_words: String,
    pub missed_runs: Option<u32>,
    pub running_since: Option<String>,
    pub next_run_reported: Option<String>,
    pub next_run_expected: Option<String>,
    pub previous_expected: Option<String>,
    pub overdue: &'static str,
    pub overdue_since: Option<String>,
    pub overdue_reason: String,
    pub trigger_words: String,
    pub trigger_count: usize,
    pub action_count: usize,
    pub run_as: Option<String>,
    pub author: Option<String>,
    pub success_codes: String,
    pub quiet: Option<String>,
    pub first_seen: Option<String>,
    pub last_changed: Option<String>,
    pub backup_sha256: String,
    pub note: String,
}

/// One task's state in three words, as old readers know it: `timeStamp` is the next run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the columns' names are their documentation; docs/tasks.md explains them")]
pub struct SimpleStatusRow {
    pub name: String,
    #[serde(rename = "lastResult")]
    pub last_result: &'static str,
    #[serde(rename = "resultCode")]
    pub result_code: Option<u32>,
    #[serde(rename = "timeStamp")]
    pub time_stamp: Option<String>,
}

pub(super) fn status(collection: &Collection, entry: &Entry, verdict: &Verdict, agreed: &Agreed) -> StatusTableRow {
    let (task, run) = (&entry.task, &entry.run);
    let zone = collection.zone.as_ref().map(|(zone, _)| zone);
    let shown = |at| instant(at, zone);
    let cells = action(task.actions.first());
    let (last_run, last_run_known) = match &run.last_run {
        LastRun::At(at) => (Some(*at), "yes"),
        LastRun::Never => (None, "never"),
        LastRun::Unknown(_) => (None, "unknown"),
    };
    let meaning = verdict.meaning.as_ref();
    StatusTableRow {
        old_name: task.name().to_owned(),
        old_path: task.folder().to_owned(),
        old_last_result: run.result,
        old_next_run: next_run(collection, entry, verdict),
        old_status: run.state.name().to_owned(),
        old_command: cells.command,
        old_arguments: cells.arguments,
        host: collection.host.clone(),
        source: task.scheduler.name(),
        collected_at: shown(collection.collected_at),
        complete: if collection.is_complete() { "yes" } else { "partial" },
        zone: collection.zone.as_ref().map(|(_, name)| name.clone()),
        task_path: task.path.clone(),
        enabled: match run.state {
            State::Unknown(_) if !task.is_defined() => "",
            _ => yes(task.settings.enabled && run.state != State::Disabled),
        },
        hidden: if task.is_defined() { yes(task.settings.hidden) } else { "" },
        state: run.state.name().to_owned(),
        last_run: shown(last_run).or_else(|| local(run.last_local)),
        last_run_known,
        last_result_hex: meaning.map(crate::codes::Meaning::hex),
        last_result_signed: meaning.map(crate::codes::Meaning::signed),
        last_result_name: meaning.and_then(|meaning| meaning.name),
        result_side: meaning.map(|meaning| meaning.side.name()),
        outcome: verdict.outcome.name(),
        outcome_words: verdict.outcome_words.clone(),
        missed_runs: run.missed_runs,
        running_since: shown(last_run.filter(|_| run.state == State::Running)),
        next_run_reported: shown(run.next_reported).or_else(|| local(run.next_local)),
        next_run_expected: shown(verdict.next_expected).or_else(|| local(verdict.next_local)),
        previous_expected: shown(verdict.previous_expected),
        overdue: verdict.overdue.name(),
        overdue_since: shown(verdict.since),
        overdue_reason: verdict.reason.clone(),
        trigger_words: task_words(task),
        trigger_count: task.triggers.len(),
        action_count: task.actions.len(),
        run_as: task
            .principals
            .first()
            .and_then(|principal| principal.user.clone().or_else(|| principal.group.clone())),
        author: task.author.clone(),
        success_codes: joined(agreed.success.iter().map(ToString::to_string)),
        quiet: agreed.quiet.clone(),
        first_seen: shown(agreed.first_seen),
        last_changed: shown(agreed.last_changed),
        backup_sha256: task.origin.sha256.clone(),
        note: joined(&verdict.notes),
    }
}

pub(super) fn simple(collection: &Collection, entry: &Entry, verdict: &Verdict) -> SimpleStatusRow {
    let working = matches!(verdict.outcome, Outcome::Ok | Outcome::Running | Outcome::Queued | Outcome::NotYetRun);
    let last_result = match verdict.outcome {
        Outcome::Unread => "Unknown",
        _ if working && verdict.overdue != Overdue::Yes && verdict.stuck_since.is_none() => "Working",
        _ => "Broken",
    };
    SimpleStatusRow {
        name: entry.task.name().to_owned(),
        last_result,
        result_code: entry.run.result,
        time_stamp: next_run(collection, entry, verdict),
    }
}

/// As the scheduler reports it, else as its triggers say.
fn next_run(collection: &Collection, entry: &Entry, verdict: &Verdict) -> Option<String> {
    let zone = collection.zone.as_ref().map(|(zone, _)| zone);
    let (reported, expected) = (entry.run.next_reported, verdict.next_expected);
    instant(reported, zone)
        .or_else(|| local(entry.run.next_local))
        .or_else(|| instant(expected, zone))
        .or_else(|| local(verdict.next_local))
}
