//! `strongroom job show`: one job, its last run and its proof.

use strongroom_audit::{job_entry, open_run};
use strongroom_model::event::JobItem;
use strongroom_model::text::{grouped, printable, shown_to_the_minute};
use strongroom_model::{JobName, JobRunId};
use strongroom_service::config::Period;
use strongroom_service::{Clock, Config};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::jobs::act;
use crate::out::Out;
use crate::site;

const PATH_CHARS: usize = 200;

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The job
    #[arg(value_parser = super::job_name)]
    job: JobName,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &ShowArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log_to_read(config).await?;
    let shown = show(args, config, &log, out).await;
    log.close().await;
    shown
}

async fn show(
    args: &ShowArgs,
    config: &Config,
    log: &strongroom_eventlog::EventLog,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let (_, job) = act::known(log, &args.job).await?;
    let open = open_run(log, &job).await?;
    let zone = config.zone();
    let view = job_entry(&args.job, &job, open.as_ref(), Clock::system().now(), config.watch.job_grace.get(), &zone);
    let exit = if view.state.needs_attention() { Exit::Problems } else { Exit::Well };
    if args.json {
        out.json(&view)?;
        return Ok(exit);
    }
    out.line(format_args!("job {}: {}", args.job, view.state.label()))?;
    out.line(format_args!("  {}", view.sentence))?;
    if let Some(step) = &view.next_step {
        out.line(format_args!("  next: {step}"))?;
    }
    if let Some(defined) = &job.defined {
        out.line(format_args!("  kind {} on host {}", printable(&defined.kind, 40), defined.host))?;
        let allowed = Period::from(std::time::Duration::from_secs(defined.max_age_s));
        out.line(format_args!("  the last whole proof may be {allowed} old"))?;
        let most = defined.max_delete.map_or_else(|| "none".to_owned(), grouped);
        out.line(format_args!("  files that one run may delete in the copy: {most}"))?;
        if let Some(target) = defined.target {
            out.line(format_args!("  target {target}"))?;
        }
    }
    if let Some(proof) = &view.proof {
        let coverage = proof.evidence.coverage.as_ref().map_or_else(String::new, |said| format!("; {said}"));
        let method = printable(&proof.evidence.method, 40);
        let since = shown_to_the_minute(proof.since, &zone);
        out.line(format_args!("  every file of the copy was read since {since}, by {method}{coverage}"))?;
    }
    if let Some(said) = super::next_run(&view, &zone) {
        out.line(format_args!("  {said}"))?;
    }
    if let Some(run) = view.last_run {
        items(log, run, out).await?;
    }
    if let (Some(run), Some(progress)) = (view.open_run, &view.progress) {
        out.line(format_args!("  run {run}: {progress}"))?;
    }
    Ok(exit)
}

/// What the last run has to tell of single files.
async fn items(log: &strongroom_eventlog::EventLog, run: JobRunId, out: &mut Out) -> Result<(), CliError> {
    let (state, _) = act::state(log, run).await?;
    let copied = state.transferred.as_ref().map(|copied| (&copied.items, copied.items_total));
    let found = state.verified.as_ref().map(|found| (&found.items, found.items_total));
    for (items, total) in [copied, found].into_iter().flatten() {
        for item in items {
            out.line(format_args!("  {}", one(item)))?;
        }
        let more = total.saturating_sub(items.len() as u64);
        if more > 0 {
            out.line(format_args!("  and {} more: strongroom job log", grouped(more)))?;
        }
    }
    Ok(())
}

fn one(item: &JobItem) -> String {
    let reason =
        item.message.as_ref().map_or_else(String::new, |message| format!(": {}", printable(message, PATH_CHARS)));
    format!("{}  {}{reason}", printable(&item.outcome, 20), printable(&item.path, PATH_CHARS))
}
