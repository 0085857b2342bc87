//! A process of one part: the relay, or one stage. What each needs, and how it ends.
//!
//! - [`open`]: the site, opened, and what the process says of itself;
//! - [`pulse`]: how it stands, looked at again and again, for health and the service manager;
//! - [`server`]: the document server, looked at also while nothing is to be done;
//! - [`attached`]: the drive of a stage that needs one.

pub(crate) mod attached;
pub(crate) mod open;
pub(crate) mod pulse;
pub(crate) mod server;

use std::net::SocketAddr;
use std::time::Duration;

pub(crate) use self::open::Worker;

/// How long the end may take once everything is to be given up: closing a log is a few
/// milliseconds.
const END_MOST: Duration = Duration::from_secs(5);

/// What every worker can be told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// Answer /healthz, /readyz and /metrics there; without it at health.listen
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Whether it says nothing of itself, for its ending says it.
    #[arg(skip)]
    pub(crate) is_quiet: bool,
}
