//! Which alarms are due, by what was seen: pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use strongroom_audit::{HostSeen, is_unproven};
use strongroom_model::event::{AlarmRaised, Failed, JobOutcome};
use strongroom_model::text::{printable, shown_to_the_minute};
use strongroom_model::{AlarmKind, FailureKind};
use strongroom_service::JobTiming;
use strongroom_service::config::Period;

use crate::seen::{DriveSeen, JobSeen, Seen};

/// A sentence of a tool, in an alarm.
const SENTENCE_CHARS: usize = 240;
/// A run copies, then proves; each may take the job's time-out.
const OPERATIONS: u64 = 2;

/// What is expected.
#[derive(Debug, Clone)]
pub struct Expectations {
    /// How long after its time a run may start, or go on.
    pub grace: Duration,
    /// How long a host may be silent.
    pub host_silent_after: Duration,
    /// How old a drive's proofs may be.
    pub evidence_fresh_for: Duration,
    /// The zone of times in messages.
    pub zone: TimeZone,
}

/// The kinds that the monitor raises and clears, apart from [`AlarmKind::MonitorSilent`].
pub const KINDS: [AlarmKind; 7] = [
    AlarmKind::JobDamaged,
    AlarmKind::JobFailed,
    AlarmKind::JobObstructed,
    AlarmKind::JobOverdue,
    AlarmKind::ProofOverdue,
    AlarmKind::HostSilent,
    AlarmKind::DriveDue,
];

/// The alarms that are due now.
#[must_use]
pub fn due(seen: &Seen, expected: &Expectations, now: Timestamp) -> Vec<AlarmRaised> {
    let jobs = seen.jobs.iter().flat_map(|job| of_job(job, expected, now));
    let hosts = seen.hosts.iter().filter_map(|host| of_host(host, expected, now));
    let drives = seen.drives.iter().filter_map(|drive| of_drive(drive, expected, now));
    jobs.chain(hosts).chain(drives).collect()
}

fn of_job(seen: &JobSeen, expected: &Expectations, now: Timestamp) -> Vec<AlarmRaised> {
    let (name, at) = (&seen.name, |at| shown_to_the_minute(at, &expected.zone));
    let alarm = |kind: AlarmKind, message: String| AlarmRaised {
        kind,
        message,
        next_step: next_step(seen, kind),
        subject: name.to_string(),
    };
    let mut alarms = Vec::new();
    if let Some((last, ended)) = &seen.job.last {
        let said = printable(&last.sentence, SENTENCE_CHARS);
        if let Some(since) = last.damaged_since {
            let since = at(since);
            alarms
                .push(alarm(AlarmKind::JobDamaged, format!("the copy of job {name} is damaged since {since}: {said}")));
        } else if matches!(last.outcome, JobOutcome::Failed | JobOutcome::Partial) {
            let how = last.outcome.label();
            let ended = at(*ended);
            alarms.push(alarm(
                AlarmKind::JobFailed,
                format!("the last run of job {name} ended as {how} at {ended}: {said}"),
            ));
        }
    }
    let obstacle = seen.failure.as_ref().filter(|failed| is_obstacle(failed.kind));
    if let Some(failed) = obstacle {
        let said = printable(&failed.message, SENTENCE_CHARS);
        alarms.push(alarm(AlarmKind::JobObstructed, format!("job {name} cannot be done now: {said}")));
    } else if let Some(message) = overdue(seen, expected, now) {
        alarms.push(alarm(AlarmKind::JobOverdue, message));
    }
    if is_unproven(&seen.job, now) {
        let allowed = seen.job.defined.as_ref().map_or(0, |defined| defined.max_age_s);
        let allowed = Period::from(Duration::from_secs(allowed));
        let proof = seen.job.last.as_ref().and_then(|(last, _)| last.proof.as_ref());
        let since = proof.map_or_else(
            || format!("the whole copy of job {name} was never proven"),
            |proof| format!("the last whole proof of the copy of job {name} is of {}", at(proof.since)),
        );
        alarms.push(alarm(AlarmKind::ProofOverdue, format!("{since}; {allowed} are allowed")));
    }
    alarms
}

/// What is in the way of one job, and nobody's fault.
const fn is_obstacle(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Obstructed | FailureKind::TargetUnknown | FailureKind::PluginChanged | FailureKind::ToolMissing
    )
}

fn next_step(seen: &JobSeen, kind: AlarmKind) -> String {
    let of_run = seen.job.last.as_ref().and_then(|(last, _)| last.next_step.clone());
    match kind {
        AlarmKind::JobObstructed => seen.failure.as_ref().map_or(kind.step(), Failed::step).to_owned(),
        AlarmKind::JobFailed => of_run.unwrap_or_else(|| kind.step().to_owned()),
        _ => kind.step().to_owned(),
    }
}

fn overdue(seen: &JobSeen, expected: &Expectations, now: Timestamp) -> Option<String> {
    let (job, name, at) = (&seen.job, &seen.name, |at| shown_to_the_minute(at, &expected.zone));
    let defined = job.defined.as_ref()?;
    if let Some((_, requested)) = job.open {
        let most = Duration::from_secs(defined.timeout_s.saturating_mul(OPERATIONS)).saturating_add(expected.grace);
        let is_late = age(requested, now) > most;
        return is_late.then(|| format!("the run of job {name} that was requested at {} does not end", at(requested)));
    }
    let timing = JobTiming::of(&defined.schedule).ok()?;
    let due = timing.overdue(job.requested_at, job.since?, now, expected.grace)?;
    Some(format!("the run of job {name} that was due at {} did not start on host {}", at(due), defined.host))
}

fn of_host(seen: &HostSeen, expected: &Expectations, now: Timestamp) -> Option<AlarmRaised> {
    (seen.silence(now) > expected.host_silent_after).then(|| AlarmRaised {
        kind: AlarmKind::HostSilent,
        message: seen.sentence(now, &expected.zone),
        next_step: AlarmKind::HostSilent.step().to_owned(),
        subject: seen.name.to_string(),
    })
}

fn of_drive(seen: &DriveSeen, expected: &Expectations, now: Timestamp) -> Option<AlarmRaised> {
    let label = seen.label.as_ref().map_or_else(String::new, |label| format!(" ({})", printable(label, 64)));
    (age(seen.read_at, now) > expected.evidence_fresh_for).then(|| AlarmRaised {
        kind: AlarmKind::DriveDue,
        message: format!(
            "drive {}{label} was last read back as a whole before {}",
            seen.id,
            shown_to_the_minute(seen.read_at, &expected.zone)
        ),
        next_step: AlarmKind::DriveDue.step().to_owned(),
        subject: seen.id.to_string(),
    })
}

fn age(from: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(from)).unwrap_or_default()
}
