//! `strongroom enumerate`: claims bookings, as a process of its own.

use strongroom_model::StageName;
use strongroom_service::Config;
use strongroom_service::actor::actor;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::process::role::Role;
use crate::process::{Common, Process};
use crate::run::clock_watch::ClockWatch;
use crate::run::one::ask;
use crate::run::runs::Runs;

/// Claims the oldest signed-off bookings: on its schedule, or once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom enumerate                          keep the schedule of strongroom.toml until stopped
  strongroom enumerate --once                   one run, now; for cron and timers
  */2 23,0-4 * * * strongroom enumerate --once  every two minutes of the night, by cron

Two at once are one schedule: each slot has one run. A run waits until the files of the one before it
are on the drive, whoever brings them, and at most one run's are left to be proven and archived; with
mail.summary at `run` it waits for its end. With --once it ends when the bookings are claimed;
other processes do the rest; it listens only where --listen says so.
Without a terminal it then says nothing if all is well, and otherwise one sentence with the next step.
Exit codes of --once: 0 well, also where nothing waits; 1 nobody could be asked; 2 it goes on later,
or some records cannot be used.")]
pub(crate) struct Args {
    /// Ask for one run, take part in it, and exit when it has enumerated
    #[arg(long)]
    once: bool,
    /// How many runs at once: 1, since two would want the same bookings
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1))]
    concurrency: u32,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, config: Config, out: &mut Out) -> Result<Exit, CliError> {
    let common = Common { once: args.once, ..args.common.clone() };
    let mut process = Process::worker(Role::Stage(StageName::Enumerate), config, &common).await?;
    process.start_enumerate();
    let mut clock_watch = ClockWatch::of(&process, &actor(StageName::Enumerate), Some(process.source().clone()));
    if !args.once {
        let done = keep(&process, &mut clock_watch).await;
        return process.end(done).await;
    }
    let asked = ask(&process, &mut clock_watch).await;
    let asked = process.close(asked).await?;
    if !common.is_quiet() || asked.exit != Exit::Well {
        out.line(asked.line)?;
    }
    Ok(asked.exit)
}

async fn keep(process: &Process, clock_watch: &mut ClockWatch) -> Result<(), CliError> {
    let name = actor(StageName::Enumerate);
    let mut runs = Runs::new(&process.config, &process.log, &process.clock, &name).await?;
    runs.look_back().await?;
    let turns = process.keep(async || {
        clock_watch.turn().await?;
        runs.turn(true).await
    });
    turns.await
}
