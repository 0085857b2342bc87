//! `strongroom job run`: does a job now.

use strongroom_model::JobName;
use strongroom_model::event::{JobOutcome, JobWork};
use strongroom_service::{Clock, Config};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::jobs::act;
use crate::out::Out;
use crate::site;

#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// The job
    #[arg(value_parser = super::job_name)]
    job: JobName,
    /// Only prove the copy that is there
    #[arg(long)]
    prove: bool,
    /// Leave it to the process that does such work, and return at once
    #[arg(long)]
    detach: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &RunArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log(config).await?;
    let done = on_log(args, config, &log, out).await;
    let unwritable = log.unwritable().and_then(|found| found.borrow().clone());
    log.close().await;
    done.map_err(|error| unwritable.map_or(error, |found| site::unwritable(&found, &config.log_path())))
}

async fn on_log(
    args: &RunArgs,
    config: &Config,
    log: &strongroom_eventlog::EventLog,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let clock = Clock::system();
    act::record(config, log, &clock).await?;
    let work = if args.prove { JobWork::Prove } else { JobWork::TransferAndProve };
    let run = act::request(log, &clock, &args.job, work).await?;
    if args.detach {
        if args.json {
            out.json(&serde_json::json!({ "job": args.job, "run": run }))?;
        } else {
            out.line(format_args!("run {run} of job {} is requested", args.job))?;
        }
        return Ok(Exit::Well);
    }
    let state = act::see_through(config, log, &clock, &args.job, run).await?;
    let (_, job) = act::known(log, &args.job).await?;
    let outcome = state.outcome().unwrap_or(JobOutcome::Failed);
    let last = job.last.filter(|(last, _)| last.run == run).map(|(last, _)| last);
    let sentence = last.as_ref().map(|last| last.sentence.clone()).unwrap_or_default();
    let next_step = last.as_ref().and_then(|last| last.next_step.clone());
    if args.json {
        out.json(&serde_json::json!({
            "job": args.job, "run": run, "outcome": outcome, "sentence": sentence, "next_step": next_step,
            "counts": last.as_ref().map(|last| last.counts),
        }))?;
    } else {
        out.line(format_args!("job {}: {}: {sentence}", args.job, outcome.label()))?;
        if let Some(step) = next_step {
            out.line(format_args!("  next: {step}"))?;
        }
    }
    Ok(match outcome {
        JobOutcome::Proven | JobOutcome::Copied => Exit::Well,
        JobOutcome::Failed => Exit::Failed,
        JobOutcome::Damaged | JobOutcome::Cancelled | JobOutcome::Partial => Exit::Problems,
    })
}
