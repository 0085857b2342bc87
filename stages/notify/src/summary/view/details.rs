use jiff::tz::TimeZone;
use strongroom_audit::{HostEntry, HostState, JobEntry};
use strongroom_model::text::shown_to_the_minute;
use strongroom_model::{FailureKind, SubjectKind};

use super::attached::in_use;
use super::needs::and_more;
use super::{FailureRow, ViewRow};
use crate::format_text::{count, duration, files, full_stop, name, plural, rate, sentence, short};
use crate::kind;
use crate::summary::report::SummaryReport;
use crate::summary::tally::{AlarmChange, OnDrive};
use crate::summary::verdict::is_of_jobs_only;

pub(super) fn counts(report: &SummaryReport) -> Vec<ViewRow> {
    if is_of_jobs_only(report) {
        return other(report).collect();
    }
    let files = &report.tally.files;
    let mut rows = vec![
        ViewRow::with_note("Backed up and proven", count(files.backed_up), files.bytes.to_string()),
        ViewRow::new("Moved to the archive on the server", count(files.archived)),
    ];
    let took = report.tally.work.total();
    if files.backed_up > 0 {
        let rate = rate(files.bytes, took).unwrap_or_default();
        rows.push(ViewRow::with_note("Time at work", duration(took), rate));
    }
    if files.recovered > 0 {
        let note = "an attempt had failed, a later one succeeded";
        rows.push(ViewRow::with_note("Recovered by trying again", count(files.recovered), note));
    }
    if files.resumed_bytes.0 > 0 {
        let note = "transfers that were cut went on from where they stood";
        rows.push(ViewRow::with_note("Kept from cut transfers", files.resumed_bytes.to_string(), note));
    }
    rows.extend(still_on_the_way(report));
    if files.given_back > 0 {
        rows.push(ViewRow::new("Given back by a person, to be tried again", count(files.given_back)));
    }
    if files.purged > 0 {
        rows.push(ViewRow::new("Deleted on the server by an approved purge", count(files.purged)));
    }
    rows.push(waiting(report));
    rows.extend(other(report));
    rows
}

fn still_on_the_way(report: &SummaryReport) -> Option<ViewRow> {
    let claimed = report.open.claimed;
    let parts = [
        (claimed.to_fetch, "to be fetched"),
        (claimed.to_prove, "to be read back"),
        (claimed.to_tell, "proven, to be moved on the server"),
        (claimed.retrying, "of them waiting to be tried again"),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(n))).collect();
    (claimed.total() > 0).then(|| ViewRow::with_note("Still on the way", count(claimed.total()), parts.join(", ")))
}

/// Unknown is called unknown (R8).
fn waiting(report: &SummaryReport) -> ViewRow {
    const LABEL: &str = "Left waiting on the server";
    match report.tally.runs.left_waiting() {
        Some(left) => ViewRow::with_note(LABEL, count(left), "when a run last asked"),
        None => ViewRow::with_note(LABEL, "unknown", "no run has asked"),
    }
}

/// Work without a section of its own, by the statuses that its subjects got.
fn other(report: &SummaryReport) -> impl Iterator<Item = ViewRow> {
    report.tally.other.iter().map(|(kind, counts)| {
        let parts: Vec<_> = counts.iter().map(|(status, number)| format!("{} {status}", count(*number))).collect();
        let label = match kind {
            SubjectKind::Job => "Runs of jobs that ended".to_owned(),
            kind => format!("Other work, {}", kind.name()),
        };
        ViewRow::new(&label, parts.join(", "))
    })
}

/// What came onto each drive, and how it was read back.
pub(super) fn drives(report: &SummaryReport) -> Vec<ViewRow> {
    let drives = report.tally.files.drives.iter();
    drives
        .map(|(id, on_drive)| {
            let label = report.open.drives.labels.get(id).map_or_else(|| id.to_string(), |label| name(label));
            let value = format!("{}, {}", files(on_drive.files), on_drive.bytes);
            ViewRow::with_note(&label, value, read_back(on_drive))
        })
        .collect()
}

fn read_back(on_drive: &OnDrive) -> String {
    let ways = [
        (on_drive.direct, "read back from the device"),
        (on_drive.cache_dropped, "read back after leaving the cache"),
        (on_drive.cached, "read back while the cache may still have held them: proves the file system's copy only"),
    ];
    let ways: Vec<_> = ways.into_iter().filter(|(number, _)| *number > 0).collect();
    match ways.as_slice() {
        [(_, way)] => format!("all {way}"),
        ways => ways.iter().map(|(number, way)| format!("{} {way}", count(*number))).collect::<Vec<_>>().join("; "),
    }
}

/// The most frequent first.
pub(super) fn failures(report: &SummaryReport) -> Vec<FailureRow> {
    let mut causes: Vec<_> = report.tally.causes.iter().collect();
    causes.sort_by_key(|(kind, cause)| (std::cmp::Reverse(cause.attempts), **kind));
    let outcome = |kind: FailureKind, gave_up: u64| match (gave_up, advice(kind)) {
        (0, None) => "tried again by itself".to_owned(),
        (0, Some(advice)) => format!("tried again by itself; if it happens often: {advice}"),
        _ => format!("{} left to a person", count(gave_up)),
    };
    causes
        .into_iter()
        .map(|(kind, cause)| FailureRow {
            cause: sentence(kind.cause()),
            times: plural(cause.attempts, "time", "times"),
            outcome: outcome(*kind, cause.gave_up),
        })
        .collect()
}

/// The step against a cause that passed by itself, if any, without the ending for one that did not.
fn advice(kind: FailureKind) -> Option<&'static str> {
    const ENDS: [&str; 4] = [
        ", then run `strongroom retry`",
        "; then run `strongroom retry`",
        "; it is tried again by itself",
        "; it is fetched again by itself",
    ];
    let step = kind.step();
    let step = ENDS.into_iter().find_map(|end| step.strip_suffix(end)).unwrap_or(step);
    (!step.starts_with("nothing yet")).then_some(step)
}

pub(super) fn history(report: &SummaryReport, zone: &TimeZone) -> Vec<ViewRow> {
    let runs = &report.tally.runs;
    let mut rows = Vec::new();
    if !is_of_jobs_only(report) {
        rows.push(ViewRow::with_note("Runs started", count(runs.started), how_runs_ended(report)));
    }
    if runs.failed_attempts > 0 {
        let note = runs.last_failure.as_ref().map_or_else(
            || "a later attempt was answered".to_owned(),
            |failed| format!("the last: {}", sentence(&failed.message)),
        );
        rows.push(ViewRow::with_note("Attempts to ask the server that failed", count(runs.failed_attempts), note));
    }
    if runs.forgotten > 0 {
        let note = "archived already; nothing was copied again";
        rows.push(ViewRow::with_note("Offered by the server again", count(runs.forgotten), note));
    }
    let alarms = &report.tally.alarms;
    if alarms.overdue > 0 {
        rows.push(ViewRow::new("Alarms that a run was overdue", count(alarms.overdue)));
    }
    rows.extend(alarms.changes.first().iter().map(|change| alarm(change, zone)));
    if alarms.changes.left_out() > 0 {
        rows.push(ViewRow::new("Alarms", and_more(alarms.changes.left_out())));
    }
    rows
}

fn how_runs_ended(report: &SummaryReport) -> String {
    let runs = &report.tally.runs;
    let parts = [
        (runs.nothing_waiting, "found nothing waiting"),
        (runs.all_claimed, "found only what was claimed"),
        (runs.none_usable, "found only records that cannot be used"),
        (runs.none_listed, "got a list that shows none of those that wait"),
        (runs.given_up, "could not ask the server"),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    parts.map(|(number, what)| format!("{} {what}", count(number))).collect::<Vec<_>>().join(", ")
}

fn alarm(change: &AlarmChange, zone: &TimeZone) -> ViewRow {
    let label = match change.raised {
        Some(kind) => format!("{} · {}", shown_to_the_minute(change.at, zone), kind.title()),
        None => {
            let title = kind::of_stream(&change.alarm).map_or_else(|| name(&change.alarm), kind::in_a_sentence);
            format!("{} · Over: {title}", shown_to_the_minute(change.at, zone))
        }
    };
    ViewRow::with_note(&label, "", short(&change.message))
}

/// What a reader should know although nothing is to be done.
pub(super) fn notes(report: &SummaryReport) -> Vec<String> {
    let mut notes = in_use(report);
    let cached = report.tally.files.cached();
    if cached > 0 {
        notes.push(format!(
            "{} read back while the page cache may still have held {}. That proves the file system's copy, not the \
             device's; `strongroom doctor` says why the drive could not be read past the cache.",
            if cached == 1 { "1 copy was".to_owned() } else { format!("{} copies were", count(cached)) },
            if cached == 1 { "it" } else { "them" },
        ));
    }
    if let Some(number) = report.unsent_before {
        notes.push(format!("Mail No {number} had not been handed over when this one was composed. It will come."));
    }
    for (number, receipt) in
        report.tally.summaries_sent.first().iter().filter(|(_, receipt)| receipt.contains("refused"))
    {
        notes.push(full_stop(&format!("Mail No {number} did not reach everyone: {receipt}")));
    }
    let labels = &report.tally.drives_set_up;
    if labels.total() > 0 {
        let shown: Vec<String> = labels.first().iter().map(|label| name(label)).collect();
        let more = and_more(labels.left_out());
        notes.push(full_stop(format!("Set up as backup drive: {} {more}", shown.join(", ")).trim()));
    }
    notes
}

/// The jobs, the worst first.
pub(super) fn jobs(report: &SummaryReport) -> Vec<ViewRow> {
    let row = |job: &JobEntry| ViewRow::with_note(job.name.as_str(), job.state.label(), sentence(&job.sentence));
    let host = |host: &HostEntry| {
        ViewRow::with_note(&format!("host {}", host.name), host.state.label(), sentence(&host.sentence))
    };
    // A silent host explains how its jobs stand; the others only complete the picture.
    let (silent, others): (Vec<_>, Vec<_>) = report.hosts.iter().partition(|host| host.state == HostState::Silent);
    let silent = silent.into_iter().map(host);
    silent.chain(report.jobs.iter().map(row)).chain(others.into_iter().map(host)).collect()
}
