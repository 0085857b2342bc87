//! `strongroom verify`: proves the copies on a drive, as a process of its own.

use std::path::PathBuf;

use strongroom_model::StageName;
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::process::mount::with_drive;
use crate::process::role::Role;
use crate::process::{Common, Process};

/// Reads copies back from the drive and compares three digests
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom verify                             the drive of drive.root
  strongroom verify --drive /mnt/blue           this one, whatever the configuration says
  strongroom verify --concurrency 8             8 reads at once: for drives without a moving head

Each drive has a queue of its own, so the work goes to the host that mounts it. When another drive is
put in its place, that one's copies are proven. At its start it puts right what a dead process left.
The first SIGTERM finishes in-flight work, the second aborts it; nothing is lost either way.")]
pub(crate) struct Args {
    /// The drive's folder, where it is mounted; without it drive.root
    #[arg(long, value_name = "PATH")]
    drive: Option<PathBuf>,
    /// How many reads at once; without it verify.concurrency
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    concurrency: Option<u32>,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, mut config: Config) -> Result<Exit, CliError> {
    if let Some(concurrency) = args.concurrency {
        config.verify.concurrency = concurrency;
    }
    let config = with_drive(config, args.drive.as_deref())?;
    let mut process = Process::worker(Role::Stage(StageName::Verify), config, &args.common).await?;
    process.start_verify();
    let done = process.work().await;
    process.end(done).await
}
