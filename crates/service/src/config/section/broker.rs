//! `[broker]`

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::ConfigError;
use crate::config::value::{Period, ServiceKind, ServiceUrl, broker_address};

/// AMQP counts whole seconds.
const SHORTEST_HEARTBEAT: Duration = Duration::from_secs(1);
/// A dead peer must be noticed while somebody waits for it.
const LONGEST_HEARTBEAT: Duration = Duration::from_secs(600);

/// The message broker, where each stage runs in processes of its own.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct BrokerSection {
    /// RabbitMQ's address and virtual host, with a user and a password: amqp:// or, with
    /// TLS, amqps://. Unset: `strongroom run` does everything in one process.
    #[config(deserialize_with = broker_address)]
    #[schemars(with = "Option<String>")]
    pub url: Option<ServiceUrl>,

    /// The file that holds that address and nothing else, readable by this program's user
    /// only, instead of `url`.
    pub url_file: Option<PathBuf>,

    /// How many messages wait in a queue, at most; what else there is to do waits in the
    /// log.
    #[config(default = 2000, validate(*ready_most >= 1 && *ready_most <= 100_000, "it must be from 1 to 100000"))]
    pub ready_most: u32,

    /// How long a stage works at one file before it says in the log that it still does. It
    /// must be shorter than the broker's consumer timeout, which is 30m unless changed.
    #[config(default = "10m", validate(!hold_after.get().is_zero(), "it must be longer than nothing"))]
    pub hold_after: Period,

    /// How often both sides of a connection show that they are there.
    #[config(default = "20s", validate = check_heartbeat)]
    pub heartbeat: Period,

    /// How long a connection may take to come up.
    #[config(default = "10s", validate(!connect_timeout.get().is_zero(), "it must be longer than nothing"))]
    pub connect_timeout: Period,
}

fn check_heartbeat(heartbeat: &Period) -> Result<(), &'static str> {
    if (SHORTEST_HEARTBEAT..=LONGEST_HEARTBEAT).contains(&heartbeat.get()) {
        Ok(())
    } else {
        Err("it must be from 1s to 10m")
    }
}

impl BrokerSection {
    /// The broker's address, if set directly or in a file.
    pub fn address(&self) -> Result<Option<ServiceUrl>, ConfigError> {
        ServiceUrl::choose(ServiceKind::Broker, "broker.url", self.url.as_ref(), self.url_file.as_deref())
    }

    /// The broker's address, where it is required.
    pub fn needed_address(&self) -> Result<ServiceUrl, ConfigError> {
        self.address()?.ok_or(ConfigError::Missing {
            key: "broker.url",
            purpose: "the broker that hands work to processes of their own (without one, `strongroom run` does everything in one process)",
            example: r#"url = "amqp://strongroom:password@127.0.0.1/strongroom" in [broker], url_file, or STRONGROOM_BROKER_URL in the environment"#,
        })
    }
}
