//! `strongroom tasks restore`: a script that is always the same, and a plan to read before it runs.

use std::path::{Path, PathBuf};

use strongroom_model::text::printable;
use strongroom_tasks::Scheduler;
use strongroom_tasks::restore::{
    LINUX_PLAN_NAME, LINUX_RESTORE_SCRIPT, LeftOut, PLAN_NAME, RESTORE_SCRIPT, Selection, restore_plan,
};

use super::source::{MAX_CHARS, Source, SourceArgs, sources};
use super::status::write;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// Writes a script and a plan that restore the tasks
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom tasks restore --out /tmp/restore
  strongroom tasks restore --host SRV1 --folder '\\OpenData' --out /tmp/restore
  strongroom tasks restore --from /srv/exported --out /tmp/restore

Nothing is restored by this. Read the plan; on the host, the script first only says what it would do.
For Windows: restore.ps1, restore-plan.json and the definitions. For Linux: restore.sh,
restore-plan.tsv and files/. No password is in either; arguments and scripts of the host may hold some.")]
pub(super) struct RestoreArgs {
    /// The folder to write
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Also Windows' own tasks below \Microsoft\
    #[arg(long)]
    with_windows_own: bool,
    #[command(flatten)]
    source: SourceArgs,
}

pub(super) fn run(args: &RestoreArgs, config: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    let sources = sources(&args.source, config)?;
    let [source] = sources.as_slice() else {
        let hosts: Vec<_> = sources.iter().map(Source::host).collect();
        return Err(CliError::new(format!("there are collections of several hosts: {}", hosts.join(", ")))
            .next_step("name one with --host"));
    };
    if args.out.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(CliError::new(format!("{} is not empty", args.out.display()))
            .next_step("name a new folder: what is restored must be of one collection only"));
    }
    let is_windows = |line: super::source::Line<'_>| line.entry.task.scheduler == Scheduler::Windows;
    let (windows, others) = (source.lines(None).any(is_windows), source.lines(None).any(|line| !is_windows(line)));
    let mut left_out = Vec::new();
    if windows {
        left_out.extend(of_windows(source, args, out)?);
    }
    if others {
        left_out.extend(of_linux(source, args, out)?);
    }
    for left in &left_out {
        out.line(format_args!("  left out: {}: {}", printable(&left.path, MAX_CHARS), left.reason))?;
    }
    for lack in source.lacks() {
        out.line(format_args!("  {lack}"))?;
    }
    let is_whole = left_out.is_empty() && source.judged.collection.is_complete();
    Ok(if is_whole { Exit::Well } else { Exit::Problems })
}

fn of_windows(source: &Source, args: &RestoreArgs, out: &mut Out) -> Result<Vec<LeftOut>, CliError> {
    let selection = Selection { folder: args.source.folder.as_deref(), with_windows_own: args.with_windows_own };
    let plan = restore_plan(&source.judged.collection, selection);
    for (name, bytes) in &source.gathered.files {
        write(&args.out, name, bytes)?;
    }
    write(&args.out, "restore.ps1", RESTORE_SCRIPT.as_bytes())?;
    write(&args.out, PLAN_NAME, &plan.json())?;
    let place = args.out.display();
    out.line(format_args!(
        "{} tasks of {}: read {place}/{PLAN_NAME}, then run restore.ps1 there",
        plan.tasks.len(),
        source.host()
    ))?;
    // One line would hide the ones that need work beforehand.
    Ok(plan.left_out.into_iter().filter(|left| args.source.folder.is_some() || !is_windows_own(left)).collect())
}

fn is_windows_own(left: &LeftOut) -> bool {
    left.path.to_lowercase().starts_with("\\microsoft\\")
}

fn of_linux(source: &Source, args: &RestoreArgs, out: &mut Out) -> Result<Vec<LeftOut>, CliError> {
    let Some(restore) = source.judged.collection.manifest.as_ref().and_then(|manifest| manifest.linux.as_ref()) else {
        return Err(CliError::new(format!("{} does not name the host of its files", source.folder.display()))
            .next_step("collect with a job of the kind tasks on the host itself"));
    };
    let (plan, left_out) = restore.plan();
    for file in &restore.files {
        if let Some(bytes) = source.gathered.files.get(file.collected()) {
            write(&args.out, &format!("files/{}", file.path), bytes)?;
        }
    }
    write(&args.out, "restore.sh", LINUX_RESTORE_SCRIPT.as_bytes())?;
    write(&args.out, LINUX_PLAN_NAME, &plan)?;
    let place = args.out.display();
    out.line(format_args!(
        "{} files of {}: read {place}/{LINUX_PLAN_NAME}, then run sh restore.sh there",
        restore.files.len(),
        source.host()
    ))?;
    Ok(left_out)
}
