//! A summary in one sentence.

use strongroom_audit::HostState;
use strongroom_model::AlarmKind;
use strongroom_model::event::ZeroReason;

use super::open::{LastingAlarm, jobs};
use super::report::SummaryReport;
use crate::format_text::{count, files, full_stop, label, plural};

/// How urgent a summary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing to do.
    Well,
    /// Nothing to do now, but something is unusual.
    Mind,
    /// A person is needed.
    Act,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SummaryVerdict {
    pub(crate) tone: Tone,
    /// The mail's subject and first line.
    pub(crate) sentence: String,
    /// What else must be known at once, such as files that are safe besides those that are not.
    pub(crate) also: Vec<String>,
}

pub(crate) fn verdict(report: &SummaryReport) -> SummaryVerdict {
    let needed = report.open.attention.total;
    let safe = report.tally.files.backed_up;
    if needed > 0 {
        return act(needs_you(report), rest(report, Some(safe)));
    }
    let told_below = |alarm: &LastingAlarm| !report.jobs.is_empty() && is_told_by_jobs(alarm.raised.kind);
    let alarms = &report.open.alarms.list;
    if let Some(alarm) = alarms.iter().find(|alarm| !told_below(alarm)) {
        let waiting = report.open.claimed.unproven();
        let mut sentence = alarm.raised.kind.title().to_owned();
        let others = alarms.len() as u64 - 1;
        if others > 0 {
            sentence += &format!(", and {}", plural(others, "other alarm", "other alarms"));
        }
        if waiting > 0 {
            let wait = if waiting == 1 { "waits" } else { "wait" };
            sentence += &format!(": {} {wait}", files(waiting));
        }
        return act(full_stop(&sentence), rest(report, Some(safe)));
    }
    let unreadable = report.tally.unreadable.total();
    if unreadable > 0 {
        let number = plural(unreadable, "event", "events");
        return act(format!("{number} of the log cannot be read."), rest(report, Some(safe)));
    }
    if let Some(needy) = needy(report) {
        return act(format!("{needy} you: {}.", jobs_and_hosts(report)), rest_of_bookings(report, Some(safe)));
    }
    if is_of_jobs_only(report) {
        return only_jobs(report);
    }
    if safe > 0 { safe_files(report) } else { nothing(report) }
}

/// Whether the sentence about jobs and hosts tells what such an alarm does.
const fn is_told_by_jobs(kind: AlarmKind) -> bool {
    matches!(
        kind,
        AlarmKind::JobDamaged
            | AlarmKind::JobFailed
            | AlarmKind::JobObstructed
            | AlarmKind::JobOverdue
            | AlarmKind::ProofOverdue
            | AlarmKind::HostSilent
    )
}

/// `2 jobs and 1 host need`.
fn needy(report: &SummaryReport) -> Option<String> {
    let jobs = report.jobs.iter().filter(|job| job.state.needs_attention()).count() as u64;
    let hosts = report.hosts.iter().filter(|host| host.state == HostState::Silent).count() as u64;
    match (jobs, hosts) {
        (0, 0) => None,
        (jobs, 0) => Some(plural(jobs, "job needs", "jobs need")),
        (0, hosts) => Some(plural(hosts, "host needs", "hosts need")),
        (jobs, hosts) => Some(format!("{} and {} need", plural(jobs, "job", "jobs"), plural(hosts, "host", "hosts"))),
    }
}

/// `3 jobs proven, 1 overdue; host necro was not heard from since 24 November 2026 22:14`.
fn jobs_and_hosts(report: &SummaryReport) -> String {
    let silent = report.hosts.iter().filter(|host| host.state == HostState::Silent);
    let parts: Vec<String> = std::iter::once(jobs::sentence(&report.jobs, report.composed_at))
        .chain(silent.map(|host| host.sentence.clone()))
        .collect();
    parts.join("; ")
}

/// Whether nothing was expected of bookings: the site has jobs, and nobody asked a document server.
pub(super) fn is_of_jobs_only(report: &SummaryReport) -> bool {
    let is_quiet =
        report.tally.runs.started == 0 && report.open.claimed.total() == 0 && report.tally.files.backed_up == 0;
    !report.jobs.is_empty() && is_quiet
}

fn only_jobs(report: &SummaryReport) -> SummaryVerdict {
    let is_amber = report.jobs.iter().any(|job| job.state.is_amber());
    let tone = if is_amber { Tone::Mind } else { Tone::Well };
    SummaryVerdict { tone, sentence: full_stop(&jobs_and_hosts(report)), also: Vec::new() }
}

fn act(sentence: String, also: Vec<String>) -> SummaryVerdict {
    SummaryVerdict { tone: Tone::Act, sentence, also }
}

/// `3 files need you: the server has no file for the booking.`
fn needs_you(report: &SummaryReport) -> String {
    let attention = &report.open.attention;
    let number = match (attention.files(), attention.total) {
        (files, total) if files == total => plural(files, "file needs", "files need"),
        (0, other) => plural(other, "task needs", "tasks need"),
        (some, total) => format!("{} and {} need", files(some), plural(total - some, "other task", "other tasks")),
    };
    let mut causes = attention.groups.keys();
    match (causes.next(), causes.next()) {
        (Some((_, only)), None) => format!("{number} you: {}.", only.cause()),
        _ => format!("{number} you, for {} different reasons.", attention.groups.len()),
    }
}

fn safe_files(report: &SummaryReport) -> SummaryVerdict {
    let safe = report.tally.files.backed_up;
    let waiting = report.open.claimed.unproven();
    let left = report.tally.runs.left_waiting();
    let place = place(report);
    let sentence = match (waiting, left.unwrap_or(0), safe) {
        (0, 0, 1) => format!("1 file is safe {place}."),
        (0, 0, _) => format!("All {} are safe {place}.", files(safe)),
        (0, left, _) => format!("{} safe {place}; {} on the server.", are(safe), wait_more(left)),
        (waiting, _, _) => format!("{} safe {place}; {} on the way.", are(safe), are_more(waiting)),
    };
    let troubled = waiting > 0 || report.tally.files.cached() > 0 || report.tally.runs.rejected.total() > 0;
    let tone = if troubled { Tone::Mind } else { Tone::Well };
    SummaryVerdict { tone, sentence, also: rest(report, None) }
}

fn are(number: u64) -> String {
    format!("{} {}", files(number), if number == 1 { "is" } else { "are" })
}

fn are_more(number: u64) -> String {
    format!("{} more {}", count(number), if number == 1 { "is" } else { "are" })
}

fn wait_more(number: u64) -> String {
    format!("{} more {}", count(number), if number == 1 { "waits" } else { "wait" })
}

/// `on drive Blue-1`, or across how many drives: each file is on one of them.
fn place(report: &SummaryReport) -> String {
    let mut drives = report.tally.files.drives.keys();
    match (drives.next(), drives.len()) {
        (Some(drive), 0) => match report.open.drives.labels.get(drive) {
            Some(text) => format!("on drive {}", label(text)),
            None => format!("on drive {drive}"),
        },
        (_, more) => format!("across {} drives", more + 1),
    }
}

/// Zero, with its reason (R8).
fn nothing(report: &SummaryReport) -> SummaryVerdict {
    let runs = &report.tally.runs;
    let claimed = report.open.claimed;
    let looked = runs.last_look.as_ref().map(|look| look.zero_reason);
    let (tone, reason) = match looked {
        _ if claimed.retrying > 0 && claimed.retrying == claimed.total() => {
            let wait = if claimed.retrying == 1 { "waits" } else { "wait" };
            (Tone::Mind, format!("{} {wait} to be tried again", files(claimed.retrying)))
        }
        _ if claimed.unproven() > 0 => (Tone::Mind, format!("{} still on the way", are(claimed.unproven()))),
        Some(Some(ZeroReason::NothingWaiting)) => (Tone::Well, "nothing was waiting".to_owned()),
        Some(Some(ZeroReason::AllClaimed)) => (Tone::Mind, "all that waits is claimed already".to_owned()),
        Some(Some(ZeroReason::NoneUsable)) => {
            let records = plural(runs.rejected.total(), "record that waits", "records that wait");
            (Tone::Act, format!("none of the {records} could be used"))
        }
        Some(Some(ZeroReason::NoneListed)) => {
            (Tone::Act, "the server says that documents wait, but its list shows none of them".to_owned())
        }
        Some(None) => (Tone::Mind, "the log does not say why; see the runs below".to_owned()),
        None => return nobody_looked(report),
    };
    SummaryVerdict { tone, sentence: format!("Nothing was backed up: {reason}."), also: rest(report, None) }
}

/// Without a list, what waits is unknown.
fn nobody_looked(report: &SummaryReport) -> SummaryVerdict {
    let runs = &report.tally.runs;
    let reason = match (&runs.last_failure, runs.started) {
        (Some(failed), _) => format!("no run could ask the server ({})", failed.kind.cause()),
        (None, 0) => "no run took place".to_owned(),
        (None, _) => "no run has asked the server yet".to_owned(),
    };
    let unknown = "How many files wait on the server is not known.".to_owned();
    act(format!("Nothing was backed up: {reason}."), std::iter::once(unknown).chain(rest(report, None)).collect())
}

/// What the sentence leaves out.
fn rest(report: &SummaryReport, safe: Option<u64>) -> Vec<String> {
    let jobs = Some(full_stop(&jobs_and_hosts(report))).filter(|_| !report.jobs.is_empty());
    jobs.into_iter().chain(rest_of_bookings(report, safe)).collect()
}

fn rest_of_bookings(report: &SummaryReport, safe: Option<u64>) -> Vec<String> {
    if is_of_jobs_only(report) {
        return Vec::new();
    }
    let mut also = Vec::new();
    match safe {
        Some(0) => also.push("No file was backed up.".to_owned()),
        Some(safe) => also.push(format!("{} safe {}.", are(safe), place(report))),
        None => {}
    }
    let to_tell = report.open.claimed.to_tell;
    if to_tell > 0 {
        also.push(full_stop(&format!("{} proven, but not yet moved on the server", are(to_tell))));
    }
    also
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use strongroom_audit::{HostEntry, JobEntry, JobState};
    use strongroom_model::event::{AlarmRaised, JobEvidence, SummaryComposed, WholeProof};
    use strongroom_model::{ByteCount, Position};

    use super::super::open::Open;
    use super::super::tally::Tally;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn job(name: &str, state: JobState) -> JobEntry {
        let evidence = JobEvidence {
            bytes: ByteCount(1),
            coverage: None,
            files: 1,
            method: "sha256".to_owned(),
            of: None,
            part: None,
            read_back: None,
        };
        JobEntry {
            name: name.parse().unwrap(),
            state,
            sentence: "2 files copied.".to_owned(),
            kind: Some("rsync".to_owned()),
            host: Some("office".parse().unwrap()),
            open_run: None,
            progress: None,
            last_run: None,
            last_ended_at: None,
            counts: None,
            proof: Some(WholeProof { evidence, since: at("2026-11-16T22:00:00Z") }),
            max_age: Some(std::time::Duration::from_secs(86_400)),
            next_due: None,
            overdue_since: None,
            next_step: None,
        }
    }

    fn report(jobs: Vec<JobEntry>, hosts: Vec<HostEntry>) -> SummaryReport {
        SummaryReport {
            site: "office".parse().unwrap(),
            composed: SummaryComposed {
                from: Position(0),
                message_id: "1@office".to_owned(),
                number: 1,
                root: String::new(),
                title: "the night of 2026-11-20".to_owned(),
                to: Position(9),
            },
            composed_at: at("2026-11-21T06:00:00Z"),
            tally: Tally::default(),
            open: Open::default(),
            jobs,
            hosts,
            unsent_before: None,
        }
    }

    fn silent(message: &str) -> LastingAlarm {
        let kind = AlarmKind::HostSilent;
        let (message, next_step) = (message.to_owned(), kind.step().to_owned());
        let raised = AlarmRaised { kind, message, next_step, subject: "necro".to_owned() };
        LastingAlarm { since: at("2026-11-17T23:00:00Z"), raised }
    }

    #[test]
    fn jobs_and_silent_hosts_are_told_in_one_sentence_instead_of_as_alarms() {
        let message = "host necro was not heard from since 2026-11-17 22:00 UTC";
        let hosts = vec![HostEntry::new("necro".parse().unwrap(), 1, Some(message.to_owned()))];
        let states = [JobState::Unproven, JobState::Proven, JobState::Proven, JobState::Proven];
        let jobs = states.into_iter().enumerate().map(|(n, state)| job(&format!("job-{n}"), state)).collect();
        let mut report = report(jobs, hosts);
        report.open.alarms.list.push(silent(message));
        let told = verdict(&report);
        assert_eq!(told.tone, Tone::Act);
        assert_eq!(
            told.sentence,
            format!("1 job and 1 host need you: 3 jobs proven, 1 not proven for 4 days (allowed: 1d); {message}.")
        );
    }

    #[test]
    fn an_alarm_that_no_job_tells_comes_first() {
        let mut report = report(vec![job("documents", JobState::Proven)], Vec::new());
        let drive = AlarmRaised { kind: AlarmKind::DriveMissing, ..silent("no drive").raised };
        report.open.alarms.list.push(LastingAlarm { raised: drive, ..silent("no drive") });
        let told = verdict(&report);
        assert_eq!(told.sentence, full_stop(AlarmKind::DriveMissing.title()));
        assert!(told.also.contains(&"1 job proven.".to_owned()), "{:?}", told.also);
    }

    #[test]
    fn the_hosts_of_a_report_are_silent_if_an_alarm_says_so() {
        let mut alarms = Open::default().alarms;
        alarms.list.push(LastingAlarm {
            raised: AlarmRaised { subject: "office".to_owned(), ..silent("gone").raised },
            ..silent("gone")
        });
        let found = super::super::open::hosts::of(&alarms, &[job("documents", JobState::Proven)]);
        assert_eq!(found, [HostEntry::new("office".parse().unwrap(), 1, Some("gone".to_owned()))]);
    }
}
