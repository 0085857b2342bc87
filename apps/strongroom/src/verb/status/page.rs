//! The page for people.

use jiff::tz::TimeZone;
use strongroom_audit::{DriveState, HostEntry, HostState, JobEntry, Process, RunEntry, Safety, Status};
use strongroom_model::presence::{Missing, PartState, Sign};
use strongroom_model::text::{clipped, printable, shown};
use strongroom_model::{AlarmKind, BookingCounts, ByteCount, FailureKind};

/// A job's sentence, beside its name on a wide terminal.
const JOB_CHARS: usize = 160;

/// Everything, the verdict first, unless there is something to say before it. Times are in that zone.
pub(super) fn page(status: &Status, first: Option<&str>, zone: &TimeZone) -> String {
    let verdict = first.map_or_else(|| verdict(status, zone), str::to_owned);
    let as_of = status.as_of.map_or_else(String::new, |position| format!(" as of position {position}"));
    let mut page = format!("site {}{as_of}: {verdict}\n\n", status.site);
    page += &jobs_and_hosts(status);
    if !status.jobs.is_empty() {
        page.push('\n');
    }
    let counts = &status.bookings.counts;
    let waiting = status.bookings.waiting.map_or_else(|| "unknown".to_owned(), |number| number.to_string());
    let mut row = |what: &str, value: &str| page += &format!("  {what:<24}{value}\n");
    row("waiting on the server", &waiting);
    for (what, number) in count_rows(counts) {
        row(what, &number.to_string());
    }
    row("log", &format!("{} events, root {}", status.log.size, status.log.root));
    for drive in &status.drives {
        row("drive", &one_drive(drive));
    }
    row("last run", &status.last_run.as_ref().map_or_else(|| "never".to_owned(), |run| one_run(run, zone)));
    for process in &status.processes {
        if process.state == "alive" {
            row("process", &one_process(process, zone));
        }
    }
    if let Some(problem) = &status.log_problem {
        page += &format!("\nlog: {}\n  next: {}\n", problem.message, problem.next_step);
    }
    for missing in &status.missing {
        let sentence = missing.sentence(|at| shown(at, zone));
        page += &format!("\nmissing: {sentence}\n  next: {}\n", missing.next_step());
    }
    if let Some(overdue) = &status.overdue {
        page += &format!("\noverdue: {overdue}\n  next: {}\n", AlarmKind::RunOverdue.step());
    }
    if let Some(mail) = &status.mail {
        page += &format!(
            "\nmail: one could not be handed over and is tried again: {mail}\n  next: {}\n",
            FailureKind::MailUnreachable.step()
        );
    }
    for cause in &status.causes {
        page += &format!(
            "\n{}: {} ({}{})\n  {}\n  next: {}\n",
            cause.bookings,
            cause.cause,
            cause.first.join(", "),
            if cause.bookings > cause.first.len() as u64 { ", …" } else { "" },
            cause.message,
            cause.next_step
        );
    }
    for alarm in &status.alarms {
        page += &format!(
            "\nalarm {} since {}: {}\n  next: {}\n",
            alarm.kind.code(),
            shown(alarm.since, zone),
            alarm.message,
            alarm.next_step
        );
    }
    for note in &status.notes {
        page += &format!("\nnote: {note}\n");
    }
    page
}

/// A silent host explains how its jobs stand, and comes before them; the others only complete the picture.
fn jobs_and_hosts(status: &Status) -> String {
    let line = |name: &str, state: &str, sentence: &str| format!("  {name:<24}{state:<12}{sentence}\n");
    let host = |host: &HostEntry| line(&format!("host {}", host.name), host.state.label(), &host.sentence);
    let job = |job: &JobEntry| {
        let progress = job.progress.as_deref().map_or_else(String::new, |progress| format!(" {progress}"));
        line(job.name.as_str(), job.state.label(), &format!("{}{progress}", clipped(&job.sentence, JOB_CHARS)))
    };
    let (silent, others): (Vec<_>, Vec<_>) = status.hosts.iter().partition(|host| host.state == HostState::Silent);
    silent.into_iter().map(host).chain(status.jobs.iter().map(job)).chain(others.into_iter().map(host)).collect()
}

pub(crate) fn count_rows(counts: &BookingCounts) -> [(&'static str, u64); 6] {
    [
        ("enumerated", counts.enumerated),
        ("fetched", counts.fetched),
        ("backed up", counts.backed_up),
        ("archived", counts.archived),
        ("purged", counts.purged),
        ("need attention", counts.needs_attention),
    ]
}

fn verdict(status: &Status, zone: &TimeZone) -> String {
    let stuck = status.bookings.counts.needs_attention;
    let moving = status.bookings.counts.claimed() - stuck;
    let alarms = status.alarms.len() as u64;
    let missing = status.missing.first().map(|first| missing_for(status, first, zone));
    let missing = missing.or_else(|| status.overdue.clone());
    let needs = (stuck > 0).then(|| format!("{} a person", plural(stuck, "booking needs", "bookings need")));
    let raised = (alarms > 0).then(|| format!("{} raised", plural(alarms, "alarm is", "alarms are")));
    let mail = status.mail.as_ref().map(|_| "a mail could not be handed over".to_owned());
    let log = status.log_problem.as_ref().map(|_| "the log is not the one that it was".to_owned());
    let jobs = status.jobs.iter().filter(|job| job.state.needs_attention()).count() as u64;
    let jobs = (jobs > 0).then(|| format!("{} a person", plural(jobs, "job needs", "jobs need")));
    let hosts = status.hosts.iter().filter(|host| host.state == HostState::Silent).count() as u64;
    let hosts = (hosts > 0).then(|| format!("{} silent", plural(hosts, "host is", "hosts are")));
    let problems: Vec<String> =
        log.into_iter().chain(missing).chain(hosts).chain(jobs).chain(needs).chain(raised).chain(mail).collect();
    if !problems.is_empty() {
        return format!("{} (see below)", problems.join("; "));
    }
    let has_bookings = counts_of(status) > 0 || status.last_run.is_some() || status.bookings.waiting != Some(0);
    if !status.jobs.is_empty() && !has_bookings {
        let amber = status.jobs.iter().filter(|job| job.state.is_amber()).count() as u64;
        let all = plural(status.jobs.len() as u64, "job is", "jobs are");
        return match amber {
            0 => format!("{all} proven"),
            amber => format!("{all} well; {} not proven now", plural(amber, "of them is", "of them are")),
        };
    }
    match (status.bookings.waiting, moving) {
        (None, 0) => "nothing is in progress; what waits is unknown".to_owned(),
        (None, moving) => format!("{moving} on their way; what waits on the server is unknown"),
        _ if status.safety == Safety::Problems => "the last run failed".to_owned(),
        (Some(0), 0) => "all that was signed off is archived".to_owned(),
        (Some(waiting), 0) => format!("well; {waiting} wait for the next run"),
        (Some(_), moving) if status.processes.iter().all(|process| process.state != "alive") => {
            format!("{moving} wait for the next run, which goes on with them")
        }
        (Some(_), moving) => format!("well; {moving} on their way"),
    }
}

fn counts_of(status: &Status) -> u64 {
    status.bookings.counts.total()
}

/// How much waits for what is missing, and what that is.
fn missing_for(status: &Status, missing: &Missing, zone: &TimeZone) -> String {
    let counts = &status.bookings.counts;
    let waiting = match missing.role.as_str() {
        "fetch" => Some((counts.enumerated, "to be fetched")),
        "verify" => Some((counts.fetched, "to be proven")),
        "archive" => Some((counts.backed_up, "to be archived")),
        _ => None,
    };
    let sentence = missing.sentence(|at| shown(at, zone));
    match waiting {
        Some((waiting, what)) => {
            format!("{} {what}, and {sentence}", plural(waiting, "booking waits", "bookings wait"))
        }
        None => sentence,
    }
}

fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn one_drive(drive: &DriveState) -> String {
    let label = drive.label.as_ref().map_or_else(String::new, |label| format!("“{}” ", printable(label, 60)));
    let id = drive.id.map_or_else(String::new, |id| format!("({id}): "));
    let free = drive.free_bytes.map_or_else(String::new, |free| format!(", {} free", ByteCount(free)));
    format!("{label}{id}{}{free}", drive.state.replace('-', " "))
}

fn one_process(process: &Process, zone: &TimeZone) -> String {
    let parts = process.sign.parts.iter().map(|part| {
        let what = match part.state {
            PartState::Working => "working".to_owned(),
            PartState::StandingBy => "standing by".to_owned(),
            PartState::Paused | PartState::Cut => {
                format!("waits: {}", printable(part.waits_for.as_deref().unwrap_or("it does not say for what"), 160))
            }
        };
        format!("{} {what}", printable(&part.role, 20))
    });
    let Sign { actor, pid, version, since, .. } = &process.sign;
    let parts = parts.collect::<Vec<_>>().join(", ");
    format!("{actor} (pid {pid}, {}) since {}: {parts}", printable(version, 20), shown(*since, zone))
}

fn one_run(run: &RunEntry, zone: &TimeZone) -> String {
    let at = shown(run.requested_at, zone);
    let found = match (run.enumerated, run.waiting, &run.failure) {
        (Some(taken), Some(waiting), _) => format!("took {taken} of {waiting} waiting"),
        (_, _, Some(failure)) => format!("{}: {failure}", run.state.label()),
        _ => run.state.label().to_owned(),
    };
    format!("{at}: {found}")
}

#[cfg(test)]
mod tests;
