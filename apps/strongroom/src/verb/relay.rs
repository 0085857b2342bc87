//! `strongroom relay`: publishes what is to be done, from the log to the broker.

use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::process::role::Role;
use crate::process::{Common, Process};

/// Hands work out: from the log to the broker's queues
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom relay                              hand work out until stopped
  strongroom relay --listen 127.0.0.1:9401      and answer /healthz, /readyz and /metrics there

Start two, on two hosts: one is active, the other takes over. It keeps nothing: what is to be done
stands in the log, and after a broker was wiped it is published again. The relay declares the queues
where its user may; or else `strongroom topology apply` does. It raises alarms when the broker cannot
be reached, a queue has no worker, or a message was parked.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, config: Config) -> Result<Exit, CliError> {
    let process = Process::worker(Role::Relay, config, &args.common).await?;
    let done = process.work().await;
    process.end(done).await
}
