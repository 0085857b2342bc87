//! Whether the broker answers, lets us in, and has what the site needs.

use strongroom_bus::BrokerError;
use strongroom_bus::broker::Parked;
use strongroom_service::Config;

use super::check::Check;
use crate::cli_error::CliError;
use crate::{broker, site};

pub(super) async fn broker(config: &Config) -> Vec<Check> {
    let broker = match broker::if_any(config, "doctor") {
        Ok(Some(broker)) => broker,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![Check::error("broker", &error)],
    };
    // Without a log the queues of its drives are not known; the others are.
    let log = site::log_if_any(config).await.ok().flatten();
    let topology = broker::topology(config, log.as_ref(), &[]).await;
    if let Some(log) = log {
        log.close().await;
    }
    let topology = match topology {
        Ok(topology) => topology,
        Err(error) => return vec![Check::error("broker", &error)],
    };
    let place = broker.place();
    match broker.check(&topology).await {
        Ok(()) => {
            let found = format!("{place} takes our login, and has the site's {} queues", topology.queues().len());
            vec![Check::well("broker", found), parked(&Parked::new(&broker)).await]
        }
        Err(BrokerError::Missing { what }) => {
            let step = "start `strongroom relay`, which declares what is missing where it may; or run `strongroom topology apply`";
            vec![Check::warning("broker", format!("{place} takes our login, but {what} is missing there"), step)]
        }
        Err(error) => {
            let step =
                "see broker.url in strongroom.toml, and that RabbitMQ runs there with that user and virtual host";
            vec![Check::error("broker", &CliError::from(error).next_step(step))]
        }
    }
}

/// Messages that nobody could read.
async fn parked(parked: &Parked) -> Check {
    match parked.list(1).await {
        Ok(messages) if messages.is_empty() => Check::well("parked messages", "none"),
        Ok(_) => Check::warning(
            "parked messages",
            "messages that nobody could read were put aside",
            "strongroom queue parked shows them, and why",
        ),
        // One who may not take from that queue cannot see what is in it.
        Err(error) => Check::warning("parked messages", error.to_string(), "see the rights that deploy/rabbitmq shows"),
    }
}
