//! `strongroom job log`: what the tool of a run said, compared with its digest in the log.

use strongroom_model::event::JobDetail;
use strongroom_model::text::printable;
use strongroom_model::{Algorithm, Digest, JobName, JobRunId};
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::jobs::act;
use crate::out::Out;
use crate::site;

#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// The job
    #[arg(value_parser = super::job_name)]
    job: JobName,
    /// The run; without it the last one
    #[arg(long, value_name = "RUN")]
    run: Option<JobRunId>,
}

pub(super) async fn run(args: &LogArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log_to_read(config).await?;
    let found = details(args, &log).await;
    log.close().await;
    let (run, details) = found?;
    let mut exit = Exit::Well;
    if details.is_empty() {
        // A run that failed has its log beside its event, without a digest in it.
        let folder = config.data_dir.join("jobs").join(args.job.as_str());
        let mut shown = false;
        for operation in ["run", "verify"] {
            let path = folder.join(format!("{run}.{operation}.log"));
            if let Ok(text) = std::fs::read_to_string(&path) {
                out.line(format_args!("==== {} (the event log has no digest of it)", path.display()))?;
                page(&text, out)?;
                shown = true;
            }
        }
        if !shown {
            return Err(CliError::new(format!("run {run} of job {} left no log on this host", args.job))
                .next_step("logs stay on the host that did the run, for `transfer.keep_logs`"));
        }
    }
    for detail in details {
        let path = config.data_dir.join(&detail.path);
        let bytes = std::fs::read(&path).map_err(|error| {
            CliError::new(format!("the log {} cannot be read", path.display()))
                .because(&error)
                .next_step("logs stay on the host that did the run, for `transfer.keep_logs`")
        })?;
        let is_the_one = Digest::of(Algorithm::Sha256, &bytes) == detail.sha256;
        let note = if is_the_one { "as the event log has it" } else { "CHANGED since the event log recorded it" };
        if !is_the_one {
            exit = Exit::Problems;
        }
        out.line(format_args!("==== {} ({note})", path.display()))?;
        page(&String::from_utf8_lossy(&bytes), out)?;
    }
    Ok(exit)
}

fn page(text: &str, out: &mut Out) -> Result<(), CliError> {
    for line in text.lines() {
        out.line(printable(line, line.chars().count()))?;
    }
    Ok(())
}

async fn details(args: &LogArgs, log: &strongroom_eventlog::EventLog) -> Result<(JobRunId, Vec<JobDetail>), CliError> {
    let (_, job) = act::known(log, &args.job).await?;
    let last = job.open.map(|(run, _)| run).or_else(|| job.last.map(|(last, _)| last.run));
    let Some(run) = args.run.or(last) else {
        return Err(CliError::new(format!("job {} had no run yet", args.job))
            .next_step(format!("strongroom job run {}", args.job)));
    };
    let (state, _) = act::state(log, run).await?;
    let copied = state.transferred.and_then(|copied| copied.detail);
    Ok((run, copied.into_iter().chain(state.verified.and_then(|found| found.detail)).collect()))
}
