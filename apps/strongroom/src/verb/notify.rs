//! `strongroom notify`: tells people, as a process of its own.

use std::time::Duration;

use strongroom_model::StageName;
use strongroom_service::Config;
use strongroom_service::actor::actor;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::process::role::Role;
use crate::process::{Common, Process};
use crate::run::clock_watch::ClockWatch;
use crate::run::runs::Runs;
use crate::run::summaries::Summaries;
use crate::site;

/// Mails alarms at once and summaries when they are due
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom notify                             until stopped

It composes the summaries that mail.summary asks for, mails alarms (also while the broker is away),
and raises one when runs that the schedule asks for do not happen. A second one takes over where the
first dies; neither sends what the other sent.")]
pub(crate) struct Args {
    /// How many mails at once: 1, since alarms that come together share a mail
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1))]
    concurrency: u32,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, config: Config) -> Result<Exit, CliError> {
    let mut process = Process::worker(Role::Stage(StageName::Notify), config, &args.common).await?;
    process.start_notify().await?;
    let done = keep(&process).await;
    process.end(done).await
}

async fn keep(process: &Process) -> Result<(), CliError> {
    let name = actor(StageName::Notify);
    let (config, log, clock) = (&process.config, &process.log, &process.clock);
    let summaries = Summaries::new(config, log, clock, &name).await?;
    let mut runs = Runs::new(config, log, clock, &name).await?;
    // Who only mails need not know the document server.
    let mut clock_watch = ClockWatch::of(process, &name, site::source(config).ok());
    let turns = process.keep(async || {
        summaries.turn().await?;
        runs.watch().await?;
        clock_watch.turn().await?;
        Ok(Duration::MAX)
    });
    turns.await
}
