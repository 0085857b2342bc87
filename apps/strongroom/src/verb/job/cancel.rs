//! `strongroom job cancel`: ends the run in progress.

use strongroom_model::event::{JobCancelRequested, JobRunCancelled};
use strongroom_model::text::printable;
use strongroom_model::{Event, Expected, JobName, NewEvent, StreamName};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::jobs::act;
use crate::out::Out;
use crate::site;

/// A reason, in a line.
const REASON_CHARS: usize = 200;

#[derive(Debug, clap::Args)]
pub(super) struct CancelArgs {
    /// The job
    #[arg(value_parser = super::job_name)]
    job: JobName,
    /// Why: the log keeps it
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) async fn run(args: &CancelArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log(config).await?;
    let done = cancel(args, config, &log, out).await;
    log.close().await;
    done
}

/// The request stands in the job's stream, where it is in nobody's way: the run's own stream is its worker's. A run that
/// nobody works on is ended at once.
async fn cancel(
    args: &CancelArgs,
    config: &Config,
    log: &strongroom_eventlog::EventLog,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let clock = Clock::system();
    let (version, job) = act::known(log, &args.job).await?;
    let Some((run, _)) = job.open else {
        return Err(CliError::new(format!("job {} has no run in progress", args.job)));
    };
    if let Some(reason) = job.cancel {
        let reason = printable(&reason, REASON_CHARS);
        out.line(format_args!("run {run} of job {} is to be ended already: {reason}", args.job))?;
        return Ok(Exit::Well);
    }
    let requested = Event::JobCancelRequested(JobCancelRequested { reason: args.reason.clone(), run });
    let stream = StreamName::job(&args.job);
    let event = NewEvent::new(stream, Expected::After(version), clock.now(), person(), requested);
    log.append(vec![event]).await?;
    let (state, history) = act::state(log, run).await?;
    let is_idle = state.started.is_none() && state.transferred.is_none();
    if let Some(last) = history.last().filter(|_| is_idle && !state.has_ended()) {
        let cancelled = Event::JobRunCancelled(JobRunCancelled { reason: args.reason.clone() });
        let event = NewEvent::new(last.stream.clone(), Expected::After(last.version), clock.now(), person(), cancelled);
        // If a worker is faster, it finds the request.
        if log.append(vec![event]).await.is_ok() {
            act::record(config, log, &clock).await?;
            let begun = if state.failures > 0 { "no attempt is in progress" } else { "nothing was begun" };
            out.line(format_args!("run {run} of job {} is cancelled; {begun}", args.job))?;
            return Ok(Exit::Well);
        }
    }
    out.line(format_args!("run {run} of job {} is to be ended: its worker ends the tool", args.job))?;
    Ok(Exit::Well)
}
