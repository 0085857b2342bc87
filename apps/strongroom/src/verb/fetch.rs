//! `strongroom fetch`: brings files onto the drive, as a process of its own.

use std::path::PathBuf;

use strongroom_model::StageName;
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::process::mount::with_drive;
use crate::process::role::Role;
use crate::process::{Common, Process};

/// Brings files from the document server onto the drive
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom fetch                              the drive of drive.root, 8 transfers at once
  strongroom fetch --drive /mnt/blue --concurrency 32
  strongroom fetch & strongroom fetch & strongroom fetch &

Start as many as the server and the drive can bear, on every host that mounts a drive; one that is
killed costs only time. While the drive is away or full it waits, and one alarm says so.
The first SIGTERM finishes in-flight work, the second aborts it; nothing is lost either way.")]
pub(crate) struct Args {
    /// The drive's folder, where it is mounted; without it drive.root
    #[arg(long, value_name = "PATH")]
    drive: Option<PathBuf>,
    /// How many transfers at once; without it fetch.concurrency
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    concurrency: Option<u32>,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, mut config: Config) -> Result<Exit, CliError> {
    if let Some(concurrency) = args.concurrency {
        config.fetch.concurrency = concurrency;
        // Each transfer has a connection, or it only waits for one.
        config.source.connections = config.source.connections.max(concurrency);
    }
    let config = with_drive(config, args.drive.as_deref())?;
    let mut process = Process::worker(Role::Stage(StageName::Fetch), config, &args.common).await?;
    process.start_fetch();
    let done = process.work().await;
    process.end(done).await
}
