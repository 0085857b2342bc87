//! `strongroom job history`: a job's runs, the newest first.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_audit::open_run;
use strongroom_eventlog::EventLog;
use strongroom_model::event::{Failed, JobRunEnded};
use strongroom_model::text::{clipped, shown_to_the_minute};
use strongroom_model::{Event, JobName, JobRunId, Recorded, StreamName};
use strongroom_service::{Clock, Config};

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

/// A run that has ended.
#[derive(Debug, Serialize)]
struct Row {
    ended_at: Timestamp,
    run: JobRunEnded,
    attempts: Vec<Attempt>,
}

/// An attempt that failed, and was followed by another.
#[derive(Debug, Serialize)]
struct Attempt {
    failed_at: Timestamp,
    #[serde(flatten)]
    failed: Failed,
}

#[derive(Debug)]
struct History {
    rows: Vec<Row>,
    /// The run in progress, what it does, and its attempts that failed.
    open: Option<(JobRunId, String, Vec<Attempt>)>,
}

pub(super) async fn run(args: &HistoryArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log_to_read(config).await?;
    let history = history(args, config, &log).await;
    log.close().await;
    let History { rows, open } = history?;
    if args.json {
        out.json(&rows)?;
        return Ok(Exit::Well);
    }
    if rows.is_empty() && open.is_none() {
        out.line(format_args!("no run of job {} has ended yet", args.job))?;
    }
    let at = |at: Timestamp| shown_to_the_minute(at, &config.zone());
    if let Some((run, sentence, attempts)) = open {
        out.line(format_args!("{}  {:<9}  {run}  {sentence}", at(Clock::system().now()), "at work"))?;
        failed_attempts(&attempts, at, out)?;
    }
    for Row { ended_at, run, attempts } in &rows {
        let sentence = clipped(&run.sentence, SENTENCE_CHARS);
        out.line(format_args!("{}  {:<9}  {}  {sentence}", at(*ended_at), run.outcome.label(), run.run))?;
        failed_attempts(attempts, at, out)?;
    }
    Ok(Exit::Well)
}

fn failed_attempts(attempts: &[Attempt], at: impl Fn(Timestamp) -> String, out: &mut Out) -> Result<(), CliError> {
    for Attempt { failed_at, failed } in attempts {
        let message = clipped(&failed.message, SENTENCE_CHARS);
        out.line(format_args!("  attempt {} failed at {}: {message}", failed.attempt, at(*failed_at)))?;
    }
    Ok(())
}

async fn history(args: &HistoryArgs, config: &Config, log: &EventLog) -> Result<History, CliError> {
    let (_, job) = act::known(log, &args.job).await?;
    let history = log.readable_stream(&StreamName::job(&args.job)).await?;
    let ended = |recorded: &Recorded| match &recorded.event {
        Event::JobRunEnded(ended) => Some((ended.clone(), recorded.time)),
        _ => None,
    };
    let ended: Vec<(JobRunEnded, Timestamp)> = history.iter().rev().filter_map(ended).take(args.limit).collect();
    let open = job.open.map(|(run, _)| run);
    let streams: Vec<StreamName> =
        ended.iter().map(|(ended, _)| ended.run).chain(open).map(StreamName::jobrun).collect();
    let histories = log.readable_streams(&streams).await?;
    let open = match (open, open_run(log, &job).await?) {
        (Some(run), Some(open)) => Some((run, open.sentence(&config.zone()), attempts(&histories, run))),
        _ => None,
    };
    let row =
        |(run, ended_at): (JobRunEnded, Timestamp)| Row { attempts: attempts(&histories, run.run), ended_at, run };
    Ok(History { rows: ended.into_iter().map(row).collect(), open })
}

fn attempts(histories: &HashMap<StreamName, Vec<Recorded>>, run: JobRunId) -> Vec<Attempt> {
    let failed = |recorded: &Recorded| match &recorded.event {
        Event::WorkAttemptFailed(failed) => Some(Attempt { failed_at: recorded.time, failed: failed.clone() }),
        _ => None,
    };
    histories.get(&StreamName::jobrun(run)).into_iter().flatten().filter_map(failed).collect()
}
