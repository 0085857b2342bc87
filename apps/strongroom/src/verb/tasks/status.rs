//! `strongroom tasks status`: what needs a person, the worst first, and all tables.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use strongroom_files::sync::{sync_file, sync_folder};
use strongroom_model::text::printable;
use strongroom_tasks::watch::Overdue;

use super::list::Listed;
use super::source::{Line, MAX_CHARS, Source, SourceArgs, sources};
use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;

/// Shows how tasks stand, the worst first; writes the tables
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom tasks status
  strongroom tasks status --folder '\\OpenData' --json
  strongroom tasks status --from /srv/exported --out /tmp/tables

The tables are explained in docs/tasks.md. The exit code is 2 if a task needs a person, or if a
collection is partial.")]
pub(super) struct StatusArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Write every table into this folder, as CSV and JSON; for several hosts, a folder each
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &StatusArgs, config: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    let sources = sources(&args.source, config)?;
    let mut lines: Vec<_> = sources.iter().flat_map(|source| source.lines(args.source.folder.as_deref())).collect();
    lines.sort_by_key(|line| (rank(line), line.entry.task.path.clone()));
    if let Some(folder) = &args.out {
        for source in &sources {
            let folder = if sources.len() > 1 {
                strongroom_kinds::tasks::host_folder(folder, source.judged.host())
            } else {
                folder.clone()
            };
            write_tables(source, &folder)?;
        }
    }
    let bad = lines.iter().filter(|line| line.needs_a_person()).count();
    let is_partial = sources.iter().any(|source| !source.judged.collection.is_complete());
    if args.json {
        out.json(&lines.iter().map(Listed::of).collect::<Vec<_>>())?;
    } else {
        page(&sources, &lines, bad, out)?;
    }
    Ok(if bad > 0 || is_partial { Exit::Problems } else { Exit::Well })
}

fn page(sources: &[Source], lines: &[Line<'_>], bad: usize, out: &mut Out) -> Result<(), CliError> {
    let hosts: Vec<_> = sources.iter().map(Source::host).collect();
    out.line(format_args!("{} tasks of {}; {bad} need a person", lines.len(), hosts.join(", ")))?;
    for line in lines.iter().filter(|line| line.needs_a_person()) {
        let words = printable(&line.verdict.outcome_words, MAX_CHARS);
        let overdue = match line.verdict.overdue {
            Overdue::Yes => format!("overdue: {}", printable(&line.verdict.reason, MAX_CHARS)),
            _ => format!("{}: {words}", line.verdict.outcome.words()),
        };
        let path = printable(&line.entry.task.path, MAX_CHARS);
        let host = line.source.named().map(|host| format!("{host} ")).unwrap_or_default();
        out.line(format_args!("  {host}{path}  {overdue}"))?;
    }
    let unknown = lines.iter().filter(|line| line.verdict.overdue == Overdue::CannotTell).count();
    if unknown > 0 {
        out.line(format_args!("  of {unknown} it is not known whether they are overdue; `tasks show` says why"))?;
    }
    for source in sources {
        for lack in source.lacks() {
            let host = source.named().map(|host| format!("{host}: ")).unwrap_or_default();
            out.line(format_args!("  {host}{lack}"))?;
        }
    }
    Ok(())
}

/// The worst first: overdue, then ended badly, then what cannot be determined.
fn rank(line: &Line<'_>) -> u8 {
    match (line.needs_a_person(), line.verdict.overdue) {
        (true, Overdue::Yes) => 0,
        (true, _) => 1,
        (false, Overdue::CannotTell) => 2,
        (false, _) => 3,
    }
}

fn write_tables(source: &Source, folder: &Path) -> Result<(), CliError> {
    for (name, bytes) in source.judged.tables().files() {
        write(folder, name, &bytes)?;
    }
    Ok(())
}

/// Writes beside the file and renames, so that a reader never sees half of it.
pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), CliError> {
    let path = folder.join(name);
    let parent = path.parent().unwrap_or(folder);
    let write = || {
        fs::create_dir_all(parent)?;
        let last = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = parent.join(format!(".{last}.new"));
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        sync_file(&file)?;
        fs::rename(&temporary, &path)?;
        sync_folder(File::open(parent)?)
    };
    write().context_and_step(format!("cannot write {}", path.display()), "name a folder that can be written to")
}
