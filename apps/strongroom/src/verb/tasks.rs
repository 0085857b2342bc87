//! `strongroom tasks`: scheduled tasks of Windows, systemd and cron, from what was collected.

mod changes;
mod list;
mod restore;
mod show;
mod source;
mod status;

use std::path::Path;

use clap::Subcommand;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// Scheduled tasks: what a host has, how it stands, what changed, and how to restore it
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom tasks list                              every task of the newest collections
  strongroom tasks list --from /srv/exported         of a folder of exported files
  strongroom tasks show '\\OpenData\\Nightly'          one task: when, what, how it stands
  strongroom tasks status                            what needs a person, the worst first
  strongroom tasks status --out /tmp/tables          write all tables, as CSV and JSON
  strongroom tasks diff                              what changed between the two newest collections
  strongroom tasks diff OLDER NEWER                  between two folders
  strongroom tasks restore --out /tmp/restore        write a script and its plan, to read first

Without --from, the newest collections in the targets of jobs of the kind `tasks` are read.
--from takes a collector's folder, a bag, a folder of bags, or any folder of exported files; nothing
is installed or asked on this host. Only `show` and `diff` print arguments: they may hold passwords.
Exit codes: 0 well; 1 failed; 2 a task needs a person, or the collection is partial."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: TasksVerb,
}

#[derive(Debug, Subcommand)]
enum TasksVerb {
    /// Lists tasks: when they start, how they ended, whether they are overdue
    List(list::ListArgs),
    /// Shows one task
    Show(show::ShowArgs),
    /// Shows how tasks stand, the worst first; writes the tables
    Status(status::StatusArgs),
    /// Shows what changed between two collections
    Diff(changes::DiffArgs),
    /// Writes a script and a plan that restore the tasks
    Restore(restore::RestoreArgs),
}

pub(crate) fn run(args: &Args, file: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    match &args.action {
        TasksVerb::List(args) => list::run(args, file, out),
        TasksVerb::Show(args) => show::run(args, file, out),
        TasksVerb::Status(args) => status::run(args, file, out),
        TasksVerb::Diff(args) => changes::run(args, file, out),
        TasksVerb::Restore(args) => restore::run(args, file, out),
    }
}
