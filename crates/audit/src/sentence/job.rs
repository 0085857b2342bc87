//! Jobs, their runs, and the hosts that do them.

use strongroom_model::event::{
    HostJoined, JobDefined, JobItem, JobRunEnded, JobRunRequested, JobRunStarted, JobRunTransferred, JobRunVerified,
    JobTrigger, JobWork,
};

use super::{clause, count, instant, quoted};

/// Items that a sentence names; the event has more of them.
const NAMED_ITEMS: usize = 3;

pub(super) fn host_joined(who: &str, data: &HostJoined) -> String {
    format!("Host {who} runs jobs ({}, version {}, {}).", clause(&data.os), clause(&data.version), clause(&data.zone))
}

pub(super) fn defined(who: &str, data: &JobDefined) -> String {
    format!(
        "Job {who} is defined: of kind {}, on host {}; its last whole proof may be {} old.",
        quoted(&data.kind),
        data.host,
        seconds(data.max_age_s)
    )
}

pub(super) fn requested(who: &str, data: &JobRunRequested) -> String {
    let work = match data.work {
        JobWork::Transfer => "is to copy",
        JobWork::TransferAndProve => "is to copy and to prove",
        JobWork::Prove => "is to prove",
    };
    let by = match (data.trigger, data.due) {
        (JobTrigger::Person, _) => "as a person asked".to_owned(),
        (JobTrigger::Schedule, None) => "by the schedule".to_owned(),
        (JobTrigger::Schedule, Some(due)) => format!("by the schedule, due at {}", instant(due)),
    };
    format!("Run {who} of job {} {work} on host {}, {by}.", data.job, data.host)
}

pub(super) fn started(who: &str, data: &JobRunStarted) -> String {
    format!("Run {who} began on host {}, of kind {}.", data.host, quoted(&data.kind))
}

pub(super) fn transferred(who: &str, data: &JobRunTransferred) -> String {
    let next = if data.prove { "The copy is read next." } else { "The copy was not read." };
    format!(
        "Run {who} copied {}: {}.{} {next}",
        data.bytes,
        clause(&data.sentence),
        items(&data.items, data.items_total)
    )
}

pub(super) fn verified(who: &str, data: &JobRunVerified) -> String {
    let found = if data.is_proof() {
        "proved its copy"
    } else if data.is_good() {
        "compared its copy by sizes and times only, which proves no content"
    } else {
        "found its copy damaged"
    };
    let read = format!(
        "{} read, {}, by {}",
        count(data.evidence.files, "file"),
        data.evidence.bytes,
        quoted(&data.evidence.method)
    );
    format!("Run {who} {found}: {} ({read}).{}", clause(&data.sentence), items(&data.items, data.items_total))
}

pub(super) fn ended(who: &str, data: &JobRunEnded) -> String {
    let whole = data.proof.as_ref().map_or_else(
        || "No proof of the whole copy yet.".to_owned(),
        |proof| format!("Every file of the copy was read since {}.", instant(proof.since)),
    );
    format!("Job {who} ended a run as {}: {}. {whole}", data.outcome.label(), clause(&data.sentence))
}

fn items(items: &[JobItem], total: u64) -> String {
    if items.is_empty() {
        return String::new();
    }
    let named: Vec<String> = items
        .iter()
        .take(NAMED_ITEMS)
        .map(|item| format!("{} ({})", quoted(&item.path), clause(&item.outcome)))
        .collect();
    let shown = u64::try_from(named.len()).unwrap_or(u64::MAX);
    let more = if total > shown { format!(" and {} more", total - shown) } else { String::new() };
    format!(" To look at: {}{more}.", named.join(", "))
}

/// A length of time in its largest whole unit.
fn seconds(seconds: u64) -> String {
    for (unit, noun) in [(86_400, "day"), (3600, "hour"), (60, "minute")] {
        if seconds >= unit && seconds.is_multiple_of(unit) {
            return count(seconds / unit, noun);
        }
    }
    count(seconds, "second")
}
