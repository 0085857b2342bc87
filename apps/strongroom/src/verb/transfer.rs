//! `strongroom transfer`: does backup jobs, as a process of its own on the host that has the data.

use strongroom_model::StageName;
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::process::role::Role;
use crate::process::{Common, Process};

/// Does the backup jobs of this host, copies and proofs, when they are due and as people ask for them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom transfer                           the jobs of strongroom.toml that are this host's
  strongroom transfer --concurrency 4

Each host has a queue of its own, so a job is done where its data is; jobs of other hosts are left to
them. `strongroom run` does the same in one process with everything else.
The first SIGTERM ends the tools that work, and records their runs as interrupted: they start again.")]
pub(crate) struct Args {
    /// How many jobs at once; without it transfer.concurrency
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    concurrency: Option<u32>,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, mut config: Config) -> Result<Exit, CliError> {
    if let Some(concurrency) = args.concurrency {
        config.transfer.concurrency = concurrency;
    }
    let roles: Vec<Role> = Role::of_jobs().collect();
    let mut process = Process::worker_of(StageName::Transfer.name(), &roles, config, &args.common).await?;
    process.start_jobs();
    let done = process.work().await;
    process.end(done).await
}
