//! `strongroom job log`: what the tool of a run said, compared with its digest in the log.

use std::path::PathBuf;

use serde::Serialize;
use strongroom_eventlog::EventLog;
use strongroom_model::event::{JobDetail, JobRunEnded};
use strongroom_model::text::printable;
use strongroom_model::{Algorithm, Digest, Event, JobName, JobRunId, Recorded, StreamName};
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
    /// As JSON
    #[arg(long)]
    json: bool,
}

const KEPT: &str = "logs stay on the host that did the run, for `transfer.keep_logs`";

/// One operation's log.
#[derive(Debug, Serialize)]
struct Shown {
    path: PathBuf,
    /// Whether the file has the digest that the event log has of it; without one there, it is unknown.
    is_intact: Option<bool>,
    is_truncated: Option<bool>,
    size_bytes: usize,
    sha256: String,
    text: String,
}

pub(super) async fn run(args: &LogArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log_to_read(config).await?;
    let found = details(args, &log).await;
    log.close().await;
    let (run, details) = found?;
    let shown = match details.is_empty() {
        true => in_progress(config, &args.job, run)?,
        false => details.iter().map(|detail| recorded(config, detail)).collect::<Result<_, _>>()?,
    };
    if args.json {
        out.json(&serde_json::json!({ "job": args.job, "run": run, "logs": shown }))?;
    } else {
        for one in &shown {
            let note = match one.is_intact {
                Some(true) => "as the event log has it",
                Some(false) => "CHANGED since the event log recorded it",
                None => "the event log has no digest of it yet",
            };
            out.line(format_args!("==== {} ({note})", one.path.display()))?;
            page(&one.text, out)?;
        }
    }
    let is_changed = shown.iter().any(|one| one.is_intact == Some(false));
    Ok(if is_changed { Exit::Problems } else { Exit::Well })
}

/// Of a run that has not ended: an attempt that failed left its log, and the next one replaces it.
fn in_progress(config: &Config, job: &JobName, run: JobRunId) -> Result<Vec<Shown>, CliError> {
    let folder = config.data_dir.join("jobs").join(job.as_str());
    let logs = ["run", "verify"].map(|operation| folder.join(format!("{run}.{operation}.log")));
    let shown: Vec<Shown> = logs
        .into_iter()
        .filter_map(|path| std::fs::read(&path).ok().map(|bytes| Shown::of(path, &bytes, None)))
        .collect();
    if shown.is_empty() {
        return Err(CliError::new(format!("run {run} of job {job} left no log on this host")).next_step(KEPT));
    }
    Ok(shown)
}

fn recorded(config: &Config, detail: &JobDetail) -> Result<Shown, CliError> {
    let path = config.data_dir.join(&detail.path);
    let bytes = std::fs::read(&path).map_err(|error| {
        CliError::new(format!("the log {} cannot be read", path.display())).because(&error).next_step(KEPT)
    })?;
    Ok(Shown::of(path, &bytes, Some(detail)))
}

impl Shown {
    fn of(path: PathBuf, bytes: &[u8], detail: Option<&JobDetail>) -> Self {
        let digest = Digest::of(Algorithm::Sha256, bytes);
        Self {
            path,
            is_intact: detail.map(|detail| detail.sha256 == digest),
            is_truncated: detail.map(|detail| detail.truncated),
            size_bytes: bytes.len(),
            sha256: digest.to_string(),
            text: String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

fn page(text: &str, out: &mut Out) -> Result<(), CliError> {
    for line in text.lines() {
        out.line(printable(line, line.chars().count()))?;
    }
    Ok(())
}

async fn details(args: &LogArgs, log: &EventLog) -> Result<(JobRunId, Vec<JobDetail>), CliError> {
    let (_, job) = act::known(log, &args.job).await?;
    let last = job.open.map(|(run, _)| run).or_else(|| job.last.as_ref().map(|(last, _)| last.run));
    let Some(run) = args.run.or(last) else {
        return Err(CliError::new(format!("job {} had no run yet", args.job))
            .next_step(format!("strongroom job run {}", args.job)));
    };
    let (state, _) = act::state(log, run).await?;
    let failed = match job.last.filter(|(last, _)| last.run == run) {
        Some((last, _)) => last.detail,
        None => ended(log, &args.job, run).await?.and_then(|ended| ended.detail),
    };
    let copied = state.transferred.and_then(|copied| copied.detail);
    let found = state.verified.and_then(|found| found.detail);
    Ok((run, [copied, found, failed].into_iter().flatten().collect()))
}

/// How an older run of the job ended.
async fn ended(log: &EventLog, job: &JobName, run: JobRunId) -> Result<Option<JobRunEnded>, CliError> {
    let history = log.readable_stream(&StreamName::job(job)).await?;
    let of_run = |recorded: Recorded| match recorded.event {
        Event::JobRunEnded(ended) if ended.run == run => Some(ended),
        _ => None,
    };
    Ok(history.into_iter().find_map(of_run))
}
