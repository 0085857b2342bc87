//! A process of a site: it opens what its roles need, and does the work of any set of them. `strongroom run` has all
//! roles, `strongroom fetch` has one.
//!
//! [`role`], [`open`], [`stages`] and [`wire`] make it; [`pulse`], [`server`] and [`mount`] watch it, `behind` orders
//! two stages; [`keep`] runs it until the shutdown, [`close`] finishes what is in flight.

mod close;
pub(crate) mod keep;
pub(crate) mod mount;
mod only_if_ready;
mod open;
mod pulse;
pub(crate) mod role;
mod server;
mod stages;
pub(crate) mod wire;

use std::net::SocketAddr;

use strongroom_service::Config;
use strongroom_service::config::{DEFAULT_LEVEL, Telemetry};

pub(crate) use self::close::aborted;
pub(crate) use self::open::{Process, ProcessOptions};
use crate::out::is_watched;

/// Options of every verb that works until it is stopped.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// Answer /healthz, /readyz and /metrics there; without it at health.listen
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    #[arg(skip)]
    pub(crate) once: bool,
}

impl Common {
    /// The address for health and metrics. A short-lived process leaves the configured one to the long-lived.
    pub(crate) fn listen(&self, config: &Config) -> Option<SocketAddr> {
        self.listen.or(config.health.listen.filter(|_| !self.once))
    }

    /// Whether it logs nothing: its last line is all that cron's mail or a journal should hold.
    pub(crate) fn is_quiet(&self) -> bool {
        self.once && !is_watched()
    }
}

/// Logs nothing, unless the configuration asks for more than the default.
pub(crate) fn quiet(telemetry: &Telemetry) -> Telemetry {
    let level = if telemetry.level == DEFAULT_LEVEL { "off".to_owned() } else { telemetry.level.clone() };
    Telemetry { level, ..telemetry.clone() }
}
