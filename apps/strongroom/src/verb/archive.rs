//! `strongroom archive`: tells the document server, as a process of its own.

use strongroom_model::StageName;
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::process::role::Role;
use crate::process::{Common, Process};

/// Tells the document server what is proven, and has its copies moved
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom archive                            many bookings with one request, two requests at once
  strongroom archive --concurrency 1            one request at a time

One is enough for most sites; a second takes over where the first one dies.
The first SIGTERM finishes in-flight work, the second aborts it; nothing is lost either way.")]
pub(crate) struct Args {
    /// How many requests at once, each with archive.batch bookings at most
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    concurrency: u32,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, config: Config) -> Result<Exit, CliError> {
    let mut process = Process::worker(Role::Stage(StageName::Archive), config, &args.common).await?;
    process.start_archive(Some(args.concurrency as usize)).await;
    let done = process.work().await;
    process.end(done).await
}
