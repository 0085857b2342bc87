//! `strongroom job`: backup jobs of any kind.

mod adopt;

use clap::Subcommand;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// Backup jobs of any kind
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom job adopt robocopy.log                  say in one sentence what a log shows"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: JobVerb,
}

#[derive(Debug, Subcommand)]
enum JobVerb {
    /// Says in one sentence what a log of robocopy, rsync, rclone or restic shows
    Adopt(adopt::AdoptArgs),
}

pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit, CliError> {
    match &args.action {
        JobVerb::Adopt(args) => adopt::run(args, out),
    }
}
