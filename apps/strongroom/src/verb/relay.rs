//! `strongroom relay`: publishes what is to be done, from the log to the broker.

use std::time::Duration;

use strongroom_bus::{RelayPace, RelayWiring, spawn_relay};
use strongroom_service::Config;
use strongroom_service::actor::actor_named;

use crate::exit::Exit;
use crate::run::wire;
use crate::trouble::Trouble;
use crate::worker::{Common, Worker};

/// Hands work out: from the log to the broker's queues
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom relay                              hand work out until stopped
  strongroom relay --listen 127.0.0.1:9401      and answer /healthz, /readyz and /metrics there

Start two, on two hosts: one is active, the other takes over. It keeps nothing: what is to be done
stands in the log, and after a broker was wiped it is handed out again. The relay declares the queues
where its user may; or else `strongroom topology apply` does. It raises alarms when the broker cannot
be reached, a queue has no worker, or a message was parked.")]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, config: Config) -> Result<Exit, Trouble> {
    let worker = Worker::open("relay", config, &args.common).await?;
    let relay = spawn_relay(RelayWiring {
        log: worker.log.clone(),
        broker: worker.broker.clone(),
        clock: worker.clock.clone(),
        retry: wire::retry(&worker.config),
        actor: actor_named("relay"),
        pace: RelayPace::default(),
        stop: worker.stop.clone(),
    });
    worker.show(&relay);
    let done = worker.keep(async || {
        worker.look_at(&relay)?;
        Ok(Duration::MAX)
    });
    let done = done.await;
    worker.stop.cancel();
    relay.ended().await;
    worker.close(done).await
}
