use jiff::Timestamp;
use strongroom_audit::{JobEntry, JobState, OpenRun, job_entry};
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::fold::fold;
use strongroom_model::job::{Job, JobRun};
use strongroom_model::{JobName, Position, Recorded, StreamName, SubjectKind};
use strongroom_service::config::Period;

use super::super::report::JobsAs;

/// Jobs of a site, at most.
const MAX_JOBS: usize = 4000;
/// Streams that are read at once.
const AT_ONCE: usize = 64;

/// How the jobs stood at a position, the worst first.
pub(crate) async fn at(log: &EventLog, to: Position, view: &JobsAs) -> Result<Vec<JobEntry>, LogError> {
    let streams: Vec<StreamName> =
        log.newest(SubjectKind::Job, MAX_JOBS).await?.into_iter().map(|head| head.stream).collect();
    let mut entries = Vec::new();
    for streams in streams.chunks(AT_ONCE) {
        for (stream, history) in log.readable_streams(streams).await? {
            let Ok(name) = stream.id().parse::<JobName>() else { continue };
            let before: Vec<Recorded> = history.into_iter().filter(|event| event.position < to).collect();
            let Some(job) = fold::<Job>(&before).ok().filter(|job| job.defined.is_some() && !job.is_retired) else {
                continue;
            };
            let open = open_run(log, to, &job).await?;
            entries.push(job_entry(&name, &job, open.as_ref(), view.at, view.grace, &view.zone));
        }
    }
    entries.sort_by(|one, other| one.state.cmp(&other.state).then_with(|| one.name.cmp(&other.name)));
    Ok(entries)
}

/// The run that was in progress then.
async fn open_run(log: &EventLog, to: Position, job: &Job) -> Result<Option<OpenRun>, LogError> {
    let Some((run, _)) = job.open else { return Ok(None) };
    let history = log.readable_stream(&StreamName::jobrun(run)).await?;
    let before: Vec<Recorded> = history.into_iter().filter(|event| event.position < to).collect();
    // Who gave signs of life then is not kept.
    let open = |state| OpenRun { state, cancel: job.cancel.clone(), is_served: None };
    Ok(fold::<JobRun>(&before).ok().map(open))
}

/// All jobs in one sentence: `3 jobs proven, 1 not proven for 4 days (allowed: 1d), 1 overdue`.
pub(crate) fn sentence(jobs: &[JobEntry], now: Timestamp) -> String {
    let of = |state: JobState| jobs.iter().filter(|job| job.state == state).count() as u64;
    let unproven = unproven(jobs, now);
    let parts = [
        (of(JobState::Proven), "proven"),
        (of(JobState::Copied), "copied and not proven now"),
        (of(JobState::Waiting), "waiting for a first run"),
        (of(JobState::Cancelled), "ended before its time"),
        (of(JobState::Partial), "copied in part"),
        (of(JobState::Unproven), unproven.as_str()),
        (of(JobState::Retrying), "failing and tried again"),
        (of(JobState::Overdue), "overdue"),
        (of(JobState::Failed), "failed"),
        (of(JobState::Damaged), "damaged"),
    ];
    let mut sentence = String::new();
    for (number, what) in parts.into_iter().filter(|(number, _)| *number > 0) {
        if sentence.is_empty() {
            sentence = format!("{number} {} {what}", if number == 1 { "job" } else { "jobs" });
        } else {
            sentence.push_str(&format!(", {number} {what}"));
        }
    }
    sentence
}

/// For how long the only one that is not proven is not, and how long is allowed.
fn unproven(jobs: &[JobEntry], now: Timestamp) -> String {
    let mut unproven = jobs.iter().filter(|job| job.state == JobState::Unproven);
    let (Some(job), None) = (unproven.next(), unproven.next()) else { return "not proven for too long".to_owned() };
    let allowed = job.max_age.map_or_else(String::new, |allowed| format!(" (allowed: {})", Period::from(allowed)));
    let Some(proof) = &job.proof else { return format!("never proven{allowed}") };
    let days = now.duration_since(proof.since).as_secs().max(0) / 86_400;
    match days {
        0 => format!("not proven for too long{allowed}"),
        days => format!("not proven for {days} {}{allowed}", if days == 1 { "day" } else { "days" }),
    }
}
