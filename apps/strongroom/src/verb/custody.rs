//! `strongroom custody`: does what is asked of drives' contents, and approved purges, as a process of its own.

use std::path::PathBuf;

use strongroom_model::StageName;
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::process::mount::with_drive;
use crate::process::role::Role;
use crate::process::{Common, Process};

/// Verifies, copies, repairs and restores what drives hold, and runs approved purges, as people ask for it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom custody                            for the drive of drive.root
  strongroom custody --drive /mnt/blue          for this one, whatever the configuration says

Each drive has a queue of its own, so the work goes to the host that mounts it; it asks by itself for
what is due (custody.verify_every, custody.drill_every). Without such a process the verbs do the work
themselves: strongroom drive verify, copy and repair, strongroom restore.
The first SIGTERM finishes the slice in flight, the second aborts it; nothing is lost either way.")]
pub(crate) struct Args {
    /// The drive's folder, where it is mounted; without it drive.root
    #[arg(long, value_name = "PATH")]
    drive: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, config: Config) -> Result<Exit, CliError> {
    let config = with_drive(config, args.drive.as_deref())?;
    let roles = [Role::Stage(StageName::Custody), Role::Stage(StageName::Purge)];
    let mut process = Process::worker_of("custody", &roles, config, &args.common).await?;
    process.start_custody().await;
    process.start_purge().await;
    let done = process.work().await;
    process.end(done).await
}
