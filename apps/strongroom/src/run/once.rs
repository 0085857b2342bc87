//! `--once`: takes what is waiting until nothing is left, tells people, and ends.

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

/// How many runs are asked for, at most: ten million bookings. A server that makes up
/// bookings without end must not keep us for ever.
const MAX_RUNS: u32 = 10_000;

/// How long a mail may take at least: a slow mail server's greeting.
const MIN_MAIL_WAIT: Duration = Duration::from_secs(10);

/// How long a mail that is under way is waited for: longer than one attempt may take.
const MAX_MAIL_WAIT: Duration = Duration::from_secs(20 * 60);

/// How often it is looked whether the next list can be asked for: often, beside the time that a batch's proofs take.
const LOOK_FOR_OVERLAP: Duration = Duration::from_millis(20);

/// How often it is looked whether the stages have found the drive.
const LOOK_FOR_DRIVE: Duration = Duration::from_millis(20);

const MAIL_LATER: &str = "\
A mail could not be handed over yet; it is kept, and goes out with the next run.
  next: strongroom doctor tries the mail server";

const UNLISTED: &str = "\
The document server's list is empty, and its count of waiting documents is not.
  next: run again; if it stays so, whoever keeps the document server must look at its list of waiting bookings";

/// How the work ended.
#[derive(Debug, Default)]
struct DrainOutcome {
    /// Why nothing was taken, where the first run took nothing.
    zero: Option<String>,
    /// How many bookings wait for their next attempt.
    later: u64,
    troubles: Vec<String>,
    stopped: bool,
}

/// Takes what is waiting until nothing is left; returns what there is to tell. The mail has
/// left by then, or is known not to have.
pub(crate) async fn run(job: &Job) -> Result<RunOutcome, CliError> {
    let lost = job.lost();
    // Whoever keeps the schedule waits for room; cron's run must end, and say why.
    let unwritable = job.unwritable(job.process.config.retry.wait_once.get().max(MIN_MAIL_WAIT));
    let ended = tokio::select! {
        trouble = unwritable => Err(trouble),
        ending = drain(job) => ending,
        trouble = lost => Err(trouble),
    };
    // Whatever could not be done, a full disk says why.
    ended.map_err(|trouble| job.full_disk().unwrap_or(trouble))
}

async fn drain(job: &Job) -> Result<RunOutcome, CliError> {
    let patience = job.process.config.retry.wait_once.get();
    ClockWatch::new(&job.process.log, &job.process.clock, &job.actor, Some(job.process.source().clone()))
        .in_zone(job.process.config.zone())
        .turn()
        .await?;
    let mut outcome =
        if wait_for_drive(job, patience).await { work(job, patience).await? } else { prove(job, patience).await? };
    // The alarm about them says so: after a log was lost it may take hours.
    job.salvaged().await;
    outcome.stopped |= job.process.shutdown.is_requested();
    if !outcome.stopped {
        let title = due::run_title(&job.process.config.schedule(), job.process.clock.now());
        job.compose(&title).await?;
        if !told(job, patience).await? {
            outcome.troubles.push(MAIL_LATER.to_owned());
        }
    }
    let ending = job.ending().await?;
    Ok(RunOutcome {
        zero: outcome.zero,
        later: outcome.later,
        troubles: outcome.troubles,
        stopped: outcome.stopped,
        ..ending
    })
}

/// Whether every mail was handed over. One that is under way is waited for to its end, which the mail server's own
/// time limits bound: what is said here must be so when the program ends. One that failed is tried again for ever, so
/// that is not waited for beyond the patience.
async fn told(job: &Job, patience: Duration) -> Result<bool, CliError> {
    let deadline = Instant::now() + MAX_MAIL_WAIT;
    loop {
        match tokio::time::timeout(patience.max(MIN_MAIL_WAIT), job.idle(&[StageName::Notify], patience)).await {
            Ok(idle) => return Ok(matches!(idle?, Idle::Settled)),
            Err(_) if Instant::now() < deadline && job.is_being_told().await? => {}
            Err(_) => return Ok(false),
        }
    }
}

/// Whether files can be brought to the drive, within the patience. That they cannot is reported at once.
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

/// Waits until what is on a drive that is full is proven and archived.
async fn prove(job: &Job, patience: Duration) -> Result<DrainOutcome, CliError> {
    let mut outcome = DrainOutcome::default();
    if let Idle::RetriesLater { count, .. } = job.idle(&PROOF, patience).await? {
        outcome.later = count as u64;
    }
    Ok(outcome)
}

/// Runs, one after the other, until one finds nothing more.
async fn work(job: &Job, patience: Duration) -> Result<DrainOutcome, CliError> {
    let mut outcome = DrainOutcome::default();
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
    if let Idle::RetriesLater { count, .. } = job.idle(&WORK, patience).await? {
        outcome.later = count as u64;
    }
    Ok(outcome)
}

/// Waits for one run, and for all that it set going but what waits for a retry: that is
/// waited for at the end, for all runs together. While only the last files are still proven and archived, the next list is
/// asked for already.
async fn one_run(job: &Job, run: &StreamName, patience: Duration) -> Result<Run, CliError> {
    let idle = tokio::select! {
        idle = job.idle(&WORK, Duration::ZERO) => idle?,
        overlapped = Box::pin(overlap(job, run)) => return overlapped,
    };
    let found = request::look(&job.process.log, run).await?;
    if found.enumerated.is_some() && !matches!(idle, Idle::Paused(_)) {
        return Ok(found);
    }
    // Something is in the way, of the run itself or of its bookings: it may pass.
    job.idle(&WORK, patience).await?;
    Ok(request::look(&job.process.log, run).await?)
}

/// Waits until the run's files are on the drive, and no more are left to be proven and archived than one run takes: so at most
/// two runs' files are under way at once, whatever fails or is in the way.
async fn overlap(job: &Job, run: &StreamName) -> Result<Run, CliError> {
    let most = u64::from(job.process.config.enumerate.oldest);
    loop {
        if let Idle::Settled | Idle::RetriesLater { .. } = job.idle(&INCOMING, Duration::ZERO).await? {
            let found = request::look(&job.process.log, run).await?;
            if found.enumerated.is_some() && job.left().await? <= most {
                return Ok(found);
            }
        }
        tokio::time::sleep(LOOK_FOR_OVERLAP).await;
    }
}

/// Why a run found nothing.
pub(crate) fn why_zero(reason: ZeroReason) -> String {
    match reason {
        ZeroReason::NothingWaiting => "no signed-off document waits on the server",
        ZeroReason::AllInHand => "all that wait on the server are in hand already, or need a person",
        ZeroReason::NoneUsable => "no record that waits on the server could be used",
        ZeroReason::NoneListed => "the server says that documents wait, but its list shows none of them",
    }
    .to_owned()
}

/// Why a run could not ask the server; `None` where an alarm says it.
pub(crate) fn run_trouble(run: &Run, zone: &TimeZone) -> Option<String> {
    let failed = run.failure.as_ref()?;
    let again = failed.retry_at.map_or_else(
        || format!("next: {}", failed.kind.step()),
        |due| format!("it is tried again from {} on, by the next run", shown(due, zone)),
    );
    Some(format!("The server could not be asked what waits: {}: {}.\n  {again}", failed.kind.cause(), failed.message))
}
