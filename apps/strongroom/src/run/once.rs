//! `--once`: backs up what is waiting until nothing is left, mails, and ends.

use std::time::Duration;

use jiff::tz::TimeZone;
use strongroom_bus::Idle;
use strongroom_model::event::ZeroReason;
use strongroom_model::run::Run;
use strongroom_model::text::shown;
use strongroom_model::{StageName, StreamName};
use tokio::time::Instant;

use crate::cli_error::CliError;
use crate::process::Process;
use crate::run::clock_watch::ClockWatch;
use crate::run::job::{DriveFound, Job};
use crate::run::outcome::RunOutcome;
use crate::run::work::{INCOMING, PROOF, WORK};
use crate::run::{due, request};

/// How many runs at most: ten million bookings. A server that makes up bookings without end must not keep us for
/// ever.
const MAX_RUNS: u32 = 10_000;

/// How long a mail may take at least: a slow mail server's greeting.
const MIN_MAIL_WAIT: Duration = Duration::from_secs(10);

/// How long to wait for a mail in flight: longer than one attempt may take.
const MAX_MAIL_WAIT: Duration = Duration::from_secs(20 * 60);

/// How often to look whether the next run may begin: short beside the time that a batch's proofs take.
const LOOK_FOR_OVERLAP: Duration = Duration::from_millis(20);

const LOOK_FOR_DRIVE: Duration = Duration::from_millis(20);

const MAIL_LATER: &str = "\
A mail could not be handed over yet; it is kept, and goes out with the next run.
  next: strongroom doctor tries the mail server";

const UNLISTED: &str = "\
The document server's list is empty, and its count of waiting documents is not.
  next: run again; if it stays so, whoever keeps the document server must look at its list of waiting bookings";

/// When this returns, the mail was handed over, or is known not to have been.
pub(crate) async fn run(job: &Job) -> Result<RunOutcome, CliError> {
    let lost = job.lost();
    // The scheduled job waits for room; a run by cron must end and say why.
    let unwritable = job.unwritable(job.process.config.retry.wait_once.get().max(MIN_MAIL_WAIT));
    let ended = tokio::select! {
        error = unwritable => Err(error),
        ending = drain(job) => ending,
        error = lost => Err(error),
    };
    // A full disk explains every other failure.
    ended.map_err(|error| job.full_disk().unwrap_or(error))
}

async fn drain(job: &Job) -> Result<RunOutcome, CliError> {
    let patience = job.process.config.retry.wait_once.get();
    ClockWatch::of(&job.process, &job.actor, Some(job.process.source().clone())).turn().await?;
    let mut outcome =
        if wait_for_drive(job, patience).await { work(job, patience).await? } else { prove(job, patience).await? };
    // Not waited for by the schedule: after a log was lost it may take hours.
    job.salvaged().await;
    outcome.stopped |= job.process.shutdown.is_requested();
    if !outcome.stopped {
        let title = due::run_title(&job.process.config.schedule(), job.process.clock.now());
        job.compose(&title).await?;
        if !told(job, patience).await? {
            outcome.troubles.push(MAIL_LATER.to_owned());
        }
    }
    job.ending(outcome).await
}

/// Whether every mail was handed over. One in flight is awaited to its end, which the mail timeouts bound, so that
/// what we report is true at exit. A failed one is retried for ever, and awaited no longer than the patience.
async fn told(job: &Job, patience: Duration) -> Result<bool, CliError> {
    let deadline = Instant::now() + MAX_MAIL_WAIT;
    loop {
        match tokio::time::timeout(patience.max(MIN_MAIL_WAIT), job.idle(&[StageName::Notify], patience)).await {
            Ok(idle) => return Ok(matches!(idle?, Idle::NothingLeft)),
            Err(_) if Instant::now() < deadline && job.is_being_told().await? => {}
            Err(_) => return Ok(false),
        }
    }
}

async fn wait_for_drive(job: &Job, patience: Duration) -> bool {
    let mut unusable_since = None;
    while !job.process.shutdown.is_requested() {
        match job.drive() {
            DriveFound::Usable => return true,
            DriveFound::Unusable if unusable_since.get_or_insert_with(Instant::now).elapsed() >= patience => break,
            DriveFound::Unusable | DriveFound::NotYet => {}
        }
        tokio::time::sleep(LOOK_FOR_DRIVE).await;
    }
    false
}

/// Waits until what is on a full drive is proven and archived.
async fn prove(job: &Job, patience: Duration) -> Result<RunOutcome, CliError> {
    Ok(RunOutcome { later: later(job, &PROOF, patience).await?, ..RunOutcome::default() })
}

/// How many are left for the next run when all else is done.
async fn later(job: &Job, stages: &[StageName], patience: Duration) -> Result<u64, CliError> {
    Ok(match job.idle(stages, patience).await? {
        Idle::RetriesLater { count, .. } => count as u64,
        _ => 0,
    })
}

async fn work(job: &Job, patience: Duration) -> Result<RunOutcome, CliError> {
    let mut outcome = RunOutcome::default();
    for number in 0..MAX_RUNS {
        let Process { config, log, clock, .. } = &job.process;
        let run = request::now(config, log, clock).await?;
        let found = one_run(job, &run, patience).await?;
        let Some(enumerated) = &found.enumerated else {
            outcome.troubles.extend(run_trouble(&found, &job.process.config.zone()));
            break;
        };
        if number == 0 {
            outcome.zero = enumerated.zero_reason.map(why_zero);
            if enumerated.zero_reason == Some(ZeroReason::NoneListed) {
                outcome.troubles.push(UNLISTED.to_owned());
            }
        }
        if enumerated.enumerated == 0 || job.process.shutdown.is_requested() {
            break;
        }
    }
    outcome.later = later(job, &WORK, patience).await?;
    Ok(outcome)
}

/// Waits for one run and what it started, except for retries: these are awaited at the end, for all runs together.
async fn one_run(job: &Job, run: &StreamName, patience: Duration) -> Result<Run, CliError> {
    let idle = tokio::select! {
        idle = job.idle(&WORK, Duration::ZERO) => idle?,
        overlapped = Box::pin(overlap(job, run)) => return overlapped,
    };
    let found = request::look(&job.process.log, run).await?;
    if found.enumerated.is_some() && !matches!(idle, Idle::Paused(_)) {
        return Ok(found);
    }
    // The obstacle may pass.
    job.idle(&WORK, patience).await?;
    Ok(request::look(&job.process.log, run).await?)
}

/// Waits until another run may begin: at most two runs' files are in flight at once.
async fn overlap(job: &Job, run: &StreamName) -> Result<Run, CliError> {
    let most = u64::from(job.process.config.enumerate.oldest);
    loop {
        if let Idle::NothingLeft | Idle::RetriesLater { .. } = job.idle(&INCOMING, Duration::ZERO).await? {
            let found = request::look(&job.process.log, run).await?;
            if found.enumerated.is_some() && job.left().await? <= most {
                return Ok(found);
            }
        }
        tokio::time::sleep(LOOK_FOR_OVERLAP).await;
    }
}

pub(crate) fn why_zero(reason: ZeroReason) -> String {
    match reason {
        ZeroReason::NothingWaiting => "no signed-off document waits on the server",
        ZeroReason::AllClaimed => "all that wait on the server are claimed already, or need a person",
        ZeroReason::NoneUsable => "no record that waits on the server could be used",
        ZeroReason::NoneListed => "the server says that documents wait, but its list shows none of them",
    }
    .to_owned()
}

/// `None` where an alarm says it.
pub(crate) fn run_trouble(run: &Run, zone: &TimeZone) -> Option<String> {
    let failed = run.failure.as_ref()?;
    let again = failed.retry_at.map_or_else(
        || format!("next: {}", failed.kind.step()),
        |due| format!("it is tried again from {} on, by the next run", shown(due, zone)),
    );
    Some(format!(
        "The server's list of waiting bookings could not be read: {}: {}.\n  {again}",
        failed.kind.cause(),
        failed.message
    ))
}
