//! A process of a site: it opens what its roles need, and does the work of any set of them. `strongroom run` has all
//! roles, `strongroom fetch` has one.
//!
//! - [`role`]: the roles, and what each of them needs;
//! - [`open`]: the site, opened; [`stages`]: its stages, started; [`wire`]: how each is made from the configuration;
//! - [`pulse`]: how the process is doing, looked at again and again, for health and the service manager;
//! - [`server`]: the document server, looked at also while nothing is to be done;
//! - [`mount`]: the drive, where a role needs it; `behind`: a stage that begins nothing before another one may;
//! - [`keep`]: turn after turn until the shutdown; [`close`]: finishing what is in flight, in order.

mod behind;
mod close;
pub(crate) mod keep;
pub(crate) mod mount;
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
    /// Whether it does one thing and exits.
    #[arg(skip)]
    pub(crate) once: bool,
}

impl Common {
    /// Where to answer questions about the health of this process. One that is over in a moment leaves the address
    /// that is watched to those that work beside it, perhaps by the same configuration.
    pub(crate) fn listen(&self, config: &Config) -> Option<SocketAddr> {
        self.listen.or(config.health.listen.filter(|_| !self.once))
    }

    /// Whether it logs nothing by itself: what it prints at its end is all there is to know, for cron's mail or a journal.
    pub(crate) fn is_quiet(&self) -> bool {
        self.once && !is_watched()
    }
}

/// The log lines of a program that prints one sentence at its end: none, unless the configuration asks for more than
/// it does by default.
pub(crate) fn quiet(telemetry: &Telemetry) -> Telemetry {
    let level = if telemetry.level == DEFAULT_LEVEL { "off".to_owned() } else { telemetry.level.clone() };
    Telemetry { level, ..telemetry.clone() }
}
