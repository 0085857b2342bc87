//! `strongroom monitor`: looks whether what should have happened did, as a process of its own.

use std::time::Duration;

use strongroom_service::Config;
use strongroom_service::actor::actor_named;
use strongroom_service::shutdown::DEFAULT_STOP_BOUND;
use strongroom_service::telemetry::{self, ServiceIdentity};
use strongroom_service::{Clock, Shutdown};

use crate::broker;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::process::role::{MONITOR, Role};
use crate::process::{Common, Process, ProcessOptions};
use crate::run::runs::Runs;

/// Looks whether jobs, runs, hosts and drives are as they should be, and raises alarms where not
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom monitor                            look every watch.monitor_every
  strongroom monitor --listen 127.0.0.1:9465

It knows from the log what should have happened: a job's run that is overdue, a proof that is too old, a
host that is not heard from, a drive that is due, a run of bookings that did not start. It is another
process than the one that should have done it, and any number may look: each alarm is raised once. How
long nobody looked is an alarm as well. `strongroom run` has one in itself, which says nothing if that
process is down: run this one on another host.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, config: Config) -> Result<Exit, CliError> {
    let traces = telemetry::init_as(
        &broker::without_client(&config.telemetry),
        &ServiceIdentity { verb: MONITOR, site: &config.site },
    )?;
    let (clock, shutdown) = (Clock::system(), Shutdown::on_signals(DEFAULT_STOP_BOUND));
    let listen = args.common.listen(&config);
    let roles = [Role::Monitor];
    let options = ProcessOptions { verb: MONITOR, roles: &roles, config, listen, clock, shutdown, traces };
    let mut process = Process::open(options).await?;
    process.start_monitor().await;
    let mut runs = Runs::new(&process.config, &process.log, &process.clock, &actor_named(MONITOR)).await?;
    let every = process.config.watch.monitor_every.get();
    let done = process.keep(async || runs.watch().await.map(|()| every.max(Duration::from_secs(1)))).await;
    process.end(done).await
}
