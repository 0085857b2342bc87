//! `strongroom job list`: how every job stands, the worst first.

use strongroom_audit::{JobEntry, JobState, jobs};
use strongroom_model::text::clipped;
use strongroom_service::{Clock, Config};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// What a line of a terminal holds beside the names.
const SENTENCE_CHARS: usize = 200;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Also jobs that are not done any more
    #[arg(long)]
    retired: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &ListArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let entries = match site::log_if_any(config).await? {
        None => Vec::new(),
        Some(log) => {
            let (now, grace) = (Clock::system().now(), config.watch.job_grace.get());
            let entries = jobs(&log, now, grace, &config.zone()).await;
            log.close().await;
            entries?
        }
    };
    let is_shown = |entry: &&JobEntry| args.retired || entry.state != JobState::Retired;
    let shown: Vec<&JobEntry> = entries.iter().filter(is_shown).collect();
    let exit = if shown.iter().any(|entry| entry.state.needs_attention()) { Exit::Problems } else { Exit::Well };
    if args.json {
        out.json(&shown)?;
        return Ok(exit);
    }
    if shown.is_empty() {
        out.line("no job was done yet; write one into strongroom.toml as [[job]], then `strongroom job run NAME`")?;
    }
    let width = shown.iter().map(|entry| entry.name.as_str().len()).max().unwrap_or_default();
    for entry in shown {
        let sentence = clipped(&entry.sentence, SENTENCE_CHARS);
        let progress = entry.progress.as_deref().map_or_else(String::new, |progress| format!(" {progress}"));
        let next = super::next_run(entry, &config.zone()).map_or_else(String::new, |next| format!(" {next}"));
        let (name, state) = (entry.name.as_str(), entry.state.label());
        out.line(format_args!("{name:width$}  {state:<10}  {sentence}{progress}{next}"))?;
    }
    Ok(exit)
}
