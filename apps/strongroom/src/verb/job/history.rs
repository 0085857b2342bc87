//! `strongroom job history`: a job's runs, the newest first.

use strongroom_eventlog::EventLog;
use strongroom_model::event::JobRunEnded;
use strongroom_model::text::{printable, shown_to_the_minute};
use strongroom_model::{Event, JobName, Recorded, StreamName};
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::jobs::act;
use crate::out::Out;
use crate::site;

const SENTENCE_CHARS: usize = 200;

#[derive(Debug, clap::Args)]
pub(super) struct HistoryArgs {
    /// The job
    #[arg(value_parser = super::job_name)]
    job: JobName,
    /// How many runs, at most
    #[arg(long, value_name = "N", default_value_t = 28)]
    limit: usize,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &HistoryArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log_to_read(config).await?;
    let runs = runs(args, &log).await;
    log.close().await;
    let runs = runs?;
    if args.json {
        let rows: Vec<_> = runs.iter().map(|(ended, at)| serde_json::json!({ "ended_at": at, "run": ended })).collect();
        out.json(&rows)?;
        return Ok(Exit::Well);
    }
    if runs.is_empty() {
        out.line(format_args!("no run of job {} has ended yet", args.job))?;
    }
    for (ended, at) in &runs {
        let at = shown_to_the_minute(*at, &config.zone());
        let sentence = printable(&ended.sentence, SENTENCE_CHARS);
        out.line(format_args!("{at}  {:<9}  {}  {sentence}", ended.outcome.label(), ended.run))?;
    }
    Ok(Exit::Well)
}

async fn runs(args: &HistoryArgs, log: &EventLog) -> Result<Vec<(JobRunEnded, jiff::Timestamp)>, CliError> {
    act::known(log, &args.job).await?;
    let history = log.readable_stream(&StreamName::job(&args.job)).await?;
    let ended = |recorded: &Recorded| match &recorded.event {
        Event::JobRunEnded(ended) => Some((ended.clone(), recorded.time)),
        _ => None,
    };
    Ok(history.iter().rev().filter_map(ended).take(args.limit).collect())
}
