//! `strongroom tasks list`: every task in one line.

use std::path::Path;

use serde::Serialize;
use strongroom_model::text::printable;
use strongroom_tasks::task_words;

use super::source::{Line, MAX_CHARS, Source, SourceArgs, sources};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// Lists tasks: when they start, how they ended, whether they are overdue
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom tasks list
  strongroom tasks list --from /srv/exported --zone Europe/Berlin
  strongroom tasks list --host SRV1 --json")]
pub(super) struct ListArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// A task as lists have it; no argument of its command is in it.
#[derive(Debug, Serialize)]
pub(super) struct Listed<'a> {
    host: Option<String>,
    path: &'a str,
    when: String,
    outcome: &'static str,
    outcome_words: &'a str,
    overdue: &'static str,
    reason: &'a str,
    needs_a_person: bool,
    quiet: Option<&'a str>,
}

impl<'a> Listed<'a> {
    pub(super) fn of(line: &Line<'a>) -> Self {
        Self {
            host: line.source.named(),
            path: &line.entry.task.path,
            when: task_words(&line.entry.task),
            outcome: line.verdict.outcome.name(),
            outcome_words: &line.verdict.outcome_words,
            overdue: line.verdict.overdue.name(),
            reason: &line.verdict.reason,
            needs_a_person: line.needs_a_person(),
            quiet: line.agreed.quiet.as_deref(),
        }
    }
}

pub(super) fn run(args: &ListArgs, config: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    let sources = sources(&args.source, config)?;
    let folder = args.source.folder.as_deref();
    if args.json {
        let listed: Vec<_> =
            sources.iter().flat_map(|source| source.lines(folder)).map(|line| Listed::of(&line)).collect();
        out.json(&listed)?;
        return Ok(exit(&sources));
    }
    for source in &sources {
        let lines: Vec<_> = source.lines(folder).collect();
        out.line(format_args!("{}: {} tasks", source.host(), lines.len()))?;
        for line in lines {
            let when = printable(&task_words(&line.entry.task), MAX_CHARS);
            let overdue = match line.verdict.overdue {
                strongroom_tasks::watch::Overdue::Yes => "; overdue",
                strongroom_tasks::watch::Overdue::CannotTell => "; cannot tell whether it is overdue",
                strongroom_tasks::watch::Overdue::No => "",
            };
            let path = printable(&line.entry.task.path, MAX_CHARS);
            out.line(format_args!("  {path}  {when}; {}{overdue}", line.verdict.outcome.words()))?;
        }
        for lack in source.lacks() {
            out.line(format_args!("  {lack}"))?;
        }
    }
    Ok(exit(&sources))
}

/// A list that may lack tasks is not a whole one.
fn exit(sources: &[Source]) -> Exit {
    let is_whole = sources.iter().all(|source| source.judged.collection.is_complete());
    if is_whole { Exit::Well } else { Exit::Problems }
}
