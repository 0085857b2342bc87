//! `strongroom notify`: tells people, as a process of its own.

use std::time::Duration;

use strongroom_audit::failed_mail;
use strongroom_model::StageName;
use strongroom_service::Config;
use strongroom_service::actor::actor;

use crate::exit::Exit;
use crate::run::clock_watch::ClockWatch;
use crate::run::runs::Runs;
use crate::run::summaries::Summaries;
use crate::run::wire;
use crate::site;
use crate::trouble::Trouble;
use crate::worker::{Common, Worker};

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

pub(crate) async fn run(args: &Args, config: Config) -> Result<Exit, Trouble> {
    let mut worker = Worker::open("notify", config, &args.common).await?;
    let stage = wire::notify(&worker.config, &worker.log)?;
    worker.spawn(stage, StageName::Notify);
    let done = keep(&worker).await;
    worker.close(done).await
}

async fn keep(worker: &Worker) -> Result<(), Trouble> {
    let name = actor(StageName::Notify);
    let (config, log, clock) = (&worker.config, &worker.log, &worker.clock);
    let summaries = Summaries::new(config, log, clock, &name).await?;
    let mut runs = Runs::new(config, log, clock, &name).await?;
    // Who only mails need not know the document server.
    let mut clock_watch = ClockWatch::new(log, clock, &name, site::source(config).ok()).in_zone(config.zone());
    let mails = worker.health.needs("mail server");
    let turns = worker.keep(async || {
        // As the last attempt found: a mail that costs nobody anything is not there to try it with.
        match failed_mail(log).await? {
            None => mails.well(),
            Some(why) => mails.bad(why),
        }
        summaries.turn().await?;
        runs.watch().await?;
        clock_watch.turn().await?;
        Ok(Duration::MAX)
    });
    turns.await
}
