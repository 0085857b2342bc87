//! `strongroom job plan`: what a run would copy and delete.

use strongroom_jobs::JobSettings;
use strongroom_jobs::operation::Invocation;
use strongroom_jobs::target::Target;
use strongroom_model::text::{files, grouped, with_causes};
use strongroom_model::{ByteCount, JobName};
use strongroom_plugin::protocol::{Operation, Outcome};
use strongroom_service::{Config, blocking};
use tokio_util::sync::CancellationToken;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::jobs::{self, act};
use crate::out::Out;
use crate::site;

#[derive(Debug, clap::Args)]
pub(super) struct PlanArgs {
    /// The job
    #[arg(value_parser = super::job_name)]
    job: JobName,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &PlanArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let settings = jobs::settings(config);
    let Some(job) = settings.get(&args.job) else {
        return Err(CliError::new(format!("job {} is not configured on host {}", args.job, config.host()))
            .next_step("give the command on the job's host, or write the job into strongroom.toml as [[job]]"));
    };
    recognised(config, job).await?;
    let invocation = Invocation { operation: Operation::Plan, run: None, state: None, accepted: None };
    let done = jobs::plugins(config).run(job, invocation, &CancellationToken::new(), &mut |_| {}).await;
    let done = done.map_err(|error| CliError::new(with_causes(&error)).next_step(error.next_step()))?;
    let report = &done.ended.verdict.report;
    if args.json {
        out.json(report)?;
    } else {
        out.line(&report.sentence)?;
        out.line(format_args!(
            "  would copy {}, {}; would delete {} in the copy (allowed: {})",
            files(report.counts.copied),
            ByteCount(report.bytes),
            grouped(report.counts.deleted),
            job.max_delete.map_or_else(|| "none".to_owned(), grouped)
        ))?;
        if let Some(step) = &report.next_step {
            out.line(format_args!("  next: {step}"))?;
        }
    }
    let is_well = matches!(report.outcome, Outcome::Done | Outcome::Nothing);
    Ok(if is_well && report.counts.deleted <= job.max_delete.unwrap_or_default() { Exit::Well } else { Exit::Problems })
}

/// What is planned for an empty mount point, or for another disk, would mislead. A first run makes the folder in the
/// target; so it is there for its plan too.
async fn recognised(config: &Config, job: &JobSettings) -> Result<(), CliError> {
    let Some(folder) = job.target.clone() else { return Ok(()) };
    let known = match site::log_if_any(config).await? {
        Some(log) => {
            let known = act::known(&log, &job.name).await;
            log.close().await;
            known.ok().map(|(_, known)| known)
        }
        None => None,
    };
    let recorded = known.as_ref().and_then(|known| known.defined.as_ref()?.target);
    let has_copied = known.as_ref().is_some_and(|known| known.has_copied);
    let expected = job.target_id.or(recorded);
    let found = blocking(move || Target::prepared(&folder, expected, has_copied)).await;
    found.map(drop).map_err(|error| CliError::new(with_causes(&error)).next_step(error.next_step()))
}
